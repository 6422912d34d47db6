//! How narrow brackets are above one dimension, of random pairs of up to ten components.

use klfit::{DivergenceKind, Method, Mixture, Operand, Question};
use nalgebra::DMatrix;

use super::pairs::{Random, lower};

/// Median and largest width of the brackets of KL(p‖q) as a share of the number, and how long one takes in
/// seconds at the median.
pub fn widths(dim: usize, pairs: u64) -> [f64; 3] {
    let (mut shares, mut times) = (Vec::new(), Vec::new());
    for number in 0..pairs {
        let mut random = Random::new(1_000_000 * dim as u64 + number);
        let [p, q] = [(); 2].map(|()| mixture(dim, &mut random));
        let question = Question {
            divergences: vec![DivergenceKind::ForwardKl.into()],
            method: Method::Qmc,
            samples: Some(4096),
            ..Question::default()
        };
        let started = std::time::Instant::now();
        let answers = question.ask(&Operand::new("p", p), &Operand::new("q", q), &|_| {});
        times.push(started.elapsed().as_secs_f64());
        let answer = answers.unwrap().remove(0);
        let bracket = answer.bracket.unwrap();
        shares.push(bracket.width() / bracket.midpoint());
    }
    shares.sort_by(f64::total_cmp);
    times.sort_by(f64::total_cmp);
    let middle = shares.len() / 2;
    [shares[middle], shares[shares.len() - 1], times[middle]]
}

/// Up to ten components with means in a box of 8 and widths from 0.3 to 2 along random directions.
fn mixture(dim: usize, random: &mut Random) -> Mixture {
    let count = 1 + (10.0 * random.unit()) as usize;
    let weights: Vec<f64> = (0..count).map(|_| random.within(0.1, 1.0)).collect();
    let total: f64 = weights.iter().sum();
    let means = (0..count).map(|_| (0..dim).map(|_| random.within(-4.0, 4.0)).collect());
    let means = means.collect();
    let factors = (0..count).map(|_| {
        let widths = DMatrix::from_fn(dim, dim, |i, j| {
            if i == j {
                random.log_within(0.3, 2.0)
            } else {
                0.0
            }
        });
        lower(&(random.rotation(dim) * widths))
    });
    let factors = factors.collect();
    Mixture::new(
        weights.iter().map(|weight| weight / total).collect(),
        means,
        factors,
    )
    .unwrap()
}
