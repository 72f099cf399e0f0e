//! Laws that the oracle must keep on random logs, and proof that these logs are adverse enough.

use std::collections::BTreeSet;

use super::*;
use crate::support::calendar::HOUR;
use crate::support::chaos::{PLACES, world};
use crate::support::fold::read::{Event, accepted, watermark};
use crate::support::fold::sessions::{Outcome, Session, build};

fn worlds(seeds: std::ops::Range<u64>) -> impl Iterator<Item = World> {
    seeds.map(|seed| {
        let (zone, start) = PLACES[seed as usize % PLACES.len()];
        world(seed, 5, date(start), zone)
    })
}

#[test]
fn a_seed_is_the_same_log_for_ever() {
    let log = |split| {
        let mut objects = world(6, 3, date("2026-03-27"), Tz::Europe__Stockholm).objects(split);
        objects.sort();
        objects
    };
    assert_eq!(log(1), log(1));
    assert_ne!(log(1), log(2));
}

#[test]
fn a_contacts_file_has_a_row_for_each() {
    let world = world(6, 3, date("2026-03-27"), Tz::Europe__Stockholm);
    let csv = world.contacts_csv();
    let fields = |line: &str| line.split(',').count();
    assert_eq!(csv.lines().count(), 1 + world.contacts.len());
    assert!(world.contacts.iter().any(|contact| contact.answer.is_some()));
    assert!(csv.starts_with("contact_id,opened_ts,") && csv.lines().all(|line| fields(line) == 12));
}

#[test]
fn how_a_log_is_cut_changes_nothing() {
    for world in worlds(0..14).filter(|world| !world.conflicts) {
        let table = expected(&world, &world.objects(1));
        assert!(!table.is_empty());
        for split in [2, 3] {
            assert_eq!(table, expected(&world, &world.objects(split)));
        }
    }
}

#[test]
fn states_sum_to_sessions_and_rates_lie_in_their_intervals() {
    for world in worlds(0..14) {
        let table = expected(&world, &world.objects(1));
        for ((day, metric, slice), cell) in &table {
            let get = |metric: &str| {
                table.get(&(*day, metric.to_owned(), slice.clone())).map_or(0.0, |cell| cell.value)
            };
            if metric == "sessions" {
                let states: f64 = [
                    "open",
                    "unengaged",
                    "escalated_connected",
                    "escalated_unanswered",
                    "resolved_confirmed",
                    "resolved_goal",
                    "resolved_assumed",
                    "abandoned",
                ]
                .map(|state| get(&format!("sessions_{state}")))
                .iter()
                .sum();
                assert_eq!(cell.value, states);
            }
            if metric == "dau" {
                assert_eq!(cell.value, get("new_users") + get("returning_users"));
            }
            if let (Some(low), Some(high)) = (cell.ci_low, cell.ci_high) {
                assert!(low - 1e-12 <= cell.value && cell.value <= high + 1e-12, "{metric}");
            }
        }
    }
}

#[test]
fn every_activity_is_in_one_session_of_its_day_or_the_day_before() {
    for world in worlds(0..14) {
        let events = accepted(&world, &world.objects(1));
        let is_keyed = |event: &Event| event.conversation.is_some() || event.user.is_some();
        assert!(events.iter().filter(|event| event.kind == "message").all(is_keyed));
        let spoken = |actor: &str| events.iter().filter(|event| event.is_message_of(actor)).count();
        let total = spoken("user") + spoken("bot") + spoken("agent");
        let sessions = build(&world, events.clone());
        let held: usize = sessions.iter().map(|session| session.activities().count()).sum();
        assert_eq!(total, held);
        for session in &sessions {
            let next = session.date.succ_opt().expect("not the last day of all");
            assert!(session.activities().all(|e| e.date == session.date || e.date == next));
        }
    }
}

#[test]
fn random_logs_meet_every_rule() {
    let mut outcomes: BTreeSet<Outcome> = BTreeSet::new();
    let mut met: BTreeSet<&str> = BTreeSet::new();
    for world in worlds(0..14) {
        let objects = world.objects(1);
        let events = accepted(&world, &objects);
        let at = watermark(&world, &events);
        let sessions = build(&world, events);
        outcomes.extend(sessions.iter().map(|session| session.outcome(at)));
        met.extend(sessions.iter().flat_map(features));
        met.extend(world.complete_after_us.map(|_| "complete_after"));
        let statuses = expected(&world, &objects).into_values().map(|cell| cell.status);
        let finals = statuses.filter(|status| status == "final").count();
        met.extend((finals > 0).then_some("final"));
        let lines: usize = objects.iter().map(|(_, b)| b.split(|b| *b == b'\n').count()).sum();
        assert!(world.bad_lines.len() * 150 < lines, "bad records stay rare");
    }
    assert_eq!(outcomes.len(), 8, "{outcomes:?}");
    let wanted = [
        "a continued chain",
        "a late agent",
        "a silence of just the timeout",
        "a start by the bot",
        "a tie",
        "a user as key",
        "an answer past the reach",
        "complete_after",
        "final",
        "no service",
        "over midnight",
    ];
    assert_eq!(met.into_iter().collect::<Vec<_>>(), wanted);
}

/// The rules that this session was cut and counted by.
fn features(session: &Session) -> Vec<&'static str> {
    let activities: Vec<&Event> = session.activities().collect();
    let gaps: Vec<i64> = activities.windows(2).map(|pair| pair[1].ts_us - pair[0].ts_us).collect();
    let answers = &session.asked_and_answered;
    let marks = [
        (session.is_continued && activities.len() > 1, "a continued chain"),
        (gaps.iter().any(|gap| *gap > session.timeout_us), "a late agent"),
        (gaps.contains(&session.timeout_us), "a silence of just the timeout"),
        (session.is_proactive(), "a start by the bot"),
        (gaps.contains(&0), "a tie"),
        (session.key.2, "a user as key"),
        (
            answers.iter().any(|e| e.ts_us - session.start_us > 48 * HOUR),
            "an answer past the reach",
        ),
        (session.dimension("service") == "unknown", "no service"),
        (activities.iter().any(|event| event.date != session.date), "over midnight"),
    ];
    marks.into_iter().filter_map(|(is_met, name)| is_met.then_some(name)).collect()
}
