//! Components that come and go while a fit runs.
//!
//! The family has room for the most there may be. θ says which there are: one that is not has no weight, and all else of
//! it stays where it is until another comes to its place.

mod arrival;
mod config;
mod look;

use rayon::prelude::*;

pub use config::AdaptConfig;

use super::Fit;
use super::evaluations::Evaluations;
use crate::compute::noise::{RunKey, Stream};
use crate::compute::snapshot::Snapshot;
use crate::density::family::Family;
use crate::error::Result;
use crate::mixture::Mixture;
use look::{Component, Components, Look, Question};

/// What a fit knows of components that come and go.
pub(super) struct Adaptation {
    pub config: AdaptConfig,
    runs: Vec<OfRun>,
    /// Entries of θ that are of no component, `[R, P]`.
    absent: Vec<bool>,
}

/// What it knows of a run.
struct OfRun {
    /// Where it began.
    start: Mixture,
    key: RunKey,
    /// The looks since each of the K components came, and its weight at the look before.
    past: Vec<[f64; 2]>,
}

impl Adaptation {
    /// Of R runs that begin at mixtures, with the noise of their keys and at θ `[R, P]`, run after run.
    pub fn new(
        config: AdaptConfig,
        runs: impl Iterator<Item = (Mixture, RunKey)>,
        (family, theta): (&Family, &[f64]),
    ) -> Self {
        let past = vec![[0.0; 2]; family.components()];
        let of_run = |(start, key)| OfRun {
            start,
            key,
            past: past.clone(),
        };
        Self {
            config,
            runs: runs.map(of_run).collect(),
            absent: absent(family, theta),
        }
    }

    /// Leaves what is of no component in θ `[R, P]` as it was.
    pub fn hold(&self, moved: &mut [f64], from: &[f64]) {
        for ((moved, from), _) in
            (moved.iter_mut().zip(from).zip(&self.absent)).filter(|(_, absent)| **absent)
        {
            *moved = *from;
        }
    }

    /// What is not in θ of it.
    pub fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot::default();
        let past = self.runs.iter().flat_map(|run| run.past.as_flattened());
        let past: Vec<f64> = past.copied().collect();
        snapshot.put("past", &[past.len()], past);
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
    ) -> Result<()> {
        let entries = 2 * family.components();
        let past = snapshot.array("past", &[self.runs.len() * entries])?;
        for (run, past) in self.runs.iter_mut().zip(past.chunks(entries)) {
            run.past.as_flattened_mut().copy_from_slice(past);
        }
        self.absent = absent(family, theta);
        Ok(())
    }
}

/// The entries of θ `[R, P]` that are of no component.
fn absent(family: &Family, theta: &[f64]) -> Vec<bool> {
    let parameters = family.parameters();
    let mut marks = vec![false; theta.len()];
    for (marks, theta) in (marks.chunks_mut(parameters)).zip(theta.chunks(parameters)) {
        (family.absent_places(theta)).for_each(|place| marks[place].fill(true));
    }
    marks
}

impl OfRun {
    /// Looks at q, which θ (P) is of, and writes what comes of it into θ: the places that are of another component now,
    /// and how often the target was evaluated.
    fn look(
        &mut self,
        theta: &mut [f64],
        q: &Mixture,
        (family, step): (&Family, usize),
        question: Question,
    ) -> (Vec<usize>, Evaluations) {
        let had = |at: usize| q.weights()[at] > 0.0;
        let past = self.past.iter().enumerate();
        let mut components: Components = past
            .map(|(at, &[age, before])| {
                had(at).then(|| Component {
                    weight: q.weights()[at],
                    gaussian: q.component(at),
                    age: age as usize,
                    before,
                    is_new: false,
                })
            })
            .collect();
        let look = Look {
            family,
            start: &self.start,
            question,
        };
        let mut generator = self.key.generator(Stream::Adapt, step as u64);
        let spent = look.taken(&mut components, &mut generator);
        let mut changed = Vec::new();
        for (at, (place, past)) in components.iter_mut().zip(&mut self.past).enumerate() {
            let is_new = place.as_ref().is_some_and(|one| one.is_new);
            // What the family has not does not come.
            place.take_if(|one| {
                one.is_new && (family.put_component(theta, at, &one.gaussian)).is_err()
            });
            if is_new || had(at) != place.is_some() {
                changed.push(at);
            }
            *past = (place.as_ref()).map_or([0.0; 2], |one| [one.age as f64, one.before]);
        }
        if !changed.is_empty() {
            let weight = |one: &Option<Component>| one.as_ref().map_or(0.0, |one| one.weight);
            let weights: Vec<f64> = components.iter().map(weight).collect();
            family.put_weights(theta, &weights);
        }
        (changed, spent)
    }
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
        if !step.is_multiple_of(adaptation.config.every) {
            return Ok(Vec::new());
        }
        let question = Question {
            config: adaptation.config,
            target: self.objective.target().model(),
            beta: self.objective.beta(step),
            number: step / adaptation.config.every - 1,
            adds: adaptation.config.adds(step),
        };
        let family = &self.family;
        let parameters = family.parameters();
        let mut theta = self.theta.clone();
        let members = family.members(&theta, self.objective.numerics())?;
        let rows = (theta.par_chunks_mut(parameters)).zip(&mut adaptation.runs);
        let looks: Vec<(Vec<usize>, Evaluations)> = (rows.zip(members.par_iter().zip(&self.runs)))
            .map(|((theta, of_run), (q, run))| match q {
                Some(q) if run.stop.is_none() => of_run.look(theta, q, (family, step), question),
                _ => Default::default(),
            })
            .collect();
        let mut places = vec![false; theta.len()];
        let rows = places.chunks_mut(parameters).zip(&mut self.runs);
        for ((places, run), (changed, _)) in rows.zip(&looks) {
            let all = changed.iter().flat_map(|&at| family.places_of(at));
            all.for_each(|place| places[place].fill(true));
            if let (false, Some(monitor)) = (changed.is_empty(), &mut run.monitor) {
                monitor.restart();
            }
        }
        if places.contains(&true) {
            let shape = [theta.len() / parameters, parameters];
            // What was learnt of a component that was another is of no use.
            let mut learnt = self.optimizer.snapshot(shape);
            learnt.clear(&shape, |at| places[at]);
            self.optimizer.restore(&learnt, shape)?;
            adaptation.absent = absent(family, &theta);
            self.theta = theta;
        }
        Ok(looks.into_iter().map(|(_, spent)| spent).collect())
    }
}
