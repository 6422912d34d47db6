//! Where a fit stands between two steps, to resume from to the bit.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::best::Best;
use super::evaluations::Evaluations;
use super::{Fit, Run};
use crate::compute::snapshot::Snapshot;
use crate::error::{Error, Result};
use crate::fit::stop::Stop;

/// Where a fit stands between two steps.
///
/// What only depends on the plan, the seed and the step is not in it: the noise of a step is made
/// without its past.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FitState {
    /// The last step that was taken in.
    pub step: usize,
    /// Seconds it took so far.
    pub seconds: f64,
    /// θ, losses, levels of refinement, the optimizer's state and the monitors'.
    numbers: Snapshot,
    runs: Vec<RunState>,
}

/// What is no number of a run, as the fit has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RunState {
    stop: Option<Stop>,
    recorded: bool,
    best: Option<Best>,
    evaluations: Evaluations,
}

impl Fit<'_> {
    /// Where it stands, to [`restore`](Fit::restore) a fit of the same plan with.
    ///
    /// # Errors
    /// If it has not begun, or the device failed.
    pub fn state(&self) -> Result<FitState> {
        let Some(step) = self.step else {
            return Err(Error::usage(
                "a fit that has not begun has no state",
                "take a step first",
            ));
        };
        let mut numbers = Snapshot::default();
        let shape = [self.runs.len(), self.family.parameters()];
        let of_runs = |number: &dyn Fn(&Run) -> f64| self.runs.iter().map(number).collect();
        numbers.put("theta", &shape, self.theta.clone());
        numbers.put("finite", &shape, self.finite.clone());
        let runs = [self.runs.len()];
        numbers.put("active", &runs, of_runs(&|run| f64::from(run.is_active)));
        numbers.put("reached", &runs, of_runs(&|run| run.reached as f64));
        numbers.put("loss", &runs, of_runs(&|run| run.loss));
        numbers.put("norm", &runs, of_runs(&|run| run.norm));
        let shown = self.runs.iter().flat_map(|run| &run.theta);
        numbers.put("shown", &shape, shown.copied().collect());
        let levels = self.objective.levels();
        let levels: Vec<f64> = levels.iter().map(|&level| level as f64).collect();
        numbers.put("levels", &[levels.len()], levels);
        numbers.put_all("optimizer", self.optimizer.snapshot(shape));
        numbers.put_all("draws", self.objective.draws_snapshot()?);
        if let Some(adaptation) = &self.adaptation {
            numbers.put_all("adapt", adaptation.snapshot());
        }
        for (at, run) in self.runs.iter().enumerate() {
            if let Some(monitor) = &run.monitor {
                numbers.put_all(&format!("monitor.{at}"), monitor.snapshot());
            }
        }
        let runs = self.runs.iter().map(|run| RunState {
            stop: run.stop.clone(),
            recorded: run.recorded,
            best: run.best.clone(),
            evaluations: run.evaluations,
        });
        Ok(FitState {
            step,
            seconds: self.started.elapsed().as_secs_f64(),
            numbers,
            runs: runs.collect(),
        })
    }

    /// Goes on from where a fit of the same plan stood.
    ///
    /// # Errors
    /// If the state is not of such a fit.
    pub fn restore(&mut self, state: &FitState) -> Result<()> {
        let shape = [self.runs.len(), self.family.parameters()];
        let [runs, parameters] = shape;
        let saved = state.runs.len();
        let mut best = state.runs.iter().filter_map(|run| run.best.as_ref());
        if saved != runs || !best.all(|best| best.theta.len() == parameters) {
            return Err(Error::usage(
                format!("the saved state is of {saved} runs and the fit has {runs}"),
                "run the experiment again, with --force to replace the folder",
            ));
        }
        let numbers = &state.numbers;
        let numerics = self.objective.numerics().clone();
        self.theta.copy_from_slice(numbers.array("theta", &shape)?);
        self.finite
            .copy_from_slice(numbers.array("finite", &shape)?);
        let of_runs = |name: &str| numbers.array(name, &[runs]);
        let (active, reached) = (of_runs("active")?, of_runs("reached")?);
        let (loss, norm) = (of_runs("loss")?, of_runs("norm")?);
        let levels = numbers.array("levels", &[runs])?;
        self.objective
            .set_levels(levels.iter().map(|&level| level as usize));
        (self.objective).restore_draws(&numbers.part("draws"), shape)?;
        if let Some(adaptation) = &mut self.adaptation {
            let theta = (&self.family, &self.theta[..]);
            adaptation.restore(&numbers.part("adapt"), theta)?;
        }
        let optimizer = numbers.part("optimizer");
        self.optimizer.restore(&optimizer, shape)?;
        let on_device = numbers.tensor("shown", shape, &numerics)?;
        let members = self.objective.written(on_device).read()?;
        let shown = numbers.array("shown", &shape)?.chunks(parameters);
        let saved = state.runs.iter().zip(shown).zip(members);
        for (at, (run, ((saved, theta), mixture))) in self.runs.iter_mut().zip(saved).enumerate() {
            if let Some(monitor) = &mut run.monitor {
                monitor.restore(&numbers.part(&format!("monitor.{at}")), parameters)?;
            }
            run.is_active = active[at] == 1.0;
            run.reached = reached[at] as usize;
            run.loss = loss[at];
            run.norm = norm[at];
            run.mixture = mixture?;
            run.theta.copy_from_slice(theta);
            run.stop.clone_from(&saved.stop);
            run.recorded = saved.recorded;
            run.evaluations = saved.evaluations;
            run.best.clone_from(&saved.best);
        }
        self.step = Some(state.step);
        let spent = Duration::try_from_secs_f64(state.seconds).unwrap_or_default();
        let now = Instant::now();
        self.started = now.checked_sub(spent).unwrap_or(now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compute::device::Numerics;

    #[test]
    fn numbers_go_through_a_device_unchanged() {
        let numerics = Numerics::cpu();
        let values = vec![0.1, -0.0, 5e-324, f64::INFINITY];
        let mut numbers = Snapshot::default();
        numbers.put("x", &[2, 2], values.clone());
        let tensor: burn::tensor::Tensor<2> = numbers.tensor("x", [2, 2], &numerics).unwrap();
        let back = Numerics::read(tensor).unwrap();
        let bits = |x: &[f64]| x.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&back), bits(&values));
    }
}
