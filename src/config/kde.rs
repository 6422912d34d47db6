//! A target by kernels on the rows of a file.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use toml::Value;

use super::key::KeyPath;
use super::source::Source;
use crate::density::target::{Bandwidth, MissingRule, TableOptions, kernel_density, read_samples};
use crate::error::ConfigError;
use crate::mixture::Mixture;

/// What is said of a bandwidth that is none.
const BANDWIDTHS: &str = "give \"scott\", \"silverman\", the standard deviation of the kernels, or a list of \
                          one for each coordinate";

/// The rows of a file with a Gaussian on each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KdeConfig {
    /// A `.csv` or `.npy` file; a path that is not absolute starts at the config.
    pub file: PathBuf,
    /// Whether the first line of a `.csv` names the columns; it does if none of its cells is a number
    /// where this is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<bool>,
    /// The names of the columns that are coordinates; all of them where this is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<String>>,
    /// What becomes of rows with a missing value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<MissingRule>,
    /// `"scott"`, `"silverman"`, or the standard deviation of the kernels, one or D of them; `"scott"` where
    /// this is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bandwidth: Option<Value>,
}

impl KdeConfig {
    /// The mixture of the kernels, for the section at `at`, and the names of its coordinates; what may not be meant goes
    /// to `notes`.
    pub(super) fn resolve(
        &self,
        at: &KeyPath,
        source: &Source,
        notes: &mut Vec<String>,
    ) -> Result<(Mixture, Vec<String>), ConfigError> {
        let bandwidth = self.bandwidth(at, source)?;
        let options = TableOptions {
            header: self.header,
            columns: self.columns.clone(),
            missing: self.missing.unwrap_or_default(),
            ..TableOptions::default()
        };
        let read = read_samples(&source.resolve_table(&self.file), &options)
            .map_err(|error| source.in_file(error, &at.name("file")))?;
        notes.extend(read.notes);
        let mixture = kernel_density(&read.samples, &bandwidth).map_err(|refusal| {
            source.error(&at.name(refusal.key), refusal.message, refusal.help)
        })?;
        Ok((mixture, read.samples.names().to_vec()))
    }

    fn bandwidth(&self, at: &KeyPath, source: &Source) -> Result<Bandwidth, ConfigError> {
        let number = |value: &Value| match value {
            Value::Float(number) => Some(*number),
            Value::Integer(number) => Some(*number as f64),
            _ => None,
        };
        let key = at.name("bandwidth");
        let Some(value) = &self.bandwidth else {
            return Ok(Bandwidth::Scott);
        };
        let found = match value {
            Value::String(rule) if rule == "scott" => Some(Bandwidth::Scott),
            Value::String(rule) if rule == "silverman" => Some(Bandwidth::Silverman),
            Value::Array(list) => {
                let stds: Option<Vec<f64>> = list.iter().map(number).collect();
                stds.map(Bandwidth::Stds)
            }
            other => number(other).map(Bandwidth::Std),
        };
        found.ok_or_else(|| source.error(&key, format!("is {value}"), BANDWIDTHS))
    }
}
