//! Which settings two pipeline files say differently, and what one would be with a setting of the
//! other.
//!
//! Settings are compared as people wrote them: one that is left out is unlike the same one with its
//! default written down, and whether that matters is for the models to tell. Leaves out: where the
//! files lie, so relative paths of equal text are equal.

use std::path::Path;

use super::Pipeline;
use super::compile::{ReadFile, compile_tree};
use super::spec::{Key, Node, Place, Value, parse};
use crate::error::{Error, Result};

/// Keys within keys that are told apart: `sessions.timeout_by_channel.sms`, `sources[bot].path`.
const DEPTH: usize = 3;
/// Its value is never shown.
const SECRET: &str = "user_key";
const NOWHERE: Place = Place { file: 0, line: 0, column: 0 };

/// A setting that two pipelines, a and b, say differently.
#[derive(Debug, Clone)]
pub struct Unlike {
    /// Its keys, with dots between them; an element of a list by its name, in brackets.
    pub name: String,
    /// As written, on one line; None where the file leaves it out.
    pub a: Option<String>,
    pub b: Option<String>,
    path: Vec<Step>,
    value: Option<Node>,
    /// What b has under the first of its keys.
    whole: Option<Node>,
}

#[derive(Debug, Clone, PartialEq)]
enum Step {
    Key(String),
    /// The element of a list whose `name` is this.
    Named(String),
}

/// The settings that the texts of two pipelines say differently, in the order of the first file and
/// then of the second.
///
/// # Errors
/// Configuration where a text is no YAML.
pub fn unlike(a: &str, b: &str) -> Result<Vec<Unlike>> {
    let mut found = Vec::new();
    let (a, b) = (tree(a)?, tree(b)?);
    compare(Some(&a), Some(&b), &mut Vec::new(), &mut found);
    for unlike in &mut found {
        unlike.whole = unlike.path.first().and_then(|step| child(&b, step)).cloned();
    }
    Ok(found)
}

impl Unlike {
    /// The pipeline of the text `a`, in `file`, with this setting as b has it; with all that stands
    /// under the same first key where it needs its neighbours, as a rate needs its currency.
    ///
    /// # Errors
    /// Configuration where that is no valid pipeline either.
    pub fn carried_over(&self, file: &Path, a: &str, read: ReadFile<'_>) -> Result<Pipeline> {
        let with = |path: &[Step], value: &Option<Node>| {
            let mut root = tree(a)?;
            put(&mut root, path, value.as_ref());
            compile_tree(file, &root, read)
        };
        with(&self.path, &self.value)
            .or_else(|_| with(self.path.get(..1).unwrap_or_default(), &self.whole))
    }
}

fn tree(text: &str) -> Result<Node> {
    parse(text).map_err(|(_, message)| Error::config(message))
}

fn compare(a: Option<&Node>, b: Option<&Node>, path: &mut Vec<Step>, found: &mut Vec<Unlike>) {
    if a.zip(b).is_some_and(|(a, b)| is_same(&a.value, &b.value)) {
        return;
    }
    if let (true, Some(steps)) = (path.len() < DEPTH, steps(a, b)) {
        for step in steps {
            let (a, b) = (a.and_then(|n| child(n, &step)), b.and_then(|n| child(n, &step)));
            path.push(step);
            compare(a, b, path, found);
            path.pop();
        }
        return;
    }
    let is_secret = path.last() == Some(&Step::Key(SECRET.to_owned()));
    let shown = |node: &Node| if is_secret { "(not shown)".to_owned() } else { shown(&node.value) };
    found.push(Unlike {
        name: name(path),
        a: a.map(shown),
        b: b.map(shown),
        path: path.clone(),
        value: b.cloned(),
        whole: None,
    });
}

/// The steps into two nodes of one kind; None where they are to be looked at as a whole.
fn steps(a: Option<&Node>, b: Option<&Node>) -> Option<Vec<Step>> {
    let mut steps: Vec<Step> = Vec::new();
    for node in [a, b].into_iter().flatten() {
        let more: Vec<Step> = match &node.value {
            Value::Map(entries) => entries.iter().map(|(k, _)| Step::Key(k.name.clone())).collect(),
            Value::List(items) => {
                let named = items.iter().map(|item| named(item).map(Step::Named));
                // A list that one file leaves out is told as it stands in the other.
                named.collect::<Option<_>>().filter(|_| a.is_some() && b.is_some())?
            }
            _ => return None,
        };
        for step in more {
            let is_other_kind =
                |s: &Step| matches!(s, Step::Key(_)) != matches!(step, Step::Key(_));
            if steps.iter().any(is_other_kind) {
                return None;
            }
            if !steps.contains(&step) {
                steps.push(step);
            }
        }
    }
    // The keys of an element that is only in one list say nothing by themselves.
    let is_whole =
        a.or(b).is_some_and(|node| named(node).is_some()) && (a.is_none() || b.is_none());
    (!is_whole).then_some(steps)
}

fn named(node: &Node) -> Option<String> {
    match child(node, &Step::Key("name".to_owned()))?.value {
        Value::Text(ref name) => Some(name.clone()),
        _ => None,
    }
}

fn child<'a>(node: &'a Node, step: &Step) -> Option<&'a Node> {
    match (&node.value, step) {
        (Value::Map(entries), Step::Key(key)) => {
            entries.iter().find(|(k, _)| k.name == *key).map(|(_, value)| value)
        }
        (Value::List(items), Step::Named(name)) => {
            items.iter().find(|item| named(item).as_ref() == Some(name))
        }
        _ => None,
    }
}

/// Makes what `path` leads to `value`, or takes it out.
fn put(node: &mut Node, path: &[Step], value: Option<&Node>) {
    let Some((step, rest)) = path.split_first() else { return };
    let place = match (&node.value, step) {
        (Value::Map(entries), Step::Key(key)) => entries.iter().position(|(k, _)| k.name == *key),
        (Value::List(items), Step::Named(name)) => {
            items.iter().position(|item| named(item).as_ref() == Some(name))
        }
        _ => None,
    };
    match (&mut node.value, step, place) {
        (Value::Map(entries), _, Some(place)) if rest.is_empty() && value.is_none() => {
            drop(entries.remove(place));
        }
        (Value::List(items), _, Some(place)) if rest.is_empty() && value.is_none() => {
            drop(items.remove(place));
        }
        (Value::Map(entries), _, Some(place)) => place_in(&mut entries[place].1, rest, value),
        (Value::List(items), _, Some(place)) => place_in(&mut items[place], rest, value),
        (Value::Map(entries), Step::Key(key), None) => {
            let mut new = Node { place: NOWHERE, value: Value::Map(Vec::new()) };
            place_in(&mut new, rest, value);
            entries.push((Key { place: NOWHERE, name: key.clone() }, new));
        }
        (Value::List(items), _, None) => items.extend(value.cloned()),
        _ => {}
    }
}

fn place_in(node: &mut Node, rest: &[Step], value: Option<&Node>) {
    match value {
        Some(value) if rest.is_empty() => *node = value.clone(),
        _ => put(node, rest, value),
    }
}

/// The same but for the places in their files.
fn is_same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::List(a), Value::List(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(&a.value, &b.value))
        }
        (Value::Map(a), Value::Map(b)) => {
            let find = |name: &str| b.iter().find(|(k, _)| k.name == name);
            let has = |(key, value): &(Key, Node)| {
                find(&key.name).is_some_and(|(_, other)| is_same(&value.value, &other.value))
            };
            a.len() == b.len() && a.iter().all(has)
        }
        _ => a == b,
    }
}

fn name(path: &[Step]) -> String {
    let mut name = String::new();
    for step in path {
        match step {
            Step::Key(key) if name.is_empty() => name.push_str(key),
            Step::Key(key) => name.push_str(&format!(".{key}")),
            Step::Named(element) => name.push_str(&format!("[{element}]")),
        }
    }
    name
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Flag(flag) => flag.to_string(),
        Value::Whole(whole) => whole.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Text(text) => text.clone(),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(|item| shown(&item.value)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Map(entries) => {
            let one = |(key, value): &(Key, Node)| format!("{}: {}", key.name, shown(&value.value));
            format!("{{ {} }}", entries.iter().map(one).collect::<Vec<_>>().join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "version: 1\nname: t\ntimezone: UTC\nwarehouse: ./w\nprivacy: { user_key_env: KEY }\n\
        sources:\n  - { name: bot, kind: events, adapter: canonical, path: \"{date}.jsonl\" }\n";

    fn none(_: &Path) -> std::io::Result<String> {
        Err(std::io::ErrorKind::NotFound.into())
    }

    fn told(a: &str, b: &str) -> Vec<(String, Option<String>, Option<String>)> {
        unlike(a, b).unwrap().into_iter().map(|u| (u.name, u.a, u.b)).collect()
    }

    fn row(
        name: &str,
        a: Option<&str>,
        b: Option<&str>,
    ) -> (String, Option<String>, Option<String>) {
        (name.to_owned(), a.map(str::to_owned), b.map(str::to_owned))
    }

    #[test]
    fn settings_are_named_by_their_keys() {
        assert!(told(A, A).is_empty());
        // Comments, order and layout are nobody's setting.
        let other =
            A.replace("privacy: { user_key_env: KEY }", "privacy:\n  user_key_env: KEY # x");
        assert!(told(A, &other).is_empty());
        let b = A.replace("name: t", "name: u") + "sessions: { timeout: 2h }\nlow_n: 10\n";
        let expected = [
            row("name", Some("t"), Some("u")),
            row("sessions.timeout", None, Some("2h")),
            row("low_n", None, Some("10")),
        ];
        assert_eq!(told(A, &b), expected);
        let reverse: Vec<_> = told(&b, A).into_iter().map(|(name, a, b)| (name, b, a)).collect();
        assert_eq!(reverse, expected);
    }

    #[test]
    fn elements_of_lists_are_told_by_their_names() {
        let b = A.replace("{date}.jsonl\"", "{date}.json\", empty_ok: true")
            + "  - { name: desk, kind: contacts, adapter: canonical, path: c.csv }\n";
        assert_eq!(
            told(A, &b),
            [
                row("sources[bot].path", Some("{date}.jsonl"), Some("{date}.json")),
                row("sources[bot].empty_ok", None, Some("true")),
                row(
                    "sources[desk]",
                    None,
                    Some("{ name: desk, kind: contacts, adapter: canonical, path: c.csv }")
                ),
            ]
        );
        let dims = |dims: &str| format!("{A}dimensions: {dims}\n");
        assert_eq!(
            told(&dims("[bot]"), &dims("[bot, channel]")),
            [row("dimensions", Some("[bot]"), Some("[bot, channel]"))]
        );
    }

    #[test]
    fn a_key_is_never_shown() {
        let key = |key: &str| A.replace("user_key_env: KEY", &format!("user_key: {key}"));
        let (a, b) = (key(&"a".repeat(40)), key(&"b".repeat(40)));
        let hidden = Some("(not shown)");
        assert_eq!(told(&a, &b), [row("privacy.user_key", hidden, hidden)]);
    }

    #[test]
    fn one_setting_is_carried_over_and_no_other() {
        let b = A.replace("name: t", "name: u").replace("{date}.jsonl", "{date}.json")
            + "sessions: { timeout: 2h }\nlow_n: 10\n";
        let carried = |name: &str| {
            let all = unlike(A, &b).unwrap();
            let one = all.into_iter().find(|u| u.name == name).unwrap();
            one.carried_over(Path::new("t.yaml"), A, &none).unwrap()
        };
        let longer = carried("sessions.timeout");
        assert_eq!((longer.sessions.timeout_us, longer.low_n), (7_200_000_000, 30));
        assert_eq!((carried("low_n").low_n, carried("low_n").name.as_str()), (10, "t"));
        // What b leaves out is taken out.
        let back = unlike(&b, A).unwrap();
        let timeout = back.iter().find(|u| u.name == "sessions.timeout").unwrap();
        let usual = timeout.carried_over(Path::new("t.yaml"), &b, &none).unwrap();
        assert_eq!((usual.sessions.timeout_us, usual.low_n), (1_800_000_000, 10));
    }

    #[test]
    fn a_setting_that_needs_its_neighbours_comes_with_them() {
        let b = format!("{A}assumptions: {{ currency: EUR, agent_hourly_rate: 28.5 }}\n");
        let all = unlike(A, &b).unwrap();
        assert_eq!(all[1].name, "assumptions.agent_hourly_rate");
        let with = all[1].carried_over(Path::new("t.yaml"), A, &none).unwrap();
        assert_eq!(with.assumptions.currency.as_deref(), Some("EUR"));
    }
}
