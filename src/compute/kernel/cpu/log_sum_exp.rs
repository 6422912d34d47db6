//! log Σ exp over components, a few at a time, for many samples at once.

use super::real::Real;

/// A running log Σ exp for each sample.
pub(crate) struct LogSumExp<'a, T> {
    /// The greatest term so far.
    pub max: &'a mut [T],
    /// What is subtracted from the terms: `max`, or 0 where that is −∞.
    pub shift: &'a mut [T],
    /// Σ exp(term − shift).
    pub sum: &'a mut [T],
}

impl<T: Real> LogSumExp<'_, T> {
    /// Takes in rows of terms, one row for each component; `first` if there were none before.
    #[inline(always)]
    pub fn absorb<const FMA: bool>(&mut self, terms: &[T], first: bool) {
        let len = self.max.len();
        let (max, shift, sum) = (&mut *self.max, &mut *self.shift, &mut *self.sum);
        let (shift, sum) = (&mut shift[..len], &mut sum[..len]);
        let rows = terms.chunks_exact(len);
        if first {
            max.copy_from_slice(&terms[..len]);
        }
        for row in rows.clone().skip(usize::from(first)) {
            for (max, &term) in max.iter_mut().zip(row) {
                *max = if *max > term { *max } else { term };
            }
        }
        if first {
            for n in 0..len {
                shift[n] = finite_shift(max[n]);
                sum[n] = T::ZERO;
            }
        } else {
            for n in 0..len {
                let new = finite_shift(max[n]);
                sum[n] = sum[n] * (shift[n] - new).exp::<FMA>();
                shift[n] = new;
            }
        }
        for row in rows {
            for ((sum, &term), &shift) in sum.iter_mut().zip(row).zip(&*shift) {
                *sum += (term - shift).exp::<FMA>();
            }
        }
    }

    /// Writes log Σ exp; −∞ where every term was.
    #[inline(always)]
    pub fn finish<const FMA: bool>(&self, out: &mut [T]) {
        for ((out, &sum), &shift) in out.iter_mut().zip(&*self.sum).zip(&*self.shift) {
            let log = shift + sum.ln::<FMA>();
            *out = if sum == T::ZERO { T::NEG_INFINITY } else { log };
        }
    }
}

/// log Σ exp of two terms, with the one exponential that it takes.
#[inline(always)]
pub(crate) fn log_add_exp<T: Real, const FMA: bool>(a: &[T], b: &[T], out: &mut [T]) {
    for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
        let (max, min) = if a > b { (a, b) } else { (b, a) };
        let ratio = (min - finite_shift(max)).exp::<FMA>();
        *out = max + (T::ONE + ratio).ln::<FMA>();
    }
}

/// `x`, or 0 where that is −∞, so that −∞ − (−∞) never comes up.
#[inline(always)]
pub(crate) fn finite_shift<T: Real>(x: T) -> T {
    if x == T::NEG_INFINITY { T::ZERO } else { x }
}
