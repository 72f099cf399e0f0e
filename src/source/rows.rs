//! Typed cells -> Arrow columns of the kind's contract.
//!
//! The columns come from [`crate::schema`], so a decoder cannot write others. Columns whose value is
//! the same for a whole day are kept once. Leaves out: files.

use std::iter::repeat_n;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Date32Array, Date32Builder, Decimal128Builder, Float64Builder,
    Int64Array, Int64Builder, StringArray, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow::datatypes::Schema as ArrowSchema;
use arrow::record_batch::RecordBatch;

use crate::error::{Error, Result};
use crate::interval::from_day_number;
use crate::schema::{Column, DECIMAL_PRECISION, DECIMAL_SCALE, Type};

/// One value of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Cell<'a> {
    Null,
    /// Also timestamps, in microseconds.
    Integer(i64),
    Double(f64),
    /// In units of the scale.
    Decimal(i64),
    Boolean(bool),
    Text(&'a str),
    /// Days since 1970.
    Date(i32),
}

impl<'a> Cell<'a> {
    pub(super) fn integer(value: Option<i64>) -> Self {
        value.map_or(Cell::Null, Cell::Integer)
    }

    pub(super) fn double(value: Option<f64>) -> Self {
        value.map_or(Cell::Null, Cell::Double)
    }

    pub(super) fn decimal(value: Option<i64>) -> Self {
        value.map_or(Cell::Null, Cell::Decimal)
    }

    pub(super) fn boolean(value: Option<bool>) -> Self {
        value.map_or(Cell::Null, Cell::Boolean)
    }

    pub(super) fn text(value: Option<&'a str>) -> Self {
        value.map_or(Cell::Null, Cell::Text)
    }

    /// For people: what `check` shows.
    pub(super) fn show(self) -> String {
        match self {
            Cell::Null => String::new(),
            Cell::Integer(n) => n.to_string(),
            Cell::Double(n) => n.to_string(),
            Cell::Decimal(units) => {
                let scale = 10_u64.pow(DECIMAL_SCALE.unsigned_abs().into());
                let sign = if units < 0 { "-" } else { "" };
                let (whole, part) = (units.unsigned_abs() / scale, units.unsigned_abs() % scale);
                format!("{sign}{whole}.{part:06}")
            }
            Cell::Boolean(truth) => truth.to_string(),
            Cell::Text(text) => text.to_owned(),
            Cell::Date(day) => from_day_number(day).to_string(),
        }
    }

    /// Appends an encoding that no other value and no other row of values has.
    pub(super) fn encode(self, bytes: &mut Vec<u8>) {
        match self {
            Cell::Null => bytes.push(0),
            Cell::Integer(n) => encode_tagged(bytes, 1, n.to_le_bytes()),
            Cell::Double(n) => encode_tagged(bytes, 2, n.to_bits().to_le_bytes()),
            Cell::Decimal(n) => encode_tagged(bytes, 3, n.to_le_bytes()),
            Cell::Boolean(truth) => bytes.extend_from_slice(&[4, u8::from(truth)]),
            Cell::Text(text) => {
                encode_tagged(bytes, 5, (text.len() as u64).to_le_bytes());
                bytes.extend_from_slice(text.as_bytes());
            }
            Cell::Date(day) => encode_tagged(bytes, 6, i64::from(day).to_le_bytes()),
        }
    }
}

/// The rows of one day, in columns.
pub(super) struct Rows {
    columns: Vec<Buffer>,
    len: usize,
}

enum Buffer {
    Same(Same),
    Bigint(Int64Builder),
    Double(Float64Builder),
    Decimal(Decimal128Builder),
    Boolean(BooleanBuilder),
    Text(StringBuilder),
    Date(Date32Builder),
    Timestamp(TimestampMicrosecondBuilder),
}

/// The one value of a column in all rows.
enum Same {
    Integer(i64),
    Text(String),
    Date(i32),
}

impl Rows {
    /// Columns named in `same` take their value from `first`, whatever later rows say.
    pub(super) fn new(columns: &[Column], same: &[&str], first: &[Cell]) -> Self {
        let buffer = |(column, cell): (&Column, &Cell)| {
            let is_same = same.contains(&column.name.as_str());
            Same::of(*cell)
                .filter(|_| is_same)
                .map_or_else(|| Buffer::new(column.kind), Buffer::Same)
        };
        Rows { columns: columns.iter().zip(first).map(buffer).collect(), len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Appends a row. A cell of another type than its column's is a bug.
    pub(super) fn push(&mut self, cells: &[Cell]) -> Result<()> {
        if cells.len() != self.columns.len() {
            return Err(Error::internal("a row has other columns than its table"));
        }
        for (buffer, cell) in self.columns.iter_mut().zip(cells) {
            if !buffer.push(*cell) {
                return Err(Error::internal(format!("{cell:?} is not of its column's type")));
            }
        }
        self.len += 1;
        Ok(())
    }

    /// Takes the rows out; the buffer is empty afterwards.
    pub(super) fn take(&mut self, schema: &Arc<ArrowSchema>) -> Result<RecordBatch> {
        let rows = std::mem::take(&mut self.len);
        let arrays =
            self.columns.iter_mut().map(|buffer| buffer.take(rows)).collect::<Result<_>>()?;
        RecordBatch::try_new(schema.clone(), arrays)
            .map_err(|e| Error::internal("decoded rows do not fit their table").because(e))
    }
}

impl Buffer {
    fn new(kind: Type) -> Self {
        // Days with few rows are many when an object spans years: nothing is reserved.
        match kind {
            Type::Bigint => Buffer::Bigint(Int64Builder::with_capacity(0)),
            Type::Double => Buffer::Double(Float64Builder::with_capacity(0)),
            Type::Decimal => Buffer::Decimal(Decimal128Builder::with_capacity(0)),
            Type::Boolean => Buffer::Boolean(BooleanBuilder::with_capacity(0)),
            Type::Text => Buffer::Text(StringBuilder::with_capacity(0, 0)),
            Type::Date => Buffer::Date(Date32Builder::with_capacity(0)),
            Type::Timestamp => Buffer::Timestamp(TimestampMicrosecondBuilder::with_capacity(0)),
        }
    }

    fn push(&mut self, cell: Cell) -> bool {
        match (self, cell) {
            (Buffer::Same(_), _) => (),
            (Buffer::Bigint(column), Cell::Integer(n)) => column.append_value(n),
            (Buffer::Bigint(column), Cell::Null) => column.append_null(),
            (Buffer::Text(column), Cell::Text(text)) => column.append_value(text),
            (Buffer::Text(column), Cell::Null) => column.append_null(),
            (Buffer::Double(column), Cell::Double(n)) => column.append_value(n),
            (Buffer::Double(column), Cell::Null) => column.append_null(),
            (Buffer::Decimal(column), Cell::Decimal(n)) => column.append_value(i128::from(n)),
            (Buffer::Decimal(column), Cell::Null) => column.append_null(),
            (Buffer::Boolean(column), Cell::Boolean(truth)) => column.append_value(truth),
            (Buffer::Boolean(column), Cell::Null) => column.append_null(),
            (Buffer::Date(column), Cell::Date(day)) => column.append_value(day),
            (Buffer::Date(column), Cell::Null) => column.append_null(),
            (Buffer::Timestamp(column), Cell::Integer(us)) => column.append_value(us),
            (Buffer::Timestamp(column), Cell::Null) => column.append_null(),
            _ => return false,
        }
        true
    }

    fn take(&mut self, rows: usize) -> Result<ArrayRef> {
        Ok(match self {
            Buffer::Same(same) => same.repeat(rows),
            Buffer::Bigint(column) => Arc::new(column.finish()),
            Buffer::Double(column) => Arc::new(column.finish()),
            Buffer::Decimal(column) => {
                let typed =
                    column.finish().with_precision_and_scale(DECIMAL_PRECISION, DECIMAL_SCALE);
                Arc::new(typed.map_err(|e| Error::internal("a decimal's type").because(e))?)
            }
            Buffer::Boolean(column) => Arc::new(column.finish()),
            Buffer::Text(column) => Arc::new(column.finish()),
            Buffer::Date(column) => Arc::new(column.finish()),
            Buffer::Timestamp(column) => Arc::new(column.finish().with_timezone("UTC")),
        })
    }
}

impl Same {
    fn of(cell: Cell) -> Option<Self> {
        match cell {
            Cell::Integer(n) => Some(Same::Integer(n)),
            Cell::Text(text) => Some(Same::Text(text.to_owned())),
            Cell::Date(day) => Some(Same::Date(day)),
            _ => None,
        }
    }

    fn repeat(&self, rows: usize) -> ArrayRef {
        match self {
            Same::Integer(n) => Arc::new(Int64Array::from_value(*n, rows)),
            Same::Text(text) => Arc::new(StringArray::from_iter_values(repeat_n(text, rows))),
            Same::Date(day) => Arc::new(Date32Array::from_value(*day, rows)),
        }
    }
}

fn encode_tagged(bytes: &mut Vec<u8>, tag: u8, value: [u8; 8]) {
    bytes.push(tag);
    bytes.extend_from_slice(&value);
}
