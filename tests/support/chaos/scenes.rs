//! The stage on which the scenes of `script` play: who talks where, when, and in which words.

use chrono::{NaiveDate, Offset, TimeZone};
use chrono_tz::Tz;

use super::record::{RawContact, RawEvent, Style};
use super::rng::Rng;
use super::{World, script};
use crate::support::calendar::{HOUR, MINUTE, SECOND, day_start, plus};

pub const INSTRUMENTS: [&str; 5] = ["csat_5", "rating_10", "nps", "helpful", "ces_7"];

const BOTS: [Option<&str>; 4] = [Some("alfa"), Some("alfa"), Some("unknown"), None];
const CHANNELS: [Option<&str>; 5] = [Some("web"), Some("web"), Some("whatsapp"), Some("sms"), None];
const SERVICES: [Option<&str>; 5] = [None, None, None, Some("billing"), Some("moving house")];
const TEXTS: [&str; 5] = ["hej", "Räkning?\nTack", "\"quoted\", {braces}", "🙂", " "];

/// One session key, and who is behind it.
#[derive(Clone)]
pub struct Thread {
    pub bot: Option<&'static str>,
    pub channel: Option<&'static str>,
    pub conversation_id: Option<String>,
    pub user_id: Option<String>,
    pub timeout_us: i64,
}

/// How much happens in a world, and to how many people.
pub struct Crowd {
    pub people: i64,
    /// The fewest and the most scenes a day, over the whole world.
    pub scenes_a_day: (i64, i64),
    pub endless_chains: i64,
    pub contacts: i64,
}

impl Crowd {
    /// About a dozen scenes a day among seven people, who all run into each other.
    pub fn dense(days: i64) -> Self {
        Self { people: 7, scenes_a_day: (10, 16), endless_chains: 1 + days / 3, contacts: 2 * days }
    }

    pub fn thin(days: i64) -> Self {
        Self { people: 25, scenes_a_day: (1, 2), endless_chains: 1, contacts: days / 4 }
    }
}

/// Collects the events of the scenes.
pub struct Stage<'a> {
    pub rng: &'a mut Rng,
    pub events: Vec<RawEvent>,
    pub contacts: Vec<RawContact>,
    pub days: i64,
    people: i64,
    pub first: NaiveDate,
    world: &'a World,
    ids: u64,
}

impl<'a> Stage<'a> {
    pub fn new(
        rng: &'a mut Rng,
        world: &'a World,
        first: NaiveDate,
        days: i64,
        people: i64,
    ) -> Self {
        let (events, contacts) = (Vec::new(), Vec::new());
        Self { rng, events, contacts, days, people, world, first, ids: 0 }
    }

    /// The same stage for further scenes, whose ids are none of the earlier ones.
    #[must_use]
    pub fn with_ids_from(self, ids: u64) -> Self {
        Self { ids, ..self }
    }

    pub fn play(&mut self, crowd: &Crowd) {
        let (fewest, most) = crowd.scenes_a_day;
        for _ in 0..self.rng.range(fewest, most) * self.days {
            script::scene(self);
        }
        for _ in 0..crowd.endless_chains {
            script::endless_chain(self);
        }
        for _ in 0..crowd.contacts {
            script::contact(self);
        }
    }

    pub fn zone(&self) -> Tz {
        self.world.zone
    }

    pub fn fresh_id(&mut self) -> u64 {
        self.ids += 1;
        self.ids
    }

    /// One of a few keys, so that scenes run into each other. Ids of conversations and of users
    /// look alike, and must not be mixed up.
    pub fn thread(&mut self) -> Thread {
        let conversation = self.rng.range(1, 9).to_string();
        let user = self.user();
        let keyed_by_user = self.rng.chance(25);
        let channel = self.rng.pick(&CHANNELS);
        Thread {
            bot: self.rng.pick(&BOTS),
            channel,
            conversation_id: (!keyed_by_user).then_some(conversation),
            user_id: if keyed_by_user { Some(user) } else { self.rng.chance(85).then_some(user) },
            timeout_us: self.world.timeout_us(channel.unwrap_or("unknown")),
        }
    }

    /// A key that no other scene uses, so that this one comes out as written.
    pub fn fresh_thread(&mut self) -> Thread {
        let conversation = format!("c{}", self.fresh_id());
        Thread { conversation_id: Some(conversation), ..self.thread() }
    }

    pub fn user(&mut self) -> String {
        self.rng.range(1, self.people).to_string()
    }

    /// A random instant: often near local midnight, sometimes to the whole minute, so that
    /// unrelated events meet.
    pub fn moment(&mut self) -> i64 {
        let start = day_start(self.zone(), self.day());
        let us = if self.rng.chance(30) {
            start + self.rng.range(-45 * MINUTE, 45 * MINUTE)
        } else {
            start + self.rng.range(0, 25 * HOUR)
        };
        match self.rng.range(0, 9) {
            0..=2 => us - us.rem_euclid(MINUTE),
            3 => us - us.rem_euclid(SECOND),
            _ => us,
        }
    }

    /// The first instant of a random day of the world.
    pub fn midnight(&mut self) -> i64 {
        let day = self.day();
        day_start(self.zone(), day)
    }

    fn day(&mut self) -> NaiveDate {
        plus(self.first, self.rng.range(0, self.days - 1))
    }

    /// The time until the next event of a chat; now and then the timeout to the microsecond.
    pub fn pause(&mut self, thread: &Thread) -> i64 {
        match self.rng.range(0, 19) {
            0 | 1 => 0,
            2 => 1,
            3 => thread.timeout_us - 1,
            4 => thread.timeout_us,
            5 => thread.timeout_us + 1,
            6 => thread.timeout_us + self.rng.range(1, HOUR),
            7..=9 => self.rng.range(MINUTE, 25 * MINUTE),
            _ => self.rng.range(1, 50 * SECOND),
        }
    }

    /// An event of this key, with whatever else such a record may carry.
    pub fn event(
        &mut self,
        thread: &Thread,
        ts_us: i64,
        actor: &'static str,
        kind: &'static str,
    ) -> RawEvent {
        let number = self.fresh_id();
        let named = self.rng.chance(85);
        let prefix = if self.rng.chance(80) { "e" } else { "" };
        let rng = &mut *self.rng;
        RawEvent {
            event_id: named.then(|| format!("{prefix}{number}")),
            seq: rng.chance(10).then(|| rng.range(0, 50)),
            bot: thread.bot,
            channel: thread.channel,
            service: rng.pick(&SERVICES),
            locale: rng.pick(&[None, None, Some("sv"), Some("en")]),
            bot_version: rng.pick(&[None, Some("1"), Some("2")]),
            conversation_id: thread.conversation_id.clone(),
            user_id: user_of_event(rng, thread, kind, self.people),
            identity_kind: rng.pick(&[
                None,
                Some("unknown"),
                Some("anonymous"),
                Some("authenticated"),
            ]),
            intent: rng.pick(&[None, Some("greet")]),
            intent_confidence: rng.chance(20).then_some(0.75),
            tokens_in: rng.chance(20).then_some(120),
            tokens_out: rng.chance(20).then_some(30),
            cost_amount: rng.chance(20).then_some(0.000_125),
            variant: rng.pick(&[None, None, Some("treated"), Some("held out")]),
            is_test: rng.pick(&[None, Some(false)]),
            text: (kind == "message" && rng.chance(60)).then(|| rng.pick(&TEXTS)),
            style: style(rng, self.world.zone, ts_us),
            ..RawEvent::bare(ts_us, actor, kind)
        }
    }

    /// A message; the bot's may be a fallback and may know how long it took.
    pub fn say(&mut self, thread: &Thread, ts_us: i64, actor: &'static str) {
        let mut event = self.event(thread, ts_us, actor, "message");
        if actor == "bot" {
            event.is_fallback = self.rng.pick(&[None, Some(false), Some(false), Some(true)]);
        }
        if actor != "agent" && self.rng.chance(25) {
            event.latency_ms = Some(self.rng.range(0, 4_000));
        }
        self.events.push(event);
    }

    /// An event that is not a message and says nothing more of itself.
    pub fn note(&mut self, thread: &Thread, ts_us: i64, actor: &'static str, kind: &'static str) {
        let event = self.event(thread, ts_us, actor, kind);
        self.events.push(event);
    }

    pub fn hang_up(&mut self, thread: &Thread, ts_us: i64) {
        let mut event = self.event(thread, ts_us, "system", "session_end");
        event.closed_by =
            self.rng.pick(&[None, Some("user"), Some("bot"), Some("timeout"), Some("rule")]);
        self.events.push(event);
    }

    pub fn ask(&mut self, thread: &Thread, ts_us: i64, instrument: &'static str) {
        let mut event = self.event(thread, ts_us, "bot", "survey");
        event.instrument = Some(instrument);
        self.events.push(event);
    }

    pub fn answer(&mut self, thread: &Thread, ts_us: i64, instrument: &'static str) {
        let mut event = self.event(thread, ts_us, "user", "feedback");
        event.instrument = Some(instrument);
        event.score = Some(self.score(instrument));
        event.reason = self.rng.pick(&[None, Some("too slow")]);
        self.events.push(event);
    }

    pub fn score(&mut self, instrument: &str) -> i64 {
        match instrument {
            "csat_5" => self.rng.range(1, 5),
            "ces_7" => self.rng.range(1, 7),
            "helpful" => self.rng.range(0, 1),
            _ => self.rng.range(0, 10),
        }
    }
}

/// Ids of users are left out now and then, and sometimes somebody else joins the conversation;
/// where the user is the key, only events that may go without one lose it.
fn user_of_event(rng: &mut Rng, thread: &Thread, kind: &str, people: i64) -> Option<String> {
    if thread.conversation_id.is_none() {
        let lost = kind != "message" && rng.chance(4);
        return thread.user_id.clone().filter(|_| !lost);
    }
    match rng.range(0, 19) {
        0..=3 => None,
        4 => Some(rng.range(1, people).to_string()),
        _ => thread.user_id.clone(),
    }
}

fn style(rng: &mut Rng, zone: Tz, ts_us: i64) -> Style {
    let local = zone
        .timestamp_micros(ts_us)
        .earliest()
        .map_or(0, |instant| instant.offset().fix().local_minus_utc() / 60);
    Style {
        offset_minutes: rng.pick(&[0, 0, 0, local, -330, 720]),
        numeric_ids: rng.chance(30),
        nulls: rng.chance(20),
        extra_key: rng.chance(5),
        float_score: rng.chance(20),
        all_digits: rng.chance(50),
    }
}
