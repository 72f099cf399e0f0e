//! Every published cell equals the one that a plain fold over the raw logs computes.
//!
//! The fold shares neither code nor SQL with the program.

use std::collections::{BTreeMap, BTreeSet};

use chatkpi::interval::{Interval, plus};

use crate::support::chaos::{PLACES, World, thin_world, world};
use crate::support::fold::{Cell, Period, Place, expected, expected_of, history, tables};
use crate::support::warehouse::Bench;

/// Days of a world; with the worlds of one test they make more than two hundred days.
const DAYS: u32 = 16;

/// Days of a world in which windows of 30 days end for the cohorts of two weeks.
const LONG_DAYS: u32 = 45;

fn assert_dense(seed: u64) {
    let (zone, start) = PLACES[seed as usize % PLACES.len()];
    assert_world(seed, &world(seed, DAYS, start.parse().unwrap(), zone));
}

fn assert_long(seed: u64) {
    let (zone, start) = PLACES[seed as usize % PLACES.len()];
    let world = thin_world(seed, LONG_DAYS, start.parse().unwrap(), zone);
    let cells = assert_world(seed, &world);
    for metric in ["mau", "retention_d30", "durable_resolution_rate_30d"] {
        let found = cells.iter().filter(|(_, name, _)| name == metric).count();
        assert!(found > 0, "seed {seed} proves nothing of {metric}");
    }
}

/// Runs a world and returns the places of its cells, all of which were right.
fn assert_world(seed: u64, world: &World) -> Vec<Place> {
    let objects = world.objects(seed);
    let (first, last) = history(world, &objects).expect("a world has events");
    let bench = Bench::new(world, &objects);
    bench.run(Interval::new(first, plus(last, 1)));
    let expected = expected(world, &objects);
    assert_cells(seed, "kpi_daily", bench.cells("kpi_daily"), &expected);
    for (table, period) in [("kpi_weekly", Period::Week), ("kpi_monthly", Period::Month)] {
        let mut found = bench.cells(table);
        found.retain(|(_, metric, _), _| !metric.starts_with("response_time_p"));
        assert_cells(seed, table, found, &expected_of(world, &objects, period, &expected));
    }
    for table in tables(world, &objects) {
        let found = bench.rows(table.table, table.key, table.numbers);
        let places: BTreeSet<_> = found.keys().chain(table.rows.keys()).collect();
        let unlike = |place: &&&Vec<String>| found.get(**place) != table.rows.get(**place);
        let wrong: Vec<_> = places.iter().filter(unlike).collect();
        let shown = wrong.iter().take(12).map(|place| {
            let (expected, found) = (table.rows.get(**place), found.get(**place));
            format!("{place:?}\n  expected {expected:?}\n  found    {found:?}")
        });
        let shown: Vec<String> = shown.collect();
        assert!(
            wrong.is_empty(),
            "seed {seed}: {} of {} rows of {} differ, the first of them:\n{}",
            wrong.len(),
            places.len(),
            table.table,
            shown.join("\n")
        );
    }
    expected.into_keys().collect()
}

fn assert_cells(
    seed: u64,
    table: &str,
    found: BTreeMap<Place, Cell>,
    expected: &BTreeMap<Place, Cell>,
) {
    let mut wrong = Vec::new();
    for (place, cell) in expected {
        match found.get(place) {
            Some(other) if same(cell, other) => {}
            other => wrong.push(format!("{place:?}\n  expected {cell:?}\n  found    {other:?}")),
        }
    }
    let more = found.keys().filter(|place| !expected.contains_key(place));
    wrong
        .extend(more.map(|place: &Place| format!("{place:?}\n  not expected: {:?}", found[place])));
    assert!(
        wrong.is_empty(),
        "seed {seed}: {} of {} cells of {table} differ, the first of them:\n{}",
        wrong.len(),
        expected.len(),
        wrong[..wrong.len().min(12)].join("\n")
    );
}

fn same(a: &Cell, b: &Cell) -> bool {
    let close = |a: f64, b: f64| (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1e-3);
    let ends = |a: Option<f64>, b: Option<f64>| match (a, b) {
        (Some(a), Some(b)) => close(a, b),
        (None, None) => true,
        _ => false,
    };
    close(a.numerator, b.numerator)
        && close(a.denominator, b.denominator)
        && close(a.value, b.value)
        && ends(a.ci_low, b.ci_low)
        && ends(a.ci_high, b.ci_high)
        && (a.n, a.low_n, &a.status) == (b.n, b.low_n, &b.status)
}

/// One test a seed, so that they run side by side and a failure names its world.
macro_rules! worlds {
    ($of:ident: $($name:ident $seed:literal),*) => { $(#[test] fn $name() { $of($seed); })* };
}

worlds!(
    assert_dense: seed_0 0, seed_1 1, seed_2 2, seed_3 3, seed_4 4, seed_5 5, seed_6 6, seed_7 7, seed_8 8, seed_9 9,
    seed_10 10, seed_11 11, seed_12 12, seed_13 13
);

worlds!(assert_long: long_40 40, long_41 41, long_43 43);
