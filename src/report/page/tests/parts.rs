//! The parts of the page one by one: how numbers are written, drawn and put together.

use super::super::chart::line::line;
use super::super::chart::round_steps;
use super::super::locale::{Locale, Scale, Unit};
use super::super::period::{Over, median, summary};
use super::super::texts::Texts;
use super::*;

fn in_each(write: impl Fn(Locale<'_>) -> String) -> [String; 3] {
    Language::ALL.map(|language| {
        let texts = Texts::read(language).expect("the texts");
        write(Locale::new(&texts))
    })
}

#[test]
fn thousands_and_fractions_follow_the_language() {
    assert_eq!(in_each(|l| l.number(1234.5, 1)), ["1,234.5", "1\u{a0}234,5", "1.234,5"]);
    assert_eq!(in_each(|l| l.number(-1_234_567.0, 0))[0], "\u{2212}1,234,567");
    assert_eq!(in_each(|l| l.number(999.0, 0)), ["999", "999", "999"]);
    // What rounds to zero has no sign.
    assert_eq!(in_each(|l| l.number(-0.04, 1)), ["0.0", "0,0", "0,0"]);
    assert_eq!(in_each(|l| l.percent(0.525, 1)), ["52.5%", "52,5\u{a0}%", "52,5%"]);
    assert_eq!(in_each(|l| l.date(first())), ["16 Nov 2026", "16 nov. 2026", "16 de nov. de 2026"]);
    let at = first().and_hms_opt(3, 5, 0).expect("a time");
    assert_eq!(in_each(|l| l.time(at))[1], "16 nov. 2026 03:05");
}

#[test]
fn values_carry_their_units() {
    let euros = Unit::of("currency", Some("EUR"));
    let money = in_each(|l| l.value(1234.5, &euros));
    assert_eq!(money, ["1,234.50\u{a0}EUR", "1\u{a0}234,50\u{a0}EUR", "1.234,50\u{a0}EUR"]);
    let english =
        |value: f64, unit: &str| in_each(|l| l.value(value, &Unit::of(unit, None)))[0].clone();
    assert_eq!(english(0.1234, "ratio"), "12.3%");
    assert_eq!(english(512.0, "milliseconds"), "512\u{a0}ms");
    assert_eq!(english(1234.0, "milliseconds"), "1.23\u{a0}s");
    assert_eq!(english(150_000.0, "milliseconds"), "2.5\u{a0}min");
    assert_eq!(english(45.25, "seconds"), "45.2\u{a0}s");
    assert_eq!(english(5400.0, "seconds"), "90.0\u{a0}min");
    assert_eq!(english(36_000.0, "seconds"), "10.0\u{a0}h");
    assert_eq!(english(7.0, "refunds"), "7");
    assert_eq!(english(7.25, "refunds"), "7.2");
    assert_eq!(english(3.0, "currency"), "3.00");
}

#[test]
fn changes_are_points_for_shares_and_percent_for_the_rest() {
    let change = |now: f64, before: f64, unit: &str| {
        let texts = Texts::read(Language::English).expect("the texts");
        Locale::new(&texts).change(now, before, &Unit::of(unit, None))
    };
    assert_eq!(change(0.525, 0.3, "ratio").as_deref(), Some("+22.5\u{a0}pp"));
    assert_eq!(change(15.0, 20.0, "sessions").as_deref(), Some("\u{2212}25.0%"));
    assert_eq!(change(-10.0, -20.0, "currency").as_deref(), Some("+50.0%"));
    assert_eq!(change(30.0, 42.5, "points").as_deref(), Some("\u{2212}12.5\u{a0}points"));
    assert_eq!(change(3.0, 0.0, "sessions"), None);
    assert_eq!(change(3.0, 3.0, "sessions").as_deref(), Some("0.0%"));
}

#[test]
fn a_period_is_summed_as_its_metric_allows() {
    let cells = [cell("m", 0, 9.0, 10.0), cell("m", 1, 12.0, 30.0), cell("m", 2, 0.0, 10.0)];
    let cells: Vec<&Cell> = cells.iter().collect();
    let of = |over| summary(&cells, over, true).expect("a summary");
    assert_eq!((of(Over::Ratio).value, of(Over::Ratio).n), (21.0 / 50.0, 50));
    assert!((of(Over::Sum).value - 1.3).abs() < 1e-12);
    assert_eq!((of(Over::Median).value, of(Over::Median).n), (0.4, 10));
    assert_eq!((of(Over::Last).value, of(Over::Last).n), (0.0, 10));
    assert_eq!(of(Over::Median).interval, None);
    assert_eq!(summary(&[], Over::Sum, false), None);
    assert_eq!(median(vec![4.0, 1.0, 3.0, 2.0]), 2.5);
    // None of ten: Wilson's interval begins at zero and ends at z² / (n + z²).
    let none = [cell("m", 0, 0.0, 10.0)];
    let (low, high) =
        summary(&[&none[0]], Over::Ratio, true).expect("one").interval.expect("a share");
    assert!(low == 0.0 && (high - 3.841_458_820_694_124 / 13.841_458_820_694_124).abs() < 1e-12);
}

#[test]
fn a_day_without_a_value_is_a_gap() {
    let texts = Texts::read(Language::English).expect("the texts");
    let draw = |days: &[(i64, bool)]| {
        let mut cells: Vec<Cell> = days.iter().map(|(day, _)| cell("m", *day, 5.0, 10.0)).collect();
        cells.iter_mut().zip(days).for_each(|(cell, (_, is_final))| cell.is_final = *is_final);
        let span = Span::of(Interval::new(plus(first(), 4), plus(first(), 8)));
        line(&cells.iter().collect::<Vec<_>>(), span, true, &Unit::Share, Locale::new(&texts))
    };
    let whole = draw(&[(0, true), (1, true), (2, true)]);
    assert_eq!((whole.solid.len(), whole.dashed.len(), whole.dots.len()), (1, 0, 0));
    assert_eq!(whole.bands.len(), 1);
    // Days 1 and 2, then 4 alone.
    let gap = draw(&[(1, true), (2, true), (4, true)]);
    assert_eq!((gap.solid.len(), gap.dots.len()), (1, 1));
    // Two final days, then two that may change: the dashes begin at the last final day.
    let open = draw(&[(1, true), (2, true), (3, false), (4, false)]);
    assert_eq!((open.solid.len(), open.dashed.len(), open.dots.len()), (1, 1, 2));
    assert!(open.dots.iter().all(|dot| dot.hollow));
    let (solid_end, dashed_start) = (open.solid[0].split('L').next_back(), &open.dashed[0][1..]);
    assert!(dashed_start.starts_with(solid_end.expect("a place")));
}

#[test]
fn axes_have_round_steps_that_hold_all_values() {
    assert_eq!(round_steps(0.0, 9.0, 3), [0.0, 5.0, 10.0]);
    assert_eq!(round_steps(-3.0, 1.0, 3), [-4.0, -2.0, 0.0, 2.0]);
    assert_eq!(round_steps(0.0, 0.0, 3), [0.0, 0.5]);
    for (low, high) in [(0.0, 1e-9), (5.0, 5.0), (-1e9, 1e9), (0.93, 0.97), (0.0, 123_456.0)] {
        let steps = round_steps(low, high, 3);
        assert!(
            steps[0] <= low && *steps.last().expect("a step") >= high,
            "{low} {high} {steps:?}"
        );
        assert!((2..=6).contains(&steps.len()), "{steps:?}");
    }
    let texts = Texts::read(Language::English).expect("the texts");
    let label = |step: f64, value: f64| {
        let scale = Scale::of(&Unit::Share, 1.0).for_step(step);
        Locale::new(&texts).scaled(value, &scale)
    };
    assert_eq!(label(0.05, 0.95), "95%");
    assert_eq!(label(0.005, 0.955), "95.5%");
}

#[test]
fn percentiles_are_read_off_the_buckets() {
    let told = text(&english(&material()));
    // Three answers under 110 ms and one under 220.
    assert!(told.contains("50% within 109\u{a0}ms; 90% within 219\u{a0}ms"), "{told}");
    assert!(told.contains("4 answered turns"), "{told}");
}

#[test]
fn outcomes_are_counted_and_shared() {
    let told = text(&english(&material()));
    // Three of four, none of five before.
    assert!(told.contains("Resolved, goal reached resolved_goal 3 75.0% 0.0%"), "{told}");
    assert!(told.contains("Abandoned abandoned 1 25.0% 100.0%"), "{told}");
}

#[test]
fn long_periods_are_drawn_as_weeks() {
    let mut long = material();
    long.span = Span::of(Interval::new(plus(first(), -100), plus(first(), 4)));
    assert!(text(&english(&long)).contains("Sessions by week of their start"));
    assert!(text(&english(&material())).contains("Sessions by day of their start"));
}

#[test]
fn a_week_whose_days_are_not_over_is_marked() {
    let mut ripe = material();
    // Of the week of the 9th all days have passed, of the 16th two; within 7 none of it has.
    ripe.retention = vec![
        cohort(-7, "within_1", 1, 10),
        cohort(-7, "within_7", 4, 10),
        cohort(-1, "within_7", 2, 10),
        cohort(-1, "within_1", 0, 10),
        cohort(1, "within_1", 3, 4),
    ];
    let page = english(&ripe);
    let table =
        page.split("<table class=\"triangle\">").nth(1).and_then(|t| t.split("</table>").next());
    let told = text(table.expect("a triangle"));
    assert!(told.contains("9 Nov 2026 few observations 20 5.0% 30.0% not over yet"), "{told}");
    assert!(
        told.contains("16 Nov 2026 few observations 4 75.0% * provisional not over yet"),
        "{told}"
    );
}

#[test]
fn an_interval_with_zero_shows_no_effect_and_a_description_none_at_all() {
    let with = |grade, estimate| {
        let mut material = material();
        material.compared = vec![compared(grade, estimate)];
        english(&material)
    };
    let clear = Estimate { value: -3.0, low: -4.0, high: -2.0 };
    let shown = text(&with(Grade::C, clear));
    assert!(
        shown.contains(
            "A service cost 10.00\u{a0}EUR before and 8.00\u{a0}EUR after (\u{2212}20.0%)."
        )
    );
    assert!(shown.contains("Shows an effect of 3.00\u{a0}EUR less a service"), "{shown}");
    assert!(text(&with(Grade::D, clear)).contains("Suggests an effect of 3.00"));
    let wide = Estimate { value: -3.0, low: -7.0, high: f64::INFINITY };
    let none = text(&with(Grade::C, wide));
    assert!(
        none.contains("No effect shown (95% interval from \u{2212}7.00\u{a0}EUR to without end).")
    );
    assert!(none.contains("▶") && !none.contains("Shows an effect"));
    let page = with(Grade::E, clear);
    let described = text(&page);
    assert!(described.contains("What happened is described; why it did is not known."));
    assert!(described.contains("No picture of an estimate"));
    for never in ["an effect of", "Worth ", "\u{2212}3.00"] {
        assert!(!described.contains(never), "{never} is in a description");
    }
    assert!(page.contains("id=\"changes-1-1t\"") && !page.contains("id=\"estimates-1-1t\""));
}

#[test]
fn a_rollout_that_was_not_compared_yet_says_so() {
    let mut waiting = material();
    waiting.compared.clear();
    assert!(text(&english(&waiting)).contains("In the pipeline and not compared yet"));
}

#[test]
fn records_are_told_by_source_and_copies_for_all() {
    let told = text(&english(&material()));
    assert!(told.contains("all sources of events – – – – – 12"), "{told}");
    assert!(told.contains("bot 5,000 4,990 10 0 4,990 –"), "{told}");
    assert!(told.contains("bot bad_json 10"), "{told}");
    assert!(told.contains("kpi_daily 19 Nov 2026 4 1 2 80 20 Nov 2026 03:30"), "{told}");
}
