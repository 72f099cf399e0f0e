//! Turns and their latency (§3.7).

use super::*;

const D1: &str = "2026-03-02";

#[test]
fn latencies_and_percentiles() {
    let took = |latency_ms, event| RawEvent { latency_ms: Some(latency_ms), ..event };
    let table = table(vec![
        // One turn of two messages; nobody says how long it took: 2.500999 s from the second, so
        // 2,500 ms. The message of the system does not part them.
        user("2026-03-02T10:00:00Z"),
        system("2026-03-02T10:00:01Z", "message"),
        user("2026-03-02T10:00:05Z"),
        bot("2026-03-02T10:00:07.500999Z"),
        // The second bot message answers nobody.
        bot("2026-03-02T10:00:09Z"),
        // The user's record knows: 700 ms.
        took(700, user("2026-03-02T10:01:00Z")),
        bot("2026-03-02T10:01:10Z"),
        // The bot's knows better: 90 ms.
        took(700, user("2026-03-02T10:02:00Z")),
        took(90, bot("2026-03-02T10:02:10Z")),
        // Handed over before anybody answered, and what follows is no turn.
        user("2026-03-02T10:03:00Z"),
        system("2026-03-02T10:03:30Z", "handoff"),
        bot("2026-03-02T10:03:40Z"),
        user("2026-03-02T10:04:00Z"),
        bot("2026-03-02T10:04:01Z"),
    ]);
    let cell = |metric| table.cell(D1, metric, ["*", "*", "*"]).expect(metric);
    // 4 turns, 3 answered: 90, 700, 2500.
    assert_eq!(cell("response_time_ms").numerator, 3290.0);
    assert_eq!(cell("response_time_ms").denominator, 3.0);
    // Positions ceil(1.5) = 2, ceil(2.7) = ceil(2.85) = ceil(2.97) = 3.
    assert_eq!(cell("response_time_p50_ms").value, 700.0);
    assert_eq!(cell("response_time_p90_ms").value, 2500.0);
    assert_eq!(cell("response_time_p95_ms").value, 2500.0);
    assert_eq!(cell("response_time_p99_ms").value, 2500.0);
    assert_eq!(
        (cell("response_time_p50_ms").denominator, cell("response_time_p50_ms").n),
        (1.0, 3)
    );
    assert_eq!(
        (cell("unanswered_rate").numerator, cell("unanswered_rate").denominator),
        (1.0, 4.0)
    );
}

#[test]
fn a_whole_position_is_not_rounded_up() {
    // Ten turns, a minute apart, of 10, 20, .. 100 ms: p50 is the 5th, p90 the 9th, p95 the 10th.
    let turn = |number: i64| {
        let ask = user(&format!("2026-03-02T10:0{number}:00Z"));
        let reply = bot(&format!("2026-03-02T10:0{number}:01Z"));
        [ask, RawEvent { latency_ms: Some(10 * number + 10), ..reply }]
    };
    let table = table((0..10).rev().flat_map(turn).collect());
    assert_eq!(table.value(D1, "response_time_p50_ms"), Some(50.0));
    assert_eq!(table.value(D1, "response_time_p90_ms"), Some(90.0));
    assert_eq!(table.value(D1, "response_time_p95_ms"), Some(100.0));
    assert_eq!(table.value(D1, "unanswered_rate"), Some(0.0));
}

#[test]
fn a_turn_is_of_the_day_of_its_last_message() {
    let table = table(vec![
        user("2026-03-02T23:59:59Z"),
        user("2026-03-03T00:00:00Z"),
        agent("2026-03-03T00:00:05Z"),
    ]);
    assert_eq!(table.value(D1, "unanswered_rate"), None);
    assert_eq!(table.value("2026-03-03", "unanswered_rate"), Some(1.0));
    assert_eq!(table.value("2026-03-03", "response_time_ms"), None);
    assert_eq!(table.value("2026-03-03", "response_time_p50_ms"), None);
}

#[test]
fn the_answer_of_the_next_day_belongs_to_the_turn_of_this_one() {
    let table = table(vec![user("2026-03-02T23:59:59Z"), bot("2026-03-03T00:00:01Z")]);
    assert_eq!(table.value(D1, "response_time_ms"), Some(2000.0));
    assert_eq!(table.value("2026-03-03", "response_time_ms"), None);
}
