//! Runs without an engine: a stand-in writes one row a partition, whose number is a hash of what the
//! partition is made of, so that a partition of mixed or missing inputs is seen at once.

mod audit_tables;
mod choices;
mod faults;
mod simulation;

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use chrono::NaiveDate;

use super::*;
use crate::engine::{InputTable, Query, Rows, TableData, Written};
use crate::interval::{day_start_us, plus};
use crate::model::{Layer, ModelText};
use crate::plan::Days;
use crate::sink::public_key;
use crate::sink::tests::{look, write_row};
use crate::storage::fake::{Fault, World};

const KEY: &str = "0123456789abcdef0123456789abcdef";
const CATCH_UP: Days = Days::CatchUp { include_today: false };

fn day(n: i64) -> NaiveDate {
    plus("2026-03-01".parse().expect("a date"), n)
}

/// A pipeline over a source of logs by day, with two published tables: `fct_a` reads its own day
/// and the one before, `fct_b` its own.
struct Bench {
    pipeline: Pipeline,
    catalog: Catalog,
    /// As-of is the start of this day.
    today: i64,
    engine: StandIn,
    keep_going: bool,
    accept_removed: bool,
}

impl Bench {
    /// With tables about the warehouse itself.
    fn audited(self) -> Bench {
        let texts = [models(), audit_models()].concat();
        let catalog = Catalog::build(&texts, &self.pipeline).expect("is right");
        Bench { catalog, ..self }
    }

    /// Logs and warehouse in a bucket of a made-up world.
    fn in_bucket() -> Bench {
        Bench::at("s3://b/w", "s3://b/logs")
    }

    fn in_folder(folder: &Path) -> Bench {
        let below = |name: &str| folder.join(name).display().to_string();
        Bench::at(&below("w"), &below("logs"))
    }

    fn at(warehouse: &str, logs: &str) -> Bench {
        let yaml = format!(
            "version: 1\nname: t\ntimezone: UTC\nwarehouse: {warehouse}\n\
             privacy: {{ user_key: {KEY} }}\n\
             sources:\n  - {{ name: bot, kind: events, adapter: canonical, path: \"{logs}/{{date}}.jsonl\" }}\n"
        );
        let pipeline = crate::pipeline::compile(Path::new("t.yaml"), &yaml).expect("compiles");
        let catalog = Catalog::build(&models(), &pipeline).expect("is right");
        let engine = StandIn::default();
        Bench { pipeline, catalog, today: 4, engine, keep_going: false, accept_removed: false }
    }

    fn with<T>(&self, world: &Arc<World>, days: Days, act: impl FnOnce(&Job<'_>) -> T) -> T {
        static RUNS: AtomicUsize = AtomicUsize::new(0);
        let stop = AtomicUsize::new(0);
        let as_of_us = day_start_us(day(self.today), self.pipeline.zone);
        act(&Job {
            pipeline: &self.pipeline,
            catalog: &self.catalog,
            request: Request { days, as_of_us, force: false, models: Vec::new() },
            user_key: UserHasher::new(KEY.as_bytes()).expect("a key"),
            storage: StorageOptions::in_world(world),
            engine: &self.engine,
            run_id: format!("run-{}", RUNS.fetch_add(1, Ordering::Relaxed)),
            started_at: "2026-03-05T00:00:00Z".to_owned(),
            started_us: as_of_us,
            lookback_days: 14,
            full_scan: false,
            accept_removed: self.accept_removed,
            keep_going: self.keep_going,
            basis: None,
            asked: serde_json::Value::Null,
            quarantine_raw: false,
            threads: 1,
            tmp_dir: fast_folder(),
            lock_wait: Duration::ZERO,
            stop: &stop,
            progress: &Silent,
        })
    }

    fn run(&self, world: &Arc<World>) -> Result<Report> {
        let (report, outcome) = self.with(world, CATCH_UP, run);
        outcome.map(|()| report)
    }

    fn store(&self, world: &Arc<World>) -> Store {
        Store::open(&self.pipeline.warehouse, &StorageOptions::in_world(world)).expect("opens")
    }

    fn logs(&self, world: &Arc<World>) -> Store {
        let root = &self.pipeline.sources[0].path.root;
        Store::open(root, &StorageOptions::in_world(world)).expect("opens")
    }

    /// The log of a day: so many events of a conversation.
    fn log(&self, world: &Arc<World>, n: i64, version: usize) {
        let line = |i: usize| {
            format!(
                "{{\"ts\":\"{}T10:00:{i:02}Z\",\"actor\":\"user\",\"type\":\"message\",\"conversation_id\":\"c\",\"user_id\":\"u\"}}\n",
                day(n)
            )
        };
        let text: String = (0..=version).map(line).collect();
        self.logs(world).put(&format!("{}.jsonl", day(n)), text.into()).expect("puts");
    }

    fn remove_log(&self, world: &Arc<World>, n: i64) {
        self.logs(world).delete(&format!("{}.jsonl", day(n))).expect("deletes");
    }

    /// What the newest commits say is published, by public name.
    fn promised(&self, world: &Arc<World>) -> BTreeMap<String, String> {
        let warehouse = Warehouse::read(self.store(world)).expect("opens");
        let all = warehouse.manifest().partitions.values().flat_map(|days| days.values());
        // The tables about the warehouse tell of its own past, which differs from another's.
        let published = all.filter(|p| p.published && !p.table.starts_with("audit_"));
        published.map(|p| (public_key(p), p.content.clone())).collect()
    }

    /// Holds the warehouse to what it promises: the manifest's objects are there, and readers see
    /// exactly what it says.
    fn check(&self, world: &Arc<World>, case: &str) {
        let store = self.store(world);
        let warehouse = Warehouse::read(store.clone()).expect("opens");
        let manifest = warehouse.manifest();
        let mut expected = BTreeMap::new();
        for partition in manifest.partitions.values().flat_map(|days| days.values()) {
            let bytes = store.read(&partition.object).expect("a committed object is there");
            assert_eq!(bytes.len() as u64, partition.bytes, "{case}: {}", partition.object);
            if partition.published {
                let stamp = manifest.stamp(&partition.table, partition.date);
                expected.insert(public_key(partition), stamp.expect("is shown"));
            }
        }
        for (_, file) in manifest.objects.values().flat_map(|o| o.tables()) {
            assert!(store.read_if_exists(&file.path).expect("reads").is_some(), "{case}");
        }
        let mut found = self.seen(world, case);
        for (key, stamp) in expected {
            assert_eq!(found.remove(&key).as_ref(), Some(&stamp.content), "{case}: {key}");
        }
        assert!(found.is_empty(), "{case}: unknown files {found:?}");
    }

    /// What readers see: each public file, which must be whole and be what a commit made it.
    fn seen(&self, world: &Arc<World>, case: &str) -> BTreeMap<String, String> {
        let store = self.store(world);
        let mut seen = BTreeMap::new();
        let listed = if store.exists() { store.list("").expect("lists") } else { Vec::new() };
        for object in listed.iter().filter(|object| !object.key.starts_with("_chatkpi/")) {
            let bytes = store.read(&object.key).expect("reads");
            let Some((rows, content, stamp)) = look(&bytes) else {
                panic!("{case}: {} cannot be read", object.key)
            };
            assert_eq!((rows, &stamp.content), (1, &content), "{case}: {}", object.key);
            let record = format!("_chatkpi/log/{:020}.json", stamp.generation);
            let record = store.read(&record).expect("the commit is in the log");
            let commit: crate::manifest::Commit = serde_json::from_slice(&record).expect("JSON");
            let made = commit.partitions.iter().find(|p| public_key(p) == object.key);
            assert_eq!(made.map(|p| &p.content), Some(&content), "{case}: {}", object.key);
            seen.insert(object.key.clone(), content);
        }
        seen
    }

    /// Everything but the records of runs, with ETags: what a run without work must leave alone.
    fn objects(&self, world: &Arc<World>) -> BTreeMap<String, String> {
        let listed = self.store(world).list("").expect("lists").into_iter();
        let kept = listed.filter(|object| !object.key.starts_with("_chatkpi/runs/"));
        kept.map(|object| (object.key, object.etag)).collect()
    }
}

/// Memory, where the system has such a place.
fn fast_folder() -> Option<PathBuf> {
    Some(PathBuf::from("/dev/shm")).filter(|folder| folder.is_dir())
}

fn temporary() -> tempfile::TempDir {
    let builder = tempfile::Builder::new();
    let made = fast_folder().map_or_else(|| builder.tempdir(), |place| builder.tempdir_in(place));
    made.expect("a folder")
}

fn models() -> Vec<ModelText> {
    let model = |name: &str, layer, column: &str, read: &str, from: &str| ModelText {
        name: name.to_owned(),
        layer,
        folder: name.to_owned(),
        yaml: format!(
            "doc: For tests.\ngrain: [{column}]\nreads:\n  - {{ {read} }}\ncolumns:\n  - {{ name: {column}, type: bigint, doc: \"A hash\" }}\n"
        ),
        sql: format!("SELECT date, COUNT(*) AS {column} FROM {from} GROUP BY date"),
    };
    vec![
        model("stg_s", Layer::Staging, "s", "input: events", "events"),
        model("fct_a", Layer::Mart, "a", "model: stg_s, before: 1", "stg_s"),
        model("fct_b", Layer::Mart, "b", "model: stg_s", "stg_s"),
    ]
}

fn audit_models() -> Vec<ModelText> {
    let model = |name: &str, native: &str, column: &str, from: &str| ModelText {
        name: name.to_owned(),
        layer: Layer::Mart,
        folder: name.to_owned(),
        yaml: format!(
            "doc: For tests.\ngrain: [{column}]\nevery: once\nnative: {native}\nreads: []\ncolumns:\n  - {{ name: {column}, type: bigint, doc: \"A hash\" }}\n"
        ),
        sql: format!("SELECT {{{{ from_day }}}} AS date, COUNT(*) AS {column} FROM {from}"),
    };
    vec![
        model("audit_i", "audit_ingest", "i", "object_counts"),
        model("audit_l", "audit_load", "l", "published_partitions"),
    ]
}

/// Stands in for an engine.
#[derive(Default)]
struct StandIn {
    /// The column of a table, and a day that it cannot build.
    broken: Option<(&'static str, NaiveDate)>,
}

impl Engine for StandIn {
    fn write(&self, query: &Query, folder: &Path) -> Result<Vec<Written>> {
        let column = query.columns[0].name.as_str();
        let mut all = Vec::new();
        for date in &query.dates {
            if self.broken == Some((column, *date)) {
                return Err(Error::new(ErrorKind::Audit, "a day that cannot be built"));
            }
            let mut hasher = DefaultHasher::new();
            (column, date).hash(&mut hasher);
            let first = if column == "a" { plus(*date, -1) } else { *date };
            for path in query.inputs.iter().flat_map(|table| of_days(table, first, *date)) {
                std::fs::read(&path)
                    .map_err(|e| crate::error::io_error("input", e))?
                    .hash(&mut hasher);
            }
            let in_memory = query.inputs.iter().filter_map(|table| match &table.data {
                TableData::Memory(values) => Some(values),
                TableData::Files(_) | TableData::Values(_) => None,
            });
            in_memory.for_each(|values| format!("{values:?}").hash(&mut hasher));
            let path = folder.join(format!("{date}.parquet"));
            write_row(&path, &query.columns, hasher.finish() as i64);
            all.push(Written { date: *date, path, rows: 1, first_row: None });
        }
        Ok(all)
    }

    fn values(&self, _: &str, _: &[InputTable]) -> Result<Vec<(String, crate::engine::Values)>> {
        Ok(Vec::new())
    }

    fn read(&self, _: &str, _: &[InputTable], _: usize) -> Result<Rows> {
        Ok(Rows { columns: Vec::new(), rows: Vec::new(), total: 0 })
    }
}

/// The files of these days; decoded ones are named after theirs.
fn of_days(table: &InputTable, first: NaiveDate, last: NaiveDate) -> Vec<PathBuf> {
    let TableData::Files(files) = &table.data else { return Vec::new() };
    let is_named = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        first.iter_days().take_while(|d| *d <= last).any(|d| name.contains(&d.to_string()))
    };
    let wanted = files.iter().filter(|file| match file.date {
        Some(date) => first <= date && date <= last,
        None => is_named(&file.path),
    });
    wanted.map(|file| file.path.clone()).collect()
}

struct Silent;

impl Progress for Silent {
    fn begin(&self, _: &str, _: usize) {}
    fn step(&self, _: &str) {}
    fn end(&self) {}
}

#[test]
fn the_stand_in_builds_a_warehouse_and_then_has_nothing_to_do() {
    let folder = temporary();
    for bench in [Bench::in_bucket(), Bench::in_folder(folder.path())] {
        let world = Arc::new(World::default());
        (0..3).for_each(|n| bench.log(&world, n, 1));
        let report = bench.run(&world).expect("runs");
        assert_eq!((report.partitions.built, report.partitions.replaced), (9, 6));
        bench.check(&world, "first run");
        let before = bench.objects(&world);
        let report = bench.run(&world).expect("runs");
        assert_eq!((report.partitions.built, report.partitions.up_to_date), (0, 6));
        assert_eq!(bench.objects(&world), before, "G4");
    }
}
