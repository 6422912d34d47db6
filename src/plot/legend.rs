//! A legend: rows of marks and words above or below the panels of a figure.

use plotters::style::RGBAColor;

use super::mark::{Align, Rect, Type};
use super::rows;
use super::sheet::{LEADING, Sheet};
use super::style::Style;
use super::theme::{self, Stroke, faded, stroke};
use crate::density::target::{Distribution, TargetModel};
use crate::error::Result;

/// The height of a row of one line, in mm where letters have 8 points.
const HEIGHT: f64 = 6.0;
/// In line with the left edge of the panels' frames, where there is room.
const INDENT: f64 = 15.0;
const LEAST_INDENT: f64 = 2.0;
/// A page is wide enough for that from so many mm.
const WIDE: f64 = 120.0;
const MARK: f64 = 7.0;
const GAP: f64 = 1.2;
const BETWEEN: f64 = 4.5;

/// A mark, and what it says.
pub type Entry = (LegendKey, String);

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
    /// A dot, or a ring of a width.
    Dot(RGBAColor, Option<f64>),
    /// A cross: something that failed.
    Cross(Stroke),
    /// Words alone.
    Nothing,
}

/// Where an entry is: the top of its row, its left edge, and its words by lines.
struct Place {
    top: f64,
    left: f64,
    lines: Vec<String>,
}

/// Draws the entries from left to right, in as many rows as they take.
pub fn draw(sheet: &Sheet, page: Rect, entries: &[Entry]) -> Result<()> {
    let style = sheet.style;
    let (places, _) = places(style, page, entries);
    for (place, (mark, label)) in places.into_iter().zip(entries) {
        let y = place.top + 0.5 * style.scaled(HEIGHT);
        draw_mark(sheet, place.left, y, *mark)?;
        sheet.names(label);
        let at = (place.left + mark_width(*mark), y);
        sheet.lines(at, &place.lines, Type::label(Align::Left))?;
    }
    Ok(())
}

/// The height the entries take on a page of this width, both in mm.
pub fn height(style: &Style, width: f64, entries: &[Entry]) -> f64 {
    places(style, Rect::new(0.0, 0.0, width, 0.0), entries).1
}

fn mark_width(mark: LegendKey) -> f64 {
    match mark {
        LegendKey::Nothing => 0.0,
        LegendKey::Dot(..) | LegendKey::Cross(_) => 2.4 + GAP,
        _ => MARK + GAP,
    }
}

/// Where each entry is, and how high all of them are; those whose words are none are left out.
fn places(style: &Style, page: Rect, entries: &[Entry]) -> (Vec<Place>, f64) {
    let indent = match page.width() >= WIDE {
        true => style.scaled(INDENT),
        false => LEAST_INDENT,
    };
    let begin = page.left + indent;
    let kind = Type::label(Align::Left);
    let leading = LEADING * style.text;
    let (mut top, mut left, mut height) = (page.top, begin, 0.0f64);
    let mut all = Vec::with_capacity(entries.len());
    for (mark, label) in entries {
        let mark = mark_width(*mark);
        let lines = style.lines(label, kind, page.right - begin - mark);
        let widest = lines.iter().map(|line| style.text_width(line, kind));
        let width = mark + widest.fold(0.0, f64::max);
        if left + width > page.right && left > begin {
            (top, left, height) = (top + height, begin, 0.0);
        }
        height = height.max(style.scaled(HEIGHT) + leading * (lines.len().max(1) - 1) as f64);
        all.push(Place { top, left, lines });
        left += width + style.scaled(BETWEEN);
    }
    (all, top + height - page.top)
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
        LegendKey::Dot(color, width) => sheet.dot((x + 1.2, y), 0.9, color, width),
        LegendKey::Cross(stroke) => cross(sheet, (x + 1.2, y), stroke),
        LegendKey::Nothing => Ok(()),
    }
}

/// A cross in mm: something that failed.
pub fn cross(sheet: &Sheet, (x, y): (f64, f64), stroke: Stroke) -> Result<()> {
    const HALF: f64 = 0.9;
    sheet.line(&[(x - HALF, y - HALF), (x + HALF, y + HALF)], stroke)?;
    sheet.line(&[(x - HALF, y + HALF), (x + HALF, y - HALF)], stroke)
}

/// The entry for the target.
pub fn target(target: &TargetModel) -> Entry {
    if let Some(samples) = target.as_samples() {
        let shown = match target.dim() {
            1 => samples.points().len(),
            _ => rows::dots(samples),
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
