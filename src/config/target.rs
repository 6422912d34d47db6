//! `[target]` of a config: the density p.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::key::KeyPath;
use super::source::Source;
use super::{
    CommandConfig, FormulaConfig, FunctionConfig, GridConfig, HistogramConfig, KdeConfig,
    MixtureConfig, SamplesConfig,
};
use crate::density::target::{StudentT, TargetModel, network};
use crate::error::ConfigError;
use crate::files::read;
use crate::given;
use crate::import::{read_feature_names, read_mixture};
use crate::mixture::Mixture;
use crate::text::count;

/// The density p.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a section")]
pub struct TargetConfig {
    /// Degrees of freedom of Student-t components.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dof: Option<f64>,
    /// What the D coordinates are called: x1, x2, … by default, or as a file or equations call them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<Vec<String>>,
    /// What kind of target.
    #[serde(rename = "type")]
    pub kind: TargetKind,
}

/// The kinds of target a config may name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", expecting = "a section")]
pub enum TargetKind {
    /// A mixture of Gaussians.
    Mixture(MixtureConfig),
    /// A mixture of Student-t distributions, on the scales of a mixture of Gaussians.
    StudentT(MixtureConfig),
    /// A network of linear equations with Gaussian noise.
    LinearGaussian(NetworkConfig),
    /// The rows of a file.
    Samples(SamplesConfig),
    /// A mixture from a file.
    Saved(SavedConfig),
    /// A density by its formula.
    Formula(FormulaConfig),
    /// A density by a program.
    Command(CommandConfig),
    /// A density by a function of the program that klfit is part of.
    Function(FunctionConfig),
    /// Kernels on the rows of a file.
    Kde(KdeConfig),
    /// Counts of bins.
    Histogram(HistogramConfig),
    /// Values on a grid.
    Grid(GridConfig),
}

/// A linear-Gaussian network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkConfig {
    /// One equation for each variable, such as `x3 = 2 + 0.8 x1 - 0.2 x2`.
    pub equations: Vec<String>,
    /// The standard deviation of the noise of each equation, or one for all.
    pub stds: Vec<f64>,
}

/// A mixture that was saved elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedConfig {
    /// A `.json` or `.npz` file of scikit-learn, or the folder of a run; a path that is not absolute
    /// starts at the config.
    pub file: PathBuf,
    /// Which fit of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fit: Option<String>,
}

impl SavedConfig {
    /// The mixture in the file, for the section at `at`.
    pub(super) fn resolve(&self, at: &KeyPath, source: &Source) -> Result<Mixture, ConfigError> {
        read_mixture(&source.resolve_path(&self.file), self.fit.as_deref())
            .map_err(|error| source.in_file(error, &at.name("file")))
    }
}

/// Whether a `file` stands for a table that is no file.
fn is_named_table(file: &toml::Value) -> bool {
    let file = Path::new(file.as_str().unwrap_or_default());
    read::is_standard_input(file) || given::is_table(file)
}

/// The extensions of tables.
const TABLES: [&str; 5] = ["csv", "npy", "parquet", "arrow", "feather"];

impl TargetConfig {
    /// The `type` of a section that names none.
    pub(super) fn default_type(section: &toml::Table) -> &'static str {
        let extension = section.get("file").map(|file| {
            let file = Path::new(file.as_str().unwrap_or_default());
            file.extension().unwrap_or_default().to_ascii_lowercase()
        });
        match extension {
            Some(_) if section.contains_key("bandwidth") => "kde",
            _ if ["from", "values"]
                .iter()
                .any(|key| section.contains_key(*key)) =>
            {
                "grid"
            }
            Some(extension) if TABLES.iter().any(|table| extension == *table) => "samples",
            Some(_) if section.get("file").is_some_and(is_named_table) => "samples",
            Some(_) => "saved",
            None if ["edges", "counts"]
                .iter()
                .any(|key| section.contains_key(*key)) =>
            {
                "histogram"
            }
            None if section.contains_key("log_density") => "formula",
            None if section.contains_key("command") => "command",
            None if section.contains_key("function") => "function",
            None if section.contains_key("equations") => "linear-gaussian",
            None if section.contains_key("dof") => "student-t",
            None => "mixture",
        }
    }

    /// The target it describes, standing at `at`; a saved mixture is replaced by what the file holds, and so
    /// are kernels on its rows.
    /// What may not be meant goes to `notes`.
    pub(super) fn resolve(
        &mut self,
        at: &KeyPath,
        source: &Source,
        notes: &mut Vec<String>,
    ) -> Result<TargetModel, ConfigError> {
        if let (Some(dof), false) = (self.dof, matches!(self.kind, TargetKind::StudentT(_))) {
            let help = "remove it, or set type = \"student-t\"";
            let message = format!("is {dof}, and only Student-t targets have degrees of freedom");
            return Err(source.error(&at.name("dof"), message, help));
        }
        let target: TargetModel = match &mut self.kind {
            TargetKind::Mixture(mixture) => mixture.resolve(at, source)?.into(),
            TargetKind::StudentT(scales) => {
                let scales = scales.resolve(at, source)?;
                let help = "give the degrees of freedom, as in dof = 3; 1 is Cauchy's density, and \
                            30 is nearly a Gaussian";
                let Some(dof) = self.dof else {
                    return Err(source.error(&at.name("dof"), "is missing", help));
                };
                let target = StudentT::new(scales, dof).ok_or_else(|| {
                    let message = format!("is {dof}; it must be positive and finite");
                    source.error(&at.name("dof"), message, help)
                })?;
                target.into()
            }
            TargetKind::LinearGaussian(network) => {
                let joint =
                    network::joint(&network.equations, &network.stds).map_err(|refusal| {
                        let part = at.name(refusal.key);
                        let key = match refusal.entry {
                            // One standard deviation may stand for all.
                            Some(_) if refusal.key == "stds" && network.stds.len() == 1 => {
                                part.index(0)
                            }
                            Some((_, equation)) => part.index(equation),
                            None => part,
                        };
                        source.error(&key, format!(": {}", refusal.message), refusal.help)
                    })?;
                self.names.get_or_insert(joint.names);
                joint.mixture.into()
            }
            TargetKind::Samples(samples) => samples.resolve(at, source, notes)?.into(),
            TargetKind::Command(command) => command.resolve(at, source, notes)?.into(),
            TargetKind::Function(function) => function.resolve(at, source, notes)?.into(),
            TargetKind::Formula(formula) => formula.resolve(at, source, notes)?.into(),
            TargetKind::Grid(grid) => grid.resolve(&mut self.names, at, source, notes)?.into(),
            TargetKind::Histogram(histogram) => histogram.resolve(at, source)?.into(),
            TargetKind::Saved(saved) => {
                let mixture = saved.resolve(at, source)?;
                if self.names.is_none() {
                    self.names = read_feature_names(&source.resolve_path(&saved.file));
                }
                self.kind = TargetKind::Mixture((&mixture).into());
                mixture.into()
            }
            TargetKind::Kde(kernels) => {
                // As it will be read again: many equal weights may sum to 1 but for rounding.
                let (kernels, names) = kernels.resolve(at, source, notes)?;
                self.names.get_or_insert(names);
                let written = MixtureConfig::from(&kernels);
                let mixture = written.resolve(at, source)?;
                self.kind = TargetKind::Mixture(written);
                mixture.into()
            }
        };
        self.check_names(&target, at, source)?;
        Ok(target)
    }

    /// Refuses names of other coordinates than those of the target, and for those that are named elsewhere; those that
    /// they have without are left out.
    fn check_names(
        &mut self,
        target: &TargetModel,
        at: &KeyPath,
        source: &Source,
    ) -> Result<(), ConfigError> {
        let Some(names) = &self.names else {
            return Ok(());
        };
        let elsewhere = match &self.kind {
            TargetKind::Samples(_) => "name the columns in the file",
            TargetKind::Formula(_) | TargetKind::Command(_) | TargetKind::Function(_) => {
                "name the coordinates by `variables`"
            }
            TargetKind::Grid(_) => return Ok(()),
            _ if names.len() != target.dim() => {
                let message = format!(
                    "has {}, and the target {}",
                    count(names.len(), "name"),
                    count(target.dim(), "coordinate")
                );
                return Err(source.error(&at.name("names"), message, "give one for each"));
            }
            _ => {
                if *names == target.coordinates() {
                    self.names = None;
                }
                return Ok(());
            }
        };
        Err(source.error(&at.name("names"), "is not for this type", elsewhere))
    }

    /// What the coordinates of the target that it describes are called.
    pub fn coordinates(&self, target: &TargetModel) -> Vec<String> {
        match &self.names {
            // Those of a grid are x, and u is what is looked at.
            Some(names) if target.as_unnormalized().is_none() => names.clone(),
            _ => target.coordinates(),
        }
    }
}
