//! The gradients of a weighted sum of log-densities, for all runs.

use super::backward::{GradX, Samples, Sums, backward};
use super::block::samples_per_block;
use super::components::Components;
use super::factors::{Factors, of_run};
use super::inputs::{Mixture, Points, Scale, Shape, ShapeError, check_len};
use super::log_density::{log_density, nanoseconds};
use super::real::Real;
use super::schedule::{Stretch, Work, cut, run};
use super::scratch::with_scratch;
use super::width::Width;

/// Which gradients to compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wanted {
    /// With respect to the points.
    pub x: bool,
    /// With respect to the log weights.
    pub log_weights: bool,
    /// With respect to the means.
    pub means: bool,
    /// With respect to the scale.
    pub scale: bool,
}

impl Wanted {
    /// Every gradient.
    pub const ALL: Self = Self {
        x: true,
        log_weights: true,
        means: true,
        scale: true,
    };
}

/// Gradients in the shapes of the inputs; empty where not wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct Gradients<T> {
    /// With respect to the points.
    pub x: Vec<T>,
    /// With respect to the log weights.
    pub log_weights: Vec<T>,
    /// With respect to the means.
    pub means: Vec<T>,
    /// With respect to the scale; 0 above the diagonal.
    pub scale: Vec<T>,
}

/// The vector–Jacobian product of [`log_density`]: the gradients of Σ upstream · log p(x), summed
/// over the runs an input serves.
///
/// `log_density` is the value at the same inputs if it is at hand, `[R, S]` like `upstream`.
/// A sample without density (log −∞) has gradient 0, as has a component that is absent (log weight
/// −∞). A sample with upstream 0 adds nothing to any sum, even where it is NaN.
///
/// # Errors
/// If the shapes do not fit together.
pub fn gradients<T: Real>(
    width: Width,
    x: Points<'_, T>,
    mixture: &Mixture<'_, T>,
    log_density_at_x: Option<&[T]>,
    upstream: &[T],
    wanted: Wanted,
) -> Result<Gradients<T>, ShapeError> {
    let shape = Shape::of(&x, mixture)?;
    let outputs = shape.runs * shape.samples;
    check_len("upstream", outputs, upstream.len())?;
    let computed;
    let log_density_at_x = match log_density_at_x {
        Some(values) => {
            check_len("log_density", outputs, values.len())?;
            values
        }
        None => {
            computed = log_density(width, x, mixture)?;
            &computed
        }
    };
    let zeros = |wanted: bool, len: usize| vec![T::ZERO; if wanted { len } else { 0 }];
    let mut gradients = Gradients {
        x: zeros(wanted.x, x.values.len()),
        log_weights: zeros(wanted.log_weights, mixture.log_weights.len()),
        means: zeros(wanted.means, mixture.means.len()),
        scale: zeros(wanted.scale, mixture.scale.values().len()),
    };
    if wanted == Wanted::default() || shape.components == 0 {
        return Ok(gradients);
    }
    let shape = shape.flattened();
    let factors = Factors::new(mixture)?;
    let sizes = SumSizes::of(&shape, mixture, wanted);
    let work = work(&shape, mixture, wanted, sizes.total());
    let stretches = work.stretches();
    let total_sums: usize = stretches.iter().map(|s| s.runs.len() * sizes.total()).sum();
    with_scratch(total_sums, |sums| {
        let (mut rest_x, mut rest_sums) = (&mut gradients.x[..], &mut *sums);
        let tasks = (stretches.iter())
            .map(|stretch| {
                let len = if work.all_runs {
                    stretch.samples.len()
                } else {
                    stretch.len()
                };
                let grad_x = cut(&mut rest_x, if wanted.x { len * shape.dim } else { 0 });
                let sums = cut(&mut rest_sums, stretch.runs.len() * sizes.total());
                (stretch, grad_x, sums)
            })
            .collect();
        run(work.total(), tasks, |(stretch, grad_x, sums)| {
            let call = Call {
                width,
                shape,
                sizes,
                factors: &factors,
                x: x.values,
                log_density: log_density_at_x,
                upstream,
                wants_x: wanted.x,
            };
            call.stretch(stretch, grad_x, sums);
        });
        let mut rest = sums;
        let mut pending: Option<(usize, &mut [T])> = None;
        for run in stretches.iter().flat_map(|stretch| stretch.runs.clone()) {
            let piece = cut(&mut rest, sizes.total());
            match &mut pending {
                Some((pending, sums)) if *pending == run => {
                    for (sum, &piece) in sums.iter_mut().zip(&*piece) {
                        *sum += piece;
                    }
                }
                _ => {
                    if let Some((run, sums)) = pending.replace((run, piece)) {
                        gradients.add(&factors.run(run), mixture, run, sizes, sums);
                    }
                }
            }
        }
        if let Some((run, sums)) = pending {
            gradients.add(&factors.run(run), mixture, run, sizes, sums);
        }
    });
    Ok(gradients)
}

/// How a call is cut into tasks.
fn work<T: Copy>(shape: &Shape, mixture: &Mixture<'_, T>, wanted: Wanted, sums: usize) -> Work {
    let forward = nanoseconds(&mixture.scale, shape.dim);
    let mut work = Work {
        runs: shape.runs,
        samples: shape.samples,
        block: samples_per_block(shape.dim),
        nanoseconds: shape.components as f64 * forward * 2.5,
        most_pieces: usize::MAX,
        // Tasks that share points must not share their gradient.
        all_runs: wanted.x && shape.x_runs == 1 && shape.runs > 1,
    };
    // A piece more costs about a nanosecond for each of its sums: that may take a twentieth.
    let per_run = work.total() / shape.runs.max(1) as f64;
    let affordable = (0.05 * per_run / sums.max(1) as f64) as usize;
    work.most_pieces = affordable.max(2);
    work
}

/// How many numbers the sums of one run have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SumSizes {
    pub weights: usize,
    pub means: usize,
    pub squares: usize,
    /// Whether they are of r z, to be unwhitened once they are complete.
    pub whitened: bool,
}

impl SumSizes {
    pub fn of<T: Copy>(shape: &Shape, mixture: &Mixture<'_, T>, wanted: Wanted) -> Self {
        let (k, dim) = (shape.components, shape.dim);
        let squares = match mixture.scale {
            Scale::Tril(_) => dim * dim,
            Scale::Diagonal(_) | Scale::Isotropic(_) => dim,
        };
        let sized = |wanted: bool, len: usize| if wanted { len } else { 0 };
        Self {
            weights: sized(wanted.log_weights || wanted.scale, k),
            means: sized(wanted.means, k * dim),
            squares: sized(wanted.scale, k * squares),
            // Substitution takes as long for the sums as for a third of D samples.
            whitened: matches!(mixture.scale, Scale::Tril(_))
                && dim > 3
                && !wanted.x
                && shape.samples >= dim,
        }
    }

    pub fn total(self) -> usize {
        self.weights + self.means + self.squares
    }
}

/// What all tasks of a call share.
struct Call<'a, T> {
    width: Width,
    shape: Shape,
    sizes: SumSizes,
    factors: &'a Factors<T>,
    x: &'a [T],
    log_density: &'a [T],
    upstream: &'a [T],
    wants_x: bool,
}

impl<T: Real> Call<'_, T> {
    fn stretch(&self, stretch: &Stretch, mut grad_x: &mut [T], mut sums: &mut [T]) {
        let (samples, dim) = (&stretch.samples, self.shape.dim);
        sums.fill(T::ZERO);
        for run in stretch.runs.clone() {
            let x = of_run(self.x, run, self.shape.samples * dim);
            let outputs = run * self.shape.samples + samples.start..;
            let here = Samples {
                x: &x[samples.start * dim..samples.end * dim],
                log_density: &self.log_density[outputs.clone()][..samples.len()],
                upstream: &self.upstream[outputs][..samples.len()],
            };
            let shared = self.shape.x_runs == 1;
            let values = if shared {
                &mut *grad_x
            } else {
                cut(&mut grad_x, if self.wants_x { here.x.len() } else { 0 })
            };
            let grad_x = self.wants_x.then_some(GradX {
                values,
                add: run > stretch.runs.start,
            });
            let sums = Sums {
                weights: cut(&mut sums, self.sizes.weights),
                means: cut(&mut sums, self.sizes.means),
                squares: cut(&mut sums, self.sizes.squares),
                whitened: self.sizes.whitened,
            };
            backward(self.width, &self.factors.run(run), here, grad_x, sums);
        }
    }
}

impl<T: Real> Gradients<T> {
    /// Adds what the sums over samples of a run come to.
    pub(crate) fn add(
        &mut self,
        components: &Components<'_, T>,
        mixture: &Mixture<'_, T>,
        run: usize,
        sizes: SumSizes,
        sums: &mut [T],
    ) {
        let (k, dim) = (mixture.components, mixture.dim);
        let (weights, sums) = sums.split_at_mut(sizes.weights);
        let (means, squares) = sums.split_at_mut(sizes.means);
        if sizes.whitened {
            let (per_mean, per_square) = (sizes.means / k, sizes.squares / k);
            for k in 0..k {
                let means = &mut means[k * per_mean..][..per_mean];
                let squares = &mut squares[k * per_square..][..per_square];
                components.unwhiten(k, means, squares);
            }
        }
        for (gradient, &sum) in of_run_mut(&mut self.log_weights, run, k)
            .iter_mut()
            .zip(&*weights)
        {
            *gradient += sum;
        }
        let reciprocals = components.reciprocals;
        let gradients = of_run_mut(&mut self.means, run, k * dim).chunks_exact_mut(dim);
        for (k, (gradients, means)) in gradients.zip(means.chunks_exact(dim)).enumerate() {
            // The scale of a component that is absent may be anything, even 0.
            if components.constants[k] == T::NEG_INFINITY {
                continue;
            }
            let reciprocals = &reciprocals[k * dim..][..dim];
            for ((gradient, &sum), &reciprocal) in gradients.iter_mut().zip(means).zip(reciprocals)
            {
                *gradient += sum * reciprocal;
            }
        }
        if squares.is_empty() {
            return;
        }
        let per_component = mixture.scale.len_per_component(dim);
        let gradients = of_run_mut(&mut self.scale, run, k * per_component);
        for (k, gradients) in gradients.chunks_exact_mut(per_component).enumerate() {
            if components.constants[k] == T::NEG_INFINITY {
                continue;
            }
            let weight = weights[k];
            let squares = &squares[k * sizes.squares / mixture.components..];
            let reciprocals = &reciprocals[k * dim..][..dim];
            match mixture.scale {
                Scale::Tril(_) => {
                    for (i, &reciprocal) in reciprocals.iter().enumerate() {
                        let row = &mut gradients[i * dim..][..=i];
                        for (gradient, &square) in row.iter_mut().zip(&squares[i * dim..]) {
                            *gradient += reciprocal * square;
                        }
                        row[i] = row[i] - weight * reciprocal;
                    }
                }
                Scale::Diagonal(_) => {
                    for ((gradient, &square), &reciprocal) in
                        gradients.iter_mut().zip(squares).zip(reciprocals)
                    {
                        *gradient += reciprocal * (square - weight);
                    }
                }
                Scale::Isotropic(_) => {
                    for (&square, &reciprocal) in squares[..dim].iter().zip(reciprocals) {
                        gradients[0] += reciprocal * (square - weight);
                    }
                }
            }
        }
    }
}

/// The part of a slice with one or R runs that belongs to a run.
pub(crate) fn of_run_mut<T>(all: &mut [T], run: usize, per_run: usize) -> &mut [T] {
    if all.len() <= per_run {
        all
    } else {
        &mut all[run * per_run..][..per_run]
    }
}
