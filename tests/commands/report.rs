//! `chatkpi report`: a comparison in words, or in clear words why there is none; and the page.

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
fn the_page_is_made_of_the_published_tables_and_nothing_else() {
    let mut tiny = Tiny::after_a_run();
    // Looking needs no key.
    tiny.unset(super::tiny::KEY_VARIABLE);
    let page = |more: &[&str]| {
        tiny.run(&[&["report", PIPELINE, "--out", "report.html"], more].concat()).expect(0);
        std::fs::read_to_string(tiny.path("report.html")).expect("a page")
    };
    let english = page(&[]);
    assert!(english.starts_with("<!doctype html>") && english.contains("<html lang=\"en\">"));
    assert!(english.contains("<strong>18 Nov 2026 – 20 Nov 2026</strong>"));
    assert!(english.contains("3 of 3 days of the period are published."));
    // Six messages by users on each of three days.
    let card = |page: &str| {
        let card = page.split("id=\"m-interactions\"").nth(1).expect("a card");
        let value = card.split("<p class=\"value\">").nth(1).expect("a value");
        value.split('<').next().expect("its end").to_owned()
    };
    assert_eq!(card(&english), "18");
    for table in ["audit_load", "audit_ingest", "fct_outcome_daily", "fct_sessions_daily"] {
        assert!(english.contains(&format!("<code>{table}</code>")), "{table} is not named");
    }
    assert_eq!(page(&[]), english, "the same tables make the same page");
    assert!(page(&["--lang", "sv"]).contains("<html lang=\"sv\">"));
    let one = page(&["--from", "2026-11-19", "--to", "2026-11-20"]);
    assert!(one.contains("<strong>19 Nov 2026</strong>") && card(&one) == "6");
}

#[test]
fn a_page_that_cannot_be_made_says_why() {
    let tiny = Tiny::new();
    let report = |more: &[&str]| tiny.run(&[&["report", PIPELINE], more].concat());
    report(&["--out", "report.html"]).expect(4).says(&["no daily metrics yet", "kpi_daily"]);
    let days = ["--out", "report.html", "--from", "2026-11-20", "--to", "2026-11-20"];
    report(&days).expect(2).says(&["holds no day", "--to 2026-11-21"]);
    // What is printed has no days and one language.
    report(&["--lang", "sv"]).expect(2).says(&["--out"]);
    report(&["--from", "2026-11-18", "--to", "2026-11-20"]).expect(2).says(&["--out"]);
    assert!(!tiny.path("report.html").exists());
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
