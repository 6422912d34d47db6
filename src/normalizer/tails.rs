//! How an unnormalised density falls off far out.

use nalgebra::{DMatrix, DVector};
use rand::Rng;
use rand_distr::{Distribution as _, StandardNormal};

use super::problem::{Problem, Refused};
use crate::density::target::{StudentT, Tails};

/// So many widths out it is looked at, or as far as it is a number, and at a quarter of the digits of that …
const FARTHEST: f64 = 1e12;
/// … along the axes, and along so many directions at random.
const DIRECTIONS: usize = 32;
/// Where it is no number this far out it is 0.
const NEAREST: f64 = 30.0;
/// A power that grows by more than this from the first to the second is none.
const GROWS: f64 = 1.5;
/// A slope that differs by more than this share from that over the whole way is one of waves.
const WAVES: f64 = 0.05;
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
    // The axes of its extent, each as long as it is wide along it.
    let extent = scales.covariance().symmetric_eigen();
    let mut own = extent.eigenvectors;
    for (mut axis, variance) in own.column_iter_mut().zip(&extent.eigenvalues) {
        axis *= variance.max(0.0).sqrt();
    }
    // Along an axis, its own or that of a coordinate, there may be a ridge, on both sides of which it falls fast.
    let along = (0..dim).map(|i| {
        let mut axis = DVector::zeros(dim);
        axis[i] = own.row(i).norm();
        axis
    });
    let axes = along.chain(own.column_iter().map(|axis| axis.into_owned()));
    let mut falls: Vec<(DVector<f64>, f64)> = axes
        .flat_map(|axis| [(axis.clone(), 1.0), (-axis, 1.0)])
        .collect();
    if dim > 1 {
        for _ in 0..DIRECTIONS {
            let draw = |_, _| -> f64 { StandardNormal.sample(&mut *generator) };
            let direction = &own * DVector::from_fn(dim, draw).normalize();
            falls.push((direction, dim as f64));
        }
    }
    let found = problem.each(&falls, |problem, (direction, _)| {
        let ridge = ridge(problem, &centre, &own, direction);
        (fall(problem, &centre, direction), ridge)
    });
    let (straight, ridges): (Vec<_>, Vec<_>) = found.into_iter().unzip();
    let straight = (falls.into_iter().zip(straight))
        .map(|((direction, dimension), fall)| (direction, dimension, fall));
    let ridges = (ridges.into_iter().flatten())
        .map(|(direction, power)| (direction, 1.0, Fall::Power(power)));
    let mut tails = Tails::Gaussian;
    // Three degrees of freedom come out with what is left of other terms so far out.
    let rounded = |dof: f64| (1e3 * dof).round() / 1e3;
    for (direction, dimension, fall) in straight.chain(ridges) {
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

/// The power that a ridge falls with, and its direction, if it does with one: it may lie between all directions that
/// are looked along.
///
/// A climb on spheres around the centre, each ten times as large as the last, comes to it.
fn ridge(
    problem: Problem,
    centre: &DVector<f64>,
    own: &DMatrix<f64>,
    from: &DVector<f64>,
) -> Option<(DVector<f64>, f64)> {
    const RADII: [f64; 6] = [10.0, 1e2, 1e3, 1e4, 1e5, 1e6];
    const STEPS: usize = 30;
    const HALVINGS: i32 = 40;
    const ENDED: f64 = 1e-9;
    let mut towards = own.clone().lu().solve(from)?.normalize();
    let mut powers = Vec::new();
    for reach in RADII {
        // log f with its slope along the sphere, and −r ∂log f / ∂r.
        let at = |towards: &DVector<f64>| {
            let (value, gradient) = problem.with_gradient(&(centre + own * towards * reach));
            let slope = own.tr_mul(&gradient) * reach;
            let out = towards.dot(&slope);
            let along = slope - towards * out;
            let is_number = value.is_finite() && along.iter().all(|x| x.is_finite());
            is_number.then_some((value, along, -out))
        };
        let (mut value, mut slope, mut power) = at(&towards)?;
        let mut scale = 0.1 / slope.norm();
        for _ in 0..STEPS {
            if slope.norm() <= ENDED * power.abs() {
                break;
            }
            let higher = (0..HALVINGS).find_map(|i| {
                let next = (&towards + &slope * (scale * 0.5f64.powi(i))).normalize();
                let found = at(&next)?;
                (found.0 > value).then_some((next, found))
            });
            let Some((next, (rises_to, turned, falls))) = higher else {
                break;
            };
            // The step that would have ended where the slope is 0 (Barzilai and Borwein 1988).
            let (moved, change) = (&next - &towards, &slope - &turned);
            let bend = moved.dot(&change);
            scale = if bend > 0.0 {
                moved.norm_squared() / bend
            } else {
                2.0 * scale
            };
            (towards, value, slope, power) = (next, rises_to, turned, falls);
        }
        // Where the climb has not ended the way out is none along a ridge.
        if slope.norm() > 0.1 * power.abs() {
            return None;
        }
        powers.push(power);
    }
    let (near, far) = (powers[2], powers[5]);
    (near > 0.0 && far <= GROWS * near && near <= GROWS * far).then(|| (own * towards, far))
}

/// From how much log f falls where the distance doubles, which is power · log 2 for a power. A slope would be that of
/// waves, which may be steep however small they are.
fn fall(problem: Problem, centre: &DVector<f64>, direction: &DVector<f64>) -> Fall {
    let slopes = |r: f64| {
        let near = problem.value(&(centre + direction * (0.5 * r)));
        let (value, gradient) = problem.with_gradient(&(centre + direction * r));
        let slopes = [
            (near - value) / std::f64::consts::LN_2,
            -r * gradient.dot(direction),
        ];
        slopes
            .iter()
            .all(|slope| slope.is_finite())
            .then_some(slopes)
    };
    let slope = |r: f64| slopes(r).map(|[whole, _]| whole);
    let mut reach = FARTHEST;
    let [far, local] = loop {
        match slopes(reach) {
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
        // Where there are no waves the slope at a point has more digits.
        let is_smooth = (local - far).abs() <= WAVES * far.abs();
        return Fall::Power(if is_smooth { local } else { far });
    }
    if (twice / near).log2() < GAUSSIAN {
        return Fall::Exponential;
    }
    Fall::Gaussian
}
