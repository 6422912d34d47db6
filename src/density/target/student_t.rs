//! Mixtures of Student-t distributions: targets with heavy tails.
//!
//! f(x) = Γ((ν + D)/2) / (Γ(ν/2) (νπ)^(D/2) |L|) (1 + |L⁻¹(x − μ)|² / ν)^(−(ν + D)/2) (Kotz and
//! Nadarajah 2004, §1.1), with L Lᵀ the scale matrix; the covariance is ν / (ν − 2) times it.

use std::sync::OnceLock;

use burn::tensor::Tensor;
use nalgebra::{Cholesky, DMatrix, DVector};
use rand::Rng;
use rand_distr::{ChiSquared, Distribution as _};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use statrs::function::beta::{beta_reg, ln_beta};
use statrs::function::gamma::{gamma_lr, gamma_ur, ln_gamma};

use super::distribution::{Distribution, Elliptical, Tails};
use crate::compute::device::Numerics;
use crate::compute::kernel::cpu::{MOST_POINTS, Width, log_sum_of_powers};
use crate::compute::kernel::{MixtureTensors, has_expectation, log_density_of};
use crate::density::{Density, Draws, Nodes};
use crate::error::Refusal;
use crate::mixture::{Distances, Mixture, NaturalParameters};
use crate::text::count;

/// As many halvings as there are digits to tell places apart by.
const HALVINGS: usize = 80;
/// Points whose densities one thread finds.
const TOGETHER: usize = 64 * MOST_POINTS;
/// The most steps of a climb to a mode.
const CLIMB: usize = 2000;

/// A mixture of Student-t distributions with one number of degrees of freedom.
#[derive(Debug, Clone, PartialEq)]
pub struct StudentT {
    scales: Mixture,
    dof: f64,
}

impl StudentT {
    /// From the weights, centres and scale matrices as those of a Gaussian mixture, and ν > 0
    /// degrees of freedom; `None` if ν is not positive and finite.
    pub fn new(scales: Mixture, dof: f64) -> Option<Self> {
        (dof > 0.0 && dof.is_finite()).then_some(Self { scales, dof })
    }

    /// Weights, centres and scale matrices: the Gaussian mixture that ν → ∞ gives.
    pub fn scales(&self) -> &Mixture {
        &self.scales
    }

    /// ν, the degrees of freedom.
    pub fn dof(&self) -> f64 {
        self.dof
    }

    /// The covariance, D × D; `None` for ν ≤ 2, where it is infinite.
    fn covariance(&self) -> Option<DMatrix<f64>> {
        if self.dof <= 2.0 {
            return None;
        }
        let (scales, inflation) = (&self.scales, self.dof / (self.dof - 2.0));
        let within = (0..scales.components())
            .map(|k| scales.component_covariance(k) * (scales.weights()[k] * (inflation - 1.0)));
        Some(within.fold(scales.covariance(), |sum, part| sum + part))
    }

    fn log_normalizer(&self) -> f64 {
        let (dim, dof) = (self.scales.dim() as f64, self.dof);
        ln_gamma(0.5 * (dof + dim))
            - ln_gamma(0.5 * dof)
            - 0.5 * dim * (dof * std::f64::consts::PI).ln()
    }

    /// Of each component at x: log wₖ fₖ(x) but for a constant of all, and |L⁻¹(x − μₖ)|².
    fn terms(&self, x: &[f64]) -> Vec<(f64, f64)> {
        let power = 0.5 * (self.dof + self.scales.dim() as f64);
        let (weights, factors) = (self.scales.weights(), self.scales.scale_trils());
        (0..weights.len())
            .map(|k| {
                let offset = DVector::from_column_slice(x) - &self.scales.means()[k];
                let z = factors[k].solve_lower_triangular(&offset);
                let squared = z.map_or(f64::INFINITY, |z| z.norm_squared());
                let log_det: f64 = factors[k].diagonal().iter().map(|l| l.ln()).sum();
                let tail = power * (squared / self.dof).ln_1p();
                (weights[k].ln() - log_det - tail, squared)
            })
            .collect()
    }

    /// log p(x) in nats at one point of D coordinates.
    pub fn log_density(&self, x: &[f64]) -> f64 {
        let terms = self.terms(x);
        let max = largest(&terms);
        let sum: f64 = terms.iter().map(|(term, _)| (term - max).exp()).sum();
        self.log_normalizer() + max + sum.ln()
    }

    /// Independent draws, count × D in row-major order: a Gaussian draw stretched by √(ν / χ²_ν).
    pub fn sample(&self, count: usize, generator: &mut impl rand::Rng) -> Vec<f64> {
        let dim = self.scales.dim();
        let Ok(chi_squared) = ChiSquared::new(self.dof) else {
            return vec![f64::NAN; count * dim];
        };
        let mut rows = Vec::with_capacity(count * dim);
        for _ in 0..count {
            let (k, x) = self.scales.sample_one(generator);
            let stretch = (self.dof / chi_squared.sample(generator)).sqrt();
            let center = &self.scales.means()[k];
            rows.extend((x.iter().zip(center)).map(|(x, center)| center + stretch * (x - center)));
        }
        rows
    }

    fn climb(&self, mut x: DVector<f64>) -> DVector<f64> {
        let dim = self.scales.dim();
        let precisions: Vec<DMatrix<f64>> = (self.scales.scale_trils().iter())
            .map(|factor| Cholesky::pack_dirty(factor.clone()).inverse())
            .collect();
        for _ in 0..CLIMB {
            let terms = self.terms(x.as_slice());
            let max = largest(&terms);
            let mut left = DMatrix::zeros(dim, dim);
            let mut right = DVector::zeros(dim);
            for ((term, squared), (precision, mean)) in
                (terms.iter()).zip(precisions.iter().zip(self.scales.means()))
            {
                let pull = (term - max).exp() / (self.dof + squared);
                left += precision * pull;
                right += precision * mean * pull;
            }
            let Some(next) = Cholesky::new(left).map(|left| left.solve(&right)) else {
                break;
            };
            let moved = (&next - &x).norm();
            x = next;
            if moved <= 1e-12 * (1.0 + x.norm()) {
                break;
            }
        }
        x
    }
}

impl Distribution for StudentT {
    type Summary = StudentTSummary;
    type Marginal = Self;

    fn dim(&self) -> usize {
        self.scales.dim()
    }

    fn describe(&self) -> String {
        match self.scales.components() {
            1 => "a Student-t distribution".to_owned(),
            components => format!("a mixture of {components} Student-t distributions"),
        }
    }

    fn describe_alone(&self) -> String {
        let components = count(self.scales.components(), "component");
        format!("{components} of Student's t, ν = {}", self.dof)
    }

    fn parameters(&self) -> String {
        let scales = Distribution::parameters(&self.scales);
        format!("{} degrees of freedom; {scales}", self.dof)
    }

    fn summary(&self) -> StudentTSummary {
        StudentTSummary {
            dof: self.dof,
            scales: (&self.scales).into(),
        }
    }

    fn upload(&self, numerics: &Numerics) -> Box<dyn Density> {
        Box::new(StudentTDensity::new(self, numerics))
    }

    fn log_density(&self, x: &[f64]) -> Option<f64> {
        Some(self.log_density(x))
    }

    fn log_densities(&self, x: &[f64], logs: &mut [f64]) {
        let dim = self.scales.dim();
        let power = 0.5 * (self.dof + dim as f64);
        let normalizer = self.log_normalizer();
        let constants: Vec<f64> = (0..self.scales.components())
            .map(|k| {
                let factor = &self.scales.scale_trils()[k];
                let log_det: f64 = factor.diagonal().iter().map(|l| l.ln()).sum();
                normalizer + self.scales.weights()[k].ln() - log_det
            })
            .collect();
        let distances: Vec<Distances> = (0..constants.len())
            .map(|k| Distances::new(&self.scales, k))
            .collect();
        let mut terms = vec![0.0; constants.len() * MOST_POINTS];
        for (x, logs) in (x.chunks(MOST_POINTS * dim)).zip(logs.chunks_mut(MOST_POINTS)) {
            let points = logs.len();
            for (distances, terms) in distances.iter().zip(terms.chunks_mut(points)) {
                distances.squared(x, terms);
                terms.iter_mut().for_each(|term| *term /= self.dof);
            }
            log_sum_of_powers(Width::Widest, &constants, power, &mut terms, logs);
        }
    }

    fn sample(&self, count: usize, mut generator: &mut dyn Rng) -> Vec<f64> {
        self.sample(count, &mut generator)
    }

    fn marginal(&self, coordinates: &[usize]) -> Result<Self, Refusal> {
        Ok(Self {
            scales: self.scales.marginal(coordinates)?,
            dof: self.dof,
        })
    }

    fn moments(&self) -> Option<(DVector<f64>, DMatrix<f64>)> {
        Some((self.scales.mean(), self.covariance()?))
    }

    fn tails(&self) -> Tails {
        Tails::Power { dof: self.dof }
    }

    /// Those that are reached from the centres, by the fixed point of the gradient:
    /// x = (Σ uₖ Σₖ⁻¹)⁻¹ Σ uₖ Σₖ⁻¹ μₖ with uₖ = p(k|x) (ν + D) / (ν + |Lₖ⁻¹(x − μₖ)|²).
    fn modes(&self) -> Option<Vec<DVector<f64>>> {
        if !self.elliptical()?.has_fast_modes() {
            return None;
        }
        let mut modes: Vec<DVector<f64>> = Vec::new();
        for start in self.scales.means() {
            let mode = self.climb(start.clone());
            let known = modes.iter().any(|other| {
                let k = 0..self.scales.components();
                let nearest = k.map(|k| {
                    let stds = self.scales.component_stds(k);
                    (0..stds.len())
                        .map(|i| ((mode[i] - other[i]) / stds[i]).abs())
                        .fold(0.0, f64::max)
                });
                nearest.fold(f64::INFINITY, f64::min) < 1e-2
            });
            if !known {
                modes.push(mode);
            }
        }
        Some(modes)
    }

    fn elliptical(&self) -> Option<Elliptical<'_>> {
        Some(Elliptical {
            scales: &self.scales,
            dof: Some(self.dof),
        })
    }
}

/// What `summary.json` says of a mixture of Student-t distributions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StudentTSummary {
    /// Degrees of freedom.
    pub dof: f64,
    /// Weights, centres, and scale matrices under the name of covariances.
    pub scales: NaturalParameters,
}

fn largest(terms: &[(f64, f64)]) -> f64 {
    (terms.iter()).fold(f64::NEG_INFINITY, |max, (term, _)| max.max(*term))
}

/// The mixture with its constant tensors.
#[derive(Debug)]
pub(super) struct StudentTDensity {
    model: StudentT,
    tensors: MixtureTensors,
    numerics: Numerics,
    stretch: OnceLock<Vec<f64>>,
}

/// The table of the stretch has this many entries for a unit of |z| …
const PER_UNIT: usize = 512;
/// … up to here on each axis; φ is below 1e-18 beyond.
const FARTHEST: f64 = 9.0;

impl StudentTDensity {
    pub fn new(model: &StudentT, numerics: &Numerics) -> Self {
        Self {
            model: model.clone(),
            tensors: MixtureTensors::constant(&model.scales, numerics),
            numerics: numerics.clone(),
            stretch: OnceLock::new(),
        }
    }

    /// By how much a standard normal point at this |z| is stretched to become a Student-t point, so
    /// that as much probability lies within either.
    pub fn stretch(&self, radius: f64) -> f64 {
        let dim = self.model.scales.dim() as f64;
        let table = self.stretch.get_or_init(|| {
            let last = (FARTHEST * dim.sqrt()) as usize * PER_UNIT + 4;
            (0..=last)
                .into_par_iter()
                .map(|i| stretch(i.max(1) as f64 / PER_UNIT as f64, dim, self.model.dof))
                .collect()
        });
        let place = radius * PER_UNIT as f64;
        if place + 3.0 > table.len() as f64 {
            return stretch(radius, dim, self.model.dof);
        }
        // The cubic through the four entries around it; near 0 the stretch is flat.
        let first = (place as usize).clamp(2, table.len() - 3) - 1;
        let t = place - first as f64;
        let [a, b, c, d] = [0, 1, 2, 3].map(|i| table[first + i]);
        -a * (t - 1.0) * (t - 2.0) * (t - 3.0) / 6.0 + b * t * (t - 2.0) * (t - 3.0) / 2.0
            - c * t * (t - 1.0) * (t - 3.0) / 2.0
            + d * t * (t - 1.0) * (t - 2.0) / 6.0
    }
}

/// s with I_s(a, b) = share, where I is the regularised incomplete beta function: by Newton's method for log I
/// as a function of log s / (1 − s), halving where it leaves what is known.
fn inverse_beta(a: f64, b: f64, share: f64) -> f64 {
    // From the least number there is to the last one below 1.
    let (mut low, mut high) = (-745.0, 40.0);
    let mut at = 0.0f64;
    let s = |at: f64| 1.0 / (1.0 + (-at).exp());
    for _ in 0..HALVINGS {
        let found = beta_reg(a, b, s(at));
        if found < share {
            low = at;
        } else {
            high = at;
        }
        let log_slope = a * s(at).ln() + b * (-s(at)).ln_1p() - ln_beta(a, b) - found.ln();
        let newton = at - (found / share).ln() / log_slope.exp();
        let next = if newton > low && newton < high {
            newton
        } else {
            0.5 * (low + high)
        };
        let moved = (next - at).abs();
        at = next;
        if moved <= f64::EPSILON * at.abs().max(1.0) {
            break;
        }
    }
    s(at)
}

/// |t| / |z| where P(|T|² ≤ |t|²) = P(|Z|² ≤ |z|²), T a standard Student-t and Z a standard normal
/// vector: |Z|² is χ²_D, and |T|² / (ν + |T|²) is Beta(D/2, ν/2).
fn stretch(radius: f64, dim: f64, dof: f64) -> f64 {
    let half = 0.5 * radius * radius;
    let upper = gamma_ur(0.5 * dim, half);
    let squared = if upper < 0.5 {
        let share = inverse_beta(0.5 * dof, 0.5 * dim, upper);
        dof * (1.0 - share) / share
    } else {
        let share = inverse_beta(0.5 * dim, 0.5 * dof, gamma_lr(0.5 * dim, half));
        dof * share / (1.0 - share)
    };
    squared.sqrt() / radius
}

impl Density for StudentTDensity {
    fn log_density(&self, x: Tensor<3>) -> Tensor<2> {
        let [runs, points, d] = x.dims();
        // No graph goes through it, so that one pass over the points does.
        if !x.is_tracked()
            && has_expectation(&self.numerics)
            && let Ok(x) = Numerics::read(x.clone())
        {
            let mut logs = vec![0.0; runs * points];
            (logs
                .par_chunks_mut(TOGETHER)
                .zip(x.par_chunks(TOGETHER * d)))
            .for_each(|(logs, x)| self.model.log_densities(x, logs));
            return self.numerics.tensor(logs, [runs, points]);
        }
        let power = 0.5 * (self.model.dof + d as f64);
        let constant = self.model.log_normalizer();
        log_density_of(x, &self.tensors, |squared| {
            -squared
                .div_scalar(self.model.dof)
                .log1p()
                .mul_scalar(power)
                .sub_scalar(constant)
        })
    }

    fn strata(&self) -> usize {
        self.tensors.strata()
    }

    /// Carries standard normal points to Student-t points of the same rank, which keeps every
    /// weight.
    fn place(&self, nodes: Nodes) -> Draws {
        let shape = nodes.z.dims();
        let z = match Numerics::read(nodes.z.clone()) {
            Ok(mut z) => {
                for point in z.chunks_exact_mut(shape[3]) {
                    let radius = point.iter().map(|z| z * z).sum::<f64>().sqrt();
                    let stretch = self.stretch(radius);
                    point.iter_mut().for_each(|z| *z *= stretch);
                }
                self.numerics.tensor(z, shape)
            }
            // A device that fails here fails again, and is reported, where the loss is read.
            Err(_) => nodes.z,
        };
        Density::place(&self.tensors, Nodes { z, ..nodes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stretch_carries_quantiles_to_quantiles() {
        // scipy.stats: -t.ppf(norm.sf(z), nu) / z for z = 0.5, 2, 5.
        for (dof, expected) in [
            (
                1.0,
                [1.3726736290816228, 6.983865099622277, 222088.35911623988],
            ),
            (
                5.0,
                [1.0653406951133813, 1.3243247153513518, 6.36939985263133],
            ),
        ] {
            for (z, expected) in [0.5, 2.0, 5.0].into_iter().zip(expected) {
                let found = stretch(z, 1.0, dof);
                assert!(
                    (found / expected - 1.0).abs() < 1e-9,
                    "{dof} {z}: {found} {expected}"
                );
            }
        }
    }

    /// As much probability lies within the one radius as within the other, in any number of dimensions.
    #[test]
    fn the_stretch_keeps_probabilities() {
        for dim in [2.0, 10.0, 40.0, 300.0] {
            for dof in [0.5, 5.0, 60.0] {
                for share in [0.02, 0.5, 1.0, 1.5] {
                    let radius = share * f64::sqrt(dim);
                    let squared = (radius * stretch(radius, dim, dof)).powi(2);
                    let beyond = beta_reg(0.5 * dof, 0.5 * dim, dof / (dof + squared));
                    let within = beta_reg(0.5 * dim, 0.5 * dof, squared / (dof + squared));
                    let half = 0.5 * radius * radius;
                    // Of the smaller of the two all digits count.
                    let pairs = [
                        [beyond, gamma_ur(0.5 * dim, half)],
                        [within, gamma_lr(0.5 * dim, half)],
                    ];
                    let [found, expected] = pairs[usize::from(pairs[0][1] > pairs[1][1])];
                    assert!(
                        (found - expected).abs() <= 1e-10 * expected + f64::MIN_POSITIVE,
                        "{dim} {dof} {radius}: {found:e} {expected:e}"
                    );
                }
            }
        }
    }
}
