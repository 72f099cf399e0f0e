//! Deciding what to do: the frozen list of partitions that a run will rebuild, and why.
//!
//! `fingerprint` says what each partition would be made of today; whatever differs from the
//! manifest is stale. `build` puts stale partitions into chunks that can be committed one after the
//! other; `explain` prints them. Pure functions of pipeline, models, manifest and request.

mod build;
mod explain;
mod fingerprint;
mod reach;
#[cfg(test)]
mod tests;

pub use build::{build, build_within, check_models, missing_days, settled_days, watermarks};
pub use explain::{explain, to_json};
pub use fingerprint::{basis, current_days, hash};
pub use reach::{Facts, reach, reached};

use std::collections::BTreeSet;

use chrono::NaiveDate;

use crate::interval::{Every, Interval};
use crate::manifest::RemovedObject;
use crate::model::query::Watermarks;

/// What the user asked for.
#[derive(Debug, Clone)]
pub struct Request {
    pub days: Days,
    /// The run's own idea of now, UTC microseconds.
    pub as_of_us: i64,
    /// Rebuild the requested days even where nothing changed.
    pub force: bool,
    /// Only these published models; empty for all.
    pub models: Vec<String>,
}

impl Request {
    /// Whether the published table `name` is among those asked for.
    pub fn names(&self, name: &str) -> bool {
        self.models.is_empty() || self.models.iter().any(|model| model == name)
    }
}

/// The days to publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Days {
    /// Exactly these; a missing one is an error.
    These(Interval),
    /// Everything missing or stale up to the last complete local day that has objects.
    CatchUp { include_today: bool },
}

/// What a plan leaves out, and how small its parts are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Days committed together, at most.
    pub chunk_days: usize,
    /// Published partitions that shall stay as they are.
    pub without: BTreeSet<(String, NaiveDate)>,
}

impl Default for Limits {
    /// 92 days, so that a killed backfill loses little.
    fn default() -> Self {
        Limits { chunk_days: 92, without: BTreeSet::new() }
    }
}

/// A raw object as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedObject {
    pub source: String,
    pub key: String,
    pub etag: String,
    pub size: u64,
    pub path_date: Option<NaiveDate>,
}

/// The frozen plan.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The days that were asked for and can be published; empty when there are none.
    pub requested: Option<Interval>,
    /// Objects not decoded yet; empty in the plan that a run executes.
    pub undecoded: Vec<ListedObject>,
    /// Objects that their sources no longer list; empty in the plan that a run executes.
    pub removed: Vec<RemovedObject>,
    pub missing: Vec<MissingDay>,
    /// None where there are no events yet.
    pub facts: Option<Facts>,
    pub chunks: Vec<Chunk>,
    /// Published partitions of the requested days that are as they should be.
    pub up_to_date: usize,
    /// What it was made from and comes to, as a hash; empty in the plan that a run executes.
    pub basis: String,
}

impl Plan {
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty() && self.undecoded.is_empty() && self.removed.is_empty()
    }

    /// None where there are no events yet.
    pub fn watermarks(&self) -> Option<&Watermarks> {
        self.facts.as_ref().map(|facts| &facts.watermarks)
    }

    pub fn builds(&self) -> impl Iterator<Item = (&Step, &Build)> {
        let steps = self.chunks.iter().flat_map(|chunk| &chunk.steps);
        steps.flat_map(|step| step.builds.iter().map(move |build| (step, build)))
    }
}

/// A day that cannot be published because an object of it is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingDay {
    pub date: NaiveDate,
    pub source: String,
    /// The date in the missing object's name.
    pub path_date: NaiveDate,
}

/// Steps that are committed together.
#[derive(Debug, Clone)]
pub struct Chunk {
    pub steps: Vec<Step>,
}

/// Adjoining partitions of one model, built by one query.
#[derive(Debug, Clone)]
pub struct Step {
    pub model: String,
    pub published: bool,
    pub every: Every,
    /// At least one, in the order of their dates.
    pub builds: Vec<Build>,
}

impl Step {
    pub fn dates(&self) -> Vec<NaiveDate> {
        self.builds.iter().map(|build| build.date).collect()
    }

    /// From the first day of the first partition to the last day of the last one.
    pub fn days(&self) -> Interval {
        self.every.span(&self.dates())
    }
}

/// One partition to build.
#[derive(Debug, Clone)]
pub struct Build {
    pub date: NaiveDate,
    pub definition: String,
    pub fingerprint: String,
    pub reason: Reason,
}

/// Why a partition is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    New,
    /// Its model, settings, or those of a model it reads.
    DefinitionChanged,
    /// Its input rows, the watermark, or the start of history.
    InputsChanged,
    Forced,
}

impl Reason {
    pub fn words(self) -> &'static str {
        match self {
            Reason::New => "new",
            Reason::DefinitionChanged => "definition changed",
            Reason::InputsChanged => "inputs changed",
            Reason::Forced => "forced",
        }
    }
}
