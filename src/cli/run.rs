//! `klfit run`: the main job.

use std::path::{Path, PathBuf};

use clap::Args;
use klfit::Result;
use klfit::config::{Experiment, Override, Sweep};
use klfit::run_folder::{Existing, RunFolder};

use super::progress::Progress;
use super::{Outcome, Voice, table};

/// Options of `klfit run`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  klfit run configs/bimodal.toml
  klfit run configs/bimodal.toml --seed 7 --steps 5000 --out outputs/longer
  klfit run configs/bimodal.toml --set optimizer.learning_rate=0.01 --force")]
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
    /// Leave the figures out; `klfit plot` draws them later
    #[arg(long)]
    no_figures: bool,
}

/// Runs an experiment, and prints and draws what came out.
pub fn run(options: &Options, voice: Voice) -> Result<Outcome> {
    if let Some(sweep) = Sweep::load(&options.config, &overrides(options))? {
        let out = options.out.as_deref();
        return super::sweep::run(&sweep, out, options.force, !options.no_figures, voice);
    }
    let experiment = Experiment::load(&options.config, overrides(options))?;
    super::print_notes(&experiment, voice);
    let numerics = experiment.numerics()?;
    let existing = if options.force {
        Existing::Replace
    } else {
        Existing::Refuse
    };
    let out =
        (options.out.clone()).unwrap_or_else(|| Path::new("outputs").join(&experiment.config.name));
    let folder = RunFolder::create(&out, &experiment, existing)?;
    let mut progress = Progress::new(voice);
    let summary = klfit::run::run(&experiment, &numerics, &folder, &mut progress)?;
    if !voice.quiet {
        table::print(&summary, voice);
    }
    if !options.no_figures {
        progress.say("drawing figures");
        klfit::plot::draw_all(&folder)?;
    }
    if !voice.quiet {
        let figures = if options.no_figures {
            ""
        } else {
            "; figures in figures/"
        };
        anstream::println!("\nresults in {}{figures}", folder.path().display());
    }
    let failed = summary.fits.iter().any(|fit| fit.best.is_none());
    Ok(if failed {
        Outcome::FailedRun
    } else {
        Outcome::Success
    })
}

fn overrides(options: &Options) -> Vec<Override> {
    let mut overrides = options.set.clone();
    if let Some(seed) = options.seed {
        overrides.push(Override::new("seed", seed, format!("--seed {seed}")));
    }
    if let Some(steps) = options.steps {
        overrides.push(Override::new(
            "optimizer.steps",
            steps,
            format!("--steps {steps}"),
        ));
    }
    if let Some(backend) = &options.backend {
        let from = format!("--backend {backend}");
        overrides.push(Override::new("device.backend", backend.as_str(), from));
    }
    overrides
}
