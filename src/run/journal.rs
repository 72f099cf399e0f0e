//! What a run did: for the last line on stdout, the log, and `_chatkpi/runs/`.

use std::collections::BTreeSet;

use bytes::Bytes;
use chrono::NaiveDate;
use serde::Serialize;

use super::Job;
use crate::accounting::Accounting;
use crate::error::{Error, Result};
use crate::manifest::{Commit, DecodedObject, FORMAT, Manifest, Partition};
use crate::model::Table;
use crate::model::catalog::{Catalog, Entry};
use crate::plan::{Build, MissingDay, Plan, Step};
use crate::schema::Kind;
use crate::sink::Published;
use crate::storage::Store;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    Running,
    Succeeded,
    Failed,
}

/// A run's record; its JSON is public interface.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    pub run_id: String,
    pub pipeline: String,
    /// The arguments, for `retry`.
    pub asked: serde_json::Value,
    pub state: RunState,
    pub started_at: String,
    /// First requested day that could be published.
    pub from: Option<NaiveDate>,
    /// The day after the last one.
    pub to: Option<NaiveDate>,
    pub watermark: Option<String>,
    pub objects_decoded: u64,
    /// Known objects that their sources no longer list.
    pub objects_removed: u64,
    pub bytes_decoded: u64,
    /// Sum over the objects decoded in this run.
    pub records: Accounting,
    /// Duplicate events among all decoded ones of the days that were built.
    pub duplicates: u64,
    pub partitions: PartitionCounts,
    /// Rows in the published partitions of the requested days.
    pub rows: u64,
    pub missing: Vec<Missing>,
    /// What was not published although it was to be; only where the run kept going.
    pub failed: Vec<FailedDays>,
    /// Of audits that find much, the newest rows alone.
    pub warnings: Vec<String>,
    /// Rows that audits of severity `warn` found.
    pub warned: u64,
    pub error: Option<String>,
    pub exit_code: u8,
    /// The commits this run appended.
    pub generations: Vec<u64>,
    /// Filled in by the command line, which has a clock.
    pub seconds: f64,
}

#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct PartitionCounts {
    /// Built, in all layers.
    pub built: usize,
    /// Published objects written or replaced.
    pub replaced: usize,
    /// Built, and found to hold what was published already.
    pub unchanged: usize,
    /// Requested, published and not stale.
    pub up_to_date: usize,
    /// Published partitions of other days that were built because their cells may change.
    pub restated: usize,
}

#[derive(Debug, Clone, Serialize)]
pub struct Missing {
    pub date: NaiveDate,
    pub source: String,
    pub object_date: NaiveDate,
}

/// Partitions that failed together.
#[derive(Debug, Clone, Serialize)]
pub struct FailedDays {
    pub tables: BTreeSet<String>,
    pub dates: BTreeSet<NaiveDate>,
    pub error: String,
}

impl FailedDays {
    pub(super) fn new(
        partitions: impl Iterator<Item = (String, NaiveDate)>,
        error: &Error,
    ) -> FailedDays {
        let (tables, dates) = partitions.unzip();
        FailedDays { tables, dates, error: error.to_string() }
    }
}

impl Report {
    pub(super) fn new(job: &Job<'_>) -> Self {
        Report {
            run_id: job.run_id.clone(),
            asked: job.asked.clone(),
            pipeline: job.pipeline.name.clone(),
            state: RunState::Running,
            started_at: job.started_at.clone(),
            from: None,
            to: None,
            watermark: None,
            objects_decoded: 0,
            objects_removed: 0,
            bytes_decoded: 0,
            records: Accounting::default(),
            duplicates: 0,
            partitions: PartitionCounts::default(),
            rows: 0,
            missing: Vec::new(),
            failed: Vec::new(),
            warnings: Vec::new(),
            warned: 0,
            error: None,
            exit_code: 0,
            generations: Vec::new(),
            seconds: 0.0,
        }
    }

    pub(super) fn decoded(&mut self, object: &DecodedObject) {
        self.objects_decoded += 1;
        self.bytes_decoded += object.size;
        self.records += &object.accounting;
    }

    pub(super) fn planned(&mut self, plan: &Plan) {
        self.from = plan.requested.map(|d| d.start);
        self.to = plan.requested.map(|d| d.end);
        self.watermark = plan
            .watermarks()
            .and_then(|w| chrono::DateTime::from_timestamp_micros(w.events_us))
            .map(|t| t.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true));
        self.partitions.up_to_date = plan.up_to_date;
        let requested = |step: &Step, build: &Build| {
            let days = step.every.days(build.date);
            plan.requested.is_some_and(|asked| !asked.intersect(days).is_empty())
        };
        self.partitions.restated =
            plan.builds().filter(|(step, b)| step.published && !requested(step, b)).count();
        let missing = |m: &MissingDay| Missing {
            date: m.date,
            source: m.source.clone(),
            object_date: m.path_date,
        };
        self.missing = plan.missing.iter().map(missing).collect();
    }

    /// The next commit of this run.
    pub(super) fn commit(
        &mut self,
        job: &Job<'_>,
        manifest: &Manifest,
        objects: Vec<DecodedObject>,
        partitions: Vec<Partition>,
    ) -> Commit {
        let generation = manifest.generation + 1;
        self.generations.push(generation);
        self.partitions.built += partitions.len();
        Commit {
            format: FORMAT,
            generation,
            run_id: job.run_id.clone(),
            created_at: job.started_at.clone(),
            program_version: env!("CARGO_PKG_VERSION").to_owned(),
            user_key: job.user_key.fingerprint().to_owned(),
            objects,
            removed: Vec::new(),
            partitions,
            shows: Vec::new(),
        }
    }

    pub(super) fn published(&mut self, published: Published) {
        self.partitions.replaced += published.replaced;
        self.partitions.unchanged += published.unchanged;
    }

    /// Counts what can only be counted at the end: published rows and duplicates.
    pub(super) fn account(&mut self, catalog: &Catalog, manifest: &Manifest, plan: &Plan) {
        if let Some(days) = plan.requested {
            for partitions in manifest.partitions.values() {
                let published = partitions.range(days.start..days.end).filter(|(_, p)| p.published);
                self.rows += published.map(|(_, p)| p.rows).sum::<u64>();
            }
        }
        if let Some(staging) = staging(catalog) {
            let own = plan.builds().filter(|(step, _)| step.model == staging.model.name);
            let days: BTreeSet<NaiveDate> = own.map(|(_, build)| build.date).collect();
            self.duplicates = duplicates(manifest, &staging.model.name, &days);
        }
    }

    /// Refused records are never silent, however few.
    pub(super) fn warn_of_quarantine(&mut self) {
        if self.records.quarantined == 0 {
            return;
        }
        let told: Vec<_> = self.records.reasons.iter().map(|(r, n)| format!("{r} {n}")).collect();
        self.warnings.push(format!(
            "{} of {} records were quarantined ({}); `chatkpi quarantine` shows each",
            self.records.quarantined,
            self.records.read - self.records.blank,
            told.join(", ")
        ));
    }

    pub(super) fn finish(&mut self, outcome: &Result<()>) {
        match outcome {
            Ok(()) => self.state = RunState::Succeeded,
            Err(error) => {
                self.state = RunState::Failed;
                self.exit_code = error.kind.exit_code();
                self.error = Some(error.to_string());
            }
        }
    }
}

/// The model that leaves copies of events out.
pub(super) fn staging(catalog: &Catalog) -> Option<&Entry> {
    let reads_events = |entry: &&Entry| {
        entry.model.reads.iter().any(|read| read.table == Table::Input(Kind::Events))
    };
    catalog.models.iter().find(reads_events)
}

/// Accepted events of `days` less the rows that `staging`, which leaves copies out, kept of them.
fn duplicates(manifest: &Manifest, staging: &str, days: &BTreeSet<NaiveDate>) -> u64 {
    let events = manifest.objects.values().filter(|o| o.kind.table() == Kind::Events);
    let files = events.flat_map(|o| &o.files).filter(|f| days.contains(&f.date));
    let kept = days.iter().filter_map(|date| manifest.partition(staging, *date));
    let kept: u64 = kept.map(|p| p.rows).sum();
    files.map(|f| f.rows).sum::<u64>().saturating_sub(kept)
}

/// Writes the run's record into the warehouse.
pub(super) fn write(store: &Store, report: &Report) -> Result<()> {
    let json = serde_json::to_vec_pretty(report)
        .map_err(|e| Error::internal("a run record cannot be written").because(e))?;
    store.put(&format!("_chatkpi/runs/{}.json", report.run_id), Bytes::from(json))
}
