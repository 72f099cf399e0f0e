//! What commands share: the pipeline file, the clock, the environment and signals.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use crate::engine::Engine;
use crate::error::{Error, Result, io_error};
use crate::interval::{Interval, local_date, plus};
use crate::model::catalog::{Catalog, LAYERS, builtin};
use crate::model::{Layer, ModelText};
use crate::pipeline::{self, ModelFolder, Pipeline, UserKey};
use crate::plan::{Days, Request};
use crate::run::{Job, Progress};
use crate::source::UserHasher;
use crate::storage::StorageOptions;

/// The arguments that choose days and say what is known about time.
#[derive(clap::Args, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DayArgs {
    /// One local day.
    #[arg(long, value_name = "DAY", conflicts_with_all = ["from", "to"])]
    pub date: Option<String>,

    /// First local day: a date, or an instant with offset.
    #[arg(long, value_name = "DAY", requires = "to", aliases = ["event-time-start", "data-interval-start"])]
    pub from: Option<String>,

    /// The day after the last one (half-open).
    #[arg(long, value_name = "DAY", requires = "from", aliases = ["event-time-end", "data-interval-end"])]
    pub to: Option<String>,

    /// Without days: include the day that is not over yet.
    #[arg(long)]
    pub include_today: bool,

    /// Act as if it were this instant (RFC 3339).
    #[arg(long, value_name = "TS")]
    pub as_of: Option<String>,

    /// Rebuild the requested days even where nothing changed.
    #[arg(long)]
    pub force: bool,

    /// Only these published tables.
    #[arg(long, value_delimiter = ',', value_name = "TABLE")]
    pub models: Vec<String>,

    /// List objects this many days before the days in hand.
    #[arg(long, default_value_t = 14, value_name = "N")]
    pub lookback_days: u32,

    /// List every object of every source.
    #[arg(long)]
    pub full_scan: bool,

    /// Go on where most of a source's objects are gone, and take out what was made of them.
    #[arg(long)]
    pub accept_removed: bool,
}

/// A pipeline with its models, ready to run.
pub struct Loaded {
    pub pipeline: Pipeline,
    pub catalog: Catalog,
}

/// Reads and compiles a pipeline and the models it names.
pub fn load(file: &Path) -> Result<Loaded> {
    let Written { pipeline, models, .. } = read(file)?;
    let catalog = Catalog::build(&models, &pipeline)?;
    Ok(Loaded { pipeline, catalog })
}

/// A pipeline's file and the texts of the models it names.
pub struct Written {
    pub text: String,
    pub pipeline: Pipeline,
    pub models: Vec<ModelText>,
}

/// Reads a pipeline and the models it names; what the models say is not looked at.
pub fn read(file: &Path) -> Result<Written> {
    let text = std::fs::read_to_string(file).map_err(|e| {
        io_error(file.display(), e).remedy("give the path of a pipeline's YAML file")
    })?;
    let pipeline = pipeline::compile_with_files(file, &text, &read_file)?;
    let mut models = Vec::new();
    for folder in &pipeline.models {
        match folder {
            ModelFolder::Builtin => models.extend(builtin()),
            ModelFolder::Folder(path) => models.extend(read_models(path)?),
        }
    }
    Ok(Written { text, pipeline, models })
}

/// A file that a pipeline names.
pub fn read_file(path: &Path) -> std::io::Result<String> {
    std::fs::read_to_string(path)
}

/// A user's models: `staging/`, `intermediate/` and `marts/` folders, or model folders, which are marts.
fn read_models(folder: &Path) -> Result<Vec<ModelText>> {
    let mut texts = Vec::new();
    let mut places = vec![(Layer::Mart, folder.to_owned())];
    places.extend(LAYERS.map(|(layer, name)| (layer, folder.join(name))));
    for (layer, place) in places {
        if place != folder && !place.is_dir() {
            continue;
        }
        let entries = std::fs::read_dir(&place).map_err(|e| io_error(place.display(), e))?;
        let mut models: Vec<PathBuf> = Vec::new();
        for entry in entries {
            let path = entry.map_err(|e| io_error(place.display(), e))?.path();
            if path.join("model.yaml").is_file() {
                models.push(path);
            }
        }
        models.sort();
        for model in models {
            let text = |name: &str| {
                let file = model.join(name);
                std::fs::read_to_string(&file).map_err(|e| io_error(file.display(), e))
            };
            texts.push(ModelText {
                name: model.file_name().unwrap_or_default().to_string_lossy().into_owned(),
                layer,
                folder: model.display().to_string(),
                yaml: text("model.yaml")?,
                sql: text("query.sql")?,
            });
        }
    }
    Ok(texts)
}

/// The process's idea of now, UTC.
#[expect(clippy::disallowed_methods, reason = "the clock enters here and nowhere else")]
pub fn now() -> DateTime<Utc> {
    SystemTime::now().into()
}

/// How this program was called.
pub fn program() -> String {
    std::env::args().next().unwrap_or_else(|| "chatkpi".to_owned())
}

#[expect(clippy::disallowed_methods, reason = "the environment enters here and nowhere else")]
pub fn environment_variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[expect(clippy::disallowed_methods, reason = "the environment enters here and nowhere else")]
pub fn storage_options() -> StorageOptions {
    StorageOptions::from_pairs(std::env::vars())
}

/// The hasher of the pipeline's user key.
pub fn user_key(pipeline: &Pipeline) -> Result<UserHasher> {
    match &pipeline.user_key {
        UserKey::Fixed(key) => UserHasher::new(key.as_bytes()),
        UserKey::Env(name) => {
            let key = environment_variable(name).ok_or_else(|| {
                Error::config(format!("the environment variable {name} with the user key is not set"))
                    .context("pipeline", pipeline.file.display())
                    .remedy(format!("export {name}=\"$(openssl rand -hex 32)\" once, and keep it: it makes pseudonyms of user ids, and another key makes every user new"))
            })?;
            UserHasher::new(key.as_bytes()).map_err(|e| e.context("environment variable", name))
        }
    }
}

/// What was asked for, with days resolved in the pipeline's time zone.
pub fn request(args: &DayArgs, pipeline: &Pipeline) -> Result<Request> {
    let as_of_us = match &args.as_of {
        None => now().timestamp_micros(),
        Some(text) => instant(text)?,
    };
    let days = match (&args.date, &args.from, &args.to) {
        (Some(date), ..) => Days::These(Interval::day(day(date, pipeline)?)),
        (None, Some(from), Some(to)) => Days::These(interval(from, to, pipeline)?),
        _ => Days::CatchUp { include_today: args.include_today },
    };
    Ok(Request { days, as_of_us, force: args.force, models: args.models.clone() })
}

/// The half-open days of `--from` and `--to`.
pub fn interval(from: &str, to: &str, pipeline: &Pipeline) -> Result<Interval> {
    let (from, to) = (day(from, pipeline)?, day(to, pipeline)?);
    match from < to {
        true => Ok(Interval::new(from, to)),
        false => Err(Error::config(format!("the interval {from}..{to} holds no day")).remedy(
            format!("--to is not included: for the day {from} alone write --to {}", plus(from, 1)),
        )),
    }
}

fn instant(text: &str) -> Result<i64> {
    DateTime::parse_from_rfc3339(text).map(|t| t.timestamp_micros()).map_err(|e| {
        Error::config(format!("`{text}` is no instant"))
            .because(e)
            .remedy("write RFC 3339 with an offset, like 2026-11-20T06:00:00+01:00")
    })
}

/// A local date; schedulers give instants, which stand for the local day they fall on.
fn day(text: &str, pipeline: &Pipeline) -> Result<NaiveDate> {
    if let Ok(date) = text.parse::<NaiveDate>() {
        return Ok(date);
    }
    match DateTime::parse_from_rfc3339(text) {
        Ok(instant) => Ok(local_date(instant.timestamp_micros(), pipeline.zone)),
        Err(_) => Err(Error::config(format!("`{text}` is no day"))
            .remedy("write a date like 2026-11-20, or an instant with an offset")),
    }
}

/// SIGINT and SIGTERM set the number; a second one ends the process at once.
pub fn stop_signal() -> Result<Arc<AtomicUsize>> {
    let stop = Arc::new(AtomicUsize::new(0));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        let again = Arc::new(std::sync::atomic::AtomicBool::new(false));
        signal_hook::flag::register_conditional_default(signal, again.clone())
            .and_then(|_| signal_hook::flag::register(signal, again))
            .and_then(|_| signal_hook::flag::register_usize(signal, stop.clone(), signal as usize))
            .map_err(|e| Error::internal("signals cannot be caught").because(e))?;
    }
    Ok(stop)
}

/// Arguments of a job that are the same for `plan` and `run` but for these.
pub struct JobParts<'a> {
    pub loaded: &'a Loaded,
    pub request: Request,
    pub user_key: UserHasher,
    pub engine: &'a dyn Engine,
    pub stop: &'a AtomicUsize,
    pub progress: &'a dyn Progress,
    pub lookback_days: u32,
    pub full_scan: bool,
}

/// A job with the defaults of everything that tunes the process.
pub fn job(parts: JobParts<'_>) -> Job<'_> {
    let started = now();
    Job {
        pipeline: &parts.loaded.pipeline,
        catalog: &parts.loaded.catalog,
        request: parts.request,
        user_key: parts.user_key,
        storage: storage_options(),
        engine: parts.engine,
        run_id: uuid::Uuid::now_v7().to_string(),
        started_at: started.to_rfc3339_opts(SecondsFormat::Millis, true),
        started_us: started.timestamp_micros(),
        lookback_days: parts.lookback_days,
        full_scan: parts.full_scan,
        accept_removed: false,
        keep_going: false,
        basis: None,
        asked: serde_json::Value::Null,
        quarantine_raw: false,
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        tmp_dir: None,
        lock_wait: Duration::from_secs(0),
        stop: parts.stop,
        progress: parts.progress,
    }
}
