use nalgebra::DMatrix;

use super::*;
use crate::density::target::Distribution;

#[test]
fn moments_are_integrals_where_there_are_any() {
    let gamma = located("if(x > 0, 9*log(x) - x, -inf)", &[REAL]).unwrap();
    let (mean, covariance) = gamma.moments().unwrap();
    assert!((mean[0] - 10.0).abs() < 1e-10 && (covariance[(0, 0)] - 10.0).abs() < 1e-9);
    let banana = located("-0.5*(x1^2 + (x2 - 0.5*(x1^2 - 1))^2)", &[REAL; 2]).unwrap();
    let (mean, covariance) = banana.moments().unwrap();
    assert!(mean.amax() < 1e-10);
    assert!(
        (covariance - DMatrix::from_diagonal(&DVector::from_vec(vec![1.0, 1.5]))).amax() < 1e-9
    );
    for heavy in ["-log1p(x^2)", "-1.5*log1p(x^2/2)"] {
        assert!(
            located(heavy, &[REAL]).unwrap().moments().is_none(),
            "{heavy}"
        );
    }
}

#[test]
fn draws_have_the_moments_of_the_density() {
    let banana = located("-0.5*(x1^2 + (x2 - 0.5*(x1^2 - 1))^2)", &[REAL; 2]).unwrap();
    let mut generator = RunKey { seed: 5, run: 0 }.generator(Stream::Init, 0);
    let draws = banana.sample(20_000, &mut generator);
    let points = || draws.chunks_exact(2);
    let mean = |f: &dyn Fn(&[f64]) -> f64| points().map(f).sum::<f64>() / 20_000.0;
    // x1 and x2 − (x1² − 1)/2 are standard normal; five standard errors.
    assert!(mean(&|x| x[0]).abs() < 0.036);
    assert!((mean(&|x| x[0] * x[0]) - 1.0).abs() < 0.05);
    let off = |x: &[f64]| x[1] - 0.5 * (x[0] * x[0] - 1.0);
    assert!(mean(&off).abs() < 0.036);
    assert!((mean(&|x| off(x).powi(2)) - 1.0).abs() < 0.05);
}

/// Checks the moments of each coordinate x against a mean and a variance, or that they are not told.
fn has_moments(text: &str, supports: &[Support], expected: &[Option<[f64; 2]>], most: f64) {
    let found = located(text, supports).unwrap_or_else(|refusal| panic!("{text}: {refusal}"));
    let told = found.located().of_x.as_ref().unwrap();
    assert_eq!(told.len(), expected.len());
    let room = if supports.len() > 2 { 4.0 } else { 1.0 };
    for (one, expected) in told.iter().zip(expected) {
        let Some([mean, variance]) = expected else {
            assert_eq!(one.moments, None, "{text}");
            continue;
        };
        let of = one.moments.unwrap_or_else(|| panic!("{text}: {one:?}"));
        let std = variance.sqrt();
        for (found, error, expected) in
            [(of.mean, of.mean_error, *mean), (of.std, of.std_error, std)]
        {
            let off = (found - expected).abs();
            assert!(
                off <= room * error + 1e-15 * expected.abs(),
                "{text}, {}: {found} ± {error:e}, {expected}",
                one.coordinate
            );
            assert!(error <= most * std, "{text}: {error:e}");
        }
    }
}

#[test]
fn coordinates_with_bounds_have_the_moments_of_closed_forms() {
    let positive = Support::Above(0.0);
    let unit = Support::Between(0.0, 1.0);
    let log_normal = |m: f64, v: f64| {
        let mean = (m + 0.5 * v).exp();
        Some([mean, v.exp_m1() * mean * mean])
    };
    let beta = |a: f64, b: f64| {
        let sum = a + b;
        Some([a / sum, a * b / (sum * sum * (sum + 1.0))])
    };
    let fine = 1e-6;
    let cases: [(&str, Support, Option<[f64; 2]>); 9] = [
        ("9*log(x) - x", positive, Some([10.0, 10.0])),
        ("9*log(3 - x) + x", Support::Below(3.0), Some([-7.0, 10.0])),
        (
            "lognormal_lpdf(x, 0.3, 1.2)",
            positive,
            log_normal(0.3, 1.44),
        ),
        (
            "lognormal_lpdf(x, -9, 0.01)",
            positive,
            log_normal(-9.0, 1e-4),
        ),
        ("beta_lpdf(x, 2, 5)", unit, beta(2.0, 5.0)),
        ("beta_lpdf(x, 0.5, 0.5)", unit, beta(0.5, 0.5)),
        (
            "-0.5*log(x - 1e6) - 0.5*log(1e6 + 2 - x)",
            Support::Between(1e6, 1e6 + 2.0),
            Some([1e6 + 1.0, 0.5]),
        ),
        // Of the variance, and of neither.
        ("inv_gamma_lpdf(x, 1.5, 1)", positive, None),
        ("student_t_lpdf(log(x), 3, 0, 1) - log(x)", positive, None),
    ];
    for (text, support, expected) in cases {
        has_moments(text, &[support], &[expected], fine);
    }
    // Their tails are heavy, and panels say so.
    let heavy = Some([1.0 / 2.5, 1.0 / (2.5 * 2.5 * 1.5)]);
    has_moments("inv_gamma_lpdf(x, 3.5, 1)", &[positive], &[heavy], 1e-2);
    let text = "gamma_lpdf(x1, 3, 2) + beta_lpdf(x2, 2, 2)";
    let both = [Some([1.5, 0.75]), beta(2.0, 2.0)];
    has_moments(text, &[positive, unit], &both, fine);
    // By draws.
    let text = format!("{text} + normal_lpdf(x3, x1, 1)");
    let all = [both[0], both[1], Some([1.5, 1.75])];
    has_moments(&text, &[positive, unit, REAL], &all, 0.02);
    let text = "inv_gamma_lpdf(x1, 1.5, 1) + beta_lpdf(x2, 2, 2) + normal_lpdf(x3, 0, 1)";
    let all = [None, both[1], Some([0.0, 1.0])];
    has_moments(text, &[positive, unit, REAL], &all, 0.02);
    // Without bounds x is u.
    assert_eq!(located("-0.5*x^2", &[REAL]).unwrap().located().of_x, None);
}
