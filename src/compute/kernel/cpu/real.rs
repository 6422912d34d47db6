//! The two floating-point types, with what the kernels need of them: vectors, exp and ln.

use std::fmt::Debug;
use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub};

use bytemuck::Pod;
use pulp::Simd;

/// `f32` or `f64`.
pub trait Real:
    Pod
    + Send
    + Sync
    + PartialOrd
    + Debug
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
{
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// −∞, the log of a density that is 0.
    const NEG_INFINITY: Self;

    /// One SIMD register of these.
    type Vector<S: Simd>: Pod;

    /// The nearest number of this type.
    fn from_f64(x: f64) -> Self;
    /// The number, widened.
    fn to_f64(self) -> f64;
    /// Whether the number is neither infinite nor NaN.
    fn is_finite(self) -> bool;
    /// Whether the number is NaN.
    fn is_nan(self) -> bool;

    /// eˣ for x ≤ 700 (f64) or 88 (f32), flushed to 0 before it would be denormal; NaN stays NaN.
    ///
    /// Branch-free, so that a loop over it becomes vector code. `FMA` says whether the code runs
    /// where a fused multiply-add is one instruction; it is a library call elsewhere.
    fn exp<const FMA: bool>(self) -> Self;
    /// ln x for normal positive x; NaN and +∞ give NaN, other x give no meaningful number. x is 2ᵏ (1 + f), and
    /// `quotient` makes f / (f + 2) of f.
    fn ln_by<const FMA: bool>(self, quotient: impl FnOnce(Self) -> Self) -> Self;

    /// ln x, as [`Real::ln_by`].
    #[inline(always)]
    fn ln<const FMA: bool>(self) -> Self {
        self.ln_by::<FMA>(|f| f / (f + Self::from_f64(2.0)))
    }

    /// ln x, as [`Real::ln_by`], and 1 / x, for x whose square is normal: one division makes both.
    #[inline(always)]
    fn ln_and_reciprocal<const FMA: bool>(self) -> [Self; 2] {
        let mut reciprocal = Self::ZERO;
        let ln = self.ln_by::<FMA>(|f| {
            let divisor = f + Self::from_f64(2.0);
            let both = Self::ONE / (self * divisor);
            reciprocal = divisor * both;
            f * (self * both)
        });
        [ln, reciprocal]
    }

    /// The vector with `x` in every lane.
    fn splat<S: Simd>(simd: S, x: Self) -> Self::Vector<S>;
    /// a + b.
    fn v_add<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// a − b.
    fn v_sub<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// a b.
    fn v_mul<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// a b + c, rounded once where that is one instruction.
    fn v_mul_add<S: Simd>(
        simd: S,
        a: Self::Vector<S>,
        b: Self::Vector<S>,
        c: Self::Vector<S>,
    ) -> Self::Vector<S>;
    /// The sum over the lanes, in an order that depends on their number only.
    fn reduce_sum<S: Simd>(simd: S, a: Self::Vector<S>) -> Self;
    /// The whole vectors in a slice.
    fn vectors<S: Simd>(slice: &[Self]) -> &[Self::Vector<S>];
    /// The whole vectors in a slice.
    fn vectors_mut<S: Simd>(slice: &mut [Self]) -> &mut [Self::Vector<S>];
}

/// How many numbers a register holds.
#[inline(always)]
pub(crate) const fn lanes<T: Real, S: Simd>() -> usize {
    size_of::<T::Vector<S>>() / size_of::<T>()
}

/// Whether `f64::mul_add` compiles to one instruction in code vectorised for `S`.
#[inline(always)]
pub(crate) const fn has_fma<S: Simd>() -> bool {
    !S::IS_SCALAR
        && cfg!(any(
            target_arch = "x86",
            target_arch = "x86_64",
            target_arch = "aarch64"
        ))
}

macro_rules! fused {
    ($fma:expr, $a:expr, $b:expr, $c:expr) => {
        if $fma {
            $a.mul_add($b, $c)
        } else {
            $a * $b + $c
        }
    };
}

macro_rules! vector_operations {
    ($vector:ident, $splat:ident, $add:ident, $sub:ident, $mul:ident, $mul_add:ident,
     $reduce:ident, $as_simd:ident, $as_mut_simd:ident) => {
        type Vector<S: Simd> = S::$vector;

        #[inline(always)]
        fn from_f64(x: f64) -> Self {
            x as Self
        }
        #[inline(always)]
        fn to_f64(self) -> f64 {
            self.into()
        }
        #[inline(always)]
        fn is_finite(self) -> bool {
            Self::is_finite(self)
        }
        #[inline(always)]
        fn is_nan(self) -> bool {
            Self::is_nan(self)
        }
        #[inline(always)]
        fn splat<S: Simd>(simd: S, x: Self) -> S::$vector {
            simd.$splat(x)
        }
        #[inline(always)]
        fn v_add<S: Simd>(simd: S, a: S::$vector, b: S::$vector) -> S::$vector {
            simd.$add(a, b)
        }
        #[inline(always)]
        fn v_sub<S: Simd>(simd: S, a: S::$vector, b: S::$vector) -> S::$vector {
            simd.$sub(a, b)
        }
        #[inline(always)]
        fn v_mul<S: Simd>(simd: S, a: S::$vector, b: S::$vector) -> S::$vector {
            simd.$mul(a, b)
        }
        #[inline(always)]
        fn v_mul_add<S: Simd>(simd: S, a: S::$vector, b: S::$vector, c: S::$vector) -> S::$vector {
            simd.$mul_add(a, b, c)
        }
        #[inline(always)]
        fn reduce_sum<S: Simd>(simd: S, a: S::$vector) -> Self {
            simd.$reduce(a)
        }
        #[inline(always)]
        fn vectors<S: Simd>(slice: &[Self]) -> &[S::$vector] {
            S::$as_simd(slice).0
        }
        #[inline(always)]
        fn vectors_mut<S: Simd>(slice: &mut [Self]) -> &mut [S::$vector] {
            S::$as_mut_simd(slice).0
        }
    };
}

impl Real for f64 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    const NEG_INFINITY: Self = f64::NEG_INFINITY;

    vector_operations!(
        f64s,
        splat_f64s,
        add_f64s,
        sub_f64s,
        mul_f64s,
        mul_add_e_f64s,
        reduce_sum_f64s,
        as_simd_f64s,
        as_mut_simd_f64s
    );

    #[inline(always)]
    fn exp<const FMA: bool>(self) -> Self {
        // Adding 1.5·2⁵² rounds to an integer and leaves it in the low bits.
        const ROUND: f64 = 6_755_399_441_055_744.0;
        // 2⁻⁹³⁸: far enough from 2⁻¹⁰²² for products with it to stay normal too.
        const LOWEST: f64 = -650.0;
        // (eʳ − 1 − r)/r² on |r| ≤ ½ ln 2, interpolated at Chebyshev points: 1.7e-17.
        const C: [f64; 10] = [
            0.500_000_000_000_000_1,
            0.166_666_666_666_666_69,
            0.041_666_666_666_624_13,
            0.008_333_333_333_330_062,
            0.001_388_888_891_721_371_7,
            0.000_198_412_698_630_536_18,
            2.480_152_129_595_437_6e-5,
            2.755_726_845_999_706_5e-6,
            2.762_008_844_540_974_6e-7,
            2.510_038_549_551_032e-8,
        ];
        // A comparison that is false for NaN keeps the NaN.
        let x = if self < LOWEST { LOWEST } else { self };
        let shifted = fused!(FMA, x, std::f64::consts::LOG2_E, ROUND);
        let n = shifted - ROUND;
        // ln 2 in two parts (fdlibm), the first with zeros at the end, so that n times it is exact.
        let r = fused!(FMA, n, -6.931_471_803_691_238e-1, x);
        let r = fused!(FMA, n, -1.908_214_929_270_587_7e-10, r);
        let r2 = r * r;
        let r4 = r2 * r2;
        let c01 = fused!(FMA, C[1], r, C[0]);
        let c23 = fused!(FMA, C[3], r, C[2]);
        let c45 = fused!(FMA, C[5], r, C[4]);
        let c67 = fused!(FMA, C[7], r, C[6]);
        let c89 = fused!(FMA, C[9], r, C[8]);
        let c03 = fused!(FMA, c23, r2, c01);
        let c47 = fused!(FMA, c67, r2, c45);
        let c49 = fused!(FMA, c89, r4, c47);
        let c = fused!(FMA, c49, r4, c03);
        let mantissa = fused!(FMA, c, r2, r) + 1.0;
        let power = f64::from_bits(mantissa.to_bits().wrapping_add(shifted.to_bits() << 52));
        if self < LOWEST { 0.0 } else { power }
    }

    #[inline(always)]
    fn ln_by<const FMA: bool>(self, quotient: impl FnOnce(Self) -> Self) -> Self {
        const ROUND: u64 = 0x4338_0000_0000_0000;
        const SQRT_HALF: u64 = 0x3fe6_a09e_667f_3bcd;
        const BIAS: u64 = 1023;
        let bits = self.to_bits();
        // x = 2ᵏ m with m in [√½, √2); the bias keeps the exponent positive for the shift.
        let biased = bits.wrapping_add(BIAS << 52).wrapping_sub(SQRT_HALF) >> 52;
        let m = f64::from_bits(bits.wrapping_sub(biased.wrapping_sub(BIAS) << 52));
        let k = f64::from_bits(ROUND.wrapping_add(biased)) - (f64::from_bits(ROUND) + 1023.0);
        // fdlibm's series for ln((1+s)/(1−s)) and its split of ln 2.
        let f = m - 1.0;
        let s = quotient(f);
        let z = s * s;
        let w = z * z;
        let p12 = fused!(
            FMA,
            3.999_999_999_940_942e-1_f64,
            z,
            6.666_666_666_666_735e-1
        );
        let p34 = fused!(
            FMA,
            2.222_219_843_214_978_4e-1_f64,
            z,
            2.857_142_874_366_239e-1
        );
        let p56 = fused!(
            FMA,
            1.531_383_769_920_937_3e-1_f64,
            z,
            1.818_357_216_161_805e-1
        );
        let p567 = fused!(FMA, 1.479_819_860_511_658_6e-1_f64, w, p56);
        let p37 = fused!(FMA, p567, w, p34);
        let p = fused!(FMA, p37, w, p12);
        let half = 0.5 * f * f;
        let low = fused!(
            FMA,
            s,
            fused!(FMA, p, z, half),
            k * 1.908_214_929_270_587_7e-10
        );
        let ln = fused!(FMA, k, 6.931_471_803_691_238e-1, f - (half - low));
        // 0, and NaN for what has no logarithm here.
        ln + self * 0.0
    }
}

impl Real for f32 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    const NEG_INFINITY: Self = f32::NEG_INFINITY;

    vector_operations!(
        f32s,
        splat_f32s,
        add_f32s,
        sub_f32s,
        mul_f32s,
        mul_add_e_f32s,
        reduce_sum_f32s,
        as_simd_f32s,
        as_mut_simd_f32s
    );

    #[inline(always)]
    fn exp<const FMA: bool>(self) -> Self {
        const ROUND: f32 = 12_582_912.0;
        const LOWEST: f32 = -69.0;
        // As for f64: 1e-8.
        const C: [f32; 5] = [
            0.5,
            0.166_665_77,
            0.041_666_556,
            0.008_363_179,
            0.001_392_618_4,
        ];
        let x = if self < LOWEST { LOWEST } else { self };
        let shifted = fused!(FMA, x, std::f32::consts::LOG2_E, ROUND);
        let n = shifted - ROUND;
        let r = fused!(FMA, n, -0.693_359_4, x);
        let r = fused!(FMA, n, 2.121_944_4e-4, r);
        let mut c = C[4];
        c = fused!(FMA, c, r, C[3]);
        c = fused!(FMA, c, r, C[2]);
        c = fused!(FMA, c, r, C[1]);
        c = fused!(FMA, c, r, C[0]);
        let mantissa = fused!(FMA, c, r * r, r) + 1.0;
        let power = f32::from_bits(mantissa.to_bits().wrapping_add(shifted.to_bits() << 23));
        if self < LOWEST { 0.0 } else { power }
    }

    #[inline(always)]
    fn ln_by<const FMA: bool>(self, quotient: impl FnOnce(Self) -> Self) -> Self {
        const ROUND: u32 = 0x4b40_0000;
        const SQRT_HALF: u32 = 0x3f35_04f3;
        const BIAS: u32 = 127;
        let bits = self.to_bits();
        let biased = bits.wrapping_add(BIAS << 23).wrapping_sub(SQRT_HALF) >> 23;
        let m = f32::from_bits(bits.wrapping_sub(biased.wrapping_sub(BIAS) << 23));
        let k = f32::from_bits(ROUND.wrapping_add(biased)) - (f32::from_bits(ROUND) + 127.0);
        let f = m - 1.0;
        let s = quotient(f);
        let z = s * s;
        let mut p: f32 = 0.242_790_79;
        p = fused!(FMA, p, z, 0.284_987_87);
        p = fused!(FMA, p, z, 0.400_009_72);
        p = fused!(FMA, p, z, 0.666_666_6);
        let half = 0.5 * f * f;
        let low = fused!(FMA, s, fused!(FMA, p, z, half), k * 9.058_001e-6);
        let ln = fused!(FMA, k, 6.931_381e-1, f - (half - low));
        ln + self * 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_agrees_with_the_standard_library() {
        for i in 0..200_000 {
            let x = -649.9 + 649.9 * f64::from(i) / 150_000.0;
            for y in [Real::exp::<true>(x), Real::exp::<false>(x)] {
                assert!((y / f64::exp(x) - 1.0).abs() < 4e-16, "{x} {y}");
            }
            let x = x as f32 / 9.5;
            for y in [Real::exp::<true>(x), Real::exp::<false>(x)] {
                let exact = f64::exp(x.into());
                assert!((f64::from(y) / exact - 1.0).abs() < 2e-7, "{x} {y}");
            }
        }
    }

    #[test]
    fn exp_flushes_to_zero_and_keeps_nan() {
        for x in [-651.0, -1e10, f64::NEG_INFINITY] {
            assert_eq!(Real::exp::<true>(x), 0.0);
            assert_eq!(Real::exp::<true>(x as f32), 0.0);
        }
        assert!(Real::exp::<true>(f64::NAN).is_nan());
        assert!(Real::exp::<true>(f32::NAN).is_nan());
    }

    #[test]
    fn ln_agrees_with_the_standard_library() {
        let mut x = f64::MIN_POSITIVE;
        while x < 1e300 {
            for y in [Real::ln::<true>(x), Real::ln::<false>(x)] {
                let exact = f64::ln(x);
                assert!(
                    (y - exact).abs() <= 4e-16 * exact.abs().max(0.05),
                    "{x} {y}"
                );
            }
            x *= 1.000_7;
        }
        let mut x = f32::MIN_POSITIVE;
        while x < 1e38 {
            let exact = f64::ln(x.into());
            for y in [Real::ln::<true>(x), Real::ln::<false>(x)] {
                let error = (f64::from(y) - exact).abs();
                assert!(error <= 2.5e-7 * exact.abs().max(0.05), "{x} {y}");
            }
            x *= 1.000_7;
        }
        assert_eq!(Real::ln::<true>(1.0_f64), 0.0);
        assert!(Real::ln::<true>(f64::NAN).is_nan());
    }
}
