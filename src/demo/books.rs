//! What the services really cost, day by day: counted while the shop is made up, without its logs.
//!
//! By the definitions of the cost tables: a bot handled each session in which somebody wrote, a
//! person each contact and each chat that was taken over and not followed by a contact of the
//! customer; a period's amount is spread evenly over its days, and what services share is shared by
//! services handled (a language model's bill by what each used). Leaves out what happens to one
//! chat in some thousand: two that meet within the timeout, and lines that came broken.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::calendar::{Calendar, DAY};
use super::ledger::Bill;
use super::line::Thread;
use super::world::{BOTS, Bot, SERVICES};

/// The services, and for each bot the chats that it never understood to be about one.
const SLICES: usize = SERVICES.len() + BOTS.len();
/// A person's contact so soon after a chat is the same service.
const SAME_SERVICE: i64 = DAY;

/// What a chat was, as sessions and cost go.
#[derive(Clone, Copy, Default)]
pub struct Trace {
    /// None: a test.
    pub slice: Option<usize>,
    /// Somebody wrote.
    pub engaged: bool,
    /// Silences that end a session.
    pub pauses: i64,
    /// When it was handed over.
    pub handed: Option<i64>,
    /// A person answered within the session.
    pub taken: bool,
    /// The last line's time.
    pub until: i64,
    /// What its language model cost, in millionths.
    pub model: i64,
}

/// Where a chat is counted.
pub fn slice(thread: &Thread, service: usize) -> usize {
    match thread.service.is_empty() {
        true => SERVICES.len() + thread.bot as usize,
        false => service,
    }
}

/// A day's numbers of one service and handler, as the cost tables would have them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CostDay {
    pub date: NaiveDate,
    pub service: &'static str,
    /// A person's, not a bot's.
    pub is_human: bool,
    /// Services that count; one that went from the bot to a person is the person's alone.
    pub services: i64,
    /// Millionths of a euro.
    pub cost_micros: i64,
    /// The part of it that these services alone caused.
    pub avoidable_micros: i64,
}

/// A slice's day.
#[derive(Clone, Copy, Default)]
struct Count {
    sessions: i64,
    handed: i64,
    people: i64,
    model: i64,
}

/// A chat that a person took over.
struct Takeover {
    day: i32,
    slice: usize,
    user: usize,
    from: i64,
    until: i64,
}

pub struct Books {
    days: Vec<[Count; SLICES]>,
    takeovers: Vec<Takeover>,
    /// When customers had contacts with people, in order.
    contacts: BTreeMap<usize, Vec<i64>>,
}

impl Books {
    pub fn new(calendar: &Calendar) -> Self {
        let days = vec![[Count::default(); SLICES]; calendar.days as usize];
        Books { days, takeovers: Vec::new(), contacts: BTreeMap::new() }
    }

    /// A chat of a day; `user` where desk and bot know the customer by the same name.
    pub fn chat(&mut self, day: i32, user: Option<usize>, trace: &Trace) {
        let Some(slice) = trace.slice.filter(|_| trace.engaged) else { return };
        let count = &mut self.days[day as usize][slice];
        count.sessions += 1 + trace.pauses;
        count.model += trace.model;
        let Some(from) = trace.handed else { return };
        count.handed += 1;
        if !trace.taken {
            return;
        }
        match user {
            None => count.people += 1,
            Some(user) => {
                self.takeovers.push(Takeover { day, slice, user, from, until: trace.until });
            }
        }
    }

    pub fn contact(&mut self, day: i32, service: usize, user: Option<usize>, at: i64) {
        self.days[day as usize][service].people += 1;
        if let Some(user) = user {
            self.contacts.entry(user).or_default().push(at);
        }
    }

    /// The services' days, with the ledger shared out over them.
    pub fn close(mut self, calendar: &Calendar, bills: &[Bill]) -> Vec<CostDay> {
        for chat in std::mem::take(&mut self.takeovers) {
            let own = self.contacts.get(&chat.user).map_or(&[][..], Vec::as_slice);
            let next = own.partition_point(|at| *at < chat.from);
            let is_followed = own.get(next).is_some_and(|at| *at <= chat.until + SAME_SERVICE);
            self.days[chat.day as usize][chat.slice].people += i64::from(!is_followed);
        }
        let mut costs = vec![[[(0, 0); 2]; SLICES]; self.days.len()];
        for bill in bills {
            let day = |date: NaiveDate| (date - calendar.start).num_days() as usize;
            let days = day(bill.from)..=day(bill.to);
            let count = days.clone().count() as i64;
            for day in days {
                share(bill, bill.micros / count, &self.days[day], &mut costs[day]);
            }
        }
        let mut rows = Vec::new();
        for (day, (counts, costs)) in self.days.iter().zip(&costs).enumerate() {
            for (service, spec) in SERVICES.iter().enumerate() {
                let count = &counts[service];
                for (human, services) in
                    [count.sessions - count.handed, count.people].into_iter().enumerate()
                {
                    let (cost_micros, avoidable_micros) = costs[service][human];
                    rows.push(CostDay {
                        date: calendar.date(day as i32),
                        service: spec.name,
                        is_human: human == 1,
                        services,
                        cost_micros,
                        avoidable_micros,
                    });
                }
            }
        }
        rows
    }
}

/// Gives a day's amount to the slices that it is for; what nobody can carry stays out.
fn share(
    bill: &Bill,
    micros: i64,
    counts: &[Count; SLICES],
    costs: &mut [[(i64, i64); 2]; SLICES],
) {
    let is_human =
        ["human_direct", "human_indirect", "tech_human", "facilities"].contains(&bill.class);
    let is_avoidable = ["human_direct", "llm_usage"].contains(&bill.class);
    let mut give = |slice: usize, micros: i64| {
        let cost = &mut costs[slice][usize::from(is_human)];
        cost.0 += micros;
        cost.1 += if is_avoidable { micros } else { 0 };
    };
    if let Some(service) = bill.service {
        return give(service, micros);
    }
    let own = |slice: usize| bill.bot.is_none_or(|bot| bot_of(slice) == bot);
    let weigh = |by_use: bool| {
        std::array::from_fn::<i64, SLICES, _>(|slice| match (own(slice), is_human, by_use) {
            (false, ..) => 0,
            (true, true, _) => counts[slice].people,
            (true, false, true) => counts[slice].model,
            (true, false, false) => counts[slice].sessions,
        })
    };
    let mut weights = weigh(is_avoidable);
    if weights.iter().sum::<i64>() == 0 {
        weights = weigh(false);
    }
    let total: i64 = weights.iter().sum();
    for (slice, weight) in weights.into_iter().enumerate().filter(|_| total > 0) {
        give(slice, (i128::from(micros) * i128::from(weight) / i128::from(total)) as i64);
    }
}

fn bot_of(slice: usize) -> Bot {
    SERVICES.get(slice).map_or_else(|| BOTS[slice - SERVICES.len()], |service| service.bot)
}
