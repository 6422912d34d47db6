//! What a fit is judged by: every divergence between p and q with its error, at any θ.
//!
//! This is apart from what is minimised: the same rule, finer than the one that trains, for every
//! fit of an experiment, so that fits by different divergences and estimators can be compared.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::density::Density;
use crate::device::Numerics;
use crate::divergence::{self, Attempt, DivergenceKind, Estimate, Sampled, Side};
use crate::error::Result;
use crate::estimator::{Context, Estimator, MonteCarlo, Quadrature, Rows};
use crate::kernel::MixtureTensors;
use crate::mixture::Mixture;
use crate::noise::{Noise, RunKey, Stream};
use crate::target::TargetModel;

/// What every fit is judged by, whatever it minimises.
pub const ALWAYS_REPORTED: [DivergenceKind; 3] = [
    DivergenceKind::ForwardKl,
    DivergenceKind::ReverseKl,
    DivergenceKind::Js,
];

/// The divergences reported of a fit: the usual ones and its own; for rows, which have no density,
/// its own alone.
pub fn reported(own: DivergenceKind) -> Vec<DivergenceKind> {
    if own == DivergenceKind::CrossEntropy {
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
#[serde(transparent)]
pub struct Evaluation(BTreeMap<DivergenceKind, Estimate>);

impl Evaluation {
    /// One of them; unknown if it was not reported.
    pub fn of(&self, kind: DivergenceKind) -> Estimate {
        self.0.get(&kind).copied().unwrap_or(Estimate::UNKNOWN)
    }

    /// Every divergence with its estimate.
    pub fn iter(&self) -> impl Iterator<Item = (DivergenceKind, Estimate)> {
        self.0.iter().map(|(kind, estimate)| (*kind, *estimate))
    }

    /// Puts closed forms in the place of estimates, where there are any for these two.
    pub fn sharpen(&mut self, p: &TargetModel, q: &Mixture) {
        for (kind, estimate) in &mut self.0 {
            let known = match p.makes_infinite(*kind) {
                Some(_) => Some(f64::INFINITY),
                None => (p.as_mixture()).and_then(|p| kind.build().closed_form(p, q)),
            };
            if let Some(value) = known {
                *estimate = Estimate::exact(value);
            }
        }
    }
}

/// The attempts at every reported divergence of one run.
type Attempts = Vec<(DivergenceKind, Attempt)>;

impl From<Attempts> for Evaluation {
    fn from(attempts: Attempts) -> Self {
        Self(
            (attempts
                .into_iter()
                .map(|(kind, attempt)| (kind, attempt.estimate)))
            .collect(),
        )
    }
}

/// How much work an evaluation may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Effort {
    /// Quadrature is refined until its error estimate is below this, in nats, for D = 1 and 2 …
    tolerance: [f64; Quadrature::MAX_DIM],
    /// … or until a component has this many points on an axis.
    points: [usize; Quadrature::MAX_DIM],
    /// Whether it goes farther out than usual.
    wide: bool,
    /// Draws on each side, for D > 2.
    samples: usize,
}

impl Effort {
    /// For a logged step: of all runs, many times over.
    pub fn logged(samples: usize) -> Self {
        Self {
            tolerance: [1e-7, 1e-6],
            points: [6401, 161],
            wide: false,
            samples,
        }
    }

    /// For telling densities apart: the first rule, whatever its error.
    pub fn rough() -> Self {
        Self {
            tolerance: [f64::INFINITY; 2],
            points: FIRST_POINTS,
            wide: false,
            samples: 1024,
        }
    }

    /// For the end: of one run, once.
    pub fn last(samples: usize) -> Self {
        Self {
            tolerance: [1e-9; 2],
            points: [12_801, 641],
            wide: true,
            samples: 16 * samples,
        }
    }
}

/// The first rule has this many points on an axis, for D = 1 and 2.
const FIRST_POINTS: [usize; Quadrature::MAX_DIM] = [201, 81];
/// No sum of rounded numbers can be told better than this many units in the last place.
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
    /// For D ≤ 2, the rules to try, each of half the spacing of the one before.
    rules: Vec<Quadrature>,
}

impl Evaluator {
    /// Evaluates `kinds` by quadrature for D ≤ 2; above, by draws with noise that does not change
    /// from step to step.
    pub fn new(
        numerics: Numerics,
        dim: usize,
        seed: u64,
        kinds: Vec<DivergenceKind>,
        effort: Effort,
    ) -> Self {
        let axis = dim.min(Quadrature::MAX_DIM) - 1;
        let narrow = Quadrature::up_to(FIRST_POINTS[axis], effort.points[axis]);
        let first = if effort.wide { narrow.wide() } else { narrow };
        Self {
            numerics,
            dim,
            seed,
            kinds,
            effort,
            rules: std::iter::successors(Some(first), Quadrature::halved).collect(),
        }
    }

    /// The divergences of every run of `q`.
    ///
    /// # Errors
    /// If the device failed.
    pub fn evaluate(&self, p: &dyn Density, q: &MixtureTensors) -> Result<Vec<Evaluation>> {
        let [runs, k, d] = q.dims();
        if let Some(rows) = p.rows() {
            let [_, points, _] = rows.x.dims();
            let attempts = self.in_groups(&Rows, points * k * d, p, q)?;
            return Ok(attempts.into_iter().map(Evaluation::from).collect());
        }
        if self.dim > Quadrature::MAX_DIM {
            let estimator = MonteCarlo::new(self.effort.samples);
            let attempts = self.in_groups(&estimator, self.effort.samples * k, p, q)?;
            return Ok(attempts.into_iter().map(Evaluation::from).collect());
        }
        let tolerance = self.effort.tolerance[self.dim - 1];
        let mut settled = vec![Evaluation::default(); runs];
        let mut open: Vec<usize> = (0..runs).collect();
        // Refine only the runs that need it; a run that is lost (NaN) is as good as it will get.
        for rule in &self.rules {
            let size = rule.points().pow(self.dim as u32) * k.max(p.strata()) * k;
            let some = if open.len() == runs {
                q.clone()
            } else {
                q.select(&open)
            };
            let mut still_open = Vec::new();
            for (run, attempts) in open.into_iter().zip(self.in_groups(rule, size, p, &some)?) {
                let is_rough = attempts.iter().any(|(_, attempt)| {
                    let rounding = ROUNDING_UNITS * self.numerics.epsilon();
                    let reachable = rounding * attempt.estimate.value.abs().max(1.0);
                    attempt.calls_for_a_finer_rule(tolerance.max(reachable))
                });
                if is_rough {
                    still_open.push(run);
                }
                settled[run] = attempts.into();
            }
            open = still_open;
            if open.is_empty() {
                break;
            }
        }
        Ok(settled)
    }

    fn in_groups(
        &self,
        estimator: &dyn Estimator,
        entries_per_run: usize,
        p: &dyn Density,
        q: &MixtureTensors,
    ) -> Result<Vec<Attempts>> {
        let [runs, ..] = q.dims();
        let group = (GROUP_ENTRIES / entries_per_run.max(1)).clamp(1, runs);
        let mut attempts = Vec::with_capacity(runs);
        for start in (0..runs).step_by(group) {
            let members: Vec<usize> = (start..(start + group).min(runs)).collect();
            let some = if members.len() == runs {
                q.clone()
            } else {
                q.select(&members)
            };
            attempts.extend(self.group(estimator, members.len(), p, &some)?);
        }
        Ok(attempts)
    }

    /// Every run of a group sees the same noise: their values differ by θ alone.
    fn group(
        &self,
        estimator: &dyn Estimator,
        runs: usize,
        p: &dyn Density,
        q: &MixtureTensors,
    ) -> Result<Vec<Attempts>> {
        let keys = [RunKey {
            seed: self.seed,
            run: 0,
        }];
        let sample = |density: &dyn Density, stream: Stream| {
            let noise = Noise {
                runs: &keys,
                stream,
                step: 0,
            };
            let context = Context {
                numerics: &self.numerics,
                dim: self.dim,
                noise,
            };
            Sampled::new(estimator.draws(density, context), p, q)
        };
        let (mut under_p, mut under_q) = (None, None);
        let mut side = |side: Side| {
            match side {
                Side::Target => under_p.get_or_insert_with(|| sample(p, Stream::TargetEvaluation)),
                Side::Family => under_q.get_or_insert_with(|| sample(q, Stream::FamilyEvaluation)),
            }
            .clone()
        };
        let mut all = vec![Attempts::new(); runs];
        for &kind in &self.kinds {
            let attempts = divergence::estimate(&*kind.build(), &mut side)?;
            for (of_run, attempt) in all.iter_mut().zip(attempts) {
                of_run.push((kind, attempt));
            }
        }
        Ok(all)
    }
}
