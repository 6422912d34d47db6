//! An answer of what was found, reconciled with its bracket.

use std::time::Instant;

use super::answer::Computed;
use super::choice::OperandPair;
use super::reconcile::{Reconciled, reconcile};
use super::{Answer, Bracket, Claim, Ending, Method};
use crate::divergence::DivergenceKind;
use crate::text;

/// The width a bracket on a line is narrowed to where no error is asked for, relative to the value.
const NARROW: f64 = 1e-9;

impl OperandPair<'_> {
    pub(super) fn answer(
        &self,
        kind: DivergenceKind,
        found: Computed,
        method: Method,
        reason: String,
        started: Instant,
    ) -> Answer {
        let is_known = found.error == Some(0.0) && found.samples == 0;
        let method = if method == Method::Auto {
            Method::ClosedForm
        } else {
            method
        };
        let is_formula = is_known || method == Method::ClosedForm;
        let bracket = if let (true, Some([lower, upper])) = (is_formula, found.interval) {
            Some(Bracket { lower, upper })
        } else if self.question.brackets && method != Method::Discrete {
            let narrow = NARROW * found.value.abs().max(1.0);
            let asked = self.question.accuracy.tolerance(found.value);
            self.brackets
                .as_ref()
                .and_then(|brackets| brackets.bracket(kind, asked.max(narrow)))
        } else {
            None
        };
        let answer = Answer {
            divergence: kind.into(),
            value: found.value,
            error: found.error,
            interval: found.interval,
            bracket,
            method,
            claim: match found.error {
                Some(error) if is_formula && text::is_hidden(found.value, error) => Claim::Exact,
                _ if is_formula => Claim::Rounded,
                _ => method.claim(),
            },
            reason,
            samples: found.samples,
            ending: found.ending,
            seconds: 0.0,
        };
        let answer = if is_known {
            // An infinite number has no error.
            let is_finite = found.value.is_finite();
            Answer {
                error: answer.error.filter(|_| is_finite),
                interval: answer.interval.filter(|_| is_finite),
                ..answer
            }
        } else {
            self.within_bracket(answer, found)
        };
        Answer {
            seconds: started.elapsed().as_secs_f64(),
            ..answer
        }
    }

    /// An answer that agrees with its bracket. Where the number does not, only the bracket is left.
    fn within_bracket(&self, answer: Answer, found: Computed) -> Answer {
        let found = match answer.bracket {
            Some(bracket) => match reconcile(found, bracket, answer.claim) {
                Reconciled::Within(found) => found,
                Reconciled::Missed => return self.bracket_alone(answer, bracket),
            },
            None if found.value.is_finite() => found,
            None => Computed {
                samples: found.samples,
                ending: found.ending,
                ..Computed::bare(f64::NAN)
            },
        };
        // A last bit more than there can be is rounding; an approximation may be anything.
        let range = answer.divergence.range();
        let value = match found.error {
            Some(_) => found.value.clamp(*range.start(), *range.end()),
            None => found.value,
        };
        let found = Computed { value, ..found };
        let lost = if found.value.is_nan() {
            "; it is beyond all numbers, or lost to rounding"
        } else {
            ""
        };
        Answer {
            value: found.value,
            error: found.error,
            interval: found.interval,
            reason: answer.reason + lost,
            ..answer
        }
    }

    fn bracket_alone(&self, answer: Answer, bracket: Bracket) -> Answer {
        let found = bracket.middle().unwrap_or(Computed::bare(f64::NAN));
        let why = match answer.claim {
            Claim::Sample => "some region that matters has hardly a draw",
            _ => "its points miss something, or numbers overflow",
        };
        Answer {
            value: found.value,
            error: found.error,
            interval: found.interval,
            claim: Claim::Bracket,
            reason: format!(
                "{}; what it gave misses the bracket, which alone is told: {why}",
                answer.reason
            ),
            ending: Some(Ending::Spent),
            ..answer
        }
    }
}
