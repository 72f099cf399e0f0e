//! Where a difference of cost per service comes from, exactly.
//!
//! A side (before, after) has cells: a service on a channel with a handler. With S the services of
//! the side, of a person's cell s = its share of S and v = its avoidable cost per service, F the
//! people's cost that is not avoidable, and B the bot's cost, the cost per service is
//!
//! ```text
//! K = Σ s·v + F/S + B/S
//! ```
//!
//! and with 0 and 1 for before and after, and a bar for the mean of both,
//!
//! ```text
//! rate     = Σ s̄ (v1 - v0) + mean(1/S) (F1 - F0)    what people's work and their fixed costs cost
//! mix      = Σ v̄ (s1 - s0)                          who gives which service where: also the bot
//! volume   = F̄ (1/S1 - 1/S0)                        fixed costs spread over more or fewer services
//! bot cost = B1/S1 - B0/S0
//! ```
//!
//! which sum to K1 - K0. A service that moves from a person to the bot shows in `mix` (its person's
//! cell shrinks) and in `bot cost`. A cell that one side lacks has there the rate of the other side,
//! so all of its change is mix; avoidable cost in a cell without services counts to F.
//!
//! All of it is exact fractions; at the end each effect is rounded to a millionth of the currency
//! and what is left to the rounded difference (a few millionths) goes to the largest effect, the
//! first of equal ones in the order above. The means of both sides make it the same in either
//! direction of time.
//!
//! Source: Bennet (1920), "The theory of measurement of changes in cost of living", Journal of the
//! Royal Statistical Society 83(3); Diewert (2005), "Index number theory using differences rather
//! than ratios", American Journal of Economics and Sociology 64(1).

use std::collections::BTreeMap;

use super::exact::Fraction;
use super::panel::{Cell, Handler};

/// Millionths of the currency per service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Effects {
    /// The sum of the four.
    pub difference: i64,
    pub rate: i64,
    pub mix: i64,
    pub volume: i64,
    pub bot_cost: i64,
}

/// Service, handler and channel.
type Key<'a> = (&'a str, Handler, &'a str);

/// A window's cells of some services, added up over its days.
#[derive(Debug, Clone, Default)]
pub struct Side<'a> {
    cells: BTreeMap<Key<'a>, Amounts>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Amounts {
    services: i64,
    cost: i64,
    avoidable: i64,
}

impl<'a> Side<'a> {
    pub fn new(cells: impl Iterator<Item = &'a Cell>) -> Self {
        let mut side = Side::default();
        for cell in cells {
            let key = (cell.service.as_str(), cell.handler, cell.channel.as_str());
            let amounts = side.cells.entry(key).or_default();
            amounts.services += cell.services;
            amounts.cost += cell.cost_micros;
            amounts.avoidable += cell.avoidable_micros;
        }
        side
    }

    fn services(&self) -> i64 {
        self.cells.values().map(|cell| cell.services).sum()
    }

    fn people(&self) -> impl Iterator<Item = (&Key<'a>, &Amounts)> {
        self.cells.iter().filter(|((_, handler, _), _)| *handler == Handler::Human)
    }

    /// People's cost beside their cells' rates.
    fn fixed(&self) -> i64 {
        let beside = |c: &Amounts| if c.services > 0 { c.cost - c.avoidable } else { c.cost };
        self.people().map(|(_, cell)| beside(cell)).sum()
    }

    fn bot_cost(&self) -> i64 {
        let bot = self.cells.iter().filter(|((_, handler, _), _)| *handler == Handler::Bot);
        bot.map(|(_, cell)| cell.cost).sum()
    }

    /// The cost per service of each service, with its number of services.
    fn by_service(&self) -> BTreeMap<&'a str, (i64, i64)> {
        let mut sums: BTreeMap<&'a str, (i64, i64)> = BTreeMap::new();
        for ((service, ..), cell) in &self.cells {
            let sum = sums.entry(service).or_default();
            sum.0 += cell.services;
            sum.1 += cell.cost;
        }
        sums
    }
}

/// Takes the difference of cost per service apart. None where a side has no services.
pub fn decompose(before: &Side<'_>, after: &Side<'_>) -> Option<Effects> {
    let (s0, s1) = (before.services(), after.services());
    let each = [Fraction::new(1, s0)?, Fraction::new(1, s1)?];
    let whole = |amount: i64| Fraction::new(amount, 1).unwrap_or_else(Fraction::zero);
    let mut rate = Fraction::zero();
    let mut mix = Fraction::zero();
    let mut keys: Vec<&Key<'_>> = before.people().chain(after.people()).map(|(k, _)| k).collect();
    keys.sort_unstable();
    keys.dedup();
    for key in keys {
        let cell = |side: &Side<'_>| side.cells.get(key).copied().unwrap_or_default();
        let (c0, c1) = (cell(before), cell(after));
        let rates =
            [Fraction::new(c0.avoidable, c0.services), Fraction::new(c1.avoidable, c1.services)];
        let (v0, v1) = match rates {
            [Some(v0), Some(v1)] => (v0, v1),
            [Some(only), None] | [None, Some(only)] => (only.clone(), only),
            [None, None] => continue,
        };
        let share0 = whole(c0.services) * each[0].clone();
        let share1 = whole(c1.services) * each[1].clone();
        rate = rate + (share0.clone() + share1.clone()).half() * (v1.clone() - v0.clone());
        mix = mix + (v0 + v1).half() * (share1 - share0);
    }
    let [each0, each1] = each;
    let (f0, f1) = (before.fixed(), after.fixed());
    rate = rate + (each0.clone() + each1.clone()).half() * whole(f1 - f0);
    let volume = (whole(f0) + whole(f1)).half() * (each1.clone() - each0.clone());
    let bot_cost = whole(after.bot_cost()) * each1 - whole(before.bot_cost()) * each0;
    rounded(&[rate, mix, volume, bot_cost])
}

/// What a service would have cost after, had customers asked for the services as often as before:
/// millionths. A service that nobody asked for after keeps its cost. None as for [`decompose`].
pub fn at_mix_before(before: &Side<'_>, after: &Side<'_>) -> Option<i64> {
    let (was, is) = (before.by_service(), after.by_service());
    let all = before.services();
    Fraction::new(1, after.services()).and(Fraction::new(1, all))?;
    let mut sum = Fraction::zero();
    for (service, (services, cost)) in &was {
        let now = is.get(service).and_then(|(n, cost)| Fraction::new(*cost, *n));
        let rate = now.or_else(|| Fraction::new(*cost, *services));
        if let Some(rate) = rate {
            sum = sum + Fraction::new(*services, all)? * rate;
        }
    }
    sum.rounded()
}

fn rounded(exact: &[Fraction; 4]) -> Option<Effects> {
    let sum = exact.iter().fold(Fraction::zero(), |sum, part| sum + part.clone());
    let difference = sum.rounded()?;
    let mut parts = [0; 4];
    for (part, exact) in parts.iter_mut().zip(exact) {
        *part = exact.rounded()?;
    }
    let left = difference - parts.iter().sum::<i64>();
    let mut largest = 0;
    for at in 1..parts.len() {
        if parts[at].abs() > parts[largest].abs() {
            largest = at;
        }
    }
    parts[largest] += left;
    let [rate, mix, volume, bot_cost] = parts;
    Some(Effects { difference, rate, mix, volume, bot_cost })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(service: &str, handler: Handler, numbers: (i64, i64, i64)) -> Cell {
        Cell {
            date: chrono::NaiveDate::default(),
            service: service.to_owned(),
            channel: if handler == Handler::Bot { "web" } else { "phone" }.to_owned(),
            handler,
            services: numbers.0,
            cost_micros: numbers.1 * 1_000_000,
            avoidable_micros: numbers.2 * 1_000_000,
        }
    }

    fn taken_apart(before: &[Cell], after: &[Cell]) -> Option<Effects> {
        let effects = decompose(&Side::new(before.iter()), &Side::new(after.iter()))?;
        let sum = effects.rate + effects.mix + effects.volume + effects.bot_cost;
        assert_eq!(sum, effects.difference);
        Some(effects)
    }

    #[test]
    fn a_bot_that_takes_half_by_hand() {
        // Before: 100 by people at 6 avoidable each, 200 fixed: 800 / 100 = 8.
        // After: 50 by people at 7 each, 200 fixed, 50 by the bot for 40: 590 / 100 = 5.9.
        let before = [cell("a", Handler::Human, (100, 800, 600))];
        let after =
            [cell("a", Handler::Human, (50, 550, 350)), cell("a", Handler::Bot, (50, 40, 10))];
        let effects = taken_apart(&before, &after).expect("both sides have services");
        assert_eq!(effects.difference, -2_100_000);
        // Mean share 0.75 times 1; mean rate 6.5 times -0.5; as many services; 40 / 100.
        assert_eq!(effects.rate, 750_000);
        assert_eq!(effects.mix, -3_250_000);
        assert_eq!(effects.volume, 0);
        assert_eq!(effects.bot_cost, 400_000);
    }

    #[test]
    fn fixed_costs_over_fewer_services_are_volume() {
        // 1000 fixed over 100 and over 80: mean 1000 times (1/80 - 1/100) = 2.5.
        let before = [cell("a", Handler::Human, (100, 1100, 100))];
        let after = [cell("a", Handler::Human, (80, 1080, 80))];
        let effects = taken_apart(&before, &after).expect("both sides have services");
        let expected = Effects { difference: 2_500_000, volume: 2_500_000, ..Effects::default() };
        assert_eq!(effects, expected);
    }

    #[test]
    fn an_escalated_session_pays_both_and_counts_once() {
        // The bot's part of an escalated session has cost and no service of its own.
        let before = [cell("a", Handler::Human, (10, 50, 50))];
        let after = [cell("a", Handler::Human, (10, 50, 50)), cell("a", Handler::Bot, (0, 20, 20))];
        let effects = taken_apart(&before, &after).expect("both sides have services");
        let expected = Effects { difference: 2_000_000, bot_cost: 2_000_000, ..Effects::default() };
        assert_eq!(effects, expected);
    }

    #[test]
    fn a_mix_of_services_alone_changes_no_rate() {
        let before =
            [cell("a", Handler::Human, (50, 100, 100)), cell("b", Handler::Human, (50, 400, 400))];
        let after =
            [cell("a", Handler::Human, (75, 150, 150)), cell("b", Handler::Human, (25, 200, 200))];
        let effects = taken_apart(&before, &after).expect("both sides have services");
        let expected = Effects { difference: -1_500_000, mix: -1_500_000, ..Effects::default() };
        assert_eq!(effects, expected);
        let same = at_mix_before(&Side::new(before.iter()), &Side::new(after.iter()));
        assert_eq!(same, Some(5_000_000));
    }

    #[test]
    fn cost_without_services_is_fixed_and_new_cells_are_mix() {
        let before =
            [cell("a", Handler::Human, (10, 10, 10)), cell("b", Handler::Human, (0, 5, 5))];
        let after =
            [cell("a", Handler::Human, (10, 10, 10)), cell("b", Handler::Human, (10, 20, 20))];
        let effects = taken_apart(&before, &after).expect("both sides have services");
        // 15/10 and 30/20: no difference. Fixed 5 to 0: rate -0.375, volume -0.125;
        // mix: a 1 * -0.5, b 2 * 0.5.
        let expected =
            Effects { rate: -375_000, mix: 500_000, volume: -125_000, ..Effects::default() };
        assert_eq!(effects, expected);
    }

    #[test]
    fn what_rounding_leaves_goes_to_the_largest() {
        let third = |n| Fraction::new(n, 3).expect("positive");
        let effects = rounded(&[third(1), third(4), third(1), third(-1)]).expect("small");
        // 5/3 is 2; the parts round to 0, 1, 0, 0: the 1 that is left goes to the second.
        assert_eq!((effects.difference, effects.mix), (2, 2));
    }

    #[test]
    fn a_side_without_services_cannot_be_taken_apart() {
        let some = [cell("a", Handler::Human, (1, 1, 1))];
        assert_eq!(taken_apart(&[], &some), None);
        assert_eq!(taken_apart(&some, &[]), None);
        assert_eq!(at_mix_before(&Side::default(), &Side::new(some.iter())), None);
        assert_eq!(at_mix_before(&Side::new(some.iter()), &Side::default()), None);
    }
}
