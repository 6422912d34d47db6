//! Draws every figure of a run, and removes them again.

use std::path::PathBuf;

use super::survey;
use crate::error::Result;
use crate::files::{durable, names};
use crate::plot;
use crate::run_folder::{FinishedRun, RunFolder, SweepFolder};

/// Draws every figure of a run into its folder and returns the files; the landscape too, if its
/// config asks for one.
///
/// # Errors
/// If the folder does not hold a finished run, or cannot be written.
pub fn draw_figures(folder: &RunFolder) -> Result<Vec<PathBuf>> {
    let run = FinishedRun::read(folder)?;
    let mut files = plot::draw_run(folder, &run)?;
    if let Some(wanted) = &run.config.landscape
        && run.summary.fits.iter().all(|fit| fit.best.is_some())
    {
        files.extend(survey::survey_run(folder, wanted, &folder.figures())?.files);
    }
    Ok(files)
}

/// Removes every figure of an earlier run, with the numbers of its landscape.
pub(super) fn clear(folder: &RunFolder) -> Result<()> {
    plot::clear_run(folder)?;
    durable::remove(&folder.figures().join(names::LANDSCAPE_TABLE))
}

/// Removes the figure of an earlier sweep, and those of its points.
pub(super) fn clear_sweep(folder: &SweepFolder) -> Result<()> {
    plot::clear_sweep(folder)?;
    folder.runs()?.iter().try_for_each(clear)
}
