//! Local days, days of 23 and 25 hours, and when a number is final (R3, R4, R7).

use super::*;

/// One message at each of these instants, each a conversation of its own.
fn messages(instants: &[&str]) -> Vec<RawEvent> {
    instants.iter().map(|ts| in_conversation(ts, user(ts))).collect()
}

#[test]
fn a_day_of_23_hours() {
    // Stockholm's 29 March 2026: from 23:00 UTC on the 28th (UTC+1) to 22:00 on the 29th (UTC+2).
    let table = table_at(
        Tz::Europe__Stockholm,
        messages(&[
            "2026-03-28T22:59:59.999999Z",
            "2026-03-28T23:00:00Z",
            "2026-03-29T21:59:59.999999Z",
            "2026-03-29T22:00:00Z",
        ]),
        "2026-04-01T00:00:00Z",
    );
    assert_eq!(table.value("2026-03-28", "interactions"), Some(1.0));
    assert_eq!(table.value("2026-03-29", "interactions"), Some(2.0));
    assert_eq!(table.value("2026-03-30", "interactions"), Some(1.0));
}

#[test]
fn a_day_of_25_hours() {
    // Stockholm's 25 October 2026: from 22:00 UTC on the 24th (UTC+2) to 23:00 on the 25th (UTC+1).
    let table = table_at(
        Tz::Europe__Stockholm,
        messages(&[
            "2026-10-24T21:59:59.999999Z",
            "2026-10-24T22:00:00Z",
            "2026-10-25T22:59:59.999999Z",
            "2026-10-25T23:00:00Z",
        ]),
        "2026-11-01T00:00:00Z",
    );
    assert_eq!(table.value("2026-10-24", "interactions"), Some(1.0));
    assert_eq!(table.value("2026-10-25", "interactions"), Some(2.0));
    assert_eq!(table.value("2026-10-26", "interactions"), Some(1.0));
}

#[test]
fn a_day_that_begins_at_one() {
    // São Paulo's 4 November 2018 had no hour 0: its 3rd ends, and its 4th begins, at 03:00 UTC.
    let status = |watermark| {
        let zone = Tz::America__Sao_Paulo;
        let table = table_at(zone, messages(&["2018-11-03T02:59:59Z"]), watermark);
        let cell = table.cell("2018-11-02", "interactions", ["*", "*", "*"]).expect("a message");
        cell.status.clone()
    };
    assert_eq!(status("2018-11-04T02:59:59.999999Z"), "provisional");
    assert_eq!(status("2018-11-04T03:00:00Z"), "final");
}

#[test]
fn final_at_the_end_of_the_next_local_day() {
    // 28 March is final when the 29th, of 23 hours, is over.
    let status = |watermark| {
        let zone = Tz::Europe__Stockholm;
        let table = table_at(zone, messages(&["2026-03-28T12:00:00Z"]), watermark);
        let cell = table.cell("2026-03-28", "sessions", ["*", "*", "*"]).expect("a session");
        cell.status.clone()
    };
    assert_eq!(status("2026-03-29T21:59:59.999999Z"), "provisional");
    assert_eq!(status("2026-03-29T22:00:00Z"), "final");
}

#[test]
fn answers_have_eight_days() {
    let status = |watermark| {
        let events =
            vec![user("2026-03-02T10:00:00Z"), answer("2026-03-02T10:01:00Z", "csat_5", 5)];
        let table = table_at(Tz::UTC, events, watermark);
        let cell = table.cell("2026-03-02", "csat", ["*", "*", "*"]).expect("an answer");
        cell.status.clone()
    };
    assert_eq!(status("2026-03-10T23:59:59.999999Z"), "provisional");
    assert_eq!(status("2026-03-11T00:00:00Z"), "final");
}

#[test]
fn a_session_over_midnight_is_one_of_the_first_day() {
    let table = table(vec![user("2026-03-02T23:55:00Z"), user("2026-03-03T00:10:00Z")]);
    assert_eq!(table.value("2026-03-02", "sessions"), Some(1.0));
    assert_eq!(table.value("2026-03-03", "sessions"), Some(0.0));
    assert_eq!(table.value("2026-03-02", "dau"), Some(1.0));
    assert_eq!(table.value("2026-03-03", "dau"), Some(1.0));
}
