//! Dialogflow CX: a row of BigQuery's table in all the ways that it leaves it.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, StringArray, TimestampMicrosecondArray};
use serde_json::{Value, json};

use super::*;

fn bench(name: &str) -> Bench {
    adapted("dialogflow-cx", name, "")
}

const SESSION: &str = "projects/p/locations/global/agents/ag/sessions/s-77";

/// A row with its JSON columns nested; `query` replaces what it names of the query's result.
fn row(turn: u32, query: Value) -> Value {
    let mut result = json!({
        "text": "where is my parcel", "languageCode": "en",
        "match": {"matchType": "INTENT", "confidence": 0.91, "intent": {"displayName": "order.track"}},
        "responseMessages": [{"text": {"text": ["It arrives tomorrow."]}}],
        "currentPage": {"displayName": "Tracking"},
    });
    for (key, value) in query.as_object().unwrap() {
        result[key] = value.clone();
    }
    json!({
        "project_id": "p", "agent_id": "ag", "conversation_name": SESSION, "turn_position": turn,
        "request_time": format!("2026-03-01 09:00:{turn:02}.120000 UTC"), "language_code": "en",
        "request": {
            "queryInput": {"text": {"text": "where is my parcel"}, "languageCode": "en"},
            "queryParams": {"channel": "web", "parameters": {"user_id": "u1"}},
        },
        "response": {"responseId": format!("r-{turn}"), "queryResult": result},
        "partial_responses": null, "derived_data": {},
        "conversation_signals": {"turnSignals": {"noMatch": false}}, "bot_answer_feedback": null,
    })
}

/// Nine turns: helped, missed, silent, begun by an event, failed, handed over, ended, a thumb, signalled.
fn conversation() -> Vec<Value> {
    let say = |words: &str| json!({"text": {"text": [words]}});
    let mut begun = row(
        4,
        json!({"text": null, "triggerEvent": "WELCOME", "match": {"matchType": "EVENT"}, "responseMessages": [say("Hi"), {"payload": {"richContent": []}}]}),
    );
    begun["request"]["queryInput"] = json!({"event": {"event": "WELCOME"}});
    let mut silent = row(
        3,
        json!({"text": null, "match": {"matchType": "NO_INPUT"}, "responseMessages": [say("Still there?")]}),
    );
    silent["request"]["queryInput"] = json!({"audio": {}});
    let mut thumb = row(8, json!({}));
    thumb["bot_answer_feedback"] =
        json!({"rating": "THUMBS_DOWN", "ratingReason": {"feedback": "rude"}});
    let mut signalled = row(9, json!({"responseMessages": []}));
    signalled["conversation_signals"] =
        json!({"turnSignals": {"userEscalated": true, "failureReasons": ["FAILED_WEBHOOK"]}});
    vec![
        row(1, json!({})),
        row(
            2,
            json!({"match": {"matchType": "NO_MATCH", "confidence": 0.3}, "responseMessages": [say("Sorry?")]}),
        ),
        silent,
        begun,
        row(5, json!({"webhookStatuses": [{}, {"code": 14, "message": "secret"}]})),
        row(6, json!({"responseMessages": [say("One moment"), {"liveAgentHandoff": {}}]})),
        row(
            7,
            json!({"responseMessages": [{"conversationSuccess": {"metadata": {}}}, {"endInteraction": {}}]}),
        ),
        thumb,
        signalled,
    ]
}

const JSON_COLUMNS: [&str; 6] = [
    "request",
    "response",
    "partial_responses",
    "derived_data",
    "conversation_signals",
    "bot_answer_feedback",
];

/// The same rows with the JSON columns as texts.
fn texts(rows: &[Value]) -> Vec<Value> {
    let mut rows = rows.to_vec();
    for row in &mut rows {
        for column in JSON_COLUMNS {
            let value = &mut row[column];
            if !value.is_null() {
                *value = json!(value.to_string());
            }
        }
    }
    rows
}

fn lines(rows: &[Value]) -> String {
    rows.iter().map(|row| format!("{row}\n")).collect()
}

/// Instants of the rows, in microseconds.
fn instants(rows: &[Value]) -> Vec<i64> {
    let turn = |row: &Value| row["turn_position"].as_i64().unwrap();
    rows.iter().map(|row| 1_772_355_600_120_000 + 1_000_000 * turn(row)).collect()
}

fn parquet(rows: &[Value], time: ArrayRef) -> Vec<u8> {
    let texts = texts(rows);
    let mut columns: Vec<(&str, ArrayRef)> = vec![("request_time", time)];
    let turns = rows.iter().map(|row| row["turn_position"].as_i64());
    columns.push(("turn_position", Arc::new(Int64Array::from_iter(turns))));
    let plain = ["project_id", "agent_id", "conversation_name", "language_code"];
    for name in plain.into_iter().chain(JSON_COLUMNS) {
        let values: Vec<Option<&str>> = texts.iter().map(|row| row[name].as_str()).collect();
        columns.push((name, Arc::new(StringArray::from(values))));
    }
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, array)| (name, array, true)),
    );
    let batch = batch.unwrap();
    let mut file = Vec::new();
    let mut writer = parquet::arrow::ArrowWriter::try_new(&mut file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    file
}

#[test]
fn turns_become_what_was_said_and_what_came_of_it() {
    let out = bench("a.json").run(lines(&conversation()));
    assert_eq!(counts(&out), [9, 9, 0, 0, 0, 22, 0]);
    let expected = [
        "user message",
        "bot message", // helped
        "user message",
        "bot message", // missed
        "bot message", // silent
        "bot message",
        "bot message", // begun
        "user message",
        "bot message",
        "system error", // failed
        "user message",
        "bot message",
        "bot handoff", // handed over
        "user message",
        "bot goal",
        "bot session_end", // ended
        "user message",
        "bot message",
        "user feedback", // a thumb
        "user message",
        "bot handoff",
        "system error", // signalled
    ];
    assert_eq!(told(&out), expected);
    let of = |name: &str, at: usize| out.column(name)[at].clone();
    assert_eq!(
        [of("intent", 0), of("intent_confidence", 0), of("bot", 0)],
        ["order.track", "0.91", "ag"]
    );
    assert_eq!([of("channel", 0), of("locale", 0), of("text_chars", 1)], ["web", "en", "20"]);
    assert_eq!(
        [of("is_fallback", 1), of("is_fallback", 3), of("is_fallback", 4)],
        ["false", "true", "false"]
    );
    assert_eq!(
        [of("reason", 9), of("score", 18), of("instrument", 18)],
        ["webhook", "0", "helpful"]
    );
    assert_eq!(of("closed_by", 15), "bot");
    assert_eq!(identities(&out).len(), 22);
    assert_eq!(of("user_key", 0), Bench::events().hasher.user_key("u1"));
    hides(&out, &["parcel", "tomorrow", "secret", "rude", "s-77", "u1"]);
}

#[test]
fn all_ways_out_of_the_table_are_one() {
    let rows_ = conversation();
    let nested = bench("a.json").run(lines(&rows_));
    let timestamps = TimestampMicrosecondArray::from_iter_values(instants(&rows_));
    let zoned: ArrayRef = Arc::new(timestamps.with_timezone("UTC"));
    let micros: ArrayRef = Arc::new(Int64Array::from_iter_values(instants(&rows_)));
    let mut iso = texts(&rows_);
    for row in &mut iso {
        let time = row["request_time"].as_str().unwrap().replacen(' ', "T", 1).replace(" UTC", "Z");
        row["request_time"] = json!(time);
    }
    for (name, object) in [
        ("000000000000.json", lines(&texts(&rows_)).into_bytes()),
        ("000000000000.json.gz", gzip(lines(&texts(&rows_)))),
        ("iso.json", lines(&iso).into_bytes()),
        ("000000000000.parquet", parquet(&rows_, zoned)),
        ("micros.parquet", parquet(&rows_, micros)),
    ] {
        let out = bench(name).run(&object);
        assert_eq!(counts(&out), [9, 9, 0, 0, 0, 22, 0], "{name}: {:?}", out.decoded.quarantine);
        assert_eq!(rows(&out), rows(&nested), "{name}");
        assert_eq!(identities(&out), identities(&nested), "{name}");
    }
}

#[test]
fn options_change_what_is_known_of_an_agent() {
    let options = ", options: { fallback_types: [NO_MATCH, NO_INPUT], escalation_signals: false, \
        failure_reasons: [NONE], test_sessions: \"s-77$\" }";
    let out = adapted("dialogflow-cx", "a.json", options).run(lines(&conversation()));
    // Without the signals a handoff and an error less; and all of it is a test.
    assert_eq!(counts(&out), [9, 9, 0, 0, 0, 0, 20]);
    let kept = options.replace("test_sessions: \"s-77$\"", "include_tests: true");
    let out = adapted("dialogflow-cx", "a.json", &kept).run(lines(&conversation()));
    assert_eq!(counts(&out)[5], 20);
    let fallbacks = out.column("is_fallback").into_iter().filter(|told| told == "true");
    assert_eq!(fallbacks.count(), 2);
}

#[test]
fn malformed_logs() {
    let one = row(1, json!({})).to_string();
    let with = |key: &str, value: Value| {
        let mut row = row(2, json!({}));
        row[key] = value;
        row.to_string().into_bytes()
    };
    let query = |query: Value| row(2, query).to_string().into_bytes();
    let mut nobody = row(2, json!({}));
    nobody["conversation_name"] = Value::Null;
    nobody["request"]["queryParams"] = Value::Null;
    let latin = row(2, json!({"text": "Köln"})).to_string();
    let latin: Vec<u8> = latin.chars().map(|c| u8::try_from(c).unwrap()).collect();
    hold(
        &bench("a.json"),
        &[
            ("cut off", [&one, "\n", &one[..300]].concat().into_bytes(), "decoded + not_json"),
            ("no time", with("request_time", Value::Null), "missing_field:ts"),
            ("seconds for a time", with("request_time", json!(1_772_355_600)), "bad_type:ts"),
            (
                "a time without a zone",
                with("request_time", json!("2026-03-01 09:00:00")),
                "bad_timestamp",
            ),
            ("no conversation", with("conversation_name", Value::Null), "decoded"),
            (
                "neither conversation nor user",
                nobody.to_string().into_bytes(),
                "missing_field:conversation_id",
            ),
            ("a response that is no JSON", with("response", json!("{\"cut\":")), "bad_json"),
            ("JSON's null in text", with("bot_answer_feedback", json!("null")), "decoded"),
            ("no response", with("response", Value::Null), "decoded"),
            (
                "no signals, as in older tables",
                with("conversation_signals", Value::Null),
                "decoded",
            ),
            (
                "new columns and fields",
                query(json!({"advancedSettings": {"a": [1]}, "responseMessages": [{"new": 1}]})),
                "decoded",
            ),
            (
                "confidence in words",
                query(json!({"match": {"confidence": "high"}})),
                "bad_type:intent_confidence",
            ),
            (
                "messages in words",
                query(json!({"responseMessages": "none"})),
                "bad_type:/response/@json/queryResult/responseMessages",
            ),
            ("Latin 1", latin, "invalid_utf8"),
            ("a list", format!("[{one}]").into_bytes(), "not_object"),
        ],
    );
}

#[test]
fn copies_are_told_and_half_a_file_is_refused() {
    let one = row(1, json!({})).to_string();
    let twice = bench("a.json").run(format!("{one}\n{one}\n"));
    assert_eq!((counts(&twice)[1], told(&twice).len(), identities(&twice).len()), (2, 4, 2));
    let file =
        parquet(&conversation(), Arc::new(Int64Array::from_iter_values(instants(&conversation()))));
    assert_eq!(
        bench("a.parquet").try_run(&file[..file.len() / 2]).err().unwrap().kind,
        ErrorKind::Input
    );
}
