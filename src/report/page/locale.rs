//! Numbers, dates and units as readers of a language write them.

use chrono::{Datelike, NaiveDate, NaiveDateTime};

use super::texts::{Language, Texts};
use crate::interval::Interval;

/// Between a number and its unit, and between thousands in Swedish: it does not break.
const SPACE: char = '\u{a0}';
const MINUS: char = '\u{2212}';

/// How values of a metric are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unit {
    /// A share of one, written in percent.
    Share,
    Money(String),
    Milliseconds,
    Seconds,
    /// Things that are counted, or a unit of a user's own.
    Count(String),
}

impl Unit {
    /// The unit of a contract; money is in `currency`.
    pub fn of(unit: &str, currency: Option<&str>) -> Unit {
        match unit {
            "ratio" => Unit::Share,
            "currency" => Unit::Money(currency.unwrap_or_default().to_owned()),
            "milliseconds" => Unit::Milliseconds,
            "seconds" => Unit::Seconds,
            other => Unit::Count(other.to_owned()),
        }
    }
}

/// Writes for one language.
#[derive(Debug, Clone, Copy)]
pub struct Locale<'a> {
    texts: &'a Texts,
}

impl<'a> Locale<'a> {
    pub fn new(texts: &'a Texts) -> Self {
        Locale { texts }
    }

    /// `value` with this many digits after the point; thousands are set apart.
    pub fn number(self, value: f64, digits: usize) -> String {
        let (group, point) = match self.texts.language {
            Language::English => (',', '.'),
            Language::Swedish => (SPACE, ','),
            Language::Portuguese => ('.', ','),
        };
        let plain = format!("{:.digits$}", value.abs());
        let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
        let mut text = String::new();
        if value < 0.0 && plain.contains(|c: char| ('1'..='9').contains(&c)) {
            text.push(MINUS);
        }
        for (at, digit) in whole.chars().enumerate() {
            if at > 0 && (whole.len() - at).is_multiple_of(3) {
                text.push(group);
            }
            text.push(digit);
        }
        if !fraction.is_empty() {
            text.push(point);
            text.push_str(fraction);
        }
        text
    }

    pub fn count(self, value: i64) -> String {
        self.number(value as f64, 0)
    }

    /// A share of one; Portuguese sets no space before the sign.
    pub fn percent(self, share: f64, digits: usize) -> String {
        let number = self.number(share * 100.0, digits);
        match self.texts.language {
            Language::English | Language::Portuguese => format!("{number}%"),
            Language::Swedish => format!("{number}{SPACE}%"),
        }
    }

    /// A value with its unit.
    pub fn value(self, value: f64, unit: &Unit) -> String {
        self.scaled(value, &Scale::of(unit, value.abs()))
    }

    /// A value on a scale that others share.
    pub fn scaled(self, value: f64, scale: &Scale) -> String {
        let digits = match value.fract() == 0.0 && scale.whole_plain {
            true => 0,
            false => scale.digits,
        };
        match scale.suffix.as_str() {
            "%" => self.percent(value, digits),
            "" => self.number(value / scale.divisor, digits),
            suffix => format!("{}{SPACE}{suffix}", self.number(value / scale.divisor, digits)),
        }
    }

    /// How far `now` is from `before`, with its sign: points for shares and for points, else percent.
    pub fn change(self, now: f64, before: f64, unit: &Unit) -> Option<String> {
        let signed = |value: f64, text: String| match value > 0.0 {
            true => format!("+{text}"),
            false => text,
        };
        let difference = now - before;
        match unit {
            Unit::Share => {
                let points = self.number(difference * 100.0, 1);
                let word = self.texts.say("percentage_points");
                Some(signed(difference, format!("{points}{SPACE}{word}")))
            }
            Unit::Count(name) if name == "points" => {
                let word = self.texts.unit(name);
                Some(signed(difference, format!("{}{SPACE}{word}", self.number(difference, 1))))
            }
            _ if before == 0.0 => None,
            _ => {
                let share = difference / before.abs();
                Some(signed(share, self.percent(share, 1)))
            }
        }
    }

    /// A day with its year.
    pub fn date(self, date: NaiveDate) -> String {
        let (day, month, year) = (date.day(), self.month(date), date.year());
        match self.texts.language {
            Language::English | Language::Swedish => format!("{day} {month} {year}"),
            Language::Portuguese => format!("{day} de {month} de {year}"),
        }
    }

    /// A day without its year, for axes.
    pub fn short_date(self, date: NaiveDate) -> String {
        format!("{}{SPACE}{}", date.day(), self.month(date))
    }

    /// Both ends of the days, inclusive.
    pub fn days(self, days: Interval) -> String {
        let last = days.end.pred_opt().unwrap_or(days.end);
        match days.len() {
            0 | 1 => self.date(days.start),
            _ => format!("{} – {}", self.date(days.start), self.date(last)),
        }
    }

    /// A day and a time of it, to the minute.
    pub fn time(self, at: NaiveDateTime) -> String {
        format!("{} {}", self.date(at.date()), at.format("%H:%M"))
    }

    fn month(self, date: NaiveDate) -> String {
        let names = self.texts.say("months");
        let name = names.split(' ').nth(date.month0() as usize);
        name.unwrap_or_default().to_owned()
    }
}

/// What values are divided by and followed by, so that several of them can be compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Scale {
    pub divisor: f64,
    suffix: String,
    digits: usize,
    /// Whole values need no digits.
    whole_plain: bool,
}

impl Scale {
    /// The scale on which `largest` is easy to read.
    pub fn of(unit: &Unit, largest: f64) -> Scale {
        let of = |divisor: f64, suffix: &str, digits: usize, whole_plain: bool| Scale {
            divisor,
            suffix: suffix.to_owned(),
            digits,
            whole_plain,
        };
        match unit {
            Unit::Share => of(0.01, "%", 1, false),
            Unit::Money(code) => of(1.0, code, 2, false),
            Unit::Milliseconds if largest < 1000.0 => of(1.0, "ms", 0, true),
            Unit::Milliseconds if largest < 120_000.0 => of(1000.0, "s", 2, false),
            Unit::Milliseconds => of(60_000.0, "min", 1, false),
            Unit::Seconds if largest < 120.0 => of(1.0, "s", 1, false),
            Unit::Seconds if largest < 7200.0 => of(60.0, "min", 1, false),
            Unit::Seconds => of(3600.0, "h", 1, false),
            Unit::Count(_) => of(1.0, "", 1, true),
        }
    }

    /// The scale for the steps of an axis: as many digits as a step needs.
    #[must_use]
    pub fn for_step(mut self, step: f64) -> Scale {
        let shown = step / self.divisor;
        self.digits = (0..4)
            .find(|d| {
                let power = 10_f64.powi(*d);
                (shown * power - (shown * power).round()).abs() < 1e-6
            })
            .unwrap_or(4) as usize;
        self.whole_plain = false;
        self
    }
}
