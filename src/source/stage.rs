//! Rows -> one Parquet file for each day, in bounded memory.
//!
//! Rows wait in columns until a day has enough of them for a batch, or all days together have too
//! many. Few files are open at once: a day that must make room goes on in a further segment, and
//! its segments become one file in the end. The same rows in the same order give the same files.
//! Leaves out: where the files go next.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::Schema as ArrowSchema;
use arrow::record_batch::RecordBatch;
use chrono::NaiveDate;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::rows::{Cell, Rows};
use crate::error::{Error, Result, io_error};
use crate::interval::from_day_number;
use crate::schema::{Column, Kind, to_arrow};

/// Rows of a day that are handed to Parquet at once.
const BATCH: usize = 1 << 16;
/// Rows of all days that wait.
const WAITING: usize = 4 * BATCH;
/// Files open at once.
const OPEN: usize = 64;
/// Encoded bytes that may wait for the end of their row groups, over all open files.
const ENCODED: usize = 128 << 20;
const ROW_GROUP: usize = 1 << 20;
/// The ending of what segments are put together in.
const JOINED: &str = "joined.segment";

/// Columns with one value for a whole day of one object.
const SAME: &[&str] =
    &["source", "object_key", "date", "day_no", "week_start", "month_start", "dow"];
/// Columns that hardly repeat a value: a dictionary of them is work thrown away.
const DISTINCT: &[&str] = &[
    "record_offset",
    "dedup_hi",
    "dedup_lo",
    "content_hash",
    "ts",
    "ts_us",
    "ts_ms",
    "seq",
    "event_id",
    "opened_us",
    "closed_us",
    "contact_id",
];

/// A written file of one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StagedFile {
    pub date: NaiveDate,
    pub path: PathBuf,
    pub rows: u64,
    pub bytes: u64,
}

/// The days of an object on their way to disk. Files of an unfinished stage are removed.
pub(super) struct Stage {
    folder: PathBuf,
    /// What its files' names begin with.
    prefix: &'static str,
    columns: Vec<Column>,
    schema: Arc<ArrowSchema>,
    properties: WriterProperties,
    days: BTreeMap<i32, DayFile>,
    waiting: usize,
    flushes: u64,
    finished: bool,
}

struct DayFile {
    rows: Rows,
    writer: Option<ArrowWriter<File>>,
    segments: Vec<PathBuf>,
    written: u64,
    /// The flush that used the writer last.
    used: u64,
}

impl Stage {
    pub(super) fn new(kind: Kind, folder: &Path, prefix: &'static str) -> Result<Self> {
        let columns = kind.columns();
        let schema = Arc::new(to_arrow(&columns));
        Ok(Stage {
            folder: folder.to_owned(),
            prefix,
            columns,
            schema,
            properties: properties()?,
            days: BTreeMap::new(),
            waiting: 0,
            flushes: 0,
            finished: false,
        })
    }

    pub(super) fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Appends a row to the file of `day` (days since 1970).
    pub(super) fn push(&mut self, day: i32, cells: &[Cell]) -> Result<()> {
        let columns = &self.columns;
        let file = self.days.entry(day).or_insert_with(|| DayFile {
            rows: Rows::new(columns, SAME, cells),
            writer: None,
            segments: Vec::new(),
            written: 0,
            used: 0,
        });
        file.rows.push(cells)?;
        self.waiting += 1;
        if file.rows.len() >= BATCH {
            self.flush(day)?;
        } else if self.waiting >= WAITING {
            self.make_room()?;
        }
        Ok(())
    }

    /// Writes what waits and closes the files, in the order of their days.
    pub(super) fn finish(mut self) -> Result<Vec<StagedFile>> {
        let days: Vec<i32> = self.days.keys().copied().collect();
        let mut files = Vec::with_capacity(days.len());
        for day in days {
            self.flush(day)?;
            self.close(day)?;
            let path = self.join(day)?;
            let bytes = fs::metadata(&path).map_err(|e| io_error(path.display(), e))?.len();
            let rows = self.days.get(&day).map_or(0, |file| file.written);
            files.push(StagedFile { date: from_day_number(day), path, rows, bytes });
        }
        self.finished = true;
        Ok(files)
    }

    /// Writes the fullest days until half of what waits is gone.
    fn make_room(&mut self) -> Result<()> {
        let mut days: Vec<(usize, i32)> =
            self.days.iter().map(|(day, file)| (file.rows.len(), *day)).collect();
        days.sort_unstable_by(|a, b| b.cmp(a));
        for (_, day) in days {
            if self.waiting <= WAITING / 2 {
                break;
            }
            self.flush(day)?;
        }
        Ok(())
    }

    fn flush(&mut self, day: i32) -> Result<()> {
        let Some(file) = self.days.get_mut(&day).filter(|file| file.rows.len() > 0) else {
            return Ok(());
        };
        let batch = file.rows.take(&self.schema)?;
        self.waiting -= batch.num_rows();
        self.open(day)?;
        self.flushes += 1;
        if let Some(file) = self.days.get_mut(&day)
            && let Some(writer) = &mut file.writer
        {
            writer.write(&batch).map_err(|e| unwritable(&self.folder, e))?;
            file.written += batch.num_rows() as u64;
            file.used = self.flushes;
        }
        self.bound_encoded()
    }

    /// Opens a segment for `day`, closing the one that rested longest where too many are open.
    fn open(&mut self, day: i32) -> Result<()> {
        let open = self.days.iter().filter(|(_, file)| file.writer.is_some());
        let resting = open.clone().min_by_key(|(_, file)| file.used).map(|(day, _)| *day);
        let (count, resting) = (open.count(), resting);
        let Some(file) = self.days.get_mut(&day).filter(|file| file.writer.is_none()) else {
            return Ok(());
        };
        let ending = match file.segments.len() {
            0 => "pq".to_owned(),
            n => format!("{n}.segment"),
        };
        let path = path_of(&self.folder, self.prefix, day, &ending);
        file.writer = Some(create(&path, &self.schema, &self.properties)?);
        file.segments.push(path);
        match resting {
            Some(resting) if count >= OPEN => self.close(resting),
            _ => Ok(()),
        }
    }

    /// Ends row groups early when encoded pages take too much memory.
    fn bound_encoded(&mut self) -> Result<()> {
        let writers = || self.days.values().filter_map(|file| file.writer.as_ref());
        if writers().map(ArrowWriter::memory_size).sum::<usize>() <= ENCODED {
            return Ok(());
        }
        let folder = &self.folder;
        for writer in self.days.values_mut().filter_map(|file| file.writer.as_mut()) {
            writer.flush().map_err(|e| unwritable(folder, e))?;
        }
        Ok(())
    }

    fn close(&mut self, day: i32) -> Result<()> {
        if let Some(writer) = self.days.get_mut(&day).and_then(|file| file.writer.take()) {
            writer.close().map_err(|e| unwritable(&self.folder, e))?;
        }
        Ok(())
    }

    /// Makes one file of a day's segments.
    fn join(&self, day: i32) -> Result<PathBuf> {
        let path = path_of(&self.folder, self.prefix, day, "pq");
        let segments = self.days.get(&day).map_or(&[][..], |file| &file.segments);
        if segments.len() < 2 {
            return Ok(path);
        }
        let joined = path_of(&self.folder, self.prefix, day, JOINED);
        let mut writer = create(&joined, &self.schema, &self.properties)?;
        for segment in segments {
            for batch in read(segment)? {
                let batch = batch.map_err(|e| unwritable(&self.folder, e))?;
                writer.write(&batch).map_err(|e| unwritable(&self.folder, e))?;
            }
        }
        writer.close().map_err(|e| unwritable(&self.folder, e))?;
        fs::rename(&joined, &path).map_err(|e| io_error(path.display(), e))?;
        for segment in &segments[1..] {
            fs::remove_file(segment).map_err(|e| io_error(segment.display(), e))?;
        }
        Ok(path)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        for (day, file) in std::mem::take(&mut self.days) {
            drop(file.writer);
            let joined = path_of(&self.folder, self.prefix, day, JOINED);
            for path in file.segments.iter().chain([&joined]) {
                // The folder is the caller's scratch; what cannot be removed goes with it.
                _ = fs::remove_file(path);
            }
        }
    }
}

fn path_of(folder: &Path, prefix: &str, day: i32, ending: &str) -> PathBuf {
    folder.join(format!("{prefix}{}.{ending}", from_day_number(day)))
}

fn properties() -> Result<WriterProperties> {
    let level = ZstdLevel::try_new(1).map_err(|e| Error::internal("zstd level").because(e))?;
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_max_row_group_row_count(Some(ROW_GROUP));
    for column in DISTINCT {
        properties = properties.set_column_dictionary_enabled(ColumnPath::from(*column), false);
    }
    Ok(properties.build())
}

fn create(
    path: &Path,
    schema: &Arc<ArrowSchema>,
    properties: &WriterProperties,
) -> Result<ArrowWriter<File>> {
    let file = File::create(path).map_err(|e| io_error(path.display(), e))?;
    ArrowWriter::try_new(file, schema.clone(), Some(properties.clone()))
        .map_err(|e| unwritable(path, e))
}

fn read(
    path: &Path,
) -> Result<impl Iterator<Item = std::result::Result<RecordBatch, arrow::error::ArrowError>>> {
    let file = File::open(path).map_err(|e| io_error(path.display(), e))?;
    ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(|builder| builder.with_batch_size(BATCH).build())
        .map_err(|e| unwritable(path, e))
}

fn unwritable(path: &Path, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(crate::error::ErrorKind::Transient, "cannot write decoded rows")
        .context("folder", path.display())
        .because(cause)
        .remedy("look at the free space of --tmp-dir")
}
