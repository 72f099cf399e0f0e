//! A metric's days as a line: with the band of its intervals, gaps where a day has no value, and
//! dashes to days that may still change.

use chrono::NaiveDate;
use serde::Serialize;

use super::{Axis, Frame, Tick, place, upright};
use crate::interval::plus;
use crate::report::page::locale::{Locale, Unit};
use crate::report::page::material::{Cell, Span};

const WIDTH: f64 = 340.0;
const HEIGHT: f64 = 132.0;

#[derive(Debug, Clone, Serialize)]
pub struct Line {
    pub frame: Frame,
    pub values: Vec<Tick>,
    pub days: Vec<Tick>,
    /// Where the period begins that the page tells of.
    pub start: String,
    pub bands: Vec<String>,
    pub solid: Vec<String>,
    pub dashed: Vec<String>,
    pub dots: Vec<Dot>,
}

#[derive(Debug, Clone, Serialize, PartialEq)]
pub struct Dot {
    pub x: String,
    pub y: String,
    /// The day may still change.
    pub hollow: bool,
}

/// `cells` in the order of days; `from_zero` where lengths are compared.
pub fn line(cells: &[&Cell], span: Span, from_zero: bool, unit: &Unit, locale: Locale<'_>) -> Line {
    let ends = cells.iter().flat_map(|cell| {
        let (low, high) = cell.interval.unwrap_or((cell.value, cell.value));
        [low.min(cell.value), high.max(cell.value)]
    });
    let zero = from_zero.then_some(0.0);
    let (low, high) = ends
        .chain(zero)
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
    let (up, values) = upright((low, high), HEIGHT, unit, locale);
    let frame = Frame::new(WIDTH, HEIGHT, &values);
    let all = span.all();
    let last = plus(all.end, -1);
    let number = |date: NaiveDate| (date - all.start).num_days() as f64;
    let along = Axis::new(0.0, number(last), frame.left + 4.0, frame.right - 4.0);
    let point = |cell: &Cell| (along.place(number(cell.date)), up.place(cell.value));
    let mut line = Line {
        frame,
        values,
        days: vec![
            Tick { at: place(frame.left), label: locale.short_date(all.start), anchor: "start" },
            Tick {
                at: place(along.place(number(span.period.start))),
                label: locale.short_date(span.period.start),
                anchor: "middle",
            },
            Tick { at: place(frame.right), label: locale.short_date(last), anchor: "end" },
        ],
        start: place(along.place(number(span.period.start) - 0.5)),
        bands: Vec::new(),
        solid: Vec::new(),
        dashed: Vec::new(),
        dots: Vec::new(),
    };
    for run in runs(cells) {
        line.bands.extend(band(run, |cell| point(cell).0, up));
        draw(&mut line, run, &point);
    }
    line
}

/// The runs of adjoining days.
fn runs<'a>(cells: &'a [&'a Cell]) -> impl Iterator<Item = &'a [&'a Cell]> {
    cells.chunk_by(|one, next| plus(one.date, 1) == next.date)
}

/// A run's line: solid to days that stay, dashed to those that may change; a lone day is a dot.
fn draw(line: &mut Line, run: &[&Cell], point: &dyn Fn(&Cell) -> (f64, f64)) {
    for part in
        run.windows(2).collect::<Vec<_>>().chunk_by(|one, next| one[1].is_final == next[1].is_final)
    {
        let (Some(first), Some(last)) = (part.first(), part.last()) else { continue };
        let cells = part.iter().map(|pair| pair[0]).chain(std::iter::once(last[1]));
        let path = path(cells.map(point));
        if first[1].is_final { line.solid.push(path) } else { line.dashed.push(path) }
    }
    for cell in run.iter().filter(|cell| run.len() == 1 || !cell.is_final) {
        let (x, y) = point(cell);
        line.dots.push(Dot { x: place(x), y: place(y), hollow: !cell.is_final });
    }
}

fn band(run: &[&Cell], x: impl Fn(&Cell) -> f64, up: Axis) -> Option<String> {
    let ends = |cell: &&Cell| Some((x(cell), cell.interval?));
    let ends: Option<Vec<_>> = run.iter().map(ends).collect();
    let ends = ends.filter(|ends| ends.len() > 1)?;
    let upper = ends.iter().map(|(x, (_, high))| (*x, up.place(*high)));
    let lower = ends.iter().rev().map(|(x, (low, _))| (*x, up.place(*low)));
    Some(format!("{}Z", path(upper.chain(lower))))
}

fn path(points: impl Iterator<Item = (f64, f64)>) -> String {
    let mut path = String::new();
    for (at, (x, y)) in points.enumerate() {
        path.push(if at == 0 { 'M' } else { 'L' });
        path.push_str(&format!("{} {}", place(x), place(y)));
    }
    path
}
