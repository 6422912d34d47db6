//! Figures for a report, drawn from a run folder and nothing else, as SVG, PNG, PDF, EPS or TikZ.
//!
//! Each figure is a [`Figure`] in a file of its own: a name, a caption and a function from what a run left and a
//! [`Style`] to a page. All its files are made from that page, so they are one picture.

mod animation;
mod axis;
mod basins;
mod choice;
mod comparison;
mod components;
mod contour;
mod convergence;
mod densities;
mod end_labels;
mod explored;
mod export;
mod figure;
mod fits;
mod font;
mod landscape;
mod layout;
mod legend;
mod line_1d;
mod margins;
mod mark;
mod matrix;
mod of_x;
mod outlines;
mod pairs;
mod panel;
mod parameters;
mod plane_2d;
mod reach;
mod reduction;
mod regions;
mod rows;
mod sheet;
mod style;
mod sweep;
mod swept;
mod theme;
mod thinning;
mod ticks;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

pub use animation::{Animation, Motion};
pub use basins::Basins;
pub use explored::{Explored, ExploredFit};
pub use figure::{Drawn, Picture};
pub use landscape::{Mark, Scene};
pub use reduction::ReducedPoint;

use crate::calculator::Matrix;
use crate::config::{FigureName, FiguresConfig};
use crate::error::{Error, Result};
use crate::files::names::FIGURES;
use crate::progress::WorkObserver;
use crate::run_folder::{FinishedRun, RunFolder, SweepFolder};
use crate::text;
use figure::Figure;
use style::Style;

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
    RUN.iter().filter(|figure| match figure.name {
        FigureName::DensitiesOfX => run.target.bounded().is_some(),
        FigureName::Evaluations => convergence::has_evaluations(run),
        FigureName::Choice => !run.summary.choices.is_empty(),
        FigureName::Components => components::has_any(run),
        _ => true,
    })
}

fn style(looks: &FiguresConfig, figure: FigureName) -> Result<Style> {
    Style::new(&looks.of(figure))
}

/// Draws the figures of a finished run, the landscape aside, and tells of each.
///
/// # Errors
/// If one cannot be drawn as it is asked for.
pub(crate) fn of_run(
    run: &FinishedRun,
    looks: &FiguresConfig,
    observer: &mut dyn WorkObserver,
) -> Result<Drawn> {
    let wanted: Vec<_> = figures(run)
        .filter(|figure| looks.draws(figure.name))
        .collect();
    let mut all = Drawn::default();
    for (place, figure) in wanted.iter().enumerate() {
        all = all.and(figure.files(run, &style(looks, figure.name)?.of(run))?);
        observer.done(FIGURES, place + 1, wanted.len());
    }
    Ok(all)
}

/// The names of the figures that a run has.
pub(crate) fn names(run: &FinishedRun) -> Vec<&'static str> {
    figures(run).map(|figure| figure.name.name()).collect()
}

/// Every figure of a run, in its looks; and the landscape, where one was drawn. The observer counts them as `what`.
pub(crate) fn pictures(
    folder: &RunFolder,
    run: &FinishedRun,
    what: &str,
    observer: &mut dyn WorkObserver,
) -> Result<Vec<Picture>> {
    let looks = &run.config.figures;
    let wanted: Vec<_> = figures(run).collect();
    let mut all = Vec::with_capacity(wanted.len() + 1);
    for figure in &wanted {
        all.push(figure.picture(run, style(looks, figure.name)?.of(run))?);
        observer.done(what, all.len(), wanted.len());
    }
    let output = folder.output().inner(FIGURES);
    all.extend(landscape::FIGURE.read(
        &output,
        landscape::CAPTION,
        style(looks, FigureName::Landscape)?,
    ));
    Ok(all)
}

/// Draws a landscape.
///
/// # Errors
/// If it cannot be drawn as it is asked for.
pub(crate) fn of_landscape(scene: &Scene, looks: &FiguresConfig) -> Result<Drawn> {
    landscape::FIGURE.files(scene, &style(looks, FigureName::Landscape)?)
}

/// What the explorer shows, to look at.
///
/// # Errors
/// If it cannot be drawn.
pub(crate) fn explored_picture(explored: &Explored, looks: &FiguresConfig) -> Result<Picture> {
    explored::FIGURE.picture(explored, style(looks, FigureName::Landscape)?)
}

/// Draws divergences between every two of several densities.
///
/// # Errors
/// If they cannot be drawn as they are asked for.
pub(crate) fn of_matrix(matrix: &Matrix, looks: &FiguresConfig) -> Result<Drawn> {
    matrix::FIGURE.files(matrix, &style(looks, FigureName::Matrix)?)
}

/// Draws mixtures with fewer and fewer components.
///
/// # Errors
/// If they cannot be drawn as they are asked for.
pub(crate) fn of_reduction(points: &[ReducedPoint], looks: &FiguresConfig) -> Result<Drawn> {
    reduction::FIGURE.files(points, &style(looks, FigureName::Reduction)?)
}

/// The fits of a run in motion, where they were drawn.
pub(crate) fn animation(folder: &RunFolder) -> Option<Animation> {
    animation::read(&folder.output().inner(FIGURES))
}

/// Draws the fits of a finished run in motion, as a GIF: into a file, or into the figures of the run.
/// Returns the file.
///
/// # Errors
/// If the run is not finished or in more than two dimensions, or the file cannot be written.
pub fn animate(folder: &RunFolder, motion: Motion, out: Option<&Path>) -> Result<PathBuf> {
    let run = FinishedRun::read_best(folder)?;
    let style = style(&run.config.figures, FigureName::Animation)?.of(&run);
    let gif = animation::draw(&run, motion, &style)?;
    let Some(path) = out else {
        let file = (animation::FILE.to_owned(), gif);
        let mut files = folder.output().inner(FIGURES).write(vec![file])?;
        return Ok(files.swap_remove(0));
    };
    fs::write(path, gif).map_err(Error::io("write", path))?;
    Ok(path.to_owned())
}

/// Draws the figure of a sweep into its folder, in the looks of its config, and returns the files.
///
/// # Errors
/// If the sweep did not end, or the folder cannot be written.
pub fn draw_sweep(folder: &SweepFolder) -> Result<Vec<PathBuf>> {
    let drawn = of_sweep(folder, &FiguresConfig::default())?;
    folder.output().inner(FIGURES).write(drawn.files)
}

/// Draws the figure of a sweep, in the looks of its config where others say nothing.
///
/// # Errors
/// If the sweep did not end, or it cannot be drawn as it is asked for.
pub(crate) fn of_sweep(folder: &SweepFolder, looks: &FiguresConfig) -> Result<Drawn> {
    let points = sweep::points(folder)?;
    sweep::FIGURE.files(&points, &sweep_style(&points, looks)?)
}

/// The figure of a sweep.
pub(crate) fn sweep_picture(folder: &SweepFolder) -> Result<Picture> {
    let points = sweep::points(folder)?;
    let style = sweep_style(&points, &FiguresConfig::default())?;
    sweep::FIGURE.picture(&points, style)
}

fn sweep_style(points: &[swept::Point], looks: &FiguresConfig) -> Result<Style> {
    let own = points.first().map(|point| point.run.config.figures.clone());
    style(
        &looks.clone().or(own.unwrap_or_default()),
        FigureName::Sweep,
    )
}

/// What is to be told of labels that no figure has, if there are any.
pub(crate) fn labels_of_none(looks: &FiguresConfig, texts: &BTreeSet<String>) -> Option<String> {
    let unknown = looks.labels().find(|label| !texts.contains(label))?;
    let near = text::nearest(&unknown, texts.iter().map(String::as_str));
    let hint = near.map_or_else(String::new, |near| format!("; one has \"{near}\""));
    Some(format!(
        "figures.labels: no figure that is drawn has the text \"{unknown}\"{hint}"
    ))
}
