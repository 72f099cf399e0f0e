//! A tiny company: three days of logs, a pipeline over them, and the built program to run on both.
//!
//! Every company has a folder of its own, and the program sees no setting but what a test gives it.
//! A first run takes seconds, so the tests that only need a warehouse to be there share one
//! ([`Tiny::after_a_run`]). Leaves out: what the numbers are.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

/// Where the partitions of all tables that need no setting lie when `days`, which share a week, are
/// published.
pub fn published(days: &[&str]) -> BTreeSet<String> {
    let marts = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql/marts");
    let mut paths = BTreeSet::new();
    for folder in std::fs::read_dir(marts).expect("the models") {
        let folder = folder.expect("a model").path();
        let yaml = std::fs::read_to_string(folder.join("model.yaml")).expect("a contract");
        if yaml.contains("\nneeds: ") {
            continue;
        }
        let table = folder.file_name().expect("a name").to_string_lossy().into_owned();
        let dates = match yaml.lines().find_map(|line| line.strip_prefix("every: ")) {
            Some("once") => vec![format!("{table}/part-00000.parquet")],
            Some("week") => vec![format!("{table}/date=2026-11-16/part-00000.parquet")],
            Some("month") => vec![format!("{table}/date=2026-11-01/part-00000.parquet")],
            other => {
                assert!(other.is_none(), "{table} has partitions of an unknown kind");
                days.iter().map(|d| format!("{table}/date={d}/part-00000.parquet")).collect()
            }
        };
        paths.extend(dates);
    }
    paths
}

/// The local days of the logs.
pub const DAYS: [&str; 3] = ["2026-11-18", "2026-11-19", "2026-11-20"];
/// The pipeline's file, in the company's folder.
pub const PIPELINE: &str = "pipeline.yaml";
/// The variable that the pipeline names, and the key in it.
pub const KEY_VARIABLE: &str = "TINY_KEY";
pub const KEY: &str = "tiny-key-of-a-company-of-four-people-0001";

/// Longer than any run here may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(240);

const YAML: &str = "\
version: 1
name: tiny
timezone: Europe/Stockholm
warehouse: ./warehouse
dimensions: [bot, channel]
privacy: { user_key_env: TINY_KEY }
sources:
  - { name: bot, kind: events, adapter: canonical, path: \"logs/events-{date}.jsonl*\" }
";

/// The company's folder; gone with its value.
pub struct Tiny {
    folder: tempfile::TempDir,
    settings: BTreeMap<String, String>,
}

/// What the program said and how it ended.
pub struct Told {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Tiny {
    /// Logs and pipeline; nothing was run yet.
    pub fn new() -> Tiny {
        let tiny = Tiny::bare();
        tiny.write(PIPELINE, YAML);
        for day in DAYS {
            tiny.write(&log(day), lines(&day_of_events(day)));
        }
        tiny
    }

    /// The company after a run of everything.
    pub fn after_a_run() -> Tiny {
        static BUILT: OnceLock<(PathBuf, Child)> = OnceLock::new();
        let (built, _) = BUILT.get_or_init(|| {
            let tiny = Tiny::new();
            tiny.run(&["run", PIPELINE]).expect(0);
            let folder = tiny.folder.keep();
            let cleaner = remove_at_exit(&folder);
            (folder, cleaner)
        });
        let tiny = Tiny::bare();
        for (name, path) in files_below(built) {
            let to = tiny.path(&name);
            fs::create_dir_all(to.parent().expect("inside the folder")).expect("creates");
            // A log's identity holds its inode: a copy would be another object, a link is not.
            match name.starts_with("logs/") {
                true => fs::hard_link(path, to).expect("links"),
                false => fs::copy(path, to).map(drop).expect("copies"),
            }
        }
        tiny
    }

    /// A folder with nothing in it.
    pub fn bare() -> Tiny {
        let mut builder = tempfile::Builder::new();
        let folder = builder.prefix("tiny-").tempdir_in(env!("CARGO_TARGET_TMPDIR"));
        let folder = folder.expect("a folder");
        fs::create_dir(folder.path().join("tmp")).expect("creates");
        let temporary = folder.path().join("tmp").display().to_string();
        let settings = [(KEY_VARIABLE, KEY.to_owned()), ("TMPDIR", temporary)];
        Tiny { folder, settings: settings.map(|(name, value)| (name.to_owned(), value)).into() }
    }

    /// An environment variable of every run from here on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.settings.insert(name.to_owned(), value.to_owned());
    }

    pub fn unset(&mut self, name: &str) {
        self.settings.remove(name);
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file anew, so that one shared with another company stays as it was.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("inside the folder")).expect("creates");
        let _ = fs::remove_file(&path);
        fs::write(path, bytes).expect("writes");
    }

    pub fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).expect("removes");
    }

    /// Replaces text of the pipeline, which must be there.
    pub fn change_pipeline(&self, from: &str, to: &str) {
        let yaml = fs::read_to_string(self.path(PIPELINE)).expect("reads");
        assert!(yaml.contains(from), "the pipeline has no {from:?}");
        self.write(PIPELINE, yaml.replace(from, to));
    }

    /// The program in the company's folder, to be started as a test likes.
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.set_up(Command::new(program()), arguments)
    }

    /// A shell that ends in `exec "$0" "$@"` of the program.
    pub fn shell(&self, script: &str, arguments: &[&str]) -> Told {
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(script).arg(program());
        tell(self.set_up(shell, arguments))
    }

    pub fn run(&self, arguments: &[&str]) -> Told {
        tell(self.command(arguments))
    }

    fn set_up(&self, mut command: Command, arguments: &[&str]) -> Command {
        command.args(arguments).current_dir(self.folder.path()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).envs(&self.settings);
        command
    }

    /// The published files by name, with their bytes.
    pub fn tables(&self) -> BTreeMap<String, Vec<u8>> {
        let all = self.warehouse().into_iter();
        let tables = all.filter(|(name, _)| !name.starts_with("_chatkpi/"));
        tables.map(|(name, (_, bytes))| (name, bytes)).collect()
    }

    /// The published files of the tables that are made of logs. Those about the warehouse itself tell
    /// of its own past, so no two warehouses have the same.
    pub fn numbers(&self) -> BTreeMap<String, Vec<u8>> {
        let tables = self.tables().into_iter();
        tables.filter(|(name, _)| !name.starts_with("audit_")).collect()
    }

    /// Every file of the warehouse with its time and bytes, but those that each run touches.
    pub fn warehouse(&self) -> BTreeMap<String, (SystemTime, Vec<u8>)> {
        let touched = |name: &str| name.starts_with("_chatkpi/runs/") || name == "_chatkpi/LOCK";
        let files = files_below(&self.path("warehouse")).into_iter();
        let read = |path: &Path| {
            let time = path.metadata().and_then(|m| m.modified()).expect("has a time");
            (time, fs::read(path).expect("reads"))
        };
        files.filter(|(name, _)| !touched(name)).map(|(name, path)| (name, read(&path))).collect()
    }

    /// The commit records, oldest first.
    pub fn commits(&self) -> Vec<Value> {
        let log = files_below(&self.path("warehouse/_chatkpi/log"));
        let read = |path: PathBuf| fs::read(path).expect("reads");
        let commits = log.into_values().map(read);
        commits.map(|bytes| serde_json::from_slice(&bytes).expect("JSON")).collect()
    }

    /// The content hash of every (table, date) that is made of logs, as the newest commits have it.
    pub fn contents(&self) -> BTreeMap<(String, String), String> {
        partitions(&self.commits())
            .into_iter()
            .filter(|p| !text(p, "table").starts_with("audit_"))
            .map(|p| ((text(&p, "table"), text(&p, "date")), text(&p, "content")))
            .collect()
    }
}

impl Told {
    /// Ends the test where the exit code is another.
    #[track_caller]
    pub fn expect(self, code: i32) -> Told {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    /// Ends the test where stderr lacks one of `parts`.
    #[track_caller]
    pub fn says(self, parts: &[&str]) -> Told {
        for part in parts {
            assert!(self.err.contains(part), "no {part:?} in:\n{}", self.err);
        }
        self
    }

    /// The last line of stdout.
    #[track_caller]
    pub fn summary(&self) -> Value {
        let last = self.out.lines().last().expect("a line on stdout");
        serde_json::from_str(last).expect("the last line is JSON")
    }
}

/// The name of a day's log.
pub fn log(day: &str) -> String {
    format!("logs/events-{day}.jsonl")
}

/// One record of the canonical format.
pub fn event(ts: &str, conversation: &str, user: &str, actor: &str, kind: &str) -> Value {
    json!({
        "ts": ts, "bot": "ada", "channel": "web", "service": "billing",
        "conversation_id": conversation, "user_id": user, "actor": actor, "type": kind,
    })
}

/// One line for each record.
pub fn lines(records: &[Value]) -> String {
    records.iter().map(|record| format!("{record}\n")).collect()
}

/// All partitions of the commits, in order.
pub fn partitions(commits: &[Value]) -> Vec<Value> {
    let lists = commits.iter().filter_map(|commit| commit["partitions"].as_array());
    lists.flatten().cloned().collect()
}

/// A string of a JSON object.
#[track_caller]
pub fn text(object: &Value, key: &str) -> String {
    object[key].as_str().unwrap_or_else(|| panic!("no text {key} in {object}")).to_owned()
}

/// Every file below `folder` by its path there; none where the folder is not there.
pub fn files_below(folder: &Path) -> BTreeMap<String, PathBuf> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("below the folder");
                files.insert(name.display().to_string(), path);
            }
        }
    }
    files
}

fn program() -> &'static str {
    env!("CARGO_BIN_EXE_chatkpi")
}

fn tell(command: Command) -> Told {
    let output = assert_cmd::Command::from(command).timeout(PATIENCE).output().expect("starts");
    Told {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A shell that waits for this process to end, however it does, and then removes the folder.
fn remove_at_exit(folder: &Path) -> Child {
    let mut shell = Command::new("sh");
    shell.args(["-c", "cat; rm -rf \"$0\""]).arg(folder);
    shell.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("a shell")
}

/// Four conversations: answered, handed over, rated and not understood.
fn day_of_events(day: &str) -> Vec<Value> {
    let mut events = Vec::new();
    for (hour, user) in ["anna", "bo", "cia", "dan"].into_iter().enumerate() {
        let conversation = format!("{day}-{hour}");
        let at = |second: usize| format!("{day}T{:02}:00:{second:02}Z", 9 + hour);
        let mut add = |second: usize, actor: &str, kind: &str, more: Value| {
            let mut record = event(&at(second), &conversation, user, actor, kind);
            record["event_id"] = json!(format!("{conversation}-{second}"));
            let more = more.as_object().cloned().unwrap_or_default();
            record.as_object_mut().expect("an object").extend(more);
            events.push(record);
        };
        add(0, "user", "message", json!({ "text": "where is my parcel" }));
        add(2, "bot", "message", json!({ "latency_ms": 900 + hour, "is_fallback": hour == 3 }));
        match hour {
            1 => {
                add(10, "system", "handoff", json!({}));
                add(30, "agent", "message", json!({}));
            }
            2 => add(20, "user", "feedback", json!({ "instrument": "csat_5", "score": 5 })),
            _ => add(8, "user", "message", json!({ "channel": "web" })),
        }
    }
    events
}
