//! Weeks and months (§4): what adds up is added, users are counted over the whole period, and a
//! cell is final when that of the period's last day would be.
//!
//! Leaves out percentiles, which a period reads off summed histograms: the cases of the models
//! hold them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, Days, Months, NaiveDate};

use super::cells::{Rows, is_final};
use super::sessions::Session;
use super::{Cell, Place, slices};
use crate::support::chaos::World;

/// Metrics whose days do not add up; of these only users are told for a period, in another way.
const NOT_ADDED: [&str; 13] = [
    "unique_users",
    "dau",
    "wau",
    "mau",
    "mau28",
    "stickiness",
    "returning_users",
    "recurring_use_rate",
    "lead_rate",
    "response_time_p50_ms",
    "response_time_p90_ms",
    "response_time_p95_ms",
    "response_time_p99_ms",
];

/// A calendar's way to cut days, by the first day of each period.
#[derive(Clone, Copy)]
pub enum Period {
    Week,
    Month,
}

impl Period {
    fn first(self, date: NaiveDate) -> NaiveDate {
        match self {
            Period::Week => date - Days::new(date.weekday().num_days_from_monday().into()),
            Period::Month => date.with_day(1).unwrap(),
        }
    }

    fn last(self, first: NaiveDate) -> NaiveDate {
        match self {
            Period::Week => first + Days::new(6),
            Period::Month => first + Months::new(1) - Days::new(1),
        }
    }
}

/// The cells of all periods that `daily`, all cells of the history's days, falls into.
pub fn cells(
    world: &World,
    period: Period,
    daily: &BTreeMap<Place, Cell>,
    sessions: &[Session],
    watermark: i64,
    newest: NaiveDate,
) -> BTreeMap<Place, Cell> {
    let mut sums: BTreeMap<(NaiveDate, &[String]), BTreeMap<&str, Sum>> = BTreeMap::new();
    for ((date, metric, slice), cell) in daily {
        let place = (period.first(*date), slice.as_slice());
        sums.entry(place).or_default().entry(metric).or_default().add(cell);
    }
    let users = users(world, period, sessions);
    let mut cells = BTreeMap::new();
    for ((first, slice), metrics) in sums {
        let mut rows = Rows::default();
        for (metric, sum) in &metrics {
            if !NOT_ADDED.contains(metric) {
                sum.tell(metric, &mut rows);
            }
        }
        if let Some(users) = users.get(&(first, slice.to_vec())) {
            let all = users.len() as i64;
            let returning = all - metrics["new_users"].numerator as i64;
            rows.count("unique_users", all);
            rows.put("returning_users", returning as f64, 1.0, all);
            rows.proportion("recurring_use_rate", returning, all);
        }
        let last = period.last(first);
        for (metric, mut cell) in rows.by_metric() {
            let is_final = last <= newest && is_final(world, &metric, last, watermark);
            cell.status = if is_final { "final" } else { "provisional" }.to_owned();
            cells.insert((first, metric, slice.to_vec()), cell);
        }
    }
    cells
}

#[derive(Default)]
struct Sum {
    numerator: f64,
    denominator: f64,
    n: i64,
    /// Of counted cases, so that it has an interval.
    is_proportion: bool,
}

impl Sum {
    fn add(&mut self, cell: &Cell) {
        self.numerator += cell.numerator;
        self.denominator += cell.denominator;
        self.n += cell.n;
        self.is_proportion |= cell.ci_low.is_some();
    }

    fn tell(&self, metric: &str, rows: &mut Rows) {
        let is_mean = metric.starts_with("avg_") || metric.starts_with("cost_per_");
        if self.is_proportion {
            rows.proportion(metric, self.numerator.round() as i64, self.denominator as i64);
        } else if is_mean || metric == "nps" || metric == "response_time_ms" {
            rows.put(metric, self.numerator, self.denominator, self.n);
        } else {
            rows.put(metric, self.numerator, 1.0, self.n);
        }
    }
}

/// Who wrote in a period, in each slice.
fn users(
    world: &World,
    period: Period,
    sessions: &[Session],
) -> BTreeMap<(NaiveDate, Vec<String>), BTreeSet<String>> {
    let mut users: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for session in sessions {
        let values: Vec<String> = world.dims.iter().map(|dim| session.dimension(dim)).collect();
        for event in session.events.iter().filter(|event| event.is_message_of("user")) {
            let Some(user) = &event.user else { continue };
            for slice in slices(&values) {
                let place = (period.first(event.date), slice);
                users.entry(place).or_default().insert(user.clone());
            }
        }
    }
    users
}
