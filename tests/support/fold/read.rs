//! From the bytes of objects to accepted events: refuse, leave out tests, leave out copies (R8).

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate};
use serde_json::Value;

use crate::support::calendar::{HOUR, local_date, local_hour, micros};
use crate::support::chaos::World;

/// An accepted event, as far as the oracle's numbers need it.
#[derive(Clone, Debug)]
pub struct Event {
    pub ts_us: i64,
    /// The record's own `seq`, else its position in its object.
    pub seq: i64,
    pub event_id: Option<String>,
    /// The local date.
    pub date: NaiveDate,
    /// Of the local clock.
    pub hour: u32,
    pub bot: String,
    pub channel: String,
    pub conversation: Option<String>,
    pub user: Option<String>,
    /// As written; None where the record says nothing.
    pub identity_kind: Option<String>,
    pub service: Option<String>,
    pub locale: Option<String>,
    pub bot_version: Option<String>,
    pub variant: Option<String>,
    pub actor: String,
    pub kind: String,
    pub intent: Option<String>,
    pub is_fallback: bool,
    pub latency_ms: Option<i64>,
    pub closed_by: Option<String>,
    pub instrument: Option<String>,
    pub score: Option<i64>,
    pub reason: Option<String>,
    pub lead_id: Option<String>,
    pub lead_value_micros: i64,
    pub is_proactive: bool,
    pub cost_micros: i64,
    is_test: bool,
}

impl Event {
    pub fn is_message_of(&self, actor: &str) -> bool {
        self.kind == "message" && self.actor == actor
    }
}

/// What makes two records the same event (R8): the id within a local date, else the whole record.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Identity {
    Id(NaiveDate, String),
    Record(NaiveDate, Vec<u8>),
}

/// The accepted events, in no order that means anything.
pub fn accepted(world: &World, objects: &[(String, Vec<u8>)]) -> Vec<Event> {
    // R8: "the copy with the smallest (object key, offset) is kept". Walking objects by key and
    // lines from the top, that is the first copy met.
    let mut by_key: Vec<&(String, Vec<u8>)> = objects.iter().collect();
    by_key.sort_by(|a, b| a.0.cmp(&b.0));
    let mut seen = BTreeSet::new();
    let mut events = Vec::new();
    for (_, bytes) in by_key {
        for (position, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            let line = line.trim_ascii();
            // R8, precedence: quarantined, then test, then duplicate.
            let Some(event) = decode(world, line, position as i64) else { continue };
            if event.is_test {
                continue;
            }
            let identity = match &event.event_id {
                Some(id) => Identity::Id(event.date, id.clone()),
                None => Identity::Record(event.date, line.to_vec()),
            };
            if seen.insert(identity) {
                events.push(event);
            }
        }
    }
    events
}

/// R6: the smaller of as-of and the newest accepted event; a log that says when it is complete needs
/// no event to prove it, so its silence counts too.
pub fn watermark(world: &World, events: &[Event]) -> i64 {
    if let Some(after) = world.complete_after_us {
        return world.as_of_us - after;
    }
    let newest = events.iter().map(|event| event.ts_us).max().unwrap_or(world.as_of_us);
    world.as_of_us.min(newest)
}

/// One line as an event; None where the contract quarantines it (or it is blank).
fn decode(world: &World, line: &[u8], position: i64) -> Option<Event> {
    let record: Value = serde_json::from_slice(line).ok()?;
    let record = record.as_object()?;
    let text = |key: &str| record.get(key).and_then(Value::as_str).map(str::to_owned);
    let flag = |key: &str| record.get(key).and_then(Value::as_bool).unwrap_or(false);
    let number = |key: &str| record.get(key).and_then(Value::as_i64);
    let id = |key: &str| id(record.get(key)?);
    let money = |key: &str| record.get(key).and_then(Value::as_f64).map_or(0, micros_of);

    let ts_us = DateTime::parse_from_rfc3339(&text("ts")?).ok()?.timestamp_micros();
    let floor = micros("2000-01-01T00:00:00Z");
    if ts_us < floor || ts_us > world.as_of_us + HOUR {
        return None;
    }
    let actor = text("actor")?;
    let kind = text("type")?;
    if !["user", "bot", "agent", "system"].contains(&actor.as_str()) || !is_kind(&kind) {
        return None;
    }
    let dimensions = ["bot", "channel", "service", "locale", "bot_version", "variant"];
    if dimensions.iter().any(|key| text(key).as_deref() == Some("*")) {
        return None;
    }
    let (conversation, user) = (id("conversation_id"), id("user_id"));
    if kind == "message" && conversation.is_none() && user.is_none() {
        return None;
    }
    let instrument = text("instrument");
    let score = score(instrument.as_deref(), record.get("score"))?;
    if kind == "feedback" && (instrument.is_none() || score.is_none()) {
        return None;
    }
    Some(Event {
        ts_us,
        seq: number("seq").unwrap_or(position),
        event_id: id("event_id"),
        date: local_date(world.zone, ts_us),
        hour: local_hour(world.zone, ts_us),
        bot: text("bot").unwrap_or_else(unknown),
        channel: text("channel").unwrap_or_else(unknown),
        conversation,
        user,
        identity_kind: text("identity_kind"),
        service: text("service"),
        locale: text("locale"),
        bot_version: text("bot_version"),
        variant: text("variant"),
        actor,
        kind,
        intent: text("intent"),
        is_fallback: flag("is_fallback"),
        latency_ms: number("latency_ms"),
        closed_by: text("closed_by"),
        instrument,
        score,
        reason: text("reason"),
        lead_id: id("lead_id"),
        lead_value_micros: money("lead_value"),
        is_proactive: flag("is_proactive"),
        cost_micros: money("cost_amount"),
        is_test: flag("is_test"),
    })
}

/// What stands for a dimension that is missing (§1, slices).
pub fn unknown() -> String {
    "unknown".to_owned()
}

fn micros_of(amount: f64) -> i64 {
    (amount * 1e6).round() as i64
}

fn is_kind(kind: &str) -> bool {
    let kinds = [
        "message",
        "session_start",
        "session_end",
        "handoff",
        "goal",
        "feedback",
        "survey",
        "lead",
        "error",
        "other",
    ];
    kinds.contains(&kind)
}

/// "Numeric and string ids are the same id" (§1).
fn id(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A whole number on the instrument's scale (§3.6). The outer None means: quarantine.
fn score(instrument: Option<&str>, value: Option<&Value>) -> Option<Option<i64>> {
    let scale = match instrument {
        None => i64::MIN..=i64::MAX,
        Some("csat_5") => 1..=5,
        Some("rating_10" | "nps") => 0..=10,
        Some("helpful") => 0..=1,
        Some("ces_7") => 1..=7,
        Some(_) => return None,
    };
    match value {
        None | Some(Value::Null) => Some(None),
        Some(value) => {
            let score = value.as_f64().filter(|score| score.fract() == 0.0)? as i64;
            scale.contains(&score).then_some(Some(score))
        }
    }
}
