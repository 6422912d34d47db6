//! Batch and match: the Gaussian whose scores match those of a density at a batch of points.
//!
//! Cai, Modi, Pillaud-Vivien, Margossian, Gower, Blei and Saul 2024. Everything is done in coordinates where q is a
//! standard normal, in which the step is the same: it does not depend on the coordinates of the target.

use nalgebra::{DMatrix, DVector};

use super::Family;
use super::covariance::{Covariance, ScaleMap};
use crate::mixture::Mixture;

/// How far above its floor a standard deviation stays, as a share of that: the logarithm of what is above is a number.
const ABOVE: f64 = 1e-10;

/// A singular value takes two or three sweeps; this many are taken for all of them.
const MOST_SWEEPS: usize = 1_000_000;

/// B points of a density q with the scores of another, p.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Batch<'a> {
    /// x, point after point: B·D numbers.
    pub points: &'a [f64],
    /// ∇ log p there, alike.
    pub scores: &'a [f64],
    /// The share of each in an expectation under q: B numbers that sum to 1.
    pub weights: &'a [f64],
}

impl Family {
    /// Why there is no such step for this family, and what to do; `None` if there is one.
    pub(crate) fn refuses_batch_and_match(&self) -> Option<(&'static str, &'static str)> {
        if self.components() > 1 {
            return Some((
                "it matches one Gaussian, and the family has several components",
                "use components = 1, or choose \"vips\", which moves each component by itself",
            ));
        }
        match self.covariance() {
            Covariance::Full => None,
            Covariance::LowRank => Some((
                "a covariance that it matches is not of low rank",
                "use covariance = \"full\", or choose \"adam\" or \"lbfgs\"",
            )),
            Covariance::Diagonal | Covariance::Isotropic => Some((
                "independent coordinates that match scores are far from those of reverse KL where p has correlations",
                "use covariance = \"full\", or choose \"vips\"",
            )),
        }
    }

    /// θ after one step of batch and match, from θ, q and a batch of points of q; `None` if there is none.
    ///
    /// It minimises E_b |∇ log q′ − ∇ log p|² in the norm of Σ′ plus 2/λ KL(q‖q′), E_b over the batch: the larger
    /// λ > 0, the less q counts for. Of a Gaussian p, q = p stays as it is whatever the batch.
    pub(crate) fn batch_and_match_step(
        &self,
        theta: &[f64],
        q: &Mixture,
        batch: Batch,
        lambda: f64,
    ) -> Option<Vec<f64>> {
        if self.refuses_batch_and_match().is_some() {
            return None;
        }
        let dim = self.dim();
        let (mean, factor) = (&q.means()[0], &q.scale_trils()[0]);
        let points = batch.weights.len();
        let mut z = DMatrix::from_column_slice(dim, points, batch.points);
        for mut point in z.column_iter_mut() {
            point -= mean;
        }
        if !factor.solve_lower_triangular_mut(&mut z) {
            return None;
        }
        let scores = factor.tr_mul(&DMatrix::from_column_slice(dim, points, batch.scores));
        let weights = DVector::from_column_slice(batch.weights);
        let matched = Matched::new(&z, &scores, &weights, lambda)?;
        let [means, scales] = self.places(0);
        let mut next = theta.to_vec();
        for (next, moved) in next[means].iter_mut().zip((factor * &matched.mean).iter()) {
            *next += moved;
        }
        let factor = triangular(&(factor * &matched.root));
        next[scales].copy_from_slice(&self.scale.above_floor(factor)?);
        next.iter().all(|number| number.is_finite()).then_some(next)
    }
}

impl ScaleMap {
    /// θ `[S]` of a factor, of which what lies below the floor on the diagonal is raised to that; `None` if it is
    /// singular, and nothing is to be raised.
    fn above_floor(&self, mut factor: DMatrix<f64>) -> Option<Vec<f64>> {
        let least = self.floor * (1.0 + ABOVE);
        for (j, mut column) in factor.column_iter_mut().enumerate() {
            let std = column[j];
            if std < least {
                // Given the coordinates before, those after keep their slopes on it.
                column *= least / std;
            }
        }
        let is_known = factor.iter().all(|entry| entry.is_finite())
            && factor.diagonal().iter().all(|std| *std > 0.0);
        is_known.then(|| self.theta_of(&factor)).flatten()
    }
}

/// The lower triangular L with a positive diagonal and L Lᵀ = F Fᵀ.
fn triangular(factor: &DMatrix<f64>) -> DMatrix<f64> {
    let mut lower = factor.transpose().qr().unpack_r().transpose();
    for (j, mut column) in lower.column_iter_mut().enumerate() {
        if column[j] < 0.0 {
            column.neg_mut();
        }
    }
    lower
}

/// What a standard normal becomes.
struct Matched {
    /// μ′.
    mean: DVector<f64>,
    /// A square F of Σ′ = F Fᵀ.
    root: DMatrix<f64>,
}

impl Matched {
    /// From points z and scores s, both D × B, and their weights; `None` where they are no numbers.
    ///
    /// With means and covariances over the batch,
    ///
    /// U = λ C(s) + λ/(1+λ) s̄ s̄ᵀ, V = I + λ C(z) + λ/(1+λ) z̄ z̄ᵀ, Σ′ U Σ′ + Σ′ = V, μ′ = λ/(1+λ) (Σ′ s̄ + z̄).
    ///
    /// With V = R Rᵀ and Σ′ = R X Rᵀ that is X M X + X = I with M = Rᵀ U R, of which each eigenvalue m makes one of X,
    /// x = 2 / (1 + √(1 + 4m)).
    fn new(
        z: &DMatrix<f64>,
        scores: &DMatrix<f64>,
        weights: &DVector<f64>,
        lambda: f64,
    ) -> Option<Self> {
        let places = Spread::new(z, weights, lambda);
        let slopes = Spread::new(scores, weights, lambda);
        let (dim, points) = z.shape();
        let root = match points <= dim {
            true => thin_root(&places.columns, &slopes.columns)?,
            false => wide_root(&places.columns, &slopes.columns)?,
        };
        let pushed = &root * root.tr_mul(&slopes.mean);
        let mean = (pushed + places.mean) * share(lambda);
        Some(Self { mean, root })
    }
}

/// λ/(1+λ), for any λ.
fn share(lambda: f64) -> f64 {
    1.0 / (1.0 + 1.0 / lambda)
}

/// A weighted sample of which only so much counts.
struct Spread {
    mean: DVector<f64>,
    /// D × (B + 1): the sum of their squares is λ times the covariance, and λ/(1+λ) times the square of the mean.
    columns: DMatrix<f64>,
}

impl Spread {
    fn new(sample: &DMatrix<f64>, weights: &DVector<f64>, lambda: f64) -> Self {
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

/// A square F with Σ Q Qᵀ Σ + Σ = I + Z Zᵀ for Σ = F Fᵀ, of Z and Q, D × r, at O(D² r) for r below D; `None` where there
/// is none in numbers.
///
/// The symmetric root of I + Z Zᵀ is R = I + P (√(1 + σ²) − 1) Pᵀ with the left singular vectors P of Z and its singular
/// values σ. In the same way X of Σ = R X R has the root I + T (√x − 1) Tᵀ, from those of R Q. Squares of either would mix
/// what is large with what is small: of few points, the mean counts λ times less than the spread.
fn thin_root(z: &DMatrix<f64>, q: &DMatrix<f64>) -> Option<DMatrix<f64>> {
    let (p, stds) = left_singular(z.clone())?;
    let root = |std: f64| (1.0 + std * std).sqrt();
    // √(1 + σ²) − 1, with all its digits.
    let grown = &p * DMatrix::from_diagonal(&stds.map(|std| std * std / (1.0 + root(std))));
    let (t, slopes) = left_singular(q + &grown * p.tr_mul(q))?;
    let shrunk = &t * DMatrix::from_diagonal(&slopes.map(|slope| shrinkage(slope * slope) - 1.0));
    // (I + G Pᵀ) (I + S Tᵀ).
    let mut made = (&shrunk + &grown * p.tr_mul(&shrunk)) * t.transpose() + grown * p.transpose();
    for i in 0..made.nrows() {
        made[(i, i)] += 1.0;
    }
    Some(made)
}

/// As [`thin_root`], at O(D³) for any number of columns that leaves no direction without one.
fn wide_root(z: &DMatrix<f64>, q: &DMatrix<f64>) -> Option<DMatrix<f64>> {
    let dim = z.nrows();
    let v = DMatrix::identity(dim, dim) + z * z.transpose();
    let factor = v.cholesky()?.unpack();
    let a = factor.tr_mul(q);
    let square = &a * a.transpose();
    if !square.norm_squared().is_finite() {
        return None;
    }
    let eigen = square.symmetric_eigen();
    let mut root = factor * eigen.eigenvectors;
    for (mut column, m) in root.column_iter_mut().zip(eigen.eigenvalues.iter()) {
        // Rounding may make less than nothing of nothing.
        column *= shrinkage(m.max(0.0));
    }
    Some(root)
}

/// √x with m x² + x = 1.
fn shrinkage(m: f64) -> f64 {
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

#[cfg(test)]
mod tests {
    use rand::{RngExt as _, SeedableRng as _};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::compute::device::Numerics;
    use crate::density::family::FamilyConfig;

    fn family(dim: usize, min_std: f64) -> Family {
        let config = FamilyConfig {
            min_std,
            ..FamilyConfig::default()
        };
        Family::new(config, dim)
    }

    fn member(family: &Family, theta: &[f64]) -> Mixture {
        let mut members = family.members(theta, &Numerics::cpu()).unwrap();
        members.remove(0).unwrap()
    }

    fn random(random: &mut ChaCha8Rng, rows: usize, columns: usize, size: f64) -> DMatrix<f64> {
        DMatrix::from_fn(rows, columns, |_, _| size * random.random_range(-1.0..1.0))
    }

    /// U and V of the paper in the coordinates of x, and its means.
    struct Statistics {
        u: DMatrix<f64>,
        v: DMatrix<f64>,
        mean: DVector<f64>,
        slope: DVector<f64>,
    }

    fn statistics(q: &Mixture, x: &DMatrix<f64>, scores: &DMatrix<f64>, lambda: f64) -> Statistics {
        let (dim, points) = x.shape();
        let mut sums = [(); 2].map(|()| (DVector::zeros(dim), DMatrix::zeros(dim, dim)));
        for ((mean, square), sample) in sums.iter_mut().zip([x, scores]) {
            for i in 0..points {
                *mean += sample.column(i) / points as f64;
            }
            for i in 0..points {
                let off = sample.column(i) - &*mean;
                *square += &off * off.transpose() / points as f64;
            }
        }
        let [(mean, spread), (slope, bend)] = sums;
        let part = lambda / (1.0 + lambda);
        let off = &q.means()[0] - &mean;
        Statistics {
            u: bend * lambda + &slope * slope.transpose() * part,
            v: q.component_covariance(0) + spread * lambda + &off * off.transpose() * part,
            mean,
            slope,
        }
    }

    /// The square root of a matrix whose eigenvalues are positive (Denman and Beavers 1976).
    fn square_root(matrix: DMatrix<f64>) -> DMatrix<f64> {
        let dim = matrix.nrows();
        let (mut y, mut z) = (matrix, DMatrix::identity(dim, dim));
        for _ in 0..100 {
            let next = (&y + z.clone().try_inverse().unwrap()) * 0.5;
            z = (&z + y.try_inverse().unwrap()) * 0.5;
            y = next;
        }
        y
    }

    /// Random points and scores, in more dimensions than points and in fewer; of a q that is ten thousand times as wide
    /// in one direction as in another as well.
    #[test]
    fn a_step_is_that_of_the_paper_by_a_dense_square_root() {
        let mut generator = ChaCha8Rng::seed_from_u64(4);
        let mut tested = 0;
        for (dim, points) in [
            (1, 1),
            (1, 5),
            (2, 3),
            (4, 1),
            (4, 3),
            (4, 4),
            (6, 40),
            (9, 4),
        ] {
            for (condition, lambda) in [(1.0, 0.3), (1.0, 50.0), (1e4, 3.0), (1.0, 1e-3)] {
                let family = family(dim, 0.0);
                let mut theta = random(&mut generator, family.parameters(), 1, 0.5);
                theta[dim] -= f64::ln(condition);
                let q = member(&family, theta.as_slice());
                let z = random(&mut generator, dim, points, 2.0);
                let mut x = &q.scale_trils()[0] * z;
                for mut point in x.column_iter_mut() {
                    point += &q.means()[0];
                }
                // Scores of a size that goes with q.
                let inverse = q.scale_trils()[0].clone().try_inverse().unwrap();
                let scores = inverse.tr_mul(&random(&mut generator, dim, points, 3.0));
                let batch = Batch {
                    points: x.as_slice(),
                    scores: scores.as_slice(),
                    weights: &vec![1.0 / points as f64; points],
                };
                let next =
                    (family.batch_and_match_step(theta.as_slice(), &q, batch, lambda)).unwrap();
                let after = member(&family, &next);
                let Statistics { u, v, mean, slope } = statistics(&q, &x, &scores, lambda);
                let identity = DMatrix::identity(dim, dim);
                let root = square_root(&identity + &u * &v * 4.0);
                let expected = &v * 2.0 * (&identity + root).try_inverse().unwrap();
                let found = after.component_covariance(0);
                // In units of q, where all directions count alike.
                let relative = |of: DMatrix<f64>| (&inverse * of * inverse.transpose()).norm();
                let off = relative(&found - &expected) / relative(found.clone());
                assert!(off < 1e-9, "{dim} {points} {condition} {lambda}: {off:e}");
                let left = relative(&found * &u * &found + &found - &v) / relative(v);
                assert!(left < 1e-9, "{dim} {points} {condition} {lambda}: {left:e}");
                let moved = (&q.means()[0] + (&expected * slope + mean) * lambda) / (1.0 + lambda);
                let off = (&inverse * (&after.means()[0] - moved)).norm();
                assert!(off < 1e-9, "{dim} {points} {condition} {lambda}: {off:e}");
                tested += 1;
            }
        }
        assert_eq!(tested, 8 * 4);
    }

    /// X M X + X = I, of points that are all but the same as well, and of some that count a million times as much as
    /// others; both forms, where both apply.
    #[test]
    fn both_forms_solve_the_equation() {
        let mut generator = ChaCha8Rng::seed_from_u64(5);
        let mut tested = 0;
        for (dim, columns) in [(3, 1), (5, 4), (20, 6), (20, 20), (20, 21), (12, 40)] {
            for (size, apart) in [(1.0, 1.0), (1e3, 1.0), (10.0, 1e-9), (1e3, 1e-3)] {
                let near = |generator: &mut ChaCha8Rng| {
                    let first = random(generator, dim, 1, size);
                    let rest = random(generator, dim, columns, size * apart);
                    DMatrix::from_fn(dim, columns, |i, j| first[i] + rest[(i, j)])
                };
                let (z, q) = (near(&mut generator), near(&mut generator));
                let identity = DMatrix::identity(dim, dim);
                let factor = (&identity + &z * z.transpose())
                    .cholesky()
                    .unwrap()
                    .unpack();
                let inverse = factor.clone().try_inverse().unwrap();
                let a = factor.tr_mul(&q);
                let thin = thin_root(&z, &q);
                let wide = (columns > dim && apart == 1.0).then(|| wide_root(&z, &q));
                for root in std::iter::once(thin).chain(wide) {
                    let turned = inverse.clone() * root.unwrap();
                    let x = &turned * turned.transpose();
                    // A X has about the size of 1, and M is A Aᵀ.
                    let along = a.tr_mul(&x);
                    let left = along.tr_mul(&along) + &x - &identity;
                    assert!(
                        left.norm() < 1e-6,
                        "{dim} {columns} {size:e} {apart:e}: {left:e}"
                    );
                    tested += 1;
                }
            }
        }
        assert_eq!(tested, 6 * 4 + 2 * 2);
    }

    /// Of a Gaussian target every batch leaves q = p as it is, however few points there are and however much they count.
    #[test]
    fn at_a_gaussian_target_it_stays() {
        let mut generator = ChaCha8Rng::seed_from_u64(6);
        for dim in [1, 3, 12] {
            let family = family(dim, 0.0);
            let theta = random(&mut generator, family.parameters(), 1, 0.8);
            let q = member(&family, theta.as_slice());
            let factor = &q.scale_trils()[0];
            let inverse = factor.clone().try_inverse().unwrap();
            for points in [1, 4, 11, 30] {
                for lambda in [1e-3, 1.0, 1e6] {
                    let z = random(&mut generator, dim, points, 2.0);
                    let x = factor * &z;
                    let x = DMatrix::from_fn(dim, points, |i, j| x[(i, j)] + q.means()[0][i]);
                    let scores = -inverse.tr_mul(&z);
                    let batch = Batch {
                        points: x.as_slice(),
                        scores: scores.as_slice(),
                        weights: &vec![1.0 / points as f64; points],
                    };
                    let step = family.batch_and_match_step(theta.as_slice(), &q, batch, lambda);
                    let off = DVector::from_vec(step.unwrap()) - &theta;
                    assert!(
                        off.amax() < 1e-8,
                        "{dim} {points} {lambda:e}: {:e}",
                        off.amax()
                    );
                }
            }
        }
    }

    /// A random walk with scores of any size at any λ: q stays a Gaussian, above its floor where it has one.
    #[test]
    fn it_stays_positive_definite() {
        let mut generator = ChaCha8Rng::seed_from_u64(7);
        for (dim, points, min_std) in [(4, 9, 0.0), (4, 2, 0.0), (3, 5, 0.1), (3, 1, 0.1)] {
            let family = family(dim, min_std);
            let (mut theta, mut at_the_floor) = (vec![0.0; family.parameters()], 0);
            for round in 0..25_000 {
                let q = member(&family, &theta);
                let size = 10f64.powf(generator.random_range(-6.0..6.0));
                let lambda = 10f64.powf(generator.random_range(-3.0..4.0));
                let x = &q.scale_trils()[0] * random(&mut generator, dim, points, 2.0);
                let x = DMatrix::from_fn(dim, points, |i, j| x[(i, j)] + q.means()[0][i]);
                let scores = random(&mut generator, dim, points, size);
                let batch = Batch {
                    points: x.as_slice(),
                    scores: scores.as_slice(),
                    weights: &vec![1.0 / points as f64; points],
                };
                let next = family.batch_and_match_step(&theta, &q, batch, lambda);
                let next = next.unwrap_or_else(|| panic!("{dim} {points}: round {round}"));
                let after = member(&family, &next);
                let factor = &after.scale_trils()[0];
                assert!(
                    factor.diagonal().iter().all(|std| *std > min_std),
                    "{factor}"
                );
                let is_low = factor.diagonal().min() < min_std * (1.0 + 1e-6);
                at_the_floor += usize::from(is_low);
                // It comes back from where numbers end.
                let is_far = next.iter().any(|number| number.abs() > 30.0);
                theta = if is_far { vec![0.0; next.len()] } else { next };
            }
            assert_eq!(at_the_floor > 100, min_std > 0.0, "{at_the_floor}");
        }
    }

    /// What is no number leads nowhere.
    #[test]
    fn scores_beyond_numbers_make_no_step() {
        let family = family(2, 0.0);
        let q = member(&family, &[0.0; 5]);
        for score in [f64::NAN, f64::INFINITY, 1e308] {
            let batch = Batch {
                points: &[1.0, 0.5, -1.0, 0.3],
                scores: &[score, 0.0, 1.0, 1.0],
                weights: &[0.5, 0.5],
            };
            assert_eq!(family.batch_and_match_step(&[0.0; 5], &q, batch, 8.0), None);
        }
    }
}
