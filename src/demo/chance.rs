//! Chance with a fixed stream: the same seed gives the same numbers on every machine.
//!
//! Only the four basic operations and the square root touch floating-point numbers here, because
//! those alone are the same to the last bit everywhere: exp comes from multiplications, normal
//! numbers from sums. Good enough for a shop's habits; leaves out statistical fineness.

use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::Rng;

/// A stream of random numbers.
pub struct Chance(Pcg64Mcg);

impl Chance {
    /// A stream of its own for a purpose (and its day): what one part draws never moves another's.
    pub fn new(seed: u64, purpose: u64, day: i32) -> Self {
        let high = scatter(seed ^ scatter(purpose));
        let low = scatter(high ^ u64::from(day as u32));
        Chance(Pcg64Mcg::new(u128::from(high) << 64 | u128::from(low)))
    }

    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Uniform in [0, 1).
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True with probability `p`.
    pub fn hit(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// Uniform in [0, n); 0 where n is 0.
    pub fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.bits()) * n as u128) >> 64) as usize
    }

    /// Uniform in [low, high).
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low).max(0) as usize) as i64
    }

    /// One of `choices`, each as likely as its weight says.
    pub fn pick<T: Copy>(&mut self, choices: &[(T, f64)]) -> T {
        let total: f64 = choices.iter().map(|c| c.1).sum();
        let mut left = self.unit() * total;
        for (value, weight) in choices {
            left -= weight;
            if left < 0.0 {
                return *value;
            }
        }
        choices[choices.len() - 1].0
    }

    /// Mean 0, deviation 1 (the sum of twelve uniforms, so never beyond six).
    pub fn normal(&mut self) -> f64 {
        (0..6).fold(-6.0, |sum, _| {
            let bits = self.bits();
            sum + ((bits >> 32) as f64 + (bits & 0xFFFF_FFFF) as f64) / (1_u64 << 32) as f64
        })
    }

    /// Log-normal around a median: durations, with their long tail.
    pub fn around(&mut self, median: f64, sigma: f64) -> f64 {
        median * exp(sigma * self.normal())
    }

    /// How many of many rare things happened where `mean` are expected.
    pub fn poisson(&mut self, mean: f64) -> u64 {
        if mean > 40.0 {
            return (mean + mean.sqrt() * self.normal() + 0.5).max(0.0) as u64;
        }
        let floor = exp(-mean);
        let mut product = self.unit();
        let mut count = 0;
        while product > floor {
            product *= self.unit();
            count += 1;
        }
        count
    }
}

/// e to the `x`, to a few parts in a thousand million, by multiplication alone.
fn exp(x: f64) -> f64 {
    let step = x / 1024.0;
    let mut power = 1.0 + step * (1.0 + step * (0.5 + step * (1.0 / 6.0)));
    for _ in 0..10 {
        power *= power;
    }
    power
}

/// Spreads the bits of neighbouring seeds (the finalizer of SplitMix64).
fn scatter(seed: u64) -> u64 {
    let mut x = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_pinned() {
        let mut chance = Chance::new(1, 2, 3);
        let drawn = [chance.bits(), chance.bits()];
        // Worked out apart from this code, from the generator's definition.
        assert_eq!(drawn, [0xC7D9_1133_EC2F_6F40, 0xC230_F368_11D3_7F88]);
    }

    #[test]
    fn moments_are_those_asked_for() {
        let mut chance = Chance::new(7, 0, 0);
        for mean in [0.5, 12.0, 300.0] {
            let sum: u64 = (0..20_000).map(|_| chance.poisson(mean)).sum();
            let found = sum as f64 / 20_000.0;
            assert!((found / mean - 1.0).abs() < 0.03, "{mean}: {found}");
        }
        let below = (0..20_000).filter(|_| chance.around(360.0, 0.6) < 360.0).count();
        assert!((9_600..10_400).contains(&below), "{below}");
        assert!((exp(1.0) - std::f64::consts::E).abs() < 1e-8);
        assert!((exp(-2.5) - 0.082_085).abs() < 1e-6);
    }
}
