//! How an unnormalised density falls off far out.

use nalgebra::DVector;
use rand::Rng;
use rand_distr::{Distribution as _, StandardNormal};

use super::{Problem, Refused};
use crate::density::target::{StudentT, Tails};

/// So many widths out it is looked at, or as far as it is a number, and at a quarter of the digits of that …
const FARTHEST: f64 = 1e12;
/// … along the axes, and along so many directions at random.
const DIRECTIONS: usize = 32;
/// Where it is no number this far out it is 0.
const NEAREST: f64 = 30.0;
/// A power that grows by more than this from the first to the second is none.
const GROWS: f64 = 1.5;
/// −log of a Gaussian grows like |x|², but for terms that matter less the farther out.
const GAUSSIAN: f64 = 1.95;

/// How the density falls along one direction.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fall {
    /// It is 0 far out, or falls like a Gaussian, or faster.
    Gaussian,
    /// More slowly, and faster than any power.
    Exponential,
    /// Like r^−power.
    Power(f64),
}

/// The tails of a density that lies where a proposal does.
///
/// # Errors
/// If they are too heavy for it to have an integral.
pub(super) fn tails(
    problem: Problem,
    proposal: &StudentT,
    generator: &mut impl Rng,
) -> Result<Tails, Refused> {
    let scales = proposal.scales();
    let dim = scales.dim();
    let centre = scales.mean();
    let Some(factor) = scales.covariance().cholesky().map(|cholesky| cholesky.l()) else {
        return Ok(Tails::Gaussian);
    };
    let mut falls = Vec::new();
    for i in 0..dim {
        for sign in [1.0, -1.0] {
            let mut direction = DVector::zeros(dim);
            direction[i] = sign;
            // Along an axis there may be a ridge, on both sides of which it falls fast.
            falls.push((direction, 1.0));
        }
    }
    if dim > 1 {
        for _ in 0..DIRECTIONS {
            let draw = |_, _| -> f64 { StandardNormal.sample(&mut *generator) };
            falls.push((DVector::from_fn(dim, draw).normalize(), dim as f64));
        }
    }
    let mut tails = Tails::Gaussian;
    // Three degrees of freedom come out with what is left of other terms so far out.
    let rounded = |dof: f64| (1e3 * dof).round() / 1e3;
    for (direction, dimension) in falls {
        let direction = &factor * direction;
        let fall = fall(problem, &centre, &direction);
        match (fall, tails) {
            (Fall::Power(power), _) if power <= dimension + 1e-9 => {
                return Err(problem.without_integral(&(&centre + direction * FARTHEST), power));
            }
            (Fall::Power(power), Tails::Power { dof }) => {
                let dof = dof.min(rounded(power - dimension));
                tails = Tails::Power { dof };
            }
            (Fall::Power(power), _) => {
                let dof = rounded(power - dimension);
                tails = Tails::Power { dof };
            }
            (Fall::Exponential, Tails::Gaussian) => tails = Tails::Exponential,
            _ => {}
        }
    }
    Ok(tails)
}

/// From r ∂log f / ∂r, which is −power for a power, at two distances.
fn fall(problem: Problem, centre: &DVector<f64>, direction: &DVector<f64>) -> Fall {
    let slope = |r: f64| {
        let (value, gradient) = problem.with_gradient(&(centre + direction * r));
        let slope = -r * gradient.dot(direction);
        (value.is_finite() && slope.is_finite()).then_some(slope)
    };
    let mut reach = FARTHEST;
    let far = loop {
        match slope(reach) {
            Some(far) => break far,
            None if reach > NEAREST => reach /= 2.0,
            // It is 0 nearby.
            None => return Fall::Gaussian,
        }
    };
    let middle = reach.powf(0.25).max(1.0);
    let (Some(near), Some(twice)) = (slope(middle), slope(2.0 * middle)) else {
        return Fall::Gaussian;
    };
    if far <= GROWS * near.max(0.0) || far <= 0.0 {
        return Fall::Power(far);
    }
    if (twice / near).log2() < GAUSSIAN {
        return Fall::Exponential;
    }
    Fall::Gaussian
}
