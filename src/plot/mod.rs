//! Figures for a report: SVG, PNG and PDF, drawn from a run folder and nothing else.
//!
//! Each figure is a function from a [`Story`] to SVG; the other two files are made from that, so
//! the three are one picture.

mod axis;
mod comparison;
mod contour;
mod convergence;
mod densities;
mod export;
mod legend;
mod line_1d;
mod pairs;
mod panel;
mod parameters;
mod plane_2d;
mod sheet;
mod story;
mod theme;

use std::fs;
use std::path::PathBuf;

use story::Story;

use crate::error::{Error, Result};
use crate::run_folder::RunFolder;

/// A figure: from a finished run to SVG.
type Figure = fn(&Story) -> Result<String>;

/// Every figure by the name of its files.
const FIGURES: [(&str, Figure); 4] = [
    ("densities", densities::draw),
    ("convergence", convergence::draw),
    ("parameters", parameters::draw),
    ("comparison", comparison::draw),
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
    let mut files = Vec::with_capacity(3 * FIGURES.len());
    for (name, draw) in FIGURES {
        files.extend(export::write(&figures, name, &draw(&story)?)?);
    }
    Ok(files)
}
