//! Random logs through the whole program, and every published or intermediate table asked of DuckDB
//! once more: the same SQL over the same partitions, all days in one query.
//!
//! Promises: what polars wrote in chunks of days is what DuckDB says of the whole history, and the
//! number of threads changes no row.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use chatkpi::engine::polars::PolarsEngine;
use chatkpi::engine::{InputFile, InputTable, RowRange, TableData};
use chatkpi::interval::{Every, Interval};
use chatkpi::manifest::Manifest;
use chatkpi::model::query::Parameters;
use chatkpi::model::{Model, Table};
use chatkpi::plan::{self, Days, Request, reach, reached};
use chatkpi::run::{self, Job, Progress};
use chatkpi::schema::Kind;
use chatkpi::sink::Warehouse;
use chatkpi::source::UserHasher;
use chatkpi::storage::{StorageOptions, Store};
use chrono::{DateTime, NaiveDate, SecondsFormat};
use serde_json::Value;

use super::case::with_date;
use super::duckdb::{self, Answer, File};
use super::setting::{Setting, setting};
use crate::support::chaos::{PLACES, World, world};

const KEY: &str = "a key of thirty-two bytes or more";

/// Worlds, and local days of each.
const WORLDS: u64 = 20;
const DAYS: u32 = 3;

#[test]
fn models_agree_with_duckdb_over_random_logs() {
    let engine = PolarsEngine::new();
    let next = AtomicU64::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= WORLDS {
                return done;
            }
            let folder = tempfile::tempdir().expect("a temporary folder");
            done.push((built(seed, &engine, folder.path()), folder));
        }
    };
    // Polars leaves most of a second core idle over queries as small as these.
    let done = std::thread::scope(|scope| {
        let other = scope.spawn(work);
        let mut done = work();
        done.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        done
    });
    let (jobs, _folders): (Vec<_>, Vec<_>) = done.into_iter().unzip();
    let rows = duckdb::assert_agree(&jobs.into_iter().flatten().collect::<Vec<_>>());
    assert!(rows > 1_000 * WORLDS, "the worlds are too poor to prove anything: {rows} rows");
}

#[test]
fn models_hold_the_same_rows_at_any_number_of_threads() {
    let world = random(2);
    let hashes = ["1", "2", "8"].map(|threads| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        lay_out(&world, 2, folder.path());
        let output = Command::new(env!("CARGO_BIN_EXE_chatkpi"))
            .args([
                "run",
                "pipeline.yaml",
                "--include-today",
                "--full-scan",
                "--as-of",
                &as_of(&world),
            ])
            .current_dir(folder.path())
            .env("POLARS_MAX_THREADS", threads)
            .output()
            .expect("the program starts");
        let log = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "with {threads} threads: {log}");
        contents(folder.path())
    });
    assert!(hashes[0].len() > 50, "too few partitions to prove anything: {}", hashes[0].len());
    assert_eq!(hashes[0], hashes[1], "1 and 2 threads");
    assert_eq!(hashes[0], hashes[2], "1 and 8 threads");
}

fn random(seed: u64) -> World {
    let (zone, start) = PLACES[seed as usize % PLACES.len()];
    world(seed, DAYS, start.parse().expect("a date"), zone)
}

/// Runs a world in `folder`; the questions that its tables answer.
fn built(seed: u64, engine: &PolarsEngine, folder: &Path) -> Vec<duckdb::Job> {
    let world = random(seed);
    let setting = lay_out(&world, seed, folder);
    let stop = AtomicUsize::new(0);
    let job = job(&setting, &world, engine, &stop);
    let (_, outcome) = run::run(&job);
    outcome.unwrap_or_else(|e| panic!("world {seed}: {e}"));
    questions(&job, seed)
}

/// Writes the world's objects and its pipeline into `folder`.
fn lay_out(world: &World, seed: u64, folder: &Path) -> Setting {
    for (key, bytes) in world.objects(seed) {
        write(&folder.join(key), &bytes);
    }
    write(&folder.join("contacts/contacts.csv"), world.contacts_csv().as_bytes());
    write(&folder.join("probes/probes.jsonl"), world.probes_jsonl().as_bytes());
    write(&folder.join("costs.csv"), world.costs_csv().as_bytes());
    let file = folder.join("pipeline.yaml");
    let yaml = yaml(world);
    write(&file, yaml.as_bytes());
    setting(&file, &yaml)
}

fn write(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder can be made");
    std::fs::write(path, bytes).expect("a file can be written");
}

fn yaml(world: &World) -> String {
    let seconds = |us: &i64| format!("{}s", us / 1_000_000);
    let by_channel: Vec<String> =
        world.channel_timeouts_us.iter().map(|(c, us)| format!("{c}: {}", seconds(us))).collect();
    let complete = world.complete_after_us.map(|us| format!(", complete_after: {}", seconds(&us)));
    format!(
        "version: 1\nname: world\ntimezone: {}\nwarehouse: ./warehouse\ndimensions: [{}]\n\
         privacy: {{ user_key: \"{KEY}\" }}\n\
         sessions: {{ timeout: {}, timeout_by_channel: {{ {} }} }}\n\
         sources:\n\
         \x20 - {{ name: bot, kind: events, adapter: canonical, path: \"logs/events-{{date}}-*.jsonl\", lookahead_days: 1{} }}\n\
         \x20 - {{ name: human, kind: contacts, adapter: canonical, path: \"contacts/*.csv\" }}\n\
         \x20 - {{ name: probe, kind: probes, adapter: canonical, path: \"probes/*.jsonl\" }}\n\
         \x20 - {{ name: costs, kind: costs, adapter: canonical, path: costs.csv }}\n\
         profile: [copilot, {{ name: chatwoot, counts_tests: false }}]\n{}",
        world.zone.name(),
        world.dims.join(", "),
        seconds(&world.default_timeout_us),
        by_channel.join(", "),
        complete.unwrap_or_default(),
        world.money_settings(),
    )
}

fn as_of(world: &World) -> String {
    let instant = DateTime::from_timestamp_micros(world.as_of_us).expect("within chrono's years");
    instant.to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn job<'a>(
    setting: &'a Setting,
    world: &World,
    engine: &'a PolarsEngine,
    stop: &'a AtomicUsize,
) -> Job<'a> {
    Job {
        pipeline: &setting.pipeline,
        catalog: &setting.catalog,
        request: Request {
            days: Days::CatchUp { include_today: true },
            as_of_us: world.as_of_us,
            force: false,
            models: Vec::new(),
        },
        user_key: UserHasher::new(KEY.as_bytes()).expect("the key is long enough"),
        storage: StorageOptions::from_pairs([]),
        engine,
        run_id: "r".to_owned(),
        started_at: "2026-01-01T00:00:00Z".to_owned(),
        started_us: world.as_of_us,
        lookback_days: 14,
        full_scan: true,
        accept_removed: false,
        keep_going: false,
        basis: None,
        asked: serde_json::Value::Null,
        quarantine_raw: false,
        threads: 2,
        tmp_dir: None,
        lock_wait: Duration::ZERO,
        stop,
        progress: &Silent,
    }
}

struct Silent;

impl Progress for Silent {
    fn begin(&self, _: &str, _: usize) {}
    fn step(&self, _: &str) {}
    fn end(&self) {}
}

/// Each model's query for all its days, with what polars published as the answer.
fn questions(job: &Job<'_>, seed: u64) -> Vec<duckdb::Job> {
    let plan = run::plan(job).unwrap_or_else(|e| panic!("world {seed}: {e}"));
    let store = Store::open(&job.pipeline.warehouse, &job.storage).expect("the warehouse opens");
    let warehouse = Warehouse::read(store).expect("the manifest can be read");
    assert!(
        plan.chunks.is_empty(),
        "world {seed} is stale after its run:\n{}",
        plan::explain(&plan, job.pipeline)
    );
    let Some(facts) = &plan.facts else { return Vec::new() };
    let mut jobs = Vec::new();
    for entry in job.catalog.models.iter().filter(|entry| entry.model.native.is_none()) {
        let model = &entry.model;
        for dates in runs(warehouse.manifest(), model) {
            let at = Parameters {
                interval: model.every.span(&dates),
                watermarks: facts.watermarks.clone(),
                history_start: facts.first_event,
            };
            let sql = job.catalog.sql(model, job.pipeline, &at).unwrap_or_else(|e| panic!("{e}"));
            let days = model.every.span(&dates);
            let mut tables = run::values::tables(job.pipeline, days);
            for read in &model.reads {
                let days = reach(entry, read, &dates, facts);
                let dates = reached(job.catalog, entry, &read.table, days, facts);
                tables.push(input(job, &warehouse, &read.table, days, &dates));
            }
            let mut key = vec!["date".to_owned()];
            key.extend(model.grain.iter().cloned());
            jobs.push(duckdb::Job {
                name: format!("{} {} of world {seed}", model.name, dates[0]),
                answer: Answer::Query { sql, tables },
                columns: with_date(model),
                key,
                expected: partitions(&warehouse, model, &dates),
            });
        }
    }
    jobs
}

/// All partitions of a table at once, as there are no holes between them; or one by one where each
/// is made from the one before.
fn runs(manifest: &Manifest, model: &Model) -> Vec<Vec<NaiveDate>> {
    let Some(partitions) = manifest.partitions.get(&model.name) else { return Vec::new() };
    let dates: Vec<NaiveDate> = partitions.keys().copied().collect();
    let own = Table::Model(model.name.clone());
    if model.every != Every::Day && model.reads.iter().any(|read| read.table == own) {
        return dates.into_iter().map(|date| vec![date]).collect();
    }
    let runs = model.every.runs(dates);
    assert_eq!(runs.len(), 1, "{} has holes between its days", model.name);
    runs
}

fn input(
    job: &Job<'_>,
    warehouse: &Warehouse,
    table: &Table,
    days: Interval,
    dates: &[NaiveDate],
) -> InputTable {
    let (columns, files) = match table {
        Table::Input(Kind::UnknownFields) => {
            return run::values::unknown_fields(warehouse.manifest(), days);
        }
        Table::Input(kind) => {
            let known = warehouse.manifest().objects.values().flat_map(|o| o.tables());
            let dates: BTreeSet<NaiveDate> =
                known.map(|(_, f)| f.date).filter(|d| days.contains(*d)).collect();
            let files = dates.into_iter().flat_map(|date| warehouse.manifest().files(*kind, date));
            let file =
                |path: &str| InputFile { path: local(warehouse, path), date: None, rows: None };
            (kind.columns(), files.map(|(_, f)| file(&f.path)).collect())
        }
        Table::Model(name) => {
            let model = &job.catalog.entry(name).expect("a known model").model;
            let files = partitions(warehouse, model, dates);
            let file = |f: File| InputFile { path: f.path, date: f.date, rows: f.rows };
            (with_date(model), files.into_iter().map(file).collect())
        }
    };
    InputTable { name: table.name().to_owned(), columns, data: TableData::Files(files) }
}

fn partitions(warehouse: &Warehouse, model: &Model, dates: &[NaiveDate]) -> Vec<File> {
    let found = dates.iter().filter_map(|date| warehouse.manifest().partition(&model.name, *date));
    let file = |p: &chatkpi::manifest::Partition| File {
        path: local(warehouse, &p.object),
        date: Some(p.date).filter(|_| p.first_row.is_none()),
        rows: p.first_row.map(|first| RowRange { first, count: p.rows }),
    };
    found.map(file).collect()
}

fn local(warehouse: &Warehouse, key: &str) -> PathBuf {
    warehouse.store().local_path(key).expect("a warehouse on this disk")
}

/// The content hash of each partition, as the log of commits has it.
fn contents(folder: &Path) -> BTreeMap<(String, String), String> {
    let mut contents = BTreeMap::new();
    let log = folder.join("warehouse/_chatkpi/log");
    let mut records: Vec<PathBuf> =
        std::fs::read_dir(log).expect("a log").map(|e| e.expect("an entry").path()).collect();
    records.sort();
    for record in records {
        let text = std::fs::read(record).expect("a commit record");
        let commit: Value = serde_json::from_slice(&text).expect("a commit is JSON");
        for partition in commit["partitions"].as_array().into_iter().flatten() {
            let text = |key: &str| partition[key].as_str().unwrap_or_default().to_owned();
            // These tell when objects were written and read, which is another time in each folder.
            if text("table").starts_with("audit_") {
                continue;
            }
            contents.insert((text("table"), text("date")), text("content"));
        }
    }
    contents
}
