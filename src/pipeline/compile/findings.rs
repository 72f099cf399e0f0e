//! Collects what is wrong while values are read, so that a person hears of everything at once.
//!
//! A reader returns None exactly when it has reported why. Leaves out: which keys exist.

use std::ops::RangeInclusive;
use std::str::FromStr;

use chrono::NaiveDate;
use chrono_tz::Tz;

use super::super::spec::{Key, Node, Place, Value};
use crate::error::Diagnostic;

const SECOND_US: i64 = crate::interval::SECOND_US;
pub(super) const HOUR_US: i64 = 3600 * SECOND_US;
pub(super) const DAY_US: i64 = 24 * HOUR_US;

const DURATION_REMEDY: &str = "write a whole number and a unit: 90s, 30m, 24h, 2d or 8w";

/// Everything found wrong so far in a file and those that it names.
pub(super) struct Findings {
    files: Vec<String>,
    found: Vec<(Place, Diagnostic)>,
}

impl Findings {
    pub fn new(file: String) -> Self {
        Findings { files: vec![file], found: Vec::new() }
    }

    /// The number that places in another file have.
    pub fn number_of(&mut self, file: &str) -> usize {
        self.files.iter().position(|known| known == file).unwrap_or_else(|| {
            self.files.push(file.to_owned());
            self.files.len() - 1
        })
    }

    pub fn report(&mut self, at: Place, message: impl Into<String>, remedy: impl Into<String>) {
        let found = Diagnostic {
            file: self.files.get(at.file).cloned().unwrap_or_default(),
            line: at.line,
            column: at.column,
            message: message.into(),
            remedy: Some(remedy.into()),
        };
        // Two sources may name the same wrong file, and entries of a mapping share columns.
        if !self.found.iter().any(|(_, known)| *known == found) {
            self.found.push((at, found));
        }
    }

    /// In the order of the files.
    pub fn into_diagnostics(mut self) -> Vec<Diagnostic> {
        self.found.sort_by_key(|(place, _)| *place);
        self.found.into_iter().map(|(_, found)| found).collect()
    }

    pub fn len(&self) -> usize {
        self.found.len()
    }

    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Opens a map for reading by key; `what` names it in errors.
    pub fn map<'a>(&mut self, node: &'a Node, what: &'static str) -> Option<Fields<'a>> {
        let Value::Map(entries) = &node.value else {
            return self.mismatch(
                node,
                "a map",
                &format!("write the {what} as `key: value` lines"),
            );
        };
        for (i, (key, _)) in entries.iter().enumerate() {
            if let Some((first, _)) = entries[..i].iter().find(|(k, _)| k.name == key.name) {
                let message = format!("`{}` is given twice", key.name);
                self.report(key.place, message, format!("it is also on line {}", first.place.line));
            }
        }
        Some(Fields { place: node.place, what, entries, known: Vec::new() })
    }

    pub fn list<'a>(&mut self, node: &'a Node) -> Option<&'a [Node]> {
        match &node.value {
            Value::List(items) => Some(items),
            _ => self.mismatch(node, "a list", "write it in brackets: [a, b]"),
        }
    }

    /// Text without control characters, and not empty.
    pub fn text<'a>(&mut self, node: &'a Node) -> Option<&'a str> {
        match &node.value {
            Value::Text(text) if text.is_empty() || text.chars().any(char::is_control) => {
                let message = "the text is empty or holds control characters";
                self.report(node.place, message, "write plain text");
                None
            }
            Value::Text(text) => Some(text),
            _ => self.mismatch(node, "text", "write it in quotes, as in \"1\""),
        }
    }

    /// Text, a number or true and false, as text.
    pub fn scalar(&mut self, node: &Node) -> Option<String> {
        match &node.value {
            Value::Whole(whole) => Some(whole.to_string()),
            Value::Number(number) => Some(number.to_string()),
            Value::Flag(flag) => Some(flag.to_string()),
            Value::Text(text) if text.is_empty() => Some(String::new()),
            _ => self.text(node).map(str::to_owned),
        }
    }

    /// A name of something in the warehouse: lower-case letters, digits and underscores.
    pub fn name(&mut self, node: &Node) -> Option<String> {
        let text = self.text(node)?;
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if text.len() <= 64 && text.chars().all(fits) {
            return Some(text.to_owned());
        }
        let better: String = text
            .to_ascii_lowercase()
            .chars()
            .map(|c| if fits(c) { c } else { '_' })
            .take(64)
            .collect();
        let message = format!("`{text}` is not a name: a-z, 0-9 and _, at most 64 of them");
        self.report(node.place, message, format!("write `{better}`"));
        None
    }

    /// A dimension's value that people wrote: it ends up in SQL and in folder names of reports.
    pub fn label(&mut self, node: &Node) -> Option<String> {
        let text = self.text(node)?;
        self.check_label(node.place, text).then(|| text.to_owned())
    }

    pub fn check_label(&mut self, at: Place, text: &str) -> bool {
        let bad = |c: char| c.is_control() || "'\"`\\".contains(c);
        let fits = !text.is_empty() && text != "*" && !text.contains(bad);
        if !fits {
            let message = format!("{text:?} cannot be the value of a dimension");
            self.report(at, message, "leave out quotes, backslashes and a lone `*`");
        }
        fits
    }

    pub fn flag(&mut self, node: &Node) -> Option<bool> {
        match node.value {
            Value::Flag(flag) => Some(flag),
            _ => self.mismatch(node, "true or false", "write true or false, without quotes"),
        }
    }

    pub fn whole(&mut self, node: &Node, range: RangeInclusive<u32>) -> Option<u32> {
        let span = format!("a whole number from {} to {}", range.start(), range.end());
        match node.value {
            Value::Whole(whole) => match u32::try_from(whole) {
                Ok(whole) if range.contains(&whole) => Some(whole),
                _ => self.mismatch(node, &span, &format!("write {span}")),
            },
            _ => self.mismatch(node, &span, &format!("write {span}")),
        }
    }

    pub fn number(&mut self, node: &Node, range: RangeInclusive<f64>) -> Option<f64> {
        let number = match node.value {
            Value::Whole(whole) => whole as f64,
            Value::Number(number) => number,
            _ => f64::NAN,
        };
        if range.contains(&number) {
            return Some(number);
        }
        let span = format!("a number from {} to {}", range.start(), range.end());
        self.mismatch(node, &span, &format!("write {span}"))
    }

    pub fn date(&mut self, node: &Node) -> Option<NaiveDate> {
        let text = self.text(node)?;
        let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| text.len() == 10);
        if date.is_none() {
            let message = format!("`{text}` is not a date");
            self.report(node.place, message, "write a day of the calendar as YYYY-MM-DD");
        }
        date
    }

    pub fn zone(&mut self, node: &Node) -> Option<Tz> {
        let text = self.text(node)?;
        if let Ok(zone) = Tz::from_str(text) {
            return Some(zone);
        }
        let names = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name());
        let remedy = did_you_mean(text, names)
            .unwrap_or_else(|| "write an IANA name such as Europe/Stockholm or UTC".to_owned());
        self.report(node.place, format!("`{text}` is not a time zone"), remedy);
        None
    }

    /// A duration in microseconds, of one unit and at most `most_days`; zero only where asked for.
    pub fn duration(&mut self, node: &Node, zero: bool, most_days: i64) -> Option<i64> {
        let Value::Text(text) = &node.value else {
            return self.mismatch(node, "a duration", DURATION_REMEDY);
        };
        let Some(duration) = parse_duration(text) else {
            self.report(node.place, format!("`{text}` is not a duration"), DURATION_REMEDY);
            return None;
        };
        if duration == 0 && !zero {
            let message = format!("`{text}`: the duration must be longer than nothing");
            self.report(node.place, message, DURATION_REMEDY);
            return None;
        }
        if duration > most_days * DAY_US {
            let message = format!("`{text}` is too long");
            self.report(node.place, message, format!("write {most_days}d or less"));
            return None;
        }
        Some(duration)
    }

    /// A duration of whole days.
    pub fn days(&mut self, node: &Node, zero: bool, most: u32) -> Option<u32> {
        let duration = self.duration(node, zero, i64::from(most))?;
        let days = u32::try_from(duration / DAY_US).ok().filter(|_| duration % DAY_US == 0);
        if days.is_none() {
            self.report(node.place, "the duration is not whole days", "write it as 14d or 2w");
        }
        days
    }

    /// One of a closed list of words; `what` says what they are.
    pub fn choice<T: Copy>(&mut self, node: &Node, what: &str, from: &[(&str, T)]) -> Option<T> {
        let text = self.text(node)?;
        if let Some((_, value)) = from.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let remedy = hint(text, from.iter().map(|(word, _)| *word));
        self.report(node.place, format!("`{text}` is not {what}"), remedy);
        None
    }

    fn mismatch<T>(&mut self, node: &Node, expected: &str, remedy: &str) -> Option<T> {
        let found = node.value.describe();
        self.report(node.place, format!("expected {expected}, found {found}"), remedy);
        None
    }
}

/// One map of the file. Asking for a key makes it known; [`Fields::close`] reports the others.
#[must_use = "close it, or unknown keys pass unseen"]
pub(super) struct Fields<'a> {
    pub place: Place,
    what: &'static str,
    entries: &'a [(Key, Node)],
    known: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// The value of a key; None where it is left out or has nothing after it.
    pub fn get(&mut self, key: &'static str) -> Option<&'a Node> {
        self.known.push(key);
        self.entries
            .iter()
            .find(|(k, node)| k.name == key && node.value != Value::Null)
            .map(|(_, node)| node)
    }

    /// The value of a key that must be there; `remedy` says what to add.
    pub fn need(
        &mut self,
        key: &'static str,
        remedy: &str,
        out: &mut Findings,
    ) -> Option<&'a Node> {
        let node = self.get(key);
        if node.is_none() {
            out.report(self.place, format!("`{key}` is missing from the {}", self.what), remedy);
        }
        node
    }

    pub fn close(self, out: &mut Findings) {
        for (key, _) in self.entries {
            if !self.known.contains(&key.name.as_str()) {
                let message = format!("unknown key `{}` in the {}", key.name, self.what);
                out.report(key.place, message, hint(&key.name, self.known.iter().copied()));
            }
        }
    }
}

/// "did you mean", or else all that is allowed.
pub(super) fn hint<'a>(word: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    did_you_mean(word, known.clone())
        .unwrap_or_else(|| format!("known: {}", known.collect::<Vec<_>>().join(", ")))
}

/// The closest known word, compared without case and also with what follows its last slash.
fn did_you_mean<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let word = word.to_lowercase();
    let distance = |candidate: &str| {
        let candidate = candidate.to_lowercase();
        let last = candidate.rsplit('/').next().unwrap_or_default();
        strsim::damerau_levenshtein(&word, &candidate).min(strsim::damerau_levenshtein(&word, last))
    };
    // One slip in three letters; more than that is another word.
    let most = (word.chars().count() / 3).max(1);
    known
        .map(|candidate| (distance(candidate), candidate))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| format!("did you mean `{candidate}`?"))
}

/// Microseconds of "90s", "30m", "24h", "2d" or "8w".
fn parse_duration(text: &str) -> Option<i64> {
    let (at, unit) = text.char_indices().last()?;
    let unit = match unit {
        's' => SECOND_US,
        'm' => 60 * SECOND_US,
        'h' => HOUR_US,
        'd' => DAY_US,
        'w' => 7 * DAY_US,
        _ => return None,
    };
    let digits = &text[..at];
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    digits.parse::<i64>().ok()?.checked_mul(unit)
}
