//! A config that can be run: every number checked, every default filled in.

use std::collections::HashSet;
use std::path::Path;

use super::key::KeyPath;
use super::source::{ConfigError, Override, Source};
use super::{Config, DEFAULT_RESTARTS, FitConfig};
use crate::device::{DeviceConfig, Numerics};
use crate::divergence::Side;
use crate::error::{Error, Result};
use crate::estimator::{EstimatorConfig, Grid, MonteCarlo, Quadrature, QuadratureConfig};
use crate::family::Family;
use crate::fit::{LogConfig, Plan};
use crate::init::Start;
use crate::mixture::Mixture;
use crate::run_folder;

/// The most numbers a tensor of one step may hold: a gigabyte in 64 bits, and a step needs about
/// a dozen of that size.
const MOST_ENTRIES: usize = 1 << 27;
/// How much of the target's mass a fixed grid may miss or make up.
const MISSING_MASS: f64 = 1e-4;
/// What klfit itself writes into the folder of a run.
const RESERVED: [&str; 3] = [run_folder::CONFIG, run_folder::SUMMARY, run_folder::FIGURES];

/// Everything a run needs.
#[derive(Debug, Clone)]
pub struct Experiment {
    /// The config it came from, shared sections and overrides resolved.
    pub config: Config,
    /// p.
    pub target: Mixture,
    /// The fits, in the order of the config.
    pub plans: Vec<Plan>,
    /// What was taken in a way the user may not have meant.
    pub notes: Vec<String>,
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
        let mut config = super::resolve::resolve(source)?;
        let top = KeyPath::default();
        check_name(source, &top.name("name"), &config.name, "outputs/NAME")?;
        check_device(source, &config.device)?;
        let target = config.target.resolve(&top.name("target"), source)?;
        check_target(source, &target)?;
        check_log(source, &config.log, &target)?;
        if config.fit.is_empty() {
            let help = "add [[fit]] with divergence = \"forward-kl\"";
            return Err(source.error(&top.name("fit"), "is empty", help));
        }
        let mut notes = Vec::new();
        let mut plans = Vec::with_capacity(config.fit.len());
        for (i, fit) in config.fit.iter_mut().enumerate() {
            let at = top.name("fit").index(i);
            plans.push(check_fit(
                source,
                &at,
                fit,
                &target,
                config.seed,
                &mut notes,
            )?);
        }
        label(source, &config.fit, &mut plans)?;
        // The default follows the steps; where they differ, it stays one for each fit.
        let mut everies = plans
            .iter()
            .map(|plan| config.log.every(plan.optimizer.steps()));
        if let Some(first) = everies.next()
            && everies.all(|every| every == first)
        {
            config.log.every = Some(first);
        }
        Ok(Self {
            config,
            target,
            plans,
            notes,
        })
    }
}

/// Gives the fits that have no label that of their divergence, with a number where it is taken.
fn label(source: &Source, fits: &[FitConfig], plans: &mut [Plan]) -> Result<(), ConfigError> {
    let mut taken = HashSet::new();
    for (i, fit) in fits.iter().enumerate() {
        let Some(label) = &fit.label else { continue };
        let key = KeyPath::default().name("fit").index(i).name("label");
        check_name(source, &key, label, "a folder of the run")?;
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
            let numbers = (2..).map(|n| format!("{}-{n}", fit.divergence.name()));
            let mut names = std::iter::once(fit.divergence.name().to_owned()).chain(numbers);
            if let Some(free) = names.find(|name| taken.insert(name.clone())) {
                plan.label = free;
            }
        }
    }
    Ok(())
}

fn check_device(source: &Source, device: &DeviceConfig) -> Result<(), ConfigError> {
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
fn check_target(source: &Source, target: &Mixture) -> Result<(), ConfigError> {
    let variances = target.covariance().diagonal();
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

fn check_log(source: &Source, log: &LogConfig, target: &Mixture) -> Result<(), ConfigError> {
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
    check_size(source, &key, "is too large", &parts)
}

/// Refuses what would not fit in memory: a product of counts over [`MOST_ENTRIES`].
fn check_size(
    source: &Source,
    key: &KeyPath,
    message: &str,
    parts: &[usize],
) -> Result<(), ConfigError> {
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

/// Checks a fit, and writes down the defaults it takes.
fn check_fit(
    source: &Source,
    at: &KeyPath,
    fit: &mut FitConfig,
    target: &Mixture,
    seed: u64,
    notes: &mut Vec<String>,
) -> Result<Plan, ConfigError> {
    let dim = target.dim();
    let components = fit.family.components;
    if components == 0 {
        let key = at.name("family").name("components");
        let help = "a Gaussian has 1 component";
        return Err(source.error(&key, "is 0", help));
    }
    let family = Family::new(fit.family, dim);
    check_estimator(source, at, fit, target)?;
    fit.optimizer.check().map_err(|(key, reason)| {
        let key = at.name("optimizer").name(key);
        let help = "docs/config.md lists the settings with their defaults";
        source.error(&key, reason, help)
    })?;
    if let (Some(_), Some(restarts @ 2..)) = (&fit.init, fit.restarts) {
        notes.push(format!(
            "{at}: [init] gives the start, so restarts = {restarts} is taken as 1"
        ));
    }
    let start = check_start(source, at, fit, &family)?;
    let points = fit
        .estimator
        .points(components.max(target.components()), dim);
    let parts = [
        start.runs(),
        points,
        components.max(target.components()),
        dim,
    ];
    let message = format!(
        "asks for too much at once: {} restarts × {points} points × {} components × {dim} \
         dimensions",
        parts[0], parts[2]
    );
    check_size(source, at, &message, &parts)?;
    let covariances = [start.runs(), components, dim, dim];
    check_size(source, at, &message, &covariances)?;
    start.mixtures(&family, target, seed).map_err(|error| {
        let help = "give a start with [init], or rescale the target";
        source.error(at, format!("has no random start: {error}"), help)
    })?;
    Ok(Plan {
        label: (fit.label.clone()).unwrap_or_else(|| fit.divergence.name().to_owned()),
        divergence: fit.divergence,
        family,
        start,
        estimator: fit.estimator,
        optimizer: fit.optimizer,
    })
}

fn check_start(
    source: &Source,
    at: &KeyPath,
    fit: &mut FitConfig,
    family: &Family,
) -> Result<Start, ConfigError> {
    match (&fit.init, fit.restarts) {
        (_, Some(0)) => {
            let help = "1 to try one random start, 64 to look for several optima";
            Err(source.error(&at.name("restarts"), "is 0", help))
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
            fit.restarts = None;
            Ok(Start::Given(Box::new(start)))
        }
        (None, restarts) => {
            let restarts = restarts.unwrap_or(DEFAULT_RESTARTS);
            fit.restarts = Some(restarts);
            Ok(Start::Random { restarts })
        }
    }
}

fn check_estimator(
    source: &Source,
    at: &KeyPath,
    fit: &FitConfig,
    target: &Mixture,
) -> Result<(), ConfigError> {
    let at = at.name("estimator");
    let dim = target.dim();
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
            if points < QuadratureConfig::MIN_POINTS {
                let help = format!("give at least {}", QuadratureConfig::MIN_POINTS);
                return Err(source.error(&at.name("points"), format!("is {points}"), help));
            }
            check_range(source, &at.name("range"), config, fit, target)
        }
        EstimatorConfig::MonteCarlo(config) if config.samples < MonteCarlo::MIN_PER_STRATUM => {
            let help = "give at least 2; 1024 is the default";
            Err(source.error(&at.name("samples"), format!("is {}", config.samples), help))
        }
        EstimatorConfig::MonteCarlo(_) => Ok(()),
    }
}

fn check_range(
    source: &Source,
    at: &KeyPath,
    config: &QuadratureConfig,
    fit: &FitConfig,
    target: &Mixture,
) -> Result<(), ConfigError> {
    let Some([lower, upper]) = config.range else {
        return Ok(());
    };
    if !(lower < upper && (upper - lower).is_finite()) {
        let help = "give [lower, upper] with lower below upper";
        return Err(source.error(at, format!("is [{lower}, {upper}]"), help));
    }
    if target.dim() != 1 {
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
    // A finer grid than this is no worse, and its size is refused elsewhere if need be.
    let points = config.points(1).min(1 << 20);
    let mass = Grid::new(lower, upper, points).mass(target);
    if (mass - 1.0).abs() <= MISSING_MASS {
        return Ok(());
    }
    Err(source.error(
        at,
        format!("with {points} points gives the target a mass of {mass:.6}, not 1"),
        "widen the interval or add points; or remove it, and the points follow the target",
    ))
}
