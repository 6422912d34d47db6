//! Which optimum is reached from each cell of a landscape, as regions with colours.

use std::collections::BTreeMap;

use plotters::style::RGBColor;

use super::mark::Point;
use super::panel::Panel;
use super::theme::{self, faded, stroke};
use crate::error::Result;

/// The colours of basins, which are not those of fits: Paul Tol's light scheme (2021).
const COLORS: [RGBColor; 8] = [
    RGBColor(119, 170, 221),
    RGBColor(238, 136, 102),
    RGBColor(68, 187, 153),
    RGBColor(255, 170, 187),
    RGBColor(238, 221, 136),
    RGBColor(187, 204, 51),
    RGBColor(153, 221, 255),
    RGBColor(170, 170, 0),
];
/// How much of the levels below is seen through them.
pub const OPACITY: f64 = 0.55;

/// Where the runs from the cells of a landscape ended.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Basins {
    /// The optimum that is reached from every cell, by its place, row after row; none where a run was still moving.
    pub reached: Vec<Option<usize>>,
    /// Where each optimum is in the two parameters.
    pub optima: Vec<[f64; 2]>,
}

/// The colour of the basin of an optimum.
pub fn color(optimum: usize) -> RGBColor {
    COLORS[optimum % COLORS.len()]
}

impl Basins {
    /// Draws them over cells at these places, with their optima and a dot where runs were still moving.
    ///
    /// # Errors
    /// If they cannot be drawn.
    pub fn draw(&self, panel: &Panel, x: &[f64], y: &[f64]) -> Result<()> {
        let cells = settled(&self.reached, x.len());
        let (across, up) = (edges(x), edges(y));
        for optimum in 0..=cells.iter().flatten().max().copied().unwrap_or(0) {
            let inside: Vec<bool> = cells.iter().map(|cell| *cell == Some(optimum)).collect();
            let outlines: Vec<Vec<Point>> = (outlines(&inside, x.len()).into_iter())
                .map(|outline| {
                    let at = |(column, row): (usize, usize)| (across[column], up[row]);
                    outline.into_iter().map(at).collect()
                })
                .collect();
            panel.fill(&outlines, faded(color(optimum), OPACITY))?;
            for outline in outlines {
                panel.line(outline, stroke(color(optimum), 1.0, theme::NORMAL))?;
            }
        }
        // Where runs were still moving there is a dot, whichever basin is around it.
        let moving = self.reached.iter().enumerate();
        for (i, _) in moving.filter(|(_, cell)| cell.is_none()) {
            let at = (x[i % x.len()], y[i / x.len()]);
            panel.dot(at, 0.22, faded(theme::INK, 0.8), None)?;
        }
        Ok(())
    }
}

/// The ends of cells around these places.
fn edges(places: &[f64]) -> Vec<f64> {
    let first = places.first().copied();
    let between = places.windows(2).map(|pair| 0.5 * (pair[0] + pair[1]));
    first
        .into_iter()
        .chain(between)
        .chain(places.last().copied())
        .collect()
}

/// The optimum of each cell; of one whose run was still moving, that of most of its neighbours, as far as those are
/// known.
fn settled(reached: &[Option<usize>], columns: usize) -> Vec<Option<usize>> {
    let mut cells = reached.to_vec();
    loop {
        let before = cells.clone();
        for (i, cell) in cells
            .iter_mut()
            .enumerate()
            .filter(|(_, cell)| cell.is_none())
        {
            let beside = [
                (i % columns > 0).then(|| i - 1),
                ((i + 1) % columns > 0).then_some(i + 1),
                i.checked_sub(columns),
                Some(i + columns),
            ];
            let known: Vec<usize> = (beside.into_iter().flatten())
                .filter_map(|place| *before.get(place)?)
                .collect();
            let votes = |optimum: &&usize| known.iter().filter(|other| other == optimum).count();
            // Alone among cells that moved on too, it stays what it is.
            *cell = known
                .iter()
                .max_by_key(votes)
                .copied()
                .filter(|_| known.len() > 1);
        }
        if cells == before {
            return cells;
        }
    }
}

/// The outlines of the cells that are inside, by the corners of cells: they fill all of each cell, so that regions
/// beside each other leave nothing between them. Holes run the other way round.
fn outlines(inside: &[bool], columns: usize) -> Vec<Vec<(usize, usize)>> {
    let rows = inside.len() / columns.max(1);
    let is_in = |column: usize, row: usize| {
        column < columns && row < rows && inside[row * columns + column]
    };
    let mut sides: BTreeMap<(usize, usize), Vec<(usize, usize)>> = BTreeMap::new();
    for row in 0..rows {
        for column in (0..columns).filter(|&column| is_in(column, row)) {
            let (left, right, below, above) = (column, column + 1, row, row + 1);
            // Around the cell, its inside on the left; a cell before the first has no number, and is none.
            let around = [
                (
                    (left, below),
                    (right, below),
                    is_in(column, row.wrapping_sub(1)),
                ),
                ((right, below), (right, above), is_in(column + 1, row)),
                ((right, above), (left, above), is_in(column, row + 1)),
                (
                    (left, above),
                    (left, below),
                    is_in(column.wrapping_sub(1), row),
                ),
            ];
            for (from, to, _) in around.into_iter().filter(|side| !side.2) {
                sides.entry(from).or_default().push(to);
            }
        }
    }
    let mut all = Vec::new();
    while let Some(&home) = sides.keys().next() {
        let (mut outline, mut at) = (vec![home], home);
        // Every corner is left as often as it is come to: the way ends at home.
        while let Some(next) = sides.get_mut(&at).and_then(Vec::pop) {
            if sides.get(&at).is_some_and(Vec::is_empty) {
                sides.remove(&at);
            }
            outline.push(next);
            at = next;
        }
        all.push(outline);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_still_moved_is_given_the_basin_around_it() {
        let (a, b) = (Some(0), Some(1));
        let reached = [a, a, b, a, None, b, a, a, b];
        assert_eq!(settled(&reached, 3)[4], a);
        // Nothing is made of nothing.
        assert_eq!(settled(&[None; 4], 2), [None; 4]);
        assert_eq!(settled(&[], 3), []);
    }

    #[test]
    fn regions_fill_their_cells() {
        let area = |outlines: &[Vec<(usize, usize)>]| -> f64 {
            let pairs = outlines.iter().flat_map(|outline| outline.windows(2));
            pairs
                .map(|pair| {
                    let [(a, b), (c, d)] = [pair[0], pair[1]];
                    0.5 * (a as f64 * d as f64 - c as f64 * b as f64)
                })
                .sum()
        };
        // Cells along a diagonal, a ring around a hole, and everything.
        let (o, x) = (false, true);
        for (inside, count) in [
            ([x, o, o, o, x, o, o, o, x], 3.0),
            ([x, x, x, x, o, x, x, x, x], 8.0),
            ([x; 9], 9.0),
            ([o; 9], 0.0),
        ] {
            assert_eq!(area(&outlines(&inside, 3)), count);
        }
    }
}
