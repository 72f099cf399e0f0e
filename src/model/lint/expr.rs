//! Expressions: each kind that the subset admits has an arm in [`check`]; the rest is refused.

use sqlparser::ast::{
    BinaryOperator, CastKind, CeilFloorKind, CharacterLength, DataType, DateTimeField,
    ExactNumberInfo, Expr, Ident, Interval, Spanned, TimezoneInfo, TypedString, UnaryOperator,
    Value, ValueWithSpan,
};

use super::double::is_double;
use super::from::Relation;
use super::{Findings, Names, names, refused, window};

/// Where an expression stands, and what it can see from there.
#[derive(Clone, Copy)]
pub(super) struct Site<'a> {
    pub(super) names: &'a Names<'a>,
    /// The relations of this SELECT's FROM.
    pub(super) relations: &'a [Relation],
    /// The SELECT around this one, for a subquery in WHERE.
    pub(super) outer: Option<&'a Site<'a>>,
    pub(super) clause: Clause,
    /// The SELECT has GROUP BY, HAVING or a plain aggregate.
    pub(super) grouped: bool,
    /// Inside the arguments or the window of an aggregate or window call.
    pub(super) in_call: bool,
    /// A decimal literal may stand here: it is compared or cast, not computed with.
    pub(super) decimals: bool,
    /// An INTERVAL may stand here: it is added, subtracted or compared.
    pub(super) intervals: bool,
}

/// The clause decides whether aggregates and window calls may stand in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clause {
    Select,
    On,
    Where,
    GroupBy,
    Having,
}

const DECIMALS: &str = "compute with whole numbers, or write CAST(0.95 AS DOUBLE)";
const UNITS: &[&str] = &["second", "minute", "hour", "day", "month"];

/// Refuses whatever in `expr` is outside the subset.
pub(super) fn check(expr: &Expr, site: Site, out: &mut Findings) {
    out.pass(expr.span());
    let plain = Site { decimals: false, intervals: false, ..site };
    match expr {
        Expr::Identifier(name) => names::plain(name, out),
        Expr::CompoundIdentifier(parts) => column(parts, &site, out),
        Expr::Value(literal) => value(literal, &site, out),
        Expr::TypedString(literal) => typed(literal, out),
        Expr::Interval(literal) => interval(literal, &site, out),
        Expr::Nested(inner) => check(inner, site, out),
        Expr::IsNull(inner) | Expr::IsNotNull(inner) => check(inner, plain, out),
        Expr::UnaryOp { op, expr: inner } => {
            if !matches!(op, UnaryOperator::Minus | UnaryOperator::Not) {
                out.refuse(expr.span(), format!("sign {op}"), refused::sign(*op));
            }
            check(inner, Site { decimals: site.decimals, ..plain }, out);
        }
        Expr::BinaryOp { left, op, right } => binary(left, op, right, plain, out),
        Expr::Between { .. } | Expr::InList { .. } => membership(expr, plain, out),
        Expr::Like { any: false, escape_char: None, expr: inner, pattern, .. }
        | Expr::ILike { any: false, escape_char: None, expr: inner, pattern, .. } => {
            check(inner, plain, out);
            check(pattern, plain, out);
        }
        Expr::Case { operand, conditions, else_result, .. } => {
            let branches = conditions.iter().flat_map(|when| [&when.condition, &when.result]);
            let all = operand.as_deref().into_iter().chain(branches).chain(else_result.as_deref());
            all.for_each(|e| check(e, plain, out));
        }
        Expr::Cast { kind, expr: inner, data_type, format: None } => {
            cast(kind, inner, data_type, plain, out);
        }
        Expr::Floor { expr: inner, field } | Expr::Ceil { expr: inner, field }
            if *field == CeilFloorKind::DateTimeField(DateTimeField::NoDateTime) =>
        {
            check(inner, plain, out);
        }
        Expr::Substring {
            shorthand: true,
            special: true,
            expr: inner,
            substring_from,
            substring_for,
        } => {
            check(inner, plain, out);
            substring_from.iter().chain(substring_for).for_each(|e| check(e, plain, out));
        }
        Expr::Trim { trim_where: None, trim_what: None, trim_characters: None, expr: inner } => {
            check(inner, plain, out);
        }
        Expr::Function(function) => window::call(function, plain, out),
        other => {
            let (name, remedy) = refused::expression(other);
            // The parser gives RLIKE no place.
            let at = if let Expr::RLike { expr, .. } = other { expr.span() } else { other.span() };
            out.refuse(at, format!("{name} is outside the subset"), remedy);
        }
    }
}

/// Decimals may be compared with a range or a list; intervals with a range.
fn membership(expr: &Expr, site: Site, out: &mut Findings) {
    match expr {
        Expr::Between { expr: inner, low, high, .. } => {
            let compared = Site { decimals: true, intervals: true, ..site };
            [inner, low, high].into_iter().for_each(|e| check(e, compared, out));
        }
        Expr::InList { expr: inner, list, .. } => {
            check(inner, site, out);
            list.iter().for_each(|e| check(e, Site { decimals: true, ..site }, out));
        }
        _ => {}
    }
}

fn column(parts: &[Ident], site: &Site, out: &mut Findings) {
    parts.iter().for_each(|part| names::plain(part, out));
    let [qualifier, name] = parts else {
        let span = parts.first().map_or(sqlparser::tokenizer::Span::empty(), |p| p.span);
        out.refuse(span, "a column has at most one qualifier", "write alias.column");
        return;
    };
    let known = |site: &Site| site.relations.iter().any(|r| r.alias == qualifier.value);
    if known(site) {
        return;
    }
    let mut outer = site.outer;
    while let Some(around) = outer {
        if known(around) {
            let message = format!("correlated subquery: {qualifier}.{name} is of the outer query");
            out.refuse(qualifier.span, message, "JOIN a CTE grouped by the columns to match");
            return;
        }
        outer = around.outer;
    }
    let near = site.relations.iter().map(|r| r.alias.as_str());
    let remedy = names::did_you_mean(
        &qualifier.value,
        near,
        "add it to FROM, or qualify by an alias of FROM",
    );
    out.refuse(qualifier.span, format!("{qualifier} is not in this FROM"), remedy);
}

fn value(literal: &ValueWithSpan, site: &Site, out: &mut Findings) {
    match &literal.value {
        Value::Boolean(_) | Value::Null => {}
        Value::Number(digits, false) if digits.bytes().all(|b| b.is_ascii_digit()) => {}
        Value::Number(digits, false) if !digits.contains(['e', 'E']) => {
            if !site.decimals {
                let message = format!("decimal literal {digits} in arithmetic");
                out.refuse(literal.span, message, DECIMALS);
            }
        }
        Value::Number(digits, _) => {
            let remedy = "write the digits out: 1000 for 1e3";
            out.refuse(literal.span, format!("number {digits} with an exponent or suffix"), remedy);
        }
        Value::SingleQuotedString(text) if text.contains('\'') || text.contains('\\') => {
            let remedy = "match the text around it with LIKE, or clean it in the source's mapping";
            out.refuse(literal.span, "a quote or backslash inside a string", remedy);
        }
        Value::SingleQuotedString(_) => {}
        Value::Placeholder(_) => {}
        other => {
            let remedy = "write 'text'";
            out.refuse(literal.span, format!("literal {other}"), remedy);
        }
    }
}

fn typed(literal: &TypedString, out: &mut Findings) {
    let text = match &literal.value.value {
        Value::SingleQuotedString(text) => text.as_str(),
        _ => "",
    };
    let fits = match &literal.data_type {
        DataType::Date => {
            chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok() && text.len() == 10
        }
        DataType::Timestamp(None, TimezoneInfo::None) => {
            chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").is_ok()
                && text.len() == 19
        }
        _ => false,
    };
    if !fits || literal.uses_odbc_syntax {
        let remedy = "write DATE '2026-03-01' or TIMESTAMP '2026-03-01 00:00:00'";
        out.refuse(literal.value.span, format!("literal {literal}"), remedy);
    }
}

fn interval(literal: &Interval, site: &Site, out: &mut Findings) {
    let text = match literal.value.as_ref() {
        Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(text), .. })
            if literal.leading_field.is_none() && literal.last_field.is_none() =>
        {
            text.as_str()
        }
        _ => "",
    };
    let fits = text.split_once(' ').is_some_and(|(count, unit)| {
        !count.is_empty()
            && count.bytes().all(|b| b.is_ascii_digit())
            && UNITS.contains(&unit.strip_suffix('s').unwrap_or(unit))
    });
    if !fits {
        let remedy = format!("write INTERVAL '6 days'; the units are {}", UNITS.join(", "));
        out.refuse(literal.value.span(), literal.to_string(), remedy);
    } else if !site.intervals {
        let remedy = "add or subtract it; multiply day_no or ts_ms instead";
        out.refuse(literal.value.span(), format!("{literal} in this place"), remedy);
    }
}

fn binary(left: &Expr, op: &BinaryOperator, right: &Expr, site: Site, out: &mut Findings) {
    use BinaryOperator as Op;
    let inner = match op {
        Op::Eq | Op::NotEq | Op::Lt | Op::LtEq | Op::Gt | Op::GtEq => {
            Site { decimals: true, intervals: true, ..site }
        }
        Op::Plus | Op::Minus => Site { intervals: true, ..site },
        _ => site,
    };
    match op {
        Op::Eq | Op::NotEq | Op::Lt | Op::LtEq | Op::Gt | Op::GtEq | Op::And | Op::Or => {}
        Op::Plus | Op::Minus | Op::Multiply | Op::StringConcat => {}
        Op::Divide => division(left, right, &site, out),
        other => {
            out.refuse(left.span(), format!("operator {other}"), refused::operator(other));
        }
    }
    check(left, inner, out);
    check(right, inner, out);
}

/// Whole-number division differs between engines, and so does division by zero.
fn division(left: &Expr, right: &Expr, site: &Site, out: &mut Findings) {
    if !is_double(left, site.relations) && !is_double(right, site.relations) {
        let remedy = "write CAST(a AS DOUBLE) / NULLIF(b, 0)";
        out.refuse(left.span(), "`/` without CAST(.. AS DOUBLE)", remedy);
    }
    if !never_zero(right) {
        let remedy = "write CAST(a AS DOUBLE) / NULLIF(b, 0)";
        out.refuse(right.span(), "`/` by something that may be zero", remedy);
    }
}

fn never_zero(divisor: &Expr) -> bool {
    match divisor {
        Expr::Nested(inner) => never_zero(inner),
        Expr::Cast { kind: CastKind::Cast, expr, .. } => never_zero(expr),
        Expr::Value(ValueWithSpan { value: Value::Number(digits, _), .. }) => {
            digits.bytes().any(|b| (b'1'..=b'9').contains(&b))
        }
        Expr::Function(function) => function.name.to_string().eq_ignore_ascii_case("NULLIF"),
        _ => false,
    }
}

fn cast(kind: &CastKind, inner: &Expr, to: &DataType, site: Site, out: &mut Findings) {
    let exact = match to {
        DataType::Decimal(ExactNumberInfo::PrecisionAndScale(digits, scale)) => {
            (1..=38).contains(digits) && (0..=*digits as i64).contains(scale)
        }
        DataType::Varchar(Some(CharacterLength::IntegerLength { unit: None, .. })) => true,
        DataType::BigInt(None) | DataType::Int(None) | DataType::String(None) => true,
        DataType::Double(ExactNumberInfo::None) | DataType::Date => true,
        _ => false,
    };
    if !exact {
        out.refuse(inner.span(), format!("CAST to {to}"), target(to));
    }
    let whole = matches!(to, DataType::BigInt(None) | DataType::Int(None));
    let floored = matches!(inner, Expr::Floor { .. } | Expr::Ceil { .. });
    if whole && !floored && is_double(inner, site.relations) {
        let remedy = "write CAST(FLOOR(x) AS BIGINT): some engines round, others cut";
        out.refuse(inner.span(), format!("CAST of a DOUBLE to {to}"), remedy);
    }
    match kind {
        CastKind::Cast | CastKind::DoubleColon => {}
        CastKind::TryCast if matches!(to, DataType::Double(_) | DataType::Date) => {}
        CastKind::TryCast | CastKind::SafeCast => {
            let remedy = "write TRY_CAST(x AS DOUBLE) or TRY_CAST(x AS DATE)";
            out.refuse(inner.span(), format!("TRY_CAST to {to}"), remedy);
        }
    }
    let decimals = matches!(to, DataType::Double(_) | DataType::Decimal(_));
    check(inner, Site { decimals, ..site }, out);
}

/// The type to write instead of one that some engine lacks.
fn target(refused: &DataType) -> &'static str {
    match refused {
        DataType::Varchar(_)
        | DataType::Text
        | DataType::Char(_)
        | DataType::Character(_)
        | DataType::CharVarying(_)
        | DataType::CharacterVarying(_)
        | DataType::Nvarchar(_) => "write CAST(x AS STRING)",
        DataType::Float(_) | DataType::Real | DataType::DoublePrecision | DataType::Float8 => {
            "write CAST(x AS DOUBLE)"
        }
        DataType::Decimal(_) | DataType::Numeric(_) | DataType::Dec(_) => {
            "write CAST(x AS DECIMAL(18, 6))"
        }
        DataType::Boolean | DataType::Bool => "compare: x = 1 or x = 'true'",
        DataType::Timestamp(..) | DataType::Datetime(_) => {
            "write TIMESTAMP '2026-03-01 00:00:00', or compute with ts_ms"
        }
        DataType::Integer(_) | DataType::SmallInt(_) | DataType::TinyInt(_) | DataType::Int8(_) => {
            "write CAST(x AS BIGINT)"
        }
        _ => "the types are BIGINT, INT, DOUBLE, DECIMAL(p, s), STRING, VARCHAR(n) and DATE",
    }
}
