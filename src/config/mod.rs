//! What a TOML file may say, and the one place that turns it into an [`Experiment`].

mod advice;
mod check;
mod components;
mod distributed;
mod experiment;
mod external;
mod fields;
mod figures;
mod formula;
mod function;
mod grid;
mod histogram;
mod identity;
mod init;
mod kde;
mod key;
mod landscape;
mod mixture;
mod part;
mod resolve;
mod samples;
mod shard;
mod source;
mod space;
mod sweep;
mod target;
mod theme;
mod unnormalized;

pub(crate) use distributed::is_distributed;
pub use distributed::{Connection, DistributedConfig};
pub use experiment::Experiment;
pub use external::CommandConfig;
pub use figures::{
    AxisConfig, Background, Color, Colors, Dpi, FigureConfig, FigureFormat, FigureName,
    FiguresConfig, FontChoice, FontSize, LegendPlace, Length, PaletteName, ScaleName, WIDTHS,
    Width,
};
pub use formula::FormulaConfig;
pub use function::FunctionConfig;
pub use grid::GridConfig;
pub use histogram::HistogramConfig;
pub use init::{EarlierFit, InitConfig, InitKind};
pub use kde::KdeConfig;
pub use key::KeyPath;
pub use landscape::{LandscapeConfig, ParameterRange};
pub use mixture::MixtureConfig;
pub use part::Part;
pub use resolve::read_target;
pub use samples::{Holdout, SamplesConfig};
pub use shard::Shard;
pub use source::Override;
pub(crate) use space::space_note;
pub use sweep::{Sweep, SweepPoint};
pub use target::{NetworkConfig, SavedConfig, TargetConfig, TargetKind};
pub use theme::read_figures;

use fields::fields_of;
use serde::{Deserialize, Serialize};

use crate::compute::device::DeviceConfig;
use crate::density::family::FamilyConfig;
use crate::divergence::DivergenceName;
use crate::estimator::EstimatorConfig;
use crate::fit::stop::StopConfig;
use crate::fit::{AdaptConfig, AnnealConfig, LogConfig};
use crate::optimizer::OptimizerConfig;
use crate::record::CheckpointConfig;

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
    /// How often it can be gone on from.
    #[serde(default)]
    pub checkpoint: CheckpointConfig,
    /// The processes that run it together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distributed: Option<DistributedConfig>,
    /// The landscape that is drawn beside the other figures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub landscape: Option<LandscapeConfig>,
    /// What its figures look like.
    #[serde(default, skip_serializing_if = "FiguresConfig::is_default")]
    pub figures: FiguresConfig,
    /// The density to fit.
    pub target: TargetConfig,
    /// What is fitted to it.
    pub fit: Vec<FitConfig>,
}

/// One `[[fit]]`, with what the shared sections said filled in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a [[fit]] section")]
pub struct FitConfig {
    /// What is minimised.
    pub divergence: DivergenceName,
    /// The order of the divergence, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alpha: Option<f64>,
    /// A name for its files and figures; that of the divergence by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What it is a candidate for: of the fits with one such name, the report says which is enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choice: Option<String>,
    /// R, the number of random starts, run together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restarts: Option<usize>,
    /// The approximation.
    #[serde(default)]
    pub family: FamilyConfig,
    /// Where it starts; at random if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init: Option<InitConfig>,
    /// How expectations are computed.
    pub estimator: EstimatorConfig,
    /// How θ moves.
    pub optimizer: OptimizerConfig,
    /// When a run stops before its steps are used up.
    #[serde(default, skip_serializing_if = "StopConfig::is_never")]
    pub stop: StopConfig,
    /// Whether it sees a power of the target first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anneal: Option<AnnealConfig>,
    /// Whether its components come and go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adapt: Option<AdaptConfig>,
}

/// A section whose keys depend on its `type`.
struct Typed {
    name: &'static str,
    /// The keys that it has beside those of its types.
    keys: fn() -> &'static [&'static str],
    /// The type of one that names none, from its keys or that of estimators of the target.
    default_type: for<'a> fn(&toml::Table, &'a str) -> &'a str,
    /// The keys it is told by, which may be meant where another was chosen.
    telling: &'static [&'static str],
}

const TYPED: [Typed; 4] = [
    Typed {
        name: "target",
        keys: fields_of::<TargetConfig>,
        default_type: |section, _| TargetConfig::default_type(section),
        telling: &["file", "equations", "edges", "counts", "from", "values"],
    },
    Typed {
        name: "init",
        keys: fields_of::<InitConfig>,
        default_type: |section, _| InitConfig::default_type(section),
        telling: &["file", "fit", "mean", "std", "means", "stds", "weights"],
    },
    Typed {
        name: "estimator",
        keys: fields_of::<EstimatorConfig>,
        default_type: |_, of_target| of_target,
        telling: &[],
    },
    Typed {
        name: "optimizer",
        keys: fields_of::<OptimizerConfig>,
        default_type: |_, _| OptimizerConfig::default().rule.name(),
        telling: &[],
    },
];

impl Typed {
    fn of(name: &str) -> Option<&'static Self> {
        TYPED.iter().find(|section| section.name == name)
    }

    /// The keys that every type has.
    fn common(&self) -> impl Iterator<Item = &'static str> {
        (self.keys)().iter().copied().filter(|key| *key != "type")
    }
}

/// The keys of a file itself, but for the shared sections.
fn top_keys() -> Vec<&'static str> {
    [fields_of::<Config>(), &[resolve::SWEEP]].concat()
}

/// The sections that may stand once for all fits, and in a fit to override them.
const SHARED: [&str; 8] = [
    "restarts",
    "family",
    "init",
    "estimator",
    "optimizer",
    "stop",
    "anneal",
    "adapt",
];
