//! What changes no bit: numbers that are added, and the points beside a point.

use super::*;

const FORMULAS: [&str; 6] = [
    "-0.5*(x1^2 + (x2 - 0.5*(x1^2 - 1))^2)",
    "logsumexp(x1, x2, 0.3) - softplus(x1*x2) + lgamma(x1^2 + 0.1) - x2^4",
    "if(x1 < x2, sin(x1), x2^2.5) - tanh(x2) + max(x)*min(x1, 3) - erf(x1)",
    "normal_lpdf(x1, x2, 1.3) + sum(student_t_lpdf([1, 2, 3], x1, x2, exp(x1)))",
    "sum([x1, x2, 4]*[x2, 3, 1]) + sinh(x1)/cosh(x2) + atan(x1)",
    "x2",
];

fn points(n: usize) -> Vec<f64> {
    (0..2 * n)
        .map(|i| (i as f64 * 0.754_877_666).fract() * 6.0 - 3.0)
        .collect()
}

fn bits(numbers: &[f64]) -> Vec<u64> {
    // What is not a number is that in more than one way.
    let one = |number: &f64| if number.is_nan() { f64::NAN } else { *number };
    numbers.iter().map(|number| one(number).to_bits()).collect()
}

/// Values and gradients at some points.
fn evaluated(formula: &Formula, x: &[f64]) -> (Vec<u64>, Vec<u64>) {
    let (mut values, mut gradient) = (vec![f64::NAN; x.len() / 2], vec![f64::NAN; x.len()]);
    formula.evaluate(x, &mut values, Some(&mut gradient));
    let mut alone = vec![f64::NAN; x.len() / 2];
    formula.evaluate(x, &mut alone, None);
    assert_eq!(bits(&values), bits(&alone), "without a gradient");
    (bits(&values), bits(&gradient))
}

#[test]
fn a_point_is_the_same_whatever_is_beside_it() {
    for text in FORMULAS {
        let formula = formula(text, 2);
        let x = points(20_011);
        let (values, gradient) = evaluated(&formula, &x);
        for n in [1, 7, 256, 257, 10_000] {
            let from = 20_011 - n;
            let (some, of_some) = evaluated(&formula, &x[2 * from..]);
            assert!(some == values[from..], "{text} {n}");
            assert!(of_some == gradient[2 * from..], "{text} {n}");
        }
        let (none, of_none) = evaluated(&formula, &[]);
        assert!(none.is_empty() && of_none.is_empty());
    }
}

#[test]
fn a_number_that_is_added_changes_no_bit() {
    let third = 1.0 / 3.0;
    for text in FORMULAS {
        let plain = formula(text, 2);
        let x = points(40);
        for (shifted, offset) in [
            (format!("{text} + 1e17"), 1e17),
            (format!("1e17 + {text}"), 1e17),
            (format!("{text} - 1/3"), -third),
            (format!("({text} - (1/3 - 4)) + 2"), 4.0 - third + 2.0),
            (format!("-(-({text}) + 1e17)"), -1e17),
            (format!("-(1/3 - ({text}))"), -third),
            (format!("let r = {text} + 1e17\nr"), 1e17),
            (
                format!("let d = log(2)\nlet r = d + {text}\nlet s = r - 5\ns"),
                2.0_f64.ln() - 5.0,
            ),
            (
                format!("{text} + (c - lgamma(9.5))"),
                1e17 - libm::lgamma(9.5),
            ),
            (format!("{text} + +c"), 1e17),
            (
                format!("{text} + sum(3, 4) + length(x) + if(1 < 2, 3, x1)"),
                12.0,
            ),
        ] {
            let shifted = with(&shifted, 2, &[("c", &[1e17])]).unwrap();
            let more = shifted.offset() - plain.offset();
            assert!(
                is_close(more, offset, 1e-15, 1e-15),
                "{} {more}",
                shifted.text()
            );
            // −(−a) and a − 0 have the bits of a.
            assert_eq!(
                evaluated(&shifted, &x),
                evaluated(&plain, &x),
                "{}",
                shifted.text()
            );
        }
    }
}

#[test]
fn densities_keep_their_numbers_apart() {
    for (text, plain, offset) in [
        (
            "normal_lpdf(x1, 2, 3)",
            "-0.5*((x1 - 2)/3)^2",
            -(3.0_f64.ln()) - 0.5 * std::f64::consts::TAU.ln(),
        ),
        (
            "gamma_lpdf(x1, 3, 1e5)",
            "if(x1 > 0, 2*log(x1) - 1e5*x1, -inf)",
            3.0 * 1e5_f64.ln() - 2.0_f64.ln(),
        ),
        (
            "uniform_lpdf(x1, -4, 4)",
            "if(x1 >= -4 and x1 <= 4, 0, -inf)",
            -(8.0_f64.ln()),
        ),
        (
            "-poisson_log_lpmf(3, x1)",
            "-(3*x1 - exp(x1))",
            6.0_f64.ln(),
        ),
    ] {
        let (density, plain) = (formula(text, 2), formula(plain, 2));
        assert!(
            is_close(density.offset(), offset, 1e-14, 0.0),
            "{text} {}",
            density.offset()
        );
        assert_eq!(
            evaluated(&density, &points(40)),
            evaluated(&plain, &points(40)),
            "{text}"
        );
    }
}

#[test]
fn formulas_without_coordinates_are_constant() {
    let constant = formula("3 - log(2)", 2);
    assert_eq!(constant.offset(), 3.0 - 2.0_f64.ln());
    assert_eq!(
        at(&constant, &[0.3, 0.4]),
        (3.0 - 2.0_f64.ln(), vec![0.0, 0.0])
    );
    // What a larger formula left behind is not taken for a slope.
    let one = formula("x2^2", 3);
    let (mut values, mut gradient) = (vec![0.0; 3000], vec![f64::NAN; 9000]);
    one.evaluate(&vec![1.5; 9000], &mut values, Some(&mut gradient));
    assert!(gradient.chunks(3).all(|slope| slope == [0.0, 3.0, 0.0]));
}
