//! Numbers that a divergence lies between for certain, whatever was sampled.

mod components;
mod line;
mod projection;

use nalgebra::DVector;
use serde::{Deserialize, Serialize};

use super::pairs::Pairs;
use crate::divergence::DivergenceKind;
use crate::mixture::Mixture;
use crate::run_folder::extended;

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
    /// A number that is known.
    pub(super) fn exactly(value: f64) -> Self {
        Self {
            lower: value,
            upper: value,
        }
    }

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

/// What the divergence of p and q lies between; `None` where nothing of the kind is known, or it
/// would be too much work. On a line the bracket is narrowed to `tolerance`, in nats.
pub(super) fn of(
    kind: DivergenceKind,
    p: &Mixture,
    q: &Mixture,
    tolerance: f64,
) -> Option<Bracket> {
    let is_too_much =
        |p: &Mixture, q: &Mixture| Pairs::work(p, p) + Pairs::work(p, q) > MOST_WORK && p.dim() > 1;
    if is_too_much(p, q) || is_too_much(q, p) {
        return None;
    }
    match kind {
        DivergenceKind::ForwardKl => Some(kl(p, q, tolerance)),
        DivergenceKind::ReverseKl => Some(kl(q, p, tolerance)),
        DivergenceKind::Jeffreys => Some(kl(p, q, 0.5 * tolerance).plus(kl(q, p, 0.5 * tolerance))),
        DivergenceKind::Js => {
            let middle = middle(p, q)?;
            let both = kl(p, &middle, tolerance).plus(kl(q, &middle, tolerance));
            Some(both.halved().and(Bracket {
                lower: 0.0,
                upper: std::f64::consts::LN_2,
            }))
        }
        _ => None,
    }
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
    let [p, q] = [p, q].map(|mixture| projection::along(mixture, &unit));
    let [lower, upper] = line::kl_bracket(&p, &q, tolerance, MOST_PIECES);
    Bracket { lower, upper }
}
