//! What runs a query. An engine is handed SQL, local files and a folder; it lists nothing, publishes
//! nothing and decides nothing.

#[cfg(feature = "engine")]
pub mod polars;

use std::path::{Path, PathBuf};

use chrono::NaiveDate;

use crate::error::Result;
use crate::schema::Column;

/// A table that a query may name.
#[derive(Debug, Clone)]
pub struct InputTable {
    pub name: String,
    /// All columns that SQL sees, `date` among them.
    pub columns: Vec<Column>,
    pub data: TableData,
}

/// Where a table's rows are.
#[derive(Debug, Clone)]
pub enum TableData {
    /// Parquet files.
    Files(Vec<InputFile>),
    /// Small tables of whole numbers, one vector a column; a date is its days since 1970.
    Values(Vec<Vec<i64>>),
    /// Rows that the program made, one vector a column.
    Memory(Vec<Values>),
}

/// A column in memory. Dates are days since 1970-01-01; decimals are text.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    Bigint(Vec<Option<i64>>),
    Double(Vec<Option<f64>>),
    Boolean(Vec<Option<bool>>),
    Text(Vec<Option<String>>),
}

#[derive(Debug, Clone)]
pub struct InputFile {
    pub path: PathBuf,
    /// The `date` of all rows, where the file does not store that column.
    pub date: Option<NaiveDate>,
    /// The rows that are meant; None for all of them.
    pub rows: Option<RowRange>,
}

/// Adjoining rows of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowRange {
    pub first: u64,
    pub count: u64,
}

/// A query whose result becomes partitions.
#[derive(Debug, Clone)]
pub struct Query {
    pub sql: String,
    pub inputs: Vec<InputTable>,
    /// The stored columns, without `date`.
    pub columns: Vec<Column>,
    /// The order of rows in a file.
    pub order: Vec<String>,
    /// The dates that rows may have; each is written, also those without rows.
    pub dates: Vec<NaiveDate>,
    /// One file for all dates, with `date` as its first column, instead of a file for each.
    pub together: bool,
}

/// A file that an engine wrote; nobody has looked at it yet.
#[derive(Debug, Clone)]
pub struct Written {
    pub date: NaiveDate,
    pub path: PathBuf,
    pub rows: u64,
    /// The rows of earlier dates in the same file; None where the file holds this date alone and
    /// does not store it.
    pub first_row: Option<u64>,
}

/// A query's result for people: values as text, NULL as an empty string.
#[derive(Debug, Clone)]
pub struct Rows {
    pub columns: Vec<String>,
    /// The first rows.
    pub rows: Vec<Vec<String>>,
    /// How many there are in all.
    pub total: u64,
}

impl Rows {
    /// Columns under each other, numbers as they are.
    pub fn to_text(&self) -> String {
        let lines = || std::iter::once(&self.columns).chain(&self.rows);
        let width = |i: usize| lines().filter_map(|l| l.get(i)).map(|v| v.chars().count()).max();
        let widths: Vec<usize> = (0..self.columns.len()).filter_map(width).collect();
        let pad = |(value, width): (&String, &usize)| format!("{value:<width$}");
        let line = |l: &Vec<String>| l.iter().zip(&widths).map(pad).collect::<Vec<_>>().join("  ");
        lines().map(|l| line(l).trim_end().to_owned()).collect::<Vec<_>>().join("\n")
    }
}

/// Runs queries.
pub trait Engine: Sync {
    /// Runs `query` and writes its dates as Parquet into `folder`.
    ///
    /// # Errors
    /// Configuration where the engine refuses the SQL; internal where the result does not fit the
    /// contract.
    fn write(&self, query: &Query, folder: &Path) -> Result<Vec<Written>>;

    /// Runs a query and returns its columns, with their names.
    ///
    /// # Errors
    /// As for [`Engine::write`]; configuration for a column that [`Values`] has no place for.
    fn values(&self, sql: &str, inputs: &[InputTable]) -> Result<Vec<(String, Values)>>;

    /// Runs a query and returns its first `limit` rows: audits, and tables shown to people.
    fn read(&self, sql: &str, inputs: &[InputTable], limit: usize) -> Result<Rows>;
}
