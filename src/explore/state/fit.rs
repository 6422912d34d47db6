//! What is fitted: a divergence by an estimator, under an id that tells it from the others.

use serde::{Deserialize, Serialize};

use super::refused;
use crate::divergence::{DivergenceKind, Side};
use crate::error::Result;
use crate::estimator::quasi_monte_carlo::QuasiMonteCarloConfig;
use crate::estimator::{EstimatorConfig, EstimatorRule, GradientRule};
use crate::fit::Plan;

/// Points on each side of an estimator that draws.
const SAMPLES: std::ops::RangeInclusive<usize> = 2..=4096;
/// The longest id.
const LONGEST_ID: usize = 40;

/// One of the fits that run side by side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::explore) struct FitState {
    /// What tells it from the others, and what its label is in a config.
    pub id: String,
    /// The name of a divergence, as in files: `renyi-0.5`.
    pub divergence: String,
    pub estimator: EstimatorState,
}

/// How its expectations are computed: `[estimator]` of a config, as far as the page goes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::explore) struct EstimatorState {
    /// `quadrature`, `monte-carlo` or `quasi-monte-carlo`.
    #[serde(rename = "type")]
    pub rule: String,
    /// How the gradient is taken; pathwise by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gradient: Option<String>,
    /// Of those that draw: points on each side at each step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<usize>,
}

/// An estimator that the page offers.
#[derive(Debug, Clone, Serialize)]
pub(in crate::explore) struct EstimatorLabel {
    #[serde(rename = "type")]
    pub rule: &'static str,
    pub gradient: &'static str,
    pub title: &'static str,
}

/// What the page offers: a rule, a gradient, and what they are called there.
const OFFERED: [(&str, GradientRule, &str); 5] = [
    ("quadrature", GradientRule::Pathwise, "quadrature"),
    ("monte-carlo", GradientRule::Pathwise, "draws, pathwise"),
    (
        "monte-carlo",
        GradientRule::ScoreFunction,
        "draws, score function",
    ),
    (
        "monte-carlo",
        GradientRule::StickingTheLanding,
        "draws, sticking the landing",
    ),
    (
        "quasi-monte-carlo",
        GradientRule::Pathwise,
        "Sobol points, pathwise",
    ),
];

/// The estimators that go with a divergence.
pub(in crate::explore) fn estimators(divergence: DivergenceKind) -> Vec<EstimatorLabel> {
    let goes = |gradient: GradientRule| match gradient {
        GradientRule::Pathwise => true,
        GradientRule::ScoreFunction => divergence.build().sides().contains(&Side::Family),
        GradientRule::StickingTheLanding => divergence == DivergenceKind::ReverseKl,
    };
    (OFFERED.into_iter())
        .filter(|&(_, gradient, _)| goes(gradient))
        .map(|(rule, gradient, title)| EstimatorLabel {
            rule,
            gradient: gradient.name(),
            title,
        })
        .collect()
}

impl EstimatorState {
    /// Integrals to the last digits.
    pub fn quadrature() -> Self {
        Self {
            rule: "quadrature".to_owned(),
            gradient: None,
            samples: None,
        }
    }

    fn of(estimator: &EstimatorConfig) -> Self {
        let samples = match estimator.rule {
            EstimatorRule::MonteCarlo(config) => Some(config.samples),
            EstimatorRule::QuasiMonteCarlo(QuasiMonteCarloConfig { samples }) => Some(samples),
            _ => return Self::quadrature(),
        };
        Self {
            rule: estimator.rule.name().to_owned(),
            gradient: Some(estimator.gradient.name().to_owned()),
            samples: samples.map(|samples| samples.clamp(*SAMPLES.start(), *SAMPLES.end())),
        }
    }

    fn check(&self) -> Result<()> {
        let Some(rule) = OFFERED
            .iter()
            .map(|one| one.0)
            .find(|one| *one == self.rule)
        else {
            return Err(refused(
                format!("there is no estimator \"{}\"", self.rule),
                "choose quadrature, monte-carlo or quasi-monte-carlo",
            ));
        };
        if let Some(gradient) = &self.gradient
            && GradientRule::from_name(gradient).is_none()
        {
            return Err(refused(
                format!("there is no gradient \"{gradient}\""),
                "choose pathwise, score-function or sticking-the-landing",
            ));
        }
        match self.samples {
            Some(samples) if !SAMPLES.contains(&samples) => Err(refused(
                format!("{samples} draws are asked for at each step"),
                format!("give from {} to {}", SAMPLES.start(), SAMPLES.end()),
            )),
            Some(_) if rule == "quadrature" => Err(refused(
                "quadrature draws no samples",
                "choose monte-carlo, or leave the samples out",
            )),
            _ => Ok(()),
        }
    }

    /// As a config says it; nothing where it is what a config takes by default.
    pub fn in_config(&self) -> Option<String> {
        let pathwise = GradientRule::Pathwise.name();
        let gradient = self.gradient.as_deref().filter(|&name| name != pathwise);
        if self.rule == "quadrature" && gradient.is_none() {
            return None;
        }
        let mut text = format!("{{ type = \"{}\"", self.rule);
        if let Some(samples) = self.samples {
            text += &format!(", samples = {samples}");
        }
        if let Some(gradient) = gradient {
            text += &format!(", gradient = \"{gradient}\"");
        }
        Some(text + " }")
    }
}

impl FitState {
    /// Of a divergence by quadrature, under its name.
    pub fn exact(kind: DivergenceKind) -> Self {
        Self {
            id: kind.name(),
            divergence: kind.name(),
            estimator: EstimatorState::quadrature(),
        }
    }

    /// What a plan of a config does, under an id that none of the others has.
    pub fn of(plan: &Plan, others: &[Self]) -> Self {
        let divergence = plan.divergence.name();
        let is_free = |id: &String| others.iter().all(|other| other.id != *id);
        let numbered = (2..).map(|n| format!("{divergence}-n{n}"));
        let mut ids = std::iter::once(divergence.clone()).chain(numbered);
        Self {
            id: ids.find(is_free).unwrap_or_else(|| divergence.clone()),
            divergence,
            estimator: EstimatorState::of(&plan.estimator),
        }
    }

    /// Whether it does the same as another.
    pub fn is_like(&self, other: &Self) -> bool {
        self.divergence == other.divergence && self.estimator == other.estimator
    }

    /// What is minimised.
    ///
    /// # Errors
    /// If there is no such divergence.
    pub fn kind(&self) -> Result<DivergenceKind> {
        DivergenceKind::from_name(&self.divergence)
            .filter(|kind| kind.is_for_configs())
            .ok_or_else(|| {
                refused(
                    format!("there is no divergence \"{}\"", self.divergence),
                    "choose another",
                )
            })
    }

    pub fn check(&self) -> Result<()> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        if !(1..=LONGEST_ID).contains(&self.id.len()) || !self.id.chars().all(is_plain) {
            return Err(refused(
                format!("a fit is called {:?}", self.id),
                "call it by letters, digits and hyphens",
            ));
        }
        self.kind()?;
        self.estimator.check()
    }
}
