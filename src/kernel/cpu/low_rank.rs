//! Components with Σ = diag(σ²) + U Uᵀ, U of D × r: r multiply-adds for each coordinate, not D.
//!
//! With A = U / σ, the lower Cholesky factor C of I + Aᵀ A and B = A C⁻ᵀ, and z = (x − μ) / σ,
//! Σ⁻¹ (x − μ) = β / σ with β = z − B w, w = Bᵀ z, and the squared length is |z|² − |w|² (Woodbury
//! 1950). The columns of B are shorter than 1, so nothing is lost where σ is small beside U. What is
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
use super::components::{Component, ComponentSums, Components, accumulate_sums, reduce};
use super::factors::factors_len;
use super::inputs::MOST_FACTORS;
use super::real::Real;

/// One component.
#[derive(Clone, Copy)]
pub(crate) struct LowRank<'a, T> {
    rank: usize,
    /// B, `[D, r]`.
    b: &'a [T],
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
    let (b, rest) = components.factors[k * len..][..len].split_at(dim * r);
    let (c, inverse) = rest.split_at(r * r);
    let reciprocals = &components.reciprocals[k * dim..][..dim];
    let rows = gradient
        .chunks_exact_mut(1 + r)
        .zip(sums.chunks_exact(1 + r));
    for (((gradient, sums), b), &reciprocal) in rows.zip(b.chunks_exact(r)).zip(reciprocals) {
        let mut unexplained = T::ONE;
        for &b in b {
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

impl<'a, T: Real> LowRank<'a, T> {
    /// Bᵀ of one group.
    #[inline(always)]
    fn project<S: Simd, const W: usize>(
        self,
        simd: S,
        z: &[[T::Vector<S>; W]],
    ) -> [[T::Vector<S>; W]; MOST_FACTORS] {
        let mut w = [[T::splat(simd, T::ZERO); W]; MOST_FACTORS];
        for (z, b) in z.iter().zip(self.b.chunks_exact(self.rank)) {
            for (w, &b) in w.iter_mut().zip(b) {
                let b = T::splat(simd, b);
                for v in 0..W {
                    w[v] = T::v_mul_add(simd, b, z[v], w[v]);
                }
            }
        }
        w
    }
}

impl<'a, T: Real> Component<'a, T> for LowRank<'a, T> {
    #[inline(always)]
    fn of(components: &Components<'a, T>, k: usize) -> Self {
        let (dim, rank) = (components.dim, components.rank);
        Self {
            rank,
            b: &components.factors[k * factors_len(dim, rank)..][..dim * rank],
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
        let w = self.project(simd, z);
        let mut squared = [T::splat(simd, T::ZERO); W];
        for (z, b) in z.iter_mut().zip(self.b.chunks_exact(self.rank)) {
            let whole = *z;
            for (w, &b) in w.iter().zip(b) {
                let b = T::splat(simd, -b);
                for v in 0..W {
                    z[v] = T::v_mul_add(simd, b, w[v], z[v]);
                }
            }
            // zᵀ β is |z|² − |w|², without the difference of two large numbers.
            for v in 0..W {
                squared[v] = T::v_mul_add(simd, whole[v], z[v], squared[v]);
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
        b: &mut [[T::Vector<S>; W]],
        gradient: Option<&mut [[T::Vector<S>; W]]>,
        sums: ComponentSums<'_, T>,
    ) {
        let (dim, rank) = (self.mean.len(), self.rank);
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
            if sums.squares.is_empty() {
                continue;
            }
            let projected = self.project(simd, z);
            let rows = sums.squares.chunks_exact_mut(1 + rank).zip(&*b).zip(z);
            for ((sums, b), z) in rows {
                let (own, factors) = sums.split_at_mut(1);
                let mut partial = [T::splat(simd, T::ZERO); W];
                for v in 0..W {
                    partial[v] = T::v_mul(simd, b[v], z[v]);
                }
                own[0] += reduce(simd, partial);
                for (sum, projected) in factors.iter_mut().zip(&projected) {
                    for v in 0..W {
                        partial[v] = T::v_mul(simd, b[v], projected[v]);
                    }
                    *sum += reduce(simd, partial);
                }
            }
        }
        if !sums.means.is_empty() {
            accumulate_sums(simd, b, stride, sums.means);
        }
    }
}
