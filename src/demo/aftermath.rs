//! How chats end: goals and leads, the marker of the end, surveys and their answers.

use super::calendar::{DAY, HOUR, MINUTE};
use super::chat::{End, Scene, has_markers, timeout};
use super::line::{Actor, Thread, Type};
use super::world::{Bot, COMPLAINTS, Channel, SERVICES};

/// After a solved question: perhaps thanks, a goal, a lead.
pub fn success(scene: &mut Scene, thread: &mut Thread, service: usize, now: &mut i64) {
    if scene.chance.hit(0.04) {
        *now += scene.seconds(8.0);
        scene.begin(thread, *now, Actor::User, Type::Message).number("text_chars", 5);
        scene.post();
    }
    if scene.chance.hit(0.27) {
        *now += scene.seconds(3.0);
        scene.begin(thread, *now, Actor::System, Type::Goal).text("intent", SERVICES[service].goal);
        scene.post();
    }
    if SERVICES[service].sells && scene.chance.hit(0.09) {
        lead(scene, thread, *now + 1500);
    }
}

/// The platform's marker of the end, where it has one.
pub fn close(scene: &mut Scene, thread: &mut Thread, end: End) {
    if !has_markers(thread) || scene.chance.hit(0.1) {
        return;
    }
    let by = match end {
        End::Silent => "timeout",
        End::Taken => "agent",
        End::Solved => scene.chance.pick(&[("user", 5.0), ("timeout", 4.0), ("bot", 1.0)]),
        End::Left | End::Waiting => {
            scene.chance.pick(&[("user", 3.0), ("timeout", 6.0), ("rule", 0.4)])
        }
    };
    let rest = if by == "timeout" { timeout(thread.channel) } else { scene.seconds(12.0) };
    scene.begin(thread, thread.last + rest, Actor::System, Type::SessionEnd).text("closed_by", by);
    scene.post();
}

/// A question about the chat to some, and the answers of a third of them.
pub fn survey(scene: &mut Scene, thread: &mut Thread, end: End) {
    let instrument = match (thread.bot, thread.channel) {
        (_, Channel::Whatsapp) => "helpful",
        (Bot::Shop, _) => "csat_5",
        (Bot::Billing, Channel::Web) => "nps",
        (Bot::Billing, Channel::App) => "rating_10",
    };
    let mut at = thread.last + scene.seconds(4.0);
    let asked = scene.chance.hit(0.46);
    if asked {
        scene.begin(thread, at, Actor::Bot, Type::Survey).text("instrument", instrument);
        scene.post();
    }
    if !scene.chance.hit(if asked { 0.34 } else { 0.015 }) {
        return;
    }
    at += match scene.chance.unit() {
        u if u < 0.88 => scene.seconds(14.0),
        u if u < 0.95 => scene.chance.between(MINUTE, 12 * HOUR),
        _ => scene.chance.between(DAY, 6 * DAY),
    };
    answer(scene, thread, instrument, end, at);
    // Some think again; the last answer counts.
    if scene.chance.hit(0.03) {
        answer(scene, thread, instrument, end, at + 20_000);
    }
}

/// Writes a lead of the thread's user, worth some tens or hundreds of euros.
pub fn lead(scene: &mut Scene, thread: &mut Thread, at: i64) {
    let cents = (scene.chance.around(64.0, 0.6) * 100.0) as u64;
    let id = format!("L{:07}", thread.serial);
    let line = scene.begin(thread, at, Actor::User, Type::Lead);
    line.text("lead_id", &id);
    line.decimal("lead_value", cents, 2);
    scene.post();
}

fn answer(scene: &mut Scene, thread: &mut Thread, instrument: &str, end: End, at: i64) {
    let u = scene.chance.unit();
    let mood = match end {
        End::Solved => 1.0 - 0.75 * u * u * u,
        End::Taken => 1.0 - 0.9 * u * u,
        End::Left | End::Waiting | End::Silent => 0.9 * u * u,
    };
    let score = match instrument {
        "csat_5" => 1 + (mood * 4.999) as u64,
        "helpful" => u64::from(mood > 0.5),
        _ => (mood * 10.999) as u64,
    };
    let complaint = (mood < 0.4 && scene.chance.hit(0.7)).then(|| scene.chance.pick(&COMPLAINTS));
    let line = scene.begin(thread, at, Actor::User, Type::Feedback);
    line.text("instrument", instrument);
    line.number("score", score);
    if let Some(reason) = complaint {
        line.text("reason", reason);
    }
    scene.post();
}
