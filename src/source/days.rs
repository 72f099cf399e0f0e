//! Which business day an instant belongs to, without asking the time zone each time.
//!
//! A day is the interval that [`crate::interval`] gives it, also where clocks go back over
//! midnight. Leaves out: the zone's rules.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveTime, TimeZone, Timelike};
use chrono_tz::Tz;

use crate::interval::{SECOND_US, day_end_us, day_number, day_start_us, local_date, plus};

const HOUR_US: i64 = 3600 * SECOND_US;

/// One local day and what an event of it says about its date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Day {
    start_us: i64,
    end_us: i64,
    /// Days since 1970.
    pub(super) number: i32,
    /// The Monday, in days since 1970.
    pub(super) week_start: i32,
    pub(super) month_start: i32,
    /// 1 is Monday.
    pub(super) dow: i64,
    /// 24 hours under one offset from midnight on: hours can be counted.
    plain: bool,
}

/// The days met so far.
pub(super) struct Days {
    zone: Tz,
    last: Option<Day>,
    known: BTreeMap<i64, Day>,
}

impl Days {
    pub(super) fn new(zone: Tz) -> Self {
        Days { zone, last: None, known: BTreeMap::new() }
    }

    /// The day of an instant.
    pub(super) fn day(&mut self, ts_us: i64) -> Day {
        if let Some(day) = self.last
            && day.has(ts_us)
        {
            return day;
        }
        let known = self.known.range(..=ts_us).next_back().map(|(_, day)| *day);
        let day = known.filter(|day| day.has(ts_us)).unwrap_or_else(|| {
            let day = find(ts_us, self.zone);
            self.known.insert(day.start_us, day);
            day
        });
        self.last = Some(day);
        day
    }

    /// The local hour, 0-23, of an instant of `day`.
    pub(super) fn hour(&self, day: &Day, ts_us: i64) -> i64 {
        if day.plain {
            return (ts_us - day.start_us) / HOUR_US;
        }
        self.zone.timestamp_micros(ts_us).earliest().map_or(0, |time| i64::from(time.hour()))
    }
}

impl Day {
    fn has(&self, ts_us: i64) -> bool {
        self.start_us <= ts_us && ts_us < self.end_us
    }
}

fn find(ts_us: i64, zone: Tz) -> Day {
    let mut date = local_date(ts_us, zone);
    // Where clocks go back over midnight, an instant may bear the date before its day's.
    while day_end_us(date, zone) <= ts_us {
        date = plus(date, 1);
    }
    while ts_us < day_start_us(date, zone) {
        date = plus(date, -1);
    }
    let (start_us, end_us) = (day_start_us(date, zone), day_end_us(date, zone));
    let local = |us: i64| zone.timestamp_micros(us).earliest().map(|time| time.naive_local());
    let midnight = date.and_time(NaiveTime::MIN);
    let last = end_us - SECOND_US;
    let plain = end_us - start_us == 24 * HOUR_US
        && local(start_us) == Some(midnight)
        && local(last).map(|time| time.time()) == NaiveTime::from_hms_opt(23, 59, 59);
    let dow = date.weekday().number_from_monday();
    Day {
        start_us,
        end_us,
        number: day_number(date),
        week_start: day_number(date) - dow as i32 + 1,
        month_start: day_number(date) - date.day() as i32 + 1,
        dow: i64::from(dow),
        plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interval::from_day_number;

    fn us(text: &str) -> i64 {
        crate::source::time::instant(text, None).unwrap()
    }

    #[test]
    fn parts_of_a_date() {
        let mut days = Days::new(chrono_tz::Europe::Stockholm);
        let ts = us("2026-10-25T22:59:59.999999Z");
        let day = days.day(ts);
        let shown =
            [day.number, day.week_start, day.month_start].map(|n| from_day_number(n).to_string());
        assert_eq!(shown, ["2026-10-25", "2026-10-19", "2026-10-01"]);
        assert_eq!((day.dow, days.hour(&day, ts)), (7, 23));
        assert_eq!(days.day(ts + 1).number, day.number + 1);
    }

    #[test]
    fn hours_of_days_with_a_change_of_clocks() {
        let mut days = Days::new(chrono_tz::Europe::Stockholm);
        for (text, hour) in [
            ("2026-03-29T00:59:00Z", 1),
            ("2026-03-29T01:00:00Z", 3),
            ("2026-10-25T00:30:00Z", 2),
            ("2026-10-25T01:30:00Z", 2),
            ("2026-10-25T02:00:00Z", 3),
        ] {
            let day = days.day(us(text));
            assert_eq!(days.hour(&day, us(text)), hour, "{text}");
        }
    }

    #[test]
    fn every_instant_has_one_day_and_chronos_hour() {
        for zone in [
            chrono_tz::America::St_Johns,
            chrono_tz::America::Sao_Paulo,
            chrono_tz::Asia::Kathmandu,
            chrono_tz::Australia::Lord_Howe,
            chrono_tz::Pacific::Apia,
            chrono_tz::Africa::Casablanca,
        ] {
            let mut days = Days::new(zone);
            let mut ts = us("2009-01-01T00:00:00Z");
            while ts < us("2013-01-01T00:00:00Z") {
                let day = days.day(ts);
                let date = from_day_number(day.number);
                assert!(
                    day_start_us(date, zone) <= ts && ts < day_end_us(date, zone),
                    "{zone} {ts}"
                );
                let local = zone.timestamp_micros(ts).unwrap();
                assert_eq!(days.hour(&day, ts), i64::from(local.hour()), "{zone} {local}");
                ts += 17 * 60 * SECOND_US;
            }
        }
    }
}
