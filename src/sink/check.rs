//! Holding everything that is stored to what the commits say of it.
//!
//! Reads every public file and every object of the tables, and changes nothing. Promises: a file
//! that is missing, damaged, replaced or added beside ours is found. Leaves out: whether the numbers
//! are right, and the bytes of decoded logs, of which only the size is known.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::verify::content_of;
use super::{log, public, public_key};
use crate::error::Result;
use crate::manifest::{Commit, Manifest, Partition, Stamp};
use crate::storage::Store;

/// What was looked at and what is wrong with it.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Checked {
    pub generation: u64,
    /// Public files.
    pub published: usize,
    /// Objects of tables and of decoded logs.
    pub objects: usize,
    /// Public files that the next run will replace: a commit's publishing was interrupted.
    pub pending: usize,
    pub findings: Vec<Finding>,
}

/// Something that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    pub object: String,
    pub problem: String,
}

/// Looks at everything.
///
/// # Errors
/// Corrupt where the log itself cannot be read; whatever reading meets.
pub fn check(store: &Store) -> Result<Checked> {
    let log::Replay { manifest, unfinished, .. } = log::replay(store)?;
    let listed = log::listed(store, "")?;
    let sizes: BTreeMap<&str, u64> = listed.iter().map(|o| (o.key.as_str(), o.size)).collect();
    let mut checked = Checked { generation: manifest.generation, ..Checked::default() };
    let mut expected = BTreeSet::new();
    let mut last = None;
    for partition in manifest.partitions.values().flat_map(|days| days.values()) {
        let problem = size_problem(&sizes, &partition.object, partition.bytes);
        checked.object(store, &partition.object, problem);
        if partition.published {
            expected.insert(public_key(partition));
            check_public(store, &manifest, &unfinished, partition, &mut checked)?;
        } else {
            check_internal(store, partition, &mut last, &mut checked)?;
        }
    }
    for (_, file) in manifest.objects.values().flat_map(|object| object.tables()) {
        checked.object(store, &file.path, size_problem(&sizes, &file.path, file.bytes));
    }
    // What lies beside our files is read with them.
    let tables: BTreeSet<&str> =
        expected.iter().filter_map(|key| key.split_once('/').map(|(table, _)| table)).collect();
    let is_in_table = |key: &str| key.split_once('/').is_some_and(|(t, _)| tables.contains(t));
    for object in listed.iter().filter(|o| is_in_table(&o.key) && !expected.contains(&o.key)) {
        checked.find(store, &object.key, "no commit published it, and readers would read it");
    }
    Ok(checked)
}

impl Checked {
    fn object(&mut self, store: &Store, key: &str, problem: Option<String>) {
        self.objects += 1;
        if let Some(problem) = problem {
            self.find(store, key, &problem);
        }
    }

    fn find(&mut self, store: &Store, key: &str, problem: &str) {
        self.findings.push(Finding { object: store.url(key), problem: problem.to_owned() });
    }
}

fn size_problem(sizes: &BTreeMap<&str, u64>, key: &str, bytes: u64) -> Option<String> {
    match sizes.get(key) {
        None => Some("it is gone".to_owned()),
        Some(found) if *found == bytes => None,
        Some(found) => Some(format!("it has {found} bytes instead of {bytes}")),
    }
}

fn check_public(
    store: &Store,
    manifest: &Manifest,
    unfinished: &[Commit],
    partition: &Partition,
    checked: &mut Checked,
) -> Result<()> {
    checked.published += 1;
    let key = public_key(partition);
    let stamp = manifest.stamp(&partition.table, partition.date);
    let is_same =
        |s: &&crate::manifest::Shown| s.table == partition.table && s.date == partition.date;
    let waits_for = unfinished.iter().flat_map(|c| &c.shows).rfind(is_same);
    let Some(bytes) = store.read_if_exists(&key)? else {
        match waits_for {
            Some(shown) if shown.was.is_none() => checked.pending += 1,
            _ => checked.find(store, &key, "it is gone"),
        }
        return Ok(());
    };
    let Some(found) = public::read_stamp(&bytes) else {
        checked.find(store, &key, "it is not a file that this program published");
        return Ok(());
    };
    let is_pending = waits_for.is_some_and(|shown| shown.was.as_ref() == Some(&found));
    let Stamp { generation, content } = &found;
    match content_of(&bytes, None) {
        None => checked.find(store, &key, "it cannot be read"),
        Some((_, sum)) if sum != *content => checked.find(store, &key, "its rows were changed"),
        Some(_) if Some(&found) == stamp.as_ref() => {}
        Some(_) if is_pending => checked.pending += 1,
        // A run has committed and published since this began.
        Some(_) if *generation > manifest.generation && log::is_committed(store, *generation)? => {}
        Some(_) => checked.find(store, &key, "it is another version than the newest commit's"),
    }
    Ok(())
}

/// `last` is the object that was read last: partitions next to each other share one.
fn check_internal(
    store: &Store,
    partition: &Partition,
    last: &mut Option<(String, Bytes)>,
    checked: &mut Checked,
) -> Result<()> {
    if last.as_ref().is_none_or(|(key, _)| *key != partition.object) {
        let bytes = store.read_if_exists(&partition.object)?;
        *last = bytes.map(|bytes| (partition.object.clone(), bytes));
    }
    let Some((_, bytes)) = last else { return Ok(()) };
    let part = partition.first_row.map(|first| (first, partition.rows));
    let is_same = content_of(bytes, part)
        .is_some_and(|(rows, sum)| rows == partition.rows && sum == partition.content);
    if !is_same {
        checked.find(store, &partition.object, "its rows are not what was committed");
    }
    Ok(())
}
