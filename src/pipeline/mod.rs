//! A valid pipeline: what to read, how to cut it, where to publish.
//!
//! [`Pipeline`] holds only what is right; `spec` is the YAML as written and `compile` turns one
//! into the other or reports everything that is wrong, at once, with file, line and column.
//! Nothing here touches the world. Leaves out: run-time knobs, which are flags.

mod path;

pub use path::{PathPattern, object_dates};

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::NaiveDate;
use chrono_tz::Tz;

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
    pub sources: Vec<Source>,
    pub models: Vec<ModelFolder>,
    /// A cell with fewer observations is `low_n`; default 30.
    pub low_n: u32,
    /// Earlier timestamps are quarantined; default 2000-01-01 UTC, in microseconds.
    pub history_floor_us: i64,
}

/// Where the key that pseudonymises users comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserKey {
    /// The name of an environment variable that holds 32 bytes or more.
    Env(String),
    /// Written in the file: for the demo alone.
    Fixed(String),
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

impl Sessions {
    pub fn longest_timeout_us(&self) -> i64 {
        self.timeout_by_channel.values().copied().fold(self.timeout_us, i64::max)
    }
}

/// An origin of raw logs.
#[derive(Debug, Clone)]
pub struct Source {
    pub name: String,
    pub kind: Kind,
    pub adapter: Adapter,
    pub path: PathPattern,
    /// None: told from the object's name (`.csv` or JSON lines).
    pub records: Option<Records>,
    /// Whole days after a day's own objects that may still hold its events; default 0.
    pub lookahead_days: u32,
    /// The zone of timestamps without an offset; None refuses them.
    pub naive_zone: Option<Tz>,
    /// The zone of `{date}` in the path; default UTC.
    pub path_zone: Tz,
    /// A day without an object is a day without events, not a missing one.
    pub empty_ok: bool,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Adapter {
    /// Records whose keys are the canonical columns.
    Canonical,
}

/// How an object's bytes fall into records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Records {
    Jsonl,
    Csv,
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
