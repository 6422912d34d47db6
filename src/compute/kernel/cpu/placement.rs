//! Standard points carried into a component, x = μ + L z, and gradients carried back to μ and L.

use pulp::{Simd, WithSimd};

use super::block::{group_len, groups, groups_mut, rows_per_group};
use super::components::{accumulate_sums, reduce};
use super::full::accumulate_outer;
use super::inputs::Scale;
use super::packed::Packed;
use super::real::Real;
use super::width::Width;

/// One component's parameters as they are given.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Component<'a, T> {
    /// μ, `[D]`.
    pub mean: &'a [T],
    /// L.
    pub scale: Scale<'a, T>,
}

/// Carries z into x, both packed.
pub(crate) fn carry<T: Real>(
    width: Width,
    component: Component<'_, T>,
    z: &Packed<'_, T>,
    x: &mut Packed<'_, T>,
) {
    x.count = z.count;
    width.dispatch(Carry {
        component,
        count: z.count,
        z: z.values,
        x: x.values,
    });
}

/// Adds Σₙ gₙ to `mean` `[D]` and to `scale` Σₙ gₙ zₙᵀ: its lower triangle `[D, D]`, or its diagonal
/// `[D]`, or for r factors the diagonal and the last r columns, row by row, `[D, 1 + r]`. The gradient of samples that only fill a group must be 0.
pub(crate) fn carry_back<T: Real>(
    width: Width,
    z: &Packed<'_, T>,
    gradient: &Packed<'_, T>,
    mean: &mut [T],
    scale: &mut [T],
) {
    width.dispatch(CarryBack {
        count: z.count,
        factors: z.dim - gradient.dim,
        z: z.values,
        gradient: gradient.values,
        mean,
        scale,
    });
}

struct Carry<'a, T> {
    component: Component<'a, T>,
    count: usize,
    z: &'a [T],
    x: &'a mut [T],
}

impl<T: Real> WithSimd for Carry<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if S::REGISTER_COUNT >= 32 {
            self.run::<S, 4>(simd);
        } else {
            self.run::<S, 2>(simd);
        }
    }
}

impl<T: Real> Carry<'_, T> {
    #[inline(always)]
    fn run<S: Simd, const W: usize>(self, simd: S) {
        let dim = self.component.mean.len();
        let (group, stride) = (group_len::<T, S, W>(), rows_per_group(dim));
        let z_stride = rows_per_group(self.component.scale.standard_dim(dim));
        let len = self.count.next_multiple_of(group);
        let z = groups::<T, S, W>(&self.z[..len * z_stride]);
        let x = groups_mut::<T, S, W>(&mut self.x[..len * stride]);
        let zero = T::splat(simd, T::ZERO);
        for (z, x) in z.chunks_exact(z_stride).zip(x.chunks_exact_mut(stride)) {
            for i in 0..dim {
                let mut along = [zero; W];
                let diagonal = match self.component.scale {
                    Scale::Tril(tril) => {
                        let row = &tril[i * dim..][..=i];
                        for (z, &entry) in z.iter().zip(&row[..i]) {
                            let entry = T::splat(simd, entry);
                            for v in 0..W {
                                along[v] = T::v_mul_add(simd, entry, z[v], along[v]);
                            }
                        }
                        row[i]
                    }
                    Scale::LowRank { values, rank } => {
                        let row = &values[i * (1 + rank)..][..=rank];
                        for (z, &entry) in z[dim..].iter().zip(&row[1..]) {
                            let entry = T::splat(simd, entry);
                            for v in 0..W {
                                along[v] = T::v_mul_add(simd, entry, z[v], along[v]);
                            }
                        }
                        row[0]
                    }
                    Scale::Diagonal(stds) => stds[i],
                    Scale::Isotropic(stds) => stds[0],
                };
                let diagonal = T::splat(simd, diagonal);
                let mean = T::splat(simd, self.component.mean[i]);
                for v in 0..W {
                    let whole = T::v_mul_add(simd, diagonal, z[i][v], along[v]);
                    x[i][v] = T::v_add(simd, whole, mean);
                }
            }
        }
    }
}

struct CarryBack<'a, T> {
    count: usize,
    factors: usize,
    z: &'a [T],
    gradient: &'a [T],
    mean: &'a mut [T],
    scale: &'a mut [T],
}

impl<T: Real> WithSimd for CarryBack<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if S::REGISTER_COUNT >= 32 {
            self.run::<S, 4>(simd);
        } else {
            self.run::<S, 2>(simd);
        }
    }
}

impl<T: Real> CarryBack<'_, T> {
    #[inline(always)]
    fn run<S: Simd, const W: usize>(self, simd: S) {
        let dim = self.mean.len();
        let (group, stride) = (group_len::<T, S, W>(), rows_per_group(dim));
        let z_stride = rows_per_group(dim + self.factors);
        let len = self.count.next_multiple_of(group);
        let gradient = groups::<T, S, W>(&self.gradient[..len * stride]);
        let z = groups::<T, S, W>(&self.z[..len * z_stride]);
        accumulate_sums(simd, gradient, stride, self.mean);
        match (self.scale.len(), dim) {
            (0, _) => {}
            (len, dim) if len == dim || self.factors > 0 => {
                let columns = 1 + self.factors;
                for (at, sum) in self.scale.iter_mut().enumerate() {
                    let (i, column) = (at / columns, at % columns);
                    let j = if column == 0 { i } else { dim + column - 1 };
                    let mut partial = [T::splat(simd, T::ZERO); W];
                    let rows = gradient[i..].iter().step_by(stride);
                    for (gradient, z) in rows.zip(z[j..].iter().step_by(z_stride)) {
                        for v in 0..W {
                            partial[v] = T::v_mul_add(simd, gradient[v], z[v], partial[v]);
                        }
                    }
                    *sum += reduce(simd, partial);
                }
            }
            (_, 2) => accumulate_outer::<T, S, W, 2>(simd, dim, gradient, z, self.scale),
            (_, 3) => accumulate_outer::<T, S, W, 3>(simd, dim, gradient, z, self.scale),
            _ => accumulate_outer::<T, S, W, 0>(simd, dim, gradient, z, self.scale),
        }
    }
}
