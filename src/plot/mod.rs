//! Figures for a report: SVG, PNG and PDF, drawn from a run folder and nothing else.
//!
//! Each figure is a function from what a run left to SVG; the other two files are made from that, so
//! the three are one picture.

mod animation;
mod axis;
mod comparison;
mod contour;
mod convergence;
mod densities;
mod export;
mod landscape;
mod legend;
mod line_1d;
mod matrix;
mod pairs;
mod panel;
mod parameters;
mod plane_2d;
mod reach;
mod sheet;
mod sweep;
mod theme;

use std::fs;
use std::path::{Path, PathBuf};

pub use animation::Motion;
pub use landscape::{Mark, Scene};

use crate::calculator::Matrix;
use crate::error::{Error, Result};
use crate::files::names;
use crate::run_folder::FinishedRun;
use crate::run_folder::{RunFolder, SweepFolder};

/// A figure of a run.
struct Figure {
    /// The name of its files.
    name: &'static str,
    /// What it shows, for those who read about it.
    caption: &'static str,
    /// From a finished run to SVG.
    draw: fn(&FinishedRun) -> Result<String>,
}

/// What the figure of a sweep shows.
pub(crate) const SWEEP_CAPTION: &str = "Every point of the sweep.";
/// What the figure of a landscape shows.
const LANDSCAPE_CAPTION: &str =
    "What each fit goes down on, over two of its parameters, with the optima and the ways there.";

/// Every figure of a run.
const FIGURES: [Figure; 4] = [
    Figure {
        name: names::DENSITIES,
        caption: "The target p and every fit q, with the way that led there.",
        draw: densities::draw,
    },
    Figure {
        name: names::CONVERGENCE,
        caption: "Divergences, loss and gap over the steps; thin lines are the other restarts.",
        draw: convergence::draw,
    },
    Figure {
        name: names::PARAMETERS,
        caption: "The parameters of q over the steps.",
        draw: parameters::draw,
    },
    Figure {
        name: names::COMPARISON,
        caption: "Where the fits ended, by every divergence.",
        draw: comparison::draw,
    },
];
/// Draws every figure of a finished run into its folder, the landscape aside, and returns the files.
///
/// # Errors
/// If the folder cannot be written.
pub(crate) fn draw_run(folder: &RunFolder, run: &FinishedRun) -> Result<Vec<PathBuf>> {
    theme::load_fonts()?;
    let figures = folder.figures();
    fs::create_dir_all(&figures).map_err(Error::io("create", &figures))?;
    let mut files = Vec::new();
    for Figure { name, draw, .. } in FIGURES {
        files.extend(export::write(&figures, name, &draw(run)?)?);
    }
    Ok(files)
}

/// Every figure of a run with its name and caption, as SVG; and the landscape, where one was drawn.
pub(crate) fn pictures(
    folder: &RunFolder,
    finished: &FinishedRun,
) -> Result<Vec<(&'static str, &'static str, String)>> {
    theme::load_fonts()?;
    let mut pictures = (FIGURES.iter())
        .map(|figure| Ok((figure.name, figure.caption, (figure.draw)(finished)?)))
        .collect::<Result<Vec<_>>>()?;
    let landscape = folder.figures().join(format!("{}.svg", names::LANDSCAPE));
    if let Ok(svg) = fs::read_to_string(landscape) {
        pictures.push((names::LANDSCAPE, LANDSCAPE_CAPTION, svg));
    }
    Ok(pictures)
}

/// Draws the fits of a finished run in motion, as a GIF: into a file, or into the figures of the run.
/// Returns the file.
///
/// # Errors
/// If the run is not finished or in more than two dimensions, or the file cannot be written.
pub fn animate(folder: &RunFolder, motion: Motion, out: Option<&Path>) -> Result<PathBuf> {
    let finished = FinishedRun::read(folder)?;
    theme::load_fonts()?;
    let gif = animation::draw(&finished, motion)?;
    let path = match out {
        Some(path) => path.to_owned(),
        None => {
            let figures = folder.figures();
            fs::create_dir_all(&figures).map_err(Error::io("create", &figures))?;
            figures.join(names::ANIMATION)
        }
    };
    fs::write(&path, gif).map_err(Error::io("write", &path))?;
    Ok(path)
}

/// A picture as PNG.
pub(crate) fn png(name: &str, svg: &str) -> Result<Vec<u8>> {
    export::to_png(name, svg)
}

/// Draws the figure of a sweep into its folder and returns the files.
///
/// # Errors
/// If the sweep did not end, or the folder cannot be written.
pub fn draw_sweep(folder: &SweepFolder) -> Result<Vec<PathBuf>> {
    let figures = folder.figures();
    fs::create_dir_all(&figures).map_err(Error::io("create", &figures))?;
    export::write(&figures, names::SWEEP, &sweep_picture(folder)?)
}

/// The figure of a sweep as SVG.
pub(crate) fn sweep_picture(folder: &SweepFolder) -> Result<String> {
    theme::load_fonts()?;
    let finished_runs = (folder.points()?.into_iter())
        .map(|(label, run)| Ok((label, FinishedRun::read(&run)?)))
        .collect::<Result<Vec<_>>>()?;
    sweep::draw(&finished_runs)
}

/// Draws a landscape into a folder and returns the files.
///
/// # Errors
/// If the folder cannot be written.
pub fn draw_landscape(scene: &Scene, folder: &Path) -> Result<Vec<PathBuf>> {
    theme::load_fonts()?;
    fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    export::write(folder, names::LANDSCAPE, &landscape::draw(scene)?)
}

/// A landscape as SVG, and as PNG.
///
/// # Errors
/// If it cannot be drawn.
pub fn landscape_pictures(scene: &Scene) -> Result<(String, Vec<u8>)> {
    theme::load_fonts()?;
    let svg = landscape::draw(scene)?;
    let png = export::to_png(names::LANDSCAPE, &svg)?;
    Ok((svg, png))
}

/// Draws a table of divergences into a folder and returns the files.
///
/// # Errors
/// If the folder cannot be written.
pub fn draw_matrix(matrix: &Matrix, folder: &Path) -> Result<Vec<PathBuf>> {
    theme::load_fonts()?;
    export::write(folder, names::MATRIX, &matrix::draw(matrix)?)
}
