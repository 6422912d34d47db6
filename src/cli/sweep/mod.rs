//! `klfit sweep`: run an experiment at every point of its `[sweep]`, at some, or have other programs run them.

mod engine;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use clap::Args;
use serde::Serialize;

use super::answer::print_json;
use super::output::{to_stderr, to_stdout};
use super::signals::Signals;
use super::working::Working;
use super::{Command, Form, Outcome, Results, Verbosity, layout};
use crate::Result;
use crate::config::{self, FiguresConfig, Override, Part, Shard, SweepPoint};
use crate::error::Error;
use crate::jobs::sweep::{self, Gathered, SweepObserver, Swept};
use crate::record::Summary;
use crate::report::units;
use crate::run_folder::{SweepFolder, SweptPoint};
use crate::text::{self, count};
use engine::Engine;

/// Run an experiment at every point of its [sweep], or at some of them
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  klfit sweep --list configs/sweep.toml
  klfit sweep configs/sweep.toml
  klfit sweep configs/sweep.toml --set optimizer.steps=200 --force
  klfit sweep configs/sweep.toml --point 2,5-6
  klfit sweep configs/sweep.toml --shard 3/100
  klfit sweep configs/sweep.toml --gather
  klfit sweep configs/sweep.toml --on slurm --submit

Points that are asked for by number or by shard go into the folder that others fill at the same time, on other
machines too; each is run by one of them, and goes on where it was cut off.")]
pub struct Sweep {
    /// The experiment, a TOML file with a [sweep]
    config: PathBuf,
    /// Print the points without running them
    #[arg(long)]
    list: bool,
    /// Run these points, by their numbers, as in 3,7,12-15
    #[arg(long, value_name = "NUMBERS", value_parser = Part::points, conflicts_with = "shard")]
    point: Option<Part>,
    /// Run every N-th point from the I-th on, as in 3/100; auto is the task of the Slurm array that this is,
    /// auto/100 that of a Kubernetes job of a hundred
    #[arg(long, value_name = "I/N", value_parser = Shard::here)]
    shard: Option<Shard>,
    /// Make sweep.csv and the figures of the points that have run, and say what is missing
    #[arg(long, conflicts_with_all = ["list", "point", "shard"])]
    gather: bool,
    /// Write what another program needs to run the points as an array of tasks
    #[arg(long, value_name = "ENGINE", conflicts_with_all = ["list", "point", "shard", "gather"])]
    on: Option<Engine>,
    /// How many tasks that are [default: one for each point, up to 100]
    #[arg(long, value_name = "N", requires = "on")]
    tasks: Option<usize>,
    /// Have that program run them
    #[arg(long, requires = "on")]
    submit: bool,
    /// Set any key of the config; the sweep's own settings win
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = Override::parse)]
    set: Vec<Override>,
    #[command(flatten)]
    results: Results,
}

impl Command for Sweep {
    const EXAMPLE: [&str; 2] = ["sweep my.toml", "run it at every point of its [sweep]"];

    /// Lists, runs or gathers points, and prints and draws them together.
    fn run(&self, verbosity: Verbosity) -> Result<Outcome> {
        let reading = verbosity.working(format!("reading {}", self.config.display()));
        let part = (self.point.clone()).or_else(|| self.shard.map(Part::Shard));
        let Some(sweep) = config::Sweep::load_part(&self.config, &self.set, part)? else {
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
        if let Some(engine) = self.on {
            return engine::write(self, engine, &sweep, verbosity);
        }
        if self.gather {
            return gather(self, &sweep, verbosity);
        }
        run(&sweep, &self.results, verbosity)
    }
}

/// Runs a sweep, or a part of one, and shows what came out.
pub fn run(sweep: &config::Sweep, results: &Results, verbosity: Verbosity) -> Result<Outcome> {
    let out = results.folder(&sweep.name);
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
        elsewhere,
        interrupted,
    } = sweep::run(sweep, &out, results.existing(), &progress)?;
    progress.has_begun();
    tell_broken(&broken);
    if !verbosity.quiet {
        for point in &elsewhere {
            let (number, label) = (point.number, &point.label);
            to_stderr(format_args!(
                "point {number}, {label}: another klfit is at it"
            ));
        }
    }
    if interrupted {
        if !verbosity.quiet {
            let how = match sweep.part {
                Some(_) => "the same command goes on",
                None => "the same command with --resume goes on",
            };
            to_stderr(format_args!("interrupted; {how}"));
        }
        return Ok(Outcome::Interrupted(signals.exit_code()));
    }
    let shown = Shown {
        ran: &ran,
        form: results.form,
        verbosity,
    };
    shown.print(broken.len(), sweep.points.len())?;
    let place = out.display();
    let left = match &sweep.part {
        Some(_) => format!(
            "results in {place}, a folder for each point; `klfit sweep --gather` makes the table of all"
        ),
        None => shown.drawn(&out)?,
    };
    if !verbosity.quiet && !results.form.json {
        to_stdout(format_args!("\n{left}"));
    }
    Ok(shown.outcome(broken.is_empty()))
}

/// Gathers the points of a sweep that have run, and shows them.
fn gather(asked: &Sweep, sweep: &config::Sweep, verbosity: Verbosity) -> Result<Outcome> {
    let out = asked.results.folder(&sweep.name);
    let reading = verbosity.working(format!("reading {}", out.display()));
    let gathered = sweep::gather(sweep, &out)?;
    drop(reading);
    let Gathered {
        ran,
        broken,
        begun,
        missing,
    } = &gathered;
    tell_broken(broken);
    let shown = Shown {
        ran,
        form: asked.results.form,
        verbosity,
    };
    shown.print(broken.len(), sweep.points.len())?;
    let drawn = shown.drawn(&out)?;
    if !verbosity.quiet && !asked.results.form.json && !ran.is_empty() {
        to_stdout(format_args!("\n{drawn}"));
    }
    let is_whole = ran.len() == sweep.points.len();
    if !is_whole {
        let all = sweep.points.len();
        let mut parts = Vec::new();
        for (points, what) in [
            (missing.len(), "have not begun"),
            (begun.len(), "have begun and not ended"),
            (broken.len(), "broke down"),
        ] {
            if points > 0 {
                parts.push(format!("{points} {what}"));
            }
        }
        let command = engine::command(asked, &["--point", &gathered.left().to_string()]);
        to_stderr(format_args!(
            "{} of {all} points ended, {}; run those with\n\n    {}\n",
            ran.len(),
            parts.join(", "),
            engine::shell(&command)
        ));
    }
    Ok(shown.outcome(is_whole))
}

fn tell_broken(broken: &[(&SweepPoint, String)]) {
    for (point, reason) in broken {
        to_stderr(format_args!("{}: {reason}", point.label));
    }
}

/// Points that have run, and how they are shown.
struct Shown<'s> {
    ran: &'s [SweptPoint<'s>],
    form: Form,
    verbosity: Verbosity,
}

impl Shown<'_> {
    /// Prints them.
    fn print(&self, broken: usize, total: usize) -> Result<()> {
        if self.form.json {
            return print_json(&self.ran.iter().map(Ran::from).collect::<Vec<_>>());
        }
        if !self.verbosity.quiet && !self.ran.is_empty() {
            print(self.ran);
        }
        if !self.verbosity.quiet && broken > 0 {
            let broken = count(broken, "point");
            to_stdout(format_args!("{broken} of {total} broke down."));
        }
        Ok(())
    }

    /// Draws them by their table, if that is asked for, and says where that and the figure are.
    fn drawn(&self, out: &Path) -> Result<String> {
        let mut left = format!("results in {}: sweep.csv", out.display());
        if !self.form.no_figures
            && !self.ran.is_empty()
            && let Some(folder) = SweepFolder::open(out)
        {
            let drawing = self.verbosity.working("drawing figures");
            let drawn = crate::jobs::draw_sweep_as(&folder, &FiguresConfig::default(), None)?;
            drop(drawing);
            self.verbosity.notes(&drawn.notes);
            left += " and figures/sweep.*";
        }
        Ok(left)
    }

    /// What it means for the process.
    fn outcome(&self, is_whole: bool) -> Outcome {
        let has_failed = |ran: &SweptPoint| ran.summary.fits.iter().any(|fit| fit.best.is_none());
        match is_whole && !self.ran.iter().any(has_failed) {
            true => Outcome::Success,
            false => Outcome::FailedRun,
        }
    }
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
    let width = sweep.labels.len().to_string().len();
    for point in &sweep.points {
        let settings: Vec<String> = (point.settings.iter())
            .map(|(key, value)| format!("{key} = {value}"))
            .collect();
        let (number, label) = (point.number, &point.label);
        to_stdout(format_args!(
            "{number:width$}  {label}  ({})",
            settings.join(", ")
        ));
    }
    let all = count(sweep.labels.len(), "point");
    to_stdout(match sweep.part {
        Some(_) => format!("{} of {all}", sweep.points.len()),
        None => all,
    });
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
