//! `chatkpi demo`: logs of a made-up company, its KPIs, and the query to go on with.

use std::path::{Path, PathBuf};

use super::context::{self, DayArgs, Loaded};
use super::run::{RunArgs, carry_out};
use crate::demo::{Demo, generate};
use crate::engine::polars::PolarsEngine;
use crate::engine::{Engine, InputFile, InputTable, TableData};
use crate::error::{Error, Result, io_error};
use crate::sink::{Warehouse, public_key};
use crate::storage::Store;

/// Days in the table that is printed.
const SHOWN_DAYS: usize = 7;
/// The metrics in the table that is printed.
const SHOWN: [&str; 15] = [
    "interactions",
    "dau",
    "new_users",
    "returning_users",
    "sessions",
    "avg_session_seconds",
    "engagement_rate",
    "resolution_rate",
    "escalation_rate",
    "abandon_rate",
    "fallback_rate",
    "csat",
    "helpful_rate",
    "response_time_p50_ms",
    "response_time_p95_ms",
];

#[derive(clap::Args)]
pub struct DemoArgs {
    /// Where logs, pipeline and warehouse go.
    #[arg(long, value_name = "DIR", default_value = "demo")]
    out: PathBuf,

    /// Local days of logs.
    #[arg(long, default_value_t = Demo::default().days, value_parser = clap::value_parser!(u32).range(1..))]
    days: u32,

    /// Customers; about thirty events each in 150 days.
    #[arg(long, default_value_t = Demo::default().users, value_parser = clap::value_parser!(u32).range(1..))]
    users: u32,

    /// The same seed makes the same logs.
    #[arg(long, default_value_t = Demo::default().seed)]
    seed: u64,

    /// True change of human contacts through the rollout: -0.3 is 30 % fewer.
    #[arg(long, default_value_t = Demo::default().effect, allow_negative_numbers = true)]
    effect: f64,

    /// Only make the logs.
    #[arg(long)]
    no_run: bool,
}

pub fn demo(args: &DemoArgs) -> Result<u8> {
    clear_earlier_demo(&args.out)?;
    let spec = Demo {
        days: args.days,
        users: args.users,
        seed: args.seed,
        effect: args.effect,
        ..Demo::default()
    };
    let made = generate(&spec, &args.out)?;
    tracing::info!(
        files = made.files,
        lines = made.lines,
        bytes = made.bytes,
        "made logs in {}",
        args.out.display()
    );
    if args.no_run {
        return Ok(0);
    }
    let file = args.out.join("pipeline.yaml");
    let loaded = context::load(&file)?;
    let (report, outcome) = carry_out(&run_args(&file), &loaded)?;
    outcome?;
    tracing::info!(
        objects = report.objects_decoded,
        records = report.records.read,
        quarantined = report.records.quarantined,
        duplicates = report.duplicates,
        "decoded"
    );
    super::print(&table(&loaded)?);
    super::print(&farewell(&args.out));
    Ok(0)
}

/// Takes an earlier demo away; a folder that holds something else is not ours to write into.
fn clear_earlier_demo(out: &Path) -> Result<()> {
    let occupied = std::fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_some());
    if !occupied {
        return Ok(());
    }
    if !out.join("truth.json").is_file() {
        return Err(Error::config("the folder holds something that is no demo")
            .context("folder", out.display())
            .remedy("name an empty folder with --out"));
    }
    for name in ["logs", "contacts", "probes", "warehouse"] {
        let folder = out.join(name);
        if folder.is_dir() {
            std::fs::remove_dir_all(&folder).map_err(|e| io_error(folder.display(), e))?;
        }
    }
    Ok(())
}

fn run_args(pipeline: &Path) -> RunArgs {
    RunArgs {
        pipeline: pipeline.to_owned(),
        days: DayArgs { full_scan: true, ..DayArgs::default() },
        ..RunArgs::default()
    }
}

/// The last days of all slices together, metrics down, days across.
fn table(loaded: &Loaded) -> Result<String> {
    let pipeline = &loaded.pipeline;
    let store = Store::open(&pipeline.warehouse, &context::storage_options())?;
    let warehouse = Warehouse::read(store)?;
    let days = warehouse.manifest().partitions.get("kpi_daily");
    let last: Vec<_> = days.into_iter().flat_map(|d| d.values().rev().take(SHOWN_DAYS)).collect();
    let file = |partition| {
        let path = warehouse.store().local_path(&public_key(partition))?;
        Some(InputFile { path, date: Some(partition.date), rows: None })
    };
    let entry = loaded.catalog.entry("kpi_daily");
    let input = InputTable {
        name: "kpi_daily".to_owned(),
        columns: entry.map(|entry| entry.model.dated_columns()).unwrap_or_default(),
        data: TableData::Files(last.iter().rev().filter_map(|p| file(p)).collect()),
    };
    let everywhere: Vec<_> = pipeline.dimensions.iter().map(|d| format!("{d} = '*'")).collect();
    let sql =
        format!("SELECT metric, date, value FROM kpi_daily WHERE {}", everywhere.join(" AND "));
    let cells = PolarsEngine::new().read(&sql, &[input], usize::MAX)?;
    let value = |metric: &str, date: &str| {
        let cell = cells.rows.iter().find(|r| r[0] == metric && r[1] == date)?;
        cell[2].parse::<f64>().ok()
    };
    let dates: Vec<String> = last.iter().rev().map(|p| p.date.to_string()).collect();
    let mut lines = vec![format!(
        "\n{:<22}{}",
        "kpi_daily",
        dates.iter().map(|d| format!("{d:>12}")).collect::<String>()
    )];
    for metric in SHOWN {
        let cell = |date: &String| match value(metric, date) {
            None => format!("{:>12}", "-"),
            Some(v) if v.fract() == 0.0 => format!("{v:>12}"),
            Some(v) => format!("{v:>12.3}"),
        };
        lines.push(format!("{metric:<22}{}", dates.iter().map(cell).collect::<String>()));
    }
    Ok(lines.join("\n"))
}

fn farewell(out: &Path) -> String {
    let warehouse = out.join("warehouse");
    format!(
        "\nThe tables are Parquet under {0}. With DuckDB:\n\n  SELECT date, metric, value, n, status\n  FROM read_parquet('{0}/kpi_daily/date=*/*.parquet', hive_partitioning = true)\n  WHERE bot = '*' AND channel = '*' AND service = '*' ORDER BY metric, date;\n\nDid the rollout make services cheaper? {2} report {1}\nRun again and nothing changes: {2} run {1}",
        warehouse.display(),
        out.join("pipeline.yaml").display(),
        context::program()
    )
}
