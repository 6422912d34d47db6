//! Where the runs of a fit start.

mod duplicates;
pub mod k_means;
mod kind;
pub mod laplace;
pub mod moments;
pub mod pathfinder;
pub mod random;
mod surface;

pub use duplicates::{duplicate_components, separated};
pub use kind::StartRule;
pub(crate) use kind::starts;
use std::cell::Cell;

use nalgebra::{DMatrix, DVector};
use rand_chacha::ChaCha8Rng;

use crate::compute::noise::{RunKey, Stream};
use crate::density::family::Family;
use crate::density::target::TargetModel;
use crate::error::Refusal;
use crate::fit::evaluations::Evaluations;
use crate::mixture::Mixture;

/// Multiplications, but for a factor of about ten, that take a moment even for each point of a sweep.
const MOMENT: usize = 1 << 20;

/// What a start is drawn for.
struct FitProblem<'a> {
    family: &'a Family,
    target: &'a TargetModel,
    /// The mean (D) and covariance (D × D) of the target, or what stands in for them.
    extent: (DVector<f64>, DMatrix<f64>),
    /// How often it was evaluated for the start that is drawn now.
    evaluations: Cell<Evaluations>,
}

/// What the start of a run is drawn with.
fn start_generator(key: RunKey) -> ChaCha8Rng {
    key.generator(Stream::Init, 0)
}

/// A rule that draws starts.
trait StartSettings {
    /// What a start of it is called.
    fn title(&self) -> &'static str;

    /// What makes no sense among its settings.
    fn check(&self) -> Result<(), Refusal> {
        Ok(())
    }

    /// How many of R runs would not start the same.
    fn distinct(&self, runs: usize, _: &Family) -> usize {
        runs
    }

    /// How many multiplications a start takes besides those of its covariances.
    fn work(&self, _: &Family, _: &TargetModel) -> usize {
        0
    }

    /// The start of one run.
    fn draw(&self, fit: &FitProblem, generator: &mut ChaCha8Rng) -> Result<Mixture, Refusal>;
}

/// How the runs of a fit start.
#[derive(Debug, Clone, PartialEq)]
pub enum Start {
    /// Each drawn by a rule.
    Drawn {
        /// The rule.
        rule: StartRule,
        /// R.
        restarts: usize,
    },
    /// One run from a given member of the family.
    Given(Box<Mixture>),
    /// A run from each of several members of the family.
    Each(Vec<Mixture>),
    /// One run from where an earlier fit of the experiment, which is called so, ended; not known before it has.
    EndOf(String),
    /// One run from where an earlier fit ended, with how often the target was evaluated to come there.
    Begun(Box<Mixture>, Evaluations),
}

impl Start {
    /// R starts that a rule draws.
    pub fn drawn(rule: impl Into<StartRule>, restarts: usize) -> Self {
        let rule = rule.into();
        Self::Drawn { rule, restarts }
    }

    /// Without runs that would start as others do.
    pub(crate) fn distinct(self, family: &Family) -> Self {
        match self {
            Self::Drawn { rule, restarts } => {
                Self::drawn(rule, rule.choice().distinct(restarts, family))
            }
            Self::Given(_) | Self::Each(_) | Self::EndOf(_) | Self::Begun(..) => self,
        }
    }

    /// What makes no sense among the settings of its rule.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        match self {
            Self::Drawn { rule, .. } => rule.choice().check(),
            Self::Given(_) | Self::Each(_) | Self::EndOf(_) | Self::Begun(..) => Ok(()),
        }
    }

    /// R.
    pub fn runs(&self) -> usize {
        match self {
            Self::Drawn { restarts, .. } => *restarts,
            Self::Given(_) | Self::EndOf(_) | Self::Begun(..) => 1,
            Self::Each(starts) => starts.len(),
        }
    }

    /// What it is called, with its count.
    pub fn describe(&self) -> String {
        let title = match self {
            Self::Drawn { rule, .. } => rule.choice().title(),
            Self::Given(_) => return "a given start".to_owned(),
            Self::Each(_) => "given start",
            Self::EndOf(_) | Self::Begun(..) => return "the end of an earlier fit".to_owned(),
        };
        crate::text::count(self.runs(), title)
    }

    /// The start of every run. Run r depends on the seed and r alone.
    ///
    /// Every drawn start is put into the structure of the family, and of components that would start
    /// as one all but one are moved a little. A given start is taken as it is.
    ///
    /// # Errors
    /// If the target's covariance is too near singular to start from.
    pub fn mixtures(
        &self,
        family: &Family,
        target: &TargetModel,
        seed: u64,
    ) -> Result<Vec<Mixture>, Refusal> {
        let starts = self.drawn_for(family, target, seed)?;
        Ok(starts.into_iter().map(|(start, _)| start).collect())
    }

    /// As [`Start::mixtures`], each with how often the target was evaluated for it.
    ///
    /// # Errors
    /// As [`Start::mixtures`].
    pub(crate) fn drawn_for(
        &self,
        family: &Family,
        target: &TargetModel,
        seed: u64,
    ) -> Result<Vec<(Mixture, Evaluations)>, Refusal> {
        let given = |start: &Mixture| (start.clone(), Evaluations::default());
        let (rule, restarts) = match self {
            Self::Drawn { rule, restarts } => (rule, *restarts as u64),
            Self::Given(mixture) => return Ok(vec![given(mixture)]),
            Self::Each(mixtures) => return Ok(mixtures.iter().map(given).collect()),
            Self::Begun(mixture, evaluations) => {
                return Ok(vec![(family.project(mixture)?, *evaluations)]);
            }
            Self::EndOf(label) => {
                let message = format!("is the end of fit \"{label}\", which has not run");
                return Err(Refusal::new("fit", message, "run that first"));
            }
        };
        let problem = FitProblem::new(family, target);
        (0..restarts)
            .map(|run| problem.start(*rule, RunKey { seed, run }))
            .collect()
    }

    /// Whether the starts of so many runs take no more than a moment.
    pub(crate) fn is_soon(&self, family: &Family, target: &TargetModel, runs: usize) -> bool {
        let Self::Drawn { rule, .. } = self else {
            return true;
        };
        let (k, dim) = (family.components(), family.dim());
        let work = rule.choice().work(family, target);
        let work = work.max(k.saturating_mul(dim.saturating_pow(3)));
        work.saturating_mul(runs) <= MOMENT
    }

    /// Tells whether the first run has a start, where that takes no more than a moment: any number
    /// of runs may be asked for, of any size.
    ///
    /// # Errors
    /// As [`Start::mixtures`].
    pub(crate) fn try_first(
        &self,
        family: &Family,
        target: &TargetModel,
        seed: u64,
    ) -> Result<(), Refusal> {
        let Self::Drawn { rule, .. } = self else {
            return Ok(());
        };
        if !self.is_soon(family, target, 1) {
            return Ok(());
        }
        let key = RunKey { seed, run: 0 };
        FitProblem::new(family, target).start(*rule, key).map(drop)
    }
}

impl<'a> FitProblem<'a> {
    fn new(family: &'a Family, target: &'a TargetModel) -> Self {
        let extent = target.extent();
        Self {
            family,
            target,
            extent,
            evaluations: Cell::default(),
        }
    }

    /// The start of one run, with how often the target was evaluated for it.
    fn start(&self, rule: StartRule, key: RunKey) -> Result<(Mixture, Evaluations), Refusal> {
        self.evaluations.take();
        let mut generator = start_generator(key);
        let start = rule.choice().draw(self, &mut generator)?;
        // Equal points make equal clusters.
        let start = separated(self.family.project(&start)?, &mut generator)?;
        Ok((start, self.evaluations.take()))
    }

    /// Counts what a start takes of the target.
    fn spend(&self, more: Evaluations) {
        let mut all = self.evaluations.get();
        all += more;
        self.evaluations.set(all);
    }
}
