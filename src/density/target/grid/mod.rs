//! Values of a density on a regular grid, with straight lines between them.

mod integral;
mod read;

use burn::tensor::{Int, Tensor, TensorData};
use nalgebra::DVector;
use rayon::prelude::*;

pub use integral::GridIntegral;
pub use read::read_grid;

use crate::choice::choices;
use crate::coordinates::{Coordinates, Support, Variable};
use crate::error::Refusal;
use crate::text::count;

/// Grids have up to so many dimensions.
pub const MOST_GRID_DIM: usize = 3;
/// More values than this do not go into the config of a run.
const MOST_VALUES: usize = 1_000_000;
/// Modes that are told, and so many nats below the highest.
const MOST_MODES: usize = 24;
const NEGLIGIBLE: f64 = 30.0;
/// Points of one task.
const TASK: usize = 1024;

choices! {
    /// What the values of a grid are.
    #[derive(Default)]
    pub enum GridValues {
        /// Densities, up to a common factor.
        #[default]
        Density = "density",
        /// Their logarithms in nats, up to a number that is added to all.
        LogDensity = "log-density",
    }
}

/// Nodes at even steps from one number to a larger one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GridAxis {
    /// The first.
    pub from: f64,
    /// The last.
    pub to: f64,
    /// How many there are, two or more.
    pub nodes: usize,
}

impl GridAxis {
    /// How far nodes are apart.
    fn step(self) -> f64 {
        (self.to - self.from) / (self.nodes - 1) as f64
    }
}

/// A density that is known at the nodes of a grid in up to three dimensions, and 0 outside.
///
/// Between nodes what is given, the density or its logarithm, is linear along each axis: in more than one dimension
/// multilinear.
#[derive(Debug, Clone, PartialEq)]
pub struct Grid {
    axes: Vec<GridAxis>,
    values: GridValues,
    /// As they were given, the last axis fastest.
    given: Vec<f64>,
    /// In units of the largest: densities divided by it, or logarithms less it.
    scaled: Vec<f64>,
    /// The logarithm of the largest density.
    top: f64,
    coordinates: Coordinates,
    integral: GridIntegral,
}

impl Grid {
    /// Makes one of its axes, one for each of D coordinates with a name, and of its values, the last axis fastest.
    ///
    /// # Errors
    /// If there are more than three axes, one does not rise or has a single node, there is not one value for each
    /// node, one is not a density or the logarithm of one, or all are 0.
    pub fn new(
        axes: Vec<GridAxis>,
        values: GridValues,
        given: Vec<f64>,
        names: Vec<String>,
    ) -> Result<Self, Refusal> {
        let dim = axes.len();
        if !(1..=MOST_GRID_DIM).contains(&dim) {
            return Err(Refusal::new(
                "file",
                format!("has a grid of {dim} dimensions"),
                "give one of 1, 2 or 3",
            ));
        }
        for (axis, GridAxis { from, to, nodes }) in axes.iter().enumerate() {
            let name = &names[axis];
            if *nodes < 2 {
                let help = "give two at least, or leave the axis out";
                return Err(Refusal::new(
                    "shape",
                    format!("has {} along {name}", count(*nodes, "node")),
                    help,
                ));
            }
            if !(from < to && (to - from).is_finite()) {
                let message = format!("is {to} along {name}, and `from` is {from}");
                let help =
                    "give the coordinate of the last node, which is larger than that of the first";
                return Err(Refusal::new("to", message, help));
            }
        }
        let nodes = axes
            .iter()
            .fold(1, |all: usize, axis| all.saturating_mul(axis.nodes));
        if nodes > MOST_VALUES {
            let message = format!("make {nodes} nodes, and {MOST_VALUES} is the most");
            return Err(Refusal::new(
                "shape",
                message,
                "take every second node, or fewer",
            ));
        }
        if given.len() != nodes {
            let message = format!(
                "has {}, and there are {}",
                count(given.len(), "value"),
                count(nodes, "node")
            );
            return Err(Refusal::new(
                "numbers",
                message,
                "give one for each node, the last coordinate fastest",
            ));
        }
        let is_one = |value: f64| match values {
            GridValues::Density => value >= 0.0 && value.is_finite(),
            GridValues::LogDensity => value < f64::INFINITY,
        };
        if let Some(at) = given.iter().position(|value| !is_one(*value)) {
            let help = match values {
                GridValues::Density => {
                    "densities are 0 or more; say values = \"log-density\" if these are logarithms"
                }
                GridValues::LogDensity => {
                    "logarithms of densities are numbers, or -inf where there is none"
                }
            };
            let message = format!("has {} as value {}", given[at], at + 1);
            return Err(Refusal::new("numbers", message, help));
        }
        let most = given.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let (scaled, top): (Vec<f64>, f64) = match values {
            GridValues::Density if most > 0.0 => {
                (given.iter().map(|f| f / most).collect(), most.ln())
            }
            GridValues::LogDensity if most > f64::NEG_INFINITY => {
                (given.iter().map(|log| log - most).collect(), most)
            }
            _ => {
                let message = "has no density anywhere";
                return Err(Refusal::new(
                    "numbers",
                    message,
                    "give values that are not all 0",
                ));
            }
        };
        let variable = |name: String| Variable {
            name,
            len: 1,
            support: Support::Real,
        };
        let mut grid = Self {
            axes,
            values,
            given,
            scaled,
            top,
            coordinates: Coordinates::new(names.into_iter().map(variable).collect()),
            integral: GridIntegral::default(),
        };
        grid.integral = grid.integrated();
        if !grid.integral.log_normalizer.is_finite() {
            let message = "has no integral: its density is 0 but at single nodes";
            return Err(Refusal::new("numbers", message, "give a finer grid"));
        }
        Ok(grid)
    }

    /// Its coordinates.
    pub fn coordinates(&self) -> &Coordinates {
        &self.coordinates
    }

    /// The nodes along each of the D axes.
    pub fn axes(&self) -> &[GridAxis] {
        &self.axes
    }

    /// What its values are.
    pub fn values(&self) -> GridValues {
        self.values
    }

    /// They, as they were given, the last axis fastest.
    pub fn given(&self) -> &[f64] {
        &self.given
    }

    /// The nodes along an axis.
    pub fn nodes(&self, axis: usize) -> impl Iterator<Item = f64> + '_ {
        let GridAxis { from, to, nodes } = self.axes[axis];
        let step = self.axes[axis].step();
        (0..nodes).map(move |at| (from + at as f64 * step).min(to))
    }

    /// What it integrates to.
    pub fn integral(&self) -> &GridIntegral {
        &self.integral
    }

    /// The logarithm of the largest density in nats: [`evaluate`](Self::evaluate) is in units of that.
    pub fn top(&self) -> f64 {
        self.top
    }

    /// The names of coordinates that have none: x, or x1, x2 and x3.
    pub fn numbered(dim: usize) -> Vec<String> {
        match dim {
            1 => vec!["x".to_owned()],
            _ => (1..=dim).map(|i| format!("x{i}")).collect(),
        }
    }

    /// What it is, in a line.
    pub fn text(&self) -> String {
        let names = self.coordinates.names();
        let nodes: Vec<String> = self
            .axes
            .iter()
            .map(|axis| axis.nodes.to_string())
            .collect();
        let reach: Vec<String> = (self.axes.iter().zip(names))
            .map(|(axis, name)| format!("{name} from {} to {}", axis.from, axis.to))
            .collect();
        format!(
            "{} at {} nodes, {}",
            self.values.name(),
            nodes.join(" × "),
            reach.join(", ")
        )
    }

    /// The density at its edge as a share of the largest, where that is most.
    pub fn at_edge(&self) -> f64 {
        let edge = (0..self.scaled.len()).filter(|&node| {
            let mut places = self.places(node).zip(&self.axes);
            places.any(|(at, axis)| at == 0 || at + 1 == axis.nodes)
        });
        edge.map(|node| self.density(node)).fold(0.0, f64::max)
    }

    /// The density at a node in units of the largest.
    fn density(&self, node: usize) -> f64 {
        match self.values {
            GridValues::Density => self.scaled[node],
            GridValues::LogDensity => self.scaled[node].exp(),
        }
    }

    /// How far apart in the list the neighbours along each axis are.
    fn strides(&self) -> [usize; MOST_GRID_DIM] {
        let mut strides = [1; MOST_GRID_DIM];
        for axis in (0..self.axes.len().saturating_sub(1)).rev() {
            strides[axis] = strides[axis + 1] * self.axes[axis + 1].nodes;
        }
        strides
    }

    /// The place of a node on each axis.
    fn places(&self, node: usize) -> impl Iterator<Item = usize> {
        let strides = self.strides();
        let axes = self.axes.iter().enumerate();
        axes.map(move |(axis, of)| node / strides[axis] % of.nodes)
    }

    /// Nodes that are higher than all around them, the highest first; the first 24, where there are more.
    pub fn peaks(&self) -> Vec<DVector<f64>> {
        let strides = self.strides();
        let dim = self.axes.len();
        let is_peak = |node: usize| {
            let places: Vec<usize> = self.places(node).collect();
            (0..3usize.pow(dim as u32)).all(|turn| {
                let (mut other, mut code) = (node as isize, turn);
                for axis in 0..dim {
                    let step = (code % 3) as isize - 1;
                    code /= 3;
                    let to = places[axis] as isize + step;
                    if to < 0 || to >= self.axes[axis].nodes as isize {
                        return true;
                    }
                    other += step * strides[axis] as isize;
                }
                // Of equal ones the first is taken.
                let (own, its) = (self.scaled[node], self.scaled[other as usize]);
                own > its || (own == its && node as isize <= other)
            })
        };
        let mut peaks: Vec<usize> = (0..self.scaled.len())
            .filter(|&node| self.density(node).ln() > -NEGLIGIBLE && is_peak(node))
            .collect();
        peaks.sort_by(|a, b| self.scaled[*b].total_cmp(&self.scaled[*a]));
        peaks.truncate(MOST_MODES + 1);
        let place = |node: usize| {
            let steps = self.places(node).zip(&self.axes);
            DVector::from_iterator(
                dim,
                steps.map(|(at, axis)| axis.from + at as f64 * axis.step()),
            )
        };
        peaks.into_iter().map(place).collect()
    }

    /// Its modes; none where there are too many to tell.
    pub fn modes(&self) -> Option<Vec<DVector<f64>>> {
        Some(self.peaks()).filter(|peaks| peaks.len() <= MOST_MODES)
    }

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
    fn at(&self, x: &[f64], slope: &mut [f64]) -> f64 {
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
