//! The log-density of a mixture at one point, and what its gradient is made of.

use cubecl::prelude::*;

/// The most dimensions in which loops over coordinates are written out, so that they stay in registers.
pub const MOST_UNROLLED: usize = 32;

/// What is less than any log-density that counts: devices need not know infinities.
pub const NOTHING: f32 = -1e30;

/// How the components of a mixture lie in memory: log wₖ − log |Lₖ| − D/2 log 2π, wₖ, μₖ, 1 / diag Lₖ, and of a full
/// scale −diag(Lₖ)⁻¹ Lₖ below the diagonal, row by row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Layout {
    /// K.
    pub components: usize,
    /// D.
    pub dim: usize,
    /// Whether L has more than a diagonal.
    pub is_full: bool,
}

impl Layout {
    /// The numbers of one component.
    pub const fn stride(self) -> usize {
        2 + 2 * self.dim + self.below()
    }

    /// The entries of L below the diagonal.
    pub const fn below(self) -> usize {
        match self.is_full {
            true => self.dim * (self.dim - 1) / 2,
            false => 0,
        }
    }

    /// Whether loops over coordinates are written out.
    pub const fn is_unrolled(self) -> bool {
        self.dim <= MOST_UNROLLED
    }
}

/// z = L⁻¹ (x − μ) of the component at a place; returns log wₖ + log N(x; μ, L Lᵀ).
#[cube]
pub fn whiten<F: Float>(
    numbers: &[F],
    at: usize,
    x: &Array<F>,
    z: &mut Array<F>,
    #[comptime] layout: Layout,
) -> F {
    let dim = comptime!(layout.dim);
    let mut squared = F::new(0.0);
    #[unroll(layout.is_unrolled())]
    for i in 0..dim {
        let mut one = (x[i] - numbers[at + 2 + i]) * numbers[at + 2 + dim + i];
        if comptime!(layout.is_full) {
            let row = at + 2 + 2 * dim + i * (i + 1) / 2 - i;
            #[unroll(layout.is_unrolled())]
            for j in 0..i {
                one += numbers[row + j] * z[j];
            }
        }
        z[i] = one;
        squared += one * one;
    }
    numbers[at] - F::new(0.5) * squared
}

/// x = μ + L z for the component at a place.
#[cube]
pub fn carry<F: Float>(
    numbers: &[F],
    at: usize,
    z: &Array<F>,
    x: &mut Array<F>,
    #[comptime] layout: Layout,
) {
    let dim = comptime!(layout.dim);
    #[unroll(layout.is_unrolled())]
    for i in 0..dim {
        let mut along = z[i];
        if comptime!(layout.is_full) {
            let row = at + 2 + 2 * dim + i * (i + 1) / 2 - i;
            #[unroll(layout.is_unrolled())]
            for j in 0..i {
                along -= numbers[row + j] * z[j];
            }
        }
        x[i] = numbers[at + 2 + i] + along / numbers[at + 2 + dim + i];
    }
}

/// Subtracts r L⁻ᵀ z, the gradient of −r log N(x) with respect to x, and leaves something else in z.
#[cube]
pub fn pull_back<F: Float>(
    numbers: &[F],
    at: usize,
    weight: F,
    z: &mut Array<F>,
    gradient: &mut Array<F>,
    #[comptime] layout: Layout,
) {
    let dim = comptime!(layout.dim);
    // Only a loop that goes up can be written out.
    if comptime!(layout.is_unrolled()) {
        #[unroll]
        for step in 0..dim {
            let i = comptime!(layout.dim - 1 - step);
            pull_back_row::<F>(numbers, at, weight, i, z, gradient, layout);
        }
    } else {
        for step in 0..dim {
            pull_back_row::<F>(numbers, at, weight, dim - 1 - step, z, gradient, layout);
        }
    }
}

/// The step of [`pull_back`] for a row of L, after those below it.
#[cube]
fn pull_back_row<F: Float>(
    numbers: &[F],
    at: usize,
    weight: F,
    i: usize,
    z: &mut Array<F>,
    gradient: &mut Array<F>,
    #[comptime] layout: Layout,
) {
    let dim = comptime!(layout.dim);
    let one = z[i];
    gradient[i] -= weight * one * numbers[at + 2 + dim + i];
    if comptime!(layout.is_full) {
        let row = at + 2 + 2 * dim + i * (i + 1) / 2 - i;
        #[unroll(layout.is_unrolled())]
        for j in 0..i {
            z[j] += numbers[row + j] * one;
        }
    }
}

/// log Σ wₖ N(x; μₖ, Lₖ Lₖᵀ) of the mixture at a place, where `lanes` units share a point and each sees to every so
/// many-th component from that of its lane on. `z` is working memory, and so is `shared` for two numbers of each unit.
#[cube]
pub fn log_density<F: Float>(
    numbers: &[F],
    at: usize,
    x: &Array<F>,
    z: &mut Array<F>,
    shared: &mut [F],
    lane: usize,
    #[comptime] layout: Layout,
    #[comptime] lanes: usize,
) -> F {
    let mut most = F::new(comptime!(NOTHING));
    let mut sum = F::new(0.0);
    if comptime!(layout.components == 1 && lanes == 1) {
        most = whiten::<F>(numbers, at, x, z, layout);
    } else {
        let turns = comptime!(layout.components.div_ceil(lanes));
        for turn in 0..turns {
            let k = turn * lanes + lane;
            let is_there = k < layout.components;
            let here = at + select(is_there, k, 0) * layout.stride();
            let whitened = whiten::<F>(numbers, here, x, z, layout);
            let term = select(is_there, whitened, F::new(comptime!(NOTHING)));
            // The larger of the two stands alone, the other by its share.
            let apart = term - most;
            let share = (-apart.abs()).exp();
            let grows = apart > F::new(0.0);
            sum = select(grows, sum * share + F::new(1.0), sum + share);
            most = select(grows, term, most);
        }
        if comptime!(lanes > 1) {
            let unit = UNIT_POS as usize;
            let first = unit - lane;
            shared[2 * unit] = most;
            shared[2 * unit + 1] = sum;
            sync_cube();
            for other in 0..lanes {
                most = most.max(shared[2 * (first + other)]);
            }
            sum = F::new(0.0);
            for other in 0..lanes {
                let at = 2 * (first + other);
                sum += shared[at + 1] * (shared[at] - most).exp();
            }
            sync_cube();
        }
        most += sum.ln();
    }
    most
}

/// Adds `weight` times the gradient of the log-density of the mixture at a place, as far as the components of a unit make
/// it up, `z` being working memory.
#[cube]
pub fn add_gradient<F: Float>(
    numbers: &[F],
    at: usize,
    x: &Array<F>,
    log_density: F,
    weight: F,
    z: &mut Array<F>,
    gradient: &mut Array<F>,
    lane: usize,
    #[comptime] layout: Layout,
    #[comptime] lanes: usize,
) {
    let turns = comptime!(layout.components.div_ceil(lanes));
    for turn in 0..turns {
        let k = turn * lanes + lane;
        let is_there = k < layout.components;
        let here = at + select(is_there, k, 0) * layout.stride();
        let term = whiten::<F>(numbers, here, x, z, layout);
        let share = select(is_there, weight * (term - log_density).exp(), F::new(0.0));
        pull_back::<F>(numbers, here, share, z, gradient, layout);
    }
}
