//! `chatkpi check`: is the pipeline right, and what do its sources hold?

use std::fmt::Write;
use std::path::PathBuf;

use super::context::{self, DayArgs, JobParts};
use super::progress::Bar;
use crate::accounting::Quarantined;
use crate::engine::polars::PolarsEngine;
use crate::error::{ErrorKind, Result};
use crate::manifest::Manifest;
use crate::run::{self, Preview};

#[derive(clap::Args)]
pub struct CheckArgs {
    /// The pipeline's YAML file; or a folder of logs, to be told which adapter fits.
    #[arg(value_name = "PIPELINE")]
    pipeline: PathBuf,
}

pub fn check(args: &CheckArgs) -> Result<u8> {
    if args.pipeline.is_dir() {
        return super::init::check_folder(&args.pipeline);
    }
    let loaded = context::load(&args.pipeline)?;
    let models = loaded.catalog.models.len();
    super::print(&format!("{}: valid, {models} models", args.pipeline.display()));
    let stop = context::stop_signal()?;
    let (engine, bar) = (PolarsEngine::new(), Bar::default());
    let mut job = context::job(JobParts {
        loaded: &loaded,
        request: context::request(&DayArgs::default(), &loaded.pipeline)?,
        user_key: context::user_key(&loaded.pipeline)?,
        engine: &engine,
        stop: &stop,
        progress: &bar,
        lookback_days: 0,
        full_scan: true,
    });
    // Shown to whoever asks and kept nowhere.
    job.quarantine_raw = true;
    let listing = run::list(&job, &Manifest::default())?;
    let previews = run::preview(&job, &listing)?;
    previews.iter().for_each(|p| super::print(&describe(p)));
    let empty: Vec<_> = previews.iter().filter(|p| p.objects == 0).map(|p| &p.source).collect();
    if let Some(source) = empty.first() {
        return Err(crate::error::Error::new(ErrorKind::Input, "a source's path matches no object")
            .context("source", source)
            .remedy("compare the path with the names in its folder; {date} stands for a date like 2026-11-20"));
    }
    Ok(0)
}

fn describe(preview: &Preview) -> String {
    let mut text = String::new();
    let Preview { source, objects, bytes, .. } = preview;
    // Writing to a String cannot fail.
    let _ = write!(text, "\nsource {source}: {objects} objects, {bytes} bytes");
    let Some(object) = &preview.first_object else { return text };
    let a = &preview.accounting;
    let _ = write!(
        text,
        "\n  first object {object}: {} records, {} decoded, {} quarantined, {} blank; {} rows kept, {} test, {} before start",
        a.read, a.decoded, a.quarantined, a.blank, a.kept, a.test, a.out_of_window
    );
    if a.filtered + a.empty > 0 {
        let _ = write!(
            text,
            "\n    {} filtered by the mapping, {} without an event",
            a.filtered, a.empty
        );
    }
    for (reason, count) in &a.reasons {
        let _ = write!(text, "\n    quarantined {reason}: {count}");
    }
    for bad in &preview.refused {
        let _ = write!(text, "\n  refused  {}", refused(bad));
    }
    for (field, count) in &a.unknown_fields {
        let _ = write!(text, "\n    unknown field {field}: in {count} records, not read");
    }
    for row in &preview.rows {
        let told =
            row.iter().filter(|(name, value)| !value.is_empty() && !MADE.contains(&name.as_str()));
        let cells: Vec<_> =
            told.map(|(name, value)| format!("{name}={}", shown(name, value))).collect();
        let _ = write!(text, "\n  row  {}", cells.join(" "));
    }
    text
}

/// A refused record: its place, the reason, and how it begins.
fn refused(bad: &Quarantined) -> String {
    let raw = bad.raw.as_deref().unwrap_or_default();
    let begins: String = raw.chars().take(LONGEST_SHOWN).collect();
    let more = if begins.len() < raw.len() { " ..." } else { "" };
    let field = bad.field.as_deref().map_or(String::new(), |field| format!(" ({field})"));
    let begins = begins.replace(char::is_control, " ");
    format!("line {}, byte {}: {}{field}: {begins}{more}", bad.line, bad.offset, bad.reason)
}

/// Characters of a refused record that are shown.
const LONGEST_SHOWN: usize = 200;

/// Columns that the decoder makes for its own use; nobody compares them with a log.
const MADE: [&str; 14] = [
    "source",
    "object_key",
    "record_offset",
    "element",
    "dedup_hi",
    "dedup_lo",
    "content_hash",
    "ts_us",
    "ts_ms",
    "day_no",
    "week_start",
    "month_start",
    "chain_key",
    "seq",
];

/// Instants as people write them.
fn shown(name: &str, value: &str) -> String {
    let instant = value.parse().ok().filter(|_| name == "ts" || name.ends_with("_us"));
    let instant = instant.and_then(chrono::DateTime::from_timestamp_micros);
    instant.map_or_else(
        || value.to_owned(),
        |t| t.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true),
    )
}
