//! What two mixtures differ by at most, from their components in pairs.

use crate::divergence::Factored;
use crate::mixture::Mixture;

/// The Jensen–Shannon divergence of two mixtures with weights π and ω is at most this, in nats: infinite where their
/// components do not pair off.
///
/// JS ≤ ¼ (KL(p‖q) + KL(q‖p)) (Lin 1991), and by the log-sum inequality KL(p‖q) ≤ Σ πₖ (ln πₖ/ωₖ + KL(fₖ‖gₖ)) for
/// components in any pairs.
pub(super) fn js_at_most(p: &Mixture, q: &Mixture) -> f64 {
    let (of_p, of_q) = (present(p), present(q));
    if of_p.len() != of_q.len() {
        return f64::INFINITY;
    }
    let mut left = of_q;
    let mut sum = 0.0;
    for a in of_p {
        let apart = |&b: &usize| unlikeness(p, a, q, b);
        let nearest = (0..left.len()).min_by(|&i, &j| apart(&left[i]).total_cmp(&apart(&left[j])));
        let Some(nearest) = nearest else {
            return f64::INFINITY;
        };
        let b = left.swap_remove(nearest);
        let (weight, other) = (p.weights()[a], q.weights()[b]);
        let (f, g) = (Factored::new(p, a), Factored::new(q, b));
        let kl = |f: &Factored, g: &Factored| {
            let kl = f.kl(&f.whitened_by(g), g);
            kl.value + kl.error
        };
        sum += (weight - other) * (weight / other).ln() + weight * kl(&f, &g) + other * kl(&g, &f);
    }
    0.25 * sum
}

/// The components that have weight.
fn present(mixture: &Mixture) -> Vec<usize> {
    let weights = mixture.weights();
    (0..weights.len()).filter(|&k| weights[k] > 0.0).collect()
}

/// A number by which pairs are chosen; a poor choice makes a poor bound.
fn unlikeness(p: &Mixture, a: usize, q: &Mixture, b: usize) -> f64 {
    let stds = p.component_stds(a).into_iter().zip(q.component_stds(b));
    let offset = &p.means()[a] - &q.means()[b];
    let moved = stds.zip(&offset).map(|((one, other), offset)| {
        (offset / one.max(other)).powi(2) + (one / other).ln().powi(2)
    });
    moved.sum::<f64>() + (p.weights()[a] / q.weights()[b]).ln().powi(2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fit::sketch::tests::js;

    fn three(weights: [f64; 3], means: [f64; 3], stds: [f64; 3]) -> Mixture {
        let column = |values: [f64; 3]| values.map(|value| vec![value]).to_vec();
        Mixture::from_stds(weights.to_vec(), column(means), column(stds)).unwrap()
    }

    #[test]
    fn it_is_no_less_than_the_divergence_and_not_much_more_where_that_is_small() {
        let p = three([0.2, 0.3, 0.5], [-6.0, 0.0, 5.0], [0.5, 1.0, 2.0]);
        for by in [1e-6, 1e-3, 0.02, 0.3, 2.0] {
            let moved = three(
                [0.2 * (1.0 - by / 3.0), 0.3 + 0.2 * by / 3.0, 0.5],
                [-6.0 + 0.4 * by, 0.3 * by, 5.0 - by],
                [0.5 * (1.0 + 0.3 * by), 1.0, 2.0 * (1.0 - 0.2 * by)],
            );
            let (exact, most) = (js(&p, &moved), js_at_most(&p, &moved));
            assert!(most >= exact * (1.0 - 1e-6), "{by}: {exact} {most}");
            assert!(by > 0.1 || most < 2.2 * exact, "{by}: {exact} {most}");
        }
    }

    #[test]
    fn the_order_of_components_does_not_matter_nor_do_those_without_weight() {
        let p = three([0.25, 0.25, 0.5], [-6.0, 0.0, 5.0], [0.5, 1.0, 2.0]);
        let turned = three([0.5, 0.25, 0.25], [5.0, -6.0, 0.0], [2.0, 0.5, 1.0]);
        assert!(js_at_most(&p, &turned) < 1e-14);
        let [with, without] = [[0.0, 50.0], [1.0, -50.0]].map(|[first, place]| {
            three(
                [first, 1.0 - first, 0.0],
                [0.0, 0.0, place],
                [1.0, 1.0, 3.0],
            )
        });
        assert!(js_at_most(&with, &without) < 1e-14);
        // One density, but not by the same components.
        let halves = three([0.5, 0.5, 0.0], [0.0; 3], [1.0; 3]);
        assert_eq!(js_at_most(&with, &halves), f64::INFINITY);
    }
}
