//! `chatkpi init FOLDER`: a pipeline for logs that nobody has described yet.
//!
//! Also what `check FOLDER` shows: which adapter fits, and why. Files are put together by how they are
//! named, and a few of each group are read with everything that might fit. Leaves out: S3.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use regex::Regex;

use crate::error::{Error, ErrorKind, Result, io_error};
use crate::pipeline::{Candidate, PathPattern, candidates, compile};
use crate::source::{Fit, fit};

/// Larger files are not looked into.
const LARGEST: u64 = 64 << 20;
/// Files of one group that are read.
const READ: usize = 3;
/// Names in one folder that have nothing in common but their ending.
const MOST_NAMES: usize = 20;

#[derive(clap::Args)]
pub struct InitArgs {
    /// The folder with the logs.
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,

    /// The file to write; it must not be there yet.
    #[arg(long, value_name = "FILE", default_value = "pipeline.yaml")]
    out: PathBuf,
}

/// Files that are named alike.
struct Group {
    /// Relative to the folder.
    pattern: String,
    files: Vec<PathBuf>,
    /// The best that was found.
    fit: Option<(Candidate, Fit)>,
}

pub fn init(args: &InitArgs) -> Result<u8> {
    let groups = look(&args.folder)?;
    let text = pipeline_of(&groups, &prefix(args)?)?;
    compile(&args.out, &text)?;
    let place = |e| io_error(args.out.display(), e);
    let made = OpenOptions::new().write(true).create_new(true).open(&args.out);
    let mut file = made.map_err(|e| match e.kind() {
        std::io::ErrorKind::AlreadyExists => {
            Error::config(format!("{} is there already", args.out.display()))
                .remedy("it is left as it is: name another with --out, or move it away")
        }
        _ => place(e),
    })?;
    file.write_all(text.as_bytes()).map_err(place)?;
    super::print(&describe(&groups));
    super::print(&format!(
        "\n{out} is written. Look through it, then:\n  export CHATKPI_USER_KEY=\"$(openssl rand -hex 32)\"   # once; keep it\n  chatkpi check {out}\n  chatkpi run {out}",
        out = args.out.display()
    ));
    Ok(0)
}

/// What `check FOLDER` prints.
pub fn check_folder(folder: &Path) -> Result<u8> {
    let groups = look(folder)?;
    super::print(&describe(&groups));
    if groups.iter().any(|group| group.fit.is_some()) {
        super::print("\n`chatkpi init FOLDER` writes a pipeline of this.");
    }
    Ok(0)
}

/// How the paths of the pipeline begin.
fn prefix(args: &InitArgs) -> Result<String> {
    let beside = args.out.parent().is_none_or(|parent| parent.as_os_str().is_empty());
    let folder = if beside && args.folder.is_relative() {
        args.folder.clone()
    } else {
        std::path::absolute(&args.folder).map_err(|e| io_error(args.folder.display(), e))?
    };
    Ok(folder.to_string_lossy().trim_end_matches('/').to_owned())
}

fn look(folder: &Path) -> Result<Vec<Group>> {
    let mut files = Vec::new();
    walk(folder, &mut files)?;
    if files.is_empty() {
        return Err(Error::new(ErrorKind::Input, format!("{} holds no files", folder.display()))
            .remedy("name a folder with logs in it"));
    }
    files.sort();
    let scratch = tempfile::tempdir().map_err(|e| io_error("a temporary folder", e))?;
    let candidates = candidates();
    let mut groups = grouped(folder, files);
    for group in &mut groups {
        group.fit = best(group, &candidates, scratch.path())?;
    }
    Ok(groups)
}

/// As everywhere, names that begin with `.` or `_` are not ours.
fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries = std::fs::read_dir(folder).map_err(|e| io_error(folder.display(), e))?;
    for entry in entries {
        let path = entry.map_err(|e| io_error(folder.display(), e))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with(['.', '_']) {
            continue;
        }
        if path.is_dir() {
            walk(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

fn grouped(folder: &Path, files: Vec<PathBuf>) -> Vec<Group> {
    let mut groups: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for file in files {
        let relative = file.strip_prefix(folder).unwrap_or(&file).to_string_lossy().into_owned();
        groups.entry(pattern(&relative)).or_default().push(file);
    }
    // Names that say nothing, such as those of people or conversations.
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    for key in groups.keys() {
        *names.entry(any_name(key)).or_default() += 1;
    }
    let mut merged: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for (key, files) in groups {
        let any = any_name(&key);
        let is_many = names.get(&any).is_some_and(|count| *count > MOST_NAMES);
        merged.entry(if is_many { any } else { key }).or_default().extend(files);
    }
    let group = |(pattern, files)| Group { pattern, files, fit: None };
    merged.into_iter().map(group).collect()
}

/// The name of a file with its date as `{date}` and its other numbers as `*`.
fn pattern(relative: &str) -> String {
    const DATES: [(&str, &str); 3] = [
        (r"\b20\d\d/[01]\d/[0-3]\d\b", "{date:%Y/%m/%d}"),
        (r"(?:\b|_)(20\d\d-[01]\d-[0-3]\d)", "{date}"),
        (r"(?:\b|_)(20\d\d[01]\d[0-3]\d)(?:\b|_|T)", "{date:%Y%m%d}"),
    ];
    let found = DATES.iter().find_map(|(expression, date)| {
        let found = Regex::new(expression).ok()?.captures(relative)?;
        let place = found.get(1).or(found.get(0))?.range();
        Some((place, date))
    });
    match found {
        Some((place, date)) => {
            let (before, after) = (&relative[..place.start], &relative[place.end..]);
            format!("{}{date}{}", starred(before), starred(after))
        }
        None => starred(relative),
    }
}

/// Without what tells one file of a kind from another: ids and numbers.
fn starred(text: &str) -> String {
    const IDS: &str = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}|\d+";
    let Ok(ids) = Regex::new(IDS) else { return text.to_owned() };
    ids.replace_all(text, "*").into_owned()
}

/// Any name in the folder with the same ending.
fn any_name(pattern: &str) -> String {
    let (folder, name) = pattern.rsplit_once('/').map_or(("", pattern), |(f, n)| (f, n));
    if name.contains('{') {
        return pattern.to_owned();
    }
    let packed = [".gz", ".zst"].into_iter().find(|ending| name.ends_with(ending)).unwrap_or("");
    let plain = name.strip_suffix(packed).unwrap_or(name);
    let ending = plain.rsplit_once('.').map_or("", |(_, ending)| ending);
    let dot = if ending.is_empty() { "" } else { "." };
    let slash = if folder.is_empty() { "" } else { "/" };
    format!("{folder}{slash}*{dot}{ending}{packed}")
}

/// The candidate that most of the group's records fit.
fn best(
    group: &Group,
    candidates: &[Candidate],
    scratch: &Path,
) -> Result<Option<(Candidate, Fit)>> {
    let step = group.files.len().div_ceil(READ).max(1);
    let mut objects = Vec::new();
    for path in group.files.iter().step_by(step) {
        let place = |e| io_error(path.display(), e);
        if File::open(path).and_then(|file| file.metadata()).map_err(place)?.len() <= LARGEST {
            objects
                .push((path.to_string_lossy().into_owned(), std::fs::read(path).map_err(place)?));
        }
    }
    let mut best: Option<(Candidate, Fit)> = None;
    for candidate in candidates {
        let mut sum = Fit::default();
        for (name, bytes) in &objects {
            sum += fit(candidate, bytes, name, scratch)?;
        }
        let beats = |best: &Fit| (sum.fitting, sum.events) > (best.fitting, best.events);
        if sum.is_good() && best.as_ref().is_none_or(|(_, best)| beats(best)) {
            best = Some((candidate.clone(), sum));
        }
    }
    Ok(best)
}

fn describe(groups: &[Group]) -> String {
    let told = |group: &Group| format!("{}: {}", group.pattern, told(group));
    groups.iter().map(told).collect::<Vec<_>>().join("\n")
}

/// What is known of a group, in a line.
fn told(group: &Group) -> String {
    let files = match group.files.len() {
        1 => "1 file".to_owned(),
        many => format!("{many} files"),
    };
    match &group.fit {
        Some((candidate, fit)) => format!(
            "{files}; {} ({}), because {} of {} records are each {}; {} rows, {} quarantined",
            candidate.adapter,
            candidate.source.kind.name(),
            fit.fitting,
            fit.records,
            candidate.because,
            fit.events,
            fit.quarantined
        ),
        None => format!("{files}; no adapter fits. docs/mapping.md says how to describe them"),
    }
}

fn pipeline_of(groups: &[Group], prefix: &str) -> Result<String> {
    let mut text = "# Written by `chatkpi init` from the names and the first records of the files. Look at the lines that\n\
        # are marked with <-, and see docs/adapters/ for the options of each adapter.\n\
        version: 1\n\
        name: chatbot                    # <- yours\n\
        timezone: UTC                    # <- where your business days are cut, such as Europe/Stockholm\n\
        warehouse: ./warehouse\n\
        privacy: { user_key_env: CHATKPI_USER_KEY }\n\n\
        sources:\n"
        .to_owned();
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    for group in groups {
        let path = format!("{prefix}/{}", group.pattern);
        let quoted = serde_json::Value::from(path.as_str());
        let readable = PathPattern::parse(&path, Path::new("")).is_ok();
        // Writing to a String cannot fail.
        let Some((candidate, _)) = group.fit.as_ref().filter(|_| readable) else {
            let _ = writeln!(text, "  # {quoted}: {}", told(group));
            continue;
        };
        let plain = candidate.adapter.replace('-', "_");
        let count = names.entry(plain.clone()).or_default();
        *count += 1;
        let name = if *count > 1 { format!("{plain}_{count}") } else { plain };
        let _ = write!(
            text,
            "  # {}\n  - name: {name}\n    kind: {}\n    adapter: {}\n    path: {quoted}\n    empty_ok: true                # <- false where each day has a file\n",
            told(group),
            candidate.source.kind.name(),
            candidate.adapter,
        );
    }
    if names.is_empty() {
        return Err(Error::new(ErrorKind::Input, "no adapter fits any of the files")
            .context("files", describe(groups))
            .remedy("docs/mapping.md says how to describe them"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_patterns() {
        for (name, expected) in [
            ("2026/03/01/part-00000.json.gz", "{date:%Y/%m/%d}/part-*.json.gz"),
            ("events-2026-03-01.jsonl", "events-{date}.jsonl"),
            ("day=2026-03-01/hour=09/a.json", "{date}/hour=*/a.json"),
            ("x_20260301_7.csv", "x_{date:%Y%m%d}_*.csv"),
            ("webchat/0b1cd9aa-8f0a-4a6c-9a7e-1d2f3a4b5c6d/7-1.json", "webchat/*/*-*.json"),
            ("chat.transcript", "chat.transcript"),
        ] {
            let expected = expected.replace("{date}/hour", "day={date}/hour");
            assert_eq!(pattern(name), expected);
            assert!(PathPattern::parse(&expected, Path::new("")).is_ok(), "{expected}");
        }
    }

    #[test]
    fn many_names_of_a_folder_are_one_group() {
        let letters = ('a'..='u').map(|letter| format!("{letter}.json"));
        let others = ["x-2026-03-01.json", "tickets.csv", "users.csv"].map(str::to_owned);
        let files = letters.chain(others).map(|file| Path::new("l").join(file));
        let groups = grouped(Path::new("l"), files.collect());
        let told: Vec<_> = groups.iter().map(|g| (g.pattern.as_str(), g.files.len())).collect();
        let tables = [("tickets.csv", 1), ("users.csv", 1), ("x-{date}.json", 1)];
        assert_eq!(told, [&[("*.json", 21)][..], &tables].concat());
    }
}
