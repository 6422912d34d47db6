//! What a divergence between two densities is, how sure that is, and what it lies between for
//! certain.

mod agreement;
mod answer;
mod approximation;
mod bracket;
mod choice;
mod discrete;
mod matrix;
mod method;
mod operand;
mod pairs;
mod panels;
mod reconcile;
mod sampling;

use std::time::Instant;

pub use answer::{Answer, Ending};
pub use bracket::Bracket;
pub use matrix::Matrix;
pub use method::{Claim, Method};
pub use operand::{Operand, read_operand, read_operand_with};
pub use sampling::Progress;

use answer::Computed;
use bracket::Brackets;
use choice::{Choice, OperandPair};
use panels::PanelIntegrals;

use crate::divergence::DivergenceKind;
use crate::error::{Error, Result};
use crate::mixture::Mixture;

/// How sure a number must be: half its 95 % interval is within either of these.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Accuracy {
    /// In nats.
    pub absolute: Option<f64>,
    /// As a share of the number.
    pub relative: Option<f64>,
}

impl Accuracy {
    fn is_set(self) -> bool {
        self.absolute.is_some() || self.relative.is_some()
    }

    /// What half the interval of a number may be.
    fn tolerance(self, value: f64) -> f64 {
        let relative = self.relative.unwrap_or(0.0) * value.abs();
        relative.max(self.absolute.unwrap_or(0.0))
    }

    /// Half the interval as a multiple of what it may be.
    fn error_ratio(self, found: &Computed) -> f64 {
        let half = found
            .interval
            .map_or(f64::INFINITY, |[low, high]| 0.5 * (high - low));
        if half == 0.0 {
            return 0.0;
        }
        // NaN is not there yet.
        let share = half / self.tolerance(found.value);
        if share.is_nan() { f64::INFINITY } else { share }
    }
}

/// What is asked of two densities.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// Which divergences.
    pub divergences: Vec<DivergenceKind>,
    /// How they are found.
    pub method: Method,
    /// How sure they must be.
    pub accuracy: Accuracy,
    /// Draws at most, from p, q and bridges together; where no accuracy is asked for, all of them are made.
    pub samples: Option<u64>,
    /// The seed of the draws.
    pub seed: u64,
    /// Whether to look for what they lie between.
    pub brackets: bool,
}

impl Default for Question {
    fn default() -> Self {
        Self {
            divergences: vec![
                DivergenceKind::ForwardKl,
                DivergenceKind::ReverseKl,
                DivergenceKind::Js,
                DivergenceKind::Jeffreys,
            ],
            method: Method::Auto,
            accuracy: Accuracy::default(),
            samples: None,
            seed: 0,
            brackets: true,
        }
    }
}

/// KL(p‖q) in nats between two mixtures, by the surest way there is.
///
/// ```
/// use klfit::Mixture;
/// let p = Mixture::from_stds(vec![0.3, 0.7], vec![vec![-2.0], vec![1.0]], vec![vec![1.0]; 2])?;
/// let q = Mixture::from_stds(vec![1.0], vec![vec![0.0]], vec![vec![2.0]])?;
/// let kl = klfit::kl(&p, &q)?;
/// assert!((kl.value - 0.09474788).abs() < 1e-8);
/// let bracket = kl.bracket.expect("there is one on a line");
/// assert!(bracket.lower <= kl.value && kl.value <= bracket.upper && bracket.width() < 1e-6);
/// # Ok::<(), klfit::Error>(())
/// ```
///
/// # Errors
/// If their dimensions differ.
pub fn kl(p: &Mixture, q: &Mixture) -> Result<Answer> {
    let question = Question {
        divergences: vec![DivergenceKind::ForwardKl],
        ..Question::default()
    };
    let (p, q) = (Operand::new("p", p.clone()), Operand::new("q", q.clone()));
    let mut answers = question.ask(&p, &q, &|_| {})?;
    answers
        .pop()
        .ok_or_else(|| Error::usage("no divergence was asked for", "ask for one"))
}

impl Question {
    /// Finds every divergence of p and q; `progress` is given how far sampling is.
    ///
    /// # Errors
    /// If the dimensions of p and q differ, the method cannot do what is asked, or the device failed.
    pub fn ask(
        &self,
        p: &Operand,
        q: &Operand,
        progress: &dyn Fn(Progress),
    ) -> Result<Vec<Answer>> {
        if p.model.dim() != q.model.dim() {
            return Err(p.differs_from(q));
        }
        let pair = OperandPair {
            question: self,
            p,
            q,
            panels: PanelIntegrals::new(&p.model, &q.model, self.accuracy),
            brackets: Brackets::new(&p.model, &q.model),
        };
        let mut answers: Vec<Option<Answer>> = vec![None; self.divergences.len()];
        let mut sampled: [Vec<(usize, String)>; 2] = [Vec::new(), Vec::new()];
        for (place, &kind) in self.divergences.iter().enumerate() {
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
            let kinds: Vec<DivergenceKind> = places
                .iter()
                .map(|(place, _)| self.divergences[*place])
                .collect();
            let found = sampling::find(pair.request(&kinds), method, progress)?;
            for ((place, reason), found) in places.into_iter().zip(found) {
                let kind = self.divergences[place];
                answers[place] = Some(pair.answer(kind, found, method, reason, started));
            }
        }
        Ok(answers.into_iter().flatten().collect())
    }
}
