//! Scales of low rank against the full form of the same covariances.

use klfit::Numerics;
use klfit::internals::kernel::cpu::{
    Expectation, Function, Mixture, Nodes, Points, Prepared, Scale, ShapeError, Sites,
    StandardPoints, Under, Wanted, Width, expectation, log_density, log_density_and_gradients,
};
use klfit::internals::kernel::{MixtureTensors, ScaleTensor, log_density_by_operations};
use nalgebra::DMatrix;

use super::common::{Random, error};

/// Mixtures of R runs by rows (σ, U), and by L.
struct Both {
    components: usize,
    dim: usize,
    rank: usize,
    log_weights: Vec<f64>,
    means: Vec<f64>,
    rows: Vec<f64>,
}

impl Both {
    fn new(runs: usize, components: usize, dim: usize, rank: usize, least_std: f64) -> Self {
        let mut random = Random(77);
        let mut normals = |len: usize, scale: f64| -> Vec<f64> {
            (0..len).map(|_| scale * random.normal()).collect()
        };
        let means = normals(runs * components * dim, 1.0);
        let mut rows = normals(runs * components * dim * (1 + rank), 0.7);
        for (i, std) in rows.iter_mut().step_by(1 + rank).enumerate() {
            *std = least_std + 0.1 * (i % 7) as f64;
        }
        Self {
            components,
            dim,
            rank,
            log_weights: vec![-(components as f64).ln(); runs * components],
            means,
            rows,
        }
    }

    fn mixture(&self) -> Mixture<'_, f64> {
        Mixture {
            components: self.components,
            dim: self.dim,
            log_weights: &self.log_weights,
            means: &self.means,
            scale: Scale::LowRank {
                values: &self.rows,
                rank: self.rank,
            },
        }
    }

    fn trils(&self) -> Vec<f64> {
        let columns = 1 + self.rank;
        let of = |rows: &[f64]| {
            let factors = DMatrix::from_fn(self.dim, self.rank, |i, j| rows[i * columns + 1 + j]);
            let variances = DMatrix::from_fn(self.dim, self.dim, |i, j| {
                if i == j {
                    rows[i * columns].powi(2)
                } else {
                    0.0
                }
            });
            let covariance = variances + &factors * factors.transpose();
            covariance
                .cholesky()
                .unwrap()
                .unpack()
                .transpose()
                .as_slice()
                .to_vec()
        };
        self.rows.chunks(self.dim * columns).flat_map(of).collect()
    }
}

#[test]
fn log_densities_and_gradients_are_those_of_the_full_form() {
    for (runs, components, dim, rank, samples) in [
        (1, 1, 2, 1, 5),
        (2, 3, 5, 2, 100),
        (1, 4, 9, 16, 700),
        (3, 1, 40, 7, 65),
        (1, 60, 33, 4, 70),
    ] {
        for least_std in [0.5, 1e-3] {
            let both = Both::new(runs, components, dim, rank, least_std);
            let trils = both.trils();
            let full = Mixture {
                scale: Scale::Tril(&trils),
                ..both.mixture()
            };
            let mut random = Random(5);
            let x: Vec<f64> = (0..runs * samples * dim).map(|_| random.normal()).collect();
            let points = Points {
                runs,
                samples,
                values: &x,
            };
            let upstream: Vec<f64> = (0..runs * samples).map(|_| random.normal()).collect();
            for width in Width::ALL {
                // Where σ is a thousandth of U, the covariance itself has lost three digits twice.
                let tolerance = if least_std < 0.1 { 1e-6 } else { 1e-11 };
                let all = Wanted::ALL;
                let (values, g) =
                    log_density_and_gradients(width, points, &both.mixture(), &upstream, all)
                        .unwrap();
                let (expected, e) =
                    log_density_and_gradients(width, points, &full, &upstream, all).unwrap();
                assert!(error(&values, &expected) < tolerance);
                assert!(error(&g.x, &e.x) < tolerance);
                assert!(error(&g.means, &e.means) < tolerance);
                assert!(error(&g.log_weights, &e.log_weights) < tolerance);
                assert_eq!(values, log_density(width, points, &both.mixture()).unwrap());
            }
        }
    }
}

#[test]
fn the_gradient_of_the_scale_agrees_with_finite_differences() {
    let (runs, samples) = (2, 30);
    let mut both = Both::new(runs, 2, 6, 3, 0.4);
    let mut random = Random(5);
    let x: Vec<f64> = (0..runs * samples * 6)
        .map(|_| 1.5 * random.normal())
        .collect();
    let points = Points {
        runs,
        samples,
        values: &x,
    };
    let upstream: Vec<f64> = (0..runs * samples).map(|_| random.normal()).collect();
    for wanted in [
        Wanted::ALL,
        Wanted {
            x: false,
            ..Wanted::ALL
        },
    ] {
        let (_, g) =
            log_density_and_gradients(Width::Widest, points, &both.mixture(), &upstream, wanted)
                .unwrap();
        let h = 1e-3;
        let slopes: Vec<f64> = (0..both.rows.len())
            .map(|at| {
                let here = both.rows[at];
                let mut value = |by: f64| {
                    both.rows[at] = here + by;
                    let logs = log_density(Width::Widest, points, &both.mixture()).unwrap();
                    logs.iter()
                        .zip(&upstream)
                        .map(|(log, g)| log * g)
                        .sum::<f64>()
                };
                let slope = (8.0 * (value(h) - value(-h)) - (value(2.0 * h) - value(-2.0 * h)))
                    / (12.0 * h);
                both.rows[at] = here;
                slope
            })
            .collect();
        assert!(
            error(&g.scale, &slopes) < 1e-7,
            "{:e}",
            error(&g.scale, &slopes)
        );
    }
}

#[test]
fn points_move_with_both_parts_of_the_scale() {
    // The second has a block of samples for which the standard points, of more dimensions, have no room.
    for (m, dim, rank) in [(40, 6, 2), (700, 4, 1)] {
        points_move(m, dim, rank);
    }
}

fn points_move(m: usize, dim: usize, rank: usize) {
    let runs = 2;
    let mut both = Both::new(runs, 2, dim, rank, 0.4);
    let p = Both::new(1, 3, dim, rank, 0.6);
    let p = Prepared::new(Width::Widest, &p.mixture()).unwrap();
    let mut random = Random(9);
    let z: Vec<f64> = (0..m * (dim + rank)).map(|_| random.normal()).collect();
    let weights = vec![1.0 / m as f64; m];
    let function = |log_p: &[f64], log_q: &[f64], [f, by_p, by_q]: [&mut [f64]; 3]| {
        for n in 0..f.len() {
            f[n] = log_q[n] - log_p[n];
            (by_p[n], by_q[n]) = (-1.0, 1.0);
        }
    };
    let at = |both: &Both, wanted: Wanted| {
        let sites = Sites::Along {
            nodes: Nodes {
                z: StandardPoints::Shared(&z),
                weights: &weights,
            },
            p: Under::Mixture(&p),
            through_points_alone: false,
        };
        let what = Expectation {
            sites,
            function: Function::Any(&function),
        };
        expectation::<f64>(Width::Widest, &both.mixture(), what, wanted).unwrap()
    };
    let found = at(&both, Wanted::ALL);
    // The same sum, made point by point.
    for run in 0..runs {
        let mut value = 0.0;
        for k in 0..2 {
            let component = run * 2 + k;
            let rows = &both.rows[component * dim * (1 + rank)..];
            let x: Vec<f64> = (z.chunks(dim + rank))
                .flat_map(|z| {
                    (0..dim).map(move |i| {
                        let row = &rows[i * (1 + rank)..][..=rank];
                        let shared: f64 = (0..rank).map(|j| row[1 + j] * z[dim + j]).sum();
                        row[0] * z[i] + shared
                    })
                })
                .zip(both.means[component * dim..][..dim].iter().cycle())
                .map(|(x, mean)| x + mean)
                .collect();
            let mut log_p = vec![0.0; m];
            p.log_density(&x, &mut log_p).unwrap();
            let q = Mixture {
                log_weights: &both.log_weights[..2],
                means: &both.means[run * 2 * dim..][..2 * dim],
                scale: Scale::LowRank {
                    values: &both.rows[run * 2 * dim * (1 + rank)..][..2 * dim * (1 + rank)],
                    rank,
                },
                ..both.mixture()
            };
            let points = Points {
                runs: 1,
                samples: m,
                values: &x,
            };
            let log_q = log_density(Width::Widest, points, &q).unwrap();
            value += (log_q.iter().zip(&log_p))
                .map(|(q, p)| 0.5 * (q - p) / m as f64)
                .sum::<f64>();
        }
        assert!((found.values[run] - value).abs() < 1e-12);
    }
    let h = 1e-3;
    let mut worst = 0.0_f64;
    for entry in 0..both.rows.len() {
        let (here, run) = (both.rows[entry], entry / (2 * dim * (1 + rank)));
        let mut value = |by: f64| {
            both.rows[entry] = here + by;
            at(&both, Wanted::default()).values[run]
        };
        let slope =
            (8.0 * (value(h) - value(-h)) - (value(2.0 * h) - value(-2.0 * h))) / (12.0 * h);
        both.rows[entry] = here;
        worst = worst.max((slope - found.gradients.scale[entry]).abs());
    }
    assert!(worst < 1e-8, "{worst:e}");
}

#[test]
fn the_operation_agrees_with_plain_operations() {
    let numerics = Numerics::cpu();
    let both = Both::new(3, 2, 7, 3, 0.3);
    let mut random = Random(4);
    let x: Vec<f64> = (0..3 * 20 * 7).map(|_| random.normal()).collect();
    let x = numerics.tensor(x, [3, 20, 7]);
    let of = |plain: bool| {
        let rows = numerics
            .tensor(both.rows.clone(), [3, 2, 7, 4])
            .autodiff()
            .require_grad();
        let q = MixtureTensors {
            log_weights: numerics.tensor(both.log_weights.clone(), [3, 2]),
            means: numerics.tensor(both.means.clone(), [3, 2, 7]),
            scale: ScaleTensor::LowRank(rows.clone()),
        };
        let value = match plain {
            true => log_density_by_operations(x.clone(), &q),
            false => klfit::internals::kernel::log_density(x.clone(), &q),
        };
        let gradient = rows.grad(&value.clone().sum().backward()).unwrap();
        (
            Numerics::read(value).unwrap(),
            Numerics::read(gradient).unwrap(),
        )
    };
    let (plain, fused) = (of(true), of(false));
    assert!(error(&fused.0, &plain.0) < 1e-11);
    assert!(error(&fused.1, &plain.1) < 1e-9);
}

#[test]
fn too_many_factors_are_refused() {
    let both = Both::new(1, 1, 3, 17, 0.5);
    let points = Points {
        runs: 1,
        samples: 1,
        values: &[0.0; 3],
    };
    let refused = log_density(Width::Widest, points, &both.mixture());
    assert_eq!(refused, Err(ShapeError::Factors { found: 17 }));
}
