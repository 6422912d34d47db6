//! From a file to a [`Config`]: shared sections go into each fit, overrides on top of both.

use toml::{Table, Value};

use super::key::{Key, KeyPath};
use super::source::{ConfigError, Override, Source};
use super::{Config, MixtureConfig, SHARED, TYPED};
use crate::estimator::EstimatorConfig;
use crate::family::FamilyConfig;
use crate::optimizer::OptimizerConfig;

/// Reads a config, merges what is shared, and applies the overrides.
pub(super) fn resolve(source: &Source) -> Result<Config, ConfigError> {
    let mut top = source.table()?;
    for one in source
        .overrides
        .iter()
        .filter(|one| whose(one) == Whose::Top)
    {
        set(&mut top, &one.key, one, source)?;
    }
    let shared: Vec<(&str, Value)> = (SHARED.into_iter())
        .filter_map(|section| top.remove(section).map(|value| (section, value)))
        .collect();
    let dim = target_dim(&top);
    check_shared(&shared, dim, source)?;
    if let Some(Value::Array(fits)) = top.get_mut("fit") {
        let count = fits.len();
        for (i, fit) in fits.iter_mut().enumerate() {
            let Value::Table(fit) = fit else { continue };
            // A fit that asks for restarts does not want the shared start, nor the other way round.
            let (starts, restarts) = (fit.contains_key("init"), fit.contains_key("restarts"));
            for (section, value) in &shared {
                let unwanted = match *section {
                    "init" => restarts,
                    "restarts" => starts,
                    _ => false,
                };
                if !unwanted {
                    merge(fit, section, value, dim);
                }
            }
            for one in &source.overrides {
                match whose(one) {
                    Whose::EveryFit => set(fit, &one.key, one, source)?,
                    Whose::Fit(place) if place == i => set(fit, &one.key.after(2), one, source)?,
                    Whose::Fit(place) if place >= count => {
                        let message = format!(": there are {count} fits");
                        return Err(source.error(&one.key, message, "fits count from 1"));
                    }
                    _ => {}
                }
            }
            for section in TYPED {
                type_to_variant(fit, section, default_type(section, dim).unwrap_or_default());
            }
        }
    }
    source.deserialize(&KeyPath::default(), Value::Table(top))
}

/// A resolved config in the form a user writes.
pub(super) fn to_toml(config: &Config) -> Result<String, toml::ser::Error> {
    let mut top = Table::try_from(config)?;
    if let Some(Value::Array(fits)) = top.get_mut("fit") {
        for fit in fits.iter_mut().filter_map(Value::as_table_mut) {
            TYPED
                .iter()
                .for_each(|section| variant_to_type(fit, section));
        }
    }
    toml::to_string(&top)
}

/// What an override is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    Top,
    EveryFit,
    /// One fit, counted from 0.
    Fit(usize),
}

fn whose(one: &Override) -> Whose {
    match &one.key.0[..] {
        [Key::Name(fit), Key::Index(place), _, ..] if fit == "fit" => Whose::Fit(*place),
        [Key::Name(name), ..] if SHARED.contains(&name.as_str()) => Whose::EveryFit,
        _ => Whose::Top,
    }
}

/// Reads each shared section by itself: a mistake there is one whether a fit uses it or not.
fn check_shared(shared: &[(&str, Value)], dim: usize, source: &Source) -> Result<(), ConfigError> {
    for (section, value) in shared {
        let at = KeyPath::dotted(section);
        let mut alone = Table::from_iter([((*section).to_owned(), value.clone())]);
        if let Some(default) = default_type(section, dim) {
            type_to_variant(&mut alone, section, default);
        }
        let Some(value) = alone.remove(*section) else {
            continue;
        };
        match *section {
            "restarts" => source.deserialize::<usize>(&at, value).map(drop)?,
            "family" => source.deserialize::<FamilyConfig>(&at, value).map(drop)?,
            "init" => source.deserialize::<MixtureConfig>(&at, value).map(drop)?,
            "estimator" => source
                .deserialize::<EstimatorConfig>(&at, value)
                .map(drop)?,
            _ => source
                .deserialize::<OptimizerConfig>(&at, value)
                .map(drop)?,
        }
    }
    Ok(())
}

/// The fit's own keys win. One that names another `type` keeps of the shared section what every
/// type has; a start is replaced as a whole.
fn merge(fit: &mut Table, section: &str, shared: &Value, dim: usize) {
    match (fit.get_mut(section), shared) {
        (None, shared) => {
            fit.insert(section.to_owned(), shared.clone());
        }
        (Some(Value::Table(own)), Value::Table(shared)) if section != "init" => {
            let kind = |table: &Table| {
                let named = table.get("type").and_then(Value::as_str);
                named.or(default_type(section, dim)).map(str::to_owned)
            };
            let other_type = own.contains_key("type") && kind(own) != kind(shared);
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

/// The type of a section that names none, for the sections that have types.
fn default_type(section: &str, dim: usize) -> Option<&'static str> {
    match section {
        "estimator" => Some(EstimatorConfig::default_type(dim)),
        "optimizer" => Some(OptimizerConfig::DEFAULT),
        _ => None,
    }
}

/// Turns `{ type = "adam", steps = 5 }` into `{ adam = { steps = 5 } }`, the form in which serde
/// can tell which key of a section an error is about. A section without a type gets the default.
fn type_to_variant(fit: &mut Table, section: &str, default: &str) {
    let value = fit
        .entry(section)
        .or_insert_with(|| Value::Table(Table::new()));
    if let Value::Table(settings) = value {
        let kind = match settings.remove("type") {
            None => default.to_owned(),
            Some(Value::String(kind)) => kind,
            Some(other) => other.to_string(),
        };
        let settings = Value::Table(std::mem::take(settings));
        *value = Value::Table(Table::from_iter([(kind, settings)]));
    }
}

/// The other way round: what a resolved config is written from.
fn variant_to_type(fit: &mut Table, section: &str) {
    if let Some(Value::Table(variant)) = fit.get_mut(section)
        && let Some((kind, Value::Table(settings))) = std::mem::take(variant).into_iter().next()
    {
        variant.insert("type".to_owned(), Value::String(kind));
        variant.extend(settings);
    }
}

/// Sets a key of a table, making the sections on the way.
fn set(
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

/// D as far as it can be told before the target is checked: what a default may depend on.
fn target_dim(top: &Table) -> usize {
    let first = |key: &str| top.get("target")?.get(key)?.as_array();
    let means = first("means").and_then(|means| means.first()?.as_array());
    means.or(first("mean")).map_or(1, Vec::len)
}
