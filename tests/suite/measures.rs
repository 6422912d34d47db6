//! What the calculator tells beside the divergences that are minimised: Bhattacharyya and Wasserstein distances, entropies and
//! total correlations.

use std::process::Output;

use assert_cmd::Command;
use klfit::{
    Accuracy, Answer, Claim, DivergenceKind, Ending, Matrix, Measure, Method, Mixture, Operand,
    Question, StudentT,
};
use nalgebra::{DMatrix, DVector};

use crate::support::{assert_close, gaussian, mild, simpson, two_on_a_line, wide};

fn about(measure: Measure) -> Question {
    Question {
        divergences: vec![measure],
        ..Question::default()
    }
}

fn pair(question: &Question, p: &Mixture, q: &Mixture) -> Answer {
    let (p, q) = (Operand::new("p", p.clone()), Operand::new("q", q.clone()));
    question.ask(&p, &q, &|_| {}).unwrap().remove(0)
}

fn alone(question: &Question, p: &Mixture) -> Answer {
    let p = Operand::new("p", p.clone());
    question.ask_one(&p, &|_| {}).unwrap().remove(0)
}

fn w2(p: &Mixture, q: &Mixture) -> Answer {
    pair(&about(Measure::Wasserstein2), p, q)
}

/// MW₂, on a line too.
fn mw2(p: &Mixture, q: &Mixture) -> Answer {
    let question = Question {
        method: Method::Transport,
        ..about(Measure::Wasserstein2)
    };
    pair(&question, p, q)
}

/// Numbers that look random, in [0, 1).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f64 {
        self.0 = (self.0)
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    fn within(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.next()
    }

    fn factor(&mut self, dim: usize, decades: f64) -> DMatrix<f64> {
        DMatrix::from_fn(dim, dim, |i, j| match i.cmp(&j) {
            std::cmp::Ordering::Less => 0.0,
            std::cmp::Ordering::Equal => 10f64.powf(self.within(-decades, decades)),
            std::cmp::Ordering::Greater => self.within(-1.0, 1.0),
        })
    }

    fn mixture(&mut self, components: usize, dim: usize, decades: f64) -> Mixture {
        let weights: Vec<f64> = (0..components).map(|_| self.within(0.05, 1.0)).collect();
        let total: f64 = weights.iter().sum();
        Mixture::new(
            weights.iter().map(|weight| weight / total).collect(),
            (0..components)
                .map(|_| (0..dim).map(|_| self.within(-3.0, 3.0)).collect())
                .collect(),
            (0..components).map(|_| self.factor(dim, decades)).collect(),
        )
        .unwrap()
    }
}

fn by_factor(mean: &[f64], rows: &[&[f64]]) -> Mixture {
    let factor = DMatrix::from_row_slice(rows.len(), rows.len(), &rows.concat());
    Mixture::new(vec![1.0], vec![mean.to_vec()], vec![factor]).unwrap()
}

/// What is off, where the answer says how much it may be.
fn assert_claimed(answer: &Answer, expected: f64, what: &str) {
    let error = answer.error.unwrap();
    // What is expected was rounded too.
    let last = 8.0 * f64::EPSILON * expected.abs();
    assert_close(answer.value, expected, error + last, what);
}

#[test]
fn w2_of_gaussians_has_many_digits() {
    // ‖m‖² + tr S + tr T − 2 tr (S^½ T S^½)^½ with 100 digits in mpmath.
    let plane = |mean: [f64; 2], entries: [f64; 4]| {
        Mixture::gaussian(mean.to_vec(), DMatrix::from_row_slice(2, 2, &entries)).unwrap()
    };
    let full = (
        plane([0.0, 1.0], [2.0, 0.5, 0.5, 1.0]),
        plane([1.0, -1.0], [1.0, -0.75, -0.75, 3.0]),
        2.492_011_214_661_699,
    );
    let thin = |slope: f64, width: f64| by_factor(&[0.0; 2], &[&[1.0, 0.0], &[slope, width]]);
    let wide = by_factor(
        &[0.0, 0.0, 1.0],
        &[&[1e5, 0.0, 0.0], &[0.25, 1.0, 0.0], &[0.0, 0.5, 1e-5]],
    );
    let turned = by_factor(
        &[3.0, 0.0, 0.0],
        &[&[1e-5, 0.0, 0.0], &[0.125, 1e5, 0.0], &[1.0, 2.0, 3.0]],
    );
    for (p, q, expected) in [
        full,
        (thin(1.0, 1e-9), thin(0.5, 1e-5), 0.500_000_000_033_32),
        (thin(1.0, 1e-9), thin(1.0, 3e-9), 1.414_213_562_373_095e-9),
        (wide, turned, 141_420.627_442_602_5),
    ] {
        for (p, q) in [(&p, &q), (&q, &p)] {
            let found = w2(p, q);
            assert_claimed(&found, expected, "W₂");
            assert!(found.error.unwrap() < 4e-15 * expected, "{found:?}");
            assert_eq!(
                (found.method, found.claim),
                (Method::ClosedForm, Claim::Exact)
            );
            let bracket = found.bracket.unwrap();
            assert!(
                bracket.lower <= expected * (1.0 + 1e-15)
                    && expected <= bracket.upper * (1.0 + 1e-15)
            );
        }
    }
}

#[test]
fn w2_of_common_axes_is_that_of_their_standard_deviations() {
    let mut numbers = Numbers(3);
    for case in 0..40 {
        let dim = 1 + case % 5;
        let mut stds = || {
            (0..dim)
                .map(|_| 10f64.powf(numbers.within(-5.0, 5.0)))
                .collect()
        };
        let (of_p, of_q): (Vec<f64>, Vec<f64>) = (stds(), stds());
        let shift: Vec<f64> = (0..dim).map(|_| numbers.within(-2.0, 2.0)).collect();
        // The same rotation of both, by a QR decomposition.
        let rotation = DMatrix::from_fn(dim, dim, |_, _| numbers.within(-1.0, 1.0))
            .qr()
            .q();
        let gaps = of_p.iter().zip(&of_q).map(|(a, b)| (a - b) * (a - b));
        let expected = (gaps.sum::<f64>() + shift.iter().map(|m| m * m).sum::<f64>()).sqrt();
        let made = |mean: &[f64], stds: &[f64]| {
            Mixture::from_stds(vec![1.0], vec![mean.to_vec()], vec![stds.to_vec()]).unwrap()
        };
        let (p, q) = (made(&vec![0.0; dim], &of_p), made(&shift, &of_q));
        let found = w2(&p, &q);
        assert_claimed(&found, expected, "with axes of x");
        assert!(found.error.unwrap() <= 1e-14 * expected, "{found:?}");
        let turn = |mixture: &Mixture| mixture.transform(&rotation, &vec![0.0; dim]).unwrap();
        let turned = w2(&turn(&p), &turn(&q));
        // The factors of what is turned are rounded.
        let size = of_p.iter().chain(&of_q).copied().fold(1.0, f64::max);
        assert_close(turned.value, expected, 1e-14 * dim as f64 * size, "turned");
    }
}

#[test]
fn nearly_equal_gaussians_are_not_lost_in_rounding() {
    let mut numbers = Numbers(4);
    for (dim, decades) in [(2, 4.0), (5, 1.5), (20, 0.2)] {
        let p = numbers.mixture(1, dim, decades);
        assert_eq!(w2(&p, &p).value, 0.0);
        let shifted = |by: f64| {
            let means = p.means()[0].iter().map(|m| m + by).collect();
            Mixture::new(vec![1.0], vec![means], p.scale_trils().to_vec()).unwrap()
        };
        let by = 1.0 / f64::from(1u32 << 30);
        let expected: f64 = (p.means()[0].iter())
            .map(|m| ((m + by) - m).powi(2))
            .sum::<f64>()
            .sqrt();
        let found = w2(&p, &shifted(by));
        assert_claimed(&found, expected, "shifted");
        assert!(found.error.unwrap() < 1e-12 * expected, "{found:?}");
    }
}

#[test]
fn mw2_is_the_least_of_all_matchings() {
    fn matched(costs: &[Vec<f64>], row: usize, used: usize) -> f64 {
        let open = (0..costs.len()).filter(|j| used & (1 << j) == 0);
        match row == costs.len() {
            true => 0.0,
            false => open
                .map(|j| costs[row][j] + matched(costs, row + 1, used | (1 << j)))
                .fold(f64::INFINITY, f64::min),
        }
    }
    let mut numbers = Numbers(5);
    for case in 0..30 {
        let (components, dim) = (2 + case % 4, 1 + case % 3);
        let mut make = || {
            let one = numbers.mixture(components, dim, 1.0);
            let means = one.means().iter().map(|mean| mean.as_slice().to_vec());
            let weights = vec![1.0 / components as f64; components];
            Mixture::new(weights, means.collect(), one.scale_trils().to_vec()).unwrap()
        };
        let (p, q) = (make(), make());
        let single = |of: &Mixture, k: usize| {
            let (mean, factor) = (
                of.means()[k].as_slice().to_vec(),
                of.scale_trils()[k].clone(),
            );
            Mixture::new(vec![1.0], vec![mean], vec![factor]).unwrap()
        };
        let row = |a: usize| -> Vec<f64> {
            (0..components)
                .map(|b| w2(&single(&p, a), &single(&q, b)).value.powi(2))
                .collect()
        };
        let costs: Vec<Vec<f64>> = (0..components).map(row).collect();
        let expected = (matched(&costs, 0, 0) / components as f64).sqrt();
        let found = mw2(&p, &q);
        assert_claimed(&found, expected, "MW₂");
        assert!(found.error.unwrap() < 2e-12 * expected, "{found:?}");
        assert_eq!((found.claim, found.interval), (Claim::UpperBound, None));
    }
}

#[test]
fn mw2_is_a_distance() {
    let mut numbers = Numbers(6);
    for case in 0..25 {
        let dim = 1 + case % 3;
        let mut make = |k| numbers.mixture(k, dim, 1.5);
        let (a, b, c) = (make(3), make(2), make(4));
        let [ab, bc, ac] = [(&a, &b), (&b, &c), (&a, &c)].map(|(p, q)| mw2(p, q).value);
        assert!(ac <= (ab + bc) * (1.0 + 1e-12), "{ac} {ab} {bc}");
        assert_close(mw2(&b, &a).value, ab, 1e-12 * ab, "the other way round");
        // Turned and moved, both alike.
        let turn = DMatrix::from_fn(dim, dim, |_, _| numbers.within(-1.0, 1.0))
            .qr()
            .q();
        let moved = |m: &Mixture| m.transform(&turn, &vec![7.0; dim]).unwrap();
        assert_close(mw2(&moved(&a), &moved(&b)).value, ab, 1e-11 * ab, "moved");
        // A component in two parts is the same density.
        let (weights, means) = (a.weights(), a.means());
        let parts = [0, 0, 1, 2];
        let split = Mixture::new(
            vec![0.25 * weights[0], 0.75 * weights[0], weights[1], weights[2]],
            parts.map(|k| means[k].as_slice().to_vec()).to_vec(),
            parts.map(|k| a.scale_trils()[k].clone()).to_vec(),
        )
        .unwrap();
        assert_close(mw2(&split, &b).value, ab, 1e-11 * ab, "in two parts");
        assert!(mw2(&split, &a).value < 1e-7);
    }
}

#[test]
fn a_light_component_far_away_hides_nothing() {
    // Costs of 1e-6 and of 1e10 and more, weights of 1e-6.
    let at = |shift: f64| {
        let means = vec![vec![shift, 0.0], vec![1e5, shift], vec![0.0, -1e5]];
        Mixture::from_stds(vec![1.0 - 2e-6, 1e-6, 1e-6], means, vec![vec![1.0; 2]; 3]).unwrap()
    };
    let found = mw2(&at(0.0), &at(1e-3));
    let expected = 1e-3 * (1.0f64 - 1e-6).sqrt();
    assert_claimed(&found, expected, "MW₂");
    assert!(found.error.unwrap() < 1e-12 * expected, "{found:?}");
}

#[test]
fn on_a_line_w2_is_between_its_bounds_and_what_sorted_quantiles_give() {
    let p = Mixture::from_stds(
        vec![0.25, 0.75],
        vec![vec![-2.0], vec![1.0]],
        vec![vec![1.0], vec![0.5]],
    );
    let q = Mixture::from_stds(
        vec![0.5, 0.5],
        vec![vec![-1.0], vec![2.0]],
        vec![vec![1.0], vec![2.0]],
    );
    let (p, q) = (p.unwrap(), q.unwrap());
    for (p, q) in [(&p, &q), (&q, &p)] {
        let found = w2(p, q);
        // ∫ (x − G⁻¹(F(x)))² p(x) dx by Gauss–Legendre in NumPy, 24 nodes on each quarter
        // of a unit, the inverse by SciPy's brentq.
        assert_close(found.value, 1.289_125_646_318_631, 1e-13, "W₂");
        assert_eq!(
            (found.method, found.claim),
            (Method::Quadrature, Claim::Integral)
        );
        assert!(found.error.unwrap() < 1e-8, "{found:?}");
    }
    // Two Gaussians have a formula, which panels may be held against.
    let by_panels = Question {
        method: Method::Quadrature,
        ..about(Measure::Wasserstein2)
    };
    for (p, q) in [
        (gaussian(0.0, 1.0), gaussian(3.0, 0.25)),
        (gaussian(0.0, 1.0), gaussian(0.0, 1e5)),
        (gaussian(100.0, 1e-5), gaussian(100.0, 1.0)),
    ] {
        let (found, exact) = (pair(&by_panels, &p, &q), w2(&p, &q).value);
        assert_claimed(&found, exact, "by panels");
        assert!(found.error.unwrap() < 1e-8 * exact, "{found:?}");
    }
    let mut numbers = Numbers(7);
    for case in 0..30 {
        let (p, q) = (
            numbers.mixture(1 + case % 3, 1, 1.0),
            numbers.mixture(2, 1, 1.0),
        );
        let (found, upper) = (w2(&p, &q), mw2(&p, &q));
        let bracket = found.bracket.unwrap();
        assert!(
            bracket.lower <= found.value && found.value <= bracket.upper,
            "{found:?}"
        );
        assert_close(bracket.upper, upper.value, 1e-9 * upper.value, "MW₂");
        assert!(found.error.unwrap() <= 1e-8 * found.value, "{found:?}");
        // The other way round, which places its panels elsewhere.
        let back = w2(&q, &p);
        let both = found.error.unwrap() + back.error.unwrap();
        assert_close(back.value, found.value, both, "the other way round");
    }
}

#[test]
fn w2_of_what_is_no_mixture_is_refused_and_so_are_other_methods() {
    let student = StudentT::new(gaussian(0.0, 1.0), 3.0).unwrap();
    let (p, q) = (
        Operand::new("t.toml", student),
        Operand::new("q", gaussian(0.0, 1.0)),
    );
    let error = about(Measure::Wasserstein2)
        .ask(&p, &q, &|_| {})
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("t.toml") && error.contains("mixtures of Gaussians"),
        "{error}"
    );
    for method in [
        Method::Discrete,
        Method::MonteCarlo,
        Method::Product,
        Method::ClosedForm,
    ] {
        let question = Question {
            method,
            ..about(Measure::Wasserstein2)
        };
        let (p, q) = (Operand::new("p", wide(2, 2)), Operand::new("q", mild(2)));
        let error = question.ask(&p, &q, &|_| {}).unwrap_err().to_string();
        assert!(error.contains(method.name()), "{error}");
    }
}

#[test]
fn bhattacharyya_is_minus_the_logarithm_of_the_overlap() {
    let about = about(Measure::Bhattacharyya);
    // ⅛ m² / s² + ½ log (s² / (σ₁ σ₂)), s² = ½ (σ₁² + σ₂²) (Kailath 1967).
    for (mean, std) in [
        (0.0, 2.0),
        (1.5, 1.0),
        (3.0, 0.125),
        (1e-4, 1.0),
        (40.0, 1e3),
    ] {
        let variance: f64 = 0.5 * (1.0 + std * std);
        let expected = mean * mean / variance / 8.0 + 0.5 * (variance / std).ln();
        let found = pair(&about, &gaussian(0.0, 1.0), &gaussian(mean, std));
        assert_close(
            found.value,
            expected,
            found.error.unwrap() + 1e-15 * (1.0 + expected),
            "of Gaussians",
        );
        assert_eq!(found.divergence, Measure::Bhattacharyya);
        assert_eq!(found.method, Method::ClosedForm);
    }
    let (p, q) = (two_on_a_line(1.5), wide(2, 1));
    let overlap = simpson(-40.0, 40.0, |x| {
        (0.5 * (p.log_density(&[x]) + q.log_density(&[x]))).exp()
    });
    let found = pair(&about, &p, &q);
    assert_close(found.value, -overlap.ln(), 1e-11, "by Simpson's rule");
    let bracket = found.bracket.unwrap();
    assert!(bracket.lower <= found.value && found.value <= bracket.upper);
    let twice = Question {
        divergences: vec![DivergenceKind::from_name("renyi-0.5").unwrap().into()],
        ..Question::default()
    };
    let (twice, back) = (pair(&twice, &p, &q), pair(&about, &q, &p));
    assert_eq!(2.0 * found.value, twice.value);
    assert_eq!(2.0 * found.error.unwrap(), twice.error.unwrap());
    assert_close(back.value, found.value, 1e-12, "of q and p");
    // What is asked for is of it, not of its double.
    let (p, q) = (mild(4), wide(2, 4));
    let sampled = Question {
        accuracy: Accuracy {
            absolute: Some(1e-3),
            relative: None,
        },
        ..about.clone()
    };
    let found = pair(&sampled, &p, &q);
    assert_eq!(found.ending, Some(Ending::Reached));
    let [low, high] = found.interval.unwrap();
    assert!(high - low <= 2e-3, "{found:?}");
}

#[test]
fn the_entropy_of_a_gaussian_and_of_mixtures_has_many_digits() {
    let entropy = |p: &Mixture| klfit::entropy(p).unwrap();
    let constant = 0.5 * (std::f64::consts::TAU.ln() + 1.0);
    let factor = by_factor(&[1.0, 2.0], &[&[2.0, 0.0], &[7.0, 0.25]]);
    let found = entropy(&factor);
    assert_claimed(&found, 2.0 * constant + 0.5f64.ln(), "of a Gaussian");
    assert_eq!(found.claim, Claim::Exact);
    // −∫ p log p with 30 digits in mpmath, in pieces around every component.
    let line = |weights: [f64; 2], means: [f64; 2], stds: [f64; 2]| {
        let each = |of: [f64; 2]| of.map(|x| vec![x]).to_vec();
        Mixture::from_stds(weights.to_vec(), each(means), each(stds)).unwrap()
    };
    let rare = 1.0 / f64::from(1u32 << 20);
    for (p, expected) in [
        (
            line([0.3, 0.7], [-2.0, 1.0], [1.0, 1.0]),
            1.879_837_833_093_807_4,
        ),
        (
            line([0.25, 0.75], [0.0, 0.5], [1.0, 1e-5]),
            -6.653_505_636_724_362,
        ),
        (
            line([1.0 - rare, rare], [0.0, 0.0], [1.0, 1e5]),
            1.418_963_686_219_091_2,
        ),
    ] {
        let found = entropy(&p);
        assert_claimed(&found, expected, "of two");
        assert!(found.error.unwrap() < 1e-11, "{found:?}");
        let bracket = found.bracket.unwrap();
        assert!(
            bracket.lower <= expected && expected <= bracket.upper,
            "{bracket:?}"
        );
        assert!(bracket.width() < 1e-6, "{bracket:?}");
    }
}

/// Components that do not overlap: H = Σₖ wₖ (Hₖ − log wₖ).
#[test]
fn the_entropy_of_what_lies_apart_is_that_of_the_parts_and_their_weights() {
    let mut numbers = Numbers(8);
    let mut misses = Vec::new();
    for case in 0..50 {
        // Panels in the plane take their time.
        let (components, dim) = (1 + case % 4, 1 + usize::from(case % 10 == 9));
        let one = numbers.mixture(components, dim, 2.5);
        let size = one
            .scale_trils()
            .iter()
            .map(|factor| factor.norm())
            .fold(0.0, f64::max);
        let means = (0..components)
            .map(|k| vec![200.0 * size * k as f64; dim])
            .collect();
        let p = Mixture::new(one.weights().to_vec(), means, one.scale_trils().to_vec()).unwrap();
        let constant = 0.5 * dim as f64 * (std::f64::consts::TAU.ln() + 1.0);
        let expected: f64 = (p.weights().iter().zip(p.scale_trils()))
            .map(|(w, l)| w * (l.diagonal().map(f64::ln).sum() + constant - w.ln()))
            .sum();
        let found = klfit::entropy(&p).unwrap();
        let bracket = found.bracket.unwrap();
        let last = 1e-15 * (1.0 + expected.abs());
        assert!(bracket.lower <= expected + last && expected <= bracket.upper + last);
        assert!(found.error.unwrap() < 1e-6, "{found:?}");
        if (found.value - expected).abs() > found.error.unwrap() + last {
            misses.push(format!("{case}: {found:?} {expected}"));
        }
    }
    assert!(misses.is_empty(), "{}", misses.join("\n"));
}

/// The product of the marginals of a plane, as a mixture of K² Gaussians.
fn product_of_marginals(p: &Mixture) -> Mixture {
    let count = p.components();
    let pairs: Vec<(usize, usize)> = (0..count)
        .flat_map(|a| (0..count).map(move |b| (a, b)))
        .collect();
    let std = |k: usize, i: usize| p.scale_trils()[k].row(i).norm();
    Mixture::from_stds(
        pairs
            .iter()
            .map(|&(a, b)| p.weights()[a] * p.weights()[b])
            .collect(),
        pairs
            .iter()
            .map(|&(a, b)| vec![p.means()[a][0], p.means()[b][1]])
            .collect(),
        pairs
            .iter()
            .map(|&(a, b)| vec![std(a, 0), std(b, 1)])
            .collect(),
    )
    .unwrap()
}

#[test]
fn the_total_correlation_is_the_kl_to_the_product_of_the_marginals() {
    let about = about(Measure::TotalCorrelation);
    let mut numbers = Numbers(9);
    let mut misses = Vec::new();
    for case in 0..12 {
        let p = numbers.mixture(1 + case % 3, 2, 0.7);
        let found = alone(&about, &p);
        let expected = klfit::kl(&p, &product_of_marginals(&p)).unwrap();
        let both = found.error.unwrap() + expected.error.unwrap();
        let bracket = found.bracket.unwrap();
        assert!(bracket.lower >= 0.0 && bracket.lower <= expected.value + both);
        assert!(
            expected.value - both <= bracket.upper,
            "{found:?} {expected:?}"
        );
        if (found.value - expected.value).abs() > both + 1e-14 {
            misses.push(format!("{case}: {found:?} {expected:?}"));
        }
        assert!(found.error.unwrap() < 1e-6, "{found:?}");
        // The same by entropies.
        let entropy = |p: &Mixture| klfit::entropy(p).unwrap();
        let parts = [0, 1].map(|i| entropy(&p.marginal(&[i]).unwrap()).value);
        let whole = entropy(&p);
        let by_entropies = parts[0] + parts[1] - whole.value;
        let within = found.error.unwrap() + whole.error.unwrap() + 1e-9;
        assert_close(found.value, by_entropies, within, "by entropies");
    }
    assert!(misses.is_empty(), "{}", misses.join("\n"));
}

#[test]
fn the_total_correlation_of_a_gaussian_is_that_of_its_correlations() {
    let about = about(Measure::TotalCorrelation);
    for correlation in [1e-9, 1e-3, 0.5, 0.999_999] {
        let covariance =
            DMatrix::from_row_slice(2, 2, &[4.0, 2.0 * correlation, 2.0 * correlation, 1.0]);
        let p = Mixture::gaussian(vec![0.0; 2], covariance).unwrap();
        // Near 1 a square would lose what it is from that.
        let expected = match correlation < 0.1 {
            true => -0.5 * (-correlation * correlation).ln_1p(),
            false => -0.5 * ((1.0 - correlation) * (1.0 + correlation)).ln(),
        };
        let found = alone(&about, &p);
        assert_close(
            found.value,
            expected,
            found.error.unwrap() + 1e-15 * expected,
            "TC",
        );
        assert!(
            found.error.unwrap() < 1e-9 * expected.max(1e-12),
            "{found:?}"
        );
    }
    let mut numbers = Numbers(10);
    for dim in [1, 2, 7] {
        let stds = (0..dim)
            .map(|_| numbers.within(0.1, 3.0))
            .collect::<Vec<_>>();
        let variances = DVector::from_iterator(dim, stds.iter().map(|s| s * 1.1 * s));
        let means = vec![0.3; dim];
        let made = Mixture::from_stds(vec![1.0], vec![means.clone()], vec![stds]).unwrap();
        let given = Mixture::gaussian(means, DMatrix::from_diagonal(&variances)).unwrap();
        for p in [made, given] {
            let found = alone(&about, &p);
            assert_eq!(
                (found.value, found.error, found.claim),
                (0.0, Some(0.0), Claim::Exact)
            );
        }
    }
}

#[test]
fn intervals_of_what_is_sampled_hold_the_truth() {
    let mut numbers = Numbers(11);
    let plane = numbers.mixture(3, 2, 0.4);
    let exact = klfit::entropy(&plane).unwrap().value;
    let by_panels = alone(&about(Measure::TotalCorrelation), &plane).value;
    for (measure, exact) in [
        (Measure::Entropy, exact),
        (Measure::TotalCorrelation, by_panels),
    ] {
        let seeds = 40;
        let inside = (0..seeds)
            .filter(|&seed| {
                let question = Question {
                    method: Method::MonteCarlo,
                    samples: Some(16_384),
                    seed,
                    brackets: false,
                    ..about(measure)
                };
                let found = alone(&question, &plane);
                assert_eq!(found.claim, Claim::Sample);
                let [low, high] = found.interval.unwrap();
                assert!(high - low < 0.2, "{found:?}");
                low <= exact && exact <= high
            })
            .count();
        assert!(
            inside as f64 >= 0.85 * seeds as f64,
            "{measure:?}: {inside}"
        );
    }
    // What is asked for is of the entropy.
    let p = numbers.mixture(3, 4, 0.3);
    let question = Question {
        accuracy: Accuracy {
            absolute: None,
            relative: Some(2e-3),
        },
        ..about(Measure::Entropy)
    };
    let found = alone(&question, &p);
    let [low, high] = found.interval.unwrap();
    assert_eq!(found.ending, Some(Ending::Reached), "{found:?}");
    assert!(high - low <= 2.0 * 2e-3 * found.value.abs(), "{found:?}");
    let bracket = found.bracket.unwrap();
    assert!(
        bracket.lower <= found.value && found.value <= bracket.upper,
        "{found:?}"
    );
}

fn klfit_says(arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = Command::cargo_bin("klfit")
        .unwrap()
        .arg("divergence")
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn the_command_tells_them() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| -> String {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let p = write("p.toml", "mean = [0.0, 0.0]\nstd = [1.0, 2.0]\n");
    let q = write("q.toml", "mean = [3.0, 4.0]\nstd = [1.0, 2.0]\n");
    let t = write("t.toml", "dof = 3.0\nmean = [0.0]\nstd = [1.0]\n");
    let (code, told, _) = klfit_says(&[&p, &q, "--kind", "bhattacharyya,wasserstein-2"]);
    assert_eq!(code, Some(0));
    assert!(
        told.contains("W₂(p, q)") && told.contains("5.00000000"),
        "{told}"
    );
    assert!(
        told.contains("units of x") && told.contains("In nats."),
        "{told}"
    );
    let (code, told, _) = klfit_says(&[&p, "--kind", "entropy,total-correlation"]);
    assert_eq!(code, Some(0));
    assert!(told.contains("H(p)") && told.contains("TC(p)"), "{told}");
    assert!(!told.contains("q:"), "{told}");
    let (_, json, _) = klfit_says(&[&p, "--kind", "entropy", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["answers"][0]["divergence"], "entropy");
    assert!(json.get("q").is_none());
    for kind in ["wasserstein-2", "bhattacharyya"] {
        let out = folder.path().join(kind);
        let out = out.to_str().unwrap();
        let (code, _, error) = klfit_says(&[&p, &q, "--matrix", "--kind", kind, "--out", out]);
        assert_eq!(code, Some(0), "{error}");
        let json = std::fs::read_to_string(folder.path().join(kind).join("matrix.json")).unwrap();
        let matrix: Matrix = serde_json::from_str(&json).unwrap();
        assert_eq!(matrix.divergence.name(), kind);
        assert_eq!(matrix.answers[0][1].value, matrix.answers[1][0].value);
    }
    for (arguments, said, remedy) in [
        (
            vec![&*p, &q, "--kind", "entropy"],
            "of one density",
            "--kind entropy",
        ),
        (
            vec![&*p, &q, "--kind", "entropy", "--matrix"],
            "of one density",
            "--matrix",
        ),
        (
            vec![&*p, "--kind", "entropy,kl"],
            "between two densities",
            "entropy",
        ),
        (
            vec![&*t, "--kind", "entropy"],
            "mixture of Gaussians",
            "klfit run",
        ),
        (
            vec![&*t, &t, "--kind", "wasserstein-2"],
            "mixtures of Gaussians",
            "klfit run",
        ),
        (
            vec![&*p, &q, "--kind", "wasserstein-2", "--method", "discrete"],
            "by discrete",
            "--method",
        ),
        (
            vec![&*p, &q, "--kind", "wasserstein-2", "--samples", "9"],
            "no draws",
            "--samples",
        ),
        (
            vec![&*p, "--kind", "entropy", "--method", "product"],
            "by product",
            "--method",
        ),
        (
            vec![&*p, &q, "--method", "transport"],
            "by transport",
            "wasserstein-2",
        ),
    ] {
        let (code, _, error) = klfit_says(&arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {error}");
        assert!(
            error.contains(said) && error.contains(remedy),
            "{arguments:?}: {error}"
        );
    }
}
