//! Where an unnormalised density is, and its constant.

use nalgebra::{DMatrix, DVector};
use serde::{Deserialize, Serialize};

use super::StudentT;
use super::distribution::Tails;
use crate::mixture::Mixture;

/// Where an unnormalised density is, and its constant.
#[derive(Debug, Clone, PartialEq)]
pub struct Located {
    /// log ∫ f du in nats, without what is added to it everywhere …
    pub log_normalizer: f64,
    /// … and its error: that of a quadrature, or one standard error.
    pub log_normalizer_error: f64,
    /// How far rounding moves log f where most of it is, in nats.
    pub rounding: f64,
    /// How heavy the tail of f over the proposal is (Vehtari et al. 2024): the shape k̂ of the Pareto
    /// distribution that the largest ratios follow. Above 0.7 draws of the proposal cannot stand for p.
    pub k_hat: f64,
    /// A mixture that lies where p does, and whose tails are no lighter.
    pub proposal: StudentT,
    /// What panels are laid around, where those know it: in one dimension or two.
    pub panels: Option<Panels>,
    /// How p falls off.
    pub tails: Tails,
    /// Its modes, where they are points.
    pub modes: Option<Vec<DVector<f64>>>,
    /// Its mean …
    pub mean: DVector<f64>,
    /// … and covariance: integrals over panels, or means of draws.
    pub covariance: DMatrix<f64>,
    /// How far those may be off, in standard deviations and squares of them.
    pub moments_error: f64,
    /// What it is of each coordinate x, where some have bounds.
    pub of_x: Option<Vec<CoordinateOfX>>,
}

/// A coordinate x under p.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoordinateOfX {
    /// What it is called.
    pub coordinate: String,
    /// Its moments; none where they are infinite, or not known to a tenth of a standard deviation.
    pub moments: Option<MomentsOfX>,
}

/// The moments of a coordinate x, each with its error: that of a quadrature, or one standard error.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MomentsOfX {
    /// Its mean …
    pub mean: f64,
    /// … and the error of that.
    pub mean_error: f64,
    /// Its standard deviation …
    pub std: f64,
    /// … and the error of that.
    pub std_error: f64,
}

impl MomentsOfX {
    /// Of a coordinate that was counted from a number.
    pub fn counted_from(self, origin: f64) -> Self {
        let mean = self.mean + origin;
        Self {
            mean,
            mean_error: self.mean_error + f64::EPSILON * (mean.abs() + origin.abs()),
            ..self
        }
    }
}

/// Panels that know a density.
#[derive(Debug, Clone, PartialEq)]
pub struct Panels {
    /// Components that lie where it does.
    pub shape: Mixture,
    /// The degrees of freedom of these that panels must be laid with to reach as far as p does; `None` where
    /// Gaussians do.
    pub dof: Option<f64>,
    /// Points for expectations under p that are not random.
    pub points: Option<PointsOf>,
}

/// Points with weights that sum to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct PointsOf {
    /// `[S, D]`.
    pub x: Vec<f64>,
    /// `[S]`.
    pub weights: Vec<f64>,
}
