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

use super::bootstrap::{DRAWS, Draws, Estimate, Spread, correction};
use super::design::Donors;
use super::panel::{Outcome, Panel, Sum};

/// What to compare: services, their weights, and the days.
#[derive(Debug, Clone)]
pub struct Comparison<'a> {
    panel: &'a Panel,
    /// Changed services and their weights, which sum to 1.
    treated: Vec<(usize, f64)>,
    pre: &'a [usize],
    /// All days after, in order; each in the stretch of the same place in `part_of`.
    post: Vec<usize>,
    parts: Vec<Part>,
    /// By day of the panel: the stretch it is in.
    part_of: Vec<Option<usize>>,
}

#[derive(Debug, Clone)]
struct Part {
    donors: Vec<(usize, f64)>,
    weight: f64,
}

/// Sums of each service over the days before, and over those after by stretch.
struct Tally {
    pre: Vec<Sum>,
    post: Vec<Vec<Sum>>,
}

impl<'a> Comparison<'a> {
    /// Without `donors` the treated services' own change is all there is. None where no changed
    /// service was asked for on both sides.
    pub fn new(
        panel: &'a Panel,
        treated: &[usize],
        pre: &'a [usize],
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
        let all = panel.pooled(&treated, &post).services as f64;
        let mut part_of = vec![None; panel.days.len()];
        let mut parts = Vec::new();
        for (n, part) in donors.iter().enumerate() {
            part.days.iter().for_each(|day| part_of[*day] = Some(n));
            let weight = panel.pooled(&treated, &part.days).services as f64 / all;
            parts.push(Part { donors: weighted(panel, &part.services, pre), weight });
        }
        let treated = weighted(panel, &treated, pre);
        Some(Comparison { panel, treated, pre, post, parts, part_of })
    }

    /// The effects on the given outcomes with intervals from [`DRAWS`] resamples. None where a side has under two weeks.
    pub fn bootstrap(&self, outcomes: &[Outcome]) -> Vec<Option<Estimate>> {
        let Some((stretch, df)) = correction(self.pre.len().min(self.post.len())) else {
            return vec![None; outcomes.len()];
        };
        let whole = self.tally(self.pre, &self.post);
        let mut spreads = vec![Spread::default(); outcomes.len()];
        let (mut draws, mut pre, mut post) = (Draws::default(), Vec::new(), Vec::new());
        for _ in 0..DRAWS {
            draws.blocks(self.pre, &mut pre);
            draws.blocks(&self.post, &mut post);
            let tally = self.tally(&pre, &post);
            for (spread, outcome) in spreads.iter_mut().zip(outcomes) {
                if let Some(value) = self.effect(&tally, &whole, *outcome) {
                    spread.add(value);
                }
            }
        }
        let values = outcomes.iter().map(|outcome| self.effect(&whole, &whole, *outcome));
        let around = |(value, spread): (Option<f64>, &Spread)| {
            value.map(|value| Estimate::around(value, spread.deviation() * stretch, df))
        };
        values.zip(&spreads).map(around).collect()
    }

    fn tally(&self, pre: &[usize], post: &[usize]) -> Tally {
        let services = self.panel.services.len();
        let mut tally = Tally {
            pre: vec![Sum::default(); services],
            post: vec![vec![Sum::default(); services]; self.parts.len()],
        };
        let mut used = vec![false; services];
        let donors = self.parts.iter().flat_map(|part| &part.donors);
        self.treated.iter().chain(donors).for_each(|(service, _)| used[*service] = true);
        for service in (0..services).filter(|service| used[*service]) {
            tally.pre[service] = self.panel.total(service, pre);
            for day in post {
                if let Some(part) = self.part_of[*day] {
                    tally.post[part][service].add(self.panel.day(service, *day));
                }
            }
        }
        tally
    }

    /// A ratio that a resample cannot have, because it drew no services, is that of `whole`.
    fn effect(&self, tally: &Tally, whole: &Tally, outcome: Outcome) -> Option<f64> {
        let ratio = |drawn: &Sum, all: &Sum| drawn.ratio(outcome).or_else(|| all.ratio(outcome));
        let mut effect = 0.0;
        for (service, weight) in &self.treated {
            let before = ratio(&tally.pre[*service], &whole.pre[*service])?;
            let after = ratio(&over(&tally.post, *service), &over(&whole.post, *service))?;
            effect += weight * (after - before);
        }
        for (n, part) in self.parts.iter().enumerate() {
            for (service, weight) in &part.donors {
                let before = ratio(&tally.pre[*service], &whole.pre[*service])?;
                let after = ratio(&tally.post[n][*service], &whole.post[n][*service])?;
                effect -= part.weight * weight * (after - before);
            }
        }
        Some(effect)
    }
}

fn over(parts: &[Vec<Sum>], service: usize) -> Sum {
    let mut sum = Sum::default();
    parts.iter().for_each(|part| sum.add(&part[service]));
    sum
}

/// Services with their shares of the services on some days.
pub fn weighted(panel: &Panel, services: &[usize], days: &[usize]) -> Vec<(usize, f64)> {
    let all = panel.pooled(services, days).services as f64;
    let share = |service: &usize| (*service, panel.total(*service, days).services as f64 / all);
    services.iter().map(share).collect()
}
