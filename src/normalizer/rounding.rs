//! How far rounding moves a function: a formula tells of its operations, and what a program tells jumps from point
//! to point.

use nalgebra::DMatrix;
use rayon::prelude::*;

use super::adapt::Weighted;
use super::problem::Problem;
use crate::density::target::Function;

/// Points where a formula is asked, and operations for all of them, at most.
const POINTS: usize = 512;
const OPERATIONS: usize = 1 << 26;
/// Places where a program is, and points in a row at each.
const PLACES: usize = 16;
const IN_A_ROW: usize = 9;
/// From one point to the next, in standard deviations.
const STEPS: [f64; 2] = [1e-3, 1e-4];
/// Differences of this order of a smooth function over such steps are nothing …
const ORDER: usize = 6;
/// … and of independent numbers of variance 1 have this one, (2·6)! / (6!)².
const VARIANCE: f64 = 924.0;

/// The mean of |computed − exact| of log f in nats under f, as far as it can be told; 0 on a grid, of which there is
/// nothing but its numbers.
pub(super) fn rounding(
    problem: Problem,
    draws: &Weighted,
    weights: &[f64],
    covariance: &DMatrix<f64>,
) -> f64 {
    match problem.function {
        Function::Grid(_) => 0.0,
        Function::Formula(formula) => {
            let dim = problem.dim();
            let most = (OPERATIONS / formula.size()).clamp(1, POINTS);
            let step = weights.len().div_ceil(most);
            let points: Vec<usize> = (0..weights.len()).step_by(step).collect();
            let parts: Vec<[f64; 2]> = (points.into_par_iter())
                .filter(|i| weights[*i] > 0.0)
                .map(|i| {
                    let rounding = formula.rounding(&draws.x[i * dim..(i + 1) * dim]);
                    [weights[i], weights[i] * rounding]
                })
                .filter(|[_, part]| part.is_finite())
                .collect();
            let sum = |which: usize| parts.iter().map(|part| part[which]).sum::<f64>();
            match sum(0) {
                0.0 => 0.0,
                total => sum(1) / total,
            }
        }
        Function::External(_) => jumps(problem, draws, weights, covariance),
    }
}

/// The standard deviation of what makes values at points next to each other differ from those of a smooth function
/// (Hamming's difference table; Moré and Wild, "Estimating computational noise", SIAM Journal on Scientific Computing
/// 33, 2011). Of two steps the one that tells less: where the function itself bends, the shorter one.
fn jumps(problem: Problem, draws: &Weighted, weights: &[f64], covariance: &DMatrix<f64>) -> f64 {
    let dim = problem.dim();
    let places = spread_out(weights);
    let one = |step: f64| {
        let mut x = Vec::with_capacity(places.len() * IN_A_ROW * dim);
        for (turn, &i) in places.iter().enumerate() {
            let axis = turn % dim;
            let step = step * covariance[(axis, axis)].sqrt();
            for k in 0..IN_A_ROW {
                x.extend(&draws.x[i * dim..(i + 1) * dim]);
                let last = x.len() - dim;
                x[last + axis] += step * k as f64;
            }
        }
        let mut logs = vec![0.0; places.len() * IN_A_ROW];
        problem.function.evaluate(&x, &mut logs, None);
        let squares = (logs.chunks_exact(IN_A_ROW)).flat_map(|row| {
            let mut row = row.to_vec();
            for _ in 0..ORDER {
                row = row.windows(2).map(|pair| pair[1] - pair[0]).collect();
            }
            row.into_iter().map(|difference| difference * difference)
        });
        let squares: Vec<f64> = squares.filter(|square| square.is_finite()).collect();
        let count = squares.len().max(1) as f64;
        (squares.iter().sum::<f64>() / count / VARIANCE).sqrt()
    };
    STEPS.map(one).into_iter().fold(f64::INFINITY, f64::min)
}

/// Some draws at even steps of their weights.
fn spread_out(weights: &[f64]) -> Vec<usize> {
    let mut places = Vec::with_capacity(PLACES);
    let mut sum = 0.0;
    for (i, weight) in weights.iter().enumerate() {
        sum += weight;
        while sum * PLACES as f64 > places.len() as f64 + 0.5 {
            places.push(i);
        }
    }
    places
}
