//! The mapping of a source: `keep`, `drop` and `emit`.
//!
//! Columns and constants are held against the kind's contract here, so that a slip of the pen is an
//! error with a place, not a million quarantined records.

use std::collections::BTreeMap;

use chrono::format::{Fixed, Item, Numeric, StrftimeItems};
use chrono::{DateTime, NaiveDate};
use chrono_tz::Tz;

use super::super::mapping::{
    Base, Emit, Expr, Field, Format, Level, Mapping, Pointer, Read, Rule, Take, Unmapped,
};
use super::super::spec::{Key, Node, Value};
use super::batches::batches;
use super::conditions::{conditions, regex};
use super::findings::{Fields, Findings, hint};
use crate::schema::{Input, Kind};

/// What the whole mapping is read against.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    /// None where the source's own could not be read.
    pub kind: Option<Kind>,
    /// Columns that the source's `defaults` fill.
    pub defaults: &'a BTreeMap<String, String>,
    /// The source's zone for times without an offset.
    pub zone: Option<Tz>,
    /// Names of what elements leave behind.
    pub remembered: &'a [String],
}

/// Reads `own`, the source, or what the adapter that it names says; of such records the source may
/// still leave out some more.
pub(super) fn mapping(
    own: &mut Fields<'_>,
    adapter: Option<&mut Fields<'_>>,
    target: Target,
    out: &mut Findings,
) -> Option<Mapping> {
    let mut keep = conditions(own.get("keep"), 0, out);
    let mut drop = conditions(own.get("drop"), 0, out);
    let [emits, memory, shared, batched, envelopes] = match adapter {
        None => parts(own, out),
        Some(fields) => {
            keep.extend(conditions(fields.get("keep"), 0, out));
            drop.extend(conditions(fields.get("drop"), 0, out));
            parts(fields, out)
        }
    };
    let node = emits?;
    let batches = batches(batched, out);
    let unwrap = unwrap(envelopes, out);
    let shared = shared.map(|node| members(node, out)).unwrap_or_default();
    let (remember, known) = remember::remember(memory, target, out);
    let target = Target { remembered: &known, ..target };
    let items = out.list(node)?;
    let is_events = target.kind.is_none_or(|kind| kind.table() == Kind::Events);
    if items.is_empty() || (items.len() > 1 && !is_events) {
        let message = "there must be one `emit`, or for events several";
        out.report(node.place, message, "write a list such as `emit: [{ fields: {..} }]`");
    }
    let emits: Vec<Emit> =
        items.iter().filter_map(|item| emit(item, shared, target, out)).collect();
    let complete = emits.len() == items.len();
    complete.then_some(Mapping { batches, unwrap: unwrap?, keep, drop, remember, emits })
}

/// The envelopes that a record may come in.
fn unwrap(node: Option<&Node>, out: &mut Findings) -> Option<Vec<Pointer>> {
    let Some(node) = node else { return Some(Vec::new()) };
    let envelopes = pointers(node, 0, out)?;
    if envelopes.iter().any(|inner| inner.base != Base::Element || inner.is_wide()) {
        let message = "an envelope holds one record";
        out.report(node.place, message, "write pointers such as [/data, /body/@json]");
    }
    Some(envelopes)
}

/// What else a mapping says, wherever it stands.
fn parts<'n>(fields: &mut Fields<'n>, out: &mut Findings) -> [Option<&'n Node>; 5] {
    let emit = fields.need("emit", "add `emit:` with a list of what to make of a record", out);
    [
        emit,
        fields.get("remember"),
        fields.get("fields"),
        fields.get("batches"),
        fields.get("unwrap"),
    ]
}

/// The lines of a `fields`.
fn members<'n>(node: &'n Node, out: &mut Findings) -> &'n [(Key, Node)] {
    let _ = out.map(node, "fields");
    if let Value::Map(entries) = &node.value { entries } else { &[] }
}

/// `shared` columns are as in all entries, unless this one has its own.
fn emit(node: &Node, shared: &[(Key, Node)], target: Target, out: &mut Findings) -> Option<Emit> {
    let mut map = out.map(node, "emit")?;
    let explode = explode(map.get("explode"), out);
    let levels = explode.as_ref().map_or(usize::MAX, Vec::len);
    let keep = conditions(map.get("keep"), levels, out);
    let drop = conditions(map.get("drop"), levels, out);
    let fields = map.need("fields", "add `fields:` with a line for each column", out);
    map.close(out);
    let node = fields?;
    let own = members(node, out);
    let is_new = |key: &&Key| !own.iter().any(|(known, _)| known.name == key.name);
    let shared = shared.iter().filter(|(key, _)| is_new(&key));
    let entries: Vec<&(Key, Node)> = own.iter().chain(shared).collect();
    let mut fields = BTreeMap::new();
    for (key, value) in &entries {
        let known = target.kind.map(Kind::input_keys);
        if let Some(known) = known.filter(|known| !known.contains(&key.name.as_str())) {
            let message = format!("`{}` is not a column of such records", key.name);
            out.report(key.place, message, hint(&key.name, known.iter().copied()));
        }
        let (input, zone, remembered) = (Input::of(&key.name), target.zone, target.remembered);
        let column = Column { name: &key.name, input, zone, levels, remembered };
        fields.extend(field(value, column, out).map(|field| (key.name.clone(), field)));
    }
    for column in target.kind.map(Kind::required_keys).unwrap_or_default() {
        let here = entries.iter().any(|(key, _)| key.name == *column);
        if !here && !target.defaults.contains_key(*column) {
            let remedy = format!("add `{column}: /pointer` or `{column}: {{ value: .. }}`");
            out.report(node.place, format!("`{column}` is missing from the fields"), remedy);
        }
    }
    Some(Emit { explode: explode?, keep, drop, fields })
}

fn explode(node: Option<&Node>, out: &mut Findings) -> Option<Vec<Level>> {
    let Some(node) = node else { return Some(Vec::new()) };
    let items = match &node.value {
        Value::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    let mut levels = Vec::new();
    for item in items {
        let (mut from, mut or_self) = (Some(item), None);
        if matches!(item.value, Value::Map(_)) {
            let mut map = out.map(item, "level of explode")?;
            from = map.need("pointer", "add `pointer: /messages`", out);
            or_self = map.get("or_self").and_then(|node| out.flag(node));
            map.close(out);
        }
        let pointer = pointer(from?, usize::MAX, out)?;
        if pointer.base != Base::Element || pointer.is_wide() {
            let message = "a level of explode starts from the level before";
            out.report(item.place, message, "write one pointer a level: [/entry, /changes]");
        }
        levels.push(Level { pointer, or_self: or_self.unwrap_or(false) });
    }
    Some(levels)
}

pub(super) fn pointer(node: &Node, levels: usize, out: &mut Findings) -> Option<Pointer> {
    let text = match &node.value {
        // An empty pointer is the element itself.
        Value::Text(text) if text.is_empty() => "",
        _ => out.text(node)?,
    };
    match Pointer::parse(text) {
        Ok(pointer) => {
            if matches!(pointer.base, Base::Around(around) if around > levels) {
                let message = format!("`{text}` leads out of the record");
                let remedy = "each `..` goes around one level of explode; `^` is the record";
                out.report(node.place, message, remedy);
            }
            Some(pointer)
        }
        Err(message) => {
            let remedy =
                format!("write `/{text}` for a value of the record, or {{ value: {text} }}");
            out.report(node.place, message, remedy);
            None
        }
    }
}

/// The column that is being filled.
#[derive(Clone, Copy)]
struct Column<'a> {
    name: &'a str,
    input: Input,
    zone: Option<Tz>,
    /// Of explode, around the element that it comes from.
    levels: usize,
    remembered: &'a [String],
}

fn field(node: &Node, column: Column, out: &mut Findings) -> Option<Field> {
    let Value::Map(_) = &node.value else {
        let read = Read { pointers: pointers(node, column.levels, out)?, ..plain() };
        check_wide(&read, None, node, out);
        return Some(always(Expr::Read(read)));
    };
    let mut map = out.map(node, "field")?;
    let Some(list) = map.get("rules") else {
        let value = expr(&mut map, node, column, out);
        map.close(out);
        return Some(always(value?));
    };
    let mut rules = Vec::new();
    for item in out.list(list).unwrap_or_default() {
        let mut map = out.map(item, "rule")?;
        let when = conditions(map.get("when"), column.levels, out);
        let value = expr(&mut map, item, column, out);
        map.close(out);
        rules.push(Rule { when, value: value? });
    }
    if let Some(node) = map.get("default") {
        let value = constant(node, column, out)?;
        rules.push(Rule { when: Vec::new(), value: Expr::Constant(Some(value)) });
    }
    map.close(out);
    Some(Field { rules })
}

fn always(value: Expr) -> Field {
    Field { rules: vec![Rule { when: Vec::new(), value }] }
}

fn plain() -> Read {
    Read {
        pointers: Vec::new(),
        remembered: Vec::new(),
        take: Take::First,
        extract: None,
        format: Format::Plain,
        zone: None,
        scale: None,
        map: None,
        unmapped: Unmapped::Refuse,
        default: None,
    }
}

/// A constant or something to read; `when` and `rules` are read by the caller.
fn expr(map: &mut Fields<'_>, node: &Node, column: Column, out: &mut Findings) -> Option<Expr> {
    if let Some(parts) = map.get("join") {
        return join::join(map, parts, column, out).map(Expr::Join);
    }
    let value = map.get("value");
    let pointer = map.get("pointer").or_else(|| map.get("remembered"));
    match (value, pointer) {
        (Some(value), None) => Some(Expr::Constant(Some(constant(value, column, out)?))),
        (None, Some(from)) => read(map, from, node, column, out).map(Expr::Read),
        (Some(_), Some(_)) => {
            out.report(node.place, "`value` and `pointer` are both given", "leave one of them out");
            None
        }
        (None, None) => {
            let message = format!("nothing says where `{}` comes from", column.name);
            out.report(node.place, message, "add a `pointer`, a `value`, a `join` or `rules`");
            for key in
                ["take", "extract", "timezone", "format", "scale", "map", "unmapped", "default"]
            {
                _ = map.get(key);
            }
            None
        }
    }
}

fn read(
    map: &mut Fields<'_>,
    from: &Node,
    node: &Node,
    column: Column,
    out: &mut Findings,
) -> Option<Read> {
    let remembered = map.get("remembered").is_some();
    let (remembered, pointers) = match remembered {
        true => (remember::names(from, column, out), Some(Vec::new())),
        false => (Vec::new(), pointers(from, column.levels, out)),
    };
    let takes = [("first", Take::First), ("last", Take::Last)];
    let take = map.get("take").and_then(|node| out.choice(node, "a way to take one", &takes));
    let extract = map.get("extract").and_then(|node| regex(node, out));
    let zone = map.get("timezone").and_then(|node| out.zone(node));
    let zoned = Column { zone: zone.or(column.zone), ..column };
    let format = map.get("format").and_then(|node| format(node, zoned, out));
    let scale = map.get("scale").and_then(|node| scale(node, column, out));
    let values = map.get("map").and_then(|node| values(node, column, out));
    let ways =
        [("refuse", Unmapped::Refuse), ("keep", Unmapped::Keep), ("absent", Unmapped::Absent)];
    let unmapped =
        map.get("unmapped").and_then(|node| out.choice(node, "a way with other values", &ways));
    let default = map.get("default").and_then(|node| constant(node, column, out));
    let read = Read {
        pointers: pointers?,
        remembered,
        take: take.unwrap_or(Take::First),
        extract,
        format: format.unwrap_or(Format::Plain),
        zone,
        scale,
        map: values,
        unmapped: unmapped.unwrap_or(Unmapped::Refuse),
        default,
    };
    if read.map.is_some() && (read.scale.is_some() || read.format != Format::Plain) {
        let message = "a `map` gives constants; there is nothing left to format or scale";
        out.report(node.place, message, "use one of them");
    }
    check_wide(&read, take, node, out);
    Some(read)
}

/// Of many values, somebody must say which one is meant.
fn check_wide(read: &Read, take: Option<Take>, node: &Node, out: &mut Findings) {
    if take.is_none() && read.pointers.iter().any(Pointer::is_wide) {
        let message = "a pointer with `*` finds many values";
        out.report(node.place, message, "add `take: first` or `take: last`");
    }
}

fn pointers(node: &Node, levels: usize, out: &mut Findings) -> Option<Vec<Pointer>> {
    let Value::List(items) = &node.value else { return Some(vec![pointer(node, levels, out)?]) };
    if items.is_empty() {
        out.report(node.place, "the list of pointers is empty", "add one");
    }
    items.iter().map(|item| pointer(item, levels, out)).collect()
}

fn values(
    node: &Node,
    column: Column,
    out: &mut Findings,
) -> Option<BTreeMap<String, Option<String>>> {
    let _ = out.map(node, "map")?;
    let Value::Map(entries) = &node.value else { return None };
    let mut values = BTreeMap::new();
    for (key, value) in entries {
        let to = match value.value {
            Value::Null => None,
            _ => Some(constant(value, column, out)?),
        };
        values.insert(key.name.clone(), to);
    }
    Some(values)
}

fn scale(node: &Node, column: Column, out: &mut Findings) -> Option<i64> {
    if !matches!(column.input, Input::Whole | Input::Amount | Input::Decimal) {
        let message = format!("`{}` is neither a whole number nor money", column.name);
        out.report(node.place, message, "leave `scale` out");
    }
    let factor = out.number(node, 1e-6..=1e9)?;
    Some((factor * 1e6).round() as i64)
}

fn format(node: &Node, column: Column, out: &mut Findings) -> Option<Format> {
    let text = out.text(node)?;
    let is_date = column.input == Input::Date;
    if !is_date && column.input != Input::Instant {
        let message = format!("`{}` is neither an instant nor a date", column.name);
        out.report(node.place, message, "leave `format` out");
    }
    let known = [
        ("rfc3339", Format::Plain),
        ("epoch_s", Format::Epoch(6)),
        ("epoch_ms", Format::Epoch(3)),
        ("epoch_us", Format::Epoch(0)),
        ("epoch_ns", Format::Epoch(-3)),
    ];
    if let Some((_, format)) = known.iter().find(|(name, _)| *name == text).filter(|_| !is_date) {
        return Some(format.clone());
    }
    let items: Vec<Item> = StrftimeItems::new(text).collect();
    if !text.contains('%') || items.contains(&Item::Error) {
        let remedy = hint(
            text,
            known.iter().map(|(name, _)| *name).chain(["a pattern such as %d.%m.%Y %H:%M"]),
        );
        out.report(node.place, format!("`{text}` is not a format of times"), remedy);
        return None;
    }
    let zoned = items.iter().any(reads_an_offset);
    if !zoned && !is_date && column.zone.is_none() {
        let message = format!("`{text}` reads no offset, and nothing says which zone it means");
        out.report(
            node.place,
            message,
            "add `timezone: Europe/Stockholm`, or yours, here or to the source",
        );
    }
    Some(Format::Pattern { text: text.to_owned(), zoned })
}

fn reads_an_offset(item: &Item) -> bool {
    match item {
        Item::Numeric(Numeric::Timestamp, _) => true,
        Item::Fixed(fixed) => !matches!(
            fixed,
            Fixed::ShortMonthName
                | Fixed::LongMonthName
                | Fixed::ShortWeekdayName
                | Fixed::LongWeekdayName
                | Fixed::LowerAmPm
                | Fixed::UpperAmPm
                | Fixed::Nanosecond
                | Fixed::Nanosecond3
                | Fixed::Nanosecond6
                | Fixed::Nanosecond9
                | Fixed::TimezoneName
                | Fixed::Internal(_)
        ),
        _ => false,
    }
}

/// A constant that the column takes.
fn constant(node: &Node, column: Column, out: &mut Findings) -> Option<String> {
    let text = out.scalar(node)?;
    let fits = match column.input {
        Input::Word(words) => {
            if !words.contains(&text.as_str()) {
                let message = format!("`{text}` cannot be the value of `{}`", column.name);
                out.report(node.place, message, hint(&text, words.iter().copied()));
            }
            return Some(text);
        }
        Input::Instant => DateTime::parse_from_rfc3339(&text).is_ok(),
        Input::Date => NaiveDate::parse_from_str(&text, "%Y-%m-%d").is_ok(),
        Input::Id | Input::Text => !text.is_empty(),
        Input::Dimension => !text.is_empty() && text != "*",
        Input::Whole => text.parse::<i64>().is_ok(),
        Input::Amount => text.parse::<i64>().is_ok_and(|n| n >= 0),
        Input::Decimal | Input::Number => text.parse::<f64>().is_ok_and(f64::is_finite),
        Input::Flag => ["true", "false", "1", "0"].contains(&text.as_str()),
    };
    if !fits {
        let message = format!("`{text}` cannot be the value of `{}`", column.name);
        out.report(node.place, message, "docs/canonical.md says what it takes");
    }
    Some(text)
}

mod join;
mod remember;
#[cfg(test)]
mod tests;
