//! KL(p‖q) between two numbers in a few dimensions, by cells that are cut where the bounds are wide.
//!
//! Under a component N(μ, L Lᵀ) of p, x = μ + L z with independent z, so that the probability and the
//! moments of a box of z are products. Within a box log q is close to the mean T of the logarithms of its
//! parts, weighted by their responsibilities r at the centre: with d_b = ln ω_b g_b − ln r_b − T, which
//! average to 0, log q − T = ln Σ r_b e^{d_b} is
//!
//! - at least 0 (Jensen), at most R²/8 if all d_b lie within R of each other (Hoeffding 1963), and
//! - ½ Var_r(d) to within R³/(36 √3), a sixth of the largest third cumulant of what is R wide.
//!
//! T is a parabola, whose mean over the box has a closed form, and Var_r(d) one but for the differences of
//! curvature. So is log p.

use rayon::prelude::*;

use super::Bracket;
use super::line::RULE;
use crate::mixture::Mixture;
use crate::precise::{Triangle, condition_of_correlations};

/// The most dimensions in which boxes are of use.
const MOST_DIM: usize = 8;
/// Beyond this many standard deviations are 1.5e-23 of a Gaussian, on each axis.
const OUTSIDE: f64 = 10.0;
const BEYOND: f64 = 1.6e-23;
/// The multiplications that may be spent.
const MOST_WORK: f64 = 1.5e7;
/// Parts that are nowhere in a box above e to this of the largest are left out.
const NEGLIGIBLE: f64 = -46.0;
/// In a round those boxes are cut that make this share of the width of all.
const SHARE: f64 = 0.75;
/// Sums are rounded by this many ε of their parts.
const ROUNDING: f64 = 64.0 * f64::EPSILON;

/// What KL(p‖q) lies between, to within `tolerance` or as far as the work goes; `None` in too many
/// dimensions.
pub(super) fn kl(p: &Mixture, q: &Mixture, tolerance: f64) -> Option<Bracket> {
    let dim = p.dim();
    let parts = (p.components() + q.components()) as f64;
    let work = parts * (3 * dim * dim + 20) as f64;
    let most = (MOST_WORK / work) as usize;
    if dim > MOST_DIM || most < 8 * p.components() {
        return None;
    }
    let seen: Vec<Seen> = (0..p.components())
        .filter(|&a| p.weights()[a] > 0.0)
        .map(|a| Seen::from(a, p, q))
        .collect::<Option<_>>()?;
    let mut cells: Vec<Cell> = (0..seen.len())
        .map(|a| Cell::whole(a, dim).bounded(&seen))
        .collect();
    let mut cut = cells.len();
    loop {
        let widths: f64 = cells.iter().map(Cell::width).sum();
        if widths <= tolerance || cut >= most {
            break;
        }
        cells.sort_by(|a, b| b.width().total_cmp(&a.width()));
        let mut covered = 0.0;
        let count = (cells.iter())
            .take_while(|cell| {
                let is_wanted = covered < SHARE * widths;
                covered += cell.width();
                is_wanted
            })
            .count()
            .clamp(1, (most - cut).max(1));
        let halves: Vec<Cell> = (cells[..count].par_iter())
            .flat_map_iter(|cell| cell.halves().map(|half| half.bounded(&seen)))
            .collect();
        cut += halves.len();
        cells.splice(..count, halves);
    }
    let sum = |of: fn(&Cell) -> f64| cells.iter().map(of).sum::<f64>();
    let outside: f64 = seen.iter().map(Seen::outside).sum();
    let slack = outside + ROUNDING * sum(|cell| cell.size);
    let bracket = Bracket {
        lower: (sum(|cell| cell.lower) - slack).max(0.0),
        upper: sum(|cell| cell.upper) + slack,
    };
    (bracket.lower <= bracket.upper).then_some(bracket)
}

/// Both mixtures as functions of z, with x = μ + L z for a component of p.
struct Seen {
    weight: f64,
    /// See [`off`], of the component they are seen from.
    off: f64,
    sides: [Vec<QuadraticForm>; 2],
}

/// ln ω g(x) = constant − ½ |v + W z|², without −½ D ln 2π.
struct QuadraticForm {
    constant: f64,
    v: Vec<f64>,
    /// Row after row.
    w: Vec<f64>,
    /// Wᵀ W.
    curvature: Vec<f64>,
    /// |v| and |W|.
    sizes: [f64; 2],
    /// See [`off`].
    off: f64,
}

impl Seen {
    fn from(a: usize, p: &Mixture, q: &Mixture) -> Option<Self> {
        let (mean, factor) = (&p.means()[a], &p.scale_trils()[a]);
        let part = |mixture: &Mixture, b: usize| -> Option<QuadraticForm> {
            let other = &mixture.scale_trils()[b];
            let v = other.solve_lower_triangular(&(mean - &mixture.means()[b]))?;
            let w = other.solve_lower_triangular(factor)?;
            let log_det: f64 = other.diagonal().map(f64::ln).sum();
            Some(QuadraticForm {
                constant: mixture.weights()[b].ln() - log_det,
                sizes: [v.norm(), w.norm()],
                off: off(mixture, b),
                curvature: w.tr_mul(&w).as_slice().to_vec(),
                v: v.as_slice().to_vec(),
                w: w.transpose().as_slice().to_vec(),
            })
        };
        let side = |mixture: &Mixture| -> Option<Vec<QuadraticForm>> {
            (0..mixture.components())
                .filter(|&b| mixture.weights()[b] > 0.0)
                .map(|b| part(mixture, b))
                .collect()
        };
        Some(Self {
            weight: p.weights()[a],
            off: off(p, a),
            sides: [side(p)?, side(q)?],
        })
    }

    /// At most what is left out beyond the boxes: |log p − log q| is at most a parabola there.
    fn outside(&self) -> f64 {
        let Some(first) = self.sides[0].first() else {
            return 0.0;
        };
        let dim = first.v.len() as f64;
        // E[(s + t |z|)²; some |zᵢ| > 10] with (s + t |z|)² ≤ 2 s² + 2 t² |z|².
        let of_part = |part: &QuadraticForm| {
            let [s, t] = part.sizes;
            part.constant.abs() + 2.0 * s * s + 2.0 * t * t * (OUTSIDE * OUTSIDE + 2.0 + dim)
        };
        // A logarithm of a sum is between that of its largest part and ln K more.
        let of_side = |side: &Vec<QuadraticForm>| {
            side.iter().map(of_part).fold(0.0, f64::max) + (side.len() as f64).ln()
        };
        let size: f64 = self.sides.iter().map(of_side).sum();
        self.weight * dim * BEYOND * size
    }
}

/// How far rounding takes what is worked out with a factor, as a share, in units of [`ROUNDING`]: with κ the
/// condition number of the correlations, 4 D ε √κ of solving with it (Higham 2002, theorem 8.5), and κ for
/// √κ where it was made of a covariance (theorem 10.3).
fn off(mixture: &Mixture, k: usize) -> f64 {
    let factor = &mixture.scale_trils()[k];
    let dim = factor.nrows();
    let condition = condition_of_correlations(&Triangle::from_fn(dim, |i, j| factor[(i, j)]));
    let condition = if mixture.is_factored(k) {
        condition
    } else {
        condition.sqrt()
    };
    4.0 * dim as f64 * f64::EPSILON / ROUNDING * condition
}

/// A box of z around a component of p.
#[derive(Debug, Clone)]
struct Cell {
    a: usize,
    center: Vec<f64>,
    half: Vec<f64>,
    /// Of each coordinate: the probability of its interval, and the mean of u and u² in it, u being the
    /// distance from the centre.
    moments: Vec<[f64; 3]>,
    /// Bounds of its share of the divergence.
    lower: f64,
    upper: f64,
    /// How large the numbers are that these are the difference of.
    size: f64,
    /// The axis to cut along.
    axis: usize,
}

impl Cell {
    fn whole(a: usize, dim: usize) -> Self {
        Self {
            a,
            center: vec![0.0; dim],
            half: vec![OUTSIDE; dim],
            moments: vec![moments(0.0, OUTSIDE); dim],
            lower: f64::NEG_INFINITY,
            upper: f64::INFINITY,
            size: 0.0,
            axis: 0,
        }
    }

    fn width(&self) -> f64 {
        self.upper - self.lower
    }

    fn halves(&self) -> [Self; 2] {
        [-1.0, 1.0].map(|side| {
            let mut half = self.clone();
            let d = self.axis;
            half.half[d] *= 0.5;
            half.center[d] += side * half.half[d];
            half.moments[d] = moments(half.center[d], half.half[d]);
            half
        })
    }

    fn bounded(mut self, seen: &[Seen]) -> Self {
        let seen = &seen[self.a];
        let probability: f64 = self
            .moments
            .iter()
            .map(|[probability, ..]| probability)
            .product();
        let mut steepness = vec![0.0; self.half.len()];
        let [p, q] = [0, 1].map(|side| self.side(&seen.sides[side], seen.off, &mut steepness));
        let mass = seen.weight * probability;
        self.lower = mass * (p.lower - q.upper);
        self.upper = mass * (p.upper - q.lower);
        self.size = mass * (p.size + q.size);
        if self.lower.is_nan() || self.upper.is_nan() {
            (self.lower, self.upper) = (f64::NEG_INFINITY, f64::INFINITY);
        }
        self.axis = (0..self.half.len())
            .max_by(|&i, &j| {
                (steepness[i] * self.half[i]).total_cmp(&(steepness[j] * self.half[j]))
            })
            .unwrap_or(0);
        self
    }

    /// The mean of the log-density of a side over the box.
    fn side(&self, parts: &[QuadraticForm], from: f64, steepness: &mut [f64]) -> Mean {
        let dim = self.half.len();
        let norm = self.center.iter().map(|z| z * z).sum::<f64>().sqrt();
        let mut logs = vec![0.0; parts.len()];
        let mut slopes = vec![0.0; parts.len() * dim];
        let mut spans = vec![0.0; parts.len()];
        let mut off = vec![0.0; parts.len()];
        for (b, part) in parts.iter().enumerate() {
            let slope = &mut slopes[b * dim..(b + 1) * dim];
            let mut square = 0.0;
            for (v, row) in part.v.iter().zip(part.w.chunks_exact(dim)) {
                let y = v + row
                    .iter()
                    .zip(&self.center)
                    .map(|(w, z)| w * z)
                    .sum::<f64>();
                square += y * y;
                slope
                    .iter_mut()
                    .zip(row)
                    .for_each(|(slope, w)| *slope -= w * y);
            }
            logs[b] = part.constant - 0.5 * square;
            spans[b] = slope
                .iter()
                .zip(&self.half)
                .map(|(slope, half)| slope.abs() * half)
                .sum();
            let [v, w] = part.sizes;
            off[b] = square.sqrt() * (v + w * norm) + part.constant.abs();
            // What a rounded factor moves: the square and the determinant, and the points along the slope.
            off[b] += part.off * (square + dim as f64);
            off[b] += (part.off + from) * (spans[b] + w * w * (1.0 + norm * norm));
        }
        let top = (0..parts.len())
            .max_by(|&i, &j| logs[i].total_cmp(&logs[j]))
            .unwrap_or(0);
        // Parabolas that open downward: above by their slope at most, below by their curvature too.
        let least = logs[top] - spans[top] - 0.5 * self.bend(&parts[top].curvature, |_| 0.0);
        let kept: Vec<usize> = (0..parts.len())
            .filter(|&b| b == top || logs[b] + spans[b] > least + NEGLIGIBLE)
            .collect();
        let total: f64 = kept.iter().map(|&b| (logs[b] - logs[top]).exp()).sum();
        let shares: Vec<f64> = (kept.iter())
            .map(|&b| (logs[b] - logs[top]).exp() / total)
            .collect();
        let (mut slope, mut curvature) = (vec![0.0; dim], vec![0.0; dim * dim]);
        let mut size = 0.0;
        for (&b, share) in kept.iter().zip(&shares) {
            for (sum, of_part) in slope.iter_mut().zip(&slopes[b * dim..]) {
                *sum += share * of_part;
            }
            for (sum, of_part) in curvature.iter_mut().zip(&parts[b].curvature) {
                *sum += share * of_part;
            }
            size += share * off[b];
        }
        let mut tangent = logs[top] + total.ln();
        size += tangent.abs();
        for i in 0..dim {
            let [_, mean, square] = self.moments[i];
            let terms = [slope[i] * mean, -0.5 * curvature[i * dim + i] * square];
            tangent += terms[0] + terms[1];
            size += terms[0].abs() + terms[1].abs();
            for j in 0..i {
                let term = curvature[i * dim + j] * mean * self.moments[j][1];
                tangent -= term;
                // Entries of WᵀW are rounded as those of its diagonal.
                size += 0.5
                    * (curvature[i * dim + i] + curvature[j * dim + j])
                    * (mean * self.moments[j][1]).abs();
            }
        }
        let mut variance = 0.0;
        let mut unsure = 0.0;
        // The two farthest from the tangent, and how far any is above it.
        let mut reaches = [0.0f64; 2];
        for (&b, share) in kept.iter().zip(&shares) {
            let part = &parts[b];
            let bend = 0.5 * self.bend(&part.curvature, |place| curvature[place]);
            let (mut along, mut mean, mut square) = (0.0, 0.0, 0.0);
            for i in 0..dim {
                let apart = slopes[b * dim + i] - slope[i];
                let [_, first, second] = self.moments[i];
                along += apart.abs() * self.half[i];
                mean += apart * first;
                square += apart * apart * (second - first * first);
                let bent: f64 = (0..dim)
                    .map(|j| {
                        (part.curvature[i * dim + j] - curvature[i * dim + j]).abs() * self.half[j]
                    })
                    .sum();
                steepness[i] = f64::max(steepness[i], apart.abs() + bent);
            }
            variance += share * (square + mean * mean);
            unsure += share * bend * (2.0 * along + bend);
            let reach = along + bend;
            if reach > reaches[0] {
                reaches = [reach, reaches[0]];
            } else if reach > reaches[1] {
                reaches[1] = reach;
            }
        }
        let spread = reaches[0] + reaches[1];
        let third = spread.powi(3) / (36.0 * 3f64.sqrt());
        let left_out = (parts.len() - kept.len()) as f64 * NEGLIGIBLE.exp();
        let lower = (0.5 * (variance - unsure) - third).max(0.0);
        let upper = (0.5 * (variance + unsure) + third)
            .min(spread * spread / 8.0)
            .min(reaches[0]);
        Mean {
            lower: tangent + lower.min(upper),
            upper: tangent + upper + left_out,
            size,
        }
    }

    /// Σ |Aᵢⱼ − Bᵢⱼ| hᵢ hⱼ.
    fn bend(&self, a: &[f64], b: impl Fn(usize) -> f64) -> f64 {
        let dim = self.half.len();
        (0..dim * dim)
            .map(|place| {
                (a[place] - b(place)).abs() * self.half[place / dim] * self.half[place % dim]
            })
            .sum()
    }
}

/// What a mean lies between, and how large the numbers are that it is made of.
struct Mean {
    lower: f64,
    upper: f64,
    size: f64,
}

/// Of a standard normal number within `half` of `center`: the probability, and the means of its distance
/// from the centre and of the square of that.
fn moments(center: f64, half: f64) -> [f64; 3] {
    let pieces = (half / LONGEST).ceil().max(1.0);
    let own = half / pieces;
    let mut sums = [0.0; 3];
    for i in 0..pieces as usize {
        let middle = (2 * i + 1) as f64 * own - half;
        for [node, weight] in RULE {
            for u in [middle - own * node, middle + own * node] {
                let z = center + u;
                let density = own * weight * (-0.5 * z * z).exp();
                sums[0] += density;
                sums[1] += density * u;
                sums[2] += density * u * u;
            }
        }
    }
    let [mass, first, second] = sums;
    if mass == 0.0 {
        return [0.0; 3];
    }
    [
        mass / std::f64::consts::TAU.sqrt(),
        first / mass,
        second / mass,
    ]
}

/// The rule of 24 points has all digits of a normal density on an interval of twice this length.
const LONGEST: f64 = 1.0;

#[cfg(test)]
mod tests {
    use nalgebra::DMatrix;

    use super::super::Brackets;
    use super::*;
    use crate::density::target::TargetModel;
    use crate::divergence::DivergenceKind;

    /// Mixtures on a line with other coordinates that both share, turned.
    fn embedded(parts: &[[f64; 3]], dim: usize) -> Mixture {
        let turn = |i: usize| {
            let (sin, cos) = (0.4 + i as f64).sin_cos();
            let mut turn = DMatrix::identity(dim, dim);
            (turn[(i, i)], turn[(i + 1, i + 1)]) = (cos, cos);
            (turn[(i, i + 1)], turn[(i + 1, i)]) = (-sin, sin);
            turn
        };
        let turn = (0..dim - 1).fold(DMatrix::identity(dim, dim), |map, i| turn(i) * map);
        let along = |first: f64, others: f64| -> DMatrix<f64> {
            DMatrix::from_fn(dim, 1, |i, _| if i == 0 { first } else { others })
        };
        let covariances = parts.iter().map(|[.., std]| {
            let variances = along(std * std, 0.49);
            &turn * DMatrix::from_diagonal(&variances.column(0)) * turn.transpose()
        });
        let means = parts
            .iter()
            .map(|[_, mean, _]| (&turn * along(*mean, 0.3)).as_slice().to_vec());
        let weights = parts.iter().map(|[weight, ..]| *weight).collect();
        Mixture::from_covariances(weights, means.collect(), covariances.collect()).unwrap()
    }

    fn on_a_line(parts: &[[f64; 3]]) -> Mixture {
        let of = |at: usize| parts.iter().map(move |part| part[at]);
        let vectors = |at: usize| of(at).map(|x| vec![x]).collect();
        Mixture::from_stds(of(0).collect(), vectors(1), vectors(2)).unwrap()
    }

    #[test]
    fn what_is_known_on_a_line_lies_within() {
        let p = [[0.4, -2.0, 0.5], [0.6, 1.0, 1.0]];
        for (q, width) in [
            (vec![[1.0, 0.0, 2.0]], [1e-3, 0.1]),
            (vec![[0.3, -1.0, 1.0], [0.7, 2.0, 0.3]], [2e-2, 0.5]),
            (vec![[0.5, -2.0, 0.01], [0.5, 0.0, 3.0]], [0.05, 1.0]),
            (
                vec![[0.4, -2.0, 0.501], [0.6, 1.0, 1.001]],
                [f64::INFINITY; 2],
            ),
        ] {
            let lines = [&p[..], &q].map(|parts| TargetModel::from(on_a_line(parts)));
            let kind = DivergenceKind::ForwardKl;
            let known = Brackets::new(&lines[0], &lines[1])
                .unwrap()
                .bracket(kind, 1e-10)
                .unwrap();
            for (dim, width) in [2, 3].into_iter().zip(width) {
                let bracket = kl(&embedded(&p, dim), &embedded(&q, dim), 1e-6).unwrap();
                assert!(
                    bracket.lower <= known.upper && known.lower <= bracket.upper,
                    "{dim}-D: {known:?} {bracket:?}"
                );
                let share = bracket.width() / known.midpoint();
                assert!(share < width, "{dim}-D: {share:e}");
            }
        }
    }

    #[test]
    fn a_box_has_the_moments_of_the_normal_density_cut_off() {
        // Φ(2) − Φ(1), and the means of z and of (z − 1.5)² between 1 and 2, by mpmath.
        let [mass, first, second] = moments(1.5, 0.5);
        assert!((mass - 0.135_905_121_983_277_84).abs() < 1e-15, "{mass}");
        assert!(
            (first - (1.383_169_046_631_552_8 - 1.5)).abs() < 1e-14,
            "{first}"
        );
        assert!(
            (second - 0.086_392_357_765_581_58).abs() < 1e-14,
            "{second}"
        );
        let [all, _, square] = moments(0.0, OUTSIDE);
        assert!((all - 1.0).abs() < 1e-14 && (square - 1.0).abs() < 1e-13);
    }
}
