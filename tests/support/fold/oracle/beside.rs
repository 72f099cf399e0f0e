//! Leads (§3.9), availability (§3.8) and the tables that `kpi_daily` does not show.

use super::*;
use crate::support::chaos::{PLACES, RawProbe, world};
use crate::support::fold::tables;

const D1: &str = "2026-03-02";

fn lead(ts: &str, id: Option<&'static str>) -> RawEvent {
    let lead_value = Some(10.5);
    RawEvent { lead_id: id, lead_value, ..RawEvent::at(ts, "user", "lead") }
}

/// A column of a table in UTC, by date and all dimensions summed.
fn column(world: &World, name: &str, column: &str) -> BTreeMap<String, Option<i64>> {
    let all = |place: &Vec<String>| place[1..].iter().all(|value| value == "*");
    let tables = tables(world, &[one_object(world)]);
    let table = tables.into_iter().find(|t| t.table == name).expect("a table");
    let at = table.numbers.iter().position(|n| *n == column).expect("a column");
    let rows = table.rows.into_iter().filter(|(place, _)| all(place));
    rows.map(|(place, numbers)| (place[0].clone(), numbers[at])).collect()
}

#[test]
fn a_lead_counts_once_on_its_first_day() {
    let table = table(vec![
        user("2026-03-02T10:00:00Z"),
        lead("2026-03-03T10:00:00Z", Some("l")),
        lead("2026-03-02T10:30:00Z", Some("l")),
        // Without an id it is the user's.
        lead("2026-03-02T12:00:00Z", None),
        lead("2026-03-02T12:00:01Z", None),
    ]);
    assert_eq!(table.value(D1, "leads"), Some(2.0));
    assert_eq!(table.value(D1, "lead_value"), Some(21.0));
    assert_eq!(table.value(D1, "lead_rate"), Some(2.0));
    assert_eq!(table.value("2026-03-03", "leads"), None);
}

#[test]
fn what_led_to_a_lead() {
    let mut world = World::quiet(Tz::UTC, micros("2026-06-01T00:00:00Z"));
    world.events = vec![
        user("2026-03-02T10:00:00Z"),
        // Just the timeout after the session: direct. A microsecond more: assisted.
        lead("2026-03-02T10:30:00Z", Some("1")),
        lead("2026-03-02T10:30:00.000001Z", Some("2")),
        // Seven days after its start, and a microsecond more; of somebody who never wrote.
        lead("2026-03-09T10:00:00Z", Some("3")),
        lead("2026-03-09T10:00:00.000001Z", Some("4")),
        of_user("v", in_conversation("v", lead("2026-03-02T10:00:00Z", Some("5")))),
    ];
    let of = |kind| column(&world, "fct_leads_daily", kind);
    assert_eq!((of("leads_direct")[D1], of("leads_direct")["2026-03-09"]), (Some(1), Some(0)));
    assert_eq!((of("leads_assisted")[D1], of("leads_assisted")["2026-03-09"]), (Some(1), Some(1)));
    assert_eq!((of("leads_other")[D1], of("leads_other")["2026-03-09"]), (Some(1), Some(1)));
}

#[test]
fn minutes_by_probes() {
    let mut world = World::quiet(Tz::UTC, micros("2026-06-01T00:00:00Z"));
    world.events = vec![user("2026-03-02T23:30:00Z"), user("2026-03-03T01:00:00Z")];
    let probe = |ts: &str, ok| RawProbe { ts_us: micros(ts), bot: Some("b"), ok, planned: false };
    world.probes = vec![
        // 10:00 to 10:01 up, 10:02 to 10:06 down.
        probe("2026-03-02T10:00:30Z", true),
        probe("2026-03-02T10:02:00Z", false),
        // Two minutes of this day, three of the next: one outage.
        probe("2026-03-02T23:58:00Z", false),
    ];
    let of = |name| column(&world, "fct_availability_daily", name);
    // And 23:30 by the turn.
    assert_eq!((of("up_minutes")[D1], of("downtime_minutes")[D1]), (Some(3), Some(7)));
    assert_eq!((of("incidents")[D1], of("incidents")["2026-03-03"]), (Some(2), Some(0)));
    assert_eq!(of("downtime_minutes")["2026-03-03"], Some(3));
}

#[test]
fn many_bad_turns_in_a_minute_are_downtime() {
    let turn = |number: usize, answered: bool| {
        let ask = in_conversation(&number.to_string(), user("2026-03-02T10:00:00Z"));
        let reply = in_conversation(&number.to_string(), bot("2026-03-02T10:00:10Z"));
        if answered { vec![ask, reply] } else { vec![ask] }
    };
    let minute = |answered: usize, silent: usize| {
        let turns = (0..answered + silent).flat_map(|n| turn(n, n < answered));
        table(turns.collect()).cell(D1, "availability", ["*", "*", "*"]).map(|c| c.value)
    };
    assert_eq!(minute(2, 3), Some(0.0));
    assert_eq!(minute(3, 3), Some(1.0));
    assert_eq!(minute(0, 4), Some(1.0));
}

#[test]
fn an_error_or_ten_seconds_spoil_a_request() {
    let served = |events| table(events).value(D1, "availability_request");
    let (ask, reply) = (user("2026-03-02T10:00:00Z"), bot("2026-03-02T10:00:10Z"));
    assert_eq!(served(vec![ask.clone(), reply.clone()]), Some(1.0));
    assert_eq!(served(vec![ask.clone(), bot("2026-03-02T10:00:10.001Z")]), Some(0.0));
    let error = system("2026-03-02T10:05:00Z", "error");
    assert_eq!(served(vec![ask, reply, error]), Some(0.0));
}

#[test]
fn random_logs_fill_the_tables_beside() {
    let mut sums: BTreeMap<String, i64> = BTreeMap::new();
    for seed in 0..14 {
        let (zone, start) = PLACES[seed as usize % PLACES.len()];
        let world = world(seed, 5, date(start), zone);
        for table in tables(&world, &world.objects(1)) {
            for numbers in table.rows.values() {
                for (name, number) in table.numbers.iter().zip(numbers) {
                    *sums.entry(format!("{} {name}", table.table)).or_default() +=
                        number.unwrap_or(0);
                }
            }
        }
    }
    let poor: Vec<_> = sums.iter().filter(|(_, sum)| **sum < 20).collect();
    assert!(sums.len() > 25 && poor.is_empty(), "{poor:?}");
}
