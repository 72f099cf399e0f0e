//! The one model whose last step is not SQL: its query gathers what `infer` compares, and what
//! `infer` says goes through the engine into a file like any other.

use chrono::NaiveDate;

use super::Job;
use crate::engine::{InputTable, Query, TableData, Values};
use crate::error::{Error, Result};
use crate::infer::{
    Cell, Change, Handler, Input, Investment, Measure, Row, WindowMeasure, compare,
};
use crate::interval::{Interval, day_number, from_day_number, plus};
use crate::pipeline::{Pipeline, Rollout};
use crate::schema::Column;

/// The name of the rows in memory.
const RESULT: &str = "compared";

/// Runs `query` and gives the query that writes what was made of its rows.
///
/// # Errors
/// Those of the engine; configuration where rollouts cannot be told apart.
pub fn compared(job: &Job<'_>, query: Query) -> Result<Query> {
    let gathered = Gathered::new(job.engine.values(&query.sql, &query.inputs)?)?;
    let rows = compare(&gathered.input(job.pipeline)?)?;
    let date = query.dates.first().copied().unwrap_or_default();
    Ok(written(&rows, date, query))
}

/// The rows of the query, column by column.
struct Gathered {
    texts: [Vec<String>; 5],
    numbers: [Vec<i64>; 5],
}

impl Gathered {
    fn new(columns: Vec<(String, Values)>) -> Result<Self> {
        let find = |name: &str| columns.iter().find(|(known, _)| known == name).map(|(_, v)| v);
        let missing = |name: &str| {
            Error::config("the query of the rollout comparison lacks a column")
                .context("column", name)
        };
        let text = |name: &str| match find(name) {
            Some(Values::Text(values)) => {
                Ok(values.iter().map(|v| v.clone().unwrap_or_default()).collect())
            }
            _ => Err(missing(name)),
        };
        let number = |name: &str| match find(name) {
            Some(Values::Bigint(values)) => Ok(values.iter().map(|v| v.unwrap_or(0)).collect()),
            _ => Err(missing(name)),
        };
        Ok(Gathered {
            texts: [
                text("kind")?,
                text("rollout")?,
                text("service")?,
                text("name")?,
                text("part")?,
            ],
            numbers: [number("day")?, number("a")?, number("b")?, number("c")?, number("d")?],
        })
    }

    fn input(&self, pipeline: &Pipeline) -> Result<Input> {
        let mut input = Input {
            changes: pipeline.rollouts.iter().map(change).collect(),
            history: Interval::new(NaiveDate::default(), NaiveDate::default()),
            currency: pipeline.assumptions.currency.clone().unwrap_or_else(|| "money".to_owned()),
            cells: Vec::new(),
            measures: Vec::new(),
            window_measures: Vec::new(),
            participants: Vec::new(),
            investments: Vec::new(),
        };
        let mut until = None;
        for at in 0..self.texts[0].len() {
            let [kind, rollout, service, name, part] =
                [0, 1, 2, 3, 4].map(|column: usize| self.texts[column][at].clone());
            let [day, a, b, c, d] = [0, 1, 2, 3, 4].map(|column: usize| self.numbers[column][at]);
            let date = from_day_number(i32::try_from(day).unwrap_or(i32::MAX));
            match kind.as_str() {
                "cell" => input.cells.push(Cell {
                    date,
                    service,
                    channel: name,
                    handler: if part == "bot" { Handler::Bot } else { Handler::Human },
                    services: a,
                    cost_micros: b,
                    avoidable_micros: c,
                }),
                "measure" => input.measures.push(Measure {
                    date,
                    service,
                    name,
                    unit: part,
                    numerator: a,
                    denominator: b,
                }),
                "window" => input.window_measures.push(WindowMeasure {
                    rollout,
                    service,
                    name,
                    unit: part,
                    pre: (a, b),
                    post: (c, d),
                }),
                "investment" => input.investments.push(Investment {
                    rollout,
                    micros: a,
                    booked_after_micros: b,
                }),
                "until" => until = Some(date),
                _ => {
                    return Err(Error::config("the rollout comparison knows no such row")
                        .context("kind", kind));
                }
            }
        }
        // An engine's order of rows must not matter to anything.
        input.cells.sort_unstable_by(|x, y| {
            (x.date, &x.service, x.handler, &x.channel)
                .cmp(&(y.date, &y.service, y.handler, &y.channel))
        });
        input.measures.sort_unstable_by(|x, y| {
            (x.date, &x.service, &x.name).cmp(&(y.date, &y.service, &y.name))
        });
        input.window_measures.sort_unstable_by(|x, y| {
            (&x.rollout, &x.service, &x.name).cmp(&(&y.rollout, &y.service, &y.name))
        });
        if let (Some(first), Some(last)) = (input.cells.first(), until) {
            input.history = Interval::new(first.date, plus(last, 1));
        }
        Ok(input)
    }
}

fn change(rollout: &Rollout) -> Change {
    Change {
        name: rollout.name.clone(),
        date: rollout.date,
        services: rollout.services.clone(),
        controls: rollout.controls.clone(),
        pre_days: rollout.pre_days,
        ramp_days: rollout.ramp_days,
        post_days: rollout.post_days,
    }
}

/// The rows as a table in memory, and the query that takes them from there.
fn written(rows: &[Row], date: NaiveDate, query: Query) -> Query {
    let mut columns =
        vec![("date", Values::Bigint(vec![Some(i64::from(day_number(date))); rows.len()]))];
    columns.extend(texts(rows));
    columns.extend(numbers(rows));
    let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    let sql = format!("SELECT {} FROM {RESULT}", names.join(", "));
    let kind = |name: &str| {
        let known = query.columns.iter().find(|column| column.name == name);
        known.cloned().unwrap_or_else(|| Column::new(name, crate::schema::Type::Date, false))
    };
    let input = InputTable {
        name: RESULT.to_owned(),
        columns: names.iter().map(|name| kind(name)).collect(),
        data: TableData::Memory(columns.into_iter().map(|(_, values)| values).collect()),
    };
    Query { sql, inputs: vec![input], ..query }
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
        ("warnings", text(&|row| Some(row.warnings.join("; ")))),
        (
            "status",
            text(&|row| Some(if row.is_final { "final" } else { "provisional" }.to_owned())),
        ),
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

    #[test]
    fn decimals_keep_every_digit() {
        assert_eq!(decimal_text(-1_500_000), "-1.500000");
        assert_eq!(decimal_text(7), "0.000007");
        assert_eq!(decimal_text(i64::MIN), "-9223372036854.775808");
    }

    #[test]
    fn a_query_of_other_columns_is_told() {
        let columns = vec![("kind".to_owned(), Values::Bigint(Vec::new()))];
        let error = Gathered::new(columns).err().expect("a wrong type");
        assert!(error.to_string().contains("column: kind"));
    }
}
