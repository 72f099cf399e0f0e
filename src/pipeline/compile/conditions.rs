//! The conditions of a mapping: `keep`, `drop` and `when`.

use regex::{Regex, RegexBuilder};

use super::super::mapping::{Condition, Pointer, Test};
use super::super::spec::{Node, Value};
use super::findings::{Fields, Findings};

/// A regular expression may not compile to more bytes: it runs on every record.
const LARGEST_REGEX: usize = 1 << 20;
/// Conditions inside conditions.
const DEEPEST: usize = 8;

/// One condition or a list of them, on an element inside `levels` of explode.
pub(super) fn conditions(node: Option<&Node>, levels: usize, out: &mut Findings) -> Vec<Condition> {
    node.map(|node| several(node, DEEPEST, levels, out)).unwrap_or_default()
}

fn several(node: &Node, depth: usize, levels: usize, out: &mut Findings) -> Vec<Condition> {
    let items = match &node.value {
        Value::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    if items.is_empty() {
        out.report(node.place, "the list of conditions is empty", "add one, or leave the key out");
    }
    items.iter().filter_map(|item| condition(item, depth, levels, out)).collect()
}

fn condition(node: &Node, depth: usize, levels: usize, out: &mut Findings) -> Option<Condition> {
    if depth == 0 {
        out.report(node.place, "conditions nest too deep", "write them side by side");
        return None;
    }
    let mut fields = out.map(node, "condition")?;
    let mut parts = Vec::new();
    if let Some(inner) = fields.get("all") {
        parts.push(Condition::All(several(inner, depth - 1, levels, out)));
    }
    if let Some(inner) = fields.get("any") {
        parts.push(Condition::Any(several(inner, depth - 1, levels, out)));
    }
    if let Some(inner) = fields.get("not") {
        let inner = several(inner, depth - 1, levels, out);
        parts.push(Condition::Not(Box::new(Condition::All(inner))));
    }
    let given = fields.get("given");
    if let Some(holds) = given.and_then(|node| out.flag(node)) {
        parts.push(if holds { Condition::All(Vec::new()) } else { Condition::Any(Vec::new()) });
    }
    let combined = !parts.is_empty() || given.is_some();
    let pointer = fields.get("pointer");
    let before = out.len();
    let tests = tests(&mut fields, levels, out);
    let asked = !tests.is_empty() || out.len() > before;
    match pointer {
        Some(node) => {
            let pointer = super::mapping::pointer(node, levels, out);
            if !asked {
                let remedy = "add in: [..], equals, exists, matches, same_as, at_least or below";
                out.report(node.place, "nothing is asked of this pointer", remedy);
            }
            for (test, wanted) in tests {
                let holds = Condition::Holds { pointer: pointer.clone()?, test };
                parts.push(if wanted { holds } else { Condition::Not(Box::new(holds)) });
            }
        }
        None if combined && !asked => (),
        None => {
            let message = "`pointer` is missing from the condition";
            out.report(fields.place, message, "write it as { pointer: /who, equals: customer }");
        }
    }
    fields.close(out);
    Some(if parts.len() == 1 { parts.remove(0) } else { Condition::All(parts) })
}

pub(super) fn regex(node: &Node, out: &mut Findings) -> Option<Regex> {
    let text = out.text(node)?;
    match RegexBuilder::new(text).size_limit(LARGEST_REGEX).build() {
        Ok(regex) => Some(regex),
        Err(error) => {
            let message = format!("`{text}` is not a regular expression");
            let why = error.to_string();
            let why = why.lines().last().unwrap_or_default().to_owned();
            out.report(node.place, message, why);
            None
        }
    }
}

/// Each test with whether it must pass.
fn tests(fields: &mut Fields<'_>, levels: usize, out: &mut Findings) -> Vec<(Test, bool)> {
    let mut tests = Vec::new();
    if let Some(exists) = fields.get("exists").and_then(|node| out.flag(node)) {
        tests.push((Test::Exists, exists));
    }
    if let Some(text) = fields.get("equals").and_then(|node| out.scalar(node)) {
        tests.push((Test::In(vec![text]), true));
    }
    if let Some(node) = fields.get("in") {
        let items = out.list(node).unwrap_or_default();
        tests.push((Test::In(items.iter().filter_map(|item| out.scalar(item)).collect()), true));
    }
    if let Some(regex) = fields.get("matches").and_then(|node| regex(node, out)) {
        tests.push((Test::Matches(regex), true));
    }
    if let Some(node) = fields.get("same_as") {
        let other: Option<Pointer> = super::mapping::pointer(node, levels, out);
        tests.extend(other.map(|other| (Test::SameAs(other), true)));
    }
    let any = f64::MIN..=f64::MAX;
    if let Some(low) = fields.get("at_least").and_then(|node| out.number(node, any.clone())) {
        tests.push((Test::AtLeast(low), true));
    }
    if let Some(high) = fields.get("below").and_then(|node| out.number(node, any)) {
        tests.push((Test::Below(high), true));
    }
    tests
}
