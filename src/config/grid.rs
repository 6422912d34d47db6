//! A target by its values on a regular grid.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::key::KeyPath;
use super::source::Source;
use super::unnormalized::located;
use crate::density::target::{Grid, GridAxis, GridValues, Unnormalized, read_grid};
use crate::error::ConfigError;

/// More than this share of the largest density at the edge is told.
const HIGH_EDGE: f64 = 1e-3;

/// Values of a density, up to a factor, on a regular grid in up to three dimensions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GridConfig {
    /// A `.npy` file with an axis for each coordinate, or a `.csv` with a column for each and one for the value; a path
    /// that is not absolute starts at the config.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// The first node of each of the D axes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Vec<f64>>,
    /// The last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Vec<f64>>,
    /// Whether they are densities or logarithms of such.
    #[serde(default)]
    pub values: GridValues,
    /// How many nodes there are along each axis, where the values stand here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<Vec<usize>>,
    /// The values, the last axis fastest, where there is no file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numbers: Option<Vec<f64>>,
}

impl GridConfig {
    /// The density it describes, standing at `at`; the numbers of a file take the place of its name, and its names
    /// that of `names`. What may not be meant goes to `notes`.
    pub(super) fn resolve(
        &mut self,
        names: &mut Option<Vec<String>>,
        at: &KeyPath,
        source: &Source,
        notes: &mut Vec<String>,
    ) -> Result<Unnormalized, ConfigError> {
        let key = at.name(if self.file.is_some() {
            "file"
        } else {
            "numbers"
        });
        let grid = match &self.file {
            Some(file) => self.read(&source.resolve_path(file), names.is_some(), at, source)?,
            None => self.given(names.as_deref(), at, source)?,
        };
        let axes = grid.axes().iter();
        *self = Self {
            file: None,
            from: Some(axes.clone().map(|axis| axis.from).collect()),
            to: Some(axes.clone().map(|axis| axis.to).collect()),
            values: grid.values(),
            shape: Some(axes.map(|axis| axis.nodes).collect()),
            numbers: Some(grid.given().to_vec()),
        };
        *names = Some(grid.coordinates().names());
        let edge = grid.at_edge();
        if edge > HIGH_EDGE {
            notes.push(format!(
                "`{key}`: the grid is cut off where p is still {edge:.1e} of its largest value; outside it is taken for 0"
            ));
        }
        located(grid, &key, source, notes)
    }

    fn read(
        &self,
        path: &std::path::Path,
        is_named: bool,
        at: &KeyPath,
        source: &Source,
    ) -> Result<Grid, ConfigError> {
        for (key, is_given) in [
            ("shape", self.shape.is_some()),
            ("numbers", self.numbers.is_some()),
            ("names", is_named),
        ] {
            if is_given {
                let help = "remove it, or `file`";
                return Err(source.error(&at.name(key), "is given beside a file", help));
            }
        }
        let ends = match (&self.from, &self.to) {
            (Some(from), Some(to)) => Some([from.clone(), to.clone()]),
            (None, None) => None,
            (from, _) => {
                let key = if from.is_some() { "to" } else { "from" };
                let help = "give the first and the last node of each axis, as in from = [-3, 0], to = [3, 10]";
                return Err(source.error(&at.name(key), "is missing", help));
            }
        };
        read_grid(path, self.values, ends).map_err(|error| source.in_file(error, &at.name("file")))
    }

    /// What stands in the config itself.
    fn given(
        &self,
        names: Option<&[String]>,
        at: &KeyPath,
        source: &Source,
    ) -> Result<Grid, ConfigError> {
        let (Some(from), Some(to), Some(shape), Some(numbers)) =
            (&self.from, &self.to, &self.shape, &self.numbers)
        else {
            let help = "give a .npy file with `from` and `to`, or a .csv; or `numbers` with `from`, `to` and `shape`";
            return Err(source.error(&at.name("file"), "is missing", help));
        };
        let dim = shape.len();
        for (key, len) in [("from", from.len()), ("to", to.len())] {
            if len != dim {
                let message = format!("has {len} numbers, and `shape` has {dim}");
                return Err(source.error(&at.name(key), message, "give one for each axis"));
            }
        }
        let names = match names {
            Some(names) if names.len() == dim => names.to_vec(),
            Some(names) => {
                let message = format!("has {} names, and `shape` has {dim} numbers", names.len());
                return Err(source.error(&at.name("names"), message, "give one for each axis"));
            }
            None => Grid::numbered(dim),
        };
        let axes = (0..dim)
            .map(|d| GridAxis {
                from: from[d],
                to: to[d],
                nodes: shape[d],
            })
            .collect();
        Grid::new(axes, self.values, numbers.clone(), names)
            .map_err(|refusal| source.error(&at.name(refusal.key), refusal.message, refusal.help))
    }
}
