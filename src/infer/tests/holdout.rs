//! A rollout that some customers were kept from by lot, small enough for a pencil.

use super::cases::{DATE, change, input, people, row, rows, warns};
use crate::infer::holdout::{Arm, Participant, Served};
use crate::infer::{ALL, Grade, Input, Sum};

/// One service of a customer in each window, at these prices in whole euros.
fn customer(number: i64, arm: Arm, before: i64, after: i64) -> Participant {
    let served = |euros: i64| {
        let micros = euros * 1_000_000;
        let sum = Sum { services: 1, cost: [micros, micros, micros / 2, micros - micros / 2] };
        Served { sum, by_bot: 0 }
    };
    Participant {
        rollout: "r".to_owned(),
        unit: format!("{number:03}"),
        service: "returns".to_owned(),
        arm,
        is_mixed: false,
        before: served(before),
        after: served(after),
    }
}

/// Sixty customers, every other one kept from a change that made 7 into 4; 560 services in all.
fn with_holdout() -> Input {
    let mut change = change("r", DATE, &["returns"], &["orders"]);
    change.has_holdout = true;
    let mut input = input(vec![change], vec![people("returns", 10, 8), people("orders", 5, 5)]);
    input.participants.extend((0..60).map(|n| match n % 2 {
        0 => customer(n, Arm::Treated, 7, 4),
        _ => customer(n, Arm::Holdout, 7, 7),
    }));
    input
}

#[test]
fn a_holdout_is_better_than_any_control() {
    let rows = rows(&with_holdout());
    let cost = row(&rows, ALL, "cost_per_service");
    assert_eq!(cost.grade, Grade::A);
    let found = cost.estimate.expect("an estimate");
    assert!([found.value, found.low, found.high].iter().all(|v| (v + 3.0).abs() < 1e-9));
    // The plain difference is what it was.
    assert_eq!(cost.difference(), Some(-2.0));
    let half = row(&rows, ALL, "avoidable_cost_per_service").estimate.expect("an estimate");
    assert!((half.value + 1.5).abs() < 1e-9);
    // 560 services after, 30 of them of customers on whom nothing was saved.
    let saved = row(&rows, ALL, "saving_net").estimate.expect("a saving").value;
    assert!((saved - 3.0 * 530.0).abs() < 1e-6);
    let price = |metric| {
        let row = row(&rows, ALL, metric);
        (row.pre.and_then(|side| side.value()), row.post.and_then(|side| side.value()))
    };
    assert_eq!(price("cost_per_service_given"), (Some(7.0), Some(4.0)));
    assert_eq!(price("cost_per_service_kept"), (Some(7.0), Some(7.0)));
    // Both were alike before.
    assert!(row(&rows, ALL, "placebo_in_time").estimate.expect("a placebo").holds_zero());
    assert!(!warns(cost, "by lot"));
}

#[test]
fn a_holdout_that_is_too_small_is_told_and_not_used() {
    let mut input = with_holdout();
    input.participants.truncate(59);
    let all = rows(&input);
    let cost = row(&all, ALL, "cost_per_service");
    assert_eq!(cost.grade, Grade::C);
    assert!(warns(cost, "29 customers with services were kept from the change and 30 given it"));
    // Nobody who was asked for nothing counts.
    let mut input = with_holdout();
    input.participants[1].after = Served::default();
    assert_eq!(row(&rows(&input), ALL, "cost_per_service").grade, Grade::C);
    // A pipeline that names a holdout which no event names.
    input.participants.clear();
    assert!(warns(row(&rows(&input), ALL, "cost_per_service"), "the holdout was not used: 0"));
    // And one that names none.
    input.changes[0].has_holdout = false;
    assert!(!warns(row(&rows(&input), ALL, "cost_per_service"), "holdout"));
}

#[test]
fn one_of_several_services_with_too_few_customers_is_only_described() {
    let mut input = with_holdout();
    input.changes[0].services = vec!["returns".to_owned(), "delivery".to_owned()];
    input.cells.extend(people("delivery", 10, 8));
    let few = (60..70).map(|n| match n % 2 {
        0 => customer(n, Arm::Treated, 7, 4),
        _ => customer(n, Arm::Holdout, 7, 7),
    });
    let few = few.map(|p| Participant { service: "delivery".to_owned(), ..p });
    input.participants.extend(few);
    let rows = rows(&input);
    assert_eq!(row(&rows, ALL, "cost_per_service").grade, Grade::A);
    assert_eq!(row(&rows, "returns", "cost_per_service").grade, Grade::A);
    let few = row(&rows, "delivery", "cost_per_service");
    assert_eq!((few.grade, few.estimate), (Grade::E, None));
    assert!(warns(few, "5 customers with services were kept from the change and 5 given it"));
}

#[test]
fn what_spoils_a_holdout_is_told() {
    let clean = with_holdout();
    let all = rows(&clean);
    // 60 of 560 services are of customers in an arm.
    assert!(warns(row(&all, ALL, "cost_per_service"), "89 % of the services after the change"));
    let mut input = clean;
    for p in &mut input.participants {
        p.is_mixed = p.unit.ends_with('4');
        // 3 of 30 services of those kept from it were the bot's all the same.
        p.after.by_bot = i64::from(["001", "003", "005"].contains(&p.unit.as_str()));
        // Who was given it was dearer to begin with.
        p.before.sum.cost[0] += if p.arm == Arm::Treated { 2_000_000 } else { 0 };
    }
    let rows = rows(&input);
    let cost = row(&rows, ALL, "cost_per_service");
    assert!(warns(cost, "6 of 60 customers were seen with and without the change"));
    assert!(warns(cost, "kept from the change went from 0 % to 10 %"));
    assert!(warns(cost, "differed before it, too, by +2.0000 a service"));
}
