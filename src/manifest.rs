//! What the warehouse holds: decoded objects and the partitions made from them.
//!
//! The truth is a sequence of [`Commit`] records, numbered without gaps; a [`Manifest`] is their
//! sum. A commit names its data and the state of the inputs in one record, so neither can be there
//! without the other. Format and arithmetic only: reading and writing it is the sink's.

use std::cmp::Reverse;
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
    /// Objects that are gone from their sources; the rows made of them go with them.
    #[serde(default)]
    pub removed: Vec<RemovedObject>,
    /// Partitions built; each replaces the same (table, date).
    #[serde(default)]
    pub partitions: Vec<Partition>,
    /// Of these the ones whose public copy changes.
    #[serde(default)]
    pub shows: Vec<Shown>,
}

/// The name of an object that its source no longer lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemovedObject {
    pub source: String,
    pub key: String,
}

/// A change of what readers see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shown {
    pub table: String,
    pub date: NaiveDate,
    /// What it replaces; None where there was nothing.
    pub was: Option<Stamp>,
}

/// Which version of a partition a public copy is. No two commits make the same one, so a copy's
/// bytes never come back once they were replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stamp {
    /// The commit that made this content visible.
    pub generation: u64,
    /// As in [`Partition::content`].
    pub content: String,
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
    /// Of events that are marked as tests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub test_files: Vec<DecodedFile>,
    pub accounting: Accounting,
    /// Newest accepted event, UTC microseconds.
    pub newest_ts_us: Option<i64>,
    /// Events were refused for lying in the future; worth another look from this instant on.
    pub retry_from_us: Option<i64>,
    /// Where the quarantined records are described, relative to the warehouse.
    pub quarantine: Option<String>,
}

impl DecodedObject {
    /// All its files, each with the decoded table that it is of.
    pub fn tables(&self) -> impl Iterator<Item = (Kind, &DecodedFile)> {
        let table = self.kind.table();
        let files = self.files.iter().map(move |file| (table, file));
        files.chain(self.test_files.iter().map(|file| (Kind::TestEvents, file)))
    }

    /// The local day of most of its rows, the first of equals; None without rows. What is counted by
    /// object alone is told of this day.
    pub fn main_day(&self) -> Option<NaiveDate> {
        let most = self.files.iter().max_by_key(|file| (file.rows, Reverse(file.date)));
        most.map(|file| file.date)
    }
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
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Manifest {
    /// Of the newest commit; 0 for an empty warehouse.
    pub generation: u64,
    pub user_key: Option<String>,
    /// By (source, key).
    pub objects: BTreeMap<(String, String), DecodedObject>,
    /// By table, then date.
    pub partitions: BTreeMap<String, BTreeMap<NaiveDate, Partition>>,
    /// How the public copies came to be as they are, by (table, date).
    pub shown: BTreeMap<(String, NaiveDate), Showing>,
}

/// The commit that made a public copy as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Showing {
    pub generation: u64,
    /// RFC 3339, UTC; when the commit's run began.
    pub at: String,
    /// Why it replaced another copy; None for the first one.
    pub restated: Option<Restated>,
}

/// Why readers see other rows than before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Restated {
    DefinitionChanged,
    InputsChanged,
    /// Of the same definition and inputs.
    BuiltAgain,
}

impl Restated {
    pub fn words(self) -> &'static str {
        match self {
            Restated::DefinitionChanged => "definition changed",
            Restated::InputsChanged => "inputs changed",
            Restated::BuiltAgain => "built again",
        }
    }

    fn by(before: &Partition, now: &Partition) -> Restated {
        match (before.definition == now.definition, before.fingerprint == now.fingerprint) {
            (false, _) => Restated::DefinitionChanged,
            (true, false) => Restated::InputsChanged,
            (true, true) => Restated::BuiltAgain,
        }
    }
}

/// A manifest as a list, from which it can be had without the commits before it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    pub format: u32,
    pub generation: u64,
    user_key: Option<String>,
    objects: Vec<DecodedObject>,
    partitions: Vec<Partition>,
    shown: Vec<(String, NaiveDate, Showing)>,
}

impl From<&Manifest> for Checkpoint {
    fn from(manifest: &Manifest) -> Self {
        let shown = manifest.shown.iter();
        let days = manifest.partitions.values();
        Checkpoint {
            format: FORMAT,
            generation: manifest.generation,
            user_key: manifest.user_key.clone(),
            objects: manifest.objects.values().cloned().collect(),
            partitions: days.flat_map(|days| days.values().cloned()).collect(),
            shown: shown.map(|((table, date), at)| (table.clone(), *date, at.clone())).collect(),
        }
    }
}

impl From<Checkpoint> for Manifest {
    fn from(checkpoint: Checkpoint) -> Self {
        let mut manifest = Manifest {
            generation: checkpoint.generation,
            user_key: checkpoint.user_key,
            ..Manifest::default()
        };
        checkpoint.objects.into_iter().for_each(|object| manifest.take_object(object));
        checkpoint.partitions.into_iter().for_each(|partition| manifest.take_partition(partition));
        let shown = checkpoint.shown.into_iter();
        manifest.shown = shown.map(|(table, date, at)| ((table, date), at)).collect();
        manifest
    }
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
        for name in commit.removed {
            self.objects.remove(&(name.source, name.key));
        }
        let shown =
            self.showings(commit.generation, commit.created_at, &commit.partitions, commit.shows);
        self.shown.extend(shown);
        commit.objects.into_iter().for_each(|object| self.take_object(object));
        commit.partitions.into_iter().for_each(|partition| self.take_partition(partition));
        Ok(())
    }

    /// What a commit that is not applied yet makes of the public copies in `shows`.
    fn showings(
        &self,
        generation: u64,
        at: String,
        partitions: &[Partition],
        shows: Vec<Shown>,
    ) -> Vec<((String, NaiveDate), Showing)> {
        let new: BTreeMap<_, _> =
            partitions.iter().map(|p| ((p.table.as_str(), p.date), p)).collect();
        let showing = |shown: Shown| {
            let before = shown.was.and_then(|_| self.partition(&shown.table, shown.date));
            let now = new.get(&(shown.table.as_str(), shown.date));
            let restated = before.zip(now).map(|(before, now)| Restated::by(before, now));
            ((shown.table, shown.date), Showing { generation, at: at.clone(), restated })
        };
        shows.into_iter().map(showing).collect()
    }

    /// What `commit` changes for readers: its published partitions whose content is new.
    pub fn changes(&self, commit: &Commit) -> Vec<Shown> {
        let published = commit.partitions.iter().filter(|p| p.published);
        let differs = published
            .filter(|p| self.stamp(&p.table, p.date).is_none_or(|was| was.content != p.content));
        let shown = |p: &Partition| Shown {
            table: p.table.clone(),
            date: p.date,
            was: self.stamp(&p.table, p.date),
        };
        differs.map(shown).collect()
    }

    /// The version that readers see; None where nothing was published.
    pub fn stamp(&self, table: &str, date: NaiveDate) -> Option<Stamp> {
        let generation = self.shown.get(&(table.to_owned(), date))?.generation;
        let partition = self.partition(table, date)?;
        Some(Stamp { generation, content: partition.content.clone() })
    }

    fn take_object(&mut self, object: DecodedObject) {
        self.objects.insert((object.source.clone(), object.key.clone()), object);
    }

    fn take_partition(&mut self, partition: Partition) {
        let days = self.partitions.entry(partition.table.clone()).or_default();
        days.insert(partition.date, partition);
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
        let of =
            |object| DecodedObject::tables(object).map(move |(table, file)| (object, table, file));
        self.objects
            .values()
            .flat_map(of)
            .filter(move |(_, table, file)| *table == kind && file.date == date)
            .map(|(object, _, file)| (object, file))
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
            removed: Vec::new(),
            partitions: Vec::new(),
            shows: Vec::new(),
        }
    }

    fn partition(content: &str) -> Partition {
        Partition {
            table: "t".into(),
            date: "2026-01-01".parse().unwrap(),
            object: "o".into(),
            first_row: None,
            rows: 1,
            bytes: 1,
            content: content.into(),
            definition: "d".into(),
            fingerprint: "f".into(),
            published: true,
        }
    }

    #[test]
    fn only_new_content_is_shown_and_a_checkpoint_is_the_sum_of_the_commits() {
        let mut manifest = Manifest::default();
        for (generation, content, shows) in [(1, "a", 1), (2, "a", 0), (3, "b", 1), (4, "a", 1)] {
            let mut next = Commit { partitions: vec![partition(content)], ..commit(generation) };
            next.shows = manifest.changes(&next);
            assert_eq!(next.shows.len(), shows, "generation {generation}");
            manifest.apply(next).unwrap();
        }
        let stamp = manifest.stamp("t", partition("a").date).unwrap();
        assert_eq!((stamp.generation, stamp.content.as_str()), (4, "a"), "not the first a again");
        let showing = Showing {
            generation: 4,
            at: "2026-01-01T00:00:00Z".into(),
            restated: Some(Restated::BuiltAgain),
        };
        assert_eq!(manifest.shown[&("t".to_owned(), stamp_date())], showing);
        let json = serde_json::to_string(&Checkpoint::from(&manifest)).unwrap();
        let back: Checkpoint = serde_json::from_str(&json).unwrap();
        assert_eq!(Manifest::from(back), manifest);
    }

    fn stamp_date() -> NaiveDate {
        partition("a").date
    }

    #[test]
    fn a_copy_that_replaces_another_says_why() {
        let mut manifest = Manifest::default();
        let steps = [
            ("a", "d1", "f1", None),
            ("b", "d1", "f2", Some(Restated::InputsChanged)),
            // Built anew to the same content: readers see no change.
            ("b", "d2", "f3", Some(Restated::InputsChanged)),
            ("c", "d3", "f4", Some(Restated::DefinitionChanged)),
            ("d", "d3", "f4", Some(Restated::BuiltAgain)),
        ];
        for (generation, (content, definition, fingerprint, why)) in (1..).zip(steps) {
            let (definition, fingerprint) = (definition.to_owned(), fingerprint.to_owned());
            let new = Partition { definition, fingerprint, ..partition(content) };
            let mut next = Commit { partitions: vec![new], ..commit(generation) };
            next.shows = manifest.changes(&next);
            manifest.apply(next).unwrap();
            let showing = &manifest.shown[&("t".to_owned(), stamp_date())];
            assert_eq!(showing.restated, why, "generation {generation}");
            assert_eq!(showing.generation, if generation == 3 { 2 } else { generation });
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
