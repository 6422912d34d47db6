//! The sums Σ w f(log p, log q) of many runs, and those that their gradients need, in one pass over the points.
//!
//! A cube of units takes some points of one run, all carried into one component where points are carried. Each unit
//! takes a point at a time: it places it, evaluates both densities there and f with its slopes. Where there are fewer
//! points than a device has units, several take one point, and share the components among them. What a point adds to
//! the sums is kept in the registers of its unit where that is little, and else added up by all units of the cube
//! together, entry by entry. Each cube writes sums of its own; [`collect`] adds up those of a run.

use cubecl::prelude::*;

use super::super::formula::Formula;
use super::formula::evaluate;
use super::mixture::{Layout, add_gradient, carry, log_density, pull_back, whiten};
use super::normals::normal;

/// Where points are from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// They stay where they are, and log p is known there.
    Fixed,
    /// Standard points that are given, carried into each component of a density.
    Given,
    /// Standard points that are random, carried into each component of a density.
    Random,
    /// They stay where they are, and so does the slope by log q: the log-density itself is asked for its gradient.
    Upstream,
}

/// What a kernel is made for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Spec {
    /// q.
    pub q: Layout,
    /// p, where it is evaluated.
    pub p: Layout,
    /// Where the points are from.
    pub source: Source,
    /// Whether points are carried into the components of p, and not of q.
    pub under_p: bool,
    /// f, if it is not affine.
    pub formula: Option<Formula>,
    /// Whether the gradient through log q is wanted.
    pub through_density: bool,
    /// Whether the gradient through the points is wanted.
    pub through_points: bool,
    /// The units of a cube.
    pub units: usize,
    /// The units that share a point.
    pub lanes: usize,
}

/// Sums that are few enough for the registers of a unit.
const MOST_PRIVATE: usize = 40;

impl Spec {
    /// The numbers that the gradient of one component through log q needs: Σ r, Σ r z and Σ r z zᵀ, of which the lower
    /// triangle or the diagonal.
    pub fn per_component(&self) -> usize {
        1 + self.q.dim + self.squares()
    }

    /// The numbers that the gradient of the component that points are carried into needs: Σ g and Σ g zᵀ.
    pub fn placed(&self) -> usize {
        match self.through_points && self.source != Source::Upstream {
            true => self.q.dim + self.squares(),
            false => 0,
        }
    }

    pub fn squares(&self) -> usize {
        match self.q.is_full {
            true => self.q.dim * (self.q.dim + 1) / 2,
            false => self.q.dim,
        }
    }

    /// The numbers through log q.
    pub fn density(&self) -> usize {
        match self.through_density {
            true => self.q.components * self.per_component(),
            false => 0,
        }
    }

    /// The numbers that a cube adds up: the value, what is through log q, and what is through its points.
    pub fn len(&self) -> usize {
        1 + self.density() + self.placed()
    }

    /// All numbers of a run.
    pub fn all(&self, strata: usize) -> usize {
        1 + self.density()
            + match self.placed() {
                0 => 0,
                placed => strata * (1 + placed),
            }
    }

    /// Whether units keep sums of their own.
    pub fn is_private(&self) -> bool {
        self.len() <= MOST_PRIVATE
    }

    /// The points of a turn.
    pub fn at_once(&self) -> usize {
        self.units / self.lanes
    }

    /// The shared numbers of a unit: a component's weight and z, or g and z of the points, odd so that units do not
    /// ask the same bank; or the private sums.
    pub fn shared_stride(&self) -> usize {
        let least = match self.is_private() {
            true => self.len(),
            false => (1 + self.q.dim).max(if self.through_points {
                2 * self.q.dim
            } else {
                0
            }),
        };
        least | 1
    }

    /// The shared numbers of a cube.
    pub fn shared_len(&self) -> usize {
        self.units * (self.shared_stride() + 2)
    }

    fn wants_gradients(&self) -> bool {
        self.through_density || self.through_points
    }
}

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
                    &shared,
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
        #[unroll]
        for entry in 0..len {
            shared[mine + entry] = kept[entry];
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
fn add_placed<F: Float>(
    shared: &[F],
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
