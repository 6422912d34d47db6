//! Means over draws, and how sure they are, from numbers that were read from their device.

use super::draws::{Draws, DrawsError, Embedded};
use crate::compute::device::Numerics;
use crate::error::Result;

/// Sums are taken of so many numbers at a time, each in its place.
const LANES: usize = 8;

/// The weights of R runs, or one set of them for all, and how the errors of their means are estimated.
#[derive(Debug)]
pub struct Averages {
    /// S.
    points: usize,
    /// `[R or 1, S]`, as all that is shaped as the weights.
    weights: Vec<f64>,
    rule: Rule,
}

/// As [`DrawsError`].
#[derive(Debug)]
enum Rule {
    Embedded(Embedded<Vec<f64>>),
    Random { strata: usize, group: usize },
    Weighted { group: usize },
    WeightedRows(Vec<f64>),
}

impl Averages {
    /// Of draws.
    ///
    /// # Errors
    /// If the device failed.
    pub fn new(draws: &Draws) -> Result<Self> {
        let read = |tensor: &_| Numerics::read::<2>(Clone::clone(tensor));
        let rule = match &draws.error {
            DrawsError::Embedded(rules) => {
                let Embedded { coarser, shells } = &**rules;
                let [half, quarter] = coarser;
                let shells = match shells {
                    Some([outer, inner]) => Some([read(outer)?, read(inner)?]),
                    None => None,
                };
                Rule::Embedded(Embedded {
                    coarser: [read(half)?, read(quarter)?],
                    shells,
                })
            }
            &DrawsError::Random { strata, group } => Rule::Random { strata, group },
            &DrawsError::Weighted { group } => Rule::Weighted { group },
            DrawsError::Rows => Rule::Random {
                strata: 1,
                group: 1,
            },
            DrawsError::WeightedRows(spreads) => Rule::WeightedRows(read(spreads)?),
        };
        let [_, points] = draws.weights.dims();
        Ok(Self {
            points,
            weights: read(&draws.weights)?,
            rule,
        })
    }

    /// How many independent points with equal weights would do as well as random ones that count by weights,
    /// 1 / Σ w² of each run (Kish 1965); `None` for other points.
    pub fn effective_sample_sizes(&self) -> Option<Vec<f64>> {
        let of = |weights| 1.0 / dot(weights, weights);
        matches!(self.rule, Rule::Weighted { .. })
            .then(|| self.weights.chunks(self.points.max(1)).map(of).collect())
    }

    /// What has a row for each run, or one for all.
    fn of<'a>(&self, run: usize, all: &'a [f64]) -> &'a [f64] {
        match all.len() == self.points {
            true => all,
            false => &all[run * self.points..(run + 1) * self.points],
        }
    }

    /// Σ w over the points of a run.
    pub fn total(&self, run: usize) -> f64 {
        sum(self.of(run, &self.weights).iter().copied())
    }

    /// Σ w f, of S values f in a run.
    pub fn mean(&self, run: usize, values: &[f64]) -> f64 {
        dot(self.of(run, &self.weights), values)
    }

    /// The error of [that](Self::mean).
    ///
    /// Of a rule with spacing h, |I(h) − I(2h)|, which overestimates where it converges
    /// exponentially. Where a function bends within a spacing it converges like h² with a factor
    /// that depends on where the points fall, and two rules may agree by chance. Against that guards
    /// a quarter of |I(2h) − I(4h)|, about three times the error of the finest; with both, one
    /// function of two bends in a hundred has a larger error than estimated.
    ///
    /// Of random points, one standard error √(Σₖ wₖ² sₖ² / M) of a stratified mean (Cochran 1977,
    /// §5.3).
    pub fn error(&self, run: usize, values: &[f64]) -> f64 {
        let weights = self.of(run, &self.weights);
        match &self.rule {
            Rule::Embedded(rules) => {
                let [half, quarter] = (rules.coarser.each_ref()).map(|rule| self.of(run, rule));
                let apart = |one: &[f64], other: &[f64]| {
                    let terms = (one.iter().zip(other)).zip(values);
                    sum(terms.map(|((one, other), value)| (one - other) * value)).abs()
                };
                let (finest, coarser) = (apart(weights, half), apart(half, quarter) / 4.0);
                if finest < coarser { coarser } else { finest }
            }
            &Rule::Random { strata, group } => standard_error(weights, values, strata, group),
            &Rule::Weighted { group } => weighted_error(weights, values, group),
            Rule::WeightedRows(spreads) => {
                let mean = dot(weights, values);
                let squares = self.of(run, spreads).iter().zip(values);
                sum(squares.map(|(spread, value)| spread * (value - mean).powi(2))).sqrt()
            }
        }
    }

    /// An estimate of what the points do not reach: Σ w |f| over the two outermost shells of a
    /// rule, S₁ outside S₂, continues as a geometric series, S₁² / (S₂ − S₁). It is infinite where f
    /// does not fall off, and 0 for points without an end.
    pub fn beyond(&self, run: usize, values: &[f64]) -> f64 {
        let Rule::Embedded(Embedded {
            shells: Some(shells),
            ..
        }) = &self.rule
        else {
            return 0.0;
        };
        let [outer, inner] = shells.each_ref().map(|shell| {
            let sizes = self.of(run, shell).iter().zip(values);
            sum(sizes.map(|(weight, value)| weight * value.abs()))
        });
        if outer == 0.0 {
            0.0
        } else if outer >= inner {
            f64::INFINITY
        } else {
            outer / (inner / outer - 1.0)
        }
    }
}

fn standard_error(weights: &[f64], values: &[f64], strata: usize, group: usize) -> f64 {
    if values.is_empty() {
        return f64::NAN;
    }
    let per_stratum = values.len() / strata;
    let groups = (per_stratum / group) as f64;
    let of_strata = values.chunks(per_stratum).zip(weights.chunks(per_stratum));
    sum(of_strata.map(|(values, weights)| {
        let means = || {
            values
                .chunks(group)
                .map(|of| of.iter().sum::<f64>() / group as f64)
        };
        let mean = sum(means()) / groups;
        let variance = sum(means().map(|of_group| (of_group - mean).powi(2))) / (groups - 1.0);
        sum(weights.iter().copied()).powi(2) * (variance / groups)
    }))
    .sqrt()
}

/// √(Σ (Σ w (f − mean))²), the inner sums over the points of each group (Owen 2013, §9.2).
fn weighted_error(weights: &[f64], values: &[f64], group: usize) -> f64 {
    let mean = dot(weights, values);
    let of_groups = weights.chunks(group).zip(values.chunks(group));
    sum(of_groups.map(|(weights, values)| {
        // A point without weight counts for nothing, whatever f is there.
        let counting = weights
            .iter()
            .zip(values)
            .filter(|(weight, _)| **weight != 0.0);
        let off: f64 = counting
            .map(|(weight, value)| weight * (value - mean))
            .sum();
        off * off
    }))
    .sqrt()
}

fn dot(one: &[f64], other: &[f64]) -> f64 {
    let ((one, rest), (other, others)) = (one.as_chunks(), other.as_chunks());
    let mut lanes = [0.0; LANES];
    for (one, other) in one.iter().zip(other) {
        let pairs: (&[f64; LANES], &[f64; LANES]) = (one, other);
        for ((lane, one), other) in lanes.iter_mut().zip(pairs.0).zip(pairs.1) {
            *lane += one * other;
        }
    }
    let rest: f64 = (rest.iter().zip(others))
        .map(|(one, other)| one * other)
        .sum();
    lanes.iter().sum::<f64>() + rest
}

/// Several sums, which are added up at the end: no one of them waits for the last term of another, and each rounds less.
fn sum(mut terms: impl Iterator<Item = f64>) -> f64 {
    let mut lanes = [0.0; LANES];
    loop {
        for lane in &mut lanes {
            let Some(term) = terms.next() else {
                return lanes.iter().sum();
            };
            *lane += term;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn averages(weights: &[f64], runs: usize, error: DrawsError) -> Averages {
        let numerics = Numerics::cpu();
        let points = weights.len() / runs;
        let draws = Draws {
            x: numerics.tensor(vec![0.0; points], [1, points, 1]),
            weights: numerics.tensor(weights.to_vec(), [runs, points]),
            error,
            log_p: None,
        };
        Averages::new(&draws).unwrap()
    }

    fn assert_near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-14, "{found} {expected}");
    }

    #[test]
    fn random_points_spread_within_their_strata_and_groups() {
        let values = [1.0, 3.0, 2.0, 8.0];
        // Of the strata the variances are 2 and 18, and the shares 0.2 and 0.8; of the other run those are the other way
        // round.
        let weights = [0.1, 0.1, 0.4, 0.4, 0.4, 0.4, 0.1, 0.1];
        let in_strata = DrawsError::Random {
            strata: 2,
            group: 1,
        };
        let found = averages(&weights, 2, in_strata);
        assert_near(found.mean(0, &values), 4.4);
        assert_near(found.error(0, &values), (0.04 + 0.64 * 9.0_f64).sqrt());
        assert_near(found.mean(1, &values), 2.6);
        assert_near(found.error(1, &values), (0.64 + 0.04 * 9.0_f64).sqrt());
        assert_near(found.total(1), 1.0);
        assert_eq!(found.effective_sample_sizes(), None);
        // Pairs have the means 2 and 5. One set of weights is that of every run.
        let in_pairs = DrawsError::Random {
            strata: 1,
            group: 2,
        };
        let found = averages(&[0.25; 4], 1, in_pairs);
        assert_near(found.error(3, &values), 1.5);
        assert_near(found.beyond(3, &values), 0.0);
        // As many as there are lanes, and more.
        let values: Vec<f64> = (0..21).map(f64::from).collect();
        let found = averages(&[1.0 / 21.0; 21], 1, DrawsError::Rows);
        assert_near(found.mean(0, &values), 10.0);
        assert_near(found.error(0, &values), (38.5 / 21.0_f64).sqrt());
    }

    #[test]
    fn points_count_by_their_weights() {
        let found = averages(&[0.5, 0.5, 0.0], 1, DrawsError::Weighted { group: 1 });
        assert_near(found.error(0, &[1.0, 3.0, 70.0]), 0.5_f64.sqrt());
        assert_eq!(found.effective_sample_sizes(), Some(vec![2.0]));
        let spreads = Numerics::cpu().tensor(vec![0.1, 0.2], [1, 2]);
        let rows = DrawsError::WeightedRows(Box::new(spreads));
        let found = averages(&[0.25, 0.75], 1, rows);
        assert_near(found.error(0, &[0.0, 4.0]), 1.1_f64.sqrt());
    }

    #[test]
    fn a_rule_is_held_against_coarser_ones_and_goes_on_where_it_ends() {
        let row = |values: [f64; 3]| Numerics::cpu().tensor(values.to_vec(), [1, 3]);
        let of = |quarter| {
            let rules = Embedded {
                coarser: [row([0.5, 0.0, 0.5]), row(quarter)],
                shells: Some([row([1.0, 0.0, 0.0]), row([0.0, 1.0, 0.0])]),
            };
            let error = DrawsError::Embedded(Box::new(rules));
            averages(&[0.25, 0.5, 0.25], 1, error)
        };
        // 2.5 by the rule, 2 by half of its points.
        let values = [1.0, 3.0, 3.0];
        assert_near(of([0.5, 0.0, 0.5]).error(0, &values), 0.5);
        assert_near(of([3.0, 0.0, 1.0]).error(0, &values), 1.0);
        // S₁ = 1 and S₂ = 3.
        assert_near(of([0.0; 3]).beyond(0, &values), 0.5);
        assert_near(of([0.0; 3]).beyond(0, &[-1.0, -3.0, 0.0]), 0.5);
        assert_near(of([0.0; 3]).beyond(0, &[0.0, 3.0, 1.0]), 0.0);
        assert_eq!(of([0.0; 3]).beyond(0, &[3.0, 3.0, 1.0]), f64::INFINITY);
    }
}
