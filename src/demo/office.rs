//! The human desk and its contacts, where the rollout's true effect begins.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use chrono::{Datelike, NaiveDate};
use serde_json::Value;

use super::books::Books;
use super::calendar::{Calendar, DAY, HOUR, MINUTE, Traffic};
use super::chance::Chance;
use super::ledger::Ledger;
use super::line::{push_decimal, push_number};
use super::people::People;
use super::truth::{Phases, phases};
use super::world::{MAIL_PRICE, SERVICES};
use crate::error::{Result, io_error};

const CONTACT_COLUMNS: &str = "contact_id,opened_ts,closed_ts,channel,service,user_id,\
    handle_seconds,cost_amount,resolved,score,instrument,is_first_contact\n";
/// Streams of chance of their own for the day's contacts about a service, and for each of them.
const SERVICE: u64 = 3 << 32;
const CONTACT: u64 = 4 << 32;
const MAIL: &str = "email";
/// The ways to a person, with how often each is taken and how long it takes.
const WAYS: [(&str, f64, f64); 3] = [("phone", 5.0, 1.0), (MAIL, 3.0, 1.3), ("chat", 2.0, 0.8)];
/// How many recent unsolved chats of a service the desk may hear about.
const REMEMBERED: usize = 400;

/// A chat that the desk may hear about.
#[derive(Clone, Copy)]
struct Complaint {
    user: usize,
    at: i64,
}

/// A human contact.
struct Case {
    at: i64,
    way: &'static str,
    service: usize,
    user: Option<usize>,
    first: bool,
    /// None while it is open.
    work: Option<Work>,
}

/// What became of a contact.
struct Work {
    closed: i64,
    seconds: i64,
    resolved: bool,
    score: Option<u64>,
}

pub struct Office<'a> {
    calendar: &'a Calendar,
    seed: u64,
    /// None: nothing is written.
    folder: Option<PathBuf>,
    /// The open month's file.
    month: Option<(PathBuf, NaiveDate, BufWriter<File>)>,
    complaints: [Vec<Complaint>; SERVICES.len()],
    counts: [Phases; SERVICES.len()],
    pub rows: u64,
    pub files: u64,
    pub bytes: u64,
}

impl<'a> Office<'a> {
    pub fn new(calendar: &'a Calendar, out: Option<&Path>, seed: u64) -> Result<Self> {
        let folder = out.map(|out| out.join("contacts"));
        if let Some(folder) = &folder {
            fs::create_dir_all(folder).map_err(|e| io_error(folder.display(), e))?;
        }
        Ok(Office {
            calendar,
            seed,
            folder,
            month: None,
            complaints: Default::default(),
            counts: Default::default(),
            rows: 0,
            files: 0,
            bytes: 0,
        })
    }

    pub fn by_service(&self) -> BTreeMap<&'static str, Value> {
        phases(&self.counts)
    }

    /// A chat left a known customer without an answer.
    pub fn unsolved(&mut self, user: usize, service: usize, at: i64) {
        let list = &mut self.complaints[service];
        if list.len() < REMEMBERED {
            list.push(Complaint { user, at });
        } else {
            // Overwrites in turn, as good as the oldest.
            list[user % REMEMBERED] = Complaint { user, at };
        }
    }

    /// Writes the contacts that people open on a day.
    pub fn work(
        &mut self,
        day: i32,
        people: &mut People,
        ledger: &mut Ledger,
        books: &mut Books,
    ) -> Result<()> {
        let level = self.calendar.level(day, Traffic::Desk) * people.len() as f64 / 1000.0;
        let slots: Vec<(i64, f64)> = self
            .calendar
            .slots(day, Traffic::Desk)
            .iter()
            .map(|slot| (slot.start, slot.weight))
            .collect();
        let mut opened = Vec::new();
        for (service, spec) in SERVICES.iter().enumerate() {
            let treatment = if spec.treated { self.calendar.contacts(day) } else { 1.0 };
            let mut chance = Chance::new(self.seed, SERVICE + service as u64, day);
            let count = chance.poisson(spec.contacts * level * treatment);
            for n in 0..count {
                let own = CONTACT + ((service as u64) << 24) + n;
                let mut chance = Chance::new(self.seed, own, day);
                let at = chance.pick(&slots) + chance.between(0, HOUR);
                opened.push((case(at, service, self.calendar.end(), &mut chance), chance));
                self.counts[service].count(day, self.calendar);
            }
        }
        opened.sort_by_key(|(case, _)| (case.at, case.service));
        let mut text = Vec::with_capacity(opened.len() * 128);
        for (mut case, mut chance) in opened {
            case.user = self.caller(case.service, case.at, people, &mut chance);
            case.first = case.user.is_none_or(|user| people.contacted(user, day));
            books.contact(day, case.service, case.user, case.at);
            pay(ledger, &case);
            self.contact(&mut text, &case);
        }
        self.append(self.calendar.date(day), &text)
    }

    /// Closes the last month's contacts.
    pub fn close(&mut self) -> Result<()> {
        self.finish_month()
    }

    /// Who it is: now and then somebody whom the bot did not help, else anybody, or nobody known.
    fn caller(
        &self,
        service: usize,
        at: i64,
        people: &People,
        chance: &mut Chance,
    ) -> Option<usize> {
        let list = &self.complaints[service];
        if !list.is_empty() && chance.hit(0.35) {
            let complaint = list[chance.below(list.len())];
            if complaint.at < at && at < complaint.at + 5 * DAY {
                return Some(complaint.user);
            }
        }
        if people.len() == 0 || chance.hit(0.12) {
            return None;
        }
        let user = chance.below(people.len());
        (!people.user(user).guest).then_some(user)
    }

    fn contact(&mut self, out: &mut Vec<u8>, case: &Case) {
        self.rows += 1;
        out.push(b'c');
        push_number(out, 1_000_000 + self.rows);
        out.push(b',');
        self.calendar.stamp(out, case.at, true);
        out.push(b',');
        if let Some(work) = &case.work {
            self.calendar.stamp(out, work.closed, true);
        }
        for field in [case.way, SERVICES[case.service].name] {
            out.push(b',');
            out.extend_from_slice(field.as_bytes());
        }
        out.push(b',');
        if let Some(user) = case.user {
            push_number(out, People::number(user));
        }
        match &case.work {
            Some(work) => push_work(out, work, case.way),
            None => out.extend_from_slice(b",,,,,"),
        }
        out.extend_from_slice(if case.first { b",true\n" } else { b",false\n" });
    }

    fn append(&mut self, date: NaiveDate, text: &[u8]) -> Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let first = date.with_day(1).unwrap_or(date);
        if self.month.as_ref().is_none_or(|(_, month, _)| *month != first) {
            let path = path(folder, first);
            self.finish_month()?;
            let file = File::create(&path).map_err(|e| io_error(path.display(), e))?;
            self.month = Some((path, first, BufWriter::new(file)));
            self.put(CONTACT_COLUMNS.as_bytes())?;
            self.files += 1;
        }
        self.put(text)
    }

    fn put(&mut self, text: &[u8]) -> Result<()> {
        let Some((path, _, file)) = &mut self.month else { return Ok(()) };
        file.write_all(text).map_err(|e| io_error(path.display(), e))?;
        self.bytes += text.len() as u64;
        Ok(())
    }

    fn finish_month(&mut self) -> Result<()> {
        let Some((path, _, mut file)) = self.month.take() else { return Ok(()) };
        file.flush().map_err(|e| io_error(path.display(), e))
    }
}

fn path(folder: &Path, month: NaiveDate) -> PathBuf {
    folder.join(format!("contacts-{}.csv", month.format("%Y-%m")))
}

/// Draws a contact; it is still open where it would close after the demo's `end`.
fn case(at: i64, service: usize, end: i64, chance: &mut Chance) -> Case {
    let (way, pace) = chance.pick(&WAYS.map(|(name, share, pace)| ((name, pace), share)));
    let median = SERVICES[service].handle_seconds * pace;
    let seconds = chance.around(median, 0.55).clamp(15.0, 7200.0) as i64;
    let wait = if way == MAIL { chance.between(HOUR, 30 * HOUR) } else { MINUTE };
    let work = Work {
        closed: at + wait + seconds * 1000,
        seconds,
        resolved: chance.hit(0.86),
        score: chance.hit(0.18).then(|| 5 - (chance.unit() * chance.unit() * 5.0) as u64),
    };
    Case { at, way, service, user: None, first: false, work: (work.closed < end).then_some(work) }
}

/// Mails are answered by an agency for a price; the rest costs the desk's own time.
fn pay(ledger: &mut Ledger, case: &Case) {
    let Some(work) = &case.work else { return };
    match case.way {
        MAIL => ledger.mail(case.at, case.service),
        _ => ledger.desk(case.at, case.service, work.seconds),
    }
}

/// Seconds, cost, resolved, score and instrument.
fn push_work(out: &mut Vec<u8>, work: &Work, way: &str) {
    out.push(b',');
    push_number(out, work.seconds as u64);
    out.push(b',');
    if way == MAIL {
        push_decimal(out, MAIL_PRICE as u64, 6);
    }
    out.extend_from_slice(if work.resolved { b",true," } else { b",false," });
    match work.score {
        Some(score) => {
            push_number(out, score);
            out.extend_from_slice(b",csat_5");
        }
        None => out.push(b','),
    }
}
