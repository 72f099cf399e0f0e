//! Estimates and their intervals on one axis, with zero marked; and what was before and after.

use serde::Serialize;

use super::{Axis, Tick, ends, place, steps};
use crate::infer::Estimate;
use crate::report::page::locale::{Locale, Unit};

/// Units of height for each row: its name above, the picture below.
const ROW: f64 = 44.0;

#[derive(Debug, Clone, Serialize)]
pub struct Intervals {
    pub width: f64,
    pub height: f64,
    pub bottom: String,
    pub values: Vec<Tick>,
    /// Where zero is, if the axis holds it.
    pub zero: Option<String>,
    pub rows: Vec<IntervalRow>,
}

#[derive(Debug, Clone, Serialize, PartialEq)]
pub struct IntervalRow {
    pub label: String,
    pub label_y: String,
    pub y: String,
    /// From here to there: before and after, or the ends of an interval.
    pub from: String,
    pub to: String,
    /// The estimate; None for before and after.
    pub at: Option<String>,
    /// The interval has no end on that side.
    pub open_left: bool,
    pub open_right: bool,
}

/// Estimates with names, on an axis that holds zero.
pub fn estimates(
    rows: &[(String, Estimate)],
    width: f64,
    unit: &Unit,
    locale: Locale<'_>,
) -> Intervals {
    let held = rows.iter().flat_map(|(_, e)| [e.low, e.high, e.value]).filter(|v| v.is_finite());
    let (axis, mut drawn) = sideways(held.chain([0.0]), width, rows.len(), unit, locale);
    drawn.zero = Some(place(axis.place(0.0)));
    for (at, (label, estimate)) in rows.iter().enumerate() {
        let end = |value: f64| place(axis.place(value.clamp(axis.low, axis.high)));
        drawn.rows.push(IntervalRow {
            at: Some(end(estimate.value)),
            open_left: !estimate.low.is_finite(),
            open_right: !estimate.high.is_finite(),
            ..row(at, label, end(estimate.low), end(estimate.high))
        });
    }
    drawn
}

/// What was before and what after, with names, on an axis from zero.
pub fn changes(
    rows: &[(String, f64, f64)],
    width: f64,
    unit: &Unit,
    locale: Locale<'_>,
) -> Intervals {
    let held = rows.iter().flat_map(|(_, before, after)| [*before, *after]);
    let (axis, mut drawn) = sideways(held.chain([0.0]), width, rows.len(), unit, locale);
    for (at, (label, before, after)) in rows.iter().enumerate() {
        let end = |value: f64| place(axis.place(value));
        drawn.rows.push(row(at, label, end(*before), end(*after)));
    }
    drawn
}

fn row(at: usize, label: &str, from: String, to: String) -> IntervalRow {
    let top = at as f64 * ROW;
    IntervalRow {
        label: label.to_owned(),
        label_y: place(top + 14.0),
        y: place(top + 28.0),
        from,
        to,
        at: None,
        open_left: false,
        open_right: false,
    }
}

fn sideways(
    values: impl Iterator<Item = f64>,
    width: f64,
    rows: usize,
    unit: &Unit,
    locale: Locale<'_>,
) -> (Axis, Intervals) {
    let (low, high) =
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
    let (steps, scale) = steps(low, high, (width / 110.0) as usize, unit);
    let (first, last) = ends(&steps);
    let axis = Axis::new(first, last, 34.0, width - 34.0);
    let bottom = rows as f64 * ROW;
    let tick = |value: &f64| Tick {
        at: place(axis.place(*value)),
        label: locale.scaled(*value, &scale),
        anchor: "middle",
    };
    let drawn = Intervals {
        width,
        height: bottom + 24.0,
        bottom: place(bottom + 2.0),
        values: steps.iter().map(tick).collect(),
        zero: None,
        rows: Vec::new(),
    };
    (axis, drawn)
}
