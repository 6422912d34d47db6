//! Encapsulated PostScript: letters are outlines, and what can be seen through is mixed with the paper.

use std::fmt::Write as _;

use plotters::style::RGBAColor;

use super::super::font::Stroke as Pen;
use super::super::mark::{Mark, Point};
use super::Drawing;
use super::ink::{is_seen, opaque, placed};

/// Points of PostScript per mm.
const PER_MM: f64 = 72.0 / 25.4;

/// Writes a page.
pub fn eps(drawing: &Drawing, name: &str) -> String {
    let [width, height] = drawing.size.map(|mm| mm * PER_MM);
    let mut text = format!(
        "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 {} {}\n%%HiResBoundingBox: 0 0 {width:.3} {height:.3}\n\
         %%Title: {name}\n%%Creator: klfit {}\n%%LanguageLevel: 2\n%%EndComments\n\
         /m {{moveto}} bind def /l {{lineto}} bind def /c {{curveto}} bind def /h {{closepath}} bind def\n\
         /s {{stroke}} bind def /f {{fill}} bind def /ef {{eofill}} bind def /k {{setrgbcolor}} bind def\n\
         /w {{setlinewidth}} bind def /d {{0 setdash}} bind def\n\
         gsave 0 0 {width:.3} {height:.3} rectclip 0 setlinecap 1 setlinejoin\n",
        width.ceil(),
        height.ceil(),
        env!("CARGO_PKG_VERSION"),
    );
    let page = Page { drawing, height };
    if let Some(color) = drawing.style.background {
        page.color(&mut text, color.into());
        _ = writeln!(text, "0 0 {width:.3} {height:.3} rectfill");
    }
    for mark in drawing.marks.iter().filter(|mark| is_seen(mark)) {
        page.mark(&mut text, mark);
    }
    text + "grestore\nshowpage\n%%EOF\n"
}

struct Page<'d> {
    drawing: &'d Drawing,
    /// In points.
    height: f64,
}

impl Page<'_> {
    fn color(&self, text: &mut String, color: RGBAColor) {
        let [red, green, blue] = opaque(&self.drawing.style, color);
        _ = writeln!(text, "{red:.3} {green:.3} {blue:.3} k");
    }

    fn point(&self, (x, y): Point) -> String {
        format!("{:.2} {:.2}", x * PER_MM, self.height - y * PER_MM)
    }

    fn path(&self, text: &mut String, points: &[Point]) {
        for (i, point) in points.iter().enumerate() {
            _ = writeln!(
                text,
                "{} {}",
                self.point(*point),
                if i == 0 { "m" } else { "l" }
            );
        }
    }

    fn mark(&self, text: &mut String, mark: &Mark) {
        match mark {
            Mark::Line { points, stroke } => {
                self.color(text, stroke.color);
                let dash = stroke.dash.iter().map(|mm| format!("{:.3}", mm * PER_MM));
                let dash = dash.collect::<Vec<_>>().join(" ");
                _ = writeln!(text, "{:.3} w [{dash}] d", stroke.width * PER_MM);
                self.path(text, points);
                text.push_str("s\n");
            }
            Mark::Fill { points, color } => {
                self.color(text, *color);
                self.path(text, points);
                text.push_str("h f\n");
            }
            Mark::Dot {
                at,
                radius,
                color,
                width,
            } => {
                self.color(text, *color);
                _ = writeln!(
                    text,
                    "newpath {} {:.3} 0 360 arc h",
                    self.point(*at),
                    radius * PER_MM
                );
                match width {
                    Some(width) => _ = writeln!(text, "{:.3} w [] d s", width * PER_MM),
                    None => text.push_str("f\n"),
                }
            }
            Mark::Text {
                at,
                text: words,
                kind,
                color,
            } => {
                self.color(text, *color);
                let turn = if kind.upright { 90 } else { 0 };
                _ = writeln!(text, "gsave {} translate {turn} rotate", self.point(*at));
                for one in placed(&self.drawing.style, *at, words, *kind) {
                    let on_page = |[x, y]: [f64; 2]| {
                        let (x, y) = (
                            one.at.0 - at.0 + one.size * x,
                            at.1 - one.at.1 + one.size * y,
                        );
                        format!("{:.3} {:.3}", x * PER_MM, y * PER_MM)
                    };
                    let cut = kind.cut(one.piece.italic);
                    for pen in self.drawing.style.font.outlines(&one.piece.text, cut) {
                        _ = match pen {
                            Pen::Move(to) => writeln!(text, "{} m", on_page(to)),
                            Pen::Line(to) => writeln!(text, "{} l", on_page(to)),
                            Pen::Curve(points) => {
                                writeln!(text, "{} c", points.map(on_page).join(" "))
                            }
                            Pen::Close => writeln!(text, "h"),
                        };
                    }
                    text.push_str("f\n");
                }
                text.push_str("grestore\n");
            }
        }
    }
}
