//! The bookkeeping of decoding: every record and every event ends in exactly one column.
//!
//! Promises: [`Accounting::check`] proves the identities of an object, and they add up over objects.
//! Leaves out: duplicates, which only show when all objects of a day lie side by side.

use std::collections::BTreeMap;
use std::ops::{Add, AddAssign};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// What became of the records of one object, or of many.
///
/// Records: `read = decoded + filtered + empty + quarantined + blank`.
/// Events (rows of any kind): `emitted = kept + test + out_of_window`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Accounting {
    /// Lines of a JSONL object, blank ones too; records of a CSV object without its header.
    pub read: u64,
    /// Records that became at least one event.
    pub decoded: u64,
    /// Records that the source's own filter leaves out.
    pub filtered: u64,
    /// Records that are right and hold no event.
    pub empty: u64,
    /// Records that could not be read; `reasons` says why.
    pub quarantined: u64,
    /// Lines with nothing but white space.
    pub blank: u64,
    /// Events in the decoded records.
    pub emitted: u64,
    /// Events that were written.
    pub kept: u64,
    /// Events marked `is_test`.
    pub test: u64,
    /// Events of local days before the pipeline's start.
    pub out_of_window: u64,
    /// Byte order marks that were skipped.
    pub bom: u64,
    /// Quarantined records by reason.
    pub reasons: BTreeMap<String, u64>,
    /// Decoded records in which a key that no column reads had a value, by key.
    pub unknown_fields: BTreeMap<String, u64>,
}

impl Accounting {
    /// Proves the identities; a failure is a bug of the decoder.
    pub fn check(&self) -> Result<()> {
        let reasons: u64 = self.reasons.values().sum();
        let ended = self.decoded + self.filtered + self.empty + self.quarantined + self.blank;
        let sides = [
            ("records", self.read, ended),
            ("events", self.emitted, self.kept + self.test + self.out_of_window),
            ("quarantine", self.quarantined, reasons),
        ];
        for (what, whole, parts) in sides {
            if whole != parts {
                let message = format!("the accounting of {what} is off: {whole} are not {parts}");
                return Err(Error::internal(message));
            }
        }
        Ok(())
    }
}

impl AddAssign<&Accounting> for Accounting {
    fn add_assign(&mut self, other: &Accounting) {
        self.read += other.read;
        self.decoded += other.decoded;
        self.filtered += other.filtered;
        self.empty += other.empty;
        self.quarantined += other.quarantined;
        self.blank += other.blank;
        self.emitted += other.emitted;
        self.kept += other.kept;
        self.test += other.test;
        self.out_of_window += other.out_of_window;
        self.bom += other.bom;
        add_counts(&mut self.reasons, &other.reasons);
        add_counts(&mut self.unknown_fields, &other.unknown_fields);
    }
}

impl Add for Accounting {
    type Output = Accounting;

    fn add(mut self, other: Accounting) -> Accounting {
        self += &other;
        self
    }
}

/// A record that could not be read: where it is, what is wrong with it, and which one it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantined {
    /// Of the record's first byte, in the decompressed object.
    pub offset: u64,
    /// Of the record in bytes, without its line end.
    pub length: u64,
    /// 1-based line of the record's first byte.
    pub line: u64,
    /// A reason code, with the field after a colon where the code has one: `bad_type:score`.
    pub reason: String,
    /// The key that is wrong, where one is.
    pub field: Option<String>,
    /// Keyed hash of the raw record (of its first MiB if it is longer): the same bytes under the
    /// same key have the same hash, and nobody without the key can try out guesses.
    pub hash: String,
    /// The record itself, only on request; bytes that are not UTF-8 are replaced.
    pub raw: Option<String>,
}

fn add_counts(sums: &mut BTreeMap<String, u64>, more: &BTreeMap<String, u64>) {
    for (name, count) in more {
        match sums.get_mut(name) {
            Some(sum) => *sum += count,
            None => _ = sums.insert(name.clone(), *count),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_keep_the_identities_and_a_lost_record_is_found() {
        let one = Accounting {
            read: 3,
            decoded: 1,
            quarantined: 2,
            emitted: 1,
            kept: 1,
            reasons: BTreeMap::from([("not_json".to_owned(), 2)]),
            ..Accounting::default()
        };
        let two = one.clone() + one.clone();
        two.check().unwrap();
        assert_eq!((two.read, two.reasons["not_json"]), (6, 4));
        for broken in [
            Accounting { read: 4, ..one.clone() },
            Accounting { kept: 0, ..one.clone() },
            Accounting { reasons: BTreeMap::new(), ..one },
        ] {
            let error = broken.check().unwrap_err();
            assert_eq!(error.kind, crate::error::ErrorKind::Internal);
        }
    }
}
