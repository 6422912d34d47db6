//! Mixtures of Gaussians as targets.

use nalgebra::{DMatrix, DVector};
use rand::Rng;

use super::distribution::{Distribution, Elliptical, Tails};
use crate::compute::device::Numerics;
use crate::compute::kernel::MixtureTensors;
use crate::density::Density;
use crate::error::Refusal;
use crate::mixture::{Mixture, NaturalParameters, modes};

impl Distribution for Mixture {
    type Summary = NaturalParameters;
    type Marginal = Self;

    fn dim(&self) -> usize {
        self.dim()
    }

    fn describe(&self) -> String {
        match self.components() {
            1 => "a Gaussian".to_owned(),
            components => format!("a mixture of {components} Gaussians"),
        }
    }

    fn parameters(&self) -> String {
        self.summary().to_string().replace('\n', "; ")
    }

    fn summary(&self) -> NaturalParameters {
        self.into()
    }

    fn upload(&self, numerics: &Numerics) -> Box<dyn Density> {
        Box::new(MixtureTensors::constant(self, numerics))
    }

    fn log_density(&self, x: &[f64]) -> Option<f64> {
        Some(self.log_density(x))
    }

    fn sample(&self, count: usize, mut generator: &mut dyn Rng) -> Vec<f64> {
        self.sample(count, &mut generator)
    }

    fn marginal(&self, coordinates: &[usize]) -> Result<Self, Refusal> {
        self.marginal(coordinates)
    }

    fn moments(&self) -> Option<(DVector<f64>, DMatrix<f64>)> {
        Some((self.mean(), self.covariance()))
    }

    fn tails(&self) -> Tails {
        Tails::Gaussian
    }

    fn modes(&self) -> Option<Vec<DVector<f64>>> {
        let is_quick = Elliptical::from(self).has_fast_modes();
        is_quick.then(|| modes(self))
    }

    fn elliptical(&self) -> Option<Elliptical<'_>> {
        Some(self.into())
    }
}
