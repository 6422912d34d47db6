//! Rows of a file as the target.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::key::KeyPath;
use super::source::Source;
use crate::density::target::{
    MissingRule, Residence, Samples, TableOptions, WeightColumn, WeightKind, open_held_out,
    open_samples,
};
use crate::error::{ConfigError, Error};
use crate::files::read;
use crate::text::count;

/// Rows of a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SamplesConfig {
    /// A `.csv` or `.npy` file, or `-`, standard input; a path that is not absolute starts at the config.
    pub file: PathBuf,
    /// Whether the first line of a `.csv` names the columns; it does if none of its cells is a number
    /// where this is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<bool>,
    /// The names of the columns that are coordinates; all of them where this is left out, but for that of the
    /// weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<String>>,
    /// What becomes of rows with a missing value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<MissingRule>,
    /// The name of the column that weights are in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<String>,
    /// What the weights are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_kind: Option<WeightKind>,
    /// Whether the rows are held in memory, or stay in their file; by its size where this is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_memory: Option<bool>,
    /// Rows that no fit sees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holdout: Option<Holdout>,
    /// What a share of the rows is chosen by; the seed of the config where this is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holdout_seed: Option<u64>,
}

/// Which rows no fit sees.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "must be a share of the rows such as 0.2, or the name of a file of others such as \"other.csv\""
)]
pub enum Holdout {
    /// This share of the rows, between 0 and 1.
    Share(f64),
    /// The rows of a second file of the same columns; a path that is not absolute starts at the config.
    File(PathBuf),
}

impl SamplesConfig {
    /// Writes down the seed that a share of the rows is chosen by.
    pub(super) fn fill(&mut self, seed: u64) {
        if let Some(Holdout::Share(_)) = self.holdout {
            self.holdout_seed.get_or_insert(seed);
        }
    }

    /// The rows that it describes, for the section at `at`. What may not be meant goes to `notes`.
    pub(super) fn resolve(
        &self,
        at: &KeyPath,
        source: &Source,
        notes: &mut Vec<String>,
    ) -> Result<Samples, ConfigError> {
        let options = self.options(at, source)?;
        let path = source.resolve_table(&self.file);
        let residence = match self.in_memory {
            Some(true) => Residence::Memory,
            Some(false) => Residence::File,
            None => Residence::BySize,
        };
        let read = open_samples(&path, &options, residence)
            .map_err(|error| source.in_file(error, &at.name("file")))?;
        notes.extend(read.notes);
        let key = at.name("holdout");
        let refused = |error: Error, path: &Path| {
            let help = error.help().unwrap_or_default();
            source.error(&key, format!(": {}: {error}", read::name(path)), help)
        };
        match &self.holdout {
            None => {
                if let Some(seed) = self.holdout_seed {
                    let message = format!("is {seed}, and no rows are held out");
                    let help = "remove it, or hold out a share of the rows, as in holdout = 0.2";
                    return Err(source.error(&at.name("holdout_seed"), message, help));
                }
                Ok(read.samples)
            }
            Some(Holdout::Share(share)) => {
                let seed = self.holdout_seed.unwrap_or_default();
                let all = read.samples.len();
                let samples = (read.samples.holding_out_share(*share, seed))
                    .map_err(|error| refused(error, &path))?;
                let held_out = samples.held_out().map_or(0, Samples::len);
                let place = match samples.file() {
                    Some(_) => "",
                    None => "; they are in holdout.csv of the run",
                };
                notes.push(format!(
                    "{}: {held_out} of {} are held out by seed {seed}{place}",
                    read::name(&path),
                    count(all, "row"),
                ));
                Ok(samples)
            }
            Some(Holdout::File(file)) => {
                let path = source.resolve_path(file);
                let is_csv = (path.extension())
                    .is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
                let options = TableOptions {
                    header: options.header.filter(|_| is_csv),
                    ..options
                };
                // The folder of a run keeps them beside those of the target, or neither.
                let residence = match read.samples.file() {
                    Some(_) => Residence::BySize,
                    None => Residence::Memory,
                };
                let other = open_held_out(&path, &options, residence)
                    .map_err(|error| source.in_file(error, &key))?;
                notes.extend(other.notes);
                (read.samples.holding_out(other.samples)).map_err(|error| refused(error, &path))
            }
        }
    }

    fn options(&self, at: &KeyPath, source: &Source) -> Result<TableOptions, ConfigError> {
        let weights = match (&self.weights, self.weight_kind) {
            (None, None) => None,
            (Some(column), Some(kind)) => Some(WeightColumn {
                column: column.clone(),
                kind,
            }),
            (Some(column), None) => {
                let message =
                    format!("is missing, and the weights in column {column} may be of two kinds");
                let help = "say weight_kind = \"frequency\" if a weight is how many equal rows there are, N = Σv \
                            in all; or \"importance\" if it is how much each independent row counts, as many as \
                            (Σv)²/Σv² alike";
                return Err(source.error(&at.name("weight_kind"), message, help));
            }
            (None, Some(kind)) => {
                let message = format!("is \"{}\", and there are no weights", kind.name());
                let help = "name their column, as in weights = \"count\", or remove it";
                return Err(source.error(&at.name("weight_kind"), message, help));
            }
        };
        Ok(TableOptions {
            header: self.header,
            columns: self.columns.clone(),
            missing: self.missing.unwrap_or_default(),
            weights,
        })
    }
}
