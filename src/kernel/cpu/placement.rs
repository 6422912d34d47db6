//! Standard points carried into a component, x = μ + L z, and gradients carried back to μ and L.

use pulp::{Simd, WithSimd};

use super::block::{group_len, groups, groups_mut, rows_per_group};
use super::components::{accumulate_sums, reduce};
use super::full::accumulate_outer;
use super::inputs::Scale;
use super::real::Real;
use super::retained::Packed;
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

/// Adds Σₙ gₙ to `mean` `[D]` and Σₙ gₙ zₙᵀ to `scale`: its lower triangle `[D, D]`, or its diagonal
/// `[D]`. The gradient of samples that only fill a group must be 0.
pub(crate) fn carry_back<T: Real>(
    width: Width,
    z: &Packed<'_, T>,
    gradient: &Packed<'_, T>,
    mean: &mut [T],
    scale: &mut [T],
) {
    width.dispatch(CarryBack {
        count: z.count,
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
        let len = self.count.next_multiple_of(group) * stride;
        let z = groups::<T, S, W>(&self.z[..len]);
        let x = groups_mut::<T, S, W>(&mut self.x[..len]);
        let zero = T::splat(simd, T::ZERO);
        for (z, x) in z.chunks_exact(stride).zip(x.chunks_exact_mut(stride)) {
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
        let len = self.count.next_multiple_of(group) * stride;
        let gradient = groups::<T, S, W>(&self.gradient[..len]);
        let z = groups::<T, S, W>(&self.z[..len]);
        accumulate_sums(simd, gradient, stride, self.mean);
        match (self.scale.len(), dim) {
            (0, _) => {}
            (len, dim) if len == dim => {
                for (j, sum) in self.scale.iter_mut().enumerate() {
                    let mut partial = [T::splat(simd, T::ZERO); W];
                    let rows = gradient[j..].iter().step_by(stride);
                    for (gradient, z) in rows.zip(z[j..].iter().step_by(stride)) {
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
