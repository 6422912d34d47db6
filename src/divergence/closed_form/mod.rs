//! Divergences of Gaussians without integration, and what can be said of mixtures.
//!
//! Everything is worked out where q is a standard normal, from the difference between p and q
//! there, so that nearly equal Gaussians lose nothing to rounding; and in doubled precision, so that
//! nothing is lost to the condition of their covariances. The error that is given is a bound: that of
//! solving with a triangle (Higham 2002, theorem 8.5), that of a factorisation (theorem 10.3) and the
//! rounding of the last sum.

mod kl;
mod pairs;
mod power;
mod total_variation;

use super::Estimate;
use crate::mixture::Mixture;
use crate::precise::{Conditioning, Doubled, Number, Triangle, roundings, squared_norm};

pub use kl::gaussian_kl;
pub(crate) use pairs::Factored;
pub(crate) use power::power_excess;
pub use power::{gaussian_log_power_integral, power_integral_diverges};
pub use total_variation::gaussian_total_variation;

/// Above this many dimensions doubles are tried first, which are 20 times as fast …
const DOUBLED_DIM: usize = 32;
/// … and do where their error is below this, relative to the value.
const GOOD: f64 = 1e-12;

/// A number of two Gaussians, in either precision.
trait Formula {
    /// With its error; `None` if it cannot be had.
    fn evaluate<T: Number>(&self, at: &Whitened<T>) -> Option<Estimate>;
}

/// A formula of two Gaussians; `None` if either is a mixture of more than one, or their dimensions
/// differ.
fn evaluate(p: &Mixture, q: &Mixture, formula: &impl Formula) -> Option<Estimate> {
    if p.components() != 1 || q.components() != 1 || p.dim() != q.dim() {
        return None;
    }
    let ordinary = || {
        let units = vec![1.0; p.dim()];
        let [p, q] = [p, q].map(|mixture| FactoredGaussian::<f64>::new(mixture, 0, &units));
        formula.evaluate(&Whitened::new(&p, &q))
    };
    if p.dim() > DOUBLED_DIM
        && let Some(found) = ordinary()
        && found.error <= GOOD * found.value.abs()
    {
        return Some(found);
    }
    // Doubled precision overflows sooner.
    (formula.evaluate(&doubled((p, 0), (q, 0))))
        .filter(|found| !found.value.is_nan())
        .or_else(ordinary)
        .filter(|found| found.error.is_finite() || found.value.is_infinite())
}

/// Component a of p where component b of q is standard normal; they have one dimension.
fn doubled((p, a): (&Mixture, usize), (q, b): (&Mixture, usize)) -> Whitened<Doubled> {
    let units: Vec<f64> = (0..q.dim()).map(|i| q.unit(b, i)).collect();
    let [p, q] = [(p, a), (q, b)].map(|(mixture, k)| FactoredGaussian::new(mixture, k, &units));
    Whitened::new(&p, &q)
}

/// A component of a mixture to whiten with, or to be whitened.
#[derive(Debug, Clone)]
struct FactoredGaussian<T> {
    mean: Vec<T>,
    factor: Triangle<T>,
    conditioning: Conditioning,
    /// A bound of ‖L⁻¹ ΔΣ L⁻ᵀ‖, ΔΣ being what L Lᵀ differs by from the covariance that was given.
    factored: f64,
}

impl<T: Number> FactoredGaussian<T> {
    /// Component k, each coordinate times a power of two.
    fn new(mixture: &Mixture, k: usize, units: &[f64]) -> Self {
        let dim = mixture.dim();
        let entry = |i: usize, j: usize| mixture.factor_entry(k, i, j, units[i]);
        let factor: Triangle<T> = Triangle::from_fn(dim, entry);
        let conditioning = Conditioning::new(&factor);
        let factored = if mixture.is_factored(k) {
            let norm = conditioning.norm();
            // The factorisation was doubled; its result is rounded again where T is double.
            let rounded = if T::UNIT > Doubled::UNIT {
                2.0 * T::UNIT * norm
            } else {
                0.0
            };
            roundings::<Doubled>(dim + 1) * (dim as f64).sqrt() * norm * norm + rounded
        } else {
            0.0
        };
        let mean = mixture.means()[k].iter().zip(units);
        Self {
            mean: mean.map(|(mean, unit)| T::new(mean * unit, 0.0)).collect(),
            factor,
            conditioning,
            factored,
        }
    }
}

/// Two Gaussians seen where q = L_q L_qᵀ is standard normal: there p is
/// N(offset, (I + excess)(I + excess)ᵀ).
pub(crate) struct Whitened<T> {
    /// L_q⁻¹ (L_p − L_q), lower triangular.
    excess: Triangle<T>,
    /// L_q⁻¹ (μ_p − μ_q).
    offset: Vec<T>,
    /// ln of the diagonal of I + excess; kept because excess rounds small ratios away.
    log_ratios: Vec<f64>,
    /// Bounds of the norms of what excess and offset are off by.
    solved: [f64; 2],
    /// Of p and of q, a bound of ‖L⁻¹ ΔΣ L⁻ᵀ‖ as in [`FactoredGaussian`].
    factored: [f64; 2],
}

/// Norms of a [`Whitened`] and bounds of what they are off by.
struct Sizes {
    excess: f64,
    excess_error: f64,
    offset: f64,
    offset_error: f64,
    dim: f64,
}

impl<T: Number> Whitened<T> {
    /// Two components in the same units.
    fn new(p: &FactoredGaussian<T>, q: &FactoredGaussian<T>) -> Self {
        let dim = q.factor.dim();
        let difference = |i: usize, j: usize| p.factor.at(i, j) - q.factor.at(i, j);
        let excess = (q.factor).solve_triangle(Triangle::from_fn(dim, difference));
        let offset = p.mean.iter().zip(&q.mean).map(|(&p, &q)| p - q).collect();
        let offset = q.factor.solve(offset);
        let norm_of_spread = |sizes: &[f64]| {
            let spread = q.conditioning.spread(sizes);
            roundings::<T>(dim + 2) * squared_norm(&spread).sqrt()
        };
        let offsets: Vec<f64> = offset.iter().map(|entry| entry.rounded().abs()).collect();
        let log_ratio = |i: usize| {
            let (p, q) = (p.factor.at(i, i), q.factor.at(i, i));
            let ratio = p / q;
            // Two logarithms lose the digits of nearly equal numbers, but do not overflow.
            if ratio.rounded().is_normal() {
                ratio.ln()
            } else {
                p.ln() - q.ln()
            }
        };
        Self {
            log_ratios: (0..dim).map(log_ratio).collect(),
            solved: [
                norm_of_spread(&excess.rounded().row_norms()),
                norm_of_spread(&offsets),
            ],
            factored: [p.factored, q.factored],
            excess,
            offset,
        }
    }

    fn squared_offset(&self) -> T {
        squared_norm(&self.offset)
    }

    fn sizes(&self) -> Sizes {
        Sizes {
            excess: self.excess.squared_norm().rounded().sqrt(),
            excess_error: self.solved[0],
            offset: self.squared_offset().rounded().sqrt(),
            offset_error: self.solved[1],
            dim: self.offset.len() as f64,
        }
    }
}

/// ln(1 + x) − x from x and ln(1 + x), to the accuracy of x where that difference cancels.
fn log_minus_linear(x: f64, log: f64) -> f64 {
    if x.abs() > 0.5 {
        return log - x;
    }
    // ln(1 + x) = 2 artanh r = 2 (r + r³/3 + r⁵/5 + …), and 2r − x = −r x; r² ≤ 1/9.
    let r = x / (2.0 + x);
    let tail = (0..18)
        .rev()
        .fold(0.0, |sum, k| sum * r * r + 1.0 / (2.0 * f64::from(k) + 3.0));
    r * (2.0 * r * r * tail - x)
}

#[cfg(test)]
mod testing {
    use nalgebra::DMatrix;

    use super::*;

    pub fn gaussian(mean: f64, std: f64) -> Mixture {
        Mixture::from_stds(vec![1.0], vec![vec![mean]], vec![vec![std]]).unwrap()
    }

    pub fn in_three_dimensions(mean: [f64; 3], rows: [[f64; 3]; 3]) -> Mixture {
        let factor = DMatrix::from_row_slice(3, 3, &rows.concat());
        Mixture::new(vec![1.0], vec![mean.to_vec()], vec![factor]).unwrap()
    }

    /// Two Gaussians with every parameter different.
    pub fn pair_in_three_dimensions() -> (Mixture, Mixture) {
        let make = |s: f64, mean: f64| {
            let rows = [[1.0, 0.0, 0.0], [s, 0.5, 0.0], [-0.3, s, 2.0]];
            in_three_dimensions([mean, 0.0, 1.0], rows)
        };
        (make(0.4, 0.0), make(-0.2, 1.5))
    }

    /// The same with parameters that differ by some 1e-8.
    pub fn near_pair_in_three_dimensions() -> (Mixture, Mixture) {
        let make = |e: f64| {
            let rows = [
                [1.0 + e, 0.0, 0.0],
                [0.4 - 2.0 * e, 0.5 + 3.0 * e, 0.0],
                [-0.3 + e, 0.4, 2.0 - 4.0 * e],
            ];
            in_three_dimensions([e, 0.0, 1.0 - 2.0 * e], rows)
        };
        (make(1e-8), make(0.0))
    }

    /// Simpson's rule with n intervals, n even.
    pub fn simpson(f: impl Fn(f64) -> f64, from: f64, to: f64, n: u32) -> f64 {
        let step = (to - from) / f64::from(n);
        let weight = |i| match i {
            i if i == 0 || i == n => 1.0,
            i if i % 2 == 1 => 4.0,
            _ => 2.0,
        };
        let terms = (0..=n).map(|i| weight(i) * f(from + f64::from(i) * step));
        terms.sum::<f64>() * step / 3.0
    }

    pub fn relative_error(found: f64, expected: f64) -> f64 {
        ((found - expected) / expected).abs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use testing::relative_error;

    #[test]
    fn the_logarithm_without_its_linear_part_keeps_every_digit() {
        // mp.log1p(mpf(x)) - mpf(x)
        for (x, expected) in [
            (1e-9, -4.999_999_996_666_667e-19),
            (-1e-3, -5.003_335_835_335_002e-7),
            (0.5, -0.094_534_891_891_835_62),
            (-0.5, -0.193_147_180_559_945_31),
            (3.0, -1.613_705_638_880_109_4),
        ] {
            let found = log_minus_linear(x, f64::ln_1p(x));
            assert!(relative_error(found, expected) < 1e-15, "{x}: {found}");
        }
    }
}
