//! Regions of highest density in a plane: the levels of log p above which p has given masses, and where log p must be
//! known for none of them to be missed.

use std::f64::consts::TAU;

use nalgebra::{Matrix2, Vector2};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::contour::even;
use super::mark::Point;
use crate::density::target::{Elliptical, TargetModel};
use crate::mixture::Mixture;

/// The masses of the regions are those of a Gaussian within so many standard deviations: a fit that is the target has
/// its ellipses on two of them.
pub const STDS: [f64; 6] = [3.0, 2.5, 2.0, 1.5, 1.0, 0.5];
/// Draws of p that levels are taken from, and the least of each component.
const DRAWS: usize = 8192;
const LEAST: usize = 16;
/// The fractional part of the golden ratio: its multiples fill a circle evenly.
const GOLDEN: f64 = 0.618_033_988_749_894_8;

/// Nodes on a side where no component is narrow.
const NODES: usize = 121;
/// A component is narrow where it is less than so many cells wide; nodes then lie at these shares of its width, this far
/// to both sides of its mean.
const NARROW: f64 = 2.0;
const APART: f64 = 0.4;
const REACH: f64 = 3.6;
/// Densities of components that are evaluated on a grid, at most, and the most nodes on a side.
const MOST: f64 = 2e7;
const MOST_NODES: f64 = 601.0;

/// Draws of a target with their weights, which are the same every time. Those of Gaussians and Student-t distributions
/// lie evenly, at as many distances from each mean.
pub fn draws(target: &TargetModel) -> (Vec<f64>, Vec<f64>) {
    let Some(Elliptical { scales, dof }) = target.elliptical() else {
        let draws = target.sample(DRAWS, &mut ChaCha8Rng::seed_from_u64(0));
        let weights = vec![1.0; draws.len() / 2];
        return (draws, weights);
    };
    let (mut at, mut weights) = (Vec::new(), Vec::new());
    let count = (DRAWS / scales.components()).max(LEAST);
    for k in 0..scales.components() {
        let Some(factor) = covariance(scales, k).cholesky().map(|of| of.l()) else {
            continue;
        };
        for (a, b) in standard(count, dof) {
            let to = factor * Vector2::new(a, b);
            at.extend([scales.means()[k][0] + to[0], scales.means()[k][1] + to[1]]);
            weights.push(scales.weights()[k] / count as f64);
        }
    }
    (at, weights)
}

/// So many draws of a standard Gaussian, or of the Student-t distribution.
fn standard(count: usize, dof: Option<f64>) -> impl Iterator<Item = Point> {
    (0..count).map(move |i| {
        let beyond = 1.0 - (i as f64 + 0.5) / count as f64;
        let radius = match dof {
            Some(dof) => (dof * (beyond.powf(-2.0 / dof) - 1.0)).sqrt(),
            None => (-2.0 * beyond.ln()).sqrt(),
        };
        let (sin, cos) = (TAU * GOLDEN * i as f64).sin_cos();
        (radius * cos, radius * sin)
    })
}

/// Draws of a standard Gaussian.
pub fn normals() -> impl Iterator<Item = Point> {
    standard(DRAWS, None)
}

/// The levels of regions with the masses that a Gaussian has within some standard deviations, from log p at draws of p
/// with their weights: p is above the level of a mass at draws of that weight.
pub fn levels(stds: &[f64], draws: impl Iterator<Item = (f64, f64)>) -> Vec<f64> {
    let mut draws: Vec<(f64, f64)> = draws.filter(|(log, _)| !log.is_nan()).collect();
    draws.sort_by(|one, other| one.0.total_cmp(&other.0));
    let whole: f64 = draws.iter().map(|(_, weight)| weight).sum();
    let level = |std: &f64| {
        let below = (-0.5 * std * std).exp() * whole;
        let mut sum = 0.0;
        let mut last = None;
        for &(log, weight) in &draws {
            let middle = sum + 0.5 * weight;
            if middle >= below {
                return Some(match last {
                    Some((before, from)) if middle > before && log > f64::NEG_INFINITY => {
                        let share = (below - before) / (middle - before);
                        interpolated(from, log, share)
                    }
                    _ => log,
                });
            }
            (sum, last) = (sum + weight, Some((middle, log)));
        }
        last.map(|(_, log)| log)
    };
    stds.iter().filter_map(level).collect()
}

fn interpolated(from: f64, to: f64, share: f64) -> f64 {
    match from.is_finite() {
        true => from + share * (to - from),
        false => to,
    }
}

/// The columns and the rows of a grid over a box on which no component of a target is missed: as far from each other
/// where all are wide, and closer around the narrow ones.
pub fn nodes(target: &TargetModel, [x, y]: [(f64, f64); 2]) -> (Vec<f64>, Vec<f64>) {
    let shape = target.shape().map(|of| of.scales);
    (side(shape, 0, x), side(shape, 1, y))
}

fn side(shape: Option<&Mixture>, d: usize, (low, high): (f64, f64)) -> Vec<f64> {
    let mut nodes = even((low, high), NODES);
    let Some(shape) = shape else {
        return nodes;
    };
    let cell = (high - low) / (NODES - 1) as f64;
    // How wide it is where the other coordinate is known: that of a slanted one is less than its standard deviation.
    let width = |k: usize| {
        let covariance = covariance(shape, k);
        (covariance.determinant() / covariance[(1 - d, 1 - d)]).sqrt()
    };
    let mut narrow: Vec<(usize, f64)> = (0..shape.components())
        .map(|k| (k, width(k)))
        .filter(|(k, width)| *width < NARROW * cell && shape.weights()[*k] > 0.0)
        .collect();
    narrow.sort_by(|one, other| shape.weights()[other.0].total_cmp(&shape.weights()[one.0]));
    let most = (MOST / shape.components() as f64).sqrt().min(MOST_NODES);
    let room = (most as usize).saturating_sub(NODES);
    let each = room / narrow.len().max(1);
    for &(k, width) in narrow.iter().take(room) {
        let (mean, reach) = (shape.means()[k][d], REACH * shape.component_stds(k)[d]);
        let half = ((reach / (APART * width)).ceil() as usize).min(each / 2);
        nodes.push(mean);
        for i in 1..=half {
            let to = reach * i as f64 / half as f64;
            nodes.extend([mean - to, mean + to]);
        }
    }
    nodes.retain(|at| (low..=high).contains(at));
    nodes.sort_by(f64::total_cmp);
    nodes.dedup();
    nodes
}

fn covariance(mixture: &Mixture, k: usize) -> Matrix2<f64> {
    let covariance = mixture.component_covariance(k);
    Matrix2::from_fn(|i, j| covariance[(i, j)])
}

#[cfg(test)]
mod tests {
    use super::super::contour::ContourGrid;
    use super::*;

    fn regions(weights: Vec<f64>, means: Vec<Vec<f64>>, stds: Vec<Vec<f64>>) -> Vec<usize> {
        let target = TargetModel::from(Mixture::from_stds(weights, means, stds).unwrap());
        let log_density = |at: &[f64]| target.log_density(at).unwrap();
        let (at, weights) = draws(&target);
        let levels = levels(&STDS, at.chunks_exact(2).map(log_density).zip(weights));
        let (x, y) = nodes(&target, [(-6.2, 6.2), (-6.2, 6.2)]);
        let grid = ContourGrid::on(x, y, |points| {
            points.chunks_exact(2).map(log_density).collect()
        });
        let outlines = |level: &f64| grid.outlines(*level).len();
        levels.iter().map(outlines).collect()
    }

    #[test]
    fn components_of_any_width_have_their_regions() {
        // The narrow one, half of the mass, is alone in the regions of less; then the wide one comes, with
        // 1 − exp(−r²/8) of its own mass within r: 0.978 within 5.5, which takes the narrow one in, and 0.912 within 4.4,
        // which the narrow one reaches, from 5 away, where it is 0.75 wide at that level.
        let cases = [(0.2, 1), (0.02, 2), (2e-6, 2)];
        for (std, at_956) in cases {
            let means = vec![vec![0.0, 0.0], vec![5.0, 0.3]];
            let found = regions(vec![0.5, 0.5], means, vec![vec![2.0; 2], vec![std; 2]]);
            assert_eq!(found, [1, at_956, 2, 2, 1, 1], "{std}");
        }
    }

    #[test]
    fn a_gaussian_has_its_levels_at_its_standard_deviations() {
        let target = TargetModel::from(
            Mixture::from_stds(vec![1.0], vec![vec![1.0, 2.0]], vec![vec![3.0, 0.1]]).unwrap(),
        );
        let log_density = |at: &[f64]| target.log_density(at).unwrap();
        let (at, weights) = draws(&target);
        let peak = log_density(&[1.0, 2.0]);
        let found = levels(&STDS, at.chunks_exact(2).map(log_density).zip(weights));
        for (level, std) in found.into_iter().zip(STDS) {
            let at = (2.0 * (peak - level)).sqrt();
            assert!((at - std).abs() < 5e-3, "{at} {std}");
        }
    }
}
