//! What the report's page shows, read from published tables through the engine.
//!
//! Promises: SQL filters and adds up whole numbers, and names no metric; what a number means is the
//! page's. Leaves out: the page (`report::page`).

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate};

use super::compared;
use super::published::{Columns, Published};
use crate::engine::{Engine, TableData};
use crate::error::{Error, ErrorKind, Result};
use crate::infer::Row;
use crate::interval::{Every, Interval, from_day_number, plus};
use crate::model::catalog::Catalog;
use crate::pipeline::Pipeline;
use crate::report::page::{
    Bucket, Cell, Cohort, Definition, Ingested, Load, Material, OutcomeDay, Span,
};

/// Days of a page that nobody chose: four of each weekday.
const USUAL_DAYS: i64 = 28;
/// Weeks of cohorts in the triangle.
const COHORT_WEEKS: i64 = 12;
const CELLS: &str = "kpi_daily";
/// The table of the rollout comparison.
pub const COMPARED: &str = "fct_rollout_comparison";

/// Reads what the page of `days` shows; without them, of the last four weeks that are published.
///
/// # Errors
/// Input where no daily metrics are published; corrupt where a table is not what a run writes.
pub fn told(
    engine: &dyn Engine,
    pipeline: &Pipeline,
    catalog: &Catalog,
    published: &Published<'_>,
    days: Option<Interval>,
) -> Result<Material> {
    let dates: Vec<NaiveDate> = published.partitions(CELLS).iter().map(|p| p.date).collect();
    let (Some(first), Some(last)) = (dates.first(), dates.last()) else {
        return Err(Error::new(ErrorKind::Input, "the warehouse holds no daily metrics yet")
            .context("table", CELLS)
            .context("warehouse", published.warehouse.store().url(""))
            .remedy("`chatkpi run PIPELINE` makes them from the logs"));
    };
    let usual = Interval::new(plus(*last, 1 - USUAL_DAYS).max(*first), plus(*last, 1));
    let span = Span::of(days.unwrap_or(usual));
    let rollouts: Vec<String> = pipeline.rollouts.iter().map(|r| r.name.clone()).collect();
    let mut reader =
        Reader { engine, published, together: together(pipeline), span, missing: BTreeSet::new() };
    Ok(Material {
        pipeline: pipeline.name.clone(),
        warehouse: published.warehouse.store().url(""),
        generation: published.warehouse.manifest().generation,
        span,
        days: dates.into_iter().filter(|date| span.all().contains(*date)).collect(),
        has_totals: pipeline.grouping_sets.iter().any(|set| !set.contains(&true)),
        low_n: pipeline.low_n,
        currency: pipeline.assumptions.currency.clone(),
        definitions: definitions(catalog),
        cells: reader.cells()?,
        outcomes: reader.outcomes()?,
        times: reader.times()?,
        retention: reader.retention()?,
        compared: if rollouts.is_empty() { Vec::new() } else { reader.compared(&rollouts)? },
        rollouts,
        loads: reader.loads(pipeline)?,
        ingested: reader.ingested()?,
        missing: reader.missing,
    })
}

/// The rows of the rollout comparison; None where there is no such table.
pub fn comparison(engine: &dyn Engine, published: &Published<'_>) -> Result<Option<Vec<Row>>> {
    let Some(table) = published.table(COMPARED, Interval::day(Every::ONCE))? else {
        return Ok(None);
    };
    let TableData::Files(files) = table.data else { return Ok(None) };
    let rows = files.into_iter().map(|file| compared::read(engine, file, table.columns.clone()));
    Ok(Some(rows.collect::<Result<Vec<_>>>()?.concat()))
}

fn definitions(catalog: &Catalog) -> Vec<Definition> {
    let all =
        catalog.metrics.iter().flat_map(|table| table.metrics.iter().map(move |m| (table, m)));
    all.map(|(table, metric)| Definition {
        metric: metric.name.clone(),
        table: table.name.clone(),
        unit: metric.unit.clone(),
        additivity: metric.additivity,
        proportion: metric.proportion,
        maturity_days: metric.maturity_days,
        doc: metric.doc.clone(),
        family: metric.family,
    })
    .collect()
}

/// The condition that all dimensions are together.
fn together(pipeline: &Pipeline) -> String {
    let each = pipeline.dimensions.iter().map(|dimension| format!("{dimension} = '*'"));
    each.collect::<Vec<_>>().join(" AND ")
}

struct Reader<'a> {
    engine: &'a dyn Engine,
    published: &'a Published<'a>,
    together: String,
    span: Span,
    missing: BTreeSet<String>,
}

impl Reader<'_> {
    /// What `row` makes of each row of `sql` over the days of `table`.
    fn rows<T>(
        &mut self,
        table: &str,
        days: Interval,
        sql: &str,
        row: impl Fn(&Columns, usize) -> Result<T>,
    ) -> Result<Vec<T>> {
        let Some(input) = self.published.table(table, days)? else {
            self.missing.insert(table.to_owned());
            return Ok(Vec::new());
        };
        if matches!(&input.data, TableData::Files(files) if files.is_empty()) {
            return Ok(Vec::new());
        }
        let columns = Columns::read(self.engine, sql, input)?;
        (0..columns.rows()).map(|at| row(&columns, at)).collect()
    }

    fn cells(&mut self) -> Result<Vec<Cell>> {
        let sql = format!(
            "SELECT date, metric, numerator, denominator, value, ci_low, ci_high, n, low_n, status, \
             definition_version FROM kpi_daily WHERE {}",
            self.together
        );
        let mut cells = self.rows(CELLS, self.span.all(), &sql, |found, at| {
            let number = |name| Ok::<_, Error>(found.number(name, at)?.unwrap_or_default());
            Ok(Cell {
                metric: found.text("metric", at)?,
                date: day(found.whole("date", at)?),
                numerator: number("numerator")?,
                denominator: number("denominator")?,
                value: number("value")?,
                interval: found.number("ci_low", at)?.zip(found.number("ci_high", at)?),
                n: found.whole("n", at)?.unwrap_or_default(),
                low_n: found.flag("low_n", at)?,
                is_final: found.text("status", at)? == "final",
                definition_version: found.text("definition_version", at)?,
            })
        })?;
        cells.sort_by(|a, b| (&a.metric, a.date).cmp(&(&b.metric, b.date)));
        Ok(cells)
    }

    fn outcomes(&mut self) -> Result<Vec<OutcomeDay>> {
        let sql = "SELECT date, outcome, CAST(SUM(sessions) AS BIGINT) AS sessions \
                   FROM fct_outcome_daily GROUP BY date, outcome";
        let mut outcomes = self.rows("fct_outcome_daily", self.span.all(), sql, |found, at| {
            Ok(OutcomeDay {
                date: day(found.whole("date", at)?),
                outcome: found.text("outcome", at)?,
                sessions: found.whole("sessions", at)?.unwrap_or_default(),
            })
        })?;
        outcomes.sort_by(|a, b| (a.date, &a.outcome).cmp(&(b.date, &b.outcome)));
        Ok(outcomes)
    }

    fn times(&mut self) -> Result<Vec<Bucket>> {
        let (span, table) = (self.span, "fct_response_time_hist_daily");
        let sql = "SELECT bucket_from_ms, MAX(bucket_to_ms) AS bucket_to_ms, \
                   CAST(SUM(answered) AS BIGINT) AS answered \
                   FROM fct_response_time_hist_daily GROUP BY bucket_from_ms";
        let mut times = Vec::new();
        for (is_before, days) in [(false, span.period), (true, span.before)] {
            times.extend(self.rows(table, days, sql, |found, at| {
                Ok(Bucket {
                    is_before,
                    from_ms: found.whole("bucket_from_ms", at)?.unwrap_or_default(),
                    to_ms: found.whole("bucket_to_ms", at)?,
                    answered: found.whole("answered", at)?.unwrap_or_default(),
                })
            })?);
        }
        times.sort_by_key(|bucket| (bucket.is_before, bucket.from_ms));
        Ok(times)
    }

    fn retention(&mut self) -> Result<Vec<Cohort>> {
        let end = self.span.period.end;
        let week = Every::Week.start(plus(end, -1));
        let days = Interval::new(plus(week, -7 * (COHORT_WEEKS - 1)), end);
        let sql = format!(
            "SELECT date, retention_window, retained, cohort FROM fct_retention WHERE {}",
            self.together
        );
        let mut cohorts = self.rows("fct_retention", days, &sql, |found, at| {
            Ok(Cohort {
                date: day(found.whole("date", at)?),
                window: found.text("retention_window", at)?,
                retained: found.whole("retained", at)?.unwrap_or_default(),
                cohort: found.whole("cohort", at)?.unwrap_or_default(),
            })
        })?;
        cohorts.sort_by(|a, b| (a.date, &a.window).cmp(&(b.date, &b.window)));
        Ok(cohorts)
    }

    /// Without rollouts that the pipeline names no more: they were taken back.
    fn compared(&mut self, rollouts: &[String]) -> Result<Vec<Row>> {
        let Some(mut rows) = comparison(self.engine, self.published)? else {
            self.missing.insert(COMPARED.to_owned());
            return Ok(Vec::new());
        };
        rows.retain(|row| rollouts.contains(&row.rollout));
        Ok(rows)
    }

    fn loads(&mut self, pipeline: &Pipeline) -> Result<Vec<Load>> {
        let sql = "SELECT table_name, MAX(day) AS last_day, CAST(COUNT(*) AS BIGINT) AS partitions, \
                   CAST(SUM(CASE WHEN status = 'provisional' THEN 1 ELSE 0 END) AS BIGINT) AS provisional, \
                   CAST(SUM(CASE WHEN restated IS NULL THEN 0 ELSE 1 END) AS BIGINT) AS restated, \
                   CAST(SUM(row_count) AS BIGINT) AS row_count, \
                   CAST(MAX(loaded_at) AS BIGINT) AS loaded_us \
                   FROM audit_load GROUP BY table_name";
        let mut loads = self.rows("audit_load", Interval::day(Every::ONCE), sql, |found, at| {
            let whole = |name| Ok::<_, Error>(found.whole(name, at)?.unwrap_or_default());
            let loaded = DateTime::from_timestamp_micros(whole("loaded_us")?).unwrap_or_default();
            Ok(Load {
                table: found.text("table_name", at)?,
                last: found.whole("last_day", at)?.map(|number| day(Some(number))),
                partitions: whole("partitions")?,
                provisional: whole("provisional")?,
                restated: whole("restated")?,
                rows: whole("row_count")?,
                loaded: loaded.with_timezone(&pipeline.zone).naive_local(),
            })
        })?;
        loads.sort_by(|a, b| a.table.cmp(&b.table));
        Ok(loads)
    }

    fn ingested(&mut self) -> Result<Vec<Ingested>> {
        let sql = "SELECT source, measure, reason, CAST(SUM(counted) AS BIGINT) AS counted \
                   FROM audit_ingest GROUP BY source, measure, reason";
        let once = Interval::day(Every::ONCE);
        let mut ingested = self.rows("audit_ingest", once, sql, |found, at| {
            Ok(Ingested {
                source: found.text("source", at)?,
                measure: found.text("measure", at)?,
                reason: found.text("reason", at)?,
                counted: found.whole("counted", at)?.unwrap_or_default(),
            })
        })?;
        ingested.sort_by(|a, b| {
            (&a.source, &a.measure, &a.reason).cmp(&(&b.source, &b.measure, &b.reason))
        });
        Ok(ingested)
    }
}

fn day(number: Option<i64>) -> NaiveDate {
    from_day_number(number.and_then(|days| i32::try_from(days).ok()).unwrap_or_default())
}
