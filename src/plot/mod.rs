//! Figures for a report: SVG, PNG and PDF, drawn from a run folder and nothing else.
//!
//! Each figure is a [`Figure`] in a file of its own: a name, a caption and a function from what a run
//! left to SVG. The other two files are made from that, so the three are one picture.

mod animation;
mod axis;
mod choice;
mod comparison;
mod components;
mod contour;
mod convergence;
mod densities;
mod export;
mod figure;
mod landscape;
mod legend;
mod line_1d;
mod matrix;
mod of_x;
mod pairs;
mod panel;
mod parameters;
mod plane_2d;
mod reach;
mod reduction;
mod sheet;
mod sweep;
mod theme;
mod thinning;

use std::fs;
use std::path::{Path, PathBuf};

pub use animation::Motion;
pub use export::Gif;
pub use figure::{Figure, Picture};
pub use landscape::{Mark, Scene};
pub use reduction::ReducedPoint;

use crate::calculator::Matrix;
use crate::error::{Error, Result};
use crate::files::names::FIGURES;
use crate::run_folder::{FinishedRun, RunFolder, SweepFolder};

/// Those of a run.
const RUN: &[Figure<FinishedRun>] = &[
    densities::FIGURE,
    of_x::FIGURE,
    convergence::FIGURE,
    convergence::EVALUATIONS,
    parameters::FIGURE,
    components::FIGURE,
    comparison::FIGURE,
    choice::FIGURE,
];

/// Those of a run that it has: without bounds x is u, and has been drawn, and rows have no density to evaluate.
fn figures(run: &FinishedRun) -> impl Iterator<Item = &'static Figure<FinishedRun>> {
    let has_bounds = run.target.bounded().is_some();
    let has_choices = !run.summary.choices.is_empty();
    let has_evaluations = convergence::has_evaluations(run);
    RUN.iter().filter(move |figure| match figure.name {
        name if name == of_x::FIGURE.name => has_bounds,
        name if name == convergence::EVALUATIONS.name => has_evaluations,
        name if name == choice::FIGURE.name => has_choices,
        name if name == components::FIGURE.name => components::has_any(run),
        _ => true,
    })
}

/// The one of a landscape.
pub const LANDSCAPE: Figure<Scene> = landscape::FIGURE;
/// The fits of a run in motion.
const ANIMATION: Figure<(FinishedRun, Motion), Gif> = animation::FIGURE;
/// The one of a sweep: its points, each with what it is called.
const SWEEP: Figure<[(String, FinishedRun)]> = sweep::FIGURE;
/// The one of divergences between every two of several densities.
pub const MATRIX: Figure<Matrix> = matrix::FIGURE;
/// The one of mixtures with fewer and fewer components.
pub const REDUCTION: Figure<[ReducedPoint]> = reduction::FIGURE;

/// Draws every figure of a finished run into its folder, the landscape aside, and returns the files.
///
/// # Errors
/// If the folder cannot be written.
pub(crate) fn draw_run(folder: &RunFolder, run: &FinishedRun) -> Result<Vec<PathBuf>> {
    let files = figures(run).map(|figure| figure.picture(run)?.files());
    let files = files.collect::<Result<Vec<_>>>()?.concat();
    folder.output().inner(FIGURES).write(files)
}

/// Every figure of a run; and the landscape, where one was drawn.
pub(crate) fn pictures(folder: &RunFolder, run: &FinishedRun) -> Result<Vec<Picture>> {
    (figures(run).map(|figure| figure.picture(run)))
        .chain(LANDSCAPE.read(&folder.output().inner(FIGURES)).map(Ok))
        .collect()
}

/// The fits of a run in motion, where they were drawn.
pub(crate) fn animation(folder: &RunFolder) -> Option<Picture<Gif>> {
    ANIMATION.read(&folder.output().inner(FIGURES))
}

/// Draws the fits of a finished run in motion, as a GIF: into a file, or into the figures of the run.
/// Returns the file.
///
/// # Errors
/// If the run is not finished or in more than two dimensions, or the file cannot be written.
pub fn animate(folder: &RunFolder, motion: Motion, out: Option<&Path>) -> Result<PathBuf> {
    let picture = ANIMATION.picture(&(FinishedRun::read_best(folder)?, motion))?;
    let Some(path) = out else {
        let mut files = folder.output().inner(FIGURES).write(picture.files()?)?;
        return Ok(files.swap_remove(0));
    };
    fs::write(path, picture.drawing.0).map_err(Error::io("write", path))?;
    Ok(path.to_owned())
}

/// Draws the figure of a sweep into its folder and returns the files.
///
/// # Errors
/// If the sweep did not end, or the folder cannot be written.
pub fn draw_sweep(folder: &SweepFolder) -> Result<Vec<PathBuf>> {
    let files = sweep_picture(folder)?.files()?;
    folder.output().inner(FIGURES).write(files)
}

/// The figure of a sweep.
pub(crate) fn sweep_picture(folder: &SweepFolder) -> Result<Picture> {
    let finished_runs = (folder.points()?)
        .map(|point| point.and_then(|(name, run)| Ok((name, FinishedRun::read_best(&run)?))))
        .collect::<Result<Vec<_>>>()?;
    SWEEP.picture(&finished_runs)
}
