//! Against moments worked out by hand, and random networks built another way.

use super::*;
use crate::divergence::gaussian_kl;
use proptest::prelude::*;

/// The three models of a tutorial on the KL divergence, with x3 = c + a x1 + b x2.
const MODELS: [[&str; 3]; 3] = [
    ["x1 = 0", "x2 = 1", "x3 = 2 + 0.8 x1 - 0.2 x2"],
    ["x1 = 0.85", "x2 = 1.05", "x3 = 2 + 0.9 x1 - 0.25 x2"],
    ["x1 = 2", "x2 = 5", "x3 = 4 + 0.8 x1 - 0.8 x2"],
];

fn model(i: usize) -> Mixture {
    joint(&MODELS[i], &[1.0]).unwrap().mixture
}

fn refused(equations: &[&str], stds: &[f64]) -> Refusal {
    joint(equations, stds).unwrap_err()
}

#[test]
fn the_three_models_have_the_moments_worked_out_by_hand() {
    let expected = [
        ([0.0, 1.0, 1.8], 0.8, -0.2, 1.68),
        ([0.85, 1.05, 2.5025], 0.9, -0.25, 1.8725),
        ([2.0, 5.0, 1.6], 0.8, -0.8, 2.28),
    ];
    for (i, (mean, a, b, last)) in expected.into_iter().enumerate() {
        let joint = model(i);
        let covariance = [1.0, 0.0, a, 0.0, 1.0, b, a, b, last];
        let covariance = DMatrix::from_row_slice(3, 3, &covariance);
        assert!((joint.mean() - nalgebra::DVector::from_row_slice(&mean)).amax() < 1e-14);
        assert!((joint.covariance() - covariance).amax() < 1e-14);
    }
}

#[test]
fn the_divergences_between_the_three_models_are_those_numpy_finds_with_inverses() {
    let expected = [
        (0, 1, 0.37),
        (0, 2, 11.16),
        (1, 0, 0.369278125),
        (1, 2, 9.513203125),
        (2, 0, 10.68),
        (2, 1, 9.07),
    ];
    for (p, q, expected) in expected {
        let kl = gaussian_kl(&model(p), &model(q)).unwrap().value;
        assert!((kl - expected).abs() < 1e-13, "{p} {q} {kl}");
    }
}

#[test]
fn equations_may_stand_in_any_order_with_noises_of_their_own() {
    let network = joint(&["y = 1 - 2x", "x = 3"], &[0.5, 2.0]).unwrap();
    assert_eq!(network.names, ["y", "x"]);
    assert_eq!(network.mixture.mean().as_slice(), [-5.0, 3.0]);
    let expected = DMatrix::from_row_slice(2, 2, &[0.25 + 16.0, -8.0, -8.0, 4.0]);
    assert!((network.mixture.covariance() - expected).amax() < 1e-14);
}

#[test]
fn an_equation_may_be_written_in_many_ways() {
    let read = |text| Scanner::new(text).equation().unwrap();
    let expected = |intercept, terms: &[(&str, f64)]| Equation {
        name: "y".to_owned(),
        intercept,
        terms: (terms.iter())
            .map(|(name, slope)| ((*name).to_owned(), *slope))
            .collect(),
    };
    let same = expected(2.0, &[("x1", 0.8), ("x2", -1.0)]);
    assert_eq!(read("y = 2 + 0.8 x1 - x2"), same);
    assert_eq!(read("y=2+.8x1-x2"), same);
    assert_eq!(read(" y = 2 + 8e-1 * x1 + -1.0*x2 "), same);
    assert_eq!(
        read("y = 0.8 x1 − x2 + 2."),
        Equation {
            terms: same.terms,
            ..expected(2.0, &[])
        }
    );
    assert_eq!(read("y = 2 e3"), expected(0.0, &[("e3", 2.0)]));
    assert_eq!(read("y = 2e3"), expected(2000.0, &[]));
    assert_eq!(read("y = -1 + 3 - é_1"), expected(2.0, &[("é_1", -1.0)]));
}

#[test]
fn terms_of_the_same_variable_add_up() {
    let of = |text| joint(&["x = 1", text], &[1.0]).unwrap().mixture;
    assert_eq!(of("y = x + 1 + 2 x + 1"), of("y = 2 + 3 x"));
}

#[test]
fn a_syntax_error_says_at_which_character_and_what_was_expected() {
    let cases = [
        ("", "1: expected the name of a variable, found the end"),
        ("2 = x", "1: expected the name of a variable, found `2`"),
        ("y 2", "3: expected `=`, found `2`"),
        ("y = ", "5: expected a number or a variable, found the end"),
        (
            "y = 2 +",
            "8: expected a number or a variable, found the end",
        ),
        (
            "y = 2 + / x",
            "9: expected a number or a variable, found `/`",
        ),
        ("y = 2 * 3", "9: expected a variable, found `3`"),
        ("é = 1e999", "5: 1e999 is beyond the range of numbers"),
    ];
    for (text, expected) in cases {
        let error = refused(&["x = 0", text], &[1.0]);
        assert_eq!(error.entry, Some(("equation", 1)));
        assert_eq!(
            error.to_string(),
            format!("equations, equation 2: at character {expected}")
        );
    }
}

#[test]
fn what_is_not_linear_is_refused() {
    let cases = [
        ("y = x1 x2", "8", "x2"),
        ("y = x1 * x2", "8", "*"),
        ("y = x1^2", "7", "^"),
        ("y = x1 / 2", "8", "/"),
        ("y = sin(x1)", "8", "("),
        ("y = x1 0.5", "8", "0"),
    ];
    for (text, at, found) in cases {
        let error = refused(&["x1 = 0", "x2 = 0", text], &[1.0]);
        assert_eq!(
            error.message,
            format!(
                "at character {at}: expected `+`, `-` or the end of the equation, found `{found}`"
            )
        );
        assert!(error.help.contains("linear"));
    }
}

#[test]
fn names_that_do_not_fit_are_refused() {
    let unknown = refused(&["x = 0", "y = z"], &[1.0]);
    assert_eq!(
        unknown.to_string(),
        "equations, equation 2: z has no equation"
    );
    assert!(unknown.help.contains("x, y"));
    let twice = refused(&["x = 0", "y = x", "x = 1"], &[1.0]);
    assert_eq!(
        twice.to_string(),
        "equations, equation 3: x is defined already, by equation 1"
    );
    let itself = refused(&["x = 1 + 0.5 x"], &[1.0]);
    assert_eq!(
        itself.to_string(),
        "equations, equation 1: x stands on both sides"
    );
    let none: [&str; 0] = [];
    assert_eq!(
        refused(&none, &[1.0]).to_string(),
        "equations: there are no equations"
    );
}

#[test]
fn a_cycle_is_named() {
    let error = refused(
        &["w = x", "x = 1 + y", "y = z + v", "z = -x", "v = 0"],
        &[1.0],
    );
    assert_eq!(
        error.to_string(),
        "equations, equation 2: a cycle, each from the next: x ← y ← z ← x"
    );
}

#[test]
fn standard_deviations_that_do_not_fit_are_refused() {
    let error = refused(&["x = 0", "y = x", "z = 1"], &[1.0, 2.0]);
    assert_eq!(
        error.to_string(),
        "stds: there are 2 standard deviations for 3 equations"
    );
    for std in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let error = refused(&["x = 0", "y = x"], &[1.0, std]);
        assert_eq!(
            error.to_string(),
            format!("stds, equation 2: the standard deviation of y is {std}")
        );
    }
}

#[test]
fn a_joint_beyond_the_range_of_numbers_is_refused() {
    let error = refused(&["x = 1e200", "y = 1e200 x"], &[1.0]);
    assert_eq!(
        error.to_string(),
        "equations: the joint's means, component 1: has the value inf"
    );
}

/// The order of the equations, slopes below the diagonal of a 5 × 5, intercepts and stds.
type Dag = (Vec<usize>, Vec<Option<f64>>, Vec<f64>, Vec<f64>);

fn dag() -> impl Strategy<Value = Dag> {
    (
        Just((0..5).collect::<Vec<_>>()).prop_shuffle(),
        prop::collection::vec(prop::option::of(-2.0..2.0f64), 25),
        prop::collection::vec(-5.0..5.0f64, 5),
        prop::collection::vec(0.1..3.0f64, 5),
    )
}

proptest! {
    #[test]
    fn a_joint_is_what_a_dense_inverse_finds((order, slopes, intercepts, stds) in dag()) {
        // Node i depends on nodes below it; `order` is where each of them is written.
        let slope = |i: usize, j: usize| slopes[5 * i + j].filter(|_| j < i);
        let equations: Vec<String> = (order.iter())
            .map(|&i| {
                let terms = (0..5).filter_map(|j| Some(format!(" + {:?} v{j}", slope(i, j)?)));
                format!("v{i} = {:?}{}", intercepts[i], terms.collect::<String>())
            })
            .collect();
        let written = |of: &[f64]| order.iter().map(|&i| of[i]).collect::<Vec<f64>>();
        let joint = joint(&equations, &written(&stds)).unwrap().mixture;

        let slopes = DMatrix::from_fn(5, 5, |i, j| slope(order[i], order[j]).unwrap_or(0.0));
        let inverse = (DMatrix::identity(5, 5) - slopes).try_inverse().unwrap();
        let mean = &inverse * nalgebra::DVector::from_vec(written(&intercepts));
        let variances = written(&stds).iter().map(|std| std * std).collect();
        let noise = DMatrix::from_diagonal(&nalgebra::DVector::from_vec(variances));
        let covariance = &inverse * noise * inverse.transpose();
        prop_assert!((joint.mean() - &mean).amax() < 1e-12 * mean.amax());
        prop_assert!((joint.covariance() - &covariance).amax() < 1e-12 * covariance.amax());
    }
}
