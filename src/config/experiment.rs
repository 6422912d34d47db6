//! A config that can be run: every number checked, every default filled in.

use std::path::Path;

use super::check;
use super::key::KeyPath;
use super::source::{Override, Source};
use super::{Config, Holdout, SamplesConfig, TargetKind};
use crate::compute::device::Numerics;
use crate::density::target::{Samples, TargetModel};
use crate::error::{ConfigError, Error, Result};
use crate::files::names;
use crate::fit::Plan;

/// Everything a run needs.
#[derive(Debug, Clone)]
pub struct Experiment {
    /// The config it came from, shared sections and overrides resolved.
    pub config: Config,
    /// p.
    pub target: TargetModel,
    /// The fits, in the order of the config.
    pub plans: Vec<Plan>,
    /// What was taken in a way the user may not have meant.
    pub notes: Vec<String>,
    /// Where the steps between records follow from the number of steps, what they are a multiple of.
    pub(super) follows: Option<usize>,
}

impl Experiment {
    /// Reads and checks a config file; of one with a sweep, what stands outside the sweep.
    ///
    /// # Errors
    /// If the file cannot be read, or says something that cannot be run; the error names the line.
    pub fn load(path: &Path, overrides: Vec<Override>) -> Result<Self> {
        let source = Source::read(path, overrides)?;
        Ok(Self::from_source(&source)?)
    }

    /// Checks a config given as text; `path` is named in errors, and paths in it start beside it.
    ///
    /// # Errors
    /// As [`Experiment::load`].
    pub fn parse(path: &Path, text: &str, overrides: Vec<Override>) -> Result<Self> {
        let source = Source::new(path, text, overrides)?;
        Ok(Self::from_source(&source)?)
    }

    /// Opens the device the config asks for.
    ///
    /// # Errors
    /// If it was not compiled in, is not there, or lacks the precision.
    pub fn numerics(&self) -> Result<Numerics> {
        Numerics::open(self.config.device)
    }

    /// The resolved config as TOML, which runs the experiment again as it was from the folder of
    /// the run, where the rows of a target are kept too.
    ///
    /// # Errors
    /// If a number has no form in TOML.
    pub fn to_toml(&self) -> Result<String> {
        let mut config = self.config.clone();
        if let TargetKind::Samples(samples) = &mut config.target.kind {
            self.keep_rows(samples);
        }
        super::resolve::to_toml(&config).map_err(|error| {
            Error::usage(
                format!("the config cannot be written as TOML: {error}"),
                "check its numbers",
            )
        })
    }

    /// Names the files that rows are in once a run has begun: its own, or the one they stay in.
    fn keep_rows(&self, config: &mut SamplesConfig) {
        let rows = self.target.as_samples();
        let file = |rows: Option<&Samples>| Some(rows?.file()?.path().to_owned());
        let held_out = file(rows.and_then(Samples::held_out));
        match file(rows) {
            Some(file) => {
                config.file = file;
                config.in_memory = Some(false);
                if let Some(Holdout::File(_)) = config.holdout {
                    let file = held_out.unwrap_or_else(|| names::HOLDOUT.into());
                    config.holdout = Some(Holdout::File(file));
                }
            }
            None => {
                config.file = names::TARGET.into();
                config.header = Some(true);
                (config.columns, config.missing, config.in_memory) = (None, None, None);
                if config.holdout.is_some() {
                    config.holdout = Some(Holdout::File(names::HOLDOUT.into()));
                    config.holdout_seed = None;
                }
            }
        }
    }

    pub(super) fn from_source(source: &Source) -> Result<Self, ConfigError> {
        let mut notes = Vec::new();
        let (mut config, target, places) = super::resolve::resolve(source, &mut notes)?;
        let top = KeyPath::default();
        check::name(source, &top.name("name"), &config.name, "outputs/NAME")?;
        check::device(source, &config.device)?;
        check::target(source, &target)?;
        check::log(source, &config.log, &target)?;
        check::checkpoint(source, &config.checkpoint)?;
        super::distributed::check(source, config.distributed, &target)?;
        check::figures(source, &config.figures)?;
        if config.fit.is_empty() {
            let help = "add [[fit]] with divergence = \"forward-kl\"";
            return Err(source.error(&top.name("fit"), "is empty", help));
        }
        let follows = match config.log.every {
            Some(every) => config.log.max_rows.map(|_| every),
            None => Some(1),
        };
        let mut plans = Vec::with_capacity(config.fit.len());
        for (fit, &place) in config.fit.iter_mut().zip(&places) {
            let at = top.name("fit").index(place);
            let checker = check::CheckedFit {
                source,
                at: at.clone(),
                target: &target,
                seed: config.seed,
            };
            plans.push(checker.plan(fit, &mut notes)?);
            check::starts(source, &at, &plans)?;
        }
        check::label(source, (&config.fit, &places), &mut plans)?;
        check::choices(source, (&config.fit, &places), &plans)?;
        check::ends(source, &places, &plans)?;
        check::most_rows(source, &config.log, &plans)?;
        if let Some(landscape) = &config.landscape {
            check::landscape(source, landscape, &target, &plans)?;
        }
        // The default follows the steps; where they differ, it stays one for each fit.
        let mut everies = plans.iter().map(|plan| config.log.every(plan));
        if config.log.max_rows.is_some() {
            config.log.every = everies.max();
        } else if let Some(first) = everies.next()
            && everies.all(|every| every == first)
        {
            config.log.every = Some(first);
        }
        Ok(Self {
            config,
            target,
            plans,
            notes,
            follows,
        })
    }
}
