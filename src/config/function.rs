//! A target by a function of the program that this library is part of.

use serde::{Deserialize, Serialize};
use toml::Table;

use super::key::KeyPath;
use super::source::Source;
use super::unnormalized::{CoordinatesConfig, located};
use crate::coordinates::Coordinates;
use crate::density::target::Unnormalized;
use crate::error::ConfigError;
use crate::external::External;
use crate::given;

/// A log-density in nats, up to a constant, that a program [gave](crate::give_function).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FunctionConfig {
    /// The name it was given under.
    pub function: String,
    /// D, where the coordinates have no names but x1, x2, ….
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dim: Option<usize>,
    /// The names of the coordinates in their order; `theta[8]` is a list of eight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variables: Option<Vec<String>>,
    /// Where coordinates live, by name: `"real"`, `"positive"`, or `[lower, upper]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub support: Option<Table>,
}

impl FunctionConfig {
    /// The density it describes, standing at `at`.
    pub(super) fn resolve(
        &self,
        at: &KeyPath,
        source: &Source,
        notes: &mut Vec<String>,
    ) -> Result<Unnormalized, ConfigError> {
        let key = at.name("function");
        let function = given::function(&self.function).ok_or_else(|| {
            source.error(
                &key,
                format!("is \"{}\", a function of another program", self.function),
                "begin it from that program again; or give the log-density as `log_density`, a formula, or `command`, a \
                 program",
            )
        })?;
        let given = CoordinatesConfig {
            dim: self.dim,
            variables: self.variables.as_deref(),
            support: self.support.as_ref(),
            constants: None,
        };
        let variables = given.needed(at, "function", source)?;
        let external = External::function(&*self.function, function, Coordinates::new(variables));
        located(external, &key, source, notes)
    }
}
