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

/// The costs per service that a shop's truth is known of.
pub const METRICS: [&str; 2] = ["cost_per_service", "avoidable_cost_per_service"];

/// What a shop's comparison found of some services, and what is true.
pub struct Found {
    /// A service, or `*` for all of the rollout's.
    pub service: String,
    pub metric: &'static str,
    pub truth: f64,
    pub estimate: Estimate,
    /// What the rollout truly did to the services that it leaves alone: they share costs.
    pub moved_controls: f64,
}

impl Found {
    pub fn holds(&self) -> bool {
        self.estimate.low <= self.truth && self.truth <= self.estimate.high
    }

    pub fn shows_no_effect(&self) -> bool {
        self.estimate.low <= 0.0 && 0.0 <= self.estimate.high
    }
}

/// Compares the costs per service in a shop of the demo's length: all services of the rollout, and
/// each.
pub fn shop(effect: f64, users: u32, seed: u64) -> Vec<Found> {
    let demo = Demo { users, seed, effect, ..Demo::default() };
    let with = cost_days(&demo).expect("a right demo");
    let without = cost_days(&Demo { effect: 0.0, ..demo.clone() }).expect("a right demo");
    let rollout = plus(demo.start, i64::from(demo.days * 2 / 5));
    let after = plus(rollout, i64::from(RAMP));
    let after = after..plus(after, i64::from(WINDOW));
    let rows = compare(&input(&demo, rollout, &with)).expect("a right input");
    let mut all = Vec::new();
    for (service, services) in
        [("*", &TREATED[..]), (TREATED[0], &TREATED[..1]), (TREATED[1], &TREATED[1..])]
    {
        for metric in METRICS {
            let cost = |days: &[CostDay], own: &[&str]| per_service(days, &after, metric, own);
            let row = rows.iter().find(|row| row.service == service && row.metric == metric);
            let row = row.expect("a row");
            assert_eq!(row.grade, Grade::C);
            let post = row.post.and_then(chatkpi::infer::Ratio::value).expect("services after");
            assert!((post - cost(&with, services)).abs() < 1e-9);
            all.push(Found {
                service: service.to_owned(),
                metric,
                truth: cost(&with, services) - cost(&without, services),
                estimate: row.estimate.expect("an estimate"),
                moved_controls: cost(&with, &CONTROLS) - cost(&without, &CONTROLS),
            });
        }
    }
    all
}

fn per_service(days: &[CostDay], window: &Range<NaiveDate>, metric: &str, own: &[&str]) -> f64 {
    let own = |day: &&CostDay| window.contains(&day.date) && own.contains(&day.service);
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
            has_holdout: false,
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
