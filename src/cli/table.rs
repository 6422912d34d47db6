//! What came out, as a table with its errors and what there is to say below it.

use std::io::IsTerminal;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use klfit::diagnostics::{Diagnostics, Reading};
use klfit::digest;
use klfit::divergence::{DivergenceKind, Estimate, Method};
use klfit::evaluate::ALWAYS_REPORTED;
use klfit::optima::AT_REST;
use klfit::run_folder::{FitSummary, Optimum, RunSummary, Summary, TargetSummary};

use super::Voice;

/// Optima that are listed without being asked for.
const LISTED: usize = 5;
/// A quadrature of the loss with a larger error than this, in nats, is warned of.
const ROUGH: f64 = 1e-4;

/// Prints the comparison of the fits.
pub fn print(summary: &Summary, voice: Voice) {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    if std::io::stdout().is_terminal()
        && let Some((width, _)) = terminal_size::terminal_size()
    {
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(width.0);
    }
    let shown = match summary.target {
        TargetSummary::Samples { .. } => vec![DivergenceKind::CrossEntropy],
        _ => ALWAYS_REPORTED.to_vec(),
    };
    let divergences = shown.iter().map(|kind| kind.symbol());
    let words = |words: &[&str]| {
        words
            .iter()
            .map(|&word| word.to_owned())
            .collect::<Vec<_>>()
    };
    let header = words(&["fit", "q"]).into_iter().chain(divergences);
    table.set_header(header.chain(words(&["steps", "time", "stopped"])));
    for fit in &summary.fits {
        let time = digest::seconds(fit.seconds);
        let Some(best) = &fit.best else {
            let blank = vec![""; shown.len() + 1];
            let row = [&*fit.label, "every run failed"].into_iter().chain(blank);
            table.add_row(row.chain([&*time, ""]));
            continue;
        };
        let divergences = (shown.iter()).map(|&kind| digest::estimate(best.divergences.of(kind)));
        let row = [fit.label.clone(), digest::mixture(&best.mixture)].into_iter();
        let end = [best.steps.to_string(), time, best.stop.to_string()];
        table.add_row(row.chain(divergences).chain(end));
    }
    for column in [2 + shown.len(), 3 + shown.len()] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    anstream::println!("{table}");
    anstream::println!("Divergences are in nats, of the best run of each fit.");
    for fit in &summary.fits {
        remarks(fit, voice);
    }
}

fn remarks(fit: &FitSummary, voice: Voice) {
    if let Some(best) = &fit.best {
        verdict(fit, best);
    }
    if let Some(known) = &fit.known_optimum
        && let Some(gap) = known.gap
    {
        anstream::println!(
            "{}: {} nats above the known optimum, {} = {}",
            fit.label,
            gap_text(gap),
            fit.divergence.symbol(),
            digest::estimate(known.value)
        );
    }
    if let Some(best) = &fit.best
        && best.loss.method == Method::Quadrature
        && best.loss.error > ROUGH * best.loss.value.abs().max(1.0)
    {
        anstream::println!(
            "{}: the quadrature of the loss is off by about {:.0e} nats; give it more points",
            fit.label,
            best.loss.error
        );
    }
    if fit.failed > 0 {
        anstream::println!(
            "{}: {} of {} runs failed; restarts.csv says why",
            fit.label,
            fit.failed,
            fit.restarts
        );
    }
    if fit.restarts > 1 && !fit.optima.is_empty() {
        let finished = fit.restarts - fit.failed;
        // A random gradient does not go to zero at rest.
        let exact = (fit.best.as_ref()).is_some_and(|best| best.loss.method != Method::MonteCarlo);
        let at_rest = |optimum: &Optimum| !exact || optimum.gradient_norm <= AT_REST;
        let places = match fit.optima.len() {
            1 if fit.optima.iter().all(at_rest) => "one optimum".to_owned(),
            n if fit.optima.iter().all(at_rest) => format!("{n} optima"),
            n => format!(
                "{}, not all at rest: more steps would move those with a gradient",
                digest::count(n, "place")
            ),
        };
        anstream::println!(
            "{}: {} ended at {places}",
            fit.label,
            digest::count(finished, "restart")
        );
        let listed = if voice.verbose {
            fit.optima.len()
        } else {
            LISTED
        };
        for optimum in fit.optima.iter().take(listed) {
            let moving = if at_rest(optimum) {
                String::new()
            } else {
                format!("  (gradient {:.0e})", optimum.gradient_norm)
            };
            anstream::println!(
                "  {:>4} ×  {} {}  {}{moving}",
                optimum.runs,
                fit.divergence.symbol(),
                digest::estimate(optimum.divergences.of(fit.divergence)),
                digest::mixture(&optimum.mixture).replace('\n', "; ")
            );
        }
        if fit.optima.len() > listed {
            anstream::println!("  and {} more, in summary.json", fit.optima.len() - listed);
        }
    }
}

/// Its own divergence where the table lacks it, and whether it worked.
fn verdict(fit: &FitSummary, best: &RunSummary) {
    let own = best.divergences.of(fit.divergence);
    if fit.divergence == DivergenceKind::CrossEntropy {
        anstream::println!(
            "{}: mean log-likelihood of a row {}",
            fit.label,
            digest::estimate(Estimate {
                value: -own.value,
                ..own
            })
        );
    } else if !ALWAYS_REPORTED.contains(&fit.divergence) {
        let (symbol, value) = (fit.divergence.symbol(), digest::estimate(own));
        anstream::println!("{}: {symbol} = {value}", fit.label);
    }
    let facts = facts(&best.diagnostics);
    if !facts.is_empty() {
        anstream::println!("{}: {}", fit.label, facts.join("; "));
    }
    if let Some(variance) = best.gradient_variance
        && best.loss.method == Method::MonteCarlo
    {
        anstream::println!(
            "{}: variance of the gradient {:.2e} at the start, {:.2e} at the end",
            fit.label,
            variance.start,
            variance.end
        );
    }
}

fn facts(diagnostics: &Diagnostics) -> Vec<String> {
    let mut facts = Vec::new();
    if let Some(psis) = &diagnostics.psis {
        let reading = match psis.reading() {
            Reading::Reliable => "q can stand for p",
            Reading::Biased => "weighted draws of q are biased",
            Reading::Untrustworthy => "draws of q cannot stand for p",
            Reading::Unknown => "no reading",
        };
        facts.push(format!(
            "k\u{302} {}, {reading}, {:.0} of {} draws effective",
            digest::fixed(psis.k_hat, 2),
            psis.effective_sample_size,
            psis.draws
        ));
    }
    if let Some(mass) = diagnostics.mass_in_region {
        facts.push(format!(
            "{:.1} % of p in q's 99 % region",
            100.0 * mass.value
        ));
    }
    if let Some(modes) = diagnostics.modes {
        facts.push(format!(
            "{} of {} covered",
            modes.covered,
            digest::count(modes.of, "mode")
        ));
    }
    facts
}

fn gap_text(gap: Estimate) -> String {
    if gap.error > 0.0 {
        digest::estimate(gap)
    } else {
        digest::small(gap.value)
    }
}
