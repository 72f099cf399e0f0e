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

/// Each shop was also made up without its rollout: `truth.json` knows what that changed.
#[test]
fn comparison_holds_the_true_effect_that_the_demo_knows_and_shows_none_where_there_is_none() {
    for effect in ["0", "-0.3", "-0.6"] {
        let tiny = shop(effect);
        let truth = std::fs::read(tiny.path("shop/truth.json")).expect("the truth");
        let truth: Value = serde_json::from_slice(&truth).expect("JSON");
        for (metric, class) in
            [("cost_per_service", "all"), ("avoidable_cost_per_service", "avoidable")]
        {
            let told = &truth["cost_per_service"]["services"]["*"][class];
            let known = |key: &str| told[key].as_f64().expect("a number");
            let sql = format!(
                "SELECT value_post, ci_low, ci_high FROM TABLE WHERE service = '*' AND metric = '{metric}'"
            );
            let rows = compared(&tiny, &sql);
            let [post, low, high] = [0, 1, 2].map(|n| rows[0][n].as_f64().expect("a number"));
            // The generator counts chats and not lines, so the two differ by a little.
            let apart = (post - known("with")).abs() / known("with");
            assert!(apart < 0.01, "{effect} {metric}: {post}, and {told}");
            let true_effect = known("effect");
            assert!(low <= true_effect && true_effect <= high, "{effect} {metric}: {rows} {told}");
            assert_eq!(true_effect == 0.0, effect == "0", "{told}");
        }
        let told = tiny.run(&["report", "shop/pipeline.yaml"]).expect(0).out;
        let words = if effect == "0" { "no effect shown" } else { "shows an effect of" };
        for words in [words, "returns_and_delivery, all its services", "grade C"] {
            assert!(told.contains(words), "{effect}: {words:?} is not in\n{told}");
        }
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
    let guardrails = compared(
        &tiny,
        "SELECT metric, denominator_pre > 0 AND denominator_post > 0, ci_low <= estimate AND estimate <= ci_high,
                value_pre BETWEEN 0 AND 1 AND value_post BETWEEN 0 AND 1, pre_days, post_days
         FROM TABLE WHERE service = '*'
           AND metric IN ('durable_resolution_7d', 'csat_5_bot_only', 'csat_5_human_only', 'helpful_bot_only')
         ORDER BY metric",
    );
    let guardrail = |metric| json!([metric, true, true, true, 56, 56]);
    let expected =
        ["csat_5_bot_only", "csat_5_human_only", "durable_resolution_7d", "helpful_bot_only"];
    assert_eq!(guardrails, json!(expected.map(guardrail)));
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
