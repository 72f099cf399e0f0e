//! Amazon Lex V2: one record in all the ways that CloudWatch and Firehose put it into a bucket.

use serde_json::{Value, json};

use super::*;

fn bench(name: &str) -> Bench {
    adapted("lex-v2", name, "")
}

/// A record as Lex writes it; `more` replaces what it names.
fn record(number: u32, more: Value) -> Value {
    let mut record = json!({
        "messageVersion": "2.0",
        "timestamp": format!("2026-03-01T09:00:{number:02}.120Z"),
        "requestId": format!("r-{number}"),
        "sessionId": "s-77",
        "inputMode": "Text",
        "operationName": "RecognizeText",
        "missedUtterance": false,
        "inputTranscript": "where is my parcel",
        "bot": {"id": "B1", "name": "ShopBot", "aliasId": "A9", "aliasName": "prod", "localeId": "en_US", "version": "7"},
        "sessionState": {
            "sessionAttributes": {"Channel": "CHAT", "secret": "token-1"},
            "intent": {"name": "TrackOrder", "state": "Fulfilled", "confirmationState": "None", "slots": {}},
            "dialogAction": {"type": "Close"},
        },
        "interpretations": [
            {"nluConfidence": "0.91", "intent": {"name": "TrackOrder", "slots": {}}},
            {"intent": {"name": "FallbackIntent", "slots": {}}},
        ],
        "messages": [{"contentType": "PlainText", "content": "It arrives tomorrow."}],
    });
    for (key, value) in more.as_object().unwrap() {
        record[key] = value.clone();
    }
    record
}

fn intent(name: &str, state: &str, attributes: Value) -> Value {
    json!({"sessionAttributes": attributes, "intent": {"name": name, "state": state}})
}

/// Seven turns: helped, missed, handed over, a test, failed, one that the bot began, and rated.
fn records() -> Vec<Value> {
    let chat = json!({"Channel": "CHAT"});
    let missed =
        json!({"sessionAttributes": {"Channel": "CHAT"}, "dialogAction": {"type": "ElicitIntent"}});
    let two = json!([{"contentType": "PlainText", "content": "a"}, {"contentType": "ImageResponseCard", "imageResponseCard": {"title": "bc"}}]);
    let mut handed = record(
        3,
        json!({"sessionState": intent("TalkToAgent", "ReadyForFulfillment", chat.clone())}),
    );
    handed.as_object_mut().unwrap().remove("messages");
    let slots = json!({"rating": {"value": {"originalValue": "four", "interpretedValue": "4"}}});
    let survey = json!({"sessionAttributes": {"Channel": "CHAT"}, "intent": {"name": "SurveyCsat", "state": "Fulfilled", "slots": slots}});
    let test = json!({"aliasId": "TSTALIASID", "name": "ShopBot", "version": "DRAFT"});
    vec![
        record(1, json!({})),
        record(2, json!({"missedUtterance": true, "sessionState": missed, "interpretations": []})),
        handed,
        record(4, json!({"bot": test})),
        record(
            5,
            json!({"sessionState": intent("BookCall", "Failed", chat.clone()), "messages": two}),
        ),
        record(
            6,
            json!({"inputTranscript": "", "sessionState": intent("Welcome", "InProgress", chat)}),
        ),
        record(7, json!({"inputTranscript": "4", "sessionState": survey})),
    ]
}

fn lines(records: &[Value]) -> String {
    records.iter().map(|record| format!("{record}\n")).collect()
}

/// What a subscription filter hands on.
fn subscribed(records: &[Value]) -> String {
    let event = |(at, record): (usize, &Value)| json!({"id": format!("3{at}"), "timestamp": 1_772_355_600_000_u64, "message": record.to_string()});
    let events: Vec<Value> = records.iter().enumerate().map(event).collect();
    json!({
        "messageType": "DATA_MESSAGE", "owner": "1234", "logGroup": "/lex/shop", "logStream": "x",
        "subscriptionFilters": ["to-firehose"], "logEvents": events,
    })
    .to_string()
}

const CONTROL: &str = r#"{"messageType":"CONTROL_MESSAGE","owner":"CloudwatchLogs","logGroup":"","logStream":"","subscriptionFilters":[],"logEvents":[{"id":"","timestamp":1772355600000,"message":"CWL CONTROL MESSAGE: Checking health of destination Firehose."}]}"#;

#[test]
fn turns_become_what_was_said_and_what_came_of_it() {
    let out = bench("a.json").run(lines(&records()));
    assert_eq!(counts(&out), [7, 7, 0, 0, 0, 15, 3]);
    let expected = [
        "user message",
        "bot message",
        "bot goal", // helped
        "user message",
        "bot message", // missed
        "user message",
        "bot handoff", // handed over, without a word
        "user message",
        "bot message",
        "bot message",
        "system error", // failed
        "bot message",  // begun by the bot
        "user message",
        "bot message",
        "user feedback", // rated
    ];
    assert_eq!(told(&out), expected);
    let of = |name: &str, at: usize| out.column(name)[at].clone();
    assert_eq!(
        [of("intent", 0), of("intent_confidence", 0), of("bot", 0)],
        ["TrackOrder", "0.91", "ShopBot"]
    );
    assert_eq!([of("channel", 0), of("locale", 0), of("bot_version", 0)], ["chat", "en_US", "7"]);
    assert_eq!(
        [of("is_fallback", 1), of("is_fallback", 4), of("intent", 4)],
        ["false", "true", "null"]
    );
    assert_eq!(
        [of("reason", 10), of("instrument", 14), of("score", 14)],
        ["BookCall", "csat_5", "4"]
    );
    assert_eq!([of("text_chars", 0), of("text_chars", 8), of("text_chars", 9)], ["18", "1", "2"]);
    assert_eq!(identities(&out).len(), 15);
    hides(&out, &["parcel", "tomorrow", "token-1", "s-77"]);
}

#[test]
fn all_ways_into_a_bucket_are_one() {
    let records = records();
    let bare = bench("a.json").run(lines(&records));
    let (first, second) = records.split_at(2);
    let batches = [subscribed(first), subscribed(second)];
    let stamped: String =
        records.iter().map(|record| format!("2026-03-01T09:00:00.000Z {record}\n")).collect();
    let concatenated: String = records.iter().map(Value::to_string).collect();
    let pretty: String =
        records.iter().map(|record| serde_json::to_string_pretty(record).unwrap()).collect();
    let members = [gzip(&batches[0]), gzip(CONTROL), gzip(&batches[1])].concat();
    for (name, object, filtered) in [
        ("concatenated", concatenated.into_bytes(), 0),
        ("pretty", pretty.into_bytes(), 0),
        ("an export's lines", stamped.clone().into_bytes(), 0),
        ("an export's lines in gzip", gzip(stamped), 0),
        ("batches without line ends", batches.concat().into_bytes(), 0),
        ("a batch a line", batches.join("\n").into_bytes(), 0),
        ("gzip, one member a batch", members.clone(), 1),
        ("gzip in gzip", gzip(&members), 1),
        ("a byte order mark", ["\u{feff}", &lines(&records)].concat().into_bytes(), 0),
    ] {
        let out = bench("stream-1-2026-03-01-09-00-00-uuid").run(&object);
        assert_eq!(counts(&out), [7 + filtered, 7, filtered, 0, 0, 15, 3], "{name}");
        assert_eq!(rows(&out), rows(&bare), "{name}");
        assert_eq!(identities(&out), identities(&bare), "{name}");
    }
}

#[test]
fn places_of_records_in_batches_are_true() {
    let good = record(1, json!({}));
    let bad = record(2, json!({"timestamp": "soon"}));
    let batch = subscribed(&[good, bad.clone()]);
    let out = bench("a.json").run(format!("\n{batch}"));
    let refused = &out.decoded.quarantine[0];
    let escaped = serde_json::to_string(&bad.to_string()).unwrap();
    let inner = escaped.trim_matches('"');
    assert_eq!((refused.line, refused.reason.as_str()), (2, "bad_timestamp"));
    assert_eq!(refused.offset as usize, 1 + batch.find(inner).unwrap());
    assert_eq!(refused.length as usize, inner.len());
    let offsets: BTreeSet<String> = out.column("record_offset").into_iter().collect();
    assert_eq!(offsets.len(), 1);
}

#[test]
fn options_change_what_is_known_of_a_bot() {
    let options = ", options: { user: ^/sessionState/sessionAttributes/Channel, \
        handoff_intents: ^TrackOrder$, rating: ^/sessionState/sessionAttributes/none, close_ends_session: true, include_tests: true, \
        goal_states: [Failed] }";
    let out = adapted("lex-v2", "a.json", options).run(lines(&records()));
    let counted = tally(&out);
    let of = |event: &str| counted.get(event).copied().unwrap_or_default();
    assert_eq!(of("bot handoff"), 2, "the test and the first");
    assert_eq!(of("bot session_end"), 2);
    assert_eq!(of("bot goal"), 1);
    assert_eq!(counts(&out)[6], 0);
    assert_eq!(out.column("user_key")[0], Bench::events().hasher.user_key("CHAT"));
}

#[test]
fn malformed_logs() {
    let one = record(1, json!({})).to_string();
    let with = |more: Value| record(2, more).to_string().into_bytes();
    let without = |key: &str| {
        let mut record = record(2, json!({}));
        record.as_object_mut().unwrap().remove(key);
        record.to_string().into_bytes()
    };
    let latin = record(2, json!({"inputTranscript": "Paket nach Köln"})).to_string();
    let latin: Vec<u8> = latin.chars().map(|c| u8::try_from(c).unwrap()).collect();
    let after = |tail: &str| format!("{one}{tail}").into_bytes();
    let strange = subscribed(&[]).replace("[]", r#"[{"id":"1","message":"START RequestId: 5"}]"#);
    hold(
        &bench("a.json"),
        &[
            ("cut off", after(&one[..200]), "decoded + unclosed_quote"),
            ("a time for its instant", with(json!({"timestamp": 1_772_355_600})), "bad_type:ts"),
            ("no time", without("timestamp"), "missing_field:ts"),
            ("no session", without("sessionId"), "missing_field:conversation_id"),
            ("no request", without("requestId"), "decoded"),
            ("no bot", without("bot"), "decoded"),
            (
                "new fields",
                with(json!({"new": {"deep": [1]}, "messages": [{"content": "x", "new": 1}]})),
                "decoded",
            ),
            (
                "a number in words",
                with(json!({"interpretations": [{"nluConfidence": "high"}]})),
                "bad_type:intent_confidence",
            ),
            (
                "a score of the runtime's shape",
                with(json!({"interpretations": [{"nluConfidence": {"score": 0.5}}]})),
                "decoded",
            ),
            ("messages in words", with(json!({"messages": "x"})), "bad_type:/messages"),
            ("Latin 1", latin, "invalid_utf8"),
            ("a batch of nothing", subscribed(&[]).into_bytes(), "empty"),
            ("a batch of other logs", strange.into_bytes(), "not_json"),
            ("a health check", CONTROL.into(), "filtered"),
            (
                "a torn export line",
                after("\n2026-03-01T09:00:00.000Z {\"timesta"),
                "decoded + unclosed_quote",
            ),
            ("a stamp without its record", after("\n2026-03-01T09:00:00.000Z \n"), "decoded"),
        ],
    );
    let twice = bench("a.json").run(after(&one));
    assert_eq!((counts(&twice)[1], told(&twice).len(), identities(&twice).len()), (2, 6, 3));
    for cut in [gzip(&one)[..40].to_vec(), gzip(&gzip(&one)[..40])] {
        assert_eq!(bench("a.gz").try_run(&cut).err().unwrap().kind, ErrorKind::Input);
    }
}
