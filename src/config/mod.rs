//! What a TOML file may say, and the one place that turns it into an [`Experiment`].

mod advice;
mod experiment;
mod key;
mod mixture;
mod resolve;
mod source;

pub use experiment::Experiment;
pub use key::KeyPath;
pub use mixture::MixtureConfig;
pub use source::{ConfigError, Location, Override};

use serde::{Deserialize, Serialize};

use crate::device::DeviceConfig;
use crate::divergence::DivergenceKind;
use crate::estimator::EstimatorConfig;
use crate::family::FamilyConfig;
use crate::fit::LogConfig;
use crate::optimizer::OptimizerConfig;

/// Restarts when a config gives neither a number nor a start.
const DEFAULT_RESTARTS: usize = 16;

/// The config that `klfit init` writes.
pub const STARTER: &str = include_str!("starter.toml");

/// A whole config, after the shared sections went into each fit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The experiment's name, which is its folder's too.
    pub name: String,
    /// The seed of all its noise.
    #[serde(default)]
    pub seed: u64,
    /// Where it runs.
    #[serde(default)]
    pub device: DeviceConfig,
    /// What is logged.
    #[serde(default)]
    pub log: LogConfig,
    /// The density to fit.
    pub target: MixtureConfig,
    /// What is fitted to it.
    pub fit: Vec<FitConfig>,
}

/// One `[[fit]]`, with what the shared sections said filled in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a [[fit]] section")]
pub struct FitConfig {
    /// What is minimised.
    pub divergence: DivergenceKind,
    /// A name for its files and figures; that of the divergence by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// R, the number of random starts, run together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restarts: Option<usize>,
    /// The approximation.
    #[serde(default)]
    pub family: FamilyConfig,
    /// An explicit start, instead of random ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init: Option<MixtureConfig>,
    /// How expectations are computed.
    pub estimator: EstimatorConfig,
    /// How θ moves.
    pub optimizer: OptimizerConfig,
}

/// The sections whose other keys depend on their `type`.
const TYPED: [&str; 2] = ["estimator", "optimizer"];

/// The sections that may stand once for all fits, and in a fit to override them.
const SHARED: [&str; 5] = ["restarts", "family", "init", "estimator", "optimizer"];
