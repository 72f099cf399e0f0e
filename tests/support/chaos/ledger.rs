//! What a world costs: a ledger in two currencies, contacts with prices of their own, and what its
//! pipeline assumes.

use chrono::NaiveDate;

use super::World;
use super::rng::Rng;
use crate::support::calendar::plus;

/// Keeps these draws apart from those of the log, so that a seed's log stays what it was.
const OWN: u64 = 0xc057_c057;
const CLASSES: [&str; 8] = [
    "human_direct",
    "human_indirect",
    "tech_human",
    "facilities",
    "bot_platform",
    "llm_usage",
    "bot_build_amortised",
    "bot_content_ops",
];

/// A line of the ledger; both ends are included.
#[derive(Clone, Debug)]
pub struct RawCost {
    pub start: NaiveDate,
    pub end: NaiveDate,
    pub class: &'static str,
    pub bot: Option<&'static str>,
    pub channel: Option<&'static str>,
    pub service: Option<&'static str>,
    pub micros: i64,
    pub currency: Option<&'static str>,
}

/// What the pipeline says about money.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// From a day on: millionths an hour of an agent, seconds a contact takes.
    pub sets: Vec<(NaiveDate, Option<i64>, Option<i64>)>,
    /// From a day on: a dollar is so many ten thousandths of a euro.
    pub dollars: Vec<(NaiveDate, i64)>,
    /// The day, the days before it to compare with, and the services of each rollout.
    pub rollouts: Vec<(NaiveDate, i64, Vec<&'static str>)>,
}

/// Draws the costs of a world that has its contacts.
pub fn bill(world: &mut World, seed: u64, start: NaiveDate, days: i64) {
    let mut rng = Rng::new(seed ^ OWN);
    for contact in &world.contacts {
        if rng.chance(40) {
            let price = rng.pick(&[0, 1, 12_500_000, 3_333_333]);
            world.contact_costs.insert(contact.contact_id.clone(), price);
        }
    }
    // Some pipelines say nothing before a day, or nothing at all.
    let first = plus(start, rng.pick(&[-30, -30, 5]));
    let rate = rng.chance(80).then(|| rng.pick(&[28_500_000, 31_000_001]));
    let aht = rng.chance(80).then_some(333);
    world.terms.sets = vec![(first, rate, aht), (plus(start, 9), Some(36_000_000), aht)];
    world.terms.dollars = vec![(plus(start, -40), 9_200), (plus(start, 6), 9_037)];
    if rng.chance(60) {
        world.terms.rollouts.push((plus(start, 8), 5, vec!["billing"]));
        world.terms.rollouts.push((plus(start, 10), 3, vec!["parking", "returns"]));
    }
    for class in CLASSES {
        for _ in 0..rng.range(0, 2) {
            let line = line(&mut rng, class, start, days);
            world.costs.push(line);
        }
    }
}

fn line(rng: &mut Rng, class: &'static str, start: NaiveDate, days: i64) -> RawCost {
    let from = plus(start, rng.range(-20, days));
    RawCost {
        start: from,
        end: plus(from, rng.pick(&[0, 6, 27, 28, 30])),
        class,
        bot: rng.pick(&[None, None, Some("alfa")]),
        channel: rng.pick(&[None, None, None, Some("web"), Some("phone")]),
        service: rng.pick(&[None, None, Some("billing"), Some("nothing")]),
        micros: match rng.range(0, 4) {
            0 => rng.range(0, 100),
            1 => -rng.range(0, 50_000_000),
            _ => rng.range(0, 9_000_000_000),
        },
        currency: rng.pick(&[None, Some("EUR"), Some("USD")]),
    }
}

impl World {
    /// The ledger's file.
    pub fn costs_csv(&self) -> String {
        let mut text =
            "period_start,period_end,cost_class,bot,channel,service,amount,currency\n".to_owned();
        for cost in &self.costs {
            let sign = if cost.micros < 0 { "-" } else { "" };
            let micros = cost.micros.abs();
            text.push_str(&format!(
                "{},{},{},{},{},{},{sign}{}.{:06},{}\n",
                cost.start,
                cost.end,
                cost.class,
                cost.bot.unwrap_or_default(),
                cost.channel.unwrap_or_default(),
                cost.service.unwrap_or_default(),
                micros / 1_000_000,
                micros % 1_000_000,
                cost.currency.unwrap_or_default(),
            ));
        }
        text
    }

    /// The keys of the pipeline that speak of money; nothing for a world without any.
    pub fn money_settings(&self) -> String {
        let mut text = String::new();
        if !self.terms.sets.is_empty() {
            text.push_str("assumptions:\n  currency: EUR\n  sets:\n");
        }
        for (from, rate, aht) in &self.terms.sets {
            text.push_str(&format!("    - {{ from: {from}"));
            if let Some(rate) = rate {
                text.push_str(&format!(
                    ", agent_hourly_rate: {}.{:06}",
                    rate / 1_000_000,
                    rate % 1_000_000
                ));
            }
            if let Some(aht) = aht {
                text.push_str(&format!(", aht_seconds: {aht}"));
            }
            text.push_str(" }\n");
        }
        if !self.terms.dollars.is_empty() {
            text.push_str("  rates:\n");
        }
        for (from, rate) in &self.terms.dollars {
            text.push_str(&format!("    - {{ currency: USD, from: {from}, rate: 0.{rate:04} }}\n"));
        }
        if !self.terms.rollouts.is_empty() {
            text.push_str("rollouts:\n");
        }
        for (n, (date, pre, services)) in self.terms.rollouts.iter().enumerate() {
            text.push_str(&format!(
                "  - {{ name: r{n}, date: {date}, pre: {pre}d, services: [{}] }}\n",
                services.join(", ")
            ));
        }
        text
    }
}
