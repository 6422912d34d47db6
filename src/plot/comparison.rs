//! One figure for a report: the fits side by side with their numbers.

use super::export::Drawing;
use super::figure::Figure;
use super::fits::{self, Ends, LINES, PLANES};
use super::layout::{Layout, Panels};
use super::legend::{self, LegendKey};
use super::mark::{Align, Rect, Type};
use super::sheet::{LEADING, Sheet};
use super::style::{Style, ink};
use super::theme::{self, stroke};
use super::{line_1d, plane_2d};
use crate::config::FigureName;
use crate::divergence::{DivergenceKind, Estimate};
use crate::error::Result;
use crate::judge::evaluate::reported;
use crate::run_folder::{FinishedFit, FinishedRun};
use crate::text;

/// The least room for the name of a number, in mm where letters have 8 points.
const NAME: f64 = 13.0;
/// The left edge of the names.
const LEFT: f64 = 4.0;

/// The figure.
pub const FIGURE: Figure<FinishedRun> = Figure {
    name: FigureName::Comparison,
    caption: |finished, _| {
        Ok(match fits::ends(finished).is_empty() {
            true => "No fit ended: every run failed.".to_owned(),
            false => "Where the fits ended, by every divergence.".to_owned(),
        })
    },
    draw,
};

/// Draws the figure.
fn draw(finished: &FinishedRun, style: &Style) -> Result<Drawing> {
    let shown = fits::shown(finished, style, FIGURE.name)?;
    let fit = stroke(theme::INK, 1.0, theme::THICK);
    let mut entries = vec![legend::target(&finished.target)];
    match finished.dim() {
        1 => {
            entries.push((LegendKey::Line(fit), "fit q".to_owned()));
            entries.extend(line_1d::components_entry(style, finished, 0));
        }
        d => {
            entries.extend(plane_2d::entries(fit));
            if d > 2 {
                entries.push((
                    LegendKey::Nothing,
                    format!("(the first 2 of {d} coordinates)"),
                ));
            }
        }
    }
    let kind = if finished.dim() == 1 { LINES } else { PLANES };
    // The numbers of a fit break where its panel is not wide enough for them.
    let room = Layout::of_panels(&style.with_any_height(), &entries, shown.len(), kind)?
        .cell(0)
        .width();
    let lines = (shown.iter()).map(|&i| numbers(style, &finished.fits[i], room).len());
    let below = LEADING * 1.2 * style.text * (lines.max().unwrap_or(0) as f64 + 1.0);
    let layout = Layout::of_panels(style, &entries, shown.len(), Panels { below, ..kind })?;
    let ends = Ends::new(finished, style)?;
    layout.draw(&entries, |sheet| {
        for (place, &i) in shown.iter().enumerate() {
            let (cell, fit) = (layout.cell(place), &finished.fits[i]);
            let picture = Rect {
                bottom: cell.bottom - below,
                ..cell
            };
            ends.draw(sheet, picture, i)?;
            draw_numbers(sheet, cell.below(picture.height()), fit)?;
        }
        Ok(())
    })
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
                facts.push((format!("w{}", k + 1), printed(&[q.weights()[k]], &[1.0])));
                (k + 1).to_string()
            }
        };
        let stds = q.component_stds(k);
        facts.push((format!("μ{place}"), printed(q.means()[k].as_slice(), &stds)));
        facts.push((format!("σ{place}"), printed(&stds, &stds)));
    }
    facts
}

/// Numbers to the digits a report prints.
fn printed(numbers: &[f64], scales: &[f64]) -> String {
    text::typographic(text::list_at_scales(numbers, scales, 4))
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

/// The lines below a panel of a width: of each the name of a number, where it begins, and the number or a part of it.
fn numbers(style: &Style, fit: &FinishedFit, width: f64) -> Vec<(String, String)> {
    let kind = Type::label(Align::Left);
    let facts = facts(fit);
    let room = width - column(style, &facts);
    (facts.into_iter())
        .flat_map(|(name, value)| {
            let lines = style.lines(&value, kind, room).into_iter().enumerate();
            lines.map(move |(i, line)| (if i == 0 { name.clone() } else { String::new() }, line))
        })
        .collect()
}

/// Where the numbers begin, from the left edge of the panel.
fn column(style: &Style, facts: &[(String, String)]) -> f64 {
    let kind = Type::label(Align::Left);
    let names = facts.iter().filter(|(_, value)| !value.is_empty());
    let widest = names.map(|(name, _)| style.text_width(name, kind));
    style.scaled(LEFT + 2.0) + widest.fold(style.scaled(NAME), f64::max)
}

fn draw_numbers(sheet: &Sheet, cell: Rect, fit: &FinishedFit) -> Result<()> {
    let (style, kind) = (sheet.style, Type::label(Align::Left));
    let column = cell.left + column(style, &facts(fit));
    let apart = LEADING * 1.2 * style.text;
    for (n, (name, value)) in numbers(style, fit, cell.width()).iter().enumerate() {
        let y = cell.top + apart * (n as f64 + 0.5);
        sheet.text((cell.left + style.scaled(LEFT), y), name, kind, ink())?;
        sheet.text((column, y), value, kind, ink())?;
    }
    Ok(())
}
