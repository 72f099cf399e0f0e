//! `chatkpi check`: a pipeline is right or everything wrong with it is told at once.

use super::tiny::{PIPELINE, Tiny, log};

#[test]
fn a_right_pipeline_shows_what_its_sources_hold() {
    let tiny = Tiny::new();
    let told = tiny.run(&["check", PIPELINE]).expect(0);
    for part in
        ["pipeline.yaml: valid", "source bot: 3 objects", "13 records, 13 decoded", "actor=user"]
    {
        assert!(told.out.contains(part), "no {part:?} in:\n{}", told.out);
    }
    assert_eq!(told.out.matches("\n  row  ").count(), 3, "{}", told.out);
    assert!(!told.out.contains("anna"), "raw ids are not shown:\n{}", told.out);
    assert!(!tiny.path("warehouse").exists(), "check changes nothing");
}

#[test]
fn every_mistake_of_a_pipeline_is_told_with_its_place() {
    let tiny = Tiny::new();
    tiny.change_pipeline("timezone: Europe/Stockholm", "timezone: Europe/Stokholm");
    tiny.change_pipeline("dimensions: [bot, channel]", "dimensons: [bot, channel]");
    tiny.change_pipeline("kind: events", "kind: event");
    tiny.change_pipeline("{ user_key_env: TINY_KEY }", "{}");
    tiny.run(&["check", PIPELINE]).expect(2).says(&[
        "the pipeline has 4 mistakes",
        "pipeline.yaml:3:11: ",
        "Europe/Stockholm",
        "pipeline.yaml:5:1: ",
        "did you mean `dimensions`?",
        "pipeline.yaml:6:10: ",
        "user_key_env: CHATKPI_USER_KEY",
        "pipeline.yaml:8:24: ",
        "did you mean `events`?",
    ]);
}

#[test]
fn text_that_is_no_yaml_is_told_with_its_place() {
    let tiny = Tiny::new();
    tiny.change_pipeline("name: tiny", "name: [tiny");
    tiny.run(&["check", PIPELINE]).expect(2).says(&["pipeline.yaml:", "correct the YAML here"]);
}

#[test]
fn a_source_without_objects_is_missing_input() {
    let tiny = Tiny::new();
    tiny.change_pipeline("events-{date}", "event-{date}");
    tiny.run(&["check", PIPELINE]).expect(4).says(&[
        "matches no object",
        "source: bot",
        "{date} stands for",
    ]);
    tiny.change_pipeline("logs/", "lgs/");
    let folder = tiny.path("lgs").display().to_string();
    tiny.run(&["check", PIPELINE]).expect(2).says(&["no such folder", &folder, "source: bot"]);
}

#[test]
fn check_tells_what_of_an_object_cannot_be_read() {
    let tiny = Tiny::new();
    tiny.write(&log("2026-11-17"), "\n{\"ts\":\"2026-11-17T09:00:00Z\",\"actor\":\"user\",\"type\":\"goal\",\"mood\":1}\nno json\n");
    let told = tiny.run(&["check", PIPELINE]).expect(0);
    for part in [
        "3 records, 1 decoded, 1 quarantined, 1 blank",
        "quarantined not_json: 1",
        "unknown field mood: in 1 records",
    ] {
        assert!(told.out.contains(part), "no {part:?} in:\n{}", told.out);
    }
}

#[test]
fn a_mapping_shows_its_rows_and_the_records_that_do_not_fit() {
    let tiny = Tiny::new();
    tiny.change_pipeline(
        "{ name: bot, kind: events, adapter: canonical, path: \"logs/events-{date}.jsonl*\" }",
        "{ name: bot, kind: events, adapter: mapped, path: \"chats/*.json\", records: json-array, \
         emit: [{ explode: /said, fields: { ts: /at, user_id: ^/who, actor: { pointer: /by, \
         map: { c: user, b: bot } }, type: { value: message } } }] }",
    );
    let said = |by: &str| format!(r#"{{"at":"2026-11-18T09:00:00Z","by":"{by}"}}"#);
    let chat = |by: &str| format!(r#"{{"who":"anna","mood":1,"said":[{}]}}"#, said(by));
    let none = r#"{"who":"anna","said":[]}"#.to_owned();
    tiny.write("chats/a.json", format!("[{}]", [chat("c"), chat("?"), none].join(",\n ")));
    let told = tiny.run(&["check", PIPELINE]).expect(0);
    for part in [
        "3 records, 1 decoded, 1 quarantined",
        "0 filtered by the mapping, 1 without an event",
        "quarantined bad_value:actor: 1",
        "refused  line 2, byte 75: bad_value:actor (actor): {\"who\":\"anna\"",
        "unknown field mood",
        "actor=user",
    ] {
        assert!(told.out.contains(part), "no {part:?} in:\n{}", told.out);
    }
    tiny.change_pipeline("user_id: ^/who", "usr_id: ^/who");
    tiny.run(&["check", PIPELINE]).expect(2).says(&["pipeline.yaml:8:", "did you mean `user_id`?"]);
}
