//! The command line by itself: help, version, mistakes, and the exit codes of each.

use super::tiny::{PIPELINE, Tiny};

#[test]
fn help_and_version_are_answers() {
    let tiny = Tiny::new();
    let help = tiny.run(&["--help"]).expect(0);
    for word in ["run", "plan", "check", "status", "demo", "Exit codes: 0", "130/143"] {
        assert!(help.out.contains(word), "no {word} in:\n{}", help.out);
    }
    assert!(help.out.contains("changes nothing"), "the promise of repetition is not in the help");
    let version = tiny.run(&["--version"]).expect(0);
    assert_eq!(version.out, format!("chatkpi {}\n", env!("CARGO_PKG_VERSION")));
    let commands = [
        "run",
        "plan",
        "check",
        "init",
        "status",
        "quarantine",
        "report",
        "diff",
        "history",
        "retry",
        "verify",
        "vacuum",
        "ddl",
        "demo",
    ];
    for command in commands {
        let help = tiny.run(&[command, "--help"]).expect(0);
        assert!(help.out.contains("Usage:"), "{}", help.out);
    }
}

#[test]
fn a_mistake_is_told_with_what_was_meant() {
    let tiny = Tiny::new();
    for (arguments, parts) in [
        (&["statu"][..], &["statu", "'status'"][..]),
        (&["chek", PIPELINE], &["'check'"]),
        (&["run", PIPELINE, "--dates", "2026-11-18"], &["'--date'"]),
        (&["run"], &["<PIPELINE>"]),
        (&[], &["Usage:"]),
        (&["run", PIPELINE, "--from", "2026-11-18"], &["--to"]),
        (
            &[
                "run",
                PIPELINE,
                "--date",
                "2026-11-18",
                "--from",
                "2026-11-18",
                "--to",
                "2026-11-19",
            ],
            &["--date", "--from"],
        ),
        (
            &["run", PIPELINE, "--date", "2026-11-31"],
            &["`2026-11-31` is no day", "write a date like"],
        ),
        (&["run", PIPELINE, "--as-of", "yesterday"], &["`yesterday` is no instant", "RFC 3339"]),
        (
            &["run", PIPELINE, "--from", "2026-11-19", "--to", "2026-11-19"],
            &["holds no day", "--to 2026-11-20"],
        ),
        (
            &["run", PIPELINE, "--from", "2026-11-20", "--to", "2026-11-19"],
            &["holds no day", "--to 2026-11-21"],
        ),
        (&["run", PIPELINE, "--skip-exit-code", "300"], &["300"]),
        (
            &["run", "pipelin.yaml"],
            &["pipelin.yaml", "No such file", "give the path of a pipeline"],
        ),
    ] {
        let told = tiny.run(arguments).expect(2).says(parts);
        assert_eq!(told.out, "", "{arguments:?} is no answer to programs");
    }
    assert!(!tiny.path("warehouse").exists(), "a mistake must leave nothing behind");
}

#[test]
fn another_engine_of_polars_is_refused() {
    for name in ["POLARS_FORCE_STREAMING", "POLARS_AUTO_STREAMING", "POLARS_ENGINE_AFFINITY"] {
        let mut tiny = Tiny::new();
        tiny.set(name, "1");
        tiny.run(&["run", PIPELINE]).expect(2).says(&[name, &format!("unset {name}")]);
        assert!(!tiny.path("warehouse").exists());
    }
}

#[test]
fn logs_are_json_where_asked_and_quiet_where_asked() {
    let tiny = Tiny::after_a_run();
    let told = tiny.run(&["run", PIPELINE, "--log-format", "json"]).expect(0);
    for line in told.err.lines() {
        let line: serde_json::Value = serde_json::from_str(line).expect("each line is JSON");
        assert!(line["message"].is_string() && line["level"].is_string(), "{line}");
    }
    let failed = tiny.run(&["--log-format", "json", "run", "nowhere.yaml"]).expect(2);
    let line: serde_json::Value = serde_json::from_str(failed.err.trim()).expect("one JSON line");
    assert_eq!(line["exit_code"], 2, "{line}");
    let quiet = tiny.run(&["run", PIPELINE, "--quiet"]).expect(0);
    assert_eq!(quiet.err, "");
    assert_eq!(quiet.summary()["exit_code"], 0);
}
