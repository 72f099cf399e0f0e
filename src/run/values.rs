//! Small tables that no decoded file holds: what a pipeline and the calendar say, which every query
//! may read, and what the accounting knows of keys that no column reads.

use chrono::{Datelike, NaiveDate};

use crate::engine::{InputTable, TableData, Values};
use crate::interval::{Interval, day_end_us, day_number, day_start_us, plus};
use crate::manifest::Manifest;
use crate::pipeline::Pipeline;
use crate::schema::{Column, Kind, Type};

/// All of them, for a query that builds `days`.
pub fn tables(pipeline: &Pipeline, days: Interval) -> Vec<InputTable> {
    vec![grouping_sets(pipeline), calendar(pipeline, days)]
}

/// One row for each published combination of dimensions: 1 where a dimension keeps its value.
fn grouping_sets(pipeline: &Pipeline) -> InputTable {
    let column = |d: &String| Column::new(&format!("keep_{d}"), Type::Bigint, false);
    let values = (0..pipeline.dimensions.len())
        .map(|i| pipeline.grouping_sets.iter().map(|set| i64::from(set[i])).collect())
        .collect();
    InputTable {
        name: "grouping_sets".to_owned(),
        columns: pipeline.dimensions.iter().map(column).collect(),
        data: TableData::Values(values),
    }
}

/// One row for each of the days: `start_us` and `end_us` are its ends in UTC microseconds, `dow` is
/// 1 (Monday) to 7, the week is that of ISO 8601.
fn calendar(pipeline: &Pipeline, days: Interval) -> InputTable {
    let zone = pipeline.zone;
    let number = |date: NaiveDate| i64::from(day_number(date));
    let row = |date: NaiveDate| {
        let since_monday = i64::from(date.weekday().num_days_from_monday());
        [
            number(date),
            day_start_us(date, zone),
            day_end_us(date, zone),
            i64::from(date.year()),
            i64::from(date.month()),
            i64::from(date.day()),
            since_monday + 1,
            i64::from(date.iso_week().year()),
            i64::from(date.iso_week().week()),
            number(plus(date, -since_monday)),
            number(plus(date, 1 - i64::from(date.day()))),
        ]
    };
    let rows: Vec<_> = days.days().map(row).collect();
    let columns = [
        ("date", Type::Date),
        ("start_us", Type::Bigint),
        ("end_us", Type::Bigint),
        ("year_no", Type::Bigint),
        ("month_no", Type::Bigint),
        ("day_of_month", Type::Bigint),
        ("dow", Type::Bigint),
        ("iso_year", Type::Bigint),
        ("iso_week", Type::Bigint),
        ("week_start", Type::Date),
        ("month_start", Type::Date),
    ];
    let values = (0..columns.len()).map(|i| rows.iter().map(|row| row[i]).collect()).collect();
    InputTable {
        name: "calendar".to_owned(),
        columns: columns.map(|(name, kind)| Column::new(name, kind, false)).to_vec(),
        data: TableData::Values(values),
    }
}

/// One row for each key that no column reads, of each object whose main day is one of `days`.
pub fn unknown_fields(manifest: &Manifest, days: Interval) -> InputTable {
    let (mut dates, mut sources, mut kinds) = (Vec::new(), Vec::new(), Vec::new());
    let (mut fields, mut counts) = (Vec::new(), Vec::new());
    for object in manifest.objects.values() {
        let Some(date) = object.main_day().filter(|date| days.contains(*date)) else { continue };
        for (field, records) in &object.accounting.unknown_fields {
            dates.push(Some(i64::from(day_number(date))));
            sources.push(Some(object.source.clone()));
            kinds.push(Some(object.kind.table().name().to_owned()));
            fields.push(Some(field.clone()));
            counts.push(i64::try_from(*records).ok());
        }
    }
    InputTable {
        name: Kind::UnknownFields.name().to_owned(),
        columns: Kind::UnknownFields.columns(),
        data: TableData::Memory(vec![
            Values::Bigint(dates),
            Values::Text(sources),
            Values::Text(kinds),
            Values::Text(fields),
            Values::Bigint(counts),
        ]),
    }
}
