//! What the rollouts did, and how far the numbers can be trusted: where they come from, how fresh
//! they are, and what was left out of them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::card::Maker;
use super::chart::interval::{Intervals, changes, estimates};
use super::flow::TableRow;
use super::locale::Unit;
use super::material::Ingested;
use crate::infer::{ALL, Estimate, Grade, Row};
use crate::interval::Interval;

const WIDTHS: [f64; 2] = [340.0, 740.0];
/// The rows that the pictures show, and the one that tells what it is worth.
const COST: &str = "cost_per_service";
const WORTH: &str = "saving_net";

#[derive(Debug, Clone, Serialize)]
pub struct RolloutView {
    pub name: String,
    /// Nothing was compared yet.
    pub is_waiting: bool,
    pub services: Vec<ServiceView>,
    /// What a service cost before and after.
    pub changes: Vec<Intervals>,
    /// What the rollout did, with its interval; empty where nothing can be said of it.
    pub estimates: Vec<Intervals>,
    /// Head: the metric; cells: service, before, after, estimate, interval, unit.
    pub rows: Vec<TableRow>,
}

/// A service, or all of a rollout's.
#[derive(Debug, Clone, Serialize)]
pub struct ServiceView {
    pub name: String,
    pub changed: String,
    pub effect: String,
    pub worth: Option<String>,
    /// A to E.
    pub grade: String,
    pub sure: String,
    pub provisional: bool,
    /// English.
    pub warnings: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Quality {
    pub days: String,
    pub missing_days: Vec<String>,
    /// Head: the table; cells: last partition, partitions, provisional, restated, rows, made at.
    pub tables: Vec<TableRow>,
    /// Head: the source; cells: records read, decoded, quarantined, left out, rows kept, duplicates.
    pub sources: Vec<TableRow>,
    /// Head: the source; cells: reason, records.
    pub refused: Vec<TableRow>,
    /// Head: the source; cells: key, records.
    pub unknown: Vec<TableRow>,
    pub missing_tables: Vec<String>,
}

pub fn rollouts(maker: &Maker<'_>) -> Vec<RolloutView> {
    let own = |name: &String| {
        let rows = maker.material.compared.iter().filter(|row| row.rollout == *name);
        rollout(maker, name, &rows.collect::<Vec<_>>())
    };
    maker.material.rollouts.iter().map(own).collect()
}

fn rollout(maker: &Maker<'_>, name: &str, rows: &[&Row]) -> RolloutView {
    let mut costs: Vec<&Row> = rows.iter().copied().filter(|row| row.metric == COST).collect();
    costs.sort_by_key(|row| (row.service != ALL, row.service.clone()));
    // A rollout of one service says the same twice.
    if costs.len() == 2 {
        costs.truncate(1);
    }
    let named = |row: &Row| match row.service.as_str() {
        ALL => maker.texts.say("all_services"),
        service => service.to_owned(),
    };
    let unit = Unit::Money(costs.first().map_or("", |row| currency(row)).to_owned());
    let value = |side: Option<crate::infer::Ratio>| side.and_then(crate::infer::Ratio::value);
    let changed =
        costs.iter().filter_map(|row| Some((named(row), value(row.pre)?, value(row.post)?)));
    let changed: Vec<_> = changed.collect();
    // A description has no effect to draw.
    let judged = costs.iter().filter(|row| row.grade != Grade::E);
    let judged: Vec<_> = judged.filter_map(|row| Some((named(row), row.estimate?))).collect();
    let service = |row: &&Row| service(maker, rows, row, named(row), &unit);
    RolloutView {
        name: name.to_owned(),
        is_waiting: costs.is_empty(),
        services: costs.iter().map(service).collect(),
        changes: drawn(&changed, |width| changes(&changed, width, &unit, maker.locale)),
        estimates: drawn(&judged, |width| estimates(&judged, width, &unit, maker.locale)),
        rows: rows.iter().map(|row| table_row(maker, row)).collect(),
    }
}

fn drawn<T>(rows: &[T], draw: impl Fn(f64) -> Intervals) -> Vec<Intervals> {
    if rows.is_empty() { Vec::new() } else { WIDTHS.map(draw).to_vec() }
}

fn currency(row: &Row) -> &str {
    row.unit.split(' ').next().unwrap_or_default()
}

fn service(maker: &Maker<'_>, rows: &[&Row], cost: &Row, name: String, unit: &Unit) -> ServiceView {
    let value = |side: Option<crate::infer::Ratio>| {
        let value = side.and_then(crate::infer::Ratio::value);
        value.map_or_else(|| "–".to_owned(), |value| maker.locale.value(value, unit))
    };
    let percent =
        cost.percent().map(|p| maker.locale.change(100.0 + p, 100.0, unit)).unwrap_or_default();
    let changed = maker.texts.fill(
        "changed",
        &[
            ("before", &value(cost.pre)),
            ("after", &value(cost.post)),
            ("change", percent.as_deref().unwrap_or("–")),
        ],
    );
    let worth = rows.iter().find(|row| row.metric == WORTH && row.service == cost.service);
    let worth = worth.filter(|row| row.grade != Grade::E).and_then(|row| row.estimate);
    let range = |e: Estimate, unit: &Unit| range(maker, e, unit);
    let count = |days: usize| maker.locale.count(days as i64);
    ServiceView {
        name,
        changed,
        effect: effect(maker, cost, unit),
        worth: worth.map(|found| {
            let value = maker.locale.value(found.value, unit);
            maker.texts.fill("worth", &[("value", &value), ("range", &range(found, unit))])
        }),
        grade: cost.grade.letter().to_owned(),
        sure: maker.texts.fill(
            "how_sure",
            &[
                ("grade", cost.grade.letter()),
                ("pre", &count(cost.pre_days)),
                ("post", &count(cost.post_days)),
            ],
        ),
        provisional: !cost.is_final,
        warnings: cost.warnings.clone(),
    }
}

/// Never an effect of a description, and none where the interval holds zero.
fn effect(maker: &Maker<'_>, cost: &Row, unit: &Unit) -> String {
    let Some(found) = cost.estimate.filter(|_| cost.grade != Grade::E) else {
        return maker.texts.say(if cost.grade == Grade::E {
            "described"
        } else {
            "effect_unknown"
        });
    };
    let key = match (found.holds_zero(), cost.grade, found.value < 0.0) {
        (true, ..) => "effect_none",
        (false, Grade::D, true) => "effect_less_suggested",
        (false, Grade::D, false) => "effect_more_suggested",
        (false, _, true) => "effect_less",
        (false, _, false) => "effect_more",
    };
    let value = maker.locale.value(found.value.abs(), unit);
    maker.texts.fill(key, &[("value", &value), ("range", &range(maker, found, unit))])
}

fn range(maker: &Maker<'_>, found: Estimate, unit: &Unit) -> String {
    let end = |value: f64| match value.is_finite() {
        true => maker.locale.value(value, unit),
        false => maker.texts.say("no_end"),
    };
    maker.texts.fill("range", &[("low", &end(found.low)), ("high", &end(found.high))])
}

fn table_row(maker: &Maker<'_>, row: &Row) -> TableRow {
    let number = |value: Option<f64>| {
        let value = value.filter(|value| value.is_finite());
        value.map_or_else(|| "–".to_owned(), |value| maker.locale.number(value, 2))
    };
    let side =
        |side: Option<crate::infer::Ratio>| number(side.and_then(crate::infer::Ratio::value));
    // A description has a difference and no estimate of an effect.
    let found = row.estimate.filter(|_| row.grade != Grade::E);
    let interval = found.map(|e| range(maker, e, &Unit::Count(String::new())));
    TableRow {
        head: row.metric.clone(),
        cells: vec![
            row.service.clone(),
            side(row.pre),
            side(row.post),
            number(found.map(|e| e.value)),
            interval.unwrap_or_else(|| "–".to_owned()),
            row.unit.clone(),
        ],
    }
}

pub fn quality(maker: &Maker<'_>) -> Quality {
    let material = maker.material;
    let period = material.span.period;
    let published = period.days().filter(|day| material.days.contains(day)).count();
    let missing = period.days().filter(|day| !material.days.contains(day));
    let count = |value: i64| maker.locale.count(value);
    let tables = material.loads.iter().map(|load| TableRow {
        head: load.table.clone(),
        cells: vec![
            load.last.map_or_else(|| "–".to_owned(), |day| maker.locale.date(day)),
            count(load.partitions),
            count(load.provisional),
            count(load.restated),
            count(load.rows),
            maker.locale.time(load.loaded),
        ],
    });
    let (published, of) = (count(published as i64), count(period.len() as i64));
    Quality {
        days: maker.texts.fill("published_days", &[("days", &published), ("of", &of)]),
        missing_days: Interval::runs(missing)
            .into_iter()
            .map(|run| maker.locale.days(run))
            .collect(),
        tables: tables.collect(),
        sources: sources(maker),
        refused: by_reason(maker, "quarantine"),
        unknown: by_reason(maker, "unknown_fields"),
        missing_tables: material.missing.iter().cloned().collect(),
    }
}

fn sources(maker: &Maker<'_>) -> Vec<TableRow> {
    let ingested = &maker.material.ingested;
    let names: BTreeSet<&String> = ingested.iter().map(|row| &row.source).collect();
    let sum = |source: &str, measure: &str, reasons: &[&str]| -> i64 {
        let own = ingested.iter().filter(|row| row.source == source && row.measure == measure);
        own.filter(|row| reasons.contains(&row.reason.as_str())).map(|row| row.counted).sum()
    };
    let row = |source: &&String| TableRow {
        // Copies show only when all sources lie side by side.
        head: if *source == ALL { maker.texts.say("all_sources") } else { (*source).clone() },
        cells: [
            ("records_read", &["all"][..]),
            ("records", &["decoded"]),
            ("records", &["quarantined"]),
            ("records", &["filtered", "empty", "blank"]),
            ("rows", &["kept"]),
            ("duplicates", &["copy"]),
        ]
        .map(|(measure, reasons)| match (*source == ALL) == (measure == "duplicates") {
            true => maker.locale.count(sum(source, measure, reasons)),
            false => "–".to_owned(),
        })
        .to_vec(),
    };
    names.iter().map(row).collect()
}

/// The rows of a measure by source and reason, the most first.
fn by_reason(maker: &Maker<'_>, measure: &str) -> Vec<TableRow> {
    let own = maker.material.ingested.iter().filter(|row| row.measure == measure);
    let mut sums: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for Ingested { source, reason, counted, .. } in own {
        *sums.entry((source, reason)).or_default() += counted;
    }
    let mut sums: Vec<_> = sums.into_iter().collect();
    sums.sort_by_key(|(_, counted)| -counted);
    let row = |((source, reason), counted): ((&str, &str), i64)| TableRow {
        head: source.to_owned(),
        cells: vec![reason.to_owned(), maker.locale.count(counted)],
    };
    sums.into_iter().map(row).collect()
}
