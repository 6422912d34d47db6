//! How a fit ended: its runs ranked, evaluated, and summarized.

use std::collections::BTreeMap;

use crate::compute::device::Numerics;
use crate::compute::kernel::MixtureTensors;
use crate::config::Experiment;
use crate::density::target::Target;
use crate::divergence::{DivergenceKind, Estimate, EstimateMethod};
use crate::error::Result;
use crate::fit::falling::{Trend, trend};
use crate::fit::optima::Ends;
use crate::fit::stop::Stop;
use crate::fit::{Plan, Record, RunRecord, refuted};
use crate::judge::criteria::Criteria;
use crate::judge::diagnostics;
use crate::judge::evaluate::{Effort, Evaluation, Evaluator, reported};
use crate::judge::known_optimum::KnownOptimum;
use crate::judge::of_x::OfX;
use crate::mixture::{Mixture, NaturalParameters};
use crate::record::{FitSummary, GradientVariance, KnownOptimumSummary, Optimum, RunSummary};
use crate::run_folder::RunFolder;

/// This many optima are judged as carefully as the best run; more are rare, or not optima.
const JUDGED: usize = 8;

/// Runs that were judged with the most care.
type Judged = BTreeMap<usize, Evaluation>;

/// A fit that has ended.
pub(super) struct Ended<'e> {
    pub experiment: &'e Experiment,
    pub plan: &'e Plan,
    pub target: &'e Target,
    pub numerics: &'e Numerics,
    pub first: Record,
    pub last: Record,
}

impl Ended<'_> {
    /// Judges where it ended, and writes its table of restarts.
    ///
    /// # Errors
    /// If the device failed, or the table cannot be written.
    pub fn summarize(mut self, folder: &RunFolder) -> Result<FitSummary> {
        let (ends, judged) = self.judge_ends()?;
        let Self { plan, last, .. } = &self;
        let target = self.target.model();
        folder.write_restarts(plan, target, &self.first, last, ends.optimum())?;
        let best = (ends.best()).and_then(|run| Some((run, judged.get(&run)?)));
        let best = best.map(|(run, judged)| self.run_summary(run, judged));
        let best = best.transpose()?;
        let known_optimum = self.known_optimum(best.as_ref())?;
        let mut optima = optima_of(&ends, last, &judged);
        self.tell_falling(&mut optima, folder)?;
        let places: Vec<Mixture> = (optima.iter().take(JUDGED))
            .map(|optimum| self.q(optimum.run))
            .collect();
        let seed = self.experiment.config.seed;
        Ok(FitSummary {
            label: plan.label.clone(),
            divergence: plan.divergence,
            steps: plan.optimizer.steps,
            learning_rate: plan.optimizer.rate(),
            seconds: last.seconds,
            restarts: last.runs.len(),
            failed: ends.optimum().iter().filter(|end| end.is_none()).count(),
            failure: (last.runs.iter().filter_map(|run| run.stop.as_ref()))
                .find(|stop| stop.is_failure())
                .map(Stop::to_string),
            best,
            log_density_off: Some(self.target.model().log_normalizer_error())
                .filter(|off| *off > 0.0 && off.is_finite()),
            known_optimum,
            modes: diagnostics::modes_found(
                self.target.model(),
                &places.iter().collect::<Vec<_>>(),
                seed,
            ),
            optima,
        })
    }

    /// The ends of the runs, and the best of them with the most care. A run whose numbers do not stand
    /// up to that has failed, and the others are ranked without it.
    fn judge_ends(&mut self) -> Result<(Ends, Judged)> {
        let mut judged = Judged::new();
        loop {
            let ends = Ends::new(self.plan, &self.last, self.numerics, |_| true)?;
            let mut all_stand = true;
            for (run, _) in ends.leaders().into_iter().take(JUDGED) {
                if judged.contains_key(&run) {
                    continue;
                }
                let evaluation = self.judge(&self.q(run))?;
                if let Some(what) = refuted(&evaluation) {
                    let what = format!("{what}, by the last evaluation: no rule resolves q");
                    let step = self.last.runs[run].from_step(self.last.step);
                    self.last.runs[run].stop = Some(Stop::Failed { step, what });
                    all_stand = false;
                }
                judged.insert(run, evaluation);
            }
            if all_stand {
                return Ok((ends, judged));
            }
        }
    }

    /// Where a run ended: of components that come and go, those that there are.
    fn q(&self, run: usize) -> Mixture {
        self.last.runs[run].mixture.occupied()
    }

    /// Every reported divergence of q with the most care.
    fn judge(&self, q: &Mixture) -> Result<Evaluation> {
        let config = &self.experiment.config;
        let evaluator = Evaluator::new(
            self.numerics.clone(),
            q.dim(),
            config.seed,
            reported(self.plan.divergence),
            Effort::last(config.log.samples),
        );
        let tensors = MixtureTensors::constant(q, self.numerics);
        let mut evaluation = evaluator.evaluate(self.target, &tensors)?.swap_remove(0);
        evaluation.sharpen(self.target.model(), q);
        Ok(evaluation)
    }

    fn run_summary(&self, run: usize, judged: &Evaluation) -> Result<RunSummary> {
        let (start, end) = (&self.first.runs[run], &self.last.runs[run]);
        let q = self.q(run);
        let variance = start.gradient_variance.zip(end.gradient_variance);
        let rows = self.target.model().as_samples();
        let entropy = judged.estimate(DivergenceKind::CrossEntropy).value;
        let criteria = rows.map(|rows| Criteria::new(&self.plan.family, &q, rows, entropy));
        Ok(RunSummary {
            run,
            steps: end.step_of(self.last.step),
            stop: end.stop.clone().unwrap_or(Stop::Steps),
            best_iterate: end.best_iterate,
            loss: end.loss,
            effective_sample_size: end.effective_sample_size,
            gradient_norm: end.gradient_norm,
            gradient_variance: variance.map(|(start, end)| GradientVariance { start, end }),
            divergences: judged.clone(),
            diagnostics: diagnostics::diagnose(
                self.target.model(),
                &q,
                self.experiment.config.seed,
            ),
            criteria: criteria.transpose()?,
            evaluations: end.evaluations,
            mixture: NaturalParameters::from(&q),
            of_x: (self.target.model().bounded()).map(|coordinates| OfX::new(coordinates, &q)),
        })
    }

    /// Tells of the best optima of a random objective whether the divergence of the run that leads there was
    /// still falling, as far as that can be told; of an average of iterates that have settled it was not.
    fn tell_falling(&self, optima: &mut [Optimum], folder: &RunFolder) -> Result<()> {
        let Self { plan, last, .. } = self;
        let is_noisy = |run: &RunRecord| {
            let has_settled = matches!(run.stop, Some(Stop::Averaged { .. }));
            run.loss.method == EstimateMethod::MonteCarlo && !has_settled
        };
        let noisy = (optima.iter_mut()).filter(|one| is_noisy(&last.runs[one.run]));
        let mut told: Vec<&mut Optimum> = noisy.collect();
        for one in &mut told {
            one.rest_unknown = true;
        }
        told.truncate(JUDGED);
        if told.is_empty() {
            return Ok(());
        }
        // What is minimised before is something else.
        let annealed = plan.anneal.map_or(0, |anneal| anneal.steps);
        let adapted = plan.adapt.and_then(|adapt| adapt.until).unwrap_or(0);
        let runs: Vec<usize> = told.iter().map(|one| one.run).collect();
        let mut paths = folder.series(&plan.label, plan.divergence, &runs)?;
        for one in &mut told {
            let mut path = paths.remove(&one.run).unwrap_or_default();
            path.retain(|(step, _)| *step >= annealed.max(adapted));
            let trend = trend(&path);
            // Where an earlier step was better, the end is not where the divergence came to rest.
            one.rest_unknown = match trend {
                Trend::Unknown => true,
                Trend::Level => one.best_iterate.is_some(),
                Trend::Falling(_) => false,
            };
            if let Trend::Falling(falling) = trend {
                one.falling = Some(falling);
            }
        }
        Ok(())
    }

    fn known_optimum(&self, best: Option<&RunSummary>) -> Result<Option<KnownOptimumSummary>> {
        let plan = self.plan;
        let known = KnownOptimum::find(plan.divergence, &plan.family, self.target.model());
        let Some(optimum) = known else {
            return Ok(None);
        };
        let value = if optimum.is_target {
            Estimate::exact(0.0)
        } else {
            let value = self.judge(&optimum.mixture)?.estimate(plan.divergence);
            match plan.divergence.refutes(value) {
                Some(_) => Estimate::UNKNOWN,
                None => value,
            }
        };
        let gap =
            best.and_then(|best| optimum.gap(&self.last.runs[best.run].mixture, &best.divergences));
        Ok(Some(KnownOptimumSummary {
            value,
            gap,
            mixture: (&optimum.mixture).into(),
        }))
    }
}

/// The optima that runs ended at, the best first.
fn optima_of(ends: &Ends, last: &Record, judged: &Judged) -> Vec<Optimum> {
    (ends.leaders().into_iter())
        .map(|(run, runs)| Optimum {
            runs,
            run,
            best_iterate: last.runs[run].best_iterate,
            gradient_norm: last.runs[run].gradient_norm,
            falling: None,
            rest_unknown: false,
            divergences: (judged.get(&run))
                .unwrap_or(&last.runs[run].evaluation)
                .clone(),
            mixture: (&last.runs[run].mixture.occupied()).into(),
        })
        .collect()
}
