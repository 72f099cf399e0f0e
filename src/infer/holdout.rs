//! A randomised holdout: units that the change was kept from, by chance.
//!
//! The estimate is the difference of two ratios of sums, cost over services, with the bot and
//! without. Units (customers) are drawn with replacement within each arm, cost and services
//! together. Nothing has to be assumed of time.

use super::bootstrap::{DRAWS, Draws, Estimate, Spread};
use super::panel::{Outcome, Sum};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arm {
    /// Has the change.
    Treated,
    /// Was kept from it.
    Holdout,
}

/// A unit of a holdout, and its sums over the days after the change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Participant {
    pub rollout: String,
    /// Whatever was randomised; a unit may have a row for each service.
    pub unit: String,
    pub service: String,
    pub arm: Arm,
    pub sum: Sum,
}

/// The units of one arm, each with its sum, in the order of their names.
pub fn units<'a>(rows: impl Iterator<Item = &'a Participant>, arm: Arm) -> Vec<Sum> {
    let mut units: std::collections::BTreeMap<&str, Sum> = std::collections::BTreeMap::new();
    for row in rows.filter(|row| row.arm == arm) {
        units.entry(&row.unit).or_default().add(&row.sum);
    }
    units.into_values().collect()
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
