//! `chatkpi quarantine`: which records could not be read, where they are and what is wrong with them.
//!
//! Leaves out records of objects that the warehouse does not hold: what an aborted run met.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::context;
use crate::accounting::Quarantined;
use crate::error::Result;
use crate::manifest::DecodedObject;
use crate::run::quarantined;
use crate::sink::Warehouse;
use crate::storage::Store;

#[derive(clap::Args)]
pub struct QuarantineArgs {
    /// The pipeline's YAML file.
    #[arg(value_name = "PIPELINE")]
    pipeline: PathBuf,

    /// Only of this source.
    #[arg(long, value_name = "NAME")]
    source: Option<String>,

    /// At most so many records.
    #[arg(long, short = 'n', value_name = "N", default_value_t = 100)]
    number: usize,

    /// As JSON.
    #[arg(long)]
    json: bool,
}

pub fn quarantine(args: &QuarantineArgs) -> Result<u8> {
    let loaded = context::load(&args.pipeline)?;
    let store = Store::open(&loaded.pipeline.warehouse, &context::storage_options())?;
    let warehouse = Warehouse::read(store)?;
    let is_asked =
        |object: &&DecodedObject| args.source.as_ref().is_none_or(|name| *name == object.source);
    let objects: Vec<_> = warehouse.manifest().objects.values().filter(is_asked).collect();
    let mut told = Vec::new();
    for object in &objects {
        if told.len() == args.number {
            break;
        }
        let records = quarantined(warehouse.store(), object)?;
        let left = args.number - told.len();
        told.extend(records.iter().take(left).map(|record| tell(object, record)));
    }
    if args.json {
        super::print(&format!("{:#}", Value::from(told)));
        return Ok(0);
    }
    told.iter().for_each(|record| super::print(&text(record)));
    let all: u64 = objects.iter().map(|object| object.accounting.quarantined).sum();
    match all.saturating_sub(told.len() as u64) {
        _ if all == 0 => super::print("no record is quarantined"),
        0 => {}
        more => super::print(&format!("and {more} more")),
    }
    Ok(0)
}

fn tell(object: &DecodedObject, record: &Quarantined) -> Value {
    json!({
        "source": object.source, "object": object.key, "etag": object.etag,
        "line": record.line, "offset": record.offset, "length": record.length,
        "reason": record.reason, "field": record.field, "hash": record.hash, "raw": record.raw,
    })
}

fn text(record: &Value) -> String {
    let plain = |key: &str| record[key].as_str().unwrap_or_default().to_owned();
    let raw =
        record["raw"].as_str().map(|raw| format!("\n  {}", raw.replace(char::is_control, " ")));
    format!(
        "{} {}, line {}, {} bytes at {}: {}{}",
        plain("source"),
        plain("object"),
        record["line"],
        record["length"],
        record["offset"],
        plain("reason"),
        raw.unwrap_or_default(),
    )
}
