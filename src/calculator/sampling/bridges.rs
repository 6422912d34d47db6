//! Gaussians to draw from where an integrand has its mass and neither density has: around a component
//! that is narrow compared with the others, between components that are far apart, and where a power of an
//! order outside 0 … 1 has its peaks.

use nalgebra::{Cholesky, DMatrix, DVector};

use crate::density::target::TargetModel;
use crate::divergence::DivergenceKind;
use crate::mixture::{Gaussian, Mixture, peaks};

/// A bridge around a component has its mean and this many times its scale. log p and log q go over from
/// one component to another where the narrow one has fallen off by the ratio of both, by √(2 ln 10⁵ᴰ)
/// of its standard deviations or so: 5 to 11, where it has no draws.
const WIDENED: [f64; 2] = [2.0, 4.0];
/// A component is narrow compared with another that is wider by this factor in some direction …
const NARROW: f64 = 10.0;
/// … and has it within this many standard deviations, and √D more.
const NEAR: f64 = 6.0;
/// Densities are far apart where ∫ √(p q) is below this: above, either has draws where the other is.
const APART: f64 = 0.1;
/// Two components have a bridge between them if they make this share of that integral.
const SHARE: f64 = 1e-3;
/// The multiplications that may be spent on finding bridges.
const MOST_WORK: f64 = 3e8;

/// The portion of bridges around and between components in what is drawn from, where there are any, and
/// that of peaks. A power may have nearly all of its mass there.
const PORTIONS: [f64; 2] = [0.05, 0.25];
/// A bridge to where densities meet, or a peak, is drawn from by itself and widened, with these parts: what
/// the integrand is farther out would be met by no draw else.
const FLANKS: [(f64, f64); 2] = [(1.0, 0.7), (2.0, 0.3)];
/// Of the portion of the peaks this much goes to all alike, the rest by their mass.
const EVEN: f64 = 0.5;

/// All bridges of two densities with the portion they should have of all points; `None` if there are
/// none, or too many components to look for them. A Student-t has none: its own tails are wide.
pub(super) fn bridges(
    kinds: &[DivergenceKind],
    p: &TargetModel,
    q: &TargetModel,
) -> Option<(f64, Mixture)> {
    let all = |model: &TargetModel| model.as_mixture().map(Gaussian::all).unwrap_or_default();
    let (of_p, of_q) = (all(p), all(q));
    let both = [&of_p[..], &of_q[..]].concat();
    if (both.len() as f64).powi(2) * (p.dim() as f64).powi(3) > MOST_WORK {
        return None;
    }
    let mut bridges = around(&both);
    if kinds.iter().any(|kind| !kind.build().averages_logs()) {
        let between = between(&of_p, &of_q);
        bridges
            .extend((between.iter()).flat_map(|one| FLANKS.map(|(scale, _)| one.widened(scale))));
    }
    let each = PORTIONS[0] / bridges.len().max(1) as f64;
    let mut drawn: Vec<(f64, Gaussian)> = (bridges.into_iter()).map(|one| (each, one)).collect();
    let tops = kinds.iter().filter_map(|kind| {
        let tops = peaks(&of_p, &of_q, kind.order()?);
        (!tops.is_empty()).then_some(tops)
    });
    let tops: Vec<Vec<Gaussian>> = tops.collect();
    for of_order in &tops {
        let largest = (of_order.iter()).fold(f64::NEG_INFINITY, |top, one| top.max(one.log_weight));
        let mass = |one: &Gaussian| (one.log_weight - largest).exp();
        let total: f64 = of_order.iter().map(mass).sum();
        let portion = PORTIONS[1] / tops.len() as f64;
        drawn.extend(of_order.iter().flat_map(|one| {
            let share = EVEN / of_order.len() as f64 + (1.0 - EVEN) * mass(one) / total;
            FLANKS.map(|(scale, part)| (portion * share * part, one.widened(scale)))
        }));
    }
    let portion: f64 = drawn.iter().map(|(portion, _)| portion).sum();
    let weights = drawn.iter().map(|(each, _)| each / portion).collect();
    let (means, factors) = (drawn.into_iter())
        .map(|(_, one)| (one.mean.as_slice().to_vec(), one.factor))
        .unzip();
    Some((portion, Mixture::new(weights, means, factors).ok()?))
}

/// Every component that is narrow compared with another, widened.
fn around(all: &[Gaussian]) -> Vec<Gaussian> {
    (all.iter())
        .filter(|one| all.iter().any(|other| is_narrow(one, other)))
        .flat_map(|one| WIDENED.map(|scale| one.widened(scale)))
        .collect()
}

/// Whether the other one is [`NARROW`] times wider in some direction, and is there at all.
fn is_narrow(one: &Gaussian, other: &Gaussian) -> bool {
    let dim = one.mean.len() as f64;
    let is_near = other.distance(one) < NEAR + dim.sqrt();
    // ‖L₁⁻¹ L₂‖² is between the largest ratio of variances and D times it.
    is_near
        && (one.factor.solve_lower_triangular(&other.factor))
            .is_some_and(|ratio| ratio.norm_squared() > dim * NARROW * NARROW)
}

/// √(f g) of those components f of p and g of q that make ∫ √(p q), if that is small; as many at most
/// as there are components. What both densities have in common lies there.
fn between(p: &[Gaussian], q: &[Gaussian]) -> Vec<Gaussian> {
    let mut pairs: Vec<(f64, &Gaussian, &Gaussian)> = (p.iter())
        .flat_map(|f| q.iter().map(move |g| (log_affinity(f, g), f, g)))
        .collect();
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0));
    let Some(largest) = pairs.first().map(|(log, ..)| *log) else {
        return Vec::new();
    };
    let total = largest
        + (pairs
            .iter()
            .map(|(log, ..)| (log - largest).exp())
            .sum::<f64>())
        .ln();
    if total.is_nan() || total > APART.ln() {
        return Vec::new();
    }
    (pairs.iter().take(p.len() + q.len()))
        .filter(|(log, ..)| *log > total + SHARE.ln())
        .filter_map(|(_, f, g)| f.power(g, 0.5))
        .collect()
}

/// W = L_g⁻¹ L_f and u = L_g⁻¹ (μ_g − μ_f).
fn relative(f: &Gaussian, g: &Gaussian) -> Option<(DMatrix<f64>, DVector<f64>)> {
    Some((
        g.factor.solve_lower_triangular(&f.factor)?,
        g.factor.solve_lower_triangular(&(&g.mean - &f.mean))?,
    ))
}

/// log ∫ √(w_f f w_g g) = ½ ln(w_f w_g) + ½ ln|L_f| + ½ ln|L_g| − ½ ln|Σ| − ⅛ |μ_f − μ_g|²_Σ with
/// Σ = ½ (Σ_f + Σ_g) (Bhattacharyya 1943); −∞ where numbers overflow.
fn log_affinity(f: &Gaussian, g: &Gaussian) -> f64 {
    let of = || {
        let (w, u) = relative(f, g)?;
        let dim = u.len();
        // Σ = ½ L_g (1 + W Wᵀ) L_gᵀ.
        let sum = Cholesky::new(DMatrix::identity(dim, dim) + &w * w.transpose())?.unpack();
        let log_det = |factor: &DMatrix<f64>| factor.diagonal().map(f64::ln).sum();
        let squared = 2.0 * sum.solve_lower_triangular(&u)?.norm_squared();
        let log_dets = 0.5 * (log_det(&f.factor) - log_det(&g.factor)) - log_det(&sum);
        let half_log_2 = 0.5 * std::f64::consts::LN_2;
        Some(
            0.5 * (f.log_weight + g.log_weight) + log_dets + dim as f64 * half_log_2
                - squared / 8.0,
        )
    };
    of().unwrap_or(f64::NEG_INFINITY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halfway_is_where_the_product_is() {
        let gaussian = |log_weight: f64, mean: &[f64], factor: &[f64]| Gaussian {
            log_weight,
            mean: DVector::from_column_slice(mean),
            factor: DMatrix::from_row_slice(2, 2, factor),
        };
        let f = gaussian(0.3f64.ln(), &[1.0, -2.0], &[0.5, 0.0, 0.3, 2.0]);
        let g = gaussian(0.6f64.ln(), &[-0.5, 1.0], &[1.5, 0.0, -1.0, 0.4]);
        let log_density = |one: &Gaussian, x: &[f64]| {
            let mean = one.mean.as_slice().to_vec();
            let density = Mixture::new(vec![1.0], vec![mean], vec![one.factor.clone()]).unwrap();
            one.log_weight + density.log_density(x)
        };
        let middle = f.power(&g, 0.5).unwrap();
        // √(w_f f w_g g) is its density times the affinity, wherever it is looked at.
        for x in [[0.0, 0.0], [1.0, -3.0], [-2.0, 5.0]] {
            let product = 0.5 * (log_density(&f, &x) + log_density(&g, &x));
            let found = log_density(&middle, &x) + log_affinity(&f, &g);
            assert!((product - found).abs() < 1e-11, "{product} {found}");
        }
    }

    #[test]
    fn ordinary_pairs_have_no_bridges() {
        let on_a_line = |means: &[f64], std: f64| {
            let count = means.len();
            let means = means.iter().map(|mean| vec![*mean]).collect();
            let weights = vec![1.0 / count as f64; count];
            TargetModel::from(Mixture::from_stds(weights, means, vec![vec![std]; count]).unwrap())
        };
        let kinds = [DivergenceKind::ForwardKl, DivergenceKind::Js];
        let (p, q) = (on_a_line(&[-1.0, 2.0], 1.0), on_a_line(&[0.0], 2.0));
        assert!(bridges(&kinds, &p, &q).is_none());
        // Two around a spike; two for each of two components that are far from q.
        let spike = on_a_line(&[0.5], 0.01);
        assert_eq!(bridges(&kinds[..1], &spike, &q).unwrap().1.components(), 2);
        let far = on_a_line(&[20.0, 20.5], 1.0);
        assert_eq!(bridges(&kinds, &far, &q).unwrap().1.components(), 4);
        assert!(bridges(&kinds[..1], &far, &q).is_none());
    }
}
