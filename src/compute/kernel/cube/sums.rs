//! The sums Σ w f(log p, log q) of many runs, and those that their gradients need, in one pass over the points.
//!
//! A cube of units takes some points of one run, all carried into one component where points are carried. Each unit
//! takes a point at a time: it places it, evaluates both densities there and f with its slopes. Where there are fewer
//! points than a device has units, several take one point, and share the components among them. What a point adds to
//! the sums is kept in the registers of its unit where that is little, and else added up by all units of the cube
//! together, entry by entry. Each cube writes sums of its own; [`collect`] adds up those of a run.

use cubecl::prelude::*;

use super::super::formula::Formula;
use super::accumulate::{accumulate, add_placed, write_kept};
use super::formula::evaluate;
use super::mixture::{add_gradient, carry, log_density};
use super::normals::normal;
use super::spec::{Source, Spec};

/// How far apart the runs lie in each buffer, and how many of everything there are.
#[derive(CubeType, CubeLaunch)]
pub struct Sizes {
    /// Points of one component, or in all where none are carried.
    pub points: usize,
    /// Points that a unit takes one after the other.
    pub turns: usize,
    /// From run to run in the numbers of q.
    pub q_run: usize,
    /// From run to run in the points.
    pub x_run: usize,
    /// From component to component in the points.
    pub x_stratum: usize,
    /// From run to run in the weights.
    pub weights_run: usize,
    /// From run to run in log p.
    pub log_p_run: usize,
    /// From run to run in the keys.
    pub key_run: usize,
    /// The words of the stream.
    pub stream_low: u32,
    pub stream_high: u32,
    /// What f is, if it is affine: a log p + b log q + c.
    pub a: InputScalar,
    pub b: InputScalar,
    pub c: InputScalar,
}

/// The sums of each cube, `[R, strata, pieces, len]`, from q `[R or 1, K, stride]`, p, the points `[R or 1, S, D]` with
/// their weights and log p, and the keys of random ones.
#[cube(launch)]
pub fn sums<F: Float>(
    q: &[F],
    p: &[F],
    points: &[F],
    weights: &[F],
    log_p: &[F],
    keys: &[u32],
    out: &mut [F],
    sizes: Sizes,
    #[comptime] spec: Spec,
) {
    let dim = comptime!(spec.q.dim);
    let len = comptime!(spec.len());
    let units = comptime!(spec.units);
    let unroll = comptime!(spec.q.is_unrolled());
    let is_private = comptime!(spec.is_private());
    let carried = comptime!(spec.source != Source::Fixed);

    let (piece, stratum, run) = (
        CUBE_POS_X as usize,
        CUBE_POS_Y as usize,
        CUBE_POS_Z as usize,
    );
    let unit = UNIT_POS as usize;
    let of_q = run * sizes.q_run;
    let own = if comptime!(spec.under_p) {
        stratum * comptime!(spec.p.stride())
    } else {
        of_q + stratum * comptime!(spec.q.stride())
    };
    let slot = ((run * CUBE_COUNT_Y as usize + stratum) * CUBE_COUNT_X as usize + piece) * len;
    let mut weight_of_stratum = F::new(1.0);
    if comptime!(spec.under_p) {
        weight_of_stratum = p[own + 1];
    } else if carried {
        weight_of_stratum = q[own + 1];
    }

    let mut shared = Shared::<[F]>::new_slice(comptime!(spec.units * spec.shared_stride()));
    let stride = comptime!(spec.shared_stride());
    let mine = unit * stride;
    let mut terms = Shared::<[F]>::new_slice(comptime!(2 * spec.units));
    let lane = unit % comptime!(spec.lanes);

    let mut x = Array::<F>::new(dim);
    let mut z = Array::<F>::new(dim);
    let mut standard = Array::<F>::new(dim);
    let mut gradient = Array::<F>::new(dim);
    let mut kept = Array::<F>::new(comptime!(if spec.is_private() { spec.len() } else { 1 }));
    if is_private {
        #[unroll]
        for entry in 0..len {
            kept[entry] = F::new(0.0);
        }
    }
    let mut value = F::new(0.0);

    for turn in 0..sizes.turns {
        let first = (piece * sizes.turns + turn) * comptime!(spec.at_once());
        let at = first + unit / comptime!(spec.lanes);
        // A unit without a point takes the last one, which counts nothing for it, as do those of an absent component.
        let is_there = at < sizes.points && weight_of_stratum > F::new(0.0);
        let node = min(at, sizes.points - 1);
        let given = weights[run * sizes.weights_run + node] * weight_of_stratum;
        let weight = select(is_there, given, F::new(0.0));

        let first = run * sizes.x_run + stratum * sizes.x_stratum + node * dim;
        #[unroll(unroll)]
        for i in 0..dim {
            gradient[i] = F::new(0.0);
            if comptime!(spec.source == Source::Fixed) {
                x[i] = points[first + i];
            } else if comptime!(spec.source == Source::Given) {
                standard[i] = points[first + i];
            } else {
                let key = run * sizes.key_run;
                standard[i] = normal::<F>(
                    (keys[key], keys[key + 1]),
                    (sizes.stream_low, sizes.stream_high),
                    first + i,
                );
            }
        }
        let of_p = if carried {
            if comptime!(spec.under_p) {
                carry::<F>(p, own, &standard, &mut x, comptime!(spec.p));
            } else {
                carry::<F>(q, own, &standard, &mut x, comptime!(spec.q));
            }
            log_density::<F>(
                p,
                0,
                &x,
                &mut z,
                &mut terms,
                lane,
                comptime!(spec.p),
                comptime!(spec.lanes),
            )
        } else {
            log_p[run * sizes.log_p_run + node]
        };
        let log_q = log_density::<F>(
            q,
            of_q,
            &x,
            &mut z,
            &mut terms,
            lane,
            comptime!(spec.q),
            comptime!(spec.lanes),
        );
        let (f, f_p, f_q) = function::<F>(of_p, log_q, &sizes, comptime!(spec.formula.clone()));
        // What counts for nothing may be anything.
        value += select(is_there && lane == 0, weight * f, F::new(0.0));
        let by_p = select(is_there, weight * f_p, F::new(0.0));
        let by_q = select(is_there, weight * f_q, F::new(0.0));

        if comptime!(spec.through_points) {
            add_gradient::<F>(
                p,
                0,
                &x,
                of_p,
                by_p,
                &mut z,
                &mut gradient,
                lane,
                comptime!(spec.p),
                comptime!(spec.lanes),
            );
        }
        if comptime!(spec.wants_gradients()) {
            accumulate::<F>(
                q,
                of_q,
                &x,
                log_q,
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
        }
        if comptime!(spec.through_points) {
            let start = comptime!(1 + spec.density());
            if is_private {
                #[unroll]
                for i in 0..dim {
                    kept[start + i] += gradient[i];
                    if comptime!(spec.q.is_full) {
                        #[unroll]
                        for j in 0..=i {
                            kept[start + dim + i * (i + 1) / 2 + j] += gradient[i] * standard[j];
                        }
                    } else {
                        kept[start + dim + i] += gradient[i] * standard[i];
                    }
                }
            } else {
                sync_cube();
                #[unroll(unroll)]
                for i in 0..dim {
                    shared[mine + i] = gradient[i];
                    shared[mine + dim + i] = standard[i];
                }
                sync_cube();
                add_placed::<F>(
                    &mut shared,
                    out,
                    slot + start,
                    turn == 0,
                    unit,
                    comptime!(spec.clone()),
                );
            }
        }
    }

    if is_private {
        kept[0] = value;
        write_kept::<F>(&kept, &mut shared, out, slot, comptime!(spec.clone()));
    } else {
        sync_cube();
        shared[mine] = value;
        sync_cube();
        if unit == 0 {
            let mut sum = F::new(0.0);
            for other in 0..units {
                sum += shared[other * stride];
            }
            out[slot] = sum;
        }
    }
}

/// f with its slopes by log p and log q.
#[cube]
fn function<F: Float>(
    log_p: F,
    log_q: F,
    sizes: &Sizes,
    #[comptime] formula: Option<Formula>,
) -> (F, F, F) {
    match formula {
        Some(formula) => evaluate::<F>(log_p, log_q, formula),
        None => {
            let (a, b, c) = (sizes.a.get::<F>(), sizes.b.get::<F>(), sizes.c.get::<F>());
            (a * log_p + b * log_q + c, a, b)
        }
    }
}

/// Entries that a cube of [`collect`] adds up side by side, and pieces it starts at.
pub const SIDE_BY_SIDE: u32 = 32;
pub const STARTS: u32 = 8;

/// Adds up the pieces of each run, `[R, 1 + density + K (1 + placed)]`, from those of [`sums`]: of what is through points
/// those of each component by themselves, after its share of the value.
#[cube(launch)]
pub fn collect<F: Float>(
    pieces: &[F],
    out: &mut [F],
    strata: usize,
    per_stratum: usize,
    #[comptime] spec: Spec,
) {
    let common = comptime!(1 + spec.density());
    let own = comptime!(if spec.placed() > 0 {
        1 + spec.placed()
    } else {
        0
    });
    let len = comptime!(spec.len());
    let all = common + own * strata;
    let run = CUBE_POS_Y as usize;
    let entry = CUBE_POS_X as usize * comptime!(SIDE_BY_SIDE as usize) + UNIT_POS_X as usize;
    // Which entry of which pieces.
    let is_own = entry >= common;
    let stratum = select(is_own, (entry - common) / max(own, 1), 0);
    let within = select(is_own, (entry - common) % max(own, 1), 0);
    let of_own = select(within == 0, 0, common + within - 1);
    let from = select(is_own, of_own, entry);
    let first = (run * strata + stratum) * per_stratum;
    let count = select(is_own, per_stratum, strata * per_stratum);
    let mut shared = Shared::<[F]>::new_slice(comptime!((SIDE_BY_SIDE * STARTS) as usize));
    let mut sum = F::new(0.0);
    if entry < all {
        let mut piece = UNIT_POS_Y as usize;
        while piece < count {
            sum += pieces[(first + piece) * len + from];
            piece += comptime!(STARTS as usize);
        }
    }
    shared[UNIT_POS as usize] = sum;
    sync_cube();
    if UNIT_POS_Y == 0 && entry < all {
        let mut total = F::new(0.0);
        for start in 0..comptime!(STARTS as usize) {
            total += shared[start * comptime!(SIDE_BY_SIDE as usize) + UNIT_POS_X as usize];
        }
        out[run * all + entry] = total;
    }
}
