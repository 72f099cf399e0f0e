//! The rollout comparison for somebody who has to decide: what changed, how sure that is, why, what
//! it is worth, and what would make it surer.
//!
//! Promises: a description (grade E) never speaks of an effect; an interval that holds zero is told
//! as "no effect shown", whatever its middle. Leaves out: what the numbers mean (`docs/kpis.md`).

use crate::infer::{ALL, Estimate, Grade, Row};

/// All rollouts, each with all its services first and then one by one.
pub fn text(rows: &[Row]) -> String {
    let mut parts: Vec<(&str, &str)> = Vec::new();
    for row in rows {
        let part = (row.rollout.as_str(), row.service.as_str());
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    if parts.is_empty() {
        return "No rollout to compare: the pipeline names none.\n".to_owned();
    }
    // A rollout of one service says the same twice.
    let single = |rollout: &str| parts.iter().filter(|(r, _)| *r == rollout).count() == 2;
    let told = parts.iter().filter(|(rollout, service)| *service == ALL || !single(rollout));
    let told = told.map(|(rollout, service)| {
        let own = |row: &&Row| row.rollout == *rollout && row.service == *service;
        part(rollout, service, &rows.iter().filter(own).collect::<Vec<_>>())
    });
    told.collect::<Vec<_>>().join("\n")
}

fn part(rollout: &str, service: &str, rows: &[&Row]) -> String {
    let name = if service == ALL { "all its services" } else { service };
    let find = |metric: &str| rows.iter().find(|row| row.metric == metric).copied();
    let Some(cost) = find("cost_per_service") else { return String::new() };
    let currency = cost.unit.split(' ').next().unwrap_or_default();
    let mut lines = vec![format!("{rollout}, {name}")];
    let mut say = |head: &str, text: String| lines.push(format!("  {head:<14}{text}"));
    say("What changed:", changed(cost, currency));
    if let Some(parts) = parts(cost) {
        say("Made up of:", parts);
    }
    say("Rollout:", effect(cost, currency));
    say("How sure:", how_sure(cost));
    if let Some(measured) = measured(cost.grade).filter(|_| cost.estimate.is_some()) {
        say("", measured.to_owned());
    }
    if cost.grade != Grade::E {
        for (n, line) in worth(rows, currency).into_iter().enumerate() {
            say(if n == 0 { "Worth:" } else { "" }, line);
        }
    }
    for (n, line) in ways(rows).into_iter().enumerate() {
        say(if n == 0 { "Each way:" } else { "" }, line);
    }
    for (n, line) in guardrails(rows).into_iter().enumerate() {
        say(if n == 0 { "Beside it:" } else { "" }, line);
    }
    for (n, warning) in cost.warnings.iter().enumerate() {
        say(if n == 0 { "Careful:" } else { "" }, warning.clone());
    }
    say("Surer with:", surer(cost));
    lines.push(String::new());
    lines.join("\n")
}

fn changed(cost: &Row, currency: &str) -> String {
    let value = |side: Option<crate::infer::Ratio>| side.and_then(crate::infer::Ratio::value);
    let (pre, post) = (value(cost.pre), value(cost.post));
    match (pre, post, cost.difference()) {
        (Some(pre), Some(post), Some(difference)) => {
            let percent = cost.percent().map_or(String::new(), |p| format!(" ({p:+.1} %)"));
            format!(
                "a service cost {post:.2} {currency} after and {pre:.2} {currency} before: {}{percent}",
                more(difference, currency)
            )
        }
        (Some(pre), None, _) => {
            format!("a service cost {pre:.2} {currency} before; there is no after yet")
        }
        (None, Some(post), _) => {
            format!("a service cost {post:.2} {currency} after; there was none before")
        }
        _ => "no services on either side".to_owned(),
    }
}

/// The exact parts of the plain difference, the largest first.
fn parts(cost: &Row) -> Option<String> {
    let effects = cost.effects?;
    let mut parts = [
        (effects.rate, "what people's work costs"),
        (effects.mix, "who gives which service"),
        (effects.volume, "fixed costs over more or fewer services"),
        (effects.bot_cost, "the bot's own cost"),
    ];
    parts.sort_by_key(|(micros, _)| -micros.abs());
    let told = parts.map(|(micros, name)| format!("{:+.2} {name}", micros as f64 / 1e6));
    Some(told.join(", "))
}

fn effect(cost: &Row, currency: &str) -> String {
    let Some(found) = &cost.estimate else {
        return "nothing can be said of what it did".to_owned();
    };
    let range = format!(
        "95 % interval from {} to {}",
        more(found.low, currency),
        more(found.high, currency)
    );
    let likely = if cost.grade == Grade::D { "suggests" } else { "shows" };
    match found.holds_zero() {
        true => format!("no effect shown ({range})"),
        false => {
            format!("{likely} an effect of {} a service ({range})", more(found.value, currency))
        }
    }
}

fn how_sure(cost: &Row) -> String {
    let days = format!("{} days before, {} after", cost.pre_days, cost.post_days);
    let state = if cost.is_final { "" } else { ", provisional" };
    format!("grade {} ({}; {days}{state})", cost.grade.letter(), cost.method)
}

/// How often intervals of a grade held the truth where it is known; `docs/comparison.md` says how that
/// was measured.
fn measured(grade: Grade) -> Option<&'static str> {
    match grade {
        Grade::A => Some("such intervals held the truth in 96 % of made-up rollouts"),
        Grade::B => Some("such intervals held the truth in 93 % of made-up rollouts"),
        Grade::C => Some(
            "such intervals held the truth in 93 % of made-up rollouts, and in 88 to 98 % of made-up shops",
        ),
        Grade::D => Some("such intervals held the truth in 93 % of made-up rollouts"),
        Grade::E => None,
    }
}

fn worth(rows: &[&Row], currency: &str) -> Vec<String> {
    let lines = [
        ("saving_net", "net of the bot's cost"),
        ("saving_gross", "of people's cost, before the bot's"),
        ("saving_cashable", "of it cash that is not spent"),
        ("saving_capacity", "of it capacity that is still paid for"),
    ];
    let mut told = Vec::new();
    for (metric, words) in lines {
        let found = rows.iter().find(|row| row.metric == metric);
        if let Some(Estimate { value, low, high }) = found.and_then(|row| row.estimate) {
            let sure = if low <= 0.0 && 0.0 <= high { ", may be none" } else { "" };
            told.push(format!(
                "{value:.0} {currency} {words} (between {low:.0} and {high:.0}{sure})"
            ));
        }
    }
    let payback = rows.iter().find(|row| row.metric == "payback_months");
    if let Some(months) = payback.and_then(|row| row.estimate) {
        let worst = match months.high.is_finite() {
            true => format!("{:.1}", months.high),
            false => "never".to_owned(),
        };
        told.push(format!(
            "paid back after {:.1} months (best {:.1}, worst {worst})",
            months.value, months.low
        ));
    }
    told
}

/// What each way to be served costs, and each arm of a holdout.
fn ways(rows: &[&Row]) -> Vec<String> {
    let way = |row: &&&Row| row.metric.starts_with("cost_per_service_");
    rows.iter().filter(way).map(|row| before_and_after(row)).collect()
}

/// The numbers that must not get worse. Their change is told and nobody is blamed for it.
fn guardrails(rows: &[&Row]) -> Vec<String> {
    let plain = rows.iter().filter(|row| !row.metric.contains("cost_per_service"));
    let told = plain.filter(|row| row.pre.is_some() || row.post.is_some());
    told.map(|row| {
        let change = match row.estimate {
            None => String::new(),
            Some(found) if found.holds_zero() => ": no change shown".to_owned(),
            Some(Estimate { value, low, high }) => {
                let word = if value < 0.0 { "down" } else { "up" };
                let (least, most) = (low.abs().min(high.abs()), low.abs().max(high.abs()));
                format!(": {word} by {:.2}, between {least:.2} and {most:.2}", value.abs())
            }
        };
        format!("{}{change}", before_and_after(row))
    })
    .collect()
}

fn before_and_after(row: &Row) -> String {
    let value = |side: Option<crate::infer::Ratio>| {
        side.and_then(crate::infer::Ratio::value).map_or("none".to_owned(), |v| format!("{v:.2}"))
    };
    let name = row.metric.replace('_', " ");
    format!("{name} {} before, {} after ({})", value(row.pre), value(row.post), row.unit)
}

fn surer(cost: &Row) -> String {
    let advice = match cost.grade {
        Grade::A => "more customers, or more weeks",
        Grade::B => "a group of customers, drawn by lot, that the bot is kept from (`variant`)",
        Grade::C => {
            "more services left alone, or customers drawn by lot that the bot is kept from (`variant`)"
        }
        Grade::D => {
            "services that the rollout leaves alone, named as its `controls`; or customers drawn by lot that the bot is kept from (`variant`)"
        }
        Grade::E => "eight weeks of days before the rollout and eight after its ramp",
    };
    let narrow = cost.estimate.is_some_and(|found| found.holds_zero());
    match narrow && cost.grade != Grade::A {
        true => format!("{advice}; longer windows narrow the interval"),
        false => advice.to_owned(),
    }
}

fn more(difference: f64, currency: &str) -> String {
    let word = if difference < 0.0 { "less" } else { "more" };
    format!("{:.2} {currency} {word}", difference.abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::infer::{Effects, Ratio};

    fn row(metric: &str, grade: Grade) -> Row {
        Row {
            rollout: "returns".to_owned(),
            service: ALL.to_owned(),
            metric: metric.to_owned(),
            unit: "EUR per service".to_owned(),
            pre: Some(Ratio { numerator: 1000.0, denominator: 100.0 }),
            post: Some(Ratio { numerator: 800.0, denominator: 100.0 }),
            effects: Some(Effects {
                difference: -2_000_000,
                rate: -500_000,
                mix: -2_000_000,
                volume: 100_000,
                bot_cost: 400_000,
            }),
            post_at_mix_before: Some(8.0),
            estimate: None,
            method: grade.method().to_owned(),
            grade,
            pre_days: 56,
            post_days: 56,
            is_final: true,
            warnings: Vec::new(),
        }
    }

    #[test]
    fn an_effect_is_told_with_its_parts_and_its_worth() {
        let mut cost = row("cost_per_service", Grade::C);
        cost.estimate = Some(Estimate { value: -3.0, low: -4.0, high: -2.0 });
        cost.warnings = vec!["only 3 services before the change".to_owned()];
        let mut net = row("saving_net", Grade::C);
        (net.pre, net.post) = (None, None);
        net.estimate = Some(Estimate { value: 300.0, low: 200.0, high: 400.0 });
        let mut months = row("payback_months", Grade::C);
        (months.pre, months.post) = (None, None);
        months.estimate = Some(Estimate { value: 5.0, low: 4.0, high: f64::INFINITY });
        let mut handling = Row { unit: "seconds".to_owned(), ..row("human_aht_seconds", Grade::C) };
        handling.estimate = Some(Estimate { value: -2.0, low: -3.0, high: -1.0 });
        let mut lasting = row("durable_resolution_7d", Grade::C);
        lasting.estimate = Some(Estimate { value: -2.0, low: -3.0, high: 1.0 });
        let phone = row("cost_per_service_human_phone", Grade::C);
        let told = text(&[cost, net, months, phone, handling, lasting]);
        for words in [
            "a service cost 8.00 EUR after and 10.00 EUR before: 2.00 EUR less (-20.0 %)",
            "Made up of:   -2.00 who gives which service, -0.50 what people's work costs, +0.40 the bot's own cost",
            "shows an effect of 3.00 EUR less a service (95 % interval from 4.00 EUR less to 2.00 EUR less)",
            "grade C (difference in differences",
            "such intervals held the truth in 93 % of made-up rollouts",
            "300 EUR net of the bot's cost (between 200 and 400)",
            "paid back after 5.0 months (best 4.0, worst never)",
            "Each way:     cost per service human phone 10.00 before, 8.00 after (EUR per service)\n",
            "Beside it:    human aht seconds 10.00 before, 8.00 after (seconds): down by 2.00, between 1.00 and 3.00",
            "durable resolution 7d 10.00 before, 8.00 after (EUR per service): no change shown",
            "Careful:      only 3 services before the change",
            "Surer with:   more services left alone",
        ] {
            assert!(told.contains(words), "{words:?} is not in\n{told}");
        }
    }

    #[test]
    fn an_interval_with_zero_shows_no_effect() {
        for grade in [Grade::A, Grade::B, Grade::C, Grade::D] {
            let mut cost = row("cost_per_service", grade);
            cost.estimate = Some(Estimate { value: -3.0, low: -7.0, high: 1.0 });
            let told = text(&[cost]);
            assert!(
                told.contains(
                    "no effect shown (95 % interval from 7.00 EUR less to 1.00 EUR more)"
                )
            );
            assert!(!told.contains("shows an effect") && !told.contains("suggests an effect"));
        }
        let mut cost = row("cost_per_service", Grade::D);
        cost.estimate = Some(Estimate { value: -3.0, low: -7.0, high: -1.0 });
        assert!(text(&[cost]).contains("suggests an effect of 3.00 EUR less"));
    }

    #[test]
    fn a_description_speaks_of_no_effect() {
        let mut none = row("cost_per_service", Grade::E);
        none.post = None;
        none.effects = None;
        for cost in [row("cost_per_service", Grade::E), none] {
            let told = text(&[cost]).to_lowercase();
            for word in ["effect", "saving", "saved", "because", "caused", "worth", "cheaper"] {
                assert!(!told.contains(word), "{word} is in\n{told}");
            }
            assert!(told.contains("eight weeks"));
        }
    }

    #[test]
    fn services_are_told_apart_where_there_are_several() {
        let named = |service: &str| Row {
            service: service.to_owned(),
            ..row("cost_per_service", Grade::E)
        };
        let one = text(&[named(ALL), named("returns")]);
        assert_eq!(one.matches("What changed").count(), 1);
        let two = text(&[named(ALL), named("delivery"), named("returns")]);
        assert_eq!(two.matches("What changed").count(), 3);
        assert!(text(&[]).contains("names none"));
    }
}
