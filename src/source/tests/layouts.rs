//! Records that are not lines: every byte is in one, and they are what serde_json says they are.

use std::io::Cursor;

use proptest::prelude::*;
use serde_json::Value;

use super::mapped::bench;
use super::properties::mutated;
use super::*;

const ALL: [Layout; 3] = [Layout::Sequence, Layout::Array, Layout::Object];

/// What a splitter gave: offset, length, line, cut and bytes of each record.
type Cuts = Vec<(usize, usize, u64, Cut, Vec<u8>)>;

fn cuts(object: &[u8], layout: Layout) -> Result<Cuts> {
    let mut splitter = Splitter::new(Unpacked::new(Cursor::new(object), "a.json")?)?;
    let mut values = Values::new(layout);
    let mut cuts = Vec::new();
    while let Some(record) = splitter.next_value(&mut values)? {
        let (offset, length) = (record.offset as usize, record.length as usize);
        cuts.push((offset, length, record.line, record.cut, record.bytes.to_vec()));
    }
    Ok(cuts)
}

fn texts(object: &str, layout: Layout) -> Vec<String> {
    let cuts = cuts(object.as_bytes(), layout).unwrap_or_else(|e| panic!("{object}: {e}"));
    cuts.into_iter().map(|(.., bytes)| String::from_utf8(bytes).unwrap()).collect()
}

#[test]
fn values_are_cut_where_they_end() {
    use Layout::{Array, Object, Sequence};
    for (object, layout, records) in [
        ("", Sequence, &[][..]),
        (" \n", Array, &[]),
        (r#"{"a":"}{\""}{"b":[1]} [2]"#, Sequence, &[r#"{"a":"}{\""}"#, r#"{"b":[1]}"#, "[2]"]),
        ("{\n \"a\": 1\n}\n{\n}", Sequence, &["{\n \"a\": 1\n}", "{\n}"]),
        ("1 x{\"a\":1}] 2", Sequence, &["1", "x", "{\"a\":1}", "]", "2"]),
        ("[]", Array, &[]),
        (
            " [ {\"a\":[1,2]} ,\n{\"b\":\"],\"}, 3 ]\n",
            Array,
            &["{\"a\":[1,2]}", "{\"b\":\"],\"}", "3"],
        ),
        ("[1][2] [3]", Array, &["1", "2", "3"]),
        ("[1,,2 3]", Array, &["1", "", "2 3"]),
        ("[1}]", Array, &["1}"]),
        ("[1] and\nmore", Array, &["1", "and", "more"]),
        (r#"{"a":{"x":1}, "b" : 2}"#, Object, &[r#""a":{"x":1}"#, r#""b" : 2"#]),
    ] {
        assert_eq!(texts(object, layout), records, "{object}");
    }
    for (object, layout) in [
        ("[1,2", Array),
        ("[{\"a\":[1]}", Array),
        ("{\"a\":1}", Array),
        ("[1]", Object),
        ("7", Object),
    ] {
        assert_eq!(cuts(object.as_bytes(), layout).unwrap_err().kind, ErrorKind::Input, "{object}");
    }
}

#[test]
fn damage_costs_a_piece_and_not_the_rest() {
    let torn = "{\"a\":\"x}\n{\"b\":1}\n{\"c\":[}\n{\"d\":1}";
    assert_eq!(
        texts(torn, Layout::Sequence),
        ["{\"a\":\"x}", "{\"b\":1}", "{\"c\":[}", "{\"d\":1}"]
    );
    let array = "[\n{\"a\":\"x},\n{\"b\":1},\n{\"c\":2}\n]";
    let records = texts(array, Layout::Array);
    assert!(records.contains(&"{\"c\":2}".to_owned()), "{records:?}");
    // Brackets that nothing closes do not make reading slow: lines are records from then on.
    let open = "{\n".repeat(300_000);
    assert_eq!(texts(&open, Layout::Sequence).len(), 300_000);
}

#[test]
fn a_record_over_the_limit_is_skipped_to_its_end() {
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(3 << 20));
    for (layout, object, before) in [
        (Layout::Sequence, format!("{{}}{long}{{\"b\":1}}"), 2),
        (Layout::Array, format!("[{{}},{long},{{\"b\":1}}]"), 4),
        (Layout::Object, format!("{{\"\":1,\"k\":{long},{{\"b\":1}}}}"), 6),
    ] {
        let cuts = cuts(object.as_bytes(), layout).unwrap();
        assert_eq!(cuts.len(), 3, "{layout:?}");
        let (offset, length, _, cut, bytes) = &cuts[1];
        let key = if layout == Layout::Object { 4 } else { 0 };
        assert_eq!((*offset, *length, *cut), (before, long.len() + key, Cut::TooLong));
        assert_eq!(bytes.len(), split::LONGEST);
        assert_eq!(cuts[2].4, b"{\"b\":1}");
    }
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[a-z\"\\\\{}\\[\\],: é\n]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[abc01]{1,2}", inner, 0..4)
                .prop_map(|m| Value::Object(m.into_iter().collect())),
        ]
    })
}

fn damaged_array() -> impl Strategy<Value = (String, Vec<u8>)> {
    let text = prop::collection::vec(json(), 0..4).prop_map(|v| Value::from(v).to_string());
    text.prop_flat_map(|text| (Just(text.clone()), mutated(text)))
}

/// Outside of records there is nothing but white space and structure, and their places are true.
fn accounts_for(object: &[u8], layout: Layout) -> std::result::Result<(), TestCaseError> {
    let Ok(cuts) = cuts(object, layout) else { return Ok(()) };
    let start = if object.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    // A sequence that begins as an array is one.
    let is_array = object[start..].trim_ascii_start().starts_with(b"[");
    let structure: &[u8] = match layout {
        Layout::Sequence if is_array => b"[],",
        Layout::Sequence => b"",
        Layout::Array => b"[],",
        Layout::Object => b"{},",
    };
    let mut at = start;
    for (offset, length, line, _, bytes) in cuts {
        prop_assert!(offset >= at);
        let outside = |b: &u8| b.is_ascii_whitespace() || structure.contains(b);
        prop_assert!(object[at..offset].iter().all(outside), "{:?}", &object[at..offset]);
        prop_assert_eq!(&object[offset..offset + length], &bytes[..]);
        let lines = object[..offset].iter().filter(|b| **b == b'\n').count();
        prop_assert_eq!(line, lines as u64 + 1);
        at = offset + length;
    }
    let outside = |b: &u8| b.is_ascii_whitespace() || structure.contains(b);
    prop_assert!(object[at..].iter().all(outside), "{:?}", &object[at..]);
    Ok(())
}

const MAPPING: &str = "
emit:
  - explode: /a
    drop: { pointer: /b, equals: 0 }
    fields: { ts: { pointer: [/a, ^/c], format: epoch_s }, user_id: /b/*/c, actor: /a/b, type: /*/a }
  - fields: { ts: /c, conversation_id: /@key, actor: /a/0, type: { value: message }, text: /b/@json/a }
";

fn mapping() -> String {
    MAPPING.replace("/b/*/c,", "{ pointer: /b/*/c, take: first },").replace(
        "type: /*/a",
        "type: { pointer: /*/a, take: last, map: { x: goal }, default: message }",
    )
}

/// The record's value at a pointer of keys and positions.
fn truth<'v>(value: &'v Value, pointer: &str) -> Option<&'v Value> {
    value.pointer(pointer).filter(|found| !found.is_null() && *found != "")
}

fn read_one(text: &str, pointer: &str) -> std::result::Result<Option<String>, String> {
    let mapping = format!(
        "
emit:
  - fields: {{ ts: /ts, actor: {{ value: user }}, type: {{ value: message }}, reason: {pointer:?}, bot: /a }}
"
    );
    let bench = bench(&mapping);
    let Adapter::Mapped(mapping) = &bench.source.adapter else { panic!("mapped") };
    let slots = Table::keys(Kind::Events);
    let hasher = UserHasher::new(&[7; 32]).unwrap();
    let made = bumpalo::Bump::new();
    let mut mapper = Mapper::new(mapping, slots, None, &hasher);
    let mut keys = Keys::new(&mapper.plan.trie.roots());
    let text = mapper.read(text, false, &mut keys).map_err(|bad| bad.reason)?;
    let mut found = None;
    let slot = slots.iter().position(|name| *name == "reason").unwrap();
    let read = mapper.each_event(&text, &made, &mut |raws| {
        found = match raws[slot] {
            Raw::Nested => Some("nested".to_owned()),
            raw => made::text_of(raw).map(|text| text.into_owned()),
        };
        Ok(true)
    });
    read.unwrap().map_err(|bad| bad.reason)?;
    Ok(found)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn arrays_are_what_serde_json_says((text, damaged) in damaged_array()) {
        for object in [text.as_bytes(), &damaged] {
            let Ok(Value::Array(values)) = serde_json::from_slice(object) else { continue };
            let cuts = cuts(object, Layout::Array).unwrap();
            let ours: Vec<Value> = cuts.iter().map(|cut| serde_json::from_slice(&cut.4).unwrap()).collect();
            prop_assert_eq!(ours, values);
        }
    }

    #[test]
    fn sequences_are_what_was_put_together(
        values in prop::collection::vec((json(), "[ \n\r\t]{0,2}", any::<bool>()), 0..5),
    ) {
        let mut object = String::new();
        let mut expected = Vec::new();
        for (value, space, pretty) in values {
            // An array in front would be the list of the records.
            if value.is_object() || (value.is_array() && !expected.is_empty()) {
                object += &if pretty { serde_json::to_string_pretty(&value).unwrap() } else { value.to_string() };
                object += &space;
                expected.push(value);
            }
        }
        let ours: Vec<Value> =
            texts(&object, Layout::Sequence).iter().map(|t| serde_json::from_str(t).unwrap()).collect();
        prop_assert_eq!(ours, expected);
    }

    #[test]
    fn every_byte_is_accounted_for((text, damaged) in damaged_array(), noise in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assume!(!damaged.starts_with(&[0x1f, 0x8b]) && !noise.starts_with(&[0x1f, 0x8b]));
        for layout in ALL {
            for object in [text.as_bytes(), &damaged, &noise] {
                accounts_for(object, layout)?;
            }
        }
    }

    #[test]
    fn whatever_the_bytes_the_accounting_holds((_, damaged) in damaged_array(), rows in "[abc\",;\n{}\\[\\]:0]{0,60}") {
        let mut bench = bench(&mapping());
        for records in [Records::Jsonl, Records::Json, Records::JsonArray, Records::JsonObject] {
            bench.source.records = Some(records);
            super::properties::holds(&bench, &damaged)?;
        }
        bench.source.records = Some(Records::Csv);
        super::properties::holds(&bench, format!("a,b,c\n{rows}").as_bytes())?;
    }

    #[test]
    fn pointers_find_what_serde_json_finds(
        value in json(),
        pointer in prop::sample::select(vec!["/a", "/b", "/a/b", "/a/0", "/a/0/a", "/b/1", "/a/b/c", "/c/0/1", "/0", "/1/a"]),
    ) {
        prop_assume!(value.is_object());
        let text = value.to_string();
        let expected = truth(&value, pointer).map(|found| match found {
            Value::String(text) => text.clone(),
            Value::Object(_) | Value::Array(_) => "nested".to_owned(),
            other => other.to_string(),
        });
        prop_assert_eq!(read_one(&text, pointer), Ok(expected));
    }

    #[test]
    fn records_are_refused_when_serde_json_refuses_them((value, damaged) in json().prop_flat_map(|v| (Just(v.clone()), mutated(v.to_string())))) {
        prop_assume!(value.is_object());
        let Ok(text) = String::from_utf8(damaged) else { return Ok(()) };
        let ours = read_one(&text, "/a/b");
        match serde_json::from_str::<Value>(&text) {
            Ok(Value::Object(_)) => prop_assert!(
                !matches!(ours.as_ref().map_err(String::as_str), Err("not_json" | "not_object" | "trailing_data")),
                "{} {:?}", text, ours
            ),
            Ok(_) => (),
            // Half a surrogate pair and a number beyond f64 are grammar to us.
            Err(error) if ["surrogate", "out of range", "hex escape"].iter().any(|e| error.to_string().contains(e)) => (),
            Err(error) => prop_assert!(ours.is_err(), "{} {}", text, error),
        }
    }
}

#[test]
fn rows_of_parquet() {
    let written = parquet_file();
    let mapping = "
records: parquet
emit:
  - drop: { pointer: /who, equals: probe }
    fields: { ts: /at, user_id: /user, actor: { pointer: /who, map: { c: user, b: bot } }, type: { value: message }, lead_value: /worth }
";
    let bench = bench(mapping);
    let out = bench.run(&written);
    let accounting = &out.decoded.accounting;
    assert_eq!(
        (accounting.read, accounting.decoded, accounting.empty, accounting.quarantined),
        (4, 2, 1, 1)
    );
    assert_eq!(out.column("actor"), ["user", "bot"]);
    assert_eq!(out.column("ts"), ["1772355600000000", "1772355601000000"]);
    assert_eq!(out.column("lead_value"), ["-1.500000", "null"]);
    assert_eq!(out.column("record_offset"), ["0", "1"]);
    let bad = &out.decoded.quarantine[0];
    assert_eq!((bad.reason.as_str(), bad.offset, bad.line), ("bad_value:actor", 3, 4));
    for cut in [4, written.len() / 2, written.len() - 1] {
        assert_eq!(bench.try_run(&written[..cut]).err().unwrap().kind, ErrorKind::Input);
    }
}

fn parquet_file() -> Vec<u8> {
    use arrow::array::{Decimal128Array, Int64Array, StringArray, TimestampMicrosecondArray};
    use std::sync::Arc;

    let at = [0, 1, 2, 3].map(|second| 1_772_355_600_000_000 + second * 1_000_000);
    let columns: Vec<(&str, arrow::array::ArrayRef)> = vec![
        ("at", Arc::new(TimestampMicrosecondArray::from_iter_values(at).with_timezone("UTC"))),
        ("user", Arc::new(Int64Array::from(vec![7; 4]))),
        ("who", Arc::new(StringArray::from(vec!["c", "b", "probe", "?"]))),
        (
            "worth",
            Arc::new(
                Decimal128Array::from(vec![Some(-150), None, None, None])
                    .with_precision_and_scale(20, 2)
                    .unwrap(),
            ),
        ),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut file = Vec::new();
    let mut writer = parquet::arrow::ArrowWriter::try_new(&mut file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    file
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn damaged_parquet_is_refused_or_read(edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut object = parquet_file();
        for (index, byte) in edits {
            let at = index.index(object.len());
            object[at] = byte;
        }
        let mapping = "
records: parquet
emit:
  - fields: { ts: /at, user_id: /user, actor: { value: user }, type: { value: message } }
";
        prop_assume!(!object.starts_with(&[0x1f, 0x8b]));
        match bench(mapping).try_run(&object) {
            Ok(out) => prop_assert!(out.decoded.accounting.check().is_ok()),
            Err(error) => prop_assert_eq!(error.kind, ErrorKind::Input),
        }
    }
}
