//! What the page promises, from rows made by hand.

mod page;
mod parts;
mod texts;

use chrono::NaiveDate;

use super::material::{Cell, Cohort, Definition, Ingested, Load, Material, OutcomeDay, Span};
use super::{Bucket, Language, html};
use crate::infer::{ALL, Estimate, Grade, Ratio, Row};
use crate::interval::{Interval, plus};
use crate::model::{Additivity, Family};

/// A Monday.
fn first() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 16).expect("a date")
}

fn definition(metric: &str, unit: &str, additivity: Additivity) -> Definition {
    Definition {
        metric: metric.to_owned(),
        table: "fct_made_up".to_owned(),
        unit: unit.to_owned(),
        additivity,
        proportion: unit == "ratio",
        maturity_days: 1,
        doc: "What it says".to_owned(),
        family: None,
    }
}

/// A final cell of the `day`-th day.
fn cell(metric: &str, day: i64, numerator: f64, denominator: f64) -> Cell {
    let value = numerator / denominator;
    Cell {
        metric: metric.to_owned(),
        date: plus(first(), day),
        numerator,
        denominator,
        value,
        interval: (denominator > 1.0).then(|| ((value - 0.1).max(0.0), (value + 0.1).min(1.0))),
        n: (if denominator > 1.0 { denominator } else { numerator }) as i64,
        low_n: false,
        is_final: true,
        definition_version: "v1".to_owned(),
    }
}

/// Four days, the last of them provisional.
fn cells() -> Vec<Cell> {
    let mut cells = vec![
        cell("resolution_rate", 0, 5.0, 10.0),
        cell("resolution_rate", 1, 1.0, 10.0),
        cell("resolution_rate", 2, 9.0, 10.0),
        cell("resolution_rate", 3, 12.0, 30.0),
        cell("sessions", 0, 1000.0, 1.0),
        cell("sessions", 1, 1000.0, 1.0),
        cell("sessions", 2, 1200.0, 1.0),
        cell("sessions", 3, 3200.0, 1.0),
        cell("dau", 0, 300.0, 1.0),
        cell("dau", 1, 500.0, 1.0),
        cell("dau", 2, 400.0, 1.0),
        cell("dau", 3, 901.0, 1.0),
        cell("wau", 2, 1234.0, 1.0),
        cell("wau", 3, 1300.0, 1.0),
    ];
    for cell in cells.iter_mut().filter(|cell| cell.date == plus(first(), 3)) {
        cell.is_final = false;
    }
    cells
}

/// Two days and the two before them.
fn material() -> Material {
    let period = Interval::new(plus(first(), 2), plus(first(), 4));
    Material {
        pipeline: "shop".to_owned(),
        warehouse: "file:warehouse".to_owned(),
        generation: 7,
        span: Span::of(period),
        days: Interval::new(first(), plus(first(), 4)).days().collect(),
        has_totals: true,
        low_n: 30,
        currency: Some("EUR".to_owned()),
        definitions: vec![
            definition("resolution_rate", "ratio", Additivity::RatioOfSums),
            definition("sessions", "sessions", Additivity::Additive),
            definition("dau", "users", Additivity::NonAdditive),
            definition("unique_users", "users", Additivity::NonAdditive),
            definition("wau", "users", Additivity::NonAdditive),
            Definition {
                maturity_days: 30,
                ..definition("retention_d30", "ratio", Additivity::RatioOfSums)
            },
        ],
        cells: cells(),
        outcomes: vec![
            outcome(2, "resolved_goal", 3),
            outcome(3, "abandoned", 1),
            outcome(1, "abandoned", 5),
        ],
        times: vec![bucket(100, 110, 3), bucket(200, 220, 1)],
        retention: vec![cohort(0, "within_1", 1, 4), cohort(1, "within_1", 2, 4)],
        rollouts: vec!["new_bot".to_owned()],
        compared: vec![compared(Grade::C, Estimate { value: -3.0, low: -4.0, high: -2.0 })],
        loads: vec![Load {
            table: "kpi_daily".to_owned(),
            last: Some(plus(first(), 3)),
            partitions: 4,
            provisional: 1,
            restated: 2,
            rows: 80,
            loaded: plus(first(), 4).and_hms_opt(3, 30, 0).expect("a time"),
        }],
        ingested: vec![
            ingested("bot", "records_read", "all", 5000),
            ingested("bot", "records", "decoded", 4990),
            ingested("bot", "records", "quarantined", 10),
            ingested("bot", "quarantine", "bad_json", 10),
            ingested("bot", "rows", "kept", 4990),
            ingested("*", "duplicates", "copy", 12),
        ],
        missing: std::collections::BTreeSet::new(),
    }
}

fn outcome(day: i64, outcome: &str, sessions: i64) -> OutcomeDay {
    OutcomeDay { date: plus(first(), day), outcome: outcome.to_owned(), sessions }
}

fn bucket(from_ms: i64, to_ms: i64, answered: i64) -> Bucket {
    Bucket { is_before: false, from_ms, to_ms: Some(to_ms), answered }
}

fn cohort(day: i64, window: &str, retained: i64, cohort: i64) -> Cohort {
    Cohort { date: plus(first(), day), window: window.to_owned(), retained, cohort }
}

fn ingested(source: &str, measure: &str, reason: &str, counted: i64) -> Ingested {
    Ingested {
        source: source.to_owned(),
        measure: measure.to_owned(),
        reason: reason.to_owned(),
        counted,
    }
}

fn compared(grade: Grade, estimate: Estimate) -> Row {
    Row {
        rollout: "new_bot".to_owned(),
        service: ALL.to_owned(),
        metric: "cost_per_service".to_owned(),
        unit: "EUR per service".to_owned(),
        pre: Some(Ratio { numerator: 1000.0, denominator: 100.0 }),
        post: Some(Ratio { numerator: 800.0, denominator: 100.0 }),
        effects: None,
        post_at_mix_before: None,
        estimate: Some(estimate),
        method: "made up".to_owned(),
        grade,
        pre_days: 56,
        post_days: 56,
        is_final: false,
        warnings: vec!["only 3 services before the change".to_owned()],
    }
}

/// The page's text between tags, white space as one space.
fn text(page: &str) -> String {
    let mut text = String::new();
    for part in page.split('<').skip(1) {
        text.push(' ');
        text.push_str(part.split_once('>').map_or("", |(_, text)| text));
    }
    text.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

/// The part of the page that begins with the card of `metric`, up to the next card.
fn card(page: &str, metric: &str) -> String {
    let start = format!("<article class=\"card\" id=\"m-{metric}\"");
    let card = page.split_once(&start).unwrap_or_else(|| panic!("no card of {metric}")).1;
    text(&format!("<a {}", card.split("</article>").next().unwrap_or_default()))
}

fn english(material: &Material) -> String {
    html(material, Language::English).expect("a page")
}
