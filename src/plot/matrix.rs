//! A divergence between every two of several densities, as a table of colours.

use super::export::Drawing;
use super::figure::Figure;
use super::layout::Layout;
use super::mark::{Align, Point, Rect, Type};
use super::sheet::{LEADING, Sheet};
use super::style::Style;
use super::theme::{self, faded, ramp, stroke};
use crate::calculator::Matrix;
use crate::config::FigureName;
use crate::error::Result;
use crate::text;

/// The side of a cell at most and at least, in mm.
const CELL: (f64, f64) = (22.0, 4.0);
/// Of the numbers beside the scale and at most of those in the cells, whose shades say the same where there is no room
/// for any.
const DIGITS: usize = 3;
/// The share of the page's width that names may take.
const NAMES: f64 = 0.35;
/// Room around the table, for the title above it, and for the scale beside it, in mm where letters have 8 points.
const GAP: f64 = 3.0;
const TITLE: f64 = 8.0;
const SCALE: f64 = 24.0;

/// The figure.
pub const FIGURE: Figure<Matrix> = Figure {
    name: FigureName::Matrix,
    caption: |_, _| Ok("A divergence between every two of the densities.".to_owned()),
    draw,
};

/// Draws the figure: p in rows, q in columns, dark where they are far apart.
fn draw(matrix: &Matrix, style: &Style) -> Result<Drawing> {
    style.chosen(FIGURE.name.name(), &[])?;
    let n = matrix.names.len();
    let label = Type::label(Align::Right);
    let longest = (matrix.names.iter())
        .map(|name| style.text_width(name, label))
        .fold(0.0, f64::max);
    let most = NAMES * style.width;
    let (scale, gap) = (style.scaled(SCALE), style.scaled(GAP));
    let names: Vec<String> = matrix
        .names
        .iter()
        .map(|name| style.shortened(name, label, most))
        .collect();
    let room = longest.min(most) + 2.0 * gap;
    let least = CELL.1.max(1.2 * style.text);
    let side = ((style.width - room - scale - gap) / n as f64).clamp(least, CELL.0.max(least));
    // Names above the table stand upright where they do not fit in their column.
    let upright = longest > side - 1.0;
    let width = room + side * n as f64 + gap + scale;
    let kind = Type::title(Align::Center);
    let words = style.lines(&title_of(matrix), kind, width - 2.0 * gap);
    let leading = LEADING * kind.size * style.text;
    let title = style.scaled(TITLE) + leading * (words.len().max(1) - 1) as f64;
    let above = title + if upright { room } else { 2.0 * gap };
    let height = above + side * n as f64 + gap;
    let layout = Layout::of_size(style, &[], [width, height], height)?;
    let top = layout.body.top;
    let table = Rect::new(
        room,
        top + above,
        room + side * n as f64,
        top + height - gap,
    );
    layout.draw(&[], |sheet| {
        // Centred on the table, as far as the page goes.
        let widest = words.iter().map(|line| style.text_width(line, kind));
        let half = 0.5 * widest.fold(0.0, f64::max) + gap;
        let middle = 0.5 * (table.left + table.right);
        let at = (
            middle.min(width - half).max(half),
            top + 0.55 * style.scaled(TITLE),
        );
        sheet.lines(at, &words, kind)?;
        sheet.names(&title_of(matrix));
        let shades = Shades::new(matrix);
        let digits = (1..=DIGITS).rev().find(|digits| {
            let mut numbers = matrix.answers.iter().flatten();
            let width =
                |value| style.text_width(&number(value, *digits), Type::label(Align::Center));
            numbers.all(|answer| width(answer.value) + 0.4 * style.text <= side)
        });
        for (i, row) in matrix.answers.iter().enumerate() {
            for (j, answer) in row.iter().enumerate() {
                draw_cell(
                    sheet,
                    table.cell((i, n), (j, n)),
                    answer.value,
                    &shades,
                    digits,
                )?;
            }
        }
        for (i, name) in names.iter().enumerate() {
            let row = table.cell((i, n), (0, n));
            let at = (table.left - gap, 0.5 * (row.top + row.bottom));
            sheet.text(at, name, label, theme::INK.into())?;
            let column = table.cell((0, n), (i, n));
            let at = (0.5 * (column.left + column.right), table.top - gap);
            let kind = Type {
                upright,
                ..Type::label(if upright { Align::Left } else { Align::Center })
            };
            sheet.text(at, name, kind, theme::INK.into())?;
        }
        let left = table.right + gap;
        let bottom = table.bottom.min(table.top + 60.0);
        draw_scale(
            sheet,
            Rect::new(left, table.top, left + 4.0, bottom),
            &shades,
        )
    })
}

fn title_of(matrix: &Matrix) -> String {
    format!(
        "{}, p in rows and q in columns",
        matrix.divergence.with_unit()
    )
}

/// From a value to a colour: light where p and q are near, dark where they are far.
struct Shades {
    low: f64,
    high: f64,
    log: bool,
}

impl Shades {
    /// From the least to the greatest value that is not 0, by their logarithms where they are
    /// decades apart.
    fn new(matrix: &Matrix) -> Self {
        let values = (matrix.answers.iter().flatten()).map(|answer| answer.value);
        let shown = values.filter(|value| value.is_finite() && *value > 0.0);
        let low = shown.clone().fold(f64::INFINITY, f64::min);
        let high = shown.fold(f64::NEG_INFINITY, f64::max);
        if low > high {
            return Self {
                low: 0.0,
                high: 1.0,
                log: false,
            };
        }
        let log = high > 50.0 * low;
        Self {
            low: if log { low } else { 0.0 },
            high,
            log,
        }
    }

    fn share(&self, value: f64) -> f64 {
        if self.log {
            (value / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        }
    }

    fn value(&self, share: f64) -> f64 {
        if self.log {
            self.low * (self.high / self.low).powf(share)
        } else {
            self.low + share * (self.high - self.low)
        }
    }
}

fn outline(cell: Rect) -> [Point; 4] {
    [
        (cell.left, cell.top),
        (cell.right, cell.top),
        (cell.right, cell.bottom),
        (cell.left, cell.bottom),
    ]
}

/// A number as a cell has it.
fn number(value: f64, digits: usize) -> String {
    match value.is_infinite() {
        true => "∞".to_owned(),
        false => text::typographic(text::significant(value, digits)),
    }
}

fn draw_cell(
    sheet: &Sheet,
    cell: Rect,
    value: f64,
    shades: &Shades,
    digits: Option<usize>,
) -> Result<()> {
    let is_shown = value.is_finite() && value > 0.0;
    let share = shades.share(value).clamp(0.0, 1.0);
    let color = match (is_shown, value.is_infinite()) {
        (true, _) => faded(ramp(1.0 - share), 1.0),
        (false, true) => faded(theme::INK, 1.0),
        (false, false) => faded(theme::GRID, 0.5),
    };
    sheet.fill(&outline(cell), color)?;
    let Some(digits) = digits else {
        return Ok(());
    };
    // White on the dark half of the ramp.
    let is_dark = value.is_infinite() || (is_shown && share > 0.4);
    let ink = if is_dark {
        plotters::style::WHITE
    } else {
        theme::INK
    };
    let at = (
        0.5 * (cell.left + cell.right),
        0.5 * (cell.top + cell.bottom),
    );
    let text = number(value, digits);
    sheet.text(at, &text, Type::label(Align::Center), ink.into())
}

fn draw_scale(sheet: &Sheet, bar: Rect, shades: &Shades) -> Result<()> {
    const PIECES: usize = 64;
    for piece in 0..PIECES {
        let share = 1.0 - piece as f64 / (PIECES - 1) as f64;
        let cell = bar.cell((piece, PIECES), (0, 1));
        // A little overlap leaves no seams.
        let cell = Rect {
            bottom: (cell.bottom + 0.2).min(bar.bottom),
            ..cell
        };
        sheet.fill(&outline(cell), faded(ramp(1.0 - share), 1.0))?;
    }
    for share in [0.0, 0.5, 1.0] {
        let y = bar.bottom - share * bar.height();
        let line = [(bar.right, y), (bar.right + 1.0, y)];
        sheet.line(&line, stroke(theme::INK, 1.0, theme::THIN))?;
        let text = text::typographic(text::significant(shades.value(share), DIGITS));
        sheet.text(
            (bar.right + 1.8, y),
            &text,
            Type::label(Align::Left),
            theme::INK.into(),
        )?;
    }
    Ok(())
}
