//! `chatkpi init FOLDER` and `chatkpi check FOLDER`: logs that nobody has described yet.

use serde_json::json;

use super::tiny::{KEY, Tiny, lines};

/// A day's conversation as Rasa's event broker writes it.
fn rasa(day: &str, sender: &str) -> String {
    let at = |clock: &str| {
        let instant = chrono::DateTime::parse_from_rfc3339(&format!("{day}T{clock}Z"));
        instant.expect("an instant").timestamp()
    };
    lines(&[
        json!({ "sender_id": sender, "event": "user", "timestamp": at("09:00:00"), "text": "hi",
                "parse_data": { "intent": { "name": "greet", "confidence": 0.9 } }, "input_channel": "rest" }),
        json!({ "sender_id": sender, "event": "bot", "timestamp": at("09:00:02"), "text": "hello" }),
    ])
}

#[test]
fn a_folder_of_logs_becomes_a_pipeline_that_runs() {
    let mut tiny = Tiny::bare();
    for day in ["2026-11-18", "2026-11-19", "2026-11-20"] {
        tiny.write(&format!("raw/events-{day}.jsonl"), rasa(day, "anna"));
    }
    tiny.write("raw/notes.txt", "not a log\n");
    let told = tiny.run(&["check", "raw"]).expect(0).out;
    for part in
        ["events-{date}.jsonl: 3 files; rasa (events), because 6 of 6 records", "chatkpi init"]
    {
        assert!(told.contains(part), "no {part:?} in:\n{told}");
    }
    assert!(told.contains("notes.txt: 1 file; no adapter fits"), "{told}");

    let made = "made.yaml";
    tiny.run(&["init", "raw", "--out", made]).expect(0);
    let text = std::fs::read_to_string(tiny.path(made)).expect("a pipeline");
    assert!(text.contains("adapter: rasa") && text.contains("events-{date}.jsonl"), "{text}");
    // What is there is left as it is.
    tiny.run(&["init", "raw", "--out", made]).expect(2).says(&["is there already", "--out"]);
    assert_eq!(std::fs::read_to_string(tiny.path(made)).expect("a pipeline"), text);

    tiny.set("CHATKPI_USER_KEY", KEY);
    tiny.run(&["check", made]).expect(0);
    let run = tiny.run(&["run", made, "--models", "fct_users_daily"]).expect(0).summary();
    assert_eq!(run["records"]["decoded"], 6);
    assert_eq!(run["records"]["quarantined"], 0);
}

#[test]
fn logs_that_no_adapter_fits_make_no_pipeline() {
    let tiny = Tiny::bare();
    tiny.write("raw/a.jsonl", "{\"who\":\"anna\",\"said\":\"hi\"}\n");
    let told = tiny.run(&["check", "raw"]).expect(0).out;
    assert!(told.contains("no adapter fits") && !told.contains("init"), "{told}");
    tiny.run(&["init", "raw"]).expect(4).says(&["no adapter fits any of the files"]);
    assert!(!tiny.path("pipeline.yaml").exists());
    tiny.run(&["init", "nowhere"]).expect(2);
}
