//! A divergence from points and weights: its value, and how sure that is.

use burn::tensor::{DType, Tensor};

use super::{Divergence, Estimate, Method, Side};
use crate::density::{Density, Draws, DrawsError};
use crate::device::Numerics;
use crate::error::Result;

/// Points under one side with both log-densities there: all any divergence needs.
#[derive(Debug, Clone)]
pub struct Sampled {
    draws: Draws,
    log_p: Tensor<2>,
    log_q: Tensor<2>,
    by_score: bool,
}

impl Sampled {
    /// Evaluates both densities at the draws.
    pub fn new(draws: Draws, p: &dyn Density, q: &dyn Density) -> Self {
        let log_p = p.log_density(draws.x.clone());
        Self::with_log_p(draws, log_p, q)
    }

    /// As [`Sampled::new`], with log p already known at the draws.
    pub fn with_log_p(draws: Draws, log_p: Tensor<2>, q: &dyn Density) -> Self {
        Self {
            log_p,
            log_q: q.log_density(draws.x.clone()),
            draws,
            by_score: false,
        }
    }

    /// The same points, which were drawn from q and are not tracked, with the gradient of the score
    /// function.
    pub fn by_score(self) -> Self {
        Self {
            by_score: true,
            ..self
        }
    }

    /// This side's share `[R]`, with its gradient.
    fn mean(&self, divergence: &dyn Divergence, side: Side) -> Tensor<1> {
        let values = self.values(divergence, side);
        if self.by_score {
            (self.draws).expectation_by_score(values, self.log_q.clone())
        } else {
            self.draws.expectation(values)
        }
    }

    fn values(&self, divergence: &dyn Divergence, side: Side) -> Tensor<2> {
        divergence.integrand(side, self.log_p.clone(), self.log_q.clone())
    }

    /// This side's share `[R]` with its error `[R]`, and how it was obtained.
    fn share(&self, divergence: &dyn Divergence, side: Side) -> (Tensor<1>, Tensor<1>, Method) {
        let values = self.values(divergence, side);
        // What is averaged is a difference of two logarithms, rounded each by itself.
        // Rows have no log p, and what is averaged over them does without.
        let log_p = (self.log_p.clone()).mask_fill(self.log_p.clone().is_nan(), 0.0);
        let rounded = log_p.abs() + self.log_q.clone().abs();
        let rounding = (self.draws.expectation(rounded)).mul_scalar(epsilon(&values));
        let error = self.draws.error(values.clone()) + rounding;
        let method = match self.draws.error {
            DrawsError::Embedded(_) => Method::Quadrature,
            DrawsError::Random { .. } => Method::MonteCarlo,
            DrawsError::Rows => Method::Data,
        };
        (self.draws.expectation(values), error, method)
    }
}

/// D(p, q) of R runs, `[R]`, in nats, from points under each of its sides.
pub fn value(divergence: &dyn Divergence, mut at: impl FnMut(Side) -> Sampled) -> Tensor<1> {
    let (&first, others) = sides(divergence);
    let mut share = |side: Side| at(side).mean(divergence, side);
    let total = others
        .iter()
        .fold(share(first), |sum, &side| sum + share(side));
    divergence.outer(total)
}

/// As [`value`], with the error of each run.
///
/// Errors of the two sides add in squares if the points are random and in absolute value
/// otherwise; an outer function carries them along its slope.
///
/// # Errors
/// If the device failed.
pub fn estimate(
    divergence: &dyn Divergence,
    mut at: impl FnMut(Side) -> Sampled,
) -> Result<Vec<Estimate>> {
    let (&first, others) = sides(divergence);
    let (mut total, mut error, method) = at(first).share(divergence, first);
    for &side in others {
        let (share, its_error, _) = at(side).share(divergence, side);
        total = total + share;
        error = match method {
            Method::ClosedForm | Method::Quadrature => error + its_error,
            Method::MonteCarlo | Method::Data => (error.square() + its_error.square()).sqrt(),
        };
    }
    let beside = |total: Tensor<1>| divergence.outer(total);
    let above = beside(total.clone() + error.clone());
    let error = (above - beside(total.clone() - error))
        .mul_scalar(0.5)
        .abs();
    let values = Numerics::read(divergence.outer(total))?;
    Ok((values.into_iter().zip(Numerics::read(error)?))
        .map(|(value, error)| Estimate {
            value,
            error,
            method,
        })
        .collect())
}

/// The sides of a divergence, of which there is at least one.
fn sides(divergence: &dyn Divergence) -> (&'static Side, &'static [Side]) {
    (divergence.sides().split_first()).unwrap_or((&Side::Target, &[]))
}

/// The distance from 1 to the next number of a tensor's type.
fn epsilon(tensor: &Tensor<2>) -> f64 {
    match tensor.dtype() {
        DType::F32 => f32::EPSILON.into(),
        _ => f64::EPSILON,
    }
}
