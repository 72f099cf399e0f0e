//! Resampling of days that hang together: moving blocks of a week, and of units.
//!
//! A block of seven consecutive days holds each weekday once, so a weekday cycle adds no noise, and
//! what a day inherits from the days before it stays with it. All services take the same blocks:
//! what moved them together on a day still does in a draw. Cost and services of a day are never
//! parted. The generator is PCG64-MCG with a fixed seed, and draws are taken one after the other,
//! so every machine draws the same days.
//!
//! With k blocks on a side, the spread of the draws is too small by (k - 1) / k, because they vary
//! around the sample's own mean, and it is itself an estimate from about k - 1 free values. So an
//! interval is the estimate plus and minus the t quantile of 2 (k - 1) degrees of freedom times the
//! spread times the root of k / (k - 1), where k belongs to the shorter side.
//!
//! Sources: Künsch (1989), "The jackknife and the bootstrap for general stationary observations",
//! Annals of Statistics 17(3); Kiefer and Vogelsang (2005), "A new asymptotic theory for
//! heteroskedasticity-autocorrelation robust tests", Econometric Theory 21(6), for why a normal
//! quantile is too short.

use std::ops::Range;

use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::Rng;

use super::student;

/// Days in a block.
pub const BLOCK_DAYS: usize = 7;
/// Draws of a bootstrap.
pub const DRAWS: usize = 2000;
/// Where every bootstrap begins.
const SEED: u128 = 0x6368_6174_6b70_695f_696e_6665_725f_3031;
const CONFIDENCE: f64 = 0.95;

/// An estimate and its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

impl Estimate {
    /// `value` plus and minus `error` times the t quantile.
    pub fn around(value: f64, error: f64, df: u32) -> Self {
        let half = error * student::two_sided(CONFIDENCE, df);
        Estimate { value, low: value - half, high: value + half }
    }

    pub fn holds_zero(&self) -> bool {
        self.low <= 0.0 && 0.0 <= self.high
    }
}

/// A stream of random numbers, the same in every run.
pub struct Draws(Pcg64Mcg);

impl Default for Draws {
    fn default() -> Self {
        Draws(Pcg64Mcg::new(SEED))
    }
}

impl Draws {
    /// Fills `out` with blocks of [`BLOCK_DAYS`] neighbours out of so many days, as many days in
    /// all; the last block is cut to fit.
    pub fn blocks(&mut self, days: usize, out: &mut Vec<Range<usize>>) {
        out.clear();
        let block = BLOCK_DAYS.min(days);
        let mut left = days;
        while left > 0 {
            let start = self.below(days - block + 1);
            let take = block.min(left);
            out.push(start..start + take);
            left -= take;
        }
    }

    /// As many of `0..n` as there are, each at random.
    pub fn units(&mut self, n: usize, out: &mut Vec<usize>) {
        out.clear();
        out.extend((0..n).map(|_| self.below(n)));
    }

    /// Uniform in [0, n); `n` is positive.
    fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.0.next_u64()) * n as u128) >> 64) as usize
    }
}

/// The mean and the standard deviation of draws.
#[derive(Debug, Clone, Copy, Default)]
pub struct Spread {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Spread {
    /// Welford's update: no digits are lost where the mean is far from zero.
    pub fn add(&mut self, value: f64) {
        self.count += 1.0;
        let off = value - self.mean;
        self.mean += off / self.count;
        self.squares += off * (value - self.mean);
    }

    pub fn deviation(&self) -> f64 {
        if self.count < 2.0 { 0.0 } else { (self.squares / (self.count - 1.0)).sqrt() }
    }
}

/// How sure a block bootstrap over windows of these lengths can be: what to multiply the spread
/// with, and the degrees of freedom of the quantile. None where a side has under two blocks.
pub fn correction(shorter_days: usize) -> Option<(f64, u32)> {
    let blocks = shorter_days / BLOCK_DAYS;
    let k = blocks as f64;
    (blocks >= 2).then(|| ((k / (k - 1.0)).sqrt(), 2 * (blocks as u32 - 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_pinned() {
        let mut out = Vec::new();
        Draws::default().blocks(56, &mut out);
        let starts: Vec<usize> = out.iter().map(|block| block.start).collect();
        // Worked out apart from this code, from the generator's definition.
        assert_eq!(starts, [35, 18, 17, 27, 29, 0, 23, 8]);
        assert!(out.iter().all(|block| block.len() == BLOCK_DAYS));
    }

    #[test]
    fn the_last_block_is_cut_and_short_windows_are_one_block() {
        let (mut draws, mut out) = (Draws::default(), Vec::new());
        draws.blocks(10, &mut out);
        assert_eq!(out.iter().map(Range::len).collect::<Vec<_>>(), [7, 3]);
        draws.blocks(3, &mut out);
        assert_eq!(out, [Range { start: 0, end: 3 }]);
        draws.blocks(0, &mut out);
        assert!(out.is_empty());
        let mut out = Vec::new();
        draws.units(5, &mut out);
        assert!(out.len() == 5 && out.iter().all(|unit| *unit < 5));
    }

    #[test]
    fn the_spread_of_block_means_is_the_one_that_theory_gives() {
        // Eight blocks of one of 50 starts: variance of a draw's mean = that of block means / 8.
        let values: Vec<f64> = (0..56).map(|i| f64::from((i * i) % 17)).collect();
        let means: Vec<f64> = values.windows(7).map(|b| b.iter().sum::<f64>() / 7.0).collect();
        let middle = means.iter().sum::<f64>() / 50.0;
        let theory = means.iter().map(|m| (m - middle) * (m - middle)).sum::<f64>() / 50.0 / 8.0;
        let (mut draws, mut out, mut spread) = (Draws::default(), Vec::new(), Spread::default());
        for _ in 0..DRAWS {
            draws.blocks(56, &mut out);
            let sum: f64 = out.iter().flat_map(|block| &values[block.clone()]).sum();
            spread.add(sum / 56.0);
        }
        assert!((spread.deviation() / theory.sqrt() - 1.0).abs() < 0.05);
    }

    #[test]
    fn fewer_blocks_are_less_sure() {
        assert_eq!(correction(13), None);
        assert_eq!(correction(14), Some((2.0_f64.sqrt(), 2)));
        assert_eq!(correction(62).map(|c| c.1), Some(14));
    }
}
