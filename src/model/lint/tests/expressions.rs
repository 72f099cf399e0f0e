//! Functions, operators, literals, types and windows.

use super::{case, lint, prove, tables};

const RUNNING: &str = "SELECT SUM(v) OVER (PARTITION BY g ORDER BY o, v \
                       ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS s FROM t";
const ROW_NUMBER: &str = "SELECT ROW_NUMBER() OVER (ORDER BY o, v) AS r FROM t";
const QUOTIENT: &str = "SELECT CAST(FLOOR(CAST(v AS DOUBLE) / NULLIF(o, 0)) AS BIGINT) AS q FROM t";
const RANKED: &str = "WITH c_r AS (SELECT v, ROW_NUMBER() OVER (ORDER BY v) AS rn, \
                      COUNT(*) OVER () AS n FROM t WHERE v IS NOT NULL) \
                      SELECT MIN(CASE WHEN rn * 100 >= n * 95 THEN v END) AS p95 FROM c_r";

#[test]
#[rustfmt::skip]
fn functions() {
    prove(&[
        case("SELECT »DATE_TRUNC('week', ts) AS w FROM t", "DATE_TRUNC", "week_start", "SELECT week_start FROM t"),
        case("SELECT EXTRACT(HOUR FROM »ts) AS h FROM t", "EXTRACT", "hour", "SELECT hour FROM t"),
        case("SELECT »HOUR(ts) AS h FROM t", "HOUR", "hour", "SELECT hour FROM t"),
        case("SELECT »CURRENT_DATE AS d FROM t", "CURRENT_DATE", "template value", "SELECT DATE '2026-03-01' AS d FROM t"),
        case("SELECT »NOW() AS d FROM t", "NOW", "template value", "SELECT TIMESTAMP '2026-03-01 00:00:00' AS d FROM t"),
        case("SELECT »ts AT TIME ZONE 'UTC' AS d FROM t", "AT TIME ZONE", "local day", "SELECT date FROM t"),
        case("SELECT »DATEDIFF(a, b) AS d FROM t", "DATEDIFF", "day_no", "SELECT a_day_no - b_day_no AS d FROM t"),
        case("SELECT »DATE_SUB(date, 6) AS d FROM t", "DATE_SUB", "INTERVAL '6 days'", "SELECT CAST(date - INTERVAL '6 days' AS DATE) AS d FROM t"),
        case("SELECT »DATE(ts) AS d FROM t", "DATE", "CAST(x AS DATE)", "SELECT CAST(ts AS DATE) AS d FROM t"),
        case("SELECT g FROM t WHERE »REGEXP_LIKE(g, 'a+')", "REGEXP_LIKE", "mapping", "SELECT g FROM t WHERE g LIKE '%a%'"),
        case("SELECT »JSON_VALUE(g, '$.a') AS a FROM t", "JSON_VALUE", "mapping", "SELECT a FROM t"),
        case("SELECT »ARRAY_LENGTH(g) AS a FROM t", "ARRAY_LENGTH", "one row for each element", "SELECT COUNT(*) AS a FROM t"),
        case("SELECT »CONCAT(g, s) AS a FROM t", "CONCAT", "a || b", "SELECT g || s AS a FROM t"),
        case("SELECT »IF(v > 8, 1, 0) AS a FROM t", "IF", "CASE WHEN", "SELECT CASE WHEN v > 8 THEN 1 ELSE 0 END AS a FROM t"),
        case("SELECT »IFNULL(v, 0) AS a FROM t", "IFNULL", "COALESCE", "SELECT COALESCE(v, 0) AS a FROM t"),
        case("SELECT »ROUND(v) AS a FROM t", "ROUND", "FLOOR", "SELECT FLOOR(v + CAST(0.5 AS DOUBLE)) AS a FROM t"),
        case("SELECT »MOD(v, 3) AS a FROM t", "MOD", "CAST(FLOOR(", QUOTIENT),
        case("SELECT »POW(v, 3) AS a FROM t", "POW", "POWER", "SELECT POWER(v, 3) AS a FROM t"),
        case("SELECT »CEILING(v) AS a FROM t", "CEILING", "CEIL(x)", "SELECT CEIL(v) AS a FROM t"),
        case("SELECT FLOOR(»v TO DAY) AS a FROM t", "with a unit", "FLOOR(x)", "SELECT FLOOR(v) AS a FROM t"),
        case("SELECT SUBSTRING(»g, 1, 2) AS a FROM t", "SUBSTRING", "SUBSTR(x, 1, 2)", "SELECT SUBSTR(g, 1, 2) AS a FROM t"),
        case("SELECT SUBSTR(»g FROM 1 FOR 2) AS a FROM t", "SUBSTRING", "SUBSTR(x, 1, 2)", "SELECT SUBSTR(g, 1) AS a FROM t"),
        case("SELECT »CHAR_LENGTH(g) AS a FROM t", "CHAR_LENGTH", "LENGTH", "SELECT LENGTH(g) AS a FROM t"),
        case("SELECT POSITION(»'a' IN g) AS a FROM t", "POSITION", "LIKE", "SELECT g LIKE '%a%' AS a FROM t"),
        case("SELECT g FROM t WHERE »STARTS_WITH(g, 'a')", "STARTS_WITH", "LIKE 'start%'", "SELECT g FROM t WHERE g LIKE 'a%'"),
        case("SELECT TRIM(»'x' FROM g) AS a FROM t", "TRIM", "REPLACE", "SELECT TRIM(g) AS a, REPLACE(g, 'x', 'y') AS b FROM t"),
        case("SELECT »APPROX_COUNT_DISTINCT(g) AS a FROM t", "APPROX_COUNT_DISTINCT", "COUNT(DISTINCT x)", "SELECT COUNT(DISTINCT g) AS a FROM t"),
        case("SELECT »QUANTILE_CONT(v, 0.95) AS a FROM t", "QUANTILE_CONT", "rank in a CTE", RANKED),
        case("SELECT »PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY v) AS a FROM t", "PERCENTILE_CONT", "rank in a CTE", RANKED),
        case("SELECT »MEDIAN(v) WITHIN GROUP (ORDER BY v) AS a FROM t", "WITHIN GROUP", "rank in a CTE", "SELECT MEDIAN(v) AS a FROM t"),
        case("SELECT »BOOL_OR(v > 8) AS a FROM t", "BOOL_OR", "MAX(CASE", "SELECT MAX(CASE WHEN v > 8 THEN 1 ELSE 0 END) = 1 AS a FROM t"),
        case("SELECT »ANY_VALUE(v) AS a FROM t", "ANY_VALUE", "MIN(x)", "SELECT MIN(v) AS a FROM t"),
        case("SELECT »COUNT_IF(v > 8) AS a FROM t", "COUNT_IF", "SUM(CASE", "SELECT SUM(CASE WHEN v > 8 THEN 1 ELSE 0 END) AS a FROM t"),
        case("SELECT »STDDEV_POP(v) AS a FROM t", "STDDEV_POP", "STDDEV_SAMP", "SELECT STDDEV_SAMP(v) AS a FROM t"),
        case("SELECT »CORR(v, o) AS a FROM t", "CORR", "divide last", "SELECT SUM(v * o) AS a FROM t"),
        case("SELECT »RANDOM() AS a FROM t", "RANDOM", "repeatable", "SELECT v AS a FROM t"),
        case("SELECT »user AS a FROM t", "USER", "another name", "SELECT user_key AS a FROM t"),
        case("SELECT »COALSCE(v, 0) AS a FROM t", "COALSCE", "did you mean COALESCE?", "SELECT COALESCE(v, 0) AS a FROM t"),
        case("SELECT »FROBNICATE(v) AS a FROM t", "FROBNICATE", "the functions are COUNT", "SELECT ABS(v) AS a FROM t"),
        case("SELECT »COALESCE(v) AS a FROM t", "COALESCE with 1 arguments", "at least 2", "SELECT COALESCE(v, 0) AS a FROM t"),
        case("SELECT g FROM t WHERE »SUM(v) > 1", "SUM outside SELECT and HAVING", "HAVING", "SELECT g FROM t GROUP BY g HAVING SUM(v) > 1"),
        case("SELECT »MAX(*) AS a FROM t", "* in MAX", "COUNT(*)", "SELECT COUNT(*) AS a, MAX(v) AS b FROM t"),
    ]);
}

#[test]
#[rustfmt::skip]
fn aggregates() {
    prove(&[
        case("SELECT COUNT(*) FILTER (WHERE »v > 8) AS c FROM t", "FILTER", "SUM(CASE", "SELECT SUM(CASE WHEN v > 8 THEN 1 ELSE 0 END) AS c FROM t"),
        case("SELECT »COUNT(DISTINCT g, o) AS c FROM t", "COUNT(DISTINCT a, b)", "then COUNT(*)", "WITH c_d AS (SELECT DISTINCT g, o FROM t) SELECT COUNT(*) AS c FROM c_d"),
        case("SELECT COUNT(DISTINCT (»g, o)) AS c FROM t", "several values", "one by one", "WITH c_d AS (SELECT DISTINCT g, o FROM t) SELECT COUNT(*) AS c FROM c_d"),
        case("SELECT »SUM(DISTINCT v) AS c FROM t", "SUM(DISTINCT ..)", "SELECT DISTINCT", "WITH c_d AS (SELECT DISTINCT v FROM t) SELECT SUM(v) AS c FROM c_d"),
        case("SELECT »COUNT(DISTINCT g) OVER (PARTITION BY o) AS c FROM t", "COUNT(DISTINCT ..) OVER", "DENSE_RANK()", "WITH c_d AS (SELECT o, DENSE_RANK() OVER (PARTITION BY o ORDER BY g) AS r FROM t WHERE g IS NOT NULL) SELECT MAX(r) OVER (PARTITION BY o) AS c FROM c_d"),
        case("SELECT »SUM(CAST(v AS DOUBLE)) AS s FROM t", "SUM of a DOUBLE", "divide as the last step", "SELECT CAST(SUM(v) AS DOUBLE) AS s FROM t"),
        case("SELECT »AVG(CAST(v AS DOUBLE)) AS s FROM t", "AVG of a DOUBLE", "divide as the last step", "SELECT CAST(SUM(v) AS DOUBLE) / NULLIF(COUNT(v), 0) AS s FROM t"),
        case("SELECT »SUM(CASE WHEN v > 1 THEN SQRT(v) END) AS s FROM t", "SUM of a DOUBLE", "DECIMAL(18, 6)", "SELECT SUM(CAST(v AS DECIMAL(18, 6))) AS s FROM t"),
        case("WITH c_a AS (SELECT CAST(v AS DOUBLE) / NULLIF(o, 0) AS r FROM t) SELECT »SUM(r) AS s FROM c_a", "SUM of a DOUBLE", "divide as the last step", "WITH c_a AS (SELECT SUM(v) AS v, SUM(o) AS o FROM t) SELECT CAST(v AS DOUBLE) / NULLIF(o, 0) AS s FROM c_a"),
        case("WITH c_a (x) AS (SELECT SQRT(v) AS r FROM t) SELECT »AVG(a.x) AS s FROM c_a AS a", "AVG of a DOUBLE", "divide as the last step", "WITH c_a (x) AS (SELECT v FROM t) SELECT AVG(a.x) AS s FROM c_a AS a"),
        case("SELECT »COUNT(v ORDER BY v) AS s FROM t", "a clause inside COUNT", "in a CTE first", "SELECT COUNT(v) AS s FROM t"),
        case("SELECT SUM(»MAX(v)) AS s FROM t", "MAX inside another aggregate", "CTE of its own", "WITH c_a AS (SELECT MAX(v) AS m FROM t GROUP BY g) SELECT SUM(m) AS s FROM c_a"),
        case("SELECT »ABS(x => v) AS s FROM t", "a named argument", "by position", "SELECT ABS(v) AS s FROM t"),
    ]);
}

#[test]
#[rustfmt::skip]
fn windows() {
    let two_steps = "WITH c_a AS (SELECT g, SUM(v) AS s FROM t GROUP BY g) SELECT g, SUM(s) OVER () AS total FROM c_a";
    let first_row = "WITH c_a AS (SELECT g, ROW_NUMBER() OVER (ORDER BY o, v) AS rn FROM t) SELECT g FROM c_a WHERE rn = 1";
    prove(&[
        case("SELECT »SUM(v) OVER (PARTITION BY g ORDER BY o) AS s FROM t", "without the running frame", "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW", RUNNING),
        case("SELECT »SUM(v) OVER (ORDER BY o ROWS UNBOUNDED PRECEDING) AS s FROM t", "without the running frame", "ROWS BETWEEN", RUNNING),
        case("SELECT »SUM(v) OVER (ORDER BY o ROWS BETWEEN 6 PRECEDING AND CURRENT ROW) AS s FROM t", "without the running frame", "ROWS BETWEEN", RUNNING),
        case("SELECT »SUM(v) OVER (ORDER BY o RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS s FROM t", "without the running frame", "ROWS BETWEEN", RUNNING),
        case("SELECT »SUM(v) OVER (PARTITION BY g ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS s FROM t", "a frame but no ORDER BY", "add ORDER BY", RUNNING),
        case("SELECT »AVG(v) OVER (ORDER BY o ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS s FROM t", "running AVG", "SUM and COUNT", "SELECT AVG(v) OVER (PARTITION BY g) AS s FROM t"),
        case("SELECT »LAST_VALUE(v) OVER (ORDER BY o) AS s FROM t", "LAST_VALUE", "FIRST_VALUE", "SELECT FIRST_VALUE(v) OVER (ORDER BY o DESC, v DESC) AS s FROM t"),
        case("SELECT »FIRST_VALUE(v) OVER (ORDER BY o ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS s FROM t", "with a frame", "delete the frame", "SELECT FIRST_VALUE(v) OVER (ORDER BY o) AS s FROM t"),
        case("SELECT »SUM(1) OVER (PARTITION BY g) AS s FROM t", "SUM of a constant", "COUNT(*) OVER", "SELECT COUNT(*) OVER (PARTITION BY g) AS n FROM t"),
        case("SELECT »COUNT(1 + 1) OVER (PARTITION BY g) AS s FROM t", "COUNT of a constant", "COUNT(*) OVER", "WITH c_a AS (SELECT g, 1 AS one FROM t) SELECT SUM(one) OVER (PARTITION BY g) AS n FROM c_a"),
        case("SELECT »NTILE(2) OVER (ORDER BY o) AS s FROM t", "NTILE", "COUNT(*) OVER ()", "SELECT ROW_NUMBER() OVER (ORDER BY o) AS r, COUNT(*) OVER () AS n FROM t"),
        case("SELECT »ROW_NUMBER() OVER (PARTITION BY g) AS r FROM t", "without ORDER BY", "unique", ROW_NUMBER),
        case("SELECT »ROW_NUMBER() AS r FROM t", "without OVER", "OVER (", ROW_NUMBER),
        case("SELECT ROW_NUMBER() OVER (ORDER BY o, »v DESC) AS r FROM t", "ASC and DESC", "ORDER BY -n", "SELECT ROW_NUMBER() OVER (ORDER BY o, -v) AS r FROM t"),
        case("SELECT ROW_NUMBER() OVER (ORDER BY »o NULLS LAST) AS r FROM t", "NULLS LAST", "COALESCE", "SELECT ROW_NUMBER() OVER (ORDER BY COALESCE(o, 0)) AS r FROM t"),
        case("SELECT ROW_NUMBER() OVER (ORDER BY »1) AS r FROM t", "a number as key", "name the column", ROW_NUMBER),
        case("SELECT »LAG(v, 1, 0) OVER (ORDER BY o) AS r FROM t", "LAG with 3 arguments", "COALESCE(LAG(x) OVER (..), default)", "SELECT COALESCE(LAG(v, 1) OVER (ORDER BY o), 0) AS r FROM t"),
        case("SELECT »LAG(v, o) OVER (ORDER BY o) AS r FROM t", "something else than a number", "LAG(x, 2)", "SELECT LAG(v, 2) OVER (ORDER BY o) AS r FROM t"),
        case("SELECT »LAG(v) IGNORE NULLS OVER (ORDER BY o) AS r FROM t", "IGNORE NULLS", "filter the NULLs", "SELECT LAG(v) OVER (ORDER BY o) AS r FROM t WHERE v IS NOT NULL"),
        case("SELECT »ABS(v) OVER (PARTITION BY g) AS r FROM t", "ABS with OVER", "without OVER", "SELECT ABS(v) AS r FROM t"),
        case("SELECT g, »RANK() OVER (ORDER BY g) AS r FROM t GROUP BY g", "in a SELECT that also groups", "group in a CTE", two_steps),
        case("SELECT MAX(»LAG(v) OVER (ORDER BY o)) AS r FROM t", "LAG inside another", "CTE of its own", "WITH c_a AS (SELECT LAG(v) OVER (ORDER BY o) AS p FROM t) SELECT MAX(p) AS r FROM c_a"),
        case("SELECT g FROM t WHERE »ROW_NUMBER() OVER (ORDER BY o) = 1", "outside the SELECT list", "WHERE rn = 1", first_row),
        case("SELECT g FROM t QUALIFY »rn = 1", "QUALIFY", "WHERE rn = 1", first_row),
        case("SELECT g FROM t WINDOW »w AS (PARTITION BY g)", "WINDOW", "at each call", "SELECT COUNT(*) OVER (PARTITION BY g) AS n FROM t"),
        case("SELECT COUNT(*) OVER »w AS n FROM t", "OVER w", "at each call", "SELECT COUNT(*) OVER (PARTITION BY g) AS n FROM t"),
        case("SELECT COUNT(*) OVER (»w) AS n FROM t", "OVER (w", "at each call", "SELECT COUNT(*) OVER (PARTITION BY g) AS n FROM t"),
    ]);
}

#[test]
fn an_aggregate_inside_a_window_is_refused_for_both() {
    for sql in [
        "SELECT g, SUM(SUM(v)) OVER () AS total FROM t GROUP BY g",
        "SELECT g, RANK() OVER (ORDER BY SUM(v)) AS r FROM t GROUP BY g",
        "SELECT g, COUNT(*) OVER (PARTITION BY SUM(v)) AS r FROM t GROUP BY g",
    ] {
        let found = lint("query.sql", sql, &tables());
        assert_eq!(found.len(), 2, "{found:#?}");
        assert!(found[0].message.contains("in a SELECT that also groups"), "{found:#?}");
        assert!(found[1].message.contains("SUM inside another"), "{found:#?}");
    }
}

#[test]
#[rustfmt::skip]
fn operators() {
    prove(&[
        case("SELECT »v % 3 AS a FROM t", "operator %", "CAST(FLOOR(", QUOTIENT),
        case("SELECT »v // 3 AS a FROM t", "operator //", "CAST(FLOOR(", QUOTIENT),
        case("SELECT »v / NULLIF(o, 0) AS a FROM t", "without CAST", "CAST(a AS DOUBLE) / NULLIF(b, 0)", "SELECT CAST(v AS DOUBLE) / NULLIF(o, 0) AS a FROM t"),
        case("SELECT CAST(v AS DOUBLE) / »o AS a FROM t", "may be zero", "CAST(a AS DOUBLE) / NULLIF(b, 0)", "SELECT v / NULLIF(CAST(o AS DOUBLE), 0) AS a, SQRT(v) / 2 AS b FROM t"),
        case("SELECT (v + CAST(o AS DOUBLE)) / »0 AS a FROM t", "may be zero", "NULLIF", "SELECT (v + CAST(o AS DOUBLE)) / 10 AS a FROM t"),
        case("SELECT g FROM t WHERE »v <=> 1", "operator <=>", "COALESCE", "SELECT g FROM t WHERE COALESCE(v, -1) = COALESCE(o, -1)"),
        case("SELECT g FROM t WHERE »v IS NOT DISTINCT FROM o", "IS NOT DISTINCT FROM", "OR (a IS NULL AND b IS NULL)", "SELECT g FROM t WHERE v = o OR (v IS NULL AND o IS NULL)"),
        case("SELECT g FROM t WHERE »v IS DISTINCT FROM o", "IS DISTINCT FROM", "COALESCE", "SELECT g FROM t WHERE NOT (COALESCE(v, -1) = COALESCE(o, -1))"),
        case("SELECT g FROM t WHERE (»v > 1) IS NOT TRUE", "IS TRUE", "x = TRUE", "SELECT g FROM t WHERE (v > 1) = TRUE OR v IS NULL"),
        case("SELECT g FROM t WHERE »g ~ 'a+'", "operator ~", "LIKE", "SELECT g FROM t WHERE g LIKE '%a%'"),
        case("SELECT v FROM t WHERE »g RLIKE 'a+'", "regular expression", "LIKE", "SELECT g FROM t WHERE g ILIKE '%a%'"),
        case("SELECT g FROM t WHERE »g SIMILAR TO 'a+'", "regular expression", "LIKE", "SELECT g FROM t WHERE g NOT LIKE '%a%'"),
        case("SELECT g FROM t WHERE »g LIKE 'a!_' ESCAPE '!'", "LIKE with ESCAPE", "LIKE", "SELECT g FROM t WHERE g LIKE 'a_'"),
        case("SELECT »g ->> 'a' AS a FROM t", "operator ->>", "mapping", "SELECT a FROM t"),
        case("SELECT »g['a'] AS a FROM t", "a field or element", "mapping", "SELECT a FROM t"),
        case("SELECT +»v AS a FROM t", "sign +", "delete the plus", "SELECT -v AS a FROM t"),
        case("SELECT g FROM t WHERE »v = ANY(SELECT 1)", "ANY", "IN (..)", "SELECT g FROM t WHERE v IN (1, 2)"),
        case("SELECT »g COLLATE de AS a FROM t", "COLLATE", "LOWER", "SELECT LOWER(g) AS a FROM t"),
    ]);
}

#[test]
#[rustfmt::skip]
fn literals() {
    prove(&[
        case("SELECT v * »0.95 AS a FROM t", "decimal literal 0.95", "CAST(0.95 AS DOUBLE)", "SELECT v * CAST(0.95 AS DOUBLE) AS a, v * CAST('0.95' AS DOUBLE) AS b FROM t WHERE v > 0.95 AND v BETWEEN -0.5 AND 1.5"),
        case("SELECT v FROM t WHERE v > o * »0.95", "decimal literal 0.95", "whole numbers", "SELECT v FROM t WHERE v * 100 > o * 95"),
        case("SELECT CASE WHEN v > 1 THEN »0.5 END AS a FROM t", "decimal literal 0.5", "CAST(0.95 AS DOUBLE)", "SELECT CASE WHEN v > 1 THEN CAST(0.5 AS DECIMAL(18, 6)) END AS a FROM t"),
        case("SELECT »1e3 AS a FROM t", "exponent", "1000", "SELECT 1000 AS a FROM t"),
        case("SELECT »'it''s' AS a FROM t", "a quote or backslash", "LIKE", "SELECT g LIKE 'it_s' AS a FROM t"),
        case(r"SELECT »'a\nb' AS a FROM t", "a quote or backslash", "LIKE", "SELECT g LIKE 'a_b' AS a FROM t"),
        case("SELECT »N'a' AS a FROM t", "literal N'a'", "write 'text'", "SELECT 'a' AS a FROM t"),
        case("SELECT »E'a' AS a FROM t", "literal E'a'", "write 'text'", "SELECT 'a' AS a FROM t"),
        case("SELECT »$1 AS a FROM t", "parameter $1", "template value", "SELECT 1 AS a FROM t"),
        case("SELECT date - INTERVAL »'6' DAY AS a FROM t", "INTERVAL '6' DAY", "INTERVAL '6 days'", "SELECT date - INTERVAL '6 days' AS a FROM t"),
        case("SELECT date - INTERVAL »6 DAY AS a FROM t", "INTERVAL 6 DAY", "INTERVAL '6 days'", "SELECT date + INTERVAL '1 month' AS a FROM t"),
        case("SELECT ts - INTERVAL »'1 hour 30 minutes' AS a FROM t", "INTERVAL", "INTERVAL '6 days'", "SELECT ts - INTERVAL '90 minutes' AS a FROM t"),
        case("SELECT INTERVAL »'1 day' * v AS a FROM t", "in this place", "day_no", "SELECT day_no + v AS a FROM t WHERE b - a > INTERVAL '1 day'"),
        case("SELECT TIME »'10:00:00' AS a FROM t", "literal TIME", "TIMESTAMP '2026-03-01 00:00:00'", "SELECT TIMESTAMP '2026-03-01 10:00:00' AS a FROM t"),
        case("SELECT DATE »'2026-3-1' AS a FROM t", "literal DATE", "DATE '2026-03-01'", "SELECT DATE '2026-03-01' AS a FROM t"),
    ]);
}

#[test]
#[rustfmt::skip]
fn types() {
    prove(&[
        case("SELECT CAST(»v AS VARCHAR) AS a FROM t", "CAST to VARCHAR", "CAST(x AS STRING)", "SELECT CAST(v AS STRING) AS a, CAST(v AS VARCHAR(20)) AS b FROM t"),
        case("SELECT CAST(»v AS TEXT) AS a FROM t", "CAST to TEXT", "CAST(x AS STRING)", "SELECT CAST(v AS STRING) AS a FROM t"),
        case("SELECT CAST(»v AS FLOAT) AS a FROM t", "CAST to FLOAT", "CAST(x AS DOUBLE)", "SELECT CAST(v AS DOUBLE) AS a FROM t"),
        case("SELECT CAST(»v AS DECIMAL) AS a FROM t", "CAST to DECIMAL", "DECIMAL(18, 6)", "SELECT CAST(v AS DECIMAL(18, 6)) AS a FROM t"),
        case("SELECT CAST(»v AS BOOLEAN) AS a FROM t", "CAST to BOOLEAN", "x = 1", "SELECT v = 1 AS a FROM t"),
        case("SELECT CAST(»g AS TIMESTAMP) AS a FROM t", "CAST to TIMESTAMP", "ts_ms", "SELECT ts_ms FROM t"),
        case("SELECT CAST(»v AS SMALLINT) AS a FROM t", "CAST to SMALLINT", "BIGINT", "SELECT CAST(v AS BIGINT) AS a, CAST(v AS INT) AS b FROM t"),
        case("SELECT CAST(»v AS BLOB) AS a FROM t", "CAST to BLOB", "the types are", "SELECT CAST(v AS DATE) AS a FROM t"),
        case("SELECT CAST(»SQRT(v) AS BIGINT) AS a FROM t", "CAST of a DOUBLE", "CAST(FLOOR(x) AS BIGINT)", "SELECT CAST(FLOOR(SQRT(v)) AS BIGINT) AS a FROM t"),
        case("SELECT TRY_CAST(»g AS BIGINT) AS a FROM t", "TRY_CAST to BIGINT", "TRY_CAST(x AS DOUBLE)", "SELECT TRY_CAST(g AS DOUBLE) AS a, TRY_CAST(g AS DATE) AS b FROM t"),
        case("SELECT CONVERT(»BIGINT, v) AS a FROM t", "CONVERT", "CAST(x AS BIGINT)", "SELECT v::BIGINT AS a FROM t"),
    ]);
}
