//! Expectation–maximisation, for losses that are a mean of −log q (Dempster, Laird and Rubin 1977).
//!
//! A step of it needs the gradient of the loss and nothing else. Three make one step here: two, a leap along the line
//! they draw, and one from there, unless the leap has raised the loss (SQUAREM, Varadhan and Roland 2008).

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::rows::put;
use super::{Iterate, LossFunction, Moved, Optimizer, OptimizerSettings, Problem, Steps};
use crate::compute::device::Numerics;
use crate::compute::snapshot::Snapshot;
use crate::density::family::Family;
use crate::error::{Refusal, Result};
use crate::mixture::Mixture;

/// At a gradient of this norm there is only rounding left to descend.
const ARRIVAL: f64 = 1e-8;
/// A decrease of fewer units in the last place of the loss is rounding.
const SHOWN: f64 = 4.0;
/// No leap is longer than so many steps.
const FARTHEST: f64 = 1e3;

/// Settings of expectation–maximisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EmConfig {
    /// Whether three steps are one, with a leap between them.
    pub squarem: bool,
}

impl Default for EmConfig {
    fn default() -> Self {
        Self { squarem: true }
    }
}

impl OptimizerSettings for EmConfig {
    fn default_learning_rate(&self) -> Option<f64> {
        None
    }

    fn check(&self) -> Result<(), Refusal> {
        Ok(())
    }

    fn suits(&self, name: &str, problem: Problem) -> Result<(), Refusal> {
        let refused = |why: &str, help: &str| {
            Err(Refusal::new(
                "type",
                format!("is \"{name}\", and {why}"),
                help,
            ))
        };
        if !problem.is_likelihood {
            return refused(
                "its steps raise the likelihood of points of the target, which is forward KL alone",
                "use divergence = \"forward-kl\", or choose \"adam\" or \"lbfgs\"",
            );
        }
        if !problem.is_deterministic {
            return refused(
                "fresh noise would move where it goes at every step",
                "set noise = \"fixed\" under [estimator], take all rows, use quadrature, or choose \"adam\"",
            );
        }
        match problem.family.refuses_em() {
            Some((why, help)) => refused(why, help),
            None => Ok(()),
        }
    }

    fn arrival(&self) -> Option<f64> {
        Some(ARRIVAL)
    }

    fn build(&self, family: &Family, numerics: &Numerics) -> Steps {
        Steps::Own(Box::new(Em {
            squarem: self.squarem,
            family: family.clone(),
            numerics: numerics.clone(),
        }))
    }
}

struct Em {
    squarem: bool,
    family: Family,
    numerics: Numerics,
}

impl Em {
    /// One step of each run; a run without one stays.
    fn each(
        &self,
        theta: &[f64],
        members: &[Option<Mixture>],
        gradient: &[f64],
    ) -> Vec<Option<Vec<f64>>> {
        let parameters = self.family.parameters();
        let rows = theta.par_chunks(parameters).zip(members);
        (rows.zip(gradient.par_chunks(parameters)))
            .map(|((theta, q), gradient)| self.family.em_step(theta, q.as_ref()?, gradient))
            .collect()
    }
}

impl Optimizer for Em {
    fn step(&mut self, from: Iterate, loss_function: &dyn LossFunction) -> Result<Moved> {
        let [runs, parameters] = from.shape();
        let (theta, gradient, start) = (from.theta, from.gradient, from.loss);
        let now = self.family.members(&theta, &self.numerics)?;
        let first = self.each(&theta, &now, &gradient);
        let mut stuck: Vec<usize> = (0..runs).filter(|&run| first[run].is_none()).collect();
        let mut moved = put(first, &theta);
        if self.squarem {
            let (loss, gradient) = loss_function.value_and_gradient(&moved)?;
            let second = put(
                self.each(
                    &moved,
                    &self.family.members(&moved, &self.numerics)?,
                    &gradient,
                ),
                &moved,
            );
            let units = (now.iter()).map(|member| match member {
                Some(q) => self.family.units(q),
                None => vec![1.0; parameters],
            });
            let mut leapt = second.clone();
            let rows = (theta.chunks(parameters).zip(moved.chunks(parameters)))
                .zip(leapt.chunks_mut(parameters).zip(units));
            for ((start, middle), (end, units)) in rows {
                leap([start, middle], end, &units);
            }
            let (new_loss, gradient) = loss_function.value_and_gradient(&leapt)?;
            let third = self.each(
                &leapt,
                &self.family.members(&leapt, &self.numerics)?,
                &gradient,
            );
            // What has risen, or is no number, has not been.
            let third = (third.into_iter().zip(new_loss.iter().zip(&loss)))
                .map(|(next, (new, old))| next.filter(|_| new <= old));
            moved = put(third.collect(), &second);
            // Neither a step nor a leap lowers it by more than rounding.
            stuck.extend((0..runs).filter(|&run| {
                let rounding = SHOWN * self.numerics.epsilon() * start[run].abs().max(1.0);
                let least = loss[run].min(new_loss[run]);
                start[run] - least <= rounding && start[run] - loss[run] > -rounding
            }));
            stuck.sort_unstable();
            stuck.dedup();
        }
        Ok(Moved {
            theta: moved,
            stuck,
        })
    }

    fn snapshot(&self, _: [usize; 2]) -> Snapshot {
        Snapshot::default()
    }

    fn restore(&mut self, _: &Snapshot, _: [usize; 2]) -> Result<()> {
        Ok(())
    }
}

/// Takes the end of two steps as far along as their lengths |r| and the change of the second |v| say:
/// θ₀ − 2αr + α²v with α = −|r|/|v|, which is −1 for the end itself.
fn leap([start, middle]: [&[f64]; 2], end: &mut [f64], units: &[f64]) {
    let length = |of: &dyn Fn(usize) -> f64| {
        let squares = (0..end.len()).map(|i| (of(i) / units[i]).powi(2));
        squares.sum::<f64>().sqrt()
    };
    let r = |i: usize| middle[i] - start[i];
    let v = |i: usize| end[i] - middle[i] - r(i);
    let alpha = (length(&r) / length(&v)).clamp(1.0, FARTHEST);
    if alpha.is_nan() {
        return;
    }
    let leapt: Vec<f64> = (0..end.len())
        .map(|i| start[i] + 2.0 * alpha * r(i) + alpha * alpha * v(i))
        .collect();
    end.copy_from_slice(&leapt);
}
