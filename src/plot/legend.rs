//! A legend: one row of marks and words across the top of a figure.

use plotters::style::RGBAColor;

use super::plane_2d;
use super::sheet::{Align, Rect, Sheet, Type, text_width};
use super::theme::{self, Stroke, faded, stroke};
use crate::density::target::{Distribution, TargetModel};
use crate::error::Result;

/// The height of a legend's row, in mm.
pub const HEIGHT: f64 = 6.0;
/// In line with the left edge of the panels' frames.
const INDENT: f64 = 15.0;
const MARK: f64 = 7.0;
const GAP: f64 = 1.2;
const BETWEEN: f64 = 4.5;

/// What stands before the words.
#[derive(Debug, Clone, Copy)]
pub enum LegendKey {
    Line(Stroke),
    /// A filled area with its outline.
    Area(RGBAColor, Stroke),
    /// Lines that fade in: the path of a fit.
    Fading(Stroke),
    /// A few dots: rows.
    Dots(RGBAColor),
    /// A ring and a dot: where a path starts and ends.
    Path(Stroke),
}

/// Draws the entries from left to right, in as many rows as they take.
pub fn draw(sheet: &Sheet, page: Rect, entries: &[(LegendKey, String)]) -> Result<()> {
    for ((row, column), (mark, label)) in places(page, entries).into_iter().zip(entries) {
        let y = page.top + (row as f64 + 0.5) * HEIGHT;
        draw_mark(sheet, column, y, *mark)?;
        let at = (column + MARK + GAP, y);
        sheet.text(at, label, Type::label(Align::Left), faded(theme::INK, 1.0))?;
    }
    Ok(())
}

/// The height the entries take on a page of full width, in mm.
pub fn height(entries: &[(LegendKey, String)]) -> f64 {
    height_within(theme::PAGE, entries)
}

/// The height the entries take on a page of this width, both in mm.
pub fn height_within(width: f64, entries: &[(LegendKey, String)]) -> f64 {
    let page = Rect::new(0.0, 0.0, width, 0.0);
    let rows = places(page, entries).last().map_or(0, |(row, _)| row + 1);
    HEIGHT * rows as f64
}

/// The row and the left edge of each entry.
fn places(page: Rect, entries: &[(LegendKey, String)]) -> Vec<(usize, f64)> {
    let left = page.left + INDENT;
    let (mut row, mut column) = (0, left);
    (entries.iter())
        .map(|(_, label)| {
            let width = MARK + GAP + text_width(label, Type::label(Align::Left));
            if column + width > page.right && column > left {
                (row, column) = (row + 1, left);
            }
            let place = (row, column);
            column += width + BETWEEN;
            place
        })
        .collect()
}

fn draw_mark(sheet: &Sheet, x: f64, y: f64, mark: LegendKey) -> Result<()> {
    match mark {
        LegendKey::Line(stroke) => sheet.line(&[(x, y), (x + MARK, y)], stroke),
        LegendKey::Area(color, stroke) => {
            let (top, bottom) = (y - 1.2, y + 1.2);
            let outline = [(x, bottom), (x, top), (x + MARK, top), (x + MARK, bottom)];
            sheet.fill(&outline, color)?;
            sheet.line(&[outline[1], outline[2]], stroke)
        }
        LegendKey::Fading(stroke) => (0..4).try_for_each(|i| {
            let x = x + MARK * (0.15 + 0.23 * f64::from(i));
            let color = RGBAColor(
                stroke.color.0,
                stroke.color.1,
                stroke.color.2,
                0.2 + 0.2 * f64::from(i),
            );
            sheet.line(
                &[(x, y + 1.3), (x + 0.6, y - 1.3)],
                Stroke { color, ..stroke },
            )
        }),
        LegendKey::Dots(color) => [(1.5, -0.7), (3.2, 0.6), (4.6, -0.5), (5.9, 0.5)]
            .into_iter()
            .try_for_each(|(dx, dy)| sheet.dot((x + dx, y + dy), 0.45, color, None)),
        LegendKey::Path(stroke) => {
            sheet.line(&[(x + 1.4, y), (x + MARK, y)], stroke)?;
            sheet.dot((x + 0.7, y), 0.7, stroke.color, Some(theme::THIN))?;
            sheet.dot((x + MARK - 0.7, y), 0.7, stroke.color, None)
        }
    }
}

/// The entry for the target.
pub fn target(target: &TargetModel) -> (LegendKey, String) {
    if let Some(samples) = target.as_samples() {
        let shown = match target.dim() {
            1 => samples.points().len(),
            _ => plane_2d::dots(samples),
        };
        let rows = match shown < samples.len() {
            true => format!("{shown} of {}", samples.describe()),
            false => samples.describe(),
        };
        if target.dim() > 1 {
            return (
                LegendKey::Dots(faded(theme::TARGET, 0.6)),
                format!("target p, {rows}"),
            );
        }
        let area = faded(theme::TARGET, 0.18);
        let outline = stroke(theme::TARGET, 1.0, theme::THIN);
        return (
            LegendKey::Area(area, outline),
            format!("target p, histogram of {rows}"),
        );
    }
    let area = faded(theme::TARGET, 0.18);
    let outline = stroke(theme::TARGET, 1.0, theme::THIN);
    let name = match target.as_histogram() {
        Some(histogram) => format!("target p, {}", histogram.describe()),
        None => "target p".to_owned(),
    };
    (LegendKey::Area(area, outline), name)
}
