//! Random logs that mix every rule of the contract at once, for tests that compare the program
//! with `fold`.
//!
//! Promises: a seed names the same log for ever; in a world without `conflicts` the right answer
//! does not depend on how the log is cut into objects. To keep that promise, events of one session
//! key that share a microsecond always carry a `seq`, and where that ties too, an `event_id`.
//! Bad records stay under one in a hundred, the share at which a run refuses.
//!
//! Leaves out what the contract does not decide: empty strings for ids and dimensions, surveys
//! without an instrument, surveys with a score, keys given twice in a record, more than six digits
//! of a second.

mod adversity;
mod extras;
mod ledger;
mod objects;
mod record;
mod rng;
mod scenes;
mod script;

use std::collections::BTreeMap;

use chrono::NaiveDate;
use chrono_tz::Tz;

pub use extras::RawProbe;
pub use ledger::{RawCost, Terms};
pub use record::{RawContact, RawEvent};

use super::calendar::{HOUR, MINUTE, day_start, plus};
use rng::Rng;
use scenes::{Crowd, Stage};

/// Zones with a first day, each a few days before its clocks change: forward, back, at midnight
/// (a day that begins at 01:00), in the other hemisphere, or, with half an hour of offset, never.
pub const PLACES: [(Tz, &str); 7] = [
    (Tz::Europe__Stockholm, "2026-03-27"),
    (Tz::Europe__Stockholm, "2026-10-23"),
    (Tz::America__Sao_Paulo, "2018-11-02"),
    (Tz::America__Sao_Paulo, "2018-02-15"),
    (Tz::Asia__Kolkata, "2026-03-27"),
    (Tz::Pacific__Auckland, "2026-04-03"),
    (Tz::Pacific__Auckland, "2026-09-25"),
];

/// Everything a run of the program and the oracle must agree on.
pub struct World {
    pub zone: Tz,
    /// The pipeline's dimensions, in the order of the published columns.
    pub dims: Vec<&'static str>,
    /// Microseconds of silence after which a session is over.
    pub default_timeout_us: i64,
    /// Timeouts of single channels, in microseconds.
    pub channel_timeouts_us: BTreeMap<&'static str, i64>,
    pub as_of_us: i64,
    /// The source's `complete_after`, in microseconds.
    pub complete_after_us: Option<i64>,
    /// Some copies of one event differ, so the numbers depend on which object comes first.
    pub conflicts: bool,
    pub events: Vec<RawEvent>,
    /// Lines no reader may accept, with the UTC date of the object they belong in.
    pub bad_lines: Vec<(NaiveDate, Vec<u8>)>,
    pub contacts: Vec<RawContact>,
    pub probes: Vec<RawProbe>,
    /// What contacts say that they cost, in millionths, by their ids.
    pub contact_costs: BTreeMap<String, i64>,
    pub costs: Vec<RawCost>,
    pub terms: Terms,
}

impl World {
    /// A world with the default settings and nothing in it.
    pub fn quiet(zone: Tz, as_of_us: i64) -> Self {
        Self {
            zone,
            dims: vec!["bot", "channel", "service"],
            default_timeout_us: 30 * MINUTE,
            channel_timeouts_us: BTreeMap::from([("whatsapp", 2 * HOUR)]),
            as_of_us,
            complete_after_us: None,
            conflicts: false,
            events: Vec::new(),
            bad_lines: Vec::new(),
            contacts: Vec::new(),
            probes: Vec::new(),
            contact_costs: BTreeMap::new(),
            costs: Vec::new(),
            terms: Terms::default(),
        }
    }

    /// The silence that ends a session on this channel, in microseconds.
    pub fn timeout_us(&self, channel: &str) -> i64 {
        self.channel_timeouts_us.get(channel).copied().unwrap_or(self.default_timeout_us)
    }
}

/// A random log of `days` local days from `start`. In one world of three, answers and late agents
/// run on past the last day. Odd seeds have `conflicts`.
pub fn world(seed: u64, days: u32, start: NaiveDate, zone: Tz) -> World {
    peopled(seed, days, start, zone, &Crowd::dense(i64::from(days)))
}

/// The same with little to do: a scene or two a day, by people who mostly come once or twice, so
/// that long windows hold something else than everybody.
pub fn thin_world(seed: u64, days: u32, start: NaiveDate, zone: Tz) -> World {
    peopled(seed, days, start, zone, &Crowd::thin(i64::from(days)))
}

fn peopled(seed: u64, days: u32, start: NaiveDate, zone: Tz, crowd: &Crowd) -> World {
    let mut rng = Rng::new(seed);
    let mut world = World::quiet(zone, 0);
    world.conflicts = seed % 2 == 1;
    world.dims = match rng.range(0, 7) {
        0 => vec!["bot", "channel"],
        1 => vec!["channel", "service", "locale"],
        2 => vec!["bot", "channel", "service", "variant"],
        3 => vec!["bot", "bot_version"],
        _ => vec!["bot", "channel", "service"],
    };

    let mut stage = Stage::new(&mut rng, &world, start, i64::from(days), crowd.people);
    stage.play(crowd);
    (world.events, world.contacts) = (stage.events, stage.contacts);
    let mut more = Rng::new(seed ^ 0x1ead_5eed);
    let mut stage = Stage::new(&mut more, &world, start, i64::from(days), crowd.people)
        .with_ids_from(1_000_000);
    extras::play(&mut stage);
    let probes = extras::probes(&mut stage);
    let events = stage.events;
    world.events.extend(events);
    world.probes = probes;

    let from = day_start(zone, start);
    let tail = if rng.chance(33) { 12 } else { 0 };
    let until = day_start(zone, plus(start, i64::from(days) + tail));
    world.events.retain(|event| (from..until).contains(&event.ts_us));
    adversity::afflict(&mut world, &mut rng);
    ledger::bill(&mut world, seed, start, i64::from(days));
    world
}
