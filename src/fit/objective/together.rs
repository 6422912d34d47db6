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

    /// Replaces sums over rows by those over the rows of all ranks, which are at the same θ.
    ///
    /// Where that fails they are NaN, and the target's [`check`](crate::Distribution::check) tells why.
    pub(super) fn add_up(&self, theta: &[f64], mut sums: Vec<f64>) -> Vec<f64> {
        let Some(ranks) = self.ranks() else {
            return sums;
        };
        // Numbers of few bits, so that no sum of them or of their squares is rounded: where all are alike, the square
        // of their sum is as many times the sum of their squares.
        let bits = theta.iter().fold(0u64, |all, x| {
            (all.rotate_left(5) ^ x.to_bits()).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        });
        let mark = (bits >> 44) as f64;
        sums.extend([mark, mark * mark]);
        let added = ranks.sum(&mut sums);
        let [sum, squares] = [sums.len() - 2, sums.len() - 1].map(|at| sums[at]);
        sums.truncate(sums.len() - 2);
        let alike = match sum * sum == ranks.size() as f64 * squares {
            true => Ok(()),
            false => Err(Error::numerical(
                "the ranks have come to different parameters",
                "run them on processors of one kind, by the same klfit",
            )),
        };
        if let Err(error) = added.and(alike) {
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
