//! Zendesk's tickets, comments, ratings and chats.

use super::*;

#[test]
fn tickets_are_contacts() {
    let out = read(adapted("zendesk-tickets", "contacts", ""), "zendesk/tickets-1.jsonl");
    assert_eq!(counts(&out), [4, 4, 0, 0]);
    assert_eq!(out.column("contact_id"), ["501", "502", "503", "504"]);
    assert_eq!(out.column("channel"), ["email", "native_messaging", "web", "voice"]);
    assert_eq!(clock(&out, "opened_us"), ["09:00:00", "09:10:00", "09:20:00", "09:40:00"]);
    assert_eq!(clock(&out, "closed_us"), ["null", "09:50:00", "null", "09:55:00"]);
    assert_eq!(out.column("resolved"), ["false", "true", "false", "true"]);
    assert_eq!(out.column("score"), ["null", "null", "null", "0"]);
    assert_eq!(out.column("instrument"), ["null", "null", "null", "helpful"]);
    assert_eq!(out.column("is_deleted"), ["false", "true", "false", "false"], "a bot solved one");
    assert_eq!(out.column("handle_seconds"), ["null"; 4]);
    holds_nothing_private(&out);
}

#[test]
fn a_ticket_that_comes_again_is_the_same_contact_later_on() {
    let fields = ", options: { service: /custom_fields/id=36001/value, \
                  time_spent: /custom_fields/id=36002/value }";
    let bench = || adapted("zendesk-tickets", "contacts", fields);
    let first = read(bench(), "zendesk/tickets-1.jsonl");
    assert_eq!(first.column("service"), ["returns", "null", "null", "null"]);
    assert_eq!(first.column("handle_seconds"), ["null", "null", "null", "95"]);
    // In two of Airbyte's envelopes.
    let second = read(bench(), "zendesk/tickets-2.jsonl");
    assert_eq!(second.column("contact_id"), ["501", "503"]);
    assert_eq!(second.column("resolved"), ["true", "null"]);
    assert_eq!(second.column("handle_seconds"), ["540", "null"]);
    assert_eq!(second.column("score"), ["1", "null"]);
    assert_eq!(second.column("is_deleted"), ["false", "true"]);
    assert_eq!(clock(&second, "updated_us"), ["11:00:00", "10:00:00"]);
    assert_eq!(clock(&first, "updated_us")[..1], ["09:30:00"]);
    assert_eq!(identities([&first, &second]), identities([&first]));
}

#[test]
fn a_comment_counts_where_somebody_knows_whose_it_is() {
    let out = read(adapted("zendesk-comments", "events", ""), "zendesk/comments.jsonl");
    assert_eq!(counts(&out), [7, 5, 2, 0], "an internal note and a call");
    let plain = ["user message", "system other", "user message", "agent message", "system other"];
    assert_eq!(told(&out), plain);
    assert_eq!(out.column("channel"), ["messaging"; 5]);
    assert_eq!(out.column("bot"), ["zendesk"; 5]);
    assert_eq!(out.column("text_chars"), ["7"; 5]);
    let known = adapted("zendesk-comments", "events", ", options: { bots: [900], agents: [8] }");
    assert_eq!(out.column("user_key"), vec![known.hasher.user_key("21"); 5]);
    let out = read(known, "zendesk/comments.jsonl");
    let known = ["user message", "bot message", "user message", "agent message", "agent message"];
    assert_eq!(told(&out), known);
    holds_nothing_private(&out);
}

#[test]
fn ratings_ask_first_and_tell_then() {
    let out = read(adapted("zendesk-ratings", "surveys", ""), "zendesk/ratings.jsonl");
    assert_eq!(counts(&out), [3, 2, 1, 0]);
    assert_eq!(out.column("type"), ["survey", "feedback"]);
    assert_eq!(identities([&out]).len(), 2, "one rating, told twice");
    assert_eq!(out.column("score"), ["null", "1"]);
    assert_eq!(clock(&out, "ts_us"), ["09:10:00", "09:40:00"]);
    holds_nothing_private(&out);
}

#[test]
fn chats_with_a_bot_are_events() {
    let first = read(adapted("zendesk-chat", "events", ""), "zendesk/chats-1.jsonl");
    assert_eq!(counts(&first), [4, 2, 2, 0], "people alone, and a message left at night");
    let spoken = ["bot message", "user message", "agent message"];
    let expected =
        [&spoken[..], &["system handoff"], &spoken, &["user feedback", "system session_end"]];
    assert_eq!(told(&first), expected.concat());
    assert_eq!(clock(&first, "ts_us")[..4], ["09:00:01", "09:00:20", "09:01:30", "09:01:00"]);
    assert_eq!(first.column("score")[7], "0");
    let second = read(adapted("zendesk-chat", "events", ""), "zendesk/chats-2.jsonl");
    assert_eq!(counts(&second), [1, 1, 0, 0]);
    let more = ["system handoff", "user feedback", "user feedback", "system session_end"];
    assert_eq!(told(&second), [&spoken[..], &more].concat());
    assert_eq!(second.column("score")[4..6], ["0", "1"]);
    // Two answers and the end are new; the rest was there.
    assert_eq!(identities([&first, &second]).len(), 9 + 3);
    holds_nothing_private(&second);
}

#[test]
fn chats_with_a_person_are_contacts() {
    let first = read(adapted("zendesk-chat", "contacts", ""), "zendesk/chats-1.jsonl");
    assert_eq!(counts(&first), [4, 3, 1, 0]);
    assert_eq!(clock(&first, "opened_us"), ["09:01:30", "09:30:11", "10:00:00"]);
    assert_eq!(clock(&first, "closed_us"), ["null", "09:40:00", "10:09:00"]);
    assert_eq!(first.column("score"), ["null", "0", "null"]);
    assert_eq!(first.column("service"), ["returns"; 3]);
    let second = read(adapted("zendesk-chat", "contacts", ""), "zendesk/chats-2.jsonl");
    assert_eq!([second.one("score"), second.one("instrument")], ["1", "helpful"]);
    assert_eq!(identities([&first, &second]).len(), 3);
}

#[test]
fn an_agent_may_be_a_bot() {
    let bots = ", options: { bots: [Answer Bot] }";
    let out = read(adapted("zendesk-chat", "events", bots), "zendesk/chats-1.jsonl");
    assert_eq!(told(&out)[4..7], ["bot message", "user message", "bot message"]);
    let out = read(adapted("zendesk-chat", "contacts", bots), "zendesk/chats-1.jsonl");
    assert_eq!(out.column("contact_id"), ["chat.1", "chat.3"]);
}

#[test]
fn who_acts_in_a_chat_event() {
    let bench = || {
        let mut bench =
            adapted("zendesk-fivetran-chat", "events", ", options: { bots: [\"agent:9\"] }");
        bench.object_key = "a.csv".to_owned();
        bench
    };
    let head =
        "chat_id,created_at,actor_id,chat_index,message,original_message,type,is_history_context\n";
    for (row, expected) in [
        (
            "c,2026-03-01 09:00:00.5,,0,Hi,\"{\"\"source\"\":{\"\"type\"\":\"\"zd:answerBot\"\"}}\",ChatMessage,",
            "bot message",
        ),
        ("c,2026-03-01 09:00:00.5,__trigger,0,Hi,,ChatMessage,", "bot message"),
        ("c,2026-03-01 09:00:00.5,agent:9,0,Hi,,ChatMessage,false", "bot message"),
        ("c,2026-03-01 09:00:00.5,agent:7,0,Hi,,ChatMessage,FALSE", "agent message"),
        ("c,2026-03-01 09:00:00.5,agent:7,0,Hi,,ChatMessage,TRUE", "agent other"),
        ("c,2026-03-01 09:00:00.5,21,0,Hi,{},ChatFileAttachment,", "user message"),
        ("c,2026-03-01 09:00:00.5,agent:,0,Hi,,ChatMessage,", "system message"),
        ("c,2026-03-01 09:00:00.5,__system,0,,,ChatDepartmentTransfer,", "bot handoff"),
        ("c,2026-03-01 09:00:00.5,agent:7,0,,,ChatJoin,", "agent handoff"),
        ("c,2026-03-01 09:00:00.5,agent:9,0,,,ChatJoin,", "bot other"),
        ("c,2026-03-01 09:00:00.5,21,0,,,ChatJoin,", "user other"),
        ("c,2026-03-01 09:00:00.5,__system,0,,,ChatEnded,", "bot session_end"),
        ("c,2026-03-01 09:00:00.5,21,0,,,ChatTyping,", "user other"),
    ] {
        let out = bench().run(format!("{head}{row}\n"));
        assert_eq!(told(&out), [expected], "{row}");
        let user = if expected.starts_with("user") {
            bench().hasher.user_key("21")
        } else {
            "null".to_owned()
        };
        assert_eq!(out.one("user_key"), user, "{row}");
    }
}
