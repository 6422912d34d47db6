//! Names that become folders, and the labels of fits.

use std::collections::HashSet;

use crate::config::FitConfig;
use crate::config::key::KeyPath;
use crate::config::source::Source;
use crate::error::ConfigError;
use crate::files::names;
use crate::fit::Plan;
use crate::text::is_unseen;

/// The longest label, in bytes.
const LONGEST: usize = 200;

/// Gives the fits that have no label that of their divergence, with a number where it is taken.
pub fn label(
    source: &Source,
    (fits, places): (&[FitConfig], &[usize]),
    plans: &mut [Plan],
) -> Result<(), ConfigError> {
    let (mut labels, mut taken) = (HashSet::new(), HashSet::new());
    for (fit, &place) in fits.iter().zip(places) {
        let Some(label) = &fit.label else { continue };
        let key = KeyPath::default().name("fit").index(place).name("label");
        if label.trim() != label || label.is_empty() || label.contains(is_unseen) {
            let help = "write a word or more, without line breaks or spaces around them";
            return Err(source.error(&key, format!("is {label:?}"), help));
        }
        if label.len() > LONGEST {
            let message = format!("is \"{label}\", of {} bytes", label.len());
            let help = format!("give at most {LONGEST}: it stands in legends and tables");
            return Err(source.error(&key, message, help));
        }
        let folder = names::folder_of_fit(label);
        if names::IN_A_RUN
            .iter()
            .any(|name| folder.eq_ignore_ascii_case(name))
        {
            let help = "klfit writes something else there: choose another label";
            return Err(source.error(&key, format!("is \"{label}\""), help));
        }
        if !labels.insert(label.to_lowercase()) {
            let help = "give each fit a label of its own";
            return Err(source.error(&key, "is taken by another fit", help));
        }
        if !taken.insert(folder.to_lowercase()) {
            let message = format!("has the folder {folder}, as that of another fit");
            let help = "give it a label that differs in its letters or digits";
            return Err(source.error(&key, message, help));
        }
    }
    for (fit, plan) in fits.iter().zip(plans) {
        if fit.label.is_none() {
            let numbers = (2..).map(|n| format!("{}-{n}", plan.divergence.name()));
            let mut names = std::iter::once(plan.divergence.name()).chain(numbers);
            if let Some(free) = names.find(|name| taken.insert(name.clone())) {
                plan.label = free;
            }
        }
    }
    Ok(())
}

/// Candidates for one choice can be compared: they minimise the same, and there are several.
pub fn choices(
    source: &Source,
    (fits, places): (&[FitConfig], &[usize]),
    plans: &[Plan],
) -> Result<(), ConfigError> {
    for (i, fit) in fits.iter().enumerate() {
        let Some(choice) = &fit.choice else { continue };
        let key = KeyPath::default()
            .name("fit")
            .index(places[i])
            .name("choice");
        name(source, &key, choice, "a name in the report")?;
        let is_other = |j: usize| j != i && fits[j].choice.as_ref() == Some(choice);
        let mut others = (0..fits.len()).filter(|&j| is_other(j)).peekable();
        if others.peek().is_none() {
            let help = "give the same to another fit, or remove it";
            return Err(source.error(&key, "is that of no other fit", help));
        }
        if others.any(|j| plans[j].divergence != plans[i].divergence) {
            let help = "fits of one choice minimise the same divergence: give others another name";
            return Err(source.error(&key, "is that of a fit with another divergence", help));
        }
    }
    Ok(())
}

/// A name that becomes a folder: nothing that could lead out of it.
pub fn name(source: &Source, at: &KeyPath, name: &str, whose: &str) -> Result<(), ConfigError> {
    if names::names_a_folder(name) {
        return Ok(());
    }
    Err(source.error(
        at,
        format!("is \"{name}\", which cannot name a folder"),
        format!("it becomes {whose}: use letters, digits, \"-\", \"_\" and \".\""),
    ))
}
