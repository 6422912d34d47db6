//! What `scipy.stats.entropy` makes of two densities at the rows of a sample.
//!
//! The densities at the rows are each divided by their sum and taken for probabilities: that is a
//! number about these rows, and not the KL of the densities.

use crate::density::target::{Samples, TargetModel, Weights};
use crate::mixture::log_sum_exp;

/// Σᵢ Pᵢ ln(Pᵢ / Qᵢ) in nats with Pᵢ ∝ p(xᵢ) and Qᵢ ∝ q(xᵢ) over the rows; NaN if either has no
/// density. A row counts by its weight.
pub(super) fn entropy(p: &TargetModel, q: &TargetModel, rows: &Samples) -> f64 {
    let counts = rows.weights().map(Weights::relative);
    let count = |row: usize| counts.map_or(1.0, |counts| counts[row]);
    let at_rows = |density: &TargetModel| -> Vec<f64> {
        let log = |x: &[f64]| density.log_density(x).unwrap_or(f64::NAN);
        let logs: Vec<f64> = rows.points().map(log).collect();
        let counted = (logs.iter().enumerate()).map(|(row, log)| log + count(row).ln());
        let total = log_sum_exp(counted);
        logs.into_iter().map(|log| log - total).collect()
    };
    (at_rows(p).iter().zip(at_rows(q)).enumerate())
        .map(|(row, (p, q))| count(row) * p.exp() * (p - q))
        .sum()
}
