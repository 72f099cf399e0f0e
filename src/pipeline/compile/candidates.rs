//! What logs of unknown origin are tried with: each adapter's part for a kind, and the signs by which
//! its records are known.

use std::path::Path;

use super::super::spec::{Node, Value, parse};
use super::super::{Adapter, Condition, Source};
use super::adapters::builtin;
use super::compile;
use super::conditions::conditions;
use super::findings::Findings;
use crate::schema::Kind;

/// A way to read an unknown object. Its source filters all records without the sign.
#[derive(Debug, Clone)]
pub struct Candidate {
    pub adapter: &'static str,
    /// What a record with the sign is, in a few words.
    pub because: String,
    pub source: Source,
}

/// The canonical format, and all signs of all adapters that come with the program.
pub fn candidates() -> Vec<Candidate> {
    let because = "an event with the canonical keys".to_owned();
    let canonical = source_of("canonical", Kind::Events).map(|source| Candidate {
        adapter: "canonical",
        because,
        source,
    });
    let mut candidates: Vec<Candidate> = canonical.into_iter().collect();
    for (adapter, yaml) in builtin() {
        let Ok(root) = parse(yaml) else { continue };
        for kind in Kind::ALL {
            let Some(section) = entry(&root, kind.name()) else { continue };
            let Some(source) = source_of(adapter, kind) else { continue };
            for (because, when) in
                signs(entry(section, "detect"), &mut Findings::new(String::new()))
            {
                let mut source = source.clone();
                if let Adapter::Mapped(mapping) = &mut source.adapter {
                    mapping.keep.extend(when);
                }
                candidates.push(Candidate { adapter, because, source });
            }
        }
    }
    candidates
}

/// The signs of an adapter's part: for each what it is called, and the conditions that must all hold.
pub(super) fn signs(node: Option<&Node>, out: &mut Findings) -> Vec<(String, Vec<Condition>)> {
    let Some(node) = node else { return Vec::new() };
    let mut signs = Vec::new();
    for item in out.list(node).unwrap_or_default() {
        let Some(mut map) = out.map(item, "sign") else { continue };
        let because = map.need("because", "add in a few words what such a record is", out);
        let because = because.and_then(|node| out.text(node).map(str::to_owned));
        let when =
            map.need("when", "add the conditions: `when: { pointer: /a, exists: true }`", out);
        let when = when.map(|node| conditions(Some(node), 0, out));
        map.close(out);
        signs.extend(because.zip(when));
    }
    signs
}

fn entry<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    let Value::Map(entries) = &node.value else { return None };
    entries.iter().find(|(key, _)| key.name == name).map(|(_, value)| value)
}

/// The adapter with all its defaults.
fn source_of(adapter: &str, kind: Kind) -> Option<Source> {
    let text = format!(
        "version: 1\nname: x\ntimezone: UTC\nwarehouse: w\nprivacy: {{ user_key_env: K }}\nsources:\n\
         - {{ name: a, kind: {}, adapter: {adapter}, path: a/* }}\n\
         - {{ name: b, kind: events, adapter: canonical, path: b/* }}\n",
        kind.name()
    );
    let mut sources = compile(Path::new("x.yaml"), &text).ok()?.sources;
    Some(sources.swap_remove(0))
}
