//! `[init]` of a config: where a fit starts.

use serde::{Deserialize, Serialize};

use super::key::KeyPath;
use super::source::Source;
use super::{MixtureConfig, SavedConfig};
use crate::error::ConfigError;
use crate::fit::init::Start;

/// Where a fit starts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a section")]
pub struct InitConfig {
    /// What kind of start.
    #[serde(rename = "type")]
    pub kind: InitKind,
}

/// The kinds of start a config may name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", expecting = "a section")]
pub enum InitKind {
    /// Random members around the target.
    Random(NoSettings),
    /// Members with the target's mean and covariance.
    MomentMatch(NoSettings),
    /// Clusters of draws of the target.
    KMeans(NoSettings),
    /// A given member.
    Given(MixtureConfig),
    /// A mixture from a file.
    Saved(SavedConfig),
}

/// A kind that has no settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoSettings {}

impl InitConfig {
    /// The `type` of a section that names none.
    pub(super) fn default_type(section: &toml::Table) -> &'static str {
        match section {
            section if section.contains_key("file") => "saved",
            section if section.is_empty() => "random",
            _ => "given",
        }
    }

    /// Whether it is one start, so that restarts would all be the same.
    pub(super) fn is_single(&self) -> bool {
        matches!(self.kind, InitKind::Given(_) | InitKind::Saved(_))
    }

    /// The start it describes, standing at `at`; a file is replaced by what it holds.
    pub(super) fn resolve(
        &mut self,
        restarts: usize,
        at: &KeyPath,
        source: &Source,
    ) -> Result<Start, ConfigError> {
        Ok(match &self.kind {
            InitKind::Random(_) => Start::Random { restarts },
            InitKind::MomentMatch(_) => Start::MomentMatch { restarts },
            InitKind::KMeans(_) => Start::KMeans { restarts },
            InitKind::Given(mixture) => Start::Given(Box::new(mixture.resolve(at, source)?)),
            InitKind::Saved(saved) => {
                let mixture = saved.resolve(at, source)?;
                self.kind = InitKind::Given((&mixture).into());
                Start::Given(Box::new(mixture))
            }
        })
    }
}
