//! `remember`: what elements leave behind for those after them.

use super::super::super::mapping::{Emit, Memo, Remember};
use super::super::super::spec::{Node, Value};
use super::super::conditions::conditions;
use super::super::findings::{Findings, hint};
use super::{Column, Target, explode, field, pointer};
use crate::schema::Input;

/// One memory or a list of them, and the names of what is remembered.
pub(super) fn remember(
    node: Option<&Node>,
    target: Target,
    out: &mut Findings,
) -> (Vec<Remember>, Vec<String>) {
    let (mut memories, mut names) = (Vec::new(), Vec::new());
    let Some(node) = node else { return (memories, names) };
    let items = match &node.value {
        Value::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    for item in items {
        let mut own = Vec::new();
        memories.extend(read(item, target, &mut own, out));
        if let Some(twice) = own.iter().find(|name| names.contains(*name)) {
            let message = format!("two memories have a `{twice}`");
            out.report(item.place, message, "give one of them another name");
        }
        names.extend(own);
    }
    (memories, names)
}

fn read(
    node: &Node,
    target: Target,
    names: &mut Vec<String>,
    out: &mut Findings,
) -> Option<Remember> {
    let mut map = out.map(node, "memory")?;
    let by = map.need("by", "add whose it is, such as `by: /conversation/id`", out);
    // Elements of any depth ask whose they are.
    let levels = usize::MAX;
    let id = Column { name: "by", input: Input::Id, zone: None, levels, remembered: &[] };
    let by = by.and_then(|node| field(node, id, out));
    let from = map.need("from", "add a list of what leaves something behind", out);
    map.close(out);
    let mut memos = Vec::new();
    for item in out.list(from?)? {
        memos.extend(memo(item, target, names, out));
    }
    Some(Remember { by: by?, from: memos })
}

fn memo(node: &Node, target: Target, names: &mut Vec<String>, out: &mut Findings) -> Option<Memo> {
    let mut map = out.map(node, "element")?;
    let explode = explode(map.get("explode"), out);
    let levels = explode.as_ref().map_or(usize::MAX, Vec::len);
    let keep = conditions(map.get("keep"), levels, out);
    let drop = conditions(map.get("drop"), levels, out);
    let highest = map.get("highest").and_then(|node| pointer(node, levels, out));
    let ahead = map.get("ahead").and_then(|node| out.flag(node)).unwrap_or(false);
    let values = map.need("values", "add `values:` with a line for each name", out);
    map.close(out);
    let values = values?;
    let _ = out.map(values, "values")?;
    let Value::Map(entries) = &values.value else { return None };
    let mut fields = std::collections::BTreeMap::new();
    for (key, value) in entries {
        let (input, zone) = (Input::Text, target.zone);
        let column = Column { name: &key.name, input, zone, levels, remembered: &[] };
        if !names.contains(&key.name) {
            names.push(key.name.clone());
        }
        fields.extend(field(value, column, out).map(|field| (key.name.clone(), field)));
    }
    Some(Memo { elements: Emit { explode: explode?, keep, drop, fields }, highest, ahead })
}

/// Names under which something is remembered.
pub(super) fn names(node: &Node, column: Column, out: &mut Findings) -> Vec<String> {
    let items = match &node.value {
        Value::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    let mut names = Vec::new();
    for item in items {
        let Some(name) = out.text(item) else { continue };
        if !column.remembered.iter().any(|known| known == name) {
            let remedy = hint(name, column.remembered.iter().map(String::as_str));
            out.report(item.place, format!("nothing leaves `{name}` behind"), remedy);
        }
        names.push(name.to_owned());
    }
    names
}
