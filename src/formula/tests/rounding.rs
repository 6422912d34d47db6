//! How far rounding moves a formula, against numbers of 50 digits (mpmath).

use super::*;

const POSITIVE: Support = Support::Above(0.0);
const UNIT: Support = Support::Between(0.0, 1.0);

/// A formula, the support of x, u, and the log-density of u.
#[rustfmt::skip]
const CASES: [(&str, Support, f64, f64); 36] = [
    ("gamma_lpdf(x, 1e6, 1e6)", POSITIVE, 0.0003, 5.943812162106611),
    ("gamma_lpdf(x, 1e6, 1e6)", POSITIVE, -0.0017, 4.544635147891586),
    ("gamma_lpdf(x, 1e6, 1e6)", POSITIVE, 0.1, -5164.929258985181),
    ("beta_lpdf(x, 1e5, 1e5)", UNIT, 0.001, 4.465949360042136),
    ("beta_lpdf(x, 1e5, 1e5)", UNIT, -0.007, 3.265951860033965),
    ("beta_lpdf(x, 1e5, 1e5)", UNIT, 0.3, -2237.121832357361),
    ("beta_lpdf(x, 1, 1e4)", UNIT, -9.2, -1.0001036393269305),
    ("beta_lpdf(x, 1, 1e4)", UNIT, -8.1, -1.9248939150518822),
    ("beta_lpdf(x, 1, 1e4)", UNIT, -12.7, -3.520173888178343),
    ("-0.5*(x - 1e8)^2 + 0.5*(x - 1e8 - 3)^2", Support::Real, 1.5, 300000000.0),
    ("-0.5*(x - 1e8)^2 + 0.5*(x - 1e8 - 3)^2", Support::Real, -7.3, 300000026.4),
    ("-0.5*(x - 1e8)^2 + 0.5*(x - 1e8 - 3)^2", Support::Real, 1000.1, 299997004.2),
    ("log1p(exp(40*x)) - 40*x - 1e3*sin(x/7)^2", Support::Real, 0.3, -1.8356042935981702),
    ("log1p(exp(40*x)) - 40*x - 1e3*sin(x/7)^2", Support::Real, 1.9, -71.88188873156128),
    ("log1p(exp(40*x)) - 40*x - 1e3*sin(x/7)^2", Support::Real, -0.6, 16.671036111588478),
    ("-cosh(3*x) + exp(3*x)/2", Support::Real, 0.2, -0.2744058180470132),
    ("-cosh(3*x) + exp(3*x)/2", Support::Real, 3.3, -2.5087341028087665e-05),
    ("-cosh(3*x) + exp(3*x)/2", Support::Real, 7.1, -2.808649462208655e-10),
    ("student_t_lpdf(x, 1e7, 0, 1)", Support::Real, 0.4, -0.9989385655646726),
    ("student_t_lpdf(x, 1e7, 0, 1)", Support::Real, 2.2, -3.3389382145648034),
    ("student_t_lpdf(x, 1e7, 0, 1)", Support::Real, -5.0, -13.418924183229151),
    ("500*log(1 + erf(x)) - 500*x^2 + (x^3)^(1/3)", Support::Real, 0.4, 98.67479230712425),
    ("500*log(1 + erf(x)) - 500*x^2 + (x^3)^(1/3)", Support::Real, 1.3, -513.9027474709189),
    ("500*log(1 + erf(x)) - 500*x^2 + (x^3)^(1/3)", Support::Real, 0.01, 5.570116328791759),
    ("logsumexp(700*x, 700*x^2, -1) - 700*x*tanh(9*x)", Support::Real, 0.5, 0.08637620319036221),
    ("logsumexp(700*x, 700*x^2, -1) - 700*x*tanh(9*x)", Support::Real, 0.9, 0.00011609135981933867),
    ("logsumexp(700*x, 700*x^2, -1) - 700*x*tanh(9*x)", Support::Real, 0.3, 1.888434727595296),
    ("1e5*(atan(x) - x + x^3/3) - expm1(x^2)", Support::Real, 0.02, -0.00033609829069499147),
    ("1e5*(atan(x) - x + x^3/3) - expm1(x^2)", Support::Real, -0.3, -45.773622070414405),
    ("1e5*(atan(x) - x + x^3/3) - expm1(x^2)", Support::Real, 1.1, 17662.439849457292),
    ("-x^2/(1 - cos(x)) * 1e3", Support::Real, 0.01, -2000.0166667500002),
    ("-x^2/(1 - cos(x)) * 1e3", Support::Real, 0.3, -2015.0677418330288),
    ("-x^2/(1 - cos(x)) * 1e3", Support::Real, 2.0, -2824.565854874784),
    ("-sum([1, 1, 1]*sqrt(1e10 + x^2)) + 3e5", Support::Real, 0.7, -7.349999999909961e-06),
    ("-sum([1, 1, 1]*sqrt(1e10 + x^2)) + 3e5", Support::Real, 50.3, -0.03795134759949202),
    ("-sum([1, 1, 1]*sqrt(1e10 + x^2)) + 3e5", Support::Real, 900.1, -12.152454013102433),
];

#[test]
fn rounding_is_within_what_is_told_and_that_is_not_much_more() {
    let mut shares = Vec::new();
    for (text, support, u, exact) in CASES {
        let x = Variable {
            name: "x".into(),
            len: 1,
            support,
        };
        let formula = Formula::new(text, vec![x], BTreeMap::new()).unwrap();
        let mut value = [0.0];
        formula.evaluate(&[u], &mut value, None);
        let found = value[0] + formula.offset();
        let told = formula.rounding(&[u]) + formula.offset_rounding();
        // The sum is rounded, and so is what it is held against.
        let last = f64::EPSILON * found.abs().max(exact.abs());
        let off = (found - exact).abs();
        assert!(
            off <= told + last,
            "{text} at {u}: off by {off:e}, told {told:e}"
        );
        shares.push(off.max(last) / (told + last));
    }
    shares.sort_by(f64::total_cmp);
    // A few of them are exact by chance.
    assert!(shares[4] > 0.01, "{shares:?}");
    assert!(shares[shares.len() / 2] > 0.04, "{shares:?}");
}

#[test]
fn what_is_computed_without_rounding_has_none() {
    let exact = formula("abs(-x1) + 0*x2 + max(x1, x2) + 1*x2/1 - -(x2)", 2);
    let told = exact.rounding(&[0.5, 0.25]);
    assert!(told < 4.0 * f64::EPSILON, "{told:e}");
    assert_eq!(formula("-x1", 1).rounding(&[0.3]), 0.0);
    assert_eq!(formula("-abs(x1) + 3", 1).offset_rounding(), 0.0);
    // 0.1 is what is written, and its logarithm is rounded.
    assert_eq!(formula("-abs(x1) + 0.1", 1).offset_rounding(), 0.0);
    let log = formula("-abs(x1) + log(0.1)", 1).offset_rounding();
    assert!(log > 0.0 && log < 1e-15, "{log:e}");
}
