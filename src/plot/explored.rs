//! What the page of `klfit explore` shows: the densities with their integrands, and below them the landscapes.

use plotters::style::RGBColor;

use super::axis::Axis;
use super::export::Drawing;
use super::figure::Figure;
use super::landscape::{self, Mark, Scene};
use super::layout::Layout;
use super::legend::{self, Entry, LegendKey};
use super::margins::{ROOMY, equal_aspect};
use super::mark::Rect;
use super::panel::Panel;
use super::plane_2d::View;
use super::sheet::Sheet;
use super::style::Style;
use super::theme::{self, Stroke, faded, stroke};
use super::{line_1d, plane_2d};
use crate::config::FigureName;
use crate::density::target::TargetModel;
use crate::error::Result;
use crate::mixture::Mixture;

/// q where it is no fit's: reddish purple, as on the page.
const OWN: RGBColor = RGBColor(148, 72, 122);
/// Heights of the panels, in mm where letters have 8 points.
const LINE: f64 = 58.0;
const INTEGRANDS: f64 = 36.0;
const PLANE: f64 = 86.0;

/// What is drawn.
pub struct Explored {
    /// p.
    pub target: TargetModel,
    /// The q that is shown, where it is no fit's.
    pub q: Option<Mixture>,
    /// Every fit.
    pub fits: Vec<ExploredFit>,
    /// How far the densities are seen along x, and along y in a plane.
    pub ends: [[f64; 2]; 2],
    /// The integrands over even places of x, each with its words and the fit that it goes with, if there is one; none in
    /// a plane.
    pub integrands: Vec<(&'static str, Vec<f64>, Option<usize>)>,
    /// The landscapes.
    pub landscape: Scene,
}

/// A fit as it is now.
pub struct ExploredFit {
    /// What it is called.
    pub title: String,
    /// Its best run.
    pub q: Mixture,
    /// Where its other runs ended, one for each optimum.
    pub others: Vec<Mixture>,
}

/// The figure.
pub const FIGURE: Figure<Explored> = Figure {
    name: FigureName::Landscape,
    caption: |_, _| Ok("What the page of klfit explore shows.".to_owned()),
    draw,
};

fn draw(explored: &Explored, style: &Style) -> Result<Drawing> {
    let in_plane = explored.is_in_plane();
    let [line, integrands, plane] = [LINE, INTEGRANDS, PLANE].map(|height| style.scaled(height));
    let above = if in_plane { plane } else { line + integrands };
    let shown = explored.landscape.panels.len();
    let columns = shown.clamp(1, landscape::PANELS.most);
    let rows = shown.div_ceil(columns);
    let row = (landscape::PANELS.height)(style.width / columns as f64);
    let entries = entries(explored, style);
    let layout = Layout::of_height(style, &entries, above + row * rows as f64)?;
    layout.draw(&entries, |sheet| {
        let body = layout.body;
        // All keep their share of whatever height there is.
        let part = body.height() / (above + row * rows as f64);
        let to = |height: f64| body.top + part * height;
        if in_plane {
            let cell = plane_cell(
                style,
                explored,
                Rect {
                    bottom: to(plane),
                    ..body
                },
            );
            draw_plane(sheet, cell, explored, style)?;
        } else {
            let upper = Rect {
                bottom: to(line),
                ..body
            };
            let lower = Rect::new(body.left, to(line), body.right, to(above));
            draw_line(sheet, upper, explored, style)?;
            draw_integrands(sheet, lower, explored, style)?;
        }
        let below = body.below(part * above);
        for i in 0..shown {
            let cell = below.cell((i / columns, rows), (i % columns, columns));
            landscape::draw_scene(sheet, cell, &explored.landscape, i)?;
        }
        Ok(())
    })
}

impl Explored {
    fn is_in_plane(&self) -> bool {
        self.integrands.is_empty()
    }
}

/// What q of the page is drawn with.
fn own() -> Stroke {
    stroke(OWN, 1.0, theme::NORMAL)
}

fn entries(explored: &Explored, style: &Style) -> Vec<Entry> {
    let mut entries = vec![legend::target(&explored.target)];
    if explored.q.is_some() {
        let area = LegendKey::Area(faded(OWN, 0.14), own());
        entries.push((area, "q".to_owned()));
    }
    for (i, fit) in explored.fits.iter().enumerate() {
        let line = style.fit_stroke(i, theme::THICK);
        entries.push((LegendKey::Line(line), fit.title.clone()));
    }
    if explored.fits.iter().any(|fit| !fit.others.is_empty()) {
        let line = stroke(theme::INK, 0.6, theme::THIN);
        entries.push((LegendKey::Line(line), "where other runs ended".to_owned()));
    }
    if explored.is_in_plane() && !explored.fits.is_empty() {
        let line = stroke(theme::INK, 1.0, theme::THICK);
        let [inner, outer] = plane_2d::entries(line);
        entries.push((inner.0, "1σ".to_owned()));
        entries.push(outer);
    }
    let marks = || explored.landscape.panels.iter().flat_map(|panel| &panel.2);
    let dark = faded(theme::INK, 1.0);
    if marks().any(|mark| matches!(mark, Mark::Start { .. })) {
        entries.push((
            LegendKey::Dot(dark, Some(theme::NORMAL)),
            "q on a landscape".to_owned(),
        ));
    }
    if marks().any(|mark| matches!(mark, Mark::Path { .. })) {
        let line = stroke(theme::INK, 1.0, theme::NORMAL);
        entries.push((LegendKey::Path(line), "way of a fit".to_owned()));
    }
    for (best, width, words) in [
        (true, None, "best optimum"),
        (false, Some(theme::NORMAL), "other optimum"),
    ] {
        if marks().any(|mark| matches!(mark, Mark::Optimum { is_best, .. } if *is_best == best)) {
            entries.push((LegendKey::Dot(dark, width), words.to_owned()));
        }
    }
    entries
}

fn thin(style: &Style, fit: usize) -> Stroke {
    stroke(style.fit_color(fit), 0.7, theme::THIN)
}

fn draw_line(sheet: &Sheet, cell: Rect, explored: &Explored, style: &Style) -> Result<()> {
    let [low, high] = explored.ends[0];
    let x = Axis::linear(low, high, "x");
    let top = |mixture: &Mixture| {
        let curve = line_1d::curve(mixture, &x).into_iter();
        curve.map(|(_, density)| density).fold(0.0, f64::max)
    };
    let shown = (explored.fits.iter().map(|fit| &fit.q)).chain(&explored.q);
    let highest = shown
        .chain(explored.target.as_mixture())
        .map(top)
        .fold(0.0, f64::max);
    let highest = if highest > 0.0 { highest } else { 1.0 };
    let y = Axis::linear(0.0, 1.08 * highest, "density");
    let panel = Panel::new(sheet, cell, "Densities", x, y)?;
    line_1d::draw_target(&panel, &explored.target)?;
    if let Some(target) = explored.target.as_mixture() {
        line_1d::draw_components(&panel, target, stroke(theme::TARGET, 1.0, theme::HAIRLINE))?;
    }
    if let Some(q) = &explored.q {
        let curve = line_1d::curve(q, panel.ranges().0).into_iter();
        let area: Vec<_> = curve.map(|(x, density)| (x, 0.0, density)).collect();
        panel.band(&area, faded(OWN, 0.14))?;
        line_1d::draw_fit(&panel, q, own())?;
    }
    for (i, fit) in explored.fits.iter().enumerate() {
        for other in &fit.others {
            panel.line(line_1d::curve(other, panel.ranges().0), thin(style, i))?;
        }
        line_1d::draw_fit(&panel, &fit.q, style.fit_stroke(i, theme::THICK))?;
    }
    Ok(())
}

fn draw_integrands(sheet: &Sheet, cell: Rect, explored: &Explored, style: &Style) -> Result<()> {
    let [low, high] = explored.ends[0];
    let values = || {
        explored
            .integrands
            .iter()
            .flat_map(|(_, values, _)| values.iter().copied())
    };
    let values = || values().filter(|value| value.is_finite());
    let (most, least) = (values().fold(0.0, f64::max), values().fold(0.0, f64::min));
    // Where one side is next to nothing it still gets a sliver.
    let (up, down) = (
        most.max(-0.08 * least).max(1e-3),
        (-least).max(0.08 * most).max(1e-3),
    );
    let x = Axis::linear(low, high, "x");
    let y = Axis::linear(-1.08 * down, 1.08 * up, "nats per unit of x");
    let panel = Panel::new(sheet, cell, "Integrands", x, y)?;
    panel.level(0.0, stroke(theme::INK, 0.6, theme::THIN))?;
    for (place, (words, values, fit)) in explored.integrands.iter().enumerate() {
        // One that goes with no fit has a look that none of them has.
        let look = fit.unwrap_or(explored.fits.len() + place);
        let line = style.fit_stroke(look, theme::NORMAL);
        let last = (values.len().max(2) - 1) as f64;
        let points = || {
            values
                .iter()
                .enumerate()
                .map(|(i, &value)| (low + (high - low) * i as f64 / last, value))
        };
        let area: Vec<_> = points().map(|(x, value)| (x, 0.0, value)).collect();
        panel.band(&area, faded(style.fit_color(look), 0.1))?;
        panel.line(points(), line)?;
        let peak = points()
            .filter(|(_, value)| value.is_finite())
            .max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()));
        if let Some(peak) = peak {
            panel.note(peak, words)?;
        }
    }
    Ok(())
}

/// The part of a cell in which a plane is as wide as its axes say.
fn plane_cell(style: &Style, explored: &Explored, cell: Rect) -> Rect {
    let [x, y] = explored.ends;
    let frame = ROOMY.frame(style, cell);
    let wide = frame.height() * (x[1] - x[0]) / (y[1] - y[0]);
    let spare = (frame.width() - wide).max(0.0);
    Rect {
        right: cell.right - spare,
        ..cell
    }
}

fn draw_plane(sheet: &Sheet, cell: Rect, explored: &Explored, style: &Style) -> Result<()> {
    let [x, y] = explored.ends;
    let axes = (
        Axis::linear(x[0], x[1], "x₁"),
        Axis::linear(y[0], y[1], "x₂"),
    );
    let (x, y) = equal_aspect(ROOMY.frame(style, cell), axes.0, axes.1);
    let panel = Panel::new(sheet, cell, "Densities", x, y)?;
    View::default().draw(&panel, &explored.target)?;
    if let Some(q) = &explored.q {
        plane_2d::draw_fit(&panel, q, own())?;
    }
    for (i, fit) in explored.fits.iter().enumerate() {
        for other in &fit.others {
            plane_2d::draw_fit(&panel, other, thin(style, i))?;
        }
        plane_2d::draw_fit(&panel, &fit.q, style.fit_stroke(i, theme::THICK))?;
    }
    Ok(())
}
