//! Langfuse: traces with everything inside, and rows of the tables of its exports.

use std::process::Command;

use serde_json::{Value, json};

use super::*;

fn bench(name: &str) -> Bench {
    adapted("langfuse", name, "")
}

fn at(seconds: f64) -> String {
    let us = 1_772_355_600_000_000 + (seconds * 1e6) as i64;
    let at = chrono::DateTime::from_timestamp_micros(us).unwrap();
    at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

/// An observation as the API gives it; `more` replaces what it names.
fn observation(id: &str, parent: Option<&str>, kind: &str, ends: f64, more: Value) -> Value {
    let mut observation = json!({
        "id": id, "traceId": "t1", "projectId": "p", "type": kind, "environment": "production",
        "parentObservationId": parent, "startTime": at(0.0), "endTime": at(ends), "name": id,
        "metadata": {"a": 1}, "level": "DEFAULT", "statusMessage": null,
        "usageDetails": {}, "costDetails": {}, "totalCost": 0, "latency": 5,
    });
    for (key, value) in more.as_object().unwrap() {
        observation[key] = value.clone();
    }
    observation
}

fn score(name: &str, value: Value, source: &str) -> Value {
    json!({"id": format!("sc-{name}"), "timestamp": at(60.0), "name": name, "source": source,
        "value": value, "stringValue": null, "dataType": "NUMERIC", "comment": "rude",
        "traceId": "t1", "environment": "production"})
}

/// A turn that used a model twice, failed once inside, was handed over and rated.
fn nested() -> Value {
    json!({
        "trace": {
            "id": "t1", "projectId": "p", "name": "chat-turn", "timestamp": at(0.0),
            "environment": "production", "tags": ["web", "escalated"], "release": "v7",
            "userId": "u1", "sessionId": "s1", "input": "\"where is my parcel\"",
            "output": "\"It arrives tomorrow.\"",
            "metadata": "{\"channel\":\"web\",\"service\":\"orders\",\"intent\":\"track\"}",
            "scores": [score("user-feedback", json!(1), "API"), score("csat", json!(4), "ANNOTATION"),
                score("toxicity", json!(0.1), "EVAL"), score("nps", json!(7.5), "API")],
            "latency": 2.5,
        },
        "observations": [
            observation("root", None, "SPAN", 2.5, json!({})),
            observation("g1", Some("root"), "GENERATION", 1.0, json!({"usageDetails": {"input": 100, "output": 20, "total": 120}, "totalCost": 3.645e-5})),
            observation("g2", Some("root"), "GENERATION", 2.0, json!({"usageDetails": {"input": 200, "output": 30}, "totalCost": 0.000234449999})),
            observation("tool", Some("root"), "TOOL", 1.5, json!({"level": "ERROR", "statusMessage": "secret"})),
        ],
    })
}

#[test]
fn a_trace_is_a_turn() {
    let out = bench("a.json").run(serde_json::to_string_pretty(&nested()).unwrap());
    assert_eq!(counts(&out), [1, 1, 0, 0, 0, 8, 0]);
    let expected = [
        "user message",
        "bot message",
        "bot other",
        "bot other",
        "system error",
        "bot handoff",
        "user feedback",
        "user feedback",
    ];
    assert_eq!(told(&out), expected);
    let of = |name: &str| out.column(name);
    let us = 1_772_355_600_000_000_i64;
    let times =
        [0.0, 2.5, 1.0, 2.0, 1.5, 2.5, 60.0, 60.0].map(|s| (us + (s * 1e6) as i64).to_string());
    assert_eq!(of("ts_us"), times);
    assert_eq!((of("bot"), of("channel")), (vec!["p".to_owned(); 8], vec!["web".to_owned(); 8]));
    assert_eq!(
        [&of("service")[0], &of("intent")[1], &of("bot_version")[0]],
        ["orders", "track", "v7"]
    );
    assert_eq!(of("tokens_in")[2..4], ["100", "200"]);
    assert_eq!(of("cost_amount")[2..4], ["0.000036", "0.000234"]);
    assert_eq!([&of("reason")[4], &of("text_chars")[0]], ["TOOL", "18"]);
    assert_eq!(of("instrument")[6..], ["helpful", "csat_5"]);
    assert_eq!(of("score")[6..], ["1", "4"]);
    let conversations: BTreeSet<String> = of("conversation_key").into_iter().collect();
    assert_eq!(conversations.len(), 1);
    assert_eq!(of("user_key")[0], Bench::events().hasher.user_key("u1"));
    hides(&out, &["parcel", "tomorrow", "secret", "rude", "u1", "s1"]);
}

/// The rows of the enriched table of observations that say the same, but for the scores.
fn enriched() -> Vec<Value> {
    let naive = |value: &Value| value.as_str().unwrap().replace('T', " ").replace('Z', "");
    let trace = nested()["trace"].clone();
    let observations = nested()["observations"].as_array().unwrap().clone();
    let row = |observation: &Value| {
        json!({
            "id": observation["id"], "trace_id": "t1", "project_id": "p",
            "start_time": naive(&observation["startTime"]), "end_time": naive(&observation["endTime"]),
            "parent_observation_id": observation["parentObservationId"].as_str().unwrap_or(""),
            "type": observation["type"], "name": observation["name"], "level": observation["level"],
            "environment": "production", "user_id": "u1", "session_id": "s1", "trace_name": "chat-turn",
            "tags": trace["tags"], "release": "v7", "usage_details": observation["usageDetails"],
            "total_cost": observation["totalCost"], "input": trace["input"], "output": trace["output"],
        })
    };
    observations.iter().map(row).collect()
}

#[test]
fn rows_of_an_export_say_the_same() {
    let lines: String = enriched().iter().map(|row| format!("{row}\n")).collect();
    let array = serde_json::to_string_pretty(&enriched()).unwrap();
    let csv = csv_of(&enriched());
    for (name, object, more) in [
        ("2026-03-01T10-00-00.jsonl", lines, ""),
        ("2026-03-01T10-00-00.json", array, ""),
        ("2026-03-01T10-00-00.csv", csv, ", records: csv"),
    ] {
        let out = adapted("langfuse", name, more).run(object);
        assert_eq!(counts(&out)[..5], [4, 4, 0, 0, 0], "{name}: {:?}", out.decoded.quarantine);
        let expected = BTreeMap::from(
            [
                ("bot handoff", 1),
                ("bot message", 1),
                ("bot other", 2),
                ("system error", 1),
                ("user message", 1),
            ]
            .map(|(event, count)| (event.to_owned(), count)),
        );
        assert_eq!(tally(&out), expected, "{name}");
        // The same ids as the nested trace has: read together they count once.
        let both: BTreeSet<_> = identities(&bench("a.json").run(nested().to_string()));
        assert!(identities(&out).is_subset(&both), "{name}");
        let user = told(&out).iter().position(|event| event == "user message").unwrap();
        assert_eq!(out.column("user_key")[user], Bench::events().hasher.user_key("u1"), "{name}");
        let conversations: BTreeSet<String> = out.column("conversation_key").into_iter().collect();
        assert_eq!(conversations.len(), 1, "{name}");
        assert_eq!(out.column("ts_us")[user], "1772355600000000", "{name}");
    }
}

fn csv_of(rows: &[Value]) -> String {
    let quoted = |value: &Value| match value {
        Value::String(text) => format!("\"{}\"", text.replace('"', "\"\"")),
        Value::Null => String::new(),
        other => format!("\"{}\"", other.to_string().replace('"', "\"\"")),
    };
    let names: Vec<&String> = rows[0].as_object().unwrap().keys().collect();
    let mut csv = names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(",") + "\n";
    for row in rows {
        csv +=
            &(names.iter().map(|name| quoted(&row[name.as_str()])).collect::<Vec<_>>().join(",")
                + "\n");
    }
    csv
}

/// The tables of the older export: a trace knows its user, the others only their trace.
#[test]
fn tables_that_only_know_their_trace_are_put_together_by_it() {
    let trace = json!({"id": "t1", "timestamp": "2026-03-01 09:00:00.000", "name": "chat-turn", "environment": "production",
        "project_id": "p", "metadata": {"channel": "web"}, "user_id": "u1", "session_id": "s1", "tags": ["web"],
        "input": "\"hi\"", "output": "\"ho\"", "created_at": "2026-03-01 09:00:02.000", "updated_at": "2026-03-01 09:00:02.000"});
    let root = json!({"id": "o1", "trace_id": "t1", "project_id": "p", "environment": "production", "type": "SPAN",
        "parent_observation_id": null, "start_time": "2026-03-01 09:00:00.000", "end_time": "2026-03-01 09:00:02.500",
        "name": "root", "level": "DEFAULT", "usage_details": {}, "total_cost": null, "latency": 2500});
    let rated = json!({"id": "x", "timestamp": "2026-03-01 09:01:00.000", "project_id": "p", "environment": "production",
        "trace_id": "t1", "observation_id": null, "session_id": null, "name": "csat", "value": 5, "source": "API",
        "data_type": "NUMERIC", "string_value": null});
    let lines = format!("{trace}\n{root}\n{rated}\n");
    let options = ", options: { trace_is_conversation: true }";
    let out = adapted("langfuse", "a.jsonl", options).run(&lines);
    assert_eq!(told(&out), ["user message", "bot message", "user feedback"]);
    let key =
        |out: &Outcome, name: &str| out.column(name).into_iter().collect::<BTreeSet<_>>().len();
    assert_eq!([key(&out, "conversation_key"), key(&out, "chain_key")], [1, 1]);
    // By sessions they fall apart, as the manual says.
    let apart = bench("a.jsonl").run(&lines);
    assert_eq!(key(&apart, "conversation_key"), 2);
}

/// What the manual's query makes of such tables.
const PUT_TOGETHER: &str = r#"{"trace":{"id":"t1","projectId":"p","timestamp":"2026-03-01 09:00:00","environment":"production","userId":"u1","sessionId":"s1","release":null,"version":"7","tags":["web"],"metadata":{"channel":"web"},"input":"\"hi\"","output":"\"ho\"","scores":[{"id":"x","timestamp":"2026-03-01 09:01:00","name":"csat","value":5,"source":"API"}]},"observations":[{"id":"o1","traceId":"t1","type":"SPAN","name":"root","level":"DEFAULT","parentObservationId":null,"startTime":"2026-03-01 09:00:00","endTime":"2026-03-01 09:00:02.5","usageDetails":{"input":null,"output":null},"totalCost":null,"output":null},{"id":"o2","traceId":"t1","type":"GENERATION","name":"g","level":"DEFAULT","parentObservationId":"o1","startTime":"2026-03-01 09:00:00","endTime":"2026-03-01 09:00:02","usageDetails":{"input":5,"output":7},"totalCost":0.00012345,"output":"x"}]}
{"trace":{"id":"t2","projectId":"p","timestamp":"2026-03-01 09:10:00","environment":"production","userId":"u1","sessionId":"s1","release":null,"version":"7","tags":[],"metadata":{"channel":null},"input":"\"hi\"","output":"\"ho\"","scores":null},"observations":null}
"#;

#[test]
fn tables_that_were_put_together_before_are_nested_traces() {
    let out = bench("nested.json").run(PUT_TOGETHER);
    assert_eq!(counts(&out), [2, 2, 0, 0, 0, 5, 0]);
    let expected = ["user message", "bot message", "bot other", "user feedback", "user message"];
    assert_eq!(told(&out), expected);
    assert_eq!(out.column("ts_us")[1], "1772355602500000");
    let conversations: BTreeSet<String> = out.column("conversation_key").into_iter().collect();
    assert_eq!(conversations.len(), 1);
}

#[test]
fn tests_are_told_by_environment_and_tag() {
    let with = |key: &str, value: Value| {
        let mut document = nested();
        document["trace"][key] = value;
        let out = bench("a.json").run(document.to_string());
        (counts(&out)[5], counts(&out)[6])
    };
    assert_eq!(with("environment", json!("staging")), (0, 8));
    assert_eq!(with("environment", json!("langfuse-evaluation")), (0, 8));
    assert_eq!(with("tags", json!(["escalated", "test"])), (0, 8));
    assert_eq!(with("environment", json!("default")), (8, 0));
    let mut rows = enriched();
    rows.iter_mut().for_each(|row| row["environment"] = json!("ci"));
    let out = bench("a.json").run(Value::from(rows).to_string());
    assert_eq!((counts(&out)[5], counts(&out)[6]), (0, 6));
}

#[test]
fn a_root_that_fails_without_a_word_is_no_answer() {
    let mut document = nested();
    document["observations"][0]["level"] = json!("ERROR");
    let silent = bench("a.json").run(document.to_string());
    assert!(!told(&silent).contains(&"bot message".to_owned()));
    document["observations"][0]["output"] = json!("\"Sorry\"");
    let sorry = bench("a.json").run(document.to_string());
    assert!(told(&sorry).contains(&"bot message".to_owned()));
}

#[test]
fn malformed_logs() {
    let one = nested().to_string();
    let trace = |key: &str, value: Value| {
        let mut document = nested();
        document["trace"][key] = value;
        document.to_string().into_bytes()
    };
    let step = |key: &str, value: Value| {
        let mut document = nested();
        document["observations"][1][key] = value;
        document.to_string().into_bytes()
    };
    let mut words = nested();
    words["observations"] = json!("none");
    let latin: Vec<u8> = trace("name", json!("Köln"))
        .iter()
        .flat_map(|b| match b {
            0xc3 => None,
            0xb6 => Some(0xf6),
            other => Some(*other),
        })
        .collect();
    hold(
        &bench("a.json"),
        &[
            ("cut off", one.as_bytes()[..900].to_vec(), "unclosed_quote"),
            ("a trace without a time", trace("timestamp", Value::Null), "missing_field:ts"),
            ("a number for its time", trace("timestamp", json!(1_772_355_600)), "bad_type:ts"),
            ("no end", step("endTime", Value::Null), "decoded"),
            (
                "tokens in words",
                step("usageDetails", json!({"input": 5, "output": "many"})),
                "bad_type:tokens_out",
            ),
            (
                "fewer than no tokens",
                step("usageDetails", json!({"input": 5, "output": -1})),
                "bad_value:tokens_out",
            ),
            ("money in words", step("totalCost", json!("dear")), "bad_type:cost_amount"),
            ("observations in words", words.to_string().into_bytes(), "bad_type:/observations"),
            ("new fields", step("new", json!({"deep": [1, {"x": null}]})), "decoded"),
            ("metadata that is no JSON", trace("metadata", json!("plain words")), "decoded"),
            ("scores by their ids", trace("scores", json!(["sc-1", "sc-2"])), "decoded"),
            (
                "no trace at all",
                br#"{"messages":[{"type":"human","content":"hi"}]}"#.to_vec(),
                "empty",
            ),
            (
                "a list that is cut off",
                format!("{one},{one}").into_bytes(),
                "decoded + decoded + not_json",
            ),
            ("Latin 1", latin, "invalid_utf8"),
            ("nothing", Vec::new(), ""),
        ],
    );
}

#[test]
fn copies_are_told_and_half_a_list_is_refused() {
    let one = nested().to_string();
    assert!(bench("a.json").try_run(format!("[{one},").as_bytes()).is_err());
    let twice = bench("a.json").run(format!("{one}\n{one}"));
    assert_eq!((counts(&twice)[1], identities(&twice).len()), (2, 8));
}

/// What a page of the API lists: traces with the ids of what is inside, which know how long they took.
#[test]
fn a_page_of_the_api_is_traces_without_their_insides() {
    let trace = json!({"id": "t9", "timestamp": at(0.0), "name": "x", "userId": "u1", "sessionId": "s1", "projectId": "p",
        "tags": ["fallback"], "latency": 1.25, "observations": ["o1", "o2"], "scores": ["s1"], "environment": "default"});
    let out = bench("a.json").run(Value::from(vec![trace]).to_string());
    assert_eq!(told(&out), ["user message", "bot message"]);
    assert_eq!(out.column("latency_ms"), ["null", "1250"]);
    assert_eq!(out.column("is_fallback"), ["null", "true"]);
}

#[test]
fn recorded_traces() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/samples/langfuse");
    let Ok(entries) = std::fs::read_dir(&folder) else { return };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/trace_counts.py");
    let mut traces = 0;
    for path in entries.map(|entry| entry.unwrap().path()) {
        let output = Command::new("python3").arg(script).arg(&path).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let counted: Value = serde_json::from_slice(&output.stdout).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let out = bench(&name).run(std::fs::read(&path).unwrap());
        assert_eq!(out.decoded.quarantine, [], "{name}");
        let sum = |column: &str| -> i64 {
            let digits = |cell: &String| cell.replace('.', "").parse::<i64>().unwrap_or_default();
            out.column(column).iter().map(digits).sum()
        };
        let times = out.column("ts_ms");
        let time = |event: &str| {
            let at = told(&out).iter().position(|told| told == event)?;
            times[at].parse::<i64>().ok()
        };
        let latency = time("bot message").zip(time("user message")).map(|(end, start)| end - start);
        let ours = json!({
            "events": tally(&out), "tokens_in": sum("tokens_in"), "tokens_out": sum("tokens_out"),
            "cost_micros": sum("cost_amount"), "latencies_ms": Vec::from_iter(latency),
        });
        assert_eq!(ours, counted, "{name}");
        traces += out.decoded.accounting.decoded;
    }
    assert_eq!(traces, 6);
}
