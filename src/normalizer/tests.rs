mod moments;

use std::collections::BTreeMap;
use std::f64::consts::{PI, TAU};

use statrs::function::erf::erfc;
use statrs::function::gamma::ln_gamma;

use super::*;
use crate::coordinates::{Support, Variable};
use crate::density::target::StudentT;
use crate::formula::Formula;
use crate::mixture::Mixture;

fn located(text: &str, supports: &[Support]) -> Result<Unnormalized, Refusal> {
    let variables = (1..)
        .zip(supports)
        .map(|(i, support)| Variable {
            name: format!("x{i}"),
            len: 1,
            support: *support,
        })
        .collect();
    let formula = Formula::new(text, variables, BTreeMap::new());
    locate(formula.unwrap_or_else(|error| panic!("{error:?}")))
}

const REAL: Support = Support::Real;

/// Checks the constant of a formula against what it is, within its error, which must be below `most`.
fn is_known(text: &str, supports: &[Support], expected: f64, most: f64) -> Unnormalized {
    let found = located(text, supports).unwrap_or_else(|refusal| panic!("{text}: {refusal}"));
    let error = found.error_of_log_normalizer();
    let off = (found.log_normalizer() - expected).abs();
    // Of random points one standard error is told.
    let room = if supports.len() > 2 { 4.0 } else { 1.0 };
    // What is expected is rounded too.
    let rounding = 1e-14 * (1.0 + expected.abs());
    assert!(
        off <= room * error + rounding,
        "{text}: off by {off:e}, error {error:e}"
    );
    assert!(error <= most, "{text}: error {error:e}");
    found
}

/// Lines of the plane cross edges and corners at places of their own.
#[test]
fn edges_and_corners_in_the_plane_are_integrated() {
    let unit = Support::Between(0.0, 1.0);
    let of_gaussian = |above: f64| 0.5 * erfc(above / 2f64.sqrt());
    let step = TAU * (1.0 + (1f64.exp() - 1.0) * of_gaussian(0.3));
    for (text, supports, expected, most) in [
        ("if(x1^2 + x2^2 < 1, 0, -inf)", [REAL; 2], PI.ln(), 2e-5),
        (
            "if(x1 > 0 and x2 > x1, -x1 - x2, -inf)",
            [REAL; 2],
            0.5f64.ln(),
            1e-4,
        ),
        (
            "-0.5*x1^2 - 0.5*x2^2 + if(x1 > 0.3, 1, 0)",
            [REAL; 2],
            step.ln(),
            1e-9,
        ),
        ("-abs(x1) - abs(x2 - x1)", [REAL; 2], 4f64.ln(), 1e-9),
        ("-max(abs(x1), abs(x2 + 3*x1))", [REAL; 2], 8f64.ln(), 1e-7),
        ("-sqrt(x1^2 + x2^2)", [REAL; 2], TAU.ln(), 1e-7),
        ("if(x1 + x2 < 1, 0, -inf)", [unit; 2], 0.5f64.ln(), 1e-4),
    ] {
        let found = is_known(text, &supports, expected, most);
        assert!(found.located().panels.is_some(), "{text}");
    }
}

/// Waves are no tail, however steep they are far out.
#[test]
fn waves_on_a_density_are_not_taken_for_its_tail() {
    for text in [
        "-(x1^2 + x2^2)/2 + sin(x1^2)",
        "-(x1^2 + x2^2)/2 + 2*x1*sin(x1)",
        "-x1^2/2 - (x2 - 2*cos(x1))^2",
        "-(x2 - sin(10*x1))^2/2 - x1^2/2",
        "-(x1^2 + x2^2)/2 + 2*sin(x1*x2)",
    ] {
        let found = located(text, &[REAL; 2]).unwrap_or_else(|refusal| panic!("{text}: {refusal}"));
        assert_eq!(found.located().tails, Tails::Gaussian, "{text}");
    }
    let shifted = "-(x2 - sin(10*x1))^2/2 - x1^2/2";
    is_known(shifted, &[REAL; 2], TAU.ln(), 1e-8);
}

/// Where rounding is more than draws are off by it is what is told.
#[test]
fn what_is_lost_to_rounding_is_told() {
    for (size, most) in [("1e13", 0.03), ("1e14", 0.3), ("1e15", 3.0), ("1e16", 30.0)] {
        let text = format!("-x1^2/2 + {size}*sin(x1)^2 + {size}*cos(x1)^2 - {size}");
        is_known(&text, &[REAL], 0.5 * TAU.ln(), most);
    }
    for text in [
        "-x1^2 + 2e7*x1 - 1e14",
        "(1e7 + x1)^2 - 1e14 - 2e7*x1 - 1.5*x1^2",
    ] {
        let found = located(text, &[REAL]).unwrap();
        let expected = if text.starts_with('-') {
            0.5 * PI.ln()
        } else {
            0.5 * TAU.ln()
        };
        let off = (found.log_normalizer() - expected).abs();
        assert!(off <= found.error_of_log_normalizer(), "{text}: {off:e}");
    }
}

/// What large numbers that cancel leave is rounded, and no shorter panels mend that.
#[test]
fn constants_of_formulas_that_cancel_are_known_up_to_their_rounding() {
    let (positive, unit) = (Support::Above(0.0), Support::Between(0.0, 1.0));
    for (text, support, most) in [
        ("gamma_lpdf(x1, 1e6, 1e6)", positive, 3e-8),
        ("gamma_lpdf(x1, 1e4, 3)", positive, 1e-9),
        ("beta_lpdf(x1, 1e5, 1e5)", unit, 1e-8),
        ("beta_lpdf(x1, 1, 1e4)", unit, 1e-9),
        ("inv_gamma_lpdf(x1, 1e5, 1e5)", positive, 1e-8),
        ("student_t_lpdf(x1, 1e8, 0, 1)", REAL, 1e-5),
    ] {
        let found = is_known(text, &[support], 0.0, most);
        assert!(found.located().panels.is_some(), "{text}");
        assert!(found.located().rounding > 0.0, "{text}");
    }
    let both = "gamma_lpdf(x1, 1e6, 1e6) + beta_lpdf(x2, 1e5, 1e5)";
    let found = is_known(both, &[positive, unit], 0.0, 1e-7);
    assert!(found.located().panels.is_some());
}

#[test]
fn constants_on_a_line_are_those_of_closed_forms() {
    let positive = Support::Above(0.0);
    let unit = Support::Between(0.0, 1.0);
    let beta = |a: f64, b: f64| ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b);
    let root = 0.5 * TAU.ln();
    let student_t = 0.5 * (3.0 * PI).ln() + ln_gamma(1.5) - ln_gamma(2.0);
    let both = (TAU.sqrt() * (1.0 + 0.1 * (-3f64).exp())).ln();
    let cases: [(&str, Support, f64, Tails); 13] = [
        ("-0.5*x^2", REAL, root, Tails::Gaussian),
        (
            "5 - 0.5*((x - 30)/1e-3)^2",
            REAL,
            5.0 + root + 1e-3f64.ln(),
            Tails::Gaussian,
        ),
        (
            "-0.5*((x - 1e7)/3)^2",
            REAL,
            root + 3f64.ln(),
            Tails::Gaussian,
        ),
        ("-abs(x)", REAL, 2f64.ln(), Tails::Exponential),
        ("-x^4", REAL, 2f64.ln() + ln_gamma(1.25), Tails::Gaussian),
        (
            "-2*log1p(x^2/3)",
            REAL,
            student_t,
            Tails::Power { dof: 3.0 },
        ),
        ("-log1p(x^2)", REAL, PI.ln(), Tails::Power { dof: 1.0 }),
        (
            "if(x > 0, -log(x) - 0.5*log(x)^2, -inf)",
            REAL,
            root,
            Tails::Exponential,
        ),
        (
            "if(x > 0, 9*log(x) - x, -inf)",
            REAL,
            ln_gamma(10.0),
            Tails::Exponential,
        ),
        ("9*log(x) - x", positive, ln_gamma(10.0), Tails::Exponential),
        (
            "-0.5*log(x) + 2*log1p(-x)",
            unit,
            beta(0.5, 3.0),
            Tails::Exponential,
        ),
        (
            "logaddexp(-0.5*(x + 20)^2, -0.5*((x - 20)/0.1)^2 - 3)",
            REAL,
            both,
            Tails::Gaussian,
        ),
        (
            "student_t_lpdf(log(x), 3, 0, 1) - log(x)",
            positive,
            0.0,
            Tails::Power { dof: 3.0 },
        ),
    ];
    for (text, support, expected, tails) in cases {
        let found = is_known(text, &[support], expected, 1e-9);
        assert_eq!(found.located().tails, tails, "{text}");
    }
}

/// Ridges that are thin, curved or of many widths: no claim may be better than it is.
#[test]
fn constants_in_the_plane_are_those_of_closed_forms() {
    // ∫ r exp(−(r − a)²/(2 s²)) dr · 2π over the plane.
    let (a, s) = (2.5f64, 0.5f64);
    let cut = s * s * (-0.5 * (a / s).powi(2)).exp();
    let donut = TAU * (cut + a * s * (PI / 2.0).sqrt() * erfc(-a / s / 2f64.sqrt()));
    let cases = [
        ("-0.5*(x1^2 + (x2 - 0.5*(x1^2 - 1))^2)", TAU.ln(), 1e-9),
        ("-0.5*(x1^2 + (x2 - 3*(x1^2 - 1))^2)", TAU.ln(), 1e-6),
        ("-0.5*((sqrt(x1^2 + x2^2) - 2.5)/0.5)^2", donut.ln(), 1e-8),
        (
            "normal_lpdf(x1, 0, 3) + normal_lpdf(x2, 0, exp(x1/2))",
            0.0,
            1e-2,
        ),
        (
            "-0.5*x1^2 - 0.5*((x2 - x1)/1e-4)^2",
            TAU.ln() + 1e-4f64.ln(),
            1e-6,
        ),
        ("-2.5*log1p((x1^2 + x2^2)/3)", TAU.ln(), 1e-9),
    ];
    for (text, expected, most) in cases {
        is_known(text, &[REAL; 2], expected, most);
    }
}

#[test]
fn constants_in_many_dimensions_are_within_their_errors() {
    let normal = "sum(normal_lpdf(x, [1, 2, 3, 4, 5], [0.01, 0.1, 1, 10, 100])) + 3";
    is_known(normal, &[REAL; 5], 3.0, 1e-2);
    is_known("-0.5*sum(x^2)", &[REAL; 10], 5.0 * TAU.ln(), 1e-2);
    let funnel = "normal_lpdf(x[1], 0, 3) + sum(normal_lpdf(x[2:10], 0, exp(x[1]/2)))";
    is_known(funnel, &[REAL; 10], 0.0, 5e-2);
}

/// How much of p walkers find where its proposal has too little, against that share of p.
#[test]
fn walkers_find_what_a_proposal_lacks() {
    // A tenth of p is a bump so narrow that one of 10⁴ draws falls into it.
    let both =
        "logaddexp(log(0.9) + sum(normal_lpdf(x, 0, 1)), log(0.1) + sum(normal_lpdf(x, 0, 0.05)))";
    let variable = |i: usize| Variable {
        name: format!("x{i}"),
        len: 1,
        support: REAL,
    };
    let formula = Formula::new(both, (1..=3).map(variable).collect(), BTreeMap::new());
    let function = formula.unwrap().into();
    let problem = Problem::new(&function);
    let unseen = |weights: Vec<f64>, stds: &[f64]| {
        let means = vec![vec![0.0; 3]; stds.len()];
        let stds = stds.iter().map(|std| vec![*std; 3]).collect();
        let scales = Mixture::from_stds(weights, means, stds).unwrap();
        let proposal = StudentT::new(scales, 5.0).unwrap();
        let mut generator = RunKey { seed: 0, run: 0 }.generator(Stream::Normalizer, 2);
        let draws = Weighted::draw(problem, &proposal, 1000, &mut generator);
        let moments = Sampled::new(problem, &draws).moments;
        walk::unseen(problem, &proposal, &draws, &moments, &mut generator)
    };
    let lacks = unseen(vec![1.0], &[1.0]);
    assert!((0.02..0.12).contains(&lacks), "{lacks}");
    let has_all = unseen(vec![0.9, 0.1], &[1.0, 0.05]);
    assert!(has_all < 0.005, "{has_all}");
}

/// Eight schools as they are written first (Gelman et al. 2013, §5.5): near τ = 0 it is too narrow for draws of
/// anything else, which says of itself that it is known to 0.005.
#[test]
fn what_draws_pass_by_is_found_by_walkers() {
    let schools = "normal_lpdf(mu, 0, 5) + cauchy_lpdf(tau, 0, 5) + sum(normal_lpdf(theta, mu, tau)) + \
                   sum(normal_lpdf(y, theta, sigma))";
    let constants = [
        ("y", [28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0]),
        ("sigma", [15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0]),
    ];
    let constants = constants.map(|(name, values)| (name.to_owned(), values.to_vec()));
    let variables = [
        ("mu", 1, REAL),
        ("tau", 1, Support::Above(0.0)),
        ("theta", 8, REAL),
    ];
    let variables = variables.map(|(name, len, support)| Variable {
        name: name.to_owned(),
        len,
        support,
    });
    let formula = Formula::new(schools, variables.to_vec(), constants.into());
    let found = locate(formula.unwrap()).unwrap();
    // By two integrals over μ and τ to 30 digits.
    let off = (found.log_normalizer() + 32.00449).abs();
    let error = found.located().log_normalizer_error;
    assert!(
        off < 3.0 * error && error < 0.3,
        "off by {off}, error {error}"
    );
}

#[test]
fn what_is_no_density_is_refused_with_the_place() {
    for (text, dim, expected) in [
        ("-log(1 + abs(x))", 1, "cannot be normalised: around x1 = "),
        ("-0.5*log1p(x^2)", 1, "falls only like |x|^-1.000"),
        ("-log1p(x1^2 + x2^2)", 2, "falls only like |x|^-2.000"),
        (
            "-x1^2",
            2,
            "from x1 = 0, x2 = 0 to x1 = 0, x2 = 1e12 it does not fall",
        ),
        ("x^2", 1, "it rises all the way to x1 = "),
        ("log(x)", 1, "is not a number at x1 = -"),
        ("-0.5*x^2 - log(abs(x))", 1, "is +inf at x1 = 0"),
        (
            "if(x > 1e9, -x, -inf)",
            1,
            "is -inf or not a number at x1 = 0 and at all",
        ),
    ] {
        let refusal = located(text, &vec![REAL; dim]).unwrap_err();
        assert!(
            refusal.message.contains(expected),
            "{text}: {}",
            refusal.message
        );
    }
}

/// A heavy ridge is seen along whatever it lies.
#[test]
fn tails_are_those_of_the_heaviest_direction() {
    for (text, dof) in [
        ("cauchy_lpdf(x1, 0, 1) + normal_lpdf(x2, 0, 1)", 1.0),
        (
            "cauchy_lpdf(x1 + x2, 0, 1) + normal_lpdf(x1 - x2, 0, 0.3)",
            1.0,
        ),
        (
            "student_t_lpdf(x1, 3, 0, 1) + student_t_lpdf(x2, 4, 0, 1)",
            3.0,
        ),
        ("-2.5*log1p((x1^2 + x2^2)/3)", 3.0),
    ] {
        let found = located(text, &[REAL; 2]).unwrap();
        assert_eq!(found.located().tails, Tails::Power { dof }, "{text}");
    }
}

/// Where draws cannot stand for it the constant has no error that could be believed.
#[test]
fn what_draws_miss_has_an_infinite_error() {
    let funnel = "normal_lpdf(x[1], 0, 3) + sum(normal_lpdf(x[2:40], 0, exp(x[1]/2)))";
    let found = located(funnel, &[REAL; 40]).unwrap();
    assert!(found.located().k_hat > 0.7);
    assert!(found.located().log_normalizer_error.is_infinite());
}

#[test]
fn what_was_found_last_is_kept_in_mind() {
    let [one, again] = [(); 2].map(|()| located("-0.5*x^2 + 0.125", &[REAL]).unwrap());
    assert!(std::ptr::eq(one.located(), again.located()));
    let other = located("-0.5*x^2 + 0.25", &[REAL]).unwrap();
    assert_eq!(other.log_normalizer(), one.log_normalizer() + 0.125);
}

/// The same numbers every time, and none that depends on what is added.
#[test]
fn a_constant_changes_nothing_but_the_constant() {
    let one = located("-0.5*x1^2 - abs(x2)", &[REAL; 2]).unwrap();
    let other = located("7.25 - abs(x2) * 1 + -(0.5*x1^2) - 9.5", &[REAL; 2]);
    let shifted = located("-0.5*x1^2 - abs(x2) + 1234.5", &[REAL; 2]).unwrap();
    assert_eq!(one.located(), shifted.located());
    assert_eq!(shifted.log_normalizer(), one.log_normalizer() + 1234.5);
    assert!((other.unwrap().log_normalizer() - one.log_normalizer() + 2.25).abs() < 1e-9);
}

/// A climb that begins at the bottom between two modes, by symmetry, is not at one.
#[test]
fn the_bottom_between_modes_is_none() {
    for (text, dim, expected) in [
        (
            "logsumexp(normal_lpdf(x1, -3, 1), normal_lpdf(x1, 3, 1))",
            1,
            2,
        ),
        ("-(x1^2 - 1)^2*5", 1, 2),
        ("-(x1^2 - 1)^2*5 - x2^2/2", 2, 2),
        ("-(x1^2 - 1)^2*5 - (x2^2 - 1)^2*5", 2, 4),
        ("-(x1^2 + x2^2)/2", 2, 1),
        ("-x1^4", 1, 1),
    ] {
        let found = located(text, &vec![REAL; dim]).unwrap_or_else(|refusal| panic!("{refusal}"));
        let modes = found.located().modes.as_ref().map(Vec::len);
        assert_eq!(modes, Some(expected), "{text}");
    }
}
