//! How far mixtures with fewer and fewer components are from the one they stand for.

use serde::Serialize;

use super::axis::Axis;
use super::export::Drawing;
use super::figure::Figure;
use super::layout::Layout;
use super::legend::{Entry, LegendKey};
use super::margins::{Margins, ROOMY};
use super::panel::Panel;
use super::style::Style;
use super::theme::{self, Stroke, faded, stroke};
use crate::calculator::{Answer, Claim};
use crate::config::FigureName;
use crate::error::Result;

/// The height of its panel, in mm.
const HEIGHT: f64 = 64.0;
/// Between the legend and the panel, in mm.
const AIR: f64 = 3.0;
/// The radius of a dot, in mm.
const DOT: f64 = 0.9;

/// A number of components, and what it costs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReducedPoint {
    /// K.
    pub components: usize,
    /// KL(full‖reduced) in nats.
    pub kl: Answer,
    /// The same after merging alone, where more was done.
    pub merged: Option<Answer>,
}

/// The figure.
pub const FIGURE: Figure<[ReducedPoint]> = Figure {
    name: FigureName::Reduction,
    caption: |_, _| {
        Ok("KL(full‖reduced) of mixtures with fewer components; faint bars are what it lies between for certain, \
              others its 95 % interval.".to_owned())
    },
    draw,
};

fn draw(points: &[ReducedPoint], style: &Style) -> Result<Drawing> {
    style.chosen(FIGURE.name.name(), &[])?;
    let own = |point: &ReducedPoint| Some((point.components, point.kl.clone()));
    let merged = |point: &ReducedPoint| Some((point.components, point.merged.clone()?));
    let mut series: Vec<(&str, Vec<(usize, Answer)>)> = vec![(
        "merged and refined",
        points.iter().filter_map(own).collect(),
    )];
    let merged: Vec<(usize, Answer)> = points.iter().filter_map(merged).collect();
    match merged.is_empty() {
        true => series[0].0 = "merged",
        false => series.push(("merged alone", merged)),
    }
    let mut entries: Vec<Entry> = (series.iter().enumerate())
        .map(|(i, (name, _))| {
            (
                LegendKey::Line(style.fit_stroke(i, theme::THICK)),
                (*name).to_owned(),
            )
        })
        .collect();
    let brackets = series
        .iter()
        .flat_map(|(_, points)| points)
        .any(|(_, answer)| answer.bracket.is_some_and(|bracket| bracket.width() > 0.0));
    if brackets {
        let name = "certainly within".to_owned();
        entries.push((LegendKey::Line(bracket_stroke(style, 0)), name));
    }
    let values = series
        .iter()
        .flat_map(|(_, points)| points)
        .map(|(_, answer)| answer.value);
    // The mixture itself is 0 from itself, which no log scale has.
    let y = Axis::holding(
        values.filter(|value| *value > 0.0),
        "KL(full‖reduced) in nats",
    );
    let numbers = || points.iter().map(|point| point.components as f64);
    let (least, most) = (
        numbers().fold(f64::INFINITY, f64::min).min(1.0),
        numbers().fold(1.0, f64::max),
    );
    let pad = 0.04 * (most - least).max(1.0);
    let x = Axis::linear(least - pad, most + pad, "components").whole();
    let layout = Layout::of_height(style, &entries, HEIGHT)?;
    layout.draw(&entries, |sheet| {
        let margins = Margins { top: AIR, ..ROOMY };
        let panel = Panel::within(sheet, layout.body, margins, x, y)?;
        for (i, (_, points)) in series.iter().enumerate().rev() {
            let shown: Vec<(f64, &Answer)> = (points.iter())
                .map(|(components, answer)| (*components as f64, answer))
                .filter(|(_, answer)| answer.value > 0.0)
                .collect();
            let line = shown.iter().map(|(at, answer)| (*at, answer.value));
            panel.line(line, style.fit_stroke(i, theme::NORMAL))?;
            for (at, answer) in shown {
                for ([low, high], stroke) in bars(style, answer, i) {
                    panel.line([(at, low), (at, high)], stroke)?;
                }
                panel.dot(
                    (at, answer.value),
                    DOT,
                    faded(style.fit_color(i), 1.0),
                    None,
                )?;
            }
        }
        Ok(())
    })
}

/// What a number lies between for certain, and its interval of a sample, each with how it is drawn.
fn bars(
    style: &Style,
    answer: &Answer,
    series: usize,
) -> impl Iterator<Item = ([f64; 2], Stroke)> + use<> {
    let bracket = answer.bracket.map(|bracket| [bracket.lower, bracket.upper]);
    let interval = answer.interval.filter(|_| answer.claim == Claim::Sample);
    let drawn = [
        // Of both they would hide each other.
        (
            bracket.filter(|_| series == 0),
            bracket_stroke(style, series),
        ),
        (
            interval,
            stroke(style.fit_color(series), 1.0, theme::NORMAL),
        ),
    ];
    drawn
        .into_iter()
        .filter_map(|(ends, stroke)| Some((ends?, stroke)))
}

fn bracket_stroke(style: &Style, series: usize) -> Stroke {
    stroke(style.fit_color(series), 0.35, theme::THICK)
}
