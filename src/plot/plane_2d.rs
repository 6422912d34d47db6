//! Densities in a plane: the target as shaded levels, a fit as ellipses.

use std::cell::OnceCell;

use nalgebra::{Matrix2, SymmetricEigen};

use super::axis::Axis;
use super::contour::ContourGrid;
use super::legend::{Entry, LegendKey};
use super::mark::Point;
use super::panel::Panel;
use super::reach::Reach;
use super::regions;
use super::rows::{dot_size, drawn};
use super::theme::{self, Stroke, faded, stroke};
use crate::density::target::{Histogram, TargetModel};
use crate::error::Result;
use crate::mixture::Mixture;

/// How much darker each level is than the one around it.
const TONE: f64 = 0.11;
/// How dark the bins of a histogram are with the least on their area and the most.
const LIGHTEST: f64 = 0.03;
const DARKEST: f64 = 0.6;
/// How many standard deviations of a component are shown.
const REACH: f64 = 3.1;
/// Axes that differ by less than this share of their range are the same but for rounding.
const SAME: f64 = 1e-9;
/// Fits may widen the view to each side by this share of the target's, and no more.
const WIDEN: f64 = 0.25;

/// Axes that hold the target, and the fits as far as they are near it: those that reach farther are cut.
pub fn axes<'m>(
    target: &TargetModel,
    fits: impl Iterator<Item = &'m Mixture> + Clone,
    labels: (&str, &str),
) -> (Axis, Axis) {
    (
        axis(target, fits.clone(), 0, labels.0),
        axis(target, fits, 1, labels.1),
    )
}

/// One of them.
pub fn axis<'m>(
    target: &TargetModel,
    fits: impl Iterator<Item = &'m Mixture>,
    d: usize,
    label: &str,
) -> Axis {
    let target = Reach::of_target(target, d, REACH);
    let fits = fits.map(|fit| Reach::of_mixture(fit, d, REACH));
    let most = WIDEN * (target.high - target.low);
    let Reach { low, high } = fits.fold(target, Reach::and);
    Axis::linear(
        low.max(target.low - most),
        high.min(target.high + most),
        label,
    )
}

/// A target as it is seen in panels with the same axes: log p is computed for the first of them.
#[derive(Default)]
pub struct View(OnceCell<Seen>);

/// The regions of a target within a box, the outlines of each.
struct Seen {
    within: [(f64, f64); 2],
    regions: Vec<Vec<Vec<Point>>>,
}

impl Seen {
    fn new(target: &TargetModel, within: [(f64, f64); 2]) -> Self {
        let logs = |points: &[f64]| {
            let mut logs = vec![0.0; points.len() / 2];
            target.log_densities(points, &mut logs);
            logs
        };
        let (x, y) = regions::nodes(target, within);
        let grid = ContourGrid::on(x, y, logs);
        let (draws, weights) = regions::draws(target);
        let levels = regions::levels(&regions::STDS, logs(&draws).into_iter().zip(weights));
        Self {
            within,
            regions: levels
                .into_iter()
                .map(|level| grid.outlines(level))
                .collect(),
        }
    }
}

impl View {
    /// Draws the target: one tone of grey darker at each level; of rows, a dot for each; of bins, their areas.
    pub fn draw(&self, panel: &Panel, target: &TargetModel) -> Result<()> {
        if target.as_samples().is_some() || target.as_histogram().is_some() {
            return draw_counted(panel, target);
        }
        let (x, y) = panel.ranges();
        let within = [(x.low, x.high), (y.low, y.high)];
        let seen = self.0.get_or_init(|| Seen::new(target, within));
        let is_same = seen.within.iter().zip(&within).all(|(one, other)| {
            let rounding = SAME * (one.1 - one.0);
            (one.0 - other.0).abs() <= rounding && (one.1 - other.1).abs() <= rounding
        });
        match is_same {
            true => shade(panel, &seen.regions),
            false => shade(panel, &Seen::new(target, within).regions),
        }
    }
}

/// Rows, or bins.
fn draw_counted(panel: &Panel, target: &TargetModel) -> Result<()> {
    if let Some(samples) = target.as_samples() {
        let size = dot_size(samples);
        return drawn(samples).try_for_each(|(row, area)| {
            let size = size * area.sqrt();
            panel.dot((row[0], row[1]), size, faded(theme::TARGET, 0.45), None)
        });
    }
    (target.as_histogram()).map_or(Ok(()), |histogram| draw_bins(panel, histogram))
}

/// Regions by their outlines, each one tone of grey darker than the one around it, the largest first.
pub fn shade(panel: &Panel, regions: &[Vec<Vec<Point>>]) -> Result<()> {
    let paper = panel
        .sheet
        .style
        .background
        .unwrap_or(plotters::style::WHITE);
    for (place, outlines) in regions.iter().enumerate() {
        // Opaque, since not every kind of file lets one tone be seen through another.
        let tone = 1.0 - (1.0 - TONE).powi(place as i32 + 1);
        panel.fill(
            outlines,
            faded(theme::mixed(theme::TARGET, paper, tone), 1.0),
        )?;
        for outline in outlines {
            let line = stroke(theme::TARGET, 0.45, theme::HAIRLINE);
            panel.line(outline.iter().copied(), line)?;
        }
    }
    Ok(())
}

/// A rectangle for each bin with counts, darker the more there are of them on its area.
fn draw_bins(panel: &Panel, histogram: &Histogram) -> Result<()> {
    let edges = [0, 1].map(|axis| histogram.closed_edges(axis));
    let heights = histogram.heights();
    let highest = heights.iter().copied().fold(0.0, f64::max);
    for (bin, height) in heights
        .into_iter()
        .enumerate()
        .filter(|(_, height)| *height > 0.0)
    {
        let mut sides = histogram
            .places(bin)
            .zip(&edges)
            .map(|(at, edges)| [edges[at], edges[at + 1]]);
        let (Some([left, right]), Some([low, high])) = (sides.next(), sides.next()) else {
            continue;
        };
        let outline = vec![
            (left, low),
            (right, low),
            (right, high),
            (left, high),
            (left, low),
        ];
        let shade = LIGHTEST + (DARKEST - LIGHTEST) * height / highest;
        panel.fill(&[outline], faded(theme::TARGET, shade))?;
    }
    Ok(())
}

/// A fit: the ellipses at one and two standard deviations of every component, the outer one thin.
pub fn draw_fit(panel: &Panel, q: &Mixture, line: Stroke) -> Result<()> {
    for k in 0..q.components() {
        let center = (q.means()[k][0], q.means()[k][1]);
        let covariance = q.component_covariance(k);
        let covariance = Matrix2::new(
            covariance[(0, 0)],
            covariance[(0, 1)],
            covariance[(1, 0)],
            covariance[(1, 1)],
        );
        panel.line(ellipse(center, covariance, 1.0), line)?;
        panel.line(ellipse(center, covariance, 2.0), outer(line))?;
        panel.dot(center, 0.55, line.color, None)?;
    }
    Ok(())
}

/// The line at two standard deviations of a fit: its dash tells the fit, its width how far out it is.
pub fn outer(line: Stroke) -> Stroke {
    Stroke {
        width: theme::THIN,
        is_marked: false,
        ..line
    }
}

/// What the two lines of a fit mean.
pub fn entries(line: Stroke) -> [Entry; 2] {
    [
        (LegendKey::Line(line), "fit q, 1σ".to_owned()),
        (LegendKey::Line(outer(line)), "2σ".to_owned()),
    ]
}

/// The path of every component's mean, from its ring to its dot.
pub fn draw_path(panel: &Panel, path: &[Mixture], line: Stroke) -> Result<()> {
    let Some(start) = path.first() else {
        return Ok(());
    };
    for k in 0..start.components() {
        let points = path.iter().map(|q| (q.means()[k][0], q.means()[k][1]));
        panel.line(points, line)?;
        let start = (start.means()[k][0], start.means()[k][1]);
        panel.dot(start, 0.7, line.color, Some(theme::THIN))?;
    }
    Ok(())
}

fn ellipse(center: Point, covariance: Matrix2<f64>, radius: f64) -> Vec<Point> {
    let eigen = SymmetricEigen::new(covariance);
    let axes = eigen
        .eigenvalues
        .map(|value| radius * value.max(0.0).sqrt());
    (0..=120)
        .map(|i| {
            let angle = std::f64::consts::TAU * f64::from(i) / 120.0;
            let offset = eigen.eigenvectors
                * nalgebra::Vector2::new(axes[0] * angle.cos(), axes[1] * angle.sin());
            (center.0 + offset[0], center.1 + offset[1])
        })
        .collect()
}
