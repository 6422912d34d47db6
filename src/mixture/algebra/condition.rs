//! A mixture where some of its coordinates are known.

use nalgebra::DVector;

use super::{log_normal, lower_of, normalized};
use crate::error::Refusal;
use crate::mixture::Mixture;

/// A mixture given some of its coordinates.
#[derive(Debug, Clone, PartialEq)]
pub struct Conditional {
    /// The density of the other coordinates, in their order.
    pub mixture: Mixture,
    /// The log-density of what is given, in nats.
    pub log_density: f64,
    /// How far what is given is from the nearest component, in its standard deviations |L⁻¹(x − μ)|: beyond a few
    /// of them it lies in a tail, which says more of the form of the mixture than of what it was fitted to.
    pub distance: f64,
}

impl Mixture {
    /// Its other coordinates where some are given: (coordinate, value), counted from 0.
    ///
    /// Of each component μₐ + Σₐᵦ Σᵦᵦ⁻¹ (xᵦ − μᵦ) and the Schur complement Σₐₐ − Σₐᵦ Σᵦᵦ⁻¹ Σᵦₐ, with a weight in
    /// proportion to wₖ N(xᵦ; μᵦ, Σᵦᵦ). Both come from the factor of Σ with the given coordinates first.
    ///
    /// # Errors
    /// If a coordinate is not one of the mixture's or is given twice, none or all are given, a value is not finite, or
    /// its density is 0 in numbers.
    pub fn condition(&self, given: &[(usize, f64)]) -> Result<Conditional, Refusal> {
        let dim = self.dim();
        let refused = |message: String, help: &str| Refusal::new("given", message, help);
        for (n, (i, value)) in given.iter().enumerate() {
            if *i >= dim {
                let message = format!("names coordinate {}, and there are {dim}", i + 1);
                return Err(refused(message, "count the coordinates from the first"));
            }
            if given[..n].iter().any(|(other, _)| other == i) {
                let message = format!("names coordinate {} twice", i + 1);
                return Err(refused(message, "give each coordinate once"));
            }
            if !value.is_finite() {
                let message = format!("has {value} for coordinate {}", i + 1);
                return Err(refused(message, "give a finite number"));
            }
        }
        if given.is_empty() || given.len() == dim {
            return Err(refused(
                format!("has {} of {dim} coordinates", given.len()),
                "give some of the coordinates, and leave at least one",
            ));
        }
        let left = (0..dim).filter(|i| given.iter().all(|(other, _)| other != i));
        let order: Vec<usize> = given.iter().map(|(i, _)| *i).chain(left).collect();
        let known = given.len();
        let (mut logs, mut means, mut factors) = (Vec::new(), Vec::new(), Vec::new());
        let mut distance = f64::INFINITY;
        for k in 0..self.components() {
            let rows = self.scale_trils()[k].select_rows(&order);
            let lower = lower_of(rows.transpose()).ok_or_else(|| singular(k))?;
            let of_given = lower.view((0, 0), (known, known)).into_owned();
            let across = lower.view((known, 0), (dim - known, known));
            let mean = &self.means()[k];
            let off = DVector::from_fn(known, |n, _| given[n].1 - mean[given[n].0]);
            let z = of_given
                .solve_lower_triangular(&off)
                .ok_or_else(|| singular(k))?;
            if self.weights()[k] > 0.0 {
                distance = distance.min(z.norm());
            }
            logs.push(self.weights()[k].ln() + log_normal(&of_given, &off));
            let moved = across * z;
            let mean = (order[known..].iter().zip(moved.iter())).map(|(i, moved)| mean[*i] + moved);
            means.push(mean.collect());
            let rest = dim - known;
            factors.push(lower.view((known, known), (rest, rest)).into_owned());
        }
        let (weights, log_density) = normalized(&logs);
        if log_density.is_nan() || log_density == f64::NEG_INFINITY {
            return Err(refused(
                "is so far out that its density is 0 in numbers".to_owned(),
                "give values nearer to the components",
            ));
        }
        Ok(Conditional {
            mixture: Mixture::new(weights, means, factors)?,
            log_density,
            distance,
        })
    }
}

/// The refusal of a component whose factor has become singular.
pub(super) fn singular(k: usize) -> Refusal {
    Refusal::new(
        "scale_trils",
        "gives a covariance that is singular to rounding",
        "scale the coordinates so that their standard deviations are nearer to each other",
    )
    .of("component", k)
}

#[cfg(test)]
mod tests {
    use nalgebra::DMatrix;

    use super::*;

    fn mixture() -> Mixture {
        let factor = |a: f64, b: f64, c: f64| {
            DMatrix::from_row_slice(3, 3, &[a, 0.0, 0.0, 0.4, b, 0.0, -1.3, 0.7, c])
        };
        Mixture::new(
            vec![0.3, 0.7],
            vec![vec![1.0, -2.0, 0.5], vec![0.0, 3.0, 1.0]],
            vec![factor(1.0, 0.5, 2.0), factor(1e-3, 2.0, 0.1)],
        )
        .unwrap()
    }

    /// p(x) = p(xᵦ) p(xₐ | xᵦ), at any point and for any choice of coordinates.
    #[test]
    fn what_is_given_times_what_is_left_is_all() {
        let p = mixture();
        let x = [0.2, 0.1, -0.7];
        for given in [vec![0], vec![1], vec![2], vec![2, 0], vec![1, 2]] {
            let values: Vec<(usize, f64)> = given.iter().map(|&i| (i, x[i])).collect();
            let found = p.condition(&values).unwrap();
            let left: Vec<f64> = (0..3)
                .filter(|i| !given.contains(i))
                .map(|i| x[i])
                .collect();
            let marginal = p.marginal(&given).unwrap();
            let given: Vec<f64> = given.iter().map(|&i| x[i]).collect();
            assert!((found.log_density - marginal.log_density(&given)).abs() < 1e-10);
            let both = found.log_density + found.mixture.log_density(&left);
            let all = p.log_density(&x);
            assert!(
                (both - all).abs() < 1e-12 * all.abs().max(1.0),
                "{given:?}: {both} {all}"
            );
        }
    }

    /// Of one Gaussian in closed form: Σₐₐ − Σₐᵦ²/Σᵦᵦ and μₐ + Σₐᵦ/Σᵦᵦ (x − μᵦ).
    #[test]
    fn a_gaussian_is_conditioned_by_its_regression() {
        let covariance = DMatrix::from_row_slice(2, 2, &[2.0, 0.6, 0.6, 0.5]);
        let p = Mixture::gaussian(vec![1.0, -1.0], covariance).unwrap();
        let found = p.condition(&[(1, 0.25)]).unwrap();
        let q = &found.mixture;
        assert!((q.means()[0][0] - (1.0 + 0.6 / 0.5 * 1.25)).abs() < 1e-14);
        assert!((q.component_covariance(0)[(0, 0)] - (2.0 - 0.36 / 0.5)).abs() < 1e-14);
        assert!((found.distance - 1.25 / 0.5f64.sqrt()).abs() < 1e-14);
    }

    /// Where all components are a thousand standard deviations away their weights are still told apart.
    #[test]
    fn far_out_the_nearer_component_takes_over() {
        let found = mixture().condition(&[(1, 5000.0)]).unwrap();
        assert!(found.distance > 1000.0 && found.log_density < -1e5);
        assert!((found.mixture.weights()[1] - 1.0).abs() < 1e-12);
    }

    #[test]
    fn what_cannot_be_given_is_refused() {
        let p = mixture();
        let cases: [(&[(usize, f64)], &str); 6] = [
            (&[], "0 of 3"),
            (&[(0, 1.0), (1, 1.0), (2, 1.0)], "3 of 3"),
            (&[(3, 1.0)], "coordinate 4"),
            (&[(1, 1.0), (1, 2.0)], "twice"),
            (&[(1, f64::NAN)], "NaN"),
            (&[(1, 1e200)], "density is 0"),
        ];
        for (given, part) in cases {
            let refusal = p.condition(given).unwrap_err().to_string();
            assert!(refusal.contains(part), "{refusal}");
        }
    }
}
