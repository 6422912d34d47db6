//! Clusters of points, as a start for a mixture: k-means.

use nalgebra::{DMatrix, DVector};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::{FitProblem, StartSettings};
use crate::density::family::Family;
use crate::density::target::{Samples, TargetModel, Weights};
use crate::error::Refusal;
use crate::mixture::Mixture;

/// Draws of the target that k-means is given, for each component; of rows, all that are in memory are taken.
const DRAWS: usize = 500;
/// How many of Lloyd's iterations there are at most.
const ITERATIONS: usize = 100;
/// The least standard deviation a shrunk covariance is drawn towards, relative to all points'.
const LEAST_STD: f64 = 0.01;

/// The clusters that k-means++ finds among draws of the target. It has no settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KMeans {}

impl StartSettings for KMeans {
    fn title(&self) -> &'static str {
        "k-means start"
    }

    fn work(&self, family: &Family, target: &TargetModel) -> usize {
        let k = family.components();
        let points =
            (target.as_samples()).map_or(DRAWS.saturating_mul(k), |rows| rows.points().len());
        // In each of some iterations.
        [points, k, family.dim()]
            .into_iter()
            .fold(16, usize::saturating_mul)
    }

    fn draw(&self, fit: &FitProblem, generator: &mut ChaCha8Rng) -> Result<Mixture, Refusal> {
        let (family, target) = (fit.family, fit.target);
        let k = family.components();
        let samples = target.as_samples();
        let points = match samples {
            Some(samples) => samples.rows().to_vec(),
            None => target.sample(DRAWS * k, generator),
        };
        let weights = samples.and_then(Samples::weights);
        let found = k_means(&points, weights, family.dim(), k, generator);
        let means = found.means.iter().map(|mean| mean.as_slice().to_vec());
        Mixture::from_covariances(found.weights, means.collect(), found.covariances)
    }
}

/// The clusters of N points in D dimensions, in the units of the points.
#[derive(Debug, Clone, PartialEq)]
pub struct Clusters {
    /// The share of the points in each of the K clusters; all are positive.
    pub weights: Vec<f64>,
    /// The K means, D each.
    pub means: Vec<DVector<f64>>,
    /// The K covariances about those means, D × D each, symmetric and positive definite.
    pub covariances: Vec<DMatrix<f64>>,
}

/// K clusters of N `points` of `dim` coordinates, point after point, with a weight of each if they have some.
///
/// Distances are in units of each coordinate's standard deviation, or as they are for a coordinate
/// that is the same in all points. Centres start as in k-means++ (Arthur and Vassilvitskii 2007) and
/// move by Lloyd's iterations (1982) until no point changes its cluster; an empty cluster takes the
/// point farthest from its centre. Fewer points than clusters are taken as often as needed.
///
/// A cluster's covariance Sₖ is that of its nₖ points (divided by nₖ). Where it is singular, as with
/// nₖ ≤ D, it is (nₖ Sₖ + ν V) / (nₖ + ν) with ν = D + 1, the least number of points whose covariance
/// may have full rank, and V the diagonal of the covariance within all clusters, its standard
/// deviations at least 1 % of all points'.
///
/// Chances, means, covariances and shares go by the weights, and nₖ is a sum of frequencies, or of importance that
/// adds up to (Σv)²/Σv² over all points. An empty cluster takes a point with all its weight.
///
/// # Panics
/// If there is no point, no coordinate or no cluster, or a point lacks some of its coordinates.
pub fn k_means(
    points: &[f64],
    weights: Option<&Weights>,
    dim: usize,
    k: usize,
    generator: &mut impl rand::Rng,
) -> Clusters {
    assert!(
        dim > 0 && k > 0 && !points.is_empty() && points.len().is_multiple_of(dim),
        "k-means needs at least one cluster and one whole point"
    );
    let counts = counts(weights, points.len() / dim);
    let (centre, stds) = match weights {
        None => location_and_scale(points, dim),
        Some(_) => weighted_location_and_scale(points, &counts, dim),
    };
    let points: Vec<f64> = (points.iter().enumerate())
        .map(|(entry, x)| (x - centre[entry % dim]) / stds[entry % dim])
        .collect();
    let times = k.div_ceil(points.len() / dim);
    let (points, counts) = (points.repeat(times), counts.repeat(times));
    let points: Vec<&[f64]> = points.chunks_exact(dim).collect();
    let any = |generator: &mut _| draw(weights, points.len(), generator);

    let mut means = seeds(&points, &counts, k, any, generator);
    let mut labels = Vec::new();
    for _ in 0..ITERATIONS {
        let nearest = assign(&points, &means);
        if nearest == labels {
            break;
        }
        labels = nearest;
        means = means_of(&points, &counts, &labels, k);
    }

    let (sizes, all) = (sizes(&labels, &counts, k), counts.iter().sum::<f64>());
    let covariances = covariances(&points, &counts, &labels, &means);
    let units = &stds * stds.transpose();
    Clusters {
        weights: (sizes.iter().map(|n| n / all)).collect(),
        means: (means.iter())
            .map(|mean| &centre + mean.component_mul(&stds))
            .collect(),
        covariances: (covariances.iter())
            .map(|covariance| covariance.component_mul(&units))
            .collect(),
    }
}

/// The mean of every coordinate and its standard deviation, 1 for one that does not vary.
fn location_and_scale(points: &[f64], dim: usize) -> (DVector<f64>, DVector<f64>) {
    let points = DMatrix::from_column_slice(dim, points.len() / dim, points);
    let mean = points.column_mean();
    let stds = DVector::from_fn(dim, |d, _| {
        let row = points.row(d);
        let std = row.variance().sqrt();
        // A mean is rounded, so that equal numbers may seem to vary by a few last digits.
        if std > 1e-12 * row.amax() { std } else { 1.0 }
    });
    (mean, stds)
}

/// As [`location_and_scale`], by what each point counts.
fn weighted_location_and_scale(
    points: &[f64],
    counts: &[f64],
    dim: usize,
) -> (DVector<f64>, DVector<f64>) {
    let points = DMatrix::from_column_slice(dim, points.len() / dim, points);
    let counts = DVector::from_column_slice(counts);
    let all = counts.sum();
    let mean = &points * &counts / all;
    let stds = DVector::from_fn(dim, |d, _| {
        let row = points.row(d);
        let squares = (row.iter().zip(counts.iter())).map(|(x, n)| n * (x - mean[d]).powi(2));
        let std = (squares.sum::<f64>() / all).sqrt();
        if std > 1e-12 * row.amax() { std } else { 1.0 }
    });
    (mean, stds)
}

/// One of N points, with chances by their weights.
fn draw(weights: Option<&Weights>, points: usize, generator: &mut impl rand::Rng) -> usize {
    match weights {
        None => generator.random_range(0..points),
        Some(weights) => weights.draw(generator),
    }
}

/// How many points each of N stands for.
fn counts(weights: Option<&Weights>, points: usize) -> Vec<f64> {
    let Some(weights) = weights else {
        return vec![1.0; points];
    };
    let all = weights.effective_len() / weights.total();
    weights
        .relative()
        .iter()
        .map(|weight| weight * all)
        .collect()
}

fn squared_distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// K of the points, the first `any` of them, and each other drawn with a chance in proportion to what it counts
/// times the squared distance to the nearest one before it.
fn seeds<G: rand::Rng>(
    points: &[&[f64]],
    counts: &[f64],
    k: usize,
    any: impl Fn(&mut G) -> usize,
    generator: &mut G,
) -> Vec<DVector<f64>> {
    let mut seeds = Vec::with_capacity(k);
    let mut nearest = vec![f64::INFINITY; points.len()];
    let mut next = any(generator);
    loop {
        let seed = points[next];
        seeds.push(DVector::from_column_slice(seed));
        if seeds.len() == k {
            return seeds;
        }
        for (nearest, point) in nearest.iter_mut().zip(points) {
            *nearest = nearest.min(squared_distance(point, seed));
        }
        let chances = || nearest.iter().zip(counts).map(|(distance, n)| n * distance);
        let mut left = generator.random::<f64>() * chances().sum::<f64>();
        let drawn = chances().position(|chance| {
            left -= chance;
            left < 0.0
        });
        // Where every point is a seed already, one is as good as another.
        next = drawn.unwrap_or_else(|| any(generator));
    }
}

/// The cluster of every point: that of the nearest mean, with no cluster left empty.
fn assign(points: &[&[f64]], means: &[DVector<f64>]) -> Vec<usize> {
    let mut labels = vec![0; points.len()];
    let mut distances = vec![f64::INFINITY; points.len()];
    for (n, point) in points.iter().enumerate() {
        for (k, mean) in means.iter().enumerate() {
            let distance = squared_distance(point, mean.as_slice());
            if distance < distances[n] {
                (labels[n], distances[n]) = (k, distance);
            }
        }
    }
    let mut sizes = sizes(&labels, &vec![1.0; points.len()], means.len());
    for k in 0..means.len() {
        let farthest = (0..points.len())
            .filter(|&n| sizes[k] == 0.0 && sizes[labels[n]] > 1.0)
            .max_by(|&a, &b| distances[a].total_cmp(&distances[b]));
        if let Some(n) = farthest {
            sizes[labels[n]] -= 1.0;
            sizes[k] = 1.0;
            (labels[n], distances[n]) = (k, 0.0);
        }
    }
    labels
}

fn sizes(labels: &[usize], counts: &[f64], k: usize) -> Vec<f64> {
    let mut sizes = vec![0.0; k];
    for (&label, count) in labels.iter().zip(counts) {
        sizes[label] += count;
    }
    sizes
}

fn means_of(points: &[&[f64]], counts: &[f64], labels: &[usize], k: usize) -> Vec<DVector<f64>> {
    let mut means = vec![DVector::zeros(points[0].len()); k];
    for ((point, count), &label) in points.iter().zip(counts).zip(labels) {
        means[label] += DVector::from_column_slice(point) * *count;
    }
    (means.into_iter().zip(sizes(labels, counts, k)))
        .map(|(sum, size)| sum / size)
        .collect()
}

/// The covariance of each cluster of standardised points, shrunk where it is singular.
fn covariances(
    points: &[&[f64]],
    counts: &[f64],
    labels: &[usize],
    means: &[DVector<f64>],
) -> Vec<DMatrix<f64>> {
    let dim = points[0].len();
    let mut scatters = vec![DMatrix::zeros(dim, dim); means.len()];
    for ((point, count), &label) in points.iter().zip(counts).zip(labels) {
        let offset = DVector::from_column_slice(point) - &means[label];
        scatters[label].ger(*count, &offset, &offset, 1.0);
    }
    let within = scatters.iter().sum::<DMatrix<f64>>() / counts.iter().sum::<f64>();
    let within = (within.diagonal()).map(|variance| variance.max(LEAST_STD * LEAST_STD));
    let prior = DMatrix::from_diagonal(&within);
    let strength = (dim + 1) as f64;
    (scatters.into_iter().zip(sizes(labels, counts, means.len())))
        .map(|(scatter, size)| {
            let own = &scatter / size;
            if is_singular(&own) {
                (scatter + &prior * strength) / (size + strength)
            } else {
                own
            }
        })
        .collect()
}

/// Whether the covariance of some standardised points is singular up to rounding.
fn is_singular(covariance: &DMatrix<f64>) -> bool {
    let stds = covariance.diagonal().map(f64::sqrt);
    // The points are of order one, so that rounding alone makes standard deviations of 1e-16.
    stds.min() < 1e-12
        || covariance
            .component_div(&(&stds * stds.transpose()))
            .symmetric_eigenvalues()
            .min()
            < 1e-10
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use rand_distr::{Distribution, StandardNormal};

    fn k_means(points: &[f64], dim: usize, k: usize, generator: &mut ChaCha8Rng) -> Clusters {
        super::k_means(points, None, dim, k, generator)
    }

    fn generator(seed: u64) -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(seed)
    }

    /// Points of three clusters with the shares ½, ⅓ and ⅙, in the order 1, 2, 3, 1, 2, 1, ….
    fn three_clusters() -> Vec<(usize, [f64; 2])> {
        let mut generator = generator(1);
        let mut normal = || -> f64 { StandardNormal.sample(&mut generator) };
        (0..600)
            .map(|n| {
                let (x, y) = (normal(), normal());
                match n % 6 {
                    0 | 3 | 5 => (0, [x, 1000.0 * y]),
                    1 | 4 => (1, [20.0 + 0.5 * x, 1e4 + 500.0 * (x + y)]),
                    _ => (2, [-20.0 + x, 2e4 + 100.0 * y]),
                }
            })
            .collect()
    }

    fn flat(points: &[(usize, [f64; 2])]) -> Vec<f64> {
        points.iter().flat_map(|(_, point)| *point).collect()
    }

    #[test]
    fn separated_clusters_are_found_with_their_shares_and_moments() {
        let points = three_clusters();
        for seed in 0..20 {
            let found = k_means(&flat(&points), 2, 3, &mut generator(seed));
            for cluster in 0..3 {
                let own: Vec<f64> = (points.iter())
                    .filter(|(label, _)| *label == cluster)
                    .flat_map(|(_, point)| *point)
                    .collect();
                let n = own.len() / 2;
                let own = DMatrix::from_column_slice(2, n, &own);
                let k = (0..3)
                    .min_by_key(|&k| (found.means[k][1] - own.column_mean()[1]).abs() as u64)
                    .unwrap();
                assert!((found.weights[k] - n as f64 / 600.0).abs() < 1e-15);
                let (mean, scale) = (own.column_mean(), DVector::from_vec(vec![1.0, 1e3]));
                let offset = (&found.means[k] - &mean).component_div(&scale);
                assert!(offset.amax() < 1e-12, "{offset}");
                let centred = DMatrix::from_fn(2, n, |i, j| own[(i, j)] - mean[i]);
                let expected = &centred * centred.transpose() / n as f64;
                let difference =
                    (&found.covariances[k] - expected).component_div(&(&scale * scale.transpose()));
                assert!(difference.amax() < 1e-11, "{difference}");
            }
        }
    }

    #[test]
    fn clusters_depend_on_the_generator_and_the_points_alone() {
        let points = flat(&three_clusters());
        let make = |seed| k_means(&points, 2, 7, &mut generator(seed));
        assert_eq!(make(3), make(3));
        assert_ne!(make(3), make(4));
    }

    #[test]
    fn units_do_not_change_the_clusters() {
        let points = flat(&three_clusters());
        let scaled: Vec<f64> = (points.iter().enumerate())
            .map(|(entry, x)| if entry % 2 == 0 { 1024.0 * x } else { *x })
            .collect();
        let (a, b) = (
            k_means(&points, 2, 5, &mut generator(0)),
            k_means(&scaled, 2, 5, &mut generator(0)),
        );
        assert_eq!(a.weights, b.weights);
        for k in 0..5 {
            assert!((a.means[k][0] * 1024.0 / b.means[k][0] - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn two_clusters_on_a_line_are_the_best_two() {
        let spread = |points: &[f64]| {
            let mean = points.iter().sum::<f64>() / points.len() as f64;
            points.iter().map(|x| (x - mean).powi(2)).sum::<f64>()
        };
        for seed in 0..50 {
            let mut draws = generator(seed);
            let mut points: Vec<f64> = (0..12)
                .map(|_| StandardNormal.sample(&mut draws))
                .map(|x: f64| x.powi(3))
                .collect();
            points.sort_by(f64::total_cmp);
            // Optimal clusters of points on a line are intervals.
            let best = (1..12)
                .map(|n| spread(&points[..n]) + spread(&points[n..]))
                .fold(f64::INFINITY, f64::min);
            let found = (0..20)
                .map(|start| {
                    let means = k_means(&points, 1, 2, &mut generator(start)).means;
                    let to = |x: &f64, k: usize| (x - means[k][0]).powi(2);
                    points.iter().map(|x| to(x, 0).min(to(x, 1))).sum::<f64>()
                })
                .fold(f64::INFINITY, f64::min);
            assert!((found - best).abs() < 1e-12 * best, "{found} {best}");
        }
    }

    #[test]
    fn a_cluster_of_one_point_takes_its_covariance_from_the_others() {
        // Two pairs about 0 and a point far away: V = 4/5 · 1 in x, and in y the floor.
        let points = [-1.0, 0.0, 1.0, 0.0, -1.0, 0.0, 1.0, 0.0, 100.0, 0.0];
        let found = k_means(&points, 2, 2, &mut generator(0));
        let lone = (0..2).find(|&k| found.means[k][0] > 50.0).unwrap();
        assert!((found.weights[lone] - 0.2).abs() < 1e-15);
        let (covariance, share) = (&found.covariances[lone], 3.0 / 4.0);
        assert!((covariance[(0, 0)] - share * 0.8).abs() < 1e-12);
        assert!((covariance[(1, 1)] - share * 1e-4).abs() < 1e-16);
        // The pairs lie on a line: (4 · 1 + 3 · 0.8) / 7.
        let pairs = &found.covariances[1 - lone];
        assert!((pairs[(0, 0)] - 6.4 / 7.0).abs() < 1e-12);
    }

    fn check(clusters: &Clusters, k: usize) {
        assert_eq!(clusters.weights.len(), k);
        assert!((clusters.weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!(clusters.weights.iter().all(|&w| w > 0.0));
        for covariance in &clusters.covariances {
            assert_eq!(*covariance, covariance.transpose());
            assert!(covariance.clone().cholesky().is_some(), "{covariance}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        /// Points on a small lattice, so that many are equal or on a line.
        #[test]
        fn degenerate_points_make_a_density(
            dim in 1usize..4,
            k in 1usize..8,
            numbers in prop::collection::vec(0u8..3, 3..40),
            offset in prop::sample::select(vec![0.0, 0.1, -1e6]),
            seed: u64,
        ) {
            let points: Vec<f64> = (numbers.iter())
                .map(|&x| offset + 0.1 * f64::from(x))
                .collect();
            let whole = &points[..points.len() / dim * dim];
            check(&k_means(whole, dim, k, &mut generator(seed)), k);
        }
    }

    #[test]
    fn equal_points_and_too_few_of_them_make_a_density() {
        check(&k_means(&[0.1; 30], 3, 4, &mut generator(0)), 4);
        check(&k_means(&[5.0, -2.0], 2, 3, &mut generator(0)), 3);
        let found = k_means(&[1.0, 3.0], 1, 4, &mut generator(0));
        check(&found, 4);
        let mean: f64 = (found.weights.iter().zip(&found.means))
            .map(|(w, mean)| w * mean[0])
            .sum();
        assert!((mean - 2.0).abs() < 1e-14);
    }
}
