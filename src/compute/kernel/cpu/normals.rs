//! Standard normal numbers that can be made in any order.
//!
//! Number i of a stream is a function of (key, stream, i): Philox4x32-10 (Salmon et al. 2011) gives
//! two uniform numbers for each counter, and Box and Muller's transform turns them into two normal
//! ones. Nothing here uses a fused multiply-add, so the numbers are the same to the bit on every
//! machine and at every vector width. The greatest that can come up is √(2 ln 2⁵²) = 8.49.

#![allow(
    clippy::needless_range_loop,
    reason = "loops over several arrays at once, to become vector code"
)]

use pulp::{Simd, WithSimd};

use super::real::Real;
use super::width::Width;

/// Counters made at once: first the cosines of all of them, then the sines.
const BATCH: usize = 64;

/// Fills `out` with numbers `first`, `first + 1`, … of stream `stream` under `key`.
pub fn normals(width: Width, key: u64, stream: u64, first: u64, out: &mut [f64]) {
    width.dispatch(Fill {
        key,
        stream,
        first,
        out,
    });
}

/// The key for one of many things that have a number, under the key of what they belong to.
pub fn derive_key(key: u64, number: u64) -> u64 {
    // No caller's stream has this number, so that no key is seen among anyone's numbers.
    const STREAM: u64 = u64::MAX;
    philox(key, number, STREAM).0
}

struct Fill<'a> {
    key: u64,
    stream: u64,
    first: u64,
    out: &'a mut [f64],
}

impl WithSimd for Fill<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        const LEN: usize = 2 * BATCH;
        let (mut index, mut rest) = (self.first, self.out);
        while !rest.is_empty() {
            let (batch, skipped) = (index / LEN as u64, (index % LEN as u64) as usize);
            let counter = batch.wrapping_mul(BATCH as u64);
            let len = (LEN - skipped).min(rest.len());
            let (here, others) = rest.split_at_mut(len);
            if let Ok(whole) = here.try_into() {
                fill_batch(self.key, self.stream, counter, whole);
            } else {
                let mut whole = [0.0; LEN];
                fill_batch(self.key, self.stream, counter, &mut whole);
                here.copy_from_slice(&whole[skipped..][..len]);
            }
            index = index.wrapping_add(len as u64);
            rest = others;
        }
    }
}

#[inline(always)]
fn fill_batch(key: u64, stream: u64, counter: u64, out: &mut [f64; 2 * BATCH]) {
    let mut bits = [[0; BATCH]; 2];
    for n in 0..BATCH {
        let (first, second) = philox(key, counter.wrapping_add(n as u64), stream);
        bits[0][n] = first;
        bits[1][n] = second;
    }
    let mut radius = [0.0; BATCH];
    for n in 0..BATCH {
        // In (0, 1], from 52 bits.
        let uniform = 2.0 - from_bits_1_to_2(bits[0][n] >> 12);
        radius[n] = (-2.0 * Real::ln::<false>(uniform)).sqrt();
    }
    let (cosines, sines) = out.split_at_mut(BATCH);
    for n in 0..BATCH {
        let (cosine, sine) = cos_sin(bits[1][n]);
        cosines[n] = radius[n] * cosine;
        sines[n] = radius[n] * sine;
    }
}

/// The number in [1, 2) that has these 52 bits.
#[inline(always)]
fn from_bits_1_to_2(bits: u64) -> f64 {
    f64::from_bits(bits | 0x3ff0_0000_0000_0000)
}

/// Cosine and sine of an angle drawn with 54 bits: two for the quadrant, the others for the place
/// within 45° of its axis.
#[inline(always)]
fn cos_sin(bits: u64) -> (f64, f64) {
    // In quarter turns, from −½ to ½.
    let y = from_bits_1_to_2((bits << 2) >> 12) - 1.5;
    let t = y * y;
    // sin(π/2 y)/y and cos(π/2 y) in y², interpolated at Chebyshev points: 5e-18 and 5e-17.
    let mut sine = 5.633_933_781_537_854e-8;
    sine = sine * t - 3.598_643_352_982_309_5e-6;
    sine = sine * t + 1.604_411_507_421_909e-4;
    sine = sine * t - 4.681_754_132_340_976e-3;
    sine = sine * t + 7.969_262_624_604_3e-2;
    sine = sine * t - 6.459_640_975_062_443e-1;
    sine = (sine * t + std::f64::consts::FRAC_PI_2) * y;
    let mut cosine = 4.655_296_187_486_762e-7;
    cosine = cosine * t - 2.520_013_526_428_479e-5;
    cosine = cosine * t + 9.192_599_500_416_609e-4;
    cosine = cosine * t - 2.086_348_073_494_657e-2;
    cosine = cosine * t + 2.536_695_078_998_647e-1;
    cosine = cosine * t - 1.233_700_550_136_151_3;
    cosine = cosine * t + 1.0;
    // Turn by the quadrant: odd ones swap the two, and the signs follow.
    let quadrant = bits >> 62;
    let odd = quadrant & 1 == 1;
    let (c, s) = if odd { (sine, cosine) } else { (cosine, sine) };
    let cosine_sign = ((quadrant ^ (quadrant >> 1)) & 1) << 63;
    let sine_sign = (quadrant >> 1) << 63;
    (
        f64::from_bits(c.to_bits() ^ cosine_sign),
        f64::from_bits(s.to_bits() ^ sine_sign),
    )
}

/// 128 random bits for a counter of 128 bits.
#[inline(always)]
fn philox(key: u64, counter: u64, stream: u64) -> (u64, u64) {
    const LOW: u64 = 0xffff_ffff;
    // 32-bit words in 64-bit lanes, so that a product is one instruction.
    let (mut c0, mut c1) = (counter & LOW, counter >> 32);
    let (mut c2, mut c3) = (stream & LOW, stream >> 32);
    let (mut k0, mut k1) = (key & LOW, key >> 32);
    for _ in 0..10 {
        let p0 = c0 * 0xd251_1f53;
        let p1 = c2 * 0xcd9e_8d57;
        (c0, c1, c2, c3) = (
            (p1 >> 32) ^ c1 ^ k0,
            p1 & LOW,
            (p0 >> 32) ^ c3 ^ k1,
            p0 & LOW,
        );
        k0 = (k0 + 0x9e37_79b9) & LOW;
        k1 = (k1 + 0xbb67_ae85) & LOW;
    }
    (c0 | (c1 << 32), c2 | (c3 << 32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn philox_gives_the_numbers_of_its_authors() {
        // From Random123's kat_vectors; words in order, the low ones first.
        let of = |words: [u32; 6]| {
            let pair = |a: u32, b: u32| u64::from(a) | (u64::from(b) << 32);
            philox(
                pair(words[4], words[5]),
                pair(words[0], words[1]),
                pair(words[2], words[3]),
            )
        };
        assert_eq!(of([0; 6]), (0xe169_c58d_6627_e8d5, 0x9b00_dbd8_bc57_ac4c));
        assert_eq!(
            of([u32::MAX; 6]),
            (0x41c8_3b0e_408f_276d, 0x6d54_51fd_a20b_c7c6)
        );
        assert_eq!(
            of([
                0x243f_6a88,
                0x85a3_08d3,
                0x1319_8a2e,
                0x0370_7344,
                0xa409_3822,
                0x299f_31d0
            ]),
            (0x94fd_cceb_d16c_fe09, 0x2412_6ea1_5001_e420)
        );
    }

    #[test]
    fn cos_sin_goes_once_around() {
        for i in 0..100_000_u64 {
            let bits = i * (u64::MAX / 100_000);
            let (c, s) = cos_sin(bits);
            // Quadrant q is centred on its axis.
            let place = ((bits << 2) >> 12) as f64 / (1_u64 << 52) as f64 - 0.5;
            let angle = std::f64::consts::FRAC_PI_2 * (place + (bits >> 62) as f64);
            assert!((c - angle.cos()).abs() < 1e-15, "{angle}");
            assert!((s - angle.sin()).abs() < 1e-15, "{angle}");
        }
    }
}
