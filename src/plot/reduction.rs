//! How far mixtures with fewer and fewer components are from the one they stand for.

use serde::Serialize;

use super::axis::Axis;
use super::export::Svg;
use super::figure::Figure;
use super::legend::{self, LegendKey};
use super::panel::Panel;
use super::sheet::{self, Rect};
use super::theme::{self, faded, fit_color, fit_stroke, stroke};
use crate::calculator::Answer;
use crate::error::Result;

/// Width and height of the figure, in mm.
const WIDTH: f64 = 110.0;
const HEIGHT: f64 = 74.0;
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
    name: "reduction",
    caption: "KL(full‖reduced) of mixtures with fewer components; bars are what it lies between for certain, or \
              its 95 % interval.",
    draw,
};

fn draw(points: &[ReducedPoint]) -> Result<Svg> {
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
    let entries: Vec<(LegendKey, String)> = (series.iter().enumerate())
        .map(|(i, (name, _))| {
            (
                LegendKey::Line(fit_stroke(i, theme::THICK)),
                (*name).to_owned(),
            )
        })
        .collect();
    let top = legend::height(&entries) + 1.0;
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
    let x = Axis::linear(least - pad, most + pad, "components");
    sheet::draw(FIGURE.name, WIDTH, HEIGHT, |sheet| {
        let page = Rect::new(0.0, 0.0, WIDTH, HEIGHT);
        legend::draw(sheet, page, &entries)?;
        let panel = Panel::new(sheet, page.below(top), "", x, y)?;
        for (i, (_, points)) in series.iter().enumerate().rev() {
            let shown: Vec<(f64, &Answer)> = (points.iter())
                .map(|(components, answer)| (*components as f64, answer))
                .filter(|(_, answer)| answer.value > 0.0)
                .collect();
            let line = shown.iter().map(|(at, answer)| (*at, answer.value));
            panel.line(line, fit_stroke(i, theme::NORMAL))?;
            for (at, answer) in shown {
                if let Some([low, high]) = ends(answer) {
                    let bar = [(at, low), (at, high)];
                    panel.line(bar, stroke(fit_color(i), 1.0, theme::THIN))?;
                }
                panel.dot((at, answer.value), DOT, faded(fit_color(i), 1.0), None)?;
            }
        }
        Ok(())
    })
}

/// What a bar spans: the narrower of the bracket and the interval, above 0.
fn ends(answer: &Answer) -> Option<[f64; 2]> {
    let bracket = answer.bracket.map(|bracket| [bracket.lower, bracket.upper]);
    let all = [bracket, answer.interval];
    let narrowest =
        (all.into_iter().flatten()).min_by(|a, b| (a[1] - a[0]).total_cmp(&(b[1] - b[0])));
    narrowest.map(|[low, high]| [low.max(1e-3 * answer.value), high])
}
