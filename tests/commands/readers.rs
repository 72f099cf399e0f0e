//! What others read of the warehouse: DuckDB, over the plain files.

use std::process::Command;

use serde_json::{Value, json};

use super::tiny::{PIPELINE, Tiny};
use crate::support::moto::python;

const ASK: &str = "
import duckdb, json, sys
duckdb.execute(sys.argv[1]).fetchall()
print(json.dumps(duckdb.sql(sys.argv[2]).fetchall(), default=str))
";

/// The rows of a query as JSON.
#[track_caller]
pub fn duckdb(sql: &str) -> Value {
    duckdb_after("SELECT 1", sql)
}

/// The rows of a query as JSON, in a database of which `statements` were run before.
#[track_caller]
pub fn duckdb_after(statements: &str, sql: &str) -> Value {
    let arguments = ["-c", ASK, statements, sql];
    let output = Command::new(python()).args(arguments).output().expect("Python starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "DuckDB refuses {sql}:\n{errors}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn duckdb_reads_every_table_with_the_days_of_its_folders() {
    let tiny = Tiny::after_a_run();
    for table in tiny
        .tables()
        .keys()
        .filter_map(|name| name.strip_suffix("/date=2026-11-18/part-00000.parquet"))
    {
        let files = tiny.path(&format!("warehouse/{table}/date=*/*.parquet"));
        let sql = format!(
            "DESCRIBE SELECT * FROM read_parquet('{}', hive_partitioning = true)",
            files.display()
        );
        let columns = duckdb(&sql);
        let columns: Vec<_> = columns
            .as_array()
            .expect("rows")
            .iter()
            .map(|c| (c[0].clone(), c[1].clone()))
            .collect();
        assert!(columns.contains(&(json!("date"), json!("DATE"))), "{table}: {columns:?}");
    }
}

#[test]
fn a_week_is_not_final_before_its_last_day() {
    let tiny = Tiny::new();
    tiny.change_pipeline("jsonl*\"", "jsonl*\", complete_after: 1h");
    // Long after the fact every day is final; but Saturday and Sunday have not been published.
    tiny.run(&["run", PIPELINE, "--as-of", "2027-03-01T00:00:00Z"]).expect(0);
    let states = |table: &str| {
        let files = tiny.path(&format!("warehouse/{table}/date=*/*.parquet"));
        duckdb(&format!(
            "SELECT DISTINCT status FROM read_parquet('{}', hive_partitioning = true)",
            files.display()
        ))
    };
    assert_eq!(states("kpi_daily"), json!([["final"]]));
    assert_eq!(states("kpi_weekly"), json!([["provisional"]]));
    assert_eq!(states("kpi_monthly"), json!([["provisional"]]));
}

#[test]
fn duckdb_reads_the_numbers_of_a_day_counted_by_hand() {
    let tiny = Tiny::after_a_run();
    let files = tiny.path("warehouse/kpi_daily/date=*/*.parquet");
    let rows = duckdb(&format!(
        "SELECT metric, value FROM read_parquet('{}', hive_partitioning = true)
         WHERE date = DATE '2026-11-19' AND bot = '*' AND channel = '*' AND metric IN
         ('dau', 'new_users', 'returning_users', 'sessions', 'messages_received', 'messages_sent',
          'sessions_escalated_connected', 'fallback_rate', 'csat') ORDER BY metric",
        files.display()
    ));
    // Four people who came the day before too; six questions, four answers of the bot.
    assert_eq!(
        rows,
        json!([
            ["csat", 1.0],
            ["dau", 4.0],
            ["fallback_rate", 0.25],
            ["messages_received", 6.0],
            ["messages_sent", 4.0],
            ["new_users", 0.0],
            ["returning_users", 4.0],
            ["sessions", 4.0],
            ["sessions_escalated_connected", 1.0],
        ])
    );
}

#[test]
fn the_demo_prints_a_query_that_duckdb_answers() {
    let tiny = Tiny::new();
    let told = tiny.run(&["demo", "--out", "shop", "--days", "6", "--users", "60"]).expect(0);
    assert!(
        told.out.contains("interactions") && told.out.contains("resolution_rate"),
        "{}",
        told.out
    );
    let sql = told.out.split_once("With DuckDB:").and_then(|(_, rest)| rest.split_once(';'));
    let (sql, _) = sql.expect("the demo prints a query");
    let rows = duckdb(&sql.replace("'shop/", &format!("'{}/", tiny.path("shop").display())));
    let rows = rows.as_array().expect("rows");
    let days = |metric: &str| rows.iter().filter(|row| row[1] == metric).count();
    assert_eq!((days("dau"), days("sessions")), (6, 6), "{rows:?}");
    // The demo's folder is an ordinary pipeline, and another demo keeps off a foreign folder.
    let told = tiny.run(&["run", "shop/pipeline.yaml"]).expect(0);
    assert_eq!(told.summary()["partitions"]["built"], 0, "{}", told.out);
    tiny.run(&["demo", "--out", "logs"]).expect(2).says(&["no demo", "--out"]);
}
