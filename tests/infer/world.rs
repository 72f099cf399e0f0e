//! Made-up rollouts whose true effect is known, as hard as real ones: errors that keep half of the
//! day before, a weekday cycle, a common shock, heavy-tailed costs, few controls.

use chatkpi::infer::{Arm, Cell, Change, Grade, Handler, Input, Participant, Served, Sum};
use chatkpi::interval::{Interval, plus};
use chrono::NaiveDate;
use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::Rng;

/// Days before, while it settles, and after: the defaults of a pipeline.
pub const PRE: usize = 56;
pub const RAMP: usize = 14;
pub const POST: usize = 56;
const DAYS: usize = PRE + RAMP + POST;
/// The other rollout of a staggered world, in days after the first.
const STAGGER: usize = RAMP + 35;
const PERSISTENCE: f64 = 0.5;
const WEEKDAYS: [f64; 7] = [1.3, 1.2, 1.1, 1.05, 1.0, 0.5, 0.4];
/// Customers in each arm of a holdout.
const CUSTOMERS: usize = 300;

/// A world with a design of the given grade. `effect` is added to each cost per service of the
/// changed service from the end of the ramp on, growing evenly during the ramp.
pub fn world(grade: Grade, controls: usize, effect: f64, seed: u64) -> Input {
    let mut chance = Chance(Pcg64Mcg::new(u128::from(seed) << 20 | 12345));
    let start = NaiveDate::from_ymd_opt(2026, 1, 5).expect("a date");
    let change = |name: &str, at: usize, services: &[&str], controls: Vec<String>| Change {
        name: name.to_owned(),
        date: plus(start, at as i64),
        services: services.iter().map(|s| (*s).to_owned()).collect(),
        controls,
        has_holdout: grade == Grade::A,
        pre_days: PRE as u32,
        ramp_days: RAMP as u32,
        post_days: POST as u32,
    };
    let listed: Vec<String> = match grade {
        Grade::B | Grade::C => (0..controls).map(|n| format!("control_{n}")).collect(),
        _ => Vec::new(),
    };
    let common = chance.persistent(DAYS);
    let mut cells = chance.series(start, "changed", &common, PRE, effect);
    for name in &listed {
        cells.extend(chance.series(start, name, &common, DAYS, 0.0));
    }
    let mut changes = vec![change("first", PRE, &["changed"], listed)];
    if grade == Grade::B {
        cells.extend(chance.series(start, "later", &common, PRE + STAGGER, effect * 1.5));
        changes.push(change("second", PRE + STAGGER, &["later"], Vec::new()));
    }
    let participants = if grade == Grade::A { chance.arms(effect) } else { Vec::new() };
    Input {
        changes,
        history: Interval::new(start, plus(start, DAYS as i64)),
        currency: "EUR".to_owned(),
        cells,
        measures: Vec::new(),
        window_measures: Vec::new(),
        participants,
        investments: Vec::new(),
    }
}

struct Chance(Pcg64Mcg);

impl Chance {
    fn unit(&mut self) -> f64 {
        ((self.0.next_u64() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * self.unit().ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// Student's t with four degrees of freedom, scaled to a deviation of 1: heavy tails.
    fn heavy(&mut self) -> f64 {
        let squares: f64 = (0..4).map(|_| self.normal().powi(2)).sum();
        self.normal() / (squares / 4.0).sqrt() / 2.0_f64.sqrt()
    }

    /// Errors that keep [`PERSISTENCE`] of the day before; deviation 1.
    fn persistent(&mut self, days: usize) -> Vec<f64> {
        let news = (1.0 - PERSISTENCE * PERSISTENCE).sqrt();
        let mut error = self.heavy();
        let mut step = |_| {
            error = PERSISTENCE * error + news * self.heavy();
            error
        };
        (0..days + 20).map(&mut step).skip(20).collect()
    }

    /// A service's days, all by people on one channel.
    fn series(
        &mut self,
        start: NaiveDate,
        service: &str,
        common: &[f64],
        changes: usize,
        effect: f64,
    ) -> Vec<Cell> {
        let level = 4.0 + 4.0 * self.unit();
        let volume = 40.0 + 60.0 * self.unit();
        let (own, busy) = (self.persistent(DAYS), self.persistent(DAYS));
        let cell = |day: usize| {
            let services = volume * WEEKDAYS[day % 7] * (1.0 + 0.1 * busy[day].clamp(-5.0, 5.0));
            let services = services.max(1.0) as i64;
            let ramp = (day as f64 - changes as f64 + 1.0) / RAMP as f64;
            let cost = level * (1.0 + 0.1 * own[day] + 0.05 * common[day])
                + 0.3 * WEEKDAYS[day % 7]
                + effect * ramp.clamp(0.0, 1.0);
            let cost_micros = (cost * services as f64 * 1e6) as i64;
            Cell {
                date: plus(start, day as i64),
                service: service.to_owned(),
                channel: "phone".to_owned(),
                handler: Handler::Human,
                services,
                cost_micros,
                avoidable_micros: cost_micros * 6 / 10,
            }
        };
        (0..DAYS).map(cell).collect()
    }

    /// Customers of both arms: some come often, and some services cost much.
    fn arms(&mut self, effect: f64) -> Vec<Participant> {
        let mut all = Vec::new();
        for n in 0..2 * CUSTOMERS {
            let arm = if n % 2 == 0 { Arm::Treated } else { Arm::Holdout };
            let services = 1 + (-self.unit().ln() * 2.0) as i64;
            let dear = (0.8 * self.normal()).exp();
            let shift = if arm == Arm::Treated { effect } else { 0.0 };
            let costs = (0..services).map(|_| 5.0 * dear * (0.5 * self.normal()).exp() + shift);
            let micros = (costs.sum::<f64>() * 1e6) as i64;
            all.push(Participant {
                rollout: "first".to_owned(),
                unit: format!("customer_{n}"),
                service: "changed".to_owned(),
                arm,
                is_mixed: false,
                before: Served::default(),
                after: Served {
                    sum: Sum { services, cost: [micros, micros, micros, 0] },
                    by_bot: 0,
                },
            });
        }
        all
    }
}

/// How often intervals held the truth.
#[derive(Debug, Default, Clone, Copy)]
pub struct Coverage {
    pub worlds: u32,
    pub held: u32,
    pub width: f64,
}

/// Compares `worlds` worlds, with one to six controls in turn.
pub fn coverage(grade: Grade, effect: f64, worlds: u32) -> Coverage {
    let mut found = Coverage::default();
    for n in 0..worlds {
        let input = world(grade, 1 + n as usize % 6, effect, u64::from(n) + 1);
        let rows = chatkpi::infer::compare(&input).expect("a right input");
        let row =
            rows.iter().find(|row| row.rollout == "first" && row.metric == "cost_per_service");
        let row = row.expect("a row");
        assert_eq!(row.grade, grade);
        let estimate = row.estimate.expect("an estimate");
        found.worlds += 1;
        found.held += u32::from(estimate.low <= effect && effect <= estimate.high);
        found.width += (estimate.high - estimate.low) / f64::from(worlds);
    }
    found
}
