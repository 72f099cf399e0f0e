//! Expressions and operators outside the subset, each with its name and what to write instead.

use sqlparser::ast::{BinaryOperator, Expr, UnaryOperator};

use super::functions;

const NULL_SAFE: &str =
    "compare COALESCE(a, -1) = COALESCE(b, -1), or say a = b OR (a IS NULL AND b IS NULL)";
const CROSS_JOIN: &str = "compute it in a one-row CTE and CROSS JOIN that";
const TRUTH: &str = "write x = TRUE or x = FALSE, and x IS NULL where NULL counts";
const LITERAL_LIKE: &str =
    "write x LIKE '%part%' or x = 'a' OR x = 'b', with a letter or digit for each mark";
const MAPPING: &str = "extract it into a column in the source's mapping; SQL reads columns";
const ROWS: &str = "read a table with one row for each element";

/// Name and remedy of an expression that no rule admits.
pub(super) fn expression(expr: &Expr) -> (&'static str, String) {
    let (name, remedy) = match expr {
        Expr::Subquery(_) => ("subquery as a value", CROSS_JOIN),
        Expr::Exists { .. } => {
            ("EXISTS", "write x IN (SELECT c.x FROM c), or LEFT JOIN and IS NULL")
        }
        Expr::InSubquery { .. } => (
            "IN (SELECT ..) inside a larger expression",
            "let it stand alone in WHERE, joined to the rest by AND; or LEFT JOIN a CTE",
        ),
        Expr::InUnnest { .. } | Expr::Array(_) | Expr::MemberOf(_) => ("array", ROWS),
        Expr::AnyOp { .. } | Expr::AllOp { .. } => ("ANY or ALL", "write x IN (..)"),
        Expr::IsDistinctFrom(..) => ("IS DISTINCT FROM", NULL_SAFE),
        Expr::IsNotDistinctFrom(..) => ("IS NOT DISTINCT FROM", NULL_SAFE),
        Expr::IsTrue(_) | Expr::IsNotTrue(_) | Expr::IsFalse(_) | Expr::IsNotFalse(_) => {
            ("IS TRUE or IS FALSE", TRUTH)
        }
        Expr::IsUnknown(_) | Expr::IsNotUnknown(_) => ("IS UNKNOWN", "write x IS NULL"),
        Expr::Like { .. } | Expr::ILike { .. } => ("LIKE with ESCAPE or ANY", LITERAL_LIKE),
        Expr::SimilarTo { .. } | Expr::RLike { .. } => ("regular expression", LITERAL_LIKE),
        Expr::AtTimeZone { .. } => return ("AT TIME ZONE", functions::instead("TIMEZONE")),
        Expr::Extract { .. } => return ("EXTRACT", functions::instead("EXTRACT")),
        Expr::Position { .. } => return ("POSITION", functions::instead("POSITION")),
        Expr::Substring { .. } => return ("SUBSTRING", functions::instead("SUBSTRING")),
        Expr::Ceil { .. } | Expr::Floor { .. } => {
            ("FLOOR or CEIL with a unit", "write FLOOR(x) or CEIL(x)")
        }
        Expr::Trim { .. } => ("TRIM with characters", "write TRIM(x) or REPLACE(x, 'a', 'b')"),
        Expr::Tuple(_) | Expr::Struct { .. } | Expr::Named { .. } => {
            ("several values as one", "compare or group the columns one by one")
        }
        Expr::GroupingSets(_) | Expr::Cube(_) | Expr::Rollup(_) => (
            "GROUPING SETS, ROLLUP or CUBE",
            "CROSS JOIN a CTE of masks, or UNION ALL one SELECT for each",
        ),
        Expr::JsonAccess { .. } | Expr::CompoundFieldAccess { .. } | Expr::IsJson { .. } => {
            ("access to a field or element", MAPPING)
        }
        Expr::Convert { .. } => ("CONVERT", "write CAST(x AS BIGINT)"),
        Expr::Collate { .. } => ("COLLATE", "compare LOWER(x)"),
        Expr::Wildcard(_) | Expr::QualifiedWildcard(..) => ("*", "list the columns"),
        _ => ("expression", "write it with columns, literals, CASE and the listed functions"),
    };
    (name, remedy.to_owned())
}

/// What to write instead of an operator that is not in the subset.
pub(super) fn operator(op: &BinaryOperator) -> String {
    use BinaryOperator as Op;
    match op {
        Op::Modulo | Op::DuckIntegerDivide | Op::MyIntegerDivide => functions::instead("MOD"),
        Op::Spaceship => NULL_SAFE.to_owned(),
        Op::Regexp
        | Op::Match
        | Op::Glob
        | Op::PGRegexMatch
        | Op::PGRegexIMatch
        | Op::PGRegexNotMatch
        | Op::PGRegexNotIMatch => LITERAL_LIKE.to_owned(),
        Op::PGLikeMatch | Op::PGILikeMatch | Op::PGNotLikeMatch | Op::PGNotILikeMatch => {
            "write x LIKE 'start%'".to_owned()
        }
        Op::Arrow | Op::LongArrow | Op::HashArrow | Op::HashLongArrow => MAPPING.to_owned(),
        Op::PGExp | Op::PGBitwiseXor | Op::BitwiseXor => "write POWER(x, y)".to_owned(),
        Op::Xor => "write a <> b".to_owned(),
        _ => "the operators are + - * / || = <> < <= > >= AND OR NOT".to_owned(),
    }
}

/// What to write instead of a sign that is not in the subset.
pub(super) fn sign(op: UnaryOperator) -> &'static str {
    match op {
        UnaryOperator::Plus => "delete the plus",
        UnaryOperator::BangNot => "write NOT x",
        UnaryOperator::PGAbs => "write ABS(x)",
        UnaryOperator::PGSquareRoot => "write SQRT(x)",
        _ => "the signs are - and NOT",
    }
}
