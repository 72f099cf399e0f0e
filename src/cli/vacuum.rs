//! `chatkpi vacuum`: remove stored objects that nothing refers to any more.

use std::path::PathBuf;
use std::time::Duration;

use super::context;
use crate::error::Result;
use crate::storage::Store;

#[derive(clap::Args)]
pub struct VacuumArgs {
    /// The pipeline's YAML file.
    #[arg(value_name = "PIPELINE")]
    pipeline: PathBuf,

    /// Leave what is younger than this many hours: a run that is under way may need it. Less than 48
    /// is safe only while no run is.
    #[arg(long, value_name = "HOURS", default_value_t = 48)]
    older_than: u32,

    /// Only say what would be removed.
    #[arg(long)]
    dry_run: bool,
}

pub fn vacuum(args: &VacuumArgs) -> Result<u8> {
    let loaded = context::load(&args.pipeline)?;
    let store = Store::open(&loaded.pipeline.warehouse, &context::storage_options())?;
    if !store.exists() {
        super::print("nothing is published yet");
        return Ok(0);
    }
    let lock = store.lock(Duration::ZERO)?;
    let age_us = i64::from(args.older_than) * 3_600_000_000;
    let before_us = context::now().timestamp_micros() - age_us;
    let vacuumed = crate::sink::vacuum(&store, &lock, before_us, args.dry_run)?;
    super::print(&format!(
        "{} {} objects, {} bytes; {} more are younger than {} hours",
        if args.dry_run { "would remove" } else { "removed" },
        vacuumed.removed,
        vacuumed.bytes,
        vacuumed.young,
        args.older_than
    ));
    Ok(0)
}
