//! The Gaussian with the moments of a mixture.

use nalgebra::DMatrix;

use crate::mixture::{Mixture, lower_of};

/// N(μ, Σ) with the mean and the covariance of a mixture but for rounding; `None` if Σ is singular in numbers.
///
/// Its factor comes of those of the components and of their means, so that a condition number is not squared.
pub(super) fn matched(mixture: &Mixture) -> Option<Mixture> {
    let (dim, mean) = (mixture.dim(), mixture.mean());
    let mut rows = DMatrix::zeros(mixture.components() * (dim + 1), dim);
    for k in 0..mixture.components() {
        let share = mixture.weights()[k].sqrt();
        let from = k * (dim + 1);
        rows.rows_mut(from, dim)
            .copy_from(&(mixture.scale_trils()[k].transpose() * share));
        rows.row_mut(from + dim)
            .copy_from(&((&mixture.means()[k] - &mean).transpose() * share));
    }
    let factor = lower_of(rows)?;
    Mixture::new(vec![1.0], vec![mean.as_slice().to_vec()], vec![factor]).ok()
}

/// The Gaussian with the mean and the variances of a mixture, and independent coordinates; `None` if they overflow.
pub(super) fn independent(mixture: &Mixture) -> Option<Mixture> {
    let mean = mixture.mean();
    if mixture.components() == 1 && mixture.is_factored(0) {
        // As it was given, to the last bit.
        let variances = mixture.component_covariance(0).diagonal();
        return Mixture::gaussian(mean.as_slice().to_vec(), DMatrix::from_diagonal(&variances))
            .ok();
    }
    let std = |i: usize| {
        let of_component = |k: usize| {
            let row = mixture.scale_trils()[k].row(i);
            // A norm may round what is one number.
            let inside = if row.iter().filter(|x| **x != 0.0).count() == 1 {
                row[i]
            } else {
                row.norm()
            };
            let share = mixture.weights()[k].sqrt();
            (share * inside).hypot(share * (mixture.means()[k][i] - mean[i]))
        };
        (0..mixture.components())
            .map(of_component)
            .fold(0.0, f64::hypot)
    };
    let stds = (0..mixture.dim()).map(std).collect();
    Mixture::from_stds(vec![1.0], vec![mean.as_slice().to_vec()], vec![stds]).ok()
}
