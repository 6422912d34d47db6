//! What the program that this library is part of gives to configs by name: log-densities and tables.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::{Error, Result};

/// How the path of a table that was given begins, where that of a file may stand.
const PREFIX: &str = "given:";

/// A log-density in nats, up to a constant, that a program computes in its own process.
///
/// A config names it as `function` of a target once it was [given](give_function).
pub trait LogDensity: Send + Sync {
    /// Log p at N points x `[N, D]`. It must answer in the same way each time, with a gradient or without one; it may be
    /// called from any thread.
    ///
    /// # Errors
    /// Whatever went wrong: it ends what asked.
    fn log_densities(&self, x: &[f64], dim: usize) -> Result<LogDensities>;

    /// The same, handed to `take` once, log p and its gradient: it is this that is called. Numbers that are somewhere
    /// already need not be copied first.
    ///
    /// # Errors
    /// As [`log_densities`](Self::log_densities).
    fn with_log_densities(&self, x: &[f64], dim: usize, take: Take<'_>) -> Result<()> {
        let LogDensities { values, gradient } = self.log_densities(x, dim)?;
        take(&values, gradient.as_deref());
        Ok(())
    }
}

/// What takes log p `[N]`, and its gradient `[N, D]` where it is known.
pub type Take<'a> = &'a mut dyn FnMut(&[f64], Option<&[f64]>);

/// A log-density in nats at N points.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LogDensities {
    /// `[N]`.
    pub values: Vec<f64>,
    /// Its gradient `[N, D]`, where it is known.
    pub gradient: Option<Vec<f64>>,
}

/// Rows of numbers, with the names of their columns.
#[derive(Debug)]
pub(crate) struct Table {
    pub columns: Vec<String>,
    pub rows: Vec<f64>,
}

#[derive(Clone)]
enum Thing {
    Function(Arc<dyn LogDensity>),
    Table(Arc<Table>),
}

static THINGS: Mutex<BTreeMap<String, Thing>> = Mutex::new(BTreeMap::new());

fn things() -> MutexGuard<'static, BTreeMap<String, Thing>> {
    THINGS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Something that configs may name, for as long as this is kept.
#[derive(Debug)]
#[must_use = "what is given is taken back when this is dropped"]
pub struct Given {
    name: String,
}

impl Given {
    fn new(name: &str, thing: Thing) -> Result<Self> {
        let mut things = things();
        if name.is_empty() || things.contains_key(name) {
            return Err(Error::usage(
                format!("\"{name}\" is no name that is free"),
                "give another one",
            ));
        }
        things.insert(name.to_owned(), thing);
        Ok(Self {
            name: name.to_owned(),
        })
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What stands for it where the path of a table may.
    pub fn path(&self) -> PathBuf {
        format!("{PREFIX}{}", self.name).into()
    }
}

impl Drop for Given {
    fn drop(&mut self) {
        things().remove(&self.name);
    }
}

/// Gives a log-density to configs, in this process, as the `function` of a target.
///
/// # Errors
/// If the name is empty, or has been given.
pub fn give_function(name: &str, function: Arc<dyn LogDensity>) -> Result<Given> {
    Given::new(name, Thing::Function(function))
}

/// Gives a table to configs, in this process, as the `file` of samples: the names of its columns, and its rows one
/// after the other.
///
/// # Errors
/// If the name is empty, or has been given, or the rows do not come out even.
pub fn give_table(name: &str, columns: Vec<String>, rows: Vec<f64>) -> Result<Given> {
    if columns.is_empty() || !rows.len().is_multiple_of(columns.len()) {
        return Err(Error::usage(
            format!(
                "{} numbers are not rows of {} columns",
                rows.len(),
                columns.len()
            ),
            "give every row a number for each column",
        ));
    }
    Given::new(name, Thing::Table(Arc::new(Table { columns, rows })))
}

/// The function of that name, if it is given.
pub(crate) fn function(name: &str) -> Option<Arc<dyn LogDensity>> {
    match things().get(name) {
        Some(Thing::Function(function)) => Some(Arc::clone(function)),
        _ => None,
    }
}

/// Whether a path stands for a table that is given.
pub(crate) fn is_table(path: &Path) -> bool {
    path.to_str().is_some_and(|path| path.starts_with(PREFIX))
}

/// The table that a path stands for.
///
/// # Errors
/// If none of that name is given.
pub(crate) fn table(path: &Path) -> Result<Arc<Table>> {
    let name = path.to_str().and_then(|path| path.strip_prefix(PREFIX));
    match things().get(name.unwrap_or_default()) {
        Some(Thing::Table(table)) => Ok(Arc::clone(table)),
        _ => Err(Error::usage(
            format!("{} is a table of another program", path.display()),
            "begin it from that program again; or save the table as a file, and name that",
        )),
    }
}

impl fmt::Debug for dyn LogDensity {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a log-density that was given")
    }
}
