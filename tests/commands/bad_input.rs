//! Logs that cannot be read: what is refused, what is left out, and that nothing is published half.

use std::io::Write;

use serde_json::{Value, json};

use super::tiny::{PIPELINE, Tiny, event, files_below, lines, log};

const NEXT_DAY: &str = "2026-11-21";

fn next_day(records: usize) -> Vec<Value> {
    let ts = |n: usize| format!("{NEXT_DAY}T{:02}:{:02}:00Z", 8 + n / 60 % 12, n % 60);
    (0..records).map(|n| event(&ts(n), &format!("c{n}"), "anna", "user", "message")).collect()
}

fn run(tiny: &Tiny) -> super::tiny::Told {
    tiny.run(&["run", PIPELINE, "--models", "fct_users_daily"])
}

#[test]
fn a_truncated_object_refuses_the_run_until_it_is_delivered_again() {
    let tiny = Tiny::after_a_run();
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(lines(&next_day(50)).as_bytes()).expect("packs");
    let packed = packer.finish().expect("packs");
    let name = log(NEXT_DAY) + ".gz";
    tiny.write(&name, &packed[..packed.len() / 2]);
    let before = tiny.warehouse();
    let told = run(&tiny).expect(4);
    let place = tiny.path(&name).display().to_string();
    let told = told.says(&["truncated_object", &place, "source: bot", "deliver the object again"]);
    assert_eq!(told.err.matches("  object: ").count(), 1, "told twice:\n{}", told.err);
    assert_eq!(told.summary()["exit_code"], 4);
    assert!(tiny.warehouse() == before, "something of the cut object was taken");
    tiny.write(&name, packed);
    let told = run(&tiny).expect(0).summary();
    assert_eq!((&told["records"]["kept"], &told["to"]), (&json!(50), &json!("2026-11-22")));
}

#[test]
fn a_line_that_cannot_be_read_is_put_aside() {
    let tiny = Tiny::after_a_run();
    let good = lines(&next_day(3));
    tiny.write(&log(NEXT_DAY), format!("{good}{{\"ts\": \"{NEXT_DAY}T09:00:00Z\", \"actor\"\n"));
    let told = run(&tiny).expect(0).summary();
    assert_eq!((&told["records"]["quarantined"], &told["records"]["kept"]), (&json!(1), &json!(3)));
    let files = files_below(&tiny.path("warehouse/_chatkpi/quarantine"));
    let file = files.values().next().expect("a file of the quarantine");
    let record = zstd::decode_all(std::fs::File::open(file).expect("opens")).expect("unpacks");
    let record: Value = serde_json::from_slice(&record).expect("one JSON line");
    assert_eq!((&record["line"], &record["offset"]), (&json!(4), &json!(good.len())));
    assert_eq!((&record["reason"], &record["raw"]), (&json!("not_json"), &Value::Null));
}

#[test]
fn what_was_put_aside_can_be_looked_at() {
    let tiny = Tiny::after_a_run();
    let show = |more: &[&str]| {
        let told = tiny.run(&[&["quarantine", PIPELINE], more].concat()).expect(0);
        told.out.trim_end().to_owned()
    };
    assert_eq!(show(&[]), "no record is quarantined");
    let mut records = next_day(3);
    records[1]["score"] = json!("five");
    let good = lines(&records);
    let second = lines(&records[..1]).len();
    tiny.write(&log(NEXT_DAY), format!("{good}{{\"actor\"\n"));
    tiny.run(&["run", PIPELINE, "--models", "fct_users_daily", "--quarantine-raw"]).expect(0);
    let place = format!("bot events-{NEXT_DAY}.jsonl, line");
    let length = lines(&records[1..2]).len() - 1;
    let first = format!("{place} 2, {length} bytes at {second}: bad_type:score\n  ");
    let told = show(&[]);
    assert!(told.starts_with(&first), "{told}");
    let last = format!("{place} 4, 8 bytes at {}: not_json\n  {{\"actor\"", good.len());
    assert!(told.ends_with(&last), "{told}");
    assert!(show(&["-n", "1"]).ends_with("\nand 1 more"));
    assert_eq!(show(&["--source", "nobody"]), "no record is quarantined");
    let told: Value = serde_json::from_str(&show(&["--json"])).expect("JSON alone");
    let seen = |key: &str| json!([told[0][key], told[1][key]]);
    assert_eq!((seen("line"), seen("field")), (json!([2, 4]), json!(["score", null])));
    assert_eq!(seen("raw")[1], "{\"actor\"");
}

#[test]
fn too_many_unreadable_records_refuse_the_run() {
    let tiny = Tiny::after_a_run();
    let mut records = next_day(1_000);
    for bad in records.iter_mut().step_by(90).take(9) {
        bad["ts"] = json!("21 November");
    }
    for bad in records.iter_mut().skip(1).step_by(90).take(2) {
        bad["actor"] = Value::Null;
    }
    tiny.write(&log(NEXT_DAY), lines(&records));
    let (before, commits) = (tiny.tables(), tiny.commits().len());
    let told = run(&tiny).expect(4).says(&[
        "source: bot",
        "11 of 1000 records",
        "limit: 0.01",
        "bad_timestamp 9, missing_field:actor 2",
        "quarantine_limit",
    ]);
    assert_eq!(told.summary()["state"], "failed");
    assert!(tiny.tables() == before && tiny.commits().len() == commits);
    // The refused records are listed where the message says.
    let place =
        told.err.lines().find_map(|line| line.split_once("worst object: ")).expect("a place").1;
    let listed = zstd::decode_all(std::fs::File::open(place).expect("opens")).expect("unpacks");
    assert_eq!(listed.iter().filter(|byte| **byte == b'\n').count(), 11);
    // As the remedy says.
    tiny.change_pipeline("kind: events,", "kind: events, quarantine_limit: 0.02,");
    let told = run(&tiny).expect(0).summary();
    assert_eq!(told["records"]["quarantined"], 11);
}

#[test]
fn few_records_say_nothing_about_a_source() {
    let tiny = Tiny::after_a_run();
    let half = lines(&next_day(40)) + &"broken\n".repeat(40);
    tiny.write(&log(NEXT_DAY), half);
    assert_eq!(run(&tiny).expect(0).summary()["records"]["quarantined"], 40);
}
