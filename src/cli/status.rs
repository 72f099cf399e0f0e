//! `chatkpi status`: is yesterday in, is it final, what is missing, what was refused, what is odd?

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::json;

use super::context;
use crate::accounting::Accounting;
use crate::engine::Engine;
use crate::engine::polars::PolarsEngine;
use crate::error::Result;
use crate::interval::{Every, Interval, day_end_us, plus};
use crate::manifest::{Manifest, Partition};
use crate::model::catalog::Catalog;
use crate::pipeline::Pipeline;
use crate::plan::{missing_days, settled_days, watermarks};
use crate::run::published::Published;
use crate::schema::Kind;
use crate::sink::Warehouse;
use crate::storage::Store;

/// The table that holds each day to the weeks before it.
const WATCHED: &str = "fct_input_daily";
/// Of so many published days warnings are shown.
const WARNED_DAYS: usize = 7;

#[derive(clap::Args)]
pub struct StatusArgs {
    /// The pipeline's YAML file.
    #[arg(value_name = "PIPELINE")]
    pipeline: PathBuf,

    /// As JSON.
    #[arg(long)]
    json: bool,
}

pub fn status(args: &StatusArgs) -> Result<u8> {
    let loaded = context::load(&args.pipeline)?;
    let store = Store::open(&loaded.pipeline.warehouse, &context::storage_options())?;
    let warehouse = Warehouse::read(store)?;
    let mut told = tell(&loaded.pipeline, &loaded.catalog, warehouse.manifest());
    // What else there is to say shall not wait for one table.
    told["warnings"] = warnings(&loaded.catalog, &warehouse).unwrap_or_else(|error| {
        tracing::warn!("{error}");
        json!([])
    });
    if args.json {
        super::print(&format!("{told:#}"));
    } else {
        super::print(&text(&told));
    }
    Ok(0)
}

fn tell(pipeline: &Pipeline, catalog: &Catalog, manifest: &Manifest) -> serde_json::Value {
    let events = manifest
        .objects
        .values()
        .filter(|o| o.kind.table() == Kind::Events)
        .filter_map(|o| o.newest_ts_us)
        .max();
    // A day is final once a whole day has passed after it: sessions may run into the next one.
    let as_of_us = context::now().timestamp_micros();
    let complete_us = events.map(|_| watermarks(pipeline, manifest, as_of_us).events_us);
    let is_final = |date, maturity: u32| {
        complete_us.is_some_and(|w| w >= day_end_us(plus(date, i64::from(maturity)), pipeline.zone))
    };
    let mut tables = Vec::new();
    for (table, days) in &manifest.partitions {
        let published: Vec<_> = days.values().filter(|p| p.published).collect();
        let (Some(first), Some(last)) = (published.first(), published.last()) else { continue };
        let dated = |p: &Partition| Some(p.date).filter(|date| *date != Every::ONCE);
        tables.push(json!({
            "table": table,
            "from": dated(first),
            "through": dated(last),
            "partitions": published.len(),
            "final_through": published.iter().map(|p| p.date).rfind(|d| is_final(*d, catalog.maturity_days(table))),
            "rows": published.iter().map(|p| p.rows).sum::<u64>(),
        }));
    }
    let mut sources: BTreeMap<&str, (u64, Accounting)> = BTreeMap::new();
    for object in manifest.objects.values() {
        let entry = sources.entry(&object.source).or_default();
        entry.0 += 1;
        entry.1 += &object.accounting;
    }
    let sources: Vec<_> = sources
        .iter()
        .map(|(name, (objects, accounting))| json!({ "source": name, "objects": objects, "records": accounting }))
        .collect();
    let days = settled_days(pipeline, manifest);
    let missing = days.map_or(Vec::new(), |days| missing_days(pipeline, manifest, &[], days));
    json!({
        "generation": manifest.generation,
        "newest_event": events.and_then(chrono::DateTime::from_timestamp_micros)
            .map(|t| t.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)),
        "tables": tables,
        "sources": sources,
        "missing": missing.iter().map(|m| json!({
            "date": m.date, "source": m.source, "object_date": m.path_date,
        })).collect::<Vec<_>>(),
    })
}

/// The warnings of the newest days, the oldest first.
fn warnings(catalog: &Catalog, warehouse: &Warehouse) -> Result<serde_json::Value> {
    let published = Published::new(warehouse, catalog)?;
    let days = published.partitions(WATCHED);
    let newest = &days[days.len().saturating_sub(WARNED_DAYS)..];
    let (Some(first), Some(last)) = (newest.first(), newest.last()) else { return Ok(json!([])) };
    let Some(input) = published.table(WATCHED, Interval::new(first.date, plus(last.date, 1)))?
    else {
        return Ok(json!([]));
    };
    let sql = format!("SELECT date, told FROM {WATCHED} WHERE warning IS NOT NULL");
    let mut rows = PolarsEngine::new().read(&sql, &[input], usize::MAX)?.rows;
    rows.sort();
    let row = |row: &Vec<String>| json!({ "date": row.first(), "warning": row.get(1) });
    Ok(rows.iter().map(row).collect())
}

fn text(told: &serde_json::Value) -> String {
    let mut lines = vec![format!(
        "generation {}, newest event {}",
        told["generation"],
        plain(&told["newest_event"])
    )];
    for table in told["tables"].as_array().into_iter().flatten() {
        lines.push(format!(
            "table {:<26} {} through {}, {} partitions, final through {}, {} rows",
            plain(&table["table"]),
            plain(&table["from"]),
            plain(&table["through"]),
            table["partitions"],
            plain(&table["final_through"]),
            table["rows"],
        ));
    }
    for source in told["sources"].as_array().into_iter().flatten() {
        let records = &source["records"];
        lines.push(format!(
            "source {}: {} objects, {} records read, {} decoded, {} quarantined, {} blank, {} test events",
            plain(&source["source"]), source["objects"], records["read"], records["decoded"],
            records["quarantined"], records["blank"], records["test"],
        ));
        for (reason, count) in records["reasons"].as_object().into_iter().flatten() {
            lines.push(format!("  quarantined {reason}: {count}"));
        }
    }
    for day in told["missing"].as_array().into_iter().flatten() {
        lines.push(format!(
            "missing {}: source {} has no object of {}",
            plain(&day["date"]),
            plain(&day["source"]),
            plain(&day["object_date"])
        ));
    }
    for warning in told["warnings"].as_array().into_iter().flatten() {
        let said = plain(&warning["warning"]).replace(char::is_control, " ");
        lines.push(format!("warning {}: {said}", plain(&warning["date"])));
    }
    if lines.len() == 1 {
        lines.push("nothing is published yet".to_owned());
    }
    lines.join("\n")
}

fn plain(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string().replace("null", "-"), str::to_owned)
}
