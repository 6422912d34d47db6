//! A 1-D density as a curve.

use super::axis::Axis;
use super::legend::{Entry, LegendKey};
use super::panel::Panel;
use super::reach::Reach;
use super::style::Style;
use super::theme::{self, Stroke, faded, stroke};
use crate::density::target::{Histogram, TargetModel, Weights};
use crate::error::Result;
use crate::mixture::Mixture;
use crate::run_folder::{FinishedFit, FinishedRun};

/// Points of a curve.
const POINTS: usize = 400;
/// How many standard deviations of a component are shown.
const REACH: f64 = 3.6;

/// A path may widen the view and raise it by these factors, and no more.
const WIDEN: f64 = 0.3;
const RAISE: f64 = 2.05;

/// Axes that hold the target and where every fit ended, and most of up to `snapshots` densities
/// on the way there.
pub fn axes(style: &Style, finished: &FinishedRun, snapshots: usize) -> (Axis, Axis) {
    let ends: Vec<Mixture> = finished.fits.iter().filter_map(FinishedFit::end).collect();
    let path: Vec<Mixture> = (finished.fits.iter())
        .flat_map(|fit| fit.snapshots(snapshots))
        .collect();
    let target = Reach::of_target(&finished.target, 0, REACH);
    let Reach { mut low, mut high } = (ends.iter())
        .map(|end| Reach::of_mixture(end, 0, REACH))
        .fold(target, Reach::and);
    let most = WIDEN * (high - low);
    for mixture in &path {
        let (mean, std) = (mixture.mean()[0], mixture.covariance()[(0, 0)].sqrt());
        low = low.min((mean - 2.0 * std).max(low - most));
        high = high.max((mean + 2.0 * std).min(high + most));
    }
    let x = style.x_axis(Axis::linear(low, high, "x"));
    let top = |mixture: &Mixture| {
        let curve = curve(mixture, &x);
        curve
            .into_iter()
            .map(|(_, density)| density)
            .fold(0.0, f64::max)
    };
    let target = heights(&finished.target, &x).into_iter().map(|(_, p)| p);
    let end = target.chain(ends.iter().map(top)).fold(0.0, f64::max);
    let way = path.iter().map(top).fold(end, f64::max);
    let y = Axis::linear(0.0, 1.08 * way.min(RAISE * end), "density");
    (x, y)
}

/// A density over an axis.
pub fn curve(mixture: &Mixture, x: &Axis) -> Vec<(f64, f64)> {
    let density = |at| (at, mixture.log_density(&[at]).exp());
    places(Some(mixture), x).into_iter().map(density).collect()
}

/// Where a curve has its points; narrow components get some of their own.
fn places(components: Option<&Mixture>, x: &Axis) -> Vec<f64> {
    let mut at: Vec<f64> = (0..=POINTS)
        .map(|i| x.low + (x.high - x.low) * i as f64 / POINTS as f64)
        .collect();
    if let Some(mixture) = components {
        for k in 0..mixture.components() {
            let (mean, std) = (mixture.means()[k][0], mixture.component_stds(k)[0]);
            at.extend((-24..=24).map(|i| mean + std * f64::from(i) / 6.0));
        }
    }
    at.retain(|at| (x.low..=x.high).contains(at));
    at.sort_by(f64::total_cmp);
    at
}

/// A target over an axis: its density, or the steps of a histogram, of its rows or its own.
fn heights(target: &TargetModel, x: &Axis) -> Vec<(f64, f64)> {
    if let Some(samples) = target.as_samples() {
        return histogram(samples.rows(), samples.weights());
    }
    if let Some(histogram) = target.as_histogram() {
        return steps(histogram);
    }
    let density = |at| Some((at, target.log_density(&[at])?.exp()));
    let scales = target.elliptical().map(|of| of.scales);
    places(scales, x).into_iter().filter_map(density).collect()
}

/// The outline of a histogram that is given: the share of each bin over its width.
fn steps(histogram: &Histogram) -> Vec<(f64, f64)> {
    let edges = histogram.closed_edges(0);
    let bins = edges.windows(2).zip(histogram.heights());
    let tops = bins.flat_map(|(ends, height)| [(ends[0], height), (ends[1], height)]);
    let ends = [edges[0], edges[edges.len() - 1]].map(|end| (end, 0.0));
    let mut outline = vec![ends[0]];
    outline.extend(tops);
    outline.push(ends[1]);
    outline
}

/// The outline of a histogram with bins of Freedman and Diaconis (1981): 2 interquartile ranges
/// divided by the cube root of N, or of the effective number of rows with weights.
fn histogram(rows: &[f64], weights: Option<&Weights>) -> Vec<(f64, f64)> {
    let counts = weights.map_or_else(|| vec![1.0; rows.len()], |of| of.relative().to_vec());
    let n = weights.map_or(rows.len() as f64, Weights::effective_len);
    let mut sorted: Vec<(f64, f64)> = rows.iter().copied().zip(counts).collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let all: f64 = sorted.iter().map(|(_, count)| count).sum();
    let (low, high) = (sorted[0].0, sorted[sorted.len() - 1].0);
    // The first row with more than this share of all up to and with it.
    let quantile = |share: f64| {
        let at = share * all;
        let mut sum = 0.0;
        let row = sorted.iter().find(|(_, count)| {
            sum += count;
            sum > at
        });
        row.map_or(high, |(x, _)| *x)
    };
    let quartiles = quantile(0.75) - quantile(0.25);
    let width = 2.0 * quartiles / n.cbrt();
    let bins = if width > 0.0 {
        ((high - low) / width).ceil().clamp(5.0, 200.0) as usize
    } else {
        20
    };
    let width = (high - low) / bins as f64;
    let mut counts = vec![0.0; bins];
    for (x, count) in &sorted {
        counts[(((x - low) / width) as usize).min(bins - 1)] += count;
    }
    let mut outline = vec![(low, 0.0)];
    for (i, count) in counts.into_iter().enumerate() {
        let height = count / (all * width);
        let left = low + width * i as f64;
        outline.extend([(left, height), (left + width, height)]);
    }
    outline.push((high, 0.0));
    outline
}

/// The target: filled, with its outline.
pub fn draw_target(panel: &Panel, target: &TargetModel) -> Result<()> {
    let x = panel.ranges().0;
    let curve_of_p = heights(target, x);
    let area: Vec<_> = curve_of_p.iter().map(|&(x, p)| (x, 0.0, p)).collect();
    panel.band(&area, faded(theme::TARGET, 0.18))?;
    panel.line(curve_of_p, stroke(theme::TARGET, 1.0, theme::THIN))
}

/// A fitted density, and its components dashed where it has several.
pub fn draw_fit(panel: &Panel, q: &Mixture, line: Stroke) -> Result<()> {
    draw_components(panel, q, line)?;
    panel.line(curve(q, panel.ranges().0), line)
}

/// The weighted components of a mixture of several, dashed.
pub fn draw_components(panel: &Panel, mixture: &Mixture, line: Stroke) -> Result<()> {
    let thin = Stroke {
        width: theme::THIN,
        ..line
    };
    components(mixture, panel.ranges().0)
        .into_iter()
        .try_for_each(|component| panel.line(component, thin.dashed()))
}

/// What dashed lines mean, where components of a fit are drawn, or of the target where that is one of the mixtures.
pub fn components_entry(style: &Style, finished: &FinishedRun, snapshots: usize) -> Option<Entry> {
    let (x, _) = axes(style, finished, snapshots);
    let ends = finished.fits.iter().filter_map(FinishedFit::end);
    // Those of the target are drawn beside the path.
    let target = finished.target.as_mixture().filter(|_| snapshots > 0);
    let is_any = (target.into_iter().cloned())
        .chain(ends)
        .any(|mixture| !components(&mixture, &x).is_empty());
    let line = stroke(theme::INK, 1.0, theme::THIN).dashed();
    is_any.then(|| (LegendKey::Line(line), "components".to_owned()))
}

/// The weighted components of a mixture of several over an axis: those that are somewhere something else than the
/// whole, down to where they are nothing.
fn components(mixture: &Mixture, x: &Axis) -> Vec<Vec<(f64, f64)>> {
    if mixture.components() == 1 {
        return Vec::new();
    }
    let whole = curve(mixture, x);
    let highest = whole
        .iter()
        .map(|(_, density)| *density)
        .fold(0.0, f64::max);
    let (visible, nothing) = (0.03 * highest, 2e-3 * highest);
    let of = |k: usize| -> Option<Vec<(f64, f64)>> {
        let weight = mixture.weights()[k];
        let part = |at: f64| weight * mixture.component_log_density(k, &[at]).exp();
        let parts: Vec<(f64, f64)> = whole.iter().map(|&(at, _)| (at, part(at))).collect();
        let is_apart = |((_, part), (_, density)): (&(f64, f64), &(f64, f64))| {
            *part > visible && density - part > visible
        };
        parts.iter().zip(&whole).any(is_apart).then(|| {
            let shown = |(at, part)| (at, if part > nothing { part } else { f64::NAN });
            parts.into_iter().map(shown).collect()
        })
    };
    (0..mixture.components()).filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::density::target::{WeightColumn, WeightKind};

    #[test]
    fn a_histogram_of_frequencies_is_that_of_repeated_rows() {
        let rows: Vec<f64> = (0..400)
            .map(|i| (f64::from(i) * 0.61).sin().powi(3))
            .collect();
        let times: Vec<usize> = (0..400).map(|i| 1 + i * 7 % 5).collect();
        let repeated: Vec<f64> = (rows.iter().zip(&times))
            .flat_map(|(&x, &times)| std::iter::repeat_n(x, times))
            .collect();
        let weights = |kind, factor: f64| {
            let column = "v".to_owned();
            let values = times.iter().map(|&times| factor * times as f64).collect();
            Weights::new(WeightColumn { column, kind }, values).unwrap()
        };
        let expected = histogram(&repeated, None);
        let found = histogram(&rows, Some(&weights(WeightKind::Frequency, 1.0)));
        assert_eq!(found, expected);
        assert_ne!(histogram(&rows, None), expected);
        // Importance has wider bins, of fewer rows, and the same area.
        let found = histogram(&rows, Some(&weights(WeightKind::Importance, 0.3)));
        assert!(
            found.len() < expected.len(),
            "{} {}",
            found.len(),
            expected.len()
        );
        let area: f64 = (found.windows(2))
            .map(|pair| (pair[1].0 - pair[0].0) * pair[0].1.min(pair[1].1))
            .sum();
        assert!((area - 1.0).abs() < 1e-12, "{area}");
    }
}
