//! The store on local disk, and the rules for keys.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tempfile::TempDir;

use super::{Put, StorageOptions, Store, read_error};
use crate::error::{Error, ErrorKind, Result};
use crate::pipeline::Location;

/// A store over a folder that does not exist yet.
fn store() -> (TempDir, PathBuf, Store) {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("ware house");
    let store = open(&root).expect("opens");
    (folder, root, store)
}

fn open(root: &std::path::Path) -> Result<Store> {
    Store::open(&Location::Local(root.to_path_buf()), &StorageOptions::default())
}

fn refused<T>(result: Result<T>) -> Error {
    result.err().expect("this must fail")
}

fn keys(store: &Store, prefix: &str) -> Vec<String> {
    store.list(prefix).expect("lists").into_iter().map(|object| object.key).collect()
}

fn put(store: &Store, key: &str, text: &'static str) {
    store.put(key, Bytes::from_static(text.as_bytes())).expect("puts");
}

/// Every file below a folder, relative to it.
fn files(folder: &std::path::Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder).expect("lists").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        match entry.file_type().expect("a type").is_dir() {
            true => {
                found.extend(files(&entry.path()).iter().map(|below| format!("{name}/{below}")))
            }
            false => drop(found.insert(name)),
        }
    }
    found
}

#[test]
fn a_missing_folder_is_an_error_to_list_and_nothing_to_read() {
    let (_folder, root, store) = store();
    let error = refused(store.list(""));
    assert_eq!(error.kind, ErrorKind::Config);
    assert!(error.to_string().contains("no such folder"), "{error}");
    assert_eq!(store.read_if_exists("a").expect("absent"), None);
    assert_eq!(refused(store.read("a")).kind, ErrorKind::Input);
    store.delete("a").expect("absent is deleted");
    assert!(!root.exists(), "reading must not create the folder");
    put(&store, "a/b", "x");
    assert!(store.list("no/such/folder").expect("the root exists").is_empty());
}

#[test]
fn a_file_is_no_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    fs::write(&file, "x").expect("writes");
    assert_eq!(refused(open(&file)).kind, ErrorKind::Config);
}

#[test]
fn an_object_is_written_replaced_and_deleted() {
    let (folder, root, store) = store();
    let key = "fct/date=2026-11-20/part-00000.parquet";
    put(&store, key, "old");
    put(&store, key, "newer");
    assert_eq!(store.read(key).expect("reads"), "newer");
    assert_eq!(store.local_path(key), Some(root.join(key)));
    let staged = folder.path().join("staged");
    fs::write(&staged, "from a file").expect("writes");
    store.put_file(key, &staged).expect("replaces");
    fs::write(&staged, "changed later").expect("writes");
    assert_eq!(store.read(key).expect("reads"), "from a file");
    let to = folder.path().join("down");
    store.download(key, &to).expect("downloads");
    assert_eq!(fs::read_to_string(&to).expect("reads"), "from a file");
    put(&store, "other/x", "x");
    store.delete("other/x").expect("deletes");
    store.delete("other/x").expect("deleting again is no error");
    assert_eq!(files(&root), BTreeSet::from([key.to_string()]));
    assert!(refused(store.put_file("x", &folder.path().join("gone"))).to_string().contains("gone"));
}

#[test]
fn a_listing_is_sorted_by_string_prefix_and_without_temporary_files() {
    let (_folder, root, store) = store();
    for key in ["logs/app-2026-11-20.gz", "logs/app-2026-11-19.gz", "logs/app-2026-12-01", "z ü%"]
    {
        put(&store, key, "four");
    }
    let _lock = store.lock(Duration::ZERO).expect("locks");
    for left in ["logs/app-2026-11-20.gz#1", "_chatkpi/tmp/7-7"] {
        fs::write(root.join(left), "x").expect("writes");
    }
    put(&store, "_chatkpi/log/1", "x");
    let found = ["logs/app-2026-11-19.gz", "logs/app-2026-11-20.gz"];
    assert_eq!(keys(&store, "logs/app-2026-11"), found);
    assert_eq!(keys(&store, "logs/"), [found[0], found[1], "logs/app-2026-12-01"]);
    assert_eq!(keys(&store, "z"), ["z ü%"]);
    assert_eq!(keys(&store, "_chatkpi/"), ["_chatkpi/log/1"]);
    let object = store.list("z").expect("lists").remove(0);
    assert_eq!((object.size, object.etag.is_empty()), (4, false));
    assert!(object.modified_us > 1_600_000_000_000_000);
    assert_eq!(store.read("z ü%").expect("reads"), "four");
}

#[test]
fn keys_that_lead_out_are_refused_everywhere() {
    let (_folder, _root, store) = store();
    put(&store, "in", "x");
    for key in ["../x", "a/../../x", "/etc/passwd", "a\\..\\x", "", ".", "a//b", "a/", "a\nb"] {
        let bytes = Bytes::from_static(b"x");
        for error in [
            refused(store.read(key)),
            refused(store.read_if_exists(key)),
            refused(store.open_read(key, "")),
            refused(store.put(key, bytes.clone())),
            refused(store.put_if_absent(key, bytes)),
            refused(store.put_if_unchanged(key, Bytes::new(), "x")),
            refused(store.read_tail(key, 1)),
            refused(store.delete(key)),
        ] {
            assert_eq!(error.kind, ErrorKind::Config, "{key:?}: {error}");
        }
        assert_eq!(store.local_path(key), None, "{key:?}");
    }
    for prefix in ["../x", "/etc", "a/../b", "a\\"] {
        assert_eq!(refused(store.list(prefix)).kind, ErrorKind::Config, "{prefix:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_symbolic_link_may_not_leave_the_root() {
    use std::os::unix::fs::symlink;
    let (folder, root, store) = store();
    put(&store, "in/file", "inside");
    fs::write(folder.path().join("secret"), "outside").expect("writes");
    symlink("in", root.join("alias")).expect("links");
    assert_eq!(store.read("alias/file").expect("a link inside is fine"), "inside");
    assert_eq!(keys(&store, "alias/"), ["alias/file"]);
    symlink(folder.path(), root.join("out")).expect("links");
    for error in [
        refused(store.read("out/secret")),
        refused(store.put("out/new", Bytes::new())),
        refused(store.delete("out/secret")),
        refused(store.list("out/")),
    ] {
        assert_eq!(error.kind, ErrorKind::Config, "{error}");
        assert!(error.to_string().contains("symbolic link"), "{error}");
    }
    assert_eq!(store.local_path("out/secret"), None);
    assert!(!folder.path().join("new").exists());
    // The root itself may be one: only what lies below it is checked.
    symlink(&root, folder.path().join("root-link")).expect("links");
    let linked = open(&folder.path().join("root-link")).expect("opens");
    assert_eq!(linked.read("in/file").expect("reads"), "inside");
}

#[test]
fn a_reader_sees_the_old_or_the_new_and_never_neither() {
    let (_folder, _root, store) = store();
    let (old, new) = (Bytes::from(vec![b'a'; 300_000]), Bytes::from(vec![b'b'; 200_000]));
    store.put("t/x", old.clone()).expect("puts");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut seen = 0;
            while !done.load(Ordering::SeqCst) || seen == 0 {
                let found = store.read("t/x").expect("always there");
                assert!(found == old || found == new, "a mixture");
                assert_eq!(keys(&store, "t/"), ["t/x"]);
                seen += 1;
            }
        });
        for _ in 0..40 {
            store.put("t/x", new.clone()).expect("replaces");
            store.put("t/x", old.clone()).expect("replaces");
        }
        done.store(true, Ordering::SeqCst);
        reader.join().expect("the reader is content");
    });
}

#[test]
fn temporary_files_are_never_in_a_table() {
    let (_folder, root, store) = store();
    let key = "t/date=2026-11-20/part-00000.parquet";
    store.put(key, Bytes::new()).expect("puts");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                let only = BTreeSet::from(["date=2026-11-20/part-00000.parquet".to_string()]);
                assert_eq!(files(&root.join("t")), only);
            }
        });
        for _ in 0..20 {
            store.put(key, Bytes::from(vec![1; 100_000])).expect("puts");
            let _ = store.put_if_absent(key, Bytes::from(vec![2; 100_000])).expect("tries");
        }
        done.store(true, Ordering::SeqCst);
        watcher.join().expect("saw nothing else");
    });
    assert!(files(&root.join("_chatkpi/tmp")).is_empty());
}

#[test]
fn of_eight_creators_one_wins() {
    let (_folder, _root, store) = store();
    for round in 0..10 {
        let key = format!("_chatkpi/log/{round}");
        let start = Barrier::new(8);
        let won: Vec<usize> = std::thread::scope(|scope| {
            let (store, key, start) = (&store, &key, &start);
            let race = move |writer: usize| {
                start.wait();
                let put = store.put_if_absent(key, Bytes::from(format!("{writer}")));
                (put.expect("answers") == Put::Created).then_some(writer)
            };
            let threads: Vec<_> = (0..8).map(|writer| scope.spawn(move || race(writer))).collect();
            threads.into_iter().filter_map(|thread| thread.join().expect("ends")).collect()
        });
        assert_eq!(won.len(), 1);
        assert_eq!(store.read(&key).expect("reads"), won[0].to_string());
    }
    let own = Bytes::from_static(b"own");
    assert_eq!(store.put_if_absent("k", own.clone()).expect("puts"), Put::Created);
    assert_eq!(store.put_if_absent("k", own).expect("its own again"), Put::Created);
    assert_eq!(store.put_if_absent("k", Bytes::new()).expect("other bytes"), Put::Exists);
}

#[test]
fn only_the_version_that_was_seen_is_replaced() {
    let (_folder, root, store) = store();
    let bytes = |text: &'static str| Bytes::from_static(text.as_bytes());
    assert!(!store.put_if_unchanged("k", bytes("x"), "e").expect("answers"), "nothing is there");
    assert_eq!(store.read_tail("k", 4).expect("answers"), None);
    put(&store, "k", "first version");
    let seen = store.read_tail("k", 4).expect("reads").expect("is there");
    assert_eq!((&seen.bytes[..], seen.size), (&b"sion"[..], 13));
    assert_eq!(store.read_tail("k", 99).expect("reads").expect("is there").bytes.len(), 13);
    assert!(store.put_if_unchanged("k", bytes("second"), &seen.etag).expect("answers"));
    assert!(!store.put_if_unchanged("k", bytes("zombie"), &seen.etag).expect("answers"));
    assert!(store.put_if_unchanged("k", bytes("second"), &seen.etag).expect("its own again"));
    assert_eq!(store.read("k").expect("reads"), "second");
    put(&store, "k", "");
    let seen = store.read_tail("k", 4).expect("reads").expect("is there");
    assert_eq!((seen.bytes.len(), seen.size), (0, 0));
    store.check_conditions().expect("local disk needs no asking");
    assert_eq!(files(&root), BTreeSet::from(["k".to_owned()]));
}

#[test]
fn one_holds_the_lock_and_takes_out_the_dead_ones_rubbish() {
    let (_folder, root, store) = store();
    let lock = store.lock(Duration::ZERO).expect("locks");
    let other = open(&root).expect("opens");
    let error = refused(other.lock(Duration::from_millis(120)));
    assert_eq!(error.kind, ErrorKind::Conflict);
    assert!(error.remedy.is_some() && error.to_string().contains("LOCK"), "{error}");
    put(&store, "k", "makes the temporary folder");
    fs::write(root.join("_chatkpi/tmp/1-1"), "left by a killed run").expect("writes");
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| other.lock(Duration::from_secs(20)));
        std::thread::sleep(Duration::from_millis(150));
        drop(lock);
        waiter.join().expect("ends").expect("gets it when the first lets go");
    });
    assert!(!root.join("_chatkpi/tmp/1-1").exists());
}

#[test]
fn a_stream_is_of_the_listed_version() {
    let (_folder, root, store) = store();
    put(&store, "log", "first line\n");
    let etag = store.list("log").expect("lists").remove(0).etag;
    let mut text = String::new();
    store.open_read("log", &etag).expect("opens").read_to_string(&mut text).expect("reads");
    assert_eq!(text, "first line\n");

    let mut reader = store.open_read("log", &etag).expect("opens");
    let append = |text: &str| {
        let mut file = fs::File::options().append(true).open(root.join("log")).expect("opens");
        file.write_all(text.as_bytes()).expect("appends");
    };
    append("second line\n");
    let error = read_error(reader.read_to_end(&mut Vec::new()).expect_err("changed"));
    assert_eq!(error.kind, ErrorKind::Input, "{error}");
    let error = refused(store.open_read("log", &etag));
    assert_eq!(error.kind, ErrorKind::Input, "{error}");
    assert!(error.to_string().contains("changed"), "{error}");
    assert_eq!(refused(store.open_read("gone", &etag)).kind, ErrorKind::Input);
}

#[cfg(unix)]
#[test]
fn a_file_that_may_not_be_read_is_a_matter_of_configuration() {
    let (_folder, root, store) = store();
    fs::create_dir_all(root.join("folder")).expect("creates");
    let error = refused(store.put("folder", Bytes::new()));
    assert_eq!(error.kind, ErrorKind::Config, "{error}");
    std::os::unix::fs::symlink(".", root.join("folder/circle")).expect("links");
    let error = refused(store.list(""));
    assert_eq!(error.kind, ErrorKind::Config, "{error}");
}

#[test]
fn a_stores_answer_decides_the_kind() {
    for (answer, kind) in [
        ("status code: 400 Bad Request: <Code>ExpiredToken</Code>", ErrorKind::Transient),
        (
            "status code: 400 Bad Request: <Code>AuthorizationHeaderMalformed</Code>",
            ErrorKind::Config,
        ),
        ("status code: 403 Forbidden: <Code>RequestTimeTooSkewed</Code>", ErrorKind::Config),
        ("status code: 429 Too Many Requests: ", ErrorKind::Transient),
        ("status code: 501 Not Implemented: ", ErrorKind::Config),
        ("status code: 503 Service Unavailable: ", ErrorKind::Transient),
        ("nothing that is known", ErrorKind::Transient),
    ] {
        let error = object_store::Error::Generic { store: "S3", source: answer.into() };
        let explained = super::failure::explain("s3://b/k", &error);
        assert_eq!(explained.kind, kind, "{answer}");
        assert!(explained.remedy.is_some() && explained.to_string().contains("s3://b/k"));
    }
}
