//! W₂ between two Gaussians.
//!
//! W₂² = ‖μ₁ − μ₂‖² + min_U ‖L₁ − L₂ U‖² over orthogonal U, Σ = L Lᵀ: that is Gelbrich's ‖μ₁ − μ₂‖² + tr Σ₁ +
//! tr Σ₂ − 2 tr (Σ₁^½ Σ₂ Σ₁^½)^½ (Gelbrich 1990) without a difference of large numbers, since the best U is the polar factor of
//! L₂ᵀ L₁. An U that is only near it is second best by no more than a bound, which is part of the error.

use crate::divergence::Estimate;
use crate::mixture::Mixture;
use crate::precise::{Conditioning, Doubled, Number, ROUNDING, Triangle, roundings, squared_norm};

/// Doubles do where they leave an error below this, relative to the value.
const GOOD: f64 = 1e-12;
/// Up to this many dimensions, a number that is told is worked out in doubled precision at once.
const DOUBLED_DIM: usize = 32;
/// Rounds over all pairs of columns at most.
const MOST_SWEEPS: usize = 60;

/// W₂ of component a of p and component b of q, as sharply as there is reason to.
pub(super) fn distance(p: (&Mixture, usize), q: (&Mixture, usize)) -> Estimate {
    if p.0.dim() > DOUBLED_DIM {
        return quick_distance(p, q);
    }
    let doubled = evaluate::<Doubled>(p, q);
    match doubled.error.is_finite() {
        true => doubled,
        false => evaluate::<f64>(p, q),
    }
}

/// The same in doubles where they do.
pub(super) fn quick_distance(p: (&Mixture, usize), q: (&Mixture, usize)) -> Estimate {
    let found = evaluate::<f64>(p, q);
    if found.error <= GOOD * found.value {
        return found;
    }
    let doubled = evaluate::<Doubled>(p, q);
    match doubled.error <= found.error || found.error.is_nan() {
        true => doubled,
        false => found,
    }
}

/// A square matrix by its columns.
type Columns<T> = Vec<Vec<T>>;

/// ⟨a, b⟩.
fn dot<T: Number>(a: &[T], b: &[T]) -> T {
    (a.iter().zip(b)).fold(T::new(0.0, 0.0), |sum, (&a, &b)| sum + a * b)
}

/// AᵀB.
fn transposed_times<T: Number>(a: &Columns<T>, b: &Columns<T>) -> Columns<T> {
    let column = |b: &Vec<T>| a.iter().map(|a| dot(a, b)).collect();
    b.iter().map(column).collect()
}

fn norm<T: Number>(columns: &Columns<T>) -> f64 {
    let squares = columns.iter().map(|column| squared_norm(column));
    let sum = squares.fold(T::new(0.0, 0.0), |sum, square| sum + square);
    sum.rounded().sqrt()
}

/// A Cholesky factor in units of a power of two, with what it is off by as a share of itself.
struct Factor<T> {
    columns: Columns<T>,
    is_diagonal: bool,
    off: f64,
}

impl<T: Number> Factor<T> {
    fn new((mixture, k): (&Mixture, usize), unit: f64) -> Self {
        let dim = mixture.dim();
        let zero = T::new(0.0, 0.0);
        let entry = |i: usize, j: usize| match i >= j {
            true => mixture.factor_entry(k, i, j, unit),
            false => zero,
        };
        let column = |j: usize| (0..dim).map(|i| entry(i, j)).collect();
        let columns: Columns<T> = (0..dim).map(column).collect();
        let below = |j: usize| columns[j][j + 1..].iter().any(|x| x.rounded() != 0.0);
        let is_diagonal = !(0..dim).any(below);
        let factored = if mixture.is_factored(k) && !is_diagonal {
            // As of a covariance that was factored in doubled precision (Higham 2002, theorem 10.3).
            let units: Vec<f64> = (0..dim).map(|i| mixture.unit(k, i)).collect();
            let entry = |i: usize, j: usize| mixture.factor_entry::<f64>(k, i, j, units[i]);
            let spread = Conditioning::new(&Triangle::from_fn(dim, entry)).norm();
            roundings::<Doubled>(dim + 1) * (dim as f64).sqrt() * spread * spread
        } else {
            roundings::<Doubled>(4)
        };
        // What is left of the entries in doubles.
        let rounded = if T::UNIT > Doubled::UNIT {
            ROUNDING
        } else {
            0.0
        };
        Self {
            columns,
            is_diagonal,
            off: factored + rounded,
        }
    }
}

/// The power of two that brings the largest of the numbers to about 1.
fn unit_of(largest: f64) -> f64 {
    const MOST: i32 = 1000;
    let (_, exponent) = libm::frexp(largest);
    2f64.powi((1 - exponent).clamp(-MOST, MOST))
}

fn evaluate<T: Number>(p: (&Mixture, usize), q: (&Mixture, usize)) -> Estimate {
    let dim = p.0.dim();
    let means: Vec<Doubled> = (p.0.means()[p.1].iter().zip(q.0.means()[q.1].iter()))
        .map(|(&p, &q)| Doubled::sum(p, -q))
        .collect();
    let apart = means.iter().map(|mean| mean.rounded().abs());
    let entries = [p, q].map(|(mixture, k)| mixture.scale_trils()[k].amax());
    let largest = apart.fold(entries[0].max(entries[1]), f64::max);
    let unit = unit_of(largest);
    let (of_p, of_q) = (Factor::<T>::new(p, unit), Factor::<T>::new(q, unit));
    let (norm_p, norm_q) = (norm(&of_p.columns), norm(&of_q.columns));
    let offset: Vec<T> = (means.iter())
        .map(|mean| T::new(mean.rounded() * unit, mean.low() * unit))
        .collect();

    let (shape, turned) = if of_p.is_diagonal && of_q.is_diagonal {
        // Both have the same axes, and L₂ᵀ L₁ is positive definite already.
        let gap = |j: usize| of_p.columns[j][j] - of_q.columns[j][j];
        let gaps: Vec<T> = (0..dim).map(gap).collect();
        (squared_norm(&gaps), Turned::EXACTLY)
    } else {
        turned(&of_p.columns, &of_q.columns)
    };
    let squared = (squared_norm(&offset) + shape).rounded();
    let value = squared.sqrt();
    let size = 2.0 * dim as f64 + 8.0;
    let summed = 0.5 * size * T::UNIT + 2.0 * ROUNDING;
    let given = of_p.off * norm_p + of_q.off * norm_q;
    // A W₂² that is too large by no more than the gap.
    let least = (squared - turned.gap).max(0.0).sqrt();
    let second_best = match turned.gap > 0.0 {
        true => turned.gap / (value + least),
        false => 0.0,
    };
    let error = turned.residual + second_best + given + summed * value;
    let known = |number: f64| {
        if number.is_nan() {
            f64::INFINITY
        } else {
            number
        }
    };
    Estimate::closed_form(value / unit, known(error / unit))
}

/// What the orthogonal matrix that was found is off by.
struct Turned {
    /// Of L₁ − L₂ U, in norm.
    residual: f64,
    /// Of the square of that norm, which is above the least one by no more.
    gap: f64,
}

impl Turned {
    const EXACTLY: Self = Self {
        residual: 0.0,
        gap: 0.0,
    };
}

/// The square of ‖L₁ − L₂ U‖ with the best U there is.
fn turned<T: Number>(of_p: &Columns<T>, of_q: &Columns<T>) -> (T, Turned) {
    let dim = of_p.len();
    let root = (dim as f64).sqrt();
    let product = transposed_times(of_q, of_p);
    let (turn, smallest) = polar(&product);
    let zero = T::new(0.0, 0.0);
    // L₁ − L₂ U, whose rows past the diagonal of L₂ are not zeros.
    let column = |j: usize| -> Vec<T> {
        let mut column = of_p[j].clone();
        for (k, factor) in of_q.iter().enumerate() {
            let share = turn[j][k];
            for (into, &entry) in column.iter_mut().zip(factor) {
                *into = *into - entry * share;
            }
        }
        column
    };
    let residual: Columns<T> = (0..dim).map(column).collect();
    let squared = (residual.iter()).fold(zero, |sum, column| sum + squared_norm(column));

    let (norm_p, norm_q) = (norm(of_p), norm(of_q));
    let rounded = (dim as f64 + 4.0) * T::UNIT;
    let square = transposed_times(&turn, &turn);
    let identity = |mut columns: Columns<T>| {
        (0..dim).for_each(|j| columns[j][j] = columns[j][j] - T::new(1.0, 0.0));
        columns
    };
    // How far U is from a matrix that is orthogonal indeed.
    let skewed = norm(&identity(square)) + rounded * dim as f64;
    // With H = Uᵀ L₂ᵀ L₁ = P + K, P symmetric and positive definite and K antisymmetric, no orthogonal Q makes
    // ⟨Q, H⟩ larger than tr P + ½ ‖K P^−½‖²: ⟨Q − I, K⟩ is at most ‖(Q − I) P^½‖ ‖K P^−½‖, and ⟨I − Q, P⟩ is half
    // of the first one's square.
    let seen = transposed_times(&turn, &product);
    let antisymmetric: f64 = (0..dim)
        .flat_map(|j| (0..j).map(move |i| (i, j)))
        .map(|(i, j)| (seen[j][i] - seen[i][j]).rounded())
        .map(|twice| 0.5 * twice * twice)
        .sum();
    let scale = norm_p * norm_q;
    let off = antisymmetric.sqrt() + (3.0 * rounded * root + skewed) * scale;
    let least = smallest - 2.0 * off;
    let by_norm = 2.0 * (root + dim as f64) * off;
    let gap = match least > 0.0 {
        true => (off * off / least).min(by_norm),
        false => by_norm,
    };
    let residual = (rounded * root + skewed) * norm_q + rounded * norm_p;
    (squared, Turned { residual, gap })
}

/// The orthogonal factor U of A = U P, by its columns, and the smallest singular value of A.
///
/// By rotations of pairs of columns (Hestenes 1958), which find small singular values to as many digits as large ones
/// where A has scaled columns (Demmel and Veselić 1992).
fn polar<T: Number>(matrix: &Columns<T>) -> (Columns<T>, f64) {
    let dim = matrix.len();
    let [zero, one] = [0.0, 1.0].map(|x| T::new(x, 0.0));
    let mut left = matrix.clone();
    let mut right: Columns<T> = (0..dim)
        .map(|j| (0..dim).map(|i| if i == j { one } else { zero }).collect())
        .collect();
    let tolerance = dim as f64 * T::UNIT;
    for _ in 0..MOST_SWEEPS {
        let mut rotated = false;
        for i in 0..dim {
            for j in i + 1..dim {
                let [of_i, of_j] = [i, j].map(|k| squared_norm(&left[k]));
                let both = dot(&left[i], &left[j]);
                let size = of_i.rounded().sqrt() * of_j.rounded().sqrt();
                // NaN ends it.
                if both.rounded().abs() > tolerance * size {
                    rotated = true;
                    let [cos, sin] = rotation(of_i, of_j, both);
                    rotate(&mut left, (i, j), cos, sin);
                    rotate(&mut right, (i, j), cos, sin);
                }
            }
        }
        if !rotated {
            break;
        }
    }
    let norms: Vec<T> = left
        .iter()
        .map(|column| squared_norm(column).sqrt())
        .collect();
    let smallest = norms
        .iter()
        .map(|norm| norm.rounded())
        .fold(f64::INFINITY, f64::min);
    let mut turn: Columns<T> = vec![vec![zero; dim]; dim];
    for (k, &norm) in norms.iter().enumerate() {
        for (j, column) in turn.iter_mut().enumerate() {
            let share = right[k][j] / norm;
            for (into, &entry) in column.iter_mut().zip(&left[k]) {
                *into = *into + entry * share;
            }
        }
    }
    (turn, smallest)
}

/// The cosine and the sine by which two columns of these squares and this product become orthogonal.
fn rotation<T: Number>(of_i: T, of_j: T, both: T) -> [T; 2] {
    let [zero, one] = [0.0, 1.0].map(|x| T::new(x, 0.0));
    let zeta = (of_j - of_i) / (both + both);
    let is_negative = zeta.rounded() < 0.0;
    let size = if is_negative { zero - zeta } else { zeta };
    let tangent = match size.rounded() > 1e100 {
        true => one / (size + size),
        false => one / (size + (one + size * size).sqrt()),
    };
    let tangent = if is_negative { zero - tangent } else { tangent };
    let cos = one / (one + tangent * tangent).sqrt();
    [cos, cos * tangent]
}

fn rotate<T: Number>(columns: &mut Columns<T>, (i, j): (usize, usize), cos: T, sin: T) {
    let (before, from) = columns.split_at_mut(j);
    for (a, b) in before[i].iter_mut().zip(&mut from[0]) {
        (*a, *b) = (cos * *a - sin * *b, sin * *a + cos * *b);
    }
}
