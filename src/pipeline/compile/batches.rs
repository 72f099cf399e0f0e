//! The `batches` of a mapping: which records stand for many.

use super::super::mapping::{Base, Batch, Step};
use super::super::spec::{Node, Value};
use super::conditions::conditions;
use super::findings::Findings;
use super::mapping::pointer;

/// One batch or a list of them.
pub(super) fn batches(node: Option<&Node>, out: &mut Findings) -> Vec<Batch> {
    let Some(node) = node else { return Vec::new() };
    let items = match &node.value {
        Value::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    items.iter().filter_map(|item| batch(item, out)).collect()
}

/// A pointer, or a map that also says which batches are left out.
fn batch(node: &Node, out: &mut Findings) -> Option<Batch> {
    let (from, drop) = match &node.value {
        Value::Map(_) => {
            let mut fields = out.map(node, "batch")?;
            let from = fields.need("pointer", "add where the records are: `pointer: /data/*`", out);
            let drop = conditions(fields.get("drop"), 0, out);
            fields.close(out);
            (from?, drop)
        }
        _ => (node, Vec::new()),
    };
    let found = pointer(from, 0, out)?;
    if found.base != Base::Element || !found.steps.contains(&Step::Each) {
        let message = "a batch holds many records";
        out.report(from.place, message, "write a pointer such as /logEvents/*/message");
    }
    Some(Batch { pointer: found, drop })
}
