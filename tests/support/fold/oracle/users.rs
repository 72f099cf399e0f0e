//! New and returning users, in a slice and over all (§3.3).

use super::*;

const D1: &str = "2026-03-02";
const D2: &str = "2026-03-03";
const ALL: [&str; 3] = ["*", "*", "*"];

#[test]
fn new_is_new_in_the_slice() {
    let sms = |event| RawEvent { channel: Some("sms"), ..event };
    // u on the web on day 1; u by sms, and v on the web, on day 2.
    let table = table(vec![
        user("2026-03-02T10:00:00Z"),
        user("2026-03-02T10:01:00Z"),
        sms(user("2026-03-03T10:00:00Z")),
        of_user("v", in_conversation("v", user("2026-03-03T11:00:00Z"))),
    ]);
    let value = |day, metric, slice| table.cell(day, metric, slice).map(|cell| cell.value);
    assert_eq!(value(D1, "unique_users", ALL), Some(1.0));
    assert_eq!(value(D1, "new_users", ALL), Some(1.0));
    assert_eq!(value(D1, "returning_users", ALL), Some(0.0));
    assert_eq!(value(D2, "dau", ALL), Some(2.0));
    assert_eq!(value(D2, "new_users", ALL), Some(1.0));
    assert_eq!(value(D2, "recurring_use_rate", ALL), Some(0.5));
    // By sms, u is new.
    assert_eq!(value(D2, "new_users", ["*", "sms", "*"]), Some(1.0));
    assert_eq!(value(D2, "recurring_use_rate", ["*", "sms", "*"]), Some(0.0));
}

#[test]
fn only_user_messages_make_somebody_active() {
    // A bot's message that names the user, an answer, and a message without a user.
    let table = table(vec![
        bot("2026-03-02T10:00:00Z"),
        answer("2026-03-02T10:01:00Z", "csat_5", 5),
        RawEvent { user_id: None, ..user("2026-03-02T10:02:00Z") },
    ]);
    assert_eq!(table.value(D1, "interactions"), Some(1.0));
    assert_eq!(table.value(D1, "dau"), None);
    assert_eq!(table.value(D1, "new_users"), None);
}
