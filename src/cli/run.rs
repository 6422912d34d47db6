//! `klfit run`: the main job.

use std::path::{Path, PathBuf};

use clap::Args;
use klfit::Result;
use klfit::config::{Experiment, Override, Sweep};
use klfit::run_folder::{Existing, RunFolder};

use super::progress::Progress;
use super::signals::Signals;
use super::{Outcome, Verbosity, existing, table};

/// Options of `klfit run`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  klfit run configs/bimodal.toml
  klfit run configs/bimodal.toml --seed 7 --steps 5000 --out outputs/longer
  klfit run configs/bimodal.toml --set optimizer.learning_rate=0.01 --force
  klfit run configs/bimodal.toml --resume

The first Ctrl-C or SIGTERM ends the run after the step it is at; `klfit resume` goes on from there.")]
pub struct Options {
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
    /// The folder for the results [default: outputs/NAME]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace what an earlier run left in that folder
    #[arg(long)]
    force: bool,
    /// Go on with the run in that folder, or begin where there is none
    #[arg(long, conflicts_with = "force")]
    resume: bool,
    /// Leave the figures out; `klfit plot` draws them later
    #[arg(long)]
    no_figures: bool,
}

/// Runs an experiment, and prints and draws what came out.
pub fn run(options: &Options, verbosity: Verbosity) -> Result<Outcome> {
    let existing = existing(options.force, options.resume);
    if let Some(sweep) = Sweep::load(&options.config, &overrides(options))? {
        let out = options.out.as_deref();
        return super::sweep::run(&sweep, out, existing, !options.no_figures, verbosity);
    }
    let experiment = Experiment::load(&options.config, overrides(options))?;
    verbosity.notes(&experiment.notes);
    let out =
        (options.out.clone()).unwrap_or_else(|| Path::new("outputs").join(&experiment.config.name));
    run_in(&out, experiment, existing, !options.no_figures, verbosity)
}

/// Runs an experiment in a folder.
pub fn run_in(
    out: &Path,
    experiment: Experiment,
    existing: Existing,
    figures: bool,
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
    let numerics = experiment.numerics()?;
    let signals = Signals::listen()?;
    let folder = RunFolder::create(out, &experiment, existing)?;
    let mut progress = Progress::new(verbosity, signals.clone());
    let summary = klfit::jobs::run::run(&experiment, &numerics, &folder, &mut progress)?;
    let place = folder.path().display();
    if summary.interrupted {
        if !verbosity.quiet {
            anstream::eprintln!("interrupted; go on with\n\n    klfit resume {place}\n");
        }
        return Ok(Outcome::Interrupted(signals.exit_code()));
    }
    if !verbosity.quiet {
        table::print(&summary, verbosity);
    }
    if figures {
        progress.say("drawing figures");
        klfit::jobs::draw_all(&folder)?;
    }
    if !verbosity.quiet {
        let drawn = if figures { "; figures in figures/" } else { "" };
        anstream::println!("\nresults in {place}{drawn}");
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

fn overrides(options: &Options) -> Vec<Override> {
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
