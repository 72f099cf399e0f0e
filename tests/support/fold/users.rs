//! Users over time: the windows that end with a day (§3.3), and how many of a day's new users come
//! back or leave with their question resolved (§3.4).

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::cells::{Rows, is_over};
use super::sessions::{Outcome, Session};
use super::{Cell, Place, slices};
use crate::support::calendar::plus;
use crate::support::chaos::World;

/// What the user messages of one slice say of one user: everything looks at that slice alone.
#[derive(Default)]
struct Life {
    active: BTreeSet<NaiveDate>,
    /// Days with a message in a session that ended resolved.
    completed: BTreeSet<NaiveDate>,
}

impl Life {
    fn is_active(&self, from: NaiveDate, to: NaiveDate) -> bool {
        self.active.range(from..=to).next().is_some()
    }
}

/// The lives of one slice, by user.
type Lives = BTreeMap<String, Life>;

/// Trailing windows and retention of every slice, for every day from the first of `history` to its
/// last.
pub fn cells(
    world: &World,
    sessions: &[Session],
    watermark: i64,
    history: (NaiveDate, NaiveDate),
) -> BTreeMap<Place, Cell> {
    let mut cells = BTreeMap::new();
    for (slice, lives) in lives(world, sessions, watermark) {
        for date in history.0.iter_days().take_while(|date| *date <= history.1) {
            let mut rows = Rows::default();
            windows(&mut rows, &lives, date, history.0);
            retention(&mut rows, &lives, date, |days| is_over(world, date, days, watermark));
            rows.into_cells(world, date, &slice, watermark, &mut cells);
        }
    }
    cells
}

fn lives(world: &World, sessions: &[Session], watermark: i64) -> BTreeMap<Vec<String>, Lives> {
    let mut all: BTreeMap<Vec<String>, Lives> = BTreeMap::new();
    for session in sessions {
        let values: Vec<String> = world.dims.iter().map(|dim| session.dimension(dim)).collect();
        let is_resolved = is_resolved(session.outcome(watermark));
        for slice in slices(&values) {
            let lives = all.entry(slice).or_default();
            for event in session.events.iter().filter(|event| event.is_message_of("user")) {
                let Some(user) = &event.user else { continue };
                let life = lives.entry(user.clone()).or_default();
                life.active.insert(event.date);
                if is_resolved {
                    life.completed.insert(event.date);
                }
            }
        }
    }
    all
}

/// §3.5: resolved_*.
pub fn is_resolved(outcome: Outcome) -> bool {
    use Outcome::*;
    matches!(outcome, ResolvedConfirmed | ResolvedGoal | ResolvedAssumed)
}

/// §3.3: absent until history covers the window, and where nobody is in it.
fn windows(rows: &mut Rows, lives: &Lives, date: NaiveDate, first: NaiveDate) {
    let users = |days: i64| {
        let from = plus(date, 1 - days);
        let count = lives.values().filter(|life| life.is_active(from, date)).count() as i64;
        (from >= first && count > 0).then_some(count)
    };
    for (metric, days) in [("wau", 7), ("mau28", 28), ("mau", 30)] {
        if let Some(count) = users(days) {
            rows.count(metric, count);
        }
    }
    let daily = lives.values().filter(|life| life.is_active(date, date)).count() as i64;
    if let (true, Some(monthly)) = (daily > 0, users(28)) {
        rows.proportion("stickiness", daily, monthly);
    }
}

/// §3.4: the cohort is everybody first seen on `date`; null until mature.
fn retention(rows: &mut Rows, lives: &Lives, date: NaiveDate, is_over: impl Fn(i64) -> bool) {
    let cohort: Vec<&Life> =
        lives.values().filter(|life| life.active.first() == Some(&date)).collect();
    let returned =
        |life: &Life, from: i64, to: i64| life.is_active(plus(date, from), plus(date, to));
    let mut put = |metric: &str, wait: i64, is_retained: &dyn Fn(&Life) -> bool| {
        if is_over(wait) {
            let retained = cohort.iter().filter(|life| is_retained(life)).count() as i64;
            rows.proportion(metric, retained, cohort.len() as i64);
        }
    };
    put("retention_d1", 1, &|life| returned(life, 1, 1));
    put("retention_d7", 7, &|life| returned(life, 7, 7));
    put("retention_d30", 30, &|life| returned(life, 30, 30));
    put("returned_within_30", 30, &|life| returned(life, 1, 30));
    put("completion_rate", 1, &|life| life.completed.contains(&date));
    put("retention_30", 30, &|life| life.completed.contains(&date) || returned(life, 1, 30));
}
