//! `[estimator]` of a config: a rule for the points, and what is made of them.

use serde::{Deserialize, Serialize};

use super::{
    Estimator, GaussHermiteConfig, MonteCarlo, MonteCarloConfig, Quadrature, QuadratureConfig,
    QuasiMonteCarlo, QuasiMonteCarloConfig, Rows, RowsConfig,
};

/// How expectations and their gradients are estimated.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a section")]
pub struct EstimatorConfig {
    /// Where the points are.
    #[serde(rename = "type")]
    pub rule: RuleConfig,
    /// How the gradient is taken.
    #[serde(default)]
    pub gradient: GradientRule,
    /// Whether random points are drawn anew at every step; fresh by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<NoiseRule>,
}

/// How the gradient of an expectation under q is estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GradientRule {
    /// Through the points, which move with θ (Kingma and Welling 2014).
    #[default]
    Pathwise,
    /// Through the density at points that stay, with a leave-one-out baseline (Williams 1992; Kool,
    /// van Hoof and Welling 2019).
    ScoreFunction,
    /// As pathwise, without the part of expectation 0: log q takes no part in the gradient but
    /// through its points (Roeder, Wu and Duvenaud 2017). Reverse KL only.
    StickingTheLanding,
}

impl GradientRule {
    /// Every rule there is.
    pub const ALL: [Self; 3] = [
        Self::Pathwise,
        Self::ScoreFunction,
        Self::StickingTheLanding,
    ];

    /// Its name in a config.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pathwise => "pathwise",
            Self::ScoreFunction => "score-function",
            Self::StickingTheLanding => "sticking-the-landing",
        }
    }
}

/// When random points are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoiseRule {
    /// Anew at every step, for every run.
    Fresh,
    /// Once, for all steps and runs: the objective is then a deterministic function (common random
    /// numbers; Giordano, Ingram and Broderick 2024).
    Fixed,
}

/// The rules for points a config may name.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", expecting = "a section")]
pub enum RuleConfig {
    /// The trapezoidal rule on every component; 1-D and 2-D.
    Quadrature(QuadratureConfig),
    /// Gauss–Hermite on every component; up to 4-D.
    GaussHermite(GaussHermiteConfig),
    /// Independent random points; any dimension.
    MonteCarlo(MonteCarloConfig),
    /// Scrambled Sobol points; up to 256-D.
    QuasiMonteCarlo(QuasiMonteCarloConfig),
    /// Every row of a target that is a sample.
    Rows(RowsConfig),
}

impl RuleConfig {
    /// Every rule there is, with its defaults.
    pub fn all() -> [Self; 5] {
        [
            Self::Quadrature(QuadratureConfig::default()),
            Self::GaussHermite(GaussHermiteConfig::default()),
            Self::MonteCarlo(MonteCarloConfig::default()),
            Self::QuasiMonteCarlo(QuasiMonteCarloConfig::default()),
            Self::Rows(RowsConfig::default()),
        ]
    }

    /// Its name in a config.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Quadrature(_) => "quadrature",
            Self::GaussHermite(_) => "gauss-hermite",
            Self::MonteCarlo(_) => "monte-carlo",
            Self::QuasiMonteCarlo(_) => "quasi-monte-carlo",
            Self::Rows(_) => "rows",
        }
    }

    /// Whether its points are random.
    pub fn is_random(&self) -> bool {
        matches!(self, Self::MonteCarlo(_) | Self::QuasiMonteCarlo(_))
    }

    /// Points on one side of a mixture of `strata` components in D dimensions; `rows` of a target
    /// that is a sample.
    pub fn points(&self, strata: usize, dim: usize, rows: usize) -> usize {
        let on_axes = |points: usize| points.saturating_pow(dim as u32).saturating_mul(strata);
        match self {
            Self::Quadrature(config) if config.range.is_some() => config.points(dim),
            Self::Quadrature(config) => on_axes(config.points(dim)),
            Self::GaussHermite(config) => on_axes(config.order(dim)),
            Self::MonteCarlo(config) => config.samples.max(strata),
            Self::QuasiMonteCarlo(config) => {
                let per_stratum = QuasiMonteCarlo::new(config.samples).per_stratum(strata);
                per_stratum.saturating_mul(strata)
            }
            Self::Rows(_) => rows,
        }
    }

    fn build(&self, dim: usize) -> Box<dyn Estimator> {
        match self {
            Self::Quadrature(config) => config.build(dim),
            Self::GaussHermite(config) => config.build(dim),
            Self::MonteCarlo(config) => Box::new(MonteCarlo::new(config.samples)),
            Self::QuasiMonteCarlo(config) => Box::new(QuasiMonteCarlo::new(config.samples)),
            Self::Rows(_) => Box::new(Rows),
        }
    }
}

impl From<RuleConfig> for EstimatorConfig {
    fn from(rule: RuleConfig) -> Self {
        Self {
            rule,
            gradient: GradientRule::default(),
            noise: None,
        }
    }
}

impl EstimatorConfig {
    /// The keys that every type has.
    pub const COMMON: [&'static str; 2] = ["gradient", "noise"];

    /// The `type` taken when a config names none, for a target in D dimensions.
    pub fn default_type(dim: usize) -> &'static str {
        if dim <= Quadrature::MAX_DIM {
            "quadrature"
        } else {
            "monte-carlo"
        }
    }

    /// Writes down the defaults it takes; not those of `points` and `order`, which are refined
    /// where they are left out.
    pub(crate) fn fill(&mut self) {
        if self.rule.is_random() {
            self.noise.get_or_insert(NoiseRule::Fresh);
        }
    }

    /// Whether random points are the same at every step.
    pub fn is_fixed(&self) -> bool {
        self.noise == Some(NoiseRule::Fixed)
    }

    /// Whether the same θ gives the same value at every step.
    pub fn is_deterministic(&self) -> bool {
        self.is_fixed() || !self.rule.is_random()
    }

    /// Makes the rule for D dimensions.
    pub fn build(&self, dim: usize) -> Box<dyn Estimator> {
        self.rule.build(dim)
    }
}
