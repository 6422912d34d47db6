//! What came out, as a table with its errors and what there is to say below it.

use std::io::IsTerminal;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use klfit::digest;
use klfit::divergence::{Estimate, Method};
use klfit::evaluate::ALWAYS_REPORTED;
use klfit::fit::Stop;
use klfit::run_folder::{FitSummary, Optimum, Summary};

use super::Voice;

/// Optima that are listed without being asked for.
const LISTED: usize = 5;
/// An end with a larger gradient than this is shown with it: it is not at rest.
const MOVING: f64 = 1e-3;
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
    let divergences = ALWAYS_REPORTED.map(|kind| kind.symbol());
    let header = ["fit", "q"].into_iter().chain(divergences);
    table.set_header(header.chain(["steps", "time", "stopped"]));
    for fit in &summary.fits {
        let time = digest::seconds(fit.seconds);
        let Some(best) = &fit.best else {
            table.add_row([&fit.label, "every run failed", "", "", "", "", &time, ""]);
            continue;
        };
        let divergences = ALWAYS_REPORTED.map(|kind| digest::estimate(best.divergences.of(kind)));
        let row = [fit.label.clone(), digest::mixture(&best.mixture)].into_iter();
        let end = [best.steps.to_string(), time, best.stop.to_string()];
        table.add_row(row.chain(divergences).chain(end));
    }
    for column in [5, 6] {
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
        let at_rest = |optimum: &Optimum| !exact || optimum.gradient_norm <= MOVING;
        let places = match fit.optima.len() {
            1 if fit.optima.iter().all(at_rest) => "one optimum".to_owned(),
            n if fit.optima.iter().all(at_rest) => format!("{n} optima"),
            n => format!(
                "{}, not all at rest: more steps would move those with a gradient",
                digest::count(n, "place")
            ),
        };
        anstream::println!("{}: {finished} restarts ended at {places}", fit.label);
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
    if let Some(best) = &fit.best
        && let Stop::Failed { .. } = best.stop
    {
        anstream::println!("{}: {}", fit.label, best.stop);
    }
}

fn gap_text(gap: Estimate) -> String {
    if gap.error > 0.0 {
        digest::estimate(gap)
    } else {
        digest::small(gap.value)
    }
}
