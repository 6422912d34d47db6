//! Coordinates that are carried to the whole line.

use super::*;

const ALL: [Support; 7] = [
    Support::Real,
    Support::Above(0.0),
    Support::Above(-2.5),
    Support::Below(0.0),
    Support::Below(3.5),
    Support::Between(0.0, 1.0),
    Support::Between(-2.0, 5.0),
];

fn of_one(text: &str, support: Support) -> Formula {
    let variable = Variable {
        name: "x".to_owned(),
        len: 1,
        support,
    };
    Formula::new(text, vec![variable], BTreeMap::new()).unwrap()
}

#[test]
fn the_slope_of_each_transform_is_that_of_its_differences() {
    for support in ALL {
        let jacobian = of_one("0", support);
        for u in [-30.0, -3.2, -0.4, 0.0, 0.9, 4.1, 30.0] {
            // What is added is log|T′|, from differences of differences: x itself may round to an end.
            let step = 1e-4;
            let end = match support {
                Support::Between(_, b) if u > 0.0 => b,
                Support::Above(a) | Support::Between(a, _) | Support::Below(a) => a,
                Support::Real => 0.0,
            };
            let share = |u: f64| match support {
                Support::Real => u,
                Support::Between(a, b) => {
                    (b - a) / (1.0 + u.abs().exp()) * if u > 0.0 { -1.0 } else { 1.0 }
                }
                Support::Above(_) => u.exp(),
                Support::Below(_) => -u.exp(),
            };
            assert!(
                is_close(support.apply(u), end + share(u), 1e-14, 1e-14),
                "{support} {u}"
            );
            let slope = |h: f64| {
                let (up, down) = (share(u + h), share(u - h));
                if u == 0.0 {
                    support.apply(h) - support.apply(-h)
                } else {
                    up - down
                }
            };
            let slope = (8.0 * slope(step) - slope(2.0 * step)) / (12.0 * step);
            let (value, of_u) = at(&jacobian, &[u]);
            assert!(
                is_close(value, slope.abs().ln(), 1e-9, 1e-9),
                "{support} {u} {value} {slope}"
            );
            assert!(
                is_close(of_u[0], differences(&jacobian, &[u])[0], 1e-9, 1e-9),
                "{support} {u}"
            );
        }
    }
}

#[test]
fn x_is_the_transform_of_u_and_back() {
    for support in ALL {
        let (x, none) = (of_one("x", support), of_one("0", support));
        for u in [-20.0, -3.2, -0.4, 0.0, 0.9, 4.1, 12.0] {
            let value = at(&x, &[u]).0 - at(&none, &[u]).0;
            assert!(
                is_close(value, support.apply(u), 1e-13, 1e-13),
                "{support} {u}"
            );
            if u.abs() < 5.0 {
                assert!(
                    is_close(support.invert(support.apply(u)), u, 1e-13, 1e-13),
                    "{support} {u}"
                );
            }
        }
    }
    assert!(!Support::Above(1.0).invert(1.0).is_finite());
    assert!(!Support::Between(0.0, 1.0).invert(1.5).is_finite());
    assert!(!Support::Below(0.0).invert(2.0).is_finite());
}

#[test]
fn what_is_near_a_bound_is_no_difference_of_numbers_that_are_alike() {
    let softplus = |u: f64| u.max(0.0) + (-u.abs()).exp().ln_1p();
    let unit = Support::Between(0.0, 1.0);
    type Case<'a> = (&'a str, Support, &'a dyn Fn(f64) -> f64);
    let cases: [Case; 16] = [
        ("log(1 - x)", unit, &|u| -softplus(u)),
        ("log1p(-x)", unit, &|u| -softplus(u)),
        ("log(x)", unit, &|u| -softplus(-u)),
        ("log(1 - x[1])", unit, &|u| -softplus(u)),
        ("logit(x)", unit, &|u| u),
        ("logit(1 - x)", unit, &|u| -u),
        ("beta_lpdf(x, 2, 4) - log(20)", unit, &|u| {
            -softplus(-u) - 3.0 * softplus(u)
        }),
        (
            "if(x < 1 and 0 < x and 1 >= x and not (x <= 0), 1, 2)*x1 - x",
            unit,
            &|_| 0.0,
        ),
        (
            "if(x >= 1 or x <= 0 or x > 1 or 0 > x, log(x), 0)*x",
            unit,
            &|_| 0.0,
        ),
        ("log(4 - x)", Support::Between(-1.0, 4.0), &|u| {
            5.0_f64.ln() - softplus(u)
        }),
        ("log(1 + x)", Support::Between(-1.0, 4.0), &|u| {
            5.0_f64.ln() - softplus(-u)
        }),
        ("log(3*(x + 1))", Support::Between(-1.0, 4.0), &|u| {
            15.0_f64.ln() - softplus(-u)
        }),
        ("log(x - 2)", Support::Above(2.0), &|u| u),
        ("log(2 - x)", Support::Below(2.0), &|u| u),
        (
            "weibull_lpdf(x + 2, 1, 1)/(x + 2)",
            Support::Above(-2.0),
            &|_| -1.0,
        ),
        ("2*log(2 + x)", Support::Above(-2.0), &|u| 2.0 * u),
    ];
    for (text, support, expected) in cases {
        let (x, none) = (of_one(text, support), of_one("0", support));
        for u in [-700.0, -60.0, -3.0, 0.4, 38.0, 500.0] {
            let (value, slope) = at(&x, &[u]);
            let value = value - at(&none, &[u]).0;
            let limit = 1e-12 * u.abs().max(1.0);
            let step = 1e-4;
            let expected_slope = (expected(u + step) - expected(u - step)) / (2.0 * step);
            assert!(
                (value - expected(u)).abs() < limit,
                "{text} at {u}: {value} {}",
                expected(u)
            );
            let of_none = at(&none, &[u]).1[0];
            assert!(
                (slope[0] - of_none - expected_slope).abs() < 1e-6,
                "{text} at {u}: {slope:?}"
            );
        }
    }
    // Of a coordinate beside others too.
    let one = |name: &str, support| Variable {
        name: name.to_owned(),
        len: 1,
        support,
    };
    let variables = vec![one("a", Support::Real), one("b", unit)];
    let formula = Formula::new("log(1 - x[2])", variables, BTreeMap::new()).unwrap();
    let value = at(&formula, &[0.0, 90.0]).0;
    assert!((value + 180.0).abs() < 1e-12, "{value}");
}

#[test]
fn densities_of_x_integrate_to_one_in_u() {
    for (text, support) in [
        ("beta_lpdf(x, 2, 3.5)", Support::Between(0.0, 1.0)),
        ("beta_lpdf(x, 0.5, 0.5)", Support::Between(0.0, 1.0)),
        ("uniform_lpdf(x, -2, 5)", Support::Between(-2.0, 5.0)),
        ("gamma_lpdf(x, 2.6, 1.7)", Support::Above(0.0)),
        ("gamma_lpdf(x + 2, 2.6, 1.7)", Support::Above(-2.0)),
        ("inv_gamma_lpdf(x, 2.6, 1.7)", Support::Above(0.0)),
        ("exponential_lpdf(3 - x, 0.7)", Support::Below(3.0)),
        ("normal_lpdf(x, 0, 1)", Support::Real),
        ("normal_lpdf(x, 0, 1) + log(2)", Support::Above(0.0)),
    ] {
        let formula = of_one(text, support);
        let steps = 200_000;
        let width = 80.0 / f64::from(steps);
        let u: Vec<f64> = (0..=steps).map(|i| -50.0 + width * f64::from(i)).collect();
        let mut values = vec![0.0; u.len()];
        formula.evaluate(&u, &mut values, None);
        let sum: f64 = values
            .iter()
            .map(|value| (value + formula.offset()).exp())
            .sum();
        assert!((sum * width - 1.0).abs() < 1e-6, "{text}: {}", sum * width);
    }
}

#[test]
fn lists_have_one_support_for_all_entries() {
    let lists = vec![
        Variable {
            name: "p".to_owned(),
            len: 2,
            support: Support::Between(1.0, 3.0),
        },
        Variable {
            name: "s".to_owned(),
            len: 2,
            support: Support::Above(0.0),
        },
    ];
    let text = "p[1]*p[2]*s[1] - sum(s^2) + x[4]*x1";
    let formula = Formula::new(text, lists, BTreeMap::new()).unwrap();
    let u = [0.3, -0.8, 0.2, -1.1];
    let p = [0, 1].map(|i| Support::Between(1.0, 3.0).apply(u[i]));
    let s = [2, 3].map(|i: usize| u[i].exp());
    let slopes: f64 = p.iter().map(|p| ((p - 1.0) * (3.0 - p) / 2.0).ln()).sum();
    let expected =
        p[0] * p[1] * s[0] - s[0] * s[0] - s[1] * s[1] + s[1] * p[0] + slopes + u[2] + u[3];
    let (value, gradient) = at(&formula, &u);
    assert!(
        is_close(value, expected, 1e-14, 1e-14),
        "{value} {expected}"
    );
    for (found, expected) in gradient.iter().zip(differences(&formula, &u)) {
        assert!(is_close(*found, expected, 1e-9, 1e-9), "{found} {expected}");
    }
    assert_eq!(formula.offset(), 2.0 * 2.0_f64.ln());
    assert_eq!(
        formula.coordinates().names(),
        ["p[1]", "p[2]", "s[1]", "s[2]"]
    );
}

#[test]
fn supports_have_names_and_ends() {
    let inf = f64::INFINITY;
    for (from, to, support, name, text) in [
        (-inf, inf, Support::Real, "s", "real"),
        (0.0, inf, Support::Above(0.0), "log(s)", "positive"),
        (1.5, inf, Support::Above(1.5), "log(s - 1.5)", "[1.5, inf]"),
        (
            -1.5,
            inf,
            Support::Above(-1.5),
            "log(s + 1.5)",
            "[-1.5, inf]",
        ),
        (-inf, 2.0, Support::Below(2.0), "log(2 - s)", "[-inf, 2]"),
        (-inf, 0.0, Support::Below(0.0), "log(-s)", "[-inf, 0]"),
        (0.0, 1.0, Support::Between(0.0, 1.0), "logit(s)", "[0, 1]"),
        (
            -1.0,
            4.0,
            Support::Between(-1.0, 4.0),
            "logit(s in [-1, 4])",
            "[-1, 4]",
        ),
    ] {
        assert_eq!(Support::between(from, to), Some(support));
        assert_eq!(support.name_of("s"), name);
        assert_eq!(support.to_string(), text);
    }
    for (from, to) in [
        (1.0, 1.0),
        (2.0, 1.0),
        (f64::NAN, 1.0),
        (0.0, f64::NAN),
        (-f64::MAX, f64::MAX),
        (inf, inf),
    ] {
        assert_eq!(Support::between(from, to), None);
    }
}
