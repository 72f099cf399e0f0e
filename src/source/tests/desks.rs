//! Helpdesks: what the adapters of Zendesk, Intercom and Chatwoot make of their logs.
//!
//! The logs lie in `tests/adapters/`; what must come out was counted by hand.

mod chatwoot;
mod intercom;
mod malformed;
mod zendesk;

use std::collections::BTreeSet;

use super::*;
use crate::pipeline::compile;

/// A decoding by an adapter; `more` is put into the source, after a comma.
pub(super) fn adapted(adapter: &str, kind: &str, more: &str) -> Bench {
    let text = format!(
        "version: 1\nname: x\ntimezone: UTC\nwarehouse: w\nprivacy: {{ user_key_env: K }}\nsources:\n\
        \x20 - {{ name: bot, kind: {kind}, adapter: {adapter}, path: logs/*{more} }}\n\
        \x20 - {{ name: other, kind: events, adapter: canonical, path: o.csv }}\n"
    );
    let mut pipeline = compile(Path::new("p/x.yaml"), &text).unwrap_or_else(|e| panic!("{e}"));
    let source = pipeline.sources.remove(0);
    let kind = source.kind;
    Bench { source, ..Bench::new(kind) }
}

/// Decodes a file of `tests/adapters`.
fn read(mut bench: Bench, file: &str) -> Outcome {
    let path = format!("{}/tests/adapters/{file}", env!("CARGO_MANIFEST_DIR"));
    bench.object_key = file.to_owned();
    let out = bench.run(std::fs::read(path).unwrap());
    assert_eq!(out.decoded.quarantine, [], "{file}");
    out
}

/// Records: read, decoded, filtered, empty.
fn counts(out: &Outcome) -> [u64; 4] {
    let a = &out.decoded.accounting;
    [a.read, a.decoded, a.filtered, a.empty]
}

/// Events as `actor type`, in the order of days and then of the log.
fn told(out: &Outcome) -> Vec<String> {
    let both = out.column("actor").into_iter().zip(out.column("type"));
    both.map(|(actor, kind)| format!("{actor} {kind}")).collect()
}

/// What staging tells copies by.
fn identities<'o>(outs: impl IntoIterator<Item = &'o Outcome>) -> BTreeSet<[String; 3]> {
    let of = |out: &Outcome| {
        let columns = ["date", "dedup_hi", "dedup_lo"].map(|name| out.column(name));
        (0..columns[0].len())
            .map(|at| columns.each_ref().map(|c| c[at].clone()))
            .collect::<Vec<_>>()
    };
    outs.into_iter().flat_map(of).collect()
}

/// Instants as hours, minutes and seconds.
fn clock(out: &Outcome, column: &str) -> Vec<String> {
    let shown = |us: &String| match us.parse() {
        Ok(us) => {
            chrono::DateTime::from_timestamp_micros(us).unwrap().format("%H:%M:%S").to_string()
        }
        Err(_) => us.clone(),
    };
    out.column(column).iter().map(shown).collect()
}

/// Raw ids, addresses and texts that no decoded column may hold.
fn holds_nothing_private(out: &Outcome) {
    for batch in out.days.values() {
        for (at, field) in batch.schema().fields().iter().enumerate() {
            if *field.data_type() != Type::Text.arrow() {
                continue;
            }
            for row in 0..batch.num_rows() {
                let cell = show(batch.column(at), row);
                for private in ["4111", "anna", "Anna", "Eva", "parcel?", "+4670", "10.0.0.1"] {
                    assert!(!cell.contains(private), "{}: {cell}", field.name());
                }
            }
        }
    }
}
