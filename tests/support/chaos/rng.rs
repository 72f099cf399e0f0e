//! A small random generator of our own (splitmix64), so that a seed names the same log for ever,
//! whatever becomes of any crate. Not for secrets.

pub struct Rng(u64);

impl Rng {
    /// Neighbouring seeds give unrelated streams.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A whole number from `low` to `high`, both ends included.
    pub fn range(&mut self, low: i64, high: i64) -> i64 {
        debug_assert!(low <= high, "an empty range has nothing to draw");
        low + (self.next() % (high - low + 1) as u64) as i64
    }

    /// True in `percent` of a hundred draws.
    pub fn chance(&mut self, percent: i64) -> bool {
        self.range(0, 99) < percent
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.index(from.len())]
    }

    /// A position in a list of this length.
    pub fn index(&mut self, length: usize) -> usize {
        self.range(0, length as i64 - 1) as usize
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.index(last + 1));
        }
    }
}

#[test]
fn oracle_draws_are_those_of_splitmix64() {
    // The reference numbers for this seed, as published with the algorithm's other ports.
    let mut rng = Rng::new(1_234_567);
    assert_eq!(rng.next(), 6_457_827_717_110_365_317);
    assert_eq!(rng.next(), 3_203_168_211_198_807_973);
}
