//! The columns that a table for LaTeX may have, by name.

use crate::divergence::{DivergenceKind, Estimate};
use crate::error::{Error, Result};
use crate::judge::evaluate::ALWAYS_REPORTED;
use crate::mixture::Mixture;
use crate::record::{FitSummary, RunSummary, Summary};
use crate::text::{self, nearest};

/// What stands in a cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Words.
    Words(String),
    /// Numbers among words: a mixture, or one number for each component, on lines of their own.
    Numbers(String),
    /// One number with its error.
    Estimate(Estimate),
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// How it is asked for.
    pub name: String,
    /// What stands above it.
    pub header: String,
    /// One cell for each fit of each run; nothing where a fit has none.
    pub cells: Vec<Option<Cell>>,
    /// Whether it is in the table where no columns are asked for.
    pub is_usual: bool,
}

/// Every column that the fits of runs have, in the order of the table.
pub fn all(runs: &[(String, Summary)]) -> Vec<Column> {
    let fits: Vec<(&str, &FitSummary)> = (runs.iter())
        .flat_map(|(name, summary)| summary.fits.iter().map(move |fit| (&**name, fit)))
        .collect();
    let words = |name: &str, is_usual: bool, of: &dyn Fn(&str, &FitSummary) -> String| Column {
        name: name.to_owned(),
        header: name.to_owned(),
        cells: (fits.iter())
            .map(|(run, fit)| Some(Cell::Words(of(run, fit))))
            .collect(),
        is_usual,
    };
    let best =
        |name: &str, header: &str, is_usual: bool, of: &dyn Fn(&RunSummary) -> Option<Cell>| {
            let cells = fits.iter().map(|(_, fit)| of(fit.best.as_ref()?));
            Column {
                name: name.to_owned(),
                header: header.to_owned(),
                cells: cells.collect(),
                is_usual,
            }
        };
    let mut columns = vec![
        words("run", runs.len() > 1, &|run, _| run.to_owned()),
        words("fit", true, &|_, fit| fit.name().into_owned()),
        words("divergence", false, &|_, fit| fit.divergence.title()),
        Column {
            cells: (fits.iter())
                .map(|(_, fit)| match &fit.best {
                    Some(best) => Some(Cell::Numbers(best.mixture.to_string())),
                    None => Some(Cell::Words("every run failed".to_owned())),
                })
                .collect(),
            ..words("q", true, &|_, _| String::new())
        },
    ];
    for (name, of) in PARAMETERS {
        columns.push(best(name, name, false, &|best| {
            let q = Mixture::try_from(&best.mixture).ok()?;
            let lines: Vec<String> = (0..q.components()).map(|k| of(&q, k)).collect();
            Some(Cell::Numbers(lines.join("\n")))
        }));
    }
    let usual = usual(&fits);
    for kind in kinds(&fits) {
        let is_usual = usual.contains(&kind);
        columns.push(best(&kind.name(), &kind.symbol(), is_usual, &|best| {
            let found = best.divergences.iter().find(|(of, _)| *of == kind);
            Some(Cell::Estimate(found?.1))
        }));
    }
    let number = |value: f64| Some(Cell::Estimate(Estimate::exact(value)));
    columns.push(best("held-out", "held out", true, &|best| {
        Some(Cell::Estimate(best.divergences.held_out()?))
    }));
    columns.push(Column {
        cells: (fits.iter())
            .map(|(_, fit)| Some(Cell::Estimate(fit.known_optimum.as_ref()?.gap?)))
            .collect(),
        ..words("gap", false, &|_, _| String::new())
    });
    columns.push(best("k-hat", "k\u{302}", false, &|best| {
        number((100.0 * best.diagnostics.psis?.k_hat).round() / 100.0)
    }));
    columns.push(best("mass", "mass of p", false, &|best| {
        Some(Cell::Estimate(best.diagnostics.mass_in_region?))
    }));
    columns.push(best("modes", "modes", false, &|best| {
        let modes = best.diagnostics.modes?;
        Some(Cell::Words(format!("{} of {}", modes.covered, modes.of)))
    }));
    columns.push(best("bic", "BIC", false, &|best| {
        number((10.0 * best.criteria?.bic).round() / 10.0)
    }));
    columns.push(best("icl", "ICL", false, &|best| {
        number((10.0 * best.criteria?.icl).round() / 10.0)
    }));
    columns.push(best("steps", "steps", false, &|best| {
        number(best.steps as f64)
    }));
    columns.push(words("time", false, &|_, fit| text::seconds(fit.seconds)));
    columns.push(words("stopped", false, &|_, fit| fit.ending()));
    columns.push(words("restarts", false, &|_, fit| fit.restarts.to_string()));
    columns.push(words("failed", false, &|_, fit| fit.failed.to_string()));
    columns.retain(|column| column.cells.iter().any(Option::is_some));
    columns
}

/// A parameter of a component, in words.
type OfComponent = fn(&Mixture, usize) -> String;

/// Columns of parameters, one line for each component of q.
const PARAMETERS: [(&str, OfComponent); 3] = [
    ("weight", |q, k| text::fixed(q.weights()[k], 4)),
    ("mean", |q, k| {
        vector(q.means()[k].as_slice(), &q.component_stds(k))
    }),
    ("std", |q, k| {
        vector(&q.component_stds(k), &q.component_stds(k))
    }),
];

fn vector(numbers: &[f64], stds: &[f64]) -> String {
    let list = text::list_at_scales(numbers, stds, 4);
    match numbers.len() {
        1 => list,
        _ => format!("({list})"),
    }
}

/// Every divergence that a fit was judged by, those of all fits first.
fn kinds(fits: &[(&str, &FitSummary)]) -> Vec<DivergenceKind> {
    let best = || fits.iter().filter_map(|(_, fit)| fit.best.as_ref());
    let mut kinds: Vec<DivergenceKind> = ALWAYS_REPORTED.to_vec();
    for (kind, _) in best().flat_map(|best| best.divergences.iter()) {
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    let is_told = |kind: &DivergenceKind| {
        best().any(|best| best.divergences.iter().any(|(of, _)| of == *kind))
    };
    kinds.into_iter().filter(is_told).collect()
}

/// Those that a table has where no columns are asked for.
fn usual(fits: &[(&str, &FitSummary)]) -> Vec<DivergenceKind> {
    let own = fits.iter().map(|(_, fit)| fit.divergence);
    let own = own.filter(|kind| kind.needs_no_density());
    own.chain(ALWAYS_REPORTED).collect()
}

/// The columns of these names, in this order; the usual ones where none are asked for.
///
/// # Errors
/// If there is no column of a name, or none is left.
pub fn chosen(columns: Vec<Column>, names: Option<&[String]>) -> Result<Vec<Column>> {
    let Some(names) = names else {
        return Ok(columns
            .into_iter()
            .filter(|column| column.is_usual)
            .collect());
    };
    (names.iter())
        .map(|name| {
            let name = name.trim();
            let found = columns.iter().find(|column| column.name == name);
            found.cloned().ok_or_else(|| unknown(name, &columns))
        })
        .collect()
}

fn unknown(name: &str, columns: &[Column]) -> Error {
    let names = || columns.iter().map(|column| &*column.name);
    let meant =
        nearest(name, names()).map_or_else(String::new, |near| format!("did you mean {near}? "));
    Error::usage(
        format!("these runs have no column \"{name}\""),
        format!(
            "{meant}there are {}",
            names().collect::<Vec<_>>().join(", ")
        ),
    )
}
