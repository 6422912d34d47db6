//! How far q is from p: each divergence is an expectation of a function of (log p, log q).
//!
//! A divergence is written once, on tensors. The same code trains, logs and reports.

mod closed_form;
mod forward_kl;
mod jensen_shannon;
mod reverse_kl;

use burn::tensor::{DType, Tensor};
use serde::{Deserialize, Serialize};

pub use closed_form::{
    gaussian_kl, gaussian_log_power_integral, gaussian_total_variation, power_integral_diverges,
};
pub use forward_kl::ForwardKl;
pub use jensen_shannon::JensenShannon;
pub use reverse_kl::ReverseKl;

use crate::density::{Density, Draws, DrawsError};
use crate::device::Numerics;
use crate::error::Result;
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Names {
    /// In a config and in files: `forward-kl`.
    pub config: &'static str,
    /// In a sentence: forward KL.
    pub title: &'static str,
    /// In tables and figures: KL(p‖q).
    pub symbol: &'static str,
}

/// A divergence D(p, q) = Σ over its sides of E_side[ integrand(log p, log q) ].
pub trait Divergence: std::fmt::Debug + Send + Sync {
    /// How it is called.
    fn names(&self) -> Names;

    /// The sides it takes expectations under; at least one.
    fn sides(&self) -> &'static [Side];

    /// D(p, q) without integration, in nats, where there is a formula for these two.
    fn closed_form(&self, _p: &Mixture, _q: &Mixture) -> Option<f64> {
        None
    }

    /// What is averaged under `side`: `[R, S]` from log p and log q `[R, S]`, in nats.
    fn integrand(&self, side: Side, log_p: Tensor<2>, log_q: Tensor<2>) -> Tensor<2>;
}

/// The divergences a config may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DivergenceKind {
    /// KL(p‖q).
    ForwardKl,
    /// KL(q‖p).
    ReverseKl,
    /// The Jensen–Shannon divergence.
    Js,
}

impl DivergenceKind {
    /// Every divergence there is.
    pub const ALL: [Self; 3] = [Self::ForwardKl, Self::ReverseKl, Self::Js];

    /// Makes it.
    pub fn build(self) -> Box<dyn Divergence> {
        match self {
            Self::ForwardKl => Box::new(ForwardKl),
            Self::ReverseKl => Box::new(ReverseKl),
            Self::Js => Box::new(JensenShannon),
        }
    }

    /// Its name in a config and in files.
    pub fn name(self) -> &'static str {
        self.build().names().config
    }

    /// Its name in a sentence.
    pub fn title(self) -> &'static str {
        self.build().names().title
    }

    /// How it is written in tables and figures.
    pub fn symbol(self) -> &'static str {
        self.build().names().symbol
    }
}

/// A number and how sure it is, both in nats.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The estimate.
    #[serde(with = "crate::run_folder::extended")]
    pub value: f64,
    /// Its error: one standard error of a sample, or the error estimate of a quadrature.
    #[serde(with = "crate::run_folder::extended")]
    pub error: f64,
    /// What kind of error that is.
    pub method: Method,
}

/// How a divergence was obtained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Exact up to rounding.
    ClosedForm,
    /// A deterministic rule; the error is its difference from a coarser one.
    Quadrature,
    /// Random points; the error is one standard error.
    MonteCarlo,
}

/// Points under one side with both log-densities there: all any divergence needs.
#[derive(Debug, Clone)]
pub struct Sampled {
    draws: Draws,
    log_p: Tensor<2>,
    log_q: Tensor<2>,
}

impl Sampled {
    /// Evaluates both densities at the draws.
    pub fn new(draws: Draws, p: &dyn Density, q: &dyn Density) -> Self {
        Self {
            log_p: p.log_density(draws.x.clone()),
            log_q: q.log_density(draws.x.clone()),
            draws,
        }
    }

    /// As [`Sampled::new`], with log p already known at the draws.
    pub fn with_log_p(draws: Draws, log_p: Tensor<2>, q: &dyn Density) -> Self {
        Self {
            log_p,
            log_q: q.log_density(draws.x.clone()),
            draws,
        }
    }

    /// This side's share of the divergence, `[R]`, in nats.
    pub fn share(&self, divergence: &dyn Divergence, side: Side) -> Tensor<1> {
        let values = divergence.integrand(side, self.log_p.clone(), self.log_q.clone());
        self.draws.expectation(values)
    }

    /// This side's share for each of the R runs with its error.
    ///
    /// # Errors
    /// If the device failed.
    pub fn estimate(&self, divergence: &dyn Divergence, side: Side) -> Result<Vec<Estimate>> {
        let values = divergence.integrand(side, self.log_p.clone(), self.log_q.clone());
        // What is averaged is a difference of two logarithms, rounded each by itself.
        let rounded = self.log_p.clone().abs() + self.log_q.clone().abs();
        let rounding = (self.draws.expectation(rounded)).mul_scalar(epsilon(&values));
        let error = Numerics::read(self.draws.error(values.clone()) + rounding)?;
        let value = Numerics::read(self.draws.expectation(values))?;
        let method = match self.draws.error {
            DrawsError::Embedded(_) => Method::Quadrature,
            DrawsError::Random { .. } => Method::MonteCarlo,
        };
        Ok((value.into_iter().zip(error))
            .map(|(value, error)| Estimate {
                value,
                error,
                method,
            })
            .collect())
    }
}

/// The distance from 1 to the next number of a tensor's type.
fn epsilon(tensor: &Tensor<2>) -> f64 {
    match tensor.dtype() {
        DType::F32 => f32::EPSILON.into(),
        _ => f64::EPSILON,
    }
}

impl Estimate {
    /// Nothing is known.
    pub const UNKNOWN: Self = Self {
        value: f64::NAN,
        error: f64::NAN,
        method: Method::Quadrature,
    };

    /// The sum of two independent estimates: standard errors add in squares, quadrature errors
    /// in absolute value.
    pub fn plus(self, other: Self) -> Self {
        let error = match self.method {
            Method::ClosedForm | Method::Quadrature => self.error + other.error,
            Method::MonteCarlo => self.error.hypot(other.error),
        };
        Self {
            value: self.value + other.value,
            error,
            method: self.method,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_divergence_is_called_what_a_config_calls_it() {
        for kind in DivergenceKind::ALL {
            let name = toml::Value::try_from(kind).unwrap();
            assert_eq!(name.as_str(), Some(kind.name()));
            assert!(!kind.build().sides().is_empty());
        }
    }
}
