//! Powers p^α q^(1−α) whose mass lies beyond all components, and where a density is beneath all numbers.
//!
//! The truths are by mpmath with 30 digits: the integral over panels around the mass, whose place follows
//! from the widest components of both.

use klfit::{Answer, DivergenceKind, DivergenceName, Method, Mixture, Operand, Question};

/// Weights, means and standard deviations.
type Line = &'static [(f64, f64, f64)];

fn mixture(line: Line) -> Mixture {
    Mixture::from_stds(
        line.iter().map(|part| part.0).collect(),
        line.iter().map(|part| vec![part.1]).collect(),
        line.iter().map(|part| vec![part.2]).collect(),
    )
    .unwrap()
}

fn of_order(name: &str, order: f64) -> DivergenceKind {
    DivergenceName::from_name(name)
        .unwrap()
        .with_order(Some(order))
        .unwrap()
}

/// p, q, a divergence and what it is.
fn cases() -> [(Line, Line, DivergenceKind, f64); 3] {
    [
        // All of it is 1900 away, where the logs of both are below −8e5 and −2e6.
        (
            &[(0.27, 2.1, 1.476), (0.73, -1.0, 0.2)],
            &[(0.42, -1.65, 0.853), (0.58, -3.8, 0.6)],
            of_order("renyi", 1.5),
            4_964.294_674_662_309,
        ),
        // A hundredth of it is where p is below the least number, and the integral is hardly above 1.
        (
            &[(1.0, 0.0, 1.0)],
            &[(0.99, 0.0, 1.0), (0.01, 0.0, 1.73)],
            of_order("alpha", -0.5),
            0.014_997_995_231_845_557,
        ),
        // Its peak is where the wide part of q takes over, with a corner.
        (
            &[(1.0, 3.0, 1.0)],
            &[(0.99999, 0.0, 1.0), (0.00001, 0.0, 3.0)],
            DivergenceKind::Chi2,
            2_112.727_977_688_485,
        ),
    ]
}

fn ask(p: Line, q: Line, question: &Question) -> Answer {
    let [p, q] = [("p", p), ("q", q)].map(|(name, line)| Operand::new(name, mixture(line)));
    question.ask(&p, &q, &|_| {}).unwrap().remove(0)
}

#[test]
fn panels_find_them() {
    for (p, q, kind, truth) in cases() {
        let question = Question {
            divergences: vec![kind.into()],
            method: Method::Quadrature,
            brackets: false,
            ..Question::default()
        };
        let answer = ask(p, q, &question);
        let (off, error) = ((answer.value - truth).abs(), answer.error.unwrap());
        let last_digit = 4.0 * f64::EPSILON * truth;
        assert!(
            off <= error + last_digit && error < 1e-9 * truth,
            "{answer:?} {truth}"
        );
    }
}

#[test]
fn draws_find_them() {
    for method in [Method::MonteCarlo, Method::Qmc] {
        for (p, q, kind, truth) in cases() {
            let mut inside = 0;
            for seed in 0..60 {
                let question = Question {
                    divergences: vec![kind.into()],
                    method,
                    samples: Some(8192),
                    seed,
                    brackets: false,
                    ..Question::default()
                };
                let answer = ask(p, q, &question);
                let [low, high] = answer.interval.unwrap();
                inside += usize::from((low..=high).contains(&truth));
                assert!(high - low < 0.3 * truth, "{answer:?} {truth}");
            }
            // 95 % of 60 less three standard deviations.
            assert!(
                inside >= 52,
                "{} {}: {inside} of 60",
                method.name(),
                kind.name()
            );
        }
    }
}
