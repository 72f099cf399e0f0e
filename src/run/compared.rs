//! The rows of the rollout comparison as columns of their table, and back: what a run writes and
//! what a report reads are one mapping. Leaves out: what the rows say.

use chrono::NaiveDate;

use crate::engine::{Engine, InputFile, InputTable, Query, TableData, Values};
use crate::error::{Error, ErrorKind, Result};
use crate::infer::{Effects, Estimate, Grade, Ratio, Row};
use crate::interval::day_number;
use crate::schema::{Column, Type};

/// The name of the rows in memory.
const RESULT: &str = "compared";
/// The state of a row that later days do not change.
const FINAL: &str = "final";
/// Between two warnings.
const APART: &str = "; ";

/// The rows as a table in memory, and the query that takes them from there. `assumed` says of a
/// rollout which sets of assumptions its numbers rest on.
pub fn written(
    rows: &[Row],
    date: NaiveDate,
    query: Query,
    assumed: impl Fn(&str) -> Option<String>,
) -> Query {
    let mut columns =
        vec![("date", Values::Bigint(vec![Some(i64::from(day_number(date))); rows.len()]))];
    columns.extend(texts(rows));
    columns.extend(numbers(rows));
    let sets = rows.iter().map(|row| assumed(&row.rollout)).collect();
    columns.push(("assumption_ids", Values::Text(sets)));
    let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    let sql = format!("SELECT {} FROM {RESULT}", names.join(", "));
    let kind = |name: &str| {
        let known = query.columns.iter().find(|column| column.name == name);
        known.cloned().unwrap_or_else(|| Column::new(name, Type::Date, false))
    };
    let input = InputTable {
        name: RESULT.to_owned(),
        columns: names.iter().map(|name| kind(name)).collect(),
        data: TableData::Memory(columns.into_iter().map(|(_, values)| values).collect()),
    };
    Query { sql, inputs: vec![input], ..query }
}

/// Reads rows back from a file of the table, whose columns are `columns`.
///
/// # Errors
/// Corrupt where the file lacks a column or holds what no run writes.
pub fn read(engine: &dyn Engine, file: InputFile, columns: Vec<Column>) -> Result<Vec<Row>> {
    // The parts of a difference are decimals, which are exact as doubles up to nine thousand
    // millions.
    let shown = columns.iter().map(|column| match column.kind {
        Type::Decimal => format!("CAST({0} AS DOUBLE) AS {0}", column.name),
        _ => column.name.clone(),
    });
    let sql = format!("SELECT {} FROM {RESULT}", shown.collect::<Vec<_>>().join(", "));
    let data = TableData::Files(vec![file]);
    let input = InputTable { name: RESULT.to_owned(), columns, data };
    let found = Found(engine.values(&sql, &[input])?);
    let rows = found.text("rollout")?.len();
    (0..rows).map(|at| found.row(at)).collect()
}

/// The table's columns.
struct Found(Vec<(String, Values)>);

impl Found {
    fn column(&self, name: &'static str) -> Result<&Values> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, values)| values).ok_or_else(|| foreign(name))
    }

    fn text(&self, name: &'static str) -> Result<&[Option<String>]> {
        match self.column(name)? {
            Values::Text(values) => Ok(values),
            _ => Err(foreign(name)),
        }
    }

    fn word(&self, name: &'static str, at: usize) -> Result<String> {
        Ok(self.text(name)?[at].clone().unwrap_or_default())
    }

    fn number(&self, name: &'static str, at: usize) -> Result<Option<f64>> {
        match self.column(name)? {
            Values::Double(values) => Ok(values[at]),
            _ => Err(foreign(name)),
        }
    }

    fn count(&self, name: &'static str, at: usize) -> Result<usize> {
        match self.column(name)? {
            Values::Bigint(values) => {
                values[at].and_then(|n| usize::try_from(n).ok()).ok_or_else(|| foreign(name))
            }
            _ => Err(foreign(name)),
        }
    }

    fn row(&self, at: usize) -> Result<Row> {
        let letter = self.word("design_grade", at)?;
        let grades = [Grade::A, Grade::B, Grade::C, Grade::D, Grade::E];
        let grade = grades.into_iter().find(|grade| grade.letter() == letter);
        let warnings = self.word("warnings", at)?;
        let warnings = warnings.split(APART).filter(|warning| !warning.is_empty());
        Ok(Row {
            rollout: self.word("rollout", at)?,
            service: self.word("service", at)?,
            metric: self.word("metric", at)?,
            unit: self.word("unit", at)?,
            pre: self.ratio("numerator_pre", "denominator_pre", at)?,
            post: self.ratio("numerator_post", "denominator_post", at)?,
            effects: self.effects(at)?,
            post_at_mix_before: self.number("value_post_at_pre_mix", at)?,
            estimate: self.estimate(at)?,
            method: self.word("method", at)?,
            grade: grade.ok_or_else(|| foreign("design_grade"))?,
            pre_days: self.count("pre_days", at)?,
            post_days: self.count("post_days", at)?,
            is_final: self.word("status", at)? == FINAL,
            warnings: warnings.map(str::to_owned).collect(),
        })
    }

    fn ratio(&self, over: &'static str, under: &'static str, at: usize) -> Result<Option<Ratio>> {
        let (numerator, denominator) = (self.number(over, at)?, self.number(under, at)?);
        let both = numerator.zip(denominator);
        Ok(both.map(|(numerator, denominator)| Ratio { numerator, denominator }))
    }

    fn effects(&self, at: usize) -> Result<Option<Effects>> {
        let micros = |name| Ok(self.number(name, at)?.map(|part| (part * 1e6).round() as i64));
        let Some(rate) = micros("rate_effect")? else { return Ok(None) };
        let part = |name| Ok(micros(name)?.unwrap_or_default());
        Ok(Some(Effects {
            difference: part("difference")?,
            rate,
            mix: part("mix_effect")?,
            volume: part("volume_effect")?,
            bot_cost: part("bot_cost_effect")?,
        }))
    }

    /// An end that is absent beside the estimate has no end.
    fn estimate(&self, at: usize) -> Result<Option<Estimate>> {
        let Some(value) = self.number("estimate", at)? else { return Ok(None) };
        let low = self.number("ci_low", at)?.unwrap_or(f64::NEG_INFINITY);
        let high = self.number("ci_high", at)?.unwrap_or(f64::INFINITY);
        Ok(Some(Estimate { value, low, high }))
    }
}

fn foreign(column: &'static str) -> Error {
    let message = "the table of the rollout comparison is not what a run writes";
    Error::new(ErrorKind::Corrupt, message)
        .context("column", column)
        .remedy("`chatkpi run PIPELINE` makes it again where a model or the program has changed")
}

fn texts(rows: &[Row]) -> Vec<(&'static str, Values)> {
    let text =
        |value: &dyn Fn(&Row) -> Option<String>| Values::Text(rows.iter().map(value).collect());
    let decimal = |micros: Option<i64>| micros.map(decimal_text);
    vec![
        ("rollout", text(&|row| Some(row.rollout.clone()))),
        ("service", text(&|row| Some(row.service.clone()))),
        ("metric", text(&|row| Some(row.metric.clone()))),
        ("unit", text(&|row| Some(row.unit.clone()))),
        ("method", text(&|row| Some(row.method.clone()))),
        ("design_grade", text(&|row| Some(row.grade.letter().to_owned()))),
        ("warnings", text(&|row| Some(row.warnings.join(APART)))),
        ("status", text(&|row| Some(if row.is_final { FINAL } else { "provisional" }.to_owned()))),
        (
            "difference",
            text(&|row| decimal(row.difference().map(|value| (value * 1e6).round() as i64))),
        ),
        ("rate_effect", text(&|row| decimal(row.effects.map(|parts| parts.rate)))),
        ("mix_effect", text(&|row| decimal(row.effects.map(|parts| parts.mix)))),
        ("volume_effect", text(&|row| decimal(row.effects.map(|parts| parts.volume)))),
        ("bot_cost_effect", text(&|row| decimal(row.effects.map(|parts| parts.bot_cost)))),
    ]
}

fn numbers(rows: &[Row]) -> Vec<(&'static str, Values)> {
    // Without end is no number that every reader takes.
    let number = |value: &dyn Fn(&Row) -> Option<f64>| {
        Values::Double(rows.iter().map(|row| value(row).filter(|v| v.is_finite())).collect())
    };
    let count = |value: &dyn Fn(&Row) -> usize| {
        Values::Bigint(rows.iter().map(|row| i64::try_from(value(row)).ok()).collect())
    };
    vec![
        ("numerator_pre", number(&|row| row.pre.map(|side| side.numerator))),
        ("denominator_pre", number(&|row| row.pre.map(|side| side.denominator))),
        ("value_pre", number(&|row| row.pre?.value())),
        ("numerator_post", number(&|row| row.post.map(|side| side.numerator))),
        ("denominator_post", number(&|row| row.post.map(|side| side.denominator))),
        ("value_post", number(&|row| row.post?.value())),
        ("percent", number(&Row::percent)),
        ("value_post_at_pre_mix", number(&|row| row.post_at_mix_before)),
        ("estimate", number(&|row| row.estimate.map(|found| found.value))),
        ("ci_low", number(&|row| row.estimate.map(|found| found.low))),
        ("ci_high", number(&|row| row.estimate.map(|found| found.high))),
        ("pre_days", count(&|row| row.pre_days)),
        ("post_days", count(&|row| row.post_days)),
    ]
}

/// Millionths as the text of a decimal.
fn decimal_text(micros: i64) -> String {
    let (sign, size) = (if micros < 0 { "-" } else { "" }, micros.unsigned_abs());
    format!("{sign}{}.{:06}", size / 1_000_000, size % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::infer::{Cell, Change, Handler, Input, compare};
    use crate::interval::{Interval, from_day_number, plus};

    #[test]
    fn decimals_keep_every_digit() {
        assert_eq!(decimal_text(-1_500_000), "-1.500000");
        assert_eq!(decimal_text(7), "0.000007");
        assert_eq!(decimal_text(i64::MIN), "-9223372036854.775808");
    }

    #[test]
    fn rows_become_columns_of_the_contract() {
        let start = from_day_number(20_000);
        let cell = |day: i64| Cell {
            date: plus(start, day),
            service: "s".to_owned(),
            channel: "phone".to_owned(),
            handler: Handler::Human,
            services: 4,
            cost_micros: if day < 56 { 10_000_000 } else { 9_000_000 },
            avoidable_micros: 0,
        };
        let input = Input {
            changes: vec![Change {
                name: "r".to_owned(),
                date: plus(start, 56),
                services: vec!["s".to_owned()],
                controls: Vec::new(),
                has_holdout: false,
                pre_days: 56,
                ramp_days: 14,
                post_days: 56,
            }],
            history: Interval::new(start, plus(start, 126)),
            cells: (0..126).map(cell).collect(),
            currency: "EUR".to_owned(),
            measures: Vec::new(),
            window_measures: Vec::new(),
            participants: Vec::new(),
            investments: Vec::new(),
        };
        let rows = compare(&input).expect("a right input");
        let query = Query {
            sql: String::new(),
            inputs: Vec::new(),
            columns: vec![Column::new("difference", Type::Decimal, true)],
            order: Vec::new(),
            dates: vec![start],
            together: false,
        };
        let query = written(&rows, start, query, |rollout| Some(format!("of {rollout}")));
        assert!(query.sql.starts_with("SELECT date, rollout, service, metric"));
        let TableData::Memory(columns) = &query.inputs[0].data else { panic!("rows in memory") };
        let at = |name: &str| query.inputs[0].columns.iter().position(|c| c.name == name);
        let of = |name: &str| &columns[at(name).expect("a column")];
        let Values::Text(differences) = of("difference") else { panic!("text") };
        assert_eq!(differences[0].as_deref(), Some("-0.250000"));
        let Values::Bigint(days) = of("date") else { panic!("days") };
        assert_eq!((days[0], days.len()), (Some(20_000), rows.len()));
        let Values::Text(sets) = of("assumption_ids") else { panic!("text") };
        assert_eq!(sets[0].as_deref(), Some("of r"));
        let Values::Double(after) = of("value_post") else { panic!("numbers") };
        assert_eq!(after[0], Some(2.25));
    }

    #[test]
    fn what_is_written_is_read_back() {
        let row = Row {
            rollout: "r".to_owned(),
            service: "s".to_owned(),
            metric: "m".to_owned(),
            unit: "months".to_owned(),
            pre: Some(Ratio { numerator: 12.5, denominator: 4.0 }),
            post: None,
            effects: Some(Effects {
                difference: -1_500_001,
                rate: -2_000_000,
                mix: 7,
                volume: 0,
                bot_cost: 499_992,
            }),
            post_at_mix_before: Some(3.25),
            estimate: Some(Estimate { value: -0.1, low: -0.2, high: f64::INFINITY }),
            method: "by hand".to_owned(),
            grade: Grade::D,
            pre_days: 56,
            post_days: 55,
            is_final: false,
            warnings: vec!["one".to_owned(), "two".to_owned()],
        };
        let bare = Row {
            pre: None,
            effects: None,
            post_at_mix_before: None,
            estimate: None,
            is_final: true,
            warnings: Vec::new(),
            ..row.clone()
        };
        let rows = [row, bare];
        let columns = texts(&rows).into_iter().chain(numbers(&rows));
        // As the engine gives decimals that are asked for as doubles.
        let parsed = |values: Vec<Option<String>>| {
            let number = |text: String| text.parse::<f64>().expect("a decimal");
            Values::Double(values.into_iter().map(|text| text.map(number)).collect())
        };
        let columns = columns.map(|(name, values)| match values {
            Values::Text(texts) if name.ends_with("_effect") || name == "difference" => {
                (name.to_owned(), parsed(texts))
            }
            values => (name.to_owned(), values),
        });
        let mut found = Found(columns.collect());
        for (at, row) in rows.iter().enumerate() {
            assert_eq!(found.row(at).expect("a row"), *row);
        }
        found.0.retain(|(name, _)| name != "unit");
        assert!(found.row(0).expect_err("a column less").to_string().contains("column: unit"));
    }
}
