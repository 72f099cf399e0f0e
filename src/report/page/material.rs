//! What the page is made of: rows of published tables, and what the pipeline says of them.

use std::collections::BTreeSet;

use chrono::{NaiveDate, NaiveDateTime};

use crate::infer::Row;
use crate::interval::Interval;
use crate::model::{Additivity, Family};

/// Everything that the page shows. Rows of the slice where all dimensions are together, sorted by
/// day.
#[derive(Debug, Clone, Default)]
pub struct Material {
    /// The pipeline's name.
    pub pipeline: String,
    /// Where the tables are, for people.
    pub warehouse: String,
    /// The commit that the tables were read at.
    pub generation: u64,
    pub span: Span,
    /// The days of both periods of which the daily metrics are published.
    pub days: BTreeSet<NaiveDate>,
    /// The pipeline publishes the slice where all dimensions are together.
    pub has_totals: bool,
    /// Fewer observations are too few to read much into.
    pub low_n: u32,
    /// ISO 4217 code.
    pub currency: Option<String>,
    pub definitions: Vec<Definition>,
    pub cells: Vec<Cell>,
    pub outcomes: Vec<OutcomeDay>,
    /// Answered turns by bucket, of the period and of the one before it.
    pub times: Vec<Bucket>,
    pub retention: Vec<Cohort>,
    /// The rollouts that the pipeline names.
    pub rollouts: Vec<String>,
    pub compared: Vec<Row>,
    pub loads: Vec<Load>,
    pub ingested: Vec<Ingested>,
    /// Tables that the page reads and the warehouse does not hold.
    pub missing: BTreeSet<String>,
}

/// The days that are told, and as many before them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub period: Interval,
    pub before: Interval,
}

impl Span {
    pub fn of(period: Interval) -> Self {
        let days = u32::try_from(period.len()).unwrap_or(u32::MAX);
        Span { period, before: Interval::new(period.extend(days, 0).start, period.start) }
    }

    /// Both, one after the other.
    pub fn all(self) -> Interval {
        Interval::new(self.before.start, self.period.end)
    }
}

impl Default for Span {
    fn default() -> Self {
        Span::of(Interval::day(NaiveDate::default()))
    }
}

/// A metric as its contract tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    pub metric: String,
    /// The table that declares it.
    pub table: String,
    pub unit: String,
    pub additivity: Additivity,
    pub proportion: bool,
    pub maturity_days: u32,
    /// English; may be empty.
    pub doc: String,
    /// What its contract says; the built-in ones are in `sql/report/metrics.yaml`.
    pub family: Option<Family>,
}

/// A row of the daily metrics.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    pub metric: String,
    pub date: NaiveDate,
    pub numerator: f64,
    pub denominator: f64,
    pub value: f64,
    /// The ends of its 95 % interval, for proportions.
    pub interval: Option<(f64, f64)>,
    pub n: i64,
    pub low_n: bool,
    pub is_final: bool,
    pub definition_version: String,
}

/// Sessions of a day by how they ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutcomeDay {
    pub date: NaiveDate,
    pub outcome: String,
    pub sessions: i64,
}

/// Answered turns that took between these milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    pub is_before: bool,
    pub from_ms: i64,
    /// Exclusive; None without end.
    pub to_ms: Option<i64>,
    pub answered: i64,
}

/// Of the users first seen on a day, how many are true of a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cohort {
    pub date: NaiveDate,
    pub window: String,
    pub retained: i64,
    pub cohort: i64,
}

/// Published partitions of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Load {
    pub table: String,
    /// The last partition; None for a table of one partition.
    pub last: Option<NaiveDate>,
    pub partitions: i64,
    pub provisional: i64,
    pub restated: i64,
    pub rows: i64,
    /// When the newest of them was made, in the pipeline's zone.
    pub loaded: NaiveDateTime,
}

/// Records or rows of a source, by what is counted and what became of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ingested {
    pub source: String,
    pub measure: String,
    pub reason: String,
    pub counted: i64,
}
