//! `chatkpi run`: what it publishes, what it says, and that saying it again changes nothing.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::tiny::{DAYS, PIPELINE, Tiny, event, lines, log, partitions, published, text};

/// The smallest part of the tables, for what does not depend on which.
const ONE_TABLE: [&str; 2] = ["--models", "fct_users_daily"];

#[test]
fn the_first_run_publishes_and_the_second_changes_nothing() {
    let tiny = Tiny::new();
    let first = tiny.run(&["run", PIPELINE]).expect(0).summary();
    let names: BTreeSet<String> = tiny.tables().keys().cloned().collect();
    assert_eq!(names, published(&DAYS));
    describes_the_first_run(&first);
    assert!(super::tiny::files_below(&tiny.path("tmp")).is_empty(), "temporary files are left");

    let before = tiny.warehouse();
    let again = tiny.run(&["run", PIPELINE]).expect(0);
    assert!(tiny.warehouse() == before, "the second run changed a file");
    let all = tiny.tables().len();
    let nothing = format!("nothing to do: {all} partitions are up to date");
    let again = again.says(&[&nothing]).summary();
    assert_eq!(
        again["partitions"],
        json!({ "built": 0, "replaced": 0, "unchanged": 0, "up_to_date": all, "restated": 0 })
    );
    assert_eq!((&again["objects_decoded"], &again["generations"]), (&json!(0), &json!([])));
    assert_eq!(again["rows"], first["rows"]);
}

fn describes_the_first_run(summary: &Value) {
    let keys: Vec<&str> =
        summary.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        [
            "run_id",
            "pipeline",
            "asked",
            "state",
            "started_at",
            "from",
            "to",
            "watermark",
            "objects_decoded",
            "objects_removed",
            "bytes_decoded",
            "records",
            "duplicates",
            "partitions",
            "rows",
            "missing",
            "failed",
            "warnings",
            "warned",
            "error",
            "exit_code",
            "generations",
            "seconds",
        ]
    );
    for (key, value) in [
        ("pipeline", json!("tiny")),
        ("state", json!("succeeded")),
        ("from", json!("2026-11-18")),
        ("to", json!("2026-11-21")),
        ("watermark", json!("2026-11-20T12:00:08Z")),
        ("objects_decoded", json!(3)),
        ("missing", json!([])),
        ("error", Value::Null),
        ("exit_code", json!(0)),
        ("generations", json!([1, 2, 3])),
    ] {
        assert_eq!(summary[key], value, "{key}");
    }
    assert_eq!(summary["records"]["quarantined"], 0);
    assert_eq!(
        (&summary["partitions"]["replaced"], &summary["partitions"]["up_to_date"]),
        (&json!(published(&DAYS).len()), &json!(0))
    );
    assert!(summary["rows"].as_u64() > Some(100) && summary["seconds"].as_f64() > Some(0.0));
}

#[test]
fn nothing_to_do_has_the_exit_code_that_was_asked_for() {
    let tiny = Tiny::after_a_run();
    let told = tiny.run(&["run", PIPELINE, "--skip-exit-code", "99"]).expect(99);
    assert_eq!(told.summary()["exit_code"], 99);
    // Work is no reason to skip.
    tiny.write(
        &log("2026-11-21"),
        lines(&[event("2026-11-21T09:00:00Z", "x", "anna", "user", "message")]),
    );
    let told = tiny
        .run(&[&["run", PIPELINE, "--skip-exit-code", "99"], &ONE_TABLE[..]].concat())
        .expect(0);
    assert_eq!(told.summary()["to"], "2026-11-22");
}

#[test]
fn a_day_without_logs_is_missing() {
    let tiny = Tiny::after_a_run();
    let before = tiny.tables();
    // After the last log, in the future, and before the first.
    for day in ["2026-11-21", "2099-01-01", "2025-11-18"] {
        let told = tiny.run(&["run", PIPELINE, "--date", day]).expect(4);
        let told = told.says(&[
            &format!("missing days: {day}"),
            "source: bot",
            "empty_ok: true",
            "--skip-exit-code",
        ]);
        assert_eq!(told.summary()["missing"][0]["date"], day);
        assert_eq!(told.summary()["exit_code"], 4);
        tiny.run(&["run", PIPELINE, "--date", day, "--skip-exit-code", "99"]).expect(99);
    }
    // Days before the first log are no gap when there is work after them.
    tiny.run(&["run", PIPELINE, "--from", "2026-11-01", "--to", "2026-11-21"]).expect(0);
    assert!(tiny.tables() == before);
}

#[test]
fn an_interval_is_half_open_under_all_its_names() {
    let tiny = Tiny::after_a_run();
    for names in [
        ["--from", "--to"],
        ["--event-time-start", "--event-time-end"],
        ["--data-interval-start", "--data-interval-end"],
    ] {
        for (from, to) in
            [("2026-11-18", "2026-11-20"), ("2026-11-18T00:00:00+01:00", "2026-11-19T23:00:00Z")]
        {
            let told =
                tiny.run(&["run", PIPELINE, names[0], from, names[1], to]).expect(0).summary();
            assert_eq!((&told["from"], &told["to"]), (&json!("2026-11-18"), &json!("2026-11-20")));
            assert_eq!(told["partitions"]["up_to_date"], published(&DAYS[..2]).len());
        }
    }
    let told = tiny.run(&["run", PIPELINE, "--date", "2026-11-19"]).expect(0).summary();
    assert_eq!((&told["from"], &told["to"]), (&json!("2026-11-19"), &json!("2026-11-20")));
}

#[test]
fn force_builds_again_and_the_content_stays() {
    let tiny = Tiny::after_a_run();
    let (tables, contents) = (tiny.tables(), tiny.contents());
    let commits = tiny.commits().len();
    let told = tiny.run(&["run", PIPELINE, "--force", "--date", "2026-11-19"]).expect(0).summary();
    assert_eq!(
        (&told["partitions"]["replaced"], &told["partitions"]["unchanged"]),
        (&json!(0), &json!(published(&DAYS[1..2]).len()))
    );
    assert!(tiny.tables() == tables && tiny.contents() == contents);
    let built = partitions(&tiny.commits()[commits..]);
    let marts: BTreeSet<_> =
        built.iter().filter(|p| p["published"] == true).map(|p| text(p, "date")).collect();
    // The day, its month and week, and the tables of all days.
    let periods = ["1970-01-01", "2026-11-01", "2026-11-16", "2026-11-19"];
    assert_eq!(marts, periods.map(str::to_owned).into());
}

#[test]
fn only_the_named_tables_are_published() {
    let tiny = Tiny::new();
    let told = tiny.run(&["run", PIPELINE, "--models", "fct_user_daily"]).expect(2);
    told.says(&["no published table `fct_user_daily`", "fct_users_daily"]);
    assert!(tiny.commits().is_empty(), "a mistake is found before any work is done");
    tiny.run(&[&["run", PIPELINE], &ONE_TABLE[..]].concat()).expect(0);
    let names: Vec<String> = tiny.tables().into_keys().collect();
    assert!(
        names.len() == 3 && names.iter().all(|n| n.starts_with("fct_users_daily/")),
        "{names:?}"
    );
}

#[test]
fn as_of_is_the_runs_idea_of_now() {
    let tiny = Tiny::new();
    let mut events: Vec<Value> = Vec::new();
    for n in 0..1_200 {
        let ts = format!("2026-11-20T{:02}:{:02}:00Z", 6 + n / 100, n % 60);
        events.push(event(&ts, &format!("c{n}"), "anna", "user", "message"));
    }
    tiny.write(&log("2026-11-20"), lines(&events));
    let run = |more: &[&str]| tiny.run(&[&["run", PIPELINE], &ONE_TABLE[..], more].concat());
    // What comes after is not known yet, and neither wrong nor a day that is over.
    let told = run(&["--as-of", "2026-11-20T07:00:00+01:00"]).expect(0).summary();
    assert_eq!((&told["to"], &told["objects_decoded"]), (&json!("2026-11-20"), &json!(3)));
    assert!(told["records"]["quarantined"].as_u64() > Some(900), "{told}");
    let told =
        run(&["--as-of", "2026-11-20T07:00:00+01:00", "--include-today"]).expect(0).summary();
    assert_eq!(told["to"], "2026-11-21");
    // Later the same object is read again, for all that it holds.
    let told = run(&[]).expect(0).summary();
    assert_eq!((&told["to"], &told["records"]["kept"]), (&json!("2026-11-21"), &json!(1_200)));
    let fresh = Tiny::new();
    let told = fresh.run(&[
        "run",
        PIPELINE,
        "--models",
        "fct_users_daily",
        "--as-of",
        "2026-11-19T06:00:00+01:00",
    ]);
    let told = told.expect(0).summary();
    assert_eq!((&told["to"], &told["objects_decoded"]), (&json!("2026-11-19"), &json!(2)));
}

#[test]
fn the_accounting_adds_up() {
    let tiny = Tiny::new();
    let ok = |ts: &str| event(ts, "c", "anna", "user", "message");
    let (mut test, mut twin) = (ok("2026-11-18T08:00:00Z"), ok("2026-11-18T08:30:00Z"));
    test["is_test"] = json!(true);
    twin["event_id"] = json!("twin");
    let early = ok("2026-11-16T08:00:00Z");
    let records = lines(&[test, twin.clone(), twin, early, ok("2026-11-18T08:10:00Z"), json!([1])]);
    tiny.write(&log("2026-11-18"), format!("\n{records}broken\n\n"));
    tiny.change_pipeline("dimensions:", "start: 2026-11-18\ndimensions:");
    let told = tiny
        .run(&["run", PIPELINE, "--models", "fct_users_daily", "--date", "2026-11-18"])
        .expect(0)
        .summary();
    let count = |key: &str| told["records"][key].as_u64().expect("a number");
    let counts = [
        "read",
        "decoded",
        "filtered",
        "empty",
        "quarantined",
        "blank",
        "emitted",
        "kept",
        "test",
        "out_of_window",
    ]
    .map(count);
    assert_eq!(counts, [9, 5, 0, 0, 2, 2, 5, 3, 1, 1]);
    assert_eq!(told["records"]["reasons"], json!({ "not_json": 1, "not_object": 1 }));
    // emitted = accepted + test + duplicate + out of window.
    assert_eq!(told["duplicates"], 1);
    let staged = partitions(&tiny.commits()).into_iter().find(|p| p["table"] == "stg_events");
    assert_eq!(staged.expect("a partition")["rows"], 2);
}

#[test]
fn late_and_changed_logs_restate_what_they_change() {
    let tiny = Tiny::after_a_run();
    let before = tiny.tables();
    let mut events = vec![event("2026-11-19T20:00:00Z", "late", "eva", "user", "message")];
    events.push(event("2026-11-19T20:00:01Z", "late", "eva", "bot", "message"));
    tiny.write("logs/events-2026-11-19.jsonl.late", lines(&events));
    let told = tiny.run(&[&["run", PIPELINE], &ONE_TABLE[..]].concat()).expect(0).summary();
    assert_eq!((&told["objects_decoded"], &told["partitions"]["replaced"]), (&json!(1), &json!(1)));
    let after = tiny.tables();
    let changed: Vec<_> =
        after.iter().filter(|(name, bytes)| before.get(*name) != Some(*bytes)).collect();
    let names: Vec<_> = changed.into_iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["fct_users_daily/date=2026-11-19/part-00000.parquet"]);
}
