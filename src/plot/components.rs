//! How many components there are and what weight each has, over the steps, where they come and go.

use super::axis::Axis;
use super::export::Drawing;
use super::figure::Figure;
use super::fits::{ALL_FAILED, draw_others, failure_entry, have_failures, have_others};
use super::layout::{Layout, Panels};
use super::legend::LegendKey;
use super::mark::Rect;
use super::panel::Panel;
use super::sheet::Sheet;
use super::style::Style;
use super::theme::{self, faded, stroke};
use crate::config::FigureName;
use crate::error::Result;
use crate::record::Row;
use crate::run_folder::{FinishedFit, FinishedRun};

/// Two for each fit.
const PANELS: Panels = Panels {
    least: 60.0,
    most: 2,
    height: |_| 60.0,
    below: 0.0,
};
/// The bands of components that follow each other, by their opacity.
const SHADES: [f64; 3] = [0.75, 0.45, 0.6];

/// The figure.
pub const FIGURE: Figure<FinishedRun> = Figure {
    name: FigureName::Components,
    caption: |_, _| {
        Ok("How many components q has over the steps, and the weight of each in the best run: a band that begins is a \
              component that came, and one that ends has gone or become one with another.".to_owned())
    },
    draw,
};

/// The fits whose components come and go, each with its place.
fn fits(finished: &FinishedRun) -> impl Iterator<Item = (usize, &FinishedFit)> {
    let fits = finished.fits.iter().enumerate();
    fits.filter(|(_, fit)| fit.plan.adapt.is_some())
}

/// Whether there are any.
pub fn has_any(finished: &FinishedRun) -> bool {
    fits(finished).next().is_some()
}

fn draw(finished: &FinishedRun, style: &Style) -> Result<Drawing> {
    style.chosen(FIGURE.name.name(), &[])?;
    let mut entries = Vec::new();
    if have_others(fits(finished).map(|(_, fit)| fit)) {
        let best = stroke(theme::INK, 1.0, theme::THICK);
        let faint = stroke(theme::INK, 0.4, theme::HAIRLINE);
        entries.push((LegendKey::Line(best), "best run".to_owned()));
        entries.push((LegendKey::Line(faint), "other restarts".to_owned()));
    }
    if have_failures(fits(finished).map(|(_, fit)| fit)) {
        entries.push(failure_entry());
    }
    let layout = Layout::of_panels(style, &entries, 2 * fits(finished).count(), PANELS)?;
    layout.draw(&entries, |sheet| {
        for (row, (i, fit)) in fits(finished).enumerate() {
            numbers(sheet, layout.cell(2 * row), (i, fit))?;
            weights(sheet, layout.cell(2 * row + 1), (i, fit))?;
        }
        Ok(())
    })
}

/// The weights at a row, 0 where there is no component.
fn weights_at<'r>(fit: &FinishedFit, row: &'r Row) -> impl Iterator<Item = f64> + use<'r> {
    let of_components = row.parameters.iter().take(fit.plan.family.components());
    of_components.map(|weight| if weight.is_nan() { 0.0 } else { *weight })
}

fn axis(fit: &FinishedFit) -> Axis {
    let last = (fit.best_rows().last()).map_or(fit.plan.optimizer.steps, |row| row.step);
    Axis::steps(last, fit.trajectory.every)
}

/// K over the steps, of all runs.
fn numbers(sheet: &Sheet, cell: Rect, (i, fit): (usize, &FinishedFit)) -> Result<()> {
    let there = |row: &Row| weights_at(fit, row).filter(|weight| *weight > 0.0).count();
    let most = fit.trajectory.rows.iter().map(there).max().unwrap_or(1) as f64;
    let y = Axis::linear(0.0, 1.08 * most, "components").whole();
    let panel = Panel::new(sheet, cell, &fit.title(), axis(fit), y)?;
    let color = sheet.style.fit_color(i);
    let point = |row: &Row| (row.step as f64, there(row) as f64);
    draw_others(&panel, fit, stroke(color, 0.3, theme::HAIRLINE), point)?;
    let best = fit.best_rows();
    let failed = best.is_empty();
    panel.curve(
        best.into_iter().map(point),
        stroke(color, 1.0, theme::THICK),
    )?;
    panel.corner(failed.then(|| ALL_FAILED.to_owned()))
}

/// The weights of the best run on top of each other.
fn weights(sheet: &Sheet, cell: Rect, (i, fit): (usize, &FinishedFit)) -> Result<()> {
    let y = Axis::linear(0.0, 1.0, "weights, one on the other");
    let panel = Panel::new(sheet, cell, &fit.title(), axis(fit), y)?;
    let rows = fit.best_rows();
    let (mut below, mut drawn) = (vec![0.0; rows.len()], 0);
    for k in 0..fit.plan.family.components() {
        let band: Vec<(f64, f64, f64)> = (rows.iter().zip(&below))
            .map(|(row, low)| {
                let weight = weights_at(fit, row).nth(k).unwrap_or(0.0);
                (row.step as f64, *low, low + weight)
            })
            .collect();
        if band.iter().all(|(_, low, high)| low == high) {
            continue;
        }
        // Neighbours differ, whichever places between them are empty.
        panel.band(
            &band,
            faded(sheet.style.fit_color(i), SHADES[drawn % SHADES.len()]),
        )?;
        drawn += 1;
        let edge = band.iter().map(|&(step, _, high)| (step, high));
        panel.line(edge, stroke(plotters::style::WHITE, 1.0, theme::THIN))?;
        below = band.into_iter().map(|(.., high)| high).collect();
    }
    Ok(())
}
