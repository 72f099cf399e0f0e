//! Availability (§3.8): every minute of every bot, from probes and from what turns met.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::read::unknown;
use super::sessions::Session;
use super::turns::turns;
use crate::support::calendar::{HOUR, MINUTE, day_start, local_date, plus};
use crate::support::chaos::{RawProbe, World};

/// The minutes of one day, of one bot or of all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Minutes {
    pub up: i64,
    pub down: i64,
    /// Of the day, for each bot that was observed.
    pub all: i64,
    pub incidents: i64,
    pub sla_up: i64,
    pub sla_observed: i64,
}

#[derive(Default)]
struct Minute {
    failed: bool,
    planned: bool,
    turns: i64,
    bad: i64,
}

impl Minute {
    fn is_down(&self) -> bool {
        self.failed || (self.turns >= 5 && self.bad * 2 > self.turns)
    }
}

/// By local date and slice: a bot's own where the bot is a dimension, and all bots' together.
pub fn count(
    world: &World,
    sessions: &[Session],
    history: (NaiveDate, NaiveDate),
) -> BTreeMap<(NaiveDate, Vec<String>), Minutes> {
    let mut days: BTreeMap<(NaiveDate, Vec<String>), Minutes> = BTreeMap::new();
    for (bot, minutes) in observed(world, sessions, history.0) {
        let mut of_bot: BTreeMap<NaiveDate, Minutes> = BTreeMap::new();
        for (number, minute) in &minutes {
            let date = local_date(world.zone, number * MINUTE);
            if date < history.0 || date > history.1 {
                continue;
            }
            let day = of_bot.entry(date).or_default();
            day.all = (day_start(world.zone, plus(date, 1)) - day_start(world.zone, date)) / MINUTE;
            let before = minutes.get(&(number - 1));
            if minute.is_down() {
                day.down += 1;
                day.incidents += i64::from(!before.is_some_and(Minute::is_down));
            } else {
                day.up += 1;
            }
            if !minute.planned {
                day.sla_observed += 1;
                day.sla_up += i64::from(!minute.is_down());
            }
        }
        for (date, day) in of_bot {
            let all: Vec<String> = world.dims.iter().map(|_| "*".to_owned()).collect();
            if let Some(place) = world.dims.iter().position(|dim| *dim == "bot") {
                let mut own = all.clone();
                own[place].clone_from(&bot);
                days.entry((date, own)).or_default().add(&day);
            }
            days.entry((date, all)).or_default().add(&day);
        }
    }
    days
}

/// Every minute that a probe covers or a turn ended in, by bot. Minutes count from 1970.
fn observed(
    world: &World,
    sessions: &[Session],
    first: NaiveDate,
) -> BTreeMap<String, BTreeMap<i64, Minute>> {
    let mut bots: BTreeMap<String, BTreeMap<i64, Minute>> = BTreeMap::new();
    let name = |probe: &RawProbe| probe.bot.map_or_else(unknown, str::to_owned);
    // What lies over an hour ahead is refused, and no table has days before history.
    let probes: Vec<&RawProbe> = world
        .probes
        .iter()
        .filter(|p| p.ts_us <= world.as_of_us + HOUR && local_date(world.zone, p.ts_us) >= first)
        .collect();
    for probe in &probes {
        let own = probe.ts_us.div_euclid(MINUTE);
        let later = probes.iter().filter(|p| name(p) == name(probe) && p.ts_us > probe.ts_us);
        let next = later.map(|p| p.ts_us.div_euclid(MINUTE)).min().unwrap_or(i64::MAX);
        for number in own..own + 5 {
            if number == own || number < next {
                let minutes = bots.entry(name(probe)).or_default();
                let minute = minutes.entry(number).or_default();
                minute.failed |= !probe.ok;
                minute.planned |= probe.planned;
            }
        }
    }
    for session in sessions {
        for turn in turns(session) {
            let minutes = bots.entry(session.key.0.clone()).or_default();
            let minute = minutes.entry(turn.ts_us.div_euclid(MINUTE)).or_default();
            minute.turns += 1;
            minute.bad += i64::from(turn.is_bad());
        }
    }
    bots
}

impl Minutes {
    fn add(&mut self, other: &Self) {
        self.up += other.up;
        self.down += other.down;
        self.all += other.all;
        self.incidents += other.incidents;
        self.sla_up += other.sla_up;
        self.sla_observed += other.sla_observed;
    }
}
