//! Adapters as pipelines name them: those of the program, and a user's own.

use std::path::Path;

use crate::error::Diagnostic;
use crate::pipeline::{Adapter, Pipeline, Records, compile, compile_with_files};
use crate::schema::Kind;

use super::builtin;

const OWN: &str = "doc: A desk's log.
options:
  away: [transfer]
  include_tests: false
  who: /by
events:
  records: json
  timezone: Europe/Stockholm
  defaults: { bot: desk, channel: web }
  drop: { pointer: /kind, in: $away }
  emit:
    - drop: [ { not: { given: $include_tests } } ]
      fields: { ts: /at, actor: $who, type: { value: message }, user_id: /user }
";

fn text(source: &str) -> String {
    format!(
        "version: 1\nname: x\ntimezone: UTC\nwarehouse: w\nprivacy: {{ user_key_env: K }}\n\
        sources:\n  - {{ name: a, kind: events, path: a/*, {source} }}\n"
    )
}

fn with(own: &str, source: &str) -> crate::error::Result<Pipeline> {
    compile_with_files(Path::new("p/x.yaml"), &text(source), &|path| {
        assert_eq!(path, Path::new("p/desk.yaml"));
        Ok(own.to_owned())
    })
}

fn good(source: &str) -> Pipeline {
    with(OWN, source).unwrap_or_else(|error| panic!("{error}"))
}

fn wrong(own: &str, source: &str) -> String {
    told(with(own, source).unwrap_err().diagnostics)
}

fn told(found: Vec<Diagnostic>) -> String {
    let line = |d: Diagnostic| {
        let remedy = d.remedy.unwrap_or_default();
        format!("{}:{}:{}: {} ({remedy})", d.file, d.line, d.column, d.message)
    };
    found.into_iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_adapter_of_the_program_compiles_for_each_kind_that_it_knows() {
    let mut compiled = 0;
    for (name, yaml) in builtin() {
        for kind in Kind::ALL.iter().filter(|kind| yaml.contains(&format!("\n{}:\n", kind.name())))
        {
            let source = format!("adapter: {name}");
            let text = text(&source).replace("kind: events", &format!("kind: {}", kind.name()))
                + "  - { name: b, kind: events, adapter: canonical, path: b.csv }\n";
            let pipeline = compile(Path::new("x.yaml"), &text);
            let pipeline = pipeline.unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(matches!(pipeline.sources[0].adapter, Adapter::Mapped(_)));
            compiled += 1;
        }
    }
    assert!(compiled >= builtin().len() && compiled > 0);
}

#[test]
fn an_own_adapter_fills_what_the_source_leaves_out() {
    let source = good("adapter: ./desk.yaml").sources.remove(0);
    assert_eq!(source.records, Some(Records::Json));
    assert_eq!(source.naive_zone, Some(chrono_tz::Europe::Stockholm));
    assert_eq!((&*source.defaults["bot"], &*source.defaults["channel"]), ("desk", "web"));
    let more = "adapter: ./desk.yaml, records: jsonl, timezone: UTC, defaults: { bot: shop }, \
                keep: { pointer: /a, exists: true }";
    let source = good(more).sources.remove(0);
    assert_eq!(source.records, Some(Records::Jsonl));
    assert_eq!(source.naive_zone, Some(chrono_tz::UTC));
    assert_eq!((&*source.defaults["bot"], &*source.defaults["channel"]), ("shop", "web"));
    let Adapter::Mapped(mapping) = source.adapter else { panic!() };
    assert_eq!((mapping.keep.len(), mapping.drop.len(), mapping.emits.len()), (1, 1, 1));
    // How files are named tells more than the adapter can know.
    let rows = good("adapter: ./desk.yaml").sources.remove(0);
    assert_eq!(rows.records, Some(Records::Json));
    let named = text("adapter: ./desk.yaml").replace("a/*", "a/*.csv.gz");
    let read = |_: &Path| Ok(OWN.to_owned());
    let named = compile_with_files(Path::new("x.yaml"), &named, &read).unwrap();
    assert_eq!(named.sources[0].records, None);
}

#[test]
fn what_an_option_says_decides_how_logs_are_decoded() {
    let shown = |source: &str| format!("{:?}", good(source).sources[0].adapter);
    let plain = shown("adapter: ./desk.yaml");
    assert!(plain.contains("transfer"));
    let chosen = shown("adapter: ./desk.yaml, options: { away: [gone] }");
    assert!(chosen.contains("gone") && !chosen.contains("transfer"));
    assert_ne!(plain, shown("adapter: ./desk.yaml, options: { include_tests: true }"));
    let two = shown("adapter: ./desk.yaml, options: { who: [/by, /from] }");
    assert!(two.contains("\"from\""));
    assert_eq!(plain, shown("adapter: ./desk.yaml, options: { away: [transfer] }"));
}

#[test]
fn mistakes_are_told_where_they_were_made() {
    assert_eq!(
        wrong(OWN, "adapter: ./desk.yaml, options: { awa: [x], include_tests: maybe }"),
        "p/x.yaml:7:74: the adapter has no option `awa` (did you mean `away`?)\n\
         p/x.yaml:7:99: expected true or false, found text (write true or false, without quotes)"
    );
    let own = OWN
        .replace("by\nev", "by\n  idle: 1\nev")
        .replace("$who", "$whom")
        .replace(": /at", ": at");
    assert_eq!(
        wrong(&own, "adapter: ./desk.yaml"),
        "p/desk.yaml:5:3: nothing uses the option `who` (write $who where it is meant)\n\
         p/desk.yaml:6:3: nothing uses the option `idle` (write $idle where it is meant)\n\
         p/desk.yaml:14:21: `at` is not a pointer (write `/at` for a value of the record, or { value: at })\n\
         p/desk.yaml:14:32: the adapter has no option `whom` (did you mean `who`?)\n\
         p/desk.yaml:14:32: `$whom` is not a pointer (write `/$whom` for a value of the record, or { value: $whom })"
    );
    // Once, however many sources name the file.
    let twice = text("adapter: ./desk.yaml")
        + "  - { name: b, kind: events, path: b/*, adapter: ./desk.yaml }\n";
    let error =
        compile_with_files(Path::new("p/x.yaml"), &twice, &|_| Ok(own.clone())).unwrap_err();
    assert_eq!(error.diagnostics.len(), 5);
    assert_eq!(
        wrong("doc: [\n", "adapter: ./desk.yaml").split(": ").next(),
        Some("p/desk.yaml:1:6")
    );
}

#[test]
fn what_is_not_there_is_told() {
    let here =
        |source: &str| told(compile(Path::new("p/x.yaml"), &text(source)).unwrap_err().diagnostics);
    assert_eq!(
        here("adapter: raza"),
        "p/x.yaml:7:50: there is no adapter `raza` (did you mean `rasa`?)"
    );
    assert!(here("adapter: ./desk.yaml").contains("p/desk.yaml cannot be read: entity not found"));
    assert!(here("adapter: \"s3://b/desk.yaml\"").contains("must be local"));
    let contacts = text("adapter: ./desk.yaml").replace("kind: events", "kind: contacts")
        + "  - { name: b, kind: events, adapter: canonical, path: b.csv }\n";
    let error =
        compile_with_files(Path::new("p/x.yaml"), &contacts, &|_| Ok(OWN.to_owned())).unwrap_err();
    assert_eq!(
        told(error.diagnostics),
        "p/x.yaml:7:52: the adapter knows no contacts (it knows events)"
    );
}
