//! One series, cut at the change: level, slope and weekday, with errors that follow each other.
//!
//! A day's cost per service, weighted by its services, is regressed on a constant, the day, a step
//! and a bend at the first day after, and six weekdays. The effect is the mean over the days after
//! of step and bend together, each day weighted by its services: how far the days after lie from
//! where the days before were heading. Nothing here knows what would have happened anyway, so the
//! answer is only suggestive.
//!
//! The interval takes the t quantile with a degree of freedom for each week beyond the
//! coefficients: days that follow each other are not as many pieces of news.
//!
//! Sources: Wagner et al. (2002), "Segmented regression analysis of interrupted time series studies
//! in medication use research", Journal of Clinical Pharmacy and Therapeutics 27(4).

use chrono::Datelike;

use super::bootstrap::{BLOCK_DAYS, Estimate};
use super::linear::{Fit, least_squares};
use super::panel::{Outcome, Panel};
use crate::interval::plus;

/// Days over which Newey–West's weights fall to nothing, after whitening. Without whitening no lag
/// serves: residuals of a line with a bend know too little of the slow part of their errors, and
/// intervals meant to hold 95 % held 77 to 87 % in trials with a persistence of 0.5.
const LAG_DAYS: usize = 3;

/// The fitted line of a series, and what to ask of it.
#[derive(Debug, Clone)]
pub struct Segmented {
    pub fit: Fit,
    /// Which sum of coefficients is the mean effect over the days after.
    pub contrast: Vec<f64>,
}

/// Fits the pooled series of some services. None where a side has too few days with services.
pub fn segmented(
    panel: &Panel,
    services: &[usize],
    pre: &[usize],
    post: &[usize],
    outcome: Outcome,
) -> Option<Segmented> {
    let first = *post.first()?;
    let origin = panel.days.start;
    let (mut rows, mut y, mut weights) = (Vec::new(), Vec::new(), Vec::new());
    let (mut after, mut bend) = (0.0, 0.0);
    for day in pre.iter().chain(post) {
        let sum = panel.pooled(services, &[*day]);
        let Some(ratio) = sum.ratio(outcome) else { continue };
        // Days are whole numbers, so these are exact.
        let since = *day as f64 - first as f64;
        let is_after = if since >= 0.0 { 1.0 } else { 0.0 };
        let weekday = plus(origin, *day as i64).weekday().num_days_from_monday();
        let mut row = vec![1.0, since, is_after, since * is_after];
        row.extend((1..7).map(|n| if weekday == n { 1.0 } else { 0.0 }));
        rows.push(row);
        y.push(ratio);
        weights.push(sum.services as f64);
        after += is_after * sum.services as f64;
        bend += is_after * since * sum.services as f64;
    }
    let fit = least_squares(&rows, &y, &weights)?;
    let mut contrast = vec![0.0; 10];
    contrast[2] = 1.0;
    contrast[3] = bend / after;
    Some(Segmented { fit, contrast })
}

impl Segmented {
    pub fn estimate(&self) -> Estimate {
        let error = self.fit.newey_west_error(&self.contrast, LAG_DAYS, self.fit.persistence());
        let weeks = self.fit.degrees_of_freedom() / BLOCK_DAYS as u32;
        Estimate::around(self.fit.value(&self.contrast), error, weeks.max(2))
    }
}
