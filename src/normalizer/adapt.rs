//! A mixture of Student-t distributions that lies where an unnormalised density does.

use nalgebra::{DMatrix, DVector};
use rand::{Rng, RngExt};
use rayon::prelude::*;

use super::ascent::Peak;
use super::problem::Problem;
use crate::density::target::{Distribution, StudentT};
use crate::mixture::{Distances, Mixture};

/// Peaks this many nats below the heaviest are left out.
const NEGLIGIBLE: f64 = 30.0;
/// The share of the component that is wider than all.
pub(super) const DEFENSIVE: f64 = 0.05;
/// It is so many times as wide.
const WIDER: f64 = 2.0;
/// A component below this share is put where the proposal has least.
const STARVED: f64 = 1e-4;
/// There are at least so many rounds.
const FEWEST: usize = 4;
/// They end when the share of draws that count does not grow by this factor so many times, and there are all
/// components.
const GROWTH: f64 = 1.02;
const PATIENCE: usize = 3;
/// Points of one task.
const TASK: usize = 1024;

/// How many components, draws and rounds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Effort {
    pub components: usize,
    pub draws: usize,
    pub rounds: usize,
    /// The share of draws that count that is good enough.
    pub share: f64,
}

/// Points with the logarithms of f and g there.
pub(super) struct Weighted {
    pub x: Vec<f64>,
    pub log_f: Vec<f64>,
    pub log_g: Vec<f64>,
}

impl Weighted {
    /// Draws of g.
    pub fn draw(problem: Problem, g: &StudentT, count: usize, generator: &mut impl Rng) -> Self {
        let x = g.sample(count, generator);
        let (mut log_f, mut log_g) = (vec![0.0; count], vec![0.0; count]);
        problem.function.evaluate(&x, &mut log_f, None);
        let d = problem.dim();
        (x.par_chunks(TASK * d).zip(log_g.par_chunks_mut(TASK)))
            .for_each(|(x, logs)| g.log_densities(x, logs));
        Self { x, log_f, log_g }
    }

    /// log f − log g; −∞ where f is no number.
    pub fn log_ratios(&self) -> Vec<f64> {
        (self.log_f.iter().zip(&self.log_g))
            .map(|(f, g)| if f.is_nan() { f64::NEG_INFINITY } else { f - g })
            .collect()
    }
}

/// e^(log − the largest of them), divided by their sum.
pub(super) fn weights(logs: &[f64]) -> Vec<f64> {
    let top = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut weights: Vec<f64> = logs.iter().map(|log| (log - top).exp()).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|weight| *weight /= sum);
    weights
}

/// Starts from peaks and moves a proposal towards f by the method of Cappé, Douc, Guillin, Marin and Robert
/// ("Adaptive importance sampling in general mixture classes", Statistics and Computing 18, 2008), with more
/// components where those there are do not get nearer.
pub(super) fn adapt(
    problem: Problem,
    peaks: &[Peak],
    dof: f64,
    effort: Effort,
    generator: &mut impl Rng,
) -> Option<StudentT> {
    let mut proposal = StudentT::new(started(peaks, effort.components)?, dof)?;
    let mut best: Option<(f64, StudentT)> = None;
    let mut idle = 0;
    for round in 0..effort.rounds {
        let draws = Weighted::draw(problem, &proposal, effort.draws, generator);
        let share = share(&draws.log_ratios());
        let known = best.as_ref().map_or(0.0, |(known, _)| *known);
        idle = if share > GROWTH * known { 0 } else { idle + 1 };
        if share > known || best.is_none() {
            best = Some((share, proposal.clone()));
        }
        if round >= FEWEST && share > effort.share {
            break;
        }
        let next = if idle < PATIENCE {
            moved(&proposal, &draws)
        } else if can_grow(&proposal, share * effort.draws as f64, effort) {
            idle = 0;
            grown(&proposal, &draws, effort.components, generator)
        } else {
            None
        };
        let Some(next) = next else { break };
        proposal = next;
    }
    best.map(|(_, proposal)| proposal)
}

/// Whether there may be more components, and draws that count for each of their axes: of fewer they would be moved by
/// noise.
fn can_grow(proposal: &StudentT, counting: f64, effort: Effort) -> bool {
    let components = proposal.components();
    let axes = components * proposal.scales().dim();
    components < effort.components && counting > axes as f64
}

/// The effective sample size for each draw, (Σ w)² / (N Σ w²).
fn share(logs: &[f64]) -> f64 {
    let weights = weights(logs);
    let squares: f64 = weights.iter().map(|weight| weight * weight).sum();
    1.0 / (squares * logs.len() as f64)
}

/// With twice as many components, the new ones at draws of which f has more than the proposal.
fn grown(
    proposal: &StudentT,
    draws: &Weighted,
    most: usize,
    generator: &mut impl Rng,
) -> Option<StudentT> {
    let (scales, dim) = (proposal.scales(), proposal.scales().dim());
    let kept = scales.components() - 1;
    let more = (kept + 1).min(most - kept - 1).max(1);
    let weights = capped(&draws.log_ratios());
    let mut shares: Vec<f64> = scales.weights()[..kept].to_vec();
    let mut means: Vec<Vec<f64>> = (scales.means()[..kept].iter())
        .map(|mean| mean.as_slice().to_vec())
        .collect();
    let mut factors = scales.scale_trils()[..kept].to_vec();
    for _ in 0..more {
        let mut left = generator.random::<f64>();
        let i = weights.iter().position(|weight| {
            left -= weight;
            left < 0.0
        });
        let x = DVector::from_column_slice(&draws.x[i? * dim..(i? + 1) * dim]);
        // As wide as half of the component that is nearest.
        let nearest = (0..kept).min_by(|a, b| {
            let distance = |k: usize| {
                let off = &x - &scales.means()[k];
                let z = scales.scale_trils()[k].solve_lower_triangular(&off);
                z.map_or(f64::INFINITY, |z| z.norm())
            };
            distance(*a).total_cmp(&distance(*b))
        })?;
        shares.push(0.5 / more as f64);
        means.push(x.as_slice().to_vec());
        factors.push(&scales.scale_trils()[nearest] * 0.5);
    }
    let sum: f64 = shares.iter().sum();
    shares.iter_mut().for_each(|share| *share /= sum);
    StudentT::new(with_defensive(shares, means, factors)?, proposal.dof())
}

/// The weights of draws, none of which counts for more than √N others (Ionides 2008): the first proposals miss
/// most of f.
fn capped(logs: &[f64]) -> Vec<f64> {
    let n = logs.len() as f64;
    let top = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mean = top + (logs.iter().map(|log| (log - top).exp()).sum::<f64>() / n).ln();
    let most = mean + 0.5 * n.ln();
    let capped: Vec<f64> = logs.iter().map(|log| log.min(most)).collect();
    weights(&capped)
}

/// A component on each of the heaviest peaks, wider ones, some around the origin, where the mass of a density in
/// many dimensions may be however high its peaks elsewhere are, and one around all.
fn started(peaks: &[Peak], most: usize) -> Option<Mixture> {
    const AT_ORIGIN: [f64; 2] = [1.0, 10.0];
    let heaviest = peaks.first()?.log_mass();
    let kept: Vec<&Peak> = (peaks.iter())
        .take_while(|peak| peak.log_mass() > heaviest - NEGLIGIBLE)
        .take(most.saturating_sub(1 + AT_ORIGIN.len()).max(2) / 2)
        .collect();
    let mut weights = Vec::new();
    let (mut means, mut factors) = (Vec::new(), Vec::new());
    for widening in [1.0, 3.0] {
        for peak in &kept {
            // None so light that nothing is drawn of it.
            weights.push((peak.log_mass() - heaviest).exp().max(1e-2));
            means.push(peak.at.as_slice().to_vec());
            factors.push(&peak.factor * widening);
        }
    }
    let dim = peaks.first()?.at.len();
    for width in AT_ORIGIN {
        weights.push(0.1);
        means.push(vec![0.0; dim]);
        factors.push(DMatrix::identity(dim, dim) * width);
    }
    let sum: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|weight| *weight /= sum);
    with_defensive(weights, means, factors)
}

/// With a component that is wider than all others together.
fn with_defensive(
    mut weights: Vec<f64>,
    mut means: Vec<Vec<f64>>,
    mut factors: Vec<DMatrix<f64>>,
) -> Option<Mixture> {
    let all = Mixture::new(weights.clone(), means.clone(), factors.clone()).ok()?;
    weights
        .iter_mut()
        .for_each(|weight| *weight *= 1.0 - DEFENSIVE);
    weights.push(DEFENSIVE);
    means.push(all.mean().as_slice().to_vec());
    factors.push(all.covariance().cholesky()?.l() * WIDER);
    Mixture::new(weights, means, factors).ok()
}

/// What each component gets of the draws: weights, how strongly they pull, and their first and second moments
/// around its centre.
struct Sums {
    weight: Vec<f64>,
    pull: Vec<f64>,
    first: Vec<DVector<f64>>,
    second: Vec<DMatrix<f64>>,
}

impl Sums {
    fn new(k: usize, dim: usize) -> Self {
        Self {
            weight: vec![0.0; k],
            pull: vec![0.0; k],
            first: vec![DVector::zeros(dim); k],
            second: vec![DMatrix::zeros(dim, dim); k],
        }
    }

    fn add(mut self, other: Self) -> Self {
        for k in 0..self.weight.len() {
            self.weight[k] += other.weight[k];
            self.pull[k] += other.pull[k];
            self.first[k] += &other.first[k];
            self.second[k] += &other.second[k];
        }
        self
    }
}

/// One round: the weights of draws of f under g, shared among the components of g, give the next.
fn moved(proposal: &StudentT, draws: &Weighted) -> Option<StudentT> {
    let (scales, dof) = (proposal.scales(), proposal.dof());
    let (k, dim) = (scales.components(), scales.dim());
    let n = draws.log_f.len();
    let logs = draws.log_ratios();
    let weights = capped(&logs);
    let parts: Vec<Sums> = (draws.x.par_chunks(TASK * dim).zip(weights.par_chunks(TASK)))
        .map(|(x, weights)| shared(proposal, x, weights))
        .collect();
    let sums = parts.into_iter().fold(Sums::new(k, dim), Sums::add);
    let (mut shares, mut means, mut factors) = (Vec::new(), Vec::new(), Vec::new());
    let mut heaviest: Vec<usize> = (0..n).collect();
    heaviest.sort_by(|a, b| logs[*b].total_cmp(&logs[*a]));
    let mut heaviest = heaviest.into_iter().step_by((n / 64).max(1));
    // The last one is put around the others anew.
    for k in 0..k - 1 {
        let share = sums.weight[k];
        let covariance = || {
            let moved = &sums.first[k] / sums.pull[k];
            let square = &sums.second[k] / share;
            let covariance = square - &moved * moved.transpose() * (sums.pull[k] / share);
            let mean = &scales.means()[k] + moved;
            let size = covariance.diagonal().amax();
            let steady = covariance + DMatrix::identity(dim, dim) * (1e-12 * size);
            Some((mean, steady.cholesky()?.l()))
        };
        match (share > STARVED).then(covariance).flatten() {
            Some((mean, factor)) => {
                shares.push(share);
                means.push(mean.as_slice().to_vec());
                factors.push(factor);
            }
            None => {
                let i = heaviest.next()?;
                shares.push(1.0 / (k + 1) as f64 * 0.1 + STARVED);
                means.push(draws.x[i * dim..(i + 1) * dim].to_vec());
                factors.push(scales.scale_trils()[k].clone());
            }
        }
    }
    let sum: f64 = shares.iter().sum();
    shares.iter_mut().for_each(|share| *share /= sum);
    StudentT::new(with_defensive(shares, means, factors)?, dof)
}

/// What the components get of some draws with their weights.
fn shared(proposal: &StudentT, x: &[f64], weights: &[f64]) -> Sums {
    let (scales, dof) = (proposal.scales(), proposal.dof());
    let (k, dim) = (scales.components(), scales.dim());
    let power = 0.5 * (dof + dim as f64);
    let heights: Vec<f64> = (0..k)
        .map(|k| {
            let log_det: f64 = scales.scale_trils()[k]
                .diagonal()
                .iter()
                .map(|l| l.ln())
                .sum();
            scales.weights()[k].ln() - log_det
        })
        .collect();
    let mut sums = Sums::new(k, dim);
    let (mut logs, mut pulls) = (vec![0.0; k], vec![0.0; k]);
    let mut squared = vec![vec![0.0; weights.len()]; k];
    for (k, squared) in squared.iter_mut().enumerate() {
        Distances::new(scales, k).squared(x, squared);
    }
    for (i, (x, weight)) in x.chunks_exact(dim).zip(weights).enumerate() {
        if *weight <= 0.0 {
            continue;
        }
        let x = DVector::from_column_slice(x);
        for k in 0..k {
            let squared = squared[k][i];
            logs[k] = heights[k] - power * (squared / dof).ln_1p();
            pulls[k] = (dof + dim as f64) / (dof + squared);
        }
        let top = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = logs.iter().map(|log| (log - top).exp()).sum();
        for k in 0..k {
            let share = weight * (logs[k] - top).exp() / sum;
            let pull = share * pulls[k];
            if share < 1e-12 * weight {
                continue;
            }
            sums.weight[k] += share;
            sums.pull[k] += pull;
            let off = &x - &scales.means()[k];
            sums.first[k].axpy(pull, &off, 1.0);
            sums.second[k].ger(pull, &off, &off, 1.0);
        }
    }
    sums
}
