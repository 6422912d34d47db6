//! What came out, as a table with its errors and what there is to say below it.

use comfy_table::{CellAlignment, Table};

use super::output::to_stdout;
use super::{Verbosity, layout};
use crate::record::{FitSummary, Rest, Summary};
use crate::report;
use crate::text;

/// Optima that are listed without being asked for.
const LISTED: usize = 5;

/// Prints the comparison of the fits.
pub fn print(summary: &Summary, verbosity: Verbosity) {
    layout::print(&drawn(report::comparison(&[(&summary.name, summary)])));
    to_stdout(report::units(report::kinds(&summary.fits), true));
    if let Some(facts) = report::target(summary) {
        to_stdout(format_args!("target: {facts}"));
    }
    for fit in &summary.fits {
        for remark in report::remarks(fit) {
            to_stdout(format_args!("{}: {remark}", fit.name()));
        }
        optima(fit, verbosity);
    }
    for choice in &summary.choices {
        if let Some(chosen) = report::chosen(choice) {
            layout::print(&drawn(report::candidates(choice)));
            to_stdout(format_args!(
                "choice of {}: {chosen}",
                text::plain(&choice.name)
            ));
        }
    }
}

fn drawn(of: report::Table) -> Table {
    let mut table = layout::table(of.header);
    table.add_rows(of.rows);
    for column in of.right {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn optima(fit: &FitSummary, verbosity: Verbosity) {
    if fit.restarts < 2 {
        return;
    }
    let listed = if verbosity.verbose {
        fit.optima.len()
    } else {
        LISTED
    };
    for optimum in fit.optima.iter().take(listed) {
        let mut notes = String::new();
        notes += &match &optimum.falling {
            Some(falling) => format!("  (falling by {:.1e})", falling.by),
            None if fit.rest_at(optimum) != Rest::Moving => String::new(),
            None => format!("  (gradient {:.0e})", optimum.gradient_norm),
        };
        if let Some(iterate) = optimum.best_iterate {
            notes += &format!("  (of step {})", iterate.step);
        }
        to_stdout(format_args!(
            "  {:>4} ×  {} {}  {}{notes}",
            optimum.runs,
            fit.divergence.symbol(),
            optimum.divergences.estimate(fit.divergence),
            optimum.mixture.to_string().replace('\n', "; ")
        ));
    }
    if fit.optima.len() > listed {
        to_stdout(format_args!(
            "  and {} more, in summary.json",
            fit.optima.len() - listed
        ));
    }
}
