//! The coordinates of a log-density that someone else wrote: their names, where they live, and how each is carried
//! to the whole line.

mod support;

pub use support::Support;

use crate::text;

/// A coordinate, or several of one name.
#[derive(Debug, Clone, PartialEq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// How many coordinates it stands for.
    pub len: usize,
    /// The values they may have.
    pub support: Support,
}

/// D coordinates x, each of which is T(u) of a number u on the whole line.
#[derive(Debug, Clone, PartialEq)]
pub struct Coordinates {
    variables: Vec<Variable>,
}

impl Coordinates {
    /// Those of some variables, in their order.
    pub fn new(variables: Vec<Variable>) -> Self {
        Self { variables }
    }

    /// The variables.
    pub fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// D.
    pub fn dim(&self) -> usize {
        self.variables.iter().map(|one| one.len).sum()
    }

    /// The support of each of the D coordinates.
    pub fn supports(&self) -> impl Iterator<Item = Support> + '_ {
        (self.variables.iter()).flat_map(|one| std::iter::repeat_n(one.support, one.len))
    }

    /// What the D coordinates x are called.
    pub fn names(&self) -> Vec<String> {
        (self.variables.iter())
            .flat_map(|Variable { name, len, .. }| match len {
                1 => vec![name.clone()],
                len => (1..=*len).map(|i| format!("{name}[{i}]")).collect(),
            })
            .collect()
    }

    /// What the D coordinates u are called: `log(x)` where x is positive.
    pub fn names_of_u(&self) -> Vec<String> {
        (self.names().iter().zip(self.supports()))
            .map(|(name, support)| support.name_of(name))
            .collect()
    }

    /// Turns N points u `[N, D]` into x, in place.
    pub fn apply(&self, points: &mut [f64]) {
        let supports: Vec<Support> = self.supports().collect();
        for point in points.chunks_exact_mut(supports.len()) {
            for (x, support) in point.iter_mut().zip(&supports) {
                *x = support.apply(*x);
            }
        }
    }

    /// A point u in words, by its x: `x1 = 0.3, x2 = -1.2`.
    pub fn place(&self, u: &[f64]) -> String {
        let all = self.names().into_iter().zip(self.supports()).zip(u);
        all.map(|((name, support), u)| format!("{name} = {}", text::trimmed(support.apply(*u), 6)))
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// Whether x is u.
    pub fn is_unbounded(&self) -> bool {
        self.supports().all(|support| support == Support::Real)
    }
}
