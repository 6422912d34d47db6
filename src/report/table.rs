//! A table of a report, before it is written as text, HTML, Markdown or LaTeX.

use crate::divergence::{DivergenceKind, Estimate};
use crate::judge::evaluate::ALWAYS_REPORTED;
use crate::record::{Candidate, Choice, FitSummary, Summary};
use crate::text;

/// Cells of text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    /// What the columns are.
    pub header: Vec<String>,
    /// As many cells in each as the header has.
    pub rows: Vec<Vec<String>>,
    /// The columns of plain numbers, which are set to the right.
    pub right: Vec<usize>,
}

/// The fits of runs side by side: where each ended, with its divergences in nats, and why it
/// stopped. Each run comes with what it is called; one alone needs no name.
pub fn comparison(runs: &[(&str, &Summary)]) -> Table {
    let fits = runs.iter().flat_map(|(_, summary)| &summary.fits);
    let (kinds, held_out) = (kinds(fits), has_held_out(runs));
    let several = runs.len() > 1;
    let mut header: Vec<String> = Vec::new();
    header.extend(several.then(|| "run".to_owned()));
    header.extend(["fit", "q"].map(str::to_owned));
    header.extend(kinds.iter().map(|kind| kind.symbol()));
    header.extend(held_out.then(|| "held out".to_owned()));
    header.extend(["steps", "time", "stopped"].map(str::to_owned));
    let rows = (runs.iter())
        .flat_map(|(name, summary)| {
            (summary.fits.iter().enumerate()).map(|(i, fit)| {
                let name = if i == 0 { *name } else { "" };
                let run = several.then(|| name.to_owned());
                run.into_iter().chain(row(fit, &kinds, held_out)).collect()
            })
        })
        .collect();
    let right = vec![header.len() - 3, header.len() - 2];
    Table {
        header,
        rows,
        right,
    }
}

/// The divergences that are shown of every fit: those that one of them has at least.
pub fn kinds<'s>(fits: impl IntoIterator<Item = &'s FitSummary>) -> Vec<DivergenceKind> {
    let fits: Vec<&FitSummary> = fits.into_iter().collect();
    let mut kinds: Vec<DivergenceKind> = Vec::new();
    for fit in &fits {
        let always = match fit.divergence.needs_no_density() {
            true => vec![fit.divergence],
            false => ALWAYS_REPORTED.to_vec(),
        };
        for kind in always {
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
    }
    let is_known = |kind: &DivergenceKind| {
        let mut best = fits.iter().filter_map(|fit| fit.best.as_ref());
        best.any(|best| !best.divergences.estimate(*kind).value.is_nan())
    };
    // Where nothing is known at all that is said.
    if kinds.iter().any(is_known) {
        kinds.retain(is_known);
    }
    kinds
}

/// Whether any fit was judged by rows that it did not see.
fn has_held_out(runs: &[(&str, &Summary)]) -> bool {
    let fits = runs.iter().flat_map(|(_, summary)| &summary.fits);
    let mut best = fits.filter_map(|fit| fit.best.as_ref());
    best.any(|best| best.divergences.held_out().is_some())
}

fn row(fit: &FitSummary, kinds: &[DivergenceKind], held_out: bool) -> Vec<String> {
    let time = text::seconds(fit.seconds);
    let Some(best) = &fit.best else {
        let mut row = vec![fit.name().into_owned(), "every run failed".to_owned()];
        row.extend(vec![String::new(); kinds.len() + usize::from(held_out) + 1]);
        row.extend([time, String::new()]);
        return row;
    };
    let mut row = vec![fit.name().into_owned(), best.mixture.to_string()];
    let has = |kind| best.divergences.iter().find(|(of, _)| *of == kind);
    row.extend(
        (kinds.iter())
            .map(|&kind| has(kind).map_or_else(String::new, |(_, value)| value.to_string())),
    );
    let of_others = best.divergences.held_out();
    row.extend(held_out.then(|| of_others.map_or_else(String::new, |of| of.to_string())));
    row.extend([best.steps.to_string(), time, fit.ending()]);
    row
}

/// A divergence with its unit.
pub fn with_unit(estimate: Estimate, kind: DivergenceKind) -> String {
    match estimate.value.is_finite() && kind.is_in_nats() {
        true => format!("{estimate} nats"),
        false => estimate.to_string(),
    }
}

/// The optima of a fit, the best first, at most this many of them.
pub fn optima(fit: &FitSummary, most: usize) -> Table {
    let rows = (fit.optima.iter().take(most).enumerate())
        .map(|(place, optimum)| {
            vec![
                (place + 1).to_string(),
                optimum.runs.to_string(),
                optimum.divergences.estimate(fit.divergence).to_string(),
                optimum.mixture.to_string(),
                match &optimum.falling {
                    Some(falling) => format!("falling by {:.1e}", falling.by),
                    None => format!("{:.0e}", optimum.gradient_norm),
                },
            ]
        })
        .collect();
    let symbol = fit.divergence.symbol();
    let header = ["", "restarts", &*symbol, "q", "gradient"];
    Table {
        header: header.map(str::to_owned).to_vec(),
        rows,
        right: vec![0, 1],
    }
}

/// The candidates of a choice, the one that was chosen with a mark, and what each saves over the one before it.
pub fn candidates(choice: &Choice) -> Table {
    let first = choice.candidates.first();
    let has_held_out = first.is_some_and(|one| one.held_out.is_some());
    let has_criteria = first.is_some_and(|one| one.criteria.is_some());
    let symbol = choice.divergence.symbol();
    let mut header = vec!["", "fit", "K", &*symbol, "saves"];
    header.extend(has_held_out.then_some("held out"));
    header.extend(if has_criteria {
        &["P", "BIC", "ICL"][..]
    } else {
        &[]
    });
    let rows = (choice.candidates.iter().enumerate())
        .map(|(place, one)| {
            let before = place
                .checked_sub(1)
                .map(|before| &choice.candidates[before]);
            let mut row = vec![
                if one.label == choice.chosen {
                    "→"
                } else {
                    ""
                }
                .to_owned(),
                text::plain(&one.label).into_owned(),
                one.components.to_string(),
                one.value.to_string(),
                before.map_or_else(String::new, |before| saved(before, one).to_string()),
            ];
            let held_out = has_held_out.then(|| one.held_out.unwrap_or(Estimate::UNKNOWN));
            row.extend(held_out.map(|of| of.to_string()));
            if let Some(criteria) = &one.criteria {
                row.push(criteria.parameters.to_string());
                row.extend([criteria.bic, criteria.icl].map(|of| text::fixed(of, 1)));
            }
            row
        })
        .collect();
    Table {
        right: (4..header.len()).chain([2]).collect(),
        header: header.into_iter().map(str::to_owned).collect(),
        rows,
    }
}

/// What one candidate saves over the one before, in nats; on the same rows there is no doubt of that.
fn saved(before: &Candidate, one: &Candidate) -> Estimate {
    let value = before.value.value - one.value.value;
    if one.criteria.is_some() {
        return Estimate::exact(value);
    }
    Estimate {
        value,
        error: before.value.error.hypot(one.value.error),
        ..one.value
    }
}
