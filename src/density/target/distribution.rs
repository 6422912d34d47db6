//! What a target is asked for on the host.

use nalgebra::{DMatrix, DVector};
use rand::Rng;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Histogram, Samples};
use crate::compute::device::Numerics;
use crate::coordinates::Coordinates;
use crate::density::Density;
use crate::error::Refusal;
use crate::mixture::Mixture;

/// Modes are looked for up to this K³·D²: about a second.
const MOST_WORK: f64 = 4e6;

/// A density, or rows that are known to be draws of one, in D dimensions.
pub trait Distribution: std::fmt::Debug {
    /// How `summary.json` writes it, beside its `type`.
    type Summary: Serialize + DeserializeOwned
    where
        Self: Sized;

    /// What it is of some of its coordinates.
    type Marginal
    where
        Self: Sized;

    /// D.
    fn dim(&self) -> usize;

    /// What it is, in a few words: `a mixture of 2 Gaussians`.
    fn describe(&self) -> String;

    /// The same where no parameters stand beside it: with those that its shape depends on.
    fn describe_alone(&self) -> String {
        self.describe()
    }

    /// Its parameters, in a line of a report.
    fn parameters(&self) -> String;

    /// What is known of it after a run.
    fn summary(&self) -> Self::Summary
    where
        Self: Sized;

    /// What its coordinates are called: x1, x2, … where they have no names.
    fn coordinates(&self) -> Vec<String> {
        match self.dim() {
            1 => vec!["x".to_owned()],
            dim => (1..=dim).map(|i| format!("x{i}")).collect(),
        }
    }

    /// The coordinates x that people know it by, where some have bounds: what is fitted then are its own, u.
    fn bounded(&self) -> Option<&Coordinates> {
        None
    }

    /// It on a device.
    fn upload(&self, numerics: &Numerics) -> Box<dyn Density>;

    /// log p(x) in nats at one point of D coordinates; `None` for rows and bins, which have no density.
    fn log_density(&self, x: &[f64]) -> Option<f64>;

    /// Writes log p in nats at N points, `[N, D]` in row-major order; NaN for rows.
    fn log_densities(&self, x: &[f64], logs: &mut [f64]) {
        for (log, x) in logs.iter_mut().zip(x.chunks_exact(self.dim())) {
            *log = self.log_density(x).unwrap_or(f64::NAN);
        }
    }

    /// Independent draws, count × D in row-major order; of rows, with replacement.
    fn sample(&self, count: usize, generator: &mut dyn Rng) -> Vec<f64>;

    /// The density of some of its coordinates, in the order given.
    ///
    /// # Errors
    /// If rounding leaves a covariance that is not positive definite.
    fn marginal(&self, coordinates: &[usize]) -> Result<Self::Marginal, Refusal>
    where
        Self: Sized;

    /// Mean (D) and covariance (D × D), divided by N for rows; `None` where they are infinite.
    fn moments(&self) -> Option<(DVector<f64>, DMatrix<f64>)>;

    /// How far those may be off, in standard deviations and squares of them.
    fn moments_error(&self) -> f64 {
        0.0
    }

    /// Where it is (D) and how wide (D × D): its moments, or those of the Gaussian mixture of its
    /// scales where it has none.
    fn extent(&self) -> (DVector<f64>, DMatrix<f64>) {
        let of_scales = |Elliptical { scales, .. }| (scales.mean(), scales.covariance());
        self.moments()
            .or_else(|| self.elliptical().map(of_scales))
            .unwrap_or_else(|| {
                let dim = self.dim();
                (DVector::zeros(dim), DMatrix::identity(dim, dim))
            })
    }

    /// How it falls off far out.
    fn tails(&self) -> Tails;

    /// Its modes, D coordinates each; `None` where they are not known, or to look for them would take
    /// long.
    fn modes(&self) -> Option<Vec<DVector<f64>>> {
        None
    }

    /// Its components, if they are Gaussians or Student-t distributions: what panels, brackets and
    /// stratified draws are made from. Without them its divergences come from its draws.
    fn elliptical(&self) -> Option<Elliptical<'_>> {
        None
    }

    /// Components that lie where it does and are about as wide, for panels to be laid around: those it has, if
    /// it has any.
    fn shape(&self) -> Option<Elliptical<'_>> {
        self.elliptical()
    }

    /// The error of log p in nats, the same everywhere: that of its constant.
    fn log_normalizer_error(&self) -> f64 {
        0.0
    }

    /// Whether its log-density can be computed still.
    ///
    /// # Errors
    /// If what computes it has failed for good.
    fn check(&self) -> crate::error::Result<()> {
        Ok(())
    }

    /// Whether its log-density has a gradient that is more than differences.
    fn has_gradient(&self) -> bool {
        true
    }

    /// How many components it is drawn from.
    fn components(&self) -> usize {
        self.elliptical().map_or(1, |of| of.scales.components())
    }

    /// The mixture of Gaussians it is, if it is one: what closed forms need.
    fn as_mixture(&self) -> Option<&Mixture> {
        let is_gaussian = |of: &Elliptical| of.dof.is_none();
        self.elliptical().filter(is_gaussian).map(|of| of.scales)
    }

    /// The rows it is, if it is known by its draws alone.
    fn as_samples(&self) -> Option<&Samples> {
        None
    }

    /// The histogram it is, if it is known by counts of bins alone.
    fn as_histogram(&self) -> Option<&Histogram> {
        None
    }

    /// Whether there is a log p: not of rows, and not of bins.
    fn has_density(&self) -> bool {
        self.as_samples().is_none() && self.as_histogram().is_none()
    }
}

/// How a density falls off far out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Tails {
    /// It ends: rows, and bins.
    None,
    /// Like that of a Gaussian, or faster.
    Gaussian,
    /// More slowly than that of a Gaussian, and faster than any power.
    Exponential,
    /// Like |x|^−(ν + D).
    Power {
        /// ν.
        dof: f64,
    },
}

/// Components that are Gaussians, or Student-t distributions of one ν.
#[derive(Debug, Clone, Copy)]
pub struct Elliptical<'a> {
    /// Weights, centres and scale matrices, as those of a mixture of Gaussians.
    pub scales: &'a Mixture,
    /// ν, the degrees of freedom; `None` for Gaussians.
    pub dof: Option<f64>,
}

impl<'a> From<&'a Mixture> for Elliptical<'a> {
    fn from(scales: &'a Mixture) -> Self {
        Self { scales, dof: None }
    }
}

impl Elliptical<'_> {
    /// Whether its modes are found within about a second.
    pub(super) fn has_fast_modes(self) -> bool {
        // Every pair of components is a start, and each step from there looks at all of them.
        let (k, dim) = (self.scales.components() as f64, self.scales.dim() as f64);
        k.powi(3) * dim.powi(2) <= MOST_WORK
    }
}
