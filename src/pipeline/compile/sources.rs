//! The `sources` of a pipeline. Leaves out: the formats themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use chrono_tz::Tz;

use super::super::spec::{Node, Value};
use super::super::{Adapter, PathPattern, Records, Source};
use super::findings::{Fields, Findings, hint};
use super::mapping::{Target, mapping};
use crate::schema::Kind;

const MOST_LOOKAHEAD_DAYS: u32 = 30;
const MOST_COMPLETE_AFTER_DAYS: i64 = 30;

pub(super) fn sources(node: &Node, base: &Path, out: &mut Findings) -> Vec<Source> {
    let Some(items) = out.list(node) else { return Vec::new() };
    let mut names = BTreeSet::new();
    let mut kinds = BTreeSet::new();
    let mut sources = Vec::new();
    for item in items {
        let Some(mut fields) = out.map(item, "source") else { continue };
        let name = fields.need("name", "add a name of its own, such as `name: bot`", out);
        let name = name.and_then(|node| {
            let name = out.name(node)?;
            if !names.insert(name.clone()) {
                let message = format!("two sources are called `{name}`");
                out.report(node.place, message, "give each source a name of its own");
            }
            Some(name)
        });
        let kind = kind(&mut fields, out);
        kinds.insert(kind);
        sources.extend(source(fields, name, kind, base, out));
    }
    // A kind that could not be read may have been meant as events.
    if !kinds.contains(&Some(Kind::Events)) && !kinds.contains(&None) {
        let remedy = "add a source with `kind: events`: every KPI is made from events";
        out.report(node.place, "no source is of kind `events`", remedy);
    }
    sources
}

fn source(
    mut fields: Fields<'_>,
    name: Option<String>,
    kind: Option<Kind>,
    base: &Path,
    out: &mut Findings,
) -> Option<Source> {
    let format = adapter(&mut fields, out);
    let path = fields.need("path", "add a path, such as `path: \"logs/{date}.jsonl\"`", out);
    let path = path.and_then(|node| path_pattern(node, base, out));
    let records = fields.get("records").and_then(|node| records(node, format, out));
    let delimiter = fields.get("delimiter").and_then(|node| delimiter(node, out));
    let lookahead = fields.get("lookahead_days");
    let lookahead = lookahead.and_then(|node| out.whole(node, 0..=MOST_LOOKAHEAD_DAYS));
    let naive_zone = fields.get("timezone").and_then(|node| out.zone(node));
    let path_zone = fields.get("path_timezone").and_then(|node| out.zone(node));
    let empty_ok = fields.get("empty_ok").and_then(|node| out.flag(node));
    let keep_removed = fields.get("keep_removed").and_then(|node| out.flag(node));
    let live = fields.get("live").and_then(|node| out.flag(node));
    let complete_after = fields.get("complete_after");
    let complete_after_us =
        complete_after.and_then(|node| out.duration(node, false, MOST_COMPLETE_AFTER_DAYS));
    let limit = fields.get("quarantine_limit").and_then(|node| out.number(node, 0.0..=1.0));
    let defaults = fields.get("defaults").and_then(|node| defaults(node, kind, out));
    let target = Target { kind, defaults: defaults.as_ref(), zone: naive_zone };
    let adapter = match format {
        Some(Format::Canonical) => Some(Adapter::Canonical),
        Some(Format::Mapped) => {
            mapping(&mut fields, target, out).map(|mapping| Adapter::Mapped(Box::new(mapping)))
        }
        None => None,
    };
    // The keys of an adapter that is not here are not known, so nothing is said about them.
    if format.is_some() {
        fields.close(out);
    }
    Some(Source {
        name: name?,
        kind: kind?,
        adapter: adapter?,
        path: path?,
        records,
        delimiter: delimiter.unwrap_or(b','),
        lookahead_days: lookahead.unwrap_or(0),
        naive_zone,
        path_zone: path_zone.unwrap_or(Tz::UTC),
        empty_ok: empty_ok.unwrap_or(false),
        keep_removed: keep_removed.unwrap_or(false),
        live: live.unwrap_or(false),
        complete_after_us,
        quarantine_limit: limit.unwrap_or(0.01),
        defaults: defaults.unwrap_or_default(),
    })
}

fn kind(fields: &mut Fields<'_>, out: &mut Findings) -> Option<Kind> {
    let node = fields.need("kind", "add what its records are, such as `kind: events`", out)?;
    out.choice(node, "a kind of source", &Kind::ALL.map(|kind| (kind.name(), kind)))
}

/// The adapters, by name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Canonical,
    Mapped,
}

fn adapter(fields: &mut Fields<'_>, out: &mut Findings) -> Option<Format> {
    let node = fields.need("adapter", "add `adapter: canonical`", out)?;
    match out.text(node)? {
        "canonical" => Some(Format::Canonical),
        "mapped" => Some(Format::Mapped),
        text => {
            let message = format!("the adapter `{text}` is not available in this version");
            let remedy = "`canonical` reads the keys of docs/canonical.md, `mapped` any other log";
            out.report(node.place, message, remedy);
            None
        }
    }
}

fn path_pattern(node: &Node, base: &Path, out: &mut Findings) -> Option<PathPattern> {
    let text = out.text(node)?;
    let parsed = PathPattern::parse(text, base);
    parsed
        .map_err(|reason| {
            let remedy =
                "write a path such as logs/events-{date}.jsonl or s3://bucket/logs/{date}/";
            out.report(node.place, reason, remedy);
        })
        .ok()
}

fn records(node: &Node, format: Option<Format>, out: &mut Findings) -> Option<Records> {
    let known = [
        ("jsonl", Records::Jsonl),
        ("csv", Records::Csv),
        ("json", Records::Json),
        ("json-array", Records::JsonArray),
        ("json-object", Records::JsonObject),
        ("parquet", Records::Parquet),
    ];
    let records = out.choice(node, "a format of records", &known)?;
    let is_plain = matches!(records, Records::Jsonl | Records::Csv);
    if !is_plain && format == Some(Format::Canonical) {
        let message = "the canonical adapter reads `jsonl` and `csv`";
        out.report(node.place, message, "use `adapter: mapped` for other records");
    }
    Some(records)
}

/// One byte that can neither be part of a value's spelling nor end a row.
fn delimiter(node: &Node, out: &mut Findings) -> Option<u8> {
    let known = [(",", b','), (";", b';'), ("|", b'|'), (":", b':'), ("^", b'^'), ("tab", b'\t')];
    out.choice(node, "a delimiter of cells", &known)
}

fn defaults(
    node: &Node,
    kind: Option<Kind>,
    out: &mut Findings,
) -> Option<BTreeMap<String, String>> {
    // Only for the check of keys given twice; which keys are known depends on the kind.
    let _ = out.map(node, "defaults")?;
    let Value::Map(entries) = &node.value else { return None };
    let mut defaults = BTreeMap::new();
    for (key, value) in entries {
        let known = kind.map(Kind::input_keys);
        if let Some(known) = known.filter(|known| !known.contains(&key.name.as_str())) {
            let message = format!("`{}` is not a key of such records", key.name);
            out.report(key.place, message, hint(&key.name, known.iter().copied()));
        }
        let Some(text) = out.text(value) else { continue };
        if text == "*" {
            out.report(value.place, "`*` cannot be a value", "it means `all values` in tables");
        }
        defaults.insert(key.name.clone(), text.to_owned());
    }
    Some(defaults)
}
