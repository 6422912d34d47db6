//! More than two dimensions: every pair of coordinates, all fits together.

use super::export::Svg;
use super::legend::{self, LegendKey};
use super::panel::{COMPACT, Panel};
use super::plane_2d;
use super::sheet::{self, Rect};
use super::theme::{self, faded, fit_stroke};
use crate::error::Result;
use crate::mixture::Mixture;
use crate::run_folder::FinishedRun;

/// More coordinates than this do not fit a page.
const MOST: usize = 5;

/// Draws the figure of that name: of two dimensions or more each pair, the first one along x, with what the lines of
/// fits are in the legend.
pub fn draw(
    figure: &str,
    finished: &FinishedRun,
    lines: &str,
    draw_pair: impl Fn(&sheet::Sheet, Rect, (usize, usize)) -> Result<()>,
) -> Result<Svg> {
    let dim = finished.dim().min(MOST);
    let side = dim - 1;
    let entries = entries(finished, lines)?;
    let top = legend::height(&entries) + 1.0;
    let cell = theme::PAGE / side as f64;
    let height = top + side as f64 * cell.min(if side == 1 { 90.0 } else { 62.0 });
    sheet::draw(figure, theme::PAGE, height, |sheet| {
        let page = Rect::new(0.0, 0.0, theme::PAGE, height);
        legend::draw(sheet, page, &entries)?;
        for row in 1..dim {
            for column in 0..row {
                let cell = page.below(top).cell((row - 1, side), (column, side));
                draw_pair(sheet, cell, (column, row))?;
            }
        }
        Ok(())
    })
}

/// One pair of coordinates of the target and of every fit.
pub fn draw_pair(
    finished: &FinishedRun,
    sheet: &sheet::Sheet,
    cell: Rect,
    (i, j): (usize, usize),
) -> Result<()> {
    let target = finished.target.marginal(&[i, j])?;
    let ends = (finished.fits.iter().enumerate())
        .filter_map(|(fit, chapter)| Some((fit, chapter.end()?)))
        .map(|(fit, end)| Ok((fit, end.marginal(&[i, j])?)))
        .collect::<Result<Vec<(usize, Mixture)>>>()?;
    let labels = finished.target.coordinates();
    let ends_here = ends.iter().map(|(_, end)| end);
    let (x, y) = plane_2d::axes(&target, ends_here, (&labels[i], &labels[j]));
    let panel = Panel::within(sheet, cell, COMPACT, x, y)?;
    plane_2d::draw_target(&panel, &target)?;
    for (fit, end) in &ends {
        plane_2d::draw_fit(&panel, end, fit_stroke(*fit, theme::NORMAL))?;
    }
    Ok(())
}

fn entries(finished: &FinishedRun, lines: &str) -> Result<Vec<(LegendKey, String)>> {
    let target = legend::target(&finished.target);
    let is_drawn = finished.target.as_samples().is_none()
        && finished.target.marginal(&[0, 1])?.as_samples().is_some();
    let mut entries = vec![match is_drawn {
        true => (
            LegendKey::Dots(faded(theme::TARGET, 0.6)),
            "draws of the target p".to_owned(),
        ),
        false => target,
    }];
    for (i, fit) in finished.fits.iter().enumerate() {
        let mark = LegendKey::Line(fit_stroke(i, theme::NORMAL));
        entries.push((mark, format!("{}, {lines}", fit.title())));
    }
    if finished.dim() > MOST {
        let rest = finished.dim() - MOST;
        let note = theme::stroke(theme::INK, 0.0, theme::THIN);
        entries.push((
            LegendKey::Line(note),
            format!("({rest} more coordinates not shown)"),
        ));
    }
    Ok(entries)
}
