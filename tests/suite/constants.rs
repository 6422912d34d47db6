//! What the constant of an unnormalised density is off by, in divergences to it.

use std::collections::BTreeMap;

use klfit::{
    Accuracy, DivergenceKind, Ending, Formula, Mixture, Operand, Question, Support, Variable,
};
use nalgebra::{DMatrix, DVector};

/// Gaussians up to a constant, and how far their standard deviation along x1 is from 1.
const CASES: [(usize, f64); 6] = [
    (3, 1.0),
    (4, 1.02),
    (6, 1.0),
    (8, 1.01),
    (12, 1.0),
    (20, 1.0),
];

#[test]
fn a_divergence_to_an_unnormalised_density_is_as_far_off_as_it_says() {
    let kinds = [
        "forward-kl",
        "reverse-kl",
        "js",
        "squared-hellinger",
        "renyi-0.5",
        "chi2",
    ];
    let kinds = kinds.map(|name| DivergenceKind::from_name(name).unwrap());
    let question = Question {
        divergences: kinds.iter().map(|kind| (*kind).into()).collect(),
        accuracy: Accuracy {
            relative: Some(1e-3),
            ..Accuracy::default()
        },
        samples: Some(200_000),
        brackets: false,
        ..Question::default()
    };
    // What is off by two errors of log Z is the same for all kinds.
    let (mut misses, mut outside, mut told) = (Vec::new(), Vec::new(), 0);
    for (dim, std) in CASES {
        let x = Variable {
            name: "x".into(),
            len: dim,
            support: Support::Real,
        };
        let text = format!("-0.5*sum(square(x)) + 0.5*(1 - {std}^-2)*square(x1) + 3");
        let formula = Formula::new(&text, vec![x], BTreeMap::new()).unwrap();
        let p = Operand::new("p", klfit::locate(formula).unwrap());
        let mut covariance = DMatrix::identity(dim, dim);
        covariance[(0, 0)] = std * std;
        let explicit = Mixture::gaussian(vec![0.0; dim], covariance).unwrap();
        let mut mean = DVector::zeros(dim);
        mean[0] = 1e-3;
        let q = Mixture::gaussian(mean.as_slice().to_vec(), DMatrix::identity(dim, dim)).unwrap();
        let [explicit, q] = [("p", explicit), ("q", q)].map(|(name, of)| Operand::new(name, of));
        let truths = question.ask(&explicit, &q, &|_| {}).unwrap();
        let answers = question.ask(&p, &q, &|_| {}).unwrap();
        for (answer, truth) in answers.iter().zip(truths) {
            let name = answer.divergence.name();
            let (error, [low, high]) = (answer.error.unwrap(), answer.interval.unwrap());
            let off = (answer.value - truth.value).abs();
            if !(low <= truth.value && truth.value <= high) {
                outside.push(dim);
            }
            // It grows like the square: three standard errors of log Z are nine of it.
            if off > 9.0 * error {
                let (value, truth) = (answer.value, truth.value);
                misses.push(format!("{dim}-D {name}: {value} ± {error} for {truth}"));
            }
            told += usize::from(error < 1e-5);
            if error > 2e-3 * answer.value {
                assert_ne!(answer.ending, Some(Ending::Reached), "{dim}-D {name}");
            }
        }
    }
    assert!(misses.is_empty(), "{}", misses.join("\n"));
    outside.dedup();
    assert!(outside.len() <= 1, "{outside:?} of {} cases", CASES.len());
    // Of the square of the error of log Z there is little.
    assert!(told > 30, "{told} of 36");
}
