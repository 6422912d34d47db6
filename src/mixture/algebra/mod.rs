//! What becomes of a mixture: conditioned, moved, multiplied, added to another, and with fewer components.
//!
//! Everything is done with factors: no covariance is inverted or subtracted from another, so that what is known of a
//! factor is known of what is made of it.

mod affine;
mod combine;
mod condition;
mod reduce;

pub use combine::Product;
pub use condition::Conditional;

use nalgebra::DMatrix;

/// The lower triangular L with a positive diagonal and L Lᵀ = Gᵀ G, of a G with at least as many rows as columns;
/// `None` where that is singular in numbers.
///
/// By a QR decomposition of G, so that the condition number is not squared.
pub(crate) fn lower_of(g: DMatrix<f64>) -> Option<DMatrix<f64>> {
    let mut lower = g.qr().unpack_r().transpose();
    for (j, mut column) in lower.column_iter_mut().enumerate() {
        if column[j] < 0.0 {
            column.neg_mut();
        }
    }
    let is_known = lower.iter().all(|entry| entry.is_finite())
        && lower.diagonal().iter().all(|entry| *entry > 0.0);
    is_known.then_some(lower)
}

/// The rows of both.
fn above(top: &DMatrix<f64>, bottom: &DMatrix<f64>) -> DMatrix<f64> {
    let (rows, columns) = top.shape();
    let mut both = DMatrix::zeros(rows + bottom.nrows(), columns);
    both.rows_mut(0, rows).copy_from(top);
    both.rows_mut(rows, bottom.nrows()).copy_from(bottom);
    both
}

/// log N(off; 0, L Lᵀ) in nats; −∞ where that is no number.
fn log_normal(lower: &DMatrix<f64>, off: &nalgebra::DVector<f64>) -> f64 {
    let Some(z) = lower.solve_lower_triangular(off) else {
        return f64::NEG_INFINITY;
    };
    let log_det: f64 = lower.diagonal().iter().map(|entry| entry.ln()).sum();
    -0.5 * z.norm_squared() - log_det - 0.5 * off.len() as f64 * std::f64::consts::TAU.ln()
}

/// Weights from their logarithms, which may be far below all numbers, and the logarithm of their sum.
fn normalized(logs: &[f64]) -> (Vec<f64>, f64) {
    let sum = super::log_sum_exp(logs.iter().copied());
    (logs.iter().map(|log| (log - sum).exp()).collect(), sum)
}
