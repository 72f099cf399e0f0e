//! Holds the demo to its truth: every count is taken again from the files, by another parser.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate};
use flate2::read::MultiGzDecoder;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{CostDay, Demo, Summary, cost_days, generate};

fn small() -> Demo {
    Demo { days: 40, users: 400, seed: 42, ..Demo::default() }
}

fn made(demo: &Demo) -> (tempfile::TempDir, Summary) {
    let folder = tempfile::tempdir().unwrap();
    let summary = generate(demo, folder.path()).unwrap();
    (folder, summary)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

fn hash(folder: &Path) -> String {
    let mut hash = Sha256::new();
    for path in files(folder) {
        hash.update(path.strip_prefix(folder).unwrap().to_str().unwrap());
        hash.update(fs::read(&path).unwrap());
    }
    data_encoding::HEXLOWER.encode(&hash.finalize())
}

fn truth(folder: &Path) -> Value {
    serde_json::from_slice(&fs::read(folder.join("truth.json")).unwrap()).unwrap()
}

/// Lines of every log, with the date of their file.
fn log_lines(folder: &Path) -> Vec<(NaiveDate, String)> {
    let mut lines = Vec::new();
    for path in files(&folder.join("logs")) {
        let name = path.file_name().unwrap().to_str().unwrap();
        let date = name["events-".len()..].trim_end_matches(".jsonl.gz").parse().unwrap();
        let reader = BufReader::new(MultiGzDecoder::new(File::open(&path).unwrap()));
        lines.extend(reader.lines().map(|line| (date, line.unwrap())));
    }
    lines
}

fn contacts(folder: &Path) -> Vec<HashMap<String, String>> {
    let mut rows = Vec::new();
    for path in files(&folder.join("contacts")) {
        rows.extend(csv::Reader::from_path(path).unwrap().deserialize().map(Result::unwrap));
    }
    rows
}

/// What a strict reader finds wrong with a line; None: an event.
fn fault(line: &str) -> Option<&'static str> {
    const TYPES: [&str; 10] = [
        "message",
        "session_start",
        "session_end",
        "handoff",
        "goal",
        "feedback",
        "survey",
        "lead",
        "error",
        "other",
    ];
    let Ok(value) = serde_json::from_str::<Value>(line) else { return Some("truncated") };
    let Some(record) = value.as_object() else { return Some("not_an_object") };
    match &record["ts"] {
        Value::String(ts) if DateTime::parse_from_rfc3339(ts).is_ok() => {}
        Value::String(ts) if DateTime::parse_from_rfc3339(&format!("{ts}Z")).is_ok() => {
            return Some("naive_ts");
        }
        Value::String(_) => return Some("unreadable_ts"),
        _ => return Some("numeric_ts"),
    }
    match record.get("actor") {
        None => return Some("missing_actor"),
        Some(Value::String(_)) => {}
        Some(_) => return Some("actor_not_text"),
    }
    let known = record["type"].as_str().is_some_and(|t| TYPES.contains(&t));
    (!known).then_some("unknown_type")
}

/// The counts of `truth.json`, taken from the files.
#[derive(Default)]
struct Found {
    counts: BTreeMap<String, u64>,
    first: HashMap<String, (NaiveDate, String)>,
}

impl Found {
    fn add(&mut self, name: impl Into<String>, n: bool) {
        *self.counts.entry(name.into()).or_default() += u64::from(n);
    }

    fn line(&mut self, file: NaiveDate, line: &str) {
        self.add("/lines", true);
        if let Some(fault) = fault(line) {
            return self.add(format!("/broken/{fault}"), true);
        }
        let record: Value = serde_json::from_str(line).unwrap();
        let id = record["event_id"].as_str().unwrap().to_string();
        if let Some((first, text)) = self.first.get(&id) {
            let kind = match (first == &file, text == line) {
                (true, true) => "same_file",
                (false, true) => "next_file",
                (_, false) => "conflict",
            };
            return self.add(format!("/duplicates/{kind}"), true);
        }
        self.first.insert(id, (file, line.to_string()));
        self.add("/distinct", true);
        let ts = DateTime::parse_from_rfc3339(record["ts"].as_str().unwrap()).unwrap();
        let days_late = (file - ts.to_utc().date_naive()).num_days();
        assert!((0..=1).contains(&days_late), "{file} {line}");
        self.add("/late", days_late == 1);
        self.add("/test", record["is_test"] == true);
        self.add("/proactive", record["is_proactive"] == true);
        self.add("/without_user_id", record["user_id"].is_null());
        self.add("/anonymous", record["identity_kind"] == "anonymous");
        for key in ["bot", "channel", "actor", "type"] {
            self.add(format!("/by_{key}/{}", record[key].as_str().unwrap()), true);
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_one_others() {
    let demo = Demo { days: 20, users: 150, ..small() };
    let first = made(&demo);
    let again = made(&demo);
    assert_eq!(hash(first.0.path()), hash(again.0.path()));
    assert_eq!(first.1, again.1);
    let other = made(&Demo { seed: 43, ..demo });
    assert_ne!(hash(first.0.path()), hash(other.0.path()));
}

#[test]
fn every_count_of_the_truth_is_in_the_files() {
    let (folder, summary) = made(&small());
    let truth = truth(folder.path());
    let mut found = Found::default();
    for (file, line) in log_lines(folder.path()) {
        found.line(file, &line);
    }
    let mut stated = BTreeMap::new();
    let mut open = vec![(String::new(), &truth["events"])];
    while let Some((path, value)) = open.pop() {
        match value {
            Value::Object(map) => {
                open.extend(map.iter().map(|(key, value)| (format!("{path}/{key}"), value)));
            }
            // How many chats there were is not in the files: sessions are for others to find.
            _ if path.starts_with("/chats") => {}
            count => {
                stated.insert(path, count.as_u64().unwrap());
            }
        }
    }
    stated.retain(|_, count| *count > 0);
    found.counts.retain(|_, count| *count > 0);
    assert_eq!(found.counts, stated);
    assert_eq!(summary.lines, stated["/lines"]);
    assert_eq!(summary.events, stated["/distinct"]);
    let all = |prefix: &str| -> u64 {
        stated.iter().filter(|(k, _)| k.starts_with(prefix)).map(|(_, v)| v).sum()
    };
    assert_eq!(summary.duplicates, all("/duplicates/"));
    assert_eq!(summary.broken, all("/broken/"));
    assert_eq!(summary.late, stated["/late"]);
    assert!(all("/by_type/") == summary.events && all("/by_type/") > 3_000);
}

#[test]
fn contacts_and_probes_are_those_of_the_truth() {
    let (folder, summary) = made(&small());
    let truth = truth(folder.path());
    let rows = contacts(folder.path());
    assert_eq!(rows.len() as u64, summary.contacts);
    let ids: HashSet<&String> = rows.iter().map(|row| &row["contact_id"]).collect();
    assert_eq!(ids.len(), rows.len());
    for (service, phases) in truth["contacts"]["by_service"].as_object().unwrap() {
        let stated: u64 = phases.as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
        let found = rows.iter().filter(|row| &row["service"] == service).count();
        assert_eq!(found as u64, stated, "{service}");
    }
    let (mut probes, mut failed) = (0, 0);
    for path in files(&folder.path().join("probes")) {
        for line in fs::read_to_string(path).unwrap().lines() {
            let record: Value = serde_json::from_str(line).unwrap();
            probes += 1;
            failed += u64::from(record["ok"] == false);
        }
    }
    assert_eq!((probes, failed), (summary.probes, truth["probes"]["failed"].as_u64().unwrap()));
    assert!(failed > 0 && probes > 40 * 500);
}

#[test]
fn the_ledger_pays_for_what_happened() {
    let (folder, _) = made(&small());
    let mut paid: BTreeMap<String, f64> = BTreeMap::new();
    let mut reader = csv::Reader::from_path(folder.path().join("costs.csv")).unwrap();
    for row in reader.deserialize::<HashMap<String, String>>() {
        let row = row.unwrap();
        let (from, to): (NaiveDate, NaiveDate) =
            (row["period_start"].parse().unwrap(), row["period_end"].parse().unwrap());
        assert!(from <= to && row["currency"] == "EUR");
        let name = format!("{}:{}", row["cost_class"], row["service"]);
        *paid.entry(name).or_default() += row["amount"].parse::<f64>().unwrap();
    }
    let mut seen = HashSet::new();
    let mut tokens = 0.0;
    for (_, line) in log_lines(folder.path()).iter().filter(|(_, line)| fault(line).is_none()) {
        let record: Value = serde_json::from_str(line).unwrap();
        if seen.insert(record["event_id"].as_str().unwrap().to_string()) {
            tokens += record["cost_amount"].as_f64().unwrap_or(0.0);
        }
    }
    assert!((tokens - paid["llm_usage:"]).abs() < 1e-4, "{tokens}");
    let desk: f64 = contacts(folder.path())
        .iter()
        .filter(|row| row["service"] == "billing")
        .map(|row| match row["cost_amount"].parse::<f64>() {
            Ok(price) => price,
            Err(_) => row["handle_seconds"].parse::<f64>().unwrap_or(0.0) * 28.5 / 3600.0,
        })
        .sum();
    // The rest is whole chats that the desk took over, four minutes each.
    let taken = (paid["human_direct:billing"] - desk) / (240.0 * 28.5 / 3600.0);
    assert!(taken > 0.5 && (taken - taken.round()).abs() < 0.01, "{desk} and {taken} chats");
    let classes: BTreeSet<&str> = paid.keys().map(|k| k.split(':').next().unwrap()).collect();
    assert_eq!(classes.len(), 8, "{classes:?}");
}

#[test]
fn the_effect_is_in_the_contacts_of_treated_services_alone() {
    let change = |effect: f64, services: [&str; 2]| {
        let (folder, _) = made(&Demo { days: 120, users: 3000, effect, ..small() });
        let truth = truth(folder.path());
        services
            .map(|service| {
                let count =
                    |phase: &str| truth["contacts"]["by_service"][service][phase].as_f64().unwrap();
                (count("before") / 48.0, count("after") / (120.0 - 48.0 - 14.0))
            })
            .into_iter()
            .fold((0.0, 0.0), |sum, (before, after)| (sum.0 + before, sum.1 + after))
    };
    let ratio = |(before, after): (f64, f64)| after / before;
    for effect in [-0.5, 0.4] {
        let treated = ratio(change(effect, ["returns", "delivery"]));
        let controls = ratio(change(effect, ["orders", "billing"]));
        let found = treated / controls - 1.0;
        assert!((found - effect).abs() < 0.12, "{effect}: {found}");
    }
}

#[test]
fn files_are_contiguous_and_sizes_follow_days_and_users() {
    let (folder, summary) = made(&small());
    for (name, cut) in [("logs", 7), ("probes", 0)] {
        let dates: Vec<NaiveDate> = files(&folder.path().join(name))
            .iter()
            .map(|path| path.file_name().unwrap().to_str().unwrap()[cut..cut + 10].parse().unwrap())
            .collect();
        assert_eq!(dates[0], "2025-12-31".parse().unwrap(), "{name}");
        assert_eq!(dates[40], "2026-02-09".parse().unwrap(), "{name}");
        assert!(dates.len() == 41 && dates.windows(2).all(|w| w[0].succ_opt() == Some(w[1])));
    }
    let wider = made(&Demo { users: 1600, ..small() }).1;
    let longer = made(&Demo { days: 80, ..small() }).1;
    let times = |a: u64, b: u64| a as f64 / b as f64;
    assert!((3.6..4.4).contains(&times(wider.events, summary.events)));
    // As many newcomers, who all chat once, and twice the days of everybody else.
    assert!((1.3..2.2).contains(&times(longer.events, summary.events)));
    assert!((3.2..4.8).contains(&times(wider.contacts, summary.contacts)));
    assert_eq!(longer.files, 81 * 2 + 3 + 1);
}

#[test]
fn the_default_demo_is_of_the_promised_size_and_has_every_oddity() {
    let (folder, summary) = made(&Demo::default());
    assert!((50_000..80_000).contains(&summary.events), "{summary:?}");
    let truth = truth(folder.path());
    let mut open = vec![&truth["events"]];
    while let Some(value) = open.pop() {
        match value {
            Value::Object(map) => open.extend(map.values()),
            count => assert!(count.as_u64() > Some(0), "{truth:#}"),
        }
    }
    let share = |n: u64| n as f64 / summary.lines as f64;
    assert!((0.0007..0.0013).contains(&share(summary.broken)));
    assert!((0.003..0.008).contains(&share(summary.test)));
    // The day of 23 hours is no holiday.
    let dst = log_lines(folder.path());
    let count = |hour: &str| dst.iter().filter(|(_, line)| line.contains(hour)).count();
    assert!(count("2026-03-29T1") > 100);
    let jumped = dst.iter().filter(|(_, l)| l.contains("2026-03-29T02:") && l.contains("+02:00"));
    assert_eq!(jumped.count(), 0);
}

#[test]
fn the_pipeline_names_the_dates_of_the_demo() {
    let demo = Demo { start: "2025-05-01".parse().unwrap(), days: 10, users: 5, ..small() };
    let (folder, _) = made(&demo);
    let text = fs::read_to_string(folder.path().join("pipeline.yaml")).unwrap();
    assert!(text.contains("\nstart: 2025-05-01\n") && text.contains("date: 2025-05-05\n"));
    assert!(!text.contains("2026") && !text.contains("{rollout}"));
    let untouched = super::pipeline(&super::Calendar::new(Demo::default().start, 150, 0.0));
    assert_eq!(untouched, super::PIPELINE);
}

#[test]
fn senseless_demos_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for demo in [
        Demo { days: 0, ..small() },
        Demo { users: 0, ..small() },
        Demo { effect: -1.5, ..small() },
        Demo { effect: f64::NAN, ..small() },
        Demo { start: NaiveDate::MIN, ..small() },
    ] {
        assert!(generate(&demo, folder.path()).is_err(), "{demo:?}");
    }
    assert!(generate(&Demo { days: 1, users: 1, ..small() }, folder.path()).is_ok());
}

/// The shop without its rollout is the same shop: until the rollout nothing differs, and after it
/// the services that it leaves alone differ by no more than customers who come back with another
/// question.
#[test]
fn without_its_rollout_the_shop_is_the_same_but_for_what_it_changes() {
    let demo = Demo { days: 120, users: 600, effect: -0.8, ..small() };
    let with = cost_days(&demo).unwrap();
    let without = cost_days(&Demo { effect: 0.0, ..demo.clone() }).unwrap();
    assert_eq!(with.len(), without.len());
    let rollout = demo.start + chrono::Days::new(48);
    let before = |day: &&CostDay| day.date < rollout;
    for (a, b) in with.iter().filter(before).zip(without.iter().filter(before)) {
        assert_eq!((a.date, a.service, a.services), (b.date, b.service, b.services));
    }
    let change = |is_treated: bool, number: &dyn Fn(&CostDay) -> i64| {
        let own = |day: &&CostDay| {
            !before(day) && is_treated == ["returns", "delivery"].contains(&day.service)
        };
        let sum = |days: &[CostDay]| days.iter().filter(own).map(number).sum::<i64>() as f64;
        sum(&with) / sum(&without) - 1.0
    };
    for number in [|day: &CostDay| day.services, |day: &CostDay| day.avoidable_micros] {
        let (treated, controls) = (change(true, &number), change(false, &number));
        assert!(controls.abs() < 0.01 && treated.abs() > 0.03, "{treated} {controls}");
    }
}

#[test]
fn the_truth_of_a_rollout_that_changes_nothing_is_zero() {
    let of = |effect: f64| {
        let (folder, _) = made(&Demo { days: 120, users: 600, effect, ..small() });
        let truth = truth(folder.path());
        let costs = truth["cost_per_service"]["services"].clone();
        (costs["*"]["all"]["effect"].as_f64().unwrap(), costs["controls"]["avoidable"].clone())
    };
    let (nothing, _) = of(0.0);
    assert_eq!(nothing, 0.0);
    let (less, controls) = of(-0.8);
    assert!(less < -0.3, "{less}");
    assert!(controls["effect"].as_f64().unwrap().abs() < 0.02, "{controls}");
}
