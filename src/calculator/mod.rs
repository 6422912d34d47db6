//! What a divergence between two densities is, how sure that is, and what it lies between for
//! certain.

mod answer;
mod approximation;
mod bracket;
mod discrete;
mod matrix;
mod method;
mod operand;
mod pairs;
mod quadrature;
mod reconcile;
mod sampling;

use std::time::Instant;

pub use answer::{Answer, Ending};
pub use bracket::Bracket;
pub use matrix::Matrix;
pub use method::{Claim, Method};
pub use operand::{Operand, read_operand, read_operand_with_header};
pub use sampling::Progress;

use answer::Found;
use approximation::Approximation;
use bracket::Brackets;
use quadrature::Panels;
use reconcile::{Held, held_against};

use crate::density::target::TargetModel;
use crate::divergence::{DivergenceKind, Estimate, power_integral_diverges};
use crate::error::{Error, Result};
use crate::estimator::quadrature::Quadrature;
use crate::mixture::Mixture;
use crate::text;

/// Where quasi-Monte Carlo is taken: above, its nets gain little.
const QMC_DIM: usize = 16;
/// Where nothing else is asked for, sampling ends at this relative error …
const RELATIVE: f64 = 1e-3;
/// … or after so many draws.
const SAMPLES: u64 = 10_000_000;
/// A quadrature with a larger error than this, relative to the value, is not good enough where
/// nothing is asked for.
const ROUGH: f64 = 1e-4;
/// The width a bracket on a line is narrowed to where no error is asked for, relative to the value.
const NARROW: f64 = 1e-9;

/// How sure a number must be: half its 95 % interval is within either of these.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Accuracy {
    /// In nats.
    pub absolute: Option<f64>,
    /// As a share of the number.
    pub relative: Option<f64>,
}

impl Accuracy {
    fn is_asked(self) -> bool {
        self.absolute.is_some() || self.relative.is_some()
    }

    /// What half the interval of a number may be.
    fn tolerance(self, value: f64) -> f64 {
        let relative = self.relative.unwrap_or(0.0) * value.abs();
        relative.max(self.absolute.unwrap_or(0.0))
    }

    /// Half the interval as a multiple of what it may be.
    fn to_go(self, found: &Found) -> f64 {
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
    /// Draws under each side at most; where no accuracy is asked for, all of them are made.
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
/// use klfit::{Mixture, calculator};
/// let p = Mixture::from_stds(vec![0.3, 0.7], vec![vec![-2.0], vec![1.0]], vec![vec![1.0]; 2])?;
/// let q = Mixture::from_stds(vec![1.0], vec![vec![0.0]], vec![vec![2.0]])?;
/// let kl = calculator::kl(&p, &q)?;
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
    /// Finds every divergence of p and q; `progress` is told how far sampling is.
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
        let pair = Pair {
            question: self,
            p,
            q,
            panels: Panels::new(&p.model, &q.model, self.accuracy),
            brackets: Brackets::new(&p.model, &q.model),
        };
        let mut answers: Vec<Option<Answer>> = vec![None; self.divergences.len()];
        let mut sampled: [Vec<(usize, String)>; 2] = [Vec::new(), Vec::new()];
        for (place, &kind) in self.divergences.iter().enumerate() {
            let started = Instant::now();
            match pair.choose(kind)? {
                Choice::Known(found, method, reason) => {
                    let tried = pair.answer(kind, found, method, reason, started);
                    match pair.after_a_miss(&tried) {
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

/// How a divergence is found: at once, or by sampling together with others.
enum Choice {
    Known(Found, Method, String),
    Sample(Method, String),
}

struct Pair<'a> {
    question: &'a Question,
    p: &'a Operand,
    q: &'a Operand,
    panels: Panels<'a>,
    /// Of two densities that are not rows.
    brackets: Option<Brackets<'a>>,
}

impl Pair<'_> {
    fn models(&self) -> (&TargetModel, &TargetModel) {
        (&self.p.model, &self.q.model)
    }

    /// Both as mixtures, if they are.
    fn mixtures(&self) -> Option<(&Mixture, &Mixture)> {
        Some((self.p.model.as_mixture()?, self.q.model.as_mixture()?))
    }

    /// The accuracy to sample to, and the most draws.
    fn request<'b>(&'b self, kinds: &'b [DivergenceKind]) -> sampling::Request<'b> {
        let Question {
            accuracy,
            samples,
            seed,
            ..
        } = *self.question;
        let by_default = Accuracy {
            relative: Some(RELATIVE),
            ..accuracy
        };
        sampling::Request {
            kinds,
            p: &self.p.model,
            q: &self.q.model,
            accuracy: if accuracy.is_asked() || samples.is_some() {
                accuracy
            } else {
                by_default
            },
            samples: samples.unwrap_or(SAMPLES),
            seed,
        }
    }

    fn choose(&self, kind: DivergenceKind) -> Result<Choice> {
        let method = self.question.method;
        let (p, q) = self.models();
        if method == Method::Discrete {
            return self.discrete(kind);
        }
        if same(p, q) {
            let reason = "p and q are the same density".to_owned();
            return Ok(Choice::Known(Found::exact(0.0), method, reason));
        }
        if let Some(reason) = self.infinite(kind) {
            return Ok(Choice::Known(Found::exact(f64::INFINITY), method, reason));
        }
        match method {
            Method::Auto => self.surest(kind),
            Method::ClosedForm => match self.closed_form(kind) {
                Some(found) => Ok(self.as_asked(self.with_ending(Found::formula(found)))),
                None => Err(self.cannot(
                    kind,
                    "there is no formula for it between these two",
                    "it needs two Gaussians, and a divergence that has one: leave --method out",
                )),
            },
            Method::Quadrature if p.dim() > Quadrature::MAX_DIM => Err(self.cannot(
                kind,
                &format!("there are {} dimensions, and panels do for two", p.dim()),
                "use --method qmc or monte-carlo",
            )),
            Method::Quadrature => match self
                .panels
                .find(kind, |kind| self.infinite(kind).is_none())?
            {
                Some(found) => Ok(self.as_asked(self.with_ending(found))),
                None => Err(self.cannot(
                    kind,
                    "there are too many components for panels",
                    "use --method qmc or monte-carlo",
                )),
            },
            Method::MonteCarlo => Ok(Choice::Sample(method, "as asked".to_owned())),
            Method::Qmc => {
                if p.dim() > sampling::MOST_DIM {
                    return Err(self.cannot(
                        kind,
                        &format!(
                            "Sobol points have at most {} dimensions",
                            sampling::MOST_DIM
                        ),
                        "use --method monte-carlo",
                    ));
                }
                if self.mixtures().is_none() {
                    return Err(self.cannot(
                        kind,
                        "a Student-t is drawn with more than D numbers",
                        "use --method monte-carlo",
                    ));
                }
                Ok(Choice::Sample(method, "as asked".to_owned()))
            }
            Method::Unscented => self.approximate(kind, approximation::unscented),
            Method::Product => self.approximate(kind, approximation::product),
            Method::Variational => self.approximate(kind, approximation::variational),
            Method::VariationalUpper => self.approximate(kind, approximation::variational_upper),
            Method::Goldberger => self.approximate(kind, approximation::goldberger),
            Method::Discrete => self.discrete(kind),
        }
    }

    fn as_asked(&self, found: Found) -> Choice {
        Choice::Known(found, self.question.method, "as asked".to_owned())
    }

    /// Whether what was asked for is reached.
    fn with_ending(&self, found: Found) -> Found {
        let accuracy = self.question.accuracy;
        let ending = accuracy
            .is_asked()
            .then(|| match accuracy.to_go(&found) <= 1.0 {
                true => Ending::Reached,
                false => Ending::Spent,
            });
        Found { ending, ..found }
    }

    fn cannot(&self, kind: DivergenceKind, why: &str, help: &str) -> Error {
        let (title, method) = (kind.title(), self.question.method.name());
        Error::usage(format!("no {title} by {method}: {why}"), help)
    }

    fn closed_form(&self, kind: DivergenceKind) -> Option<Estimate> {
        let (p, q) = self.mixtures()?;
        // What is infinite was said to be before; what overflows is left to other methods.
        (kind.build().closed_form(p, q)).filter(|found| found.value.is_finite())
    }

    /// The first of closed form, quadrature and sampling that will do.
    fn surest(&self, kind: DivergenceKind) -> Result<Choice> {
        if let Some(found) = self.closed_form(kind) {
            let reason = "there is a formula for two Gaussians".to_owned();
            return Ok(Choice::Known(
                self.with_ending(Found::formula(found)),
                Method::ClosedForm,
                reason,
            ));
        }
        let (p, _) = self.models();
        let dim = p.dim();
        let mut why = format!("{dim} dimensions are too many for panels");
        if dim <= Quadrature::MAX_DIM {
            let found = self
                .panels
                .find(kind, |kind| self.infinite(kind).is_none())?;
            let good = Accuracy {
                relative: Some(ROUGH),
                absolute: Some(1e-12),
            };
            // A better one than this is not to be had by sampling, whatever is asked.
            if let Some(found) = found.filter(|found| good.to_go(found) <= 1.0) {
                let reason = "panels around every component of both".to_owned();
                return Ok(Choice::Known(
                    self.with_ending(found),
                    Method::Quadrature,
                    reason,
                ));
            }
            why = match found.and_then(|found| found.error) {
                Some(error) => format!("panels left an error of {error:.0e}"),
                None => "there are too many components for panels".to_owned(),
            };
        }
        if dim <= QMC_DIM && self.mixtures().is_some() {
            return Ok(Choice::Sample(Method::Qmc, why));
        }
        Ok(Choice::Sample(Method::MonteCarlo, why))
    }

    /// An approximation to KL, and to what is made of it: with m = ½p + ½q, JS is
    /// ½KL(p‖m) + ½KL(q‖m).
    fn approximate(&self, kind: DivergenceKind, kl: Approximation) -> Result<Choice> {
        let Some((p, q)) = self.mixtures() else {
            return Err(self.cannot(
                kind,
                "it is for mixtures of Gaussians",
                "leave --method out",
            ));
        };
        let value = match kind {
            DivergenceKind::ForwardKl => kl(p, q),
            DivergenceKind::ReverseKl => kl(q, p),
            DivergenceKind::Jeffreys => kl(p, q) + kl(q, p),
            DivergenceKind::Js => {
                let middle = bracket::middle(p, q).ok_or_else(|| {
                    self.cannot(kind, "the weights underflow", "leave --method out")
                })?;
                0.5 * (kl(p, &middle) + kl(q, &middle))
            }
            _ => {
                return Err(self.cannot(
                    kind,
                    "it approximates KL",
                    "ask for kl, reverse-kl, jeffreys or js, or leave --method out",
                ));
            }
        };
        Ok(self.as_asked(Found::bare(value)))
    }

    fn discrete(&self, kind: DivergenceKind) -> Result<Choice> {
        let (p, q) = self.models();
        let rows = |of: &Operand| {
            of.rows.clone().ok_or_else(|| {
                self.cannot(
                    kind,
                    &format!("it is about the rows of a sample, and {} has none", of.name),
                    "give samples as .csv or .npy, or leave --method out",
                )
            })
        };
        let value = match kind {
            DivergenceKind::ForwardKl => discrete::entropy(p, q, &rows(self.p)?),
            DivergenceKind::ReverseKl => discrete::entropy(q, p, &rows(self.q)?),
            DivergenceKind::Jeffreys => {
                discrete::entropy(p, q, &rows(self.p)?) + discrete::entropy(q, p, &rows(self.q)?)
            }
            _ => return Err(self.cannot(kind, "it is made for KL", "ask for kl or reverse-kl")),
        };
        let reason = "of the densities at the rows, divided by their sums: not the KL of the \
                      densities";
        Ok(Choice::Known(
            Found::bare(value),
            Method::Discrete,
            reason.to_owned(),
        ))
    }

    /// Why the divergence is infinite, if it is known to be.
    fn infinite(&self, kind: DivergenceKind) -> Option<String> {
        let (p, q) = self.models();
        let backwards = kind.exchanged();
        let reason = match (p.as_mixture(), q.as_mixture()) {
            (None, Some(_)) => kind.infinite_for(p.tails()),
            (Some(_), None) => backwards.and_then(|kind| kind.infinite_for(q.tails())),
            _ => None,
        };
        if let Some(reason) = reason {
            return Some(reason.to_owned());
        }
        let order = kind.order()?;
        if let (TargetModel::StudentT(p), TargetModel::StudentT(q)) = (p, q) {
            // Along any direction p falls off like |x|^−(ν + D), and q alike.
            let dim = p.scales().dim() as f64;
            let falls = order * (p.dof() + dim) + (1.0 - order) * (q.dof() + dim);
            return (falls <= dim).then(|| {
                format!(
                    "∫ p^{order} q^({}) is infinite: the integrand falls off like |x|^−{falls}, and in \
                     {} it would have to fall faster than |x|^−{dim}",
                    1.0 - order,
                    crate::text::count(p.scales().dim(), "dimension"),
                )
            });
        }
        let (p, q) = self.mixtures()?;
        power_integral_diverges(p, q, order).then(|| {
            let (heavy, light) = if order > 1.0 { ("p", "q") } else { ("q", "p") };
            format!(
                "∫ p^{order} q^({}) is infinite: in some direction the tails of {light} are too light \
                 beside those of {heavy} ({order}·Σp⁻¹ + ({})·Σq⁻¹ is not positive definite)",
                1.0 - order,
                1.0 - order,
            )
        })
    }

    /// Where nothing is asked for and a number by panels misses its bracket: the sampler to take
    /// instead, with the reason.
    fn after_a_miss(&self, tried: &Answer) -> Option<(usize, String)> {
        let missed = tried.claim == Claim::Bracket && tried.method == Method::Quadrature;
        (self.question.method == Method::Auto && missed).then(|| {
            let reason = "a quadrature missed its bracket".to_owned();
            (
                usize::from(self.models().0.dim() <= QMC_DIM && self.mixtures().is_some()),
                reason,
            )
        })
    }

    fn answer(
        &self,
        kind: DivergenceKind,
        found: Found,
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
                .and_then(|brackets| brackets.of(kind, asked.max(narrow)))
        } else {
            None
        };
        let answer = Answer {
            divergence: kind,
            value: found.value,
            error: found.error,
            interval: found.interval,
            bracket,
            method,
            claim: match found.error {
                Some(error) if is_formula && text::hides(found.value, error) => Claim::Exact,
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
            self.held(answer, found)
        };
        Answer {
            seconds: started.elapsed().as_secs_f64(),
            ..answer
        }
    }

    /// An answer that agrees with its bracket. Where the number does not, only the bracket is left.
    fn held(&self, answer: Answer, found: Found) -> Answer {
        let found = match answer.bracket {
            Some(bracket) => match held_against(found, bracket, answer.claim) {
                Held::Within(found) => found,
                Held::Missed => return self.bracket_alone(answer, bracket),
            },
            None if found.value.is_finite() => found,
            None => Found {
                samples: found.samples,
                ending: found.ending,
                ..Found::bare(f64::NAN)
            },
        };
        // A last bit more than there can be is rounding; an approximation may be anything.
        let range = answer.divergence.range();
        let value = match found.error {
            Some(_) => found.value.clamp(*range.start(), *range.end()),
            None => found.value,
        };
        let found = Found { value, ..found };
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
        let found = bracket.middle().unwrap_or(Found::bare(f64::NAN));
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

/// Whether two densities are the same but for the order of their components.
fn same(p: &TargetModel, q: &TargetModel) -> bool {
    let sorted = |mixture: &Mixture| {
        let mut components: Vec<(Vec<f64>, usize)> = (0..mixture.components())
            .filter(|&k| mixture.weights()[k] > 0.0)
            .map(|k| {
                let (mean, factor) = (&mixture.means()[k], &mixture.scale_trils()[k]);
                let numbers = mean.iter().chain(factor.iter()).copied();
                let weight = std::iter::once(mixture.weights()[k]);
                (weight.chain(numbers).collect(), k)
            })
            .collect();
        components.sort_by(|(a, _), (b, _)| {
            a.iter()
                .zip(b)
                .map(|(a, b)| a.total_cmp(b))
                .find(|o| o.is_ne())
                .unwrap_or(std::cmp::Ordering::Equal)
        });
        components
    };
    match (p, q) {
        (TargetModel::Mixture(p), TargetModel::Mixture(q)) => {
            let (of_p, of_q) = (sorted(p), sorted(q));
            of_p.len() == of_q.len()
                && (of_p.iter().zip(&of_q))
                    .all(|((a, i), (b, j))| a == b && p.rounds_alike(*i, q, *j))
        }
        _ => p == q,
    }
}
