//! Every optimizer with every schedule reaches an optimum that is known.

use klfit::internals::gaussian_kl;
use klfit::{
    DivergenceKind, FamilyConfig, Fit, LogConfig, Mixture, Numerics, OptimizerConfig,
    OptimizerRule, Record, Schedule, Stop, Target,
};
use nalgebra::DMatrix;

use crate::support::{
    Choice, Targets, assert_close, gauss_hermite, gaussian, three_in_a_plane, two_on_a_line,
};

/// The records of a forward-KL fit of one Gaussian, every `every` steps.
///
/// Its loss is a polynomial under every component of the target, which four points on an axis
/// integrate exactly.
fn fit(p: &Mixture, start: &Mixture, optimizer: OptimizerConfig, every: usize) -> Vec<Record> {
    let targets = Targets::new();
    let choice = Choice {
        divergence: DivergenceKind::ForwardKl,
        family: FamilyConfig::default(),
        estimator: gauss_hermite(4).into(),
        optimizer,
    };
    let experiment = targets.ask(&targets.mixture(p), &choice).unwrap();
    let mut plan = experiment.plans[0].clone();
    plan.start = klfit::Start::Given(Box::new(start.clone()));
    let numerics = Numerics::cpu();
    let target = Target::new(p, &numerics);
    let log = LogConfig {
        every: Some(every),
        ..LogConfig::default()
    };
    Fit::new(&plan, &target, &numerics, log, 0)
        .unwrap()
        .map(Result::unwrap)
        .collect()
}

fn is_accepted(optimizer: OptimizerConfig) -> bool {
    let targets = Targets::new();
    let choice = Choice {
        divergence: DivergenceKind::ForwardKl,
        family: FamilyConfig::default(),
        estimator: gauss_hermite(4).into(),
        optimizer,
    };
    (targets.ask(&targets.mixture(&gaussian(0.0, 1.0)), &choice)).is_ok()
}

fn moments(p: &Mixture) -> Mixture {
    Mixture::gaussian(p.mean().as_slice().to_vec(), p.covariance()).unwrap()
}

#[test]
fn every_rule_with_every_schedule_reaches_the_moments_of_the_target() {
    let line = (two_on_a_line(2.0), gaussian(1.0, 1.0));
    let tilted = DMatrix::from_row_slice(2, 2, &[1.5, -0.3, -0.3, 1.0]);
    let plane = (
        three_in_a_plane(),
        Mixture::gaussian(vec![1.0, -1.0], tilted).unwrap(),
    );
    // What the moments are.
    let known = moments(&line.0);
    assert_close(known.mean()[0], 0.0, 1e-15, "mean");
    assert_close(known.component_stds(0)[0], 5f64.sqrt(), 1e-15, "std");
    let mut tested = 0;
    for rule in OptimizerRule::all() {
        // The rule's own learning rate, but for gradient descent, whose mean moves by the rate over
        // the variance.
        let (learning_rate, steps) = match rule {
            OptimizerRule::Adam(_) | OptimizerRule::AdamW(_) => (None, 600),
            OptimizerRule::Sgd(_) => (Some(0.5), 600),
            OptimizerRule::RmsProp(_) => (None, 800),
            OptimizerRule::Lbfgs(_) => (None, 60),
            OptimizerRule::Em(_) => (None, 5),
            OptimizerRule::Vips(_) => (None, 60),
            OptimizerRule::NaturalGradient(_) => (None, 400),
            // It is for reverse KL alone.
            OptimizerRule::BatchAndMatch(_) => continue,
        };
        for schedule in Schedule::ALL {
            let optimizer = OptimizerConfig {
                learning_rate,
                steps,
                schedule,
                ..rule.into()
            };
            if !is_accepted(optimizer) {
                // They find their own steps.
                assert!(
                    ["lbfgs", "em", "vips"].contains(&rule.name()),
                    "{}",
                    rule.name()
                );
                assert!(optimizer.check().is_err());
                continue;
            }
            // The steps of RMSProp do not get shorter by themselves: at a constant rate of 0.01 it
            // ends within that of the optimum.
            let tolerance = match (rule, schedule) {
                (OptimizerRule::RmsProp(_), Schedule::Constant) => 1e-3,
                _ => 1e-6,
            };
            for (p, start) in [&line, &plane] {
                let records = fit(p, start, optimizer, steps);
                let last = &records.last().unwrap().runs[0];
                let gap = gaussian_kl(&moments(p), &last.mixture).unwrap().value;
                let before = gaussian_kl(&moments(p), start).unwrap().value;
                assert!(before > 0.1);
                assert!(
                    gap < tolerance,
                    "{} {schedule:?} {}-D: {gap}, {:?}",
                    rule.name(),
                    p.dim(),
                    last.stop
                );
                // The library's own gap is the same number.
                assert_close(last.gap.unwrap().value, gap, 1e-12, "gap");
                tested += 1;
            }
        }
    }
    assert_eq!(tested, (5 * 4 + 3) * 2);
}

/// The step after which a fit first was within 1e-8 nats of the moments.
fn steps_to_arrive(p: &Mixture, start: &Mixture, optimizer: OptimizerConfig) -> usize {
    let optimum = moments(p);
    let records = fit(p, start, optimizer, 1);
    let there = |record: &&Record| {
        gaussian_kl(&optimum, &record.runs[0].mixture)
            .unwrap()
            .value
            < 1e-8
    };
    records
        .iter()
        .find(there)
        .map_or(usize::MAX, |record| record.step)
}

#[test]
fn lbfgs_has_ten_digits_in_under_a_hundred_steps() {
    for p in [two_on_a_line(2.0), three_in_a_plane()] {
        let dim = p.dim();
        let start = Mixture::gaussian(vec![1.0; dim], DMatrix::identity(dim, dim)).unwrap();
        let rule = OptimizerRule::Lbfgs(Default::default());
        let records = fit(&p, &start, rule.into(), 1);
        let last = records.last().unwrap();
        assert!(last.step < 100, "{}", last.step);
        let run = &last.runs[0];
        assert!(
            matches!(
                run.stop,
                Some(Stop::Gradient { .. } | Stop::NoProgress { .. })
            ),
            "{:?}",
            run.stop
        );
        let off = (run.mixture.mean() - p.mean()).amax();
        assert!(off < 1e-7, "mean {off}");
        let gap = gaussian_kl(&moments(&p), &run.mixture).unwrap().value;
        assert!(gap < 1e-10, "{gap}");
    }
}

#[test]
fn the_natural_gradient_needs_few_steps_and_as_many_at_every_scale() {
    let rule = |name: &str| {
        OptimizerRule::all()
            .into_iter()
            .find(|rule| rule.name() == name)
            .unwrap()
    };
    let optimizer = |name: &str, learning_rate: f64, steps: usize| OptimizerConfig {
        learning_rate: Some(learning_rate),
        steps,
        ..rule(name).into()
    };
    let scaled = |mixture: &Mixture, scale: f64| {
        Mixture::from_covariances(
            mixture.weights().to_vec(),
            (mixture.means().iter())
                .map(|mean| (mean * scale).as_slice().to_vec())
                .collect(),
            (0..mixture.components())
                .map(|k| mixture.component_covariance(k) * (scale * scale))
                .collect(),
        )
        .unwrap()
    };
    let p = three_in_a_plane();
    let start = Mixture::gaussian(vec![1.0, -1.0], DMatrix::identity(2, 2)).unwrap();
    let natural = optimizer("natural-gradient", 0.5, 60);
    let steps = steps_to_arrive(&p, &start, natural);
    assert!(steps < 60, "{steps}");
    for scale in [1000.0, 1e-3] {
        let (p, start) = (scaled(&p, scale), scaled(&start, scale));
        assert_eq!(steps_to_arrive(&p, &start, natural), steps);
    }
    // Plain descent is not there after three times as many; at a scale where the gradients of the means
    // are a thousandth, it has hardly left.
    let gap_of_descent = |p: &Mixture, start: &Mixture| {
        let records = fit(p, start, optimizer("sgd", 0.5, 3 * steps), 3 * steps);
        gaussian_kl(&moments(p), &records.last().unwrap().runs[0].mixture)
            .unwrap()
            .value
    };
    assert!(gap_of_descent(&p, &start) > 1e-8);
    let far = gap_of_descent(&scaled(&p, 1000.0), &scaled(&start, 1000.0));
    assert!(far > 1e-2, "{far}");
}
