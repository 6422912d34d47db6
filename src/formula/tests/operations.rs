//! Each operation at ordinary and at extreme points, with its slope, by libm and by hand.

use statrs::function::gamma::digamma;

use super::*;

/// A function of one number with its slope, and where it has any.
struct OfOne {
    name: &'static str,
    value: fn(f64) -> f64,
    slope: fn(f64) -> f64,
    domain: fn(f64) -> bool,
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-x))
}

pub(super) const POINTS: [f64; 32] = [
    -1e8, -708.0, -40.0, -7.1, -3.7, -1.3, -1.0, -0.5, -1e-3, -1e-8, -1e-300, 0.0, 1e-300, 1e-8,
    1e-5, 0.03, 0.4999, 0.5, 0.99, 1.0, 1.7, 2.0, 3.7, 8.999, 9.001, 17.3, 36.5, 40.0, 708.0,
    709.9, 1e6, 1e8,
];

const OF_ONE: [OfOne; 17] = {
    const fn one(
        name: &'static str,
        value: fn(f64) -> f64,
        slope: fn(f64) -> f64,
        domain: fn(f64) -> bool,
    ) -> OfOne {
        OfOne {
            name,
            value,
            slope,
            domain,
        }
    }
    [
        one("exp", libm::exp, libm::exp, |_| true),
        one("expm1", libm::expm1, libm::exp, |_| true),
        one("log", libm::log, |x| 1.0 / x, |x| x >= 0.0),
        one("log1p", libm::log1p, |x| 1.0 / (1.0 + x), |x| x >= -1.0),
        one("sqrt", libm::sqrt, |x| 0.5 / libm::sqrt(x), |x| x >= 0.0),
        one(
            "abs",
            libm::fabs,
            |x| if x == 0.0 { 0.0 } else { x.signum() },
            |_| true,
        ),
        one("sin", libm::sin, libm::cos, |_| true),
        one("cos", libm::cos, |x| -libm::sin(x), |_| true),
        one("tan", libm::tan, |x| libm::cos(x).powi(-2), |_| true),
        one("sinh", libm::sinh, libm::cosh, |_| true),
        one("cosh", libm::cosh, libm::sinh, |_| true),
        one("tanh", libm::tanh, |x| libm::cosh(x).powi(-2), |_| true),
        one("atan", libm::atan, |x| 1.0 / (1.0 + x * x), |_| true),
        one(
            "erf",
            libm::erf,
            |x| libm::exp(-x * x) * 2.0 / libm::sqrt(std::f64::consts::PI),
            |_| true,
        ),
        one("lgamma", libm::lgamma, digamma, |x| x > 0.0),
        one(
            "sigmoid",
            sigmoid,
            |x| 0.25 * libm::cosh(x / 2.0).powi(-2),
            |x| x > -709.0,
        ),
        one(
            "softplus",
            |x| libm::log1p(libm::exp(-x.abs())) + x.max(0.0),
            sigmoid,
            |x| x > -709.0,
        ),
    ]
};

/// All functions of one number.
pub(super) fn of_one() -> impl Iterator<Item = &'static str> {
    OF_ONE.iter().map(|one| one.name)
}

#[test]
fn functions_of_a_number_have_their_values_and_slopes() {
    for one in OF_ONE {
        let formula = formula(&format!("{}(x1)", one.name), 1);
        for x in POINTS.into_iter().filter(|x| (one.domain)(*x)) {
            let (value, slope) = at(&formula, &[x]);
            // Where lgamma is 0, sums of numbers near 30 cancel.
            let amount = if one.name == "lgamma" { 3e-14 } else { 0.0 };
            let expected = (one.value)(x);
            assert!(
                is_close(value, expected, 2e-15, amount),
                "{}({x:?}) = {value:?}, not {expected:?}",
                one.name
            );
            let expected = (one.slope)(x);
            // statrs has 12 digits.
            let (share, amount) = match one.name {
                "lgamma" => (3e-13, 3e-13),
                _ => (3e-15, 0.0),
            };
            assert!(
                is_close(slope[0], expected, share, amount),
                "{}'({x:?}) = {:?}, not {expected:?}",
                one.name,
                slope[0]
            );
        }
    }
}

#[test]
fn log_gamma_has_published_values_and_ends() {
    // Abramowitz and Stegun (1964), table 6.1 and 6.3.2 to 6.3.3.
    let lgamma = formula("lgamma(x1)", 1);
    let euler = 0.577_215_664_901_532_9;
    let published = [
        (0.5, 0.572_364_942_924_700_1, -euler - 2.0 * 2.0_f64.ln()),
        (1.0, 0.0, -euler),
        (2.0, 0.0, 1.0 - euler),
        (10.0, 12.801_827_480_081_469, 2.251_752_589_066_721),
    ];
    for (x, value, slope) in published {
        let found = at(&lgamma, &[x]);
        assert!(is_close(found.0, value, 0.0, 2e-14), "{x} {found:?}");
        assert!(is_close(found.1[0], slope, 2e-15, 0.0), "{x} {found:?}");
    }
    assert_eq!(at(&lgamma, &[0.0]).0, f64::INFINITY);
    assert_eq!(at(&lgamma, &[f64::INFINITY]).0, f64::INFINITY);
    assert!(at(&lgamma, &[-0.5]).0.is_nan());
}

#[test]
fn no_function_overflows_before_its_value_does() {
    for (text, x, expected) in [
        ("sinh(x1)", 710.0, libm::sinh(710.0)),
        ("cosh(x1)", -710.0, libm::cosh(710.0)),
        ("sinh(x1)", -1000.0, f64::NEG_INFINITY),
        ("sigmoid(x1)", -1000.0, 0.0),
        ("softplus(x1)", 1e300, 1e300),
        (
            "logsumexp(x1, x1 - 1)",
            1e5,
            1e5 + libm::log1p(libm::exp(-1.0)),
        ),
        ("logaddexp(x1, -x1)", -800.0, 800.0),
        ("lgamma(x1)", 1e305, libm::lgamma(1e305)),
    ] {
        let value = at(&formula(text, 1), &[x]).0;
        assert!(
            is_close(value, expected, 1e-15, 0.0),
            "{text} {value:?} {expected:?}"
        );
    }
}

/// Operations on two numbers: value and slopes.
#[test]
fn operations_on_two_numbers_have_their_values_and_slopes() {
    type Of = fn(f64, f64) -> f64;
    let cases: [(&str, Of, [Of; 2]); 12] = [
        ("a + b", |a, b| a + b, [|_, _| 1.0, |_, _| 1.0]),
        ("a - b", |a, b| a - b, [|_, _| 1.0, |_, _| -1.0]),
        ("a*b", |a, b| a * b, [|_, b| b, |a, _| a]),
        ("a/b", |a, b| a / b, [|_, b| 1.0 / b, |a, b| -a / b / b]),
        (
            "a^b",
            libm::pow,
            [
                |a, b| b * libm::pow(a, b - 1.0),
                |a, b| libm::pow(a, b) * libm::log(a),
            ],
        ),
        (
            "min(a, b)",
            f64::min,
            [
                |a, b| if a < b { 1.0 } else { 0.0 },
                |a, b| if a < b { 0.0 } else { 1.0 },
            ],
        ),
        (
            "max(a, b)",
            f64::max,
            [
                |a, b| if a > b { 1.0 } else { 0.0 },
                |a, b| if a > b { 0.0 } else { 1.0 },
            ],
        ),
        (
            "logaddexp(a, b)",
            |a, b| a.max(b) + libm::log1p(libm::exp(-(a - b).abs())),
            [|a, b| sigmoid(a - b), |a, b| sigmoid(b - a)],
        ),
        (
            "logsumexp(a, b)",
            |a, b| a.max(b) + libm::log1p(libm::exp(-(a - b).abs())),
            [|a, b| sigmoid(a - b), |a, b| sigmoid(b - a)],
        ),
        ("dot(a, b)", |a, b| a * b, [|_, b| b, |a, _| a]),
        (
            "mean([a, b])",
            |a, b| (a + b) / 2.0,
            [|_, _| 0.5, |_, _| 0.5],
        ),
        ("sum(a, b, a)", |a, b| 2.0 * a + b, [|_, _| 2.0, |_, _| 1.0]),
    ];
    for (text, value, slopes) in cases {
        for [a, b] in [
            [0.7, 1.9],
            [3.1, -2.2],
            [1e-8, 1e8],
            [1e8, 1e-8],
            [12.5, 0.5],
            [40.0, 3.0],
        ] {
            let check = |formula: &Formula, point: &[f64], slopes: &[f64]| {
                let found = at(formula, point);
                let expected = value(a, b);
                assert!(
                    is_close(found.0, expected, 2e-15, 0.0),
                    "{text} at {a} {b}: {found:?}"
                );
                for (found, expected) in found.1.iter().zip(slopes) {
                    assert!(
                        is_close(*found, *expected, 1e-14, 0.0),
                        "{text} at {a} {b}: {found:?} {expected:?}"
                    );
                }
            };
            let [of_a, of_b] = slopes.map(|slope| slope(a, b));
            let made = |variables: &[&str], constants: &[(&str, f64)]| {
                let constants = constants
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), vec![*value]));
                Formula::new(text, real(variables), constants.collect()).unwrap()
            };
            check(&made(&["a", "b"], &[]), &[a, b], &[of_a, of_b]);
            check(&made(&["a"], &[("b", b)]), &[a], &[of_a]);
            check(&made(&["b"], &[("a", a)]), &[b], &[of_b]);
            check(&made(&["c"], &[("a", a), ("b", b)]), &[0.3], &[0.0]);
        }
    }
}

#[test]
fn powers_are_what_they_are_by_multiplying() {
    for exponent in -10..=10 {
        let power = formula(&format!("x1^({exponent})"), 1);
        for x in [-3.7, -1.0, 0.3, 1.5, 12.0] {
            let (value, slope) = at(&power, &[x]);
            let expected = libm::pow(x, exponent.into());
            assert!(
                is_close(value, expected, 3e-15, 0.0),
                "{x}^{exponent} {value:?}"
            );
            let expected = f64::from(exponent) * libm::pow(x, f64::from(exponent - 1));
            assert!(
                is_close(slope[0], expected, 4e-15, 0.0),
                "{x}^{exponent} {slope:?}"
            );
        }
    }
    assert_eq!(at(&formula("x1^2", 1), &[0.0]), (0.0, vec![0.0]));
    assert_eq!(at(&formula("x1^0.5", 1), &[4.0]), (2.0, vec![0.25]));
    // 0⁰ = 1 does not change with the base.
    assert_eq!(at(&formula("x1^x2", 2), &[0.0, 0.0]).1[0], 0.0);
    assert_eq!(at(&formula("x1^x2", 2), &[0.0, 2.0]), (0.0, vec![0.0, 0.0]));
}

#[test]
fn comparisons_and_truths() {
    for (text, expected) in [
        ("1 < 2", 1.0),
        ("2 < 2", 0.0),
        ("2 <= 2", 1.0),
        ("2 > 2", 0.0),
        ("2 >= 2", 1.0),
        ("2 == 2", 1.0),
        ("2 != 2", 0.0),
        ("not 2", 0.0),
        ("!0", 1.0),
        ("-1 and 0", 0.0),
        ("-1 and -2", 1.0),
        ("-1 or 0", 1.0),
        ("0 || 0", 0.0),
        ("0.5 && 3", 1.0),
        ("if(-1, 2, 3)", 2.0),
        ("if(0 or 0, 2, 3)", 3.0),
        ("inf - inf == 0", 0.0),
        ("1/0 == inf", 1.0),
    ] {
        assert_eq!(number(text), expected, "{text}");
        // With coordinates in the place of the numbers.
        let varying = format!("let z = x1 - x1\n{}", text.replace("inf", "INF"));
        let digits = |c: char| match c.is_ascii_digit() {
            true => format!("({c} + z)"),
            false => c.to_string(),
        };
        let varying: String = match varying.split_once('\n') {
            Some((first, rest)) if !rest.contains('.') => {
                format!("{first}\n{}", rest.chars().map(digits).collect::<String>())
            }
            _ => continue,
        };
        let varying = formula(&varying.replace("INF", "inf"), 1);
        assert_eq!(at(&varying, &[0.7]), (expected, vec![0.0]), "{text}");
    }
}

#[test]
fn a_branch_that_is_not_taken_reaches_no_slope() {
    let nothing = [
        ("if(x1 > 0, log(x1), -x1^2)", -1.0, 2.0),
        ("if(x1 != 0, 1/x1, 3*x1)", 0.0, 3.0),
        ("if(x1 > 0, sqrt(x1), x1)", 0.0, 1.0),
        ("if(x1 > 0, x1^1.5*log(x1), 2*x1)", -2.0, 2.0),
        ("if(x1 < 700, x1, exp(exp(x1)))", 10.0, 1.0),
        ("if(x1 > 0, lgamma(x1), x1)", -3.0, 1.0),
        ("sum(if([x1, 1] > 0, log([x1, 2]), [x1, 3*x1]))", -1.0, 1.0),
        (
            "if(x1 > 0, if(x1 > 1, log(x1 - 1), 5*x1), log(x1))",
            0.5,
            5.0,
        ),
        ("if(x1 > 0, -x1, -inf)", 0.5, -1.0),
        ("0*x1 + if(x1 > 3, logsumexp(log(x1), 1/0), x1)", -1.0, 1.0),
    ];
    for (text, x, slope) in nothing {
        let (value, gradient) = at(&formula(text, 1), &[x]);
        assert!(value.is_finite(), "{text}: {value}");
        assert_eq!(gradient, [slope], "{text}");
    }
}

#[test]
fn several_largest_ones_share_the_slope() {
    assert_eq!(at(&formula("max(x1, x1)", 1), &[2.0]), (2.0, vec![1.0]));
    assert_eq!(
        at(&formula("min(x1, x2, x1 + 0*x2)", 2), &[2.0, 2.0])
            .1
            .iter()
            .sum::<f64>(),
        1.0
    );
    assert_eq!(at(&formula("max(x1, 0)", 1), &[-2.0]), (0.0, vec![0.0]));
}

#[test]
fn sums_over_rows_of_data_have_their_slopes() {
    let y: Vec<f64> = (0..1000).map(|i| f64::from(i).sin() * 3.0).collect();
    let z: Vec<f64> = (0..1000).map(|i| f64::from(i % 7) - 2.0).collect();
    let lists: [(&str, &[f64]); 2] = [("y", &y), ("z", &z)];
    let model = with(
        "sum(normal_lpdf(y, x1 + x2*z, exp(x3))) - 0.5*dot(x, x)",
        3,
        &lists,
    )
    .unwrap();
    let [a, b, c]: [f64; 3] = [0.3, -0.2, 0.4];
    let (value, gradient) = at(&model, &[a, b, c]);
    let variance = (2.0 * c).exp();
    let mut sums = [0.0; 4];
    for (y, z) in y.iter().zip(&z) {
        let off = y - a - b * z;
        sums[0] += -0.5 * off * off / variance - c - 0.5 * std::f64::consts::TAU.ln();
        sums[1] += off / variance;
        sums[2] += off * z / variance;
        sums[3] += off * off / variance - 1.0;
    }
    let expected = sums[0] - 0.5 * (a * a + b * b + c * c);
    assert!(is_close(value, expected, 1e-13, 0.0), "{value} {expected}");
    for ((found, sum), x) in gradient.iter().zip(&sums[1..]).zip([a, b, c]) {
        assert!(is_close(*found, sum - x, 1e-12, 0.0), "{found} {}", sum - x);
    }
}
