//! A target by counts of bins.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use toml::Value;

use super::key::KeyPath;
use super::source::Source;
use super::unnormalized::number;
use crate::density::target::Histogram;
use crate::error::ConfigError;
use crate::import::read_histogram;

/// Counts of bins, on a line or in the plane.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistogramConfig {
    /// The edges of the bins, one more than there are: a list, or one for each of two axes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edges: Option<Value>,
    /// How many there are in each bin: a list; or a list for each bin along the first axis, of those along the second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts: Option<Value>,
    /// A `.csv` or `.npz` file with both; a path that is not absolute starts at the config.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
}

const HELP: &str = "give both for a line as in edges = [0, 1, 2.5, 4, inf], counts = [3, 10, 4, 1]; for the plane as \
                    in edges = [[0, 1, 2, 3], [0, 5, 9, 20]], counts = [[3, 4, 1], [1, 7, 2], [0, 2, 1]]";

impl HistogramConfig {
    /// The histogram it describes, for the section at `at`; the numbers of a file take the place of its name.
    pub(super) fn resolve(
        &mut self,
        at: &KeyPath,
        source: &Source,
    ) -> Result<Histogram, ConfigError> {
        let histogram = match (&self.file, &self.edges, &self.counts) {
            (Some(file), None, None) => read_histogram(&source.resolve_path(file))
                .map_err(|error| source.in_file(error, &at.name("file")))?,
            (None, Some(edges), Some(counts)) => {
                let edges = lists(edges).ok_or_else(|| {
                    source.error(&at.name("edges"), "is no list of numbers", HELP)
                })?;
                let counts = self
                    .numbers(&edges, counts)
                    .map_err(|message| source.error(&at.name("counts"), message, HELP))?;
                Histogram::new(edges, counts).map_err(|refusal| {
                    source.error(&at.name(refusal.key), refusal.message, refusal.help)
                })?
            }
            (Some(_), edges, _) => {
                let key = if edges.is_some() { "edges" } else { "counts" };
                let help = "remove it, or `file`";
                return Err(source.error(&at.name(key), "is given beside a file", help));
            }
            (None, edges, _) => {
                let key = if edges.is_some() { "counts" } else { "edges" };
                return Err(source.error(&at.name(key), "is missing", HELP));
            }
        };
        self.file = None;
        self.write(&histogram);
        Ok(histogram)
    }

    /// The counts, the last axis fastest.
    fn numbers(&self, edges: &[Vec<f64>], counts: &Value) -> Result<Vec<f64>, String> {
        let no_list = || "is no list of numbers".to_owned();
        let rows = lists(counts).ok_or_else(no_list)?;
        let is_flat = !matches!(counts, Value::Array(list) if list.iter().any(Value::is_array));
        match (edges.len(), is_flat) {
            (1, true) => Ok(rows.concat()),
            (1, false) => Err("has lists in it, and there are edges of one axis".to_owned()),
            (_, true) => Err(format!(
                "is one list, and there are edges of {} axes",
                edges.len()
            )),
            (_, false) => {
                let shape = [rows.len(), rows[0].len()];
                let wanted = [0, 1].map(|axis| edges[axis].len().saturating_sub(1));
                if let Some(row) = rows.iter().position(|row| row.len() != wanted[1]) {
                    return Err(format!(
                        "has {} numbers in list {}, and the edges of the second axis make {} bins",
                        rows[row].len(),
                        row + 1,
                        wanted[1]
                    ));
                }
                match shape == wanted {
                    true => Ok(rows.concat()),
                    false => Err(format!(
                        "has {} lists, and the edges of the first axis make {} bins",
                        shape[0], wanted[0]
                    )),
                }
            }
        }
    }

    /// Takes down the numbers, so that the config of a run needs no other file.
    fn write(&mut self, histogram: &Histogram) {
        let list =
            |numbers: &[f64]| Value::Array(numbers.iter().copied().map(Value::Float).collect());
        let (edges, counts) = (histogram.edges(), histogram.counts());
        (self.edges, self.counts) = match edges {
            [edges] => (Some(list(edges)), Some(list(counts))),
            _ => {
                let along = histogram.shape()[edges.len() - 1];
                (
                    Some(Value::Array(
                        edges.iter().map(|edges| list(edges)).collect(),
                    )),
                    Some(Value::Array(counts.chunks(along).map(list).collect())),
                )
            }
        };
    }
}

/// A list of numbers as one list, or a list of such as several; none where there are none.
fn lists(value: &Value) -> Option<Vec<Vec<f64>>> {
    let Value::Array(list) = value else {
        return None;
    };
    let numbers = |value: &Value| match value {
        Value::Array(list) => list.iter().map(number).collect::<Option<Vec<f64>>>(),
        _ => None,
    };
    match list.first()? {
        Value::Array(_) => list.iter().map(numbers).collect(),
        _ => Some(vec![numbers(value)?]),
    }
}
