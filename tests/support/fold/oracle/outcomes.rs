//! One state for each session, and the rates over them (§3.5, R6).

use super::*;

const D1: &str = "2026-03-02";

/// The one state that the one session of these events, on the first day, is in.
fn state(events: Vec<RawEvent>) -> String {
    let table = table(events);
    let states = [
        "open",
        "unengaged",
        "escalated_connected",
        "escalated_unanswered",
        "resolved_confirmed",
        "resolved_goal",
        "resolved_assumed",
        "abandoned",
    ];
    let hits: Vec<&str> = states
        .into_iter()
        .filter(|state| table.value(D1, &format!("sessions_{state}")) == Some(1.0))
        .collect();
    assert_eq!(hits.len(), 1, "{hits:?}");
    hits[0].to_owned()
}

/// A question and its answer, then what follows.
fn chat(rest: Vec<RawEvent>) -> Vec<RawEvent> {
    let mut events = vec![user("2026-03-02T10:00:00Z"), bot("2026-03-02T10:00:05Z")];
    events.extend(rest);
    events
}

fn fallback(ts: &str) -> RawEvent {
    RawEvent { is_fallback: Some(true), ..bot(ts) }
}

#[test]
fn each_state_has_its_session() {
    let at = "2026-03-02T10:01:00Z";
    assert_eq!(state(vec![bot(at)]), "unengaged");
    assert_eq!(state(chat(vec![agent(at)])), "escalated_connected");
    assert_eq!(state(chat(vec![system(at, "handoff")])), "escalated_unanswered");
    assert_eq!(state(chat(vec![answer(at, "helpful", 1)])), "resolved_confirmed");
    assert_eq!(state(chat(vec![system(at, "goal")])), "resolved_goal");
    assert_eq!(state(chat(vec![])), "resolved_assumed");
    assert_eq!(state(chat(vec![user(at)])), "abandoned");
}

#[test]
fn a_session_is_open_until_its_timeout_has_passed() {
    // The last activity is at 10:00:05: at 10:30:05 the session is over, not a microsecond sooner.
    let open = |watermark| {
        table_at(Tz::UTC, chat(vec![]), watermark).value(D1, "sessions_open") == Some(1.0)
    };
    assert!(open("2026-03-02T10:30:04.999999Z"));
    assert!(!open("2026-03-02T10:30:05Z"));
}

#[test]
fn an_open_session_is_in_no_rate() {
    let table = table_at(Tz::UTC, chat(vec![]), "2026-03-02T10:10:00Z");
    assert_eq!(table.value(D1, "sessions_engaged"), Some(1.0));
    assert_eq!(table.value(D1, "engagement_rate"), None);
    assert_eq!(table.value(D1, "avg_session_seconds"), None);
}

#[test]
fn only_the_first_state_that_matches_counts() {
    let (first, second) = ("2026-03-02T10:01:00Z", "2026-03-02T10:02:00Z");
    let both = |a, b| state(chat(vec![a, b]));
    assert_eq!(both(answer(first, "csat_5", 5), agent(second)), "escalated_connected");
    assert_eq!(both(answer(first, "csat_5", 4), system(second, "goal")), "resolved_confirmed");
    // The last answer decides: negative after positive confirms nothing, and assumes nothing.
    assert_eq!(both(answer(first, "csat_5", 5), answer(second, "helpful", 0)), "abandoned");
    assert_eq!(
        both(answer(first, "csat_5", 1), answer(second, "helpful", 1)),
        "resolved_confirmed"
    );
    // Neither good nor bad: 3 of 5 leaves it at the assumption.
    assert_eq!(both(answer(first, "csat_5", 3), system(second, "other")), "resolved_assumed");
    // Recommendation is another question: a 0 there is not negative here.
    assert_eq!(both(answer(first, "nps", 0), system(second, "other")), "resolved_assumed");
}

#[test]
fn an_agent_before_any_user_is_no_handoff() {
    let events = vec![
        agent("2026-03-02T09:59:00Z"),
        user("2026-03-02T10:00:00Z"),
        bot("2026-03-02T10:00:05Z"),
    ];
    assert_eq!(state(events), "resolved_assumed");
    // But one at the handoff's side counts as connected wherever the user speaks.
    let events = vec![
        agent("2026-03-02T09:59:00Z"),
        system("2026-03-02T09:59:01Z", "handoff"),
        agent("2026-03-02T09:59:02Z"),
        user("2026-03-02T10:00:00Z"),
    ];
    assert_eq!(state(events), "escalated_connected");
}

#[test]
fn an_agent_before_the_handoff_has_not_answered_it() {
    let events = vec![
        agent("2026-03-02T09:59:00Z"),
        system("2026-03-02T09:59:01Z", "handoff"),
        user("2026-03-02T10:00:00Z"),
    ];
    assert_eq!(state(events), "escalated_unanswered");
}

#[test]
fn a_handoff_after_the_last_word_takes_no_time_from_the_bot() {
    let table = table(chat(vec![system("2026-03-02T10:10:00Z", "handoff")]));
    assert_eq!(table.value(D1, "avg_session_seconds"), Some(5.0));
    assert_eq!(table.value(D1, "avg_bot_seconds"), Some(5.0));
}

#[test]
fn what_spoils_the_assumption() {
    let later = "2026-03-02T10:01:00Z";
    let rule = RawEvent { closed_by: Some("rule"), ..system(later, "session_end") };
    assert_eq!(state(chat(vec![rule.clone()])), "abandoned");
    // The last word on who closed it counts.
    let timeout =
        RawEvent { closed_by: Some("timeout"), ..system("2026-03-02T11:00:00Z", "session_end") };
    assert_eq!(state(chat(vec![rule, timeout])), "resolved_assumed");
    assert_eq!(state(chat(vec![system(later, "error")])), "abandoned");
    assert_eq!(state(chat(vec![fallback(later)])), "abandoned");
    // An error before the last question is forgiven.
    let recovered = chat(vec![
        system(later, "error"),
        user("2026-03-02T10:02:00Z"),
        bot("2026-03-02T10:02:01Z"),
    ]);
    assert_eq!(state(recovered), "resolved_assumed");
}

#[test]
fn later_events_attach_until_the_end_of_the_next_day() {
    let goal = |ts| state(chat(vec![user("2026-03-02T10:01:00Z"), system(ts, "goal")]));
    assert_eq!(goal("2026-03-03T23:59:59.999999Z"), "resolved_goal");
    assert_eq!(goal("2026-03-04T00:00:00Z"), "abandoned");
}

#[test]
fn rates_of_a_day_with_every_kind() {
    let one = |id, events: Vec<RawEvent>| {
        events.into_iter().map(move |event| in_conversation(id, event)).collect::<Vec<_>>()
    };
    let at = "2026-03-02T10:01:00Z";
    let hello = RawEvent { is_proactive: Some(true), ..bot(at) };
    let table = table(
        [
            one("1", vec![bot(at)]),
            one("2", vec![hello]),
            one("3", chat(vec![agent(at)])),
            one("4", chat(vec![answer(at, "helpful", 1)])),
            one("5", chat(vec![system(at, "goal")])),
            one("6", chat(vec![])),
            one("7", chat(vec![user(at)])),
            one("8", chat(vec![fallback(at)])),
        ]
        .concat(),
    );
    // 8 sessions closed; 1 and 2 unengaged, 2 proactive without a reply.
    let check = |metric: &str, numerator: f64, denominator: f64| {
        let cell = table.cell(D1, metric, ["*", "*", "*"]).expect(metric);
        assert_eq!((cell.numerator, cell.denominator), (numerator, denominator), "{metric}");
        assert_eq!(cell.n, denominator as i64, "{metric}");
    };
    check("engagement_rate", 6.0, 7.0);
    check("resolution_rate", 3.0, 6.0);
    check("resolution_rate_confirmed", 2.0, 6.0);
    check("resolution_rate_all", 3.0, 8.0);
    check("escalation_rate", 1.0, 6.0);
    check("containment_rate", 5.0, 6.0);
    check("abandon_rate", 2.0, 6.0);
    // Bot messages: one in 1, 2 and 3 to 7 each, two in 8; one is a fallback.
    check("fallback_rate", 1.0, 9.0);
    // Seconds: 60 in 3, 5 in 4, 5 and 6, 60 in 7 and in 8; up to the handoff, 60 in 3 too.
    check("avg_session_seconds", 195.0, 6.0);
    check("avg_bot_seconds", 195.0, 6.0);
}

#[test]
fn wilson_as_in_the_textbook() {
    let both = |id, rest| {
        chat(rest).into_iter().map(move |event| in_conversation(id, event)).collect::<Vec<_>>()
    };
    let table = table([both("1", vec![]), both("2", vec![user("2026-03-02T10:01:00Z")])].concat());
    let interval = |metric| {
        let cell = table.cell(D1, metric, ["*", "*", "*"]).expect("a rate of two sessions");
        (cell.ci_low.expect("a proportion"), cell.ci_high.expect("a proportion"))
    };
    let near = |a: f64, b: f64| (a - b).abs() < 5e-6;
    // z² = 3.841459. 1 of 2: centre 0.5, half 1.959964 × √(0.125 + 0.240091) / 2.920729.
    let (low, high) = interval("resolution_rate");
    assert!(near(low, 0.094_531) && near(high, 0.905_469), "{low} {high}");
    // 0 of 2: from 0 to z² / (2 + z²).
    let (low, high) = interval("escalation_rate");
    assert!(near(low, 0.0) && near(high, 0.657_620), "{low} {high}");
    // A count has none.
    let count = table.cell(D1, "sessions", ["*", "*", "*"]).expect("two sessions");
    assert_eq!((count.ci_low, count.ci_high, count.low_n), (None, None, true));
}
