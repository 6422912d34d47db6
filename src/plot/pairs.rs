//! More than two dimensions: every pair of coordinates, all fits together, with axes that the panels of a row and of a
//! column share.

use super::axis::Axis;
use super::export::Drawing;
use super::fits::{Ends, PLANES, shown};
use super::layout::Layout;
use super::legend::{self, Entry, LegendKey};
use super::margins::Margins;
use super::mark::Rect;
use super::panel::Panel;
use super::plane_2d;
use super::sheet::Sheet;
use super::style::Style;
use super::theme::{self, faded, stroke};
use crate::config::FigureName;
use crate::error::Result;
use crate::mixture::Mixture;
use crate::run_folder::FinishedRun;
use crate::text;

/// More coordinates than this do not fit a page.
const MOST: usize = 5;
/// The height of a panel at most, in mm; of a single one, more.
const HIGHEST: f64 = 46.0;
const SINGLE: f64 = 78.0;
/// What the numbers and labels at the left and below take, in mm where letters have 8 points.
const LEFT: f64 = 14.0;
const BELOW: f64 = 9.5;

/// Panels beside each other, with air between them.
const TIGHT: Margins = Margins {
    left: 1.5,
    right: 1.5,
    top: 1.5,
    bottom: 1.5,
    named: [false; 2],
};

/// Draws the figure of that name: of two dimensions or more each pair, the first one along x, with what the lines of
/// fits are in the legend.
pub fn draw(
    figure: FigureName,
    finished: &FinishedRun,
    style: &Style,
    lines: &str,
    draw_pair: impl Fn(&FinishedRun, &Sheet, Cell, [usize; 2]) -> Result<()>,
) -> Result<Drawing> {
    style.chosen(figure.name(), &[])?;
    let dim = finished.dim().min(MOST);
    let side = dim - 1;
    let entries = entries(finished, style, lines)?;
    let (left, below) = (style.scaled(LEFT), style.scaled(BELOW));
    let width = (style.width - left) / side as f64;
    let panel = width.min(if side == 1 { SINGLE } else { HIGHEST });
    let layout = Layout::of_height(style, &entries, side as f64 * panel + below)?;
    layout.draw(&entries, |sheet| {
        let body = layout.body;
        let panel = (body.height() - below) / side as f64;
        for row in 1..dim {
            for column in 0..row {
                // The panels at the left and below have the numbers.
                let named = [row + 1 == dim, column == 0];
                let right = body.left + left + width * (column + 1) as f64;
                let bottom = body.top + panel * row as f64;
                let cell = Rect {
                    left: right - width - if named[1] { left } else { 0.0 },
                    right,
                    top: bottom - panel,
                    bottom: bottom + if named[0] { below } else { 0.0 },
                };
                let margins = Margins {
                    left: if named[1] {
                        LEFT + TIGHT.left
                    } else {
                        TIGHT.left
                    },
                    bottom: if named[0] {
                        BELOW + TIGHT.bottom
                    } else {
                        TIGHT.bottom
                    },
                    named,
                    ..TIGHT
                };
                draw_pair(
                    finished,
                    sheet,
                    Cell {
                        place: cell,
                        margins,
                    },
                    [column, row],
                )?;
            }
        }
        Ok(())
    })
}

/// Where a pair is drawn.
#[derive(Clone, Copy)]
pub struct Cell {
    place: Rect,
    margins: Margins,
}

impl Cell {
    /// Draws axes there.
    pub fn panel<'a, 's>(self, sheet: &'a Sheet<'s>, x: Axis, y: Axis) -> Result<Panel<'a, 's>> {
        Panel::within(sheet, self.place, self.margins, x, y)
    }
}

/// One pair of coordinates of the target and of every fit.
pub fn draw_pair(
    finished: &FinishedRun,
    sheet: &Sheet,
    cell: Cell,
    pair: [usize; 2],
) -> Result<()> {
    let target = finished.target.marginal(&pair)?;
    let fits = finished.fits.iter().enumerate();
    let ends = fits
        .filter_map(|(i, fit)| Some((i, fit.end()?)))
        .map(|(i, end)| Ok((i, end.marginal(&pair)?)))
        .collect::<Result<Vec<(usize, Mixture)>>>()?;
    let labels = finished.coordinates();
    let ends_here = ends.iter().map(|(_, end)| end);
    let [i, j] = pair;
    let (x, y) = plane_2d::axes(&target, ends_here, (&labels[i], &labels[j]));
    let panel = cell.panel(sheet, x, y)?;
    plane_2d::View::default().draw(&panel, &target)?;
    for (fit, end) in &ends {
        plane_2d::draw_fit(&panel, end, sheet.style.fit_stroke(*fit, theme::NORMAL))?;
    }
    Ok(())
}

/// More fits than one panel can tell apart: a panel for each, of the first two coordinates.
pub fn multiples(figure: FigureName, finished: &FinishedRun, style: &Style) -> Result<Drawing> {
    let shown = shown(finished, style, figure)?;
    let mut entries = vec![target(finished)?];
    entries.extend(plane_2d::entries(stroke(theme::INK, 1.0, theme::THICK)));
    let note = format!("(the first 2 of {} coordinates)", finished.dim());
    entries.push((LegendKey::Nothing, note));
    let layout = Layout::of_panels(style, &entries, shown.len(), PLANES)?;
    let ends = Ends::new(finished, style)?;
    layout.draw(&entries, |sheet| {
        let mut cells = shown.iter().enumerate();
        cells.try_for_each(|(place, &i)| ends.draw(sheet, layout.cell(place), i))
    })
}

fn target(finished: &FinishedRun) -> Result<Entry> {
    let is_drawn = finished.target.as_samples().is_none()
        && finished.target.marginal(&[0, 1])?.as_samples().is_some();
    Ok(match is_drawn {
        true => (
            LegendKey::Dots(faded(theme::TARGET, 0.6)),
            "draws of the target p".to_owned(),
        ),
        false => legend::target(&finished.target),
    })
}

fn entries(finished: &FinishedRun, style: &Style, lines: &str) -> Result<Vec<Entry>> {
    let mut entries = vec![target(finished)?];
    for (i, fit) in finished.fits.iter().enumerate() {
        let mark = LegendKey::Line(style.fit_stroke(i, theme::NORMAL));
        entries.push((mark, fit.title()));
    }
    entries.push((LegendKey::Nothing, format!("lines of fits: {lines}")));
    if finished.dim() > MOST {
        let rest = finished.dim() - MOST;
        entries.push((
            LegendKey::Nothing,
            format!("({} not shown)", text::count(rest, "more coordinate")),
        ));
    }
    Ok(entries)
}
