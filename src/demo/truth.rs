//! What the demo knows about itself: counts of every line it wrote, and the effect it put in.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::calendar::{Calendar, RAMP_DAYS};
use super::delivery::{BREAKS, Mark};
use super::line::{ACTORS, TYPES};
use super::office::Office;
use super::probes::Probes;
use super::world::{BOTS, CHANNELS, SERVICES, Service};
use super::{CostDay, Demo};

/// The window after the ramp, as in the demo's pipeline.
const POST_DAYS: i32 = 56;

/// Counts of event lines. Repeated and broken lines are in their own counts alone.
#[derive(Default)]
pub struct Tally {
    pub events: u64,
    pub late: u64,
    pub test: u64,
    pub proactive: u64,
    /// Lines without a user id.
    pub nameless: u64,
    pub anonymous: u64,
    pub by_bot: [u64; BOTS.len()],
    pub by_channel: [u64; CHANNELS.len()],
    pub by_actor: [u64; ACTORS.len()],
    pub by_type: [u64; TYPES.len()],
    /// Same line again, in the same file and in the next day's.
    pub repeated: u64,
    pub redelivered: u64,
    /// Same id with other content.
    pub conflicting: u64,
    pub broken: [u64; BREAKS.len()],
    pub chats: u64,
    pub chats_over_midnight: u64,
}

impl Tally {
    pub fn count(&mut self, mark: &Mark, late: bool) {
        self.events += 1;
        self.late += u64::from(late);
        self.test += u64::from(mark.test);
        self.proactive += u64::from(mark.proactive);
        self.nameless += u64::from(mark.nameless);
        self.anonymous += u64::from(mark.anonymous);
        self.by_bot[mark.bot] += 1;
        self.by_channel[mark.channel] += 1;
        self.by_actor[mark.actor] += 1;
        self.by_type[mark.kind] += 1;
    }

    pub fn duplicates(&self) -> u64 {
        self.repeated + self.redelivered + self.conflicting
    }

    pub fn broken_lines(&self) -> u64 {
        self.broken.iter().sum()
    }

    pub fn lines(&self) -> u64 {
        self.events + self.duplicates() + self.broken_lines()
    }
}

/// What was counted while the demo was made.
pub struct Known<'a> {
    pub tally: &'a Tally,
    pub office: &'a Office<'a>,
    pub cost_rows: usize,
    pub probes: &'a Probes,
    pub cost_per_service: Value,
}

/// The text of `truth.json`.
pub fn render(demo: &Demo, calendar: &Calendar, known: Known<'_>) -> String {
    let Known { tally, office, cost_rows, probes, cost_per_service } = known;
    let services = |treated: bool| -> Vec<&str> {
        SERVICES.iter().filter(|s| s.treated == treated).map(|s| s.name).collect()
    };
    let truth = json!({
        "seed": demo.seed,
        "start": calendar.start.to_string(),
        "days": demo.days,
        "users": demo.users,
        "rollout": {
            "date": calendar.rollout_date().to_string(),
            "ramp_days": RAMP_DAYS,
            "services": services(true),
            "controls": services(false),
            "effect": demo.effect,
            "meaning": "relative change of the daily human contacts of the services, once the ramp is over",
        },
        "events": events(tally),
        "contacts": {
            "rows": office.rows,
            "by_service": office.by_service(),
            "costs_rows": cost_rows,
        },
        "cost_per_service": cost_per_service,
        "probes": { "rows": probes.rows, "failed": probes.failed, "planned": probes.planned },
        "files": {
            "logs": (calendar.end_utc_day() - calendar.first_utc_day()),
            "contacts": office.files,
            "probes": probes.files,
        },
    });
    // A map of numbers and texts always has a JSON form.
    let mut text = serde_json::to_string_pretty(&truth).unwrap_or_default();
    text.push('\n');
    text
}

fn events(tally: &Tally) -> Value {
    json!({
        "lines": tally.lines(),
        "distinct": tally.events,
        "late": tally.late,
        "test": tally.test,
        "proactive": tally.proactive,
        "without_user_id": tally.nameless,
        "anonymous": tally.anonymous,
        "duplicates": {
            "same_file": tally.repeated,
            "next_file": tally.redelivered,
            "conflict": tally.conflicting,
        },
        "broken": named(&BREAKS, &tally.broken),
        "by_bot": named(&BOTS.map(|b| b.name()), &tally.by_bot),
        "by_channel": named(&CHANNELS.map(|c| c.name()), &tally.by_channel),
        "by_actor": named(&ACTORS, &tally.by_actor),
        "by_type": named(&TYPES, &tally.by_type),
        "chats": tally.chats,
        "chats_over_midnight": tally.chats_over_midnight,
    })
}

fn named(names: &[&str], counts: &[u64]) -> Map<String, Value> {
    names.iter().zip(counts).map(|(name, count)| ((*name).into(), json!(count))).collect()
}

/// What a service cost in the pipeline's window after the ramp, in euros, and what it would have
/// cost in the same shop without the rollout: by service, for all of the rollout's (`*`), and for
/// those that it leaves alone (`controls`), which share costs with the others. Null where the demo
/// ends before.
pub fn cost_per_service(calendar: &Calendar, with: &[CostDay], without: &[CostDay]) -> Value {
    let from = calendar.rollout + RAMP_DAYS;
    let after = calendar.date(from)..calendar.date((from + POST_DAYS).min(calendar.days));
    let effect = |is_in: &dyn Fn(&Service) -> bool| {
        let value = |days: &[CostDay], cost: &dyn Fn(&CostDay) -> i64| {
            let named = |day: &&CostDay| {
                let service = SERVICES.iter().find(|s| s.name == day.service);
                after.contains(&day.date) && service.is_some_and(is_in)
            };
            let (mut micros, mut services) = (0, 0);
            for day in days.iter().filter(named) {
                micros += cost(day);
                services += day.services;
            }
            (services > 0).then(|| micros as f64 / 1e6 / services as f64)
        };
        let both = |cost: &dyn Fn(&CostDay) -> i64| {
            let (with, without) = (value(with, cost)?, value(without, cost)?);
            Some(json!({ "with": with, "without": without, "effect": with - without }))
        };
        json!({
            "all": both(&|day| day.cost_micros),
            "avoidable": both(&|day| day.avoidable_micros),
        })
    };
    let mut told = Map::new();
    told.insert("*".into(), effect(&|service| service.treated));
    for own in SERVICES.iter().filter(|service| service.treated) {
        told.insert(own.name.into(), effect(&|service| service.name == own.name));
    }
    told.insert("controls".into(), effect(&|service| !service.treated));
    json!({ "from": after.start.to_string(), "to": after.end.to_string(), "services": told })
}

/// Contacts of a service before the rollout, while it ramps up, and after.
#[derive(Default, Clone, Copy)]
pub struct Phases {
    pub before: u64,
    pub ramp: u64,
    pub after: u64,
}

impl Phases {
    pub fn count(&mut self, day: i32, calendar: &Calendar) {
        if day < calendar.rollout {
            self.before += 1;
        } else if day < calendar.rollout + RAMP_DAYS {
            self.ramp += 1;
        } else {
            self.after += 1;
        }
    }
}

/// Contacts by service name, in three phases.
pub fn phases(counts: &[Phases; SERVICES.len()]) -> BTreeMap<&'static str, Value> {
    SERVICES
        .iter()
        .zip(counts)
        .map(|(s, p)| (s.name, json!({ "before": p.before, "ramp": p.ramp, "after": p.after })))
        .collect()
}
