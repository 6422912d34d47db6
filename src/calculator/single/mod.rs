//! What is told of one density: its entropy, and how far its coordinates are from independent.
//!
//! Both are KLs to a Gaussian and a number in closed form, so all that is known of a KL is known of them.

mod entropy;
mod total_correlation;

use super::answer::{Computed, ended};
use super::divergences;
use super::reconcile::{Reconciled, reconcile};
use super::sampling::Draws;
use super::{
    Accuracy, Answer, Bracket, Claim, Ending, Measure, Method, Operand, Question, moments,
};
use crate::divergence::DivergenceKind;
use crate::error::{Error, Result};
use crate::mixture::Mixture;

pub(super) use entropy::entropy;
pub(super) use total_correlation::total_correlation;

/// Tries at most to reach an error that is a share of a number not known before.
const TRIES: usize = 4;
/// What is asked for is asked a little sharper, since the number itself moves.
const SHARPER: f64 = 0.9;

/// The mixture that an operand is, without components that have no weight.
fn mixture_of(measure: Measure, operand: &Operand) -> Result<Mixture> {
    match operand.model.as_mixture() {
        Some(mixture) => Ok(mixture.occupied()),
        None => Err(Error::usage(
            format!(
                "no {} of {}, {}: it is found of a mixture of Gaussians",
                measure.title(),
                operand.name,
                operand.describe()
            ),
            "fit a mixture to it by `klfit run`, and give the folder of that run",
        )),
    }
}

/// Refuses what gives no number with an error.
fn check_method(measure: Measure, method: Method) -> Result<()> {
    use Method::{Auto, ClosedForm, MonteCarlo, Qmc, Quadrature};
    if matches!(method, Auto | ClosedForm | Quadrature | MonteCarlo | Qmc) {
        return Ok(());
    }
    let (title, name) = (measure.title(), method.name());
    Err(Error::usage(
        format!("no {title} by {name}: that is made for two densities"),
        "leave --method out, or use quadrature, qmc or monte-carlo",
    ))
}

/// KL(p‖q), worked out for a measure.
fn kl(
    question: &Question,
    measure: Measure,
    p: &Operand,
    q: Mixture,
    draws: &dyn Draws,
) -> Result<Answer> {
    let q = Operand::new("a Gaussian with its moments", q);
    let kinds = [DivergenceKind::ForwardKl];
    let found = divergences::find(question, Some(measure), &kinds, p, &q, draws)?.pop();
    found.ok_or_else(|| Error::usage("no divergence was asked for", "ask for one"))
}

fn beyond(measure: Measure, operand: &Operand) -> Error {
    Error::usage(
        format!(
            "no {} of {}: its covariance is singular, or beyond the range of numbers",
            measure.title(),
            operand.name
        ),
        "choose units in which the means and standard deviations are nearer to 1",
    )
}

/// A number that is known.
fn known(measure: Measure, number: Computed, reason: &str) -> Answer {
    let interval = number.interval;
    Answer {
        divergence: measure,
        value: number.value,
        error: number.error,
        interval,
        bracket: interval.map(Bracket::from),
        method: Method::ClosedForm,
        claim: match number.error {
            Some(error) if !crate::text::is_hidden(number.value, error) => Claim::Rounded,
            _ => Claim::Exact,
        },
        reason: reason.to_owned(),
        samples: 0,
        ending: number.ending,
        seconds: 0.0,
    }
}

/// What is the constant less the KL, or the KL less the constant, with a constant that is within its error, as far as what
/// it lies between for certain allows.
fn combined(
    question: &Question,
    measure: Measure,
    kl: Answer,
    sign: f64,
    (constant, off): (f64, f64),
    within: Option<Bracket>,
) -> Answer {
    let of = |kl: f64| sign * (kl - constant);
    let ends = |[low, high]: [f64; 2], off: f64| {
        let (one, other) = (of(low), of(high));
        [one.min(other) - off, one.max(other) + off]
    };
    let number = Computed {
        value: of(kl.value),
        error: kl.error.map(|error| error + off),
        interval: kl.interval.map(|interval| ends(interval, off)),
        samples: kl.samples,
        ending: kl.ending,
    };
    let by_kl = kl
        .bracket
        .map(|bracket| Bracket::from(ends([bracket.lower, bracket.upper], off)));
    let bracket = match (by_kl, within) {
        (Some(one), Some(other)) => Some(one.intersect(other)),
        (one, other) => one.or(other),
    }
    .filter(|_| question.brackets);
    let (number, claim, missed) = match bracket.map(|one| (one, reconcile(number, one, kl.claim))) {
        Some((_, Reconciled::Within(number))) => (number, kl.claim, ""),
        Some((bracket, Reconciled::Missed)) => {
            let middle = bracket.middle().unwrap_or(Computed::bare(f64::NAN));
            let middle = Computed {
                samples: kl.samples,
                ..middle
            };
            (
                middle,
                Claim::Bracket,
                "; what it gave misses the bracket, which alone is told",
            )
        }
        None => (number, kl.claim, ""),
    };
    let range = measure.range();
    let number = Computed {
        value: match number.error {
            Some(_) => number.value.clamp(*range.start(), *range.end()),
            None => number.value,
        },
        ..number
    };
    let is_unreached = kl.ending == Some(Ending::Spent) && !question.accuracy.is_set();
    Answer {
        divergence: measure,
        value: number.value,
        error: number.error,
        interval: number.interval,
        bracket,
        claim,
        reason: format!("{}{missed}", kl.reason),
        ending: match is_unreached {
            true => kl.ending,
            false => ended(question.accuracy, &number).or(kl.ending),
        },
        ..kl
    }
}

/// Asks for what is worked out of a KL until the error that was asked for of it is reached: `find` is given that of the
/// KL, and `first` is the one to begin with.
fn pursue(
    accuracy: Accuracy,
    first: Accuracy,
    find: impl Fn(Accuracy) -> Result<Answer>,
) -> Result<Answer> {
    let mut found = find(first)?;
    for _ in 1..TRIES {
        let is_short = accuracy.is_set() && found.ending == Some(Ending::Spent);
        let asked = SHARPER * accuracy.tolerance(found.value);
        let by_samples = matches!(found.method, Method::MonteCarlo | Method::Qmc);
        if !(is_short && by_samples && asked > 0.0) || found.claim == Claim::Bracket {
            break;
        }
        let before = found.samples;
        let next = find(Accuracy {
            absolute: Some(asked),
            relative: None,
        })?;
        let is_spent = next.samples <= before;
        found = next;
        if is_spent {
            break;
        }
    }
    Ok(found)
}
