//! How often the 95 % intervals of the rollout comparison hold the true effect.
//!
//! `cargo run --release --no-default-features --example coverage [WORLDS]` prints, for each design
//! and effect, the share of intervals that hold the truth and their mean width; where the effect is
//! zero, one minus that share is the rate of false alarms.

#[allow(dead_code)]
#[path = "../tests/infer/world.rs"]
mod world;

use std::io::Write;

use chatkpi::infer::Grade;

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
    Ok(())
}
