//! Which expressions are surely DOUBLE, as far as the text alone can tell.
//!
//! Sums of DOUBLE depend on the order of addition, casts of DOUBLE round differently, and `/` needs
//! a DOUBLE operand. A column of a table counts as not DOUBLE, because the linter sees no schema.

use sqlparser::ast::{
    DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident,
};

use super::from::Relation;

/// Results are DOUBLE whatever goes in.
const ALWAYS: &[&str] =
    &["SQRT", "POWER", "LN", "EXP", "LOG10", "AVG", "MEDIAN", "STDDEV_SAMP", "VAR_SAMP"];
/// Results are DOUBLE when any argument is.
const BY_ARGUMENT: &[&str] = &[
    "ABS",
    "COALESCE",
    "NULLIF",
    "GREATEST",
    "LEAST",
    "MIN",
    "MAX",
    "SUM",
    "LAG",
    "LEAD",
    "FIRST_VALUE",
];

/// Whether `expr` is surely DOUBLE when read from `relations`.
pub(super) fn is_double(expr: &Expr, relations: &[Relation]) -> bool {
    let double = |e: &Expr| is_double(e, relations);
    match expr {
        Expr::Identifier(name) => relations.iter().any(|r| r.has_double(name)),
        Expr::CompoundIdentifier(parts) => is_double_column(parts, relations),
        Expr::Cast { data_type, .. } => matches!(data_type, DataType::Double(_)),
        Expr::Nested(inner) | Expr::UnaryOp { expr: inner, .. } => double(inner),
        Expr::Floor { expr, .. } | Expr::Ceil { expr, .. } => double(expr),
        Expr::BinaryOp { left, op, right } => {
            use sqlparser::ast::BinaryOperator as Op;
            let arithmetic = matches!(op, Op::Plus | Op::Minus | Op::Multiply | Op::Divide);
            arithmetic && (double(left) || double(right))
        }
        Expr::Case { conditions, else_result, .. } => {
            conditions.iter().any(|when| double(&when.result))
                || else_result.as_deref().is_some_and(double)
        }
        Expr::Function(function) => is_double_call(function, relations),
        _ => false,
    }
}

/// The arguments of a call that are expressions.
pub(super) fn arguments(function: &Function) -> impl Iterator<Item = &Expr> {
    let args = match &function.args {
        FunctionArguments::List(list) => list.args.as_slice(),
        FunctionArguments::None | FunctionArguments::Subquery(_) => &[],
    };
    args.iter().filter_map(|arg| match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
        _ => None,
    })
}

fn is_double_column(parts: &[Ident], relations: &[Relation]) -> bool {
    let [qualifier, name] = parts else { return false };
    relations.iter().any(|r| r.alias == qualifier.value && r.has_double(name))
}

fn is_double_call(function: &Function, relations: &[Relation]) -> bool {
    let name = function.name.to_string().to_uppercase();
    ALWAYS.contains(&name.as_str())
        || (BY_ARGUMENT.contains(&name.as_str())
            && arguments(function).any(|arg| is_double(arg, relations)))
}
