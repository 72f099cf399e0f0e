//! What is refused, what is a test, what is a copy (R8), and what that does to the watermark (R6).

use super::*;
use crate::support::fold::history;

const D1: &str = "2026-03-02";
const D2: &str = "2026-03-03";

fn named(id: &str, event: RawEvent) -> RawEvent {
    RawEvent { event_id: Some(id.to_owned()), ..event }
}

/// The table of these objects, each a list of lines, seen in June.
fn of_objects(objects: &[(&str, Vec<Vec<u8>>)]) -> Table {
    let world = World::quiet(Tz::UTC, micros("2026-06-01T00:00:00Z"));
    let objects: Vec<(String, Vec<u8>)> =
        objects.iter().map(|(key, lines)| ((*key).to_owned(), lines.join(&b'\n'))).collect();
    Table(expected(&world, &objects))
}

#[test]
fn an_id_counts_once_a_day() {
    let table = table(vec![
        named("1", user("2026-03-02T10:00:00Z")),
        named("1", user("2026-03-02T10:05:00Z")),
        // Another day, another event.
        named("1", user("2026-03-03T10:00:00Z")),
    ]);
    assert_eq!(table.value(D1, "interactions"), Some(1.0));
    assert_eq!(table.value(D2, "interactions"), Some(1.0));
}

#[test]
fn without_an_id_the_whole_record_counts_once() {
    let table = table(vec![
        user("2026-03-02T10:00:00Z"),
        user("2026-03-02T10:00:00Z"),
        RawEvent { seq: Some(9), ..user("2026-03-02T10:00:00Z") },
    ]);
    assert_eq!(table.value(D1, "interactions"), Some(2.0));
}

#[test]
fn the_smallest_key_and_offset_survive() {
    let say = |actor| named("1", RawEvent::at("2026-03-02T10:00:00Z", actor, "message")).line();
    // "-10" comes before "-2", as text does.
    let table = of_objects(&[
        ("logs/events-2026-03-02-2.jsonl", vec![say("agent")]),
        ("logs/events-2026-03-02-10.jsonl", vec![say("user"), say("bot")]),
    ]);
    assert_eq!(table.value(D1, "messages_received"), Some(1.0));
    assert_eq!(table.value(D1, "messages_sent"), Some(0.0));
}

#[test]
fn a_test_hides_no_copy_and_makes_no_history() {
    let test = |event| RawEvent { is_test: Some(true), ..event };
    let mut world = World::quiet(Tz::UTC, micros("2026-06-01T00:00:00Z"));
    world.events = vec![
        test(user("2026-03-01T10:00:00Z")),
        test(named("1", user("2026-03-02T10:00:00Z"))),
        named("1", user("2026-03-02T10:00:00Z")),
        test(user("2026-03-04T10:00:00Z")),
    ];
    let objects = [one_object(&world)];
    assert_eq!(history(&world, &objects), Some((date(D1), date(D1))));
    let table = Table(expected(&world, &objects));
    assert_eq!(table.value("2026-03-01", "interactions"), None);
    assert_eq!(table.value(D1, "interactions"), Some(1.0));
    // The newest event is the message itself: its session is open.
    assert_eq!(table.value(D1, "sessions_open"), Some(1.0));
}

#[test]
fn numbers_and_strings_are_the_same_id() {
    let line = |id: &str, minute: i64| {
        format!(
            "{{\"ts\":\"2026-03-02T10:0{minute}:00+00:00\",\"actor\":\"user\",\
             \"type\":\"message\",\"user_id\":{id},\"mood\":1,\"service\":null}}"
        )
        .into_bytes()
    };
    let table = of_objects(&[("a", vec![line("7", 0), line("\"7\"", 1)])]);
    assert_eq!(table.value(D1, "sessions"), Some(1.0));
    assert_eq!(table.value(D1, "dau"), Some(1.0));
    assert!(table.cell(D1, "dau", ["unknown", "unknown", "unknown"]).is_some());
}

#[test]
fn bad_lines_leave_nothing() {
    let bad = [
        "",
        "{\"ts\":",
        "[]",
        "{\"ts\":\"2026-03-02T10:00:00\",\"actor\":\"user\",\"type\":\"message\",\"user_id\":1}",
        "{\"ts\":1772445600,\"actor\":\"user\",\"type\":\"message\",\"user_id\":1}",
        "{\"ts\":\"2026-03-02T10:00:00Z\",\"actor\":\"user\",\"type\":\"message\"}",
        "{\"ts\":\"2026-03-02T10:00:00Z\",\"actor\":\"cat\",\"type\":\"message\",\"user_id\":1}",
        "{\"ts\":\"2026-03-02T10:00:00Z\",\"actor\":\"user\",\"type\":\"purr\",\"user_id\":1}",
        "{\"ts\":\"2026-03-02T10:00:00Z\",\"actor\":\"user\",\"type\":\"message\",\"user_id\":1,\
         \"bot\":\"*\"}",
        "{\"ts\":\"2026-03-02T10:00:00Z\",\"actor\":\"user\",\"type\":\"feedback\",\"user_id\":1,\
         \"instrument\":\"csat_5\",\"score\":0}",
        "{\"ts\":\"1999-12-31T23:59:59Z\",\"actor\":\"user\",\"type\":\"message\",\"user_id\":1}",
    ];
    let lines = bad.iter().map(|line| line.as_bytes().to_vec()).collect();
    assert!(of_objects(&[("a", lines)]).0.is_empty());
}

#[test]
fn an_hour_past_as_of_is_the_limit() {
    let interactions = |ts| {
        let mut world = World::quiet(Tz::UTC, micros("2026-03-02T10:00:00Z"));
        world.events = vec![user(ts)];
        Table(expected(&world, &[one_object(&world)])).value(D1, "interactions")
    };
    assert_eq!(interactions("2026-03-02T11:00:00Z"), Some(1.0));
    assert_eq!(interactions("2026-03-02T11:00:00.000001Z"), None);
}

#[test]
fn a_source_that_completes_late_holds_the_watermark_back() {
    let open = |complete_after_us| {
        let mut world = World::quiet(Tz::UTC, micros("2026-03-02T12:00:00Z"));
        world.complete_after_us = complete_after_us;
        world.events =
            vec![user("2026-03-02T10:00:00Z"), RawEvent::bare(world.as_of_us, "system", "other")];
        Table(expected(&world, &[one_object(&world)])).value(D1, "sessions_open")
    };
    // Complete up to 10:00 only: the session may go on until 10:30.
    assert_eq!(open(Some(2 * 3_600_000_000)), Some(1.0));
    assert_eq!(open(None), Some(0.0));
}
