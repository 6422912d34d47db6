//! Sobol nets, scrambled: Burley's hash-based Owen scrambling of index and value (Burley 2020), kept to all its 32 bits.

use std::array;
use std::sync::OnceLock;

use sobol_burley::NUM_DIMENSIONS;
use sobol_burley::parts::{hash, owen_scramble_rev, sobol_rev};

use crate::compute::kernel::cpu::{Width, normal_quantiles};

/// The dimensions of the sequence.
pub(crate) const SOBOL_DIM: usize = NUM_DIMENSIONS as usize;
/// The longest net: of an index the sequence takes 16 bits.
pub(super) const LONGEST: usize = 1 << 16;
/// Points that are worked on together.
const BLOCK: usize = 256;

/// Fills the first points z `[N, D]` of a net that is scrambled by a seed, standard normal.
pub(crate) fn scrambled_normals(seed: u32, dim: usize, points: &mut [f64]) {
    for (block, points) in (0..).zip(points.chunks_mut(BLOCK * dim)) {
        scrambled(seed, dim, block * BLOCK as u32, points);
        normal_quantiles(Width::Widest, points);
    }
}

/// Up to a block of points from an index on, each coordinate strictly between 0 and 1.
fn scrambled(seed: u32, dim: usize, first: u32, points: &mut [f64]) {
    let (of_seed, mut room) = (hash(seed), [0; BLOCK]);
    // A net may be a few points.
    let indices = &mut room[..points.len() / dim];
    for (index, place) in indices.iter_mut().zip(first..) {
        *index = owen_scramble_rev(place.reverse_bits(), of_seed);
    }
    for dimension in 0..dim {
        let axis = Axis::of(dimension);
        let scramble = hash(seed ^ hash(dimension as u32));
        let places = points[dimension..].iter_mut().step_by(dim);
        for (place, &index) in places.zip(&*indices) {
            let bits = owen_scramble_rev(axis.at(index), scramble).reverse_bits();
            *place = (f64::from(bits) + 0.5) / 4_294_967_296.0;
        }
    }
}

/// One coordinate of the sequence, which is a sum modulo 2 over the bits of the index: over its first two bytes.
struct Axis([[u32; 256]; 2]);

impl Axis {
    /// Worked out once.
    fn of(dimension: usize) -> &'static Self {
        static ALL: [OnceLock<Box<Axis>>; SOBOL_DIM] = [const { OnceLock::new() }; SOBOL_DIM];
        ALL[dimension].get_or_init(|| {
            let of_bytes = |shift: u32| {
                array::from_fn(|byte| sobol_rev((byte as u32) << shift, dimension as u32))
            };
            Box::new(Self([of_bytes(24), of_bytes(16)]))
        })
    }

    /// With the bits of index and value reversed.
    fn at(&self, index: u32) -> u32 {
        let [first, second, ..] = index.to_be_bytes();
        self.0[0][usize::from(first)] ^ self.0[1][usize::from(second)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Points of a net in units of an n-th.
    fn pieces(seed: u32, dim: usize, count: usize, n: f64) -> Vec<Vec<u32>> {
        let mut points = vec![0.0; count * dim];
        scrambled(seed, dim, 0, &mut points);
        let piece = |&u: &f64| (u * n) as u32;
        (points.chunks(dim))
            .map(|point| point.iter().map(piece).collect())
            .collect()
    }

    #[test]
    fn every_net_is_stratified_on_every_axis() {
        // Each axis of 2^k points of a scrambled Sobol net has one point in each of 2^k pieces.
        let n = 64;
        for seed in [1, 77, 4_000_000_000] {
            let points = pieces(seed, SOBOL_DIM, n, n as f64);
            for dimension in 0..SOBOL_DIM {
                let mut along: Vec<u32> = points.iter().map(|point| point[dimension]).collect();
                along.sort_unstable();
                assert_eq!(along, (0..n as u32).collect::<Vec<_>>(), "{dimension}");
            }
        }
    }

    #[test]
    fn two_axes_fill_the_elementary_boxes() {
        // The first two Sobol dimensions are a (0, m, 2)-net: of 64 points one in each 8 × 8 box.
        let points = pieces(5, 2, 64, 8.0);
        let mut boxes: Vec<u32> = points.iter().map(|point| 8 * point[0] + point[1]).collect();
        boxes.sort_unstable();
        assert_eq!(boxes, (0..64).collect::<Vec<_>>());
    }

    #[test]
    fn axes_are_those_of_the_sequence() {
        for dimension in [0, 1, 7, 200, SOBOL_DIM - 1] {
            let axis = Axis::of(dimension);
            for i in 0..LONGEST as u32 {
                let index = i.reverse_bits() | (i & 0xff);
                assert_eq!(axis.at(index), sobol_rev(index, dimension as u32));
            }
        }
    }

    #[test]
    fn blocks_follow_each_other() {
        let (dim, count) = (3, 2 * BLOCK + 8);
        let mut whole = vec![0.0; count * dim];
        scrambled_normals(9, dim, &mut whole);
        let last = [0, 1, 2].map(|dimension| {
            let index = owen_scramble_rev((count as u32 - 1).reverse_bits(), hash(9));
            let scramble = hash(9 ^ hash(dimension));
            let value = owen_scramble_rev(sobol_rev(index, dimension), scramble);
            (f64::from(value.reverse_bits()) + 0.5) / 4_294_967_296.0
        });
        let mut last = last;
        normal_quantiles(Width::Widest, &mut last);
        assert_eq!(whole[(count - 1) * dim..], last);
    }
}
