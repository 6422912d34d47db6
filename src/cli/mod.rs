//! The command line: one file for each command.

mod animate;
mod answer;
mod arguments;
mod check;
mod completions;
mod devices;
mod divergence;
mod error_report;
mod estimate;
mod explore;
mod init;
mod landscape;
mod layout;
mod looks;
mod man;
mod mixture;
mod output;
mod plot;
mod progress;
mod ranks;
mod report;
mod resume;
mod run;
mod signals;
mod sweep;
mod table;
mod working;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::Result;
use crate::text::is_unseen;
use arguments::{Form, Results, Table, Verbosity};
use error_report::report_error;
use output::to_stderr;

/// A request that cannot be met, as clap reports its own.
const MISUSE: u8 = 2;
/// What was asked for failed.
const FAILURE: u8 = 1;

/// A command: its arguments, with the line of its help as their doc.
trait Command: Args {
    /// How it is called, as `klfit --help` shows it, and what that does.
    const EXAMPLE: [&str; 2];

    /// Does what is asked.
    fn run(&self, verbosity: Verbosity) -> Result<Outcome>;
}

/// Makes [`Commands`] from the table below.
macro_rules! commands {
    ($($name:ident => $file:ident::$type:ident,)+) => {
        #[derive(Debug, Subcommand)]
        enum Commands {
            $($name($file::$type),)+
        }

        impl Commands {
            const EXAMPLES: &[[&str; 2]] = &[$($file::$type::EXAMPLE),+];

            fn run(&self, verbosity: Verbosity) -> Result<Outcome> {
                match self {
                    $(Self::$name(command) => command.run(verbosity),)+
                }
            }
        }
    };
}

commands! {
    Init => init::Init,
    Check => check::Check,
    Run => run::Run,
    Resume => resume::Resume,
    Plot => plot::Plot,
    Sweep => sweep::Sweep,
    Divergence => divergence::Divergence,
    Estimate => estimate::Estimate,
    Mixture => mixture::Mixture,
    Landscape => landscape::Landscape,
    Explore => explore::Explore,
    Report => report::Report,
    Animate => animate::Animate,
    Devices => devices::Devices,
    Completions => completions::Completions,
    Man => man::Man,
}

/// Fit Gaussians and mixtures to a density by gradient descent on a divergence, and see what
/// happened.
#[derive(Debug, Parser)]
#[command(name = "klfit", version, about, long_about = None, max_term_width = 100)]
#[command(after_help = after_help())]
struct Cli {
    #[command(subcommand)]
    command: Commands,
    #[command(flatten)]
    verbosity: Verbosity,
    /// Let a config start the program that its target names; look at it first
    #[arg(long, global = true)]
    allow_commands: bool,
    /// Whether errors have colours [default: where a terminal shows them]
    #[arg(long, global = true, value_name = "WHEN", value_parser = ["auto", "always", "never"])]
    color: Option<String>,
}

fn after_help() -> String {
    let calls = Commands::EXAMPLES.iter().map(|[call, _]| call.len());
    let width = calls.max().unwrap_or(0) + 2;
    let examples = (Commands::EXAMPLES.iter())
        .map(|[call, does]| format!("  klfit {call:width$} {does}\n"))
        .collect::<String>();
    format!(
        "Examples:\n{examples}
The exit code is 0 after success, 1 if every restart of a fit failed, 2 if the request was wrong, 130
after Ctrl-C and 143 after SIGTERM."
    )
}

/// How a command that was not refused ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// It did what was asked.
    Success,
    /// It ran, and every restart of a fit failed, or a point of a sweep broke down.
    FailedRun,
    /// A signal ended it; this is the exit code for it.
    Interrupted(u8),
    /// An error did, and was told; this is the exit code for it.
    #[cfg(feature = "mpi")]
    Told(u8),
}

/// The `klfit` command: does what the arguments of the process ask, and prints one error.
pub fn main() -> ExitCode {
    ExitCode::from(command(std::env::args_os().collect()))
}

/// The `klfit` command with arguments of which the first is its own name. Returns its exit code.
pub fn command(arguments: Vec<OsString>) -> u8 {
    let Cli {
        command,
        verbosity,
        allow_commands,
        color,
    } = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => return refuse(&error, &arguments),
    };
    match color.as_deref() {
        Some("always") => anstream::ColorChoice::Always.write_global(),
        Some("never") => anstream::ColorChoice::Never.write_global(),
        _ => {}
    }
    if allow_commands {
        crate::external::allow_commands();
    }
    let outcome = command.run(verbosity);
    crate::normalizer::forget();
    match outcome {
        Ok(Outcome::Success) => 0,
        Ok(Outcome::FailedRun) => FAILURE,
        Ok(Outcome::Interrupted(code)) => code,
        #[cfg(feature = "mpi")]
        Ok(Outcome::Told(code)) => code,
        Err(error) => {
            report_error(&error);
            exit_code(&error)
        }
    }
}

/// The exit code of a command that ends with an error.
fn exit_code(error: &crate::Error) -> u8 {
    if error.is_misuse() { MISUSE } else { FAILURE }
}

/// Prints what clap says; without its styles where an argument is not safe to show as it is.
fn refuse(error: &clap::Error, arguments: &[OsString]) -> u8 {
    let is_unsafe = |argument: &OsString| argument.to_string_lossy().contains(is_unseen);
    if error.use_stderr() && arguments.iter().any(is_unsafe) {
        to_stderr(error.render());
    } else {
        // As clap does: there is no one to tell that it cannot be printed.
        _ = error.print();
    }
    u8::try_from(error.exit_code()).unwrap_or(FAILURE)
}
