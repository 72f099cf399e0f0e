//! Intercom's conversations and their parts.

use super::*;

#[test]
fn conversations_with_a_bot_are_events() {
    let first = read(adapted("intercom", "events", ""), "intercom/conversations-1.jsonl");
    assert_eq!(counts(&first), [5, 3, 2, 0], "a person's, and a campaign");
    let resolved = [
        "user message",
        "bot message",
        "user message",
        "system session_end",
        "system goal",
        "user feedback",
    ];
    let escalated = ["user message", "bot message", "agent message", "system handoff"];
    let unhelpful = ["user message", "bot message", "system feedback"];
    assert_eq!(told(&first), [&resolved[..], &escalated, &unhelpful].concat());
    assert_eq!(first.column("closed_by")[3], "bot");
    assert_eq!(
        first.column("score")[5..],
        ["5", "null", "null", "null", "null", "null", "null", "0"]
    );
    assert_eq!(first.column("instrument")[12], "helpful");
    assert_eq!(first.column("identity_kind")[6], "anonymous");
    assert_eq!(first.column("channel")[6..10], ["whatsapp"; 4]);
    assert_eq!(clock(&first, "ts_us")[9], "09:31:00");
    let second = read(adapted("intercom", "events", ""), "intercom/conversations-2.jsonl");
    assert_eq!(counts(&second), [2, 2, 0, 0]);
    let ended = [
        "user message",
        "bot message",
        "agent message",
        "agent message",
        "system session_end",
        "system handoff",
        "user feedback",
    ];
    assert_eq!(told(&second), [&ended[..], &resolved].concat());
    assert_eq!(second.column("closed_by")[4], "agent");
    // A reply, the end and the rating are new.
    assert_eq!(identities([&first, &second]).len(), 13 + 3);
    holds_nothing_private(&first);
    holds_nothing_private(&second);
}

#[test]
fn conversations_that_a_person_answered_are_contacts() {
    let first = read(adapted("intercom", "contacts", ""), "intercom/conversations-1.jsonl");
    assert_eq!(counts(&first), [5, 2, 3, 0]);
    assert_eq!(first.column("contact_id"), ["1002", "1003"]);
    assert_eq!(clock(&first, "opened_us"), ["09:33:00", "10:00:00"], "after the bot's part");
    assert_eq!(clock(&first, "closed_us"), ["null", "10:20:00"]);
    assert_eq!(first.column("handle_seconds"), ["null", "240"]);
    assert_eq!(first.column("resolved"), ["false", "true"]);
    assert_eq!(first.column("score"), ["null", "4"]);
    assert_eq!(first.column("instrument"), ["null", "csat_5"]);
    assert_eq!(first.column("channel"), ["whatsapp", "email"]);
    assert_eq!(first.column("service"), ["billing", "billing"]);
    let second = read(adapted("intercom", "contacts", ""), "intercom/conversations-2.jsonl");
    assert_eq!(counts(&second), [2, 1, 1, 0]);
    assert_eq!(second.one("handle_seconds"), "280");
    assert_eq!([second.one("resolved"), second.one("score")], ["true", "2"]);
    assert_eq!(clock(&second, "updated_us"), ["09:45:00"]);
    assert_eq!(identities([&first, &second]).len(), 2);
    holds_nothing_private(&first);
}

#[test]
fn parts_are_messages_and_ends() {
    let out = read(adapted("intercom-parts", "events", ""), "intercom/parts.jsonl");
    assert_eq!(counts(&out), [5, 4, 1, 0], "a note");
    let expected =
        ["bot message", "agent message", "agent message", "system session_end", "user message"];
    assert_eq!(told(&out), expected);
    let whole = read(adapted("intercom", "events", ""), "intercom/conversations-1.jsonl");
    let ids = whole.column("event_id");
    assert!(out.column("event_id")[..2].iter().all(|id| ids.contains(id)));
    holds_nothing_private(&out);
}

#[test]
fn a_history_counts_what_is_active() {
    let out = read(adapted("intercom-fivetran", "events", ""), "intercom/conversation_history.csv");
    assert_eq!(counts(&out), [5, 2, 3, 0]);
    let expected = [
        "user message",
        "system goal",
        "user feedback",
        "user message",
        "system handoff",
        "user feedback",
    ];
    assert_eq!(told(&out), expected);
    let whole = read(adapted("intercom", "events", ""), "intercom/conversations-1.jsonl");
    assert_eq!(out.column("event_id")[0], whole.column("event_id")[0]);
    let out =
        read(adapted("intercom-fivetran", "contacts", ""), "intercom/conversation_history.csv");
    assert_eq!(counts(&out), [5, 2, 3, 0]);
    assert_eq!(out.column("contact_id"), ["1002", "1003"]);
    assert_eq!(clock(&out, "opened_us"), ["09:33:00", "10:00:00"]);
    assert_eq!(clock(&out, "closed_us"), ["09:40:00", "10:20:00"]);
    assert_eq!(out.column("handle_seconds"), ["300", "240"]);
    assert_eq!(out.column("score"), ["2", "4"]);
    holds_nothing_private(&out);
}

#[test]
fn a_view_tells_parts_of_bots_from_others() {
    let out = read(
        adapted("intercom-fivetran-parts", "events", ""),
        "intercom/conversation_parts_joined.csv",
    );
    assert_eq!(counts(&out), [7, 3, 3, 1], "an assignment says nothing");
    let expected = ["bot message", "agent message", "agent message", "system session_end"];
    assert_eq!(told(&out), expected);
    assert_eq!(out.column("text_chars")[1], "26", "the corrected text");
    assert_eq!(out.column("channel"), ["whatsapp"; 4]);
    holds_nothing_private(&out);
}
