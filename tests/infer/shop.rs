//! The demo's shop, compared without its logs: what the estimate says, and what is true because the
//! same shop was also made up without its rollout.

use std::ops::Range;

use chatkpi::demo::{CostDay, Demo, cost_days};
use chatkpi::infer::{Cell, Change, Estimate, Grade, Handler, Input, compare};
use chatkpi::interval::{Interval, plus};
use chrono::NaiveDate;

const TREATED: [&str; 2] = ["returns", "delivery"];
const CONTROLS: [&str; 3] = ["orders", "billing", "account"];
/// Days before the rollout and after its ramp.
const WINDOW: u32 = 56;
const RAMP: u32 = 14;

/// What a shop's comparison found, and what is true.
pub struct Found {
    pub truth: f64,
    pub estimate: Estimate,
}

impl Found {
    pub fn holds(&self) -> bool {
        self.estimate.low <= self.truth && self.truth <= self.estimate.high
    }

    pub fn shows_no_effect(&self) -> bool {
        self.estimate.low <= 0.0 && 0.0 <= self.estimate.high
    }
}

/// Compares the cost per service of `metric` in a shop of the demo's length.
pub fn shop(effect: f64, users: u32, seed: u64, metric: &str) -> Found {
    let demo = Demo { users, seed, effect, ..Demo::default() };
    let with = cost_days(&demo).expect("a right demo");
    let without = cost_days(&Demo { effect: 0.0, ..demo.clone() }).expect("a right demo");
    let rollout = plus(demo.start, i64::from(demo.days * 2 / 5));
    let after = plus(rollout, i64::from(RAMP));
    let after = after..plus(after, i64::from(WINDOW));
    let truth = per_service(&with, &after, metric) - per_service(&without, &after, metric);
    let rows = compare(&input(&demo, rollout, &with)).expect("a right input");
    let row = rows.iter().find(|row| row.metric == metric).expect("a row");
    assert_eq!(row.grade, Grade::C);
    let post = row.post.and_then(chatkpi::infer::Ratio::value).expect("services after");
    assert!((post - per_service(&with, &after, metric)).abs() < 1e-9);
    Found { truth, estimate: row.estimate.expect("an estimate") }
}

fn per_service(days: &[CostDay], window: &Range<NaiveDate>, metric: &str) -> f64 {
    let own = |day: &&CostDay| window.contains(&day.date) && TREATED.contains(&day.service);
    let (mut micros, mut services) = (0, 0);
    for day in days.iter().filter(own) {
        micros += match metric {
            "avoidable_cost_per_service" => day.avoidable_micros,
            _ => day.cost_micros,
        };
        services += day.services;
    }
    micros as f64 / 1e6 / services as f64
}

fn input(demo: &Demo, rollout: NaiveDate, days: &[CostDay]) -> Input {
    let cell = |day: &CostDay| Cell {
        date: day.date,
        service: day.service.to_owned(),
        channel: "any".to_owned(),
        handler: if day.is_human { Handler::Human } else { Handler::Bot },
        services: day.services,
        cost_micros: day.cost_micros,
        avoidable_micros: day.avoidable_micros,
    };
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Input {
        changes: vec![Change {
            name: "rollout".to_owned(),
            date: rollout,
            services: names(&TREATED),
            controls: names(&CONTROLS),
            pre_days: WINDOW,
            ramp_days: RAMP,
            post_days: WINDOW,
        }],
        history: Interval::new(demo.start, plus(demo.start, i64::from(demo.days))),
        currency: "EUR".to_owned(),
        cells: days.iter().map(cell).collect(),
        measures: Vec::new(),
        window_measures: Vec::new(),
        participants: Vec::new(),
        investments: Vec::new(),
    }
}
