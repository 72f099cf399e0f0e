//! `chatkpi retry`: repeat what failed of a run.
//!
//! A run leaves nothing half done, so repeating its request does what is left of it: what it
//! published is up to date. Only forced days would be built again, so these are narrowed to the ones
//! that failed.

use std::path::PathBuf;

use chrono::NaiveDate;
use serde_json::Value;

use super::context::{self, DayArgs};
use super::run::RunArgs;
use super::{history, run};
use crate::error::{Error, Result};
use crate::interval::{Every, plus};
use crate::storage::Store;

#[derive(clap::Args)]
pub struct RetryArgs {
    /// The pipeline's YAML file.
    #[arg(value_name = "PIPELINE")]
    pipeline: PathBuf,

    /// The run's id, or `latest`. Its days are kept; a run without days looks again for all that is
    /// missing or stale.
    #[arg(value_name = "RUN", default_value = "latest")]
    run: String,

    /// Folder for temporary files [default: the system's].
    #[arg(long, value_name = "DIR")]
    tmp_dir: Option<PathBuf>,

    /// Wait this many seconds for another run of the same warehouse on this machine.
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    lock_wait: u64,

    /// As of `run`.
    #[arg(long, value_name = "TIME", default_value = "24h")]
    max_runtime: Option<String>,
}

pub fn retry(args: &RetryArgs) -> Result<u8> {
    let loaded = context::load(&args.pipeline)?;
    let store = Store::open(&loaded.pipeline.warehouse, &context::storage_options())?;
    let record = match args.run.as_str() {
        "latest" => history::records(&store, 1)?.into_iter().next().ok_or_else(|| {
            Error::config("no run has ended yet").remedy("start one: `chatkpi run`")
        })?,
        id => history::record_of(&store, id)?,
    };
    if record["state"] == "succeeded" {
        super::print(&format!("run {} has succeeded: nothing to repeat", record["run_id"]));
        return Ok(0);
    }
    run::run(&RunArgs {
        pipeline: args.pipeline.clone(),
        days: days(&record)?,
        keep_going: record["asked"]["keep_going"] == true,
        tmp_dir: args.tmp_dir.clone(),
        lock_wait: args.lock_wait,
        max_runtime: args.max_runtime.clone(),
        ..RunArgs::default()
    })
}

fn days(record: &Value) -> Result<DayArgs> {
    let mut days: DayArgs =
        serde_json::from_value(record["asked"]["days"].clone()).map_err(|e| {
            Error::config("the run's record does not say what was asked for")
                .context("run", &record["run_id"])
                .remedy("give the days to `chatkpi run`")
                .because(e)
        })?;
    let failed = record["failed"].as_array().into_iter().flatten();
    let dates = failed.flat_map(|f| f["dates"].as_array().into_iter().flatten());
    let dates = dates.filter_map(Value::as_str).filter_map(|date| date.parse::<NaiveDate>().ok());
    let dates: Vec<NaiveDate> = dates.filter(|date| *date != Every::ONCE).collect();
    if let (true, Some(first), Some(last)) = (days.force, dates.iter().min(), dates.iter().max()) {
        days.date = None;
        days.from = Some(first.to_string());
        days.to = Some(plus(*last, 1).to_string());
    }
    Ok(days)
}
