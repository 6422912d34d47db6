//! Cholesky factors of covariances, to twice the digits of a double.
//!
//! A factor in doubles leaves a covariance of condition number κ with a relative error of κ ε. Worked
//! out in doubled precision it is known to 31 − log₁₀ κ digits; rounded to doubles it leaves √κ ε,
//! and what that rounding takes is kept beside it, so that formulas are about the covariance as it
//! was given.

use nalgebra::{DMatrix, DVector};

use super::Mixture;
use crate::error::Refusal;
use crate::precise::{Doubled, Number, Triangle, condition_of_correlations, squared_norm};

/// Correlations with a larger condition number than this are singular to rounding: to move each
/// entry by half a unit in its last place, as writing it down did, may make them so.
const LARGEST_CONDITION: f64 = 1.0 / crate::precise::ROUNDING;

/// A factor L as the sum of two matrices of doubles, D × D each.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Factor {
    /// L rounded.
    pub rounded: DMatrix<f64>,
    /// What that took.
    remainder: DMatrix<f64>,
}

impl Factor {
    /// Of component k's covariance, which is finite and all but symmetric.
    pub fn new(k: usize, covariance: &DMatrix<f64>) -> Result<Self, Refusal> {
        let scales: Option<Vec<f64>> = (covariance.diagonal().iter())
            .map(|&variance| (variance > 0.0).then(|| unit_of(variance.sqrt())))
            .collect();
        let scales = scales.ok_or_else(|| indefinite(k, covariance))?;
        let entry = |i: usize, j: usize| {
            // Where the two differ in their last digits, their mean is what is meant.
            let mean = 0.5 * (covariance[(i, j)] + covariance[(j, i)]);
            Doubled::new(mean * scales[i] * scales[j], 0.0)
        };
        Triangle::from_fn(scales.len(), entry)
            .factor()
            .ok_or(f64::INFINITY)
            .and_then(|factor| {
                let condition = condition_of_correlations(&factor.rounded());
                if condition < LARGEST_CONDITION {
                    Ok(Self::scaled_back(&factor, &scales))
                } else {
                    Err(condition)
                }
            })
            .map_err(|condition| singular(k, covariance, condition))
    }

    /// What rounding took, if anything.
    pub fn remainder(&self) -> Option<DMatrix<f64>> {
        let is_exact = self.remainder.iter().all(|entry| *entry == 0.0);
        (!is_exact).then(|| self.remainder.clone())
    }

    /// Of the marginal of some coordinates, in their order.
    pub fn marginal(mixture: &Mixture, k: usize, coordinates: &[usize]) -> Option<Self> {
        let scales: Vec<f64> = coordinates.iter().map(|&i| mixture.unit(k, i)).collect();
        let entry = |i: usize, j: usize| {
            let (row, other) = (coordinates[i], coordinates[j]);
            let term = |m: usize| {
                let at = |row, scale| mixture.factor_entry::<Doubled>(k, row, m, scale);
                at(row, scales[i]) * at(other, scales[j])
            };
            (0..=row.min(other)).fold(Doubled::new(0.0, 0.0), |sum, m| sum + term(m))
        };
        let factor = Triangle::from_fn(coordinates.len(), entry).factor()?;
        Some(Self::scaled_back(&factor, &scales))
    }

    fn scaled_back(factor: &Triangle<Doubled>, scales: &[f64]) -> Self {
        let dim = scales.len();
        let of = |part: fn(Doubled) -> f64| {
            DMatrix::from_fn(dim, dim, |i, j| {
                if j > i {
                    0.0
                } else {
                    part(factor.at(i, j)) / scales[i]
                }
            })
        };
        Self {
            rounded: of(Doubled::rounded),
            remainder: of(Doubled::low),
        }
    }
}

/// The covariance of component k, every entry rounded once.
pub(super) fn covariance(mixture: &Mixture, k: usize) -> DMatrix<f64> {
    let scales: Vec<f64> = (0..mixture.dim()).map(|i| mixture.unit(k, i)).collect();
    let entry = |i: usize, j: usize| mixture.factor_entry::<Doubled>(k, i, j, scales[i]);
    let squared = Triangle::from_fn(scales.len(), entry).squared().rounded();
    DMatrix::from_fn(scales.len(), scales.len(), |i, j| {
        squared.at(i.max(j), i.min(j)) / scales[i] / scales[j]
    })
}

impl Mixture {
    /// The covariances that make this mixture to the bit, K of D × D; `None` where it was given by
    /// factors.
    pub(crate) fn given_covariances(&self) -> Option<Vec<DMatrix<f64>>> {
        if self.remainders.iter().all(Option::is_none) {
            return None;
        }
        let covariances: Vec<_> = (0..self.components())
            .map(|k| self.component_covariance(k))
            .collect();
        let made_again = covariances.iter().enumerate().all(|(k, covariance)| {
            Factor::new(k, covariance).is_ok_and(|factor| {
                let remainder = factor.remainder();
                factor.rounded == self.scale_trils[k] && remainder == self.remainders[k]
            })
        });
        made_again.then_some(covariances)
    }

    /// Whether component k was given by its covariance, so that its factor is rounded.
    pub(crate) fn is_factored(&self, k: usize) -> bool {
        self.remainders[k].is_some()
    }

    /// Whether component k and component j of another may have the same covariance, their factors
    /// being the same once rounded.
    pub(crate) fn rounds_alike(&self, k: usize, other: &Self, j: usize) -> bool {
        match (&self.remainders[k], &other.remainders[j]) {
            (Some(own), Some(other)) => own == other,
            _ => true,
        }
    }

    /// uᵀ (μ − origin), μ being the mean of component k, to the last digit however much cancels in it.
    pub(crate) fn mean_along(&self, k: usize, u: &DVector<f64>, origin: &DVector<f64>) -> f64 {
        let term = |i: usize| Doubled::sum(self.means[k][i], -origin[i]) * Doubled::new(u[i], 0.0);
        (0..u.len())
            .fold(Doubled::new(0.0, 0.0), |sum, i| sum + term(i))
            .rounded()
    }

    /// The standard deviation of uᵀx, x being of component k: ‖Lᵀ u‖, to the last digit however much
    /// cancels in it.
    pub(crate) fn std_along(&self, k: usize, u: &DVector<f64>) -> f64 {
        let term = |i: usize, j: usize| {
            self.factor_entry::<Doubled>(k, i, j, 1.0) * Doubled::new(u[i], 0.0)
        };
        let along: Vec<Doubled> = (0..u.len())
            .map(|j| (j..u.len()).fold(Doubled::new(0.0, 0.0), |sum, i| sum + term(i, j)))
            .collect();
        squared_norm(&along).rounded().sqrt()
    }

    /// The power of two that brings coordinate i of component k to about 1.
    pub(crate) fn unit(&self, k: usize, i: usize) -> f64 {
        unit_of(self.scale_trils[k].row(i).amax())
    }

    /// Entry (i, j), i ≥ j, of the factor of component k, times a power of two.
    pub(crate) fn factor_entry<T: Number>(&self, k: usize, i: usize, j: usize, scale: f64) -> T {
        let low = (self.remainders[k].as_ref()).map_or(0.0, |remainder| remainder[(i, j)]);
        T::new(self.scale_trils[k][(i, j)] * scale, low * scale)
    }
}

/// The power of two that brings a positive number to between 1 and 2, or as near as one can.
fn unit_of(number: f64) -> f64 {
    const LARGEST: i32 = 1000;
    let (_, exponent) = libm::frexp(number);
    2f64.powi((1 - exponent).clamp(-LARGEST, LARGEST))
}

/// A covariance in units of its own standard deviations; itself if a variance is not positive.
fn correlations(covariance: &DMatrix<f64>) -> DMatrix<f64> {
    let stds = covariance.diagonal().map(f64::sqrt);
    if !stds.iter().all(|std| *std > 0.0) {
        return covariance.clone();
    }
    DMatrix::from_fn(stds.len(), stds.len(), |i, j| {
        covariance[(i, j)] / stds[i] / stds[j]
    })
}

fn indefinite(k: usize, covariance: &DMatrix<f64>) -> Refusal {
    let smallest = covariance.symmetric_eigenvalues().min();
    Refusal::new(
        "covariances",
        format!("not positive definite: its smallest eigenvalue is {smallest:.3e}"),
        "check the signs and sizes of the off-diagonal entries, or add a small multiple of the \
         identity",
    )
    .of("component", k)
}

/// Of a covariance that has no factor, or one with this condition number.
fn singular(k: usize, covariance: &DMatrix<f64>, condition: f64) -> Refusal {
    let smallest = correlations(covariance).symmetric_eigenvalues().min();
    let rounding = covariance.nrows() as f64 * 4.0 * f64::EPSILON;
    if smallest < -rounding {
        return indefinite(k, covariance);
    }
    let condition = if condition.is_finite() {
        format!("{condition:.1e}")
    } else {
        format!("more than {LARGEST_CONDITION:.0e}")
    };
    Refusal::new("covariances", format!(
            "not positive definite but for rounding: the condition number of its correlations is \
             {condition}"
        ), format!(
            "from {LARGEST_CONDITION:.0e} on, the last digits of the entries decide what it is: leave \
             out a coordinate that the others determine, add a small multiple of the identity, or \
             give its Cholesky factor"
        )).of("component", k)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plane(last: f64) -> DMatrix<f64> {
        DMatrix::from_row_slice(2, 2, &[7.0, 7.0, 7.0, last])
    }

    #[test]
    fn a_covariance_is_kept_to_the_last_bit() {
        for covariance in [
            plane(7.000_000_000_000_01),
            plane(7.3) * 1e300,
            plane(1e17) * 1e-300,
            DMatrix::from_row_slice(1, 1, &[5e-324]),
        ] {
            let dim = covariance.nrows();
            let made = Mixture::gaussian(vec![0.0; dim], covariance.clone()).unwrap();
            assert_eq!(made.component_covariance(0), covariance);
            let again = made.marginal(&(0..dim).collect::<Vec<_>>()).unwrap();
            assert_eq!(again.component_covariance(0), covariance);
        }
    }

    #[test]
    fn a_covariance_that_is_singular_to_rounding_is_refused_with_its_condition() {
        let refused = |covariance| Mixture::gaussian(vec![0.0; 2], covariance).unwrap_err();
        // Two units in the last place off, 4 · 7 / (last − 7).
        let error = refused(plane(7.0_f64.next_up().next_up()));
        assert!(error.message.ends_with("is 1.6e16"), "{}", error.message);
        assert!(error.help.contains("leave out a coordinate"));
        let error = refused(plane(7.0));
        assert!(error.message.ends_with("is more than 9e15"), "{error}");
        let error = refused(plane(6.9));
        assert!(
            error.message.contains("smallest eigenvalue is -5"),
            "{error}"
        );
        // Units that are decades apart are no reason.
        let units = DMatrix::from_row_slice(2, 2, &[1e40, 0.9, 0.9, 1e-40]);
        assert!(Mixture::gaussian(vec![0.0; 2], units).is_ok());
    }

    #[test]
    fn a_factor_of_any_condition_has_marginals() {
        let factor = DMatrix::from_row_slice(2, 2, &[1.0, 0.0, 1.0, 1e-12]);
        let made = Mixture::new(vec![1.0], vec![vec![0.0; 2]], vec![factor.clone()]).unwrap();
        let marginal = made.marginal(&[0, 1]).unwrap();
        let off = (&marginal.scale_trils()[0] - factor).abs();
        assert!(off.max() < 1e-16 && off[(1, 1)] < 1e-24, "{off}");
    }
}
