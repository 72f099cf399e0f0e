//! `storage` against a real S3 protocol: the same meaning as on local disk, and clear failures.

use std::io::Read;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use bytes::Bytes;
use chatkpi::error::{Error, ErrorKind};
use chatkpi::pipeline::Location;
use chatkpi::storage::{Put, StorageOptions, Store, read_error};

use crate::support::moto::{self, Moto};
use crate::support::proxy::{Fault, Proxy};

/// The error that a test expects.
fn refused<T>(result: chatkpi::error::Result<T>) -> Error {
    match result {
        Ok(_) => panic!("this must fail"),
        Err(error) => {
            let text = error.to_string();
            assert!(!text.contains("canary"), "credentials in an error: {text}");
            error
        }
    }
}

fn options(address: &str) -> StorageOptions {
    StorageOptions::from_pairs(moto::settings_for(address)).retry_for(Duration::from_secs(20))
}

fn open_at(address: &str, bucket: &str, prefix: &str) -> Store {
    let location = Location::S3 { bucket: bucket.to_string(), prefix: prefix.to_string() };
    Store::open(&location, &options(address)).expect("opens")
}

/// A store over a prefix of a fresh bucket of the shared server.
fn store(bucket: &str) -> Store {
    let moto = Moto::shared();
    moto.create_bucket(bucket);
    open_at(moto.address(), bucket, "some/prefix")
}

fn keys(store: &Store, prefix: &str) -> Vec<String> {
    store.list(prefix).expect("lists").into_iter().map(|object| object.key).collect()
}

fn etag(store: &Store, key: &str) -> String {
    store.list(key).expect("lists").remove(0).etag
}

fn pattern(length: usize) -> Bytes {
    (0..length).map(|i| (i * 31 / 7 % 251) as u8).collect()
}

#[test]
fn storage_does_the_same_on_s3_as_on_disk() {
    let store = store("same");
    assert!(store.list("").expect("an empty bucket lists").is_empty());
    assert_eq!(store.read_if_exists("a/b.txt").expect("absent"), None);
    assert_eq!(refused(store.read("a/b.txt")).kind, ErrorKind::Input);
    store.put("a/b.txt", Bytes::from_static(b"one")).expect("puts");
    store.put("a/b.txt", Bytes::from_static(b"second")).expect("replaces");
    assert_eq!(store.read("a/b.txt").expect("reads"), "second");
    let key = "t/date=2026-11-20/part-00000.parquet";
    store.put(key, Bytes::from_static(b"second")).expect("puts");
    let seen = store.read_tail(key, 3).expect("reads").expect("is there");
    assert_eq!((&seen.bytes[..], seen.size), (&b"ond"[..], 6));
    assert_eq!(store.read_tail("gone", 3).expect("answers"), None);
    let listed = store.list("t/").expect("lists").remove(0);
    assert_eq!((listed.key.as_str(), listed.size), ("t/date=2026-11-20/part-00000.parquet", 6));
    assert!(!listed.etag.is_empty() && listed.modified_us > 1_600_000_000_000_000);
    store.delete("a/b.txt").expect("deletes");
    store.delete("a/b.txt").expect("deleting again is no error");
    assert_eq!(keys(&store, ""), ["t/date=2026-11-20/part-00000.parquet"]);
    assert_eq!(store.local_path("a/b.txt"), None);
    let _first = store.lock(Duration::ZERO).expect("no lock on S3");
    let _second = store.lock(Duration::ZERO).expect("so two can hold it");
    assert_eq!(store.url("x"), "s3://same/some/prefix/x");
}

#[test]
fn storage_lists_s3_by_string_prefix_over_pages() {
    let store = store("pages");
    let mut names: Vec<String> = (1..=7).map(|day| format!("logs/app-2026-11-0{day}.gz")).collect();
    names.extend(["logs/app-2026-12-01.gz", "logs/other", "logs2/x"].map(String::from));
    for name in &names {
        store.put(name, Bytes::new()).expect("puts");
    }
    assert_eq!(keys(&store, ""), names);
    assert_eq!(keys(&store, "logs/app-2026-11"), names[..7]);
    assert_eq!(keys(&store, "logs/"), names[..9]);
    assert_eq!(keys(&store, "nothing"), Vec::<String>::new());
}

#[test]
fn storage_takes_unusual_names_and_skips_folder_markers() {
    let store = store("names");
    let names = ["a b/~x#1", "a b/ü=%41+&.txt", "plain"];
    for name in names {
        store.put(name, Bytes::from(name)).expect("puts");
    }
    let address = Moto::shared().address();
    for marker in ["/names/some/prefix/", "/names/some/prefix/a%20b/"] {
        assert_eq!(moto::request(address, "PUT", marker, b"").0, 200);
    }
    assert_eq!(keys(&store, ""), names);
    for name in names {
        assert_eq!(store.read(name).expect("reads"), name);
    }
    for name in ["../x", "/x", "a\\b", "", "a//b", "a/./b", "x/"] {
        assert_eq!(refused(store.read(name)).kind, ErrorKind::Config, "{name}");
    }
}

#[test]
fn storage_streams_and_uploads_large_objects() {
    let store = store("large");
    let folder = tempfile::tempdir().expect("a folder");
    let (from, to) = (folder.path().join("from"), folder.path().join("to"));
    // Beyond the limit of one PUT, and no multiple of any block.
    let content = pattern((65 << 20) + 12_345);
    std::fs::write(&from, &content).expect("writes");
    store.put_file("big", &from).expect("uploads in parts");
    assert_eq!(store.list("big").expect("lists")[0].size, content.len() as u64);
    store.download("big", &to).expect("downloads");
    assert!(std::fs::read(&to).expect("reads") == content, "the download differs");
    std::fs::write(&from, b"small").expect("writes");
    store.put_file("big", &from).expect("replaces");
    let mut text = String::new();
    let tag = etag(&store, "big");
    store.open_read("big", &tag).expect("opens").read_to_string(&mut text).expect("reads");
    assert_eq!(text, "small");
    store.put("empty", Bytes::new()).expect("puts");
    let tag = etag(&store, "empty");
    assert_eq!(store.open_read("empty", &tag).expect("opens").read(&mut [0; 9]).expect("reads"), 0);
    assert!(store.put_file("x", &folder.path().join("absent")).is_err());
    assert!(store.download("absent", &folder.path().join("new")).is_err());
    assert!(!folder.path().join("new").exists());
}

#[test]
fn storage_notices_an_object_that_changes_under_a_reader() {
    let store = store("changes");
    store.put("log", pattern(48 << 20)).expect("puts");
    let tag = etag(&store, "log");
    let mut reader = store.open_read("log", &tag).expect("opens");
    reader.read_exact(&mut [0; 1000]).expect("reads");
    store.put("log", pattern(47 << 20)).expect("replaces");
    let error = read_error(std::io::copy(&mut reader, &mut std::io::sink()).expect_err("changed"));
    assert_eq!(error.kind, ErrorKind::Input, "{error}");
    assert!(error.to_string().contains("s3://changes/some/prefix/log"), "{error}");
    assert_eq!(refused(store.open_read("log", &tag)).kind, ErrorKind::Input);
    assert_eq!(refused(store.open_read("gone", &tag)).kind, ErrorKind::Input);
}

#[test]
fn storage_creates_once_on_s3() {
    let store = store("once");
    let (ours, theirs) = (Bytes::from_static(b"ours"), Bytes::from_static(b"theirs"));
    assert_eq!(store.put_if_absent("log/1", ours.clone()).expect("puts"), Put::Created);
    assert_eq!(store.put_if_absent("log/1", ours.clone()).expect("puts"), Put::Created);
    assert_eq!(store.put_if_absent("log/1", theirs).expect("puts"), Put::Exists);
    assert_eq!(store.read("log/1").expect("reads"), ours);
    let start = Barrier::new(8);
    let results: Vec<Put> = std::thread::scope(|scope| {
        let race = |writer: usize| {
            start.wait();
            store.put_if_absent("log/2", Bytes::from(format!("{writer}"))).expect("puts")
        };
        let threads: Vec<_> = (0..8).map(|writer| scope.spawn(move || race(writer))).collect();
        threads.into_iter().map(|thread| thread.join().expect("ends")).collect()
    });
    assert_eq!(results.iter().filter(|put| **put == Put::Created).count(), 1);
}

#[test]
fn storage_replaces_only_the_version_that_was_seen() {
    let store = store("fenced");
    let put = |text: &'static str, etag: &str| {
        store.put_if_unchanged("t", Bytes::from_static(text.as_bytes()), etag).expect("answers")
    };
    assert!(!put("nothing is there", "\"e\""));
    store.put("t", Bytes::from_static(b"first")).expect("puts");
    let first = etag(&store, "t");
    assert!(put("second", &first));
    assert!(put("second", &first), "its own bytes are there");
    assert!(!put("zombie", &first));
    assert_eq!(store.read("t").expect("reads"), "second");
    store.check_conditions().expect("moto keeps conditions");
    store.check_conditions().expect("and again");
}

#[test]
fn storage_refuses_a_store_that_ignores_conditions() {
    // A proxy that takes every write, as some stores that speak S3 do.
    let moto = Moto::start();
    for ignored in ["if-none-match", "if-match"] {
        let bucket = format!("ignores-{ignored}");
        moto.create_bucket(&bucket);
        let proxy = Proxy::deaf(moto.address(), ignored);
        let error = refused(open_at(proxy.address(), &bucket, "p").check_conditions());
        assert_eq!(error.kind, ErrorKind::Config, "{error}");
        let told = error.to_string().to_ascii_lowercase();
        assert!(told.contains(&format!("ignored: {ignored}")), "{error}");
    }
}

#[test]
fn storage_settles_a_lost_acknowledgement() {
    let moto = Moto::shared();
    moto.create_bucket("lost");
    for (name, fault) in [
        // The client tries again by itself and is told 412 on account of its own first try.
        ("answer", Fault::LoseAnswer),
        ("connection", Fault::DropAnswer),
        // Refused for the sake of another writer, who then gives up.
        ("conflict", Fault::Answer(409, "<Error><Code>ConditionalRequestConflict</Code></Error>")),
    ] {
        let proxy = Proxy::start(moto.address(), move |number, _, _| match number {
            0 => fault,
            _ => Fault::Pass,
        });
        let store = open_at(proxy.address(), "lost", "");
        let put = store.put_if_absent(name, Bytes::from_static(b"nonce")).expect("settles");
        assert_eq!((put, proxy.requests()), (Put::Created, 3), "{name}");
        assert_eq!(store.read(name).expect("reads"), "nonce");
    }
}

#[test]
fn storage_reads_again_what_was_cut_off() {
    let moto = Moto::start();
    moto.create_bucket("cut");
    open_at(moto.address(), "cut", "p").put("k", pattern(300_000)).expect("puts");
    let proxy = Proxy::start(moto.address(), |number, _, _| match number % 2 {
        0 => Fault::CutAnswer,
        _ => Fault::Pass,
    });
    let store = open_at(proxy.address(), "cut", "p");
    for _ in 0..3 {
        match store.read("k") {
            Ok(bytes) => assert!(bytes == pattern(300_000), "a part was taken for the whole"),
            Err(error) => assert_eq!(error.kind, ErrorKind::Transient, "{error}"),
        }
    }
    assert!(store.read("k").is_ok() || store.read("k").is_ok(), "every second answer is whole");
}

#[test]
fn storage_waits_out_passing_failures_and_no_longer() {
    let moto = Moto::shared();
    moto.create_bucket("passing");
    let proxy = Proxy::start(moto.address(), |number, _, _| match number {
        0..3 => Fault::Answer(503, "<Error><Code>SlowDown</Code></Error>"),
        _ => Fault::Pass,
    });
    let store = open_at(proxy.address(), "passing", "");
    store.put("x", Bytes::from_static(b"1")).expect("gets through");
    assert_eq!(proxy.requests(), 4);

    let down = Proxy::start(moto.address(), |_, _, _| Fault::Answer(500, ""));
    let location = Location::S3 { bucket: "passing".to_string(), prefix: String::new() };
    let impatient = options(down.address()).retry_for(Duration::from_secs(1));
    let store = Store::open(&location, &impatient).expect("opens");
    let error = refused(store.read("x"));
    assert_eq!(error.kind, ErrorKind::Transient, "{error}");
}

#[test]
fn storage_names_a_missing_bucket() {
    let store = open_at(Moto::shared().address(), "no-such-bucket", "p");
    let bytes = Bytes::from_static(b"x");
    let errors = [
        refused(store.list("")),
        refused(store.read("k")),
        refused(store.read_if_exists("k")),
        refused(store.open_read("k", "")),
        refused(store.put("k", bytes.clone())),
        refused(store.put_if_absent("k", bytes)),
        refused(store.read_tail("k", 9)),
        refused(store.put_if_unchanged("k", Bytes::new(), "e")),
        refused(store.check_conditions()),
        refused(store.delete("k")),
    ];
    for error in errors {
        assert_eq!(error.kind, ErrorKind::Config, "{error}");
        assert!(error.to_string().contains("no such bucket"), "{error}");
        assert!(error.to_string().contains("s3://no-such-bucket/p/"), "{error}");
        assert_eq!(error.remedy.as_deref(), Some("create the bucket or check its name"));
    }
}

#[test]
fn storage_says_soon_that_nobody_answers() {
    let moto = Moto::start();
    let patience = options(moto.address()).retry_for(Duration::from_secs(2));
    let location = Location::S3 { bucket: moto::BUCKET.to_string(), prefix: String::new() };
    let store = Store::open(&location, &patience).expect("opens");
    assert!(store.list("").expect("lists").is_empty());
    drop(moto);
    let started = Instant::now();
    let error = refused(store.put_if_absent("k", Bytes::from_static(b"x")));
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
    assert_eq!(error.kind, ErrorKind::Transient, "{error}");
    assert!(error.to_string().contains("cannot reach the store"), "{error}");
}

#[test]
fn storage_names_refused_and_missing_credentials() {
    // One unsigned request makes the bucket; from then on this server checks who asks.
    let strict = Moto::start_with(&[("INITIAL_NO_AUTH_ACTION_COUNT", "1")]);
    let store = open_at(strict.address(), moto::BUCKET, "");
    for error in [refused(store.list("")), refused(store.put("k", Bytes::from_static(b"x")))] {
        assert_eq!(error.kind, ErrorKind::Config, "{error}");
        assert!(error.to_string().contains("the store refuses the credentials"), "{error}");
    }

    let location = Location::S3 { bucket: "b".to_string(), prefix: String::new() };
    let asking = |address: &str| {
        let endpoint = format!("http://{address}");
        StorageOptions::from_pairs([("AWS_METADATA_ENDPOINT".to_string(), endpoint)])
    };
    let roleless = Proxy::start(strict.address(), |_, _, _| Fault::Answer(404, "no role here"));
    let store = Store::open(&location, &asking(roleless.address())).expect("opens");
    let nobody = moto::free_address();
    for error in [refused(store.read("k")), refused(Store::open(&location, &asking(&nobody)))] {
        assert_eq!(error.kind, ErrorKind::Config, "{error}");
        assert!(error.to_string().contains("no S3 credentials"), "{error}");
        assert!(error.to_string().contains("set AWS_ACCESS_KEY_ID"), "{error}");
    }
}

#[test]
fn storage_checks_the_endpoint_and_shows_no_secret() {
    let location = Location::S3 { bucket: "b".to_string(), prefix: String::new() };
    let store = open_at("127.0.0.1:1", "b", "");
    let shown = format!("{:?} {store:?}", options("127.0.0.1:1"));
    assert!(shown.contains("aws_secret_access_key") && !shown.contains("canary"), "{shown}");
    for (endpoint, said) in [
        ("http://127.0.0.1:1", "AWS_ALLOW_HTTP=true"),
        ("https://user:canary@host", "AWS_ACCESS_KEY_ID"),
        ("ftp://host", "https://host:port"),
        ("nonsense", "https://host:port"),
    ] {
        let mut pairs = moto::settings_for("127.0.0.1:1");
        pairs.retain(|(name, _)| name != "AWS_ALLOW_HTTP");
        pairs.push(("AWS_ENDPOINT_URL".to_string(), endpoint.to_string()));
        let error = refused(Store::open(&location, &StorageOptions::from_pairs(pairs)));
        assert_eq!(error.kind, ErrorKind::Config);
        assert!(error.to_string().contains(said), "{error}");
    }
}
