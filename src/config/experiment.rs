//! A config that can be run: every number checked, every default filled in.

use std::collections::HashMap;
use std::path::Path;

use super::key::KeyPath;
use super::source::{ConfigError, Override, Source};
use super::{Config, DEFAULT_RESTARTS, FitConfig};
use crate::device::Numerics;
use crate::divergence::Side;
use crate::error::{Error, Result};
use crate::estimator::{EstimatorConfig, MonteCarlo, Quadrature, QuadratureConfig};
use crate::family::Family;
use crate::fit::Plan;
use crate::init::Start;
use crate::mixture::Mixture;
use crate::run_folder::FIGURES;

/// The most parameters and restarts a config may ask for, far above what fits in memory.
const MOST: usize = 1 << 20;

/// Everything a run needs.
#[derive(Debug, Clone)]
pub struct Experiment {
    /// The config it came from, shared sections and overrides resolved.
    pub config: Config,
    /// p.
    pub target: Mixture,
    /// The fits, in the order of the config.
    pub plans: Vec<Plan>,
}

impl Experiment {
    /// Reads and checks a config file.
    ///
    /// # Errors
    /// If the file cannot be read, or says something that cannot be run; the error names the line.
    pub fn load(path: &Path, overrides: Vec<Override>) -> Result<Self> {
        let source = Source::read(path, overrides)?;
        Ok(Self::from_source(&source)?)
    }

    /// Checks a config given as text; `path` is named in errors.
    ///
    /// # Errors
    /// As [`Experiment::load`].
    pub fn parse(path: &Path, text: &str, overrides: Vec<Override>) -> Result<Self> {
        let source = Source {
            path: path.to_owned(),
            text: text.to_owned(),
            overrides,
        };
        Ok(Self::from_source(&source)?)
    }

    /// Opens the device the config asks for.
    ///
    /// # Errors
    /// If it was not compiled in, is not there, or lacks the precision.
    pub fn numerics(&self) -> Result<Numerics> {
        Numerics::open(self.config.device)
    }

    /// The resolved config as TOML, which runs the experiment again as it was.
    ///
    /// # Errors
    /// If a number has no form in TOML.
    pub fn to_toml(&self) -> Result<String> {
        super::resolve::to_toml(&self.config).map_err(|error| {
            Error::usage(
                format!("the config cannot be written as TOML: {error}"),
                "check its numbers",
            )
        })
    }

    fn from_source(source: &Source) -> Result<Self, ConfigError> {
        let config = super::resolve::resolve(source)?;
        let top = KeyPath::default();
        check_name(source, &top.name("name"), &config.name, "outputs/NAME")?;
        let target = config.target.resolve(&top.name("target"), source)?;
        let log = top.name("log");
        if config.log.every == Some(0) {
            let help = "log every step with 1, or leave it out for about 100 records";
            return Err(source.error(&log.name("every"), "is 0", help));
        }
        if config.log.samples < MonteCarlo::MIN_PER_STRATUM {
            let help = "give at least 2; 4096 is the default";
            return Err(source.error(&log.name("samples"), "is too few", help));
        }
        if config.fit.is_empty() {
            let help = "add [[fit]] with divergence = \"forward-kl\"";
            return Err(source.error(&top.name("fit"), "is empty", help));
        }
        let mut plans = Vec::with_capacity(config.fit.len());
        let mut labels: HashMap<String, usize> = HashMap::new();
        for (i, fit) in config.fit.iter().enumerate() {
            let at = top.name("fit").index(i);
            let mut plan = check_fit(source, &at, fit, &target)?;
            let count = labels.entry(plan.label.to_lowercase()).or_insert(0);
            *count += 1;
            if *count > 1 {
                if fit.label.is_some() {
                    let help = "give each fit a label of its own";
                    return Err(source.error(&at.name("label"), "is taken by another fit", help));
                }
                plan.label = format!("{}-{count}", plan.label);
            }
            plans.push(plan);
        }
        Ok(Self {
            config,
            target,
            plans,
        })
    }
}

/// A name that becomes a folder: nothing that could lead out of it.
fn check_name(source: &Source, at: &KeyPath, name: &str, whose: &str) -> Result<(), ConfigError> {
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

fn check_fit(
    source: &Source,
    at: &KeyPath,
    fit: &FitConfig,
    target: &Mixture,
) -> Result<Plan, ConfigError> {
    let dim = target.dim();
    if let Some(label) = &fit.label {
        let key = at.name("label");
        check_name(source, &key, label, "a folder of the run")?;
        if label.eq_ignore_ascii_case(FIGURES) {
            let help = "that folder holds the figures: choose another label";
            return Err(source.error(&key, format!("is \"{label}\""), help));
        }
    }
    let components = fit.family.components;
    if !(1..=MOST).contains(&components) {
        let key = at.name("family").name("components");
        let help = "a Gaussian has 1 component";
        return Err(source.error(&key, format!("is {components}"), help));
    }
    let family = Family::new(fit.family, dim);
    check_estimator(source, at, fit, dim)?;
    fit.optimizer.check().map_err(|(key, reason)| {
        let key = at.name("optimizer").name(key);
        source.error(&key, reason, "0.05 and 1000 steps of adam are a good start")
    })?;
    let start = match (&fit.init, fit.restarts) {
        (Some(_), Some(restarts)) if restarts != 1 => {
            return Err(source.error(
                &at.name("restarts"),
                format!("is {restarts}, but [init] gives one start"),
                "remove `restarts`, or remove [init] to start at random places",
            ));
        }
        (Some(init), _) => {
            let at = at.name("init");
            let start = init.resolve(&at, source)?;
            family.theta_of(&start).map_err(|error| {
                source.error(
                    &at,
                    format!("is not a member of the family: {error}"),
                    "change [init] or [family] so that they agree",
                )
            })?;
            Start::Given(Box::new(start))
        }
        (None, restarts) => {
            let restarts = restarts.unwrap_or(DEFAULT_RESTARTS);
            if !(1..=MOST).contains(&restarts) {
                let help = "1 to try one random start, 64 to look for several optima";
                return Err(source.error(&at.name("restarts"), format!("is {restarts}"), help));
            }
            Start::Random { restarts }
        }
    };
    Ok(Plan {
        label: (fit.label.clone()).unwrap_or_else(|| fit.divergence.name().to_owned()),
        divergence: fit.divergence,
        family,
        start,
        estimator: fit.estimator,
        optimizer: fit.optimizer,
    })
}

fn check_estimator(
    source: &Source,
    at: &KeyPath,
    fit: &FitConfig,
    dim: usize,
) -> Result<(), ConfigError> {
    let at = at.name("estimator");
    match &fit.estimator {
        EstimatorConfig::Quadrature(config) => {
            if dim > Quadrature::MAX_DIM {
                return Err(source.error(
                    &at.name("type"),
                    format!("is \"quadrature\", and the target has {dim} dimensions"),
                    "above 2 dimensions a grid has too many points: use type = \"monte-carlo\"",
                ));
            }
            let points = config.points(dim);
            if !(QuadratureConfig::MIN_POINTS..=MOST).contains(&points) {
                let help = format!("give at least {}", QuadratureConfig::MIN_POINTS);
                return Err(source.error(&at.name("points"), format!("is {points}"), help));
            }
            check_range(source, &at.name("range"), config, fit, dim)
        }
        EstimatorConfig::MonteCarlo(config) => {
            if (MonteCarlo::MIN_PER_STRATUM..=1 << 32).contains(&config.samples) {
                return Ok(());
            }
            let help = "give at least 2; 1024 is the default";
            Err(source.error(&at.name("samples"), format!("is {}", config.samples), help))
        }
    }
}

fn check_range(
    source: &Source,
    at: &KeyPath,
    config: &QuadratureConfig,
    fit: &FitConfig,
    dim: usize,
) -> Result<(), ConfigError> {
    let Some([lower, upper]) = config.range else {
        return Ok(());
    };
    if !(lower < upper && lower.is_finite() && upper.is_finite()) {
        let help = "give [lower, upper] with lower below upper";
        return Err(source.error(at, format!("is [{lower}, {upper}]"), help));
    }
    if dim != 1 {
        let help = "remove it: the points then follow the densities by themselves";
        return Err(source.error(at, "is an interval, and the target is not 1-D", help));
    }
    if fit.divergence.build().sides().contains(&Side::Family) {
        return Err(source.error(
            at,
            format!(
                "fixes the interval, but {} integrates over q, which gradient descent could move \
                 out of it",
                fit.divergence.name()
            ),
            "remove it: the points then follow q by themselves",
        ));
    }
    Ok(())
}
