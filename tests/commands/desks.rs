//! The shipped pipelines of helpdesks over logs in which everything comes twice, and changed.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::readers::duckdb;
use super::tiny::{PIPELINE, Tiny};

/// A folder with the pipeline of `vendor` and its logs. Logs are complete two hours after the fact,
/// so that nothing is open.
fn desk(vendor: &str) -> Tiny {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tiny = Tiny::bare();
    let yaml =
        fs::read_to_string(root.join(format!("pipelines/{vendor}.yaml"))).expect("a pipeline");
    let yaml = yaml.replace("CHATKPI_USER_KEY }", "TINY_KEY }").replace("Europe/Stockholm", "UTC");
    tiny.write(
        PIPELINE,
        yaml.replacen("    empty_ok: true", "    complete_after: 2h\n    empty_ok: true", 1),
    );
    for log in fs::read_dir(root.join("tests/adapters").join(vendor)).expect("logs") {
        let log = log.expect("a log").path();
        let name = log.file_name().expect("a name").to_string_lossy().into_owned();
        tiny.write(&format!("{vendor}/{name}"), fs::read_to_string(&log).expect("text"));
    }
    tiny.run(&["run", PIPELINE, "--date", "2026-03-01"]).expect(0);
    tiny
}

fn rows(tiny: &Tiny, sql: &str) -> Value {
    let from = |table: &str| {
        let files = tiny.path(&format!("warehouse/{table}/date=*/*.parquet"));
        format!("read_parquet('{}', hive_partitioning = true)", files.display())
    };
    let sql = ["kpi_daily", "fct_session", "fct_cost_per_service_daily"]
        .iter()
        .fold(sql.to_owned(), |sql, table| sql.replace(&format!("{{{table}}}"), &from(table)));
    duckdb(&sql)
}

fn outcomes(tiny: &Tiny) -> Value {
    rows(tiny, "SELECT channel, outcome FROM {fct_session} ORDER BY start_ts")
}

/// What people handled: services, and what all of them cost.
fn of_people(tiny: &Tiny) -> Value {
    rows(
        tiny,
        "SELECT CAST(denominator AS INTEGER), ROUND(CAST(value AS DOUBLE), 6) FROM {kpi_daily}
         WHERE metric = 'cost_per_service_human' AND bot = '*' AND channel = '*' AND service = '*'",
    )
}

#[test]
fn desks_intercom() {
    let tiny = desk("intercom");
    let sessions = [
        ["conversation", "resolved_confirmed"],
        ["whatsapp", "escalated_connected"],
        ["conversation", "abandoned"],
    ];
    assert_eq!(outcomes(&tiny), json!(sessions));
    // The handed over chat is its contact. 280 s and 240 s at 28.50 an hour.
    assert_eq!(of_people(&tiny), json!([[2, 2.058333]]));
}

#[test]
fn desks_zendesk() {
    let tiny = desk("zendesk");
    let sessions = [["chat", "escalated_connected"], ["chat", "escalated_connected"]];
    assert_eq!(outcomes(&tiny), json!(sessions));
    // Three chats and two tickets; two others were deleted or solved by the bot. 360 s each.
    assert_eq!(of_people(&tiny), json!([[5, 2.85]]));
}

#[test]
fn desks_chatwoot() {
    let tiny = desk("chatwoot");
    assert_eq!(
        outcomes(&tiny),
        json!([["web", "escalated_connected"], ["web", "resolved_assumed"]])
    );
    assert_eq!(of_people(&tiny), json!([[1, 2.85]]));
}
