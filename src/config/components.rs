//! Several numbers of components in one `[[fit]]`: a fit of each, to choose among.

use std::collections::HashSet;

use toml::{Table, Value};

use super::key::KeyPath;
use super::source::Source;
use super::{InitConfig, InitKind};
use crate::density::target::TargetModel;
use crate::error::{ConfigError, Refusal};
use crate::files::names;
use crate::fit::init::Start;

/// What `components = "auto"` stands for.
const LADDER: [i64; 7] = [1, 2, 3, 4, 6, 8, 10];

/// The fits of a config, each with one number of components, and the place that each had in the config.
pub(super) fn spread(
    fits: Vec<Value>,
    (target, seed): (&TargetModel, u64),
    source: &Source,
) -> Result<(Vec<Value>, Vec<usize>), ConfigError> {
    let (mut all, mut places, mut named) = (Vec::new(), Vec::new(), HashSet::new());
    for (place, fit) in fits.into_iter().enumerate() {
        let at = KeyPath::default().name("fit").index(place);
        let mut fit = fit;
        if let Value::Table(fit) = &mut fit {
            as_many_as_modes(fit, &at, (target, seed), source)?;
        }
        let numbers = match &fit {
            Value::Table(fit) => numbers(fit, &at, source)?,
            _ => None,
        };
        let (Some(numbers), Value::Table(fit)) = (numbers, &fit) else {
            places.push(place);
            all.push(fit);
            continue;
        };
        let name = name_of(fit, &mut named);
        for number in numbers {
            let mut one = fit.clone();
            if let Some(Value::Table(family)) = one.get_mut("family") {
                family.insert("components".to_owned(), number.into());
            }
            one.insert("label".to_owned(), format!("{name}-{number}").into());
            one.entry("choice")
                .or_insert_with(|| names::folder_of_fit(&name).into());
            places.push(place);
            all.push(Value::Table(one));
        }
    }
    Ok((all, places))
}

/// Puts one number of components in the place of several, for what does not depend on it.
pub(super) fn set_aside(fit: &mut Table) {
    if let Some(Value::Table(family)) = fit.get_mut("family")
        && let Some(Value::Array(_) | Value::String(_)) = family.get("components")
    {
        family.remove("components");
    }
}

/// Puts the number of modes that starts of type `laplace` find in the place of `components = "modes"`.
fn as_many_as_modes(
    fit: &mut Table,
    at: &KeyPath,
    (target, seed): (&TargetModel, u64),
    source: &Source,
) -> Result<(), ConfigError> {
    let components = |fit: &Table| fit.get("family")?.get("components").cloned();
    if components(fit).as_ref().and_then(Value::as_str) != Some("modes") {
        return Ok(());
    }
    let key = at.name("family").name("components");
    let by_climbs = Table::from_iter([(
        "type".to_owned(),
        Value::Table(Table::from_iter([(
            "laplace".to_owned(),
            Value::Table(Table::new()),
        )])),
    )]);
    let init = fit.entry("init").or_insert(Value::Table(by_climbs)).clone();
    let init: InitConfig = source.deserialize(&at.name("init"), init)?;
    let InitKind::Laplace(rule) = init.kind else {
        let message = format!("is \"modes\", and init.type is \"{}\"", init.kind.name());
        let help = "leave [init] out, or use type = \"laplace\", which finds them";
        return Err(source.error(&key, message, help));
    };
    let refused = |refusal: Refusal| {
        source.error(
            &at.name("init").name(refusal.key),
            refusal.message,
            refusal.help,
        )
    };
    Start::drawn(rule, 1).check().map_err(refused)?;
    let modes = rule.count(target, seed).map_err(refused)?;
    if let Some(Value::Table(family)) = fit.get_mut("family") {
        family.insert("components".to_owned(), Value::Integer(modes as i64));
    }
    Ok(())
}

/// The numbers of components of a fit that asks for several; `None` of one that does not.
fn numbers(fit: &Table, at: &KeyPath, source: &Source) -> Result<Option<Vec<i64>>, ConfigError> {
    let Some(Value::Table(family)) = fit.get("family") else {
        return Ok(None);
    };
    let key = at.name("family").name("components");
    let refused = |message: String, help: &str| Err(source.error(&key, message, help));
    match family.get("components") {
        Some(Value::String(text)) if text == "auto" => Ok(Some(LADDER.to_vec())),
        Some(Value::Array(list)) => {
            let numbers: Option<Vec<i64>> = list.iter().map(Value::as_integer).collect();
            let Some(numbers) = numbers.filter(|numbers| numbers.len() > 1) else {
                return refused(
                    "is a list, but not of several whole numbers".to_owned(),
                    "give one number, or a list as in [1, 2, 3, 4, 6, 8]",
                );
            };
            if !numbers.is_sorted_by(|a, b| a < b) {
                return refused(
                    format!("is {numbers:?}, which does not rise"),
                    "give each number once, the least first",
                );
            }
            Ok(Some(numbers))
        }
        _ => Ok(None),
    }
}

/// What the fits of a list are called, and their choice: the label that was given, or the divergence.
fn name_of(fit: &Table, named: &mut HashSet<String>) -> String {
    let text = |key: &str| fit.get(key).and_then(Value::as_str).map(str::to_owned);
    let first = text("label").or_else(|| text("divergence"));
    let first = first.unwrap_or_else(|| "fit".to_owned());
    let numbered = (2..).map(|n| format!("{first}-{n}th"));
    let mut names = std::iter::once(first.clone()).chain(numbered);
    names
        .find(|name| named.insert(name.clone()))
        .unwrap_or(first)
}
