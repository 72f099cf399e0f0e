//! A valid pipeline: what to read, how to cut it, where to publish.
//!
//! [`Pipeline`] holds only what is right; `spec` is the YAML as written and `compile` turns one
//! into the other or reports everything that is wrong, at once, with file, line and column.
//! Nothing here touches the world. Leaves out: run-time knobs, which are flags.

mod compile;
mod mapping;
mod path;
mod profile;
mod spec;
mod unlike;

pub use compile::{Candidate, ReadFile, candidates, compile, compile_with_files};
pub use mapping::{
    Base, Batch, Condition, Emit, Expr, Field, Format, Join, Level, Mapping, Memo, Part, Pointer,
    Read, Remember, Rule, Step, Take, Test, Unmapped,
};
pub use path::{PathPattern, object_dates};
pub use profile::Profile;
pub use unlike::{Unlike, unlike};

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use chrono::NaiveDate;
use chrono_tz::Tz;

use crate::interval::SECOND_US;
use crate::schema::Kind;

/// Everything a pipeline file says, checked, with defaults filled in.
#[derive(Debug, Clone)]
pub struct Pipeline {
    pub name: String,
    /// The file as named on the command line; relative paths in it start from its folder.
    pub file: PathBuf,
    /// The business time zone: it cuts instants into days.
    pub zone: Tz,
    pub warehouse: Location,
    /// Events of earlier local days are `out_of_window`.
    pub start: Option<NaiveDate>,
    /// Event columns that slice the tables, in order; default bot, channel, service.
    pub dimensions: Vec<String>,
    /// Which dimensions each published slice keeps; the others are `*`. Default: every subset.
    pub grouping_sets: Vec<Vec<bool>>,
    pub user_key: UserKey,
    pub sessions: Sessions,
    pub uptime: Uptime,
    pub warnings: Warnings,
    pub sources: Vec<Source>,
    /// Changes whose effect the comparison estimates.
    pub rollouts: Vec<Rollout>,
    pub assumptions: Assumptions,
    /// Vendors whose numbers are held beside ours.
    pub profiles: Vec<Profile>,
    pub models: Vec<ModelFolder>,
    /// A cell with fewer observations is `low_n`; default 30.
    pub low_n: u32,
    /// Earlier timestamps are quarantined; default 2000-01-01 UTC, in microseconds.
    pub history_floor_us: i64,
}

impl Pipeline {
    /// Of ours and of the vendors whose sessions are cut beside them.
    pub fn longest_timeout_us(&self) -> i64 {
        let vendors = self.profiles.iter().map(|profile| profile.timeout_us);
        vendors.fold(self.sessions.longest_timeout_us(), i64::max)
    }
}

/// Where the key that pseudonymises users comes from.
#[derive(Clone, PartialEq, Eq)]
pub enum UserKey {
    /// The name of an environment variable that holds 32 bytes or more.
    Env(String),
    /// Written in the file: for the demo alone.
    Fixed(String),
}

impl fmt::Debug for UserKey {
    // A key never reaches a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UserKey::Env(name) => f.debug_tuple("Env").field(name).finish(),
            UserKey::Fixed(_) => f.write_str("Fixed(..)"),
        }
    }
}

/// What ends a session. Durations in microseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sessions {
    /// A gap strictly greater starts a new session; default 30 minutes.
    pub timeout_us: i64,
    pub timeout_by_channel: BTreeMap<String, i64>,
    /// How long after a handoff an agent's message still joins the session; default 24 hours.
    pub handoff_join_us: i64,
}

impl Default for Sessions {
    fn default() -> Self {
        Sessions {
            timeout_us: 30 * 60 * SECOND_US,
            timeout_by_channel: BTreeMap::new(),
            handoff_join_us: 24 * 3600 * SECOND_US,
        }
    }
}

impl Sessions {
    pub fn longest_timeout_us(&self) -> i64 {
        self.timeout_by_channel.values().copied().fold(self.timeout_us, i64::max)
    }
}

/// When a bot counts as available.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uptime {
    /// The most minutes that one probe speaks for; default 5.
    pub probe_minutes: u32,
    /// A later answer is none, in milliseconds; default 10 seconds.
    pub answer_within_ms: i64,
}

impl Default for Uptime {
    fn default() -> Self {
        Uptime { probe_minutes: 5, answer_within_ms: 10_000 }
    }
}

/// How much a day may differ from the weeks before it until a run warns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Warnings {
    /// The share by which a source's rows may fall, or be what is left after such a fall; default 0.4.
    pub volume: f64,
    /// The share of a source's rows that may lose or gain a field's value; default 0.1.
    pub null_rate: f64,
    /// Fewer rows prove nothing; default 50.
    pub rows: u32,
}

impl Default for Warnings {
    fn default() -> Self {
        Warnings { volume: 0.4, null_rate: 0.1, rows: 50 }
    }
}

/// An origin of raw logs.
#[derive(Debug, Clone)]
pub struct Source {
    pub name: String,
    pub kind: Kind,
    pub adapter: Adapter,
    pub path: PathPattern,
    /// None: told from the object's name (`.csv`, `.parquet`, or JSON lines).
    pub records: Option<Records>,
    /// Between the cells of CSV; default a comma.
    pub delimiter: u8,
    /// Whole days after a day's own objects that may still hold its events; default 0.
    pub lookahead_days: u32,
    /// The zone of timestamps without an offset; None refuses them.
    pub naive_zone: Option<Tz>,
    /// The zone of `{date}` in the path; default UTC.
    pub path_zone: Tz,
    /// A day without an object is a day without events, not a missing one.
    pub empty_ok: bool,
    /// What was made of an object stays where the object goes.
    pub keep_removed: bool,
    /// Contacts that keep coming cap the watermark of what reads them.
    pub live: bool,
    /// Logs are complete this long after the fact, in microseconds.
    pub complete_after_us: Option<i64>,
    /// The largest share of quarantined records, judged from 1,000 records on; default 0.01.
    pub quarantine_limit: f64,
    /// Values for keys that a record leaves out.
    pub defaults: BTreeMap<String, String>,
}

/// The reader of a source's format.
#[derive(Debug, Clone)]
pub enum Adapter {
    /// Records whose keys are the canonical columns.
    Canonical,
    /// Records of any shape, and what to make of them.
    Mapped(Box<Mapping>),
}

/// How an object's bytes fall into records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Records {
    /// One JSON value a line.
    Jsonl,
    /// JSON values one after the other, however they are laid out, or an array of them.
    Json,
    /// The elements of a JSON array.
    JsonArray,
    /// The members of a JSON object.
    JsonObject,
    /// Rows under a header.
    Csv,
    /// The rows of a Parquet file.
    Parquet,
}

impl Records {
    /// What the ending of an object's name says; None where it says nothing.
    pub fn of_name(name: &str) -> Option<Records> {
        let name = name.to_ascii_lowercase();
        let name = name.strip_suffix(".gz").or(name.strip_suffix(".zst")).unwrap_or(&name);
        match name.rsplit('.').next() {
            Some("csv") => Some(Records::Csv),
            Some("parquet" | "pq") => Some(Records::Parquet),
            _ => None,
        }
    }
}

/// A change of some services on a day, to be compared before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollout {
    /// Unique among the pipeline's rollouts.
    pub name: String,
    /// The first local day of the change.
    pub date: NaiveDate,
    /// The services that changed; at least one.
    pub services: Vec<String>,
    /// Services that did not change, to compare with; may be empty.
    pub controls: Vec<String>,
    /// Values of `variant` that mark customers whom the change was kept from; any other marks those
    /// who were given it. Empty: no customers were drawn by lot.
    pub holdout: Vec<String>,
    /// Days before `date` to compare from; default 56.
    pub pre_days: u32,
    /// Days from `date` on that are left out while the change settles; default 14.
    pub ramp_days: u32,
    /// Days after the ramp to compare with; default 56.
    pub post_days: u32,
}

/// Numbers that the logs do not hold, and people state.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Assumptions {
    /// ISO 4217 code of the reporting currency; always there with a rate.
    pub currency: Option<String>,
    /// In the order of their days.
    pub sets: Vec<AssumptionSet>,
    /// By currency, then in the order of their days.
    pub rates: Vec<ExchangeRate>,
}

/// What is assumed from a day on, until the next set begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssumptionSet {
    /// Names the first day and the values: `2026-01-01-3f9a1c`.
    pub id: String,
    /// The first local day; None for a set that always held, which is the first.
    pub from: Option<NaiveDate>,
    /// What an hour of an agent costs, in millionths of the currency: exact as a DECIMAL(18,6).
    pub agent_hourly_rate_micros: Option<i64>,
    /// Seconds a human needs for one contact, where no contacts tell.
    pub aht_seconds: Option<u32>,
    /// Who answers for the numbers.
    pub owner: Option<String>,
    /// Where they come from.
    pub source: Option<String>,
}

/// What one unit of a foreign currency is worth in the reporting one, from a day on until its next
/// rate begins: `numerator / denominator`, exactly as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExchangeRate {
    pub currency: String,
    pub from: NaiveDate,
    pub numerator: i64,
    pub denominator: i64,
}

/// Where models come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelFolder {
    /// The models in the binary.
    Builtin,
    Folder(PathBuf),
}

/// A folder, on disk or in an object store.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Location {
    /// Relative paths start from the pipeline's folder, and are resolved when it is compiled.
    Local(PathBuf),
    /// `s3://bucket/prefix`; the prefix has no slash at either end and may be empty.
    S3 { bucket: String, prefix: String },
}
