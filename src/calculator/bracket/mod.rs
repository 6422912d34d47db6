//! Numbers that a divergence lies between for certain, whatever was sampled.

mod cells;
mod components;
mod line;
mod projection;
mod space;

use std::cell::OnceCell;
use std::f64::consts::LN_2;

use line::Mixture1D;
use serde::{Deserialize, Serialize};

use crate::density::target::TargetModel;
use crate::divergence::{Certified, DivergenceKind};
use crate::files::extended;
use crate::mixture::Mixture;

/// The most pieces a line is cut into.
const MOST_PIECES: usize = 10_000;

/// Two numbers a divergence lies between, in nats.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bracket {
    /// It is at least this.
    #[serde(with = "extended")]
    pub lower: f64,
    /// It is at most this.
    #[serde(with = "extended")]
    pub upper: f64,
}

impl Bracket {
    /// How far the ends are apart.
    pub fn width(self) -> f64 {
        self.upper - self.lower
    }

    /// The number in the middle: what is between the ends is within half the width of it.
    pub fn midpoint(self) -> f64 {
        0.5 * self.lower + 0.5 * self.upper
    }

    /// What is in both; they hold the same number.
    pub(super) fn intersect(self, other: Self) -> Self {
        Self {
            lower: self.lower.max(other.lower),
            upper: self.upper.min(other.upper),
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            lower: self.lower + other.lower,
            upper: self.upper + other.upper,
        }
    }

    /// A multiple, by a power of two.
    pub(super) fn scaled(self, factor: f64) -> Self {
        Self {
            lower: factor * self.lower,
            upper: factor * self.upper,
        }
    }
}

impl From<[f64; 2]> for Bracket {
    fn from([lower, upper]: [f64; 2]) -> Self {
        Self { lower, upper }
    }
}

/// What the divergences of two densities lie between; each KL is worked out once.
pub(super) struct Brackets<'a> {
    p: &'a TargetModel,
    q: &'a TargetModel,
    forward: OnceCell<Option<Bracket>>,
    reverse: OnceCell<Option<Bracket>>,
}

impl<'a> Brackets<'a> {
    /// `None` of rows and bins, which have no density.
    pub fn new(p: &'a TargetModel, q: &'a TargetModel) -> Option<Self> {
        let has_density = |model: &TargetModel| model.has_density();
        (has_density(p) && has_density(q)).then(|| Self {
            p,
            q,
            forward: OnceCell::new(),
            reverse: OnceCell::new(),
        })
    }

    /// `None` where nothing of the kind is known, or it would be too much work. In one dimension the
    /// bracket is narrowed to `tolerance`, in nats, or to the rounding; of KL, the first that is
    /// asked for is, to half of it. Its midpoint is the divergence to within half its width.
    pub fn bracket(&self, kind: DivergenceKind, tolerance: f64) -> Option<Bracket> {
        let (p, q) = (self.p, self.q);
        let half = 0.5 * tolerance;
        let forward = || *self.forward.get_or_init(|| kl(p, q, half));
        let reverse = || *self.reverse.get_or_init(|| kl(q, p, half));
        let certified = kind.build().certified()?;
        let bracket = match certified {
            Certified::Kl => forward()?,
            Certified::ExchangedKl => reverse()?,
            Certified::Jeffreys => forward()?.plus(reverse()?),
            Certified::JensenShannon
            | Certified::TotalVariation
            | Certified::Amari { .. }
            | Certified::Renyi { .. } => match Mixture1D::new(p).zip(Mixture1D::new(q)) {
                Some((p, q)) => line::divergence(kind, &p, &q, tolerance, MOST_PIECES)?,
                None if certified == Certified::JensenShannon => {
                    // It is at most ln 2, and at most a quarter of Jeffreys (Lin 1991).
                    let quarter = 0.25 * forward()?.plus(reverse()?).upper;
                    space::js(p.as_mixture()?, q.as_mixture()?, half)?.intersect(Bracket {
                        lower: 0.0,
                        upper: quarter.min(LN_2.next_up()),
                    })
                }
                None => return None,
            },
        };
        // Numbers that overflowed say nothing.
        (bracket.lower <= bracket.upper).then_some(bracket)
    }
}

/// What KL(p‖q) lies between.
fn kl(p: &TargetModel, q: &TargetModel, tolerance: f64) -> Option<Bracket> {
    let mixtures = p.as_mixture().zip(q.as_mixture());
    let Some((line_p, line_q)) = Mixture1D::new(p).zip(Mixture1D::new(q)) else {
        return mixtures.and_then(|(p, q)| space::kl(p, q, tolerance));
    };
    let known = match mixtures {
        Some((p, q)) => space::by_components(p, q)?,
        None => Bracket {
            lower: 0.0,
            upper: f64::INFINITY,
        },
    };
    if known.width() <= tolerance {
        return Some(known);
    }
    let kind = DivergenceKind::ForwardKl;
    Some(known.intersect(line::divergence(
        kind,
        &line_p,
        &line_q,
        tolerance,
        MOST_PIECES,
    )?))
}

/// ½p + ½q, which is a mixture too.
pub(super) fn middle(p: &Mixture, q: &Mixture) -> Option<Mixture> {
    let both = |of: fn(&Mixture) -> Vec<f64>| [of(p), of(q)].concat();
    let weights = both(|m| m.weights().iter().map(|weight| 0.5 * weight).collect());
    let means = (p.means().iter().chain(q.means())).map(|mean| mean.as_slice().to_vec());
    let factors = p.scale_trils().iter().chain(q.scale_trils()).cloned();
    Mixture::new(weights, means.collect(), factors.collect()).ok()
}
