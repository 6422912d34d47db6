//! What stands around a panel, and the room that it takes: margins, numbers and titles.

use super::axis::Axis;
use super::mark::{Align, Rect, Type};
use super::sheet::LEADING;
use super::style::Style;

/// Air around a panel for its labels, in mm where they have 8 points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Margins {
    pub left: f64,
    pub right: f64,
    pub top: f64,
    pub bottom: f64,
    /// Whether the axes are written on: those of panels beside each other may be shared.
    pub named: [bool; 2],
}

/// Room for a title and long numbers.
pub const ROOMY: Margins = Margins {
    left: 15.0,
    right: 5.0,
    top: 6.5,
    bottom: 10.0,
    named: [true; 2],
};

/// For many small panels without titles.
pub const COMPACT: Margins = Margins {
    left: 11.0,
    right: 2.0,
    top: 2.0,
    bottom: 9.5,
    named: [true; 2],
};

/// The length of a tick, in mm.
pub const TICK: f64 = 0.9;
/// A tick on the horizontal axis for this many mm, and on the vertical one.
const PER_X_TICK: f64 = 11.0;
const PER_Y_TICK: f64 = 7.5;

impl Margins {
    /// The part of a cell that is left for data.
    pub fn frame(&self, style: &Style, cell: Rect) -> Rect {
        Rect::new(
            cell.left + style.scaled(self.left),
            cell.top + style.scaled(self.top),
            cell.right - style.scaled(self.right),
            cell.bottom - style.scaled(self.bottom),
        )
    }
}

/// Of two ranges whose lengths differ by more than this, a unit is not as long on both axes: the
/// shorter would be a line.
const MOST_UNEQUAL: f64 = 5.0;

/// Widens one of two ranges so that a unit is as long on both axes of a frame, where that leaves
/// something to see.
pub fn equal_aspect(frame: Rect, mut x: Axis, mut y: Axis) -> (Axis, Axis) {
    let ratio = (x.high - x.low) / (y.high - y.low);
    if !(1.0 / MOST_UNEQUAL..=MOST_UNEQUAL).contains(&ratio) {
        return (x, y);
    }
    let per_unit = (frame.width() / (x.high - x.low)).min(frame.height() / (y.high - y.low));
    for (axis, length) in [(&mut x, frame.width()), (&mut y, frame.height())] {
        let middle = 0.5 * (axis.low + axis.high);
        let half = 0.5 * length / per_unit;
        (axis.low, axis.high) = (middle - half, middle + half);
    }
    (x, y)
}

/// How many ticks an axis of this length has: one for so many mm, where letters have 8 points.
fn count(style: &Style, length: f64, per: f64) -> usize {
    ((length / style.scaled(per)) as usize).clamp(2, 7)
}

/// The ticks of a vertical axis of this length.
pub fn y_ticks(style: &Style, axis: &Axis, length: f64) -> Vec<(f64, String)> {
    axis.ticks(count(style, length, PER_Y_TICK))
}

/// The ticks of a horizontal axis of this length: as many as there is room for beside each other.
pub fn x_ticks(style: &Style, axis: &Axis, length: f64) -> Vec<(f64, String)> {
    let have_room = |ticks: &[(f64, String)]| {
        let kind = Type::label(Align::Center);
        let half = |label: &str| 0.5 * style.text_width(label, kind);
        ticks.windows(2).all(|pair| {
            let apart = (axis.share(pair[1].0) - axis.share(pair[0].0)) * length;
            apart >= half(&pair[0].1) + half(&pair[1].1) + 0.4 * style.text
        })
    };
    let all = (1..=count(style, length, PER_X_TICK)).rev();
    let mut all = all.map(|count| axis.ticks(count));
    let fitting = all.find(|ticks| have_room(ticks));
    fitting.unwrap_or_else(|| axis.ticks(1).into_iter().take(1).collect())
}

/// From a vertical axis to the middle of its label, beside numbers of this width, in mm.
pub fn beside(style: &Style, widest: f64) -> f64 {
    TICK + style.scaled(2.0) + widest + 0.5 * style.text
}

/// Where a frame may end for the numbers below it to end at `limit`, in mm.
pub fn right_end(style: &Style, frame: Rect, x: &Axis, limit: f64) -> f64 {
    (x_ticks(style, x, frame.width()).into_iter())
        .map(|(value, label)| {
            let half = 0.5 * style.text_width(&label, Type::label(Align::Center));
            let width = (limit - half - frame.left) / x.share(value);
            match width > 0.0 {
                true => frame.left + width,
                false => f64::INFINITY,
            }
        })
        .fold(f64::INFINITY, f64::min)
}

/// A title on as many lines as it takes in a cell of this width, in mm.
pub fn title_lines(style: &Style, title: &str, width: f64) -> Vec<String> {
    let room = width - style.scaled(ROOMY.left + 1.0);
    style.lines(title, Type::title(Align::Left), room)
}

/// What a title takes of the height of a cell of a width beyond its first line, in mm.
pub fn title_height(style: &Style, title: &str, width: f64) -> f64 {
    let lines = title_lines(style, title, width).len().max(1);
    LEADING * Type::title(Align::Left).size * style.text * (lines - 1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::FigureConfig;

    #[test]
    fn the_last_number_below_an_axis_is_not_cut() {
        let style = Style::new(&FigureConfig::default()).unwrap();
        let frame = Rect::new(15.0, 5.0, 99.0, 50.0);
        for (low, high, fits) in [(0.998, 1.002, false), (0.0, 1e5, false), (0.0, 0.97, true)] {
            let x = Axis::linear(low, high, "x");
            let end = frame.right.min(right_end(&style, frame, &x, 100.0));
            for (value, label) in x_ticks(&style, &x, frame.width()) {
                let at = frame.left + x.share(value) * (end - frame.left);
                let half = 0.5 * style.text_width(&label, Type::label(Align::Center));
                assert!(at + half <= 100.0 + 1e-9, "{label} ends at {}", at + half);
            }
            // Numbers that fit leave the frame as it is.
            assert_eq!(end < frame.right, !fits, "{low} to {high}: {end}");
        }
    }
}
