//! The density between the nodes of a grid, along straight lines: on the host, and on a device.

use burn::tensor::{Int, Tensor, TensorData};
use rayon::prelude::*;

use super::{Grid, GridValues, MOST_GRID_DIM};

/// Points of one task.
const TASK: usize = 1024;

impl Grid {
    /// The log-density at N points `[N, D]`, less [`top`](Self::top), and its gradient `[N, D]` where that is asked for.
    pub fn evaluate(&self, x: &[f64], values: &mut [f64], gradient: Option<&mut [f64]>) {
        let dim = self.axes.len();
        match gradient {
            None => (x.par_chunks(TASK * dim).zip(values.par_chunks_mut(TASK))).for_each(
                |(x, values)| {
                    let mut slope = [0.0; MOST_GRID_DIM];
                    for (x, value) in x.chunks_exact(dim).zip(values) {
                        *value = self.at(x, &mut slope[..dim]);
                    }
                },
            ),
            Some(gradient) => (x.par_chunks(TASK * dim).zip(values.par_chunks_mut(TASK)))
                .zip(gradient.par_chunks_mut(TASK * dim))
                .for_each(|((x, values), slopes)| {
                    let points = x.chunks_exact(dim).zip(slopes.chunks_exact_mut(dim));
                    for ((x, slope), value) in points.zip(values) {
                        *value = self.at(x, slope);
                    }
                }),
        }
    }

    /// The log-density at one point, and its slopes, 0 where there is none.
    pub(super) fn at(&self, x: &[f64], slope: &mut [f64]) -> f64 {
        slope.fill(0.0);
        let dim = self.axes.len();
        let (strides, mut first, mut within) = (self.strides(), 0, [0.0; MOST_GRID_DIM]);
        for (i, axis) in self.axes.iter().enumerate() {
            if !(axis.from..=axis.to).contains(&x[i]) {
                return f64::NEG_INFINITY;
            }
            let steps = (x[i] - axis.from) / axis.step();
            let cell = (steps as usize).min(axis.nodes - 2);
            first += cell * strides[i];
            within[i] = steps - cell as f64;
        }
        let mut value = 0.0;
        for corner in 0..1usize << dim {
            let is_up = |i: usize| corner >> i & 1 == 1;
            let side = |i: usize| if is_up(i) { within[i] } else { 1.0 - within[i] };
            let node = first
                + (0..dim)
                    .filter(|&i| is_up(i))
                    .map(|i| strides[i])
                    .sum::<usize>();
            let at_node = self.scaled[node];
            // Logarithms next to nothing are nothing.
            if at_node == f64::NEG_INFINITY {
                slope.fill(0.0);
                return f64::NEG_INFINITY;
            }
            value += at_node * (0..dim).map(side).product::<f64>();
            for (i, slope) in slope.iter_mut().enumerate() {
                let others: f64 = (0..dim).filter(|&j| j != i).map(side).product();
                let sign = if is_up(i) { 1.0 } else { -1.0 };
                *slope += sign * at_node * others / self.axes[i].step();
            }
        }
        match self.values {
            GridValues::LogDensity => value,
            GridValues::Density if value > 0.0 => {
                slope.iter_mut().for_each(|slope| *slope /= value);
                value.ln()
            }
            GridValues::Density => {
                slope.fill(0.0);
                f64::NEG_INFINITY
            }
        }
    }

    /// The same at x `[R, S, D]` on a device: the value `[R, S]` and the gradient `[R, S, D]`.
    pub fn evaluate_on_device(&self, x: &Tensor<3>) -> (Tensor<2>, Tensor<3>) {
        let [runs, points, dim] = x.dims();
        let all = runs * points;
        let (device, dtype) = (x.device(), x.dtype());
        // What has no number that is finite on every device has the least.
        let nothing = f64::from(f32::MIN) * 1e-3;
        let scaled: Vec<f64> = self.scaled.iter().map(|value| value.max(nothing)).collect();
        let data = TensorData::new(scaled, [self.scaled.len()]).convert_dtype(dtype);
        let table = Tensor::<1>::from_data(data, (&device, dtype));
        let strides = self.strides();
        let mut first: Option<Tensor<1, Int>> = None;
        let (mut within, mut outside) = (Vec::new(), None);
        for (i, axis) in self.axes.iter().enumerate() {
            let column = x
                .clone()
                .slice([0..runs, 0..points, i..i + 1])
                .reshape([all]);
            let steps = (column - axis.from) / axis.step();
            let out = (steps.clone().lower_elem(0.0))
                .bool_or(steps.clone().greater_elem((axis.nodes - 1) as f64));
            let cell = steps.clone().floor().clamp(0.0, (axis.nodes - 2) as f64);
            let places = cell.clone().int() * strides[i] as i64;
            first = Some(match first {
                Some(first) => first + places,
                None => places,
            });
            within.push(steps - cell);
            outside = Some(match outside {
                Some(others) => out.bool_or(others),
                None => out,
            });
        }
        let none = || Tensor::<1>::zeros([all], (&device, dtype));
        // There is an axis at least.
        let first = first.unwrap_or_else(|| none().int());
        let side = |i: usize, up: bool| match up {
            true => within[i].clone(),
            false => -within[i].clone() + 1.0,
        };
        let product = |parts: Vec<Tensor<1>>| parts.into_iter().reduce(|a, b| a * b);
        let (mut value, mut slopes) = (None::<Tensor<1>>, vec![None::<Tensor<1>>; dim]);
        let add = |sum: &mut Option<Tensor<1>>, part: Tensor<1>| {
            *sum = Some(match sum.take() {
                Some(sum) => sum + part,
                None => part,
            });
        };
        for corner in 0..1usize << dim {
            let is_up = |i: usize| corner >> i & 1 == 1;
            let off: usize = (0..dim).filter(|&i| is_up(i)).map(|i| strides[i]).sum();
            let at_node = table.clone().select(0, first.clone() + off as i64);
            let weight = product((0..dim).map(|i| side(i, is_up(i))).collect());
            if let Some(weight) = weight {
                add(&mut value, at_node.clone() * weight);
            }
            for (i, slope) in slopes.iter_mut().enumerate() {
                let others = product(
                    (0..dim)
                        .filter(|&j| j != i)
                        .map(|j| side(j, is_up(j)))
                        .collect(),
                );
                let sign = if is_up(i) { 1.0 } else { -1.0 };
                let part = at_node.clone().mul_scalar(sign / self.axes[i].step());
                add(slope, others.map_or(part.clone(), |others| part * others));
            }
        }
        let mut value = value.unwrap_or_else(none);
        let mut slopes: Vec<Tensor<1>> = slopes
            .into_iter()
            .map(|slope| slope.unwrap_or_else(none))
            .collect();
        let mut empty = outside;
        let is_nothing = match self.values {
            GridValues::Density => value.clone().lower_equal_elem(0.0),
            GridValues::LogDensity => value.clone().lower_elem(1e-3 * nothing),
        };
        empty = Some(match empty {
            Some(outside) => outside.bool_or(is_nothing),
            None => is_nothing,
        });
        if let Some(empty) = empty {
            value = value.mask_fill(empty.clone(), 1.0);
            if self.values == GridValues::Density {
                slopes = slopes
                    .into_iter()
                    .map(|slope| slope / value.clone())
                    .collect();
                value = value.log();
            }
            value = value.mask_fill(empty.clone(), f64::NEG_INFINITY);
            slopes = slopes
                .into_iter()
                .map(|slope| slope.mask_fill(empty.clone(), 0.0))
                .collect();
        }
        let gradient = Tensor::stack::<2>(slopes, 1).reshape([runs, points, dim]);
        (value.reshape([runs, points]), gradient)
    }
}
