//! `chatkpi ddl`: the published tables as SQL that makes them known to another engine.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;

use super::context;
use crate::error::{Error, ErrorKind, Result, io_error};
use crate::manifest::{Manifest, Partition};
use crate::model::Model;
use crate::model::ddl::{Place, engines, statements};
use crate::sink::Warehouse;
use crate::storage::Store;

#[derive(clap::Args)]
pub struct DdlArgs {
    /// The pipeline's YAML file.
    #[arg(value_name = "PIPELINE")]
    pipeline: PathBuf,

    /// Whose SQL.
    #[arg(long, value_parser = PossibleValuesParser::new(engines()), default_value = "duckdb")]
    engine: String,

    /// The schema (database, data set) that the tables are put into.
    #[arg(long, value_name = "NAME", default_value = "chatkpi", value_parser = schema_name)]
    schema: String,

    /// All tables as they were at one commit, whatever is published later; `history` lists the
    /// generations (duckdb).
    #[arg(long, value_name = "GENERATION")]
    at: Option<u64>,
}

/// It stands in statements as it is.
fn schema_name(text: &str) -> std::result::Result<String, String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    match !text.is_empty()
        && text.chars().all(is_plain)
        && !text.starts_with(|c: char| c.is_ascii_digit())
    {
        true => Ok(text.to_owned()),
        false => Err("a name has letters, digits and `_`, and begins with no digit".to_owned()),
    }
}

pub fn ddl(args: &DdlArgs) -> Result<u8> {
    let loaded = context::load(&args.pipeline)?;
    let store = Store::open(&loaded.pipeline.warehouse, &context::storage_options())?;
    let warehouse = Warehouse::read(store)?;
    let then;
    let manifest = match args.at {
        None => warehouse.manifest(),
        Some(generation) => {
            then = warehouse.manifest_at(generation)?;
            &then
        }
    };
    let models = loaded.catalog.models.iter().map(|entry| &entry.model);
    let mut places = Vec::new();
    for model in models.filter(|model| model.is_published()) {
        places.extend(place(model, manifest, warehouse.store(), args.at.is_some())?);
    }
    if places.is_empty() {
        return Err(Error::new(ErrorKind::Input, "nothing is published yet")
            .context("warehouse", warehouse.store().url(""))
            .remedy(format!("`{} run {}`", context::program(), args.pipeline.display())));
    }
    super::print(statements(&args.engine, &args.schema, &places)?.trim());
    Ok(0)
}

/// None for a table without a partition.
fn place<'a>(
    model: &'a Model,
    manifest: &Manifest,
    store: &Store,
    of_one_generation: bool,
) -> Result<Option<Place<'a>>> {
    let days = manifest.partitions.get(&model.name).into_iter().flat_map(|days| days.values());
    let published: Vec<&Partition> = days.filter(|partition| partition.published).collect();
    let Some(oldest) = published.first() else { return Ok(None) };
    let objects = match of_one_generation {
        false => None,
        true => {
            let objects = published.iter().map(|partition| url(store, &partition.object));
            Some(objects.collect::<Result<_>>()?)
        }
    };
    let location = url(store, &model.name)?;
    Ok(Some(Place { model, location, first: oldest.date, objects }))
}

/// As other programs find it, wherever they were started.
fn url(store: &Store, key: &str) -> Result<String> {
    match store.local_path(key) {
        None => Ok(store.url(key)),
        Some(path) => {
            let path = std::path::absolute(&path).map_err(|e| io_error(path.display(), e))?;
            Ok(path.display().to_string())
        }
    }
}
