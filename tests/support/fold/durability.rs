//! Whether what was resolved stayed so, and first contacts (§3.5).

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::cells::{Rows, is_over};
use super::sessions::{Outcome, Session};
use super::users::is_resolved;
use super::{Cell, Place, slices};
use crate::support::calendar::{HOUR, local_date, plus};
use crate::support::chaos::World;

/// An engaged session or a contact of a known user.
pub struct Visit {
    user: String,
    service: Option<String>,
    start_us: i64,
    date: NaiveDate,
}

/// A window after a session: its metric, its hours, and the days after which it is over for every
/// session of a day (R7: one more than its own).
const WINDOWS: [(&str, i64, i64); 4] = [
    ("durable_resolution_rate_24h", 24, 2),
    ("durable_resolution_rate_72h", 72, 4),
    ("durable_resolution_rate_7d", 7 * 24, 8),
    ("durable_resolution_rate_30d", 30 * 24, 31),
];

/// Numerators and denominators of one day and slice, by metric.
type Parts = BTreeMap<&'static str, (i64, i64)>;

/// The cells of durable resolution, of first contacts, and of whom they leave out. Nothing before
/// `first`, the day on which history starts, is looked at.
pub fn cells(
    world: &World,
    sessions: &[Session],
    watermark: i64,
    first: NaiveDate,
) -> BTreeMap<Place, Cell> {
    let visits = visits(world, sessions, first);
    let mut days: BTreeMap<(NaiveDate, Vec<String>), Parts> = BTreeMap::new();
    for session in sessions {
        let parts = parts(world, session, &visits, watermark, first);
        let values: Vec<String> = world.dims.iter().map(|dim| session.dimension(dim)).collect();
        for slice in slices(&values) {
            let sums = days.entry((session.date, slice)).or_default();
            for (metric, is_hit) in &parts {
                let (numerator, denominator) = sums.entry(*metric).or_default();
                *numerator += i64::from(*is_hit);
                *denominator += 1;
            }
        }
    }
    let mut cells = BTreeMap::new();
    for ((date, slice), parts) in days {
        let mut rows = Rows::default();
        for (metric, (numerator, denominator)) in parts {
            rows.proportion(metric, numerator, denominator);
        }
        rows.into_cells(world, date, &slice, watermark, &mut cells);
    }
    cells
}

/// The metrics whose denominators hold this session, each with whether its numerator does.
fn parts(
    world: &World,
    session: &Session,
    visits: &[Visit],
    watermark: i64,
    first: NaiveDate,
) -> Vec<(&'static str, bool)> {
    let outcome = session.outcome(watermark);
    let mut parts = Vec::new();
    if is_resolved(outcome) {
        parts.push(("anonymous_share", is_anonymous(session)));
    }
    let Some(user) = user_of(session).filter(|_| !is_anonymous(session)) else { return parts };
    let own: Vec<&Visit> = visits.iter().filter(|v| v.user == user && fits(v, session)).collect();
    let is_durable =
        |hours: i64, days: i64| !own.iter().any(|v| is_follow_up(v, session, hours, days));
    if is_resolved(outcome) {
        for (metric, hours, days) in WINDOWS {
            if is_over(world, session.date, days, watermark) {
                parts.push((metric, is_durable(hours, days)));
            }
        }
    }
    let week_us = 7 * 24 * HOUR;
    let before = session.start_us - week_us..session.start_us;
    let is_first = session.is_engaged()
        && outcome != Outcome::Open
        && session.date >= plus(first, 7)
        && !own.iter().any(|v| before.contains(&v.start_us));
    if is_first && is_over(world, session.date, 8, watermark) {
        let is_hit = is_resolved(outcome) && is_durable(7 * 24, 8);
        parts.push(("first_contact_resolution_rate", is_hit));
    }
    parts
}

/// Whether a session was resolved, by somebody who would be known again, and stayed so for a week;
/// it is for others to ask whether the week is over.
pub fn lasts_a_week(session: &Session, visits: &[Visit], watermark: i64) -> bool {
    let Some(user) = user_of(session).filter(|_| !is_anonymous(session)) else { return false };
    let mut own = visits.iter().filter(|v| v.user == user && fits(v, session));
    is_resolved(session.outcome(watermark)) && !own.any(|v| is_follow_up(v, session, 7 * 24, 8))
}

/// After the session's end and no later than end + window. Where clocks go forward a window may end
/// within the hour after the day that everything waits for; that hour is not waited for.
fn is_follow_up(visit: &Visit, session: &Session, hours: i64, days: i64) -> bool {
    let end_us = session.last_activity_us();
    visit.start_us > end_us
        && visit.start_us <= end_us + hours * HOUR
        && visit.date <= plus(session.date, days)
}

/// The same service, where both name one.
fn fits(visit: &Visit, session: &Session) -> bool {
    match (&visit.service, service_of(session)) {
        (Some(theirs), Some(ours)) => *theirs == ours,
        _ => true,
    }
}

/// Nothing before `first`, the day on which history starts.
pub fn visits(world: &World, sessions: &[Session], first: NaiveDate) -> Vec<Visit> {
    let mut visits = Vec::new();
    for session in sessions.iter().filter(|session| session.is_engaged()) {
        if let Some(user) = user_of(session) {
            let service = service_of(session);
            visits.push(Visit { user, service, start_us: session.start_us, date: session.date });
        }
    }
    for contact in &world.contacts {
        let date = local_date(world.zone, contact.opened_us);
        // R8: an instant over an hour after as-of is quarantined, also that of a contact's end.
        let is_accepted = contact.closed_us <= world.as_of_us + HOUR && date >= first;
        if let (true, Some(user)) = (is_accepted, contact.user_id.clone()) {
            let service = contact.service.map(str::to_owned);
            visits.push(Visit { user, service, start_us: contact.opened_us, date });
        }
    }
    visits
}

/// §3.1: the first user that one of the session's user events names.
fn user_of(session: &Session) -> Option<String> {
    let mut of_users = session.events.iter().filter(|event| event.actor == "user");
    of_users.find_map(|event| event.user.clone())
}

fn service_of(session: &Session) -> Option<String> {
    session.events.iter().find_map(|event| event.service.clone())
}

/// §3.1: the first kind that one of its events names decides.
fn is_anonymous(session: &Session) -> bool {
    let mut kinds = session.events.iter().filter_map(|event| event.identity_kind.as_deref());
    kinds.find(|kind| *kind != "unknown") == Some("anonymous")
}
