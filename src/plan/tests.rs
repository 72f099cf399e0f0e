//! Plans over made-up manifests: no engine, no files.

use std::collections::BTreeSet;
use std::path::Path;

use chrono::NaiveDate;

use super::*;
use crate::accounting::Accounting;
use crate::interval::{day_end_us, plus};
use crate::manifest::{Commit, DecodedFile, DecodedObject, FORMAT, Manifest, Partition};
use crate::model::catalog::{Catalog, Entry, builtin};
use crate::model::{Layer, ModelText};
use crate::pipeline::Pipeline;
use crate::schema::Kind;

const FIRST: &str = "2026-03-01";

fn day(n: i64) -> NaiveDate {
    plus(FIRST.parse().unwrap(), n)
}

struct World {
    pipeline: Pipeline,
    catalog: Catalog,
    manifest: Manifest,
}

impl World {
    fn new() -> Self {
        World::with("")
    }

    fn with(settings: &str) -> Self {
        let text = "version: 1\nname: t\ntimezone: UTC\nwarehouse: ./w\n\
                    privacy: { user_key_env: KEY }\n\
                    sources:\n  - { name: bot, kind: events, adapter: canonical, path: \"{date}.jsonl\" }\n\
                    \x20 - { name: human, kind: contacts, adapter: canonical, path: \"{date}.csv\" }\n";
        let text = format!("{text}{settings}");
        let pipeline = crate::pipeline::compile(Path::new("t.yaml"), &text).unwrap();
        let mut texts = builtin();
        texts.extend(extra());
        let catalog = Catalog::build(&texts, &pipeline).unwrap();
        World { pipeline, catalog, manifest: Manifest::default() }
    }

    fn commit(&mut self, objects: Vec<DecodedObject>, partitions: Vec<Partition>) {
        let commit = Commit {
            format: FORMAT,
            generation: self.manifest.generation + 1,
            run_id: "r".into(),
            created_at: "2026-01-01T00:00:00Z".into(),
            program_version: "0".into(),
            user_key: "k".into(),
            objects,
            removed: Vec::new(),
            partitions,
            shows: Vec::new(),
        };
        self.manifest.apply(commit).unwrap();
    }

    /// An object of day `n` whose events all lie on day `on`.
    fn decode(&mut self, n: i64, on: i64, etag: &str) {
        self.decode_from("bot", Kind::Events, n, on, etag);
    }

    fn decode_from(&mut self, source: &str, kind: Kind, n: i64, on: i64, etag: &str) {
        let object = DecodedObject {
            source: source.into(),
            kind,
            key: format!("{}.jsonl", day(n)),
            etag: etag.into(),
            size: 1,
            path_date: Some(day(n)),
            decoding: format!("{n} {etag}"),
            files: vec![DecodedFile { date: day(on), path: String::new(), rows: 10, bytes: 1 }],
            test_files: Vec::new(),
            accounting: Accounting::default(),
            newest_ts_us: Some(day_end_us(day(on), self.pipeline.zone) - 1),
            retry_from_us: None,
            quarantine: None,
        };
        self.commit(vec![object], Vec::new());
    }

    fn plan(&self, days: Days) -> Plan {
        let as_of_us = day_end_us(day(400), self.pipeline.zone);
        let request = Request { days, as_of_us, force: false, models: Vec::new() };
        build(&self.pipeline, &self.catalog, &self.manifest, &request, &[], Vec::new()).unwrap()
    }

    /// Does what `plan` says, as an engine would that always writes the same rows.
    fn carry_out(&mut self, plan: &Plan) {
        for chunk in &plan.chunks {
            let partition = |step: &Step, build: &Build| Partition {
                table: step.model.clone(),
                date: build.date,
                object: "o".into(),
                first_row: None,
                rows: 1,
                bytes: 1,
                content: "c".into(),
                definition: build.definition.clone(),
                fingerprint: build.fingerprint.clone(),
                published: step.published,
            };
            let steps = chunk.steps.iter();
            let built = steps.flat_map(|s| s.builds.iter().map(move |b| partition(s, b)));
            let built = built.collect();
            self.commit(Vec::new(), built);
        }
    }

    fn settled(days: i64) -> World {
        let mut world = World::new();
        (0..days).for_each(|n| world.decode(n, n, "a"));
        let plan = world.plan(CATCH_UP);
        world.carry_out(&plan);
        world
    }
}

/// Models of every period: a state carried from month to month, what reads it, a week of a
/// published table, one table of all days, and one that waits for later days.
fn extra() -> Vec<ModelText> {
    let model = |layer, name: &str, keys: &str| ModelText {
        name: name.to_owned(),
        layer,
        folder: format!("models/{name}"),
        yaml: format!(
            "doc: d\ngrain: [cells]\ncolumns: [{{ name: cells, type: bigint, doc: d }}]\n{keys}\n"
        ),
        sql: "SELECT {{ from_day }} AS date, 1 AS cells FROM grouping_sets".to_owned(),
    };
    vec![
        model(
            Layer::Intermediate,
            "int_state",
            "every: month\nreads: [{ model: int_user_day, before: 31, after: -1 }, { model: int_state, before: 1, after: -1 }]",
        ),
        model(
            Layer::Mart,
            "fct_since",
            "reads: [{ model: int_state }, { model: int_user_day, before: month }]",
        ),
        model(
            Layer::Mart,
            "fct_week",
            "every: week\nreads: [{ model: kpi_daily, after: period }, { model: int_user_day, after: period }]",
        ),
        model(
            Layer::Mart,
            "dim_all",
            "every: once\nreads: [{ model: fct_outcome_daily, before: all, after: period }]",
        ),
        model(
            Layer::Mart,
            "fct_waits",
            "matures: [2, 8]\nreads: [{ model: int_sessions, after: matured }]",
        ),
    ]
}

const CATCH_UP: Days = Days::CatchUp { include_today: false };

fn days_of(plan: &Plan, table: &str) -> BTreeSet<NaiveDate> {
    plan.builds().filter(|(s, _)| s.model == table).map(|(_, b)| b.date).collect()
}

fn span(from: i64, to: i64) -> BTreeSet<NaiveDate> {
    (from..to).map(day).collect()
}

#[test]
fn a_plan_carried_out_leaves_nothing_to_do() {
    let world = World::settled(40);
    let again = world.plan(CATCH_UP);
    assert!(again.chunks.is_empty());
    let history = again.facts.unwrap().history;
    // Those about the warehouse itself are in no plan.
    let is_planned = |e: &&Entry| e.model.is_published() && e.model.books().is_none();
    let published = world.catalog.models.iter().filter(is_planned);
    let partitions: usize = published.map(|e| e.model.every.starts(history).len()).sum();
    assert_eq!(again.up_to_date, partitions);
}

#[test]
fn every_partition_is_built_once_and_after_what_it_reads() {
    let mut world = World::new();
    (0..100).for_each(|n| world.decode(n, n, "a"));
    let plan = world.plan(CATCH_UP);
    assert!(plan.chunks.len() > 1, "a hundred days are more than one chunk");
    let mut seen = BTreeSet::new();
    for (step, build) in plan.builds() {
        let entry = world.catalog.entry(&step.model).unwrap();
        for read in &entry.model.reads {
            let crate::model::Table::Model(table) = &read.table else { continue };
            let facts = plan.facts.as_ref().unwrap();
            let days = reach(entry, read, &[build.date], facts);
            let first = step.builds[0].date;
            let dates = reached(&world.catalog, entry, &read.table, days, facts).into_iter();
            for date in dates.filter(|d| *table != step.model || *d < first) {
                assert!(
                    seen.contains(&(table.clone(), date)),
                    "{} {} reads {table} {date}",
                    step.model,
                    build.date
                );
            }
        }
        assert!(
            seen.insert((step.model.clone(), build.date)),
            "{} {} twice",
            step.model,
            build.date
        );
    }
    assert_eq!(days_of(&plan, "kpi_daily"), span(0, 100));
}

#[test]
fn partitions_built_together_read_the_days_between_of_others_and_their_own_past() {
    let world = World::settled(80);
    let facts = world.plan(CATCH_UP).facts.unwrap();
    let entry = world.catalog.entry("int_user_state").unwrap();
    let months = ["2026-03-01", "2026-04-01", "2026-05-01"].map(|d| d.parse().unwrap());
    let of = |table: &str, dates: &[NaiveDate]| {
        let read = entry.model.reads.iter().find(|r| r.table.name() == table).unwrap();
        reach(entry, read, dates, &facts)
    };
    assert_eq!(of("int_user_day", &months), crate::interval::Interval::new(day(0), day(61)));
    assert!(of("int_user_state", &months).is_empty());
    assert_eq!(of("int_user_state", &months[1..]), crate::interval::Interval::day(day(30)));
}

#[test]
fn a_late_object_restates_exactly_what_its_reach_says() {
    let mut world = World::settled(40);
    world.decode(31, 30, "late");
    // Replaces the object of day 31, whose events now lie on day 30: both days change.
    let plan = world.plan(CATCH_UP);
    assert_eq!(days_of(&plan, "stg_events"), span(30, 32));
    // Sessions of a day read three days before and one after.
    assert_eq!(days_of(&plan, "fct_session"), span(29, 35));
    // Answers come up to eight days later, so earlier days read them; who is new depends on all
    // earlier days.
    assert_eq!(days_of(&plan, "fct_satisfaction_daily"), span(21, 40));
    assert_eq!(days_of(&plan, "fct_users_daily"), span(29, 40));
    world.carry_out(&plan);
    assert!(world.plan(CATCH_UP).chunks.is_empty());
}

#[test]
fn handling_times_depend_on_the_days_before_a_rollout_alone() {
    let mut world =
        World::with("rollouts: [{ name: r, date: 2026-03-11, services: [s], pre: 5d }]\n");
    (0..40).for_each(|n| world.decode(n, n, "a"));
    world.decode_from("human", Kind::Contacts, 20, 20, "a");
    let plan = world.plan(CATCH_UP);
    world.carry_out(&plan);
    // Day 10 is the rollout's own.
    for (on, is_in_window) in [(4, false), (5, true), (9, true), (10, false), (30, false)] {
        world.decode_from("human", Kind::Contacts, on, on, "a");
        let plan = world.plan(CATCH_UP);
        let times: BTreeSet<NaiveDate> = days_of(&plan, "int_handle_time");
        assert_eq!(!times.is_empty(), is_in_window, "a contact of day {on}");
        // A contact tells of sessions up to three days before it, whether those lasted that are within
        // a window that is over, and the times of every day.
        let waits = |n: &i64| [31, 8, 4].into_iter().find(|w| n + w < 39).unwrap_or(3);
        let told = |n: &i64| *n <= on && on <= n + waits(n);
        let savings = match is_in_window {
            true => span(0, 40),
            false => (0..40).filter(told).map(day).collect(),
        };
        assert_eq!(days_of(&plan, "fct_savings_daily"), savings, "a contact of day {on}");
        world.carry_out(&plan);
    }
}

#[test]
fn one_more_day_does_not_touch_what_is_final() {
    let mut world = World::settled(40);
    world.decode(40, 40, "a");
    let plan = world.plan(CATCH_UP);
    assert_eq!(days_of(&plan, "stg_events"), span(40, 41));
    assert_eq!(days_of(&plan, "int_session_events"), span(39, 41));
    let waits = |e: &crate::model::catalog::Entry| !e.model.matures.is_empty() || e.tells_final;
    let at_once = plan.builds().filter(|(step, _)| {
        step.every == Every::Day && !waits(world.catalog.entry(&step.model).unwrap())
    });
    let earliest = at_once.map(|(_, b)| b.date).min().unwrap();
    assert!(earliest >= day(28), "{earliest}");
    // The watermark lies inside the newest day: windows of 31, 30, 28, 14, 8 and fewer days end with
    // the 39th.
    let ripe = [8, 9, 11, 25].map(day);
    let expected: BTreeSet<NaiveDate> = span(31, 41).into_iter().chain(ripe).collect();
    assert_eq!(days_of(&plan, "kpi_daily"), expected);
}

fn dates(texts: &[&str]) -> BTreeSet<NaiveDate> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

#[test]
fn weeks_months_and_the_whole_have_partitions_of_their_own() {
    let mut world = World::new();
    (0..40).for_each(|n| world.decode(n, n, "a"));
    let plan = world.plan(CATCH_UP);
    // The first of March 2026 is a Sunday.
    let mondays = ["2026-02-23", "2026-03-02", "2026-03-09", "2026-03-16", "2026-03-23"];
    let mondays = [&mondays[..], &["2026-03-30", "2026-04-06"]].concat();
    assert_eq!(days_of(&plan, "fct_week"), dates(&mondays));
    assert_eq!(days_of(&plan, "int_state"), dates(&["2026-03-01", "2026-04-01"]));
    assert_eq!(days_of(&plan, "dim_all"), [Every::ONCE].into());
    let mut states = plan.builds().filter(|(step, _)| step.model == "int_state");
    assert!(states.all(|(step, _)| step.builds.len() == 1), "a state reads the one before");
}

#[test]
fn one_more_day_touches_its_own_periods_and_what_it_completes() {
    let mut world = World::settled(40);
    world.decode(40, 40, "a");
    let plan = world.plan(CATCH_UP);
    assert_eq!(days_of(&plan, "int_state"), BTreeSet::new());
    assert_eq!(days_of(&plan, "fct_since"), [39, 40].map(day).into());
    // The weeks of the days whose windows end.
    let weeks = ["2026-03-09", "2026-03-23", "2026-03-30", "2026-04-06"];
    assert_eq!(days_of(&plan, "fct_week"), dates(&weeks));
    assert_eq!(days_of(&plan, "dim_all"), [Every::ONCE].into());
    // The watermark lies inside the newest day, so waits end for the 37th and the 31st; sessions
    // changed from the 37th on, and the others hold them in their reach.
    assert_eq!(days_of(&plan, "int_sessions"), span(37, 41));
    assert_eq!(days_of(&plan, "fct_waits"), &span(29, 32) | &span(35, 41));
}

#[test]
fn a_single_day_builds_no_other_day_of_its_week() {
    let mut world = World::new();
    (0..10).for_each(|n| world.decode(n, n, "a"));
    let plan = world.plan(Days::These(crate::interval::Interval::day(day(4))));
    assert_eq!(days_of(&plan, "kpi_daily"), [day(4)].into());
    assert_eq!(days_of(&plan, "fct_week"), dates(&["2026-03-02"]));
    // Of its month the days that tell who is new, and the next one, which tells who came back.
    assert_eq!(days_of(&plan, "int_user_day"), span(0, 6));
    world.carry_out(&plan);
    let plan = world.plan(Days::These(crate::interval::Interval::day(day(5))));
    assert_eq!(days_of(&plan, "fct_week"), dates(&["2026-03-02"]), "its week has one more day");
}

#[test]
fn contacts_of_a_comparison_begin_history_before_the_first_event() {
    let mut world = World::new();
    world.pipeline.rollouts.push(crate::pipeline::Rollout {
        name: "r".into(),
        date: day(10),
        services: vec!["s".into()],
        controls: Vec::new(),
        holdout: Vec::new(),
        pre_days: 30,
        ramp_days: 0,
        post_days: 30,
    });
    world.decode(9, 9, "a");
    let mut contacts = world.manifest.objects.values().next().unwrap().clone();
    contacts.kind = Kind::Contacts;
    contacts.key = "contacts.csv".into();
    contacts.files = [-40, -15, 3]
        .map(|n| DecodedFile { date: day(n), path: String::new(), rows: 1, bytes: 1 })
        .into();
    world.commit(vec![contacts], Vec::new());
    let facts = world.plan(CATCH_UP).facts.unwrap();
    assert_eq!((facts.history.start, facts.first_event), (day(-15), day(9)));
}

#[test]
fn live_contacts_cap_the_watermark_of_what_reads_them() {
    let world = World::settled(3);
    let mut pipeline = world.pipeline.clone();
    let mut desk = pipeline.sources[0].clone();
    (desk.name, desk.kind, desk.live) = ("desk".into(), Kind::Contacts, true);
    pipeline.sources.push(desk);
    let mut manifest = world.manifest.clone();
    let mut object = manifest.objects.values().next().unwrap().clone();
    (object.source, object.kind, object.newest_ts_us) = ("desk".into(), Kind::Contacts, Some(7));
    manifest.objects.insert(("desk".into(), "k".into()), object);
    let all = watermarks(&pipeline, &manifest, day_end_us(day(9), pipeline.zone));
    assert_eq!(all.of(&[Kind::Events].into()), all.events_us);
    assert_eq!(all.of(&[Kind::Events, Kind::Contacts].into()), 7);
}

#[test]
fn a_gap_is_missing_and_its_neighbour_is_not() {
    let mut world = World::new();
    [0, 1, 3, 4].iter().for_each(|n| world.decode(*n, *n, "a"));
    let plan = world.plan(CATCH_UP);
    let missing: Vec<_> = plan.missing.iter().map(|m| (m.date, m.path_date)).collect();
    assert_eq!(missing, [(day(2), day(2))]);
    assert_eq!(days_of(&plan, "kpi_daily"), [0, 1, 3, 4].map(day).into());
}

#[test]
fn days_before_the_first_object_are_not_missing_but_hold_nothing() {
    let world = World::settled(3);
    let plan = world.plan(Days::These(crate::interval::Interval::new(day(-2), day(1))));
    assert!(plan.missing.is_empty() && plan.chunks.is_empty());
    assert_eq!(plan.requested, Some(crate::interval::Interval::new(day(0), day(1))));
}

#[test]
fn a_day_after_the_newest_object_is_missing() {
    let world = World::settled(3);
    let plan = world.plan(Days::These(crate::interval::Interval::day(day(3))));
    assert_eq!(plan.missing.len(), 1);
}

#[test]
fn only_the_wanted_tables_and_what_they_read_are_built() {
    let mut world = World::new();
    world.decode(0, 0, "a");
    let as_of_us = day_end_us(day(400), world.pipeline.zone);
    let models = vec!["fct_users_daily".to_owned()];
    let request = Request { days: CATCH_UP, as_of_us, force: false, models };
    let plan =
        build(&world.pipeline, &world.catalog, &world.manifest, &request, &[], Vec::new()).unwrap();
    let tables: BTreeSet<_> = plan.builds().map(|(s, _)| s.model.as_str()).collect();
    let expected = [
        "fct_users_daily",
        "int_new_users",
        "int_session_events",
        "int_user_day",
        "int_user_state",
        "stg_events",
    ];
    assert_eq!(tables, expected.into());
    let unknown = Request { models: vec!["fct_nothing".to_owned()], ..request };
    assert!(
        build(&world.pipeline, &world.catalog, &world.manifest, &unknown, &[], Vec::new()).is_err()
    );
}

/// Seconds at the most; the test's own time is the figure.
#[test]
fn a_thousand_days_are_planned() {
    let mut world = World::new();
    (0..1_000).for_each(|n| world.decode(n, n, "a"));
    let all = Days::These(crate::interval::Interval::new(day(0), day(1_000)));
    let plan = world.plan(all);
    assert_eq!(days_of(&plan, "kpi_daily").len(), 1_000);
    world.carry_out(&plan);
    assert!(world.plan(all).chunks.is_empty());
}
