//! Pictures as places: values in, coordinates out, which `charts.html` draws. Texts are the
//! template's to escape.
//!
//! Leaves out: colours and fonts, which are `style.css`.

pub mod bars;
pub mod interval;
pub mod line;

use serde::Serialize;

use super::locale::{Locale, Scale, Unit};

/// Units from a drawing's top to the highest value, and from its bottom to the lowest.
const TOP: f64 = 8.0;
const BELOW: f64 = 20.0;
/// Units of a label's character, at most.
const CHARACTER: f64 = 6.8;

/// A text at a place on an axis.
#[derive(Debug, Clone, Serialize, PartialEq)]
pub struct Tick {
    pub at: String,
    pub label: String,
    /// `start`, `middle` or `end`.
    pub anchor: &'static str,
}

/// A drawing and its inner part, in units of the drawing.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Frame {
    pub width: f64,
    pub height: f64,
    pub left: f64,
    pub right: f64,
    pub top: f64,
    pub bottom: f64,
}

impl Frame {
    /// With room on the left for the labels of `values`.
    pub fn new(width: f64, height: f64, values: &[Tick]) -> Frame {
        let longest = values.iter().map(|tick| tick.label.chars().count()).max().unwrap_or(0);
        let left = 12.0 + CHARACTER * longest as f64;
        Frame { width, height, left, right: width - 8.0, top: TOP, bottom: height - BELOW }
    }
}

/// Maps values to places, both ascending or not.
#[derive(Debug, Clone, Copy)]
pub struct Axis {
    pub low: f64,
    pub high: f64,
    from: f64,
    to: f64,
}

impl Axis {
    /// A span of no width is given some.
    pub fn new(low: f64, high: f64, from: f64, to: f64) -> Axis {
        let high = if high > low { high } else { low + 1.0 };
        Axis { low, high, from, to }
    }

    pub fn place(self, value: f64) -> f64 {
        let share = (value - self.low) / (self.high - self.low);
        self.from + share * (self.to - self.from)
    }
}

/// Where an axis of round numbers that holds `low` and `high` begins, ends, and its steps.
pub fn round_steps(low: f64, high: f64, most: usize) -> Vec<f64> {
    let span = if high > low { high - low } else { high.abs().max(1.0) };
    let rough = span / most.max(1) as f64;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0].into_iter().map(|m| m * power).find(|step| *step >= rough);
    let step = step.unwrap_or(10.0 * power);
    let first = (low / step).floor();
    let last = (high / step).ceil().max(first + 1.0);
    (0..=(last - first) as usize).map(|n| (first + n as f64) * step).collect()
}

/// An axis of values from the bottom of a drawing to its top, with labelled steps; what it holds is
/// within `low..high`.
pub fn upright(
    (low, high): (f64, f64),
    height: f64,
    unit: &Unit,
    locale: Locale<'_>,
) -> (Axis, Vec<Tick>) {
    let (steps, scale) = steps(low, high, 3, unit);
    let (first, last) = ends(&steps);
    let axis = Axis::new(first, last, height - BELOW, TOP);
    let tick = |value: &f64| Tick {
        at: place(axis.place(*value)),
        label: locale.scaled(*value, &scale),
        anchor: "end",
    };
    (axis, steps.iter().map(tick).collect())
}

/// Steps that are round in the unit that is shown, and how they are written.
pub fn steps(low: f64, high: f64, most: usize, unit: &Unit) -> (Vec<f64>, Scale) {
    let scale = Scale::of(unit, low.abs().max(high.abs()));
    let steps = round_steps(low / scale.divisor, high / scale.divisor, most);
    let steps: Vec<f64> = steps.into_iter().map(|step| step * scale.divisor).collect();
    let step = steps.get(1).map_or(1.0, |second| second - steps[0]);
    (steps, scale.for_step(step))
}

pub fn ends(steps: &[f64]) -> (f64, f64) {
    (steps.first().copied().unwrap_or(0.0), steps.last().copied().unwrap_or(1.0))
}

/// A coordinate as text; a tenth of a unit is finer than a screen.
pub fn place(at: f64) -> String {
    let text = format!("{at:.1}");
    text.strip_suffix(".0").map_or_else(|| text.clone(), str::to_owned)
}
