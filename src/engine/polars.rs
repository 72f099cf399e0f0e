//! The embedded engine: SQL as polars lazy frames, executed in memory.
//!
//! Always [`polars::prelude::Engine::InMemory`]: the streaming engine of this version answers some
//! counts wrongly. Casts to the declared columns happen here, so no engine's own taste in types gets
//! into the files. Promises: same rows in, same bytes out, whatever the number of threads.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::ops::ControlFlow;
use std::path::Path;

use chrono::NaiveDate;
use polars::prelude::*;
use polars::sql::SQLContext;
use sqlparser::ast::{
    Cte, ObjectName, SetExpr, SetOperator, SetQuantifier, Statement, visit_relations,
};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, Tokenizer};

use super::{InputFile, InputTable, Query, Rows, TableData, Values, Written};
use crate::error::{Error, ErrorKind, Result, io_error};
use crate::interval::day_number;
use crate::schema::{Column as ContractColumn, DECIMAL_PRECISION, DECIMAL_SCALE, Type};

/// One row group for all but the largest partitions, and never more than readers like.
const ROW_GROUP_ROWS: usize = 1_000_000;

/// Address space that a query's thread may use; only what it touches costs memory.
const STACK_BYTES: usize = 256 << 20;

/// The embedded engine.
#[derive(Debug)]
pub struct PolarsEngine(());

impl PolarsEngine {
    #[expect(clippy::new_without_default, reason = "it changes how the whole process warns")]
    pub fn new() -> Self {
        // Polars would print to stderr, once for every date literal.
        polars::error::set_warning_function(|text, kind| tracing::debug!(?kind, "{text}"));
        PolarsEngine(())
    }
}

impl super::Engine for PolarsEngine {
    fn write(&self, query: &Query, folder: &Path) -> Result<Vec<Written>> {
        let rows = on_deep_stack(|| {
            let frame = execute(&query.sql, &query.inputs)?;
            collect(wrap(frame, query)).map_err(|e| refused(&e, &query.sql))
        })?;
        split(&rows, query, folder)
    }

    fn values(&self, sql: &str, inputs: &[InputTable]) -> Result<Vec<(String, Values)>> {
        let all = on_deep_stack(|| {
            let frame = execute(sql, inputs)?;
            collect(frame).map_err(|e| refused(&e, sql))
        })?;
        let column = |column: &Column| {
            let values = in_memory(column).map_err(|e| refused(&e, sql))?;
            Ok((column.name().to_string(), values))
        };
        all.columns().iter().map(column).collect()
    }

    fn read(&self, sql: &str, inputs: &[InputTable], limit: usize) -> Result<Rows> {
        let all = on_deep_stack(|| {
            let frame = execute(sql, inputs)?;
            collect(frame).map_err(|e| refused(&e, sql))
        })?;
        let columns = all.get_column_names().iter().map(ToString::to_string).collect();
        let head = all.head(Some(limit));
        let text = |value: AnyValue<'_>| match value {
            AnyValue::Null => String::new(),
            AnyValue::String(text) => text.to_owned(),
            other => other.to_string(),
        };
        let cell = |column: &Column, row: usize| column.get(row).map(text).unwrap_or_default();
        let row = |row: usize| head.columns().iter().map(|c| cell(c, row)).collect();
        Ok(Rows {
            columns,
            rows: (0..head.height()).map(row).collect(),
            total: all.height() as u64,
        })
    }
}

/// Runs `work` on a thread with room for deep plans: each `UNION ALL` is one level deeper, and a
/// table of many metrics would overflow the stack that a thread has by default.
fn on_deep_stack<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("query".to_owned()).stack_size(STACK_BYTES);
        let running =
            thread.spawn_scoped(scope, work).map_err(|e| io_error("a thread for a query", e))?;
        running.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Runs the common table expressions one after the other. One that is read more than once is
/// computed once and kept: as a single lazy plan it would be planned anew at each place it is read,
/// which grows with the product of the readings.
fn execute(sql: &str, inputs: &[InputTable]) -> Result<LazyFrame> {
    let mut context = SQLContext::new();
    let words = words(sql)?;
    for input in inputs {
        let frame = table(input, &words).map_err(|e| refused(&e, &input.name))?;
        context.register(&input.name, frame);
    }
    let (steps, body) = split_query(sql)?;
    for step in steps {
        let frame = unite(&mut context, &step.branches)?;
        let frame = match step.readings {
            0 | 1 => frame,
            _ => collect(frame).map_err(|e| refused(&e, &step.branches.join(UNION)))?.lazy(),
        };
        context.register(&step.name, frame);
    }
    unite(&mut context, &body)
}

/// The rows of all `branches`, as one union. Polars would nest a union for each, and to plan one
/// costs as much as all that is below it: dozens of branches took longer to plan than to run.
fn unite(context: &mut SQLContext, branches: &[String]) -> Result<LazyFrame> {
    let mut frames = Vec::with_capacity(branches.len());
    for branch in branches {
        frames.push(context.execute(branch).map_err(|e| refused(&e, branch))?);
    }
    if frames.len() == 1 {
        return frames.pop().ok_or_else(|| Error::internal("a query without a branch"));
    }
    stack(frames).map_err(|e| refused(&e, &branches.join(UNION)))
}

/// SQL unites by position, under the names of the first branch.
fn stack(mut frames: Vec<LazyFrame>) -> PolarsResult<LazyFrame> {
    let mut names: Option<Vec<PlSmallStr>> = None;
    for frame in &mut frames {
        let own: Vec<PlSmallStr> = frame.collect_schema()?.iter_names().cloned().collect();
        let first = names.get_or_insert_with(|| own.clone());
        polars_ensure!(own.len() == first.len(), SQLInterface: "UNION ALL of {} and {} columns", first.len(), own.len());
        if own != *first {
            *frame = std::mem::take(frame).rename(own, first.clone(), true);
        }
    }
    let arguments =
        UnionArgs { to_supertypes: true, maintain_order: false, ..UnionArgs::default() };
    concat(frames, arguments)
}

const UNION: &str = " UNION ALL ";

/// A common table expression as a query of its own.
struct SubQuery {
    name: String,
    /// What `UNION ALL` puts together.
    branches: Vec<String>,
    /// How often it is read.
    readings: usize,
}

/// The common table expressions of `sql`, in order, and the rest.
fn split_query(sql: &str) -> Result<(Vec<SubQuery>, Vec<String>)> {
    let wrong = |message: String| Error::config(message).context("query", sql);
    let mut statements =
        Parser::parse_sql(&GenericDialect {}, sql).map_err(|e| wrong(format!("not SQL: {e}")))?;
    let Some(Statement::Query(mut query)) = statements.pop().filter(|_| statements.is_empty())
    else {
        return Err(wrong("a model is one query".to_owned()));
    };
    let mut readings: BTreeMap<String, usize> = BTreeMap::new();
    let _ = visit_relations(&query, |name: &ObjectName| {
        *readings.entry(name.to_string()).or_default() += 1;
        ControlFlow::<()>::Continue(())
    });
    let with = query.with.take();
    let step = |cte: Cte| {
        let name = cte.alias.name.value;
        SubQuery {
            branches: branches(*cte.query),
            readings: readings.get(&name).copied().unwrap_or(0),
            name,
        }
    };
    let steps = with.into_iter().flat_map(|with| with.cte_tables).map(step).collect();
    Ok((steps, branches(*query)))
}

/// The queries that `UNION ALL` puts together at the top of `query`; itself where there are none.
fn branches(query: sqlparser::ast::Query) -> Vec<String> {
    let plain = query.order_by.is_none() && query.limit_clause.is_none() && query.with.is_none();
    if !plain {
        return vec![query.to_string()];
    }
    let mut found = Vec::new();
    let mut waiting = vec![*query.body];
    while let Some(part) = waiting.pop() {
        match part {
            SetExpr::SetOperation {
                op: SetOperator::Union,
                set_quantifier: SetQuantifier::All,
                left,
                right,
            } => waiting.extend([*right, *left]),
            other => found.push(other.to_string()),
        }
    }
    found
}

fn collect(frame: LazyFrame) -> PolarsResult<DataFrame> {
    // Without common subexpression elimination: in this version it breaks projections of literals.
    // A query without sinks has a single result.
    frame
        .with_comm_subexpr_elim(false)
        .with_comm_subplan_elim(false)
        .collect_with_engine(Engine::InMemory)
        .map(|result| result.unwrap_single())
}

/// Files are read whole but for the columns that `words` leaves out: one lazy scan for each of
/// hundreds of small files costs more to plan than to read.
fn table(input: &InputTable, words: &BTreeSet<String>) -> PolarsResult<LazyFrame> {
    let named = |c: &&ContractColumn| words.contains(&c.name);
    let mut columns: Vec<&ContractColumn> = input.columns.iter().filter(named).collect();
    if columns.is_empty() {
        columns = input.columns.iter().take(1).collect();
    }
    let mut rows = match &input.data {
        TableData::Values(values) => {
            let height = values.first().map_or(0, Vec::len);
            let series = input.columns.iter().zip(values);
            let typed = |(c, v): (&ContractColumn, &Vec<i64>)| {
                Column::new(c.name.as_str().into(), v.as_slice()).cast(&polars_type(c.kind))
            };
            let columns = series.map(typed).collect::<PolarsResult<_>>()?;
            return Ok(DataFrame::new(height, columns)?.lazy());
        }
        TableData::Memory(values) => {
            let series = input.columns.iter().zip(values);
            let series = series.map(|(c, v)| as_column(&c.name, v).cast(&polars_type(c.kind)));
            let series = series.collect::<PolarsResult<Vec<Column>>>()?;
            let height = series.first().map_or(0, Column::len);
            return Ok(DataFrame::new(height, series)?.lazy());
        }
        TableData::Files(_) => {
            let field =
                |c: &&ContractColumn| Field::new(c.name.as_str().into(), polars_type(c.kind));
            DataFrame::empty_with_schema(&columns.iter().map(field).collect::<Schema>())
        }
    };
    if let TableData::Files(files) = &input.data {
        for file in files {
            rows.vstack_mut_owned(read_file(file, &columns)?)?;
        }
    }
    Ok(rows.lazy())
}

fn as_column(name: &str, values: &Values) -> Column {
    let name = PlSmallStr::from(name);
    match values {
        Values::Bigint(values) => Column::new(name, values.as_slice()),
        Values::Double(values) => Column::new(name, values.as_slice()),
        Values::Boolean(values) => Column::new(name, values.as_slice()),
        Values::Text(values) => Column::new(name, values.as_slice()),
    }
}

fn in_memory(column: &Column) -> PolarsResult<Values> {
    Ok(match column.dtype() {
        DataType::Float64 => Values::Double(column.f64()?.iter().collect()),
        DataType::Boolean => Values::Boolean(column.bool()?.iter().collect()),
        DataType::String => {
            Values::Text(column.str()?.iter().map(|v| v.map(str::to_owned)).collect())
        }
        _ => Values::Bigint(column.strict_cast(&DataType::Int64)?.i64()?.iter().collect()),
    })
}

/// The columns of a file in the order of `columns`.
fn read_file(file: &InputFile, columns: &[&ContractColumn]) -> PolarsResult<DataFrame> {
    let stored = columns.iter().filter(|c| file.date.is_none() || c.name != "date");
    let stored: Vec<String> = stored.map(|c| c.name.clone()).collect();
    let mut reader = ParquetReader::new(File::open(&file.path)?);
    let range = file.rows.map(|r| (r.first as usize, r.count as usize));
    let height = match range {
        Some((_, count)) => count,
        None => reader.num_rows()?,
    };
    let read = match stored.is_empty() {
        true => DataFrame::new(height, Vec::new())?,
        false => reader.with_columns(Some(stored)).with_slice(range).finish()?,
    };
    let column = |c: &&ContractColumn| match file.date {
        Some(date) if c.name == "date" => {
            let day = AnyValue::Date(day_number(date));
            Ok(Column::new_scalar(
                "date".into(),
                Scalar::new(DataType::Date, day.into_static()),
                height,
            ))
        }
        _ => read.column(&c.name)?.cast(&polars_type(c.kind)),
    };
    DataFrame::new(height, columns.iter().map(column).collect::<PolarsResult<_>>()?)
}

/// Every word of a query; columns that are not among them are not read.
fn words(sql: &str) -> Result<BTreeSet<String>> {
    let tokens = Tokenizer::new(&GenericDialect {}, sql).tokenize();
    let tokens = tokens.map_err(|e| Error::config("not SQL").context("query", sql).because(e))?;
    let word = |token| match token {
        Token::Word(word) => Some(word.value),
        _ => None,
    };
    Ok(tokens.into_iter().filter_map(word).collect())
}

/// Casts to the contract and puts the columns in its order.
fn wrap(frame: LazyFrame, query: &Query) -> LazyFrame {
    let mut columns = vec![col("date").strict_cast(DataType::Date)];
    for column in &query.columns {
        columns.push(col(column.name.as_str()).strict_cast(polars_type(column.kind)));
    }
    let keys: Vec<PlSmallStr> = std::iter::once("date")
        .chain(query.order.iter().map(String::as_str))
        .map(Into::into)
        .collect();
    let order = SortMultipleOptions::default().with_maintain_order(false);
    frame.select(columns).sort(keys, order)
}

fn split(rows: &DataFrame, query: &Query, folder: &Path) -> Result<Vec<Written>> {
    let internal = |e: PolarsError| Error::internal("a result cannot be split by day").because(e);
    let dates = rows.column("date").map_err(internal)?.date().map_err(internal)?;
    let mut bounds: Vec<(i32, usize, usize)> = Vec::new();
    for (row, day) in dates.physical().iter().enumerate() {
        let Some(day) = day else {
            return Err(Error::config("a model's row has no date")
                .context("query", &query.sql)
                .remedy("the query must give every row the local day it belongs to, as `date`"));
        };
        match bounds.last_mut() {
            Some(bound) if bound.0 == day => bound.2 += 1,
            _ => bounds.push((day, row, 1)),
        }
    }
    let mut parts = Vec::new();
    let mut next = 0;
    for &date in &query.dates {
        let number = day_number(date);
        let bound = bounds.iter().position(|b| b.0 == number).map(|i| bounds.swap_remove(i));
        let (start, len) = bound.map_or((next, 0), |(_, start, len)| (start, len));
        parts.push((date, start, len));
        next = start + len;
    }
    match bounds.first() {
        None if query.together => write_together(rows, &parts, query, folder),
        None => {
            let data = rows.drop("date").map_err(internal)?;
            let slice = |(date, start, len)| (date, data.slice(start as i64, len));
            write_parts(&parts.into_iter().map(slice).collect::<Vec<_>>(), query, folder)
        }
        Some((day, ..)) => Err(Error::config("a model made rows of a day it was not asked for")
            .context("row's day", crate::interval::from_day_number(*day))
            .context("query", &query.sql)
            .remedy("end the query with WHERE date >= {{ from_day }} AND date < {{ to_day }}")),
    }
}

/// Writes `rows`, which are in the order of their dates, as one file.
fn write_together(
    rows: &DataFrame,
    parts: &[(NaiveDate, usize, usize)],
    query: &Query,
    folder: &Path,
) -> Result<Vec<Written>> {
    let path = folder.join("all.pq");
    write_file(&mut rows.clone(), &path, query)?;
    let written = |&(date, start, len): &(NaiveDate, usize, usize)| Written {
        date,
        path: path.clone(),
        rows: len as u64,
        first_row: Some(start as u64),
    };
    Ok(parts.iter().map(written).collect())
}

/// Writes the days side by side: one small file keeps only one core busy.
fn write_parts(
    parts: &[(NaiveDate, DataFrame)],
    query: &Query,
    folder: &Path,
) -> Result<Vec<Written>> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = parts.len().div_ceil(threads).max(1);
    let write = |(date, part): &(NaiveDate, DataFrame)| {
        let path = folder.join(format!("{date}.pq"));
        write_file(&mut part.clone(), &path, query)?;
        Ok(Written { date: *date, path, rows: part.height() as u64, first_row: None })
    };
    std::thread::scope(|scope| {
        let work = |share: &'_ [_]| share.iter().map(write).collect::<Result<Vec<_>>>();
        let handles: Vec<_> = parts.chunks(share).map(|s| scope.spawn(move || work(s))).collect();
        let mut written = Vec::with_capacity(parts.len());
        for handle in handles {
            let done = handle.join();
            written.extend(done.map_err(|_| Error::internal("a writing thread panicked"))??);
        }
        Ok(written)
    })
}

fn write_file(part: &mut DataFrame, path: &Path, query: &Query) -> Result<()> {
    let file = File::create(path).map_err(|e| io_error(path.display(), e))?;
    // The writer hands over single bytes of its headers.
    let mut file = BufWriter::new(Watched { file, failure: None });
    let outcome = ParquetWriter::new(&mut file)
        // None is zstd's own default level, 3.
        .with_compression(ParquetCompression::Zstd(None))
        // Readers prune by these; a count of distinct values would be an estimate that costs more.
        .with_statistics(StatisticsOptions { distinct_count: false, ..StatisticsOptions::full() })
        .with_row_group_size(Some(ROW_GROUP_ROWS))
        .finish(part);
    let flushed = file.flush();
    match (outcome, flushed, file.get_mut().failure.take()) {
        (Ok(_), Ok(()), _) => Ok(()),
        (_, _, Some(error)) | (Ok(_), Err(error), None) => Err(io_error(path.display(), error)),
        (Err(other), _, None) => Err(Error::internal("a partition cannot be written")
            .context("query", &query.sql)
            .because(other)),
    }
}

/// Remembers why writing failed: after a full disk the Parquet writer speaks of its own format.
struct Watched {
    file: File,
    failure: Option<std::io::Error>,
}

impl Write for Watched {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.file.write(bytes);
        if let Err(error) = &written {
            self.failure = Some(std::io::Error::new(error.kind(), error.to_string()));
        }
        written
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

fn refused(error: &PolarsError, sql: &str) -> Error {
    let kind = kind_of(error);
    let told = Error::new(kind, "the engine refused a query")
        .context("reason", error)
        .context("query", sql);
    match kind {
        ErrorKind::Config => told.remedy("correct the model's query; the columns it may name are in the model.yaml of what it reads"),
        _ => told,
    }
}

/// A query that names what is not there, or makes of a column what it cannot be, is its writer's to
/// correct; models come from users too.
fn kind_of(error: &PolarsError) -> ErrorKind {
    match error {
        PolarsError::Context { error, .. } | PolarsError::ExprContext { error, .. } => {
            kind_of(error)
        }
        PolarsError::SQLInterface(_)
        | PolarsError::SQLSyntax(_)
        | PolarsError::ColumnNotFound(_)
        | PolarsError::SchemaFieldNotFound(_)
        | PolarsError::StructFieldNotFound(_)
        | PolarsError::SchemaMismatch(_)
        | PolarsError::Duplicate(_)
        | PolarsError::InvalidOperation(_) => ErrorKind::Config,
        PolarsError::IO { .. } => ErrorKind::Transient,
        _ => ErrorKind::Internal,
    }
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
