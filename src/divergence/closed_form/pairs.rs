//! What is known of two components of mixtures, of many pairs at a time.

use std::f64::consts::{LN_2, TAU};

use super::kl::Kl;
use super::power::{gap, mixed_root, norm_of_symmetric};
use super::{FactoredGaussian, Formula, Whitened, doubled};
use crate::divergence::Estimate;
use crate::mixture::Mixture;
use crate::precise::{Doubled, Number, ROUNDING, roundings, squared_norm};

/// Doubles do where the error is below this, of a number of one or less, or this share of it.
const GOOD: f64 = 1e-11;

/// A component with what all of its pairs have in common.
#[derive(Debug, Clone)]
pub(crate) struct Factored<'a> {
    of: &'a Mixture,
    index: usize,
    component: FactoredGaussian<f64>,
    log_det: f64,
}

impl<'a> Factored<'a> {
    /// Component `index` of a mixture.
    pub fn new(of: &'a Mixture, index: usize) -> Self {
        let factor = &of.scale_trils()[index];
        Self {
            of,
            index,
            component: FactoredGaussian::new(of, index, &vec![1.0; of.dim()]),
            log_det: factor.diagonal().iter().map(|l| l.ln()).sum(),
        }
    }

    /// Its entropy, ½ ln |2πe Σ|, in nats.
    pub fn entropy(&self) -> f64 {
        self.log_det + 0.5 * self.of.dim() as f64 * (TAU.ln() + 1.0)
    }

    /// What that is off by at most.
    pub fn entropy_error(&self) -> f64 {
        let dim = self.of.dim();
        let factor = &self.of.scale_trils()[self.index];
        let logs: f64 = factor.diagonal().iter().map(|l| l.ln().abs()).sum();
        let constant = 0.5 * dim as f64 * (TAU.ln() + 1.0);
        // The diagonal of a factor of a covariance is rounded itself, and the factorisation was doubled.
        let given = if self.of.is_factored(self.index) {
            let norm = self.component.conditioning.norm();
            roundings::<Doubled>(dim + 1) * dim as f64 * norm * norm
        } else {
            0.0
        };
        (dim as f64 + 8.0) * ROUNDING * (logs + constant) + dim as f64 * ROUNDING + given
    }

    /// KL(f‖g) in nats with its error; NaN if the numbers overflow.
    pub fn kl(&self, whitened: &Whitened<f64>, g: &Self) -> Estimate {
        self.good(whitened, g, &Kl)
    }

    /// ln ∫ f g with its error; NaN if the numbers overflow.
    pub fn log_overlap(&self, whitened: &Whitened<f64>, g: &Self) -> Estimate {
        self.good(whitened, g, &LogOverlap { log_det: g.log_det })
    }

    /// f where g is standard normal; they have one dimension.
    pub fn whitened_by(&self, g: &Self) -> Whitened<f64> {
        Whitened::new(&self.component, &g.component)
    }

    fn good(&self, whitened: &Whitened<f64>, g: &Self, formula: &impl Formula) -> Estimate {
        let ordinary = formula.evaluate(whitened);
        ordinary
            .filter(|found| found.error <= GOOD * found.value.abs().max(1.0))
            .or_else(|| formula.evaluate(&doubled((self.of, self.index), (g.of, g.index))))
            .filter(|found| !found.value.is_nan())
            .or(ordinary)
            .unwrap_or(Estimate::UNKNOWN)
    }
}

/// ln N(μ_f; μ_g, Σ_f + Σ_g): where Σ_g is I, the sum is 2 (I + ½ gap), Σ_f being I + gap.
struct LogOverlap {
    /// ½ ln |Σ_g|.
    log_det: f64,
}

impl Formula for LogOverlap {
    fn evaluate<T: Number>(&self, at: &Whitened<T>) -> Option<Estimate> {
        let gap = gap(&at.excess);
        let root = mixed_root(&gap, 0.5)?;
        let dim = at.offset.len();
        let distance = squared_norm(&root.factor.solve(at.offset.clone())).rounded();
        let logs = (0..dim).map(|i| root.factor.at(i, i).ln());
        let size: f64 = logs.clone().map(f64::abs).sum();
        let constant = 0.5 * dim as f64 * (TAU.ln() + LN_2);
        let value = -0.25 * distance - logs.sum::<f64>() - self.log_det - constant;
        let rounding = root.error(at, 0.5, norm_of_symmetric(&gap), false, distance, 0.5)?;
        // Apart from what they do to Σ*, the covariances stand in |Σ_g|.
        let given = 2.0 * (dim as f64).sqrt() * (at.factored[0] + at.factored[1]);
        let summed = (8 + 2 * dim) as f64
            * ROUNDING
            * (0.25 * distance + size + self.log_det.abs() + constant);
        Some(Estimate::closed_form(
            value,
            0.5 * rounding + given + summed,
        ))
    }
}
