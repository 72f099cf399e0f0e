//! Each kind's columns, read back.

use super::*;

const FULL: &str = r#"{"event_id":7,"ts":"2026-03-01T23:30:00.1234567+01:00","seq":5,"bot":"b","channel":"web",
"service":"returns","locale":"sv","bot_version":2.1,"conversation_id":12,"user_id":"u1","identity_kind":"authenticated",
"actor":"user","type":"feedback","intent":"a\"b","intent_confidence":0.5,"is_fallback":true,"latency_ms":120,
"closed_by":"rule","instrument":"csat_5","score":4,"reason":"slow","lead_id":"l1","lead_value":"12.345678",
"tokens_in":10,"tokens_out":20,"cost_amount":0.000001,"variant":"A","is_proactive":true,"is_test":false,
"text":"h\u00e5 \ud83d\ude00 \ud83d","extra":{"a":[1]}}"#;

#[test]
fn every_column_of_an_event() {
    let mut bench = Bench::events();
    bench.zone = chrono_tz::Europe::Stockholm;
    let out = bench.run(FULL.replace('\n', ""));
    for (column, value) in [
        ("source", "bot"),
        ("object_key", "logs/a.jsonl"),
        ("record_offset", "0"),
        ("element", "0"),
        ("date", "2026-03-01"),
        ("ts", "1772404200123456"),
        ("ts_us", "1772404200123456"),
        ("ts_ms", "1772404200123"),
        ("day_no", "20513"),
        ("week_start", "2026-02-23"),
        ("month_start", "2026-03-01"),
        ("hour", "23"),
        ("dow", "7"),
        ("seq", "5"),
        ("event_id", "7"),
        ("bot", "b"),
        ("channel", "web"),
        ("service", "returns"),
        ("locale", "sv"),
        ("bot_version", "2.1"),
        ("identity_kind", "authenticated"),
        ("actor", "user"),
        ("type", "feedback"),
        ("intent", "a\"b"),
        ("intent_confidence", "0.5"),
        ("is_fallback", "true"),
        ("latency_ms", "120"),
        ("closed_by", "rule"),
        ("instrument", "csat_5"),
        ("score", "4"),
        ("reason", "slow"),
        ("lead_value", "12.345678"),
        ("tokens_in", "10"),
        ("tokens_out", "20"),
        ("cost_amount", "0.000001"),
        ("variant", "A"),
        ("is_proactive", "true"),
        ("text_chars", "6"),
    ] {
        assert_eq!(out.one(column), value, "{column}");
    }
    assert_eq!(out.one("user_key"), bench.hasher.user_key("u1"));
    assert_ne!(out.one("conversation_key"), bench.hasher.user_key("12"));
    assert_eq!(out.one("lead_key").len(), 26);
    assert_ne!(out.one("lead_key"), bench.hasher.user_key("l1"));
    assert_ne!(out.one("chain_key"), "null");
    assert_eq!(out.decoded.newest_ts_us, Some(1_772_404_200_123_456));
    assert_eq!(out.decoded.accounting.unknown_fields, BTreeMap::from([("extra".to_owned(), 1)]));
    let preview = &out.decoded.preview[0];
    assert!(preview.contains(&("lead_value".to_owned(), "12.345678".to_owned())));
    assert!(!format!("{preview:?}").contains("u1"));
}

#[test]
fn the_least_of_an_event() {
    let object = [line(""), line(r#""bot":"","channel":null,"text":"","seq":9"#)].join("\n");
    let out = Bench::events().run(object);
    assert_eq!(out.column("bot"), ["unknown", "unknown"]);
    assert_eq!(out.column("channel"), ["unknown", "unknown"]);
    assert_eq!(out.column("identity_kind"), ["unknown", "unknown"]);
    assert_eq!(out.column("event_id"), ["", ""]);
    assert_eq!(out.column("seq"), ["0", "9"]);
    assert_eq!(out.column("text_chars"), ["null", "0"]);
    assert_eq!(out.column("is_proactive"), ["false", "false"]);
    assert_eq!(out.column("service"), ["null", "null"]);
}

#[test]
fn ids_are_one_however_they_are_written() {
    let ids = ["1", r#""1""#, "1.0", "10e-1", r#""1.0""#];
    let lines = ids.map(|id| line(&format!(r#""conversation_id":{id},"event_id":{id}"#)));
    let out = Bench::events().run(lines.join("\n"));
    for column in ["conversation_key", "chain_key", "dedup_lo", "event_id"] {
        let values = out.column(column);
        assert!(values[..4].iter().all(|v| *v == values[0]), "{column} {values:?}");
        assert_ne!(values[0], values[4]);
    }
    let numbers = Bench::events().run(line("").replace(r#""u1""#, "42"));
    let texts = Bench::events().run(line("").replace(r#""u1""#, r#""42""#));
    assert_eq!(numbers.one("user_key"), texts.one("user_key"));
    assert_eq!(numbers.one("user_key"), Bench::events().hasher.user_key("42"));
}

#[test]
fn chains_of_users_and_conversations_never_meet() {
    let other = |member: &str| {
        format!(r#"{{"ts":"2026-03-01T10:00:00Z","actor":"user","type":"message",{member}}}"#)
    };
    let lines = [
        other(r#""user_id":"x""#),
        other(r#""conversation_id":"x""#),
        other(r#""conversation_id":"x","user_id":"y""#),
        other(r#""conversation_id":"x","bot":"b""#),
        other(r#""conversation_id":"x","bot":"unknown""#),
        r#"{"ts":"2026-03-01T10:00:00Z","actor":"bot","type":"error"}"#.to_owned(),
    ];
    let out = Bench::events().run(lines.join("\n"));
    let chains = out.column("chain_key");
    assert_eq!(chains[1], chains[2]);
    assert_eq!(chains[1], chains[4]);
    assert_ne!(chains[0], chains[1]);
    assert_ne!(chains[1], chains[3]);
    assert_eq!(chains[5], "null");
}

#[test]
fn duplicates_have_one_key_and_conflicts_another_content() {
    let lines = [
        line(r#""event_id":"e""#),
        format!("  {} \r", line(r#""event_id":"e""#)),
        line(r#""event_id":"e","bot":"other""#),
        line(r#""bot":"b""#),
        format!(" {}\t", line(r#""bot":"b""#)),
        line(r#""bot": "b""#),
    ];
    let out = Bench::events().run(lines.join("\n"));
    let keys = out.column("dedup_hi").into_iter().zip(out.column("dedup_lo")).collect::<Vec<_>>();
    let contents = out.column("content_hash");
    assert_eq!(keys[0], keys[1]);
    assert_eq!(keys[0], keys[2]);
    assert_eq!(keys[3], keys[4]);
    assert_ne!(keys[3], keys[5]);
    assert_eq!(contents[0], contents[1]);
    assert_ne!(contents[0], contents[2]);
    assert_eq!(contents[3], contents[5]);
}

#[test]
fn surveys_and_leads_are_events() {
    let mut bench = Bench::csv(Kind::Surveys);
    let object = "ts,user_id,instrument,score,type\n\
                  2026-03-01T10:00:00Z,u,nps,,\n\
                  2026-03-01T10:00:00Z,u,nps,9,\n\
                  2026-03-01T10:00:00Z,u,nps,9,survey\n\
                  2026-03-01T10:00:00Z,u,nps,,other\n\
                  2026-03-01T10:00:00Z,u,,9,\n";
    let out = bench.run(object);
    assert_eq!(out.column("type"), ["survey", "feedback", "feedback", "other"]);
    assert_eq!(out.column("actor"), ["user"; 4]);
    assert_eq!(out.reasons(), ["missing_field:instrument"]);
    bench.source.kind = Kind::Leads;
    let out = bench.run("ts,lead_id,lead_value\n2026-03-01T10:00:00Z,7,1e3\n");
    assert_eq!([out.one("type"), out.one("lead_value")], ["lead", "1000.000000"]);
    // A number and its digits are the same lead, as everywhere.
    let again = bench.run("ts,lead_id\n2026-03-01T10:00:00Z,\"7\"\n");
    assert_eq!(out.one("lead_key"), again.one("lead_key"));
}

#[test]
fn what_is_too_long_for_a_reason_is_not_kept() {
    let reason =
        |text: &str| Bench::events().run(line(&format!(r#""reason":"{text}""#))).one("reason");
    let (code, words) = ("ä".repeat(64), "ä".repeat(65));
    assert_eq!(reason(&code), code);
    assert_eq!(reason(&words), "too_long");
}

#[test]
fn defaults_fill_what_is_absent() {
    let mut bench = Bench::events();
    let defaults = [("bot", "shop"), ("channel", "web"), ("latency_ms", "5"), ("nonsense", "x")];
    bench.source.defaults = defaults.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
    let out = bench.run([line(r#""bot":"own","channel":null"#), line("")].join("\n"));
    assert_eq!(out.column("bot"), ["own", "shop"]);
    assert_eq!(out.column("channel"), ["web", "web"]);
    assert_eq!(out.column("latency_ms"), ["5", "5"]);
}

#[test]
fn contacts() {
    let object = "contact_id,opened_ts,closed_ts,channel,service,user_id,handle_seconds,cost_amount,resolved,score,instrument,is_first_contact,updated_ts,is_deleted\n\
        17,2026-02-28T23:30:00Z,2026-03-01T00:10:00Z,phone,\"returns, all\",42,600,12.50,TRUE,5,csat_5,0,2026-03-01T00:10:01Z,1\n\
        18,2026-03-01T10:00:00Z,,,,,,,,,,,,\n\
        19,2026-03-01T10:00:00Z,2026-03-01T09:00:00Z,,,,,,,,,,,\n\
        20,2026-03-01T10:00:00Z,,,,,,,,3,,,,\n\
        21,2026-03-01T10:00:00Z,,,,,,,,,,,soon,\n";
    let mut bench = Bench::csv(Kind::Contacts);
    bench.zone = chrono_tz::Europe::Stockholm;
    let out = bench.run(object);
    assert_eq!(out.column("contact_id"), ["17", "18"]);
    assert_eq!(out.column("date"), ["2026-03-01", "2026-03-01"]);
    assert_eq!(out.column("service"), ["returns, all", "null"]);
    assert_eq!(out.column("channel"), ["phone", "unknown"]);
    assert_eq!(out.column("handle_seconds"), ["600", "null"]);
    assert_eq!(out.column("cost_amount"), ["12.500000", "null"]);
    assert_eq!(out.column("resolved"), ["true", "null"]);
    assert_eq!(out.column("is_first_contact"), ["false", "null"]);
    assert_eq!(out.column("updated_us"), ["1772323801000000", "0"]);
    assert_eq!(out.column("is_deleted"), ["true", "false"]);
    assert_eq!(out.column("user_key")[0], bench.hasher.user_key("42"));
    assert_eq!(out.reasons(), ["bad_value:closed_ts", "missing_field:instrument", "bad_timestamp"]);
    assert_eq!(
        out.decoded.newest_ts_us,
        crate::source::time::instant("2026-03-01T10:00:00Z", None)
    );
}

#[test]
fn costs() {
    let object = "period_start,period_end,cost_class,bot,channel,service,amount,currency\n\
        2026-01-01,2026-01-31,bot_platform,b,,,1000.000001,EUR\n\
        2026-01-01,2025-12-31,bot_platform,,,,1,EUR\n\
        2026-01-01,2026-01-31,coffee,,,,1,EUR\n\
        2026-01-01,2026-01-31,facilities,,,,,EUR\n\
        2026-01-01,2026-13-31,facilities,,,,1,EUR\n\
        2025-11-01,2025-11-30,facilities,,,,1,EUR\n\
        2026-01-01,2026-01-31,facilities,,,,0.0000001,EUR\n\
        0001-01-01,9999-01-01,facilities,,,,1,EUR\n";
    let mut bench = Bench::csv(Kind::Costs);
    bench.start = Some("2026-01-15".parse().unwrap());
    let out = bench.run(object);
    // A row for each day from the window's first on.
    let days: Vec<String> = (15..=31).map(|day| format!("2026-01-{day}")).collect();
    assert_eq!(out.column("date"), days);
    assert_eq!(out.column("period_end")[0], "2026-01-31");
    assert_eq!(out.column("amount")[16], "1000.000001");
    assert_eq!([&out.column("bot")[0], &out.column("channel")[0]], ["b", "null"]);
    // 1,000,000,001 millionths over 31 days: 32,258,064 each, and 17 more on the last.
    assert_eq!(out.column("day_micros")[0], "32258064");
    assert_eq!(out.column("day_micros")[16], "32258081");
    assert_eq!(out.decoded.accounting.out_of_window, 1);
    assert_eq!(out.decoded.newest_ts_us, None);
    assert_eq!(
        out.reasons(),
        [
            "bad_value:period_end",
            "bad_value:cost_class",
            "missing_field:amount",
            "bad_value:period_end",
            "bad_value:amount",
            "bad_value:period_start"
        ]
    );
}

/// What the days of one ledger line bear.
fn shares(start: &str, end: &str, amount: &str) -> Vec<i64> {
    let object = format!(
        "period_start,period_end,cost_class,amount,currency\n{start},{end},facilities,{amount},EUR\n"
    );
    let out = Bench::csv(Kind::Costs).run(object);
    out.column("day_micros").iter().map(|share| share.parse().unwrap()).collect()
}

#[test]
fn a_period_is_spread_to_its_days_and_to_the_last_unit() {
    for (start, end, days) in [
        ("2026-02-01", "2026-02-28", 28),
        ("2028-02-01", "2028-02-29", 29),
        ("2026-04-01", "2026-04-30", 30),
        // Two clock changes lie in these: a day is a day.
        ("2026-03-01", "2026-03-31", 31),
        ("2026-10-01", "2026-10-31", 31),
        ("2026-12-31", "2026-12-31", 1),
    ] {
        let shares = shares(start, end, "1234.567891");
        assert_eq!(shares.len(), days);
        assert_eq!(shares.iter().sum::<i64>(), 1_234_567_891);
        assert!(shares[..days - 1].iter().all(|share| *share == 1_234_567_891 / days as i64));
    }
    // 0.000002 over three days; and a credit, which takes back what was billed day by day.
    assert_eq!(shares("2026-01-01", "2026-01-03", "0.000002"), [0, 0, 2]);
    assert_eq!(shares("2026-01-01", "2026-01-03", "100"), [33_333_333, 33_333_333, 33_333_334]);
    assert_eq!(shares("2026-01-01", "2026-01-03", "-100"), [-33_333_333, -33_333_333, -33_333_334]);
}

#[test]
fn probes() {
    let object = r#"{"ts":"2026-03-01T10:00:00Z","bot":"b","ok":false,"latency_ms":31,"planned":true}
{"ts":"2026-03-01T10:01:00Z","ok":true}
{"ts":"2026-03-01T10:01:00Z","ok":"true"}
{"ts":"2026-03-01T10:01:00Z"}"#;
    let out = Bench::new(Kind::Probes).run(object);
    assert_eq!(out.column("ok"), ["false", "true"]);
    assert_eq!(out.column("bot"), ["b", "unknown"]);
    assert_eq!(out.column("planned"), ["true", "false"]);
    assert_eq!(out.reasons(), ["bad_type:ok", "missing_field:ok"]);
}

#[test]
fn rows_go_to_the_local_day() {
    let at = |ts: &str| line("").replace("2026-03-01T10:00:00Z", ts);
    let mut bench = Bench::events();
    bench.zone = chrono_tz::Europe::Stockholm;
    // The two 02:30 of the longer day, and both sides of its midnights.
    let times = [
        "2025-10-25T21:59:59.999999Z",
        "2025-10-25T22:00:00Z",
        "2025-10-26T00:30:00Z",
        "2025-10-26T01:30:00Z",
        "2025-10-26T22:59:59Z",
        "2025-10-26T23:00:00Z",
    ];
    let out = bench.run(times.map(at).join("\n"));
    let days: Vec<_> =
        out.days.iter().map(|(date, rows)| (date.as_str(), rows.num_rows())).collect();
    assert_eq!(days, [("2025-10-25", 1), ("2025-10-26", 4), ("2025-10-27", 1)]);
    assert_eq!(out.column("hour"), ["23", "0", "2", "2", "23", "0"]);
}
