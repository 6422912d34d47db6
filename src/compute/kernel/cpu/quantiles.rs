//! Quantiles of the standard normal distribution, many at once.
//!
//! Wichura's algorithm AS 241 (1988), to a relative 1e-15 or so. Nothing here uses a fused multiply-add, so the
//! numbers are the same to the bit on every machine and at every vector width.

#![allow(
    clippy::needless_range_loop,
    reason = "loops over several arrays at once, to become vector code"
)]

use pulp::{Simd, WithSimd};

use super::real::Real;
use super::width::Width;

/// Numbers made at once.
const BATCH: usize = 64;
/// The least share on either side that the two ratios used here are for: e⁻²⁵.
const LEAST: f64 = 1.388_794_386_496_402e-11;

/// Coefficients of z = h A(t) / B(t) with h = u − ½ and t = 0.425² − h², where |h| ≤ 0.425; the constant first.
const CENTRE: [[f64; 8]; 2] = [
    [
        3.387_132_872_796_366_5,
        133.141_667_891_784_38,
        1_971.590_950_306_551_3,
        13_731.693_765_509_46,
        45_921.953_931_549_87,
        67_265.770_927_008_7,
        33_430.575_583_588_13,
        2_509.080_928_730_122_7,
    ],
    [
        1.0,
        42.313_330_701_600_91,
        687.187_007_492_057_9,
        5_394.196_021_424_751,
        21_213.794_301_586_597,
        39_307.895_800_092_71,
        28_729.085_735_721_943,
        5_226.495_278_852_855,
    ],
];

/// Those of |z| = C(t) / D(t) with t = √(−ln u) − 1.6 for the lesser of u and 1 − u, further out.
const SIDES: [[f64; 8]; 2] = [
    [
        1.423_437_110_749_683_5,
        4.630_337_846_156_546,
        5.769_497_221_460_691,
        3.647_848_324_763_204_5,
        1.270_458_252_452_368_4,
        0.241_780_725_177_450_6,
        0.022_723_844_989_269_184,
        7.745_450_142_783_414e-4,
    ],
    [
        1.0,
        2.053_191_626_637_759,
        1.676_384_830_183_803_8,
        0.689_767_334_985_1,
        0.148_103_976_427_480_08,
        0.015_198_666_563_616_457,
        5.475_938_084_995_345e-4,
        1.050_750_071_644_416_9e-9,
    ],
];

/// Puts in the place of each share u of the standard normal distribution the number below which it lies; NaN for shares
/// of less than 1.4e-11 on either side, and for what is no share.
pub fn normal_quantiles(width: Width, shares: &mut [f64]) {
    width.dispatch(Quantiles(shares));
}

struct Quantiles<'a>(&'a mut [f64]);

impl WithSimd for Quantiles<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let (batches, rest) = self.0.as_chunks_mut::<BATCH>();
        for batch in batches {
            quantiles(batch);
        }
        if !rest.is_empty() {
            let mut batch = [0.5; BATCH];
            batch[..rest.len()].copy_from_slice(rest);
            quantiles(&mut batch);
            rest.copy_from_slice(&batch[..rest.len()]);
        }
    }
}

#[inline(always)]
fn quantiles(batch: &mut [f64; BATCH]) {
    for n in 0..BATCH {
        let u = batch[n];
        let h = u - 0.5;
        let lesser = if h < 0.0 { u } else { 1.0 - u };
        let centre = h * ratio(&CENTRE, 0.180_625 - h * h);
        let side = ratio(&SIDES, (-Real::ln::<false>(lesser)).sqrt() - 1.6);
        let side = if h < 0.0 { -side } else { side };
        let z = if h.abs() <= 0.425 { centre } else { side };
        batch[n] = if lesser >= LEAST { z } else { f64::NAN };
    }
}

#[inline(always)]
fn ratio([above, below]: &[[f64; 8]; 2], t: f64) -> f64 {
    let polynomial = |coefficients: &[f64; 8]| {
        let mut sum = coefficients[7];
        for i in (0..7).rev() {
            sum = sum * t + coefficients[i];
        }
        sum
    };
    polynomial(above) / polynomial(below)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_to_thirty_digits() {
        // By Newton's method on the distribution function, with mpmath at 40 digits.
        let known = [
            (1.4e-11, -6.656_723_091_518_184),
            (1.164_153_218_269_348_1e-10, -6.337_957_754_553_789_5),
            (1.0e-09, -5.997_807_015_007_686_5),
            (3.0e-08, -5.418_801_167_397_943),
            (1.0e-06, -4.753_424_308_822_899),
            (1.0e-05, -4.264_890_793_922_825),
            (0.000_1, -3.719_016_485_455_680_4),
            (0.001, -3.090_232_306_167_813_6),
            (0.01, -2.326_347_874_040_841),
            (0.03, -1.880_793_608_151_250_9),
            (0.074_999_9, -1.439_532_177_375_900_7),
            (0.075, -1.439_531_470_938_456),
            (0.075_000_1, -1.439_530_764_501_729_7),
            (0.1, -1.281_551_565_544_600_4),
            (0.2, -0.841_621_233_572_914_2),
            (0.3, -0.524_400_512_708_040_8),
            (0.45, -0.125_661_346_855_074_02),
            (0.499_999, -2.506_628_274_566_559_3e-06),
            (0.500_000_000_1, 2.506_628_482_030_354e-10),
            (0.6, 0.253_347_103_135_799_7),
            (0.9, 1.281_551_565_544_600_6),
            (0.925, 1.439_531_470_938_456_1),
            (0.93, 1.475_791_028_179_171),
            (0.99, 2.326_347_874_040_840_8),
            (0.999_9, 3.719_016_485_455_708_4),
            (0.999_999_046_325_683_6, 4.763_001_034_267_813_5),
            (0.999_999_999_883_584_7, 6.337_957_754_553_789_5),
            (0.999_999_999_985, 6.646_570_875_293_065),
        ];
        for width in Width::ALL {
            let mut all: Vec<f64> = known.iter().map(|&(u, _)| u).collect();
            normal_quantiles(width, &mut all);
            for (found, (u, z)) in all.into_iter().zip(known) {
                assert!((found - z).abs() <= 4e-15 * z.abs(), "{u}: {found} {z}");
            }
        }
    }

    #[test]
    fn widths_agree_to_the_bit() {
        let shares: Vec<f64> = (0..1024).map(|i| (f64::from(i) + 0.5) / 1024.0).collect();
        let all = Width::ALL.map(|width| {
            let mut all = shares.clone();
            normal_quantiles(width, &mut all);
            all
        });
        assert!(all.iter().all(|one| *one == all[0]));
        // The same from the other side.
        for (z, other) in all[0].iter().zip(all[0].iter().rev()) {
            assert_eq!(*z, -other);
        }
    }

    #[test]
    fn what_is_too_far_out_is_not_a_number() {
        let mut all = [0.0, 1e-11, 1.0, 1.5, -0.5, f64::NAN];
        normal_quantiles(Width::Widest, &mut all);
        assert!(all.iter().all(|z| z.is_nan()), "{all:?}");
    }
}
