//! `[estimator]` of a config: a rule for the points, and what is made of them.

use serde::{Deserialize, Serialize};

use super::quadrature::{Quadrature, QuadratureConfig};
use super::{Estimator, EstimatorRule, Problem};
use crate::choice::choices;
use crate::density::target::TargetModel;
use crate::divergence::{DivergenceKind, Side};
use crate::error::Refusal;

/// How expectations and their gradients are estimated.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a section")]
pub struct EstimatorConfig {
    /// Where the points are.
    #[serde(rename = "type")]
    pub rule: EstimatorRule,
    /// How the gradient is taken.
    #[serde(default)]
    pub gradient: GradientRule,
    /// Whether random points are drawn anew at every step; fresh by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<NoiseRule>,
    /// The draws of so many steps before are used again, by importance weights.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub reuse: usize,
}

/// Whether nothing is used again.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "what serde asks for")]
fn is_zero(steps: &usize) -> bool {
    *steps == 0
}

/// More steps than this are taken for a mistake: all their draws are in memory.
const MOST_REUSE: usize = 100;

choices! {
    /// How the gradient of an expectation under q is estimated.
    #[derive(Default)]
    pub enum GradientRule {
        /// Through the points, which move with θ (Kingma and Welling 2014).
        #[default]
        Pathwise = "pathwise",
        /// Through the density at points that stay, with a leave-one-out baseline (Williams 1992; Kool,
        /// van Hoof and Welling 2019).
        ScoreFunction = "score-function",
        /// As pathwise, without the part of expectation 0: log q takes no part in the gradient but
        /// through its points (Roeder, Wu and Duvenaud 2017). Reverse KL only.
        StickingTheLanding = "sticking-the-landing",
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

impl From<EstimatorRule> for EstimatorConfig {
    fn from(rule: EstimatorRule) -> Self {
        Self {
            rule,
            gradient: GradientRule::default(),
            noise: None,
            reuse: 0,
        }
    }
}

impl EstimatorConfig {
    /// The `type` taken when a config names none.
    pub fn default_type(target: &TargetModel) -> &'static str {
        if !target.has_density() {
            "rows"
        } else if target.dim() <= Quadrature::MAX_DIM && QuadratureConfig::fits(target) {
            "quadrature"
        } else {
            "monte-carlo"
        }
    }

    /// Checks that it makes sense for a problem.
    ///
    /// # Errors
    /// With the first setting that makes none.
    pub fn check(&self, problem: &Problem) -> Result<(), Refusal> {
        let is_of_bins = problem.target.as_histogram().is_some();
        if is_of_bins && !matches!(self.rule, EstimatorRule::Rows(_)) {
            let message = format!(
                "is \"{}\", and the target is a histogram, of which every bin is integrated",
                self.rule.name()
            );
            return Err(Refusal::new("type", message, "remove the section"));
        }
        self.rule.choice().check(self.rule.name(), problem)?;
        self.check_gradient(problem.divergence)?;
        self.check_target(problem)?;
        if self.noise.is_some() && !self.rule.is_random() {
            let message = format!("is given, and {} has none", self.rule.name());
            let help = "remove it, or use type = \"monte-carlo\" or \"quasi-monte-carlo\"";
            return Err(Refusal::new("noise", message, help));
        }
        self.check_reuse()
    }

    /// Draws that are used again move with the components, and know the gradient of log p.
    fn check_reuse(&self) -> Result<(), Refusal> {
        let refused = |message: String, help: &str| Err(Refusal::new("reuse", message, help));
        let landing = GradientRule::StickingTheLanding;
        if self.reuse > 0 && self.gradient != landing {
            let message = format!(
                "is {}, which goes with gradient = \"{}\" alone",
                self.reuse,
                landing.name()
            );
            return refused(message, "remove it, or take that gradient, for reverse KL");
        }
        if self.reuse > 0 && !self.rule.is_random() {
            let message = format!("is {}, and {} draws none", self.reuse, self.rule.name());
            let help = "remove it, or use type = \"monte-carlo\" or \"quasi-monte-carlo\"";
            return refused(message, help);
        }
        if self.reuse > MOST_REUSE {
            let message = format!("is {}, more than {MOST_REUSE}", self.reuse);
            return refused(
                message,
                "2 or 3 steps are enough: earlier draws hardly count",
            );
        }
        Ok(())
    }

    /// Points that move with θ are pushed by the gradient of log p.
    fn check_target(&self, problem: &Problem) -> Result<(), Refusal> {
        let moves = problem.divergence.build().sides().contains(&Side::Family)
            && self.gradient != GradientRule::ScoreFunction;
        if !moves || problem.target.has_gradient() {
            return Ok(());
        }
        Err(Refusal::new(
            "gradient",
            format!(
                "is \"{}\", which needs the gradient of log p, and the target gives none",
                self.gradient.name()
            ),
            "let it answer with log p and its gradient, of shape N x (1 + D); or use type = \"monte-carlo\" and \
             gradient = \"score-function\", which needs log p alone",
        ))
    }

    fn check_gradient(&self, divergence: DivergenceKind) -> Result<(), Refusal> {
        let refused = |why: &str, help: &str| {
            let message = format!("is \"{}\", {why}", self.gradient.name());
            Err(Refusal::new("gradient", message, help))
        };
        if self.gradient != GradientRule::Pathwise && self.is_fixed() {
            return refused(
                "whose left-out part averages to 0 over fresh noise, but not over fixed noise",
                "use gradient = \"pathwise\", or noise = \"fresh\"",
            );
        }
        match self.gradient {
            GradientRule::StickingTheLanding if divergence != DivergenceKind::ReverseKl => refused(
                "which holds for reverse KL alone",
                "use gradient = \"pathwise\", which works with every divergence",
            ),
            GradientRule::ScoreFunction if !divergence.build().sides().contains(&Side::Family) => {
                refused(
                    &format!("and {} takes no expectation under q", divergence.title()),
                    "remove it: the points of the target do not move, and the gradient is exact",
                )
            }
            GradientRule::ScoreFunction if self.rule.choice().has_nets() => refused(
                "whose baseline leaves one point out, and the points of a net depend on each other",
                "use type = \"monte-carlo\", or gradient = \"pathwise\"",
            ),
            GradientRule::Pathwise
            | GradientRule::ScoreFunction
            | GradientRule::StickingTheLanding => Ok(()),
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
        self.rule.choice().build(dim)
    }
}
