//! Weighted sums Σ w f(log p, log q) with the gradients of q, in one pass over the points.
//!
//! A block of points is made, both densities are evaluated there, f and its slopes taken, and the
//! gradients added up while all of it is in the cache: nothing as long as the points is ever
//! written to memory.

mod block;
mod call;
mod carried;
#[cfg(feature = "gpu")]
mod elsewhere;
mod numbers;
mod portions;
mod slots;
mod tasks;
mod told;
mod weigh;

use std::fmt;

use super::factors::Factors;
use super::gradients::{Gradients, SumSizes, Wanted};
use super::inputs::{Mixture, Points, Scale, Shape, ShapeError, check_len};
use super::prepared::Prepared;
use super::width::Width;
use crate::compute::kernel::Resident;
use call::{Call, Sizes};
use carried::{carried, component};
use told::Asked;

#[cfg(feature = "gpu")]
pub(crate) use elsewhere::{Request, expectation_elsewhere};
pub use numbers::Number;

/// Fills N values of a function of (log p, log q), and N derivatives with respect to each.
pub type Slopes<'a> = &'a (dyn Fn(&[f64], &[f64], [&mut [f64]; 3]) + Sync);

/// A function f of (log p, log q).
#[derive(Clone, Copy)]
pub enum Function<'a> {
    /// a log p + b log q + c, by a, b and c: its slopes are known before the densities are.
    Affine([f64; 3]),
    /// Any, with its slopes.
    Any(Slopes<'a>),
}

/// A log-density by a function of N points x `[N, D]`: fills N values in nats, and where it is asked for the gradient
/// `[N, D]`.
pub type PointFunction<'a> = &'a (dyn Fn(&[f64], &mut [f64], Option<&mut [f64]>) + Sync);

/// How log p is known.
#[derive(Clone, Copy)]
pub enum Under<'a> {
    /// As a mixture, which is evaluated block by block.
    Mixture(&'a Prepared<f64>),
    /// By a function, which the thread that calls asks about some points at a time, while others work on those before.
    Function {
        /// What is asked.
        function: PointFunction<'a>,
        /// About how many points at a time.
        at_once: usize,
    },
}

impl fmt::Debug for Under<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mixture(mixture) => f.debug_tuple("Mixture").field(mixture).finish(),
            Self::Function { at_once, .. } => (f.debug_struct("Function"))
                .field("at_once", at_once)
                .finish_non_exhaustive(),
        }
    }
}

/// What is averaged, and where.
#[derive(Clone, Copy)]
pub struct Expectation<'a> {
    /// The points and their weights.
    pub sites: Sites<'a>,
    /// f.
    pub function: Function<'a>,
}

impl fmt::Debug for Expectation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Expectation");
        debug.field("sites", &self.sites).finish_non_exhaustive()
    }
}

/// Points with weights; but for those of each run's own, each part has a leading run axis of R or 1.
#[derive(Debug, Clone, Copy)]
pub enum Sites<'a> {
    /// Points that stay where they are, with log p there.
    At {
        /// `[R, S, D]`.
        x: Points<'a, f64>,
        /// `[R, S]`.
        weights: &'a [f64],
        /// log p there, `[R, S]`.
        log_p: &'a [f64],
        /// Where a device keeps copies of all three, if they stay the same from call to call.
        resident: Option<&'a Resident>,
    },
    /// Points that stay where they are, of each run as many as it has.
    Own(&'a [Fixed<'a>]),
    /// Standard points carried into every component of q: xₖₘ = μₖ + Lₖ zₖₘ with the weight wₖ vₘ;
    /// of low rank μₖ + σₖ z + Uₖ z′, with z′ after z.
    Along {
        /// z and v.
        nodes: Nodes<'a>,
        /// p.
        p: Under<'a>,
        /// Whether the gradient is taken through the points alone and not through log q.
        through_points_alone: bool,
    },
    /// Standard points carried into every component of p, where they stay whatever q is.
    Under {
        /// z and v.
        nodes: Nodes<'a>,
        /// p.
        p: &'a Prepared<f64>,
    },
}

/// S points of one run that stay where they are.
#[derive(Debug, Clone, Copy)]
pub struct Fixed<'a> {
    /// `[S, D]`.
    pub x: &'a [f64],
    /// `[S]`.
    pub weights: &'a [f64],
    /// log p there, `[S]`.
    pub log_p: &'a [f64],
}

/// M standard points in D′ dimensions, [as many as the density they are carried into takes](Scale::standard_dim), with weights that
/// sum to 1.
#[derive(Debug, Clone, Copy)]
pub struct Nodes<'a> {
    /// z.
    pub z: StandardPoints<'a>,
    /// `[M]`.
    pub weights: &'a [f64],
}

/// Points for expectations under a standard normal.
#[derive(Debug, Clone, Copy)]
pub enum StandardPoints<'a> {
    /// `[M, D′]`, the same in every run and component.
    Shared(&'a [f64]),
    /// `[R or 1, K, M, D′]`.
    Each(&'a [f64]),
    /// [`normals`](super::normals()) `[K, M, D′]` of a stream under the key of each run; one key serves
    /// for all runs.
    Random {
        /// `[R or 1]`.
        keys: &'a [u64],
        /// The stream.
        stream: u64,
    },
}

/// Expectations of R runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Expected {
    /// Σ w f, `[R]`.
    pub values: Vec<f64>,
    /// The gradients of each with respect to the parts of q, with a run axis of R; empty where not
    /// wanted.
    pub gradients: Gradients<f64>,
}

/// Σ w f(log p, log q) of R runs with its gradients with respect to the mixtures q. Points, densities and sums are in `T`,
/// f and its slopes in 64 bits.
///
/// A component of q without weight adds nothing. `wanted.x` is of no meaning here.
///
/// # Errors
/// If the shapes do not fit together.
pub fn expectation<T: Number>(
    width: Width,
    q: &Mixture<'_, f64>,
    what: Expectation<'_>,
    wanted: Wanted,
) -> Result<Expected, ShapeError> {
    let (shape, sizes, wants_gradients) = setting(q, what, wanted)?;
    let standard_dim = what.sites.standard_dim(q);
    let wide_q = q;
    let given = [q.log_weights, q.means, q.scale.values()];
    let mut rooms = given.map(|part| vec![T::ZERO; T::room(part.len())]);
    let [log_weights, means, scale] = {
        let [a, b, c] = rooms.each_mut();
        [
            T::rounded(given[0], a),
            T::rounded(given[1], b),
            T::rounded(given[2], c),
        ]
    };
    let q = &Mixture {
        components: q.components,
        dim: q.dim,
        log_weights,
        means,
        scale: q.scale.form().scale(scale),
    };
    let call = Call {
        width,
        shape,
        q,
        factors: &Factors::new(q)?,
        what,
        standard_dim,
        sizes,
        wants_gradients,
    };
    let mut values = vec![T::ZERO; shape.runs];
    let mut gradients = zeros(q, shape.runs, wanted);
    match what.sites {
        Sites::Along {
            nodes,
            p: Under::Function { function, at_once },
            ..
        } => {
            let asked = Asked {
                function,
                at_once,
                make: &|first, x| carried(width, wide_q, nodes, first, x),
                dim: q.dim,
                wants_gradient: wants_gradients,
            };
            call.run_by(asked, &mut values, &mut gradients);
        }
        _ => call.run(&mut values, &mut gradients),
    }
    let Gradients {
        x,
        log_weights,
        means,
        scale,
    } = gradients;
    Ok(Expected {
        values: T::into_wide(values),
        gradients: Gradients {
            x: T::into_wide(x),
            log_weights: T::into_wide(log_weights),
            means: T::into_wide(means),
            scale: T::into_wide(scale),
        },
    })
}

/// The shape of a call, how many numbers its sums have, and whether gradients are wanted at all.
fn setting(
    q: &Mixture<'_, f64>,
    what: Expectation<'_>,
    wanted: Wanted,
) -> Result<(Shape, Sizes, bool), ShapeError> {
    let (k, dim) = (q.components, q.dim);
    let site_runs = what.sites.check(k, dim, what.sites.standard_dim(q))?;
    // With a run axis of the right length; the points themselves are made block by block.
    let shape = Shape::new(
        &Points {
            runs: site_runs,
            samples: 0,
            values: &[],
        },
        q,
    )?;
    let shape = Shape {
        samples: what.sites.samples(k),
        ..shape
    };
    let through_density = match what.sites {
        Sites::At { .. } | Sites::Own(_) | Sites::Under { .. } => Wanted { x: false, ..wanted },
        Sites::Along {
            through_points_alone,
            ..
        } => Wanted {
            x: wanted.log_weights || wanted.means || wanted.scale,
            log_weights: wanted.log_weights && !through_points_alone,
            means: wanted.means && !through_points_alone,
            scale: wanted.scale && !through_points_alone,
        },
    };
    let sizes = Sizes {
        density: SumSizes::new(&shape, q, through_density),
        placed: match what.sites {
            Sites::At { .. } | Sites::Own(_) | Sites::Under { .. } => 0,
            Sites::Along { .. } if !through_density.x => 0,
            Sites::Along { .. } => 1 + dim + squares(q),
        },
    };
    let wants_gradients = wanted.log_weights || wanted.means || wanted.scale;
    Ok((shape, sizes, wants_gradients))
}

impl Sites<'_> {
    /// R or 1, if everything has the right length.
    fn check(&self, k: usize, dim: usize, standard_dim: usize) -> Result<usize, ShapeError> {
        match *self {
            Self::At {
                x, weights, log_p, ..
            } => {
                check_len("x", x.runs * x.samples * dim, x.values.len())?;
                for (name, per_point) in [("weights", weights), ("log_p", log_p)] {
                    if per_point.len() != x.samples {
                        check_len(name, x.runs * x.samples, per_point.len())?;
                    }
                }
                Ok(x.runs)
            }
            Self::Own(of_runs) => {
                for Fixed { x, weights, log_p } in of_runs {
                    check_len("x", log_p.len() * dim, x.len())?;
                    check_len("weights", log_p.len(), weights.len())?;
                }
                Ok(of_runs.len())
            }
            Self::Along { nodes, p, .. } => {
                if let Under::Mixture(p) = p {
                    check_len("the dimensions of p", dim, p.dim())?;
                }
                nodes.check(k, standard_dim)
            }
            Self::Under { nodes, p } => {
                check_len("the dimensions of p", dim, p.dim())?;
                nodes.check(p.mixture().components, standard_dim)
            }
        }
    }

    /// K of p, where points are to be evaluated under it block by block.
    fn of_p(&self) -> usize {
        match self {
            Self::Along {
                p: Under::Mixture(p),
                ..
            }
            | Self::Under { p, .. } => p.components().constants.len(),
            _ => 0,
        }
    }

    /// S, of the run that has the most.
    fn samples(&self, k: usize) -> usize {
        match self {
            Self::At { x, .. } => x.samples,
            Self::Own(of_runs) => (of_runs.iter().map(|run| run.log_p.len()).max()).unwrap_or(0),
            Self::Along { nodes, .. } => k * nodes.weights.len(),
            Self::Under { nodes, p } => p.mixture().components * nodes.weights.len(),
        }
    }

    /// The standard points, where some are carried into components.
    fn nodes(&self) -> Option<Nodes<'_>> {
        match *self {
            Self::At { .. } | Self::Own(_) => None,
            Self::Along { nodes, .. } | Self::Under { nodes, .. } => Some(nodes),
        }
    }

    /// D′.
    fn standard_dim(&self, q: &Mixture<'_, f64>) -> usize {
        let scale = match self {
            Self::At { .. } | Self::Own(_) | Self::Along { .. } => q.scale,
            Self::Under { p, .. } => p.mixture().scale,
        };
        scale.standard_dim(q.dim)
    }
}

impl Nodes<'_> {
    /// R or 1, if there are standard points for K components.
    fn check(&self, k: usize, standard_dim: usize) -> Result<usize, ShapeError> {
        let each = k * self.weights.len() * standard_dim;
        match self.z {
            StandardPoints::Shared(z) => {
                check_len("z", self.weights.len() * standard_dim, z.len())?;
                Ok(1)
            }
            StandardPoints::Each(z) if each == 0 => {
                check_len("z", 0, z.len())?;
                Ok(1)
            }
            StandardPoints::Each(z) => {
                let runs = (z.len() / each).max(1);
                check_len("z", runs * each, z.len())?;
                Ok(runs)
            }
            StandardPoints::Random { keys, .. } => {
                check_len("keys", keys.len().max(1), keys.len())?;
                Ok(keys.len())
            }
        }
    }
}

/// How many numbers the scale of one component has in its sums.
fn squares<T: Copy>(q: &Mixture<'_, T>) -> usize {
    match q.scale {
        Scale::Tril(_) => q.dim * q.dim,
        Scale::Diagonal(_) | Scale::Isotropic(_) => q.dim,
        Scale::LowRank { rank, .. } => q.dim * (1 + rank),
    }
}

fn zeros<T: Number>(q: &Mixture<'_, T>, runs: usize, wanted: Wanted) -> Gradients<T> {
    let zeros = |wanted: bool, len: usize| vec![T::ZERO; if wanted { runs * len } else { 0 }];
    let (k, dim) = (q.components, q.dim);
    Gradients {
        x: Vec::new(),
        log_weights: zeros(wanted.log_weights, k),
        means: zeros(wanted.means, k * dim),
        scale: zeros(wanted.scale, k * q.scale.len_per_component(dim)),
    }
}
