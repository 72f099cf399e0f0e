//! The shipped mappings on recorded logs of public projects, where those lie beside the repository.
//!
//! What must come out is counted by `tests/sample_counts.py`, which shares nothing with the
//! decoder. Without the logs there is nothing to hold, and the tests pass.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use super::desks::adapted;
use super::mapped::shipped;
use super::*;

pub(super) fn samples(group: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/samples").join(group);
    folder.is_dir().then_some(folder)
}

pub(super) fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.to_string_lossy().ends_with(ending)).collect();
    files.sort();
    assert!(!files.is_empty(), "{}", folder.display());
    files
}

pub(super) fn counted(group: &str, folder: &Path) -> Value {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sample_counts.py");
    let output = Command::new("python3").args([script, group]).arg(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A row of what a KPI needs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    conversation: String,
    ts_ms: i64,
    seq: i64,
    date: String,
    actor: String,
    kind: String,
    score: String,
}

fn rows_of(out: &Outcome) -> Vec<Row> {
    let names = ["conversation_key", "ts_ms", "seq", "date", "actor", "type", "score"];
    let columns = names.map(|name| out.column(name));
    let row = |at: usize| {
        let text = |column: usize| columns[column][at].clone();
        Row {
            conversation: text(0),
            ts_ms: text(1).parse().unwrap(),
            seq: text(2).parse().unwrap(),
            date: text(3),
            actor: text(4),
            kind: text(5),
            score: text(6),
        }
    };
    let mut rows: Vec<Row> = (0..columns[0].len()).map(row).collect();
    rows.sort();
    rows
}

/// Runs each file and adds everything up.
fn decoded(bench: &mut Bench, files: &[PathBuf]) -> (Accounting, Vec<Row>) {
    let (mut sum, mut rows) = (Accounting::default(), Vec::new());
    for file in files {
        bench.object_key = file.file_name().unwrap().to_string_lossy().into_owned();
        let out = bench.run(std::fs::read(file).unwrap());
        assert_eq!(out.decoded.quarantine, [], "{}", file.display());
        sum += &out.decoded.accounting;
        rows.extend(rows_of(&out));
    }
    rows.sort();
    (sum, rows)
}

pub(super) fn tally<'r>(words: impl Iterator<Item = &'r str>) -> BTreeMap<&'r str, u64> {
    let mut tally = BTreeMap::new();
    words.for_each(|word| *tally.entry(word).or_default() += 1);
    tally
}

fn messages(rows: &[Row]) -> impl Iterator<Item = &Row> + Clone {
    rows.iter().filter(|row| row.kind == "message")
}

/// Conversations by the day of their first message.
fn begun(rows: &[Row]) -> BTreeMap<&str, u64> {
    let mut seen = BTreeSet::new();
    let first = messages(rows).filter(|row| seen.insert(&row.conversation));
    tally(first.map(|row| row.date.as_str()).collect::<Vec<_>>().into_iter())
}

/// Milliseconds from the last of a user's messages in a row to the bot's answer.
fn latencies(rows: &[Row]) -> Vec<i64> {
    let mut latencies = Vec::new();
    let mut asked: Option<&Row> = None;
    for row in messages(rows) {
        let same = asked.filter(|asked| asked.conversation == row.conversation);
        if let Some(asked) = same.filter(|_| row.actor == "bot") {
            latencies.push(row.ts_ms - asked.ts_ms);
        }
        asked = Some(row).filter(|row| row.actor == "user");
    }
    latencies.sort_unstable();
    latencies
}

#[test]
fn star() {
    let Some(folder) = samples("star") else { return };
    let (sum, rows) = decoded(&mut shipped("star"), &files(&folder, ".jsonl.gz"));
    assert_eq!((sum.read, sum.empty), (4_200, 103));
    let said = |actor| messages(&rows).filter(move |row| row.actor == actor);
    let answers = rows.iter().filter(|row| row.kind == "feedback");
    let ours = json!({
        "records": sum.read,
        "empty": sum.empty,
        "unspoken": sum.filtered,
        "dialogues": begun(&rows),
        "utterances": tally(said("user").map(|row| row.date.as_str())),
        "replies": tally(said("bot").map(|row| row.date.as_str())),
        "latencies_ms": latencies(&rows),
        "answers": tally(answers.map(|row| row.score.as_str())),
    });
    assert_eq!(ours, counted("star", &folder));
}

#[test]
fn star_as_it_was_recorded() {
    let Some(folder) = samples("star") else { return };
    let mut bench = shipped("star");
    bench.source.records = Some(Records::Json);
    let (sum, rows) = decoded(&mut bench, &files(&folder.join("raw"), ".json"));
    assert_eq!(sum.read, 31);
    bench.source.records = Some(Records::Jsonl);
    let (_, all) = decoded(&mut bench, &files(&folder, ".jsonl.gz"));
    let ids: BTreeSet<&String> = rows.iter().map(|row| &row.conversation).collect();
    let text =
        |row: &Row| (row.conversation.clone(), row.ts_ms, row.actor.clone(), row.kind.clone());
    let same = all.iter().filter(|row| ids.contains(&row.conversation));
    assert_eq!(rows.iter().map(text).collect::<Vec<_>>(), same.map(text).collect::<Vec<_>>());
}

#[test]
fn chitchat() {
    let Some(folder) = samples("chitchat") else { return };
    let mut bench = shipped("chitchat");
    let (sum, rows) = decoded(&mut bench, &files(&folder, ".jsonl.gz"));
    let said = |actor| messages(&rows).filter(move |row| row.actor == actor);
    let ratings = rows.iter().filter(|row| row.kind == "feedback");
    let ours = json!({
        "records": sum.read,
        "dialogues": begun(&rows),
        "first": tally(said("user").map(|row| row.date.as_str())),
        "second": tally(said("bot").map(|row| row.date.as_str())),
        "ratings": tally(ratings.map(|row| row.score.as_str())),
    });
    assert_eq!(ours, counted("chitchat", &folder));
    bench.source.records = Some(Records::JsonObject);
    let (sum, keyed) = decoded(&mut bench, &files(&folder, "object.json"));
    assert_eq!((sum.read, sum.decoded), (300, 300));
    let ids: BTreeSet<&String> = keyed.iter().map(|row| &row.conversation).collect();
    let same = rows.iter().filter(|row| ids.contains(&row.conversation));
    assert_eq!(same.count(), keyed.len());
}

#[test]
fn whatsapp() {
    let Some(folder) = samples("whatsapp") else { return };
    let mut bench = shipped("whatsapp");
    bench.source.records = Some(Records::JsonObject);
    let (sum, rows) = decoded(&mut bench, &files(&folder, ".json"));
    let told: Vec<String> = rows.iter().map(|row| format!("{} {}", row.actor, row.kind)).collect();
    let ours = json!({ "bodies": sum.read, "events": tally(told.iter().map(String::as_str)) });
    assert_eq!(ours, counted("whatsapp", &folder));
}

/// A table of Fivetran's, decoded.
fn table(folder: &Path, adapter: &str, kind: &str, name: &str) -> Outcome {
    let mut bench = adapted(adapter, kind, "");
    bench.object_key = format!("{name}_data.csv");
    let out = bench.run(std::fs::read(folder.join(&bench.object_key)).unwrap());
    assert_eq!(out.decoded.quarantine, [], "{name}");
    out
}

fn events_of(out: &Outcome) -> BTreeMap<String, u64> {
    let told = out.column("actor").into_iter().zip(out.column("type"));
    told.fold(BTreeMap::new(), |mut tally, (actor, kind)| {
        *tally.entry(format!("{actor} {kind}")).or_default() += 1;
        tally
    })
}

/// Each contact's day, and another column.
fn contacts_of(out: &Outcome, column: &str) -> BTreeMap<String, (String, String)> {
    let rest = out.column("date").into_iter().zip(out.column(column));
    out.column("contact_id").into_iter().zip(rest).collect()
}

#[test]
fn zendesk_by_fivetran() {
    let Some(folder) = samples("zendesk_fivetran") else { return };
    let tickets = table(&folder, "zendesk-tickets", "contacts", "ticket");
    let comments = table(&folder, "zendesk-comments", "events", "ticket_comment");
    let chats = table(&folder, "zendesk-fivetran-chat", "events", "ticket_chat_event");
    let having = |column: &str, value: &str| {
        tickets.column(column).iter().filter(|cell| *cell == value).count()
    };
    let flags = tickets.column("contact_id").into_iter().zip(tickets.column("is_deleted"));
    let deleted: BTreeSet<String> =
        flags.filter(|(_, is_deleted)| is_deleted == "true").map(|(id, _)| id).collect();
    let ours = json!({
        "contacts": contacts_of(&tickets, "channel"),
        "deleted": deleted,
        "resolved": having("resolved", "true"),
        "comments": events_of(&comments),
        "chat_events": events_of(&chats),
        "chat_days": tally(chats.column("date").iter().map(String::as_str)),
    });
    assert_eq!(ours, counted("zendesk_fivetran", &folder));
}

#[test]
fn intercom_by_fivetran() {
    let Some(folder) = samples("intercom_fivetran") else { return };
    let history = table(&folder, "intercom-fivetran", "contacts", "conversation_history");
    let parts = table(&folder, "intercom-fivetran-parts", "events", "conversation_part_history");
    let contacts: BTreeMap<String, (String, bool)> = contacts_of(&history, "resolved")
        .into_iter()
        .map(|(id, (day, resolved))| (id, (day, resolved == "true")))
        .collect();
    let ended = parts.column("type").into_iter().zip(parts.column("closed_by"));
    let ended: Vec<String> = ended.map(|(kind, by)| format!("{kind} by {by}")).collect();
    let ours = json!({
        "rows": history.decoded.accounting.read,
        "contacts": contacts,
        "parts": parts.decoded.accounting.read,
        "notes": parts.decoded.accounting.filtered,
        "part_events": tally(ended.iter().map(String::as_str)),
    });
    assert_eq!(ours, counted("intercom_fivetran", &folder));
    // Nothing there says that a bot took part, so there is nothing of a bot.
    let none = table(&folder, "intercom-fivetran", "events", "conversation_history");
    let accounting = &none.decoded.accounting;
    assert_eq!((accounting.read, accounting.filtered), (9, 9));
}
