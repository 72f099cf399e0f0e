//! `tests/conformance/`, which any implementation can be held to, held to this one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use assert_cmd::Command;
use serde_json::Value;

use super::readers::duckdb;

const SUITE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance");

/// Case, date and metric.
type Place = (String, String, String);
/// `numerator`, `denominator`, `n` and `status`.
type Cell = (f64, f64, i64, String);

#[test]
fn the_conformance_suite_is_answered_cell_by_cell() {
    let copy = tempfile::tempdir().expect("a temporary folder");
    fs::create_dir(copy.path().join("logs")).expect("creates");
    fs::copy(format!("{SUITE}/pipeline.yaml"), copy.path().join("pipeline.yaml")).expect("copies");
    let cases = names("logs", ".jsonl");
    for case in &cases {
        let log = format!("logs/{case}.jsonl");
        fs::copy(format!("{SUITE}/{log}"), copy.path().join(log)).expect("copies");
    }
    Command::new(env!("CARGO_BIN_EXE_chatkpi"))
        .args(["run", "pipeline.yaml", "--as-of", "2026-04-17T00:00:00Z"])
        .env("CHATKPI_USER_KEY", "the-key-of-a-suite-without-secrets-01")
        .current_dir(copy.path())
        .assert()
        .success();

    let found = cells(copy.path());
    let mut wrong = Vec::new();
    for case in &cases {
        for (date, metric, expected) in expected(case) {
            let cell = found.get(&(case.clone(), date.clone(), metric.clone())).cloned();
            if cell != expected {
                wrong.push(format!("{case} {date} {metric}: {cell:?}, not {expected:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_case_has_expectations_and_a_sentence() {
    let page = fs::read_to_string(format!("{SUITE}/README.md")).expect("the page");
    let explained = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    let explained: BTreeSet<String> = explained.map(|(case, _)| case.to_owned()).collect();
    assert_eq!(names("logs", ".jsonl"), explained);
    assert_eq!(names("expected", ".csv"), explained);
    assert!(explained.iter().all(|case| !expected(case).is_empty()));
}

/// The files of a folder of the suite, without their ending.
fn names(folder: &str, ending: &str) -> BTreeSet<String> {
    let files = fs::read_dir(format!("{SUITE}/{folder}")).expect("a folder of the suite");
    let name = |file: std::io::Result<fs::DirEntry>| {
        let name = file.expect("a file").file_name().to_string_lossy().into_owned();
        name.strip_suffix(ending).expect("a file of the suite").to_owned()
    };
    files.map(name).collect()
}

/// The cells of a case by date and metric; None where there must be none.
fn expected(case: &str) -> Vec<(String, String, Option<Cell>)> {
    let file = format!("{SUITE}/expected/{case}.csv");
    let mut reader = csv::Reader::from_path(&file).unwrap_or_else(|e| panic!("{file}: {e}"));
    let row = |row: Result<csv::StringRecord, csv::Error>| {
        let row = row.unwrap_or_else(|e| panic!("{file}: {e}"));
        let number = |at: usize| row[at].parse::<f64>().unwrap_or_else(|e| panic!("{file}: {e}"));
        let cell = (!row[2].is_empty())
            .then(|| (number(2), number(3), number(4) as i64, row[5].to_owned()));
        (row[0].to_owned(), row[1].to_owned(), cell)
    };
    reader.records().map(row).collect()
}

/// What the run published, of each bot and over all else.
fn cells(folder: &Path) -> BTreeMap<Place, Cell> {
    let rows = duckdb(&format!(
        "SELECT bot, CAST(date AS VARCHAR), metric, numerator, denominator, n, status
         FROM read_parquet('{}', hive_partitioning = true)
         WHERE channel = '*' AND service = '*'",
        folder.join("warehouse/kpi_daily/date=*/*.parquet").display()
    ));
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let number = |value: &Value| value.as_f64().expect("a number");
    let cell = |row: &Value| {
        let key = (text(&row[0]), text(&row[1]), text(&row[2]));
        (key, (number(&row[3]), number(&row[4]), row[5].as_i64().expect("n"), text(&row[6])))
    };
    rows.as_array().expect("rows").iter().map(cell).collect()
}
