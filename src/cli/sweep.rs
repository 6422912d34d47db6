//! `klfit sweep`: run an experiment at every point of its `[sweep]`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;

use clap::Args;
use serde::Serialize;

use super::answer::print_json;
use super::output::{to_stderr, to_stdout};
use super::signals::Signals;
use super::working::Working;
use super::{Command, Form, Outcome, Results, Verbosity, layout};
use crate::Result;
use crate::config::{self, FiguresConfig, Override, SweepPoint};
use crate::error::Error;
use crate::jobs::sweep::{self, SweepObserver, Swept};
use crate::record::Summary;
use crate::report::units;
use crate::run_folder::{SweepFolder, SweptPoint};
use crate::text::{self, count};

/// Run an experiment at every point of its [sweep]
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  klfit sweep --list configs/sweep.toml
  klfit sweep configs/sweep.toml
  klfit sweep configs/sweep.toml --set optimizer.steps=200 --force")]
pub struct Sweep {
    /// The experiment, a TOML file with a [sweep]
    config: PathBuf,
    /// Print the points without running them
    #[arg(long)]
    list: bool,
    /// Set any key of the config; the sweep's own settings win
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = Override::parse)]
    set: Vec<Override>,
    #[command(flatten)]
    results: Results,
}

impl Command for Sweep {
    const EXAMPLE: [&str; 2] = ["sweep my.toml", "run it at every point of its [sweep]"];

    /// Lists or runs every point, and prints and draws them together.
    fn run(&self, verbosity: Verbosity) -> Result<Outcome> {
        let reading = verbosity.working(format!("reading {}", self.config.display()));
        let Some(sweep) = config::Sweep::load(&self.config, &self.set)? else {
            return Err(Error::usage(
                format!("{} has no [sweep]", self.config.display()),
                "add one, as in\n\n    [sweep.grid]\n    optimizer.learning_rate = [0.01, 0.1]\n\nor \
                       run it as it is with `klfit run`",
            ));
        };
        drop(reading);
        if self.list {
            list(&sweep);
            return Ok(Outcome::Success);
        }
        run(&sweep, &self.results, verbosity)
    }
}

/// Runs a sweep and shows what came out.
pub fn run(sweep: &config::Sweep, results: &Results, verbosity: Verbosity) -> Result<Outcome> {
    let out = results.folder(&sweep.name);
    let Form { no_figures, json } = results.form;
    let figures = !no_figures;
    let signals = Signals::listen()?;
    verbosity.notes(&sweep.notes());
    let progress = SweepProgress {
        total: sweep.points.len(),
        verbosity,
        signals: signals.clone(),
        first: Mutex::new(Some(verbosity.working("running the first points"))),
    };
    let Swept {
        ran,
        broken,
        interrupted,
    } = sweep::run(sweep, &out, results.existing(), &progress)?;
    progress.has_begun();
    for (point, reason) in &broken {
        to_stderr(format_args!("{}: {reason}", point.label));
    }
    if interrupted {
        if !verbosity.quiet {
            to_stderr("interrupted; the same command with --resume goes on");
        }
        return Ok(Outcome::Interrupted(signals.exit_code()));
    }
    if json {
        print_json(&ran.iter().map(Ran::from).collect::<Vec<_>>())?;
    }
    if !verbosity.quiet && !json {
        print(&ran);
        if !broken.is_empty() {
            let (broken, total) = (count(broken.len(), "point"), sweep.points.len());
            to_stdout(format_args!("{broken} of {total} broke down."));
        }
    }
    if figures
        && !ran.is_empty()
        && let Some(folder) = SweepFolder::open(&out)
    {
        let drawing = verbosity.working("drawing figures");
        let drawn = crate::jobs::draw_sweep_as(&folder, &FiguresConfig::default(), None)?;
        drop(drawing);
        verbosity.notes(&drawn.notes);
    }
    if !verbosity.quiet && !json {
        let drawn = if figures { " and figures/sweep.*" } else { "" };
        to_stdout(format_args!(
            "\nresults in {}: sweep.csv{drawn}",
            out.display()
        ));
    }
    let failed = !broken.is_empty()
        || (ran.iter()).any(|ran| ran.summary.fits.iter().any(|fit| fit.best.is_none()));
    Ok(if failed {
        Outcome::FailedRun
    } else {
        Outcome::Success
    })
}

/// A point that has run, as `--json` prints it.
#[derive(Serialize)]
struct Ran<'s> {
    point: &'s str,
    /// Keys with their values, as TOML writes them.
    settings: BTreeMap<&'s str, &'s str>,
    /// As in its summary.json.
    summary: &'s Summary,
}

impl<'s> From<&'s SweptPoint<'_>> for Ran<'s> {
    fn from(SweptPoint { point, summary }: &'s SweptPoint) -> Self {
        let settings = point.settings.iter();
        Self {
            point: &point.label,
            settings: settings.map(|(key, value)| (&**key, &**value)).collect(),
            summary,
        }
    }
}

/// Follows a sweep on standard error.
struct SweepProgress {
    total: usize,
    verbosity: Verbosity,
    signals: Signals,
    /// Until one has ended.
    first: Mutex<Option<Working>>,
}

impl SweepProgress {
    /// Something is said.
    fn has_begun(&self) {
        if let Ok(mut first) = self.first.lock() {
            *first = None;
        }
    }
}

impl SweepObserver for SweepProgress {
    fn done(&self, point: &SweepPoint, ended: usize) {
        self.has_begun();
        if !self.verbosity.quiet {
            to_stderr(format_args!("{ended}/{}: {}", self.total, point.label));
        }
    }

    fn wants_to_stop(&self) -> bool {
        self.signals.is_received()
    }
}

fn list(sweep: &config::Sweep) {
    for point in &sweep.points {
        let settings: Vec<String> = (point.settings.iter())
            .map(|(key, value)| format!("{key} = {value}"))
            .collect();
        to_stdout(format_args!("{}  ({})", point.label, settings.join(", ")));
    }
    to_stdout(count(sweep.points.len(), "point"));
}

fn print(ran: &[SweptPoint]) {
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
    let mut table = layout::table(header);
    for SweptPoint { point, summary } in ran {
        for fit in &summary.fits {
            let symbol = fit.divergence.symbol();
            let failed = format!("{} of {}", fit.failed, fit.restarts);
            let Some(best) = &fit.best else {
                table.add_row([
                    &point.label,
                    &*fit.name(),
                    &symbol,
                    "every run failed",
                    "",
                    "",
                    "",
                    &failed,
                ]);
                continue;
            };
            let value = best.divergences.estimate(fit.divergence).to_string();
            let k_hat = best
                .diagnostics
                .psis
                .map_or_else(String::new, |psis| text::fixed(psis.k_hat, 2));
            let (steps, stop) = (best.steps.to_string(), fit.ending());
            table.add_row([
                &point.label,
                &*fit.name(),
                &symbol,
                &value,
                &k_hat,
                &steps,
                &stop,
                &failed,
            ]);
        }
    }
    layout::print(&table);
    let fits = ran.iter().flat_map(|ran| &ran.summary.fits);
    to_stdout(units(fits.map(|fit| fit.divergence), true));
}
