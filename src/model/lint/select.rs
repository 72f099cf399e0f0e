//! One SELECT: its clauses, its columns and their names.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use sqlparser::ast::{
    Distinct, Expr, GroupByExpr, Select, SelectFlavor, SelectItem, Spanned, visit_expressions,
};
use sqlparser::tokenizer::Span;

use super::double::is_double;
use super::expr::{self, Clause, Site};
use super::query::{self, Level};
use super::{Findings, Names, Output, from, names, window};

/// Refuses whatever in `select` is outside the subset; returns its columns.
pub(super) fn check(
    select: &Select,
    level: Level,
    names: &Names,
    out: &mut Findings,
) -> Vec<Output> {
    out.pass(select.select_token.0.span);
    other_clauses(select, out);
    let outer = match level {
        Level::In(site) => Some(site),
        Level::Top | Level::Cte | Level::Nested => None,
    };
    let relations = from::relations(select, names, out);
    let keys: &[Expr] = match &select.group_by {
        GroupByExpr::Expressions(keys, _) => keys,
        GroupByExpr::All(_) => &[],
    };
    let aggregates = select.projection.iter().any(|item| {
        let found = |e: &Expr| match window::is_plain_aggregate(e) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        };
        visit_expressions(item, found).is_break()
    });
    let site = Site {
        names,
        relations: &relations,
        outer,
        clause: Clause::Select,
        grouped: !keys.is_empty() || select.having.is_some() || aggregates,
        in_call: false,
        decimals: false,
        intervals: false,
    };
    let columns = projection(select, site, out);
    if let (Level::In(_), true) = (level, site.grouped || columns.len() != 1) {
        let remedy = "group in a CTE and read one column: x IN (SELECT c.x FROM c_some AS c)";
        out.refuse(
            select.select_token.0.span,
            "IN (SELECT ..) that groups or has several columns",
            remedy,
        );
    }
    from::joins(select, site, out);
    if let Some(condition) = &select.selection {
        filter(condition, Site { clause: Clause::Where, ..site }, out);
    }
    group_by(select, keys, Site { clause: Clause::GroupBy, ..site }, out);
    if let Some(condition) = &select.having {
        expr::check(condition, Site { clause: Clause::Having, ..site }, out);
    }
    columns
}

fn projection(select: &Select, site: Site, out: &mut Findings) -> Vec<Output> {
    let mut columns: Vec<Output> = Vec::new();
    if select.projection.is_empty() {
        out.refuse(select.select_token.0.span, "SELECT without columns", "list the columns");
    }
    for item in &select.projection {
        let (value, alias) = match item {
            SelectItem::UnnamedExpr(value) => (value, None),
            SelectItem::ExprWithAlias { expr, alias } => (expr, Some(alias)),
            SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..) => {
                out.refuse(item.span(), "SELECT *", "list the columns");
                continue;
            }
            SelectItem::ExprWithAliases { .. } => {
                out.refuse(item.span(), "several aliases for one value", "give one alias");
                continue;
            }
        };
        later_alias(value, &columns, &site, out);
        expr::check(value, site, out);
        let name = match (alias, value) {
            (Some(alias), _) => {
                names::plain(alias, out);
                alias.value.clone()
            }
            (None, Expr::Identifier(name)) => name.value.clone(),
            (None, Expr::CompoundIdentifier(parts)) => {
                parts.last().map(|name| name.value.clone()).unwrap_or_default()
            }
            (None, _) => {
                if site.outer.is_none() {
                    out.refuse(value.span(), "a computed column without a name", "add AS name");
                }
                String::new()
            }
        };
        if !name.is_empty() && columns.iter().any(|column| column.name == name) {
            let message = format!("two columns are called {name}");
            out.refuse(item.span(), message, format!("write AS {name}_2 for one of them"));
        }
        columns.push(Output { name, double: is_double(value, site.relations) });
    }
    columns
}

/// An alias read in its own SELECT list. It is certain only where every column of FROM is known.
fn later_alias(value: &Expr, before: &[Output], site: &Site, out: &mut Findings) {
    let known = site.relations.iter().all(|r| r.columns.is_some());
    let in_from: BTreeSet<&str> = site
        .relations
        .iter()
        .filter_map(|r| r.columns.as_ref())
        .flatten()
        .map(|c| c.name.as_str())
        .collect();
    let _ = visit_expressions(value, |e: &Expr| {
        if let (Expr::Identifier(name), true) = (e, known)
            && before.iter().any(|column| column.name == name.value)
            && !in_from.contains(name.value.as_str())
        {
            let message = format!("the alias {name} read in the SELECT that defines it");
            out.refuse(name.span, message, "define it in a CTE, or repeat the expression");
        }
        ControlFlow::<()>::Continue(())
    });
}

/// IN (SELECT ..) is a join to polars only where it stands alone among the conditions.
fn filter(condition: &Expr, site: Site, out: &mut Findings) {
    use sqlparser::ast::BinaryOperator::And;
    match condition {
        Expr::BinaryOp { left, op: And, right } => {
            filter(left, site, out);
            filter(right, site, out);
        }
        Expr::InSubquery { expr: value, subquery, negated: _ } => {
            expr::check(value, site, out);
            query::check(subquery, Level::In(&site), site.names, out);
        }
        other => expr::check(other, site, out),
    }
}

fn group_by(select: &Select, keys: &[Expr], site: Site, out: &mut Findings) {
    let modified = match &select.group_by {
        GroupByExpr::All(_) => {
            out.refuse(Span::empty(), "GROUP BY ALL", "list the columns");
            false
        }
        GroupByExpr::Expressions(_, modifiers) => !modifiers.is_empty(),
    };
    keys.iter().for_each(|key| expr::check(key, site, out));
    names::keys(keys.iter(), "group", out);
    if modified {
        let remedy = "CROSS JOIN a CTE of masks, or UNION ALL one SELECT for each";
        out.refuse(Span::empty(), "GROUP BY WITH ROLLUP, CUBE or TOTALS", remedy);
    }
}

/// Clauses that no engine shares with all others.
fn other_clauses(select: &Select, out: &mut Findings) {
    // Taken apart by name, so that a new clause of the syntax cannot pass unseen.
    let Select {
        select_token,
        optimizer_hints,
        distinct: _,
        select_modifiers,
        top,
        top_before_distinct: _,
        projection: _,
        exclude,
        into,
        from: _,
        lateral_views,
        prewhere,
        selection: _,
        connect_by,
        group_by: _,
        cluster_by,
        distribute_by,
        sort_by,
        having: _,
        named_window: _,
        qualify: _,
        window_before_qualify: _,
        value_table_mode,
        flavor,
    } = select;
    let at = select_token.0.span;
    row_choice(select, at, out);
    if *flavor != SelectFlavor::Standard {
        out.refuse(at, "FROM before SELECT", "write SELECT .. FROM ..");
    }
    let refused = [
        (top.is_some(), "TOP", "rank in a CTE (ROW_NUMBER() .. AS rn), then WHERE rn <= 10"),
        (exclude.is_some(), "EXCLUDE", "list the columns"),
        (into.is_some(), "INTO", "delete it: the engine writes the rows"),
        (!lateral_views.is_empty(), "LATERAL VIEW", "read a table with one row for each element"),
        (prewhere.is_some(), "PREWHERE", "write WHERE"),
        (!connect_by.is_empty(), "CONNECT BY", "flatten the hierarchy in the source's mapping"),
        (!cluster_by.is_empty(), "CLUSTER BY", "delete it: the writer sorts the rows"),
        (!distribute_by.is_empty(), "DISTRIBUTE BY", "delete it: the writer sorts the rows"),
        (!sort_by.is_empty(), "SORT BY", "delete it: the writer sorts the rows"),
        (value_table_mode.is_some(), "AS STRUCT or AS VALUE", "list the columns"),
        (!optimizer_hints.is_empty(), "an optimizer hint", "delete it"),
        (select_modifiers.as_ref().is_some_and(|m| m.is_any_set()), "a modifier", "write SELECT"),
    ];
    for (_, name, remedy) in refused.into_iter().filter(|(present, ..)| *present) {
        out.refuse(at, name, remedy);
    }
}

/// The clauses that choose rows by rank, or name a window to do so.
fn row_choice(select: &Select, at: Span, out: &mut Findings) {
    if let Some(condition) = &select.qualify {
        let remedy = "compute it in a CTE (ROW_NUMBER() OVER (..) AS rn), then WHERE rn = 1";
        out.refuse(condition.span(), "QUALIFY", remedy);
    }
    if let Some(window) = select.named_window.first() {
        let remedy = "write OVER (PARTITION BY .. ORDER BY ..) out at each call";
        out.refuse(window.0.span, "WINDOW", remedy);
    }
    if let Some(Distinct::On(columns)) = &select.distinct {
        let remedy = "rank in a CTE (ROW_NUMBER() OVER (..) AS rn), then WHERE rn = 1";
        out.refuse(columns.first().map_or(at, Spanned::span), "DISTINCT ON", remedy);
    }
}
