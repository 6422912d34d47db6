//! How far q is from p: each divergence is an expectation of a function of (log p, log q).
//!
//! A divergence is written once, on tensors. The same code trains, logs and reports.

mod alpha;
mod chi2;
mod closed_form;
mod cross_entropy;
mod estimate;
mod forward_kl;
mod jeffreys;
mod jensen_shannon;
mod joint;
mod kind;
mod midpoint;
mod order;
mod power;
mod range;
mod renyi;
mod reverse_kl;
mod sampled;
mod squared_hellinger;
mod tails;
mod total_variation;
mod values;

use std::ops::RangeInclusive;

use burn::tensor::Tensor;

pub use alpha::Alpha;
pub use chi2::Chi2;
pub(crate) use closed_form::{Factored, power_excess};
pub use closed_form::{
    gaussian_kl, gaussian_log_power_integral, gaussian_total_variation, power_integral_diverges,
};
pub use cross_entropy::CrossEntropy;
pub use estimate::{Attempt, Estimate, Method};
pub use forward_kl::ForwardKl;
pub use jeffreys::Jeffreys;
pub use jensen_shannon::JensenShannon;
pub(crate) use joint::Joint;
pub use joint::estimate_jointly;
pub use kind::{DivergenceKind, DivergenceName};
pub use order::Order;
pub(crate) use power::Power;
pub use renyi::Renyi;
pub use reverse_kl::ReverseKl;
pub use sampled::{Sampled, estimate, value};
pub use squared_hellinger::SquaredHellinger;
pub use total_variation::TotalVariation;
pub use values::{Integrand, Pointwise, Values};

use crate::mixture::Mixture;

/// Which density an expectation is taken under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The target p.
    Target,
    /// The approximation q.
    Family,
}

/// How a divergence is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// In files: `forward-kl`.
    pub file: String,
    /// In a sentence: forward KL.
    pub title: String,
    /// In tables and figures: KL(p‖q).
    pub symbol: String,
    /// Whether it is a number of nats, rather than one without a unit.
    pub in_nats: bool,
}

impl Names {
    fn new(file: impl Into<String>, title: impl Into<String>, symbol: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            title: title.into(),
            symbol: symbol.into(),
            in_nats: true,
        }
    }

    /// The names of a divergence without a unit.
    fn without_unit(self) -> Self {
        Self {
            in_nats: false,
            ..self
        }
    }
}

/// A divergence D(p, q) = outer( Σ over its sides of E_side[ integrand(log p, log q) ] ).
pub trait Divergence: Pointwise + std::fmt::Debug + Send + Sync {
    /// How it is called.
    fn names(&self) -> Names;

    /// The sides it takes expectations under; at least one.
    fn sides(&self) -> &'static [Side];

    /// The values it can have, in nats: those from 0 on, unless it says otherwise.
    fn range(&self) -> RangeInclusive<f64> {
        0.0..=f64::INFINITY
    }

    /// D(p, q) `[R]` from the sum over the sides `[R]`; most divergences are that sum itself.
    fn outer(&self, total: Tensor<1>) -> Tensor<1> {
        total
    }

    /// D(p, q) without integration, in nats, with a bound of its error, where there is a formula for
    /// these two.
    fn closed_form(&self, _p: &Mixture, _q: &Mixture) -> Option<Estimate> {
        None
    }
}
