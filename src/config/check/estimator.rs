//! Estimators: what makes sense for a divergence, a dimension and a target.

use super::{Checked, Fit};
use crate::config::FitConfig;
use crate::divergence::{DivergenceKind, Side};
use crate::estimator::{
    GaussHermite, GaussHermiteConfig, GradientRule, Grid, MonteCarlo, Quadrature, QuadratureConfig,
    QuasiMonteCarlo, RuleConfig,
};

/// How much of the target's mass a fixed grid may miss or make up.
const MISSING_MASS: f64 = 1e-4;

impl Fit<'_> {
    pub(super) fn estimator(&self, fit: &FitConfig, divergence: DivergenceKind) -> Checked {
        self.rule(fit, divergence)?;
        self.gradient(fit, divergence)?;
        let rule = &fit.estimator.rule;
        if fit.estimator.noise.is_some() && !rule.is_random() {
            let message = format!("is given, and {} has none", rule.name());
            let help = "remove it, or use type = \"monte-carlo\" or \"quasi-monte-carlo\"";
            return Err(self.error(&["estimator", "noise"], message, help));
        }
        Ok(())
    }

    fn rule(&self, fit: &FitConfig, divergence: DivergenceKind) -> Checked {
        let dim = self.target.dim();
        let of_type =
            |message: String, help: &str| Err(self.error(&["estimator", "type"], message, help));
        let key = |key: &'static str, message: String, help: String| {
            Err(self.error(&["estimator", key], message, help))
        };
        let rule = &fit.estimator.rule;
        let too_many = |most: usize, help: &str| {
            of_type(
                format!(
                    "is \"{}\", and the target has {dim} dimensions, more than {most}",
                    rule.name()
                ),
                help,
            )
        };
        let is_sample = self.target.as_samples().is_some();
        match rule {
            RuleConfig::Quadrature(_) | RuleConfig::GaussHermite(_) if is_sample => of_type(
                format!(
                    "is \"{}\", and a sample has no density to integrate",
                    rule.name()
                ),
                "remove the section: all rows are averaged; or use type = \"monte-carlo\" for random \
                 batches of rows",
            ),
            RuleConfig::Rows(_) if !is_sample => of_type(
                "is \"rows\", and the target is a density, which has none".to_owned(),
                "use \"quadrature\" in 1 or 2 dimensions, and \"monte-carlo\" above",
            ),
            RuleConfig::Rows(_) => Ok(()),
            RuleConfig::Quadrature(_) if dim > Quadrature::MAX_DIM => too_many(
                Quadrature::MAX_DIM,
                "a grid would have too many points: use type = \"monte-carlo\", or \
                 \"gauss-hermite\" up to 4 dimensions",
            ),
            RuleConfig::GaussHermite(_) if dim > GaussHermite::MAX_DIM => too_many(
                GaussHermite::MAX_DIM,
                "the product of its axes would have too many points: use type = \
                 \"quasi-monte-carlo\" or \"monte-carlo\"",
            ),
            // A point of a low-rank component takes a number for each factor too.
            RuleConfig::QuasiMonteCarlo(_)
                if dim + fit.family.rank.unwrap_or(0) > QuasiMonteCarlo::MAX_DIM =>
            {
                too_many(
                    QuasiMonteCarlo::MAX_DIM - fit.family.rank.unwrap_or(0),
                    "the sequence ends there: use type = \"monte-carlo\"",
                )
            }
            RuleConfig::Quadrature(config) => {
                let points = config.points(dim);
                if points < QuadratureConfig::MIN_POINTS {
                    let help = format!("give at least {}", QuadratureConfig::MIN_POINTS);
                    return key("points", format!("is {points}"), help);
                }
                self.range(config, divergence)
            }
            RuleConfig::GaussHermite(config) => {
                let (order, orders) = (config.order(dim), GaussHermiteConfig::ORDERS);
                if orders.contains(&order) {
                    return Ok(());
                }
                let help = format!("give one from {} to {}", orders.start(), orders.end());
                key("order", format!("is {order}"), help)
            }
            RuleConfig::MonteCarlo(config) if config.samples < MonteCarlo::MIN_PER_STRATUM => {
                let help = "give at least 2; 1024 is the default".to_owned();
                key("samples", format!("is {}", config.samples), help)
            }
            RuleConfig::QuasiMonteCarlo(config)
                if !(8..=QuasiMonteCarlo::MOST).contains(&config.samples) =>
            {
                let help = format!("give one from 8 to {}", QuasiMonteCarlo::MOST);
                key("samples", format!("is {}", config.samples), help)
            }
            RuleConfig::MonteCarlo(_) | RuleConfig::QuasiMonteCarlo(_) => Ok(()),
        }
    }

    fn gradient(&self, fit: &FitConfig, divergence: DivergenceKind) -> Checked {
        let estimator = &fit.estimator;
        let gradient = estimator.gradient;
        let refused = |why: &str, help: &str| {
            let message = format!("is \"{}\", {why}", gradient.name());
            Err(self.error(&["estimator", "gradient"], message, help))
        };
        let own = "use gradient = \"pathwise\", which works with every divergence";
        match gradient {
            GradientRule::Pathwise => Ok(()),
            _ if estimator.is_fixed() => refused(
                "whose left-out part averages to 0 over fresh noise, but not over fixed noise",
                "use gradient = \"pathwise\", or noise = \"fresh\"",
            ),
            GradientRule::StickingTheLanding if divergence != DivergenceKind::ReverseKl => {
                refused("which holds for reverse KL alone", own)
            }
            GradientRule::StickingTheLanding => Ok(()),
            GradientRule::ScoreFunction if !divergence.build().sides().contains(&Side::Family) => {
                refused(
                    &format!("and {} takes no expectation under q", divergence.title()),
                    "remove it: the points of the target do not move, and the gradient is exact",
                )
            }
            GradientRule::ScoreFunction
                if matches!(estimator.rule, RuleConfig::QuasiMonteCarlo(_)) =>
            {
                refused(
                    "whose baseline leaves one point out, and the points of a net depend on each other",
                    "use type = \"monte-carlo\", or gradient = \"pathwise\"",
                )
            }
            GradientRule::ScoreFunction => Ok(()),
        }
    }

    fn range(&self, config: &QuadratureConfig, divergence: DivergenceKind) -> Checked {
        let Some([lower, upper]) = config.range else {
            return Ok(());
        };
        let refused =
            |message: String, help: &str| Err(self.error(&["estimator", "range"], message, help));
        if !(lower < upper && (upper - lower).is_finite()) {
            let help = "give [lower, upper] with lower below upper";
            return refused(format!("is [{lower}, {upper}]"), help);
        }
        if self.target.dim() != 1 {
            let help = "remove it: the points then follow the densities by themselves";
            return refused("is an interval, and the target is not 1-D".to_owned(), help);
        }
        if divergence.build().sides().contains(&Side::Family) {
            return refused(
                format!(
                    "fixes the interval, but {} integrates over q, which gradient descent could \
                     move out of it",
                    divergence.name()
                ),
                "remove it: the points then follow q by themselves",
            );
        }
        if config.points(1).saturating_mul(self.target.components()) > super::MOST_ENTRIES {
            // Its size is refused where that of others is.
            return Ok(());
        }
        // A finer grid than this is no worse.
        let points = config.points(1).min(1 << 20);
        let mass = Grid::new(lower, upper, points).mass(self.target);
        if (mass - 1.0).abs() <= MISSING_MASS {
            return Ok(());
        }
        refused(
            format!("with {points} points gives the target a mass of {mass:.6}, not 1"),
            "widen the interval or add points; or remove it, and the points follow the target",
        )
    }
}
