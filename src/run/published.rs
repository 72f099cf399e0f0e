//! Published tables as their readers find them, ready to be queried: what commands show people.

use std::path::PathBuf;

use crate::engine::{Engine, InputFile, InputTable, TableData, Values};
use crate::error::{Error, ErrorKind, Result, io_error};
use crate::interval::{Every, Interval};
use crate::manifest::Partition;
use crate::model::catalog::Catalog;
use crate::parallel::side_by_side;
use crate::sink::{Warehouse, public_key};

/// Downloads under way at once.
const DOWNLOADS: usize = 8;

/// A warehouse's published tables. Copies of remote files live as long as this.
pub struct Published<'a> {
    pub warehouse: &'a Warehouse,
    catalog: &'a Catalog,
    copies: tempfile::TempDir,
}

impl<'a> Published<'a> {
    pub fn new(warehouse: &'a Warehouse, catalog: &'a Catalog) -> Result<Self> {
        let copies = tempfile::tempdir().map_err(|e| io_error("a temporary folder", e))?;
        Ok(Published { warehouse, catalog, copies })
    }

    /// The published partitions of `table`, in order.
    pub fn partitions(&self, table: &str) -> Vec<&'a Partition> {
        let all = self.warehouse.manifest().partitions.get(table);
        all.into_iter().flat_map(|periods| periods.values()).filter(|p| p.published).collect()
    }

    /// The files of `table` that hold these days; a table of one partition is whole. None where
    /// nothing of the table is published or the pipeline has no such table.
    ///
    /// # Errors
    /// Corrupt for a file that is gone; those of storage.
    pub fn table(&self, table: &str, days: Interval) -> Result<Option<InputTable>> {
        let all = self.partitions(table);
        let (false, Some(entry)) = (all.is_empty(), self.catalog.entry(table)) else {
            return Ok(None);
        };
        let own: Vec<&Partition> =
            all.into_iter().filter(|p| p.date == Every::ONCE || days.contains(p.date)).collect();
        let file = |at: usize| {
            let path = self.file(own[at])?;
            Ok::<_, Error>(InputFile { path, date: Some(own[at].date), rows: None })
        };
        Ok(Some(InputTable {
            name: table.to_owned(),
            columns: entry.model.dated_columns(),
            data: TableData::Files(side_by_side(DOWNLOADS, own.len(), file)?),
        }))
    }

    fn file(&self, partition: &Partition) -> Result<PathBuf> {
        let (key, store) = (public_key(partition), self.warehouse.store());
        let path = match store.local_path(&key) {
            Some(path) => path,
            None => {
                let copy = self.copies.path().join(key.replace('/', "~"));
                store.download(&key, &copy)?;
                copy
            }
        };
        match path.is_file() {
            true => Ok(path),
            false => Err(Error::new(ErrorKind::Corrupt, "a published table is gone")
                .context("object", store.url(&key))
                .remedy("`chatkpi verify` tells what else is gone")),
        }
    }
}

/// A query's columns by name.
pub struct Columns(Vec<(String, Values)>);

impl Columns {
    pub fn read(engine: &dyn Engine, sql: &str, input: InputTable) -> Result<Columns> {
        Ok(Columns(engine.values(sql, &[input])?))
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.0.first().map_or(0, |(_, values)| match values {
            Values::Bigint(values) => values.len(),
            Values::Double(values) => values.len(),
            Values::Boolean(values) => values.len(),
            Values::Text(values) => values.len(),
        })
    }

    pub fn text(&self, name: &'static str, row: usize) -> Result<String> {
        match self.column(name)? {
            Values::Text(values) => Ok(values[row].clone().unwrap_or_default()),
            _ => Err(foreign(name)),
        }
    }

    pub fn number(&self, name: &'static str, row: usize) -> Result<Option<f64>> {
        match self.column(name)? {
            Values::Double(values) => Ok(values[row]),
            _ => Err(foreign(name)),
        }
    }

    pub fn whole(&self, name: &'static str, row: usize) -> Result<Option<i64>> {
        match self.column(name)? {
            Values::Bigint(values) => Ok(values[row]),
            _ => Err(foreign(name)),
        }
    }

    pub fn flag(&self, name: &'static str, row: usize) -> Result<bool> {
        match self.column(name)? {
            Values::Boolean(values) => Ok(values[row].unwrap_or_default()),
            _ => Err(foreign(name)),
        }
    }

    fn column(&self, name: &'static str) -> Result<&Values> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, values)| values).ok_or_else(|| foreign(name))
    }
}

fn foreign(column: &'static str) -> Error {
    Error::new(ErrorKind::Corrupt, "a published table is not what a run writes")
        .context("column", column)
        .remedy("`chatkpi run PIPELINE` makes it again where a model or the program has changed")
}
