//! The total correlation of a mixture, KL(p‖Πᵢ pᵢ) = Σᵢ H(pᵢ) − H(p) (Watanabe 1960).
//!
//! With a q of independent coordinates it is KL(p‖q) − Σᵢ KL(pᵢ‖qᵢ), since Σᵢ E_p[log qᵢ] is E_p[log q]: no entropies are
//! subtracted, and of a Gaussian, whose marginals are those of q, it is KL(p‖q).

use std::time::Instant;

use super::{
    Computed, beyond, check_method, combined, ended, kl, known, mixture_of, moments, pursue,
};
use crate::calculator::sampling::Draws;
use crate::calculator::{Answer, Bracket, Claim, Measure, Method, Operand, Question};
use crate::error::{Error, Result};
use crate::mixture::Mixture;
use crate::precise::ROUNDING;

const MEASURE: Measure = Measure::TotalCorrelation;

/// The total correlation of a mixture in nats.
pub fn total_correlation(question: &Question, p: &Operand, draws: &dyn Draws) -> Result<Answer> {
    let started = Instant::now();
    check_method(MEASURE, question.method)?;
    let mixture = mixture_of(MEASURE, p)?;
    let is_gaussian = mixture.components() == 1;
    let nothing = |reason| {
        let number = Computed::exact(0.0);
        let number = Computed {
            ending: ended(question.accuracy, &number),
            ..number
        };
        Ok(known(MEASURE, number, reason))
    };
    let found = if mixture.dim() == 1 {
        nothing("there is one coordinate")
    } else if is_gaussian && crate::mixture::is_diagonal(&mixture.scale_trils()[0]) {
        nothing("its coordinates are independent")
    } else if question.method == Method::ClosedForm && !is_gaussian {
        Err(Error::usage(
            "no total correlation by closed-form: there is a formula for one Gaussian",
            "leave --method out",
        ))
    } else {
        of_mixture(question, p, &mixture, draws)
    };
    Ok(Answer {
        seconds: started.elapsed().as_secs_f64(),
        ..found?
    })
}

fn of_mixture(
    question: &Question,
    p: &Operand,
    mixture: &Mixture,
    draws: &dyn Draws,
) -> Result<Answer> {
    let q = moments::independent(mixture).ok_or_else(|| beyond(MEASURE, p))?;
    let marginals = (0..mixture.dim())
        .map(|i| {
            let of_one = Question {
                method: Method::Auto,
                accuracy: Default::default(),
                ..question.clone()
            };
            let marginal = Operand::new(p.name.clone(), mixture.marginal(&[i])?);
            kl(&of_one, MEASURE, &marginal, q.marginal(&[i])?, draws)
        })
        .collect::<Result<Vec<Answer>>>()?;
    let sum = |of: &dyn Fn(&Answer) -> f64| marginals.iter().map(of).sum::<f64>();
    let of_marginals = sum(&|one| one.value);
    let rounded = (marginals.len() + 4) as f64 * ROUNDING * of_marginals.abs();
    let off = sum(&|one| one.error.unwrap_or(0.0)) + rounded;
    let is_sampled = marginals.iter().any(|one| one.claim == Claim::Sample);
    // What the marginals certainly lie between.
    let certain = (marginals
        .iter()
        .all(|one| one.bracket.is_some() || one.error == Some(0.0)))
    .then(|| {
        let end = |of: fn(Bracket) -> f64| sum(&|one| one.bracket.map_or(one.value, of));
        [end(|b| b.lower) - rounded, end(|b| b.upper) + rounded]
    });

    let find = |accuracy| {
        let of_kl = Question {
            accuracy,
            ..question.clone()
        };
        let found = kl(&of_kl, MEASURE, p, q.clone(), draws)?;
        let within = (found.bracket.zip(certain)).map(|(kl, [low, high])| Bracket {
            lower: (kl.lower - high).max(0.0),
            upper: (kl.upper - low).max(0.0),
        });
        let claim = match found.claim {
            Claim::Integral | Claim::Exact | Claim::Rounded if is_sampled => Claim::Sample,
            claim => claim,
        };
        let reason = format!(
            "KL(p‖q) − Σ KL(pᵢ‖qᵢ), q with independent coordinates, {}",
            found.reason
        );
        let found = Answer {
            bracket: None,
            claim,
            reason,
            samples: found.samples + marginals.iter().map(|one| one.samples).sum::<u64>(),
            ..found
        };
        Ok(combined(
            question,
            MEASURE,
            found,
            1.0,
            (of_marginals, off),
            within,
        ))
    };
    pursue(question.accuracy, question.accuracy, find)
}
