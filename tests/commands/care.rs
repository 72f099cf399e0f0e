//! Looking after a warehouse: `history`, `verify`, `vacuum`, `retry`, and runs that are told how far
//! to go.

use serde_json::{Value, json};

use super::tiny::{DAYS, PIPELINE, Tiny, event, lines, log};

const PUBLIC: &str = "warehouse/fct_users_daily/date=2026-11-19/part-00000.parquet";

/// One more user on a day that is published already.
fn one_more(tiny: &Tiny, day: &str, user: &str) {
    let before = std::fs::read_to_string(tiny.path(&log(day))).expect("reads");
    let late = event(&format!("{day}T15:00:00Z"), user, user, "user", "message");
    tiny.write(&log(day), before + &lines(&[late]));
}

#[test]
fn a_verified_warehouse_has_nothing_missing_changed_or_added() {
    let tiny = Tiny::after_a_run();
    let told = tiny.run(&["verify", PIPELINE]).expect(0).out;
    assert!(told.contains("all is as it was committed"), "{told}");
    let whole = std::fs::read(tiny.path(PUBLIC)).expect("reads");
    let beside = "warehouse/fct_users_daily/date=2026-11-19/copy.parquet";
    tiny.write(beside, &whole);
    tiny.run(&["verify", PIPELINE]).expect(8).says(&["not what was committed", "objects: 1"]);
    tiny.remove(beside);
    let mut damaged = whole.clone();
    damaged[20] ^= 1;
    tiny.write(PUBLIC, damaged);
    let told = tiny.run(&["verify", PIPELINE, "--json"]).expect(8).out;
    let told: Value = serde_json::from_str(&told).expect("JSON");
    assert!(told["findings"][0]["object"].as_str().is_some_and(|o| o.ends_with(PUBLIC)), "{told}");
    tiny.write(PUBLIC, whole);
    tiny.run(&["verify", PIPELINE]).expect(0);
}

#[test]
fn a_file_of_somebody_else_is_not_clobbered() {
    let tiny = Tiny::after_a_run();
    tiny.write(PUBLIC, "not ours");
    one_more(&tiny, "2026-11-19", "eva");
    let run = ["run", PIPELINE, "--models", "fct_users_daily"];
    tiny.run(&run).expect(8).says(&["something else wrote a published object", PUBLIC, "move it"]);
    assert_eq!(std::fs::read(tiny.path(PUBLIC)).expect("reads"), b"not ours");
    tiny.remove(PUBLIC);
    tiny.run(&run).expect(0);
    tiny.run(&["verify", PIPELINE]).expect(0);
}

#[test]
fn force_puts_back_what_is_gone_or_damaged() {
    let tiny = Tiny::after_a_run();
    let whole = std::fs::read(tiny.path(PUBLIC)).expect("reads");
    let force = ["run", PIPELINE, "--models", "fct_users_daily", "--force"];
    let force = [&force[..], &["--from", "2026-11-18", "--to", "2026-11-21"]].concat();
    tiny.remove(PUBLIC);
    tiny.run(&["verify", PIPELINE]).expect(8).says(&["objects: 1", "run --force"]);
    tiny.run(&force).expect(0);
    assert!(std::fs::read(tiny.path(PUBLIC)).expect("is back") == whole);
    // Objects that only the program reads: of one day, and of several.
    for table in ["fct_users_daily/date=2026-11-19", "int_user_day"] {
        let folder = tiny.path(&format!("warehouse/_chatkpi/obj/{table}"));
        for file in super::tiny::files_below(&folder).values() {
            std::fs::write(file, "damaged").expect("writes");
        }
        tiny.run(&["verify", PIPELINE]).expect(8);
        tiny.run(&force).expect(0);
        tiny.run(&["verify", PIPELINE]).expect(0);
    }
    // What somebody else wrote is never replaced.
    tiny.write(PUBLIC, "not ours");
    tiny.run(&force).expect(8).says(&["something else wrote a published object", PUBLIC]);
}

#[test]
fn history_tells_which_days_a_run_restated() {
    let tiny = Tiny::after_a_run();
    one_more(&tiny, "2026-11-19", "eva");
    tiny.run(&["run", PIPELINE, "--models", "fct_users_daily"]).expect(0);
    tiny.run(&["run", PIPELINE, "--date", "2030-01-01"]).expect(4);
    let told = tiny.run(&["history", PIPELINE, "--json"]).expect(0).out;
    let runs: Value = serde_json::from_str(&told).expect("JSON");
    let codes: Vec<_> = runs.as_array().expect("a list").iter().map(|r| &r["exit_code"]).collect();
    assert_eq!(codes, [4, 0, 0], "the newest first");
    let restated = runs[1]["restated"]["fct_users_daily"].as_array().expect("days");
    assert!(restated.contains(&json!("2026-11-19")), "{restated:?}");
    assert_eq!(runs[2]["published"]["fct_users_daily"], json!(DAYS));
    assert_eq!(runs[2]["restated"], json!({}));
    let told = tiny.run(&["history", PIPELINE, "-n", "2"]).expect(0).out;
    assert!(told.contains("restated  fct_users_daily: 2026-11-19"), "{told}");
    assert!(told.contains("days were asked for that have no logs"), "{told}");
    assert!(!told.contains("published "), "the first run is the third: {told}");
}

#[test]
fn a_plan_in_a_file_is_carried_out_once() {
    let tiny = Tiny::after_a_run();
    one_more(&tiny, "2026-11-19", "eva");
    let asked = ["plan", PIPELINE, "--json", "--models", "fct_users_daily"];
    tiny.write("plan.json", tiny.run(&asked).expect(0).out);
    let run = ["run", PIPELINE, "--plan", "plan.json"];
    one_more(&tiny, "2026-11-18", "eva");
    tiny.run(&run).expect(5).says(&["the plan is out of date", "chatkpi plan"]);
    tiny.write("plan.json", tiny.run(&asked).expect(0).out);
    let told = tiny.run(&run).expect(0).summary();
    assert_eq!(told["objects_decoded"], 2);
    assert_eq!(told["asked"]["days"]["models"], json!(["fct_users_daily"]));
    tiny.run(&run).expect(5).says(&["the plan is out of date"]);
    tiny.run(&["run", PIPELINE, "--plan", PIPELINE]).expect(2).says(&["this is not a plan"]);
}

#[test]
fn a_run_without_time_begins_nothing() {
    let tiny = Tiny::new();
    let told = tiny.run(&["run", PIPELINE, "--max-runtime", "0s"]).expect(7);
    told.says(&["the time that was given to the run is up", "run again"]);
    assert_eq!((tiny.commits().len(), tiny.tables().len()), (0, 0));
    for wrong in ["25h", "1d", "h", "-1s"] {
        let time = format!("--max-runtime={wrong}");
        tiny.run(&["run", PIPELINE, &time]).expect(2).says(&["no time for a run", "90s, 15m"]);
    }
}

#[test]
fn a_vacuum_takes_what_failed_runs_left_and_nothing_else() {
    let tiny = Tiny::after_a_run();
    tiny.write("warehouse/_chatkpi/obj/fct_users_daily/date=2026-11-18/left.pq", "four");
    let before = tiny.warehouse();
    let told = tiny.run(&["vacuum", PIPELINE]).expect(0).out;
    assert!(told.contains("removed 0 objects") && told.contains("1 more are younger"), "{told}");
    let told = tiny.run(&["vacuum", PIPELINE, "--older-than", "0", "--dry-run"]).expect(0).out;
    assert!(told.contains("would remove 1 objects, 4 bytes"), "{told}");
    assert_eq!(tiny.warehouse().len(), before.len());
    tiny.run(&["vacuum", PIPELINE, "--older-than", "0"]).expect(0);
    assert_eq!(tiny.warehouse().len(), before.len() - 1);
    tiny.run(&["verify", PIPELINE]).expect(0);
    tiny.run(&["run", PIPELINE]).expect(0).says(&["nothing to do"]);
}

#[test]
fn what_failed_is_left_out_and_repeated() {
    let tiny = Tiny::after_a_run();
    let yaml = std::fs::read_to_string(tiny.path(PIPELINE)).expect("reads");
    tiny.write(PIPELINE, yaml + "models: [builtin, ./models]\n");
    let contract = |most: u32| {
        format!(
            "doc: Messages of users.\ngrain: [\"*dimensions\"]\nreads:\n  - {{ model: int_session_events }}\n\
             columns:\n  - dimensions\n  - {{ name: sent, type: bigint, doc: \"Messages\" }}\n\
             audits:\n  - {{ name: few, severity: fail, query: \"SELECT sent FROM fct_sent WHERE sent > {most}\" }}\n"
        )
    };
    tiny.write("models/fct_sent/model.yaml", contract(6));
    tiny.write(
        "models/fct_sent/query.sql",
        "SELECT date, {{ dims() }}, COUNT(*) AS sent FROM int_session_events\n\
         WHERE actor = 'user' AND type = 'message' GROUP BY date, {{ dims() }}\n",
    );
    one_more(&tiny, "2026-11-19", "eva");
    let run = ["run", PIPELINE, "--models", "fct_sent", "--keep-going"];
    let told =
        tiny.run(&run).expect(7).says(&["some days were published, others failed"]).summary();
    assert_eq!(told["failed"][0]["dates"], json!(["2026-11-19"]));
    let days = |tiny: &Tiny| tiny.tables().keys().filter(|k| k.starts_with("fct_sent/")).count();
    assert_eq!(days(&tiny), 2);
    tiny.run(&["retry", PIPELINE]).expect(3).says(&["an audit found rows"]);
    assert_eq!(days(&tiny), 2);
    tiny.write("models/fct_sent/model.yaml", contract(7));
    tiny.run(&["retry", PIPELINE, "latest"]).expect(0);
    assert_eq!(days(&tiny), 3);
    let told = tiny.run(&["retry", PIPELINE]).expect(0).out;
    assert!(told.contains("nothing to repeat"), "{told}");
}
