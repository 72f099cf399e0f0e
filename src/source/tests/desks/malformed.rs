//! What is wrong with deliveries, format by format: each record ends where it should.

use super::*;

/// A format with a record of it, and what becomes of changed ones.
struct Format {
    adapter: &'static str,
    kind: &'static str,
    /// One record; of CSV a header and a row.
    good: &'static str,
    /// Rows that it makes.
    rows: usize,
    /// What is replaced in the record by what, and the reason of the quarantine: none of a record
    /// that is right, or [`FILTERED`].
    changes: &'static [(&'static str, &'static str, &'static str)],
}

/// Said of a record that is left out on purpose.
const FILTERED: &str = "filtered";

/// What becomes of an object: its records and their reasons, and the rows that are no copies.
fn outcome(format: &Format, object: &[u8]) -> ([u64; 5], Vec<String>, usize) {
    let mut bench = adapted(format.adapter, format.kind, "");
    bench.object_key = if format.is_csv() { "a.csv" } else { "a.jsonl" }.to_owned();
    let out = bench.run(object);
    let a = &out.decoded.accounting;
    let reasons = out.reasons().into_iter().map(str::to_owned).collect();
    ([a.read, a.decoded, a.filtered, a.empty, a.quarantined], reasons, identities([&out]).len())
}

impl Format {
    fn is_csv(&self) -> bool {
        !self.good.starts_with('{')
    }

    /// The record with its first `from` replaced.
    fn with(&self, from: &str, to: &str) -> String {
        assert!(self.good.contains(from), "{}: {from}", self.adapter);
        self.good.replacen(from, to, 1)
    }

    /// An object of this record twice, with another one in between.
    fn around(&self, record: &[u8]) -> Vec<u8> {
        let last = self.good.lines().last().unwrap().as_bytes();
        [self.good.as_bytes(), b"\n", record, b"\n", last, b"\n"].concat()
    }

    /// Everything that can happen to any of these formats.
    #[expect(clippy::too_many_lines, reason = "a table of deliveries and what becomes of each")]
    fn deliveries(&self) -> Vec<(&'static str, Vec<u8>, [u64; 5], &'static str)> {
        let good = self.good;
        let (head, last) = good.rsplit_once('\n').unwrap_or(("", good));
        let utf16: Vec<u8> = "\u{feff}"
            .encode_utf16()
            .chain(last.encode_utf16())
            .flat_map(u16::to_le_bytes)
            .collect();
        let mut told = vec![
            ("delivered twice", self.around(last.as_bytes()), [3, 3, 0, 0, 0], ""),
            (
                "another encoding",
                self.around(&[last.as_bytes(), b"\xe9"].concat()),
                [3, 2, 0, 0, 1],
                "invalid_utf8",
            ),
            ("two bytes a character", self.around(&utf16), [3, 2, 0, 0, 1], "invalid_utf8"),
            (
                "from Windows",
                format!("\u{feff}{}\r\n{last}\r\n", good.replace('\n', "\r\n")).into_bytes(),
                [2, 2, 0, 0, 0],
                "",
            ),
        ];
        if self.is_csv() {
            let row = |cells: &str| self.around(cells.as_bytes());
            let (first, rest) = last.split_once(',').unwrap();
            let (name, names) = head.split_once(',').unwrap();
            told.extend([
                ("cut short", row(first), [3, 2, 0, 0, 1], "bad_columns"),
                ("a cell too many", row(&format!("{last},x")), [3, 2, 0, 0, 1], "bad_columns"),
                (
                    "a quote that never ends",
                    format!("{good}\n\"{last}").into_bytes(),
                    [2, 1, 0, 0, 1],
                    "unclosed_quote",
                ),
                (
                    "a new column",
                    format!("{head},brand_new\n{last},1\n").into_bytes(),
                    [1, 1, 0, 0, 0],
                    "",
                ),
                (
                    "columns in another order",
                    format!("{names},{name}\n{rest},{first}\n").into_bytes(),
                    [1, 1, 0, 0, 0],
                    "",
                ),
            ]);
        } else {
            let new = last.replacen('{', r#"{"brand_new":{"a":[1,null]},"#, 1);
            let twice = last.replacen('{', r#"{"id":1,"id":2,"#, 1);
            told.extend([
                (
                    "cut short",
                    self.around(&last.as_bytes()[..last.len() / 2]),
                    [3, 2, 0, 0, 1],
                    "not_json",
                ),
                (
                    "a line of another program",
                    self.around(b"out of memory"),
                    [3, 2, 0, 0, 1],
                    "not_json",
                ),
                (
                    "a list of records",
                    self.around(format!("[{last}]").as_bytes()),
                    [3, 2, 0, 0, 1],
                    "not_object",
                ),
                ("a key twice", self.around(twice.as_bytes()), [3, 2, 0, 0, 1], "duplicate_key"),
                ("a new field", self.around(new.as_bytes()), [3, 3, 0, 0, 0], ""),
                (
                    "escaped",
                    self.around(last.replacen("\"id\"", "\"\\u0069d\"", 1).as_bytes()),
                    [3, 3, 0, 0, 0],
                    "",
                ),
            ]);
        }
        told
    }
}

const FORMATS: &[Format] = &[
    Format {
        adapter: "zendesk-tickets",
        kind: "contacts",
        good: r#"{"id":501,"created_at":"2026-03-01T09:00:00Z","updated_at":"2026-03-01T09:30:00Z","status":"solved","via":{"channel":"email"},"requester_id":21,"tags":["a"],"satisfaction_rating":{"score":"good"},"metric_set":{"solved_at":"2026-03-01T09:20:00Z"}}"#,
        rows: 1,
        changes: &[
            ("\"id\":501", "\"id\":{\"n\":1}", "bad_type:contact_id"),
            ("\"id\":501,", "", "missing_field:contact_id"),
            ("\"id\":501", "\"id\":50.5", "bad_value:contact_id"),
            ("\"2026-03-01T09:00:00Z\"", "1772355600", "bad_type:opened_ts"),
            ("\"2026-03-01T09:00:00Z\"", "\"soon\"", "bad_timestamp"),
            ("\"2026-03-01T09:20:00Z\"", "\"2026-02-01T09:20:00Z\"", "bad_value:closed_ts"),
            ("\"2026-03-01T09:30:00Z\"", "\"2027-03-01T09:30:00Z\"", "ts_out_of_range"),
            ("\"solved\"", "\"waiting_for_parts\"", ""),
            ("[\"a\"]", "\"a b\"", "bad_json"),
            ("{\"channel\":\"email\"}", "\"email\"", ""),
            ("\"good\"", "\"superb\"", ""),
        ],
    },
    Format {
        adapter: "zendesk-comments",
        kind: "events",
        good: r#"{"id":1,"type":"Comment","author_id":7,"author_role":"agent","body":"x","public":true,"created_at":"2026-03-01T09:00:00Z","ticket_id":601}"#,
        rows: 1,
        changes: &[
            ("601", "[601]", "bad_type:conversation_id"),
            (",\"ticket_id\":601", "", "missing_field:conversation_id"),
            (",\"created_at\":\"2026-03-01T09:00:00Z\"", "", "missing_field:ts"),
            ("\"public\":true", "\"public\":\"false\"", FILTERED),
            ("\"body\":\"x\"", "\"body\":[\"x\"]", "bad_type:text"),
            ("\"agent\"", "\"light-agent\"", ""),
        ],
    },
    Format {
        adapter: "zendesk-ratings",
        kind: "surveys",
        good: r#"{"id":71,"ticket_id":601,"score":"good","created_at":"2026-03-01T09:00:00Z","updated_at":"2026-03-01T09:10:00Z"}"#,
        rows: 1,
        changes: &[
            ("\"good\"", "\"superb\"", "bad_value:score"),
            (",\"score\":\"good\"", "", "missing_field:score"),
            ("\"2026-03-01T09:10:00Z\"", "\"\"", ""),
            ("\"good\"", "\"unoffered\"", FILTERED),
        ],
    },
    Format {
        adapter: "zendesk-chat",
        kind: "events",
        good: r#"{"id":"chat.1","type":"chat","visitor":{"id":"v1"},"history":[{"timestamp":"2026-03-01T09:00:00Z","type":"chat.msg","sender_type":"Trigger","msg":"Hi"},{"timestamp":"2026-03-01T09:00:20Z","type":"chat.msg","sender_type":"Visitor","msg":"Ho"}],"rating":"good","end_timestamp":"2026-03-01T09:10:00Z"}"#,
        rows: 4,
        changes: &[
            // Such messages are a user's.
            ("\"id\":\"chat.1\",", "", ""),
            ("\"2026-03-01T09:00:20Z\"", "\"later\"", "bad_timestamp"),
            ("\"2026-03-01T09:00:20Z\"", "null", "missing_field:ts"),
            ("\"msg\":\"Ho\"", "\"msg\":[\"Ho\"]", "bad_type:text"),
            ("\"Visitor\"", "\"Stranger\"", ""),
            ("\"Trigger\"", "\"Agent\"", FILTERED),
            ("\"type\":\"chat\"", "\"type\":\"offline_msg\"", FILTERED),
            ("\"v1\"", "{\"x\":1}", "bad_type:user_id"),
        ],
    },
    Format {
        adapter: "zendesk-fivetran-chat",
        kind: "events",
        good: "chat_id,created_at,actor_id,chat_index,message,original_message,type\nc1,2026-03-01 09:00:00.5,21,0,Hi,{},ChatMessage",
        rows: 1,
        changes: &[
            ("2026-03-01 09:00:00.5", "01/03/2026", "bad_timestamp"),
            ("2026-03-01 09:00:00.5", "", "missing_field:ts"),
            (",{},", ",{,", "bad_json"),
            ("ChatMessage", "ChatBrandNew", ""),
        ],
    },
    Format {
        adapter: "intercom",
        kind: "events",
        good: r#"{"id":"1","created_at":1772355600,"source":{"type":"conversation","body":"x","author":{"type":"user","id":"c1"}},"contacts":{"contacts":[{"id":"c1"}]},"ai_agent_participated":true,"ai_agent":{"resolution_state":"escalated","updated_at":1772355660},"conversation_rating":{"rating":4,"created_at":1772355700},"conversation_parts":{"conversation_parts":[{"id":"2","part_type":"comment","body":"y","created_at":1772355610,"author":{"type":"bot","id":"9"}}]}}"#,
        rows: 4,
        changes: &[
            ("\"rating\":4", "\"rating\":7", "bad_value:score"),
            ("\"rating\":4", "\"rating\":\"amazing\"", "bad_type:score"),
            ("1772355610", "\"2026-03-01T09:00:10Z\"", "bad_timestamp"),
            ("1772355610", "1772355610000", "ts_out_of_range"),
            (",\"created_at\":1772355610", "", "missing_field:ts"),
            ("{\"conversation_parts\":[", "{\"conversation_parts\":[7,", ""),
            ("\"ai_agent_participated\":true", "\"ai_agent_participated\":false", FILTERED),
            ("\"escalated\"", "\"brand_new\"", ""),
            ("\"part_type\":\"comment\"", "\"part_type\":\"brand_new\"", ""),
            // Such messages are a user's.
            ("\"id\":\"1\",", "", ""),
        ],
    },
    Format {
        adapter: "intercom",
        kind: "contacts",
        good: r#"{"id":"1","created_at":1772355600,"updated_at":1772356600,"state":"closed","source":{"type":"email","delivered_as":"customer_initiated"},"contacts":{"contacts":[{"id":"c1"}]},"conversation_rating":{"rating":4},"statistics":{"handling_time":60,"last_close_at":1772356500}}"#,
        rows: 1,
        changes: &[
            ("\"handling_time\":60", "\"handling_time\":-60", "bad_value:handle_seconds"),
            ("\"handling_time\":60", "\"handling_time\":\"an hour\"", "bad_type:handle_seconds"),
            ("1772356500", "1772355500", "bad_value:closed_ts"),
            ("\"rating\":4", "\"rating\":0", "bad_value:score"),
            ("\"customer_initiated\"", "\"automated\"", FILTERED),
        ],
    },
    Format {
        adapter: "intercom-parts",
        kind: "events",
        good: r#"{"id":"15","part_type":"close","body":"Bye","created_at":1772355600,"author":{"type":"admin","id":"a1"},"conversation_id":1002}"#,
        rows: 2,
        changes: &[
            (",\"conversation_id\":1002", "", "missing_field:conversation_id"),
            ("\"close\"", "\"note\"", FILTERED),
            ("\"admin\"", "\"martian\"", ""),
            ("1772355600", "{}", "bad_type:ts"),
        ],
    },
    Format {
        adapter: "intercom-fivetran",
        kind: "contacts",
        good: "id,updated_at,_fivetran_active,created_at,state,source_type,conversation_rating_value\n1,2026-03-01 09:10:00,TRUE,2026-03-01 09:00:00,closed,email,4.0",
        rows: 1,
        changes: &[
            ("TRUE", "False", FILTERED),
            ("4.0", "9", "bad_value:score"),
            ("4.0", "good", "bad_type:score"),
            ("2026-03-01 09:00:00", "yesterday", "bad_timestamp"),
        ],
    },
    Format {
        adapter: "intercom-fivetran-parts",
        kind: "events",
        good: "id,_fivetran_active,conversation_id,created_at,part_type,author_type,author_id,body\n15,true,12,2026-03-01 09:00:00,close,admin,a1,Bye",
        rows: 2,
        changes: &[
            ("true", "false", FILTERED),
            (",12,", ",,", "missing_field:conversation_id"),
            ("close", "assignment", ""),
        ],
    },
    Format {
        adapter: "chatwoot-messages",
        kind: "events",
        good: "id,content,conversation_id,message_type,created_at,private,content_type,sender_type,sender_id\n501,hi,77,0,2026-03-01 09:00:00,f,0,Contact,9",
        rows: 1,
        changes: &[
            (",77,0,", ",77,7,", "missing_field:type"),
            (",f,", ",t,", FILTERED),
            (",77,", ",,", ""),
            ("2026-03-01 09:00:00", "1772355600", "bad_timestamp"),
        ],
    },
    Format {
        adapter: "chatwoot-conversations",
        kind: "contacts",
        good: "id,status,created_at,updated_at,contact_id,first_reply_created_at,cached_label_list\n77,1,2026-03-01 09:00:00,2026-03-01 09:20:00,9,2026-03-01 09:05:00,parcels",
        rows: 1,
        changes: &[
            ("2026-03-01 09:05:00", "", FILTERED),
            ("2026-03-01 09:05:00", "never", "bad_timestamp"),
            (",1,", ",9,", ""),
        ],
    },
    Format {
        adapter: "chatwoot-csat",
        kind: "surveys",
        good: "id,conversation_id,rating,contact_id,created_at\n31,77,4,9,2026-03-01 09:21:00",
        rows: 1,
        changes: &[(",4,", ",6,", "bad_value:score"), (",4,", ",,", "missing_field:score")],
    },
    Format {
        adapter: "chatwoot-reporting-events",
        kind: "events",
        good: "id,name,value,conversation_id,event_end_time\n1,conversation_bot_handoff,61.0,77,2026-03-01 09:01:01",
        rows: 1,
        changes: &[
            ("conversation_bot_handoff", "brand_new", FILTERED),
            ("2026-03-01 09:01:01", "", "missing_field:ts"),
        ],
    },
];

#[test]
fn whatever_is_delivered_is_accounted_for() {
    let mut wrong = Vec::new();
    for format in FORMATS {
        let mut check = |what: &str, object: &[u8], expected: ([u64; 5], &str), rows| {
            let (told, why, found) = outcome(format, object);
            let reasons: Vec<&str> =
                Some(expected.1).into_iter().filter(|r| !r.is_empty()).collect();
            if told != expected.0 || why != reasons || rows != found {
                let whose = format!("{} {}: {what}", format.adapter, format.kind);
                wrong.push(format!("{whose}: {told:?} {why:?} {found} rows"));
            }
        };
        for (what, object, counts, reason) in format.deliveries() {
            check(what, &object, (counts, reason), format.rows);
        }
        for (from, to, reason) in format.changes {
            let counts = match *reason {
                "" => [1, 1, 0, 0, 0],
                FILTERED => [1, 0, 1, 0, 0],
                _ => [1, 0, 0, 0, 1],
            };
            let reason = if *reason == FILTERED { "" } else { reason };
            let object = format.with(from, to);
            let rows = if counts[1] == 1 { outcome(format, object.as_bytes()).2 } else { 0 };
            check(&format!("{from} -> {to}"), object.as_bytes(), (counts, reason), rows);
        }
        assert!(format.deliveries().len() + format.changes.len() >= 8, "{}", format.adapter);
    }
    assert_eq!(wrong, [""; 0], "{wrong:#?}");
}
