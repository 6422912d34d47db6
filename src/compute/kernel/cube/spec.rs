//! What a kernel is made for, and how many numbers it adds up.

use super::super::formula::Formula;
use super::mixture::Layout;

/// Where points are from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// They stay where they are, and log p is known there.
    Fixed,
    /// Standard points that are given, carried into each component of a density.
    Given,
    /// Standard points that are random, carried into each component of a density.
    Random,
    /// They stay where they are, and so does the slope by log q: the log-density itself is asked for its gradient.
    Upstream,
}

/// What a kernel is made for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Spec {
    /// q.
    pub q: Layout,
    /// p, where it is evaluated.
    pub p: Layout,
    /// Where the points are from.
    pub source: Source,
    /// Whether points are carried into the components of p, and not of q.
    pub under_p: bool,
    /// f, if it is not affine.
    pub formula: Option<Formula>,
    /// Whether the gradient through log q is wanted.
    pub through_density: bool,
    /// Whether the gradient through the points is wanted.
    pub through_points: bool,
    /// The units of a cube.
    pub units: usize,
    /// The units that share a point.
    pub lanes: usize,
}

/// Sums that are few enough for the registers of a unit.
const MOST_PRIVATE: usize = 40;

impl Spec {
    /// The numbers that the gradient of one component through log q needs: Σ r, Σ r z and Σ r z zᵀ, of which the lower
    /// triangle or the diagonal.
    pub fn per_component(&self) -> usize {
        1 + self.q.dim + self.squares()
    }

    /// The numbers that the gradient of the component that points are carried into needs: Σ g and Σ g zᵀ.
    pub fn placed(&self) -> usize {
        match self.through_points && self.source != Source::Upstream {
            true => self.q.dim + self.squares(),
            false => 0,
        }
    }

    pub fn squares(&self) -> usize {
        match self.q.is_full {
            true => self.q.dim * (self.q.dim + 1) / 2,
            false => self.q.dim,
        }
    }

    /// The numbers through log q.
    pub fn density(&self) -> usize {
        match self.through_density {
            true => self.q.components * self.per_component(),
            false => 0,
        }
    }

    /// The numbers that a cube adds up: the value, what is through log q, and what is through its points.
    pub fn len(&self) -> usize {
        1 + self.density() + self.placed()
    }

    /// All numbers of a run.
    pub fn all(&self, strata: usize) -> usize {
        1 + self.density()
            + match self.placed() {
                0 => 0,
                placed => strata * (1 + placed),
            }
    }

    /// Whether units keep sums of their own.
    pub fn is_private(&self) -> bool {
        self.len() <= MOST_PRIVATE
    }

    /// The points of a turn.
    pub fn at_once(&self) -> usize {
        self.units / self.lanes
    }

    /// The shared numbers of a unit: a component's weight and z, or g and z of the points, odd so that units do not
    /// ask the same bank; or the private sums.
    pub fn shared_stride(&self) -> usize {
        let least = match self.is_private() {
            true => self.len(),
            false => (1 + self.q.dim).max(if self.through_points {
                2 * self.q.dim
            } else {
                0
            }),
        };
        least | 1
    }

    /// The shared numbers of a cube.
    pub fn shared_len(&self) -> usize {
        self.units * (self.shared_stride() + 2)
    }

    pub fn wants_gradients(&self) -> bool {
        self.through_density || self.through_points
    }
}
