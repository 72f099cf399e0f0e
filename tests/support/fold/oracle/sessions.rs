//! Where sessions begin and what they hold (§3.1, R5).

use super::*;

const D1: &str = "2026-03-02";
const D2: &str = "2026-03-03";
const D3: &str = "2026-03-04";

#[test]
fn a_gap_of_exactly_the_timeout_stays_one_session() {
    let table = table(vec![user("2026-03-02T10:00:00Z"), user("2026-03-02T10:30:00Z")]);
    assert_eq!(table.value(D1, "sessions"), Some(1.0));
    assert_eq!(table.value(D1, "avg_session_seconds"), Some(1800.0));
}

#[test]
fn a_gap_one_microsecond_longer_makes_two() {
    let table = table(vec![user("2026-03-02T10:00:00Z"), user("2026-03-02T10:30:00.000001Z")]);
    assert_eq!(table.value(D1, "sessions"), Some(2.0));
    assert_eq!(table.value(D1, "avg_session_seconds"), Some(0.0));
}

#[test]
fn a_channel_has_its_own_timeout() {
    let whatsapp = |event| RawEvent { channel: Some("whatsapp"), ..event };
    // Two hours of silence stay one session there; a microsecond more does not.
    let table = table(vec![
        whatsapp(user("2026-03-02T10:00:00Z")),
        whatsapp(user("2026-03-02T12:00:00Z")),
        whatsapp(user("2026-03-02T14:00:00.000001Z")),
    ]);
    assert_eq!(table.value(D1, "sessions"), Some(2.0));
}

#[test]
fn markers_cut_and_are_no_activity() {
    // The message of the system is none either: alone it is no session.
    let table = table(vec![
        user("2026-03-02T10:00:00Z"),
        system("2026-03-02T10:01:00Z", "session_end"),
        user("2026-03-02T10:02:00Z"),
        system("2026-03-02T10:03:00Z", "session_start"),
        bot("2026-03-02T10:04:00Z"),
        in_conversation("other", system("2026-03-02T11:00:00Z", "message")),
    ]);
    assert_eq!(table.value(D1, "sessions"), Some(3.0));
    assert_eq!(table.value(D1, "sessions_engaged"), Some(2.0));
    assert_eq!(table.value(D1, "sessions_unengaged"), Some(1.0));
}

#[test]
fn equal_instants_go_by_seq_then_by_id() {
    let at = "2026-03-02T10:00:00Z";
    let place =
        |event, seq, id: &str| RawEvent { seq: Some(seq), event_id: Some(id.to_owned()), ..event };
    // In order: user, session_end, bot. So two sessions, the second without a user.
    let table = table(vec![
        place(bot(at), 2, "b"),
        place(system(at, "session_end"), 2, "a"),
        place(user(at), 1, "z"),
    ]);
    assert_eq!(table.value(D1, "sessions"), Some(2.0));
    assert_eq!(table.value(D1, "sessions_unengaged"), Some(1.0));
}

fn handed_over(rest: Vec<RawEvent>) -> Table {
    let mut events = vec![user("2026-03-02T10:00:00Z"), system("2026-03-02T10:05:00Z", "handoff")];
    events.extend(rest);
    table(events)
}

#[test]
fn an_agent_24_hours_after_the_handoff_joins() {
    let table = handed_over(vec![agent("2026-03-03T10:05:00Z")]);
    assert_eq!(table.value(D1, "sessions"), Some(1.0));
    assert_eq!(table.value(D1, "sessions_escalated_connected"), Some(1.0));
    // 24 h 5 min, of which the bot had five minutes.
    assert_eq!(table.value(D1, "avg_session_seconds"), Some(86_700.0));
    assert_eq!(table.value(D1, "avg_bot_seconds"), Some(300.0));
    // The agent's message is an activity of the second day: a row of zeros, but no outcome.
    assert_eq!(table.value(D2, "sessions"), Some(0.0));
    assert_eq!(table.value(D2, "sessions_unengaged"), None);
}

#[test]
fn an_agent_one_microsecond_later_does_not() {
    let table = handed_over(vec![agent("2026-03-03T10:05:00.000001Z")]);
    assert_eq!(table.value(D1, "sessions_escalated_unanswered"), Some(1.0));
    assert_eq!(table.value(D2, "sessions_unengaged"), Some(1.0));
}

#[test]
fn a_marker_or_a_natural_start_in_between_keeps_the_agent_out() {
    let marker = handed_over(vec![
        system("2026-03-02T10:10:00Z", "session_end"),
        agent("2026-03-03T08:00:00Z"),
    ]);
    assert_eq!(marker.value(D1, "sessions_escalated_unanswered"), Some(1.0));
    assert_eq!(marker.value(D2, "sessions"), Some(1.0));

    let start = handed_over(vec![user("2026-03-02T20:00:00Z"), agent("2026-03-03T08:00:00Z")]);
    assert_eq!(start.value(D1, "sessions"), Some(2.0));
    assert_eq!(start.value(D2, "sessions"), Some(1.0));
}

#[test]
fn an_agent_who_joined_is_in_nobodys_way() {
    // Both join the session of the handoff, ten and twenty hours after it.
    let table = handed_over(vec![agent("2026-03-02T20:05:00Z"), agent("2026-03-03T06:05:00Z")]);
    assert_eq!(table.value(D1, "sessions"), Some(1.0));
    assert_eq!(table.value(D2, "sessions"), Some(0.0));
}

#[test]
fn an_agent_with_only_a_handoff_before_has_a_session_all_the_same() {
    let table = table(vec![
        system("2026-03-02T10:00:00Z", "handoff"),
        agent("2026-03-02T12:00:00Z"),
        // 13 h later, still within the day after the handoff, and the first of its day: the day
        // before had no natural start, so this is a session of its own.
        agent("2026-03-03T01:00:00Z"),
    ]);
    assert_eq!(table.value(D1, "sessions"), Some(1.0));
    assert_eq!(table.value(D2, "sessions"), Some(1.0));
}

#[test]
fn a_chain_of_three_days_is_a_session_of_two_and_one_of_one() {
    // A message every 20 minutes from 23:00 on day 1 to 00:40 on day 3.
    let start = micros("2026-03-02T23:00:00Z");
    let end = micros("2026-03-04T00:40:00Z");
    let events = (start..=end).step_by(20 * 60 * 1_000_000);
    let table =
        table(events.map(|ts_us| RawEvent { ts_us, ..user("2026-03-02T00:00:00Z") }).collect());
    // Day 1 has its natural start, day 2 goes on with it, day 3 begins anew.
    assert_eq!(table.value(D1, "sessions"), Some(1.0));
    assert_eq!(table.value(D2, "sessions"), Some(0.0));
    assert_eq!(table.value(D3, "sessions"), Some(1.0));
    // 23:00, 23:20, 23:40; three an hour all day; 00:00, 00:20, 00:40.
    assert_eq!(table.value(D1, "interactions"), Some(3.0));
    assert_eq!(table.value(D2, "interactions"), Some(72.0));
    assert_eq!(table.value(D3, "interactions"), Some(3.0));
    // 23:00 to 23:40 the day after: 24 h 40 min. 00:00 to 00:40.
    assert_eq!(table.value(D1, "avg_session_seconds"), Some(88_800.0));
    assert_eq!(table.value(D3, "avg_session_seconds"), Some(2_400.0));
}

#[test]
fn conversations_and_users_of_one_id_are_two_keys() {
    let table = table(vec![
        in_conversation("7", user("2026-03-02T10:00:00Z")),
        RawEvent { conversation_id: None, ..of_user("7", user("2026-03-02T10:00:01Z")) },
    ]);
    assert_eq!(table.value(D1, "sessions"), Some(2.0));
}

#[test]
fn a_slice_takes_the_first_service_that_is_named() {
    let service = |name, event| RawEvent { service: Some(name), ..event };
    // The first message names none; the error names billing before the last message names tax.
    let table = table(vec![
        user("2026-03-02T10:00:00Z"),
        service("billing", system("2026-03-02T10:00:01Z", "error")),
        service("tax", bot("2026-03-02T10:00:02Z")),
    ]);
    for slice in
        [["*", "*", "*"], ["b", "*", "billing"], ["*", "web", "*"], ["b", "web", "billing"]]
    {
        let cell = table.cell(D1, "interactions", slice).expect("the slice has a row");
        assert_eq!((cell.value, cell.n), (1.0, 1));
    }
    assert!(table.cell(D1, "interactions", ["b", "web", "tax"]).is_none());
    assert!(table.cell(D1, "interactions", ["b", "web", "unknown"]).is_none());
}
