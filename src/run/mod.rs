//! Carrying out what was asked: decode what is new, plan, build, publish, and write down what
//! happened.
//!
//! [`Job`] is everything a run needs to know, its idea of now included; nothing below reads a clock
//! or the environment. A run can be stopped between any two objects or partitions and leaves the
//! warehouse as it was at its last commit.

mod audit_tables;
pub mod compared;
mod comparison;
mod execute;
mod ingest;
mod inputs;
mod journal;
mod measured;
pub mod published;
#[cfg(test)]
mod tests;
pub mod told;
pub mod values;
mod vanished;

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::Manifest;
use crate::model::catalog::Catalog;
use crate::pipeline::Pipeline;
use crate::plan::{self, Limits, Plan, Request};
use crate::sink::Warehouse;
use crate::source::UserHasher;
use crate::storage::{Lock, StorageOptions, Store};

pub use ingest::{Listing, Preview, list, preview, quarantined};
pub use journal::{Report, RunState};

/// One run, fully decided.
pub struct Job<'a> {
    pub pipeline: &'a Pipeline,
    pub catalog: &'a Catalog,
    pub request: Request,
    pub user_key: UserHasher,
    pub storage: StorageOptions,
    pub engine: &'a dyn Engine,
    pub run_id: String,
    /// RFC 3339, UTC.
    pub started_at: String,
    /// The same in microseconds; `request.as_of_us` may be another instant.
    pub started_us: i64,
    /// Days before the days in hand whose objects are listed.
    pub lookback_days: u32,
    /// List every object of every source.
    pub full_scan: bool,
    /// Take most of a source's objects out of the warehouse where they are gone.
    pub accept_removed: bool,
    /// Leave out what fails and go on with the rest.
    pub keep_going: bool,
    /// Do nothing unless the plan still has this basis.
    pub basis: Option<String>,
    /// The arguments, kept in the run's record.
    pub asked: serde_json::Value,
    /// Keep the raw text of quarantined records.
    pub quarantine_raw: bool,
    /// Objects decoded, and partitions built, at the same time.
    pub threads: usize,
    /// Where temporary files go; the system's place when None.
    pub tmp_dir: Option<PathBuf>,
    /// How long to wait for another run on this machine.
    pub lock_wait: Duration,
    /// Set to a signal's number to stop the run, or to [`TIME_IS_UP`].
    pub stop: &'a AtomicUsize,
    pub progress: &'a dyn Progress,
}

/// In [`Job::stop`]: no new commit shall be begun.
pub const TIME_IS_UP: usize = usize::MAX;

/// Told what a run is doing.
pub trait Progress: Sync {
    fn begin(&self, what: &str, steps: usize);
    fn step(&self, what: &str);
    fn end(&self);
}

impl Job<'_> {
    fn check_stop(&self) -> Result<()> {
        match self.stop.load(Ordering::Relaxed) {
            0 | TIME_IS_UP => Ok(()),
            signal => Err(Error::new(ErrorKind::Interrupted(signal as u8), "stopped by a signal")
                .remedy("run again: what was committed is kept, the rest starts over")),
        }
    }

    /// Asked before each commit's work is begun, not within it.
    fn check_time(&self) -> Result<()> {
        match self.stop.load(Ordering::Relaxed) {
            TIME_IS_UP => {
                Err(Error::new(ErrorKind::Partial, "the time that was given to the run is up")
                    .remedy("run again: what was committed is kept, and only the rest is done"))
            }
            _ => Ok(()),
        }
    }

    /// Writing waits for a disk or a network more than it computes.
    fn writes_at_once(&self) -> usize {
        if self.threads == 1 { 1 } else { 8 * self.threads }
    }

    fn temporary_folder(&self) -> Result<tempfile::TempDir> {
        let mut builder = tempfile::Builder::new();
        let builder = builder.prefix("chatkpi-");
        let folder = match &self.tmp_dir {
            Some(place) => builder.tempdir_in(place),
            None => builder.tempdir(),
        };
        folder.map_err(|e| {
            let place = self
                .tmp_dir
                .as_deref()
                .map_or("the system's temporary folder".into(), |p| p.display().to_string());
            crate::error::io_error(place, e)
        })
    }
}

/// Plans without changing anything.
///
/// # Errors
/// Whatever listing and reading the manifest meet.
pub fn plan(job: &Job<'_>) -> Result<Plan> {
    let store = Store::open(&job.pipeline.warehouse, &job.storage)?;
    let warehouse = Warehouse::read(store)?;
    let listing = list(job, warehouse.manifest())?;
    preview_of(job, warehouse.manifest(), &listing)
}

fn preview_of(job: &Job<'_>, manifest: &Manifest, listing: &Listing) -> Result<Plan> {
    let removed = vanished::vanished(job, manifest, listing)?;
    let warehouse_generation = manifest.generation;
    let mut manifest = manifest.clone();
    for object in &removed {
        manifest.objects.remove(&(object.source.clone(), object.key.clone()));
    }
    let undecoded = ingest::undecoded(job, &manifest, listing);
    let mut plan =
        plan::build(job.pipeline, job.catalog, &manifest, &job.request, listing, undecoded)?;
    plan.removed = removed;
    plan.basis = plan::basis(&plan, warehouse_generation, listing);
    Ok(plan)
}

/// A plan is carried out as it was shown, or not at all.
fn check_basis(job: &Job<'_>, manifest: &Manifest, listing: &Listing) -> Result<()> {
    let Some(wanted) = &job.basis else { return Ok(()) };
    if preview_of(job, manifest, listing)?.basis == *wanted {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Conflict, "the plan is out of date")
        .context("generation now", manifest.generation)
        .remedy("logs, models or the warehouse have changed since it was made: look at a new `chatkpi plan`"))
}

/// Decodes, plans, builds and publishes. The report says what was done, also where the run failed;
/// what was committed before a failure stays.
pub fn run(job: &Job<'_>) -> (Report, Result<()>) {
    let mut report = Report::new(job);
    let outcome = in_warehouse(job, &mut report);
    report.finish(&outcome);
    (report, outcome)
}

fn in_warehouse(job: &Job<'_>, report: &mut Report) -> Result<()> {
    plan::check_models(job.catalog, &job.request)?;
    let store = Store::open(&job.pipeline.warehouse, &job.storage)?;
    let lock = wait_for_lock(job, &store)?;
    let user_key = job.user_key.fingerprint();
    let mut warehouse = Warehouse::write(store, lock, user_key, &job.run_id, job.writes_at_once())?;
    let outcome = carry_out(job, &mut warehouse, report);
    let mut record = report.clone();
    record.finish(&outcome);
    let recorded = journal::write(warehouse.store(), &record);
    outcome.and(recorded)
}

/// Waits in slices, so that a signal ends the waiting.
fn wait_for_lock(job: &Job<'_>, store: &Store) -> Result<Lock> {
    const SLICE: Duration = Duration::from_millis(250);
    let mut left = job.lock_wait;
    loop {
        job.check_stop()?;
        let slice = left.min(SLICE);
        match store.lock(slice) {
            Err(error) if error.kind == ErrorKind::Conflict && left > slice => left -= slice,
            outcome => return outcome,
        }
    }
}

fn carry_out(job: &Job<'_>, warehouse: &mut Warehouse, report: &mut Report) -> Result<()> {
    let listing = list(job, warehouse.manifest())?;
    check_basis(job, warehouse.manifest(), &listing)?;
    vanished::take_out(job, warehouse, &listing, report)?;
    ingest::decode(job, warehouse, &listing, report)?;
    report.warn_of_quarantine();
    let again = |manifest: &Manifest, limits: &Limits| {
        let (pipeline, catalog) = (job.pipeline, job.catalog);
        plan::build_within(pipeline, catalog, manifest, &job.request, &listing, Vec::new(), limits)
    };
    let plan = again(warehouse.manifest(), &Limits::default())?;
    report.planned(&plan);
    let missing = plan.missing.clone();
    let built = execute::execute(job, warehouse, plan.clone(), &again, report);
    // Where some days failed, the tables about the warehouse tell of the others.
    if built.as_ref().map_or_else(|error| execute::is_of_data(error.kind), |()| true) {
        let (facts, is_forced) = (plan.facts.as_ref(), built.is_ok() && job.request.force);
        let told = audit_tables::publish(job, warehouse, facts, is_forced, report);
        built.and(told)?;
    } else {
        built?;
    }
    report.account(job.catalog, warehouse.manifest(), &plan);
    if let (plan::Days::These(_), Some(first)) = (job.request.days, missing.first()) {
        let days: Vec<_> = missing.iter().map(|m| m.date.to_string()).collect();
        return Err(Error::new(ErrorKind::Input, "days were asked for that have no logs")
            .context("missing days", days.join(", "))
            .context("source", &first.source)
            .context("no object of", first.path_date)
            .remedy("wait for the logs, or set `empty_ok: true` for a source that may be silent; with --skip-exit-code N such a run ends with N"));
    }
    Ok(())
}
