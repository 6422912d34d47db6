//! Batch and match: where it goes and in how few evaluations, in which coordinates, and run by run.

use klfit::internals::Member;
use klfit::settings::{AnnealConfig, BatchAndMatchConfig, MonteCarloConfig, QuasiMonteCarloConfig};
use klfit::{
    Covariance, DivergenceKind, EstimatorConfig, EstimatorRule, Family, FamilyConfig, Fit,
    GradientRule, LogConfig, Mixture, Numerics, OptimizerConfig, OptimizerRule, Plan, Record,
    Schedule, Start, StopConfig, Target,
};
use nalgebra::{DMatrix, DVector};

use crate::laplace::benchmark;
use crate::pages::page::Page;
use crate::support::{assert_close, run_text, sheared, three_in_a_plane};

fn drawn(samples: usize) -> EstimatorConfig {
    EstimatorConfig {
        gradient: GradientRule::StickingTheLanding,
        ..EstimatorRule::from(MonteCarloConfig { samples }).into()
    }
}

fn plan(p: &Mixture, start: &Mixture, estimator: EstimatorConfig, steps: usize) -> Plan {
    let rule = OptimizerRule::from(BatchAndMatchConfig::default());
    Plan {
        label: "match".into(),
        divergence: DivergenceKind::ReverseKl,
        family: Family::new(FamilyConfig::default(), p.dim()),
        start: Start::Given(Box::new(start.clone())),
        estimator,
        optimizer: OptimizerConfig {
            steps,
            ..rule.into()
        },
        stop: StopConfig::NEVER,
        anneal: None,
        adapt: None,
    }
}

/// The record of every step.
fn fit(p: &Mixture, plan: &Plan, seed: u64) -> Vec<Record> {
    let numerics = Numerics::cpu();
    let target = Target::new(p, &numerics);
    let log = LogConfig {
        every: Some(1),
        samples: 16,
        ..LogConfig::default()
    };
    let fit = Fit::new(plan, &target, &numerics, log, seed).unwrap();
    fit.map(Result::unwrap).collect()
}

fn gap(record: &Record) -> f64 {
    record.runs[0].gap.unwrap().value
}

fn end(records: &[Record]) -> &Mixture {
    &records.last().unwrap().runs[0].mixture
}

/// A Gaussian whose covariance has this condition number, along no axis: reflections of a diagonal one.
fn skewed(dim: usize, condition: f64) -> Mixture {
    let variance = |i: usize| condition.powf(-(i as f64) / (dim as f64 - 1.0));
    let mut factor = DMatrix::from_fn(dim, dim, |i, j| match i == j {
        true => variance(i).sqrt(),
        false => 0.0,
    });
    for turn in 1..6 {
        let axis = DVector::from_fn(dim, |i, _| ((turn * (i + 1)) as f64 * 0.7).sin()).normalize();
        let along = axis.transpose() * &factor;
        factor -= axis * along * 2.0;
    }
    let covariance = &factor * factor.transpose();
    let covariance = (&covariance + covariance.transpose()) * 0.5;
    let mean = (0..dim).map(|i| (i as f64).cos()).collect();
    Mixture::gaussian(mean, covariance).unwrap()
}

fn standard(dim: usize) -> Mixture {
    Mixture::from_stds(vec![1.0], vec![vec![0.0; dim]], vec![vec![1.0; dim]]).unwrap()
}

/// A hundred dimensions, a condition number of ten thousand, and more points than dimensions: two steps.
#[test]
fn a_gaussian_in_many_dimensions_takes_few_evaluations() {
    let [dim, condition, draws, left, _, _] = on_the_page();
    let (size, draws) = (dim as usize, draws as u64);
    let p = skewed(size, condition);
    for seed in 0..3 {
        let records = fit(
            &p,
            &plan(&p, &standard(size), drawn(draws as usize), 3),
            seed,
        );
        assert!(gap(&records[0]) > 1e4);
        assert!(
            gap(&records[2]) < left,
            "seed {seed}: {:e}",
            gap(&records[2])
        );
        assert_eq!(records[2].runs[0].evaluations.gradient, 3 * draws);
        assert_eq!(records[2].runs[0].evaluations.log_density, 3 * draws);
        assert!(gap(&records[3]) < 1e-10);
    }
}

/// Dimensions, condition number, draws and nats left of the one, and draws and dimensions of the other.
fn on_the_page() -> [f64; 6] {
    let numbers = Page::open("docs/optimizers.md").numbers(
        "condition number: in {} dimensions with a condition number of {}, from a standard normal, two steps \
         of {} draws leave less than {} nats, and so do two of {} in {} dimensions ([",
    );
    let values: Vec<f64> = numbers.iter().map(|number| number.value).collect();
    values.try_into().unwrap()
}

/// Half a million numbers of θ.
#[test]
#[ignore = "takes a minute"]
fn a_gaussian_in_a_thousand_dimensions_takes_two_steps() {
    let [_, condition, _, left, draws, dim] = on_the_page();
    let (size, draws) = (dim as usize, draws as u64);
    let p = skewed(size, condition);
    let records = fit(&p, &plan(&p, &standard(size), drawn(draws as usize), 2), 0);
    assert!(gap(&records[0]) > 1e5);
    assert!(gap(&records[2]) < left, "{:e}", gap(&records[2]));
    assert_eq!(records[2].runs[0].evaluations.gradient, 3 * draws);
}

/// With fewer points than dimensions it takes more steps, as long as no direction is much narrower than another.
#[test]
fn fewer_points_than_dimensions_will_do() {
    let p = skewed(40, 4.0);
    let records = fit(&p, &plan(&p, &standard(40), drawn(16), 150), 1);
    assert!(gap(&records[0]) > 10.0);
    assert!(
        gap(records.last().unwrap()) < 1e-9,
        "{:e}",
        gap(records.last().unwrap())
    );
}

/// Of a target in other coordinates, of which one is 10⁵ times as wide as the other, the steps are the same.
#[test]
fn steps_do_not_depend_on_the_coordinates() {
    let p = three_in_a_plane();
    let q = Mixture::gaussian(
        vec![0.5, -2.0],
        DMatrix::from_row_slice(2, 2, &[2.0, 0.3, 0.3, 0.7]),
    )
    .unwrap();
    let here = fit(&p, &plan(&p, &q, drawn(7), 30), 5);
    let there = fit(
        &sheared(&p),
        &plan(&sheared(&p), &sheared(&q), drawn(7), 30),
        5,
    );
    let mut moved = 0.0f64;
    for (here, there) in here.iter().zip(&there) {
        let (here, there) = (sheared(&here.runs[0].mixture), &there.runs[0].mixture);
        let inverse = here.scale_trils()[0].clone().try_inverse().unwrap();
        let off = &inverse * (&here.means()[0] - &there.means()[0]);
        assert!(off.norm() < 1e-6, "{off}");
        let ratio = &inverse * &there.scale_trils()[0];
        assert!((ratio - DMatrix::identity(2, 2)).norm() < 1e-6);
        moved = moved.max((&inverse * (&here.means()[0] - sheared(&q).mean())).norm());
    }
    assert!(moved > 0.3, "{moved}");
}

#[test]
fn at_the_target_it_stays() {
    let p = skewed(12, 100.0);
    for (samples, steps) in [(3, 1), (9, 20), (13, 20), (50, 20)] {
        let records = fit(&p, &plan(&p, &p, drawn(samples), steps), 0);
        let gap = gap(records.last().unwrap());
        assert!(gap < 1e-12, "{samples}: {gap:e}");
        let off = (end(&records).mean() - p.mean()).norm();
        assert!(off < 1e-7, "{samples}: {off:e}");
    }
}

/// Each has its own noise and its own λ: two fits in one loop are what they are alone.
#[test]
fn runs_do_not_mix() {
    let p = three_in_a_plane();
    let others =
        Mixture::from_stds(vec![1.0], vec![vec![2.0, -2.0]], vec![vec![0.4, 3.0]]).unwrap();
    let plans = [&standard(2), &others].map(|start| plan(&p, start, drawn(9), 25));
    let numerics = Numerics::cpu();
    let target = Target::new(&p, &numerics);
    let log = LogConfig {
        every: Some(1),
        samples: 16,
        ..LogConfig::default()
    };
    let members = [(&plans[0], 3), (&plans[1], 4)].map(|(plan, seed)| Member { plan, seed });
    let together: Vec<Record> = (Fit::batch(&members, &target, &numerics, log).unwrap())
        .map(Result::unwrap)
        .collect();
    for (run, Member { plan, seed }) in members.into_iter().enumerate() {
        let alone = fit(&p, plan, seed);
        assert_eq!(alone.len(), together.len());
        for (alone, together) in alone.iter().zip(&together) {
            assert_eq!(alone.runs[0].mixture, together.runs[run].mixture, "{run}");
            assert_eq!(alone.runs[0].evaluations, together.runs[run].evaluations);
        }
    }
    assert_ne!(end(&fit(&p, &plans[0], 3)), end(&fit(&p, &plans[0], 4)));
}

/// Of no Gaussian the scores are matched, and reverse KL is near its least: the noise of batches averages out.
#[test]
fn a_target_that_is_no_gaussian_is_matched_about_as_well_as_can_be() {
    let text = |optimizer: &str, estimator: &str| {
        format!(
            "name = \"banana\"\nrestarts = 1\n[target]\nlog_density = \"-0.5*(x1^2 + (x2 - 0.5*(x1^2 - 1))^2)\"\n\
             support = {{ x1 = \"real\", x2 = \"real\" }}\n[estimator]\n{estimator}\n[optimizer]\n{optimizer}\n\
             [[fit]]\ndivergence = \"reverse-kl\"\n"
        )
    };
    let reached = |text: String| {
        let found = run_text(&text);
        let best = found.summary.fits[0].best.as_ref().unwrap();
        best.divergences.estimate(DivergenceKind::ReverseKl).value
    };
    let matched = reached(text(
        "type = \"batch-and-match\"\nsteps = 60",
        "type = \"quasi-monte-carlo\"\nsamples = 64",
    ));
    // The least is 0.1451144 nats; what matches the scores is another Gaussian.
    assert!(matched > 0.1452 && matched < 0.165, "{matched}");
}

/// As long as it sees a power of the target, it matches that.
#[test]
fn an_annealed_target_is_matched() {
    let p = skewed(5, 50.0);
    let mut annealed = plan(&p, &standard(5), drawn(40), 24);
    annealed.anneal = Some(AnnealConfig {
        start: 0.25,
        steps: 20,
        schedule: Schedule::Linear,
    });
    let records = fit(&p, &annealed, 2);
    // p^β has the covariance of p over β.
    let beta = annealed.anneal.unwrap().beta(9);
    let widened = records[10].runs[0].mixture.component_covariance(0) * beta;
    let covariance = p.component_covariance(0);
    let off = (widened - &covariance).norm() / covariance.norm();
    assert!(off < 1e-2, "{off}");
    assert!(gap(&records[10]) > 0.1);
    assert!(gap(records.last().unwrap()) < 1e-6);
}

/// Where log p is no number, the run ends as others do, and says so.
#[test]
fn scores_that_are_no_numbers_end_the_run() {
    let text = "name = \"edge\"\nrestarts = 1\n[target]\nlog_density = \"-0.5*(x1^2 + x2^2) + if(x1 < 2, 0, -inf)\"\n\
                support = { x1 = \"real\", x2 = \"real\" }\n[init]\nmean = [0.0, 0.0]\n\
                std = [1.0, 1.0]\n[estimator]\ntype = \"monte-carlo\"\nsamples = 50\n[optimizer]\n\
                type = \"batch-and-match\"\nsteps = 9\n[[fit]]\ndivergence = \"reverse-kl\"\n";
    let run = run_text(text);
    let fit = &run.summary.fits[0];
    let failure = fit.failure.as_ref().unwrap();
    assert_eq!(fit.failed, 1);
    assert!(
        failure.contains("step 0") && failure.contains("not finite"),
        "{failure}"
    );
}

#[test]
fn too_few_draws_are_told_of() {
    let notes = |samples: usize| {
        let text = format!(
            "name = \"few\"\n[target]\nmean = [0.0, 1.0, 2.0]\nstd = [1.0, 1.0, 1.0]\n[estimator]\n\
             type = \"monte-carlo\"\nsamples = {samples}\n[optimizer]\ntype = \"batch-and-match\"\n[[fit]]\n\
             divergence = \"reverse-kl\"\n"
        );
        klfit::Experiment::parse(std::path::Path::new("test.toml"), &text, Vec::new())
            .unwrap()
            .notes
    };
    let told = notes(3);
    assert!(
        told.len() == 1 && told[0].contains("samples = 5"),
        "{told:?}"
    );
    assert!(notes(4).is_empty());
}

/// Four factors and a variance of each coordinate.
fn factored(dim: usize) -> Mixture {
    let wave = |i: usize, j: usize| (1.3 * (i * (j + 2)) as f64 + j as f64).sin();
    let factors = DMatrix::from_fn(dim, 4, wave);
    let variances = DVector::from_fn(dim, |i, _| (0.7 * (i as f64).cos()).exp());
    let covariance = DMatrix::from_diagonal(&variances) + &factors * factors.transpose();
    let mean = (0..dim).map(|i| 2.0 * (i as f64).sin()).collect();
    Mixture::gaussian(mean, (&covariance + covariance.transpose()) * 0.5).unwrap()
}

fn of_low_rank(p: &Mixture, start: &Mixture, samples: usize, steps: usize) -> Plan {
    let config = FamilyConfig {
        covariance: Covariance::LowRank,
        rank: Some(4),
        ..FamilyConfig::default()
    };
    Plan {
        family: Family::new(config, p.dim()),
        ..plan(p, start, drawn(samples), steps)
    }
}

/// Sixteen draws a step, of sixty dimensions.
#[test]
fn a_low_rank_covariance_takes_few_draws() {
    let numbers = Page::open("docs/optimizers.md").numbers(
        "with four factors in {} dimensions, {} steps of {} draws leave less than {} nats (the",
    );
    let [dim, steps, draws, left] = numbers[..] else {
        panic!("four numbers");
    };
    let [dim, steps, draws] = [dim, steps, draws].map(|number| number.value as usize);
    let p = factored(dim);
    for seed in 0..3 {
        let records = fit(&p, &of_low_rank(&p, &standard(dim), draws, steps), seed);
        let last = records.last().unwrap();
        assert!(gap(&records[0]) > 20.0);
        assert!(gap(last) < left.value, "seed {seed}: {:e}", gap(last));
        let evaluations = (steps + 1) * draws;
        assert_eq!(last.runs[0].evaluations.gradient, evaluations as u64);
    }
}

#[test]
fn a_low_rank_covariance_stays_at_the_target() {
    let p = factored(20);
    for (samples, steps) in [(3, 1), (16, 20), (40, 20)] {
        let records = fit(&p, &of_low_rank(&p, &p, samples, steps), 0);
        let gap = gap(records.last().unwrap());
        assert!(gap < 1e-11, "{samples}: {gap:e}");
    }
}

/// Points of a net see more of the target than independent ones.
#[test]
fn nets_are_batches_too() {
    let p = benchmark(3, 1, 20);
    let net = EstimatorRule::from(QuasiMonteCarloConfig { samples: 64 }).into();
    let records = fit(&p, &plan(&p, &standard(20), net, 5), 1);
    assert!(gap(&records[0]) > 100.0);
    assert!(gap(&records[5]) < 1e-9, "{:e}", gap(&records[5]));
    assert_close(end(&records).mean()[0], p.mean()[0], 1e-4, "mean");
}
