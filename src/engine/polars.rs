//! The embedded engine: SQL as polars lazy frames, executed in memory.
//!
//! Always [`polars::prelude::Engine::InMemory`]: the streaming engine of this version answers some
//! counts wrongly. Casts to the declared columns happen here, so no engine's own taste in types gets
//! into the files. Promises: same rows in, same bytes out, whatever the number of threads.

use std::fs::File;
use std::path::Path;

use polars::prelude::*;
use polars::sql::SQLContext;

use super::{InputFile, InputTable, Query, Rows, TableData, Written};
use crate::error::{Error, ErrorKind, Result, io_error};
use crate::interval::day_number;
use crate::schema::{DECIMAL_PRECISION, DECIMAL_SCALE, Type};

/// One row group for all but the largest partitions, and never more than readers like.
const ROW_GROUP_ROWS: usize = 1_000_000;

/// The embedded engine.
#[derive(Debug, Default)]
pub struct PolarsEngine;

impl super::Engine for PolarsEngine {
    fn write(&self, query: &Query, folder: &Path) -> Result<Vec<Written>> {
        let frame = execute(&query.sql, &query.inputs)?;
        let wrapped = wrap(frame, query).map_err(|e| refused(&e, &query.sql))?;
        let rows = collect(wrapped).map_err(|e| refused(&e, &query.sql))?;
        split(&rows, query, folder)
    }

    fn read(&self, sql: &str, inputs: &[InputTable], limit: usize) -> Result<Rows> {
        let frame = execute(sql, inputs)?;
        let all = collect(frame).map_err(|e| refused(&e, sql))?;
        let columns = all.get_column_names().iter().map(ToString::to_string).collect();
        let head = all.head(Some(limit));
        let text = |value: AnyValue<'_>| match value {
            AnyValue::Null => String::new(),
            AnyValue::String(text) => text.to_owned(),
            other => other.to_string(),
        };
        let cell = |column: &Column, row: usize| column.get(row).map(text).unwrap_or_default();
        let row = |row: usize| head.columns().iter().map(|c| cell(c, row)).collect();
        Ok(Rows { columns, rows: (0..head.height()).map(row).collect(), total: all.height() as u64 })
    }
}

fn execute(sql: &str, inputs: &[InputTable]) -> Result<LazyFrame> {
    let mut context = SQLContext::new();
    for input in inputs {
        let frame = table(input).map_err(|e| refused(&e, &input.name))?;
        context.register(&input.name, frame);
    }
    context.execute(sql).map_err(|e| refused(&e, sql))
}

fn collect(frame: LazyFrame) -> PolarsResult<DataFrame> {
    // A query without sinks has a single result.
    frame.collect_with_engine(Engine::InMemory).map(|result| result.unwrap_single())
}

fn table(input: &InputTable) -> PolarsResult<LazyFrame> {
    let columns: Vec<Expr> = input.columns.iter().map(|c| col(c.name.as_str())).collect();
    match &input.data {
        TableData::Values(values) => {
            let height = values.first().map_or(0, Vec::len);
            let series = input.columns.iter().zip(values);
            let series = series.map(|(c, v)| Column::new(c.name.as_str().into(), v.as_slice()));
            Ok(DataFrame::new(height, series.collect())?.lazy())
        }
        TableData::Files(files) if files.is_empty() => {
            let fields = input.columns.iter();
            let schema: Schema =
                fields.map(|c| Field::new(c.name.as_str().into(), polars_type(c.kind))).collect();
            Ok(DataFrame::empty_with_schema(&schema).lazy())
        }
        TableData::Files(files) => {
            let scans = files.iter().map(scan).collect::<PolarsResult<Vec<_>>>()?;
            let union = UnionArgs { rechunk: false, ..Default::default() };
            Ok(concat(scans.into_iter().map(|s| s.select(columns.clone())).collect::<Vec<_>>(), union)?)
        }
    }
}

fn scan(file: &InputFile) -> PolarsResult<LazyFrame> {
    // The file's own name decides, not patterns that might stand in it.
    let options = ScanArgsParquet { glob: false, cache: false, ..Default::default() };
    let path = file.path.to_string_lossy();
    let frame = LazyFrame::scan_parquet(PlRefPath::new(path.as_ref()), options)?;
    Ok(match file.date {
        Some(date) => frame.with_column(lit(day_number(date)).cast(DataType::Date).alias("date")),
        None => frame,
    })
}

/// Casts to the contract and puts the columns in its order.
fn wrap(frame: LazyFrame, query: &Query) -> PolarsResult<LazyFrame> {
    let mut columns = vec![col("date").strict_cast(DataType::Date)];
    for column in &query.columns {
        columns.push(col(column.name.as_str()).strict_cast(polars_type(column.kind)));
    }
    let keys: Vec<PlSmallStr> =
        std::iter::once("date").chain(query.order.iter().map(String::as_str)).map(Into::into).collect();
    let order = SortMultipleOptions::default().with_maintain_order(false);
    Ok(frame.select(columns).sort(keys, order))
}

fn split(rows: &DataFrame, query: &Query, folder: &Path) -> Result<Vec<Written>> {
    let internal = |e: PolarsError| Error::internal("a result cannot be split by day").because(e);
    let dates = rows.column("date").map_err(internal)?.date().map_err(internal)?;
    let mut bounds: Vec<(i32, usize, usize)> = Vec::new();
    for (row, day) in dates.physical().iter().enumerate() {
        let Some(day) = day else {
            return Err(Error::internal("a model's row has no date").context("query", &query.sql));
        };
        match bounds.last_mut() {
            Some(bound) if bound.0 == day => bound.2 += 1,
            _ => bounds.push((day, row, 1)),
        }
    }
    let data = rows.drop("date").map_err(internal)?;
    let mut written = Vec::new();
    for date in query.days.days() {
        let number = day_number(date);
        let bound = bounds.iter().position(|b| b.0 == number).map(|i| bounds.swap_remove(i));
        let (start, len) = bound.map_or((0, 0), |(_, start, len)| (start, len));
        let mut part = data.slice(start as i64, len);
        let path = folder.join(format!("{date}.pq"));
        write_file(&mut part, &path, query)?;
        written.push(Written { date, path, rows: len as u64 });
    }
    match bounds.first() {
        None => Ok(written),
        Some((day, ..)) => Err(Error::internal("a model made rows of a day it was not asked for")
            .context("days", query.days)
            .context("row's day", crate::interval::from_day_number(*day))
            .context("query", &query.sql)),
    }
}

fn write_file(part: &mut DataFrame, path: &Path, query: &Query) -> Result<()> {
    let file = File::create(path).map_err(|e| io_error(path.display(), e))?;
    ParquetWriter::new(file)
        // None is zstd's own default level, 3.
        .with_compression(ParquetCompression::Zstd(None))
        .with_statistics(StatisticsOptions::full())
        .with_row_group_size(Some(ROW_GROUP_ROWS))
        .finish(part)
        .map_err(|e| failed(e, path, query))?;
    Ok(())
}

fn failed(error: PolarsError, path: &Path, query: &Query) -> Error {
    match error {
        PolarsError::IO { error, .. } => {
            let copy = std::io::Error::new(error.kind(), error.to_string());
            io_error(path.display(), copy)
        }
        other => Error::internal("a partition cannot be written").context("query", &query.sql).because(other),
    }
}

fn refused(error: &PolarsError, sql: &str) -> Error {
    let kind = match error {
        PolarsError::SQLInterface(_) | PolarsError::SQLSyntax(_) => ErrorKind::Config,
        PolarsError::IO { .. } => ErrorKind::Transient,
        _ => ErrorKind::Internal,
    };
    Error::new(kind, "the engine refused a query").context("reason", error).context("query", sql)
}

fn polars_type(kind: Type) -> DataType {
    match kind {
        Type::Bigint => DataType::Int64,
        Type::Double => DataType::Float64,
        Type::Decimal => DataType::Decimal(DECIMAL_PRECISION.into(), DECIMAL_SCALE as usize),
        Type::Boolean => DataType::Boolean,
        Type::Text => DataType::String,
        Type::Date => DataType::Date,
        Type::Timestamp => DataType::Datetime(TimeUnit::Microseconds, Some(TimeZone::UTC)),
    }
}
