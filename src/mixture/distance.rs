//! How far many points are from a component, in its standard deviations.

use super::Mixture;

/// Points that are taken side by side, as vectors are.
const LANES: usize = 16;

/// The squared distances |L⁻¹(x − μ)|² of points from one component.
pub(crate) struct Distances {
    mean: Vec<f64>,
    /// The rows of L up to its diagonal, one after the other: a point meets them in this order.
    rows: Vec<f64>,
}

impl Distances {
    /// From a component of a mixture.
    pub fn new(mixture: &Mixture, component: usize) -> Self {
        let factor = &mixture.scale_trils()[component];
        let rows = (0..factor.nrows()).flat_map(|i| (0..=i).map(move |j| factor[(i, j)]));
        Self {
            mean: mixture.means()[component].as_slice().to_vec(),
            rows: rows.collect(),
        }
    }

    /// Of points x, N × D.
    pub fn squared(&self, x: &[f64], squared: &mut [f64]) {
        let dim = self.mean.len();
        let arch = pulp::Arch::new();
        let mut z = vec![[0.0; LANES]; dim];
        for (x, squared) in x.chunks(LANES * dim).zip(squared.chunks_mut(LANES)) {
            for (i, (z, mean)) in z.iter_mut().zip(&self.mean).enumerate() {
                for (z, x) in z.iter_mut().zip(x.chunks_exact(dim)) {
                    *z = x[i] - mean;
                }
            }
            let sums = arch.dispatch(|| self.substituted(&mut z));
            squared.copy_from_slice(&sums[..squared.len()]);
        }
    }

    /// From x − μ, one point a lane, by forward substitution.
    #[inline(always)]
    fn substituted(&self, z: &mut [[f64; LANES]]) -> [f64; LANES] {
        let mut sums = [0.0; LANES];
        let mut rows = &self.rows[..];
        for i in 0..z.len() {
            let (row, rest) = rows.split_at(i + 1);
            rows = rest;
            let (before, after) = z.split_at_mut(i);
            let mut known = [0.0; LANES];
            for (l, z) in row.iter().zip(before) {
                for (known, z) in known.iter_mut().zip(z) {
                    *known += l * *z;
                }
            }
            for ((z, known), sum) in after[0].iter_mut().zip(known).zip(&mut sums) {
                *z = (*z - known) / row[i];
                *sum += *z * *z;
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use nalgebra::{DMatrix, DVector};

    use super::*;

    /// In one dimension and in many, of any number of points.
    #[test]
    fn they_are_those_of_a_solver() {
        for dim in [1, 2, 7, 33] {
            let factor = DMatrix::from_fn(dim, dim, |i, j| match i.cmp(&j) {
                std::cmp::Ordering::Greater => (0.3 * i as f64 - 0.7 * j as f64).sin(),
                std::cmp::Ordering::Equal => 10f64.powi(-(i as i32 % 5)),
                std::cmp::Ordering::Less => 0.0,
            });
            let mean: Vec<f64> = (0..dim).map(|i| (i as f64).cos()).collect();
            let mixture =
                Mixture::new(vec![1.0], vec![mean.clone()], vec![factor.clone()]).unwrap();
            let distances = Distances::new(&mixture, 0);
            for points in [0, 1, 15, 16, 17, 50] {
                let x: Vec<f64> = (0..points * dim).map(|i| (1.7 * i as f64).sin()).collect();
                let mut found = vec![f64::NAN; points];
                distances.squared(&x, &mut found);
                for (x, found) in x.chunks(dim).zip(found) {
                    let off = DVector::from_column_slice(x) - DVector::from_column_slice(&mean);
                    let z = factor.solve_lower_triangular(&off).unwrap();
                    assert!((found / z.norm_squared() - 1.0).abs() < 1e-10, "{dim}");
                }
            }
        }
    }
}
