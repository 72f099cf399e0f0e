//! Sources and warehouse in a bucket: the same run, the same tables.

use std::collections::BTreeMap;

use bytes::Bytes;
use chatkpi::pipeline::Location;
use chatkpi::storage::{StorageOptions, Store};
use serde_json::json;

use super::readers::duckdb;
use super::tiny::{DAYS, PIPELINE, Tiny, log};
use crate::support::moto::{self, Moto};

/// A company whose logs lie in a bucket, and whose warehouse will.
fn in_bucket(moto: &Moto, bucket: &str) -> (Tiny, Store) {
    let mut tiny = Tiny::new();
    let settings = moto::settings_for(moto.address());
    settings.iter().for_each(|(name, value)| tiny.set(name, value));
    let location = Location::S3 { bucket: bucket.to_owned(), prefix: "shop".to_owned() };
    let store = Store::open(&location, &StorageOptions::from_pairs(settings)).expect("opens");
    tiny.change_pipeline("./warehouse", &format!("s3://{bucket}/shop/warehouse"));
    tiny.change_pipeline("logs/", &format!("s3://{bucket}/shop/logs/"));
    (tiny, store)
}

/// Key -> ETag of all that no run but the first may write.
fn objects(store: &Store) -> BTreeMap<String, String> {
    let listed = store.list("warehouse/").expect("lists").into_iter();
    let kept = listed.filter(|object| !object.key.starts_with("warehouse/_chatkpi/runs/"));
    kept.map(|object| (object.key, object.etag)).collect()
}

#[test]
fn a_bucket_holds_the_same_tables_as_a_folder() {
    let moto = Moto::start();
    let (tiny, store) = in_bucket(&moto, moto::BUCKET);
    for day in DAYS {
        let bytes = std::fs::read(tiny.path(&log(day))).expect("reads");
        store.put(&log(day), Bytes::from(bytes)).expect("puts");
    }
    let told = tiny.run(&["check", PIPELINE]).expect(0);
    assert!(told.out.contains("source bot: 3 objects"), "{}", told.out);
    let told = tiny.run(&["run", PIPELINE]).expect(0).summary();
    let local = Tiny::after_a_run().tables();
    assert_eq!(told["partitions"]["replaced"], local.len());
    for (name, bytes) in local.iter().filter(|(name, _)| !name.starts_with("audit_")) {
        let stored = store.read(&format!("warehouse/{name}")).expect("is published");
        assert!(stored == bytes[..], "{name} differs from the one on disk");
    }

    let before = objects(&store);
    let told = tiny.run(&["run", PIPELINE]).expect(0).says(&["nothing to do"]).summary();
    assert_eq!(told["partitions"]["built"], 0);
    assert!(objects(&store) == before, "the second run wrote an object");

    for day in DAYS {
        let folder = tiny.path(&format!("copy/date={day}"));
        std::fs::create_dir_all(&folder).expect("creates");
        let key = format!("warehouse/kpi_daily/date={day}/part-00000.parquet");
        store.download(&key, &folder.join("part.parquet")).expect("downloads");
    }
    let rows = duckdb(&format!(
        "SELECT date, value FROM read_parquet('{}/date=*/*.parquet', hive_partitioning = true)
         WHERE metric = 'dau' AND bot = '*' AND channel = '*' ORDER BY date",
        tiny.path("copy").display()
    ));
    assert_eq!(rows, json!([[DAYS[0], 4.0], [DAYS[1], 4.0], [DAYS[2], 4.0]]));
}

#[test]
fn a_bucket_that_is_not_there_is_named() {
    let (tiny, _) = in_bucket(Moto::shared(), "no-such-shop");
    for command in ["check", "plan", "run", "status"] {
        let told = tiny.run(&[command, PIPELINE]).expect(2);
        let told = told.says(&["no such bucket", "s3://no-such-shop/", "create the bucket"]);
        assert!(!told.err.contains("canary"), "credentials are shown:\n{}", told.err);
    }
}

#[test]
fn missing_credentials_are_named() {
    let mut tiny = Tiny::new();
    for (name, value) in moto::settings_for("127.0.0.1:1") {
        tiny.set(&name, &value);
    }
    tiny.unset("AWS_ACCESS_KEY_ID");
    tiny.unset("AWS_SECRET_ACCESS_KEY");
    tiny.set("AWS_METADATA_ENDPOINT", "http://127.0.0.1:1");
    tiny.change_pipeline("./warehouse", "s3://shop/warehouse");
    tiny.run(&["run", PIPELINE]).expect(2).says(&["no S3 credentials", "set AWS_ACCESS_KEY_ID"]);
}
