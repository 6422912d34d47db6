//! The Bhattacharyya distance: half the Rényi divergence of order ½, −log ∫ √(p q) (Bhattacharyya 1943; van Erven and
//! Harremoës 2014, §II).

use super::sampling::Draws;
use super::{Accuracy, Answer, Claim, Measure, Operand, Question, divergences};
use crate::error::{Error, Result};
use crate::text;

/// Half of what the Rényi divergence is, and all that is known of it.
pub(super) fn answer(
    question: &Question,
    p: &Operand,
    q: &Operand,
    draws: &dyn Draws,
) -> Result<Answer> {
    let measure = Measure::Bhattacharyya;
    let twice: Vec<_> = measure.twice().into_iter().collect();
    let accuracy = Accuracy {
        absolute: question.accuracy.absolute.map(|absolute| 2.0 * absolute),
        ..question.accuracy
    };
    let of_twice = Question {
        accuracy,
        ..question.clone()
    };
    let found = divergences::find(&of_twice, Some(measure), &twice, p, q, draws)?.pop();
    let answer = found.ok_or_else(|| Error::usage("no divergence was asked for", "ask for one"))?;
    let half = |number: f64| 0.5 * number;
    let (value, error) = (half(answer.value), answer.error.map(half));
    let claim = match (answer.claim, error) {
        (Claim::Rounded, Some(error)) if text::is_hidden(value, error) => Claim::Exact,
        (claim, _) => claim,
    };
    Ok(Answer {
        divergence: measure,
        value,
        error,
        interval: answer.interval.map(|interval| interval.map(half)),
        bracket: answer.bracket.map(|bracket| bracket.scaled(0.5)),
        claim,
        ..answer
    })
}
