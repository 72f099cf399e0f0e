//! Which comparison the data allow: windows, untreated services, and the grade of the design.
//!
//! A service may stand for what would have happened only on days before its own change: one that
//! was changed earlier is still moving, one that changes later is good until it does. Leaves out:
//! the estimates.

use chrono::NaiveDate;

use super::Change;
use super::holdout::Arms;
use super::panel::Panel;
use crate::error::{Error, Result};
use crate::interval::{Interval, plus};

/// Fewer days than this on a side, and nothing is said of an effect.
pub const LEAST_DAYS: usize = 56;
/// Days after the change on which some untreated service is left, below which there is no control.
const LEAST_COVERED_DAYS: usize = 28;
/// How good the evidence is; chosen from the data, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// A randomised holdout.
    A,
    /// Rollouts one after the other: services that are not changed yet are the comparison.
    B,
    /// One cut-over, and services that it left alone.
    C,
    /// One cut-over and nothing to compare with.
    D,
    /// Under eight weeks on a side: description only.
    E,
}

impl Grade {
    pub fn letter(self) -> &'static str {
        match self {
            Grade::A => "A",
            Grade::B => "B",
            Grade::C => "C",
            Grade::D => "D",
            Grade::E => "E",
        }
    }

    /// What is done, in words.
    pub fn method(self) -> &'static str {
        match self {
            Grade::A => "randomised holdout: difference of ratios, bootstrap over units",
            Grade::B => {
                "staggered rollouts: group-time effects against services not changed yet, 7-day block bootstrap"
            }
            Grade::C => {
                "difference in differences against services left alone, 7-day block bootstrap"
            }
            Grade::D => {
                "suggestive: segmented regression (level, slope, weekday), Newey-West errors"
            }
            Grade::E => "description: under eight weeks on a side",
        }
    }
}

/// The days of a rollout that are compared, as far as history has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Windows {
    pub pre: Interval,
    pub post: Interval,
    /// Whether history has all days of both.
    pub complete: bool,
}

impl Windows {
    pub fn of(change: &Change, history: Interval) -> Self {
        let pre = Interval::new(plus(change.date, -i64::from(change.pre_days)), change.date);
        let from = plus(change.date, i64::from(change.ramp_days));
        let post = Interval::new(from, plus(from, i64::from(change.post_days)));
        let inside = |window: Interval| window.intersect(history);
        let complete = inside(pre) == pre && inside(post) == post;
        Windows { pre: inside(pre), post: inside(post), complete }
    }
}

/// Untreated services, for a stretch of days on which they are the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Donors {
    /// Days of the post window.
    pub days: Vec<usize>,
    /// Services of the panel; at least one.
    pub services: Vec<usize>,
}

/// A rollout as it will be compared.
#[derive(Debug, Clone)]
pub struct Design {
    pub grade: Grade,
    pub windows: Windows,
    /// The window before, as days of the panel.
    pub pre: Vec<usize>,
    /// The whole window after.
    pub post: Vec<usize>,
    /// The parts of the window after that have untreated services, in order.
    pub donors: Vec<Donors>,
    pub warnings: Vec<String>,
}

/// Chooses. `arms` are a holdout's, in the days after.
pub fn design(
    change: &Change,
    all: &[Change],
    panel: &Panel,
    history: Interval,
    arms: &Arms,
) -> Design {
    let windows = Windows::of(change, history);
    let (pre, post) = (panel.indices(windows.pre), panel.indices(windows.post));
    let mut warnings = Vec::new();
    let candidates = candidates(change, all, panel, &pre, &mut warnings);
    let donors = stretches(&candidates, panel, &post);
    let covered: usize = donors.iter().map(|part| part.days.len()).sum();
    let staggered = candidates.iter().any(|c| {
        c.changes.is_some() && donors.iter().any(|part| part.services.contains(&c.service))
    });
    let grade = if arms.are_enough() && !post.is_empty() {
        Grade::A
    } else if pre.len() < LEAST_DAYS || post.len() < LEAST_DAYS {
        Grade::E
    } else if covered < LEAST_COVERED_DAYS {
        Grade::D
    } else if staggered {
        Grade::B
    } else {
        Grade::C
    };
    if change.has_holdout && grade != Grade::A && !post.is_empty() {
        warnings.push(arms.too_few());
    }
    if matches!(grade, Grade::B | Grade::C) && covered < post.len() {
        warnings.push(format!(
            "only {covered} of {} days after the change have a service to compare with",
            post.len()
        ));
    }
    if grade == Grade::D && covered > 0 {
        warnings.push(format!(
            "{covered} days with a service to compare with are too few: none was used"
        ));
    }
    Design { grade, windows, pre, post, donors, warnings }
}

/// Refuses rollouts that change one service within each other's windows: no comparison can tell
/// their effects apart.
pub fn check(all: &[Change]) -> Result<()> {
    for (n, one) in all.iter().enumerate() {
        if let Some(service) = one.services.iter().find(|s| one.controls.contains(s)) {
            return Err(Error::config("a rollout compares a service with itself")
                .context("rollout", &one.name)
                .context("service", service)
                .remedy("take the service out of the rollout's controls"));
        }
        for other in &all[n + 1..] {
            let Some(service) = one.services.iter().find(|s| other.services.contains(s)) else {
                continue;
            };
            let both = span(one).intersect(span(other));
            if both.is_empty() {
                continue;
            }
            return Err(Error::config("two rollouts change one service within each other's windows")
                .context("service", service)
                .context("rollouts", format!("{} ({}), {} ({})", one.name, one.date, other.name, other.date))
                .context("days in both", both)
                .remedy("their effects cannot be told apart: shorten `pre`, `ramp` or `post`, take the service out of one of them, or make them one rollout"));
        }
    }
    Ok(())
}

/// From the first day before to the last day after.
fn span(change: &Change) -> Interval {
    let after = i64::from(change.ramp_days) + i64::from(change.post_days);
    Interval::new(plus(change.date, -i64::from(change.pre_days)), plus(change.date, after))
}

/// A service that may stand for what would have happened.
struct Candidate {
    service: usize,
    /// The day it is changed itself, if it ever is.
    changes: Option<NaiveDate>,
}

fn candidates(
    change: &Change,
    all: &[Change],
    panel: &Panel,
    pre: &[usize],
    warnings: &mut Vec<String>,
) -> Vec<Candidate> {
    let later = all.iter().filter(|other| other.date > change.date);
    let later = later.flat_map(|other| &other.services);
    let mut names: Vec<&String> = change.controls.iter().chain(later).collect();
    names.sort_unstable();
    names.dedup();
    names.retain(|name| !change.services.contains(name));
    let mut found = Vec::new();
    for name in names {
        let listed = change.controls.contains(name);
        let own = all.iter().filter(|other| other.services.contains(name));
        let days: Vec<NaiveDate> = own.map(|other| other.date).collect();
        if days.iter().any(|day| *day <= change.date) {
            if listed {
                warnings.push(format!(
                    "control `{name}` was changed itself no later than this rollout: left out"
                ));
            }
            continue;
        }
        match panel.find(name).filter(|service| panel.total(*service, pre).services > 0) {
            Some(service) => {
                found.push(Candidate { service, changes: days.into_iter().min() });
            }
            None if listed => warnings
                .push(format!("control `{name}` has no services before the change: left out")),
            None => {}
        }
    }
    found
}

/// Cuts the days after wherever a candidate is changed itself.
fn stretches(candidates: &[Candidate], panel: &Panel, post: &[usize]) -> Vec<Donors> {
    let mut parts: Vec<Donors> = Vec::new();
    for day in post {
        let date = plus(panel.days.start, *day as i64);
        let free = candidates.iter().filter(|c| c.changes.is_none_or(|changes| date < changes));
        let services: Vec<usize> = free.map(|c| c.service).collect();
        match parts.last_mut() {
            _ if services.is_empty() => {}
            Some(part) if part.services == services => part.days.push(*day),
            _ => parts.push(Donors { days: vec![*day], services }),
        }
    }
    // A service that was asked for on none of a stretch's days tells nothing about them.
    for part in &mut parts {
        let days = part.days.clone();
        part.services.retain(|service| panel.total(*service, &days).services > 0);
    }
    parts.retain(|part| !part.services.is_empty());
    parts
}
