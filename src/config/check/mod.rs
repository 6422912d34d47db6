//! What a config may say beyond the types of its values: numbers that make sense, and choices that
//! go together.

mod dependence;
mod divergence;
mod family;
mod figures;
mod label;
mod landscape;
mod optimizer;
mod start;
mod stop;

pub(super) use figures::figures;
pub(super) use label::{choices, label, name};
pub(super) use landscape::landscape;

use std::path::Path;

use super::FitConfig;
use super::key::KeyPath;
use super::source::Source;
use crate::compute::MOST_ENTRIES;
use crate::compute::device::DeviceConfig;
use crate::density::family::Family;
use crate::density::target::TargetModel;
use crate::divergence::Side;
use crate::error::{ConfigError, Refusal};
use crate::estimator::Problem;
use crate::estimator::monte_carlo::MonteCarlo;
use crate::files::names;
use crate::fit::init::Start;
use crate::fit::{AdaptConfig, LogConfig, Plan};
use crate::record::CheckpointConfig;

/// What is kept of a run besides its points is no larger than this many of them.
const LEAST_POINTS: usize = 256;

type Checked<T = ()> = Result<T, ConfigError>;

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

/// Every run of a fit has a first and a last row.
pub(super) fn most_rows(
    source: &Source,
    log: &LogConfig,
    plans: &[Plan],
) -> Result<(), ConfigError> {
    let most = plans.iter().map(|plan| plan.start.runs()).max();
    let (Some(rows), Some(runs)) = (log.max_rows, most) else {
        return Ok(());
    };
    if rows / 2 >= runs {
        return Ok(());
    }
    let message = format!("is {rows}, and {runs} runs have at least {} rows", 2 * runs);
    let help =
        "the first and the last row of every run are always kept: give at least two rows a run";
    Err(source.error(&KeyPath::dotted("log.max_rows"), message, help))
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
        Start::Drawn { .. } | Start::Each(_) | Start::EndOf(_) | Start::Begun(..) => 0,
    };
    let message = "has a start that is too large, with those of the fits before it";
    size(source, at, message, &[plans.iter().map(entries).sum()])
}

/// A fit that starts at the end of another comes after it, and has as many components.
pub(super) fn ends(source: &Source, places: &[usize], plans: &[Plan]) -> Result<(), ConfigError> {
    for (i, (plan, &place)) in plans.iter().zip(places).enumerate() {
        let Start::EndOf(label) = &plan.start else {
            continue;
        };
        let key = KeyPath::default().name("fit").index(place);
        let key = key.name("init").name("fit");
        let Some(earlier) = plans[..i].iter().find(|earlier| earlier.label == *label) else {
            let before: Vec<&str> = plans[..i].iter().map(|plan| &*plan.label).collect();
            let other = source.resolve_path(Path::new(label));
            let help = match (names::marked_fit(&other), before.is_empty()) {
                (Some((_, fit)), _) => {
                    let run = &label[..label.len() - fit.len() - 1];
                    format!("for a fit of another run give file = \"{run}\" and fit = \"{fit}\"")
                }
                (None, true) => {
                    "this is the first: put it after the one that it starts from".to_owned()
                }
                (None, false) => format!("name one of those before it: {}", before.join(", ")),
            };
            let message = format!("is \"{label}\", which is no fit before this one");
            return Err(source.error(&key, message, help));
        };
        let own = plan.first_family().components();
        let other = earlier.family.components();
        if earlier.adapt.is_some() {
            let message = format!(
                "is \"{label}\", of which it is not known how many components it ends with"
            );
            let help = "run that first, and start from what it saved, with init.file";
            return Err(source.error(&key, message, help));
        }
        if own != other {
            let message = format!("is \"{label}\" of {other} components, and this fit has {own}");
            let help = "give both the same number of components";
            return Err(source.error(&key, message, help));
        }
    }
    Ok(())
}

/// One fit of a config, and all it is checked against.
pub(super) struct CheckedFit<'a> {
    pub source: &'a Source,
    /// Where it stands.
    pub at: KeyPath,
    pub target: &'a TargetModel,
    pub seed: u64,
}

impl CheckedFit<'_> {
    /// Checks it, and writes down the defaults it takes.
    pub fn plan(&self, fit: &mut FitConfig, notes: &mut Vec<String>) -> Checked<Plan> {
        let dim = self.target.dim();
        let divergence = self.divergence(fit)?;
        self.family(fit)?;
        self.dependence(fit, notes)?;
        let family = Family::new(fit.family.clone(), dim);
        let problem = Problem {
            target: self.target,
            rank: fit.family.rank.unwrap_or(0),
            divergence,
        };
        (fit.estimator.check(&problem)).map_err(|refusal| self.refused(&["estimator"], refusal))?;
        self.optimizer(fit, &family, notes)?;
        self.reuse(fit)?;
        if let Some(anneal) = &fit.anneal {
            (anneal.check(divergence, &fit.optimizer))
                .map_err(|refusal| self.refused(&["anneal"], refusal))?;
        }
        if let Some(adapt) = &mut fit.adapt {
            (adapt.check(&family, &fit.optimizer, self.target))
                .map_err(|refusal| self.refused(&["adapt"], refusal))?;
            adapt.fill(fit.optimizer.steps);
        }
        self.stop(fit)?;
        let first = AdaptConfig::first_family(fit.adapt, &family);
        let start = self.start(fit, &first, notes)?;
        let (of_q, of_p) = (family.components(), self.target.components());
        let rows = (self.target.as_samples().map(|samples| samples.at_once()))
            .or(self
                .target
                .as_histogram()
                .map(|histogram| histogram.counts().len()))
            .unwrap_or(0);
        // The points along one density are evaluated under both.
        let along = |strata: usize| {
            let points = fit.estimator.rule.points(strata, dim, rows);
            let points = points.saturating_mul(1 + fit.estimator.reuse);
            points.max(LEAST_POINTS)
        };
        let sides = divergence.build().sides().iter().map(|side| match side {
            Side::Target => [along(of_p), of_q],
            Side::Family => [along(of_q), of_q.max(of_p)],
        });
        let [points, components] = sides
            .max_by_key(|[points, components]| points.saturating_mul(*components))
            .unwrap_or([LEAST_POINTS, of_q]);
        let parts = [start.runs(), points, components, dim];
        let message = format!(
            "asks for too much at once: {} restarts × {points} points × {components} components × \
             {dim} dimensions",
            parts[0]
        );
        size(self.source, &self.at, &message, &parts)?;
        let covariances = [start.runs(), of_q.max(of_p), dim, dim];
        size(self.source, &self.at, &message, &covariances)?;
        fit.estimator.fill();
        fit.optimizer.fill();
        fit.stop.fill();
        let tried = start.try_first(&first, self.target, self.seed);
        tried.map_err(|error| {
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
            anneal: fit.anneal,
            adapt: fit.adapt,
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

    /// A refused key of a section of the fit, or of the fit itself.
    fn refused(&self, section: &[&str], refusal: Refusal) -> ConfigError {
        let key = [section, &[refusal.key]].concat();
        self.error(&key, refusal.message, refusal.help)
    }
}
