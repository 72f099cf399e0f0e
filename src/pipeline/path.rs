//! Path patterns: which objects belong to a source, and the date in their names.
//!
//! A pattern is text with `{date}` (the same as `{date:%Y-%m-%d}`), `*` and `?` (inside one name)
//! and `**` (any folders, or everything below). A wildcard never matches a name that starts with
//! `.` or `_`: those are other programs' half-written files. Leaves out: listing, which is
//! `storage`'s, and hours, which only ever narrow a day.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use chrono_tz::Tz;
use regex::Regex;

use super::{Location, Source};
use crate::interval::{plus, touching};

/// A source's `path`: a fixed folder and a pattern for the keys below it.
#[derive(Debug, Clone)]
pub struct PathPattern {
    /// The deepest folder that the pattern's fixed part names.
    pub root: Location,
    /// Relative to `root`: may hold `{date}`, `{date:FORMAT}`, `*`, `?` and `**`; ends in `/` (or
    /// is `**`) for "all below".
    pub pattern: String,
    parts: Vec<Part>,
    matcher: Regex,
}

impl PartialEq for PathPattern {
    fn eq(&self, other: &Self) -> bool {
        (&self.root, &self.pattern) == (&other.root, &other.pattern)
    }
}

impl Eq for PathPattern {}

/// A list call costs about as much as a thousand keys in its answer, so a long span of days is
/// listed by month or by year instead.
const MOST_PREFIXES: usize = 100;

impl PathPattern {
    /// Reads a path as written. Relative local paths start from `base`; an error is one sentence.
    pub fn parse(text: &str, base: &Path) -> Result<PathPattern, String> {
        let (bucket, text) = split_scheme(text)?;
        if let Some(bad) = text.chars().find(|c| c.is_control() || "[]\\".contains(*c)) {
            return Err(format!("a path cannot hold {bad:?}"));
        }
        let fixed = text.find(['*', '?', '{']).unwrap_or(text.len());
        let folder = text[..fixed].rfind('/').map_or(0, |slash| slash + 1);
        let (folder, pattern) = text.split_at(folder);
        let pattern = if pattern.is_empty() { "**" } else { pattern };
        let root = match bucket {
            Some(bucket) => bucket_root(bucket, folder)?,
            None => Location::Local(local_folder(folder, base)),
        };
        let parts = parse_parts(pattern)?;
        check_date(&parts)?;
        let matcher = Regex::new(&expression(&parts)).map_err(|e| e.to_string())?;
        Ok(PathPattern { root, pattern: pattern.to_owned(), parts, matcher })
    }

    /// Does the name of an object say which day it belongs to?
    pub fn has_date(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Field(_)))
    }

    /// Prefixes of keys, relative to `root`, under which every object lies that has a path date in
    /// `[first, last]`, both included; without a date in the pattern, or without `dates`, the one
    /// prefix of them all, perhaps empty. A prefix may end inside a name, none is the start of
    /// another, and what they list may hold more than what [`matches`](Self::matches).
    pub fn prefixes(&self, dates: Option<(NaiveDate, NaiveDate)>) -> Vec<String> {
        let variable = |part: &Part| !matches!(part, Part::Text(_) | Part::Field(_));
        let end = self
            .parts
            .iter()
            .position(|part| variable(part) || *part == Part::Field(Field::Hour))
            .unwrap_or(self.parts.len());
        let fields: Vec<usize> =
            (0..end).filter(|&i| matches!(self.parts[i], Part::Field(_))).collect();
        let Some((first, last)) = dates else {
            let cut = fields.first().copied().unwrap_or(end);
            return vec![render(&self.parts[..cut], NaiveDate::MIN)];
        };
        std::iter::once(end)
            .chain(fields.into_iter().rev())
            .find_map(|cut| prefixes_of(&self.parts[..cut], first, last))
            .unwrap_or_else(|| vec![String::new()])
    }

    /// Is the key, relative to `root` with `/` between names, one of the source's, and of which
    /// date? Where a wildcard leaves several readings, the date that comes first in the key counts.
    pub fn matches(&self, key: &str) -> Option<Option<NaiveDate>> {
        let found = self.matcher.captures(key)?;
        let mut texts = found.iter().skip(1).flatten().map(|group| group.as_str()).peekable();
        if texts.peek().is_none() {
            return Some(None);
        }
        date_of(&self.parts, texts).map(Some)
    }
}

/// The path dates `[first, last]`, both included, whose objects the local day `day` reads: every
/// date of the path's zone that shares an instant with it, and `lookahead_days` more.
pub fn object_dates(source: &Source, zone: Tz, day: NaiveDate) -> (NaiveDate, NaiveDate) {
    let (first, last) = touching(day, zone, source.path_zone);
    (first, plus(last, i64::from(source.lookahead_days)))
}

/// The bucket of an `s3://` path and the key pattern in it, or no bucket and a local path.
pub(super) fn split_scheme(text: &str) -> Result<(Option<&str>, &str), String> {
    if text.is_empty() {
        return Err("the path is empty".to_owned());
    }
    if text.starts_with('~') {
        return Err("`~` is not expanded in a path; write the folder out".to_owned());
    }
    let Some((scheme, rest)) = text.split_once("://") else { return Ok((None, text)) };
    if scheme != "s3" {
        return Err(format!("`{scheme}://` is not supported; a path is local or s3://bucket/key"));
    }
    let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
    let allowed = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    if bucket.is_empty() || !bucket.chars().all(allowed) {
        return Err("an s3 path needs the name of its bucket: s3://bucket/key".to_owned());
    }
    Ok((Some(bucket), key))
}

/// A folder in a bucket. `folder` may end in a slash.
pub(super) fn bucket_root(bucket: &str, folder: &str) -> Result<Location, String> {
    let prefix = folder.trim_end_matches('/');
    if !prefix.is_empty() && prefix.split('/').any(|name| matches!(name, "" | "." | "..")) {
        return Err("a key cannot hold empty, `.` or `..` folders".to_owned());
    }
    Ok(Location::S3 { bucket: bucket.to_owned(), prefix: prefix.to_owned() })
}

/// A folder on disk, relative to `base` unless absolute.
pub(super) fn local_folder(folder: &str, base: &Path) -> PathBuf {
    // Collecting components drops `.` and doubled slashes.
    let path: PathBuf = base.join(folder).components().filter(|c| c.as_os_str() != ".").collect();
    if path.as_os_str().is_empty() { PathBuf::from(".") } else { path }
}

/// A piece of a pattern, in the order of the key.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Field(Field),
    /// At least `least` characters of one name, and more when `open`.
    Name {
        least: usize,
        open: bool,
    },
    /// `**/`: any number of folders.
    Folders,
    /// A last `**`: everything below.
    Below,
}

/// The numbers that a date in a path is made of, each of a fixed width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Year,
    ShortYear,
    Month,
    Day,
    DayOfYear,
    Hour,
}

impl Field {
    fn from_letter(letter: char) -> Option<Field> {
        Some(match letter {
            'Y' => Field::Year,
            'y' => Field::ShortYear,
            'm' => Field::Month,
            'd' => Field::Day,
            'j' => Field::DayOfYear,
            'H' => Field::Hour,
            _ => return None,
        })
    }

    fn chrono_format(self) -> &'static str {
        match self {
            Field::Year => "%Y",
            Field::ShortYear => "%y",
            Field::Month => "%m",
            Field::Day => "%d",
            Field::DayOfYear => "%j",
            Field::Hour => "%H",
        }
    }

    /// As narrow as possible, so that digits beside a date are not taken for one.
    fn expression(self) -> &'static str {
        match self {
            Field::Year => "([0-9]{4})",
            Field::ShortYear => "([0-9]{2})",
            Field::Month => "(0[1-9]|1[0-2])",
            Field::Day => "(0[1-9]|[12][0-9]|3[01])",
            Field::DayOfYear => "([0-3][0-9]{2})",
            Field::Hour => "([01][0-9]|2[0-3])",
        }
    }
}

fn parse_parts(pattern: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut rest = pattern;
    while let Some(next) = rest.chars().next() {
        let at_start = at_name_start(&parts);
        let taken = match next {
            '{' => parse_date(rest, &mut parts)?,
            '*' if at_start && rest == "**" => add(&mut parts, Part::Below, 2),
            '*' if at_start && rest.starts_with("**/") => add(&mut parts, Part::Folders, 3),
            '*' | '?' => {
                let run = rest.find(|c| c != '*' && c != '?').unwrap_or(rest.len());
                if rest[..run].contains("**") {
                    return Err("`**` must stand alone between slashes".to_owned());
                }
                let least = rest[..run].matches('?').count();
                add(&mut parts, Part::Name { least, open: least < run }, run)
            }
            '}' => return Err("`}` without `{`".to_owned()),
            _ => {
                let end = rest.find(['{', '}', '*', '?']).unwrap_or(rest.len());
                add(&mut parts, Part::Text(rest[..end].to_owned()), end)
            }
        };
        rest = &rest[taken..];
    }
    if pattern.split('/').any(|name| matches!(name, "." | "..")) || pattern.contains("//") {
        return Err("empty, `.` and `..` folders are not allowed after a wildcard".to_owned());
    }
    if at_name_start(&parts) && parts.last() != Some(&Part::Below) {
        parts.push(Part::Below);
    }
    Ok(parts)
}

fn add(parts: &mut Vec<Part>, part: Part, taken: usize) -> usize {
    parts.push(part);
    taken
}

fn at_name_start(parts: &[Part]) -> bool {
    match parts.last() {
        None | Some(Part::Folders) => true,
        Some(Part::Text(text)) => text.ends_with('/'),
        Some(_) => false,
    }
}

/// Reads `{date}` or `{date:FORMAT}` at the start of `rest`; returns how much it took.
fn parse_date(rest: &str, parts: &mut Vec<Part>) -> Result<usize, String> {
    let inside = rest.find('}').map(|end| &rest[1..end]).ok_or("`{` without `}`")?;
    let format = match inside.split_once(':') {
        None if inside == "date" => "%Y-%m-%d",
        Some(("date", format)) if !format.is_empty() => format,
        _ => return Err(format!("`{{{inside}}}` is not known; only {{date}} and {{date:FORMAT}}")),
    };
    let mut letters = format.chars();
    let mut text = String::new();
    while let Some(letter) = letters.next() {
        match letter {
            '%' => {
                let field = letters.next().and_then(Field::from_letter).ok_or_else(|| {
                    format!("`{format}`: only %Y %y %m %d %j %H may stand in a path's date")
                })?;
                if !text.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut text)));
                }
                parts.push(Part::Field(field));
            }
            '*' | '?' | '{' => return Err(format!("`{letter}` cannot stand inside {{date:...}}")),
            _ => text.push(letter),
        }
    }
    if !text.is_empty() {
        parts.push(Part::Text(text));
    }
    Ok(inside.len() + 2)
}

/// All `{date}`s of a path together must name one day.
fn check_date(parts: &[Part]) -> Result<(), String> {
    let sample = NaiveDate::default();
    let texts: Vec<String> = fields(parts).map(|field| render_field(field, sample)).collect();
    if texts.is_empty() || date_of(parts, texts.iter().map(String::as_str)) == Some(sample) {
        return Ok(());
    }
    Err("the date in a path must name a day: a year with %m and %d, or with %j".to_owned())
}

fn fields(parts: &[Part]) -> impl Iterator<Item = Field> {
    parts.iter().filter_map(|part| if let Part::Field(field) = part { Some(*field) } else { None })
}

/// The day that the texts of all fields name, where they name one and agree.
fn date_of<'a>(parts: &[Part], texts: impl Iterator<Item = &'a str>) -> Option<NaiveDate> {
    let format: Vec<&str> = fields(parts).map(Field::chrono_format).collect();
    let text: Vec<&str> = texts.collect();
    NaiveDate::parse_from_str(&text.join(" "), &format.join(" ")).ok()
}

fn render_field(field: Field, date: NaiveDate) -> String {
    match field {
        Field::Hour => "00".to_owned(),
        other => date.format(other.chrono_format()).to_string(),
    }
}

fn render(parts: &[Part], date: NaiveDate) -> String {
    let text = |part: &Part| match part {
        Part::Text(text) => text.clone(),
        Part::Field(field) => render_field(*field, date),
        Part::Name { .. } | Part::Folders | Part::Below => String::new(),
    };
    parts.iter().map(text).collect()
}

/// The distinct renderings of `parts` over `[first, last]`, or None where they are too many.
fn prefixes_of(parts: &[Part], first: NaiveDate, last: NaiveDate) -> Option<Vec<String>> {
    let mut prefixes = BTreeSet::new();
    let mut date = first;
    while date <= last {
        prefixes.insert(render(parts, date));
        if prefixes.len() > MOST_PREFIXES {
            return None;
        }
        // Without a field every day renders alike.
        if fields(parts).next().is_none() || date == NaiveDate::MAX {
            break;
        }
        date = plus(date, 1);
    }
    Some(prefixes.into_iter().collect())
}

const VISIBLE: &str = "[^/._]";
const FOLDERS: &str = "(?:[^/._][^/]*/)*?";

/// Wildcards are lazy: the first date in a key is its date.
fn expression(parts: &[Part]) -> String {
    let mut out = String::from("^");
    for (i, part) in parts.iter().enumerate() {
        match part {
            Part::Text(text) => out.push_str(&regex::escape(text)),
            Part::Field(field) => out.push_str(field.expression()),
            Part::Folders => out.push_str(FOLDERS),
            Part::Below => out.push_str(&format!("{FOLDERS}{VISIBLE}[^/]*")),
            Part::Name { least, open } => {
                out.push_str(&name(*least, *open, at_name_start(&parts[..i]), parts.get(i + 1)));
            }
        }
    }
    out.push('$');
    out
}

/// One run of `*` and `?`. At the start of a name it must not let a hidden name through, not even
/// by being empty before a dot or an underscore.
fn name(least: usize, open: bool, at_start: bool, next: Option<&Part>) -> String {
    let rest = |n: usize| format!("[^/]{{{n}}}{}", if open { "[^/]*?" } else { "" });
    if !at_start {
        return rest(least);
    }
    if least > 0 {
        return format!("{VISIBLE}{}", rest(least - 1));
    }
    let may_be_empty = match next {
        Some(Part::Text(text)) => !text.starts_with(['.', '_', '/']),
        Some(Part::Field(_)) => true,
        _ => false,
    };
    format!("(?:{VISIBLE}[^/]*?){}", if may_be_empty { "??" } else { "" })
}

#[cfg(test)]
mod tests;
