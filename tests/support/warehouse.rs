//! A warehouse made from a random world, run in this process through the library.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int64Type};
use chatkpi::engine::polars::PolarsEngine;
use chatkpi::interval::Interval;
use chatkpi::manifest::Manifest;
use chatkpi::model::catalog::{Catalog, builtin};
use chatkpi::pipeline::{self, Pipeline, UserKey};
use chatkpi::plan::{Days, Plan, Request};
use chatkpi::run::{self, Job, Progress, Report};
use chatkpi::sink::Warehouse;
use chatkpi::source::UserHasher;
use chatkpi::storage::{StorageOptions, Store};
use chrono::NaiveDate;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::chaos::World;
use super::fold::{Cell, Place, Rows};

const KEY: &str = "0123456789abcdef0123456789abcdef";
/// Small tests should not wait for storage that is not there.
const NO_WAIT: Duration = Duration::ZERO;

/// A folder with logs, a pipeline and, after a run, a warehouse.
pub struct Bench {
    folder: tempfile::TempDir,
    pipeline: Pipeline,
    catalog: Catalog,
    as_of_us: i64,
}

impl Bench {
    /// Lays the logs of `world` out as `objects`.
    pub fn new(world: &World, objects: &[(String, Vec<u8>)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (key, bytes) in objects {
            write(&folder.path().join(key), bytes);
        }
        write(&folder.path().join("contacts.csv"), world.contacts_csv().as_ref());
        write(&folder.path().join("probes.jsonl"), world.probes_jsonl().as_ref());
        write(&folder.path().join("costs.csv"), world.costs_csv().as_ref());
        let file = folder.path().join("pipeline.yaml");
        let pipeline = pipeline::compile(&file, &yaml(world)).unwrap();
        assert_eq!(pipeline.user_key, UserKey::Fixed(KEY.to_owned()));
        let catalog = Catalog::build(&builtin(), &pipeline).unwrap();
        Bench { folder, pipeline, catalog, as_of_us: world.as_of_us }
    }

    /// Runs `days` and expects success.
    pub fn run(&self, days: Interval) -> Report {
        let (report, outcome) = self.job(days, run::run);
        if let Err(error) = outcome {
            panic!("the run of {days} failed: {error}");
        }
        report
    }

    /// Runs whatever there is to do at `as_of_us`, with `objects` added to the logs.
    pub fn catch_up(&mut self, as_of_us: i64, objects: &[(String, Vec<u8>)]) -> Report {
        for (key, bytes) in objects {
            write(&self.folder.path().join(key), bytes);
        }
        self.as_of_us = as_of_us;
        let (report, outcome) = self.job_for(Days::CatchUp { include_today: true }, run::run);
        if let Err(error) = outcome {
            panic!("catching up failed: {error}");
        }
        report
    }

    pub fn plan(&self, days: Interval) -> Plan {
        self.job(days, run::plan).unwrap()
    }

    pub fn manifest(&self) -> Manifest {
        let store = Store::open(&self.pipeline.warehouse, &StorageOptions::default()).unwrap();
        Warehouse::read(store).unwrap().manifest().clone()
    }

    /// The content hash of every published partition that is made of logs.
    pub fn contents(&self) -> BTreeMap<(String, NaiveDate), String> {
        let manifest = self.manifest();
        let partitions = manifest.partitions.values().flat_map(|days| days.values());
        let published = partitions.filter(|p| p.published && !p.table.starts_with("audit_"));
        published.map(|p| ((p.table.clone(), p.date), p.content.clone())).collect()
    }

    /// All of `table`, one of `kpi_daily`'s columns, as readers find it.
    pub fn cells(&self, table: &str) -> BTreeMap<Place, Cell> {
        let mut cells = BTreeMap::new();
        for (date, batch) in batches(&self.folder.path().join("warehouse").join(table)) {
            read_cells(date, &batch, &self.pipeline.dimensions, &mut cells);
        }
        cells
    }

    /// A published table: its date and the columns of its key as text, and columns of whole numbers.
    pub fn rows(&self, table: &str, key: &[&str], numbers: &[&str]) -> Rows {
        let dims = self.pipeline.dimensions.iter().map(String::as_str);
        let key: Vec<&str> = dims.chain(key.iter().copied()).collect();
        let mut rows = BTreeMap::new();
        for (date, batch) in batches(&self.folder.path().join("warehouse").join(table)) {
            for row in 0..batch.num_rows() {
                let text = |name: &&str| shown(batch.column_by_name(name).unwrap(), row);
                let number = |name: &&str| {
                    let column = batch.column_by_name(name).unwrap().as_primitive::<Int64Type>();
                    column.is_valid(row).then(|| column.value(row))
                };
                let place = std::iter::once(date.to_string()).chain(key.iter().map(text)).collect();
                let cells = numbers.iter().map(number).collect();
                assert_eq!(
                    rows.insert(place, cells),
                    None,
                    "a row stands twice in {table} of {date}"
                );
            }
        }
        rows
    }

    fn job<T>(&self, days: Interval, work: impl FnOnce(&Job<'_>) -> T) -> T {
        self.job_for(Days::These(days), work)
    }

    fn job_for<T>(&self, days: Days, work: impl FnOnce(&Job<'_>) -> T) -> T {
        let engine = PolarsEngine::new();
        let stop = AtomicUsize::new(0);
        work(&Job {
            pipeline: &self.pipeline,
            catalog: &self.catalog,
            request: Request { days, as_of_us: self.as_of_us, force: false, models: Vec::new() },
            user_key: UserHasher::new(KEY.as_bytes()).unwrap(),
            storage: StorageOptions::default(),
            engine: &engine,
            run_id: uuid::Uuid::now_v7().to_string(),
            started_at: "2026-01-01T00:00:00Z".to_owned(),
            started_us: self.as_of_us,
            lookback_days: 14,
            full_scan: false,
            accept_removed: false,
            keep_going: false,
            basis: None,
            asked: serde_json::Value::Null,
            quarantine_raw: false,
            threads: 1,
            tmp_dir: None,
            lock_wait: NO_WAIT,
            stop: &stop,
            progress: &Silent,
        })
    }
}

struct Silent;

impl Progress for Silent {
    fn begin(&self, _: &str, _: usize) {}
    fn step(&self, _: &str) {}
    fn end(&self) {}
}

fn yaml(world: &World) -> String {
    let seconds = |us: i64| {
        assert_eq!(us % 1_000_000, 0);
        format!("{}s", us / 1_000_000)
    };
    let timeouts: Vec<_> =
        world.channel_timeouts_us.iter().map(|(c, us)| format!("{c}: {}", seconds(*us))).collect();
    let complete = world
        .complete_after_us
        .map_or(String::new(), |us| format!(", complete_after: {}", seconds(us)));
    format!(
        "version: 1\n\
         name: world\n\
         timezone: {}\n\
         warehouse: ./warehouse\n\
         dimensions: [{}]\n\
         privacy: {{ user_key: {KEY} }}\n\
         sessions: {{ timeout: {}, timeout_by_channel: {{ {} }} }}\n\
         sources:\n\
         \x20 - {{ name: bot, kind: events, adapter: canonical, path: \"logs/events-{{date}}-*.jsonl\", lookahead_days: 1{complete} }}\n\
         \x20 - {{ name: human, kind: contacts, adapter: canonical, path: contacts.csv }}\n\
         \x20 - {{ name: probe, kind: probes, adapter: canonical, path: probes.jsonl }}\n\
         \x20 - {{ name: costs, kind: costs, adapter: canonical, path: costs.csv }}\n\
         models: [builtin]\n{}",
        world.zone,
        world.dims.join(", "),
        seconds(world.default_timeout_us),
        timeouts.join(", "),
        world.money_settings(),
    )
}

fn write(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// The partitions of a published table.
fn batches(table: &Path) -> Vec<(NaiveDate, RecordBatch)> {
    let mut batches = Vec::new();
    for entry in std::fs::read_dir(table).unwrap() {
        let folder = entry.unwrap().path();
        let name = folder.file_name().unwrap().to_str().unwrap();
        let date: NaiveDate = name.strip_prefix("date=").unwrap().parse().unwrap();
        let file = std::fs::File::open(folder.join("part-00000.parquet")).unwrap();
        for batch in ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap() {
            batches.push((date, batch.unwrap()));
        }
    }
    batches
}

/// A whole number or a text.
fn shown(column: &arrow::array::ArrayRef, row: usize) -> String {
    match column.as_primitive_opt::<Int64Type>() {
        Some(numbers) => numbers.value(row).to_string(),
        None => column.as_string_view_or(row),
    }
}

fn read_cells(
    date: NaiveDate,
    batch: &RecordBatch,
    dimensions: &[String],
    cells: &mut BTreeMap<Place, Cell>,
) {
    let text = |name: &str, row: usize| batch.column_by_name(name).unwrap().as_string_view_or(row);
    let double = |name: &str, row: usize| {
        let values = batch.column_by_name(name).unwrap().as_primitive::<Float64Type>();
        values.is_valid(row).then(|| values.value(row))
    };
    for row in 0..batch.num_rows() {
        let slice = dimensions.iter().map(|d| text(d, row)).collect();
        let n = batch.column_by_name("n").unwrap().as_primitive::<Int64Type>().value(row);
        let cell = Cell {
            numerator: double("numerator", row).unwrap(),
            denominator: double("denominator", row).unwrap(),
            value: double("value", row).unwrap(),
            ci_low: double("ci_low", row),
            ci_high: double("ci_high", row),
            n,
            low_n: batch.column_by_name("low_n").unwrap().as_boolean().value(row),
            status: text("status", row),
        };
        let twice = cells.insert((date, text("metric", row), slice), cell);
        assert!(twice.is_none(), "a cell stands twice on {date}");
    }
}

/// Text columns come back as whichever string array the writer hinted at.
trait AnyString {
    fn as_string_view_or(&self, row: usize) -> String;
}

impl AnyString for arrow::array::ArrayRef {
    fn as_string_view_or(&self, row: usize) -> String {
        if let Some(values) = self.as_string_view_opt() {
            return values.value(row).to_owned();
        }
        if let Some(values) = self.as_string_opt::<i64>() {
            return values.value(row).to_owned();
        }
        self.as_string::<i32>().value(row).to_owned()
    }
}
