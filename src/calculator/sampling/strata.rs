//! The components of a density as strata of a sample with proportional allocation.

use nalgebra::{DMatrix, DVector};

use crate::mixture::Mixture;
use crate::target::TargetModel;

/// A component with fewer draws in a block than this shares a stratum with others.
const LEAST: f64 = 4.0;

/// The components with weight, those with a stratum of their own first.
#[derive(Debug, Clone)]
pub(super) struct Strata<'a> {
    scales: &'a Mixture,
    /// The components in order.
    order: Vec<usize>,
    /// The sums of the weights up to and with each.
    ends: Vec<f64>,
    /// The weights of the strata; the last one may be that of several components.
    weights: Vec<f64>,
}

impl<'a> Strata<'a> {
    /// Of blocks of `size` draws; `None` for rows, which are drawn from no component.
    pub fn new(density: &'a TargetModel, size: u64) -> Option<Self> {
        let scales = match density {
            TargetModel::Mixture(mixture) => mixture,
            TargetModel::StudentT(student_t) => student_t.scales(),
            TargetModel::Samples(_) => return None,
        };
        let weights = scales.weights();
        let is_alone = |k: &usize| weights[*k] * size as f64 >= LEAST;
        let (alone, together): (Vec<usize>, Vec<usize>) = (0..weights.len())
            .filter(|&k| weights[k] > 0.0)
            .partition(is_alone);
        let mut strata: Vec<f64> = alone.iter().map(|&k| weights[k]).collect();
        if !together.is_empty() {
            strata.push(together.iter().map(|&k| weights[k]).sum());
        }
        let order = [alone, together].concat();
        let mut end = 0.0;
        let ends = (order.iter())
            .map(|&k| {
                end += weights[k];
                end
            })
            .collect();
        Some(Self {
            scales,
            order,
            ends,
            weights: strata,
        })
    }

    /// The weights of the strata; they sum to 1.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// The stratum and the component of a share of the unit interval.
    pub fn choose(&self, share: f64) -> (usize, usize) {
        let place = (self.ends.partition_point(|&end| end <= share)).min(self.order.len() - 1);
        (place.min(self.weights.len() - 1), self.order[place])
    }

    /// The centre and the factor of a component.
    pub fn component(&self, k: usize) -> (&DVector<f64>, &DMatrix<f64>) {
        (&self.scales.means()[k], &self.scales.scale_trils()[k])
    }
}

/// x = μ + s L z.
pub(super) fn place(
    (mean, factor): (&DVector<f64>, &DMatrix<f64>),
    stretch: f64,
    z: &[f64],
    x: &mut [f64],
) {
    x.fill(0.0);
    // Column after column, as they lie in memory.
    for (j, z) in z.iter().enumerate() {
        let column = &factor.as_slice()[j * x.len()..][..x.len()];
        for (x, l) in x[j..].iter_mut().zip(&column[j..]) {
            *x += l * z;
        }
    }
    for (x, mean) in x.iter_mut().zip(mean.iter()) {
        *x = mean + stretch * *x;
    }
}
