//! `chatkpi history`: past runs, and which days each one published or restated.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use chrono::NaiveDate;
use serde_json::{Value, json};

use super::context;
use crate::error::{Error, ErrorKind, Result};
use crate::interval::{Every, Interval};
use crate::sink::Warehouse;
use crate::storage::Store;

const RUNS: &str = "_chatkpi/runs/";

#[derive(clap::Args)]
pub struct HistoryArgs {
    /// The pipeline's YAML file.
    #[arg(value_name = "PIPELINE")]
    pipeline: PathBuf,

    /// How many runs, the newest first.
    #[arg(long, short = 'n', value_name = "N", default_value_t = 20)]
    number: usize,

    /// As JSON.
    #[arg(long)]
    json: bool,
}

pub fn history(args: &HistoryArgs) -> Result<u8> {
    let loaded = context::load(&args.pipeline)?;
    let store = Store::open(&loaded.pipeline.warehouse, &context::storage_options())?;
    let warehouse = Warehouse::read(store)?;
    let mut told = Vec::new();
    for record in records(warehouse.store(), args.number)? {
        told.push(tell(&warehouse, record)?);
    }
    match args.json {
        true => super::print(&format!("{:#}", Value::from(told))),
        false if told.is_empty() => super::print("no run has ended yet"),
        false => told.iter().for_each(|run| super::print(&text(run))),
    }
    Ok(0)
}

/// The records of runs, the newest first; their names are in the order of their beginnings.
pub(super) fn records(store: &Store, most: usize) -> Result<Vec<Value>> {
    if !store.exists() {
        return Ok(Vec::new());
    }
    let mut records = Vec::new();
    for object in store.list(RUNS)?.iter().rev().take(most) {
        records.push(record(store, &object.key)?);
    }
    Ok(records)
}

/// The record of the run with this id.
pub(super) fn record_of(store: &Store, run_id: &str) -> Result<Value> {
    record(store, &format!("{RUNS}{run_id}.json"))
}

fn record(store: &Store, key: &str) -> Result<Value> {
    serde_json::from_slice(&store.read(key)?).map_err(|e| {
        Error::new(ErrorKind::Corrupt, "a run's record cannot be read")
            .context("object", store.url(key))
            .because(e)
    })
}

/// The record, with the days that its commits published anew and those that they replaced.
fn tell(warehouse: &Warehouse, mut record: Value) -> Result<Value> {
    let mut published: BTreeMap<String, BTreeSet<NaiveDate>> = BTreeMap::new();
    let mut restated = published.clone();
    let generations = record["generations"].as_array().cloned().unwrap_or_default();
    let known = warehouse.manifest().generation;
    for generation in generations.iter().filter_map(Value::as_u64).filter(|g| *g <= known) {
        let commit = warehouse.commit_record(generation)?;
        // A run that lost a race names the generation that another one has.
        if record["run_id"] != commit.run_id.as_str() {
            continue;
        }
        for shown in commit.shows {
            let days = if shown.was.is_some() { &mut restated } else { &mut published };
            days.entry(shown.table).or_default().insert(shown.date);
        }
    }
    record["published"] = json!(published);
    record["restated"] = json!(restated);
    Ok(record)
}

fn text(run: &Value) -> String {
    let plain = |key: &str| run[key].as_str().unwrap_or("-").to_owned();
    let mut lines = vec![format!(
        "{}  {}  {} ({})  days {}..{}  {} objects decoded",
        plain("started_at"),
        plain("run_id"),
        plain("state"),
        run["exit_code"],
        plain("from"),
        plain("to"),
        run["objects_decoded"],
    )];
    for what in ["published", "restated"] {
        for (table, dates) in run[what].as_object().into_iter().flatten() {
            lines.push(format!("  {what:<9} {table}: {}", days(dates)));
        }
    }
    if let Some(error) = run["error"].as_str() {
        lines.push(format!("  {}", error.lines().next().unwrap_or_default()));
    }
    lines.join("\n")
}

fn days(dates: &Value) -> String {
    let dates = dates.as_array().into_iter().flatten().filter_map(Value::as_str);
    let dates: BTreeSet<NaiveDate> = dates.filter_map(|date| date.parse().ok()).collect();
    match dates.contains(&Every::ONCE) {
        true => "all".to_owned(),
        false => {
            Interval::runs(dates).iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        }
    }
}
