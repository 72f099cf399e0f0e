//! `chatkpi run`: the job a scheduler calls.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::context::{self, DayArgs, JobParts, Loaded};
use super::progress::Bar;
use crate::engine::polars::PolarsEngine;
use crate::error::{Error, ErrorKind, Result};
use crate::run::{self, Report};

#[derive(clap::Args)]
pub struct RunArgs {
    /// The pipeline's YAML file.
    #[arg(value_name = "PIPELINE")]
    pub pipeline: PathBuf,

    #[command(flatten)]
    pub days: DayArgs,

    /// Only print the plan.
    #[arg(long)]
    pub dry_run: bool,

    /// Objects decoded at the same time [default: the machine's cores].
    #[arg(long, value_name = "N")]
    pub jobs: Option<usize>,

    /// Folder for temporary files [default: the system's].
    #[arg(long, value_name = "DIR")]
    pub tmp_dir: Option<PathBuf>,

    /// Exit with N instead of 0 when nothing was to be done, and instead of 4 when logs are not there yet.
    #[arg(long, value_name = "N")]
    pub skip_exit_code: Option<u8>,

    /// Keep the raw text of quarantined records in the warehouse; it may hold personal data.
    #[arg(long)]
    pub quarantine_raw: bool,

    /// Wait this many seconds for another run of the same warehouse on this machine.
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub lock_wait: u64,
}

pub fn run(args: &RunArgs) -> Result<u8> {
    let loaded = context::load(&args.pipeline)?;
    if args.dry_run {
        return super::plan::show(&loaded, &args.days, false);
    }
    let begun = Instant::now();
    let (mut report, outcome) = carry_out(args, &loaded)?;
    report.seconds = begun.elapsed().as_secs_f64();
    let built = report.partitions.built;
    let absent =
        matches!(&outcome, Err(e) if e.kind == ErrorKind::Input) && !report.missing.is_empty();
    let idle = outcome.is_ok() && built == 0 && report.objects_decoded == 0;
    let skip = args.skip_exit_code.filter(|_| idle || (absent && built == 0));
    report.exit_code = skip.unwrap_or(report.exit_code);
    for warning in &report.warnings {
        tracing::warn!("{warning}");
    }
    for missing in &report.missing {
        let (date, source) = (missing.date, &missing.source);
        tracing::warn!("{date} is missing: {source} has no object of {}", missing.object_date);
    }
    let p = &report.partitions;
    if outcome.is_ok() && built > 0 {
        tracing::info!(
            objects = report.objects_decoded,
            records = report.records.read,
            published = p.replaced,
            unchanged = p.unchanged,
            restated = p.restated,
            rows = report.rows,
            "done"
        );
    }
    if idle {
        tracing::info!("nothing to do: {} partitions are up to date", report.partitions.up_to_date);
    }
    super::print(&summary(&report)?);
    match (skip, outcome) {
        (Some(code), Err(error)) => {
            tracing::info!("skipped: {error}");
            Ok(code)
        }
        (Some(code), Ok(())) => Ok(code),
        (None, outcome) => outcome.map(|()| 0),
    }
}

/// Runs `loaded` as the arguments say.
///
/// # Errors
/// What is wrong before a run can begin; failures of the run itself stand in the second value.
pub fn carry_out(args: &RunArgs, loaded: &Loaded) -> Result<(Report, Result<()>)> {
    let stop = context::stop_signal()?;
    let (engine, bar) = (PolarsEngine::new(), Bar::default());
    let mut job = context::job(JobParts {
        loaded,
        request: context::request(&args.days, &loaded.pipeline)?,
        user_key: context::user_key(&loaded.pipeline)?,
        engine: &engine,
        stop: &stop,
        progress: &bar,
        lookback_days: args.days.lookback_days,
        full_scan: args.days.full_scan,
    });
    job.quarantine_raw = args.quarantine_raw;
    job.tmp_dir = args.tmp_dir.clone();
    job.lock_wait = Duration::from_secs(args.lock_wait);
    job.threads = args.jobs.unwrap_or(job.threads).max(1);
    tracing::info!(run_id = job.run_id, pipeline = loaded.pipeline.name, "run");
    Ok(run::run(&job))
}

/// The last line on stdout.
fn summary(report: &Report) -> Result<String> {
    serde_json::to_string(report)
        .map_err(|e| Error::internal("a report cannot be printed").because(e))
}
