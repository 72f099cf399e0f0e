//! The walls of `ARCHITECTURE.md`, held by reading the sources as text.
//!
//! Needs no feature, and of the program only its lists.
//! Every scanner is first run on a tiny text that breaks its rule: a wall that cannot fail holds
//! nothing. Leaves out: what clippy (`clippy.toml`) and the compiler hold already.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use chatkpi::pipeline::compile;
use chatkpi::schema::Kind;
use pages::{documented, headed, metrics, options};
use rules::{IMPORTS, MOST_LINES, NAMESAKES, OWNERS, WORLD};
use text::{code, is_word, leading_word, literals};

#[path = "architecture/pages.rs"]
mod pages;
#[path = "architecture/rules.rs"]
mod rules;
#[path = "architecture/text.rs"]
mod text;

#[test]
fn imports_point_toward_the_core() {
    assert_eq!(
        imports("use crate::plan::{Plan}; fn f() { crate::run::run() }"),
        set(&["plan", "run"])
    );
    assert_eq!(imports("use crate::{error::Error, sink};"), set(&["error", "sink"]));
    assert_eq!(imports("// crate::cli\n let s = \"crate::cli\";"), set(&[]));

    let mut wrong = Vec::new();
    for (file, text) in sources() {
        let Some(module) = module_of(&file) else { continue };
        let Some((_, allowed)) = IMPORTS.iter().find(|(name, _)| *name == module) else {
            wrong.push(format!("{file}: `{module}` is not in the table of imports"));
            continue;
        };
        for import in imports(without_tests(&file, &text)) {
            if import != module && !allowed.contains(&import.as_str()) {
                wrong.push(format!("{file}: `{module}` may not import `{import}`"));
            }
        }
        // Tests make values of their own, and may take them from anything that lies below.
        let below = IMPORTS.iter().map(|(name, _)| *name).take_while(|name| *name != module);
        let below: Vec<&str> = below.collect();
        for import in imports(&text) {
            if import != module && !below.contains(&import.as_str()) {
                wrong.push(format!("{file}: a test of `{module}` may not import `{import}`"));
            }
        }
    }
    none(&wrong);
}

#[test]
fn the_table_of_imports_has_no_cycle_and_nothing_unused() {
    assert!(cycle(&[("a", &["b"]), ("b", &["a"])]).is_some());
    assert_eq!(cycle(IMPORTS), None);

    let mut used: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (file, text) in sources() {
        if let Some(module) = module_of(&file) {
            used.entry(module).or_default().extend(imports(without_tests(&file, &text)));
        }
    }
    let mut idle = Vec::new();
    for (module, allowed) in IMPORTS {
        let real = used.get(*module).cloned().unwrap_or_default();
        let unused = allowed.iter().filter(|name| !real.contains(**name));
        idle.extend(
            unused.map(|name| format!("`{module}` is allowed `{name}` and does not import it")),
        );
    }
    none(&idle);
}

#[test]
fn architecture_md_shows_the_same_table() {
    assert_eq!(
        documented("| `a` | `b`, `c` |\n| `d` | nothing |"),
        vec![row("a", &["b", "c"]), row("d", &[])]
    );

    let told = documented(&read("ARCHITECTURE.md"));
    let held: Vec<_> = IMPORTS.iter().map(|(module, allowed)| row(module, allowed)).collect();
    assert_eq!(told, held, "ARCHITECTURE.md's table of imports differs from this test's");
}

#[test]
fn every_heavy_crate_has_one_owner() {
    assert!(names_crate("use polars::prelude::*;", "polars"));
    assert!(names_crate("fn f() { ::polars::run() }", "polars"));
    assert!(!names_crate("use crate::engine::polars::PolarsEngine; // polars::x", "polars"));

    let mut wrong = Vec::new();
    for (name, owners) in OWNERS {
        let mut found = false;
        for (file, text) in sources() {
            if names_crate(&text, name) {
                found = true;
                if !owners.iter().any(|owner| file.starts_with(owner)) {
                    wrong.push(format!("{file}: `{name}` belongs to {}", owners.join(", ")));
                }
            }
        }
        if !found {
            wrong.push(format!("nothing names `{name}`: take it out of the table"));
        }
    }
    none(&wrong);
}

#[test]
fn the_clock_and_the_environment_enter_in_cli_alone() {
    assert_eq!(reads_of_the_world("let now = chrono::Utc::now();"), ["Utc::now"]);
    assert_eq!(reads_of_the_world("std::env::var(NAME)"), ["env::var"]);
    assert!(reads_of_the_world("// Utc::now() is for cli\n\"Utc::now\"; env!(\"X\");").is_empty());

    let mut wrong = Vec::new();
    for (file, text) in sources().into_iter().filter(|(file, _)| !file.starts_with("src/cli/")) {
        wrong.extend(reads_of_the_world(&text).iter().map(|read| format!("{file}: {read}")));
    }
    none(&wrong);
}

#[test]
fn every_file_says_what_it_is_for_and_none_is_too_long() {
    assert_eq!(complaints("a.rs", "use std::fs;\n").len(), 1);
    assert_eq!(complaints("a.rs", &format!("//! Long.\n{}", "\n".repeat(MOST_LINES))).len(), 1);
    assert!(complaints("a.rs", "//! Short.\n").is_empty());

    let files = sources().into_iter().chain(rust_files("tests"));
    none(&files.flat_map(|(file, text)| complaints(&file, &text)).collect::<Vec<_>>());
}

#[test]
fn every_model_is_a_folder_with_contract_and_query() {
    assert_eq!(missing_files(|name| name == "model.yaml"), ["query.sql"]);

    let mut wrong = Vec::new();
    for folder in model_folders() {
        let missing = missing_files(|name| folder.join(name).is_file());
        wrong.extend(missing.iter().map(|name| format!("{} has no {name}", folder.display())));
    }
    none(&wrong);
}

#[test]
fn no_metric_is_named_in_rust() {
    let metrics = set(&["csat", "dau"]);
    assert_eq!(named_metrics("let a = \"csat\"; // \"dau\"", &metrics), set(&["csat"]));
    assert_eq!(
        named_metrics("let a = r#\"SELECT dau FROM t\"#; let c = '\"';", &metrics),
        set(&["dau"])
    );
    assert!(named_metrics("let csat = \"csat_5\";", &metrics).is_empty());
    assert_eq!(without_tests("a.rs", "a;\n#[cfg(test)]\nmod tests {\n\"csat\"\n}\n"), "a;");

    let metrics = metrics_by_table().into_values().flatten().collect();
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    // The demo shows people some.
    for (file, text) in sources().into_iter().filter(|(file, _)| file != "src/cli/demo.rs") {
        for metric in named_metrics(without_tests(&file, &text), &metrics) {
            match NAMESAKES.iter().find(|(at, name, _)| *at == file && *name == metric) {
                Some(namesake) => _ = seen.insert(namesake),
                None => wrong.push(format!("{file} names the metric `{metric}`")),
            }
        }
    }
    let idle = NAMESAKES.iter().filter(|namesake| !seen.contains(namesake));
    wrong.extend(idle.map(|(file, name, _)| format!("{file} does not name `{name}` any more")));
    none(&wrong);
}

#[test]
fn every_metric_is_explained() {
    assert_eq!(
        metrics("metrics:\n  - { name: a_b, numerator: x }\naudits:\n  - { name: c }"),
        ["a_b"]
    );
    assert_eq!(metrics("metrics:\n  - name: a_b\n    numerator: x\n"), ["a_b"]);
    assert_eq!(headed("# KPIs\n| `a_b` | text `c` |\n"), set(&["a_b"]));

    let text = read("docs/kpis.md");
    let explained = headed(&text);
    let declared: BTreeSet<String> = metrics_by_table().into_values().flatten().collect();
    assert!(declared.len() > 30, "the metrics were not found: {declared:?}");
    none(
        &declared
            .difference(&explained)
            .map(|m| format!("`{m}` is not in docs/kpis.md"))
            .collect::<Vec<_>>(),
    );
    none(
        &explained
            .difference(&declared)
            .map(|m| format!("docs/kpis.md explains `{m}`, which is no metric"))
            .collect::<Vec<_>>(),
    );
}

#[test]
fn every_key_of_the_canonical_format_is_explained() {
    let explained = headed(&read("docs/canonical.md"));
    assert!(!explained.contains("no_such_key"));
    let keys = Kind::ALL.into_iter().flat_map(|kind| kind.input_keys().iter());
    let missing: BTreeSet<_> = keys.filter(|key| !explained.contains(**key)).collect();
    none(&missing.iter().map(|key| format!("docs/canonical.md lacks `{key}`")).collect::<Vec<_>>());
}

#[test]
fn every_key_of_a_contract_is_explained() {
    let explained = headed(&read("docs/models.md"));
    assert!(!explained.contains("no_such_key"));
    let mut missing = BTreeSet::new();
    for folder in model_folders() {
        for line in read(&format!("{}/model.yaml", folder.display())).lines() {
            let key = line.split_once(':').map(|(key, _)| key.to_owned());
            let key = key.filter(|key| key.chars().all(|c| c.is_ascii_lowercase()));
            missing.extend(key.filter(|key| !key.is_empty() && !explained.contains(key)));
        }
    }
    none(&missing.iter().map(|key| format!("docs/models.md lacks `{key}`")).collect::<Vec<_>>());
}

#[test]
fn every_adapter_has_a_page_with_its_options_and_a_ready_pipeline() {
    assert_eq!(
        options("doc: x\noptions:\n  a_b: [\n    c]\n  d: 1\nevents:\n  e: 2"),
        ["a_b", "d"]
    );

    let list = read("docs/adapters/README.md");
    let adapters = entries(&root().join("pipelines/adapters"));
    let mut wrong = Vec::new();
    for path in &adapters {
        let name = path.file_stem().expect("it is a file").to_string_lossy().into_owned();
        // The adapters of one vendor share a page: `zendesk-chat` is on that of `zendesk`.
        let vendor = pages_of(&name).find(|page| root().join(page_of(page)).is_file());
        let Some(vendor) = vendor else {
            wrong.push(format!("no page tells of {name}"));
            continue;
        };
        let page = read(&page_of(vendor));
        let explained = headed(&page);
        let declared = options(&read(&format!("pipelines/adapters/{name}.yaml")));
        let missing = declared.iter().filter(|option| !explained.contains(*option));
        wrong.extend(missing.map(|option| format!("{} lacks `{option}`", page_of(vendor))));
        if name != vendor && !page.contains(&format!("`{name}`")) {
            wrong.push(format!("{} does not name `{name}`", page_of(vendor)));
        }
        if !list.contains(&format!("]({vendor}.md)")) {
            wrong.push(format!("docs/adapters/README.md does not list {vendor}"));
        }
        let ready = format!("pipelines/{vendor}.yaml");
        let text = read(&ready);
        if let Err(error) = compile(Path::new(&ready), &text) {
            wrong.push(error.to_string());
        }
        if !text.contains(&format!("adapter: {vendor}")) {
            wrong.push(format!("{ready} does not name its adapter"));
        }
    }
    assert!(adapters.len() > 10, "only {adapters:?}");
    none(&wrong);
}

fn page_of(vendor: &str) -> String {
    format!("docs/adapters/{vendor}.md")
}

/// An adapter's own page, and those that it may share: its name with less and less at the end.
fn pages_of(name: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(name), |name| name.rsplit_once('-').map(|(front, _)| front))
}

// What the scanners see of a file.

/// Modules named by `crate::` paths, also inside `use crate::{…}`.
fn imports(text: &str) -> BTreeSet<String> {
    let code = code(text);
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        // `$crate` and names that end in `crate` are something else.
        if code[..at].ends_with(|c: char| is_word(c) || c == '$') {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        match rest.trim_start().strip_prefix('{') {
            Some(list) => found.extend(first_names(list)),
            None => _ = found.insert(leading_word(rest).to_owned()),
        }
    }
    found.remove("");
    found
}

/// The first name of each path in a `{…}` list, of which the brace is gone.
fn first_names(list: &str) -> Vec<String> {
    let (mut depth, mut start, mut names) = (0, 0, Vec::new());
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            '}' | ',' if depth == 0 => {
                names.push(leading_word(list[start..at].trim_start()).to_owned());
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            _ => (),
        }
    }
    names
}

/// Whether a path begins with the crate `name`.
fn names_crate(text: &str, name: &str) -> bool {
    let code = code(text);
    code.match_indices(name).any(|(at, _)| {
        let (before, after) = (&code[..at], &code[at + name.len()..]);
        let is_root = match before.strip_suffix("::") {
            // `::name` is a root again, `x::name` is not.
            Some(path) => !path.ends_with(|c: char| is_word(c) || c == '>'),
            None => !before.ends_with(is_word),
        };
        let is_used = after.starts_with("::")
            || ["use", "crate"].iter().any(|word| before.trim_end().ends_with(word));
        is_root && is_used && !after.starts_with(is_word)
    })
}

fn reads_of_the_world(text: &str) -> Vec<&'static str> {
    let code = code(text);
    let is_named = |name: &&&str| {
        code.match_indices(**name).any(|(at, _)| {
            !code[..at].ends_with(is_word) && !code[at + name.len()..].starts_with(is_word)
        })
    };
    WORLD.iter().filter(is_named).copied().collect()
}

fn complaints(file: &str, text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if !text.starts_with("//!") {
        wrong.push(format!("{file} does not open with `//!`"));
    }
    let lines = text.lines().count();
    if lines > MOST_LINES {
        wrong.push(format!("{file} has {lines} lines, more than {MOST_LINES}"));
    }
    wrong
}

/// A file without its tests, which speak of examples.
fn without_tests<'a>(file: &str, text: &'a str) -> &'a str {
    if file.contains("/tests/") || file.ends_with("/tests.rs") {
        return "";
    }
    text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default()
}

fn missing_files(has: impl Fn(&str) -> bool) -> Vec<&'static str> {
    ["model.yaml", "query.sql"].into_iter().filter(|name| !has(name)).collect()
}

/// Metrics that stand as a whole word in a string literal. Longer names that contain one are others.
fn named_metrics(text: &str, metrics: &BTreeSet<String>) -> BTreeSet<String> {
    let literals = literals(text);
    let words = literals.iter().flat_map(|literal| {
        // Prose may say "sessions"; a name stands alone or in SQL.
        let is_sql = literal.contains("SELECT ");
        let parts = literal.split(|c: char| !is_word(c));
        parts.filter(move |word| is_sql || *word == literal.as_str() || word.contains('_'))
    });
    words.filter(|word| metrics.contains(*word)).map(str::to_owned).collect()
}

// The repository.

fn sources() -> Vec<(String, String)> {
    let files = rust_files("src");
    assert!(files.len() > 50, "the sources were not found");
    files
}

/// Every `.rs` file below a folder: its path from the root with `/`, and its text.
fn rust_files(folder: &str) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for path in entries(&folder) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let name = path.strip_prefix(root()).expect("it lies below the root");
                let name = name.to_string_lossy().replace('\\', "/");
                let text = read(&name);
                files.push((name, text));
            }
        }
    }
    files.sort();
    files
}

fn model_folders() -> Vec<PathBuf> {
    // `macros` holds texts that several models include, `profiles` the rules of vendors, `ddl` how
    // engines are told of tables, `report` the names of metrics.
    let others = ["macros", "profiles", "ddl", "report"];
    let layers = entries(&root().join("sql")).into_iter();
    let layers = layers.filter(|folder| others.iter().all(|other| !folder.ends_with(other)));
    let folders: Vec<PathBuf> = layers.flat_map(|layer| entries(&layer)).collect();
    assert!(folders.len() > 10, "the models were not found");
    folders
}

/// The declared metrics, by the folder that declares them.
fn metrics_by_table() -> BTreeMap<PathBuf, Vec<String>> {
    let text = |folder: &Path| fs::read_to_string(folder.join("model.yaml")).unwrap_or_default();
    model_folders().into_iter().map(|folder| (folder.clone(), metrics(&text(&folder)))).collect()
}

/// The top-level module of a file; None for the roots of library and program.
fn module_of(file: &str) -> Option<String> {
    let inner = file.strip_prefix("src/")?;
    let module = inner.split('/').next()?.trim_end_matches(".rs");
    (!["lib", "main"].contains(&module)).then(|| module.to_owned())
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    entries.map(|entry| entry.expect("an entry").path()).collect()
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

// Judging.

/// A path through the table that comes back to where it began.
fn cycle(table: &[(&str, &[&str])]) -> Option<String> {
    // Whatever is only allowed what is already below it is below everything after it.
    let mut below: BTreeSet<&str> = BTreeSet::new();
    for (module, allowed) in table {
        if let Some(above) = allowed.iter().find(|name| !below.contains(**name)) {
            return Some(format!("{module} imports {above}, which is not below it"));
        }
        below.insert(module);
    }
    None
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn row(module: &str, allowed: &[&str]) -> (String, BTreeSet<String>) {
    (module.to_owned(), set(allowed))
}

fn none(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} found:\n  {}", wrong.len(), wrong.join("\n  "));
}
