//! Rows written by hand, as typed Parquet.
//!
//! A CSV names only the columns that matter; the others get neutral values: what follows from the
//! columns that are named (`date` from `ts_us`, `day_no` from `date`, `is_activity` from actor and
//! type), the row's number for positions, bot `b`, channel `web`, one session key for all, NULL
//! wherever a column allows it. Microseconds may be written as RFC 3339 in any column of numbers,
//! and between braces inside text: `c1-{2026-03-10T10:00:00Z}-1` is a session's key. An empty cell is
//! NULL, or empty text where a text column allows no NULL.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::compute::{CastOptions, cast_with_options};
use chatkpi::schema::{Column, Type, to_arrow};
use chrono::{DateTime, NaiveDate};
use chrono_tz::Tz;
use parquet::arrow::ArrowWriter;

use crate::support::calendar::local_date;

/// A CSV file as text.
pub struct Rows {
    pub header: Vec<String>,
    pub rows: Vec<BTreeMap<String, String>>,
}

/// Reads a CSV whose header names some of `columns`.
pub fn read(file: &Path, columns: &[Column]) -> Rows {
    let place = file.display();
    let mut reader = csv::Reader::from_path(file).unwrap_or_else(|e| panic!("{place}: {e}"));
    let header: Vec<String> =
        reader.headers().expect("a header line").iter().map(|h| h.trim().to_owned()).collect();
    for name in &header {
        assert!(columns.iter().any(|c| c.name == *name), "{place}: there is no column `{name}`");
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.unwrap_or_else(|e| panic!("{place}: {e}"));
        let cells = record.iter().map(|cell| cell.trim().to_owned());
        rows.push(header.iter().cloned().zip(cells).collect());
    }
    Rows { header, rows }
}

/// Writes all `columns` of `rows`, the ones that are not named with neutral values.
pub fn write(rows: &Rows, columns: &[Column], path: &Path, zone: Tz, first_day: NaiveDate) {
    let arrays = columns.iter().map(|column| {
        let cells = rows.rows.iter().enumerate().map(|(number, row)| match row.get(&column.name) {
            Some(text) => given(column, text),
            None => neutral(column, number + 1, &Known { row, zone, first_day }),
        });
        typed(column, cells.collect())
    });
    let schema = Arc::new(to_arrow(columns));
    let batch =
        RecordBatch::try_new(schema.clone(), arrays.collect()).expect("columns of one height");
    let file = File::create(path).expect("a file in the temporary folder");
    let mut writer = ArrowWriter::try_new(file, schema, None).expect("a Parquet writer");
    writer.write(&batch).expect("rows can be written");
    writer.close().expect("a Parquet file");
}

fn given(column: &Column, text: &str) -> Option<String> {
    match (text, column.kind) {
        ("", Type::Text) if !column.nullable => Some(String::new()),
        ("", _) => None,
        (_, Type::Bigint | Type::Timestamp) if text.contains('T') => {
            Some(instant(text).to_string())
        }
        (_, Type::Text) => Some(with_micros(text)),
        _ => Some(text.to_owned()),
    }
}

/// Replaces each instant in braces by its microseconds.
fn with_micros(text: &str) -> String {
    match text.split_once('{').and_then(|(head, rest)| Some((head, rest.split_once('}')?))) {
        Some((head, (inside, tail))) => format!("{head}{}{}", instant(inside), with_micros(tail)),
        None => text.to_owned(),
    }
}

fn instant(text: &str) -> i64 {
    let instant = DateTime::parse_from_rfc3339(text);
    instant.unwrap_or_else(|e| panic!("`{text}` is no instant: {e}")).timestamp_micros()
}

fn typed(column: &Column, cells: Vec<Option<String>>) -> ArrayRef {
    let text: ArrayRef = Arc::new(StringArray::from(cells));
    let options = CastOptions { safe: false, ..CastOptions::default() };
    let to = |from: &ArrayRef, kind: Type| {
        cast_with_options(from, &kind.arrow(), &options)
            .unwrap_or_else(|e| panic!("column `{}`: {e}", column.name))
    };
    match column.kind {
        // Instants are microseconds in text, too.
        Type::Timestamp => to(&to(&text, Type::Bigint), Type::Timestamp),
        kind => to(&text, kind),
    }
}

/// What a neutral value can be derived from.
struct Known<'a> {
    row: &'a BTreeMap<String, String>,
    zone: Tz,
    first_day: NaiveDate,
}

impl Known<'_> {
    fn text(&self, name: &str) -> Option<&str> {
        self.row.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    fn micros(&self, names: &[&str]) -> Option<i64> {
        let text = names.iter().find_map(|name| self.text(name))?;
        Some(text.parse().unwrap_or_else(|_| instant(text)))
    }

    /// The local date of the row's own instant, else the case's first day.
    fn date(&self) -> NaiveDate {
        if let Some(text) = self.text("date") {
            return text.parse().unwrap_or_else(|_| panic!("`{text}` is no date"));
        }
        let own = self.micros(&["ts_us", "opened_us", "start_us"]);
        own.map_or(self.first_day, |us| local_date(self.zone, us))
    }

    fn is_activity(&self) -> bool {
        let actor = self.text("actor").unwrap_or("user");
        self.text("type").unwrap_or("message") == "message" && actor != "system"
    }
}

fn neutral(column: &Column, number: usize, known: &Known<'_>) -> Option<String> {
    let noon = || known.date().and_hms_opt(12, 0, 0).map_or(0, |t| t.and_utc().timestamp_micros());
    let text = match column.name.as_str() {
        "date" | "turn_date" | "session_date" => known.date().to_string(),
        "event_date" => known
            .micros(&["ts_us"])
            .map_or(known.date(), |us| local_date(known.zone, us))
            .to_string(),
        "day_no" => (known.date() - NaiveDate::default()).num_days().to_string(),
        "ts_us" | "opened_us" => noon().to_string(),
        "start_us" => known.micros(&["ts_us"]).unwrap_or_else(noon).to_string(),
        "end_us" => known.micros(&["start_us"]).unwrap_or_else(noon).to_string(),
        "seq" | "event_no" | "answer_no" | "record_offset" | "dedup_lo" => number.to_string(),
        "is_activity" => i64::from(known.is_activity()).to_string(),
        "turn_no" | "chain_key" => "1".to_owned(),
        "session_channel" => known.text("channel").unwrap_or("web").to_owned(),
        "event_id" => String::new(),
        _ if column.nullable => return None,
        "bot" | "source" => "b".to_owned(),
        "channel" => "web".to_owned(),
        "actor" => "user".to_owned(),
        "type" => "message".to_owned(),
        "session_key" => "s".to_owned(),
        "user_key" => "u".to_owned(),
        "outcome" => "resolved_assumed".to_owned(),
        "abandon_reason" => "none".to_owned(),
        _ => match column.kind {
            Type::Bigint | Type::Double | Type::Decimal => "0".to_owned(),
            Type::Boolean => "false".to_owned(),
            Type::Text => "unknown".to_owned(),
            Type::Date => known.date().to_string(),
            Type::Timestamp => noon().to_string(),
        },
    };
    Some(text)
}
