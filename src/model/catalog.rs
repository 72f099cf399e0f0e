//! All models of a pipeline, checked and in an order in which they can be built.

use std::collections::{BTreeMap, BTreeSet};

use include_dir::{Dir, include_dir};
use sha2::{Digest, Sha256};

use super::lint::lint;
use super::query::{MetricTable, Parameters, Watermarks, mentions, metric_table, render};
use super::{After, Before, Layer, Model, ModelText, Native, Read, Table, spec};
use crate::error::{Error, Result};
use crate::interval::{Every, Interval, day_start_us, from_day_number};
use crate::pipeline::Pipeline;
use crate::schema::Kind;

/// The folder `sql/`.
pub(super) static BUILTIN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/sql");

/// The layers and the folders under `sql/` that hold their models.
pub const LAYERS: [(Layer, &str); 3] =
    [(Layer::Staging, "staging"), (Layer::Intermediate, "intermediate"), (Layer::Mart, "marts")];

/// The models of one pipeline.
#[derive(Debug, Clone)]
pub struct Catalog {
    /// Every model after all that it reads.
    pub models: Vec<Entry>,
    /// The tables that declare metrics.
    pub metrics: Vec<MetricTable>,
}

/// A model with what planning needs to know about its query.
#[derive(Debug, Clone)]
pub struct Entry {
    pub model: Model,
    /// Hash of everything that decides the table's content but its input rows and days: SQL,
    /// settings, contract, and the definitions of all that it reads.
    pub definition: String,
    pub uses_watermark: bool,
    pub uses_history_start: bool,
    /// Tells which cells of the metrics are final: each metric's in its own time.
    pub tells_final: bool,
    /// The decoded tables that it is made from in the end.
    pub inputs: BTreeSet<Kind>,
}

impl Catalog {
    /// Compiles, checks and orders `texts`, without those that need what the pipeline does not have.
    ///
    /// # Errors
    /// Configuration errors: a wrong contract, SQL outside the dialect, a table that does not
    /// exist, models that read each other in a circle.
    pub fn build(texts: &[ModelText], pipeline: &Pipeline) -> Result<Catalog> {
        let mut waiting = Vec::new();
        for text in texts.iter().filter(|text| spec::is_needed(text, pipeline)) {
            waiting.push((spec::compile(text, pipeline)?, spec::reads_metrics(text)));
        }
        let sources: Vec<String> = waiting
            .iter()
            .filter(|(model, _)| !model.metrics.is_empty())
            .map(|(model, _)| model.name.clone())
            .collect();
        for (model, reads_metrics) in &mut waiting {
            if *reads_metrics {
                model.reads.extend(sources.iter().map(|name| same_day(name)));
            }
        }
        let mut ordered = order(waiting.into_iter().map(|(model, _)| model).collect())?;
        // What lists the metrics comes after all that declare some.
        let lists: BTreeSet<&str> =
            texts.iter().filter(|t| spec::lists_metrics(t)).map(|t| t.name.as_str()).collect();
        ordered.sort_by_key(|model| lists.contains(model.name.as_str()));
        let mut catalog = Catalog { models: Vec::new(), metrics: Vec::new() };
        for model in ordered {
            check_reads(&model, &catalog)?;
            let entry = catalog.define(model, pipeline)?;
            if !entry.model.metrics.is_empty() {
                let inputs = entry.inputs.clone();
                let table = metric_table(&entry.model, &entry.definition, inputs, pipeline);
                catalog.metrics.push(table);
            }
            catalog.models.push(entry);
        }
        Ok(catalog)
    }

    pub fn entry(&self, name: &str) -> Option<&Entry> {
        self.models.iter().find(|e| e.model.name == name)
    }

    /// Days until nothing in a day of `table` changes any more: the longest wait of its metrics, and
    /// of the metrics it takes from the tables it reads.
    pub fn maturity_days(&self, table: &str) -> u32 {
        let Some(entry) = self.entry(table) else { return 1 };
        let read = entry.model.reads.iter().filter_map(|read| self.entry(read.table.name()));
        let models = std::iter::once(entry).chain(read);
        models.flat_map(|e| &e.model.metrics).map(|m| m.maturity_days).max().unwrap_or(1)
    }

    /// The query of `model` for the days and watermark of `parameters`.
    pub fn sql(&self, model: &Model, pipeline: &Pipeline, at: &Parameters) -> Result<String> {
        let file = format!("{}/query.sql", model.folder);
        self.render(model, &model.sql, &file, pipeline, at)
    }

    /// `template`, a query or an audit of `model`, filled in.
    pub fn render(
        &self,
        model: &Model,
        template: &str,
        file: &str,
        pipeline: &Pipeline,
        at: &Parameters,
    ) -> Result<String> {
        let dates = model.every.starts(at.interval);
        render(template, file, pipeline, at, &dates, &self.inputs(model), &self.metrics)
    }

    /// The decoded tables that `model` is made from, directly and through what it reads.
    fn inputs(&self, model: &Model) -> BTreeSet<Kind> {
        let mut inputs = BTreeSet::new();
        for read in &model.reads {
            match &read.table {
                Table::Input(kind) => drop(inputs.insert(*kind)),
                Table::Model(name) => {
                    inputs.extend(self.entry(name).into_iter().flat_map(|e| &e.inputs));
                }
            }
        }
        inputs
    }

    /// Holds the query and the audits to the dialect, all findings at once.
    fn lint(&self, model: &Model, query: &str, pipeline: &Pipeline, at: &Parameters) -> Result<()> {
        let mut tables: BTreeSet<String> =
            model.reads.iter().map(|read| read.table.name().to_owned()).collect();
        tables.extend(VALUES.map(str::to_owned));
        tables.extend(model.books().map(str::to_owned));
        let mut findings = lint(&format!("{}/query.sql, filled in", model.folder), query, &tables);
        tables.insert(model.name.clone());
        for audit in &model.audits {
            let file = format!("{}/model.yaml, audit {}", model.folder, audit.name);
            let sql = self.render(model, &audit.sql, &file, pipeline, at)?;
            findings.extend(lint(&file, &sql, &tables));
        }
        if findings.is_empty() {
            return Ok(());
        }
        let message =
            format!("the SQL of `{}` is outside the dialect that all engines share", model.name);
        Err(Error::diagnosed(message, findings))
    }

    fn define(&self, model: Model, pipeline: &Pipeline) -> Result<Entry> {
        let fixed = sentinel(pipeline);
        let text = self.sql(&model, pipeline, &fixed)?;
        self.lint(&model, &text, pipeline, &fixed)?;
        let uses = |word: &str| mentions(&model.sql, word);
        let uses_watermark = uses("watermark_us");
        let uses_history_start = uses("history_start_day") || uses("reliable_from_day");
        let inputs = self.inputs(&model);
        let mut hash = Sha256::new();
        let mut add = |part: &str| {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        };
        add(&text);
        for column in &model.columns {
            let c = &column.column;
            add(&format!("{} {} {}", c.name, c.kind.name(), c.nullable));
        }
        model.grain.iter().for_each(|name| add(name));
        add(&format!("{:?} {:?}", model.every, model.matures));
        if let Some(native) = model.native {
            add(&format!("{native:?} {}", native.version()));
        }
        if uses("grouping_sets") {
            add(&format!("{:?}", pipeline.grouping_sets));
        }
        if model.native == Some(Native::RolloutComparison) {
            let sets = pipeline.assumptions.sets.iter().map(|set| (&set.id, set.from));
            let sets: Vec<_> = sets.collect();
            add(&format!("{:?}", (&pipeline.rollouts, &pipeline.assumptions.currency, sets)));
        }
        for read in &model.reads {
            add(&format!("{read:?}"));
            if let Table::Model(name) = &read.table
                && let Some(upstream) = self.entry(name)
            {
                add(&upstream.definition);
            }
        }
        let definition = data_encoding::HEXLOWER.encode(&hash.finalize()[..6]);
        Ok(Entry {
            definition,
            uses_watermark,
            uses_history_start,
            tells_final: mentions(&model.sql, "final_to_day"),
            inputs,
            model,
        })
    }
}

/// Tables that every query may read: masks of the dimensions, and the days to build.
const VALUES: [&str; 2] = ["grouping_sets", "calendar"];

/// The models that come with the program.
pub fn builtin() -> Vec<ModelText> {
    let mut texts = Vec::new();
    for (layer, folder) in LAYERS {
        let Some(dir) = BUILTIN.get_dir(folder) else { continue };
        for model in dir.dirs() {
            let text = |file: &str| {
                let path = model.path().join(file);
                BUILTIN
                    .get_file(path)
                    .and_then(|f| f.contents_utf8())
                    .unwrap_or_default()
                    .to_owned()
            };
            let name = model.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
            texts.push(ModelText {
                folder: format!("sql/{folder}/{name}"),
                name,
                layer,
                yaml: text("model.yaml"),
                sql: text("query.sql"),
            });
        }
    }
    texts
}

fn same_day(name: &str) -> Read {
    Read { table: Table::Model(name.to_owned()), before: Before::Days(0), after: After::Days(0) }
}

/// Fixed parameters, so that a definition depends on none of them.
fn sentinel(pipeline: &Pipeline) -> Parameters {
    let day = from_day_number(20_000);
    let events_us = day_start_us(day, pipeline.zone);
    Parameters {
        interval: Interval::day(day),
        watermarks: Watermarks { events_us, ..Watermarks::default() },
        history_start: day,
    }
}

/// Kahn's algorithm, taking the first model that is ready: a stable order.
fn order(models: Vec<Model>) -> Result<Vec<Model>> {
    let known: BTreeSet<String> = models.iter().map(|m| m.name.clone()).collect();
    if known.len() < models.len() {
        let mut seen = BTreeMap::new();
        for model in &models {
            if let Some(first) = seen.insert(&model.name, &model.folder) {
                return Err(Error::config(format!("two models are named `{}`", model.name))
                    .context("first", first)
                    .context("second", &model.folder)
                    .remedy("rename one of the folders"));
            }
        }
    }
    let mut waiting = models;
    let mut ordered: Vec<Model> = Vec::new();
    while !waiting.is_empty() {
        let is_ready = |model: &Model| {
            model.reads.iter().all(|read| match &read.table {
                Table::Input(_) => true,
                Table::Model(name) => {
                    *name == model.name
                        || !known.contains(name)
                        || ordered.iter().any(|done| done.name == *name)
                }
            })
        };
        let Some(next) = waiting.iter().position(is_ready) else {
            let names: Vec<_> = waiting.iter().map(|m| m.name.as_str()).collect();
            return Err(Error::config("models read each other in a circle")
                .context("models", names.join(", ")));
        };
        ordered.push(waiting.remove(next));
    }
    Ok(ordered)
}

fn check_reads(model: &Model, before: &Catalog) -> Result<()> {
    let wrong = |message: String| {
        Err(Error::config(message).context("model", format!("{}/model.yaml", model.folder)))
    };
    for read in &model.reads {
        let Table::Model(name) = &read.table else { continue };
        if *name == model.name {
            if !matches!(read.after, After::Days(days) if days < 0) {
                return wrong(format!("`{name}` reads itself: `after` must be -1"));
            }
            continue;
        }
        let Some(upstream) = before.entry(name) else {
            let near = before
                .models
                .iter()
                .map(|e| e.model.name.as_str())
                .min_by_key(|known| strsim::damerau_levenshtein(known, name));
            let hint = near.map_or(String::new(), |n| format!("; did you mean `{n}`?"));
            return wrong(format!("reads `{name}`, which is no model{hint}"));
        };
        if upstream.model.books().is_some() {
            return wrong(format!("reads `{name}`, which is made after all other tables"));
        }
        // Marts exist for the days that were asked for; their neighbours may not.
        let only_its_day = read.before == Before::Days(0) && read.after == After::Days(0);
        // A week or a month is made of the days that were published.
        let is_coarser = model.every != Every::Day;
        if upstream.model.is_published() && !only_its_day && !is_coarser {
            return wrong(format!("reads other days of the published table `{name}`"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn pipeline(settings: &str) -> Pipeline {
        let text = format!(
            "version: 1\nname: t\ntimezone: UTC\nwarehouse: ./w\n\
             privacy: {{ user_key_env: KEY }}\n\
             sources:\n  - {{ name: bot, kind: events, adapter: canonical, path: \"{{date}}.jsonl\" }}\n\
             {settings}"
        );
        crate::pipeline::compile(Path::new("t.yaml"), &text).unwrap()
    }

    fn definitions(settings: &str) -> BTreeMap<String, String> {
        let catalog = Catalog::build(&builtin(), &pipeline(settings)).unwrap();
        catalog.models.into_iter().map(|e| (e.model.name, e.definition)).collect()
    }

    #[test]
    fn the_builtin_models_are_in_the_dialect_for_any_dimensions() {
        for dimensions in [
            "[bot]",
            "[channel, service, locale]",
            "[bot, channel, service, bot_version, source]",
            "[variant, identity_kind]",
        ] {
            definitions(&format!("dimensions: {dimensions}\nprofile: [copilot, chatwoot]\n"));
        }
    }

    #[test]
    fn a_setting_changes_the_definitions_that_use_it_and_no_others() {
        let (usual, other) = (definitions(""), definitions("sessions: { timeout: 45m }\n"));
        let changed = |name: &str| usual[name] != other[name];
        assert!(changed("int_session_events") && changed("fct_session") && changed("kpi_daily"));
        assert!(!changed("stg_events") && !changed("stg_contacts"));
    }

    #[test]
    fn other_slices_change_the_tables_that_hold_them_and_no_others() {
        let (usual, other) = (definitions(""), definitions("grouping_sets: [[bot], []]\n"));
        let changed = |name: &str| usual[name] != other[name];
        assert!(changed("kpi_daily") && changed("fct_users_daily") && changed("kpi_weekly"));
        assert!(!changed("fct_session") && !changed("fct_outcome_daily"));
    }

    #[test]
    fn what_probes_cover_changes_availability_alone() {
        let (usual, other) = (definitions(""), definitions("uptime: { probe_covers: 2m }\n"));
        let changed = |name: &str| usual[name] != other[name];
        assert!(changed("fct_availability_daily") && changed("kpi_daily"));
        assert!(!changed("stg_probes") && !changed("int_turns") && !changed("fct_leads_daily"));
    }

    #[test]
    fn every_metric_says_whether_it_adds_up() {
        let catalog = Catalog::build(&builtin(), &pipeline("")).unwrap();
        let metrics = |t: &MetricTable| t.metrics.clone();
        let all: BTreeMap<_, _> = catalog
            .metrics
            .iter()
            .flat_map(metrics)
            .map(|m| (m.name, m.additivity.name()))
            .collect();
        // Distinct users and percentiles never do; a mean of days is no mean of all.
        assert_eq!((all["dau"], all["response_time_p90_ms"]), ("non_additive", "non_additive"));
        assert_eq!((all["sessions"], all["sessions_abandoned"]), ("additive", "additive"));
        assert_eq!(all["resolution_rate"], "ratio_of_sums");
    }

    #[test]
    fn tables_of_vendors_numbers_come_with_a_profile_and_change_nothing_else() {
        let (usual, both) = (definitions(""), definitions("profile: [copilot, chatwoot]\n"));
        let added: Vec<_> = both.keys().filter(|name| !usual.contains_key(*name)).collect();
        assert_eq!(added, ["fct_reconciliation", "int_vendor_sessions", "stg_delivered_events"]);
        assert!(usual.iter().all(|(name, definition)| both[name] == *definition));
        let other = definitions("profile: [{ name: copilot, timeout: 1h }, chatwoot]\n");
        assert_ne!(both["int_vendor_sessions"], other["int_vendor_sessions"]);
        assert_eq!(both["stg_delivered_events"], other["stg_delivered_events"]);
    }

    #[test]
    fn queries_that_use_the_watermark_are_known() {
        let catalog = Catalog::build(&builtin(), &pipeline("")).unwrap();
        let using = catalog.models.iter().filter(|e| e.uses_watermark);
        let names: Vec<_> = using.map(|e| e.model.name.as_str()).collect();
        assert_eq!(names, ["int_sessions"]);
    }

    fn user_model(yaml: &str, sql: &str) -> ModelText {
        ModelText {
            name: "fct_mine".to_owned(),
            layer: Layer::Mart,
            folder: "models/fct_mine".to_owned(),
            yaml: yaml.to_owned(),
            sql: sql.to_owned(),
        }
    }

    const YAML: &str = "doc: d\ngrain: ['*dimensions']\nreads: [{ model: fct_session }]\n\
                        columns: [dimensions, { name: sessions, type: bigint, doc: d }]\n";

    fn refused(yaml: &str, sql: &str) -> String {
        let mut texts = builtin();
        texts.push(user_model(yaml, sql));
        Catalog::build(&texts, &pipeline("")).unwrap_err().to_string()
    }

    #[test]
    fn sql_outside_the_dialect_is_refused_with_its_place() {
        let sql = "SELECT date, {{ dims() }},\n  COUNT(*) FILTER (WHERE outcome = 'open') AS sessions\nFROM fct_session GROUP BY date, {{ dims() }}";
        let told = refused(YAML, sql);
        assert!(told.contains("models/fct_mine/query.sql"), "{told}");
        assert!(told.contains(":2:"), "{told}");
    }

    #[test]
    fn an_unknown_table_and_a_neighbouring_day_of_a_mart_are_refused() {
        let told = refused(&YAML.replace("fct_session", "fct_sesion"), "SELECT 1 AS x");
        assert!(told.contains("fct_sesion") && told.contains("did you mean"), "{told}");
        let told = refused(
            &YAML.replace("model: fct_session", "model: fct_session, before: 1"),
            "SELECT 1 AS x",
        );
        assert!(told.contains("other days of the published table"), "{told}");
    }

    #[test]
    fn tables_about_the_warehouse_stand_alone() {
        let reading = YAML.replace("model: fct_session", "model: audit_load");
        let told = refused(&reading, "SELECT 1 AS x");
        assert!(told.contains("`audit_load`, which is made after all other tables"), "{told}");
        let native = format!("{YAML}native: audit_load\n");
        for yaml in [native.clone(), native.replace("reads: [{ model: fct_session }]", "reads: []")]
        {
            let told = refused(&yaml, "SELECT 1 AS x");
            assert!(told.contains("`every: once` and reads nothing"), "{told}");
        }
    }

    #[test]
    fn two_models_of_one_name_are_refused() {
        let mut texts = builtin();
        texts.push(ModelText { name: "kpi_daily".to_owned(), ..user_model(YAML, "SELECT 1 AS x") });
        let told = Catalog::build(&texts, &pipeline("")).unwrap_err().to_string();
        assert!(told.contains("two models are named `kpi_daily`"), "{told}");
    }
}
