//! `chatkpi plan` and `run --dry-run`: exactly what a run would do, and nothing done.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::tiny::{PIPELINE, Tiny, event, lines, log, partitions, text};

#[test]
fn a_run_builds_what_the_plan_said() {
    let tiny = Tiny::new();
    tiny.run(&["run", PIPELINE, "--models", "fct_users_daily"]).expect(0);
    let plan = planned(&tiny, &[]);
    assert_eq!(
        (&plan["decode"], &plan["missing"], &plan["up_to_date"]),
        (&json!([]), &json!([]), &json!(3))
    );
    assert_eq!((&plan["from"], &plan["to"]), (&json!("2026-11-18"), &json!("2026-11-21")));
    assert!(
        plan["builds"].as_array().expect("a list").iter().all(|b| b["reason"] == "new"),
        "{plan}"
    );
    builds_the_same(&tiny, &plan, &[]);
    assert_eq!(planned(&tiny, &[])["builds"], json!([]));

    let forced = ["--date", "2026-11-19", "--force", "--models", "fct_users_daily"];
    let plan = planned(&tiny, &forced);
    let reasons: BTreeSet<_> = builds(&plan).into_iter().map(|(_, _, reason)| reason).collect();
    assert_eq!(reasons, BTreeSet::from(["forced".to_owned()]));
    builds_the_same(&tiny, &plan, &forced);

    // Another rule for sessions is another definition for all that stands on them.
    tiny.change_pipeline("dimensions:", "sessions: { timeout: 45m }\ndimensions:");
    let changed = ["--models", "fct_sessions_daily"];
    let plan = planned(&tiny, &changed);
    let redefined = |b: &(String, String, String)| b.2 == "definition changed";
    assert!(builds(&plan).iter().any(|b| b.0 == "fct_sessions_daily" && redefined(b)), "{plan}");
    builds_the_same(&tiny, &plan, &changed);
}

#[test]
fn planning_changes_nothing() {
    let tiny = Tiny::new();
    for command in
        [&["plan", PIPELINE][..], &["plan", PIPELINE, "--json"], &["run", PIPELINE, "--dry-run"]]
    {
        let told = tiny.run(command).expect(0);
        assert!(told.out.contains("events-2026-11-20.jsonl"), "{}", told.out);
        assert!(!tiny.path("warehouse").exists(), "{command:?} made a warehouse");
    }
    let tiny = Tiny::after_a_run();
    let before = tiny.warehouse();
    tiny.write(
        &log("2026-11-21"),
        lines(&[event("2026-11-21T09:00:00Z", "x", "anna", "user", "message")]),
    );
    let plan = tiny.run(&["plan", PIPELINE]).expect(0);
    let dry = tiny.run(&["run", PIPELINE, "--dry-run"]).expect(0);
    assert_eq!(plan.out, dry.out);
    for part in [
        "decode     1 objects",
        "build      kpi_daily: 2026-11-21",
        "(new)",
        "what they hold decides",
    ] {
        assert!(plan.out.contains(part), "no {part:?} in:\n{}", plan.out);
    }
    assert!(tiny.warehouse() == before);
    let tiny = Tiny::after_a_run();
    let all = format!("{} partitions are up to date", tiny.numbers().len());
    let done = tiny.run(&["plan", PIPELINE]).expect(0);
    assert!(done.out.contains(&all) && done.out.contains("nothing to do"), "{}", done.out);
}

#[test]
fn a_plan_of_missing_days_says_so() {
    let tiny = Tiny::after_a_run();
    let told =
        tiny.run(&["plan", PIPELINE, "--from", "2026-11-20", "--to", "2026-11-22"]).expect(0);
    let said = "missing    2026-11-21: source `bot` has no object of 2026-11-21";
    assert!(told.out.contains(said), "{}", told.out);
    tiny.run(&["plan", PIPELINE, "--models", "nothing"]).expect(2).says(&["choose from: "]);
}

fn planned(tiny: &Tiny, more: &[&str]) -> Value {
    let told = tiny.run(&[&["plan", PIPELINE, "--json"], more].concat()).expect(0);
    serde_json::from_str(&told.out).expect("JSON alone")
}

/// (table, date, reason) of each partition, in order.
fn builds(plan: &Value) -> Vec<(String, String, String)> {
    let list = plan["builds"].as_array().expect("a list").iter();
    list.map(|b| (text(b, "table"), text(b, "date"), text(b, "reason"))).collect()
}

#[track_caller]
fn builds_the_same(tiny: &Tiny, plan: &Value, more: &[&str]) {
    let known = tiny.commits().len();
    tiny.run(&[&["run", PIPELINE], more].concat()).expect(0);
    let mut built = partitions(&tiny.commits()[known..]);
    // What tells of the warehouse itself follows whatever a run does.
    built.retain(|p| !text(p, "table").starts_with("audit_"));
    let key = |p: &Value| (text(p, "table"), text(p, "date"), text(p, "fingerprint"));
    let built: Vec<_> = built.iter().map(key).collect();
    let planned: Vec<_> = plan["builds"].as_array().expect("a list").iter().map(key).collect();
    assert_eq!(built, planned);
}
