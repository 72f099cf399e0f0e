//! What each partition would be made of today, as one hash.
//!
//! A partition's fingerprint covers its model's definition, the fingerprints of every partition
//! within its reach, down to the decoded objects, and the watermark as far as it can still matter.
//! Equal fingerprints promise equal content, so nothing needs to be rebuilt.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use sha2::{Digest, Sha256};

use super::build::Facts;
use crate::interval::{Interval, day_end_us, plus};
use crate::manifest::Manifest;
use crate::model::catalog::{Catalog, Entry};
use crate::model::{Before, Read, Table};
use crate::pipeline::Pipeline;

/// Fingerprints of one table for every day of history.
#[derive(Debug, Clone, Default)]
pub struct Days {
    each: BTreeMap<NaiveDate, String>,
    /// Of all days up to and with the key.
    through: BTreeMap<NaiveDate, String>,
}

impl Days {
    pub fn get(&self, date: NaiveDate) -> &str {
        self.each.get(&date).map_or("", String::as_str)
    }

    fn push(&mut self, date: NaiveDate, fingerprint: String) {
        let before = self.through.last_key_value().map_or("", |(_, f)| f);
        self.through.insert(date, hash([before, fingerprint.as_str()]));
        self.each.insert(date, fingerprint);
    }

    /// Of all days before or on `date`.
    fn through(&self, date: NaiveDate) -> &str {
        self.through.range(..=date).next_back().map_or("", |(_, f)| f)
    }
}

/// Fingerprints of all tables, by name, for the days of `facts`.
pub fn all(
    pipeline: &Pipeline,
    catalog: &Catalog,
    manifest: &Manifest,
    facts: &Facts,
) -> BTreeMap<String, Days> {
    let mut known: BTreeMap<String, Days> = BTreeMap::new();
    for (kind, days) in leaves(manifest, facts.history) {
        known.insert(kind, days);
    }
    for entry in &catalog.models {
        known.insert(entry.model.name.clone(), Days::default());
        for date in facts.history.days() {
            let fingerprint = partition(pipeline, entry, date, facts, &known);
            if let Some(days) = known.get_mut(&entry.model.name) {
                days.push(date, fingerprint);
            }
        }
    }
    known
}

/// The decoded objects of each kind and day.
fn leaves(manifest: &Manifest, history: Interval) -> BTreeMap<String, Days> {
    let mut by_day: BTreeMap<&str, BTreeMap<NaiveDate, Vec<&str>>> = BTreeMap::new();
    for object in manifest.objects.values() {
        let days = by_day.entry(object.kind.table().name()).or_default();
        for file in &object.files {
            days.entry(file.date).or_default().push(&object.decoding);
        }
    }
    let mut leaves = BTreeMap::new();
    for (kind, mut objects) in by_day {
        let mut days = Days::default();
        for date in history.days() {
            let decodings = objects.entry(date).or_default();
            decodings.sort_unstable();
            days.push(date, hash(decodings.iter().copied()));
        }
        leaves.insert(kind.to_owned(), days);
    }
    leaves
}

fn partition(
    pipeline: &Pipeline,
    entry: &Entry,
    date: NaiveDate,
    facts: &Facts,
    known: &BTreeMap<String, Days>,
) -> String {
    let mut parts = vec![entry.definition.clone()];
    if entry.uses_watermark {
        // Later than this the watermark changes nothing, so history stays as it is.
        let timeout_days = pipeline.sessions.longest_timeout_us() / 86_400_000_000 + 1;
        let last = plus(date, i64::from(entry.model.horizon_days) + timeout_days);
        parts.push(facts.watermark_us.min(day_end_us(last, pipeline.zone)).to_string());
    }
    if entry.uses_history_start {
        parts.push(facts.history.start.to_string());
    }
    for read in &entry.model.reads {
        let Some(days) = known.get(read.table.name()) else { continue };
        if read.before == Before::All {
            parts.push(days.through(plus(date, i64::from(read.after))).to_owned());
        } else {
            parts.extend(reach(read, date, facts.history).days().map(|d| days.get(d).to_owned()));
        }
    }
    hash(parts.iter().map(String::as_str))
}

/// The days of `read` that the days of one partition need, within history.
pub fn reach(read: &Read, date: NaiveDate, history: Interval) -> Interval {
    reach_of(read, Interval::day(date), history)
}

/// The days of `read` that `days` need, within history.
pub fn reach_of(read: &Read, days: Interval, history: Interval) -> Interval {
    let start = match read.before {
        Before::All => history.start,
        Before::Days(n) => plus(days.start, -i64::from(n)),
    };
    // A model that reads its own past reads none of the days being built.
    let end = match (&read.table, read.after) {
        (Table::Model(_), -1) => days.start,
        (_, after) => plus(days.end, i64::from(after)),
    };
    Interval::new(start, end).intersect(history)
}

/// 128 bits of SHA-256 over parts that cannot run into each other.
pub fn hash<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    data_encoding::HEXLOWER.encode(&hash.finalize()[..16])
}
