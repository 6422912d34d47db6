//! What figures with a panel for each fit have in common.

use std::borrow::Cow;

use plotters::style::{RGBAColor, RGBColor};

use super::axis::Axis;
use super::layout::Panels;
use super::legend::{Entry, LegendKey};
use super::margins::{ROOMY, equal_aspect};
use super::mark::{Point, Rect};
use super::panel::Panel;
use super::plane_2d::View;
use super::sheet::Sheet;
use super::style::Style;
use super::theme::{self, Stroke, faded, stroke};
use super::{line_1d, plane_2d};
use crate::config::FigureName;
use crate::density::target::TargetModel;
use crate::error::Result;
use crate::mixture::Mixture;
use crate::record::Row;
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

/// What is said of a fit without a run that ended.
pub const ALL_FAILED: &str = "all runs failed";

/// The runs of a fit that are drawn beside the best; those of a fit of which all failed are not.
pub fn others(fit: &FinishedFit) -> impl Iterator<Item = usize> {
    let best = fit.best_run();
    let runs = fit.shown().filter(move |run| Some(*run) != best);
    runs.filter(move |_| best.is_some())
}

/// Whether any fit has runs beside the best.
pub fn have_others<'f>(fits: impl IntoIterator<Item = &'f FinishedFit>) -> bool {
    fits.into_iter().flat_map(others).next().is_some()
}

/// Whether any of these failed.
pub fn have_failures<'f>(fits: impl IntoIterator<Item = &'f FinishedFit>) -> bool {
    (fits.into_iter()).any(|fit| others(fit).any(|run| fit.well(run).1))
}

/// Draws the runs of a fit beside the best, each as far as it was well, with a cross where it failed.
///
/// # Errors
/// If they cannot be drawn.
pub fn draw_others(
    panel: &Panel,
    fit: &FinishedFit,
    line: Stroke,
    point: impl Fn(&Row) -> Point,
) -> Result<()> {
    for run in others(fit) {
        let (rows, failed) = fit.well(run);
        panel.curve(rows.iter().map(|row| point(row)), line)?;
        if let Some(last) = rows.last().filter(|_| failed) {
            panel.cross(point(last), crossed(line.color))?;
        }
    }
    Ok(())
}

fn crossed(RGBAColor(r, g, b, _): RGBAColor) -> Stroke {
    stroke(RGBColor(r, g, b), 0.8, theme::THIN)
}

/// The entry for its cross.
pub fn failure_entry() -> Entry {
    let cross = crossed(faded(theme::INK, 1.0));
    (LegendKey::Cross(cross), "where a run failed".to_owned())
}

/// Where the fits ended.
pub fn ends(finished: &FinishedRun) -> Vec<Mixture> {
    finished.fits.iter().filter_map(FinishedFit::end).collect()
}

/// Panels of where the fits ended, on one scale that is made once: above two dimensions, in the first two coordinates.
pub struct Ends<'r> {
    run: &'r FinishedRun,
    target: Cow<'r, TargetModel>,
    view: View,
    ends: Vec<Option<Mixture>>,
    x: Axis,
    y: Axis,
}

impl<'r> Ends<'r> {
    /// Those of a run.
    ///
    /// # Errors
    /// If the target has no marginal.
    pub fn new(run: &'r FinishedRun, style: &Style) -> Result<Self> {
        let ends = run.fits.iter().map(FinishedFit::end);
        if run.dim() == 1 {
            let (x, y) = line_1d::axes(style, run, 0);
            return Ok(Self {
                run,
                target: Cow::Borrowed(&run.target),
                view: View::default(),
                ends: ends.collect(),
                x,
                y,
            });
        }
        let plane = [0, 1];
        let target = run.target.marginal(&plane)?;
        let ends = ends
            .map(|end| end.map(|end| end.marginal(&plane)).transpose())
            .collect::<Result<Vec<_>, _>>()?;
        let names = run.coordinates();
        let (x, y) = plane_2d::axes(&target, ends.iter().flatten(), (&names[0], &names[1]));
        Ok(Self {
            run,
            target: Cow::Owned(target),
            view: View::default(),
            ends,
            x,
            y,
        })
    }

    /// Draws the panel of a fit.
    ///
    /// # Errors
    /// If it cannot be drawn.
    pub fn draw(&self, sheet: &Sheet, cell: Rect, fit: usize) -> Result<()> {
        let (title, style) = (self.run.fits[fit].title(), sheet.style);
        let line = stroke(style.fit_color(fit), 1.0, theme::THICK);
        let (x, y, end) = (self.x.clone(), self.y.clone(), self.ends[fit].as_ref());
        if self.run.dim() == 1 {
            let panel = Panel::new(sheet, cell, &title, x, y)?;
            line_1d::draw_target(&panel, &self.target)?;
            return match end {
                Some(q) => line_1d::draw_fit(&panel, q, line),
                None => panel.corner([ALL_FAILED.to_owned()]),
            };
        }
        let (x, y) = equal_aspect(ROOMY.frame(style, cell), x, y);
        let panel = Panel::new(sheet, cell, &title, x, y)?;
        self.view.draw(&panel, &self.target)?;
        match end {
            Some(q) => plane_2d::draw_fit(&panel, q, line),
            None => panel.corner([ALL_FAILED.to_owned()]),
        }
    }
}
