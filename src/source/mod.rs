//! Raw objects -> typed rows: bytes of logs in, immutable Parquet by local day out.
//!
//! [`decode`] is a function of the object's bytes and of what [`Decoding`] says. Every record ends
//! in exactly one column of [`Accounting`]; a record that cannot be read is quarantined with its
//! place and reason and stops nothing. Only damage that hides how much is missing (a truncated
//! stream, a header that is none) refuses the object. Memory is bounded whatever the bytes are.
//!
//! In reading order: `unpack` bytes, `split` them into records, `json` and `csv` read raw values by
//! `keys`, `value` and `time` type them, `event` and `ledger` say what a record must be, `rows` and
//! `stage` write it. Leaves out: which objects to read, duplicates, and where the files go.

mod csv;
mod days;
mod event;
mod json;
mod keys;
mod ledger;
mod privacy;
mod rows;
mod split;
mod stage;
mod table;
#[cfg(test)]
mod tests;
mod time;
mod unpack;
mod value;

use std::borrow::Cow;
use std::io::Read;
use std::path::Path;

use chrono::NaiveDate;
use chrono_tz::Tz;

pub use crate::accounting::{Accounting, Quarantined};
pub use privacy::{KEY_BYTES, UserHasher};
pub use stage::StagedFile;

use crate::error::{Error, ErrorKind, Result};
use crate::pipeline::{Records, Source};
use keys::{Key, Keys};
use split::{Cut, Ends, Record, Splitter};
use stage::Stage;
use table::{Outcome, Place, Table};
use unpack::Unpacked;
use value::Raw;

/// Quarantined records that are listed one by one; the others are counted.
const LISTED: usize = 100_000;
/// Bytes of raw records that are kept for one object.
const KEPT_RAW: usize = 64 << 20;
/// More than any kind has keys.
const SLOTS: usize = 32;

/// Everything besides its bytes that decides what an object becomes.
#[derive(Debug, Clone, Copy)]
pub struct Decoding<'a> {
    pub source: &'a Source,
    /// Cuts instants into days.
    pub zone: Tz,
    /// Earlier local days are `out_of_window`.
    pub start: Option<NaiveDate>,
    /// Earlier instants are quarantined; UTC microseconds.
    pub history_floor_us: i64,
    /// Instants over an hour later are quarantined; UTC microseconds.
    pub as_of_us: i64,
    pub user_key: &'a UserHasher,
    /// The object's full name; its ending tells CSV from JSON lines where the source does not say.
    pub object_key: &'a str,
    /// Keep quarantined records' raw text.
    pub keep_raw: bool,
}

/// What an object became.
#[derive(Debug)]
pub struct Decoded {
    /// One file for each local day, in order of days.
    pub files: Vec<StagedFile>,
    /// Its identities hold.
    pub accounting: Accounting,
    /// In the order of the object; at most 100,000, all are in `accounting`.
    pub quarantine: Vec<Quarantined>,
    /// Of the rows that were written; None for costs, which have no instants.
    pub newest_ts_us: Option<i64>,
    /// The smallest timestamp that was refused for nothing but lying over an hour after as-of. The
    /// object must be decoded again once as-of is at least this less one hour.
    pub retry_after_us: Option<i64>,
    /// The first three rows that were written, as (column, value), for people.
    pub preview: Vec<Vec<(String, String)>>,
}

/// Decodes one object into `folder/<YYYY-MM-DD>.pq`, one file for each local day.
///
/// The folder must exist and be the object's own. An error means that nothing of the object was
/// taken, and its files are removed: `Input` for an object that must be delivered again,
/// `Transient` where reading or writing failed. Which object it was is the caller's to say, who
/// knows its full address.
pub fn decode(object: impl Read + Send, decoding: &Decoding<'_>, folder: &Path) -> Result<Decoded> {
    let stage = Stage::new(decoding.source.kind, folder)?;
    let mut splitter = Splitter::new(Unpacked::new(object, decoding.object_key)?)?;
    let mut desk = Desk::new(decoding, stage);
    desk.accounting.bom = u64::from(splitter.had_bom());
    match records_of(decoding) {
        Records::Jsonl => read_lines(&mut splitter, &mut desk)?,
        Records::Csv => read_rows(&mut splitter, &mut desk)?,
    }
    desk.finish()
}

fn records_of(decoding: &Decoding<'_>) -> Records {
    decoding.source.records.unwrap_or_else(|| {
        let name = decoding.object_key.to_ascii_lowercase();
        let name = name.strip_suffix(".gz").or(name.strip_suffix(".zst")).unwrap_or(&name);
        if name.ends_with(".csv") { Records::Csv } else { Records::Jsonl }
    })
}

fn read_lines<R: Read>(splitter: &mut Splitter<R>, desk: &mut Desk) -> Result<()> {
    while let Some(record) = splitter.next(Ends::Line)? {
        if desk.skips(&record) {
            continue;
        }
        let mut raws = [Raw::Absent; SLOTS];
        let read = text_of(&record)
            .and_then(|text| json::read(text, &mut desk.keys, &mut raws).map_err(Bad::from));
        desk.take(&record, &mut raws, read)?;
    }
    Ok(())
}

fn read_rows<R: Read>(splitter: &mut Splitter<R>, desk: &mut Desk) -> Result<()> {
    let header = loop {
        match splitter.next(Ends::Row)? {
            None => return Ok(()),
            Some(record) if desk.skips(&record) => (),
            Some(record) => break Header::read(&record, &mut desk.keys)?,
        }
    };
    while let Some(record) = splitter.next(Ends::Row)? {
        if desk.skips(&record) {
            continue;
        }
        let mut raws = [Raw::Absent; SLOTS];
        let read = text_of(&record).and_then(|text| header.row(text, &mut desk.keys, &mut raws));
        desk.take(&record, &mut raws, read)?;
    }
    Ok(())
}

/// The names of a CSV object's columns.
struct Header {
    columns: Vec<Key>,
    duplicate: Option<String>,
}

impl Header {
    /// Refuses the object when no name is known: then the line is most likely a record, and what
    /// follows has no names.
    fn read(record: &Record<'_>, keys: &mut Keys) -> Result<Self> {
        let text = text_of(record).map_err(|bad| Header::refused(&bad.reason))?;
        let (mut columns, mut duplicate) = (Vec::new(), None);
        keys.begin();
        for (position, cell) in csv::Cells::of(text).enumerate() {
            let name = match cell {
                csv::Cell::Plain(name) => Cow::Borrowed(name),
                csv::Cell::Quoted(raw) => csv::unquote(raw),
            };
            let name = name.trim();
            columns.push(keys.key(position, name.as_bytes()).unwrap_or_else(|| {
                duplicate.get_or_insert_with(|| name.to_owned());
                Key::Stray
            }));
        }
        if !columns.iter().any(|key| matches!(key, Key::Known(_))) {
            return Err(Header::refused("no column has a name that this kind of source reads"));
        }
        Ok(Header { columns, duplicate })
    }

    fn refused(why: &str) -> Error {
        Error::new(ErrorKind::Input, format!("bad_header: {why}"))
            .remedy("the first line of a CSV object names its columns")
    }

    fn row<'a>(
        &self,
        text: &'a str,
        keys: &mut Keys,
        raws: &mut [Raw<'a>; SLOTS],
    ) -> std::result::Result<(), Bad> {
        keys.begin();
        let mut cells = csv::Cells::of(text);
        for key in &self.columns {
            let raw = match cells.next().ok_or_else(|| Bad::new("bad_columns"))? {
                csv::Cell::Plain("") => Raw::Absent,
                csv::Cell::Plain(text) => Raw::Cell(text),
                csv::Cell::Quoted(raw) => Raw::QuotedCell(raw),
            };
            match key {
                Key::Known(slot) => raws[*slot] = raw,
                key if raw != Raw::Absent => keys.present(*key),
                _ => (),
            }
        }
        if cells.next().is_some() {
            return Err(Bad::new("bad_columns"));
        }
        match &self.duplicate {
            Some(name) => Err(Bad::field("duplicate_key", name)),
            None => Ok(()),
        }
    }
}

/// Why a record cannot be read.
struct Bad {
    reason: String,
    field: Option<String>,
}

impl Bad {
    fn new(reason: &str) -> Self {
        Bad { reason: reason.to_owned(), field: None }
    }

    fn field(reason: &str, field: &str) -> Self {
        // A name from the log itself can be as long as the record.
        Bad { field: Some(field.chars().take(128).collect()), ..Bad::new(reason) }
    }
}

impl From<json::Flaw> for Bad {
    fn from(flaw: json::Flaw) -> Self {
        match flaw {
            json::Flaw::TooDeep => Bad::new("too_deep"),
            json::Flaw::NotJson => Bad::new("not_json"),
            json::Flaw::NotObject => Bad::new("not_object"),
            json::Flaw::TrailingData => Bad::new("trailing_data"),
            json::Flaw::TooManyKeys => Bad::new("too_many_keys"),
            json::Flaw::NumberTooLong => Bad::new("number_too_long"),
            json::Flaw::DuplicateKey(name) => Bad::field("duplicate_key", &name),
        }
    }
}

fn text_of<'a>(record: &Record<'a>) -> std::result::Result<&'a str, Bad> {
    match record.cut {
        Cut::Whole => std::str::from_utf8(record.bytes).map_err(|_| Bad::new("invalid_utf8")),
        Cut::TooLong => Err(Bad::new("line_too_long")),
        Cut::OpenQuote => Err(Bad::new("unclosed_quote")),
    }
}

/// Where records are sorted into rows and quarantine, and counted.
struct Desk<'d> {
    table: Table<'d>,
    keys: Keys,
    /// Values for slots that a record leaves empty.
    defaults: Vec<(usize, &'d str)>,
    accounting: Accounting,
    quarantine: Vec<Quarantined>,
    keep_raw: bool,
    kept_raw: usize,
    newest_ts_us: Option<i64>,
    retry_after_us: Option<i64>,
}

impl<'d> Desk<'d> {
    fn new(decoding: &Decoding<'d>, stage: Stage) -> Self {
        let names = Table::keys(decoding.source.kind);
        let default = |(name, text): (&'d String, &'d String)| {
            names.iter().position(|known| known == name).map(|slot| (slot, text.as_str()))
        };
        Desk {
            table: Table::new(decoding, stage),
            keys: Keys::new(names),
            defaults: decoding.source.defaults.iter().filter_map(default).collect(),
            accounting: Accounting::default(),
            quarantine: Vec::new(),
            keep_raw: decoding.keep_raw,
            kept_raw: 0,
            newest_ts_us: None,
            retry_after_us: None,
        }
    }

    /// Counts blank lines, which are records of nothing.
    fn skips(&mut self, record: &Record<'_>) -> bool {
        let blank = record.is_blank();
        self.accounting.read += u64::from(blank);
        self.accounting.blank += u64::from(blank);
        blank
    }

    fn take<'r>(
        &mut self,
        record: &Record<'r>,
        raws: &mut [Raw<'r>; SLOTS],
        read: std::result::Result<(), Bad>,
    ) -> Result<()>
    where
        'd: 'r,
    {
        let position = (self.accounting.read - self.accounting.blank) as i64;
        self.accounting.read += 1;
        if let Err(bad) = read {
            self.refuse(record, bad);
            return Ok(());
        }
        for &(slot, text) in &self.defaults {
            if matches!(raws[slot], Raw::Absent) {
                raws[slot] = Raw::Cell(text);
            }
        }
        let bytes = record.bytes.trim_ascii();
        let place = Place { record: bytes, offset: record.offset as i64, position, element: 0 };
        let outcome = self.table.take(raws, place)?;
        self.count(record, outcome);
        Ok(())
    }

    fn count(&mut self, record: &Record<'_>, outcome: Outcome) {
        let accounting = &mut self.accounting;
        match outcome {
            Outcome::Kept { ts_us } => {
                accounting.kept += 1;
                self.newest_ts_us = self.newest_ts_us.max(ts_us);
            }
            Outcome::Test => accounting.test += 1,
            Outcome::OutOfWindow => accounting.out_of_window += 1,
            Outcome::Refused(refusal) => {
                self.retry_after_us =
                    [self.retry_after_us, refusal.ahead_us].into_iter().flatten().min();
                let field = refusal.field.map(str::to_owned);
                self.refuse(record, Bad { reason: refusal.reason, field });
                return;
            }
        }
        self.accounting.decoded += 1;
        self.accounting.emitted += 1;
        self.keys.count();
    }

    fn refuse(&mut self, record: &Record<'_>, bad: Bad) {
        self.accounting.quarantined += 1;
        match self.accounting.reasons.get_mut(&bad.reason) {
            Some(count) => *count += 1,
            None => _ = self.accounting.reasons.insert(bad.reason.clone(), 1),
        }
        if self.quarantine.len() >= LISTED {
            return;
        }
        let keep_raw = self.keep_raw && self.kept_raw + record.bytes.len() <= KEPT_RAW;
        let raw = keep_raw.then(|| String::from_utf8_lossy(record.bytes).into_owned());
        self.kept_raw += raw.as_ref().map_or(0, String::len);
        let hash = self.table.hasher.pseudonym(privacy::Purpose::Line, record.bytes);
        self.quarantine.push(Quarantined {
            offset: record.offset,
            length: record.length,
            line: record.line,
            reason: bad.reason,
            field: bad.field,
            hash: hash.as_str().to_owned(),
            raw,
        });
    }

    fn finish(self) -> Result<Decoded> {
        let mut accounting = self.accounting;
        accounting.unknown_fields = self.keys.unknown();
        accounting.check()?;
        let expected = accounting.kept + self.table.further_rows;
        let files = self.table.stage.finish()?;
        let written: u64 = files.iter().map(|file| file.rows).sum();
        if written != expected {
            let message = format!("{written} rows were written, not {expected}");
            return Err(Error::internal(message));
        }
        Ok(Decoded {
            files,
            accounting,
            quarantine: self.quarantine,
            newest_ts_us: self.newest_ts_us,
            retry_after_us: self.retry_after_us,
            preview: self.table.preview,
        })
    }
}
