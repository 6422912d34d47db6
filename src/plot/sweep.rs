//! The points of a sweep side by side: how each fit went, and where it ended.

use super::axis::Axis;
use super::export::Svg;
use super::figure::Figure;
use super::panel::{Margins, Panel, ROOMY};
use super::sheet::{self, Align, Rect, Sheet, Type, text_width};
use super::theme::{self, faded, ramp, stroke};
use crate::divergence::DivergenceKind;
use crate::error::Result;
use crate::run_folder::{FinishedFit, FinishedRun};

/// The height of a point's line, in mm.
const LINE: f64 = 4.4;
/// The least and the greatest height of a row of panels, in mm.
const HEIGHT: (f64, f64) = (62.0, 190.0);
/// The share of the page's width that names of points may take.
const NAMES: f64 = 0.3;

/// The figure.
pub const FIGURE: Figure<[(String, FinishedRun)]> = Figure {
    name: "sweep",
    caption: "Every point of the sweep.",
    draw,
};

/// Draws the figure: a row for each fit, its paths on the left and its ends on the right.
fn draw(points: &[(String, FinishedRun)]) -> Result<Svg> {
    let rows = points.iter().map(|(_, finished)| finished.fits.len()).max();
    let rows = rows.unwrap_or(0).max(1);
    let row = (LINE * points.len() as f64 + ROOMY.top + ROOMY.bottom).clamp(HEIGHT.0, HEIGHT.1);
    let height = row * rows as f64;
    sheet::draw(FIGURE.name, theme::PAGE, height, |sheet| {
        let page = Rect::new(0.0, 0.0, theme::PAGE, height);
        for fit in 0..rows {
            draw_row(sheet, page.cell((fit, rows), (0, 1)), points, fit)?;
        }
        Ok(())
    })
}

/// A point's fit at one place, with its colour.
struct Entry<'p> {
    name: &'p str,
    fit: &'p FinishedFit,
    share: f64,
}

fn draw_row(sheet: &Sheet, row: Rect, points: &[(String, FinishedRun)], fit: usize) -> Result<()> {
    let last = (points.len() - 1).max(1) as f64;
    let entries: Vec<Entry> = (points.iter().enumerate())
        .filter_map(|(i, (name, finished))| {
            Some(Entry {
                name,
                fit: finished.fits.get(fit)?,
                share: i as f64 / last,
            })
        })
        .collect();
    let Some(first) = entries.first() else {
        return Ok(());
    };
    let kind = shown(&entries);
    let title = if entries
        .iter()
        .all(|entry| entry.fit.title() == first.fit.title())
    {
        first.fit.title()
    } else {
        "all fits".to_owned()
    };
    let middle = row.left + 0.47 * row.width();
    let left = Rect {
        right: middle,
        ..row
    };
    draw_paths(sheet, left, &entries, kind, &title)?;
    let right = Rect {
        left: middle,
        ..row
    };
    draw_ends(sheet, right, &entries, kind)
}

/// The divergence that all entries can be compared by: their own if it is the same.
fn shown(entries: &[Entry]) -> DivergenceKind {
    let own = entries[0].fit.summary.divergence;
    if entries
        .iter()
        .all(|entry| entry.fit.summary.divergence == own)
    {
        own
    } else {
        DivergenceKind::Js
    }
}

fn draw_paths(
    sheet: &Sheet,
    cell: Rect,
    entries: &[Entry],
    kind: DivergenceKind,
    title: &str,
) -> Result<()> {
    let rows: Vec<_> = entries.iter().map(|entry| entry.fit.best_rows()).collect();
    let values = rows.iter().flatten().map(|row| row.divergence(kind).0);
    let y = Axis::holding(values, kind.with_unit());
    let last = rows.iter().flatten().map(|row| row.step).max().unwrap_or(1);
    let every = entries.iter().map(|entry| entry.fit.trajectory.every).max();
    let x = Axis::steps(last, every.unwrap_or(1));
    let panel = Panel::new(sheet, cell, title, x, y)?;
    for (entry, rows) in entries.iter().zip(&rows) {
        let points = rows
            .iter()
            .map(|row| (row.step as f64, row.divergence(kind).0));
        panel.line(points, stroke(ramp(entry.share), 1.0, theme::NORMAL))?;
    }
    Ok(())
}

/// A dot for the end of each point's best run, with its error, beside its name.
fn draw_ends(sheet: &Sheet, cell: Rect, entries: &[Entry], kind: DivergenceKind) -> Result<()> {
    let ends: Vec<Option<(f64, f64)>> = (entries.iter())
        .map(|entry| {
            let end = entry.fit.summary.best.as_ref()?.divergences.estimate(kind);
            Some((end.value, end.error))
        })
        .collect();
    let values = (ends.iter().flatten()).flat_map(|(value, error)| [value - error, value + error]);
    let x = Axis::holding(values, format!("{} at the end", kind.with_unit()));
    let label = Type::label(Align::Right);
    let names: Vec<&str> = entries.iter().map(|entry| entry.name).collect();
    let widest = names
        .iter()
        .map(|name| text_width(name, label))
        .fold(0.0, f64::max);
    let margins = Margins {
        left: (widest + 4.0).min(NAMES * theme::PAGE),
        ..ROOMY
    };
    let count = entries.len() as f64;
    // The first point stands at the top.
    let at = |i: usize| count - 1.0 - i as f64;
    let y = Axis::unmarked(-0.7, count - 0.3);
    let panel = Panel::within(sheet, cell, margins, x, y)?;
    let frame = margins.frame(cell);
    // Names that would touch are thinned out.
    let every = (1.1 * theme::TEXT * (count + 0.4) / frame.height())
        .ceil()
        .max(1.0) as usize;
    for (i, (entry, end)) in entries.iter().zip(&ends).enumerate() {
        if i.is_multiple_of(every) {
            let height = panel.height_of(at(i));
            let ink = faded(theme::INK, 1.0);
            sheet.text((frame.left - 1.6, height), entry.name, label, ink)?;
        }
        let color = ramp(entry.share);
        if let Some((value, error)) = *end {
            let bar = [(value - error, at(i)), (value + error, at(i))];
            panel.line(bar, stroke(color, 1.0, theme::NORMAL))?;
            panel.dot((value, at(i)), 0.9, faded(color, 1.0), None)?;
        }
    }
    Ok(())
}
