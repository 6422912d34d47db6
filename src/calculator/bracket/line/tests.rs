//! Brackets against quadrature, closed forms and numbers from elsewhere.

use proptest::prelude::*;

use super::affinity::Affinity;
use super::integrand::Analytic;
use super::jensen_shannon::JsIntegrand;
use super::order::Amari;
use super::refine::Goal;
use super::total_variation::TvIntegrand;
use super::{Mixture1D, bracket};

const MOST: usize = 100_000;

fn line(components: &[[f64; 3]]) -> Mixture1D {
    let column = |i: usize| components.iter().map(|row| row[i]).collect();
    Mixture1D {
        weights: column(0),
        means: column(1),
        stds: column(2),
        dof: None,
    }
}

fn goal(absolute: f64, most_pieces: usize) -> Goal {
    Goal {
        absolute,
        relative: 0.0,
        most_pieces,
    }
}

fn kl_bracket(p: &Mixture1D, q: &Mixture1D, tolerance: f64, most_pieces: usize) -> [f64; 2] {
    bracket(&Amari::kl(), p, q, goal(tolerance, most_pieces))
}

fn gaussian(mean: f64, std: f64) -> Mixture1D {
    line(&[[1.0, mean, std]])
}

fn student_t(dof: f64, mean: f64, scale: f64) -> Mixture1D {
    Mixture1D {
        dof: Some(dof),
        ..gaussian(mean, scale)
    }
}

/// ½ p + ½ q.
fn midpoint(p: &Mixture1D, q: &Mixture1D) -> Mixture1D {
    let half = |line: &Mixture1D| line.weights.iter().map(|w| 0.5 * w).collect::<Vec<_>>();
    Mixture1D {
        weights: [half(p), half(q)].concat(),
        means: [&p.means[..], &q.means].concat(),
        stds: [&p.stds[..], &q.stds].concat(),
        dof: None,
    }
}

fn moved(line: &Mixture1D, scale: f64, shift: f64) -> Mixture1D {
    Mixture1D {
        weights: line.weights.clone(),
        means: line.means.iter().map(|mean| mean * scale + shift).collect(),
        stds: line.stds.iter().map(|std| std * scale).collect(),
        dof: line.dof,
    }
}

fn log_density(line: &Mixture1D, x: f64) -> f64 {
    let logs: Vec<f64> = (line.weights.iter().zip(&line.means).zip(&line.stds))
        .map(|((weight, mean), std)| (weight / std).ln() - 0.5 * ((x - mean) / std).powi(2))
        .collect();
    let top = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = logs.iter().map(|log| (log - top).exp()).sum();
    top + sum.ln() - 0.5 * (2.0 * std::f64::consts::PI).ln()
}

/// The trapezoidal rule, and what halving the steps changed.
fn quadrature(p: &Mixture1D, q: &Mixture1D) -> [f64; 2] {
    let ends = [-1.0, 1.0].map(|sign| {
        let reach = |(mean, std): (&f64, &f64)| sign * mean + 12.0 * std;
        sign * (p.means.iter().zip(&p.stds).map(reach)).fold(f64::NEG_INFINITY, f64::max)
    });
    let rule = |count: i32| -> f64 {
        let step = (ends[1] - ends[0]) / f64::from(count);
        let at = |i| {
            let x = ends[0] + f64::from(i) * step;
            let [log_p, log_q] = [p, q].map(|line| log_density(line, x));
            log_p.exp() * (log_p - log_q)
        };
        step * (0..=count).map(at).sum::<f64>()
    };
    let [coarse, fine] = [rule(8192), rule(16384)];
    [fine, (fine - coarse).abs()]
}

fn mixture(most: usize) -> impl Strategy<Value = Mixture1D> {
    prop::collection::vec((0.01..1.0_f64, -8.0..8.0_f64, -1.5..1.0_f64), 1..=most).prop_map(
        |rows| {
            let total: f64 = rows.iter().map(|row| row.0).sum();
            let rows: Vec<_> = (rows.into_iter())
                .map(|(weight, mean, log_std)| [weight / total, mean, log_std.exp()])
                .collect();
            line(&rows)
        },
    )
}

/// The pairs of tests/data/brackets/hard_pairs.py, in its order.
fn hard_pairs() -> [[Mixture1D; 2]; 7] {
    let standard = gaussian(0.0, 1.0);
    let far = [
        line(&[[0.5, 0.0, 1.0], [0.5, 2000.0, 1.0]]),
        line(&[[0.5, 0.0, 1.5], [0.5, 1000.0, 2.0]]),
    ];
    let spike = [
        line(&[[0.5, 0.0, 1e-6], [0.5, 1.0, 1e3]]),
        line(&[[0.3, 1e-6, 2e-6], [0.7, 0.0, 500.0]]),
    ];
    let light = [
        line(&[[0.5, -1.0, 1.0], [0.5, 1.0, 2.0]]),
        line(&[[0.5, 0.0, 1e-3], [0.5, 0.1, 7e-4]]),
    ];
    let near = [
        line(&[[0.25, -1.0, 0.5], [0.75, 2.0, 1.0]]),
        line(&[[0.25, -1.0 - 1e-7, 0.5], [0.75, 2.0, 1.0 + 1e-7]]),
    ];
    let close = [
        near[0].clone(),
        line(&[[0.25, -1.001, 0.5], [0.75, 2.0, 1.001]]),
    ];
    let wider = [
        near[0].clone(),
        line(&[[0.3, -1.03, 0.5], [0.7, 2.1, 1.07]]),
    ];
    let middle = midpoint(&standard, &line(&[[0.1, 0.5, 1e-4], [0.9, 3.0, 2.0]]));
    [far, spike, light, near, close, wider, [standard, middle]]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn quadrature_lies_within(p in mixture(6), q in mixture(6), digits in 0..13_i32) {
        let tolerance = 10_f64.powi(-digits);
        for q in [&q, &midpoint(&p, &q)] {
            let [lower, upper] = kl_bracket(&p, q, tolerance, MOST);
            let [value, error] = quadrature(&p, q);
            let error = error + 1e-12 * (1.0 + value);
            prop_assert!(lower <= value + error && value <= upper + error, "{lower} {value} {upper}");
            prop_assert!(0.0 <= lower && upper - lower <= tolerance + 1e-12 * (1.0 + upper));
        }
    }

    #[test]
    fn few_pieces_leave_it_valid(p in mixture(6), q in mixture(6), most in 0..20_usize) {
        let [lower, upper] = kl_bracket(&p, &q, 0.0, most);
        let [value, error] = quadrature(&p, &q);
        let error = error + 1e-12 * (1.0 + value);
        prop_assert!(lower <= value + error && value <= upper + error, "{lower} {value} {upper}");
        prop_assert!(upper.is_finite());
    }

    #[test]
    fn closed_form_of_gaussians_lies_within(
        mean in -1e3..1e3_f64,
        logs in (-6.0..6.0_f64, -6.0..6.0_f64),
        tolerance in prop::sample::select(&[1e-1, 1e-4, 1e-9, 0.0]),
    ) {
        let [s, t] = [logs.0.exp(), logs.1.exp()];
        let [lower, upper] = kl_bracket(&gaussian(0.0, s), &gaussian(mean, t), tolerance, MOST);
        let expected = (t / s).ln() + 0.5 * ((s / t).powi(2) + (mean / t).powi(2) - 1.0);
        let error = 1e-15 * (20.0 + expected);
        prop_assert!(lower <= expected + error && expected <= upper + error);
        prop_assert!(upper - lower <= tolerance + 1e-12 * (1.0 + upper));
    }

    #[test]
    fn units_and_order_do_not_matter(
        p in mixture(5),
        q in mixture(5),
        scale in prop::sample::select(&[1e-8, 1e-3, 7.0, 1e8]),
        shift in -1e3..1e3_f64,
    ) {
        let [lower, upper] = kl_bracket(&p, &q, 1e-9, MOST);
        let [p, q] = [p, q].map(|line| {
            let mut moved = moved(&line, scale, scale * shift);
            moved.weights.reverse();
            moved.means.reverse();
            moved.stds.reverse();
            moved
        });
        let [other_lower, other_upper] = kl_bracket(&p, &q, 1e-9, MOST);
        // Moved numbers are rounded: by 1e-13 of a standard deviation.
        let error = 1e-11 * (1.0 + upper);
        prop_assert!(other_lower <= upper + error && lower <= other_upper + error);
        prop_assert!(other_upper - other_lower <= 1e-9 + error);
    }

    #[test]
    fn smaller_tolerances_narrow_it(p in mixture(5), q in mixture(5)) {
        let mut before = [0.0, f64::INFINITY];
        for digits in 0..13 {
            let bracket = kl_bracket(&p, &q, 10_f64.powi(-digits), MOST);
            let rounding = 1e-12 * (1.0 + bracket[1]);
            prop_assert!(bracket[1] - bracket[0] <= before[1] - before[0] + rounding);
            // They are about the same number.
            prop_assert!(bracket[0] <= before[1] && before[0] <= bracket[1]);
            before = bracket;
        }
    }

    #[test]
    fn equal_mixtures_are_next_to_0_apart(p in mixture(8)) {
        let [lower, upper] = kl_bracket(&p, &p, 1e-12, MOST);
        prop_assert!(lower == 0.0 && upper <= 1e-12);
        let [lower, upper] = kl_bracket(&p, &p, 0.0, MOST);
        prop_assert!(lower == 0.0 && upper <= 1e-19, "{upper}");
    }
}

/// What tests/data/brackets/hard_pairs.py prints: mpmath with 60 digits.
#[test]
fn hard_pairs_agree_with_mpmath() {
    let expected = [
        62_500.222_917_255_44,
        0.712_177_665_394_154_8,
        1_749_652.541_253_954_4,
        7.984_839_611_296_787e-15,
        7.975_889_253_823_432e-7,
        0.013_078_792_281_737_614,
        0.423_881_403_257_418_9,
    ];
    for ([p, q], expected) in hard_pairs().iter().zip(expected) {
        let expected: f64 = expected;
        for tolerance in [1e-1, 1e-3, 1e-9, 1e-12, 0.0] {
            let [lower, upper] = kl_bracket(p, q, tolerance, MOST);
            // The last digit of the number above.
            let last = 4e-16 * expected;
            assert!(
                lower <= expected + last && expected - last <= upper,
                "{lower} {upper}"
            );
            // Rounding takes its share of ∫ |q − p| ≤ √(2 KL), and it is not narrowed beyond 1e-20.
            let rounding = 1e-12 * expected + 1e-13 * expected.sqrt();
            let widest = tolerance + rounding + 1e-20;
            assert!(upper - lower <= widest, "{lower} {upper}");
        }
    }
}

#[test]
fn many_pieces_are_rarely_needed() {
    for [p, q] in hard_pairs() {
        let [lower, upper] = kl_bracket(&p, &q, 1e-9, 400);
        assert!(upper - lower <= 1e-9 + 1e-12 * upper, "{lower} {upper}");
    }
}

#[test]
fn fifty_components_each() {
    let comb = |shift: f64| {
        let rows: Vec<_> = (0..50_u8)
            .map(f64::from)
            .map(|i| [0.02, 0.7 * i + shift, 0.2 + 0.01 * i])
            .collect();
        line(&rows)
    };
    let [p, q] = [comb(0.0), comb(0.1)];
    let [lower, upper] = kl_bracket(&p, &q, 1e-9, MOST);
    let [value, error] = quadrature(&p, &q);
    assert!(lower - error <= value && value <= upper + error && upper - lower <= 1e-9);
}

#[test]
fn extremes_stay_valid() {
    let [lower, upper] = kl_bracket(&gaussian(1e100, 1.0), &gaussian(0.0, 1.0), 1e-9, MOST);
    assert!(lower <= 5e199 && (5e199..5e199 * (1.0 + 1e-12)).contains(&upper));
    let [lower, upper] = kl_bracket(&gaussian(0.0, 1e-100), &gaussian(0.0, 1e-10), 1e-9, MOST);
    let expected = 90.0 * 10_f64.ln() - 0.5;
    assert!(lower <= expected && expected <= upper && upper - lower <= 2e-9);
    // No digit of a mean can tell where within the component a point is.
    let pair = [[0.5, 0.0, 1e-30], [0.5, 1.0, 1.1e-30]];
    let [lower, upper] = kl_bracket(&line(&pair), &gaussian(0.0, 1.0), 1e-9, MOST);
    assert!(
        0.0 < lower && lower < 68.0 && 67.0 < upper && upper.is_finite(),
        "{lower} {upper}"
    );
}

#[test]
fn what_is_no_mixture_is_bounded_by_nothing() {
    let good = gaussian(0.0, 1.0);
    let nothing = [0.0, f64::INFINITY];
    for bad in [
        line(&[]),
        gaussian(f64::NAN, 1.0),
        gaussian(0.0, 0.0),
        gaussian(0.0, f64::INFINITY),
        line(&[[0.0, 0.0, 1.0]]),
        Mixture1D {
            weights: vec![1.0],
            means: vec![],
            stds: vec![1.0],
            dof: None,
        },
        student_t(0.0, 0.0, 1.0),
        student_t(f64::NAN, 0.0, 1.0),
    ] {
        assert_eq!(kl_bracket(&bad, &good, 1e-9, MOST), nothing);
        assert_eq!(kl_bracket(&good, &bad, 1e-9, MOST), nothing);
    }
    assert_eq!(
        kl_bracket(&gaussian(0.0, 1e-200), &good, 1e-9, MOST),
        nothing
    );
}

/// Between two Cauchy distributions: KL and χ² (Nielsen and Okamura 2022) and, of equal scales, TV.
#[test]
fn closed_forms_of_cauchy_distributions_lie_within() {
    for (offset, scale) in [(0.0, 3.0), (1.0, 1.0), (1e3, 1e-3), (0.5, 1e4), (1e-4, 1.0)] {
        let [p, q] = [student_t(1.0, offset, scale), student_t(1.0, 0.0, 1.0)];
        let apart: f64 = offset * offset + (scale - 1.0) * (scale - 1.0);
        let kl = (apart / (4.0 * scale)).ln_1p();
        lies_within(&Amari::kl(), &p, &q, kl);
        lies_within(&Amari::kl(), &q, &p, kl);
        // D_2 is half of χ².
        lies_within(&Amari::new(2.0).unwrap(), &p, &q, 0.25 * apart / scale);
    }
    for offset in [1e-4, 1.0, 1e3] {
        let [p, q] = [student_t(1.0, offset, 1.0), student_t(1.0, 0.0, 1.0)];
        let expected = (0.5 * offset).atan() / std::f64::consts::FRAC_PI_2;
        lies_within(&TvIntegrand, &p, &q, expected);
    }
}

/// Within what rounding leaves of the expected number, and narrow.
fn lies_within(integrand: &impl Analytic, p: &Mixture1D, q: &Mixture1D, expected: f64) {
    let [lower, upper] = bracket(integrand, p, q, goal(1e-12, MOST));
    let last = 4e-15 * expected;
    assert!(
        lower <= expected + last && expected - last <= upper,
        "{lower} {expected} {upper}"
    );
    assert!(
        upper - lower <= 2e-12 * (1.0 + expected),
        "{lower} {expected} {upper}"
    );
}

/// KL from a Student-t to a Gaussian, from its entropy and its moments, with digits of mpmath.
#[test]
fn closed_form_from_student_t_to_gaussian_lies_within() {
    for (dof, mean, scale, expected) in TO_GAUSSIAN {
        let p = student_t(dof, mean, scale);
        lies_within(&Amari::kl(), &p, &gaussian(0.0, 1.0), expected);
    }
}

const TO_GAUSSIAN: [(f64, f64, f64, f64); 6] = [
    (2.01, 0.0, 1.0, 99.46147095456625),
    (2.5, 1.0, 0.01, 4.176598648616842),
    (3.0, -2.0, 2.0, 6.452313780781436),
    (7.0, 0.1, 1.0, 0.05756027148706764),
    (100.0, 0.0, 1.0, 0.00017924951908196833),
    (30.0, 50.0, 1e-4, 1258.6767355807508),
];

/// ∫ p^α q^(1−α) of two Gaussians (Gil, Alajaji and Linder 2013), and what follows from it.
#[test]
fn closed_forms_of_powers_lie_within() {
    for alpha in [0.5, 0.7, 1.0 + 1e-6, 1.5, 2.0, 5.0_f64] {
        let pairs = [
            (0.1, 1.1),
            (2.0, 0.3),
            (5.0, 2.0),
            (20.0, 1.0),
            (0.0, 1e4),
            (1e-3, 1.0),
        ];
        for (mean, std) in pairs {
            let [p, q] = [gaussian(mean, 1.0), gaussian(0.0, std)];
            let order = Amari::new(alpha).unwrap();
            let beta = 1.0 - alpha;
            let variance = alpha * std * std + beta;
            if variance <= 0.0 {
                let [lower, upper] = bracket(&order, &p, &q, goal(1e-9, 1000));
                assert!(lower > 0.0 && upper == f64::INFINITY);
                continue;
            }
            // ½ [(1 − α) ln |Σ_p| + α ln |Σ_q| − ln |Σ*| − α (1 − α) μ² / Σ*], less digits lost.
            let shape = -beta * std.ln() - 0.5 * (beta * (1.0 / std / std - 1.0)).ln_1p();
            let log = shape - 0.5 * alpha * beta * mean * mean / variance;
            let error = 1e-13 * (1.0 + log.abs());
            let affinity = Affinity::between(alpha, &p, &q).unwrap();
            let ends = bracket(&affinity, &p, &q, goal(0.0, MOST));
            let ends = ends.map(|end| end.ln() + affinity.shift);
            assert!(
                ends[0] <= log + error && log - error <= ends[1],
                "{alpha} {mean} {std}: {ends:?} {log}"
            );
            assert!(
                ends[1] - ends[0] <= 1e-11 * (1.0 + log.abs()),
                "{alpha} {mean} {std}: {ends:?}"
            );
            let expected = log.exp_m1() / (alpha * (alpha - 1.0));
            if !expected.is_finite() {
                continue;
            }
            let [lower, upper] = bracket(&order, &p, &q, goal(1e-12, MOST));
            let error = 1e-12 * expected * (1.0 + log.abs()) + 1e-15 / (alpha * beta).abs();
            assert!(
                lower <= expected + error && expected - error <= upper,
                "{alpha} {mean} {std}: {lower} {expected} {upper}"
            );
            assert!(
                upper - lower <= 1e-11 * (1.0 + expected * (1.0 + log.abs())),
                "{alpha} {mean} {std}: {lower} {upper}"
            );
        }
    }
}

#[test]
fn total_variation_of_equal_widths_lies_within() {
    for mean in [1e-6, 0.3, 2.0, 9.0] {
        let [p, q] = [gaussian(mean, 1.0), gaussian(0.0, 1.0)];
        let expected = libm::erf(0.5 * mean / std::f64::consts::SQRT_2);
        lies_within(&TvIntegrand, &p, &q, expected);
    }
}

#[test]
fn jensen_shannon_is_half_of_each_kl_to_the_middle() {
    for (p, q) in [
        (gaussian(1.0, 1.0), gaussian(0.0, 2.0)),
        (gaussian(1e-4, 1.0), gaussian(0.0, 1.0)),
        (
            line(&[[0.3, 0.0, 1e-3], [0.7, 1.0, 1.0]]),
            gaussian(0.5, 3.0),
        ),
    ] {
        let middle = midpoint(&p, &q);
        let halves = [&p, &q].map(|one| kl_bracket(one, &middle, 1e-13, MOST));
        let [lower, upper] = bracket(&JsIntegrand, &p, &q, goal(1e-13, MOST));
        let [least, most] = [0, 1].map(|end| 0.5 * (halves[0][end] + halves[1][end]));
        assert!(lower <= most && least <= upper && upper - lower <= 1e-12);
    }
}
