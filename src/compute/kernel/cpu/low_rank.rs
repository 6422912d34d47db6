//! Components with Σ = diag(σ²) + U Uᵀ, U of D × r: r multiply-adds for each coordinate, not D.
//!
//! With A = U / σ, the lower Cholesky factor C of I + Aᵀ A and B = A C⁻ᵀ, and z = (x − μ) / σ,
//! Σ⁻¹ (x − μ) = β / σ with β = z − B w, w = Bᵀ z, and the squared length is |z|² − |w|² (Woodbury
//! 1950). The columns of B are shorter than 1, so nothing is lost where σ is small compared with U. What is
//! kept of a sample is β.
//!
//! With S = Σ r β vᵀ, v = Bᵀ β = (Cᵀ C)⁻¹ w, the gradient with respect to U is
//! (S Cᵀ − Σr · B C⁻¹) / σ, and that with respect to σ (Σ r β² − Σr · (1 − |B|²)) / σ, row by row.

#![allow(
    clippy::needless_range_loop,
    reason = "matrices of a few columns are written as the formulas are, with indices"
)]

use pulp::Simd;

use super::block::rows_per_group;
use super::components::{
    Component, ComponentSums, Components, TILE, accumulate_sums, factors_len, padded, reduce,
};
use super::inputs::MOST_FACTORS;
use super::real::Real;

/// One component.
#[derive(Clone, Copy)]
pub(crate) struct LowRank<'a, T> {
    rank: usize,
    /// B, `[D, tiles]`, with zeros beyond the last factor.
    b: &'a [[T; TILE]],
    /// 1 / σ.
    reciprocals: &'a [T],
    mean: &'a [T],
}

/// Adds B, C and C⁻¹ of the rows (σ, U) to `factors`; returns ½ log |I + Aᵀ A|.
pub(crate) fn factorise<T: Real>(rows: &[T], rank: usize, factors: &mut Vec<T>) -> f64 {
    let row = |i: usize| &rows[i * (1 + rank)..][..=rank];
    let dim = rows.len() / (1 + rank);
    let a: Vec<f64> = (0..dim)
        .flat_map(|i| {
            let std = row(i)[0].to_f64();
            row(i)[1..].iter().map(move |u| u.to_f64() / std)
        })
        .collect();
    let mut c = vec![0.0; rank * rank];
    let mut log_det = 0.0;
    for i in 0..rank {
        for j in 0..=i {
            let mut sum = if i == j { 1.0 } else { 0.0 };
            for a in a.chunks_exact(rank) {
                sum += a[i] * a[j];
            }
            for m in 0..j {
                sum -= c[i * rank + m] * c[j * rank + m];
            }
            c[i * rank + j] = if i == j {
                sum.sqrt()
            } else {
                sum / c[j * rank + j]
            };
        }
        log_det += c[i * rank + i].ln();
    }
    let mut inverse = vec![0.0; rank * rank];
    for j in 0..rank {
        for i in j..rank {
            let mut sum = if i == j { 1.0 } else { 0.0 };
            for m in j..i {
                sum -= c[i * rank + m] * inverse[m * rank + j];
            }
            inverse[i * rank + j] = sum / c[i * rank + i];
        }
    }
    for a in a.chunks_exact(rank) {
        for j in 0..rank {
            let sum: f64 = (0..=j).map(|m| a[m] * inverse[j * rank + m]).sum();
            factors.push(T::from_f64(sum));
        }
        factors.extend((rank..padded(rank)).map(|_| T::ZERO));
    }
    factors.extend(c.iter().chain(&inverse).map(|&x| T::from_f64(x)));
    log_det
}

/// Adds the gradient with respect to component `k`'s rows (σ, U), from its sums.
pub(crate) fn add_gradient<T: Real>(
    components: &Components<'_, T>,
    k: usize,
    weight: T,
    sums: &[T],
    gradient: &mut [T],
) {
    let (dim, r) = (components.dim, components.rank);
    let len = factors_len(dim, r);
    let (b, rest) = components.factors[k * len..][..len].split_at(dim * padded(r));
    let (c, inverse) = rest.split_at(r * r);
    let reciprocals = &components.reciprocals[k * dim..][..dim];
    let rows = gradient
        .chunks_exact_mut(1 + r)
        .zip(sums.chunks_exact(1 + r));
    for (((gradient, sums), b), &reciprocal) in rows.zip(b.chunks_exact(padded(r))).zip(reciprocals)
    {
        let mut unexplained = T::ONE;
        for &b in &b[..r] {
            unexplained = unexplained - b * b;
        }
        gradient[0] += reciprocal * (sums[0] - weight * unexplained);
        for j in 0..r {
            let mut sum = T::ZERO;
            for m in 0..r {
                // C and C⁻¹ are lower triangular.
                if m <= j {
                    sum += sums[1 + m] * c[j * r + m];
                }
                if m >= j {
                    sum += -(weight * b[m] * inverse[m * r + j]);
                }
            }
            gradient[1 + j] += reciprocal * sum;
        }
    }
}

/// Groups whose projections are kept at once.
const GROUPS: usize = 8;

/// Bᵀ of a group, the factors in tiles.
type Projection<V, const W: usize> = [[[V; W]; TILE]; MOST_FACTORS / TILE];

impl<'a, T: Real> LowRank<'a, T> {
    /// Bᵀ z of one group, in the first ⌈r / 4⌉ tiles.
    #[inline(always)]
    fn project<S: Simd, const W: usize>(
        self,
        simd: S,
        z: &[[T::Vector<S>; W]],
        tiles: &mut Projection<T::Vector<S>, W>,
    ) {
        let count = padded(self.rank) / TILE;
        for tile in 0..count {
            let mut sums = [[T::splat(simd, T::ZERO); W]; TILE];
            for (z, b) in z.iter().zip(self.b[tile..].iter().step_by(count)) {
                for c in 0..TILE {
                    let b = T::splat(simd, b[c]);
                    for v in 0..W {
                        sums[c][v] = T::v_mul_add(simd, b, z[v], sums[c][v]);
                    }
                }
            }
            tiles[tile] = sums;
        }
    }
}

impl<'a, T: Real> LowRank<'a, T> {
    /// Adds Σ b β and Σ b vᵀ, row by row, over all groups.
    #[inline(always)]
    fn add_squares<S: Simd, const W: usize>(
        self,
        simd: S,
        b: &[[T::Vector<S>; W]],
        z: &[[T::Vector<S>; W]],
        sums: &mut [T],
    ) {
        let (dim, rank) = (self.mean.len(), self.rank);
        let stride = rows_per_group(dim);
        let zero = T::splat(simd, T::ZERO);
        let mut projected = [[[[zero; W]; TILE]; MOST_FACTORS / TILE]; GROUPS];
        let groups = z.chunks(GROUPS * stride).zip(b.chunks(GROUPS * stride));
        for (z, b) in groups {
            for (z, projected) in z.chunks(stride).zip(&mut projected) {
                self.project(simd, &z[..dim], projected);
            }
            for (i, sums) in sums.chunks_exact_mut(1 + rank).enumerate() {
                let (own, factors) = sums.split_at_mut(1);
                let rows = || b[i..].iter().step_by(stride);
                let mut partial = [zero; W];
                for (b, z) in rows().zip(z[i..].iter().step_by(stride)) {
                    for v in 0..W {
                        partial[v] = T::v_mul_add(simd, b[v], z[v], partial[v]);
                    }
                }
                own[0] += reduce(simd, partial);
                for (tile, factors) in factors.chunks_mut(TILE).enumerate() {
                    let mut partial = [zero; TILE];
                    for (b, projected) in rows().zip(&projected) {
                        for c in 0..TILE {
                            for v in 0..W {
                                let projected = projected[tile][c][v];
                                partial[c] = T::v_mul_add(simd, b[v], projected, partial[c]);
                            }
                        }
                    }
                    for (sum, partial) in factors.iter_mut().zip(partial) {
                        *sum += T::reduce_sum(simd, partial);
                    }
                }
            }
        }
    }
}

impl<'a, T: Real> Component<'a, T> for LowRank<'a, T> {
    #[inline(always)]
    fn new(components: &Components<'a, T>, k: usize) -> Self {
        let (dim, rank) = (components.dim, components.rank);
        Self {
            rank,
            b: components.factors[k * factors_len(dim, rank)..][..dim * padded(rank)]
                .as_chunks()
                .0,
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
        let z = &mut z[..self.mean.len()];
        for (((x, z), &mean), &reciprocal) in
            (x.iter().zip(z.iter_mut()).zip(self.mean)).zip(self.reciprocals)
        {
            let (mean, reciprocal) = (T::splat(simd, mean), T::splat(simd, reciprocal));
            for v in 0..W {
                z[v] = T::v_mul(simd, T::v_sub(simd, x[v], mean), reciprocal);
            }
        }
        let mut w = [[[T::splat(simd, T::ZERO); W]; TILE]; MOST_FACTORS / TILE];
        self.project(simd, z, &mut w);
        let count = padded(self.rank) / TILE;
        let mut squared = [T::splat(simd, T::ZERO); W];
        for (z, b) in z.iter_mut().zip(self.b.chunks_exact(count)) {
            let mut rest = *z;
            for (w, b) in w.iter().zip(b) {
                for c in 0..TILE {
                    let b = T::splat(simd, -b[c]);
                    for v in 0..W {
                        rest[v] = T::v_mul_add(simd, b, w[c][v], rest[v]);
                    }
                }
            }
            // zᵀ β is |z|² − |w|², without the difference of two large numbers.
            for v in 0..W {
                squared[v] = T::v_mul_add(simd, z[v], rest[v], squared[v]);
            }
            *z = rest;
        }
        squared
    }

    #[inline(always)]
    fn pull_back<S: Simd, const W: usize>(
        self,
        simd: S,
        weights: &[[T::Vector<S>; W]],
        z: &[[T::Vector<S>; W]],
        b: &mut [[T::Vector<S>; W]],
        gradient: Option<&mut [[T::Vector<S>; W]]>,
        sums: ComponentSums<'_, T>,
    ) {
        let dim = self.mean.len();
        let stride = rows_per_group(dim);
        let gradient = gradient.unwrap_or_default();
        for (g, weights) in weights.iter().enumerate() {
            let here = g * stride..g * stride + dim;
            let (z, b) = (&z[here.clone()], &mut b[here.clone()]);
            for (b, z) in b.iter_mut().zip(z) {
                for v in 0..W {
                    b[v] = T::v_mul(simd, weights[v], z[v]);
                }
            }
            if !gradient.is_empty() {
                let gradient = &mut gradient[here];
                for ((gradient, b), &reciprocal) in
                    gradient.iter_mut().zip(&*b).zip(self.reciprocals)
                {
                    let minus = T::splat(simd, -reciprocal);
                    for v in 0..W {
                        gradient[v] = T::v_mul_add(simd, minus, b[v], gradient[v]);
                    }
                }
            }
        }
        if !sums.squares.is_empty() {
            self.add_squares(simd, b, z, sums.squares);
        }
        if !sums.means.is_empty() {
            accumulate_sums(simd, b, stride, sums.means);
        }
    }
}
