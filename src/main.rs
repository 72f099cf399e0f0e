//! The `chatkpi` command: parse, run, exit code.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(chatkpi::cli::main())
}
