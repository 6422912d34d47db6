//! Steps of fits on a device, for `benches/peers/device.py`: a line of JSON for each piece of work.
//!
//! `cargo bench --features wgpu --bench device -- wgpu f32`, or `flex f64`.

use std::hint::black_box;
use std::time::Instant;

use klfit::settings::{MonteCarloConfig, QuadratureConfig};
use klfit::{
    Backend, DeviceConfig, DivergenceKind, EstimatorRule, Family, FamilyConfig, Fit, LogConfig,
    Mixture, Numerics, OptimizerConfig, Plan, Precision, Start, StopConfig, Target,
};
use nalgebra::DMatrix;

/// A mixture that differs with its seed; what is timed depends on its size alone.
fn some_mixture(components: usize, dim: usize, seed: f64) -> Mixture {
    let wave = |i: usize| (seed + 1.7 * i as f64).sin();
    let factors = (0..components)
        .map(|k| {
            DMatrix::from_fn(dim, dim, |i, j| match i.cmp(&j) {
                std::cmp::Ordering::Equal => 1.0 + 0.4 * wave(k + i),
                std::cmp::Ordering::Greater => 0.3 * wave(k + i * dim + j) / (dim as f64).sqrt(),
                std::cmp::Ordering::Less => 0.0,
            })
        })
        .collect();
    let means = (0..components)
        .map(|k| (0..dim).map(|i| 1.5 * wave(k * dim + i)).collect())
        .collect();
    Mixture::new(vec![1.0 / components as f64; components], means, factors).unwrap()
}

/// The time of a step in µs, from fits of two lengths.
fn step(work: &str, plan: &Plan, target: &Mixture, numerics: &Numerics, steps: usize) {
    let target = Target::new(target, numerics);
    let time = |steps: usize| {
        let plan = Plan {
            optimizer: OptimizerConfig {
                steps,
                ..plan.optimizer
            },
            ..plan.clone()
        };
        let log = LogConfig {
            every: Some(steps),
            samples: 64,
            ..LogConfig::default()
        };
        let mut least = f64::INFINITY;
        for _ in 0..3 {
            let fit = Fit::new(&plan, &target, numerics, log, 0).unwrap();
            let started = Instant::now();
            fit.for_each(|record| _ = black_box(record.unwrap()));
            least = least.min(started.elapsed().as_secs_f64());
        }
        least
    };
    let (few, many) = (time(steps), time(3 * steps));
    let microseconds = (many - few) / (2 * steps) as f64 * 1e6;
    println!("{{\"work\": \"{work}\", \"us\": {microseconds:.2}}}");
}

fn main() {
    let mut named = std::env::args().skip(1).filter(|arg| !arg.starts_with('-'));
    let backend = named.next().unwrap_or_else(|| "flex".to_owned());
    let precision = match named.next().as_deref() {
        Some("f32") => Precision::F32,
        _ => Precision::F64,
    };
    let backend = Backend::ALL
        .into_iter()
        .find(|of| of.name() == backend)
        .expect("a backend by its name");
    let numerics = Numerics::open(DeviceConfig { backend, precision }).unwrap();
    let plan = |divergence, components, dim, runs, estimator| Plan {
        label: "bench".to_owned(),
        divergence,
        family: Family::new(
            FamilyConfig {
                components,
                ..FamilyConfig::default()
            },
            dim,
        ),
        start: Start::Each(
            (0..runs)
                .map(|run| some_mixture(components, dim, 5.0 + 1e-4 * run as f64))
                .collect(),
        ),
        estimator,
        optimizer: OptimizerConfig {
            learning_rate: Some(1e-3),
            ..OptimizerConfig::default()
        },
        stop: StopConfig::NEVER,
        anneal: None,
        adapt: None,
    };
    let draws = |samples| EstimatorRule::MonteCarlo(MonteCarloConfig { samples }).into();
    let grid = |points| {
        EstimatorRule::Quadrature(QuadratureConfig {
            points: Some(points),
            ..QuadratureConfig::default()
        })
        .into()
    };
    for (dim, of_q, of_p, samples, steps) in [
        (2, 4, 4, 4096, 300),
        (16, 8, 8, 4096, 100),
        (32, 16, 32, 8192, 20),
    ] {
        let work = format!("step D={dim} K={of_p} L={of_q} S={samples}");
        let plan = plan(DivergenceKind::ReverseKl, of_q, dim, 1, draws(samples));
        step(
            &work,
            &plan,
            &some_mixture(of_p, dim, 3.0),
            &numerics,
            steps,
        );
    }
    for points in [100, 10_000] {
        let work = format!("step line {}", 2 * points);
        let plan = plan(DivergenceKind::ForwardKl, 1, 1, 1, grid(points));
        step(&work, &plan, &some_mixture(2, 1, 3.0), &numerics, 300);
    }
    for runs in [64, 10_000] {
        for (divergence, points) in [
            (DivergenceKind::ForwardKl, 1000),
            (DivergenceKind::ReverseKl, 2000),
        ] {
            let work = format!("step {} R={runs} S=2000", divergence.name());
            let plan = plan(divergence, 1, 1, runs, grid(points));
            step(&work, &plan, &some_mixture(2, 1, 3.0), &numerics, 100);
        }
    }
    let plan = plan(DivergenceKind::ReverseKl, 8, 8, 128, draws(4096));
    step(
        "step D=8 K=3 L=8 R=128 S=4096",
        &plan,
        &some_mixture(3, 8, 3.0),
        &numerics,
        10,
    );
}
