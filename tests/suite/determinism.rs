//! One seed, one result: to the bit, on any number of threads.

use std::collections::BTreeMap;
use std::path::Path;

use assert_cmd::Command;
use klfit::internals::{Member, natural_values};
use klfit::settings::{EmConfig, KMeans, NoiseRule, Random};
use klfit::{
    DivergenceKind, EstimatorConfig, EstimatorRule, Family, FamilyConfig, Fit, LogConfig, Numerics,
    OptimizerRule, Plan, Record, Start, Target,
};

use crate::gradients::plan;
use crate::support::{config, small_rules, two_on_a_line, wide};

/// The files of a run but for its wall-clock times.
fn results(folder: &Path) -> BTreeMap<String, Vec<Vec<String>>> {
    let mut files = BTreeMap::new();
    for fit in ["forward-kl", "reverse-kl"] {
        for name in ["trajectory.csv", "restarts.csv"] {
            let mut csv = csv::Reader::from_path(folder.join(fit).join(name)).unwrap();
            let header = csv.headers().unwrap().clone();
            let rows = (csv.records().map(Result::unwrap))
                .map(|row| {
                    (header.iter().zip(&row))
                        .filter(|(column, _)| *column != "seconds")
                        .map(|(_, field)| field.to_owned())
                        .collect()
                })
                .collect();
            files.insert(format!("{fit}/{name}"), rows);
        }
    }
    files
}

fn run(name: &str, threads: usize, options: &[&str]) -> BTreeMap<String, Vec<Vec<String>>> {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    Command::cargo_bin("klfit")
        .unwrap()
        .env("RAYON_NUM_THREADS", threads.to_string())
        .args(["run", "--quiet", "--no-figures", "--out"])
        .arg(&out)
        .arg(config(name))
        .args(options)
        .assert()
        .success();
    results(&out)
}

#[test]
fn runs_are_identical_on_any_number_of_threads() {
    for (name, options) in [
        ("bimodal", &["--steps", "20"][..]),
        ("five-dimensions", &["--steps", "10"]),
        ("self-fit", &["--steps", "6"]),
    ] {
        let one = run(name, 1, options);
        for threads in [1, 2, 5] {
            let again = run(name, threads, options);
            assert!(one == again, "{name} on {threads} threads");
        }
    }
}

#[test]
fn another_seed_gives_other_numbers() {
    let steps = ["--steps", "5"];
    let other = ["--steps", "5", "--seed", "1"];
    assert!(run("five-dimensions", 1, &steps) != run("five-dimensions", 1, &other));
}

/// Fits that may share a loop, with the seeds of their noise: other starts, rates and seeds.
fn relatives(estimator: EstimatorConfig, rule: OptimizerRule) -> Vec<(Plan, u64)> {
    let family = Family::new(
        FamilyConfig {
            components: 2,
            ..FamilyConfig::default()
        },
        1,
    );
    let given = wide(2, 1);
    let mut common = plan(DivergenceKind::Js, estimator, family);
    common.optimizer = rule.into();
    common.optimizer.steps = 8;
    let members = [
        (Start::drawn(Random {}, 3), None, 0),
        (Start::drawn(Random {}, 2), Some(0.02), 7),
        (Start::Given(Box::new(given)), Some(0.003), 0),
        (Start::drawn(KMeans {}, 2), None, 7),
    ];
    (members.into_iter().enumerate())
        .map(|(i, (start, rate, seed))| {
            let mut plan = common.clone();
            plan.label = format!("fit {i}");
            plan.start = start;
            if rule.has_learning_rate() {
                plan.optimizer.learning_rate = rate;
            }
            (plan, seed)
        })
        .collect()
}

fn numbers(record: &Record) -> Vec<f64> {
    let of_run = |run: &klfit::RunRecord| {
        let mut numbers: Vec<f64> = natural_values(&run.mixture).collect();
        numbers.extend([run.loss.value, run.loss.error, run.gradient_norm]);
        numbers.extend(run.gradient_variance);
        numbers.extend(run.evaluation.iter().map(|(_, estimate)| estimate.value));
        numbers
    };
    record.runs.iter().flat_map(of_run).collect()
}

#[test]
fn a_fit_in_a_batch_is_the_fit_alone() {
    let numerics = Numerics::cpu();
    let p = two_on_a_line(2.0);
    let target = Target::new(&p, &numerics);
    let log = LogConfig {
        every: Some(4),
        ..LogConfig::default()
    };
    let mut tested = 0;
    for rule in small_rules() {
        for noise in [None, Some(NoiseRule::Fixed)] {
            if matches!(rule, EstimatorRule::Rows(_)) || (noise.is_some() && !rule.is_random()) {
                continue;
            }
            let estimator = EstimatorConfig {
                noise,
                reuse: 0,
                ..rule.into()
            };
            for optimizer in OptimizerRule::all() {
                // These compare losses, which fresh noise changes.
                let compares = matches!(optimizer, OptimizerRule::Lbfgs(_) | OptimizerRule::Em(_));
                if compares && !estimator.is_deterministic() {
                    continue;
                }
                // It has one component: its own test batches it.
                if matches!(optimizer, OptimizerRule::BatchAndMatch(_)) {
                    continue;
                }
                let mut relatives = relatives(estimator, optimizer);
                if matches!(optimizer, OptimizerRule::Em(_)) {
                    // It raises a likelihood, and does not end before its steps do.
                    for (plan, _) in &mut relatives {
                        plan.divergence = DivergenceKind::ForwardKl;
                        plan.optimizer.rule = EmConfig { squarem: false }.into();
                    }
                }
                let members: Vec<Member> = (relatives.iter())
                    .map(|(plan, seed)| Member { plan, seed: *seed })
                    .collect();
                let batch = Fit::batch(&members, &target, &numerics, log).unwrap();
                let parts = batch.members();
                assert_eq!(parts.last().unwrap().end, 3 + 2 + 1 + 2);
                let together: Vec<Record> = batch.map(Result::unwrap).collect();
                for (member, part) in members.iter().zip(parts) {
                    let alone = Fit::new(member.plan, &target, &numerics, log, member.seed);
                    let alone: Vec<Record> = alone.unwrap().map(Result::unwrap).collect();
                    assert_eq!(alone.len(), together.len());
                    for (alone, together) in alone.iter().zip(&together) {
                        assert_eq!(alone.step, together.step);
                        let (a, b) = (numbers(alone), numbers(&together.select(part.clone())));
                        assert_eq!(a.len(), b.len());
                        for (a, b) in a.iter().zip(&b) {
                            assert!(
                                a == b
                                    || (a.is_nan() && b.is_nan())
                                    || (a - b).abs() <= 1e-12 * a.abs().max(1.0),
                                "{} {rule:?} {noise:?} {}: {a} {b}",
                                optimizer.name(),
                                member.plan.label
                            );
                        }
                    }
                    tested += 1;
                }
            }
        }
    }
    // Four rules for points, two of them with fixed noise as well; L-BFGS and EM but with fresh noise.
    assert_eq!(tested, 4 * (6 * 8 - 2 * 2));
}

#[test]
fn fits_that_differ_in_more_than_start_rate_and_seed_share_no_loop() {
    let numerics = Numerics::cpu();
    let target = Target::new(two_on_a_line(2.0), &numerics);
    let adam = OptimizerRule::Adam(Default::default());
    let (one, _) = relatives(small_rules()[0].into(), adam).swap_remove(0);
    let mut others = vec![one.clone(); 4];
    others[0].divergence = DivergenceKind::ReverseKl;
    others[1].optimizer.steps += 1;
    others[2].estimator.noise = Some(NoiseRule::Fixed);
    others[3].stop.loss_change = Some(1e-3);
    for other in &others {
        let members = [&one, other].map(|plan| Member { plan, seed: 0 });
        assert!(Fit::batch(&members, &target, &numerics, LogConfig::default()).is_err());
    }
    assert!(Fit::batch(&[], &target, &numerics, LogConfig::default()).is_err());
}
