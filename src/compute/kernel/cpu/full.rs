//! Components with a full lower-triangular scale: substitution in tiles that stay in registers.
//!
//! With L = diag(L) U, U unit lower triangular, z = L⁻¹ (x − μ) solves U z = (x − μ) / diag(L) by
//! forward substitution, four rows at a time and `W` vectors of samples wide. That costs as many
//! operations as a product with L⁻¹ and spares making the inverse. The factors hold −U, so that
//! all that is left is multiply-adds.

#![allow(
    clippy::needless_range_loop,
    reason = "tiles are arrays, and their loops are to be unrolled by their indices"
)]

use pulp::Simd;

use super::block::rows_per_group;
use super::components::{Component, ComponentSums, Components, accumulate_sums};
use super::real::Real;

/// One component. `D` is the dimension where it is known when compiled, else 0.
#[derive(Clone, Copy)]
pub(crate) struct Full<'a, T, const D: usize> {
    dim: usize,
    /// −U, row-major; the diagonal and what is above it are not read.
    factor: &'a [T],
    /// 1 / diag(L).
    reciprocals: &'a [T],
    mean: &'a [T],
}

/// Calls `$function::<.., R, ..>` for the rows `R` < 4 that are left over, if any.
macro_rules! remainder {
    ($rows:expr, $r:ident => $call:expr) => {
        match $rows {
            1 => {
                const $r: usize = 1;
                $call
            }
            2 => {
                const $r: usize = 2;
                $call
            }
            3 => {
                const $r: usize = 3;
                $call
            }
            _ => {}
        }
    };
}

impl<'a, T: Real, const D: usize> Component<'a, T> for Full<'a, T, D> {
    #[inline(always)]
    fn new(components: &Components<'a, T>, k: usize) -> Self {
        let dim = if D > 0 { D } else { components.dim };
        Self {
            dim,
            factor: &components.factors[k * dim * dim..][..dim * dim],
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
        let dim = if D > 0 { D } else { self.dim };
        let mut squared = [T::splat(simd, T::ZERO); W];
        let mut row = 0;
        while row + 4 <= dim {
            self.whiten_rows::<S, W, 4>(simd, row, x, z, &mut squared);
            row += 4;
        }
        remainder!(dim - row, R => self.whiten_rows::<S, W, R>(simd, row, x, z, &mut squared));
        squared
    }

    #[inline(always)]
    fn pull_back<S: Simd, const W: usize>(
        self,
        simd: S,
        weights: &[[T::Vector<S>; W]],
        z: &[[T::Vector<S>; W]],
        b: &mut [[T::Vector<S>; W]],
        mut gradient: Option<&mut [[T::Vector<S>; W]]>,
        sums: ComponentSums<'_, T>,
    ) {
        let dim = if D > 0 { D } else { self.dim };
        let stride = rows_per_group(dim);
        for (g, weights) in weights.iter().enumerate() {
            let here = g * stride..g * stride + dim;
            let gradient = gradient
                .as_deref_mut()
                .map(|gradient| &mut gradient[here.clone()]);
            if sums.whitened {
                for (b, z) in b[here.clone()].iter_mut().zip(&z[here]) {
                    for v in 0..W {
                        b[v] = T::v_mul(simd, weights[v], z[v]);
                    }
                }
                continue;
            }
            self.unwhiten(simd, weights, &z[here.clone()], &mut b[here], gradient);
        }
        if !sums.means.is_empty() {
            accumulate_sums(simd, b, stride, sums.means);
        }
        if !sums.squares.is_empty() {
            accumulate_outer::<T, S, W, D>(simd, dim, b, z, sums.squares);
        }
    }
}

impl<T: Real, const D: usize> Full<'_, T, D> {
    /// b = U⁻ᵀ r z for one group, and a = b / diag(L) taken from `gradient`.
    #[inline(always)]
    fn unwhiten<S: Simd, const W: usize>(
        self,
        simd: S,
        weights: &[T::Vector<S>; W],
        z: &[[T::Vector<S>; W]],
        b: &mut [[T::Vector<S>; W]],
        gradient: Option<&mut [[T::Vector<S>; W]]>,
    ) {
        let dim = if D > 0 { D } else { self.dim };
        // Where it is not wanted the rows have nothing to take from.
        let gradient = gradient.unwrap_or_default();
        let mut row = dim - dim % 4;
        remainder!(dim - row, R => self.unwhiten_rows::<S, W, R>(simd, row, weights, z, b, gradient));
        while row >= 4 {
            row -= 4;
            self.unwhiten_rows::<S, W, 4>(simd, row, weights, z, b, gradient);
        }
    }

    /// Rows `row..row + R` of z, and their squares added to `squared`.
    #[inline(always)]
    fn whiten_rows<S: Simd, const W: usize, const R: usize>(
        self,
        simd: S,
        row: usize,
        x: &[[T::Vector<S>; W]],
        z: &mut [[T::Vector<S>; W]],
        squared: &mut [T::Vector<S>; W],
    ) {
        let dim = if D > 0 { D } else { self.dim };
        let (done, here) = z.split_at_mut(row);
        let here = &mut here[..R];
        let x = &x[row..][..R];
        let mean = &self.mean[row..][..R];
        let reciprocals = &self.reciprocals[row..][..R];
        let zero = T::splat(simd, T::ZERO);
        let mut sums = [[zero; W]; R];
        for r in 0..R {
            let (mean, reciprocal) = (T::splat(simd, mean[r]), T::splat(simd, reciprocals[r]));
            for v in 0..W {
                sums[r][v] = T::v_mul(simd, T::v_sub(simd, x[r][v], mean), reciprocal);
            }
        }
        // Left of the diagonal block.
        let mut left = [&self.factor[..0]; R];
        for r in 0..R {
            left[r] = &self.factor[(row + r) * dim..][..row];
        }
        for (j, z) in done.iter().enumerate() {
            for r in 0..R {
                let factor = T::splat(simd, left[r][j]);
                for v in 0..W {
                    sums[r][v] = T::v_mul_add(simd, factor, z[v], sums[r][v]);
                }
            }
        }
        for c in 0..R {
            for r in c + 1..R {
                let factor = T::splat(simd, self.factor[(row + r) * dim + row + c]);
                for v in 0..W {
                    sums[r][v] = T::v_mul_add(simd, factor, sums[c][v], sums[r][v]);
                }
            }
        }
        for r in 0..R {
            here[r] = sums[r];
            for v in 0..W {
                squared[v] = T::v_mul_add(simd, sums[r][v], sums[r][v], squared[v]);
            }
        }
    }

    /// Rows `row..row + R` of `unwhiten`, where the rows below them are done.
    #[inline(always)]
    fn unwhiten_rows<S: Simd, const W: usize, const R: usize>(
        self,
        simd: S,
        row: usize,
        weights: &[T::Vector<S>; W],
        z: &[[T::Vector<S>; W]],
        b: &mut [[T::Vector<S>; W]],
        gradient: &mut [[T::Vector<S>; W]],
    ) {
        let dim = if D > 0 { D } else { self.dim };
        let (here, done) = b.split_at_mut(row + R);
        let here = &mut here[row..][..R];
        let z = &z[row..][..R];
        let zero = T::splat(simd, T::ZERO);
        let mut sums = [[zero; W]; R];
        for r in 0..R {
            for v in 0..W {
                sums[r][v] = T::v_mul(simd, weights[v], z[r][v]);
            }
        }
        let below = self.factor[(row + R) * dim..].chunks_exact(dim);
        for (factors, b) in below.zip(&*done) {
            let factors = &factors[row..][..R];
            for r in 0..R {
                let factor = T::splat(simd, factors[r]);
                for v in 0..W {
                    sums[r][v] = T::v_mul_add(simd, factor, b[v], sums[r][v]);
                }
            }
        }
        for c in (1..R).rev() {
            for r in 0..c {
                let factor = T::splat(simd, self.factor[(row + c) * dim + row + r]);
                for v in 0..W {
                    sums[r][v] = T::v_mul_add(simd, factor, sums[c][v], sums[r][v]);
                }
            }
        }
        here.copy_from_slice(&sums);
        if !gradient.is_empty() {
            let gradient = &mut gradient[row..][..R];
            let reciprocals = &self.reciprocals[row..][..R];
            for r in 0..R {
                let minus = T::splat(simd, -reciprocals[r]);
                for v in 0..W {
                    gradient[r][v] = T::v_mul_add(simd, minus, sums[r][v], gradient[r][v]);
                }
            }
        }
    }
}

/// Adds Σₙ b zᵀ over all groups: the lower triangle of the row-major `sums` and, beside its
/// diagonal, a little above it. `D` is the dimension where it is known when compiled, else 0.
#[inline(always)]
pub(crate) fn accumulate_outer<T: Real, S: Simd, const W: usize, const D: usize>(
    simd: S,
    dim: usize,
    b: &[[T::Vector<S>; W]],
    z: &[[T::Vector<S>; W]],
    sums: &mut [T],
) {
    let dim = if D > 0 { D } else { dim };
    if D == 2 {
        return outer_product::<T, S, W, 2, 2>(simd, (0, 0), dim, b, z, sums);
    }
    if D == 3 {
        return outer_product::<T, S, W, 3, 3>(simd, (0, 0), dim, b, z, sums);
    }
    let mut row = 0;
    while row < dim {
        let rows = (dim - row).min(4);
        let mut column = 0;
        while column < row + rows {
            let at = (row, column);
            match (rows, (dim - column).min(W)) {
                (4, 4) => outer_product::<T, S, W, 4, 4>(simd, at, dim, b, z, sums),
                (3, 4) => outer_product::<T, S, W, 3, 4>(simd, at, dim, b, z, sums),
                (2, 4) => outer_product::<T, S, W, 2, 4>(simd, at, dim, b, z, sums),
                (1, 4) => outer_product::<T, S, W, 1, 4>(simd, at, dim, b, z, sums),
                (3, 3) => outer_product::<T, S, W, 3, 3>(simd, at, dim, b, z, sums),
                (4, 2) => outer_product::<T, S, W, 4, 2>(simd, at, dim, b, z, sums),
                (3, 2) => outer_product::<T, S, W, 3, 2>(simd, at, dim, b, z, sums),
                (2, 2) => outer_product::<T, S, W, 2, 2>(simd, at, dim, b, z, sums),
                (1, 2) => outer_product::<T, S, W, 1, 2>(simd, at, dim, b, z, sums),
                (3, 1) => outer_product::<T, S, W, 3, 1>(simd, at, dim, b, z, sums),
                _ => outer_product::<T, S, W, 1, 1>(simd, at, dim, b, z, sums),
            }
            column += W;
        }
        row += rows;
    }
}

/// Adds Σₙ b zᵀ over the samples to an `RI` × `RJ` tile of the row-major `sums`.
#[inline(always)]
fn outer_product<T: Real, S: Simd, const W: usize, const RI: usize, const RJ: usize>(
    simd: S,
    (row, column): (usize, usize),
    dim: usize,
    b: &[[T::Vector<S>; W]],
    z: &[[T::Vector<S>; W]],
    sums: &mut [T],
) {
    let mut tile = [[T::splat(simd, T::ZERO); RJ]; RI];
    let stride = rows_per_group(dim);
    for group in (0..b.len()).step_by(stride) {
        let (b, z) = (&b[group + row..][..RI], &z[group + column..][..RJ]);
        for v in 0..W {
            for i in 0..RI {
                for j in 0..RJ {
                    tile[i][j] = T::v_mul_add(simd, b[i][v], z[j][v], tile[i][j]);
                }
            }
        }
    }
    for i in 0..RI {
        let sums = &mut sums[(row + i) * dim + column..][..RJ];
        for j in 0..RJ {
            sums[j] += T::reduce_sum(simd, tile[i][j]);
        }
    }
}
