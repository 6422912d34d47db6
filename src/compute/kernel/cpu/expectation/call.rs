//! What the tasks of one call share.

use super::super::backward::Sums;
use super::super::factors::Factors;
use super::super::gradients::SumSizes;
use super::super::inputs::{Mixture, Shape};
use super::super::width::Width;
use super::Expectation;
use super::numbers::Number;

/// How many numbers a task adds up for each of its runs.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// The gradient through log q.
    pub density: SumSizes,
    /// For each component that points are carried into: Σ w f, Σ g and Σ g zᵀ.
    pub placed: usize,
}

/// What all tasks share.
pub struct Call<'a, T> {
    pub width: Width,
    pub shape: Shape,
    pub q: &'a Mixture<'a, T>,
    pub factors: &'a Factors<T>,
    pub what: Expectation<'a>,
    /// D′.
    pub standard_dim: usize,
    pub sizes: Sizes,
    pub wants_gradients: bool,
}

impl<T: Number> Call<'_, T> {
    /// The sums of the gradient through log q.
    pub fn sums<'s>(&self, density: &'s mut [T]) -> Sums<'s, T> {
        let (weights, rest) = density.split_at_mut(self.sizes.density.weights);
        let (means, squares) = rest.split_at_mut(self.sizes.density.means);
        Sums {
            weights,
            means,
            squares,
            whitened: self.sizes.density.whitened,
        }
    }
}
