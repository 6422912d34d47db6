//! The host against tensors.

use super::*;
use crate::compute::device::{Backend, Detected, DeviceConfig, Numerics, Precision};

/// The largest distance of values and gradients of two ways, as a share where they are large.
fn distance(formula: &Formula, numerics: &Numerics, runs: usize, points: &[f64]) -> f64 {
    let d = formula.dim();
    let n = points.len() / d;
    let x = numerics.tensor(points.to_vec(), [runs, n / runs, d]);
    let (value, gradient) = formula.evaluate_on_device(x);
    assert_eq!(value.dims(), [runs, n / runs]);
    assert_eq!(gradient.dims(), [runs, n / runs, d]);
    let (mut values, mut slopes) = (vec![0.0; n], vec![0.0; n * d]);
    formula.evaluate(points, &mut values, Some(&mut slopes));
    let found = [
        Numerics::read(value).unwrap(),
        Numerics::read(gradient).unwrap(),
    ]
    .concat();
    let expected = [values, slopes].concat();
    (found.iter().zip(&expected))
        .map(
            |(found, expected)| match found == expected || found.is_nan() && expected.is_nan() {
                true => 0.0,
                false => match (found - expected).abs() / (1.0 + expected.abs()) {
                    off if off.is_nan() => f64::INFINITY,
                    off => off,
                },
            },
        )
        .fold(0.0, f64::max)
}

/// Every backend of this build and machine in 32 bits; the CPU is always among them.
fn single() -> Vec<(Backend, Numerics)> {
    let here = |backend: &Backend| matches!(backend.detect(), Detected::Devices(_));
    let opened = Backend::ALL.into_iter().filter(here).map(|backend| {
        let config = DeviceConfig {
            backend,
            precision: Precision::F32,
        };
        (backend, Numerics::open(config).unwrap())
    });
    let all: Vec<(Backend, Numerics)> = opened.collect();
    assert_eq!(all[0].0, Backend::Flex);
    all
}

#[test]
fn functions_of_a_number_are_alike() {
    let (double, single) = (Numerics::cpu(), single());
    for name in operations::of_one() {
        let formula = formula(&format!("{name}(x1)"), 1);
        let off = distance(&formula, &double, 2, &operations::POINTS);
        assert!(off < 1e-12, "{name} {off}");
        let moderate = [0.01, 0.3, 0.5, 0.9, 1.4, 2.0, 4.4, 8.9, 9.2, 20.0];
        for (backend, numerics) in &single {
            let off = distance(&formula, numerics, 2, &moderate);
            assert!(off < 2e-5, "{} {name} {off}", backend.name());
        }
    }
}

#[test]
fn formulas_of_each_kind_are_alike() {
    let y: Vec<f64> = (0..30).map(|i| f64::from(i) / 7.0 - 2.0).collect();
    let w = [0.5, -1.0, 2.0];
    let lists: [(&str, &[f64]); 3] = [("y", &y), ("w", &w), ("one", &[1.5])];
    let (double, single) = (Numerics::cpu(), single());
    let points: Vec<f64> = (0..36)
        .map(|i| 0.2 + f64::from(i * 7 % 36) / 12.0)
        .collect();
    for text in [
        "x1 + x2 - x3*x1/x2",
        "x1^x2 + x2^-3 + x3^0.5 + x1^2.5 + 2^x1",
        "min(x) - max(x1, x2) + logsumexp(x) + logaddexp(x1, x2) + mean(x) + dot(x, w)",
        "sum(w*x) + sum(w + x1) + sum(x - w) + sum(x/w) + sum(x1^w) + one*x1",
        "sum(x[2:3]*w[1:2]) + x[2] - w[3]*x[1] + length(x)",
        "sum([x1, w, x2*x3, 4, x]) + max([x1, w, 1])",
        "if(x1 < x2, log(x1), sqrt(x2)) + sum(if(x > 1, x^2, w)) + sum(if(w > 0, x1, x))",
        "sum(if(x1 > 1 and not x2 > 2 or x3 == 1, x, 3))",
        "sum(if([1, 0, 1], x, x1))",
        "if(x1 > 100, log(x1 - 100), x1) + if(x2 > 0, -x2, -inf)",
        "sum(normal_lpdf(y, x1 + x2*y, exp(x3)))",
        "sum(bernoulli_logit_lpmf(y > 0, x1 + x2*y)) + logsumexp(y*x1) + sum(max(y, 0)*x2)",
        "lognormal_lpdf(x1, x2, x3) + student_t_lpdf(x1, x2, 0.3, x3) + cauchy_lpdf(x1, x2, x3)",
        "laplace_lpdf(x1, x2, x3) + logistic_lpdf(x1, x2, x3) + exponential_lpdf(x1, x2)",
        "gamma_lpdf(x1, x2, x3) + inv_gamma_lpdf(x1, x2, x3) + weibull_lpdf(x1, x2, x3)",
        "beta_lpdf(x1/4, x2, x3) + uniform_lpdf(x1, -1, 1 + x2) + square(x1) + logit(x1/5)",
        "binomial_logit_lpmf(3, 7, x1) + poisson_log_lpmf(4, x2) + normal_lpdf(x1, 0, 1)",
        "3",
        "x2",
        "-x[2]",
        "sum(x)",
        "let r = x[1:2]\nlet s = [r, r]\nsum(s^2) + dot(s[2:3], [1, 2])",
        "(x1 < 2)*3 + x2",
    ] {
        let formula = with(text, 3, &lists).unwrap_or_else(|error| panic!("{text} {error:?}"));
        let off = distance(&formula, &double, 2, &points);
        assert!(off < 1e-12, "{text} {off}");
        for (backend, numerics) in &single {
            let off = distance(&formula, numerics, 3, &points);
            assert!(off < 1e-4, "{} {text} {off}", backend.name());
        }
    }
}

#[test]
fn supports_are_alike() {
    let variable = |name: &str, len, support| Variable {
        name: name.to_owned(),
        len,
        support,
    };
    let variables = vec![
        variable("a", 1, Support::Above(-1.0)),
        variable("b", 2, Support::Between(-2.0, 3.0)),
        variable("c", 1, Support::Below(4.0)),
        variable("d", 1, Support::Real),
        variable("p", 1, Support::Between(0.0, 1.0)),
    ];
    let text = "-0.5*sum(x^2) + beta_lpdf(p, 2, 3) + a*b[2] + c*d";
    let formula = Formula::new(text, variables, BTreeMap::new()).unwrap();
    let points: Vec<f64> = (0..48).map(|i| f64::from(i * 7 % 48) / 8.0 - 3.0).collect();
    assert!(distance(&formula, &Numerics::cpu(), 2, &points) < 1e-12);
    for (backend, numerics) in single() {
        let off = distance(&formula, &numerics, 2, &points);
        assert!(off < 1e-4, "{} {off}", backend.name());
    }
}
