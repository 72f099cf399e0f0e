//! `chatkpi report`: what the published rollout comparison says, or all KPIs as a page, for people.

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::context::{self, Loaded};
use crate::engine::polars::PolarsEngine;
use crate::error::{Error, ErrorKind, Result, io_error};
use crate::infer::Row;
use crate::report::{comparison, page};
use crate::run::published::Published;
use crate::run::told;
use crate::sink::Warehouse;
use crate::storage::Store;

#[derive(clap::Args)]
pub struct ReportArgs {
    /// The pipeline's YAML file.
    #[arg(value_name = "PIPELINE")]
    pipeline: PathBuf,

    /// Write all KPIs as one HTML page into this file.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// First local day of the page; without days the last four weeks that are published.
    #[arg(long, value_name = "DAY", requires_all = ["to", "out"])]
    from: Option<String>,

    /// The day after the last one (half-open).
    #[arg(long, value_name = "DAY", requires_all = ["from", "out"])]
    to: Option<String>,

    /// The page's language: it decides words, numbers and dates.
    #[arg(long, value_enum, default_value_t = Lang::En, requires = "out")]
    lang: Lang,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Lang {
    En,
    Sv,
    Pt,
}

pub fn report(args: &ReportArgs) -> Result<u8> {
    let loaded = context::load(&args.pipeline)?;
    match &args.out {
        Some(out) => write_page(args, &loaded, out)?,
        None => print_comparison(args, &loaded)?,
    }
    Ok(0)
}

fn write_page(args: &ReportArgs, loaded: &Loaded, out: &Path) -> Result<()> {
    let days = args.from.as_ref().zip(args.to.as_ref());
    let days = days.map(|(from, to)| context::interval(from, to, &loaded.pipeline)).transpose()?;
    let warehouse = open(loaded)?;
    let published = Published::new(&warehouse, &loaded.catalog)?;
    let engine = PolarsEngine::new();
    let material = told::told(&engine, &loaded.pipeline, &loaded.catalog, &published, days)?;
    let language = match args.lang {
        Lang::En => page::Language::English,
        Lang::Sv => page::Language::Swedish,
        Lang::Pt => page::Language::Portuguese,
    };
    let html = page::html(&material, language)?;
    std::fs::write(out, html).map_err(|e| io_error(out.display(), e))?;
    tracing::info!("wrote the page of {} into {}", material.span.period, out.display());
    Ok(())
}

fn print_comparison(args: &ReportArgs, loaded: &Loaded) -> Result<()> {
    let rollouts = &loaded.pipeline.rollouts;
    if rollouts.is_empty() {
        super::print(comparison::text(&[]).trim_end());
        return Ok(());
    }
    let mut rows = compared(loaded, &open(loaded)?, args)?;
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
    Ok(())
}

fn open(loaded: &Loaded) -> Result<Warehouse> {
    let store = Store::open(&loaded.pipeline.warehouse, &context::storage_options())?;
    Warehouse::read(store)
}

fn compared(loaded: &Loaded, warehouse: &Warehouse, args: &ReportArgs) -> Result<Vec<Row>> {
    let published = Published::new(warehouse, &loaded.catalog)?;
    told::comparison(&PolarsEngine::new(), &published)?.ok_or_else(|| {
        let missing = "the warehouse holds no comparison of rollouts yet";
        Error::new(ErrorKind::Input, missing)
            .context("table", told::COMPARED)
            .context("warehouse", warehouse.store().url(""))
            .remedy(format!(
                "`{} run {}` makes it from what the logs, contacts and costs say",
                context::program(),
                args.pipeline.display()
            ))
    })
}
