//! Columns of published tables that `kpi_daily` does not show: hours, intents, reasons, histograms,
//! first turns, waits for people, minutes, kinds of leads, durable services and lines of savings.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::cells::is_over;
use super::sessions::{Outcome, Session};
use super::turns::{turns, wait_for_a_person};
use super::{availability, cost, durability, leads, read, sessions, slices};
use crate::support::chaos::World;

/// The rows of a table: the date and the other columns of the key, and the numbers.
pub type Rows = BTreeMap<Vec<String>, Vec<Option<i64>>>;

/// A table by its name, with the columns of its key beside the date and the dimensions, and the
/// columns of its numbers.
pub struct Expected {
    pub table: &'static str,
    pub key: &'static [&'static str],
    pub numbers: &'static [&'static str],
    pub rows: Rows,
}

const WAITS: &[&str] = &[
    "first_turns",
    "first_answered",
    "first_latency_ms_sum",
    "first_latency_ms_p50",
    "first_latency_ms_p90",
    "handoffs",
    "human_answered",
    "human_latency_ms_sum",
    "human_latency_ms_p50",
    "human_latency_ms_p90",
];

const MINUTES: &[&str] = &[
    "up_minutes",
    "downtime_minutes",
    "minutes",
    "incidents",
    "sla_up_minutes",
    "sla_observed_minutes",
];

pub fn tables(world: &World, objects: &[(String, Vec<u8>)]) -> Vec<Expected> {
    let events = read::accepted(world, objects);
    let watermark = read::watermark(world, &events);
    let dates = || events.iter().map(|event| event.date);
    let history = dates().min().zip(dates().max()).expect("a world has events");
    let sessions = sessions::build(world, events.clone());
    let (handled, saved) = money(world, &sessions, watermark, history);
    vec![
        expect(
            "fct_cost_per_service_daily",
            if world.dims.contains(&"channel") { &["handler"] } else { &["channel", "handler"] },
            &["services", "services_resolved", "services_resolved_durable"],
            handled,
        ),
        expect("fct_savings_daily", &["line"], &["services", "time_saved_ms"], saved),
        expect(
            "fct_sessions_hourly",
            &["hour"],
            &[
                "sessions",
                "sessions_engaged",
                "messages_in",
                "messages_out_bot",
                "messages_out_agent",
            ],
            hourly(world, &sessions),
        ),
        expect(
            "fct_intent_daily",
            &["intent"],
            &["intents", "fallbacks", "sessions", "sessions_closed", "sessions_resolved"],
            intents(world, &sessions, watermark),
        ),
        expect(
            "fct_feedback_reason_daily",
            &["instrument", "reason", "sentiment"],
            &["responses"],
            reasons(world, &sessions),
        ),
        expect(
            "fct_response_time_hist_daily",
            &["bucket_from_ms"],
            &["bucket_to_ms", "answered", "first_answered"],
            histogram(world, &sessions),
        ),
        expect("fct_response_time_daily", &[], WAITS, waits(world, &sessions)),
        expect("fct_availability_daily", &[], MINUTES, minutes(world, &sessions, history)),
        expect(
            "fct_leads_daily",
            &[],
            &["leads_direct", "leads_assisted", "leads_other"],
            kinds(world, &events, &sessions),
        ),
    ]
}

fn expect(
    table: &'static str,
    key: &'static [&'static str],
    numbers: &'static [&'static str],
    rows: Rows,
) -> Expected {
    Expected { table, key, numbers, rows }
}

fn key(date: NaiveDate, slice: &[String], more: &[&str]) -> Vec<String> {
    let more = more.iter().map(|text| (*text).to_owned());
    std::iter::once(date.to_string()).chain(slice.iter().cloned()).chain(more).collect()
}

fn values(world: &World, session: &Session) -> Vec<String> {
    world.dims.iter().map(|dim| session.dimension(dim)).collect()
}

fn add(rows: &mut Rows, key: Vec<String>, numbers: &[i64]) {
    let row = rows.entry(key).or_insert_with(|| vec![Some(0); numbers.len()]);
    for (cell, number) in row.iter_mut().zip(numbers) {
        *cell = cell.map(|sum| sum + number);
    }
}

fn hourly(world: &World, sessions: &[Session]) -> Rows {
    let mut rows = Rows::new();
    for session in sessions {
        let slice = values(world, session);
        let engaged = i64::from(session.is_engaged());
        for (place, event) in session.activities().enumerate() {
            let start = i64::from(place == 0);
            let by = |actor: &str| i64::from(event.actor == actor);
            let numbers = [start, start * engaged, by("user"), by("bot"), by("agent")];
            add(&mut rows, key(event.date, &slice, &[&event.hour.to_string()]), &numbers);
        }
    }
    rows
}

fn intents(world: &World, sessions: &[Session], watermark: i64) -> Rows {
    let mut rows = Rows::new();
    for session in sessions {
        let slice = values(world, session);
        let mut met = BTreeSet::new();
        let said: Vec<_> = session.activities().collect();
        for (place, event) in said.iter().enumerate() {
            let before = place.checked_sub(1).map(|place| said[place]);
            // What a bot says of itself, or of the message it follows, is one intent.
            let asked = before
                .filter(|before| event.actor == "bot" && before.actor != "agent")
                .and_then(|before| before.intent.clone());
            let named = event.actor != "agent" && event.intent.is_some() && event.intent != asked;
            let fallback = event.actor == "bot" && event.is_fallback;
            let intent = event.intent.clone().or(asked).unwrap_or_else(read::unknown);
            if named {
                met.insert(intent.clone());
            }
            if named || fallback {
                let numbers = [i64::from(named), i64::from(fallback), 0, 0, 0];
                add(&mut rows, key(event.date, &slice, &[&intent]), &numbers);
            }
        }
        let outcome = session.outcome(watermark);
        let closed = session.is_engaged() && outcome != Outcome::Open;
        let resolved =
            [Outcome::ResolvedConfirmed, Outcome::ResolvedGoal, Outcome::ResolvedAssumed]
                .contains(&outcome);
        for intent in met {
            let numbers = [0, 0, 1, i64::from(closed), i64::from(resolved)];
            add(&mut rows, key(session.date, &slice, &[&intent]), &numbers);
        }
    }
    rows
}

fn reasons(world: &World, sessions: &[Session]) -> Rows {
    let mut rows = Rows::new();
    for session in sessions {
        // In order, so that a later answer replaces an earlier one.
        let mut last = BTreeMap::new();
        for event in session.asked_and_answered.iter().filter(|e| e.kind == "feedback") {
            last.insert(event.instrument.clone(), event);
        }
        for answer in last.values() {
            let (Some(instrument), Some(score)) = (&answer.instrument, answer.score) else {
                continue;
            };
            let (low, high) = match instrument.as_str() {
                "csat_5" => (2, 4),
                "rating_10" => (4, 8),
                "nps" => (6, 9),
                "helpful" => (0, 1),
                _ => (3, 5),
            };
            let sentiment = match score {
                score if score >= high => "satisfied",
                score if score <= low => "dissatisfied",
                _ => "neutral",
            };
            let reason = answer.reason.clone().unwrap_or_else(read::unknown);
            let place =
                key(session.date, &values(world, session), &[instrument, &reason, sentiment]);
            add(&mut rows, place, &[1]);
        }
    }
    rows
}

fn histogram(world: &World, sessions: &[Session]) -> Rows {
    let mut rows = Rows::new();
    for session in sessions {
        for turn in turns(session) {
            let Some(ms) = turn.latency_ms else { continue };
            let (from, to) = bucket(ms);
            let place = key(turn.date, &values(world, session), &[&from.to_string()]);
            let row = rows.entry(place).or_insert_with(|| vec![to, Some(0), Some(0)]);
            row[1] = row[1].map(|n| n + 1);
            row[2] = row[2].map(|n| n + i64::from(turn.is_first));
        }
    }
    rows
}

/// The bucket of `ms`, found by walking all of them: steps of 1, 2 and 5 in each power of ten, from
/// 10, 20 and 50 on.
fn bucket(ms: i64) -> (i64, Option<i64>) {
    let (mut from, mut unit) = (0, 1);
    while from < 100_000_000 {
        let step = match from / unit {
            0..20 => unit,
            20..50 => 2 * unit,
            _ => 5 * unit,
        };
        if ms < from + step {
            return (from, Some(from + step));
        }
        from += step;
        if from == 100 * unit {
            unit *= 10;
        }
    }
    (from, None)
}

/// First turns, and waits for people: count, answered, sum and two percentiles of each.
fn waits(world: &World, sessions: &[Session]) -> Rows {
    let mut found: BTreeMap<Vec<String>, [Vec<Option<i64>>; 2]> = BTreeMap::new();
    for session in sessions {
        for slice in slices(&values(world, session)) {
            for turn in turns(session) {
                // A slice with any turn has a row.
                let row = found.entry(key(turn.date, &slice, &[])).or_default();
                row[0].extend(turn.is_first.then_some(turn.latency_ms));
            }
            if let Some((date, wait)) = wait_for_a_person(session) {
                found.entry(key(date, &slice, &[])).or_default()[1].push(wait);
            }
        }
    }
    let row = |(place, both): (Vec<String>, [Vec<Option<i64>>; 2])| {
        (place, both.iter().flat_map(|waits| summary(waits)).collect())
    };
    found.into_iter().map(row).collect()
}

fn summary(waits: &[Option<i64>]) -> [Option<i64>; 5] {
    let mut known: Vec<i64> = waits.iter().copied().flatten().collect();
    known.sort_unstable();
    // The value at 1-based position ceil(p × n), in whole numbers.
    let nearest =
        |percent: usize| known.get((percent * known.len()).div_ceil(100).checked_sub(1)?).copied();
    let n = known.len() as i64;
    [Some(waits.len() as i64), Some(n), Some(known.iter().sum()), nearest(50), nearest(90)]
}

/// Minutes where all dimensions but the bot are summed; nothing elsewhere.
fn minutes(world: &World, sessions: &[Session], history: (NaiveDate, NaiveDate)) -> Rows {
    let mut rows = Rows::new();
    for session in sessions {
        for turn in turns(session) {
            for slice in slices(&values(world, session)) {
                rows.insert(key(turn.date, &slice, &[]), vec![None; 6]);
            }
        }
    }
    for ((date, slice), m) in availability::count(world, sessions, history) {
        let numbers = [m.up, m.down, m.all, m.incidents, m.sla_up, m.sla_observed];
        rows.insert(key(date, &slice, &[]), numbers.map(Some).to_vec());
    }
    rows
}

/// Services by handler, and the finest slices of the lines of savings.
fn money(
    world: &World,
    sessions: &[Session],
    watermark: i64,
    (first, last): (NaiveDate, NaiveDate),
) -> (Rows, Rows) {
    let visits = durability::visits(world, sessions, first);
    let (mut handled, mut saved) = (Rows::new(), Rows::new());
    for date in first.iter_days().take_while(|date| *date <= last) {
        let services = cost::services(world, sessions, &visits, watermark, date);
        let costs = cost::costs(world, &services, date);
        let ripe = is_over(world, date, 8, watermark);
        for ((slice, channel, handler), numbers) in cost::counts(world, &services, &costs, ripe) {
            let more = [channel.as_str(), handler];
            let more = if world.dims.contains(&"channel") { &more[1..] } else { &more };
            handled.insert(key(date, &slice, more), numbers.to_vec());
        }
        for line in cost::LINES.into_iter().filter(|line| ripe || *line != "conservative") {
            for (slice, sum) in cost::savings(world, &services, &costs, date, line) {
                if !slice.iter().any(|value| value == "*") {
                    let ms = sum.ms.and_then(|ms| i64::try_from(ms).ok());
                    saved.insert(key(date, &slice, &[line]), vec![Some(sum.services), ms]);
                }
            }
        }
    }
    (handled, saved)
}

/// A row wherever somebody wrote or became a lead.
fn kinds(world: &World, events: &[read::Event], sessions: &[Session]) -> Rows {
    let mut rows = Rows::new();
    for session in sessions {
        let wrote = session.activities().filter(|e| e.actor == "user" && e.user.is_some());
        for event in wrote {
            for slice in slices(&values(world, session)) {
                add(&mut rows, key(event.date, &slice, &[]), &[0, 0, 0]);
            }
        }
    }
    for ((date, slice), leads) in leads::count(world, events, sessions) {
        add(&mut rows, key(date, &slice, &[]), &[leads.direct, leads.assisted, leads.other]);
    }
    rows
}
