//! Building the plan's partitions: query, read back, audit, stage; one commit for each chunk.

use std::collections::BTreeSet;
use std::path::Path;

use chrono::NaiveDate;

use super::inputs::Inputs;
use super::journal::FailedDays;
use super::{Job, Report, audit_tables, comparison};
use crate::engine::{Query, Rows};
use crate::error::{Error, ErrorKind, Result, io_error};
use crate::manifest::Manifest;
use crate::model::catalog::Entry;
use crate::model::query::Parameters;
use crate::model::{Audit, Model, Native, Severity};
use crate::parallel;
use crate::plan::{Chunk, Facts, Limits, Plan, Reason, Step};
use crate::sink::{Audited, Warehouse, verify};

/// How many offending rows an error shows.
const SAMPLE_ROWS: usize = 5;

/// How many warnings of one audit a run tells one by one.
const WARNED_ROWS: usize = 20;

/// Each of them holds what it reads and what it makes in memory.
const QUERIES_AT_ONCE: usize = 4;

/// Why a chunk was not committed.
struct Failed {
    error: Box<Error>,
    /// The partitions that could not be built; empty where the failure is not one of theirs.
    partitions: Vec<(String, NaiveDate)>,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Failed { error: Box::new(error), partitions: Vec::new() }
    }
}

/// Executes exactly `plan`. Where the job is to keep going, what fails is left out and `again`
/// plans the rest.
///
/// # Errors
/// Audit where an audit of severity `fail` finds rows: nothing of that chunk is published. Partial
/// where some of the plan was published, the rest not.
pub fn execute(
    job: &Job<'_>,
    warehouse: &mut Warehouse,
    mut plan: Plan,
    again: &dyn Fn(&Manifest, &Limits) -> Result<Plan>,
    report: &mut Report,
) -> Result<()> {
    let mut limits = Limits::default();
    let mut broken: BTreeSet<(String, NaiveDate)> = BTreeSet::new();
    let mut first_error = None;
    job.progress.begin("building", plan.chunks.iter().map(|c| c.steps.len()).sum());
    while let Some((chunk, failed)) = carry_out(job, warehouse, &plan, &broken, report)? {
        let days: BTreeSet<NaiveDate> = published(&chunk).map(|(_, date)| date).collect();
        let is_skipped = failed.error.kind == ErrorKind::Partial;
        if days.len() > 1 && limits.chunk_days > 1 {
            // One bad day shall not take the days around it with it.
            limits.chunk_days = 1;
        } else {
            report.failed.push(FailedDays::new(published(&chunk), &failed.error));
            limits.without.extend(published(&chunk));
            broken.extend(failed.partitions);
        }
        if !is_skipped {
            first_error.get_or_insert(*failed.error);
        }
        plan = again(warehouse.manifest(), &limits)?;
    }
    job.progress.end();
    match first_error.filter(|_| !report.failed.is_empty()) {
        None => Ok(()),
        Some(error) if report.partitions.built == 0 => Err(error),
        Some(error) => {
            Err(Error::new(ErrorKind::Partial, "some days were published, others failed")
                .context("failed", report.failed.len())
                .remedy("correct the cause, then `chatkpi retry` repeats what failed")
                .because(error))
        }
    }
}

/// Builds and commits chunk by chunk; the first one that fails, where the job is to keep going.
fn carry_out(
    job: &Job<'_>,
    warehouse: &mut Warehouse,
    plan: &Plan,
    broken: &BTreeSet<(String, NaiveDate)>,
    report: &mut Report,
) -> Result<Option<(Chunk, Failed)>> {
    let Some(facts) = &plan.facts else { return Ok(None) };
    for chunk in &plan.chunks {
        job.check_time()?;
        let outcome = match builds(chunk).find(|build| broken.contains(build)) {
            None => build_and_commit(job, warehouse, facts, chunk, report),
            Some((table, date)) => {
                let message = format!("not tried: it reads {table} of {date}, which failed");
                Err(Error::new(ErrorKind::Partial, message).into())
            }
        };
        match outcome {
            Ok(()) => {}
            Err(failed) if job.keep_going && is_of_data(failed.error.kind) => {
                return Ok(Some((chunk.clone(), failed)));
            }
            Err(failed) => return Err(*failed.error),
        }
    }
    Ok(None)
}

/// Failures of some days and not of the machine, the store or the whole run.
pub(super) fn is_of_data(kind: ErrorKind) -> bool {
    use ErrorKind as Kind;
    matches!(kind, Kind::Audit | Kind::Input | Kind::Config | Kind::Internal | Kind::Partial)
}

fn builds(chunk: &Chunk) -> impl Iterator<Item = (String, NaiveDate)> {
    let steps = chunk.steps.iter();
    steps.flat_map(|step| step.builds.iter().map(|build| (step.model.clone(), build.date)))
}

fn published(chunk: &Chunk) -> impl Iterator<Item = (String, NaiveDate)> {
    let steps = chunk.steps.iter().filter(|step| step.published);
    steps.flat_map(|step| step.builds.iter().map(|build| (step.model.clone(), build.date)))
}

/// Builds and commits `chunk`, which is part of no plan.
///
/// # Errors
/// As [`execute`]; conflict where another run has committed since.
pub(super) fn commit_alone(
    job: &Job<'_>,
    warehouse: &mut Warehouse,
    facts: &Facts,
    chunk: &Chunk,
    report: &mut Report,
) -> Result<()> {
    build_and_commit(job, warehouse, facts, chunk, report).map_err(|failed| *failed.error)
}

fn build_and_commit(
    job: &Job<'_>,
    warehouse: &mut Warehouse,
    facts: &Facts,
    chunk: &Chunk,
    report: &mut Report,
) -> std::result::Result<(), Failed> {
    let spool = job.temporary_folder()?;
    let inputs = Inputs::new(job, warehouse.store(), warehouse.manifest(), facts)?;
    let at = |step: &Step| Parameters {
        interval: step.days(),
        watermarks: facts.watermarks.clone(),
        history_start: facts.first_event,
    };
    let built = build_chunk(job, chunk, &inputs, spool.path(), &at)?;
    let mut partitions = Vec::new();
    for (step, built) in chunk.steps.iter().zip(built) {
        job.check_stop()?;
        partitions.extend(warehouse.stage(&built.audited, step)?);
        report.warnings.extend(built.warned.lines);
        report.warned += built.warned.rows;
    }
    let commit = report.commit(job, warehouse.manifest(), Vec::new(), partitions);
    let published = warehouse.commit(commit)?;
    report.published(published);
    warehouse.restore(forced(chunk))?;
    Ok(())
}

/// Published partitions that were built because somebody doubts them.
fn forced(chunk: &Chunk) -> impl Iterator<Item = (String, NaiveDate)> {
    let steps = chunk.steps.iter().filter(|step| step.published);
    let builds = steps.flat_map(|step| step.builds.iter().map(move |build| (step, build)));
    let forced = builds.filter(|(_, build)| build.reason == Reason::Forced);
    forced.map(|(step, build)| (step.model.clone(), build.date))
}

/// What a step has made, and what its audits have to say.
struct Built {
    audited: Vec<Audited>,
    warned: Warned,
}

/// What audits of severity `warn` found.
#[derive(Default)]
struct Warned {
    lines: Vec<String>,
    rows: u64,
}

/// Steps that do not read each other are built side by side: most queries keep one core busy. All
/// of them are audited before the first is stored.
fn build_chunk(
    job: &Job<'_>,
    chunk: &Chunk,
    inputs: &Inputs<'_>,
    spool: &Path,
    at: &(dyn Fn(&Step) -> Parameters + Sync),
) -> std::result::Result<Vec<Built>, Failed> {
    let entry = |step: &Step| {
        let entry = job.catalog.entry(&step.model);
        entry.ok_or_else(|| Error::internal("a plan names no model"))
    };
    let mut waits_for = Vec::with_capacity(chunk.steps.len());
    for (number, step) in chunk.steps.iter().enumerate() {
        let model = &entry(step)?.model;
        let is_read = |other: &Step| {
            other.model == step.model || model.reads.iter().any(|r| r.table.name() == other.model)
        };
        waits_for.push((0..number).filter(|&n| is_read(&chunk.steps[n])).collect());
    }
    parallel::in_order(job.threads.min(QUERIES_AT_ONCE), &waits_for, |number| {
        job.check_stop()?;
        let step = &chunk.steps[number];
        job.progress.step(&format!("{} {}", step.model, step.days()));
        let folder = spool.join(number.to_string());
        std::fs::create_dir(&folder).map_err(|e| io_error(folder.display(), e))?;
        let of_step = |error| Failed {
            error: Box::new(error),
            partitions: step.dates().into_iter().map(|date| (step.model.clone(), date)).collect(),
        };
        build_step(job, entry(step)?, step, inputs, &folder, &at(step)).map_err(of_step)
    })
}

fn build_step(
    job: &Job<'_>,
    entry: &Entry,
    step: &Step,
    inputs: &Inputs<'_>,
    folder: &Path,
    at: &Parameters,
) -> Result<Built> {
    let model = &entry.model;
    let mut query = Query {
        sql: job.catalog.sql(model, job.pipeline, at)?,
        inputs: inputs.tables(entry, step)?,
        columns: model.stored_columns(),
        order: model.grain.clone(),
        dates: step.dates(),
        together: !step.published,
    };
    let file = format!("{}/query.sql", model.folder);
    let place = |e: Error| {
        e.context("table", &model.name).context("model", &file).context("days", step.days())
    };
    match model.native {
        None => {}
        Some(Native::RolloutComparison) => {
            query = comparison::compared(job, query).map_err(place)?;
        }
        Some(native) => {
            let (manifest, facts) = inputs.known();
            query.inputs.push(audit_tables::input(native, job, manifest, facts)?);
        }
    }
    let written = job.engine.write(&query, folder).map_err(place)?;
    written.iter().for_each(|one| inputs.add_built(&model.name, one));
    let audited = verify(written, model, job.threads)?;
    let repeats = audited.iter().any(Audited::repeats);
    let warned = audit(job, entry, step, inputs, at, repeats)?;
    Ok(Built { audited, warned })
}

fn audit(
    job: &Job<'_>,
    entry: &Entry,
    step: &Step,
    inputs: &Inputs<'_>,
    at: &Parameters,
    repeats: bool,
) -> Result<Warned> {
    let model = &entry.model;
    let keys = std::iter::once("date").chain(model.grain.iter().map(String::as_str));
    let keys = keys.collect::<Vec<_>>().join(", ");
    let grain = Audit {
        name: "grain".to_owned(),
        severity: Severity::Fail,
        sql: format!(
            "SELECT {keys}, COUNT(*) AS copies FROM {} GROUP BY {keys} HAVING COUNT(*) > 1",
            model.name
        ),
        remedy: None,
    };
    let mut warned = Warned::default();
    // Reading back has told whether a grain repeats; the query shows which.
    for audit in Some(&grain).filter(|_| repeats).into_iter().chain(&model.audits) {
        let file = format!("{}/model.yaml", model.folder);
        let sql = job.catalog.render(model, &audit.sql, &file, job.pipeline, at)?;
        let shown = if audit.severity == Severity::Warn { usize::MAX } else { SAMPLE_ROWS };
        let found = job.engine.read(&sql, &inputs.audited(entry, step, &sql)?, shown)?;
        match audit.severity {
            _ if found.total == 0 => {}
            Severity::Warn => {
                warned.rows += found.total;
                warned.lines.extend(warnings(audit, model, &found));
            }
            Severity::Fail | Severity::Config => return Err(refusal(audit, model, step, &found)),
        }
    }
    Ok(warned)
}

/// A line for each row, in the order of their text, so that rows that begin with their date end with
/// the newest; the first of many are only counted.
fn warnings(audit: &Audit, model: &Model, found: &Rows) -> Vec<String> {
    let place = format!("{}, {}", model.name, audit.name);
    let remedy = audit.remedy.as_ref().map(|remedy| format!("; {remedy}")).unwrap_or_default();
    let mut rows: Vec<String> = found.rows.iter().map(|row| row.join(", ")).collect();
    rows.sort();
    let told = rows.split_off(rows.len().saturating_sub(WARNED_ROWS));
    let more = (!rows.is_empty()).then(|| format!("{place}: {} warnings more", rows.len()));
    // Logs hold what they like, and a line is a line.
    let line = |row: String| format!("{place}: {}{remedy}", row.replace(char::is_control, " "));
    more.into_iter().chain(told.into_iter().map(line)).collect()
}

fn refusal(audit: &Audit, model: &Model, step: &Step, found: &Rows) -> Error {
    let (kind, message, remedy) = match audit.severity {
        Severity::Config => (
            ErrorKind::Config,
            "the pipeline lacks a setting that these rows need",
            "nothing of these days was published; add the setting and run again",
        ),
        _ => (
            ErrorKind::Audit,
            "an audit found rows that must not be",
            "nothing of these days was published; correct the logs or the model and run again",
        ),
    };
    let sample = indented(&found.to_text());
    Error::new(kind, message)
        .context("table", &model.name)
        .context("audit", &audit.name)
        .context("days", step.days())
        .context("rows", format!("{}, the first of them:{sample}", found.total))
        .remedy(audit.remedy.as_deref().unwrap_or(remedy))
}

/// Each line on a line of its own, set off from the error around it.
fn indented(text: &str) -> String {
    text.lines().map(|line| format!("\n    {line}")).collect()
}
