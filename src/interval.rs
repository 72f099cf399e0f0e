//! Business days, half-open intervals of them, and the time zone that cuts instants into days.
//!
//! A day is the half-open local interval [00:00, next 00:00) of an IANA zone: 23, 24 or 25 hours,
//! and where midnight does not exist it begins at the first instant that bears its date. Instants
//! are UTC microseconds in an `i64`. Leaves out: what a day's data is, and the clock.

use std::fmt;

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeZone};
use chrono_tz::Tz;

/// Microseconds in a second.
pub const SECOND_US: i64 = 1_000_000;

/// A half-open span of business days `[start, end)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Interval {
    pub start: NaiveDate,
    pub end: NaiveDate,
}

impl Interval {
    /// An interval that ends before it starts is empty.
    pub fn new(start: NaiveDate, end: NaiveDate) -> Self {
        Interval { start, end: end.max(start) }
    }

    pub fn day(date: NaiveDate) -> Self {
        Interval::new(date, plus(date, 1))
    }

    pub fn days(self) -> impl DoubleEndedIterator<Item = NaiveDate> {
        let first = self.start;
        (0..self.len() as i64).map(move |n| plus(first, n))
    }

    pub fn len(self) -> usize {
        (self.end - self.start).num_days() as usize
    }

    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    pub fn contains(self, date: NaiveDate) -> bool {
        self.start <= date && date < self.end
    }

    /// The interval with its neighbours: `before` days earlier and `after` days later.
    #[must_use]
    pub fn extend(self, before: u32, after: u32) -> Self {
        Interval::new(plus(self.start, -i64::from(before)), plus(self.end, i64::from(after)))
    }

    #[must_use]
    pub fn intersect(self, other: Interval) -> Self {
        let start = self.start.max(other.start);
        Interval::new(start, self.end.min(other.end))
    }

    /// The maximal runs of consecutive days in a sorted list of distinct days.
    pub fn runs(days: impl IntoIterator<Item = NaiveDate>) -> Vec<Interval> {
        let mut runs: Vec<Interval> = Vec::new();
        for day in days {
            match runs.last_mut() {
                Some(run) if run.end == day => run.end = plus(day, 1),
                _ => runs.push(Interval::day(day)),
            }
        }
        runs
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.len() == 1 {
            write!(f, "{}", self.start)
        } else {
            write!(f, "{}..{}", self.start, self.end)
        }
    }
}

/// How the days of a table fall into partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Every {
    #[default]
    Day,
    /// ISO weeks, by their Monday.
    Week,
    /// Calendar months, by their first day.
    Month,
    /// One partition of all days, under [`Every::ONCE`].
    Once,
}

impl Every {
    /// The date that stands for the only partition of [`Every::Once`]; no log reaches back to it.
    pub const ONCE: NaiveDate = NaiveDate::from_ymd_opt(1970, 1, 1).expect("a date");

    /// The first day of the period that holds `date`: the date of its partition.
    pub fn start(self, date: NaiveDate) -> NaiveDate {
        match self {
            Every::Day => date,
            Every::Week => plus(date, -i64::from(date.weekday().num_days_from_monday())),
            Every::Month => plus(date, -i64::from(date.day0())),
            Every::Once => Every::ONCE,
        }
    }

    /// The days of the period that begins on `start`.
    pub fn days(self, start: NaiveDate) -> Interval {
        match self {
            Every::Day => Interval::day(start),
            Every::Week => Interval::new(start, plus(start, 7)),
            Every::Month => Interval::new(start, Every::Month.start(plus(start, 31))),
            Every::Once => Interval::new(NaiveDate::MIN, NaiveDate::MAX),
        }
    }

    /// The partitions' dates of all periods that share a day with `days`, in order.
    pub fn starts(self, days: Interval) -> Vec<NaiveDate> {
        let mut starts = Vec::new();
        let mut next = days.start;
        while next < days.end {
            let start = self.start(next);
            starts.push(start);
            next = self.days(start).end;
        }
        starts
    }

    /// From the first day of the first of these periods to the last day of the last one; the one
    /// partition of [`Every::Once`] stands under a single date.
    pub fn span(self, starts: &[NaiveDate]) -> Interval {
        match (starts.first(), starts.last(), self) {
            (Some(first), _, Every::Once) => Interval::day(*first),
            (Some(first), Some(last), every) => Interval::new(*first, every.days(*last).end),
            _ => Interval::new(NaiveDate::default(), NaiveDate::default()),
        }
    }

    /// The maximal runs of adjoining periods in a sorted list of their first days.
    pub fn runs(self, starts: impl IntoIterator<Item = NaiveDate>) -> Vec<Vec<NaiveDate>> {
        let mut runs: Vec<Vec<NaiveDate>> = Vec::new();
        for start in starts {
            match runs.last_mut() {
                Some(run) if run.last().is_some_and(|l| self.days(*l).end == start) => {
                    run.push(start);
                }
                _ => runs.push(vec![start]),
            }
        }
        runs
    }
}

/// `date` moved by `days`, held inside the calendar's range.
pub fn plus(date: NaiveDate, days: i64) -> NaiveDate {
    let step = Days::new(days.unsigned_abs());
    if days >= 0 {
        date.checked_add_days(step).unwrap_or(NaiveDate::MAX)
    } else {
        date.checked_sub_days(step).unwrap_or(NaiveDate::MIN)
    }
}

/// Days since 1970-01-01.
pub fn day_number(date: NaiveDate) -> i32 {
    date.num_days_from_ce() - 719_163
}

/// The inverse of [`day_number`].
pub fn from_day_number(day: i32) -> NaiveDate {
    plus(NaiveDate::default(), i64::from(day))
}

/// The local date of an instant.
pub fn local_date(ts_us: i64, zone: Tz) -> NaiveDate {
    match DateTime::from_timestamp_micros(ts_us) {
        Some(instant) => instant.with_timezone(&zone).date_naive(),
        None if ts_us < 0 => NaiveDate::MIN,
        None => NaiveDate::MAX,
    }
}

/// The first instant that bears `date` in `zone`, in UTC microseconds.
pub fn day_start_us(date: NaiveDate, zone: Tz) -> i64 {
    let midnight = date.and_time(NaiveTime::MIN);
    // Midnight happens once, twice (take the first) or not at all: then the day begins where the
    // zone's clock jumps over it, which is the midnight read with the offset before the jump.
    if let Some(start) = zone.from_local_datetime(&midnight).earliest() {
        return start.timestamp_micros();
    }
    let noon_before = plus(date, -1).and_hms_opt(12, 0, 0).unwrap_or(midnight);
    let mut low = zone
        .from_local_datetime(&noon_before)
        .earliest()
        .map_or(midnight.and_utc().timestamp(), |t| t.timestamp());
    let mut high = low + 48 * 3600;
    while low + 1 < high {
        let middle = low.midpoint(high);
        if local_date(middle * SECOND_US, zone) < date { low = middle } else { high = middle }
    }
    high * SECOND_US
}

/// The first instant after `date` in `zone`, in UTC microseconds.
pub fn day_end_us(date: NaiveDate, zone: Tz) -> i64 {
    day_start_us(plus(date, 1), zone)
}

/// The days `[first, last]` of `from` that share an instant with the day `date` of `of`.
pub fn touching(date: NaiveDate, of: Tz, from: Tz) -> (NaiveDate, NaiveDate) {
    (local_date(day_start_us(date, of), from), local_date(day_end_us(date, of) - 1, from))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn days_of_23_and_25_hours() {
        let zone = chrono_tz::Europe::Stockholm;
        let hours = |d: &str| {
            (day_end_us(date(d), zone) - day_start_us(date(d), zone)) / (3600 * SECOND_US)
        };
        assert_eq!([hours("2026-03-28"), hours("2026-03-29"), hours("2026-10-25")], [24, 23, 25]);
    }

    #[test]
    fn a_day_without_midnight_begins_at_its_first_instant() {
        let zone = chrono_tz::America::Sao_Paulo;
        let start = day_start_us(date("2018-11-04"), zone);
        assert_eq!(local_date(start, zone), date("2018-11-04"));
        assert_eq!(local_date(start - 1, zone), date("2018-11-03"));
    }

    #[test]
    fn every_transition_2020_to_2030_is_cut_into_adjoining_days() {
        for zone in chrono_tz::TZ_VARIANTS {
            let mut day = date("2020-01-01");
            while day < date("2031-01-01") {
                let start = day_start_us(day, zone);
                // Zones that skip a whole day have no instant of it.
                if start < day_end_us(day, zone) {
                    assert_eq!(local_date(start, zone), day, "{zone} {day}");
                    assert!(local_date(start - 1, zone) < day, "{zone} {day}");
                }
                day = plus(day, 1);
            }
        }
    }

    #[test]
    fn periods_adjoin_and_hold_each_day_once() {
        for every in [Every::Day, Every::Week, Every::Month] {
            let days = Interval::new(date("2023-12-28"), date("2028-03-02"));
            let starts = every.starts(days);
            assert!(starts.windows(2).all(|w| every.days(w[0]).end == w[1]), "{every:?}");
            assert_eq!(every.runs(starts.clone()), std::slice::from_ref(&starts));
            for day in days.days() {
                let start = every.start(day);
                assert!(every.days(start).contains(day) && starts.contains(&start), "{every:?}");
            }
        }
        assert_eq!(Every::Month.days(date("2028-02-01")).len(), 29);
        assert_eq!(Every::Week.start(date("2026-11-22")), date("2026-11-16"));
        assert_eq!(Every::Once.starts(Interval::day(date("2026-01-01"))), [Every::ONCE]);
        assert_eq!(Every::Month.runs(["2026-01-01", "2026-03-01"].map(date)).len(), 2);
    }

    #[test]
    fn runs_join_neighbours_only() {
        let days = ["2026-01-01", "2026-01-02", "2026-01-04"].map(date);
        let runs = Interval::runs(days);
        assert_eq!(runs.iter().map(|r| r.len()).collect::<Vec<_>>(), [2, 1]);
    }
}
