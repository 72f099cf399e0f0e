//! What decoding promises, from bytes to the Parquet read back.

mod ai;
mod desks;
mod examples;
mod layouts;
mod mapped;
mod objects;
mod properties;
mod refusals;
mod samples;
mod tables;
mod vendors;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use arrow::array::{Array, AsArray};
use arrow::compute::concat_batches;
use arrow::datatypes::{
    Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType,
};
use arrow::record_batch::RecordBatch;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::*;
use crate::error::ErrorKind;
use crate::interval::from_day_number;
use crate::pipeline::{Adapter, PathPattern};
use crate::schema::{Kind, Type, to_arrow};

/// 2026-03-02T12:00:00Z, the as-of of most tests.
const AS_OF: i64 = 1_772_452_800_000_000;
/// 2000-01-01T00:00:00Z.
const FLOOR: i64 = 946_684_800_000_000;

/// A decoding to be changed by a test, then run.
struct Bench {
    source: Source,
    zone: Tz,
    start: Option<NaiveDate>,
    as_of_us: i64,
    object_key: String,
    keep_raw: bool,
    hasher: UserHasher,
}

/// What a decoding gave, with its rows read back.
struct Outcome {
    decoded: Decoded,
    /// By local date.
    days: BTreeMap<String, RecordBatch>,
    _folder: tempfile::TempDir,
}

impl Bench {
    fn new(kind: Kind) -> Self {
        Bench {
            source: Source {
                name: "bot".to_owned(),
                kind,
                adapter: Adapter::Canonical,
                path: PathPattern::parse("logs/*", Path::new("")).unwrap(),
                records: None,
                delimiter: b',',
                lookahead_days: 0,
                naive_zone: None,
                path_zone: Tz::UTC,
                empty_ok: false,
                keep_removed: false,
                live: false,
                complete_after_us: None,
                quarantine_limit: 0.01,
                defaults: BTreeMap::new(),
            },
            zone: Tz::UTC,
            start: None,
            as_of_us: AS_OF,
            object_key: "logs/a.jsonl".to_owned(),
            keep_raw: false,
            hasher: UserHasher::new(b"0123456789abcdef0123456789abcdef").unwrap(),
        }
    }

    fn events() -> Self {
        Bench::new(Kind::Events)
    }

    fn csv(kind: Kind) -> Self {
        Bench { object_key: "logs/a.csv".to_owned(), ..Bench::new(kind) }
    }

    fn try_run(&self, object: &[u8]) -> Result<Outcome> {
        let folder = tempfile::tempdir().unwrap();
        let decoding = Decoding {
            source: &self.source,
            zone: self.zone,
            start: self.start,
            history_floor_us: FLOOR,
            as_of_us: self.as_of_us,
            user_key: &self.hasher,
            object_key: &self.object_key,
            keep_raw: self.keep_raw,
        };
        let decoded = decode(object, &decoding, folder.path());
        let left = std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(
            left,
            decoded.as_ref().map_or(0, |d| d.files.len() + d.test_files.len()),
            "stray files"
        );
        let decoded = decoded?;
        decoded.accounting.check().unwrap();
        let read_back = |file: &StagedFile| (file.date.to_string(), rows(file, self.source.kind));
        let days = decoded.files.iter().map(read_back).collect();
        Ok(Outcome { decoded, days, _folder: folder })
    }

    fn run(&self, object: impl AsRef<[u8]>) -> Outcome {
        self.try_run(object.as_ref()).unwrap()
    }
}

impl Outcome {
    /// A column's values as text, over all days.
    fn column(&self, name: &str) -> Vec<String> {
        let shown = |batch: &RecordBatch| {
            let at = batch.schema().index_of(name).unwrap();
            (0..batch.num_rows()).map(|row| show(batch.column(at), row)).collect::<Vec<_>>()
        };
        self.days.values().flat_map(shown).collect()
    }

    fn one(&self, name: &str) -> String {
        let mut values = self.column(name);
        assert_eq!(values.len(), 1, "{:?}", self.decoded.quarantine);
        values.remove(0)
    }

    fn reasons(&self) -> Vec<&str> {
        self.decoded.quarantine.iter().map(|q| q.reason.as_str()).collect()
    }
}

fn rows(file: &StagedFile, kind: Kind) -> RecordBatch {
    let schema = std::sync::Arc::new(to_arrow(&kind.columns()));
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&file.path).unwrap()).unwrap();
    let batches: Vec<RecordBatch> = reader.build().unwrap().map(|batch| batch.unwrap()).collect();
    for batch in &batches {
        assert_eq!(batch.schema().fields(), schema.fields());
    }
    let rows = concat_batches(&schema, &batches).unwrap();
    assert_eq!(rows.num_rows() as u64, file.rows);
    assert_eq!(std::fs::metadata(&file.path).unwrap().len(), file.bytes);
    for column in kind.columns().iter().filter(|column| !column.nullable) {
        assert_eq!(rows.column_by_name(&column.name).unwrap().null_count(), 0, "{}", column.name);
    }
    rows
}

fn show(array: &dyn Array, row: usize) -> String {
    if array.is_null(row) {
        return "null".to_owned();
    }
    let kind = [
        Type::Bigint,
        Type::Double,
        Type::Decimal,
        Type::Boolean,
        Type::Text,
        Type::Date,
        Type::Timestamp,
    ]
    .into_iter()
    .find(|kind| kind.arrow() == *array.data_type());
    match kind.unwrap() {
        Type::Bigint => array.as_primitive::<Int64Type>().value(row).to_string(),
        Type::Double => array.as_primitive::<Float64Type>().value(row).to_string(),
        Type::Decimal => array.as_primitive::<Decimal128Type>().value_as_string(row),
        Type::Boolean => array.as_boolean().value(row).to_string(),
        Type::Text => array.as_string::<i32>().value(row).to_owned(),
        Type::Date => from_day_number(array.as_primitive::<Date32Type>().value(row)).to_string(),
        Type::Timestamp => array.as_primitive::<TimestampMicrosecondType>().value(row).to_string(),
    }
}

/// A line of the least that an event needs, with `more` members in front.
fn line(more: &str) -> String {
    let comma = if more.is_empty() { "" } else { "," };
    format!(
        r#"{{{more}{comma}"ts":"2026-03-01T10:00:00Z","actor":"user","type":"message","user_id":"u1"}}"#
    )
}
