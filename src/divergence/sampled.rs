//! A divergence from points and weights: its value, and how sure that is.

use burn::tensor::{DType, Tensor};

use super::{Attempt, Divergence, Estimate, EstimateMethod, Side};
use crate::compute::device::Numerics;
use crate::density::{Binned, Density, Draws, DrawsError};
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

    /// What the points are worth, `[R]`, where they count by weights for what they are not drawn from.
    pub fn effective_sample_size(&self) -> Option<Tensor<1>> {
        self.draws.effective_sample_size()
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

    /// This side's share with its errors, and how it was obtained.
    fn share(&self, divergence: &dyn Divergence, side: Side) -> Share {
        let values = self.values(divergence, side);
        // What is averaged is a difference of two logarithms, rounded each by itself.
        // Rows have no log p, and what is averaged over them does without.
        let log_p = (self.log_p.clone()).mask_fill(self.log_p.clone().is_nan(), 0.0);
        let rounded = log_p.abs() + self.log_q.clone().abs();
        let rounding = (self.draws.expectation(rounded)).mul_scalar(epsilon(&values));
        let method = match self.draws.error {
            DrawsError::Embedded(_) => EstimateMethod::Quadrature,
            DrawsError::Random { .. } | DrawsError::Weighted { .. } => EstimateMethod::MonteCarlo,
            DrawsError::Rows | DrawsError::WeightedRows(_) => EstimateMethod::Data,
        };
        Share {
            error: self.draws.error(values.clone()),
            floor: self.draws.beyond(values.clone()) + rounding,
            value: self.draws.expectation(values),
            method,
        }
    }
}

/// What one side adds to a divergence: R values, the errors of the rule, and the errors that any
/// rule of its kind has, `[R]`.
pub(super) struct Share {
    pub value: Tensor<1>,
    pub error: Tensor<1>,
    pub floor: Tensor<1>,
    pub method: EstimateMethod,
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
    mut at: impl FnMut(Side) -> Sampled,
) -> Result<Vec<Attempt>> {
    let (&first, others) = sides(divergence);
    let mut total = at(first).share(divergence, first);
    for &side in others {
        let share = at(side).share(divergence, side);
        total = Share {
            value: total.value + share.value,
            error: if total.method.is_random() {
                (total.error.square() + share.error.square()).sqrt()
            } else {
                total.error + share.error
            },
            floor: total.floor + share.floor,
            method: total.method,
        };
    }
    carried(divergence, total)
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
    mut at: impl FnMut(Side, usize) -> Sampled,
) -> Result<Vec<Attempt>> {
    if chunks <= 1 && ranks.is_none() {
        return estimate(divergence, |side| at(side, 0));
    }
    let (&side, _) = sides(divergence);
    let mut merged: Vec<Merged> = Vec::new();
    for chunk in 0..chunks {
        let sampled = at(side, chunk);
        let [_, rows] = sampled.log_q.dims();
        let all = sampled.draws.weights.clone().sum_dim(1).reshape([1]);
        let all = Numerics::read(all)?.first().copied().unwrap_or(f64::NAN);
        let share = sampled.share(divergence, side);
        let [values, errors, floors] = [share.value, share.error, share.floor].map(Numerics::read);
        let (values, errors, floors) = (values?, errors?, floors?);
        merged.resize_with(values.len(), Merged::default);
        for (run, merged) in merged.iter_mut().enumerate() {
            merged.take(rows as f64, all / rows as f64, values[run], errors[run]);
            merged.floor += floors[run];
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

/// The divergence of a total, whose errors an outer function carries along its slope.
pub(super) fn carried(divergence: &dyn Divergence, total: Share) -> Result<Vec<Attempt>> {
    let carried = |error: Tensor<1>| {
        let outer = |value: Tensor<1>| divergence.outer(value);
        let above = outer(total.value.clone() + error.clone());
        (above - outer(total.value.clone() - error))
            .mul_scalar(0.5)
            .abs()
    };
    let errors = Numerics::read(carried(total.error.clone() + total.floor.clone()))?;
    let floors = Numerics::read(carried(total.floor.clone()))?;
    let values = Numerics::read(divergence.outer(total.value.clone()))?;
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

/// The distance from 1 to the next number of a tensor's type.
pub(super) fn epsilon(tensor: &Tensor<2>) -> f64 {
    match tensor.dtype() {
        DType::F32 => f32::EPSILON.into(),
        _ => f64::EPSILON,
    }
}
