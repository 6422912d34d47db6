//! `klfit run`: the main job.

use std::path::{Path, PathBuf};

use clap::Args;

use super::answer::print_json;
use super::arguments::Changes;
use super::output::{to_stderr, to_stdout};
use super::progress::Progress;
use super::ranks::{Rank, together};
use super::signals::Signals;
use super::{Command, Form, Outcome, Results, Verbosity, table};
use crate::Result;
use crate::config::{Experiment, FiguresConfig, Sweep, space_note};
use crate::ranks;
use crate::run_folder::{Existing, RunFolder};
use crate::text::shell_word;

/// Run an experiment: fit, log, compare, draw
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  klfit run configs/bimodal.toml
  klfit run configs/bimodal.toml --seed 7 --steps 5000 --out outputs/longer
  klfit run configs/bimodal.toml --set optimizer.learning_rate=0.01 --force
  klfit run configs/bimodal.toml --resume
  klfit run configs/bimodal.toml --json | jq .fits[0].best.mixture

The first Ctrl-C or SIGTERM ends the run after the step it is at; `klfit resume` goes on from there.")]
pub struct Run {
    /// The experiment, a TOML file
    config: PathBuf,
    #[command(flatten)]
    changes: Changes,
    #[command(flatten)]
    results: Results,
}

impl Command for Run {
    const EXAMPLE: [&str; 2] = [
        "run my.toml",
        "run it: results and figures go to outputs/NAME",
    ];

    /// Runs an experiment, and prints and draws what came out.
    fn run(&self, verbosity: Verbosity) -> Result<Outcome> {
        let work = |rank| self.run_as(rank, verbosity);
        together(&self.config, &self.changes.overrides(), work)
    }
}

impl Run {
    fn run_as(&self, rank: Rank, verbosity: Verbosity) -> Result<Outcome> {
        let verbosity = rank.verbosity(verbosity);
        let reading = verbosity.working(format!("reading {}", self.config.display()));
        if let Some(sweep) = Sweep::load(&self.config, &self.changes.overrides())? {
            drop(reading);
            return super::sweep::run(&sweep, &self.results, verbosity);
        }
        let experiment = Experiment::load(&self.config, self.changes.overrides())?;
        drop(reading);
        verbosity.notes(&experiment.notes);
        let (results, name) = (&self.results, &experiment.config.name);
        let place = rank.place(&results.folder(name), results.existing())?;
        run_in(
            place.path(),
            experiment,
            results.existing(),
            rank.form(results.form),
            verbosity,
        )
    }
}

/// Runs an experiment in a folder.
pub fn run_in(
    out: &Path,
    experiment: Experiment,
    existing: Existing,
    form: Form,
    verbosity: Verbosity,
) -> Result<Outcome> {
    let begun = match existing {
        Existing::Resume => RunFolder::open(out).ok(),
        _ => None,
    };
    let experiment = match &begun {
        Some(folder) => experiment.continuing(&folder.experiment()?)?,
        None => experiment,
    };
    verbosity.notes(&space_note([&experiment]));
    let numerics = experiment.numerics()?;
    let signals = Signals::listen()?;
    let folder = RunFolder::create(out, &experiment, existing)?;
    let mut progress = Progress::new(verbosity, signals.clone());
    let summary = crate::jobs::run::run(&experiment, &numerics, &folder, &mut progress)?;
    let place = folder.path().display();
    if summary.interrupted {
        if !verbosity.quiet {
            let folder = place.to_string();
            let folder = shell_word(&folder);
            to_stderr(format_args!(
                "interrupted; go on with\n\n    klfit resume {folder}\n"
            ));
        }
        return Ok(Outcome::Interrupted(signals.exit_code()));
    }
    if form.json {
        print_json(&summary)?;
    } else if !verbosity.quiet {
        table::print(&summary, verbosity);
    }
    let figures = !form.no_figures;
    if figures {
        let mut drawing = verbosity.counting("drawing figures");
        let looks = FiguresConfig::default();
        // One of the processes draws, and reads what it needs.
        let draw = || crate::jobs::draw_figures_as(&folder, &looks, None, &mut drawing);
        let drawn = ranks::alone(draw)?;
        drop(drawing);
        verbosity.notes(&drawn.notes);
    }
    if !verbosity.quiet && !form.json {
        let drawn = if figures { "; figures in figures/" } else { "" };
        to_stdout(format_args!("\nresults in {place}{drawn}"));
    }
    let failed = summary.fits.iter().any(|fit| fit.best.is_none());
    Ok(if failed {
        Outcome::FailedRun
    } else {
        Outcome::Success
    })
}
