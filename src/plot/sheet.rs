//! The paper: a page in millimetres that notes what is drawn on it.

use std::cell::RefCell;
use std::collections::BTreeSet;

use plotters::style::{RGBAColor, WHITE};

use super::export::Drawing;
use super::mark::{Mark, Point, Type};
use super::style::{Style, ink};
use super::theme::Stroke;
use crate::error::Result;

/// The radius of a ring along a line, and how far rings are apart, in mm.
const RING: f64 = 0.75;
const RINGS_APART: f64 = 14.0;
/// Lines of a text are so far apart, in ems.
pub const LEADING: f64 = 1.25;

/// A page that is being drawn on.
pub struct Sheet<'a> {
    /// What it looks like.
    pub style: &'a Style,
    marks: RefCell<Vec<Mark>>,
    texts: RefCell<BTreeSet<String>>,
}

/// Draws a page of the given size in mm.
pub fn draw(
    style: &Style,
    width: f64,
    height: f64,
    paint: impl FnOnce(&Sheet) -> Result<()>,
) -> Result<Drawing> {
    let sheet = Sheet {
        style,
        marks: RefCell::default(),
        texts: RefCell::default(),
    };
    paint(&sheet)?;
    Ok(Drawing {
        size: [width, height],
        style: style.clone(),
        marks: sheet.marks.into_inner(),
        texts: sheet.texts.into_inner(),
    })
}

impl Sheet<'_> {
    fn note(&self, mark: Mark) -> Result<()> {
        self.marks.borrow_mut().push(mark);
        Ok(())
    }

    /// A line through points in mm.
    pub fn line(&self, points: &[Point], stroke: Stroke) -> Result<()> {
        if points.is_empty() || stroke.color.3 == 0.0 {
            return Ok(());
        }
        self.note(Mark::Line {
            points: points.to_vec(),
            stroke,
        })?;
        if stroke.is_marked {
            for at in along(points) {
                self.dot(at, RING, WHITE.into(), None)?;
                self.dot(at, RING, stroke.color, Some(stroke.width))?;
            }
        }
        Ok(())
    }

    /// A filled polygon.
    pub fn fill(&self, points: &[Point], color: RGBAColor) -> Result<()> {
        if points.len() < 3 {
            return Ok(());
        }
        self.note(Mark::Fill {
            points: points.to_vec(),
            color,
        })
    }

    /// A filled dot, or a ring where `width` is given.
    pub fn dot(&self, at: Point, radius: f64, color: RGBAColor, width: Option<f64>) -> Result<()> {
        self.note(Mark::Dot {
            at,
            radius,
            color,
            width,
        })
    }

    /// A text, held in the middle of its height.
    pub fn text(&self, at: Point, text: &str, kind: Type, color: RGBAColor) -> Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        self.texts.borrow_mut().insert(text.to_owned());
        let text = self.style.word(text).to_owned();
        self.note(Mark::Text {
            at,
            text,
            kind,
            color,
        })
    }

    /// A text on several lines, the middle of the first held at a point.
    pub fn lines(&self, at: Point, lines: &[String], kind: Type) -> Result<()> {
        let apart = LEADING * kind.size * self.style.text;
        lines
            .iter()
            .enumerate()
            .try_for_each(|(i, line)| self.text((at.0, at.1 + apart * i as f64), line, kind, ink()))
    }

    /// Notes that a text is drawn, in pieces that are not it.
    pub fn names(&self, text: &str) {
        self.texts.borrow_mut().insert(text.to_owned());
    }
}

/// Points along a line where its rings stand, the first and the last half a distance from its ends; one in the middle
/// of a short line, and none on a speck.
fn along(points: &[Point]) -> Vec<Point> {
    let lengths = |pair: &[Point]| (pair[1].0 - pair[0].0).hypot(pair[1].1 - pair[0].1);
    let whole: f64 = points.windows(2).map(lengths).sum();
    if whole.is_nan() || whole <= 2.0 * RING {
        return Vec::new();
    }
    let count = (whole / RINGS_APART).round().max(1.0);
    let mut next = 0.5 * whole / count;
    let (mut places, mut passed) = (Vec::new(), 0.0);
    for pair in points.windows(2) {
        let length = lengths(pair);
        while next <= passed + length && length > 0.0 {
            let share = (next - passed) / length;
            let between = |from: f64, to: f64| from + share * (to - from);
            places.push((between(pair[0].0, pair[1].0), between(pair[0].1, pair[1].1)));
            next += whole / count;
        }
        passed += length;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rings_stand_evenly_along_a_line() {
        let straight = along(&[(0.0, 0.0), (10.0, 0.0), (42.0, 0.0)]);
        assert_eq!(straight, [(7.0, 0.0), (21.0, 0.0), (35.0, 0.0)]);
        assert_eq!(along(&[(0.0, 0.0), (0.0, 8.0)]), [(0.0, 4.0)]);
        assert!(along(&[(0.0, 0.0), (0.0, 1.0)]).is_empty());
        assert!(along(&[(1.0, 1.0)]).is_empty() && along(&[]).is_empty());
    }
}
