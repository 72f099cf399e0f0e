//! Wrong mappings, each told with its place.

use std::path::Path;

use crate::error::Diagnostic;
use crate::pipeline::compile;

fn wrong(mapping: &str) -> Vec<Diagnostic> {
    let mut text =
        "version: 1\nname: x\ntimezone: UTC\nwarehouse: w\nprivacy: { user_key_env: K }\n\
        sources:\n  - name: a\n    kind: events\n    adapter: mapped\n    path: a/*\n"
            .to_owned();
    for line in mapping.lines() {
        text += &format!("    {line}\n");
    }
    compile(Path::new("p/x.yaml"), &text).map_or_else(|error| error.diagnostics, |_| Vec::new())
}

/// An emit with the least fields and these.
fn emit(more: &str) -> String {
    format!(
        "emit: [{{ fields: {{ ts: /at, actor: {{ value: user }}, type: {{ value: goal }}, {more} }} }}]"
    )
}

#[test]
fn every_mistake_of_a_mapping_is_told_at_once() {
    let mapping = r#"keep: { pointer: /a, equal: x }
records: jsonlines
emit:
  - explode: ../messages
    drop: []
    fields:
      ts: { pointer: /at, format: epoch }
      converstion_id: ^/chat/id
      user_id: customer
      actor: { pointer: /who, map: { customer: user, assistant: bott } }
      locale: ../../lang
      score: { pointer: /*/score }
      latency_ms: { value: fast, pointer: /ms }
      is_test: { value: maybe }
      text: { pointer: /text, scale: 2 }
"#;
    let told: Vec<String> = wrong(mapping).iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    p/x.yaml:11:22: nothing is asked of this pointer
        add in: [..], equals, exists, matches, same_as, at_least or below
    p/x.yaml:11:26: unknown key `equal` in the condition
        did you mean `equals`?
    p/x.yaml:12:14: `jsonlines` is not a format of records
        known: jsonl, csv, json, json-array, json-object, parquet
    p/x.yaml:14:18: a level of explode starts from the level before
        write one pointer a level: [/entry, /changes]
    p/x.yaml:15:15: the list of conditions is empty
        add one, or leave the key out
    p/x.yaml:17:11: `type` is missing from the fields
        add `type: /pointer` or `type: { value: .. }`
    p/x.yaml:17:39: `epoch` is not a format of times
        known: rfc3339, epoch_s, epoch_ms, epoch_us, epoch_ns, a pattern such as %d.%m.%Y %H:%M
    p/x.yaml:18:11: `converstion_id` is not a column of such records
        did you mean `conversation_id`?
    p/x.yaml:19:20: `customer` is not a pointer
        write `/customer` for a value of the record, or { value: customer }
    p/x.yaml:20:69: `bott` cannot be the value of `actor`
        did you mean `bot`?
    p/x.yaml:21:19: `../../lang` leads out of the record
        each `..` goes around one level of explode; `^` is the record
    p/x.yaml:22:18: a pointer with `*` finds many values
        add `take: first` or `take: last`
    p/x.yaml:23:23: `value` and `pointer` are both given
        leave one of them out
    p/x.yaml:24:29: `maybe` cannot be the value of `is_test`
        docs/canonical.md says what it takes
    p/x.yaml:25:42: `text` is neither a whole number nor money
        leave `scale` out
    "#);
}

/// Each mapping has exactly this one mistake.
#[test]
fn single_mistakes() {
    for (mapping, message) in [
        ("records: json".to_owned(), "`emit` is missing from the source"),
        ("emit: []".to_owned(), "there must be one `emit`"),
        (format!("batches: /data\n{}", emit("bot: /a")), "a batch holds many records"),
        (format!("batches: {{ drop: {{ pointer: /a, exists: true }} }}\n{}", emit("bot: /a")), "`pointer` is missing from the batch"),
        (format!("fields: {{ bott: /b }}\n{}", emit("bot: /a")), "`bott` is not a column"),
        ("emit: [{}]".to_owned(), "`fields` is missing from the emit"),
        (emit("bot: /a/@key"), "stand alone after the base"),
        (emit("bot: { default: x }"), "nothing says where `bot` comes from"),
        (emit("bot: []"), "the list of pointers is empty"),
        (emit("bot: { value: \"*\" }"), "`*` cannot be the value of `bot`"),
        (emit("bot: { pointer: /a, take: any }"), "`any` is not a way to take one"),
        (emit("bot: { pointer: /a, format: epoch_s }"), "neither an instant nor a date"),
        (emit("bot: { pointer: /a, unmapped: drop }"), "`drop` is not a way with other values"),
        (emit("bot: { pointer: /a, map: { x: a, x: b } }"), "`x` is given twice"),
        (emit("seq: { pointer: /a, map: { x: 1 }, scale: 2 }"), "nothing left to format or scale"),
        (emit("seq: { pointer: /a, scale: 0 }"), "expected a number from"),
        (emit("bot: { rules: [{ value: x, when: { pointer: /a } }] }"), "nothing is asked"),
        (emit("bot: { rules: [{ value: x, when: { equals: y } }] }"), "`pointer` is missing"),
        (emit("bot: { rules: [{ value: x, when: { pointer: /a, matches: \"(\" } }] }"), "not a regular"),
        (emit("bot: { rules: [{ value: x, when: [] }] }"), "list of conditions is empty"),
        (format!("unwrap: [/a, /b/*]\n{}", emit("bot: /x")), "an envelope holds one record"),
        (format!("unwrap: ^/a\n{}", emit("bot: /x")), "an envelope holds one record"),
        (emit("bot: ../x"), "`../x` leads out of the record"),
        (emit("instrument: { value: csat5 }"), "`csat5` cannot be the value of `instrument`"),
        ("emit: [{ fields: { ts: /at, type: { value: goal } } }]".to_owned(), "`actor` is missing"),
        (
            "emit: [{ fields: { ts: { pointer: /at, format: \"%d.%m.%Y\" }, actor: { value: user }, \
             type: { value: goal } } }]".to_owned(),
            "nothing says which zone",
        ),
        (
            "emit: [{ fields: { ts: { pointer: /at, format: \"%Q\" }, actor: { value: user }, \
             type: { value: goal } } }]".to_owned(),
            "`%Q` is not a format of times",
        ),
    ] {
        let found = wrong(&mapping);
        assert_eq!(found.len(), 1, "{mapping}\n{found:?}");
        assert!(found[0].message.contains(message), "{mapping}\n{found:?}");
        assert!(found[0].line > 6 && found[0].column > 0 && found[0].remedy.is_some());
    }
}

#[test]
fn what_the_source_says_counts_for_its_mapping() {
    let least = "emit: [{ fields: { ts: /at } }]\ndefaults: { actor: user, type: message }";
    assert_eq!(wrong(least), []);
    let zoned = "timezone: UTC\ndefaults: { actor: user, type: message }\n\
        emit: [{ fields: { ts: { pointer: /at, format: \"%d.%m.%Y %H:%M\" } } }]";
    assert_eq!(wrong(zoned), []);
    let shared = "fields: { actor: { value: user }, type: { value: goal }, ts: x }\n\
        emit: [{ fields: { ts: /at } }, { fields: { ts: /at, type: { value: other } } }]";
    assert_eq!(wrong(shared), [], "an entry's own column counts before");
    assert_eq!(
        wrong(&shared.replace("{ fields: { ts: /at } }", "{ fields: { bot: /b } }")).len(),
        1
    );
    let offset = zoned.replace("timezone: UTC\n", "").replace("%H:%M", "%H:%M %z");
    assert_eq!(wrong(&offset), []);
    let deep = format!(
        "keep: {}{{ pointer: /a, exists: true }}{}\n{least}",
        "{ not: ".repeat(9),
        " }".repeat(9)
    );
    assert_eq!(wrong(&deep).len(), 1);
}
