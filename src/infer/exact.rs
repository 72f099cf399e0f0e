//! Fractions of whole numbers of any size: money divided by services, without rounding.
//!
//! Leaves out: everything but what the decomposition needs.

use num_bigint::BigInt;
use std::ops::{Add, Mul, Sub};

/// A fraction; its denominator is positive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fraction {
    numerator: BigInt,
    denominator: BigInt,
}

impl Fraction {
    /// None where `denominator` is not positive.
    pub fn new(numerator: i64, denominator: i64) -> Option<Self> {
        (denominator > 0)
            .then(|| Fraction { numerator: numerator.into(), denominator: denominator.into() })
    }

    pub fn zero() -> Self {
        Fraction { numerator: 0.into(), denominator: 1.into() }
    }

    pub fn half(self) -> Self {
        Fraction { numerator: self.numerator, denominator: self.denominator * 2 }
    }

    /// The nearest whole number, halves away from zero. None beyond 64 bits.
    pub fn rounded(&self) -> Option<i64> {
        let two: BigInt = &self.numerator * 2;
        let negative = self.numerator < BigInt::from(0);
        let size = if negative { -two } else { two };
        let nearest: BigInt = (size + &self.denominator) / (&self.denominator * 2);
        i64::try_from(if negative { -nearest } else { nearest }).ok()
    }
}

impl Add for Fraction {
    type Output = Fraction;
    fn add(self, other: Fraction) -> Fraction {
        reduced(
            self.numerator * &other.denominator + other.numerator * &self.denominator,
            self.denominator * other.denominator,
        )
    }
}

impl Sub for Fraction {
    type Output = Fraction;
    fn sub(self, other: Fraction) -> Fraction {
        reduced(
            self.numerator * &other.denominator - other.numerator * &self.denominator,
            self.denominator * other.denominator,
        )
    }
}

impl Mul for Fraction {
    type Output = Fraction;
    fn mul(self, other: Fraction) -> Fraction {
        reduced(self.numerator * other.numerator, self.denominator * other.denominator)
    }
}

/// In lowest terms (Euclid), or sums over many cells would grow without end.
fn reduced(numerator: BigInt, denominator: BigInt) -> Fraction {
    let zero = BigInt::from(0);
    let (mut a, mut b) =
        (if numerator < zero { -&numerator } else { numerator.clone() }, denominator.clone());
    while b != zero {
        let rest = &a % &b;
        a = b;
        b = rest;
    }
    Fraction { numerator: numerator / &a, denominator: denominator / a }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fraction(numerator: i64, denominator: i64) -> Fraction {
        Fraction::new(numerator, denominator).expect("a positive denominator")
    }

    #[test]
    fn arithmetic_is_exact() {
        assert_eq!(fraction(1, 6) + fraction(1, 3), fraction(1, 2));
        assert_eq!(fraction(1, 6) - fraction(1, 3), fraction(-1, 6));
        assert_eq!(fraction(2, 3) * fraction(-3, 4), fraction(-1, 2));
        assert_eq!(fraction(3, 1).half(), fraction(3, 2));
        assert_eq!(Fraction::new(1, 0), None);
    }

    #[test]
    fn rounding_takes_halves_away_from_zero() {
        let cases = [(5, 2, 3), (-5, 2, -3), (7, 3, 2), (-7, 3, -2), (0, 9, 0), (8, 3, 3)];
        for (numerator, denominator, whole) in cases {
            assert_eq!(fraction(numerator, denominator).rounded(), Some(whole));
        }
        let huge = fraction(i64::MAX, 1);
        assert_eq!((huge.clone() + huge).rounded(), None);
    }
}
