//! Expectations on devices that CubeCL makes code for.
//!
//! Mixtures go to the device as they are worked out on the host, and the sums of each run come back, in single
//! precision unless the device computes in double; what remains is done in double here. So a step takes one write, two
//! launches and one read.

mod accumulate;
mod buffers;
mod formula;
mod gradients;
mod mixture;
mod normals;
mod points;
mod spec;
mod sums;
mod tensors;

use std::fmt;

use cubecl::Device;
use cubecl::client::Client;
use cubecl::prelude::*;

use super::cpu::{Components, Function, Request, Sites};
use super::formula::Formula;
use crate::compute::MOST_ENTRIES;
use buffers::{Buffer, DeviceKey, Number};
use mixture::{Layout, NOTHING};
use points::Placed;
use spec::Spec;
use sums::{SIDE_BY_SIDE, STARTS, SizesLaunch};

pub use tensors::{has_log_density, log_density, log_density_gradients};

/// Cubes that keep a device busy: with more than that, each takes more points.
const MANY_CUBES: usize = 4096;

/// The most cubes along an axis, on any device.
const MOST_CUBES: usize = 65_535;

/// Units that keep a device busy: with fewer points than that, several units share one.
const MANY_UNITS: usize = 1 << 17;

/// The units of a cube, if its shared memory is enough for them.
const MOST_UNITS: usize = 64;

/// The fewest.
const LEAST_UNITS: usize = 8;

/// What is more than any value: it is of a density that is nothing.
const INFINITE: f64 = 1e28;

/// A device with its code.
#[derive(Clone)]
pub struct Cube {
    device: Device,
    client: Client,
    is_double: bool,
}

impl fmt::Debug for Cube {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cube")
            .field("device", &self.device)
            .finish_non_exhaustive()
    }
}

impl Cube {
    /// A device in double precision or in single.
    pub fn new(device: &Device, is_double: bool) -> Self {
        Self {
            device: device.clone(),
            client: device.client(),
            is_double,
        }
    }

    /// What copies of numbers are kept under.
    fn key(&self) -> DeviceKey {
        (self.device.clone(), self.is_double)
    }

    /// The sums of a call, [as they are asked for](super::cpu::expectation_elsewhere); `None` where the device fails or
    /// lacks the code: for functions of the host, and for p of low rank. `formula` is f, if it is not affine.
    pub fn sums(
        &self,
        request: &Request<'_>,
        formula: Option<&dyn Fn() -> Formula>,
    ) -> Option<Vec<f64>> {
        match self.is_double {
            true => self.sums_in::<f64>(request, formula),
            false => self.sums_in::<f32>(request, formula),
        }
    }

    fn sums_in<T: Number>(
        &self,
        request: &Request<'_>,
        formula: Option<&dyn Fn() -> Formula>,
    ) -> Option<Vec<f64>> {
        let client = &self.client;
        let (shape, k) = (request.shape, request.shape.components);
        let strata = match request.what.sites {
            Sites::At { .. } => 1,
            // The CPU makes these.
            Sites::Own(_) => return None,
            Sites::Along { .. } => k,
            Sites::Under { p, .. } => p.components().constants.len(),
        };
        if [shape.runs, strata].iter().any(|&n| n > MOST_CUBES) || shape.samples == 0 || k == 0 {
            return None;
        }
        // All parts of q may serve all runs.
        let q_runs = match [shape.log_weight_runs, shape.mean_runs, shape.scale_runs] {
            [1, 1, 1] => 1,
            _ => shape.runs,
        };
        let runs: Vec<Components<'_, f64>> =
            (0..q_runs).map(|run| request.factors.run(run)).collect();
        let layout = layout(runs.first()?)?;
        let q: Vec<f64> = runs.iter().flat_map(|run| packed(run, layout)).collect();
        let placed = Placed::new::<T>(self, request)?;
        let affine = match request.what.function {
            Function::Affine(coefficients) => Some(coefficients),
            Function::Any(_) => None,
        };
        let mut spec = Spec {
            q: layout,
            p: placed.p_layout,
            source: placed.source,
            under_p: matches!(request.what.sites, Sites::Under { .. }),
            formula: match affine {
                Some(_) => None,
                None => Some(formula?()),
            },
            through_density: request.through_density,
            through_points: request.through_points,
            units: MOST_UNITS,
            lanes: 1,
        };
        let most_shared = client.properties().hardware.max_shared_memory_size;
        while spec.shared_len() * size_of::<T>() > most_shared {
            spec.units /= 2;
            if spec.units < LEAST_UNITS {
                return None;
            }
        }
        let points = shape.samples / strata;
        if !spec.is_private() {
            let most = layout.components.max(placed.p_layout.components);
            while shape.runs * shape.samples * spec.lanes < MANY_UNITS
                && 2 * spec.lanes <= most.min(spec.units)
            {
                spec.lanes *= 2;
            }
        }
        let units = spec.units;
        let cubes = points.div_ceil(spec.at_once());
        let turns = (shape.runs * strata * cubes)
            .div_ceil(MANY_CUBES)
            .clamp(1, cubes);
        let mut turns = turns.max(cubes.div_ceil(MOST_CUBES));
        let mut pieces = cubes.div_ceil(turns);
        let of_one = shape.runs * strata * spec.len();
        while turns < cubes && of_one * pieces > MOST_ENTRIES {
            turns *= 2;
            pieces = cubes.div_ceil(turns);
        }
        let all = spec.all(strata);
        let of_all = all.div_ceil(SIDE_BY_SIDE as usize);
        if of_one * pieces > MOST_ENTRIES || of_all > MOST_CUBES {
            return None;
        }
        let of_pieces = Buffer::room::<T>(client, shape.runs * strata * pieces * spec.len());
        let [a, b, c] = affine.unwrap_or_default();
        let scalar = |number: f64| InputScalar::new(number, T::elem_type_native());
        sums::sums::launch::<T>(
            client,
            CubeCount::Static(pieces as u32, strata as u32, shape.runs as u32),
            CubeDim::new_1d(units as u32),
            Buffer::new::<T>(client, &q).arg(),
            placed.p.arg(),
            placed.points.arg(),
            placed.weights.arg(),
            placed.log_p.arg(),
            placed.keys.arg(),
            of_pieces.arg(),
            SizesLaunch::new(
                points,
                turns,
                if q_runs == 1 { 0 } else { k * layout.stride() },
                placed.strides.x_run,
                placed.strides.x_stratum,
                placed.strides.weights_run,
                placed.strides.log_p_run,
                placed.strides.key_run,
                placed.stream as u32,
                (placed.stream >> 32) as u32,
                scalar(a),
                scalar(b),
                scalar(c),
            ),
            spec.clone(),
        );
        let out = Buffer::room::<T>(client, shape.runs * all);
        sums::collect::launch::<T>(
            client,
            CubeCount::Static(of_all as u32, shape.runs as u32, 1),
            CubeDim::new_2d(SIDE_BY_SIDE, STARTS),
            of_pieces.arg(),
            out.arg(),
            strata,
            pieces,
            spec,
        );
        let mut sums = out.read::<T>(client)?;
        for value in sums.iter_mut().step_by(all) {
            // What the device has for infinite.
            if value.abs() > INFINITE {
                *value = value.signum() * f64::INFINITY;
            }
        }
        Some(sums)
    }
}

/// How the components of a mixture are laid out; `None` for those of low rank.
fn layout(components: &Components<'_, f64>) -> Option<Layout> {
    (components.rank == 0).then_some(Layout {
        components: components.constants.len(),
        dim: components.dim,
        is_full: !components.factors.is_empty(),
    })
}

/// The numbers of a mixture as its [layout](Layout) says.
fn packed(components: &Components<'_, f64>, layout: Layout) -> Vec<f64> {
    let (k, dim) = (layout.components, layout.dim);
    let mut numbers = Vec::with_capacity(k * layout.stride());
    for k in 0..k {
        let here = k * dim..(k + 1) * dim;
        let constant = components.constants[k];
        // An absent component may have any scale.
        let is_absent = constant == f64::NEG_INFINITY;
        if is_absent {
            numbers.extend([NOTHING.into(), 0.0]);
            numbers.extend(std::iter::repeat_n(0.0, dim));
            numbers.extend(std::iter::repeat_n(1.0, dim));
            numbers.extend(std::iter::repeat_n(0.0, layout.below()));
            continue;
        }
        let reciprocals = &components.reciprocals[here.clone()];
        let log_normalizer: f64 = reciprocals.iter().map(|one| one.ln()).sum();
        let half_log_tau = 0.5 * std::f64::consts::TAU.ln();
        let weight = (constant - log_normalizer + dim as f64 * half_log_tau).exp();
        numbers.extend([constant, weight]);
        numbers.extend(&components.means[here]);
        numbers.extend(reciprocals);
        if layout.is_full {
            let factors = &components.factors[k * dim * dim..][..dim * dim];
            for (i, row) in factors.chunks_exact(dim).enumerate() {
                numbers.extend(&row[..i]);
            }
        }
    }
    numbers
}

#[cfg(test)]
mod tests;
