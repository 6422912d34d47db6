//! A divergence from points and weights: its value, and how sure that is.

use std::sync::Arc;

use burn::tensor::{DType, Tensor};
use rayon::prelude::*;

use super::{Attempt, Divergence, Estimate, EstimateMethod, Side};
use crate::compute::device::Numerics;
use crate::density::{Averages, Binned, Density, Draws, DrawsError};
use crate::error::Result;
use crate::ranks::{Communicator, gathered};

/// Points under one side with both log-densities there: all any divergence needs.
#[derive(Debug, Clone)]
pub struct Sampled {
    pub(super) draws: Draws,
    pub(super) log_p: Tensor<2>,
    pub(super) log_q: Tensor<2>,
    by_score: bool,
}

impl Sampled {
    /// Evaluates both densities at the draws, p only where it is not known there; of a p that is known by bins, their probabilities.
    pub fn new(draws: Draws, p: &dyn Density, q: &dyn Density) -> Self {
        if let Some(Binned { bins, log_shares }) = p.binned() {
            let log_p = log_shares.clone();
            // What has no masses is nothing that can be compared.
            let log_q = q
                .log_masses(bins)
                .unwrap_or_else(|| log_p.clone().mul_scalar(f64::NAN));
            return Self {
                log_p,
                log_q,
                draws,
                by_score: false,
            };
        }
        let log_p = draws.log_p.clone();
        let log_p = log_p.unwrap_or_else(|| p.log_density(draws.x.clone()));
        Self::with_log_p(draws, log_p, q)
    }

    /// As [`Sampled::new`], with log p already known at the draws.
    pub fn with_log_p(draws: Draws, log_p: Tensor<2>, q: &dyn Density) -> Self {
        Self {
            log_p,
            log_q: q.log_density(draws.x.clone()),
            draws,
            by_score: false,
        }
    }

    /// The same points, which were drawn from q and are not tracked, with the gradient of the score
    /// function.
    pub fn by_score(self) -> Self {
        Self {
            by_score: true,
            ..self
        }
    }

    /// This side's share `[R]`, with its gradient.
    pub fn mean(&self, divergence: &dyn Divergence, side: Side) -> Tensor<1> {
        let values = self.values(divergence, side);
        if self.by_score {
            (self.draws).expectation_by_score(values, self.log_q.clone())
        } else {
            self.draws.expectation(values)
        }
    }

    fn values(&self, divergence: &dyn Divergence, side: Side) -> Tensor<2> {
        divergence.integrand(side, self.log_p.clone(), self.log_q.clone())
    }

    /// All of it, read from the device.
    ///
    /// # Errors
    /// If the device failed.
    pub fn read(&self) -> Result<ReadPoints> {
        let logs = [&self.log_p, &self.log_q];
        let [[of_p, _], [of_q, points]] = logs.map(Tensor::dims);
        let [log_p, log_q] = logs.map(|logs| Numerics::read(logs.clone()));
        Ok(ReadPoints(Arc::new(Numbers {
            runs: of_p.max(of_q),
            points,
            logs: [log_p?, log_q?],
            averages: Averages::new(&self.draws)?,
            epsilon: match self.log_q.dtype() {
                DType::F32 => f32::EPSILON.into(),
                _ => f64::EPSILON,
            },
            method: match self.draws.error {
                DrawsError::Embedded(_) => EstimateMethod::Quadrature,
                DrawsError::Random { .. } | DrawsError::Weighted { .. } => {
                    EstimateMethod::MonteCarlo
                }
                DrawsError::Rows | DrawsError::WeightedRows(_) => EstimateMethod::Data,
            },
        })))
    }
}

/// [`Sampled`] points as numbers; a clone has the same ones.
#[derive(Debug, Clone)]
pub struct ReadPoints(Arc<Numbers>);

#[derive(Debug)]
struct Numbers {
    runs: usize,
    points: usize,
    /// log p and log q, `[R or 1, S]`.
    logs: [Vec<f64>; 2],
    averages: Averages,
    /// The distance of 1 to the next number of their precision.
    epsilon: f64,
    method: EstimateMethod,
}

impl ReadPoints {
    /// S.
    pub fn points(&self) -> usize {
        self.0.points
    }

    /// What the points of each of R runs, or of all, are worth, where they count by weights for what they are not drawn
    /// from.
    pub fn effective_sample_sizes(&self) -> Option<Vec<f64>> {
        self.0.averages.effective_sample_sizes()
    }

    pub(super) fn averages(&self) -> &Averages {
        &self.0.averages
    }

    pub(super) fn epsilon(&self) -> f64 {
        self.0.epsilon
    }

    /// This side's share with its errors, and how it was obtained.
    fn share(&self, divergence: &dyn Divergence, side: Side) -> Share {
        let Numbers {
            averages, epsilon, ..
        } = &*self.0;
        self.shares(|run, [log_p, log_q]| {
            let mut values = vec![0.0; log_q.len()];
            divergence.values(side, log_p, log_q, &mut values);
            // What is averaged is a difference of two logarithms, rounded each by itself.
            // Rows have no log p, and what is averaged over them does without.
            let known = log_p.iter().map(|p| if p.is_nan() { 0.0 } else { p.abs() });
            let rounded: Vec<f64> = known.zip(log_q).map(|(p, q)| p + q.abs()).collect();
            let rounding = averages.mean(run, &rounded) * epsilon;
            [
                averages.mean(run, &values),
                averages.error(run, &values),
                averages.beyond(run, &values) + rounding,
            ]
        })
    }

    /// A share from the value, the error and the floor of each run, [as](Self::of_runs) `of_run` gives them.
    pub(super) fn shares(&self, of_run: impl Fn(usize, [&[f64]; 2]) -> [f64; 3] + Sync) -> Share {
        let found = self.of_runs(of_run);
        let part = |i: usize| found.iter().map(|found| found[i]).collect();
        Share {
            value: part(0),
            error: part(1),
            floor: part(2),
            method: self.0.method,
        }
    }

    /// What becomes of each of R runs, of its log p and log q at S points.
    pub(super) fn of_runs<T: Send>(
        &self,
        of_run: impl Fn(usize, [&[f64]; 2]) -> T + Sync,
    ) -> Vec<T> {
        let points = self.0.points;
        (0..self.0.runs)
            .into_par_iter()
            .map(|run| {
                let logs = self
                    .0
                    .logs
                    .each_ref()
                    .map(|logs| match logs.len() == points {
                        true => &logs[..],
                        false => &logs[run * points..(run + 1) * points],
                    });
                of_run(run, logs)
            })
            .collect()
    }
}

/// What one side adds to a divergence: R values, the errors of the rule, and the errors that any
/// rule of its kind has, `[R]`.
#[derive(Debug, Clone)]
pub(super) struct Share {
    pub value: Vec<f64>,
    pub error: Vec<f64>,
    pub floor: Vec<f64>,
    pub method: EstimateMethod,
}

/// What becomes of the numbers of each run.
pub(super) fn paired(one: &[f64], other: &[f64], with: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    (one.iter().zip(other))
        .map(|(&one, &other)| with(one, other))
        .collect()
}

/// D(p, q) of R runs, `[R]`, in nats, from the share of each of its sides, `[R]`.
pub fn value(divergence: &dyn Divergence, mut share: impl FnMut(Side) -> Tensor<1>) -> Tensor<1> {
    let (&first, others) = sides(divergence);
    let total = others
        .iter()
        .fold(share(first), |sum, &side| sum + share(side));
    divergence.outer(total)
}

/// As [`value`], with the error of each run.
///
/// Errors of the two sides add in squares if the points are random and in absolute value
/// otherwise.
///
/// # Errors
/// If the device failed.
pub fn estimate(
    divergence: &dyn Divergence,
    mut at: impl FnMut(Side) -> Result<ReadPoints>,
) -> Result<Vec<Attempt>> {
    let (&first, others) = sides(divergence);
    let mut total = at(first)?.share(divergence, first);
    for &side in others {
        let share = at(side)?.share(divergence, side);
        let sum = |one: &[f64], other: &[f64]| paired(one, other, |one, other| one + other);
        total = Share {
            value: sum(&total.value, &share.value),
            error: match total.method.is_random() {
                true => paired(&total.error, &share.error, f64::hypot),
                false => sum(&total.error, &share.error),
            },
            floor: sum(&total.floor, &share.floor),
            method: total.method,
        };
    }
    carried(divergence, &total)
}

/// As [`estimate`], over the rows of a sample that come in chunks, each with its share of all of them: their
/// sums are merged (Chan, Golub and LeVeque 1983), in 64 bits. The divergence is a sum over its sides as it is.
///
/// # Errors
/// If the device failed.
pub fn estimate_in_chunks(
    divergence: &dyn Divergence,
    chunks: usize,
    ranks: Option<&dyn Communicator>,
    mut at: impl FnMut(Side, usize) -> Result<ReadPoints>,
) -> Result<Vec<Attempt>> {
    if chunks <= 1 && ranks.is_none() {
        return estimate(divergence, |side| at(side, 0));
    }
    let (&side, _) = sides(divergence);
    let mut merged: Vec<Merged> = Vec::new();
    for chunk in 0..chunks {
        let points = at(side, chunk)?;
        let rows = points.points();
        let all = points.averages().total(0);
        let share = points.share(divergence, side);
        merged.resize_with(share.value.len(), Merged::default);
        for (run, merged) in merged.iter_mut().enumerate() {
            let (value, error) = (share.value[run], share.error[run]);
            merged.take(rows as f64, all / rows as f64, value, error);
            merged.floor += share.floor[run];
        }
    }
    if let Some(ranks) = ranks {
        merged = together(merged, ranks)?;
    }
    Ok(merged.into_iter().map(Merged::attempt).collect())
}

/// What is known of the rows of all ranks, for each run.
fn together(own: Vec<Merged>, ranks: &dyn Communicator) -> Result<Vec<Merged>> {
    let runs = own.len();
    let numbers: Vec<f64> = own.iter().flat_map(Merged::numbers).collect();
    let mut all = vec![Merged::default(); runs];
    for of_rank in gathered(ranks, &numbers)? {
        for (all, numbers) in all.iter_mut().zip(of_rank.as_chunks().0) {
            all.add(Merged::from(*numbers));
        }
    }
    Ok(all)
}

/// What is known of the rows of the chunks so far.
#[derive(Clone, Default)]
struct Merged {
    rows: f64,
    /// The sum of the values there, each times the share of its row.
    total: f64,
    /// That of the squared differences of the values from their mean.
    squares: f64,
    floor: f64,
    /// The share of a row.
    share: f64,
}

impl From<[f64; 5]> for Merged {
    fn from([rows, total, squares, floor, share]: [f64; 5]) -> Self {
        Self {
            rows,
            total,
            squares,
            floor,
            share,
        }
    }
}

impl Merged {
    /// Takes the sum over more rows, each with a `share` of all, and the standard error of that sum.
    fn take(&mut self, rows: f64, share: f64, total: f64, error: f64) {
        // One alone has none.
        if rows > 1.0 {
            let of_mean = error / (rows * share);
            self.squares += of_mean * of_mean * rows * (rows - 1.0);
        }
        let squares = std::mem::take(&mut self.squares);
        self.add(Self {
            rows,
            total,
            squares,
            floor: 0.0,
            share,
        });
    }

    /// Adds what is known of others.
    fn add(&mut self, other: Self) {
        let Self { rows, share, .. } = other;
        self.squares += other.squares;
        if self.rows > 0.0 {
            let apart = other.total / (rows * share) - self.total / (self.rows * share);
            self.squares += apart * apart * rows * self.rows / (rows + self.rows);
        }
        self.rows += rows;
        self.total += other.total;
        self.floor += other.floor;
        self.share = share;
    }

    fn numbers(&self) -> [f64; 5] {
        [self.rows, self.total, self.squares, self.floor, self.share]
    }

    fn attempt(self) -> Attempt {
        let error = (self.squares / (self.rows - 1.0) / self.rows).sqrt();
        Attempt {
            estimate: Estimate {
                value: self.total,
                error: error + self.floor,
                method: EstimateMethod::Data,
            },
            floor: self.floor,
        }
    }
}

/// The divergences of R sums over the sides.
///
/// # Errors
/// If the device failed.
pub(super) fn outer(divergence: &dyn Divergence, totals: Vec<f64>) -> Result<Vec<f64>> {
    if divergence.is_sum() {
        return Ok(totals);
    }
    let runs = totals.len();
    Numerics::read(divergence.outer(Numerics::cpu().tensor(totals, [runs])))
}

/// The divergence of a total, whose errors an outer function carries along its slope.
///
/// # Errors
/// If the device failed.
pub(super) fn carried(divergence: &dyn Divergence, total: &Share) -> Result<Vec<Attempt>> {
    let carried = |errors: &[f64]| -> Result<Vec<f64>> {
        let above = outer(
            divergence,
            paired(&total.value, errors, |value, error| value + error),
        )?;
        let below = outer(
            divergence,
            paired(&total.value, errors, |value, error| value - error),
        )?;
        Ok(paired(&above, &below, |above, below| {
            (0.5 * (above - below)).abs()
        }))
    };
    let errors = carried(&paired(&total.error, &total.floor, |error, floor| {
        error + floor
    }))?;
    let floors = carried(&total.floor)?;
    let values = outer(divergence, total.value.clone())?;
    Ok((values.into_iter().zip(errors).zip(floors))
        .map(|((value, error), floor)| {
            let estimate = Estimate {
                value,
                error,
                method: total.method,
            };
            Attempt { estimate, floor }.certainly(divergence)
        })
        .collect())
}

/// The sides of a divergence, of which there is at least one.
fn sides(divergence: &dyn Divergence) -> (&'static Side, &'static [Side]) {
    (divergence.sides().split_first()).unwrap_or((&Side::Target, &[]))
}
