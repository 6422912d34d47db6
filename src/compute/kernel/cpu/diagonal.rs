//! Components with a diagonal scale: every coordinate on its own.

use pulp::Simd;

use super::block::rows_per_group;
use super::components::{Component, ComponentSums, Components, reduce};
use super::real::Real;

/// One component. `D` is the dimension where it is known when compiled, else 0.
#[derive(Clone, Copy)]
pub(crate) struct Diagonal<'a, T, const D: usize> {
    /// 1 / the standard deviations.
    reciprocals: &'a [T],
    mean: &'a [T],
}

impl<'a, T: Real, const D: usize> Component<'a, T> for Diagonal<'a, T, D> {
    #[inline(always)]
    fn new(components: &Components<'a, T>, k: usize) -> Self {
        let dim = if D > 0 { D } else { components.dim };
        Self {
            reciprocals: &components.reciprocals[k * dim..][..dim],
            mean: &components.means[k * dim..][..dim],
        }
    }

    #[inline(always)]
    fn whiten<S: Simd, const W: usize>(
        self,
        simd: S,
        x: &[[T::Vector<S>; W]],
        z: &mut [[T::Vector<S>; W]],
    ) -> [T::Vector<S>; W] {
        let mut squared = [T::splat(simd, T::ZERO); W];
        for (((x, z), &mean), &reciprocal) in (x.iter().zip(z).zip(self.mean)).zip(self.reciprocals)
        {
            let (mean, reciprocal) = (T::splat(simd, mean), T::splat(simd, reciprocal));
            for v in 0..W {
                z[v] = T::v_mul(simd, T::v_sub(simd, x[v], mean), reciprocal);
                squared[v] = T::v_mul_add(simd, z[v], z[v], squared[v]);
            }
        }
        squared
    }

    #[inline(always)]
    fn pull_back<S: Simd, const W: usize>(
        self,
        simd: S,
        weights: &[[T::Vector<S>; W]],
        z: &[[T::Vector<S>; W]],
        _: &mut [[T::Vector<S>; W]],
        gradient: Option<&mut [[T::Vector<S>; W]]>,
        sums: ComponentSums<'_, T>,
    ) {
        let dim = if D > 0 { D } else { self.mean.len() };
        let stride = rows_per_group(dim);
        let gradient = gradient.unwrap_or_default();
        let zero = T::splat(simd, T::ZERO);
        for j in 0..dim {
            let minus = T::splat(simd, -self.reciprocals[j]);
            let (mut sum, mut square) = ([zero; W], [zero; W]);
            for (g, weights) in weights.iter().enumerate() {
                let z = &z[g * stride + j];
                let mut b = [zero; W];
                for v in 0..W {
                    b[v] = T::v_mul(simd, weights[v], z[v]);
                    sum[v] = T::v_add(simd, sum[v], b[v]);
                    square[v] = T::v_mul_add(simd, b[v], z[v], square[v]);
                }
                if let Some(gradient) = gradient.get_mut(g * stride + j) {
                    for v in 0..W {
                        gradient[v] = T::v_mul_add(simd, minus, b[v], gradient[v]);
                    }
                }
            }
            if let Some(means) = sums.means.get_mut(j) {
                *means += reduce(simd, sum);
            }
            if let Some(squares) = sums.squares.get_mut(j) {
                *squares += reduce(simd, square);
            }
        }
    }
}
