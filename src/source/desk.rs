//! Where records are sorted into rows and quarantine, and counted.
//!
//! Every record that comes in ends in exactly one column of [`Accounting`]. Leaves out: how bytes
//! become values.

use std::borrow::Cow;

use bumpalo::Bump;

use super::keys::Keys;
use super::mapped::Mapper;
use super::privacy::Purpose;
use super::split::Record;
use super::stage::Stage;
use super::table::{Outcome, Place, Table};
use super::value::{Raw, Refusal};
use super::{Accounting, Bad, Decoded, Decoding, Quarantined, SLOTS};
use crate::error::{Error, Result};

/// Quarantined records that are listed one by one; the others are counted.
const LISTED: usize = 100_000;
/// Bytes of raw records that are kept for one object.
const KEPT_RAW: usize = 64 << 20;

pub(super) struct Desk<'d> {
    table: Table<'d>,
    /// Values for slots that a record leaves empty.
    defaults: Vec<(usize, &'d str)>,
    pub(super) accounting: Accounting,
    /// Events of mapped records so far: their order where they name none.
    events: i64,
    quarantine: Vec<Quarantined>,
    keep_raw: bool,
    kept_raw: usize,
    newest_ts_us: Option<i64>,
    retry_after_us: Option<i64>,
}

impl<'d> Desk<'d> {
    pub(super) fn new(decoding: &Decoding<'d>, stages: [Stage; 2]) -> Self {
        let names = Table::keys(decoding.source.kind);
        let default = |(name, text): (&'d String, &'d String)| {
            names.iter().position(|known| known == name).map(|slot| (slot, text.as_str()))
        };
        Desk {
            table: Table::new(decoding, stages),
            defaults: decoding.source.defaults.iter().filter_map(default).collect(),
            accounting: Accounting::default(),
            events: 0,
            quarantine: Vec::new(),
            keep_raw: decoding.keep_raw,
            kept_raw: 0,
            newest_ts_us: None,
            retry_after_us: None,
        }
    }

    /// Counts blank lines, which are records of nothing.
    pub(super) fn skips(&mut self, record: &Record<'_>) -> bool {
        let blank = record.is_blank();
        self.accounting.read += u64::from(blank);
        self.accounting.blank += u64::from(blank);
        blank
    }

    /// Counts a record that a mapping does not want.
    pub(super) fn leave_out(&mut self) {
        self.accounting.read += 1;
        self.accounting.filtered += 1;
    }

    /// Counts a batch, if it holds no records; otherwise they count and not it.
    pub(super) fn opened(&mut self, is_empty: bool) {
        self.accounting.read += u64::from(is_empty);
        self.accounting.empty += u64::from(is_empty);
    }

    /// Takes a record that is one event.
    pub(super) fn take<'r>(
        &mut self,
        record: &Record<'r>,
        raws: &mut [Raw<'r>; SLOTS],
        read: std::result::Result<(), Bad>,
        keys: &mut Keys,
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
        self.fill(raws);
        let bytes = record.bytes.trim_ascii();
        let place = Place { record: bytes, offset: record.offset as i64, position, element: 0 };
        match self.table.take(raws, place)? {
            Outcome::Refused(refusal) => self.refuse_event(record, refusal),
            outcome => {
                self.accounting.decoded += 1;
                self.count(outcome);
                keys.count();
            }
        }
        Ok(())
    }

    /// Takes a record that may hold any number of events: all of them, or none if one is wrong.
    pub(super) fn take_mapped<'r>(
        &mut self,
        record: &Record<'r>,
        mapper: &Mapper<'d>,
        read: std::result::Result<Cow<'r, str>, Bad>,
        keys: &mut Keys,
    ) -> Result<()> {
        self.accounting.read += 1;
        let text = match read {
            Ok(text) => text,
            Err(bad) => {
                self.refuse(record, bad);
                return Ok(());
            }
        };
        if !mapper.keeps(&text) {
            self.accounting.filtered += 1;
            return Ok(());
        }
        let made = Bump::new();
        let (mut events, mut refused) = (Vec::new(), None);
        let defaults = &self.defaults;
        let table = &mut self.table;
        let whole = mapper.each_event(&text, &made, &mut |mut raws| {
            fill(defaults, &mut raws);
            match table.check(raws)? {
                Ok(event) => events.push(event),
                // Whether the record must be looked at again, only all of its events tell.
                Err(refusal) => return Ok(note(&mut refused, refusal)),
            }
            Ok(true)
        })?;
        if let Err(bad) = whole {
            self.refuse(record, bad);
            return Ok(());
        }
        let first = self.events;
        self.events += events.len() as i64;
        if let Some(refusal) = refused {
            self.refuse_event(record, refusal);
            return Ok(());
        }
        if events.is_empty() {
            self.accounting.empty += 1;
            return Ok(());
        }
        let (bytes, offset) = (record.bytes.trim_ascii(), record.offset as i64);
        for (element, event) in (0..).zip(&events) {
            let place = Place { record: bytes, offset, position: first + element, element };
            let outcome = self.table.put(event, place)?;
            self.count(outcome);
        }
        self.accounting.decoded += 1;
        keys.count();
        Ok(())
    }

    fn fill<'r>(&self, raws: &mut [Raw<'r>; SLOTS])
    where
        'd: 'r,
    {
        fill(&self.defaults, raws);
    }

    fn refuse_event(&mut self, record: &Record<'_>, refusal: Refusal) {
        self.retry_after_us = [self.retry_after_us, refusal.ahead_us].into_iter().flatten().min();
        let field = refusal.field.map(str::to_owned);
        self.refuse(record, Bad { reason: refusal.reason, field });
    }

    /// Counts one event of a decoded record.
    fn count(&mut self, outcome: Outcome) {
        let accounting = &mut self.accounting;
        accounting.emitted += 1;
        match outcome {
            Outcome::Kept { ts_us } => {
                accounting.kept += 1;
                self.newest_ts_us = self.newest_ts_us.max(ts_us);
            }
            Outcome::Test => accounting.test += 1,
            Outcome::OutOfWindow => accounting.out_of_window += 1,
            // Refused events do not get here; the identity would tell.
            Outcome::Refused(_) => (),
        }
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
        let hash = self.table.hasher.pseudonym(Purpose::Line, record.bytes);
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

    pub(super) fn finish(self, keys: Keys) -> Result<Decoded> {
        let mut accounting = self.accounting;
        accounting.unknown_fields = keys.unknown();
        accounting.check()?;
        let expected = accounting.kept + self.table.further_rows;
        let files = self.table.stage.finish()?;
        let written: u64 = files.iter().map(|file| file.rows).sum();
        if written != expected {
            let message = format!("{written} rows were written, not {expected}");
            return Err(Error::internal(message));
        }
        let test_files = self.table.tests.finish()?;
        Ok(Decoded {
            files,
            test_files,
            accounting,
            quarantine: self.quarantine,
            newest_ts_us: self.newest_ts_us,
            retry_after_us: self.retry_after_us,
            preview: self.table.preview,
        })
    }
}

/// Puts the source's defaults where a record says nothing.
fn fill<'r, 'd: 'r>(defaults: &[(usize, &'d str)], raws: &mut [Raw<'r>; SLOTS]) {
    for &(slot, text) in defaults {
        if matches!(raws[slot], Raw::Absent) {
            raws[slot] = Raw::Cell(text);
        }
    }
}

/// Keeps the first reason why a record is refused; its time comes when that of all its events has.
/// Gives whether the events after this one can still change anything.
fn note(refused: &mut Option<Refusal>, refusal: Refusal) -> bool {
    match refused {
        Some(first) => {
            let both = first.ahead_us.zip(refusal.ahead_us);
            first.ahead_us = both.map(|(a, b)| a.max(b));
            if refusal.ahead_us.is_none() {
                (first.reason, first.field) = (refusal.reason, refusal.field);
            }
        }
        None => *refused = Some(refusal),
    }
    refused.as_ref().is_some_and(|first| first.ahead_us.is_some())
}
