//! The log as objects: which record lies where, in which order, delivered when.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::World;
use super::record::RawContact;
use super::rng::Rng;
use crate::support::calendar::{day_start, local_date, plus, utc_date};

impl World {
    /// The log cut into objects, as (key, bytes), in no particular order. Keys are
    /// `logs/events-YYYY-MM-DD-N.jsonl`; a record lies under its UTC date, or, delivered late,
    /// under the date after. Every UTC date that the world's local days touch has an object,
    /// if an empty one. Other seeds cut the same log differently.
    pub fn objects(&self, split_seed: u64) -> Vec<(String, Vec<u8>)> {
        let mut rng = Rng::new(split_seed ^ 0x5eed_0b1e);
        let mut days: BTreeMap<NaiveDate, Vec<Vec<u8>>> =
            self.touched_dates().into_iter().map(|date| (date, Vec::new())).collect();
        let mut rows: Vec<(i64, NaiveDate, Vec<u8>)> = Vec::new();
        for event in &self.events {
            rows.push((event.ts_us, utc_date(event.ts_us), event.line()));
        }
        // Some logs are in order, as most real ones are; the others are not at all.
        rows.sort_by_key(|(ts_us, _, _)| *ts_us);
        if rng.chance(70) {
            rng.shuffle(&mut rows);
        }
        for (_, date, line) in rows {
            let late = i64::from(rng.chance(4));
            days.entry(plus(date, late)).or_default().push(line);
        }
        for (date, line) in &self.bad_lines {
            let lines = days.entry(*date).or_default();
            let place = rng.index(lines.len() + 1);
            lines.insert(place, line.clone());
        }
        days.into_iter().flat_map(|(date, lines)| cut(&mut rng, date, lines)).collect()
    }

    /// The contacts file that goes with the log.
    pub fn contacts_csv(&self) -> String {
        let price = |contact: &RawContact| self.contact_costs.get(&contact.contact_id).copied();
        let rows: String =
            self.contacts.iter().map(|contact| contact.row(price(contact))).collect();
        format!("{}{rows}", RawContact::HEADER)
    }

    /// The probes file that goes with the log.
    pub fn probes_jsonl(&self) -> String {
        self.probes.iter().map(|probe| probe.line() + "\n").collect()
    }

    fn touched_dates(&self) -> Vec<NaiveDate> {
        let instants = || self.events.iter().map(|event| event.ts_us);
        let (Some(first), Some(last)) = (instants().min(), instants().max()) else {
            return Vec::new();
        };
        let first_day = local_date(self.zone, first);
        let day_after = plus(local_date(self.zone, last), 1);
        let from = utc_date(day_start(self.zone, first_day));
        let until = utc_date(day_start(self.zone, day_after) - 1);
        from.iter_days().take_while(|date| *date <= until).collect()
    }
}

/// Cuts one date's lines into objects. One in ten objects is delivered a second time.
fn cut(rng: &mut Rng, date: NaiveDate, lines: Vec<Vec<u8>>) -> Vec<(String, Vec<u8>)> {
    let count = rng.pick(&[1, 1, 2, 3, 11]);
    let mut parts: Vec<Vec<u8>> = vec![Vec::new(); count];
    let crlf = rng.chance(10);
    let (last_line, total) = (rng.chance(30), lines.len());
    for (number, line) in lines.into_iter().enumerate() {
        let part = rng.index(count);
        parts[part].extend(line);
        // The last line of a file need not end; only the very last written is sure to be one.
        if last_line && number + 1 == total {
            break;
        }
        parts[part].extend_from_slice(if crlf { b"\r\n" } else { b"\n" });
        if rng.chance(2) {
            parts[part].push(b'\n');
        }
    }
    let mut next = parts.len();
    let mut objects = Vec::new();
    for (number, bytes) in parts.into_iter().enumerate() {
        if rng.chance(10) {
            objects.push((key(date, next), bytes.clone()));
            next += 1;
        }
        objects.push((key(date, number), bytes));
    }
    rng.shuffle(&mut objects);
    objects
}

fn key(date: NaiveDate, number: usize) -> String {
    format!("logs/events-{date}-{number}.jsonl")
}
