//! `chatkpi plan`: what `run` would do, and why. Changes nothing.

use std::path::PathBuf;

use super::context::{self, DayArgs, JobParts, Loaded};
use super::progress::Bar;
use crate::engine::polars::PolarsEngine;
use crate::error::{Error, Result};
use crate::plan::{explain, to_json};
use crate::run;

#[derive(clap::Args)]
pub struct PlanArgs {
    /// The pipeline's YAML file.
    #[arg(value_name = "PIPELINE")]
    pipeline: PathBuf,

    #[command(flatten)]
    days: DayArgs,

    /// As JSON.
    #[arg(long)]
    json: bool,
}

pub fn plan(args: &PlanArgs) -> Result<u8> {
    show(&context::load(&args.pipeline)?, &args.days, args.json)
}

/// Prints the plan of `loaded` for `days`.
pub fn show(loaded: &Loaded, days: &DayArgs, json: bool) -> Result<u8> {
    let stop = context::stop_signal()?;
    let (engine, bar) = (PolarsEngine::new(), Bar::default());
    let job = context::job(JobParts {
        loaded,
        request: context::request(days, &loaded.pipeline)?,
        user_key: context::user_key(&loaded.pipeline)?,
        engine: &engine,
        stop: &stop,
        progress: &bar,
        lookback_days: days.lookback_days,
        full_scan: days.full_scan,
    });
    let mut job = job;
    job.accept_removed = days.accept_removed;
    let plan = run::plan(&job)?;
    if json {
        let mut told = to_json(&plan);
        // All that `run --plan` needs to make the same plan again.
        told["request"] = asked(days, job.request.as_of_us)?;
        super::print(&format!("{told:#}"));
    } else {
        super::print(explain(&plan, &loaded.pipeline).trim_end());
        if plan.is_empty() {
            super::print("nothing to do");
        }
    }
    Ok(0)
}

/// The arguments, with the instant that they are about.
fn asked(days: &DayArgs, as_of_us: i64) -> Result<serde_json::Value> {
    let as_of = chrono::DateTime::from_timestamp_micros(as_of_us).map(|t| t.to_rfc3339());
    serde_json::to_value(DayArgs { as_of, ..days.clone() })
        .map_err(|e| Error::internal("the arguments cannot be written").because(e))
}
