//! The gradients of Σₙ gₙ log p(xₙ) for one mixture at a stretch of samples.
//!
//! With rₙₖ = gₙ wₖ Nₖ(xₙ) / p(xₙ), z = L⁻¹ (x − μ) and a = L⁻ᵀ r z, what the gradients take of
//! component k is, in this order: −a for each x, Σₙ r for its log weight, Σₙ a for its mean and
//! tril(Σₙ a zᵀ) − diag(Σₙ r / diag L) for its scale. Here the sums are of b = diag(L) a, which
//! is what the substitution gives; `gradients` turns them into gradients. Where x needs no gradient
//! the substitution can wait for the sums: those are then of r z in place of b.

use std::marker::PhantomData;

use pulp::{Simd, WithSimd};

use super::block::{group_len, groups, groups_mut, pack, room, rows_per_group, unpack};
use super::components::{Component, ComponentSums, Components, accumulate_sums, reduce};
use super::dispatch::for_component;
use super::forward::overflowed_to_zero;
use super::log_sum_exp::finite_shift;
use super::real::{Real, has_fma};
use super::scratch::{padded, take, with_scratch};
use super::width::Width;

/// A stretch of samples, with what is known of each.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Samples<'a, T> {
    /// `[S, D]`.
    pub x: &'a [T],
    /// log p(x), `[S]`.
    pub log_density: &'a [T],
    /// The gradient with respect to log p(x), `[S]`.
    pub upstream: &'a [T],
}

/// Where the gradients with respect to x go.
pub(crate) struct GradX<'a, T> {
    /// `[S, D]`.
    pub values: &'a mut [T],
    /// Whether to add to what is there.
    pub add: bool,
}

/// Sums over samples, to which `backward` adds; those not wanted are empty.
pub(crate) struct Sums<'a, T> {
    /// Σ r, `[K]`.
    pub weights: &'a mut [T],
    /// Σ b, `[K, D]`.
    pub means: &'a mut [T],
    /// Σ b zᵀ, lower triangle, `[K, D, D]`; or its diagonal, `[K, D]`.
    pub squares: &'a mut [T],
    /// For a full scale and where the gradient of x is not wanted: sum r z in place of b.
    pub whitened: bool,
}

impl<T> Sums<'_, T> {
    /// No sums at all: of the gradient of x alone.
    pub fn none() -> Self {
        Self {
            weights: &mut [],
            means: &mut [],
            squares: &mut [],
            whitened: false,
        }
    }

    /// The same sums, lent for a while.
    pub fn reborrow(&mut self) -> Sums<'_, T> {
        Sums {
            weights: self.weights,
            means: self.means,
            squares: self.squares,
            whitened: self.whitened,
        }
    }
}

/// Adds to the sums and to the gradient of x, on the calling thread.
pub(crate) fn backward<T: Real>(
    width: Width,
    components: &Components<'_, T>,
    samples: Samples<'_, T>,
    grad_x: Option<GradX<'_, T>>,
    sums: Sums<'_, T>,
) {
    let room = room(components.dim, samples.upstream.len());
    let len = 4 * padded::<T>(room * rows_per_group(components.dim)) + 3 * padded::<T>(room);
    // Out here, since a closure in there would not be compiled for its vector instructions.
    with_scratch(len, |scratch| {
        dispatch(width, components, samples, grad_x, sums, scratch)
    });
}

fn dispatch<T: Real>(
    width: Width,
    components: &Components<'_, T>,
    samples: Samples<'_, T>,
    grad_x: Option<GradX<'_, T>>,
    sums: Sums<'_, T>,
    scratch: &mut [T],
) {
    macro_rules! run {
        ($component:ty) => {
            width.dispatch(Backward::<T, $component> {
                components,
                samples,
                grad_x,
                sums,
                scratch,
                component: PhantomData,
            })
        };
    }
    for_component!(components, run)
}

struct Backward<'a, 'b, T, C> {
    components: &'a Components<'a, T>,
    samples: Samples<'b, T>,
    grad_x: Option<GradX<'b, T>>,
    sums: Sums<'b, T>,
    scratch: &'b mut [T],
    component: PhantomData<C>,
}

impl<'a, T: Real, C: Component<'a, T>> WithSimd for Backward<'a, '_, T, C> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if S::REGISTER_COUNT >= 32 {
            self.blocks::<S, 4>(simd);
        } else {
            self.blocks::<S, 2>(simd);
        }
    }
}

impl<'a, T: Real, C: Component<'a, T>> Backward<'a, '_, T, C> {
    #[inline(always)]
    fn blocks<S: Simd, const W: usize>(mut self, simd: S) {
        let dim = self.components.dim;
        let group = group_len::<T, S, W>();
        let samples = self.samples.upstream.len();
        let block = room(dim, samples);
        let stride = rows_per_group(dim);
        let mut rest = self.scratch;
        let [packed, z, b, gradient] = [(); 4].map(|()| take(&mut rest, block * stride));
        let [weights, shift, upstream] = [(); 3].map(|()| take(&mut rest, block));
        let mut start = 0;
        while start < samples {
            let count = (samples - start).min(block);
            let here = start..start + count;
            let values = start * dim..(start + count) * dim;
            let len = count.next_multiple_of(group);
            pack(dim, group, &self.samples.x[values.clone()], packed);
            // Samples that only fill the last group have no weight.
            upstream[..count].copy_from_slice(&self.samples.upstream[here.clone()]);
            upstream[count..len].fill(T::ZERO);
            for (shift, &log_density) in shift.iter_mut().zip(&self.samples.log_density[here]) {
                *shift = finite_shift(log_density);
            }
            shift[count..len].fill(T::ZERO);
            gradient[..len * stride].fill(T::ZERO);
            let mut work = Block {
                components: self.components,
                packed: &packed[..len * stride],
                upstream: &upstream[..len],
                shift: &shift[..len],
                weights: &mut weights[..len],
                z: &mut z[..len * stride],
                b: &mut b[..len * stride],
                gradient: self
                    .grad_x
                    .is_some()
                    .then_some(&mut gradient[..len * stride]),
                sums: &mut self.sums,
            };
            work.gradients::<C, S, W>(simd);
            if let Some(grad_x) = &mut self.grad_x {
                unpack(dim, group, gradient, &mut grad_x.values[values], grad_x.add);
            }
            start += count;
        }
    }
}

/// A block of samples at work.
struct Block<'a, 'b, 'c, T> {
    components: &'a Components<'a, T>,
    packed: &'b [T],
    upstream: &'b [T],
    shift: &'b [T],
    weights: &'b mut [T],
    z: &'b mut [T],
    b: &'b mut [T],
    gradient: Option<&'b mut [T]>,
    sums: &'b mut Sums<'c, T>,
}

impl<'a, T: Real> Block<'a, '_, '_, T> {
    #[inline(always)]
    fn gradients<C: Component<'a, T>, S: Simd, const W: usize>(&mut self, simd: S) {
        let dim = self.components.dim;
        let count = self.components.constants.len();
        let squares_len = self.sums.squares.len() / count.max(1);
        let wants_b = self.gradient.is_some() || !self.sums.means.is_empty() || squares_len > 0;
        for k in 0..count {
            if self.components.constants[k] == T::NEG_INFINITY {
                continue;
            }
            let component = C::new(self.components, k);
            self.responsibilities::<C, S, W>(simd, component, k);
            let weights = groups::<T, S, W>(self.weights);
            if !self.sums.weights.is_empty() {
                accumulate_sums(simd, weights, 1, &mut self.sums.weights[k..=k]);
            }
            if !wants_b {
                continue;
            }
            let z = groups::<T, S, W>(self.z);
            let b = groups_mut::<T, S, W>(self.b);
            let gradient = self.gradient.as_deref_mut().map(groups_mut::<T, S, W>);
            let means = if self.sums.means.is_empty() { 0 } else { dim };
            let sums = ComponentSums {
                means: &mut self.sums.means[k * means..][..means],
                squares: &mut self.sums.squares[k * squares_len..][..squares_len],
                whitened: self.sums.whitened,
            };
            component.pull_back(simd, weights, z, b, gradient, sums);
        }
    }

    /// z, and r in `weights`.
    #[inline(always)]
    fn responsibilities<C: Component<'a, T>, S: Simd, const W: usize>(
        &mut self,
        simd: S,
        component: C,
        k: usize,
    ) {
        let dim = self.components.dim;
        let stride = rows_per_group(dim);
        let minus_half = T::splat(simd, T::from_f64(-0.5));
        let constant = T::splat(simd, self.components.constants[k]);
        let x = groups::<T, S, W>(self.packed);
        let z = groups_mut::<T, S, W>(self.z);
        let terms = groups_mut::<T, S, W>(self.weights);
        let mut total = [T::splat(simd, T::ZERO); W];
        for (group, terms) in terms.iter_mut().enumerate() {
            let here = group * stride..group * stride + dim;
            let squared = component.whiten(simd, &x[here.clone()], &mut z[here]);
            for v in 0..W {
                terms[v] = T::v_mul_add(simd, minus_half, squared[v], constant);
                total[v] = T::v_add(simd, total[v], terms[v]);
            }
        }
        let finite = reduce::<T, S, W>(simd, total).is_finite();
        let group = group_len::<T, S, W>();
        if !finite {
            overflowed_to_zero(self.components, k, group, self.packed, self.weights);
        }
        if has_fma::<S>() {
            weigh::<T, true>(self.weights, self.shift, self.upstream);
        } else {
            weigh::<T, false>(self.weights, self.shift, self.upstream);
        }
        if !finite {
            zero_out(dim, group, self.upstream, self.weights, self.z);
        }
    }
}

/// From the terms log wₖ Nₖ(x) to r = g exp(term − log p(x)).
#[inline(always)]
fn weigh<T: Real, const FMA: bool>(terms: &mut [T], shift: &[T], upstream: &[T]) {
    for ((term, &shift), &upstream) in terms.iter_mut().zip(shift).zip(upstream) {
        *term = upstream * (*term - shift).exp::<FMA>();
    }
}

/// Sets z to 0 where r is, since 0 · ∞ is not 0, and r to 0 where g is.
#[cold]
fn zero_out<T: Real>(dim: usize, group_len: usize, upstream: &[T], weights: &mut [T], z: &mut [T]) {
    for (n, weight) in weights.iter_mut().enumerate() {
        if upstream[n] == T::ZERO {
            *weight = T::ZERO;
        }
        if *weight == T::ZERO {
            let group = n / group_len * rows_per_group(dim) * group_len;
            let z = &mut z[group..][..group_len * dim];
            for z in z.iter_mut().skip(n % group_len).step_by(group_len) {
                *z = T::ZERO;
            }
        }
    }
}
