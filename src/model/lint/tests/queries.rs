//! Clauses, joins, CTEs, set operations and names.

use super::{case, prove};

#[test]
#[rustfmt::skip]
fn clauses() {
    let ranked = "WITH c_r AS (SELECT g, ROW_NUMBER() OVER (ORDER BY v DESC, g DESC) AS rn FROM t) SELECT g FROM c_r WHERE rn <= 10";
    let masked = "WITH c_m AS (SELECT 0 AS hide UNION ALL SELECT 1 AS hide) SELECT CASE WHEN m.hide = 1 THEN '*' ELSE t.g END AS g, SUM(t.v) AS s FROM t CROSS JOIN c_m AS m GROUP BY CASE WHEN m.hide = 1 THEN '*' ELSE t.g END";
    prove(&[
        case("SELECT »* FROM t", "SELECT *", "list the columns", "SELECT g, v FROM t"),
        case("SELECT »a.* FROM t AS a", "SELECT *", "list the columns", "SELECT a.g, a.v FROM t AS a"),
        case("SELECT g FROM t ORDER BY »g", "ORDER BY at the end", "the writer sorts", "SELECT g FROM t"),
        case("SELECT g FROM t LIMIT »10", "LIMIT", "WHERE rn <= 10", ranked),
        case("»SELECT TOP 10 g FROM t", "TOP", "WHERE rn <= 10", ranked),
        case("SELECT DISTINCT ON (»g) g, v FROM t", "DISTINCT ON", "WHERE rn = 1", "SELECT DISTINCT g, v FROM t"),
        case("SELECT SUM(v) AS s FROM t GROUP BY ROLLUP(»g)", "ROLLUP", "masks", masked),
        case("SELECT SUM(v) AS s FROM t GROUP BY CUBE(»g)", "CUBE", "masks", masked),
        case("SELECT SUM(v) AS s FROM t GROUP BY GROUPING SETS ((»g), ())", "GROUPING SETS", "masks", masked),
        case("SELECT g, SUM(»v) AS s FROM t GROUP BY ALL", "GROUP BY ALL", "list the columns", "SELECT g, SUM(v) AS s FROM t GROUP BY g"),
        case("SELECT a.g, b.g AS h FROM t AS a JOIN u AS b ON a.v = b.v GROUP BY a.g, »b.g", "two group keys", "rename", "WITH c_b AS (SELECT g AS h, v FROM u) SELECT a.g, b.h FROM t AS a JOIN c_b AS b ON a.v = b.v GROUP BY a.g, b.h"),
        case("SELECT ROW_NUMBER() OVER (ORDER BY a.v, »b.v) AS r FROM t AS a JOIN u AS b ON a.g = b.g", "two window keys", "rename", "WITH c_b AS (SELECT g, v AS w FROM u) SELECT ROW_NUMBER() OVER (ORDER BY a.v, b.w) AS r FROM t AS a JOIN c_b AS b ON a.g = b.g"),
        case("SELECT »v + 1 FROM t", "without a name", "add AS name", "SELECT v + 1 AS w FROM t"),
        case("SELECT g, »v AS g FROM t", "two columns are called g", "AS g_2", "SELECT g, v AS g_2 FROM t"),
        case("WITH c_a AS (SELECT v FROM t) SELECT v + 1 AS w, »w * 2 AS x FROM c_a", "the alias w", "repeat the expression", "WITH c_a AS (SELECT v FROM t) SELECT v + 1 AS w, (v + 1) * 2 AS x FROM c_a"),
        case("SELECT g», FROM t", "a comma with nothing", "delete the comma", "SELECT g FROM t"),
        case("SELECT g FROM t»;", "`;`", "delete the semicolon", "SELECT g FROM t"),
        case("FROM t »SELECT g", "FROM before SELECT", "SELECT .. FROM", "SELECT g FROM t"),
        case("SELECT g FROM t WHERE v > (»SELECT MAX(v) AS m FROM u)", "subquery as a value", "CROSS JOIN", "WITH c_m AS (SELECT MAX(v) AS m FROM u) SELECT t.g FROM t CROSS JOIN c_m WHERE t.v > c_m.m"),
        case("SELECT (»SELECT MAX(v) AS m FROM u) AS m FROM t", "subquery as a value", "CROSS JOIN", "WITH c_m AS (SELECT MAX(v) AS m FROM u) SELECT t.g, c_m.m FROM t CROSS JOIN c_m"),
    ]);
}

#[test]
#[rustfmt::skip]
fn conditions_with_subqueries() {
    let plain = "SELECT t.g FROM t WHERE t.v > 1 AND t.g IN (SELECT b.g FROM u AS b WHERE b.v > 1) AND t.g NOT IN (SELECT g FROM events)";
    prove(&[
        case("SELECT g FROM t WHERE EXISTS (»SELECT 1 FROM u)", "EXISTS", "IN (SELECT c.x FROM c)", plain),
        case("SELECT t.g FROM t WHERE t.v IN (SELECT b.v FROM u AS b WHERE b.g = »t.g)", "correlated subquery: t.g", "JOIN a CTE", plain),
        case("SELECT g FROM t WHERE v > 1 OR »g IN (SELECT g FROM u)", "inside a larger expression", "alone in WHERE", plain),
        case("SELECT »v IN (SELECT v FROM u) AS a FROM t", "inside a larger expression", "LEFT JOIN", "WITH c_u AS (SELECT DISTINCT v FROM u) SELECT b.v IS NOT NULL AS a FROM t AS a LEFT JOIN c_u AS b ON a.v = b.v"),
        case("SELECT g FROM t WHERE v IN (»SELECT MAX(v) FROM u)", "groups or has several columns", "group in a CTE", "WITH c_m AS (SELECT MAX(v) AS m FROM u) SELECT g FROM t WHERE v IN (SELECT c.m FROM c_m AS c)"),
        case("SELECT g FROM t WHERE v IN (»SELECT v, g FROM u)", "groups or has several columns", "one column", plain),
        case("SELECT g FROM t WHERE v IN (»SELECT v FROM u UNION ALL SELECT v FROM t)", "inside IN", "in a CTE", "WITH c_all AS (SELECT v FROM u UNION ALL SELECT v FROM t) SELECT g FROM t WHERE v IN (SELECT c.v FROM c_all AS c)"),
        case("SELECT g FROM t WHERE (»g, v) IN (SELECT g FROM u)", "several values", "one by one", plain),
        case("SELECT g FROM t WHERE v IN (»WITH c_i AS (SELECT v FROM u) SELECT v FROM c_i)", "WITH inside a subquery", "at the top", "WITH c_i AS (SELECT v FROM u) SELECT g FROM t WHERE v IN (SELECT v FROM c_i)"),
    ]);
}

#[test]
#[rustfmt::skip]
fn joins() {
    let equal = "SELECT a.g FROM t AS a LEFT JOIN u AS b ON a.g = b.g AND (b.o = a.o) FULL JOIN events AS e ON e.g = a.g";
    let ranged = "SELECT a.g FROM t AS a JOIN u AS b ON a.g = b.g AND b.date >= a.date - INTERVAL '6 days' AND b.date <= a.date";
    let filtered = "WITH c_u AS (SELECT g FROM u WHERE v > 1) SELECT a.g FROM t AS a LEFT JOIN c_u AS b ON a.g = b.g";
    let where_too = "SELECT a.g FROM t AS a JOIN u AS b ON a.g = b.g WHERE b.v - a.v > 1 AND (a.v = 1 OR b.v <> 2)";
    prove(&[
        case("SELECT a.g FROM t AS a LEFT JOIN u AS b ON a.g = b.g AND »b.v > a.v", "LEFT JOIN ON", "in a CTE first", filtered),
        case("SELECT a.g FROM t AS a LEFT JOIN u AS b ON a.g = b.g AND »b.v = 1", "LEFT JOIN ON", "in a CTE first", filtered),
        case("SELECT a.g FROM t AS a LEFT JOIN u AS b ON »LOWER(a.g) = b.g", "LEFT JOIN ON", "compute in a CTE", equal),
        case("SELECT a.g FROM t AS a FULL JOIN u AS b ON »a.g = a.o", "FULL JOIN ON", "equal columns", equal),
        case("SELECT a.g FROM t AS a LEFT JOIN u AS b ON »g = b.g", "LEFT JOIN ON", "each with its alias", equal),
        case("SELECT a.g FROM t AS a JOIN u AS b ON »b.date BETWEEN a.date AND a.date", "BETWEEN", "b.x >= a.lo AND b.x <= a.hi", ranged),
        case("SELECT a.g FROM t AS a JOIN u AS b ON a.g = b.g AND »b.v - a.v > 1", "set b against", "go to WHERE", where_too),
        case("SELECT a.g FROM t AS a JOIN u AS b ON a.g = b.g AND »b.v = 1", "set b against", "go to WHERE", where_too),
        case("SELECT a.g FROM t AS a JOIN u AS b ON a.g = b.g JOIN events AS c ON a.g = c.g AND »c.v > a.v + b.v", "set c against", "one table on each side", "SELECT a.g FROM t AS a JOIN u AS b ON a.g = b.g JOIN events AS c ON a.g = c.g AND c.v > b.v WHERE c.v > a.v + b.v"),
        case("SELECT a.g FROM t AS a JOIN u AS b ON »a.g = b.g OR a.v = b.v", "something else than comparisons", "move this condition to WHERE", where_too),
        case("SELECT a.g FROM t AS a JOIN u AS b ON a.g = b.g AND »a.v <> b.v", "something else than comparisons", "move this condition to WHERE", where_too),
        case("SELECT a.g FROM t AS a JOIN »u AS b USING (g)", "USING", "ON a.x = b.x", ranged),
        case("SELECT a.g FROM t AS a NATURAL JOIN »u AS b", "NATURAL", "ON a.x = b.x", ranged),
        case("SELECT a.g FROM t AS a JOIN »u AS b", "JOIN without ON", "CROSS JOIN", "SELECT a.g FROM t AS a CROSS JOIN u AS b"),
        case("SELECT a.g FROM t AS a CROSS JOIN u AS b »ON a.g = b.g", "not SQL", "standard SQL", ranged),
        case("SELECT a.g FROM t AS a RIGHT JOIN »u AS b ON a.g = b.g", "RIGHT JOIN", "LEFT JOIN", equal),
        case("SELECT a.g FROM t AS a LEFT SEMI JOIN »u AS b ON a.g = b.g", "SEMI JOIN", "IN (SELECT", "SELECT a.g FROM t AS a WHERE a.g IN (SELECT b.g FROM u AS b)"),
        case("SELECT a.g FROM t AS a LEFT ANTI JOIN »u AS b ON a.g = b.g", "ANTI JOIN", "IS NULL", "SELECT a.g FROM t AS a LEFT JOIN u AS b ON a.g = b.g WHERE b.g IS NULL"),
        case("SELECT a.g FROM t AS a ASOF JOIN »u AS b MATCH_CONDITION (a.v >= b.v) ON a.g = b.g", "ASOF JOIN", "LEAD", "WITH c_b AS (SELECT g, ts, LEAD(ts) OVER (PARTITION BY g ORDER BY ts) AS valid_to FROM u) SELECT a.g FROM t AS a JOIN c_b AS b ON a.g = b.g AND a.ts >= b.ts AND a.ts < b.valid_to"),
        case("SELECT a.g FROM t AS a CROSS APPLY »u", "APPLY", "CTE", equal),
        case("SELECT a.g FROM t AS a, »u AS b WHERE a.g = b.g", "a comma in FROM", "CROSS JOIN", "SELECT a.g FROM t AS a CROSS JOIN u AS b WHERE a.g = b.g"),
        case("SELECT a.g FROM t AS a CROSS JOIN LATERAL (»SELECT g FROM u) AS b", "LATERAL", "CTE", "SELECT a.g FROM t AS a CROSS JOIN (SELECT g FROM u) AS b"),
        case("SELECT a.g FROM t AS a CROSS JOIN UNNEST(»a.tags) AS b", "UNNEST", "one row for each element", "SELECT a.g FROM t AS a CROSS JOIN u AS b"),
        case("SELECT g FROM »generate_series(1, 3)", "a function in FROM", "calendar", "SELECT g FROM t"),
    ]);
}

#[test]
#[rustfmt::skip]
fn common_table_expressions_and_set_operations() {
    prove(&[
        case("»WITH RECURSIVE c_r AS (SELECT 1 AS n) SELECT n FROM c_r", "RECURSIVE", "calendar", "WITH c_r AS (SELECT 1 AS n) SELECT n FROM c_r"),
        case("WITH »r AS (SELECT v FROM t) SELECT 1 AS n", "does not begin with c_", "call it c_r", "WITH c_r AS (SELECT v FROM t) SELECT v FROM c_r"),
        case("WITH »t AS (SELECT v FROM t) SELECT v FROM t", "has the name of a table", "call it c_t_2", "WITH c_t AS (SELECT v FROM t) SELECT v FROM c_t"),
        case("WITH c_a AS (WITH c_b AS (SELECT v FROM t) SELECT v FROM c_b), »c_b AS (SELECT v FROM u) SELECT v FROM c_b", "defined twice", "c_b_2", "WITH c_a AS (WITH c_b AS (SELECT v FROM t) SELECT v FROM c_b), c_d AS (SELECT v FROM u) SELECT v FROM c_d"),
        case("WITH c_a AS (SELECT v FROM »c_b), c_b AS (SELECT v FROM t) SELECT v FROM c_a", "not defined before", "earlier", "WITH c_b AS (SELECT v FROM t), c_a AS (SELECT v FROM c_b) SELECT v FROM c_a"),
        case("WITH »c_a (x, y) AS (SELECT v FROM t) SELECT x FROM c_a", "the column list of c_a", "AS a", "WITH c_a (x) AS (SELECT v FROM t) SELECT x FROM c_a"),
        case("WITH c_a AS »MATERIALIZED (SELECT v FROM t) SELECT v FROM c_a", "not SQL", "standard SQL", "WITH c_a AS (SELECT v FROM t) SELECT v FROM c_a"),
        case("SELECT q.v FROM (»WITH c_i AS (SELECT v FROM t) SELECT v FROM c_i) AS q", "WITH inside a subquery", "at the top", "WITH c_i AS (SELECT v FROM t) SELECT q.v FROM (SELECT v FROM c_i) AS q"),
        case("SELECT g FROM t UNION ALL BY NAME »SELECT g FROM u", "BY NAME", "same order", "SELECT g FROM t UNION ALL SELECT g FROM u"),
        case("SELECT g FROM t EXCEPT ALL »SELECT g FROM u", "EXCEPT ALL", "EXCEPT", "SELECT g FROM t EXCEPT SELECT g FROM u"),
        case("SELECT g FROM t MINUS »SELECT g FROM u", "MINUS", "EXCEPT", "SELECT g FROM t INTERSECT SELECT g FROM u"),
        case("SELECT g FROM t UNION »SELECT g, v FROM u", "UNION of 1 and 2 columns", "same columns", "SELECT g FROM t UNION SELECT g FROM u"),
        case("SELECT q.a FROM (VALUES »(1), (2)) AS q", "VALUES", "UNION ALL", "SELECT q.a FROM (SELECT 1 AS a UNION ALL SELECT 2 AS a) AS q"),
    ]);
}

#[test]
#[rustfmt::skip]
fn names() {
    prove(&[
        case("SELECT »\"g\" FROM t", "quoted name", "write g without quotes", "SELECT g FROM t"),
        case("SELECT g AS »\"Group Name\" FROM t", "quoted name", "write group_name", "SELECT g AS group_name FROM t"),
        case("SELECT »`g` FROM t", "quoted name", "write g without quotes", "SELECT g FROM t"),
        case("SELECT »G FROM t", "not lower case", "write g", "SELECT g FROM t"),
        case("SELECT g FROM »event", "no table or CTE is called event", "did you mean events?", "SELECT g FROM events"),
        case("SELECT g FROM »zzz", "no table or CTE is called zzz", "the model's inputs", "SELECT g FROM t"),
        case("SELECT g FROM »s.t", "has a schema", "name alone", "SELECT g FROM t"),
        case("SELECT »x.g FROM t AS a", "x is not in this FROM", "alias of FROM", "SELECT a.g FROM t AS a"),
        case("SELECT »t.g FROM t AS t2", "t is not in this FROM", "alias of FROM", "SELECT t2.g FROM t AS t2"),
        case("SELECT »a.msg.lang FROM t AS a", "at most one qualifier", "alias.column", "SELECT a.lang FROM t AS a"),
        case("SELECT u.g FROM t AS »u", "also the name of a table", "u_1", "SELECT t.g FROM t AS t"),
        case("WITH c_a AS (SELECT g FROM t) SELECT c_a.g FROM (SELECT g FROM c_a) AS »c_a", "also the name of a table or CTE", "c_a_1", "WITH c_a AS (SELECT g FROM t) SELECT q.g FROM (SELECT g FROM c_a) AS q"),
        case("SELECT t.g FROM t CROSS JOIN »t", "stands twice", "alias", "SELECT a.g FROM t AS a CROSS JOIN t AS b"),
        case("SELECT g FROM (»SELECT g FROM t)", "without alias", "add AS q", "SELECT g FROM (SELECT g FROM t) AS q"),
        case("SELECT a.x FROM t AS »a (x)", "the column list of a", "in its SELECT", "SELECT a.g AS x FROM t AS a"),
    ]);
}

#[test]
fn a_table_must_not_be_named_like_a_cte() {
    let tables = ["c_t".to_owned()].into();
    let found = super::lint("query.sql", "SELECT g FROM c_t", &tables);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].message.contains("begins with c_"));
}
