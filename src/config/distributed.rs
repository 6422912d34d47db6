//! Processes that do a run together.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::key::KeyPath;
use super::source::{Override, Source};
use crate::choice::choices;
use crate::density::target::{Samples, TargetModel};
use crate::error::{ConfigError, Result};

/// The section's name.
pub(super) const DISTRIBUTED: &str = "distributed";

choices! {
    /// What starts the processes, and connects them.
    #[derive(Default)]
    pub enum Connection {
        /// An implementation of MPI, whose `mpirun` starts them.
        #[default]
        Mpi = "mpi",
    }
}

/// A run by many processes, its ranks: each has some parts of the rows of the target, and they add up what each finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DistributedConfig {
    /// What connects them.
    #[serde(default)]
    pub by: Connection,
}

/// Whether a config asks for ranks.
///
/// # Errors
/// If it cannot be read.
pub(crate) fn is_distributed(path: &Path, overrides: &[Override]) -> Result<bool> {
    let source = Source::read(path, overrides.to_vec())?;
    let is_set = |one: &Override| one.key.to_string().split('.').next() == Some(DISTRIBUTED);
    Ok(source.table.contains_key(DISTRIBUTED) || overrides.iter().any(is_set))
}

/// Refuses ranks that have nothing to share.
pub(super) fn check(
    source: &Source,
    config: Option<DistributedConfig>,
    target: &TargetModel,
) -> Result<(), ConfigError> {
    let is_in_files = target.as_samples().and_then(Samples::file).is_some();
    if config.is_none() || is_in_files {
        return Ok(());
    }
    Err(source.error(
        &KeyPath::dotted(DISTRIBUTED),
        "is for rows that stay in their files, which the processes share, and the target has none",
        "name rows in parts, as in file = \"rows/part-*.npy\" under [target], or remove the section",
    ))
}
