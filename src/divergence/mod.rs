//! How far q is from p: each divergence is an expectation of a function of (log p, log q).
//!
//! A divergence is written once, for tensors and for numbers. The same code trains, logs and reports.

mod affine;
mod alpha;
mod annealed;
mod binned_kl;
mod chi2;
mod closed_form;
mod cross_entropy;
mod estimate;
mod forward_kl;
mod integrand;
mod jeffreys;
mod jensen_shannon;
mod joint;
mod kind;
mod midpoint;
mod misplaced;
mod name;
mod order;
mod power;
mod range;
mod renyi;
mod reverse_kl;
mod sampled;
mod squared_hellinger;
mod symbols;
mod tails;
mod total_variation;
mod values;

use std::ops::RangeInclusive;

use burn::tensor::Tensor;

pub(crate) use annealed::AnnealedReverseKl;
pub(crate) use closed_form::{Factored, power_excess};
pub use closed_form::{
    gaussian_kl, gaussian_log_power_integral, gaussian_total_variation, power_integral_diverges,
};
pub use estimate::{Attempt, Estimate, EstimateMethod};
pub use integrand::{Integrand, Pointwise};
pub(crate) use joint::Joint;
pub use joint::{estimate_jointly, values_jointly};
pub use kind::DivergenceKind;
pub(crate) use misplaced::Summed;
pub use name::DivergenceName;
pub use order::Order;
pub use power::{Power, PowerFunction};
pub use reverse_kl::ReverseKl;
pub use sampled::{ReadPoints, Sampled, estimate, estimate_in_chunks, value};
pub use values::Values;

use crate::density::target::Tails;
use crate::mixture::Mixture;

/// Which density an expectation is taken under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The target p.
    Target,
    /// The approximation q.
    Family,
}

/// An integral on a line that is known to lie between two numbers, and a divergence by it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Certified {
    /// KL(p‖q).
    Kl,
    /// KL(q‖p).
    ExchangedKl,
    /// The sum of both.
    Jeffreys,
    /// The Jensen–Shannon divergence.
    JensenShannon,
    /// Total variation.
    TotalVariation,
    /// Amari's D_α.
    Amari {
        /// α.
        order: f64,
        /// How many times it the divergence is.
        times: f64,
        /// What the divergence is at most, if that is known apart from the integral.
        most: Option<f64>,
    },
    /// The Rényi divergence.
    Renyi {
        /// α.
        order: f64,
    },
}

/// How a divergence is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// In configs, where the order stands beside it: `forward-kl`, `renyi`.
    pub config: &'static str,
    /// In files: `forward-kl`, `renyi-0.5`.
    pub file: String,
    /// In a sentence: forward KL.
    pub title: String,
    /// In tables and figures: KL(p‖q).
    pub symbol: String,
    /// Whether it is a number of nats, rather than one without a unit.
    pub in_nats: bool,
}

impl Names {
    fn new(config: &'static str, title: impl Into<String>, symbol: impl Into<String>) -> Self {
        Self {
            config,
            file: config.to_owned(),
            title: title.into(),
            symbol: symbol.into(),
            in_nats: true,
        }
    }

    /// The names of a divergence of an order.
    fn with_order(self, order: Order) -> Self {
        Self {
            file: format!("{}-{order}", self.config),
            ..self
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

    /// Whether a config may name it.
    fn is_for_configs(&self) -> bool {
        true
    }

    /// Why it is not defined for its order, or is another divergence, if so; and what to do.
    fn order_refused(&self) -> Option<&'static str> {
        None
    }

    /// The sides it takes expectations under; at least one.
    fn sides(&self) -> &'static [Side];

    /// The values it can have, in nats: those from 0 on, unless it says otherwise.
    fn range(&self) -> RangeInclusive<f64> {
        0.0..=f64::INFINITY
    }

    /// The name in files of the divergence with p and q exchanged, if it has one.
    fn exchanged(&self) -> Option<String>;

    /// Why it is infinite between a target with these tails and every mixture of Gaussians, if it is.
    fn infinite_for(&self, tails: Tails) -> Option<&'static str>;

    /// What it is of ∫ p^α q^(1−α), if it is a function of that.
    fn power(&self) -> Option<Power> {
        None
    }

    /// What it is of an integral that has a certified bracket on a line, if it is of one.
    fn certified(&self) -> Option<Certified>;

    /// Whether its integrand is made of log p and log q themselves, under p or q: then what lies where
    /// both are small adds nothing to it.
    fn averages_logs(&self) -> bool {
        false
    }

    /// Whether its integrand has a corner where both densities are equal.
    fn has_corner(&self) -> bool {
        false
    }

    /// Whether it is the sum over the sides itself.
    fn is_sum(&self) -> bool {
        true
    }

    /// D(p, q) `[R]` from the sum over the sides `[R]`; most divergences [are](Self::is_sum) that sum itself.
    fn outer(&self, total: Tensor<1>) -> Tensor<1> {
        total
    }

    /// D(p, q) without integration, in nats, with a bound of its error, where there is a formula for
    /// these two.
    fn closed_form(&self, _p: &Mixture, _q: &Mixture) -> Option<Estimate> {
        None
    }
}
