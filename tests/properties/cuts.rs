//! Day by day = all at once, in any order and any split of the objects; twice = no change.

use std::collections::BTreeMap;

use chatkpi::interval::{Interval, day_end_us, plus};
use chrono::NaiveDate;

use crate::support::chaos::{PLACES, World, thin_world, world};
use crate::support::fold::history;
use crate::support::warehouse::Bench;

type Contents = BTreeMap<(String, NaiveDate), String>;

fn some_world(seed: u64) -> World {
    let (zone, start) = PLACES[seed as usize % PLACES.len()];
    world(seed, 6, start.parse().unwrap(), zone)
}

fn days(world: &World, objects: &[(String, Vec<u8>)]) -> Interval {
    let (first, last) = history(world, objects).expect("a world has events");
    Interval::new(first, plus(last, 1))
}

fn at_once(world: &World, split: u64) -> Contents {
    let objects = world.objects(split);
    let bench = Bench::new(world, &objects);
    bench.run(days(world, &objects));
    bench.contents()
}

fn assert_same(a: &Contents, b: &Contents, what: &str) {
    let differ: Vec<_> = a.keys().chain(b.keys()).filter(|k| a.get(k) != b.get(k)).collect();
    assert!(differ.is_empty(), "{what}: {} partitions differ, first {:?}", differ.len(), differ[0]);
    assert!(!a.is_empty());
}

#[test]
fn day_by_day_is_all_at_once() {
    for seed in [20, 22] {
        let world = some_world(seed);
        let objects = world.objects(1);
        let bench = Bench::new(&world, &objects);
        for day in days(&world, &objects).days() {
            bench.run(Interval::day(day));
        }
        assert_same(&bench.contents(), &at_once(&world, 1), &format!("seed {seed}"));
    }
}

#[test]
fn the_order_of_days_does_not_matter() {
    let world = some_world(24);
    let objects = world.objects(1);
    let bench = Bench::new(&world, &objects);
    let mut order: Vec<_> = days(&world, &objects).days().collect();
    order.reverse();
    let half = order.len() / 2;
    order.rotate_left(half);
    for day in order {
        bench.run(Interval::day(day));
    }
    assert_same(&bench.contents(), &at_once(&world, 1), "days out of order");
}

#[test]
fn any_split_of_the_objects_gives_the_same_content() {
    // Keys that no column reads are counted by object, so this table tells of the split itself.
    let split_into = |world: &World, split: u64| {
        let mut contents = at_once(world, split);
        contents.retain(|(table, _), _| table != "fct_input_daily");
        contents
    };
    for seed in [26, 28] {
        let world = some_world(seed);
        let first = split_into(&world, 1);
        for split in [2, 3] {
            let other = split_into(&world, split);
            assert_same(&first, &other, &format!("seed {seed}, split {split}"));
        }
    }
}

#[test]
fn running_twice_changes_nothing_and_says_so() {
    let world = some_world(30);
    let objects = world.objects(1);
    let bench = Bench::new(&world, &objects);
    let days = days(&world, &objects);
    bench.run(days);
    let (before, generation) = (bench.contents(), bench.manifest().generation);
    assert!(bench.plan(days).is_empty());
    let report = bench.run(days);
    assert_eq!(bench.manifest().generation, generation, "a second run commits nothing");
    assert_eq!((report.partitions.built, report.objects_decoded), (0, 0));
    assert_same(&before, &bench.contents(), "twice");
}

/// What later days decide is restated as they come: the logs grow three days at a time.
#[test]
fn growing_logs_end_where_one_run_does() {
    let seed = 44;
    let (zone, start) = PLACES[seed as usize % PLACES.len()];
    let world = thin_world(seed, 13, start.parse().unwrap(), zone);
    let objects = world.objects(1);
    let dated = |(key, _): &(String, Vec<u8>)| {
        key["logs/events-".len()..][..10].parse::<NaiveDate>().expect("keys have dates")
    };
    let first = objects.iter().map(dated).min().expect("a world has objects");
    let last = objects.iter().map(dated).max().expect("a world has objects");
    let mut growing = Bench::new(&world, &[]);
    let mut known = first;
    while known <= last {
        let until = plus(known, 3);
        let is_new = |o: &&(String, Vec<u8>)| (known..until).contains(&dated(o));
        let more: Vec<_> = objects.iter().filter(is_new).cloned().collect();
        let over_us = day_end_us(plus(until, -1), chrono_tz::UTC);
        growing.catch_up(over_us.min(world.as_of_us), &more);
        known = until;
    }
    growing.catch_up(world.as_of_us, &[]);
    let mut once = Bench::new(&world, &objects);
    once.catch_up(world.as_of_us, &[]);
    assert_same(&growing.contents(), &once.contents(), "grown and whole");
}
