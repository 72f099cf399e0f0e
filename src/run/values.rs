//! Small tables that every query may read and no log holds: what a pipeline and the calendar say.

use chrono::{Datelike, NaiveDate};

use crate::engine::{InputTable, TableData};
use crate::interval::{Interval, day_end_us, day_number, day_start_us, plus};
use crate::pipeline::Pipeline;
use crate::schema::{Column, Type};

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
