//! What is known of a target on the host.

use nalgebra::{DMatrix, DVector};
use rand::RngExt;

use super::{Samples, StudentT};
use crate::error::MixtureError;
use crate::mixture::{self, Mixture};

/// Modes are looked for up to this K³·D²: about a second.
const MOST_WORK: f64 = 4e6;

/// How a density falls off far out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Tails {
    /// It ends: rows.
    None,
    /// Like that of a Gaussian.
    Gaussian,
    /// Like |x|^−(ν + D).
    Power {
        /// ν.
        dof: f64,
    },
}

/// A target on the host.
#[derive(Debug, Clone, PartialEq)]
pub enum TargetModel {
    /// A mixture of Gaussians.
    Mixture(Mixture),
    /// A mixture of Student-t distributions.
    StudentT(StudentT),
    /// Known by its draws alone.
    Samples(Samples),
}

impl From<Mixture> for TargetModel {
    fn from(mixture: Mixture) -> Self {
        Self::Mixture(mixture)
    }
}

impl From<&Mixture> for TargetModel {
    fn from(mixture: &Mixture) -> Self {
        Self::Mixture(mixture.clone())
    }
}

impl TargetModel {
    /// D.
    pub fn dim(&self) -> usize {
        match self {
            Self::Mixture(mixture) => mixture.dim(),
            Self::StudentT(student_t) => student_t.scales().dim(),
            Self::Samples(samples) => samples.dim(),
        }
    }

    /// How many components it is drawn from.
    pub fn components(&self) -> usize {
        match self {
            Self::Mixture(mixture) => mixture.components(),
            Self::StudentT(student_t) => student_t.scales().components(),
            Self::Samples(_) => 1,
        }
    }

    /// The mixture of Gaussians it is, if it is one: what closed forms need.
    pub fn as_mixture(&self) -> Option<&Mixture> {
        match self {
            Self::Mixture(mixture) => Some(mixture),
            _ => None,
        }
    }

    /// The rows it is, if it is known by its draws alone.
    pub fn as_samples(&self) -> Option<&Samples> {
        match self {
            Self::Samples(samples) => Some(samples),
            _ => None,
        }
    }

    /// What its coordinates are called: x1, x2, … where they have no names.
    pub fn coordinates(&self) -> Vec<String> {
        match self {
            Self::Samples(samples) => samples.names().to_vec(),
            _ if self.dim() == 1 => vec!["x".to_owned()],
            _ => (1..=self.dim()).map(|i| format!("x{i}")).collect(),
        }
    }

    /// Mean (D) and covariance (D × D), divided by N for rows; `None` where they are infinite.
    pub fn moments(&self) -> Option<(DVector<f64>, DMatrix<f64>)> {
        match self {
            Self::Mixture(mixture) => Some((mixture.mean(), mixture.covariance())),
            Self::StudentT(student_t) => Some((student_t.scales().mean(), student_t.covariance()?)),
            Self::Samples(samples) => Some((samples.mean(), samples.covariance())),
        }
    }

    /// Where it is (D) and how wide (D × D): its moments, or those of the Gaussian mixture of its
    /// scales where it has none.
    pub fn extent(&self) -> (DVector<f64>, DMatrix<f64>) {
        match (self.moments(), self) {
            (Some(moments), _) => moments,
            (None, Self::StudentT(student_t)) => {
                (student_t.scales().mean(), student_t.scales().covariance())
            }
            (None, _) => (
                DVector::zeros(self.dim()),
                DMatrix::identity(self.dim(), self.dim()),
            ),
        }
    }

    /// log p(x) in nats at one point of D coordinates; `None` for rows, which have no density.
    pub fn log_density(&self, x: &[f64]) -> Option<f64> {
        match self {
            Self::Mixture(mixture) => Some(mixture.log_density(x)),
            Self::StudentT(student_t) => Some(student_t.log_density(x)),
            Self::Samples(_) => None,
        }
    }

    /// Independent draws, count × D in row-major order; of rows, with replacement.
    pub fn sample(&self, count: usize, generator: &mut impl rand::Rng) -> Vec<f64> {
        match self {
            Self::Mixture(mixture) => mixture.sample(count, generator),
            Self::StudentT(student_t) => student_t.sample(count, generator),
            Self::Samples(samples) => {
                let dim = samples.dim();
                (0..count)
                    .flat_map(|_| {
                        let row = generator.random_range(0..samples.len());
                        samples.rows()[row * dim..(row + 1) * dim].to_vec()
                    })
                    .collect()
            }
        }
    }

    /// Its modes, D coordinates each; `None` for rows, and where to look for them would take long.
    pub fn modes(&self) -> Option<Vec<DVector<f64>>> {
        // Every pair of components is a start, and each step from there looks at all of them.
        let work = (self.components() as f64).powi(3) * (self.dim() as f64).powi(2);
        if work > MOST_WORK {
            return None;
        }
        match self {
            Self::Mixture(mixture) => Some(mixture::modes(mixture)),
            Self::StudentT(student_t) => Some(student_t.modes()),
            Self::Samples(_) => None,
        }
    }

    /// The density of some of its coordinates, in the order given.
    ///
    /// # Errors
    /// If rounding leaves a covariance that is not positive definite.
    pub fn marginal(&self, coordinates: &[usize]) -> Result<Self, MixtureError> {
        Ok(match self {
            Self::Mixture(mixture) => Self::Mixture(mixture.marginal(coordinates)?),
            Self::StudentT(student_t) => {
                Self::StudentT(student_t.with_scales(student_t.scales().marginal(coordinates)?))
            }
            Self::Samples(samples) => Self::Samples(samples.columns(coordinates)),
        })
    }

    /// How it falls off far out.
    pub fn tails(&self) -> Tails {
        match self {
            Self::Mixture(_) => Tails::Gaussian,
            Self::StudentT(student_t) => Tails::Power {
                dof: student_t.dof(),
            },
            Self::Samples(_) => Tails::None,
        }
    }
}
