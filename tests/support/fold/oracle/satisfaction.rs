//! Surveys and answers (§3.6).

use super::*;
use crate::support::chaos::RawContact;
use crate::support::fold::{Answers, satisfaction};

const D1: &str = "2026-03-02";
const ALL: [&str; 3] = ["*", "*", "*"];

#[test]
fn the_last_answer_of_an_instrument_wins() {
    let table = table(vec![
        user("2026-03-02T10:00:00Z"),
        survey("2026-03-02T10:01:00Z", "csat_5"),
        survey("2026-03-02T10:02:00Z", "csat_5"),
        survey("2026-03-02T10:03:00Z", "nps"),
        answer("2026-03-02T10:04:00Z", "csat_5", 2),
        answer("2026-03-02T10:05:00Z", "csat_5", 5),
        // Nobody asked for this one: it counts, but answers no survey.
        answer("2026-03-02T10:06:00Z", "helpful", 0),
    ]);
    assert_eq!(table.value(D1, "csat"), Some(1.0));
    assert_eq!(table.value(D1, "helpful_rate"), Some(0.0));
    assert_eq!(table.value(D1, "nps"), None);
    // Asked for csat (answered) and nps (not): 1 of 2.
    let rate = table.cell(D1, "response_rate", ALL).expect("surveys were sent");
    assert_eq!((rate.numerator, rate.denominator), (1.0, 2.0));
}

#[test]
fn seven_days_and_not_a_microsecond_more() {
    let csat = |answered| {
        let events = vec![user("2026-03-02T10:00:00Z"), answer(answered, "csat_5", 4)];
        table(events).value(D1, "csat")
    };
    assert_eq!(csat("2026-03-09T10:00:00Z"), Some(1.0));
    assert_eq!(csat("2026-03-09T10:00:00.000001Z"), None);
}

#[test]
fn an_answer_goes_to_the_latest_session() {
    let table = table(vec![
        user("2026-03-02T10:00:00Z"),
        user("2026-03-04T10:00:00Z"),
        answer("2026-03-08T10:00:00Z", "csat_5", 4),
    ]);
    assert_eq!(table.value(D1, "csat"), None);
    assert_eq!(table.value("2026-03-04", "csat"), Some(1.0));
}

#[test]
fn promoters_less_detractors() {
    let one = |id, score| {
        [user("2026-03-02T10:00:00Z"), answer("2026-03-02T10:01:00Z", "nps", score)]
            .map(|event| in_conversation(id, event))
    };
    // 10 and 9 promote, 8 and 7 do neither, 6 detracts: 100 × (2 − 1) of 5.
    let table = table([one("1", 10), one("2", 9), one("3", 8), one("4", 7), one("5", 6)].concat());
    let nps = table.cell(D1, "nps", ALL).expect("five answers");
    assert_eq!((nps.numerator, nps.denominator, nps.value), (100.0, 5.0, 20.0));
    assert_eq!(nps.ci_low, None);
}

#[test]
fn ratings_from_eight() {
    let rating = |score| {
        let events =
            vec![user("2026-03-02T10:00:00Z"), answer("2026-03-02T10:01:00Z", "rating_10", score)];
        table(events).value(D1, "rating_satisfied")
    };
    assert_eq!(rating(8), Some(1.0));
    assert_eq!(rating(7), Some(0.0));
}

#[test]
fn handlers() {
    let mut world = World::quiet(Tz::UTC, micros("2026-06-01T00:00:00Z"));
    world.events = vec![
        user("2026-03-02T10:00:00Z"),
        agent("2026-03-02T10:00:10Z"),
        answer("2026-03-02T10:01:00Z", "csat_5", 2),
        in_conversation("alone", user("2026-03-02T10:00:00Z")),
        in_conversation("alone", survey("2026-03-02T10:00:10Z", "csat_5")),
    ];
    world.contacts = vec![RawContact {
        contact_id: "k".to_owned(),
        opened_us: micros("2026-03-02T12:00:00Z"),
        closed_us: micros("2026-03-03T12:00:00Z"),
        channel: "phone",
        service: None,
        user_id: None,
        handle_seconds: 60,
        resolved: true,
        answer: Some(("csat_5", 3)),
    }];
    let table = satisfaction(&world, &[one_object(&world)]);
    let row = |handler: &str, slice: [&str; 3]| {
        let slice = slice.map(str::to_owned).to_vec();
        table.get(&(date(D1), "csat_5".to_owned(), handler.to_owned(), slice)).cloned()
    };
    let none = Answers::default();
    let human = Answers { responses: 1, neutral: 1, ..none.clone() };
    assert_eq!(row("human_only", ["unknown", "phone", "unknown"]), Some(human));
    let both = Answers { responses: 1, negative: 1, ..none.clone() };
    assert_eq!(row("bot_then_human", ALL), Some(both));
    assert_eq!(row("bot_only", ALL), Some(Answers { surveys_sent: 1, ..none }));
}
