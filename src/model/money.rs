//! Money, rates and assumptions in templates: exact arithmetic on whole numbers, and the pipeline's
//! dated numbers as SQL.
//!
//! Amounts are BIGINT millionths inside models and DECIMAL(18,6) where they are published. Engines
//! differ in the precision of decimal products, and a double is exact only up to 2^53, so products
//! and quotients are taken in whole numbers, in an order that keeps them within 64 bits. Leaves
//! out: what is assumed, which the pipeline says, and what is made of it, which models say.

use minijinja::{Environment, Value, context};

use super::query::date_literal;
use crate::interval::plus;
use crate::pipeline::{AssumptionSet, Pipeline, Rollout};

/// The name of the handling times that no rollout gives.
const NO_ROLLOUT: &str = "none";

/// Makes the macros known.
pub fn add_macros(environment: &mut Environment<'_>, pipeline: &Pipeline) {
    environment.add_function("quotient", |a: String, b: String| quotient(&a, &b));
    environment.add_function("scaled", |a: String, b: String, c: String| scaled(&a, &b, &c));
    environment.add_function("micros", |decimal: String| {
        format!(
            "CAST(FLOOR(CAST({decimal} AS DOUBLE) * 1000000 + CAST('0.5' AS DOUBLE)) AS BIGINT)"
        )
    });
    environment.add_function("money", |micros: String| money(&micros));
    let settings = pipeline.clone();
    environment.add_function("exchange", move |part: String, currency: String| {
        exchange(&settings, part == "numerator", &currency)
    });
    let settings = pipeline.clone();
    environment.add_function("assumed", move |what: String, date: String| {
        assumed(&settings, &what, &date)
    });
    let settings = pipeline.clone();
    environment.add_function("baseline_of", move |service: String| {
        baseline_of(&settings.rollouts, &service)
    });
}

/// The values that templates may use.
pub fn values(pipeline: &Pipeline) -> Value {
    let sets = &pipeline.assumptions.sets;
    let rows = sets.iter().enumerate().map(|(i, set)| set_view(set, sets.get(i + 1)));
    let windows = pipeline.rollouts.iter().map(|rollout| {
        context! {
            name => rollout.name.as_str(),
            from_day => date_literal(plus(rollout.date, -i64::from(rollout.pre_days))),
            to_day => date_literal(rollout.date),
        }
    });
    context! {
        currency => text_or_null(pipeline.assumptions.currency.as_deref()),
        assumption_sets => rows.collect::<Vec<_>>(),
        pre_windows => windows.collect::<Vec<_>>(),
    }
}

/// `a / b` rounded down, exact for all of 64 bits: the second term corrects what the double of a
/// large number loses. `b` is positive. The half keeps the quotient off whole numbers, where a last
/// bit would decide: engines divide by a constant as they multiply by its reciprocal.
fn quotient(a: &str, b: &str) -> String {
    let rough = |a: &str| {
        format!(
            "CAST(FLOOR((CAST({a} AS DOUBLE) + CAST('0.5' AS DOUBLE)) / NULLIF({b}, 0)) AS BIGINT)"
        )
    };
    let first = rough(&format!("({a})"));
    let rest = format!("(({a}) - {first} * ({b}))");
    format!("({first} + {})", rough(&rest))
}

/// `a * b / c` rounded down: whole times of `c` in `a` first, so that only what is left of `a`,
/// which is less than `c`, is multiplied. Exact while the result, and `b * c`, are below 2^63.
fn scaled(a: &str, b: &str, c: &str) -> String {
    let times = quotient(a, c);
    let rest = format!("(({a}) - {times} * ({c}))");
    format!("({times} * ({b}) + {})", quotient(&format!("{rest} * ({b})"), c))
}

/// Millionths as DECIMAL(18,6): the whole units and the rest apart, because a double cannot hold both
/// of an amount over four billion.
fn money(micros: &str) -> String {
    let whole = quotient(micros, "1000000");
    let rest = format!("(({micros}) - {whole} * 1000000)");
    let decimal = |number: &str| format!("CAST({number} AS DECIMAL(18, 6))");
    let part = decimal(&format!("CAST({rest} AS DOUBLE) / NULLIF(1000000, 0)"));
    decimal(&format!("{} + {part}", decimal(&whole)))
}

/// A part of the rate by which an amount of `currency` on `date` becomes the reporting currency;
/// NULL where the pipeline has none for that day.
fn exchange(pipeline: &Pipeline, numerator: bool, currency: &str) -> String {
    let assumptions = &pipeline.assumptions;
    let mut sql = format!("CASE WHEN {currency} IS NULL THEN 1");
    if let Some(own) = &assumptions.currency {
        sql.push_str(&format!(" WHEN {currency} = '{own}' THEN 1"));
    }
    // The latest day first: it is the one that holds.
    for rate in assumptions.rates.iter().rev() {
        let value = if numerator { rate.numerator } else { rate.denominator };
        let from = date_literal(rate.from);
        sql.push_str(&format!(
            " WHEN {currency} = '{}' AND date >= {from} THEN {value}",
            rate.currency
        ));
    }
    format!("CAST({sql} END AS BIGINT)")
}

/// A value of the set that holds on `date`; NULL where none does, or it does not say.
fn assumed(pipeline: &Pipeline, what: &str, date: &str) -> String {
    let value = |set: &AssumptionSet| match what {
        "agent_hourly_rate_micros" => number_or_null(set.agent_hourly_rate_micros),
        "aht_seconds" => number_or_null(set.aht_seconds.map(i64::from)),
        _ => text_or_null(Some(&set.id)),
    };
    let kind = if what == "assumption_id" { "STRING" } else { "BIGINT" };
    let mut sets: Vec<&AssumptionSet> = pipeline.assumptions.sets.iter().rev().collect();
    let always = sets.pop_if(|set| set.from.is_none());
    let otherwise = always.map_or_else(|| format!("CAST(NULL AS {kind})"), value);
    let mut sql = String::new();
    for set in sets {
        let Some(from) = set.from else { continue };
        sql.push_str(&format!(" WHEN {date} >= {} THEN {}", date_literal(from), value(set)));
    }
    match sql.is_empty() {
        true => otherwise,
        false => format!("CASE{sql} ELSE {otherwise} END"),
    }
}

/// The rollout whose window before it tells how long a service takes: the first that changes the
/// service, else the first of all.
fn baseline_of(rollouts: &[Rollout], service: &str) -> String {
    let mut by_day: Vec<&Rollout> = rollouts.iter().collect();
    by_day.sort_by_key(|rollout| rollout.date);
    let Some(first) = by_day.first() else { return format!("'{NO_ROLLOUT}'") };
    let mut sql = String::new();
    for rollout in &by_day {
        let names: Vec<String> = rollout.services.iter().map(|s| format!("'{s}'")).collect();
        sql.push_str(&format!(" WHEN {service} IN ({}) THEN '{}'", names.join(", "), rollout.name));
    }
    format!("CASE{sql} ELSE '{}' END", first.name)
}

fn set_view(set: &AssumptionSet, next: Option<&AssumptionSet>) -> Value {
    let day = |date| format!("CAST({} AS DATE)", date);
    let until = next.and_then(|next| next.from).map(|from| date_literal(plus(from, -1)));
    let none = || "NULL".to_owned();
    context! {
        id => text_or_null(Some(&set.id)),
        from_day => day(set.from.map_or_else(none, date_literal)),
        to_day => day(until.unwrap_or_else(none)),
        agent_hourly_rate_micros => number_or_null(set.agent_hourly_rate_micros),
        aht_seconds => number_or_null(set.aht_seconds.map(i64::from)),
        owner => text_or_null(set.owner.as_deref()),
        source => text_or_null(set.source.as_deref()),
    }
}

fn number_or_null(number: Option<i64>) -> String {
    format!("CAST({} AS BIGINT)", number.map_or_else(|| "NULL".to_owned(), |n| n.to_string()))
}

/// Texts of a pipeline hold no quotes.
fn text_or_null(text: Option<&str>) -> String {
    text.map_or_else(|| "CAST(NULL AS STRING)".to_owned(), |text| format!("'{text}'"))
}
