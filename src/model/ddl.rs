//! The published tables as other engines are told of them: views and external tables.
//!
//! How an engine spells it is a template in `sql/ddl/`, one for each engine; types, comments and
//! partitions come from the contracts. Leaves out: running any of it.

use chrono::NaiveDate;
use minijinja::{Environment, ErrorKind, UndefinedBehavior, Value, context};

use super::catalog::BUILTIN;
use super::{ContractColumn, Model};
use crate::error::{Error, Result};
use crate::interval::Every;

/// What a template says it cannot do.
type Refusal = std::result::Result<Value, minijinja::Error>;

/// A published table and where it lies.
pub struct Place<'a> {
    pub model: &'a Model,
    /// The table's folder, as a URL or an absolute path.
    pub location: String,
    /// The day of its oldest partition.
    pub first: NaiveDate,
    /// The objects of one generation, in the order of their days; None for the public files,
    /// whichever they are when a reader comes.
    pub objects: Option<Vec<String>>,
}

/// The engines that can be told, by name.
pub fn engines() -> Vec<&'static str> {
    let name = |path: &'static std::path::Path| path.file_stem()?.to_str();
    let mut names: Vec<&str> = files().filter_map(|file| name(file.path())).collect();
    names.sort_unstable();
    names
}

/// The statements that make `tables` known to an engine, in a schema of its own.
///
/// # Errors
/// Configuration where nothing is known of such an engine, or where it cannot read tables that lie
/// where these do, or objects of one generation.
pub fn statements(engine: &str, schema: &str, tables: &[Place]) -> Result<String> {
    let file = files().find(|file| file.path().file_stem().is_some_and(|name| name == engine));
    let template = file.and_then(|file| file.contents_utf8()).ok_or_else(|| {
        Error::config(format!("nothing is known of an engine `{engine}`"))
            .remedy(format!("known are {}", engines().join(", ")))
    })?;
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.add_filter("doubled", |text: String| text.replace('\'', "''"));
    environment
        .add_filter("escaped", |text: String| text.replace('\\', "\\\\").replace('\'', "\\'"));
    environment.add_function("refuse", |why: String| -> Refusal {
        Err(minijinja::Error::new(ErrorKind::InvalidOperation, why))
    });
    let shown = tables.iter().map(table).collect::<Vec<_>>();
    let in_bucket = tables.iter().all(|table| table.location.contains("://"));
    let of_one_generation = tables.iter().any(|table| table.objects.is_some());
    let values = context! { schema, tables => shown, in_bucket, of_one_generation };
    environment.render_str(template, values).map_err(|error| match error.kind() {
        ErrorKind::InvalidOperation => Error::config(error.detail().unwrap_or_default().to_owned())
            .remedy(
                "`--engine duckdb` reads every warehouse, and the objects of one generation too",
            ),
        _ => Error::internal("a template of statements cannot be filled in").because(error),
    })
}

fn files() -> impl Iterator<Item = &'static include_dir::File<'static>> {
    BUILTIN.get_dir("ddl").into_iter().flat_map(|folder| folder.files())
}

fn table(place: &Place) -> Value {
    let model = place.model;
    context! {
        name => model.name.as_str(),
        doc => model.doc.split_whitespace().collect::<Vec<_>>().join(" "),
        partitioned => model.every != Every::Once,
        columns => model.columns.iter().map(|c| column(c, model)).collect::<Vec<_>>(),
        location => place.location.as_str(),
        first => place.first.to_string(),
        objects => place.objects.clone(),
    }
}

fn column(column: &ContractColumn, model: &Model) -> Value {
    let sums = match (column.additive, model.every_slice) {
        (false, _) => "",
        (true, false) => "; may be summed",
        // Its slices hold each other.
        (true, true) => "; may be summed over days",
    };
    context! {
        name => column.column.name.as_str(),
        type => column.column.kind.name(),
        nullable => column.column.nullable,
        doc => format!("{}{sums}", column.doc),
    }
}
