//! A mixture in other coordinates.

use nalgebra::{DMatrix, DVector};

use super::condition::singular;
use super::lower_of;
use crate::error::Refusal;
use crate::mixture::Mixture;

/// Rows that differ from those before by less than this share of their length depend on them.
const DEPENDENT: f64 = 1e-13;

impl Mixture {
    /// The density of y = A x + b, A of M × D with M ≤ D and full rank: components A μₖ + b and A Σₖ Aᵀ.
    ///
    /// # Errors
    /// If A has not D columns, has more rows than columns or rows that depend on each other, or b has not M entries.
    pub fn transform(&self, a: &DMatrix<f64>, b: &[f64]) -> Result<Self, Refusal> {
        let (dim, rows) = (self.dim(), a.nrows());
        let refused = |message: String, help: &str| Err(Refusal::new("affine", message, help));
        if a.ncols() != dim || rows != b.len() {
            return refused(
                format!("is {rows} x {} with a shift of {}", a.ncols(), b.len()),
                "give a matrix with a column for each coordinate, and a shift for each row",
            );
        }
        if rows == 0 || rows > dim {
            return refused(
                format!("has {rows} rows for {dim} coordinates"),
                "give at least one row, and no more than there are coordinates",
            );
        }
        if !has_full_rank(a) {
            return refused(
                "has rows that depend on each other, or a number that is not finite".to_owned(),
                "leave out the rows that follow from others",
            );
        }
        let b = DVector::from_column_slice(b);
        let means = self.means().iter().map(|mean| a * mean + &b);
        let means = means.map(|mean| mean.as_slice().to_vec()).collect();
        let factors = (self.scale_trils().iter().enumerate())
            .map(|(k, factor)| {
                let turned = (a * factor).transpose();
                lower_of(turned).ok_or_else(|| singular(k))
            })
            .collect::<Result<_, _>>()?;
        Self::new(self.weights().to_vec(), means, factors)
    }
}

/// Whether no row is a sum of those before it, to rounding.
fn has_full_rank(a: &DMatrix<f64>) -> bool {
    let Some(lower) = lower_of(a.transpose()) else {
        return false;
    };
    (0..a.nrows()).all(|i| lower[(i, i)] > DEPENDENT * a.row(i).norm())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mixture() -> Mixture {
        let factor = DMatrix::from_row_slice(2, 2, &[1.0, 0.0, -2.0, 1e-4]);
        Mixture::new(
            vec![0.4, 0.6],
            vec![vec![1.0, 2.0], vec![-3.0, 0.5]],
            vec![factor, DMatrix::identity(2, 2)],
        )
        .unwrap()
    }

    /// p(x) = q(A x + b) |det A|.
    #[test]
    fn densities_go_with_the_determinant() {
        let a = DMatrix::from_row_slice(2, 2, &[3.0, 1.0, -1.0, 1e3]);
        let q = mixture().transform(&a, &[0.5, -7.0]).unwrap();
        for x in [[1.0, 2.0], [0.3, -0.8], [-3.0, 1.0]] {
            let y = &a * DVector::from_column_slice(&x) + DVector::from_column_slice(&[0.5, -7.0]);
            let found = q.log_density(y.as_slice()) + a.determinant().abs().ln();
            let expected = mixture().log_density(&x);
            assert!(
                (found - expected).abs() < 1e-6 * expected.abs().max(1.0),
                "{found} {expected}"
            );
        }
    }

    /// A row that picks a coordinate is its marginal.
    #[test]
    fn a_row_is_a_marginal() {
        let row = DMatrix::from_row_slice(1, 2, &[0.0, 1.0]);
        let found = mixture().transform(&row, &[0.0]).unwrap();
        let marginal = mixture().marginal(&[1]).unwrap();
        for y in [-4.0, 0.5, 2.0] {
            assert!((found.log_density(&[y]) - marginal.log_density(&[y])).abs() < 1e-13);
        }
    }

    #[test]
    fn what_is_no_map_is_refused() {
        let p = mixture();
        let maps = [
            (DMatrix::zeros(2, 3), vec![0.0; 2]),
            (DMatrix::identity(2, 2), vec![0.0]),
            (
                DMatrix::from_row_slice(2, 2, &[1.0, 1.0, 1.0, 1.0]),
                vec![0.0; 2],
            ),
            (DMatrix::zeros(0, 2), Vec::new()),
        ];
        for (a, b) in maps {
            assert!(p.transform(&a, &b).is_err(), "{a}");
        }
    }
}
