//! What a config may say beyond the types of its values: numbers that make sense, and choices that
//! go together.

mod rows;

use std::collections::HashSet;

use super::FitConfig;
use super::key::KeyPath;
use super::source::Source;
use super::{DEFAULT_RESTARTS, LandscapeConfig};
use crate::choice::Refusal;
use crate::compute::MOST_ENTRIES;
use crate::compute::device::DeviceConfig;
use crate::density::family::{Covariance, Family};
use crate::density::target::TargetModel;
use crate::divergence::DivergenceKind;
use crate::error::ConfigError;
use crate::estimator::Problem;
use crate::estimator::monte_carlo::MonteCarlo;
use crate::files::names;
use crate::fit::init::random::Random;
use crate::fit::init::{Start, alike};
use crate::fit::{LogConfig, Plan};
use crate::mixture::check_size;
use crate::record::CheckpointConfig;
use crate::text::numbered;

/// What is kept of a run beside its points is no larger than so many of them.
const LEAST_POINTS: usize = 256;
/// Weights that stay sum to 1 up to this.
const WEIGHT_SUM_TOLERANCE: f64 = 1e-6;
/// What klfit itself writes into the folder of a run.
const RESERVED: [&str; 4] = [names::CONFIG, names::SUMMARY, names::FIGURES, names::TARGET];

type Checked<T = ()> = Result<T, ConfigError>;

/// Gives the fits that have no label that of their divergence, with a number where it is taken.
pub(super) fn label(
    source: &Source,
    fits: &[FitConfig],
    plans: &mut [Plan],
) -> Result<(), ConfigError> {
    let mut taken = HashSet::new();
    for (i, fit) in fits.iter().enumerate() {
        let Some(label) = &fit.label else { continue };
        let key = KeyPath::default().name("fit").index(i).name("label");
        name(source, &key, label, "a folder of the run")?;
        if RESERVED.iter().any(|name| label.eq_ignore_ascii_case(name)) {
            let help = "klfit writes something else there: choose another label";
            return Err(source.error(&key, format!("is \"{label}\""), help));
        }
        if !taken.insert(label.to_lowercase()) {
            let help = "give each fit a label of its own";
            return Err(source.error(&key, "is taken by another fit", help));
        }
    }
    for (fit, plan) in fits.iter().zip(plans) {
        if fit.label.is_none() {
            let numbers = (2..).map(|n| format!("{}-{n}", plan.divergence.name()));
            let mut names = std::iter::once(plan.divergence.name()).chain(numbers);
            if let Some(free) = names.find(|name| taken.insert(name.clone())) {
                plan.label = free;
            }
        }
    }
    Ok(())
}

pub(super) fn device(source: &Source, device: &DeviceConfig) -> Result<(), ConfigError> {
    if device.backend.is_compiled_in() {
        return Ok(());
    }
    let name = device.backend.name();
    Err(source.error(
        &KeyPath::dotted("device.backend"),
        format!("is \"{name}\", which was not compiled into this klfit"),
        format!(
            "build it with `cargo build --release --features {name}`, or choose \"flex\", which \
             is always there"
        ),
    ))
}

/// The moments of the target must be numbers, since starts and figures are made from them.
pub(super) fn target(source: &Source, target: &TargetModel) -> Result<(), ConfigError> {
    let variances = target.extent().1.diagonal();
    if variances
        .iter()
        .all(|&v| v.is_normal() && v < f64::MAX.sqrt())
    {
        return Ok(());
    }
    Err(source.error(
        &KeyPath::dotted("target"),
        ": its variances go beyond the range of numbers",
        "choose units in which its means and standard deviations are nearer to 1",
    ))
}

pub(super) fn log(
    source: &Source,
    log: &LogConfig,
    target: &TargetModel,
) -> Result<(), ConfigError> {
    if log.every == Some(0) {
        let help = "log every step with 1, or leave it out for about 100 records";
        return Err(source.error(&KeyPath::dotted("log.every"), "is 0", help));
    }
    let key = KeyPath::dotted("log.samples");
    if log.samples < MonteCarlo::MIN_PER_STRATUM {
        let help = "give at least 2; 4096 is the default";
        return Err(source.error(&key, format!("is {}, too few", log.samples), help));
    }
    let parts = [log.samples, 16, target.components(), target.dim()];
    size(source, &key, "is too large", &parts)
}

pub(super) fn checkpoint(
    source: &Source,
    checkpoint: &CheckpointConfig,
) -> Result<(), ConfigError> {
    let section = KeyPath::dotted("checkpoint");
    if checkpoint.every == Some(0) {
        let help = "give 1 or more steps, or leave it out for one every 30 seconds";
        return Err(source.error(&section.name("every"), "is 0", help));
    }
    match checkpoint.every_seconds {
        Some(seconds) if !(seconds > 0.0 && seconds.is_finite()) => {
            let help = "give a positive number; 30 is the default";
            let message = format!("is {seconds}");
            Err(source.error(&section.name("every_seconds"), message, help))
        }
        _ => Ok(()),
    }
}

pub(super) fn landscape(
    source: &Source,
    landscape: &LandscapeConfig,
    target: &TargetModel,
    plans: &[Plan],
) -> Result<(), ConfigError> {
    let section = KeyPath::dotted("landscape");
    if target.as_samples().is_some() {
        let help = "leave it out: there is a landscape where the target is a density";
        return Err(source.error(&section, "is of rows, which have no density", help));
    }
    if let Some(points) = landscape.points
        && !LandscapeConfig::POINTS.contains(&points)
    {
        let (least, most) = (
            LandscapeConfig::POINTS.start(),
            LandscapeConfig::POINTS.end(),
        );
        let help = format!("give from {least} to {most}; 400 is the default");
        return Err(source.error(&section.name("points"), format!("is {points}"), help));
    }
    for (key, range) in [("across", &landscape.across), ("up", &landscape.up)] {
        let Some(range) = range else { continue };
        for plan in plans {
            let names = plan.family.parameter_names();
            if !names.contains(&range.name) {
                let message = format!(
                    "is \"{}\", and fit \"{}\" has no such parameter",
                    range.name, plan.label
                );
                let help = format!("choose one of {}", names.join(", "));
                return Err(source.error(&section.name(key), message, help));
            }
        }
    }
    match (&landscape.across, &landscape.up) {
        (Some(across), Some(up)) if across.name == up.name => {
            let message = format!("is \"{}\" too", up.name);
            let help = "choose two different parameters";
            Err(source.error(&section.name("up"), message, help))
        }
        _ => Ok(()),
    }
}

/// Refuses what would not fit in memory: a product of counts over [`MOST_ENTRIES`].
fn size(source: &Source, key: &KeyPath, message: &str, parts: &[usize]) -> Result<(), ConfigError> {
    let entries = (parts.iter()).try_fold(1usize, |product, &part| product.checked_mul(part));
    match entries {
        Some(entries) if entries <= MOST_ENTRIES => Ok(()),
        _ => Err(source.error(
            key,
            message,
            "one step must hold restarts × points × components × dimensions numbers at once, and \
             at most 134 million: lower the largest of these",
        )),
    }
}

/// Refuses starts that would not fit in memory together: one that is shared is kept with each fit.
pub(super) fn starts(source: &Source, at: &KeyPath, plans: &[Plan]) -> Result<(), ConfigError> {
    let entries = |plan: &Plan| match &plan.start {
        Start::Given(start) => start.components() * start.dim() * start.dim(),
        Start::Drawn { .. } | Start::Each(_) => 0,
    };
    let message = "has a start that is too large, with those of the fits before it";
    size(source, at, message, &[plans.iter().map(entries).sum()])
}

/// A name that becomes a folder: nothing that could lead out of it.
pub(super) fn name(
    source: &Source,
    at: &KeyPath,
    name: &str,
    whose: &str,
) -> Result<(), ConfigError> {
    let allowed = |c: char| c.is_alphanumeric() || "-_.+ ".contains(c);
    if !name.is_empty()
        && name.len() <= 100
        && name.chars().all(allowed)
        && !name.starts_with(['.', ' '])
        && !name.ends_with(['.', ' '])
    {
        return Ok(());
    }
    Err(source.error(
        at,
        format!("is \"{}\", which cannot name a folder", name.escape_debug()),
        format!("it becomes {whose}: use letters, digits, \"-\", \"_\" and \".\""),
    ))
}

/// One fit of a config, and all it is checked against.
pub(super) struct Fit<'a> {
    pub source: &'a Source,
    /// Where it stands.
    pub at: KeyPath,
    pub target: &'a TargetModel,
    pub seed: u64,
}

impl Fit<'_> {
    /// Checks it, and writes down the defaults it takes.
    pub fn plan(&self, fit: &mut FitConfig, notes: &mut Vec<String>) -> Checked<Plan> {
        let dim = self.target.dim();
        let divergence = self.divergence(fit)?;
        self.family(fit)?;
        self.rows(fit, notes)?;
        let family = Family::new(fit.family.clone(), dim);
        let problem = Problem {
            target: self.target,
            rank: fit.family.rank.unwrap_or(0),
            divergence,
        };
        (fit.estimator.check(&problem)).map_err(|refusal| self.refused("estimator", refusal))?;
        self.optimizer(fit, &family)?;
        self.stop(fit)?;
        let start = self.start(fit, &family, notes)?;
        let components = family.components().max(self.target.components());
        let rows = self.target.as_samples().map_or(0, |samples| samples.len());
        let points = fit.estimator.rule.points(components, dim, rows);
        let parts = [start.runs(), points.max(LEAST_POINTS), components, dim];
        let message = format!(
            "asks for too much at once: {} restarts × {points} points × {components} components × \
             {dim} dimensions",
            parts[0]
        );
        size(self.source, &self.at, &message, &parts)?;
        let covariances = [start.runs(), components, dim, dim];
        size(self.source, &self.at, &message, &covariances)?;
        fit.estimator.fill();
        fit.optimizer.fill();
        fit.stop.fill();
        let first = start.try_first(&family, self.target, self.seed);
        first.map_err(|error| {
            let help = "give a start with [init], or rescale the target";
            self.error(&[], format!("has no start: {error}"), help)
        })?;
        Ok(Plan {
            label: (fit.label.clone()).unwrap_or_else(|| divergence.name()),
            divergence,
            family,
            start,
            estimator: fit.estimator,
            optimizer: fit.optimizer,
            stop: fit.stop,
        })
    }

    /// An error at a key of the fit.
    fn error(
        &self,
        names: &[&str],
        message: impl AsRef<str>,
        help: impl Into<String>,
    ) -> ConfigError {
        let at = (names.iter()).fold(self.at.clone(), |at, name| at.name(name));
        self.source.error(&at, message, help)
    }

    fn refused(&self, section: &str, refusal: Refusal) -> ConfigError {
        self.error(&[section, refusal.key], refusal.message, refusal.help)
    }

    fn divergence(&self, fit: &FitConfig) -> Checked<DivergenceKind> {
        let kind = (fit.divergence.with_order(fit.alpha))
            .map_err(|(message, help)| self.error(&["alpha"], message, help))?;
        if let Some(reason) = kind.infinite_for(self.target.tails()) {
            return Err(self.error(
                &["divergence"],
                format!(
                    "is {}, which is infinite for every q: {reason}",
                    kind.title()
                ),
                "choose one that stays finite, such as reverse-kl, js or squared-hellinger",
            ));
        }
        match (self.target, kind) {
            // Rows have no density: what is left of forward KL is the cross-entropy.
            (TargetModel::Samples(_), DivergenceKind::ForwardKl) => {
                Ok(DivergenceKind::CrossEntropy)
            }
            (TargetModel::Samples(_), kind) => Err(self.error(
                &["divergence"],
                format!(
                    "is {}, which needs the density of the target, and a sample has none",
                    kind.title()
                ),
                "use divergence = \"forward-kl\": only its average over the rows is needed; or fit \
                 a mixture to the rows first and make that the target",
            )),
            _ => Ok(kind),
        }
    }

    fn family(&self, fit: &mut FitConfig) -> Checked {
        let family = &mut fit.family;
        let at = |key: &'static str| ["family", key];
        if family.components == 0 {
            return Err(self.error(&at("components"), "is 0", "a Gaussian has 1 component"));
        }
        check_size(family.components, self.target.dim()).map_err(|error| {
            let message = format!("is {}, too many", family.components);
            self.error(&at("components"), message, error.help)
        })?;
        if !(family.min_std >= 0.0 && family.min_std.is_finite()) {
            let message = format!("is {}", family.min_std);
            let help = "give a standard deviation that no component should fall below, or 0";
            return Err(self.error(&at("min_std"), message, help));
        }
        let narrowest = self.target.extent().1.diagonal().min().sqrt();
        if family.min_std >= narrowest {
            let message = format!(
                "is {}, and the narrowest coordinate of the target has a standard deviation of \
                 {narrowest}",
                family.min_std
            );
            return Err(self.error(&at("min_std"), message, "lower it"));
        }
        match (family.covariance, family.rank) {
            (Covariance::LowRank, rank) => {
                let rank = rank.unwrap_or(1);
                if !(1..=self.target.dim()).contains(&rank) {
                    let message =
                        format!("is {rank}, and there are {} dimensions", self.target.dim());
                    let help = "give a rank from 1 to the number of dimensions";
                    return Err(self.error(&at("rank"), message, help));
                }
                family.rank = Some(rank);
            }
            (other, Some(rank)) => {
                let message = format!("is {rank}, and a {} covariance has none", other.name());
                let help = "remove it, or set covariance = \"low-rank\"";
                return Err(self.error(&at("rank"), message, help));
            }
            (_, None) => {}
        }
        self.weights(fit)
    }

    fn weights(&self, fit: &FitConfig) -> Checked {
        let Some(weights) = &fit.family.weights else {
            return Ok(());
        };
        let at = ["family", "weights"];
        if weights.len() != fit.family.components {
            let message = format!(
                "has {} entries, and there are {} components",
                weights.len(),
                fit.family.components
            );
            return Err(self.error(&at, message, "give one weight for each component"));
        }
        let total: f64 = weights.iter().sum();
        let fine = weights
            .iter()
            .all(|&weight| weight > 0.0 && weight.is_finite())
            && (total - 1.0).abs() <= WEIGHT_SUM_TOLERANCE;
        if fine {
            return Ok(());
        }
        let message = format!("is {weights:?}, which sums to {total}");
        Err(self.error(&at, message, "weights are positive and sum to 1"))
    }

    fn start(
        &self,
        fit: &mut FitConfig,
        family: &Family,
        notes: &mut Vec<String>,
    ) -> Checked<Start> {
        if fit.restarts == Some(0) {
            let help = "1 to try one random start, 64 to look for several optima";
            return Err(self.error(&["restarts"], "is 0", help));
        }
        let restarts = fit.restarts.unwrap_or(DEFAULT_RESTARTS);
        let at = self.at.name("init");
        let start = match &mut fit.init {
            Some(init) => init.resolve(restarts, &at, self.source)?.distinct(family),
            None => Start::drawn(Random {}, restarts),
        };
        let is_single = matches!(start, Start::Given(_));
        if let (true, Some(restarts @ 2..)) = (is_single, fit.restarts) {
            notes.push(format!(
                "{}: [init] gives the start, so restarts = {restarts} is taken as 1",
                self.at
            ));
        }
        fit.restarts = (!is_single).then_some(start.runs());
        if let Start::Given(mixture) = &start {
            family.theta_of(mixture).map_err(|error| {
                self.source.error(
                    &at,
                    format!("is not a member of the family: {error}"),
                    "change [init] or [family] so that they agree",
                )
            })?;
            notes.extend(alike(mixture).into_iter().map(|group| {
                format!(
                    "{at}: components {} start alike, and gradients that are alike part them late or \
                     never; move their means apart, or give fewer components",
                    numbered(&group)
                )
            }));
        }
        Ok(start)
    }

    fn optimizer(&self, fit: &FitConfig, family: &Family) -> Checked {
        let is_deterministic = fit.estimator.is_deterministic();
        (fit.optimizer.check())
            .and_then(|()| fit.optimizer.rule.suits(family, is_deterministic))
            .map_err(|refusal| self.refused("optimizer", refusal))
    }

    fn stop(&self, fit: &mut FitConfig) -> Checked {
        (fit.stop.check(fit.estimator.is_deterministic()))
            .map_err(|refusal| self.refused("stop", refusal))?;
        if fit.stop.is_never() {
            fit.stop.gradient_norm = fit.optimizer.rule.arrival();
        }
        Ok(())
    }
}
