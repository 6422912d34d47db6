//! A mixture of Gaussians on the host, in f64; one that exists is a density.

mod algebra;
mod check;
mod distance;
mod factor;
mod modes;
pub(crate) mod natural;
mod parameter;
mod power;
mod sample;

use nalgebra::{DMatrix, DVector};

pub(crate) use algebra::lower_of;
pub use algebra::{Conditional, Product};
pub(crate) use distance::Distances;
pub use modes::modes;
pub use natural::{NaturalParameters, Scales, from_natural_values, natural_values};
pub(crate) use natural::{matrix_of, rows_of};
pub use parameter::{Parameter, Quantity};
pub(crate) use power::{Gaussian, peaks};

use crate::error::Refusal;
use factor::Factor;

pub(crate) use check::{MOST_DIM, MOST_ENTRIES, check_size};
use check::{asymmetry, check_count, check_finite, check_square, check_weights_and_means};

/// A mixture Σₖ wₖ N(μₖ, Lₖ Lₖᵀ) of K Gaussians in D dimensions. A Gaussian is a mixture of one.
///
/// ```
/// use klfit::Mixture;
/// let p = Mixture::from_stds(vec![0.5, 0.5], vec![vec![-3.0], vec![3.0]], vec![vec![1.0]; 2])?;
/// assert!((p.covariance()[(0, 0)] - 10.0).abs() < 1e-12);
/// # Ok::<(), klfit::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Mixture {
    weights: Vec<f64>,
    means: Vec<DVector<f64>>,
    scale_trils: Vec<DMatrix<f64>>,
    /// Whether a factor has nothing below its diagonal.
    are_diagonal: Vec<bool>,
    /// What rounding took from a factor where a covariance was given.
    remainders: Vec<Option<DMatrix<f64>>>,
}

impl Mixture {
    /// Makes a mixture from lower Cholesky factors, K of D × D each.
    ///
    /// # Errors
    /// If a part has the wrong shape, a number is not finite, a weight is negative, the weights do
    /// not sum to 1, or a factor is not lower triangular with a positive diagonal.
    pub fn new(
        weights: Vec<f64>,
        means: Vec<Vec<f64>>,
        scale_trils: Vec<DMatrix<f64>>,
    ) -> Result<Self, Refusal> {
        let dim = check_weights_and_means(&weights, &means)?;
        check_count("scale_trils", scale_trils.len(), weights.len())?;
        for (k, factor) in scale_trils.iter().enumerate() {
            check_square("scale_trils", k, factor, dim)?;
            let upper = (0..dim).any(|i| (i + 1..dim).any(|j| factor[(i, j)] != 0.0));
            if upper {
                return Err(Refusal::new(
                    "scale_trils",
                    "has an entry above the diagonal",
                    "give the lower Cholesky factor L with covariance = L Lᵀ",
                )
                .of("component", k));
            }
            if let Some(i) = (0..dim).find(|&i| factor[(i, i)] <= 0.0) {
                return Err(Refusal::new(
                    "scale_trils",
                    format!("entry {} of the diagonal is {}", i + 1, factor[(i, i)]),
                    "the diagonal of a Cholesky factor is positive",
                )
                .of("component", k));
            }
        }
        let total: f64 = weights.iter().sum();
        Ok(Self {
            weights: weights.iter().map(|w| w / total).collect(),
            means: means.into_iter().map(DVector::from_vec).collect(),
            remainders: vec![None; scale_trils.len()],
            are_diagonal: scale_trils.iter().map(is_diagonal).collect(),
            scale_trils,
        })
    }

    /// Makes a mixture with independent coordinates from standard deviations, K of D each.
    ///
    /// # Errors
    /// As [`Mixture::new`]; a standard deviation that is not positive is refused.
    pub fn from_stds(
        weights: Vec<f64>,
        means: Vec<Vec<f64>>,
        stds: Vec<Vec<f64>>,
    ) -> Result<Self, Refusal> {
        let dim = check_weights_and_means(&weights, &means)?;
        check_count("stds", stds.len(), weights.len())?;
        for (k, std) in stds.iter().enumerate() {
            if std.len() != dim {
                return Err(Refusal::new(
                    "stds",
                    format!("has {} entries, but its mean has {dim}", std.len()),
                    "give one standard deviation for each coordinate",
                )
                .of("component", k));
            }
            check_finite("stds", k, std.iter())?;
            if let Some(std) = std.iter().find(|&&std| std <= 0.0) {
                return Err(Refusal::new(
                    "stds",
                    format!("a standard deviation is {std}"),
                    "standard deviations are positive",
                )
                .of("component", k));
            }
        }
        let factors = stds
            .into_iter()
            .map(|std| DMatrix::from_diagonal(&DVector::from_vec(std)))
            .collect();
        Self::new(weights, means, factors)
    }

    /// Makes a mixture from covariances, K of D × D each.
    ///
    /// They are kept to the last bit, in what [`component_covariance`](Self::component_covariance)
    /// gives and in the formulas of two Gaussians. The factors, with which densities are evaluated
    /// and drawn from, are rounded; that is a change of L Lᵀ of √κ ε at a condition number κ.
    ///
    /// # Errors
    /// As [`Mixture::new`]; a covariance that is not symmetric, not positive definite or singular to
    /// rounding (with correlations of a condition number of 9·10¹⁵ or more) is refused with the
    /// component it belongs to.
    pub fn from_covariances(
        weights: Vec<f64>,
        means: Vec<Vec<f64>>,
        covariances: Vec<DMatrix<f64>>,
    ) -> Result<Self, Refusal> {
        let dim = check_weights_and_means(&weights, &means)?;
        check_count("covariances", covariances.len(), weights.len())?;
        let factored = |(k, covariance): (usize, DMatrix<f64>)| {
            check_square("covariances", k, &covariance, dim)?;
            if let Some((i, j)) = asymmetry(&covariance) {
                return Err(Refusal::new(
                    "covariances",
                    format!(
                        "not symmetric: entry ({}, {}) is {} and entry ({}, {}) is {}",
                        i + 1,
                        j + 1,
                        covariance[(i, j)],
                        j + 1,
                        i + 1,
                        covariance[(j, i)]
                    ),
                    "a covariance equals its transpose",
                )
                .of("component", k));
            }
            Factor::new(k, &covariance)
        };
        let factors = covariances.into_iter().enumerate().map(factored);
        Self::from_factors(weights, means, factors.collect::<Result<_, _>>()?)
    }

    fn from_factors(
        weights: Vec<f64>,
        means: Vec<Vec<f64>>,
        factors: Vec<Factor>,
    ) -> Result<Self, Refusal> {
        let (remainders, rounded) = (factors.into_iter())
            .map(|factor| (factor.remainder(), factor.rounded))
            .unzip();
        Ok(Self {
            remainders,
            ..Self::new(weights, means, rounded)?
        })
    }

    /// Makes a single Gaussian from its mean and D × D covariance.
    ///
    /// # Errors
    /// As [`Mixture::from_covariances`].
    pub fn gaussian(mean: Vec<f64>, covariance: DMatrix<f64>) -> Result<Self, Refusal> {
        Self::from_covariances(vec![1.0], vec![mean], vec![covariance])
    }

    /// D, the number of coordinates.
    pub fn dim(&self) -> usize {
        self.means[0].len()
    }

    /// K, the number of components.
    pub fn components(&self) -> usize {
        self.weights.len()
    }

    /// The K weights; they are not negative and sum to 1.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// The K means, D each.
    pub fn means(&self) -> &[DVector<f64>] {
        &self.means
    }

    /// The K lower Cholesky factors of the covariances, D × D each.
    pub fn scale_trils(&self) -> &[DMatrix<f64>] {
        &self.scale_trils
    }

    /// The covariance of one component, D × D; as it was given, if it was.
    pub fn component_covariance(&self, k: usize) -> DMatrix<f64> {
        if self.is_factored(k) {
            return factor::covariance(self, k);
        }
        &self.scale_trils[k] * self.scale_trils[k].transpose()
    }

    /// The standard deviations of one component's coordinates, D.
    pub fn component_stds(&self, k: usize) -> Vec<f64> {
        self.scale_trils[k]
            .row_iter()
            .map(|row| row.norm())
            .collect()
    }

    /// Column j of a factor from its diagonal on, as far as it is not known to be 0.
    fn factor_column(&self, k: usize, j: usize) -> &[f64] {
        let dim = self.dim();
        let end = if self.are_diagonal[k] { j + 1 } else { dim };
        &self.scale_trils[k].as_slice()[j * dim..][j..end]
    }

    /// Whether it is what its standard deviations make: no factor has anything below its diagonal, and
    /// rounding took nothing.
    fn is_made_of_stds(&self) -> bool {
        self.remainders.iter().all(Option::is_none) && self.are_diagonal.iter().all(|one| *one)
    }

    /// It without the components that have no weight: the same density.
    pub(crate) fn occupied(&self) -> Self {
        let has_weight = |k: &usize| self.weights[*k] > 0.0;
        let kept: Vec<usize> = (0..self.components()).filter(has_weight).collect();
        self.with_weights(&kept, kept.iter().map(|&k| self.weights[k]).collect())
    }

    /// A component by itself.
    pub(crate) fn component(&self, k: usize) -> Self {
        self.with_weights(&[k], vec![1.0])
    }

    /// Some of its components, which have weight, as a density of their own.
    pub(crate) fn some(&self, components: &[usize]) -> Self {
        let total: f64 = components.iter().map(|&k| self.weights[k]).sum();
        let weights = components.iter().map(|&k| self.weights[k] / total);
        self.with_weights(components, weights.collect())
    }

    /// It with one weight for all its components.
    pub(crate) fn evenly_weighted(&self) -> Self {
        let k = self.components();
        self.with_weights(&(0..k).collect::<Vec<_>>(), vec![1.0 / k as f64; k])
    }

    fn with_weights(&self, kept: &[usize], weights: Vec<f64>) -> Self {
        Self {
            weights,
            means: kept.iter().map(|&k| self.means[k].clone()).collect(),
            scale_trils: kept.iter().map(|&k| self.scale_trils[k].clone()).collect(),
            are_diagonal: kept.iter().map(|&k| self.are_diagonal[k]).collect(),
            remainders: kept.iter().map(|&k| self.remainders[k].clone()).collect(),
        }
    }

    /// It with another density in place of one of its components, at the end.
    pub(crate) fn with_in_place_of(&self, component: usize, other: Self) -> Self {
        let kept: Vec<usize> = (0..self.components()).filter(|k| *k != component).collect();
        let weights = kept.iter().map(|&k| self.weights[k]).collect();
        let mut all = self.with_weights(&kept, weights);
        let weight = self.weights[component];
        all.weights
            .extend(other.weights.iter().map(|of| of * weight));
        all.means.extend(other.means);
        all.scale_trils.extend(other.scale_trils);
        all.are_diagonal.extend(other.are_diagonal);
        all.remainders.extend(other.remainders);
        all
    }

    /// The mean of the mixture, D.
    pub fn mean(&self) -> DVector<f64> {
        let zero = DVector::zeros(self.dim());
        (self.weights.iter().zip(&self.means)).fold(zero, |sum, (w, mean)| sum + mean * *w)
    }

    /// The covariance of the mixture, D × D: Σₖ wₖ (Σₖ + (μₖ − μ)(μₖ − μ)ᵀ).
    pub fn covariance(&self) -> DMatrix<f64> {
        let mean = self.mean();
        let mut covariance = DMatrix::zeros(self.dim(), self.dim());
        for k in 0..self.components() {
            let offset = &self.means[k] - &mean;
            covariance +=
                (self.component_covariance(k) + &offset * offset.transpose()) * self.weights[k];
        }
        covariance
    }

    /// The characteristic function E exp(i tᵀx) at one t of D coordinates, its real and its imaginary part:
    /// Σₖ wₖ exp(i tᵀμₖ − tᵀΣₖt / 2).
    pub fn characteristic_function(&self, t: &[f64]) -> [f64; 2] {
        let t = DVector::from_column_slice(t);
        let mut sum = [0.0; 2];
        for ((weight, mean), factor) in self.weights.iter().zip(&self.means).zip(&self.scale_trils)
        {
            let size = weight * (-0.5 * factor.tr_mul(&t).norm_squared()).exp();
            let (sin, cos) = t.dot(mean).sin_cos();
            sum[0] += size * cos;
            sum[1] += size * sin;
        }
        sum
    }

    /// log p(x) in nats at one point of D coordinates; −∞ where p underflows to zero weight.
    pub fn log_density(&self, x: &[f64]) -> f64 {
        log_sum_exp(self.log_terms(x).into_iter())
    }

    /// log p(x) in nats at one point of D coordinates, and the shares of the K components in p(x), which sum to 1:
    /// their responsibilities.
    pub fn log_density_with_shares(&self, x: &[f64]) -> (f64, Vec<f64>) {
        let terms = self.log_terms(x);
        let all = log_sum_exp(terms.iter().copied());
        (
            all,
            terms.into_iter().map(|term| (term - all).exp()).collect(),
        )
    }

    /// log wₖ N(x; μₖ, Σₖ) in nats of each of the K components.
    fn log_terms(&self, x: &[f64]) -> Vec<f64> {
        (0..self.components())
            .map(|k| self.weights[k].ln() + self.component_log_density(k, x))
            .collect()
    }

    /// The entropy in nats of the shares rₖ that the components have in q(x): 0 where x is of one of them alone.
    pub fn entropy_of_shares(&self, x: &[f64]) -> f64 {
        let terms = self.log_terms(x);
        let all = log_sum_exp(terms.iter().copied());
        (terms.into_iter())
            .map(|term| term - all)
            .filter(|log_share| *log_share > f64::NEG_INFINITY)
            .map(|log_share| -log_share.exp() * log_share)
            .sum()
    }

    /// log N(x; μₖ, Σₖ) in nats of one component at one point of D coordinates.
    pub fn component_log_density(&self, k: usize, x: &[f64]) -> f64 {
        let dim = self.dim();
        // L z up to the coordinate before, by columns, which lie side by side in memory.
        let mut known = vec![0.0; dim];
        let (mut squared, mut log_det) = (0.0, 0.0);
        for i in 0..dim {
            let column = self.factor_column(k, i);
            let z = (x[i] - self.means[k][i] - known[i]) / column[0];
            for (known, entry) in known[i + 1..].iter_mut().zip(&column[1..]) {
                *known += entry * z;
            }
            squared += z * z;
            log_det += column[0].ln();
        }
        -0.5 * squared - log_det - 0.5 * dim as f64 * std::f64::consts::TAU.ln()
    }

    /// The marginal of the given coordinates, in the order given.
    ///
    /// # Errors
    /// If a coordinate is given twice.
    pub fn marginal(&self, coordinates: &[usize]) -> Result<Self, Refusal> {
        let is_again = |n: &usize| coordinates[..*n].contains(&coordinates[*n]);
        if let Some(n) = (0..coordinates.len()).find(is_again) {
            let message = format!("name coordinate {} twice", coordinates[n] + 1);
            return Err(Refusal::new(
                "coordinates",
                message,
                "name each of them once",
            ));
        }
        let pick = |k: usize| {
            Factor::marginal(self, k, coordinates).ok_or_else(|| {
                Refusal::new(
                    "coordinates",
                    "some of them determine another",
                    "name each of them once",
                )
                .of("component", k)
            })
        };
        Self::from_factors(
            self.weights.clone(),
            (self.means.iter())
                .map(|mean| coordinates.iter().map(|&d| mean[d]).collect())
                .collect(),
            (0..self.components()).map(pick).collect::<Result<_, _>>()?,
        )
    }
}

/// log Σ exp; −∞ of nothing.
pub(crate) fn log_sum_exp(terms: impl Iterator<Item = f64> + Clone) -> f64 {
    let max = terms.clone().fold(f64::NEG_INFINITY, f64::max);
    if max.is_infinite() {
        return max;
    }
    max + terms.map(|term| (term - max).exp()).sum::<f64>().ln()
}

/// Whether a Cholesky factor has nothing below its diagonal.
pub(crate) fn is_diagonal(factor: &DMatrix<f64>) -> bool {
    (factor.column_iter().enumerate())
        .all(|(j, column)| column.iter().skip(j + 1).all(|entry| *entry == 0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(entries: [f64; 4]) -> DMatrix<f64> {
        DMatrix::from_row_slice(2, 2, &entries)
    }

    #[test]
    fn the_moments_are_those_worked_out_by_hand() {
        let mixture = Mixture::from_covariances(
            vec![0.25, 0.75],
            vec![vec![0.0, 4.0], vec![4.0, 0.0]],
            vec![matrix([1.0, 0.5, 0.5, 2.0]), matrix([2.0, 0.0, 0.0, 1.0])],
        )
        .unwrap();
        assert_eq!(mixture.mean().as_slice(), [3.0, 1.0]);
        // Within: 0.25·(1, ½, 2) + 0.75·(2, 0, 1). Between: 3/16 of (4, −4) with itself.
        let expected = matrix([1.75 + 3.0, 0.125 - 3.0, 0.125 - 3.0, 1.25 + 3.0]);
        assert!((mixture.covariance() - expected).abs().max() < 1e-14);
    }

    #[test]
    fn a_marginal_has_the_coordinates_in_the_order_asked_for() {
        let mixture = Mixture::gaussian(vec![1.0, 2.0], matrix([1.0, 0.5, 0.5, 2.0])).unwrap();
        let marginal = mixture.marginal(&[1, 0]).unwrap();
        assert_eq!(marginal.means()[0].as_slice(), [2.0, 1.0]);
        let expected = matrix([2.0, 0.5, 0.5, 1.0]);
        assert!((marginal.component_covariance(0) - expected).abs().max() < 1e-15);
        // A density over the other coordinate integrates to the marginal.
        let step = 0.01;
        let sum: f64 = (-3000..3000)
            .map(|i| mixture.log_density(&[f64::from(i) * step, 0.7]).exp() * step)
            .sum();
        let alone = mixture.marginal(&[1]).unwrap().log_density(&[0.7]).exp();
        assert!((sum - alone).abs() < 1e-12);
    }

    #[test]
    fn rounded_weights_are_normalised_and_wrong_ones_refused() {
        let make = |weights: Vec<f64>| {
            let means = vec![vec![0.0]; weights.len()];
            let stds = vec![vec![1.0]; weights.len()];
            Mixture::from_stds(weights, means, stds)
        };
        let third = 0.333_333_33;
        let weights = make(vec![third; 3]).unwrap().weights().to_vec();
        assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-15);
        assert_eq!(make(vec![0.333; 3]).unwrap_err().key, "weights");
    }
}
