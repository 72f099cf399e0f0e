//! What each partition would be made of today, as one hash.
//!
//! A partition's fingerprint covers its model's definition, the fingerprints of every partition
//! within its reach, down to the decoded objects, and the watermark as far as it can still matter.
//! Equal fingerprints promise equal content, so nothing needs to be rebuilt.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use sha2::{Digest, Sha256};

use super::reach::{Facts, passed, reach, reached};
use super::{ListedObject, Plan};
use crate::interval::{Interval, day_end_us, plus};
use crate::manifest::{Manifest, Partition};
use crate::model::Before;
use crate::model::catalog::{Catalog, Entry};
use crate::pipeline::Pipeline;
use crate::schema::Kind;

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

    /// Of all partitions that begin on or before `date`.
    fn through(&self, date: NaiveDate) -> &str {
        self.through.range(..=date).next_back().map_or("", |(_, f)| f)
    }
}

/// Fingerprints of all tables, by name, for the days of `facts`. Published partitions that neither
/// exist nor are `requested` have none.
pub fn all(
    pipeline: &Pipeline,
    catalog: &Catalog,
    manifest: &Manifest,
    facts: &Facts,
    requested: &BTreeSet<NaiveDate>,
) -> BTreeMap<String, Days> {
    let mut known: BTreeMap<String, Days> = BTreeMap::new();
    for (kind, days) in leaves(manifest, facts.history) {
        known.insert(kind, days);
    }
    for entry in catalog.models.iter().filter(|entry| entry.model.books().is_none()) {
        let model = &entry.model;
        known.insert(model.name.clone(), Days::default());
        let asked: BTreeSet<NaiveDate> = requested.iter().map(|d| model.every.start(*d)).collect();
        for date in model.every.starts(facts.history) {
            let exists = asked.contains(&date) || manifest.partition(&model.name, date).is_some();
            if model.is_published() && !exists {
                continue;
            }
            let fingerprint = partition(pipeline, catalog, entry, date, facts, &known);
            if let Some(days) = known.get_mut(&entry.model.name) {
                days.push(date, fingerprint);
            }
        }
    }
    known
}

/// The days on which the staging model of `entry` holds what it would hold if it were built now.
pub fn current_days(
    pipeline: &Pipeline,
    catalog: &Catalog,
    manifest: &Manifest,
    facts: &Facts,
    entry: &Entry,
) -> BTreeSet<NaiveDate> {
    let inputs = leaves(manifest, facts.history);
    let partitions = manifest.partitions.get(&entry.model.name).into_iter().flatten();
    let is_current = |(date, held): &(&NaiveDate, &Partition)| {
        held.fingerprint == partition(pipeline, catalog, entry, **date, facts, &inputs)
    };
    partitions.filter(is_current).map(|(date, _)| *date).collect()
}

/// The decoded objects of each kind and day, also of days before history: a ledger's month may
/// begin before the first event.
fn leaves(manifest: &Manifest, history: Interval) -> BTreeMap<String, Days> {
    let mut by_day: BTreeMap<Kind, BTreeMap<NaiveDate, Vec<&str>>> = BTreeMap::new();
    // The first test must not make all other days look changed.
    by_day.entry(Kind::TestEvents).or_default();
    by_day.entry(Kind::UnknownFields).or_default();
    for object in manifest.objects.values() {
        by_day.entry(object.kind.table()).or_default();
        for (table, file) in object.tables() {
            let days = by_day.entry(table).or_default();
            days.entry(file.date).or_default().push(&object.decoding);
        }
        let named = object.main_day().filter(|_| !object.accounting.unknown_fields.is_empty());
        if let Some(date) = named {
            let days = by_day.entry(Kind::UnknownFields).or_default();
            days.entry(date).or_default().push(&object.decoding);
        }
    }
    let mut leaves = BTreeMap::new();
    for (kind, mut objects) in by_day {
        let mut days = Days::default();
        let first = objects.keys().next().copied().unwrap_or(history.start);
        for date in Interval::new(first.min(history.start), history.end).days() {
            let decodings = objects.entry(date).or_default();
            decodings.sort_unstable();
            days.push(date, hash(decodings.iter().copied()));
        }
        leaves.insert(kind.name().to_owned(), days);
    }
    leaves
}

fn partition(
    pipeline: &Pipeline,
    catalog: &Catalog,
    entry: &Entry,
    date: NaiveDate,
    facts: &Facts,
    known: &BTreeMap<String, Days>,
) -> String {
    let model = &entry.model;
    let mut parts = vec![entry.definition.clone()];
    if entry.uses_watermark {
        // Later than this the watermark changes nothing, so history stays as it is.
        let timeout_days = pipeline.longest_timeout_us() / 86_400_000_000 + 1;
        let last = plus(date, i64::from(model.horizon_days) + timeout_days);
        let watermark_us = facts.watermarks.of(&entry.inputs);
        parts.push(watermark_us.min(day_end_us(last, pipeline.zone)).to_string());
    }
    if entry.uses_history_start {
        parts.push(facts.first_event.to_string());
    }
    let span = model.every.days(date);
    parts.push(format!("{:?}", passed(&model.matures, span, facts, &entry.inputs)));
    if entry.tells_final {
        for table in &catalog.metrics {
            let waits: Vec<u32> = table.metrics.iter().map(|m| m.maturity_days).collect();
            parts.push(waited(&waits, span, facts, &table.inputs));
        }
    }
    for read in &model.reads {
        let Some(days) = known.get(read.table.name()) else { continue };
        let interval = reach(entry, read, &[date], facts);
        if read.before == Before::All {
            parts.push(days.through(plus(interval.end, -1)).to_owned());
        } else {
            let each = reached(catalog, entry, &read.table, interval, facts);
            parts.extend(each.into_iter().map(|d| days.get(d).to_owned()));
        }
    }
    hash(parts.iter().map(String::as_str))
}

/// Which of `waits`, days after the end of `span`, are over.
fn waited(waits: &[u32], span: Interval, facts: &Facts, inputs: &BTreeSet<Kind>) -> String {
    let over = |wait: &u32| passed(&[*wait], span, facts, inputs).is_some();
    let over: BTreeSet<u32> = waits.iter().copied().filter(|w| over(w)).collect();
    format!("{over:?}")
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

/// What a plan was made from and comes to: another value means that the world has moved, or that
/// another pipeline, other models or another program would carry it out.
pub fn basis(plan: &Plan, generation: u64, listed: &[ListedObject]) -> String {
    let mut parts = vec![generation.to_string()];
    for object in listed {
        parts.extend([object.source.clone(), object.key.clone(), object.etag.clone()]);
    }
    for object in &plan.undecoded {
        parts.push(format!("{} {}", object.source, object.key));
    }
    for (step, build) in plan.builds() {
        parts.extend([step.model.clone(), build.date.to_string(), build.definition.clone()]);
        parts.push(build.fingerprint.clone());
    }
    hash(parts.iter().map(String::as_str))
}
