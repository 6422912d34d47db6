//! What a run shows while it goes: a bar for each fit on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::Verbosity;
use super::output::to_stderr;
use super::signals::Signals;
use super::working::Working;
use crate::divergence::Estimate;
use crate::fit::{Plan, Record};
use crate::jobs::run::RunObserver;
use crate::judge::evaluate::ALWAYS_REPORTED;
use crate::record::FitSummary;
use crate::text;

/// Plain lines come no more often than this, unless all are asked for.
const PAUSE: Duration = Duration::from_secs(2);

/// Follows a run on standard error.
pub struct Progress {
    verbosity: Verbosity,
    bar: Option<ProgressBar>,
    last_line: Option<Instant>,
    /// What goes on before the first record and after the last.
    working: Option<Working>,
    signals: Signals,
}

impl Progress {
    /// A bar if standard error is a terminal and not every step is to be printed.
    pub fn new(verbosity: Verbosity, signals: Signals) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let bar = (terminal && !verbosity.quiet && !verbosity.verbose).then(ProgressBar::no_length);
        Self {
            verbosity,
            bar,
            last_line: None,
            working: None,
            signals,
        }
    }
}

/// A number that is about to change.
fn brief(estimate: Estimate) -> String {
    text::to_error(estimate.value, estimate.error, 5)
}

impl RunObserver for Progress {
    fn begin(&mut self, plan: &Plan) {
        if self.bar.is_none() {
            let what = format!("{}: on the way to its next logged step", plan.label);
            self.working = Some(self.verbosity.working(what));
            return;
        }
        let bar = ProgressBar::new(plan.optimizer.steps as u64);
        let template = "{prefix} {wide_bar:.cyan/dim} {pos}/{len}  {msg}  {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("━━─"));
        }
        bar.set_prefix(text::shown(&plan.label).into_owned());
        bar.tick();
        self.bar = Some(bar);
    }

    fn record(&mut self, plan: &Plan, record: &Record) {
        self.working = None;
        let Some(best) = (record.runs.iter())
            .filter(|run| !run.has_failed())
            .min_by(|a, b| a.loss.value.total_cmp(&b.loss.value))
        else {
            return;
        };
        // Both KLs, where they are reported.
        let shown = (ALWAYS_REPORTED[..2].iter())
            .map(|&kind| (kind.symbol(), best.evaluation.estimate(kind)))
            .filter(|(_, estimate)| !estimate.value.is_nan())
            .map(|(symbol, estimate)| format!("  {symbol} {}", brief(estimate)));
        let loss = brief(best.loss);
        let numbers = format!("loss {loss}{}", shown.collect::<String>());
        if let Some(bar) = &self.bar {
            bar.set_message(numbers);
            bar.set_position(record.step as u64);
            return;
        }
        let is_last = record.runs.iter().all(|run| run.stop.is_some());
        if is_last {
            let what = format!("{}: judging where the runs ended", plan.label);
            self.working = Some(self.verbosity.working(what));
        }
        let due =
            (self.last_line).is_none_or(|last| last.elapsed() >= PAUSE) || self.verbosity.verbose;
        if self.verbosity.quiet || !due {
            return;
        }
        self.last_line = Some(Instant::now());
        to_stderr(format_args!(
            "{}: step {}/{}  {numbers}  {}",
            plan.label,
            record.step,
            plan.optimizer.steps,
            text::seconds(record.seconds)
        ));
    }

    fn end(&mut self, fit: &FitSummary) {
        (self.last_line, self.working) = (None, None);
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        if !self.verbosity.quiet {
            to_stderr(format_args!(
                "{}: done in {}",
                fit.label,
                text::seconds(fit.seconds)
            ));
        }
    }

    fn wants_to_stop(&self) -> bool {
        self.signals.is_received()
    }
}
