//! The worked example of docs/costs.md, and what is refused about money.

use serde_json::{Value, json};

use super::readers::duckdb;
use super::tiny::{PIPELINE, Tiny};

/// The page, and a company that is laid out as its example says.
fn example() -> (String, Tiny) {
    let page = include_str!("../../docs/costs.md").to_owned();
    let tiny = Tiny::bare();
    for part in page.split("<!-- ").skip(1) {
        let (name, rest) = part.split_once(" -->\n```").expect("a block after the file's name");
        let (_, rest) = rest.split_once('\n').expect("the language of the block");
        tiny.write(name, rest.split("\n```").next().expect("the block's end").to_owned() + "\n");
    }
    (page, tiny)
}

/// The cells of the table whose header begins with `first`, row by row.
fn table(page: &str, first: &str) -> Vec<Vec<String>> {
    let mut lines = page.lines().skip_while(|line| !line.starts_with(&format!("| {first} |")));
    let cells =
        |line: &str| line.trim_matches('|').split('|').map(|c| c.trim().to_owned()).collect();
    lines.by_ref().take(2).for_each(drop);
    lines.take_while(|line| line.starts_with('|')).map(cells).collect()
}

fn rows(tiny: &Tiny, table: &str, sql: &str) -> Value {
    let files = tiny.path(&format!("warehouse/{table}/date=*/*.parquet"));
    let from = format!("read_parquet('{}', hive_partitioning = true)", files.display());
    duckdb(&sql.replace("TABLE", &from))
}

#[test]
fn costs_the_example_of_the_page_comes_out_as_it_says() {
    let (page, tiny) = example();
    tiny.run(&["run", PIPELINE, "--from", "2026-03-02", "--to", "2026-03-04"]).expect(0);
    let costs = rows(
        &tiny,
        "fct_cost_daily",
        "SELECT CAST(date AS VARCHAR), bot, channel, service, cost_class, CAST(amount AS VARCHAR)
         FROM TABLE ORDER BY ALL",
    );
    assert_eq!(costs, json!(table(&page, "date")));
    let metrics = rows(
        &tiny,
        "kpi_daily",
        "SELECT metric, CAST(value AS VARCHAR) FROM TABLE
         WHERE date = DATE '2026-03-02' AND bot = '*' AND channel = '*' AND service = '*'
           AND (metric LIKE 'cost_per_service%' OR metric LIKE 'cost_saved%' OR metric LIKE 'time_saved%')
         ORDER BY metric",
    );
    assert_eq!(metrics, json!(table(&page, "metric")));
}

/// Our two chats are resolved; the vendor, who asks for an end that was reached, takes one of them.
#[test]
fn costs_the_query_of_the_page_tells_what_a_vendor_would_have_saved() {
    let (_, tiny) = example();
    let log = std::fs::read_to_string(tiny.path("logs/a.jsonl")).expect("reads");
    let goal = r#"{"ts":"2026-03-02T09:00:02Z","bot":"shop","channel":"web","service":"returns","conversation_id":"1","actor":"system","type":"goal"}"#;
    tiny.write("logs/a.jsonl", format!("{log}{goal}\n"));
    tiny.change_pipeline("assumptions:\n", "profile: copilot\nassumptions:\n");
    tiny.run(&["run", PIPELINE, "--from", "2026-03-02", "--to", "2026-03-04"]).expect(0);
    let sql = std::fs::read_to_string(tiny.path("vendor.sql")).expect("the page has a query");
    let files = |table: &str| {
        let files = tiny.path(&format!("warehouse/{table}/date=*/*.parquet"));
        format!("read_parquet('{}', hive_partitioning = true)", files.display())
    };
    let sql = ["fct_reconciliation", "fct_savings_daily"]
        .iter()
        .fold(sql, |sql, table| sql.replace(table, &files(table)));
    assert_eq!(duckdb(&sql), json!([["copilot", 300.0, 600.0]]));
}

#[test]
fn costs_without_a_rate_end_the_run_with_the_currency_and_the_day() {
    let (_, tiny) = example();
    tiny.change_pipeline("from: 2026-01-01, rate", "from: 2026-03-03, rate");
    tiny.change_pipeline("    - { currency: USD, from: 2026-03-03, rate: 0.9 }\n", "");
    let told = tiny.run(&["run", PIPELINE, "--from", "2026-03-02", "--to", "2026-03-04"]).expect(2);
    assert!(told.err.contains("USD") && told.err.contains("2026-03-02"), "{}", told.err);
    assert!(!told.err.contains("2026-03-03\n"), "{}", told.err);
    assert!(told.err.contains("assumptions"), "{}", told.err);
    assert!(!tiny.path("warehouse/fct_cost_daily").exists());
}
