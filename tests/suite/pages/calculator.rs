//! The numbers of `docs/calculator.md`.

use std::path::Path;

use klfit::{
    DivergenceKind, Ending, Matrix, Method, Mixture, Operand, Question, Samples, StudentT,
    TargetModel, read_operand,
};
use nalgebra::DMatrix;

use super::page::{Page, constant};
use crate::support::{gaussian, mild, simpson, wide};

fn page() -> Page {
    Page::open("docs/calculator.md")
}

fn by(method: Method) -> Question {
    Question {
        divergences: vec![DivergenceKind::ForwardKl.into()],
        method,
        brackets: false,
        ..Question::default()
    }
}

fn pair(p: &Mixture, q: &Mixture) -> [Operand; 2] {
    [Operand::new("p", p.clone()), Operand::new("q", q.clone())]
}

#[test]
fn sampling_ends_where_it_says() {
    let (page, sentence) = (
        page(),
        "sampling ends at a relative error of {} or after {} draws.",
    );
    let error = page.numbers(sentence)[0].value;
    let [p, q] = pair(&gaussian(0.0, 1.0), &gaussian(2.0, 1.5));
    let answer = &by(Method::MonteCarlo).ask(&p, &q, &|_| {}).unwrap()[0];
    assert_eq!(answer.ending, Some(Ending::Reached));
    let [low, high] = answer.interval.unwrap();
    let reached = 0.5 * (high - low) / answer.value;
    assert!(reached <= error && reached > 0.3 * error, "{reached}");
    // Of so many draws the interval is that of a normal distribution.
    let half = 0.5 * (high - low) / answer.error.unwrap();
    let held = simpson(-half, half, |z| gaussian(0.0, 1.0).log_density(&[z]).exp());
    page.rounds("- a **{} % interval**, of a sample", &[100.0 * held]);
    page.rounds("go on until half the {} % interval is", &[100.0 * held]);
    page.rounds(
        "The {} % interval is that of a t-distribution",
        &[100.0 * held],
    );
    let constants =
        ["RELATIVE", "SAMPLES"].map(|name| constant("src/calculator/choice.rs", name)[0]);
    page.says(sentence, &constants);
}

#[test]
fn on_a_line_the_components_are_counted() {
    let most = constant("src/calculator/wasserstein/line.rs", "MOST_COMPONENTS");
    page().says(
        "between mixtures that have {} components together at most.",
        &most,
    );
}

#[test]
fn the_method_follows_the_dimension() {
    let page = page();
    let method = |dim: f64| {
        let dim = dim as usize;
        let [p, q] = pair(&mild(dim), &wide(1, dim));
        let few = Question {
            samples: Some(64),
            ..by(Method::Auto)
        };
        few.ask(&p, &q, &|_| {}).unwrap()[0].method
    };
    let sentence = "panels up to {} dimensions; scrambled Sobol points up to {}; draws above";
    let [panels, points] = page.numbers(sentence)[..] else {
        panic!("two numbers");
    };
    assert_eq!(method(panels.value), Method::Quadrature);
    assert_eq!(method(panels.value + 1.0), Method::Qmc);
    // The mixtures above are none in so many dimensions.
    page.says(
        sentence,
        &[
            panels.value,
            constant("src/calculator/choice.rs", "QMC_DIM")[0],
        ],
    );
    let spread = |dim: f64| {
        let dim = dim as usize;
        let row = |value: f64| vec![value; dim];
        let p = Mixture::from_stds(vec![0.5; 2], vec![row(0.0), row(0.1)], vec![row(1.0); 2]);
        let q = Mixture::from_stds(vec![1.0], vec![row(0.0)], vec![row(1.1)]);
        let [p, q] = pair(&p.unwrap(), &q.unwrap());
        let few = Question {
            samples: Some(64),
            ..by(Method::Auto)
        };
        few.ask(&p, &q, &|_| {}).unwrap()[0].method
    };
    assert_eq!(spread(points.value), Method::Qmc);
    assert_eq!(spread(points.value + 1.0), Method::MonteCarlo);
}

#[test]
fn a_mixture_is_estimated_so() {
    let sentence = "from {} k-means starts, no standard deviation below a {} of that of all rows";
    let rows = (0..60).map(|i| f64::from(i * i % 59) + f64::from(i % 2) * 200.0);
    let rows = Samples::new(vec!["x".to_owned()], rows.collect(), 1).unwrap();
    let found = klfit::estimate("rows", &rows, 2, 0, &mut ()).unwrap();
    let starts = klfit::MaximumLikelihood::default().starts as f64;
    page().says(sentence, &[starts, found.relative_floor.unwrap()]);
}

#[test]
fn what_is_often_printed_instead() {
    let page = page();
    let models = [1, 2, 3].map(|i| {
        let file = format!("tests/data/three-models/model{i}.csv");
        read_operand(
            Path::new(env!("CARGO_MANIFEST_DIR"))
                .join(file)
                .to_str()
                .unwrap(),
        )
        .unwrap()
    });
    let of = |method| {
        Matrix::ask(&by(method), &models, &|_, _| {})
            .unwrap()
            .answers
    };
    let (plug_in, exact) = (of(Method::Discrete), of(Method::Auto));
    page.rounds(
        "tutorial it gives {} where the KL of the two Gaussians is {}, and {} where it is {}.",
        &[
            plug_in[0][1].value,
            exact[0][1].value,
            plug_in[0][2].value,
            exact[0][2].value,
        ],
    );
    let sentence = "over a grid of step {} prints {} for N(0, 2²) and N(2, 2²); times dx it is {},";
    let step = page.numbers(sentence)[0].value;
    let (p, q) = (gaussian(0.0, 2.0), gaussian(2.0, 2.0));
    let sum: f64 = (0..(20.0 / step) as u32)
        .map(|i| [-10.0 + step * f64::from(i)])
        .map(|x| p.log_density(&x).exp() * (p.log_density(&x) - q.log_density(&x)))
        .sum();
    page.rounds(sentence, &[step, sum, klfit::kl(&p, &q).unwrap().value]);
}

#[test]
fn formulas_are_of_the_numbers_as_given() {
    let page = page();
    let last = page.numbers("Between N(0, [[7, 7], [7, {}]]) and")[0].value;
    let of = |covariance| Mixture::gaussian(vec![0.0; 2], covariance).unwrap();
    let narrow = of(DMatrix::from_row_slice(2, 2, &[7.0, 7.0, 7.0, last]));
    let seven = of(DMatrix::from_diagonal_element(2, 2, 7.0));
    page.rounds(
        "that makes KL {}. The decimals",
        &[klfit::kl(&narrow, &seven).unwrap().value],
    );
    // ½ (tr Σ/7 − 2 + ln 49/|Σ|), |Σ| = 7 · 1e-10 in decimals.
    let by_hand: f64 = 0.5 * (1.0 + 7.000_000_000_1 / 7.0 - 2.0 + (49.0f64 / 7e-10).ln());
    page.rounds("no double holds, would make it {}: where", &[by_hand]);
    let constants =
        ["DOUBLED_DIM", "GOOD"].map(|name| constant("src/divergence/closed_form/mod.rs", name)[0]);
    page.says(
        "(above {} dimensions, where doubles leave an error above {} of the value)",
        &constants,
    );
    for power in [1, 10, 20, 30, 40, 50] {
        let r = 1.0 - 2f64.powi(-power);
        let correlated = of(DMatrix::from_row_slice(2, 2, &[1.0, r, r, 1.0]));
        let kl = klfit::kl(&correlated, &of(DMatrix::identity(2, 2))).unwrap();
        page.resembles(
            "It is about {} of the value at any",
            &[kl.error.unwrap() / kl.value],
        );
    }
}

#[test]
fn points_come_from_here() {
    let page = page();
    let of_bridges = |name| constant("src/calculator/sampling/bridges.rs", name);
    let portion = constant("src/calculator/sampling/strata.rs", "PORTION")[0];
    page.says(
        "alone is asked for, m is {}p + {}q, and",
        &[portion, 1.0 - portion],
    );
    let [around, peaks] = of_bridges("PORTIONS")[..] else {
        panic!("two portions");
    };
    page.says("in *bridges*. A {} of it is for", &[around]);
    page.says("A {} is for the peaks of", &[peaks]);
    page.says(
        "a component that is {} times narrower than",
        &of_bridges("NARROW"),
    );
    page.says(
        "two Gaussians of {} and {} times its scale",
        &of_bridges("WIDENED"),
    );
    page.says("if ∫ √(p q) is below {}:", &of_bridges("APART"));
    let flanks = of_bridges("FLANKS");
    page.says(
        "which is a Gaussian, and {} as wide a one, for",
        &flanks[2..3],
    );
    // p²/q of N(3, 1) and N(0, 1), by its logarithm on a grid, and the mass beyond its top.
    let (p, q) = (gaussian(3.0, 1.0), gaussian(0.0, 1.0));
    let log = |x: f64| 2.0 * p.log_density(&[x]) - q.log_density(&[x]);
    let top = (0..=2000)
        .map(|i| 0.01 * f64::from(i))
        .max_by(|a, b| log(*a).total_cmp(&log(*b)));
    let beyond = |of: &Mixture| simpson(top.unwrap(), 30.0, |x| of.log_density(&[x]).exp());
    page.rounds(
        "p²/q of N(3, 1) and N(0, 1) is largest at {}, beyond which are {} of p and {} of q.",
        &[top.unwrap(), beyond(&p), beyond(&q)],
    );
    // Quantiles at 0.975 of Student's t with two degrees of freedom, (2u − 1)/√(2u(1 − u)), and of a normal.
    let two = 0.95 / (2.0f64 * 0.975 * 0.025).sqrt();
    page.rounds(
        "hardly two, the interval is {} times as wide",
        &[two / 1.959_964],
    );
}

#[test]
fn brackets_are_so_narrow() {
    let page = page();
    let share = page.numbers("as narrow as asked for ({} of the number if nothing is)")[0].value;
    let data = |name: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/data/pages")
            .join(name);
        read_operand(path.to_str().unwrap()).unwrap()
    };
    let (p, q) = (data("p.toml"), data("q.toml"));
    for answer in Question::default().ask(&p, &q, &|_| {}).unwrap() {
        let width = answer.bracket.unwrap().width() / answer.value;
        assert!(width <= share && width > 1e-3 * share, "{width}");
    }
    page.says(
        "as narrow as asked for ({} of the number if nothing is)",
        &constant("src/calculator/agreement.rs", "NARROW"),
    );
    page.says(
        "Up to {} dimensions it is narrowed by boxes",
        &constant("src/calculator/bracket/cells.rs", "MOST_DIM"),
    );
}

#[test]
fn tails_too_heavy_are_told() {
    let most = page().numbers("KL from a Student-t with ν ≤ {} to a mixture")[0].value;
    let kl = |dof: f64| {
        let p = TargetModel::StudentT(StudentT::new(gaussian(0.0, 1.0), dof).unwrap());
        let (p, q) = (Operand::new("p", p), Operand::new("q", gaussian(0.0, 1.0)));
        by(Method::Auto).ask(&p, &q, &|_| {}).unwrap()[0].value
    };
    assert!(kl(most).is_infinite() && kl(most + 0.5).is_finite());
}
