//! Bringing the tables that a query reads to local disk.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use chrono::NaiveDate;

use super::{Job, values};
use crate::engine::{InputFile, InputTable, RowRange, TableData, Written};
use crate::error::{Error, ErrorKind, Result, io_error};
use crate::interval::Interval;
use crate::manifest::Manifest;
use crate::model::catalog::Entry;
use crate::model::{Read, Table};
use crate::plan::{Facts, Step, reach, reached};
use crate::schema::Kind;
use crate::storage::Store;

/// The files of one chunk of days: what the warehouse holds, and what was built a moment ago.
pub struct Inputs<'a> {
    job: &'a Job<'a>,
    store: &'a Store,
    manifest: &'a Manifest,
    facts: &'a Facts,
    /// Decoded files by kind and day.
    decoded: BTreeMap<(Kind, NaiveDate), Vec<(String, u64)>>,
    /// Built in this chunk and not committed yet.
    built: Mutex<BTreeMap<(String, NaiveDate), Written>>,
    /// Copies of remote objects; gone with the chunk. One is fetched at a time.
    cache: Mutex<tempfile::TempDir>,
}

impl<'a> Inputs<'a> {
    pub fn new(
        job: &'a Job<'a>,
        store: &'a Store,
        manifest: &'a Manifest,
        facts: &'a Facts,
    ) -> Result<Self> {
        let mut decoded: BTreeMap<(Kind, NaiveDate), Vec<(String, u64)>> = BTreeMap::new();
        for object in manifest.objects.values() {
            for (table, file) in object.tables() {
                decoded
                    .entry((table, file.date))
                    .or_default()
                    .push((file.path.clone(), file.bytes));
            }
        }
        let cache = Mutex::new(job.temporary_folder()?);
        Ok(Inputs { job, store, manifest, facts, decoded, built: Mutex::default(), cache })
    }

    /// What is committed, and what the plan knows of time.
    pub fn known(&self) -> (&Manifest, &Facts) {
        (self.manifest, self.facts)
    }

    /// A partition that later steps of the chunk may read.
    pub fn add_built(&self, table: &str, written: &Written) {
        let mut built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        built.insert((table.to_owned(), written.date), written.clone());
    }

    /// The tables that `entry`'s model reads for `step`.
    pub fn tables(&self, entry: &Entry, step: &Step) -> Result<Vec<InputTable>> {
        // Whole periods, so that a week knows which of its days are still to come.
        let mut tables = values::tables(self.job.pipeline, step.days());
        for read in &entry.model.reads {
            tables.push(self.table(entry, read, reach(entry, read, &step.dates(), self.facts))?);
        }
        Ok(tables)
    }

    /// The tables that an audit of `entry`'s model names: the model's own, as just built, and what it
    /// reads.
    pub fn audited(&self, entry: &Entry, step: &Step, sql: &str) -> Result<Vec<InputTable>> {
        let model = &entry.model;
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let words: BTreeSet<&str> = sql.split(|c| !is_word(c)).collect();
        let mut tables = vec![InputTable {
            name: model.name.clone(),
            columns: model.dated_columns(),
            data: TableData::Files(self.partitions(&model.name, &step.dates())?),
        }];
        let others = model.reads.iter().filter(|read| read.table.name() != model.name);
        for read in others.filter(|read| words.contains(read.table.name())) {
            tables.push(self.table(entry, read, reach(entry, read, &step.dates(), self.facts))?);
        }
        Ok(tables)
    }

    fn table(&self, reader: &Entry, read: &Read, days: Interval) -> Result<InputTable> {
        let (columns, files) = match &read.table {
            Table::Input(Kind::UnknownFields) => {
                return Ok(values::unknown_fields(self.manifest, days));
            }
            Table::Input(kind) => (kind.columns(), self.decoded_files(*kind, days)?),
            Table::Model(name) => {
                let entry = self.job.catalog.entry(name);
                let columns = entry.map(|e| e.model.dated_columns()).unwrap_or_default();
                let dates = reached(self.job.catalog, reader, &read.table, days, self.facts);
                (columns, self.partitions(name, &dates)?)
            }
        };
        Ok(InputTable {
            name: read.table.name().to_owned(),
            columns,
            data: TableData::Files(files),
        })
    }

    fn decoded_files(&self, kind: Kind, days: Interval) -> Result<Vec<InputFile>> {
        let mut files = Vec::new();
        let kind = kind.table();
        for (_, paths) in self.decoded.range((kind, days.start)..(kind, days.end)) {
            for (key, bytes) in paths {
                files.push(InputFile { path: self.local(key, *bytes)?, date: None, rows: None });
            }
        }
        Ok(files)
    }

    fn partitions(&self, table: &str, dates: &[NaiveDate]) -> Result<Vec<InputFile>> {
        let mut files: Vec<InputFile> = Vec::new();
        for &date in dates {
            let built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
            let built = built.get(&(table.to_owned(), date)).cloned();
            let (path, rows, first_row) = match (built, self.manifest.partition(table, date)) {
                (Some(Written { rows: 0, .. }), _) => continue,
                (Some(built), _) => (built.path, built.rows, built.first_row),
                (None, None) => continue,
                (None, Some(p)) if p.rows == 0 => continue,
                (None, Some(p)) => (self.local(&p.object, p.bytes)?, p.rows, p.first_row),
            };
            let Some(first) = first_row else {
                files.push(InputFile { path, date: Some(date), rows: None });
                continue;
            };
            match files.last_mut() {
                Some(InputFile { path: last, rows: Some(range), .. })
                    if *last == path && range.first + range.count == first =>
                {
                    range.count += rows;
                }
                _ => {
                    let rows = Some(RowRange { first, count: rows });
                    files.push(InputFile { path, date: None, rows });
                }
            }
        }
        Ok(files)
    }

    /// Of `bytes` bytes, as was committed.
    fn local(&self, key: &str, bytes: u64) -> Result<PathBuf> {
        if let Some(path) = self.store.local_path(key) {
            return Ok(path);
        }
        let cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let path = cache.path().join(key.replace('/', "~"));
        if !path.exists() {
            self.store.download(key, &path)?;
            let found = path.metadata().map_err(|e| io_error(path.display(), e))?.len();
            if found != bytes {
                return Err(Error::new(ErrorKind::Corrupt, "an object is not what was committed")
                    .context("object", self.store.url(key))
                    .context("bytes", found)
                    .context("expected", bytes)
                    .remedy("run again; if it stays so, `chatkpi verify` says what is damaged"));
            }
        }
        Ok(path)
    }
}
