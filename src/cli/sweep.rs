//! `klfit sweep`: run an experiment at every point of its `[sweep]`.

use std::path::{Path, PathBuf};

use clap::Args;
use comfy_table::{Table, presets};
use klfit::Result;
use klfit::config::{Override, Sweep, SweepPoint};
use klfit::error::Error;
use klfit::jobs::sweep;
use klfit::jobs::sweep::{SweepObserver, Swept};
use klfit::run_folder::SweptPoint;
use klfit::run_folder::{Existing, SweepFolder};
use klfit::text::{self, count};

use super::signals::Signals;
use super::{Outcome, Verbosity, existing};

/// Options of `klfit sweep`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  klfit sweep --list configs/sweep.toml
  klfit sweep configs/sweep.toml
  klfit sweep configs/sweep.toml --set optimizer.steps=200 --force")]
pub struct Options {
    /// The experiment, a TOML file with a [sweep]
    config: PathBuf,
    /// Print the points without running them
    #[arg(long)]
    list: bool,
    /// Set any key of the config; the sweep's own settings win
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = Override::parse)]
    set: Vec<Override>,
    /// The folder for the results [default: outputs/NAME]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace what an earlier sweep left in that folder
    #[arg(long)]
    force: bool,
    /// Go on with the sweep in that folder, or begin where there is none
    #[arg(long, conflicts_with = "force")]
    resume: bool,
    /// Leave the figure out; `klfit plot` draws it later
    #[arg(long)]
    no_figures: bool,
}

/// Lists or runs every point, and prints and draws them together.
pub fn sweep(options: &Options, verbosity: Verbosity) -> Result<Outcome> {
    let Some(sweep) = Sweep::load(&options.config, &options.set)? else {
        return Err(Error::Usage {
            message: format!("{} has no [sweep]", options.config.display()),
            help: "add one, as in\n\n    [sweep.grid]\n    optimizer.learning_rate = [0.01, 0.1]\n\nor \
                   run it as it is with `klfit run`"
                .to_owned(),
        });
    };
    if options.list {
        list(&sweep);
        return Ok(Outcome::Success);
    }
    run(
        &sweep,
        options.out.as_deref(),
        existing(options.force, options.resume),
        !options.no_figures,
        verbosity,
    )
}

/// Runs a sweep and shows what came out.
pub fn run(
    sweep: &Sweep,
    out: Option<&Path>,
    existing: Existing,
    figures: bool,
    verbosity: Verbosity,
) -> Result<Outcome> {
    let out = out.map_or_else(|| Path::new("outputs").join(&sweep.name), Path::to_owned);
    let signals = Signals::listen()?;
    if !verbosity.quiet
        && let Some(point) = sweep.points.first()
    {
        verbosity.notes(&point.experiment.notes);
    }
    let following = Following {
        total: sweep.points.len(),
        verbosity,
        signals: signals.clone(),
    };
    let Swept {
        ran,
        broken,
        interrupted,
    } = sweep::run(sweep, &out, existing, &following)?;
    for (point, reason) in &broken {
        anstream::eprintln!("{}: {reason}", point.label);
    }
    if interrupted {
        if !verbosity.quiet {
            anstream::eprintln!("interrupted; the same command with --resume goes on");
        }
        return Ok(Outcome::Interrupted(signals.exit_code()));
    }
    if !verbosity.quiet {
        print(&ran);
        if !broken.is_empty() {
            let (broken, total) = (count(broken.len(), "point"), sweep.points.len());
            anstream::println!("{broken} of {total} broke down.");
        }
    }
    if figures
        && !ran.is_empty()
        && let Some(folder) = SweepFolder::open(&out)
    {
        klfit::plot::draw_sweep(&folder)?;
    }
    if !verbosity.quiet {
        let drawn = if figures { " and figures/sweep.*" } else { "" };
        anstream::println!("\nresults in {}: sweep.csv{drawn}", out.display());
    }
    let failed = !broken.is_empty()
        || (ran.iter()).any(|ran| ran.summary.fits.iter().any(|fit| fit.best.is_none()));
    Ok(if failed {
        Outcome::FailedRun
    } else {
        Outcome::Success
    })
}

/// Follows a sweep on standard error.
struct Following {
    total: usize,
    verbosity: Verbosity,
    signals: Signals,
}

impl SweepObserver for Following {
    fn done(&self, point: &SweepPoint, ended: usize) {
        if !self.verbosity.quiet {
            anstream::eprintln!("{ended}/{}: {}", self.total, point.label);
        }
    }

    fn wants_to_stop(&self) -> bool {
        self.signals.has_come()
    }
}

fn list(sweep: &Sweep) {
    for point in &sweep.points {
        let settings: Vec<String> = (point.settings.iter())
            .map(|(key, value)| format!("{key} = {value}"))
            .collect();
        anstream::println!("{}  ({})", point.label, settings.join(", "));
    }
    anstream::println!("{}", count(sweep.points.len(), "point"));
}

fn print(ran: &[SweptPoint]) {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    let header = [
        "point",
        "fit",
        "divergence",
        "value",
        "k\u{302}",
        "steps",
        "stopped",
        "failed",
    ];
    table.set_header(header);
    for SweptPoint { point, summary } in ran {
        for fit in &summary.fits {
            let symbol = fit.divergence.symbol();
            let failed = format!("{} of {}", fit.failed, fit.restarts);
            let Some(best) = &fit.best else {
                table.add_row([
                    &point.label,
                    &fit.label,
                    &symbol,
                    "every run failed",
                    "",
                    "",
                    "",
                    &failed,
                ]);
                continue;
            };
            let value = best.divergences.of(fit.divergence).to_string();
            let k_hat = best
                .diagnostics
                .psis
                .map_or_else(String::new, |psis| text::fixed(psis.k_hat, 2));
            let (steps, stop) = (best.steps.to_string(), best.stop.to_string());
            table.add_row([
                &point.label,
                &fit.label,
                &symbol,
                &value,
                &k_hat,
                &steps,
                &stop,
                &failed,
            ]);
        }
    }
    anstream::println!("{table}");
    anstream::println!("Divergences are in nats, of the best run of each fit.");
}
