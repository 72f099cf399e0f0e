//! The tables about the warehouse itself: what became of every record, and which commit made each
//! published partition what it is.
//!
//! They are made of the manifest, after a run's other commits, in a commit of their own and only
//! where they differ from what is published. They do not tell of themselves, so that their commit
//! leaves them as they must be. A run that dies before it leaves them behind the other tables, and
//! the next run brings them up. Leaves out: which of the columns are published, and the promises
//! that they keep, which are their models'.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate};
use sha2::{Digest, Sha256};

use super::journal::staging;
use super::{Job, Report, execute};
use crate::engine::{InputTable, TableData, Values};
use crate::error::{Error, ErrorKind, Result};
use crate::interval::{Every, Interval, day_end_us, day_number, plus};
use crate::manifest::{DecodedObject, Manifest, Partition};
use crate::model::Native;
use crate::model::catalog::Entry;
use crate::model::query::Watermarks;
use crate::plan::{Build, Chunk, Facts, Reason, Step, current_days, watermarks};
use crate::schema::{Column, Kind, Type};
use crate::sink::Warehouse;

/// Stands for all sources and objects.
const ALL: &str = "*";

/// Brings these tables up to what `warehouse` holds; `is_forced`, builds them in any case. `facts`
/// are those of the run's plan.
///
/// # Errors
/// Those of building and committing any table, but for a conflict: whoever committed in between knew
/// of all that this run had committed, and tells of it.
pub(super) fn publish(
    job: &Job<'_>,
    warehouse: &mut Warehouse,
    facts: Option<&Facts>,
    is_forced: bool,
    report: &mut Report,
) -> Result<()> {
    let none = no_facts(job);
    let facts = facts.unwrap_or(&none);
    let steps = stale(job, warehouse.manifest(), facts, is_forced, report)?;
    if steps.is_empty() {
        return Ok(());
    }
    job.check_stop()?;
    job.check_time()?;
    job.progress.begin("auditing", steps.len());
    let outcome = execute::commit_alone(job, warehouse, facts, &Chunk { steps }, report);
    job.progress.end();
    match outcome {
        Err(error) if error.kind == ErrorKind::Conflict => {
            tracing::info!("the audit tables are left to the run that committed meanwhile");
            Ok(())
        }
        outcome => outcome,
    }
}

/// Of a warehouse without an event.
fn no_facts(job: &Job<'_>) -> Facts {
    Facts {
        history: Interval::day(Every::ONCE),
        first_event: Every::ONCE,
        watermarks: Watermarks::default(),
        published: BTreeSet::new(),
        zone: job.pipeline.zone,
    }
}

/// A step for each of the tables that is not what it should be.
fn stale(
    job: &Job<'_>,
    manifest: &Manifest,
    facts: &Facts,
    is_forced: bool,
    report: &mut Report,
) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    // There is nothing to tell of before the first commit.
    let wanted = |e: &&Entry| job.request.names(&e.model.name) && manifest.generation > 0;
    for entry in job.catalog.models.iter().filter(wanted) {
        let Some(native) = entry.model.native.filter(|native| native.books().is_some()) else {
            continue;
        };
        let fingerprint = digest(&input(native, job, manifest, facts)?);
        let reason = match manifest.partition(&entry.model.name, Every::ONCE) {
            None => Reason::New,
            Some(held) if held.definition != entry.definition => Reason::DefinitionChanged,
            Some(held) if held.fingerprint != fingerprint => Reason::InputsChanged,
            Some(_) if is_forced => Reason::Forced,
            Some(_) => {
                report.partitions.up_to_date += 1;
                continue;
            }
        };
        let definition = entry.definition.clone();
        steps.push(Step {
            model: entry.model.name.clone(),
            published: true,
            every: Every::Once,
            builds: vec![Build { date: Every::ONCE, definition, fingerprint, reason }],
        });
    }
    Ok(steps)
}

/// Hash of all values.
fn digest(table: &InputTable) -> String {
    let mut hash = Sha256::new();
    let TableData::Memory(columns) = &table.data else { return String::new() };
    for column in columns {
        match column {
            Values::Text(values) => {
                for text in values {
                    let text = text.as_deref();
                    hash.update(text.map_or(u64::MAX, |t| t.len() as u64).to_le_bytes());
                    hash.update(text.unwrap_or_default());
                }
            }
            Values::Bigint(values) => {
                for number in values {
                    hash.update([u8::from(number.is_some())]);
                    hash.update(number.unwrap_or_default().to_le_bytes());
                }
            }
            // No such column here.
            Values::Double(_) | Values::Boolean(_) => {}
        }
    }
    data_encoding::HEXLOWER.encode(&hash.finalize()[..16])
}

/// The rows in memory that the query of a table of this kind reads.
pub(super) fn input(
    native: Native,
    job: &Job<'_>,
    manifest: &Manifest,
    facts: &Facts,
) -> Result<InputTable> {
    let columns = match native {
        Native::AuditIngest => counted(&counts(job, manifest, facts)),
        Native::AuditLoad => loaded(job, manifest)?,
        Native::RolloutComparison => Vec::new(),
    };
    let column = |(name, values): &(&str, Values)| {
        let kind = if matches!(values, Values::Text(_)) { Type::Text } else { Type::Bigint };
        Column::new(name, kind, true)
    };
    Ok(InputTable {
        name: native.books().unwrap_or_default().to_owned(),
        columns: columns.iter().map(column).collect(),
        data: TableData::Memory(columns.into_iter().map(|(_, values)| values).collect()),
    })
}

/// A number of the accounting, and whose it is.
struct Count<'a> {
    source: &'a str,
    kind: Kind,
    object: &'a str,
    etag: &'a str,
    path_date: Option<NaiveDate>,
    day: Option<NaiveDate>,
    measure: &'static str,
    reason: &'a str,
    counted: u64,
}

/// Of every object, and of the days whose copies are counted.
fn counts<'a>(job: &Job<'_>, manifest: &'a Manifest, facts: &Facts) -> Vec<Count<'a>> {
    let mut counts: Vec<Count<'a>> = manifest.objects.values().flat_map(counts_of).collect();
    let Some(staging) = staging(job.catalog) else { return counts };
    let mut accepted: BTreeMap<NaiveDate, u64> = BTreeMap::new();
    let events = manifest.objects.values().filter(|o| o.kind.table() == Kind::Events);
    for file in events.flat_map(|object| &object.files) {
        *accepted.entry(file.date).or_default() += file.rows;
    }
    for day in current_days(job.pipeline, job.catalog, manifest, facts, staging) {
        let held = manifest.partition(&staging.model.name, day).map_or(0, |p| p.rows);
        counts.push(Count {
            source: ALL,
            kind: Kind::Events,
            object: ALL,
            etag: "",
            path_date: None,
            day: Some(day),
            measure: "duplicates",
            reason: "copy",
            counted: accepted.get(&day).copied().unwrap_or(0).saturating_sub(held),
        });
    }
    counts
}

fn counts_of(object: &DecodedObject) -> Vec<Count<'_>> {
    let a = &object.accounting;
    let count = |measure: &'static str, reason, counted| Count {
        source: &object.source,
        kind: object.kind,
        object: &object.key,
        etag: &object.etag,
        path_date: object.path_date,
        day: None,
        measure,
        reason,
        counted,
    };
    let totals = [
        count("bytes", "all", object.size),
        count("records_read", "all", a.read),
        count("rows_made", "all", a.emitted),
    ];
    let parts = [
        count("records", "decoded", a.decoded),
        count("records", "filtered", a.filtered),
        count("records", "empty", a.empty),
        count("records", "quarantined", a.quarantined),
        count("records", "blank", a.blank),
        count("rows", "kept", a.kept),
        count("rows", "test", a.test),
        count("rows", "out_of_window", a.out_of_window),
        count("byte_order_marks", "skipped", a.bom),
    ];
    let mut counts: Vec<Count<'_>> = totals.into_iter().collect();
    counts.extend(parts.into_iter().filter(|part| part.counted > 0));
    counts.extend(a.reasons.iter().map(|(reason, n)| count("quarantine", reason.as_str(), *n)));
    counts
        .extend(a.unknown_fields.iter().map(|(key, n)| count("unknown_fields", key.as_str(), *n)));
    let days = object.files.iter();
    counts
        .extend(days.map(|f| Count { day: Some(f.date), ..count("rows_by_day", "kept", f.rows) }));
    counts
}

fn counted(counts: &[Count<'_>]) -> Vec<(&'static str, Values)> {
    let text = |value: &dyn Fn(&Count<'_>) -> String| {
        Values::Text(counts.iter().map(|count| Some(value(count))).collect())
    };
    let date = |value: &dyn Fn(&Count<'_>) -> Option<NaiveDate>| {
        Values::Bigint(counts.iter().map(|count| value(count).map(number_of)).collect())
    };
    vec![
        ("source", text(&|c| c.source.to_owned())),
        ("kind", text(&|c| c.kind.name().to_owned())),
        ("object", text(&|c| c.object.to_owned())),
        ("etag", text(&|c| c.etag.to_owned())),
        ("path_date", date(&|c| c.path_date)),
        ("day", date(&|c| c.day)),
        ("measure", text(&|c| c.measure.to_owned())),
        ("reason", text(&|c| c.reason.to_owned())),
        ("counted", Values::Bigint(counts.iter().map(|c| i64::try_from(c.counted).ok()).collect())),
    ]
}

fn number_of(date: NaiveDate) -> i64 {
    i64::from(day_number(date))
}

/// The published partitions of the tables that are made of logs.
fn loaded(job: &Job<'_>, manifest: &Manifest) -> Result<Vec<(&'static str, Values)>> {
    let is_of_logs =
        |table: &str| job.catalog.entry(table).is_none_or(|entry| entry.model.books().is_none());
    let tables = manifest.partitions.iter().filter(|(table, _)| is_of_logs(table));
    let partitions = tables.flat_map(|(_, days)| days.values());
    let (mut names, mut days, mut rows) = (Vec::new(), Vec::new(), Vec::new());
    let (mut generations, mut moments) = (Vec::new(), Vec::new());
    let (mut reasons, mut states) = (Vec::new(), Vec::new());
    let finality = Finality::new(job, manifest);
    for partition in partitions {
        let Some(shown) = manifest.shown.get(&(partition.table.clone(), partition.date)) else {
            continue;
        };
        names.push(Some(partition.table.clone()));
        days.push(Some(partition.date).filter(|date| *date != Every::ONCE).map(number_of));
        rows.push(i64::try_from(partition.rows).ok());
        generations.push(i64::try_from(shown.generation).ok());
        moments.push(Some(micros(&shown.at)?));
        reasons.push(shown.restated.map(|why| why.words().to_owned()));
        let state = if finality.is_final(partition) { "final" } else { "provisional" };
        states.push(Some(state.to_owned()));
    }
    Ok(vec![
        ("table_name", Values::Text(names)),
        ("day", Values::Bigint(days)),
        ("row_count", Values::Bigint(rows)),
        ("generation", Values::Bigint(generations)),
        ("loaded_us", Values::Bigint(moments)),
        ("restated", Values::Text(reasons)),
        ("status", Values::Text(states)),
    ])
}

fn micros(text: &str) -> Result<i64> {
    let moment = DateTime::parse_from_rfc3339(text).map_err(|e| {
        Error::new(ErrorKind::Corrupt, "a commit record holds no instant")
            .context("created_at", text)
            .because(e)
    })?;
    Ok(moment.timestamp_micros())
}

/// What is known of time when partitions are judged.
struct Finality<'a> {
    job: &'a Job<'a>,
    watermarks: Watermarks,
    /// A table of one partition goes as far as this day.
    newest: NaiveDate,
}

impl<'a> Finality<'a> {
    fn new(job: &'a Job<'a>, manifest: &Manifest) -> Self {
        let published = manifest.partitions.values().flat_map(BTreeMap::values);
        let newest = published.filter(|p| p.published).map(|p| p.date).max();
        let watermarks = watermarks(job.pipeline, manifest, job.request.as_of_us);
        Finality { job, watermarks, newest: newest.unwrap_or(Every::ONCE) }
    }

    /// Whether the watermark is past all that can still change `partition`.
    fn is_final(&self, partition: &Partition) -> bool {
        let entry = self.job.catalog.entry(&partition.table);
        let last = match entry.map_or(Every::Day, |entry| entry.model.every) {
            Every::Once => self.newest,
            every => plus(every.days(partition.date).end, -1),
        };
        let watermark_us =
            entry.map_or(self.watermarks.events_us, |entry| self.watermarks.of(&entry.inputs));
        let wait = self.job.catalog.maturity_days(&partition.table);
        watermark_us >= day_end_us(plus(last, i64::from(wait)), self.job.pipeline.zone)
    }
}
