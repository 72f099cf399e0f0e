//! The published warehouse: written -> audited -> committed -> published.
//!
//! The log of commits under `_chatkpi/log/` is the truth; each record is created once, never
//! replaced. The files under `<table>/date=…/part-00000.parquet` are its visible copy, one object
//! for each (table, day), replaced atomically. A run that dies between the two leaves a commit
//! without its `done` marker; the next run publishes it before it does anything else.
//! Leaves out: what to build, and how rows are made.

mod verify;

pub use verify::{Audited, verify};

use bytes::Bytes;

use crate::error::{Error, ErrorKind, Result};
use crate::interval::Every;
use crate::manifest::{Commit, Manifest, Partition};
use crate::plan::{Step, hash};
use crate::storage::{Lock, Put, Store};

const LOG: &str = "_chatkpi/log/";
const DONE: &str = "_chatkpi/done/";

/// A warehouse as of its newest commit.
pub struct Warehouse {
    store: Store,
    manifest: Manifest,
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
        let (manifest, _) = replay(&store)?;
        Ok(Warehouse { store, manifest, _lock: None })
    }

    /// Opens for writing, after finishing what an interrupted run had committed.
    ///
    /// # Errors
    /// Conflict where another run holds the warehouse; configuration where `user_key` is another
    /// key than the warehouse was made with.
    pub fn write(store: Store, lock: Lock, user_key: &str) -> Result<Warehouse> {
        let (manifest, unfinished) = replay(&store)?;
        if let Some(known) = &manifest.user_key
            && known != user_key
        {
            return Err(Error::config("the user key is not the one this warehouse was made with")
                .context("warehouse", known)
                .context("given", user_key)
                .remedy("give the old key back, or publish into a new warehouse: under another key every user would look new"));
        }
        let warehouse = Warehouse { store, manifest, _lock: Some(lock) };
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

    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Stores the audited partitions of `step` under names of their content, invisible to readers,
    /// and returns their entries for the commit. What is stored already is not stored again.
    pub fn stage(&self, audited: &[Audited], step: &Step) -> Result<Vec<Partition>> {
        let known = |a: &Audited| {
            let known = self.manifest.partition(&a.table, a.date());
            known.filter(|p| p.content == a.content)
        };
        let shared = audited.iter().any(|a| a.written.first_row.is_some());
        let all_known = audited.iter().all(|a| known(a).is_some());
        let together = hash(audited.iter().map(|a| a.content.as_str()));
        let mut partitions = Vec::with_capacity(audited.len());
        for (audited, build) in audited.iter().zip(&step.builds) {
            let (table, date) = (&audited.table, audited.date());
            let mut partition = Partition {
                table: table.clone(),
                date,
                object: match shared {
                    true => format!("_chatkpi/obj/{table}/{together}.pq"),
                    false => format!("_chatkpi/obj/{table}/date={date}/{}.pq", audited.content),
                },
                first_row: audited.written.first_row,
                rows: audited.rows(),
                bytes: audited.bytes,
                content: audited.content.clone(),
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
                _ if shared && !partitions.is_empty() => {}
                _ => self.store.put_file(&partition.object, audited.path())?,
            }
            partitions.push(partition);
        }
        Ok(partitions)
    }

    /// Appends `commit` to the log, then makes it visible.
    ///
    /// # Errors
    /// Conflict where another run appended first: nothing of `commit` is visible then.
    pub fn commit(&mut self, commit: Commit) -> Result<Published> {
        let changed = changed(&self.manifest, &commit);
        let record = serde_json::to_vec(&commit)
            .map_err(|e| Error::internal("a commit record cannot be written").because(e))?;
        match self.store.put_if_absent(&log_key(commit.generation), Bytes::from(record))? {
            Put::Created => {}
            Put::Exists => {
                return Err(Error::new(ErrorKind::Conflict, "another run committed first")
                    .context("generation", commit.generation)
                    .remedy("run again: the other run's work is kept and only the rest is done"));
            }
        }
        self.manifest.apply(commit.clone())?;
        self.publish(&Commit { partitions: changed.clone(), ..commit.clone() })?;
        let published = commit.partitions.iter().filter(|p| p.published).count();
        Ok(Published { replaced: changed.len(), unchanged: published - changed.len() })
    }

    /// Copies what `commit` changed to its public names, unless a later commit already owns it.
    fn publish(&self, commit: &Commit) -> Result<()> {
        for partition in commit.partitions.iter().filter(|p| p.published) {
            let current = self.manifest.partition(&partition.table, partition.date);
            if current.is_some_and(|c| c.object == partition.object) {
                self.store.copy(&partition.object, &public_key(partition))?;
            }
        }
        self.store.put_if_absent(&done_key(commit.generation), Bytes::new())?;
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

/// Published partitions of `commit` whose content differs from what readers see.
fn changed(before: &Manifest, commit: &Commit) -> Vec<Partition> {
    let differs = |p: &&Partition| {
        p.published && before.partition(&p.table, p.date).is_none_or(|old| old.content != p.content)
    };
    commit.partitions.iter().filter(differs).cloned().collect()
}

fn log_key(generation: u64) -> String {
    format!("{LOG}{generation:020}.json")
}

fn done_key(generation: u64) -> String {
    format!("{DONE}{generation:020}.json")
}

/// The sum of the log, and the commits that were not fully published.
fn replay(store: &Store) -> Result<(Manifest, Vec<Commit>)> {
    let mut manifest = Manifest::default();
    let done: std::collections::BTreeSet<String> =
        listed(store, DONE)?.into_iter().map(|o| o.key).collect();
    let mut unfinished = Vec::new();
    for object in listed(store, LOG)? {
        let bytes = store.read(&object.key)?;
        let commit: Commit = serde_json::from_slice(&bytes).map_err(|e| {
            Error::new(ErrorKind::Corrupt, "a commit record cannot be read")
                .context("object", &object.key)
                .because(e)
        })?;
        if !done.contains(&done_key(commit.generation)) {
            unfinished.push(commit.clone());
        }
        manifest.apply(commit)?;
    }
    Ok((manifest, unfinished))
}

/// A warehouse that was never written to has no log.
fn listed(store: &Store, prefix: &str) -> Result<Vec<crate::storage::Object>> {
    if store.exists() { store.list(prefix) } else { Ok(Vec::new()) }
}
