//! A rollout that customers were kept from by lot, from logs to the report. Seventy customers, whose
//! every price is given, so that what the change did is known to the cent.

use std::fmt::Write;

use serde_json::json;

use super::readers::duckdb;
use super::tiny::{PIPELINE, Tiny};

const YAML: &str = "\
version: 1
name: drawn
timezone: UTC
warehouse: ./warehouse
privacy: { user_key_env: TINY_KEY }
sources:
  - { name: bot, kind: events, adapter: canonical, path: \"logs/*.jsonl\" }
  - { name: human, kind: contacts, adapter: canonical, path: contacts.csv }
  - { name: costs, kind: costs, adapter: canonical, path: costs.csv }
assumptions:
  currency: EUR
  aht_seconds: 300
  owner: finance
  rates: [{ currency: USD, from: 2026-03-01, rate: 0.5 }, { currency: USD, from: 2026-03-11, rate: 0.25 }]
rollouts:
  - { name: new_bot, date: 2026-03-08, services: [returns], holdout: [control], pre: 1w, ramp: 0d, post: 1w }
";

/// In each arm; five a day of either week.
const CUSTOMERS: usize = 35;

/// Before: a call of 6.00 each. After: those kept from the bot call twice, for 5.00 and 7.00; those
/// given it chat once, for 0.10, and call once, for 4.00 to 8.00, 6.00 in the mean. Rent is 15.00 a day
/// for 15 calls, in a currency that loses half of its worth in between.
fn drawn() -> Tiny {
    let mut events = String::new();
    let mut contacts = "contact_id,opened_ts,channel,service,user_id,cost_amount\n".to_owned();
    let mut call = |user: &str, hour: usize, day: usize, cost: usize| {
        writeln!(
            contacts,
            "{user}-{day}-{hour},2026-03-{day:02}T{hour:02}:00:00Z,phone,returns,{user},{cost}.00"
        )
    };
    let mut tell = |day: usize, hour: usize, rest: &str| {
        writeln!(
            events,
            "{{\"ts\":\"2026-03-{day:02}T{hour:02}:00:00Z\",\"bot\":\"shop\",\"channel\":\"web\",{rest}}}"
        )
    };
    for n in 0..CUSTOMERS {
        let (before, after) = (1 + n % 7, 8 + n % 7);
        for (user, variant) in [(format!("k{n}"), "control"), (format!("g{n}"), "v2")] {
            let lot = format!(
                "\"user_id\":\"{user}\",\"actor\":\"system\",\"type\":\"other\",\"variant\":\"{variant}\""
            );
            tell(7, 12, &lot).expect("a line");
            call(&user, 9, before, 6).expect("a line");
        }
        let (kept, given) = (format!("k{n}"), format!("g{n}"));
        call(&kept, 9, after, 5).expect("a line");
        call(&kept, 15, after, 7).expect("a line");
        call(&given, 15, after, 4 + n / 7).expect("a line");
        let chat =
            format!("\"conversation_id\":\"c{n}\",\"service\":\"returns\",\"type\":\"message\"");
        tell(after, 9, &format!("{chat},\"user_id\":\"{given}\",\"actor\":\"user\""))
            .expect("a line");
        tell(after, 9, &format!("{chat},\"actor\":\"bot\",\"cost_amount\":0.10")).expect("a line");
    }
    // One strays, long after the lot was drawn; and the days that later numbers wait for.
    tell(12, 1, "\"user_id\":\"k3\",\"actor\":\"system\",\"type\":\"other\",\"variant\":\"v2\"")
        .expect("a line");
    tell(18, 12, "\"actor\":\"system\",\"type\":\"other\"").expect("a line");
    let tiny = Tiny::bare();
    tiny.write(PIPELINE, YAML);
    tiny.write("logs/a.jsonl", events);
    tiny.write("contacts.csv", contacts);
    tiny.write(
        "costs.csv",
        "period_start,period_end,cost_class,bot,channel,service,amount,currency\n\
         2026-03-08,2026-03-10,facilities,,,,90.00,USD\n\
         2026-03-11,2026-03-14,facilities,,,,240.00,USD\n",
    );
    tiny
}

#[test]
fn a_holdout_in_the_logs_tells_the_effect_that_was_put_in() {
    let tiny = drawn();
    tiny.run(&["run", PIPELINE, "--models", "fct_rollout_comparison"]).expect(0);
    let files = tiny.path("warehouse/fct_rollout_comparison/**/*.parquet");
    let rows = duckdb(&format!(
        "SELECT metric, design_grade, round(estimate, 6), ci_low <= estimate AND estimate <= ci_high,
                round(value_pre, 6), round(value_post, 6)
         FROM read_parquet('{}')
         WHERE service = 'returns' AND (metric LIKE '%cost_per_service' OR metric LIKE '%given' OR metric LIKE '%kept'
               OR metric = 'placebo_in_time' OR metric LIKE 'saving_%')
         ORDER BY metric",
        files.display()
    ));
    // Given: (0.10 + 6.00 + 1.00) / 2. Kept: 6.00 + 1.00. All: 3.50 + 210 + 420 + 105 for 140 services.
    assert_eq!(
        rows,
        json!([
            ["avoidable_cost_per_service", "A", -2.95, true, 6.0, 4.525],
            ["cost_per_service", "A", -3.45, true, 6.0, 5.275],
            ["cost_per_service_given", "A", null, null, 6.0, 3.55],
            ["cost_per_service_kept", "A", null, null, 6.0, 7.0],
            ["fixed_cost_per_service", "A", -0.5, true, 0.0, 0.75],
            ["human_cost_per_service", "A", -3.5, true, 6.0, 5.25],
            ["placebo_in_time", "A", 0.0, true, null, null],
            ["saving_capacity", "A", 35.0, true, null, null],
            ["saving_cashable", "A", 206.5, true, null, null],
            ["saving_gross", "A", 245.0, true, null, null],
            ["saving_net", "A", 241.5, true, null, null],
        ])
    );
    let told = tiny.run(&["report", PIPELINE]).expect(0).out;
    for words in [
        "shows an effect of 3.45 EUR less a service",
        "grade A (randomised holdout",
        "1 of 70 customers was seen with and without the change",
    ] {
        assert!(told.contains(words), "{words:?} is not in\n{told}");
    }
}

#[test]
fn a_lot_that_the_pipeline_does_not_name_is_none() {
    let tiny = drawn();
    tiny.change_pipeline("holdout: [control], ", "");
    tiny.run(&["run", PIPELINE, "--models", "fct_rollout_comparison"]).expect(0);
    let told = tiny.run(&["report", PIPELINE]).expect(0).out;
    assert!(told.contains("grade E") && !told.contains("effect of"), "{told}");
}
