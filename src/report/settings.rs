//! What was asked, from the resolved config.

use toml::{Table, Value};

use crate::error::{Error, Result};
use crate::run_folder::FinishedRun;
use crate::text::count;

/// A setting, and what it is for all fits, or for each where they differ.
pub struct Setting {
    pub name: &'static str,
    /// Without a fit's label if it is the same for all.
    pub values: Vec<(Option<String>, String)>,
}

/// One sentence.
pub fn lead(finished: &FinishedRun) -> String {
    let fits = &finished.config.fit;
    let begun = match finished.fits.len() {
        n if n == fits.len() => String::new(),
        n => format!(", of which {n} began"),
    };
    format!(
        "{} of a density q to {} p in {}{begun}.",
        count(fits.len(), "fit"),
        finished.target.describe(),
        count(finished.dim(), "dimension"),
    )
}

/// The settings, in the order a reader asks for them.
pub fn settings(finished: &FinishedRun) -> Result<Vec<Setting>> {
    let mut settings = vec![Setting {
        name: "target p",
        values: vec![(None, finished.target.parameters())],
    }];
    let mut of_fits: [(&str, Vec<String>); 6] = [
        "minimised",
        "q",
        "start",
        "expectations",
        "optimizer",
        "stop",
    ]
    .map(|name| (name, Vec::new()));
    for (chapter, fit) in finished.fits.iter().zip(&finished.config.fit) {
        let plan = &chapter.plan;
        let unwritable = |error: toml::ser::Error| {
            Error::usage(
                format!("the config cannot be written as TOML: {error}"),
                "check its numbers",
            )
        };
        let section = |value: Result<Value, toml::ser::Error>| value.map(|value| words(&value));
        let texts = [
            format!("{}, {}", plan.divergence.title(), plan.divergence.symbol()),
            section(Value::try_from(&fit.family)).map_err(unwritable)?,
            plan.start.describe(),
            section(Value::try_from(fit.estimator)).map_err(unwritable)?,
            {
                let mut rule = Value::try_from(fit.optimizer).map_err(unwritable)?;
                // A rule that finds its own steps has no rate, and nothing that changes one.
                if let (None, Value::Table(keys)) = (plan.optimizer.rate(), &mut rule) {
                    for key in ["schedule", "warmup"] {
                        keys.remove(key);
                    }
                }
                let rule = words(&rule);
                let anneal = fit.anneal.map(|anneal| section(Value::try_from(anneal)));
                let anneal = anneal.transpose().map_err(unwritable)?;
                let adapt = fit.adapt.map(|adapt| section(Value::try_from(adapt)));
                let adapt = adapt.transpose().map_err(unwritable)?;
                let more = [
                    anneal.map(|anneal| format!("; annealed: {anneal}")),
                    adapt.map(|adapt| format!("; components come and go: {adapt}")),
                ];
                more.into_iter()
                    .flatten()
                    .fold(rule, |rule, more| rule + &more)
            },
            match plan.stop.is_never() {
                true => "after all steps".to_owned(),
                false => section(Value::try_from(plan.stop)).map_err(unwritable)?,
            },
        ];
        for ((_, values), text) in of_fits.iter_mut().zip(texts) {
            values.push(text);
        }
    }
    settings.extend(of_fits.into_iter().map(|(name, values)| {
        Setting {
            name,
            values: match values.iter().all(|value| *value == values[0]) {
                true => vec![(None, values[0].clone())],
                false => (finished.fits.iter().zip(values))
                    .map(|(fit, value)| (Some(fit.summary.name().into_owned()), value))
                    .collect(),
            },
        }
    }));
    Ok(settings)
}

/// A section as words: what it is, then its keys with their values.
fn words(section: &Value) -> String {
    match section {
        Value::Table(table) => table_words(table).join(", "),
        other => plain(other),
    }
}

fn table_words(table: &Table) -> Vec<String> {
    let mut words = Vec::new();
    for (key, value) in table {
        match value {
            // A rule with its own keys: `type = { adam = { .. } }`.
            Value::Table(inner) if key == "type" => {
                for (name, keys) in inner {
                    words.push(name.clone());
                    if let Value::Table(keys) = keys {
                        words.extend(table_words(keys));
                    }
                }
            }
            value if key == "type" => words.push(plain(value)),
            value => words.push(format!("{} {}", key.replace('_', " "), plain(value))),
        }
    }
    words
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Float(number) if *number != 0.0 && !(1e-3..1e9).contains(&number.abs()) => {
            format!("{number:e}")
        }
        Value::Float(number) => format!("{number}"),
        other => other.to_string(),
    }
}
