//! From what is known to the list of partitions to build.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::fingerprint;
use super::reach::{Facts, reach, reached};
use super::{Build, Chunk, Days, Limits, ListedObject, MissingDay, Plan, Reason, Request, Step};
use crate::error::{Error, Result};
use crate::interval::{Every, Interval, local_date, plus, touching};
use crate::manifest::Manifest;
use crate::model::catalog::{Catalog, Entry};
use crate::model::query::Watermarks;
use crate::model::{Model, Table};
use crate::pipeline::Pipeline;
use crate::schema::Kind;

/// A chunk ends when it holds this many events, so that memory does not grow with a backfill.
const CHUNK_ROWS: u64 = 2_000_000;

/// Plans a run, given everything that was decoded so far and what the sources list now.
///
/// # Errors
/// Configuration: an unknown model in the request.
pub fn build(
    pipeline: &Pipeline,
    catalog: &Catalog,
    manifest: &Manifest,
    request: &Request,
    listed: &[ListedObject],
    undecoded: Vec<ListedObject>,
) -> Result<Plan> {
    build_within(pipeline, catalog, manifest, request, listed, undecoded, &Limits::default())
}

/// As [`build`], with parts of another size, and without some partitions.
///
/// # Errors
/// As [`build`].
pub fn build_within(
    pipeline: &Pipeline,
    catalog: &Catalog,
    manifest: &Manifest,
    request: &Request,
    listed: &[ListedObject],
    undecoded: Vec<ListedObject>,
    limits: &Limits,
) -> Result<Plan> {
    let wanted = wanted_models(catalog, request)?;
    let mut plan = Plan {
        requested: None,
        undecoded,
        removed: Vec::new(),
        missing: Vec::new(),
        facts: None,
        chunks: Vec::new(),
        up_to_date: 0,
        basis: String::new(),
    };
    let published = published_days(catalog, manifest);
    let span = published.first().copied().zip(published.last().copied());
    let Some((first_event, newest)) = event_days(manifest).or(span) else {
        if let Days::These(days) = request.days {
            plan.missing = missing_days(pipeline, manifest, listed, days);
            plan.missing.extend(beyond(pipeline, days, None));
        }
        return Ok(plan);
    };
    let first = first_event.min(first_compared(pipeline, manifest).unwrap_or(first_event));
    // What was published of days whose logs are gone has to be put right, too.
    let (first, newest_published) =
        span.map_or((first, newest), |(from, to)| (first.min(from), newest.max(to)));
    let asked = asked_days(pipeline, manifest, listed, request, first, newest);
    plan.missing = missing_days(pipeline, manifest, listed, asked);
    plan.missing.extend(beyond(pipeline, asked, Some(newest)));
    if plan.missing.is_empty() && asked.end <= first {
        plan.missing = absent(pipeline, asked.days());
    }
    let missing: BTreeSet<NaiveDate> = plan.missing.iter().map(|m| m.date).collect();
    let days: Vec<NaiveDate> =
        asked.days().filter(|d| *d >= first && !missing.contains(d)).collect();
    let last = days.last().copied().unwrap_or(newest).max(newest_published);
    let requested: BTreeSet<NaiveDate> = days.iter().copied().collect();
    let facts = Facts {
        published: &published | &requested,
        history: Interval::new(first, plus(last, 1)),
        first_event,
        watermarks: watermarks(pipeline, manifest, request.as_of_us),
        zone: pipeline.zone,
    };
    plan.requested = days.first().map(|&start| Interval::new(start, plus(last_of(&days), 1)));
    let fingerprints = fingerprint::all(pipeline, catalog, manifest, &facts, &requested);
    let force = request.force;
    let planner = Planner { catalog, manifest, facts, fingerprints, requested, force, limits };
    let targets = planner.targets(&wanted, &mut plan.up_to_date);
    plan.chunks = planner.chunks(targets);
    plan.facts = Some(planner.facts);
    Ok(plan)
}

/// Requested days of which a dated source has no object, after that source's first object.
pub fn missing_days(
    pipeline: &Pipeline,
    manifest: &Manifest,
    listed: &[ListedObject],
    days: Interval,
) -> Vec<MissingDay> {
    let mut missing = Vec::new();
    for source in &pipeline.sources {
        if source.kind != Kind::Events || source.empty_ok || !source.path.has_date() {
            continue;
        }
        let dates: BTreeSet<NaiveDate> = path_dates(manifest, listed, &source.name);
        for date in days.days() {
            let (from, to) = touching(date, pipeline.zone, source.path_zone);
            let mut path_date = from;
            while path_date <= to {
                let before_first = dates.first().is_some_and(|first| path_date < *first);
                if !before_first && !dates.contains(&path_date) {
                    missing.push(MissingDay { date, source: source.name.clone(), path_date });
                    break;
                }
                path_date = plus(path_date, 1);
            }
        }
    }
    missing.sort_by(|a, b| (a.date, &a.source).cmp(&(b.date, &b.source)));
    missing
}

/// Where no source has dates in its objects' names, days after the newest event.
fn beyond(pipeline: &Pipeline, days: Interval, newest: Option<NaiveDate>) -> Vec<MissingDay> {
    let mut events = pipeline.sources.iter().filter(|s| s.kind == Kind::Events);
    if events.any(|s| s.path.has_date()) {
        return Vec::new();
    }
    absent(pipeline, days.days().filter(|date| newest.is_none_or(|n| *date > n)))
}

/// `days` as missing days of the first source of events, unless one may be silent.
fn absent(pipeline: &Pipeline, days: impl Iterator<Item = NaiveDate>) -> Vec<MissingDay> {
    let mut events = pipeline.sources.iter().filter(|s| s.kind == Kind::Events);
    let Some(first) = events.clone().next().filter(|_| !events.any(|s| s.empty_ok)) else {
        return Vec::new();
    };
    days.map(|date| MissingDay { date, source: first.name.clone(), path_date: date }).collect()
}

fn path_dates(manifest: &Manifest, listed: &[ListedObject], source: &str) -> BTreeSet<NaiveDate> {
    let decoded = manifest.objects.values().filter(|o| o.source == source).map(|o| o.path_date);
    let seen = listed.iter().filter(|o| o.source == source).map(|o| o.path_date);
    decoded.chain(seen).flatten().collect()
}

/// The first and last local day with an accepted event.
fn event_days(manifest: &Manifest) -> Option<(NaiveDate, NaiveDate)> {
    let events = manifest.objects.values().filter(|o| o.kind.table() == Kind::Events);
    let dates = events.flat_map(|o| &o.files).map(|f| f.date);
    dates.fold(None, |span: Option<(NaiveDate, NaiveDate)>, date| {
        Some(span.map_or((date, date), |(a, b)| (a.min(date), b.max(date))))
    })
}

/// The days of the published tables of days.
fn published_days(catalog: &Catalog, manifest: &Manifest) -> BTreeSet<NaiveDate> {
    let daily =
        catalog.models.iter().filter(|e| e.model.is_published() && e.model.every == Every::Day);
    let partitions = daily.filter_map(|e| manifest.partitions.get(&e.model.name));
    partitions.flat_map(BTreeMap::keys).copied().collect()
}

/// The first day with a contact inside what a rollout compares with: where a bot is new, people
/// alone handled its services before there were any events.
fn first_compared(pipeline: &Pipeline, manifest: &Manifest) -> Option<NaiveDate> {
    let before = |r: &crate::pipeline::Rollout| plus(r.date, -i64::from(r.pre_days));
    let from = pipeline.rollouts.iter().map(before).min()?;
    let contacts = manifest.objects.values().filter(|o| o.kind.table() == Kind::Contacts);
    contacts.flat_map(|o| &o.files).map(|f| f.date).filter(|date| *date >= from).min()
}

/// The days asked for, before missing ones are taken out.
fn asked_days(
    pipeline: &Pipeline,
    manifest: &Manifest,
    listed: &[ListedObject],
    request: &Request,
    first: NaiveDate,
    newest: NaiveDate,
) -> Interval {
    match request.days {
        Days::These(days) => days,
        Days::CatchUp { include_today } => {
            // A day is over when its end has passed; the day of `as_of` itself is not.
            let today = local_date(request.as_of_us, pipeline.zone);
            let over = if include_today { today } else { plus(today, -1) };
            let last = last_logged(pipeline, manifest, listed).unwrap_or(newest).min(over);
            Interval::new(first, plus(last, 1))
        }
    }
}

/// The newest date in the names of event objects; None where names have no dates.
fn last_logged(
    pipeline: &Pipeline,
    manifest: &Manifest,
    listed: &[ListedObject],
) -> Option<NaiveDate> {
    let dated = pipeline.sources.iter().filter(|s| s.kind == Kind::Events && s.path.has_date());
    dated.filter_map(|s| path_dates(manifest, listed, &s.name).last().copied()).max()
}

/// The days from the first event to the last day of which there is an object: those that a run
/// without days would want to publish.
pub fn settled_days(pipeline: &Pipeline, manifest: &Manifest) -> Option<Interval> {
    let (first, newest) = event_days(manifest)?;
    let last = last_logged(pipeline, manifest, &[]).unwrap_or(newest);
    Some(Interval::new(first, plus(last, 1)))
}

/// R6: the smaller of as-of and the newest accepted event, unless sources say when they are
/// complete; and the same for each other kind that has a source marked `live`.
pub fn watermarks(pipeline: &Pipeline, manifest: &Manifest, as_of_us: i64) -> Watermarks {
    let live = pipeline.sources.iter().filter(|s| s.live && s.kind.table() != Kind::Events);
    let newest = |source: &crate::pipeline::Source| {
        let objects = manifest.objects.values().filter(|o| o.source == source.name);
        let known = objects.filter_map(|o| o.newest_ts_us).max();
        let promised = source.complete_after_us.map(|after| as_of_us - after);
        promised.or(known).map_or(i64::MIN, |us| us.min(as_of_us))
    };
    let mut live_us: BTreeMap<Kind, i64> = BTreeMap::new();
    for source in live {
        let bound = live_us.entry(source.kind.table()).or_insert(i64::MAX);
        *bound = newest(source).min(*bound);
    }
    Watermarks { events_us: events_watermark(pipeline, manifest, as_of_us), live_us }
}

fn events_watermark(pipeline: &Pipeline, manifest: &Manifest, as_of_us: i64) -> i64 {
    let is_event = |kind: Kind| kind.table() == Kind::Events;
    let events: Vec<_> = pipeline.sources.iter().filter(|s| is_event(s.kind)).collect();
    let promised = events.iter().filter_map(|s| s.complete_after_us).map(|after| as_of_us - after);
    let mut bound = promised.min().unwrap_or(as_of_us);
    if events.iter().any(|s| s.complete_after_us.is_none()) {
        let objects = manifest.objects.values().filter(|o| is_event(o.kind));
        bound = bound.min(objects.filter_map(|o| o.newest_ts_us).max().unwrap_or(as_of_us));
    }
    bound
}

/// # Errors
/// Configuration: the request names a table that is not published.
pub fn check_models(catalog: &Catalog, request: &Request) -> Result<()> {
    wanted_models(catalog, request).map(drop)
}

fn wanted_models<'a>(catalog: &'a Catalog, request: &Request) -> Result<Vec<&'a Entry>> {
    let published = catalog.models.iter().filter(|e| e.model.is_published());
    for name in &request.models {
        if !published.clone().any(|e| e.model.name == *name) {
            let names: Vec<_> = published.map(|e| e.model.name.as_str()).collect();
            return Err(Error::config(format!("there is no published table `{name}`"))
                .remedy(format!("choose from: {}", names.join(", "))));
        }
    }
    Ok(published.filter(|e| e.model.books().is_none() && request.names(&e.model.name)).collect())
}

fn last_of(days: &[NaiveDate]) -> NaiveDate {
    days.last().copied().unwrap_or_default()
}

struct Planner<'a> {
    catalog: &'a Catalog,
    manifest: &'a Manifest,
    facts: Facts,
    fingerprints: BTreeMap<String, fingerprint::Days>,
    requested: BTreeSet<NaiveDate>,
    force: bool,
    limits: &'a Limits,
}

impl Planner<'_> {
    fn fingerprint(&self, table: &str, date: NaiveDate) -> &str {
        self.fingerprints.get(table).map_or("", |days| days.get(date))
    }

    fn is_requested(&self, entry: &Entry, date: NaiveDate) -> bool {
        let days = entry.model.every.days(date);
        self.requested.range(days.start..days.end).next().is_some()
    }

    fn reason(&self, entry: &Entry, date: NaiveDate) -> Option<Reason> {
        let table = &entry.model.name;
        match self.manifest.partition(table, date) {
            None => Some(Reason::New),
            Some(p) if p.definition != entry.definition => Some(Reason::DefinitionChanged),
            Some(p) if p.fingerprint != self.fingerprint(table, date) => {
                Some(Reason::InputsChanged)
            }
            Some(_) if self.force && self.is_requested(entry, date) => Some(Reason::Forced),
            Some(_) => None,
        }
    }

    /// Stale published partitions, by the newest day they are made of: those of the requested days,
    /// and every published one whose cells would change.
    fn targets(&self, wanted: &[&Entry], up_to_date: &mut usize) -> BTreeMap<NaiveDate, Targets> {
        let mut targets: BTreeMap<NaiveDate, Targets> = BTreeMap::new();
        for entry in wanted {
            let every = entry.model.every;
            let history = self.facts.history;
            let published = self.manifest.partitions.get(&entry.model.name);
            let published = published.into_iter().flatten().map(|(date, _)| *date);
            let requested: BTreeSet<NaiveDate> =
                self.requested.iter().map(|date| every.start(*date)).collect();
            let mut dates: BTreeSet<NaiveDate> =
                published.filter(|d| !every.days(*d).intersect(history).is_empty()).collect();
            dates.extend(&requested);
            for date in dates {
                let is_left_out = self.limits.without.contains(&(entry.model.name.clone(), date));
                if is_left_out {
                    continue;
                }
                if self.reason(entry, date).is_some() {
                    let newest = plus(every.days(date).intersect(history).end, -1);
                    targets.entry(newest).or_default().push((entry.model.name.clone(), date));
                } else if requested.contains(&date) {
                    *up_to_date += 1;
                }
            }
        }
        targets
    }

    fn chunks(&self, targets: BTreeMap<NaiveDate, Targets>) -> Vec<Chunk> {
        let rows = self.rows_by_day();
        let mut done = BTreeSet::new();
        let mut chunks = Vec::new();
        let mut open: Vec<(NaiveDate, Targets)> = Vec::new();
        let mut open_rows = 0;
        for (date, partitions) in targets {
            let more = rows.get(&date).copied().unwrap_or(0);
            if !open.is_empty()
                && (open_rows + more > CHUNK_ROWS || open.len() >= self.limits.chunk_days)
            {
                chunks.push(self.chunk(&std::mem::take(&mut open), &mut done));
                open_rows = 0;
            }
            open_rows += more;
            open.push((date, partitions));
        }
        if !open.is_empty() {
            chunks.push(self.chunk(&open, &mut done));
        }
        chunks
    }

    fn rows_by_day(&self) -> BTreeMap<NaiveDate, u64> {
        let mut rows = BTreeMap::new();
        for object in self.manifest.objects.values() {
            for file in &object.files {
                *rows.entry(file.date).or_default() += file.rows;
            }
        }
        rows
    }

    /// The targets and every stale partition they read, directly or through others.
    fn chunk(
        &self,
        targets: &[(NaiveDate, Targets)],
        done: &mut BTreeSet<(String, NaiveDate)>,
    ) -> Chunk {
        let mut needed: BTreeMap<&str, BTreeSet<NaiveDate>> = BTreeMap::new();
        for (name, date) in targets.iter().flat_map(|(_, partitions)| partitions) {
            needed.entry(name).or_default().insert(*date);
        }
        for entry in self.catalog.models.iter().rev() {
            let name = entry.model.name.as_str();
            let mut dates = needed.remove(name).unwrap_or_default();
            if let (true, Some(last)) = (reads_itself(&entry.model), dates.last().copied()) {
                let past = Interval::new(self.facts.history.start, last);
                dates.extend(entry.model.every.starts(past));
            }
            dates.retain(|date| {
                !done.contains(&(name.to_owned(), *date)) && self.is_stale(entry, *date)
            });
            for read in &entry.model.reads {
                let Table::Model(upstream) = &read.table else { continue };
                if upstream == name {
                    continue;
                }
                let found = needed.entry(upstream).or_default();
                for run in entry.model.every.runs(dates.iter().copied()) {
                    let days = reach(entry, read, &run, &self.facts);
                    found.extend(reached(self.catalog, entry, &read.table, days, &self.facts));
                }
            }
            needed.insert(name, dates);
        }
        let mut steps = Vec::new();
        for entry in &self.catalog.models {
            let dates = needed.remove(entry.model.name.as_str()).unwrap_or_default();
            done.extend(dates.iter().map(|date| (entry.model.name.clone(), *date)));
            steps.extend(self.steps(entry, dates));
        }
        Chunk { steps }
    }

    /// To be built, unless it is a published partition that nobody asked for.
    fn is_stale(&self, entry: &Entry, date: NaiveDate) -> bool {
        !self.fingerprint(&entry.model.name, date).is_empty() && self.reason(entry, date).is_some()
    }

    /// One step for adjoining partitions. A state that is carried from period to period is built
    /// one partition after the other.
    fn steps(&self, entry: &Entry, dates: BTreeSet<NaiveDate>) -> Vec<Step> {
        let one_by_one = reads_itself(&entry.model) && entry.model.every != Every::Day;
        let runs = match one_by_one {
            true => dates.into_iter().map(|date| vec![date]).collect(),
            false => entry.model.every.runs(dates),
        };
        let build = |date: NaiveDate| Build {
            date,
            definition: entry.definition.clone(),
            fingerprint: self.fingerprint(&entry.model.name, date).to_owned(),
            reason: self.reason(entry, date).unwrap_or(Reason::Forced),
        };
        let step = |run: Vec<NaiveDate>| Step {
            model: entry.model.name.clone(),
            published: entry.model.is_published(),
            every: entry.model.every,
            builds: run.into_iter().map(build).collect(),
        };
        runs.into_iter().map(step).collect()
    }
}

/// Tables and the dates of their partitions.
type Targets = Vec<(String, NaiveDate)>;

fn reads_itself(model: &Model) -> bool {
    model.reads.iter().any(|r| matches!(&r.table, Table::Model(table) if *table == model.name))
}
