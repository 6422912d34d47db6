//! The klfit side of `benches/peers/compare.py`: one line of JSON for each piece of work.
//!
//! The problems that both sides read lie in the folder `PEERS_PROBLEMS`; without it their rows are left out.

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use klfit::internals::kernel::cpu::{self, Points, Scale, Wanted, Width};
use klfit::settings::{AdamConfig, EmConfig, MonteCarloConfig, QuadratureConfig, RowsConfig};
use klfit::{
    Cells, DivergenceKind, EstimatorRule, Family, FamilyConfig, Fit, LogConfig, Method, Mixture,
    Numerics, Operand, OptimizerConfig, OptimizerRule, ParameterAxis, Plan, Question, Record,
    Schedule, Start, StopConfig, TableOptions, Target, TargetModel, read_mixture, read_samples,
};
use nalgebra::DMatrix;
use serde_json::{Value, json};

/// A small generator for test data.
struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

/// The least time of a call in seconds, of at least so many calls in at least so long.
fn least(times: usize, long: Duration, mut call: impl FnMut()) -> f64 {
    let (started, mut least, mut calls) = (Instant::now(), f64::INFINITY, 0);
    while calls < times || (started.elapsed() < long && calls < 5000) {
        let before = Instant::now();
        call();
        least = least.min(before.elapsed().as_secs_f64());
        calls += 1;
    }
    least
}

/// The least time of many calls, in µs.
fn minimum(call: impl FnMut()) -> f64 {
    1e6 * least(5, Duration::from_millis(1500), call)
}

fn report(work: &str, microseconds: f64) {
    report_with(work, microseconds, Value::Null);
}

/// With what came out, for compare.py to hold against the other side's.
fn report_with(work: &str, microseconds: f64, result: Value) {
    let line = json!({ "work": work, "us": microseconds, "result": result });
    println!("{line}");
}

fn random_mixture(components: usize, dim: usize, seed: u64) -> Mixture {
    let mut random = Random(seed);
    let mut factor = || {
        DMatrix::from_fn(dim, dim, |i, j| match i.cmp(&j) {
            std::cmp::Ordering::Equal => 0.6 + 0.8 * random.uniform(),
            std::cmp::Ordering::Greater => 0.3 * random.normal() / (dim as f64).sqrt(),
            std::cmp::Ordering::Less => 0.0,
        })
    };
    let factors = (0..components).map(|_| factor()).collect();
    let means = (0..components)
        .map(|_| (0..dim).map(|_| 1.5 * random.normal()).collect())
        .collect();
    Mixture::new(vec![1.0 / components as f64; components], means, factors).unwrap()
}

/// log-density with all its gradients.
fn gradients([n, dim, components]: [usize; 3], diagonal: bool) {
    let mixture = random_mixture(components, dim, 7);
    let mut random = Random(11);
    let x: Vec<f64> = (0..n * dim).map(|_| 2.0 * random.normal()).collect();
    let log_weights = vec![-(components as f64).ln(); components];
    let means: Vec<f64> = mixture
        .means()
        .iter()
        .flat_map(|mean| mean.iter().copied())
        .collect();
    let scale: Vec<f64> = (mixture.scale_trils().iter())
        .flat_map(|factor| match diagonal {
            true => factor.diagonal().as_slice().to_vec(),
            false => factor.transpose().as_slice().to_vec(),
        })
        .collect();
    let kernel = cpu::Mixture {
        components,
        dim,
        log_weights: &log_weights,
        means: &means,
        scale: match diagonal {
            true => Scale::Diagonal(&scale),
            false => Scale::Tril(&scale),
        },
    };
    let points = Points {
        runs: 1,
        samples: n,
        values: &x,
    };
    let upstream = vec![1.0; n];
    let time = minimum(|| {
        let both =
            cpu::log_density_and_gradients(Width::Widest, points, &kernel, &upstream, Wanted::ALL);
        black_box(both).unwrap();
    });
    let form = if diagonal { "diagonal" } else { "full" };
    report(
        &format!("gradients {form} N={n} D={dim} K={components}"),
        time,
    );
}

/// A whole fit, all but the first and the last step unlogged: the least of its times in seconds, and its end.
fn fit(plan: &Plan, target: impl Into<TargetModel>) -> (f64, Record) {
    let numerics = Numerics::cpu();
    let target = Target::new(target, &numerics);
    let log = LogConfig {
        every: Some(plan.optimizer.steps),
        samples: 64,
        ..LogConfig::default()
    };
    let mut end = None;
    let least = least(3, Duration::from_millis(500), || {
        let fit = Fit::new(plan, &target, &numerics, log, 0).unwrap();
        end = Some(fit.last().unwrap().unwrap());
    });
    (least, end.unwrap())
}

/// A step of training in µs, from fits of two lengths.
fn step(plan: &Plan, target: &TargetModel, steps: usize) -> f64 {
    let seconds = |steps: usize| {
        let plan = Plan {
            optimizer: OptimizerConfig {
                steps,
                ..plan.optimizer
            },
            ..plan.clone()
        };
        fit(&plan, target.clone()).0
    };
    (seconds(3 * steps) - seconds(steps)) / (2 * steps) as f64 * 1e6
}

fn plan(
    divergence: DivergenceKind,
    components: usize,
    dim: usize,
    rule: EstimatorRule,
    start: Mixture,
) -> Plan {
    let family = FamilyConfig {
        components,
        ..FamilyConfig::default()
    };
    Plan {
        label: "peer".to_owned(),
        divergence,
        family: Family::new(family, dim),
        start: Start::Given(Box::new(start)),
        estimator: rule.into(),
        optimizer: OptimizerConfig::default(),
        stop: StopConfig::NEVER,
        anneal: None,
        adapt: None,
    }
}

/// Both KLs on a grid of Gaussians by 400 points a cell, as one move of a slider asks for.
fn landscape() {
    let numerics = Numerics::cpu();
    let q = Mixture::from_stds(vec![1.0], vec![vec![0.0]], vec![vec![1.0]]).unwrap();
    let axes = [
        ParameterAxis::even("mean", -5.0..=4.9, 100),
        ParameterAxis::even("std", 0.1..=9.9, 99),
    ];
    // q does not change while p is moved.
    let cells = Cells::new(&q, axes, &numerics).unwrap();
    let time = minimum(|| {
        let p = Mixture::from_stds(
            vec![0.5; 2],
            vec![vec![-3.0], vec![3.0]],
            vec![vec![1.0]; 2],
        )
        .unwrap();
        let p = Target::new(&p, &numerics);
        for kind in [DivergenceKind::ForwardKl, DivergenceKind::ReverseKl] {
            black_box(cells.evaluate(&p, kind, Some(400), &numerics).unwrap());
        }
    });
    report("landscape 99 x 100 x 400", time);
}

/// The problems that both sides read: fits to the same end, and a divergence to the same error.
fn shared(folder: &Path) {
    let mixture = |name: &str| read_mixture(&folder.join(name), None).unwrap();
    let rows = |name: &str| {
        let read = read_samples(&folder.join(name), &TableOptions::default());
        TargetModel::from(read.unwrap().samples)
    };
    let em = |start: Mixture, squarem: bool, steps: usize| Plan {
        optimizer: OptimizerConfig {
            steps,
            ..OptimizerRule::from(EmConfig { squarem }).into()
        },
        ..plan(
            DivergenceKind::CrossEntropy,
            start.components(),
            start.dim(),
            RowsConfig {}.into(),
            start,
        )
    };

    let rule = MonteCarloConfig { samples: 128 }.into();
    let reverse = Plan {
        optimizer: OptimizerConfig {
            steps: 2000,
            learning_rate: Some(0.01),
            schedule: Schedule::Cosine,
            ..OptimizerRule::from(AdamConfig::default()).into()
        },
        ..plan(
            DivergenceKind::ReverseKl,
            1,
            10,
            rule,
            mixture("standard.json"),
        )
    };
    let (seconds, end) = fit(&reverse, mixture("target.json"));
    let q = &end.runs[0].mixture;
    let factor = &q.scale_trils()[0];
    report_with(
        "reverse KL D=10 K=4 S=128, 2000 steps",
        seconds * 1e6,
        json!([
            q.means()[0].as_slice(),
            (factor * factor.transpose()).as_slice()
        ]),
    );

    let (many, start) = (rows("many.npy"), mixture("many-start.json"));
    let us = step(&em(start.clone(), false, 3), &many, 3);
    let (_, end) = fit(&em(start, false, 3), many);
    report_with(
        "EM iteration N=1e6 D=8 K=10",
        us,
        json!(-end.runs[0].loss.value),
    );

    let to_rest = Plan {
        stop: StopConfig {
            loss_change: Some(1e-10),
            ..StopConfig::NEVER
        },
        ..em(mixture("few-start.json"), true, 1000)
    };
    let (seconds, end) = fit(&to_rest, rows("few.csv"));
    report_with(
        "EM fit N=1e4 D=2 K=3",
        seconds * 1e6,
        json!(-end.runs[0].loss.value),
    );

    let (p, q) = (mixture("p.json"), mixture("q.json"));
    let question = Question {
        divergences: vec![DivergenceKind::ForwardKl.into()],
        brackets: false,
        ..Question::default()
    };
    let (p, q) = (Operand::new("p", p), Operand::new("q", q));
    let ask = || question.ask(&p, &q, &|_| {}).unwrap().remove(0);
    let us = minimum(|| _ = black_box(ask()));
    let answer = ask();
    report_with(
        "KL on a line K=3 and 2",
        us,
        json!([answer.value, answer.error]),
    );
}

fn main() {
    if let Some(folder) = std::env::var_os("PEERS_PROBLEMS") {
        shared(folder.as_ref());
    }
    for sizes in [[20_000, 1, 2], [4096, 2, 4], [4096, 16, 8], [8192, 32, 32]] {
        for diagonal in [false, true] {
            gradients(sizes, diagonal);
        }
    }
    for (dim, components, of_target, samples, steps) in [
        (2, 4, 4, 4096, 200),
        (16, 8, 8, 4096, 60),
        (32, 16, 32, 8192, 25),
    ] {
        let target = random_mixture(of_target, dim, 3);
        let start = random_mixture(components, dim, 5);
        let rule = EstimatorRule::MonteCarlo(MonteCarloConfig { samples });
        let plan = plan(DivergenceKind::ReverseKl, components, dim, rule, start);
        report(
            &format!("step D={dim} K={of_target} L={components} S={samples}"),
            step(&plan, &(&target).into(), steps),
        );
    }
    let two = Mixture::from_stds(
        vec![0.5; 2],
        vec![vec![-2.0], vec![2.0]],
        vec![vec![1.0]; 2],
    )
    .unwrap();
    let start = Mixture::from_stds(vec![1.0], vec![vec![1.0]], vec![vec![1.0]]).unwrap();
    for (points, steps) in [(200, 3000), (20_000, 300)] {
        let rule = EstimatorRule::Quadrature(QuadratureConfig {
            points: Some(points),
            range: Some([-10.0, 10.0]),
        });
        let plan = plan(DivergenceKind::ForwardKl, 1, 1, rule, start.clone());
        report(
            &format!("step line {points}"),
            step(&plan, &(&two).into(), steps),
        );
    }
    let (p, q) = (random_mixture(10, 8, 3), random_mixture(10, 8, 5));
    let (p, q) = (Operand::new("p", p), Operand::new("q", q));
    let question = Question {
        divergences: vec![DivergenceKind::ForwardKl.into()],
        method: Method::MonteCarlo,
        samples: Some(1_000_000),
        brackets: false,
        ..Question::default()
    };
    report(
        "kl D=8 K=10 1e6",
        minimum(|| _ = black_box(question.ask(&p, &q, &|_| {}).unwrap())),
    );
    landscape();
}
