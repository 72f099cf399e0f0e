//! What the walls read of contracts and documents.

use std::collections::BTreeSet;

use crate::text::leading_word;

/// The `name:` of every entry under `metrics:`.
pub fn metrics(yaml: &str) -> Vec<String> {
    let lines = yaml.lines().skip_while(|line| *line != "metrics:").skip(1);
    let own = lines.take_while(|line| line.starts_with(' '));
    let names = own.filter_map(|line| line.trim_start().strip_prefix("- "));
    let names = names.map(|line| line.trim_start_matches(['{', ' ']));
    let names = names.filter_map(|line| line.strip_prefix("name:"));
    names.map(|rest| leading_word(rest.trim_start_matches([' ', '"'])).to_owned()).collect()
}

/// The keys under an adapter's `options:`.
pub fn options(yaml: &str) -> Vec<String> {
    let lines = yaml.lines().skip_while(|line| *line != "options:").skip(1);
    let own = lines.take_while(|line| line.starts_with("  "));
    let keys = own.filter_map(|line| line.strip_prefix("  ")?.split_once(':'));
    let keys = keys.map(|(key, _)| key).filter(|key| leading_word(key) == *key);
    keys.map(str::to_owned).collect()
}

/// The first cells of a page's tables, where they are code.
pub fn headed(markdown: &str) -> BTreeSet<String> {
    let cells = markdown.lines().filter_map(|line| line.strip_prefix("| `"));
    cells.filter_map(|line| line.split('`').next()).map(str::to_owned).collect()
}

/// The rows of the table of imports: a module, and code or `nothing` in a second and last cell.
pub fn documented(markdown: &str) -> Vec<(String, BTreeSet<String>)> {
    let cells = |line: &str| -> Option<(String, BTreeSet<String>)> {
        let (module, allowed) = line.strip_prefix("| `")?.strip_suffix(" |")?.split_once("` | ")?;
        let names = allowed.split(", ").filter(|name| *name != "nothing");
        let name = |name: &str| Some(name.strip_prefix('`')?.strip_suffix('`')?.to_owned());
        Some((module.to_owned(), names.map(name).collect::<Option<_>>()?))
    };
    let after = markdown.split_once("may import").map_or(markdown, |(_, after)| after);
    let rows = after.lines().skip_while(|line| cells(line).is_none());
    rows.map_while(cells).collect()
}
