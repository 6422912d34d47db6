//! The divergences of two densities, each by the surest way there is.

use std::time::Instant;

use super::bracket::Brackets;
use super::choice::{Choice, OperandPair};
use super::panels::PanelIntegrals;
use super::sampling::Draws;
use super::{Answer, Measure, Method, Operand, Question};
use crate::divergence::DivergenceKind;
use crate::error::Result;

/// Finds every one of them, whatever else the question asks for; where they are worked out for another measure, errors
/// are told of that.
pub(super) fn find(
    question: &Question,
    called: Option<Measure>,
    kinds: &[DivergenceKind],
    p: &Operand,
    q: &Operand,
    draws: &dyn Draws,
) -> Result<Vec<Answer>> {
    if p.model.dim() != q.model.dim() {
        return Err(p.differs_from(q));
    }
    let pair = OperandPair {
        question,
        called,
        p,
        q,
        panels: PanelIntegrals::new(&p.model, &q.model, question.accuracy),
        brackets: Brackets::new(&p.model, &q.model),
    };
    let mut answers: Vec<Option<Answer>> = vec![None; kinds.len()];
    let mut sampled: [Vec<(usize, String)>; 2] = [Vec::new(), Vec::new()];
    for (place, &kind) in kinds.iter().enumerate() {
        let started = Instant::now();
        match pair.choose(kind)? {
            Choice::Known(found, method, reason) => {
                let tried = pair.answer(kind, found, method, reason, started);
                match pair.fallback_sampler(&tried) {
                    Some((place_of, reason)) => sampled[place_of].push((place, reason)),
                    None => answers[place] = Some(tried),
                }
            }
            Choice::Sample(Method::Qmc, reason) => sampled[1].push((place, reason)),
            Choice::Sample(_, reason) => sampled[0].push((place, reason)),
        }
    }
    // What is sampled the same way shares its draws.
    for (method, places) in [Method::MonteCarlo, Method::Qmc].into_iter().zip(sampled) {
        if places.is_empty() {
            continue;
        }
        let started = Instant::now();
        let sampled: Vec<DivergenceKind> = places.iter().map(|(place, _)| kinds[*place]).collect();
        let found = draws.find(pair.request(&sampled), method)?;
        for ((place, reason), found) in places.into_iter().zip(found) {
            let kind = kinds[place];
            answers[place] = Some(pair.answer(kind, found, method, reason, started));
        }
    }
    Ok(answers.into_iter().flatten().collect())
}
