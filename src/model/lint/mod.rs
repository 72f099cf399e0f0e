//! The allow-list linter over a model's SQL.
//!
//! Rust polars 0.55.2, DuckDB, Spark and Sail must give the same answer to the same text, and polars
//! answers some spellings wrongly without an error. So a query runs only if every node of its syntax
//! tree is one that was measured to agree everywhere. What is not listed is refused, with its name,
//! its place and the spelling that works; all findings come at once.
//!
//! The rules describe polars 0.55.2 (Cargo.toml pins it): prove them again at each upgrade.
//! Leaves out: whether columns exist and what types they have. The linter sees no schema; it only
//! follows which columns of a CTE are DOUBLE.

mod double;
mod expr;
mod from;
mod functions;
mod names;
mod query;
mod refused;
mod select;
mod window;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use sqlparser::ast::{Query, Spanned, Statement, visit_relations};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Location, Span, Token, TokenWithSpan, Tokenizer};

use crate::error::Diagnostic;

/// Everything in `sql` that is outside the subset, ordered by place; empty when the model may run.
///
/// `sql` is the rendered text (templates expanded) and `tables` are the tables it may read. Lines
/// and columns are those of `sql`, 1-based; expressions are placed at their first operand.
pub fn lint(file: &str, sql: &str, tables: &BTreeSet<String>) -> Vec<Diagnostic> {
    let mut out = Findings::new(file);
    if let Some(query) = parse(sql, &mut out) {
        let ctes = names::ctes(&query, tables, &mut out);
        let names = Names { tables, ctes: &ctes, visible: BTreeMap::new() };
        query::check(&query, query::Level::Top, &names, &mut out);
    }
    out.sorted()
}

/// The tables that `sql` reads, without its CTEs.
///
/// Errors only where the text is not one query; [`lint`] says what else is wrong with it.
pub fn referenced_tables(file: &str, sql: &str) -> Result<BTreeSet<String>, Vec<Diagnostic>> {
    let mut out = Findings::new(file);
    let Some(query) = parse(sql, &mut out) else { return Err(out.sorted()) };
    let mut read = BTreeSet::new();
    let _ = visit_relations(&query, |name| {
        read.insert(name.to_string());
        ControlFlow::<()>::Continue(())
    });
    let ctes = names::ctes(&query, &BTreeSet::new(), &mut Findings::new(file));
    Ok(&read - &ctes)
}

/// What a name in FROM can mean at some point of the text.
#[derive(Clone)]
struct Names<'a> {
    tables: &'a BTreeSet<String>,
    /// Every CTE of the statement, wherever it is defined.
    ctes: &'a BTreeSet<String>,
    /// The CTEs defined so far, with their columns.
    visible: BTreeMap<String, Vec<Output>>,
}

/// A column of a CTE or of a derived table.
#[derive(Clone)]
struct Output {
    name: String,
    double: bool,
}

/// The findings so far, and the last place that the parser told us.
struct Findings<'a> {
    file: &'a str,
    found: Vec<Diagnostic>,
    last: Location,
}

impl<'a> Findings<'a> {
    fn new(file: &'a str) -> Self {
        Findings { file, found: Vec::new(), last: Location { line: 1, column: 1 } }
    }

    /// Remembers a place, because some nodes of the tree have none of their own.
    fn pass(&mut self, span: Span) {
        if span.start.line > 0 {
            self.last = span.start;
        }
    }

    fn refuse(&mut self, at: Span, message: impl Into<String>, remedy: impl Into<String>) {
        self.pass(at);
        self.found.push(Diagnostic {
            file: self.file.to_owned(),
            line: usize::try_from(self.last.line).unwrap_or(0),
            column: usize::try_from(self.last.column).unwrap_or(0),
            message: message.into(),
            remedy: Some(remedy.into()),
        });
    }

    fn sorted(mut self) -> Vec<Diagnostic> {
        let key = |d: &Diagnostic| (d.line, d.column, d.message.clone());
        self.found.sort_by_key(key);
        self.found.dedup();
        self.found
    }
}

/// The one query in `sql`, or a finding that says why there is none.
fn parse(sql: &str, out: &mut Findings) -> Option<Box<Query>> {
    // polars-sql parses with this dialect too, so both see the same tree.
    let dialect = GenericDialect {};
    let tokens = match Tokenizer::new(&dialect, sql).tokenize_with_location() {
        Ok(tokens) => tokens,
        Err(error) => {
            let at = Span::new(error.location, error.location);
            out.refuse(at, format!("not SQL: {}", error.message), "close the quote or the comment");
            return None;
        }
    };
    check_tokens(&tokens, out);
    let statements = Parser::new(&dialect).with_tokens_with_locations(tokens).parse_statements();
    match statements.map(<[Statement; 1]>::try_from) {
        Ok(Ok([Statement::Query(query)])) => Some(query),
        Ok(Ok([other])) => {
            out.refuse(
                other.span(),
                "a model is one query, not another statement",
                "keep the SELECT; the engine writes its rows",
            );
            None
        }
        Ok(Err(several)) => {
            let message = format!("a model is exactly one query; here are {}", several.len());
            out.refuse(several.get(1).map_or(Span::empty(), Spanned::span), message, "keep one");
            None
        }
        Err(error) => {
            let (message, at) = split_place(&error.to_string());
            let remedy = "write standard SQL; quoted names, arrays and engine syntax are outside";
            out.refuse(at, format!("not SQL: {message}"), remedy);
            None
        }
    }
}

/// Three things that the parser accepts without a trace in its tree.
fn check_tokens(tokens: &[TokenWithSpan], out: &mut Findings) {
    let mut comma: Option<Span> = None;
    for TokenWithSpan { token, span } in tokens {
        let closes = match token {
            Token::Whitespace(_) => continue,
            Token::RParen | Token::EOF => true,
            Token::Word(word) => {
                word.quote_style.is_none() && word.value.eq_ignore_ascii_case("from")
            }
            _ => false,
        };
        if let (Some(at), true) = (comma, closes) {
            out.refuse(at, "a comma with nothing after it", "delete the comma");
        }
        comma = (*token == Token::Comma).then_some(*span);
        if *token == Token::SemiColon {
            let remedy = "delete the semicolon: the engine puts the query inside a larger one";
            out.refuse(*span, "`;` after the query", remedy);
        }
        if let Token::Placeholder(name) = token {
            let remedy = "use a template value, such as {{ from_day }}";
            out.refuse(*span, format!("parameter {name}"), remedy);
        }
    }
}

/// The parser writes the place of an error only into its message.
fn split_place(message: &str) -> (String, Span) {
    let text = message.trim_start_matches("sql parser error: ");
    let place = text.rsplit_once(" at Line: ").and_then(|(before, place)| {
        let (line, column) = place.split_once(", Column: ")?;
        Some((before, Location::new(line.parse().ok()?, column.trim().parse().ok()?)))
    });
    match place {
        Some((before, at)) => (before.to_owned(), Span::new(at, at)),
        None => (text.to_owned(), Span::empty()),
    }
}
