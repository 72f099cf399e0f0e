//! Nothing is left without words: neither a metric nor a sentence, in any language.

use std::collections::BTreeMap;
use std::path::Path;

use regex::Regex;

use super::super::texts::Texts;
use super::*;
use crate::model::catalog::{Catalog, builtin};

fn catalog() -> Catalog {
    let yaml = "version: 1\nname: t\ntimezone: UTC\nwarehouse: ./w\n\
                privacy: { user_key_env: KEY }\nprofile: [copilot, chatwoot]\n\
                sources:\n  - { name: bot, kind: events, adapter: canonical, path: \"{date}.jsonl\" }\n";
    let pipeline = crate::pipeline::compile(Path::new("t.yaml"), yaml).expect("a pipeline");
    Catalog::build(&builtin(), &pipeline).expect("a catalog")
}

#[test]
fn every_metric_has_a_family_names_and_a_definition() {
    let texts = Texts::read(Language::Swedish).expect("the texts");
    let catalog = catalog();
    let metrics: Vec<_> = catalog.metrics.iter().flat_map(|table| &table.metrics).collect();
    let mut named: BTreeMap<&str, usize> = BTreeMap::new();
    for text in texts.nouns.families.iter().flat_map(|family| &family.metrics) {
        *named.entry(&text.metric).or_default() += 1;
        text.also.iter().for_each(|name| *named.entry(name).or_default() += 1);
    }
    for metric in &metrics {
        let times = named.remove(metric.name.as_str()).unwrap_or_default();
        assert_eq!(times, 1, "sql/report/metrics.yaml must name `{}` once", metric.name);
        assert!(!metric.doc.is_empty(), "the contract of `{}` says nothing of it", metric.name);
    }
    assert!(named.is_empty(), "sql/report/metrics.yaml names what is no metric: {named:?}");
}

#[test]
fn every_state_and_window_of_the_list_is_one_that_the_tables_have() {
    let texts = Texts::read(Language::English).expect("the texts");
    let catalog = catalog();
    let docs = |table: &str| {
        let entry = catalog.entry(table).expect("a table");
        format!("{}{:?}{:?}", entry.model.sql, entry.model.metrics, entry.model.audits)
    };
    let (sessions, retention) = (docs("fct_outcome_daily"), docs("fct_retention"));
    for outcome in texts.nouns.outcomes.iter().filter(|text| text.outcome != "open") {
        assert!(sessions.contains(&format!("'{}'", outcome.outcome)), "{}", outcome.outcome);
    }
    for window in &texts.nouns.retention {
        assert!(
            retention.contains(&format!("'{}'", window.window))
                || retention.contains(&window.window)
        );
    }
}

#[test]
fn every_sentence_of_the_page_is_there() {
    let texts = Texts::read(Language::English).expect("the texts");
    let says = Regex::new(r#"(?:say|fill|of_days)\(\s*"([A-Za-z_0-9]+)""#).expect("a pattern");
    let sources = [
        include_str!("../page.html"),
        include_str!("../charts.html"),
        include_str!("../outcomes.html"),
        include_str!("../rollouts.html"),
        include_str!("../times.html"),
        include_str!("../triangle.html"),
        include_str!("../card.rs"),
        include_str!("../flow.rs"),
        include_str!("../told.rs"),
        include_str!("../locale.rs"),
    ];
    let asked = sources.iter().flat_map(|source| says.captures_iter(source));
    let mut asked: Vec<String> = asked.map(|found| found[1].to_owned()).collect();
    assert!(asked.len() > 100, "the pattern finds only {asked:?}");
    let made = ["effect_none", "effect_less", "effect_more", "effect_less_suggested"];
    let more = ["effect_more_suggested", "described", "effect_unknown", "final", "provisional"];
    let over = ["over_sum", "over_ratio", "over_median", "over_last", "additive", "ratio_of_sums"];
    let rest = ["non_additive", "grade_A", "grade_B", "grade_C", "grade_D", "grade_E"];
    let made = made.iter().chain(&more).chain(&over).chain(&rest).map(|key| (*key).to_owned());
    asked.extend(made);
    asked.retain(|key| key != "grade_" && !texts.knows(key));
    assert_eq!(asked, Vec::<String>::new());
}

#[test]
fn what_is_filled_in_is_not_filled_in_again() {
    let texts = Texts::read(Language::English).expect("the texts");
    let filled = texts.fill("range", &[("low", "{high}"), ("high", "{")]);
    assert_eq!(filled, "from {high} to {");
}
