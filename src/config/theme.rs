//! Themes, and what the command line says of figures.

use std::path::Path;

use toml::{Table, Value};

use super::FiguresConfig;
use super::advice::unknown_key;
use super::check;
use super::key::KeyPath;
use super::resolve::set;
use super::source::{Override, Source};
use crate::error::{ConfigError, Result};

/// The section.
const SECTION: &str = "figures";

/// What a theme says of figures, a file with the section `[figures]` alone, and on top of it what overrides of keys in
/// that section say.
///
/// # Errors
/// If the file cannot be read, or says something that makes no sense.
pub fn read_figures(theme: Option<&Path>, overrides: Vec<Override>) -> Result<FiguresConfig> {
    let source = match theme {
        Some(path) => Source::read(path, overrides)?,
        None => Source::new(Path::new("the command line"), "", overrides)?,
    };
    Ok(figures(&source)?)
}

fn figures(source: &Source) -> Result<FiguresConfig, ConfigError> {
    let mut top = (*source.table).clone();
    if let Some(name) = top.keys().find(|name| *name != SECTION) {
        let key = KeyPath::default().name(name);
        return Err(unknown_key(source, key, name, &[SECTION], None));
    }
    for one in &source.overrides {
        set(&mut top, &one.key, one, source)?;
    }
    let section = top.remove(SECTION).unwrap_or(Value::Table(Table::new()));
    let mut figures: FiguresConfig = source.deserialize(&KeyPath::dotted(SECTION), section)?;
    figures.settle(source);
    check::figures(source, &figures)?;
    Ok(figures)
}
