//! Written -> audited: nothing is published that was not read back.
//!
//! A file an engine wrote is opened with another library than wrote it, its schema is held to the
//! contract, its rows are counted and hashed. The content hash covers schema and rows in file order
//! and nothing else of the file, so two files of equal content have equal hashes whatever their
//! encoding.

use std::fs::File;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::kernels::cmp::not_distinct;
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, FieldRef, Float64Type, Int64Type, Schema,
    TimestampMicrosecondType,
};
use bytes::Bytes;
use chrono::NaiveDate;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use sha2::{Digest, Sha256};

use crate::engine::Written;
use crate::error::{Error, ErrorKind, Result, io_error};
use crate::interval::day_number;
use crate::model::Model;
use crate::parallel;
use crate::schema::{Column, Type, to_arrow};

/// Larger files are refused: readers and single uploads want partitions smaller than this.
const MOST_BYTES: u64 = 512 << 20;

/// A partition that was read back and passed its audits. Only [`verify`] makes one, so only what
/// was looked at can be published.
#[derive(Debug)]
pub struct Audited {
    pub(super) written: Written,
    pub(super) table: String,
    pub(super) content: String,
    pub(super) bytes: u64,
    repeats: bool,
}

impl Audited {
    pub fn date(&self) -> NaiveDate {
        self.written.date
    }

    /// Hash of schema and rows.
    pub fn content(&self) -> &str {
        &self.content
    }

    /// Two rows share a grain.
    pub fn repeats(&self) -> bool {
        self.repeats
    }

    pub fn rows(&self) -> u64 {
        self.written.rows
    }

    pub fn path(&self) -> &std::path::Path {
        &self.written.path
    }
}

/// Reads what a step wrote back and holds it to the contract of `model`: a file for each date, or
/// one for all of them in the order of the dates. The caller has run the model's audits over it.
///
/// # Errors
/// Corrupt where a file is not what the engine said it wrote, audit where a column that must have
/// values has none, internal where it breaks the contract otherwise.
pub fn verify(written: Vec<Written>, model: &Model, threads: usize) -> Result<Vec<Audited>> {
    let mut files: Vec<Vec<Written>> = Vec::new();
    for one in written {
        match files.last_mut() {
            Some(dates) if dates[0].path == one.path => dates.push(one),
            _ => files.push(vec![one]),
        }
    }
    let verified = |n: usize| verify_file(&files[n], model);
    let audited = parallel::side_by_side(threads, files.len(), verified)?;
    Ok(audited.into_iter().flatten().collect())
}

fn verify_file(dates: &[Written], model: &Model) -> Result<Vec<Audited>> {
    let path = &dates[0].path;
    let bytes = path.metadata().map_err(|e| io_error(path.display(), e))?.len();
    if bytes > MOST_BYTES && model.is_published() {
        return Err(Error::config("a partition is larger than readers accept")
            .context("table", &model.name)
            .context("date", dates[0].date)
            .context("bytes", bytes)
            .remedy("use fewer dimensions, or publish fewer grouping sets"));
    }
    let one = |(written, (content, repeats)): (&Written, (String, bool))| Audited {
        table: model.name.clone(),
        written: written.clone(),
        content,
        bytes,
        repeats,
    };
    Ok(dates.iter().zip(contents(dates, model)?).map(one).collect())
}

/// Of each of `dates`, which share a file, the content hash and whether two rows share a grain.
fn contents(dates: &[Written], model: &Model) -> Result<Vec<(String, bool)>> {
    let place = |e: Error| e.context("table", &model.name).context("date", dates[0].date);
    let unreadable = |e: parquet::errors::ParquetError| {
        place(Error::new(ErrorKind::Corrupt, "a written file cannot be read back").because(e))
    };
    let path = &dates[0].path;
    let file = File::open(path).map_err(|e| io_error(path.display(), e))?;
    // The types that Parquet itself declares, not the writer's hints.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let builder =
        ParquetRecordBatchReaderBuilder::try_new_with_options(file, options).map_err(unreadable)?;
    let mut columns = model.stored_columns();
    let stores_date = dates[0].first_row.is_some();
    if stores_date {
        columns.insert(0, Column::new("date", Type::Date, false));
    }
    check_schema(&columns, builder.schema()).map_err(place)?;
    let mut hashes = dates
        .iter()
        .map(|_| Hashes::new(&model.stored_columns(), &model.grain))
        .collect::<Vec<_>>();
    let mut at = 0;
    for batch in builder.build().map_err(unreadable)? {
        let mut batch: RecordBatch = batch.map_err(|e| unreadable(e.into()))?;
        while batch.num_rows() > 0 {
            let Some(written) = dates.get(at) else {
                return Err(place(other_rows(dates, batch.num_rows())));
            };
            let left = (written.rows - hashes[at].rows) as usize;
            let now = left.min(batch.num_rows());
            let part = batch.slice(0, now);
            check_values(&columns, &part, written, stores_date).map_err(place)?;
            hashes[at].add(&part.columns()[usize::from(stores_date)..])?;
            batch = batch.slice(now, batch.num_rows() - now);
            at += usize::from(now == left);
        }
    }
    if hashes.iter().zip(dates).any(|(hash, written)| hash.rows != written.rows) {
        return Err(place(other_rows(dates, 0)));
    }
    Ok(hashes.into_iter().map(Hashes::finish).collect())
}

fn other_rows(dates: &[Written], more: usize) -> Error {
    Error::new(ErrorKind::Corrupt, "a written file holds another number of rows")
        .context("expected", dates.iter().map(|w| w.rows).sum::<u64>())
        .context("more than that", more)
}

fn check_schema(columns: &[Column], found: &Schema) -> Result<()> {
    let expected = to_arrow(columns);
    let same = expected.fields().len() == found.fields().len()
        && expected
            .fields()
            .iter()
            .zip(found.fields())
            .all(|(a, b)| a.name() == b.name() && a.data_type() == b.data_type());
    match same {
        true => Ok(()),
        false => Err(Error::internal(format!("a file's schema is not the contract's: {found:?}"))),
    }
}

fn check_values(
    columns: &[Column],
    rows: &RecordBatch,
    written: &Written,
    stores_date: bool,
) -> Result<()> {
    for (column, array) in columns.iter().zip(rows.columns()) {
        if !column.nullable && array.null_count() > 0 {
            let message = format!("column `{}` holds NULL", column.name);
            return Err(Error::new(ErrorKind::Audit, message)
                .remedy("nothing of these days was published; give the column a value in query.sql, or `nullable: true` in model.yaml"));
        }
    }
    let is_other = |day: &i32| *day != day_number(written.date);
    if stores_date && rows.column(0).as_primitive::<Date32Type>().values().iter().any(is_other) {
        return Err(Error::new(ErrorKind::Corrupt, "a written file holds rows of another date")
            .context("expected", written.date));
    }
    Ok(())
}

/// Rows and content hash of one partition in the bytes of a file, whatever table it is of: of
/// `part`, so many rows from a first one on, where the file has a column `date` and holds several.
/// None where it cannot be read, or has a column that no table here has.
pub(super) fn content_of(bytes: &Bytes, part: Option<(u64, u64)>) -> Option<(u64, String)> {
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let builder =
        ParquetRecordBatchReaderBuilder::try_new_with_options(bytes.clone(), options).ok()?;
    let column = |field: &FieldRef| {
        let kind = Type::ALL.into_iter().find(|kind| kind.arrow() == *field.data_type())?;
        Some(Column::new(field.name(), kind, true))
    };
    let columns: Option<Vec<Column>> = builder.schema().fields().iter().map(column).collect();
    let (columns, skipped) = (columns?, usize::from(part.is_some()));
    let (first, rows) = part.unwrap_or((0, u64::MAX));
    let mut sum = Hashes::new(columns.get(skipped..)?, &[]);
    let mut at = 0;
    for batch in builder.build().ok()? {
        let batch = batch.ok()?;
        let (start, end) = (at, at + batch.num_rows() as u64);
        let (from, to) = (first.clamp(start, end), first.saturating_add(rows).clamp(start, end));
        let own = batch.slice((from - start) as usize, (to - from) as usize);
        sum.add(&own.columns()[skipped..]).ok()?;
        at = end;
    }
    Some((sum.rows, sum.finish().0))
}

/// A running hash of schema and rows, which come in the order of the grain.
struct Hashes {
    columns: Vec<Sha256>,
    rows: u64,
    /// Which columns are the grain's.
    grain: Vec<usize>,
    /// The grain of the row before.
    last: Option<Vec<ArrayRef>>,
    repeats: bool,
}

impl Hashes {
    fn new(columns: &[Column], grain: &[String]) -> Self {
        let start = |c: &Column| Sha256::new_with_prefix(format!("{} {} ", c.name, c.kind.name()));
        let place = |name: &String| columns.iter().position(|c| c.name == *name);
        Hashes {
            columns: columns.iter().map(start).collect(),
            rows: 0,
            grain: grain.iter().filter_map(place).collect(),
            last: None,
            repeats: false,
        }
    }

    fn add(&mut self, arrays: &[ArrayRef]) -> Result<()> {
        self.rows += arrays.first().map_or(0, |a| a.len() as u64);
        for (array, hash) in arrays.iter().zip(&mut self.columns) {
            hash.update(value_bytes(array)?);
        }
        let keys: Vec<ArrayRef> = self.grain.iter().map(|i| arrays[*i].clone()).collect();
        let rows = arrays.first().map_or(0, |a| a.len());
        if rows == 0 {
            return Ok(());
        }
        let slice = |from, count| keys.iter().map(|k| k.slice(from, count)).collect::<Vec<_>>();
        self.repeats |= any_equal(&slice(0, rows - 1), &slice(1, rows - 1), rows - 1)?;
        if let Some(last) = &self.last {
            self.repeats |= any_equal(last, &slice(0, 1), 1)?;
        }
        self.last = Some(slice(rows - 1, 1));
        Ok(())
    }

    fn finish(self) -> (String, bool) {
        let mut whole = Sha256::new();
        whole.update(self.rows.to_le_bytes());
        self.columns.into_iter().for_each(|hash| whole.update(hash.finalize()));
        (data_encoding::HEXLOWER.encode(&whole.finalize()[..16]), self.repeats)
    }
}

/// Whether in any of `rows` all columns of `a` equal those of `b`; NULL equals NULL.
fn any_equal(a: &[ArrayRef], b: &[ArrayRef], rows: usize) -> Result<bool> {
    let mut equal = vec![true; rows];
    for (a, b) in a.iter().zip(b) {
        let same = not_distinct(a, b);
        let same = same.map_err(|e| Error::internal("keys cannot be compared").because(e))?;
        for (row, equal) in equal.iter_mut().enumerate() {
            *equal &= same.value(row);
        }
    }
    Ok(equal.contains(&true))
}

/// The values one after the other, each with a byte for NULL: independent of batch boundaries.
fn value_bytes(array: &dyn Array) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(array.len() * 9);
    macro_rules! fixed {
        ($values:expr) => {{
            let values = $values;
            for row in 0..values.len() {
                bytes.push(u8::from(values.is_valid(row)));
                if values.is_valid(row) {
                    bytes.extend_from_slice(&values.value(row).to_le_bytes());
                }
            }
        }};
    }
    match array.data_type() {
        DataType::Int64 => fixed!(array.as_primitive::<Int64Type>()),
        DataType::Float64 => fixed!(array.as_primitive::<Float64Type>()),
        DataType::Date32 => fixed!(array.as_primitive::<Date32Type>()),
        DataType::Decimal128(..) => fixed!(array.as_primitive::<Decimal128Type>()),
        DataType::Timestamp(..) => fixed!(array.as_primitive::<TimestampMicrosecondType>()),
        DataType::Boolean => {
            let values = array.as_boolean();
            bytes.extend(values.iter().map(|v| v.map_or(0, |v| 1 + u8::from(v))));
        }
        DataType::Utf8 => {
            for value in array.as_string::<i32>() {
                bytes.push(u8::from(value.is_some()));
                if let Some(value) = value {
                    bytes.extend_from_slice(&(value.len() as u64).to_le_bytes());
                    bytes.extend_from_slice(value.as_bytes());
                }
            }
        }
        other => return Err(Error::internal(format!("no canonical bytes for {other}"))),
    }
    Ok(bytes)
}
