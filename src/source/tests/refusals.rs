//! Every reason, and the order in which reasons are given.

use super::*;

fn reason_of(object: &str) -> String {
    let out = Bench::events().run(object);
    assert_eq!(out.decoded.quarantine.len(), 1, "{object} {:?}", out.decoded.accounting);
    out.reasons()[0].to_owned()
}

#[test]
fn json_flaws() {
    let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    let keys = (0..1_001).map(|n| format!(r#""k{n}":0"#)).collect::<Vec<_>>().join(",");
    for (object, reason) in [
        ("{", "not_json"),
        ("\u{1}", "not_json"),
        (r#"{"a":1,}"#, "not_json"),
        (r#"{"a":01}"#, "not_json"),
        (r#"{"a":"\x"}"#, "not_json"),
        ("{\"a\":\"\t\"}", "not_json"),
        (r#"{'a':1}"#, "not_json"),
        (r#"{"a":NaN}"#, "not_json"),
        ("[1,2]", "not_object"),
        ("null", "not_object"),
        (r#""x""#, "not_object"),
        ("[] x", "not_object"),
        ("[", "not_json"),
        ("{} {}", "trailing_data"),
        (r#"{"a":1,"a":2} x"#, "trailing_data"),
        (r#"{"a":1,"a":2}"#, "duplicate_key"),
        (r#"{"ts":1,"\u0074s":2}"#, "duplicate_key"),
        (&format!(r#"{{"a":{}}}"#, "1".repeat(41)), "number_too_long"),
        (&format!("{{{keys}}}"), "too_many_keys"),
        (&format!(r#"{{"a":{{{keys}}}}}"#), "too_many_keys"),
        (&format!(r#"{{"a":{}}}"#, nested(64)), "too_deep"),
        (&format!(r#"{{"a":{}}}"#, nested(63)), "missing_field:ts"),
        (&nested(64), "not_object"),
        (&nested(65), "too_deep"),
        (&"[".repeat(100_000), "too_deep"),
        (&r#"{"a":"#.repeat(100_000), "too_deep"),
        (&format!("x{}", "[".repeat(100_000)), "too_deep"),
        (&format!(r#"{{"a":"{}"}}"#, "[".repeat(100_000)), "missing_field:ts"),
    ] {
        assert_eq!(reason_of(object), reason, "{}", &object[..object.len().min(80)]);
    }
}

#[test]
fn event_flaws() {
    let long = "x".repeat(1_025);
    for (member, reason) in [
        (r#""bot":true"#.to_owned(), "bad_type:bot"),
        (r#""bot":{}"#.to_owned(), "bad_type:bot"),
        (r#""bot":"*""#.to_owned(), "bad_value:bot"),
        (r#""variant":"\u002a""#.to_owned(), "bad_value:variant"),
        (format!(r#""service":"{long}""#), "bad_value:service"),
        (r#""latency_ms":"5""#.to_owned(), "bad_type:latency_ms"),
        (r#""latency_ms":5.5"#.to_owned(), "bad_value:latency_ms"),
        (r#""latency_ms":-5"#.to_owned(), "bad_value:latency_ms"),
        (r#""latency_ms":9223372036854775808"#.to_owned(), "bad_value:latency_ms"),
        (r#""intent_confidence":1e999"#.to_owned(), "bad_value:intent_confidence"),
        (r#""is_fallback":1"#.to_owned(), "bad_type:is_fallback"),
        (r#""is_test":"yes""#.to_owned(), "bad_type:is_test"),
        (r#""closed_by":"cat""#.to_owned(), "bad_value:closed_by"),
        (r#""identity_kind":"x""#.to_owned(), "bad_value:identity_kind"),
        (r#""instrument":"stars""#.to_owned(), "bad_value:instrument"),
        (r#""instrument":"csat_5","score":6"#.to_owned(), "bad_value:score"),
        (r#""instrument":"helpful","score":2"#.to_owned(), "bad_value:score"),
        (r#""score":4.5"#.to_owned(), "bad_value:score"),
        (r#""event_id":1.5"#.to_owned(), "bad_value:event_id"),
        (r#""event_id":[1]"#.to_owned(), "bad_type:event_id"),
        (r#""lead_value":0.0000001"#.to_owned(), "bad_value:lead_value"),
        (r#""cost_amount":1000000000000"#.to_owned(), "bad_value:cost_amount"),
        (r#""cost_amount":"x""#.to_owned(), "bad_type:cost_amount"),
        (r#""text":5"#.to_owned(), "bad_type:text"),
        (r#""reason":5"#.to_owned(), "bad_type:reason"),
        // Several at once: the first in the contract's order.
        (r#""bot":"*","latency_ms":"5""#.to_owned(), "bad_type:latency_ms"),
    ] {
        assert_eq!(reason_of(&line(&member)), reason, "{member:.80}");
    }
}

#[test]
fn required_and_unknown() {
    for (object, reason, field) in [
        ("{}", "missing_field:ts", "ts"),
        (r#"{"ts":"2026-03-01T10:00:00Z","type":"other"}"#, "missing_field:actor", "actor"),
        (r#"{"ts":"x","actor":"cat"}"#, "missing_field:type", "type"),
        (
            r#"{"ts":"2026-03-01T10:00:00Z","actor":"cat","type":"other"}"#,
            "bad_value:actor",
            "actor",
        ),
        (r#"{"ts":"2026-03-01T10:00:00Z","actor":"bot","type":"cat"}"#, "unknown_event", "type"),
        (r#"{"ts":"2026-03-01T10:00:00Z","actor":"cat","type":"cat"}"#, "bad_value:actor", "actor"),
        (r#"{"ts":1772452800,"actor":"bot","type":"other"}"#, "bad_type:ts", "ts"),
        (r#"{"ts":"yesterday","actor":"bot","type":"other"}"#, "bad_timestamp", "ts"),
        (r#"{"ts":"2026-03-01T10:00:00","actor":"bot","type":"other"}"#, "bad_timestamp", "ts"),
        (r#"{"ts":"1999-12-31T23:59:59Z","actor":"bot","type":"other"}"#, "ts_out_of_range", "ts"),
        (
            r#"{"ts":"2026-03-01T10:00:00Z","actor":"bot","type":"message"}"#,
            "missing_field:conversation_id",
            "conversation_id",
        ),
        (
            r#"{"ts":"2026-03-01T10:00:00Z","actor":"user","type":"feedback","score":1}"#,
            "missing_field:instrument",
            "instrument",
        ),
        (
            r#"{"ts":"2026-03-01T10:00:00Z","actor":"user","type":"feedback","instrument":"nps"}"#,
            "missing_field:score",
            "score",
        ),
    ] {
        let out = Bench::events().run(object);
        let bad = &out.decoded.quarantine[0];
        assert_eq!((bad.reason.as_str(), bad.field.as_deref()), (reason, Some(field)), "{object}");
    }
}

#[test]
fn csv_flaws() {
    let header = "ts,actor,type,user_id,latency_ms,is_fallback,cost_amount\n";
    let object = format!(
        "{header}\
         2026-03-01T10:00:00Z,user,message,7,12,TRUE,1.5\n\
         2026-03-01T10:00:00Z,user,message,7\n\
         2026-03-01T10:00:00Z,user,message,7,12,1,1,9\n\
         2026-03-01T10:00:00Z,user,message,7,fast,1,1\n\
         2026-03-01T10:00:00Z,user,message,7, 12 ,yes,1\n\
         2026-03-01T10:00:00Z,user,message,7, 12 ,0,inf\n\
         1772452800,user,message,7,,,\n\
         \n\
         \"2026-03-01T10:00:00Z\",\"user\",\"message\",\"7\",\"\",\"\",\"\"\n\
         2026-03-01T10:00:00Z,user,message,\"7,,,\n\
         2026-03-01T10:00:00Z,user,message,8,,,\n"
    );
    let out = Bench::csv(Kind::Events).run(object);
    assert_eq!(
        out.reasons(),
        [
            "bad_columns",
            "bad_columns",
            "bad_type:latency_ms",
            "bad_type:is_fallback",
            "bad_value:cost_amount",
            "bad_timestamp",
            "unclosed_quote"
        ]
    );
    assert_eq!(out.column("latency_ms"), ["12", "null", "null"]);
    assert_eq!(out.column("user_key")[0], out.column("user_key")[1]);
    assert_eq!(out.column("seq"), ["0", "7", "9"]);
    let accounting = &out.decoded.accounting;
    assert_eq!((accounting.read, accounting.blank, accounting.kept), (11, 1, 3));
    assert_eq!(out.decoded.quarantine[6].line, 11);
}

#[test]
fn a_header_that_is_none_refuses_the_object() {
    let bench = Bench::csv(Kind::Events);
    let error = bench.try_run(b"2026-03-01T10:00:00Z,user,message\n").err().unwrap();
    assert_eq!(error.kind, ErrorKind::Input);
    assert!(error.message.contains("bad_header"));
    let out = bench.run("ts,ts,actor,type\n2026-03-01T10:00:00Z,,bot,other\n");
    assert_eq!(out.reasons(), ["duplicate_key"]);
    assert_eq!(bench.run("").decoded.accounting, Accounting::default());
}

#[test]
fn the_future_is_refused_until_it_comes() {
    let at = |ts: &str, more: &str| line(more).replace("2026-03-01T10:00:00Z", ts);
    let object = [
        at("2026-03-02T13:00:00Z", ""),
        at("2026-03-02T13:00:00.000001Z", ""),
        at("2026-03-02T15:00:00Z", ""),
        at("2026-03-02T13:00:00.0000009Z", r#""bot":"*""#),
        at("2026-03-02T14:00:00Z", r#""bot":"*""#),
    ]
    .join("\n");
    let mut bench = Bench::events();
    let out = bench.run(&object);
    assert_eq!(out.decoded.accounting.kept, 1);
    assert_eq!(out.decoded.accounting.reasons["ts_out_of_range"], 3);
    let retry = out.decoded.retry_after_us.unwrap();
    assert_eq!(retry, AS_OF + 3_600_000_001);
    bench.as_of_us = retry - 3_600_000_000;
    let out = bench.run(&object);
    assert_eq!(out.decoded.accounting.kept, 2);
    assert_eq!(out.decoded.retry_after_us, Some(AS_OF + 3 * 3_600_000_000));
}

#[test]
fn test_traffic_and_early_days_are_counted_and_not_among_the_rows() {
    let mut bench = Bench::events();
    bench.start = Some("2026-03-01".parse().unwrap());
    let early = line("").replace("03-01T10:00:00Z", "02-28T23:59:59Z");
    let early_test = early.replace("{", r#"{"is_test":true,"#);
    let object = [line(r#""is_test":true"#), early, line(""), early_test].join("\n");
    let out = bench.run(object);
    let rows = |files: &[StagedFile]| files.iter().map(|file| file.rows).sum::<u64>();
    assert_eq!((rows(&out.decoded.files), rows(&out.decoded.test_files)), (1, 1));
    let accounting = out.decoded.accounting;
    let Accounting { emitted, kept, test, out_of_window, decoded, .. } = accounting;
    assert_eq!((emitted, kept, test, out_of_window, decoded), (4, 1, 2, 1, 4));
}

#[test]
fn naive_times_need_a_zone() {
    let naive = line("").replace("10:00:00Z", "10:00:00");
    assert_eq!(reason_of(&naive), "bad_timestamp");
    let mut bench = Bench::events();
    bench.source.naive_zone = Some(chrono_tz::Europe::Stockholm);
    let skipped = line("").replace("2026-03-01T10:00:00Z", "2025-03-30T02:30:00");
    let out = bench.run([naive, skipped].join("\n"));
    assert_eq!(out.one("ts_us"), "1772355600000000");
    assert_eq!(out.reasons(), ["bad_timestamp"]);
}
