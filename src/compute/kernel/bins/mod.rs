//! The masses of bins under mixtures of Gaussians, on a line or in the plane, on the run axis.
//!
//! They are computed on the host in 64 bits, whatever the device: a bin far out has a mass that 32 bits do not
//! hold, and there are few bins. Tensors carry them and their gradients, so that θ may be anywhere.

mod interval;
mod plane;

use burn::tensor::{Tensor, TensorData};
use rayon::prelude::*;

use super::{MixtureTensors, log_sum_exp};
use crate::compute::device::Numerics;
pub use interval::Legendre;
use interval::Mass;
use plane::Plane;

/// Slopes of a bin in the plane: by μ and by the entries of L.
const PLANE: usize = 6;
/// Bins have up to so many dimensions.
pub const MOST_BIN_DIM: usize = 2;

/// From one number to a larger one; either may be infinite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The smaller.
    pub lower: f64,
    /// The larger.
    pub upper: f64,
}

/// B bins in one dimension or two.
#[derive(Debug, Clone, PartialEq)]
pub struct Bins {
    /// The sides of bins along each axis.
    axes: Vec<Vec<Interval>>,
    /// For each bin the place of its side on each axis, `[B, D]`.
    sides: Vec<usize>,
}

impl Bins {
    /// Bins that have one of the sides of each axis: `sides` has D places for each bin.
    pub fn new(axes: Vec<Vec<Interval>>, sides: Vec<usize>) -> Self {
        Self { axes, sides }
    }

    /// D.
    pub fn dim(&self) -> usize {
        self.axes.len()
    }

    /// B.
    pub fn count(&self) -> usize {
        self.sides.len() / self.dim().max(1)
    }

    /// log ∫ q over each bin `[R, B]` in nats, with its gradient.
    pub fn log_masses(&self, q: &MixtureTensors) -> Tensor<2> {
        let [runs, k, d] = q.dims();
        let bins = self.count();
        let factors = q.scale.clone().tril().reshape([runs, k, d * d]);
        let theta = Tensor::cat(vec![q.means.clone(), factors], 2);
        let [_, _, parameters] = theta.dims();
        let fixed = theta.clone().detach();
        let plain = fixed.clone().without_autodiff();
        // What the device cannot return has no value, and the failure shows where the loss is read.
        let numbers =
            Numerics::read(plain.clone()).unwrap_or_else(|_| vec![f64::NAN; runs * k * parameters]);
        let found: Vec<[Vec<f64>; 2]> = (numbers.par_chunks_exact(parameters))
            .map(|component| self.of_component(component))
            .collect();
        let [mut logs, mut slopes] = [Vec::new(), Vec::new()];
        for [of_logs, of_slopes] in found {
            logs.extend(of_logs);
            slopes.extend(of_slopes);
        }
        let mut terms = constant(&plain, logs, [runs, k, bins]);
        if theta.is_tracked() {
            // It is 0, and its gradient is the slope.
            let moved = (theta - fixed).unsqueeze_dim::<4>(2);
            let slopes = constant(&plain, slopes, [runs, k, parameters, bins]);
            terms = moved.matmul(slopes).reshape([runs, k, bins]) + terms;
        }
        let terms = terms + q.log_weights.clone().unsqueeze_dim::<3>(2);
        log_sum_exp(terms).reshape([runs, bins])
    }

    /// log m of every bin, B, and its slopes, `[P, B]`, for one component: D numbers for μ and D² for L.
    fn of_component(&self, component: &[f64]) -> [Vec<f64>; 2] {
        let masses = |axis: usize, mean: f64, std: f64| -> Vec<Mass> {
            (self.axes[axis].iter())
                .map(|side| side.mass(mean, std))
                .collect()
        };
        let bins = self.count();
        let mut slopes = vec![0.0; bins * component.len()];
        let mut keep = |bin: usize, of_bin: &[f64]| {
            for (row, slope) in of_bin.iter().enumerate() {
                slopes[row * bins + bin] = *slope;
            }
        };
        let logs = match *component {
            [mean, std] => {
                let masses = masses(0, mean, std);
                let sides = self.sides.iter().enumerate();
                sides
                    .map(|(bin, &side)| {
                        let Mass {
                            log,
                            shift,
                            stretch,
                        } = masses[side];
                        keep(bin, &[-shift / std, -stretch / std]);
                        log
                    })
                    .collect()
            }
            [x, y, wide, _, slant, high] => {
                let gaussian = Plane {
                    mean: [x, y],
                    factor: [wide, slant, high],
                };
                let independent = (slant == 0.0).then(|| [masses(0, x, wide), masses(1, y, high)]);
                let sides = self.sides.chunks_exact(2).enumerate();
                sides
                    .map(|(bin, sides)| {
                        let (log, of_bin) = match &independent {
                            Some([first, second]) => {
                                gaussian.of_sides([first[sides[0]], second[sides[1]]])
                            }
                            None => gaussian
                                .of_rectangle([self.axes[0][sides[0]], self.axes[1][sides[1]]]),
                        };
                        keep(bin, &of_bin);
                        log
                    })
                    .collect()
            }
            // There are no such bins.
            _ => vec![f64::NAN; bins],
        };
        [logs, slopes]
    }
}

/// Numbers as a tensor of the kind of another.
fn constant<const N: usize>(like: &Tensor<3>, numbers: Vec<f64>, shape: [usize; N]) -> Tensor<N> {
    let data = TensorData::new(numbers, shape).convert_dtype(like.dtype());
    Tensor::from_data(data, (&like.device(), like.dtype()))
}
