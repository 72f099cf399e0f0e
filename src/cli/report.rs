//! `chatkpi report`: what the published rollout comparison says, for people.

use std::path::PathBuf;

use super::context::{self, Loaded};
use crate::engine::polars::PolarsEngine;
use crate::error::{Error, ErrorKind, Result, io_error};
use crate::infer::Row;
use crate::interval::Every;
use crate::report::comparison;
use crate::run::compared;
use crate::sink::Warehouse;
use crate::storage::Store;

/// The table that is told.
const TABLE: &str = "fct_rollout_comparison";

#[derive(clap::Args)]
pub struct ReportArgs {
    /// The pipeline's YAML file.
    #[arg(value_name = "PIPELINE")]
    pipeline: PathBuf,
}

pub fn report(args: &ReportArgs) -> Result<u8> {
    let loaded = context::load(&args.pipeline)?;
    let rollouts = &loaded.pipeline.rollouts;
    if rollouts.is_empty() {
        super::print(comparison::text(&[]).trim_end());
        return Ok(0);
    }
    let store = Store::open(&loaded.pipeline.warehouse, &context::storage_options())?;
    let warehouse = Warehouse::read(store)?;
    let mut rows = compared(&loaded, &warehouse, args)?;
    // A rollout that the pipeline names no more was taken back.
    rows.retain(|row| rollouts.iter().any(|rollout| rollout.name == row.rollout));
    if !rows.is_empty() {
        super::print(comparison::text(&rows).trim_end());
    }
    for rollout in rollouts {
        if !rows.iter().any(|row| row.rollout == rollout.name) {
            super::print(&format!(
                "{}: in the pipeline and not compared yet; run `{} run {}`",
                rollout.name,
                context::program(),
                args.pipeline.display()
            ));
        }
    }
    Ok(0)
}

fn compared(loaded: &Loaded, warehouse: &Warehouse, args: &ReportArgs) -> Result<Vec<Row>> {
    let table = warehouse.manifest().partitions.get(TABLE);
    let partition = table.and_then(|periods| periods.get(&Every::ONCE)).filter(|p| p.published);
    let (Some(partition), Some(entry)) = (partition, loaded.catalog.entry(TABLE)) else {
        let missing = "the warehouse holds no comparison of rollouts yet";
        return Err(Error::new(ErrorKind::Input, missing)
            .context("table", TABLE)
            .context("warehouse", warehouse.store().url(""))
            .remedy(format!(
                "`{} run {}` makes it from what the logs, contacts and costs say",
                context::program(),
                args.pipeline.display()
            )));
    };
    let folder = tempfile::tempdir().map_err(|e| io_error("a temporary folder", e))?;
    let file = context::public_file(warehouse.store(), partition, folder.path())?;
    compared::read(&PolarsEngine::new(), file, entry.model.dated_columns())
}
