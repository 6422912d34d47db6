//! The judge's own truths beside those of mpmath.

use std::collections::BTreeMap;

use klfit::DivergenceKind;
use serde::Deserialize;

use super::line::{Line, Part};
use super::pairs::Pair;
use super::truth::{Truth, truths};

/// A pair of `tests/data/calibration/pairs.jsonl`, with its divergences to 24 digits.
#[derive(Debug, Deserialize)]
pub struct Known {
    pub name: String,
    pub p: Vec<Part>,
    pub q: Vec<Part>,
    values: BTreeMap<DivergenceKind, String>,
}

impl Known {
    /// Every divergence that 64 bits can hold.
    pub fn values(&self) -> impl Iterator<Item = (DivergenceKind, Truth)> {
        self.values.iter().filter_map(|(&kind, digits)| {
            if digits == "inf" {
                return Some((kind, Truth::INFINITE));
            }
            let value: f64 = digits.parse().unwrap();
            let error = f64::EPSILON * value.abs();
            (value < 1e300).then_some((kind, Truth { value, error }))
        })
    }
}

/// As pairs to ask klfit about; the weights are made to sum to 1, which near pairs feel.
pub fn pairs() -> Vec<Pair> {
    let pair = |(number, known): (u64, Known)| {
        let [p, q] = [&known.p, &known.q].map(|parts| Line::new(parts).mixture());
        let truths = truths(&Line::of(&p), &Line::of(&q));
        Pair {
            number,
            p,
            q,
            truths,
        }
    };
    (0..).zip(known()).map(pair).collect()
}

/// All pairs.
pub fn known() -> Vec<Known> {
    let lines = include_str!("../data/calibration/pairs.jsonl").lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn the_truths_agree_with_those_of_mpmath() {
    let pairs = known();
    assert!(pairs.len() > 300);
    let (mut count, mut relative) = (0, Vec::new());
    for pair in &pairs {
        let found = truths(&Line::new(&pair.p), &Line::new(&pair.q));
        for (kind, expected) in pair.values() {
            let found = found.of(kind).unwrap();
            if expected.value.is_infinite() {
                assert_eq!(found.value, f64::INFINITY, "{} {}", pair.name, kind.name());
                continue;
            }
            let off = (found.value - expected.value).abs();
            assert!(
                off <= found.error + expected.error,
                "{} {}: {found:?}, expected {expected:?}; {pair:?}",
                pair.name,
                kind.name()
            );
            count += 1;
            // A claim that is so wide that it cannot be wrong is none.
            relative.push(found.error / expected.value.abs().max(1e-3));
        }
    }
    relative.sort_by(f64::total_cmp);
    let of = |share: f64| relative[(share * (relative.len() - 1) as f64) as usize];
    assert!(
        of(0.5) < 1e-14 && of(1.0) < 1e-11,
        "{} {}",
        of(0.5),
        of(1.0)
    );
    println!(
        "{count} divergences; errors: median {:.1e}, largest {:.1e}",
        of(0.5),
        of(1.0)
    );
}
