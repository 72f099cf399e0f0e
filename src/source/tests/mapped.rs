//! Mappings: what the manual does not show, and the pipelines that are shipped.

use super::*;
use crate::pipeline::{Pipeline, compile, compile_with_files};

/// Lines of [`pipeline`] before the mapping.
pub(super) const HEAD: usize = 9;

/// A pipeline with this mapping in its second source, and a file for the adapter that it may name.
pub(super) fn pipeline(mapping: &str, adapter: &str) -> Result<Pipeline> {
    let kind = if mapping.contains("kind:") { "" } else { "kind: events, " };
    let other = "{ name: other, kind: events, adapter: canonical, path: o.csv }";
    let mut text = format!(
        "version: 1\nname: x\ntimezone: UTC\nwarehouse: w\nprivacy: {{ user_key_env: K }}\n\
         sources:\n  - {other}\n  -\n    name: bot\n"
    );
    assert_eq!(text.lines().count(), HEAD);
    for line in mapping.lines() {
        text += &format!("    {line}\n");
    }
    text += if mapping.contains("adapter:") { "" } else { "    adapter: mapped\n" };
    text += "    path: logs/*\n";
    text += if kind.is_empty() { "" } else { "    kind: events\n" };
    compile_with_files(Path::new("p/x.yaml"), &text, &|_| Ok(adapter.to_owned()))
}

/// A decoding by this mapping.
pub(super) fn bench(mapping: &str) -> Bench {
    let mut pipeline = pipeline(mapping, "").unwrap_or_else(|error| panic!("{error}"));
    let source = pipeline.sources.remove(1);
    Bench { source, ..Bench::events() }
}

/// A decoding by the first source of a shipped pipeline.
pub(super) fn shipped(name: &str) -> Bench {
    let path = format!("{}/pipelines/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap();
    let mut pipeline = compile(Path::new(&path), &text).unwrap_or_else(|error| panic!("{error}"));
    Bench { source: pipeline.sources.remove(0), ..Bench::events() }
}

const MESSAGES: &str = "
emit:
  - explode: /messages
    fields: { ts: /at, user_id: ^/user, actor: { value: user }, type: { value: message }, text: /text }
";

fn counts(out: &Outcome) -> [u64; 7] {
    let a = &out.decoded.accounting;
    [a.read, a.decoded, a.filtered, a.empty, a.quarantined, a.blank, a.kept]
}

#[test]
fn a_record_is_taken_whole_or_not_at_all() {
    let good =
        r#"{"user":1,"messages":[{"at":"2026-03-01T10:00:00Z"},{"at":"2026-03-01T10:00:01Z"}]}"#;
    let torn =
        r#"{"user":2,"messages":[{"at":"2026-03-01T10:00:00Z"},{"at":"yesterday"},{"at":7}]}"#;
    let out = bench(MESSAGES).run([good, torn, "", good].join("\n"));
    assert_eq!(counts(&out), [4, 2, 0, 0, 1, 1, 4]);
    assert_eq!(out.reasons(), ["bad_timestamp"]);
    let bad = &out.decoded.quarantine[0];
    assert_eq!((bad.line, bad.offset, bad.length), (2, good.len() as u64 + 1, torn.len() as u64));
    assert_eq!(bad.field.as_deref(), Some("ts"));
    // The order of events that name none goes on over records, refused ones too.
    assert_eq!(out.column("seq"), ["0", "1", "3", "4"]);
    assert_eq!(out.column("element"), ["0", "1", "0", "1"]);
    let offsets = out.column("record_offset");
    assert!(offsets[0] == offsets[1] && offsets[2] == offsets[3]);
    // Copies of a record are copies of its events.
    let hashes = out.column("dedup_lo");
    assert!(hashes[0] == hashes[2] && hashes[1] == hashes[3] && hashes[0] != hashes[1]);
}

#[test]
fn a_record_that_lies_ahead_waits_for_its_last_event() {
    let ahead = |second: u32| format!(r#"{{"at":"2026-03-02T14:00:{second:02}Z"}}"#);
    let record = |inner: String| format!(r#"{{"user":1,"messages":[{inner}]}}"#);
    let waits = record(format!("{},{}", ahead(1), ahead(9)));
    let out = bench(MESSAGES).run(&waits);
    assert_eq!(out.reasons(), ["ts_out_of_range"]);
    assert_eq!(out.decoded.retry_after_us, Some(AS_OF + 7_209_000_000));
    // A record that is wrong in another way never comes right.
    let never = record(format!("{},{}", ahead(1), r#"{"at":"soon"}"#));
    let out = bench(MESSAGES).run(&never);
    assert_eq!((out.reasons(), out.decoded.retry_after_us), (vec!["bad_timestamp"], None));
}

#[test]
fn keys_that_no_pointer_names_are_counted_at_the_record() {
    let line = r#"{"user":1,"mood":"good","messages":[{"at":"2026-03-01T10:00:00Z","deep":1}],"none":null}"#;
    let out = bench(MESSAGES).run(line);
    let unknown = BTreeMap::from([("mood".to_owned(), 1)]);
    assert_eq!(out.decoded.accounting.unknown_fields, unknown);
}

#[test]
fn what_is_wrong_with_json_is_told() {
    let at = r#"{"at":"2026-03-01T10:00:00Z"}"#;
    let deep = format!(r#"{{"x":{}1{}}}"#, "[".repeat(70), "]".repeat(70));
    for (line, reason) in [
        (format!(r#"{{"user":1,"user":2,"messages":[{at}]}}"#), "duplicate_key"),
        (r#"{"user":1,"messages":[{"at":"x","at":"y"}]}"#.to_owned(), "duplicate_key"),
        (r#"{"other":1,"other":2}"#.to_owned(), "duplicate_key"),
        (format!(r#"{{"user":1,"messages":[{at}]}} x"#), "trailing_data"),
        (format!(r#"{{"user":1,"messages":[{at}"#), "not_json"),
        ("[1]".to_owned(), "not_object"),
        ("7".to_owned(), "not_object"),
        (deep, "too_deep"),
        (r#"{"messages":{"a":5}}"#.to_owned(), "missing_field:ts"),
        (r#"{"messages":"none"}"#.to_owned(), "bad_type:/messages"),
        (r#"{"user":1,"messages":[{"at":{"s":1}}]}"#.to_owned(), "bad_type:ts"),
    ] {
        let out = bench(MESSAGES).run(&line);
        assert_eq!(out.reasons(), [reason], "{line}");
    }
    for line in [r#"{"messages":null}"#, r#"{"messages":""}"#, "{}", r#"{"messages":{}}"#] {
        assert_eq!(counts(&bench(MESSAGES).run(line)), [1, 0, 0, 1, 0, 0, 0], "{line}");
    }
}

#[test]
fn a_record_has_only_so_many_events() {
    let at = r#"{"at":"2026-03-01T10:00:00Z"},"#.repeat(20_001);
    let line = format!(r#"{{"user":1,"messages":[{}]}}"#, at.trim_end_matches(','));
    assert_eq!(bench(MESSAGES).run(&line).reasons(), ["too_many_events"]);
}

#[test]
fn escapes_are_undone_wherever_text_is_compared() {
    let mapping = r#"
emit:
  - explode: "/m\u00e9"
    keep: { pointer: "/k\u00e9y", equals: "a\"b" }
    fields: { ts: ^/at, user_id: /@key, actor: { value: user }, type: { pointer: /t, map: { "é": goal } } }
"#;
    let line =
        r#"{"at":"2026-03-01T10:00:00Z","m\u00e9":{"u\u0031":{"k\u00e9y":"a\"b","t":"\u00e9"}}}"#;
    let mut bench = bench(mapping);
    bench.keep_raw = true;
    let out = bench.run(line);
    assert_eq!(out.one("type"), "goal");
    assert_eq!(out.one("user_key"), bench.hasher.user_key("u1"));
}

#[test]
fn cells_may_hold_json() {
    let mapping = r#"
emit:
  - explode: /payload/@json/events
    fields: { ts: /at, user_id: "^/user id", actor: { value: user }, type: { value: message }, text: /text }
"#;
    let mut bench = bench(mapping);
    bench.object_key = "logs/a.csv".to_owned();
    let out = bench.run(
        "user id,payload,other\n\
         7,\"{\"\"events\"\":[{\"\"at\"\":\"\"2026-03-01T10:00:00Z\"\",\"\"text\"\":\"\"a\\nb\"\"}]}\",x\n\
         8,,\n9,{,\n",
    );
    assert_eq!(counts(&out), [3, 1, 0, 1, 1, 0, 1]);
    assert_eq!(out.one("user_key"), bench.hasher.user_key("7"));
    assert_eq!(out.one("text_chars"), "3");
    assert_eq!(out.reasons(), ["bad_json"]);
    assert_eq!(out.decoded.accounting.unknown_fields, BTreeMap::from([("other".to_owned(), 1)]));
}

#[test]
fn json_in_text_is_opened_as_often_as_asked() {
    let mapping = r#"
emit:
  - fields:
      ts: /a/@json
      user_id: /b/@json/@json/u
      reason: /b
      intent: /c/@json
      actor: { value: user }
      type: { value: message }
"#;
    let inner = serde_json::json!({ "u": 5, "x": "\"quoted\" \\ 😀" }).to_string();
    let twice = serde_json::to_string(&inner).unwrap();
    let record = serde_json::json!({
        "a": "\"2026-03-01T10:00:00Z\"", "b": twice, "c": "\"[1]\"", "d": "{"
    });
    let bench = bench(mapping);
    let out = bench.run(record.to_string());
    assert_eq!(out.reasons(), ["bad_type:reason"], "an opened value is no text any more");
    let mut opened = record.clone();
    opened["b"] = serde_json::Value::Null;
    opened["user"] = 1.into();
    let out = bench.run(opened.to_string());
    assert_eq!(out.reasons(), ["missing_field:conversation_id"]);
    let mapping = mapping.replace("      reason: /b\n", "");
    let out = super::mapped::bench(&mapping).run(record.to_string());
    assert_eq!(out.one("intent"), "[1]", "opened once, not as often as it goes");
    assert_eq!(out.one("user_key"), bench.hasher.user_key("5"));
}

#[test]
fn an_envelope_is_opened_wherever_the_record_lies() {
    let mapping = "
unwrap: [/data/@json, /body/event]
emit:
  - fields: { ts: /at, user_id: /user, intent: /@key, actor: { value: user }, type: { value: goal }, reason: /data }
";
    let record = r#"{"at":"2026-03-01T10:00:00Z","user":1}"#;
    let mut bench = bench(mapping);
    bench.source.records = Some(Records::JsonObject);
    let text = serde_json::to_string(record).unwrap();
    let out = bench.run(format!(
        r#"{{"a":{{"data":{text}}},"b":{{"data":{record}}},"c":{{"body":{{"event":{record},"x":1}}}},"d":{record},
        "e":{{"data":{{"at":"2026-03-01T10:00:00Z","data":"in","user":2}}}},"f":{{"data":[{record}]}},"g":{{"data":"boom"}}}}"#
    ));
    assert_eq!(out.column("intent"), ["a", "b", "c", "d", "e"]);
    assert_eq!(out.column("reason"), ["null", "null", "null", "null", "in"]);
    // A list is no record, so `f` is one without what it needs.
    assert_eq!(out.reasons(), ["missing_field:ts", "bad_json"]);
    let user = bench.hasher.user_key("1");
    assert_eq!(out.column("user_key")[..4], vec![user; 4]);
}

const STAR: &str = r#"{"AnonymizedUserWorkerID":"w1","CompletionLevel":"Complete","DialogueID":5,"Events":[{"Action":"instruct","Agent":"UserGuide","Text":"be kind","UnixTime":1589375660},{"Action":"utter","Agent":"User","Text":"Hello","UnixTime":1589375664},{"APIName":"hotel","Action":"return_item","Agent":"KnowledgeBase","TotalItems":-1},{"Action":"request_suggestions","Agent":"Wizard","Text":"draft","UnixTime":1589375668},{"Action":"pick_suggestion","ActionLabel":"out_of_scope","Agent":"Wizard","Text":"Sorry?","UnixTime":1589375670},{"Action":"complete","Agent":"User","UnixTime":1589375700}],"Scenario":{"Domains":["hotel"],"Happy":true},"UserQuestionnaire":[{"Answer":true,"Question":"Did the assistant stay calm?"},{"Answer":"n/a","Question":"Did the assistant reserve your hotel?"},{"Answer":true,"Question":"Did you enjoy this task?"}]}
{"AnonymizedUserWorkerID":"w3","DialogueID":7,"Events":[{"Action":"instruct","Agent":"UserGuide","Text":"be kind","UnixTime":1589375660}],"Scenario":{"Domains":["hotel"]},"UserQuestionnaire":[]}
{"AnonymizedUserWorkerID":"w2","DialogueID":6,"Events":[],"Scenario":{"Domains":[null]},"UserQuestionnaire":[{"Answer":false,"Question":"Did the assistant stay calm?"}]}
"#;

#[test]
fn the_shipped_pipeline_of_star() {
    let bench = shipped("star");
    let out = bench.run(STAR);
    assert_eq!(counts(&out), [3, 1, 1, 1, 0, 0, 4]);
    assert_eq!(out.column("type"), ["message", "message", "session_end", "feedback"]);
    assert_eq!(out.column("actor"), ["user", "bot", "user", "user"]);
    assert_eq!(out.column("is_fallback"), ["null", "true", "null", "null"]);
    assert_eq!(out.column("service"), ["hotel", "hotel", "hotel", "null"]);
    assert_eq!(out.column("score"), ["null", "null", "null", "1"]);
    assert_eq!(out.column("ts_ms")[3], "1589375700000");
    assert_eq!(out.column("closed_by")[2], "user");
}

#[test]
fn the_shipped_pipeline_of_chitchat() {
    let conversation = r#"{"messages":[[{"text":"Hi","timestamp":"2018-05-02T19:38:15Z","sender":"a"}],[{"text":"Hello","timestamp":"2018-05-02T19:38:20Z","sender":"b"},{"text":"you","timestamp":"2018-05-02T19:38:25Z","sender":"b"}]],"ratings":{"witty":5,"interesting":8},"start":"2018-05-03T01:38:01Z"}"#;
    let mut bench = shipped("chitchat");
    let keyed = format!(r#"{{ "c1": {conversation}, "c2": {{"messages":[]}} }}"#);
    bench.source.records = Some(Records::JsonObject);
    let out = bench.run(keyed);
    assert_eq!(counts(&out), [2, 1, 0, 1, 0, 0, 4]);
    assert_eq!(out.column("actor"), ["user", "bot", "bot", "user"]);
    assert_eq!(out.column("score"), ["null", "null", "null", "8"]);
    assert_eq!(out.column("ts_ms")[3], out.column("ts_ms")[2]);
    bench.source.records = Some(Records::Jsonl);
    let lines = bench.run(conversation.replacen('{', r#"{"id":"c1","#, 1));
    assert_eq!(lines.column("conversation_key"), out.column("conversation_key"));
}

#[test]
fn the_shipped_pipeline_of_whatsapp() {
    let body = |field: &str, value: &str| {
        format!(
            r#"{{"object":"whatsapp_business_account","entry":[{{"id":"1","changes":[{{"value":{{"metadata":{{"phone_number_id":"55"}},{value}}},"field":"{field}"}}]}}]}}"#
        )
    };
    let text = r#""messages":[{"from":"49151","id":"wamid.A","timestamp":"1714554000","type":"text","text":{"body":"where"}}]"#;
    let pick = r#""messages":[{"from":"49151","id":"wamid.B","timestamp":"1714554010","type":"interactive","interactive":{"type":"list_reply","list_reply":{"id":"x","title":"Parcel"}}}]"#;
    let echo = r#""message_echoes":[{"from":"4911","to":"49151","id":"wamid.C","timestamp":"1714554020","type":"text","text":{"body":"Tomorrow"}}]"#;
    let status = |state: &str| {
        format!(
            r#""statuses":[{{"id":"wamid.D","status":"{state}","timestamp":"1714554030","recipient_id":"49151","errors":[{{"code":1,"title":"Too late"}}]}}]"#
        )
    };
    let bodies = [
        body("messages", text),
        body("messages", pick),
        body("smb_message_echoes", echo),
        body("messages", &status("sent")),
        body("messages", &status("read")),
        body("messages", &status("failed")),
    ];
    let bench = shipped("whatsapp");
    let out = bench.run(bodies.concat());
    assert_eq!(counts(&out), [6, 5, 0, 1, 0, 0, 5]);
    assert_eq!(out.column("actor"), ["user", "user", "agent", "bot", "system"]);
    assert_eq!(out.column("type"), ["message", "message", "message", "message", "error"]);
    assert_eq!(out.column("text_chars"), ["5", "6", "8", "null", "null"]);
    assert_eq!(out.column("bot"), ["55"; 5]);
    assert_eq!(out.column("user_key"), vec![bench.hasher.user_key("49151"); 5]);
    assert_eq!(out.column("reason")[4], "Too late");
}
