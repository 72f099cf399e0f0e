//! Counting: what every slice of every day holds, before it becomes rates.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::answers::{self, Answers};
use super::availability::Minutes;
use super::leads::Leads;
use super::read::Event;
use super::sessions::{Outcome, Session};
use super::slices;
use super::turns::turns;
use crate::support::chaos::World;

/// One day of one slice.
#[derive(Debug, Default)]
pub struct Tally {
    // Of the event's date.
    pub activities: i64,
    pub user_messages: i64,
    pub bot_messages: i64,
    pub fallbacks: i64,
    pub users: BTreeSet<String>,
    /// Those of `users` whose first message in this slice is of this day.
    pub new_users: BTreeSet<String>,
    pub turns: i64,
    /// Turns answered in time and without an error.
    pub served: i64,
    pub leads: Leads,
    /// Only where all dimensions but the bot are summed.
    pub minutes: Minutes,
    /// One for each answered turn, in milliseconds.
    pub latencies_ms: Vec<i64>,
    // Of the session's date.
    pub sessions: i64,
    pub engaged: i64,
    pub outcomes: BTreeMap<Outcome, i64>,
    /// Closed sessions that the bot began and nobody replied to.
    pub unanswered_proactive: i64,
    /// Over closed engaged sessions, in milliseconds.
    pub session_ms: i64,
    pub bot_ms: i64,
    pub answers: BTreeMap<String, Answers>,
}

/// By local date and slice.
pub type Tallies = BTreeMap<(NaiveDate, Vec<String>), Tally>;

/// Counts every session, and every event that is in one, into each slice it belongs to.
pub fn count(world: &World, sessions: &[Session], watermark: i64) -> Tallies {
    let mut tallies = Tallies::new();
    let mut first_seen: BTreeMap<(Vec<String>, String), NaiveDate> = BTreeMap::new();
    for session in sessions {
        let values: Vec<String> = world.dims.iter().map(|dim| session.dimension(dim)).collect();
        for slice in slices(&values) {
            for event in session.activities() {
                let tally = tallies.entry((event.date, slice.clone())).or_default();
                tally.count_activity(event);
                if let Some(user) = user_of(event) {
                    let first = first_seen.entry((slice.clone(), user.clone()));
                    let first = first.or_insert(event.date);
                    *first = event.date.min(*first);
                }
            }
            for turn in turns(session) {
                let tally = tallies.entry((turn.date, slice.clone())).or_default();
                tally.turns += 1;
                tally.served += i64::from(turn.is_served());
                tally.latencies_ms.extend(turn.latency_ms);
            }
            let tally = tallies.entry((session.date, slice)).or_default();
            tally.count_session(session, watermark);
        }
    }
    // §3.3: new = the first message in this slice, over the whole history, is of this day.
    for ((date, slice), tally) in &mut tallies {
        let is_new = |user: &&String| first_seen[&(slice.clone(), (*user).clone())] == *date;
        tally.new_users = tally.users.iter().filter(is_new).cloned().collect();
    }
    tallies
}

impl Tally {
    fn count_activity(&mut self, event: &Event) {
        self.activities += 1;
        self.user_messages += i64::from(event.is_message_of("user"));
        if event.is_message_of("bot") {
            self.bot_messages += 1;
            self.fallbacks += i64::from(event.is_fallback);
        }
        self.users.extend(user_of(event).cloned());
    }

    fn count_session(&mut self, session: &Session, watermark: i64) {
        let outcome = session.outcome(watermark);
        self.sessions += 1;
        self.engaged += i64::from(session.is_engaged());
        *self.outcomes.entry(outcome).or_default() += 1;
        if outcome != Outcome::Open {
            if session.is_engaged() {
                self.session_ms += session.session_ms();
                self.bot_ms += session.bot_ms();
            } else if session.is_proactive() {
                self.unanswered_proactive += 1;
            }
        }
        for (instrument, answers) in answers::of_session(session) {
            self.answers.entry(instrument).or_default().add(&answers);
        }
    }
}

/// §3.3: user metrics look at user messages whose user is known.
fn user_of(event: &Event) -> Option<&String> {
    event.user.as_ref().filter(|_| event.is_message_of("user"))
}
