//! Every example of `docs/mapping.md` and of the page about adapters: a mapping, an input, and the
//! rows that come out.

use super::mapped::{HEAD, pipeline};
use super::*;
use crate::error::Error;

/// A fenced block: its language and its text.
struct Block {
    language: String,
    text: String,
}

#[test]
fn every_example_of_the_manual() {
    assert!(examples("mapping.md") >= 11);
}

#[test]
fn every_example_of_an_adapter() {
    assert!(examples("adapters/README.md") >= 2);
}

/// Checks a page's examples and counts them. An adapter serves all examples after it.
fn examples(page: &str) -> usize {
    let page = format!("{}/docs/{page}", env!("CARGO_MANIFEST_DIR"));
    let blocks = blocks(&std::fs::read_to_string(page).unwrap());
    let (mut examples, mut adapter) = (0, "");
    let mut rest = blocks.as_slice();
    while let [mapping, others @ ..] = rest {
        if mapping.language == "yaml adapter" {
            (adapter, rest) = (&mapping.text, others);
            continue;
        }
        assert_eq!(mapping.language, "yaml", "an example begins with its mapping");
        examples += 1;
        let compiled = pipeline(&mapping.text, adapter);
        rest = match others {
            [told, rest @ ..] if told.language == "error" => {
                assert_eq!(mistakes(&compiled.unwrap_err()), told.text, "{}", mapping.text);
                rest
            }
            [input, expected, rest @ ..] if expected.language == "rows" => {
                let mut pipeline = compiled.unwrap_or_else(|error| panic!("{error}"));
                let bench = Bench { source: pipeline.sources.remove(1), ..Bench::events() };
                check(bench, mapping, input, &expected.text);
                rest
            }
            _ => panic!("an example has an input and rows, or an error:\n{}", mapping.text),
        };
    }
    examples
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for line in page.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(language), None) => {
                open = Some(Block { language: language.to_owned(), text: String::new() });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(block)) => block.text.extend([line, "\n"]),
            (None, None) => (),
        }
    }
    assert!(open.is_none());
    blocks
}

fn check(mut bench: Bench, mapping: &Block, input: &Block, expected: &str) {
    bench.object_key = format!("logs/a.{}", input.language);
    let out = bench.run(&input.text);
    let mut lines = expected.lines();
    let columns: Vec<&str> = lines.next().unwrap().split(" | ").collect();
    let cells: Vec<Vec<String>> = columns.iter().map(|name| shown(&out, name)).collect();
    let rows = cells.first().map_or(0, Vec::len);
    let row = |at: usize| cells.iter().map(|c| c[at].as_str()).collect::<Vec<_>>().join(" | ");
    let mut told: Vec<String> = (0..rows).map(row).collect();
    let mut wanted: Vec<String> = Vec::new();
    for line in lines {
        match line.strip_prefix("-- ") {
            Some(counts) => {
                assert_eq!(counted(&out.decoded), counts, "{:?}", out.decoded.quarantine);
            }
            None => wanted.push(expect(&bench, &columns, line)),
        }
    }
    if wanted.len() != told.len() || told.is_empty() {
        told.push(format!("{:?}", out.decoded.quarantine));
    }
    assert_eq!(told, wanted, "{}", mapping.text);
}

/// A column of the manual: ids are shown as what becomes of them.
fn shown(out: &Outcome, name: &str) -> Vec<String> {
    match name {
        "user_id" => out.column("user_key"),
        "conversation_id" => out.column("conversation_key"),
        "ts" => out.column("ts").iter().map(|us| instant(us)).collect(),
        other => out.column(other),
    }
}

fn instant(us: &str) -> String {
    let at = chrono::DateTime::from_timestamp_micros(us.parse().unwrap()).unwrap();
    at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

fn expect(bench: &Bench, columns: &[&str], line: &str) -> String {
    let cells = columns.iter().zip(line.split(" | ")).map(|(column, cell)| match *column {
        "user_id" => bench.hasher.user_key(cell),
        "conversation_id" => {
            let purpose = privacy::Purpose::Conversation;
            bench.hasher.pseudonym(purpose, cell.as_bytes()).as_str().to_owned()
        }
        _ => cell.to_owned(),
    });
    cells.collect::<Vec<_>>().join(" | ")
}

/// What became of the records, but for blank ones.
fn counted(decoded: &Decoded) -> String {
    let accounting = &decoded.accounting;
    let sums = [
        (accounting.decoded, "decoded"),
        (accounting.filtered, "filtered"),
        (accounting.empty, "empty"),
    ];
    let mut told: Vec<String> = Vec::new();
    told.extend(sums.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")));
    told.extend(accounting.reasons.iter().map(|(reason, n)| format!("{n} quarantined {reason}")));
    told.join(", ")
}

/// What is said of a wrong mapping, with places in the mapping's own lines.
fn mistakes(error: &Error) -> String {
    let mut told = String::new();
    for found in &error.diagnostics {
        let (line, column) = (found.line - HEAD, found.column - 4);
        told += &format!("{line}:{column}: {}\n", found.message);
        told += &format!("    {}\n", found.remedy.as_deref().unwrap_or_default());
    }
    told
}
