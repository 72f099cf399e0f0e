//! FROM and JOIN: which relations a SELECT reads, under which names, and how it joins them.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, Expr, Ident, Join, JoinConstraint, JoinOperator, ObjectName, Select, Spanned,
    TableAlias, TableFactor, visit_expressions,
};
use sqlparser::tokenizer::Span;

use super::expr::{self, Clause, Site};
use super::query::{self, Level};
use super::{Findings, Names, Output, names};

/// A table, CTE or derived table as FROM names it.
#[derive(Clone)]
pub(super) struct Relation {
    pub(super) alias: String,
    /// Known for CTEs and derived tables, not for tables.
    pub(super) columns: Option<Vec<Output>>,
}

impl Relation {
    pub(super) fn has_double(&self, name: &Ident) -> bool {
        let mut columns = self.columns.iter().flatten();
        columns.any(|column| column.double && column.name == name.value)
    }
}

/// The relations of a SELECT in the order of its text: the first, then one for each join.
pub(super) fn relations(select: &Select, names: &Names, out: &mut Findings) -> Vec<Relation> {
    if let [_, second, ..] = select.from.as_slice() {
        let remedy = "write CROSS JOIN, or JOIN .. ON";
        out.refuse(second.relation.span(), "a comma in FROM", remedy);
    }
    let mut found: Vec<Relation> = Vec::new();
    let factors = select.from.iter().flat_map(|item| {
        std::iter::once(&item.relation).chain(item.joins.iter().map(|join| &join.relation))
    });
    for factor in factors {
        let relation = relation(factor, names, out);
        if !relation.alias.is_empty() && found.iter().any(|r| r.alias == relation.alias) {
            let message = format!("{} stands twice in FROM", relation.alias);
            out.refuse(factor.span(), message, "give each its own alias: events AS a");
        }
        found.push(relation);
    }
    found
}

/// Checks the join conditions, each against the relations before it.
pub(super) fn joins(select: &Select, site: Site, out: &mut Findings) {
    let mut index = 0;
    for item in &select.from {
        for each in &item.joins {
            index += 1;
            // A comma in FROM was refused already; after it the positions no longer match.
            if let (Some(new), true) = (site.relations.get(index), select.from.len() == 1) {
                join(each, new, Site { clause: Clause::On, ..site }, out);
            }
        }
    }
}

fn relation(factor: &TableFactor, names: &Names, out: &mut Findings) -> Relation {
    let span = factor.span();
    match factor {
        TableFactor::Table {
            name,
            alias,
            args: None,
            with_hints,
            version: None,
            with_ordinality: false,
            partitions,
            json_path: None,
            sample: None,
            index_hints,
        } if with_hints.is_empty() && partitions.is_empty() && index_hints.is_empty() => {
            table(name, alias.as_ref(), names, out)
        }
        TableFactor::Derived { lateral, subquery, alias, sample } => {
            if *lateral {
                out.refuse(
                    subquery.span(),
                    "LATERAL",
                    "JOIN a CTE grouped by the columns to match",
                );
            }
            if sample.is_some() {
                out.refuse(span, "SAMPLE", "a run must be repeatable: filter by a column");
            }
            let columns = query::check(subquery, Level::Nested, names, out);
            let alias = match alias {
                Some(alias) => alias_of(alias, None, names, out),
                None => {
                    out.refuse(subquery.span(), "a subquery in FROM without alias", "add AS q");
                    String::new()
                }
            };
            Relation { alias, columns: Some(columns) }
        }
        other => {
            let (what, remedy) = refused(other);
            out.refuse(span, what, remedy);
            Relation { alias: String::new(), columns: None }
        }
    }
}

fn refused(factor: &TableFactor) -> (&'static str, &'static str) {
    const ELEMENTS: &str = "read a table with one row for each element";
    match factor {
        TableFactor::Table { args: Some(_), .. }
        | TableFactor::TableFunction { .. }
        | TableFactor::Function { .. } => {
            ("a function in FROM", "JOIN the calendar table, or a CTE")
        }
        TableFactor::Table { sample: Some(_), .. } => {
            ("SAMPLE", "a run must be repeatable: filter by a column")
        }
        TableFactor::UNNEST { .. } | TableFactor::JsonTable { .. } => ("UNNEST", ELEMENTS),
        TableFactor::NestedJoin { .. } => ("a join in parentheses", "join one after the other"),
        TableFactor::Pivot { .. } | TableFactor::Unpivot { .. } => {
            ("PIVOT", "write MAX(CASE WHEN .. THEN x END) for each column")
        }
        _ => ("this form of FROM", "write FROM t AS a"),
    }
}

fn table(
    name: &ObjectName,
    alias: Option<&TableAlias>,
    names: &Names,
    out: &mut Findings,
) -> Relation {
    let [part] = name.0.as_slice() else {
        let remedy = "write the table's name alone: polars reads only the first part";
        out.refuse(name.span(), format!("{name} has a schema"), remedy);
        return Relation {
            alias: alias.map(|a| a.name.value.clone()).unwrap_or_default(),
            columns: None,
        };
    };
    let text = part.to_string();
    if let Some(ident) = part.as_ident() {
        names::plain(ident, out);
    }
    let columns = names.visible.get(&text).cloned();
    if columns.is_none() && names.ctes.contains(&text) && !names.tables.contains(&text) {
        let remedy = "define it earlier in the WITH at the top";
        out.refuse(name.span(), format!("the CTE {text} is not defined before this place"), remedy);
    } else if columns.is_none() && !names.tables.contains(&text) {
        let near = names.tables.iter().chain(names.visible.keys()).map(String::as_str);
        let remedy =
            names::did_you_mean(&text, near, "add it to the model's inputs, or define a CTE");
        out.refuse(name.span(), format!("no table or CTE is called {text}"), remedy);
    } else if columns.is_none() && text.starts_with("c_") {
        let remedy = "rename the table: c_ is for CTEs";
        out.refuse(name.span(), format!("the table {text} begins with c_"), remedy);
    }
    let alias = match alias {
        Some(alias) => alias_of(alias, Some(&text), names, out),
        None => text,
    };
    Relation { alias, columns }
}

fn alias_of(alias: &TableAlias, of: Option<&str>, names: &Names, out: &mut Findings) -> String {
    let TableAlias { explicit: _, name, columns, at } = alias;
    names::alias(name, of, names, out);
    if !columns.is_empty() || at.is_some() {
        let remedy = "name the columns in its SELECT";
        out.refuse(name.span, format!("the column list of {name}"), remedy);
    }
    name.value.clone()
}

fn join(join: &Join, new: &Relation, site: Site, out: &mut Findings) {
    let Join { relation, global, join_operator } = join;
    let at = relation.span();
    if *global {
        out.refuse(at, "GLOBAL JOIN", "write JOIN .. ON");
    }
    match join_operator {
        JoinOperator::Join(on) | JoinOperator::Inner(on) => {
            condition(on, "JOIN", inner, new, at, site, out);
        }
        JoinOperator::Left(on) | JoinOperator::LeftOuter(on) => {
            condition(on, "LEFT JOIN", outer, new, at, site, out);
        }
        JoinOperator::FullOuter(on) => condition(on, "FULL JOIN", outer, new, at, site, out),
        JoinOperator::CrossJoin(JoinConstraint::None) => {}
        JoinOperator::CrossJoin(_) => {
            out.refuse(at, "CROSS JOIN with a condition", "write JOIN .. ON")
        }
        other => {
            let (what, remedy) = refused_join(other);
            out.refuse(at, what, remedy);
        }
    }
}

fn refused_join(operator: &JoinOperator) -> (&'static str, &'static str) {
    match operator {
        JoinOperator::Right(_) | JoinOperator::RightOuter(_) => {
            ("RIGHT JOIN", "swap the two and write LEFT JOIN")
        }
        JoinOperator::Semi(_) | JoinOperator::LeftSemi(_) | JoinOperator::RightSemi(_) => {
            ("SEMI JOIN", "write WHERE x IN (SELECT c.x FROM c)")
        }
        JoinOperator::Anti(_) | JoinOperator::LeftAnti(_) | JoinOperator::RightAnti(_) => {
            ("ANTI JOIN", "write LEFT JOIN .. WHERE b.x IS NULL")
        }
        JoinOperator::AsOf { .. } => (
            "ASOF JOIN",
            "compute valid_to with LEAD in a CTE, then JOIN ON a.ts >= b.ts AND a.ts < b.valid_to",
        ),
        JoinOperator::CrossApply | JoinOperator::OuterApply => {
            ("APPLY", "JOIN a CTE grouped by the columns to match")
        }
        _ => ("this join", "the joins are JOIN, LEFT JOIN, FULL JOIN and CROSS JOIN"),
    }
}

type Rule = fn(&Expr, &str, &Relation, &Site, &mut Findings);

fn condition(
    on: &JoinConstraint,
    kind: &str,
    rule: Rule,
    new: &Relation,
    at: Span,
    site: Site,
    out: &mut Findings,
) {
    match on {
        JoinConstraint::On(condition) => {
            for each in conjuncts(condition) {
                rule(each, kind, new, &site, out);
            }
            expr::check(condition, site, out);
        }
        JoinConstraint::Using(_) => {
            out.refuse(at, format!("{kind} .. USING"), "write ON a.x = b.x");
        }
        JoinConstraint::Natural => {
            out.refuse(at, format!("NATURAL {kind}"), "write ON a.x = b.x");
        }
        JoinConstraint::None => {
            out.refuse(at, format!("{kind} without ON"), "write ON a.x = b.x, or CROSS JOIN");
        }
    }
}

fn conjuncts(condition: &Expr) -> Vec<&Expr> {
    match condition {
        Expr::Nested(inner) => conjuncts(inner),
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
            let mut both = conjuncts(left);
            both.extend(conjuncts(right));
            both
        }
        other => vec![other],
    }
}

/// polars turns an outer join with any other condition into an inner one, without an error.
fn outer(condition: &Expr, kind: &str, new: &Relation, site: &Site, out: &mut Findings) {
    let columns = match condition {
        Expr::BinaryOp { left, op: BinaryOperator::Eq, right } => match (&**left, &**right) {
            (Expr::CompoundIdentifier(l), Expr::CompoundIdentifier(r)) => {
                l.len() == 2 && r.len() == 2 && splits(left, right, new, site)
            }
            _ => false,
        },
        _ => false,
    };
    if !columns {
        let message = format!("{kind} ON something else than a.x = b.y");
        let remedy =
            "filter or compute in a CTE first, then join ON equal columns, each with its alias";
        out.refuse(condition.span(), message, remedy);
    }
}

/// polars answers wrongly where a side reads both tables (`b.v - a.v > 1`: the wrong table's column)
/// or none (`b.v = 9`: the condition is lost).
fn inner(condition: &Expr, kind: &str, new: &Relation, site: &Site, out: &mut Findings) {
    use BinaryOperator as Op;
    match condition {
        Expr::BinaryOp { left, op: Op::Eq | Op::Lt | Op::LtEq | Op::Gt | Op::GtEq, right } => {
            if !splits(left, right, new, site) {
                let message = format!(
                    "{kind} ON a comparison that does not set {} against the tables before it",
                    new.alias
                );
                let remedy = "put one table on each side, each column with its alias; other conditions go to WHERE";
                out.refuse(condition.span(), message, remedy);
            }
        }
        Expr::Between { .. } => {
            let remedy = "write b.x >= a.lo AND b.x <= a.hi";
            out.refuse(condition.span(), format!("{kind} ON .. BETWEEN"), remedy);
        }
        other => {
            let message = format!("{kind} ON something else than comparisons joined by AND");
            out.refuse(other.span(), message, "move this condition to WHERE");
        }
    }
}

/// Whether one side reads only the joined relation and the other only one before it.
fn splits(left: &Expr, right: &Expr, new: &Relation, site: &Site) -> bool {
    let earlier = site.relations.iter().map(|r| r.alias.clone()).take_while(|a| *a != new.alias);
    let earlier: BTreeSet<String> = earlier.collect();
    let is_new = |names: &BTreeSet<String>| names.len() == 1 && names.contains(&new.alias);
    let is_old = |names: &BTreeSet<String>| names.len() == 1 && names.is_subset(&earlier);
    match (qualifiers(left), qualifiers(right)) {
        (Some(l), Some(r)) => (is_new(&l) && is_old(&r)) || (is_old(&l) && is_new(&r)),
        _ => false,
    }
}

/// The qualifiers of an expression's columns; None where a column has none.
fn qualifiers(expr: &Expr) -> Option<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    let bare = visit_expressions(expr, |e: &Expr| match e {
        Expr::Identifier(_) => ControlFlow::Break(()),
        Expr::CompoundIdentifier(parts) => {
            found.extend(parts.first().map(|part| part.value.clone()));
            ControlFlow::Continue(())
        }
        _ => ControlFlow::Continue(()),
    });
    bare.is_continue().then_some(found)
}
