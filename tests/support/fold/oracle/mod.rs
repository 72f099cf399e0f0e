//! Trust in the oracle: small logs whose numbers are worked out by hand, and random ones that
//! must keep a few laws.

mod accepted;
mod beside;
mod cost;
mod days;
mod durability;
mod laws;
mod outcomes;
mod retention;
mod satisfaction;
mod sessions;
mod turns;
mod users;
mod windows;

use std::collections::BTreeMap;

use chrono::NaiveDate;
use chrono_tz::Tz;

use super::{Cell, Place, expected};
use crate::support::calendar::micros;
use crate::support::chaos::{RawEvent, World};

/// A `kpi_daily` to look things up in.
struct Table(BTreeMap<Place, Cell>);

impl Table {
    /// The value over all slices; None where there is no row.
    fn value(&self, day: &str, metric: &str) -> Option<f64> {
        self.cell(day, metric, ["*", "*", "*"]).map(|cell| cell.value)
    }

    fn cell(&self, day: &str, metric: &str, slice: [&str; 3]) -> Option<&Cell> {
        self.0.get(&(date(day), metric.to_owned(), slice.map(str::to_owned).to_vec()))
    }
}

/// The table of these events in UTC, seen long after the last of them.
fn table(events: Vec<RawEvent>) -> Table {
    table_at(Tz::UTC, events, "2026-06-01T00:00:00Z")
}

/// The same in a zone and with a watermark: an event without a key stands at it, so that it is
/// the newest.
fn table_at(zone: Tz, events: Vec<RawEvent>, watermark: &str) -> Table {
    let mut world = World::quiet(zone, micros(watermark));
    world.events = events;
    world.events.push(RawEvent::bare(world.as_of_us, "system", "other"));
    // Where ties are not settled by `seq`, the place in the object does it.
    Table(expected(&world, &[one_object(&world)]))
}

fn one_object(world: &World) -> (String, Vec<u8>) {
    let lines: Vec<Vec<u8>> = world.events.iter().map(RawEvent::line).collect();
    ("logs/events-2026-03-02-0.jsonl".to_owned(), lines.join(&b'\n'))
}

fn date(day: &str) -> NaiveDate {
    day.parse().expect("tests write dates")
}

fn user(ts: &str) -> RawEvent {
    RawEvent::at(ts, "user", "message")
}

fn bot(ts: &str) -> RawEvent {
    RawEvent::at(ts, "bot", "message")
}

fn agent(ts: &str) -> RawEvent {
    RawEvent::at(ts, "agent", "message")
}

fn system(ts: &str, kind: &'static str) -> RawEvent {
    RawEvent::at(ts, "system", kind)
}

fn answer(ts: &str, instrument: &'static str, score: i64) -> RawEvent {
    let (instrument, score) = (Some(instrument), Some(score));
    RawEvent { instrument, score, ..RawEvent::at(ts, "user", "feedback") }
}

fn survey(ts: &str, instrument: &'static str) -> RawEvent {
    RawEvent { instrument: Some(instrument), ..RawEvent::at(ts, "bot", "survey") }
}

/// The same event in another conversation.
fn in_conversation(id: &str, event: RawEvent) -> RawEvent {
    RawEvent { conversation_id: Some(id.to_owned()), ..event }
}

/// The same event of another user.
fn of_user(id: &str, event: RawEvent) -> RawEvent {
    RawEvent { user_id: Some(id.to_owned()), ..event }
}
