//! Objects that were decoded once and that their source no longer lists.
//!
//! Their rows are taken out, and with that the days made of them become stale. Only what a listing
//! covers can be missed: where objects are listed by date, older ones may have been put away long
//! ago. Promises: a source whose objects seem to be gone for the most part is an error and not an
//! empty warehouse, because that is what a wrong path or a missing permission looks like.

use super::ingest::{Listing, newest_path_date, path_dates};
use super::{Job, Report};
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{DecodedObject, Manifest, RemovedObject};
use crate::pipeline::Source;
use crate::sink::Warehouse;

/// The known objects that `listing` should hold and does not.
///
/// # Errors
/// Input where more than half of those of a source are gone, unless the job accepts that.
pub(super) fn vanished(
    job: &Job<'_>,
    manifest: &Manifest,
    listing: &Listing,
) -> Result<Vec<RemovedObject>> {
    let mut all = Vec::new();
    for source in job.pipeline.sources.iter().filter(|source| !source.keep_removed) {
        let covered: Vec<&DecodedObject> = covered(job, manifest, source).collect();
        let listed: std::collections::BTreeSet<&str> =
            listing.iter().filter(|o| o.source == source.name).map(|o| o.key.as_str()).collect();
        let gone: Vec<_> = covered.iter().filter(|o| !listed.contains(o.key.as_str())).collect();
        if gone.len() * 2 > covered.len() && !job.accept_removed {
            let first = gone.first().map_or("", |object| object.key.as_str());
            return Err(Error::new(ErrorKind::Input, "most of a source's objects are gone")
                .context("source", &source.name)
                .context("gone", format!("{} of {}, such as {first}", gone.len(), covered.len()))
                .context("listed", listed.len())
                .remedy("check the source's path and what the credentials may list; with --accept-removed what was made of these objects is taken out, with `keep_removed: true` in the source it stays"));
        }
        let name =
            |o: &&&DecodedObject| RemovedObject { source: source.name.clone(), key: o.key.clone() };
        all.extend(gone.iter().map(name));
    }
    Ok(all)
}

/// Takes them out of the warehouse.
pub(super) fn take_out(
    job: &Job<'_>,
    warehouse: &mut Warehouse,
    listing: &Listing,
    report: &mut Report,
) -> Result<()> {
    let removed = vanished(job, warehouse.manifest(), listing)?;
    let Some(first) = removed.first() else { return Ok(()) };
    report.warnings.push(format!(
        "{} objects are no longer listed, such as {} of source {}: what was made of them is taken out",
        removed.len(),
        first.key,
        first.source
    ));
    report.objects_removed += removed.len() as u64;
    let mut commit = report.commit(job, warehouse.manifest(), Vec::new(), Vec::new());
    commit.removed = removed;
    warehouse.commit(commit).map(drop)
}

/// The decoded objects of `source` that a listing for this job would show.
fn covered<'a>(
    job: &Job<'_>,
    manifest: &'a Manifest,
    source: &'a Source,
) -> impl Iterator<Item = &'a DecodedObject> {
    let dates = path_dates(job, manifest, source);
    let newest = newest_path_date(job, source);
    manifest.objects.values().filter(move |object| {
        let is_covered = match (dates, object.path_date) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some((first, last)), Some(date)) => first <= date && date <= last,
        };
        let is_ahead = object.path_date.zip(newest).is_some_and(|(date, last)| date > last);
        object.source == source.name && is_covered && !is_ahead
    })
}
