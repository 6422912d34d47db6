//! Sums and products with numbers, which are computed where they are used.

use super::*;

#[test]
fn what_takes_no_loop_keeps_every_bit() {
    type Of = fn(f64) -> f64;
    let cases: [(&str, Of, f64); 10] = [
        ("x1 - 0.1", |x| x - 0.1, 1.0),
        ("0.1 - x1", |x| 0.1 - x, -1.0),
        ("3*x1 + 0.7", |x| 3.0 * x + 0.7, 3.0),
        ("(x1 - 0.1)*3", |x| (x - 0.1) * 3.0, 3.0),
        ("-0.5*(x1 - 0.1)", |x| -0.5 * (x - 0.1), -0.5),
        ("(0.1 - x1)/4 - 0.3", |x| (0.1 - x) / 4.0 - 0.3, -0.25),
        ("0.1*x1 + 0.2 + 0.3", |x| 0.1 * x + 0.2 + 0.3, 0.1),
        ("0.3*(0.7*x1)", |x| 0.3 * (0.7 * x), 0.21),
        ("-(-0.7*x1)/3", |x| 0.7 * x / 3.0, 0.7 / 3.0),
        ("max([0.7*x1, -inf])", |x| 0.7 * x, 0.7),
    ];
    for (text, value, slope) in cases {
        let formula = formula(&format!("let v = {text}\nv*x2"), 2);
        for x in [0.0, -0.0, 0.1, 0.3, 1e-300, -7.3, 0.123_456_789, 1e300] {
            let (found, gradient) = at(&formula, &[x, 1.0]);
            let expected = value(x);
            // The last sum makes 0 of −0.
            let expected = 0.0 + expected;
            assert_eq!(found.to_bits(), expected.to_bits(), "{text} {x} {found}");
            assert!(
                is_close(gradient[0], slope, 1e-15, 0.0),
                "{text} {gradient:?}"
            );
            assert_eq!(gradient[1], expected, "{text} {x}");
        }
    }
}

#[test]
fn slopes_that_meet_are_added_up() {
    // Numbers, the same slopes twice, and different ones, in either order.
    for (text, gradient) in [
        ("x1 + 2*x1 - x2", [3.0, -1.0]),
        ("x1 + x1*x2 - 3*x1", [-2.0 + 0.7, 0.4]),
        ("x1*x2 + x1 + x2^2", [0.7 + 1.0, 0.4 + 1.4]),
        ("(x1 + x2 + x1)^2", [6.0, 3.0]),
        ("(x1 - x2)^2 + (x2 - x1)^2 + x1", [-1.2 + 1.0, 1.2]),
        (
            "5*(x1^2 + x1) - 0.3*(x2 - x1*x2)",
            [4.0 + 5.0 + 0.21, -0.3 + 0.12],
        ),
        ("sum(0.5*[x1, x2, x1] - 1)", [1.0, 0.5]),
        // 1 − 1 is nothing, and nothing stays that.
        ("let a = x1 - if(x1 < 9, x1, 0)\n0.3*a + x2", [0.0, 1.0]),
    ] {
        let found = at(&formula(text, 2), &[0.4, 0.7]).1;
        for (found, expected) in found.iter().zip(gradient) {
            assert!(is_close(*found, expected, 1e-14, 0.0), "{text} {found}");
        }
    }
    // What is not taken reaches nothing, by a number of any size.
    let branch = formula("if(x1 > 0, inf*x1, x1)", 1);
    assert_eq!(at(&branch, &[-1.0]).1, [1.0]);
}
