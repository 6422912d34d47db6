//! TikZ: a picture that LaTeX sets in the fonts of its document.

use std::fmt::Write as _;

use plotters::style::RGBAColor;

use super::super::mark::{Align, Mark, Point, Type};
use super::Drawing;
use super::ink::is_seen;
use crate::text::{self, Part};

/// LaTeX's points in a mm.
const POINTS: f64 = 72.27 / 25.4;

/// Writes a picture, for `\input` where `\usepackage{tikz}` was said.
pub fn tikz(drawing: &Drawing, name: &str) -> String {
    let [width, height] = drawing.size;
    let mut text = format!(
        "% {name}, by klfit {}: \\input it where \\usepackage{{tikz}} was said; its letters are the document's.\n\
         \\begin{{tikzpicture}}[x=1mm,y=-1mm,line cap=butt,line join=round,inner sep=0pt,outer sep=0pt]\n\
         \\useasboundingbox (0,0) rectangle ({width:.2},{height:.2});\n\
         \\clip (0,0) rectangle ({width:.2},{height:.2});\n",
        env!("CARGO_PKG_VERSION"),
    );
    if let Some(color) = drawing
        .style
        .background
        .filter(|color| *color != plotters::style::WHITE)
    {
        let ground = paint("fill", color.into());
        _ = writeln!(
            text,
            "\\fill[{ground}] (0,0) rectangle ({width:.2},{height:.2});"
        );
    }
    for mark in drawing.marks.iter().filter(|mark| is_seen(mark)) {
        draw(&mut text, drawing, mark);
    }
    text + "\\end{tikzpicture}%\n"
}

/// A colour for what is drawn, filled or lettered.
fn paint(what: &str, RGBAColor(red, green, blue, opacity): RGBAColor) -> String {
    let mut options = format!("{what}={{rgb,255:red,{red};green,{green};blue,{blue}}}");
    if opacity < 1.0 {
        _ = write!(options, ",opacity={opacity:.3}");
    }
    options
}

fn path(points: &[Point]) -> String {
    // LaTeX's lines are short.
    let rows = points.chunks(6).map(|row| {
        let row = row.iter().map(|(x, y)| format!("({x:.3},{y:.3})"));
        row.collect::<Vec<_>>().join(" -- ")
    });
    rows.collect::<Vec<_>>().join("\n  -- ")
}

fn draw(text: &mut String, drawing: &Drawing, mark: &Mark) {
    match mark {
        Mark::Line { points, stroke } => {
            let mut options = paint("draw", stroke.color);
            _ = write!(options, ",line width={:.3}mm", stroke.width);
            if !stroke.dash.is_empty() {
                let dash = stroke.dash.iter().enumerate().map(|(i, mm)| {
                    let part = if i % 2 == 0 { "on" } else { "off" };
                    format!("{part} {mm}mm")
                });
                let dash = dash.collect::<Vec<_>>().join(" ");
                _ = write!(options, ",dash pattern={dash}");
            }
            _ = writeln!(text, "\\path[{options}] {};", path(points));
        }
        Mark::Fill { points, color } => {
            _ = writeln!(
                text,
                "\\path[{}] {} -- cycle;",
                paint("fill", *color),
                path(points)
            );
        }
        Mark::Dot {
            at: (x, y),
            radius,
            color,
            width,
        } => {
            let options = match width {
                Some(width) => format!("{},line width={width:.3}mm", paint("draw", *color)),
                None => paint("fill", *color),
            };
            _ = writeln!(
                text,
                "\\path[{options}] ({x:.3},{y:.3}) circle[radius={radius:.3}mm];"
            );
        }
        Mark::Text {
            at: (x, y),
            text: words,
            kind,
            color,
        } => {
            let options = node(drawing, *kind, *color);
            let words = set(words, *kind);
            _ = writeln!(text, "\\node[{options}] at ({x:.3},{y:.3}) {{{words}}};");
        }
    }
}

/// How a text is held: in the middle of the height of its letters, whether some of them reach below the line or not.
fn node(drawing: &Drawing, kind: Type, color: RGBAColor) -> String {
    let size = kind.size * drawing.style.text * POINTS;
    let anchor = match kind.align {
        Align::Left => "mid west",
        Align::Center => "mid",
        Align::Right => "mid east",
    };
    let mut options = paint("text", color);
    let leading = 1.2 * size;
    _ = write!(
        options,
        ",anchor={anchor},font=\\fontsize{{{size:.2}}}{{{leading:.2}}}\\selectfont"
    );
    if kind.upright {
        options.push_str(",rotate=90");
    }
    options
}

/// A text as LaTeX sets it: mathematics as it was written.
fn set(words: &str, kind: Type) -> String {
    let mut set = String::new();
    for part in text::parts(&text::brief(words)) {
        match part {
            Part::Words(words) => set += &scripts(&words),
            Part::Maths(source) => _ = write!(set, "${source}$"),
        }
    }
    match kind.bold {
        true => format!("\\textbf{{{set}}}"),
        false => set,
    }
}

/// Words, with superscript and subscript characters as LaTeX has them.
fn scripts(words: &str) -> String {
    let pieces = text::pieces(&words.replace('$', "\\$")).into_iter();
    let set = pieces.map(|piece| {
        let letters = text::latex(&piece.text);
        match piece.script {
            text::Script::Line => letters,
            text::Script::Above => format!("\\textsuperscript{{{letters}}}"),
            text::Script::Below => format!("\\textsubscript{{{letters}}}"),
        }
    });
    set.collect()
}
