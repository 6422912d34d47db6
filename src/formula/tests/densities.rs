//! Densities by name against statrs, and against their integrals.

use std::collections::BTreeSet;

use statrs::distribution::{
    Beta, Binomial, Cauchy, Continuous, Discrete, Exp, Gamma, InverseGamma, Laplace, LogNormal,
    Normal, Poisson, StudentsT, Uniform, Weibull,
};

use super::*;

/// A density with its arguments after x: where it is held against another, and that one.
struct Density {
    call: &'static str,
    parameters: &'static [f64],
    points: &'static [f64],
    expected: Box<dyn Fn(f64) -> f64>,
}

fn density(
    call: &'static str,
    parameters: &'static [f64],
    points: &'static [f64],
    expected: impl Fn(f64) -> f64 + 'static,
) -> Density {
    Density {
        call,
        parameters,
        points,
        expected: Box::new(expected),
    }
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn densities() -> Vec<Density> {
    const LINE: &[f64] = &[-40.0, -2.5, -0.1, 0.3, 1.0, 7.0, 1e4];
    const POSITIVE: &[f64] = &[-1.0, 1e-8, 0.02, 0.9, 1.5, 30.0];
    const UNIT: &[f64] = &[-0.1, 1e-8, 0.2, 0.5, 0.99, 1.5];
    const COUNTS: &[f64] = &[0.0, 1.0, 4.0, 9.0];
    let normal = Normal::new(0.4, 1.7).unwrap();
    let lognormal = LogNormal::new(0.4, 0.7).unwrap();
    let student = StudentsT::new(0.4, 1.7, 3.5).unwrap();
    let cauchy = Cauchy::new(0.4, 1.7).unwrap();
    let laplace = Laplace::new(0.4, 1.7).unwrap();
    let exponential = Exp::new(1.7).unwrap();
    let gamma = Gamma::new(2.6, 1.7).unwrap();
    let inverse = InverseGamma::new(2.6, 1.7).unwrap();
    let weibull = Weibull::new(2.6, 1.7).unwrap();
    let beta = Beta::new(2.6, 1.7).unwrap();
    let uniform = Uniform::new(-0.4, 1.7).unwrap();
    vec![
        density("normal_lpdf", &[0.4, 1.7], LINE, move |x| normal.ln_pdf(x)),
        density("lognormal_lpdf", &[0.4, 0.7], POSITIVE, move |x| {
            match x > 0.0 {
                true => lognormal.ln_pdf(x),
                false => f64::NEG_INFINITY,
            }
        }),
        density("student_t_lpdf", &[3.5, 0.4, 1.7], LINE, move |x| {
            student.ln_pdf(x)
        }),
        density("cauchy_lpdf", &[0.4, 1.7], LINE, move |x| cauchy.ln_pdf(x)),
        density("laplace_lpdf", &[0.4, 1.7], LINE, move |x| {
            laplace.ln_pdf(x)
        }),
        density(
            "logistic_lpdf",
            &[0.4, 1.7],
            &[-40.0, -2.5, 0.4, 0.9, 70.0],
            |x| {
                let p = sigmoid((x - 0.4) / 1.7);
                (p * sigmoid(-(x - 0.4) / 1.7) / 1.7).ln()
            },
        ),
        density("exponential_lpdf", &[1.7], POSITIVE, move |x| {
            match x >= 0.0 {
                true => exponential.ln_pdf(x),
                false => f64::NEG_INFINITY,
            }
        }),
        density("gamma_lpdf", &[2.6, 1.7], POSITIVE, move |x| {
            match x > 0.0 {
                true => gamma.ln_pdf(x),
                false => f64::NEG_INFINITY,
            }
        }),
        density("inv_gamma_lpdf", &[2.6, 1.7], POSITIVE, move |x| {
            match x > 0.0 {
                true => inverse.ln_pdf(x),
                false => f64::NEG_INFINITY,
            }
        }),
        density(
            "weibull_lpdf",
            &[2.6, 1.7],
            &[-1.0, 1e-8, 0.02, 0.9, 1.5, 12.0],
            move |x| match x > 0.0 {
                true => weibull.ln_pdf(x),
                false => f64::NEG_INFINITY,
            },
        ),
        density("beta_lpdf", &[2.6, 1.7], UNIT, move |x| {
            match x > 0.0 && x < 1.0 {
                true => beta.ln_pdf(x),
                false => f64::NEG_INFINITY,
            }
        }),
        density("uniform_lpdf", &[-0.4, 1.7], LINE, move |x| {
            uniform.ln_pdf(x)
        }),
        density("bernoulli_logit_lpmf", &[0.7], &[0.0, 1.0], |y| {
            (y * sigmoid(0.7) + (1.0 - y) * sigmoid(-0.7)).ln()
        }),
        density("binomial_logit_lpmf", &[9.0, 0.7], COUNTS, |y| {
            Binomial::new(sigmoid(0.7), 9).unwrap().ln_pmf(y as u64)
        }),
        density("poisson_log_lpmf", &[0.7], COUNTS, |y| {
            Poisson::new(0.7_f64.exp()).unwrap().ln_pmf(y as u64)
        }),
        density("square", &[], LINE, |x| x * x),
        density("logit", &[], &[1e-8, 0.3, 0.5, 0.9], |x| {
            (x / (1.0 - x)).ln()
        }),
    ]
}

#[test]
fn densities_are_those_of_statrs_and_have_their_gradients() {
    for Density {
        call,
        parameters,
        points,
        expected,
        ..
    } in densities()
    {
        let dim = 1 + parameters.len();
        let arguments: Vec<String> = (1..=dim).map(|i| format!("x{i}")).collect();
        let varying = formula(&format!("{call}({})", arguments.join(", ")), dim);
        let numbers: Vec<String> = parameters.iter().map(|one| format!("{one:?}")).collect();
        let joined = std::iter::once("x1".to_owned())
            .chain(numbers)
            .collect::<Vec<_>>();
        let fixed = formula(&format!("{call}({})", joined.join(", ")), 1);
        for x in points {
            let expected = expected(*x);
            let point: Vec<f64> = std::iter::once(*x)
                .chain(parameters.iter().copied())
                .collect();
            let (value, gradient) = at(&varying, &point);
            // Of log-gammas near 10 some digits cancel.
            let ok = |value| is_close(value, expected, 1e-13, 1e-13);
            assert!(ok(value), "{call}({point:?}) = {value:?}, not {expected:?}");
            let (value, of_x) = at(&fixed, &[*x]);
            assert!(ok(value), "{call} at {x}: {value:?}, not {expected:?}");
            assert!(is_close(of_x[0], gradient[0], 1e-13, 0.0), "{call} at {x}");
            // Near an edge there are no differences.
            if x.abs() < 1e-3
                || (call.starts_with("binomial") && *x == 9.0)
                || !expected.is_finite()
            {
                assert!(
                    gradient
                        .iter()
                        .all(|slope| slope.is_finite() || *slope != 0.0),
                    "{call}"
                );
                continue;
            }
            for (found, expected) in gradient.iter().zip(differences(&varying, &point)) {
                assert!(
                    is_close(
                        *found,
                        expected,
                        if x.abs() > 100.0 { 1e-7 } else { 1e-8 },
                        1e-8
                    ),
                    "{call}({point:?}): {found:?} {expected:?}"
                );
            }
        }
    }
}

#[test]
fn densities_integrate_to_one() {
    // x = sinh(s) or e^s carries long tails to a line, where equal steps are exact to rounding.
    let integral = |call: &str, x: fn(f64) -> f64, dx: fn(f64) -> f64, from: f64, to: f64| {
        let formula = formula(call, 1);
        let steps = 40_000;
        let width = (to - from) / f64::from(steps);
        let s: Vec<f64> = (0..=steps).map(|i| from + width * f64::from(i)).collect();
        let points: Vec<f64> = s.iter().map(|s| x(*s)).collect();
        let mut values = vec![0.0; points.len()];
        formula.evaluate(&points, &mut values, None);
        let terms = s
            .iter()
            .zip(&values)
            .map(|(s, value)| (value + formula.offset()).exp() * dx(*s));
        terms.sum::<f64>() * width
    };
    let on_line = |call: &str| integral(call, f64::sinh, f64::cosh, -40.0, 40.0);
    let positive = |call: &str| integral(call, f64::exp, f64::exp, -60.0, 40.0);
    for (call, found) in [
        (
            "normal_lpdf(x, 0.4, 1.7)",
            on_line("normal_lpdf(x, 0.4, 1.7)"),
        ),
        (
            "student_t_lpdf(x, 3.5, 0.4, 1.7)",
            on_line("student_t_lpdf(x, 3.5, 0.4, 1.7)"),
        ),
        (
            "cauchy_lpdf(x, 0.4, 1.7)",
            on_line("cauchy_lpdf(x, 0.4, 1.7)"),
        ),
        (
            "logistic_lpdf(x, 0.4, 1.7)",
            on_line("logistic_lpdf(x, 0.4, 1.7)"),
        ),
        (
            "lognormal_lpdf(x, 0.4, 0.7)",
            positive("lognormal_lpdf(x, 0.4, 0.7)"),
        ),
        (
            "gamma_lpdf(x, 2.6, 1.7)",
            positive("gamma_lpdf(x, 2.6, 1.7)"),
        ),
        (
            "inv_gamma_lpdf(x, 2.6, 1.7)",
            positive("inv_gamma_lpdf(x, 2.6, 1.7)"),
        ),
        (
            "weibull_lpdf(x, 2.6, 1.7)",
            positive("weibull_lpdf(x, 2.6, 1.7)"),
        ),
        (
            "exponential_lpdf(x, 1.7)",
            positive("exponential_lpdf(x, 1.7)"),
        ),
        (
            "laplace_lpdf(x, 0, 1.7) + log(2)",
            positive("laplace_lpdf(x, 0, 1.7) + log(2)"),
        ),
    ] {
        assert!((found - 1.0).abs() < 1e-11, "{call}: {found:?}");
    }
    for call in [
        "bernoulli_logit_lpmf(x, 0.7)",
        "binomial_logit_lpmf(x, 9, 0.7)",
        "poisson_log_lpmf(x, 0.7)",
    ] {
        let most = if call.starts_with("ber") {
            1
        } else if call.starts_with("bin") {
            9
        } else {
            60
        };
        let formula = formula(call, 1);
        let sum: f64 = (0..=most)
            .map(|y| at(&formula, &[f64::from(y)]).0.exp())
            .sum();
        assert!((sum - 1.0).abs() < 1e-13, "{call}: {sum:?}");
    }
}

#[test]
fn every_function_is_tested() {
    let mut tested: BTreeSet<&str> = operations::of_one().collect();
    let all = densities();
    tested.extend(all.iter().map(|density| density.call));
    tested.extend([
        "sum",
        "min",
        "max",
        "logsumexp",
        "if",
        "mean",
        "dot",
        "length",
        "logaddexp",
    ]);
    let functions: BTreeSet<&str> = lower::functions().into_iter().collect();
    assert_eq!(tested, functions);
}
