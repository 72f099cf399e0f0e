//! What an effect is worth: savings over the days after, and how soon they pay for the change.
//!
//! A saving is the estimated effect per service, turned round, times the services after; its low
//! and high ends are those of the interval. Four lines that are never mixed:
//!
//! - gross: people's cost alone, before what the bot costs;
//! - net: all cost, the bot's included;
//! - cashable: avoidable cost alone, what really leaves the ledger;
//! - capacity: the rest, hours and desks that are free for other work and still paid for.
//!
//! Payback is the change's one-off cost over the net saving of a month, where what of that cost is
//! booked in the days after is given back first: else it would be counted twice.

use super::Investment;
use super::bootstrap::Estimate;

/// Days of a mean month.
const MONTH_DAYS: f64 = 365.25 / 12.0;

/// Money over the days after.
pub fn saving(effect: &Estimate, services: i64) -> Estimate {
    let times = |effect: f64| -effect * services as f64;
    Estimate { value: times(effect.value), low: times(effect.high), high: times(effect.low) }
}

/// Months until the savings have paid for the change; low and high are the best and worst case.
/// None where there is no saving; the worst case is infinite where it may be none.
pub fn payback(net: &Estimate, investment: &Investment, post_days: usize) -> Option<Estimate> {
    let cost = investment.micros as f64 / 1e6;
    let booked = investment.booked_after_micros as f64 / 1e6;
    let months = |saving: f64| {
        let monthly = (saving + booked) * MONTH_DAYS / post_days as f64;
        if monthly > 0.0 { cost / monthly } else { f64::INFINITY }
    };
    let value = months(net.value);
    (cost > 0.0 && value.is_finite()).then(|| Estimate {
        value,
        low: months(net.high),
        high: months(net.low),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_saving_is_the_effect_turned_round() {
        let effect = Estimate { value: -2.0, low: -3.0, high: 0.5 };
        let saved = saving(&effect, 100);
        assert_eq!(saved, Estimate { value: 200.0, low: -50.0, high: 300.0 });
    }

    #[test]
    fn payback_gives_back_what_was_booked() {
        // 1200 to pay; in a mean month (30.4375 days) 50 net and 50 booked: 12 months.
        let investment = Investment {
            rollout: "r".to_owned(),
            micros: 1_200_000_000,
            booked_after_micros: 50_000_000,
        };
        let net = Estimate { value: 50.0, low: -60.0, high: 150.0 };
        let months = payback(&net, &investment, 30).expect("it pays back");
        let scale = 30.0 / MONTH_DAYS;
        assert!((months.value - 12.0 * scale).abs() < 1e-9);
        assert!((months.low - 6.0 * scale).abs() < 1e-9);
        assert_eq!(months.high, f64::INFINITY);
        let none = Estimate { value: -50.0, low: -60.0, high: 0.0 };
        assert_eq!(payback(&none, &investment, 30), None);
    }
}
