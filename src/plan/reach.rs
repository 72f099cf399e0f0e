//! Which days of what it reads a partition needs.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use chrono_tz::Tz;

use crate::interval::{Every, Interval, day_end_us, plus};
use crate::model::catalog::{Catalog, Entry};
use crate::model::query::Watermarks;
use crate::model::{After, Before, Read, Table};
use crate::schema::Kind;

/// What the decoded records say about time.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The days that have partitions, to the newest day that can be asked for.
    pub history: Interval,
    /// The first local day with an accepted event.
    pub first_event: NaiveDate,
    pub watermarks: Watermarks,
    /// Days that are published or asked for.
    pub published: BTreeSet<NaiveDate>,
    pub zone: Tz,
}

/// The days of `read` that the partitions `dates` of the model of `entry` need, together. Models
/// have no days outside history; records may lie before it.
pub fn reach(entry: &Entry, read: &Read, dates: &[NaiveDate], facts: &Facts) -> Interval {
    let every = entry.model.every;
    let (Some(first), Some(last)) = (dates.first(), dates.last()) else {
        return Interval::new(facts.history.start, facts.history.start);
    };
    let history = facts.history;
    if let Before::Window(days) = read.before {
        return within(read, days, history);
    }
    let start = match (every, read.before) {
        (Every::Once, _) | (_, Before::All) => match read.table {
            Table::Input(_) => NaiveDate::MIN,
            Table::Model(_) => history.start,
        },
        (_, Before::Days(n)) => plus(*first, -i64::from(n)),
        (_, Before::Month) => Every::Month.start(*first),
        (_, Before::Window(days)) => days.start,
    };
    let end = match (every, read.after) {
        (Every::Once, _) => history.end,
        // What reads its own past reads none of the days being built.
        (_, After::Days(n)) if n < 0 && is_own(entry, read) => *first,
        (_, After::Days(n)) => plus(*last, 1 + i64::from(n)),
        (_, After::Period) => every.days(*last).end,
        (_, After::Matured) => {
            let wait = |date: &NaiveDate| {
                let days = every.days(*date);
                let wait = passed(&entry.model.matures, days, facts, &entry.inputs);
                plus(days.end, i64::from(wait.unwrap_or(0)))
            };
            dates.iter().map(wait).max().unwrap_or(*last)
        }
    };
    within(read, Interval::new(start, end), history)
}

fn within(read: &Read, days: Interval, history: Interval) -> Interval {
    match read.table {
        Table::Input(_) => days,
        Table::Model(_) => days.intersect(history),
    }
}

/// The dates of the partitions of `table` that hold `days`, as the model of `entry` needs them. A
/// published week or month is made of published days, so that asking for one day builds no other.
pub fn reached(
    catalog: &Catalog,
    entry: &Entry,
    table: &Table,
    days: Interval,
    facts: &Facts,
) -> Vec<NaiveDate> {
    let every = match table {
        Table::Input(_) => Every::Day,
        Table::Model(name) => catalog.entry(name).map_or(Every::Day, |e| e.model.every),
    };
    let mut dates = every.starts(days);
    if entry.model.is_published() && entry.model.every != Every::Day && every == Every::Day {
        dates.retain(|date| facts.published.contains(date));
    }
    dates
}

/// The largest of `waits` so that the watermark of `inputs` has passed the end of the local day so
/// many days after the last one of `span`.
pub fn passed(
    waits: &[u32],
    span: Interval,
    facts: &Facts,
    inputs: &BTreeSet<Kind>,
) -> Option<u32> {
    // A single partition of all days ends with history.
    let end = if span.end == NaiveDate::MAX { facts.history.end } else { span.end };
    let watermark_us = facts.watermarks.of(inputs);
    let over = |wait: &u32| watermark_us >= day_end_us(plus(end, i64::from(*wait) - 1), facts.zone);
    waits.iter().copied().filter(|w| over(w)).max()
}

fn is_own(entry: &Entry, read: &Read) -> bool {
    matches!(&read.table, Table::Model(name) if *name == entry.model.name)
}
