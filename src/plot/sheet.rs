//! The paper: a page in millimetres that plotters draws on as SVG.

use plotters::backend::SVGBackend;
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::{Circle, PathElement, Polygon};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{
    Color, FontDesc, FontFamily, FontStyle, FontTransform, RGBAColor, ShapeStyle, TextStyle, WHITE,
};

use super::export::Svg;
use super::theme::{self, Stroke};
use crate::error::{Error, Result};
use crate::text::brief;

/// plotters' coordinates are whole numbers, so the page is ruled this finely per mm.
const PER_MM: f64 = 40.0;
/// plotters writes font sizes divided by this.
const FONT_FACTOR: f64 = 1.24;

/// DejaVu's ascent and descent together, in ems.
const FONT_HEIGHT: f64 = 1.164;

/// The radius of a ring along a line, and how far rings are apart, in mm.
const RING: f64 = 0.75;
const RINGS_APART: f64 = 14.0;

/// A point in mm from the top left.
pub type Point = (f64, f64);

/// A box in mm from the top left.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rect {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

impl Rect {
    pub fn new(left: f64, top: f64, right: f64, bottom: f64) -> Self {
        Self {
            left,
            top,
            right,
            bottom,
        }
    }

    pub fn width(&self) -> f64 {
        self.right - self.left
    }

    pub fn height(&self) -> f64 {
        self.bottom - self.top
    }

    /// One cell of an even grid over the box.
    pub fn cell(&self, (row, rows): (usize, usize), (column, columns): (usize, usize)) -> Self {
        let (width, height) = (self.width() / columns as f64, self.height() / rows as f64);
        let (left, top) = (
            self.left + width * column as f64,
            self.top + height * row as f64,
        );
        Self::new(left, top, left + width, top + height)
    }

    /// The box without its first `height` mm.
    pub fn below(&self, height: f64) -> Self {
        Self {
            top: self.top + height,
            ..*self
        }
    }
}

/// Where a text is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    Left,
    Center,
    Right,
}

/// How a text is set.
#[derive(Debug, Clone, Copy)]
pub struct Type {
    pub size: f64,
    pub bold: bool,
    pub align: Align,
    /// Reads from bottom to top.
    pub upright: bool,
}

impl Type {
    /// A label, its middle held at the given side.
    pub fn label(align: Align) -> Self {
        Self {
            size: theme::TEXT,
            bold: false,
            align,
            upright: false,
        }
    }

    /// A panel's title.
    pub fn title(align: Align) -> Self {
        Self {
            size: theme::TITLE,
            bold: true,
            ..Self::label(align)
        }
    }
}

/// A page that is being drawn on.
pub struct Sheet<'a> {
    area: DrawingArea<SVGBackend<'a>, Shift>,
    figure: &'a str,
}

/// Draws a page of the given size in mm and returns it as SVG.
pub fn draw(
    figure: &str,
    width: f64,
    height: f64,
    paint: impl FnOnce(&Sheet) -> Result<()>,
) -> Result<Svg> {
    let mut svg = String::new();
    let size = (
        (width * PER_MM).round() as u32,
        (height * PER_MM).round() as u32,
    );
    {
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        let sheet = Sheet { area, figure };
        sheet.check(sheet.area.fill(&WHITE))?;
        paint(&sheet)?;
        sheet.check(sheet.area.present())?;
    }
    // The size on paper; the ruling stays as the view box.
    let ruled = format!("width=\"{}\" height=\"{}\"", size.0, size.1);
    let printed = format!("width=\"{width}mm\" height=\"{height:.2}mm\"");
    Ok(Svg(svg.replacen(&ruled, &printed, 1)))
}

impl Sheet<'_> {
    fn check(&self, drawn: Result<(), impl std::fmt::Display>) -> Result<()> {
        drawn.map_err(|error| Error::figure(self.figure, error))
    }

    /// A line through points in mm.
    pub fn line(&self, points: &[Point], stroke: Stroke) -> Result<()> {
        for piece in dashes(points, stroke.dash) {
            let style = shape(stroke.color, stroke.width);
            self.check(self.area.draw(&PathElement::new(ruled(&piece), style)))?;
        }
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
        self.check(self.area.draw(&Polygon::new(ruled(points), color.filled())))
    }

    /// A filled dot, or a ring where `width` is given.
    pub fn dot(&self, at: Point, radius: f64, color: RGBAColor, width: Option<f64>) -> Result<()> {
        let style = match width {
            Some(width) => shape(color, width),
            None => color.filled(),
        };
        let radius = (radius * PER_MM).round() as i32;
        self.check(self.area.draw(&Circle::new(rule(at), radius, style)))
    }

    /// A text, held in the middle of its height.
    pub fn text(&self, at: Point, text: &str, kind: Type, color: RGBAColor) -> Result<()> {
        let mut font = font(kind);
        if kind.upright {
            font = font.transform(FontTransform::Rotate270);
        }
        let horizontal = match kind.align {
            Align::Left => HPos::Left,
            Align::Center => HPos::Center,
            Align::Right => HPos::Right,
        };
        let style = TextStyle::from(font)
            .color(&color)
            .pos(Pos::new(horizontal, VPos::Center));
        // The middle of small letters is above that of capitals and digits, by this much.
        let nudge = 0.08 * kind.size;
        let at = if kind.upright {
            (at.0 + nudge, at.1)
        } else {
            (at.0, at.1 + nudge)
        };
        self.check(self.area.draw_text(&brief(text), &style, rule(at)))
    }
}

/// The width of a text, in mm.
pub fn text_width(text: &str, kind: Type) -> f64 {
    let size = font(kind).layout_box(&brief(text));
    // plotters measures with the font's full height at the given size, and writes a smaller one.
    size.map_or(0.0, |((left, _), (right, _))| {
        f64::from(right - left) / PER_MM * FONT_HEIGHT / FONT_FACTOR
    })
}

fn font(kind: Type) -> FontDesc<'static> {
    let style = if kind.bold {
        FontStyle::Bold
    } else {
        FontStyle::Normal
    };
    FontDesc::new(
        FontFamily::Name(theme::FONT),
        kind.size * PER_MM * FONT_FACTOR,
        style,
    )
}

fn shape(color: RGBAColor, width: f64) -> ShapeStyle {
    color.stroke_width((width * PER_MM).round().max(1.0) as u32)
}

fn rule(point: Point) -> (i32, i32) {
    let ruled = |x: f64| (x * PER_MM).round().clamp(-1e6, 1e6) as i32;
    (ruled(point.0), ruled(point.1))
}

fn ruled(points: &[Point]) -> Vec<(i32, i32)> {
    let mut points: Vec<_> = points.iter().copied().map(rule).collect();
    points.dedup();
    points
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

/// Cuts a line into its dashes; a solid one stays whole.
fn dashes(points: &[Point], pattern: &[f64]) -> Vec<Vec<Point>> {
    let period: f64 = pattern.iter().sum();
    if period <= 0.0 {
        return vec![points.to_vec()];
    }
    let (mut pieces, mut piece) = (Vec::new(), Vec::new());
    let (mut part, mut left) = (0, pattern[0]);
    for pair in points.windows(2) {
        let (mut from, to) = (pair[0], pair[1]);
        let mut length = (to.0 - from.0).hypot(to.1 - from.1);
        while length > 0.0 {
            let step = left.min(length);
            let share = step / length;
            let next = (
                from.0 + (to.0 - from.0) * share,
                from.1 + (to.1 - from.1) * share,
            );
            if part % 2 == 0 {
                if piece.is_empty() {
                    piece.push(from);
                }
                piece.push(next);
            }
            (from, length, left) = (next, length - step, left - step);
            if left <= 0.0 {
                part = (part + 1) % pattern.len();
                left = pattern[part];
                if !piece.is_empty() {
                    pieces.push(std::mem::take(&mut piece));
                }
            }
        }
    }
    if !piece.is_empty() {
        pieces.push(piece);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use resvg::usvg::roxmltree::Document;

    use super::*;

    #[test]
    fn rings_stand_evenly_along_a_line() {
        let straight = along(&[(0.0, 0.0), (10.0, 0.0), (42.0, 0.0)]);
        assert_eq!(straight, [(7.0, 0.0), (21.0, 0.0), (35.0, 0.0)]);
        assert_eq!(along(&[(0.0, 0.0), (0.0, 8.0)]), [(0.0, 4.0)]);
        assert!(along(&[(0.0, 0.0), (0.0, 1.0)]).is_empty());
        assert!(along(&[(1.0, 1.0)]).is_empty() && along(&[]).is_empty());
    }

    #[test]
    fn every_character_is_lettered() {
        let all: Vec<char> = ('\0'..=char::MAX).collect();
        let names: Vec<String> = (all.chunks(64))
            .map(|batch| batch.iter().collect())
            .collect();
        let kind = Type::label(Align::Left);
        let Svg(svg) = draw("names", 100.0, 100.0, |sheet| {
            (names.iter())
                .try_for_each(|name| sheet.text((0.0, 0.0), name, kind, theme::INK.into()))
        })
        .unwrap();
        let read = Document::parse(&svg).unwrap();
        let texts = read.descendants().filter(|node| node.has_tag_name("text"));
        let read: Vec<&str> = texts
            .map(|node| node.text().unwrap_or_default().trim())
            .collect();
        let shown: Vec<_> = names.iter().map(|name| brief(name)).collect();
        assert_eq!(
            read,
            shown.iter().map(|name| name.trim()).collect::<Vec<_>>()
        );
        assert!(!read.concat().contains(crate::text::is_unseen));
    }
}
