//! The published warehouse: written -> audited -> committed -> published.
//!
//! The log of commits under `_chatkpi/log/` is the truth; each record is created once, never
//! replaced. The files under `<table>/date=…/part-00000.parquet` are its visible copy, one object
//! for each (table, day), replaced atomically and only by a later commit's. A run that dies between
//! the two leaves a commit without its `done` marker; the next run publishes it before it does
//! anything else.
//! Leaves out: what to build, and how rows are made.

mod check;
mod log;
mod public;
#[cfg(test)]
pub(crate) mod tests;
mod vacuum;
mod verify;

pub use check::{Checked, Finding, check};
pub use vacuum::{Vacuumed, vacuum};
pub use verify::{Audited, verify};

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use bytes::Bytes;
use chrono::NaiveDate;

use crate::error::{Error, ErrorKind, Result};
use crate::interval::Every;
use crate::manifest::{Commit, Manifest, Partition, Shown, Stamp};
use crate::parallel;
use crate::plan::{Reason, Step, hash};
use crate::storage::{Lock, Store};

/// A warehouse as of its newest commit.
pub struct Warehouse {
    store: Store,
    manifest: Manifest,
    /// The generation of the newest checkpoint known.
    checkpoint: u64,
    /// Ends the names of objects, so that no two runs ever write the same one.
    run_id: String,
    /// Objects written at the same time.
    at_once: usize,
    /// Held while this process may write.
    _lock: Option<Lock>,
}

/// What a commit did to the visible tables.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Published {
    /// Objects written or replaced.
    pub replaced: usize,
    /// Partitions whose content was what it had been.
    pub unchanged: usize,
}

impl Warehouse {
    /// Opens for reading: `plan`, `status`.
    ///
    /// # Errors
    /// Corrupt where the log has gaps or cannot be read.
    pub fn read(store: Store) -> Result<Warehouse> {
        let log::Replay { manifest, checkpoint, .. } = log::replay(&store)?;
        Ok(Warehouse {
            store,
            manifest,
            checkpoint,
            run_id: String::new(),
            at_once: 1,
            _lock: None,
        })
    }

    /// Opens for writing, after finishing what an interrupted run had committed.
    ///
    /// # Errors
    /// Configuration where `user_key` is another key than the warehouse was made with, or the store
    /// does not keep conditions; corrupt where something else wrote a published object.
    pub fn write(
        store: Store,
        lock: Lock,
        user_key: &str,
        run_id: &str,
        at_once: usize,
    ) -> Result<Warehouse> {
        store.check_conditions()?;
        let log::Replay { manifest, unfinished, checkpoint } = log::replay(&store)?;
        if let Some(known) = &manifest.user_key
            && known != user_key
        {
            return Err(Error::config("the user key is not the one this warehouse was made with")
                .context("warehouse", known)
                .context("given", user_key)
                .remedy("give the old key back, or publish into a new warehouse: under another key every user would look new"));
        }
        let run_id = run_id.to_owned();
        let _lock = Some(lock);
        let warehouse = Warehouse { store, manifest, checkpoint, run_id, at_once, _lock };
        for commit in unfinished {
            tracing::info!(
                generation = commit.generation,
                "publishing what an interrupted run had committed"
            );
            warehouse.publish(&commit)?;
        }
        Ok(warehouse)
    }

    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The warehouse as it was after an earlier commit.
    ///
    /// # Errors
    /// Input where there was no such commit, or where objects of it have been removed since.
    pub fn manifest_at(&self, generation: u64) -> Result<Manifest> {
        let newest = self.manifest.generation;
        if generation == 0 || generation > newest {
            return Err(Error::new(
                ErrorKind::Input,
                format!("there is no generation {generation}"),
            )
            .context("newest", newest)
            .remedy("`chatkpi history` lists the commits"));
        }
        let manifest = log::replay_through(&self.store, generation)?;
        let stored = self.store.list("_chatkpi/obj/")?;
        let stored: BTreeSet<&str> = stored.iter().map(|object| object.key.as_str()).collect();
        let mut partitions = manifest.partitions.values().flat_map(|days| days.values());
        match partitions.find(|p| p.published && !stored.contains(p.object.as_str())) {
            None => Ok(manifest),
            Some(partition) => Err(Error::new(
                ErrorKind::Input,
                format!("generation {generation} is no longer whole"),
            )
            .context("gone", &partition.object)
            .remedy("`vacuum` has removed what later commits replaced; choose a later generation")),
        }
    }

    /// One commit of the log.
    ///
    /// # Errors
    /// Corrupt where it is missing or cannot be read.
    pub fn commit_record(&self, generation: u64) -> Result<Commit> {
        log::record(&self.store, generation)
    }

    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Stores the audited partitions of `step` under names of their content, invisible to readers,
    /// and returns their entries for the commit. What is stored already is not stored again.
    /// A forced build trusts only what it has read.
    pub fn stage(&self, audited: &[Audited], step: &Step) -> Result<Vec<Partition>> {
        let damaged = self.damaged(step)?;
        let known = |a: &Audited| {
            let known = self.manifest.partition(&a.table, a.date());
            known.filter(|p| p.content == a.content && !damaged.contains(&p.object))
        };
        let shared = audited.iter().any(|a| a.written.first_row.is_some());
        let all_known = audited.iter().all(|a| known(a).is_some());
        // With their dates, which such an object holds: a ledger's days have rows of equal content.
        let parts = audited.iter().flat_map(|a| [a.date().to_string(), a.content.clone()]);
        let parts: Vec<String> = parts.collect();
        let together = hash(parts.iter().map(String::as_str));
        let mut partitions = Vec::with_capacity(audited.len());
        let mut objects: BTreeMap<String, &Path> = BTreeMap::new();
        for (audited, build) in audited.iter().zip(&step.builds) {
            let (table, date) = (&audited.table, audited.date());
            let (content, run) = (&audited.content, &self.run_id);
            let mut partition = Partition {
                table: table.clone(),
                date,
                object: match shared {
                    true => format!("_chatkpi/obj/{table}/{together}-{run}.pq"),
                    false => format!("_chatkpi/obj/{table}/date={date}/{content}-{run}.pq"),
                },
                first_row: audited.written.first_row,
                rows: audited.rows(),
                bytes: audited.bytes,
                content: content.clone(),
                definition: build.definition.clone(),
                fingerprint: build.fingerprint.clone(),
                published: step.published,
            };
            match known(audited) {
                Some(old) if all_known || !shared => {
                    partition.object = old.object.clone();
                    partition.first_row = old.first_row;
                    partition.bytes = old.bytes;
                }
                _ => _ = objects.insert(partition.object.clone(), audited.path()),
            }
            partitions.push(partition);
        }
        let objects: Vec<(String, &Path)> = objects.into_iter().collect();
        parallel::side_by_side(self.at_once, objects.len(), |n| {
            self.store.put_file(&objects[n].0, objects[n].1)
        })?;
        Ok(partitions)
    }

    /// The objects of the step's forced partitions that are gone, or not what was committed.
    fn damaged(&self, step: &Step) -> Result<BTreeSet<String>> {
        let forced = step.builds.iter().filter(|build| build.reason == Reason::Forced);
        let known = forced.filter_map(|build| self.manifest.partition(&step.model, build.date));
        let mut damaged = BTreeSet::new();
        let mut read: Option<(&str, Option<Bytes>)> = None;
        for partition in known {
            let object = partition.object.as_str();
            if read.as_ref().is_none_or(|(last, _)| *last != object) {
                read = Some((object, self.store.read_if_exists(object)?));
            }
            let bytes = read.as_ref().and_then(|(_, bytes)| bytes.as_ref());
            let part = partition.first_row.map(|first| (first, partition.rows));
            let content = bytes.and_then(|bytes| verify::content_of(bytes, part));
            if content.is_none_or(|found| found != (partition.rows, partition.content.clone())) {
                damaged.insert(object.to_owned());
            }
        }
        Ok(damaged)
    }

    /// Puts public copies of these partitions back that are gone.
    ///
    /// # Errors
    /// Corrupt where something else lies in their place.
    pub fn restore(&self, partitions: impl Iterator<Item = (String, NaiveDate)>) -> Result<()> {
        for (table, date) in partitions {
            let owner = self.manifest.stamp(&table, date);
            let partition = self.manifest.partition(&table, date);
            let (Some(stamp), Some(partition)) = (owner, partition) else { continue };
            let program = env!("CARGO_PKG_VERSION");
            let is_later = |generation| self.is_later(generation);
            public::show(&self.store, partition, &stamp, Some(&stamp), program, is_later)?;
        }
        Ok(())
    }

    /// Whether another run committed `generation` after all that this log says of itself.
    fn is_later(&self, generation: u64) -> Result<bool> {
        Ok(generation > self.manifest.generation && log::is_committed(&self.store, generation)?)
    }

    /// Appends `commit` to the log, then makes it visible.
    ///
    /// # Errors
    /// Conflict where another run appended first: nothing of `commit` is visible then.
    pub fn commit(&mut self, mut commit: Commit) -> Result<Published> {
        commit.shows = self.manifest.changes(&commit);
        log::append(&self.store, &commit)?;
        self.manifest.apply(commit.clone())?;
        self.publish(&commit)?;
        if self.manifest.generation >= self.checkpoint + log::CHECKPOINT_EVERY {
            match log::write_checkpoint(&self.store, &self.manifest) {
                Ok(()) => self.checkpoint = self.manifest.generation,
                // It only saves time.
                Err(error) => tracing::warn!("no checkpoint was written: {error}"),
            }
        }
        let published = commit.partitions.iter().filter(|p| p.published).count();
        let replaced = commit.shows.len();
        Ok(Published { replaced, unchanged: published - replaced })
    }

    /// Copies what `commit` changed to its public names, unless a later commit already owns it.
    fn publish(&self, commit: &Commit) -> Result<()> {
        parallel::side_by_side(self.at_once, commit.shows.len(), |n| {
            self.show(commit, &commit.shows[n])
        })?;
        log::mark_done(&self.store, commit.generation)
    }

    fn show(&self, commit: &Commit, shown: &Shown) -> Result<()> {
        let owner = self.manifest.stamp(&shown.table, shown.date);
        let partition = self.manifest.partition(&shown.table, shown.date);
        let (Some(stamp), Some(partition)) = (owner, partition) else { return Ok(()) };
        if stamp.generation != commit.generation {
            return Ok(());
        }
        let (was, program) = (shown.was.as_ref(), &commit.program_version);
        let is_later = |generation| self.is_later(generation);
        let copied = public::show(&self.store, partition, &stamp, was, program, is_later)?;
        if copied == public::Copied::Superseded {
            let Stamp { generation, .. } = stamp;
            tracing::warn!(generation, "a later commit has replaced {}", public_key(partition));
        }
        Ok(())
    }
}

/// The name under which readers find a partition.
pub fn public_key(partition: &Partition) -> String {
    match partition.date {
        Every::ONCE => format!("{}/part-00000.parquet", partition.table),
        date => format!("{}/date={date}/part-00000.parquet", partition.table),
    }
}
