//! The published tables about the warehouse itself, as DuckDB finds them.

use serde_json::{Value, json};

use super::readers::duckdb;
use super::tiny::{DAYS, PIPELINE, Tiny, event, lines, log};

/// `TABLE` in `sql` is the audit table.
#[track_caller]
fn ask(tiny: &Tiny, table: &str, sql: &str) -> Value {
    let file = tiny.path(&format!("warehouse/{table}/part-00000.parquet"));
    duckdb(&sql.replace("TABLE", &format!("read_parquet('{}')", file.display())))
}

#[test]
fn every_record_is_accounted_for_by_object_and_reason() {
    let tiny = Tiny::after_a_run();
    let sums = "SELECT measure, reason, SUM(counted)::BIGINT FROM TABLE
                WHERE measure <> 'bytes' GROUP BY ALL ORDER BY ALL";
    // Three days of four conversations: thirteen events each.
    assert_eq!(
        ask(&tiny, "audit_ingest", sums),
        json!([
            ["duplicates", "copy", 0],
            ["records", "decoded", 39],
            ["records_read", "all", 39],
            ["rows", "kept", 39],
            ["rows_by_day", "kept", 39],
            ["rows_made", "all", 39],
        ])
    );
    let before = std::fs::read_to_string(tiny.path(&log(DAYS[1]))).expect("reads");
    let mut twin = event("2026-11-19T15:00:00Z", "x", "eva", "user", "message");
    twin["event_id"] = json!("twin");
    twin["shoe_size"] = json!(44);
    let more = lines(&[twin.clone(), twin]);
    tiny.write(&log(DAYS[1]), format!("{before}{more}\n{{\n"));
    tiny.run(&["run", PIPELINE]).expect(0);
    let day = "SELECT object, path_date, day, measure, reason, counted FROM TABLE
               WHERE measure NOT IN ('bytes') AND (object LIKE '%2026-11-19%' OR day = DATE '2026-11-19')
               ORDER BY ALL";
    let own = |day: Value, measure: &str, reason: &str, n: u64| {
        json!(["events-2026-11-19.jsonl", "2026-11-19", day, measure, reason, n])
    };
    assert_eq!(
        ask(&tiny, "audit_ingest", day),
        json!([
            ["*", null, "2026-11-19", "duplicates", "copy", 1],
            own(json!("2026-11-19"), "rows_by_day", "kept", 15),
            own(json!(null), "quarantine", "not_json", 1),
            own(json!(null), "records", "blank", 1),
            own(json!(null), "records", "decoded", 15),
            own(json!(null), "records", "quarantined", 1),
            own(json!(null), "records_read", "all", 17),
            own(json!(null), "rows", "kept", 15),
            own(json!(null), "rows_made", "all", 15),
            own(json!(null), "unknown_fields", "shoe_size", 2),
        ])
    );
}

#[test]
fn a_reader_finds_what_changed_since_the_last_look() {
    let tiny = Tiny::after_a_run();
    let known =
        ask(&tiny, "audit_load", "SELECT MAX(generation), COUNT(*), COUNT(restated) FROM TABLE");
    let published = tiny.numbers().len();
    assert_eq!(known, json!([[2, published, 0]]), "a row for each public file, all new");
    let states = "SELECT day, status, loaded_at > TIMESTAMPTZ '2026-11-20' FROM TABLE
                  WHERE table_name = 'fct_users_daily' ORDER BY day";
    assert_eq!(
        ask(&tiny, "audit_load", states),
        json!([
            ["2026-11-18", "final", true],
            ["2026-11-19", "provisional", true],
            ["2026-11-20", "provisional", true],
        ])
    );
    let late = event("2026-11-19T15:00:00Z", "late", "eva", "user", "message");
    tiny.write("logs/events-2026-11-19.jsonl.late", lines(&[late]));
    tiny.run(&["run", PIPELINE]).expect(0);
    let news = "SELECT day, restated, row_count > 0 FROM TABLE
                WHERE generation > 2 AND table_name = 'fct_users_daily' ORDER BY day";
    let found = ask(&tiny, "audit_load", news);
    let first = json!(["2026-11-19", "inputs changed", true]);
    assert_eq!(found[0], first, "{found}");
    let old = "SELECT COUNT(*) FROM TABLE WHERE generation > 2 AND day = DATE '2026-11-18'
               AND table_name = 'fct_users_daily'";
    assert_eq!(ask(&tiny, "audit_load", old), json!([[0]]));
    tiny.run(&["verify", PIPELINE]).expect(0);
    let told = tiny.run(&["history", PIPELINE, "-n", "1"]).expect(0).out;
    assert!(told.contains("restated  audit_load: all"), "{told}");
    let told = tiny.run(&["status", PIPELINE]).expect(0).out;
    assert!(told.contains("table audit_ingest"), "{told}");
    tiny.run(&["vacuum", PIPELINE, "--older-than", "0"]).expect(0);
    tiny.run(&["verify", PIPELINE]).expect(0);
    tiny.run(&["run", PIPELINE]).expect(0).says(&["nothing to do"]);
}
