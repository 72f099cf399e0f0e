//! Adapters: how a vendor's logs are read, in a file of its own that pipelines name.
//!
//! An adapter holds a mapping for each kind of records it knows, and options: in a mapping `$name`
//! stands for what the source says of an option, or for its default. Leaves out: the mappings.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use include_dir::{Dir, File, include_dir};

use super::super::path::{local_folder, split_scheme};
use super::super::spec::{Key, Node, Place, Value, parse};
use super::findings::{Findings, hint};
use crate::schema::Kind;

static BUILTIN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/pipelines/adapters");

/// Gives the text of a file that a pipeline names.
pub type ReadFile<'a> = &'a dyn Fn(&Path) -> std::io::Result<String>;

/// Where files that a pipeline names are.
#[derive(Clone, Copy)]
pub(super) struct Files<'a> {
    /// Relative paths start from here.
    pub base: &'a Path,
    pub read: ReadFile<'a>,
}

/// The adapters that come with the program: names and texts.
pub(super) fn builtin() -> Vec<(&'static str, &'static str)> {
    let file = |file: &'static File<'static>| {
        let name = file.path().file_name()?.to_str()?.strip_suffix(".yaml")?;
        Some((name, file.contents_utf8()?))
    };
    BUILTIN.files().filter_map(file).collect()
}

/// What the adapter called `name` says of records of `kind`, with the source's options in it.
pub(super) fn section(
    name: &Node,
    kind: Option<Kind>,
    chosen: Option<&Node>,
    files: Files,
    out: &mut Findings,
) -> Option<Node> {
    let root = load(name, files, out)?;
    let mut fields = out.map(&root, "adapter")?;
    let doc = fields.need("doc", "add a sentence: whose logs does it read?", out);
    if let Some(doc) = doc.filter(|doc| !matches!(doc.value, Value::Text(_))) {
        out.report(doc.place, "`doc` is no text", "add a sentence: whose logs does it read?");
    }
    let mut options = Options::read(fields.get("options"), chosen, out);
    let mut sections = Vec::new();
    for kind in Kind::ALL {
        let Some(node) = fields.get(kind.name()) else { continue };
        let mut node = node.clone();
        options.fill(&mut node, out);
        sections.push((kind, node));
    }
    fields.close(out);
    options.close(out);
    let kind = kind?;
    let Some(at) = sections.iter().position(|(known, _)| *known == kind) else {
        let has: Vec<&str> = sections.iter().map(|(kind, _)| kind.name()).collect();
        let message = format!("the adapter knows no {}", kind.name());
        out.report(name.place, message, format!("it knows {}", has.join(", ")));
        return None;
    };
    Some(sections.swap_remove(at).1)
}

/// The adapter's file as a tree.
fn load(name: &Node, files: Files, out: &mut Findings) -> Option<Node> {
    let text = out.text(name)?;
    let (file, content) = if is_path(text) {
        let Ok((None, _)) = split_scheme(text) else {
            out.report(
                name.place,
                "an adapter's file must be local",
                "copy it beside the pipeline",
            );
            return None;
        };
        let path = local_folder(text, files.base);
        match (files.read)(&path) {
            Ok(content) => (path.display().to_string(), Cow::Owned(content)),
            Err(error) => {
                let message = format!("{} cannot be read: {error}", path.display());
                out.report(
                    name.place,
                    message,
                    "correct the path; it starts from the pipeline's folder",
                );
                return None;
            }
        }
    } else if let Some((name, content)) = builtin().into_iter().find(|(known, _)| *known == text) {
        (format!("pipelines/adapters/{name}.yaml"), Cow::Borrowed(content))
    } else {
        if text == "auto" {
            let message = "`auto` names no adapter: which one reads the logs must stay the same";
            out.report(name.place, message, "`chatkpi check FOLDER` says which one fits them");
            return None;
        }
        let builtin = builtin();
        let known = builtin.iter().map(|(name, _)| *name).chain(["canonical", "mapped"]);
        out.report(name.place, format!("there is no adapter `{text}`"), hint(text, known));
        return None;
    };
    let file = out.number_of(&file);
    match parse(&content) {
        Ok(mut root) => {
            root.set_file(file);
            Some(root)
        }
        Err((place, message)) => {
            let place = Place { file, ..place };
            out.report(place, message, "correct the YAML here, or just above");
            None
        }
    }
}

/// Names have neither slashes nor dots.
fn is_path(text: &str) -> bool {
    text.contains(['/', '\\', '.'])
}

/// What may be chosen, and what is.
struct Options {
    values: BTreeMap<String, Node>,
    /// As the adapter declares them, and not used yet.
    unused: Vec<Key>,
}

impl Options {
    fn read(declared: Option<&Node>, chosen: Option<&Node>, out: &mut Findings) -> Options {
        let mut options = Options { values: BTreeMap::new(), unused: Vec::new() };
        for (key, default) in entries(declared, "options", out) {
            options.values.insert(key.name.clone(), default.clone());
            options.unused.push(key.clone());
        }
        for (key, value) in entries(chosen, "options", out) {
            match options.values.get_mut(&key.name) {
                Some(option) => *option = value.clone(),
                None => {
                    let message = format!("the adapter has no option `{}`", key.name);
                    let known = options.values.keys().map(String::as_str);
                    out.report(key.place, message, hint(&key.name, known));
                }
            }
        }
        options
    }

    /// Puts values where the tree names options; the values keep the places they were written at.
    fn fill(&mut self, node: &mut Node, out: &mut Findings) {
        match &mut node.value {
            Value::List(items) => items.iter_mut().for_each(|item| self.fill(item, out)),
            Value::Map(entries) => {
                entries.iter_mut().for_each(|(_, value)| self.fill(value, out));
            }
            Value::Text(text) => {
                let Some(name) = option_name(text) else { return };
                self.unused.retain(|key| key.name != name);
                match self.values.get(name) {
                    Some(value) => *node = value.clone(),
                    None => {
                        let message = format!("the adapter has no option `{name}`");
                        let known = self.values.keys().map(String::as_str);
                        out.report(node.place, message, hint(name, known));
                    }
                }
            }
            _ => (),
        }
    }

    fn close(self, out: &mut Findings) {
        for key in self.unused {
            let message = format!("nothing uses the option `{}`", key.name);
            out.report(key.place, message, format!("write ${} where it is meant", key.name));
        }
    }
}

/// `name` of the text `$name`.
fn option_name(text: &str) -> Option<&str> {
    let name = text.strip_prefix('$')?;
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    (!name.is_empty() && name.chars().all(fits)).then_some(name)
}

fn entries<'n>(
    node: Option<&'n Node>,
    what: &'static str,
    out: &mut Findings,
) -> &'n [(Key, Node)] {
    let Some(node) = node else { return &[] };
    // Only for the checks of a map; which keys are known, the adapter says.
    let _ = out.map(node, what);
    if let Value::Map(entries) = &node.value { entries } else { &[] }
}

#[cfg(test)]
mod tests;
