//! Small worlds whose answers can be worked out by hand.

use chrono::NaiveDate;

use crate::error::ErrorKind;
use crate::infer::{
    ALL, Cell, Change, Grade, Handler, Input, Investment, Measure, Row, WindowMeasure, compare,
};
use crate::interval::{Interval, plus};

pub const DATE: i64 = 56;
const DAYS: i64 = 126;

fn start() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 1, 5).expect("a date")
}

pub fn change(name: &str, at: i64, services: &[&str], controls: &[&str]) -> Change {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Change {
        name: name.to_owned(),
        date: plus(start(), at),
        services: owned(services),
        controls: owned(controls),
        has_holdout: false,
        pre_days: 56,
        ramp_days: 14,
        post_days: 56,
    }
}

fn cell(day: i64, service: &str, handler: Handler, services: i64, euros: i64) -> Cell {
    Cell {
        date: plus(start(), day),
        service: service.to_owned(),
        channel: if handler == Handler::Bot { "web" } else { "phone" }.to_owned(),
        handler,
        services,
        cost_micros: euros * 1_000_000,
        avoidable_micros: euros * 500_000,
    }
}

/// Ten services a day by people, at one price before the change and another from it on.
pub fn people(service: &str, before: i64, after: i64) -> Vec<Cell> {
    let price = |day| if day < DATE { before } else { after };
    let day = |day| cell(day, service, Handler::Human, 10, 10 * price(day));
    (0..DAYS).map(day).collect()
}

pub fn input(changes: Vec<Change>, cells: Vec<Vec<Cell>>) -> Input {
    Input {
        changes,
        history: Interval::new(start(), plus(start(), DAYS)),
        currency: "EUR".to_owned(),
        cells: cells.concat(),
        measures: Vec::new(),
        window_measures: Vec::new(),
        participants: Vec::new(),
        investments: Vec::new(),
    }
}

pub fn rows(input: &Input) -> Vec<Row> {
    compare(input).expect("a right input")
}

pub fn row<'a>(rows: &'a [Row], service: &str, metric: &str) -> &'a Row {
    let found = rows.iter().find(|row| row.service == service && row.metric == metric);
    found.unwrap_or_else(|| panic!("no {metric} of {service}"))
}

pub fn warns(row: &Row, words: &str) -> bool {
    row.warnings.iter().any(|warning| warning.contains(words))
}

#[test]
fn one_cut_over_with_controls_by_hand() {
    let mut input = input(
        vec![change("r", DATE, &["returns"], &["orders"])],
        vec![people("returns", 10, 8), people("orders", 5, 6)],
    );
    input.investments.push(Investment {
        rollout: "r".to_owned(),
        micros: 2_000_000_000,
        booked_after_micros: 0,
    });
    let rows = rows(&input);
    let cost = row(&rows, ALL, "cost_per_service");
    assert_eq!(
        (cost.grade, cost.is_final, cost.pre_days, cost.post_days),
        (Grade::C, true, 56, 56)
    );
    // -2 of its own, and 1 that the control says would have come on top. Nothing varies.
    let found = cost.estimate.expect("an estimate");
    assert!([found.value, found.low, found.high].iter().all(|v| (v + 3.0).abs() < 1e-9));
    assert_eq!((cost.difference(), cost.percent()), (Some(-2.0), Some(-20.0)));
    assert_eq!(cost.post_at_mix_before, Some(8.0));
    // Half of the cost is avoidable: rate -1, and as much from fixed costs that shrank.
    let effects = cost.effects.expect("both sides");
    assert_eq!((effects.rate, effects.mix, effects.volume), (-2_000_000, 0, 0));
    // 560 services after, each 3 cheaper; half of it cash.
    let saved = |metric| row(&rows, ALL, metric).estimate.expect("a saving").value;
    assert!((saved("saving_net") - 1680.0).abs() < 1e-6);
    assert!((saved("saving_gross") - 1680.0).abs() < 1e-6);
    assert!((saved("saving_cashable") - 840.0).abs() < 1e-6);
    assert!((saved("saving_capacity") - 840.0).abs() < 1e-6);
    // 2000 at 1680 in 56 days.
    let months = row(&rows, ALL, "payback_months").estimate.expect("it pays back").value;
    assert!((months - 2000.0 / 1680.0 * 56.0 / 30.4375).abs() < 1e-9);
    assert!(row(&rows, ALL, "placebo_in_time").estimate.expect("a placebo").holds_zero());
    assert_eq!(row(&rows, "returns", "cost_per_service").estimate, cost.estimate);
}

#[test]
fn under_eight_weeks_is_description_only() {
    let mut input = input(
        vec![change("r", DATE, &["returns"], &["orders"])],
        vec![people("returns", 10, 8), people("orders", 5, 6)],
    );
    input.history.end = plus(start(), DAYS - 1);
    let rows = rows(&input);
    let cost = row(&rows, ALL, "cost_per_service");
    assert_eq!((cost.grade, cost.is_final, cost.post_days), (Grade::E, false, 55));
    assert_eq!((cost.difference(), cost.estimate), (Some(-2.0), None));
    assert!(warns(cost, "not complete yet"));
    assert!(!rows.iter().any(|row| row.metric.starts_with("saving")));
}

#[test]
fn a_change_in_the_future_has_nothing_after() {
    let cells = vec![people("returns", 10, 10)];
    let rows = rows(&input(vec![change("r", DAYS + 10, &["returns"], &[])], cells));
    let cost = row(&rows, ALL, "cost_per_service");
    assert_eq!((cost.grade, cost.post_days, cost.post), (Grade::E, 0, None));
    assert_eq!(cost.pre_days, 46);
    assert!(warns(cost, "future"));
    assert_eq!(cost.difference(), None);
}

#[test]
fn a_service_without_days_before_is_told_and_left_out() {
    let new: Vec<Cell> =
        people("delivery", 0, 4).into_iter().filter(|c| c.date >= plus(start(), DATE)).collect();
    let rows = rows(&input(
        vec![change("r", DATE, &["delivery", "returns"], &["orders"])],
        vec![people("returns", 10, 8), people("orders", 5, 5), new],
    ));
    let own = row(&rows, "delivery", "cost_per_service");
    assert_eq!((own.grade, own.estimate, own.difference()), (Grade::E, None, None));
    assert!(warns(own, "`delivery` has no services before"));
    let all = row(&rows, ALL, "cost_per_service");
    assert_eq!(all.grade, Grade::C);
    assert!((all.estimate.expect("an estimate").value + 2.0).abs() < 1e-9);
    assert!(warns(all, "`delivery` has no services before"));
    // The plain difference does count it: 6 after against 10 before.
    assert_eq!(all.difference(), Some(-4.0));
}

#[test]
fn overlapping_changes_of_one_service_are_refused() {
    let both = vec![
        change("first", DATE, &["returns"], &[]),
        change("second", DATE + 60, &["orders", "returns"], &[]),
    ];
    let error = compare(&input(both, Vec::new())).expect_err("an overlap");
    assert_eq!(error.kind, ErrorKind::Config);
    let text = error.to_string();
    for words in ["service: returns", "first (2026-03-02)", "second (2026-05-01)", "cannot be told"]
    {
        assert!(text.contains(words), "{words} is not in {text}");
    }
    let apart = vec![
        change("first", DATE, &["returns"], &[]),
        change("second", DATE + 126, &["returns"], &[]),
    ];
    assert!(compare(&input(apart, Vec::new())).is_ok());
    let itself = vec![change("r", DATE, &["returns"], &["returns"])];
    assert!(compare(&input(itself, Vec::new())).is_err());
}

#[test]
fn staggered_rollouts_use_services_until_they_change() {
    // `later` rises by 1 with everybody, and falls by 9 when it is changed itself on day 105.
    let later: Vec<Cell> = people("later", 6, 7)
        .into_iter()
        .map(|c| {
            if c.date < plus(start(), 105) {
                c
            } else {
                Cell { cost_micros: 0, avoidable_micros: 0, ..c }
            }
        })
        .collect();
    let rows = rows(&input(
        vec![change("one", DATE, &["returns"], &[]), change("two", 105, &["later"], &["orders"])],
        vec![people("returns", 10, 8), later, people("orders", 5, 5)],
    ));
    let cost = row(&rows, "returns", "cost_per_service");
    assert_eq!(cost.grade, Grade::B);
    assert!((cost.estimate.expect("an estimate").value + 3.0).abs() < 1e-9);
    assert!(warns(cost, "only 35 of 56 days"));
    // A control that was changed before is no control.
    let again = vec![
        change("one", DATE - 30, &["orders"], &[]),
        change("two", DATE, &["returns"], &["orders"]),
    ];
    let rows = compare(&input(again, vec![people("returns", 10, 8), people("orders", 5, 5)]));
    let rows = rows.expect("a right input");
    let cost = row(&rows, "returns", "cost_per_service");
    assert_eq!(cost.grade, Grade::D);
    assert!(warns(cost, "`orders` was changed itself"));
}

#[test]
fn without_controls_the_answer_is_only_suggestive() {
    let rows =
        rows(&input(vec![change("r", DATE, &["returns"], &[])], vec![people("returns", 10, 8)]));
    let cost = row(&rows, ALL, "cost_per_service");
    assert_eq!(cost.grade, Grade::D);
    assert!(cost.method.starts_with("suggestive"));
    assert!((cost.estimate.expect("an estimate").value + 2.0).abs() < 1e-9);
}

#[test]
fn what_was_moving_before_is_told() {
    let mut moving = people("returns", 10, 8);
    moving.iter_mut().for_each(|c| {
        let day = (c.date - start()).num_days();
        c.cost_micros += day * day % 7 * 1000 + day * 400_000;
    });
    let rows = rows(&input(
        vec![change("r", DATE, &["returns"], &["orders"])],
        vec![moving, people("orders", 5, 5)],
    ));
    let cost = row(&rows, ALL, "cost_per_service");
    assert!(warns(cost, "already moving apart"));
    assert!(warns(cost, "inside the time before"));
    let trend = row(&rows, ALL, "pre_trend").estimate.expect("a slope").value;
    // 0.4 a day over ten services.
    assert!((trend - 0.28).abs() < 0.001, "{trend}");
}

#[test]
fn channels_and_controls_on_the_same_channel() {
    let bot = |service: &str, from: i64| -> Vec<Cell> {
        (from..DAYS).map(|day| cell(day, service, Handler::Bot, 10, 2)).collect()
    };
    let rows = rows(&input(
        vec![change("r", DATE, &["returns"], &["orders"])],
        vec![
            people("returns", 10, 10),
            people("orders", 5, 5),
            bot("returns", DATE),
            bot("orders", 0),
        ],
    ));
    let cost = row(&rows, ALL, "cost_per_service");
    assert!(warns(cost, "control service `orders` shares the treated channel web"));
    let phone = row(&rows, ALL, "cost_per_service_human_phone");
    assert_eq!(phone.post.and_then(crate::infer::Ratio::value), Some(10.0));
    // 0.2 for the bot, 10 on the phone.
    assert!((phone.estimate.expect("both").value + 9.8).abs() < 1e-9);
    let own = row(&rows, ALL, "cost_per_service_bot");
    assert_eq!((own.pre, own.estimate), (None, None));
    // As many again by the bot, and nobody less by people: no saving, and the average says 49 % less.
    assert!(warns(cost, "+100 % services a day"));
    // Half of the services are the bot's now: 10 becomes 5.1.
    assert!((cost.difference().expect("both sides") + 4.9).abs() < 1e-6);
}

#[test]
fn shared_costs_that_move_to_the_services_left_alone_are_told() {
    // Ten services a day by people each; half of the cost is shared.
    let found = |control_after| {
        let cells = vec![people("returns", 10, 8), people("orders", 6, control_after)];
        let rows = rows(&input(vec![change("r", DATE, &["returns"], &["orders"])], cells));
        let cost = row(&rows, ALL, "cost_per_service");
        let told = cost.warnings.iter().find(|warning| warning.contains("of shared cost"));
        (cost.estimate.expect("an estimate").value, told.cloned())
    };
    // -2 and 2 more: half of the 2 is shared.
    let (effect, told) = found(8);
    assert!((effect + 4.0).abs() < 1e-9);
    assert!(told.expect("a warning").starts_with("services left alone carry +1.00 of shared cost"));
    assert_eq!(found(6).1, None);
    // Cheaper controls make the effect smaller, not larger.
    assert_eq!(found(5).1, None);
}

#[test]
fn guardrails_are_before_and_after() {
    let mut input = input(
        vec![change("r", DATE, &["returns", "delivery"], &[])],
        vec![people("returns", 10, 8), people("delivery", 10, 8)],
    );
    for day in 0..DAYS {
        for service in ["returns", "delivery", "orders"] {
            input.measures.push(Measure {
                date: plus(start(), day),
                service: service.to_owned(),
                name: "human_aht_seconds".to_owned(),
                unit: "seconds".to_owned(),
                numerator: if day < DATE { 3000 } else { 3600 },
                denominator: 10,
                final_after_days: 1,
            });
        }
    }
    input.window_measures.push(WindowMeasure {
        rollout: "r".to_owned(),
        service: "returns".to_owned(),
        name: "contacts_per_customer".to_owned(),
        unit: "contacts".to_owned(),
        pre: (12, 10),
        post: (15, 10),
    });
    let rows = rows(&input);
    let handling = row(&rows, ALL, "human_aht_seconds");
    assert_eq!(handling.difference(), Some(60.0));
    assert_eq!(handling.pre.expect("a side").denominator, 1120.0);
    assert!((handling.estimate.expect("a change").value - 60.0).abs() < 1e-9);
    let contacts = row(&rows, "returns", "contacts_per_customer").difference();
    assert!((contacts.expect("both sides") - 0.3).abs() < 1e-9);
    assert!(!rows.iter().any(|r| r.service == ALL && r.metric == "contacts_per_customer"));
}

#[test]
fn an_empty_input_and_a_rollout_nobody_asks_for() {
    assert!(rows(&input(Vec::new(), Vec::new())).is_empty());
    let rows = rows(&input(vec![change("r", DATE, &["returns"], &["orders"])], Vec::new()));
    let cost = row(&rows, "returns", "cost_per_service");
    assert_eq!((cost.grade, cost.estimate, cost.effects), (Grade::E, None, None));
    assert!(warns(cost, "no services before") && warns(cost, "no services after"));
}
