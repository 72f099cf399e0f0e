//! `join`: texts that are put together from several values.

use super::super::super::mapping::{Join, Part, Pointer};
use super::super::super::spec::{Node, Value};
use super::super::findings::{Fields, Findings};
use super::{Column, pointers};
use crate::schema::Input;

pub(super) fn join(
    map: &mut Fields<'_>,
    node: &Node,
    column: Column,
    out: &mut Findings,
) -> Option<Join> {
    let with = map.get("with").and_then(|node| out.scalar(node));
    let mut parts = Vec::new();
    for item in out.list(node)? {
        parts.push(match &item.value {
            Value::Map(_) => {
                let mut map = out.map(item, "part")?;
                let value = map.need("value", "write it as { value: text }", out);
                map.close(out);
                Part::Constant(out.scalar(value?)?)
            }
            _ => Part::Read(pointers(item, column.levels, out)?),
        });
    }
    if !matches!(column.input, Input::Id | Input::Text | Input::Dimension) {
        let message = format!("`{}` is no text", column.name);
        out.report(node.place, message, "join what ids, dimensions and texts are made of");
    }
    let wide = |part: &&Part| matches!(part, Part::Read(list) if list.iter().any(Pointer::is_wide));
    if parts.iter().any(|part| wide(&part)) {
        let message = "a part of a join finds many values";
        out.report(node.place, message, "leave `*` out of its pointers");
    }
    Some(Join { parts, with: with.unwrap_or_else(|| ":".to_owned()) })
}
