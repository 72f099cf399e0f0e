//! Scenes that the tables beside sessions need: leads at every distance from a session, minutes in
//! which many ask at once, and probes. They draw from a generator of their own, so that adding one
//! leaves the other scenes as they were.

use serde_json::json;

use super::record::{RawEvent, rfc3339};
use super::scenes::{Stage, Thread};
use crate::support::calendar::{HOUR, MINUTE, SECOND, day_start, plus};

const LEADS: [Option<&str>; 9] = [
    None,
    None,
    Some("l1"),
    Some("l2"),
    Some("l3"),
    Some("l4"),
    Some("17"),
    Some("18"),
    Some("19"),
];

/// A check of whether a bot answers.
#[derive(Clone, Debug, PartialEq)]
pub struct RawProbe {
    pub ts_us: i64,
    pub bot: Option<&'static str>,
    pub ok: bool,
    pub planned: bool,
}

impl RawProbe {
    pub fn line(&self) -> String {
        let ts = rfc3339(self.ts_us, 0, chrono::SecondsFormat::Micros);
        json!({"ts": ts, "bot": self.bot, "ok": self.ok, "planned": self.planned}).to_string()
    }
}

/// About a lead and half a rush a day.
pub fn play(stage: &mut Stage) {
    for _ in 0..2 * stage.days {
        lead(stage);
    }
    for _ in 0..1 + stage.days / 2 {
        rush(stage);
    }
}

/// A chat, perhaps, and a lead from at once to past a week later: in the chat, beside it, or by
/// somebody nobody knows.
fn lead(stage: &mut Stage) {
    let thread = if stage.rng.chance(50) { stage.fresh_thread() } else { stage.thread() };
    let start = stage.moment();
    let mut last = start;
    if stage.rng.chance(80) {
        let actor = stage.rng.pick(&["user", "user", "user", "bot"]);
        stage.say(&thread, start, actor);
        last += stage.rng.range(1, 20 * MINUTE);
        stage.say(&thread, last, "bot");
    }
    let after = match stage.rng.range(0, 9) {
        0 => thread.timeout_us,
        1 => thread.timeout_us + 1,
        2 => 7 * 24 * HOUR - (last - start),
        3 => 7 * 24 * HOUR - (last - start) + 1,
        4 | 5 => stage.rng.range(HOUR, 40 * HOUR),
        _ => stage.rng.range(0, 10 * MINUTE),
    };
    let of = match stage.rng.range(0, 5) {
        0 => Thread { conversation_id: None, ..thread.clone() },
        1 => stage.fresh_thread(),
        _ => thread,
    };
    let mut event = stage.event(&of, last + after, "user", "lead");
    event.lead_id = stage.rng.pick(&LEADS);
    event.lead_value = stage.rng.pick(&[None, Some(99.5), Some(0.000_001), Some(12.0)]);
    stage.events.push(event);
}

/// Four to eight users of one bot within a minute; some are answered, some too late, some meet an
/// error.
fn rush(stage: &mut Stage) {
    let now = stage.moment();
    let minute = now - now.rem_euclid(MINUTE);
    let bot = stage.rng.pick(&[Some("alfa"), None]);
    let luck = stage.rng.pick(&[20, 50, 80]);
    for _ in 0..stage.rng.range(4, 8) {
        let thread = Thread { bot, ..stage.fresh_thread() };
        let asked = minute + stage.rng.range(0, MINUTE - 1);
        stage.say(&thread, asked, "user");
        if stage.rng.chance(20) {
            stage.note(&thread, asked + SECOND / 2, "system", "error");
        }
        if stage.rng.chance(luck) {
            let wait = stage.rng.pick(&[0, SECOND, 10 * SECOND, 10 * SECOND + 1_000, 2 * MINUTE]);
            let event = stage.event(&thread, asked + wait, "bot", "message");
            stage.events.push(RawEvent { is_fallback: Some(false), ..event });
        }
        if stage.rng.chance(10) {
            stage.note(&thread, asked + 5 * MINUTE, "system", "error");
        }
    }
}

/// Probes of a bot that chats and of one that nobody talks to, by day and around midnight, with
/// gaps, failures, copies and moments that two probes share.
pub fn probes(stage: &mut Stage) -> Vec<RawProbe> {
    let mut probes = Vec::new();
    for day in 0..stage.days {
        let midnight = day_start(stage.zone(), plus(stage.first, day));
        for bot in [Some("alfa"), Some("silent"), None] {
            let mut now = midnight + stage.rng.range(-20 * MINUTE, 10 * HOUR);
            for _ in 0..stage.rng.range(0, 25) {
                let (ok, planned) = (!stage.rng.chance(25), stage.rng.chance(10));
                let probe = RawProbe { ts_us: now, bot, ok, planned };
                if stage.rng.chance(5) {
                    probes.push(probe.clone());
                }
                probes.push(probe);
                now += match stage.rng.range(0, 9) {
                    0 => 0,
                    1 => stage.rng.range(0, MINUTE),
                    2 => 5 * MINUTE,
                    3 => stage.rng.range(5 * MINUTE, 3 * HOUR),
                    _ => stage.rng.range(MINUTE, 7 * MINUTE),
                };
            }
        }
    }
    probes
}
