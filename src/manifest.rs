//! What the warehouse holds: decoded objects and the partitions made from them.
//!
//! The truth is a sequence of [`Commit`] records, numbered without gaps; a [`Manifest`] is their
//! sum. A commit names its data and the state of the inputs in one record, so neither can be there
//! without the other. Format and arithmetic only: reading and writing it is the sink's.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::accounting::Accounting;
use crate::error::{Error, ErrorKind, Result};
use crate::schema::Kind;

/// The version of the record's format.
pub const FORMAT: u32 = 1;

/// One change of the warehouse, written once and never again.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Commit {
    pub format: u32,
    /// 1 for the first.
    pub generation: u64,
    pub run_id: String,
    /// RFC 3339, UTC.
    pub created_at: String,
    pub program_version: String,
    /// Of the key that pseudonymises users; all commits of a warehouse share one.
    pub user_key: String,
    /// Objects decoded; each replaces what the same (source, key) held before.
    #[serde(default)]
    pub objects: Vec<DecodedObject>,
    /// Partitions built; each replaces the same (table, date).
    #[serde(default)]
    pub partitions: Vec<Partition>,
}

/// A raw object and the immutable files its records went to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecodedObject {
    pub source: String,
    pub kind: Kind,
    pub key: String,
    pub etag: String,
    pub size: u64,
    /// The date in the object's name.
    pub path_date: Option<NaiveDate>,
    /// Hash of the object's identity and of every setting that decides how it is read.
    pub decoding: String,
    pub files: Vec<DecodedFile>,
    pub accounting: Accounting,
    /// Newest accepted event, UTC microseconds.
    pub newest_ts_us: Option<i64>,
    /// Events were refused for lying in the future; worth another look from this instant on.
    pub retry_from_us: Option<i64>,
    /// Where the quarantined records are described, relative to the warehouse.
    pub quarantine: Option<String>,
}

/// The rows of one object for one local day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecodedFile {
    pub date: NaiveDate,
    /// Relative to the warehouse.
    pub path: String,
    pub rows: u64,
    pub bytes: u64,
}

/// One model's rows for one day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partition {
    pub table: String,
    pub date: NaiveDate,
    /// The immutable object that holds the rows, relative to the warehouse.
    pub object: String,
    /// The rows of other dates before this partition's in the object; None where the object holds
    /// this partition alone and no column `date`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_row: Option<u64>,
    pub rows: u64,
    /// Of the object.
    pub bytes: u64,
    /// Hash of schema and rows in the order of the grain.
    pub content: String,
    /// Hash of the definition it was built with.
    pub definition: String,
    /// Hash of everything it was built from.
    pub fingerprint: String,
    /// Also readable under its fixed public name.
    pub published: bool,
}

/// The warehouse's state: the sum of all commits.
#[derive(Debug, Clone, Default)]
pub struct Manifest {
    /// Of the newest commit; 0 for an empty warehouse.
    pub generation: u64,
    pub user_key: Option<String>,
    /// By (source, key).
    pub objects: BTreeMap<(String, String), DecodedObject>,
    /// By table, then date.
    pub partitions: BTreeMap<String, BTreeMap<NaiveDate, Partition>>,
}

impl Manifest {
    /// Adds the next commit.
    ///
    /// # Errors
    /// Corrupt: a format this program does not know, or a gap in the numbers.
    pub fn apply(&mut self, commit: Commit) -> Result<()> {
        if commit.format != FORMAT {
            return Err(Error::new(ErrorKind::Corrupt, "a commit record of another format")
                .context("generation", commit.generation)
                .context("format", commit.format)
                .remedy("use the program version that wrote the warehouse, or a newer one"));
        }
        if commit.generation != self.generation + 1 {
            return Err(Error::new(ErrorKind::Corrupt, "a commit record is missing")
                .context("expected generation", self.generation + 1)
                .context("found", commit.generation)
                .remedy("restore the deleted file under _chatkpi/log/, or start a new warehouse"));
        }
        self.generation = commit.generation;
        self.user_key.get_or_insert(commit.user_key);
        for object in commit.objects {
            self.objects.insert((object.source.clone(), object.key.clone()), object);
        }
        for partition in commit.partitions {
            let days = self.partitions.entry(partition.table.clone()).or_default();
            days.insert(partition.date, partition);
        }
        Ok(())
    }

    pub fn partition(&self, table: &str, date: NaiveDate) -> Option<&Partition> {
        self.partitions.get(table)?.get(&date)
    }

    /// The decoded files of one kind for one local day, in an order that does not depend on when
    /// they were decoded.
    pub fn files(
        &self,
        kind: Kind,
        date: NaiveDate,
    ) -> impl Iterator<Item = (&DecodedObject, &DecodedFile)> {
        self.objects
            .values()
            .filter(move |object| object.kind.table() == kind)
            .flat_map(|object| object.files.iter().map(move |file| (object, file)))
            .filter(move |(_, file)| file.date == date)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(generation: u64) -> Commit {
        Commit {
            format: FORMAT,
            generation,
            run_id: "r".into(),
            created_at: "2026-01-01T00:00:00Z".into(),
            program_version: "0".into(),
            user_key: "k".into(),
            objects: Vec::new(),
            partitions: Vec::new(),
        }
    }

    #[test]
    fn a_gap_in_the_log_is_corruption() {
        let mut manifest = Manifest::default();
        manifest.apply(commit(1)).unwrap();
        let error = manifest.apply(commit(3)).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Corrupt);
        assert!(error.to_string().contains("expected generation: 2"));
    }

    #[test]
    fn a_record_of_another_format_is_refused() {
        let mut manifest = Manifest::default();
        let error = manifest.apply(Commit { format: 2, ..commit(1) }).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Corrupt);
    }
}
