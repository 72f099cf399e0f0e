//! Raw objects -> typed rows: bytes of logs in, immutable Parquet by local day out.
//!
//! [`decode`] is a function of the object's bytes and of what [`Decoding`] says. Every record ends
//! in exactly one column of [`Accounting`]; a record that cannot be read is quarantined with its
//! place and reason and stops nothing. Only damage that hides how much is missing (a truncated
//! stream, a header that is none) refuses the object. Memory is bounded whatever the bytes are.
//!
//! In reading order: `unpack` bytes, `split` them into records, `json` and `csv` read raw values by
//! `keys`, `value` and `time` type them, `event` and `ledger` say what a record must be, `rows` and
//! `stage` write it. Records of other shapes go by a `plan`: `tape` reads what it asks for, `mapped`
//! finds the events in it, `made` turns values into what columns take, `recall` keeps what elements
//! leave behind; `batch` takes records out of batches before. Leaves out: which objects to read,
//! duplicates, and where the files go.

mod batch;
mod csv;
mod days;
mod desk;
mod event;
mod fit;
mod header;
mod json;
mod keys;
mod ledger;
mod made;
mod mapped;
mod parquet_rows;
mod plan;
mod privacy;
mod recall;
mod rows;
mod split;
mod stage;
mod table;
mod tape;
#[cfg(test)]
mod tests;
mod time;
mod unpack;
mod value;

use std::io::Read;
use std::path::Path;

use chrono::NaiveDate;
use chrono_tz::Tz;

pub use crate::accounting::{Accounting, Quarantined};
pub use fit::{Fit, fit};
pub use privacy::{KEY_BYTES, UserHasher};
pub use stage::StagedFile;

use crate::error::Result;
use crate::pipeline::{Adapter, Mapping, Records, Source};
use crate::schema::Kind;
use batch::{Opened, Opener};
use desk::Desk;
use header::Header;
use keys::Keys;
use mapped::Mapper;
use split::{Cut, Ends, Layout, Record, Splitter, Values};
use stage::Stage;
use table::Table;
use unpack::Unpacked;
use value::Raw;

/// The longest spelling of an instant with its offset.
const LONGEST_STAMP: usize = 35;

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
    /// The same of events that are marked as tests, which are in nothing else that is told here but
    /// their column of the accounting.
    pub test_files: Vec<StagedFile>,
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

/// Decodes one object into `folder/<YYYY-MM-DD>.pq`, one file for each local day, and what is
/// marked as a test into `folder/test-<YYYY-MM-DD>.pq`.
///
/// The folder must exist and be the object's own. An error means that nothing of the object was
/// taken, and its files are removed: `Input` for an object that must be delivered again,
/// `Transient` where reading or writing failed. Which object it was is the caller's to say, who
/// knows its full address.
pub fn decode(object: impl Read + Send, decoding: &Decoding<'_>, folder: &Path) -> Result<Decoded> {
    let stage = Stage::new(decoding.source.kind, folder, "")?;
    let tests = Stage::new(Kind::TestEvents, folder, "test-")?;
    let unpacked = Unpacked::new(object, decoding.object_key)?;
    match &decoding.source.adapter {
        Adapter::Canonical => read_canonical(unpacked, decoding, [stage, tests]),
        Adapter::Mapped(mapping) => {
            read_mapped(unpacked, decoding, mapping, [stage, tests], folder)
        }
    }
}

fn records_of(decoding: &Decoding<'_>) -> Records {
    let is_mapped = matches!(decoding.source.adapter, Adapter::Mapped(_));
    let named =
        || Records::of_name(decoding.object_key).filter(|r| is_mapped || *r == Records::Csv);
    decoding.source.records.or_else(named).unwrap_or(Records::Jsonl)
}

fn read_canonical<R: Read>(
    object: Unpacked<R>,
    decoding: &Decoding<'_>,
    stages: [Stage; 2],
) -> Result<Decoded> {
    let mut splitter = Splitter::new(object)?;
    let mut keys = Keys::new(Table::keys(decoding.source.kind));
    let mut desk = Desk::new(decoding, stages);
    desk.accounting.bom = u64::from(splitter.had_bom());
    if records_of(decoding) != Records::Csv {
        while let Some(record) = splitter.next(Ends::Line)? {
            if desk.skips(&record) {
                continue;
            }
            let mut raws = [Raw::Absent; SLOTS];
            let read = text_of(&record)
                .and_then(|text| json::read(text, &mut keys, &mut raws).map_err(Bad::from));
            desk.take(&record, &mut raws, read, &mut keys)?;
        }
    } else if let Some(header) = header(&mut splitter, &mut desk, decoding, &mut keys)? {
        while let Some(record) = splitter.next(Ends::Row(decoding.source.delimiter))? {
            if desk.skips(&record) {
                continue;
            }
            let mut raws = [Raw::Absent; SLOTS];
            let read = text_of(&record)
                .and_then(|text| header.row(text, &mut keys, |slot, raw| raws[slot] = raw));
            desk.take(&record, &mut raws, read, &mut keys)?;
        }
    }
    desk.finish(keys)
}

fn read_mapped<R: Read>(
    object: Unpacked<R>,
    decoding: &Decoding<'_>,
    mapping: &Mapping,
    stages: [Stage; 2],
    folder: &Path,
) -> Result<Decoded> {
    let slots = Table::keys(decoding.source.kind);
    let zone = decoding.source.naive_zone;
    let mut mapper = Mapper::new(mapping, slots, zone, decoding.user_key);
    let mut keys = Keys::new(&mapper.plan.trie.roots());
    let mut desk = Desk::new(decoding, stages);
    let layout = match records_of(decoding) {
        Records::Parquet => {
            parquet_rows::read(object, folder, |number, text| {
                let record = Record::row(text, number);
                let read = text_of(&record).and_then(|text| mapper.read(text, false, &mut keys));
                desk.take_mapped(&record, &mapper, read, &mut keys)
            })?;
            return desk.finish(keys);
        }
        Records::Csv => return read_mapped_rows(object, decoding, mapper, keys, desk),
        Records::Jsonl => None,
        Records::Json => Some(Layout::Sequence),
        Records::JsonArray => Some(Layout::Array),
        Records::JsonObject => Some(Layout::Object),
    };
    let mut splitter = Splitter::new(object)?;
    if layout.is_some() {
        splitter = splitter.up_to(split::LONGEST_BATCH);
    }
    desk.accounting.bom = u64::from(splitter.had_bom());
    let keyed = layout == Some(Layout::Object);
    let mut values = layout.map(Values::new);
    let mut opener = Opener::new(mapping, decoding.user_key);
    loop {
        let next = match &mut values {
            Some(values) => splitter.next_value(values)?,
            None => splitter.next(Ends::Line)?,
        };
        let Some(record) = next else { return desk.finish(keys) };
        if desk.skips(&record) || (values.is_some() && is_stamp(&record)) {
            continue;
        }
        let opened = opener.as_mut().map_or(Opened::Bare, |opener| opener.open(&record));
        match opened {
            Opened::Bare => take_mapped(&record, keyed, &mut mapper, &mut keys, &mut desk)?,
            Opened::LeftOut => desk.leave_out(),
            Opened::Holds(inside) => {
                desk.opened(inside.is_empty());
                for inner in &inside {
                    let record = inner.record(&record);
                    take_mapped(&record, false, &mut mapper, &mut keys, &mut desk)?;
                }
            }
        }
    }
}

fn take_mapped<'d>(
    record: &Record<'_>,
    keyed: bool,
    mapper: &mut Mapper<'d>,
    keys: &mut Keys,
    desk: &mut Desk<'d>,
) -> Result<()> {
    let read = text_of(record).and_then(|text| mapper.read(text, keyed, keys));
    desk.take_mapped(record, mapper, read, keys)
}

/// A time before a value, as exports of log services write it, is no record.
fn is_stamp(record: &Record<'_>) -> bool {
    let text = text_of(record).unwrap_or_default();
    text.len() <= LONGEST_STAMP && time::instant(text, None).is_some()
}

fn read_mapped_rows<'d, R: Read>(
    object: Unpacked<R>,
    decoding: &Decoding<'_>,
    mut mapper: Mapper<'d>,
    mut keys: Keys,
    mut desk: Desk<'d>,
) -> Result<Decoded> {
    let mut splitter = Splitter::new(object)?;
    desk.accounting.bom = u64::from(splitter.had_bom());
    if let Some(header) = header(&mut splitter, &mut desk, decoding, &mut keys)? {
        while let Some(record) = splitter.next(Ends::Row(decoding.source.delimiter))? {
            if desk.skips(&record) {
                continue;
            }
            let read = text_of(&record)
                .and_then(|text| mapper.read_row(text, |take| header.row(text, &mut keys, take)));
            desk.take_mapped(&record, &mapper, read, &mut keys)?;
        }
    }
    desk.finish(keys)
}

/// The header of a CSV object; None for an object without a line.
fn header<R: Read>(
    splitter: &mut Splitter<R>,
    desk: &mut Desk<'_>,
    decoding: &Decoding<'_>,
    keys: &mut Keys,
) -> Result<Option<Header>> {
    let delimiter = decoding.source.delimiter;
    while let Some(record) = splitter.next(Ends::Row(delimiter))? {
        if !desk.skips(&record) {
            return Header::read(&record, delimiter, keys).map(Some);
        }
    }
    Ok(None)
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
