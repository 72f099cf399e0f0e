//! Calls: which function, with which arguments, in which clause, over which window.

use std::ops::ControlFlow;

use sqlparser::ast::{
    DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList,
    FunctionArguments, OrderByExpr, OrderByOptions, OrderBySort, Spanned, Value, ValueWithSpan,
    WindowFrame, WindowFrameBound, WindowFrameUnits, WindowSpec, WindowType, visit_expressions,
};
use sqlparser::tokenizer::Span;

use super::Findings;
use super::double::{arguments, is_double};
use super::expr::{self, Clause, Site};
use super::functions::{self, Allowed, Kind};
use super::names;

const FRAME: &str = "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW";
const TWO_STEPS: &str = "compute the inner one in a CTE of its own";
const CONDITION: &str = "write SUM(CASE WHEN .. THEN 1 ELSE 0 END)";

/// Refuses whatever in a call is outside the subset.
pub(super) fn call(function: &Function, site: Site, out: &mut Findings) {
    let at = function.name.span();
    let name = function.name.to_string().to_uppercase();
    let Some(rule) = functions::allowed(&name) else {
        let message = format!("the function {name} is outside the subset");
        out.refuse(at, message, functions::instead(&name));
        return;
    };
    modifiers(function, rule, out);
    match &function.args {
        FunctionArguments::List(list) => argument_list(list, rule, function, &site, out),
        FunctionArguments::None | FunctionArguments::Subquery(_) => {
            out.refuse(at, format!("{name} without arguments"), format!("write {name}(..)"));
        }
    }
    if rule.kind != Kind::Scalar || function.over.is_some() {
        placement(function, rule, &site, out);
    }
    match &function.over {
        Some(WindowType::WindowSpec(spec)) => over(spec, rule, at, site, out),
        Some(WindowType::NamedWindow(window)) => {
            let remedy = "write OVER (PARTITION BY .. ORDER BY ..) out at each call";
            out.refuse(window.span, format!("OVER {window}"), remedy);
        }
        None if matches!(rule.kind, Kind::Ranking | Kind::Offset | Kind::First) => {
            let remedy = format!("write {name}(..) OVER (PARTITION BY .. ORDER BY ..)");
            out.refuse(at, format!("{name} without OVER"), remedy);
        }
        None => {}
    }
    if function.over.is_some()
        && matches!(rule.kind, Kind::Aggregate { .. })
        && arguments(function).any(|argument| !names_a_column(argument))
    {
        // The embedded engine takes SUM(1) OVER (..) for 1.
        let remedy = "write COUNT(*) OVER (..), or make the constant a column in a CTE";
        out.refuse(at, format!("{name} of a constant with OVER"), remedy);
    }
    let in_call = site.in_call || rule.kind != Kind::Scalar;
    arguments(function).for_each(|e| expr::check(e, Site { in_call, ..site }, out));
}

fn names_a_column(expr: &Expr) -> bool {
    let is_name = |e: &Expr| matches!(e, Expr::Identifier(_) | Expr::CompoundIdentifier(_));
    let found = visit_expressions(expr, |e: &Expr| match is_name(e) {
        true => ControlFlow::Break(()),
        false => ControlFlow::Continue(()),
    });
    found.is_break()
}

/// Whether the call is an aggregate over a group, not over a window.
pub(super) fn is_plain_aggregate(expr: &Expr) -> bool {
    let Expr::Function(function) = expr else { return false };
    let rule = functions::allowed(&function.name.to_string());
    function.over.is_none() && rule.is_some_and(|r| matches!(r.kind, Kind::Aggregate { .. }))
}

fn modifiers(function: &Function, rule: &Allowed, out: &mut Findings) {
    // Taken apart by name, so that a new part of the syntax cannot pass unseen.
    let Function {
        name,
        uses_odbc_syntax,
        parameters,
        args: _,
        within_group,
        filter,
        null_treatment,
        over: _,
    } = function;
    let at = name.span();
    if let Some(condition) = filter {
        out.refuse(condition.span(), format!("FILTER on {}", rule.name), CONDITION);
    }
    if !within_group.is_empty() {
        out.refuse(at, "WITHIN GROUP", functions::instead("PERCENTILE_CONT"));
    }
    if null_treatment.is_some() {
        nulls(at, rule, out);
    }
    if *uses_odbc_syntax || *parameters != FunctionArguments::None {
        out.refuse(at, format!("this form of {}", rule.name), format!("write {}(..)", rule.name));
    }
}

fn nulls(at: Span, rule: &Allowed, out: &mut Findings) {
    let remedy = "filter the NULLs in a CTE first";
    out.refuse(at, format!("IGNORE NULLS in {}", rule.name), remedy);
}

fn argument_list(
    list: &FunctionArgumentList,
    rule: &Allowed,
    function: &Function,
    site: &Site,
    out: &mut Findings,
) {
    let FunctionArgumentList { duplicate_treatment, args, clauses } = list;
    let (at, name) = (function.name.span(), rule.name);
    if !clauses.is_empty() {
        let remedy = "leave only the arguments; order or filter rows in a CTE first";
        out.refuse(at, format!("a clause inside {name}(..)"), remedy);
    }
    let distinct = *duplicate_treatment == Some(DuplicateTreatment::Distinct);
    if distinct && name != "COUNT" {
        out.refuse(at, format!("{name}(DISTINCT ..)"), "SELECT DISTINCT in a CTE first");
    } else if distinct && args.len() > 1 {
        let remedy = "SELECT DISTINCT a, b in a CTE, then COUNT(*)";
        out.refuse(at, "COUNT(DISTINCT a, b)", remedy);
    } else if !(rule.least..=rule.most).contains(&args.len()) {
        let remedy = match rule.kind {
            Kind::Offset => format!("write COALESCE({name}(x) OVER (..), default)"),
            _ if rule.least == rule.most => format!("{name} takes {}", rule.least),
            _ => format!("{name} takes at least {}", rule.least),
        };
        out.refuse(at, format!("{name} with {} arguments", args.len()), remedy);
    }
    if distinct && function.over.is_some() {
        let remedy = "number the distinct values with DENSE_RANK() in a CTE, then MAX() OVER (PARTITION BY ..)";
        out.refuse(at, format!("{name}(DISTINCT ..) OVER"), remedy);
    }
    for arg in args {
        argument(arg, distinct, rule, at, out);
    }
    if rule.kind == Kind::Offset && arguments(function).nth(1).is_some_and(|n| !is_count(n)) {
        out.refuse(
            at,
            format!("{name} by something else than a number"),
            format!("write {name}(x, 2)"),
        );
    }
    let adds = matches!(name, "SUM" | "AVG") && !site.in_call;
    if adds && arguments(function).any(|arg| is_double(arg, site.relations)) {
        let remedy = "SUM whole numbers or CAST(x AS DECIMAL(18, 6)), and divide as the last step";
        out.refuse(at, format!("{name} of a DOUBLE depends on the order of the rows"), remedy);
    }
}

fn argument(arg: &FunctionArg, distinct: bool, rule: &Allowed, at: Span, out: &mut Findings) {
    match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(_)) => {}
        FunctionArg::Unnamed(FunctionArgExpr::Wildcard) if rule.name == "COUNT" && !distinct => {}
        FunctionArg::Named { .. } | FunctionArg::ExprNamed { .. } => {
            out.refuse(
                at,
                format!("a named argument of {}", rule.name),
                "give arguments by position",
            );
        }
        FunctionArg::Unnamed(_) => {
            out.refuse(at, format!("* in {}", rule.name), "write COUNT(*), or name the column");
        }
    }
}

fn placement(function: &Function, rule: &Allowed, site: &Site, out: &mut Findings) {
    let (at, name, windowed) = (function.name.span(), rule.name, function.over.is_some());
    if site.in_call {
        let message = format!("{name} inside another aggregate or window call");
        out.refuse(at, message, TWO_STEPS);
        return;
    }
    match site.clause {
        Clause::Select if windowed && site.grouped => {
            let message = format!("{name} OVER in a SELECT that also groups");
            out.refuse(at, message, "group in a CTE, then use the window on its rows");
        }
        Clause::Select => {}
        Clause::Having if !windowed => {}
        _ if windowed => {
            let remedy = "compute it in a CTE (.. AS rn), then WHERE rn = 1";
            out.refuse(at, format!("{name} OVER outside the SELECT list"), remedy);
        }
        _ => {
            let remedy = "aggregate in a CTE, or filter groups with HAVING";
            out.refuse(at, format!("{name} outside SELECT and HAVING"), remedy);
        }
    }
}

fn over(spec: &WindowSpec, rule: &Allowed, at: Span, site: Site, out: &mut Findings) {
    let WindowSpec { window_name, partition_by, order_by, window_frame } = spec;
    if let Some(base) = window_name {
        let remedy = "write OVER (PARTITION BY .. ORDER BY ..) out at each call";
        out.refuse(base.span, format!("OVER ({base} ..)"), remedy);
    }
    frame(rule, !order_by.is_empty(), window_frame.as_ref(), at, out);
    directions(order_by, out);
    names::keys(order_by.iter().map(|key| &key.expr), "window", out);
    let inside = Site { in_call: true, ..site };
    partition_by.iter().for_each(|e| expr::check(e, inside, out));
    order_by.iter().for_each(|key| expr::check(&key.expr, inside, out));
}

/// A window is either whole partitions, or a running total with the frame written out, or the order
/// of a ranking: every other frame is wrong or missing on some engine.
fn frame(rule: &Allowed, ordered: bool, frame: Option<&WindowFrame>, at: Span, out: &mut Findings) {
    let name = rule.name;
    match rule.kind {
        Kind::Scalar => {
            out.refuse(at, format!("{name} with OVER"), format!("write {name}(..) without OVER"));
        }
        Kind::Ranking | Kind::Offset | Kind::First => {
            if !ordered {
                let remedy = "add ORDER BY with keys that make each row unique";
                out.refuse(at, format!("{name} OVER without ORDER BY"), remedy);
            }
            if frame.is_some() {
                out.refuse(at, format!("{name} with a frame"), "delete the frame");
            }
        }
        Kind::Aggregate { running: true } if ordered => {
            if !frame.is_some_and(is_running) {
                let message = format!("{name} OVER (ORDER BY ..) without the running frame");
                out.refuse(at, message, format!("write .. ORDER BY unique keys {FRAME}"));
            }
        }
        Kind::Aggregate { running: false } if ordered => {
            let remedy = "write a running SUM and COUNT, and divide them in the next CTE";
            out.refuse(at, format!("running {name}"), remedy);
        }
        Kind::Aggregate { .. } => {
            if frame.is_some() {
                let remedy =
                    format!("add ORDER BY unique keys before {FRAME}, or delete the frame");
                out.refuse(at, format!("{name} with a frame but no ORDER BY"), remedy);
            }
        }
    }
}

fn is_running(frame: &WindowFrame) -> bool {
    frame.units == WindowFrameUnits::Rows
        && frame.start_bound == WindowFrameBound::Preceding(None)
        && frame.end_bound == Some(WindowFrameBound::CurrentRow)
}

fn directions(order_by: &[OrderByExpr], out: &mut Findings) {
    let mut descending = None;
    for OrderByExpr { expr, options, with_fill } in order_by {
        let OrderByOptions { sort, nulls_first } = options;
        if nulls_first.is_some() {
            let remedy = "filter the NULLs, or order by COALESCE(x, 0)";
            out.refuse(expr.span(), "NULLS FIRST or NULLS LAST in OVER", remedy);
        }
        if with_fill.is_some() || matches!(sort, Some(OrderBySort::Using(_))) {
            out.refuse(expr.span(), "this form of ORDER BY", "write ORDER BY x or ORDER BY x DESC");
        }
        let down = matches!(sort, Some(OrderBySort::Desc));
        if *descending.get_or_insert(down) != down {
            let remedy = "negate the number: ORDER BY -n, key";
            out.refuse(expr.span(), "ASC and DESC in one window", remedy);
        }
        if is_count(expr) {
            out.refuse(expr.span(), "a number as key of a window", "name the column");
        }
    }
}

fn is_count(expr: &Expr) -> bool {
    matches!(expr, Expr::Value(ValueWithSpan { value: Value::Number(digits, _), .. })
        if digits.bytes().all(|b| b.is_ascii_digit()))
}
