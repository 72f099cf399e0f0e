//! The adapters that come with the program, on recorded logs, where those lie beside the repository.

mod fits;
mod meanings;
mod wrong;

use serde_json::{Value, json};

use super::samples::{counted, files, samples, tally};
use super::*;
use crate::pipeline::compile_with_files;

/// A decoding by an adapter, as the repository has it now.
fn adapter(name: &str, options: &str) -> Bench {
    let text = format!(
        "version: 1\nname: x\ntimezone: UTC\nwarehouse: w\nprivacy: {{ user_key_env: K }}\n\
         sources: [{{ name: bot, kind: events, path: logs/*, adapter: ./{name}.yaml, \
         options: {{ {options} }} }}]\n"
    );
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/pipelines/adapters/x.yaml");
    let pipeline =
        compile_with_files(Path::new(folder), &text, &|path| std::fs::read_to_string(path));
    let mut pipeline = pipeline.unwrap_or_else(|error| panic!("{error}"));
    Bench { source: pipeline.sources.remove(0), ..Bench::events() }
}

/// What became of recorded logs: all files decoded one by one.
#[derive(Default)]
struct Decoded {
    sum: Accounting,
    /// "actor type" of each event, by conversation, in the order of its chain.
    chains: BTreeMap<String, Vec<(i64, i64, String)>>,
    columns: BTreeMap<&'static str, Vec<String>>,
}

const SHOWN: [&str; 5] = ["actor", "type", "intent", "is_fallback", "reason"];

impl Decoded {
    fn of(bench: &mut Bench, objects: impl IntoIterator<Item = (String, Vec<u8>)>) -> Decoded {
        let mut all = Decoded::default();
        for (name, bytes) in objects {
            bench.object_key = name;
            let out = bench.run(bytes);
            assert_eq!(out.decoded.quarantine, [], "{}", bench.object_key);
            all.sum += &out.decoded.accounting;
            for column in SHOWN {
                all.columns.entry(column).or_default().extend(out.column(column));
            }
            let (times, seqs) = (out.column("ts_us"), out.column("seq"));
            for (at, row) in rows_of_file(&out).into_iter().enumerate() {
                let place = (times[at].parse().unwrap(), seqs[at].parse().unwrap(), row.1);
                all.chains.entry(row.0).or_default().push(place);
            }
        }
        all.chains.values_mut().for_each(|chain| chain.sort());
        all
    }

    fn tally(&self, column: &str) -> BTreeMap<&str, u64> {
        tally(self.columns[column].iter().map(String::as_str).filter(|value| *value != "null"))
    }

    fn events(&self) -> BTreeMap<&str, u64> {
        tally(self.chains.values().flatten().map(|(_, _, told)| told.as_str()))
    }

    /// Each chain as what happened in it, in order.
    fn orders(&self) -> Vec<Vec<&str>> {
        let told = self.chains.values().map(|c| c.iter().map(|(_, _, t)| t.as_str()).collect());
        let mut told: Vec<Vec<&str>> = told.collect();
        told.sort();
        told
    }
}

fn rows_of_file(out: &Outcome) -> Vec<(String, String)> {
    let [conversations, actors, types] =
        ["conversation_key", "actor", "type"].map(|name| out.column(name));
    let told = actors.iter().zip(types).map(|(actor, kind)| format!("{actor} {kind}"));
    conversations.into_iter().zip(told).collect()
}

fn read(paths: Vec<std::path::PathBuf>) -> Vec<(String, Vec<u8>)> {
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    paths.iter().map(|path| (name(path), std::fs::read(path).unwrap())).collect()
}

#[test]
fn rasa_as_recorded() {
    let Some(folder) = samples("rasa") else { return };
    let objects = || read([files(&folder, ".jsonl"), files(&folder, ".json")].concat());
    let all = Decoded::of(&mut adapter("rasa", "include_tests: true"), objects());
    let marked = Decoded::of(&mut adapter("rasa", ""), objects());
    let ours = json!({
        "records": all.sum.read,
        "empty": all.sum.empty,
        "tests": marked.sum.test,
        "events": all.events(),
        "intents": all.tally("intent"),
        "orders": all.orders(),
    });
    assert_eq!(ours, counted("rasa", &folder));
    assert_eq!(marked.sum.emitted, all.sum.kept);
}

#[test]
fn botframework_as_recorded() {
    let Some(folder) = samples("botframework") else { return };
    let groups = std::fs::read_dir(&folder).unwrap().map(|group| group.unwrap().path());
    let paths: Vec<_> = groups.filter(|group| group.is_dir()).collect();
    let objects = || read(paths.iter().flat_map(|group| files(group, ".transcript")).collect());
    let all = Decoded::of(&mut adapter("botframework", "include_tests: true"), objects());
    let mut ours = json!({
        "records": all.sum.read,
        "empty": all.sum.empty,
        "events": all.events(),
        "intents": all.tally("intent"),
    });
    let theirs = counted("botframework", &folder);
    // A skill that returns is no person who takes over.
    assert_eq!((&theirs["skill_returns"], all.events().get("system handoff")), (&json!(2), None));
    ours["skill_returns"] = json!(2);
    assert_eq!(ours, theirs);
    // They were all recorded in emulators.
    let marked = Decoded::of(&mut adapter("botframework", ""), objects());
    assert_eq!((marked.sum.kept, marked.sum.test), (0, all.sum.kept));
}

#[test]
fn copilot_studio_as_recorded() {
    let Some(folder) = samples("copilot_studio") else { return };
    let [(name, bytes)]: [_; 1] = read(files(&folder, ".json")).try_into().unwrap();
    let mut open = adapter("copilot-studio", "include_tests: true");
    let all = Decoded::of(&mut open, [(name.clone(), bytes.clone())]);
    let ours = json!({
        "records": all.sum.read,
        "events": all.events(),
        "outcomes": all.tally("reason"),
        "fallbacks": all.tally("is_fallback").get("true").copied().unwrap_or(0),
    });
    assert_eq!(ours, counted("copilot_studio", &folder));
    assert_eq!(all.chains.len(), 6);
    // Without a single event there is no session.
    let marked = Decoded::of(&mut adapter("copilot-studio", ""), [(name, bytes.clone())]);
    assert_eq!((marked.sum.kept, marked.sum.test), (0, all.sum.kept));
    // The same rows in the other shapes in which they leave the platform.
    let rows: Vec<Value> = serde_json::from_slice(&bytes).unwrap();
    let lines: String = rows.iter().map(|row| format!("{row}\n")).collect();
    let page = json!({ "@odata.context": "x", "value": rows }).to_string();
    let shapes =
        [("a.jsonl", lines.into_bytes()), ("a.json", page.into_bytes()), ("a.csv", csv(&rows))];
    for (name, bytes) in shapes {
        open.source.records = if name == "a.csv" { None } else { Some(Records::Json) };
        let other = Decoded::of(&mut open, [(name.to_owned(), bytes)]);
        assert_eq!(other.chains, all.chains, "{name}");
        assert_eq!(other.columns, all.columns, "{name}");
    }
}

fn csv(rows: &[Value]) -> Vec<u8> {
    let names: Vec<&String> = rows[0].as_object().unwrap().keys().collect();
    let cell = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => format!("\"{}\"", text.replace('"', "\"\"")),
        other => other.to_string(),
    };
    let head: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
    let mut text = head.join(",") + "\n";
    for row in rows {
        let cells: Vec<String> = names.iter().map(|name| cell(&row[name.as_str()])).collect();
        text += &(cells.join(",") + "\n");
    }
    text.into_bytes()
}

/// A row with these activities.
fn row(activities: &str) -> String {
    let content = Value::from(format!(r#"{{"activities":[{activities}]}}"#));
    format!(
        r#"{{"conversationtranscriptid":"t1","name":"c1_b1","metadata":"{{\"BotName\":\"shop\"}}","content":{content}}}"#
    )
}

const SAID: &str = r#"{"valueType":"ConversationInfo","type":"trace","timestamp":1772355600,"from":{"id":"","role":0},"value":{"isDesignMode":false,"locale":"en-US"}},{"type":"message","timestamp":1772355605,"from":{"id":"h1","role":1},"channelId":"msteams","text":"refund?"},{"type":"message","timestamp":1772355606,"from":{"id":"b","role":0},"channelId":"msteams","text":"Yes."}"#;
