//! What draws of a proposal never came to: how much of the density walkers find beyond it.

use nalgebra::{DMatrix, DMatrixView};
use rand::{Rng, RngExt};
use rand_distr::{Distribution as _, StandardNormal};
use rayon::prelude::*;

use super::adapt::{Weighted, weights};
use super::by_draws::Moments;
use super::problem::Problem;
use crate::density::target::{Distribution, StudentT};

const WALKERS: usize = 2048;
/// Rounds of every walker; the second half is looked at.
const ROUNDS: usize = 96;
/// Steps of one round.
const LEAPS: usize = 8;
/// The logarithm of the shortest and of the longest step, in widths of the density: a place that is much narrower
/// than all of it is gone into by the short ones alone.
const STEPS: std::ops::Range<f64> = -5.0..0.0;

/// The share of p where it is larger, beside the proposal, than anywhere among its draws.
///
/// Walkers start from draws of p, as far as weighted draws of the proposal are those, and keep p by Hamiltonian
/// dynamics (Neal 2011), which knows nothing of the proposal: they go to where it is missing. One draw of the proposal
/// there is enough to change the largest ratio, so that the share is almost 0 for one that lies around all of p.
pub(super) fn unseen(
    problem: Problem,
    proposal: &StudentT,
    draws: &Weighted,
    moments: &Moments,
    generator: &mut impl Rng,
) -> f64 {
    let dim = problem.dim();
    let Some(scale) = moments.covariance.clone().cholesky().map(|root| root.l()) else {
        return 1.0;
    };
    let ratios = draws.log_ratios();
    let largest = ratios.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let (count, rounds) = (WALKERS / problem.thrift(), ROUNDS / problem.thrift());
    let starts = started(dim, count, draws, &ratios, generator);
    let mut walkers = Walkers::at(problem, starts);
    let (mut beyond, mut all) = (0, 0);
    let mut log_g = vec![0.0; count];
    for round in 0..rounds {
        walkers.walk(problem, &scale, generator);
        if round >= rounds / 2 {
            (walkers.x.par_chunks(64 * dim).zip(log_g.par_chunks_mut(64)))
                .for_each(|(x, logs)| proposal.log_densities(x, logs));
            let places = walkers.log_f.iter().zip(&log_g);
            beyond += places.filter(|(f, g)| *f - *g > largest).count();
            all += count;
        }
    }
    beyond as f64 / all as f64
}

/// Draws with their weights as draws without: every one as often as its weight says, within one.
fn started(
    dim: usize,
    count: usize,
    draws: &Weighted,
    ratios: &[f64],
    generator: &mut impl Rng,
) -> Vec<f64> {
    let weights = weights(ratios);
    let mut x = Vec::with_capacity(count * dim);
    let mut left = generator.random::<f64>();
    for (x_i, weight) in draws.x.chunks_exact(dim).zip(weights) {
        left -= weight * count as f64;
        while left < 0.0 && x.len() < count * dim {
            x.extend_from_slice(x_i);
            left += 1.0;
        }
    }
    // Rounding may leave the last one out.
    while x.len() < count * dim {
        x.extend_from_within(x.len() - dim..);
    }
    x
}

/// Places `[N, D]` with log f `[N]` and its gradient `[N, D]`.
struct Walkers {
    x: Vec<f64>,
    log_f: Vec<f64>,
    slope: Vec<f64>,
}

impl Walkers {
    fn at(problem: Problem, x: Vec<f64>) -> Self {
        let mut log_f = vec![0.0; x.len() / problem.dim()];
        let mut slope = vec![0.0; x.len()];
        (problem.function).evaluate(&x, &mut log_f, Some(&mut slope));
        Self { x, log_f, slope }
    }

    /// One round: a push in a direction at random, some steps along the way it takes, and whether it is kept.
    ///
    /// `scale` is L of the covariance that the mass is the inverse of: x moves by L Lᵀ∇.
    fn walk(&mut self, problem: Problem, scale: &DMatrix<f64>, generator: &mut impl Rng) {
        let dim = problem.dim();
        let mut pushes: Vec<f64> = (0..self.x.len())
            .map(|_| StandardNormal.sample(&mut *generator))
            .collect();
        let steps: Vec<f64> = (0..self.log_f.len())
            .map(|_| generator.random_range(STEPS).exp())
            .collect();
        let energies = |log_f: &[f64], pushes: &[f64]| -> Vec<f64> {
            let squares = pushes
                .chunks_exact(dim)
                .map(|push| push.iter().map(|p| p * p).sum::<f64>());
            (log_f.iter().zip(squares))
                .map(|(f, square)| f - 0.5 * square)
                .collect()
        };
        let before = energies(&self.log_f, &pushes);
        let mut next = Self {
            x: self.x.clone(),
            log_f: self.log_f.clone(),
            slope: self.slope.clone(),
        };
        // In coordinates z with x = L z, where p is about 1 wide.
        let turning = scale.transpose();
        let push_by = |slope: &[f64], pushes: &mut [f64]| {
            add_turned(&turning, slope, pushes, |row| 0.5 * steps[row]);
        };
        for _ in 0..LEAPS {
            push_by(&next.slope, &mut pushes);
            add_turned(scale, &pushes, &mut next.x, |row| steps[row]);
            next = Self::at(problem, next.x);
            push_by(&next.slope, &mut pushes);
        }
        let after = energies(&next.log_f, &pushes);
        for i in 0..before.len() {
            // What is no number is not gone to.
            if generator.random::<f64>().ln() < after[i] - before[i] {
                let place = i * dim..(i + 1) * dim;
                self.x[place.clone()].copy_from_slice(&next.x[place.clone()]);
                self.slope[place.clone()].copy_from_slice(&next.slope[place]);
                self.log_f[i] = next.log_f[i];
            }
        }
    }
}

/// Adds to every row of `to` a share of A times the same row of `from`, N × D.
fn add_turned(a: &DMatrix<f64>, from: &[f64], to: &mut [f64], share: impl Fn(usize) -> f64 + Sync) {
    /// Rows of one task.
    const ROWS: usize = 256;
    let dim = a.nrows();
    (to.par_chunks_mut(ROWS * dim)
        .zip(from.par_chunks(ROWS * dim)))
    .enumerate()
    .for_each(|(task, (to, from))| {
        let turned = a * DMatrixView::from_slice(from, dim, from.len() / dim);
        let rows = to.chunks_exact_mut(dim).zip(turned.column_iter());
        for (row, (to, turned)) in rows.enumerate() {
            let share = share(task * ROWS + row);
            to.iter_mut()
                .zip(turned.iter())
                .for_each(|(to, by)| *to += share * by);
        }
    });
}
