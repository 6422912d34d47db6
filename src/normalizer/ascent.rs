//! Where an unnormalised density is largest: its modes from many starts, and how wide it is there.

use nalgebra::{DMatrix, DVector};
use rand::Rng;
use rand_distr::{Distribution as _, StandardNormal};

use super::problem::{Problem, Refused};

/// Starts are normal with these widths, so many of each.
const WIDTHS: [(f64, usize); 6] = [
    (0.1, 4),
    (1.0, 24),
    (3.0, 24),
    (10.0, 16),
    (100.0, 8),
    (1e3, 4),
];
/// Where a formula is no number within this of the origin, that is told.
const NEAR: f64 = 3.0;
/// The most steps of a climb.
const STEPS: usize = 400;
/// What ends this many nats below the highest is left out.
const NEGLIGIBLE: f64 = 100.0;
/// Nothing is looked for beyond.
const FARTHEST: f64 = 1e12;

/// A mode with the width of the density around it.
#[derive(Debug, Clone)]
pub(super) struct Peak {
    pub at: DVector<f64>,
    /// log f there.
    pub height: f64,
    /// L with L Lᵀ the scale around it.
    pub factor: DMatrix<f64>,
}

impl Peak {
    /// About the logarithm of the integral over it.
    pub fn log_mass(&self) -> f64 {
        self.height + self.factor.diagonal().iter().map(|l| l.ln()).sum::<f64>()
    }
}

/// The peaks that are reached from many starts, the heaviest first.
pub(super) fn peaks(problem: Problem, generator: &mut impl Rng) -> Result<Vec<Peak>, Refused> {
    let dim = problem.dim();
    let mut starts = vec![DVector::zeros(dim)];
    for (width, count) in WIDTHS {
        for _ in 0..count {
            let draw = |_, _| -> f64 { StandardNormal.sample(&mut *generator) };
            starts.push(DVector::from_fn(dim, draw) * width);
        }
    }
    starts.extend(problem.function.peaks());
    let mut values = vec![0.0; starts.len()];
    let flat: Vec<f64> = starts.iter().flatten().copied().collect();
    problem.function.evaluate(&flat, &mut values, None);
    for (at, value) in starts.iter().zip(&values) {
        if *value == f64::INFINITY {
            return Err(problem.infinite(at));
        }
        if value.is_nan() && at.amax() <= NEAR {
            return Err(problem.not_a_number(at));
        }
    }
    let known = |(start, value): (DVector<f64>, &f64)| value.is_finite().then_some(start);
    let first = starts[0].clone();
    let tried = starts.len();
    let starts: Vec<_> = starts.into_iter().zip(&values).filter_map(known).collect();
    let tops = problem.each(&starts, |problem, start| climb(problem, start.clone()));
    if tops.is_empty() {
        return Err(problem.nowhere(&first, tried));
    }
    let highest = tops
        .iter()
        .map(|(_, height)| *height)
        .fold(f64::NEG_INFINITY, f64::max);
    let mut found: Vec<Peak> = Vec::new();
    for (at, height) in tops {
        if height < highest - NEGLIGIBLE {
            continue;
        }
        if at.amax() > FARTHEST {
            return Err(problem.rising(&at));
        }
        let is_known = found.iter().any(|known| {
            let apart = known.factor.solve_lower_triangular(&(&at - &known.at));
            apart.is_some_and(|z| z.norm() < 0.05)
        });
        if !is_known {
            let factor = factor(problem, &at, height)?;
            found.push(Peak { at, height, factor });
        }
    }
    found.sort_by(|a, b| b.log_mass().total_cmp(&a.log_mass()));
    Ok(found)
}

/// The way up by the method of Broyden, Fletcher, Goldfarb and Shanno (Nocedal and Wright 2006, §6.1),
/// halving steps that do not rise.
fn climb(problem: Problem, mut at: DVector<f64>) -> (DVector<f64>, f64) {
    let dim = at.len();
    let (mut height, mut slope) = problem.with_gradient(&at);
    let mut inverse = DMatrix::<f64>::identity(dim, dim);
    let mut is_fresh = true;
    let mut leap = 1.0 + at.norm();
    for _ in 0..STEPS {
        let mut step = &inverse * &slope;
        let mut rise = step.dot(&slope);
        if rise.is_nan() || rise <= 0.0 {
            inverse = DMatrix::identity(dim, dim);
            (step, rise, is_fresh) = (slope.clone(), slope.norm_squared(), true);
        }
        // Nor is a first step a leap; where nothing bends they become longer.
        let mut scale = if is_fresh {
            leap.min(rise.sqrt()) / rise.sqrt()
        } else {
            1.0
        };
        if rise.is_nan() || rise <= 1e-18 * (1.0 + height.abs()) {
            break;
        }
        let mut next = None;
        for _ in 0..60 {
            let place = &at + &step * scale;
            let (value, gradient) = problem.with_gradient(&place);
            let is_number = value.is_finite() && gradient.iter().all(|x| x.is_finite());
            if is_number && value >= height + 1e-4 * scale * rise {
                next = Some((place, value, gradient));
                break;
            }
            scale *= 0.5;
        }
        let Some((place, value, gradient)) = next else {
            if is_fresh {
                break;
            }
            inverse = DMatrix::identity(dim, dim);
            is_fresh = true;
            continue;
        };
        leap *= 2.0;
        let (moved, turned) = (&place - &at, &slope - &gradient);
        let along = moved.dot(&turned);
        if along > 1e-12 * moved.norm() * turned.norm() {
            if is_fresh {
                inverse = DMatrix::identity(dim, dim) * (along / turned.norm_squared());
            }
            let with = &inverse * &turned;
            let size = turned.dot(&with);
            let cross = &with * moved.transpose();
            inverse += (&moved * moved.transpose()) * ((along + size) / (along * along))
                - (&cross + cross.transpose()) / along;
            is_fresh = false;
        }
        (at, height, slope) = (place, value, gradient);
        if at.amax() > FARTHEST {
            break;
        }
    }
    (at, height)
}

/// L of the Gaussian that falls as f does around a peak: along each axis of its curvature, by ½ in one
/// width.
fn factor(problem: Problem, at: &DVector<f64>, height: f64) -> Result<DMatrix<f64>, Refused> {
    let dim = at.len();
    let axes = axes(problem, at);
    let mut scale = DMatrix::zeros(dim, dim);
    let axes = axes.column_iter().map(|axis| axis.into_owned());
    let sides: Vec<DVector<f64>> = axes.flat_map(|axis| [axis.clone(), -axis]).collect();
    let widths = problem.each(&sides, |problem, axis| width(problem, at, height, axis));
    for (sides, widths) in sides.chunks_exact(2).zip(widths.chunks_exact(2)) {
        let axis = &sides[0];
        let [Some(up), Some(down)] = widths else {
            return Err(problem.flat(at, axis));
        };
        let width = 0.5 * (up + down);
        scale += axis * axis.transpose() * (width * width);
    }
    let cholesky = scale.clone().cholesky();
    Ok(match cholesky {
        Some(cholesky) => cholesky.l(),
        None => DMatrix::from_diagonal(&scale.diagonal().map(|s| s.max(1e-300).sqrt())),
    })
}

/// The axes of the curvature, from differences of the gradient, as columns.
fn axes(problem: Problem, at: &DVector<f64>) -> DMatrix<f64> {
    let dim = at.len();
    let mut curvature = DMatrix::zeros(dim, dim);
    for i in 0..dim {
        let step = 1e-4 * (1.0 + at[i].abs());
        let [up, down] = [step, -step].map(|step| {
            let mut place = at.clone();
            place[i] += step;
            problem.with_gradient(&place).1
        });
        curvature.set_column(i, &((up - down) / (2.0 * step)));
    }
    let symmetric = (&curvature + curvature.transpose()) * 0.5;
    match symmetric.iter().all(|x| x.is_finite()) {
        true => symmetric.symmetric_eigen().eigenvectors,
        false => DMatrix::identity(dim, dim),
    }
}

/// How far one must go for f to fall by ½; `None` if it does not.
fn width(problem: Problem, at: &DVector<f64>, height: f64, axis: &DVector<f64>) -> Option<f64> {
    let falls = |t: f64| {
        let value = problem.value(&(at + axis * t));
        value.is_nan() || value < height - 0.5
    };
    let mut far = 1e-8 * (1.0 + at.norm());
    while !falls(far) {
        far *= 2.0;
        if far > FARTHEST {
            return None;
        }
    }
    let mut near = 0.5 * far;
    for _ in 0..20 {
        let middle = 0.5 * (near + far);
        if falls(middle) {
            far = middle;
        } else {
            near = middle;
        }
    }
    Some(far)
}
