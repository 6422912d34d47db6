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
use crate::run_folder::story::Story;
use crate::run_folder::{RunFolder, SweepFolder};

/// A figure of a run.
struct Figure {
    /// The name of its files.
    name: &'static str,
    /// What it shows, for those who read about it.
    caption: &'static str,
    /// From a finished run to SVG.
    draw: fn(&Story) -> Result<String>,
}

/// Every figure of a run.
const FIGURES: [Figure; 4] = [
    Figure {
        name: "densities",
        caption: "The target p and every fit q, with the way that led there.",
        draw: densities::draw,
    },
    Figure {
        name: "convergence",
        caption: "Divergences, loss and gap over the steps; thin lines are the other restarts.",
        draw: convergence::draw,
    },
    Figure {
        name: "parameters",
        caption: "The parameters of q over the steps.",
        draw: parameters::draw,
    },
    Figure {
        name: "comparison",
        caption: "Where the fits ended, by every divergence.",
        draw: comparison::draw,
    },
];
/// The figure of a sweep.
pub(crate) const SWEEP: &str = "sweep";
/// What it shows.
pub(crate) const SWEEP_CAPTION: &str = "Every point of the sweep.";
/// The figure of a landscape.
pub(crate) const LANDSCAPE: &str = "landscape";
/// What it shows.
const LANDSCAPE_CAPTION: &str =
    "What each fit goes down on, over two of its parameters, with the optima and the ways there.";
/// The numbers beside it.
pub(crate) const LANDSCAPE_TABLE: &str = "landscape.csv";
/// The fits in motion.
pub(crate) const ANIMATION: &str = "animation.gif";
/// The files each figure is written as.
const EXTENSIONS: [&str; 3] = ["svg", "png", "pdf"];

/// Every file that may stand in the figures of a run.
pub(crate) fn files_of_run() -> impl Iterator<Item = String> {
    let figures = FIGURES.iter().map(|figure| figure.name);
    figures
        .chain([LANDSCAPE])
        .flat_map(files_of)
        .chain([LANDSCAPE_TABLE, ANIMATION].map(str::to_owned))
}

/// The files of a figure.
pub(crate) fn files_of(figure: &str) -> impl Iterator<Item = String> + use<> {
    let figure = figure.to_owned();
    EXTENSIONS
        .into_iter()
        .map(move |extension| format!("{figure}.{extension}"))
}

/// Draws every figure of a run into its folder and returns the files; the landscape too, if its
/// config asks for one.
///
/// # Errors
/// If the folder does not hold a finished run, or cannot be written.
pub fn draw_all(folder: &RunFolder) -> Result<Vec<PathBuf>> {
    let story = Story::read(folder)?;
    theme::load_fonts()?;
    let figures = folder.figures();
    fs::create_dir_all(&figures).map_err(Error::io("create", &figures))?;
    let mut files = Vec::new();
    for Figure { name, draw, .. } in FIGURES {
        files.extend(export::write(&figures, name, &draw(&story)?)?);
    }
    if let Some(wanted) = &story.config.landscape
        && story.summary.fits.iter().all(|fit| fit.best.is_some())
    {
        files.extend(crate::landscape::of_run(folder, wanted, &figures)?.files);
    }
    Ok(files)
}

/// Every figure of a run with its name and caption, as SVG; and the landscape, where one was drawn.
pub(crate) fn pictures(
    folder: &RunFolder,
    story: &Story,
) -> Result<Vec<(&'static str, &'static str, String)>> {
    theme::load_fonts()?;
    let mut pictures = (FIGURES.iter())
        .map(|figure| Ok((figure.name, figure.caption, (figure.draw)(story)?)))
        .collect::<Result<Vec<_>>>()?;
    let landscape = folder.figures().join(format!("{LANDSCAPE}.svg"));
    if let Ok(svg) = fs::read_to_string(landscape) {
        pictures.push((LANDSCAPE, LANDSCAPE_CAPTION, svg));
    }
    Ok(pictures)
}

/// Draws the fits of a finished run in motion, as a GIF: into a file, or into the figures of the run.
/// Returns the file.
///
/// # Errors
/// If the run is not finished or in more than two dimensions, or the file cannot be written.
pub fn animate(folder: &RunFolder, motion: Motion, out: Option<&Path>) -> Result<PathBuf> {
    let story = Story::read(folder)?;
    theme::load_fonts()?;
    let gif = animation::draw(&story, motion)?;
    let path = match out {
        Some(path) => path.to_owned(),
        None => {
            let figures = folder.figures();
            fs::create_dir_all(&figures).map_err(Error::io("create", &figures))?;
            figures.join(ANIMATION)
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
    export::write(&figures, SWEEP, &sweep_picture(folder)?)
}

/// The figure of a sweep as SVG.
pub(crate) fn sweep_picture(folder: &SweepFolder) -> Result<String> {
    theme::load_fonts()?;
    let stories = (folder.points()?.into_iter())
        .map(|(label, run)| Ok((label, Story::read(&run)?)))
        .collect::<Result<Vec<_>>>()?;
    sweep::draw(&stories)
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
