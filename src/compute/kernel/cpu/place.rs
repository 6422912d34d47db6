//! Standard points carried into a Gaussian: x = μ + L z.

use pulp::{Simd, WithSimd};

use super::width::Width;

/// Points that are carried together, one in each place of a few vectors.
const TOGETHER: usize = 64;

/// Writes N points x `[N, D]` of the Gaussian with the mean `[D]` and the lower triangular factor
/// `[D, D]`, both row-major, from N · D standard normal numbers.
///
/// The numbers are taken up in an order of their own: independent ones may stand in any order. What
/// does not make up a whole number of points is left as it is.
pub fn place(width: Width, mean: &[f64], factor: &[f64], z: &[f64], x: &mut [f64]) {
    width.dispatch(Place { mean, factor, z, x });
}

struct Place<'a> {
    mean: &'a [f64],
    factor: &'a [f64],
    z: &'a [f64],
    x: &'a mut [f64],
}

impl WithSimd for Place<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let dim = self.mean.len();
        if dim == 0 || self.factor.len() != dim * dim {
            return;
        }
        let group = dim * TOGETHER;
        let whole = self.z.len().min(self.x.len()) / group * group;
        let (z, rest_of_z) = self.z.split_at(whole);
        let (x, rest_of_x) = self.x.split_at_mut(whole);
        for (z, x) in z.chunks_exact(group).zip(x.chunks_exact_mut(group)) {
            for i in 0..dim {
                let mut along = [self.mean[i]; TOGETHER];
                for j in 0..=i {
                    let entry = self.factor[i * dim + j];
                    let z = &z[j * TOGETHER..][..TOGETHER];
                    for n in 0..TOGETHER {
                        along[n] += entry * z[n];
                    }
                }
                for n in 0..TOGETHER {
                    x[n * dim + i] = along[n];
                }
            }
        }
        // The last few, one by one.
        for (z, x) in rest_of_z
            .chunks_exact(dim)
            .zip(rest_of_x.chunks_exact_mut(dim))
        {
            for (i, x) in x.iter_mut().enumerate() {
                let row = &self.factor[i * dim..=i * dim + i];
                *x = self.mean[i] + row.iter().zip(z).map(|(l, z)| l * z).sum::<f64>();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_is_the_mean_and_the_factor_times_its_numbers() {
        // Two whole groups and a few points more, in three dimensions.
        let (dim, count) = (3, 2 * TOGETHER + 5);
        let mean = [1.0, -2.0, 0.5];
        let factor = [2.0, 9.0, 9.0, -1.0, 0.5, 9.0, 0.25, 3.0, 1.5];
        let z: Vec<f64> = (0..count * dim)
            .map(|i| ((i * 37) % 101) as f64 / 50.0 - 1.0)
            .collect();
        for width in Width::ALL {
            let mut x = vec![f64::NAN; z.len()];
            place(width, &mean, &factor, &z, &mut x);
            for (point, x) in x.chunks(dim).enumerate() {
                let of = |j: usize| match (point / TOGETHER, point % TOGETHER) {
                    (group @ 0..2, n) => z[group * dim * TOGETHER + j * TOGETHER + n],
                    (_, n) => z[2 * dim * TOGETHER + n * dim + j],
                };
                for i in 0..dim {
                    let along: f64 = (0..=i).map(|j| factor[i * dim + j] * of(j)).sum();
                    assert!((x[i] - mean[i] - along).abs() < 1e-14, "{point} {i}");
                }
            }
        }
    }
}
