//! What the density between the nodes of a grid integrates to.

use std::sync::OnceLock;

use nalgebra::{DMatrix, DVector};

use super::{Grid, GridValues, MOST_GRID_DIM};

/// Nodes and weights of Gauss and Legendre on (0, 1), with so many.
type Rule = Vec<(f64, f64)>;

/// Cells this many nats below the highest add nothing.
const NEGLIGIBLE: f64 = 60.0;
/// More points are not kept for expectations …
const MOST_POINTS: usize = 1 << 17;
/// … and no more than these where a few on each axis of a cell do.
const ENOUGH_POINTS: usize = 1 << 14;
/// On each axis of a cell: for expectations of functions that change little within it, and at most.
const LEAST_NODES: usize = 3;
const MOST_NODES: usize = 16;
/// On each part of an axis that is cut by how steep it is.
const GRADED_NODES: usize = 10;
/// Over so many nats a part need not be cut.
const MILD: f64 = 4.0;
/// Beyond so many nats the moments of an exponential have formulas without cancellation.
const STEEP: f64 = 8.0;

/// The integral of a grid, cell by cell: exact for densities, and on a line.
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
        let mut sums = [Sums::new(dim), Sums::new(dim)];
        for cell in self.cells() {
            let Some(logs) = self.logs_of(cell) else {
                continue;
            };
            match self.values {
                GridValues::Density => {
                    self.in_cell(cell, legendre(LEAST_NODES), |x, weight| {
                        sums[0].take(weight * self.evaluated(x), &self.about_middle(x));
                    });
                }
                GridValues::LogDensity => self.log_linear(cell, &logs, &mut sums),
            }
        }
        let [found, coarser] = sums;
        let mean = &found.first / found.total;
        let covariance = &found.second / found.total - &mean * mean.transpose();
        let rounding = 16.0 * f64::EPSILON * (1.0 + (self.scaled.len() as f64).sqrt());
        let error = match self.values {
            GridValues::Density => 0.0,
            GridValues::LogDensity => ((found.total - coarser.total) / found.total).abs(),
        };
        let volume: f64 = self.axes.iter().map(|axis| axis.step()).product();
        GridIntegral {
            log_normalizer: found.total.ln() + volume.ln(),
            error: error + rounding,
            mean: (mean + DVector::from_vec(self.middle()))
                .as_slice()
                .to_vec(),
            covariance: covariance.as_slice().to_vec(),
            points: self.points(),
        }
    }

    /// The integral over a cell where logarithms are linear along each axis, in units of its volume, by two rules: in
    /// closed form along the axis along which they change most; along the others by points that are the denser towards
    /// the ends the steeper it is, where all of it may be: its logarithm is convex.
    fn log_linear(&self, cell: usize, logs: &[f64], sums: &mut [Sums; 2]) {
        let dim = self.axes.len();
        let steep: Vec<f64> = (0..dim).map(|i| steepness(logs, i)).collect();
        let along = (0..dim).max_by(|a, b| steep[*a].total_cmp(&steep[*b]));
        let along = along.unwrap_or(0);
        let places: Vec<usize> = self.places(cell).collect();
        let others: Vec<usize> = (0..dim).filter(|i| *i != along).collect();
        for (sums, fewer) in sums.iter_mut().zip([0, 1]) {
            let rules: Vec<Rule> = (others.iter())
                .map(|i| graded(steep[*i], GRADED_NODES - fewer))
                .collect();
            let count: usize = rules.iter().map(Vec::len).product();
            for mut point in 0..count {
                let (mut within, mut weight) = ([0.0; MOST_GRID_DIM], 1.0);
                for (i, rule) in others.iter().zip(&rules) {
                    let (node, of_node) = rule[point % rule.len()];
                    point /= rule.len();
                    within[*i] = node;
                    weight *= of_node;
                }
                let ends = [0.0, 1.0].map(|end| {
                    within[along] = end;
                    multilinear(logs, &within[..dim])
                });
                within[along] = 0.0;
                let x: Vec<f64> = (self.axes.iter().enumerate())
                    .map(|(i, axis)| axis.from + (places[i] as f64 + within[i]) * axis.step())
                    .collect();
                let moments = exponential_moments(ends).map(|moment| weight * moment);
                let step = self.axes[along].step();
                sums.take_along(moments, &self.about_middle(&x), (along, step));
            }
        }
    }

    /// Points with weights that sum to 1; none where they would be too many.
    fn points(&self) -> Option<(Vec<f64>, Vec<f64>)> {
        let dim = self.axes.len();
        let cells: Vec<(usize, Vec<f64>)> = (self.cells())
            .filter_map(|cell| Some((cell, self.logs_of(cell)?)))
            .collect();
        // As many as a q that is narrower than a cell needs, where cells are few.
        let room = (ENOUGH_POINTS / cells.len().max(1)) as f64;
        let least = (room.powf(1.0 / dim as f64) as usize).clamp(LEAST_NODES, MOST_NODES);
        let (mut points, mut weights) = (Vec::new(), Vec::new());
        for (cell, logs) in cells {
            let change = (0..dim).map(|i| steepness(&logs, i)).fold(0.0, f64::max);
            let order = match (self.values, change) {
                (GridValues::Density, _) => LEAST_NODES,
                (_, ..=0.5) => 4,
                (_, ..=4.0) => 8,
                _ => MOST_NODES,
            };
            if weights.len() > MOST_POINTS {
                return None;
            }
            self.in_cell(cell, legendre(order.max(least)), |x, weight| {
                let part = weight * self.evaluated(x);
                if part > 0.0 {
                    points.extend_from_slice(x);
                    weights.push(part);
                }
            });
        }
        let sum: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= sum);
        Some((points, weights))
    }

    /// The logarithms at the corners of a cell, in units of the largest density; none where it adds nothing.
    fn logs_of(&self, cell: usize) -> Option<Vec<f64>> {
        let log = |node: usize| match self.values {
            GridValues::Density => self.scaled[node].ln(),
            GridValues::LogDensity => self.scaled[node],
        };
        let logs: Vec<f64> = self.corners(cell).map(log).collect();
        let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        // Logarithms next to nothing are nothing.
        let is_empty = self.values == GridValues::LogDensity && logs.contains(&f64::NEG_INFINITY);
        (most >= -NEGLIGIBLE && !is_empty).then_some(logs)
    }

    fn middle(&self) -> Vec<f64> {
        let middles = self.axes.iter().map(|axis| 0.5 * (axis.from + axis.to));
        middles.collect()
    }

    fn about_middle(&self, x: &[f64]) -> DVector<f64> {
        let middle = self.middle();
        DVector::from_fn(middle.len(), |i, _| x[i] - middle[i])
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

/// ∫ f, ∫ x f and ∫ x xᵀ f.
struct Sums {
    total: f64,
    first: DVector<f64>,
    second: DMatrix<f64>,
}

impl Sums {
    fn new(dim: usize) -> Self {
        Self {
            total: 0.0,
            first: DVector::zeros(dim),
            second: DMatrix::zeros(dim, dim),
        }
    }

    /// A part at a point.
    fn take(&mut self, part: f64, x: &DVector<f64>) {
        self.total += part;
        self.first.axpy(part, x, 1.0);
        self.second.ger(part, x, x, 1.0);
    }

    /// A part on a line from x on along an axis, with its moments of 0, 1 and 2 in units of the `length`.
    fn take_along(&mut self, moments: [f64; 3], x: &DVector<f64>, (axis, length): (usize, f64)) {
        let [part, first, second] = moments;
        self.take(part, x);
        let (first, second) = (first * length, second * length * length);
        self.first[axis] += first;
        for i in 0..x.len() {
            self.second[(i, axis)] += first * x[i];
            self.second[(axis, i)] += first * x[i];
        }
        self.second[(axis, axis)] += second;
    }
}

/// By how much logarithms at the corners of a cell differ along an axis at most.
fn steepness(logs: &[f64], axis: usize) -> f64 {
    let pairs = (0..logs.len()).filter(|corner| corner >> axis & 1 == 0);
    let apart = pairs.map(|corner| (logs[corner] - logs[corner | 1 << axis]).abs());
    apart.fold(0.0, f64::max)
}

/// What is linear along each axis between the corners of a cell.
fn multilinear(corners: &[f64], within: &[f64]) -> f64 {
    let share = |corner: usize| -> f64 {
        let sides = within.iter().enumerate();
        sides
            .map(|(i, t)| if corner >> i & 1 == 1 { *t } else { 1.0 - t })
            .product()
    };
    let all = corners.iter().enumerate();
    all.map(|(corner, value)| value * share(corner)).sum()
}

/// A rule on (0, 1) for what changes by so many nats, most of it at the ends.
fn graded(steep: f64, nodes: usize) -> Rule {
    let mut cuts = vec![0.0, 1.0];
    if steep > MILD {
        let mut cut = 0.5;
        while cut * steep > 0.5 * MILD {
            cuts.extend([cut, 1.0 - cut]);
            cut *= 0.5;
        }
        cuts.extend([cut, 1.0 - cut]);
        cuts.sort_by(f64::total_cmp);
        cuts.dedup();
    }
    let rule = legendre(nodes);
    (cuts.windows(2))
        .flat_map(|pair| {
            let length = pair[1] - pair[0];
            let points = rule.iter();
            points.map(move |(node, weight)| (pair[0] + length * node, length * weight))
        })
        .collect()
}

/// ∫ tᵏ e^(a + (b − a) t) dt from 0 to 1, for k = 0, 1 and 2.
fn exponential_moments([a, b]: [f64; 2]) -> [f64; 3] {
    // From the higher end.
    let (top, u) = (a.max(b), (a - b).abs());
    let [zeroth, first, second] = if u <= STEEP {
        let mut sums = [0.0; 3];
        for &(t, weight) in legendre(MOST_NODES) {
            let part = weight * (-u * t).exp();
            sums[0] += part;
            sums[1] += part * t;
            sums[2] += part * t * t;
        }
        sums
    } else {
        let rest = (-u).exp();
        [
            (1.0 - rest) / u,
            (1.0 - rest * (1.0 + u)) / (u * u),
            (2.0 - rest * (u * u + 2.0 * u + 2.0)) / (u * u * u),
        ]
    };
    let moments = match a >= b {
        true => [zeroth, first, second],
        false => [zeroth, zeroth - first, zeroth - 2.0 * first + second],
    };
    moments.map(|moment| moment * top.exp())
}

/// The zeros of a Legendre polynomial on (0, 1), by Newton's method, and their weights.
fn legendre(n: usize) -> &'static Rule {
    static RULES: OnceLock<Vec<Rule>> = OnceLock::new();
    let rules = RULES.get_or_init(|| {
        let one = |n: usize| {
            let rule = crate::compute::kernel::Legendre::new(n);
            rule.nodes.into_iter().zip(rule.weights).collect()
        };
        (1..=MOST_NODES).map(one).collect()
    });
    &rules[n.clamp(1, MOST_NODES) - 1]
}
