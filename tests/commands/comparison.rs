//! The demo's rollout, whose true effect is known, through the whole program.

use serde_json::{Value, json};

use super::readers::duckdb;
use super::tiny::Tiny;

/// Eight weeks before, two of ramp and eight after, with the rollout two fifths in.
const DAYS: &str = "150";
const USERS: &str = "250";

fn compared(tiny: &Tiny, sql: &str) -> Value {
    let files = tiny.path("shop/warehouse/fct_rollout_comparison/**/*.parquet");
    let from = format!("read_parquet('{}')", files.display());
    duckdb(&sql.replace("TABLE", &from))
}

/// The shop with the given change of human contacts, compared.
fn shop(effect: &str) -> Tiny {
    let tiny = Tiny::bare();
    let size = ["--days", DAYS, "--users", USERS, "--effect", effect, "--no-run"];
    tiny.run(&[&["demo", "--out", "shop"], &size[..]].concat()).expect(0);
    let only = ["--models", "fct_rollout_comparison"];
    tiny.run(&[&["run", "shop/pipeline.yaml"], &only[..]].concat()).expect(0);
    tiny
}

/// Avoidable cost per service after, its estimated effect and the ends of the interval. Shared
/// costs are left out: what the changed services do not use any more, the others pay.
fn avoidable(tiny: &Tiny) -> [f64; 4] {
    let rows = compared(
        tiny,
        "SELECT value_post, estimate, ci_low, ci_high FROM TABLE
         WHERE service = '*' AND metric = 'avoidable_cost_per_service'",
    );
    let number = |n: usize| rows[0][n].as_f64().expect("a number");
    [0, 1, 2, 3].map(number)
}

/// Whatever else the demo's rollout does to chats, it does at every effect. So between two shops of
/// one seed the true difference is that of their costs after, and the estimates must differ by as
/// much, give or take the interval.
#[test]
fn comparison_estimates_move_with_the_effect_that_the_demo_put_in() {
    let [cost, found, _, _] = avoidable(&shop("0"));
    let mut before = found;
    for effect in ["-0.3", "-0.8"] {
        let [other_cost, estimate, low, high] = avoidable(&shop(effect));
        let (truth, moved) = (other_cost - cost, estimate - found);
        let half = (high - low) / 2.0;
        assert!(truth < 0.0, "{effect}: {truth}");
        assert!((moved - truth).abs() <= half, "{effect}: {moved}, and {truth} is true");
        assert!(estimate < before, "{effect}: {estimate} after {before}");
        before = estimate;
    }
}

#[test]
fn comparison_rows_are_what_the_contract_says() {
    let tiny = shop("-0.5");
    let rows = compared(
        &tiny,
        "SELECT design_grade, status, pre_days, post_days,
                CAST(rate_effect + mix_effect + volume_effect + bot_cost_effect - difference AS DOUBLE),
                abs(value_post - value_pre - CAST(difference AS DOUBLE)) < 0.000001, warnings LIKE '%shares the treated channel%'
         FROM TABLE WHERE service = '*' AND metric = 'cost_per_service'",
    );
    assert_eq!(rows, json!([["C", "final", 56, 56, 0.0, true, true]]));
    let metrics =
        compared(&tiny, "SELECT metric FROM TABLE WHERE service = 'returns' ORDER BY metric");
    for metric in [
        "contacts_per_customer",
        "human_aht_seconds",
        "placebo_in_time",
        "saving_net",
        "cost_per_service_human_phone",
    ] {
        assert!(metrics.to_string().contains(metric), "{metric} is not in {metrics}");
    }
    // A second run has nothing to do.
    tiny.run(&["plan", "shop/pipeline.yaml", "--models", "fct_rollout_comparison"]).expect(0);
}
