//! Written -> audited: nothing is published that was not read back.
//!
//! A file an engine wrote is opened with another library than wrote it, its schema is held to the
//! contract, its rows are counted and hashed. The content hash covers schema and rows in file order
//! and nothing else of the file, so two files of equal content have equal hashes whatever their
//! encoding.

use std::fs::File;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, FieldRef, Float64Type, Int64Type,
    TimestampMicrosecondType,
};
use bytes::Bytes;
use chrono::NaiveDate;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use sha2::{Digest, Sha256};

use crate::engine::Written;
use crate::error::{Error, ErrorKind, Result, io_error};
use crate::model::Model;
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
}

impl Audited {
    pub fn date(&self) -> NaiveDate {
        self.written.date
    }

    /// Hash of schema and rows.
    pub fn content(&self) -> &str {
        &self.content
    }

    pub fn rows(&self) -> u64 {
        self.written.rows
    }

    pub fn path(&self) -> &std::path::Path {
        &self.written.path
    }
}

/// Reads `written` back and holds it to the contract of `model`. The caller has run the model's
/// audits over it.
///
/// # Errors
/// Corrupt where the file is not what the engine said it wrote, audit where a column that must have
/// values has none, internal where it breaks the contract otherwise.
pub fn verify(written: Written, model: &Model) -> Result<Audited> {
    let (rows, content) = content(&written, model)?;
    let bytes = written.path.metadata().map_err(|e| io_error(written.path.display(), e))?.len();
    if rows != written.rows {
        return Err(Error::new(ErrorKind::Corrupt, "a written file holds another number of rows")
            .context("table", &model.name)
            .context("date", written.date)
            .context("expected", written.rows)
            .context("found", rows));
    }
    if bytes > MOST_BYTES {
        return Err(Error::config("a partition is larger than readers accept")
            .context("table", &model.name)
            .context("date", written.date)
            .context("bytes", bytes)
            .remedy("use fewer dimensions, or publish fewer grouping sets"));
    }
    Ok(Audited { table: model.name.clone(), written, content, bytes })
}

fn content(written: &Written, model: &Model) -> Result<(u64, String)> {
    let broken = |message: String| {
        Error::internal(message).context("table", &model.name).context("date", written.date)
    };
    let unreadable = |e: parquet::errors::ParquetError| {
        Error::new(ErrorKind::Corrupt, "a written file cannot be read back")
            .context("table", &model.name)
            .context("date", written.date)
            .because(e)
    };
    let file = File::open(&written.path).map_err(|e| io_error(written.path.display(), e))?;
    // The types that Parquet itself declares, not the writer's hints.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let builder =
        ParquetRecordBatchReaderBuilder::try_new_with_options(file, options).map_err(unreadable)?;
    let columns = model.stored_columns();
    let expected = to_arrow(&columns);
    let found = builder.schema();
    let same = expected.fields().len() == found.fields().len()
        && expected
            .fields()
            .iter()
            .zip(found.fields())
            .all(|(a, b)| a.name() == b.name() && a.data_type() == b.data_type());
    if !same {
        return Err(broken(format!("a file's schema is not the contract's: {found:?}")));
    }
    let reader = builder.build().map_err(unreadable)?;
    let mut sum = Sum::new(&columns);
    for batch in reader {
        let batch: RecordBatch = batch.map_err(|e| unreadable(e.into()))?;
        for (column, array) in columns.iter().zip(batch.columns()) {
            if !column.nullable && array.null_count() > 0 {
                let message = format!("column `{}` holds NULL", column.name);
                return Err(Error::new(ErrorKind::Audit, message)
                    .context("table", &model.name)
                    .context("date", written.date)
                    .remedy("nothing of these days was published; give the column a value in query.sql, or `nullable: true` in model.yaml"));
            }
        }
        sum.add(&batch)?;
    }
    Ok(sum.finish())
}

/// Rows and content hash of a Parquet file, whatever table it is of; None where it cannot be read
/// or has a column that no table here has.
pub(super) fn content_of(bytes: &Bytes) -> Option<(u64, String)> {
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let builder =
        ParquetRecordBatchReaderBuilder::try_new_with_options(bytes.clone(), options).ok()?;
    let column = |field: &FieldRef| {
        let kind = Type::ALL.into_iter().find(|kind| kind.arrow() == *field.data_type())?;
        Some(Column::new(field.name(), kind, true))
    };
    let columns: Vec<Column> = builder.schema().fields().iter().map(column).collect::<Option<_>>()?;
    let mut sum = Sum::new(&columns);
    for batch in builder.build().ok()? {
        sum.add(&batch.ok()?).ok()?;
    }
    Some(sum.finish())
}

/// The content hash under way.
struct Sum {
    rows: u64,
    columns: Vec<Sha256>,
}

impl Sum {
    fn new(columns: &[Column]) -> Self {
        let start = |c: &Column| Sha256::new_with_prefix(format!("{} {} ", c.name, c.kind.name()));
        Sum { rows: 0, columns: columns.iter().map(start).collect() }
    }

    fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        self.rows += batch.num_rows() as u64;
        for (array, hash) in batch.columns().iter().zip(&mut self.columns) {
            hash.update(value_bytes(array)?);
        }
        Ok(())
    }

    fn finish(self) -> (u64, String) {
        let mut whole = Sha256::new();
        whole.update(self.rows.to_le_bytes());
        self.columns.into_iter().for_each(|hash| whole.update(hash.finalize()));
        (self.rows, data_encoding::HEXLOWER.encode(&whole.finalize()[..16]))
    }
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
