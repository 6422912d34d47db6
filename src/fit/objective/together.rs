//! Sums over rows that several ranks have.

use burn::tensor::Tensor;

use super::Objective;
use crate::compute::device::Numerics;
use crate::density::Density;
use crate::density::target::Samples;
use crate::error::{Error, Result};
use crate::ranks::Communicator;

impl Objective<'_> {
    /// The ranks that have the other rows of the target, where all rows are passed over.
    pub(super) fn ranks(&self) -> Option<&dyn Communicator> {
        (self.target.ranks()).filter(|_| !self.estimator.rule.is_random())
    }

    /// Checks that all ranks are at the same θ where each takes its step by itself, by rows that all have drawn.
    pub(super) fn check_alike(&self, theta: &[f64]) -> Result<()> {
        match self.target.ranks() {
            Some(ranks) if self.estimator.rule.is_random() => add_up(ranks, theta, &mut Vec::new()),
            _ => Ok(()),
        }
    }

    /// Replaces sums over rows by those over the rows of all ranks, which are at the same θ.
    ///
    /// Where that fails they are NaN, and the target's [`check`](crate::Distribution::check) tells why.
    pub(super) fn add_up(&self, theta: &[f64], mut sums: Vec<f64>) -> Vec<f64> {
        let Some(ranks) = self.ranks() else {
            return sums;
        };
        if let Err(error) = add_up(ranks, theta, &mut sums) {
            if let Some(file) = self.target.model().as_samples().and_then(Samples::file) {
                file.or_nothing(Err(error), 0);
            }
            sums.fill(f64::NAN);
        }
        sums
    }

    /// Values `[R]` and their gradient `[R, P]` at θ `[R, P]`, over the rows of all ranks.
    pub(super) fn added_up(
        &self,
        theta: &Tensor<2>,
        values: Tensor<1>,
        gradient: Tensor<2>,
    ) -> (Tensor<1>, Tensor<2>) {
        let ([runs], shape) = (values.dims(), gradient.dims());
        let read = || -> Result<Vec<f64>> {
            Ok([Numerics::read(values)?, Numerics::read(gradient)?].concat())
        };
        let own = read().unwrap_or_else(|_| vec![f64::NAN; runs + shape[0] * shape[1]]);
        let at = Numerics::read(theta.clone()).unwrap_or_default();
        let mut values = self.add_up(&at, own);
        let gradient = values.split_off(runs);
        (
            self.numerics.tensor(values, [runs]),
            self.numerics.tensor(gradient, shape),
        )
    }
}

/// Replaces sums by those over all ranks, which must be at the same θ.
fn add_up(ranks: &dyn Communicator, theta: &[f64], sums: &mut Vec<f64>) -> Result<()> {
    // A number of few bits, so that no sum of it or of its square is rounded: where all are alike, the square of their
    // sum is as many times the sum of their squares.
    let bits = theta.iter().fold(0u64, |all, x| {
        (all.rotate_left(5) ^ x.to_bits()).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    });
    let mark = (bits >> 44) as f64;
    let own = sums.len();
    sums.extend([mark, mark * mark]);
    let added = ranks.sum(sums);
    let [sum, squares] = [sums[own], sums[own + 1]];
    sums.truncate(own);
    added?;
    match sum * sum == ranks.size() as f64 * squares {
        true => Ok(()),
        false => Err(Error::numerical(
            "the ranks have come to different parameters",
            "run them on processors of one kind, by the same klfit",
        )),
    }
}
