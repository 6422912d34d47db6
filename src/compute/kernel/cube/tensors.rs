//! The log-density of tensors on a device, with its gradients.

use burn::tensor::{DType, Shape};
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::buffers::Number;
use super::gradients::{self, PartStridesLaunch, PointSizesLaunch};
use super::mixture::Layout;
use super::spec::{Source, Spec};
use super::sums::{self, SIDE_BY_SIDE, STARTS};
use crate::compute::MOST_ENTRIES;

use super::{LEAST_UNITS, MANY_CUBES, MANY_UNITS, MOST_CUBES, MOST_UNITS};

/// x `[R, S, D]`, log w `[R, K]`, μ `[R, K, D]`, and L `[R, K, D, D]` or its diagonal `[R, K, D]`; each may have R = 1.
pub type Parts = [CubeTensor; 4];

/// Units of kernels that have but a few to each number.
const FLAT: u32 = 64;

/// Whether there is code for some sizes: a cube has to hold a component for each of its units.
pub fn has_log_density(x: [usize; 3], log_weights: [usize; 2]) -> bool {
    let ([x_runs, samples, dim], [runs, components]) = (x, log_weights);
    // What every device has for a cube to share.
    const SHARED: usize = 16 << 10;
    let needed = (dim + 3) * LEAST_UNITS * size_of::<f64>();
    let runs = x_runs.max(runs);
    let sums = components * (1 + dim + dim * dim);
    let fits = runs * sums <= MOST_ENTRIES && sums.div_ceil(SIDE_BY_SIDE as usize) <= MOST_CUBES;
    needed <= SHARED && runs <= MOST_CUBES && fits && samples > 0 && components > 0
}

/// log q(x), `[R, S]`.
pub fn log_density(parts: &Parts) -> CubeTensor {
    match parts[0].dtype {
        DType::F64 => Call::<f64>::new(parts).log_density(),
        _ => Call::<f32>::new(parts).log_density(),
    }
}

/// The gradients of Σ upstream · log q(x), in the order of the parts, each with a run axis of R; that of x where it is
/// wanted.
pub fn log_density_gradients(
    parts: &Parts,
    value: &CubeTensor,
    upstream: CubeTensor,
    wants_x: bool,
) -> (Option<CubeTensor>, [CubeTensor; 3]) {
    match parts[0].dtype {
        DType::F64 => Call::<f64>::new(parts).gradients(value, upstream, wants_x),
        _ => Call::<f32>::new(parts).gradients(value, upstream, wants_x),
    }
}

/// One call, with the mixtures laid out.
struct Call<T> {
    /// Contiguous.
    x: CubeTensor,
    /// `[R or 1, K, stride]`.
    q: CubeTensor,
    q_runs: usize,
    layout: Layout,
    /// How many dimensions the tensor of scales has.
    scale_rank: usize,
    runs: usize,
    samples: usize,
    precision: std::marker::PhantomData<T>,
}

impl<T: Number> Call<T> {
    fn new(parts: &Parts) -> Self {
        let [x, log_weights, means, scale] = parts.clone().map(into_contiguous);
        let runs_of = |part: &CubeTensor| part.meta.shape()[0];
        let [x_runs, weight_runs, mean_runs, scale_runs] =
            [&x, &log_weights, &means, &scale].map(runs_of);
        let [_, samples, dim] = x.meta.shape().dims();
        let [_, components] = log_weights.meta.shape().dims();
        let scale_rank = scale.meta.shape().num_dims();
        let layout = Layout {
            components,
            dim,
            // In one dimension every scale is diagonal.
            is_full: scale_rank == 4 && dim > 1,
        };
        let q_runs = weight_runs.max(mean_runs).max(scale_runs);
        let per_component = scale.meta.num_elements() / (scale_runs * components);
        let q = room::<T>(&x, [q_runs, components, layout.stride()]);
        let stride = |runs: usize, len: usize| if runs == 1 { 0 } else { len };
        gradients::prepare::launch::<T>(
            &x.client,
            flat(q_runs * components),
            CubeDim::new_1d(FLAT),
            log_weights.into_buffer_arg(),
            means.into_buffer_arg(),
            scale.into_buffer_arg(),
            q.clone().into_buffer_arg(),
            q_runs,
            PartStridesLaunch::new(
                stride(weight_runs, components),
                stride(mean_runs, components * dim),
                stride(scale_runs, components * per_component),
            ),
            layout,
        );
        Self {
            x,
            q,
            q_runs,
            layout,
            scale_rank,
            runs: x_runs.max(q_runs),
            samples,
            precision: std::marker::PhantomData,
        }
    }

    /// The units of a cube for so many numbers that each shares.
    fn units(&self, shared: usize) -> usize {
        let most = self.x.client.properties().hardware.max_shared_memory_size;
        let mut units = MOST_UNITS;
        while units > LEAST_UNITS && units * shared * size_of::<T>() > most {
            units /= 2;
        }
        units
    }

    /// The units that share a point.
    fn lanes(&self, units: usize) -> usize {
        let mut lanes = 1;
        while self.runs * self.samples * lanes < MANY_UNITS
            && 2 * lanes <= self.layout.components.min(units)
        {
            lanes *= 2;
        }
        lanes
    }

    /// Pieces of the points, of which each writes so many numbers, and turns in each.
    fn pieces(&self, at_once: usize, each: usize) -> [usize; 2] {
        let cubes = self.samples.div_ceil(at_once);
        let turns = (self.runs * cubes)
            .div_ceil(MANY_CUBES)
            .max(cubes.div_ceil(MOST_CUBES));
        let mut turns = turns.clamp(1, cubes);
        while turns < cubes && self.runs * cubes.div_ceil(turns) * each > MOST_ENTRIES {
            turns *= 2;
        }
        [cubes.div_ceil(turns), turns]
    }

    fn sizes(&self, turns: usize) -> PointSizesLaunch {
        let stride = |runs: usize, len: usize| if runs == 1 { 0 } else { len };
        let [x_runs, samples, dim] = self.x.meta.shape().dims();
        PointSizesLaunch::new(
            samples,
            turns,
            stride(self.q_runs, self.layout.components * self.layout.stride()),
            stride(x_runs, samples * dim),
        )
    }

    fn log_density(self) -> CubeTensor {
        let units = self.units(2);
        let lanes = self.lanes(units);
        let [pieces, turns] = self.pieces(units / lanes, 1);
        let out = room::<T>(&self.x, [self.runs, self.samples]);
        gradients::log_densities::launch::<T>(
            &self.x.client,
            CubeCount::Static(pieces as u32, self.runs as u32, 1),
            CubeDim::new_1d(units as u32),
            self.q.clone().into_buffer_arg(),
            self.x.clone().into_buffer_arg(),
            out.clone().into_buffer_arg(),
            self.sizes(turns),
            self.layout,
            units,
            lanes,
        );
        out
    }

    fn gradients(
        self,
        value: &CubeTensor,
        upstream: CubeTensor,
        wants_x: bool,
    ) -> (Option<CubeTensor>, [CubeTensor; 3]) {
        let (runs, k, dim) = (self.runs, self.layout.components, self.layout.dim);
        let mut spec = Spec {
            q: self.layout,
            p: self.layout,
            source: Source::Upstream,
            under_p: false,
            formula: None,
            through_density: true,
            through_points: wants_x,
            units: MOST_UNITS,
            lanes: 1,
        };
        spec.units = self.units(spec.shared_stride());
        if !spec.is_private() {
            spec.lanes = self.lanes(spec.units);
        }
        let [pieces, turns] = self.pieces(spec.at_once(), spec.len());
        let (client, all) = (&self.x.client, spec.all(1));
        let of_pieces = room::<T>(&self.x, [runs, pieces, spec.len()]);
        let to_x = match wants_x {
            true => room::<T>(&self.x, [runs, self.samples, dim]),
            false => room::<T>(&self.x, [1]),
        };
        gradients::gradients::launch::<T>(
            client,
            CubeCount::Static(pieces as u32, runs as u32, 1),
            CubeDim::new_1d(spec.units as u32),
            self.q.clone().into_buffer_arg(),
            self.x.clone().into_buffer_arg(),
            into_contiguous(upstream).into_buffer_arg(),
            into_contiguous(value.clone()).into_buffer_arg(),
            of_pieces.clone().into_buffer_arg(),
            to_x.clone().into_buffer_arg(),
            self.sizes(turns),
            spec.clone(),
        );
        let summed = room::<T>(&self.x, [runs, all]);
        sums::collect::launch::<T>(
            client,
            CubeCount::Static((all as u32).div_ceil(SIDE_BY_SIDE), runs as u32, 1),
            CubeDim::new_2d(SIDE_BY_SIDE, STARTS),
            of_pieces.into_buffer_arg(),
            summed.clone().into_buffer_arg(),
            1,
            pieces,
            spec.clone(),
        );
        let by_log_weights = room::<T>(&self.x, [runs, k]);
        let by_means = room::<T>(&self.x, [runs, k, dim]);
        let by_scale = match self.scale_rank {
            4 => room::<T>(&self.x, [runs, k, dim, dim]),
            _ => room::<T>(&self.x, [runs, k, dim]),
        };
        gradients::finish::launch::<T>(
            client,
            flat(runs * k * dim),
            CubeDim::new_1d(FLAT),
            self.q.clone().into_buffer_arg(),
            summed.into_buffer_arg(),
            by_log_weights.clone().into_buffer_arg(),
            by_means.clone().into_buffer_arg(),
            by_scale.clone().into_buffer_arg(),
            runs,
            if self.q_runs == 1 {
                0
            } else {
                k * self.layout.stride()
            },
            spec,
        );
        (
            wants_x.then_some(to_x),
            [by_log_weights, by_means, by_scale],
        )
    }
}

/// Cubes that have a unit for each number.
fn flat(numbers: usize) -> CubeCount {
    let cubes = numbers.div_ceil(FLAT as usize) as u32;
    let rows = cubes.div_ceil(MOST_CUBES as u32);
    CubeCount::Static(cubes.div_ceil(rows), rows, 1)
}

/// Room for a tensor beside another.
fn room<T: Number>(beside: &CubeTensor, shape: impl Into<Shape>) -> CubeTensor {
    let shape = shape.into();
    let handle = beside.client.empty(shape.num_elements() * size_of::<T>());
    let (client, device) = (beside.client.clone(), beside.device.clone());
    CubeTensor::new_contiguous(client, device, shape, handle, beside.dtype)
}
