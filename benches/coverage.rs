//! How often the 95 % intervals of the rollout comparison hold the true effect.
//!
//! The same for the demo's shop, whose truth is what it would have cost without its rollout.
//!
//! `cargo run --release --no-default-features --example coverage [WORLDS [SHOPS]]` prints, for each design
//! and effect, the share of intervals that hold the truth and their mean width; where the effect is
//! zero, one minus that share is the rate of false alarms.

#[allow(dead_code)]
#[path = "../tests/infer/shop.rs"]
mod shop;
#[allow(dead_code)]
#[path = "../tests/infer/world.rs"]
mod world;

use std::collections::BTreeMap;
use std::io::Write;

use chatkpi::infer::Grade;

/// Customers of a small shop, and of the one that `chatkpi demo` makes.
const CUSTOMERS: [u32; 2] = [500, 2000];
const EFFECTS: [f64; 3] = [0.0, -0.5, -1.5];

fn main() -> std::io::Result<()> {
    let worlds = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(500);
    let mut out = std::io::stdout().lock();
    writeln!(out, "grade  effect  worlds  held     false alarms  mean width")?;
    for grade in [Grade::A, Grade::B, Grade::C, Grade::D] {
        for effect in EFFECTS {
            let found = world::coverage(grade, effect, worlds);
            let share = f64::from(found.held) / f64::from(found.worlds);
            let alarms = match effect {
                0.0 => format!("{:.3}", 1.0 - share),
                _ => String::new(),
            };
            let letter = grade.letter();
            let width = found.width;
            writeln!(
                out,
                "{letter:<6} {effect:<7} {worlds:<7} {share:<8.3} {alarms:<13} {width:.3}"
            )?;
        }
    }
    let shops = std::env::args().nth(2).and_then(|n| n.parse().ok()).unwrap_or(100);
    CUSTOMERS.into_iter().try_for_each(|customers| shops_of(customers, shops, &mut out))
}

/// What the shops of one effect said of some services' cost, added up.
#[derive(Default)]
struct Told {
    held: u32,
    truth: f64,
    /// Estimate less truth.
    error: f64,
    width: f64,
    moved_controls: f64,
}

fn shops_of(customers: u32, shops: u32, out: &mut impl Write) -> std::io::Result<()> {
    writeln!(out, "\nthe demo's shop, {customers} customers, {shops} seeds: means over the seeds")?;
    writeln!(
        out,
        "effect  service   cost                        held   truth   error   width  moved controls"
    )?;
    for effect in [0.0, -0.3, -0.6] {
        let mut told: BTreeMap<(String, &str), Told> = BTreeMap::new();
        for seed in 1..=shops {
            for found in shop::shop(effect, customers, u64::from(seed)) {
                let own = told.entry((found.service.clone(), found.metric)).or_default();
                own.held += u32::from(found.holds());
                own.truth += found.truth;
                own.error += found.estimate.value - found.truth;
                own.width += found.estimate.high - found.estimate.low;
                own.moved_controls += found.moved_controls;
            }
        }
        for ((service, metric), own) in told {
            let share = f64::from(own.held) / f64::from(shops);
            let [truth, error, width, moved] =
                [own.truth, own.error, own.width, own.moved_controls].map(|v| v / f64::from(shops));
            writeln!(
                out,
                "{effect:<7} {service:<9} {metric:<27} {share:<6.3} {truth:<7.3} {error:<7.3} {width:<6.3} {moved:.3}"
            )?;
        }
    }
    Ok(())
}
