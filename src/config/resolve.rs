//! From a file to a [`Config`]: shared sections go into each fit, overrides on top of both.

use toml::{Table, Value};

use super::key::{Key, KeyPath};
use super::source::{ConfigError, Override, Source};
use super::{Config, SHARED};
use crate::estimator::EstimatorConfig;
use crate::optimizer::OptimizerConfig;

/// Reads a config, merges what is shared, and applies the overrides.
pub(super) fn resolve(source: &Source) -> Result<Config, ConfigError> {
    let mut top = source.table()?;
    let (for_fits, for_top): (Vec<_>, Vec<_>) =
        (source.overrides.iter()).partition(|one| is_shared(one));
    for one in for_top {
        set(&mut top, one, source)?;
    }
    let shared: Vec<(&str, Value)> = (SHARED.into_iter())
        .filter_map(|section| top.remove(section).map(|value| (section, value)))
        .collect();
    let dim = target_dim(&top);
    if let Some(Value::Array(fits)) = top.get_mut("fit") {
        for fit in fits.iter_mut().filter_map(Value::as_table_mut) {
            for (section, value) in &shared {
                merge(fit, section, value);
            }
            for one in &for_fits {
                set(fit, one, source)?;
            }
            default_type(fit, "estimator", EstimatorConfig::default_type(dim));
            default_type(fit, "optimizer", OptimizerConfig::DEFAULT);
        }
    }
    source.deserialize(&KeyPath::default(), Value::Table(top))
}

fn is_shared(one: &Override) -> bool {
    matches!(one.key.0.first(), Some(Key::Name(name)) if SHARED.contains(&name.as_str()))
}

/// The fit's own keys win; but a fit that names another `type` replaces the section, since the
/// keys of one type mean nothing to another. A start is replaced as a whole too.
fn merge(fit: &mut Table, section: &str, shared: &Value) {
    match (fit.get_mut(section), shared) {
        (None, shared) => {
            // A fit that asks for restarts does not want the shared start, nor the other way round.
            let other = match section {
                "init" => "restarts",
                "restarts" => "init",
                _ => "",
            };
            if !fit.contains_key(other) {
                fit.insert(section.to_owned(), shared.clone());
            }
        }
        (Some(Value::Table(own)), Value::Table(shared)) if section != "init" => {
            let other_type = own
                .get("type")
                .is_some_and(|own| Some(own) != shared.get("type"));
            if !other_type {
                for (key, value) in shared {
                    own.entry(key.clone()).or_insert_with(|| value.clone());
                }
            }
        }
        _ => {}
    }
}

fn default_type(fit: &mut Table, section: &str, kind: &str) {
    let section = fit
        .entry(section)
        .or_insert_with(|| Value::Table(Table::new()));
    if let Value::Table(section) = section {
        section
            .entry("type")
            .or_insert_with(|| Value::String(kind.to_owned()));
    }
}

/// Sets a key, making the sections on the way.
fn set(table: &mut Table, one: &Override, source: &Source) -> Result<(), ConfigError> {
    let mut names = one.key.0.iter().filter_map(|key| match key {
        Key::Name(name) => Some(name.as_str()),
        Key::Index(_) => None,
    });
    let mut name = names.next().unwrap_or_default();
    let mut table = table;
    for next in names {
        table = table
            .entry(name)
            .or_insert_with(|| Value::Table(Table::new()))
            .as_table_mut()
            .ok_or_else(|| {
                source.error(
                    &one.key,
                    format!("cannot be set: `{name}` is not a section"),
                    "check the key",
                )
            })?;
        name = next;
    }
    table.insert(name.to_owned(), one.value.clone());
    Ok(())
}

/// D as far as it can be told before the target is checked: what a default may depend on.
fn target_dim(top: &Table) -> usize {
    let first = |key: &str| top.get("target")?.get(key)?.as_array();
    let means = first("means").and_then(|means| means.first()?.as_array());
    means.or(first("mean")).map_or(1, Vec::len)
}
