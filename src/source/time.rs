//! Timestamps and dates as logs write them.
//!
//! RFC 3339 with an offset, fraction digits beyond microseconds cut off; without an offset only
//! where the source names a zone. The common spelling is read by hand, because a decoder reads
//! nothing more often; every other one is chrono's to judge. Leaves out: business days.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, TimeZone};
use chrono_tz::Tz;

use crate::interval::{SECOND_US, day_number};

/// The years that dates without a time may have.
const YEARS: std::ops::RangeInclusive<i32> = 1900..=9999;

/// An instant in UTC microseconds. A local time that happens twice is the first; one that a clock
/// skips is none.
pub(super) fn instant(text: &str, zone: Option<Tz>) -> Option<i64> {
    if let Some(ts) = common(text.as_bytes()) {
        return Some(ts);
    }
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Some(instant.timestamp_micros());
    }
    let zone = zone?;
    let local = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"]
        .into_iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())?;
    Some(zone.from_local_datetime(&local).earliest()?.timestamp_micros())
}

/// `YYYY-MM-DD` in days since 1970.
pub(super) fn date(text: &str) -> Option<i32> {
    let bytes = text.as_bytes();
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let (year, month) = (digits(&bytes[..4])?, digits(&bytes[5..7])?);
    let date = NaiveDate::from_ymd_opt(year as i32, month as u32, digits(&bytes[8..])? as u32)?;
    YEARS.contains(&date.year()).then(|| day_number(date))
}

/// `YYYY-MM-DDTHH:MM:SS[.fraction](Z|±HH:MM)` with a fraction of 1 to 9 digits and no leap second.
fn common(b: &[u8]) -> Option<i64> {
    if b.len() < 20
        || b[4] != b'-'
        || b[7] != b'-'
        || b[10] != b'T'
        || b[13] != b':'
        || b[16] != b':'
    {
        return None;
    }
    let (year, month, day) = (digits(&b[..4])?, digits(&b[5..7])?, digits(&b[8..10])?);
    let (hour, minute, second) = (digits(&b[11..13])?, digits(&b[14..16])?, digits(&b[17..19])?);
    if day < 1 || day > days_in(year, month)? || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (micros, rest) = fraction(&b[19..])?;
    let offset = offset_seconds(rest)?;
    let seconds =
        days_from_civil(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second - offset;
    Some(seconds * SECOND_US + micros)
}

/// Microseconds, and what follows the fraction.
fn fraction(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let Some((b'.', rest)) = bytes.split_first() else { return Some((0, bytes)) };
    let count = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    if count == 0 || count > 9 {
        return None;
    }
    let kept = count.min(6);
    let scale = 10_i64.pow(6 - kept as u32);
    Some((digits(&rest[..kept])? * scale, &rest[count..]))
}

fn offset_seconds(bytes: &[u8]) -> Option<i64> {
    let (sign, h, m) = match bytes {
        b"Z" => return Some(0),
        [b'+', h1, h2, b':', m1, m2] => (1, [*h1, *h2], [*m1, *m2]),
        [b'-', h1, h2, b':', m1, m2] => (-1, [*h1, *h2], [*m1, *m2]),
        _ => return None,
    };
    let (hours, minutes) = (digits(&h)?, digits(&m)?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3_600 + minutes * 60))
}

fn digits(bytes: &[u8]) -> Option<i64> {
    bytes.iter().try_fold(0, |sum, byte| match byte {
        b'0'..=b'9' => Some(sum * 10 + i64::from(byte - b'0')),
        _ => None,
    })
}

fn days_in(year: i64, month: i64) -> Option<i64> {
    Some(match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => return None,
    })
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar, for years from 0. Years begin in
/// March here, so that the leap day is the last.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spellings() {
        let at = |text| instant(text, None);
        let noon = Some(1_767_268_800_000_000);
        for same in [
            "2026-01-01T12:00:00Z",
            "2026-01-01T12:00:00.000000000Z",
            "2026-01-01T13:00:00+01:00",
            "2026-01-01T06:30:00-05:30",
            "2026-01-01t12:00:00z",
            "2026-01-01 12:00:00Z",
        ] {
            assert_eq!(at(same), noon, "{same}");
        }
        assert_eq!(at("2026-01-01T12:00:00.1234569Z"), noon.map(|t| t + 123_456));
        // A leap second falls together with the second after it.
        assert_eq!(at("2016-12-31T23:59:60Z"), at("2017-01-01T00:00:00Z"));
        for bad in [
            "2026-01-01T12:00:00",
            "2026-01-01",
            "2026-02-29T12:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T12:00:00+0100",
            "2026-01-01T12:00:00+24:00",
            "1767268800",
            "",
            "2026-01-01T12:00:00.Z",
        ] {
            assert_eq!(at(bad), None, "{bad}");
        }
    }

    #[test]
    fn naive_times_take_the_first_of_two_and_none_of_none() {
        let zone = Some(chrono_tz::Europe::Stockholm);
        assert_eq!(
            instant("2026-10-25T02:30:00", zone),
            instant("2026-10-25T02:30:00+02:00", None)
        );
        assert_eq!(instant("2026-03-29T02:30:00", zone), None);
        assert_eq!(
            instant("2026-06-01 12:00:00.5", zone),
            instant("2026-06-01T12:00:00.5+02:00", None)
        );
    }

    #[test]
    fn dates() {
        assert_eq!(date("1970-01-02"), Some(1));
        for bad in ["2026-02-30", "2026-1-01", "01-01-2026", "2026-01-01T00:00:00Z", "0001-01-01"] {
            assert_eq!(date(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_chrono(us in -62_000_000_000_000_000_i64..253_000_000_000_000_000, offset in -1439..1440_i32) {
            let zone = chrono::FixedOffset::east_opt(offset * 60).unwrap();
            let time = DateTime::from_timestamp_micros(us).unwrap().with_timezone(&zone);
            prop_assume!((0..=9999).contains(&time.year()));
            let text = time.to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
            prop_assert_eq!(common(text.as_bytes()), Some(us));
        }

        #[test]
        fn never_takes_what_chrono_refuses(text in "[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{1,9})?(Z|[+-][0-2][0-9]:[0-6][0-9])") {
            let theirs = DateTime::parse_from_rfc3339(&text).ok().map(|t| t.timestamp_micros());
            prop_assert_eq!(instant(&text, None), theirs);
        }
    }
}
