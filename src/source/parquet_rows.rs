//! The rows of a Parquet object, each written as a JSON record.
//!
//! Structs become objects, lists arrays, maps objects by key; instants RFC 3339 in UTC, dates
//! `YYYY-MM-DD`, binary text. Parquet is read from its end, so the object is first written to a
//! nameless file of the folder. Leaves out: speed; tables of events are better read as they are.

use std::fs::File;
use std::io::{Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use chrono::{DateTime, SecondsFormat};
use parquet::data_type::Decimal;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, Row};

use super::unpack::Unpacked;
use crate::error::{Error, ErrorKind, Result, io_error};
use crate::interval::from_day_number;

/// Bytes copied at once.
const BLOCK: usize = 1 << 20;

/// Gives each row as JSON to `take`, with its number from 0.
pub(super) fn read<R: Read>(
    object: Unpacked<R>,
    folder: &Path,
    mut take: impl FnMut(u64, &str) -> Result<()>,
) -> Result<()> {
    let file = spill(object, folder)?;
    let reader = guarded(|| SerializedFileReader::new(file).map_err(damaged))?;
    let mut rows = guarded(|| reader.get_row_iter(None).map_err(damaged))?;
    let mut text = String::new();
    for number in 0.. {
        let Some(row) = guarded(|| rows.next().transpose().map_err(damaged))? else { break };
        text.clear();
        write_row(&row, &mut text);
        take(number, &text)?;
    }
    Ok(())
}

/// The crate's reader of rows meets some damage with a panic; that is an object refused, too.
fn guarded<T>(read: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err(damaged("its pages contradict each other")))
}

fn damaged(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    let cause = cause.into();
    let message = format!("damaged_parquet: {cause}");
    let remedy = if message.contains("feature") {
        "write it uncompressed or with zstd; other codecs are not built in"
    } else {
        "deliver it again, or look at who wrote it"
    };
    Error::new(ErrorKind::Input, message).remedy(remedy)
}

fn spill<R: Read>(mut object: Unpacked<R>, folder: &Path) -> Result<File> {
    let unwritable = |e| io_error(folder.display(), e);
    let mut file = tempfile::tempfile_in(folder).map_err(unwritable)?;
    let mut block = vec![0; BLOCK];
    loop {
        let read = object.read(&mut block)?;
        if read == 0 {
            return Ok(file);
        }
        file.write_all(&block[..read]).map_err(unwritable)?;
    }
}

fn write_row(row: &Row, text: &mut String) {
    text.push('{');
    for (at, (name, field)) in row.get_column_iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        write_text(name, text);
        text.push(':');
        write_field(field, text);
    }
    text.push('}');
}

fn write_field(field: &Field, text: &mut String) {
    match field {
        Field::Null => text.push_str("null"),
        Field::Bool(truth) => text.push_str(if *truth { "true" } else { "false" }),
        Field::Byte(n) => text.push_str(&n.to_string()),
        Field::Short(n) => text.push_str(&n.to_string()),
        Field::Int(n) | Field::TimeMillis(n) => text.push_str(&n.to_string()),
        Field::Long(n) | Field::TimeMicros(n) => text.push_str(&n.to_string()),
        Field::UByte(n) => text.push_str(&n.to_string()),
        Field::UShort(n) => text.push_str(&n.to_string()),
        Field::UInt(n) => text.push_str(&n.to_string()),
        Field::ULong(n) => text.push_str(&n.to_string()),
        Field::Float16(n) => write_double(f64::from(n.to_f32()), text),
        Field::Float(n) => write_double(f64::from(*n), text),
        Field::Double(n) => write_double(*n, text),
        Field::Decimal(decimal) => write_decimal(decimal, text),
        Field::Str(string) => write_text(string, text),
        Field::Bytes(bytes) => write_text(&String::from_utf8_lossy(bytes.data()), text),
        Field::Date(day) => write_text(&from_day_number(*day).to_string(), text),
        Field::TimestampMillis(ms) => write_instant(ms.checked_mul(1_000), text),
        Field::TimestampMicros(us) => write_instant(Some(*us), text),
        Field::Group(row) => write_row(row, text),
        Field::ListInternal(list) => {
            text.push('[');
            for (at, element) in list.elements().iter().enumerate() {
                text.push_str(if at > 0 { "," } else { "" });
                write_field(element, text);
            }
            text.push(']');
        }
        Field::MapInternal(map) => {
            text.push('{');
            for (at, (key, value)) in map.entries().iter().enumerate() {
                text.push_str(if at > 0 { "," } else { "" });
                match key {
                    Field::Str(key) => write_text(key, text),
                    other => write_text(&other.to_string(), text),
                }
                text.push(':');
                write_field(value, text);
            }
            text.push('}');
        }
    }
}

fn write_text(string: &str, text: &mut String) {
    text.push_str(&serde_json::Value::from(string).to_string());
}

/// JSON has no infinity and nothing that is no number.
fn write_double(number: f64, text: &mut String) {
    if number.is_finite() {
        text.push_str(&format!("{number:?}"));
    } else {
        text.push_str("null");
    }
}

fn write_instant(us: Option<i64>, text: &mut String) {
    match us.and_then(DateTime::from_timestamp_micros) {
        Some(at) => write_text(&at.to_rfc3339_opts(SecondsFormat::Micros, true), text),
        None => text.push_str("null"),
    }
}

/// All its digits, as text: a JSON number of so many would be refused.
fn write_decimal(decimal: &Decimal, text: &mut String) {
    let bytes = decimal.data();
    let scale = usize::try_from(decimal.scale()).ok().filter(|scale| *scale <= 38);
    let (Some(scale), 1..=16) = (scale, bytes.len()) else { return text.push_str("null") };
    let sign = if bytes[0] & 0x80 == 0 { 0 } else { u8::MAX };
    let mut wide = [sign; 16];
    wide[16 - bytes.len()..].copy_from_slice(bytes);
    let units = i128::from_be_bytes(wide);
    let digits = format!("{:0>width$}", units.unsigned_abs(), width = scale + 1);
    let (whole, part) = digits.split_at(digits.len() - scale);
    let sign = if units < 0 { "-" } else { "" };
    let point = if part.is_empty() { "" } else { "." };
    write_text(&format!("{sign}{whole}{point}{part}"), text);
}
