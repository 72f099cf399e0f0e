//! Student's t distribution for whole degrees of freedom, from the four basic operations and the
//! square root alone: these are the same to the last bit on every machine, `exp` and `ln` are not.
//!
//! Good to about 1e-10. Leaves out: tails beyond what an interval or a test of this program asks.

/// Intervals of Simpson's rule; even.
const STEPS: u32 = 400;
/// Newton's method doubles its right digits at each step.
const NEWTON_STEPS: usize = 60;
/// More degrees of freedom than this are not told apart: the fourth digit of the quantile is.
const MOST_DF: u32 = 1000;

/// The value that |t| stays below with probability `confidence`; `df` is at least 1.
pub fn two_sided(confidence: f64, df: u32) -> f64 {
    let df = df.clamp(1, MOST_DF);
    let target = 0.5 + confidence / 2.0;
    // The distribution is concave from 0 on, so from there Newton's steps never overshoot.
    let mut t = 0.0;
    for _ in 0..NEWTON_STEPS {
        let step = (target - below(t, df)) / density(t, df);
        if step.abs() < 1e-13 * (1.0 + t) {
            break;
        }
        t += step;
    }
    t
}

/// The probability of a |t| at least this large: the p-value of a two-sided test.
pub fn p_value(t: f64, df: u32) -> f64 {
    let t = t.abs();
    // The area beyond is under 1e-5 for any df that a test here has, and steps would get too long.
    if t > 60.0 {
        return 0.0;
    }
    (2.0 * (1.0 - below(t, df.clamp(1, MOST_DF)))).clamp(0.0, 1.0)
}

/// The probability of a value below `t`, which is not negative.
fn below(t: f64, df: u32) -> f64 {
    // Pieces of one unit each keep the rule accurate far out.
    let pieces = (t as u32) + 1;
    let step = t / f64::from(pieces * STEPS);
    let mut sum = density(0.0, df) - density(t, df);
    for i in 0..pieces * STEPS / 2 {
        let x = f64::from(2 * i + 1) * step;
        sum += 4.0 * density(x, df) + 2.0 * density(x + step, df);
    }
    0.5 + sum * step / 3.0
}

fn density(x: f64, df: u32) -> f64 {
    let nu = f64::from(df);
    let base = 1.0 / (1.0 + x * x / nu);
    // To the power (df + 1) / 2.
    let whole = power(base, df.div_ceil(2));
    let value = if df.is_multiple_of(2) { whole * base.sqrt() } else { whole };
    value * gamma_ratio(df) / (nu * std::f64::consts::PI).sqrt()
}

/// Γ((df + 1) / 2) / Γ(df / 2).
fn gamma_ratio(df: u32) -> f64 {
    let root = std::f64::consts::PI.sqrt();
    let (mut at, mut ratio) = if df % 2 == 1 { (1, 1.0 / root) } else { (2, root / 2.0) };
    while at < df {
        ratio *= f64::from(at + 1) / f64::from(at);
        at += 2;
    }
    ratio
}

fn power(base: f64, exponent: u32) -> f64 {
    let (mut result, mut square, mut left) = (1.0, base, exponent);
    while left > 0 {
        if left & 1 == 1 {
            result *= square;
        }
        square *= square;
        left >>= 1;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        // Printed tables of the t distribution, 97.5 %.
        for (df, t) in
            [(1, 12.706_205), (2, 4.302_653), (7, 2.364_624), (14, 2.144_787), (60, 2.000_298)]
        {
            assert!((two_sided(0.95, df) - t).abs() < 1e-6, "{df}: {}", two_sided(0.95, df));
        }
        assert!((two_sided(0.95, 1_000_000) - 1.962_339).abs() < 1e-6);
        assert!((two_sided(0.99, 10) - 3.169_273).abs() < 1e-6);
    }

    #[test]
    fn p_values_mirror_quantiles() {
        assert!((p_value(0.0, 5) - 1.0).abs() < 1e-12);
        assert!((p_value(-2.364_624, 7) - 0.05).abs() < 1e-6);
        // With one degree of freedom: 1 - 2 atan(t) / pi.
        let cauchy = 1.0 - 2.0 * 10.0_f64.atan() / std::f64::consts::PI;
        assert!((p_value(10.0, 1) - cauchy).abs() < 1e-9);
        assert!(p_value(1e9, 6) < 1e-9);
    }
}
