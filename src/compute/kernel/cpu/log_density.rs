//! The log-density of mixtures at points, for all runs.

use super::block::samples_per_block;
use super::factors::{Factors, of_run};
use super::forward::forward;
use super::inputs::{Mixture, Points, Scale, Shape, ShapeError, check_len};
use super::real::Real;
use super::schedule::{Work, cut, run};
use super::width::Width;

/// log Σₖ wₖ N(x; μₖ, Lₖ Lₖᵀ) in nats, `[R, S]`.
///
/// Either of the points and the mixture, and each part of the mixture, may have one run, which
/// then serves for all. Where a square overflows the density is 0 and its log −∞; a NaN in x gives
/// NaN for that sample, a NaN in a mixture for that run.
///
/// # Errors
/// If the shapes do not fit together.
pub fn log_density<T: Real>(
    width: Width,
    x: Points<'_, T>,
    mixture: &Mixture<'_, T>,
) -> Result<Vec<T>, ShapeError> {
    let shape = Shape::new(&x, mixture)?;
    let mut out = vec![T::ZERO; shape.runs * shape.samples];
    log_density_into(width, x, mixture, &mut out)?;
    Ok(out)
}

/// Like [`log_density`], into memory that is there.
///
/// # Errors
/// If the shapes do not fit together.
pub fn log_density_into<T: Real>(
    width: Width,
    x: Points<'_, T>,
    mixture: &Mixture<'_, T>,
    out: &mut [T],
) -> Result<(), ShapeError> {
    let shape = Shape::new(&x, mixture)?;
    check_len("out", shape.runs * shape.samples, out.len())?;
    let shape = shape.flattened();
    let factors = Factors::new(mixture)?;
    let work = Work {
        runs: shape.runs,
        samples: shape.samples,
        block: samples_per_block(shape.dim),
        nanoseconds: shape.components as f64 * nanoseconds(&mixture.scale, shape.dim),
        most_pieces: usize::MAX,
        all_runs: false,
    };
    let mut rest = out;
    let tasks: Vec<_> = (work.stretches().into_iter())
        .map(|stretch| {
            let out = cut(&mut rest, stretch.len());
            (stretch, out)
        })
        .collect();
    run(work.total(), tasks, |(stretch, out)| {
        for (run, out) in stretch.runs.zip(out.chunks_mut(stretch.samples.len())) {
            let x = of_run(x.values, run, shape.samples * shape.dim);
            let x = &x[stretch.samples.start * shape.dim..stretch.samples.end * shape.dim];
            forward(width, &factors.run(run), x, out);
        }
    });
    Ok(())
}

/// About how long one sample and component takes, in nanoseconds.
pub(crate) fn nanoseconds<T>(scale: &Scale<'_, T>, dim: usize) -> f64 {
    let dim = dim as f64;
    match scale {
        Scale::Tril(_) => 1.0 + dim / 8.0 + dim * dim / 100.0,
        Scale::Diagonal(_) | Scale::Isotropic(_) => 1.0 + dim / 8.0,
        Scale::LowRank { rank, .. } => 1.0 + dim / 8.0 + dim * *rank as f64 / 25.0,
    }
}
