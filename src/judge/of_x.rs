//! A mixture of Gaussians of u in the coordinates x = T(u) that have bounds: its moments and quantiles.

use std::num::NonZeroUsize;
use std::sync::OnceLock;

use nalgebra::{DMatrix, DVector};
use serde::{Deserialize, Serialize};
use statrs::function::erf::erfc;

use crate::coordinates::{Coordinates, Support};
use crate::files::extended;
use crate::mixture::Mixture;

/// Points between two breaks.
const POINTS: usize = 16;
/// So many standard deviations hold all but 1e-19 of a Gaussian.
const REACH: i32 = 9;
/// So many more hold what is left of one where e^(2u) makes most of it: nothing is left of it farther out.
const FARTHER: i32 = 38;
/// Where 1/(1 + e^(−u)) bends, and how far from there it still does.
const BENDS: [f64; 7] = [0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 40.0];
/// What lies outside on either side of the interval that is told.
const OUTSIDE: f64 = 0.05;

/// Moments and quantiles of x, of D coordinates. What is beyond the range of numbers is infinite.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfX {
    /// What they are called.
    pub coordinates: Vec<String>,
    /// Their means …
    #[serde(with = "extended::list")]
    pub mean: Vec<f64>,
    /// … and covariance, D × D.
    #[serde(with = "extended::table")]
    pub covariance: Vec<Vec<f64>>,
    /// What each is below with a probability of 0.05, 0.5 and 0.95.
    pub quantiles: Vec<Quantiles>,
}

/// Quantiles of a coordinate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quantiles {
    /// Of 0.05.
    #[serde(with = "extended")]
    pub low: f64,
    /// Of 0.5.
    #[serde(with = "extended")]
    pub median: f64,
    /// Of 0.95.
    #[serde(with = "extended")]
    pub high: f64,
}

impl OfX {
    /// Of x = T(u), where u is a mixture of Gaussians.
    ///
    /// Of log-normal coordinates by formulas, and of shares of an interval by Gauss–Legendre quadrature, to about
    /// 1e-12 of their widths.
    ///
    /// # Panics
    /// If there are not as many coordinates as the mixture has.
    pub fn new(coordinates: &Coordinates, q: &Mixture) -> Self {
        let supports: Vec<Support> = coordinates.supports().collect();
        let dim = q.dim();
        assert_eq!(supports.len(), dim);
        let means: Vec<DVector<f64>> = (0..q.components())
            .map(|k| {
                let stds = q.component_stds(k);
                DVector::from_fn(dim, |i, _| mean_of(supports[i], q.means()[k][i], stds[i]))
            })
            .collect();
        let sum = |of: &dyn Fn(usize) -> f64| -> f64 {
            let shares = q.weights().iter().enumerate().filter(|(_, w)| **w > 0.0);
            shares.map(|(k, weight)| weight * of(k)).sum()
        };
        let mean = DVector::from_fn(dim, |i, _| sum(&|k| means[k][i]));
        let mut covariance = DMatrix::zeros(dim, dim);
        for i in 0..dim {
            for j in 0..=i {
                let value = sum(&|k| {
                    let apart = |i: usize| means[k][i] - mean[i];
                    let pair = Pair::new(q, k, [i, j]);
                    pair.covariance([supports[i], supports[j]]) + apart(i) * apart(j)
                });
                // ∞ − ∞: the mean is beyond the range already.
                let value = if value.is_nan() { f64::INFINITY } else { value };
                covariance[(i, j)] = value;
                covariance[(j, i)] = value;
            }
        }
        let quantiles = (0..dim).map(|i| quantiles(supports[i], &Line::new(q, i)));
        Self {
            coordinates: coordinates.names(),
            mean: mean.iter().copied().collect(),
            covariance: (covariance.row_iter())
                .map(|row| row.iter().copied().collect())
                .collect(),
            quantiles: quantiles.collect(),
        }
    }
}

/// Two coordinates of a Gaussian.
struct Pair {
    mean: [f64; 2],
    std: [f64; 2],
    covariance: f64,
    is_one: bool,
}

impl Pair {
    fn new(q: &Mixture, k: usize, [i, j]: [usize; 2]) -> Self {
        let (mean, stds) = (&q.means()[k], q.component_stds(k));
        Self {
            mean: [mean[i], mean[j]],
            std: [stds[i], stds[j]],
            covariance: q.component_covariance(k)[(i, j)],
            is_one: i == j,
        }
    }

    /// The covariance of T(u) and T(v).
    fn covariance(&self, supports: [Support; 2]) -> f64 {
        use Shape::{Exponential, Share, Straight};
        let [a, b] = supports.map(Shape::of);
        let (c, [m, n], [s, t]) = (self.covariance, self.mean, self.std);
        let factor = factor(supports[0]) * factor(supports[1]);
        factor
            * match (a, b) {
                (Straight, Straight) => c,
                // E u f(v) − E u E f(v) = c E f′(v) (Stein 1981).
                (Straight, Exponential) => c * exponential(n, t),
                (Exponential, Straight) => c * exponential(m, s),
                (Straight, Share) => c * expectation(-n.abs(), t, slope_of_share),
                (Share, Straight) => c * expectation(-m.abs(), s, slope_of_share),
                (Exponential, Exponential) => exponential(m, s) * exponential(n, t) * c.exp_m1(),
                // Under e^u / E e^u the mean of v is n + c.
                (Exponential, Share) => exponential(m, s) * rise(n, n + c, t),
                (Share, Exponential) => exponential(n, t) * rise(m, m + c, s),
                (Share, Share) if self.is_one => {
                    let m = -m.abs();
                    let mean = below_half(m, s);
                    expectation(m, s, |u| (sigmoid(u) - mean).powi(2))
                }
                (Share, Share) => {
                    // What is above a half is counted from 1.
                    let sign = if m * n < 0.0 { -1.0 } else { 1.0 };
                    let below = Self {
                        mean: [-m.abs(), -n.abs()],
                        covariance: sign * c,
                        ..*self
                    };
                    sign * below.of_shares()
                }
            }
    }

    /// The covariance of 1/(1 + e^(−u)) and 1/(1 + e^(−v)): over the wider of them, that of the other given it, so
    /// that neither changes within less than 1.
    fn of_shares(&self) -> f64 {
        let (wide, other) = if self.std[0] >= self.std[1] {
            (0, 1)
        } else {
            (1, 0)
        };
        let [m, n] = [self.mean[wide], self.mean[other]];
        let [s, t] = [self.std[wide], self.std[other]];
        let slope = self.covariance / (s * s);
        let rest = (t * t - slope * self.covariance).max(0.0).sqrt();
        let means = [below_half(m, s), below_half(n, t)];
        let given = |u: f64| rise(n, n + slope * (u - m), rest) + (below_half(n, rest) - means[1]);
        // Where the conditional mean is 0 the other bends.
        let turn = if slope == 0.0 { m } else { m - n / slope };
        let points = points(m, s, &[0.0, turn]);
        let sum = points.map(|(u, weight)| weight * (sigmoid(u) - means[0]) * given(u));
        sum.sum()
    }
}

/// How x depends on u, a shift and a factor aside.
#[derive(Clone, Copy)]
enum Shape {
    Straight,
    Exponential,
    Share,
}

impl Shape {
    fn of(support: Support) -> Self {
        match support {
            Support::Real => Self::Straight,
            Support::Above(_) | Support::Below(_) => Self::Exponential,
            Support::Between(..) => Self::Share,
        }
    }
}

fn factor(support: Support) -> f64 {
    match support {
        Support::Real | Support::Above(_) => 1.0,
        Support::Below(_) => -1.0,
        Support::Between(a, b) => b - a,
    }
}

/// E T(u) for a Gaussian u.
fn mean_of(support: Support, mean: f64, std: f64) -> f64 {
    match support {
        Support::Real => mean,
        Support::Above(a) => a + exponential(mean, std),
        Support::Below(b) => b - exponential(mean, std),
        Support::Between(a, b) if mean > 0.0 => b - (b - a) * below_half(-mean, std),
        Support::Between(a, b) => a + (b - a) * below_half(mean, std),
    }
}

/// E e^u.
fn exponential(mean: f64, std: f64) -> f64 {
    (mean + 0.5 * std * std).exp()
}

/// E 1/(1 + e^(−u)) for a mean that is not positive: above 0 its digits are those of what is left to 1.
fn below_half(mean: f64, std: f64) -> f64 {
    expectation(mean, std, sigmoid)
}

/// By how much it is more for one mean than for another.
fn rise(from: f64, to: f64, std: f64) -> f64 {
    match (from > 0.0, to > 0.0) {
        (false, false) => below_half(to, std) - below_half(from, std),
        (true, true) => below_half(-from, std) - below_half(-to, std),
        (false, true) => 1.0 - below_half(-to, std) - below_half(from, std),
        (true, false) => below_half(to, std) + below_half(-from, std) - 1.0,
    }
}

fn sigmoid(u: f64) -> f64 {
    1.0 / (1.0 + (-u).exp())
}

fn slope_of_share(u: f64) -> f64 {
    sigmoid(u) * sigmoid(-u)
}

/// E f(u), for a mean that is not positive, of an f that bends around 0 as a sigmoid does and may rise up to there as
/// its square.
fn expectation(mean: f64, std: f64, f: impl Fn(f64) -> f64) -> f64 {
    if std == 0.0 {
        return f(mean);
    }
    points(mean, std, &[0.0])
        .map(|(u, weight)| weight * f(u))
        .sum()
}

/// Points with their weights for expectations under a Gaussian, of what bends at some places within 1 at least.
fn points(mean: f64, std: f64, turns: &[f64]) -> impl Iterator<Item = (f64, f64)> + use<> {
    static RULE: OnceLock<Vec<(f64, f64)>> = OnceLock::new();
    let rule = RULE.get_or_init(|| {
        let points = NonZeroUsize::MIN.saturating_add(POINTS - 1);
        let rule = gauss_quad::GaussLegendre::new(points);
        rule.iter().map(|(x, weight)| (*x, *weight)).collect()
    });
    // In standard deviations. Of e^(2u) most is at 2σ², unless that is beyond the bend.
    let farther = (2.0 * std)
        .min(-mean / std)
        .clamp(0.0, f64::from(FARTHER))
        .ceil() as i32;
    let mut breaks: Vec<f64> = (-REACH..=REACH + farther).map(f64::from).collect();
    if std > 1.0 {
        let reach = f64::from(REACH + farther);
        let bends = turns.iter().flat_map(|turn| {
            BENDS
                .iter()
                .flat_map(move |bend| [turn - bend, turn + bend])
        });
        let bends = bends.map(|u| (u - mean) / std);
        breaks.extend(bends.filter(|z| (-f64::from(REACH)..reach).contains(z)));
        breaks.sort_by(f64::total_cmp);
    }
    (0..breaks.len() - 1).flat_map(move |i| {
        let (from, to) = (breaks[i], breaks[i + 1]);
        let (middle, half) = (0.5 * (from + to), 0.5 * (to - from));
        rule.iter().map(move |(x, weight)| {
            let z = middle + half * x;
            let density = (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt();
            (mean + std * z, half * weight * density)
        })
    })
}

/// One coordinate of a mixture.
struct Line {
    /// Weight, mean and standard deviation of each component.
    components: Vec<[f64; 3]>,
}

impl Line {
    fn new(q: &Mixture, d: usize) -> Self {
        let of = |k: usize| [q.weights()[k], q.means()[k][d], q.component_stds(k)[d]];
        Self {
            components: (0..q.components())
                .map(of)
                .filter(|[w, ..]| *w > 0.0)
                .collect(),
        }
    }

    /// Where so much lies below.
    fn quantile(&self, share: f64) -> f64 {
        let below = |u: f64| -> f64 {
            let part = |[weight, mean, std]: &[f64; 3]| {
                0.5 * weight * erfc((mean - u) / std / std::f64::consts::SQRT_2)
            };
            self.components.iter().map(part).sum()
        };
        let end = |sign: f64| {
            let ends = self
                .components
                .iter()
                .map(|[_, mean, std]| sign * mean + 40.0 * std);
            sign * ends.fold(f64::NEG_INFINITY, f64::max)
        };
        let (mut low, mut high) = (end(-1.0), end(1.0));
        loop {
            let middle = 0.5 * (low + high);
            if middle <= low || middle >= high {
                return middle;
            }
            match below(middle) < share {
                true => low = middle,
                false => high = middle,
            }
        }
    }
}

fn quantiles(support: Support, line: &Line) -> Quantiles {
    let falls = matches!(support, Support::Below(_));
    let of = |share: f64| {
        let share = if falls { 1.0 - share } else { share };
        support.apply(line.quantile(share))
    };
    Quantiles {
        low: of(OUTSIDE),
        median: of(0.5),
        high: of(1.0 - OUTSIDE),
    }
}

#[cfg(test)]
mod tests;
