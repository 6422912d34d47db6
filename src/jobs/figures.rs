//! Draws every figure of a run.

use std::path::PathBuf;

use super::survey;
use crate::error::Result;
use crate::plot;
use crate::run_folder::{FinishedRun, RunFolder};

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
        files.extend(survey::survey_run(folder, wanted, None)?.files);
    }
    Ok(files)
}
