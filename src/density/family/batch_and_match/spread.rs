//! Batches as columns, and the symmetric roots that they make.

use nalgebra::{DMatrix, DVector};

/// A singular value takes two or three sweeps; this many are taken for all of them.
const MOST_SWEEPS: usize = 1_000_000;

/// λ/(1+λ), for any λ.
pub(super) fn share(lambda: f64) -> f64 {
    1.0 / (1.0 + 1.0 / lambda)
}

/// A weighted sample of which only so much counts.
pub(super) struct Spread {
    pub mean: DVector<f64>,
    /// D × (B + 1): the sum of their squares is λ times the covariance, and λ/(1+λ) times the square of the mean.
    pub columns: DMatrix<f64>,
}

impl Spread {
    pub fn new(sample: &DMatrix<f64>, weights: &DVector<f64>, lambda: f64) -> Self {
        let mean = sample * weights;
        let (dim, points) = sample.shape();
        let mut columns = DMatrix::zeros(dim, points + 1);
        for (i, point) in sample.column_iter().enumerate() {
            let root = (lambda * weights[i]).sqrt();
            columns.set_column(i, &((point - &mean) * root));
        }
        columns.set_column(points, &(&mean * share(lambda).sqrt()));
        Self { mean, columns }
    }
}

/// The square F = I + A Bᵀ, D × D, of which A and B have few columns.
pub(super) struct ThinRoot {
    pub a: DMatrix<f64>,
    pub b: DMatrix<f64>,
}

impl ThinRoot {
    /// Σ Q Qᵀ Σ + Σ = I + Z Zᵀ for Σ = F Fᵀ, of Z and Q with few columns; `None` where there is none in numbers.
    ///
    /// The symmetric root of I + Z Zᵀ is R = I + P (√(1 + σ²) − 1) Pᵀ with the left singular vectors P of Z and its
    /// singular values σ. In the same way X of Σ = R X R has the root I + T (√x − 1) Tᵀ, from those of R Q. Squares of
    /// either would mix what is large with what is small: of few points, the mean counts λ times less than the spread.
    pub fn new(z: &DMatrix<f64>, q: &DMatrix<f64>) -> Option<Self> {
        let (p, stds) = left_singular(z.clone())?;
        let root = |std: f64| (1.0 + std * std).sqrt();
        // √(1 + σ²) − 1, with all its digits.
        let grown = &p * DMatrix::from_diagonal(&stds.map(|std| std * std / (1.0 + root(std))));
        let (t, slopes) = left_singular(q + &grown * p.tr_mul(q))?;
        let shrunk =
            &t * DMatrix::from_diagonal(&slopes.map(|slope| shrinkage(slope * slope) - 1.0));
        // (I + G Pᵀ) (I + S Tᵀ).
        let both = &shrunk + &grown * p.tr_mul(&shrunk);
        Some(Self {
            a: beside(&both, &grown),
            b: beside(&t, &p),
        })
    }

    /// F.
    pub fn dense(&self) -> DMatrix<f64> {
        let mut made = &self.a * self.b.transpose();
        for i in 0..made.nrows() {
            made[(i, i)] += 1.0;
        }
        made
    }

    /// F Fᵀ X.
    pub fn squared(&self, x: &DMatrix<f64>) -> DMatrix<f64> {
        let turned = x + &self.b * self.a.tr_mul(x);
        &turned + &self.a * self.b.tr_mul(&turned)
    }

    /// The diagonal of F Fᵀ, no entry of which is below 0.
    pub fn squared_diagonal(&self) -> DVector<f64> {
        // Of row a of A, |e + B a|² = 1 + 2 b·a + aᵀ (BᵀB) a.
        let gram = self.b.tr_mul(&self.b);
        let along = &self.a * gram;
        DVector::from_fn(self.a.nrows(), |i, _| {
            let (a, b) = (self.a.row(i), self.b.row(i));
            (1.0 + 2.0 * a.dot(&b) + along.row(i).dot(&a)).max(0.0)
        })
    }
}

/// The columns of both.
pub(super) fn beside(left: &DMatrix<f64>, right: &DMatrix<f64>) -> DMatrix<f64> {
    let mut both = left
        .clone()
        .resize_horizontally(left.ncols() + right.ncols(), 0.0);
    both.columns_mut(left.ncols(), right.ncols())
        .copy_from(right);
    both
}

/// √x with m x² + x = 1.
pub(super) fn shrinkage(m: f64) -> f64 {
    (2.0 / (1.0 + (1.0 + 4.0 * m).sqrt())).sqrt()
}

/// The left singular vectors of a matrix, D × min(D, r), and its singular values.
fn left_singular(matrix: DMatrix<f64>) -> Option<(DMatrix<f64>, DVector<f64>)> {
    let qr = matrix.qr();
    let (q, r) = qr.unpack();
    if !r.norm_squared().is_finite() {
        return None;
    }
    let svd = r.try_svd(true, false, f64::EPSILON, MOST_SWEEPS)?;
    Some((q * svd.u?, svd.singular_values))
}
