//! Against dense algebra, other starts, and optima found elsewhere.

use super::*;
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

fn made(parts: &LowRank) -> DMatrix<f64> {
    DMatrix::from_diagonal(&parts.variances) + &parts.factors * parts.factors.transpose()
}

/// The largest difference of two covariances, relative to the first one's standard deviations.
fn difference(a: &DMatrix<f64>, b: &DMatrix<f64>) -> f64 {
    let stds = a.diagonal().map(f64::sqrt);
    (a - b).component_div(&(&stds * stds.transpose())).amax()
}

/// KL(N(0, S) ‖ N(0, Σ)) in nats.
fn divergence(s: &DMatrix<f64>, sigma: &DMatrix<f64>) -> f64 {
    let ratio = sigma.clone().cholesky().unwrap().solve(s);
    0.5 * (ratio.trace() - ratio.determinant().ln() - s.nrows() as f64)
}

fn symmetric(dim: usize, below: &[f64]) -> DMatrix<f64> {
    DMatrix::from_fn(dim, dim, |i, j| {
        let (i, j) = (i.max(j), i.min(j));
        below[i * (i + 1) / 2 + j]
    })
}

fn five() -> DMatrix<f64> {
    symmetric(
        5,
        &[
            2.0, 0.9, 1.5, 0.5, 0.4, 1.0, -0.3, 0.2, 0.3, 1.2, 0.2, -0.1, 0.1, 0.4, 0.8,
        ],
    )
}

fn random_member(dim: usize, rank: usize, seed: u64) -> DMatrix<f64> {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    let size = 10f64.powf(generator.random_range(-1.0..1.0));
    let factors = DMatrix::from_fn(dim, rank, |_, _| -> f64 {
        size * Distribution::<f64>::sample(&StandardNormal, &mut generator)
    });
    let mut log_uniform = |low: f64, high: f64| 10f64.powf(generator.random_range(low..high));
    let mut covariance = &factors * factors.transpose();
    for i in 0..dim {
        covariance[(i, i)] += log_uniform(-2.0, 0.5);
    }
    let units = DVector::from_fn(dim, |_, _| log_uniform(-3.0, 3.0));
    covariance.component_mul(&(&units * units.transpose()))
}

fn check(covariance: &DMatrix<f64>, rank: usize) -> LowRank {
    let parts = decompose(covariance, rank);
    assert!(parts.variances.iter().all(|&variance| variance > 0.0));
    assert_eq!(parts.factors.shape(), (covariance.nrows(), rank));
    let residual = difference(covariance, &made(&parts));
    assert!((residual - parts.residual).abs() < 1e-13);
    if (1..=covariance.nrows()).contains(&rank) {
        // Full column rank, whatever the units of the rows.
        let scaled = DMatrix::from_fn(covariance.nrows(), rank, |i, j| {
            parts.factors[(i, j)] / covariance[(i, i)].sqrt()
        });
        let least = scaled.tr_mul(&scaled).symmetric_eigenvalues().min();
        assert!(least > 1e-10, "{least}");
    }
    parts
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn any_covariance_has_a_decomposition_with_enough_factors(dim in 1usize..9, seed: u64) {
        let covariance = random_member(dim, dim, seed);
        for rank in [dim - 1, dim] {
            prop_assert!(check(&covariance, rank).residual <= 1e-12);
        }
    }

    #[test]
    fn nearest_matches_the_variances(dim in 3usize..9, rank in 1usize..4, seed: u64) {
        // Where the derivatives by σ² and U vanish the variances agree (Jöreskog 1967), and
        // where a σ² is 0 they do for U to have no slope.
        let covariance = random_member(dim, dim, seed);
        let nearest = nearest(&covariance, rank);
        let stds = covariance.diagonal().map(f64::sqrt);
        let gap = (nearest.diagonal() - covariance.diagonal())
            .component_div(&stds).component_div(&stds);
        prop_assert!(gap.amax() < 1e-6, "{}", gap);
    }
}

#[test]
fn members_are_decomposed_exactly() {
    // A local search finds nearly all; a nearly singular one may end at 1e-6 of it.
    let (mut missed, mut worst) = (0, 0.0f64);
    for seed in 0..400u64 {
        let (dim, true_rank, spare) = (1 + seed % 8, seed / 8 % 4, seed / 32 % 3);
        let covariance = random_member(dim as usize, true_rank.min(dim) as usize, seed);
        let rank = (true_rank + spare).min(dim) as usize;
        let parts = check(&covariance, rank);
        let off = difference(&covariance, &nearest(&covariance, rank)).max(parts.residual);
        missed += usize::from(off > 1e-10);
        worst = worst.max(off);
    }
    assert!(
        missed <= 1 && worst < 1e-5,
        "{missed} missed, {worst:e} off"
    );
}

#[test]
fn a_diagonal_covariance_keeps_factors_that_are_not_zero() {
    let variances = DVector::from_vec(vec![4.0, 1e-4, 9e6]);
    let parts = check(&DMatrix::from_diagonal(&variances), 2);
    assert!(parts.residual < 1e-15);
    for j in 0..2 {
        let (i, entry) = parts.factors.column(j).argmax();
        assert!((entry * entry / variances[i] - 0.5).abs() < 1e-15);
        assert!((parts.variances[i] / variances[i] - 0.5).abs() < 1e-15);
    }
}

#[test]
fn a_rank_above_the_dimension_leaves_columns_of_zeros() {
    let parts = check(&symmetric(2, &[1.0, 0.5, 2.0]), 4);
    assert!(parts.residual < 1e-15);
    assert_eq!(parts.factors.columns(2, 2).amax(), 0.0);
}

#[test]
fn a_covariance_of_another_form_leaves_a_residual() {
    assert!(check(&five(), 1).residual > 0.1);
    assert!(check(&five(), 2).residual > 0.1);
    assert!(check(&five(), 4).residual < 1e-14);
}

#[test]
fn what_is_not_positive_definite_does_no_harm() {
    let singular = DMatrix::from_element(3, 3, 1.0);
    for matrix in [&singular, &DMatrix::zeros(3, 3), &(&singular * f64::NAN)] {
        let parts = decompose(matrix, 1);
        assert!(parts.variances.iter().all(|&variance| variance > 0.0));
        assert_eq!(nearest(matrix, 1).nrows(), 3);
    }
    assert!(decompose(&singular, 1).residual > 0.1);
    assert_eq!(decompose(&DMatrix::identity(1, 1), 0).residual, 0.0);
    for rank in 0..3 {
        assert_eq!(nearest(&DMatrix::identity(1, 1), rank)[(0, 0)], 1.0);
    }
}

/// Against SciPy 1.17.1 and scikit-learn 1.9.1:
///
/// ```python
/// def kl(S, C):
///     M = np.linalg.solve(C, S)
///     return 0.5 * (np.trace(M) - np.linalg.slogdet(M)[1] - len(S))
/// # The best of 20 starts of minimize(kl of t -> diag(exp(t[:D])) + U @ U.T, method="BFGS",
/// # options=dict(gtol=1e-11)) with the exact gradient.
/// # X = Z @ cholesky(S).T with whitened Z, so that its sample covariance is S:
/// FactorAnalysis(r, tol=1e-14, max_iter=200000, svd_method="lapack").fit(X).get_covariance()
/// ```
///
/// The first has its minimum inside and both agree to 1e-7; in the other two a σ² tends to 0,
/// where EM is slow, so that scikit-learn agrees to 1e-5 and SciPy stops at 1e-8.
#[test]
fn nearest_is_what_others_find() {
    let four = symmetric(4, &[1.0, 0.5, 2.0, 0.4, 0.6, 3.0, 0.3, 0.1, 0.9, 1.0]);
    let cases = [
        (
            four,
            1,
            0.069434650266881,
            symmetric(
                4,
                &[
                    1.0,
                    0.166317246959,
                    2.0,
                    0.515091294055,
                    0.526331615952,
                    3.0,
                    0.27472137547,
                    0.280716345154,
                    0.869389964853,
                    1.0,
                ],
            ),
        ),
        (
            five(),
            1,
            0.33250332936331484,
            symmetric(
                5,
                &[
                    2.0, 0.9, 1.5, 0.5, 0.225, 1.0, -0.3, -0.135, -0.075, 1.2, 0.2, 0.09, 0.05,
                    -0.03, 0.8,
                ],
            ),
        ),
        (
            five(),
            2,
            0.0962701659967955,
            symmetric(
                5,
                &[
                    2.0,
                    0.9,
                    1.5,
                    0.5,
                    0.333766237751,
                    1.0,
                    -0.3,
                    0.2,
                    0.3,
                    1.2,
                    0.2,
                    0.21471861675,
                    0.189610391565,
                    0.4,
                    0.8,
                ],
            ),
        ),
    ];
    for (covariance, rank, least, expected) in cases {
        let found = nearest(&covariance, rank);
        let gap = divergence(&covariance, &found) - least;
        assert!(gap.abs() < 1e-9, "{gap}");
        let gap = difference(&expected, &found);
        assert!(gap < 2e-8, "{gap}");
    }
}

#[test]
fn derivatives_agree_with_finite_differences() {
    let correlation = Correlation::new(&five());
    let at = DVector::from_vec(vec![-1.0, -0.4, -0.5, -0.9, -0.2]);
    for rank in [0, 1, 2] {
        let (gradient, hessian) = correlation.profile(rank, &at).derivatives();
        let step = 1e-5;
        for i in 0..5 {
            let moved = |by: f64| {
                let mut at = at.clone();
                at[i] += by;
                let profile = correlation.profile(rank, &at);
                (profile.divergence, profile.derivatives().0)
            };
            let (up, down) = (moved(step), moved(-step));
            assert!((gradient[i] - (up.0 - down.0) / (2.0 * step)).abs() < 1e-9);
            let column = (up.1 - down.1) / (2.0 * step);
            assert!((hessian.column(i) - column).amax() < 1e-8);
        }
    }
}
