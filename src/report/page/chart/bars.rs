//! Upright bars: one over the other for the parts of days, side by side for a distribution.

use serde::Serialize;

use super::{Axis, Frame, Tick, place, upright};
use crate::report::page::locale::{Locale, Unit};

#[derive(Debug, Clone, Serialize)]
pub struct Bars {
    pub frame: Frame,
    pub values: Vec<Tick>,
    pub along: Vec<Tick>,
    pub bars: Vec<Bar>,
    /// Lines across, such as percentiles.
    pub marks: Vec<Tick>,
}

#[derive(Debug, Clone, Serialize, PartialEq)]
pub struct Bar {
    pub x: String,
    pub y: String,
    pub width: String,
    pub height: String,
    /// Its colour and pattern in the style sheet.
    pub group: String,
    pub mark: String,
}

/// What a column holds from its bottom to its top.
pub struct Column {
    pub label: String,
    pub parts: Vec<Part>,
}

/// A part of a column.
pub struct Part {
    pub value: f64,
    pub group: String,
    pub mark: String,
}

/// Where a label stands below a column.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Below {
    /// Its middle: the column is a day.
    Middle,
    /// Its left end: the label is where the column begins.
    Edge,
}

/// `columns` in a drawing `width` units wide, with about one label for each 60 units.
pub fn bars(columns: &[Column], width: f64, unit: &Unit, below: Below, locale: Locale<'_>) -> Bars {
    let height = |column: &Column| column.parts.iter().map(|part| part.value).sum::<f64>();
    let highest = columns.iter().map(height).fold(0.0, f64::max);
    let tall = if width < 500.0 { 200.0 } else { 240.0 };
    let (up, values) = upright((0.0, highest), tall, unit, locale);
    let frame = Frame::new(width, tall, &values);
    let along = Axis::new(0.0, columns.len() as f64, frame.left + 2.0, frame.right);
    let step = along.place(1.0) - along.place(0.0);
    let gap = (step * 0.2).min(4.0);
    let mut bars = Vec::new();
    for (at, column) in columns.iter().enumerate() {
        let mut sum = 0.0;
        for part in column.parts.iter().filter(|part| part.value > 0.0) {
            let (bottom, top) = (up.place(sum), up.place(sum + part.value));
            sum += part.value;
            bars.push(Bar {
                x: place(along.place(at as f64) + gap / 2.0),
                y: place(top),
                width: place(step - gap),
                height: place(bottom - top),
                group: part.group.clone(),
                mark: part.mark.clone(),
            });
        }
    }
    let room = ((frame.right - frame.left) / 62.0).floor().max(1.0);
    let every = (columns.len() as f64 / room).ceil().max(1.0) as usize;
    // A day's label stays in the drawing; an edge's may reach below the values' labels.
    let (shift, left) = match below {
        Below::Middle => (0.5, frame.left + 14.0),
        Below::Edge => (0.0, frame.left),
    };
    let label = |(at, column): (usize, &Column)| Tick {
        at: place(along.place(at as f64 + shift).clamp(left, frame.right - 18.0)),
        label: column.label.clone(),
        anchor: "middle",
    };
    let labels = columns.iter().enumerate().step_by(every).map(label).collect();
    Bars { frame, values, along: labels, bars, marks: Vec::new() }
}

impl Bars {
    /// A line across at `column`, a place among the columns that need not be whole.
    pub fn mark(&mut self, columns: usize, column: f64, label: String) {
        let along = Axis::new(0.0, columns as f64, self.frame.left + 2.0, self.frame.right);
        let at = along.place(column);
        // A label that would leave the drawing stands on the line's other side.
        let anchor = if at > self.frame.width * 0.6 { "end" } else { "start" };
        self.marks.push(Tick { at: place(at), label, anchor });
    }
}
