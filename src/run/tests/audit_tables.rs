//! The tables about the warehouse itself: what stands in them, and that they follow all that a run
//! commits and nothing else.

use super::*;
use crate::engine::Values;
use crate::model::Native;
use crate::run::audit_tables::input;
use crate::storage::fake::What;

fn settled() -> (Bench, Arc<World>) {
    let bench = Bench::in_bucket().audited();
    let world = Arc::new(World::default());
    (0..3).for_each(|n| bench.log(&world, n, 1));
    bench.run(&world).expect("runs");
    (bench, world)
}

fn is_published(bench: &Bench, world: &Arc<World>) -> [bool; 2] {
    let store = bench.store(world);
    ["audit_i", "audit_l"].map(|table| {
        store.read_if_exists(&format!("{table}/part-00000.parquet")).expect("reads").is_some()
    })
}

/// The rows of one of the tables in memory, each as text.
fn rows(bench: &Bench, world: &Arc<World>, native: Native) -> Vec<Vec<String>> {
    let warehouse = Warehouse::read(bench.store(world)).expect("opens");
    let table = bench.with(world, CATCH_UP, |job| {
        let plan = plan(job).expect("plans");
        let facts = plan.facts.expect("there are events");
        input(native, job, warehouse.manifest(), &facts).expect("is right")
    });
    let TableData::Memory(columns) = table.data else { panic!("rows in memory") };
    let cell = |values: &Values, row: usize| match values {
        Values::Text(texts) => texts[row].clone().unwrap_or_else(|| "-".to_owned()),
        Values::Bigint(numbers) => numbers[row].map_or("-".to_owned(), |n| n.to_string()),
        Values::Double(_) | Values::Boolean(_) => panic!("no such column"),
    };
    let height = match &columns[0] {
        Values::Text(texts) => texts.len(),
        _ => panic!("the first column is text"),
    };
    (0..height).map(|row| columns.iter().map(|column| cell(column, row)).collect()).collect()
}

#[test]
fn they_follow_a_run_and_then_nothing_changes() {
    let (bench, world) = settled();
    assert_eq!(is_published(&bench, &world), [true, true]);
    let before = bench.objects(&world);
    let report = bench.run(&world).expect("runs");
    assert_eq!((report.partitions.built, report.partitions.up_to_date), (0, 8));
    assert!(report.generations.is_empty(), "{:?}", report.generations);
    assert_eq!(bench.objects(&world), before);

    bench.log(&world, 1, 4);
    let report = bench.run(&world).expect("runs");
    // The log, the day in two tables and the next one in one of them, and then the two.
    assert_eq!((report.generations.len(), report.partitions.replaced), (3, 5));
    bench.check(&world, "after a change");
    assert_eq!(bench.run(&world).expect("runs").partitions.built, 0);
}

#[test]
fn a_crash_before_their_commit_is_repaired_by_the_next_run() {
    let bench = Bench::in_bucket().audited();
    let world = Arc::new(World::default());
    (0..3).for_each(|n| bench.log(&world, n, 1));
    world.play(|operation| {
        let is_it = operation.key.ends_with("_chatkpi/log/00000000000000000003.json");
        if is_it && operation.what == What::Create { Fault::DieBefore } else { Fault::None }
    });
    bench.run(&world).expect_err("the process ends");
    world.revive();
    world.play(|_| Fault::None);
    assert_eq!(is_published(&bench, &world), [false, false]);
    let report = bench.run(&world).expect("runs");
    assert_eq!((report.partitions.built, report.generations), (2, vec![3]), "they alone");
    assert_eq!(is_published(&bench, &world), [true, true]);
    bench.check(&world, "repaired");
    assert!(bench.run(&world).expect("runs").generations.is_empty());
}

#[test]
fn they_are_tables_that_can_be_named_and_left_out() {
    let bench = Bench::in_bucket().audited();
    let world = Arc::new(World::default());
    (0..3).for_each(|n| bench.log(&world, n, 1));
    let run_of = |tables: &[&str]| {
        bench.with(&world, CATCH_UP, |job| {
            let models = tables.iter().map(|table| (*table).to_owned()).collect();
            let request = Request { models, ..job.request.clone() };
            let (report, outcome) = run(&Job { request, ..super::choices::job_of(job) });
            outcome.expect("runs");
            report.partitions.replaced
        })
    };
    assert_eq!(run_of(&["fct_a"]), 3);
    assert_eq!(is_published(&bench, &world), [false, false]);
    assert_eq!(run_of(&["audit_l"]), 1);
    assert_eq!(is_published(&bench, &world), [false, true]);
    // The days of the other table, and both: one for the first time, one with more to tell.
    assert_eq!(run_of(&[]), 5);
    assert_eq!(run_of(&[]), 0);
}

#[test]
fn where_a_day_fails_they_tell_of_the_others() {
    let broken = StandIn { broken: Some(("s", day(2))) };
    let bench = Bench::in_bucket().audited();
    let bench = Bench { engine: broken, keep_going: true, today: 6, ..bench };
    let world = Arc::new(World::default());
    (0..5).for_each(|n| bench.log(&world, n, 1));
    let (_, outcome) = bench.with(&world, CATCH_UP, run);
    assert_eq!(outcome.expect_err("a day fails").kind, ErrorKind::Partial);
    let told = rows(&bench, &world, Native::AuditLoad);
    let days: Vec<String> = told.iter().map(|row| format!("{} {}", row[0], row[1])).collect();
    let number = |n: i64| crate::interval::day_number(day(n));
    // Day 3 reads day 2 in one of its tables, and is committed whole or not at all.
    let expected =
        ["fct_a", "fct_b"].map(|table| [0, 1, 4].map(|n| format!("{table} {}", number(n))));
    assert_eq!(days, expected.concat());
    assert_eq!(is_published(&bench, &world), [true, true]);
}

#[test]
fn every_record_and_row_stands_in_the_counts() {
    let bench = Bench::in_bucket().audited();
    let world = Arc::new(World::default());
    let line = |more: &str| {
        format!(
            "{{\"ts\":\"{}T10:00:00Z\",\"actor\":\"user\",\"type\":\"message\",\"conversation_id\":\"c\"{more}}}\n",
            day(0)
        )
    };
    let text = format!(
        "{}{}{}{}\nbroken\n[1]\n",
        line(",\"event_id\":\"a\""),
        line(",\"event_id\":\"a\",\"colour\":\"red\""),
        line(",\"event_id\":\"b\""),
        line(",\"is_test\":true"),
    );
    let size = text.len();
    bench.logs(&world).put(&format!("{}.jsonl", day(0)), text.into()).expect("puts");
    bench.run(&world).expect("runs");
    let told: Vec<String> = rows(&bench, &world, Native::AuditIngest)
        .iter()
        .map(|row| [&row[..3], &row[4..]].concat().join(" "))
        .collect();
    let n = crate::interval::day_number(day(0));
    let of_object = |rest: &str| format!("bot events 2026-03-01.jsonl {n} {rest}");
    let expected = [
        of_object(&format!("- bytes all {size}")),
        of_object("- records_read all 7"),
        of_object("- rows_made all 4"),
        of_object("- records decoded 4"),
        of_object("- records quarantined 2"),
        of_object("- records blank 1"),
        of_object("- rows kept 3"),
        of_object("- rows test 1"),
        of_object("- quarantine not_json 1"),
        of_object("- quarantine not_object 1"),
        of_object("- unknown_fields colour 1"),
        of_object(&format!("{n} rows_by_day kept 3")),
        // The stand-in's staging always has one row.
        format!("* events * - {n} duplicates copy 2"),
    ];
    assert_eq!(told, expected);

    // Copies are only told of days that were counted since their logs changed.
    bench.log(&world, 0, 8);
    bench.with(&world, CATCH_UP, |job| {
        let request = Request { models: vec!["audit_i".to_owned()], ..job.request.clone() };
        run(&Job { request, ..super::choices::job_of(job) }).1.expect("runs");
    });
    let told = rows(&bench, &world, Native::AuditIngest);
    assert!(told.iter().all(|row| row[6] != "duplicates"), "{told:?}");
}

#[test]
fn a_partition_has_the_commit_that_readers_see_and_says_why() {
    let (mut bench, world) = settled();
    let of = |bench: &Bench, table: &str, n: i64| -> [String; 4] {
        let number = crate::interval::day_number(day(n)).to_string();
        let told = rows(bench, &world, Native::AuditLoad);
        let row = told.iter().find(|row| row[0] == table && row[1] == number).expect("a row");
        [2, 3, 5, 6].map(|column| row[column].clone())
    };
    assert_eq!(rows(&bench, &world, Native::AuditLoad).len(), 6, "they do not tell of themselves");
    // One row, by the second commit, never restated; the log of day 2 ends that day's watermark.
    assert_eq!(of(&bench, "fct_b", 0), ["1", "2", "-", "final"]);
    assert_eq!(of(&bench, "fct_b", 1), ["1", "2", "-", "provisional"]);
    bench.log(&world, 1, 4);
    bench.run(&world).expect("runs");
    assert_eq!(of(&bench, "fct_b", 1), ["1", "5", "inputs changed", "provisional"]);
    assert_eq!(of(&bench, "fct_b", 0), ["1", "2", "-", "final"]);
    // A new day moves the watermark, and with it the state of a day that is not built again.
    bench.today += 1;
    bench.log(&world, 3, 1);
    bench.run(&world).expect("runs");
    assert_eq!(of(&bench, "fct_b", 1), ["1", "5", "inputs changed", "final"]);
}
