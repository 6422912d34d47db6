//! What a fit is judged by: every divergence between p and q with its error, at any θ.
//!
//! This is apart from what is minimised: the same rule, finer than the one that trains, for every
//! fit of an experiment, so that fits by different divergences and estimators can be compared.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use burn::tensor::Tensor;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::compute::device::Numerics;
use crate::compute::kernel::MixtureTensors;
use crate::compute::noise::{Noise, RunKey, Stream};
use crate::density::target::{Target, TargetModel};
use crate::density::{Density, Draws};
use crate::divergence::{self, Attempt, DivergenceKind, Estimate, ReadPoints, Sampled, Side};
use crate::error::Result;
use crate::estimator::monte_carlo::MonteCarlo;
use crate::estimator::rows::Rows;
use crate::estimator::{Context, Estimator};
use crate::mixture::Mixture;
use crate::panels::{self, Host, LegendreOrder};

/// What every fit is judged by, whatever it minimises.
pub const ALWAYS_REPORTED: [DivergenceKind; 3] = [
    DivergenceKind::ForwardKl,
    DivergenceKind::ReverseKl,
    DivergenceKind::Js,
];

/// The divergences reported of a fit: the usual ones and its own; for rows and bins, which have no
/// density, its own alone.
pub fn reported(own: DivergenceKind) -> Vec<DivergenceKind> {
    if own.needs_no_density() {
        return vec![own];
    }
    let mut kinds = ALWAYS_REPORTED.to_vec();
    if !kinds.contains(&own) {
        kinds.push(own);
    }
    kinds
}

/// The reported divergences of one run, in nats.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Evaluation {
    #[serde(flatten)]
    kinds: BTreeMap<DivergenceKind, Estimate>,
    #[serde(
        rename = "held-out-cross-entropy",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    held_out: Option<Estimate>,
}

impl Evaluation {
    /// What was logged of a run.
    pub(crate) fn logged(
        kinds: impl IntoIterator<Item = (DivergenceKind, Estimate)>,
        held_out: Option<Estimate>,
    ) -> Self {
        let kinds = kinds.into_iter().collect();
        Self { kinds, held_out }
    }

    /// One of them; unknown if it was not reported.
    pub fn estimate(&self, kind: DivergenceKind) -> Estimate {
        self.kinds.get(&kind).copied().unwrap_or(Estimate::UNKNOWN)
    }

    /// Every divergence with its estimate.
    pub fn iter(&self) -> impl Iterator<Item = (DivergenceKind, Estimate)> {
        self.kinds.iter().map(|(kind, estimate)| (*kind, *estimate))
    }

    /// The cross-entropy of the rows that no fit saw, −mean log q by their weights, if there are some.
    pub fn held_out(&self) -> Option<Estimate> {
        self.held_out
    }

    /// Puts closed forms in the place of estimates, where there are any for these two.
    pub fn sharpen(&mut self, p: &TargetModel, q: &Mixture) {
        for (kind, estimate) in &mut self.kinds {
            let known = match kind.infinite_for(p.tails()) {
                Some(_) => Some(Estimate::exact(f64::INFINITY)),
                None => (p.as_mixture()).and_then(|p| kind.build().closed_form(p, q)),
            };
            if let Some(known) = known {
                *estimate = known;
            }
        }
    }
}

/// The attempts at every reported divergence of one run.
type Attempts = Vec<(DivergenceKind, Attempt)>;

impl From<Attempts> for Evaluation {
    fn from(attempts: Attempts) -> Self {
        let estimates = attempts.into_iter();
        Self {
            kinds: estimates
                .map(|(kind, attempt)| (kind, attempt.estimate))
                .collect(),
            held_out: None,
        }
    }
}

/// How much work an evaluation may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Effort {
    /// For D = 1 and 2, the rules to try one after the other …
    panels: [&'static [panels::PanelEffort]; PANELS_DIM],
    /// … until the error estimate is below this, in nats.
    tolerance: [f64; PANELS_DIM],
    /// Draws on each side, for D > 2.
    samples: usize,
}

/// Up to this dimension the divergences are integrals over panels.
pub const PANELS_DIM: usize = 2;

impl Effort {
    /// For a logged step: of all runs, many times over.
    pub fn logged(samples: usize) -> Self {
        const LINE: [panels::PanelEffort; 1] = [panels::PanelEffort {
            order: LegendreOrder::Sixteen,
            length: 1.0,
            cut: 1,
            tolerance: 1e-10,
            rounds: 4,
            points: 1 << 18,
            both_ways: false,
        }];
        const PLANE: [panels::PanelEffort; 2] = [
            panels::PanelEffort {
                order: LegendreOrder::Sixteen,
                length: 1.4,
                cut: 1,
                tolerance: 3e-7,
                rounds: 1,
                points: 1 << 20,
                both_ways: false,
            },
            panels::PanelEffort {
                order: LegendreOrder::Sixteen,
                length: 1.0,
                cut: 1,
                tolerance: 1e-8,
                rounds: 3,
                points: 1 << 22,
                both_ways: false,
            },
        ];
        Self {
            panels: [&LINE, &PLANE],
            tolerance: [1e-7, 1e-6],
            samples,
        }
    }

    /// For telling densities apart: the first rule, whatever its error.
    pub fn rough() -> Self {
        const ROUGH: [panels::PanelEffort; 1] = [panels::PanelEffort {
            order: LegendreOrder::Eight,
            length: 1.0,
            cut: 1,
            tolerance: 1e-6,
            rounds: 0,
            points: 1 << 20,
            both_ways: false,
        }];
        Self {
            panels: [&ROUGH, &ROUGH],
            tolerance: [f64::INFINITY; PANELS_DIM],
            samples: 1024,
        }
    }

    /// For the end: of one run, once.
    pub fn last(samples: usize) -> Self {
        const LINE: [panels::PanelEffort; 1] = [panels::PanelEffort::UTMOST[0]];
        const PLANE: [panels::PanelEffort; 1] = [panels::PanelEffort::UTMOST[1]];
        Self {
            panels: [&LINE, &PLANE],
            tolerance: [1e-9; PANELS_DIM],
            samples: 16 * samples,
        }
    }
}

/// No sum of rounded numbers can be known better than this many units in the last place.
const ROUNDING_UNITS: f64 = 64.0;
/// Runs are evaluated in groups whose largest tensor has about this many entries.
const GROUP_ENTRIES: usize = 1 << 18;

/// Evaluates divergences between a target and the R members of a family.
#[derive(Debug, Clone)]
pub struct Evaluator {
    numerics: Numerics,
    dim: usize,
    seed: u64,
    kinds: Vec<DivergenceKind>,
    effort: Effort,
}

impl Evaluator {
    /// Evaluates `kinds` by panels for D ≤ 2; above, by draws with noise that does not change from step
    /// to step.
    pub fn new(
        numerics: Numerics,
        dim: usize,
        seed: u64,
        kinds: Vec<DivergenceKind>,
        effort: Effort,
    ) -> Self {
        Self {
            numerics,
            dim,
            seed,
            kinds,
            effort,
        }
    }

    /// The same with other work, from now on.
    pub(crate) fn set_effort(&mut self, effort: Effort) {
        self.effort = effort;
    }

    /// The same of other divergences.
    pub(crate) fn judging(self, kinds: Vec<DivergenceKind>) -> Self {
        Self { kinds, ..self }
    }

    /// The divergences of every run of `q`.
    ///
    /// # Errors
    /// If the device failed.
    pub fn evaluate(&self, p: &Target, q: &MixtureTensors) -> Result<Vec<Evaluation>> {
        let mut evaluations = self.evaluate_normalized(p, q)?;
        p.model().check()?;
        // log p is off by as much everywhere.
        let off = p.model().log_normalizer_error();
        for (kind, estimate) in (evaluations.iter_mut()).flat_map(|one| &mut one.kinds) {
            *estimate = estimate.with_log_density_off(*kind, off);
        }
        if let Some(rows) = p.held_out() {
            let found = self.over_rows(rows, &[DivergenceKind::CrossEntropy], q)?;
            for (evaluation, attempts) in evaluations.iter_mut().zip(found) {
                let attempt = attempts.first();
                evaluation.held_out = attempt.map(|(_, attempt)| attempt.estimate);
            }
        }
        Ok(evaluations)
    }

    /// Divergences that are means over all rows.
    fn over_rows(
        &self,
        p: &dyn Density,
        kinds: &[DivergenceKind],
        q: &MixtureTensors,
    ) -> Result<Vec<Attempts>> {
        let [runs, k, d] = q.dims();
        let chunks = p.row_chunks();
        if chunks <= 1 && p.ranks().is_none() {
            let points = p.rows(0).map_or(1, |rows| rows.x.dims()[1]);
            return self.in_groups(&Rows, points * k * d, kinds, p, q);
        }
        // All runs go over the rows together.
        let mut all = vec![Attempts::new(); runs];
        for &kind in kinds {
            let sampled = |_, chunk| {
                self.sampled(&Rows, p, Stream::TargetEvaluation, chunk, p, q)
                    .read()
            };
            let attempts =
                divergence::estimate_in_chunks(&*kind.build(), chunks, p.ranks(), sampled)?;
            for (of_run, attempt) in all.iter_mut().zip(attempts) {
                of_run.push((kind, attempt));
            }
        }
        Ok(all)
    }

    /// Points of a density with p and q there.
    fn sampled(
        &self,
        estimator: &dyn Estimator,
        density: &dyn Density,
        stream: Stream,
        chunk: usize,
        p: &dyn Density,
        q: &MixtureTensors,
    ) -> Sampled {
        Sampled::new(self.draws(estimator, density, stream, chunk), p, q)
    }

    /// Points of a density. Every run sees the same noise: their values differ by θ alone.
    fn draws(
        &self,
        estimator: &dyn Estimator,
        density: &dyn Density,
        stream: Stream,
        chunk: usize,
    ) -> Draws {
        let keys = [RunKey {
            seed: self.seed,
            run: 0,
        }];
        let context = Context {
            numerics: &self.numerics,
            dim: self.dim,
            noise: Noise {
                runs: &keys,
                stream,
                step: 0,
            },
            chunk,
        };
        estimator.draws(density, context)
    }

    /// As if p were known with its constant.
    fn evaluate_normalized(&self, p: &Target, q: &MixtureTensors) -> Result<Vec<Evaluation>> {
        if p.row_chunks() > 0 {
            let attempts = self.over_rows(p, &self.kinds, q)?;
            return Ok(attempts.into_iter().map(Evaluation::from).collect());
        }
        match Host::new(p.model()) {
            Some(host) if self.dim <= PANELS_DIM => self.by_panels(&host, p, q),
            _ => self.by_draws(p, q),
        }
    }

    fn by_draws(&self, p: &Target, q: &MixtureTensors) -> Result<Vec<Evaluation>> {
        let [_, k, _] = q.dims();
        let estimator = MonteCarlo::new(self.effort.samples);
        let entries = self.effort.samples * k;
        let attempts = self.in_groups(&estimator, entries, &self.kinds, p, q)?;
        Ok(attempts.into_iter().map(Evaluation::from).collect())
    }

    /// Every run by itself, on the host; those that would take too many points by draws. A run that is
    /// no density has no divergences.
    fn by_panels(&self, host: &Host, p: &Target, q: &MixtureTensors) -> Result<Vec<Evaluation>> {
        let mixtures = q.clone().read()?;
        let found: Vec<Option<Evaluation>> = (mixtures.par_iter())
            .map(|mixture| match mixture {
                Ok(mixture) => self.evaluate_one(host, mixture),
                Err(_) => Ok(Some(self.unknown())),
            })
            .collect::<Result<_>>()?;
        let left: Vec<usize> = (found.iter().enumerate())
            .filter_map(|(run, evaluation)| evaluation.is_none().then_some(run))
            .collect();
        let mut drawn = match left[..] {
            [] => Vec::new(),
            _ => self.by_draws(p, &q.select(&left))?,
        }
        .into_iter();
        Ok((found.into_iter())
            .filter_map(|evaluation| evaluation.or_else(|| drawn.next()))
            .collect())
    }

    fn unknown(&self) -> Evaluation {
        let unknown = |kind: &DivergenceKind| (*kind, Estimate::UNKNOWN);
        Evaluation {
            kinds: self.kinds.iter().map(unknown).collect(),
            held_out: None,
        }
    }

    fn evaluate_one(&self, p: &Host, q: &Mixture) -> Result<Option<Evaluation>> {
        let Some(q) = Host::from_mixture(q) else {
            return Ok(None);
        };
        let place = self.dim - 1;
        let tolerance = self.effort.tolerance[place];
        let mut best: Option<Vec<Attempt>> = None;
        // Where panels are laid without knowing all of p, the first rule hardly ever does.
        let efforts = self.effort.panels[place];
        let skipped = if p.shape.is_exact() {
            0
        } else {
            efforts.len() - 1
        };
        for &effort in &efforts[skipped..] {
            let Some(attempts) = panels::divergences(p, &q, &self.kinds, effort)? else {
                break;
            };
            let is_rough = attempts.iter().any(|attempt| {
                let rounding = ROUNDING_UNITS * f64::EPSILON;
                let reachable = rounding * attempt.estimate.value.abs().max(1.0);
                attempt.needs_finer_rule(tolerance.max(reachable))
            });
            best = Some(attempts);
            if !is_rough {
                break;
            }
        }
        let kinds = self.kinds.iter().copied();
        Ok(best.map(|attempts| Evaluation::from(kinds.zip(attempts).collect::<Attempts>())))
    }

    fn in_groups(
        &self,
        estimator: &dyn Estimator,
        entries_per_run: usize,
        kinds: &[DivergenceKind],
        p: &dyn Density,
        q: &MixtureTensors,
    ) -> Result<Vec<Attempts>> {
        let [runs, ..] = q.dims();
        let group = (GROUP_ENTRIES / entries_per_run.max(1)).clamp(1, runs);
        let mut attempts = Vec::with_capacity(runs);
        let under_p = OnceCell::new();
        for start in (0..runs).step_by(group) {
            let members: Vec<usize> = (start..(start + group).min(runs)).collect();
            let some = if members.len() == runs {
                q.clone()
            } else {
                q.select(&members)
            };
            attempts.extend(self.group(estimator, members.len(), kinds, p, &some, &under_p)?);
        }
        Ok(attempts)
    }

    /// Of some runs; points of p with log p there are made once for all of them.
    fn group(
        &self,
        estimator: &dyn Estimator,
        runs: usize,
        kinds: &[DivergenceKind],
        p: &dyn Density,
        q: &MixtureTensors,
        points_of_p: &OnceCell<(Draws, Tensor<2>)>,
    ) -> Result<Vec<Attempts>> {
        let of_p = || {
            // Of bins it is not log p at points that is averaged.
            if p.binned().is_some() {
                return self.sampled(estimator, p, Stream::TargetEvaluation, 0, p, q);
            }
            let (draws, log_p) = points_of_p.get_or_init(|| {
                let draws = self.draws(estimator, p, Stream::TargetEvaluation, 0);
                let log_p = draws.log_p.clone();
                let log_p = log_p.unwrap_or_else(|| p.log_density(draws.x.clone()));
                (draws, log_p)
            });
            Sampled::with_log_p(draws.clone(), log_p.clone(), q)
        };
        let of_q = || self.sampled(estimator, q, Stream::FamilyEvaluation, 0, p, q);
        let [under_p, under_q] = [OnceCell::new(), OnceCell::new()];
        let side = |side: Side| -> Result<ReadPoints> {
            let (read, sampled): (&OnceCell<_>, &dyn Fn() -> Sampled) = match side {
                Side::Target => (&under_p, &of_p),
                Side::Family => (&under_q, &of_q),
            };
            if let Some(read) = read.get() {
                return Ok(ReadPoints::clone(read));
            }
            let made = sampled().read()?;
            Ok(read.get_or_init(|| made).clone())
        };
        let mut all = vec![Attempts::new(); runs];
        // Random points of either density count for both sides; rows have no density to count by.
        let jointly = p.row_chunks() == 0;
        for &kind in kinds {
            let attempts = if jointly {
                let points = [side(Side::Target)?, side(Side::Family)?];
                divergence::estimate_jointly(&*kind.build(), points.each_ref())?
            } else {
                divergence::estimate(&*kind.build(), side)?
            };
            for (of_run, attempt) in all.iter_mut().zip(attempts) {
                of_run.push((kind, attempt));
            }
        }
        Ok(all)
    }
}
