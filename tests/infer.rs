//! The rollout comparison as its users see it: intervals hold the truth about as often as they say,
//! and equal input gives equal bits. Needs no query engine.

#[path = "infer/world.rs"]
mod world;

use chatkpi::infer::{Grade, compare};
use world::{coverage, world};

/// Of 60 worlds. Intervals that hold 92 % of the time hold fewer in under one run of 5,000; the
/// seeds are fixed, so this fails when the method changes and not by chance.
const WORLDS: u32 = 60;
const LEAST_HELD: u32 = 49;

#[test]
fn intervals_hold_the_truth() {
    for grade in [Grade::A, Grade::B, Grade::C, Grade::D] {
        for effect in [0.0, -1.5] {
            let found = coverage(grade, effect, WORLDS);
            let told = format!("{} {effect}: {} of {WORLDS}", grade.letter(), found.held);
            assert!(found.held >= LEAST_HELD, "{told}");
        }
    }
}

#[test]
fn a_large_effect_is_seen() {
    // Four euros of about six: no design but the last may miss it.
    for grade in [Grade::A, Grade::B, Grade::C] {
        let rows = compare(&world(grade, 3, -4.0, 5)).expect("a right input");
        let row = rows.iter().find(|row| row.metric == "cost_per_service").expect("a row");
        assert!(row.estimate.expect("an estimate").high < 0.0, "{}", grade.letter());
    }
}

#[test]
fn equal_input_gives_equal_bits_on_any_thread() {
    let input = world(Grade::B, 4, -0.5, 9);
    let first = format!("{:?}", compare(&input).expect("a right input"));
    let mut shuffled = input.clone();
    shuffled.cells.reverse();
    let other = std::thread::spawn(move || format!("{:?}", compare(&shuffled)));
    assert_eq!(format!("Ok({first})"), other.join().expect("a thread"));
}
