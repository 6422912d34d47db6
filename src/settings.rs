//! What a config says: its sections, and the settings of each choice, by default those that a config
//! leaves out.

pub use crate::config::{
    AxisConfig, Background, Color, Colors, CommandConfig, Config, Connection, DistributedConfig,
    Dpi, EarlierFit, FigureConfig, FigureFormat, FigureName, FiguresConfig, FitConfig, FontChoice,
    FontSize, FormulaConfig, FunctionConfig, GridConfig, HistogramConfig, Holdout, InitConfig,
    InitKind, KdeConfig, KeyPath, LegendPlace, Length, MixtureConfig, NetworkConfig, PaletteName,
    SamplesConfig, SavedConfig, ScaleName, TargetConfig, TargetKind, WIDTHS, Width, read_figures,
};
pub use crate::record::CheckpointConfig;

pub use crate::estimator::NoiseRule;
pub use crate::estimator::gauss_hermite::GaussHermiteConfig;
pub use crate::estimator::monte_carlo::MonteCarloConfig;
pub use crate::estimator::quadrature::QuadratureConfig;
pub use crate::estimator::quasi_monte_carlo::QuasiMonteCarloConfig;
pub use crate::estimator::rows::RowsConfig;
pub use crate::fit::AdaptConfig;
pub use crate::fit::AnnealConfig;
pub use crate::fit::init::StartRule;
pub use crate::fit::init::k_means::KMeans;
pub use crate::fit::init::laplace::Laplace;
pub use crate::fit::init::moments::MomentMatch;
pub use crate::fit::init::pathfinder::Pathfinder;
pub use crate::fit::init::random::Random;
pub use crate::optimizer::adam::AdamConfig;
pub use crate::optimizer::adamw::AdamWConfig;
pub use crate::optimizer::batch_and_match::BatchAndMatchConfig;
pub use crate::optimizer::em::EmConfig;
pub use crate::optimizer::lbfgs::LbfgsConfig;
pub use crate::optimizer::natural_gradient::NaturalGradientConfig;
pub use crate::optimizer::rmsprop::RmsPropConfig;
pub use crate::optimizer::sgd::SgdConfig;
pub use crate::optimizer::vips::VipsConfig;
