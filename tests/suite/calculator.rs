//! `klfit divergence` and `klfit estimate`: against the literature, against each other, and at the
//! edges.

use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;
use klfit::{
    Accuracy, Answer, Claim, DivergenceKind, Ending, Matrix, Method, Mixture, Operand, Question,
    read_operand,
};
use nalgebra::DMatrix;
use proptest::prelude::*;

use crate::support::{assert_close, divergences_on_a_line, gaussian, two_on_a_line, wide};

fn data(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name);
    path.display().to_string()
}

fn model(i: usize) -> Operand {
    read_operand(&data(&format!("three-models/model{i}.csv"))).unwrap()
}

fn ask(question: &Question, p: &Mixture, q: &Mixture) -> Vec<Answer> {
    let (p, q) = (Operand::new("p", p.clone()), Operand::new("q", q.clone()));
    question.ask(&p, &q, &|_| {}).unwrap()
}

fn by(method: Method) -> Question {
    Question {
        method,
        ..Question::default()
    }
}

fn one(kind: DivergenceKind, method: Method) -> Question {
    Question {
        divergences: vec![kind.into()],
        ..by(method)
    }
}

/// K components in D dimensions, a few standard deviations apart.
fn spread(components: usize, dim: usize, scale: f64) -> Mixture {
    let mean = |k: usize| {
        (0..dim)
            .map(|d| ((k * 7 + d * 3) % 11) as f64 * scale)
            .collect()
    };
    let std = |k: usize| {
        (0..dim)
            .map(|d| 1.0 + ((k + d) % 3) as f64 * scale)
            .collect()
    };
    Mixture::from_stds(
        vec![1.0 / components as f64; components],
        (0..components).map(mean).collect(),
        (0..components).map(std).collect(),
    )
    .unwrap()
}

fn kind(name: &str) -> DivergenceKind {
    DivergenceKind::from_name(name).unwrap()
}

fn klfit(arguments: &[&str]) -> Output {
    Command::cargo_bin("klfit")
        .unwrap()
        .args(arguments)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn the_densities_at_the_rows_give_what_a_tutorial_prints() {
    // scipy.stats.entropy of the densities at the rows; the third digit of the KL is elsewhere.
    let published = [
        [0.0, 0.17877316564929496, 6.628549732040807],
        [0.18572628345083425, 0.0, 5.251771615080081],
        [4.964071493531684, 4.154646297473461, 0.0],
    ];
    let exact = [
        [0.0, 0.36639729, 11.45612863],
        [0.38228323, 0.0, 9.66161874],
        [10.63286729, 8.57097079, 0.0],
    ];
    let models = [model(1), model(2), model(3)];
    let of = |method| {
        let question = one(DivergenceKind::ForwardKl, method);
        Matrix::ask(&question, &models, &|_, _| {}).unwrap()
    };
    let (discrete, closed) = (of(Method::Discrete), of(Method::Auto));
    assert_eq!(discrete.names, ["model1", "model2", "model3"]);
    for i in 0..3 {
        for j in 0..3 {
            let (plug_in, exactly) = (&discrete.answers[i][j], &closed.answers[i][j]);
            assert_close(plug_in.value, published[i][j], 1e-10, "at the rows");
            assert_close(exactly.value, exact[i][j], 5e-9, "of the Gaussians");
            if i != j {
                assert_eq!(plug_in.claim, Claim::PlugIn);
                assert!(plug_in.error.is_none() && plug_in.bracket.is_none());
                assert!(plug_in.reason.contains("not the KL of the densities"));
                assert_eq!(exactly.method, Method::ClosedForm);
            }
        }
    }
    let csv = discrete.to_csv().unwrap();
    assert!(
        csv.starts_with(",model1,model2,model3\nmodel1,0,0.17877316564929"),
        "{csv}"
    );
}

#[test]
fn the_true_divergences_between_the_networks() {
    let folder = tempfile::tempdir().unwrap();
    let networks = [
        "x1 = 0 | x2 = 1 | x3 = 2 + 0.8 x1 - 0.2 x2",
        "x1 = 0.85 | x2 = 1.05 | x3 = 2 + 0.9 x1 - 0.25 x2",
        "x1 = 2 | x2 = 5 | x3 = 4 + 0.8 x1 - 0.8 x2",
    ];
    let operands: Vec<Operand> = (networks.iter().enumerate())
        .map(|(i, network)| {
            let equations: Vec<String> = network.split(" | ").map(|e| format!("\"{e}\"")).collect();
            let path = folder.path().join(format!("{i}.toml"));
            let text = format!("equations = [{}]\nstds = [1.0]\n", equations.join(", "));
            std::fs::write(&path, text).unwrap();
            read_operand(path.to_str().unwrap()).unwrap()
        })
        .collect();
    let question = one(DivergenceKind::ForwardKl, Method::Auto);
    let matrix = Matrix::ask(&question, &operands, &|_, _| {}).unwrap();
    let expected = [
        [0.0, 0.37, 11.16],
        [0.36927813, 0.0, 9.51320313],
        [10.68, 9.07, 0.0],
    ];
    for (answers, expected) in matrix.answers.iter().zip(expected) {
        for (answer, expected) in answers.iter().zip(expected) {
            assert_close(answer.value, expected, 1e-8, "networks");
        }
    }
}

#[test]
fn a_sum_without_its_spacing_is_a_thousand_times_the_divergence() {
    let (p, q, r) = (gaussian(0.0, 2.0), gaussian(2.0, 2.0), gaussian(5.0, 4.0));
    let kl = |p, q| klfit::kl(p, q).unwrap().value;
    assert_close(kl(&p, &q), 0.5, 1e-15, "KL");
    assert_close(kl(&p, &r), 1.09939718, 5e-9, "KL");
    assert_close(kl(&r, &p), 3.93185282, 5e-9, "KL");
    // np.sum(p * np.log(p / q)) over np.arange(-10, 10, 0.001), as a tutorial prints it: 500.
    let sum: f64 = (0..20_000)
        .map(|i| [-10.0 + 0.001 * f64::from(i)])
        .map(|x| p.log_density(&x).exp() * (p.log_density(&x) - q.log_density(&x)))
        .sum();
    assert_close(sum, 500.0, 5e-4, "without dx");
    assert_close(0.001 * sum, kl(&p, &q), 1e-6, "with dx");
}

#[test]
fn monte_carlo_agrees_with_scikit_learn() {
    // tests/data/scikit-learn/divergences.py: 100000 draws each, with their standard errors.
    let peers = [
        (
            DivergenceKind::ForwardKl,
            0.36659386921670245,
            0.0023966927336587845,
        ),
        (
            DivergenceKind::Js,
            0.09287422000033221,
            0.0008221998511807009,
        ),
    ];
    let (p, q) = (
        data("scikit-learn/full.json"),
        data("scikit-learn/tied.npz"),
    );
    let (p, q) = (read_operand(&p).unwrap(), read_operand(&q).unwrap());
    for method in [Method::MonteCarlo, Method::Qmc] {
        let question = Question {
            divergences: peers.iter().map(|peer| peer.0.into()).collect(),
            samples: Some(100_000),
            ..by(method)
        };
        let answers = question.ask(&p, &q, &|_| {}).unwrap();
        for (answer, (kind, value, error)) in answers.iter().zip(peers) {
            let both = answer.error.unwrap().hypot(error);
            assert_close(answer.value, value, 3.0 * both, &kind.name());
            // Strata and nets lower the error; neither is a promise of more than this.
            assert!(answer.error.unwrap() < 1.05 * error, "{answer:?}");
        }
    }
}

/// Methods that integrate.
const INTEGRALS: [Method; 4] = [
    Method::Auto,
    Method::Quadrature,
    Method::MonteCarlo,
    Method::Qmc,
];

#[test]
fn methods_agree_with_simpson_and_with_each_other() {
    let (p, q) = (two_on_a_line(1.5), wide(2, 1));
    let (forward, reverse, js) = divergences_on_a_line(&p, &q);
    for method in INTEGRALS {
        let question = Question {
            samples: matches!(method, Method::MonteCarlo | Method::Qmc).then_some(200_000),
            ..by(method)
        };
        let answers = ask(&question, &p, &q);
        for (answer, expected) in answers
            .iter()
            .zip([forward, reverse, js, forward + reverse])
        {
            let error = answer.error.unwrap();
            let within = match answer.claim {
                Claim::Sample => 4.0 * error,
                _ => error.max(1e-11),
            };
            assert_close(answer.value, expected, within, method.name());
            assert!(error < 0.01 && error > 0.0, "{answer:?}");
        }
    }
    // In five dimensions Gaussians have closed forms to sample against.
    let (p, q) = (spread(1, 5, 0.2), spread(1, 5, 0.3));
    for name in [
        "forward-kl",
        "reverse-kl",
        "jeffreys",
        "renyi-0.5",
        "squared-hellinger",
        "alpha-0.5",
    ] {
        let kind = kind(name);
        let exact = ask(&one(kind, Method::ClosedForm), &p, &q)[0].value;
        for method in [Method::MonteCarlo, Method::Qmc] {
            let question = Question {
                samples: Some(65_536),
                ..one(kind, method)
            };
            let answer = &ask(&question, &p, &q)[0];
            assert_close(answer.value, exact, 4.0 * answer.error.unwrap(), name);
            assert!(answer.error.unwrap() < 0.05 * exact, "{answer:?}");
        }
    }
}

#[test]
fn intervals_hold_the_truth_as_often_as_they_say() {
    let (p, q) = (two_on_a_line(1.5), wide(2, 1));
    let (exact, ..) = divergences_on_a_line(&p, &q);
    for (method, samples) in [(Method::MonteCarlo, 4096), (Method::Qmc, 4096)] {
        let runs = 400;
        let inside = (0..runs)
            .filter(|&seed| {
                let question = Question {
                    samples: Some(samples),
                    seed,
                    brackets: false,
                    ..one(DivergenceKind::ForwardKl, method)
                };
                let [low, high] = ask(&question, &p, &q)[0].interval.unwrap();
                low <= exact && exact <= high
            })
            .count();
        // 95 % of 400 with 4 standard deviations of a binomial; nets are a little cautious.
        let share = inside as f64 / runs as f64;
        assert!(
            (0.906..=0.994).contains(&share),
            "{}: {share}",
            method.name()
        );
    }
}

#[test]
fn sampling_ends_where_it_was_asked_to_or_where_the_samples_do() {
    let (p, q) = (spread(3, 4, 0.2), spread(2, 4, 0.3));
    for method in [Method::MonteCarlo, Method::Qmc] {
        let question = Question {
            accuracy: Accuracy {
                relative: Some(0.02),
                absolute: None,
            },
            ..one(DivergenceKind::ForwardKl, method)
        };
        let answer = &ask(&question, &p, &q)[0];
        assert_eq!(answer.ending, Some(Ending::Reached), "{answer:?}");
        let [low, high] = answer.interval.unwrap();
        assert!(high - low <= 2.0 * 0.02 * answer.value, "{answer:?}");
        assert!(answer.samples < 10_000_000, "{answer:?}");
        let short = Question {
            samples: Some(10_000),
            accuracy: Accuracy {
                relative: None,
                absolute: Some(1e-9),
            },
            ..question
        };
        let answer = &ask(&short, &p, &q)[0];
        assert_eq!(answer.ending, Some(Ending::Spent), "{answer:?}");
        // Nets double, so that up to three times as many end with a whole one.
        assert!((10_000..30_000).contains(&answer.samples), "{answer:?}");
    }
}

#[test]
fn the_same_question_has_the_same_answer() {
    let (p, q) = (spread(3, 4, 0.2), spread(2, 4, 0.3));
    for method in [Method::MonteCarlo, Method::Qmc] {
        let question = Question {
            samples: Some(50_000),
            ..by(method)
        };
        let of = |threads: usize, question: &Question| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            let values: Vec<f64> = pool
                .install(|| ask(question, &p, &q))
                .iter()
                .map(|answer| answer.value)
                .collect();
            values
        };
        assert_eq!(of(1, &question), of(3, &question));
        let other = Question {
            seed: 1,
            ..question.clone()
        };
        assert_ne!(of(1, &question), of(1, &other));
    }
}

#[test]
fn identical_densities_are_at_exactly_zero() {
    let p = spread(3, 2, 0.5);
    let (weights, means, factors) = (p.weights(), p.means(), p.scale_trils());
    // In another order, with a component that is not there.
    let order = [2, 0, 1];
    let mut permuted: Vec<f64> = order.iter().map(|&k| weights[k]).collect();
    permuted.push(0.0);
    let q = Mixture::new(
        permuted,
        order
            .iter()
            .chain(&[0])
            .map(|&k| means[k].as_slice().to_vec())
            .collect(),
        order
            .iter()
            .chain(&[1])
            .map(|&k| factors[k].clone())
            .collect(),
    )
    .unwrap();
    for method in Method::ALL {
        if method == Method::Discrete {
            continue;
        }
        for answer in ask(&by(method), &p, &q) {
            assert_eq!((answer.value, answer.error), (0.0, Some(0.0)), "{answer:?}");
            assert_eq!(answer.claim, Claim::Exact);
        }
    }
    let same = model(1);
    let question = one(DivergenceKind::ForwardKl, Method::Discrete);
    assert_eq!(question.ask(&same, &same, &|_| {}).unwrap()[0].value, 0.0);
}

#[test]
fn approximations_are_what_their_papers_define() {
    // Two components each, worked out in mpmath from the formulas of the papers:
    // tests/data/approximations.py.
    let p = Mixture::from_stds(
        vec![0.4, 0.6],
        vec![vec![-1.0], vec![2.0]],
        vec![vec![0.5], vec![1.5]],
    )
    .unwrap();
    let q = Mixture::from_stds(
        vec![0.7, 0.3],
        vec![vec![-0.5], vec![1.0]],
        vec![vec![2.0], vec![1.75]],
    )
    .unwrap();
    for (method, expected) in APPROXIMATIONS {
        let answer = &ask(&one(DivergenceKind::ForwardKl, method), &p, &q)[0];
        // The upper bound is a minimum that two minimisers look for.
        let within = if answer.claim == Claim::UpperBound {
            1e-9
        } else {
            1e-12
        };
        assert_close(answer.value, expected, within, method.name());
        assert!(
            answer.error.is_none() && answer.interval.is_none(),
            "{answer:?}"
        );
        assert_ne!(answer.claim, Claim::Exact);
    }
    let exact = divergences_on_a_line(&p, &q).0;
    let upper = ask(
        &one(DivergenceKind::ForwardKl, Method::VariationalUpper),
        &p,
        &q,
    );
    assert_eq!(upper[0].claim, Claim::UpperBound);
    assert!(upper[0].value > exact);
    // Sigma points integrate a quadratic exactly.
    let (p, q) = (spread(1, 3, 0.2), spread(1, 3, 0.3));
    let by_points = ask(&one(DivergenceKind::ForwardKl, Method::Unscented), &p, &q);
    assert_close(
        by_points[0].value,
        klfit::kl(&p, &q).unwrap().value,
        1e-12,
        "unscented",
    );
}

/// What tests/data/approximations.py prints.
const APPROXIMATIONS: [(Method, f64); 5] = [
    (Method::Unscented, 0.1585429025697205),
    (Method::Product, 0.23261475120342496),
    (Method::Variational, 0.15701604138814175),
    (Method::VariationalUpper, 0.6399648112514977),
    (Method::Goldberger, 0.573_290_264_848_500_8),
];

#[test]
fn approximations_can_be_negative_and_are_not_called_bounds() {
    // Ten components in a row, and one Gaussian for all of them.
    let means = (0..10).map(|k| vec![0.9 * f64::from(k)]).collect();
    let p = Mixture::from_stds(vec![0.1; 10], means, vec![vec![1.0]; 10]).unwrap();
    let q = Mixture::gaussian(vec![4.0], DMatrix::from_element(1, 1, 7.5)).unwrap();
    let exact = divergences_on_a_line(&p, &q).0;
    assert!(exact > 0.0);
    let mut negative = 0;
    for method in [
        Method::Unscented,
        Method::Product,
        Method::Variational,
        Method::Goldberger,
    ] {
        let answer = &ask(&one(DivergenceKind::ForwardKl, method), &p, &q)[0];
        assert_eq!(answer.claim, Claim::Approximation);
        negative += usize::from(answer.value < 0.0);
        let bracket = answer.bracket.unwrap();
        assert!(bracket.lower <= exact && exact <= bracket.upper && bracket.lower >= 0.0);
    }
    assert!(negative >= 1, "{negative}");
}

/// A mixture with means within a few units and standard deviations of 0.3 to 2.
fn mixtures(dim: usize) -> impl Strategy<Value = Mixture> {
    let component = (
        0.05..1.0f64,
        prop::collection::vec(-3.0..3.0f64, dim),
        prop::collection::vec(0.3..2.0f64, dim),
        prop::collection::vec(-0.8..0.8f64, dim * dim),
    );
    prop::collection::vec(component, 1..=3).prop_map(move |components| {
        let total: f64 = components.iter().map(|c| c.0).sum();
        let factor = |stds: &[f64], below: &[f64]| {
            DMatrix::from_fn(dim, dim, |i, j| match i.cmp(&j) {
                std::cmp::Ordering::Equal => stds[i],
                std::cmp::Ordering::Greater => below[i * dim + j],
                std::cmp::Ordering::Less => 0.0,
            })
        };
        Mixture::new(
            components.iter().map(|c| c.0 / total).collect(),
            components.iter().map(|c| c.1.clone()).collect(),
            components.iter().map(|c| factor(&c.2, &c.3)).collect(),
        )
        .unwrap()
    })
}

/// x ↦ A x + b of a mixture, A lower triangular with a positive diagonal.
fn mapped(mixture: &Mixture, matrix: &DMatrix<f64>, shift: f64) -> Mixture {
    Mixture::new(
        mixture.weights().to_vec(),
        (mixture.means().iter())
            .map(|mean| (matrix * mean).iter().map(|x| x + shift).collect())
            .collect(),
        mixture.scale_trils().iter().map(|l| matrix * l).collect(),
    )
    .unwrap()
}

fn properties(p: &Mixture, q: &Mixture) {
    // In a plane, less than all digits saves the time of the finest grids.
    let question = Question {
        accuracy: Accuracy {
            absolute: (p.dim() > 1).then_some(1e-7),
            relative: None,
        },
        ..by(Method::Auto)
    };
    let answers = ask(&question, p, q);
    let [forward, reverse, js, jeffreys] = &answers[..] else {
        panic!("{answers:?}")
    };
    for answer in &answers {
        let (value, error) = (answer.value, answer.error.unwrap());
        assert!(value >= -error && value > 0.0, "{answer:?}");
        let bracket = answer.bracket.unwrap();
        let inside = bracket.lower <= value + error && value - error <= bracket.upper;
        assert!(inside && bracket.lower >= 0.0, "{answer:?}");
        if p.dim() == 1 {
            assert!(bracket.width() <= 1e-6 * value.max(1.0), "{answer:?}");
        }
    }
    assert!(js.value <= std::f64::consts::LN_2);
    let errors = |a: &Answer, b: &Answer| a.error.unwrap() + b.error.unwrap() + 1e-12;
    let sum = forward.value + reverse.value;
    assert_close(jeffreys.value, sum, 2.0 * errors(forward, reverse), "J");
    let exchanged = ask(&question, q, p);
    assert_close(
        exchanged[0].value,
        reverse.value,
        errors(reverse, &exchanged[0]),
        "exchanged",
    );
    assert_close(
        exchanged[2].value,
        js.value,
        errors(js, &exchanged[2]),
        "JS exchanged",
    );
    let dim = p.dim();
    let matrix = DMatrix::from_fn(dim, dim, |i, j| match i.cmp(&j) {
        std::cmp::Ordering::Equal => 1e3 + i as f64,
        std::cmp::Ordering::Greater => 300.0,
        std::cmp::Ordering::Less => 0.0,
    });
    let elsewhere = ask(
        &question,
        &mapped(p, &matrix, 1e4),
        &mapped(q, &matrix, 1e4),
    );
    for (here, there) in answers.iter().zip(&elsewhere) {
        let rounding = 1e-9 * here.value.max(1.0);
        assert_close(
            there.value,
            here.value,
            errors(here, there) + rounding,
            "mapped",
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn divergences_on_a_line_have_their_properties((p, q) in (mixtures(1), mixtures(1))) {
        properties(&p, &q);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3))]

    #[test]
    fn divergences_in_a_plane_have_their_properties((p, q) in (mixtures(2), mixtures(2))) {
        properties(&p, &q);
    }

    #[test]
    fn brackets_hold_a_sample_in_three_dimensions((p, q) in (mixtures(3), mixtures(3))) {
        let question = Question { samples: Some(20_000), ..by(Method::Qmc) };
        for answer in ask(&question, &p, &q) {
            let bracket = answer.bracket.unwrap();
            let far = 5.0 * answer.error.unwrap();
            let inside = bracket.lower <= answer.value + far && answer.value - far <= bracket.upper;
            prop_assert!(inside, "{answer:?}");
        }
    }
}

#[test]
fn far_apart_mixtures_have_a_finite_divergence() {
    let apart = |shift: f64| {
        Mixture::from_stds(
            vec![0.5, 0.5],
            vec![vec![shift; 3], vec![shift + 5.0; 3]],
            vec![vec![1.0; 3]; 2],
        )
        .unwrap()
    };
    let (p, q) = (apart(0.0), apart(1e6));
    for method in [Method::MonteCarlo, Method::Qmc] {
        let question = Question {
            samples: Some(20_000),
            ..by(method)
        };
        let answers = ask(&question, &p, &q);
        // The nearest component of q is 10⁶ − 5 or so away on each axis: ½ · 3 · 10¹² nats.
        assert!(
            (answers[0].value / 1.5e12 - 1.0).abs() < 1e-4,
            "{:?}",
            answers[0]
        );
        assert_close(answers[2].value, std::f64::consts::LN_2, 1e-12, "JS");
        for answer in &answers {
            let bracket = answer.bracket.unwrap();
            let slack = 5.0 * answer.error.unwrap() + 1e-9 * answer.value;
            assert!(bracket.upper.is_finite(), "{answer:?}");
            assert!(bracket.lower <= answer.value + slack, "{answer:?}");
            assert!(bracket.upper >= answer.value - slack, "{answer:?}");
        }
    }
}

#[test]
fn nearly_singular_covariances_do_no_harm() {
    let thin = DMatrix::from_row_slice(2, 2, &[1.0, 1.0 - 1e-9, 1.0 - 1e-9, 1.0]);
    let p = Mixture::gaussian(vec![0.0, 0.0], thin.clone()).unwrap();
    let q = Mixture::from_covariances(
        vec![0.5, 0.5],
        vec![vec![0.0, 0.0], vec![1.0, 1.0]],
        vec![thin, DMatrix::identity(2, 2)],
    )
    .unwrap();
    for method in [Method::Auto, Method::MonteCarlo] {
        let question = Question {
            samples: (method == Method::MonteCarlo).then_some(20_000),
            ..one(DivergenceKind::ForwardKl, method)
        };
        let answer = &ask(&question, &p, &q)[0];
        // q is half p and, there, hardly anything else.
        assert_close(answer.value, std::f64::consts::LN_2, 1e-3, method.name());
    }
}

#[test]
fn a_thousand_components_and_two_hundred_dimensions() {
    let question = Question {
        samples: Some(64),
        ..one(DivergenceKind::ForwardKl, Method::MonteCarlo)
    };
    let many = &ask(&question, &spread(1000, 2, 0.1), &spread(1000, 2, 0.12))[0];
    assert!(many.value.is_finite() && many.bracket.is_some(), "{many:?}");
    let (p, q) = (spread(3, 200, 0.1), spread(2, 200, 0.1));
    let high = &ask(&question, &p, &q)[0];
    assert!(
        high.value > 0.0 && high.error.unwrap() < high.value,
        "{high:?}"
    );
    let bracket = high.bracket.unwrap();
    assert!(
        bracket.lower <= high.value + 5.0 * high.error.unwrap(),
        "{high:?}"
    );
    assert!(
        bracket.upper >= high.value - 5.0 * high.error.unwrap(),
        "{high:?}"
    );
}

#[test]
fn a_rare_component_that_matters_is_not_missed() {
    for (weight, dim) in [(1e-5, 3), (1e-6, 3), (1e-9, 20)] {
        let p = Mixture::from_stds(
            vec![1.0 - weight, weight],
            vec![vec![0.0; dim], vec![1000.0; dim]],
            vec![vec![1.0; dim]; 2],
        )
        .unwrap();
        let q = Mixture::from_stds(vec![1.0], vec![vec![0.0; dim]], vec![vec![1.1; dim]]).unwrap();
        // Far from each other the components of p do not overlap: KL is the mean of theirs, less
        // what the weights are worth.
        let kl = |mean: f64| {
            let f = Mixture::from_stds(vec![1.0], vec![vec![mean; dim]], vec![vec![1.0; dim]]);
            klfit::kl(&f.unwrap(), &q).unwrap().value
        };
        let entropy = (1.0 - weight) * (1.0 - weight).ln() + weight * weight.ln();
        let exact = (1.0 - weight) * kl(0.0) + weight * kl(1000.0) + entropy;
        for method in [Method::MonteCarlo, Method::Qmc] {
            for seed in 0..8 {
                let question = Question {
                    accuracy: Accuracy {
                        relative: Some(1e-2),
                        absolute: None,
                    },
                    seed,
                    ..one(DivergenceKind::ForwardKl, method)
                };
                let answer = &ask(&question, &p, &q)[0];
                let error = answer.error.unwrap();
                assert_close(answer.value, exact, 5.0 * error + 1e-12, method.name());
                assert!(error < 0.01 * exact, "{answer:?}");
                let bracket = answer.bracket.unwrap();
                assert!(
                    bracket.lower <= exact && exact <= bracket.upper,
                    "{bracket:?} {exact}"
                );
            }
        }
    }
}

#[test]
fn more_accuracy_than_a_grid_has_is_not_looked_for_in_a_sample() {
    let (p, q) = (two_on_a_line(1.5), wide(2, 1));
    let question = Question {
        accuracy: Accuracy {
            relative: Some(1e-16),
            absolute: None,
        },
        ..one(DivergenceKind::ForwardKl, Method::Auto)
    };
    let answer = &ask(&question, &p, &q)[0];
    assert_eq!(
        (answer.method, answer.ending),
        (Method::Quadrature, Some(Ending::Spent))
    );
    assert_close(answer.value, divergences_on_a_line(&p, &q).0, 1e-11, "KL");
}

#[test]
fn a_great_many_components_are_not_put_on_a_grid() {
    let (p, q) = (spread(600, 2, 0.1), spread(500, 2, 0.12));
    let question = Question {
        accuracy: Accuracy {
            relative: Some(0.05),
            absolute: None,
        },
        ..one(DivergenceKind::ForwardKl, Method::Auto)
    };
    let answer = &ask(&question, &p, &q)[0];
    assert_eq!(answer.method, Method::Qmc);
    assert!(answer.reason.contains("too many components"), "{answer:?}");
}

#[test]
fn numbers_beyond_all_measure_are_not_called_exact() {
    let (p, q) = (gaussian(1e200, 1e-200), gaussian(-1e200, 1e200));
    let exact = ask(&one(DivergenceKind::ForwardKl, Method::ClosedForm), &p, &q);
    // ln(1e400) + ½ (2² − 1).
    assert_close(exact[0].value, 400.0 * 10f64.ln() + 1.5, 1e-9, "KL");
    for answer in ask(&by(Method::Auto), &p, &q) {
        let is_known = answer.claim == Claim::Exact && answer.value.is_finite();
        assert!(is_known || answer.claim != Claim::Exact, "{answer:?}");
        assert!(
            answer
                .bracket
                .is_none_or(|bracket| bracket.lower <= bracket.upper),
            "{answer:?}"
        );
    }
}

#[test]
fn heavy_tails_are_told_to_the_last_digits() {
    // mpmath: quad of the density of one t times the log of its ratio to the other's.
    let folder = tempfile::tempdir().unwrap();
    let t = |dof: f64| {
        let path = folder.path().join(format!("{dof}.toml"));
        std::fs::write(
            &path,
            format!("dof = {dof:.1}\nmean = [0.0]\nstd = [1.0]\n"),
        )
        .unwrap();
        read_operand(path.to_str().unwrap()).unwrap()
    };
    for (p, q, expected) in [(1.0, 30.0, 3.5947469298), (1.0, 3.0, 0.292850180288)] {
        let question = one(DivergenceKind::ForwardKl, Method::Auto);
        let answer = &question.ask(&t(p), &t(q), &|_| {}).unwrap()[0];
        assert_close(answer.value, expected, answer.error.unwrap() + 6e-11, "KL");
        assert!(answer.error.unwrap() < 1e-7, "{answer:?}");
    }
    // ∫ p² / q falls off like |x|^−(2(ν_p + 1) − (ν_q + 1)).
    for (p, q, order) in [
        (3.0, 30.0, "chi2"),
        (1.0, 3.0, "renyi-2"),
        (1.0, 3.0, "chi2"),
    ] {
        let question = one(kind(order), Method::Auto);
        let answer = &question.ask(&t(p), &t(q), &|_| {}).unwrap()[0];
        assert_eq!(answer.value, f64::INFINITY, "{answer:?}");
        assert!(
            answer.interval.is_none() && answer.error.is_none(),
            "{answer:?}"
        );
    }
    let question = one(kind("chi2"), Method::Auto);
    let finite = &question.ask(&t(30.0), &t(3.0), &|_| {}).unwrap()[0];
    assert_close(finite.value, 0.0735317971, 1e-9, "χ²");
}

#[test]
fn estimates_do_not_depend_on_the_units_of_the_rows() {
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(data("three-models/model1.csv")).unwrap();
    let estimate = |scale: f64| {
        let rows: Vec<f64> = (text.lines().skip(1))
            .flat_map(|line| {
                line.split(',')
                    .map(|x| x.parse::<f64>().unwrap() * scale)
                    .collect::<Vec<_>>()
            })
            .collect();
        let csv: Vec<String> = (rows.chunks(3))
            .map(|row| row.iter().map(f64::to_string).collect::<Vec<_>>().join(","))
            .collect();
        let path = folder.path().join("rows.csv");
        std::fs::write(&path, csv.join("\n")).unwrap();
        let rows = klfit::read_samples(&path, &klfit::TableOptions::default())
            .unwrap()
            .samples;
        klfit::estimate("rows", &rows, 2, 0, &mut ())
            .unwrap()
            .log_likelihood
            .value
    };
    let one = estimate(1.0);
    for scale in [1e-8, 1e3] {
        assert_close(estimate(scale) + 3.0 * scale.ln(), one, 1e-6, "units");
    }
}

#[test]
fn an_infinite_divergence_says_which_condition_fails() {
    let (p, q) = (gaussian(0.0, 2.0), gaussian(0.0, 1.0));
    for name in ["chi2", "renyi-2", "alpha-1.5"] {
        let answer = &ask(&one(kind(name), Method::Auto), &p, &q)[0];
        assert_eq!(answer.value, f64::INFINITY);
        assert!(
            answer.reason.contains("not positive definite"),
            "{answer:?}"
        );
        let finite = &ask(&one(kind(name), Method::Auto), &q, &p)[0];
        assert!(finite.value.is_finite(), "{finite:?}");
    }
    // α < 0 exchanges the roles.
    let answer = &ask(&one(kind("alpha--1"), Method::Auto), &q, &p)[0];
    assert_eq!(answer.value, f64::INFINITY);
    assert!(
        answer.reason.contains("tails of p are too light"),
        "{answer:?}"
    );
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, stds: &str| -> String {
        let path = folder.path().join(name);
        let keys = "weights = [0.5, 0.5]\nmeans = [[0.0], [1.0]]\n";
        std::fs::write(&path, format!("{keys}stds = {stds}\n")).unwrap();
        path.display().to_string()
    };
    let (p, q) = (
        write("p.toml", "[[1.0], [2.0]]"),
        write("q.toml", "[[1.0], [1.4]]"),
    );
    let output = klfit(&["divergence", &p, &q, "--kind", "chi2,js"]);
    let said = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(said.contains('∞') && said.contains("infinite: "), "{said}");
}

#[test]
fn every_kind_of_file_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| -> PathBuf {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let keys = "weights = [0.25, 0.75]\nmeans = [[0.0], [1.0]]\nstds = [[1.0], [2.0]]\n";
    let bare = write("bare.toml", keys);
    let config = write("config.toml", &format!("name = \"x\"\n[target]\n{keys}"));
    let student = write("t.toml", "dof = 3.0\nmean = [0.0]\nstd = [1.0]\n");
    let read = |path: &Path| read_operand(path.to_str().unwrap()).unwrap();
    assert_eq!(read(&bare).model, read(&config).model);
    assert_eq!(
        read(&student).describe(),
        "1 component of Student's t, ν = 3 in 1 dimension"
    );
    let question = by(Method::Auto);
    let answers = question
        .ask(&read(&student), &read(&bare), &|_| {})
        .unwrap();
    assert!(
        answers
            .iter()
            .all(|a| a.value > 0.0 && a.method == Method::Quadrature)
    );
    for answer in &answers {
        let bracket = answer.bracket.unwrap();
        assert!(
            (bracket.lower..=bracket.upper).contains(&answer.value),
            "{answer:?}"
        );
    }
    // Heavier tails than this have no variance, and the KL to a Gaussian is infinite: from it, and
    // seen from the other side.
    let cauchy = write("cauchy.toml", "dof = 1.0\nmean = [0.0]\nstd = [1.0]\n");
    let value = |kind, p: &Path, q: &Path| {
        one(kind, Method::Auto)
            .ask(&read(p), &read(q), &|_| {})
            .unwrap()[0]
            .value
    };
    assert_eq!(
        value(DivergenceKind::ForwardKl, &cauchy, &bare),
        f64::INFINITY
    );
    assert_eq!(
        value(DivergenceKind::ReverseKl, &bare, &cauchy),
        f64::INFINITY
    );
    assert!(value(DivergenceKind::ReverseKl, &cauchy, &bare).is_finite());
    assert!(value(DivergenceKind::ForwardKl, &cauchy, &student).is_finite());
    for kind in ["full", "tied", "diag", "spherical"] {
        for extension in ["json", "npz"] {
            let operand = read_operand(&data(&format!("scikit-learn/{kind}.{extension}"))).unwrap();
            assert_eq!(
                operand.describe(),
                "a mixture of 2 Gaussians in 3 dimensions"
            );
        }
    }
    assert!(model(1).describe().contains("1000 rows (divided by N − 1)"));
}

#[test]
fn a_run_is_a_density_too() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let config = folder.path().join("run.toml");
    let text_of_config = r#"
        name = "run"
        [target]
        weights = [0.5, 0.5]
        means = [[-2.0], [2.0]]
        stds = [[1.0], [1.0]]
        [optimizer]
        type = "lbfgs"
        steps = 100
        [[fit]]
        divergence = "forward-kl"
        [[fit]]
        divergence = "reverse-kl"
    "#;
    std::fs::write(&config, text_of_config).unwrap();
    let (config, out) = (config.to_str().unwrap(), out.to_str().unwrap());
    let run = klfit(&["run", config, "--out", out, "--no-figures", "--quiet"]);
    assert!(run.status.success(), "{}", text(&run.stderr));
    let (target, fit) = (format!("{out}#target"), format!("{out}#forward-kl"));
    let output = klfit(&["divergence", &target, &fit, "--kind", "kl", "--json"]);
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let value = answer["answers"][0]["value"].as_f64().unwrap();
    assert_close(value, 0.17199876, 1e-8, "KL(p‖q) of the fit");
    let wrong = klfit(&["divergence", &target, &format!("{out}#no-such-fit")]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(
        text(&wrong.stderr).contains("no fit no-such-fit"),
        "{}",
        text(&wrong.stderr)
    );
}

#[test]
fn mistakes_are_named_with_their_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| -> String {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let line = write("line.toml", "mean = [0.0]\nstd = [1.0]\n");
    let plane = write("plane.toml", "mean = [0.0, 0.0]\nstd = [1.0, 2.0]\n");
    let solid = write(
        "solid.toml",
        "mean = [0.0, 0.0, 0.0]\nstd = [1.0, 2.0, 3.0]\n",
    );
    let t = write("t.toml", "dof = 3.0\nmean = [0.0]\nstd = [1.0]\n");
    let hole = write("hole.csv", "a,b\n1,2\n3,\n5,6\n7,9\n");
    let few = write("few.csv", "a,b\n1,2\n3,5\n");
    let flat = write("flat.csv", "a,b\n1,2\n2,4\n3,6\n4,8\n");
    let text_file = write("line.txt", "mean = [0.0]");
    let pickle = write("gm.pkl", "");
    let nothing = write("nothing.toml", "name = \"x\"\n");
    for (arguments, said, remedy) in [
        (vec![&*line, &plane], "1 dimension", "same coordinates"),
        (vec![&*line], "there is one", "another file"),
        (vec![&*line, &line, &line], "3 densities", "--matrix"),
        (vec![&*hole, &plane], "line 3, column b", ""),
        (vec![&*few, &plane], "2 rows are too few", "at least 3 rows"),
        (vec![&*flat, &plane], "column b is 2 a", "leave out b"),
        (vec![&*nothing, &line], "`target` is missing", "means"),
        (vec!["no.toml", &*line], "cannot read no.toml", "path"),
        (vec!["no", &*line], "cannot read no", "path"),
        (vec![&*line, &text_file], "not a kind of file", ".npz"),
        (vec![&*line, &pickle], "not a kind of file", "np.savez("),
        (
            vec![&*line, "nofile.json"],
            "cannot read",
            "check the path\n",
        ),
        (
            vec![&*line, &line, "--alpha", "2"],
            "no divergence has an order",
            "--kind",
        ),
        (
            vec![&*line, &line, "--method", "product", "--samples", "9"],
            "no draws to make",
            "--samples",
        ),
        (
            vec![&*line, &line, "--matrix", "--kind", "kl,js"],
            "holds one divergence",
            "each --kind",
        ),
        (
            vec![&*line, &plane, "--matrix"],
            "1 dimension",
            "same coordinates",
        ),
        (
            vec![&*line, &t, "--method", "qmc"],
            "no forward KL by qmc",
            "monte-carlo",
        ),
        (
            vec![&*line, &t, "--method", "goldberger"],
            "mixtures of Gaussians",
            "--method",
        ),
        (
            vec![&*solid, &solid, "--method", "discrete"],
            "rows of a sample",
            ".csv",
        ),
        (
            vec![&*line, &t, "--method", "closed-form"],
            "no formula",
            "--method",
        ),
        (
            vec![&*line, &line, "--kind", "renyi"],
            "--alpha is missing",
            "--alpha 0.5",
        ),
        (
            vec![&*line, &line, "--kind", "renyi", "--alpha", "1"],
            "order 1 is forward KL",
            "",
        ),
    ] {
        let arguments: Vec<&str> = std::iter::once("divergence").chain(arguments).collect();
        let output = klfit(&arguments);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        assert!(error.contains(said), "{arguments:?}: {error}");
        assert!(error.contains(remedy), "{arguments:?}: {error}");
    }
    let quadrature = klfit(&[
        "divergence",
        &solid,
        &data("scikit-learn/full.json"),
        "--method",
        "quadrature",
    ]);
    assert!(
        text(&quadrature.stderr).contains("3 dimensions"),
        "{}",
        text(&quadrature.stderr)
    );
    for (option, value) in [
        ("--rel-err", "0"),
        ("--abs-err", "-1"),
        ("--samples", "1.5"),
        ("--kind", "kll"),
    ] {
        let output = klfit(&["divergence", &line, &plane, option, value]);
        assert_eq!(output.status.code(), Some(2), "{option} {value}");
    }
}

#[test]
fn a_matrix_is_written_as_csv_json_and_a_figure() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("m");
    let models: Vec<String> = (1..=3)
        .map(|i| data(&format!("three-models/model{i}.csv")))
        .collect();
    let output = klfit(&[
        "divergence",
        &models[0],
        &models[1],
        &models[2],
        "--matrix",
        "--kind",
        "js",
        "--samples",
        "5000",
        "--out",
        out.to_str().unwrap(),
    ]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let csv = std::fs::read_to_string(out.join("matrix.csv")).unwrap();
    let json = std::fs::read_to_string(out.join("matrix.json")).unwrap();
    let matrix: Matrix = serde_json::from_str(&json).unwrap();
    assert_eq!(matrix.to_csv().unwrap(), csv);
    assert_eq!(matrix.divergence, DivergenceKind::Js.into());
    assert_eq!(matrix.answers[0][2], matrix.answers[2][0]);
    for extension in ["svg", "png", "pdf"] {
        assert!(out.join(format!("matrix.{extension}")).exists());
    }
    let svg = std::fs::read_to_string(out.join("matrix.svg")).unwrap();
    assert!(svg.contains("model2") && svg.contains("in rows"));
}

#[test]
fn models_are_estimated_from_samples() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (csv, one, two) = (
        data("three-models/model1.csv"),
        path("one.toml"),
        path("two.toml"),
    );
    let output = klfit(&["estimate", &csv, "--out", &one]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("divided by N − 1"));
    let (written, direct) = (read_operand(&one).unwrap(), model(1));
    let (written, direct) = (
        written.model.as_mixture().unwrap(),
        direct.model.as_mixture().unwrap(),
    );
    // np.mean and np.cov as the tutorial prints them.
    let mean = [0.01277839, 0.9839153, 1.80334137];
    for (found, expected) in written.mean().iter().zip(mean) {
        assert_close(*found, expected, 5e-9, "mean");
    }
    assert_close(written.covariance()[(0, 2)], 0.76022725, 5e-9, "covariance");
    assert_close(
        klfit::kl(written, direct).unwrap().value,
        0.0,
        1e-14,
        "read back",
    );
    let json = path("one.json");
    assert!(klfit(&["estimate", &csv, "--out", &json]).status.success());
    let same = read_operand(&json).unwrap();
    assert_eq!(same.model.as_mixture(), Some(written));
    let again = klfit(&["estimate", &csv, "--out", &one]);
    assert_eq!(again.status.code(), Some(2));
    assert!(text(&again.stderr).contains("--force"));
    let iris = data("iris.csv");
    let output = klfit(&["estimate", &iris, "--components", "2", "--out", &two]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    // The maximum-likelihood value of two components: −1.429031 a row.
    assert!(
        text(&output.stderr).contains("-1.429031"),
        "{}",
        text(&output.stderr)
    );
    assert_eq!(read_operand(&two).unwrap().model.components(), 2);
    let printed = klfit(&["estimate", &csv, "--quiet"]);
    assert!(
        text(&printed.stdout).starts_with("weights = [1.0]"),
        "{}",
        text(&printed.stdout)
    );
    let none = klfit(&["estimate", &csv, "--components", "0"]);
    assert_eq!(none.status.code(), Some(2));
}
