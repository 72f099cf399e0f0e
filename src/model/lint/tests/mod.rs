//! What the linter refuses, where, and that what it recommends instead passes.

mod expressions;
mod queries;

use std::collections::BTreeSet;

use super::{lint, referenced_tables};

/// A refused spelling, and the accepted one that its remedy leads to.
///
/// `»` in `refused` marks the place that the finding must name. The SQL reads tables `t`, `u` and
/// `events`.
struct Case {
    refused: &'static str,
    message: &'static str,
    remedy: &'static str,
    accepted: &'static str,
}

fn case(
    refused: &'static str,
    message: &'static str,
    remedy: &'static str,
    accepted: &'static str,
) -> Case {
    Case { refused, message, remedy, accepted }
}

fn tables() -> BTreeSet<String> {
    ["t", "u", "events"].map(str::to_owned).into()
}

/// Shows every case that fails, not only the first.
fn prove(cases: &[Case]) {
    let wrong: Vec<String> = cases.iter().filter_map(|case| disproved(case).err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

fn disproved(case: &Case) -> Result<(), String> {
    let Case { refused, message, remedy, accepted } = case;
    let marked = refused.find('»').ok_or_else(|| format!("no place marked in {refused}"))?;
    let found = lint("query.sql", &refused.replace('»', ""), &tables());
    let right = match found.as_slice() {
        [one] => {
            (one.line, one.column) == (1, marked + 1)
                && one.message.contains(message)
                && one.remedy.as_deref().is_some_and(|text| text.contains(remedy))
        }
        _ => false,
    };
    if !right {
        return Err(format!("{refused}\n{found:#?}"));
    }
    let left = lint("query.sql", accepted, &tables());
    if left.is_empty() { Ok(()) } else { Err(format!("{accepted}\n{left:#?}")) }
}

#[test]
fn every_finding_comes_at_once_in_order_of_place() {
    let sql =
        "WITH x AS (\n  SELECT NOW() AS at, \"g\" FROM t\n)\nSELECT at, v % 2 AS odd\nFROM x\n";
    let found = lint("query.sql", sql, &tables());
    let places: Vec<(usize, usize)> = found.iter().map(|d| (d.line, d.column)).collect();
    assert_eq!(places, [(1, 6), (2, 10), (2, 23), (4, 12)], "{found:#?}");
    assert!(found.iter().all(|d| d.remedy.is_some() && d.file == "query.sql"));
}

#[test]
fn text_that_is_not_sql_has_a_place_too() {
    let found = lint("query.sql", "SELECT a\nFROM t WHERE )", &tables());
    assert_eq!((found[0].line, found[0].column), (2, 14), "{found:#?}");
    let found = lint("query.sql", "SELECT 'a\nFROM t", &tables());
    assert_eq!((found[0].line, found[0].column), (1, 8), "{found:#?}");
    assert!(!lint("query.sql", "", &tables()).is_empty());
    assert!(!lint("query.sql", "DROP TABLE t", &tables()).is_empty());
}

#[test]
fn the_tables_read_are_those_of_every_level_without_the_ctes() {
    let sql = "WITH c_a AS (WITH c_i AS (SELECT v FROM t) SELECT v FROM c_i) \
               SELECT c_a.v FROM c_a JOIN (SELECT v FROM events) AS q ON c_a.v = q.v \
               WHERE c_a.v IN (SELECT u.v FROM u)";
    let expected: BTreeSet<String> = ["events", "t", "u"].map(str::to_owned).into();
    assert_eq!(referenced_tables("query.sql", sql), Ok(expected));
    assert!(referenced_tables("query.sql", "SELECT FROM (").is_err());
    assert!(referenced_tables("query.sql", "DROP TABLE t").is_err());
}

#[test]
fn a_real_model_passes() {
    let inputs = ["events", "sessions", "calendar"].map(str::to_owned).into();
    let found = lint("query.sql", REAL_MODEL, &inputs);
    assert!(found.is_empty(), "{found:#?}");
}

const REAL_MODEL: &str = r"
-- Sessions of a day, cut by the gap, rolled up over every mask of the dimensions.
WITH c_deduped AS (
  SELECT event_id, user_key, bot, channel, ts_ms, date, actor, latency_ms, is_fallback,
         ROW_NUMBER() OVER (PARTITION BY event_id ORDER BY ts_ms, event_id) AS copy
  FROM events
  WHERE date >= DATE '2026-02-28' AND date <= DATE '2026-03-02' AND actor IN ('user', 'bot')
),
c_gaps AS (
  SELECT event_id, user_key, bot, channel, ts_ms, date, actor, latency_ms,
         LAG(ts_ms) OVER (PARTITION BY bot, user_key ORDER BY ts_ms, event_id) AS previous_ms,
         LEAD(actor) OVER (PARTITION BY bot, user_key ORDER BY ts_ms, event_id) AS next_actor
  FROM c_deduped
  WHERE copy = 1 AND NOT (is_fallback = TRUE AND latency_ms IS NULL)
),
c_numbered AS (
  SELECT event_id, user_key, bot, channel, ts_ms, date, actor, latency_ms, next_actor,
         SUM(CASE WHEN previous_ms IS NULL OR ts_ms - previous_ms > 1800000 THEN 1 ELSE 0 END)
           OVER (PARTITION BY bot, user_key ORDER BY ts_ms, event_id
                 ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS session_no
  FROM c_gaps
),
c_sessions AS (
  SELECT bot, channel, user_key, session_no,
         MIN(date) AS start_date, MAX(ts_ms) - MIN(ts_ms) AS length_ms,
         COUNT(CASE WHEN actor = 'user' THEN 1 END) AS questions,
         COUNT(DISTINCT event_id) AS messages,
         MAX(CASE WHEN actor = 'user' AND COALESCE(next_actor, 'none') <> 'bot' THEN 1 ELSE 0 END) AS unanswered
  FROM c_numbered
  GROUP BY bot, channel, user_key, session_no
  HAVING COUNT(*) > 1
),
c_masks AS (
  SELECT 0 AS all_bots, 0 AS all_channels
  UNION ALL SELECT 1 AS all_bots, 0 AS all_channels
  UNION ALL SELECT 1 AS all_bots, 1 AS all_channels
),
c_rolled AS (
  SELECT s.start_date,
         CASE WHEN m.all_bots = 1 THEN '*' ELSE s.bot END AS bot,
         CASE WHEN m.all_channels = 1 THEN '*' ELSE s.channel END AS channel,
         s.user_key, s.length_ms, s.questions, s.unanswered
  FROM c_sessions AS s
  CROSS JOIN c_masks AS m
),
c_ranked AS (
  SELECT start_date, bot, channel, length_ms,
         ROW_NUMBER() OVER (PARTITION BY start_date, bot, channel ORDER BY length_ms, user_key) AS rn,
         COUNT(*) OVER (PARTITION BY start_date, bot, channel) AS n
  FROM c_rolled
),
c_p95 AS (
  SELECT start_date, bot, channel, MIN(CASE WHEN rn * 100 >= n * 95 THEN length_ms END) AS p95_ms
  FROM c_ranked
  GROUP BY start_date, bot, channel
),
c_counts AS (
  SELECT start_date, bot, channel, COUNT(*) AS sessions, COUNT(DISTINCT user_key) AS users,
         CAST(SUM(unanswered) AS BIGINT) AS unanswered, CAST(SUM(questions) AS BIGINT) AS questions
  FROM c_rolled
  GROUP BY start_date, bot, channel
),
c_weekly AS (
  SELECT c.date, r.bot, COUNT(DISTINCT r.user_key) AS weekly_users
  FROM calendar AS c
  JOIN c_rolled AS r ON r.start_date <= c.date AND r.start_date >= c.date - INTERVAL '6 days'
  WHERE c.date IN (SELECT k.start_date FROM c_counts AS k)
  GROUP BY c.date, r.bot
),
c_rates AS (
  SELECT k.start_date, k.bot, k.channel, k.sessions, k.users, p.p95_ms, w.weekly_users,
         CAST(k.unanswered AS DOUBLE) / NULLIF(k.questions, 0) AS unanswered_rate,
         CAST(k.questions AS DOUBLE) AS n
  FROM c_counts AS k
  LEFT JOIN c_p95 AS p
    ON k.start_date = p.start_date AND k.bot = p.bot AND k.channel = p.channel
  LEFT JOIN c_weekly AS w ON w.date = k.start_date AND w.bot = k.bot
)
SELECT start_date AS date, bot, channel, sessions, users, p95_ms,
       COALESCE(weekly_users, 0) AS weekly_users, unanswered_rate,
       (unanswered_rate + CAST(1.92 AS DOUBLE) / NULLIF(n, 0)
         - CAST(1.96 AS DOUBLE) * SQRT(unanswered_rate * (1 - unanswered_rate) / NULLIF(n, 0)))
         / NULLIF(1 + CAST(3.84 AS DOUBLE) / NULLIF(n, 0), 0) AS ci_low
FROM c_rates
WHERE sessions > 0 AND unanswered_rate < 0.95
";
