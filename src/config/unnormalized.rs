//! What a target by a formula and one by a program have in common: coordinates, and that their place is looked for.

use toml::{Table, Value};

use super::key::KeyPath;
use super::source::Source;
use crate::coordinates::{Support, Variable};
use crate::density::target::{Function, Unnormalized};
use crate::error::ConfigError;
use crate::formula::Formula;
use crate::mixture::MOST_DIM;
use crate::normalizer;
use crate::text;

/// What a section says of them.
pub(super) struct CoordinatesConfig<'c> {
    pub dim: Option<usize>,
    pub variables: Option<&'c [String]>,
    pub support: Option<&'c Table>,
    /// Names that are taken.
    pub constants: Option<&'c Table>,
}

impl CoordinatesConfig<'_> {
    /// The coordinates: those with names, or as many as `dim` says, or as `otherwise` does. Too many are told at
    /// the key of the density, `of`.
    pub fn resolve(
        &self,
        at: &KeyPath,
        of: &str,
        source: &Source,
        otherwise: impl FnOnce() -> Result<usize, ConfigError>,
    ) -> Result<Vec<Variable>, ConfigError> {
        let mut variables = match (self.variables, self.support, self.dim) {
            (Some(names), ..) => self.named(names, &at.name("variables"), source)?,
            (None, Some(support), None) if !support.is_empty() => {
                let names: Vec<String> = support.keys().cloned().collect();
                self.named(&names, &at.name("support"), source)?
            }
            (None, _, dim) => {
                let dim = match dim {
                    Some(0) => {
                        return Err(source.error(&at.name("dim"), "is 0", "give 1 or more"));
                    }
                    Some(dim) => dim,
                    None => otherwise()?,
                };
                let one = |i: usize| Variable {
                    name: if dim == 1 {
                        "x".into()
                    } else {
                        format!("x{i}")
                    },
                    len: 1,
                    support: Support::Real,
                };
                (1..=dim.min(MOST_DIM + 1)).map(one).collect()
            }
        };
        let total: usize = variables.iter().map(|variable| variable.len).sum();
        if let (Some(dim), true) = (self.dim, self.variables.is_some())
            && dim != total
        {
            let message = format!(
                "is {dim}, and the variables are {}",
                text::count(total, "coordinate")
            );
            return Err(source.error(&at.name("dim"), message, "leave it out"));
        }
        if total > MOST_DIM {
            let message = format!("has {total} coordinates, and {MOST_DIM} is the most");
            return Err(source.error(&at.name(of), message, "leave some out"));
        }
        let at = at.name("support");
        for (name, value) in self.support.into_iter().flatten() {
            let bare = name.split('[').next().unwrap_or_default().trim();
            let is_only = variables.len() == 1 && ["x", "x1"].contains(&bare);
            let found = (variables.iter_mut())
                .find(|variable| variable.name == bare || is_only && variable.name == "x");
            let Some(variable) = found else {
                return Err(source.error(
                    &at.name(name),
                    "is none of the coordinates",
                    "name one of them, or give `variables`",
                ));
            };
            variable.support = support(value).ok_or_else(|| {
                source.error(
                    &at.name(name),
                    "is no support",
                    "write \"real\", \"positive\", or [lower, upper], where a bound may be inf",
                )
            })?;
        }
        Ok(variables)
    }

    /// The same, of a density that does not tell how many there are.
    pub fn needed(
        &self,
        at: &KeyPath,
        of: &str,
        source: &Source,
    ) -> Result<Vec<Variable>, ConfigError> {
        self.resolve(at, of, source, || {
            Err(source.error(
                &at.name("dim"),
                "is missing",
                "say how many numbers a point has, as in dim = 8, or name them, as in variables = [\"mu\", \
                 \"theta[7]\"]",
            ))
        })
    }

    fn named(
        &self,
        names: &[String],
        at: &KeyPath,
        source: &Source,
    ) -> Result<Vec<Variable>, ConfigError> {
        let mut variables: Vec<Variable> = Vec::new();
        for text in names {
            let (name, len) = match text.split_once('[') {
                None => (text.trim(), Some(1)),
                Some((name, len)) => {
                    let len = len.trim().strip_suffix(']');
                    let len = len.and_then(|len| len.trim().parse().ok());
                    (name.trim(), len.filter(|len| (1..=MOST_DIM).contains(len)))
                }
            };
            let wrong = |message: String| {
                let help =
                    "names begin with a letter, as mu; eta[8] is a list of eight coordinates";
                source.error(at, message, help)
            };
            let Some(len) = len.filter(|_| Formula::is_name(name)) else {
                return Err(wrong(format!(
                    "has \"{}\", which is no name",
                    text::brief(text)
                )));
            };
            if variables.iter().any(|other| other.name == name) {
                return Err(wrong(format!("has {name} twice")));
            }
            let is_constant = self.constants.is_some_and(|all| all.contains_key(name));
            if is_constant {
                return Err(wrong(format!(
                    "has {name}, which is among the constants too"
                )));
            }
            variables.push(Variable {
                name: name.to_owned(),
                len,
                support: Support::Real,
            });
        }
        Ok(variables)
    }
}

/// The density that a function is, for the key it stands at. What may not be meant goes to `notes`.
pub(super) fn located(
    function: impl Into<Function>,
    key: &KeyPath,
    source: &Source,
    notes: &mut Vec<String>,
) -> Result<Unnormalized, ConfigError> {
    let found = normalizer::locate(function)
        .map_err(|refusal| source.error(key, refusal.message, refusal.help))?;
    if found.located().log_normalizer_error.is_infinite() {
        notes.push(format!(
            "`{key}`: log Z is not known (k-hat {:.2}): the draws that look for the mass of p miss some \
             of its tails, and so will all numbers that are made from draws of p; reverse KL is \
             minimised without them",
            found.located().k_hat
        ));
    }
    Ok(found)
}

/// A number, or a whole one.
pub(super) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        _ => None,
    }
}

fn support(value: &Value) -> Option<Support> {
    match value {
        Value::String(name) if name == "real" => Some(Support::Real),
        Value::String(name) if name == "positive" => Some(Support::Above(0.0)),
        Value::Array(both) => match &both[..] {
            [from, to] => Support::between(number(from)?, number(to)?),
            _ => None,
        },
        _ => None,
    }
}
