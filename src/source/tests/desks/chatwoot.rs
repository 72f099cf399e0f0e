//! Chatwoot's webhooks and tables.

use super::*;

#[test]
fn webhooks_are_events() {
    let first = read(adapted("chatwoot", "events", ""), "chatwoot/webhooks-1.json");
    assert_eq!(counts(&first), [11, 8, 2, 1], "a note, typing, and a line for agents");
    let expected = [
        "user message",
        "bot message",
        "user message",
        "system handoff",
        "agent message",
        "system session_end",
        "system survey",
        "user feedback",
    ];
    assert_eq!(told(&first), expected);
    let times = [
        "09:00:00", "09:00:02", "09:01:00", "09:01:01", "09:05:00", "09:20:00", "09:20:01",
        "09:20:01",
    ];
    assert_eq!(clock(&first, "ts_us"), times);
    assert_eq!(first.column("channel"), ["web"; 8]);
    assert_eq!(first.column("service"), [["parcels"; 7].as_slice(), &["null"]].concat());
    assert_eq!(first.column("score")[7], "4");
    assert_eq!(
        first.column("conversation_key"),
        vec![first.column("conversation_key")[0].clone(); 8]
    );
    let second = read(adapted("chatwoot", "events", ""), "chatwoot/webhooks-2.json");
    assert_eq!(counts(&second), [6, 5, 0, 1]);
    let expected =
        ["user message", "bot message", "system other", "system session_end", "bot message"];
    assert_eq!(told(&second), expected);
    assert_eq!(second.column("closed_by")[3], "bot");
    assert_eq!(identities([&first, &second]).len(), 8 + 4, "a message was delivered twice");
    holds_nothing_private(&first);
}

#[test]
fn webhooks_are_contacts_once_a_person_answers() {
    let first = read(adapted("chatwoot", "contacts", ""), "chatwoot/webhooks-1.json");
    assert_eq!(counts(&first), [11, 1, 10, 0]);
    assert_eq!(clock(&first, "opened_us"), ["09:05:00"]);
    assert_eq!(clock(&first, "closed_us"), ["09:20:00"]);
    assert_eq!(
        [first.one("resolved"), first.one("service"), first.one("channel")],
        ["true", "parcels", "web"]
    );
    let second = read(adapted("chatwoot", "contacts", ""), "chatwoot/webhooks-2.json");
    assert_eq!(counts(&second), [6, 1, 5, 0]);
    assert_eq!(
        [second.one("resolved"), second.one("closed_us")],
        ["false", "null"],
        "opened again"
    );
    assert_eq!(identities([&first, &second]).len(), 1);
}

#[test]
fn tables_are_events() {
    let out = read(adapted("chatwoot-messages", "events", ""), "chatwoot/messages.csv");
    assert_eq!(counts(&out), [8, 6, 2, 0]);
    let expected = [
        "user message",
        "bot message",
        "user message",
        "agent message",
        "system survey",
        "system message",
    ];
    assert_eq!(told(&out), expected);
    let chosen = ", options: { bots: [5], senderless: bot }";
    let chosen = read(adapted("chatwoot-messages", "events", chosen), "chatwoot/messages.csv");
    assert_eq!([&told(&chosen)[3], &told(&chosen)[5]], ["bot message", "bot message"]);
    let ends =
        read(adapted("chatwoot-reporting-events", "events", ""), "chatwoot/reporting_events.csv");
    assert_eq!(counts(&ends), [4, 3, 1, 0]);
    assert_eq!(told(&ends), ["system handoff", "system session_end", "system session_end"]);
    assert_eq!(ends.column("closed_by"), ["null", "null", "bot"]);
    let answers =
        read(adapted("chatwoot-csat", "surveys", ""), "chatwoot/csat_survey_responses.csv");
    assert_eq!([answers.one("type"), answers.one("score")], ["feedback", "4"]);
    // All find each other.
    let keys = [&out, &ends, &answers].map(|out| out.column("chain_key")[0].clone());
    assert!(keys[0] == keys[1] && keys[1] == keys[2]);
    holds_nothing_private(&out);
    holds_nothing_private(&answers);
}

#[test]
fn the_table_of_conversations_is_contacts() {
    let out = read(adapted("chatwoot-conversations", "contacts", ""), "chatwoot/conversations.csv");
    assert_eq!(counts(&out), [3, 2, 1, 0], "a bot's alone");
    assert_eq!(out.column("contact_id"), ["1077", "1079"]);
    assert_eq!(clock(&out, "opened_us"), ["09:05:00", "10:15:00"]);
    assert_eq!(out.column("resolved"), ["true", "false"]);
    assert_eq!(out.column("service"), ["parcels", "null"]);
}

const BODY: &str = r#"{"event":"message_created","id":501,"content":"hi","created_at":"2026-03-01T09:00:00.120Z","message_type":"incoming","content_type":"text","private":false,"sender":{"id":9,"type":"contact"},"conversation":{"id":77,"channel":"Channel::WebWidget"},"inbox":{"id":1}}"#;

/// What was written; records read, decoded, filtered, empty and refused; reasons; rows that are no
/// copies.
type Received = (&'static str, Vec<u8>, [u64; 5], &'static [&'static str], usize);

#[test]
#[expect(clippy::too_many_lines, reason = "a table of bodies and what becomes of each")]
fn whatever_a_receiver_wrote_is_accounted_for() {
    let with = |from: &str, to: &str| {
        assert!(BODY.contains(from));
        BODY.replacen(from, to, 1).into_bytes()
    };
    let status = |from: &str, to: &str| {
        format!(
            r#"{{"event":"conversation_status_changed","id":77,"status":"{to}","updated_at":1772355661.5,"changed_attributes":[{{"status":{{"previous_value":"{from}","current_value":"{to}"}}}}]}}"#
        )
    };
    let wrapped = |key: &str| serde_json::json!({ key: BODY }).to_string();
    let half = &BODY[..BODY.len() / 2];
    let cases: Vec<Received> = vec![
        ("as it is", BODY.into(), [1, 1, 0, 0, 0], &[], 1),
        ("twice, without a line feed", BODY.repeat(2).into(), [2, 2, 0, 0, 0], &[], 1),
        ("wrapped", [wrapped("body"), wrapped("payload")].concat().into(), [2, 2, 0, 0, 0], &[], 1),
        (
            "wrapped without JSON",
            br#"{"body":"out of memory"}"#.to_vec(),
            [1, 0, 0, 0, 1],
            &["bad_json"],
            0,
        ),
        (
            "cut short at the end",
            format!("{BODY}\n{half}").into(),
            [2, 1, 0, 0, 1],
            &["unclosed_quote"],
            1,
        ),
        (
            "another program's line",
            format!("{BODY}\nboom\n{BODY}").into(),
            [3, 2, 0, 0, 1],
            &["not_json"],
            1,
        ),
        (
            "pretty",
            format!("{:#}", serde_json::from_str::<serde_json::Value>(BODY).unwrap()).into(),
            [1, 1, 0, 0, 0],
            &[],
            1,
        ),
        (
            "another encoding",
            with("hi", "h\u{e9}").iter().map(|b| if *b == 0xc3 { 0xe9 } else { *b }).collect(),
            [1, 0, 0, 0, 1],
            &["invalid_utf8"],
            0,
        ),
        ("a new field", with("{", r#"{"brand_new":[{}],"#), [1, 1, 0, 0, 0], &[], 1),
        ("a new event", with("message_created", "brand_new"), [1, 0, 1, 0, 0], &[], 0),
        ("a new kind of message", with("incoming", "brand_new"), [1, 0, 0, 1, 0], &[], 0),
        ("numbers for words", with(r#""incoming""#, "0"), [1, 1, 0, 0, 0], &[], 1),
        ("a note", with("false", "true"), [1, 0, 1, 0, 0], &[], 0),
        ("seconds", with(r#""2026-03-01T09:00:00.120Z""#, "1772355600"), [1, 1, 0, 0, 0], &[], 1),
        (
            "no time",
            with(r#""created_at":"2026-03-01T09:00:00.120Z","#, ""),
            [1, 0, 0, 0, 1],
            &["missing_field:ts"],
            0,
        ),
        ("no conversation", with(r#""id":77,"#, ""), [1, 1, 0, 0, 0], &[], 1),
        (
            "neither conversation nor user",
            BODY.replace(r#""id":77,"#, "").replace(r#""id":9,"#, "").into(),
            [1, 0, 0, 0, 1],
            &["missing_field:conversation_id"],
            0,
        ),
        ("a text that is none", with(r#""hi""#, "{}"), [1, 0, 0, 0, 1], &["bad_type:text"], 0),
        (
            "handed over, told twice",
            status("pending", "open").repeat(2).into(),
            [2, 2, 0, 0, 0],
            &[],
            1,
        ),
        (
            "handed over, taken back, and again",
            [
                status("pending", "open"),
                status("open", "pending"),
                status("pending", "open").replace("661.5", "961.5"),
            ]
            .concat()
            .into(),
            [3, 2, 0, 1, 0],
            &[],
            2,
        ),
        ("a state that is none", status("pending", "brand_new").into(), [1, 0, 0, 1, 0], &[], 0),
    ];
    let mut wrong = Vec::new();
    for (what, object, counts, reasons, rows) in cases {
        let mut bench = adapted("chatwoot", "events", "");
        bench.object_key = "a.json".to_owned();
        let out = bench.run(object);
        let a = &out.decoded.accounting;
        let told = (
            [a.read, a.decoded, a.filtered, a.empty, a.quarantined],
            out.reasons(),
            identities([&out]).len(),
        );
        if told != (counts, reasons.to_vec(), rows) {
            wrong.push(format!("{what}: {told:?}"));
        }
    }
    assert_eq!(wrong, [""; 0], "{wrong:#?}");
}
