//! What happens to a log on its way: copies, tests that borrow ids, broken lines, a clock that
//! stops early. The order of the steps matters: ties are settled once every event that differs is
//! there, and only then come the copies that must stay equal to the letter.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::World;
use super::record::RawEvent;
use super::rng::Rng;
use crate::support::calendar::{HOUR, MINUTE, local_date, utc_date};

const BAD: [&str; 22] = [
    "{\"ts\": \"2026-03-28T",
    "not json at all",
    "[1, 2]",
    "\"text\"",
    "{}",
    "{\"ts\":\"DAYT12:00:00Z\",\"actor\":\"user\"}",
    "{\"ts\":\"DAYT12:00:00Z\",\"type\":\"message\",\"user_id\":\"1\"}",
    "{\"actor\":\"user\",\"type\":\"message\",\"user_id\":\"1\"}",
    "{\"ts\":null,\"actor\":\"user\",\"type\":\"message\",\"user_id\":\"1\"}",
    "{\"ts\":\"DAYT12:00:00\",\"actor\":\"user\",\"type\":\"message\",\"user_id\":\"1\"}",
    "{\"ts\":1774700000,\"actor\":\"user\",\"type\":\"message\",\"user_id\":\"1\"}",
    "{\"ts\":\"DAYT12:00:00Z\",\"actor\":\"user\",\"type\":\"mesage\",\"user_id\":\"1\"}",
    "{\"ts\":\"DAYT12:00:00Z\",\"actor\":\"robot\",\"type\":\"message\",\"user_id\":\"1\"}",
    "{\"ts\":\"DAYT12:00:00Z\",\"actor\":\"user\",\"type\":\"message\",\"user_id\":\"1\",\"bot\":\"*\"}",
    "{\"ts\":\"DAYT12:00:00Z\",\"actor\":\"user\",\"type\":\"message\",\"user_id\":\"1\",\"service\":\"*\"}",
    "{\"ts\":\"DAYT12:00:00Z\",\"actor\":\"bot\",\"type\":\"message\",\"bot\":\"alfa\"}",
    "{\"ts\":\"DAYT12:00:00Z\",\"actor\":\"user\",\"type\":\"feedback\",\"user_id\":\"1\",\"score\":4}",
    "{\"ts\":\"DAYT12:00:00Z\",\"actor\":\"user\",\"type\":\"feedback\",\"user_id\":\"1\",\"instrument\":\"nps\"}",
    "{\"ts\":\"DAYT12:00:00Z\",\"actor\":\"user\",\"type\":\"feedback\",\"user_id\":\"1\",\"instrument\":\"csat_5\",\"score\":6}",
    "{\"ts\":\"DAYT12:00:00Z\",\"actor\":\"user\",\"type\":\"feedback\",\"user_id\":\"1\",\"instrument\":\"csat_5\",\"score\":4.5}",
    "{\"ts\":\"DAYT12:00:00Z\",\"actor\":\"user\",\"type\":\"feedback\",\"user_id\":\"1\",\"instrument\":\"stars\",\"score\":4}",
    "{\"ts\":\"1999-06-01T12:00:00Z\",\"actor\":\"user\",\"type\":\"message\",\"user_id\":\"1\"}",
];

/// Everything that goes wrong between the bot and the log.
pub fn afflict(world: &mut World, rng: &mut Rng) {
    reuse_ids_on_other_days(world, rng);
    borrow_ids_for_tests(world, rng);
    if world.conflicts {
        contradict(world, rng);
    }
    set_clock(world, rng);
    settle_ties(world, rng);
    repeat(world, rng);
    break_lines(world, rng);
}

/// An id is one event only within a local date: a copy on another day is an event of its own.
fn reuse_ids_on_other_days(world: &mut World, rng: &mut Rng) {
    let last = world.events.iter().map(|event| event.ts_us).max().unwrap_or(0);
    let mut copies = Vec::new();
    for event in world.events.iter().filter(|event| event.event_id.is_some()) {
        if !rng.chance(2) {
            continue;
        }
        let copy = RawEvent { ts_us: event.ts_us + 25 * HOUR, ..event.clone() };
        let day = |event: &RawEvent| local_date(world.zone, event.ts_us);
        if day(&copy) != day(event) && copy.ts_us <= last {
            copies.push(copy);
        }
    }
    world.events.extend(copies);
}

/// A test counts as a test before it can count as the copy that wins.
fn borrow_ids_for_tests(world: &mut World, rng: &mut Rng) {
    let mut copies = Vec::new();
    for event in &world.events {
        if rng.chance(2) {
            let mut copy = RawEvent { is_test: Some(true), ..event.clone() };
            if rng.chance(50) {
                copy.ts_us += rng.range(-MINUTE, MINUTE);
            }
            copies.push(copy);
        }
    }
    world.events.extend(copies);
}

/// Copies of one event that differ: in time, in key, in what they say.
fn contradict(world: &mut World, rng: &mut Rng) {
    let mut copies = Vec::new();
    for event in world.events.iter().filter(|event| event.event_id.is_some()) {
        if !rng.chance(4) {
            continue;
        }
        let mut copy = event.clone();
        match rng.range(0, 4) {
            0 => copy.ts_us += rng.range(-3 * HOUR, 3 * HOUR),
            1 => copy.user_id = Some("9".to_owned()),
            2 => copy.service = Some("parking"),
            3 => copy.conversation_id = Some("3".to_owned()),
            _ => (copy.actor, copy.kind) = ("bot", "other"),
        }
        copies.push(copy);
    }
    world.events.extend(copies);
}

/// The run may look at the log late, at once, or a little too early; one in six worlds holds an
/// event at the very limit of what may lie in the future, and one a microsecond past it.
fn set_clock(world: &mut World, rng: &mut Rng) {
    let newest = world.events.iter().map(|event| event.ts_us).max().unwrap_or(0);
    world.as_of_us = newest
        + match rng.range(0, 5) {
            0 => 0,
            1 => 1,
            2 => -rng.range(1, 59 * MINUTE),
            3 => rng.range(1, 3 * HOUR),
            _ => rng.range(24 * HOUR, 12 * 24 * HOUR),
        };
    world.complete_after_us = rng.chance(30).then_some(2 * HOUR);
    if rng.chance(16) {
        for (id, past) in [("edge", 0), ("over", 1)] {
            world.events.push(RawEvent {
                event_id: Some(id.to_owned()),
                conversation_id: Some("edge".to_owned()),
                ..RawEvent::bare(world.as_of_us + HOUR + past, "user", "message")
            });
        }
    }
}

/// Gives every event that shares its key and its microsecond with another a place of its own.
fn settle_ties(world: &mut World, rng: &mut Rng) {
    let mut meetings: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (position, event) in world.events.iter().enumerate() {
        let key = match (&event.conversation_id, &event.user_id) {
            (Some(conversation), _) => (0, conversation.clone()),
            (None, user) => (1, user.clone().unwrap_or_default()),
        };
        let bot = event.bot.unwrap_or("unknown");
        let channel = event.channel.unwrap_or("unknown");
        meetings.entry((event.ts_us, bot, channel, key)).or_default().push(position);
    }
    for mut meeting in meetings.into_values().filter(|meeting| meeting.len() > 1) {
        rng.shuffle(&mut meeting);
        let mut seq = rng.range(0, 3);
        let mut before: Option<usize> = None;
        for position in meeting {
            let ids = (
                before.and_then(|before| world.events[before].event_id.clone()),
                world.events[position].event_id.clone(),
            );
            let by_id = matches!(ids, (Some(before), Some(id)) if before != id);
            if by_id && rng.chance(30) {
                world.events[position].seq = Some(seq);
                before = None;
                continue;
            }
            seq += rng.range(1, 3);
            world.events[position].seq = Some(seq);
            before = Some(position);
        }
    }
}

/// The same record again, to the letter.
fn repeat(world: &mut World, rng: &mut Rng) {
    let mut copies = Vec::new();
    for event in &world.events {
        if rng.chance(5) {
            copies.push(event.clone());
        }
        if rng.chance(1) {
            copies.extend([event.clone(), event.clone()]);
        }
    }
    world.events.extend(copies);
}

/// A few lines that nobody can read.
fn break_lines(world: &mut World, rng: &mut Rng) {
    let dates: Vec<NaiveDate> = world.events.iter().map(|event| utc_date(event.ts_us)).collect();
    if dates.is_empty() {
        return;
    }
    for _ in 0..1 + dates.len() / 300 {
        let date = rng.pick(&dates);
        let line = if rng.chance(5) {
            b"{\"ts\":\"\xff\xfe\"}".to_vec()
        } else {
            rng.pick(&BAD).replace("DAY", &date.to_string()).into_bytes()
        };
        world.bad_lines.push((date, line));
    }
}
