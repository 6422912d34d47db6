//! What the kernel takes: points, a mixture, and the shapes they must have.

use std::error::Error;
use std::fmt;

/// The scale of every component, row-major, with a leading run axis of R or 1.
#[derive(Debug, Clone, Copy)]
pub enum Scale<'a, T> {
    /// L with Σ = L Lᵀ, `[R, K, D, D]`; what is above the diagonal is not read.
    Tril(&'a [T]),
    /// Standard deviations, `[R, K, D]`: L is diagonal.
    Diagonal(&'a [T]),
    /// One standard deviation, `[R, K]`: L is a multiple of the identity.
    Isotropic(&'a [T]),
    /// Σ = diag(σ²) + U Uᵀ, `[R, K, D, 1 + r]`: in each row σ, then the row of U.
    LowRank {
        /// The rows.
        values: &'a [T],
        /// r, at most [`MOST_FACTORS`].
        rank: usize,
    },
}

/// One of the forms of a [scale](Scale), without its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScaleForm {
    Tril,
    Diagonal,
    Isotropic,
    LowRank(usize),
}

impl ScaleForm {
    /// The scale of this form that has these numbers.
    pub fn scale<T>(self, values: &[T]) -> Scale<'_, T> {
        match self {
            Self::Tril => Scale::Tril(values),
            Self::Diagonal => Scale::Diagonal(values),
            Self::Isotropic => Scale::Isotropic(values),
            Self::LowRank(rank) => Scale::LowRank { values, rank },
        }
    }
}

/// The most columns of U in a scale of low rank.
pub const MOST_FACTORS: usize = 16;

impl<'a, T: Copy> Scale<'a, T> {
    /// The numbers.
    pub fn values(self) -> &'a [T] {
        match self {
            Self::Tril(values)
            | Self::Diagonal(values)
            | Self::Isotropic(values)
            | Self::LowRank { values, .. } => values,
        }
    }

    /// Its form.
    pub(crate) fn form(self) -> ScaleForm {
        match self {
            Self::Tril(_) => ScaleForm::Tril,
            Self::Diagonal(_) => ScaleForm::Diagonal,
            Self::Isotropic(_) => ScaleForm::Isotropic,
            Self::LowRank { rank, .. } => ScaleForm::LowRank(rank),
        }
    }

    /// How many numbers a component has in `dim` dimensions.
    pub fn len_per_component(self, dim: usize) -> usize {
        match self {
            Self::Tril(_) => dim * dim,
            Self::Diagonal(_) => dim,
            Self::Isotropic(_) => 1,
            Self::LowRank { rank, .. } => dim * (1 + rank),
        }
    }

    /// How many standard normal numbers make a sample of a component: of low rank one for each
    /// coordinate and one for each factor.
    pub fn standard_dim(self, dim: usize) -> usize {
        match self {
            Self::LowRank { rank, .. } => dim + rank,
            _ => dim,
        }
    }

    /// r; 0 for a scale that is not of low rank.
    pub fn rank(self) -> usize {
        match self {
            Self::LowRank { rank, .. } => rank,
            _ => 0,
        }
    }
}

/// Mixtures of K Gaussians in D dimensions, row-major; each part has a leading run axis of R or 1.
#[derive(Debug, Clone, Copy)]
pub struct Mixture<'a, T> {
    /// K.
    pub components: usize,
    /// D.
    pub dim: usize,
    /// log wₖ, `[R, K]`; −∞ for a component that is absent.
    pub log_weights: &'a [T],
    /// μₖ, `[R, K, D]`.
    pub means: &'a [T],
    /// Lₖ, in one of its forms, with a positive diagonal.
    pub scale: Scale<'a, T>,
}

/// Points, row-major: S in each of R runs, or of 1 run for all.
#[derive(Debug, Clone, Copy)]
pub struct Points<'a, T> {
    /// R, or 1.
    pub runs: usize,
    /// S.
    pub samples: usize,
    /// `[R, S, D]`.
    pub values: &'a [T],
}

/// Numbers that do not have the shape they should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShapeError {
    /// A slice is not a whole number of runs, or is of the wrong length.
    Length {
        /// Which slice.
        name: &'static str,
        /// The length it should have, or be a multiple of.
        expected: usize,
        /// The length it has.
        found: usize,
    },
    /// Neither side has one run, and they have different numbers of runs.
    Runs {
        /// The run counts of x, the log weights, the means and the scale.
        found: [usize; 4],
    },
    /// There are no dimensions.
    NoDimensions,
    /// A scale of low rank has more factors than the kernel takes, or none.
    Factors {
        /// r.
        found: usize,
    },
}

impl fmt::Display for ShapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length {
                name,
                expected,
                found,
            } => write!(f, "{name}: expected {expected} numbers, found {found}"),
            Self::Runs {
                found: [x, log_weights, means, scale],
            } => write!(
                f,
                "runs do not match: x has {x}, log_weights {log_weights}, means {means}, \
                 scale {scale}; each must have the same number, or 1"
            ),
            Self::Factors { found } => write!(
                f,
                "a scale of low rank must have 1 to {MOST_FACTORS} factors, not {found}"
            ),
            Self::NoDimensions => write!(f, "points must have at least one dimension"),
        }
    }
}

impl Error for ShapeError {}

/// The sizes of a call, once they are known to fit together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    /// R of the output.
    pub runs: usize,
    /// S.
    pub samples: usize,
    pub components: usize,
    pub dim: usize,
    /// R or 1 of each input.
    pub x_runs: usize,
    pub log_weight_runs: usize,
    pub mean_runs: usize,
    pub scale_runs: usize,
}

impl Shape {
    pub fn new<T: Copy>(x: &Points<'_, T>, mixture: &Mixture<'_, T>) -> Result<Self, ShapeError> {
        let (k, dim) = (mixture.components, mixture.dim);
        if dim == 0 {
            return Err(ShapeError::NoDimensions);
        }
        check_len("x", x.runs * x.samples * dim, x.values.len())?;
        let [log_weight_runs, mean_runs, scale_runs] = mixture_runs(mixture)?;
        let all = [x.runs, log_weight_runs, mean_runs, scale_runs];
        // With K = 0 the parts of a mixture are empty and say nothing about runs.
        let parts = if k == 0 { &all[..1] } else { &all[..] };
        let runs = parts.iter().copied().find(|&runs| runs != 1).unwrap_or(1);
        if parts.iter().any(|&part| part != runs && part != 1) {
            return Err(ShapeError::Runs { found: all });
        }
        Ok(Self {
            runs,
            samples: x.samples,
            components: k,
            dim,
            x_runs: x.runs,
            log_weight_runs,
            mean_runs,
            scale_runs,
        })
    }

    /// The same work with all samples in one run, where one mixture serves all runs.
    pub fn flattened(self) -> Self {
        if [self.log_weight_runs, self.mean_runs, self.scale_runs] != [1; 3] {
            return self;
        }
        Self {
            runs: 1,
            samples: self.runs * self.samples,
            x_runs: 1,
            ..self
        }
    }
}

/// The runs of the log weights, the means and the scale; all 1 where K = 0.
pub(crate) fn mixture_runs<T: Copy>(mixture: &Mixture<'_, T>) -> Result<[usize; 3], ShapeError> {
    let (k, dim) = (mixture.components, mixture.dim);
    let scale = mixture.scale;
    if let Scale::LowRank { rank, .. } = scale
        && !(1..=MOST_FACTORS).contains(&rank)
    {
        return Err(ShapeError::Factors { found: rank });
    }
    Ok([
        runs("log_weights", k, mixture.log_weights.len())?,
        runs("means", k * dim, mixture.means.len())?,
        runs(
            "scale",
            k * scale.len_per_component(dim),
            scale.values().len(),
        )?,
    ])
}

fn runs(name: &'static str, per_run: usize, found: usize) -> Result<usize, ShapeError> {
    match (per_run, found) {
        (0, 0) => Ok(1),
        (0, _) => Err(ShapeError::Length {
            name,
            expected: 0,
            found,
        }),
        _ if found.is_multiple_of(per_run) => Ok(found / per_run),
        _ => Err(ShapeError::Length {
            name,
            expected: per_run,
            found,
        }),
    }
}

/// Whether a slice has the length it should.
pub(crate) fn check_len(
    name: &'static str,
    expected: usize,
    found: usize,
) -> Result<(), ShapeError> {
    if expected == found {
        return Ok(());
    }
    Err(ShapeError::Length {
        name,
        expected,
        found,
    })
}
