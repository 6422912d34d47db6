//! Divergences over two parameters: filled levels of their logarithms, with what happened on them.

use super::axis::Axis;
use super::contour::ContourGrid;
use super::export::Svg;
use super::figure::Figure;
use super::panel::Panel;
use super::sheet::{self, Align, Rect, Sheet, Type};
use super::theme::{self, Stroke, faded, fit_color, fit_stroke, stroke};
use crate::error::Result;
use crate::text;

/// The shares of the cells below each level.
const SHARES: [f64; 9] = [0.0, 0.015, 0.05, 0.11, 0.2, 0.32, 0.47, 0.64, 0.82];
/// What lies this many decades below the greatest value is all one.
const DECADES: f64 = 6.0;
/// The height of a panel and the width of the scale beside it, in mm.
const HEIGHT: f64 = 72.0;
const SCALE: f64 = 14.0;
/// Panels beside each other.
const COLUMNS: usize = 2;

/// What is drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Scene {
    /// What the two parameters are called.
    pub labels: [String; 2],
    /// The values of the first.
    pub columns: Vec<f64>,
    /// The values of the second.
    pub rows: Vec<f64>,
    /// For each divergence its title with its unit, its values row after row, and what is marked.
    pub panels: Vec<(String, Vec<f64>, Vec<Mark>)>,
    /// For each panel the optimum that is reached from every cell, by its place; empty to leave out.
    pub reached: Vec<Vec<Option<usize>>>,
}

/// Something at a place on a landscape.
#[derive(Debug, Clone, PartialEq)]
pub enum Mark {
    /// Where a fit starts.
    Start {
        /// Both parameters.
        at: [f64; 2],
    },
    /// An optimum: the best is filled.
    Optimum {
        /// Both parameters.
        at: [f64; 2],
        /// Whether no other is better.
        is_best: bool,
        /// Its value, as it is to be read.
        label: String,
    },
    /// The way of a run, in the colour of its fit.
    Path {
        /// Both parameters, step by step.
        points: Vec<[f64; 2]>,
        /// The place of its fit in the config.
        fit: usize,
        /// Whether it stands out, as the best run does.
        is_best: bool,
    },
}

/// The figure.
pub const FIGURE: Figure<Scene> = Figure {
    name: "landscape",
    caption: "What each fit goes down on, over two of its parameters, with the optima and the ways there.",
    draw,
};

/// Draws the figure.
fn draw(scene: &Scene) -> Result<Svg> {
    let columns = scene.panels.len().clamp(1, COLUMNS);
    let rows = scene.panels.len().div_ceil(columns).max(1);
    let height = rows as f64 * HEIGHT;
    sheet::draw(FIGURE.name, theme::PAGE, height, |sheet| {
        let page = Rect::new(0.0, 0.0, theme::PAGE, height);
        for (i, (title, values, marks)) in scene.panels.iter().enumerate() {
            let cell = page.cell((i / columns, rows), (i % columns, columns));
            let reached = scene.reached.get(i).map_or(&[][..], Vec::as_slice);
            draw_panel(sheet, cell, scene, (title, values, marks), reached)?;
        }
        Ok(())
    })
}

fn ends(values: &[f64]) -> (f64, f64) {
    let first = values.first().copied().unwrap_or(0.0);
    (first, values.last().copied().unwrap_or(1.0))
}

fn draw_panel(
    sheet: &Sheet,
    cell: Rect,
    scene: &Scene,
    (title, values, marks): (&str, &[f64], &[Mark]),
    reached: &[Option<usize>],
) -> Result<()> {
    let (x, y) = (ends(&scene.columns), ends(&scene.rows));
    let [label_x, label_y] = &scene.labels;
    let body = Rect {
        right: cell.right - SCALE,
        ..cell
    };
    let axes = (
        Axis::linear(x.0, x.1, label_x.as_str()),
        Axis::linear(y.0, y.1, label_y.as_str()),
    );
    let panel = Panel::new(sheet, body, title, axes.0, axes.1)?;
    // Basins have the colours: the levels are grey then.
    let levels = Levels::new(values, !reached.is_empty());
    let logs = values.iter().map(|&value| levels.log(value)).collect();
    let grid = ContourGrid::from_values(logs, scene.columns.len(), x, y);
    for (i, level) in levels.all().enumerate() {
        let outlines = grid.outlines(level);
        panel.fill(&outlines, faded(levels.color(i), 1.0))?;
        for outline in outlines {
            panel.line(outline, stroke(theme::INK, 0.25, theme::HAIRLINE))?;
        }
    }
    for optimum in 0..=reached.iter().flatten().max().copied().unwrap_or(0) {
        if reached.is_empty() {
            break;
        }
        let inside = |cell: &Option<usize>| if *cell == Some(optimum) { 1.0 } else { 0.0 };
        let basin = ContourGrid::from_values(
            reached.iter().map(inside).collect(),
            scene.columns.len(),
            x,
            y,
        );
        for outline in basin.outlines(0.5) {
            panel.fill(
                std::slice::from_ref(&outline),
                faded(fit_color(optimum), 0.28),
            )?;
            panel.line(outline, stroke(fit_color(optimum), 1.0, theme::NORMAL))?;
        }
    }
    for mark in marks {
        draw_mark(&panel, mark)?;
    }
    draw_scale(sheet, body, &levels)
}

fn draw_mark(panel: &Panel, mark: &Mark) -> Result<()> {
    let white = faded(plotters::style::WHITE, 1.0);
    match mark {
        Mark::Start { at: [x, y] } => {
            panel.dot((*x, *y), 0.9, white, None)?;
            panel.dot((*x, *y), 0.9, faded(theme::INK, 1.0), Some(theme::NORMAL))
        }
        Mark::Optimum {
            at: [x, y],
            is_best,
            label,
        } => {
            let radius = if *is_best { 1.1 } else { 0.8 };
            panel.dot((*x, *y), radius + 0.25, white, None)?;
            let width = if *is_best { None } else { Some(theme::NORMAL) };
            panel.dot((*x, *y), radius, faded(theme::INK, 1.0), width)?;
            panel.note((*x, *y), label)
        }
        Mark::Path {
            points,
            fit,
            is_best,
        } => {
            let line = if *is_best {
                fit_stroke(*fit, theme::NORMAL)
            } else {
                Stroke {
                    dash: &[],
                    ..stroke(fit_color(*fit), 0.35, theme::THIN)
                }
            };
            let path = || points.iter().map(|[x, y]| (*x, *y));
            if *is_best {
                // A path must be seen on any colour.
                panel.line(
                    path(),
                    stroke(plotters::style::WHITE, 0.8, 2.6 * theme::NORMAL),
                )?;
            }
            panel.line(path(), line)?;
            match points.first() {
                Some(&[x, y]) => {
                    panel.dot((x, y), 0.6, faded(fit_color(*fit), 0.9), Some(theme::THIN))
                }
                None => Ok(()),
            }
        }
    }
}

/// The levels of one divergence: closer together where it is small, since that is where fits end.
struct Levels {
    /// Ascending; the first is the least value there is.
    logs: Vec<f64>,
    is_grey: bool,
}

impl Levels {
    fn new(values: &[f64], is_grey: bool) -> Self {
        let mut logs: Vec<f64> = (values.iter())
            .filter(|value| value.is_finite() && **value > 0.0)
            .map(|value| value.log10())
            .collect();
        logs.sort_by(f64::total_cmp);
        let Some(last) = logs.len().checked_sub(1) else {
            return Self {
                logs: vec![0.0],
                is_grey,
            };
        };
        let highest = logs[last];
        let mut levels: Vec<f64> = (SHARES.iter())
            .map(|share| logs[(share * last as f64) as usize].max(highest - DECADES))
            .collect();
        levels.dedup_by(|a, b| *a - *b < 1e-3);
        Self {
            logs: levels,
            is_grey,
        }
    }

    /// The logarithm of a value, above all levels where it is infinite or unknown.
    fn log(&self, value: f64) -> f64 {
        if value.is_nan() || value == f64::INFINITY {
            return f64::MAX.log10();
        }
        value.max(f64::MIN_POSITIVE).log10()
    }

    fn all(&self) -> impl Iterator<Item = f64> {
        // The lowest holds everything.
        let above = self.logs.iter().skip(1).copied();
        std::iter::once(f64::MIN).chain(above)
    }

    /// Light where the divergence is small.
    fn color(&self, level: usize) -> plotters::style::RGBColor {
        let share = level as f64 / (self.logs.len().max(2) - 1) as f64;
        theme::relief(share, self.is_grey)
    }
}

/// The colours, with the values between them, beside a panel.
fn draw_scale(sheet: &Sheet, body: Rect, levels: &Levels) -> Result<()> {
    let bar = Rect::new(
        body.right + 0.5,
        body.top + 8.0,
        body.right + 3.0,
        body.bottom - 10.0,
    );
    let (ink, label) = (faded(theme::INK, 1.0), Type::label(Align::Left));
    let count = levels.logs.len();
    for (i, log) in levels.logs.iter().enumerate() {
        let slot = bar.cell((count - 1 - i, count), (0, 1));
        let corners = [
            (slot.left, slot.top),
            (slot.right, slot.top),
            (slot.right, slot.bottom),
            (slot.left, slot.bottom),
        ];
        sheet.fill(&corners, faded(levels.color(i), 1.0))?;
        let y = slot.bottom;
        let text = text::typographic(text::significant(10f64.powf(*log), 2));
        let tick = [(bar.right, y), (bar.right + 0.8, y)];
        sheet.line(&tick, stroke(theme::INK, 1.0, theme::THIN))?;
        sheet.text((bar.right + 1.3, y), &text, label, ink)?;
    }
    Ok(())
}
