//! The command line: one file for each subcommand.

mod animate;
mod check;
mod devices;
mod divergence;
mod error_report;
mod estimate;
mod explore;
mod init;
mod landscape;
mod plot;
mod progress;
mod report;
mod resume;
mod run;
mod signals;
mod sweep;
mod table;

use clap::{ArgAction, Args, Parser, Subcommand};
use klfit::Result;
use klfit::run_folder::Existing;

pub use error_report::report_error;

/// Fit Gaussians and mixtures to a density by gradient descent on a divergence, and see what
/// happened.
#[derive(Debug, Parser)]
#[command(name = "klfit", version, about, long_about = None, max_term_width = 100)]
#[command(after_help = "Examples:
  klfit init my.toml           write a commented config to start from
  klfit check my.toml          validate it without running
  klfit run my.toml            run it: results and figures go to outputs/NAME
  klfit resume outputs/NAME    go on with it after an interruption
  klfit plot outputs/NAME      draw the figures again
  klfit sweep my.toml          run it at every point of its [sweep]
  klfit divergence P Q         tell how far two densities are apart
  klfit estimate data.csv      estimate a Gaussian or a mixture from samples
  klfit landscape my.toml      draw what its fits go down on
  klfit explore                see forward and reverse KL move, in the browser
  klfit report outputs/NAME    report on a run: HTML, Markdown, LaTeX
  klfit animate outputs/NAME   draw its fits in motion
  klfit devices                list what this klfit can compute on

The exit code is 0 after success, 1 if every restart of a fit failed, 2 if the request was wrong, 130
after Ctrl-C and 143 after SIGTERM.")]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    verbosity: Verbosity,
}

/// How much is said.
#[derive(Debug, Clone, Copy, Args)]
pub struct Verbosity {
    /// Print nothing but errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Print every logged step and every optimum
    #[arg(short, long, global = true, action = ArgAction::SetTrue)]
    verbose: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run an experiment: fit, log, compare, draw
    Run(run::Options),
    /// Go on with a run that was interrupted, or with more steps
    Resume(resume::Options),
    /// Validate a config without running it
    Check(check::Options),
    /// Write a commented config to start from
    Init(init::Options),
    /// Draw the figures of a finished run or sweep again
    Plot(plot::Options),
    /// Run an experiment at every point of its [sweep]
    Sweep(sweep::Options),
    /// Tell how far densities are apart, with an error on every number
    Divergence(divergence::Options),
    /// Estimate a Gaussian or a mixture from samples
    Estimate(estimate::Options),
    /// Draw what the fits of a config go down on, and their ways
    Landscape(landscape::Options),
    /// Explore both KLs on a page in the browser
    Explore(explore::Options),
    /// Report on finished runs: an HTML page, Markdown, a LaTeX table
    Report(report::Options),
    /// Draw the fits of a finished run in motion
    Animate(animate::Options),
    /// List what this klfit can compute on
    Devices,
}

/// How a command that was not refused ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It did what was asked.
    Success,
    /// It ran, and every restart of a fit failed, or a point of a sweep broke down.
    FailedRun,
    /// A signal ended it; this is the exit code for it.
    Interrupted(u8),
}

/// Does what the command line asks.
pub fn dispatch(cli: Cli) -> Result<Outcome> {
    match cli.command {
        Command::Run(options) => run::run(&options, cli.verbosity),
        Command::Resume(options) => resume::resume(&options, cli.verbosity),
        Command::Check(options) => check::check(&options, cli.verbosity),
        Command::Init(options) => init::init(&options, cli.verbosity),
        Command::Plot(options) => plot::plot(&options, cli.verbosity),
        Command::Sweep(options) => sweep::sweep(&options, cli.verbosity),
        Command::Divergence(options) => divergence::divergence(&options, cli.verbosity),
        Command::Estimate(options) => estimate::estimate(&options, cli.verbosity),
        Command::Landscape(options) => landscape::landscape(&options, cli.verbosity),
        Command::Explore(options) => explore::explore(&options, cli.verbosity),
        Command::Report(options) => report::report(&options, cli.verbosity),
        Command::Animate(options) => animate::animate(&options, cli.verbosity),
        Command::Devices => devices::devices(),
    }
}

impl Verbosity {
    /// Says what was taken in a way the user may not have meant.
    fn notes(self, notes: &[String]) {
        if !self.quiet {
            for note in notes {
                anstream::eprintln!("note: {note}");
            }
        }
    }
}

/// What the options say about a folder that holds a run.
fn existing(force: bool, resume: bool) -> Existing {
    match (force, resume) {
        (true, _) => Existing::Replace,
        (_, true) => Existing::Resume,
        _ => Existing::Refuse,
    }
}
