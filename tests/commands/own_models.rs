//! Models of the user's own: as good as the built-in ones, and told apart where they are wrong.

use serde_json::json;

use super::readers::duckdb;
use super::tiny::{PIPELINE, Tiny};

const MODEL: &str = "models/fct_parcels_daily/model.yaml";
const QUERY: &str = "models/fct_parcels_daily/query.sql";

const CONTRACT: &str = "\
doc: Messages of users by local day.
grain: [\"*dimensions\"]
reads:
  - { model: int_session_events }
columns:
  - dimensions
  - { name: parcels, type: bigint, doc: \"Messages of users\", additive: true }
metrics:
  - { name: parcels, numerator: SUM(parcels), unit: messages }
";

const SQL: &str = "\
SELECT date, {{ dims() }}, COUNT(*) AS parcels
FROM int_session_events
WHERE actor = 'user' AND type = 'message'
GROUP BY date, {{ dims() }}
";

/// A company after a run of the built-in models, which now has a model of its own.
fn with_model() -> Tiny {
    let tiny = Tiny::after_a_run();
    let yaml = std::fs::read_to_string(tiny.path(PIPELINE)).expect("reads");
    tiny.write(PIPELINE, yaml + "models: [builtin, ./models]\n");
    tiny.write(MODEL, CONTRACT);
    tiny.write(QUERY, SQL);
    tiny
}

/// The models that the page shows, in the company's folder.
#[test]
fn the_model_of_the_page_is_published_as_the_page_says() {
    let tiny = Tiny::after_a_run();
    for part in include_str!("../../docs/models.md").split("<!-- ").skip(1) {
        let (name, rest) = part.split_once(" -->\n```").expect("a block after the file's name");
        let (_, rest) = rest.split_once('\n').expect("the language of the block");
        tiny.write(name, rest.split("\n```").next().expect("the block's end").to_owned() + "\n");
    }
    let yaml = std::fs::read_to_string(tiny.path(PIPELINE)).expect("reads");
    tiny.write(PIPELINE, yaml + "models: [builtin, ./models]\n");
    tiny.run(&["run", PIPELINE, "--date", "2026-11-19"]).expect(0);
    let kpis = tiny.path("warehouse/kpi_daily/date=2026-11-19/*.parquet");
    // Sessions begin at 10, 11, 12 and 13 by the local clock.
    let rows = duckdb(&format!(
        "SELECT bot, channel, numerator, denominator, value, ci_low > 0 FROM read_parquet('{}')
         WHERE metric = 'afternoon_rate' ORDER BY bot, channel",
        kpis.display()
    ));
    let slice = |bot: &str, channel: &str| json!([bot, channel, 2.0, 4.0, 0.5, true]);
    let all = [slice("*", "*"), slice("*", "web"), slice("ada", "*"), slice("ada", "web")];
    assert_eq!(rows, json!(all));
}

#[test]
fn a_model_of_ones_own_is_published_and_its_metric_is_in_kpi_daily() {
    let tiny = with_model();
    let told = tiny.run(&["check", PIPELINE]).expect(0);
    assert!(told.out.contains("valid"), "{}", told.out);
    let told = tiny.run(&["run", PIPELINE, "--models", "fct_parcels_daily,kpi_daily"]).expect(0);
    assert_eq!(told.summary()["partitions"]["replaced"], 6, "three days of two tables");
    let table = tiny.path("warehouse/fct_parcels_daily/date=*/*.parquet");
    let rows = duckdb(&format!(
        "SELECT date, bot, channel, parcels FROM read_parquet('{}', hive_partitioning = true) ORDER BY date",
        table.display()
    ));
    let day = |date: &str| json!([date, "ada", "web", 6]);
    assert_eq!(rows, json!([day("2026-11-18"), day("2026-11-19"), day("2026-11-20")]));
    let kpis = tiny.path("warehouse/kpi_daily/date=*/*.parquet");
    let rows = duckdb(&format!(
        "SELECT date, value, n, unit FROM read_parquet('{}', hive_partitioning = true)
         WHERE metric = 'parcels' AND bot = '*' AND channel = '*' ORDER BY date",
        kpis.display()
    ));
    let day = |date: &str| json!([date, 6.0, 6, "messages"]);
    assert_eq!(rows, json!([day("2026-11-18"), day("2026-11-19"), day("2026-11-20")]));
    // The report has it, too, beside the families of the built-in ones.
    tiny.run(&["report", PIPELINE, "--out", "report.html"]).expect(0);
    let page = std::fs::read_to_string(tiny.path("report.html")).expect("a page");
    let own = page.split("<section id=\"own\"").nth(1).expect("a section of one's own");
    assert!(own.contains("id=\"m-parcels\"") && own.contains("<p class=\"value\">18</p>"));
}

#[test]
fn an_audit_that_finds_rows_stops_everything() {
    let tiny = with_model();
    let audit = |severity: &str| {
        format!(
            "{CONTRACT}audits:\n  - {{ name: quiet, severity: {severity}, query: \"SELECT date, parcels FROM fct_parcels_daily WHERE parcels > 0\" }}\n"
        )
    };
    tiny.write(MODEL, audit("fail"));
    let before = tiny.warehouse();
    let told = tiny.run(&["run", PIPELINE, "--force"]).expect(3);
    let told = told.says(&[
        "table: fct_parcels_daily",
        "audit: quiet",
        "days: 2026-11-18..2026-11-21",
        "rows: 3",
        "2026-11-18  6",
        "nothing of these days was published",
    ]);
    assert_eq!(told.summary()["partitions"]["replaced"], 0);
    assert!(tiny.warehouse() == before, "a failed audit changed the warehouse");
    tiny.write(MODEL, audit("warn"));
    let told = tiny.run(&["run", PIPELINE, "--models", "fct_parcels_daily"]).expect(0);
    let told = told.says(&["WARN", "fct_parcels_daily, quiet: 2026-11-18, 6"]);
    let days = ["2026-11-18", "2026-11-19", "2026-11-20"];
    let lines = days.map(|day| format!("fct_parcels_daily, quiet: {day}, 6"));
    let summary = told.summary();
    assert_eq!((&summary["warnings"], &summary["warned"]), (&json!(lines), &json!(3)));
}

#[test]
fn rows_that_break_the_grain_or_the_contract_fail_like_an_audit() {
    let tiny = with_model();
    let before = tiny.tables();
    for (query, parts) in [
        (
            "SELECT date, {{ dims() }}, 1 AS parcels FROM int_session_events",
            &["audit: grain", "copies"][..],
        ),
        (
            "SELECT date, {{ dims() }}, MAX(score) AS parcels FROM int_session_events WHERE actor = 'bot' GROUP BY date, {{ dims() }}",
            &["column `parcels` holds NULL", "`nullable: true`"],
        ),
    ] {
        tiny.write(QUERY, query);
        let told = tiny.run(&["run", PIPELINE, "--models", "fct_parcels_daily"]).expect(3);
        told.says(&["table: fct_parcels_daily"]).says(parts);
    }
    assert!(tiny.tables() == before);
}

#[test]
fn sql_outside_the_dialect_is_told_with_its_place() {
    let tiny = with_model();
    let before = tiny.warehouse();
    tiny.write(QUERY, "SELECT date, {{ dims() }}, COUNT(*) AS parcels\nFROM int_sesion_events\nGROUP BY date, {{ dims() }} LIMIT 3\n");
    for command in ["check", "plan", "run"] {
        tiny.run(&[command, PIPELINE]).expect(2).says(&[
            "the SQL of `fct_parcels_daily` is outside the dialect",
            &format!("{QUERY}, filled in:2:6: "),
            "int_sesion_events",
            "did you mean int_session_events?",
            &format!("{QUERY}, filled in:3:35: "),
            "LIMIT",
        ]);
    }
    assert!(tiny.warehouse() == before);
}

#[test]
fn a_query_that_cannot_run_is_its_writers_to_correct() {
    let tiny = with_model();
    let before = tiny.tables();
    for (query, parts) in [
        (
            "SELECT date, {{ dims() }}, SUM(parcel) AS parcels FROM int_session_events GROUP BY date, {{ dims() }}",
            &["\"parcel\"", "correct the model's query"][..],
        ),
        (
            "SELECT date, {{ dims() }}, COUNT(*) AS parcel FROM int_session_events GROUP BY date, {{ dims() }}",
            &["\"parcels\""],
        ),
        (
            "SELECT date, {{ dims() }}, MAX(session_key) AS parcels FROM int_session_events GROUP BY date, {{ dims() }}",
            &["'parcels'"],
        ),
        (
            "SELECT DATE '2026-01-01' AS date, {{ dims() }}, COUNT(*) AS parcels FROM int_session_events GROUP BY {{ dims() }}",
            &["row's day: 2026-01-01", "{{ from_day }}"],
        ),
    ] {
        tiny.write(QUERY, query);
        let told = tiny.run(&["run", PIPELINE, "--models", "fct_parcels_daily"]).expect(2);
        told.says(&["table: fct_parcels_daily", QUERY]).says(parts);
    }
    assert!(tiny.tables() == before);
}

#[test]
fn a_contract_that_is_wrong_is_told_with_its_place() {
    let tiny = with_model();
    tiny.write(MODEL, CONTRACT.replace("grain:", "grian:"));
    tiny.run(&["check", PIPELINE])
        .expect(2)
        .says(&[&format!("{MODEL}:2:1: unknown field `grian`"), "grain"]);
    tiny.write(MODEL, CONTRACT.replace("int_session_events", "int_sesion_events"));
    tiny.run(&["check", PIPELINE]).expect(2).says(&[MODEL, "did you mean `int_session_events`?"]);
    tiny.write(MODEL, CONTRACT);
    tiny.write(QUERY, SQL.replace("'message'", "{{ kind }}"));
    let undefined = format!("{QUERY}:3:1: undefined value");
    tiny.run(&["check", PIPELINE]).expect(2).says(&[&undefined]);
    tiny.remove(QUERY);
    tiny.run(&["check", PIPELINE]).expect(2).says(&["query.sql", "No such file"]);
    tiny.write("models/kpi_daily/model.yaml", CONTRACT);
    tiny.write("models/kpi_daily/query.sql", SQL);
    tiny.write(QUERY, SQL);
    tiny.run(&["check", PIPELINE])
        .expect(2)
        .says(&["two models are named `kpi_daily`", "rename one"]);
}
