//! A warehouse in a bucket that two runs want, that a run dies over, or that is read all the time.

use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use chatkpi::pipeline::Location;
use chatkpi::storage::{StorageOptions, Store};

use super::tiny::{DAYS, PIPELINE, Tiny, event, lines, log};
use crate::support::moto::{self, Moto, python};
use crate::support::proxy::{Fault, Proxy};

const RUN: [&str; 2] = ["run", PIPELINE];
const LOG_2: &str = "/_chatkpi/log/00000000000000000002.json";

/// A company whose logs and warehouse lie in a bucket of their own.
fn in_bucket(moto: &Moto, bucket: &str) -> (Tiny, Store) {
    moto.create_bucket(bucket);
    let mut tiny = Tiny::new();
    let settings = moto::settings_for(moto.address());
    settings.iter().for_each(|(name, value)| tiny.set(name, value));
    let location = Location::S3 { bucket: bucket.to_owned(), prefix: "shop".to_owned() };
    let store = Store::open(&location, &StorageOptions::from_pairs(settings)).expect("opens");
    tiny.change_pipeline("./warehouse", &format!("s3://{bucket}/shop/warehouse"));
    tiny.change_pipeline("logs/", &format!("s3://{bucket}/shop/logs/"));
    for day in DAYS {
        let bytes = std::fs::read(tiny.path(&log(day))).expect("reads");
        store.put(&log(day), Bytes::from(bytes)).expect("puts");
    }
    (tiny, store)
}

fn start(tiny: &mut Tiny, address: &str) -> Child {
    let direct = moto::settings_for(address);
    direct.iter().for_each(|(name, value)| tiny.set(name, value));
    let mut command = tiny.command(&RUN);
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("starts")
}

fn published(store: &Store) -> usize {
    let listed = store.list("warehouse/").expect("lists").into_iter();
    listed.filter(|object| object.key.ends_with(".parquet")).count()
}

#[test]
fn of_two_runs_in_a_bucket_the_later_commit_is_refused() {
    let moto = Moto::start();
    let (mut tiny, store) = in_bucket(&moto, "two-runs");
    // The first run waits before its second commit until another one has made it.
    let (reached, go_on) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (seen, gate) = (Arc::clone(&reached), Arc::clone(&go_on));
    let proxy = Proxy::start(moto.address(), move |_, method, path| {
        if method == "PUT" && path.ends_with(LOG_2) {
            seen.store(true, Ordering::SeqCst);
            wait_until(|| gate.load(Ordering::SeqCst));
        }
        Fault::Pass
    });
    let slow = start(&mut tiny, proxy.address());
    wait_until(|| reached.load(Ordering::SeqCst));
    let fast = start(&mut tiny, moto.address()).wait_with_output().expect("ends");
    assert_eq!(fast.status.code(), Some(0), "{}", String::from_utf8_lossy(&fast.stderr));
    let before = store.list("warehouse/kpi_daily/").expect("lists");
    go_on.store(true, Ordering::SeqCst);
    let slow = slow.wait_with_output().expect("ends");
    let told = String::from_utf8_lossy(&slow.stderr).into_owned();
    assert_eq!(slow.status.code(), Some(5), "{told}");
    assert!(told.contains("another run committed first") && told.contains("run again"), "{told}");
    assert_eq!(store.list("warehouse/kpi_daily/").expect("lists"), before);
    tiny.run(&["verify", PIPELINE]).expect(0);
    tiny.run(&RUN).expect(0).says(&["nothing to do"]);
}

#[test]
fn a_run_that_dies_at_a_step_of_its_commit_is_finished_by_the_next() {
    let moto = Moto::start();
    // The nth write of a public file, or the write of a control file.
    let points: [(&str, usize); 6] = [
        ("/_chatkpi/log/00000000000000000001.json", 1),
        (LOG_2, 1),
        ("/part-00000.parquet", 1),
        ("/part-00000.parquet", 11),
        ("/_chatkpi/done/00000000000000000002.json", 1),
        ("/_chatkpi/log/00000000000000000003.json", 1),
    ];
    let files = Tiny::after_a_run().tables().len();
    for (number, (part, nth)) in points.into_iter().enumerate() {
        for is_carried_out in [false, true] {
            let (mut tiny, store) = in_bucket(&moto, &format!("dies-{number}-{is_carried_out}"));
            let (count, reached) =
                (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
            let seen = Arc::clone(&reached);
            let proxy = Proxy::start(moto.address(), move |_, method, path| {
                let is_it = method == "PUT" && path.ends_with(part);
                if !is_it || count.fetch_add(1, Ordering::SeqCst) + 1 < nth {
                    return Fault::Pass;
                }
                seen.store(true, Ordering::SeqCst);
                if !is_carried_out {
                    // Longer than it takes to kill the run.
                    std::thread::sleep(Duration::from_secs(3));
                    return Fault::Answer(500, "");
                }
                Fault::LoseAnswer
            });
            let mut running = start(&mut tiny, proxy.address());
            wait_until(|| reached.load(Ordering::SeqCst));
            if is_carried_out {
                // The server is asked after the script; its answer takes a moment.
                std::thread::sleep(Duration::from_millis(60));
            }
            let _ = running.kill();
            let _ = running.wait();
            for (name, value) in moto::settings_for(moto.address()) {
                tiny.set(&name, &value);
            }
            let case = format!("{part} number {nth}, carried out: {is_carried_out}");
            tiny.run(&RUN).expect(0);
            let told = tiny.run(&["verify", PIPELINE]).expect(0).out;
            assert!(told.contains("all is as it was committed"), "{case}: {told}");
            assert_eq!(published(&store), files, "{case}");
            tiny.run(&RUN).expect(0).says(&["nothing to do"]);
        }
    }
}

/// Reads until its input ends: DuckDB, PyArrow and polars in turn. Each look must find every day
/// once, whole, and the day's count never smaller than before.
const READ: &str = "
import sys, threading, glob
import duckdb, polars, pyarrow.dataset
root = sys.argv[1]
ended = threading.Event()
threading.Thread(target=lambda: (sys.stdin.buffer.read(), ended.set()), daemon=True).start()
def by_duckdb():
    return duckdb.sql(f\"SELECT date::VARCHAR, active_users FROM read_parquet('{root}/date=*/*.parquet', hive_partitioning = true) WHERE bot = '*' AND channel = '*'\").fetchall()
def by_polars():
    frame = polars.scan_parquet(root + '/').filter((polars.col('bot') == '*') & (polars.col('channel') == '*')).select('date', 'active_users').collect()
    return [(str(date), dau) for date, dau in frame.rows()]
def by_arrow():
    table = pyarrow.dataset.dataset(root, partitioning='hive').to_table()
    rows = zip(*(table.column(name).to_pylist() for name in ('date', 'active_users', 'bot', 'channel')))
    return [(str(date), dau) for date, dau, bot, channel in rows if (bot, channel) == ('*', '*')]
newest = dict()
looks = 0
is_last = False
while not is_last:
    is_last = ended.is_set()
    for read in (by_duckdb, by_polars, by_arrow):
        rows = sorted(read())
        days = [date for date, _ in rows]
        assert days == ['2026-11-18', '2026-11-19', '2026-11-20'], (read.__name__, rows)
        for date, dau in rows:
            assert dau >= newest.get(date, 0), (read.__name__, date, dau, newest)
            newest[date] = dau
        looks += 1
print(looks, newest['2026-11-19'])
";

/// Publishes `commits` times while the readers read.
fn read_during(commits: usize) {
    let tiny = Tiny::after_a_run();
    let root = tiny.path("warehouse/fct_users_daily");
    let mut command = std::process::Command::new(python());
    command.args(["-c", READ]).arg(&root);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let reader = command.spawn().expect("Python starts");
    for n in 0..commits {
        let before = std::fs::read_to_string(tiny.path(&log(DAYS[1]))).expect("reads");
        let user = format!("user-{n}");
        let ts = format!("{}T{:02}:{:02}:00Z", DAYS[1], 14 + n / 60, n % 60);
        let late = event(&ts, &user, &user, "user", "message");
        tiny.write(&log(DAYS[1]), before + &lines(&[late]));
        tiny.run(&["run", PIPELINE, "--models", "fct_users_daily"]).expect(0);
    }
    let output = reader.wait_with_output().expect("ends");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let numbers: Vec<usize> = told.split_whitespace().filter_map(|w| w.parse().ok()).collect();
    assert_eq!(numbers.get(1), Some(&(4 + commits)), "the readers saw the last commit: {told}");
    assert!(numbers[0] >= 3, "the readers hardly read: {told}");
}

#[test]
fn readers_see_whole_days_during_many_commits() {
    read_during(30);
}

#[test]
#[ignore = "many minutes: `just soak` runs it, CI a slice of it"]
fn soak_readers_see_whole_days_during_hundreds_of_commits() {
    read_during(300);
}

#[track_caller]
fn wait_until(is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(240), "it never came to that");
        std::thread::sleep(Duration::from_millis(2));
    }
}
