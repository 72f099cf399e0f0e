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
            until = self.add(at, &mut input)?.or(until);
        }
        // An engine's order of rows must not matter to anything.
        input.cells.sort_unstable_by(|x, y| key(x).cmp(&key(y)));
        let series = |m: &Measure| (m.name.clone(), m.service.clone(), m.date);
        input.measures.sort_by_cached_key(series);
        let ratio = |m: &WindowMeasure| (m.rollout.clone(), m.service.clone(), m.name.clone());
        input.window_measures.sort_by_cached_key(ratio);
        if let (Some(first), Some(last)) = (input.cells.first(), until) {
            input.history = Interval::new(first.date, plus(last, 1));
        }
        Ok(input)
    }

    /// Puts a row where it belongs; the last day, where the row says it.
    fn add(&self, at: usize, input: &mut Input) -> Result<Option<NaiveDate>> {
        let text = |column: usize| self.texts[column][at].clone();
        let [kind, rollout, service, name, part] = [0, 1, 2, 3, 4].map(text);
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
            "measure" => {
                let (numerator, denominator) = (a, b);
                input.measures.push(Measure {
                    date,
                    service,
                    name,
                    unit: part,
                    numerator,
                    denominator,
                });
            }
            "window" => {
                let (pre, post) = ((a, b), (c, d));
                let unit = part;
                input.window_measures.push(WindowMeasure {
                    rollout,
                    service,
                    name,
                    unit,
                    pre,
                    post,
                });
            }
            "investment" => {
                let (micros, booked_after_micros) = (a, b);
                input.investments.push(Investment { rollout, micros, booked_after_micros });
            }
            "until" => return Ok(Some(date)),
            _ => {
                let message = "the rollout comparison knows no such row";
                return Err(Error::config(message).context("kind", kind));
            }
        }
        Ok(None)
    }
}

fn key(cell: &Cell) -> (NaiveDate, &str, Handler, &str) {
    (cell.date, &cell.service, cell.handler, &cell.channel)
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
    fn rows_of_every_kind_find_their_place() {
        let text = |values: &[&str]| {
            Values::Text(values.iter().map(|value| Some((*value).to_owned())).collect())
        };
        let number = |values: &[i64]| Values::Bigint(values.iter().map(|v| Some(*v)).collect());
        let columns = |kinds: &[&str]| {
            let some = |value: &'static str| text(&vec![value; kinds.len()]);
            let days: Vec<i64> = (0..kinds.len() as i64).map(|n| 100 - n).collect();
            vec![
                ("kind".to_owned(), text(kinds)),
                ("rollout".to_owned(), some("r")),
                ("service".to_owned(), some("s")),
                ("name".to_owned(), some("web")),
                ("part".to_owned(), some("bot")),
                ("day".to_owned(), number(&days)),
                ("a".to_owned(), number(&vec![1; kinds.len()])),
                ("b".to_owned(), number(&vec![2; kinds.len()])),
                ("c".to_owned(), number(&vec![3; kinds.len()])),
                ("d".to_owned(), number(&vec![4; kinds.len()])),
            ]
        };
        let mut input = empty();
        let gathered =
            Gathered::new(columns(&["until", "cell", "measure", "window", "investment"]));
        let gathered = gathered.expect("all columns");
        let until: Vec<_> =
            (0..5).map(|at| gathered.add(at, &mut input).expect("a known kind")).collect();
        assert_eq!(until, [Some(from_day_number(100)), None, None, None, None]);
        let cell = &input.cells[0];
        assert_eq!((cell.date, cell.handler), (from_day_number(99), Handler::Bot));
        assert_eq!((cell.services, cell.cost_micros, cell.avoidable_micros), (1, 2, 3));
        assert_eq!((input.measures[0].numerator, input.measures[0].denominator), (1, 2));
        assert_eq!((input.window_measures[0].pre, input.window_measures[0].post), ((1, 2), (3, 4)));
        assert_eq!((input.investments[0].micros, input.investments[0].booked_after_micros), (1, 2));
        let other = Gathered::new(columns(&["other"])).expect("all columns");
        assert!(other.add(0, &mut input).is_err());
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
                pre_days: 56,
                ramp_days: 14,
                post_days: 56,
            }],
            history: Interval::new(start, plus(start, 126)),
            cells: (0..126).map(cell).collect(),
            ..empty()
        };
        let rows = compare(&input).expect("a right input");
        let query = Query {
            sql: String::new(),
            inputs: Vec::new(),
            columns: vec![Column::new("difference", crate::schema::Type::Decimal, true)],
            order: Vec::new(),
            dates: vec![start],
            together: false,
        };
        let query = written(&rows, start, query);
        assert!(query.sql.starts_with("SELECT date, rollout, service, metric"));
        let TableData::Memory(columns) = &query.inputs[0].data else { panic!("rows in memory") };
        let at = |name: &str| query.inputs[0].columns.iter().position(|c| c.name == name);
        let of = |name: &str| &columns[at(name).expect("a column")];
        let Values::Text(differences) = of("difference") else { panic!("text") };
        assert_eq!(differences[0].as_deref(), Some("-0.250000"));
        let Values::Bigint(days) = of("date") else { panic!("days") };
        assert_eq!((days[0], days.len()), (Some(20_000), rows.len()));
        let Values::Double(after) = of("value_post") else { panic!("numbers") };
        assert_eq!(after[0], Some(2.25));
    }

    fn empty() -> Input {
        Input {
            changes: Vec::new(),
            history: Interval::new(NaiveDate::default(), NaiveDate::default()),
            currency: "EUR".to_owned(),
            cells: Vec::new(),
            measures: Vec::new(),
            window_measures: Vec::new(),
            participants: Vec::new(),
            investments: Vec::new(),
        }
    }

    #[test]
    fn a_query_of_other_columns_is_told() {
        let columns = vec![("kind".to_owned(), Values::Bigint(Vec::new()))];
        let error = Gathered::new(columns).err().expect("a wrong type");
        assert!(error.to_string().contains("column: kind"));
    }
}
