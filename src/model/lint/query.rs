//! Queries: WITH, set operations, and the clauses that end a query.

use sqlparser::ast::{
    Cte, LimitClause, OrderByKind, Query, SetExpr, SetOperator, SetQuantifier, Spanned, TableAlias,
    With,
};
use sqlparser::tokenizer::Span;

use super::expr::Site;
use super::{Findings, Names, Output, names, select};

/// Where a query stands.
#[derive(Clone, Copy)]
pub(super) enum Level<'a> {
    Top,
    Cte,
    /// In FROM, or in parentheses as an arm of a set operation.
    Nested,
    /// After IN, seen from the SELECT around it.
    In(&'a Site<'a>),
}

/// Refuses whatever in `query` is outside the subset; returns its columns.
pub(super) fn check(query: &Query, level: Level, names: &Names, out: &mut Findings) -> Vec<Output> {
    // Taken apart by name, so that a new clause of the syntax cannot pass unseen.
    let Query {
        with,
        body,
        order_by,
        limit_clause,
        fetch,
        locks,
        for_clause,
        settings,
        format_clause,
        pipe_operators,
    } = query;
    let mut names = names.clone();
    if let Some(with) = with {
        if !matches!(level, Level::Top | Level::Cte) {
            let remedy = "move it into the WITH at the top: polars ignores this one";
            out.refuse(with.span(), "WITH inside a subquery", remedy);
        }
        define(with, &mut names, out);
    }
    let columns = set(body, level, &names, out);
    if let Some(order) = order_by {
        let first = match &order.kind {
            OrderByKind::Expressions(keys) => keys.first().map(Spanned::span),
            OrderByKind::All(_) => None,
        };
        let remedy = "delete it: the writer sorts the rows; for a first row use ROW_NUMBER()";
        out.refuse(first.unwrap_or(Span::empty()), "ORDER BY at the end of a query", remedy);
    }
    let limit = match limit_clause {
        Some(LimitClause::LimitOffset { limit, .. }) => limit.as_ref().map(Spanned::span),
        Some(LimitClause::OffsetCommaLimit { offset, .. }) => Some(offset.span()),
        None => None,
    };
    if limit_clause.is_some() || fetch.is_some() {
        let remedy = "rank in a CTE (ROW_NUMBER() OVER (ORDER BY ..) AS rn), then WHERE rn <= 10";
        out.refuse(limit.unwrap_or(Span::empty()), "LIMIT, OFFSET or FETCH", remedy);
    }
    let other = !locks.is_empty()
        || for_clause.is_some()
        || settings.is_some()
        || format_clause.is_some()
        || !pipe_operators.is_empty();
    if other {
        out.refuse(Span::empty(), "a clause of one engine after the query", "delete it");
    }
    columns
}

fn define(with: &With, names: &mut Names, out: &mut Findings) {
    let With { with_token, recursive, cte_tables } = with;
    if *recursive {
        let remedy = "delete RECURSIVE; JOIN the calendar table instead of counting up";
        out.refuse(with_token.0.span, "WITH RECURSIVE", remedy);
    }
    for Cte { alias, query, from, materialized, closing_paren_token: _ } in cte_tables {
        if from.is_some() || materialized.is_some() {
            let remedy = format!("write {} AS (SELECT ..)", alias.name);
            out.refuse(alias.name.span, "this form of WITH", remedy);
        }
        let mut columns = check(query, Level::Cte, names, out);
        rename(&mut columns, alias, out);
        names.visible.insert(alias.name.value.clone(), columns);
    }
}

fn rename(columns: &mut [Output], alias: &TableAlias, out: &mut Findings) {
    let TableAlias { explicit: _, name, columns: given, at } = alias;
    let typed = given.iter().any(|column| column.data_type.is_some());
    if typed || at.is_some() || (!given.is_empty() && given.len() != columns.len()) {
        let remedy = format!("write {name} AS (SELECT .. AS a, .. AS b)");
        out.refuse(name.span, format!("the column list of {name}"), remedy);
    }
    for (column, given) in columns.iter_mut().zip(given) {
        names::plain(&given.name, out);
        column.name.clone_from(&given.name.value);
    }
}

fn set(body: &SetExpr, level: Level, names: &Names, out: &mut Findings) -> Vec<Output> {
    match body {
        SetExpr::Select(select) => select::check(select, level, names, out),
        SetExpr::Query(query) => check(query, Level::Nested, names, out),
        SetExpr::SetOperation { left, op, set_quantifier, right } => {
            if let Level::In(_) = level {
                let remedy = "put the set operation in a CTE: x IN (SELECT c.x FROM c_all AS c)";
                out.refuse(left.span(), format!("{op} inside IN"), remedy);
            }
            let mut columns = set(left, Level::Nested, names, out);
            operator(*op, *set_quantifier, right.span(), out);
            let others = set(right, Level::Nested, names, out);
            if columns.len() != others.len() {
                let message = format!("{op} of {} and {} columns", columns.len(), others.len());
                out.refuse(right.span(), message, "list the same columns in each SELECT");
            }
            for (column, other) in columns.iter_mut().zip(others) {
                column.double |= other.double;
            }
            columns
        }
        SetExpr::Values(values) => {
            let remedy = "write SELECT 1 AS a UNION ALL SELECT 2 AS a";
            out.refuse(values.span(), "VALUES", remedy);
            Vec::new()
        }
        SetExpr::Table(_) => {
            out.refuse(Span::empty(), "TABLE", "write SELECT a, b FROM t");
            Vec::new()
        }
        SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => {
            out.refuse(body.span(), "a statement that writes", "keep the SELECT");
            Vec::new()
        }
    }
}

fn operator(op: SetOperator, quantifier: SetQuantifier, at: Span, out: &mut Findings) {
    match (op, quantifier) {
        (SetOperator::Union, SetQuantifier::All | SetQuantifier::None) => {}
        (SetOperator::Except | SetOperator::Intersect, SetQuantifier::None) => {}
        (SetOperator::Minus, _) => out.refuse(at, "MINUS", "write EXCEPT"),
        (_, SetQuantifier::ByName | SetQuantifier::AllByName | SetQuantifier::DistinctByName) => {
            let remedy = "list the columns in the same order in each SELECT, and write UNION ALL";
            out.refuse(at, format!("{op} BY NAME"), remedy);
        }
        _ => {
            let remedy = "write UNION ALL, UNION, EXCEPT or INTERSECT";
            out.refuse(at, format!("{op} {quantifier}"), remedy);
        }
    }
}
