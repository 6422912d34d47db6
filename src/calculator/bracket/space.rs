//! KL and Jensen–Shannon between mixtures of Gaussians in any dimension.

use super::{Bracket, cells, components, middle, projection};
use crate::calculator::pairs::Pairs;
use crate::divergence::DivergenceKind;
use crate::mixture::Mixture;

/// More pairs of components than this are not kept.
const MOST_PAIRS: usize = 1 << 24;
/// More multiplications than this are not spent on a bracket.
const MOST_WORK: f64 = 2e11;

/// What KL(p‖q) lies between, by pairs of components; `None` if that is too much work.
pub(super) fn by_components(p: &Mixture, q: &Mixture) -> Option<Bracket> {
    (!is_too_much(p, q)).then(|| components::kl(p, q))
}

/// A bracket of this share of the number is not narrowed by boxes, whose numbers are not doubled.
const SURE: f64 = 1e-9;
/// A bracket of this share of the number is not narrowed by looking along lines.
const NARROW: f64 = 0.01;

/// Whether the pairs of components are too many, or too much work.
fn is_too_much(p: &Mixture, q: &Mixture) -> bool {
    let pairs = p.components() * (p.components() + q.components());
    pairs > MOST_PAIRS || Pairs::work(p, p) + Pairs::work(p, q) > MOST_WORK
}

/// What KL(p‖q) lies between above one dimension.
pub(super) fn kl(p: &Mixture, q: &Mixture, tolerance: f64) -> Option<Bracket> {
    let known = by_components(p, q)?;
    if known.width() <= tolerance.max(SURE * known.upper) {
        return Some(known);
    }
    let known = cells::kl(p, q, tolerance).map_or(known, |cells| known.intersect(cells));
    if known.width() <= NARROW * known.upper {
        return Some(known);
    }
    Some(known.intersect(Bracket {
        lower: projection::lower(DivergenceKind::ForwardKl, p, q),
        upper: f64::INFINITY,
    }))
}

/// What JS lies between above one dimension: with m = ½p + ½q it is ½ KL(p‖m) + ½ KL(q‖m).
pub(super) fn js(p: &Mixture, q: &Mixture, tolerance: f64) -> Option<Bracket> {
    let middle = middle(p, q)?;
    let both = kl(p, &middle, tolerance)?.plus(kl(q, &middle, tolerance)?);
    Some(both.scaled(0.5))
}
