//! The demo's days: local hours and how busy they are, the rollout, and timestamps as text.
//!
//! Days are counted from the demo's first local day (0). Instants are UTC milliseconds. Hours are
//! walked in elapsed time, so the days of 23 and 25 hours come out right by themselves.

use chrono::{DateTime, Datelike, NaiveDate, Timelike};
use chrono_tz::Tz;

use crate::interval::{day_end_us, day_number, day_start_us, from_day_number, plus};

/// The shop's business time zone, as in the demo's pipeline.
pub const ZONE: Tz = chrono_tz::Europe::Stockholm;
/// Days over which the rollout's effect grows from nothing to full.
pub const RAMP_DAYS: i32 = 14;

/// The effect at which the bot handles its new services as well as its old ones.
const FULL_EFFECT: f64 = -0.30;

pub const MINUTE: i64 = 60_000;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;

/// How customers spread over the hours of a day, from midnight.
const CHAT_HOURS: [f64; 24] = [
    1.4, 0.7, 0.4, 0.3, 0.3, 0.5, 1.2, 2.6, 4.4, 5.6, 6.2, 6.4, 6.6, 6.2, 5.8, 5.6, 5.7, 5.9, 6.3,
    6.9, 7.2, 6.4, 4.6, 2.8,
];
/// When people reach the human desk.
const DESK_HOURS: [f64; 24] = [
    0., 0., 0., 0., 0., 0., 0., 0., 4., 8., 9., 8., 6., 7., 7., 6., 5., 3., 2., 1., 0., 0., 0., 0.,
];
/// Monday first.
const CHAT_WEEK: [f64; 7] = [1.14, 1.10, 1.06, 1.04, 1.00, 0.72, 0.76];
const DESK_WEEK: [f64; 7] = [1.30, 1.18, 1.12, 1.08, 1.02, 0.30, 0.12];
/// Mid-month levels from January: returns after Christmas, quiet summer, busy November.
const SEASON: [f64; 12] = [1.12, 0.98, 0.96, 0.98, 1.0, 0.96, 0.84, 0.88, 1.0, 1.04, 1.2, 1.22];

/// Which kind of traffic a pattern is for.
#[derive(Clone, Copy)]
pub enum Traffic {
    Chat,
    Desk,
}

/// One elapsed hour of a local day.
pub struct Slot {
    pub start: i64,
    pub weight: f64,
}

/// The texts of an hour that timestamps begin with: `2026-01-01T12:`, in UTC and in local time.
struct HourText {
    utc: [u8; 14],
    local: [u8; 14],
    offset: [u8; 6],
}

pub struct Calendar {
    pub start: NaiveDate,
    pub days: i32,
    /// The first day of the bot's new services.
    pub rollout: i32,
    /// Relative change of the human contacts of the rolled-out services; 0: nothing changes.
    pub effect: f64,
    first_hour: i64,
    hours: Vec<HourText>,
}

impl Calendar {
    /// Where the rollout changes what `effect` says.
    pub fn new(start: NaiveDate, days: u32, effect: f64) -> Self {
        let first = i64::from(day_number(start)) * DAY - DAY;
        let count = (i64::from(days) + 1) * 24;
        Calendar {
            start,
            days: days as i32,
            // Two fifths in: eight weeks before it and ten after it fit into 150 days.
            rollout: (days * 2 / 5) as i32,
            effect,
            first_hour: first / HOUR,
            hours: (0..count).map(|n| hour_text(first + n * HOUR)).collect(),
        }
    }

    pub fn date(&self, day: i32) -> NaiveDate {
        plus(self.start, i64::from(day))
    }

    pub fn rollout_date(&self) -> NaiveDate {
        self.date(self.rollout)
    }

    /// The first UTC day of the logs: local day 0 begins in the UTC day before its own.
    pub fn first_utc_day(&self) -> i32 {
        day_number(self.start) - 1
    }

    /// The UTC day after the logs' last.
    pub fn end_utc_day(&self) -> i32 {
        day_number(self.start) + self.days
    }

    /// Nothing that happens or arrives from here on is in the logs.
    pub fn end(&self) -> i64 {
        i64::from(self.end_utc_day()) * DAY
    }

    pub fn day_start(&self, day: i32) -> i64 {
        day_start_us(self.date(day), ZONE) / 1000
    }

    pub fn day_end(&self, day: i32) -> i64 {
        day_end_us(self.date(day), ZONE) / 1000
    }

    /// The hours of a local day with their weights.
    pub fn slots(&self, day: i32, traffic: Traffic) -> Vec<Slot> {
        let hours = match traffic {
            Traffic::Chat => &CHAT_HOURS,
            Traffic::Desk => &DESK_HOURS,
        };
        let (mut start, end) = (self.day_start(day), self.day_end(day));
        let mut slots = Vec::with_capacity(25);
        while start < end {
            slots.push(Slot { start, weight: hours[local_hour(start)] });
            start += HOUR;
        }
        slots
    }

    /// How busy a day is: weekday, season and slow growth; about 1 on average.
    pub fn level(&self, day: i32, traffic: Traffic) -> f64 {
        let date = self.date(day);
        let week = match traffic {
            Traffic::Chat => &CHAT_WEEK,
            Traffic::Desk => &DESK_WEEK,
        };
        let growth = 1.0 + 0.0006 * f64::from(day);
        week[date.weekday().num_days_from_monday() as usize] * season(date) * growth
    }

    /// How far the new services work on a day: 0 before the rollout, 1 after the ramp of one that
    /// keeps as many contacts away as the default does. Chats follow what the desk feels: a rollout
    /// that takes nothing off the desk changes no chat either.
    pub fn ramp(&self, day: i32) -> f64 {
        self.phase(day) * (self.effect / FULL_EFFECT).clamp(0.0, 1.0)
    }

    /// How many contacts with people there are about the new services, beside those without it.
    pub fn contacts(&self, day: i32) -> f64 {
        1.0 + self.effect * self.phase(day)
    }

    /// 0 before the rollout, 1 after its ramp.
    fn phase(&self, day: i32) -> f64 {
        (f64::from(day - self.rollout + 1) / f64::from(RAMP_DAYS)).clamp(0.0, 1.0)
    }

    /// Appends an RFC 3339 timestamp, in UTC (`Z`) or local time with its offset; nothing where
    /// `at` is not before [`Calendar::end`], because such a line is never sent.
    pub fn stamp(&self, out: &mut Vec<u8>, at: i64, local: bool) {
        let hour = (at.div_euclid(HOUR) - self.first_hour) as usize;
        let Some(text) = self.hours.get(hour) else { return };
        let rest = at.rem_euclid(HOUR);
        out.extend_from_slice(if local { &text.local } else { &text.utc });
        let (minute, second, milli) = (rest / MINUTE, rest / 1000 % 60, rest % 1000);
        out.extend_from_slice(&[digit(minute / 10), digit(minute), b':']);
        out.extend_from_slice(&[digit(second / 10), digit(second), b'.']);
        out.extend_from_slice(&[digit(milli / 100), digit(milli / 10), digit(milli)]);
        if local {
            out.extend_from_slice(&text.offset);
        } else {
            out.push(b'Z');
        }
    }
}

/// The local hour of an instant.
pub fn local_hour(at: i64) -> usize {
    moment(at).with_timezone(&ZONE).hour() as usize
}

/// The local date of an instant.
pub fn local_date(at: i64) -> NaiveDate {
    crate::interval::local_date(at * 1000, ZONE)
}

fn digit(n: i64) -> u8 {
    b'0' + (n % 10) as u8
}

fn moment(at: i64) -> DateTime<chrono::Utc> {
    DateTime::from_timestamp_millis(at).unwrap_or_default()
}

fn hour_text(at: i64) -> HourText {
    let utc = moment(at);
    let local = utc.with_timezone(&ZONE);
    HourText {
        utc: fixed(&utc.format("%Y-%m-%dT%H:").to_string()),
        local: fixed(&local.format("%Y-%m-%dT%H:").to_string()),
        offset: fixed(&local.format("%:z").to_string()),
    }
}

/// Cut or zero-filled to its length, which four-digit years never need.
fn fixed<const N: usize>(text: &str) -> [u8; N] {
    let mut bytes = [b'0'; N];
    for (to, from) in bytes.iter_mut().zip(text.bytes()) {
        *to = from;
    }
    bytes
}

/// The season between the two mid-months around a date.
fn season(date: NaiveDate) -> f64 {
    let middle = f64::from(date.day()) - 15.5;
    let month = date.month0() as usize;
    let neighbour = if middle < 0.0 { (month + 11) % 12 } else { (month + 1) % 12 };
    let share = middle.abs() / 31.0;
    SEASON[month] * (1.0 - share) + SEASON[neighbour] * share
}

/// The date of a UTC day number.
pub fn utc_date(day: i32) -> NaiveDate {
    from_day_number(day)
}
