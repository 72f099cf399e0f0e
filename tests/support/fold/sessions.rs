//! From events to sessions, one key at a time over all history (§3.1, R5), and what each session
//! is (§3.5).

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::read::{Event, unknown};
use crate::support::calendar::{HOUR, plus};
use crate::support::chaos::World;

/// The session key: bot, channel, and the conversation or, where there is none, the user. The
/// flag keeps a conversation and a user with the same id apart.
pub type Key = (String, String, bool, String);

/// One session with everything that belongs to it.
#[derive(Debug)]
pub struct Session {
    pub key: Key,
    /// The first activity's instant and local date.
    pub start_us: i64,
    pub date: NaiveDate,
    pub is_continued: bool,
    pub timeout_us: i64,
    /// Its activities and the events attached to it, in order (§3.1).
    pub events: Vec<Event>,
    /// Surveys and answers within seven days of the start, in order (§3.6): others than those
    /// among `events`, which reach only to the next day.
    pub asked_and_answered: Vec<Event>,
}

/// §3.5, in the order in which they are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    Open,
    Unengaged,
    EscalatedConnected,
    EscalatedUnanswered,
    ResolvedConfirmed,
    ResolvedGoal,
    ResolvedAssumed,
    Abandoned,
}

/// Cuts every key's events into sessions.
pub fn build(world: &World, events: Vec<Event>) -> Vec<Session> {
    let mut keys: BTreeMap<Key, Vec<Event>> = BTreeMap::new();
    for event in events {
        let (is_user, id) = match (&event.conversation, &event.user) {
            (Some(conversation), _) => (false, conversation.clone()),
            (None, Some(user)) => (true, user.clone()),
            // Without a key an event belongs to no session (§3.1, `no_session`).
            (None, None) => continue,
        };
        let key = (event.bot.clone(), event.channel.clone(), is_user, id);
        keys.entry(key).or_default().push(event);
    }
    keys.into_iter().flat_map(|(key, events)| cut(world, key, events)).collect()
}

/// Walks one key's events in order and opens a session at every start.
fn cut(world: &World, key: Key, mut events: Vec<Event>) -> Vec<Session> {
    // §3.1: "Order by (ts, seq, event_id)".
    events.sort_by(|a, b| {
        (a.ts_us, a.seq, a.event_id.as_deref().unwrap_or_default()).cmp(&(
            b.ts_us,
            b.seq,
            b.event_id.as_deref().unwrap_or_default(),
        ))
    });
    let timeout_us = world.timeout_us(&key.1);
    let mut walk = Walk::default();
    let mut sessions: Vec<Session> = Vec::new();
    for event in events {
        if is_activity(&event) {
            if let Some(is_continued) = walk.start(&event, timeout_us) {
                sessions.push(Session {
                    key: key.clone(),
                    start_us: event.ts_us,
                    date: event.date,
                    is_continued,
                    timeout_us,
                    events: Vec::new(),
                    asked_and_answered: Vec::new(),
                });
            }
            let session = sessions.last_mut().expect("the first activity of a key is a start");
            session.events.push(event);
        } else {
            walk.pass(&event);
            attach(sessions.last_mut(), event);
        }
    }
    sessions
}

/// What the walk remembers of the key's past.
#[derive(Default)]
struct Walk {
    /// Instant and local date of the previous activity.
    previous: Option<(i64, NaiveDate)>,
    /// A marker came after the previous activity.
    marker: bool,
    /// The latest handoff with neither a marker nor a natural start after it. The latest is
    /// enough: it is the nearest in time, and the least lies between it and what follows.
    handoff: Option<i64>,
    natural_dates: BTreeSet<NaiveDate>,
}

impl Walk {
    /// Whether this activity starts a session: None, a natural start (false), or one that
    /// continues a chain (true).
    fn start(&mut self, event: &Event, timeout_us: i64) -> Option<bool> {
        // §3.1: first of its key, or a gap *strictly* greater than the timeout, or a marker.
        let cut = match self.previous {
            None => true,
            Some((previous_us, _)) => event.ts_us - previous_us > timeout_us || self.marker,
        };
        // §3.1, the exception: staff who answer at most 24 h after a handoff join its session.
        let joins = event.actor == "agent"
            && self.handoff.is_some_and(|handoff_us| event.ts_us - handoff_us <= 24 * HOUR);
        let is_natural = cut && !joins;

        // R5: the first activity of a local day starts a session too, where the day before had
        // no natural start. (The first activity of all, where it is a late agent, also: no day
        // before it had any.)
        let first_of_day = self.previous.is_none_or(|(_, date)| date != event.date);
        let yesterday = plus(event.date, -1);
        let is_continued = !is_natural && first_of_day && !self.natural_dates.contains(&yesterday);

        if is_natural {
            self.natural_dates.insert(event.date);
            self.handoff = None;
        }
        self.previous = Some((event.ts_us, event.date));
        self.marker = false;
        (is_natural || is_continued).then_some(is_continued)
    }

    /// An event that is no activity: it can only change where the next start is.
    fn pass(&mut self, event: &Event) {
        match event.kind.as_str() {
            "session_start" | "session_end" => {
                self.marker = true;
                self.handoff = None;
            }
            "handoff" => self.handoff = Some(event.ts_us),
            _ => {}
        }
    }
}

/// §3.1: an activity is a message of a user, a bot or an agent.
fn is_activity(event: &Event) -> bool {
    event.kind == "message" && event.actor != "system"
}

fn attach(session: Option<&mut Session>, event: Event) {
    let Some(session) = session else { return };
    // §3.6: answers and surveys count for satisfaction up to seven days after the start.
    let asks_or_answers = ["survey", "feedback"].contains(&event.kind.as_str());
    if asks_or_answers && event.ts_us - session.start_us <= 7 * 24 * HOUR {
        session.asked_and_answered.push(event.clone());
    }
    // §3.1 with R5: any event attaches to the latest start, within the reach of its own day: that
    // start lies on the event's local date or on the day before.
    if session.date == event.date || session.date == plus(event.date, -1) {
        session.events.push(event);
    }
}

impl Session {
    pub fn activities(&self) -> impl Iterator<Item = &Event> {
        self.events.iter().filter(|event| is_activity(event))
    }

    pub fn last_activity_us(&self) -> i64 {
        self.activities().last().map_or(self.start_us, |event| event.ts_us)
    }

    /// The value of a dimension: bot and channel are the key's, the others the first that one of
    /// the session's events names (§3.1, §3.13).
    pub fn dimension(&self, name: &str) -> String {
        let of_event: fn(&Event) -> Option<&String> = match name {
            "bot" => return self.key.0.clone(),
            "channel" => return self.key.1.clone(),
            "service" => |event| event.service.as_ref(),
            "locale" => |event| event.locale.as_ref(),
            "bot_version" => |event| event.bot_version.as_ref(),
            "variant" => |event| event.variant.as_ref(),
            other => unreachable!("no world has the dimension {other}"),
        };
        self.events.iter().find_map(of_event).cloned().unwrap_or_else(unknown)
    }

    /// §3.1: the first that a user's event names.
    pub fn user(&self) -> Option<&String> {
        self.events.iter().filter(|event| event.actor == "user").find_map(|e| e.user.as_ref())
    }

    /// §3.2: at least one user message.
    pub fn is_engaged(&self) -> bool {
        self.events.iter().any(|event| event.is_message_of("user"))
    }

    /// §3.1: the first activity is proactive.
    pub fn is_proactive(&self) -> bool {
        self.activities().next().is_some_and(|event| event.is_proactive)
    }

    /// §3.1: the place among `events` of the first handoff event, or of the first agent message
    /// after a user message, whichever comes first.
    pub fn handoff(&self) -> Option<usize> {
        let mut user_spoke = false;
        for (place, event) in self.events.iter().enumerate() {
            if event.kind == "handoff" || (user_spoke && event.is_message_of("agent")) {
                return Some(place);
            }
            user_spoke = user_spoke || event.is_message_of("user");
        }
        None
    }

    /// An agent spoke at the handoff or after it (§3.5, state 3; §3.6, handler).
    pub fn is_connected(&self) -> bool {
        self.handoff().is_some_and(|handoff| {
            self.events[handoff..].iter().any(|event| event.is_message_of("agent"))
        })
    }

    /// §3.2: whole milliseconds from the first activity to the last.
    pub fn session_ms(&self) -> i64 {
        (self.last_activity_us() - self.start_us) / 1000
    }

    /// §3.2: whole milliseconds from the first activity to the handoff, where there is one before
    /// the last activity.
    pub fn bot_ms(&self) -> i64 {
        let end_us = match self.handoff() {
            Some(handoff) => self.events[handoff].ts_us.min(self.last_activity_us()),
            None => self.last_activity_us(),
        };
        (end_us - self.start_us) / 1000
    }

    /// §3.5: the first state that matches.
    pub fn outcome(&self, watermark: i64) -> Outcome {
        // R6: the session may still go on.
        if self.last_activity_us() + self.timeout_us > watermark {
            Outcome::Open
        } else if !self.is_engaged() {
            Outcome::Unengaged
        } else if self.handoff().is_some() && self.is_connected() {
            Outcome::EscalatedConnected
        } else if self.handoff().is_some() {
            Outcome::EscalatedUnanswered
        } else if self.verdicts().last() == Some(&Verdict::Positive) {
            Outcome::ResolvedConfirmed
        } else if self.events.iter().any(|event| event.kind == "goal") {
            Outcome::ResolvedGoal
        } else if self.ended_well() {
            Outcome::ResolvedAssumed
        } else {
            Outcome::Abandoned
        }
    }

    /// What the answers say that decide an outcome, in order (§3.13, details).
    fn verdicts(&self) -> Vec<Verdict> {
        let answers = self.events.iter().filter(|event| event.kind == "feedback");
        answers
            .filter(|event| event.instrument.as_deref().is_some_and(decides))
            .filter_map(|event| verdict(event.instrument.as_deref()?, event.score?))
            .collect()
    }

    /// §3.5, state 6, one condition a line.
    fn ended_well(&self) -> bool {
        let last_user = self.events.iter().rposition(|event| event.is_message_of("user"));
        let Some(last_user) = last_user else { return false };
        let after_user = &self.events[last_user + 1..];
        let bot_messages = || self.events.iter().filter(|event| event.is_message_of("bot"));
        let closed_by = self.events.iter().rev().find_map(|event| event.closed_by.as_deref());

        bot_messages().any(|event| !event.is_fallback)
            && after_user.iter().any(|event| event.is_message_of("bot"))
            && bot_messages().next_back().is_some_and(|event| !event.is_fallback)
            && !after_user.iter().any(|event| event.kind == "error")
            && !self.verdicts().contains(&Verdict::Negative)
            && closed_by != Some("rule")
    }
}

/// What an answer says of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Positive,
    Neutral,
    Negative,
}

/// §3.13, details: only these three decide an outcome.
fn decides(instrument: &str) -> bool {
    ["helpful", "csat_5", "rating_10"].contains(&instrument)
}

/// §3.6: positive, neutral or negative on the instrument's scale. ces_7 has no such reading.
pub fn verdict(instrument: &str, score: i64) -> Option<Verdict> {
    let (positive, negative) = match instrument {
        "helpful" => (1, 0),
        "csat_5" => (4, 2),
        "rating_10" => (8, 4),
        "nps" => (9, 6),
        _ => return None,
    };
    Some(if score >= positive {
        Verdict::Positive
    } else if score <= negative {
        Verdict::Negative
    } else {
        Verdict::Neutral
    })
}
