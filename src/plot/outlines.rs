//! Closed outlines in a plane, and the regions that they are of.

use super::mark::Point;

/// Closed outlines, moved, with one for each region: its holes, which are outlines that run clockwise, are cut open to
/// the outside, so that what fills it leaves them out.
pub fn apart(outlines: &[Vec<Point>], moved: impl Fn(&Point) -> Point) -> Vec<Vec<Point>> {
    let moved = |outline: &Vec<Point>| outline.iter().map(&moved).collect();
    let whole = |region: Vec<&Vec<Point>>| {
        let mut outlines = region.into_iter().map(moved);
        outlines
            .next()
            .map(|outer| cut_open(outer, outlines.collect()))
    };
    regions(outlines).into_iter().filter_map(whole).collect()
}

/// Regions of a plane: each its outline, then those of its holes.
fn regions(outlines: &[Vec<Point>]) -> Vec<Vec<&Vec<Point>>> {
    let (outer, holes): (Vec<_>, Vec<_>) =
        (outlines.iter()).partition(|outline| area(outline) >= 0.0);
    let mut regions: Vec<Vec<&Vec<Point>>> = outer.into_iter().map(|one| vec![one]).collect();
    for hole in holes {
        // The least outline around it.
        let around = regions.iter_mut().filter(|region| match hole.first() {
            Some(point) => encloses(region[0], *point),
            None => false,
        });
        let home = around.min_by(|one, other| area(one[0]).total_cmp(&area(other[0])));
        if let Some(region) = home {
            region.push(hole);
        }
    }
    regions
}

/// The area within an outline, negative where it runs clockwise.
fn area(outline: &[Point]) -> f64 {
    let cross = |pair: &[Point]| pair[0].0 * pair[1].1 - pair[1].0 * pair[0].1;
    0.5 * outline.windows(2).map(cross).sum::<f64>()
}

/// Whether a point is within an outline: a line from it to the right crosses that an odd number of times.
fn encloses(outline: &[Point], (x, y): Point) -> bool {
    let crosses = |pair: &&[Point]| {
        let (from, to) = (pair[0], pair[1]);
        (from.1 > y) != (to.1 > y) && x < from.0 + (y - from.1) / (to.1 - from.1) * (to.0 - from.0)
    };
    outline.windows(2).filter(crosses).count() % 2 == 1
}

/// An outline and its holes as one: each hole, the nearest first, is reached by the shortest way, which lies in what is
/// filled.
fn cut_open(mut outline: Vec<Point>, holes: Vec<Vec<Point>>) -> Vec<Point> {
    let shortest = |outline: &[Point], hole: &[Point]| {
        let ways = outline.iter().enumerate().flat_map(|(i, from)| {
            let apart = move |to: &Point| (from.0 - to.0).powi(2) + (from.1 - to.1).powi(2);
            hole.iter()
                .enumerate()
                .map(move |(j, to)| (apart(to), i, j))
        });
        ways.min_by(|one, other| one.0.total_cmp(&other.0))
    };
    let mut holes: Vec<(f64, Vec<Point>)> = (holes.into_iter())
        .filter_map(|hole| Some((shortest(&outline, &hole)?.0, hole)))
        .collect();
    holes.sort_by(|one, other| one.0.total_cmp(&other.0));
    for (_, hole) in holes {
        let Some((_, i, j)) = shortest(&outline, &hole) else {
            continue;
        };
        let around = hole[j..].iter().chain(&hole[..=j]).copied();
        let way: Vec<Point> = around.chain([outline[i]]).collect();
        outline.splice(i + 1..i + 1, way);
    }
    outline
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_filled_apart_and_holes_left_open() {
        let square = |at: f64, half: f64| {
            let corners = [
                (-half, -half),
                (half, -half),
                (half, half),
                (-half, half),
                (-half, -half),
            ];
            corners.map(|(x, y)| (at + x, y)).to_vec()
        };
        let hole: Vec<Point> = square(0.0, 1.0).into_iter().rev().collect();
        let all = [square(0.0, 2.0), hole, square(9.0, 1.0)];
        let found = regions(&all);
        assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1]);
        let whole = cut_open(found[0][0].clone(), vec![found[0][1].clone()]);
        assert_eq!(area(&whole), 12.0);
    }
}
