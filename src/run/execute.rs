//! Building the plan's partitions: query, read back, audit, stage; one commit for each chunk.

use std::path::Path;

use super::inputs::Inputs;
use super::{Job, Report, comparison};
use crate::engine::{Query, Rows};
use crate::error::{Error, ErrorKind, Result, io_error};
use crate::manifest::Partition;
use crate::model::catalog::Entry;
use crate::model::query::Parameters;
use crate::model::{Audit, Model, Native, Severity};
use crate::plan::{Chunk, Plan, Step};
use crate::sink::{Audited, Warehouse, verify};

/// How many offending rows an error shows.
const SAMPLE_ROWS: usize = 5;

/// Executes exactly `plan`.
///
/// # Errors
/// Audit where an audit of severity `fail` finds rows: nothing of that chunk is published.
pub fn execute(
    job: &Job<'_>,
    warehouse: &mut Warehouse,
    plan: &Plan,
    report: &mut Report,
) -> Result<()> {
    let Some(facts) = &plan.facts else { return Ok(()) };
    job.progress.begin("building", plan.chunks.iter().map(|c| c.steps.len()).sum());
    for chunk in &plan.chunks {
        let spool = job.temporary_folder()?;
        let mut inputs = Inputs::new(job, warehouse.store(), warehouse.manifest(), facts)?;
        let at = |step: &Step| Parameters {
            interval: step.days(),
            watermarks: facts.watermarks.clone(),
            history_start: facts.first_event,
        };
        let partitions =
            build_chunk(job, warehouse, chunk, &mut inputs, spool.path(), &at, report)?;
        let commit = report.commit(job, warehouse.manifest(), Vec::new(), partitions);
        let published = warehouse.commit(commit)?;
        report.published(published);
    }
    job.progress.end();
    Ok(())
}

fn build_chunk(
    job: &Job<'_>,
    warehouse: &Warehouse,
    chunk: &Chunk,
    inputs: &mut Inputs<'_>,
    spool: &Path,
    at: &dyn Fn(&Step) -> Parameters,
    report: &mut Report,
) -> Result<Vec<Partition>> {
    let mut partitions = Vec::new();
    for (number, step) in chunk.steps.iter().enumerate() {
        job.check_stop()?;
        job.progress.step(&format!("{} {}", step.model, step.days()));
        let entry = job.catalog.entry(&step.model);
        let entry = entry.ok_or_else(|| Error::internal("a plan names no model"))?;
        let folder = spool.join(number.to_string());
        std::fs::create_dir(&folder).map_err(|e| io_error(folder.display(), e))?;
        let audited = build_step(job, entry, step, inputs, &folder, &at(step), report)?;
        partitions.extend(warehouse.stage(&audited, step)?);
    }
    Ok(partitions)
}

fn build_step(
    job: &Job<'_>,
    entry: &Entry,
    step: &Step,
    inputs: &mut Inputs<'_>,
    folder: &Path,
    at: &Parameters,
    report: &mut Report,
) -> Result<Vec<Audited>> {
    let model = &entry.model;
    let query = Query {
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
    let query = match model.native {
        None => query,
        Some(Native::RolloutComparison) => comparison::compared(job, query).map_err(place)?,
    };
    let written = job.engine.write(&query, folder).map_err(place)?;
    written.iter().for_each(|one| inputs.add_built(&model.name, one));
    let audited = verify(written, model)?;
    audit(job, entry, step, inputs, at, report)?;
    Ok(audited)
}

fn audit(
    job: &Job<'_>,
    entry: &Entry,
    step: &Step,
    inputs: &Inputs<'_>,
    at: &Parameters,
    report: &mut Report,
) -> Result<()> {
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
    for audit in std::iter::once(&grain).chain(&model.audits) {
        let file = format!("{}/model.yaml", model.folder);
        let sql = job.catalog.render(model, &audit.sql, &file, job.pipeline, at)?;
        let found = job.engine.read(&sql, &inputs.audited(entry, step, &sql)?, SAMPLE_ROWS)?;
        match audit.severity {
            _ if found.total == 0 => {}
            Severity::Warn => report.warn(&model.name, &audit.name, found.total),
            Severity::Fail | Severity::Config => return Err(refusal(audit, model, step, &found)),
        }
    }
    Ok(())
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
