//! What the shop pays, month by month.
//!
//! The ledger agrees with what it pays for: the desk's hours are those of the contacts and of chats
//! taken over, the language model's bill is the sum of the events' costs. Amounts are millionths of
//! a euro.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};

use super::calendar::{Calendar, local_date};
use super::world::{BOTS, Bot, HOURLY_RATE, MAIL_PRICE, SERVICES};
use crate::interval::plus;

const COLUMNS: &str = "period_start,period_end,cost_class,bot,channel,service,amount,currency\n";
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
}

/// A line of the ledger: an amount for the days from `from` to `to`, both included.
pub struct Bill {
    pub from: NaiveDate,
    pub to: NaiveDate,
    pub class: &'static str,
    pub bot: Option<Bot>,
    /// Index into [`SERVICES`].
    pub service: Option<usize>,
    pub micros: i64,
}

impl Ledger {
    pub fn new(calendar: &Calendar) -> Self {
        Ledger { months: BTreeMap::new(), last_day: calendar.date(calendar.days - 1) }
    }

    /// A call of a language model; `cost` in millionths.
    pub fn model_call(&mut self, at: i64, bot: Bot, cost: i64) {
        self.month(at).model[bot as usize] += cost;
    }

    /// The desk's time for a chat that it took over from a bot.
    pub fn takeover(&mut self, at: i64, service: usize, seconds: i64) {
        self.desk(at, service, seconds);
    }

    /// The desk's time for a contact.
    pub fn desk(&mut self, at: i64, service: usize, seconds: i64) {
        self.month(at).desk_seconds[service] += seconds;
    }

    /// A mail, which an agency answers for a price.
    pub fn mail(&mut self, at: i64, service: usize) {
        self.month(at).mails[service] += 1;
    }

    fn month(&mut self, at: i64) -> &mut Month {
        // Chats that run over the last midnight are paid with the last day.
        let date = local_date(at).min(self.last_day);
        self.months.entry(date.with_day(1).unwrap_or(date)).or_default()
    }

    /// All lines, for a shop of `users` customers.
    pub fn bills(&self, calendar: &Calendar, users: u32) -> Vec<Bill> {
        let users = i64::from(users);
        let months = self.months.iter();
        months.flat_map(|(first, month)| bills(*first, month, calendar, users)).collect()
    }
}

/// The ledger as the file that the pipeline reads.
pub fn text(bills: &[Bill]) -> String {
    let mut text = COLUMNS.to_string();
    for Bill { from, to, class, bot, service, micros } in bills {
        let bot = bot.map_or("", Bot::name);
        let service = service.map_or("", |service| SERVICES[service].name);
        let (euros, rest) = (micros / 1_000_000, micros % 1_000_000);
        text.push_str(&format!("{from},{to},{class},{bot},,{service},{euros}.{rest:06},EUR\n"));
    }
    text
}

/// A month's lines. The demo's first and last months may be parts.
fn bills(first: NaiveDate, month: &Month, calendar: &Calendar, users: i64) -> Vec<Bill> {
    let next = plus(first, 32).with_day(1).unwrap_or(first);
    let from = first.max(calendar.start);
    let to = plus(next, -1).min(calendar.date(calendar.days - 1));
    let whole = (next - first).num_days();
    let mut bills = Vec::new();
    let mut row = |from: NaiveDate, class, bot, service, micros: i64| {
        if micros > 0 {
            bills.push(Bill { from, to, class, bot, service, micros });
        }
    };
    // What a whole month of it costs a shop of the usual size, in euros.
    let fixed = |from: NaiveDate, euros: i64| {
        euros * 1_000_000 * users / FIXED_COSTS_FOR * ((to - from).num_days() + 1) / whole
    };
    let mut direct = 0;
    for n in 0..SERVICES.len() {
        let amount = month.desk_seconds[n] * HOURLY_RATE / 3600 + month.mails[n] * MAIL_PRICE;
        direct += amount;
        row(from, "human_direct", None, Some(n), amount);
    }
    row(from, "human_indirect", None, None, direct * 18 / 100);
    row(from, "tech_human", None, None, fixed(from, 420));
    row(from, "facilities", None, None, fixed(from, 650));
    row(from, "bot_platform", Some(Bot::Shop), None, fixed(from, 260));
    row(from, "bot_platform", Some(Bot::Billing), None, fixed(from, 180));
    for bot in BOTS {
        row(from, "llm_usage", Some(bot), None, month.model[bot as usize]);
    }
    // A rollout that changes nothing was not built.
    let built = from.max(calendar.rollout_date());
    if built <= to && calendar.effect != 0.0 {
        row(built, "bot_build_amortised", Some(Bot::Shop), None, fixed(built, 520));
    }
    row(from, "bot_content_ops", None, None, fixed(from, 240));
    bills
}
