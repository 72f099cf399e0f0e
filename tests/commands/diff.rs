//! `chatkpi diff`: two warehouses of the same logs, and which setting moved what.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::tiny::{PIPELINE, Tiny, text};

const OTHER: &str = "other.yaml";

/// The company after a run, and its pipeline once more with `change`, run into another warehouse.
fn company(change: impl Fn(&str) -> String) -> Tiny {
    let tiny = Tiny::after_a_run();
    let yaml = std::fs::read_to_string(tiny.path(PIPELINE)).expect("reads");
    tiny.write(OTHER, change(&yaml.replace("./warehouse", "./other")));
    tiny.run(&["run", OTHER]).expect(0);
    tiny
}

fn told(tiny: &Tiny) -> Value {
    let out = tiny.run(&["diff", PIPELINE, OTHER, "--json"]).expect(0).out;
    serde_json::from_str(&out).expect("JSON")
}

fn metrics(told: &Value) -> BTreeMap<String, Value> {
    let all = told["metrics"].as_array().expect("a list").iter();
    all.map(|m| (text(m, "metric"), m.clone())).collect()
}

#[test]
fn the_diff_of_equal_definitions_is_empty() {
    let tiny = company(str::to_owned);
    let told = told(&tiny);
    let names: Vec<_> = told["differences"].as_array().expect("a list").iter().collect();
    assert_eq!(
        (names.len(), &names[0]["name"], &names[0]["matters"]),
        (1, &json!("warehouse"), &json!(false))
    );
    for (metric, moves) in metrics(&told) {
        assert_eq!(
            (&moves["moved"], &moves["only_a"], &moves["only_b"]),
            (&json!(0), &json!(0), &json!(0)),
            "{metric}"
        );
        assert!(moves["compared"].as_u64() > Some(0), "{metric}");
    }
    assert_eq!((&told["logs_only_a"], &told["outdated_days_b"]), (&json!(0), &json!(0)));
    let told = tiny.run(&["diff", PIPELINE, OTHER]).expect(0).out;
    assert!(told.contains("no number depends on: warehouse"), "{told}");
    assert!(told.contains("; 0 metrics differ"), "{told}");
}

#[test]
fn the_diff_names_the_setting_and_the_cells_it_moved() {
    // Users write again after 8 seconds, unless they were handed over or rated the answer.
    let tiny = company(|yaml| format!("{yaml}sessions: {{ timeout: 5s }}\nlow_n: 1\n"));
    let told = told(&tiny);
    let differences = told["differences"].as_array().expect("a list");
    let by = |name: &str| differences.iter().find(|d| d["name"] == name).expect("is told");
    let timeout = by("sessions.timeout");
    assert_eq!((&timeout["a"], &timeout["b"]), (&json!(null), &json!("5s")));
    let has = |list: &Value, name: &str| list.as_array().expect("a list").contains(&json!(name));
    assert!(has(&timeout["tables"], "fct_session") && has(&timeout["metrics"], "sessions"));
    // It is no part of what users are counted from, nor of any metric's own table.
    assert!(!has(&timeout["tables"], "stg_events"));
    assert_eq!(by("low_n")["metrics"], json!([]));
    let metrics = metrics(&told);
    let sessions = &metrics["sessions"];
    assert_eq!(sessions["because"], json!(["sessions.timeout"]));
    assert!(sessions["moved"].as_u64() > Some(0), "{sessions}");
    assert_eq!(sessions["days"], told["days"]);
    // Over all slices a day has four sessions, and two more where two users come back; the third
    // gets an agent's message, which joins.
    let farthest = &sessions["cells"][0];
    assert_eq!(
        (&farthest["a"], &farthest["b"], &farthest["move"]),
        (&json!(4.0), &json!(6.0), &json!(2.0))
    );
    assert_eq!(metrics["interactions"]["moved"], 0);
    assert_eq!(metrics["interactions"]["because"], json!([]));
    let shown = tiny.run(&["diff", PIPELINE, OTHER]).expect(0).out;
    assert!(shown.contains("sessions.timeout: - -> 5s (in "), "{shown}");
    assert!(!shown.lines().any(|line| line.starts_with("interactions ")), "{shown}");
    let line = shown.lines().find(|line| line.starts_with("sessions ")).expect("a row");
    assert!(line.ends_with("sessions.timeout"), "{line}");
}

#[test]
fn cells_of_other_slices_are_in_one_alone() {
    let tiny = company(|yaml| format!("{yaml}grouping_sets: [[bot], []]\n"));
    let told = told(&tiny);
    let metrics = metrics(&told);
    for (metric, moves) in &metrics {
        assert_eq!((&moves["moved"], &moves["only_b"]), (&json!(0), &json!(0)), "{metric}");
        let is_less = moves["only_a"].as_u64() > Some(0);
        let because = if is_less { json!(["grouping_sets"]) } else { json!([]) };
        assert_eq!(moves["because"], because, "{metric}");
    }
    // A bot's minutes have no channel, so no slice of theirs is gone.
    assert_eq!(metrics["availability"]["only_a"], 0);
    assert!(metrics["sessions"]["only_a"].as_u64() > Some(0));
}

#[test]
fn a_file_that_was_changed_since_its_run_is_told() {
    let tiny = company(str::to_owned);
    let yaml = std::fs::read_to_string(tiny.path(OTHER)).expect("reads");
    tiny.write(OTHER, yaml + "sessions: { timeout: 5s }\n");
    let shown = tiny.run(&["diff", PIPELINE, OTHER]).expect(0).out;
    assert!(
        shown.contains("b was changed since 3 of its days were built: run it first"),
        "{shown}"
    );
}

#[test]
fn a_diff_needs_two_warehouses_with_something_in_them() {
    let tiny = Tiny::new();
    let yaml = std::fs::read_to_string(tiny.path(PIPELINE)).expect("reads");
    tiny.write(OTHER, &yaml);
    let told = tiny.run(&["diff", PIPELINE, OTHER]).expect(4);
    told.says(&["nothing is published yet", "run pipeline.yaml` publishes it"]);
    let tiny = Tiny::after_a_run();
    tiny.write(OTHER, yaml);
    let told = tiny.run(&["diff", PIPELINE, OTHER]).expect(2);
    told.says(&["both pipelines publish into one warehouse", "a `warehouse` of its own"]);
}
