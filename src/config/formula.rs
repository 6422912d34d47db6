//! A target by its formula.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use super::key::KeyPath;
use super::source::Source;
use super::unnormalized::{CoordinatesConfig, located, number};
use crate::coordinates::Variable;
use crate::density::target::{TableOptions, Unnormalized, read_samples};
use crate::error::ConfigError;
use crate::formula::Formula;
use crate::text;

/// A log-density in nats, up to a constant, as a formula of its coordinates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormulaConfig {
    /// The formula.
    pub log_density: String,
    /// D, where the coordinates have no names but x1, x2, ….
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dim: Option<usize>,
    /// The names of the coordinates in their order; `theta[8]` is a list of eight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variables: Option<Vec<String>>,
    /// Where coordinates live, by name: `"real"`, `"positive"`, or `[lower, upper]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub support: Option<Table>,
    /// Numbers, or lists of numbers, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub constants: Option<Table>,
    /// A `.csv` file whose columns are lists of numbers by name; a path that is not absolute starts at the
    /// config.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<PathBuf>,
}

/// More numbers than this do not go into the config of a run.
const MOST_DATA: usize = 1_000_000;

impl FormulaConfig {
    /// The density it describes, standing at `at`; the columns of a file take their place among the constants.
    pub(super) fn resolve(
        &mut self,
        at: &KeyPath,
        source: &Source,
        notes: &mut Vec<String>,
    ) -> Result<Unnormalized, ConfigError> {
        self.read_data(at, source, notes)?;
        let constants = self.constants(at, source)?;
        let variables = self.variables(at, source)?;
        let key = at.name("log_density");
        let formula = Formula::new(&self.log_density, variables, constants).map_err(|error| {
            let message = format!(": {}", error.message);
            source.error_within(&key, &self.log_density, error.span, message, error.help)
        })?;
        located(formula, &key, source, notes)
    }

    fn read_data(
        &mut self,
        at: &KeyPath,
        source: &Source,
        notes: &mut Vec<String>,
    ) -> Result<(), ConfigError> {
        let Some(file) = &self.data else {
            return Ok(());
        };
        let path = source.resolve_path(file);
        let read = read_samples(&path, &TableOptions::default())
            .map_err(|error| source.in_file(error, &at.name("data")))?;
        notes.extend(read.notes);
        let samples = read.samples;
        if samples.rows().len() > MOST_DATA {
            let message = format!(
                ": it has {}, and {MOST_DATA} is the most",
                text::count(samples.rows().len(), "number")
            );
            return Err(source.error(&at.name("data"), message, "leave rows or columns out"));
        }
        let mut constants = self.constants.take().unwrap_or_default();
        for (d, name) in samples.names().iter().enumerate() {
            if constants.contains_key(name) {
                let message = format!(": its column {name} is among the constants too");
                let help = "give one of them another name";
                return Err(source.error(&at.name("data"), message, help));
            }
            let column = samples.points().map(|row| Value::Float(row[d])).collect();
            constants.insert(name.clone(), Value::Array(column));
        }
        self.constants = Some(constants);
        self.data = None;
        Ok(())
    }

    fn constants(
        &self,
        at: &KeyPath,
        source: &Source,
    ) -> Result<BTreeMap<String, Vec<f64>>, ConfigError> {
        let at = at.name("constants");
        let mut constants = BTreeMap::new();
        for (name, value) in self.constants.iter().flatten() {
            let wrong = |what: &str| {
                let help = "give a number, as in b = 0.5, or a list of them, as in y = [28, 8, -3]";
                source.error(&at.name(name), what, help)
            };
            if !Formula::is_name(name) {
                return Err(source.error(
                    &at.name(name),
                    "is no name that a formula can have",
                    "begin with a letter, and go on with letters, digits and _",
                ));
            }
            let numbers = match value {
                Value::Array(list) => list.iter().map(number).collect::<Option<Vec<f64>>>(),
                one => number(one).map(|number| vec![number]),
            };
            match numbers {
                Some(numbers) if numbers.is_empty() => return Err(wrong("is an empty list")),
                Some(numbers) if numbers.iter().any(|number| number.is_nan()) => {
                    return Err(wrong("holds what is not a number"));
                }
                Some(numbers) => constants.insert(name.clone(), numbers),
                None => return Err(wrong("is no number and no list of numbers")),
            };
        }
        Ok(constants)
    }

    /// The coordinates: those with names, or as many as `dim` says, or as the formula has.
    fn variables(&self, at: &KeyPath, source: &Source) -> Result<Vec<Variable>, ConfigError> {
        let given = CoordinatesConfig {
            dim: self.dim,
            variables: self.variables.as_deref(),
            support: self.support.as_ref(),
            constants: self.constants.as_ref(),
        };
        given.resolve(at, "log_density", source, || match coordinates_of(&self.log_density) {
            0 => Err(source.error(
                &at.name("log_density"),
                "has no coordinate",
                "call them x, or x1, x2 and so on; or give their names, as in variables = [\"mu\", \"tau\"]",
            )),
            dim => Ok(dim),
        })
    }
}

/// As many coordinates as a formula of x, or of x1, x2 and so on, has.
fn coordinates_of(formula: &str) -> usize {
    let names = Formula::names_in(formula);
    let place = |name: &String| -> Option<usize> {
        match name.strip_prefix('x')? {
            "" => Some(1),
            digits => digits.parse().ok(),
        }
    };
    names.iter().filter_map(place).max().unwrap_or(0)
}

impl Source {
    /// An error at a place within a text that a key holds, told at that place of the file where the file has
    /// the text as it is.
    fn error_within(
        &self,
        key: &KeyPath,
        text: &str,
        span: Range<usize>,
        message: String,
        help: String,
    ) -> ConfigError {
        let mut error = self.error(key, message, help);
        let location = &mut error.location;
        let held = location.span.clone().and_then(|around| {
            let within = location.text.get(around.clone())?.find(text)?;
            Some(around.start + within)
        });
        match held {
            Some(start) if location.from.is_none() => {
                let end = span.end.max(span.start + 1).min(text.len().max(1));
                location.span = Some(start + span.start.min(end - 1)..start + end);
            }
            _ => {
                let place = text
                    .get(..span.start)
                    .map_or(1, |before| before.chars().count() + 1);
                error.message += &format!(" (character {place} of the formula)");
            }
        }
        error
    }
}
