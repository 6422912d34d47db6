//! `klfit report`: what came out, to attach to a mail.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{Command, Outcome, Verbosity};
use crate::Result;
use crate::report::{LatexNumbers, ReportOptions};
use crate::run_folder::{RunFolder, SweepFolder};

/// Report on runs: an HTML page, Markdown, a LaTeX table
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  klfit report outputs/bimodal
  klfit report outputs/bimodal outputs/overlapping --out outputs/both
  klfit report outputs/bimodal --latex plain --columns fit,forward-kl,reverse-kl,mean,std

A run that was interrupted, or still goes on, is reported on as far as it came. The columns of the LaTeX
table are chosen by name; an unknown one lists those that there are.")]
pub struct Report {
    /// The folders of runs or finished sweeps; several stand side by side
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// The folder for the files [default: that of the run; outputs/report for several]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// How the LaTeX table writes numbers: for siunitx, or as plain mathematics
    #[arg(long, value_name = "HOW", value_parser = ["siunitx", "plain"])]
    latex: Option<String>,
    /// The columns of the LaTeX table, by name and with commas between
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    columns: Option<Vec<String>>,
}

impl Command for Report {
    const EXAMPLE: [&str; 2] = [
        "report outputs/NAME",
        "report on a run: HTML, Markdown, LaTeX",
    ];

    /// Writes an HTML page, Markdown and a LaTeX table.
    fn run(&self, verbosity: Verbosity) -> Result<Outcome> {
        let default = match &self.runs[..] {
            [one] => one.as_path(),
            _ => Path::new("outputs/report"),
        };
        let out = self.out.as_deref().unwrap_or(default);
        for run in &self.runs {
            if SweepFolder::open(run).is_none() {
                verbosity.unfinished(&RunFolder::open(run)?)?;
            }
        }
        let mut reporting = verbosity.counting("reading runs and drawing figures");
        let options = ReportOptions {
            latex: match self.latex.as_deref() {
                Some("plain") => LatexNumbers::Plain,
                _ => LatexNumbers::Siunitx,
            },
            columns: self.columns.clone(),
        };
        let files = crate::report::write_with(&self.runs, out, &options, &mut reporting)?;
        drop(reporting);
        verbosity.written(&files);
        Ok(Outcome::Success)
    }
}
