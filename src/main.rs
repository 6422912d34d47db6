//! The `klfit` command: parse, dispatch, print one error.

mod cli;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Outcome};

/// A request that cannot be met, as clap reports its own.
const MISUSE: u8 = 2;

fn main() -> ExitCode {
    match cli::dispatch(Cli::parse()) {
        Ok(Outcome::Success) => ExitCode::SUCCESS,
        Ok(Outcome::FailedRun) => ExitCode::FAILURE,
        Ok(Outcome::Interrupted(code)) => ExitCode::from(code),
        Err(error) => {
            cli::report_error(&error);
            if error.is_misuse() {
                ExitCode::from(MISUSE)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}
