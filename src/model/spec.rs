//! `model.yaml` as written, and its compilation into a [`Model`].

use serde::Deserialize;

use super::{
    Additivity, After, Audit, Before, ContractColumn, Family, Metric, Model, ModelText, Native,
    Read, Severity, Table,
};
use crate::error::{Diagnostic, Error, Result};
use crate::interval::{Every, Interval, plus};
use crate::pipeline::{Pipeline, Rollout};
use crate::schema::{Column, Kind, Type};

/// Turns one model folder into a contract for `pipeline`.
///
/// # Errors
/// A diagnosed configuration error that names the folder's `model.yaml`.
pub fn compile(text: &ModelText, pipeline: &Pipeline) -> Result<Model> {
    let file = format!("{}/model.yaml", text.folder);
    let spec = as_written(text, &file)?;
    let wrong = |message: String| {
        let diagnostic =
            Diagnostic { file: file.clone(), line: 0, column: 0, message, remedy: None };
        Error::diagnosed("a model's contract is wrong", vec![diagnostic])
    };
    let columns = columns(&spec.columns, pipeline);
    let names: Vec<&str> = columns.iter().map(|c| c.column.name.as_str()).collect();
    if let Some(twice) = names.iter().enumerate().find(|(i, n)| names[..*i].contains(n)) {
        return Err(wrong(format!("column `{}` is declared twice", twice.1)));
    }
    let grain = grain(&spec.grain, pipeline);
    if let Some(unknown) = grain.iter().find(|g| !names.contains(&g.as_str())) {
        return Err(wrong(format!("the grain names `{unknown}`, which is no column")));
    }
    let waits = |r: &ReadYaml| matches!(r, ReadYaml::Table(t) if matches!(t.after, AfterYaml::Word(AfterWord::Matured)));
    if spec.matures.is_empty() && spec.reads.iter().any(waits) {
        return Err(wrong("`after: matured` needs `matures`, the days to wait for".to_owned()));
    }
    let is_of_warehouse = spec.native.is_some_and(|native| native.books().is_some());
    if is_of_warehouse && (spec.every != Every::Once || !spec.reads.is_empty()) {
        let message = "a table about the warehouse itself is `every: once` and reads nothing";
        return Err(wrong(message.to_owned()));
    }
    // It becomes a literal of SQL, in which engines escape differently.
    let unfit = |m: &&MetricYaml| m.doc.as_ref().is_some_and(|doc| doc.contains(['\'', '\\']));
    if let Some(metric) = spec.metrics.iter().find(unfit) {
        return Err(wrong(format!(
            "the doc of metric `{}` holds a quote or backslash",
            metric.name
        )));
    }
    let every_slice = spec.slices == Slices::All;
    let mut matures = spec.matures;
    matures.sort_unstable();
    Ok(Model {
        name: text.name.clone(),
        layer: text.layer,
        folder: text.folder.clone(),
        doc: spec.doc.trim().to_owned(),
        grain,
        columns,
        every_slice,
        native: spec.native,
        every: spec.every,
        horizon_days: spec.horizon,
        matures,
        reads: spec.reads.iter().filter_map(|r| read(r, pipeline)).collect(),
        audits: spec.audits.into_iter().map(audit).collect(),
        metrics: spec.metrics.into_iter().map(|m| metric(m, every_slice)).collect(),
        sql: text.sql.clone(),
    })
}

/// The contract as it stands in the file `file`.
fn as_written(text: &ModelText, file: &str) -> Result<ModelYaml> {
    serde_yaml::from_str(&text.yaml).map_err(|error| {
        let error = error.without_snippet();
        let place = error.location();
        let message = error.render_with_formatter(&serde_yaml::UserMessageFormatter);
        let diagnostic = Diagnostic {
            file: file.to_owned(),
            line: place.map_or(0, |l| l.line() as usize),
            column: place.map_or(0, |l| l.column() as usize),
            // The place is told apart from the message.
            message: message.split(" at line ").next().unwrap_or_default().to_owned(),
            remedy: None,
        };
        Error::diagnosed("a model's contract cannot be read", vec![diagnostic])
    })
}

/// Whether `pipeline` has what a folder's contract needs; a contract that cannot be read is left to
/// [`compile`].
pub fn is_needed(text: &ModelText, pipeline: &Pipeline) -> bool {
    let spec = serde_yaml::from_str::<ModelYaml>(&text.yaml);
    match spec.ok().and_then(|spec| spec.needs) {
        Some(Need::Profile) => !pipeline.profiles.is_empty(),
        None => true,
    }
}

/// Whether a folder's contract asks for the metrics of all other models.
pub fn reads_metrics(text: &ModelText) -> bool {
    serde_yaml::from_str::<ModelYaml>(&text.yaml).is_ok_and(|spec| {
        spec.reads.iter().any(|r| matches!(r, ReadYaml::Word(MetricsWord::Metrics)))
    })
}

/// Whether a folder's contract asks for what metrics there are, not for their numbers.
pub fn lists_metrics(text: &ModelText) -> bool {
    let is_list = |r: &ReadYaml| matches!(r, ReadYaml::Word(MetricsWord::MetricNames));
    serde_yaml::from_str::<ModelYaml>(&text.yaml).is_ok_and(|spec| spec.reads.iter().any(is_list))
}

/// The days before a day whose events decide its sessions (kpi-definitions R5): the day before,
/// whose starts must be known exactly, and what decides those: a handoff up to `handoff_join`
/// earlier, and a gap before anything since. One hour covers clock changes.
pub fn session_reach_days(pipeline: &Pipeline) -> u32 {
    const HOUR_US: i64 = 3_600_000_000;
    let back = pipeline.sessions.handoff_join_us + pipeline.longest_timeout_us() + HOUR_US;
    1 + u32::try_from((back + 24 * HOUR_US - 1) / (24 * HOUR_US)).unwrap_or(u32::MAX)
}

/// From the first day of the first window before a rollout to the last rollout's day, without it.
fn pre_rollout(pipeline: &Pipeline) -> Interval {
    let start = |r: &Rollout| plus(r.date, -i64::from(r.pre_days));
    let first = pipeline.rollouts.iter().map(start).min().unwrap_or(Every::ONCE);
    let last = pipeline.rollouts.iter().map(|r| r.date).max().unwrap_or(first);
    Interval::new(first, last)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelYaml {
    doc: String,
    grain: Vec<String>,
    #[serde(default)]
    slices: Slices,
    #[serde(default)]
    every: Every,
    native: Option<Native>,
    #[serde(default = "one")]
    horizon: u32,
    #[serde(default)]
    matures: Vec<u32>,
    needs: Option<Need>,
    reads: Vec<ReadYaml>,
    columns: Vec<ColumnYaml>,
    #[serde(default)]
    audits: Vec<AuditYaml>,
    #[serde(default)]
    metrics: Vec<MetricYaml>,
}

/// What a pipeline must have for a table to be built.
#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum Need {
    /// A vendor's numbers to hold beside ours.
    Profile,
}

fn one() -> u32 {
    1
}

#[derive(Deserialize, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Slices {
    #[default]
    Finest,
    All,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ReadYaml {
    Word(MetricsWord),
    Table(ReadTable),
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum MetricsWord {
    Metrics,
    MetricNames,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadTable {
    input: Option<Kind>,
    model: Option<String>,
    before: Option<BeforeYaml>,
    #[serde(default)]
    after: AfterYaml,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum BeforeYaml {
    Days(u32),
    Word(BeforeWord),
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum BeforeWord {
    All,
    Month,
    Session,
    /// From the first window before a rollout to the last rollout, whatever the partition.
    Rollouts,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum AfterYaml {
    Days(i32),
    Word(AfterWord),
}

impl Default for AfterYaml {
    fn default() -> Self {
        AfterYaml::Days(0)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum AfterWord {
    Matured,
    Period,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ColumnYaml {
    Dimensions(DimensionsWord),
    Column(ColumnSpec),
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum DimensionsWord {
    Dimensions,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ColumnSpec {
    name: String,
    #[serde(rename = "type")]
    kind: Type,
    #[serde(default)]
    nullable: bool,
    doc: String,
    #[serde(default)]
    additive: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AuditYaml {
    name: String,
    severity: Severity,
    query: String,
    remedy: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MetricYaml {
    name: String,
    numerator: String,
    denominator: Option<String>,
    n: Option<String>,
    unit: String,
    #[serde(default)]
    proportion: bool,
    #[serde(default = "one")]
    maturity_days: u32,
    additivity: Option<Additivity>,
    doc: Option<String>,
    family: Option<Family>,
}

fn columns(spec: &[ColumnYaml], pipeline: &Pipeline) -> Vec<ContractColumn> {
    let dimension = |name: &String| ContractColumn {
        column: Column::new(name, Type::Text, false),
        doc: format!("The {name}; `*` stands for all of them, `unknown` for none"),
        additive: false,
    };
    let sliced = spec.iter().any(|c| matches!(c, ColumnYaml::Dimensions(_)));
    let mut columns = Vec::new();
    for column in spec {
        match column {
            // Where a pipeline slices by a column that a sliced table also declares, the slice is it.
            ColumnYaml::Column(c) if sliced && pipeline.dimensions.contains(&c.name) => {}
            ColumnYaml::Dimensions(_) => columns.extend(pipeline.dimensions.iter().map(dimension)),
            ColumnYaml::Column(c) => columns.push(ContractColumn {
                column: Column::new(&c.name, c.kind, c.nullable),
                doc: c.doc.clone(),
                additive: c.additive,
            }),
        }
    }
    columns
}

fn grain(spec: &[String], pipeline: &Pipeline) -> Vec<String> {
    let expand = |name: &String| match name.as_str() {
        "*dimensions" => pipeline.dimensions.clone(),
        _ => vec![name.clone()],
    };
    let mut names: Vec<String> = Vec::new();
    for name in spec.iter().flat_map(expand) {
        // A column that the pipeline also slices by stands once.
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn read(spec: &ReadYaml, pipeline: &Pipeline) -> Option<Read> {
    let ReadYaml::Table(spec) = spec else { return None };
    let table = match (&spec.input, &spec.model) {
        (Some(kind), _) => Table::Input(*kind),
        (None, Some(model)) => Table::Model(model.clone()),
        (None, None) => return None,
    };
    let before = match &spec.before {
        None => Before::Days(0),
        Some(BeforeYaml::Days(days)) => Before::Days(*days),
        Some(BeforeYaml::Word(BeforeWord::All)) => Before::All,
        Some(BeforeYaml::Word(BeforeWord::Month)) => Before::Month,
        Some(BeforeYaml::Word(BeforeWord::Rollouts)) => Before::Window(pre_rollout(pipeline)),
        Some(BeforeYaml::Word(BeforeWord::Session)) => Before::Days(session_reach_days(pipeline)),
    };
    let after = match spec.after {
        AfterYaml::Days(days) => After::Days(days),
        AfterYaml::Word(AfterWord::Matured) => After::Matured,
        AfterYaml::Word(AfterWord::Period) => After::Period,
    };
    Some(Read { table, before, after })
}

fn audit(spec: AuditYaml) -> Audit {
    Audit { name: spec.name, severity: spec.severity, sql: spec.query, remedy: spec.remedy }
}

fn metric(spec: MetricYaml, every_slice: bool) -> Metric {
    // A table with a row for every slice has them because its numbers do not add up.
    let usual = match (&spec.denominator, every_slice) {
        (Some(_), _) => Additivity::RatioOfSums,
        (None, true) => Additivity::NonAdditive,
        (None, false) => Additivity::Additive,
    };
    // A plain count is over 1, and is its own number of observations.
    let (denominator, n) = match (spec.denominator, spec.n) {
        (Some(denominator), n) => (denominator.clone(), n.unwrap_or(denominator)),
        (None, n) => ("1".to_owned(), n.unwrap_or_else(|| spec.numerator.clone())),
    };
    Metric {
        name: spec.name,
        numerator: spec.numerator,
        denominator,
        n,
        unit: spec.unit,
        proportion: spec.proportion,
        maturity_days: spec.maturity_days,
        additivity: spec.additivity.unwrap_or(usual),
        doc: spec.doc.unwrap_or_default().trim().to_owned(),
        family: spec.family,
    }
}
