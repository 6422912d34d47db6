//! The gradients of a weighted sum of log-densities, for all runs.

use super::backward::{GradX, Samples, Sums, backward};
use super::block::samples_per_block;
use super::components::Components;
use super::factors::{Factors, of_run};
use super::inputs::{Mixture, Points, Scale, Shape, ShapeError, check_len};
use super::log_density::{log_density_into, nanoseconds};
use super::low_rank;
use super::packed::{Packed, packed_len};
use super::real::Real;
use super::retained::{At, Retained, block_len};
use super::schedule::{Stretch, Work, cut, run};
use super::scratch::{padded, take, with_scratch};
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

/// The vector–Jacobian product of [`log_density`](super::log_density()): the gradients of Σ upstream · log p(x), summed
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
    let Some(values) = log_density_at_x else {
        return Ok(log_density_and_gradients(width, x, mixture, upstream, wanted)?.1);
    };
    let shape = Shape::new(&x, mixture)?;
    check_len("log_density", shape.runs * shape.samples, values.len())?;
    gradients_of(width, x, mixture, Values::Known(values), upstream, wanted)
}

/// [`log_density`](super::log_density()) `[R, S]` and [`gradients`] in one pass.
///
/// # Errors
/// If the shapes do not fit together.
pub fn log_density_and_gradients<T: Real>(
    width: Width,
    x: Points<'_, T>,
    mixture: &Mixture<'_, T>,
    upstream: &[T],
    wanted: Wanted,
) -> Result<(Vec<T>, Gradients<T>), ShapeError> {
    let shape = Shape::new(&x, mixture)?;
    let mut values = vec![T::ZERO; shape.runs * shape.samples];
    // Tasks that see to all runs of some samples would find their values in many places.
    let gradients = if wanted.x && x.runs < shape.runs {
        log_density_into(width, x, mixture, &mut values)?;
        gradients_of(width, x, mixture, Values::Known(&values), upstream, wanted)?
    } else {
        gradients_of(
            width,
            x,
            mixture,
            Values::Wanted(&mut values),
            upstream,
            wanted,
        )?
    };
    Ok((values, gradients))
}

/// The log-densities `[R, S]` of a call.
enum Values<'a, T> {
    Known(&'a [T]),
    Wanted(&'a mut [T]),
}

fn gradients_of<T: Real>(
    width: Width,
    x: Points<'_, T>,
    mixture: &Mixture<'_, T>,
    values: Values<'_, T>,
    upstream: &[T],
    wanted: Wanted,
) -> Result<Gradients<T>, ShapeError> {
    let shape = Shape::new(&x, mixture)?;
    check_len("upstream", shape.runs * shape.samples, upstream.len())?;
    let zeros = |wanted: bool, len: usize| vec![T::ZERO; if wanted { len } else { 0 }];
    let mut gradients = Gradients {
        x: zeros(wanted.x, x.values.len()),
        log_weights: zeros(wanted.log_weights, mixture.log_weights.len()),
        means: zeros(wanted.means, mixture.means.len()),
        scale: zeros(wanted.scale, mixture.scale.values().len()),
    };
    if wanted == Wanted::default() || shape.components == 0 {
        if let Values::Wanted(values) = values {
            log_density_into(width, x, mixture, values)?;
        }
        return Ok(gradients);
    }
    let shape = shape.flattened();
    let factors = Factors::new(mixture)?;
    let sizes = SumSizes::new(&shape, mixture, wanted);
    let work = work(&shape, mixture, wanted, sizes.total());
    let stretches = work.stretches();
    let total_sums: usize = stretches.iter().map(|s| s.runs.len() * sizes.total()).sum();
    with_scratch(total_sums, |sums| {
        let (mut rest_x, mut rest_sums) = (&mut gradients.x[..], &mut *sums);
        let (known, mut rest_values) = match values {
            Values::Known(values) => (Some(values), &mut [][..]),
            Values::Wanted(values) => (None, values),
        };
        let tasks = (stretches.iter())
            .map(|stretch| {
                let len = if work.all_runs {
                    stretch.samples.len()
                } else {
                    stretch.len()
                };
                let grad_x = cut(&mut rest_x, if wanted.x { len * shape.dim } else { 0 });
                let sums = cut(&mut rest_sums, stretch.runs.len() * sizes.total());
                let values = match known {
                    Some(_) => &mut [],
                    None => cut(&mut rest_values, stretch.len()),
                };
                (stretch, values, grad_x, sums)
            })
            .collect();
        run(work.total(), tasks, |(stretch, values, grad_x, sums)| {
            let call = Call {
                width,
                shape,
                sizes,
                factors: &factors,
                x: x.values,
                log_density: known,
                upstream,
                wants_x: wanted.x,
            };
            call.stretch(stretch, values, grad_x, sums);
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
    pub fn new<T: Copy>(shape: &Shape, mixture: &Mixture<'_, T>, wanted: Wanted) -> Self {
        let (k, dim) = (shape.components, shape.dim);
        let squares = match mixture.scale {
            Scale::Tril(_) => dim * dim,
            Scale::Diagonal(_) | Scale::Isotropic(_) => dim,
            Scale::LowRank { rank, .. } => dim * (1 + rank),
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
    log_density: Option<&'a [T]>,
    upstream: &'a [T],
    wants_x: bool,
}

impl<T: Real> Call<'_, T> {
    fn stretch(
        &self,
        stretch: &Stretch,
        mut values: &mut [T],
        mut grad_x: &mut [T],
        mut sums: &mut [T],
    ) {
        let (samples, dim) = (&stretch.samples, self.shape.dim);
        sums.fill(T::ZERO);
        for run in stretch.runs.clone() {
            let x = of_run(self.x, run, self.shape.samples * dim);
            let x = &x[samples.start * dim..samples.end * dim];
            let here = run * self.shape.samples + samples.start..;
            let upstream = &self.upstream[here.clone()][..samples.len()];
            let shared = self.shape.x_runs == 1;
            let to_x = if shared {
                &mut *grad_x
            } else {
                cut(&mut grad_x, if self.wants_x { x.len() } else { 0 })
            };
            let grad_x = self.wants_x.then_some(GradX {
                values: to_x,
                add: run > stretch.runs.start,
            });
            let sums = Sums {
                weights: cut(&mut sums, self.sizes.weights),
                means: cut(&mut sums, self.sizes.means),
                squares: cut(&mut sums, self.sizes.squares),
                whitened: self.sizes.whitened,
            };
            let components = &self.factors.run(run);
            match self.log_density {
                Some(values) => {
                    let here = Samples {
                        x,
                        log_density: &values[here][..samples.len()],
                        upstream,
                    };
                    backward(self.width, components, here, grad_x, sums);
                }
                None => {
                    let values = cut(&mut values, samples.len());
                    both(self.width, components, [x, upstream], values, grad_x, sums);
                }
            }
        }
    }
}

/// Forward and backward, block by block, on the calling thread.
fn both<T: Real>(
    width: Width,
    components: &Components<'_, T>,
    [x, upstream]: [&[T]; 2],
    values: &mut [T],
    mut grad_x: Option<GradX<'_, T>>,
    mut sums: Sums<'_, T>,
) {
    let (k, dim) = (components.constants.len(), components.dim);
    let block = block_len::<T>(k, dim).min(values.len().max(1));
    let packed = packed_len(dim, block);
    let len = Retained::<T>::len(k, dim, block) + 2 * padded::<T>(packed);
    with_scratch(len, |mut scratch| {
        let [mut samples, mut gradient] = [(); 2].map(|()| Packed {
            dim,
            count: 0,
            values: take(&mut scratch, packed),
        });
        let mut retained = Retained::take(&mut scratch, k, dim, block);
        for (n, (values, upstream)) in values
            .chunks_mut(block)
            .zip(upstream.chunks(block))
            .enumerate()
        {
            let here = n * block * dim..(n * block + values.len()) * dim;
            samples.fill(width, &x[here.clone()]);
            retained.forward(width, components, &samples, values);
            let at = At {
                x: &samples,
                log_density: values,
                upstream,
            };
            gradient.clear(values.len());
            let to = grad_x.is_some().then_some(&mut gradient);
            retained.backward(width, components, at, to, sums.reborrow());
            if let Some(grad_x) = &mut grad_x {
                gradient.write(width, &mut grad_x.values[here], grad_x.add);
            }
        }
    });
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
                Scale::LowRank { .. } => {
                    low_rank::add_gradient(components, k, weight, squares, gradients);
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
