//! Figures for a report: SVG, PNG and PDF, drawn from a run folder and nothing else.
//!
//! Each figure is a function from what a run left to SVG; the other two files are made from that, so
//! the three are one picture.

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
mod story;
mod sweep;
mod theme;

use std::fs;
use std::path::{Path, PathBuf};

use story::Story;

pub use landscape::{Mark, Scene};

use crate::calculator::Matrix;
use crate::error::{Error, Result};
use crate::run_folder::{RunFolder, SweepFolder};

/// The figures, by the names of their files.
pub(crate) const NAMES: [&str; 4] = ["densities", "convergence", "parameters", "comparison"];
/// The figure of a sweep.
pub(crate) const SWEEP: &str = "sweep";
/// The figure of a landscape.
pub(crate) const LANDSCAPE: &str = "landscape";
/// The files each is written as.
pub(crate) const EXTENSIONS: [&str; 3] = ["svg", "png", "pdf"];

/// From a finished run to SVG, in the order of [`NAMES`].
const FIGURES: [fn(&Story) -> Result<String>; NAMES.len()] = [
    densities::draw,
    convergence::draw,
    parameters::draw,
    comparison::draw,
];

/// Draws every figure of a run into its folder and returns the files.
///
/// # Errors
/// If the folder does not hold a finished run, or cannot be written.
pub fn draw_all(folder: &RunFolder) -> Result<Vec<PathBuf>> {
    let story = Story::read(folder)?;
    theme::load_fonts()?;
    let figures = folder.figures();
    fs::create_dir_all(&figures).map_err(Error::io("create", &figures))?;
    let mut files = Vec::with_capacity(NAMES.len() * EXTENSIONS.len());
    for (name, draw) in NAMES.into_iter().zip(FIGURES) {
        files.extend(export::write(&figures, name, &draw(&story)?)?);
    }
    Ok(files)
}

/// Draws the figure of a sweep into its folder and returns the files.
///
/// # Errors
/// If the sweep did not end, or the folder cannot be written.
pub fn draw_sweep(folder: &SweepFolder) -> Result<Vec<PathBuf>> {
    let stories = (folder.points()?.into_iter())
        .map(|(label, run)| Ok((label, Story::read(&run)?)))
        .collect::<Result<Vec<_>>>()?;
    let figures = folder.figures();
    fs::create_dir_all(&figures).map_err(Error::io("create", &figures))?;
    export::write(&figures, SWEEP, &sweep::draw(&stories)?)
}

/// Draws a landscape into a folder and returns the files.
///
/// # Errors
/// If the folder cannot be written.
pub fn draw_landscape(scene: &Scene, folder: &Path) -> Result<Vec<PathBuf>> {
    theme::load_fonts()?;
    fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    export::write(folder, LANDSCAPE, &landscape::draw(scene)?)
}

/// A landscape as SVG, and as PNG.
///
/// # Errors
/// If it cannot be drawn.
pub fn landscape_pictures(scene: &Scene) -> Result<(String, Vec<u8>)> {
    theme::load_fonts()?;
    let svg = landscape::draw(scene)?;
    let png = export::to_png(LANDSCAPE, &svg)?;
    Ok((svg, png))
}

/// Draws a table of divergences into a folder and returns the files.
///
/// # Errors
/// If the folder cannot be written.
pub fn draw_matrix(matrix: &Matrix, folder: &Path) -> Result<Vec<PathBuf>> {
    theme::load_fonts()?;
    export::write(folder, "matrix", &matrix::draw(matrix)?)
}
