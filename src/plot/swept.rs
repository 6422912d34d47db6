//! The points of a sweep, the number that was swept, and the series that the other settings of its points make.

use super::axis::{Axis, AxisScale};
use super::style::MOST_FITS;
use crate::run_folder::{FinishedRun, key_in_words};

/// Numbers so many times apart are drawn by their logarithms.
const LOG_FROM: f64 = 30.0;

/// A point of a sweep.
pub struct Point {
    /// What it sets, in words.
    pub name: String,
    /// Each key that it sets, with its value.
    pub settings: Vec<(String, String)>,
    /// What came out.
    pub run: FinishedRun,
}

/// A number that was swept: its key, its value at each point, and the rest of what each point sets, by its place
/// among all that there are.
pub struct Swept {
    pub key: String,
    pub values: Vec<f64>,
    pub series: Vec<usize>,
    pub names: Vec<String>,
}

impl Swept {
    /// The number with the most values, if there is one; seeds are repetitions.
    pub fn new(points: &[Point]) -> Option<Self> {
        let value = |point: &Point, key: &str| {
            let found = point.settings.iter().find(|(name, _)| name == key);
            found.map_or_else(String::new, |(_, value)| value.clone())
        };
        let mut keys: Vec<&String> = Vec::new();
        for (key, _) in points.iter().flat_map(|point| &point.settings) {
            let varies = points
                .iter()
                .any(|point| value(point, key) != value(&points[0], key));
            if varies && !is_seed(key) && !keys.contains(&key) {
                keys.push(key);
            }
        }
        let numbers = |key: &str| -> Option<Vec<f64>> {
            let values = points.iter().map(|point| value(point, key).parse().ok());
            values
                .collect::<Option<Vec<f64>>>()
                .filter(|all| all.iter().all(|one| one.is_finite()))
        };
        let count = |values: &[f64]| {
            let mut values = values.to_vec();
            values.sort_by(f64::total_cmp);
            values.dedup();
            values.len()
        };
        // Of two with as many values, the one that came first.
        let numeric = keys
            .iter()
            .rev()
            .filter_map(|key| Some((*key, numbers(key)?)));
        let (key, values) = numeric.max_by_key(|(_, values)| count(values))?;
        let rest = |point: &Point| {
            let others = keys.iter().filter(|other| **other != key);
            let words = others.map(|key| format!("{} {}", key_in_words(key), value(point, key)));
            words.collect::<Vec<_>>().join(", ")
        };
        let mut names: Vec<String> = Vec::new();
        let series = points.iter().map(|point| {
            let rest = rest(point);
            let place = names.iter().position(|name| *name == rest);
            place.unwrap_or_else(|| {
                names.push(rest);
                names.len() - 1
            })
        });
        Some(Self {
            series: series.collect(),
            key: key.clone(),
            values,
            names,
        })
    }

    /// The axis that holds all its values.
    pub fn axis(&self) -> Axis {
        let low = self.values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = self
            .values
            .iter()
            .copied()
            .fold(f64::NEG_INFINITY, f64::max);
        let is_rate = self.key.ends_with("learning_rate");
        let label = key_in_words(&self.key);
        if low > 0.0 && (is_rate || high >= LOG_FROM * low) {
            let air = (high / low).powf(0.06).max(1.05);
            return Axis {
                scale: AxisScale::Log,
                ..Axis::linear(low / air, high * air, label)
            };
        }
        let air = 0.06 * (high - low);
        let axis = Axis::linear(low - air, high + air, label);
        match self.values.iter().all(|value| value.fract() == 0.0) {
            true => axis.whole(),
            false => axis,
        }
    }

    /// Whether each series has panels of its own: there are more than are told apart in one.
    pub fn is_split(&self) -> bool {
        self.names.len() > MOST_FITS
    }

    /// Whether series stand in one panel, like fits.
    pub fn is_shared(&self) -> bool {
        (2..=MOST_FITS).contains(&self.names.len())
    }
}

fn is_seed(key: &str) -> bool {
    key == "seed" || key.ends_with(".seed")
}
