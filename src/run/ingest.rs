//! Listing the sources and decoding what was not seen before.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::NaiveDate;

use super::measured::Measured;
use super::{Job, Report};
use crate::accounting::Accounting;
use crate::error::{Error, ErrorKind, Result, io_error};
use crate::interval::{Every, Interval, local_date, plus};
use crate::manifest::{DecodedFile, DecodedObject, Manifest};
use crate::parallel;
use crate::pipeline::{self, Pipeline, Source};
use crate::plan::{Days, ListedObject, hash};
use crate::schema::Kind;
use crate::sink::Warehouse;
use crate::source::{Decoded, Decoding, Quarantined, StagedFile, decode as decode_object};
use crate::storage::Store;

/// Increase when the decoder reads the same bytes differently: every object is then decoded again.
const DECODER_VERSION: &str = "4";
/// Objects whose decoding is committed together.
const BATCH: usize = 256;
/// R8: how far after as-of an event may lie.
const FUTURE_TOLERANCE_US: i64 = 3_600_000_000;
/// Fewer records say nothing about a source's quality.
const JUDGED_FROM: u64 = 1_000;
/// The reason of records that lie in the future.
const AHEAD: &str = "ts_out_of_range";

pub type Listing = Vec<ListedObject>;

/// The objects that the sources hold for the days in hand.
///
/// # Errors
/// Configuration where a folder or bucket does not exist; transient where storage does not answer.
pub fn list(job: &Job<'_>, manifest: &Manifest) -> Result<Listing> {
    let mut listing = Vec::new();
    for source in &job.pipeline.sources {
        let dates = path_dates(job, manifest, source);
        let newest = newest_path_date(job, source);
        let store = Store::open(&source.path.root, &job.storage)
            .map_err(|e| e.context("source", &source.name))?;
        let mut seen = BTreeMap::new();
        for prefix in source.path.prefixes(dates) {
            for object in store.list(&prefix).map_err(|e| e.context("source", &source.name))? {
                let Some(path_date) = source.path.matches(&object.key) else { continue };
                let outside = |(first, last)| path_date.is_some_and(|d| d < first || d > last);
                if dates.is_some_and(outside)
                    || path_date.zip(newest).is_some_and(|(d, last)| d > last)
                {
                    continue;
                }
                seen.insert(
                    object.key.clone(),
                    ListedObject {
                        source: source.name.clone(),
                        key: object.key,
                        etag: object.etag,
                        size: object.size,
                        path_date,
                    },
                );
            }
        }
        listing.extend(seen.into_values());
    }
    Ok(listing)
}

/// The dates in object names to list; None for all.
pub(super) fn path_dates(
    job: &Job<'_>,
    manifest: &Manifest,
    source: &Source,
) -> Option<(NaiveDate, NaiveDate)> {
    if job.full_scan || !source.path.has_date() {
        return None;
    }
    let days = match job.request.days {
        Days::These(days) => days,
        Days::CatchUp { .. } => {
            let newest = manifest
                .partitions
                .values()
                .flat_map(|days| days.values())
                .filter(|p| p.published && p.date != Every::ONCE)
                .map(|p| p.date)
                .max()?;
            let today = local_date(job.request.as_of_us, job.pipeline.zone);
            Interval::new(newest, plus(today, 1))
        }
    };
    let lookback = days.extend(job.lookback_days, 0);
    let (first, _) = pipeline::object_dates(source, job.pipeline.zone, lookback.start);
    let (_, last) = pipeline::object_dates(source, job.pipeline.zone, plus(lookback.end, -1));
    Some((first, last))
}

/// The last date in an object's name that there can be at `--as-of`; a full scan reads them all.
pub(super) fn newest_path_date(job: &Job<'_>, source: &Source) -> Option<NaiveDate> {
    let today = local_date(job.request.as_of_us, job.pipeline.zone);
    let last = pipeline::object_dates(source, job.pipeline.zone, today).1;
    // An explicit day is listed even where it lies ahead: what is there is then refused by record.
    let asked_for = matches!(job.request.days, Days::These(_));
    (!job.full_scan && !asked_for).then_some(last)
}

/// Objects whose bytes, or the settings that decide how they are read, were not seen before.
pub fn undecoded(job: &Job<'_>, manifest: &Manifest, listing: &Listing) -> Listing {
    let sources: BTreeMap<&str, &Source> =
        job.pipeline.sources.iter().map(|s| (s.name.as_str(), s)).collect();
    let is_new = |object: &&ListedObject| {
        let Some(source) = sources.get(object.source.as_str()) else { return false };
        let known = manifest.objects.get(&(object.source.clone(), object.key.clone()));
        known.is_none_or(|known| {
            known.decoding != decoding_id(job, source, object, known.retry_from_us)
                || known.retry_from_us.is_some_and(|from| job.request.as_of_us >= from)
        })
    };
    listing.iter().filter(is_new).cloned().collect()
}

/// Decodes every object not seen before and commits what came of it, in batches.
///
/// # Errors
/// Input where a source's share of quarantined records is over its limit or an object is cut short.
pub fn decode(
    job: &Job<'_>,
    warehouse: &mut Warehouse,
    listing: &Listing,
    report: &mut Report,
) -> Result<()> {
    let waiting = undecoded(job, warehouse.manifest(), listing);
    if waiting.is_empty() {
        return Ok(());
    }
    let stores = open_sources(job)?;
    let mut judged: BTreeMap<String, Accounting> = BTreeMap::new();
    job.progress.begin("decoding", waiting.len());
    for batch in waiting.chunks(BATCH) {
        job.check_time()?;
        let folder = job.temporary_folder()?;
        let objects = decode_batch(job, &stores, warehouse.store(), batch, folder.path())?;
        for object in &objects {
            *judged.entry(object.source.clone()).or_default() +=
                &judged_part(object, job.started_us);
        }
        if let Some((source, error)) = judge(job.pipeline, &judged) {
            return Err(match worst(&objects, source) {
                Some(key) => {
                    error.context("refused records of the worst object", warehouse.store().url(key))
                }
                None => error,
            });
        }
        for object in &objects {
            report.decoded(object);
        }
        let commit = report.commit(job, warehouse.manifest(), objects, Vec::new());
        warehouse.commit(commit)?;
    }
    job.progress.end();
    Ok(())
}

/// Three decoded rows and the count of objects, for `check`.
pub struct Preview {
    pub source: String,
    pub objects: usize,
    pub bytes: u64,
    pub first_object: Option<String>,
    pub accounting: Accounting,
    pub rows: Vec<Vec<(String, String)>>,
    /// The first records that were refused.
    pub refused: Vec<Quarantined>,
}

/// How many refused records are shown to people.
const SHOWN: usize = 3;

/// Decodes one object of each source without keeping anything.
pub fn preview(job: &Job<'_>, listing: &Listing) -> Result<Vec<Preview>> {
    let stores = open_sources(job)?;
    let mut previews = Vec::new();
    for source in &job.pipeline.sources {
        let own: Vec<_> = listing.iter().filter(|o| o.source == source.name).collect();
        let mut preview = Preview {
            source: source.name.clone(),
            objects: own.len(),
            bytes: own.iter().map(|o| o.size).sum(),
            first_object: own.first().map(|o| o.key.clone()),
            accounting: Accounting::default(),
            rows: Vec::new(),
            refused: Vec::new(),
        };
        if let (Some(object), Some(store)) = (own.first(), stores.get(&source.name)) {
            let folder = job.temporary_folder()?;
            let decoded = decode_one(job, source, store, object, folder.path())?;
            preview.accounting = decoded.accounting;
            preview.rows = decoded.preview;
            preview.refused = decoded.quarantine;
            preview.refused.truncate(SHOWN);
        }
        previews.push(preview);
    }
    Ok(previews)
}

fn open_sources(job: &Job<'_>) -> Result<BTreeMap<String, Store>> {
    let open = |s: &Source| Ok((s.name.clone(), Store::open(&s.path.root, &job.storage)?));
    job.pipeline.sources.iter().map(open).collect()
}

/// Decodes on several threads; the order of results is the order of `batch`.
fn decode_batch(
    job: &Job<'_>,
    stores: &BTreeMap<String, Store>,
    warehouse: &Store,
    batch: &[ListedObject],
    folder: &Path,
) -> Result<Vec<DecodedObject>> {
    parallel::side_by_side(job.threads, batch.len(), |index| {
        job.check_stop()?;
        let (object, folder) = (&batch[index], folder.join(index.to_string()));
        let decoded = decode_and_store(job, stores, warehouse, object, &folder);
        job.progress.step(&object.key);
        decoded
    })
}

fn decode_and_store(
    job: &Job<'_>,
    stores: &BTreeMap<String, Store>,
    warehouse: &Store,
    object: &ListedObject,
    folder: &Path,
) -> Result<DecodedObject> {
    let source = job.pipeline.sources.iter().find(|s| s.name == object.source);
    let (Some(source), Some(store)) = (source, stores.get(&object.source)) else {
        return Err(Error::internal("an object of no source").context("object", &object.key));
    };
    std::fs::create_dir_all(folder).map_err(|e| io_error(folder.display(), e))?;
    let decoded = decode_one(job, source, store, object, folder)?;
    decoded.accounting.check()?;
    // Refused as lying in the future: accepted once that is no more than the tolerance away.
    let retry_from_us = decoded.retry_after_us.map(|ts| ts - FUTURE_TOLERANCE_US);
    let id = decoding_id(job, source, object, retry_from_us);
    let keep = |table: Kind, staged: &[StagedFile]| {
        let keep_one = |file: &StagedFile| {
            // No two runs write the same name, so `vacuum` cannot take away what another run needs.
            let name = format!("{}/{id}/{}-{}.pq", table.name(), file.date, job.run_id);
            let path = format!("_chatkpi/decoded/{name}");
            warehouse.put_file(&path, &file.path)?;
            Ok(DecodedFile { date: file.date, path, rows: file.rows, bytes: file.bytes })
        };
        staged.iter().map(keep_one).collect::<Result<Vec<_>>>()
    };
    let files = keep(source.kind.table(), &decoded.files)?;
    let test_files = keep(Kind::TestEvents, &decoded.test_files)?;
    let quarantine =
        store_quarantine(warehouse, &format!("{id}-{}", job.run_id), &decoded.quarantine)?;
    std::fs::remove_dir_all(folder).map_err(|e| io_error(folder.display(), e))?;
    Ok(DecodedObject {
        source: source.name.clone(),
        kind: source.kind,
        key: object.key.clone(),
        etag: object.etag.clone(),
        size: object.size,
        path_date: object.path_date,
        decoding: id,
        files,
        test_files,
        accounting: decoded.accounting,
        newest_ts_us: decoded.newest_ts_us,
        retry_from_us,
        quarantine,
    })
}

fn decode_one(
    job: &Job<'_>,
    source: &Source,
    store: &Store,
    object: &ListedObject,
    folder: &Path,
) -> Result<Decoded> {
    let decoding = Decoding {
        source,
        zone: job.pipeline.zone,
        start: job.pipeline.start,
        history_floor_us: job.pipeline.history_floor_us,
        as_of_us: job.request.as_of_us,
        user_key: &job.user_key,
        object_key: &object.key,
        keep_raw: job.quarantine_raw,
    };
    let place =
        |e: Error| e.context("object", store.url(&object.key)).context("source", &source.name);
    let bytes = store.open_read(&object.key, &object.etag).map_err(place)?;
    decode_object(Measured::new(bytes, object.size), &decoding, folder).map_err(place)
}

/// Hash of the object's identity and of everything that decides what its bytes become. What as-of
/// decides is which events still lie in the future, and the first of those names them all.
fn decoding_id(
    job: &Job<'_>,
    source: &Source,
    object: &ListedObject,
    retry_from_us: Option<i64>,
) -> String {
    let settings = format!(
        "{:?} {:?} {:?} {} {:?} {:?} {:?} {:?} {}",
        source.kind,
        source.adapter,
        source.records,
        source.delimiter,
        source.naive_zone,
        source.defaults,
        job.pipeline.zone,
        job.pipeline.start,
        job.pipeline.history_floor_us,
    );
    let size = object.size.to_string();
    let retry = retry_from_us.map_or(String::new(), |us| us.to_string());
    hash([
        DECODER_VERSION,
        &object.source,
        &object.key,
        &object.etag,
        &size,
        &settings,
        job.user_key.fingerprint(),
        &retry,
    ])
}

/// One line of JSON for each quarantined record.
fn store_quarantine(
    warehouse: &Store,
    name: &str,
    records: &[Quarantined],
) -> Result<Option<String>> {
    if records.is_empty() {
        return Ok(None);
    }
    let mut lines = Vec::new();
    for record in records {
        serde_json::to_writer(&mut lines, record)
            .map_err(|e| Error::internal("a quarantined record cannot be described").because(e))?;
        lines.push(b'\n');
    }
    let packed = zstd::encode_all(lines.as_slice(), 3)
        .map_err(|e| Error::internal("the quarantine cannot be compressed").because(e))?;
    let key = format!("_chatkpi/quarantine/{name}.jsonl.zst");
    warehouse.put(&key, packed.into())?;
    Ok(Some(key))
}

/// The quarantined records of an object that are described one by one, in the order of the object.
///
/// # Errors
/// Corrupt where the description is not what a run writes; transient where storage does not answer.
pub fn quarantined(warehouse: &Store, object: &DecodedObject) -> Result<Vec<Quarantined>> {
    let Some(key) = &object.quarantine else { return Ok(Vec::new()) };
    let damaged = |error: Error| error.context("object", warehouse.url(key));
    let wrong =
        || Error::new(ErrorKind::Corrupt, "a description of quarantined records is damaged");
    let packed = warehouse.read(key)?;
    let lines = zstd::decode_all(&packed[..]).map_err(|e| damaged(wrong().because(e)))?;
    let records = serde_json::Deserializer::from_slice(&lines).into_iter::<Quarantined>();
    records.map(|record| record.map_err(|e| damaged(wrong().because(e)))).collect()
}

/// The records of an object that tell its source's quality. Those between `--as-of` and the real
/// now are not wrong: the run only pretends that they are not there yet.
fn judged_part(object: &DecodedObject, now_us: i64) -> Accounting {
    let mut part = object.accounting.clone();
    if object.retry_from_us.is_some_and(|from| from <= now_us) {
        let ahead = part.reasons.remove(AHEAD).unwrap_or(0);
        part.quarantined -= ahead;
        part.read -= ahead;
    }
    part
}

/// A source with too many refused records is broken; publishing what is left of it would lie.
fn judge<'a>(
    pipeline: &'a Pipeline,
    judged: &BTreeMap<String, Accounting>,
) -> Option<(&'a Source, Error)> {
    for source in &pipeline.sources {
        let Some(sum) = judged.get(&source.name) else { continue };
        let share = sum.quarantined as f64 / (sum.read - sum.blank).max(1) as f64;
        if sum.read < JUDGED_FROM || share <= source.quarantine_limit {
            continue;
        }
        let mut reasons: Vec<_> = sum.reasons.iter().collect();
        reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let told: Vec<_> = reasons.iter().take(5).map(|(r, n)| format!("{r} {n}")).collect();
        let error = Error::new(ErrorKind::Input, "too many records of a source cannot be read")
            .context("source", &source.name)
            .context("quarantined", format!("{} of {} records", sum.quarantined, sum.read - sum.blank))
            .context("limit", source.quarantine_limit)
            .context("reasons", told.join(", "))
            .remedy("look at the records; if they may be left out, raise the source's `quarantine_limit`");
        return Some((source, error));
    }
    None
}

/// Where the refused records of the source's object with most of them are listed.
fn worst<'a>(objects: &'a [DecodedObject], source: &Source) -> Option<&'a str> {
    let own = objects.iter().filter(|o| o.source == source.name);
    own.max_by_key(|o| o.accounting.quarantined)?.quarantine.as_deref()
}
