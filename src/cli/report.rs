//! `klfit report`: what came out, to attach to a mail.

use std::path::{Path, PathBuf};

use clap::Args;
use klfit::Result;

use super::{Outcome, Verbosity};

/// Options of `klfit report`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  klfit report outputs/bimodal
  klfit report outputs/bimodal outputs/overlapping --out outputs/both")]
pub struct Options {
    /// The folders of finished runs or sweeps; several stand side by side
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// The folder for the files [default: that of the run; outputs/report for several]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Writes an HTML page, Markdown and a LaTeX table.
pub fn report(options: &Options, verbosity: Verbosity) -> Result<Outcome> {
    let default = match &options.runs[..] {
        [one] => one.as_path(),
        _ => Path::new("outputs/report"),
    };
    let out = options.out.as_deref().unwrap_or(default);
    let files = klfit::report::write(&options.runs, out)?;
    if !verbosity.quiet {
        for path in files {
            anstream::println!("{}", path.display());
        }
    }
    Ok(Outcome::Success)
}
