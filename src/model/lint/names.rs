//! Names: which are plain, which shadow another, and what a wrong one probably meant.
//!
//! polars looks a name up among tables before CTEs, and registers the alias of a derived table as a
//! table. So one name must mean one thing in the whole statement.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use sqlparser::ast::{Expr, Ident, Query, Spanned, Visit, Visitor};

use super::{Findings, Names};

/// Every CTE name of the statement. Refuses names without `c_`, names used twice, and tables' names.
pub(super) fn ctes(
    query: &Query,
    tables: &BTreeSet<String>,
    out: &mut Findings,
) -> BTreeSet<String> {
    let mut found = Ctes(Vec::new());
    let _ = query.visit(&mut found);
    // The visitor comes to the inner WITH after the outer one.
    found.0.sort_by_key(|name| name.span.start);
    let mut seen = BTreeSet::new();
    for name in found.0 {
        plain(&name, out);
        let prefixed = format!("c_{}", name.value.trim_start_matches("c_"));
        if tables.contains(&name.value) {
            let message =
                format!("the CTE {name} has the name of a table, and polars reads the table");
            out.refuse(name.span, message, format!("call it {prefixed}_2"));
        } else if !name.value.starts_with("c_") {
            let message = format!("the name of the CTE {name} does not begin with c_");
            out.refuse(name.span, message, format!("call it {prefixed}"));
        }
        if !seen.insert(name.value.clone()) {
            let message = format!("the CTE {name} is defined twice");
            out.refuse(name.span, message, format!("give each its own name, such as {prefixed}_2"));
        }
    }
    seen
}

/// Names are lower case and unquoted: Spark reads "x" as a string, and polars minds the case.
pub(super) fn plain(name: &Ident, out: &mut Findings) {
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name.quote_style.is_some() {
        let remedy = format!("write {} without quotes", lower(&name.value));
        out.refuse(name.span, format!("quoted name {name}"), remedy);
    } else if !name.value.chars().all(word) {
        let remedy = format!("write {}", lower(&name.value));
        out.refuse(name.span, format!("the name {name} is not lower case a-z, 0-9 and _"), remedy);
    }
}

/// An alias may repeat the name of its own relation, never of another.
pub(super) fn alias(alias: &Ident, of: Option<&str>, names: &Names, out: &mut Findings) {
    plain(alias, out);
    let taken = names.tables.contains(&alias.value) || names.ctes.contains(&alias.value);
    if taken && of != Some(alias.value.as_str()) {
        let message = format!("the alias {alias} is also the name of a table or CTE");
        out.refuse(alias.span, message, format!("use another alias, such as {}_1", alias.value));
    }
}

/// polars fails on two keys whose columns have one name, even from different tables.
pub(super) fn keys<'a>(keys: impl Iterator<Item = &'a Expr>, of: &str, out: &mut Findings) {
    let mut seen = BTreeSet::new();
    for key in keys {
        if let Expr::CompoundIdentifier(parts) = key
            && let Some(name) = parts.last()
            && !seen.insert(&name.value)
        {
            let message = format!("two {of} keys come from columns called {name}");
            out.refuse(key.span(), message, "rename one of them in a CTE first");
        }
    }
}

/// "did you mean x?", or `otherwise` where nothing is near.
pub(super) fn did_you_mean<'a>(
    name: &str,
    candidates: impl Iterator<Item = &'a str>,
    otherwise: &str,
) -> String {
    let score = |c: &'a str| (strsim::normalized_damerau_levenshtein(name, c), c);
    let best = candidates.map(score).max_by(|a, b| a.0.total_cmp(&b.0));
    match best {
        Some((score, near)) if score >= 0.6 => format!("did you mean {near}?"),
        _ => otherwise.to_owned(),
    }
}

fn lower(name: &str) -> String {
    name.to_lowercase().replace(' ', "_")
}

struct Ctes(Vec<Ident>);

impl Visitor for Ctes {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let defined = query.with.iter().flat_map(|with| &with.cte_tables);
        self.0.extend(defined.map(|cte| cte.alias.name.clone()));
        ControlFlow::Continue(())
    }
}
