//! What points add to the sums of a cube: kept by their units, or added up by all units together.

use cubecl::prelude::*;

use super::mixture::{pull_back, whiten};
use super::spec::Spec;

/// What a turn adds to the sums of the gradient through log q, given `by_q`, the slope of each point by it; and to the
/// gradient of x.
#[cube]
pub fn accumulate<F: Float>(
    q: &[F],
    of_q: usize,
    x: &Array<F>,
    log_q: F,
    by_q: F,
    z: &mut Array<F>,
    gradient: &mut Array<F>,
    kept: &mut Array<F>,
    shared: &mut [F],
    out: &mut [F],
    slot: usize,
    is_first: bool,
    lane: usize,
    #[comptime] spec: Spec,
) {
    let dim = comptime!(spec.q.dim);
    let lanes = comptime!(spec.lanes);
    let unit = UNIT_POS as usize;
    let mine = unit * comptime!(spec.shared_stride());
    #[unroll(spec.is_private() && spec.through_density)]
    for step in 0..comptime!(spec.q.components.div_ceil(spec.lanes)) {
        let k = step * lanes + lane;
        let is_own = k < comptime!(spec.q.components);
        let component = of_q + select(is_own, k, 0) * comptime!(spec.q.stride());
        let term = whiten::<F>(q, component, x, z, comptime!(spec.q));
        let share = select(is_own, by_q * (term - log_q).exp(), F::new(0.0));
        if comptime!(spec.through_density) {
            let start = 1 + step * comptime!(spec.lanes * spec.per_component());
            if comptime!(spec.is_private()) {
                kept[start] += share;
                #[unroll]
                for i in 0..dim {
                    let one = share * z[i];
                    kept[start + 1 + i] += one;
                    if comptime!(spec.q.is_full) {
                        #[unroll]
                        for j in 0..=i {
                            kept[start + 1 + dim + i * (i + 1) / 2 + j] += one * z[j];
                        }
                    } else {
                        kept[start + 1 + dim + i] += one * z[i];
                    }
                }
            } else {
                sync_cube();
                shared[mine] = share;
                #[unroll(spec.q.is_unrolled())]
                for i in 0..dim {
                    shared[mine + 1 + i] = z[i];
                }
                sync_cube();
                add_components::<F>(
                    shared,
                    out,
                    slot + start,
                    comptime!(spec.q.components) - step * lanes,
                    is_first,
                    unit,
                    comptime!(spec.clone()),
                );
            }
        }
        if comptime!(spec.through_points) {
            pull_back::<F>(q, component, share, z, gradient, comptime!(spec.q));
        }
    }
}

/// Adds up what the units of a cube have kept, each number by one of them.
#[cube]
pub fn write_kept<F: Float>(
    kept: &Array<F>,
    shared: &mut [F],
    out: &mut [F],
    slot: usize,
    #[comptime] spec: Spec,
) {
    let (len, units) = (comptime!(spec.len()), comptime!(spec.units));
    let stride = comptime!(spec.shared_stride());
    let unit = UNIT_POS as usize;
    #[unroll]
    for entry in 0..len {
        shared[unit * stride + entry] = kept[entry];
    }
    sync_cube();
    let mut entry = unit;
    while entry < len {
        let mut sum = F::new(0.0);
        for other in 0..units {
            sum += shared[other * stride + entry];
        }
        out[slot + entry] = sum;
        entry += units;
    }
}

/// The row of a lower triangle that an entry is in.
#[cube]
fn row_of(entry: usize) -> usize {
    let guess = ((f32::cast_from(8 * entry + 1).sqrt() - 1.0) * 0.5) as usize;
    // The square root may be off by a digit.
    let over = guess * (guess + 1) / 2 > entry;
    let lower = select(over, guess - 1, guess);
    let under = (lower + 1) * (lower + 2) / 2 <= entry;
    select(under, lower + 1, lower)
}

/// Adds Σ r, Σ r z and Σ r z zᵀ of the points of a turn, whose r and z are shared: of as many components as units share a
/// point, or of what is left of them.
#[cube]
fn add_components<F: Float>(
    shared: &mut [F],
    out: &mut [F],
    slot: usize,
    components: usize,
    is_first: bool,
    unit: usize,
    #[comptime] spec: Spec,
) {
    let dim = comptime!(spec.q.dim);
    let each = comptime!(spec.per_component());
    let stride = comptime!(spec.shared_stride());
    let step = comptime!(spec.lanes * spec.shared_stride());
    let points = comptime!(spec.at_once());
    let count = min(components, comptime!(spec.lanes)) * each;
    let mut entry = unit;
    while entry < count {
        let mut at = entry / each * stride;
        let within = entry % each;
        let mut sum = F::new(0.0);
        if within == 0 {
            for _ in 0..points {
                sum += shared[at];
                at += step;
            }
        } else if within <= dim {
            for _ in 0..points {
                sum += shared[at] * shared[at + within];
                at += step;
            }
        } else {
            let square = within - 1 - dim;
            let mut i = square;
            let mut j = square;
            if comptime!(spec.q.is_full) {
                i = row_of(square);
                j = square - i * (i + 1) / 2;
            }
            for _ in 0..points {
                sum += shared[at] * shared[at + 1 + i] * shared[at + 1 + j];
                at += step;
            }
        }
        if is_first {
            out[slot + entry] = sum;
        } else {
            out[slot + entry] += sum;
        }
        entry += comptime!(spec.units);
    }
}

/// Adds Σ g and Σ g zᵀ of the points of a turn, whose g and z are shared.
#[cube]
pub fn add_placed<F: Float>(
    shared: &mut [F],
    out: &mut [F],
    slot: usize,
    is_first: bool,
    unit: usize,
    #[comptime] spec: Spec,
) {
    let dim = comptime!(spec.q.dim);
    let stride = comptime!(spec.shared_stride());
    let mut entry = unit;
    while entry < comptime!(spec.placed()) {
        let mut sum = F::new(0.0);
        if entry < dim {
            for other in 0..spec.units {
                sum += shared[other * stride + entry];
            }
        } else {
            let square = entry - dim;
            let mut i = square;
            let mut j = square;
            if comptime!(spec.q.is_full) {
                i = row_of(square);
                j = square - i * (i + 1) / 2;
            }
            for other in 0..spec.units {
                let at = other * stride;
                sum += shared[at + i] * shared[at + dim + j];
            }
        }
        if is_first {
            out[slot + entry] = sum;
        } else {
            out[slot + entry] += sum;
        }
        entry += comptime!(spec.units);
    }
}
