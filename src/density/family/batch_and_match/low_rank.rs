//! The step of a covariance diag(σ²) + U Uᵀ, at a cost that grows like D, and its way back to that form.
//!
//! Modi, Cai and Saul 2025 ("Batch, match, and patch: low-rank approximations for score-based variational inference").

use burn::tensor::Tensor;
use nalgebra::{DMatrix, DVector};

use super::spread::{Spread, ThinRoot, beside, share};
use super::{ABOVE, Batch, Family, Unmatched};
use crate::compute::device::Numerics;
use crate::error::Result;

/// Rounds of a factor analysis at most …
const ROUNDS: usize = 50;
/// … and the relative change of every variance that ends it.
const SETTLED: f64 = 1e-10;
/// The least variance that factors leave, as a share of that of a coordinate.
const LEAST: f64 = 1e-12;

impl Family {
    /// The members at θ `[R, P]` by their σ and U.
    pub(super) fn unmatched_of_low_rank(
        &self,
        theta: &[f64],
        numerics: &Numerics,
    ) -> Result<Vec<Option<Unmatched>>> {
        let (dim, parameters) = (self.dim(), self.parameters());
        let shape = [theta.len() / parameters, parameters];
        let theta: Tensor<2> = numerics.tensor(theta.to_vec(), shape);
        let [_, means, scales] = self.parts(theta);
        let rows = self.scale.low_rank_rows(scales, numerics);
        let columns = rows.dims()[3];
        let (means, rows) = (Numerics::read(means)?, Numerics::read(rows)?);
        let members = means.chunks(dim).zip(rows.chunks(dim * columns));
        let member = |(mean, rows): (&[f64], &[f64])| {
            let rows = DMatrix::from_row_slice(dim, columns, rows);
            let stds = rows.column(0).into_owned();
            let is_known = stds.iter().all(|std| *std > 0.0)
                && mean
                    .iter()
                    .chain(rows.iter())
                    .all(|number| number.is_finite());
            is_known.then(|| Unmatched::LowRank {
                mean: DVector::from_column_slice(mean),
                stds,
                factors: rows.remove_column(0),
            })
        };
        Ok(members.map(member).collect())
    }

    /// How far the mean moves, and θ of the covariance.
    pub(super) fn matched_by_low_rank(
        &self,
        mean: &DVector<f64>,
        (stds, factors): (&DVector<f64>, &DMatrix<f64>),
        batch: Batch,
        lambda: f64,
    ) -> Option<(DVector<f64>, Vec<f64>)> {
        let (mut z, mut scores, weights) = batch.around(mean);
        for mut point in z.column_iter_mut() {
            point.component_div_assign(stds);
        }
        for mut score in scores.column_iter_mut() {
            score.component_mul_assign(stds);
        }
        let mut loadings = factors.clone();
        for mut column in loadings.column_iter_mut() {
            column.component_div_assign(stds);
        }
        let places = Spread::new(&z, &weights, lambda);
        let slopes = Spread::new(&scores, &weights, lambda);
        let root = ThinRoot::new(&beside(&loadings, &places.columns), &slopes.columns)?;
        let pushed = root.squared(&DMatrix::from_column_slice(
            self.dim(),
            1,
            slopes.mean.as_slice(),
        ));
        let moved = (pushed.column(0) + places.mean) * share(lambda);
        let patched = FactorAnalysis::of(loadings).patched(&root)?;
        let floor = self.scale.floor;
        let mut scales = Vec::with_capacity(self.scale.len());
        for (std, variance) in stds.iter().zip(patched.variances.iter()) {
            let std = (std * variance.sqrt()).max(floor * (1.0 + ABOVE));
            scales.push((std - floor).ln());
        }
        for (i, std) in stds.iter().enumerate() {
            scales.extend((patched.loadings.row(i) * *std).iter());
        }
        Some((moved.component_mul(stds), scales))
    }
}

/// diag(ψ) + Λ Λᵀ.
struct FactorAnalysis {
    /// ψ, D positive numbers.
    variances: DVector<f64>,
    /// Λ, D × r.
    loadings: DMatrix<f64>,
}

impl FactorAnalysis {
    /// I + Λ Λᵀ.
    fn of(loadings: DMatrix<f64>) -> Self {
        Self {
            variances: DVector::repeat(loadings.nrows(), 1.0),
            loadings,
        }
    }

    /// The one nearest to S = F Fᵀ by KL(S‖·), from this one on, as far as some rounds of EM (Rubin and Thayer 1982)
    /// come: none of them takes it farther away. `None` where there are no numbers.
    fn patched(mut self, s: &ThinRoot) -> Option<Self> {
        let rank = self.loadings.ncols();
        let diagonal = s.squared_diagonal();
        for _ in 0..ROUNDS {
            let mut scaled = self.loadings.clone();
            for mut column in scaled.column_iter_mut() {
                column.component_div_assign(&self.variances);
            }
            // M = (I + Λᵀ Ψ⁻¹ Λ)⁻¹ and βᵀ = Ψ⁻¹ Λ M.
            let precision = DMatrix::identity(rank, rank) + self.loadings.tr_mul(&scaled);
            let spread = precision.cholesky()?.inverse();
            let beta = scaled * &spread;
            let with = s.squared(&beta);
            // M + β S βᵀ: what the factors vary by.
            let vary = (spread + beta.tr_mul(&with)).cholesky()?;
            let loadings = vary.solve(&with.transpose()).transpose();
            let variances = DVector::from_fn(diagonal.len(), |i, _| {
                let explained = loadings.row(i).dot(&with.row(i));
                (diagonal[i] - explained).max(LEAST * diagonal[i])
            });
            let changes = variances.iter().zip(self.variances.iter());
            let changed = changes
                .map(|(new, old)| (new / old - 1.0).abs())
                .fold(0.0, f64::max);
            self = Self {
                variances,
                loadings,
            };
            if !changed.is_finite() {
                return None;
            }
            if changed < SETTLED {
                break;
            }
        }
        Some(self)
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt as _, SeedableRng as _};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn random(random: &mut ChaCha8Rng, rows: usize, columns: usize, size: f64) -> DMatrix<f64> {
        DMatrix::from_fn(rows, columns, |_, _| size * random.random_range(-1.0..1.0))
    }

    fn dense(of: &FactorAnalysis) -> DMatrix<f64> {
        DMatrix::from_diagonal(&of.variances) + &of.loadings * of.loadings.transpose()
    }

    /// KL(N(0, S)‖N(0, Σ)) in nats.
    fn kl(s: &DMatrix<f64>, covariance: &DMatrix<f64>) -> f64 {
        let ratio = covariance.clone().cholesky().unwrap().solve(s);
        0.5 * (ratio.trace() - s.nrows() as f64 - ratio.determinant().ln())
    }

    /// Nothing near it is nearer, of any direction in ψ and Λ.
    #[test]
    fn what_is_patched_is_nearest() {
        let mut generator = ChaCha8Rng::seed_from_u64(3);
        for (dim, rank, columns) in [(3, 1, 2), (8, 2, 5), (12, 3, 30)] {
            let [z, q] = [(); 2].map(|()| random(&mut generator, dim, columns, 1.0));
            let root = ThinRoot::new(&z, &q).unwrap();
            let s = root.dense() * root.dense().transpose();
            let start = FactorAnalysis::of(random(&mut generator, dim, rank, 0.5));
            let before = kl(&s, &dense(&start));
            let mut found = start;
            for _ in 0..200 {
                let next = found.patched(&root).unwrap();
                found = next;
            }
            let least = kl(&s, &dense(&found));
            assert!(least < before, "{dim}: {least} {before}");
            for _ in 0..50 {
                let moved = FactorAnalysis {
                    variances: found
                        .variances
                        .map(|v| v * (1.0 + 1e-3 * generator.random_range(-1.0..1.0))),
                    loadings: &found.loadings + random(&mut generator, dim, rank, 1e-3),
                };
                let there = kl(&s, &dense(&moved));
                assert!(there > least - 1e-12, "{dim}: {there} {least}");
            }
        }
    }

    /// A Gaussian of this form is its own patch.
    #[test]
    fn what_is_of_this_form_stays() {
        let mut generator = ChaCha8Rng::seed_from_u64(4);
        let loadings = random(&mut generator, 9, 2, 3.0);
        let root = ThinRoot::new(&loadings, &DMatrix::zeros(9, 1)).unwrap();
        let patched = FactorAnalysis::of(loadings.clone()).patched(&root).unwrap();
        assert!((patched.variances.add_scalar(-1.0)).amax() < 1e-12);
        assert!((patched.loadings - loadings).amax() < 1e-12);
    }
}
