//! Where panels stand, and how many are worked on together.

/// So many panels are worked on in one go, at each node of the rule: their points are laid out `[node][panel]`.
pub(super) const ABREAST: usize = 8;

/// A panel, in the plane on the line at `t`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Placed {
    pub t: f64,
    pub ends: [f64; 2],
}
