//! OpenTelemetry: spans of generative AI, in batches as a collector writes them.

use serde_json::{Value, json};

use super::*;

fn bench(name: &str) -> Bench {
    adapted("otel-genai", name, "")
}

/// Nanoseconds as OTLP's JSON spells them.
fn nanos(seconds: f64) -> String {
    (1_772_355_600_000_000_000_i64 + (seconds * 1e9) as i64).to_string()
}

fn text(value: &str) -> Value {
    json!({ "stringValue": value })
}

fn attributes(of: Value) -> Value {
    of.as_object().unwrap().iter().map(|(key, value)| json!({"key": key, "value": value})).collect()
}

/// A span of trace `trace`; `more` are attributes.
fn span(trace: &str, id: &str, operation: &str, from: f64, to: f64, more: Value) -> Value {
    let mut of = json!({
        "gen_ai.operation.name": text(operation), "gen_ai.conversation.id": text("s1"),
        "user.id": text("u1"), "gen_ai.request.model": text("gpt-x"),
    });
    for (key, value) in more.as_object().unwrap() {
        of[key] = value.clone();
    }
    json!({
        "traceId": trace, "spanId": id, "parentSpanId": "", "name": format!("{operation} x"), "kind": 3,
        "startTimeUnixNano": nanos(from), "endTimeUnixNano": nanos(to), "attributes": attributes(of),
        "status": {}, "events": [],
    })
}

fn call(input: u32, output: u32, reason: &str) -> Value {
    json!({
        "gen_ai.usage.input_tokens": {"intValue": input.to_string()},
        "gen_ai.usage.output_tokens": {"intValue": output},
        "gen_ai.response.finish_reasons": {"arrayValue": {"values": [text(reason)]}},
        "gen_ai.output.messages": text("[{\"role\":\"assistant\",\"parts\":[{\"type\":\"text\",\"content\":\"secret\"}]}]"),
    })
}

/// What a collector writes at once.
fn batch(spans: Vec<Value>, environment: &str) -> Value {
    let resource = attributes(json!({
        "service.name": text("shop-bot"), "service.version": text("1.4"),
        "deployment.environment.name": text(environment),
    }));
    let other = json!({"traceId": "w", "spanId": "w1", "name": "GET /", "startTimeUnixNano": nanos(0.0),
        "endTimeUnixNano": nanos(9.0), "attributes": attributes(json!({"http.route": text("/")})), "status": {}});
    json!({"resourceSpans": [{"resource": {"attributes": resource}, "scopeSpans": [
        {"scope": {"name": "http"}, "spans": [other]}, {"scope": {"name": "genai"}, "spans": spans},
    ]}]})
}

/// A turn with a tool between two calls of an agent, in the order in which spans end; a turn that
/// fails; one that asks for a person and is rated.
fn turns() -> Vec<Value> {
    let tool = |name: &str| json!({"gen_ai.tool.name": text(name)});
    let mut failed = span("t2", "b1", "chat", 60.0, 61.0, json!({"error.type": text("timeout")}));
    failed["status"] = json!({"code": 2, "message": "secret"});
    let mut rated = span("t3", "c2", "chat", 120.0, 121.5, call(7, 8, "stop"));
    rated["events"] = json!([
        {"name": "gen_ai.evaluation.result", "timeUnixNano": nanos(130.0), "attributes": attributes(json!({"gen_ai.evaluation.name": text("user_feedback"), "gen_ai.evaluation.score.value": {"doubleValue": 1.0}, "gen_ai.evaluation.explanation": text("secret")}))},
        {"name": "gen_ai.evaluation.result", "timeUnixNano": nanos(131.0), "attributes": attributes(json!({"gen_ai.evaluation.name": text("toxicity"), "gen_ai.evaluation.score.value": {"doubleValue": 0.2}}))},
    ]);
    vec![
        span("t1", "a2", "chat", 0.1, 1.0, call(100, 20, "tool_calls")),
        span("t1", "a3", "execute_tool", 1.0, 1.5, tool("get_parcel")),
        span("t1", "a4", "chat", 1.5, 2.5, call(200, 30, "stop")),
        span(
            "t1",
            "a1",
            "invoke_agent",
            0.0,
            2.6,
            json!({"gen_ai.usage.input_tokens": {"intValue": "300"}}),
        ),
        failed,
        span("t3", "c1", "execute_tool", 120.0, 120.2, tool("transfer_to_human_agent")),
        rated,
    ]
}

#[test]
fn spans_become_turns() {
    let out = bench("a.json").run(batch(turns(), "production").to_string());
    assert_eq!(counts(&out), [1, 1, 0, 0, 0, 15, 0]);
    let expected = BTreeMap::from(
        [
            ("user message", 5), // a2, a4, a1; b1; c2
            ("bot message", 3),  // a4, a1; c2
            ("bot other", 4),    // every call
            ("system error", 1),
            ("bot handoff", 1),
            ("user feedback", 1),
        ]
        .map(|(event, count)| (event.to_owned(), count)),
    );
    assert_eq!(tally(&out), expected);
    // Staging keeps the first of those with one id: a turn begins with its first call and is answered
    // by the first that asks for no tool.
    let mut seen = BTreeSet::new();
    let keys: Vec<_> = out.column("dedup_hi").into_iter().zip(out.column("dedup_lo")).collect();
    let ms = out.column("ts_ms");
    let mut first = Vec::new();
    for (at, event) in told(&out).into_iter().enumerate() {
        if seen.insert(keys[at].clone()) && event.ends_with(" message") {
            first.push((event, ms[at].parse::<i64>().unwrap() - 1_772_355_600_000));
        }
    }
    let turn = |event: &str, at| (event.to_owned(), at);
    let expected = [
        turn("user message", 100),
        turn("user message", 60_000),
        turn("user message", 120_000),
        turn("bot message", 2_500),
        turn("bot message", 121_500),
    ];
    assert_eq!(first, expected);
    let sum =
        |column: &str| out.column(column).iter().filter_map(|n| n.parse::<i64>().ok()).sum::<i64>();
    assert_eq!((sum("tokens_in"), sum("tokens_out")), (307, 58));
    let error = told(&out).iter().position(|event| event == "system error").unwrap();
    assert_eq!(out.column("reason")[error], "timeout");
    assert_eq!(out.column("bot"), vec!["shop-bot"; 15]);
    assert_eq!(out.column("bot_version"), vec!["1.4"; 15]);
    let chains: BTreeSet<String> = out.column("chain_key").into_iter().collect();
    assert_eq!(chains.len(), 1);
    hides(&out, &["secret", "u1", "s1"]);
}

#[test]
fn batches_are_one_however_they_are_written() {
    let whole = batch(turns(), "production");
    let turns = turns();
    let (first, second) = turns.split_at(3);
    let parts = [first, second].map(|spans| batch(spans.to_vec(), "production").to_string());
    let one = bench("a.json").run(whole.to_string());
    for (name, object) in [
        ("a.json", parts.join("\n").into_bytes()),
        ("a.json.gz", gzip(parts.join("\n"))),
        ("a.json", parts.concat().into_bytes()),
        ("a.json", format!("[{}]", parts.join(",")).into_bytes()),
        ("a.json", serde_json::to_string_pretty(&whole).unwrap().into_bytes()),
    ] {
        let out = bench(name).run(&object);
        assert_eq!(rows(&out), rows(&one), "{name}");
        assert_eq!(identities(&out), identities(&one), "{name}");
        assert_eq!(counts(&out)[4..], [0, 15, 0], "{name}");
    }
}

#[test]
fn a_batch_may_be_long() {
    let long = json!({"gen_ai.input.messages": text(&"x".repeat(3 << 20))});
    let spans = vec![span("t1", "a", "chat", 0.0, 1.0, long)];
    let out = bench("a.json").run(batch(spans, "production").to_string());
    assert_eq!(counts(&out), [1, 1, 0, 0, 0, 3, 0]);
}

#[test]
fn environments_for_tests_and_the_older_dialect() {
    let out = bench("a.json").run(batch(turns(), "staging").to_string());
    assert_eq!((counts(&out)[5], counts(&out)[6]), (0, 15));
    let older = json!({"gen_ai.operation.name": null, "llm.request.type": text("chat"), "gen_ai.conversation.id": null,
        "gen_ai.usage.prompt_tokens": {"intValue": 5}, "gen_ai.usage.completion_tokens": {"intValue": 6}});
    let spans = vec![span("t7", "a", "", 0.0, 1.0, older)];
    let out = bench("a.json").run(batch(spans, "production").to_string());
    assert_eq!(told(&out), ["user message", "bot message", "bot other"]);
    assert_eq!(
        (&out.column("tokens_in")[2], &out.column("tokens_out")[2]),
        (&"5".to_owned(), &"6".to_owned())
    );
    let hasher = Bench::events().hasher;
    let trace = hasher.pseudonym(privacy::Purpose::Conversation, b"t7");
    assert_eq!(out.column("conversation_key")[0], trace.as_str());
}

#[test]
fn malformed_logs() {
    let good = batch(vec![span("t1", "a", "chat", 0.0, 1.0, json!({}))], "production").to_string();
    let with = |key: &str, value: Value| {
        let mut span = span("t1", "a", "chat", 0.0, 1.0, call(1, 2, "stop"));
        span[key] = value;
        batch(vec![span], "production").to_string().into_bytes()
    };
    let tokens = |value: Value| {
        let more = json!({"gen_ai.usage.output_tokens": value});
        batch(vec![span("t1", "a", "chat", 0.0, 1.0, more)], "production").to_string().into_bytes()
    };
    let latin: Vec<u8> =
        batch(vec![span("t1", "a", "chat", 0.0, 1.0, json!({"x": text("Köln")}))], "production")
            .to_string()
            .chars()
            .map(|c| u8::try_from(c).unwrap())
            .collect();
    hold(
        &bench("a.json"),
        &[
            ("cut off", [&good, &good[..200]].concat().into_bytes(), "decoded + unclosed_quote"),
            ("no start", with("startTimeUnixNano", Value::Null), "missing_field:ts"),
            ("a start in words", with("startTimeUnixNano", json!("soon")), "bad_timestamp"),
            (
                "a start as a number",
                with("startTimeUnixNano", json!(1_772_355_600_000_000_000_i64)),
                "decoded",
            ),
            ("no trace", with("traceId", Value::Null), "decoded"),
            ("tokens in words", tokens(json!({"intValue": "many"})), "bad_type:tokens_out"),
            ("tokens of another type", tokens(json!({"doubleValue": 2.0})), "decoded"),
            (
                "attributes as an object",
                with("attributes", json!({"gen_ai.operation.name": "chat"})),
                "empty",
            ),
            (
                "spans in words",
                good.replace("\"spans\":[", "\"spans\":\"none\",\"x\":[").into_bytes(),
                "bad_type:/spans",
            ),
            ("new fields", with("flags", json!({"a": [1]})), "decoded"),
            ("no spans", br#"{"resourceSpans":[]}"#.to_vec(), "empty"),
            ("metrics", br#"{"resourceMetrics":[{"scopeMetrics":[]}]}"#.to_vec(), "empty"),
            ("Latin 1", latin, "invalid_utf8"),
        ],
    );
    let twice = bench("a.json").run(good.repeat(2));
    assert_eq!((counts(&twice)[1], told(&twice).len(), identities(&twice).len()), (2, 6, 3));
}
