//! One case: a folder with `case.yaml`, a CSV for each table that the model reads, and `expect.csv`.
//!
//! `case.yaml` says in `what` what is shown and how the numbers come about, and may set days,
//! watermark, time zone, dimensions, timeouts and other settings. A table without a CSV is empty. `expect.csv`
//! holds all rows, and the columns it names are the ones compared; those of the grain must be there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chatkpi::engine::{InputFile, InputTable, TableData};
use chatkpi::interval::Interval;
use chatkpi::model::catalog::Catalog;
use chatkpi::model::query::{Parameters, Watermarks};
use chatkpi::model::{Model, Table};
use chatkpi::pipeline::Pipeline;
use chatkpi::run::values;
use chatkpi::schema::{Column, Type};
use chrono::NaiveDate;
use serde::Deserialize;

use super::rows::{self, Rows};
use crate::support::calendar::{micros, plus};

/// A watermark so late that nothing is open and everything is final.
const LATE_DAYS: i64 = 60;

pub struct Case {
    pub model: String,
    folder: PathBuf,
    spec: Spec,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spec {
    what: String,
    /// The day to build, or the first and the last one.
    days: Vec<NaiveDate>,
    watermark: Option<String>,
    history_start: Option<NaiveDate>,
    #[serde(default = "stockholm")]
    timezone: String,
    #[serde(default = "three")]
    dimensions: Vec<String>,
    #[serde(default = "half_an_hour")]
    timeout: String,
    #[serde(default)]
    timeout_by_channel: BTreeMap<String, String>,
    /// The only metrics there are, where the model lists all of them.
    metrics: Option<Vec<String>>,
    /// More keys of the pipeline, as YAML.
    #[serde(default)]
    settings: String,
}

fn stockholm() -> String {
    "Europe/Stockholm".to_owned()
}

fn three() -> Vec<String> {
    ["bot", "channel", "service"].map(str::to_owned).to_vec()
}

fn half_an_hour() -> String {
    "30m".to_owned()
}

/// Every case under `sql/`, in the order of their folders' names.
pub fn all() -> Vec<Case> {
    of_kind("cases")
}

/// Rows that must not be, in a folder named like the audit that is to find them.
pub fn wrong() -> Vec<Case> {
    of_kind("wrong")
}

fn of_kind(kind: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    for layer in folders(&Path::new(env!("CARGO_MANIFEST_DIR")).join("sql")) {
        for model in folders(&layer) {
            for folder in folders(&model.join(kind)) {
                let file = folder.join("case.yaml");
                let text = std::fs::read_to_string(&file)
                    .unwrap_or_else(|e| panic!("{}: {e}", file.display()));
                let spec: Spec = serde_yaml::from_str(&text)
                    .unwrap_or_else(|e| panic!("{}: {e}", file.display()));
                cases.push(Case { model: name_of(&model), folder, spec });
            }
        }
    }
    cases
}

impl Case {
    pub fn name(&self) -> String {
        format!("{}/{}", self.model, name_of(&self.folder))
    }

    pub fn what(&self) -> &str {
        self.spec.what.trim()
    }

    pub fn days(&self) -> Interval {
        let days = &self.spec.days;
        let (Some(first), Some(last)) = (days.first(), days.last()) else {
            panic!("{}: `days` is empty", self.name());
        };
        Interval::new(*first, plus(*last, 1))
    }

    /// `catalog` without the metrics that the case leaves out.
    pub fn narrowed(&self, catalog: &Catalog) -> Catalog {
        let mut catalog = catalog.clone();
        if let Some(metrics) = &self.spec.metrics {
            catalog
                .metrics
                .iter_mut()
                .for_each(|t| t.metrics.retain(|m| metrics.contains(&m.name)));
            catalog.metrics.retain(|table| !table.metrics.is_empty());
        }
        catalog
    }

    /// The dates of the partitions to build.
    pub fn dates(&self, model: &Model) -> Vec<NaiveDate> {
        model.every.starts(self.days())
    }

    pub fn parameters(&self, model: &Model) -> Parameters {
        let days = model.every.span(&self.dates(model));
        let late = || {
            plus(days.end, LATE_DAYS)
                .and_hms_opt(0, 0, 0)
                .map_or(0, |t| t.and_utc().timestamp_micros())
        };
        Parameters {
            interval: days,
            watermarks: Watermarks {
                events_us: self.spec.watermark.as_deref().map_or_else(late, micros),
                ..Watermarks::default()
            },
            history_start: self.spec.history_start.unwrap_or(days.start),
        }
    }

    /// The pipeline that the case's settings make.
    pub fn pipeline(&self) -> String {
        let spec = &self.spec;
        let by_channel: Vec<String> =
            spec.timeout_by_channel.iter().map(|(c, t)| format!("{c}: {t}")).collect();
        format!(
            "version: 1\nname: case\ntimezone: {}\nwarehouse: w\ndimensions: [{}]\n\
             privacy: {{ user_key_env: KEY }}\n\
             sessions: {{ timeout: {}, timeout_by_channel: {{ {} }} }}\n\
             sources: [{{ name: bot, kind: events, adapter: canonical, path: \"*.jsonl\" }}]\n{}",
            spec.timezone,
            spec.dimensions.join(", "),
            spec.timeout,
            by_channel.join(", "),
            spec.settings,
        )
    }

    /// The tables that `model` reads, as Parquet files in `folder`.
    pub fn inputs(
        &self,
        model: &Model,
        catalog: &Catalog,
        pipeline: &Pipeline,
        folder: &Path,
    ) -> Vec<InputTable> {
        let mut inputs = values::tables(pipeline, model.every.span(&self.dates(model)));
        for read in &model.reads {
            let columns = match &read.table {
                Table::Input(kind) => kind.columns(),
                Table::Model(name) => with_date(&catalog.entry(name).expect("a known model").model),
            };
            inputs.push(self.input(read.table.name(), columns, pipeline, folder));
        }
        let known: Vec<&str> = inputs.iter().map(|i| i.name.as_str()).collect();
        for file in files(&self.folder) {
            let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let is_known = ["case", "expect", &self.model].contains(&stem.as_str())
                || known.contains(&stem.as_str());
            assert!(is_known, "{}: the model does not read `{stem}`", self.name());
        }
        inputs
    }

    /// The table that `model` has made, as it stands in the case's folder.
    pub fn made(&self, model: &Model, pipeline: &Pipeline, folder: &Path) -> InputTable {
        self.input(&model.name, with_date(model), pipeline, folder)
    }

    /// The name of its own folder.
    pub fn short_name(&self) -> String {
        name_of(&self.folder)
    }

    /// The columns that `expect.csv` names, and its rows as a Parquet file in `folder`.
    pub fn expected(&self, model: &Model, folder: &Path) -> (Vec<Column>, PathBuf) {
        let all = with_date(model);
        let mut rows = rows::read(&self.folder.join("expect.csv"), &all);
        let lacking = model.grain.iter().find(|key| !rows.header.contains(*key));
        assert_eq!(lacking, None, "{}: expect.csv lacks a column of the grain", self.name());
        if !rows.header.iter().any(|name| name == "date") {
            assert_eq!(self.dates(model).len(), 1, "{}: expect.csv lacks `date`", self.name());
            rows.header.push("date".to_owned());
        }
        let columns: Vec<Column> =
            all.into_iter().filter(|c| rows.header.contains(&c.name)).collect();
        // No other date is put in its place, as it would be in a table to read.
        for row in &mut rows.rows {
            let date = self.dates(model)[0].to_string();
            row.entry("date".to_owned()).or_insert(date);
        }
        let path = folder.join("expect.parquet");
        rows::write(&rows, &columns, &path, chrono_tz::UTC, self.days().start);
        (columns, path)
    }

    fn input(
        &self,
        name: &str,
        columns: Vec<Column>,
        pipeline: &Pipeline,
        folder: &Path,
    ) -> InputTable {
        let file = self.folder.join(format!("{name}.csv"));
        let rows = match file.exists() {
            true => rows::read(&file, &columns),
            false => Rows { header: Vec::new(), rows: Vec::new() },
        };
        let path = folder.join(format!("{name}.parquet"));
        rows::write(&rows, &columns, &path, pipeline.zone, self.days().start);
        let data = TableData::Files(vec![InputFile { path, date: None, rows: None }]);
        InputTable { name: name.to_owned(), columns, data }
    }
}

/// The columns that SQL sees of a model's table.
pub fn with_date(model: &Model) -> Vec<Column> {
    let date = Column::new("date", Type::Date, false);
    std::iter::once(date).chain(model.stored_columns()).collect()
}

fn folders(place: &Path) -> Vec<PathBuf> {
    files(place).into_iter().filter(|path| path.is_dir()).collect()
}

fn files(place: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(place) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|e| e.expect("a readable folder").path()).collect();
    paths.sort();
    paths
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
