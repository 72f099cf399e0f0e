//! Bots of clouds and language models: what the adapters of Lex, Dialogflow CX, Langfuse and
//! OpenTelemetry make of logs in every container that they come in.
//!
//! What must come out was counted by hand, and for recorded logs by `tests/trace_counts.py`.

mod dialogflow;
mod langfuse;
mod lex;
mod otel;

use std::collections::BTreeSet;
use std::io::Write;

use super::*;
use crate::pipeline::compile;

/// A decoding by an adapter; `more` is put into the source, after a comma.
fn adapted(adapter: &str, name: &str, more: &str) -> Bench {
    let text = format!(
        "version: 1\nname: x\ntimezone: UTC\nwarehouse: w\nprivacy: {{ user_key_env: K }}\nsources:\n\
        \x20 - {{ name: bot, kind: events, adapter: {adapter}, path: logs/*{more} }}\n"
    );
    let mut pipeline = compile(Path::new("p/x.yaml"), &text).unwrap_or_else(|e| panic!("{e}"));
    let source = pipeline.sources.remove(0);
    Bench { source, object_key: format!("logs/{name}"), ..Bench::events() }
}

/// Records: read, decoded, filtered, empty, quarantined; events: kept, tests.
fn counts(out: &Outcome) -> [u64; 7] {
    let a = &out.decoded.accounting;
    [a.read, a.decoded, a.filtered, a.empty, a.quarantined, a.kept, a.test]
}

/// Events as `actor type`, in the order of days and then of the log.
fn told(out: &Outcome) -> Vec<String> {
    let both = out.column("actor").into_iter().zip(out.column("type"));
    both.map(|(actor, kind)| format!("{actor} {kind}")).collect()
}

/// How often each kind of event came.
fn tally(out: &Outcome) -> BTreeMap<String, u64> {
    let mut tally = BTreeMap::new();
    told(out).into_iter().for_each(|event| *tally.entry(event).or_default() += 1);
    tally
}

/// Everything of the rows but where they came from, in any order.
fn rows(out: &Outcome) -> BTreeSet<Vec<String>> {
    let columns: Vec<String> = Kind::Events.columns().into_iter().map(|c| c.name).collect();
    let places = ["object_key", "record_offset", "element", "seq", "dedup_hi", "dedup_lo"];
    let told = columns.iter().filter(|name| !places.contains(&name.as_str()));
    let columns: Vec<Vec<String>> = told.map(|name| out.column(name)).collect();
    let count = columns.first().map_or(0, Vec::len);
    (0..count).map(|at| columns.iter().map(|column| column[at].clone()).collect()).collect()
}

/// What staging tells copies by.
fn identities(out: &Outcome) -> BTreeSet<(String, String)> {
    out.column("dedup_hi").into_iter().zip(out.column("dedup_lo")).collect()
}

fn gzip(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes.as_ref()).unwrap();
    encoder.finish().unwrap()
}

/// A log that is not as it should be: what it is called, its bytes, and what becomes of each of its
/// records, such as `decoded + not_json`.
type Malformed<'t> = (&'t str, Vec<u8>, &'t str);

fn hold(bench: &Bench, cases: &[Malformed<'_>]) {
    assert!(cases.len() >= 8);
    for (name, object, expected) in cases {
        let out = bench.run(object);
        let [read, decoded, filtered, empty, ..] = counts(&out);
        let mut told = vec!["decoded"; decoded as usize];
        told.extend(vec!["filtered"; filtered as usize]);
        told.extend(vec!["empty"; empty as usize]);
        told.extend(out.reasons());
        assert_eq!((told.join(" + ").as_str(), told.len() as u64), (*expected, read), "{name}");
    }
}

/// Raw texts and ids that no decoded column may hold.
fn hides(out: &Outcome, private: &[&str]) {
    for batch in out.days.values() {
        for (at, field) in batch.schema().fields().iter().enumerate() {
            for row in 0..batch.num_rows() {
                let cell = show(batch.column(at), row);
                assert!(
                    !private.iter().any(|word| cell.contains(word)),
                    "{}: {cell}",
                    field.name()
                );
            }
        }
    }
}
