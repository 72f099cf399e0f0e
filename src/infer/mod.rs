//! Did a rollout make its services cheaper, by how much, and how sure is that: the rows of
//! `fct_rollout_comparison`.
//!
//! [`compare`] takes whole numbers by day and gives rows; the same input gives the same bits on
//! every machine: sums are of whole numbers or in a fixed order, random numbers have a fixed seed,
//! and floating point is held to the four operations and the square root. Pure: no clock, no
//! files. `design` chooses what the data allow, `did`, `segmented` and `holdout` estimate,
//! `effects` takes the plain difference apart, `checks` looks for what would make it wrong. Leaves
//! out: where the numbers come from, and how a reader is told (`report`).

mod bootstrap;
mod checks;
mod design;
mod did;
mod effects;
mod exact;
mod holdout;
mod linear;
mod money;
mod panel;
mod rows;
mod segmented;
mod student;
#[cfg(test)]
mod tests;

pub use bootstrap::{DRAWS, Estimate};
pub use design::{Grade, LEAST_DAYS};
pub use effects::Effects;
pub use holdout::{Arm, Participant, Served};
pub use panel::{Cell, Handler, Outcome, Sum};
pub use rows::compare;

use chrono::NaiveDate;

use crate::interval::Interval;

/// The service that stands for all services of a rollout.
pub const ALL: &str = "*";

/// A change of some services on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub name: String,
    /// The first local day of the change.
    pub date: NaiveDate,
    pub services: Vec<String>,
    /// Services that did not change.
    pub controls: Vec<String>,
    /// Whether some customers were kept from it by lot.
    pub has_holdout: bool,
    /// Days before `date`, days left out from `date` on, and days after these.
    pub pre_days: u32,
    pub ramp_days: u32,
    pub post_days: u32,
}

/// A number beside the cost that must not get worse: a ratio of daily sums.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measure {
    pub date: NaiveDate,
    pub service: String,
    pub name: String,
    /// What the ratio is counted in.
    pub unit: String,
    pub numerator: i64,
    pub denominator: i64,
    /// Days after its own on which a day's numbers are final; those of the cells are on the next.
    pub final_after_days: i64,
}

/// The same where days do not add up, as with distinct customers: one ratio for each window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowMeasure {
    pub rollout: String,
    /// A service, or [`ALL`].
    pub service: String,
    pub name: String,
    pub unit: String,
    /// Numerator and denominator before.
    pub pre: (i64, i64),
    /// Numerator and denominator after.
    pub post: (i64, i64),
}

/// What building the change cost, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Investment {
    pub rollout: String,
    pub micros: i64,
    /// The part of it that stands in the costs of the days after, as amortisation.
    pub booked_after_micros: i64,
}

/// All that is known.
#[derive(Debug, Clone)]
pub struct Input {
    pub changes: Vec<Change>,
    /// The days whose numbers are there and complete.
    pub history: Interval,
    /// ISO 4217 code, for units.
    pub currency: String,
    pub cells: Vec<Cell>,
    pub measures: Vec<Measure>,
    pub window_measures: Vec<WindowMeasure>,
    pub participants: Vec<Participant>,
    pub investments: Vec<Investment>,
}

/// A numerator and a denominator in whole units (not millionths).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ratio {
    pub numerator: f64,
    pub denominator: f64,
}

impl Ratio {
    /// None where the denominator is not positive.
    pub fn value(self) -> Option<f64> {
        (self.denominator > 0.0).then(|| self.numerator / self.denominator)
    }
}

/// One metric of one service of one rollout. Absent numbers could not be had.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub rollout: String,
    /// A service, or [`ALL`].
    pub service: String,
    pub metric: String,
    pub unit: String,
    pub pre: Option<Ratio>,
    pub post: Option<Ratio>,
    /// Of the cost per service alone: the exact parts of post minus pre, in millionths.
    pub effects: Option<Effects>,
    /// Of the cost per service alone: post at the mix of services before.
    pub post_at_mix_before: Option<f64>,
    /// What the rollout did, by the row's method: never a plain difference.
    pub estimate: Option<Estimate>,
    pub method: String,
    pub grade: Grade,
    /// Days compared, before and after.
    pub pre_days: usize,
    pub post_days: usize,
    /// The windows are whole: later days change nothing.
    pub is_final: bool,
    pub warnings: Vec<String>,
}

impl Row {
    /// Post minus pre.
    pub fn difference(&self) -> Option<f64> {
        match self.effects {
            Some(effects) => Some(effects.difference as f64 / 1e6),
            None => Some(self.post?.value()? - self.pre?.value()?),
        }
    }

    /// The difference in percent of pre.
    pub fn percent(&self) -> Option<f64> {
        let pre = self.pre?.value().filter(|pre| *pre != 0.0)?;
        Some(100.0 * self.difference()? / pre)
    }
}
