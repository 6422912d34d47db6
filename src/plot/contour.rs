//! Level lines of a function on a grid, by marching squares (Lorensen and Cline 1987, in 2-D).

use std::collections::HashMap;

use super::mark::Point;

/// Values on a grid, row after row from the bottom.
pub struct ContourGrid {
    values: Vec<f64>,
    /// Where its columns and its rows are, in ascending order.
    x: Vec<f64>,
    y: Vec<f64>,
}

/// So many places from one end of a range to the other, as far from each other.
pub fn even((low, high): (f64, f64), count: usize) -> Vec<f64> {
    let last = count.saturating_sub(1).max(1) as f64;
    (0..count)
        .map(|i| low + (high - low) * i as f64 / last)
        .collect()
}

/// An edge of the grid: its lower left node, and whether it goes up.
type Edge = (usize, usize, bool);

impl ContourGrid {
    /// Evaluates a function on n × n nodes over a box.
    pub fn new(n: usize, x: (f64, f64), y: (f64, f64), f: impl Fn(f64, f64) -> f64) -> Self {
        let each = |points: &[f64]| points.chunks_exact(2).map(|at| f(at[0], at[1])).collect();
        Self::on(even(x, n), even(y, n), each)
    }

    /// Evaluates a function where columns and rows meet, at all these points `[N, 2]` at once.
    pub fn on(x: Vec<f64>, y: Vec<f64>, f: impl FnOnce(&[f64]) -> Vec<f64>) -> Self {
        let row = |&y: &f64| x.iter().flat_map(move |&x| [x, y]);
        let points: Vec<f64> = y.iter().flat_map(row).collect();
        Self {
            values: f(&points),
            x,
            y,
        }
    }

    /// Values that are known, row after row from the bottom, with this many columns.
    pub fn from_values(values: Vec<f64>, columns: usize, x: (f64, f64), y: (f64, f64)) -> Self {
        let rows = values.len() / columns.max(1);
        Self {
            values,
            x: even(x, columns),
            y: even(y, rows),
        }
    }

    /// The outlines of where the function is above `level`; the edge of the box closes them.
    pub fn outlines(&self, level: f64) -> Vec<Vec<Point>> {
        let mut next: HashMap<Edge, Edge> = HashMap::new();
        // One ring of cells around the grid, below any level, closes every line.
        for j in 0..=self.y.len() {
            for i in 0..=self.x.len() {
                for (from, to) in self.cell(i, j, level) {
                    next.insert(from, to);
                }
            }
        }
        let mut outlines = Vec::new();
        while let Some(&start) = next.keys().min() {
            let mut outline = Vec::new();
            let mut edge = start;
            while let Some(to) = next.remove(&edge) {
                outline.push(self.crossing(edge, level));
                edge = to;
            }
            if let Some(&first) = outline.first() {
                outline.push(first);
            }
            outlines.push(outline);
        }
        outlines
    }

    /// The value at a node of the ringed grid.
    fn value(&self, i: usize, j: usize) -> f64 {
        if (1..=self.x.len()).contains(&i) && (1..=self.y.len()).contains(&j) {
            self.values[(j - 1) * self.x.len() + i - 1]
        } else {
            f64::NEG_INFINITY
        }
    }

    /// The pieces of the level line in a cell, from edge to edge, with the high side on the left.
    fn cell(&self, i: usize, j: usize, level: f64) -> Vec<(Edge, Edge)> {
        let above = |di: usize, dj: usize| self.value(i + di, j + dj) > level;
        let corners = (above(0, 0), above(1, 0), above(1, 1), above(0, 1));
        let bottom = (i, j, false);
        let right = (i + 1, j, true);
        let top = (i, j + 1, false);
        let left = (i, j, true);
        match corners {
            (false, false, false, false) | (true, true, true, true) => vec![],
            (true, false, false, false) => vec![(bottom, left)],
            (false, true, false, false) => vec![(right, bottom)],
            (false, false, true, false) => vec![(top, right)],
            (false, false, false, true) => vec![(left, top)],
            (true, true, false, false) => vec![(right, left)],
            (false, true, true, false) => vec![(top, bottom)],
            (false, false, true, true) => vec![(left, right)],
            (true, false, false, true) => vec![(bottom, top)],
            (false, true, true, true) => vec![(left, bottom)],
            (true, false, true, true) => vec![(bottom, right)],
            (true, true, false, true) => vec![(right, top)],
            (true, true, true, false) => vec![(top, left)],
            (true, false, true, false) => vec![(bottom, left), (top, right)],
            (false, true, false, true) => vec![(right, bottom), (left, top)],
        }
    }

    /// Where the level is crossed on an edge, in the units of the box.
    fn crossing(&self, (i, j, up): Edge, level: f64) -> Point {
        let (a, b) = if up {
            (self.value(i, j), self.value(i, j + 1))
        } else {
            (self.value(i, j), self.value(i + 1, j))
        };
        let share = if a.is_finite() && b.is_finite() {
            ((level - a) / (b - a)).clamp(0.0, 1.0)
        } else if a.is_finite() {
            0.0
        } else {
            1.0
        };
        // The ring around the grid has the places of its first and last nodes.
        let at = |nodes: &[f64], i: usize, share: f64| {
            let node = |i: usize| nodes[i.clamp(1, nodes.len()) - 1];
            node(i) + share * (node(i + 1) - node(i))
        };
        match up {
            true => (at(&self.x, i, 0.0), at(&self.y, j, share)),
            false => (at(&self.x, i, share), at(&self.y, j, 0.0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outline_of_a_disc_is_a_circle() {
        let grid = ContourGrid::new(101, (-2.0, 2.0), (-2.0, 2.0), |x, y| -(x * x + y * y));
        let outlines = grid.outlines(-1.0);
        assert_eq!(outlines.len(), 1);
        for (x, y) in &outlines[0] {
            assert!((x.hypot(*y) - 1.0).abs() < 1e-3);
        }
    }

    #[test]
    fn two_bumps_have_two_outlines_and_a_cut_one_is_closed() {
        let bumps = |x: f64, y: f64| {
            (-(x - 2.0).powi(2) - y * y).exp() + (-(x + 2.0).powi(2) - y * y).exp()
        };
        let grid = ContourGrid::new(80, (-4.0, 4.0), (-2.0, 2.0), bumps);
        assert_eq!(grid.outlines(0.5).len(), 2);
        let cut = ContourGrid::new(80, (2.0, 4.0), (-2.0, 2.0), bumps);
        let outlines = cut.outlines(0.5);
        assert_eq!(outlines.len(), 1);
        assert_eq!(outlines[0].first(), outlines[0].last());
    }
}
