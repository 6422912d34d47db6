//! Draws every figure of a run or of a sweep.

use std::path::{Path, PathBuf};

use super::survey;
use crate::config::{FigureName, FiguresConfig};
use crate::error::{Error, Result};
use crate::files::names::FIGURES;
use crate::plot;
use crate::progress::WorkObserver;
use crate::run_folder::{FinishedRun, OutputFolder, RunFolder, SweepFolder};

/// Figures that were drawn.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DrawnFigures {
    /// Their files.
    pub files: Vec<PathBuf>,
    /// What was asked for and had no effect, and what is to be known of them.
    pub notes: Vec<String>,
}

/// Draws every figure of a run into its folder and returns the files; the landscape too, if its
/// config asks for one. Of a run that is not finished they show what there is.
///
/// # Errors
/// If the folder does not hold a run that has logged a step, or cannot be written.
pub fn draw_figures(folder: &RunFolder) -> Result<Vec<PathBuf>> {
    let looks = FiguresConfig::default();
    draw_figures_as(folder, &looks, None, &mut ()).map(|drawn| drawn.files)
}

/// As [`draw_figures`], in other looks than those of its config, or into another folder. The observer is told of every
/// figure, and of the cells of a landscape.
///
/// # Errors
/// As [`draw_figures`]; and if the run has none of the figures that are asked for, or one of them cannot be drawn like
/// that.
pub fn draw_figures_as(
    folder: &RunFolder,
    looks: &FiguresConfig,
    out: Option<&Path>,
    observer: &mut dyn WorkObserver,
) -> Result<DrawnFigures> {
    let run = FinishedRun::read(folder)?;
    let looks = looks.clone().or(run.config.figures.clone());
    let mut drawn = plot::of_run(&run, &looks, observer)?;
    let landscape = (run.config.landscape.as_ref()).filter(|_| looks.draws(FigureName::Landscape));
    let lost = run.summary.fits.iter().find(|fit| fit.best.is_none());
    match (landscape, lost) {
        (Some(wanted), None) => {
            drawn = drawn.and(survey::draw_run(&run, wanted, &looks, observer)?);
        }
        (Some(_), Some(lost)) => drawn.notes.push(format!(
            "no landscape is drawn: every run of fit \"{}\" failed",
            lost.name()
        )),
        (None, _) => {}
    }
    if drawn.files.is_empty() {
        let has = plot::names(&run).join(", ");
        return Err(Error::usage(
            format!(
                "the run in {} has none of these figures",
                folder.path().display()
            ),
            format!("it has: {has}"),
        ));
    }
    let out = match out {
        Some(out) => OutputFolder::create(out)?,
        None => folder.output().inner(FIGURES),
    };
    Ok(DrawnFigures {
        notes: (plot::labels_of_none(&looks, &drawn.texts).into_iter())
            .chain(drawn.notes)
            .collect(),
        files: out.write(drawn.files)?,
    })
}

/// Draws the figure of a sweep, in the looks of its config where others say nothing.
///
/// # Errors
/// If the sweep did not end, it cannot be drawn like that, or the folder cannot be written.
pub fn draw_sweep_as(
    folder: &SweepFolder,
    looks: &FiguresConfig,
    out: Option<&Path>,
) -> Result<DrawnFigures> {
    let drawn = plot::of_sweep(folder, looks)?;
    let out = match out {
        Some(out) => OutputFolder::create(out)?,
        None => folder.output().inner(FIGURES),
    };
    Ok(DrawnFigures {
        notes: (plot::labels_of_none(looks, &drawn.texts).into_iter())
            .chain(drawn.notes)
            .collect(),
        files: out.write(drawn.files)?,
    })
}
