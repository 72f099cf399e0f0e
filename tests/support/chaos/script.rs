//! The scenes: each plays out one rule of the contract, at its edge.

use super::record::RawContact;
use super::scenes::{INSTRUMENTS, Stage, Thread};
use crate::support::calendar::{HOUR, MINUTE, SECOND};

const DAY: i64 = 24 * HOUR;

/// The instruments that decide an outcome.
const DECIDING: [&str; 3] = ["helpful", "csat_5", "rating_10"];

/// Plays one random scene.
pub fn scene(stage: &mut Stage) {
    match stage.rng.range(0, 22) {
        0..=5 => chat(stage),
        6 => proactive(stage),
        7 | 8 => late_agent(stage),
        9 | 10 => across_midnight(stage),
        11 => at_the_timeout(stage),
        12..=14 => surveyed(stage),
        15 => odd_end(stage),
        16 => test_traffic(stage),
        17 => staff_chain(stage),
        18..=21 => resolved(stage),
        _ => noise(stage),
    }
}

/// Days of talk without a pause, and here and there a marker that breaks it.
pub fn endless_chain(stage: &mut Stage) {
    let thread = if stage.rng.chance(60) { stage.fresh_thread() } else { stage.thread() };
    let timeout = thread.timeout_us;
    let mut now = stage.moment();
    let end = now + stage.rng.range(2 * DAY, 4 * DAY);
    while now < end {
        let actor = stage.rng.pick(&["user", "user", "bot", "bot", "agent"]);
        stage.say(&thread, now, actor);
        if stage.rng.chance(1) {
            let marker = stage.rng.pick(&["session_start", "session_end"]);
            stage.note(&thread, now + 1, "system", marker);
        }
        if stage.rng.chance(2) {
            aside(stage, &thread, now + 2);
        }
        now += match stage.rng.range(0, 9) {
            0 => timeout,
            1 => stage.rng.range(3, MINUTE),
            _ => stage.rng.range(timeout / 2, timeout),
        };
    }
}

/// A service that people handled without the bot.
pub fn contact(stage: &mut Stage) {
    let opened_us = stage.moment();
    let instrument = stage.rng.pick(&INSTRUMENTS);
    let score = stage.score(instrument);
    let contact = RawContact {
        contact_id: format!("k{}", stage.fresh_id()),
        opened_us,
        closed_us: opened_us + stage.rng.range(MINUTE, 2 * DAY),
        channel: stage.rng.pick(&["phone", "mail", "web"]),
        service: stage.rng.pick(&[None, Some("billing")]),
        user_id: stage.rng.chance(80).then(|| stage.user()),
        handle_seconds: stage.rng.range(30, 3_000),
        resolved: stage.rng.chance(70),
        answer: stage.rng.chance(60).then_some((instrument, score)),
    };
    stage.contacts.push(contact);
}

/// Turns of a user and a bot, with anything in between.
fn chat(stage: &mut Stage) {
    let thread = stage.thread();
    let mut now = stage.moment();
    if stage.rng.chance(20) {
        stage.note(&thread, now, "system", "session_start");
        now += stage.rng.range(0, SECOND);
    }
    for _ in 0..stage.rng.range(1, 5) {
        for _ in 0..stage.rng.range(1, 3) {
            stage.say(&thread, now, "user");
            now += stage.rng.range(0, 20 * SECOND);
        }
        let replies: &[&str] = match stage.rng.range(0, 9) {
            0 => &[],
            1 => &["bot", "bot"],
            2 => &["agent"],
            _ => &["bot"],
        };
        for actor in replies {
            stage.say(&thread, now, actor);
            now += stage.rng.range(0, 3 * SECOND);
        }
        if stage.rng.chance(15) {
            aside(stage, &thread, now);
        }
        now += stage.pause(&thread);
    }
    if stage.rng.chance(25) {
        stage.hang_up(&thread, now);
    }
}

/// The bot speaks first, uninvited; not everybody replies.
fn proactive(stage: &mut Stage) {
    let thread = if stage.rng.chance(50) { stage.fresh_thread() } else { stage.thread() };
    let now = stage.moment();
    let mut hello = stage.event(&thread, now, "bot", "message");
    hello.is_proactive = Some(true);
    stage.events.push(hello);
    if stage.rng.chance(50) {
        let reply = now + stage.pause(&thread);
        stage.say(&thread, reply, "user");
        stage.say(&thread, reply + SECOND, "bot");
    }
}

/// A handoff, and an agent about a day later: joined, unless something new began in between.
fn late_agent(stage: &mut Stage) {
    let thread = if stage.rng.chance(70) { stage.fresh_thread() } else { stage.thread() };
    let mut handoff = stage.moment();
    if stage.rng.chance(80) {
        stage.say(&thread, handoff, "user");
        handoff += stage.rng.range(0, 40 * MINUTE);
    }
    stage.note(&thread, handoff, "bot", "handoff");
    let late = match stage.rng.range(0, 5) {
        0 => DAY - 1,
        1 => DAY,
        2 => DAY + 1,
        _ => stage.rng.range(thread.timeout_us, 26 * HOUR),
    };
    let between = handoff + stage.rng.range(1, late - 1);
    match stage.rng.range(0, 7) {
        0 => stage.note(&thread, between, "system", "session_end"),
        1 => stage.note(&thread, between, "system", "session_start"),
        2 => stage.say(&thread, between, "user"),
        3 => stage.say(&thread, between, "agent"),
        4 => stage.note(&thread, between, "system", "handoff"),
        _ => {}
    }
    stage.say(&thread, handoff + late, "agent");
    if stage.rng.chance(30) {
        let thanks = handoff + late + stage.pause(&thread);
        stage.say(&thread, thanks, "user");
    }
}

/// Words on both sides of midnight, to the microsecond.
fn across_midnight(stage: &mut Stage) {
    let thread = stage.thread();
    let midnight = stage.midnight();
    let mut now = midnight - stage.rng.pick(&[1, 2, MINUTE, 20 * MINUTE]);
    stage.say(&thread, now, "user");
    now = midnight + stage.rng.pick(&[-1, 0, 1, MINUTE]);
    let actor = stage.rng.pick(&["user", "bot", "agent"]);
    stage.say(&thread, now, actor);
    now += stage.rng.range(1, 25 * MINUTE);
    stage.say(&thread, now, "bot");
    if stage.rng.chance(40) {
        aside(stage, &thread, now);
    }
}

/// Silences one microsecond under, at and over the timeout.
fn at_the_timeout(stage: &mut Stage) {
    let thread = if stage.rng.chance(50) { stage.fresh_thread() } else { stage.thread() };
    let mut now = stage.moment();
    for _ in 0..stage.rng.range(2, 6) {
        let actor = stage.rng.pick(&["user", "bot", "agent"]);
        stage.say(&thread, now, actor);
        now += thread.timeout_us + stage.rng.range(-1, 1);
    }
}

/// Surveys, perhaps twice, and answers from at once to past a week later.
fn surveyed(stage: &mut Stage) {
    let thread = if stage.rng.chance(70) { stage.fresh_thread() } else { stage.thread() };
    let start = stage.moment();
    stage.say(&thread, start, "user");
    stage.say(&thread, start + SECOND, "bot");
    if stage.rng.chance(15) {
        stage.note(&thread, start + 2 * SECOND, "bot", "handoff");
        stage.say(&thread, start + MINUTE, "agent");
    }
    let asked = stage.rng.pick(&INSTRUMENTS);
    for _ in 0..stage.rng.range(0, 2) {
        let instrument = if stage.rng.chance(70) { asked } else { stage.rng.pick(&INSTRUMENTS) };
        let when = start + stage.rng.range(2 * SECOND, 3 * DAY);
        stage.ask(&thread, when, instrument);
    }
    for _ in 0..stage.rng.range(0, 3) {
        let instrument = if stage.rng.chance(70) { asked } else { stage.rng.pick(&INSTRUMENTS) };
        let after = match stage.rng.range(0, 7) {
            0 => 7 * DAY - 1,
            1 => 7 * DAY,
            2 => 7 * DAY + 1,
            3 | 4 => stage.rng.range(DAY, 8 * DAY),
            _ => stage.rng.range(SECOND, 20 * MINUTE),
        };
        stage.answer(&thread, start + after, instrument);
    }
}

/// Handoffs, goals and errors with little or nothing around them.
fn odd_end(stage: &mut Stage) {
    let thread = stage.fresh_thread();
    let now = stage.moment();
    let kind = stage.rng.pick(&["handoff", "goal", "error", "other", "session_end"]);
    stage.note(&thread, now, "system", kind);
    if stage.rng.chance(60) {
        let actor = stage.rng.pick(&["user", "agent", "bot"]);
        let pause = stage.pause(&thread);
        stage.say(&thread, now + pause, actor);
        let later = now + pause + stage.rng.range(0, 30 * HOUR);
        stage.note(&thread, later, "bot", kind);
    }
}

/// A chat of ours, most of it marked as a test.
fn test_traffic(stage: &mut Stage) {
    let before = stage.events.len();
    chat(stage);
    for position in before..stage.events.len() {
        if stage.rng.chance(80) {
            stage.events[position].is_test = Some(true);
        }
    }
}

/// Staff who come back hours apart after a handoff.
fn staff_chain(stage: &mut Stage) {
    let thread = stage.fresh_thread();
    let mut now = stage.moment();
    stage.say(&thread, now, "user");
    now += stage.rng.range(1, 3 * HOUR);
    for _ in 0..stage.rng.range(1, 6) {
        if stage.rng.chance(50) {
            stage.note(&thread, now, "bot", "handoff");
        }
        now += stage.rng.range(30 * MINUTE, 14 * HOUR);
        stage.say(&thread, now, "agent");
    }
}

/// A short chat that ends well, unless one thing spoils it.
fn resolved(stage: &mut Stage) {
    let thread = stage.fresh_thread();
    let now = stage.moment();
    stage.say(&thread, now, "user");
    let mut reply = stage.event(&thread, now + SECOND, "bot", "message");
    reply.is_fallback = Some(false);
    stage.events.push(reply);
    let later = now + stage.rng.pick(&[SECOND, MINUTE, 20 * HOUR, 44 * HOUR]);
    match stage.rng.range(0, 7) {
        0 | 5 => stage.note(&thread, later, "bot", "goal"),
        1 => stage.note(&thread, later, "system", "error"),
        2 => stage.hang_up(&thread, later),
        3 | 4 => {
            let first = stage.rng.pick(&DECIDING);
            let second = stage.rng.pick(&DECIDING);
            stage.answer(&thread, later, first);
            if stage.rng.chance(40) {
                stage.answer(&thread, later + SECOND, second);
            }
        }
        _ => {}
    }
}

/// One event of any kind, out of nowhere.
fn noise(stage: &mut Stage) {
    let thread = stage.thread();
    let now = stage.moment();
    aside(stage, &thread, now);
    if stage.rng.chance(50) {
        let actor = stage.rng.pick(&["user", "bot", "agent"]);
        let pause = stage.pause(&thread);
        stage.say(&thread, now + pause, actor);
    }
}

fn aside(stage: &mut Stage, thread: &Thread, now: i64) {
    let instrument = stage.rng.pick(&INSTRUMENTS);
    match stage.rng.range(0, 9) {
        0 | 1 => stage.note(thread, now, "bot", "handoff"),
        2 => stage.note(thread, now, "bot", "goal"),
        3 => stage.note(thread, now, "system", "error"),
        4 => stage.answer(thread, now, instrument),
        5 => stage.ask(thread, now, instrument),
        6 => stage.say(thread, now, "system"),
        7 => stage.hang_up(thread, now),
        8 => {
            let mut lead = stage.event(thread, now, "user", "lead");
            lead.lead_id = stage.rng.pick(&[None, Some("l1"), Some("l2")]);
            lead.lead_value = stage.rng.pick(&[None, Some(99.5)]);
            stage.events.push(lead);
        }
        _ => stage.note(thread, now, "user", "other"),
    }
}
