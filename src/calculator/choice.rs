//! How each divergence of two densities is found.

use super::answer::{Computed, ended};
use super::approximation::{self, Approximation};
use super::bracket::{self, Brackets};
use super::panels::PanelIntegrals;
use super::{Accuracy, Answer, Claim, Measure, Method, Operand, Question, discrete, sampling};
use crate::density::target::{Tails, TargetModel};
use crate::divergence::{DivergenceKind, Estimate, power_integral_diverges};
use crate::error::{Error, Result};
use crate::estimator::quadrature::Quadrature;
use crate::mixture::Mixture;
use crate::text;

/// Where quasi-Monte Carlo is taken: above, its nets gain little.
const QMC_DIM: usize = 16;
/// Where nothing else is asked for, sampling ends at this relative error …
const RELATIVE: f64 = 1e-3;
/// … or after this many draws.
const SAMPLES: u64 = 10_000_000;
/// A quadrature with a larger error than this, relative to the value, is not good enough where
/// nothing is asked for.
const ROUGH: f64 = 1e-4;

/// How a divergence is found: at once, or by sampling together with others.
pub(super) enum Choice {
    Known(Computed, Method, String),
    Sample(Method, String),
}

pub(super) struct OperandPair<'a> {
    pub question: &'a Question,
    /// What the divergences are worked out for, if not for themselves.
    pub called: Option<Measure>,
    pub p: &'a Operand,
    pub q: &'a Operand,
    pub panels: PanelIntegrals<'a>,
    /// Of two densities that are not rows.
    pub brackets: Option<Brackets<'a>>,
}

impl OperandPair<'_> {
    pub fn models(&self) -> (&TargetModel, &TargetModel) {
        (&self.p.model, &self.q.model)
    }

    /// Both as mixtures, if they are.
    pub fn mixtures(&self) -> Option<(&Mixture, &Mixture)> {
        Some((self.p.model.as_mixture()?, self.q.model.as_mixture()?))
    }

    /// Whether both have components that are Gaussians or Student-t distributions.
    fn are_elliptical(&self) -> bool {
        let (p, q) = self.models();
        p.elliptical().is_some() && q.elliptical().is_some()
    }

    /// Why no panels are laid.
    fn without_panels(&self) -> &'static str {
        match self.are_elliptical() {
            true => "there are too many components for panels",
            false => "panels are laid around components that are Gaussians or Student-t",
        }
    }

    /// The accuracy to sample to, and the most draws.
    pub fn request<'b>(&'b self, kinds: &'b [DivergenceKind]) -> sampling::SamplingRequest<'b> {
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
        sampling::SamplingRequest {
            kinds,
            p: &self.p.model,
            q: &self.q.model,
            accuracy: if accuracy.is_set() || samples.is_some() {
                accuracy
            } else {
                by_default
            },
            samples: samples.unwrap_or(SAMPLES),
            seed,
        }
    }

    pub fn choose(&self, kind: DivergenceKind) -> Result<Choice> {
        let method = self.question.method;
        let (p, q) = self.models();
        if method == Method::Discrete {
            return self.discrete(kind);
        }
        if same(p, q) {
            let reason = "p and q are the same density".to_owned();
            return Ok(Choice::Known(Computed::exact(0.0), method, reason));
        }
        if let Some(reason) = self.infinite(kind) {
            let infinite = Computed::exact(f64::INFINITY);
            return Ok(Choice::Known(infinite, method, reason));
        }
        match method {
            Method::Auto => self.choose_method(kind),
            Method::ClosedForm => match self.closed_form(kind) {
                Some(found) => Ok(self.as_requested(self.with_ending(Computed::formula(found)))),
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
                Some(found) if found.is_surely_infinite() => {
                    Ok(self.as_requested(Computed::exact(found.value)))
                }
                Some(found) => Ok(self.as_requested(self.with_ending(found))),
                None => Err(self.cannot(
                    kind,
                    self.without_panels(),
                    "use --method qmc or monte-carlo",
                )),
            },
            Method::MonteCarlo => Ok(Choice::Sample(method, "as asked".to_owned())),
            Method::Qmc => {
                if p.dim() > sampling::SOBOL_DIM {
                    return Err(self.cannot(
                        kind,
                        &format!(
                            "Sobol points have at most {} dimensions",
                            sampling::SOBOL_DIM
                        ),
                        "use --method monte-carlo",
                    ));
                }
                if self.mixtures().is_none() {
                    return Err(self.cannot(
                        kind,
                        match self.are_elliptical() {
                            true => "a Student-t is drawn with more than D numbers",
                            false => "it draws from components that are Gaussians",
                        },
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
            Method::Transport => Err(self.cannot(
                kind,
                "it is about distances, not about densities",
                "ask for wasserstein-2, or leave --method out",
            )),
            Method::Discrete => self.discrete(kind),
        }
    }

    fn as_requested(&self, found: Computed) -> Choice {
        Choice::Known(found, self.question.method, "as asked".to_owned())
    }

    /// Whether what was asked for is reached.
    fn with_ending(&self, found: Computed) -> Computed {
        Computed {
            ending: ended(self.question.accuracy, &found),
            ..found
        }
    }

    fn cannot(&self, kind: DivergenceKind, why: &str, help: &str) -> Error {
        let called = self.called.unwrap_or(Measure::Divergence(kind));
        let (title, method) = (called.title(), self.question.method.name());
        Error::usage(format!("no {title} by {method}: {why}"), help)
    }

    fn closed_form(&self, kind: DivergenceKind) -> Option<Estimate> {
        let (p, q) = self.mixtures()?;
        // What is infinite was said to be before; what overflows is left to other methods.
        (kind.build().closed_form(p, q)).filter(|found| found.value.is_finite())
    }

    /// The first of closed form, quadrature and sampling that will do.
    fn choose_method(&self, kind: DivergenceKind) -> Result<Choice> {
        if let Some(found) = self.closed_form(kind) {
            let reason = "there is a formula for two Gaussians".to_owned();
            return Ok(Choice::Known(
                self.with_ending(Computed::formula(found)),
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
            if let Some(found) = found.filter(Computed::is_surely_infinite) {
                let found = Computed::exact(found.value);
                let reason = "one density is 0 where the other is not".to_owned();
                return Ok(Choice::Known(found, Method::Quadrature, reason));
            }
            // A better one than this is not to be had by sampling, whatever is asked.
            if let Some(found) = found.filter(|found| good.error_ratio(found) <= 1.0) {
                let reason = "panels around every component of both".to_owned();
                return Ok(Choice::Known(
                    self.with_ending(found),
                    Method::Quadrature,
                    reason,
                ));
            }
            why = match found.and_then(|found| found.error) {
                Some(error) => format!("panels left an error of {error:.0e}"),
                None => self.without_panels().to_owned(),
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
        Ok(self.as_requested(Computed::bare(value)))
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
            Computed::bare(value),
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
        if let (Tails::Power { dof: of_p }, Tails::Power { dof: of_q }) = (p.tails(), q.tails()) {
            // Along any direction p falls off like |x|^−(ν + D), and q alike.
            let dim = p.dim() as f64;
            let falls = order * (of_p + dim) + (1.0 - order) * (of_q + dim);
            return (falls <= dim).then(|| {
                format!(
                    "∫ p^{order} q^({}) is infinite: the integrand falls off like |x|^−{falls}, and in \
                     {} it would have to fall faster than |x|^−{dim}",
                    1.0 - order,
                    text::count(p.dim(), "dimension"),
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
    pub fn fallback_sampler(&self, tried: &Answer) -> Option<(usize, String)> {
        let missed = tried.claim == Claim::Bracket && tried.method == Method::Quadrature;
        (self.question.method == Method::Auto && missed).then(|| {
            let reason = "a quadrature missed its bracket".to_owned();
            (
                usize::from(self.models().0.dim() <= QMC_DIM && self.mixtures().is_some()),
                reason,
            )
        })
    }
}

/// Whether two densities are the same but for the order of their components.
pub(super) fn same(p: &TargetModel, q: &TargetModel) -> bool {
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
    match p.as_mixture().zip(q.as_mixture()) {
        Some((p, q)) => {
            let (of_p, of_q) = (sorted(p), sorted(q));
            of_p.len() == of_q.len()
                && (of_p.iter().zip(&of_q))
                    .all(|((a, i), (b, j))| a == b && p.rounds_alike(*i, q, *j))
        }
        None => p == q,
    }
}
