//! Plans over made-up manifests: no engine, no files.

use std::collections::BTreeSet;
use std::path::Path;

use chrono::NaiveDate;

use super::*;
use crate::accounting::Accounting;
use crate::interval::{day_end_us, plus};
use crate::manifest::{Commit, DecodedFile, DecodedObject, FORMAT, Manifest, Partition};
use crate::model::catalog::{Catalog, builtin};
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
        let text = "version: 1\nname: t\ntimezone: UTC\nwarehouse: ./w\n\
                    privacy: { user_key_env: KEY }\n\
                    sources:\n  - { name: bot, kind: events, adapter: canonical, path: \"{date}.jsonl\" }\n";
        let pipeline = crate::pipeline::compile(Path::new("t.yaml"), text).unwrap();
        let catalog = Catalog::build(&builtin(), &pipeline).unwrap();
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
        let object = DecodedObject {
            source: "bot".into(),
            kind: Kind::Events,
            key: format!("{}.jsonl", day(n)),
            etag: etag.into(),
            size: 1,
            path_date: Some(day(n)),
            decoding: format!("{n} {etag}"),
            files: vec![DecodedFile { date: day(on), path: String::new(), rows: 10, bytes: 1 }],
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
    assert_eq!(
        again.up_to_date,
        40 * world.catalog.models.iter().filter(|e| e.model.is_published()).count()
    );
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
            let reached =
                reach_of(read, crate::interval::Interval::day(build.date), plan.history.unwrap());
            for date in reached.days().filter(|d| *table != step.model || *d < step.days.start) {
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
fn one_more_day_does_not_touch_what_is_final() {
    let mut world = World::settled(40);
    world.decode(40, 40, "a");
    let plan = world.plan(CATCH_UP);
    assert_eq!(days_of(&plan, "stg_events"), span(40, 41));
    assert_eq!(days_of(&plan, "int_session_events"), span(39, 41));
    let earliest = plan.builds().map(|(_, b)| b.date).min().unwrap();
    assert!(earliest >= day(28), "{earliest}");
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
    let expected =
        ["fct_users_daily", "int_first_seen", "int_session_events", "int_user_day", "stg_events"];
    assert_eq!(tables, expected.into());
    let unknown = Request { models: vec!["fct_nothing".to_owned()], ..request };
    assert!(
        build(&world.pipeline, &world.catalog, &world.manifest, &unknown, &[], Vec::new()).is_err()
    );
}
