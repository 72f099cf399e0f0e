//! Which tables each difference between two pipelines is part of.
//!
//! Nothing here knows what a setting means. The first pipeline is compiled once more for each
//! difference, with that alone as the second has it, and the definitions that come out are held to
//! its own.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::error::Result;
use crate::model::ModelText;
use crate::model::catalog::Catalog;
use crate::pipeline::{Pipeline, ReadFile, unlike};
use crate::schema::Kind;

/// A pipeline as written and as compiled.
pub struct Side<'a> {
    pub file: &'a Path,
    pub text: &'a str,
    /// Gives the texts of adapters that it names.
    pub read: ReadFile<'a>,
    pub pipeline: &'a Pipeline,
    pub models: &'a [ModelText],
    pub catalog: &'a Catalog,
}

/// Something that two pipelines differ in.
#[derive(Debug, Clone)]
pub struct Cause {
    pub source: Source,
    /// The tables whose definitions it changes; None where it cannot be changed alone, so that
    /// nobody can say.
    pub tables: Option<BTreeSet<String>>,
    /// The logs that are read, or read differently, because of it.
    pub logs: BTreeSet<Kind>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// By its keys, and what each file says; None where one leaves it out.
    Setting { name: String, a: Option<String>, b: Option<String> },
    /// Contract or query of this table.
    Model(String),
}

impl Cause {
    /// Whether it is part of `table`, which is made of `inputs`.
    pub fn concerns(&self, table: &str, inputs: &BTreeSet<Kind>) -> bool {
        let is_defined = self.tables.as_ref().is_none_or(|tables| tables.contains(table));
        is_defined || !self.logs.is_disjoint(inputs)
    }

    /// Whether any number can depend on it.
    pub fn matters(&self) -> bool {
        self.tables.as_ref().is_none_or(|tables| !tables.is_empty()) || !self.logs.is_empty()
    }
}

/// Everything that `a` and `b` differ in: settings in the order of the files, then models by name.
///
/// # Errors
/// Configuration where a file cannot be read as YAML.
pub fn causes(a: &Side<'_>, b: &Side<'_>) -> Result<Vec<Cause>> {
    let mut causes = Vec::new();
    for setting in unlike(a.text, b.text)? {
        let one = setting.carried_over(a.file, a.text, a.read).ok();
        let tables = one.as_ref().and_then(|pipeline| {
            let catalog = Catalog::build(a.models, pipeline).ok()?;
            Some(changed(a.catalog, &catalog))
        });
        let logs = one.map_or_else(BTreeSet::new, |pipeline| logs(a.pipeline, &pipeline));
        let source = Source::Setting { name: setting.name, a: setting.a, b: setting.b };
        causes.push(Cause { source, tables, logs });
    }
    for name in models_apart(a.models, b.models) {
        let mut models: Vec<ModelText> =
            a.models.iter().filter(|model| model.name != name).cloned().collect();
        models.extend(b.models.iter().filter(|model| model.name == name).cloned());
        let catalog = Catalog::build(&models, a.pipeline).ok();
        let tables = catalog.map(|catalog| changed(a.catalog, &catalog));
        causes.push(Cause { source: Source::Model(name), tables, logs: BTreeSet::new() });
    }
    Ok(causes)
}

/// The tables that are defined differently, or in one catalog alone.
fn changed(a: &Catalog, b: &Catalog) -> BTreeSet<String> {
    let definitions = |catalog: &Catalog| -> BTreeMap<String, String> {
        catalog.models.iter().map(|e| (e.model.name.clone(), e.definition.clone())).collect()
    };
    let (a, b) = (definitions(a), definitions(b));
    a.keys().chain(b.keys()).filter(|name| a.get(*name) != b.get(*name)).cloned().collect()
}

/// The kinds of logs that `b` reads otherwise than `a`.
fn logs(a: &Pipeline, b: &Pipeline) -> BTreeSet<Kind> {
    let kinds = |p: &Pipeline| -> BTreeSet<Kind> {
        p.sources.iter().map(|source| source.kind.table()).collect()
    };
    let of_all = |p: &Pipeline| (p.zone, p.start, p.history_floor_us);
    if of_all(a) != of_all(b) {
        return kinds(a).union(&kinds(b)).copied().collect();
    }
    let sources = |p: &Pipeline| -> BTreeMap<String, (Kind, String)> {
        let told = |s: &crate::pipeline::Source| (s.kind.table(), format!("{s:?}"));
        p.sources.iter().map(|source| (source.name.clone(), told(source))).collect()
    };
    let (a, b) = (sources(a), sources(b));
    let apart = a.keys().chain(b.keys()).filter(|name| a.get(*name) != b.get(*name));
    apart.flat_map(|name| [a.get(name), b.get(name)]).flatten().map(|(kind, _)| *kind).collect()
}

fn models_apart(a: &[ModelText], b: &[ModelText]) -> BTreeSet<String> {
    let texts = |models: &[ModelText]| -> BTreeMap<String, (String, String)> {
        models.iter().map(|m| (m.name.clone(), (m.yaml.clone(), m.sql.clone()))).collect()
    };
    let (a, b) = (texts(a), texts(b));
    a.keys().chain(b.keys()).filter(|name| a.get(*name) != b.get(*name)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Layer;
    use crate::model::catalog::builtin;
    use crate::pipeline::compile;

    const A: &str = "version: 1\nname: t\ntimezone: UTC\nwarehouse: ./w\nprivacy: { user_key_env: KEY }\n\
        sources:\n  - { name: bot, kind: events, adapter: canonical, path: \"{date}.jsonl\" }\n";

    fn between(a: &str, b: &str, more: Option<ModelText>) -> Vec<Cause> {
        let file = Path::new("t.yaml");
        let models = builtin();
        let mut others = models.clone();
        others.extend(more);
        let (pipeline, other) = (compile(file, a).unwrap(), compile(file, b).unwrap());
        let catalog = Catalog::build(&models, &pipeline).unwrap();
        let other_catalog = Catalog::build(&others, &other).unwrap();
        let none =
            |_: &Path| -> std::io::Result<String> { Err(std::io::ErrorKind::NotFound.into()) };
        let a = Side {
            file,
            text: a,
            read: &none,
            pipeline: &pipeline,
            models: &models,
            catalog: &catalog,
        };
        let b = Side {
            file,
            text: b,
            read: &none,
            pipeline: &other,
            models: &others,
            catalog: &other_catalog,
        };
        causes(&a, &b).unwrap()
    }

    fn events() -> BTreeSet<Kind> {
        BTreeSet::from([Kind::Events])
    }

    #[test]
    fn a_setting_concerns_the_tables_it_is_rendered_into() {
        let b = A.replace("name: t", "name: u")
            + "sessions: { timeout: 2h }\nuptime: { probe_covers: 2m }\nlow_n: 10\n";
        let found = between(A, &b, None);
        let names: Vec<_> = found
            .iter()
            .map(|cause| match &cause.source {
                Source::Setting { name, .. } | Source::Model(name) => name.as_str(),
            })
            .collect();
        assert_eq!(names, ["name", "sessions.timeout", "uptime.probe_covers", "low_n"]);
        let concerns = |at: usize, table: &str| found[at].concerns(table, &events());
        assert!(!found[0].matters());
        assert!(concerns(1, "fct_session") && !concerns(1, "fct_cost_daily_of_nobody"));
        assert!(concerns(2, "fct_availability_daily") && !concerns(2, "fct_session"));
        assert!(concerns(3, "kpi_daily") && !concerns(3, "fct_availability_daily"));
    }

    #[test]
    fn what_is_read_differently_concerns_all_that_is_made_of_it() {
        let b = A.replace("{date}.jsonl", "{date}.json") + "start: 2026-01-01\n";
        let found = between(A, &b, None);
        assert_eq!(found.len(), 2);
        for cause in &found {
            assert!(cause.tables.as_ref().is_some_and(BTreeSet::is_empty));
            assert!(cause.concerns("fct_session", &events()));
            assert!(!cause.concerns("mine", &BTreeSet::from([Kind::Costs])));
        }
    }

    #[test]
    fn a_model_of_ones_own_concerns_itself_and_what_lists_its_metrics() {
        let mine = ModelText {
            name: "fct_mine".to_owned(),
            layer: Layer::Mart,
            folder: "models/fct_mine".to_owned(),
            yaml: "doc: d\ngrain: ['*dimensions']\nreads: [{ model: fct_session }]\n\
                   columns: [dimensions, { name: sessions, type: bigint, doc: d }]\n\
                   metrics: [{ name: my_sessions, numerator: SUM(sessions), unit: sessions }]\n"
                .to_owned(),
            sql: "SELECT date, {{ dims() }}, COUNT(*) AS sessions FROM fct_session GROUP BY date, {{ dims() }}"
                .to_owned(),
        };
        let found = between(A, A, Some(mine));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].source, Source::Model("fct_mine".to_owned()));
        assert!(found[0].concerns("fct_mine", &events()));
        assert!(found[0].concerns("kpi_daily", &events()));
        assert!(!found[0].concerns("fct_session", &events()));
    }

    #[test]
    fn what_cannot_be_changed_alone_may_concern_everything() {
        // The sets of slices name a dimension that would be gone.
        let a = format!("{A}dimensions: [bot, channel]\ngrouping_sets: [[channel], []]\n");
        let b = format!("{A}dimensions: [bot]\ngrouping_sets: [[bot], []]\n");
        let found = between(&a, &b, None);
        let alone: Vec<bool> = found.iter().map(|cause| cause.tables.is_some()).collect();
        assert_eq!(alone, [false, true]);
        assert!(found[0].matters() && found[0].concerns("fct_savings_daily", &events()));
    }
}
