//! Whether it stayed resolved, and first contacts (§3.5).

use super::*;
use crate::support::chaos::RawContact;

const D1: &str = "2026-03-02";
const FIRST: &str = "first_contact_resolution_rate";

/// A question and its answer: a resolved session that ends at 10:00:05.
fn resolved() -> Vec<RawEvent> {
    vec![user("2026-03-02T10:00:00Z"), bot("2026-03-02T10:00:05Z")]
}

/// The same user elsewhere.
fn again(ts: &str) -> RawEvent {
    RawEvent { channel: Some("sms"), ..in_conversation("again", user(ts)) }
}

/// Of the resolved sessions of the first day, the share that lasts.
fn lasts(rest: Vec<RawEvent>, window: &str) -> Option<f64> {
    let table = table([resolved(), rest].concat());
    table.value(D1, &format!("durable_resolution_rate_{window}"))
}

#[test]
fn a_window_begins_after_the_end_and_ends_with_its_last_microsecond() {
    assert_eq!(lasts(vec![], "30d"), Some(1.0));
    assert_eq!(lasts(vec![again("2026-03-02T10:00:05Z")], "24h"), Some(1.0));
    assert_eq!(lasts(vec![again("2026-03-02T10:00:05.000001Z")], "24h"), Some(0.0));
    for (window, last, over) in [
        ("24h", "2026-03-03T10:00:05Z", "2026-03-03T10:00:05.000001Z"),
        ("72h", "2026-03-05T10:00:05Z", "2026-03-05T10:00:05.000001Z"),
        ("7d", "2026-03-09T10:00:05Z", "2026-03-09T10:00:05.000001Z"),
        ("30d", "2026-04-01T10:00:05Z", "2026-04-01T10:00:05.000001Z"),
    ] {
        assert_eq!(lasts(vec![again(last)], window), Some(0.0), "{window}");
        assert_eq!(lasts(vec![again(over)], window), Some(1.0), "{window}");
    }
}

#[test]
fn only_the_same_user_with_the_same_service_follows_up() {
    let later = "2026-03-02T12:00:00Z";
    assert_eq!(lasts(vec![of_user("v", again(later))], "24h"), Some(1.0));
    // Nobody wrote in it: not engaged.
    assert_eq!(lasts(vec![in_conversation("again", bot(later))], "24h"), Some(1.0));
    let about = |service| RawEvent { service: Some(service), ..again(later) };
    let billing = RawEvent { service: Some("billing"), ..system("2026-03-02T10:00:01Z", "other") };
    // Where one of the two names no service, they fit.
    assert_eq!(lasts(vec![about("billing")], "24h"), Some(0.0));
    assert_eq!(lasts(vec![billing.clone(), again(later)], "24h"), Some(0.0));
    assert_eq!(lasts(vec![billing.clone(), about("billing")], "24h"), Some(0.0));
    assert_eq!(lasts(vec![billing, about("moving house")], "24h"), Some(1.0));
}

#[test]
fn a_contact_follows_up() {
    let lasts = |opened: &str, user: &str, service: Option<&'static str>| {
        let mut world = World::quiet(Tz::UTC, micros("2026-06-01T00:00:00Z"));
        world.events = resolved();
        world.events.push(RawEvent::bare(world.as_of_us, "system", "other"));
        world.events[0].service = Some("billing");
        world.contacts.push(RawContact {
            contact_id: "k".to_owned(),
            opened_us: micros(opened),
            closed_us: micros(opened),
            channel: "phone",
            service,
            user_id: Some(user.to_owned()),
            handle_seconds: 60,
            resolved: true,
            answer: None,
        });
        let table = Table(expected(&world, &[one_object(&world)]));
        table.value(D1, "durable_resolution_rate_7d")
    };
    assert_eq!(lasts("2026-03-04T10:00:00Z", "u", None), Some(0.0));
    assert_eq!(lasts("2026-03-04T10:00:00Z", "u", Some("billing")), Some(0.0));
    assert_eq!(lasts("2026-03-04T10:00:00Z", "u", Some("parking")), Some(1.0));
    assert_eq!(lasts("2026-03-04T10:00:00Z", "v", None), Some(1.0));
    assert_eq!(lasts("2026-03-02T09:00:00Z", "u", None), Some(1.0));
}

#[test]
fn anonymous_sessions_and_those_of_nobody_have_no_durability() {
    let kind = |kind| {
        let known = |event| RawEvent { identity_kind: Some(kind), ..event };
        table(resolved().into_iter().map(known).collect())
    };
    let rate = "durable_resolution_rate_7d";
    assert_eq!(kind("unknown").value(D1, rate), Some(1.0));
    assert_eq!(kind("authenticated").value(D1, "anonymous_share"), Some(0.0));
    assert_eq!(kind("anonymous").value(D1, rate), None);
    assert_eq!(kind("anonymous").value(D1, "anonymous_share"), Some(1.0));
    let nobody = |event| RawEvent { user_id: None, ..event };
    let table = table(resolved().into_iter().map(nobody).collect());
    assert_eq!(table.value(D1, rate), None);
    assert_eq!(table.value(D1, "anonymous_share"), Some(0.0));
}

#[test]
fn each_window_waits_for_a_day_more() {
    let told = |watermark, window: &str| {
        let table = table_at(Tz::UTC, resolved(), watermark);
        table.value(D1, &format!("durable_resolution_rate_{window}")).is_some()
    };
    for (window, early, ripe) in [
        ("24h", "2026-03-04T23:59:59.999999Z", "2026-03-05T00:00:00Z"),
        ("72h", "2026-03-06T23:59:59.999999Z", "2026-03-07T00:00:00Z"),
        ("7d", "2026-03-10T23:59:59.999999Z", "2026-03-11T00:00:00Z"),
        ("30d", "2026-04-02T23:59:59.999999Z", "2026-04-03T00:00:00Z"),
    ] {
        assert!(!told(early, window), "{window}");
        assert!(told(ripe, window), "{window}");
    }
}

#[test]
fn a_first_contact_has_nothing_in_the_week_before() {
    // v is there for the history to begin early enough.
    let rate = |history: &str, before: Vec<RawEvent>| {
        let v = of_user("v", in_conversation("v", user(history)));
        table([vec![v], before, resolved()].concat()).value(D1, FIRST)
    };
    let early = "2026-02-10T10:00:00Z";
    assert_eq!(rate(early, vec![]), Some(1.0));
    assert_eq!(rate(early, vec![again("2026-02-23T10:00:00Z")]), None);
    assert_eq!(rate(early, vec![again("2026-02-23T09:59:59.999999Z")]), Some(1.0));
    // Within a day after, u is back.
    assert_eq!(rate(early, vec![again("2026-03-03T08:00:00Z")]), Some(0.0));
    // 7 days of history, and 6.
    assert_eq!(rate("2026-02-23T12:00:00Z", vec![]), Some(1.0));
    assert_eq!(rate("2026-02-24T00:00:00Z", vec![]), None);
}
