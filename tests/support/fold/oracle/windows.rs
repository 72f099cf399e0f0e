//! Users in the days that end with a day (§3.3).

use super::*;

#[test]
fn a_window_has_its_length_and_needs_that_much_history() {
    // u on 2 March, on which history begins; v on the 8th.
    let table = table(vec![
        user("2026-03-02T10:00:00Z"),
        of_user("v", in_conversation("v", user("2026-03-08T10:00:00Z"))),
    ]);
    assert_eq!(table.value("2026-03-07", "wau"), None);
    assert_eq!(table.value("2026-03-08", "wau"), Some(2.0));
    assert_eq!(table.value("2026-03-09", "wau"), Some(1.0));
    assert_eq!(table.value("2026-03-14", "wau"), Some(1.0));
    assert_eq!(table.value("2026-03-15", "wau"), None);
    // 28 days: the 2nd to the 29th. 30 days: to the 31st.
    assert_eq!(table.value("2026-03-28", "mau28"), None);
    assert_eq!(table.value("2026-03-29", "mau28"), Some(2.0));
    assert_eq!(table.value("2026-03-30", "mau28"), Some(1.0));
    assert_eq!(table.value("2026-03-30", "mau"), None);
    assert_eq!(table.value("2026-03-31", "mau"), Some(2.0));
    assert_eq!(table.value("2026-04-01", "mau"), Some(1.0));
    // Nobody writes on these days.
    assert_eq!(table.value("2026-03-29", "stickiness"), None);
    assert_eq!(table.value("2026-03-29", "dau"), None);
}

#[test]
fn stickiness_is_of_the_users_of_28_days() {
    let of = |id: &str, ts: &str| of_user(id, in_conversation(id, user(ts)));
    let table = table(vec![
        of("u", "2026-03-02T10:00:00Z"),
        of("v", "2026-03-20T10:00:00Z"),
        of("v", "2026-03-29T10:00:00Z"),
    ]);
    let cell = table.cell("2026-03-29", "stickiness", ["*", "*", "*"]).expect("v wrote");
    assert_eq!((cell.numerator, cell.denominator, cell.n), (1.0, 2.0, 2));
    assert!(cell.ci_low.is_some(), "a share of the same users");
}
