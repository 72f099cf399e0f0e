//! The command line: the one place that reads arguments, the clock and the environment.
//!
//! Each command is a file; it turns its arguments into values and calls the library. Logs go to
//! stderr; what programs read goes to stdout. Exit codes follow the kind of the error.

mod check;
mod context;
mod ddl;
mod demo;
mod diff;
mod history;
mod init;
mod plan;
mod progress;
mod quarantine;
mod report;
mod retry;
mod run;
mod status;
mod vacuum;
mod verify;

use std::io::{IsTerminal, Write};

use clap::error::ErrorKind as ClapErrorKind;
use clap::{Parser, Subcommand, ValueEnum};
use tracing_subscriber::EnvFilter;

use crate::error::{Error, Result};

/// Raw chatbot logs in, daily KPI tables in partitioned Parquet out.
#[derive(Parser)]
#[command(name = "chatkpi", version, max_term_width = 100, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,

    /// How log lines on stderr look.
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,

    /// Log less (only errors).
    #[arg(long, short, global = true)]
    quiet: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Decode new logs, build what is missing or stale, publish it.
    Run(run::RunArgs),
    /// Show what `run` would do, and why.
    Plan(plan::PlanArgs),
    /// Validate a pipeline and show what its sources hold.
    Check(check::CheckArgs),
    /// Write a pipeline for a folder of logs.
    Init(init::InitArgs),
    /// What is published, final, missing, refused or odd.
    Status(status::StatusArgs),
    /// The records that could not be read: where they are, and what is wrong with each.
    Quarantine(quarantine::QuarantineArgs),
    /// What the rollouts did to the cost of a service, in words; with `--out` all KPIs as a page.
    Report(report::ReportArgs),
    /// Which numbers of two pipelines differ, by how much, and which setting did it.
    Diff(diff::DiffArgs),
    /// Past runs, and which days each one published or restated.
    History(history::HistoryArgs),
    /// Repeat what failed of a run.
    Retry(retry::RetryArgs),
    /// Hold everything that is published to what the commits say of it.
    Verify(verify::VerifyArgs),
    /// Remove stored objects that nothing refers to any more.
    Vacuum(vacuum::VacuumArgs),
    /// SQL that makes the published tables known to another engine.
    Ddl(ddl::DdlArgs),
    /// Make a company's logs and compute their KPIs.
    Demo(demo::DemoArgs),
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

const EXIT_CODES: &str = "\
Exit codes: 0 done or nothing to do; 1 bug; 2 wrong command line, pipeline or model; 3 an audit \
failed, nothing published; 4 input refused or missing; 5 another run committed first, or the plan is \
out of date; 6 storage did not answer; 7 partly published, or the time was up; 8 stored data is not what it should be; 130/143 stopped by a \
signal.

Running the same days again with the same logs and definitions changes nothing, and is safe at any \
time, also after a crash.";

/// Runs the command line of this process and returns its exit code.
pub fn main() -> u8 {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers; everything else is a mistake. clap knows where to print.
            let answered =
                matches!(error.kind(), ClapErrorKind::DisplayHelp | ClapErrorKind::DisplayVersion);
            let _ = error.print();
            return if answered { 0 } else { 2 };
        }
    };
    start_logging(cli.log_format, cli.quiet);
    let outcome = contain(|| refuse_other_engines().and_then(|()| dispatch(&cli)));
    match outcome {
        Ok(code) => code,
        Err(error) => {
            show_error(&error, cli.log_format);
            error.kind.exit_code()
        }
    }
}

/// A panic is a bug and has a bug's exit code; the panic's own message has been printed by then.
fn contain(work: impl FnOnce() -> Result<u8>) -> Result<u8> {
    // Nothing that the work touched is looked at afterwards.
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
    outcome.unwrap_or_else(|_| {
        Err(Error::internal("the program met a bug of its own and stopped")
            .remedy("run again; what was committed is kept. Please report the message above"))
    })
}

fn dispatch(cli: &Cli) -> Result<u8> {
    match &cli.command {
        Command::Run(args) => run::run(args),
        Command::Plan(args) => plan::plan(args),
        Command::Check(args) => check::check(args),
        Command::Init(args) => init::init(args),
        Command::Status(args) => status::status(args),
        Command::Quarantine(args) => quarantine::quarantine(args),
        Command::Report(args) => report::report(args),
        Command::Diff(args) => diff::diff(args),
        Command::History(args) => history::history(args),
        Command::Retry(args) => retry::retry(args),
        Command::Verify(args) => verify::verify(args),
        Command::Vacuum(args) => vacuum::vacuum(args),
        Command::Ddl(args) => ddl::ddl(args),
        Command::Demo(args) => demo::demo(args),
    }
}

fn start_logging(format: LogFormat, quiet: bool) {
    let level = if quiet { "error" } else { "info" };
    let filter = EnvFilter::try_from_env("CHATKPI_LOG")
        .unwrap_or_else(|_| EnvFilter::new(format!("error,chatkpi={level}")));
    // A log that cannot be written, as on a full disk, is not worth a panic.
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .log_internal_errors(false);
    match format {
        LogFormat::Text => {
            builder.with_target(false).with_ansi(std::io::stderr().is_terminal()).compact().init();
        }
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
}

fn show_error(error: &Error, format: LogFormat) {
    match format {
        LogFormat::Json => tracing::error!(exit_code = error.kind.exit_code(), "{error}"),
        LogFormat::Text => {
            // Nobody is left to tell when stderr is closed.
            let _ = writeln!(std::io::stderr(), "error: {error}");
        }
    }
}

/// These variables make polars run another engine than the one the results were proved with.
fn refuse_other_engines() -> Result<()> {
    const SWITCHES: [&str; 3] =
        ["POLARS_FORCE_STREAMING", "POLARS_AUTO_STREAMING", "POLARS_ENGINE_AFFINITY"];
    match SWITCHES.iter().find(|name| context::environment_variable(name).is_some()) {
        None => Ok(()),
        Some(name) => Err(Error::config(format!("{name} is set"))
            .remedy(format!("unset {name}: the engine it selects counts wrongly in this version"))),
    }
}

/// Writes to stdout; a reader that went away is no failure of ours.
fn print(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_ends_with_the_exit_code_of_a_bug() {
        let error = contain(|| panic!("a bug, made for this test")).unwrap_err();
        assert_eq!(error.kind.exit_code(), 1);
        assert_eq!(contain(|| Ok(0)).unwrap(), 0);
    }
}
