//! What the records of one object share on their way into a table.
//!
//! Holds the memories (days, pseudonyms) and the stage; `event` and `ledger` say what a record must
//! be. Leaves out: bytes and accounting.

use chrono_tz::Tz;
use xxhash_rust::xxh3::xxh3_64;

use super::days::Days;
use super::privacy::{Pseudonyms, Purpose, UserHasher};
use super::rows::Cell;
use super::stage::Stage;
use super::value::{Range, Raw, Refusal};
use super::{Decoding, SLOTS, event, ledger};
use crate::error::{Error, Result};
use crate::interval::day_number;
use crate::schema::Kind;

/// How many rows are shown to people.
const PREVIEW: usize = 3;

/// Where a record stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    /// Its bytes without white space around them.
    pub(super) record: &'a [u8],
    pub(super) offset: i64,
    /// 0-based among the object's records.
    pub(super) position: i64,
    /// 0-based among the record's events.
    pub(super) element: i64,
}

/// What became of one event.
#[derive(Debug)]
pub(super) enum Outcome {
    /// `ts_us` is None for kinds that happen on days, not at instants.
    Kept {
        ts_us: Option<i64>,
    },
    Test,
    OutOfWindow,
    Refused(Refusal),
}

/// An event that nothing is wrong with.
#[derive(Debug)]
pub(super) enum Checked<'r> {
    Event(Box<event::Event<'r>>),
    /// Of the other kinds, which are typed again: they come one to a record.
    Values(Box<[Raw<'r>; SLOTS]>),
}

/// The table that an object's records go into.
pub(super) struct Table<'d> {
    pub(super) kind: Kind,
    pub(super) source: &'d str,
    pub(super) object_key: &'d str,
    pub(super) naive_zone: Option<Tz>,
    pub(super) range: Range,
    /// Earlier days are out of the window; days since 1970.
    pub(super) start: Option<i32>,
    pub(super) hasher: &'d UserHasher,
    pub(super) users: Pseudonyms,
    pub(super) conversations: Pseudonyms,
    pub(super) leads: Pseudonyms,
    pub(super) days: Days,
    pub(super) scratch: Vec<u8>,
    pub(super) stage: Stage,
    /// Where events that are marked as tests go.
    pub(super) tests: Stage,
    /// Rows beside the first one of a record: a ledger's line has one for each day.
    pub(super) further_rows: u64,
    pub(super) preview: Vec<Vec<(String, String)>>,
    /// Rows are checked and not kept.
    pub(super) dry: bool,
}

impl<'d> Table<'d> {
    /// Of `stages` the second one takes tests.
    pub(super) fn new(decoding: &Decoding<'d>, [stage, tests]: [Stage; 2]) -> Self {
        Table {
            kind: decoding.source.kind,
            source: &decoding.source.name,
            object_key: decoding.object_key,
            naive_zone: decoding.source.naive_zone,
            range: Range { floor_us: decoding.history_floor_us, as_of_us: decoding.as_of_us },
            start: decoding.start.map(day_number),
            hasher: decoding.user_key,
            users: Pseudonyms::new(Purpose::User),
            conversations: Pseudonyms::new(Purpose::Conversation),
            leads: Pseudonyms::new(Purpose::Lead),
            days: Days::new(decoding.zone),
            scratch: Vec::new(),
            stage,
            tests,
            further_rows: 0,
            preview: Vec::new(),
            dry: false,
        }
    }

    /// The keys that feed a kind's columns.
    pub(super) fn keys(kind: Kind) -> &'static [&'static str] {
        match kind.table() {
            Kind::Contacts => ledger::CONTACT_KEYS,
            Kind::Costs => ledger::COST_KEYS,
            Kind::Probes => ledger::PROBE_KEYS,
            _ => event::KEYS,
        }
    }

    /// Types the values of one record and puts its row on stage.
    pub(super) fn take(&mut self, raws: &[Raw], place: Place) -> Result<Outcome> {
        match self.kind.table() {
            Kind::Contacts => ledger::take_contact(self, raws, place),
            Kind::Costs => ledger::take_cost(self, raws, place),
            Kind::Probes => ledger::take_probe(self, raws, place),
            _ => event::take(self, raws, place),
        }
    }

    /// Looks at the values of one event without writing anything.
    pub(super) fn check<'r>(
        &mut self,
        raws: [Raw<'r>; SLOTS],
    ) -> Result<std::result::Result<Checked<'r>, Refusal>> {
        if self.kind.table() == Kind::Events {
            return Ok(event::check(self, &raws).map(|event| Checked::Event(Box::new(event))));
        }
        self.dry = true;
        let place = Place { record: &[], offset: 0, position: 0, element: 0 };
        let outcome = self.take(&raws, place);
        self.dry = false;
        Ok(match outcome? {
            Outcome::Refused(refusal) => Err(refusal),
            _ => Ok(Checked::Values(Box::new(raws))),
        })
    }

    /// Puts the row of what was found right on stage.
    pub(super) fn put(&mut self, checked: &Checked, place: Place) -> Result<Outcome> {
        match checked {
            Checked::Event(event) => event::put(self, event, place),
            Checked::Values(raws) => self.take(raws.as_slice(), place),
        }
    }

    pub(super) fn push(&mut self, day: i32, cells: &[Cell]) -> Result<()> {
        if self.dry {
            return Ok(());
        }
        if self.preview.len() < PREVIEW {
            let shown = self.stage.columns().iter().zip(cells);
            self.preview.push(shown.map(|(c, cell)| (c.name.clone(), cell.show())).collect());
        }
        self.stage.push(day, cells)
    }

    /// The row of a test, which nobody is shown.
    pub(super) fn push_test(&mut self, day: i32, cells: &[Cell]) -> Result<()> {
        if self.dry { Ok(()) } else { self.tests.push(day, cells) }
    }

    /// A value that a check let through is missing: a bug, not a bad record.
    pub(super) fn lost<T>(what: &str) -> Result<T> {
        Err(Error::internal(format!("a record was accepted without {what}")))
    }
}

/// A hash of cells; equal rows have equal hashes.
pub(super) fn digest(scratch: &mut Vec<u8>, cells: &[Cell]) -> i64 {
    scratch.clear();
    cells.iter().for_each(|cell| cell.encode(scratch));
    xxh3_64(scratch).cast_signed()
}

/// Texts in a row, each with its length in front, so that no two lists are the same bytes.
pub(super) fn pieces<'s, const N: usize>(scratch: &'s mut Vec<u8>, texts: [&str; N]) -> &'s [u8] {
    scratch.clear();
    for text in texts {
        scratch.extend_from_slice(&(text.len() as u64).to_le_bytes());
        scratch.extend_from_slice(text.as_bytes());
    }
    scratch
}
