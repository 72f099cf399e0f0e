//! A table we own: its contract, its query, its audits.
//!
//! `spec` reads `model.yaml`, `query` fills the SQL template in, `lint` holds the SQL to the dialect
//! that every engine answers alike, and [`catalog`] puts the models of all folders in the order in
//! which they can be built. Pure: the folders' texts come in as [`ModelText`]. Leaves out: running
//! anything.

pub mod catalog;
pub mod ddl;
pub mod lint;
mod money;
pub mod query;
pub mod spec;

use crate::interval::{Every, Interval};
use crate::schema::{Column, Kind, Type};

/// One model folder as text: what the binary embeds and what a user's folder holds.
#[derive(Debug, Clone)]
pub struct ModelText {
    pub name: String,
    pub layer: Layer,
    /// For errors: the folder as the user can find it.
    pub folder: String,
    pub yaml: String,
    pub sql: String,
}

/// How far a table is from the raw logs; only marts are published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Layer {
    Staging,
    Intermediate,
    Mart,
}

/// A table's contract, with the pipeline's dimensions filled in.
#[derive(Debug, Clone)]
pub struct Model {
    pub name: String,
    pub layer: Layer,
    pub folder: String,
    pub doc: String,
    /// The columns that, with `date`, make a row unique; also the order of rows in a file.
    pub grain: Vec<String>,
    /// All columns but `date`, which is the partition.
    pub columns: Vec<ContractColumn>,
    /// Whether the table holds a row for every grouping set, or only for the finest slices.
    pub every_slice: bool,
    /// What the program makes of the query's rows; None: they are the table.
    pub native: Option<Native>,
    pub every: Every,
    /// Days after a partition's own during which the watermark can still change it.
    pub horizon_days: u32,
    /// In ascending order: a partition of day D changes when the watermark passes the end of the
    /// local day D + m, for each m of these.
    pub matures: Vec<u32>,
    pub reads: Vec<Read>,
    pub audits: Vec<Audit>,
    pub metrics: Vec<Metric>,
    /// The query's template.
    pub sql: String,
}

impl Model {
    /// The stored columns, without the partition's date.
    pub fn stored_columns(&self) -> Vec<Column> {
        self.columns.iter().map(|c| c.column.clone()).collect()
    }

    /// The columns as queries meet them: the day, which a partition's folder tells, and the stored
    /// ones.
    pub fn dated_columns(&self) -> Vec<Column> {
        let date = Column::new("date", Type::Date, false);
        std::iter::once(date).chain(self.stored_columns()).collect()
    }

    pub fn is_published(&self) -> bool {
        self.layer == Layer::Mart
    }

    /// The table in memory that a table about the warehouse itself is made from. Such a table is
    /// no part of any plan: it follows what a run has committed.
    pub fn books(&self) -> Option<&'static str> {
        self.native.and_then(Native::books)
    }
}

/// A last step that is not SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Native {
    /// The statistics of `fct_rollout_comparison`.
    RolloutComparison,
    /// What became of each record of each object.
    AuditIngest,
    /// Which commit made each published partition as it is.
    AuditLoad,
}

impl Native {
    /// Changes when the same rows become others, so that tables are made anew.
    pub fn version(self) -> u32 {
        match self {
            Native::AuditIngest | Native::AuditLoad => 1,
            Native::RolloutComparison => 2,
        }
    }

    /// The table that the query finds in memory, where it reads the warehouse's own books and no
    /// rows of any log.
    pub fn books(self) -> Option<&'static str> {
        match self {
            Native::RolloutComparison => None,
            Native::AuditIngest => Some("object_counts"),
            Native::AuditLoad => Some("published_partitions"),
        }
    }
}

/// A column and what it means.
#[derive(Debug, Clone)]
pub struct ContractColumn {
    pub column: Column,
    pub doc: String,
    /// May be summed over slices and days.
    pub additive: bool,
}

/// A table that a query reads, and which neighbouring days of it one partition needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    pub table: Table,
    pub before: Before,
    pub after: After,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Table {
    /// Decoded records.
    Input(Kind),
    Model(String),
}

impl Table {
    /// The name that SQL uses.
    pub fn name(&self) -> &str {
        match self {
            Table::Input(kind) => kind.name(),
            Table::Model(name) => name,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    Days(u32),
    /// From the first day of the partition's month.
    Month,
    /// The whole history.
    All,
    /// These days, whatever the partition's.
    Window(Interval),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// Days after; -1 ends before the partition's own day (a model that reads the past).
    Days(i32),
    /// As many days as the largest of the model's `matures` that has passed.
    Matured,
    /// To the end of the partition's week or month.
    Period,
}

/// A query that returns offending rows.
#[derive(Debug, Clone)]
pub struct Audit {
    pub name: String,
    pub severity: Severity,
    /// A template, like the model's own query; it may read what the model reads.
    pub sql: String,
    /// What to do about its rows.
    pub remedy: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing is published.
    Fail,
    /// Nothing is published, because the pipeline lacks a setting.
    Config,
    /// Reported.
    Warn,
}

/// A metric of `kpi_daily`: expressions over the columns of the table that declares it.
#[derive(Debug, Clone)]
pub struct Metric {
    pub name: String,
    /// Aggregated over rows in tables of the finest grain, plain where every slice has its row.
    pub numerator: String,
    pub denominator: String,
    /// The observations behind a value.
    pub n: String,
    pub unit: String,
    /// A share of `denominator`: carries a Wilson interval.
    pub proportion: bool,
    /// Days after the cell's own before it is final.
    pub maturity_days: u32,
    pub additivity: Additivity,
    /// What it says, without quotes; may be empty.
    pub doc: String,
    /// Where the report shows it, for metrics that `sql/report/` does not list.
    pub family: Option<Family>,
}

/// What a metric is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Who comes, how often, and for how long.
    Engagement,
    /// How it ends, and what people think of it.
    Performance,
    /// What it costs, saves and brings in.
    Efficiency,
    /// How fast and how available it is.
    Technical,
}

/// How a metric's cells may be put together over days and over finest slices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Additivity {
    /// Values add up.
    Additive,
    /// Numerators and denominators add up, and are divided again.
    RatioOfSums,
    /// Each cell stands alone: distinct counts, percentiles, and what is divided by them.
    NonAdditive,
}

impl Additivity {
    pub fn name(self) -> &'static str {
        match self {
            Additivity::Additive => "additive",
            Additivity::RatioOfSums => "ratio_of_sums",
            Additivity::NonAdditive => "non_additive",
        }
    }
}
