//! Against a dense square root, the equation that a step solves, and at its optimum.

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::spread::ThinRoot;
use super::*;
use crate::compute::device::Numerics;
use crate::density::family::FamilyConfig;
use crate::mixture::Mixture;

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

fn step(
    family: &Family,
    theta: &[f64],
    q: &Mixture,
    batch: Batch,
    lambda: f64,
) -> Option<Vec<f64>> {
    let unmatched = Unmatched::Full {
        mean: q.means()[0].clone(),
        factor: q.scale_trils()[0].clone(),
    };
    family.batch_and_match_step(theta, &unmatched, batch, lambda)
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
            let next = step(&family, theta.as_slice(), &q, batch, lambda).unwrap();
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
            let thin = ThinRoot::new(&z, &q).map(|root| root.dense());
            let wide = (columns > dim && apart == 1.0).then(|| super::full::wide_root(&z, &q));
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
                let step = step(&family, theta.as_slice(), &q, batch, lambda);
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
            let next = step(&family, &theta, &q, batch, lambda);
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
        assert_eq!(step(&family, &[0.0; 5], &q, batch, 8.0), None);
    }
}

/// What is taken from I + A Bᵀ without making it.
#[test]
fn a_thin_root_is_what_it_stands_for() {
    let mut generator = ChaCha8Rng::seed_from_u64(8);
    for (dim, z, q) in [(1, 1, 1), (6, 2, 3), (6, 9, 8), (30, 4, 1)] {
        let [z, q] = [z, q].map(|columns| random(&mut generator, dim, columns, 30.0));
        let root = ThinRoot::new(&z, &q).unwrap();
        let dense = root.dense();
        let square = &dense * dense.transpose();
        let x = random(&mut generator, dim, 3, 1.0);
        let size = square.norm();
        assert!(
            (root.squared(&x) - &square * &x).norm() < 1e-11 * size,
            "{dim}"
        );
        assert!(
            (root.squared_diagonal() - square.diagonal()).norm() < 1e-11 * size,
            "{dim}"
        );
    }
}
