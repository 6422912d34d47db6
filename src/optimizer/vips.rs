//! Natural gradient of each component by itself, within a trust region that follows its success.
//!
//! Variational inference by policy search (Arenz, Zhong and Neumann 2020), as GMMVI has it (Arenz, Dahlinger, Ye, Volpp
//! and Neumann 2023): a component goes as far as its gradient says and its trust region lets it, which grows while the
//! loss still falls along the step before and shrinks where that went too far. All that it needs is the gradient.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::rows;
use super::{
    Iterate, LossFunction, Moved, Optimizer, OptimizerSettings, Problem, Steps, check_positive,
};
use crate::compute::device::Numerics;
use crate::compute::snapshot::Snapshot;
use crate::density::family::{Family, TrustRegion};
use crate::error::{Refusal, Result};

/// A trust region grows by this where its component would go on the same way …
const GROWTH: f64 = 1.2;
/// … and shrinks by this where it would turn back: noise alone, which does either as often, leaves it as it is.
const SHRINKAGE: f64 = 0.85;
/// No trust region is larger than the first times this.
const LARGEST: f64 = 100.0;
/// None is smaller than the first times this.
const SMALLEST: f64 = 1e-10;

/// Settings of variational inference by policy search.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VipsConfig {
    /// How far a component may go in its first step: KL of what it becomes to what it was, in nats.
    pub max_kl: f64,
    /// The same of the weights, in every step.
    pub max_weights_kl: f64,
}

impl Default for VipsConfig {
    fn default() -> Self {
        Self {
            max_kl: 0.1,
            max_weights_kl: 0.1,
        }
    }
}

impl OptimizerSettings for VipsConfig {
    fn default_learning_rate(&self) -> Option<f64> {
        None
    }

    fn check(&self) -> Result<(), Refusal> {
        check_positive("max_kl", self.max_kl)?;
        check_positive("max_weights_kl", self.max_weights_kl)
    }

    fn suits(&self, name: &str, problem: Problem) -> Result<(), Refusal> {
        match problem.family.refuses_trust_region() {
            Some((why, help)) => Err(Refusal::new(
                "type",
                format!("is \"{name}\", and {why}"),
                help,
            )),
            None => Ok(()),
        }
    }

    fn build(&self, family: &Family, numerics: &Numerics) -> Steps {
        Steps::Own(Box::new(Vips {
            config: *self,
            family: family.clone(),
            numerics: numerics.clone(),
            regions: Vec::new(),
            moves: Vec::new(),
        }))
    }
}

struct Vips {
    config: VipsConfig,
    family: Family,
    numerics: Numerics,
    /// The largest KL of each component's next step, `[R, K]`; empty before the first step.
    regions: Vec<f64>,
    /// The step before, `[R, P]`.
    moves: Vec<f64>,
}

impl Optimizer for Vips {
    fn step(&mut self, from: Iterate, _: &dyn LossFunction) -> Result<Moved> {
        let [runs, parameters] = from.shape();
        let components = self.family.components();
        let (theta, gradient) = (from.theta, from.gradient);
        let members = self.family.members(&theta, &self.numerics)?;
        if self.regions.is_empty() {
            self.regions = vec![self.config.max_kl; runs * components];
        } else {
            let moves = self
                .moves
                .chunks(parameters)
                .zip(gradient.chunks(parameters));
            let first = self.config.max_kl;
            for ((moves, gradient), regions) in moves.zip(self.regions.chunks_mut(components)) {
                let slopes = self.family.slopes_of_components(moves, gradient);
                for (at, (region, slope)) in regions.iter_mut().zip(slopes).enumerate() {
                    let changed = if slope <= 0.0 { GROWTH } else { SHRINKAGE };
                    // Of one that has not moved nothing is known.
                    *region = match self.family.is_still(at, moves) {
                        true => first,
                        false => (*region * changed).clamp(SMALLEST * first, LARGEST * first),
                    };
                }
            }
        }
        let rows = theta.par_chunks(parameters).zip(&members);
        let rows = rows.zip(gradient.par_chunks(parameters));
        let next: Vec<Option<Vec<f64>>> = (rows.zip(self.regions.par_chunks(components)))
            .map(|(((theta, q), gradient), regions)| {
                let region = TrustRegion {
                    rate: 1.0,
                    components: regions,
                    weights: self.config.max_weights_kl,
                };
                (self.family).trust_region_step(theta, q.as_ref()?, gradient, region)
            })
            .collect();
        let (moved, moves) = rows::moved(next, &theta);
        self.moves = moves;
        Ok(moved)
    }

    fn snapshot(&self, _: [usize; 2]) -> Snapshot {
        let mut snapshot = Snapshot::default();
        // Before the first step there is nothing.
        if self.regions.is_empty() {
            return snapshot;
        }
        let regions = [self.regions.len()];
        snapshot.put("regions", &regions, self.regions.clone());
        let parameters = self.family.parameters();
        let moves = [self.moves.len() / parameters, parameters];
        snapshot.put("moves", &moves, self.moves.clone());
        snapshot
    }

    fn restore(&mut self, snapshot: &Snapshot, [runs, parameters]: [usize; 2]) -> Result<()> {
        if snapshot.is_empty() {
            return Ok(());
        }
        let regions = runs * self.family.components();
        self.regions = snapshot.array("regions", &[regions])?.to_vec();
        self.moves = snapshot.array("moves", &[runs, parameters])?.to_vec();
        Ok(())
    }
}
