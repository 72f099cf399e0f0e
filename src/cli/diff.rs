//! `chatkpi diff`: which published numbers of two pipelines differ, by how much, and which setting
//! did it. Changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use serde_json::{Value, json};

use super::context::{self, Written};
use crate::diff::{Cause, Cell, Day, Moves, Side, Source, Worst, causes, compare_day};
use crate::engine::polars::PolarsEngine;
use crate::engine::{Engine, Rows, Values};
use crate::error::{Error, ErrorKind, Result};
use crate::interval::Interval;
use crate::manifest::Partition;
use crate::model::catalog::Catalog;
use crate::run::published::Published;
use crate::schema::Kind;
use crate::sink::{Warehouse, public_key};
use crate::storage::Store;

/// The table that is compared.
const TABLE: &str = "kpi_daily";

#[derive(clap::Args)]
pub struct DiffArgs {
    /// A pipeline's YAML file.
    #[arg(value_name = "A")]
    a: PathBuf,

    /// Another one, of another warehouse.
    #[arg(value_name = "B")]
    b: PathBuf,

    /// How many cells of each metric to show, those that moved farthest.
    #[arg(long, value_name = "N", default_value_t = 1)]
    cells: usize,

    /// As JSON.
    #[arg(long)]
    json: bool,
}

pub fn diff(args: &DiffArgs) -> Result<u8> {
    let (a, b) = (open(&args.a)?, open(&args.b)?);
    if a.written.pipeline.warehouse == b.written.pipeline.warehouse {
        return Err(Error::config("both pipelines publish into one warehouse")
            .context("warehouse", a.warehouse.store().url(""))
            .remedy("give the copy a `warehouse` of its own, and run it"));
    }
    let causes = causes(&a.side(), &b.side())?;
    let compared = compare(&a, &b, args.cells)?;
    let told = tell(&a, &b, &compared, &causes);
    match args.json {
        true => super::print(&format!("{told:#}")),
        false => super::print(&text(&told)),
    }
    Ok(0)
}

/// A pipeline, its models and what it has published.
struct Opened {
    file: PathBuf,
    written: Written,
    catalog: Catalog,
    warehouse: Warehouse,
}

impl Opened {
    fn side(&self) -> Side<'_> {
        Side {
            file: &self.file,
            text: &self.written.text,
            read: &context::read_file,
            pipeline: &self.written.pipeline,
            models: &self.written.models,
            catalog: &self.catalog,
        }
    }

    fn published(&self) -> BTreeMap<NaiveDate, &Partition> {
        let days = self.warehouse.manifest().partitions.get(TABLE).into_iter().flatten();
        days.filter(|(_, p)| p.published).map(|(date, p)| (*date, p)).collect()
    }

    /// The days whose numbers are not those of the file as it is now.
    fn outdated(&self) -> usize {
        let now = self.catalog.entry(TABLE).map(|entry| &entry.definition);
        self.published().values().filter(|p| Some(&p.definition) != now).count()
    }

    fn logs(&self) -> BTreeSet<(&str, &str, u64)> {
        let objects = self.warehouse.manifest().objects.values();
        objects.map(|o| (o.key.as_str(), o.etag.as_str(), o.size)).collect()
    }
}

fn open(file: &Path) -> Result<Opened> {
    let written = context::read(file)?;
    let catalog = Catalog::build(&written.models, &written.pipeline)?;
    let store = Store::open(&written.pipeline.warehouse, &context::storage_options())?;
    let warehouse = Warehouse::read(store)?;
    let opened = Opened { file: file.to_owned(), written, catalog, warehouse };
    if opened.published().is_empty() {
        return Err(Error::new(ErrorKind::Input, "nothing is published yet")
            .context("table", TABLE)
            .context("warehouse", opened.warehouse.store().url(""))
            .remedy(format!("`{} run {}` publishes it", context::program(), file.display())));
    }
    Ok(opened)
}

/// What became of each metric on the days that both have.
struct Compared {
    dimensions: Vec<String>,
    days: BTreeSet<NaiveDate>,
    only_a: BTreeSet<NaiveDate>,
    only_b: BTreeSet<NaiveDate>,
    metrics: BTreeMap<String, Moves>,
}

fn compare(a: &Opened, b: &Opened, keep: usize) -> Result<Compared> {
    let dimensions = |o: &Opened| o.written.pipeline.dimensions.clone();
    let theirs = dimensions(b);
    let shared: Vec<String> = dimensions(a).into_iter().filter(|d| theirs.contains(d)).collect();
    let (in_a, in_b) = (a.published(), b.published());
    let dates = |days: &BTreeMap<NaiveDate, &Partition>| days.keys().copied().collect();
    let (dates_a, dates_b): (BTreeSet<_>, BTreeSet<_>) = (dates(&in_a), dates(&in_b));
    let mut compared = Compared {
        dimensions: shared,
        days: dates_a.intersection(&dates_b).copied().collect(),
        only_a: dates_a.difference(&dates_b).copied().collect(),
        only_b: dates_b.difference(&dates_a).copied().collect(),
        metrics: BTreeMap::new(),
    };
    let engine = PolarsEngine::new();
    for date in &compared.days {
        let day = |side, partition| day(&engine, side, partition, &compared.dimensions);
        let (ours, theirs) = (day(a, in_a[date])?, day(b, in_b[date])?);
        compare_day(&mut compared.metrics, keep, *date, &ours, &theirs);
    }
    Ok(compared)
}

/// The cells of a day in the slices of `dimensions`, all others summed.
fn day(
    engine: &dyn Engine,
    of: &Opened,
    partition: &Partition,
    dimensions: &[String],
) -> Result<Day> {
    let all = &of.written.pipeline.dimensions;
    let summed = all.iter().filter(|d| !dimensions.contains(d)).map(|d| format!("{d} = '*'"));
    let summed: Vec<String> = summed.collect();
    let only =
        if summed.is_empty() { String::new() } else { format!(" WHERE {}", summed.join(" AND ")) };
    let kept = dimensions.iter().map(|d| format!("{d}, ")).collect::<String>();
    let sql = format!("SELECT metric, {kept}numerator, denominator, value FROM {TABLE}{only}");
    let key = public_key(partition);
    let place = |e: Error| e.context("object", of.warehouse.store().url(&key));
    let published = Published::new(&of.warehouse, &of.catalog)?;
    let input = published.table(TABLE, Interval::day(partition.date))?;
    let found = engine.values(&sql, &Vec::from_iter(input)).map_err(place)?;
    cells(&found, dimensions.len()).ok_or_else(|| {
        place(Error::new(ErrorKind::Corrupt, "the table is not what a run writes"))
            .remedy("run the pipeline: it makes the table again where the program has changed")
    })
}

/// None where a column is of another type.
fn cells(found: &[(String, Values)], dimensions: usize) -> Option<Day> {
    let text = |at: usize| match &found.get(at)?.1 {
        Values::Text(values) => Some(values),
        _ => None,
    };
    let number = |at: usize| match &found.get(dimensions + at)?.1 {
        Values::Double(values) => Some(values),
        _ => None,
    };
    let metrics = text(0)?;
    let slices: Vec<_> = (1..=dimensions).map(text).collect::<Option<_>>()?;
    let (over, under, value) = (number(1)?, number(2)?, number(3)?);
    let mut day = Day::new();
    for (at, metric) in metrics.iter().enumerate() {
        let slice = slices.iter().map(|values| values[at].clone()).collect::<Option<_>>()?;
        let cell = Cell { numerator: over[at]?, denominator: under[at]?, value: value[at]? };
        day.insert((metric.clone()?, slice), cell);
    }
    Some(day)
}

fn tell(a: &Opened, b: &Opened, compared: &Compared, causes: &[Cause]) -> Value {
    // What a metric is made of, in either pipeline.
    let mut tables: BTreeMap<&str, (&str, &BTreeSet<Kind>)> = BTreeMap::new();
    for table in a.catalog.metrics.iter().chain(&b.catalog.metrics) {
        let metrics = table.metrics.iter().map(|m| m.name.as_str());
        tables.extend(metrics.map(|name| (name, (table.name.as_str(), &table.inputs))));
    }
    let concerned = |cause: &Cause| -> Vec<&str> {
        let is = |(_, (table, inputs)): &(&&str, &(&str, &BTreeSet<Kind>))| {
            cause.concerns(table, inputs)
        };
        tables.iter().filter(is).map(|(metric, _)| *metric).collect()
    };
    let cause = |cause: &Cause| {
        let (what, name, a, b) = match &cause.source {
            Source::Setting { name, a, b } => ("setting", name, json!(a), json!(b)),
            Source::Model(name) => ("model", name, Value::Null, Value::Null),
        };
        json!({
            "what": what, "name": name, "a": a, "b": b, "matters": cause.matters(),
            "tables": cause.tables,
            "logs": cause.logs.iter().map(|kind| kind.name()).collect::<Vec<_>>(),
            "metrics": concerned(cause),
        })
    };
    let metric = |(name, moves): (&String, &Moves)| {
        let because: Vec<&str> = causes_of(causes, tables.get(name.as_str()), moves);
        let cell = |cell: &Worst| {
            let slice: BTreeMap<_, _> = compared.dimensions.iter().zip(&cell.slice).collect();
            json!({
                "date": cell.date, "slice": slice, "a": cell.a.value, "b": cell.b.value,
                "move": cell.by(),
            })
        };
        json!({
            "metric": name, "compared": moves.compared, "moved": moves.moved,
            "only_a": moves.only_a, "only_b": moves.only_b, "days": moves.days,
            "mean_move": moves.mean(), "because": because,
            "cells": moves.worst.iter().map(cell).collect::<Vec<_>>(),
        })
    };
    let (logs_a, logs_b) = (a.logs(), b.logs());
    json!({
        "a": a.file.display().to_string(),
        "b": b.file.display().to_string(),
        "days": compared.days,
        "days_only_a": compared.only_a,
        "days_only_b": compared.only_b,
        "outdated_days_a": a.outdated(),
        "outdated_days_b": b.outdated(),
        "logs_only_a": logs_a.difference(&logs_b).count(),
        "logs_only_b": logs_b.difference(&logs_a).count(),
        "differences": causes.iter().map(cause).collect::<Vec<_>>(),
        "metrics": compared.metrics.iter().map(metric).collect::<Vec<_>>(),
    })
}

/// The names of what differs and is part of a metric whose cells do.
fn causes_of<'a>(
    causes: &'a [Cause],
    made_of: Option<&(&str, &BTreeSet<Kind>)>,
    moves: &Moves,
) -> Vec<&'a str> {
    let Some((table, inputs)) = made_of.filter(|_| moves.unlike() > 0) else { return Vec::new() };
    let names = |table: &str, inputs: &BTreeSet<Kind>| -> Vec<&'a str> {
        let concerned = causes.iter().filter(|cause| cause.concerns(table, inputs));
        let name = |cause: &'a Cause| match &cause.source {
            Source::Setting { name, .. } | Source::Model(name) => name.as_str(),
        };
        concerned.map(name).collect()
    };
    let own = names(table, inputs);
    // Which slices there are is told where metrics become cells.
    if own.is_empty() { names(TABLE, &BTreeSet::new()) } else { own }
}

fn text(told: &Value) -> String {
    let mut lines = Vec::new();
    head(told, &mut lines);
    differences(told, &mut lines);
    metrics(told, &mut lines);
    lines.join("\n")
}

fn head(told: &Value, lines: &mut Vec<String>) {
    lines.push(format!("a: {}\nb: {}", plain(&told["a"]), plain(&told["b"])));
    lines.push(format!("{} days in both: {}", list(&told["days"]).len(), days(&told["days"])));
    for side in ["a", "b"] {
        let only = &told[format!("days_only_{side}")];
        if !list(only).is_empty() {
            lines.push(format!("only in {side}, and not compared: {}", days(only)));
        }
        if told[format!("outdated_days_{side}")] != 0 {
            lines.push(format!(
                "{side} was changed since {} of its days were built: run it first",
                told[format!("outdated_days_{side}")]
            ));
        }
        if told[format!("logs_only_{side}")] != 0 {
            let objects = &told[format!("logs_only_{side}")];
            lines.push(format!("{objects} log objects are in {side} alone"));
        }
    }
}

fn differences(told: &Value, lines: &mut Vec<String>) {
    let (matter, idle): (Vec<_>, Vec<_>) =
        list(&told["differences"]).iter().partition(|cause| cause["matters"] == true);
    lines.push("\nwhat differs:".to_owned());
    for cause in &matter {
        let said = match plain(&cause["what"]).as_str() {
            "setting" => format!("{} -> {}", plain(&cause["a"]), plain(&cause["b"])),
            _ => "the model itself".to_owned(),
        };
        let part = match cause["tables"].as_array() {
            Some(tables) => format!("in {} tables", tables.len()),
            None => "not to be changed alone".to_owned(),
        };
        let logs = list(&cause["logs"]).iter().map(plain).collect::<Vec<_>>().join(", ");
        let logs = if logs.is_empty() { logs } else { format!(", in how {logs} are read") };
        lines.push(format!(
            "  {}: {said} ({part}{logs}; {} metrics)",
            plain(&cause["name"]),
            list(&cause["metrics"]).len()
        ));
    }
    if !idle.is_empty() {
        let names = idle.iter().map(|cause| plain(&cause["name"])).collect::<Vec<_>>();
        lines.push(format!("  no number depends on: {}", names.join(", ")));
    }
    if matter.is_empty() && idle.is_empty() {
        lines.push("  nothing".to_owned());
    }
}

fn metrics(told: &Value, lines: &mut Vec<String>) {
    let all = list(&told["metrics"]);
    let differs = |m: &&Value| ["moved", "only_a", "only_b"].iter().any(|key| m[key] != 0);
    let unlike: Vec<&Value> = all.iter().filter(differs).collect();
    let cells: u64 = all.iter().filter_map(|m| m["compared"].as_u64()).sum();
    lines.push(format!(
        "\n{cells} cells of {} metrics compared; {} metrics differ",
        all.len(),
        unlike.len()
    ));
    if unlike.is_empty() {
        return;
    }
    let columns =
        ["metric", "compared", "moved", "only a", "only b", "days", "mean move", "farthest", "by"];
    let row = |m: &&Value| {
        let because = list(&m["because"]).iter().map(plain).collect::<Vec<_>>().join(", ");
        let because =
            if because.is_empty() { "the logs, or when they were read" } else { &because };
        vec![
            plain(&m["metric"]),
            m["compared"].to_string(),
            m["moved"].to_string(),
            m["only_a"].to_string(),
            m["only_b"].to_string(),
            list(&m["days"]).len().to_string(),
            number(&m["mean_move"]),
            number(&m["cells"][0]["move"]),
            because.to_owned(),
        ]
    };
    let rows: Vec<Vec<String>> = unlike.iter().map(row).collect();
    let total = rows.len() as u64;
    lines.push(Rows { columns: columns.map(str::to_owned).to_vec(), rows, total }.to_text());
    let shown = |m: &&Value| -> Vec<String> {
        let cell = |cell: &Value| {
            let slice = cell["slice"].as_object().into_iter().flatten();
            let slice: Vec<String> = slice.map(|(k, v)| format!("{k}={}", plain(v))).collect();
            format!(
                "  {} {} {}: {} -> {}",
                plain(&m["metric"]),
                plain(&cell["date"]),
                slice.join(" "),
                number(&cell["a"]),
                number(&cell["b"])
            )
        };
        list(&m["cells"]).iter().map(cell).collect()
    };
    let shown: Vec<String> = unlike.iter().flat_map(shown).collect();
    if !shown.is_empty() {
        lines.push("\ncells that moved farthest:".to_owned());
        lines.extend(shown);
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string().replace("null", "-"), str::to_owned)
}

/// With six digits.
fn number(value: &Value) -> String {
    let digits = |number: f64| format!("{number:.5e}").parse::<f64>().unwrap_or(number).to_string();
    value.as_f64().map_or_else(|| "-".to_owned(), digits)
}

fn days(dates: &Value) -> String {
    let dates = list(dates).iter().filter_map(Value::as_str);
    let dates: BTreeSet<NaiveDate> = dates.filter_map(|date| date.parse().ok()).collect();
    Interval::runs(dates).iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
