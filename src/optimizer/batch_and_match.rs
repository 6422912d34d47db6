//! Batch and match: one Gaussian whose scores match those of the target at its own draws.
//!
//! Cai, Modi, Pillaud-Vivien, Margossian, Gower, Blei and Saul 2024. What a step minimises is a divergence of scores, in
//! closed form, and not the loss: of a Gaussian target both have the same minimum.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::rows;
use super::{
    Iterate, LossFunction, Moved, Optimizer, OptimizerSettings, Problem, Steps, check_positive,
};
use crate::compute::device::Numerics;
use crate::compute::snapshot::Snapshot;
use crate::density::family::{Batch, Family};
use crate::error::{Refusal, Result};

/// λ does not fall below this over the number of turns and one: it is then about the share of the way that a step goes,
/// and the batches of such steps count alike.
const LEAST: f64 = 2.0;

/// Settings of batch and match.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BatchAndMatchConfig {
    /// λ of the first step, how much the scores of a batch count against q as it is; the B·D numbers of a batch if left
    /// out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lambda: Option<f64>,
}

impl BatchAndMatchConfig {
    /// λ after so many turns, of batches of B·D numbers.
    fn lambda(&self, turns: f64, numbers: usize) -> f64 {
        let first = self.lambda.unwrap_or(numbers as f64);
        let next = turns + 1.0;
        (first / (next * next)).max((LEAST / next).min(first))
    }
}

impl OptimizerSettings for BatchAndMatchConfig {
    fn default_learning_rate(&self) -> Option<f64> {
        None
    }

    fn needs_scores(&self) -> bool {
        true
    }

    fn check(&self) -> Result<(), Refusal> {
        self.lambda
            .map_or(Ok(()), |lambda| check_positive("lambda", lambda))
    }

    fn suits(&self, name: &str, problem: Problem) -> Result<(), Refusal> {
        let refused = |why: &str, help: &str| {
            let message = format!("is \"{name}\", and {why}");
            Err(Refusal::new("type", message, help))
        };
        if let Some((why, help)) = problem.family.refuses_batch_and_match() {
            return refused(why, help);
        }
        if !problem.is_reverse_kl {
            return refused(
                "it looks for the Gaussian of reverse KL, by the scores of p at draws of q",
                "use divergence = \"reverse-kl\", or choose \"adam\" or \"lbfgs\"",
            );
        }
        if !problem.has_gradient {
            return refused(
                "it steps by the gradient of log p, and the target gives none",
                "let it answer with log p and its gradient, of shape N x (1 + D), or choose \"adam\"",
            );
        }
        if !problem.has_draws {
            return refused(
                "its batches are random points of q",
                "use type = \"monte-carlo\" or \"quasi-monte-carlo\" under [estimator], or choose \"lbfgs\"",
            );
        }
        Ok(())
    }

    fn build(&self, family: &Family, numerics: &Numerics) -> Steps {
        Steps::Own(Box::new(BatchAndMatch {
            config: *self,
            family: family.clone(),
            numerics: numerics.clone(),
            turns: Vec::new(),
            moves: Vec::new(),
        }))
    }
}

struct BatchAndMatch {
    config: BatchAndMatchConfig,
    family: Family,
    numerics: Numerics,
    /// How often each run turned back, `[R]`: that is noise, and λ falls with it (Kesten 1958).
    turns: Vec<f64>,
    /// The step before, `[R, P]`; empty before the first.
    moves: Vec<f64>,
}

impl BatchAndMatch {
    /// Counts the runs that went too far: where the loss rises along the step before.
    fn count_turns(&mut self, gradient: &[f64], runs: usize) {
        if self.moves.is_empty() {
            self.turns = vec![0.0; runs];
            return;
        }
        let parameters = self.family.parameters();
        let moves = (self.moves.chunks(parameters)).zip(gradient.chunks(parameters));
        for ((moves, gradient), turns) in moves.zip(&mut self.turns) {
            let slopes = self.family.slopes_of_components(moves, gradient);
            if slopes.iter().sum::<f64>() > 0.0 {
                *turns += 1.0;
            }
        }
    }
}

impl Optimizer for BatchAndMatch {
    fn step(&mut self, from: Iterate, _: &dyn LossFunction) -> Result<Moved> {
        let [runs, parameters] = from.shape();
        let theta = from.theta;
        self.count_turns(&from.gradient, runs);
        let members = self.family.unmatched(&theta, &self.numerics)?;
        let next: Vec<Option<Vec<f64>>> = match from.scores {
            Some(batch) => {
                let [_, points, dim] = batch.points.dims();
                let numbers = points * dim;
                let x = Numerics::read(batch.points.expand([runs, points, dim]))?;
                let scores = Numerics::read(batch.scores.expand([runs, points, dim]))?;
                let weights = Numerics::read(batch.weights.expand([runs, points]))?;
                let rows = theta.par_chunks(parameters).zip(&members);
                let batches = x.par_chunks(numbers).zip(scores.par_chunks(numbers));
                let batches = batches.zip(weights.par_chunks(points));
                (rows.zip(batches).zip(&self.turns))
                    .map(|(((theta, q), ((points, scores), weights)), turns)| {
                        let batch = Batch {
                            points,
                            scores,
                            weights,
                        };
                        let lambda = self.config.lambda(*turns, numbers);
                        (self.family).batch_and_match_step(theta, q.as_ref()?, batch, lambda)
                    })
                    .collect()
            }
            None => vec![None; runs],
        };
        let (moved, moves) = rows::moved(next, &theta);
        self.moves = moves;
        Ok(moved)
    }

    fn snapshot(&self, _: [usize; 2]) -> Snapshot {
        let mut snapshot = Snapshot::default();
        // Before the first step there is nothing.
        if self.moves.is_empty() {
            return snapshot;
        }
        for (name, numbers) in [("turns", &self.turns), ("moves", &self.moves)] {
            snapshot.put(name, &[numbers.len()], numbers.clone());
        }
        snapshot
    }

    fn restore(&mut self, snapshot: &Snapshot, [runs, parameters]: [usize; 2]) -> Result<()> {
        if snapshot.is_empty() {
            return Ok(());
        }
        self.turns = snapshot.array("turns", &[runs])?.to_vec();
        self.moves = snapshot.array("moves", &[runs * parameters])?.to_vec();
        Ok(())
    }
}
