//! `[sweep]` of a config: one experiment for each point of a grid or a list of settings.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use toml::{Table, Value};

use super::Experiment;
use super::distributed::DISTRIBUTED;
use super::key::KeyPath;
use super::part::Part;
use super::resolve::{SWEEP, set_sweep};
use super::source::{Override, Source};
use super::space::space_note;
use crate::density::target::TargetModel;
use crate::error::{ConfigError, Error, Result};
use crate::text::count;

/// More points than this are taken for a mistake.
const MOST_POINTS: usize = 10_000;
/// The most numbers the targets of all points may have together: each point keeps its own.
const MOST_NUMBERS: usize = 1 << 28;
/// A label longer than this would not name a folder well.
const LONGEST_LABEL: usize = 60;

/// The experiments of a sweep, or of a part of it.
#[derive(Debug, Clone)]
pub struct Sweep {
    /// The name of the whole.
    pub name: String,
    /// The labels of all its points, the last key of a grid changing fastest.
    pub labels: Vec<String>,
    /// Which of them are taken; all unless it says.
    pub part: Option<Part>,
    /// Those that are taken, in order.
    pub points: Vec<SweepPoint>,
}

/// One experiment of a sweep.
#[derive(Debug, Clone)]
pub struct SweepPoint {
    /// Which one it is, from 1.
    pub number: usize,
    /// A name for its folder: `learning_rate-0.1_samples-64`.
    pub label: String,
    /// What is set: keys as a config writes them, and values as TOML.
    pub settings: Vec<(String, String)>,
    /// What it runs.
    pub experiment: Experiment,
}

/// A key with its value, or with all of them.
#[derive(Debug, Clone)]
struct Setting<T = Value> {
    /// As a config writes it: `optimizer.steps`.
    key: String,
    value: T,
    /// Where it stands in the sweep.
    at: KeyPath,
}

impl Setting {
    fn overriding(&self) -> Override {
        let from = format!("sweep, at {} = {}", self.key, self.value);
        Override::new(&self.key, self.value.clone(), from)
    }
}

impl Sweep {
    /// Reads the sweep of a config file, and checks every point of it; `None` if it has no
    /// `[sweep]`.
    ///
    /// # Errors
    /// If the file cannot be read, or a point says something that cannot be run.
    pub fn load(path: &Path, overrides: &[Override]) -> Result<Option<Self>> {
        Self::load_part(path, overrides, None)
    }

    /// As [`load`](Self::load), of a part of it: other points are not looked at.
    ///
    /// # Errors
    /// As of the whole; and if the part asks for a point that there is not.
    pub fn load_part(
        path: &Path,
        overrides: &[Override],
        part: Option<Part>,
    ) -> Result<Option<Self>> {
        Self::of(Source::read(path, overrides.to_vec())?, part)
    }

    /// As [`load_part`](Self::load_part), of a text that stands for the file of that path.
    ///
    /// # Errors
    /// As [`load_part`](Self::load_part).
    pub fn parse(
        path: &Path,
        text: &str,
        overrides: &[Override],
        part: Option<Part>,
    ) -> Result<Option<Self>> {
        Self::of(Source::new(path, text, overrides.to_vec())?, part)
    }

    fn of(mut source: Source, part: Option<Part>) -> Result<Option<Self>> {
        let mut top = (*source.table).clone();
        set_sweep(&mut top, &source)?;
        let Some(sweep) = top.remove(SWEEP) else {
            return Ok(None);
        };
        if top.contains_key(DISTRIBUTED) {
            return Err(source.error(
                &KeyPath::dotted(DISTRIBUTED),
                "is for one run, and there is a [sweep]",
                "remove it, and run the points by --shard on many machines",
            ))?;
        }
        // Each point begins with what stands outside.
        source.table = Arc::new(top);
        Ok(Some(Self::read(&source, sweep, part)?))
    }

    /// What was taken in a way the user may not have meant, of the first point for all, and how much space
    /// they take together.
    pub fn notes(&self) -> Vec<String> {
        let first = self.points.first().map(|point| &point.experiment.notes);
        let space = space_note(self.points.iter().map(|point| &point.experiment));
        first.into_iter().flatten().cloned().chain(space).collect()
    }

    fn read(source: &Source, sweep: Value, part: Option<Part>) -> Result<Self> {
        let settings = expand(source, sweep)?;
        let labels = labels(&settings);
        let name = name(source, settings.first());
        if let Some(beyond) = part.as_ref().and_then(|part| part.beyond(labels.len())) {
            return Err(Error::usage(
                format!(
                    "there is no point {beyond}: {} has {}",
                    source.path.display(),
                    count(labels.len(), "point")
                ),
                "`klfit sweep --list` shows them with their numbers",
            ));
        }
        let mut held = 0usize;
        let points = (settings.into_iter().zip(&labels).enumerate())
            .map(|(place, (settings, label))| (place + 1, settings, label))
            .filter(|(number, ..)| part.as_ref().is_none_or(|part| part.has(*number)))
            .map(|(number, settings, label)| {
                let mut at_point = source.clone();
                (at_point.overrides).extend(settings.iter().map(Setting::overriding));
                let experiment = Experiment::from_source(&at_point)
                    .map_err(|error| in_sweep(error, source, &settings))?;
                held = held.saturating_add(numbers(&experiment.target));
                if held > MOST_NUMBERS {
                    let message = "has more points than memory for their targets";
                    let help = "leave values out, or fit fewer rows";
                    return Err(source.error(&KeyPath::dotted(SWEEP), message, help));
                }
                let settings = settings
                    .into_iter()
                    .map(|one| (one.key, one.value.to_string()));
                Ok(SweepPoint {
                    number,
                    label: label.clone(),
                    settings: settings.collect(),
                    experiment,
                })
            })
            .collect::<Result<Vec<_>, ConfigError>>()?;
        Ok(Self {
            name,
            labels,
            part,
            points,
        })
    }
}

/// What the whole is called: what its first point is, in every part.
fn name(source: &Source, first: Option<&Vec<Setting>>) -> String {
    let at = KeyPath::dotted("name");
    let set = source.overrides.iter().filter(|one| one.key == at);
    let swept = first.into_iter().flatten().filter(|one| one.key == "name");
    let given = (swept.map(|one| &one.value).next_back())
        .or(set.map(|one| &one.value).next_back())
        .or(source.table.get("name"));
    given.and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// How many numbers a target is kept as.
fn numbers(target: &TargetModel) -> usize {
    match target.as_samples() {
        Some(rows) => rows.rows().len(),
        None => target.components() * target.dim() * target.dim(),
    }
}

/// An error of one point, with what the sweep sets there.
fn in_sweep(mut error: ConfigError, source: &Source, settings: &[Setting]) -> ConfigError {
    let from = error.location.from.as_ref();
    if let Some(one) = (settings.iter()).find(|one| Some(&one.overriding().from) == from) {
        error.location = source.location(source.locate(&one.at));
    }
    let set: Vec<String> = (settings.iter())
        .map(|one| format!("{} = {}", one.key, one.value))
        .collect();
    let point = match set.is_empty() {
        true => "that sets nothing".to_owned(),
        false => set.join(", "),
    };
    error.message = format!("{} (at the point of the sweep {point})", error.message);
    error
}

/// The settings of every point.
fn expand(source: &Source, sweep: Value) -> Result<Vec<Vec<Setting>>, ConfigError> {
    let at = KeyPath::dotted(SWEEP);
    let help = "write [sweep.grid] with a list of values for each key, as in \
                optimizer.learning_rate = [0.01, 0.1]; or [[sweep.list]] with the settings of a point";
    let refused = |at: &KeyPath, message: String| Err(source.error(at, message, help));
    let too_many = |at: &KeyPath| {
        let message = format!("has more than {MOST_POINTS} points");
        source.error(at, message, "leave values out")
    };
    let Value::Table(mut sweep) = sweep else {
        return refused(&at, "is not a section".to_owned());
    };
    let (grid, list) = (sweep.remove("grid"), sweep.remove("list"));
    if let Some(other) = sweep.keys().next() {
        return refused(&at.name(other), "is not a key klfit knows".to_owned());
    }
    let (at, points) = match (grid, list) {
        (Some(Value::Table(grid)), None) => {
            let at = at.name("grid");
            let mut axes = Vec::new();
            for Setting { key, value, at } in leaves(&grid, &at) {
                match value {
                    Value::Array(value) if !value.is_empty() => {
                        axes.push(Setting { key, value, at });
                    }
                    Value::Array(_) => return refused(&at, "is empty".to_owned()),
                    other => return refused(&at, format!("is {other}, not a list of values")),
                }
            }
            let points = product(&axes).ok_or_else(|| too_many(&at))?;
            (at, points)
        }
        (None, Some(Value::Array(list))) => {
            let at = at.name("list");
            if list.len() > MOST_POINTS {
                return Err(too_many(&at));
            }
            let mut points = Vec::new();
            for (i, point) in list.iter().enumerate() {
                match point {
                    Value::Table(point) => points.push(leaves(point, &at.index(i))),
                    other => return refused(&at.index(i), format!("is {other}, not a section")),
                }
            }
            (at, points)
        }
        (Some(_), Some(_)) => return refused(&at, "has both a grid and a list".to_owned()),
        (Some(_), None) => return refused(&at.name("grid"), "is not a section".to_owned()),
        (None, Some(_)) => return refused(&at.name("list"), "is not a list".to_owned()),
        (None, None) => return refused(&at, "needs a grid or a list".to_owned()),
    };
    if points.is_empty() || points.iter().all(Vec::is_empty) {
        return refused(&at, "sets nothing".to_owned());
    }
    Ok(points)
}

/// Every key of a table that is not a section, dotted, with its value.
fn leaves(table: &Table, at: &KeyPath) -> Vec<Setting> {
    let mut found = Vec::new();
    for (key, value) in table {
        let at = at.name(key);
        match value {
            Value::Table(inside) => {
                found.extend(leaves(inside, &at).into_iter().map(|one| Setting {
                    key: format!("{key}.{}", one.key),
                    ..one
                }));
            }
            value => found.push(Setting {
                key: key.clone(),
                value: value.clone(),
                at,
            }),
        }
    }
    found
}

/// Every combination of one value of each axis; `None` if there are too many.
fn product(axes: &[Setting<Vec<Value>>]) -> Option<Vec<Vec<Setting>>> {
    let count = (axes.iter()).try_fold(1usize, |count, axis| count.checked_mul(axis.value.len()));
    if count? > MOST_POINTS {
        return None;
    }
    Some(axes.iter().fold(vec![Vec::new()], |points, axis| {
        (points.iter())
            .flat_map(|point| {
                axis.value.iter().map(move |value| {
                    let mut point = point.clone();
                    point.push(Setting {
                        key: axis.key.clone(),
                        value: value.clone(),
                        at: axis.at.clone(),
                    });
                    point
                })
            })
            .collect()
    }))
}

/// A name for each point: the last part of each key with its value, or its number where that would
/// be too long, no name for a folder, or the name of another.
fn labels(points: &[Vec<Setting>]) -> Vec<String> {
    let short = |key: &str| key.rsplit('.').next().unwrap_or(key).to_owned();
    let label = |point: &Vec<Setting>| {
        let parts: Vec<String> = (point.iter())
            .map(|Setting { key, value, .. }| {
                let value = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                format!("{}-{value}", short(key))
            })
            .collect();
        parts.join("_")
    };
    let labels: Vec<String> = points.iter().map(label).collect();
    let fine = |c: char| c.is_alphanumeric() || "-_.+".contains(c);
    let all_fine = (labels.iter()).all(|label| {
        (1..=LONGEST_LABEL).contains(&label.len())
            && label.chars().all(fine)
            && !label.starts_with('.')
            && !label.ends_with('.')
    });
    let distinct: HashSet<String> = labels.iter().map(|label| label.to_lowercase()).collect();
    if all_fine && distinct.len() == labels.len() {
        return labels;
    }
    (1..=points.len()).map(|n| format!("point-{n}")).collect()
}
