//! Cost and savings (§3.10, §3.11).

use super::*;
use crate::support::chaos::{RawContact, RawCost};

const D1: &str = "2026-03-02";
const D2: &str = "2026-03-03";

fn line(class: &'static str, start: &str, end: &str, micros: i64) -> RawCost {
    let (start, end) = (date(start), date(end));
    RawCost { start, end, class, bot: None, channel: None, service: None, micros, currency: None }
}

fn contact(opened: &str, user: &str) -> RawContact {
    RawContact {
        contact_id: opened.to_owned(),
        opened_us: micros(opened),
        closed_us: micros(opened),
        channel: "phone",
        service: None,
        user_id: Some(user.to_owned()),
        handle_seconds: 100,
        resolved: true,
        answer: None,
    }
}

/// A chat on the first day that an agent takes over at 10:00:10, and nothing on the second.
fn taken_over(costs: Vec<RawCost>, contacts: Vec<RawContact>) -> Table {
    let mut world = World::quiet(Tz::UTC, micros("2026-06-01T00:00:00Z"));
    world.events = vec![
        user("2026-03-02T10:00:00Z"),
        agent("2026-03-02T10:00:10Z"),
        RawEvent::bare(micros("2026-03-09T00:00:00Z"), "system", "other"),
    ];
    world.terms.sets = vec![(date("2026-01-01"), Some(36_000_000), Some(300))];
    world.terms.dollars = vec![(date("2026-01-01"), 9_200), (date(D2), 9_000)];
    (world.costs, world.contacts) = (costs, contacts);
    Table(expected(&world, &[one_object(&world)]))
}

#[test]
fn an_escalated_session_pays_both() {
    let costs =
        || vec![line("bot_platform", D1, D1, 5_000_000), line("facilities", D1, D1, 9_000_000)];
    let table = taken_over(costs(), Vec::new());
    assert_eq!(table.value(D1, "cost_per_service_bot"), Some(5.0));
    // The rent of 9, and 300 s at 36 an hour.
    assert_eq!(table.value(D1, "cost_per_service_human"), Some(12.0));
    // A contact at the handoff, or up to 24 hours after the end, is that service; it has its own day.
    let table = taken_over(costs(), vec![contact("2026-03-03T10:00:10Z", "u")]);
    assert_eq!(table.value(D1, "cost_per_service_human"), None);
    assert_eq!(table.value(D2, "cost_per_service_human"), Some(1.0));
    let later = taken_over(costs(), vec![contact("2026-03-03T10:00:10.000001Z", "u")]);
    assert_eq!(later.value(D1, "cost_per_service_human"), Some(12.0));
}

#[test]
fn days_bear_even_shares_at_their_own_rates() {
    // 100 dollars over three days, 33.333333 on the first two, 33.333334 on the last; at 0.92 and,
    // from the second day on, 0.9.
    let costs = vec![RawCost {
        currency: Some("USD"),
        ..line("bot_platform", "2026-03-01", D2, 100_000_000)
    }];
    let table = taken_over(costs, Vec::new());
    let bot = table.cell(D1, "cost_per_service_bot", ["*", "*", "*"]).expect("a cost");
    assert_eq!(bot.numerator, 30.666666);
    // Nothing was handled on the second day: nobody's cost per service, but the saving is less.
    assert_eq!(table.value(D2, "cost_per_service_bot"), None);
    let place = ["unallocated", "unallocated", "unallocated"];
    let net = table.cell(D2, "cost_saved_net", place).expect("a cost");
    assert_eq!((net.numerator, net.n), (-30.0, 0));
}

#[test]
fn what_the_ledger_holds_is_not_counted_twice() {
    let costs = vec![line("human_direct", D1, D1, 7_000_000)];
    let contacts =
        || vec![contact("2026-03-02T09:00:00Z", "v"), contact("2026-03-03T09:00:00Z", "v")];
    let table = taken_over(costs, contacts());
    // The ledger's 7 over a contact and a session on the first day; a contact's own 1 on the second.
    assert_eq!(table.value(D1, "cost_per_service_human"), Some(3.5));
    assert_eq!(table.value(D2, "cost_per_service_human"), Some(1.0));
    // By what they cost themselves, 1 and 3: a quarter is the contact's.
    let phone = table.cell(D1, "cost_per_service_human", ["unknown", "phone", "unknown"]);
    assert_eq!(phone.map(|cell| cell.value), Some(1.75));
}

/// What a resolved chat of the first day saves, in time, seen from `watermark`.
fn saved(rest: Vec<RawEvent>, costs: Vec<RawCost>, watermark: &str) -> [Option<f64>; 2] {
    let mut world = World::quiet(Tz::UTC, micros(watermark));
    world.events = vec![user("2026-03-02T10:00:00Z"), bot("2026-03-02T10:00:05Z")];
    world.events.extend(rest);
    world.events.push(RawEvent::bare(world.as_of_us, "system", "other"));
    world.terms.sets = vec![(date("2026-01-01"), Some(36_000_000), Some(300))];
    world.costs = costs;
    let table = Table(expected(&world, &[one_object(&world)]));
    ["time_saved_seconds", "time_saved_seconds_conservative"].map(|metric| table.value(D1, metric))
}

#[test]
fn the_conservative_line_counts_what_lasts_and_pays_for_upkeep() {
    let late = "2026-06-01T00:00:00Z";
    assert_eq!(saved(vec![], vec![], late), [Some(300.0), Some(300.0)]);
    // 1 at 36 an hour is 100 s; what else the bot costs is no time of people.
    let costs = || vec![line("bot_content_ops", D1, D1, 1_000_000), line("llm_usage", D1, D1, 7)];
    assert_eq!(saved(vec![], costs(), late), [Some(300.0), Some(200.0)]);
    let again = in_conversation("again", user("2026-03-08T10:00:00Z"));
    assert_eq!(saved(vec![again], costs(), late), [Some(300.0), Some(-100.0)]);
}

#[test]
fn the_conservative_line_waits_for_the_weeks_of_its_day() {
    let early = saved(vec![], vec![], "2026-03-10T23:59:59.999999Z");
    assert_eq!(early, [Some(300.0), None]);
    assert_eq!(saved(vec![], vec![], "2026-03-11T00:00:00Z"), [Some(300.0), Some(300.0)]);
}
