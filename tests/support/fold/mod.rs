//! The oracle: what `kpi_daily` must hold, told a second time in plain loops over the whole log.
//!
//! Promises: it shares no code, no query and no shortcut with the program: no windows, no
//! partitions, no sketches. Each rule stands beside the section of the contract that it follows.
//! Leaves out speed.

mod answers;
mod availability;
mod cells;
mod cost;
mod durability;
mod leads;
mod oracle;
mod periods;
mod read;
mod sessions;
mod tables;
mod tally;
mod turns;
mod users;

use std::collections::BTreeMap;

use chrono::NaiveDate;

pub use answers::{Answers, satisfaction};
pub use periods::Period;
pub use tables::{Rows, tables};

use super::chaos::World;

/// One number of `kpi_daily`.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    pub numerator: f64,
    /// Never 0: such a cell does not exist.
    pub denominator: f64,
    pub value: f64,
    /// The ends of the Wilson interval at 95 %, for proportions only.
    pub ci_low: Option<f64>,
    pub ci_high: Option<f64>,
    /// The observations behind the value.
    pub n: i64,
    pub low_n: bool,
    /// `final` or `provisional`.
    pub status: String,
}

/// A cell's place: local date, metric, and a value for each of the world's dimensions (`*` = all).
pub type Place = (NaiveDate, String, Vec<String>);

/// Every cell of the world's `kpi_daily` that exists, over the whole history.
pub fn expected(world: &World, objects: &[(String, Vec<u8>)]) -> BTreeMap<Place, Cell> {
    let Some(history) = history(world, objects) else { return BTreeMap::new() };
    let events = read::accepted(world, objects);
    let watermark = read::watermark(world, &events);
    let sessions = sessions::build(world, events.clone());
    let mut tallies = tally::count(world, &sessions, watermark);
    for (place, leads) in leads::count(world, &events, &sessions) {
        tallies.entry(place).or_default().leads = leads;
    }
    for (place, minutes) in availability::count(world, &sessions, history) {
        tallies.entry(place).or_default().minutes = minutes;
    }
    let mut cells = cells::cells(world, &tallies, watermark);
    cells.extend(users::cells(world, &sessions, watermark, history));
    cells.extend(durability::cells(world, &sessions, watermark, history.0));
    cells.extend(cost::cells(world, &sessions, watermark, history.0, history.1));
    cells
}

/// The cells of every `period`, but for percentiles, from `daily`, which is what [`expected`] gives.
pub fn expected_of(
    world: &World,
    objects: &[(String, Vec<u8>)],
    period: Period,
    daily: &BTreeMap<Place, Cell>,
) -> BTreeMap<Place, Cell> {
    let Some((_, newest)) = history(world, objects) else { return BTreeMap::new() };
    let events = read::accepted(world, objects);
    let watermark = read::watermark(world, &events);
    let sessions = sessions::build(world, events);
    periods::cells(world, period, daily, &sessions, watermark, newest)
}

/// The first and the last local day that the warehouse has partitions for: from the first to the
/// newest accepted event (R3, §3.13). None for a log without any.
pub fn history(world: &World, objects: &[(String, Vec<u8>)]) -> Option<(NaiveDate, NaiveDate)> {
    let events = read::accepted(world, objects);
    let days = || events.iter().map(|event| event.date);
    days().min().zip(days().max())
}

/// Every slice that these dimension values fall into: each dimension is itself or `*`.
fn slices(values: &[String]) -> Vec<Vec<String>> {
    (0..1_usize << values.len())
        .map(|kept| {
            let pick = |(place, value): (usize, &String)| {
                if kept & (1 << place) == 0 { "*".to_owned() } else { value.clone() }
            };
            values.iter().enumerate().map(pick).collect()
        })
        .collect()
}
