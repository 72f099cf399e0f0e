//! `chatkpi ddl`: SQL that makes the published tables known to other engines, run by DuckDB.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::readers::duckdb_after;
use super::tiny::{DAYS, PIPELINE, Tiny, event, lines, log};

fn ddl(tiny: &Tiny, more: &[&str]) -> String {
    let arguments = [&["ddl", PIPELINE][..], more].concat();
    tiny.run(&arguments).expect(0).out
}

/// What the views of `statements` hold of a day's messages.
fn messages(statements: &str, day: &str) -> Value {
    duckdb_after(
        statements,
        &format!(
            "SELECT CAST(value AS BIGINT) FROM chatkpi.kpi_daily WHERE date = DATE '{day}'
             AND metric = 'messages_received' AND bot = '*' AND channel = '*'"
        ),
    )
}

#[test]
fn duckdb_has_a_view_of_every_published_table_with_types_and_comments() {
    let tiny = Tiny::after_a_run();
    let statements = ddl(&tiny, &["--schema", "bi"]);
    let found = duckdb_after(
        &statements,
        "SELECT view_name, comment FROM duckdb_views() WHERE schema_name = 'bi' ORDER BY view_name",
    );
    let found = found.as_array().expect("rows");
    let table_of = |name: &String| name.split_once('/').map(|(table, _)| json!(table));
    let published: Vec<Value> = tiny.tables().keys().filter_map(table_of).collect();
    let names: Vec<Value> = found.iter().map(|row| row[0].clone()).collect();
    let mut once = published.clone();
    once.dedup();
    assert_eq!(names, once);
    assert!(found.iter().all(|row| row[1].as_str().is_some_and(|doc| !doc.is_empty())));
    let columns = duckdb_after(
        &statements,
        "SELECT column_name, data_type, comment FROM duckdb_columns() WHERE schema_name = 'bi'
         AND table_name = 'fct_session' AND column_name IN ('date', 'messages_in', 'channel')
         ORDER BY column_name",
    );
    assert_eq!(columns[0], json!(["channel", "VARCHAR", columns[0][2]]));
    assert_eq!(columns[1][1], "DATE");
    assert_eq!(columns[2][1], "BIGINT");
    assert!(
        columns[2][2].as_str().is_some_and(|doc| doc.ends_with("; may be summed")),
        "{columns}"
    );
    assert_eq!(messages(&ddl(&tiny, &[]), DAYS[1]), json!([[6]]));
}

#[test]
fn all_tables_of_one_generation_stay_as_they_were() {
    let tiny = Tiny::after_a_run();
    let before: BTreeSet<u64> =
        tiny.commits().iter().filter_map(|commit| commit["generation"].as_u64()).collect();
    let newest = before.last().expect("a commit").to_string();
    let (then, now) = (ddl(&tiny, &["--at", &newest]), ddl(&tiny, &[]));
    let old = std::fs::read_to_string(tiny.path(&log(DAYS[1]))).expect("reads");
    let late = event("2026-11-19T11:00:00Z", "late", "anna", "user", "message");
    tiny.write(&log(DAYS[1]), format!("{old}{}", lines(&[late])));
    tiny.run(&["run", PIPELINE]).expect(0);
    assert_eq!(messages(&then, DAYS[1]), json!([[6]]));
    assert_eq!(messages(&now, DAYS[1]), json!([[7]]), "a view of the public files goes with them");
    assert_eq!(messages(&ddl(&tiny, &["--at", &newest]), DAYS[1]), json!([[6]]));
    // Tables of one partition have no day.
    let columns = "SELECT COUNT(*) FROM duckdb_columns() WHERE table_name = 'dim_metric' AND column_name = 'date'";
    assert_eq!(duckdb_after(&then, columns), json!([[0]]));
}

#[test]
fn a_generation_that_is_not_whole_any_more_is_refused() {
    let tiny = Tiny::after_a_run();
    tiny.run(&["ddl", PIPELINE, "--at", "99"]).expect(4).says(&["no generation 99", "history"]);
    tiny.run(&["ddl", PIPELINE, "--at", "0"]).expect(4);
    let newest = tiny.commits().iter().filter_map(|c| c["generation"].as_u64()).max();
    let newest = newest.expect("a commit").to_string();
    let objects = tiny.path("warehouse/_chatkpi/obj/kpi_daily");
    std::fs::remove_dir_all(objects).expect("removes");
    let told = tiny.run(&["ddl", PIPELINE, "--at", &newest]).expect(4);
    told.says(&["no longer whole", "_chatkpi/obj/kpi_daily"]);
}

#[test]
fn what_an_engine_cannot_read_is_refused() {
    let tiny = Tiny::new();
    tiny.run(&["ddl", PIPELINE]).expect(4).says(&["nothing is published yet", "run"]);
    tiny.run(&["run", PIPELINE, "--models", "fct_users_daily"]).expect(0);
    tiny.run(&["ddl", PIPELINE, "--engine", "athena"]).expect(2).says(&["Athena", "S3", "duckdb"]);
    tiny.run(&["ddl", PIPELINE, "--engine", "spark", "--at", "2"]).expect(2).says(&["Spark"]);
    tiny.run(&["ddl", PIPELINE, "--engine", "duckbd"]).expect(2).says(&["duckdb"]);
    tiny.run(&["ddl", PIPELINE, "--schema", "a\"b"]).expect(2).says(&["letters"]);
}
