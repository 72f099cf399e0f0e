//! Everything in a pipeline but its sources.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use chrono::{NaiveDate, NaiveTime};

use super::super::path::{bucket_root, local_folder, split_scheme};
use super::super::spec::{Node, Value};
use super::super::{Location, ModelFolder, Rollout, Sessions, Uptime, UserKey, Warnings};
use super::findings::{Findings, hint};

const DIMENSIONS: [&str; 8] =
    ["bot", "channel", "service", "locale", "bot_version", "variant", "source", "identity_kind"];
const DEFAULT_DIMENSIONS: [&str; 3] = ["bot", "channel", "service"];

/// A longer timeout would make every day's reach longer than a week.
pub(super) const MOST_SESSION_DAYS: i64 = 7;
const MOST_PROBE_MINUTES: u32 = 60;
const MINUTE_US: i64 = 60 * crate::interval::SECOND_US;
const MOST_ROLLOUT_DAYS: u32 = 3_650;
const LEAST_KEY_BYTES: usize = 32;

pub(super) fn warehouse(node: &Node, base: &Path, out: &mut Findings) -> Option<Location> {
    let text = out.text(node)?;
    let located = split_scheme(text).and_then(|(bucket, folder)| {
        if text.contains(['*', '?', '{', '}']) {
            return Err("the warehouse is one folder, without wildcards".to_owned());
        }
        match bucket {
            Some(bucket) => bucket_root(bucket, folder),
            None => Ok(Location::Local(local_folder(folder, base))),
        }
    });
    located
        .map_err(|reason| out.report(node.place, reason, "write ./warehouse or s3://bucket/prefix"))
        .ok()
}

pub(super) fn dimensions(node: Option<&Node>, out: &mut Findings) -> Vec<String> {
    let default = || DEFAULT_DIMENSIONS.map(str::to_owned).to_vec();
    let Some(node) = node else { return default() };
    let Some(items) = out.list(node) else { return default() };
    if items.is_empty() {
        out.report(node.place, "there must be a dimension", "leave the key out, or write [bot]");
    }
    let mut dimensions: Vec<String> = Vec::new();
    for item in items {
        let known = DIMENSIONS.map(|name| (name, name));
        let Some(name) = out.choice(item, "a dimension", &known) else { continue };
        if dimensions.iter().any(|other| other == name) {
            out.report(item.place, format!("`{name}` is given twice"), "leave one of them out");
        } else {
            dimensions.push(name.to_owned());
        }
    }
    dimensions
}

pub(super) fn grouping_sets(
    node: Option<&Node>,
    dimensions: &[String],
    out: &mut Findings,
) -> Vec<Vec<bool>> {
    let Some(items) = node.and_then(|node| out.list(node)) else { return every_subset(dimensions) };
    if let Some(node) = node.filter(|_| items.is_empty()) {
        out.report(node.place, "there must be a grouping set", "leave the key out for every one");
    }
    let mut sets: Vec<Vec<bool>> = Vec::new();
    for item in items {
        let Some(names) = out.list(item) else { continue };
        let mut set = vec![false; dimensions.len()];
        for name in names {
            let Some(text) = out.text(name) else { continue };
            match dimensions.iter().position(|dimension| dimension == text) {
                Some(at) => set[at] = true,
                None => {
                    let remedy = hint(text, dimensions.iter().map(String::as_str));
                    let message = format!("`{text}` is not a dimension of this pipeline");
                    out.report(name.place, message, remedy);
                }
            }
        }
        if sets.contains(&set) {
            out.report(item.place, "the grouping set is given twice", "leave one of them out");
        }
        sets.push(set);
    }
    sets
}

/// From all dimensions kept to none; the first dimension changes slowest.
fn every_subset(dimensions: &[String]) -> Vec<Vec<bool>> {
    let width = dimensions.len();
    let kept = |mask: usize| (0..width).rev().map(|bit| mask >> bit & 1 == 1).collect();
    (0..1_usize << width).rev().map(kept).collect()
}

/// The key itself is never repeated in an error.
pub(super) fn user_key(node: &Node, out: &mut Findings) -> Option<UserKey> {
    let mut fields = out.map(node, "privacy")?;
    let place = fields.place;
    let (variable, fixed) = (fields.get("user_key_env"), fields.get("user_key"));
    fields.close(out);
    match (variable, fixed) {
        (Some(node), None) => {
            let name = out.text(node)?;
            let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if name.chars().all(fits) && !name.starts_with(|c: char| c.is_ascii_digit()) {
                return Some(UserKey::Env(name.to_owned()));
            }
            let remedy = "write the variable's name alone, such as CHATKPI_USER_KEY";
            out.report(node.place, "not the name of an environment variable", remedy);
        }
        (None, Some(node)) => match &node.value {
            Value::Text(key) if key.len() >= LEAST_KEY_BYTES => {
                return Some(UserKey::Fixed(key.clone()));
            }
            _ => {
                let message = "the key is not text of 32 bytes or more";
                out.report(node.place, message, "name a variable instead: user_key_env: NAME");
            }
        },
        (Some(_), Some(node)) => {
            let message = "`user_key` and `user_key_env` are both given";
            out.report(node.place, message, "keep `user_key_env`");
        }
        (None, None) => {
            let remedy = "add `user_key_env: CHATKPI_USER_KEY`, a variable with 32 bytes or more";
            out.report(place, "no key to pseudonymise users with", remedy);
        }
    }
    None
}

pub(super) fn sessions(node: &Node, out: &mut Findings) -> Option<Sessions> {
    let mut fields = out.map(node, "sessions")?;
    let mut sessions = Sessions::default();
    let timeout = fields.get("timeout");
    if let Some(us) = timeout.and_then(|node| out.duration(node, false, MOST_SESSION_DAYS)) {
        sessions.timeout_us = us;
    }
    let join = fields.get("handoff_join");
    if let Some(us) = join.and_then(|node| out.duration(node, false, MOST_SESSION_DAYS)) {
        sessions.handoff_join_us = us;
    }
    if let Some(node) = fields.get("timeout_by_channel") {
        sessions.timeout_by_channel = timeout_by_channel(node, out).unwrap_or_default();
    }
    fields.close(out);
    Some(sessions)
}

pub(super) fn uptime(node: &Node, out: &mut Findings) -> Option<Uptime> {
    let mut fields = out.map(node, "uptime")?;
    let mut uptime = Uptime::default();
    let covers = fields.get("probe_covers");
    if let Some((node, us)) = covers.and_then(|node| Some((node, out.duration(node, false, 1)?))) {
        match u32::try_from(us / MINUTE_US) {
            Ok(minutes) if us % MINUTE_US == 0 && minutes <= MOST_PROBE_MINUTES => {
                uptime.probe_minutes = minutes;
            }
            _ => {
                let remedy = format!("write 1m to {MOST_PROBE_MINUTES}m");
                out.report(node.place, "a probe speaks for whole minutes", remedy);
            }
        }
    }
    let within = fields.get("answer_within");
    if let Some(us) = within.and_then(|node| out.duration(node, false, 1)) {
        uptime.answer_within_ms = us / 1_000;
    }
    fields.close(out);
    Some(uptime)
}

pub(super) fn warnings(node: &Node, out: &mut Findings) -> Option<Warnings> {
    let mut fields = out.map(node, "warnings")?;
    let usual = Warnings::default();
    let mut share = |key| fields.get(key).and_then(|node| out.number(node, 0.0..=1.0));
    let (volume, null_rate) = (share("volume"), share("null_rate"));
    let rows = fields.get("rows").and_then(|node| out.whole(node, 1..=1_000_000));
    fields.close(out);
    Some(Warnings {
        volume: volume.unwrap_or(usual.volume),
        null_rate: null_rate.unwrap_or(usual.null_rate),
        rows: rows.unwrap_or(usual.rows),
    })
}

fn timeout_by_channel(node: &Node, out: &mut Findings) -> Option<BTreeMap<String, i64>> {
    // Only for the check of keys given twice: every channel is known.
    let _ = out.map(node, "timeout_by_channel")?;
    let Value::Map(entries) = &node.value else { return None };
    let mut timeouts = BTreeMap::new();
    for (channel, value) in entries {
        let fits = out.check_label(channel.place, &channel.name);
        if let Some(us) = out.duration(value, false, MOST_SESSION_DAYS).filter(|_| fits) {
            timeouts.insert(channel.name.clone(), us);
        }
    }
    Some(timeouts)
}

pub(super) fn rollouts(node: Option<&Node>, out: &mut Findings) -> Vec<Rollout> {
    let mut names = BTreeSet::new();
    let mut rollouts = Vec::new();
    for item in node.and_then(|node| out.list(node)).unwrap_or_default() {
        let Some(rollout) = rollout(item, out) else { continue };
        if !names.insert(rollout.name.clone()) {
            let message = format!("two rollouts are called `{}`", rollout.name);
            out.report(item.place, message, "give each rollout a name of its own");
        }
        rollouts.push(rollout);
    }
    rollouts
}

fn rollout(node: &Node, out: &mut Findings) -> Option<Rollout> {
    let mut fields = out.map(node, "rollout")?;
    let name = fields.need("name", "add a name, such as `name: returns`", out);
    let name = name.and_then(|node| out.name(node));
    let date = fields.need("date", "add the day of the change: `date: YYYY-MM-DD`", out);
    let date = date.and_then(|node| out.date(node));
    let services = fields.need("services", "add the services that changed: [returns]", out);
    if let Some(node) = services.filter(|node| node.value == Value::List(Vec::new())) {
        out.report(node.place, "a rollout changes a service", "name the services that changed");
    }
    let services = services.map(|node| labels(node, &[], out)).unwrap_or_default();
    let controls = fields.get("controls").map(|node| labels(node, &services, out));
    let holdout = fields.get("holdout").map(|node| labels(node, &[], out));
    let mut days = |key, zero, default| {
        let days = fields.get(key).and_then(|node| out.days(node, zero, MOST_ROLLOUT_DAYS));
        days.unwrap_or(default)
    };
    let (pre_days, ramp_days, post_days) =
        (days("pre", false, 56), days("ramp", true, 14), days("post", false, 56));
    fields.close(out);
    let (controls, holdout) = (controls.unwrap_or_default(), holdout.unwrap_or_default());
    let (name, date) = (name?, date?);
    Some(Rollout { name, date, services, controls, holdout, pre_days, ramp_days, post_days })
}

/// Values of a dimension, each once and none of them in `taken`.
fn labels(node: &Node, taken: &[String], out: &mut Findings) -> Vec<String> {
    let mut labels: Vec<String> = Vec::new();
    for item in out.list(node).unwrap_or_default() {
        let Some(label) = out.label(item) else { continue };
        if labels.contains(&label) || taken.contains(&label) {
            out.report(item.place, format!("`{label}` is given twice"), "leave one of them out");
        }
        labels.push(label);
    }
    labels
}

pub(super) fn models(node: Option<&Node>, base: &Path, out: &mut Findings) -> Vec<ModelFolder> {
    let Some(node) = node else { return vec![ModelFolder::Builtin] };
    let mut models: Vec<ModelFolder> = Vec::new();
    for item in out.list(node).unwrap_or_default() {
        let Some(text) = out.text(item) else { continue };
        let model = match split_scheme(text) {
            _ if text == "builtin" => ModelFolder::Builtin,
            Ok((None, _)) if !text.contains(['*', '?', '{', '}']) => {
                ModelFolder::Folder(local_folder(text, base))
            }
            _ => {
                let message = format!("`{text}` is not a local folder of models");
                out.report(item.place, message, "write builtin, or a folder such as ./models");
                continue;
            }
        };
        if models.contains(&model) {
            out.report(item.place, format!("`{text}` is given twice"), "leave one of them out");
        }
        models.push(model);
    }
    if node.value == Value::List(Vec::new()) {
        out.report(node.place, "there must be a model", "leave the key out, or write [builtin]");
    }
    models
}

/// UTC midnight of the day; default 2000-01-01.
pub(super) fn history_floor_us(floor: Option<NaiveDate>) -> i64 {
    floor.map_or(946_684_800_000_000, |day| {
        day.and_time(NaiveTime::MIN).and_utc().timestamp_micros()
    })
}
