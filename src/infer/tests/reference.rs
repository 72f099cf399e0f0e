//! Against statsmodels, diff-diff, differences and numpy: `scripts/infer/reference.py` made the
//! fixtures and the expected numbers.

use chrono::NaiveDate;

use crate::infer::bootstrap::Estimate;
use crate::infer::design::Donors;
use crate::infer::did::Comparison;
use crate::infer::holdout::{Arm, Arms, Participant, Served};
use crate::infer::panel::{Cell, Handler, Outcome, Panel, Sum};
use crate::infer::segmented::segmented;
use crate::interval::{Interval, plus};

const EQUAL: &str = include_str!("../../../tests/infer/fixtures/panel_equal.csv");
const WEIGHTED: &str = include_str!("../../../tests/infer/fixtures/panel_weighted.csv");
const HOLDOUT: &str = include_str!("../../../tests/infer/fixtures/holdout.csv");
const EXPECTED: &str = include_str!("../../../tests/infer/fixtures/expected.csv");
/// As the script has them: 56 days before, 14 of ramp, 56 after; `later` changes on day 105.
const DAYS: usize = 126;
const LATER: usize = 105;

#[test]
fn differences_in_differences_are_those_of_least_squares() {
    for (name, text) in [("equal", EQUAL), ("weighted", WEIGHTED)] {
        let world = World::new(text);
        let one = world.compare(&[world.donors(&["control_a"], 70..DAYS)]);
        near(one.value, &format!("{name}_did_one_control"));
        let controls = ["control_a", "control_b", "control_c"];
        let three = world.compare(&[world.donors(&controls, 70..DAYS)]);
        near(three.value, &format!("{name}_did_three_controls"));
        near(three.high - three.value, &format!("{name}_did_half_width"));
    }
}

#[test]
fn group_time_effects_are_those_of_callaway_and_sant_anna() {
    let world = World::new(EQUAL);
    let first = world.donors(&["control_a", "control_b", "control_c", "later"], 70..LATER);
    let second = world.donors(&["control_a", "control_b", "control_c"], LATER..DAYS);
    near(world.compare(std::slice::from_ref(&first)).value, "equal_att_first_stretch");
    near(world.compare(std::slice::from_ref(&second)).value, "equal_att_second_stretch");
    near(world.compare(&[first, second]).value, "equal_att");
}

#[test]
fn segmented_regression_is_that_of_statsmodels() {
    for (name, text) in [("equal", EQUAL), ("weighted", WEIGHTED)] {
        let world = World::new(text);
        let treated = world.panel.find("changed").expect("a service");
        let post: Vec<usize> = (70..DAYS).collect();
        let line = segmented(&world.panel, &[treated], &world.pre, &post, Outcome::Total);
        let line = line.expect("enough days");
        for (n, beta) in line.fit.beta.iter().enumerate() {
            near(*beta, &format!("{name}_segmented_beta_{n}"));
        }
        let contrast = &line.contrast;
        near(line.fit.plain_error(contrast), &format!("{name}_segmented_plain_error"));
        for lag in [0, 3, 7] {
            let error = line.fit.newey_west_error(contrast, lag, 0.0);
            near(error, &format!("{name}_segmented_newey_west_error_{lag}"));
        }
        near(line.fit.persistence(), &format!("{name}_segmented_persistence"));
        let estimate = line.estimate();
        near(estimate.value, &format!("{name}_segmented_value"));
        near(estimate.high - estimate.value, &format!("{name}_segmented_half_width"));
    }
}

#[test]
fn a_holdout_is_the_difference_of_ratios() {
    let row = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        let micros = fields[3].parse().expect("a cost");
        Participant {
            rollout: "r".to_owned(),
            unit: fields[0].to_owned(),
            service: "s".to_owned(),
            arm: if fields[1] == "treated" { Arm::Treated } else { Arm::Holdout },
            is_mixed: false,
            before: Served::default(),
            after: Served {
                sum: Sum { services: fields[2].parse().expect("a count"), cost: [micros, 0, 0, 0] },
                by_bot: 0,
            },
        }
    };
    let rows: Vec<Participant> = HOLDOUT.lines().skip(1).map(row).collect();
    let arms = Arms::new(rows.iter(), |row| &row.after);
    let found = arms.effects(&[Outcome::Total])[0].expect("both arms have services");
    near(found.value, "holdout_value");
    near(found.high - found.value, "holdout_half_width");
}

struct World {
    panel: Panel,
    pre: Vec<usize>,
}

impl World {
    fn new(text: &str) -> Self {
        let start = NaiveDate::from_ymd_opt(2026, 1, 5).expect("a date");
        let cell = |line: &str| {
            let fields: Vec<&str> = line.split(',').collect();
            Cell {
                date: fields[0].parse().expect("a date"),
                service: fields[1].to_owned(),
                channel: "phone".to_owned(),
                handler: Handler::Human,
                services: fields[2].parse().expect("a count"),
                cost_micros: fields[3].parse().expect("a cost"),
                avoidable_micros: 0,
            }
        };
        let cells: Vec<Cell> = text.lines().skip(1).map(cell).collect();
        let days = Interval::new(start, plus(start, DAYS as i64));
        World { panel: Panel::new(&cells, days), pre: (0..56).collect() }
    }

    fn donors(&self, names: &[&str], days: std::ops::Range<usize>) -> Donors {
        let find = |name: &&str| self.panel.find(name).expect("a service");
        Donors { days: days.collect(), services: names.iter().map(find).collect() }
    }

    fn compare(&self, donors: &[Donors]) -> Estimate {
        let treated = self.panel.find("changed").expect("a service");
        let comparison = Comparison::new(&self.panel, &[treated], &self.pre, &[], donors);
        let found = comparison.expect("services on both sides").bootstrap(&[Outcome::Total]);
        found[0].expect("eight weeks")
    }
}

/// Holds a number to the expected one of that name, to a millionth.
fn near(found: f64, name: &str) {
    let line = EXPECTED.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(','));
    let expected: f64 = line.expect(name).parse().expect("a number");
    let scale = expected.abs().max(1.0);
    assert!((found - expected).abs() < 1e-6 * scale, "{name}: {found}, expected {expected}");
}
