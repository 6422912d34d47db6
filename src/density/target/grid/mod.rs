//! Values of a density on a regular grid, with straight lines between them.

mod integral;
mod lines;
mod read;

use nalgebra::DVector;

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
}
