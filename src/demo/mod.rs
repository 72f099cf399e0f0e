//! A company's logs, made up: a shop with two bots, three channels, a human desk and its costs,
//! some months around a rollout whose true effect is known.
//!
//! The same [`Demo`] always gives the same bytes: nothing here reads a clock, a locale or the
//! environment, and no number depends on the machine. Traffic is made day by day, in memory that
//! holds the customers and about two days of lines, so it scales to tens of millions of events.
//! `truth.json` says what was put in. Leaves out: what KPIs come out, which is the program's part.

mod aftermath;
mod books;
mod calendar;
mod chance;
mod chat;
mod delivery;
mod ledger;
mod line;
mod office;
mod people;
mod probes;
mod street;
#[cfg(test)]
mod tests;
mod truth;
mod world;

use std::fs;
use std::path::Path;

use chrono::{Datelike, NaiveDate};

use crate::error::{Error, Result, io_error};
use books::Books;
use calendar::Calendar;
use delivery::Delivery;
use ledger::{Bill, Ledger};
use office::Office;
use people::People;
use probes::{Outages, Probes};

pub use books::CostDay;

/// The pipeline that reads the demo, for the default dates.
const PIPELINE: &str = include_str!("../../pipelines/demo.yaml");
const PIPELINE_START: &str = "2026-01-01";
const PIPELINE_ROLLOUT: &str = "2026-03-02";
/// A century: beyond it a wrong argument is likelier than a wish.
const MOST_DAYS: u32 = 36_525;

/// What to make up.
#[derive(Debug, Clone, PartialEq)]
pub struct Demo {
    /// Local days; the rollout is two fifths in.
    pub days: u32,
    /// Customers by the last day: about thirty events each in 150 days.
    pub users: u32,
    pub seed: u64,
    /// True relative change of the human contacts of the rolled-out services: -0.3 is 30 % fewer. 0:
    /// a rollout in name alone, that changes nothing and was not paid for.
    pub effect: f64,
    /// The first local day (Europe/Stockholm).
    pub start: NaiveDate,
}

impl Default for Demo {
    fn default() -> Self {
        Demo {
            days: 150,
            users: 2000,
            seed: 1,
            effect: -0.30,
            start: NaiveDate::from_ymd_opt(2026, 1, 1).unwrap_or_default(),
        }
    }
}

/// What was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Data files: logs, contacts, costs, probes.
    pub files: u64,
    /// Their size on disk.
    pub bytes: u64,
    /// Lines in the event logs: events, duplicates and broken ones.
    pub lines: u64,
    /// Distinct readable events, test traffic included.
    pub events: u64,
    pub duplicates: u64,
    /// Events in the file of the day after their own.
    pub late: u64,
    pub broken: u64,
    pub test: u64,
    pub chats: u64,
    /// Contacts with people.
    pub contacts: u64,
    pub probes: u64,
}

/// Writes the demo's files into a folder, which is made where it is missing; files of the same
/// names are replaced. Errors: a demo without days or users, an effect below -1, the disk.
pub fn generate(demo: &Demo, out: &Path) -> Result<Summary> {
    check(demo)?;
    fs::create_dir_all(out).map_err(|e| io_error(out.display(), e))?;
    let calendar = Calendar::new(demo.start, demo.days, demo.effect);
    let outages = Outages::new(&calendar, demo.seed);
    let Lived { delivery, office, bills, days } = live(demo, &calendar, &outages, Some(out))?;
    let costs = ledger::text(&bills);
    write(&out.join("costs.csv"), &costs)?;
    let without = cost_days(&Demo { effect: 0.0, ..demo.clone() })?;
    let mut probes = Probes::new(out)?;
    for day in calendar.first_utc_day()..calendar.end_utc_day() {
        probes.write(day, &calendar, &outages, demo.seed)?;
    }
    let known = truth::Known {
        tally: &delivery.tally,
        office: &office,
        cost_rows: bills.len(),
        probes: &probes,
        cost_per_service: truth::cost_per_service(&calendar, &days, &without),
    };
    let truth = truth::render(demo, &calendar, known);
    write(&out.join("truth.json"), &truth)?;
    write(&out.join("pipeline.yaml"), &pipeline(&calendar))?;
    let tally = &delivery.tally;
    Ok(Summary {
        files: delivery.files + office.files + probes.files + 1,
        bytes: delivery.bytes + office.bytes + probes.bytes + costs.len() as u64,
        lines: tally.lines(),
        events: tally.events,
        duplicates: tally.duplicates(),
        late: tally.late,
        broken: tally.broken_lines(),
        test: tally.test,
        chats: tally.chats,
        contacts: office.rows,
        probes: probes.rows,
    })
}

/// What the services of a demo's shop cost, day by day, by the same definitions as the tables that a
/// pipeline makes of its logs. Nothing is written.
///
/// # Errors
/// Those of [`generate`] but the disk's.
pub fn cost_days(demo: &Demo) -> Result<Vec<CostDay>> {
    check(demo)?;
    let calendar = Calendar::new(demo.start, demo.days, demo.effect);
    let outages = Outages::new(&calendar, demo.seed);
    Ok(live(demo, &calendar, &outages, None)?.days)
}

/// A shop after its last day.
struct Lived<'a> {
    delivery: Delivery<'a>,
    office: Office<'a>,
    bills: Vec<Bill>,
    days: Vec<CostDay>,
}

/// Lives through all days, and writes logs and contacts where `out` says.
fn live<'a>(
    demo: &Demo,
    calendar: &'a Calendar,
    outages: &Outages,
    out: Option<&Path>,
) -> Result<Lived<'a>> {
    let mut delivery = Delivery::new(calendar, out, demo.seed)?;
    let mut office = Office::new(calendar, out, demo.seed)?;
    let (mut ledger, mut books) = (Ledger::new(calendar), Books::new(calendar));
    let mut people = People::new(demo.users, calendar);
    let mut serial = 0;
    for day in 0..calendar.days {
        let mut today = street::Today {
            day,
            calendar,
            outages,
            people: &mut people,
            delivery: &mut delivery,
            office: &mut office,
            ledger: &mut ledger,
            books: &mut books,
            serial: &mut serial,
        };
        street::open(&mut today, demo.seed);
        office.work(day, &mut people, &mut ledger, &mut books)?;
        // The UTC day before this local day's date ended within this local day.
        delivery.write_until(calendar.first_utc_day() + day)?;
    }
    delivery.write_until(calendar.end_utc_day() - 1)?;
    office.close()?;
    let bills = ledger.bills(calendar, demo.users);
    let days = books.close(calendar, &bills);
    Ok(Lived { delivery, office, bills, days })
}

fn check(demo: &Demo) -> Result<()> {
    if demo.days == 0 || demo.days > MOST_DAYS {
        return Err(
            Error::config(format!("a demo has 1 to {MOST_DAYS} days")).context("days", demo.days)
        );
    }
    if demo.users == 0 {
        return Err(Error::config("a demo needs at least one user"));
    }
    if !demo.effect.is_finite() || demo.effect < -1.0 || demo.effect > 10.0 {
        return Err(Error::config("the effect is a relative change")
            .context("effect", demo.effect)
            .remedy("-0.3 is 30 % fewer human contacts; it lies between -1 and 10"));
    }
    // Timestamps have four-digit years.
    if !(1971..=9000).contains(&demo.start.year()) {
        return Err(
            Error::config("a demo starts in a year from 1971 to 9000").context("start", demo.start)
        );
    }
    Ok(())
}

fn pipeline(calendar: &Calendar) -> String {
    // Through a name of neither, so that a start on the default rollout's day is no riddle.
    PIPELINE
        .replace(PIPELINE_ROLLOUT, "{rollout}")
        .replace(PIPELINE_START, &calendar.start.to_string())
        .replace("{rollout}", &calendar.rollout_date().to_string())
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).map_err(|e| io_error(path.display(), e))
}
