use std::collections::BTreeMap;
use std::f64::consts::{PI, TAU};

use statrs::function::erf::erfc;
use statrs::function::gamma::ln_gamma;

use super::*;
use crate::formula::{Support, Variable};

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

#[test]
fn constants_are_those_of_closed_forms_within_their_errors() {
    let positive = Support::Above(0.0);
    let unit = Support::Between(0.0, 1.0);
    // ∫ r exp(−(r − a)²/(2 s²)) dr · 2π over the plane.
    let (a, s) = (2.5f64, 0.5f64);
    let donut = TAU
        * (s * s * (-0.5 * (a / s).powi(2)).exp()
            + a * s * (PI / 2.0).sqrt() * erfc(-a / s / 2f64.sqrt()));
    let beta = |a: f64, b: f64| ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b);
    let cases: [(&str, &[Support], f64); 16] = [
        ("-0.5*x^2", &[REAL], 0.5 * TAU.ln()),
        (
            "-0.5*((x - 30)/1e-3)^2",
            &[REAL],
            0.5 * TAU.ln() + 1e-3f64.ln(),
        ),
        ("-abs(x)", &[REAL], 2f64.ln()),
        ("-x^4", &[REAL], (2.0 * ln_gamma(1.25).exp()).ln()),
        (
            "-2*log1p(x^2/3)",
            &[REAL],
            0.5 * (3.0 * PI).ln() + ln_gamma(1.5) - ln_gamma(2.0),
        ),
        ("-log1p(x^2)", &[REAL], PI.ln()),
        (
            "if(x > 0, -log(x) - 0.5*log(x)^2, -inf)",
            &[REAL],
            0.5 * TAU.ln(),
        ),
        ("if(x > 0, 9*log(x) - x, -inf)", &[REAL], ln_gamma(10.0)),
        ("9*log(x) - x", &[positive], ln_gamma(10.0)),
        ("-0.5*log(x) + 2*log1p(-x)", &[unit], beta(0.5, 3.0)),
        (
            "logaddexp(-0.5*(x + 20)^2, -0.5*((x - 20)/0.1)^2 - 3)",
            &[REAL],
            (TAU.sqrt() * (1.0 + 0.1 * (-3f64).exp())).ln(),
        ),
        (
            "-0.5*(x1^2 + (x2 - 0.5*(x1^2 - 1))^2)",
            &[REAL; 2],
            TAU.ln(),
        ),
        ("-0.5*(x1^2 + (x2 - 3*(x1^2 - 1))^2)", &[REAL; 2], TAU.ln()),
        (
            "-0.5*((sqrt(x1^2 + x2^2) - 2.5)/0.5)^2",
            &[REAL; 2],
            donut.ln(),
        ),
        (
            "normal_lpdf(x1, 0, 3) + normal_lpdf(x2, 0, exp(x1/2))",
            &[REAL; 2],
            0.0,
        ),
        ("-2.5*log1p((x1^2 + x2^2)/3)", &[REAL; 2], (TAU).ln()),
    ];
    for (text, supports, expected) in cases {
        let started = std::time::Instant::now();
        let found = located(text, supports).unwrap_or_else(|refusal| panic!("{text}: {refusal}"));
        let Located {
            log_normalizer_error: error,
            k_hat,
            tails,
            proposal,
            ..
        } = found.located();
        let off = found.log_normalizer() - expected;
        println!(
            "{text}: off {off:.1e}, error {error:.1e}, k {k_hat:.2}, {tails:?}, {} comps, {:.2} s",
            proposal.scales().components(),
            started.elapsed().as_secs_f64()
        );
    }
    let wide: [(&str, usize, f64); 3] = [
        ("-0.5*sum(x^2)", 10, 5.0 * TAU.ln()),
        (
            "normal_lpdf(x[1], 0, 3) + sum(normal_lpdf(x[2:10], 0, exp(x[1]/2)))",
            10,
            0.0,
        ),
        (
            "sum(normal_lpdf(x, [1, 2, 3, 4, 5], [0.01, 0.1, 1, 10, 100])) + 3",
            5,
            3.0,
        ),
    ];
    for (text, dim, expected) in wide {
        let started = std::time::Instant::now();
        let found =
            located(text, &vec![REAL; dim]).unwrap_or_else(|refusal| panic!("{text}: {refusal}"));
        let Located {
            log_normalizer_error: error,
            k_hat,
            tails,
            proposal,
            ..
        } = found.located();
        let off = found.log_normalizer() - expected;
        println!(
            "{text}: off {off:.1e}, error {error:.1e}, k {k_hat:.2}, {tails:?}, {} comps, {:.2} s",
            proposal.scales().components(),
            started.elapsed().as_secs_f64()
        );
    }
}
#[test]
fn refusals() {
    for (text, dim) in [
        ("-log(1+abs(x))", 1),
        ("-x1^2 + 0*x2", 2),
        ("x^2", 1),
        ("log(x)", 1),
        ("-0.5*x^2 - log(abs(x))", 1),
        ("-0.5*log1p(x^2)", 1),
        ("-log1p(x1^2+x2^2)", 2),
        ("-abs(x) - 1e9*(x < 1e6)", 1),
        ("-0.5*(x-1e7)^2", 1),
    ] {
        let started = std::time::Instant::now();
        println!(
            "{text}: {:?} {:.2}",
            located(text, &vec![REAL; dim]).map(|f| (
                f.log_normalizer(),
                f.located().tails,
                f.located().k_hat
            )),
            started.elapsed().as_secs_f64()
        );
    }
}
