//! The human desk: its contacts, where the rollout's true effect lies, and the monthly ledger.
//!
//! The ledger agrees with what it pays for: the desk's hours are those of the contacts, the
//! language model's bill is the sum of the events' costs. Amounts are millionths of a euro.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use chrono::{Datelike, NaiveDate};
use serde_json::Value;

use super::calendar::{Calendar, DAY, HOUR, MINUTE, Traffic, local_date};
use super::chance::Chance;
use super::line::{push_decimal, push_number};
use super::people::People;
use super::truth::{Phases, phases};
use super::world::{BOTS, Bot, HOURLY_RATE, MAIL_PRICE, SERVICES};
use crate::error::{Result, io_error};
use crate::interval::plus;

const CONTACT_COLUMNS: &str = "contact_id,opened_ts,closed_ts,channel,service,user_id,\
    handle_seconds,cost_amount,resolved,score,instrument,is_first_contact\n";
const COST_COLUMNS: &str =
    "period_start,period_end,cost_class,bot,channel,service,amount,currency\n";
const MAIL: &str = "email";
/// The ways to a person, with how often each is taken and how long it takes.
const WAYS: [(&str, f64, f64); 3] = [("phone", 5.0, 1.0), (MAIL, 3.0, 1.3), ("chat", 2.0, 0.8)];
/// How many recent unsolved chats of a service the desk may hear about.
const REMEMBERED: usize = 400;
/// The number of users that the fixed costs are meant for; they grow with it.
const FIXED_COSTS_FOR: i64 = 6000;

/// The months' expenses.
#[derive(Default)]
pub struct Ledger {
    months: BTreeMap<NaiveDate, Month>,
    last_day: NaiveDate,
}

#[derive(Default)]
struct Month {
    model: [i64; BOTS.len()],
    desk_seconds: [i64; SERVICES.len()],
    mails: [i64; SERVICES.len()],
    takeover_seconds: i64,
}

impl Ledger {
    pub fn new(calendar: &Calendar) -> Self {
        Ledger { months: BTreeMap::new(), last_day: calendar.date(calendar.days - 1) }
    }

    /// A call of a language model; `cost` in millionths.
    pub fn model_call(&mut self, at: i64, bot: Bot, cost: i64) {
        self.month(at).model[bot as usize] += cost;
    }

    pub fn takeover(&mut self, at: i64, seconds: i64) {
        self.month(at).takeover_seconds += seconds;
    }

    fn month(&mut self, at: i64) -> &mut Month {
        // Chats that run over the last midnight are paid with the last day.
        let date = local_date(at).min(self.last_day);
        self.months.entry(date.with_day(1).unwrap_or(date)).or_default()
    }
}

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
    effect: f64,
    folder: PathBuf,
    month: Option<(NaiveDate, BufWriter<File>)>,
    complaints: [Vec<Complaint>; SERVICES.len()],
    counts: [Phases; SERVICES.len()],
    pub rows: u64,
    pub cost_rows: u64,
    pub files: u64,
    pub bytes: u64,
}

impl<'a> Office<'a> {
    pub fn new(calendar: &'a Calendar, out: &Path, seed: u64, effect: f64) -> Result<Self> {
        let folder = out.join("contacts");
        fs::create_dir_all(&folder).map_err(|e| io_error(folder.display(), e))?;
        Ok(Office {
            calendar,
            seed,
            effect,
            folder,
            month: None,
            complaints: Default::default(),
            counts: Default::default(),
            rows: 0,
            cost_rows: 0,
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
    pub fn work(&mut self, day: i32, people: &mut People, ledger: &mut Ledger) -> Result<()> {
        let mut chance = Chance::new(self.seed, 4, day);
        let level = self.calendar.level(day, Traffic::Desk) * people.len() as f64 / 1000.0;
        let slots: Vec<(i64, f64)> = self
            .calendar
            .slots(day, Traffic::Desk)
            .iter()
            .map(|slot| (slot.start, slot.weight))
            .collect();
        let mut opened: Vec<(i64, usize)> = Vec::new();
        for (service, spec) in SERVICES.iter().enumerate() {
            let treatment =
                if spec.treated { 1.0 + self.effect * self.calendar.ramp(day) } else { 1.0 };
            let count = chance.poisson(spec.contacts * level * treatment);
            for _ in 0..count {
                opened.push((chance.pick(&slots) + chance.between(0, HOUR), service));
                self.counts[service].count(day, self.calendar);
            }
        }
        opened.sort_unstable();
        let mut text = Vec::with_capacity(opened.len() * 128);
        for (at, service) in opened {
            let user = self.caller(service, at, people, &mut chance);
            let first = user.is_none_or(|user| people.contacted(user, day));
            let case = case(at, service, user, first, self.calendar.end(), &mut chance);
            pay(ledger.month(at), &case);
            self.contact(&mut text, &case);
        }
        self.append(self.calendar.date(day), &text)
    }

    /// Writes the ledger and closes the last month's contacts.
    pub fn close(&mut self, ledger: &Ledger, out: &Path, users: u32) -> Result<()> {
        self.finish_month()?;
        let path = out.join("costs.csv");
        let mut text = COST_COLUMNS.to_string();
        for (first, month) in &ledger.months {
            self.cost_rows += bill(&mut text, *first, month, self.calendar, i64::from(users));
        }
        self.bytes += text.len() as u64;
        self.files += 1;
        fs::write(&path, text).map_err(|e| io_error(path.display(), e))
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
        let first = date.with_day(1).unwrap_or(date);
        if self.month.as_ref().is_none_or(|(month, _)| *month != first) {
            self.finish_month()?;
            let path = self.path(first);
            let file = File::create(&path).map_err(|e| io_error(path.display(), e))?;
            self.month = Some((first, BufWriter::new(file)));
            self.put(CONTACT_COLUMNS.as_bytes())?;
            self.files += 1;
        }
        self.put(text)
    }

    fn put(&mut self, text: &[u8]) -> Result<()> {
        let Some((month, file)) = &mut self.month else { return Ok(()) };
        let month = *month;
        file.write_all(text).map_err(|e| io_error(self.path(month).display(), e))?;
        self.bytes += text.len() as u64;
        Ok(())
    }

    fn finish_month(&mut self) -> Result<()> {
        let Some((month, mut file)) = self.month.take() else { return Ok(()) };
        file.flush().map_err(|e| io_error(self.path(month).display(), e))
    }

    fn path(&self, month: NaiveDate) -> PathBuf {
        self.folder.join(format!("contacts-{}.csv", month.format("%Y-%m")))
    }
}

/// Draws a contact; it is still open where it would close after the demo's `end`.
fn case(
    at: i64,
    service: usize,
    user: Option<usize>,
    first: bool,
    end: i64,
    chance: &mut Chance,
) -> Case {
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
    Case { at, way, service, user, first, work: (work.closed < end).then_some(work) }
}

/// Mails are answered by an agency for a price; the rest costs the desk's own time.
fn pay(month: &mut Month, case: &Case) {
    let Some(work) = &case.work else { return };
    if case.way == MAIL {
        month.mails[case.service] += 1;
    } else {
        month.desk_seconds[case.service] += work.seconds;
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

/// Appends a month's rows; returns how many. The demo's first and last months may be parts.
fn bill(
    text: &mut String,
    first: NaiveDate,
    month: &Month,
    calendar: &Calendar,
    users: i64,
) -> u64 {
    let next = plus(first, 32).with_day(1).unwrap_or(first);
    let from = first.max(calendar.start);
    let to = plus(next, -1).min(calendar.date(calendar.days - 1));
    let whole = (next - first).num_days();
    let hours = |seconds: i64| seconds * HOURLY_RATE / 3600;
    let mut rows = 0;
    let mut row = |from: NaiveDate, class: &str, slice: &str, amount: i64| {
        if amount > 0 {
            let (euros, rest) = (amount / 1_000_000, amount % 1_000_000);
            text.push_str(&format!("{from},{to},{class},{slice},{euros}.{rest:06},EUR\n"));
            rows += 1;
        }
    };
    // What a whole month of it costs a shop of the usual size, in euros.
    let fixed = |from: NaiveDate, euros: i64| {
        euros * 1_000_000 * users / FIXED_COSTS_FOR * ((to - from).num_days() + 1) / whole
    };
    let mut direct = 0;
    for (n, service) in SERVICES.iter().enumerate() {
        let amount = hours(month.desk_seconds[n]) + month.mails[n] * MAIL_PRICE;
        direct += amount;
        row(from, "human_direct", &format!(",,{}", service.name), amount);
    }
    let takeovers = hours(month.takeover_seconds);
    row(from, "human_direct", ",,", takeovers);
    row(from, "human_indirect", ",,", (direct + takeovers) * 18 / 100);
    row(from, "tech_human", ",,", fixed(from, 420));
    row(from, "facilities", ",,", fixed(from, 650));
    row(from, "bot_platform", "shop,,", fixed(from, 260));
    row(from, "bot_platform", "billing,,", fixed(from, 180));
    for bot in BOTS {
        row(from, "llm_usage", &format!("{},,", bot.name()), month.model[bot as usize]);
    }
    let built = from.max(calendar.rollout_date());
    if built <= to {
        row(built, "bot_build_amortised", "shop,,", fixed(built, 520));
    }
    row(from, "bot_content_ops", ",,", fixed(from, 240));
    rows
}
