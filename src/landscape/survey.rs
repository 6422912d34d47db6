//! The landscapes of an experiment: what each of its fits goes down on, and the way it takes.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::{Axis, Cells, basins, parameter_names};
use crate::config::Experiment;
use crate::device::Numerics;
use crate::error::{Error, Result};
use crate::fit::{Fit, LogConfig, Plan, Record};
use crate::mixture::{Mixture, natural_values};
use crate::optima;
use crate::plot::{self, Mark, Scene};
use crate::target::Target;

/// Cells on a side where no number is given.
const CELLS: usize = 100;
/// Steps of a path that are drawn.
const PATH_STEPS: usize = 200;

/// What of a landscape is wanted.
#[derive(Debug, Clone, Default)]
pub struct Survey {
    /// The parameters across and up; by default the means and standard deviations there are first.
    pub axes: [Option<Axis>; 2],
    /// Points on each side; 400 by default.
    pub points: Option<usize>,
    /// Whether to run each fit from every cell.
    pub basins: bool,
}

/// One fit with its landscape.
struct Surveyed<'e> {
    plan: &'e Plan,
    cells: Cells,
    values: Vec<f64>,
    marks: Vec<Mark>,
    reached: Option<Vec<Option<usize>>>,
}

/// Runs every fit of an experiment, evaluates its divergence on the grid, and writes `landscape.csv`
/// and the figure into a folder. Returns the files, and how long the evaluation of all cells took,
/// in seconds.
///
/// # Errors
/// If there is no such parameter, the target has no density, or the folder cannot be written.
pub fn survey(experiment: &Experiment, survey: &Survey, out: &Path) -> Result<(Vec<PathBuf>, f64)> {
    if experiment.target.as_samples().is_some() {
        return Err(Error::usage(
            "rows have no density to draw a landscape of",
            "give a config whose target is a density",
        ));
    }
    let numerics = experiment.numerics()?;
    let target = Target::new(experiment.target.clone(), &numerics);
    let (mut all, mut seconds) = (Vec::new(), 0.0);
    for (place, plan) in experiment.plans.iter().enumerate() {
        let records = train(plan, &target, &numerics, experiment.config.seed)?;
        let (surveyed, took) = look(
            place, plan, &records, survey, experiment, &target, &numerics,
        )?;
        seconds += took;
        all.push(surveyed);
    }
    fs::create_dir_all(out).map_err(Error::io("create", out))?;
    let mut files = vec![write_csv(&all, out)?];
    files.extend(plot::draw_landscape(&scene(&all), out)?);
    Ok((files, seconds))
}

fn train(plan: &Plan, target: &Target, numerics: &Numerics, seed: u64) -> Result<Vec<Record>> {
    let log = LogConfig {
        every: Some(plan.optimizer.steps.div_ceil(PATH_STEPS)),
        ..LogConfig::default()
    };
    Fit::new(plan, target, numerics, log, seed)?.collect()
}

fn look<'e>(
    place: usize,
    plan: &'e Plan,
    records: &[Record],
    survey: &Survey,
    experiment: &Experiment,
    target: &Target,
    numerics: &Numerics,
) -> Result<(Surveyed<'e>, f64)> {
    let Some(last) = records.last() else {
        return Err(Error::usage("a fit logged nothing", "give it a step"));
    };
    let value = |run: usize| last.runs[run].evaluation.of(plan.divergence).value;
    let mut ranked: Vec<usize> = (0..last.runs.len())
        .filter(|&run| !last.runs[run].has_failed() && value(run).is_finite())
        .collect();
    ranked.sort_by(|&a, &b| value(a).total_cmp(&value(b)));
    let Some(&best) = ranked.first() else {
        return Err(Error::Numerical {
            message: format!("every run of fit \"{}\" failed", plan.label),
            help: "choose another start or a smaller learning rate".to_owned(),
        });
    };
    let around = &last.runs[best].mixture;
    let axes = axes(survey, around, experiment)?;
    let places = axes.each_ref().map(|axis| {
        let names = parameter_names(around);
        names
            .iter()
            .position(|name| *name == axis.name)
            .unwrap_or(0)
    });
    let at = |mixture: &Mixture| places.map(|place| natural_values(mixture)[place]);
    let cells = Cells::new(around, axes, numerics)?;
    let started = Instant::now();
    let surface = cells.evaluate(
        target,
        plan.divergence,
        survey.points.unwrap_or(400),
        numerics,
    )?;
    let seconds = started.elapsed().as_secs_f64();
    let mut marks: Vec<Mark> = (ranked.iter().rev())
        .map(|&run| Mark::Path {
            points: records
                .iter()
                .map(|record| at(&record.runs[run].mixture))
                .collect(),
            fit: place,
            is_best: run == best,
        })
        .collect();
    let ends: Vec<&Mixture> = ranked.iter().map(|&run| &last.runs[run].mixture).collect();
    let tolerance = if plan.estimator.rule.is_random() {
        optima::NOISY
    } else {
        optima::EXACT
    };
    let groups = optima::group(&ends, tolerance, numerics)?;
    for group in 0..groups.iter().max().map_or(0, |most| most + 1) {
        if let Some(first) = groups.iter().position(|&of| of == group) {
            marks.push(Mark::Optimum {
                at: at(ends[first]),
                // Two optima of one value, by symmetry, are both the best.
                is_best: value(ranked[first]) <= value(best) * (1.0 + 1e-6) + 1e-9,
                label: format!("{:.4}", value(ranked[first])),
            });
        }
    }
    let reached = match survey.basins {
        true => Some(basins(&cells, plan, target, numerics, experiment.config.seed)?.reached),
        false => None,
    };
    let surveyed = Surveyed {
        plan,
        cells,
        values: surface.values,
        marks,
        reached,
    };
    Ok((surveyed, seconds))
}

/// The axes that were asked for, and where none was, the first mean, and the first standard deviation
/// or the second mean, as far as the target reaches.
fn axes(survey: &Survey, around: &Mixture, experiment: &Experiment) -> Result<[Axis; 2]> {
    let names = parameter_names(around);
    let of = |part: &'static str| names.iter().filter(move |name| name.starts_with(part));
    let mut defaults: Vec<&String> = of("mean").take(2).collect();
    if let (1, Some(std)) = (defaults.len(), of("std").next()) {
        defaults.push(std);
    }
    let (mean, covariance) = experiment.target.extent();
    let values = natural_values(around);
    let axis = |at: usize| -> Result<Axis> {
        if let Some(axis) = &survey.axes[at] {
            return Ok(axis.clone());
        }
        let other = survey.axes[1 - at].as_ref().map(|axis| axis.name.as_str());
        let name = match other {
            // The other one was chosen: the first that is not it.
            Some(other) => names
                .iter()
                .find(|name| *name != other && !name.starts_with("weight")),
            None => defaults.get(at).copied(),
        };
        let name =
            name.ok_or_else(|| Error::usage("there are no two parameters", "choose them"))?;
        // Names end in the coordinate, if there are several.
        let coordinate = name
            .rsplit_once("_x")
            .and_then(|(_, at)| at.parse::<usize>().ok());
        let d = coordinate.map_or(0, |at| at - 1).min(mean.len() - 1);
        let (middle, std) = (mean[d], covariance[(d, d)].sqrt());
        let here = names
            .iter()
            .position(|one| one == name)
            .map_or(0.0, |place| values[place]);
        let (low, high) = match name.split('_').next() {
            Some("std") => (0.05 * std, (2.0 * std).max(1.5 * here)),
            Some("corr") => (-0.98, 0.98),
            Some("weight") => (0.01, 0.99),
            _ => (
                (middle - 2.0 * std).min(here - std),
                (middle + 2.0 * std).max(here + std),
            ),
        };
        Ok(Axis::even(name.clone(), low..=high, CELLS))
    };
    Ok([axis(0)?, axis(1)?])
}

fn scene(all: &[Surveyed]) -> Scene {
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
        reached: all.iter().filter_map(|one| one.reached.clone()).collect(),
    }
}

/// One row for each cell: both parameters, the divergence of each fit, and where asked for the optimum
/// that is reached from there, counted from 1.
fn write_csv(all: &[Surveyed], out: &Path) -> Result<PathBuf> {
    let path = out.join("landscape.csv");
    let failed = |error: csv::Error| Error::run_folder(&path, error.to_string());
    let mut csv = csv::Writer::from_path(&path).map_err(failed)?;
    let axes = &all[0].cells.axes;
    let mut header: Vec<String> = axes.iter().map(|axis| axis.name.clone()).collect();
    for one in all {
        header.push(one.plan.label.clone());
        if one.reached.is_some() {
            header.push(format!("{}_optimum", one.plan.label));
        }
    }
    csv.write_record(&header).map_err(failed)?;
    let number = |value: f64| match value.is_nan() {
        true => String::new(),
        false => format!("{value:?}"),
    };
    for cell in 0..all[0].cells.len() {
        let columns = axes[0].values.len();
        let mut row = vec![
            number(axes[0].values[cell % columns]),
            number(axes[1].values[cell / columns]),
        ];
        for one in all {
            row.push(number(one.values[cell]));
            if let Some(reached) = &one.reached {
                row.push(reached[cell].map_or_else(String::new, |place| (place + 1).to_string()));
            }
        }
        csv.write_record(&row).map_err(failed)?;
    }
    csv.flush().map_err(Error::io("write", &path))?;
    Ok(path)
}
