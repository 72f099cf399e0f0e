//! Outages of the bots, and the probes that see them.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::calendar::{Calendar, DAY, HOUR, MINUTE, utc_date};
use super::chance::Chance;
use super::line::{push_key, push_number, push_text};
use super::world::{BOTS, Bot};
use crate::error::{Result, io_error};

/// How likely a bot has an outage on a day.
const OUTAGES: f64 = 0.05;
/// How likely the prober itself sleeps for an hour of a day.
const PROBER_AWAY: f64 = 0.04;
const PROBE_EVERY: i64 = 5 * MINUTE;
/// Every other Sunday night the billing bot is maintained.
const MAINTENANCE_EVERY: i32 = 14;

/// A time in which a bot does not answer.
struct Outage {
    bot: Bot,
    from: i64,
    to: i64,
    planned: bool,
}

/// All outages of the demo.
pub struct Outages(Vec<Outage>);

impl Outages {
    pub fn new(calendar: &Calendar, seed: u64) -> Self {
        let mut all = Vec::new();
        for day in 0..calendar.days {
            let mut chance = Chance::new(seed, 2, day);
            for bot in BOTS {
                if chance.hit(OUTAGES) {
                    let from = calendar.day_start(day) + chance.between(0, DAY - HOUR);
                    let length = chance.around(18.0, 0.8).clamp(3.0, 180.0);
                    let to = from + (length * MINUTE as f64) as i64;
                    all.push(Outage { bot, from, to, planned: false });
                }
            }
            // 2026-01-04 was a Sunday; other starts have their maintenance on another night.
            if day % MAINTENANCE_EVERY == 3 {
                let from = calendar.day_start(day) + 3 * HOUR;
                all.push(Outage { bot: Bot::Billing, from, to: from + HOUR / 2, planned: true });
            }
        }
        all.sort_by_key(|o| o.from);
        Outages(all)
    }

    pub fn down(&self, bot: Bot, at: i64) -> bool {
        self.find(bot, at).is_some()
    }

    fn find(&self, bot: Bot, at: i64) -> Option<&Outage> {
        // No outage is longer than three hours.
        let first = self.0.partition_point(|o| o.from < at - 3 * HOUR);
        let near = self.0[first..].iter().take_while(|o| o.from <= at);
        near.into_iter().find(|o| o.bot == bot && at < o.to)
    }
}

/// The prober's files and what it saw.
#[derive(Default)]
pub struct Probes {
    pub rows: u64,
    pub failed: u64,
    pub planned: u64,
    pub files: u64,
    pub bytes: u64,
    folder: PathBuf,
}

impl Probes {
    pub fn new(out: &Path) -> Result<Self> {
        let folder = out.join("probes");
        fs::create_dir_all(&folder).map_err(|e| io_error(folder.display(), e))?;
        Ok(Probes { folder, ..Probes::default() })
    }

    /// Writes the file of a UTC day.
    pub fn write(
        &mut self,
        day: i32,
        calendar: &Calendar,
        outages: &Outages,
        seed: u64,
    ) -> Result<()> {
        let mut chance = Chance::new(seed, 3, day);
        let midnight = i64::from(day) * DAY;
        let away = chance.hit(PROBER_AWAY).then(|| chance.between(0, 23) * HOUR + midnight);
        let mut text = Vec::with_capacity(64 * 1024);
        let mut at = midnight.max(calendar.day_start(0));
        while at < midnight + DAY {
            let asleep = away.is_some_and(|from| from <= at && at < from + HOUR);
            for bot in BOTS {
                let outage = outages.find(bot, at);
                let latency = chance.around(140.0, 0.4) as u64;
                if !asleep {
                    self.probe(&mut text, bot, at, outage, latency, calendar);
                }
            }
            at += PROBE_EVERY;
        }
        let path = self.folder.join(format!("{}.jsonl", utc_date(day)));
        let mut file =
            BufWriter::new(File::create(&path).map_err(|e| io_error(path.display(), e))?);
        file.write_all(&text)
            .and_then(|()| file.flush())
            .map_err(|e| io_error(path.display(), e))?;
        self.files += 1;
        self.bytes += text.len() as u64;
        Ok(())
    }

    fn probe(
        &mut self,
        out: &mut Vec<u8>,
        bot: Bot,
        at: i64,
        outage: Option<&Outage>,
        latency: u64,
        calendar: &Calendar,
    ) {
        out.extend_from_slice(b"{\"ts\":\"");
        calendar.stamp(out, at, false);
        out.push(b'"');
        push_text(out, "bot", bot.name());
        push_key(out, "ok");
        out.extend_from_slice(if outage.is_none() { b"true" } else { b"false" });
        if outage.is_none() {
            push_key(out, "latency_ms");
            push_number(out, latency);
        }
        if outage.is_some_and(|o| o.planned) {
            push_key(out, "planned");
            out.extend_from_slice(b"true");
            self.planned += 1;
        }
        out.extend_from_slice(b"}\n");
        self.rows += 1;
        self.failed += u64::from(outage.is_some());
    }
}
