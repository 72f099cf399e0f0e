//! One chat, from its opening to the last survey answer, as a stream of log lines.
//!
//! The chat plays itself forward in time on a [`Thread`]; what comes hours or days later (a late
//! colleague, an answer to a survey) is written now with its later time.

use super::aftermath;
use super::books::Trace;
use super::calendar::{Calendar, HOUR, MINUTE, local_hour};
use super::chance::Chance;
use super::delivery::Delivery;
use super::ledger::Ledger;
use super::line::{Actor, Line, Thread, Type};
use super::probes::Outages;
use super::world::{Bot, Channel, SERVICES, TAKEOVER_SECONDS};

/// The longest run of turns of an ordinary chat.
const MOST_TURNS: u32 = 8;

/// Everything that a chat happens in.
pub struct Scene<'a, 'c> {
    pub calendar: &'c Calendar,
    pub outages: &'a Outages,
    pub delivery: &'a mut Delivery<'c>,
    pub ledger: &'a mut Ledger,
    pub chance: Chance,
    pub line: Line,
    /// How far the rollout has taken effect today.
    pub ramp: f64,
    pub trace: Trace,
}

impl Scene<'_, '_> {
    /// Begins the line that [`Scene::post`] sends; keys may be added in between.
    pub fn begin(&mut self, thread: &mut Thread, at: i64, actor: Actor, kind: Type) -> &mut Line {
        self.line.begin(thread, at, actor, kind, self.calendar);
        &mut self.line
    }

    /// Sends the line begun last; false where it falls outside the logs.
    pub fn post(&mut self) -> bool {
        self.delivery.send(&mut self.line)
    }

    /// A line without keys of its own.
    pub fn note(&mut self, thread: &mut Thread, at: i64, actor: Actor, kind: Type) {
        self.begin(thread, at, actor, kind);
        self.post();
    }

    /// Milliseconds around a median of seconds.
    pub fn seconds(&mut self, median: f64) -> i64 {
        (self.chance.around(median, 0.7) * 1000.0) as i64 + 1
    }
}

/// How a chat went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// The customer never wrote.
    Silent,
    Solved,
    /// Left without an answer.
    Left,
    /// Went to a person, who answered within minutes.
    Taken,
    /// Went to a person, who answered hours later or never.
    Waiting,
}

/// What a bot makes of a customer's words.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    Good,
    Fallback,
    Failed,
}

/// Plays a chat about a service from an instant on.
pub fn play(scene: &mut Scene, thread: &mut Thread, service: usize, start: i64) -> End {
    let mut now = start;
    if !opening(scene, thread, &mut now) {
        aftermath::close(scene, thread, End::Silent);
        return End::Silent;
    }
    scene.trace.engaged = true;
    let end = turns(scene, thread, service, &mut now);
    scene.trace.until = thread.last;
    if end == End::Solved {
        aftermath::success(scene, thread, service, &mut now);
    }
    if end != End::Waiting {
        aftermath::close(scene, thread, end);
    }
    aftermath::survey(scene, thread, end);
    end
}

/// A conversation that never rests for as long as the timeout, over three days: one message and
/// one answer every hour or so.
pub fn endless(scene: &mut Scene, thread: &mut Thread, service: usize, start: i64) {
    let mut now = start;
    while now < start + 3 * 24 * HOUR {
        customer(scene, thread, service, now);
        bot(scene, thread, service, &mut now, false);
        now += scene.chance.between(50 * MINUTE, 110 * MINUTE);
    }
}

/// How long a silence ends a session, as in the demo's pipeline.
pub fn timeout(channel: Channel) -> i64 {
    if channel == Channel::Whatsapp { 2 * HOUR } else { HOUR / 2 }
}

/// The channels whose platform marks the ends of its sessions.
pub fn has_markers(thread: &Thread) -> bool {
    match thread.channel {
        Channel::Whatsapp => false,
        Channel::App => true,
        Channel::Web => thread.bot == Bot::Shop,
    }
}

/// Returns whether the customer goes on to write.
fn opening(scene: &mut Scene, thread: &mut Thread, now: &mut i64) -> bool {
    if has_markers(thread) {
        scene.note(thread, *now, Actor::System, Type::SessionStart);
        *now += scene.chance.between(40, 400);
    }
    if thread.channel == Channel::Whatsapp {
        return true;
    }
    let proactive = thread.channel == Channel::Web && scene.chance.hit(0.07);
    let line = scene.begin(thread, *now, Actor::Bot, Type::Message);
    line.number("text_chars", if proactive { 61 } else { 38 });
    if proactive {
        line.flag("is_proactive", true);
        line.mark.proactive = true;
    }
    scene.post();
    *now += scene.seconds(9.0);
    !scene.chance.hit(if proactive { 0.6 } else { 0.04 })
}

/// Questions and answers until somebody has had enough.
fn turns(scene: &mut Scene, thread: &mut Thread, service: usize, now: &mut i64) -> End {
    let wants_person = if SERVICES[service].treated { 0.14 - 0.11 * scene.ramp } else { 0.03 };
    let mut last = Answer::Failed;
    for turn in 0..MOST_TURNS {
        if turn > 0 {
            think(scene, thread, now);
        }
        ask(scene, thread, service, now);
        if scene.chance.hit(wants_person) {
            return hand_over(scene, thread, service, now);
        }
        last = answer(scene, thread, service, now);
        let stop = match last {
            Answer::Good => scene.chance.hit(0.52),
            Answer::Fallback if scene.chance.hit(0.36) => {
                return hand_over(scene, thread, service, now);
            }
            Answer::Fallback => scene.chance.hit(0.34),
            Answer::Failed => scene.chance.hit(0.6),
        };
        if stop {
            break;
        }
    }
    if last == Answer::Good { End::Solved } else { End::Left }
}

/// The pause before the customer's next words: seconds as a rule; now and then as long as the
/// timeout to the millisecond, or a minute longer.
fn think(scene: &mut Scene, thread: &Thread, now: &mut i64) {
    let roll = scene.chance.unit();
    *now = if roll < 0.003 {
        thread.last + timeout(thread.channel)
    } else if roll < 0.010 {
        scene.trace.pauses += 1;
        thread.last + timeout(thread.channel) + scene.seconds(60.0)
    } else {
        *now + scene.seconds(21.0)
    };
}

/// One or more messages in a row.
fn ask(scene: &mut Scene, thread: &mut Thread, service: usize, now: &mut i64) {
    customer(scene, thread, service, *now);
    while scene.chance.hit(0.16) {
        *now += scene.seconds(6.0);
        customer(scene, thread, service, *now);
    }
}

fn customer(scene: &mut Scene, thread: &mut Thread, service: usize, at: i64) {
    let phrase = scene.chance.below(14);
    let chars = 3 + scene.chance.below(140) as u64;
    let line = scene.begin(thread, at, Actor::User, Type::Message);
    match SERVICES[service].phrases.get(phrase) {
        Some(text) => line.text("text", text),
        None => line.number("text_chars", chars),
    }
    scene.post();
}

fn answer(scene: &mut Scene, thread: &mut Thread, service: usize, now: &mut i64) -> Answer {
    let down = scene.outages.down(thread.bot, *now);
    if scene.chance.hit(if down { 1.0 } else { 0.012 }) {
        *now += scene.chance.between(20, 3000);
        if scene.chance.hit(0.6) {
            let line = scene.begin(thread, *now, Actor::System, Type::Error);
            line.text("reason", if down { "unavailable" } else { "backend_timeout" });
            scene.post();
        }
        return Answer::Failed;
    }
    let learned = if SERVICES[service].treated { scene.ramp } else { 1.0 };
    let fallback = scene.chance.hit(0.38 - 0.28 * learned);
    bot(scene, thread, service, now, fallback);
    if fallback { Answer::Fallback } else { Answer::Good }
}

/// A bot's reply to what was said at `now`, which moves on to the reply.
fn bot(scene: &mut Scene, thread: &mut Thread, service: usize, now: &mut i64, fallback: bool) {
    let slow = if scene.chance.hit(0.01) { 12.0 } else { 1.0 };
    let latency = (scene.chance.around(820.0, 0.55) * slow) as i64 + 90;
    // The platform's clock stops before the line is written.
    let written = latency + scene.chance.between(0, 25);
    *now += written;
    let intent = SERVICES[service].intents[scene.chance.below(3)];
    let confidence =
        if fallback { scene.chance.between(80, 420) } else { 1000 - scene.chance.between(2, 330) };
    let chars = 30 + scene.chance.below(260) as u64;
    let tokens = (350 + scene.chance.below(900) as u64, 20 + scene.chance.below(180) as u64);
    let shop = thread.bot == Bot::Shop;
    let line = scene.begin(thread, *now, Actor::Bot, Type::Message);
    if !fallback {
        line.text("intent", intent);
    }
    line.decimal("intent_confidence", confidence as u64, 3);
    line.flag("is_fallback", fallback);
    line.number("text_chars", chars);
    let mut cost = 0;
    if shop {
        line.number("latency_ms", latency as u64);
        // Only the shop's bot asks a language model; prices in millionths of a euro a token.
        cost = tokens.0 * 3 + tokens.1 * 12;
        line.number("tokens_in", tokens.0);
        line.number("tokens_out", tokens.1);
        line.decimal("cost_amount", cost, 6);
    }
    if scene.post() && cost > 0 {
        scene.ledger.model_call(*now, thread.bot, cost as i64);
        scene.trace.model += cost as i64;
    }
    extras(scene, thread, now);
}

/// What platforms add to a reply: receipts, and a second bubble at the very same instant.
fn extras(scene: &mut Scene, thread: &mut Thread, now: &mut i64) {
    if thread.channel == Channel::Whatsapp && scene.chance.hit(0.3) {
        scene.begin(thread, *now + 150, Actor::System, Type::Other).text("reason", "receipt");
        scene.post();
    }
    if thread.bot == Bot::Shop && scene.chance.hit(0.06) {
        scene.begin(thread, *now, Actor::Bot, Type::Message).number("text_chars", 24);
        scene.post();
    }
}

/// To a person: who answers soon, hours later, or never, as the hour allows.
fn hand_over(scene: &mut Scene, thread: &mut Thread, service: usize, now: &mut i64) -> End {
    *now += scene.seconds(2.0);
    scene.trace.handed = Some(*now);
    let staffed = (8..20).contains(&local_hour(*now));
    let (soon, later) = if staffed { (0.74, 0.13) } else { (0.10, 0.55) };
    let roll = scene.chance.unit();
    // A colleague who watches the chat needs no handoff: the bot's log never tells of one.
    let announced = roll >= 0.05 || !staffed;
    if announced {
        scene.begin(thread, *now, Actor::System, Type::Handoff).text("reason", "asked_for_person");
        scene.post();
    }
    if roll >= soon + later {
        return End::Waiting;
    }
    let end = if roll < soon { End::Taken } else { End::Waiting };
    *now += match end {
        End::Taken => 20_000 + scene.seconds(95.0),
        // A few come after more than the day that still joins them to the session.
        _ if scene.chance.hit(0.04) => scene.chance.between(25 * HOUR, 40 * HOUR),
        _ => scene.chance.between(3 * HOUR / 2, 22 * HOUR),
    };
    if colleague(scene, thread, *now) {
        scene.ledger.takeover(*now, service, TAKEOVER_SECONDS);
        // Who comes more than a day later comes to another session.
        scene.trace.taken = scene.trace.handed.is_some_and(|handed| *now <= handed + 24 * HOUR);
    }
    let rounds = if end == End::Taken { 1 + scene.chance.below(3) } else { scene.chance.below(2) };
    for _ in 0..rounds {
        *now += scene.seconds(30.0);
        customer(scene, thread, service, *now);
        *now += scene.seconds(45.0);
        colleague(scene, thread, *now);
    }
    end
}

/// A person's message; false where it falls outside the logs.
fn colleague(scene: &mut Scene, thread: &mut Thread, at: i64) -> bool {
    let chars = 40 + scene.chance.below(300) as u64;
    scene.begin(thread, at, Actor::Agent, Type::Message).number("text_chars", chars);
    scene.post()
}
