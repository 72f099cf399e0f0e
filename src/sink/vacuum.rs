//! Removing what nothing refers to any more.
//!
//! Runs that failed leave objects behind, and so does every partition that is built anew. Nothing
//! that one of the newest generations refers to is removed, so that whoever reads by a manifest of
//! a moment ago finds its files; and nothing young, because a run stores first and commits later.
//! No two runs write the same name, so what is old and referred to by nothing stays so. Leaves out:
//! the log, the records of runs, and the public tables.

use std::collections::BTreeSet;

use super::log;
use crate::error::Result;
use crate::manifest::{DecodedObject, Partition};
use crate::storage::{Lock, Object, Store};

/// Whose objects stay.
const GENERATIONS: u64 = 7;
/// The newest checkpoints, one of which some reader may be about to read.
const CHECKPOINTS: usize = 3;

const FOLDERS: [&str; 3] = ["_chatkpi/obj/", "_chatkpi/decoded/", "_chatkpi/quarantine/"];

/// What was removed, or would be.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Vacuumed {
    pub removed: usize,
    pub bytes: u64,
    /// Referred to by nothing, and too young to be removed.
    pub young: usize,
}

/// Removes what was written before `before_us` (microseconds since 1970 UTC) and is referred to by
/// none of the newest generations. A dry run only counts.
///
/// # Errors
/// Corrupt where the log cannot be read: then nothing is removed.
pub fn vacuum(store: &Store, _lock: &Lock, before_us: i64, is_dry: bool) -> Result<Vacuumed> {
    let needed = needed(store)?;
    let mut idle: Vec<Object> = Vec::new();
    for folder in FOLDERS {
        let listed = log::listed(store, folder)?;
        idle.extend(listed.into_iter().filter(|object| !needed.contains(&object.key)));
    }
    let mut checkpoints = log::listed(store, log::CHECKPOINTS)?;
    checkpoints.truncate(checkpoints.len().saturating_sub(CHECKPOINTS));
    idle.extend(checkpoints);
    let mut vacuumed = Vacuumed::default();
    for object in idle {
        if object.modified_us >= before_us {
            vacuumed.young += 1;
            continue;
        }
        if !is_dry {
            store.delete(&object.key)?;
        }
        vacuumed.removed += 1;
        vacuumed.bytes += object.size;
    }
    Ok(vacuumed)
}

/// The keys that the newest generations refer to.
fn needed(store: &Store) -> Result<BTreeSet<String>> {
    let newest = log::replay(store)?.manifest;
    let oldest = newest.generation.saturating_sub(GENERATIONS - 1);
    let manifest = log::replay_through(store, oldest)?;
    let mut keys = BTreeSet::new();
    keys.extend(manifest.objects.values().flat_map(keys_of));
    keys.extend(manifest.partitions.values().flat_map(|days| days.values()).map(key_of));
    for generation in oldest + 1..=newest.generation {
        let commit = log::record(store, generation)?;
        keys.extend(commit.objects.iter().flat_map(keys_of));
        keys.extend(commit.partitions.iter().map(key_of));
    }
    Ok(keys)
}

fn keys_of(object: &DecodedObject) -> impl Iterator<Item = String> {
    object.tables().map(|(_, file)| file.path.clone()).chain(object.quarantine.clone())
}

fn key_of(partition: &Partition) -> String {
    partition.object.clone()
}
