//! Lower triangles: factorisation, solving, and how much either may lose.

use super::Number;

/// A lower triangle of D × D, column after column, each from the diagonal down.
///
/// Everything below goes down columns, which lie side by side in memory.
#[derive(Debug, Clone)]
pub(crate) struct Triangle<T> {
    dim: usize,
    entries: Vec<T>,
}

impl<T: Number> Triangle<T> {
    /// From its entries (i, j), i ≥ j.
    pub fn from_fn(dim: usize, mut entry: impl FnMut(usize, usize) -> T) -> Self {
        let mut entries = Vec::with_capacity(dim * (dim + 1) / 2);
        for j in 0..dim {
            entries.extend((j..dim).map(|i| entry(i, j)));
        }
        Self { dim, entries }
    }

    /// D.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Entry (i, j), i ≥ j.
    pub fn at(&self, i: usize, j: usize) -> T {
        self.entries[self.start(j) + i - j]
    }

    fn start(&self, j: usize) -> usize {
        j * (2 * self.dim + 1 - j) / 2
    }

    /// Column j from the diagonal down.
    pub fn column(&self, j: usize) -> &[T] {
        &self.entries[self.start(j)..self.start(j + 1)]
    }

    /// Column j, and all that follow it.
    fn split_at(&mut self, j: usize) -> (&[T], &mut [T]) {
        let start = self.start(j);
        let (column, rest) = self.entries[start..].split_at_mut(self.dim - j);
        (column, rest)
    }

    /// Subtracts the lower triangle of u uᵀ, u being column j below the diagonal, from what is
    /// right of that column.
    fn deflate(&mut self, j: usize) {
        let (column, mut rest) = self.split_at(j);
        for k in 1..column.len() {
            let (own, next) = rest.split_at_mut(column.len() - k);
            if !is_zero(column[k]) {
                subtract(own, column[k], &column[k..]);
            }
            rest = next;
        }
    }

    /// The lower Cholesky factor of I + A, A being the symmetric matrix with this lower triangle;
    /// with it, of every row i, its pivot less 1 and the squares left of the diagonal. `None` if a
    /// pivot is not positive.
    ///
    /// A small A is never added to the I, which would round it away.
    pub fn factor_identity_plus(mut self) -> Option<(Self, Vec<T>, Vec<T>)> {
        let one = T::new(1.0, 0.0);
        let mut pivots = Vec::with_capacity(self.dim);
        let mut squares = vec![T::new(0.0, 0.0); self.dim];
        for j in 0..self.dim {
            let start = self.start(j);
            let pivot = self.entries[start];
            let root = positive(one + pivot)?.sqrt();
            let column = &mut self.entries[start..start + self.dim - j];
            column[0] = root;
            for (entry, squares) in column[1..].iter_mut().zip(&mut squares[j + 1..]) {
                *entry = *entry / root;
                *squares = *squares + *entry * *entry;
            }
            pivots.push(pivot);
            self.deflate(j);
        }
        Some((self, pivots, squares))
    }

    /// The lower Cholesky factor of the symmetric matrix with this lower triangle; `None` if a pivot
    /// is not positive.
    pub fn factor(mut self) -> Option<Self> {
        for j in 0..self.dim {
            let start = self.start(j);
            let root = positive(self.entries[start])?.sqrt();
            let column = &mut self.entries[start..start + self.dim - j];
            column[0] = root;
            for entry in &mut column[1..] {
                *entry = *entry / root;
            }
            self.deflate(j);
        }
        Some(self)
    }

    /// The lower triangle of L Lᵀ, L being this one.
    pub fn squared(&self) -> Self {
        let mut product = Self::from_fn(self.dim, |_, _| T::new(0.0, 0.0));
        for k in 0..self.dim {
            let column = self.column(k);
            for (place, &entry) in column.iter().enumerate() {
                if is_zero(entry) {
                    continue;
                }
                let start = product.start(k + place);
                let into = &mut product.entries[start..start + column.len() - place];
                for (into, &other) in into.iter_mut().zip(&column[place..]) {
                    *into = *into + entry * other;
                }
            }
        }
        product
    }

    /// L⁻¹ v for v that is 0 above its end of the given length; in place.
    fn solve_end(&self, end: &mut [T]) {
        let from = self.dim - end.len();
        for k in 0..end.len() {
            let column = self.column(from + k);
            let (known, rest) = end[k..].split_at_mut(1);
            if !is_zero(known[0]) {
                known[0] = known[0] / column[0];
                subtract(rest, known[0], &column[1..]);
            }
        }
    }

    /// L⁻¹ v.
    pub fn solve(&self, mut v: Vec<T>) -> Vec<T> {
        self.solve_end(&mut v);
        v
    }

    /// L⁻¹ B of a lower triangle B.
    pub fn solve_triangle(&self, mut b: Self) -> Self {
        for j in 0..self.dim {
            let start = b.start(j);
            self.solve_end(&mut b.entries[start..start + self.dim - j]);
        }
        b
    }

    /// L⁻¹.
    pub fn inverse(&self) -> Self {
        let [zero, one] = [0.0, 1.0].map(|entry| T::new(entry, 0.0));
        let identity = Self::from_fn(self.dim, |i, j| if i == j { one } else { zero });
        self.solve_triangle(identity)
    }

    /// Every entry as the nearest double.
    pub fn rounded(&self) -> Triangle<f64> {
        Triangle {
            dim: self.dim,
            entries: self.entries.iter().map(|entry| entry.rounded()).collect(),
        }
    }

    /// The sum of the squares of all entries.
    pub fn squared_norm(&self) -> T {
        // Column by column, which rounds less than one long sum.
        let columns = (0..self.dim).map(|j| squared_norm(self.column(j)));
        columns.fold(T::new(0.0, 0.0), |sum, column| sum + column)
    }
}

impl Triangle<f64> {
    /// The absolute values of all entries.
    pub fn sizes(&self) -> Self {
        Self {
            dim: self.dim,
            entries: self.entries.iter().map(|entry| entry.abs()).collect(),
        }
    }

    /// L v.
    pub fn times(&self, v: &[f64]) -> Vec<f64> {
        let mut product = vec![0.0; self.dim];
        for (j, &factor) in v.iter().enumerate() {
            for (into, entry) in product[j..].iter_mut().zip(self.column(j)) {
                *into += factor * entry;
            }
        }
        product
    }

    /// Lᵀ v.
    pub fn transposed_times(&self, v: &[f64]) -> Vec<f64> {
        let along = |j: usize| self.column(j).iter().zip(&v[j..]).map(|(a, b)| a * b).sum();
        (0..self.dim).map(along).collect()
    }

    /// The Euclidean norms of the rows.
    pub fn row_norms(&self) -> Vec<f64> {
        let mut squares = vec![0.0; self.dim];
        for j in 0..self.dim {
            for (square, entry) in squares[j..].iter_mut().zip(self.column(j)) {
                *square += entry * entry;
            }
        }
        squares.into_iter().map(f64::sqrt).collect()
    }
}

/// What a triangle that is solved with does to errors.
#[derive(Debug, Clone)]
pub(crate) struct Conditioning {
    sizes: Triangle<f64>,
    /// |L⁻¹|.
    inverse: Triangle<f64>,
}

impl Conditioning {
    /// Of a Cholesky factor.
    pub fn new<T: Number>(factor: &Triangle<T>) -> Self {
        let factor = factor.rounded();
        Self {
            inverse: factor.inverse().sizes(),
            sizes: factor.sizes(),
        }
    }

    /// |L⁻¹| |L| v of a vector that is not negative: times [`lost`], what L⁻¹ B is off by in norm
    /// at most, row by row, where v are the norms of the rows of L⁻¹ B (Higham 2002, theorem 8.5).
    pub fn spread(&self, v: &[f64]) -> Vec<f64> {
        self.inverse.times(&self.sizes.times(v))
    }

    /// A bound of ‖|L⁻¹| |L|‖₂: the mean of its greatest sums of rows and of columns.
    pub fn norm(&self) -> f64 {
        let ones = vec![1.0; self.sizes.dim];
        let rows = self.spread(&ones);
        let columns = (self.sizes).transposed_times(&self.inverse.transposed_times(&ones));
        let greatest = |sums: Vec<f64>| sums.into_iter().fold(0.0, f64::max);
        (greatest(rows) * greatest(columns)).sqrt()
    }
}

/// The share that this many roundings in a row may take.
pub(crate) fn roundings<T: Number>(operations: usize) -> f64 {
    operations as f64 * T::UNIT
}

/// The condition number of L Lᵀ in units of its own standard deviations, from below, to a percent
/// or so: power iterations on the correlations and on their inverse.
pub(crate) fn condition_of_correlations(factor: &Triangle<f64>) -> f64 {
    let stds = factor.row_norms();
    let factor = Triangle::from_fn(factor.dim, |i, j| factor.at(i, j) / stds[i]);
    let inverse = factor.inverse();
    greatest_eigenvalue(factor.dim, |v| factor.times(&factor.transposed_times(v)))
        * greatest_eigenvalue(factor.dim, |v| inverse.transposed_times(&inverse.times(v)))
}

/// Of a symmetric matrix that is positive definite, given by what it does to a vector.
fn greatest_eigenvalue(dim: usize, apply: impl Fn(&[f64]) -> Vec<f64>) -> f64 {
    const MOST_STEPS: usize = 100;
    // No eigenvector is at right angles to this but by chance.
    let mut v: Vec<f64> = (0..dim)
        .map(|i| 1.0 + 0.6 * (i as f64 + 1.0).sin())
        .collect();
    let mut found = 0.0;
    for _ in 0..MOST_STEPS {
        let norm = squared_norm(&v).sqrt();
        v.iter_mut().for_each(|entry| *entry /= norm);
        let next = apply(&v);
        let value = squared_norm(&next).sqrt();
        v = next;
        if value <= found * (1.0 + 1e-4) {
            return value.max(found);
        }
        found = value;
    }
    found
}

/// Of a zero nothing is subtracted: what is diagonal takes D² operations, not D³.
fn is_zero<T: Number>(entry: T) -> bool {
    entry.rounded() == 0.0
}

fn positive<T: Number>(pivot: T) -> Option<T> {
    (pivot.rounded() > 0.0).then_some(pivot)
}

/// The sum of squares.
pub(crate) fn squared_norm<T: Number>(v: &[T]) -> T {
    (v.iter()).fold(T::new(0.0, 0.0), |sum, &entry| sum + entry * entry)
}

/// into −= factor · column.
fn subtract<T: Number>(into: &mut [T], factor: T, column: &[T]) {
    for (into, &entry) in into.iter_mut().zip(column) {
        *into = *into - factor * entry;
    }
}
