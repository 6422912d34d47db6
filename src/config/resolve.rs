//! From a file to a [`Config`]: shared sections go into each fit, overrides on top of both.

use std::path::Path;

use toml::{Table, Value};

use super::advice::{advise, unknown_key};
use super::components;
use super::key::{Key, KeyPath};
use super::source::{Override, Source};
use super::{
    Config, FitConfig, InitConfig, SHARED, TYPED, TargetConfig, TargetKind, Typed, top_keys,
};
use crate::density::target::TargetModel;
use crate::error::{ConfigError, Result as KlfitResult};
use crate::estimator::EstimatorConfig;

/// More fits than this are taken for a mistake.
const MOST_FITS: usize = 256;
/// The section that makes several experiments of one.
pub(super) const SWEEP: &str = "sweep";

/// Reads a config, merges what is shared, and applies the overrides; and the target, on which
/// defaults depend; what may not be meant goes to `notes`. With it comes the place of each fit in the file, of which one
/// may stand for several.
pub(super) fn resolve(
    source: &Source,
    notes: &mut Vec<String>,
) -> Result<(Config, TargetModel, Vec<usize>), ConfigError> {
    let mut top = (*source.table).clone();
    for one in source
        .overrides
        .iter()
        .filter(|one| scope_of(one) == Scope::Top)
    {
        set(&mut top, &one.key, one, source)?;
    }
    top.remove(SWEEP);
    // Before the target: a section may be missing because its name is misspelt.
    let keys = top_keys();
    let known = |name: &str| keys.contains(&name) || SHARED.contains(&name);
    if let Some(name) = top.keys().find(|name| !known(name)) {
        let key = KeyPath::default().name(name);
        return Err(unknown_key(source, key, name, &keys, None));
    }
    no_lists(&top, &KeyPath::default(), source)?;
    let (target_config, target) = target(&mut top, source, notes)?;
    let estimator = EstimatorConfig::default_type(&target);
    let shared: Vec<(&str, Value)> = (SHARED.into_iter())
        .filter_map(|section| top.remove(section).map(|value| (section, value)))
        .collect();
    check_shared(&shared, estimator, source)?;
    let mut places = Vec::new();
    let seed = top.get("seed").and_then(Value::as_integer);
    if let Some(Value::Array(fits)) = top.get_mut("fit") {
        let count = fits.len();
        check_count(count, source)?;
        for (i, fit) in fits.iter_mut().enumerate() {
            let Value::Table(fit) = fit else { continue };
            // A fit that asks for restarts does not want the one shared start, nor the other way
            // round.
            let (starts, restarts) = (is_one_start(fit.get("init")), fit.contains_key("restarts"));
            for (section, value) in &shared {
                let unwanted = match *section {
                    "init" => restarts && is_one_start(Some(value)),
                    "restarts" => starts,
                    _ => false,
                };
                if !unwanted {
                    merge(fit, section, value, estimator);
                }
            }
            for one in &source.overrides {
                match scope_of(one) {
                    Scope::EveryFit => set(fit, &one.key, one, source)?,
                    Scope::Fit(place) if place == i => set(fit, &one.key.after(2), one, source)?,
                    Scope::Fit(place) if place >= count => {
                        let message = format!(": there are {count} fits");
                        return Err(source.error(&one.key, message, "fits count from 1"));
                    }
                    _ => {}
                }
            }
            no_lists(fit, &KeyPath::default().name("fit").index(i), source)?;
            types_inside(fit, estimator);
        }
        // One that is none is refused with the rest.
        let seed = seed.and_then(|seed| u64::try_from(seed).ok()).unwrap_or(0);
        (*fits, places) = components::spread(std::mem::take(fits), (&target, seed), source)?;
        check_count(fits.len(), source)?;
    }
    let mut config: Config = source.deserialize(&KeyPath::default(), Value::Table(top))?;
    config.target = target_config;
    config.figures.settle(source);
    Ok((config, target, places))
}

/// Refuses what is taken for a mistake.
fn check_count(fits: usize, source: &Source) -> Result<(), ConfigError> {
    if fits <= MOST_FITS {
        return Ok(());
    }
    let help = format!("give up to {MOST_FITS}, or make a [sweep] of them");
    let message = format!("is there {fits} times");
    Err(source.error(&KeyPath::dotted("fit"), message, help))
}

/// Refuses lists where sections belong, `[[optimizer]]` among them: serde would take one for the
/// values of the section's keys.
fn no_lists(table: &Table, at: &KeyPath, source: &Source) -> Result<(), ConfigError> {
    let is_section = |name: &str| {
        [
            "device",
            "log",
            "checkpoint",
            "distributed",
            "landscape",
            "figures",
            "target",
        ]
        .contains(&name)
            || (name != "restarts" && SHARED.contains(&name))
    };
    match (table.iter()).find(|(name, value)| is_section(name) && value.is_array()) {
        Some((name, _)) => {
            let message = "invalid type: sequence, expected a section";
            Err(advise(source, at.name(name), message, None))
        }
        None => Ok(()),
    }
}

/// Reads the target; its section stays in `top`, in the form that serde reads.
fn target(
    top: &mut Table,
    source: &Source,
    notes: &mut Vec<String>,
) -> Result<(TargetConfig, TargetModel), ConfigError> {
    let at = KeyPath::dotted("target");
    type_inside(top, "target", "");
    let Some(section) = top.get("target") else {
        let help =
            "add the density to fit, as in\n\n    [target]\n    mean = [0.0]\n    std = [1.0]";
        return Err(source.error(&at, "is missing", help));
    };
    let mut config: TargetConfig = source.deserialize(&at, section.clone())?;
    if let TargetKind::Samples(samples) = &mut config.kind {
        // One that is none is refused with the rest.
        let seed = top.get("seed").and_then(Value::as_integer);
        samples.fill(seed.and_then(|seed| u64::try_from(seed).ok()).unwrap_or(0));
    }
    let target = config.resolve(&at, source, notes)?;
    Ok((config, target))
}

/// A density as a TOML file has it.
pub struct TargetFile {
    /// The density.
    pub model: TargetModel,
    /// What its coordinates are called.
    pub names: Vec<String>,
    /// What may not be meant.
    pub notes: Vec<String>,
}

/// The density of a TOML file: that of its `[target]` if it is an experiment, or else the file itself,
/// which then has the keys of that section.
///
/// # Errors
/// If the file cannot be read or does not describe a density.
pub fn read_target(path: &Path) -> KlfitResult<TargetFile> {
    let source = Source::read(path, Vec::new())?;
    let mut top = (*source.table).clone();
    let mut notes = Vec::new();
    if top.contains_key("target") {
        let (config, model) = target(&mut top, &source, &mut notes)?;
        let names = config.coordinates(&model);
        return Ok(TargetFile {
            model,
            names,
            notes,
        });
    }
    if !DENSITY.iter().any(|key| top.contains_key(*key)) {
        let help = "write weights, means and stds (or covariances), or a [target] section that has \
                    them";
        return Err(source
            .error(&KeyPath::dotted("target"), "is missing", help)
            .into());
    }
    let mut around = Table::new();
    around.insert("target".to_owned(), Value::Table(top));
    type_inside(&mut around, "target", "");
    let section = around
        .remove("target")
        .unwrap_or(Value::Table(Table::new()));
    let at = KeyPath::default();
    let mut config: TargetConfig = source.deserialize(&at, section)?;
    let model = config.resolve(&at, &source, &mut notes)?;
    let names = config.coordinates(&model);
    Ok(TargetFile {
        model,
        names,
        notes,
    })
}

/// A density in a file of its own has one of these keys.
const DENSITY: [&str; 4] = ["mean", "means", "equations", "file"];

fn is_one_start(init: Option<&Value>) -> bool {
    let Some(Value::Table(init)) = init else {
        return false;
    };
    let named = init.get("type").and_then(Value::as_str);
    matches!(
        named.unwrap_or(InitConfig::default_type(init)),
        "given" | "saved" | "fit"
    )
}

/// A resolved config in the form a user writes.
pub(super) fn to_toml(config: &Config) -> Result<String, toml::ser::Error> {
    let mut top = Table::try_from(config)?;
    type_outside(&mut top, "target");
    if let Some(Value::Array(fits)) = top.get_mut("fit") {
        for fit in fits.iter_mut().filter_map(Value::as_table_mut) {
            (TYPED.iter()).for_each(|section| type_outside(fit, section.name));
        }
    }
    toml::to_string(&top)
}

/// What an override is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    Top,
    EveryFit,
    /// One fit, counted from 0.
    Fit(usize),
}

fn scope_of(one: &Override) -> Scope {
    match &one.key.0[..] {
        [Key::Name(fit), Key::Index(place), _, ..] if fit == "fit" => Scope::Fit(*place),
        [Key::Name(name), ..] if SHARED.contains(&name.as_str()) => Scope::EveryFit,
        _ => Scope::Top,
    }
}

/// Reads each shared section in a fit that has no other: a mistake there is one whether a fit uses it or
/// not.
fn check_shared(
    shared: &[(&str, Value)],
    estimator: &str,
    source: &Source,
) -> Result<(), ConfigError> {
    for (section, value) in shared {
        let mut fit = Table::from_iter([((*section).to_owned(), value.clone())]);
        components::set_aside(&mut fit);
        fit.insert("divergence".to_owned(), "forward-kl".into());
        types_inside(&mut fit, estimator);
        source.deserialize::<FitConfig>(&KeyPath::default(), Value::Table(fit))?;
    }
    Ok(())
}

/// The fit's own keys win. One that names another `type` keeps of the shared section its steps
/// alone; a start is replaced as a whole.
fn merge(fit: &mut Table, section: &str, shared: &Value, estimator: &str) {
    match (fit.get_mut(section), shared) {
        (None, shared) => {
            fit.insert(section.to_owned(), shared.clone());
        }
        (Some(Value::Table(own)), Value::Table(shared)) if section != "init" => {
            let other_type = Typed::of(section).is_some_and(|typed| {
                own.contains_key("type")
                    && type_of(own, typed, estimator) != type_of(shared, typed, estimator)
            });
            for (key, value) in shared {
                let every_type_has_it = section == "optimizer" && key == "steps";
                if !other_type || every_type_has_it {
                    own.entry(key.clone()).or_insert_with(|| value.clone());
                }
            }
        }
        _ => {}
    }
}

/// The type of a section: the one it names, or the default.
fn type_of(table: &Table, section: &Typed, estimator: &str) -> String {
    match table.get("type") {
        None => (section.default_type)(table, estimator).to_owned(),
        Some(Value::String(kind)) => kind.clone(),
        Some(other) => other.to_string(),
    }
}

/// Gives a fit the sections that have defaults, and its sections the form that serde reads.
fn types_inside(fit: &mut Table, estimator: &str) {
    for section in ["estimator", "optimizer"] {
        fit.entry(section)
            .or_insert_with(|| Value::Table(Table::new()));
    }
    for section in SHARED {
        type_inside(fit, section, estimator);
    }
}

/// Turns `{ type = "adam", steps = 5, beta1 = 0.8 }` into `{ steps = 5, type = { adam = { beta1 =
/// 0.8 } } }`, the form in which serde can tell which key of a section an error is about.
fn type_inside(table: &mut Table, section: &str, estimator: &str) {
    let (Some(typed), Some(Value::Table(settings))) = (Typed::of(section), table.get_mut(section))
    else {
        return;
    };
    let kind = type_of(settings, typed, estimator);
    let mut own = std::mem::take(settings);
    own.remove("type");
    settings.extend((typed.common()).filter_map(|key| Some((key.to_owned(), own.remove(key)?))));
    let variant = Table::from_iter([(kind, Value::Table(own))]);
    settings.insert("type".to_owned(), Value::Table(variant));
}

/// The other way round: what a resolved config is written from.
fn type_outside(table: &mut Table, section: &str) {
    if let Some(Value::Table(settings)) = table.get_mut(section)
        && let Some(Value::Table(variant)) = settings.remove("type")
        && let Some((kind, Value::Table(own))) = variant.into_iter().next()
    {
        let common = std::mem::take(settings);
        settings.insert("type".to_owned(), Value::String(kind));
        settings.extend(common);
        settings.extend(own);
    }
}

/// Applies the overrides of a sweep to a file's table.
pub(super) fn set_sweep(top: &mut Table, source: &Source) -> Result<(), ConfigError> {
    (source.overrides.iter())
        .filter(|one| one.key.first_name() == Some(SWEEP))
        .try_for_each(|one| set(top, &one.key, one, source))
}

/// Sets a key of a table, making the sections on the way.
pub(super) fn set(
    table: &mut Table,
    key: &KeyPath,
    one: &Override,
    source: &Source,
) -> Result<(), ConfigError> {
    let refused = |why: String| {
        let help = "a key is written as optimizer.steps, or fit[2].optimizer.steps for one fit";
        Err(source.error(&one.key, format!("cannot be set: {why}"), help))
    };
    let mut names = Vec::with_capacity(key.0.len());
    for step in &key.0 {
        match step {
            Key::Name(name) => names.push(name.as_str()),
            Key::Index(_) => return refused("only fits are numbered".to_owned()),
        }
    }
    let Some((last, sections)) = names.split_last() else {
        return refused("it names nothing".to_owned());
    };
    let mut table = table;
    for section in sections {
        let value = table
            .entry(*section)
            .or_insert_with(|| Value::Table(Table::new()));
        match value {
            Value::Table(inside) => table = inside,
            _ => return refused(format!("`{section}` is not a section")),
        }
    }
    table.insert((*last).to_owned(), one.value.clone());
    Ok(())
}
