//! Local days for the tests, worked out from the zone alone.
//!
//! Leaves out zones whose clocks fall back across midnight after it has passed: there a local
//! date is not one stretch of time.

use chrono::{DateTime, Duration, NaiveDate, NaiveTime, TimeZone, Timelike};
use chrono_tz::Tz;

pub const SECOND: i64 = 1_000_000;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;

/// The local date of an instant in UTC microseconds.
pub fn local_date(zone: Tz, us: i64) -> NaiveDate {
    instant(us).with_timezone(&zone).date_naive()
}

/// The hour that the local clock shows.
pub fn local_hour(zone: Tz, us: i64) -> u32 {
    instant(us).with_timezone(&zone).hour()
}

/// The UTC date of an instant in UTC microseconds.
pub fn utc_date(us: i64) -> NaiveDate {
    instant(us).date_naive()
}

/// The first instant of a local day, in UTC microseconds. A day need not begin at 00:00: some
/// zones skip that hour when summer time begins.
pub fn day_start(zone: Tz, date: NaiveDate) -> i64 {
    let midnight = date.and_time(NaiveTime::MIN);
    (0..=8)
        .find_map(|quarters| {
            let clock = midnight + Duration::minutes(15 * quarters);
            zone.from_local_datetime(&clock).earliest()
        })
        .expect("no zone skips more than two hours")
        .timestamp_micros()
}

/// The date `days` after `date`; negative goes back.
pub fn plus(date: NaiveDate, days: i64) -> NaiveDate {
    date + Duration::days(days)
}

/// Reads an RFC 3339 instant as UTC microseconds.
pub fn micros(text: &str) -> i64 {
    DateTime::parse_from_rfc3339(text).expect("tests write RFC 3339").timestamp_micros()
}

fn instant(us: i64) -> DateTime<chrono::Utc> {
    DateTime::from_timestamp_micros(us).expect("the tests stay within chrono's years")
}
