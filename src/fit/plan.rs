//! What a fit does, and how it is logged: all settings resolved.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::density::family::Family;
use crate::divergence::DivergenceKind;
use crate::estimator::EstimatorConfig;
use crate::fit::adapt::AdaptConfig;
use crate::fit::anneal::AnnealConfig;
use crate::fit::init::Start;
use crate::fit::stop::StopConfig;
use crate::optimizer::OptimizerConfig;

/// What one fit does, all settings resolved.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// A name for files and figures, unique in its experiment.
    pub label: String,
    /// What is minimised.
    pub divergence: DivergenceKind,
    /// Over which densities.
    pub family: Family,
    /// From where.
    pub start: Start,
    /// With which points.
    pub estimator: EstimatorConfig,
    /// By which rule, and for how many steps.
    pub optimizer: OptimizerConfig,
    /// When a run stops earlier.
    pub stop: StopConfig,
    /// Whether it sees a power of p first.
    pub anneal: Option<AnnealConfig>,
    /// Whether its components come and go, up to as many as the family has.
    pub adapt: Option<AdaptConfig>,
}

impl Plan {
    /// Whether it can share a loop with another: all but name, start and learning rate are equal.
    pub fn batches_with(&self, other: &Self) -> bool {
        self.in_common() == other.in_common()
    }

    /// The family that it starts in.
    pub(crate) fn first_family(&self) -> Cow<'_, Family> {
        AdaptConfig::first_family(self.adapt, &self.family)
    }

    /// What fits that can share a loop have in common, as text.
    pub(crate) fn in_common(&self) -> String {
        let Self {
            label: _,
            divergence,
            family,
            start: _,
            estimator,
            optimizer,
            stop,
            anneal,
            adapt,
        } = self;
        let optimizer = OptimizerConfig {
            learning_rate: None,
            ..*optimizer
        };
        format!(
            "{:?}",
            (
                divergence, family, estimator, optimizer, stop, anneal, adapt
            )
        )
    }
}

/// How a fit is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a section")]
pub struct LogConfig {
    /// A record every this many steps, and at the first and the last; by default about 100 in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<usize>,
    /// The most rows that a trajectory may have, of all runs of a fit together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_rows: Option<usize>,
    /// Draws on each side for the logged divergences, where D > 2.
    pub samples: usize,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            every: None,
            max_rows: None,
            samples: 4096,
        }
    }
}

impl LogConfig {
    /// Steps between records of a plan: the least multiple of `every` that keeps to `max_rows`, as far as
    /// the first and the last record do.
    pub fn every(&self, plan: &Plan) -> usize {
        let (steps, runs) = (plan.optimizer.steps, plan.start.runs());
        let asked = self.every.unwrap_or(steps.div_ceil(100)).max(1);
        let Some(records) = self.max_rows.map(|rows| rows / runs.max(1)) else {
            return asked;
        };
        // Two of them are the first and the last.
        let between = steps.div_ceil(records.saturating_sub(1).max(1));
        // No config can say more.
        let most = i64::MAX as usize;
        asked
            .saturating_mul(between.div_ceil(asked).max(1))
            .min(most)
    }

    /// The most rows that the trajectory of a plan will have.
    pub fn rows(&self, plan: &Plan) -> usize {
        let records = plan.optimizer.steps.div_ceil(self.every(plan)) + 1;
        records.saturating_mul(plan.start.runs())
    }
}
