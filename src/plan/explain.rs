//! A plan in words and as JSON.

use std::collections::BTreeMap;
use std::fmt::Write;

use chrono::DateTime;
use serde_json::{Value, json};

use super::{Plan, Reason};
use crate::interval::{Interval, day_end_us, day_start_us, plus};
use crate::manifest::RemovedObject;
use crate::pipeline::Pipeline;

/// The plan as a person reads it.
pub fn explain(plan: &Plan, pipeline: &Pipeline) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write_plan(&mut text, plan, pipeline);
    text
}

fn write_plan(text: &mut String, plan: &Plan, pipeline: &Pipeline) -> std::fmt::Result {
    match plan.requested {
        Some(days) => writeln!(text, "days       {} ({})", days, span(days, pipeline))?,
        None if plan.undecoded.is_empty() => {
            writeln!(text, "days       none that can be published")?
        }
        None => writeln!(text, "days       known once the logs are decoded")?,
    }
    if let Some(watermarks) = plan.watermarks() {
        writeln!(text, "watermark  {}", utc(watermarks.events_us))?;
    }
    if !plan.undecoded.is_empty() {
        let bytes: u64 = plan.undecoded.iter().map(|o| o.size).sum();
        writeln!(text, "decode     {} objects, {} bytes", plan.undecoded.len(), bytes)?;
        for object in plan.undecoded.iter().take(10) {
            writeln!(text, "           {}: {} ({} bytes)", object.source, object.key, object.size)?;
        }
        if plan.undecoded.len() > 10 {
            writeln!(text, "           and {} more", plan.undecoded.len() - 10)?;
        }
        writeln!(text, "           what they hold decides the rest of the plan")?;
    }
    for object in plan.removed.iter().take(10) {
        writeln!(text, "gone       {}: {} is no longer listed", object.source, object.key)?;
    }
    if plan.removed.len() > 10 {
        writeln!(text, "           and {} more", plan.removed.len() - 10)?;
    }
    for missing in &plan.missing {
        let (date, source) = (missing.date, &missing.source);
        writeln!(
            text,
            "missing    {date}: source `{source}` has no object of {}",
            missing.path_date
        )?;
    }
    for ((model, reason), days) in grouped(plan) {
        let runs: Vec<_> = Interval::runs(days).iter().map(Interval::to_string).collect();
        writeln!(text, "build      {model}: {} ({})", runs.join(", "), reason.words())?;
    }
    if plan.up_to_date > 0 {
        writeln!(text, "unchanged  {} partitions are up to date", plan.up_to_date)?;
    }
    Ok(())
}

/// The plan for programs; stable keys, days as ISO dates.
pub fn to_json(plan: &Plan) -> Value {
    let builds: Vec<Value> = plan
        .builds()
        .map(|(step, build)| {
            json!({
                "table": step.model,
                "date": build.date,
                "published": step.published,
                "reason": build.reason.words(),
                "fingerprint": build.fingerprint,
            })
        })
        .collect();
    let decode: Vec<Value> = plan
        .undecoded
        .iter()
        .map(|o| json!({ "source": o.source, "object": o.key, "bytes": o.size, "etag": o.etag }))
        .collect();
    let name = |o: &RemovedObject| json!({ "source": o.source, "object": o.key });
    let gone: Vec<Value> = plan.removed.iter().map(name).collect();
    let missing: Vec<Value> = plan
        .missing
        .iter()
        .map(|m| json!({ "date": m.date, "source": m.source, "object_date": m.path_date }))
        .collect();
    json!({
        "from": plan.requested.map(|d| d.start),
        "to": plan.requested.map(|d| d.end),
        "watermark": plan.watermarks().map(|w| utc(w.events_us)),
        "history_start": plan.facts.as_ref().map(|f| f.history.start),
        "decode": decode,
        "gone": gone,
        "missing": missing,
        "builds": builds,
        "up_to_date": plan.up_to_date,
        "basis": plan.basis,
    })
}

fn grouped(plan: &Plan) -> Vec<((String, Reason), Vec<chrono::NaiveDate>)> {
    let mut order = Vec::new();
    let mut days: BTreeMap<(String, Reason), std::collections::BTreeSet<_>> = BTreeMap::new();
    for (step, build) in plan.builds() {
        let key = (step.model.clone(), build.reason);
        if !days.contains_key(&key) {
            order.push(key.clone());
        }
        days.entry(key).or_default().insert(build.date);
    }
    let take = |key: (String, Reason)| {
        let dates = days.remove(&key).unwrap_or_default();
        (key, dates.into_iter().collect())
    };
    order.into_iter().map(take).collect()
}

fn span(days: Interval, pipeline: &Pipeline) -> String {
    let start = utc(day_start_us(days.start, pipeline.zone));
    let end = utc(day_end_us(plus(days.end, -1), pipeline.zone));
    format!("{} local days in {}, {start} to {end}", days.len(), pipeline.zone)
}

/// An instant as RFC 3339 in UTC.
fn utc(us: i64) -> String {
    let format = |t: DateTime<chrono::Utc>| t.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true);
    DateTime::from_timestamp_micros(us).map_or_else(|| us.to_string(), format)
}
