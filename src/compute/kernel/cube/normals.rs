//! The standard normal numbers of [`cpu::normals`](crate::compute::kernel::cpu), to the digits of a device.

use cubecl::prelude::*;

/// Counters made at once: first the cosines of all of them, then the sines.
const BATCH: usize = 64;

/// Number `index` of stream `stream` under a key; 64-bit words are pairs of 32 bits, the low one first.
#[cube]
pub fn normal<F: Float>(key: (u32, u32), stream: (u32, u32), index: usize) -> F {
    let batch = index / comptime!(2 * BATCH);
    let place = index % comptime!(2 * BATCH);
    let counter = batch * BATCH + place % BATCH;
    let mut c0 = counter as u32;
    let mut c1 = 0u32;
    let mut c2 = stream.0;
    let mut c3 = stream.1;
    let mut k0 = key.0;
    let mut k1 = key.1;
    for _ in 0..10u32 {
        let high0 = u32::mul_hi(c0, 0xd251_1f53u32);
        let low0 = c0 * 0xd251_1f53u32;
        let high1 = u32::mul_hi(c2, 0xcd9e_8d57u32);
        let low1 = c2 * 0xcd9e_8d57u32;
        c0 = high1 ^ c1 ^ k0;
        c1 = low1;
        c2 = high0 ^ c3 ^ k1;
        c3 = low0;
        k0 += 0x9e37_79b9u32;
        k1 += 0xbb67_ae85u32;
    }
    // 2⁵² less the first 52 bits, in two words: the first has 21 bits. In floats its tail keeps all digits.
    let high = c1 >> 12u32;
    let low = (c0 >> 12u32) | (c1 << 20u32);
    let negated_low = 0u32 - low;
    let borrow = u32::cast_from(low != 0u32);
    let negated_high = 0x0010_0000u32 - high - borrow;
    let uniform = F::cast_from(negated_high) * F::new(comptime!(1.0 / 1_048_576.0))
        + F::cast_from(negated_low) * F::new(comptime!(1.0 / 4_503_599_627_370_496.0));
    let radius = (F::new(-2.0) * uniform.ln()).sqrt();
    // In quarter turns, from −½ to ½.
    let quadrant = c3 >> 30u32;
    let fraction = (c3 << 2u32) | (c2 >> 30u32);
    let y = F::cast_from(fraction) * F::new(comptime!(1.0 / 4_294_967_296.0)) - F::new(0.5);
    let t = y * y;
    let mut sine = F::new(5.633_934e-8);
    sine = sine * t - F::new(3.598_643_4e-6);
    sine = sine * t + F::new(1.604_411_5e-4);
    sine = sine * t - F::new(4.681_754e-3);
    sine = sine * t + F::new(7.969_262_6e-2);
    sine = sine * t - F::new(6.459_641e-1);
    sine = (sine * t + F::new(1.570_796_4)) * y;
    let mut cosine = F::new(4.655_296_3e-7);
    cosine = cosine * t - F::new(2.520_013_5e-5);
    cosine = cosine * t + F::new(9.192_599_6e-4);
    cosine = cosine * t - F::new(2.086_348e-2);
    cosine = cosine * t + F::new(2.536_695e-1);
    cosine = cosine * t - F::new(1.233_700_6);
    cosine = cosine * t + F::new(1.0);
    let odd = (quadrant & 1u32) == 1u32;
    let c = select(odd, sine, cosine);
    let s = select(odd, cosine, sine);
    let cosine_turned = ((quadrant ^ (quadrant >> 1u32)) & 1u32) == 1u32;
    let sine_turned = (quadrant >> 1u32) == 1u32;
    let signed_cosine = select(cosine_turned, -c, c);
    let signed_sine = select(sine_turned, -s, s);
    radius * select(place < BATCH, signed_cosine, signed_sine)
}
