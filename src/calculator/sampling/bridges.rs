//! Gaussians to draw from where an integrand has its mass and neither density has: around a component
//! that is narrow beside the others, and between components that are far apart.

use nalgebra::{Cholesky, DMatrix, DVector};

use crate::divergence::DivergenceKind;
use crate::mixture::Mixture;
use crate::target::TargetModel;

/// A bridge around a component has its mean and so many times its scale. log p and log q go over from
/// one component to another where the narrow one has fallen off by the ratio of both, by √(2 ln 10⁵ᴰ)
/// of its standard deviations or so: 5 to 11, where it has no draws.
const WIDENED: [f64; 2] = [2.0, 4.0];
/// A component is narrow beside another that is wider by this factor in some direction …
const NARROW: f64 = 10.0;
/// … and has it within so many standard deviations, and √D more.
const NEAR: f64 = 6.0;
/// Densities are far apart where ∫ √(p q) is below this: above, either has draws where the other is.
const APART: f64 = 0.1;
/// Two components have a bridge between them if they make this share of that integral.
const SHARE: f64 = 1e-3;
/// The multiplications that may be spent on finding bridges.
const MOST_WORK: f64 = 3e8;

/// A component with weight.
#[derive(Debug, Clone, Copy)]
struct Gaussian<'a> {
    weight: f64,
    mean: &'a DVector<f64>,
    factor: &'a DMatrix<f64>,
}

/// All bridges of two densities, of even weights; `None` if there are none, or too many components to
/// look for them. A Student-t has none: its own tails are wide.
pub(super) fn bridges(
    kinds: &[DivergenceKind],
    p: &TargetModel,
    q: &TargetModel,
) -> Option<Mixture> {
    let (of_p, of_q) = (
        p.as_mixture().map(components).unwrap_or_default(),
        q.as_mixture().map(components).unwrap_or_default(),
    );
    let all = [&of_p[..], &of_q[..]].concat();
    if (all.len() as f64).powi(2) * (p.dim() as f64).powi(3) > MOST_WORK {
        return None;
    }
    let mut bridges = around(&all);
    if kinds.iter().any(|kind| !is_made_of_logs(*kind)) {
        bridges.extend(between(&of_p, &of_q));
    }
    let weights = vec![1.0 / bridges.len() as f64; bridges.len()];
    let (means, factors) = (bridges.into_iter())
        .map(|(mean, factor)| (mean.as_slice().to_vec(), factor))
        .unzip();
    Mixture::new(weights, means, factors).ok()
}

fn components(mixture: &Mixture) -> Vec<Gaussian<'_>> {
    (0..mixture.components())
        .map(|k| Gaussian {
            weight: mixture.weights()[k],
            mean: &mixture.means()[k],
            factor: &mixture.scale_trils()[k],
        })
        .filter(|gaussian| gaussian.weight > 0.0)
        .collect()
}

/// Whether it averages logarithms under p and under q: then what lies where both are small adds
/// nothing to it.
fn is_made_of_logs(kind: DivergenceKind) -> bool {
    matches!(
        kind,
        DivergenceKind::ForwardKl
            | DivergenceKind::ReverseKl
            | DivergenceKind::Jeffreys
            | DivergenceKind::CrossEntropy
    )
}

/// Every component that is narrow beside another, widened: mean and factor.
fn around(all: &[Gaussian]) -> Vec<(DVector<f64>, DMatrix<f64>)> {
    (all.iter())
        .filter(|one| all.iter().any(|other| is_narrow(one, other)))
        .flat_map(|one| WIDENED.map(|scale| (one.mean.clone(), one.factor * scale)))
        .collect()
}

/// Whether the other one is [`NARROW`] times wider in some direction, and is there at all.
fn is_narrow(one: &Gaussian, other: &Gaussian) -> bool {
    let dim = one.mean.len() as f64;
    let is_near = (other
        .factor
        .solve_lower_triangular(&(one.mean - other.mean)))
    .is_some_and(|z| z.norm() < NEAR + dim.sqrt());
    // ‖L₁⁻¹ L₂‖² is between the largest ratio of variances and D times it.
    is_near
        && (one.factor.solve_lower_triangular(other.factor))
            .is_some_and(|ratio| ratio.norm_squared() > dim * NARROW * NARROW)
}

/// √(f g) of those components f of p and g of q that make ∫ √(p q), if that is small; as many at most
/// as there are components. What both densities have in common lies there.
fn between(p: &[Gaussian], q: &[Gaussian]) -> Vec<(DVector<f64>, DMatrix<f64>)> {
    let mut pairs: Vec<(f64, Gaussian, Gaussian)> = (p.iter())
        .flat_map(|f| q.iter().map(move |g| (log_affinity(f, g), *f, *g)))
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
        .filter_map(|(_, f, g)| halfway(f, g))
        .collect()
}

/// W = L_g⁻¹ L_f and u = L_g⁻¹ (μ_g − μ_f).
fn relative(f: &Gaussian, g: &Gaussian) -> Option<(DMatrix<f64>, DVector<f64>)> {
    Some((
        g.factor.solve_lower_triangular(f.factor)?,
        g.factor.solve_lower_triangular(&(g.mean - f.mean))?,
    ))
}

/// log ∫ √(w_f f w_g g) = ½ ln(w_f w_g) + ½ ln|L_f| + ½ ln|L_g| − ½ ln|Σ| − ⅛ |μ_f − μ_g|²_Σ with
/// Σ = ½ (Σ_f + Σ_g) (Bhattacharyya 1943); −∞ where numbers give out.
fn log_affinity(f: &Gaussian, g: &Gaussian) -> f64 {
    let of = || {
        let (w, u) = relative(f, g)?;
        let dim = u.len();
        // Σ = ½ L_g (1 + W Wᵀ) L_gᵀ.
        let sum = Cholesky::new(DMatrix::identity(dim, dim) + &w * w.transpose())?.unpack();
        let log_det = |factor: &DMatrix<f64>| factor.diagonal().map(f64::ln).sum();
        let squared = 2.0 * sum.solve_lower_triangular(&u)?.norm_squared();
        let log_dets = 0.5 * (log_det(f.factor) - log_det(g.factor)) - log_det(&sum);
        let half_log_2 = 0.5 * std::f64::consts::LN_2;
        Some(0.5 * (f.weight * g.weight).ln() + log_dets + dim as f64 * half_log_2 - squared / 8.0)
    };
    of().unwrap_or(f64::NEG_INFINITY)
}

/// The mean and factor of the Gaussian that √(f g) is a multiple of: its precision is the mean of
/// both.
fn halfway(f: &Gaussian, g: &Gaussian) -> Option<(DVector<f64>, DMatrix<f64>)> {
    let (w, u) = relative(f, g)?;
    let identity = DMatrix::identity(u.len(), u.len());
    // Σ_f (Σ_f + Σ_g)⁻¹ (μ_g − μ_f) = L_f Wᵀ (1 + W Wᵀ)⁻¹ u.
    let step = Cholesky::new(&identity + &w * w.transpose())?.solve(&u);
    let mean = f.mean + f.factor * (w.transpose() * step);
    // 2 (Σ_f⁻¹ + Σ_g⁻¹)⁻¹ = 2 L_f (1 + Wᵀ W)⁻¹ L_fᵀ.
    let inner = Cholesky::new(identity + w.transpose() * &w)?.unpack();
    let root = inner.solve_lower_triangular(&f.factor.transpose())? * 2f64.sqrt();
    // L Lᵀ = Aᵀ A with A = Q Lᵀ, the diagonal made positive.
    let mut factor = root.qr().r().transpose();
    for (at, mut column) in factor.column_iter_mut().enumerate() {
        if column[at] < 0.0 {
            column.neg_mut();
        }
    }
    Some((mean, factor))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn correlated() -> [(DVector<f64>, DMatrix<f64>); 2] {
        let vector = |numbers: &[f64]| DVector::from_column_slice(numbers);
        let lower = |numbers: &[f64]| DMatrix::from_row_slice(2, 2, numbers);
        [
            (vector(&[1.0, -2.0]), lower(&[0.5, 0.0, 0.3, 2.0])),
            (vector(&[-0.5, 1.0]), lower(&[1.5, 0.0, -1.0, 0.4])),
        ]
    }

    #[test]
    fn halfway_is_where_the_product_is() {
        let [f, g] = correlated();
        let [f, g] = [(0.3, &f), (0.6, &g)].map(|(weight, (mean, factor))| Gaussian {
            weight,
            mean,
            factor,
        });
        let (mean, factor) = halfway(&f, &g).unwrap();
        let one = |g: &Gaussian| {
            let mean = g.mean.as_slice().to_vec();
            Mixture::new(vec![1.0], vec![mean], vec![g.factor.clone()]).unwrap()
        };
        let middle = Gaussian {
            weight: 1.0,
            mean: &mean,
            factor: &factor,
        };
        let (f_density, g_density, middle) = (one(&f), one(&g), one(&middle));
        // √(w_f f w_g g) is its density times the affinity, wherever it is looked at.
        for x in [[0.0, 0.0], [1.0, -3.0], [-2.0, 5.0]] {
            let logs = f_density.log_density(&x) + g_density.log_density(&x);
            let product = 0.5 * (logs + (0.3_f64 * 0.6).ln());
            let found = middle.log_density(&x) + log_affinity(&f, &g);
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
        // Two around a spike; one for each of two components that are far from q.
        let spike = on_a_line(&[0.5], 0.01);
        assert_eq!(bridges(&kinds[..1], &spike, &q).unwrap().components(), 2);
        let far = on_a_line(&[20.0, 20.5], 1.0);
        assert_eq!(bridges(&kinds, &far, &q).unwrap().components(), 2);
        assert!(bridges(&kinds[..1], &far, &q).is_none());
    }
}
