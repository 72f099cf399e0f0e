//! Whatever the bytes: no panic, and every record in exactly one column.

use proptest::prelude::*;

use super::*;

const LINE: &str = r#"{"event_id":"e1","ts":"2026-03-01T10:00:00.5+01:00","bot":"b","conversation_id":"c","user_id":7,"actor":"user","type":"feedback","instrument":"csat_5","score":4,"lead_value":1.25,"is_test":false,"text":"a \u00e9 \" b"}"#;
const ROW: &str = "ts,actor,type,user_id,score,instrument,text\n2026-03-01T10:00:00Z,user,feedback,7,4,csat_5,\"a,\"\"b\"\"\"\n";

/// Overwrites, inserts and removes bytes that matter to parsers.
pub(super) fn mutated(text: impl Into<String>) -> impl Strategy<Value = Vec<u8>> {
    let text = text.into();
    let byte = prop_oneof![any::<u8>(), prop::sample::select(&b"{}[]\",:\\\n\r0-1.eEtnu *"[..])];
    prop::collection::vec((0..3_u8, any::<prop::sample::Index>(), byte), 0..8).prop_map(
        move |edits| {
            let mut bytes = text.clone().into_bytes();
            for (edit, index, byte) in edits {
                let at = index.index(bytes.len().max(1));
                match edit {
                    0 if at < bytes.len() => bytes[at] = byte,
                    1 if at < bytes.len() => _ = bytes.remove(at),
                    _ => bytes.insert(at.min(bytes.len()), byte),
                }
            }
            bytes
        },
    )
}

/// Gives how many records were read; None for an object that is refused.
pub(super) fn holds(
    bench: &Bench,
    object: &[u8],
) -> std::result::Result<Option<u64>, TestCaseError> {
    match bench.try_run(object) {
        Ok(out) => {
            let accounting = &out.decoded.accounting;
            let listed = out.decoded.quarantine.len() as u64;
            prop_assert_eq!(accounting.quarantined, listed);
            let rows: usize = out.days.values().map(|rows| rows.num_rows()).sum();
            prop_assert_eq!(accounting.kept, rows as u64);
            for bad in &out.decoded.quarantine {
                prop_assert!(bad.offset + bad.length <= object.len() as u64);
            }
            Ok(Some(accounting.read))
        }
        Err(error) => {
            prop_assert_eq!(error.kind, ErrorKind::Input);
            Ok(None)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes(object in prop::collection::vec(any::<u8>(), 0..300)) {
        holds(&Bench::events(), &object)?;
        holds(&Bench::csv(Kind::Contacts), &object)?;
    }

    #[test]
    fn damaged_lines(lines in prop::collection::vec(mutated(LINE), 1..4)) {
        let object = lines.join(&b'\n');
        let feeds = object.iter().filter(|b| **b == b'\n').count() as u64;
        if let Some(read) = holds(&Bench::events(), &object)? {
            let last_is_empty = object.last().is_none_or(|b| *b == b'\n');
            prop_assert_eq!(read, feeds + u64::from(!last_is_empty));
        }
    }

    #[test]
    fn damaged_rows(object in mutated(ROW)) {
        holds(&Bench::csv(Kind::Events), &object)?;
    }

    #[test]
    fn an_undamaged_line_survives_its_neighbours(before in mutated(LINE), after in mutated(LINE)) {
        let whole = LINE.replace("\"e1\"", "\"survivor\"");
        let object = [&before[..], whole.as_bytes(), &after].join(&b'\n');
        prop_assume!(!object.starts_with(&[0x1f, 0x8b]));
        let out = Bench::events().run(&object);
        prop_assert!(out.column("event_id").contains(&"survivor".to_owned()));
    }

    #[test]
    fn quarantined_bytes_can_be_found_again(lines in prop::collection::vec("[a-z\"{}, ]{0,20}", 0..20)) {
        let object = lines.join("\n");
        let mut bench = Bench::events();
        bench.keep_raw = true;
        let out = bench.run(&object);
        for bad in &out.decoded.quarantine {
            let at = bad.offset as usize;
            let raw = &object[at..at + bad.length as usize];
            prop_assert_eq!(Some(raw), bad.raw.as_deref());
            prop_assert_eq!(object[..at].matches('\n').count() as u64 + 1, bad.line);
        }
    }
}
