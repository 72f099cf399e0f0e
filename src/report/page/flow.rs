//! What happened over time: how sessions ended, how long answers took, and who came back.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde::Serialize;

use super::card::Maker;
use super::chart::bars::{Bars, Below, Column, Part, bars};
use super::locale::Unit;
use super::material::Bucket;
use super::texts::OutcomeText;
use crate::interval::{Every, Interval};

/// Drawn for a phone and for a desk.
const WIDTHS: [f64; 2] = [340.0, 740.0];
/// More days than these are drawn as weeks.
const MOST_DAYS: usize = 92;

#[derive(Debug, Clone, Serialize)]
pub struct Outcomes {
    pub pictures: Vec<Bars>,
    pub by_week: bool,
    pub legend: Vec<OutcomeRow>,
    pub total: String,
    /// One for each column of the picture, in the order of the legend.
    pub rows: Vec<TableRow>,
}

/// A row of a table: its head and its cells.
#[derive(Debug, Clone, Serialize)]
pub struct TableRow {
    pub head: String,
    pub cells: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct OutcomeRow {
    pub name: String,
    pub outcome: String,
    pub group: String,
    pub mark: String,
    pub sessions: String,
    pub share: String,
    pub before: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct Times {
    pub pictures: Vec<Bars>,
    pub answered: String,
    /// Percentiles: 50, 90, 95 and 99, at most this long.
    pub percentiles: Vec<(u32, String)>,
    /// Head: from; cells: turns, share, share before.
    pub rows: Vec<TableRow>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Triangle {
    pub windows: Vec<String>,
    pub rows: Vec<TriangleRow>,
}

#[derive(Debug, Clone, Serialize)]
pub struct TriangleRow {
    pub week: String,
    pub users: String,
    pub low_n: bool,
    pub cells: Vec<TriangleCell>,
}

#[derive(Debug, Clone, Serialize, Default)]
pub struct TriangleCell {
    /// None before its days are over.
    pub value: Option<String>,
    /// 0 to 5: how dark.
    pub heat: usize,
    /// Some days of the week are not over.
    pub partial: bool,
}

/// None without sessions in the period.
pub fn outcomes(maker: &Maker<'_>) -> Option<Outcomes> {
    let period = maker.material.span.period;
    let known = known_outcomes(maker);
    let sum = |days: Interval, outcome: Option<&str>| -> i64 {
        let rows = maker.material.outcomes.iter().filter(|row| days.contains(row.date));
        rows.filter(|row| outcome.is_none_or(|o| o == row.outcome)).map(|row| row.sessions).sum()
    };
    let (total, total_before) = (sum(period, None), sum(maker.material.span.before, None));
    if total == 0 {
        return None;
    }
    let every = if period.len() > MOST_DAYS { Every::Week } else { Every::Day };
    let spans: Vec<Interval> =
        every.starts(period).into_iter().map(|start| every.days(start).intersect(period)).collect();
    let part = |days: Interval, text: &OutcomeText| Part {
        value: sum(days, Some(&text.outcome)) as f64,
        group: text.group.clone(),
        mark: text.mark.clone(),
    };
    let column = |days: &Interval| Column {
        label: maker.locale.short_date(days.start),
        parts: known.iter().map(|text| part(*days, text)).collect(),
    };
    let columns: Vec<Column> = spans.iter().map(column).collect();
    let unit = Unit::Count(String::new());
    let share = |part: i64, of: i64| match of {
        0 => "–".to_owned(),
        of => maker.locale.percent(part as f64 / of as f64, 1),
    };
    let row = |text: &OutcomeText| {
        let sessions = sum(period, Some(&text.outcome));
        OutcomeRow {
            name: text.name.in_language(maker.texts.language).to_owned(),
            outcome: text.outcome.clone(),
            group: text.group.clone(),
            mark: text.mark.clone(),
            sessions: maker.locale.count(sessions),
            share: share(sessions, total),
            before: share(sum(maker.material.span.before, Some(&text.outcome)), total_before),
        }
    };
    let cells = |days: &Interval| TableRow {
        head: maker.locale.days(*days),
        cells: known.iter().map(|t| maker.locale.count(sum(*days, Some(&t.outcome)))).collect(),
    };
    Some(Outcomes {
        pictures: WIDTHS
            .map(|width| bars(&columns, width, &unit, Below::Middle, maker.locale))
            .to_vec(),
        by_week: every == Every::Week,
        legend: known.iter().map(row).collect(),
        total: maker.locale.count(total),
        rows: spans.iter().map(cells).collect(),
    })
}

/// The states of the list, and after them what the table has besides.
fn known_outcomes(maker: &Maker<'_>) -> Vec<OutcomeText> {
    let mut known = maker.texts.nouns.outcomes.clone();
    let found: BTreeSet<&String> = maker.material.outcomes.iter().map(|row| &row.outcome).collect();
    for outcome in found {
        if !known.iter().any(|text| text.outcome == *outcome) {
            known.push(OutcomeText::unknown(outcome));
        }
    }
    known
}

/// None without an answered turn in the period.
pub fn times(maker: &Maker<'_>) -> Option<Times> {
    let of = |is_before: bool| {
        let own = maker.material.times.iter().filter(move |bucket| bucket.is_before == is_before);
        own.collect::<Vec<_>>()
    };
    let (now, before) = (of(false), of(true));
    let answered: i64 = now.iter().map(|bucket| bucket.answered).sum();
    let answered_before: i64 = before.iter().map(|bucket| bucket.answered).sum();
    let first = now.iter().filter(|b| b.answered > 0).map(|b| edge(b.from_ms)).min()?;
    let last = now.iter().map(|b| edge(b.from_ms)).max()?;
    let edges: Vec<i64> = edges().filter(|edge| (first..=last).contains(edge)).collect();
    let within = |buckets: &[&Bucket], from: i64| -> i64 {
        buckets.iter().filter(|b| edge(b.from_ms) == from).map(|b| b.answered).sum()
    };
    let duration = |ms: i64| maker.locale.value(ms as f64, &Unit::Milliseconds);
    let column = |from: &i64| Column {
        label: short_duration(*from, maker),
        parts: vec![Part {
            value: within(&now, *from) as f64,
            group: "plain".to_owned(),
            mark: "plain".to_owned(),
        }],
    };
    let columns: Vec<Column> = edges.iter().map(column).collect();
    let percentiles = [50, 90, 95, 99].map(|p| (p, percentile(&now, answered, i64::from(p))));
    let unit = Unit::Count(String::new());
    let picture = |width: f64| {
        let mut drawn = bars(&columns, width, &unit, Below::Edge, maker.locale);
        for (p, ms) in percentiles.iter().filter(|(p, _)| [50, 95].contains(p)) {
            let label = maker
                .texts
                .fill("percentile_mark", &[("p", &p.to_string()), ("time", &duration(*ms))]);
            drawn.mark(columns.len(), position(&edges, *ms), label);
        }
        drawn
    };
    let share = |part: i64, of: i64| match of {
        0 => "–".to_owned(),
        of => maker.locale.percent(part as f64 / of as f64, 1),
    };
    let row = |from: &i64| TableRow {
        head: maker.texts.fill("from_on", &[("from", &duration(*from))]),
        cells: vec![
            maker.locale.count(within(&now, *from)),
            share(within(&now, *from), answered),
            share(within(&before, *from), answered_before),
        ],
    };
    Some(Times {
        pictures: WIDTHS.map(picture).to_vec(),
        answered: maker.locale.count(answered),
        percentiles: percentiles.map(|(p, ms)| (p, duration(ms))).to_vec(),
        rows: edges.iter().map(row).collect(),
    })
}

/// Where the picture's columns begin: six in each power of ten, which are edges of the table's
/// buckets, too.
fn edges() -> impl Iterator<Item = i64> {
    let decades = (1..=7).map(|power| 10_i64.pow(power));
    let inner = decades.flat_map(|ten| [10, 15, 20, 30, 50, 70].map(|tenth| tenth * ten / 10));
    [0].into_iter().chain(inner).chain([100_000_000])
}

/// The last edge at or before `ms`.
fn edge(ms: i64) -> i64 {
    edges().take_while(|edge| *edge <= ms).last().unwrap_or(0)
}

/// Where `ms` is among the columns that begin at `edges`.
fn position(edges: &[i64], ms: i64) -> f64 {
    let at = edges.iter().rposition(|edge| *edge <= ms).unwrap_or(0);
    let from = edges.get(at).copied().unwrap_or(0);
    let next = self::edges().find(|edge| *edge > from).unwrap_or(from + 1);
    at as f64 + ((ms - from) as f64 / (next - from) as f64).clamp(0.0, 1.0)
}

/// The longest time in the bucket that holds the nearest rank, as in the tables of weeks.
fn percentile(buckets: &[&Bucket], n: i64, p: i64) -> i64 {
    let mut sorted = buckets.to_vec();
    sorted.sort_by_key(|bucket| bucket.from_ms);
    let mut so_far = 0;
    let holds = sorted.into_iter().find(|bucket| {
        so_far += bucket.answered;
        so_far * 100 >= p * n
    });
    holds.map_or(0, |bucket| bucket.to_ms.map_or(bucket.from_ms, |to| to - 1))
}

/// An edge without needless digits.
fn short_duration(ms: i64, maker: &Maker<'_>) -> String {
    let (value, suffix) = match ms {
        0..1000 => (ms as f64, "ms"),
        1000..60_000 => (ms as f64 / 1000.0, "s"),
        60_000..3_600_000 => (ms as f64 / 60_000.0, "min"),
        _ => (ms as f64 / 3_600_000.0, "h"),
    };
    let digits = usize::from(value.fract() != 0.0);
    format!("{}\u{a0}{suffix}", maker.locale.number(value, digits))
}

/// None without a cohort of which a window is over.
pub fn triangle(maker: &Maker<'_>) -> Option<Triangle> {
    let windows = &maker.texts.nouns.retention;
    let mut pooled: BTreeMap<(NaiveDate, &str), (i64, i64)> = BTreeMap::new();
    // The last cohort of which a window's days are over.
    let mut ripe: BTreeMap<&str, NaiveDate> = BTreeMap::new();
    for row in &maker.material.retention {
        let week = Every::Week.start(row.date);
        let sums = pooled.entry((week, &row.window)).or_default();
        *sums = (sums.0 + row.retained, sums.1 + row.cohort);
        let last = ripe.entry(&row.window).or_insert(row.date);
        *last = row.date.max(*last);
    }
    let weeks: BTreeSet<NaiveDate> = pooled.keys().map(|(week, _)| *week).collect();
    let share = |week: NaiveDate, window: &str| {
        let (retained, cohort) = pooled.get(&(week, window)).filter(|sums| sums.1 > 0)?;
        Some(*retained as f64 / *cohort as f64)
    };
    let all = weeks.iter().flat_map(|week| windows.iter().map(move |w| (*week, w.window.as_str())));
    let most = all.filter_map(|(week, window)| share(week, window)).fold(0.0, f64::max);
    let cell = |week: NaiveDate, window: &str| {
        let Some(value) = share(week, window) else { return TriangleCell::default() };
        let heat = if most > 0.0 { (value / most * 5.0).round() as usize } else { 0 };
        let last_day = Every::Week.days(week).end.pred_opt();
        let partial = ripe.get(window).is_some_and(|ripe| last_day.is_some_and(|day| day > *ripe));
        TriangleCell { value: Some(maker.locale.percent(value, 1)), heat, partial }
    };
    let row = |week: &NaiveDate| {
        let users = windows.iter().filter_map(|w| pooled.get(&(*week, w.window.as_str())));
        let users = users.map(|sums| sums.1).max().unwrap_or(0);
        TriangleRow {
            week: maker.locale.date(*week),
            users: maker.locale.count(users),
            low_n: users < i64::from(maker.material.low_n),
            cells: windows.iter().map(|window| cell(*week, &window.window)).collect(),
        }
    };
    let name = |days: u32| {
        maker.texts.fill("within_days", &[("days", &maker.locale.count(i64::from(days)))])
    };
    (!weeks.is_empty()).then(|| Triangle {
        windows: windows.iter().map(|window| name(window.days)).collect(),
        rows: weeks.iter().map(row).collect(),
    })
}
