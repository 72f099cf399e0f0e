//! What a mapping makes of a value: constants, instants, scaled numbers.
//!
//! The result is a raw value again, which its column then types like any other. Leaves out: where
//! values come from.

use std::borrow::Cow;

use bumpalo::Bump;
use chrono::format::{Parsed, StrftimeItems, parse};
use chrono::{DateTime, NaiveDate, NaiveTime, TimeZone};
use chrono_tz::Tz;
use regex::Regex;

use super::mapped::is_absent;
use super::plan::FieldPlan;
use super::value::{Fault, Raw, scaled, whole};
use super::{csv, json, time};
use crate::interval::day_number;
use crate::pipeline::{Format, Read, Unmapped};
use crate::schema::Input;

/// Makes what `read` says of a value that was found, ready for the field's column.
pub(super) fn value<'r>(
    read: &'r Read,
    found: Raw<'r>,
    field: &FieldPlan,
    zone: Option<Tz>,
) -> Raw<'r> {
    let default = || read.default.as_deref().map(Raw::Cell);
    if is_absent(found) {
        return default().unwrap_or(Raw::Absent);
    }
    if let Some(map) = &read.map {
        return match (text_of(found).map(|text| map.get(text.as_ref())), read.unmapped) {
            (Some(Some(Some(constant))), _) => Raw::Cell(constant),
            (Some(Some(None)), _) => Raw::Absent,
            (Some(None), _) if read.default.is_some() => default().unwrap_or(Raw::Absent),
            (Some(None), Unmapped::Keep) => typed(found, field),
            (Some(None), Unmapped::Absent) => Raw::Absent,
            (Some(None), Unmapped::Refuse) if field.is_type => Raw::Wrong(Fault::UnknownEvent),
            (Some(None), Unmapped::Refuse) => Raw::Wrong(Fault::Value),
            (None, _) => Raw::Wrong(Fault::Type),
        };
    }
    let zone = read.zone.or(zone);
    match (&read.format, read.scale) {
        (Format::Plain, None) if read.zone.is_none() || field.input != Input::Instant => {
            typed(found, field)
        }
        (Format::Plain, Some(factor)) if field.input == Input::Decimal => money(found, factor),
        (Format::Plain, Some(factor)) => scale(found, factor),
        (format, _) => in_time(found, format, zone, field.input),
    }
}

/// What the first group of `regex` matches in a value's text, or all that it matches.
pub(super) fn extract<'r>(regex: &Regex, found: Raw<'_>, made: &'r Bump) -> Raw<'r> {
    let Some(text) = text_of(found) else { return Raw::Absent };
    let group = regex.captures(&text).and_then(|groups| groups.get(1).or(groups.get(0)));
    group.map_or(Raw::Absent, |group| Raw::Cell(made.alloc_str(group.as_str())))
}

/// A scalar's text; None for what is absent or nested.
pub(super) fn text_of(raw: Raw<'_>) -> Option<Cow<'_, str>> {
    Some(match raw {
        Raw::Absent | Raw::Nested | Raw::Wrong(_) => return None,
        Raw::Bool(true) => Cow::Borrowed("true"),
        Raw::Bool(false) => Cow::Borrowed("false"),
        Raw::Number(number) => whole(number).unwrap_or(Cow::Borrowed(number)),
        Raw::Text(text) | Raw::Cell(text) => Cow::Borrowed(text),
        Raw::Escaped(text) => Cow::Owned(json::unescape(text)),
        Raw::QuotedCell(text) => csv::unquote(text),
        Raw::Made(number) => Cow::Owned(number.to_string()),
    })
}

/// A value of a foreign log is read as its column's type wherever its text allows that: numbers
/// come as strings and flags as words. Instants do not: nobody can tell seconds from milliseconds.
fn typed<'r>(raw: Raw<'r>, field: &FieldPlan) -> Raw<'r> {
    match (raw, field.input) {
        (Raw::Bool(truth), _) => Raw::Cell(if truth { "true" } else { "false" }),
        (Raw::Number(number), Input::Text | Input::Word(_) | Input::Flag) => Raw::Cell(number),
        (Raw::Text(text), _) => Raw::Cell(text),
        _ => raw,
    }
}

/// The number times `factor` millionths, rounded down.
fn scale(raw: Raw<'_>, factor: i64) -> Raw<'_> {
    let Some(text) = text_of(raw) else { return Raw::Wrong(Fault::Type) };
    let millionths = scaled(cut(text.trim_ascii(), 6), 6);
    let Some(product) = millionths.and_then(|n| n.checked_mul(i128::from(factor))) else {
        let is_number = text.trim_ascii().parse::<f64>().is_ok();
        return Raw::Wrong(if is_number { Fault::Value } else { Fault::Type });
    };
    i64::try_from(product.div_euclid(1_000_000_000_000)).map_or(Raw::Wrong(Fault::Value), Raw::Made)
}

/// The number times `factor` millionths, in millionths; what lies between two goes to the nearest.
/// Costs of single calls to a model have more digits than money is kept with.
fn money(raw: Raw<'_>, factor: i64) -> Raw<'_> {
    let Some(text) = text_of(raw) else { return Raw::Wrong(Fault::Type) };
    let text = text.trim_ascii();
    let exact = scaled(text, 12).and_then(|n| n.checked_mul(i128::from(factor)));
    let units = match exact {
        Some(product) => {
            let half = 500_000_000_000;
            i64::try_from((product + half).div_euclid(2 * half)).ok()
        }
        None => match text.parse::<f64>() {
            // Beyond this a double does not tell millionths apart.
            Ok(n) => Some((n * factor as f64).round()).filter(|n| n.abs() < 9e15).map(|n| n as i64),
            Err(_) => return Raw::Wrong(Fault::Type),
        },
    };
    units.map_or(Raw::Wrong(Fault::Value), Raw::Made)
}

fn in_time<'r>(raw: Raw<'r>, format: &Format, zone: Option<Tz>, input: Input) -> Raw<'r> {
    let wrong = Raw::Wrong(if input == Input::Date { Fault::Value } else { Fault::Timestamp });
    let Some(text) = text_of(raw) else { return Raw::Wrong(Fault::Type) };
    let text = text.trim_ascii();
    let made = match format {
        Format::Plain => time::instant(text, zone),
        Format::Epoch(power) => epoch_us(text, *power),
        Format::Pattern { text: pattern, .. } if input == Input::Date => {
            NaiveDate::parse_from_str(text, pattern).ok().map(|date| i64::from(day_number(date)))
        }
        Format::Pattern { text: pattern, zoned: true } => {
            DateTime::parse_from_str(text, pattern).ok().map(|at| at.timestamp_micros())
        }
        Format::Pattern { text: pattern, zoned: false } => local(text, pattern, zone),
    };
    made.map_or(wrong, Raw::Made)
}

/// Of two instants with the same local time the first; a date alone is its first hour.
fn local(text: &str, pattern: &str, zone: Option<Tz>) -> Option<i64> {
    let mut parsed = Parsed::new();
    parse(&mut parsed, text, StrftimeItems::new(pattern)).ok()?;
    let date = parsed.to_naive_date().ok()?;
    let time = if parsed.hour_mod_12().is_none() {
        NaiveTime::MIN
    } else {
        if parsed.minute().is_none() {
            parsed.set_minute(0).ok()?;
        }
        parsed.to_naive_time().ok()?
    };
    Some(zone?.from_local_datetime(&date.and_time(time)).earliest()?.timestamp_micros())
}

/// A number in units of ten to `power` microseconds; what is smaller than one is cut off.
fn epoch_us(text: &str, power: i64) -> Option<i64> {
    let us = match power {
        0.. => scaled(cut(text, usize::try_from(power).ok()?), power)?,
        _ => scaled(cut(text, 0), 0)?.div_euclid(10_i128.checked_pow(u32::try_from(-power).ok()?)?),
    };
    i64::try_from(us).ok()
}

/// A plain decimal without the digits after the point that are more than `most`.
fn cut(text: &str, most: usize) -> &str {
    match text.find('.') {
        Some(point) if text[point + 1..].bytes().all(|b| b.is_ascii_digit()) => {
            &text[..text.len().min(point + 1 + most)]
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs() {
        let second = Some(1_589_375_664_000_000);
        for (text, power, us) in [
            ("1589375664", 6, second),
            ("1589375664.0000009", 6, second),
            ("1589375664.25", 6, second.map(|us| us + 250_000)),
            ("1.589375664e9", 6, second),
            ("1589375664000", 3, second),
            ("1589375664000.5", 3, second.map(|us| us + 500)),
            ("1589375664000000", 0, second),
            ("1589375664000000999", -3, second),
            ("-1", 6, Some(-1_000_000)),
            ("-1", -3, Some(-1)),
            ("", 6, None),
            ("soon", 6, None),
            ("1589375664.x", 6, None),
            ("99999999999999999999", 6, None),
        ] {
            assert_eq!(epoch_us(text, power), us, "{text}");
        }
    }

    #[test]
    fn scales_round_down() {
        for (text, factor, made) in [
            ("1.2345678", 1_000_000_000, Raw::Made(1_234)),
            ("90", 60_000_000, Raw::Made(5_400)),
            ("1999", 1_000, Raw::Made(1)),
            ("-0.5", 1_000_000, Raw::Made(-1)),
            ("1e40", 1_000_000, Raw::Wrong(Fault::Value)),
            ("fast", 1_000_000, Raw::Wrong(Fault::Type)),
        ] {
            assert_eq!(scale(Raw::Text(text), factor), made, "{text}");
        }
        assert_eq!(scale(Raw::Nested, 1), Raw::Wrong(Fault::Type));
    }

    #[test]
    fn money_goes_to_the_nearest_millionth() {
        for (text, factor, made) in [
            ("0.000234449999", 1_000_000, Raw::Made(234)),
            ("3.645e-05", 1_000_000, Raw::Made(36)),
            ("3.65e-05", 1_000_000, Raw::Made(37)),
            ("1.5", 920_000, Raw::Made(1_380_000)),
            ("-0.0000016", 1_000_000, Raw::Made(-2)),
            ("0.0000005", 1_000_000, Raw::Made(1)),
            ("0.0011775", 1_000_000, Raw::Made(1_178)),
            ("0.00023444999900000001", 1_000_000, Raw::Made(234)),
            ("999999999999", 1_000_000, Raw::Made(999_999_999_999_000_000)),
            ("1e40", 1_000_000, Raw::Wrong(Fault::Value)),
            ("NaN", 1_000_000, Raw::Wrong(Fault::Value)),
            ("dear", 1_000_000, Raw::Wrong(Fault::Type)),
        ] {
            assert_eq!(money(Raw::Text(text), factor), made, "{text}");
        }
        assert_eq!(money(Raw::Nested, 1), Raw::Wrong(Fault::Type));
    }
}
