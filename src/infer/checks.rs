//! What would make an estimate wrong, looked for in the data and said in words.
//!
//! The tests of the time before: had the services already moved apart (a slope of their weekly
//! gap), and does the same method find an effect where there was none (the middle of the days
//! before taken for the change)? Leaves out: what only people know, such as a campaign.

use std::collections::BTreeSet;

use super::bootstrap::{BLOCK_DAYS, Estimate};
use super::design::{Design, Donors, Grade};
use super::did::{Comparison, weighted};
use super::linear::least_squares;
use super::panel::{Cell, Handler, Outcome, Panel, Sum};
use super::segmented::segmented;
use super::student;

/// A test that would be this rare by chance alone is a warning.
const SIGNIFICANT: f64 = 0.05;
/// Fewer services in a window than this are few.
const FEW_SERVICES: i64 = 30;
/// A day with more than this share of a window's cost decides it.
const HEAVY_DAY: f64 = 0.2;
/// A control's services that change by more than this may have come from the changed ones.
const SHIFTED_CONTROL: f64 = 0.25;
/// Services of the changed ones that rise by more than this are told.
const MORE_SERVICES: f64 = 0.25;
/// A control's shared cost that moves against the effect by more than this part of it is told.
const SHIFTED_SHARE: f64 = 0.1;
/// Levels that differ by more than this factor make the form of the comparison matter.
const FAR_LEVELS: f64 = 2.0;

/// A slope of the time before, per week.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trend {
    pub slope: Estimate,
    pub p_value: f64,
}

/// The slope of the weekly gap between changed and untreated services before the change (of the
/// changed services' own cost, where there is nothing to compare with).
pub fn pre_trend(panel: &Panel, treated: &[usize], design: &Design) -> Option<Trend> {
    let none = Vec::new();
    let donors = match design.grade {
        Grade::B | Grade::C => &design.donors.first()?.services,
        _ => &none,
    };
    let (own, others) =
        (weighted(panel, treated, &design.pre), weighted(panel, donors, &design.pre));
    let mean = |services: &[(usize, f64)], week: &[usize]| -> Option<f64> {
        let ratio = |s: usize| panel.total(s, week).ratio(Outcome::Total);
        services.iter().try_fold(0.0, |sum, (s, weight)| Some(sum + weight * ratio(*s)?))
    };
    let (mut rows, mut gaps) = (Vec::new(), Vec::new());
    for (n, week) in design.pre.rchunks_exact(BLOCK_DAYS).enumerate() {
        if let (Some(own), Some(others)) = (mean(&own, week), mean(&others, week)) {
            rows.push(vec![1.0, -(n as f64)]);
            gaps.push(own - others);
        }
    }
    let fit = least_squares(&rows, &gaps, &vec![1.0; gaps.len()])?;
    let (value, error) = (fit.value(&[0.0, 1.0]), fit.plain_error(&[0.0, 1.0]));
    let df = fit.degrees_of_freedom();
    let p_value = if error > 0.0 { student::p_value(value / error, df) } else { 1.0 };
    Some(Trend { slope: Estimate::around(value, error, df), p_value })
}

/// The method's answer where the right one is 0: the second half of the time before against its
/// first.
pub fn placebo(panel: &Panel, treated: &[usize], design: &Design) -> Option<Estimate> {
    // Whole weeks on both sides, the later one the shorter.
    let weeks = design.pre.len() / BLOCK_DAYS;
    let (pre, post) = design.pre.split_at(design.pre.len() - weeks / 2 * BLOCK_DAYS);
    match design.grade {
        Grade::B | Grade::C => {
            let services = design.donors.first()?.services.clone();
            let donors = [Donors { days: post.to_vec(), services }];
            let comparison = Comparison::new(panel, treated, pre, post, &donors)?;
            comparison.bootstrap(&[Outcome::Total]).into_iter().next().flatten()
        }
        Grade::D => Some(segmented(panel, treated, pre, post, Outcome::Total)?.estimate()),
        Grade::A | Grade::E => None,
    }
}

/// Warnings from the two tests.
pub fn told(trend: Option<&Trend>, placebo: Option<&Estimate>, grade: Grade) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Some(trend) = trend.filter(|trend| trend.p_value < SIGNIFICANT) {
        let what = match grade {
            Grade::D => "cost per service was already moving before the change",
            _ => "changed and compared services were already moving apart before the change",
        };
        warnings
            .push(format!("{what}: {:+.4} a week (p = {:.3})", trend.slope.value, trend.p_value));
    }
    if let Some(found) = placebo.filter(|found| !found.holds_zero()) {
        let value = found.value;
        warnings.push(match grade {
            Grade::A => format!(
                "customers with and without the change differed before it, too, by {value:+.4} a service: was it by lot?"
            ),
            _ => format!(
                "the same method finds an effect of {value:+.4} inside the time before, where there was none"
            ),
        });
    }
    warnings
}

/// Warnings about the changed services' own numbers.
pub fn of_windows(panel: &Panel, services: &[usize], design: &Design) -> Vec<String> {
    let mut warnings = Vec::new();
    for (days, side) in [(&design.pre, "before"), (&design.post, "after")] {
        let all = panel.pooled(services, days);
        if all.services < FEW_SERVICES && !days.is_empty() {
            warnings.push(format!("only {} services {side} the change", all.services));
        }
        let costs = days.iter().map(|day| panel.pooled(services, &[*day]).cost[0]);
        let heaviest = costs.max().unwrap_or(0) as f64;
        let cost = all.cost[0] as f64;
        if cost > 0.0 && heaviest > HEAVY_DAY * cost && days.len() > BLOCK_DAYS {
            warnings.push(format!(
                "one day has {:.0} % of the cost {side} the change",
                100.0 * heaviest / cost
            ));
        }
        let idle = days.iter().filter(|day| {
            (0..panel.services.len()).all(|s| *panel.day(s, **day) == Sum::default())
        });
        let idle = idle.count();
        if idle > 0 {
            warnings.push(format!("{idle} days {side} the change have no services at all"));
        }
    }
    let daily = |days: &[usize]| panel.pooled(services, days).services as f64 / days.len() as f64;
    let growth = daily(&design.post) / daily(&design.pre) - 1.0;
    if growth.is_finite() && growth > MORE_SERVICES {
        warnings.push(format!(
            "{:+.0} % services a day since the change: many cheap services more make the average fall without saving anything",
            100.0 * growth
        ));
    }
    if !design.windows.complete && !design.post.is_empty() {
        warnings.push("the windows are not complete yet: the numbers will change".to_owned());
    }
    warnings
}

/// Warnings about the services that stand for what would have happened.
pub fn of_controls(
    panel: &Panel,
    treated: &[usize],
    design: &Design,
    cells: &[Cell],
    found: Option<&Estimate>,
) -> Vec<String> {
    if !matches!(design.grade, Grade::B | Grade::C) {
        return Vec::new();
    }
    let used: BTreeSet<usize> =
        design.donors.iter().flat_map(|part| part.services.iter().copied()).collect();
    let mut warnings = Vec::new();
    let own: BTreeSet<usize> = treated.iter().copied().collect();
    let ours = bot_channels(panel, cells, &own, design);
    for service in &used {
        let name = &panel.services[*service];
        let theirs = bot_channels(panel, cells, &BTreeSet::from([*service]), design);
        let shared: Vec<&str> = theirs.intersection(&ours).copied().collect();
        if !shared.is_empty() {
            warnings.push(format!(
                "control service `{name}` shares the treated channel {}: what customers do there reaches both",
                shared.join(", ")
            ));
        }
        let before = panel.total(*service, &design.pre).services as f64 / design.pre.len() as f64;
        let after = panel.total(*service, &design.post).services as f64 / design.post.len() as f64;
        let change = after / before - 1.0;
        if change.abs() > SHIFTED_CONTROL {
            warnings.push(format!(
                "control service `{name}` has {:+.0} % services since the change: some may have moved",
                100.0 * change
            ));
        }
    }
    warnings.extend(of_form(panel, treated, &used, design, found));
    warnings.extend(of_shares(panel, &used, design, found));
    warnings
}

/// Costs that services share move to those left alone when the changed ones need less of them. Then
/// the comparison counts the shift as part of the effect.
fn of_shares(
    panel: &Panel,
    controls: &BTreeSet<usize>,
    design: &Design,
    found: Option<&Estimate>,
) -> Option<String> {
    let controls: Vec<usize> = controls.iter().copied().collect();
    let shared = |days: &[usize]| panel.pooled(&controls, days).ratio(Outcome::Fixed);
    let moved = shared(&design.post)? - shared(&design.pre)?;
    let found = found?.value;
    (moved * found < 0.0 && moved.abs() > SHIFTED_SHARE * found.abs()).then(|| {
        format!(
            "services left alone carry {moved:+.2} of shared cost a service since the change: so much of the effect may be a shift between services; the effect on avoidable cost has no such part"
        )
    })
}

/// Where levels lie far apart, an equal rise in money and an equal rise in percent are different
/// stories; told where the second would give another answer.
fn of_form(
    panel: &Panel,
    treated: &[usize],
    controls: &BTreeSet<usize>,
    design: &Design,
    found: Option<&Estimate>,
) -> Option<String> {
    let controls: Vec<usize> = controls.iter().copied().collect();
    let level = |services: &[usize], days: &[usize]| {
        panel.pooled(services, days).ratio(Outcome::Total).filter(|level| *level > 0.0)
    };
    let (own, other) = (level(treated, &design.pre)?, level(&controls, &design.pre)?);
    if own / other <= FAR_LEVELS && other / own <= FAR_LEVELS {
        return None;
    }
    let growth = level(&controls, &design.post)? / other;
    let in_percent = level(treated, &design.post)? - own * growth;
    let found = found?;
    (in_percent < found.low || in_percent > found.high).then(|| {
        format!(
            "costs before lie far apart ({own:.2} and {other:.2} a service): had both changed by equal percents, the effect would be {in_percent:+.4}"
        )
    })
}

/// The channels on which the bot served some services after the change.
fn bot_channels<'a>(
    panel: &Panel,
    cells: &'a [Cell],
    services: &BTreeSet<usize>,
    design: &Design,
) -> BTreeSet<&'a str> {
    let served = cells.iter().filter(|cell| {
        cell.handler == Handler::Bot
            && cell.services > 0
            && design.windows.post.contains(cell.date)
            && panel.find(&cell.service).is_some_and(|service| services.contains(&service))
    });
    served.map(|cell| cell.channel.as_str()).collect()
}
