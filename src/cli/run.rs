//! `klfit run`: the main job.

use std::path::{Path, PathBuf};

use clap::Args;

use super::answer::print_json;
use super::output::{to_stderr, to_stdout};
use super::progress::Progress;
use super::signals::Signals;
use super::{Command, Form, Outcome, Results, Verbosity, table};
use crate::Result;
use crate::config::{Experiment, FiguresConfig, Override, Sweep, space_note};
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
    /// The seed of all random numbers
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(i64).range(0..))]
    seed: Option<i64>,
    /// Steps of every fit
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(i64).range(1..))]
    steps: Option<i64>,
    /// Where to compute: flex, or ndarray, wgpu or cuda if compiled in
    #[arg(long, value_name = "NAME")]
    backend: Option<String>,
    /// Set any key of the config; a key of a shared section is set for every fit
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = Override::parse)]
    set: Vec<Override>,
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
        let reading = verbosity.working(format!("reading {}", self.config.display()));
        if let Some(sweep) = Sweep::load(&self.config, &overrides(self))? {
            drop(reading);
            return super::sweep::run(&sweep, &self.results, verbosity);
        }
        let experiment = Experiment::load(&self.config, overrides(self))?;
        drop(reading);
        verbosity.notes(&experiment.notes);
        let (results, name) = (&self.results, &experiment.config.name);
        run_in(
            &results.folder(name),
            experiment,
            results.existing(),
            results.form,
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
        let drawn = crate::jobs::draw_figures_as(&folder, &looks, None, &mut drawing)?;
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

/// The override of `--steps`.
pub fn steps_override(steps: Option<i64>) -> Vec<Override> {
    let steps = steps.into_iter();
    steps
        .map(|steps| Override::new("optimizer.steps", steps, format!("--steps {steps}")))
        .collect()
}

fn overrides(options: &Run) -> Vec<Override> {
    let mut overrides = options.set.clone();
    if let Some(seed) = options.seed {
        overrides.push(Override::new("seed", seed, format!("--seed {seed}")));
    }
    overrides.extend(steps_override(options.steps));
    if let Some(backend) = &options.backend {
        let from = format!("--backend {backend}");
        overrides.push(Override::new("device.backend", backend.as_str(), from));
    }
    overrides
}
