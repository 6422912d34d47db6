//! What devices of CubeCL give is what the CPU gives, to the digits they have.

use burn::tensor::Tensor;

use super::super::cpu::{
    Expectation, Expected, Function, Mixture, Nodes, Points, Prepared, Scale, Sites,
    StandardPoints, Under, Wanted, Width,
};
use super::super::{Engine, Formula, MixtureTensors, ScaleTensor, log_density};
use crate::compute::device::{Backend, Detected, DeviceConfig, Numerics, Precision};
use crate::divergence::{DivergenceKind, Side};

/// Devices with code of their own, in each precision they have.
fn devices() -> Vec<(Numerics, f64)> {
    let mut found = Vec::new();
    for backend in [Backend::Wgpu, Backend::Cuda] {
        if !matches!(backend.detect(), Detected::Devices(_)) {
            continue;
        }
        for (precision, epsilon) in [(Precision::F32, 1e-7), (Precision::F64, 1e-15)] {
            let config = DeviceConfig { backend, precision };
            found.extend(
                Numerics::open(config)
                    .ok()
                    .map(|numerics| (numerics, epsilon)),
            );
        }
    }
    found
}

/// Numbers that look random, between −1 and 1.
fn wave(count: usize, seed: f64) -> Vec<f64> {
    (0..count)
        .map(|i| (seed + 1.7 * i as f64 + 0.3 * (i as f64).sqrt()).sin())
        .collect()
}

/// A mixture's numbers, of R runs.
struct Numbers {
    components: usize,
    dim: usize,
    log_weights: Vec<f64>,
    means: Vec<f64>,
    scale: Vec<f64>,
    is_full: bool,
}

impl Numbers {
    fn new([runs, components, dim]: [usize; 3], is_full: bool, seed: f64) -> Self {
        let weights: Vec<f64> = wave(runs * components, seed)
            .iter()
            .map(|x| 1.5 + x)
            .collect();
        let log_weights = (weights.chunks(components))
            .flat_map(|weights| {
                let sum: f64 = weights.iter().sum();
                weights.iter().map(move |weight| (weight / sum).ln())
            })
            .collect();
        let stds: Vec<f64> = wave(runs * components * dim, seed + 2.0)
            .iter()
            .map(|x| 1.0 + 0.4 * x)
            .collect();
        let scale = match is_full {
            false => stds,
            true => {
                let below = wave(runs * components * dim * dim, seed + 3.0);
                let share = 0.3 / (dim as f64).sqrt();
                (0..below.len())
                    .map(|at| match (at / dim % dim, at % dim) {
                        (i, j) if i == j => stds[at / dim],
                        (i, j) if i > j => share * below[at],
                        _ => 0.0,
                    })
                    .collect()
            }
        };
        Self {
            components,
            dim,
            log_weights,
            means: wave(runs * components * dim, seed + 1.0),
            scale,
            is_full,
        }
    }

    fn mixture(&self) -> Mixture<'_, f64> {
        Mixture {
            components: self.components,
            dim: self.dim,
            log_weights: &self.log_weights,
            means: &self.means,
            scale: match self.is_full {
                true => Scale::Tril(&self.scale),
                false => Scale::Diagonal(&self.scale),
            },
        }
    }

    fn tensors(&self, numerics: &Numerics) -> MixtureTensors {
        let (k, dim) = (self.components, self.dim);
        let runs = self.log_weights.len() / k;
        let scale = self.scale.clone();
        MixtureTensors {
            log_weights: numerics.tensor(self.log_weights.clone(), [runs, k]),
            means: numerics.tensor(self.means.clone(), [runs, k, dim]),
            scale: match self.is_full {
                true => ScaleTensor::Tril(numerics.tensor(scale, [runs, k, dim, dim])),
                false => ScaleTensor::Diagonal(numerics.tensor(scale, [runs, k, dim])),
            },
        }
    }
}

/// The largest difference as a share of the largest number.
fn off(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let largest = expected
        .iter()
        .fold(1e-30, |most: f64, one| most.max(one.abs()));
    let pairs = found.iter().zip(expected);
    pairs.fold(0.0, |most: f64, (a, b)| {
        if (a - b).abs() <= most {
            most
        } else {
            (a - b).abs()
        }
    }) / largest
}

fn parts(expected: &Expected) -> [&[f64]; 4] {
    let gradients = &expected.gradients;
    [
        &expected.values,
        &gradients.log_weights,
        &gradients.means,
        &gradients.scale,
    ]
}

/// R, K of q, K of p, D, and points, of one component where they are carried.
const SIZES: [[usize; 5]; 11] = [
    [1, 1, 1, 1, 200],
    [3, 2, 2, 1, 1000],
    [10_000, 1, 2, 1, 50],
    [1, 256, 3, 1, 20],
    [2, 4, 4, 2, 700],
    [1, 3, 256, 2, 33],
    [5, 2, 3, 5, 300],
    [1, 8, 8, 16, 512],
    [1, 5, 3, 17, 65],
    [2, 3, 2, 33, 100],
    [1, 2, 4, 64, 130],
];

#[test]
fn expectations_are_those_of_the_cpu() {
    for (numerics, epsilon) in devices() {
        let engine = Engine::of(&numerics).unwrap();
        let mut compared = 0;
        for [runs, of_q, of_p, dim, count] in SIZES {
            for is_full in [true, false] {
                let q = Numbers::new([runs, of_q, dim], is_full, 0.5);
                let p = Numbers::new([1, of_p, dim], !is_full, 4.5);
                let prepared = Prepared::new(Width::Widest, &p.mixture()).unwrap();
                let weights: Vec<f64> = wave(count, 6.0)
                    .iter()
                    .map(|x| (1.5 + x) / count as f64)
                    .collect();
                let given = wave(runs.min(3) * count * dim, 7.0);
                let shared = &given[..count * dim];
                let log_p = wave(count, 8.0);
                let keys: Vec<u64> = (0..runs as u64)
                    .map(|run| run.wrapping_mul(0x9e37_79b9_7f4a_7c15))
                    .collect();
                let along = |z, through_points_alone| Sites::Along {
                    nodes: Nodes {
                        z,
                        weights: &weights,
                    },
                    p: Under::Mixture(&prepared),
                    through_points_alone,
                };
                let sites = [
                    Sites::At {
                        x: Points {
                            runs: 1,
                            samples: count,
                            values: shared,
                        },
                        weights: &weights,
                        log_p: &log_p,
                        resident: None,
                    },
                    along(StandardPoints::Shared(shared), false),
                    along(
                        StandardPoints::Random {
                            keys: &keys,
                            stream: 3,
                        },
                        true,
                    ),
                    along(
                        StandardPoints::Random {
                            keys: &keys[..1],
                            stream: 1 << 40,
                        },
                        false,
                    ),
                    Sites::Under {
                        nodes: Nodes {
                            z: StandardPoints::Random {
                                keys: &keys,
                                stream: 5,
                            },
                            weights: &weights,
                        },
                        p: &prepared,
                    },
                ];
                let kinds = [DivergenceKind::ReverseKl, DivergenceKind::Js];
                for (sites, kind) in sites.into_iter().zip(kinds.into_iter().cycle()) {
                    let divergence = kind.build();
                    let side = match sites {
                        Sites::At { .. } | Sites::Own(_) | Sites::Under { .. } => Side::Target,
                        Sites::Along { .. } => Side::Family,
                    };
                    let slopes = |p: &[f64], q: &[f64], all: [&mut [f64]; 3]| {
                        divergence.slopes(side, p, q, all);
                    };
                    let function = match divergence.affine(side) {
                        Some(affine) => Function::Affine(affine),
                        None => Function::Any(&slopes),
                    };
                    let what = Expectation { sites, function };
                    let formula = || divergence.formula(side);
                    for wanted in [Wanted::ALL, Wanted::default()] {
                        let of = |engine: &Engine| {
                            let formula: &dyn Fn() -> Formula = &formula;
                            engine
                                .expectation(&q.mixture(), what, wanted, Some(formula))
                                .unwrap()
                        };
                        let (found, expected) = (of(&engine), of(&Engine::DOUBLE));
                        for (found, expected) in parts(&found).into_iter().zip(parts(&expected)) {
                            let off = off(found, expected);
                            // Sums lose some digits where terms cancel.
                            let most = 300.0 * epsilon;
                            let size = [runs, of_q, of_p, dim, count];
                            assert!(off < most, "{size:?} {is_full} {sites:?} {off:e}");
                            compared += 1;
                        }
                    }
                }
            }
        }
        assert_eq!(compared, SIZES.len() * 2 * 5 * 2 * 4);
    }
}

#[test]
fn the_log_density_and_its_gradients_are_those_of_the_cpu() {
    for (numerics, epsilon) in devices() {
        for [runs, k, _, dim, count] in SIZES {
            for (is_full, own_points) in [(true, false), (true, true), (false, true)] {
                let q = Numbers::new([runs, k, dim], is_full, 0.5);
                let x_runs = if own_points { runs } else { 1 };
                let x = wave(x_runs * count * dim, 7.0);
                let upstream = wave(runs * count, 9.0);
                let of = |numerics: &Numerics| {
                    let x = numerics.tensor(x.clone(), [x_runs, count, dim]);
                    let x: Tensor<3> = x.autodiff().require_grad();
                    let MixtureTensors {
                        log_weights,
                        means,
                        scale,
                    } = q.tensors(numerics);
                    let log_weights = log_weights.autodiff().require_grad();
                    let means = means.autodiff().require_grad();
                    let scale = match scale {
                        ScaleTensor::Tril(scale) => {
                            ScaleTensor::Tril(scale.autodiff().require_grad())
                        }
                        ScaleTensor::Diagonal(scale) => {
                            ScaleTensor::Diagonal(scale.autodiff().require_grad())
                        }
                        ScaleTensor::LowRank(scale) => ScaleTensor::LowRank(scale),
                    };
                    let density = MixtureTensors {
                        log_weights: log_weights.clone(),
                        means: means.clone(),
                        scale: scale.clone(),
                    };
                    let value = log_density(x.clone(), &density);
                    let weights = numerics.tensor(upstream.clone(), [runs, count]).autodiff();
                    let slopes = (value.clone() * weights).sum().backward();
                    let read = |found: Option<Vec<f64>>| found.unwrap();
                    let scale = match &scale {
                        ScaleTensor::Tril(scale) | ScaleTensor::LowRank(scale) => {
                            scale.grad(&slopes).map(|of| Numerics::read(of).unwrap())
                        }
                        ScaleTensor::Diagonal(scale) => {
                            scale.grad(&slopes).map(|of| Numerics::read(of).unwrap())
                        }
                    };
                    [
                        Numerics::read(value.inner()).unwrap(),
                        read(x.grad(&slopes).map(|of| Numerics::read(of).unwrap())),
                        read(
                            log_weights
                                .grad(&slopes)
                                .map(|of| Numerics::read(of).unwrap()),
                        ),
                        read(means.grad(&slopes).map(|of| Numerics::read(of).unwrap())),
                        read(scale),
                    ]
                };
                for (found, expected) in of(&numerics).iter().zip(&of(&Numerics::cpu())) {
                    let off = off(found, expected);
                    let size = [runs, k, dim, count];
                    assert!(
                        off < 300.0 * epsilon,
                        "{size:?} {is_full} {own_points} {off:e}"
                    );
                }
            }
        }
    }
}
