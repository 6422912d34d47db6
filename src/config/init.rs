//! `[init]` of a config: where a fit starts.

use serde::{Deserialize, Serialize};

use super::key::KeyPath;
use super::source::Source;
use super::{MixtureConfig, SavedConfig};
use crate::error::ConfigError;
use crate::fit::init::{Start, StartRule, starts};

/// Where a fit starts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a section")]
pub struct InitConfig {
    /// What kind of start.
    #[serde(rename = "type")]
    pub kind: InitKind,
}

starts! {
    /// The kinds of start a config may name.
    pub enum InitKind: InitSettings {
        /// A given member.
        Given(MixtureConfig) = "given",
        /// A mixture from a file.
        Saved(SavedConfig) = "saved",
        /// Where an earlier fit ended.
        Fit(EarlierFit) = "fit",
    }
}

/// A fit of the same config that has run before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EarlierFit {
    /// Its label.
    pub fit: String,
}

/// What a config says of a start.
pub(super) trait InitSettings {
    /// The start, described at `at`; that many restarts if it is drawn.
    fn start(&self, restarts: usize, at: &KeyPath, source: &Source) -> Result<Start, ConfigError>;
}

impl<R: Into<StartRule> + Copy> InitSettings for R {
    fn start(&self, restarts: usize, _: &KeyPath, _: &Source) -> Result<Start, ConfigError> {
        Ok(Start::drawn(*self, restarts))
    }
}

impl InitSettings for MixtureConfig {
    fn start(&self, _: usize, at: &KeyPath, source: &Source) -> Result<Start, ConfigError> {
        Ok(Start::Given(Box::new(self.resolve(at, source)?)))
    }
}

impl InitSettings for SavedConfig {
    fn start(&self, _: usize, at: &KeyPath, source: &Source) -> Result<Start, ConfigError> {
        Ok(Start::Given(Box::new(self.resolve(at, source)?)))
    }
}

impl InitSettings for EarlierFit {
    fn start(&self, _: usize, _: &KeyPath, _: &Source) -> Result<Start, ConfigError> {
        Ok(Start::EndOf(self.fit.clone()))
    }
}

impl InitConfig {
    /// The `type` of a section that names none.
    pub(super) fn default_type(section: &toml::Table) -> &'static str {
        match section {
            section if section.contains_key("file") => "saved",
            section if section.contains_key("fit") => "fit",
            section if section.is_empty() => "random",
            _ => "given",
        }
    }

    /// The start it describes, standing at `at`; a file is replaced by what it holds.
    pub(super) fn resolve(
        &mut self,
        restarts: usize,
        at: &KeyPath,
        source: &Source,
    ) -> Result<Start, ConfigError> {
        let start = self.kind.choice().start(restarts, at, source)?;
        if let (InitKind::Saved(_), Start::Given(mixture)) = (&self.kind, &start) {
            self.kind = MixtureConfig::from(&**mixture).into();
        }
        Ok(start)
    }
}
