//! Starts at the modes, found without draws of the target.

use klfit::settings::Laplace;
use klfit::{Family, FamilyConfig, Mixture, Start, TargetModel};
use nalgebra::{DMatrix, DVector};

use crate::support::{assert_close, run_text};

/// Uniform on (0, 1).
struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}

/// The targets that GMMVI is measured on: means in a cube, covariances AᵀA + 1 (Arenz et al. 2023).
pub fn benchmark(seed: u64, components: usize, dim: usize) -> Mixture {
    let mut random = Random(seed.wrapping_mul(7919).wrapping_add(17));
    let (mut means, mut covariances) = (Vec::new(), Vec::new());
    for _ in 0..components {
        means.push((0..dim).map(|_| 100.0 * random.uniform() - 50.0).collect());
        let a = DMatrix::from_fn(dim, dim, |_, _| 0.1 * dim as f64 * random.normal());
        covariances.push(a.transpose() * a + DMatrix::identity(dim, dim));
    }
    let weights = vec![1.0 / components as f64; components];
    Mixture::from_covariances(weights, means, covariances).unwrap()
}

fn start(target: &Mixture, components: usize, rule: Laplace, seed: u64) -> Mixture {
    let config = FamilyConfig {
        components,
        ..FamilyConfig::default()
    };
    let family = Family::new(config, target.dim());
    let target = TargetModel::from(target.clone());
    let mut starts = Start::drawn(rule, 1)
        .mixtures(&family, &target, seed)
        .unwrap();
    starts.remove(0)
}

/// How far each component of one is from the nearest of another in its standard deviations.
fn farthest(p: &Mixture, q: &Mixture) -> f64 {
    (0..p.components())
        .map(|k| {
            let factor = &p.scale_trils()[k];
            (q.means().iter())
                .map(|mean| {
                    let off: DVector<f64> = mean - &p.means()[k];
                    factor.solve_lower_triangular(&off).unwrap().norm()
                })
                .fold(f64::INFINITY, f64::min)
        })
        .fold(0.0, f64::max)
}

#[test]
fn every_mode_of_the_benchmark_is_found_with_its_covariance() {
    let rule = Laplace {
        climbs: 400,
        climb_std: Some(1000f64.sqrt()),
    };
    for seed in 0..3 {
        let p = benchmark(seed, 10, 20);
        let q = start(&p, 10, rule, 0);
        let off = farthest(&p, &q);
        assert!(off < 1e-3, "seed {seed}: {off}");
        for weight in q.weights() {
            assert_close(*weight, 0.1, 1e-3, "weight");
        }
        for (mean, factor) in q.means().iter().zip(q.scale_trils()) {
            let k = (0..10)
                .min_by(|a, b| {
                    let apart = |k: &usize| (mean - &p.means()[*k]).norm();
                    apart(a).total_cmp(&apart(b))
                })
                .unwrap();
            let expected = &p.scale_trils()[k] * p.scale_trils()[k].transpose();
            let off = (factor * factor.transpose() - &expected).norm() / expected.norm();
            assert!(off < 1e-3, "seed {seed}: {off:e}");
        }
    }
}

/// A single mode for three components: they are apart, and make about the mode together.
#[test]
fn fewer_modes_than_components_are_shared() {
    let p = Mixture::from_stds(vec![1.0], vec![vec![3.0, -2.0]], vec![vec![0.5, 2.0]]).unwrap();
    let q = start(&p, 3, Laplace::default(), 1);
    assert_eq!(q.components(), 3);
    for k in 0..3 {
        assert_close(q.weights()[k], 1.0 / 3.0, 1e-9, "weight");
        assert_close(q.component_stds(k)[1], 2.0, 1e-4, "std");
        let off = &q.means()[k] - DVector::from_vec(vec![3.0, -2.0]);
        assert!(off[0].abs() < 2.5 && off[1].abs() < 10.0, "{off}");
        for other in 0..k {
            assert!((&q.means()[k] - &q.means()[other]).norm() > 1e-3);
        }
    }
}

/// From one wide Gaussian and without draws of p: reverse KL of a mixture to one by a formula.
#[test]
fn a_mixture_by_a_formula_is_found_by_reverse_kl() {
    let text = "name = \"five\"\nrestarts = 1\n[target]\n\
                log_density = \"logsumexp(normal_lpdf(x1, -20, 1) + normal_lpdf(x2, 5, 2), normal_lpdf(x1, 4, 0.5) + \
                normal_lpdf(x2, 30, 1), normal_lpdf(x1, 9, 2) + normal_lpdf(x2, -12, 0.3), normal_lpdf(x1, 30, 1) + \
                normal_lpdf(x2, 2, 1), normal_lpdf(x1, -25, 3) + normal_lpdf(x2, -30, 1))\"\n\
                support = { x1 = \"real\", x2 = \"real\" }\n[family]\ncomponents = 5\n[init]\ntype = \"laplace\"\n\
                climb_std = 30\n[optimizer]\ntype = \"lbfgs\"\nsteps = 30\n[[fit]]\ndivergence = \"reverse-kl\"\n";
    let found = run_text(text);
    let best = found.summary.fits[0].best.as_ref().unwrap();
    let kl = best.divergences.estimate(klfit::DivergenceKind::ReverseKl);
    assert!(kl.value.abs() < 1e-6, "{kl:?}");
}
