//! What figures with a panel for each fit have in common.

use super::layout::Panels;
use super::style::Style;
use crate::config::FigureName;
use crate::error::Result;
use crate::mixture::Mixture;
use crate::run_folder::{FinishedFit, FinishedRun};

/// Panels of densities on a line.
pub const LINES: Panels = Panels {
    least: 50.0,
    most: 3,
    height: |width| 52.0 + 0.15 * width,
    below: 0.0,
};

/// Panels of densities in a plane: about as high as they are wide, and no more than a page is.
pub const PLANES: Panels = Panels {
    height: |width| (35.0 + 0.5 * width).min(110.0),
    ..LINES
};

/// The places of the fits that have a panel.
pub fn shown(finished: &FinishedRun, style: &Style, figure: FigureName) -> Result<Vec<usize>> {
    let names = |fit: &FinishedFit| vec![fit.plan.label.clone(), fit.title()];
    let names: Vec<Vec<String>> = finished.fits.iter().map(names).collect();
    style.chosen(figure.name(), &names)
}

/// Where the fits ended.
pub fn ends(finished: &FinishedRun) -> Vec<Mixture> {
    finished.fits.iter().filter_map(FinishedFit::end).collect()
}
