//! The components of one mixture as the kernels read them.

use pulp::Simd;

use super::real::Real;

/// Columns of a scale of low rank that are worked on together.
pub(crate) const TILE: usize = 4;

/// The components of one run's mixture.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Components<'a, T> {
    pub dim: usize,
    /// log wₖ − log |Lₖ| − D/2 log 2π, `[K]`.
    pub constants: &'a [T],
    /// `[K, D]`.
    pub means: &'a [T],
    /// 1 / diag(Lₖ), `[K, D]`.
    pub reciprocals: &'a [T],
    /// −diag(Lₖ)⁻¹ Lₖ, `[K, D, D]`; empty for a diagonal scale; B, C and C⁻¹ of
    /// [`low_rank`](super::low_rank) for one of low rank.
    pub factors: &'a [T],
    /// r, of a scale of low rank; else 0.
    pub rank: usize,
}

impl<T: Real> Components<'_, T> {
    /// Turns component `k`'s sums of r z into those of b = U⁻ᵀ r z, for a full scale.
    pub fn unwhiten(&self, k: usize, means: &mut [T], squares: &mut [T]) {
        let dim = self.dim;
        let factors = &self.factors[k * dim * dim..][..dim * dim];
        for i in (1..dim).rev() {
            let factors = &factors[i * dim..][..i];
            if !means.is_empty() {
                let (above, here) = means.split_at_mut(i);
                for (sum, &factor) in above.iter_mut().zip(factors) {
                    *sum += factor * here[0];
                }
            }
            if !squares.is_empty() {
                // Row r of the lower triangle takes from row i what lies left of column r.
                let (above, here) = squares.split_at_mut(i * dim);
                for (r, (row, &factor)) in above.chunks_exact_mut(dim).zip(factors).enumerate() {
                    for (sum, &below) in row[..=r].iter_mut().zip(&*here) {
                        *sum += factor * below;
                    }
                }
            }
        }
    }

    /// Whether every parameter of component `k` is finite.
    pub fn is_finite(&self, k: usize) -> bool {
        let rows = k * self.dim..(k + 1) * self.dim;
        let factors = self.factors.chunks_exact(factors_len(self.dim, self.rank));
        self.constants[k].is_finite()
            && (self.means[rows.clone()].iter())
                .chain(&self.reciprocals[rows])
                .chain(factors.skip(k).take(1).flatten())
                .all(|x| x.is_finite())
    }
}

/// One component's share of the work, on groups of `W` vectors of samples.
///
/// Rows of samples are `[group][rows_per_group][W]`: coordinate after coordinate, samples along the
/// lanes.
pub(crate) trait Component<'a, T: Real>: Copy {
    /// Component `k`.
    fn new(components: &Components<'a, T>, k: usize) -> Self;

    /// z = L⁻¹ (x − μ) for one group; returns |z|².
    fn whiten<S: Simd, const W: usize>(
        self,
        simd: S,
        x: &[[T::Vector<S>; W]],
        z: &mut [[T::Vector<S>; W]],
    ) -> [T::Vector<S>; W];

    /// Takes a = L⁻ᵀ r z from `gradient` and adds to the sums over the samples, for all groups.
    /// `b` is working memory as long as `z`.
    fn pull_back<S: Simd, const W: usize>(
        self,
        simd: S,
        weights: &[[T::Vector<S>; W]],
        z: &[[T::Vector<S>; W]],
        b: &mut [[T::Vector<S>; W]],
        gradient: Option<&mut [[T::Vector<S>; W]]>,
        sums: ComponentSums<'_, T>,
    );
}

/// One component's sums over samples; those not wanted are empty.
pub(crate) struct ComponentSums<'a, T> {
    /// Σ b with b = diag(L) a, `[D]`.
    pub means: &'a mut [T],
    /// Σ b zᵀ, lower triangle, `[D, D]`; or its diagonal, `[D]`; or for a scale of low rank Σ b z
    /// and Σ b vᵀ in each row, `[D, 1 + r]`.
    pub squares: &'a mut [T],
    /// For a full scale: sum r z in place of b, for `Components::unwhiten` to come after.
    pub whitened: bool,
}

/// Adds Σₙ b over all groups.
#[inline(always)]
pub(crate) fn accumulate_sums<T: Real, S: Simd, const W: usize>(
    simd: S,
    b: &[[T::Vector<S>; W]],
    rows_per_group: usize,
    sums: &mut [T],
) {
    for (j, sum) in sums.iter_mut().enumerate() {
        let mut partial = [T::splat(simd, T::ZERO); W];
        for b in b[j..].iter().step_by(rows_per_group) {
            for v in 0..W {
                partial[v] = T::v_add(simd, partial[v], b[v]);
            }
        }
        *sum += reduce(simd, partial);
    }
}

/// The sum over `W` vectors and their lanes.
#[inline(always)]
pub(crate) fn reduce<T: Real, S: Simd, const W: usize>(simd: S, partial: [T::Vector<S>; W]) -> T {
    let mut sum = partial[0];
    for &vector in &partial[1..] {
        sum = T::v_add(simd, sum, vector);
    }
    T::reduce_sum(simd, sum)
}

/// How many numbers of `factors` a component has, if it has any.
pub(crate) fn factors_len(dim: usize, rank: usize) -> usize {
    match rank {
        0 => dim * dim,
        rank => dim * padded(rank) + 2 * rank * rank,
    }
}

/// The columns of B with those that fill the last tile.
pub(crate) fn padded(rank: usize) -> usize {
    rank.next_multiple_of(TILE)
}
