//! Families of up to K components: a component that is not there has a place in θ and no weight.

use std::ops::Range;

use super::{Family, NotInFamily};
use crate::mixture::Mixture;

/// The logit of a component that is not there: its weight is 0 in any precision, and it is a number.
const ABSENT: f64 = -1e5;

impl Family {
    /// The same structure with another number of components, whose weights are learned.
    pub(crate) fn of(&self, components: usize) -> Self {
        Self {
            components,
            weights: None,
            scale: self.scale,
        }
    }

    /// θ (P) of a mixture of fewer components: the others are not there.
    ///
    /// # Errors
    /// If the mixture is no member of the family with as many.
    pub(crate) fn theta_of_fewer(&self, mixture: &Mixture) -> Result<Vec<f64>, NotInFamily> {
        let fewer = self.of(mixture.components());
        let own = fewer.theta_of(mixture)?;
        let mut theta = vec![0.0; self.parameters()];
        for k in 0..self.components {
            // One that is not there stands where the first is.
            let from = fewer.places(if k < fewer.components { k } else { 0 });
            for (to, from) in self.places(k).into_iter().zip(from) {
                theta[to].copy_from_slice(&own[from]);
            }
        }
        let mut weights = mixture.weights().to_vec();
        weights.resize(self.components, 0.0);
        self.put_weights(&mut theta, &weights);
        Ok(theta)
    }

    /// Writes a Gaussian into the place of a component in θ.
    ///
    /// # Errors
    /// If it has not the structure of the family.
    pub(crate) fn put_component(
        &self,
        theta: &mut [f64],
        component: usize,
        gaussian: &Mixture,
    ) -> Result<(), NotInFamily> {
        let one = self.of(1);
        let own = one.theta_of(gaussian)?;
        for (to, from) in self.places(component).into_iter().zip(one.places(0)) {
            theta[to].copy_from_slice(&own[from]);
        }
        Ok(())
    }

    /// Writes K weights into θ; a component with none is not there.
    pub(crate) fn put_weights(&self, theta: &mut [f64], weights: &[f64]) {
        for (logit, &weight) in theta[..self.logits()].iter_mut().zip(weights) {
            *logit = if weight > 0.0 { weight.ln() } else { ABSENT };
        }
    }

    /// Where in θ what is of no component stands.
    pub(crate) fn absent_places(&self, theta: &[f64]) -> impl Iterator<Item = Range<usize>> {
        let logits = theta[..self.logits()].iter().enumerate();
        let absent = logits.filter(|(_, logit)| **logit == ABSENT);
        absent.flat_map(|(k, _)| self.places_of(k))
    }

    /// Where in θ all that a component has stands.
    pub(crate) fn places_of(&self, component: usize) -> impl Iterator<Item = Range<usize>> {
        let logit = (self.logits() > 0).then_some(component..component + 1);
        logit.into_iter().chain(self.places(component))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compute::device::Numerics;
    use crate::density::family::{Covariance, FamilyConfig};

    #[test]
    fn components_that_are_not_there_have_no_weight_and_change_no_others() {
        let two = Mixture::from_stds(
            vec![0.3, 0.7],
            vec![vec![-1.0, 0.0], vec![2.0, 5.0]],
            vec![vec![1.0, 0.5], vec![2.0, 1e-3]],
        )
        .unwrap();
        for covariance in [Covariance::Full, Covariance::Diagonal] {
            let config = FamilyConfig {
                components: 4,
                covariance,
                ..FamilyConfig::default()
            };
            let family = Family::new(config, 2);
            let mut theta = family.theta_of_fewer(&two).unwrap();
            let read = |theta: &[f64]| {
                let mut members = family.members(theta, &Numerics::cpu()).unwrap();
                members.remove(0).unwrap()
            };
            let held = read(&theta);
            assert_eq!(held.weights()[2..], [0.0, 0.0]);
            let occupied = held.occupied();
            assert_eq!(occupied.components(), 2);
            assert!((occupied.weights()[0] - 0.3).abs() < 1e-15);
            // One comes, into the last place.
            let new = Mixture::from_stds(vec![1.0], vec![vec![7.0, 8.0]], vec![vec![0.1, 0.2]]);
            family.put_component(&mut theta, 3, &new.unwrap()).unwrap();
            family.put_weights(&mut theta, &[0.2, 0.5, 0.0, 0.3]);
            let held = read(&theta);
            assert_eq!(held.weights()[2], 0.0);
            assert_eq!(held.means()[3].as_slice(), [7.0, 8.0]);
            assert_eq!(held.means()[1].as_slice(), [2.0, 5.0]);
        }
    }
}
