//! Components that come and go while a fit runs.
//!
//! The family has room for the most there may be. θ says which there are: one that is not has no weight, and all else of
//! it stays where it is until another comes to its place.

mod config;
mod look;

use burn::tensor::{Bool, Tensor};
use rayon::prelude::*;

pub use config::AdaptConfig;

use super::Fit;
use super::evaluations::Evaluations;
use crate::compute::device::Numerics;
use crate::compute::noise::{RunKey, Stream};
use crate::compute::snapshot::Snapshot;
use crate::density::family::Family;
use crate::error::Result;
use crate::mixture::Mixture;
use look::{Component, Components, Look};

/// What a fit knows of components that come and go.
pub(super) struct Adaptation {
    pub config: AdaptConfig,
    /// Where each of the R runs began.
    starts: Vec<Mixture>,
    keys: Vec<RunKey>,
    /// The looks since each component came, `[R, K]`.
    ages: Vec<f64>,
    /// The weight each had at the look before, `[R, K]`.
    before: Vec<f64>,
    /// Entries of θ that are of no component, `[R, P]`.
    absent: Tensor<2, Bool>,
}

impl Adaptation {
    /// Of R runs that begin at mixtures, with the noise of their keys and at θ `[R, P]`, run after run.
    pub fn new(
        config: AdaptConfig,
        (starts, keys): (Vec<Mixture>, Vec<RunKey>),
        (family, theta): (&Family, &[f64]),
        numerics: &Numerics,
    ) -> Result<Self> {
        let entries = starts.len() * family.components();
        Ok(Self {
            config,
            starts,
            keys,
            ages: vec![0.0; entries],
            before: vec![0.0; entries],
            absent: absent(family, theta, numerics)?,
        })
    }

    /// θ `[R, P]` with what is of no component as it was.
    pub fn held(&self, moved: Tensor<2>, from: &Tensor<2>) -> Tensor<2> {
        moved.mask_where(self.absent.clone(), from.clone())
    }

    /// What is not in θ of it.
    pub fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot::default();
        for (name, numbers) in [("ages", &self.ages), ("before", &self.before)] {
            snapshot.put(name, &[numbers.len()], numbers.clone());
        }
        snapshot
    }

    /// Takes up what one like it knew, at θ `[R, P]`.
    ///
    /// # Errors
    /// If the snapshot is not of one like it.
    pub fn restore(
        &mut self,
        snapshot: &Snapshot,
        (family, theta): (&Family, &[f64]),
        numerics: &Numerics,
    ) -> Result<()> {
        let shape = [self.ages.len()];
        self.ages = snapshot.array("ages", &shape)?.to_vec();
        self.before = snapshot.array("before", &shape)?.to_vec();
        self.absent = absent(family, theta, numerics)?;
        Ok(())
    }
}

/// The entries of θ `[R, P]` that are of no component.
fn absent(family: &Family, theta: &[f64], numerics: &Numerics) -> Result<Tensor<2, Bool>> {
    let parameters = family.parameters();
    let mut marks = vec![0.0; theta.len()];
    for (marks, q) in marks
        .chunks_mut(parameters)
        .zip(held(family, theta, numerics)?)
    {
        let weights = q.iter().flat_map(|q| q.weights()).enumerate();
        for (k, _) in weights.filter(|(_, weight)| **weight == 0.0) {
            family.places_of(k).for_each(|place| marks[place].fill(1.0));
        }
    }
    let marks = numerics.tensor::<2>(marks, [theta.len() / parameters, parameters]);
    Ok(marks.equal_elem(1.0))
}

/// The members at θ `[R, P]` with a component in every place; none where that is no density.
fn held(family: &Family, theta: &[f64], numerics: &Numerics) -> Result<Vec<Option<Mixture>>> {
    let parameters = family.parameters();
    let theta = numerics.tensor(theta.to_vec(), [theta.len() / parameters, parameters]);
    let members = family.density(theta, numerics).read()?;
    Ok(members.into_iter().map(|member| member.ok()).collect())
}

impl Fit<'_> {
    /// Whether components may still come after a step.
    pub(super) fn is_adapting(&self, step: usize) -> bool {
        (self.adaptation.as_ref()).is_some_and(|adaptation| adaptation.config.adds(step))
    }

    /// Lets components of the runs that continue come and go before a step is taken in, where a look is due; gives what
    /// each of the R runs took of the target.
    ///
    /// # Errors
    /// If the device failed.
    pub(super) fn adapt(&mut self, step: usize) -> Result<Vec<Evaluations>> {
        let Some(adaptation) = &mut self.adaptation else {
            return Ok(Vec::new());
        };
        let config = adaptation.config;
        if !step.is_multiple_of(config.every) {
            return Ok(Vec::new());
        }
        let beta = self.objective.beta(step);
        let (family, numerics) = (&self.family, self.objective.numerics().clone());
        let target = self.objective.target().model();
        let (k, parameters) = (family.components(), family.parameters());
        let mut theta = Numerics::read(self.theta.clone())?;
        let members = held(family, &theta, &numerics)?;
        let mut changed = vec![0.0; theta.len()];
        let rows = (theta.par_chunks_mut(parameters))
            .zip(changed.par_chunks_mut(parameters))
            .zip(adaptation.ages.par_chunks_mut(k))
            .zip(adaptation.before.par_chunks_mut(k))
            .zip(&members)
            .zip(&adaptation.starts)
            .zip(&adaptation.keys)
            .zip(&self.runs);
        let spent: Vec<Evaluations> = rows
            .map(
                |(((((((theta, changed), ages), before), q), start), key), run)| {
                    let Some(q) = q.as_ref().filter(|_| run.stop.is_none()) else {
                        return Evaluations::default();
                    };
                    let look = Look {
                        config: &config,
                        family,
                        target,
                        start,
                        number: step / config.every - 1,
                        adds: config.adds(step),
                        beta,
                    };
                    let mut components: Components = (0..k)
                        .map(|at| {
                            (q.weights()[at] > 0.0).then(|| Component {
                                weight: q.weights()[at],
                                gaussian: q.component(at),
                                age: ages[at] as usize,
                                before: before[at],
                                is_new: false,
                            })
                        })
                        .collect();
                    let mut generator = key.generator(Stream::Adapt, step as u64);
                    let spent = look.taken(&mut components, &mut generator);
                    let mut is_other = false;
                    for (at, component) in components.iter_mut().enumerate() {
                        let had = q.weights()[at] > 0.0;
                        let mut is_new = component.as_ref().is_some_and(|one| one.is_new);
                        if let Some(one) = component.as_ref().filter(|one| one.is_new)
                            && family.put_component(theta, at, &one.gaussian).is_err()
                        {
                            // What the family has not does not come.
                            (*component, is_new) = (None, false);
                        }
                        ages[at] = component.as_ref().map_or(0.0, |one| one.age as f64);
                        before[at] = component.as_ref().map_or(0.0, |one| one.before);
                        if is_new || had != component.is_some() {
                            is_other = true;
                            (family.places_of(at)).for_each(|place| changed[place].fill(1.0));
                        }
                    }
                    if is_other {
                        let weight =
                            |one: &Option<Component>| one.as_ref().map_or(0.0, |one| one.weight);
                        let weights: Vec<f64> = components.iter().map(weight).collect();
                        family.put_weights(theta, &weights);
                    }
                    spent
                },
            )
            .collect();
        for (run, changed) in self.runs.iter_mut().zip(changed.chunks(parameters)) {
            if changed.contains(&1.0)
                && let Some(monitor) = &mut run.monitor
            {
                monitor.restart();
            }
        }
        if changed.contains(&1.0) {
            let shape = self.theta.dims();
            // What was learnt of a component that was another is of no use.
            let mut learnt = self.optimizer.snapshot()?;
            learnt.clear(&shape, |at| changed[at] == 1.0);
            self.optimizer.restore(&learnt, shape, &numerics)?;
            adaptation.absent = absent(family, &theta, &numerics)?;
            self.theta = numerics.tensor(theta, shape);
        }
        Ok(spent)
    }
}
