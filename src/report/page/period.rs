//! One number for all days of a period, and how sure it is. Counts add up, rates are sums over sums,
//! and where neither is right, one day stands for all and is said to.

use std::collections::BTreeSet;

use super::material::{Cell, Definition};
use super::texts::Pick;
use crate::model::Additivity;

/// The normal quantile of a two-sided 95 % interval.
const Z: f64 = 1.959_963_984_540_054;

/// How days became one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    Sum,
    Ratio,
    Median,
    Last,
}

impl Over {
    pub fn of(definition: &Definition, pick: Pick) -> Over {
        match (definition.additivity, pick) {
            (Additivity::Additive, _) => Over::Sum,
            (Additivity::RatioOfSums, _) => Over::Ratio,
            (Additivity::NonAdditive, Pick::Median) => Over::Median,
            (Additivity::NonAdditive, Pick::Last) => Over::Last,
        }
    }

    /// Its sentence in `words.yaml`.
    pub fn word(self) -> &'static str {
        match self {
            Over::Sum => "over_sum",
            Over::Ratio => "over_ratio",
            Over::Median => "over_median",
            Over::Last => "over_last",
        }
    }
}

/// A metric over a period.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    pub value: f64,
    /// The 95 % interval of a proportion of sums.
    pub interval: Option<(f64, f64)>,
    /// The observations behind the value; where one day stands for all, that day's.
    pub n: i64,
    /// Days with a value.
    pub days: usize,
    /// Of these the ones that later logs may still change.
    pub provisional: usize,
    pub definitions: BTreeSet<String>,
}

/// `cells` of one metric in the order of days; None without any.
pub fn summary(cells: &[&Cell], over: Over, proportion: bool) -> Option<Summary> {
    let last = cells.last()?;
    let sum = |part: fn(&Cell) -> f64| cells.iter().map(|cell| part(cell)).sum::<f64>();
    let observations = || cells.iter().map(|cell| cell.n).sum();
    let (value, n) = match over {
        Over::Sum => (sum(|cell| cell.value), observations()),
        Over::Ratio => (sum(|cell| cell.numerator) / sum(|cell| cell.denominator), observations()),
        Over::Median => {
            let n = median(cells.iter().map(|cell| cell.n as f64).collect());
            (median(cells.iter().map(|cell| cell.value).collect()), n as i64)
        }
        Over::Last => (last.value, last.n),
    };
    let is_pooled = over == Over::Ratio && proportion;
    Some(Summary {
        value,
        interval: is_pooled.then(|| wilson(value, sum(|cell| cell.denominator))),
        n,
        days: cells.len(),
        provisional: cells.iter().filter(|cell| !cell.is_final).count(),
        definitions: cells.iter().map(|cell| cell.definition_version.clone()).collect(),
    })
}

/// The middle value, or the mean of the two in the middle; 0 for none.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match (values.get(middle), values.len() % 2) {
        (Some(upper), 1) => *upper,
        (Some(upper), _) => f64::midpoint(values[middle - 1], *upper),
        (None, _) => 0.0,
    }
}

/// Wilson's score interval, as `sql/macros/kpi_interval.sql` has it for a day.
fn wilson(share: f64, n: f64) -> (f64, f64) {
    let z2 = Z * Z;
    let below = 1.0 + z2 / n;
    let centre = (share + z2 / (2.0 * n)) / below;
    let half = Z * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt() / below;
    ((centre - half).max(0.0), (centre + half).min(1.0))
}
