//! Satisfaction (§3.6): last answer per session and instrument, and who was asked.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::read::{self, unknown};
use super::sessions::{self, Session, Verdict, verdict};
use super::slices;
use crate::support::calendar::local_date;
use crate::support::chaos::{RawContact, World};

/// Answers to one instrument.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answers {
    /// Sessions that were asked.
    pub surveys_sent: i64,
    /// Sessions that were asked and answered.
    pub answered: i64,
    /// Sessions that answered, asked or not; contacts that did.
    pub responses: i64,
    /// For nps, promoters; for helpful, yes. Always 0 for ces_7, as the next two.
    pub positive: i64,
    pub neutral: i64,
    /// For nps, detractors.
    pub negative: i64,
}

/// `fct_satisfaction_daily`: by date, instrument, handler (`bot_only`, `bot_then_human`,
/// `human_only`) and slice.
pub fn satisfaction(
    world: &World,
    objects: &[(String, Vec<u8>)],
) -> BTreeMap<(NaiveDate, String, String, Vec<String>), Answers> {
    let mut table: BTreeMap<_, Answers> = BTreeMap::new();
    let mut add = |date: NaiveDate, instrument: &str, handler: &str, values: &[String], answers| {
        for slice in slices(values) {
            let grain = (date, instrument.to_owned(), handler.to_owned(), slice);
            table.entry(grain).or_default().add(&answers);
        }
    };
    for session in sessions::build(world, read::accepted(world, objects)) {
        let handler = if session.is_connected() { "bot_then_human" } else { "bot_only" };
        let values: Vec<String> = world.dims.iter().map(|dim| session.dimension(dim)).collect();
        for (instrument, answers) in of_session(&session) {
            add(session.date, &instrument, handler, &values, answers);
        }
    }
    for contact in &world.contacts {
        let Some((instrument, score)) = contact.answer else { continue };
        let date = local_date(world.zone, contact.opened_us);
        let values: Vec<String> = world.dims.iter().map(|dim| dimension(contact, dim)).collect();
        add(date, instrument, "human_only", &values, Answers::one(instrument, score));
    }
    table
}

/// One session's answers by instrument: only instruments that it was asked for or answered.
pub fn of_session(session: &Session) -> BTreeMap<String, Answers> {
    let mut asked = BTreeSet::new();
    // §3.6: the last answer wins; events are in order, so a later one replaces an earlier.
    let mut last = BTreeMap::new();
    for event in &session.asked_and_answered {
        let Some(instrument) = &event.instrument else { continue };
        match (event.kind.as_str(), event.score) {
            ("survey", _) => {
                asked.insert(instrument);
            }
            ("feedback", Some(score)) => {
                last.insert(instrument, score);
            }
            _ => {}
        }
    }
    let instruments: BTreeSet<&&String> = asked.iter().chain(last.keys()).collect();
    instruments
        .into_iter()
        .map(|instrument| {
            let score = last.get(*instrument).copied();
            let mut answers =
                score.map_or_else(Answers::default, |score| Answers::one(instrument, score));
            answers.surveys_sent = i64::from(asked.contains(*instrument));
            answers.answered = answers.surveys_sent * answers.responses;
            ((*instrument).clone(), answers)
        })
        .collect()
}

impl Answers {
    pub fn add(&mut self, other: &Self) {
        self.surveys_sent += other.surveys_sent;
        self.answered += other.answered;
        self.responses += other.responses;
        self.positive += other.positive;
        self.neutral += other.neutral;
        self.negative += other.negative;
    }

    fn one(instrument: &str, score: i64) -> Self {
        let verdict = verdict(instrument, score);
        let is = |wanted| i64::from(verdict == Some(wanted));
        Self {
            responses: 1,
            positive: is(Verdict::Positive),
            neutral: is(Verdict::Neutral),
            negative: is(Verdict::Negative),
            ..Self::default()
        }
    }
}

/// A contact names no bot, locale, version or variant.
pub fn dimension(contact: &RawContact, name: &str) -> String {
    match name {
        "channel" => contact.channel.to_owned(),
        "service" => contact.service.map_or_else(unknown, str::to_owned),
        _ => unknown(),
    }
}
