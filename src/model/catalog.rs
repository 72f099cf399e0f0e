//! All models of a pipeline, checked and in an order in which they can be built.

use std::collections::{BTreeMap, BTreeSet};

use include_dir::{Dir, include_dir};
use sha2::{Digest, Sha256};

use super::query::{MetricTable, Parameters, metric_table, render};
use super::{Before, Layer, Model, ModelText, Read, Table, spec};
use crate::error::{Error, Result};
use crate::interval::{Interval, day_start_us, from_day_number};
use crate::pipeline::Pipeline;

static BUILTIN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/sql");

/// The layers and the folders under `sql/` that hold their models.
pub const LAYERS: [(Layer, &str); 3] = [
    (Layer::Staging, "staging"),
    (Layer::Intermediate, "intermediate"),
    (Layer::Mart, "marts"),
];

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
}

impl Catalog {
    /// Compiles, checks and orders `texts`.
    ///
    /// # Errors
    /// Configuration errors: a wrong contract, SQL outside the dialect, a table that does not
    /// exist, models that read each other in a circle.
    pub fn build(texts: &[ModelText], pipeline: &Pipeline) -> Result<Catalog> {
        let mut waiting = Vec::new();
        for text in texts {
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
        let ordered = order(waiting.into_iter().map(|(model, _)| model).collect())?;
        let mut catalog = Catalog { models: Vec::new(), metrics: Vec::new() };
        for model in ordered {
            check_reads(&model, &catalog)?;
            let entry = catalog.define(model, pipeline)?;
            if !entry.model.metrics.is_empty() {
                catalog.metrics.push(metric_table(&entry.model, &entry.definition, pipeline));
            }
            catalog.models.push(entry);
        }
        Ok(catalog)
    }

    pub fn entry(&self, name: &str) -> Option<&Entry> {
        self.models.iter().find(|e| e.model.name == name)
    }

    /// The query of `model` for the days and watermark of `parameters`.
    pub fn sql(&self, model: &Model, pipeline: &Pipeline, at: &Parameters) -> Result<String> {
        render(&model.sql, &format!("{}/query.sql", model.folder), pipeline, at, &self.metrics)
    }

    fn define(&self, model: Model, pipeline: &Pipeline) -> Result<Entry> {
        let early = sentinel(pipeline, 0, 0);
        let text = self.sql(&model, pipeline, &early)?;
        let uses_watermark = text != self.sql(&model, pipeline, &sentinel(pipeline, 40, 0))?;
        let uses_history_start = text != self.sql(&model, pipeline, &sentinel(pipeline, 0, 40))?;
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
        for read in &model.reads {
            add(&format!("{read:?}"));
            if let Table::Model(name) = &read.table
                && let Some(upstream) = self.entry(name)
            {
                add(&upstream.definition);
            }
        }
        let definition = data_encoding::HEXLOWER.encode(&hash.finalize()[..6]);
        Ok(Entry { model, definition, uses_watermark, uses_history_start })
    }
}

/// The models that come with the program.
pub fn builtin() -> Vec<ModelText> {
    let mut texts = Vec::new();
    for (layer, folder) in LAYERS {
        let Some(dir) = BUILTIN.get_dir(folder) else { continue };
        for model in dir.dirs() {
            let text = |file: &str| {
                let path = model.path().join(file);
                BUILTIN.get_file(path).and_then(|f| f.contents_utf8()).unwrap_or_default().to_owned()
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
    Read { table: Table::Model(name.to_owned()), before: Before::Days(0), after: 0 }
}

/// Fixed parameters: two renderings that differ in one of them tell whether a query uses it.
fn sentinel(pipeline: &Pipeline, watermark_days: i32, history_days: i32) -> Parameters {
    const DAY: i32 = 20_000;
    Parameters {
        interval: Interval::day(from_day_number(DAY)),
        watermark_us: day_start_us(from_day_number(DAY + watermark_days), pipeline.zone),
        history_start: from_day_number(DAY + history_days),
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
            if read.after >= 0 {
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
        // Marts exist for the days that were asked for; their neighbours may not.
        let only_its_day = read.before == Before::Days(0) && read.after == 0;
        if upstream.model.is_published() && !only_its_day {
            return wrong(format!("reads other days of the published table `{name}`"));
        }
    }
    Ok(())
}
