//! Turns (§3.7, §3.8), and how long people waited for people.

use chrono::NaiveDate;

use super::read::Event;
use super::sessions::Session;
use crate::support::calendar::SECOND;

pub struct Turn {
    /// Of its last message.
    pub date: NaiveDate,
    pub ts_us: i64,
    pub is_first: bool,
    /// None where nobody answered.
    pub latency_ms: Option<i64>,
    /// An error comes after it and before the next user message.
    pub has_error: bool,
}

impl Turn {
    /// §3.8: answered within ten seconds, and without an error.
    pub fn is_served(&self) -> bool {
        self.latency_ms.is_some_and(|ms| ms * 1000 <= 10 * SECOND) && !self.has_error
    }

    /// §3.8: what speaks against the minute that it ended in.
    pub fn is_bad(&self) -> bool {
        self.latency_ms.is_none() || self.has_error
    }
}

/// §3.7: runs of user messages before the handoff, and the bot message that follows each.
pub fn turns(session: &Session) -> Vec<Turn> {
    let before_handoff = session.handoff().unwrap_or(session.events.len());
    let mut turns = Vec::new();
    // The place of the last message of the run that is not over yet.
    let mut waiting: Option<usize> = None;
    for (place, event) in session.events[..before_handoff].iter().enumerate() {
        if event.is_message_of("user") {
            waiting = Some(place);
        } else if event.is_message_of("bot") || event.is_message_of("agent") {
            let Some(asked) = waiting.take() else { continue };
            let answer = event.is_message_of("bot").then_some(event);
            turns.push(turn(session, asked, answer, turns.is_empty()));
        }
    }
    if let Some(asked) = waiting {
        turns.push(turn(session, asked, None, turns.is_empty()));
    }
    turns
}

fn turn(session: &Session, asked: usize, answer: Option<&Event>, is_first: bool) -> Turn {
    let question = &session.events[asked];
    let latency = |answer: &Event| {
        let reported = answer.latency_ms.or(question.latency_ms);
        reported.unwrap_or((answer.ts_us - question.ts_us) / 1000)
    };
    let mut after = session.events[asked + 1..].iter().take_while(|e| !e.is_message_of("user"));
    Turn {
        date: question.date,
        ts_us: question.ts_us,
        is_first,
        latency_ms: answer.map(latency),
        has_error: after.any(|event| event.kind == "error"),
    }
}

/// The date of a session's handoff event, and the milliseconds until an agent wrote, if one did.
/// None where there is no handoff, or an agent's own message is it.
pub fn wait_for_a_person(session: &Session) -> Option<(NaiveDate, Option<i64>)> {
    let place = session.handoff()?;
    let handoff = &session.events[place];
    let agent = session.events[place..].iter().find(|event| event.is_message_of("agent"));
    let wait = agent.map(|agent| (agent.ts_us - handoff.ts_us) / 1000);
    (handoff.kind == "handoff").then_some((handoff.date, wait))
}
