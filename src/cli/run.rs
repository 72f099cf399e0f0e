//! `chatkpi run`: the job a scheduler calls.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::context::{self, DayArgs, JobParts, Loaded};
use super::progress::Bar;
use crate::engine::polars::PolarsEngine;
use crate::error::{Error, ErrorKind, Result, io_error};
use crate::run::{self, Report, TIME_IS_UP};

#[derive(clap::Args, Clone, Default)]
pub struct RunArgs {
    /// The pipeline's YAML file.
    #[arg(value_name = "PIPELINE")]
    pub pipeline: PathBuf,

    #[command(flatten)]
    pub days: DayArgs,

    /// Only print the plan.
    #[arg(long)]
    pub dry_run: bool,

    /// Carry out a plan that `plan --json` wrote, exactly, or end with exit code 5.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["date", "from", "to", "include_today", "as_of", "force", "models", "full_scan", "accept_removed", "dry_run"])]
    pub plan: Option<PathBuf>,

    /// Where a day fails, go on with the days that do not need it; exit code 7.
    #[arg(long)]
    pub keep_going: bool,

    /// Begin no new commit after so long (such as 90m or 2h), and end with exit code 7 where work is left.
    #[arg(long, value_name = "TIME", default_value = "24h")]
    pub max_runtime: Option<String>,

    /// Objects decoded, and tables built, at the same time [default: the machine's cores].
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
    match &args.plan {
        None => carry_through(args, None),
        Some(file) => {
            let (days, basis) = read_plan(file)?;
            carry_through(&RunArgs { days, ..args.clone() }, Some(basis))
        }
    }
}

/// The request of a plan, and what it was made from.
fn read_plan(file: &Path) -> Result<(DayArgs, String)> {
    let wrong = || {
        Error::config("this is not a plan")
            .context("file", file.display())
            .remedy("write one with `chatkpi plan PIPELINE --json`")
    };
    let text = std::fs::read_to_string(file).map_err(|e| io_error(file.display(), e))?;
    let told: serde_json::Value = serde_json::from_str(&text).map_err(|e| wrong().because(e))?;
    let basis = told["basis"].as_str().ok_or_else(wrong)?.to_owned();
    let days = serde_json::from_value(told["request"].clone()).map_err(|e| wrong().because(e))?;
    Ok((days, basis))
}

fn carry_through(args: &RunArgs, basis: Option<String>) -> Result<u8> {
    let loaded = context::load(&args.pipeline)?;
    if args.dry_run {
        return super::plan::show(&loaded, &args.days, false);
    }
    let begun = Instant::now();
    let (mut report, outcome) = carry_out_as(args, &loaded, basis)?;
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
    carry_out_as(args, loaded, None)
}

fn carry_out_as(
    args: &RunArgs,
    loaded: &Loaded,
    basis: Option<String>,
) -> Result<(Report, Result<()>)> {
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
    job.basis = basis;
    job.accept_removed = args.days.accept_removed;
    job.keep_going = args.keep_going;
    job.asked = serde_json::json!({ "days": args.days, "keep_going": args.keep_going });
    job.quarantine_raw = args.quarantine_raw;
    end_after(duration(args.max_runtime.as_deref().unwrap_or(LONGEST))?, &stop);
    job.tmp_dir = args.tmp_dir.clone();
    job.lock_wait = Duration::from_secs(args.lock_wait);
    job.threads = args.jobs.unwrap_or(job.threads).max(1);
    tracing::info!(run_id = job.run_id, pipeline = loaded.pipeline.name, "run");
    Ok(run::run(&job))
}

/// Nothing younger than two days is ever removed by `vacuum`, so that no run may take longer.
const LONGEST: &str = "24h";

/// `90s`, `15m` or `2h`, up to a day.
fn duration(text: &str) -> Result<Duration> {
    let wrong = || {
        Error::config(format!("`{text}` is no time for a run"))
            .remedy("write seconds, minutes or hours up to 24h, such as 90s, 15m or 2h")
    };
    let unit = match text.chars().last() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 3_600,
        _ => return Err(wrong()),
    };
    let number: u64 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    let seconds = number.checked_mul(unit).filter(|s| *s <= 24 * 3_600).ok_or_else(wrong)?;
    Ok(Duration::from_secs(seconds))
}

/// Says so when the time is up; a signal that came before stays.
fn end_after(time: Duration, stop: &Arc<AtomicUsize>) {
    let stop = Arc::clone(stop);
    std::thread::spawn(move || {
        std::thread::sleep(time);
        let _ = stop.compare_exchange(0, TIME_IS_UP, Ordering::Relaxed, Ordering::Relaxed);
    });
}

/// The last line on stdout.
fn summary(report: &Report) -> Result<String> {
    serde_json::to_string(report)
        .map_err(|e| Error::internal("a report cannot be printed").because(e))
}
