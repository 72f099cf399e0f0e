//! `chatkpi plan`: what `run` would do, and why. Changes nothing.

use std::path::PathBuf;

use super::context::{self, DayArgs, JobParts, Loaded};
use super::progress::Bar;
use crate::engine::polars::PolarsEngine;
use crate::error::Result;
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
    let plan = run::plan(&job)?;
    if json {
        super::print(&format!("{:#}", to_json(&plan)));
    } else {
        super::print(explain(&plan, &loaded.pipeline).trim_end());
        if plan.is_empty() {
            super::print("nothing to do");
        }
    }
    Ok(0)
}
