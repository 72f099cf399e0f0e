//! Nothing that could name a person leaves the raw logs: not into files, not into output.

use std::fs::File;
use std::path::Path;

use arrow::array::AsArray;
use arrow::datatypes::DataType;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};

use super::tiny::{KEY, PIPELINE, Tiny, event, files_below, lines, log};

const DAY: &str = "2026-11-20";
/// In every raw id, text and stray value of the logs below.
const CANARY: &str = "canary-7391";
/// A raw user id that is a number.
const NUMBER: &str = "46701234567";

/// Records with the canary wherever a log may hold something personal.
fn telling_events() -> Vec<Value> {
    let at = |n: usize| format!("{DAY}T09:00:{n:02}Z");
    let user = format!("anna.{CANARY}@example.com");
    let mut events: Vec<Value> = (0..4)
        .map(|n| event(&at(n), &format!("{CANARY}-talk"), &user, ["user", "bot"][n % 2], "message"))
        .collect();
    events[0]["text"] = json!(format!("write to bo.{CANARY}@example.com, or call {NUMBER}"));
    events[1]["profile"] = json!({ "mail": format!("{CANARY}@example.com") });
    events[2][format!("{CANARY}@example.com")] = json!(1);
    events[2][NUMBER] = json!(1);
    events[3]["reply_to"] = json!(CANARY);
    let mut numbered = event(&at(8), "plain", "", "user", "message");
    numbered["user_id"] = json!(NUMBER.parse::<i64>().expect("a number"));
    events.push(numbered);
    // Refused, each for another reason.
    for (key, value) in [
        ("ts", json!(CANARY)),
        ("actor", json!(CANARY)),
        ("type", json!(CANARY)),
        ("is_fallback", json!(CANARY)),
    ] {
        let mut bad = event(&at(9), CANARY, CANARY, "user", "message");
        bad[key] = value;
        events.push(bad);
    }
    events
}

/// The names of places where something personal is, and how many places were looked at.
fn places(files: &[(String, Vec<u8>)]) -> Vec<String> {
    let secrets = [CANARY, NUMBER, KEY];
    let holds =
        |bytes: &[u8], secret: &str| bytes.windows(secret.len()).any(|w| w == secret.as_bytes());
    let found = files.iter().filter(|(_, bytes)| secrets.iter().any(|secret| holds(bytes, secret)));
    found.map(|(name, _)| name.clone()).collect()
}

/// Every file below `folder` as stored, and what it unpacks to.
fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for (name, path) in files_below(folder) {
        let bytes = std::fs::read(&path).expect("reads");
        if name.ends_with(".zst") {
            all.push((name.clone(), zstd::decode_all(bytes.as_slice()).expect("unpacks")));
        }
        if name.ends_with(".pq") || name.ends_with(".parquet") {
            all.push((name.clone(), strings_of(&path)));
        }
        all.push((name.clone(), name.into_bytes()));
        all.push((all[all.len() - 1].0.clone(), bytes));
    }
    all
}

/// The values of all text columns of a Parquet file.
fn strings_of(path: &Path) -> Vec<u8> {
    let file = File::open(path).expect("opens");
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("Parquet").build();
    let mut text = Vec::new();
    for batch in reader.expect("Parquet") {
        for column in batch.expect("readable").columns() {
            let column = match column.data_type() {
                DataType::Utf8 => column.as_string::<i32>().iter().flatten().collect::<Vec<_>>(),
                DataType::LargeUtf8 => column.as_string::<i64>().iter().flatten().collect(),
                DataType::Utf8View => column.as_string_view().iter().flatten().collect(),
                _ => continue,
            };
            column.iter().for_each(|value| text.extend_from_slice(value.as_bytes()));
        }
    }
    text
}

#[test]
fn no_raw_id_no_text_and_no_key_is_written_or_said() {
    let mut tiny = Tiny::new();
    tiny.set("CHATKPI_LOG", "trace");
    let broken = format!("{{\"user_id\": \"{CANARY}\", \"text\": \"{CANARY}\n");
    tiny.write(&log(DAY), lines(&telling_events()) + &broken);
    let mut said = Vec::new();
    for command in [
        &["check", PIPELINE][..],
        &["plan", PIPELINE],
        &["run", PIPELINE],
        &["plan", PIPELINE, "--json"],
        &["status", PIPELINE, "--json"],
    ] {
        let told = tiny.run(command).expect(0);
        said.push((format!("stdout of {command:?}"), told.out.into_bytes()));
        said.push((format!("stderr of {command:?}"), told.err.into_bytes()));
    }
    assert_eq!(places(&said), Vec::<String>::new());
    let warehouse = contents(&tiny.path("warehouse"));
    assert!(
        warehouse.len() > 100
            && warehouse.iter().any(|(name, _)| name.starts_with("_chatkpi/quarantine/"))
    );
    let kept =
        warehouse.iter().any(|(_, bytes)| String::from_utf8_lossy(bytes).contains("billing"));
    assert!(kept, "the search sees no text at all");
    assert_eq!(places(&warehouse), Vec::<String>::new());
    let told = tiny.run(&["status", PIPELINE, "--json"]).expect(0);
    let told: Value = serde_json::from_str(&told.out).expect("JSON");
    let records = &told["sources"][0]["records"];
    assert_eq!(
        (&records["quarantined"], &records["unknown_fields"]),
        (&json!(5), &json!({ "(other)": 1, "profile": 1, "reply_to": 1 }))
    );
}

#[test]
fn raw_records_are_kept_on_request_alone_and_in_one_place() {
    let tiny = Tiny::new();
    tiny.write(&log(DAY), lines(&telling_events()));
    tiny.run(&["run", PIPELINE, "--models", "fct_users_daily", "--quarantine-raw"]).expect(0);
    let found = places(&contents(&tiny.path("warehouse")));
    assert!(
        !found.is_empty() && found.iter().all(|name| name.starts_with("_chatkpi/quarantine/")),
        "{found:?}"
    );
}

#[test]
fn failures_show_neither_the_key_nor_a_record() {
    let mut tiny = Tiny::new();
    let bad: String = (0..1_100).map(|n| format!("{{\"user_id\": \"{CANARY}-{n}\"}}\n")).collect();
    tiny.write(&log(DAY), bad);
    let told = tiny.run(&["run", PIPELINE]).expect(4);
    assert!(!told.err.contains(CANARY) && !told.out.contains(CANARY), "{}", told.err);
    tiny.set(super::tiny::KEY_VARIABLE, CANARY);
    let told = tiny.run(&["run", PIPELINE]).expect(2);
    assert!(!told.err.contains(CANARY), "{}", told.err);
}
