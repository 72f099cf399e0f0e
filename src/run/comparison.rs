//! The one model whose last step is not SQL: its query gathers what `infer` compares, and what
//! `infer` says goes through the engine into a file like any other.

use chrono::NaiveDate;

use super::Job;
use super::compared::written;
use crate::engine::{Query, Values};
use crate::error::{Error, Result};
use crate::infer::{
    Arm, Cell, Change, Handler, Input, Investment, Measure, Participant, Served, Sum,
    WindowMeasure, compare,
};
use crate::interval::{Interval, from_day_number, plus};
use crate::pipeline::{AssumptionSet, Pipeline, Rollout};

/// Runs `query` and gives the query that writes what was made of its rows.
///
/// # Errors
/// Those of the engine; configuration where rollouts cannot be told apart.
pub fn compared(job: &Job<'_>, query: Query) -> Result<Query> {
    let gathered = Gathered::new(job.engine.values(&query.sql, &query.inputs)?)?;
    let rows = compare(&gathered.input(job.pipeline)?)?;
    let date = query.dates.first().copied().unwrap_or_default();
    let assumed = |rollout: &str| {
        let rollout = job.pipeline.rollouts.iter().find(|known| known.name == rollout)?;
        assumption_ids(rollout, &job.pipeline.assumptions.sets)
    };
    Ok(written(&rows, date, query, assumed))
}

/// The sets that held on a day from the first before to the last after; None where none did.
fn assumption_ids(rollout: &Rollout, sets: &[AssumptionSet]) -> Option<String> {
    let first = plus(rollout.date, -i64::from(rollout.pre_days));
    let after = i64::from(rollout.ramp_days) + i64::from(rollout.post_days);
    let end = plus(rollout.date, after);
    let held = sets.iter().enumerate().filter(|(n, set)| {
        let next = sets.get(n + 1).and_then(|next| next.from);
        set.from.is_none_or(|from| from < end) && next.is_none_or(|next| next > first)
    });
    let ids: Vec<&str> = held.map(|(_, set)| set.id.as_str()).collect();
    (!ids.is_empty()).then(|| ids.join(", "))
}

/// The rows of the query, column by column.
struct Gathered {
    texts: [Vec<String>; 5],
    numbers: [Vec<i64>; 6],
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
            numbers: [
                number("day")?,
                number("a")?,
                number("b")?,
                number("c")?,
                number("d")?,
                number("e")?,
            ],
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
        input.participants = joined(std::mem::take(&mut input.participants));
        if let (Some(first), Some(last)) = (input.cells.first(), until) {
            input.history = Interval::new(first.date, plus(last, 1));
        }
        Ok(input)
    }

    /// Puts a row where it belongs; the last day, where the row says it.
    fn add(&self, at: usize, input: &mut Input) -> Result<Option<NaiveDate>> {
        let text = |column: usize| self.texts[column][at].clone();
        let [kind, rollout, service, name, part] = [0, 1, 2, 3, 4].map(text);
        let [day, a, b, c, d, e] = [0, 1, 2, 3, 4, 5].map(|column: usize| self.numbers[column][at]);
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
                final_after_days: c,
            }),
            "window" => {
                let (pre, post, unit) = ((a, b), (c, d), part);
                let measure = WindowMeasure { rollout, service, name, unit, pre, post };
                input.window_measures.push(measure);
            }
            "before" | "after" => {
                let served = Served { sum: Sum { services: a, cost: [b, d, c, b - c] }, by_bot: e };
                let none = Served::default();
                let is_before = kind == "before";
                input.participants.push(Participant {
                    rollout,
                    unit: name,
                    service,
                    arm: if part.ends_with("kept") { Arm::Holdout } else { Arm::Treated },
                    is_mixed: part.starts_with("mixed"),
                    before: if is_before { served } else { none },
                    after: if is_before { none } else { served },
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

/// One row for each customer and service, in a fixed order: both windows are rows of their own.
fn joined(mut halves: Vec<Participant>) -> Vec<Participant> {
    halves
        .sort_by(|x, y| (&x.rollout, &x.service, &x.unit).cmp(&(&y.rollout, &y.service, &y.unit)));
    halves.dedup_by(|next, kept| {
        let is_same = (&next.rollout, &next.service, &next.unit)
            == (&kept.rollout, &kept.service, &kept.unit);
        if is_same {
            kept.before.add(&next.before);
            kept.after.add(&next.after);
        }
        is_same
    });
    halves
}

fn change(rollout: &Rollout) -> Change {
    Change {
        name: rollout.name.clone(),
        date: rollout.date,
        services: rollout.services.clone(),
        controls: rollout.controls.clone(),
        has_holdout: !rollout.holdout.is_empty(),
        pre_days: rollout.pre_days,
        ramp_days: rollout.ramp_days,
        post_days: rollout.post_days,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
                ("e".to_owned(), number(&vec![5; kinds.len()])),
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
    fn the_sets_of_the_windows_are_named() {
        let rollout = Rollout {
            name: "r".to_owned(),
            date: from_day_number(100),
            services: Vec::new(),
            controls: Vec::new(),
            holdout: Vec::new(),
            pre_days: 10,
            ramp_days: 5,
            post_days: 10,
        };
        let set = |from: Option<i32>| AssumptionSet {
            id: from.map_or("always".to_owned(), |from| from.to_string()),
            from: from.map(from_day_number),
            agent_hourly_rate_micros: None,
            aht_seconds: None,
            owner: None,
            source: None,
        };
        // From day 90 to day 114.
        let sets = |days: &[Option<i32>]| days.iter().map(|from| set(*from)).collect::<Vec<_>>();
        let held = |days: &[Option<i32>]| assumption_ids(&rollout, &sets(days));
        assert_eq!(held(&[]), None);
        assert_eq!(held(&[None]).as_deref(), Some("always"));
        assert_eq!(held(&[None, Some(90), Some(114)]).as_deref(), Some("90, 114"));
        assert_eq!(held(&[None, Some(91), Some(115)]).as_deref(), Some("always, 91"));
        assert_eq!(held(&[Some(115)]), None);
    }

    #[test]
    fn both_windows_of_a_customer_become_one() {
        let half = |unit: &str, before: i64, after: i64| {
            let served = |services| Served { sum: Sum { services, cost: [0; 4] }, by_bot: 0 };
            Participant {
                rollout: "r".to_owned(),
                unit: unit.to_owned(),
                service: "s".to_owned(),
                arm: Arm::Holdout,
                is_mixed: false,
                before: served(before),
                after: served(after),
            }
        };
        let halves = vec![half("b", 0, 4), half("a", 1, 0), half("b", 3, 0), half("a", 0, 2)];
        assert_eq!(joined(halves), [half("a", 1, 2), half("b", 3, 4)]);
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
