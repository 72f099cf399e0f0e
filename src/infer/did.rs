//! Differences in differences of ratios of sums.
//!
//! R is a service's cost over its services in a window. The changed services' R(after) - R(before)
//! is set against that of untreated services; both are means with fixed weights, a service's share
//! of the services before, so a shift of demand between services is no effect. Over a stretch t of
//! days on which the untreated services D(t) are the same, this is the group-time effect
//!
//! ```text
//! ATT(g, t) = Σ w_i [R_i(t) - R_i(before g)] - Σ_{j in D(t)} w_j [R_j(t) - R_j(before g)]
//! ```
//!
//! and stretches are averaged with their shares of the changed services' services. One stretch with
//! services that never change is the two-by-two difference in differences. The base is the whole
//! window before instead of one period before: with trends that are parallel throughout, which is
//! tested, that uses all that is known.
//!
//! Source: Callaway and Sant'Anna (2021), "Difference-in-differences with multiple time periods",
//! Journal of Econometrics 225(2), with not-yet-treated units as the comparison.

use std::ops::Range;

use super::bootstrap::{DRAWS, Draws, Estimate, Spread, correction};
use super::design::Donors;
use super::panel::{Outcome, Panel, Running, Sum};

/// What to compare. Days are those of the two windows, counted from the first of each.
#[derive(Debug, Clone)]
pub struct Comparison {
    pre_days: usize,
    post_days: usize,
    /// Changed services; their weights sum to 1.
    treated: Vec<Side>,
    parts: Vec<Part>,
}

/// A stretch of days after with the same untreated services.
#[derive(Debug, Clone)]
struct Part {
    donors: Vec<Side>,
    weight: f64,
}

/// A service in both windows; days of other stretches than its own are empty.
#[derive(Debug, Clone)]
struct Side {
    weight: f64,
    pre: Running,
    post: Running,
}

/// Resampled days of both windows.
#[derive(Debug, Default)]
struct Drawn {
    pre: Vec<Range<usize>>,
    post: Vec<Range<usize>>,
}

impl Comparison {
    /// Without `donors` the treated services' own change is all there is. None where no changed
    /// service was asked for on both sides.
    pub fn new(
        panel: &Panel,
        treated: &[usize],
        pre: &[usize],
        post: &[usize],
        donors: &[Donors],
    ) -> Option<Self> {
        let alone = [Donors { days: post.to_vec(), services: Vec::new() }];
        let donors = if donors.is_empty() { &alone[..] } else { donors };
        let post: Vec<usize> = donors.iter().flat_map(|part| part.days.iter().copied()).collect();
        let both =
            |s: &&usize| panel.total(**s, pre).services > 0 && panel.total(**s, &post).services > 0;
        let treated: Vec<usize> = treated.iter().filter(both).copied().collect();
        if treated.is_empty() {
            return None;
        }
        let side = |(service, weight): (usize, f64), from: usize, to: usize| {
            let own = |(n, day): (usize, &usize)| match from <= n && n < to {
                true => *panel.day(service, *day),
                false => Sum::default(),
            };
            let post = Running::new(post.iter().enumerate().map(own));
            Side { weight, pre: panel.running(service, pre), post }
        };
        let all = panel.pooled(&treated, &post).services as f64;
        let (mut parts, mut from) = (Vec::new(), 0);
        for part in donors {
            let to = from + part.days.len();
            let donors = weighted(panel, &part.services, pre).into_iter();
            parts.push(Part {
                donors: donors.map(|donor| side(donor, from, to)).collect(),
                weight: panel.pooled(&treated, &part.days).services as f64 / all,
            });
            from = to;
        }
        let treated = weighted(panel, &treated, pre).into_iter();
        let treated = treated.map(|service| side(service, 0, post.len())).collect();
        Some(Comparison { pre_days: pre.len(), post_days: post.len(), treated, parts })
    }

    /// The effects on the given outcomes with intervals from [`DRAWS`] resamples. None where a side
    /// has under two weeks.
    pub fn bootstrap(&self, outcomes: &[Outcome]) -> Vec<Option<Estimate>> {
        let Some((stretch, df)) = correction(self.pre_days.min(self.post_days)) else {
            return vec![None; outcomes.len()];
        };
        let mut spreads = vec![Spread::default(); outcomes.len()];
        let (mut draws, mut drawn) = (Draws::default(), Drawn::default());
        for _ in 0..DRAWS {
            draws.blocks(self.pre_days, &mut drawn.pre);
            draws.blocks(self.post_days, &mut drawn.post);
            for (spread, value) in spreads.iter_mut().zip(self.effects(&drawn, outcomes)) {
                if let Some(value) = value {
                    spread.add(value);
                }
            }
        }
        let whole = Drawn {
            pre: std::iter::once(0..self.pre_days).collect(),
            post: std::iter::once(0..self.post_days).collect(),
        };
        let around = |(value, spread): (Option<f64>, &Spread)| {
            value.map(|value| Estimate::around(value, spread.deviation() * stretch, df))
        };
        self.effects(&whole, outcomes).into_iter().zip(&spreads).map(around).collect()
    }

    fn effects(&self, drawn: &Drawn, outcomes: &[Outcome]) -> Vec<Option<f64>> {
        let mut effects = vec![Some(0.0); outcomes.len()];
        let mut add = |side: &Side, weight: f64| {
            let (pre, post) = (side.pre.over(&drawn.pre), side.post.over(&drawn.post));
            for (effect, outcome) in effects.iter_mut().zip(outcomes) {
                // A ratio that a resample cannot have, because it drew no services, is the whole's.
                let ratio = |sum: &Sum, all: &Running| {
                    sum.ratio(*outcome).or_else(|| all.whole().ratio(*outcome))
                };
                let change = || Some(ratio(&post, &side.post)? - ratio(&pre, &side.pre)?);
                *effect = effect.and_then(|effect| Some(effect + weight * change()?));
            }
        };
        self.treated.iter().for_each(|side| add(side, side.weight));
        for part in &self.parts {
            part.donors.iter().for_each(|side| add(side, -part.weight * side.weight));
        }
        effects
    }
}

/// Services with their shares of the services on some days.
pub fn weighted(panel: &Panel, services: &[usize], days: &[usize]) -> Vec<(usize, f64)> {
    let all = panel.pooled(services, days).services as f64;
    let share = |service: &usize| (*service, panel.total(*service, days).services as f64 / all);
    services.iter().map(share).collect()
}
