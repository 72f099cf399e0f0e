//! The functions of the subset, and what to write instead of the others.
//!
//! A function is here because it gave equal values on every engine. Those that sound alike
//! (`CONCAT`, `ROUND`, `IF`) are absent because they did not.

use super::names;

/// What a function does with rows, which decides where it may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Scalar,
    /// `running`: may also be a running total, with the explicit frame.
    Aggregate {
        running: bool,
    },
    /// ROW_NUMBER and the like: the window's order alone decides.
    Ranking,
    /// LAG and LEAD.
    Offset,
    /// FIRST_VALUE.
    First,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Allowed {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) least: usize,
    pub(super) most: usize,
}

const ANY: usize = usize::MAX;
const RUNNING: Kind = Kind::Aggregate { running: true };
const WHOLE: Kind = Kind::Aggregate { running: false };

#[rustfmt::skip]
const ALLOWED: &[Allowed] = &[
    allow("COUNT", RUNNING, 1, 1),
    allow("SUM", RUNNING, 1, 1),
    allow("MIN", RUNNING, 1, 1),
    allow("MAX", RUNNING, 1, 1),
    allow("AVG", WHOLE, 1, 1),
    allow("MEDIAN", WHOLE, 1, 1),
    allow("STDDEV_SAMP", WHOLE, 1, 1),
    allow("VAR_SAMP", WHOLE, 1, 1),
    allow("ROW_NUMBER", Kind::Ranking, 0, 0),
    allow("RANK", Kind::Ranking, 0, 0),
    allow("DENSE_RANK", Kind::Ranking, 0, 0),
    allow("LAG", Kind::Offset, 1, 2),
    allow("LEAD", Kind::Offset, 1, 2),
    allow("FIRST_VALUE", Kind::First, 1, 1),
    allow("COALESCE", Kind::Scalar, 2, ANY),
    allow("NULLIF", Kind::Scalar, 2, 2),
    allow("GREATEST", Kind::Scalar, 2, ANY),
    allow("LEAST", Kind::Scalar, 2, ANY),
    allow("ABS", Kind::Scalar, 1, 1),
    allow("FLOOR", Kind::Scalar, 1, 1),
    allow("CEIL", Kind::Scalar, 1, 1),
    allow("SQRT", Kind::Scalar, 1, 1),
    allow("POWER", Kind::Scalar, 2, 2),
    allow("LN", Kind::Scalar, 1, 1),
    allow("EXP", Kind::Scalar, 1, 1),
    allow("LOG10", Kind::Scalar, 1, 1),
    allow("LOWER", Kind::Scalar, 1, 1),
    allow("UPPER", Kind::Scalar, 1, 1),
    allow("SUBSTR", Kind::Scalar, 2, 3),
    allow("REPLACE", Kind::Scalar, 3, 3),
    allow("SPLIT_PART", Kind::Scalar, 3, 3),
    allow("LEFT", Kind::Scalar, 2, 2),
    allow("RIGHT", Kind::Scalar, 2, 2),
    allow("LPAD", Kind::Scalar, 3, 3),
    allow("TRIM", Kind::Scalar, 1, 1),
    allow("LENGTH", Kind::Scalar, 1, 1),
];

const CONTRACT_DATES: &str =
    "use the columns date, week_start, month_start, hour, dow, day_no and ts_ms";
const DAY_NUMBERS: &str = "subtract day_no for days, ts_ms for milliseconds";
const RUN_DATES: &str = "a run must be repeatable: use a template value, such as {{ from_day }}";
const IN_THE_DECODER: &str = "extract it into a column in the source's mapping; SQL reads columns";
const RANKED: &str = "rank in a CTE (ROW_NUMBER() AS rn, COUNT(*) OVER () AS n), then MIN(CASE WHEN rn * 100 >= n * 95 THEN x END)";
const WHOLE_DIVISION: &str =
    "write CAST(FLOOR(CAST(a AS DOUBLE) / NULLIF(b, 0)) AS BIGINT), and a - b * q for the rest";

/// Prefixes where `*` ends the name.
#[rustfmt::skip]
const INSTEAD: &[(&[&str], &str)] = &[
    (&["DATE_TRUNC", "TRUNC", "DATE_PART", "EXTRACT", "YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR",
       "MINUTE", "SECOND", "WEEKDAY", "DAYOFWEEK", "LAST_DAY", "DATE_FORMAT", "STRFTIME"], CONTRACT_DATES),
    (&["DATE", "TO_DATE", "MAKE_DATE"], "write DATE '2026-03-01' or CAST(x AS DATE)"),
    (&["DATE_ADD", "DATE_SUB", "ADD_MONTHS"], "write CAST(date - INTERVAL '6 days' AS DATE)"),
    (&["DATEDIFF", "DATE_DIFF", "TIMESTAMPDIFF", "EPOCH", "UNIX_*", "TO_TIMESTAMP"], DAY_NUMBERS),
    (&["CURRENT_*", "NOW", "TODAY", "LOCALTIME*", "GETDATE"], RUN_DATES),
    (&["FROM_UTC_TIMESTAMP", "TO_UTC_TIMESTAMP", "CONVERT_TIMEZONE", "TIMEZONE"],
     "use the column date: it is the local day"),
    (&["REGEXP*", "JSON*", "GET_JSON_OBJECT", "RLIKE"], IN_THE_DECODER),
    (&["ARRAY*", "UNNEST", "EXPLODE", "CARDINALITY", "SIZE", "STRING_AGG", "SEQUENCE", "GENERATE_SERIES"],
     "read a table with one row for each element; arrays differ between engines"),
    (&["CONCAT", "CONCAT_WS"], "write a || b: CONCAT treats NULL differently on each engine"),
    (&["IF", "IIF", "DECODE", "NVL2"], "write CASE WHEN .. THEN .. ELSE .. END"),
    (&["IFNULL", "NVL", "ISNULL", "ZEROIFNULL"], "write COALESCE(x, 0)"),
    (&["ROUND"], "write FLOOR(x + CAST(0.5 AS DOUBLE)): engines round halves differently"),
    (&["MOD", "DIV"], WHOLE_DIVISION),
    (&["POW"], "write POWER(x, y)"),
    (&["CEILING"], "write CEIL(x)"),
    (&["SUBSTRING", "MID"], "write SUBSTR(x, 1, 2)"),
    (&["CHAR_LENGTH", "CHARACTER_LENGTH", "LEN"], "write LENGTH(x)"),
    (&["POSITION", "STRPOS", "INSTR", "CONTAINS"], "write x LIKE '%part%'"),
    (&["STARTS_WITH", "STARTSWITH", "ENDS_WITH"], "write x LIKE 'start%'"),
    (&["LTRIM", "RTRIM", "BTRIM"], "write TRIM(x)"),
    (&["APPROX_COUNT_DISTINCT", "APPROX_DISTINCT", "HLL*"], "write COUNT(DISTINCT x)"),
    (&["QUANTILE*", "PERCENTILE*", "APPROX_*"], RANKED),
    (&["BOOL_OR", "ANY", "SOME", "LOGICAL_OR"], "write MAX(CASE WHEN .. THEN 1 ELSE 0 END) = 1"),
    (&["BOOL_AND", "EVERY", "LOGICAL_AND"], "write MIN(CASE WHEN .. THEN 1 ELSE 0 END) = 1"),
    (&["ANY_VALUE", "FIRST", "LAST"], "write MIN(x)"),
    (&["MAX_BY", "MIN_BY", "ARG_MAX", "ARG_MIN", "MODE"],
     "rank in a CTE with ROW_NUMBER() and keep the rows where rn = 1"),
    (&["COUNT_IF", "COUNTIF", "SUM_IF"], "write SUM(CASE WHEN .. THEN 1 ELSE 0 END)"),
    (&["NTILE", "PERCENT_RANK", "CUME_DIST"],
     "divide by hand: ROW_NUMBER() OVER (ORDER BY x) and COUNT(*) OVER () in a CTE"),
    (&["LAST_VALUE", "NTH_VALUE"], "write FIRST_VALUE(x) OVER (.. ORDER BY key DESC)"),
    (&["STDDEV", "STDDEV_POP"], "write STDDEV_SAMP(x)"),
    (&["VARIANCE", "VAR_POP"], "write VAR_SAMP(x)"),
    (&["CORR", "COVAR*", "REGR*"], "sum whole-number products and divide last"),
    (&["RANDOM", "RAND", "UUID", "GEN_RANDOM_UUID"], "a run must be repeatable: use a column"),
    (&["MD5", "SHA*", "HASH", "XXHASH*"], "use the keys that the source computed"),
    (&["USER", "SESSION_USER"], "this name is a function in SQL: give the column another name"),
];

/// The rule of a function, whatever the case of its name.
pub(super) fn allowed(name: &str) -> Option<&'static Allowed> {
    ALLOWED.iter().find(|f| f.name.eq_ignore_ascii_case(name))
}

/// What to write instead of a function that is not in the subset.
pub(super) fn instead(name: &str) -> String {
    let name = name.to_uppercase();
    let fits = |pattern: &&str| match pattern.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => name == **pattern,
    };
    let exact =
        INSTEAD.iter().find(|(names, _)| names.iter().any(|p| fits(p) && !p.ends_with('*')));
    match exact.or_else(|| INSTEAD.iter().find(|(names, _)| names.iter().any(&fits))) {
        Some((_, remedy)) => (*remedy).to_owned(),
        None => {
            let all: Vec<&str> = ALLOWED.iter().map(|f| f.name).collect();
            let otherwise = format!("the functions are {}", all.join(", "));
            names::did_you_mean(&name, all.into_iter(), &otherwise)
        }
    }
}

const fn allow(name: &'static str, kind: Kind, least: usize, most: usize) -> Allowed {
    Allowed { name, kind, least, most }
}
