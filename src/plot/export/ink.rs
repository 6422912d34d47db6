//! What the ways to write a drawing have in common: where letters stand, and colours on paper.

use plotters::style::RGBAColor;

use super::super::mark::{Align, Mark, Point, Type};
use super::super::style::{LOWERED, RAISED, SCRIPT, Style};
use super::super::theme::Stroke;
use crate::text::{self, Piece, Script};

/// From the middle of a text down to the line its letters stand on, in ems: half the height of small letters, and a
/// little more since capitals and digits are higher.
pub const BASELINE: f64 = 0.33;

/// A piece of a text with where it begins on the line it stands on, in mm, and its size in mm.
pub struct Placed {
    pub piece: Piece,
    pub at: Point,
    pub size: f64,
}

/// The pieces of a text from where it is held, before an upright one is turned about that point.
pub fn placed(style: &Style, at: Point, text: &str, kind: Type) -> Vec<Placed> {
    let size = kind.size * style.text;
    let pieces = text::pieces(&text::brief(text));
    let scale = |piece: &Piece| match piece.script {
        Script::Line => 1.0,
        Script::Above | Script::Below => SCRIPT,
    };
    let width =
        |piece: &Piece| size * scale(piece) * style.font.width(&piece.text, kind.cut(piece.italic));
    let whole: f64 = pieces.iter().map(width).sum();
    let mut x = match kind.align {
        Align::Left => at.0,
        Align::Center => at.0 - 0.5 * whole,
        Align::Right => at.0 - whole,
    };
    let line = at.1 + BASELINE * size;
    (pieces.into_iter())
        .map(|piece| {
            let here = x;
            x += width(&piece);
            let raised = match piece.script {
                Script::Line => 0.0,
                Script::Above => RAISED,
                Script::Below => LOWERED,
            };
            Placed {
                at: (here, line - raised * size),
                size: size * scale(&piece),
                piece,
            }
        })
        .collect()
}

/// A colour as it looks on what a figure stands on, where nothing can be seen through.
pub fn opaque(style: &Style, color: RGBAColor) -> [f64; 3] {
    let ground = style.background.unwrap_or(plotters::style::WHITE);
    let mix = |ink: u8, paper: u8| {
        (color.3 * f64::from(ink) + (1.0 - color.3) * f64::from(paper)) / 255.0
    };
    [
        mix(color.0, ground.0),
        mix(color.1, ground.1),
        mix(color.2, ground.2),
    ]
}

/// Whether a mark is seen.
pub fn is_seen(mark: &Mark) -> bool {
    let (Mark::Line {
        stroke: Stroke { color, .. },
        ..
    }
    | Mark::Fill { color, .. }
    | Mark::Dot { color, .. }
    | Mark::Text { color, .. }) = mark;
    color.3 > 0.0
}
