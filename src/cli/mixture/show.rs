//! `klfit mixture show`: what a mixture is.

use clap::Args;
use comfy_table::{CellAlignment, Row};
use nalgebra::{DMatrix, DVector};
use serde::Serialize;

use super::input::Input;
use crate::Result;
use crate::calculator::{Answer, entropy};
use crate::cli::Verbosity;
use crate::cli::answer::{number, print_json, within};
use crate::cli::layout;
use crate::cli::output::to_stdout;
use crate::mixture::{Mixture, modes, rows_of};
use crate::text::{count, fixed, trimmed};

/// With more coordinates there is no room for correlations; --json has them.
const WITH_CORRELATIONS: usize = 6;
/// Modes that are listed.
const LISTED: usize = 10;
/// Where K³ max(D, 4)² is more, modes are not looked for: a climb for every two components would take long.
const WITH_MODES: f64 = 1e8;

/// Show weights, means, widths, correlations, entropy and modes
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  klfit mixture show q.json
  klfit mixture show outputs/bimodal#reverse-kl --json")]
pub struct Show {
    /// The mixture
    mixture: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Shown<'a> {
    name: &'a str,
    coordinates: &'a [String],
    components: Vec<Part>,
    mean: Vec<f64>,
    stds: Vec<f64>,
    correlations: Vec<Vec<f64>>,
    entropy: Answer,
    /// Nothing where they were not looked for.
    modes: Option<Vec<Mode>>,
}

/// A component.
#[derive(Serialize)]
struct Part {
    weight: f64,
    mean: Vec<f64>,
    stds: Vec<f64>,
    correlations: Vec<Vec<f64>>,
}

#[derive(Serialize)]
struct Mode {
    at: Vec<f64>,
    log_density: f64,
}

impl Show {
    /// Prints the mixture.
    pub fn run(&self, verbosity: Verbosity) -> Result<()> {
        let input = Input::read(&self.mixture, verbosity)?;
        let looking = verbosity.working("looking for modes, and for the entropy");
        let shown = Shown::new(&input)?;
        drop(looking);
        match self.json {
            true => print_json(&shown),
            false => {
                shown.print();
                Ok(())
            }
        }
    }
}

impl<'a> Shown<'a> {
    fn new(input: &'a Input) -> Result<Self> {
        let mixture = &input.mixture;
        let components = (0..mixture.components()).map(|k| Part::new(mixture, k));
        let covariance = mixture.covariance();
        let [k, d] = [mixture.components(), mixture.dim().max(4)].map(|n| n as f64);
        let modes = (k.powi(3) * d * d <= WITH_MODES).then(|| modes(mixture));
        Ok(Self {
            name: &input.name,
            coordinates: &input.coordinates,
            components: components.collect(),
            mean: mixture.mean().as_slice().to_vec(),
            stds: stds(&covariance),
            correlations: correlations(&covariance),
            entropy: entropy(mixture)?,
            modes: modes.map(|modes| {
                let mode = |at: DVector<f64>| Mode {
                    log_density: mixture.log_density(at.as_slice()),
                    at: at.as_slice().to_vec(),
                };
                modes.into_iter().map(mode).collect()
            }),
        })
    }

    fn print(&self) {
        let dim = self.coordinates.len();
        to_stdout(format_args!(
            "{}: {} in {}",
            self.name,
            match self.components.len() {
                1 => "a Gaussian".to_owned(),
                k => format!("a mixture of {k} Gaussians"),
            },
            count(dim, "dimension")
        ));
        let with_correlations = (2..=WITH_CORRELATIONS).contains(&dim);
        let mut header = vec!["component", "weight", "coordinate", "mean", "std"]
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>();
        if with_correlations {
            // Of each with those before it.
            header.extend(
                self.coordinates[..dim - 1]
                    .iter()
                    .map(|name| format!("ρ {name}")),
            );
        }
        let mut table = layout::table(header);
        for (k, part) in self.components.iter().enumerate() {
            let first = [(k + 1).to_string(), trimmed(part.weight, 6)];
            table.add_row(self.row(first, part, with_correlations));
        }
        if self.components.len() > 1 {
            let all = Part {
                weight: 1.0,
                mean: self.mean.clone(),
                stds: self.stds.clone(),
                correlations: self.correlations.clone(),
            };
            let first = ["all".to_owned(), String::new()];
            table.add_row(self.row(first, &all, with_correlations));
        }
        for column in [1, 3, 4].into_iter().chain(5..5 + dim.saturating_sub(1)) {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        layout::print(&table);
        if dim > WITH_CORRELATIONS {
            to_stdout("correlations: --json has them");
        }
        let within = within(&self.entropy);
        to_stdout(format_args!(
            "entropy: {} nats{}",
            number(&self.entropy),
            match within.is_empty() {
                true => String::new(),
                false => format!(", certainly within {within}"),
            }
        ));
        self.print_modes();
    }

    /// A row of as many lines as there are coordinates.
    fn row(&self, [number, weight]: [String; 2], part: &Part, with_correlations: bool) -> Row {
        let dim = self.coordinates.len();
        let numbers = |numbers: &[f64]| lines(numbers.iter().map(|x| trimmed(*x, 6)));
        let mut row = Row::from([
            number,
            weight,
            self.coordinates.join("\n"),
            numbers(&part.mean),
            numbers(&part.stds),
        ]);
        if with_correlations {
            for before in 0..dim - 1 {
                let with = |d: usize| match d > before {
                    true => fixed(part.correlations[d][before], 4),
                    false => String::new(),
                };
                row.add_cell(lines((0..dim).map(with)).into());
            }
        }
        row
    }

    fn print_modes(&self) {
        let Some(modes) = &self.modes else {
            to_stdout("modes: not looked for, among so many components that would take long");
            return;
        };
        if modes.is_empty() {
            to_stdout("modes: none found, the components are too narrow to climb");
        }
        for (n, mode) in modes.iter().take(LISTED).enumerate() {
            let at: Vec<String> = (mode.at.iter().zip(&self.stds).take(WITH_CORRELATIONS))
                .map(|(x, std)| place(*x, *std))
                .collect();
            let more = if mode.at.len() > at.len() {
                ", …"
            } else {
                ""
            };
            to_stdout(format_args!(
                "mode {}: ({}{more}), log-density {}",
                n + 1,
                at.join(", "),
                fixed(mode.log_density, 4)
            ));
        }
        if modes.len() > LISTED {
            to_stdout(format_args!(
                "and {} more: --json has them",
                modes.len() - LISTED
            ));
        }
    }
}

impl Part {
    fn new(mixture: &Mixture, k: usize) -> Self {
        Self {
            weight: mixture.weights()[k],
            mean: mixture.means()[k].as_slice().to_vec(),
            stds: mixture.component_stds(k),
            correlations: correlations(&mixture.component_covariance(k)),
        }
    }
}

/// A coordinate of a mode to 1e-6 standard deviations: it is not known better than a climb found it.
fn place(x: f64, std: f64) -> String {
    let unit = 10f64.powi((1e-6 * std).log10().ceil() as i32);
    let rounded = (x / unit).round() * unit;
    trimmed(
        if rounded.is_finite() {
            rounded + 0.0
        } else {
            x
        },
        6,
    )
}

fn lines(all: impl Iterator<Item = String>) -> String {
    all.collect::<Vec<_>>().join("\n")
}

fn stds(covariance: &DMatrix<f64>) -> Vec<f64> {
    covariance
        .diagonal()
        .iter()
        .map(|variance| variance.sqrt())
        .collect()
}

/// The correlations of a covariance, D × D.
fn correlations(covariance: &DMatrix<f64>) -> Vec<Vec<f64>> {
    let stds = stds(covariance);
    rows_of(&DMatrix::from_fn(stds.len(), stds.len(), |i, j| {
        match i == j {
            true => 1.0,
            // Not under one root: its product may be beyond the range of numbers.
            false => (covariance[(i, j)] / stds[i] / stds[j]).clamp(-1.0, 1.0),
        }
    }))
}
