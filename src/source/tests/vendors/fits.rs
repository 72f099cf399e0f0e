//! Which adapter fits a log of unknown origin.

use super::super::*;
use super::wrong::{RASA, TRANSCRIPT};
use super::{SAID, row};
use crate::pipeline::candidates;

/// The adapters that fit, each with how many of the records.
fn fitting(name: &str, bytes: &[u8]) -> Vec<(&'static str, u64, u64)> {
    let folder = tempfile::tempdir().unwrap();
    let tried = candidates()
        .into_iter()
        .map(|candidate| (candidate.adapter, fit(&candidate, bytes, name, folder.path()).unwrap()));
    let good = tried.filter(|(_, fit)| fit.is_good());
    let good = good.map(|(adapter, fit)| (adapter, fit.fitting, fit.records)).collect();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    good
}

#[test]
fn each_adapter_fits_its_own_logs_and_no_others() {
    let activities = format!("[{}]", TRANSCRIPT.join(","));
    let tracker = format!(r#"{{"sender_id":"u1","events":[{}]}}"#, RASA.join(","));
    let page = format!(r#"{{"value":[{}]}}"#, row(SAID));
    let shop = r#"{"ts":"2026-03-01T10:00:00Z","actor":"user","type":"message","user_id":1}"#;
    for (name, log, expected) in [
        ("a.jsonl", RASA.join("\n"), vec![("rasa", 3, 3)]),
        ("a.json", tracker, vec![("rasa", 1, 1)]),
        ("a.transcript", activities, vec![("botframework", 3, 3)]),
        ("a.json", TRANSCRIPT[0].to_owned(), vec![("botframework", 1, 1)]),
        ("a.json", row(SAID), vec![("copilot-studio", 1, 1)]),
        ("a.json", page, vec![("copilot-studio", 1, 1)]),
        ("a.jsonl", shop.to_owned(), vec![("canonical", 1, 1)]),
        ("a.jsonl", r#"{"hello":"world"}"#.to_owned(), vec![]),
        ("a.csv", "a,b\n1,2\n".to_owned(), vec![]),
        ("a.txt", "nothing of the kind".to_owned(), vec![]),
        ("a.json", String::new(), vec![]),
    ] {
        assert_eq!(fitting(name, log.as_bytes()), expected, "{log}");
    }
    // Of a log that is half noise, the other half still tells.
    let noisy = format!("start\n{}\nstop", RASA.join("\n"));
    assert_eq!(fitting("a.jsonl", noisy.as_bytes()), [("rasa", 3, 5)]);
    // What is cut off or packed wrongly fits nothing, and is no error.
    assert_eq!(fitting("a.gz", &[0x1f, 0x8b, 8, 0, 0]), []);
}
