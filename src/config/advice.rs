//! What serde says of a value of the wrong shape, in words that help.

use serde::de::DeserializeOwned;

use super::key::KeyPath;
use super::source::Source;
use super::{SHARED, Typed, top_keys};
use crate::error::ConfigError;
use crate::text::nearest;

impl Source {
    /// Reads a value that stands at `at`, with errors that name the key they are about.
    pub fn deserialize<T: DeserializeOwned>(
        &self,
        at: &KeyPath,
        value: toml::Value,
    ) -> Result<T, ConfigError> {
        serde_path_to_error::deserialize(value).map_err(|error| {
            use serde_path_to_error::Segment;
            let mut key = at.clone();
            let segments: Vec<&Segment> = error.path().iter().collect();
            for (i, segment) in segments.iter().enumerate() {
                // What depends on the type stands beside it in a config, and inside it here.
                let leads_on = i + 1 < segments.len();
                key = match segment {
                    Segment::Map { key: name } if name == "type" && leads_on => key,
                    Segment::Map { key: name } => key.name(name),
                    Segment::Seq { index } => key.index(*index),
                    Segment::Enum { .. } | Segment::Unknown => key,
                };
            }
            let kind = segments.iter().find_map(|segment| match segment {
                Segment::Enum { variant } => Some(variant.as_str()),
                _ => None,
            });
            advise(self, key, error.inner().message(), kind)
        })
    }
}

/// Words serde's message about a key; `kind` is the `type` of its section, if it has one.
pub(super) fn advise(
    source: &Source,
    key: KeyPath,
    message: &str,
    kind: Option<&str>,
) -> ConfigError {
    let message = message.trim_end();
    // Its names stand in backticks: the one it is about, then those there are.
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let (name, valid) = quoted.split_first().unwrap_or((&"", &[]));
    if message.starts_with("unknown field") {
        unknown_key(source, key, name, valid, kind)
    } else if message.starts_with("unknown variant") {
        let message = format!("is \"{name}\", which klfit does not know");
        source.error(&key, message, suggestion(name, valid, &[]))
    } else if message.starts_with("missing field") {
        let help = match *name {
            "fit" => "add a fit, as in\n\n    [[fit]]\n    divergence = \"forward-kl\"".to_owned(),
            _ => format!("add `{name} = ...`"),
        };
        source.error(&key.name(name), "is missing", help)
    } else if message.starts_with("invalid type: unit variant") {
        let help = "docs/config.md lists the names it can have";
        source.error(&key, "is not a name in quotes", help)
    } else {
        wrong_value(source, &key, message)
    }
}

/// What is said of a key that is not one of the `valid`.
pub(super) fn unknown_key(
    source: &Source,
    key: KeyPath,
    name: &str,
    valid: &[&str],
    kind: Option<&str>,
) -> ConfigError {
    let key = if key.ends_with_name(name) {
        key
    } else {
        key.name(name)
    };
    let section = key.parent();
    let among_sections = key.is_at_top() || section.ends_with_index();
    if let Some(home) = section_of(name).filter(|_| among_sections) {
        let help = format!("it belongs to a section: {home} = {{ {name} = ... }}");
        return source.error(&key, "is not a key klfit knows here", help);
    }
    if !among_sections && (top_keys().contains(&name) || SHARED.contains(&name)) {
        let help = format!(
            "`{name}` stands at the top of the file, before any section: move it there, or give it a \
             section of its own"
        );
        return source.error(&key, "is not a key klfit knows here", help);
    }
    let mut valid = valid.to_vec();
    if key.is_at_top() {
        valid.extend(SHARED);
    }
    let typed = section.last_name().and_then(Typed::of);
    if let Some(typed) = typed {
        typed.common().for_each(|key| valid.push(key));
        valid.push("type");
    }
    let telling = typed.map_or(&[][..], |typed| typed.telling);
    let message = match kind {
        Some(kind) => format!("is not a key of type = \"{kind}\""),
        None => "is not a key klfit knows".to_owned(),
    };
    source.error(&key, message, suggestion(name, &valid, telling))
}

/// `invalid type: string "five", expected usize`, and the like.
fn wrong_value(source: &Source, key: &KeyPath, message: &str) -> ConfigError {
    let (found, expected) = message.split_once(", expected ").unwrap_or((message, ""));
    let found = ["invalid type: ", "invalid value: "]
        .iter()
        .find_map(|start| found.strip_prefix(start))
        .map(|found| format!("is {}", without_type(found)))
        .or_else(|| {
            let length = found.strip_prefix("invalid length ")?;
            Some(format!("has {length} entries"))
        })
        .unwrap_or_else(|| found.to_owned());
    let expected = match expected.trim() {
        "f64" => "a number",
        "usize" | "u64" => "a whole number, at least 0",
        "a sequence" => "a list",
        "a map" => "a section",
        "an array of length 2" => "a list of 2 numbers",
        "fewer elements in array" => "fewer",
        other => other,
    };
    let name = key.last_name();
    let help = match (expected, name) {
        ("a list", Some("fit")) | ("a [[fit]] section", _) => {
            "write [[fit]] in double brackets, once for each fit"
        }
        ("a list", Some(name @ ("panels" | "only" | "format"))) => {
            let one = found.strip_prefix("is ").unwrap_or("\"…\"");
            &format!("give a list of names, as in {name} = [{one}]")
        }
        ("a list", Some("weights")) => "give a number for each component, as in [0.5, 0.5]",
        ("a list", Some("equations")) => {
            "give one for each variable, as in [\"x1 = 0\", \"x2 = 1 + 0.5 x1\"]"
        }
        ("a list", Some("stds")) => {
            "give a list for each component, as in [[1.0], [1.0]]; of equations a number for each, \
             as in [1.0, 0.5]"
        }
        ("a list", Some("mean" | "std")) => {
            "give a list with a number for each coordinate, as in [0.0]"
        }
        ("a list", _) if key.is_singular() || key.parent().is_singular() => {
            "give a list of rows, as in [[1.0, 0.5], [0.5, 1.0]]"
        }
        ("a list", _) => {
            "give a list for each component, as in [[1.0], [1.0]]; one Gaussian may have `mean` \
             and `std`"
        }
        ("a section", _) => {
            "write its name in brackets on a line of its own and its keys below, or both on one \
             line as in optimizer = { type = \"adam\" }"
        }
        ("a list of 2 numbers", _) => "give [lower, upper], as in [-12.0, 12.0]",
        _ => "docs/config.md lists every key with what it takes",
    };
    let message = match expected {
        "" => found,
        expected => format!("{found}, expected {expected}"),
    };
    source.error(key, message, help)
}

/// The value itself, without serde's name for its type.
fn without_type(found: &str) -> String {
    let value = ["floating point ", "integer ", "string ", "boolean "]
        .iter()
        .find_map(|name| found.strip_prefix(name));
    match (value, found) {
        (Some(value), _) => value.trim_matches('`').to_owned(),
        (None, "sequence") => "a list".to_owned(),
        (None, "map") => "a section".to_owned(),
        (None, other) => other.to_owned(),
    }
}

/// The section a key belongs to, for keys that are often put beside it.
fn section_of(key: &str) -> Option<&'static str> {
    match key {
        "steps" | "learning_rate" | "momentum" | "schedule" | "warmup" | "clip" => {
            Some("optimizer")
        }
        "points" | "samples" | "range" | "order" | "noise" | "gradient" => Some("estimator"),
        "components" | "covariance" | "rank" | "min_std" => Some("family"),
        "gradient_norm" | "loss_change" => Some("stop"),
        "equations" | "edges" | "counts" | "dof" | "means" | "stds" | "header" | "missing"
        | "log_density" | "constants" | "support" | "variables" => Some("target"),
        "backend" | "precision" => Some("device"),
        _ => None,
    }
}

/// "did you mean", or what there is to choose from; `meant` are others that may be meant.
fn suggestion(unknown: &str, valid: &[&str], meant: &[&str]) -> String {
    match nearest(unknown, valid.iter().chain(meant).copied()) {
        Some(name) => format!("did you mean `{name}`?"),
        None if valid.is_empty() => "remove it".to_owned(),
        None => format!("here it can be one of: {}", valid.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn said(key: &str, message: &str) -> String {
        let source = Source::new(Path::new("config.toml"), "", Vec::new()).unwrap();
        let error = advise(&source, KeyPath::dotted(key), message, None);
        format!("{}; {}", error.message, error.help.unwrap())
    }

    #[test]
    fn values_are_told_in_the_words_of_a_config() {
        let said_of = |message: &str| said("optimizer.steps", message);
        assert!(
            said_of("invalid type: string \"map\", expected usize\n")
                .starts_with("`optimizer.steps` is \"map\", expected a whole number, at least 0;")
        );
        assert!(
            said(
                "target.mean",
                "invalid type: floating point `0.5`, expected a sequence"
            )
            .starts_with("`target.mean` is 0.5, expected a list; give a list with a number")
        );
        assert!(
            said(
                "figures.densities.panels",
                "invalid type: string \"reverse-kl\", expected a sequence"
            )
            .ends_with("as in panels = [\"reverse-kl\"]")
        );
        assert!(
            said(
                "estimator.range",
                "invalid length 3, expected fewer elements in array"
            )
            .starts_with("`estimator.range` has 3 entries, expected fewer;")
        );
    }

    #[test]
    fn keys_that_are_far_from_any_other_get_the_list() {
        let message = "unknown field `zebra`, expected one of `points`, `range`";
        assert_eq!(
            said("estimator", message),
            "`estimator.zebra` is not a key klfit knows; here it can be one of: points, range, \
             gradient, noise, reuse, type"
        );
        let message = "unknown field `steps`, expected one of `divergence`, `label`";
        assert!(said("fit[2]", message).contains("optimizer = { steps = ... }"));
    }
}
