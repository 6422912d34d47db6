//! The entropy of a mixture: H(p) = −E_p[log q] − KL(p‖q) with any Gaussian q.
//!
//! The cross-entropy is Σₖ wₖ (KL(fₖ‖q) + H(fₖ)) over the components fₖ, in closed form; where q has the moments of p it is
//! ½ log |2πe Σ|, the largest entropy that any density with them has (Cover and Thomas 2006, theorem 8.6.5).

use std::time::Instant;

use super::{
    Computed, beyond, check_method, combined, ended, kl, known, mixture_of, moments, pursue,
};
use crate::calculator::pairs::Pairs;
use crate::calculator::sampling::Draws;
use crate::calculator::{Accuracy, Answer, Bracket, Measure, Method, Operand, Question};
use crate::divergence::Factored;
use crate::error::{Error, Result};
use crate::mixture::Mixture;
use crate::precise::ROUNDING;

const MEASURE: Measure = Measure::Entropy;

/// The entropy of a mixture in nats.
pub fn entropy(question: &Question, p: &Operand, draws: &dyn Draws) -> Result<Answer> {
    let started = Instant::now();
    check_method(MEASURE, question.method)?;
    let mixture = mixture_of(MEASURE, p)?;
    let found = match mixture.components() {
        1 if question.method.is_exact() => gaussian(question, &mixture),
        _ if question.method == Method::ClosedForm => {
            return Err(Error::usage(
                "no entropy by closed-form: there is a formula for one Gaussian",
                "leave --method out",
            ));
        }
        _ => of_mixture(question, p, &mixture, draws)?,
    };
    Ok(Answer {
        seconds: started.elapsed().as_secs_f64(),
        ..found
    })
}

fn gaussian(question: &Question, p: &Mixture) -> Answer {
    let component = Factored::new(p, 0);
    let number = Computed::within(component.entropy(), component.entropy_error());
    let number = Computed {
        ending: ended(question.accuracy, &number),
        ..number
    };
    known(MEASURE, number, "there is a formula for a Gaussian")
}

fn of_mixture(
    question: &Question,
    p: &Operand,
    mixture: &Mixture,
    draws: &dyn Draws,
) -> Result<Answer> {
    let q = moments::matched(mixture).ok_or_else(|| beyond(MEASURE, p))?;
    let pairs = Pairs::new(mixture, &q);
    let count = (mixture.components() + 8) as f64;
    let sized = |of: &dyn Fn(usize) -> f64| pairs.mean(|a| of(a).abs()) * count * ROUNDING;
    let cross = pairs.mean(|a| pairs.kl[a][0] + pairs.entropies[a]);
    let cross_off = pairs.mean(|a| pairs.kl_errors[a][0] + pairs.entropy_errors[a])
        + sized(&|a| pairs.kl[a][0])
        + sized(&|a| pairs.entropies[a])
        + count * ROUNDING;
    // It is at least the mean of those of the components, and at most that with the entropy of the weights more: which
    // component x is of is no more than that.
    let mean = pairs.mean(|a| pairs.entropies[a]);
    let of_weights = pairs.mean(|a| -pairs.weights[a].ln());
    let off = pairs.mean(|a| pairs.entropy_errors[a])
        + sized(&|a| pairs.entropies[a])
        + 2.0 * count * ROUNDING * (1.0 + of_weights);
    let within = Bracket::from([mean - off, mean + of_weights + off]);

    let asked = question.accuracy;
    let first = Accuracy {
        absolute: match asked.relative {
            Some(share) => Some(asked.absolute.unwrap_or(0.0).max(share * cross.abs())),
            None => asked.absolute,
        },
        relative: None,
    };
    let find = |accuracy: Accuracy| {
        let of_kl = Question {
            accuracy,
            ..question.clone()
        };
        let found = kl(&of_kl, MEASURE, p, q.clone(), draws)?;
        let reason = format!("½ log |2πe Σ| − KL(p‖N(μ, Σ)), {}", found.reason);
        let found = Answer { reason, ..found };
        let constant = (cross, cross_off);
        Ok(combined(
            question,
            MEASURE,
            found,
            -1.0,
            constant,
            Some(within),
        ))
    };
    pursue(asked, first, find)
}
