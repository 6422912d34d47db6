//! SVG, drawn by plotters.

use plotters::backend::SVGBackend;
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::{Circle, PathElement, Polygon};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{
    Color, FontDesc, FontFamily, FontStyle, FontTransform, RGBAColor, ShapeStyle, TextStyle,
};

use super::super::font::Cut;
use super::super::mark::{Align, Mark, Point, Type};
use super::super::style::Style;
use super::Drawing;
use super::ink::{BASELINE, placed};
use crate::error::{Error, Result};
use crate::text::Script;

/// plotters' coordinates are whole numbers, so the page is ruled this finely per mm.
const PER_MM: f64 = 40.0;
/// plotters writes font sizes divided by this.
const FONT_FACTOR: f64 = 1.24;
/// plotters holds a text half the height of an x above the line its letters stand on, which is a quarter of an em to
/// programs that do not know the font.
const HELD: f64 = 0.25;

/// Draws a page.
pub fn svg(drawing: &Drawing, name: &str) -> Result<String> {
    let (mut svg, mut lengths) = (String::new(), Vec::new());
    let [width, height] = drawing.size;
    let size = [width, height].map(|length| (length * PER_MM).round() as u32);
    {
        let area = SVGBackend::with_string(&mut svg, (size[0], size[1])).into_drawing_area();
        let failed = |error: String| Error::figure(name, error);
        if let Some(color) = drawing.style.background {
            area.fill(&color)
                .map_err(|error| failed(error.to_string()))?;
        }
        for mark in &drawing.marks {
            paint(&area, &drawing.style, mark, &mut lengths).map_err(failed)?;
        }
        area.present().map_err(|error| failed(error.to_string()))?;
    }
    // The size on paper; the ruling stays as the view box.
    let ruled = format!("width=\"{}\" height=\"{}\"", size[0], size[1]);
    let printed = format!("width=\"{width}mm\" height=\"{height:.2}mm\"");
    Ok(with_lengths(&svg.replacen(&ruled, &printed, 1), &lengths))
}

/// Gives every text the length that it was laid out with: a program that lacks the font sets another one, whose letters
/// would run into what stands beside them.
fn with_lengths(svg: &str, lengths: &[f64]) -> String {
    const TEXT: &str = "<text ";
    let mut parts = svg.split(TEXT);
    let mut set = parts.next().unwrap_or_default().to_owned();
    for (part, length) in parts.zip(lengths) {
        let length = format!("textLength=\"{length:.1}\" lengthAdjust=\"spacingAndGlyphs\" ");
        set.extend([TEXT, &length, part]);
    }
    set
}

fn paint(
    area: &DrawingArea<SVGBackend, Shift>,
    style: &Style,
    mark: &Mark,
    lengths: &mut Vec<f64>,
) -> Result<(), String> {
    match mark {
        Mark::Line { points, stroke } => {
            for piece in dashes(points, stroke.dash) {
                let style = shape(stroke.color, stroke.width);
                let line = PathElement::new(ruled(&piece), style);
                area.draw(&line).map_err(|error| error.to_string())?;
            }
            Ok(())
        }
        Mark::Fill { points, color } => {
            let polygon = Polygon::new(ruled(points), color.filled());
            area.draw(&polygon).map_err(|error| error.to_string())
        }
        Mark::Dot {
            at,
            radius,
            color,
            width,
        } => {
            let style = match width {
                Some(width) => shape(*color, *width),
                None => color.filled(),
            };
            let radius = (radius * PER_MM).round() as i32;
            let circle = Circle::new(rule(*at), radius, style);
            area.draw(&circle).map_err(|error| error.to_string())
        }
        Mark::Text {
            at,
            text,
            kind,
            color,
        } => letter(area, style, (*at, text, *kind, *color), lengths),
    }
}

/// Sets a text: whole where all of it is on the line, so that it can be edited, and by its pieces otherwise.
fn letter(
    area: &DrawingArea<SVGBackend, Shift>,
    style: &Style,
    (at, text, kind, color): (Point, &str, Type, RGBAColor),
    lengths: &mut Vec<f64>,
) -> Result<(), String> {
    let mut set = |(x, y): Point, text: &str, size: f64, align: Align, cut: Cut| {
        // Spaces at the ends of a text are none in SVG.
        let words = text.trim_start_matches(' ');
        let space = size * style.font.width(&text[..text.len() - words.len()], cut);
        let x = if align == Align::Left { x + space } else { x };
        let text = words.trim_end_matches(' ');
        if text.is_empty() || color.3 == 0.0 {
            return Ok(());
        }
        lengths.push(size * PER_MM * style.font.width(text, cut));
        let cut = match cut {
            Cut::Regular => FontStyle::Normal,
            Cut::Bold => FontStyle::Bold,
            Cut::Italic => FontStyle::Italic,
        };
        let family = FontFamily::Name(&style.font.family);
        let mut font = FontDesc::new(family, size * PER_MM * FONT_FACTOR, cut);
        if kind.upright {
            font = font.transform(FontTransform::Rotate270);
        }
        let held = match align {
            Align::Left => HPos::Left,
            Align::Center => HPos::Center,
            Align::Right => HPos::Right,
        };
        let set = TextStyle::from(font)
            .color(&color)
            .pos(Pos::new(held, VPos::Center));
        let at = turned(at, (x, y - HELD * size), kind.upright);
        area.draw_text(text, &set, rule(at))
            .map_err(|error| error.to_string())
    };
    let pieces = placed(style, at, text, kind);
    if let [one] = &pieces[..]
        && one.piece.script == Script::Line
    {
        let middle = (at.0, at.1 + BASELINE * one.size);
        return set(
            middle,
            &one.piece.text,
            one.size,
            kind.align,
            kind.cut(one.piece.italic),
        );
    }
    (pieces.iter()).try_for_each(|one| {
        let cut = kind.cut(one.piece.italic);
        set(one.at, &one.piece.text, one.size, Align::Left, cut)
    })
}

/// A point of a text that reads upwards, turned about where the text is held.
fn turned(about: Point, (x, y): Point, upright: bool) -> Point {
    match upright {
        true => (about.0 + (y - about.1), about.1 - (x - about.0)),
        false => (x, y),
    }
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

    use super::super::super::sheet;
    use super::super::super::style::ink;
    use super::*;
    use crate::config::FigureConfig;
    use crate::text;

    #[test]
    fn every_character_is_lettered() {
        // Scripts are set as such, and dollars enclose mathematics.
        let is_set = |c: &char| !"⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ⁿ₀₁₂₃₄₅₆₇₈₉₋₊ₙ$\\".contains(*c);
        let all: Vec<char> = ('\0'..=char::MAX).filter(is_set).collect();
        let names: Vec<String> = (all.chunks(64))
            .map(|batch| batch.iter().collect())
            .collect();
        let kind = Type::label(Align::Left);
        let style = Style::new(&FigureConfig::default()).unwrap();
        let drawing = sheet::draw(&style, 100.0, 100.0, |sheet| {
            (names.iter()).try_for_each(|name| sheet.text((0.0, 0.0), name, kind, ink()))
        });
        let svg = svg(&drawing.unwrap(), "names").unwrap();
        let read = Document::parse(&svg).unwrap();
        let texts = read.descendants().filter(|node| node.has_tag_name("text"));
        let read: Vec<&str> = texts
            .map(|node| node.text().unwrap_or_default().trim())
            .collect();
        let shown: Vec<_> = names.iter().map(|name| text::brief(name)).collect();
        assert_eq!(
            read,
            shown.iter().map(|name| name.trim()).collect::<Vec<_>>()
        );
        assert!(!read.concat().contains(text::is_unseen));
    }

    #[test]
    fn a_text_is_as_long_as_it_was_laid_out_whatever_font_it_is_set_in() {
        let style = Style::new(&FigureConfig::default()).unwrap();
        let kind = Type::label(Align::Left);
        let width = |text: &str| style.text_width(text, kind);
        let drawing = sheet::draw(&style, 100.0, 100.0, |sheet| {
            sheet.text((10.0, 10.0), "reverse KL", kind, ink())?;
            sheet.text((10.0, 20.0), "of $x$ here", kind, ink())
        });
        let svg = svg(&drawing.unwrap(), "lengths").unwrap();
        let read = Document::parse(&svg).unwrap();
        let texts = read.descendants().filter(|node| node.has_tag_name("text"));
        let number = |name, node: &resvg::usvg::roxmltree::Node| {
            node.attribute(name).unwrap().parse::<f64>().unwrap() / PER_MM
        };
        let found: Vec<[f64; 2]> = texts
            .map(|node| [number("x", &node), number("textLength", &node)])
            .collect();
        let of_x = width("of $x$ ") - width("of ") - width(" ");
        let expected = [
            [10.0, width("reverse KL")],
            [10.0, width("of")],
            [10.0 + width("of "), of_x],
            [10.0 + width("of $x$ "), width("here")],
        ];
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().flatten().zip(expected.iter().flatten()) {
            assert!((found - expected).abs() < 0.05, "{found} {expected}");
        }
    }

    #[test]
    fn pieces_follow_each_other_wherever_a_text_is_held() {
        let style = Style::new(&FigureConfig::default()).unwrap();
        let width = style.text_width("$x_1$ up", Type::label(Align::Left));
        for (align, begin) in [
            (Align::Left, 0.0),
            (Align::Center, 0.5 * width),
            (Align::Right, width),
        ] {
            for upright in [false, true] {
                let kind = Type {
                    upright,
                    ..Type::label(align)
                };
                let drawing = sheet::draw(&style, 100.0, 100.0, |sheet| {
                    sheet.text((50.0, 50.0), "$x_1$ up", kind, ink())
                });
                let svg = svg(&drawing.unwrap(), "text").unwrap();
                let read = Document::parse(&svg).unwrap();
                let texts: Vec<_> = (read.descendants())
                    .filter(|node| node.has_tag_name("text"))
                    .collect();
                let words: Vec<&str> = texts
                    .iter()
                    .filter_map(|node| node.text())
                    .map(str::trim)
                    .collect();
                assert_eq!(words, ["x", "1", "up"]);
                let number =
                    |name| texts[0].attribute(name).unwrap().parse::<f64>().unwrap() / PER_MM;
                // Of an upright text x and y are where it is turned about.
                let start = if upright {
                    50.0 - number("y")
                } else {
                    number("x") - 50.0
                };
                assert!(
                    (start + begin).abs() < 0.05,
                    "{align:?} {upright}: {start} {begin}"
                );
            }
        }
    }
}
