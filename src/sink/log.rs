//! The log of commits and what shortens reading it.
//!
//! Records are numbered without gaps and created once. Now and then the sum of all so far is
//! written beside them: a checkpoint, derived and optional, so that opening a warehouse of
//! thousands of commits reads a few dozen. Leaves out: publishing.

use bytes::Bytes;

use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{Checkpoint, Commit, FORMAT, Manifest};
use crate::storage::{Object, Put, Store};

const LOG: &str = "_chatkpi/log/";
const DONE: &str = "_chatkpi/done/";
pub(super) const CHECKPOINTS: &str = "_chatkpi/checkpoint/";

/// Commits between two checkpoints.
pub(super) const CHECKPOINT_EVERY: u64 = 32;

/// What the log says.
pub(super) struct Replay {
    pub manifest: Manifest,
    /// Committed, and not marked as fully published.
    pub unfinished: Vec<Commit>,
    /// The generation of the checkpoint that was used; 0 for none.
    pub checkpoint: u64,
}

/// The sum of the log.
///
/// # Errors
/// Corrupt where a record is missing or cannot be read.
pub(super) fn replay(store: &Store) -> Result<Replay> {
    replay_from(store, u64::MAX, u64::MAX)
}

/// The sum of the log up to generation `through`.
pub(super) fn replay_through(store: &Store, through: u64) -> Result<Manifest> {
    Ok(replay_from(store, through, through)?.manifest)
}

fn replay_from(store: &Store, newest_checkpoint: u64, through: u64) -> Result<Replay> {
    // In this order: whatever is done was in the log before.
    let done = generations(store, DONE)?;
    let log = generations(store, LOG)?;
    let newest = log.last().copied().unwrap_or(0);
    let mut checkpoints = generations(store, CHECKPOINTS)?;
    let promised = done.last().max(checkpoints.last()).copied().unwrap_or(0);
    if promised > newest {
        return Err(missing(promised));
    }
    checkpoints.retain(|generation| *generation <= newest_checkpoint);
    let mut manifest = Manifest::default();
    while let Some(generation) = checkpoints.pop() {
        if let Some(sum) = checkpoint(store, generation)? {
            manifest = sum;
            break;
        }
    }
    let checkpoint = manifest.generation;
    let mut unfinished = Vec::new();
    for generation in log.into_iter().filter(|generation| *generation <= through) {
        let is_done = done.binary_search(&generation).is_ok();
        if generation <= checkpoint && is_done {
            continue;
        }
        let commit = record(store, generation)?;
        if !is_done {
            unfinished.push(commit.clone());
        }
        if generation > checkpoint {
            manifest.apply(commit)?;
        }
    }
    Ok(Replay { manifest, unfinished, checkpoint })
}

/// One record of the log.
pub(super) fn record(store: &Store, generation: u64) -> Result<Commit> {
    let key = log_key(generation);
    let bytes = store.read_if_exists(&key)?.ok_or_else(|| missing(generation))?;
    serde_json::from_slice(&bytes).map_err(|e| {
        Error::new(ErrorKind::Corrupt, "a commit record cannot be read")
            .context("object", store.url(&key))
            .because(e)
    })
}

pub(super) fn is_committed(store: &Store, generation: u64) -> Result<bool> {
    Ok(store.read_tail(&log_key(generation), 1)?.is_some())
}

/// Adds `commit` to the log. It names its run, which no other run shares, so its bytes are its
/// own: where an answer is lost, reading the record tells whether it was ours that arrived.
///
/// # Errors
/// Conflict where another run appended first.
pub(super) fn append(store: &Store, commit: &Commit) -> Result<()> {
    let record = serde_json::to_vec(commit)
        .map_err(|e| Error::internal("a commit record cannot be written").because(e))?;
    match store.put_if_absent(&log_key(commit.generation), Bytes::from(record))? {
        Put::Created => Ok(()),
        Put::Exists => Err(Error::new(ErrorKind::Conflict, "another run committed first")
            .context("generation", commit.generation)
            .remedy("run again: the other run's work is kept and only the rest is done")),
    }
}

/// Notes that everything of a commit is published.
pub(super) fn mark_done(store: &Store, generation: u64) -> Result<()> {
    store.put_if_absent(&key(DONE, generation), Bytes::new()).map(drop)
}

/// Writes the sum of all commits so far.
pub(super) fn write_checkpoint(store: &Store, manifest: &Manifest) -> Result<()> {
    let json = serde_json::to_vec(&Checkpoint::from(manifest))
        .map_err(|e| Error::internal("a checkpoint cannot be written").because(e))?;
    store.put(&key(CHECKPOINTS, manifest.generation), Bytes::from(json))
}

/// None where it cannot be used: the log has it all.
fn checkpoint(store: &Store, generation: u64) -> Result<Option<Manifest>> {
    let Some(bytes) = store.read_if_exists(&key(CHECKPOINTS, generation))? else {
        return Ok(None);
    };
    let sum = serde_json::from_slice::<Checkpoint>(&bytes).ok();
    let sum = sum.filter(|sum| sum.format == FORMAT && sum.generation == generation);
    Ok(sum.map(Manifest::from))
}

/// The numbers of the objects of one of these folders, ascending.
pub(super) fn generations(store: &Store, folder: &str) -> Result<Vec<u64>> {
    let number = |object: Object| {
        object.key.strip_prefix(folder)?.strip_suffix(".json")?.parse::<u64>().ok()
    };
    let mut numbers: Vec<u64> = listed(store, folder)?.into_iter().filter_map(number).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// A warehouse that was never written to has no log.
pub(super) fn listed(store: &Store, prefix: &str) -> Result<Vec<Object>> {
    if store.exists() { store.list(prefix) } else { Ok(Vec::new()) }
}

pub(super) fn log_key(generation: u64) -> String {
    key(LOG, generation)
}

pub(super) fn key(folder: &str, generation: u64) -> String {
    format!("{folder}{generation:020}.json")
}

fn missing(generation: u64) -> Error {
    Error::new(ErrorKind::Corrupt, "a commit record is missing")
        .context("generation", generation)
        .remedy("restore the deleted file under _chatkpi/log/, or start a new warehouse")
}
