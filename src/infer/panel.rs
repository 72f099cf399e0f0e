//! The panel: for each service and day what it cost and how often it was given, in whole numbers.
//!
//! Money is millionths of the reporting currency. Days are counted from the panel's first; a day
//! without a cell is a day without services and cost. Leaves out: which days are compared.

use std::collections::BTreeMap;
use std::ops::Range;

use chrono::NaiveDate;

use crate::interval::Interval;

/// Who gave a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Handler {
    Bot,
    Human,
}

impl Handler {
    pub fn name(self) -> &'static str {
        match self {
            Handler::Bot => "bot",
            Handler::Human => "human",
        }
    }
}

/// What one handler did for one service on one channel in one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    pub date: NaiveDate,
    pub service: String,
    pub channel: String,
    pub handler: Handler,
    /// Services that count. One that went from the bot to a person counts once, with the person;
    /// the bot's part of its cost stays with the bot.
    pub services: i64,
    /// Millionths of the reporting currency.
    pub cost_micros: i64,
    /// The part of the cost that would not have been spent without these services.
    pub avoidable_micros: i64,
}

/// Which money is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All of it: what a service costs.
    Total,
    /// People's alone: what the bot's work saves before its own cost.
    Human,
    /// What would not be spent without the services.
    Avoidable,
    /// What is spent anyway: a saving here is capacity, not cash.
    Fixed,
}

impl Outcome {
    pub const ALL: [Outcome; 4] =
        [Outcome::Total, Outcome::Human, Outcome::Avoidable, Outcome::Fixed];
}

/// Services, and their cost in each [`Outcome`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sum {
    pub services: i64,
    pub cost: [i64; Outcome::ALL.len()],
}

impl Sum {
    /// Cost per service in whole currency; None without services.
    pub fn ratio(&self, outcome: Outcome) -> Option<f64> {
        let cost = self.cost[outcome as usize] as f64 / 1e6;
        (self.services > 0).then(|| cost / self.services as f64)
    }

    pub fn add(&mut self, other: &Sum) {
        self.services += other.services;
        for (cost, more) in self.cost.iter_mut().zip(other.cost) {
            *cost += more;
        }
    }

    fn of(cell: &Cell) -> Sum {
        let human = if cell.handler == Handler::Human { cell.cost_micros } else { 0 };
        let fixed = cell.cost_micros - cell.avoidable_micros;
        Sum {
            services: cell.services,
            cost: [cell.cost_micros, human, cell.avoidable_micros, fixed],
        }
    }
}

/// Days added up from the first on, so that the sum of any stretch is one subtraction.
#[derive(Debug, Clone)]
pub struct Running(Vec<Sum>);

impl Running {
    pub fn new(days: impl Iterator<Item = Sum>) -> Self {
        let mut sums = vec![Sum::default()];
        for (n, day) in days.enumerate() {
            let mut next = sums[n];
            next.add(&day);
            sums.push(next);
        }
        Running(sums)
    }

    /// The sum over all days.
    pub fn whole(&self) -> Sum {
        self.over(std::slice::from_ref(&(0..self.0.len() - 1)))
    }

    /// The sum over stretches of days, each as often as it is named.
    pub fn over(&self, stretches: &[Range<usize>]) -> Sum {
        let mut sum = Sum::default();
        for stretch in stretches {
            let (from, to) = (&self.0[stretch.start], &self.0[stretch.end]);
            sum.services += to.services - from.services;
            for (n, cost) in sum.cost.iter_mut().enumerate() {
                *cost += to.cost[n] - from.cost[n];
            }
        }
        sum
    }
}

/// Each service's days.
#[derive(Debug, Clone)]
pub struct Panel {
    pub days: Interval,
    /// The services, sorted.
    pub services: Vec<String>,
    /// By service, then by day.
    sums: Vec<Vec<Sum>>,
}

impl Panel {
    pub fn new(cells: &[Cell], days: Interval) -> Self {
        let mut sums: BTreeMap<String, Vec<Sum>> = BTreeMap::new();
        for cell in cells.iter().filter(|c| days.contains(c.date)) {
            let series = sums.entry(cell.service.clone());
            let series = series.or_insert_with(|| vec![Sum::default(); days.len()]);
            series[(cell.date - days.start).num_days() as usize].add(&Sum::of(cell));
        }
        let (services, sums) = sums.into_iter().unzip();
        Panel { days, services, sums }
    }

    pub fn find(&self, service: &str) -> Option<usize> {
        self.services.binary_search_by(|known| known.as_str().cmp(service)).ok()
    }

    /// The panel's numbers of the days of `interval`.
    pub fn indices(&self, interval: Interval) -> Vec<usize> {
        let inside = interval.intersect(self.days);
        inside.days().map(|day| (day - self.days.start).num_days() as usize).collect()
    }

    pub fn day(&self, service: usize, day: usize) -> &Sum {
        &self.sums[service][day]
    }

    /// A service's days added up.
    pub fn total(&self, service: usize, days: &[usize]) -> Sum {
        let mut sum = Sum::default();
        days.iter().for_each(|day| sum.add(&self.sums[service][*day]));
        sum
    }

    /// A service's days as [`Running`] sums.
    pub fn running(&self, service: usize, days: &[usize]) -> Running {
        Running::new(days.iter().map(|day| self.sums[service][*day]))
    }

    /// Some services' days added up.
    pub fn pooled(&self, services: &[usize], days: &[usize]) -> Sum {
        let mut sum = Sum::default();
        services.iter().for_each(|service| sum.add(&self.total(*service, days)));
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interval::plus;

    #[test]
    fn cells_of_a_day_add_up_and_days_outside_are_left_out() {
        let start = NaiveDate::from_ymd_opt(2026, 1, 1).expect("a date");
        let cell = |day: i64, handler, services, cost, avoidable| Cell {
            date: plus(start, day),
            service: "returns".to_owned(),
            channel: "web".to_owned(),
            handler,
            services,
            cost_micros: cost,
            avoidable_micros: avoidable,
        };
        let cells = [
            cell(0, Handler::Bot, 4, 100, 80),
            cell(0, Handler::Human, 1, 900, 600),
            cell(1, Handler::Human, 2, 50, 50),
            cell(2, Handler::Human, 7, 1, 1),
        ];
        let panel = Panel::new(&cells, Interval::new(start, plus(start, 2)));
        assert_eq!(panel.day(0, 0), &Sum { services: 5, cost: [1000, 900, 680, 320] });
        assert_eq!(panel.total(0, &[0, 1]), Sum { services: 7, cost: [1050, 950, 730, 320] });
        // A day may count twice, as in a resample.
        let running = panel.running(0, &[0, 1]);
        assert_eq!(running.over(&[1..2, 0..0, 1..2]).services, 4);
        assert_eq!(running.whole(), panel.total(0, &[0, 1]));
        assert_eq!((panel.find("returns"), panel.find("orders")), (Some(0), None));
        assert_eq!(panel.indices(Interval::new(plus(start, 1), plus(start, 9))), [1]);
        assert_eq!(Sum::default().ratio(Outcome::Total), None);
    }
}
