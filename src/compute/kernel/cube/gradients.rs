//! The log-density at points that are given, its gradients, and what leads from the parts of a mixture to the numbers that
//! both are worked out of.

use cubecl::prelude::*;

use super::accumulate::{accumulate, write_kept};
use super::mixture::{Layout, NOTHING, log_density, pull_back};
use super::spec::Spec;

/// From run to run in each part of a mixture, 0 where one serves all.
#[derive(CubeType, CubeLaunch)]
pub struct PartStrides {
    pub log_weights: usize,
    pub means: usize,
    pub scale: usize,
}

/// The numbers of R mixtures, [as they are laid out](Layout), from their parts: log w `[R, K]`, μ `[R, K, D]`, and L
/// `[R, K, D, D]` or its diagonal `[R, K, D]`.
#[cube(launch)]
pub fn prepare<F: Float>(
    log_weights: &[F],
    means: &[F],
    scale: &[F],
    out: &mut [F],
    runs: usize,
    strides: PartStrides,
    #[comptime] layout: Layout,
) {
    let (k, dim) = (comptime!(layout.components), comptime!(layout.dim));
    let index = ABSOLUTE_POS;
    if index < runs * k {
        let (run, component) = (index / k, index % k);
        let at = index * comptime!(layout.stride());
        let log_weight = log_weights[run * strides.log_weights + component];
        // An absent component may have any scale.
        let is_there = log_weight > F::new(comptime!(NOTHING));
        let mean = run * strides.means + component * dim;
        let per_component = comptime!(if layout.is_full {
            layout.dim * layout.dim
        } else {
            layout.dim
        });
        let factor = run * strides.scale + component * per_component;
        let mut constant = log_weight
            - F::cast_from(comptime!(
                0.5 * layout.dim as f64 * std::f64::consts::TAU.ln()
            ));
        for i in 0..dim {
            let row = factor + comptime!(if layout.is_full { layout.dim } else { 1 }) * i;
            let mut on_diagonal = row;
            if comptime!(layout.is_full) {
                on_diagonal += i;
            }
            let std = select(is_there, scale[on_diagonal], F::new(1.0));
            constant -= std.ln();
            out[at + 2 + i] = select(is_there, means[mean + i], F::new(0.0));
            out[at + 2 + dim + i] = F::new(1.0) / std;
            if comptime!(layout.is_full) {
                let below = at + 2 + 2 * dim + i * (i + 1) / 2 - i;
                for j in 0..i {
                    let entry = select(is_there, scale[row + j], F::new(0.0));
                    out[below + j] = -entry / std;
                }
            }
        }
        out[at] = select(is_there, constant, F::new(comptime!(NOTHING)));
        out[at + 1] = log_weight.exp();
    }
}

/// How many points there are, and how far apart the runs lie.
#[derive(CubeType, CubeLaunch)]
pub struct PointSizes {
    pub points: usize,
    /// Points that a unit takes one after the other.
    pub turns: usize,
    pub q_run: usize,
    pub x_run: usize,
}

/// The log-density `[R, S]` at points `[R or 1, S, D]`.
#[cube(launch)]
pub fn log_densities<F: Float>(
    q: &[F],
    points: &[F],
    out: &mut [F],
    sizes: PointSizes,
    #[comptime] layout: Layout,
    #[comptime] units: usize,
    #[comptime] lanes: usize,
) {
    let dim = comptime!(layout.dim);
    let (piece, run) = (CUBE_POS_X as usize, CUBE_POS_Y as usize);
    let unit = UNIT_POS as usize;
    let lane = unit % lanes;
    let mut terms = Shared::<[F]>::new_slice(comptime!(2 * units));
    let mut x = Array::<F>::new(dim);
    let mut z = Array::<F>::new(dim);
    for turn in 0..sizes.turns {
        let at = (piece * sizes.turns + turn) * comptime!(units / lanes) + unit / lanes;
        let is_there = at < sizes.points;
        let node = select(is_there, at, sizes.points - 1);
        let first = run * sizes.x_run + node * dim;
        #[unroll(layout.is_unrolled())]
        for i in 0..dim {
            x[i] = points[first + i];
        }
        let value = log_density::<F>(
            q,
            run * sizes.q_run,
            &x,
            &mut z,
            &mut terms,
            lane,
            layout,
            lanes,
        );
        if is_there && lane == 0 {
            out[run * sizes.points + node] = value;
        }
    }
}

/// The sums that the gradients of Σ upstream · log q need, as [`sums`](super::sums::sums()) has them, from upstream and
/// log q `[R, S]`; and the gradient of x `[R, S, D]`, where it is wanted.
#[cube(launch)]
pub fn gradients<F: Float>(
    q: &[F],
    points: &[F],
    upstream: &[F],
    log_q: &[F],
    out: &mut [F],
    to_x: &mut [F],
    sizes: PointSizes,
    #[comptime] spec: Spec,
) {
    let (dim, len) = (comptime!(spec.q.dim), comptime!(spec.len()));
    let lanes = comptime!(spec.lanes);
    let unroll = comptime!(spec.q.is_unrolled());
    let is_private = comptime!(spec.is_private());
    let (piece, run) = (CUBE_POS_X as usize, CUBE_POS_Y as usize);
    let unit = UNIT_POS as usize;
    let lane = unit % lanes;
    let slot = (run * CUBE_COUNT_X as usize + piece) * len;
    let stride = comptime!(spec.shared_stride());
    let mut shared = Shared::<[F]>::new_slice(comptime!(spec.units * spec.shared_stride()));
    let mut x = Array::<F>::new(dim);
    let mut z = Array::<F>::new(dim);
    let mut gradient = Array::<F>::new(dim);
    let mut kept = Array::<F>::new(comptime!(if spec.is_private() { spec.len() } else { 1 }));
    if is_private {
        #[unroll]
        for entry in 0..len {
            kept[entry] = F::new(0.0);
        }
    }
    for turn in 0..sizes.turns {
        let at = (piece * sizes.turns + turn) * comptime!(spec.at_once()) + unit / lanes;
        let is_there = at < sizes.points;
        let node = select(is_there, at, sizes.points - 1);
        let first = run * sizes.x_run + node * dim;
        #[unroll(unroll)]
        for i in 0..dim {
            x[i] = points[first + i];
            gradient[i] = F::new(0.0);
        }
        let here = run * sizes.points + node;
        let by_q = select(is_there, upstream[here], F::new(0.0));
        accumulate::<F>(
            q,
            run * sizes.q_run,
            &x,
            log_q[here],
            by_q,
            &mut z,
            &mut gradient,
            &mut kept,
            &mut shared,
            out,
            slot,
            turn == 0,
            lane,
            comptime!(spec.clone()),
        );
        if comptime!(spec.through_points) {
            if comptime!(spec.lanes > 1) {
                sync_cube();
                #[unroll(unroll)]
                for i in 0..dim {
                    shared[unit * stride + i] = gradient[i];
                }
                sync_cube();
                if is_there && lane == 0 {
                    #[unroll(unroll)]
                    for i in 0..dim {
                        let mut sum = F::new(0.0);
                        for other in 0..lanes {
                            sum += shared[(unit + other) * stride + i];
                        }
                        to_x[here * dim + i] = sum;
                    }
                }
                sync_cube();
            } else if is_there {
                #[unroll(unroll)]
                for i in 0..dim {
                    to_x[here * dim + i] = gradient[i];
                }
            }
        }
    }
    if is_private {
        write_kept::<F>(&kept, &mut shared, out, slot, comptime!(spec.clone()));
    }
}

/// The gradients of μ `[R, K, D]` and of L, in its form, from the sums of each run: a unit for each column of L.
#[cube(launch)]
pub fn finish<F: Float>(
    q: &[F],
    sums: &[F],
    by_log_weights: &mut [F],
    by_means: &mut [F],
    by_scale: &mut [F],
    runs: usize,
    q_run: usize,
    #[comptime] spec: Spec,
) {
    let (k, dim) = (comptime!(spec.q.components), comptime!(spec.q.dim));
    let index = ABSOLUTE_POS;
    if index < runs * k * dim {
        let (of_component, column) = (index / dim, index % dim);
        let (run, component) = (of_component / k, of_component % k);
        let at = run * q_run + component * comptime!(spec.q.stride());
        let from =
            run * comptime!(1 + spec.density()) + 1 + component * comptime!(spec.per_component());
        let weight = sums[from];
        let squares = from + 1 + dim;
        if comptime!(spec.q.is_full) {
            let mut z = Array::<F>::new(dim);
            let mut gradient = Array::<F>::new(dim);
            for i in 0..dim {
                let entry = select(
                    i >= column,
                    i * (i + 1) / 2 + column,
                    column * (column + 1) / 2 + i,
                );
                z[i] = sums[squares + entry];
                gradient[i] = F::new(0.0);
            }
            pull_back::<F>(
                q,
                at,
                F::new(-1.0),
                &mut z,
                &mut gradient,
                comptime!(spec.q),
            );
            for i in 0..dim {
                let on_diagonal = select(i == column, weight * q[at + 2 + dim + i], F::new(0.0));
                let entry = select(i >= column, gradient[i] - on_diagonal, F::new(0.0));
                by_scale[(of_component * dim + i) * dim + column] = entry;
            }
            if column == 0 {
                for i in 0..dim {
                    z[i] = sums[from + 1 + i];
                    gradient[i] = F::new(0.0);
                }
                pull_back::<F>(
                    q,
                    at,
                    F::new(-1.0),
                    &mut z,
                    &mut gradient,
                    comptime!(spec.q),
                );
                for i in 0..dim {
                    by_means[of_component * dim + i] = gradient[i];
                }
            }
        } else {
            let reciprocal = q[at + 2 + dim + column];
            by_means[index] = sums[from + 1 + column] * reciprocal;
            by_scale[index] = (sums[squares + column] - weight) * reciprocal;
        }
        if column == 0 {
            by_log_weights[of_component] = weight;
        }
    }
}
