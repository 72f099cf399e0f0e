//! Filling a model's SQL template in.
//!
//! Templates may use the pipeline's dimensions, the days to build and a handful of macros; all else
//! in them is plain SQL. The same text with the same parameters gives the same bytes.

use chrono::NaiveDate;
use minijinja::{Environment, UndefinedBehavior, Value, context};

use std::collections::{BTreeMap, BTreeSet};

use super::{Additivity, Metric, Model, money};
use crate::error::{Diagnostic, Error, Result};
use crate::interval::{Interval, local_date, plus};
use crate::pipeline::{Pipeline, Profile, Rollout};
use crate::schema::Kind;

/// Days at the start of history during which every user looks new.
const UNRELIABLE_DAYS: i64 = 90;
/// Texts that several models include.
const SHARED: [(&str, &str); 4] = [
    ("first_copies.sql", include_str!("../../sql/macros/first_copies.sql")),
    ("kpi_interval.sql", include_str!("../../sql/macros/kpi_interval.sql")),
    ("kpi_period.sql", include_str!("../../sql/macros/kpi_period.sql")),
    ("session_cut.sql", include_str!("../../sql/macros/session_cut.sql")),
];

/// Larger than any position in a chain of events.
const NO_POSITION: i64 = 9_000_000_000_000_000;
/// Earlier than any event, in microseconds.
const FAR_PAST_US: i64 = -9_000_000_000_000_000;
/// The normal quantile of a two-sided 95 % interval, and its square.
const Z: &str = "CAST('1.959963984540054' AS DOUBLE)";
const Z2: &str = "CAST('3.841458820694124' AS DOUBLE)";

/// What a rendering depends on besides the template and the pipeline.
#[derive(Debug, Clone)]
pub struct Parameters {
    /// The days to build.
    pub interval: Interval,
    pub watermarks: Watermarks,
    /// The first local day with an accepted event.
    pub history_start: NaiveDate,
}

/// The instants up to which inputs are taken as complete, UTC microseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Watermarks {
    pub events_us: i64,
    /// Of sources marked `live`, by kind; other files are complete as they are.
    pub live_us: BTreeMap<Kind, i64>,
}

impl Watermarks {
    /// The watermark of a table that is made from `inputs`.
    pub fn of(&self, inputs: &BTreeSet<Kind>) -> i64 {
        let live = inputs.iter().filter_map(|kind| self.live_us.get(kind));
        live.copied().fold(self.events_us, i64::min)
    }
}

/// A table that declares metrics, as templates see it.
#[derive(Debug, Clone)]
pub struct MetricTable {
    pub name: String,
    pub every_slice: bool,
    /// Columns that are no dimensions.
    pub other_columns: Vec<String>,
    /// The table's definition, which marks the metrics' version.
    pub definition: String,
    pub metrics: Vec<Metric>,
    /// The decoded tables that it is made from in the end.
    pub inputs: BTreeSet<Kind>,
}

/// Fills `template` (the query or an audit of a model that is made from `inputs`) in, for the
/// partitions of these `dates`.
///
/// # Errors
/// A diagnosed configuration error with the template's line.
pub fn render(
    template: &str,
    file: &str,
    pipeline: &Pipeline,
    parameters: &Parameters,
    dates: &[NaiveDate],
    inputs: &BTreeSet<Kind>,
    metrics: &[MetricTable],
) -> Result<String> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    add_macros(&mut environment, pipeline);
    for (name, text) in SHARED {
        let added = environment.add_template(name, text);
        added.map_err(|e| Error::internal("a shared template cannot be read").because(e))?;
    }
    money::add_macros(&mut environment, pipeline);
    let watermark_us = parameters.watermarks.of(inputs);
    let complete = last_complete_day(watermark_us, pipeline);
    environment.add_function("matured", move |days: i64| date_literal(plus(complete, -days)));
    let views: Vec<Value> = metrics.iter().map(|t| table_view(t, pipeline, parameters)).collect();
    let values = context! {
        dimensions => pipeline.dimensions.clone(),
        starts => dates.iter().copied().map(date_literal).collect::<Vec<_>>(),
        from_day => date_literal(parameters.interval.start),
        to_day => date_literal(parameters.interval.end),
        watermark_us => watermark_us,
        history_start_day => date_literal(parameters.history_start),
        reliable_from_day => date_literal(plus(parameters.history_start, UNRELIABLE_DAYS)),
        handoff_join_us => pipeline.sessions.handoff_join_us,
        no_position => NO_POSITION,
        far_past_us => FAR_PAST_US,
        low_n => pipeline.low_n,
        probe_minutes => pipeline.uptime.probe_minutes,
        answer_within_ms => pipeline.uptime.answer_within_ms,
        warn_volume => pipeline.warnings.volume,
        warn_null_rate => pipeline.warnings.null_rate,
        warn_rows => pipeline.warnings.rows,
        timezone => pipeline.zone.name(),
        additive_metrics => metrics_that(metrics, Additivity::Additive),
        ratio_metrics => metrics_that(metrics, Additivity::RatioOfSums),
        z => Z,
        z2 => Z2,
        metric_tables => views,
        profiles => pipeline.profiles.iter().map(profile_view).collect::<Vec<_>>(),
        rollouts => pipeline.rollouts.iter().map(rollout_view).collect::<Vec<_>>(),
        ..money::values(pipeline),
    };
    environment.render_str(template, values).map_err(|error| {
        let diagnostic = Diagnostic {
            file: file.to_owned(),
            line: error.line().unwrap_or(0),
            column: usize::from(error.line().is_some()),
            message: match error.detail() {
                Some(detail) => format!("{}: {detail}", error.kind()),
                None => error.kind().to_string(),
            },
            remedy: None,
        };
        Error::diagnosed("a model's template cannot be filled in", vec![diagnostic])
    })
}

/// The tables whose metrics `kpi_daily` publishes, with the definitions that version them.
pub fn metric_table(
    model: &Model,
    definition: &str,
    inputs: BTreeSet<Kind>,
    pipeline: &Pipeline,
) -> MetricTable {
    let is_other = |name: &&str| !pipeline.dimensions.iter().any(|d| d == name);
    MetricTable {
        name: model.name.clone(),
        every_slice: model.every_slice,
        other_columns: model
            .columns
            .iter()
            .map(|c| c.column.name.as_str())
            .filter(is_other)
            .map(str::to_owned)
            .collect(),
        definition: definition.to_owned(),
        metrics: model.metrics.clone(),
        inputs,
    }
}

fn add_macros(environment: &mut Environment<'_>, pipeline: &Pipeline) {
    let names = pipeline.dimensions.clone();
    environment.add_function("dims", move |pattern: Option<String>, separator: Option<String>| {
        let pattern = pattern.unwrap_or_else(|| "$".to_owned());
        let each = names.iter().map(|d| pattern.replace('$', d)).collect::<Vec<_>>();
        each.join(separator.as_deref().unwrap_or(", "))
    });
    // The dimensions and one more column, where it is none of them.
    let names = pipeline.dimensions.clone();
    environment.add_function(
        "dims_and",
        move |other: String, pattern: Option<String>, separator: Option<String>| {
            let pattern = pattern.unwrap_or_else(|| "$".to_owned());
            let other = (!names.contains(&other)).then_some(&other);
            let each = names.iter().chain(other).map(|d| pattern.replace('$', d));
            each.collect::<Vec<_>>().join(separator.as_deref().unwrap_or(", "))
        },
    );
    let names = pipeline.dimensions.clone();
    environment.add_function("slices", move |table: String| {
        let slice =
            |d: &String| format!("CASE WHEN g.keep_{d} = 1 THEN {table}.{d} ELSE '*' END AS {d}");
        names.iter().map(slice).collect::<Vec<_>>().join(", ")
    });
    let sessions = pipeline.sessions.clone();
    environment.add_function("timeout_us", move |column: String| {
        if sessions.timeout_by_channel.is_empty() {
            return sessions.timeout_us.to_string();
        }
        let mut sql = format!("CASE {column}");
        for (channel, timeout) in &sessions.timeout_by_channel {
            sql.push_str(&format!(" WHEN '{channel}' THEN {timeout}"));
        }
        sql.push_str(&format!(" ELSE {} END", sessions.timeout_us));
        sql
    });
    environment.add_function("named", |dimension: String| match dimension.as_str() {
        "identity_kind" => "identity_kind <> 'unknown'".to_owned(),
        _ => format!("{dimension} IS NOT NULL"),
    });
    // The value at 1-based position ceil(p/100 * n) of the ascending list, in whole numbers.
    environment.add_function("percentile", |value: String, rank: String, n: String, p: i64| {
        format!("MIN(CASE WHEN {rank} * 100 >= {p} * {n} THEN {value} END)")
    });
    environment.add_function("positive", |table: String| judged(&table, POSITIVE));
    environment.add_function("negative", |table: String| judged(&table, NEGATIVE));
}

/// Answers that count for and against a resolution, by instrument.
const POSITIVE: [(&str, &str); 3] = [("helpful", "= 1"), ("csat_5", ">= 4"), ("rating_10", ">= 8")];
const NEGATIVE: [(&str, &str); 3] = [("helpful", "= 0"), ("csat_5", "<= 2"), ("rating_10", "<= 4")];

fn judged(table: &str, answers: [(&str, &str); 3]) -> String {
    let one = |(instrument, test): (&str, &str)| {
        format!("({table}.instrument = '{instrument}' AND {table}.score {test})")
    };
    format!("({})", answers.map(one).join(" OR "))
}

/// A vendor's rules; its name is one of those that the program knows.
fn profile_view(profile: &Profile) -> Value {
    context! {
        name => profile.name.as_str(),
        timeout_us => profile.timeout_us,
        counts_tests => profile.counts_tests,
        counts_copies => profile.counts_copies,
        must_stay_closed => profile.must_stay_closed,
        metrics => profile.metrics.clone(),
        outcome => profile.outcome.as_str(),
    }
}

/// A rollout's windows as half-open spans; its services, and the arms of its holdout, as lists of
/// literals.
fn rollout_view(rollout: &Rollout) -> Value {
    let after = plus(rollout.date, i64::from(rollout.ramp_days));
    let quoted = |text: &String| format!("'{}'", text.replace('\'', "''"));
    let list = |texts: &[String]| texts.iter().map(quoted).collect::<Vec<_>>().join(", ");
    context! {
        name => rollout.name.replace('\'', "''"),
        services => list(&rollout.services),
        holdout => list(&rollout.holdout),
        pre_from => date_literal(plus(rollout.date, -i64::from(rollout.pre_days))),
        pre_to => date_literal(rollout.date),
        post_from => date_literal(after),
        post_to => date_literal(plus(after, i64::from(rollout.post_days))),
    }
}

/// Whether `template`, or what it includes, uses `word`.
pub fn mentions(template: &str, word: &str) -> bool {
    let included = |(name, text): &(&str, &str)| template.contains(name) && mentions(text, word);
    template.contains(word) || SHARED.iter().any(included)
}

fn metrics_that(tables: &[MetricTable], are: Additivity) -> Vec<String> {
    let metrics = tables.iter().flat_map(|t| &t.metrics).filter(|m| m.additivity == are);
    metrics.map(|m| m.name.clone()).collect()
}

/// A table as templates see it.
fn table_view(table: &MetricTable, pipeline: &Pipeline, parameters: &Parameters) -> Value {
    let complete = last_complete_day(parameters.watermarks.of(&table.inputs), pipeline);
    let metric = |m: &Metric| {
        context! {
            name => m.name.as_str(),
            numerator => m.numerator.as_str(),
            denominator => m.denominator.as_str(),
            n => m.n.as_str(),
            unit => m.unit.as_str(),
            additivity => m.additivity.name(),
            maturity_days => m.maturity_days,
            doc => m.doc.as_str(),
            proportion => m.proportion,
            definition => table.definition.as_str(),
            final_to_day => date_literal(plus(complete, -i64::from(m.maturity_days))),
        }
    };
    context! {
        name => table.name.as_str(),
        every_slice => table.every_slice,
        other_columns => table.other_columns.clone(),
        metrics => table.metrics.iter().map(metric).collect::<Vec<Value>>(),
    }
}

/// The newest local day that ends at or before the watermark.
fn last_complete_day(watermark_us: i64, pipeline: &Pipeline) -> NaiveDate {
    plus(local_date(watermark_us, pipeline.zone), -1)
}

pub(super) fn date_literal(date: NaiveDate) -> String {
    format!("DATE '{}'", date.format("%Y-%m-%d"))
}
