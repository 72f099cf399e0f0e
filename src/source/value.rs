//! Raw values -> typed ones, and what is wrong with those that are not.
//!
//! [`Fields`] reads a record column by column and never stops at a fault: all are noted and the
//! first in the contract's order is the reason, so the reason does not depend on the order of
//! columns. A key that is null, missing or an empty string is absent. Leaves out: which columns a
//! record has and what they mean together.

use std::borrow::Cow;

use chrono_tz::Tz;

use super::{csv, json, time};
use crate::interval::SECOND_US;
use crate::schema::{DECIMAL_PRECISION, DECIMAL_SCALE};

/// The longest text that is stored, in bytes: what is longer is prose in the wrong column.
const LONGEST_TEXT: usize = 1 << 10;
/// How far after as-of a timestamp may lie: clocks differ.
pub(super) const AHEAD_US: i64 = 3600 * SECOND_US;

/// A value as its record spells it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Raw<'a> {
    /// Missing, null or an empty cell.
    Absent,
    Bool(bool),
    /// A JSON number as written.
    Number(&'a str),
    Text(&'a str),
    /// A JSON string with escapes in it, checked and not yet undone.
    Escaped(&'a str),
    /// An object or array.
    Nested,
    /// Text whose type is the column's: from CSV, or a source's default.
    Cell(&'a str),
    /// A CSV cell with quotes inside.
    QuotedCell(&'a str),
    /// Worked out by a mapping in the column's own unit: microseconds, days, millionths or a whole
    /// number.
    Made(i64),
    /// A mapping could not make sense of it.
    Wrong(Fault),
}

/// What can be wrong with a field, in the order in which reasons are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    Missing,
    Type,
    Timestamp,
    Range,
    Value,
    UnknownEvent,
}

/// Why a well-formed record is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) reason: String,
    pub(super) field: Option<&'static str>,
    /// The timestamp, where lying too far ahead is all that is wrong.
    pub(super) ahead_us: Option<i64>,
}

/// The instants that are believed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Range {
    pub(super) floor_us: i64,
    pub(super) as_of_us: i64,
}

/// The values of one record by slot.
pub(super) struct Fields<'r, 'a> {
    names: &'static [&'static str],
    raws: &'r [Raw<'a>],
    first: Option<(Fault, usize)>,
    /// The latest instant that lies too far ahead, and whether anything else is wrong.
    ahead_us: Option<i64>,
    otherwise_bad: bool,
}

/// The slot of `name`; for use in constants, where a wrong name does not compile.
#[allow(clippy::panic, reason = "it runs in constants only, where it stops the compiler")]
pub(super) const fn slot(names: &[&str], name: &str) -> usize {
    let mut at = 0;
    while at < names.len() {
        let (a, b) = (names[at].as_bytes(), name.as_bytes());
        let mut same = a.len() == b.len();
        let mut byte = 0;
        while same && byte < a.len() {
            same = a[byte] == b[byte];
            byte += 1;
        }
        if same {
            return at;
        }
        at += 1;
    }
    panic!("no such key")
}

impl<'r, 'a> Fields<'r, 'a> {
    pub(super) fn new(names: &'static [&'static str], raws: &'r [Raw<'a>]) -> Self {
        Fields { names, raws, first: None, ahead_us: None, otherwise_bad: false }
    }

    /// The reason to refuse the record, if there is one.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        let (fault, slot) = self.first?;
        let field = self.names[slot];
        let reason = match fault {
            Fault::Missing => format!("missing_field:{field}"),
            Fault::Type => format!("bad_type:{field}"),
            Fault::Timestamp => "bad_timestamp".to_owned(),
            Fault::Range => "ts_out_of_range".to_owned(),
            Fault::Value => format!("bad_value:{field}"),
            Fault::UnknownEvent => "unknown_event".to_owned(),
        };
        let ahead_us = self.ahead_us.filter(|_| !self.otherwise_bad);
        Some(Refusal { reason, field: Some(field), ahead_us })
    }

    pub(super) fn fault(&mut self, fault: Fault, slot: usize) {
        self.otherwise_bad = true;
        self.note(fault, slot);
    }

    pub(super) fn has(&self, slot: usize) -> bool {
        !matches!(self.raws[slot], Raw::Absent | Raw::Text("") | Raw::Cell(""))
    }

    pub(super) fn require(&mut self, slot: usize) {
        if !self.has(slot) {
            self.fault(Fault::Missing, slot);
        }
    }

    /// A string.
    pub(super) fn text(&mut self, slot: usize) -> Option<Cow<'a, str>> {
        let text = self.string(slot)?;
        self.bounded(slot, text)
    }

    /// A dimension: a string, or a number as written; never the `*` that means all values.
    pub(super) fn dimension(&mut self, slot: usize) -> Option<Cow<'a, str>> {
        let text = match self.raws[slot] {
            Raw::Number(number) => match whole(number) {
                Some(whole) => whole,
                None => Cow::Borrowed(number),
            },
            Raw::Made(number) => Cow::Owned(number.to_string()),
            _ => self.string(slot)?,
        };
        if text == "*" {
            self.fault(Fault::Value, slot);
            return None;
        }
        self.bounded(slot, text)
    }

    /// An id: a string or a whole number, which are the same id when they read the same.
    pub(super) fn id(&mut self, slot: usize) -> Option<Cow<'a, str>> {
        let text = match self.raws[slot] {
            Raw::Number(number) => match whole(number) {
                Some(whole) => whole,
                None => return self.refuse(Fault::Value, slot),
            },
            Raw::Made(number) => Cow::Owned(number.to_string()),
            _ => self.string(slot)?,
        };
        self.bounded(slot, text)
    }

    /// One of `choices`; anything else is `otherwise`.
    pub(super) fn choice(
        &mut self,
        slot: usize,
        choices: &[&'static str],
        otherwise: Fault,
    ) -> Option<&'static str> {
        let text = self.string(slot)?;
        match choices.iter().find(|choice| **choice == text) {
            Some(choice) => Some(choice),
            None => self.refuse(otherwise, slot),
        }
    }

    /// A whole number of 64 bits.
    pub(super) fn integer(&mut self, slot: usize) -> Option<i64> {
        if let Raw::Made(integer) = self.raws[slot] {
            return Some(integer);
        }
        let text = self.number(slot)?;
        match scaled(&text, 0).and_then(|n| i64::try_from(n).ok()) {
            Some(integer) => Some(integer),
            None => self.refuse_number(slot, &text),
        }
    }

    /// A whole number that is not negative.
    pub(super) fn amount(&mut self, slot: usize) -> Option<i64> {
        match self.integer(slot)? {
            negative if negative < 0 => self.refuse(Fault::Value, slot),
            amount => Some(amount),
        }
    }

    /// DECIMAL(18,6) in its smallest units; exact, so a string will do as well as a number.
    pub(super) fn decimal(&mut self, slot: usize) -> Option<i64> {
        let text = match self.raws[slot] {
            Raw::Text(text) if !text.is_empty() => Cow::Borrowed(text),
            Raw::Made(units) if fits(units) => return Some(units),
            Raw::Made(_) => return self.refuse(Fault::Value, slot),
            _ => self.number(slot)?,
        };
        let units = scaled(&text, i64::from(DECIMAL_SCALE));
        match units.and_then(|units| i64::try_from(units).ok()).filter(|units| fits(*units)) {
            Some(units) => Some(units),
            None => self.refuse_number(slot, &text),
        }
    }

    pub(super) fn double(&mut self, slot: usize) -> Option<f64> {
        let text = self.number(slot)?;
        match text.parse::<f64>() {
            Ok(double) if double.is_finite() => Some(double),
            _ => self.refuse_number(slot, &text),
        }
    }

    pub(super) fn boolean(&mut self, slot: usize) -> Option<bool> {
        match self.raws[slot] {
            Raw::Absent | Raw::Text("") => None,
            Raw::Bool(value) => Some(value),
            Raw::Cell(text) => match text.trim_ascii() {
                "" => None,
                "1" => Some(true),
                "0" => Some(false),
                word if word.eq_ignore_ascii_case("true") => Some(true),
                word if word.eq_ignore_ascii_case("false") => Some(false),
                _ => self.refuse(Fault::Type, slot),
            },
            Raw::Wrong(fault) => self.refuse(fault, slot),
            _ => self.refuse(Fault::Type, slot),
        }
    }

    /// How many Unicode scalar values a text of any length has; the text itself goes nowhere.
    pub(super) fn characters(&mut self, slot: usize) -> Option<i64> {
        let chars = match self.raws[slot] {
            Raw::Absent | Raw::Cell("") => return None,
            Raw::Text(text) | Raw::Cell(text) => text.chars().count(),
            Raw::Escaped(text) => json::unescaped_chars(text),
            Raw::QuotedCell(text) => csv::unquote(text).chars().count(),
            Raw::Wrong(fault) => return self.refuse(fault, slot),
            _ => return self.refuse(Fault::Type, slot),
        };
        i64::try_from(chars).ok()
    }

    /// An instant in UTC microseconds, inside `range`.
    pub(super) fn instant(&mut self, slot: usize, zone: Option<Tz>, range: Range) -> Option<i64> {
        let ts = match self.raws[slot] {
            Raw::Made(ts) => ts,
            _ => match time::instant(&self.string(slot)?, zone) {
                Some(ts) => ts,
                None => return self.refuse(Fault::Timestamp, slot),
            },
        };
        if ts < range.floor_us {
            return self.refuse(Fault::Range, slot);
        }
        if ts > range.as_of_us.saturating_add(AHEAD_US) {
            self.ahead_us = Some(self.ahead_us.map_or(ts, |other| other.max(ts)));
            self.note(Fault::Range, slot);
            return None;
        }
        Some(ts)
    }

    /// A calendar date `YYYY-MM-DD`, in days since 1970.
    pub(super) fn date(&mut self, slot: usize) -> Option<i32> {
        if let Raw::Made(day) = self.raws[slot] {
            return i32::try_from(day).ok();
        }
        let text = self.string(slot)?;
        match time::date(&text) {
            Some(date) => Some(date),
            None => self.refuse(Fault::Value, slot),
        }
    }

    fn string(&mut self, slot: usize) -> Option<Cow<'a, str>> {
        match self.raws[slot] {
            Raw::Absent | Raw::Text("") | Raw::Cell("") => None,
            Raw::Text(text) | Raw::Cell(text) => Some(Cow::Borrowed(text)),
            Raw::Escaped(text) => Some(Cow::Owned(json::unescape(text))),
            Raw::QuotedCell(text) => Some(csv::unquote(text)).filter(|text| !text.is_empty()),
            Raw::Wrong(fault) => self.refuse(fault, slot),
            Raw::Bool(_) | Raw::Number(_) | Raw::Nested | Raw::Made(_) => {
                self.refuse(Fault::Type, slot)
            }
        }
    }

    fn number(&mut self, slot: usize) -> Option<Cow<'a, str>> {
        match self.raws[slot] {
            Raw::Absent | Raw::Text("") => None,
            Raw::Number(text) => Some(Cow::Borrowed(text)),
            Raw::Cell(text) => Some(text.trim_ascii()).filter(|t| !t.is_empty()).map(Cow::Borrowed),
            Raw::Wrong(fault) => self.refuse(fault, slot),
            _ => self.refuse(Fault::Type, slot),
        }
    }

    fn bounded(&mut self, slot: usize, text: Cow<'a, str>) -> Option<Cow<'a, str>> {
        if text.len() > LONGEST_TEXT {
            return self.refuse(Fault::Value, slot);
        }
        Some(text)
    }

    /// A text that is no number has the wrong type; a number that does not fit a wrong value.
    fn refuse_number<T>(&mut self, slot: usize, text: &str) -> Option<T> {
        let is_number = text.parse::<f64>().is_ok_and(|n| !n.is_nan());
        self.refuse(if is_number { Fault::Value } else { Fault::Type }, slot)
    }

    fn note(&mut self, fault: Fault, slot: usize) {
        if self.first.is_none_or(|(first, _)| fault < first) {
            self.first = Some((fault, slot));
        }
    }

    fn refuse<T>(&mut self, fault: Fault, slot: usize) -> Option<T> {
        self.fault(fault, slot);
        None
    }
}

/// Whether a decimal's units have no more digits than are kept.
fn fits(units: i64) -> bool {
    units.unsigned_abs() < 10_u64.pow(u32::from(DECIMAL_PRECISION))
}

/// The digits of a JSON number that is whole, however it is written: 1, 1.0 and 1e0 are one id.
pub(super) fn whole(number: &str) -> Option<Cow<'_, str>> {
    let digits = number.strip_prefix('-').unwrap_or(number);
    if number != "-0" && digits.bytes().all(|b| b.is_ascii_digit()) {
        return Some(Cow::Borrowed(number));
    }
    scaled(number, 0).map(|whole| Cow::Owned(whole.to_string()))
}

/// `text` times ten to the power of `scale`, if that is exact and fits.
pub(super) fn scaled(text: &str, scale: i64) -> Option<i128> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], unsigned[at + 1..].parse::<i64>().ok()?),
        None => (unsigned, 0),
    };
    let (integer, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if integer.is_empty() && fraction.is_empty() {
        return None;
    }
    let units = whole_digits(integer, fraction)?;
    let shift = exponent.checked_add(scale)?.checked_sub(fraction.len() as i64)?;
    let units = shifted(units, shift)?;
    Some(if negative { -units } else { units })
}

/// The digits of both strings as one number.
fn whole_digits(integer: &str, fraction: &str) -> Option<i128> {
    let mut digits = integer.bytes().chain(fraction.bytes());
    // Nearly every number is short enough for arithmetic that cannot overflow.
    if integer.len() + fraction.len() <= 18 {
        let small = digits.try_fold(0_u64, |sum, byte| {
            byte.is_ascii_digit().then(|| sum * 10 + u64::from(byte - b'0'))
        });
        return small.map(i128::from);
    }
    digits.try_fold(0_i128, |sum, byte| {
        let digit = byte.is_ascii_digit().then(|| i128::from(byte - b'0'))?;
        sum.checked_mul(10)?.checked_add(digit)
    })
}

/// `units` times ten to the power of `shift`, if that is whole and fits.
fn shifted(units: i128, shift: i64) -> Option<i128> {
    let power = || 10_i128.checked_pow(u32::try_from(shift.unsigned_abs()).ok()?);
    match shift {
        0 => Some(units),
        // Zero has any exponent.
        _ if units == 0 => Some(0),
        up if up > 0 => units.checked_mul(power()?),
        _ => power().filter(|power| units % power == 0).map(|power| units / power),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_exact_or_refused() {
        let cases = [
            ("1", Some(1_000_000)),
            ("-1.5", Some(-1_500_000)),
            ("0.000001", Some(1)),
            ("0.0000001", None),
            ("1.50000000", Some(1_500_000)),
            ("1e3", Some(1_000_000_000)),
            ("1E-6", Some(1)),
            ("0e999999999", Some(0)),
            ("-0", Some(0)),
            ("+2.", Some(2_000_000)),
            (".5", Some(500_000)),
            ("", None),
            (".", None),
            ("1,5", None),
            ("nan", None),
            ("1e40", None),
            ("99999999999999999999999999999999999999999", None),
        ];
        for (text, units) in cases {
            assert_eq!(scaled(text, 6), units, "{text}");
        }
    }

    #[test]
    fn whole_numbers_are_one_id() {
        for text in ["12", "12.0", "1.2e1", "120E-1"] {
            assert_eq!(whole(text).as_deref(), Some("12"), "{text}");
        }
        assert_eq!(whole("-0").as_deref(), Some("0"));
        assert_eq!(whole("12345678901234567890123456789012345678").unwrap().len(), 38);
        assert_eq!(whole("1.5"), None);
    }
}
