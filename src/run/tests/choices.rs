//! What a run does where it could do otherwise: vanished objects, days that fail, plans that are
//! out of date.

use super::*;
use crate::plan::Reason;

fn settled(days: i64) -> (Bench, Arc<World>) {
    let bench = Bench { today: days + 1, ..Bench::in_bucket() };
    let world = Arc::new(World::default());
    (0..days).for_each(|n| bench.log(&world, n, 1));
    bench.run(&world).expect("runs");
    (bench, world)
}

/// What a warehouse of exactly these logs would hold.
fn fresh(days: &[(i64, usize)], today: i64) -> BTreeMap<String, String> {
    let bench = Bench { today, ..Bench::in_bucket() };
    let world = Arc::new(World::default());
    days.iter().for_each(|(n, version)| bench.log(&world, *n, *version));
    bench.run(&world).expect("runs");
    bench.promised(&world)
}

#[test]
fn what_a_vanished_object_held_is_taken_out() {
    let (bench, world) = settled(4);
    bench.remove_log(&world, 1);
    let plan = bench.with(&world, CATCH_UP, plan).expect("plans");
    assert_eq!(plan.removed.len(), 1);
    let words = plan::explain(&plan, &bench.pipeline);
    assert!(words.contains("gone       bot: 2026-03-02.jsonl is no longer listed"), "{words}");
    let stale: Vec<_> = plan.builds().filter(|(step, _)| step.published).collect();
    // The day itself in both tables, and the next day of the table that reads the day before.
    assert_eq!(stale.len(), 3, "{words}");
    assert!(stale.iter().all(|(_, build)| build.reason == Reason::InputsChanged));

    let report = bench.run(&world).expect("runs");
    assert_eq!((report.objects_removed, report.missing.len()), (1, 1), "the day is missing now");
    assert!(
        report.warnings.iter().any(|w| w.contains("2026-03-02.jsonl")),
        "{:?}",
        report.warnings
    );
    bench.check(&world, "after the removal");
    let now = bench.promised(&world);
    for (key, content) in fresh(&[(0, 1), (2, 1), (3, 1)], 5) {
        assert_eq!(now.get(&key), Some(&content), "{key}");
    }
    bench.log(&world, 1, 1);
    bench.run(&world).expect("runs");
    assert_eq!(bench.promised(&world), fresh(&[(0, 1), (1, 1), (2, 1), (3, 1)], 5), "it came back");
}

#[test]
fn the_first_and_the_last_day_can_vanish_too() {
    for gone in [0, 3] {
        let (bench, world) = settled(4);
        let before = bench.promised(&world);
        bench.remove_log(&world, gone);
        bench.run(&world).expect("runs");
        bench.check(&world, "after the removal");
        let key = format!("fct_b/date={}/part-00000.parquet", day(gone));
        assert_ne!(bench.promised(&world)[&key], before[&key], "day {gone} stays as it was");
        assert_eq!(bench.run(&world).expect("runs").partitions.built, 0);
    }
}

#[test]
fn an_object_under_the_same_name_replaces_the_old_one() {
    let (bench, world) = settled(3);
    bench.log(&world, 1, 5);
    let report = bench.run(&world).expect("runs");
    assert_eq!((report.objects_decoded, report.objects_removed), (1, 0));
    assert_eq!(bench.promised(&world), fresh(&[(0, 1), (1, 5), (2, 1)], 4));
}

#[test]
fn a_source_that_seems_empty_is_an_error_and_not_an_empty_warehouse() {
    let (mut bench, world) = settled(4);
    let before = bench.objects(&world);
    (0..3).for_each(|n| bench.remove_log(&world, n));
    for outcome in [bench.run(&world).map(drop), bench.with(&world, CATCH_UP, plan).map(drop)] {
        let error = outcome.expect_err("most of the objects are gone");
        assert_eq!(error.kind, ErrorKind::Input);
        let told = error.to_string();
        assert!(told.contains("gone: 3 of 4") && told.contains("--accept-removed"), "{told}");
    }
    assert_eq!(bench.objects(&world), before);
    bench.pipeline.sources[0].keep_removed = true;
    let report = bench.run(&world).expect("runs");
    assert_eq!((report.objects_removed, report.partitions.built), (0, 0));
    bench.pipeline.sources[0].keep_removed = false;
    bench.accept_removed = true;
    assert_eq!(bench.run(&world).expect("runs").objects_removed, 3);
    bench.check(&world, "after the removal");
    let listed = bench.with(&world, CATCH_UP, |job| {
        let narrow = Job { lookback_days: 0, ..job_of(job) };
        bench.remove_log(&world, 3);
        run(&narrow).1
    });
    listed.expect("all that is left is gone, and accepted");
}

/// The same job, to be changed.
pub(super) fn job_of<'a>(job: &Job<'a>) -> Job<'a> {
    Job {
        pipeline: job.pipeline,
        catalog: job.catalog,
        request: job.request.clone(),
        user_key: UserHasher::new(KEY.as_bytes()).expect("a key"),
        storage: job.storage.clone(),
        engine: job.engine,
        run_id: format!("{}-again", job.run_id),
        started_at: job.started_at.clone(),
        started_us: job.started_us,
        lookback_days: job.lookback_days,
        full_scan: job.full_scan,
        accept_removed: job.accept_removed,
        keep_going: job.keep_going,
        basis: job.basis.clone(),
        asked: job.asked.clone(),
        quarantine_raw: job.quarantine_raw,
        threads: job.threads,
        tmp_dir: job.tmp_dir.clone(),
        lock_wait: job.lock_wait,
        stop: job.stop,
        progress: job.progress,
    }
}

#[test]
fn only_what_a_listing_covers_can_vanish() {
    let (bench, world) = settled(30);
    // Put away long ago: the listing of a catch-up begins 14 days before the newest day.
    (0..10).for_each(|n| bench.remove_log(&world, n));
    let report = bench.run(&world).expect("runs");
    assert_eq!((report.objects_removed, report.partitions.built), (0, 0));
}

#[test]
fn one_bad_day_takes_no_other_with_it() {
    let bench = Bench { today: 7, ..Bench::in_bucket() };
    let world = Arc::new(World::default());
    (0..6).for_each(|n| bench.log(&world, n, 1));
    let broken = StandIn { broken: Some(("s", day(2))) };
    let mut bench = Bench { engine: broken, ..bench };
    let error = bench.run(&world).expect_err("a day fails");
    assert_eq!((error.kind, bench.seen(&world, "nothing").len()), (ErrorKind::Audit, 0));

    bench.keep_going = true;
    let (report, outcome) = bench.with(&world, CATCH_UP, run);
    assert_eq!(outcome.expect_err("a day fails").kind, ErrorKind::Partial);
    assert_eq!(report.exit_code, 7);
    let failed: Vec<_> = report.failed.iter().flat_map(|f| f.dates.iter().copied()).collect();
    // Day 3 reads day 2 in one of its tables.
    assert_eq!(failed, [day(2), day(3)], "{:?}", report.failed);
    assert!(report.failed[1].error.contains("not tried: it reads stg_s of 2026-03-03"));
    bench.check(&world, "partly");
    assert_eq!(bench.seen(&world, "partly").len(), 8, "four days of two tables");

    bench.engine.broken = None;
    let report = bench.run(&world).expect("runs");
    assert_eq!((report.partitions.replaced, report.failed.len()), (4, 0));
    let all: Vec<(i64, usize)> = (0..6).map(|n| (n, 1)).collect();
    assert_eq!(bench.promised(&world), fresh(&all, 7));
}

#[test]
fn a_plan_is_carried_out_as_it_was_shown_or_not_at_all() {
    let (bench, world) = settled(3);
    bench.log(&world, 1, 4);
    let shown = bench.with(&world, CATCH_UP, plan).expect("plans");
    let with_basis = |basis: &str| {
        bench.with(&world, CATCH_UP, |job| {
            run(&Job { basis: Some(basis.to_owned()), ..job_of(job) }).1
        })
    };
    let before = bench.objects(&world);
    bench.log(&world, 2, 4);
    let error = with_basis(&shown.basis).expect_err("a log has changed");
    assert_eq!(error.kind, ErrorKind::Conflict, "{error}");
    assert_eq!(bench.objects(&world), before);
    let shown = bench.with(&world, CATCH_UP, plan).expect("plans");
    with_basis(&shown.basis).expect("nothing has changed since");
    bench.check(&world, "carried out");
    assert_eq!(with_basis(&shown.basis).expect_err("done already").kind, ErrorKind::Conflict);
}

#[test]
fn when_the_time_is_up_what_was_committed_is_kept() {
    let bench = Bench { today: 7, ..Bench::in_bucket() };
    let world = Arc::new(World::default());
    (0..6).for_each(|n| bench.log(&world, n, 1));
    let outcome = bench.with(&world, CATCH_UP, |job| {
        job.stop.store(TIME_IS_UP, Ordering::Relaxed);
        run(job).1
    });
    assert_eq!(outcome.expect_err("no time").kind.exit_code(), 7);
    assert_eq!(bench.seen(&world, "no time").len(), 0);
    assert_eq!(bench.run(&world).expect("runs").partitions.replaced, 12);
}

#[test]
#[expect(clippy::print_stderr, reason = "the figures are for people")]
fn a_day_takes_a_bounded_number_of_requests() {
    let (mut bench, world) = settled(6);
    let count = |bench: &Bench| {
        world.play(|_| Fault::None);
        let report = bench.run(&world).expect("runs");
        (world.operations().len(), report.partitions.replaced)
    };
    let (idle, replaced) = count(&bench);
    assert_eq!(replaced, 0);
    bench.log(&world, 6, 1);
    bench.today += 1;
    let (one_day, replaced) = count(&bench);
    // Two tables: each is stored, read back and put under its public name.
    assert_eq!(replaced, 2);
    bench.log(&world, 3, 7);
    let (late, restated) = count(&bench);
    eprintln!(
        "requests: {idle} idle, {one_day} for a day of two tables, {late} for {restated} restated"
    );
    assert!(idle <= 45 && one_day <= idle + 20 && late <= idle + 40, "{idle} {one_day} {late}");
}
