//! Cost and savings (§3.10, §3.11): who handled what, what was paid for it, and what it saved.
//!
//! Amounts are millionths in 128 bits, so no order of operations matters here.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::durability::{self, Visit};
use super::sessions::{Outcome, Session};
use super::{Cell, Place, answers, slices};
use crate::support::calendar::{HOUR, day_start, local_date, plus};
use crate::support::chaos::{RawContact, World};

const HUMAN_CLASSES: [&str; 4] = ["human_direct", "human_indirect", "tech_human", "facilities"];
const UNALLOCATED: &str = "unallocated";
/// §3.11: what counts as saved in each line.
pub const LINES: [&str; 3] = ["conservative", "standard", "vendor"];

/// Where a service or an amount belongs: the dimensions' values, and the channel.
pub type Spot = (Vec<String>, String);

/// A service, or what events cost without being one.
pub struct Service {
    human: bool,
    spot: Spot,
    /// False for open and unengaged sessions, which may cost something all the same.
    counted: bool,
    resolved: bool,
    /// By a bot, and for a week.
    durable: bool,
    escalated: bool,
    /// None where nothing tells its price.
    own: Option<i128>,
}

/// The cells of every day from `first` to `last`.
pub fn cells(
    world: &World,
    sessions: &[Session],
    watermark: i64,
    first: NaiveDate,
    last: NaiveDate,
) -> BTreeMap<Place, Cell> {
    let mut cells = BTreeMap::new();
    let visits = durability::visits(world, sessions, first);
    for date in first.iter_days().take_while(|date| *date <= last) {
        let services = services(world, sessions, &visits, watermark, date);
        let costs = costs(world, &services, date);
        let is_over = |days: i64| watermark >= day_start(world.zone, plus(date, days + 1));
        let mut put =
            |metric: &str, slice: &[String], numerator: f64, denominator: i64, n, days| {
                if denominator > 0 {
                    let cell = Cell {
                        numerator,
                        denominator: denominator as f64,
                        value: numerator / denominator as f64,
                        ci_low: None,
                        ci_high: None,
                        n,
                        low_n: n < 30,
                        status: if is_over(days) { "final" } else { "provisional" }.to_owned(),
                    };
                    cells.insert((date, metric.to_owned(), slice.to_vec()), cell);
                }
            };
        for (handler, human, days) in [("bot", false, 1), ("human", true, 3)] {
            for (slice, sum) in per_service(&services, &costs, human) {
                let Some(cost) = sum.cost else { continue };
                let cost = cost as f64 / 1e6;
                let (n, resolved) = (sum.services, sum.resolved);
                put(&format!("cost_per_service_{handler}"), &slice, cost, n, n, days);
                let metric = format!("cost_per_resolved_service_{handler}");
                put(&metric, &slice, cost, resolved, resolved, days);
            }
        }
        for (slice, saved) in savings(world, &services, &costs, date, "standard") {
            let n = saved.services;
            if let Some(ms) = saved.ms {
                put("time_saved_seconds", &slice, ms as f64 / 1e3, 1, n, 1);
            }
            let Some(gross) = saved.gross else { continue };
            put("cost_saved", &slice, gross as f64 / 1e6, 1, n, 1);
            if let Some(cost) = saved.bot_cost {
                put("cost_saved_net", &slice, (gross - cost) as f64 / 1e6, 1, n, 1);
            }
        }
        // R7: from the end of the local day eight days later.
        if is_over(8) {
            for (slice, saved) in savings(world, &services, &costs, date, "conservative") {
                let Some(ms) = saved.ms else { continue };
                let metric = "time_saved_seconds_conservative";
                put(metric, &slice, ms as f64 / 1e3, 1, saved.services, 8);
            }
        }
    }
    cells
}

/// §3.10: what bots and people handled on a day, as each service.
pub fn services(
    world: &World,
    sessions: &[Session],
    visits: &[Visit],
    watermark: i64,
    date: NaiveDate,
) -> Vec<Service> {
    let mut services = Vec::new();
    for session in sessions.iter().filter(|session| session.date == date) {
        use Outcome::*;
        let outcome = session.outcome(watermark);
        let dims: Vec<String> = world.dims.iter().map(|dim| session.dimension(dim)).collect();
        let spot = (dims, session.dimension("channel"));
        // An escalated session pays the bot, and a person unless a contact tells of that.
        if outcome == EscalatedConnected && !is_followed(world, session) {
            let own = of_service(world, date, &session.dimension("service"));
            services.push(person(spot.clone(), false, own));
        }
        services.push(Service {
            human: false,
            spot,
            counted: !matches!(outcome, Open | Unengaged),
            resolved: matches!(outcome, ResolvedConfirmed | ResolvedGoal | ResolvedAssumed),
            durable: durability::lasts_a_week(session, visits, watermark),
            escalated: matches!(outcome, EscalatedConnected | EscalatedUnanswered),
            own: Some(session.events.iter().map(|event| i128::from(event.cost_micros)).sum()),
        });
    }
    for contact in contacts(world) {
        if local_date(world.zone, contact.opened_us) != date {
            continue;
        }
        let dims = world.dims.iter().map(|dim| answers::dimension(contact, dim)).collect();
        let spot = (dims, contact.channel.to_owned());
        services.push(person(spot, contact.resolved, price(world, date, contact)));
    }
    services
}

fn person(spot: Spot, resolved: bool, own: Option<i128>) -> Service {
    Service { human: true, spot, counted: true, resolved, durable: false, escalated: false, own }
}

/// The contacts that are accepted: none of their instants lies over an hour ahead (R8).
fn contacts(world: &World) -> impl Iterator<Item = &RawContact> {
    world.contacts.iter().filter(|contact| contact.closed_us <= world.as_of_us + HOUR)
}

/// A contact of the same user from the handoff to 24 hours after the session's end.
fn is_followed(world: &World, session: &Session) -> bool {
    let users = session.events.iter().filter(|event| event.actor == "user");
    let Some(user) = users.filter_map(|event| event.user.as_ref()).next() else { return false };
    let from = session.handoff().map_or(i64::MAX, |place| session.events[place].ts_us);
    let until = session.last_activity_us() + 24 * HOUR;
    contacts(world).any(|contact| {
        contact.user_id.as_ref() == Some(user) && (from..=until).contains(&contact.opened_us)
    })
}

/// What a contact says it cost, else its seconds at the hourly rate of the day.
fn price(world: &World, date: NaiveDate, contact: &RawContact) -> Option<i128> {
    if let Some(own) = world.contact_costs.get(&contact.contact_id) {
        return Some(i128::from(*own));
    }
    Some(i128::from(contact.handle_seconds) * hourly_rate(world, date)? / 3600)
}

/// What a person costs for a service at the mean time of one.
fn of_service(world: &World, date: NaiveDate, service: &str) -> Option<i128> {
    let (seconds, contacts) = handle_time(world, date, service)?;
    Some(seconds * hourly_rate(world, date)? / (3600 * contacts))
}

fn hourly_rate(world: &World, date: NaiveDate) -> Option<i128> {
    let mut rate = None;
    for (from, stated, _) in &world.terms.sets {
        if *from <= date {
            rate = stated.map(i128::from).or(rate);
        }
    }
    rate
}

/// §3.11: seconds over contacts before the rollout of the service, else the first of all; of the
/// service, else of all; else as assumed. Services are told apart where they are a dimension.
fn handle_time(world: &World, date: NaiveDate, service: &str) -> Option<(i128, i128)> {
    let told = world.dims.contains(&"service");
    let rollouts = &world.terms.rollouts;
    let own = rollouts.iter().find(|(_, _, services)| told && services.contains(&service));
    if let Some((day, pre, _)) = own.or(rollouts.first()) {
        let in_window = |contact: &&RawContact| {
            let date = local_date(world.zone, contact.opened_us);
            plus(*day, -pre) <= date && date < *day
        };
        let window: Vec<_> = contacts(world).filter(in_window).collect();
        let same: Vec<_> = window
            .iter()
            .filter(|contact| told && contact.service.unwrap_or("unknown") == service)
            .collect();
        for group in [same, window.iter().collect()] {
            if !group.is_empty() {
                let seconds = group.iter().map(|contact| i128::from(contact.handle_seconds)).sum();
                return Some((seconds, group.len() as i128));
            }
        }
    }
    let mut assumed = None;
    for (from, _, stated) in &world.terms.sets {
        if *from <= date {
            assumed = stated.map(|seconds| (i128::from(seconds), 1)).or(assumed);
        }
    }
    assumed
}

/// The amounts of a day by class and place: the ledger's where it holds the class, else what
/// services cost by themselves.
pub fn costs(
    world: &World,
    services: &[Service],
    date: NaiveDate,
) -> BTreeMap<(String, Spot), i128> {
    let mut pools: BTreeMap<(&str, [Option<&str>; 3]), i128> = BTreeMap::new();
    for cost in &world.costs {
        if let Some(share) =
            share_of_day(world, cost.start, cost.end, cost.micros, cost.currency, date)
        {
            let named = [cost.bot, cost.channel, cost.service];
            *pools.entry((cost.class, named)).or_default() += share;
        }
    }
    let mut costs: BTreeMap<(String, Spot), i128> = BTreeMap::new();
    for ((class, named), amount) in &pools {
        for (spot, share) in allocate(world, services, class, *named, *amount) {
            *costs.entry(((*class).to_owned(), spot)).or_default() += share;
        }
    }
    let held: BTreeSet<&str> = pools.keys().map(|(class, _)| *class).collect();
    for (class, human) in [("llm_usage", false), ("human_direct", true)] {
        if held.contains(class) {
            continue;
        }
        for (spot, own) in own_costs(services, human) {
            *costs.entry((class.to_owned(), spot)).or_default() += own;
        }
    }
    costs
}

/// What the services of each place cost by themselves, where that is known: a bot's that cost
/// nothing is not known to be free.
fn own_costs(services: &[Service], human: bool) -> BTreeMap<Spot, i128> {
    let mut own: BTreeMap<Spot, (i128, bool)> = BTreeMap::new();
    for service in services.iter().filter(|service| service.human == human) {
        let entry = own.entry(service.spot.clone()).or_default();
        entry.0 += service.own.unwrap_or(0);
        entry.1 |= service.own.is_some() && human;
    }
    let known = own.into_iter().filter(|(_, (sum, known))| *known || *sum != 0);
    known.map(|(spot, (sum, _))| (spot, sum)).collect()
}

/// Even shares of a period in whole millionths, the rest on its last day; then the day's rate.
fn share_of_day(
    world: &World,
    start: NaiveDate,
    end: NaiveDate,
    micros: i64,
    currency: Option<&str>,
    date: NaiveDate,
) -> Option<i128> {
    if date < start || end < date {
        return None;
    }
    let days = i128::from((end - start).num_days() + 1);
    let even = i128::from(micros) / days;
    let share = if date == end { i128::from(micros) - even * (days - 1) } else { even };
    if currency != Some("USD") {
        return Some(share);
    }
    let mut rates = world.terms.dollars.iter().filter(|(from, _)| *from <= date);
    let (_, rate) = rates.next_back().expect("every day of a world has a rate");
    Some((share * i128::from(*rate)).div_euclid(10_000))
}

/// Shares one amount among the places that it names and that handled something.
fn allocate(
    world: &World,
    services: &[Service],
    class: &str,
    [bot, channel, service]: [Option<&'static str>; 3],
    amount: i128,
) -> Vec<(Spot, i128)> {
    let human = HUMAN_CLASSES.contains(&class);
    let value = |spot: &Spot, name: &str| {
        world.dims.iter().position(|dim| *dim == name).map(|place| spot.0[place].clone())
    };
    let fits = |spot: &Spot| {
        channel.is_none_or(|channel| spot.1 == channel)
            && [("bot", bot), ("service", service)].iter().all(|(name, wanted)| {
                wanted.is_none() || value(spot, name).is_none_or(|v| Some(v.as_str()) == *wanted)
            })
    };
    let mut own: BTreeMap<Spot, i128> = BTreeMap::new();
    let mut handled: BTreeMap<Spot, i128> = BTreeMap::new();
    for one in services.iter().filter(|one| one.human == human && fits(&one.spot)) {
        *own.entry(one.spot.clone()).or_default() += one.own.unwrap_or(0);
        *handled.entry(one.spot.clone()).or_default() += i128::from(one.counted);
    }
    let own_total: i128 = own.values().sum();
    let by_use = ["llm_usage", "human_direct"].contains(&class) && own_total > 0;
    let mut weights = if by_use { own } else { handled };
    if by_use {
        let cut = 1 + own_total / 1_000_000_000;
        weights.values_mut().for_each(|weight| *weight /= cut);
    }
    weights.retain(|_, weight| *weight > 0);
    let total: i128 = weights.values().sum();
    let mut shares: Vec<(Spot, i128)> = weights
        .into_iter()
        .map(|(spot, weight)| (spot, (amount * weight).div_euclid(total)))
        .collect();
    let rest = amount - shares.iter().map(|(_, share)| share).sum::<i128>();
    match shares.last_mut() {
        Some((_, share)) => *share += rest,
        None => {
            let named = |dim: &&str| match *dim {
                "bot" => bot,
                "channel" => channel,
                "service" => service,
                _ => None,
            };
            let or_none = |value: Option<&str>| value.unwrap_or(UNALLOCATED).to_owned();
            let dims = world.dims.iter().map(|dim| or_none(named(dim))).collect();
            shares.push(((dims, or_none(channel)), amount));
        }
    }
    shares
}

#[derive(Default)]
struct PerService {
    services: i64,
    resolved: i64,
    cost: Option<i128>,
}

fn per_service(
    services: &[Service],
    costs: &BTreeMap<(String, Spot), i128>,
    human: bool,
) -> BTreeMap<Vec<String>, PerService> {
    let mut sums: BTreeMap<Vec<String>, PerService> = BTreeMap::new();
    for service in services.iter().filter(|service| service.human == human) {
        for slice in slices(&service.spot.0) {
            let sum = sums.entry(slice).or_default();
            sum.services += i64::from(service.counted);
            sum.resolved += i64::from(service.resolved);
        }
    }
    for ((class, spot), amount) in costs {
        if HUMAN_CLASSES.contains(&class.as_str()) == human {
            for slice in slices(&spot.0) {
                *sums.entry(slice).or_default().cost.get_or_insert(0) += amount;
            }
        }
    }
    sums
}

/// What a line of a slice counts and saves.
pub struct Saved {
    pub services: i64,
    /// None where the time, or the price of an hour, is not known.
    pub ms: Option<i128>,
    gross: Option<i128>,
    bot_cost: Option<i128>,
}

/// §3.11: each service of `line` saves what a person needs for it; the conservative line pays for the
/// people who keep the bot's content, in time at the price of an agent's.
pub fn savings(
    world: &World,
    services: &[Service],
    costs: &BTreeMap<(String, Spot), i128>,
    date: NaiveDate,
    line: &str,
) -> BTreeMap<Vec<String>, Saved> {
    // By the finest slice first: there a time has one mean, and is cut to whole milliseconds.
    let mut finest: BTreeMap<Vec<String>, (i64, Option<i128>, i128)> = BTreeMap::new();
    let is_known = |one: &&Service| !one.human && (one.counted || one.own != Some(0));
    for one in services.iter().filter(is_known) {
        let counts = match line {
            "conservative" => one.durable,
            "standard" => one.resolved,
            _ => one.counted && !one.escalated,
        };
        finest.entry(one.spot.0.clone()).or_default().0 += i64::from(counts);
    }
    for ((class, spot), amount) in
        costs.iter().filter(|((class, _), _)| !HUMAN_CLASSES.contains(&class.as_str()))
    {
        let entry = finest.entry(spot.0.clone()).or_default();
        *entry.1.get_or_insert(0) += amount;
        if line == "conservative" && class == "bot_content_ops" {
            entry.2 += amount;
        }
    }
    let mut sums: BTreeMap<Vec<String>, Saved> = BTreeMap::new();
    for (dims, (counted, bot_cost, upkeep)) in finest {
        let place = world.dims.iter().position(|dim| *dim == "service");
        let service = place.map_or("*", |place| dims[place].as_str());
        let rate = hourly_rate(world, date);
        let bare = handle_time(world, date, service)
            .map(|(seconds, contacts)| i128::from(counted) * 1000 * seconds / contacts);
        let gross = bare.zip(rate).map(|(ms, rate)| ms * rate / 3_600_000 - upkeep);
        let kept = match upkeep {
            0 => Some(0),
            _ => rate.map(|rate| (upkeep * 3_600_000).div_euclid(rate)),
        };
        let ms = bare.zip(kept).map(|(ms, kept)| ms - kept);
        for slice in slices(&dims) {
            let none = || Saved { services: 0, ms: Some(0), gross: Some(0), bot_cost: None };
            let sum = sums.entry(slice).or_insert_with(none);
            sum.services += counted;
            sum.ms = sum.ms.zip(ms).map(|(a, b)| a + b);
            sum.gross = sum.gross.zip(gross).map(|(a, b)| a + b);
            if let Some(cost) = bot_cost {
                *sum.bot_cost.get_or_insert(0) += cost;
            }
        }
    }
    sums
}

/// Three numbers of a slice, a channel and a handler.
pub type Counts = BTreeMap<(Vec<String>, String, &'static str), [Option<i64>; 3]>;

/// Services handled, resolved and durably resolved, by each slice, channel and handler that handled
/// or cost something; the channel is `*` for all where it is no dimension, else empty.
pub fn counts(
    world: &World,
    services: &[Service],
    costs: &BTreeMap<(String, Spot), i128>,
    ripe: bool,
) -> Counts {
    let mut rows = Counts::new();
    let mut add = |spot: &Spot, human: bool, numbers: [i64; 3]| {
        // Where it is a dimension the slice tells it.
        let is_told = world.dims.contains(&"channel");
        let channels =
            if is_told { vec![String::new()] } else { vec![spot.1.clone(), "*".to_owned()] };
        let handler = if human { "human" } else { "bot" };
        for slice in slices(&spot.0) {
            for channel in &channels {
                let place = (slice.clone(), channel.clone(), handler);
                let row = rows.entry(place).or_insert([Some(0), Some(0), Some(0)]);
                for (cell, number) in row.iter_mut().zip(numbers) {
                    *cell = cell.map(|sum| sum + number);
                }
                if human || !ripe {
                    row[2] = None;
                }
            }
        }
    };
    for one in services.iter().filter(|one| one.counted || one.own != Some(0)) {
        let numbers = [one.counted, one.resolved, one.durable].map(i64::from);
        add(&one.spot, one.human, numbers);
    }
    for (class, spot) in costs.keys() {
        add(spot, HUMAN_CLASSES.contains(&class.as_str()), [0; 3]);
    }
    rows
}
