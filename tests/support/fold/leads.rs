//! Leads (§3.9): each counted once, on the day of its first event, and what led to it.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::read::{Event, unknown};
use super::sessions::Session;
use super::slices;
use crate::support::calendar::HOUR;
use crate::support::chaos::World;

/// The new leads of one day and slice.
#[derive(Clone, Debug, Default)]
pub struct Leads {
    pub direct: i64,
    pub assisted: i64,
    pub other: i64,
    pub value_micros: i64,
}

impl Leads {
    pub fn total(&self) -> i64 {
        self.direct + self.assisted + self.other
    }
}

/// By local date and slice: only those with a lead.
pub fn count(
    world: &World,
    events: &[Event],
    sessions: &[Session],
) -> BTreeMap<(NaiveDate, Vec<String>), Leads> {
    let mut firsts: BTreeMap<(u8, String), &Event> = BTreeMap::new();
    for (place, event) in events.iter().enumerate().filter(|(_, e)| e.kind == "lead") {
        let first = firsts.entry(identity(event, place)).or_insert(event);
        if order(event) < order(first) {
            *first = event;
        }
    }
    let mut leads: BTreeMap<_, Leads> = BTreeMap::new();
    for event in firsts.values() {
        let direct = attached_to(event, sessions)
            .filter(|s| event.ts_us <= s.last_activity_us() + s.timeout_us);
        let session = direct.or_else(|| newest_of_user(world, event, sessions));
        let values: Vec<String> = match session {
            Some(session) => world.dims.iter().map(|dim| session.dimension(dim)).collect(),
            None => world.dims.iter().map(|dim| own(event, dim)).collect(),
        };
        for slice in slices(&values) {
            let leads = leads.entry((event.date, slice)).or_default();
            leads.value_micros += event.lead_value_micros;
            match (direct, session) {
                (Some(_), _) => leads.direct += 1,
                (None, Some(_)) => leads.assisted += 1,
                (None, None) => leads.other += 1,
            }
        }
    }
    leads
}

/// The lead's id, else its user, else its conversation, else the event alone.
fn identity(event: &Event, place: usize) -> (u8, String) {
    let named = [&event.lead_id, &event.user, &event.conversation];
    let known = named.into_iter().zip(0..).find_map(|(id, kind)| Some((kind, id.clone()?)));
    known.unwrap_or((3, place.to_string()))
}

fn order(event: &Event) -> (i64, i64, &str) {
    (event.ts_us, event.seq, event.event_id.as_deref().unwrap_or_default())
}

/// The session that this very event attaches to (§3.1).
fn attached_to<'a>(event: &Event, sessions: &'a [Session]) -> Option<&'a Session> {
    let is_it = |e: &Event| {
        e.kind == "lead"
            && order(e) == order(event)
            && (&e.bot, &e.channel, &e.conversation, &e.user, &e.lead_id)
                == (&event.bot, &event.channel, &event.conversation, &event.user, &event.lead_id)
    };
    sessions.iter().find(|session| session.events.iter().any(is_it))
}

/// The user's last engaged session that started in the seven days before. Where two started at
/// once, the one whose slice comes first.
fn newest_of_user<'a>(
    world: &World,
    event: &Event,
    sessions: &'a [Session],
) -> Option<&'a Session> {
    let user = event.user.as_ref()?;
    let since = |session: &Session| event.ts_us - session.start_us;
    sessions
        .iter()
        .filter(|s| s.user() == Some(user) && s.is_engaged())
        .filter(|s| (0..=7 * 24 * HOUR).contains(&since(s)))
        .min_by_key(|s| {
            let values: Vec<String> = world.dims.iter().map(|dim| s.dimension(dim)).collect();
            (since(s), values)
        })
}

fn own(event: &Event, dim: &str) -> String {
    let value = match dim {
        "bot" => return event.bot.clone(),
        "channel" => return event.channel.clone(),
        "service" => &event.service,
        "locale" => &event.locale,
        "bot_version" => &event.bot_version,
        "variant" => &event.variant,
        other => unreachable!("no world has the dimension {other}"),
    };
    value.clone().unwrap_or_else(unknown)
}
