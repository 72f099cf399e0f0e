//! A randomised holdout: units that the change was kept from, by chance.
//!
//! The estimate is the difference of two ratios of sums, cost over services, with the bot and
//! without. Units (customers) are drawn with replacement within each arm, cost and services
//! together. Nothing has to be assumed of time.

use std::collections::{BTreeMap, BTreeSet};

use super::bootstrap::{DRAWS, Draws, Estimate, Spread};
use super::panel::{Outcome, Sum};

/// A larger share of services of customers in neither arm is told.
const MANY_UNKNOWN: f64 = 0.1;
/// The bot's share among those kept from it may grow by so much before it is told.
const LEAKED: f64 = 0.02;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arm {
    /// Has the change.
    Treated,
    /// Was kept from it.
    Holdout,
}

/// What was done for a unit in one of the windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Served {
    pub sum: Sum,
    /// Of its services the bot's.
    pub by_bot: i64,
}

impl Served {
    pub fn add(&mut self, other: &Served) {
        self.sum.add(&other.sum);
        self.by_bot += other.by_bot;
    }

    /// The bot's share of the services; 0 without any.
    fn bot_share(&self) -> f64 {
        self.by_bot as f64 / self.sum.services.max(1) as f64
    }
}

/// A unit of a holdout, and what was done for it before the change and in the days after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Participant {
    pub rollout: String,
    /// Whatever was randomised; a unit may have a row for each service.
    pub unit: String,
    pub service: String,
    /// The first that the unit was seen in: what chance gave it, whatever it did later.
    pub arm: Arm,
    /// It was seen in the other arm, too.
    pub is_mixed: bool,
    pub before: Served,
    pub after: Served,
}

/// Units in each arm below which nothing is said.
const LEAST_UNITS: usize = 30;

/// The units of both arms with services or cost in a window, in the order of their names.
#[derive(Debug, Clone, Default)]
pub struct Arms {
    pub given: Vec<Sum>,
    pub kept: Vec<Sum>,
}

impl Arms {
    pub fn new<'a>(
        rows: impl Iterator<Item = &'a Participant>,
        window: impl Fn(&Participant) -> &Served,
    ) -> Self {
        let mut units: [BTreeMap<&str, Sum>; 2] = Default::default();
        for row in rows {
            let sum = window(row).sum;
            if sum != Sum::default() {
                units[row.arm as usize].entry(&row.unit).or_default().add(&sum);
            }
        }
        let [given, kept] = units.map(|arm| arm.into_values().collect());
        Arms { given, kept }
    }

    pub fn are_enough(&self) -> bool {
        self.smaller() >= LEAST_UNITS
    }

    /// How many there must be, and how many there are, in words.
    pub fn too_few(&self) -> String {
        format!(
            "the holdout was not used: {} customers with services were kept from the change and {} given it, and it takes {LEAST_UNITS} of each",
            self.kept.len(),
            self.given.len()
        )
    }

    fn smaller(&self) -> usize {
        self.given.len().min(self.kept.len())
    }

    /// The difference given minus kept for each outcome; none where an arm has too few.
    pub fn effects(&self, outcomes: &[Outcome]) -> Vec<Option<Estimate>> {
        match self.are_enough() {
            true => estimate(&self.given, &self.kept, outcomes),
            false => vec![None; outcomes.len()],
        }
    }
}

/// The difference treated minus holdout for each outcome. None without services in an arm.
pub fn estimate(treated: &[Sum], holdout: &[Sum], outcomes: &[Outcome]) -> Vec<Option<Estimate>> {
    let smaller = treated.len().min(holdout.len());
    if smaller < 2 {
        return vec![None; outcomes.len()];
    }
    let mut spreads = vec![Spread::default(); outcomes.len()];
    let (mut draws, mut picked) = (Draws::default(), Vec::new());
    for _ in 0..DRAWS {
        draws.units(treated.len(), &mut picked);
        let with = total(picked.iter().map(|unit| &treated[*unit]));
        draws.units(holdout.len(), &mut picked);
        let without = total(picked.iter().map(|unit| &holdout[*unit]));
        for (spread, outcome) in spreads.iter_mut().zip(outcomes) {
            if let (Some(with), Some(without)) = (with.ratio(*outcome), without.ratio(*outcome)) {
                spread.add(with - without);
            }
        }
    }
    let (with, without) = (total(treated.iter()), total(holdout.iter()));
    let n = smaller as f64;
    let stretch = (n / (n - 1.0)).sqrt();
    let around = |(outcome, spread): (&Outcome, &Spread)| {
        let value = with.ratio(*outcome)? - without.ratio(*outcome)?;
        Some(Estimate::around(value, spread.deviation() * stretch, smaller as u32 - 1))
    };
    outcomes.iter().zip(&spreads).map(around).collect()
}

/// Sums of one arm.
pub fn total<'a>(sums: impl Iterator<Item = &'a Sum>) -> Sum {
    let mut all = Sum::default();
    sums.for_each(|sum| all.add(sum));
    all
}

/// What speaks against the estimate, in words. `services` are all that were given after the change,
/// whoever asked for them.
pub fn told(rows: &[&Participant], services: i64) -> Vec<String> {
    let mut warnings = Vec::new();
    let units = |rows: &mut dyn Iterator<Item = &&Participant>| {
        rows.map(|row| &row.unit).collect::<BTreeSet<_>>().len()
    };
    let mixed = units(&mut rows.iter().filter(|row| row.is_mixed));
    if mixed > 0 {
        let were = if mixed == 1 { "was" } else { "were" };
        warnings.push(format!(
            "{mixed} of {} customers {were} seen with and without the change, and count as they were seen first: the effect may be larger than it looks",
            units(&mut rows.iter())
        ));
    }
    let known: i64 = rows.iter().map(|row| row.after.sum.services).sum();
    let unknown = (services - known) as f64 / services.max(1) as f64;
    if unknown > MANY_UNKNOWN {
        warnings.push(format!(
            "{:.0} % of the services after the change are of customers in neither arm, of whom the estimate says nothing",
            100.0 * unknown
        ));
    }
    let (mut before, mut after) = (Served::default(), Served::default());
    for row in rows.iter().filter(|row| row.arm == Arm::Holdout) {
        before.add(&row.before);
        after.add(&row.after);
    }
    if after.bot_share() > before.bot_share() + LEAKED {
        warnings.push(format!(
            "the bot's share of the services of customers kept from the change went from {:.0} % to {:.0} %: if that is the new bot, the effect is larger than it looks",
            100.0 * before.bot_share(),
            100.0 * after.bot_share()
        ));
    }
    warnings
}
