//! What the density between the nodes of a grid integrates to.

use nalgebra::{DMatrix, DVector};

use super::{Grid, GridValues, MOST_GRID_DIM};

/// Nodes and weights of Gauss and Legendre on (0, 1), with so many.
type Rule = Vec<(f64, f64)>;

/// Cells this many nats below the highest add nothing.
const NEGLIGIBLE: f64 = 60.0;
/// More points are not kept for expectations.
const MOST_POINTS: usize = 1 << 17;
/// For expectations of functions that change little within a cell.
const LEAST_NODES: usize = 3;

/// The integral of a grid, by Gauss and Legendre in every cell: exact for densities.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GridIntegral {
    /// Its logarithm in nats, less the [top](Grid::top).
    pub log_normalizer: f64,
    /// How far that may be off.
    pub error: f64,
    /// The mean, D.
    pub mean: Vec<f64>,
    /// The covariance, D × D.
    pub covariance: Vec<f64>,
    /// Points `[S, D]` with weights `[S]` for expectations, which sum to 1; none where they would be too many.
    pub points: Option<(Vec<f64>, Vec<f64>)>,
}

impl Grid {
    /// Its integral, first moments, and points.
    pub(super) fn integrated(&self) -> GridIntegral {
        let dim = self.axes.len();
        let rules: Vec<Rule> = (0..=17).map(|n| legendre(n.max(1))).collect();
        let volume: f64 = self.axes.iter().map(|axis| axis.step()).product();
        let middle: Vec<f64> = self
            .axes
            .iter()
            .map(|axis| 0.5 * (axis.from + axis.to))
            .collect();
        let (mut sum, mut coarser) = (0.0, 0.0);
        let (mut first, mut second) = (DVector::zeros(dim), DMatrix::zeros(dim, dim));
        let (mut points, mut weights) = (Vec::new(), Vec::new());
        for cell in self.cells() {
            let logs: Vec<f64> = self
                .corners(cell)
                .map(|node| self.density(node).ln())
                .collect();
            let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            if most < -NEGLIGIBLE {
                continue;
            }
            let least = logs.iter().copied().fold(f64::INFINITY, f64::min);
            let order = match (self.values, most - least, dim) {
                (GridValues::Density, ..) => LEAST_NODES,
                (_, ..=0.5, _) => 4,
                (_, ..=4.0, 1 | 2) => 8,
                (_, ..=4.0, _) => 6,
                // Next to nothing there is nothing.
                (_, f64::INFINITY, _) => continue,
                (_, _, 1 | 2) => 16,
                _ => 10,
            };
            self.in_cell(cell, &rules[order], |x, weight| {
                let density = self.evaluated(x);
                let part = weight * volume * density;
                sum += part;
                let off = DVector::from_fn(dim, |i, _| x[i] - middle[i]);
                first.axpy(part, &off, 1.0);
                second.ger(part, &off, &off, 1.0);
                if weights.len() <= MOST_POINTS && part > 0.0 {
                    points.extend_from_slice(&x[..dim]);
                    weights.push(part);
                }
            });
            self.in_cell(cell, &rules[order - 1], |x, weight| {
                coarser += weight * volume * self.evaluated(x);
            });
        }
        let mean = &first / sum;
        let covariance = &second / sum - &mean * mean.transpose();
        let rounding = 16.0 * f64::EPSILON * (1.0 + (self.scaled.len() as f64).sqrt());
        let is_kept = weights.len() <= MOST_POINTS;
        weights.iter_mut().for_each(|weight| *weight /= sum);
        GridIntegral {
            log_normalizer: sum.ln(),
            error: ((sum - coarser) / sum).abs() + rounding,
            mean: (mean + DVector::from_vec(middle)).as_slice().to_vec(),
            covariance: covariance.as_slice().to_vec(),
            points: is_kept.then_some((points, weights)),
        }
    }

    /// The first corner of every cell.
    fn cells(&self) -> impl Iterator<Item = usize> {
        (0..self.scaled.len()).filter(|&node| {
            let mut places = self.places(node).zip(&self.axes);
            places.all(|(at, axis)| at + 1 < axis.nodes)
        })
    }

    /// The nodes at the corners of a cell.
    fn corners(&self, cell: usize) -> impl Iterator<Item = usize> {
        let (dim, strides) = (self.axes.len(), self.strides());
        (0..1usize << dim).map(move |corner| {
            let up = (0..dim).filter(|i| corner >> i & 1 == 1);
            cell + up.map(|i| strides[i]).sum::<usize>()
        })
    }

    /// Calls `visit` with each point of a product rule in a cell, and its weight there.
    fn in_cell(&self, cell: usize, rule: &Rule, mut visit: impl FnMut(&[f64], f64)) {
        let dim = self.axes.len();
        let places: Vec<usize> = self.places(cell).collect();
        for point in 0..rule.len().pow(dim as u32) {
            let (mut x, mut weight, mut code) = ([0.0; MOST_GRID_DIM], 1.0, point);
            for (i, axis) in self.axes.iter().enumerate() {
                let (node, of_node) = rule[code % rule.len()];
                code /= rule.len();
                x[i] = (axis.from + (places[i] as f64 + node) * axis.step()).min(axis.to);
                weight *= of_node;
            }
            visit(&x[..dim], weight);
        }
    }

    /// The density at a point in units of the largest.
    fn evaluated(&self, x: &[f64]) -> f64 {
        let mut slope = [0.0; MOST_GRID_DIM];
        self.at(x, &mut slope[..self.axes.len()]).exp()
    }
}

/// The zeros of a Legendre polynomial, by Newton's method, and their weights.
fn legendre(n: usize) -> Rule {
    let rule = crate::compute::kernel::Legendre::new(n);
    rule.nodes.into_iter().zip(rule.weights).collect()
}
