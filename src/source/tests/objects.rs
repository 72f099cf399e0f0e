//! Objects as a whole: compression, line ends, places of records, many days, privacy.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;
use crate::interval::plus;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn compression_changes_nothing() {
    let object = (0..500).map(|n| line(&format!(r#""event_id":{n}"#)) + "\n").collect::<String>();
    let (a, b) = object.as_bytes().split_at(object.len() / 3);
    let bench = Bench::events();
    let plain = bench.run(&object);
    let packed = [
        gzip(object.as_bytes()),
        [gzip(a), gzip(b)].concat(),
        zstd::encode_all(object.as_bytes(), 3).unwrap(),
    ];
    for packed in packed {
        let out = bench.run(packed);
        assert_eq!(out.days, plain.days);
        assert_eq!(out.decoded.accounting, plain.decoded.accounting);
    }
}

#[test]
fn a_cut_object_is_refused_whole_and_leaves_no_file() {
    let object = (0..300).map(|n| line(&format!(r#""event_id":{n}"#)) + "\n").collect::<String>();
    let mut bench = Bench::events();
    bench.object_key = "logs/a.jsonl.gz".to_owned();
    let packed = gzip(object.as_bytes());
    for cut in (0..packed.len()).step_by(13) {
        let error = bench.try_run(&packed[..cut]).err().unwrap();
        assert_eq!(error.kind, ErrorKind::Input);
        assert!(error.message.contains("truncated_object"));
    }
}

#[test]
fn line_ends_marks_and_blanks() {
    let object = format!("\u{feff}{}\r\n\r\n  \t\nbad\r\n{}", line(""), line(""));
    let out = Bench::events().run(object);
    let accounting = &out.decoded.accounting;
    assert_eq!((accounting.read, accounting.blank, accounting.kept, accounting.bom), (5, 2, 2, 1));
    let length = line("").len() as u64;
    let bad = &out.decoded.quarantine[0];
    assert_eq!((bad.offset, bad.length, bad.line), (3 + length + 8, 3, 4));
    assert_eq!(out.column("record_offset"), ["3".to_owned(), (bad.offset + 5).to_string()]);
    assert_eq!(out.column("seq"), ["0", "2"]);
    assert_eq!(Bench::events().run("\u{feff}").decoded.accounting.bom, 1);
}

#[test]
fn broken_bytes_cost_one_record_each() {
    let good = line("").into_bytes();
    let long = [b"{\"a\":\"".to_vec(), vec![b'x'; 5 << 20], b"\"}\r".to_vec()].concat();
    let object =
        [&good[..], b"\xff\xfe{}", &long, &good, &long[..(1 << 20) + 1], &good].join(&b'\n');
    let mut bench = Bench::events();
    bench.keep_raw = true;
    let out = bench.run(object);
    assert_eq!(out.reasons(), ["invalid_utf8", "line_too_long", "line_too_long"]);
    let [bad, first, second] = &out.decoded.quarantine[..] else { panic!() };
    assert_eq!((bad.offset, bad.length, bad.line), (good.len() as u64 + 1, 4, 2));
    assert_eq!((first.offset, first.length), (bad.offset + 5, long.len() as u64 - 1));
    assert_eq!((second.length, second.line), ((1 << 20) + 1, 5));
    assert_eq!(out.column("record_offset").len(), 3);
    assert_eq!(bad.raw.as_deref(), Some("\u{fffd}\u{fffd}{}"));
}

#[test]
fn a_line_of_the_longest_length_is_read() {
    let fill = |length: usize| {
        let bare = line(r#""text":"""#).len();
        line(&format!(r#""text":"{}""#, "x".repeat(length - bare)))
    };
    for end in ["", "\n", "\r\n"] {
        let out = Bench::events().run(fill(1 << 20) + end);
        assert_eq!(out.decoded.accounting.kept, 1, "{end:?}");
        let out = Bench::events().run(fill((1 << 20) + 1) + end);
        assert_eq!(out.reasons(), ["line_too_long"], "{end:?}");
        assert_eq!(out.decoded.quarantine[0].length, (1 << 20) + 1);
    }
}

#[test]
fn rows_of_csv_know_their_place() {
    let object = "ts,actor,type,user_id,text\r\n\
                  2026-03-01T10:00:00Z,user,message,7,\"two\r\nlines, \"\"quoted\"\"\"\r\n\
                  bad\r\n\
                  2026-03-01T10:00:00Z,user,message,7,é\r\n";
    let out = Bench::csv(Kind::Events).run(object);
    assert_eq!(out.column("text_chars"), ["20", "1"]);
    let bad = &out.decoded.quarantine[0];
    let offset = object.find("bad").unwrap() as u64;
    assert_eq!((bad.offset, bad.length, bad.line), (offset, 3, 4));
    assert_eq!(out.column("record_offset"), ["28".to_owned(), (offset + 5).to_string()]);
}

#[test]
fn an_open_quote_costs_its_line_also_in_large_objects() {
    let good = "2026-03-01T10:00:00Z,bot,other\n".repeat(60_000);
    let object = format!("ts,actor,type\n{good}\"open,bot,other\n{good}");
    let out = Bench::csv(Kind::Events).run(object);
    assert_eq!(out.reasons(), ["unclosed_quote"]);
    assert_eq!(out.decoded.accounting.kept, 120_000);
}

#[test]
fn the_source_says_what_records_are() {
    let mut bench = Bench::csv(Kind::Events);
    bench.source.records = Some(Records::Jsonl);
    assert_eq!(bench.run(line("")).decoded.accounting.kept, 1);
    bench.object_key = "a.CSV.zst".to_owned();
    bench.source.records = None;
    let packed = zstd::encode_all("ts,actor,type\n".as_bytes(), 1).unwrap();
    assert_eq!(bench.run(packed).decoded.accounting, Accounting::default());
}

#[test]
fn an_object_of_many_days_and_many_rows() {
    let first: NaiveDate = "2024-01-01".parse().unwrap();
    let mut object = String::new();
    for n in 0..300_000_u32 {
        // Days come back after their files had to make room for others.
        let date = plus(first, i64::from(n % 150));
        object += &format!("{{\"ts\":\"{date}T10:00:00Z\",\"ok\":true,\"latency_ms\":{n}}}\n");
    }
    let out = Bench::new(Kind::Probes).run(&object);
    assert_eq!(out.days.len(), 150);
    let mut seen = 0_u64;
    for (day, rows) in out.days.values().enumerate() {
        assert_eq!(rows.num_rows(), 2_000);
        let seen_here = rows.column_by_name("latency_ms").unwrap().as_primitive::<Int64Type>();
        for (n, seq) in seen_here.values().iter().enumerate() {
            assert_eq!(*seq, (n * 150 + day) as i64);
            seen += 1;
        }
    }
    assert_eq!(seen, 300_000);
}

#[test]
fn the_same_object_gives_the_same_files() {
    let object = (0..2_000).map(|n| line(&format!(r#""event_id":{n}"#)) + "\n").collect::<String>();
    let bytes = || {
        let out = Bench::events().run(&object);
        out.decoded.files.iter().map(|f| std::fs::read(&f.path).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(bytes(), bytes());
}

#[test]
fn nothing_written_holds_a_raw_id_or_text() {
    let secret = "canary-4670123";
    let object = [
        line(&format!(r#""conversation_id":"{secret}","text":"{secret}""#)).replace("u1", secret),
        line(&format!(r#""bot":"*","conversation_id":"{secret}""#)),
    ]
    .join("\n");
    let out = Bench::events().run(object);
    assert_eq!(out.decoded.accounting.quarantined, 1);
    assert!(!format!("{:?}", out.decoded).contains(secret));
    assert!(out.days.values().all(|rows| !format!("{rows:?}").contains(secret)));
}

#[test]
fn the_list_of_the_quarantine_is_bounded_and_its_count_is_not() {
    let out = Bench::events().run("x\n".repeat(100_001));
    assert_eq!(out.decoded.quarantine.len(), 100_000);
    assert_eq!(out.decoded.accounting.quarantined, 100_001);
}
