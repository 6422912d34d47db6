//! One figure for a report: the fits side by side with their numbers.

use super::export::Svg;
use super::figure::Figure;
use super::legend::{self, LegendKey};
use super::panel::{Panel, ROOMY, equal_aspect};
use super::sheet::{self, Align, Rect, Sheet, Type, text_width};
use super::theme::{self, faded, fit_color, stroke};
use super::{densities, line_1d, plane_2d};
use crate::divergence::{DivergenceKind, Estimate};
use crate::error::Result;
use crate::judge::evaluate::reported;
use crate::run_folder::{FinishedFit, FinishedRun};
use crate::text;

/// Panels in a row.
const COLUMNS: usize = 3;
/// The least room for the name of a number, in mm.
const NAME: f64 = 13.0;
/// The height of a line of numbers, in mm.
const LINE: f64 = 4.4;

/// The figure.
pub const FIGURE: Figure<FinishedRun> = Figure {
    name: "comparison",
    caption: "Where the fits ended, by every divergence.",
    draw,
};

/// Draws the figure.
fn draw(finished: &FinishedRun) -> Result<Svg> {
    let columns = finished.fits.len().min(COLUMNS);
    let rows = finished.fits.len().div_ceil(columns);
    let entries = [
        legend::target(&finished.target),
        (
            LegendKey::Line(stroke(theme::INK, 1.0, theme::THICK)),
            match finished.dim() {
                1 => "fit q".to_owned(),
                2 => "fit q, 1σ and 2σ".to_owned(),
                d => format!("fit q, 1σ and 2σ, in the first 2 of {d} coordinates"),
            },
        ),
    ];
    let top = legend::height(&entries) + 1.0;
    let panel = if finished.dim() == 1 { 52.0 } else { 66.0 };
    let numbers = LINE * (lines(finished) as f64 + 1.0);
    let height = top + (panel + numbers) * rows as f64;
    sheet::draw(FIGURE.name, theme::PAGE, height, |sheet| {
        let page = Rect::new(0.0, 0.0, theme::PAGE, height);
        legend::draw(sheet, page, &entries)?;
        for (i, fit) in finished.fits.iter().enumerate() {
            let cell = page
                .below(top)
                .cell((i / columns, rows), (i % columns, columns));
            let picture = Rect {
                bottom: cell.bottom - numbers,
                ..cell
            };
            draw_panel(finished, sheet, picture, fit, i)?;
            draw_numbers(sheet, cell.below(picture.height()), fit)?;
        }
        Ok(())
    })
}

fn draw_panel(
    finished: &FinishedRun,
    sheet: &Sheet,
    cell: Rect,
    fit: &FinishedFit,
    i: usize,
) -> Result<()> {
    let title = &fit.title();
    if finished.dim() == 1 {
        let (x, y) = line_1d::axes(finished, 0);
        let panel = Panel::new(sheet, cell, title, x, y)?;
        line_1d::draw_target(&panel, &finished.target)?;
        return match fit.end() {
            Some(q) => line_1d::draw_fit(&panel, &q, stroke(fit_color(i), 1.0, theme::THICK)),
            None => Ok(()),
        };
    }
    // Above two dimensions, the first two stand for all; the other figure has every pair.
    let plane = [0, 1];
    let target = finished.target.marginal(&plane)?;
    let ends = (densities::ends(finished).iter())
        .map(|end| end.marginal(&plane))
        .collect::<Result<Vec<_>, _>>()?;
    let names = finished.target.coordinates();
    let (x, y) = plane_2d::axes(&target, ends.iter(), (&names[0], &names[1]));
    let (x, y) = equal_aspect(ROOMY.frame(cell), x, y);
    let panel = Panel::new(sheet, cell, title, x, y)?;
    plane_2d::draw_target(&panel, &target)?;
    match fit.end() {
        Some(q) => {
            let line = stroke(fit_color(i), 1.0, theme::THICK);
            plane_2d::draw_fit(&panel, &q.marginal(&plane)?, line)
        }
        None => Ok(()),
    }
}

/// What stands below a fit's panel: name and value.
fn facts(fit: &FinishedFit) -> Vec<(String, String)> {
    let Some(best) = &fit.summary.best else {
        return vec![("all runs failed".to_owned(), String::new())];
    };
    let number = |kind: DivergenceKind| -> Estimate { best.divergences.estimate(kind) };
    let mut facts: Vec<_> = (reported(fit.plan.divergence).into_iter())
        .map(|kind| (kind.symbol(), with_unit(kind, number(kind))))
        .collect();
    let Some(q) = fit.end().filter(|q| q.components() <= 4 && q.dim() <= 3) else {
        return facts;
    };
    for k in 0..q.components() {
        let place = match q.components() {
            1 => String::new(),
            _ => {
                facts.push((format!("w{}", k + 1), printed(&[q.weights()[k]])));
                (k + 1).to_string()
            }
        };
        facts.push((format!("μ{place}"), printed(q.means()[k].as_slice())));
        facts.push((format!("σ{place}"), printed(&q.component_stds(k))));
    }
    facts
}

/// Numbers to the digits a report prints.
fn printed(numbers: &[f64]) -> String {
    text::typographic(text::list(numbers, 4))
}

/// A divergence to the digits a report prints: an error below those is left out.
fn with_unit(kind: DivergenceKind, estimate: Estimate) -> String {
    let Estimate { value, error, .. } = estimate;
    let text = if error >= 0.5e-6 {
        estimate.to_string()
    } else if value.abs() < 1e-6 && value.abs() > error {
        format!("{value:.1e}")
    } else {
        text::fixed(value, 6)
    };
    let unit = if kind.is_in_nats() { " nats" } else { "" };
    text::typographic(format!("{text}{unit}"))
}

fn lines(finished: &FinishedRun) -> usize {
    let most = finished.fits.iter().map(|fit| facts(fit).len()).max();
    most.unwrap_or(0)
}

fn draw_numbers(sheet: &Sheet, cell: Rect, fit: &FinishedFit) -> Result<()> {
    let ink = faded(theme::INK, 1.0);
    let left = cell.left + 4.0;
    let type_ = Type::label(Align::Left);
    let facts = facts(fit);
    let widest = facts.iter().map(|(name, _)| text_width(name, type_));
    let column = left + widest.fold(NAME, f64::max) + 2.0;
    for (n, (name, value)) in facts.iter().enumerate() {
        let y = cell.top + LINE * (n as f64 + 0.5);
        sheet.text((left, y), name, type_, ink)?;
        sheet.text((column, y), value, type_, ink)?;
    }
    Ok(())
}
