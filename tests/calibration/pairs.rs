//! Random pairs of mixtures in one to three dimensions whose divergences are known.
//!
//! Pair number i is always the same. One in two or three dimensions is made of independent
//! coordinates, whose divergences add or multiply, and is then sheared or turned, which changes none.

use klfit::Mixture;
use nalgebra::{DMatrix, DVector};

use super::line::{Line, Part};
use super::truth::{Truths, truths};

/// A pair with what is true of it.
#[derive(Debug, Clone)]
pub struct Pair {
    pub number: u64,
    pub p: Mixture,
    pub q: Mixture,
    pub truths: Truths,
}

impl Pair {
    /// Half of all pairs are on a line, three in ten in a plane and two in ten in space.
    pub fn new(number: u64) -> Self {
        let mut random = Random::new(number);
        let dim = match number % 10 {
            0..5 => 1,
            5..8 => 2,
            _ => 3,
        };
        // The other coordinates: one both share, or one with a pair of its own.
        let others: Vec<[Vec<Part>; 2]> = (1..dim)
            .map(|i| {
                let (p, q) = (random.few(), random.few());
                if i == 1 && random.chance(0.5) {
                    [p, q]
                } else {
                    [p.clone(), p]
                }
            })
            .collect();
        let most = |side: usize| {
            10 / others
                .iter()
                .map(|other| other[side].len())
                .product::<usize>()
        };
        let mut sides = vec![random.line(most(0), most(1))];
        sides.extend(others);
        let all = |[p, q]: &[Vec<Part>; 2]| truths(&Line::new(p), &Line::new(q));
        let mut of_pair = all(&sides[0]);
        for other in &sides[1..] {
            // What both share changes nothing, JS and TV included.
            if other[0] != other[1] {
                of_pair = of_pair.product(&all(other));
            }
        }
        random.shuffle(&mut sides);
        let side =
            |i: usize| -> Vec<Vec<Part>> { sides.iter().map(|both| both[i].clone()).collect() };
        let sides = [side(0), side(1)].map(|lines| Components::product(&lines));
        let [p, q] = match (dim, random.unit()) {
            (1, _) | (_, 0.0..0.2) => sides.map(|side| side.mixture()),
            (_, 0.2..0.7) => {
                let map = random.shear(dim);
                sides.map(|side| side.sheared(&map))
            }
            _ => {
                let map = random.rotation(dim);
                let shift = sides.iter().map(Components::rounding).fold(0.0, f64::max);
                of_pair = of_pair.shaken(shift);
                sides.map(|side| side.turned(&map))
            }
        };
        Self {
            number,
            p,
            q,
            truths: of_pair,
        }
    }
}

/// Components with independent coordinates: weights, means, standard deviations.
struct Components(Vec<(f64, DVector<f64>, DVector<f64>)>);

impl Components {
    /// Of independent coordinates.
    fn product(lines: &[Vec<Part>]) -> Self {
        let mut all = vec![(1.0, Vec::new(), Vec::new())];
        for line in lines {
            let beside = |(weight, means, stds): &(f64, Vec<f64>, Vec<f64>), part: &Part| {
                let (mut means, mut stds) = (means.clone(), stds.clone());
                means.push(part.1);
                stds.push(part.2);
                (weight * part.0, means, stds)
            };
            all = (all.iter())
                .flat_map(|one| line.iter().map(move |part| beside(one, part)))
                .collect();
        }
        let vectors =
            |(weight, means, stds)| (weight, DVector::from_vec(means), DVector::from_vec(stds));
        Self(all.into_iter().map(vectors).collect())
    }

    fn mixture(&self) -> Mixture {
        let dim = self.0[0].1.len();
        self.mapped(&DMatrix::identity(dim, dim), |factor| factor)
    }

    /// By a lower triangular map, of which a factor stays one. Nothing is rounded: see [`Random`].
    fn sheared(&self, map: &DMatrix<f64>) -> Mixture {
        self.mapped(map, |factor| factor)
    }

    fn turned(&self, map: &DMatrix<f64>) -> Mixture {
        self.mapped(map, |root| lower(&root))
    }

    fn mapped(&self, map: &DMatrix<f64>, factor: impl Fn(DMatrix<f64>) -> DMatrix<f64>) -> Mixture {
        let of = |std: &DVector<f64>| factor(map * DMatrix::from_diagonal(std));
        Mixture::new(
            self.0.iter().map(|part| part.0).collect(),
            self.0
                .iter()
                .map(|part| (map * &part.1).as_slice().to_vec())
                .collect(),
            self.0.iter().map(|part| of(&part.2)).collect(),
        )
        .unwrap()
    }

    /// How far rounding may move what is turned, in units of the narrowest width.
    fn rounding(&self) -> f64 {
        let narrowest = self
            .0
            .iter()
            .map(|part| part.2.min())
            .fold(f64::INFINITY, f64::min);
        let size = self
            .0
            .iter()
            .map(|part| part.1.amax() + part.2.max())
            .fold(0.0, f64::max);
        8.0 * f64::EPSILON * size / narrowest
    }
}

/// The lower triangular factor with a positive diagonal of A Aᵀ.
pub fn lower(root: &DMatrix<f64>) -> DMatrix<f64> {
    let mut factor = root.transpose().qr().r().transpose();
    for mut column in factor.column_iter_mut() {
        let pivot = column.iter().find(|entry| **entry != 0.0).copied();
        if pivot.is_some_and(|pivot| pivot < 0.0) {
            column.neg_mut();
        }
    }
    factor
}

/// Random numbers of a pair, by SplitMix64 (Steele, Lea and Flood 2014).
///
/// Weights and means are multiples of 2⁻⁴⁴ and 2⁻⁴⁰, widths have 40 bits, and what multiplies them
/// few, so that products, sums and shears of them are exact.
pub struct Random(u64);

impl Random {
    pub fn new(number: u64) -> Self {
        Self(number.wrapping_mul(0xd134_2543_de82_ef95) ^ 0x6b6c_6669_7400)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Between 0 and 1.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 * 2.0_f64.powi(-53)
    }

    pub fn within(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Between low and high, its logarithm uniform.
    pub fn log_within(&mut self, low: f64, high: f64) -> f64 {
        self.within(low.ln(), high.ln()).exp()
    }

    fn chance(&mut self, share: f64) -> bool {
        self.unit() < share
    }

    /// From 1 to `most`.
    fn count(&mut self, most: usize) -> usize {
        1 + (self.next() % most as u64) as usize
    }

    fn shuffle<T>(&mut self, list: &mut [T]) {
        (1..list.len())
            .rev()
            .for_each(|i| list.swap(i, self.count(i + 1) - 1));
    }

    /// A coordinate of one or two components.
    fn few(&mut self) -> Vec<Part> {
        let part = |random: &mut Self, weight| {
            let mean = mean(random.within(-2.0, 2.0));
            (weight, mean, width(random.log_within(0.2, 3.0)))
        };
        if self.chance(0.5) {
            let first = self.count(15) as f64 / 16.0;
            vec![part(self, first), part(self, 1.0 - first)]
        } else {
            vec![part(self, 1.0)]
        }
    }

    /// A pair on a line.
    fn line(&mut self, most_p: usize, most_q: usize) -> [Vec<Part>; 2] {
        let ratio = 10.0_f64.powf(self.within(0.0, 5.0));
        let (k_p, k_q) = (self.count(most_p), self.count(most_q));
        let p = self.scattered(k_p, ratio);
        let q = match self.unit() {
            // Nearly the same.
            0.0..0.15 if k_p <= most_q => {
                let size = 10.0_f64.powf(-self.within(0.5, 8.0));
                p.iter().map(|part| self.beside(*part, size)).collect()
            }
            // Some components on top of those of p.
            0.15..0.55 => {
                let mut q = self.scattered(k_q, ratio);
                for part in &mut q {
                    if self.chance(0.6) {
                        let on = p[self.count(k_p) - 1];
                        let (_, mean, std) = self.beside(on, 1.0);
                        *part = (part.0, mean, std);
                    }
                }
                q
            }
            // Apart.
            0.55..0.65 => {
                let apart = self.within(5.0, 50.0);
                let part = |part: Part| (part.0, mean(part.1 + apart), part.2);
                self.scattered(k_q, ratio).into_iter().map(part).collect()
            }
            _ => self.scattered(k_q, ratio),
        };
        let mut sides = [p, q];
        // The other coordinates may leave the sides unequal room.
        if sides[0].len() <= most_q && sides[1].len() <= most_p {
            self.shuffle(&mut sides);
        }
        sides.map(normalised)
    }

    /// The widest is about 1 wide; the others down to 1/ratio of it.
    fn scattered(&mut self, k: usize, ratio: f64) -> Vec<Part> {
        let widest = self.log_within(0.5, 2.0);
        let light = self.chance(0.5);
        (0..k)
            .map(|i| {
                let narrow = if i == 0 {
                    1.0
                } else {
                    self.log_within(1.0 / ratio, 1.0)
                };
                let weight = if light {
                    self.log_within(1e-6, 1.0)
                } else {
                    self.within(0.1, 1.0)
                };
                (weight, mean(self.within(-4.0, 4.0)), width(widest * narrow))
            })
            .collect()
    }

    /// A component beside another, by a share of its width.
    fn beside(&mut self, (weight, at, std): Part, size: f64) -> Part {
        let weight = weight * (size * self.within(-0.5, 0.5)).exp();
        let at = at + size * std * self.within(-2.0, 2.0);
        (
            weight,
            mean(at),
            width(std * (size * self.within(-1.0, 1.0)).exp()),
        )
    }

    /// A lower triangular map with ones on its diagonal.
    fn shear(&mut self, dim: usize) -> DMatrix<f64> {
        DMatrix::from_fn(dim, dim, |i, j| match i.cmp(&j) {
            std::cmp::Ordering::Less => 0.0,
            std::cmp::Ordering::Equal => 1.0,
            std::cmp::Ordering::Greater => (self.count(25) as f64 - 13.0) / 8.0,
        })
    }

    pub fn rotation(&mut self, dim: usize) -> DMatrix<f64> {
        let mut map = DMatrix::identity(dim, dim);
        for i in 1..dim {
            for j in 0..i {
                let (sin, cos) = self.within(0.0, std::f64::consts::TAU).sin_cos();
                let mut turn = DMatrix::identity(dim, dim);
                (turn[(i, i)], turn[(j, j)]) = (cos, cos);
                (turn[(i, j)], turn[(j, i)]) = (sin, -sin);
                map = turn * map;
            }
        }
        map
    }
}

fn to_multiples(x: f64, bits: i32) -> f64 {
    let unit = 2.0_f64.powi(-bits);
    (x / unit).round() * unit
}

fn mean(x: f64) -> f64 {
    to_multiples(x, 40)
}

fn width(x: f64) -> f64 {
    f64::from_bits(x.to_bits() & !0xfff)
}

/// Weights that sum to 1 exactly.
fn normalised(parts: Vec<Part>) -> Vec<Part> {
    let total: f64 = parts.iter().map(|part| part.0).sum();
    let weights: Vec<f64> = parts
        .iter()
        .map(|part| to_multiples(part.0 / total, 44))
        .collect();
    let heaviest = (0..parts.len())
        .max_by(|&a, &b| weights[a].total_cmp(&weights[b]))
        .unwrap();
    let rest: f64 = 1.0 - weights.iter().sum::<f64>();
    (parts.iter().zip(&weights).enumerate())
        .map(|(k, (part, weight))| {
            (
                weight + if k == heaviest { rest } else { 0.0 },
                part.1,
                part.2,
            )
        })
        .collect()
}

#[test]
fn shears_and_turns_keep_the_log_densities() {
    for number in (0..200).filter(|number| number % 10 >= 5) {
        let pair = Pair::new(number);
        for mixture in [&pair.p, &pair.q] {
            assert_eq!(mixture.weights().iter().sum::<f64>(), 1.0, "pair {number}");
            assert!(mixture.components() <= 10);
        }
        assert_eq!(pair.p, Pair::new(number).p);
    }
    let mut random = Random::new(1);
    let line = random.few();
    let parts = Components::product(&[line.clone(), random.few()]);
    let (plain, map) = (parts.mixture(), random.rotation(2));
    let turned = parts.turned(&map);
    let shear = random.shear(2);
    let sheared = parts.sheared(&shear);
    let x = DVector::from_vec(vec![0.3, -0.7]);
    let expected = plain.log_density(x.as_slice());
    assert!((turned.log_density((&map * &x).as_slice()) - expected).abs() < 1e-13);
    assert!((sheared.log_density((&shear * &x).as_slice()) - expected).abs() < 1e-13);
}
