//! The `sources` of a pipeline. Leaves out: the formats themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use chrono_tz::Tz;

use super::super::spec::{Node, Value};
use super::super::{Adapter, PathPattern, Records, Source};
use super::adapters::{self, Files};
use super::candidates;
use super::findings::{Fields, Findings, hint};
use super::mapping::{Target, mapping};
use crate::schema::Kind;

const MOST_LOOKAHEAD_DAYS: u32 = 30;
const MOST_COMPLETE_AFTER_DAYS: i64 = 30;

pub(super) fn sources(node: &Node, files: Files, out: &mut Findings) -> Vec<Source> {
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
        sources.extend(source(fields, name, kind, files, out));
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
    files: Files,
    out: &mut Findings,
) -> Option<Source> {
    let path_node = fields.need("path", "add a path, such as `path: \"logs/{date}.jsonl\"`", out);
    let path = path_node.and_then(|node| path_pattern(node, files.base, out));
    let lookahead = fields.get("lookahead_days");
    let lookahead = lookahead.and_then(|node| out.whole(node, 0..=MOST_LOOKAHEAD_DAYS));
    let path_zone = fields.get("path_timezone").and_then(|node| out.zone(node));
    let empty_ok = fields.get("empty_ok").and_then(|node| out.flag(node));
    let keep_removed = fields.get("keep_removed").and_then(|node| out.flag(node));
    let live = fields.get("live").and_then(|node| out.flag(node));
    let complete_after = fields.get("complete_after");
    let complete_after_us =
        complete_after.and_then(|node| out.duration(node, false, MOST_COMPLETE_AFTER_DAYS));
    let limit = fields.get("quarantine_limit").and_then(|node| out.number(node, 0.0..=1.0));
    let format = format(&mut fields, kind, files, out);
    let reading = format.and_then(|format| {
        let names_records = path_node.is_some_and(names_records);
        let reading = reading(&mut fields, &format, kind, names_records, out);
        // Of an adapter that is not here nobody knows the keys, so nothing is said about them.
        fields.close(out);
        reading
    });
    let reading = reading?;
    Some(Source {
        name: name?,
        kind: kind?,
        adapter: reading.adapter,
        path: path?,
        records: reading.records,
        delimiter: reading.delimiter,
        lookahead_days: lookahead.unwrap_or(0),
        naive_zone: reading.naive_zone,
        path_zone: path_zone.unwrap_or(Tz::UTC),
        empty_ok: empty_ok.unwrap_or(false),
        keep_removed: keep_removed.unwrap_or(false),
        live: live.unwrap_or(false),
        complete_after_us,
        quarantine_limit: limit.unwrap_or(0.01),
        defaults: reading.defaults,
    })
}

/// What a source and its adapter say together about how records are read.
struct Reading {
    adapter: Adapter,
    records: Option<Records>,
    delimiter: u8,
    naive_zone: Option<Tz>,
    defaults: BTreeMap<String, String>,
}

fn reading(
    fields: &mut Fields<'_>,
    format: &Format,
    kind: Option<Kind>,
    names_records: bool,
    out: &mut Findings,
) -> Option<Reading> {
    let mut adapter = match format {
        Format::Named(section) => Some(out.map(section, "adapter's part")?),
        Format::Canonical | Format::Mapped => None,
    };
    let mut theirs = |key| adapter.as_mut().and_then(|adapter| adapter.get(key));
    // How unknown logs are known is of no use here, and must still be right.
    _ = candidates::signs(theirs("detect"), out);
    // What the source says itself counts before what its adapter says, and how its files are named
    // tells more than the adapter can know.
    let layout = fields.get("records").or(theirs("records").filter(|_| !names_records));
    let layout = layout.and_then(|node| records(node, format, out));
    let delimiter = fields.get("delimiter").or(theirs("delimiter"));
    let delimiter = delimiter.and_then(|node| cell_delimiter(node, out));
    let zone = fields.get("timezone").or(theirs("timezone"));
    let naive_zone = zone.and_then(|node| out.zone(node));
    let mut filled = theirs("defaults").map(|node| defaults(node, kind, out)).unwrap_or_default();
    filled.extend(fields.get("defaults").map(|node| defaults(node, kind, out)).unwrap_or_default());
    let target = Target { kind, defaults: &filled, zone: naive_zone, remembered: &[] };
    let reader = match format {
        Format::Canonical => Some(Adapter::Canonical),
        Format::Mapped | Format::Named(_) => {
            let mapping = mapping(fields, adapter.as_mut(), target, out);
            mapping.map(|mapping| Adapter::Mapped(Box::new(mapping)))
        }
    };
    if let Some(adapter) = adapter {
        adapter.close(out);
    }
    Some(Reading {
        adapter: reader?,
        records: layout,
        delimiter: delimiter.unwrap_or(b','),
        naive_zone,
        defaults: filled,
    })
}

fn kind(fields: &mut Fields<'_>, out: &mut Findings) -> Option<Kind> {
    let node = fields.need("kind", "add what its records are, such as `kind: events`", out)?;
    out.choice(node, "a kind of source", &Kind::ALL.map(|kind| (kind.name(), kind)))
}

/// What says how a source's records are read.
enum Format {
    Canonical,
    /// The source itself.
    Mapped,
    /// An adapter's part for this kind.
    Named(Node),
}

fn format(
    fields: &mut Fields<'_>,
    kind: Option<Kind>,
    files: Files,
    out: &mut Findings,
) -> Option<Format> {
    let node = fields.need("adapter", "add `adapter: canonical`", out)?;
    match out.text(node)? {
        "canonical" => Some(Format::Canonical),
        "mapped" => Some(Format::Mapped),
        _ => {
            let chosen = fields.get("options");
            adapters::section(node, kind, chosen, files, out).map(Format::Named)
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

/// Does the path's ending tell what records its objects hold?
fn names_records(path: &Node) -> bool {
    matches!(&path.value, Value::Text(text)
        if Records::of_name(text.trim_end_matches('*')).is_some())
}

fn records(node: &Node, format: &Format, out: &mut Findings) -> Option<Records> {
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
    if !is_plain && matches!(format, Format::Canonical) {
        let message = "the canonical adapter reads `jsonl` and `csv`";
        out.report(node.place, message, "use `adapter: mapped` for other records");
    }
    Some(records)
}

/// One byte that can neither be part of a value's spelling nor end a row.
fn cell_delimiter(node: &Node, out: &mut Findings) -> Option<u8> {
    let known = [(",", b','), (";", b';'), ("|", b'|'), (":", b':'), ("^", b'^'), ("tab", b'\t')];
    out.choice(node, "a delimiter of cells", &known)
}

fn defaults(node: &Node, kind: Option<Kind>, out: &mut Findings) -> BTreeMap<String, String> {
    // Only for the check of keys given twice; which keys are known depends on the kind.
    let _ = out.map(node, "defaults");
    let mut defaults = BTreeMap::new();
    let Value::Map(entries) = &node.value else { return defaults };
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
    defaults
}
