//! Divergences over two parameters: filled levels of their logarithms, with what happened on them.

use super::axis::Axis;
use super::basins::{self, Basins};
use super::contour::ContourGrid;
use super::export::Drawing;
use super::figure::Figure;
use super::layout::{Layout, Panels};
use super::legend::{Entry, LegendKey};
use super::margins::ROOMY;
use super::mark::{Align, Rect, Type};
use super::panel::Panel;
use super::sheet::Sheet;
use super::style::{Style, ink};
use super::theme::{self, Stroke, faded, stroke};
use crate::config::FigureName;
use crate::error::Result;
use crate::text;

/// The shares of the cells below each level.
const SHARES: [f64; 9] = [0.0, 0.015, 0.05, 0.11, 0.2, 0.32, 0.47, 0.64, 0.82];
/// What lies this many decades below the greatest value is all one.
const DECADES: f64 = 6.0;
/// The width of the scale beside a panel, in mm where letters have 8 points.
const SCALE: f64 = 14.0;
/// The radius around a mark that has no words, in mm.
const MARKED: f64 = 1.2;
/// A panel for each divergence.
pub const PANELS: Panels = Panels {
    least: 70.0,
    most: 2,
    height: |width| (22.0 + 0.6 * width).min(110.0),
    below: 0.0,
};

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
    /// For each panel what is reached from its cells; empty to leave out.
    pub basins: Vec<Basins>,
}

/// Something at a place on a landscape.
#[derive(Debug, Clone, PartialEq)]
pub enum Mark {
    /// Where a fit starts.
    Start {
        /// Both parameters.
        at: [f64; 2],
    },
    /// An optimum, or where runs ended that were not at rest: the best is filled.
    Optimum {
        /// Both parameters.
        at: [f64; 2],
        /// Whether no other is better.
        is_best: bool,
        /// Whether the run that ended there was at rest.
        at_rest: bool,
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

/// What it shows.
pub const CAPTION: &str = "What each fit goes down on, over two of its parameters, with where its runs ended and the ways there.";

/// The figure.
pub const FIGURE: Figure<Scene> = Figure {
    name: FigureName::Landscape,
    caption: |_, _| Ok(CAPTION.to_owned()),
    draw,
};

/// Draws the figure.
fn draw(scene: &Scene, style: &Style) -> Result<Drawing> {
    let names: Vec<Vec<String>> = scene
        .panels
        .iter()
        .map(|panel| vec![panel.0.clone()])
        .collect();
    let shown = style.chosen(FIGURE.name.name(), &names)?;
    let entries = entries(scene, style, &shown);
    let layout = Layout::of_panels(style, &entries, shown.len(), PANELS)?;
    layout.draw(&entries, |sheet| {
        for (place, &i) in shown.iter().enumerate() {
            draw_scene(sheet, layout.cell(place), scene, i)?;
        }
        Ok(())
    })
}

/// What is marked, and what the colours of basins mean.
fn entries(scene: &Scene, style: &Style, shown: &[usize]) -> Vec<Entry> {
    let marks = || shown.iter().flat_map(|&i| &scene.panels[i].2);
    let mut entries: Vec<Entry> = Vec::new();
    let dark = faded(theme::INK, 1.0);
    if marks().any(|mark| matches!(mark, Mark::Start { .. })) {
        entries.push((LegendKey::Dot(dark, Some(theme::NORMAL)), "q".to_owned()));
    }
    let path = |best: bool| {
        marks().find_map(|mark| match mark {
            Mark::Path { fit, is_best, .. } if *is_best == best => Some(*fit),
            _ => None,
        })
    };
    if let Some(fit) = path(true) {
        let line = Stroke {
            dash: &[],
            ..style.fit_stroke(fit, theme::NORMAL)
        };
        entries.push((
            LegendKey::Line(line),
            "way of the best run, from its ring".to_owned(),
        ));
    }
    if let Some(fit) = path(false) {
        let line = stroke(style.fit_color(fit), 0.35, theme::THIN);
        entries.push((LegendKey::Line(line), "ways of other restarts".to_owned()));
    }
    for (best, width, [rest, moving]) in [
        (true, None, ["best optimum", "where the best run ended"]),
        (
            false,
            Some(theme::NORMAL),
            ["other optimum", "where other runs ended"],
        ),
    ] {
        let mut at_rest = marks().filter_map(|mark| match mark {
            Mark::Optimum {
                is_best, at_rest, ..
            } if *is_best == best => Some(*at_rest),
            _ => None,
        });
        if let Some(first) = at_rest.next() {
            let words = if first && at_rest.all(|rest| rest) {
                rest
            } else {
                moving
            };
            entries.push((LegendKey::Dot(dark, width), words.to_owned()));
        }
    }
    let reached = || {
        let basins = shown.iter().filter_map(|&i| scene.basins.get(i));
        basins.flat_map(|basins| &basins.reached)
    };
    if let Some(most) = reached().flatten().max() {
        for optimum in 0..=*most {
            let color = basins::color(optimum);
            let area = LegendKey::Area(
                faded(color, basins::OPACITY),
                stroke(color, 1.0, theme::NORMAL),
            );
            entries.push((area, format!("from here to optimum {}", optimum + 1)));
        }
    }
    if reached().any(Option::is_none) {
        let dots = LegendKey::Dots(faded(theme::INK, 0.8));
        entries.push((
            dots,
            "runs from here were still moving at their last step".to_owned(),
        ));
    }
    entries
}

fn ends(values: &[f64]) -> (f64, f64) {
    let first = values.first().copied().unwrap_or(0.0);
    (first, values.last().copied().unwrap_or(1.0))
}

/// One of the panels of a scene, in a cell of any page.
pub fn draw_scene(sheet: &Sheet, cell: Rect, scene: &Scene, panel: usize) -> Result<()> {
    let (title, values, marks) = &scene.panels[panel];
    draw_panel(
        sheet,
        cell,
        scene,
        (title, values, marks),
        scene.basins.get(panel),
    )
}

fn draw_panel(
    sheet: &Sheet,
    cell: Rect,
    scene: &Scene,
    (title, values, marks): (&str, &[f64], &[Mark]),
    basins: Option<&Basins>,
) -> Result<()> {
    let (x, y) = (ends(&scene.columns), ends(&scene.rows));
    let [label_x, label_y] = &scene.labels;
    let body = Rect {
        right: cell.right - sheet.style.scaled(SCALE),
        ..cell
    };
    let axes = (
        Axis::linear(x.0, x.1, label_x.as_str()),
        Axis::linear(y.0, y.1, label_y.as_str()),
    );
    let panel = Panel::new(sheet, body, title, axes.0, axes.1)?;
    // Basins have the colours: the levels are grey then.
    let levels = Levels::new(values, basins.is_some());
    let logs = values.iter().map(|&value| levels.log(value)).collect();
    let grid = ContourGrid::from_values(logs, scene.columns.len(), x, y);
    for (i, level) in levels.all().enumerate() {
        let outlines = grid.outlines(level);
        panel.fill(&outlines, faded(levels.color(i), 1.0))?;
        for outline in outlines {
            panel.line(outline, stroke(theme::INK, 0.25, theme::HAIRLINE))?;
        }
    }
    if let Some(basins) = basins {
        basins.draw(&panel, &scene.columns, &scene.rows)?;
    }
    let (mut notes, mut outside) = (Vec::new(), 0);
    for mark in marks {
        draw_mark(&panel, sheet.style, mark)?;
        if let Mark::Optimum {
            at: [x, y], label, ..
        } = mark
        {
            match panel.holds((*x, *y)) {
                true => notes.push(((*x, *y), label.clone())),
                false => outside += 1,
            }
        }
    }
    let mut words = Vec::new();
    if outside > 0 {
        words.push(format!("{outside} of those marked outside"));
    }
    let mut beyond = Vec::new();
    let optima = basins.map_or(&[][..], |basins| &basins.optima);
    for (place, [x, y]) in optima.iter().enumerate() {
        let number = (place + 1).to_string();
        match panel.holds((*x, *y)) {
            true => {
                let color = faded(basins::color(place), 1.0);
                panel.dot((*x, *y), 0.6, color, None)?;
                panel.dot((*x, *y), 0.6, faded(theme::INK, 1.0), Some(theme::THIN))?;
                notes.push(((*x, *y), format!("optimum {number}")));
            }
            false => beyond.push(number),
        }
    }
    if !beyond.is_empty() {
        words.push(format!("optimum {} outside", beyond.join(", ")));
    }
    // No words lie on a mark, whichever was drawn first.
    for (at, _) in &notes {
        panel.keep_free(*at, MARKED);
    }
    for (at, label) in notes {
        panel.note(at, &label)?;
    }
    panel.corner(words)?;
    draw_scale(sheet, body, &levels)
}

fn draw_mark(panel: &Panel, style: &Style, mark: &Mark) -> Result<()> {
    let white = faded(plotters::style::WHITE, 1.0);
    match mark {
        Mark::Start { at: [x, y] } => {
            panel.dot((*x, *y), 0.9, white, None)?;
            panel.dot((*x, *y), 0.9, faded(theme::INK, 1.0), Some(theme::NORMAL))
        }
        Mark::Optimum {
            at: [x, y],
            is_best,
            ..
        } => {
            let radius = if *is_best { 1.1 } else { 0.8 };
            panel.dot((*x, *y), radius + 0.25, white, None)?;
            let width = if *is_best { None } else { Some(theme::NORMAL) };
            panel.dot((*x, *y), radius, faded(theme::INK, 1.0), width)
        }
        Mark::Path {
            points,
            fit,
            is_best,
        } => {
            let line = if *is_best {
                style.fit_stroke(*fit, theme::NORMAL)
            } else {
                Stroke {
                    dash: &[],
                    ..stroke(style.fit_color(*fit), 0.35, theme::THIN)
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
                Some(&[x, y]) => panel.dot(
                    (x, y),
                    0.6,
                    faded(style.fit_color(*fit), 0.9),
                    Some(theme::THIN),
                ),
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
        body.top + sheet.style.scaled(ROOMY.top + 1.5),
        body.right + 3.0,
        body.bottom - sheet.style.scaled(ROOMY.bottom),
    );
    let label = Type::label(Align::Left);
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
        sheet.text((bar.right + 1.3, y), &text, label, ink())?;
    }
    Ok(())
}
