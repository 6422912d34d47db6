//! The mixture that a command is given, with what its coordinates are called.

use std::collections::HashSet;
use std::path::Path;

use crate::calculator::read_operand;
use crate::cli::Verbosity;
use crate::config::read_target;
use crate::density::target::Distribution;
use crate::error::{Error, Result};
use crate::import::read_feature_names;
use crate::mixture::Mixture;
use crate::text::{count, nearest};

/// A mixture from a file.
#[derive(Debug)]
pub struct Input {
    /// What it is called: its file, usually.
    pub name: String,
    /// The mixture.
    pub mixture: Mixture,
    /// The names of its D coordinates.
    pub coordinates: Vec<String>,
}

impl Input {
    /// Reads a mixture as `klfit divergence` reads a density.
    pub fn read(text: &str, verbosity: Verbosity) -> Result<Self> {
        let reading = verbosity.working(format!("reading {text}"));
        let operand = read_operand(text)?;
        let Some(mixture) = operand.model.as_mixture().cloned() else {
            return Err(Error::usage(
                format!(
                    "{text} is {}, and no mixture of Gaussians",
                    operand.model.describe()
                ),
                "fit one to it by `klfit run`, and give the folder of that run",
            ));
        };
        let dim = mixture.dim();
        let coordinates = (operand.rows.map(|rows| rows.names().to_vec()))
            .or_else(|| names_of_target(text))
            .or_else(|| read_feature_names(Path::new(text)))
            .filter(|names| names.len() == dim && are_distinct(names))
            .unwrap_or_else(|| Distribution::coordinates(&mixture));
        drop(reading);
        verbosity.notes(&operand.notes);
        Ok(Self {
            name: operand.name,
            mixture,
            coordinates,
        })
    }

    /// Which coordinate a name is: its own, or x1, x2, … of any.
    pub fn coordinate(&self, name: &str) -> Result<usize> {
        let dim = self.coordinates.len();
        if let Some(place) = self.coordinates.iter().position(|own| own == name) {
            return Ok(place);
        }
        let numbered = name.strip_prefix('x').and_then(|n| n.parse().ok());
        if let Some(n) = numbered.filter(|n| (1..=dim).contains(n)) {
            return Ok(n - 1);
        }
        let listed: Vec<&str> = self
            .coordinates
            .iter()
            .take(12)
            .map(String::as_str)
            .collect();
        let more = if dim > listed.len() { ", …" } else { "" };
        let help = match nearest(name, self.coordinates.iter().map(String::as_str)) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("it has {}{more}", listed.join(", ")),
        };
        Err(Error::usage(
            format!(
                "{} has no coordinate {name} among its {}",
                self.name,
                count(dim, "coordinate")
            ),
            help,
        ))
    }

    /// Another mixture with its coordinates in the order of these, where both call them alike.
    pub fn aligned(&self, other: Self, verbosity: Verbosity) -> Result<Mixture> {
        let place = |name: &String| other.coordinates.iter().position(|own| own == name);
        let places: Option<Vec<usize>> = self.coordinates.iter().map(place).collect();
        match places {
            Some(places) if other.coordinates.len() == places.len() => match places.is_sorted() {
                true => Ok(other.mixture),
                false => Ok(other.mixture.marginal(&places)?),
            },
            _ => {
                verbosity.notes(&[format!(
                    "the coordinates {} of {} are taken as {} in their order",
                    other.coordinates.join(", "),
                    other.name,
                    self.coordinates.join(", ")
                )]);
                Ok(other.mixture)
            }
        }
    }

    /// What a mixture of some of its coordinates calls them.
    pub fn names_of(&self, places: &[usize]) -> Vec<String> {
        places
            .iter()
            .map(|&i| self.coordinates[i].clone())
            .collect()
    }
}

/// Whether no name is there twice.
pub fn are_distinct(names: &[String]) -> bool {
    names.iter().collect::<HashSet<_>>().len() == names.len()
}

/// What the target of a run or of a config calls its coordinates; those of the line where some have bounds.
fn names_of_target(text: &str) -> Option<Vec<String>> {
    let folder = match text.rsplit_once('#') {
        Some((folder, _)) if !Path::new(text).exists() => Path::new(folder),
        _ => Path::new(text),
    };
    let file = match folder.is_dir() {
        true => folder.join("config.toml"),
        false => folder.to_owned(),
    };
    if file.extension()? != "toml" {
        return None;
    }
    // Without them they are called x1, x2, …: no reason to refuse a mixture.
    let target = read_target(&file).ok()?;
    Some(match target.model.bounded() {
        Some(bounded) => bounded.names_of_u(),
        None => target.names,
    })
}
