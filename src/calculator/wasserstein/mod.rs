//! The Wasserstein distance of order 2, in the units of x.

mod gaussian;
mod line;
mod transport;

use std::time::Instant;

use rayon::prelude::*;

use super::answer::{Computed, ended};
use super::reconcile::{Reconciled, reconcile};
use super::{Answer, Bracket, Claim, Measure, Method, Operand, Question, moments, same};
use crate::divergence::Estimate;
use crate::error::{Error, Result};
use crate::mixture::Mixture;
use crate::precise::ROUNDING;
use crate::text;

/// More pairs of components than this are not compared.
const MOST_PAIRS: usize = 1 << 22;

/// W₂ of two mixtures; above one dimension an upper bound of it, unless both are Gaussians.
pub(super) fn answer(question: &Question, p: &Operand, q: &Operand) -> Result<Answer> {
    let started = Instant::now();
    let of = |operand: &Operand| match operand.model.as_mixture() {
        Some(mixture) => Ok(mixture.occupied()),
        None => Err(Error::usage(
            format!(
                "no Wasserstein distance of {}, {}: it is found between mixtures of Gaussians",
                operand.name,
                operand.describe()
            ),
            "fit a mixture to it by `klfit run`, and give the folder of that run",
        )),
    };
    let (of_p, of_q) = (of(p)?, of(q)?);
    let found = if same(&p.model, &q.model) && is_possible(question.method) {
        Found {
            number: Computed::exact(0.0),
            method: match question.method {
                Method::Auto => Method::ClosedForm,
                method => method,
            },
            claim: Claim::Exact,
            reason: "p and q are the same density".to_owned(),
            bracket: Some(Bracket {
                lower: 0.0,
                upper: 0.0,
            }),
        }
    } else {
        find(question, &of_p, &of_q)?
    };
    let number = found.number;
    Ok(Answer {
        divergence: Measure::Wasserstein2,
        value: number.value,
        error: number.error,
        interval: number.interval,
        bracket: found.bracket,
        method: found.method,
        claim: found.claim,
        reason: found.reason,
        samples: 0,
        ending: ended(question.accuracy, &number),
        seconds: started.elapsed().as_secs_f64(),
    })
}

/// W₂ with how it was found.
struct Found {
    number: Computed,
    method: Method,
    claim: Claim,
    reason: String,
    bracket: Option<Bracket>,
}

fn is_possible(method: Method) -> bool {
    use Method::{Auto, ClosedForm, Quadrature, Transport};
    matches!(method, Auto | ClosedForm | Quadrature | Transport)
}

fn find(question: &Question, p: &Mixture, q: &Mixture) -> Result<Found> {
    let method = question.method;
    let cannot = |why: &str, help: &str| {
        let name = method.name();
        Err(Error::usage(
            format!("no Wasserstein distance by {name}: {why}"),
            help,
        ))
    };
    let are_gaussians = p.components() == 1 && q.components() == 1;
    match method {
        Method::Auto if are_gaussians => Ok(between_gaussians(
            p,
            q,
            "there is a formula for two Gaussians",
        )),
        Method::ClosedForm if are_gaussians => Ok(between_gaussians(p, q, "as asked")),
        Method::ClosedForm => cannot(
            "the formula is for two Gaussians",
            "use --method transport, which bounds it, or leave --method out",
        ),
        Method::Auto | Method::Quadrature => match line::distance(p, q) {
            Some(found) => Ok(on_a_line(question, p, q, found)),
            None if method == Method::Auto => carried(question, p, q),
            None => cannot(
                &format!(
                    "it is for one dimension and {} components of both at most",
                    line::MOST_COMPONENTS
                ),
                "use --method transport, or leave --method out",
            ),
        },
        Method::Transport => carried(question, p, q),
        _ => cannot(
            "it is found by a formula, on a line, or as a transport between components",
            "use --method transport, or leave --method out",
        ),
    }
}

fn between_gaussians(p: &Mixture, q: &Mixture, reason: &str) -> Found {
    let found = gaussian::distance((p, 0), (q, 0));
    let Estimate { value, error, .. } = found;
    let lower = (value - error).max(0.0);
    Found {
        number: Computed {
            interval: Some([lower, value + error]),
            ..Computed::formula(found)
        },
        method: Method::ClosedForm,
        claim: match text::is_hidden(value, error) {
            true => Claim::Exact,
            false => Claim::Rounded,
        },
        reason: reason.to_owned(),
        bracket: Some(Bracket {
            lower,
            upper: value + error,
        }),
    }
}

fn on_a_line(question: &Question, p: &Mixture, q: &Mixture, found: Estimate) -> Found {
    let number = Computed::within(found.value, found.error);
    let bracket =
        (question.brackets && is_little(p, q)).then(|| bracket(p, q, between_components(p, q)));
    let reason = "an integral over the line, where the order is kept".to_owned();
    let (number, claim) =
        match bracket.map(|bracket| (bracket, reconcile(number, bracket, Claim::Integral))) {
            Some((bracket, Reconciled::Missed)) => (
                bracket.middle().unwrap_or(Computed::bare(f64::NAN)),
                Claim::Bracket,
            ),
            Some((_, Reconciled::Within(number))) => (number, Claim::Integral),
            None => (number, Claim::Integral),
        };
    Found {
        number,
        method: Method::Quadrature,
        claim,
        reason,
        bracket,
    }
}

fn carried(question: &Question, p: &Mixture, q: &Mixture) -> Result<Found> {
    if !is_little(p, q) {
        return Err(Error::usage(
            format!(
                "no Wasserstein distance of {} by {} components: more than {MOST_PAIRS} pairs",
                p.components(),
                q.components()
            ),
            "reduce the number of components",
        ));
    }
    let found = between_components(p, q);
    Ok(Found {
        number: Computed {
            interval: None,
            ..Computed::formula(found)
        },
        method: Method::Transport,
        claim: Claim::UpperBound,
        reason: "MW₂, the cheapest transport between components".to_owned(),
        bracket: question.brackets.then(|| bracket(p, q, found)),
    })
}

fn is_little(p: &Mixture, q: &Mixture) -> bool {
    p.components() * q.components() <= MOST_PAIRS
}

/// MW₂ (Delon and Desolneux 2020): the cheapest plan between the components, of which each pair costs W₂² of the two
/// Gaussians.
fn between_components(p: &Mixture, q: &Mixture) -> Estimate {
    let row = |a: usize| -> Vec<Estimate> {
        (0..q.components())
            .map(|b| gaussian::quick_distance((p, a), (q, b)))
            .collect()
    };
    let distances: Vec<Vec<Estimate>> = (0..p.components()).into_par_iter().map(row).collect();
    let largest = (distances.iter().flatten())
        .map(|one| one.value)
        .fold(0.0, f64::max);
    if !(largest > 0.0 && largest.is_finite()) {
        let error = distances
            .iter()
            .flatten()
            .map(|one| one.error)
            .fold(0.0, f64::max);
        return Estimate::closed_form(largest, error);
    }
    // In units of the largest, so that no square overflows.
    let each = |of: &dyn Fn(f64, f64) -> f64| -> Vec<Vec<f64>> {
        let one = |one: &Estimate| of(one.value / largest, one.error / largest);
        distances
            .iter()
            .map(|row| row.iter().map(one).collect())
            .collect()
    };
    let costs = each(&|value, _| value * value);
    let errors =
        each(&|value, error| error * (2.0 * value + error) + 2.0 * ROUNDING * value * value);
    let cheapest = transport::cheapest(p.weights(), q.weights(), &costs, &errors);
    let root = cheapest.cost.sqrt();
    // A root falls by more than it rises.
    let off = |by: f64, other: f64| if by > 0.0 { by / (root + other) } else { 0.0 };
    let least = (cheapest.cost - cheapest.below).max(0.0).sqrt();
    let most = (cheapest.cost + cheapest.above).sqrt();
    let rise = off(cheapest.above, most);
    let fall = off(cheapest.below, least).min(root);
    let error = rise.max(fall) + 4.0 * ROUNDING * root;
    Estimate::closed_form(root * largest, error * largest)
}

/// What W₂ lies between: it is at least that of the Gaussians with the same moments (Gelbrich 1990), and at most MW₂.
fn bracket(p: &Mixture, q: &Mixture, upper: Estimate) -> Bracket {
    let upper = upper.value + upper.error;
    let lower = moments::matched(p).zip(moments::matched(q)).map(|(p, q)| {
        let found = gaussian::distance((&p, 0), (&q, 0));
        found.value - found.error
    });
    // Means and factors of the moments are rounded.
    let size = |mixture: &Mixture| {
        let largest = |k: usize| mixture.means()[k].amax() + mixture.scale_trils()[k].norm();
        let sizes = (0..mixture.components()).map(largest).fold(0.0, f64::max);
        let terms = mixture.components() * (mixture.dim() + 1) + 8;
        4.0 * (terms * mixture.dim()) as f64 * ROUNDING * sizes
    };
    let lower = lower.map_or(0.0, |lower| lower - size(p) - size(q));
    Bracket {
        lower: lower.max(0.0).min(upper),
        upper,
    }
}
