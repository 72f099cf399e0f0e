//! Who comes back, and who leaves with a question resolved (§3.4).

use super::*;

const D1: &str = "2026-03-02";
const ALL: [&str; 3] = ["*", "*", "*"];

fn of(id: &str, event: RawEvent) -> RawEvent {
    of_user(id, in_conversation(id, event))
}

/// Numerator and denominator; None where there is no row.
fn parts(table: &Table, day: &str, metric: &str, slice: [&str; 3]) -> Option<(f64, f64)> {
    table.cell(day, metric, slice).map(|cell| (cell.numerator, cell.denominator))
}

#[test]
fn a_cohort_of_three() {
    // u's question is answered; v comes back 7 days later, w after 30 days, and once more after 31.
    let table = table(vec![
        of("u", user("2026-03-02T10:00:00Z")),
        of("u", bot("2026-03-02T10:00:05Z")),
        of("v", user("2026-03-02T11:00:00Z")),
        of("v", user("2026-03-09T11:00:00Z")),
        of("w", user("2026-03-02T12:00:00Z")),
        of("w", user("2026-04-01T12:00:00Z")),
        of("w", user("2026-04-02T12:00:00Z")),
    ]);
    let all = |metric| parts(&table, D1, metric, ALL);
    assert_eq!(all("retention_d1"), Some((0.0, 3.0)));
    assert_eq!(all("retention_d7"), Some((1.0, 3.0)));
    assert_eq!(all("retention_d30"), Some((1.0, 3.0)));
    assert_eq!(all("returned_within_30"), Some((2.0, 3.0)));
    assert_eq!(all("completion_rate"), Some((1.0, 3.0)));
    assert_eq!(all("retention_30"), Some((3.0, 3.0)));
    // Nobody is first seen on the 9th.
    assert_eq!(parts(&table, "2026-03-09", "retention_d1", ALL), None);
}

#[test]
fn each_number_waits_for_its_days() {
    let told = |watermark, metric| {
        let events = vec![user("2026-03-02T10:00:00Z")];
        parts(&table_at(Tz::UTC, events, watermark), D1, metric, ALL).is_some()
    };
    assert!(!told("2026-03-03T23:59:59.999999Z", "retention_d1"));
    assert!(told("2026-03-04T00:00:00Z", "retention_d1"));
    assert!(told("2026-03-04T00:00:00Z", "completion_rate"));
    assert!(!told("2026-03-09T23:59:59.999999Z", "retention_d7"));
    assert!(told("2026-03-10T00:00:00Z", "retention_d7"));
    for metric in ["retention_d30", "returned_within_30", "retention_30"] {
        assert!(!told("2026-04-01T23:59:59.999999Z", metric), "{metric}");
        assert!(told("2026-04-02T00:00:00Z", metric), "{metric}");
    }
}

#[test]
fn a_slice_looks_at_itself_alone() {
    let sms = |event| RawEvent { channel: Some("sms"), ..event };
    let table = table(vec![user("2026-03-02T10:00:00Z"), sms(user("2026-03-03T10:00:00Z"))]);
    assert_eq!(parts(&table, D1, "retention_d1", ALL), Some((1.0, 1.0)));
    assert_eq!(parts(&table, D1, "retention_d1", ["*", "web", "*"]), Some((0.0, 1.0)));
    assert_eq!(parts(&table, D1, "retention_d1", ["*", "sms", "*"]), None);
    assert_eq!(parts(&table, "2026-03-03", "retention_d1", ["*", "sms", "*"]), Some((0.0, 1.0)));
}

#[test]
fn the_session_may_have_begun_the_day_before() {
    // v joins u's conversation after midnight, and then it is answered.
    let table = table(vec![
        user("2026-03-01T23:55:00Z"),
        of_user("v", user("2026-03-02T00:05:00Z")),
        bot("2026-03-02T00:05:05Z"),
    ]);
    assert_eq!(parts(&table, "2026-03-01", "completion_rate", ALL), Some((1.0, 1.0)));
    assert_eq!(parts(&table, D1, "completion_rate", ALL), Some((1.0, 1.0)));
}
