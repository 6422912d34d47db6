//! Densities that cannot be drawn from, by points that count by weights: gradients are right on average, and
//! what the points are worth is told.

use std::collections::BTreeMap;

use klfit::internals::{Formula, Support, Variable};
use klfit::{
    DivergenceKind, EstimatorConfig, EstimatorRule, Family, Mixture, Numerics, Target,
    settings::NoiseRule,
};
use nalgebra::{DMatrix, DVector};

use crate::gradient_rules::gradients;
use crate::gradients::{families, plan};
use crate::support::{
    gauss_hermite, keys, monte_carlo, objective, quasi_monte_carlo, run_text, wide,
};

/// A Gaussian up to a constant, by its precision …
const FORMULA: &str = "3 - 0.5*(x1^2 + (x2 - 1)^2/4 + (x3 - 0.5*x1)^2/0.25)";

fn by_formula() -> Target {
    let x = Variable {
        name: "x".into(),
        len: 3,
        support: Support::Real,
    };
    let formula = Formula::new(FORMULA, vec![x], BTreeMap::new()).unwrap();
    Target::new(klfit::locate(formula).unwrap(), &Numerics::cpu())
}

/// … and by its covariance: x₃ = ½x₁ + ½ε.
fn in_closed_form() -> Mixture {
    #[rustfmt::skip]
    let covariance = DMatrix::from_row_slice(3, 3, &[
        1.0, 0.0, 0.5,
        0.0, 4.0, 0.0,
        0.5, 0.0, 0.5,
    ]);
    Mixture::gaussian(vec![0.0, 1.0, 0.0], covariance).unwrap()
}

#[test]
fn gradients_are_those_of_the_density_on_average() {
    const RUNS: usize = 256;
    let weighted = by_formula();
    let exact = Target::new(in_closed_form(), &Numerics::cpu());
    let mut compared = 0;
    for components in [1, 2] {
        for config in families(components) {
            let family = Family::new(config, 3);
            let start = family.project(&wide(components, 3)).unwrap();
            let theta = family.theta_of(&start).unwrap();
            for divergence in [DivergenceKind::ForwardKl, DivergenceKind::Js] {
                for rule in [monte_carlo(512), quasi_monte_carlo(512)] {
                    let of = |rule: EstimatorRule, target, runs| {
                        let at = (target, &theta[..]);
                        let all = gradients(divergence, &family, rule.into(), at, runs);
                        Vec::from_iter(all.into_iter().map(DVector::from_vec))
                    };
                    let expected = of(gauss_hermite(24), &exact, 1).swap_remove(0);
                    let found = of(rule, &weighted, RUNS);
                    let mean = found.iter().sum::<DVector<f64>>() / RUNS as f64;
                    let largest = expected.amax();
                    for i in 0..family.parameters() {
                        let squares = found.iter().map(|one| (one[i] - mean[i]).powi(2));
                        let variance = squares.sum::<f64>() / (RUNS - 1) as f64;
                        // Weights that sum to 1 are biased by less than one in the number of points.
                        let chance = (variance / RUNS as f64).sqrt();
                        let tolerance = 4.5 * chance + largest / 512.0;
                        assert!(
                            (mean[i] - expected[i]).abs() < tolerance,
                            "{} {:?} {i}: {} ± {chance}, {}",
                            divergence.name(),
                            family,
                            mean[i],
                            expected[i]
                        );
                        assert!(chance < 0.1 * largest, "{chance} of {largest}");
                        compared += 1;
                    }
                }
            }
        }
    }
    assert!(compared > 500, "{compared}");
}

/// Where q is p, half of the points are those of p: the points of both are worth more than those.
#[test]
fn points_are_worth_more_the_nearer_q_is() {
    let target = by_formula();
    let numerics = Numerics::cpu();
    let family = Family::new(families(1)[0].clone(), 3);
    let worth = |q: &Mixture, noise: Option<NoiseRule>| {
        let estimator = EstimatorConfig {
            noise,
            reuse: 0,
            ..monte_carlo(4096).into()
        };
        let plan = plan(DivergenceKind::ForwardKl, estimator, family.clone());
        let mut objective = objective(&plan, &target, &numerics, keys(5, 2));
        let theta = family.theta_of(&family.project(q).unwrap()).unwrap();
        let theta = numerics.tensor(theta.repeat(2), [2, family.parameters()]);
        let settled = objective.settle(&theta, 0).unwrap();
        settled
            .iter()
            .map(|one| one.effective_sample_size.unwrap())
            .sum::<f64>()
            / 2.0
    };
    let p = in_closed_form();
    let [near, far] = [&p, &wide(1, 3)].map(|q| worth(q, None));
    assert!(near > 0.5 * 4096.0 && near < 4096.0, "{near}");
    assert!(far > 100.0 && far < 0.8 * near, "{far} {near}");
    // Points that stay do not know of q.
    let [near, far] = [&p, &wide(1, 3)].map(|q| worth(q, Some(NoiseRule::Fixed)));
    assert_eq!(near.to_bits(), far.to_bits());
}

#[test]
fn a_trajectory_tells_what_points_are_worth() {
    let text = |divergence: &str, noise: &str| {
        format!(
            "name = \"worth\"\nrestarts = 2\n[target]\nlog_density = \"{FORMULA}\"\ndim = 3\n\
             [estimator]\ntype = \"monte-carlo\"\nsamples = 256\nnoise = \"{noise}\"\n\
             [optimizer]\nsteps = 60\nlearning_rate = 0.1\n\
             [[fit]]\ndivergence = \"{divergence}\"\n"
        )
    };
    let run = run_text(&text("forward-kl", "fresh"));
    let fit = &run.summary.fits[0];
    let trajectory = run.folder.trajectory(&fit.label).unwrap();
    for of_run in [0, 1] {
        let worth: Vec<f64> = (trajectory.run(of_run))
            .map(|row| row.effective_sample_size.unwrap())
            .collect();
        assert!(
            worth.iter().all(|worth| (1.0..=256.0).contains(worth)),
            "{worth:?}"
        );
        assert!(worth[worth.len() - 1] > 1.2 * worth[0], "{worth:?}");
    }
    let best = fit.best.as_ref().unwrap();
    let last = trajectory.run(best.run).last().unwrap();
    assert_eq!(best.effective_sample_size, last.effective_sample_size);
    let other = run_text(&text("reverse-kl", "fresh"));
    let fit = &other.summary.fits[0];
    let trajectory = other.folder.trajectory(&fit.label).unwrap();
    assert!(
        trajectory
            .rows
            .iter()
            .all(|row| row.effective_sample_size.is_none())
    );
}
