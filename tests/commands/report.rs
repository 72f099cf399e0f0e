//! `chatkpi report`: a comparison in words, or in clear words why there is none.

use super::tiny::{PIPELINE, Tiny};

const MODELS: [&str; 2] = ["--models", "fct_rollout_comparison"];

/// The company with a rollout of its service on `date`.
fn with_rollout(date: &str) -> Tiny {
    let tiny = Tiny::new();
    let rollout = format!(
        "rollouts:\n  - {{ name: new_bot, date: {date}, services: [billing], pre: 8w, ramp: 2w, post: 8w }}\n\
         dimensions: [bot, service]"
    );
    tiny.change_pipeline("dimensions: [bot, channel]", &rollout);
    tiny
}

#[test]
fn without_rollouts_the_report_says_that_there_are_none() {
    let mut tiny = Tiny::new();
    // Looking needs no key, and no warehouse.
    tiny.unset(super::tiny::KEY_VARIABLE);
    let told = tiny.run(&["report", PIPELINE]).expect(0);
    assert_eq!(told.out, "No rollout to compare: the pipeline names none.\n");
    assert!(!tiny.path("warehouse").exists());
}

#[test]
fn without_its_table_the_report_says_how_to_make_it() {
    let tiny = with_rollout("2026-11-19");
    let told = tiny.run(&["report", PIPELINE]).expect(4);
    told.says(&["no comparison of rollouts yet", "fct_rollout_comparison", "run pipeline.yaml`"]);
}

#[test]
fn a_rollout_to_come_and_one_that_is_new_are_told_as_such() {
    let tiny = with_rollout("2027-03-01");
    tiny.run(&[&["run", PIPELINE], &MODELS[..]].concat()).expect(0);
    let told = tiny.run(&["report", PIPELINE]).expect(0).out;
    for words in [
        "new_bot, all its services",
        "no services on either side",
        "nothing can be said of what it did",
        "grade E",
        "the change lies in the future of the data",
    ] {
        assert!(told.contains(words), "{words:?} is not in\n{told}");
    }
    assert!(!told.contains("effect of"), "{told}");

    // Named since, and taken back.
    tiny.change_pipeline("name: new_bot", "name: newer_bot");
    let told = tiny.run(&["report", PIPELINE]).expect(0).out;
    assert!(told.starts_with("newer_bot: in the pipeline and not compared yet"), "{told}");
    assert!(!told.contains("new_bot,"), "{told}");
}

#[test]
fn rollouts_whose_effects_cannot_be_told_apart_end_the_run_with_both_and_a_way_out() {
    let tiny = with_rollout("2026-11-19");
    let second = "  - { name: newer_bot, date: 2026-12-01, services: [billing] }\ndimensions: [bot";
    tiny.change_pipeline("dimensions: [bot", second);
    let told = tiny.run(&[&["run", PIPELINE], &MODELS[..]].concat()).expect(2);
    told.says(&[
        "two rollouts change one service within each other's windows",
        "new_bot (2026-11-19), newer_bot (2026-12-01)",
        "shorten `pre`, `ramp` or `post`",
    ]);
}
