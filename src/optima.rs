//! Which optima the restarts of a fit ended at, and how many at each.

use nalgebra::DVector;

use crate::mixture::Mixture;

/// Two mixtures are the same optimum if every mean and standard deviation agrees to this share of
/// the target's own, and every weight to this much.
pub const EXACT: f64 = 0.05;
/// As [`EXACT`], where the gradients are noisy and the ends of the runs scatter.
pub const NOISY: f64 = 0.2;

/// Groups mixtures that are the same up to the order of their components.
///
/// Gives each mixture the number of its group; groups are numbered by their first member.
pub fn group(mixtures: &[&Mixture], target: &Mixture, tolerance: f64) -> Vec<usize> {
    let scale: Vec<f64> = (target.covariance().diagonal().iter())
        .map(|variance| variance.sqrt())
        .collect();
    let mut leaders: Vec<&Mixture> = Vec::new();
    (mixtures.iter())
        .map(|mixture| {
            let found =
                (leaders.iter()).position(|leader| is_same(leader, mixture, &scale, tolerance));
            found.unwrap_or_else(|| {
                leaders.push(mixture);
                leaders.len() - 1
            })
        })
        .collect()
}

/// Whether the components of `a` can be paired off with those of `b`, each with its nearest.
fn is_same(a: &Mixture, b: &Mixture, scale: &[f64], tolerance: f64) -> bool {
    let mut free: Vec<usize> = (0..b.components()).collect();
    (0..a.components()).all(|i| {
        let nearest = (free.iter().enumerate())
            .map(|(at, &j)| (component_distance((a, i), (b, j), scale), at))
            .min_by(|x, y| x.0.total_cmp(&y.0));
        match nearest {
            Some((distance, at)) if distance <= tolerance => {
                free.swap_remove(at);
                true
            }
            _ => false,
        }
    })
}

/// The largest difference in weight, mean or covariance, each in units of the target's own.
fn component_distance(a: (&Mixture, usize), b: (&Mixture, usize), scale: &[f64]) -> f64 {
    let weight = (a.0.weights()[a.1] - b.0.weights()[b.1]).abs();
    let relative = |difference: DVector<f64>| {
        (difference.iter().zip(scale)).fold(0.0, |most: f64, (x, s)| most.max(x.abs() / s))
    };
    let mean = relative(&a.0.means()[a.1] - &b.0.means()[b.1]);
    let std = relative(
        DVector::from_vec(a.0.component_stds(a.1)) - DVector::from_vec(b.0.component_stds(b.1)),
    );
    let covariance = a.0.component_covariance(a.1) - b.0.component_covariance(b.1);
    let shape = (0..scale.len())
        .flat_map(|i| (0..i).map(move |j| (i, j)))
        .fold(0.0, |most: f64, (i, j)| {
            most.max(covariance[(i, j)].abs() / (scale[i] * scale[j]))
        });
    weight.max(mean).max(std).max(shape)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mixture(means: [f64; 2]) -> Mixture {
        let means = means.map(|mean| vec![mean]).to_vec();
        Mixture::from_stds(vec![0.5, 0.5], means, vec![vec![1.0]; 2]).unwrap()
    }

    #[test]
    fn the_order_of_components_does_not_matter_and_places_do() {
        let target = mixture([-3.0, 3.0]);
        let ends = [
            mixture([-3.0, 3.0]),
            mixture([3.0, -3.01]),
            mixture([0.0, 3.0]),
            mixture([3.0, 0.0]),
        ];
        let ends: Vec<&Mixture> = ends.iter().collect();
        assert_eq!(group(&ends, &target, EXACT), [0, 0, 1, 1]);
    }
}
