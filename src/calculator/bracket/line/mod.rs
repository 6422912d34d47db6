//! A certified bracket for a divergence between two mixtures on the line, of Gaussians or of
//! Student-t.
//!
//! The integrands are nowhere negative, and 0 where p and q agree, so that no digits cancel there:
//! p log(p/q) − p + q for KL. The line is cut into pieces, as Nielsen and Sun (2016) do, but the
//! bound on a piece is that of Gauss–Legendre quadrature from the size of the integrand in the
//! complex plane (Petras 2002; Johansson 2018): its width falls geometrically with the number of
//! points instead of with a power of the length. Where that fails, on pieces that are too long,
//! masses and ranges bound the integral; those pieces are halved, the worst first.

mod affinity;
mod component;
mod crude;
mod ellipse;
mod gauss_legendre;
mod heavy;
mod integrand;
mod jensen_shannon;
mod kinds;
mod order;
mod power_tail;
mod refine;
mod rounding;
mod student_t;
mod tail;
mod total_variation;
mod view;

pub(super) use kinds::divergence;

use component::Term;
pub(super) use gauss_legendre::RULE;
use integrand::{Analytic, Tail};
use power_tail::{PowerTail, PowerTails};
use refine::{Goal, IntegrationProblem};
use rounding::{UNIT, difference};

use nalgebra::DVector;

use crate::density::target::{Elliptical, TargetModel};
use crate::mixture::{Mixture, log_sum_exp};

/// How many standard deviations around each component of p are cut into pieces, to begin with. The
/// mass beyond is 2e-33.
const REACH: f64 = 12.0;

/// No distance may be more standard deviations than this, whose square is a number.
const WIDEST: f64 = 1e140;

/// A mixture on the line.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mixture1D {
    /// Positive. They are divided by their sum.
    pub weights: Vec<f64>,
    pub means: Vec<f64>,
    /// Positive: standard deviations, or the scales of Student-t.
    pub stds: Vec<f64>,
    /// The degrees of freedom of Student-t; `None` for Gaussians.
    pub dof: Option<f64>,
}

impl Mixture1D {
    /// A density in one dimension; `None` of one in more, or without components.
    pub fn new(model: &TargetModel) -> Option<Self> {
        let Elliptical { scales, dof } = model.elliptical()?;
        let unit = DVector::from_element(1, 1.0);
        (scales.dim() == 1).then(|| Self {
            dof,
            ..Self::along(scales, &unit, &DVector::zeros(1))
        })
    }

    /// The mixture of uᵀ(x − origin).
    pub fn along(mixture: &Mixture, u: &DVector<f64>, origin: &DVector<f64>) -> Self {
        let with_weight = || (0..mixture.components()).filter(|&k| mixture.weights()[k] > 0.0);
        Self {
            weights: with_weight().map(|k| mixture.weights()[k]).collect(),
            means: with_weight()
                .map(|k| mixture.mean_along(k, u, origin))
                .collect(),
            stds: with_weight().map(|k| mixture.std_along(k, u)).collect(),
            dof: None,
        }
    }

    /// log density at x, for a first look: without a bound on its rounding.
    fn log_density(&self, x: f64) -> f64 {
        let total: f64 = self.weights.iter().sum();
        let terms = self.weights.iter().zip(&self.means).zip(&self.stds);
        log_sum_exp(terms.map(|((weight, &mean), &std)| {
            Term::new(weight / total, [mean, 0.0], std, self.dof, 0).log_density(x)
        }))
    }
}

/// The integral of a divergence lies between the two numbers returned.
///
/// They are about as far apart as asked for, more if that takes too many pieces or is less than
/// the rounding, which is bounded along with the rest. [0, ∞] if p or q is not a mixture, or there
/// are 1e140 standard deviations from somewhere to somewhere else.
///
/// The rounding is bounded to first order and doubled. A log density is off by a few 2⁻⁵³ of what
/// enters it (z², the logs of weight and standard deviation), averaged over the components by their
/// shares of the density; the integrand by its derivatives by log p and log q times that, which for
/// KL are p |log(p/q)| and |q − p|; a sum, none of which has terms of both signs, by a unit for each
/// term. exp, log, erf and erfc are taken to be within two units of their last place.
fn bracket(integrand: &impl Analytic, p: &Mixture1D, q: &Mixture1D, goal: Goal) -> [f64; 2] {
    let Some(Framed { p, q, tails }) = framed(integrand, p, q, goal) else {
        return [0.0, f64::INFINITY];
    };
    let problem = IntegrationProblem {
        integrand,
        p: &p,
        q: &q,
    };
    let pieces = refine::pieces(&problem, goal);
    let [mut lower, mut upper] = [0.0; 2];
    let brackets = pieces.iter().map(|piece| piece.bracket(&problem));
    for [low, high] in brackets.chain(tails) {
        lower += low.max(0.0);
        upper += high;
    }
    let rounding = 2.0 * UNIT * (pieces.len() + 2) as f64;
    // What underflowed is far less than 1e-290.
    [lower * (1.0 - rounding), upper * (1.0 + rounding) + 1e-290]
}

/// p and q in units in which all that is cut into pieces lies within [−1, 1], and the bounds beyond.
struct Framed {
    p: Vec<Term>,
    q: Vec<Term>,
    tails: [[f64; 2]; 2],
}

/// Around p or, for what is large elsewhere, around both. Gaussians are given more room until next to
/// nothing is left outside.
fn framed<I: Analytic>(integrand: &I, p: &Mixture1D, q: &Mixture1D, goal: Goal) -> Option<Framed> {
    /// Room is made half as large again at most so often.
    const MOST_GROWTH: i32 = 60;
    if p.dof.is_some() || q.dof.is_some() {
        let [p, q] = recentered(p, q, &[p, q], Reach::Factor(far(p, q)))?;
        let powers = [&p, &q].map(|mixture| PowerTail::new(mixture));
        let tails = integrand.beyond_far(&PowerTails {
            p: powers[0].as_ref(),
            q: powers[1].as_ref(),
            of_q: &q,
        });
        return Some(Framed {
            p,
            q,
            tails: [tails; 2],
        });
    }
    let seen = if I::SEES_BOTH { &[p, q][..] } else { &[p] };
    let enough = (goal.absolute / 8.0).max(refine::FLOOR);
    let mut found = None;
    for growth in 0..=MOST_GROWTH {
        let reach = REACH * 1.5_f64.powi(growth);
        let Some([p, q]) = recentered(p, q, seen, Reach::Stds(reach)) else {
            break;
        };
        let tails =
            [false, true].map(|mirrored| integrand.beyond(&Tail::new(1.0, mirrored, &p, &q)));
        let outside: f64 = tails.iter().map(|[low, high]| high - low).sum();
        // Where the integral is infinite, more room is of no use.
        if found.is_none() || outside.is_finite() {
            found = Some(Framed { p, q, tails });
        }
        if outside <= enough {
            break;
        }
    }
    found
}

/// How many scales around each component are cut into pieces where there are Student-t: as many as
/// leave it a power of x beyond to the last digit, and 1e-20 of its mass, if numbers allow.
fn far(p: &Mixture1D, q: &Mixture1D) -> f64 {
    let dof = [p, q]
        .iter()
        .filter_map(|line| line.dof)
        .fold(f64::INFINITY, f64::min);
    10_f64.powf((20.0 / dof).clamp(18.0, 100.0))
}

/// How much around the components is cut into pieces.
#[derive(Clone, Copy)]
enum Reach {
    /// This many standard deviations.
    Stds(f64),
    /// This many times as much as it takes to hold their centres and scales.
    Factor(f64),
}

/// The components in units in which those of `seen`, and what is around them, lie within [−1, 1]. Divergences do not depend on origin and scale; an origin in the narrowest component
/// leaves most digits where most are needed, and a scale of a power of two costs none.
fn recentered(
    p: &Mixture1D,
    q: &Mixture1D,
    seen: &[&Mixture1D],
    reach: Reach,
) -> Option<[Vec<Term>; 2]> {
    let valid = |line: &Mixture1D| {
        let count = line.weights.len();
        let total: f64 = line.weights.iter().sum();
        count > 0
            && [line.means.len(), line.stds.len()] == [count; 2]
            && (line.weights.iter()).all(|&weight| weight > 0.0 && (weight / total).is_normal())
            && line.stds.iter().all(|&std| std > 0.0 && std.is_finite())
            && line.means.iter().all(|mean| mean.is_finite())
            && line.dof.is_none_or(|dof| dof > 0.0 && dof.is_finite())
    };
    if !valid(p) || !valid(q) {
        return None;
    }
    let (&origin, _) = (p.means.iter().zip(&p.stds)).min_by(|a, b| a.1.total_cmp(b.1))?;
    let farthest = (seen.iter())
        .flat_map(|line| {
            let width = line.dof.map_or(1.0, |dof| dof.sqrt().max(1.0));
            (line.means.iter().zip(&line.stds)).map(move |(mean, std)| {
                let offset = (mean - origin).abs();
                match reach {
                    Reach::Stds(stds) => offset + stds * std,
                    Reach::Factor(factor) => factor * (offset + width * std),
                }
            })
        })
        .fold(0.0, f64::max);
    let scale = 2.0 * power_of_two_below(farthest);
    let fits = |line: &Mixture1D| {
        (line.means.iter().zip(&line.stds)).all(|(mean, std)| {
            let farthest = (mean - origin).abs() + scale;
            (farthest / WIDEST..WIDEST * scale).contains(std)
        })
    };
    (scale.is_normal() && fits(p) && fits(q)).then(|| {
        [p, q].map(|line| {
            let total: f64 = line.weights.iter().sum();
            (line.weights.iter().zip(&line.means).zip(&line.stds))
                .map(|((weight, &mean), std)| {
                    let mean = difference(mean, origin).map(|part| part / scale);
                    let roundings = line.weights.len();
                    Term::new(weight / total, mean, std / scale, line.dof, roundings)
                })
                .collect()
        })
    })
}

fn power_of_two_below(x: f64) -> f64 {
    f64::from_bits(x.to_bits() & f64::INFINITY.to_bits())
}

#[cfg(test)]
mod tests;
