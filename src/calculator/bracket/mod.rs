//! Numbers that a divergence lies between for certain, whatever was sampled.

mod components;
mod line;
mod projection;

use std::cell::OnceCell;
use std::f64::consts::LN_2;

use nalgebra::DVector;
use serde::{Deserialize, Serialize};

use super::pairs::Pairs;
use crate::divergence::DivergenceKind;
use crate::mixture::Mixture;
use crate::run_folder::extended;

/// More pairs of components than this are not kept.
const MOST_PAIRS: usize = 1 << 24;
/// More multiplications than this are not spent on a bracket.
const MOST_WORK: f64 = 2e11;

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

    /// What is in both; they hold the same number.
    fn and(self, other: Self) -> Self {
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

    fn halved(self) -> Self {
        Self {
            lower: 0.5 * self.lower,
            upper: 0.5 * self.upper,
        }
    }
}

/// What the divergences of two mixtures lie between; each KL is worked out once.
pub(super) struct Brackets<'a> {
    p: &'a Mixture,
    q: &'a Mixture,
    forward: OnceCell<Bracket>,
    reverse: OnceCell<Bracket>,
}

impl<'a> Brackets<'a> {
    pub fn new(p: &'a Mixture, q: &'a Mixture) -> Self {
        Self {
            p,
            q,
            forward: OnceCell::new(),
            reverse: OnceCell::new(),
        }
    }

    /// `None` where nothing of the kind is known, or it would be too much work. On a line the first
    /// bracket that is asked for is narrowed to half of `tolerance`, in nats.
    pub fn of(&self, kind: DivergenceKind, tolerance: f64) -> Option<Bracket> {
        let (p, q) = (self.p, self.q);
        if [(p, q), (q, p)].into_iter().any(|(p, q)| is_too_much(p, q)) {
            return None;
        }
        let tolerance = 0.5 * tolerance;
        let forward = || *self.forward.get_or_init(|| kl(p, q, tolerance));
        let reverse = || *self.reverse.get_or_init(|| kl(q, p, tolerance));
        let bracket = match kind {
            DivergenceKind::ForwardKl => forward(),
            DivergenceKind::ReverseKl => reverse(),
            DivergenceKind::Jeffreys => forward().plus(reverse()),
            DivergenceKind::Js => {
                let middle = middle(p, q)?;
                let both = kl(p, &middle, tolerance).plus(kl(q, &middle, tolerance));
                // JS is at most ln 2, and at most a quarter of Jeffreys (Lin 1991).
                both.halved().and(Bracket {
                    lower: 0.0,
                    upper: (0.25 * forward().plus(reverse()).upper).min(LN_2.next_up()),
                })
            }
            _ => return None,
        };
        // Numbers that overflowed say nothing.
        (bracket.lower <= bracket.upper).then_some(bracket)
    }
}

/// Whether the pairs of components are too many, or too much work.
fn is_too_much(p: &Mixture, q: &Mixture) -> bool {
    let pairs = p.components() * (p.components() + q.components());
    pairs > MOST_PAIRS || Pairs::work(p, p) + Pairs::work(p, q) > MOST_WORK
}

/// ½p + ½q, which is a mixture too.
pub(super) fn middle(p: &Mixture, q: &Mixture) -> Option<Mixture> {
    let both = |of: fn(&Mixture) -> Vec<f64>| [of(p), of(q)].concat();
    let weights = both(|m| m.weights().iter().map(|weight| 0.5 * weight).collect());
    let means = (p.means().iter().chain(q.means())).map(|mean| mean.as_slice().to_vec());
    let factors = p.scale_trils().iter().chain(q.scale_trils()).cloned();
    Mixture::new(weights, means.collect(), factors.collect()).ok()
}

/// What KL(p‖q) lies between.
fn kl(p: &Mixture, q: &Mixture, tolerance: f64) -> Bracket {
    let components = components::kl(p, q);
    if components.width() <= tolerance {
        return components;
    }
    let more = if p.dim() == 1 {
        on_a_line(p, q, tolerance)
    } else {
        Bracket {
            lower: projection::lower(p, q),
            upper: f64::INFINITY,
        }
    };
    components.and(more)
}

fn on_a_line(p: &Mixture, q: &Mixture, tolerance: f64) -> Bracket {
    let unit = DVector::from_element(1, 1.0);
    let origin = DVector::zeros(1);
    let [p, q] = [p, q].map(|mixture| projection::along(mixture, &unit, &origin));
    let [lower, upper] = line::kl_bracket(&p, &q, tolerance, MOST_PIECES);
    Bracket { lower, upper }
}
