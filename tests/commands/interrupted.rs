//! Runs that do not come to their end: signals, kills, full disks, and two at the same time.
//!
//! Whatever stops a run, the tables are those of its last commit, and the next run ends where an
//! undisturbed one does.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::tiny::{PIPELINE, Tiny};

const RUN: [&str; 2] = ["run", PIPELINE];

#[test]
fn a_signal_ends_a_run_between_two_steps() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let tiny = Tiny::new();
        let mut running = start(&tiny);
        wait_for(&tiny.path("warehouse/_chatkpi/log/00000000000000000001.json"), &mut running);
        send(signal, &running);
        let output = running.wait_with_output().expect("ends");
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{told}");
        assert!(told.contains("stopped by a signal") && told.contains("run again"), "{told}");
        let summary: serde_json::Value =
            serde_json::from_slice(&output.stdout).expect("one JSON line");
        assert_eq!((&summary["state"], &summary["exit_code"]), (&"failed".into(), &code.into()));
        assert_eq!((tiny.commits().len(), tiny.tables().len()), (1, 0), "only what was committed");
        assert!(super::tiny::files_below(&tiny.path("tmp")).is_empty(), "temporary files are left");
        ends_like_an_undisturbed_run(&tiny);
    }
}

#[test]
fn a_killed_run_is_as_if_it_had_not_been() {
    let tiny = Tiny::new();
    let whole = Tiny::after_a_run().numbers();
    // Anywhere in a run of a few seconds; the numbers are arbitrary.
    for delay_ms in [40, 130, 310, 620, 950, 1_400, 1_900, 2_500] {
        let mut running = start(&tiny);
        std::thread::sleep(Duration::from_millis(delay_ms));
        let _ = running.kill();
        let _ = running.wait();
        for (name, bytes) in tiny.numbers() {
            assert!(whole.get(&name) == Some(&bytes), "{name} is not what it must be");
        }
        tiny.run(&["status", PIPELINE]).expect(0);
    }
    ends_like_an_undisturbed_run(&tiny);
}

#[test]
fn a_run_that_is_killed_while_it_publishes_is_finished_by_the_next() {
    let tiny = Tiny::new();
    let mut running = start(&tiny);
    wait_for(&tiny.path("warehouse/_chatkpi/log/00000000000000000002.json"), &mut running);
    let _ = running.kill();
    let _ = running.wait();
    // What was not shown yet is done before anything else, also where nothing else is asked for.
    tiny.run(&["run", PIPELINE, "--date", "2026-11-18"]).expect(0);
    assert!(tiny.numbers() == Tiny::after_a_run().numbers());
    assert_eq!(tiny.commits().len(), 3, "nothing was built again, and the audit tables at last");
}

#[test]
fn of_two_runs_at_once_the_second_gives_way() {
    let tiny = Tiny::new();
    let mut running = start(&tiny);
    wait_for(&tiny.path("warehouse/_chatkpi/log/00000000000000000001.json"), &mut running);
    let told = tiny.run(&RUN).expect(5).says(&[
        "another run is writing here",
        "_chatkpi/LOCK",
        "run again",
    ]);
    assert_eq!(told.summary()["exit_code"], 5);
    // Looking is always possible, and so is waiting.
    tiny.run(&["status", PIPELINE]).expect(0);
    tiny.run(&["plan", PIPELINE]).expect(0);
    let waited = tiny.run(&["run", PIPELINE, "--lock-wait", "120"]).expect(0).summary();
    assert_eq!(waited["partitions"]["built"], 0, "the first run did it all");
    assert_eq!(running.wait().expect("ends").code(), Some(0));
    assert!(tiny.numbers() == Tiny::after_a_run().numbers());
}

#[test]
fn a_signal_ends_the_waiting_for_another_run() {
    let tiny = Tiny::after_a_run();
    let lock =
        File::options().write(true).open(tiny.path("warehouse/_chatkpi/LOCK")).expect("opens");
    lock.lock().expect("nobody else holds it");
    let mut command = tiny.command(&["run", PIPELINE, "--lock-wait", "100"]);
    let mut running = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("starts");
    // The first line comes after the program has begun to listen to signals.
    let mut told = BufReader::new(running.stderr.take().expect("piped"));
    told.read_line(&mut String::new()).expect("says something");
    let begun = Instant::now();
    send("TERM", &running);
    assert_eq!(running.wait().expect("ends").code(), Some(143));
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[test]
fn a_full_disk_publishes_nothing_and_may_be_tried_again() {
    // Files may not grow beyond this many half kilobytes: the objects of decoding do not fit, and
    // then the larger ones of building.
    let limited = |tiny: &Tiny, blocks: u32| {
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        tiny.shell(&script, &RUN).expect(6).says(&["too large", "try: "])
    };
    let tiny = Tiny::new();
    limited(&tiny, 4);
    assert_eq!((tiny.commits().len(), tiny.tables().len()), (0, 0));
    tiny.run(&["run", PIPELINE, "--models", "fct_users_daily"]).expect(0);
    let before = tiny.warehouse();
    limited(&tiny, 4);
    let added = |name: &String| !before.contains_key(name) && !name.starts_with("_chatkpi/");
    assert!(!tiny.warehouse().keys().any(added), "a table grew");
    ends_like_an_undisturbed_run(&tiny);
}

#[test]
#[expect(clippy::print_stderr, reason = "a variant that is left out is said so")]
fn a_full_file_system_publishes_nothing_and_may_be_tried_again() {
    let tiny = Tiny::new();
    std::fs::create_dir(tiny.path("warehouse")).expect("creates");
    let Some(mounted) = Mounted::small(&tiny.path("warehouse")) else {
        eprintln!(
            "left out: this process may not mount a file system; the limit on file sizes stands in"
        );
        return;
    };
    let told = tiny.run(&RUN).expect(6).says(&["No space left on device", "make room"]);
    assert_eq!(told.summary()["exit_code"], 6);
    assert_eq!(tiny.tables().len(), 0);
    mounted.grow();
    ends_like_an_undisturbed_run(&tiny);
}

#[test]
#[expect(clippy::print_stderr, reason = "a variant that is left out is said so")]
fn a_full_temporary_folder_is_named() {
    let tiny = Tiny::new();
    std::fs::create_dir(tiny.path("spool")).expect("creates");
    let Some(_mounted) = Mounted::small(&tiny.path("spool")) else {
        eprintln!("left out: this process may not mount a file system");
        return;
    };
    std::fs::write(tiny.path("spool/ballast"), vec![0; 56 << 10]).expect("fits");
    let told = tiny.run(&["run", PIPELINE, "--tmp-dir", "spool"]).expect(6);
    assert!(told.err.contains("--tmp-dir") || told.err.contains("spool/"), "{}", told.err);
    assert_eq!(tiny.tables().len(), 0);
}

/// A memory file system of 64 KiB; unmounted with its value.
struct Mounted(std::path::PathBuf);

impl Mounted {
    fn small(at: &Path) -> Option<Mounted> {
        mount(&["-t", "tmpfs", "-o", "size=64k", "tmpfs"], at).then(|| Mounted(at.to_owned()))
    }

    fn grow(&self) {
        assert!(mount(&["-o", "remount,size=64m"], &self.0), "cannot grow the file system");
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

fn mount(arguments: &[&str], at: &Path) -> bool {
    let mut command = Command::new("mount");
    command.args(arguments).arg(at).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// The next run completes, and every partition has the content it has in a warehouse whose one run
/// nobody disturbed.
#[track_caller]
fn ends_like_an_undisturbed_run(tiny: &Tiny) {
    tiny.run(&RUN).expect(0);
    let undisturbed = Tiny::after_a_run();
    assert_eq!(tiny.contents(), undisturbed.contents());
    assert!(tiny.tables().keys().eq(undisturbed.tables().keys()), "the tables differ");
    // The files also say which commit they are of, and there may have been more of these.
    tiny.run(&["verify", PIPELINE]).expect(0);
    tiny.run(&RUN).expect(0).says(&["nothing to do"]);
}

fn start(tiny: &Tiny) -> Child {
    tiny.command(&RUN).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts")
}

fn wait_for(file: &Path, running: &mut Child) {
    let begun = Instant::now();
    while !file.exists() {
        assert!(running.try_wait().is_ok_and(|ended| ended.is_none()), "ended too early");
        assert!(begun.elapsed() < Duration::from_secs(120), "no {}", file.display());
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn send(signal: &str, to: &Child) {
    let script = format!("kill -{signal} {}", to.id());
    assert!(Command::new("sh").args(["-c", &script]).status().is_ok_and(|s| s.success()));
}
