//! A target by a program.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use toml::Table;

use super::key::KeyPath;
use super::source::Source;
use super::unnormalized::{CoordinatesConfig, located};
use crate::coordinates::Coordinates;
use crate::density::target::Unnormalized;
use crate::error::ConfigError;
use crate::external::{External, Invocation};

/// A log-density in nats, up to a constant, that a program computes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandConfig {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// The folder it is started in; a path that is not absolute starts at the config, and the folder of the config is
    /// meant where this is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<PathBuf>,
    /// D, where the coordinates have no names but x1, x2, ….
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dim: Option<usize>,
    /// The names of the coordinates in their order; `theta[8]` is a list of eight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variables: Option<Vec<String>>,
    /// Where coordinates live, by name: `"real"`, `"positive"`, or `[lower, upper]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub support: Option<Table>,
    /// Seconds it may take for one batch of points.
    #[serde(default = "default_timeout")]
    pub timeout: f64,
}

fn default_timeout() -> f64 {
    60.0
}

impl CommandConfig {
    /// The density it describes, standing at `at`; its folder is told from the root, so that a copy of the config
    /// starts the same program.
    pub(super) fn resolve(
        &mut self,
        at: &KeyPath,
        source: &Source,
        notes: &mut Vec<String>,
    ) -> Result<Unnormalized, ConfigError> {
        let given = CoordinatesConfig {
            dim: self.dim,
            variables: self.variables.as_deref(),
            support: self.support.as_ref(),
            constants: None,
        };
        let variables = given.needed(at, "command", source)?;
        let timeout = Duration::try_from_secs_f64(self.timeout)
            .ok()
            .filter(|timeout| !timeout.is_zero())
            .ok_or_else(|| {
                let message = format!("is {}", self.timeout);
                source.error(
                    &at.name("timeout"),
                    message,
                    "give seconds, as in timeout = 60",
                )
            })?;
        let folder = source.resolve_path(self.folder.as_deref().unwrap_or(".".as_ref()));
        let folder = std::path::absolute(&folder).unwrap_or(folder);
        self.folder = Some(folder.clone());
        let invocation = Invocation {
            command: self.command.clone(),
            folder,
            timeout,
        };
        let key = at.name("command");
        let external = External::program(invocation, Coordinates::new(variables))
            .map_err(|refusal| source.error(&key, refusal.message, refusal.help))?;
        located(external, &key, source, notes)
    }
}
