//! One log line: JSON put together by hand, because a serializer would be most of the time.
//!
//! Texts given here are constants or generated ids, already fit for JSON; nothing is escaped.

use super::calendar::Calendar;
use super::delivery::Mark;
use super::world::{Bot, Channel};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Actor {
    User,
    Bot,
    Agent,
    System,
}

pub const ACTORS: [&str; 4] = ["user", "bot", "agent", "system"];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Type {
    Message,
    SessionStart,
    SessionEnd,
    Handoff,
    Goal,
    Feedback,
    Survey,
    Lead,
    Error,
    Other,
}

pub const TYPES: [&str; 10] = [
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

/// What all lines of one chat share, already rendered.
pub struct Thread {
    /// Unique among all threads of the demo.
    pub serial: u64,
    pub bot: Bot,
    pub channel: Channel,
    pub test: bool,
    pub guest: bool,
    /// Bot, channel, conversation and flags.
    pub common: Vec<u8>,
    /// Version; on the bot's lines.
    pub version: Vec<u8>,
    /// Service; on messages and what follows from them.
    pub service: Vec<u8>,
    /// User id, identity and locale; empty where nobody knows who it is.
    pub person: Vec<u8>,
    /// The platform names the user on every line, not on the user's alone.
    pub person_everywhere: bool,
    /// Lines written so far.
    pub lines: u64,
    /// Time of the last message.
    pub last: i64,
    /// Time of the first message; 0 before it.
    pub first: i64,
}

/// A line being written, and what the books need to know about it.
pub struct Line {
    pub bytes: Vec<u8>,
    pub at: i64,
    pub mark: Mark,
}

impl Line {
    pub fn new() -> Self {
        Line { bytes: Vec::with_capacity(1024), at: 0, mark: Mark::default() }
    }

    /// Begins a line of a thread at an instant.
    pub fn begin(
        &mut self,
        thread: &mut Thread,
        at: i64,
        actor: Actor,
        kind: Type,
        calendar: &Calendar,
    ) {
        self.bytes.clear();
        self.at = at;
        let marker = matches!(kind, Type::SessionStart | Type::SessionEnd);
        let named = actor == Actor::User || thread.person_everywhere;
        self.mark = Mark {
            bot: thread.bot as usize,
            channel: thread.channel as usize,
            actor: actor as usize,
            kind: kind as usize,
            test: thread.test,
            anonymous: named && thread.guest && !thread.person.is_empty(),
            nameless: !named || thread.person.is_empty(),
            proactive: false,
        };
        self.bytes.extend_from_slice(b"{\"event_id\":\"");
        push_number(&mut self.bytes, thread.serial);
        self.bytes.push(b'-');
        push_number(&mut self.bytes, thread.lines);
        self.bytes.extend_from_slice(b"\",\"ts\":\"");
        calendar.stamp(&mut self.bytes, at, thread.bot == Bot::Billing);
        self.bytes.push(b'"');
        if thread.bot == Bot::Shop {
            self.number("seq", thread.lines);
        }
        self.bytes.extend_from_slice(&thread.common);
        self.text("actor", ACTORS[actor as usize]);
        self.text("type", TYPES[kind as usize]);
        if named {
            self.bytes.extend_from_slice(&thread.person);
        }
        if actor == Actor::Bot {
            self.bytes.extend_from_slice(&thread.version);
        }
        if !marker {
            self.bytes.extend_from_slice(&thread.service);
        }
        thread.lines += 1;
        if kind == Type::Message {
            thread.last = at;
            if thread.first == 0 {
                thread.first = at;
            }
        }
    }

    pub fn text(&mut self, key: &str, value: &str) {
        push_text(&mut self.bytes, key, value);
    }

    pub fn number(&mut self, key: &str, value: u64) {
        push_key(&mut self.bytes, key);
        push_number(&mut self.bytes, value);
    }

    pub fn flag(&mut self, key: &str, value: bool) {
        push_key(&mut self.bytes, key);
        self.bytes.extend_from_slice(if value { b"true" } else { b"false" });
    }

    /// A number given in units of 10^-`places`.
    pub fn decimal(&mut self, key: &str, value: u64, places: u32) {
        push_key(&mut self.bytes, key);
        push_decimal(&mut self.bytes, value, places);
    }
}

/// `,"key":"value"`
pub fn push_text(out: &mut Vec<u8>, key: &str, value: &str) {
    push_key(out, key);
    out.push(b'"');
    out.extend_from_slice(value.as_bytes());
    out.push(b'"');
}

/// `,"key":`
pub fn push_key(out: &mut Vec<u8>, key: &str) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(b"\":");
}

pub fn push_number(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// `value` in units of 10^-`places`, with exactly that many digits after the point.
pub fn push_decimal(out: &mut Vec<u8>, value: u64, places: u32) {
    let unit = 10_u64.pow(places);
    push_number(out, value / unit);
    out.push(b'.');
    let mut digit = unit / 10;
    while digit > 0 {
        out.push(b'0' + (value / digit % 10) as u8);
        digit /= 10;
    }
}
