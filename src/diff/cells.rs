//! Two tables of cells, day by day.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

/// A published number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cell {
    pub numerator: f64,
    pub denominator: f64,
    pub value: f64,
}

/// What became of a metric's cells from a to b.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Moves {
    /// Cells that both have.
    pub compared: u64,
    /// Of these the ones whose numerator, denominator or value differs.
    pub moved: u64,
    pub only_a: u64,
    pub only_b: u64,
    /// Days on which a cell moved or is in one alone.
    pub days: BTreeSet<NaiveDate>,
    /// Of the moved cells: the sum of value in b less value in a.
    sum: f64,
    /// The cells that moved farthest, the farthest first.
    pub worst: Vec<Worst>,
}

/// A cell that moved.
#[derive(Debug, Clone, PartialEq)]
pub struct Worst {
    pub date: NaiveDate,
    /// A value for each dimension that both have.
    pub slice: Vec<String>,
    pub a: Cell,
    pub b: Cell,
}

impl Worst {
    pub fn by(&self) -> f64 {
        self.b.value - self.a.value
    }
}

impl Moves {
    /// Cells that are not the same in both.
    pub fn unlike(&self) -> u64 {
        self.moved + self.only_a + self.only_b
    }

    /// The mean of what the moved cells moved by; None where none did.
    pub fn mean(&self) -> Option<f64> {
        (self.moved > 0).then(|| self.sum / self.moved as f64)
    }

    fn meet(&mut self, keep: usize, date: NaiveDate, slice: &[String], a: Cell, b: Cell) {
        self.compared += 1;
        if a == b {
            return;
        }
        self.moved += 1;
        self.days.insert(date);
        let cell = Worst { date, slice: slice.to_vec(), a, b };
        self.sum += cell.by();
        // Of cells that moved as far, the earlier day stays before.
        let size = cell.by().abs();
        let place = self.worst.partition_point(|other| other.by().abs() >= size);
        self.worst.insert(place, cell);
        self.worst.truncate(keep);
    }
}

/// Cells of one day by metric and slice.
pub type Day = BTreeMap<(String, Vec<String>), Cell>;

/// Adds a day to what is known of each metric, and keeps this many of the cells that moved farthest.
pub fn compare_day(
    moves: &mut BTreeMap<String, Moves>,
    keep: usize,
    date: NaiveDate,
    a: &Day,
    b: &Day,
) {
    for ((metric, slice), cell) in a {
        let known = moves.entry(metric.clone()).or_default();
        match b.get(&(metric.clone(), slice.clone())) {
            Some(other) => known.meet(keep, date, slice, *cell, *other),
            None => {
                known.only_a += 1;
                known.days.insert(date);
            }
        }
    }
    for (metric, _) in b.keys().filter(|place| !a.contains_key(*place)) {
        let known = moves.entry(metric.clone()).or_default();
        known.only_b += 1;
        known.days.insert(date);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interval::from_day_number;

    fn cell(numerator: f64, denominator: f64) -> Cell {
        Cell { numerator, denominator, value: numerator / denominator }
    }

    fn day(cells: &[(&str, &str, f64, f64)]) -> Day {
        let place = |metric: &str, slice: &str| (metric.to_owned(), vec![slice.to_owned()]);
        cells.iter().map(|(m, s, over, under)| (place(m, s), cell(*over, *under))).collect()
    }

    #[test]
    fn cells_are_counted_and_measured_by_metric() {
        let (first, second) = (from_day_number(1), from_day_number(2));
        let mut moves = BTreeMap::new();
        let a = day(&[("m", "x", 4.0, 1.0), ("m", "y", 2.0, 1.0), ("m", "z", 1.0, 1.0)]);
        let b = day(&[("m", "x", 1.0, 1.0), ("m", "y", 2.0, 1.0), ("n", "x", 9.0, 1.0)]);
        compare_day(&mut moves, 2, first, &a, &b);
        let a = day(&[("m", "x", 1.0, 2.0), ("m", "y", 1.0, 1.0)]);
        let b = day(&[("m", "x", 2.0, 4.0), ("m", "y", 6.0, 1.0)]);
        compare_day(&mut moves, 2, second, &a, &b);
        let m = &moves["m"];
        assert_eq!((m.compared, m.moved, m.only_a, m.only_b), (4, 3, 1, 0));
        // -3, 0 (the half is made of other parts) and 5.
        assert_eq!(m.mean(), Some(2.0 / 3.0));
        let worst: Vec<_> = m.worst.iter().map(|w| (w.date, w.slice[0].as_str(), w.by())).collect();
        assert_eq!(worst, [(second, "y", 5.0), (first, "x", -3.0)]);
        let n = &moves["n"];
        assert_eq!((n.compared, n.only_b, n.unlike(), n.mean()), (0, 1, 1, None));
        assert_eq!(m.days.len() + n.days.len(), 3);
    }

    #[test]
    fn equal_days_move_nothing() {
        let mut moves = BTreeMap::new();
        let a = day(&[("m", "x", 0.1, 3.0)]);
        compare_day(&mut moves, 3, from_day_number(1), &a, &a);
        assert_eq!((moves["m"].unlike(), moves["m"].compared), (0, 1));
        assert!(moves["m"].worst.is_empty() && moves["m"].days.is_empty());
    }
}
