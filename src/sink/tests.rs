//! Warehouses without an engine: commits, copies, checkpoints.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, Int64Array};
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use chrono::NaiveDate;
use parquet::arrow::ArrowWriter;

use super::verify::content_of;
use super::*;
use crate::error::ErrorKind;
use crate::interval::plus;
use crate::manifest::{FORMAT, Stamp};
use crate::pipeline::Location;
use crate::schema::{Column, Type, to_arrow};
use crate::storage::StorageOptions;
use crate::storage::fake::World;

/// One row with this number in every column, all of which are whole numbers.
pub(crate) fn write_row(path: &Path, columns: &[Column], value: i64) {
    assert!(columns.iter().all(|c| c.kind == Type::Bigint), "only whole numbers");
    let schema = Arc::new(to_arrow(columns));
    let column = || Arc::new(Int64Array::from(vec![value])) as ArrayRef;
    let arrays = columns.iter().map(|_| column()).collect();
    let batch = RecordBatch::try_new(schema.clone(), arrays).expect("fits");
    let file = std::fs::File::create(path).expect("creates");
    let mut writer = ArrowWriter::try_new(file, schema, None).expect("writes");
    writer.write(&batch).expect("writes");
    writer.close().expect("closes");
}

/// Rows, content hash and stamp of a public file's bytes; None where it cannot be read.
pub(crate) fn look(bytes: &Bytes) -> Option<(u64, String, Stamp)> {
    let (rows, content) = content_of(bytes, None)?;
    Some((rows, content, public::read_stamp(bytes)?))
}

pub(crate) fn bucket() -> Location {
    Location::S3 { bucket: "b".into(), prefix: "w".into() }
}

fn open(world: &Arc<World>, run: &str) -> Result<Warehouse> {
    let store = Store::open(&bucket(), &StorageOptions::in_world(world))?;
    let lock = store.lock(Duration::ZERO)?;
    Warehouse::write(store, lock, "key", run, 1)
}

fn day(n: i64) -> NaiveDate {
    plus("2026-03-01".parse().expect("a date"), n)
}

/// A commit that sets table `t` of day `n` to `value`, its object already stored.
fn setting(warehouse: &Warehouse, n: i64, value: i64) -> Commit {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    write_row(&file, &[Column::new("value", Type::Bigint, false)], value);
    let bytes = Bytes::from(std::fs::read(&file).expect("reads"));
    let (rows, content) = content_of(&bytes, None).expect("can be read");
    let generation = warehouse.manifest().generation + 1;
    let object = format!("_chatkpi/obj/t/date={}/{content}-{}.pq", day(n), warehouse.run_id);
    warehouse.store().put(&object, bytes.clone()).expect("puts");
    let partition = Partition {
        table: "t".into(),
        date: day(n),
        object,
        first_row: None,
        rows,
        bytes: bytes.len() as u64,
        content,
        definition: "d".into(),
        fingerprint: format!("{value}"),
        published: true,
    };
    Commit {
        format: FORMAT,
        generation,
        run_id: warehouse.run_id.clone(),
        created_at: "2026-03-01T00:00:00Z".into(),
        program_version: "0".into(),
        user_key: "key".into(),
        objects: Vec::new(),
        removed: Vec::new(),
        partitions: vec![partition],
        shows: Vec::new(),
    }
}

fn set(warehouse: &mut Warehouse, n: i64, value: i64) -> Result<Published> {
    let commit = setting(warehouse, n, value);
    warehouse.commit(commit)
}

fn public_bytes(world: &World, n: i64) -> Bytes {
    world.objects()[&format!("b/w/t/date={}/part-00000.parquet", day(n))].clone()
}

#[test]
fn a_copy_says_which_commit_it_is_of_and_never_has_the_bytes_of_another() {
    let world = Arc::new(World::default());
    let mut warehouse = open(&world, "r").expect("opens");
    let mut seen = Vec::new();
    for (generation, value) in [(1, 7), (2, 8), (3, 7)] {
        set(&mut warehouse, 0, value).expect("commits");
        let bytes = public_bytes(&world, 0);
        let (rows, content, stamp) = look(&bytes).expect("can be read");
        assert_eq!((rows, stamp.generation), (1, generation));
        assert_eq!(stamp.content, content, "the stamp does not change the content");
        seen.push(bytes);
    }
    assert_ne!(seen[0], seen[2], "equal content, and yet other bytes");
    let published = set(&mut warehouse, 0, 7).expect("commits");
    assert_eq!(published, Published { replaced: 0, unchanged: 1 });
    assert_eq!(public_bytes(&world, 0), seen[2], "nothing was written");
}

#[test]
fn a_stalled_run_puts_nothing_back_though_the_content_has_come_back() {
    let world = Arc::new(World::default());
    let mut first = open(&world, "a").expect("opens");
    set(&mut first, 0, 7).expect("commits");
    let old = public_bytes(&world, 0);
    // It committed 8 over 7, and stalls before it publishes.
    let mut stalled = open(&world, "b").expect("opens");
    let mut late = setting(&stalled, 0, 8);
    late.shows = stalled.manifest.changes(&late);
    log::append(&stalled.store, &late).expect("appends");
    stalled.manifest.apply(late.clone()).expect("applies");
    // Others finish that for it, and then come back to 7.
    let mut other = open(&world, "c").expect("opens");
    assert_eq!(look(&public_bytes(&world, 0)).expect("reads").2.generation, 2);
    set(&mut other, 0, 7).expect("commits");
    let newest = public_bytes(&world, 0);
    assert_ne!(newest, old);
    stalled.publish(&late).expect("is told that a later commit was faster");
    assert_eq!(public_bytes(&world, 0), newest);
    let error = set(&mut stalled, 1, 1).expect_err("its next commit comes too late");
    assert_eq!(error.kind, ErrorKind::Conflict);
}

#[test]
fn a_foreign_file_is_never_clobbered() {
    let world = Arc::new(World::default());
    let mut warehouse = open(&world, "r").expect("opens");
    set(&mut warehouse, 0, 7).expect("commits");
    set(&mut warehouse, 1, 8).expect("commits");
    let mine = public_bytes(&world, 0);
    let other_day = public_bytes(&world, 1);
    let key = format!("b/w/t/date={}/part-00000.parquet", day(0));
    for foreign in [&b"not Parquet at all"[..], b"", &mine[..mine.len() - 1], &other_day] {
        let world = world.copy();
        world.set(&key, foreign);
        let error = set(&mut open(&world, "s").expect("opens"), 0, 9).expect_err("a foreign file");
        assert_eq!(error.kind, ErrorKind::Corrupt, "{error}");
        // Nobody can write until somebody has looked; the copy is then finished first.
        let error = open(&world, "t").err().expect("it is still there");
        assert_eq!(error.kind, ErrorKind::Corrupt);
        assert_eq!(world.objects()[&key], foreign, "it was replaced");
        world.remove(&key);
        open(&world, "u").expect("opens");
        assert_eq!(look(&public_bytes(&world, 0)).expect("reads").2.generation, 3);
    }
}

#[test]
fn a_deleted_copy_comes_back_with_the_next_change() {
    let world = Arc::new(World::default());
    let mut warehouse = open(&world, "r").expect("opens");
    set(&mut warehouse, 0, 7).expect("commits");
    world.remove(&format!("b/w/t/date={}/part-00000.parquet", day(0)));
    set(&mut warehouse, 0, 8).expect("commits");
    assert_eq!(look(&public_bytes(&world, 0)).expect("reads").2.generation, 2);
}

#[test]
fn many_commits_are_opened_by_few_reads() {
    let world = Arc::new(World::default());
    let mut warehouse = open(&world, "r").expect("opens");
    for n in 0..100 {
        set(&mut warehouse, n % 5, n).expect("commits");
    }
    let whole = log::replay(warehouse.store()).expect("replays").manifest;
    world.play(|_| crate::storage::fake::Fault::None);
    let opened =
        Warehouse::read(Store::open(&bucket(), &StorageOptions::in_world(&world)).expect("opens"));
    assert_eq!(*opened.expect("opens").manifest(), whole);
    let operations = world.operations().len();
    assert!(operations <= 40, "{operations} operations open a log of 100 commits");

    // A checkpoint is a convenience: without it, or with one that is damaged, the log tells.
    world.set("b/w/_chatkpi/checkpoint/00000000000000000096.json", b"{");
    assert_eq!(log::replay(warehouse.store()).expect("replays").manifest, whole);
    world.remove("b/w/_chatkpi/checkpoint/00000000000000000096.json");
    assert_eq!(log::replay(warehouse.store()).expect("replays").manifest, whole);
    let before = log::replay_through(warehouse.store(), 40).expect("replays");
    assert_eq!(before.generation, 40);
}

#[test]
fn a_log_without_its_newest_records_is_not_taken_for_an_older_warehouse() {
    let world = Arc::new(World::default());
    let mut warehouse = open(&world, "r").expect("opens");
    for n in 0..3 {
        set(&mut warehouse, n, n).expect("commits");
    }
    world.remove("b/w/_chatkpi/log/00000000000000000003.json");
    let error = log::replay(warehouse.store()).err().expect("a record is missing");
    assert_eq!(error.kind, ErrorKind::Corrupt);
    assert!(error.to_string().contains("generation: 3"), "{error}");
}

#[test]
fn a_vacuum_keeps_what_the_newest_generations_refer_to_and_what_is_young() {
    let world = Arc::new(World::default());
    let mut warehouse = open(&world, "r").expect("opens");
    for value in 0..10 {
        set(&mut warehouse, 0, value).expect("commits");
    }
    world.set("b/w/_chatkpi/decoded/events/x/orphan.pq", b"four");
    let store = warehouse.store();
    let lock = store.lock(Duration::ZERO).expect("locks");
    let objects = || keys_below(&world, "b/w/_chatkpi/obj/");
    assert_eq!(objects(), 10);
    let young = vacuum(store, &lock, 0, false).expect("vacuums");
    assert_eq!((young.removed, young.young), (0, 4), "three of generations 1 to 3, one orphan");
    let dry = vacuum(store, &lock, i64::MAX, true).expect("vacuums");
    assert_eq!((dry.removed, objects()), (4, 10));
    assert_eq!(vacuum(store, &lock, i64::MAX, false).expect("vacuums"), dry);
    assert_eq!((objects(), keys_below(&world, "b/w/_chatkpi/decoded/")), (7, 0));
    assert_eq!(vacuum(store, &lock, i64::MAX, false).expect("vacuums"), Vacuumed::default());
    assert_eq!(check(store).expect("checks").findings, []);
    set(&mut warehouse, 0, 100).expect("what is left is enough to go on");
}

fn keys_below(world: &World, prefix: &str) -> usize {
    world.objects().keys().filter(|key| key.starts_with(prefix)).count()
}

#[test]
fn a_check_finds_what_was_changed_added_or_taken_away() {
    let world = Arc::new(World::default());
    let mut warehouse = open(&world, "r").expect("opens");
    set(&mut warehouse, 0, 7).expect("commits");
    set(&mut warehouse, 1, 8).expect("commits");
    let store = warehouse.store();
    let good = check(store).expect("checks");
    assert_eq!((good.published, good.objects, good.findings.len()), (2, 2, 0));
    let first = format!("b/w/t/date={}/part-00000.parquet", day(0));
    let second = format!("b/w/t/date={}/part-00000.parquet", day(1));
    let (mine, other) = (public_bytes(&world, 0), public_bytes(&world, 1));
    let object = format!("b/w/{}", warehouse.manifest().partition("t", day(0)).expect("is").object);
    let cases: [(&str, &str, Option<&[u8]>); 6] = [
        ("it is gone", &first, None),
        ("not a file that this program published", &first, Some(b"x")),
        ("another version", &first, Some(&other)),
        ("another version", &second, Some(&mine)),
        ("no commit published it", "b/w/t/date=2026-03-01/copy.parquet", Some(b"x")),
        ("3 bytes instead of", &object, Some(b"xyz")),
    ];
    for (problem, key, bytes) in cases {
        let before = world.objects().get(key).cloned();
        match bytes {
            Some(bytes) => world.set(key, bytes),
            None => world.remove(key),
        }
        let findings = check(store).expect("checks").findings;
        let found: Vec<_> = findings.iter().map(|f| f.problem.as_str()).collect();
        assert!(found.len() == 1 && found[0].contains(problem), "{problem}: {findings:?}");
        match before {
            Some(bytes) => world.set(key, &bytes),
            None => world.remove(key),
        }
    }
    // One byte in a page.
    let mut damaged = mine.to_vec();
    damaged[10] ^= 0x40;
    world.set(&first, &damaged);
    assert_eq!(check(store).expect("checks").findings.len(), 1);
}
