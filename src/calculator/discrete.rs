//! What `scipy.stats.entropy` makes of two densities at the rows of a sample.
//!
//! The densities at the rows are each divided by their sum and taken for probabilities: that is a
//! number about these rows, and not the KL of the densities.

use crate::density::target::{Samples, TargetModel};
use crate::mixture::log_sum_exp;

/// Σᵢ Pᵢ ln(Pᵢ / Qᵢ) in nats with Pᵢ ∝ p(xᵢ) and Qᵢ ∝ q(xᵢ) over the rows; NaN if either has no
/// density.
pub(super) fn entropy(p: &TargetModel, q: &TargetModel, rows: &Samples) -> f64 {
    let at_rows = |density: &TargetModel| -> Vec<f64> {
        let log = |x: &[f64]| density.log_density(x).unwrap_or(f64::NAN);
        let logs: Vec<f64> = rows.points().map(log).collect();
        let total = log_sum_exp(logs.iter().copied());
        logs.into_iter().map(|log| log - total).collect()
    };
    (at_rows(p).iter().zip(at_rows(q)))
        .map(|(p, q)| p.exp() * (p - q))
        .sum()
}
