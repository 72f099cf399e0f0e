//! Logs of vendors with something wrong in them: what becomes of each record.

use super::super::*;
use super::{SAID, adapter, row};

/// Something wrong with a log, and what must become of its records:
/// read, decoded, filtered, empty, quarantined, blank, kept.
type Case = (&'static str, Vec<u8>, [u64; 7], &'static [&'static str]);

fn check(name: &str, cases: Vec<Case>) {
    assert!(cases.len() >= 8);
    for (what, bytes, counts, reasons) in cases {
        let out = adapter(name, "").run(&bytes);
        let a = &out.decoded.accounting;
        let told = [a.read, a.decoded, a.filtered, a.empty, a.quarantined, a.blank, a.kept];
        assert_eq!((told, out.reasons().as_slice()), (counts, reasons), "{what}");
    }
}

/// Copies of the same events are told by their ids, whatever else differs.
fn copies(name: &str, bytes: &str) {
    let out = adapter(name, "").run(bytes);
    let keys = out.column("dedup_lo");
    let half = keys.len() / 2;
    assert!(half > 0 && keys[..half] == keys[half..], "{name}: {keys:?}");
    let ids: std::collections::BTreeSet<&String> = keys.iter().collect();
    assert_eq!(ids.len(), half, "{name}");
}

pub(super) const RASA: [&str; 3] = [
    r#"{"sender_id":"u1","event":"user","timestamp":1772355600.12,"text":"hé","parse_data":{"intent":{"name":"track","confidence":0.91}},"input_channel":"rest","message_id":"m1"}"#,
    r#"{"sender_id":"u1","event":"action","timestamp":1772355600.5,"name":"utter_eta","policy":null,"confidence":null}"#,
    r#"{"sender_id":"u1","event":"bot","timestamp":1772355600.9,"text":"Tomorrow.","data":{"buttons":null},"metadata":{"utter_action":"utter_eta"}}"#,
];

#[test]
#[expect(clippy::too_many_lines, reason = "a table of logs and what becomes of each")]
fn wrong_rasa_logs_are_accounted_for() {
    let good = || RASA.join("\n");
    let with = |from: &str, to: &str| good().replacen(from, to, 1).into_bytes();
    let latin = good()
        .into_bytes()
        .iter()
        .flat_map(|b| if *b == 0xc3 { vec![] } else { vec![*b] })
        .collect();
    let cases: Vec<Case> = vec![
        ("nothing", good().into_bytes(), [3, 2, 0, 1, 0, 0, 2], &[]),
        ("cut off", good()[..good().len() - 20].into(), [3, 1, 0, 1, 1, 0, 1], &["unclosed_quote"]),
        (
            "an hour as words",
            with("1772355600.12", r#""soon""#),
            [3, 1, 0, 1, 1, 0, 1],
            &["bad_timestamp"],
        ),
        (
            "no time",
            with(r#""timestamp":1772355600.12,"#, ""),
            [3, 1, 0, 1, 1, 0, 1],
            &["missing_field:ts"],
        ),
        (
            "nobody",
            with(r#""sender_id":"u1","#, ""),
            [3, 1, 0, 1, 1, 0, 1],
            &["missing_field:conversation_id"],
        ),
        (
            "a confidence in words",
            with("0.91", r#""high""#),
            [3, 1, 0, 1, 1, 0, 1],
            &["bad_type:intent_confidence"],
        ),
        (
            "a sender that is a list",
            with(r#""u1""#, r#"["u1"]"#),
            [3, 1, 0, 1, 1, 0, 1],
            &["bad_type:conversation_id"],
        ),
        (
            "a number as text",
            with("1772355600.12", r#""1772355600.12""#),
            [3, 2, 0, 1, 0, 0, 2],
            &[],
        ),
        (
            "new fields",
            with(r#""event":"user""#, r#""event":"user","assistant_id":"a","tenant":{"id":1}"#),
            [3, 2, 0, 1, 0, 0, 2],
            &[],
        ),
        (
            "a new kind of event",
            with(r#""event":"user""#, r#""event":"routing_session_started""#),
            [3, 1, 0, 2, 0, 0, 1],
            &[],
        ),
        (
            "noise",
            format!("Starting up\n{}", good()).into(),
            [5, 2, 0, 1, 2, 0, 2],
            &["not_json", "not_json"],
        ),
        ("another encoding", latin, [3, 1, 0, 1, 1, 0, 1], &["invalid_utf8"]),
        (
            "a mark and other line ends",
            format!("\u{feff}{}", RASA.join("\r\n\r\n")).into(),
            [3, 2, 0, 1, 0, 0, 2],
            &[],
        ),
        ("a line in a list", format!("[{}]", RASA.join(",")).into(), [3, 2, 0, 1, 0, 0, 2], &[]),
        (
            "an empty tracker",
            br#"{"sender_id":"u1","events":[]}"#.to_vec(),
            [1, 0, 0, 1, 0, 0, 0],
            &[],
        ),
    ];
    check("rasa", cases);
    copies("rasa", &format!("{}\n{}", good(), good().replace(r#""data""#, r#""new":1,"data""#)));
}

pub(super) const TRANSCRIPT: [&str; 3] = [
    r#"{"type":"message","id":"a1","timestamp":"2026-03-01T09:00:00.120Z","channelId":"webchat","from":{"id":"u1","role":"user"},"recipient":{"id":"b","role":"bot"},"conversation":{"id":"c1"},"text":"hé"}"#,
    r#"{"type":"trace","id":"a2","timestamp":"2026-03-01T09:00:00.480Z","channelId":"webchat","valueType":"https://www.luis.ai/schemas/trace","replyToId":"a1","from":{"id":"b","role":"bot"},"conversation":{"id":"c1"},"value":{"recognizerResult":{"intents":{"None":{"score":0.1},"Track":{"score":0.91}}}}}"#,
    r#"{"type":"message","id":"a3","timestamp":"2026-03-01T09:00:01.300Z","channelId":"webchat","replyToId":"a1","from":{"id":"b","role":"bot"},"recipient":{"id":"u1","role":"user"},"conversation":{"id":"c1"},"text":"Tomorrow."}"#,
];

#[test]
#[expect(clippy::too_many_lines, reason = "a table of logs and what becomes of each")]
fn wrong_transcripts_are_accounted_for() {
    let good = || format!("[{}]", TRANSCRIPT.join(",\n"));
    let with = |from: &str, to: &str| good().replacen(from, to, 1).into_bytes();
    let latin = good().into_bytes().into_iter().filter(|b| *b != 0xc3).collect();
    let cases: Vec<Case> = vec![
        ("nothing", good().into_bytes(), [3, 2, 0, 1, 0, 0, 2], &[]),
        ("one activity a file", TRANSCRIPT[0].into(), [1, 1, 0, 0, 0, 0, 1], &[]),
        (
            "no time",
            with(r#""timestamp":"2026-03-01T09:00:00.120Z","#, ""),
            [3, 1, 0, 1, 1, 0, 1],
            &["missing_field:ts"],
        ),
        (
            "a time without a zone",
            with("00.120Z", "00.120"),
            [3, 1, 0, 1, 1, 0, 1],
            &["bad_timestamp"],
        ),
        (
            "a time as a number",
            with(r#""2026-03-01T09:00:00.120Z""#, "1772355600"),
            [3, 1, 0, 1, 1, 0, 1],
            &["bad_type:ts"],
        ),
        ("no sender", with(r#""from":{"id":"u1","role":"user"},"#, ""), [3, 1, 0, 2, 0, 0, 1], &[]),
        ("no role", with(r#""id":"u1","role":"user""#, r#""id":"u1""#), [3, 2, 0, 1, 0, 0, 2], &[]),
        (
            "a role of its own",
            with(r#""role":"user""#, r#""role":"channel""#),
            [3, 2, 0, 1, 0, 0, 2],
            &[],
        ),
        (
            "a conversation that is a number",
            with(r#""id":"c1""#, r#""id":1"#),
            [3, 2, 0, 1, 0, 0, 2],
            &[],
        ),
        (
            "a conversation that is a list",
            with(r#"{"id":"c1"}"#, r#"{"id":["c1"]}"#),
            [3, 1, 0, 1, 1, 0, 1],
            &["bad_type:conversation_id"],
        ),
        (
            "new fields",
            with(r#""type":"message""#, r#""type":"message","tenant":{"id":1}"#),
            [3, 2, 0, 1, 0, 0, 2],
            &[],
        ),
        (
            "a comma lost",
            good().replacen(",\n", "\n", 1).into(),
            [2, 1, 0, 0, 1, 0, 1],
            &["trailing_data"],
        ),
        ("scores in words", with("0.91", r#""high""#), [3, 2, 0, 1, 0, 0, 2], &[]),
        ("another encoding", latin, [3, 1, 0, 1, 1, 0, 1], &["invalid_utf8"]),
        ("a mark in front", format!("\u{feff}{}", good()).into(), [3, 2, 0, 1, 0, 0, 2], &[]),
        ("nobody spoke", b"[]".to_vec(), [0, 0, 0, 0, 0, 0, 0], &[]),
    ];
    check("botframework", cases);
    copies(
        "botframework",
        &format!(
            "[{},{}]",
            TRANSCRIPT.join(","),
            TRANSCRIPT.join(",").replace("\"text\"", "\"new\":1,\"text\"")
        ),
    );
    // Nobody can tell how much is missing.
    let cut = adapter("botframework", "").try_run(&good().as_bytes()[..300]);
    assert_eq!(cut.err().map(|error| error.kind), Some(ErrorKind::Input));
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of logs and what becomes of each")]
fn wrong_copilot_rows_are_accounted_for() {
    let with = |from: &str, to: &str| row(&SAID.replacen(from, to, 1)).into_bytes();
    let two = |second: &str| format!("{}\n{second}", row(SAID)).into_bytes();
    let cases: Vec<Case> = vec![
        ("nothing", row(SAID).into(), [1, 1, 0, 0, 0, 0, 2], &[]),
        ("the test pane", with("false", "true"), [1, 1, 0, 0, 0, 0, 0], &[]),
        (
            "the test channel",
            row(&SAID.replace("msteams", "pva-studio")).into(),
            [1, 1, 0, 0, 0, 0, 0],
            &[],
        ),
        (
            "content that is cut off",
            row(SAID).replacen("]}\"}", "\"}", 1).into(),
            [1, 0, 0, 0, 1, 0, 0],
            &["bad_json"],
        ),
        (
            "no content",
            br#"{"conversationtranscriptid":"t1","content":null}"#.to_vec(),
            [1, 0, 0, 1, 0, 0, 0],
            &[],
        ),
        (
            "content that is no text",
            two(r#"{"name":"c","content":{"activities":[]}}"#),
            [2, 1, 0, 1, 0, 0, 2],
            &[],
        ),
        (
            "activities in words",
            two(r#"{"name":"c","content":"{\"activities\":\"none\"}"}"#),
            [2, 1, 0, 0, 1, 0, 2],
            &["bad_type:/content/@json/activities"],
        ),
        (
            "a third role",
            with(r#""role":1"#, r#""role":2"#),
            [1, 0, 0, 0, 1, 0, 0],
            &["bad_value:actor"],
        ),
        ("roles in words", with(r#""role":1"#, r#""role":"user""#), [1, 1, 0, 0, 0, 0, 2], &[]),
        (
            "no time",
            with(r#""timestamp":1772355605,"#, ""),
            [1, 0, 0, 0, 1, 0, 0],
            &["missing_field:ts"],
        ),
        (
            "times in words",
            with("1772355605", r#""2026-03-01T09:00:05Z""#),
            [1, 1, 0, 0, 0, 0, 2],
            &[],
        ),
        (
            "new fields",
            with(r#""type":"message""#, r#""type":"message","new":[1,{"a":2}]"#),
            [1, 1, 0, 0, 0, 0, 2],
            &[],
        ),
        ("a row cut off", two(&row(SAID)[..90]), [2, 1, 0, 0, 1, 0, 2], &["unclosed_quote"]),
        (
            "another encoding",
            two(&row(SAID)).iter().map(|b| if *b == b'?' { 0xe9 } else { *b }).collect(),
            [2, 0, 0, 0, 2, 0, 0],
            &["invalid_utf8", "invalid_utf8"],
        ),
        ("a mark in front", format!("\u{feff}[{}]", row(SAID)).into(), [1, 1, 0, 0, 0, 0, 2], &[]),
    ];
    check("copilot-studio", cases);
    copies(
        "copilot-studio",
        &format!(
            "{}\n{}",
            row(SAID),
            row(SAID).replace("\"name\"", "\"versionnumber\":2,\"name\"")
        ),
    );
}
