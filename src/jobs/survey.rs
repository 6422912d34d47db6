//! The landscapes of an experiment: what each of its fits goes down on, and the way it takes.

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Serialize;

use crate::compute::device::Numerics;
use crate::config::{Experiment, FiguresConfig, LandscapeConfig};
use crate::density::target::{Target, TargetModel};
use crate::error::{Error, Result};
use crate::files::{names, table};
use crate::fit::optima::{AT_REST, Ends};
use crate::fit::{Fit, LogConfig, Plan, Record};
use crate::landscape::{Cells, ParameterAxis, Reached, basins};
use crate::mixture::{Mixture, Parameter, Quantity, natural_values};
use crate::plot::{self, Basins, Drawn, Mark, Scene};
use crate::progress::WorkObserver;
use crate::record::Rest;
use crate::run_folder::{FinishedFit, FinishedRun, OutputFolder, RunFolder};
use crate::text;

/// Cells on a side where no number is given.
const CELLS: usize = 100;
/// Steps of a path that are drawn.
const PATH_STEPS: usize = 200;

/// What a survey left.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Survey {
    /// `landscape.csv` and the figure.
    pub files: Vec<PathBuf>,
    /// How long the evaluation of all cells took.
    pub seconds: f64,
}

/// A fit that has been run, as far as a landscape shows it.
struct TrainedFit<'e> {
    plan: &'e Plan,
    /// q at the steps of each run that did not fail, the best run first.
    ways: Vec<Vec<Mixture>>,
    /// Where the runs ended, the best first.
    optima: Vec<End>,
    /// Where the best run ended.
    best: Mixture,
}

/// Where some runs of a fit ended.
struct End {
    mixture: Mixture,
    /// Its value in nats.
    value: f64,
    at_rest: bool,
}

/// One fit with its landscape.
struct FitLandscape<'e> {
    plan: &'e Plan,
    cells: Cells,
    values: Vec<f64>,
    marks: Vec<Mark>,
    basins: Option<Basins>,
}

/// Runs every fit of an experiment, evaluates its divergence on the grid, and writes `landscape.csv`
/// and the figure into a folder, in the looks of its config where others say nothing. The observer follows the steps
/// of each fit, the cells, and the steps from them.
///
/// # Errors
/// If there is no such parameter, the target has no density, or the folder cannot be written.
pub fn survey(
    experiment: &Experiment,
    wanted: &LandscapeConfig,
    looks: &FiguresConfig,
    out: &Path,
    observer: &mut dyn WorkObserver,
) -> Result<Survey> {
    let out = OutputFolder::create(out)?;
    has_density(&experiment.target)?;
    have_one_number(experiment.plans.iter())?;
    let numerics = experiment.numerics()?;
    let target = Target::new(experiment.target.clone(), &numerics);
    let seed = experiment.config.seed;
    let traveled = (experiment.plans.iter())
        .map(|plan| TrainedFit::train(plan, &target, &numerics, seed, observer))
        .collect::<Result<Vec<_>>>()?;
    let drawing = Drawing {
        wanted,
        target: &target,
        numerics: &numerics,
        seed,
        looks: &looks.clone().or(experiment.config.figures.clone()),
    };
    let (drawn, seconds) = drawing.draw(&traveled, observer)?;
    let files = out.write(drawn.files)?;
    Ok(Survey { files, seconds })
}

/// As [`survey`], of a finished run: the ways are those it took. Without another folder the files go to
/// its figures.
///
/// # Errors
/// As [`survey`]; and if the run is not finished.
pub fn survey_run(
    folder: &RunFolder,
    wanted: &LandscapeConfig,
    looks: &FiguresConfig,
    out: Option<&Path>,
    observer: &mut dyn WorkObserver,
) -> Result<Survey> {
    let out = match out {
        Some(out) => OutputFolder::create(out)?,
        None => folder.output().inner(names::FIGURES),
    };
    let finished = FinishedRun::read(folder)?;
    let looks = looks.clone().or(finished.config.figures.clone());
    let (drawn, seconds) = of_run(&finished, wanted, &looks, observer)?;
    let files = out.write(drawn.files)?;
    Ok(Survey { files, seconds })
}

/// The files of the landscape of a finished run, in some looks.
///
/// # Errors
/// As [`survey`].
pub(super) fn draw_run(
    finished: &FinishedRun,
    wanted: &LandscapeConfig,
    looks: &FiguresConfig,
    observer: &mut dyn WorkObserver,
) -> Result<Drawn> {
    of_run(finished, wanted, looks, observer).map(|(drawn, _)| drawn)
}

fn of_run(
    finished: &FinishedRun,
    wanted: &LandscapeConfig,
    looks: &FiguresConfig,
    observer: &mut dyn WorkObserver,
) -> Result<(Drawn, f64)> {
    has_density(&finished.target)?;
    have_one_number(finished.fits.iter().map(|fit| &fit.plan))?;
    let numerics = Numerics::open(finished.config.device)?;
    let target = Target::new(finished.target.clone(), &numerics);
    let traveled = (finished.fits.iter())
        .map(TrainedFit::read)
        .collect::<Result<Vec<_>>>()?;
    let drawing = Drawing {
        wanted,
        target: &target,
        numerics: &numerics,
        seed: finished.config.seed,
        looks,
    };
    drawing.draw(&traveled, observer)
}

fn has_density(target: &TargetModel) -> Result<()> {
    if target.has_density() {
        return Ok(());
    }
    Err(Error::usage(
        "rows and bins have no density to draw a landscape of",
        "give a config whose target is a density",
    ))
}

/// A landscape is of parameters that stay what they are.
fn have_one_number<'p>(mut plans: impl Iterator<Item = &'p Plan>) -> Result<()> {
    let Some(plan) = plans.find(|plan| plan.adapt.is_some()) else {
        return Ok(());
    };
    Err(Error::usage(
        format!(
            "there is no landscape of fit \"{}\", whose components come and go",
            plan.label
        ),
        "run it, and start a fit without [adapt] where it ended, with the folder as init.file",
    ))
}

/// What landscapes are drawn of, and how.
struct Drawing<'d> {
    wanted: &'d LandscapeConfig,
    target: &'d Target,
    numerics: &'d Numerics,
    seed: u64,
    looks: &'d FiguresConfig,
}

impl Drawing<'_> {
    fn draw(
        &self,
        traveled: &[TrainedFit],
        observer: &mut dyn WorkObserver,
    ) -> Result<(Drawn, f64)> {
        let &Self {
            wanted,
            target,
            numerics,
            seed,
            looks,
        } = self;
        // One grid for all, so that they can be compared.
        let axes = axes(wanted, traveled, target.model())?;
        let (mut all, mut seconds) = (Vec::new(), 0.0);
        for (place, fit) in traveled.iter().enumerate() {
            let cells = Cells::new(&fit.best, axes.clone(), numerics)?;
            let (kind, label) = (fit.plan.divergence, &fit.plan.label);
            let (of_cells, count) = (format!("{label}: cells"), cells.len());
            let started = Instant::now();
            let mut told = |done| observer.done(&of_cells, done, count);
            let surface =
                cells.evaluate_counted(target, kind, wanted.points, numerics, &mut told)?;
            observer.done(&of_cells, count, count);
            seconds += started.elapsed().as_secs_f64();
            let reached = match wanted.basins {
                true => {
                    let of_steps = format!("{label}: steps from every cell");
                    let steps = fit.plan.optimizer.steps;
                    let mut told = |done| observer.done(&of_steps, done, steps);
                    Some(basins(&cells, fit.plan, target, numerics, seed, &mut told)?)
                }
                false => None,
            };
            all.push(FitLandscape {
                plan: fit.plan,
                marks: fit.marks(place, &axes),
                cells,
                values: surface.values,
                basins: reached.map(|reached| fit.basins(&reached, &axes)),
            });
        }
        let mut drawn = plot::of_landscape(&scene(&all), looks)?;
        drawn.files.insert(0, table_of(&all)?);
        Ok((drawn, seconds))
    }
}

fn failed(plan: &Plan) -> Error {
    Error::numerical(
        format!("every run of fit \"{}\" failed", plan.label),
        match plan.optimizer.rate() {
            Some(_) => "choose another start or a smaller learning rate",
            None => "choose another start",
        },
    )
}

impl<'e> TrainedFit<'e> {
    /// Runs a fit.
    fn train(
        plan: &'e Plan,
        target: &Target,
        numerics: &Numerics,
        seed: u64,
        observer: &mut dyn WorkObserver,
    ) -> Result<Self> {
        let log = LogConfig {
            every: Some(plan.optimizer.steps.div_ceil(PATH_STEPS)),
            ..LogConfig::default()
        };
        let mut fit = Fit::new(plan, target, numerics, log, seed)?;
        let (what, steps) = (format!("{}: steps", plan.label), fit.steps());
        let mut records: Vec<Record> = Vec::new();
        while !fit.has_ended() {
            records.extend(fit.take_step()?);
            observer.done(&what, fit.step().unwrap_or(0), steps);
        }
        observer.done(&what, steps, steps);
        let last = fit.reported(records.last().ok_or_else(|| failed(plan))?)?;
        let ends = Ends::new(plan, &last, numerics, |_| true)?;
        let best = ends.best().ok_or_else(|| failed(plan))?;
        let end = |run: usize| last.runs[run].mixture.clone();
        let way = |run: usize| {
            let steps = records.iter();
            steps
                .map(|record| record.runs[run].mixture.clone())
                .collect()
        };
        let value = |run: usize| last.runs[run].evaluation.estimate(plan.divergence).value;
        let is_random = plan.estimator.rule.is_random();
        let optima = ends.leaders().into_iter().map(|(run, _)| End {
            mixture: end(run),
            value: value(run),
            at_rest: is_random || last.runs[run].gradient_norm <= AT_REST,
        });
        Ok(Self {
            plan,
            ways: ends.ranked().iter().map(|&run| way(run)).collect(),
            optima: optima.collect(),
            best: end(best),
        })
    }

    /// Reads what a fit left.
    fn read(chapter: &'e FinishedFit) -> Result<Self> {
        let (plan, summary) = (&chapter.plan, &chapter.summary);
        let best = summary.best.as_ref().ok_or_else(|| failed(plan))?;
        let ended = |run: usize| !chapter.well(run).1;
        let others = (chapter.shown()).filter(|&run| run != best.run && ended(run));
        Ok(Self {
            plan,
            ways: std::iter::once(best.run)
                .chain(others)
                .map(|run| chapter.path(run))
                .collect(),
            optima: (summary.optima.iter())
                .filter_map(|one| {
                    Some(End {
                        mixture: Mixture::try_from(&one.mixture).ok()?,
                        value: one.divergences.estimate(plan.divergence).value,
                        at_rest: summary.rest_at(one) == Rest::AtRest,
                    })
                })
                .collect(),
            best: chapter.end().ok_or_else(|| failed(plan))?,
        })
    }

    /// The ways of all runs, the best one's on top, and the optima they ended at.
    fn marks(&self, place: usize, axes: &[ParameterAxis; 2]) -> Vec<Mark> {
        let at = |mixture: &Mixture| self.place(mixture, axes);
        let mut marks: Vec<Mark> = (self.ways.iter().enumerate().rev())
            .map(|(rank, way)| Mark::Path {
                points: way.iter().map(at).collect(),
                fit: place,
                is_best: rank == 0,
            })
            .collect();
        let least = self.optima.first().map_or(f64::NAN, |end| end.value);
        marks.extend(self.optima.iter().map(|end| Mark::Optimum {
            at: at(&end.mixture),
            // Two optima of one value, by symmetry, are both the best.
            is_best: end.value <= least + 1e-6 * least.abs() + 1e-9,
            at_rest: end.at_rest,
            label: labelled(end.value),
        }));
        marks
    }

    /// Where a mixture is on two axes.
    fn place(&self, mixture: &Mixture, axes: &[ParameterAxis; 2]) -> [f64; 2] {
        let places = (axes.each_ref()).map(|axis| axis.place(&self.best).unwrap_or(0));
        let values: Vec<f64> = natural_values(mixture).collect();
        places.map(|place| values[place])
    }

    /// Where the runs from all cells ended, on two axes.
    fn basins(&self, reached: &Reached, axes: &[ParameterAxis; 2]) -> Basins {
        let optima = reached.optima.iter();
        Basins {
            reached: reached.places.clone(),
            optima: optima.map(|one| self.place(one, axes)).collect(),
        }
    }
}

/// A value as it is read on a map: what four digits do not tell from zero is zero.
fn labelled(value: f64) -> String {
    match format!("{:.4}", value.abs()).as_str() {
        "0.0000" => "0".to_owned(),
        _ => text::typographic(format!("{value:.4}")),
    }
}

/// The axes that were asked for, and where none was, the first mean, and the first standard deviation
/// or the second mean, as far as the target and the ends of the fits reach.
fn axes(
    wanted: &LandscapeConfig,
    fits: &[TrainedFit],
    target: &TargetModel,
) -> Result<[ParameterAxis; 2]> {
    let all: Vec<Parameter> = (fits.first())
        .map(|fit| Parameter::all(fit.best.components(), fit.best.dim()).collect())
        .unwrap_or_default();
    let is_mean = |one: &&Parameter| matches!(one.quantity, Quantity::Mean(_));
    let is_std = |one: &&Parameter| matches!(one.quantity, Quantity::Std(_));
    let mut defaults: Vec<&Parameter> = all.iter().filter(is_mean).take(2).collect();
    if let (1, Some(std)) = (defaults.len(), all.iter().find(is_std)) {
        defaults.push(std);
    }
    let (mean, covariance) = target.extent();
    let wanted = [&wanted.across, &wanted.up].map(|range| range.as_ref().map(ParameterAxis::from));
    let axis = |at: usize| -> Result<ParameterAxis> {
        if let Some(axis) = &wanted[at] {
            return Ok(axis.clone());
        }
        let other = wanted[1 - at].as_ref().map(|axis| axis.name.as_str());
        let parameter = match other {
            // The other one was chosen: the first that is not it.
            Some(other) => (all.iter())
                .find(|one| one.to_string() != other && one.quantity != Quantity::Weight),
            None => defaults.get(at).copied(),
        };
        let parameter =
            parameter.ok_or_else(|| Error::usage("there are no two parameters", "choose them"))?;
        let coordinate = parameter.quantity.coordinates().last();
        let d = coordinate.unwrap_or(0).min(mean.len() - 1);
        let (middle, std) = (mean[d], covariance[(d, d)].sqrt());
        let ends = fits.iter().filter_map(|fit| {
            let place = parameter.place(fit.best.components(), fit.best.dim())?;
            natural_values(&fit.best).nth(place)
        });
        let highest = ends.clone().fold(f64::NEG_INFINITY, f64::max);
        let lowest = ends.fold(f64::INFINITY, f64::min);
        let (low, high) = match parameter.quantity {
            Quantity::Std(_) => (0.05 * std.min(lowest), (2.0 * std).max(1.5 * highest)),
            Quantity::Correlation(..) => (-0.98, 0.98),
            Quantity::Weight => (0.01, 0.99),
            Quantity::Mean(_) => (
                (middle - 2.0 * std).min(lowest - std),
                (middle + 2.0 * std).max(highest + std),
            ),
        };
        let name = parameter.to_string();
        Ok(ParameterAxis::even(name, low..=high, CELLS))
    };
    Ok([axis(0)?, axis(1)?])
}

fn scene(all: &[FitLandscape]) -> Scene {
    let axes = &all[0].cells.axes;
    Scene {
        labels: axes.each_ref().map(|axis| axis.name.clone()),
        columns: axes[0].values.clone(),
        rows: axes[1].values.clone(),
        panels: (all.iter())
            .map(|one| {
                let symbol = one.plan.divergence.with_unit();
                (symbol, one.values.clone(), one.marks.clone())
            })
            .collect(),
        basins: all.iter().filter_map(|one| one.basins.clone()).collect(),
    }
}

/// One row for each cell: both parameters, the divergence of each fit, and where asked for the optimum
/// that is reached from there, counted from 1.
fn table_of(all: &[FitLandscape]) -> Result<(String, Vec<u8>)> {
    let path = Path::new(names::LANDSCAPE_TABLE);
    let failed = |error: csv::Error| Error::run_folder(path, error.to_string());
    let mut csv = csv::Writer::from_writer(Vec::new());
    let axes = &all[0].cells.axes;
    let mut header: Vec<String> = axes.iter().map(|axis| axis.name.clone()).collect();
    for one in all {
        header.push(one.plan.label.clone());
        if one.basins.is_some() {
            header.push(format!("{}_optimum", one.plan.label));
        }
    }
    csv.write_record(&header).map_err(failed)?;
    for cell in 0..all[0].cells.len() {
        let columns = axes[0].values.len();
        let mut row = vec![
            table::number(axes[0].values[cell % columns]),
            table::number(axes[1].values[cell / columns]),
        ];
        for one in all {
            row.push(table::number(one.values[cell]));
            if let Some(reached) = &one.basins {
                row.push(
                    reached.reached[cell].map_or_else(String::new, |place| (place + 1).to_string()),
                );
            }
        }
        csv.write_record(&row).map_err(failed)?;
    }
    Ok((names::LANDSCAPE_TABLE.to_owned(), table::bytes(path, csv)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_digits_do_not_tell_from_zero_is_zero() {
        assert_eq!([-1e-9, 4e-5, -0.25].map(labelled), ["0", "0", "−0.2500"]);
    }
}
