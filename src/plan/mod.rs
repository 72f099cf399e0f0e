//! Deciding what to do: the frozen list of partitions that a run will rebuild, and why.
//!
//! `fingerprint` says what each partition would be made of today; whatever differs from the
//! manifest is stale. `build` puts stale partitions into chunks that can be committed one after the
//! other; `explain` prints them. Pure functions of pipeline, models, manifest and request.

mod build;
mod explain;
mod fingerprint;
#[cfg(test)]
mod tests;

pub use build::{Facts, build, check_models, missing_days, settled_days, watermark};
pub use explain::{explain, to_json};
pub use fingerprint::{hash, reach_of};

use chrono::NaiveDate;

use crate::interval::Interval;

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

/// The days to publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Days {
    /// Exactly these; a missing one is an error.
    These(Interval),
    /// Everything missing or stale up to the last complete local day that has objects.
    CatchUp { include_today: bool },
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
    pub missing: Vec<MissingDay>,
    pub watermark_us: Option<i64>,
    /// From the first local day with an accepted event to the newest day that can be asked for.
    pub history: Option<Interval>,
    pub chunks: Vec<Chunk>,
    /// Published partitions of the requested days that are as they should be.
    pub up_to_date: usize,
}

impl Plan {
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty() && self.undecoded.is_empty()
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

/// Consecutive days of one model, built by one query.
#[derive(Debug, Clone)]
pub struct Step {
    pub model: String,
    pub published: bool,
    pub days: Interval,
    pub builds: Vec<Build>,
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
