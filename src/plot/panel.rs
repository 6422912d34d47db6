//! A panel: axes on a part of the page, and data drawn in their units.

use plotters::style::RGBAColor;

use super::axis::{Axis, AxisScale};
use super::sheet::{Align, Point, Rect, Sheet, Type, text_width};
use super::theme::{self, Stroke, faded, stroke};
use crate::error::Result;

/// Air around a panel for its labels, in mm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Margins {
    pub left: f64,
    pub right: f64,
    pub top: f64,
    pub bottom: f64,
}

/// Room for a title and long numbers.
pub const ROOMY: Margins = Margins {
    left: 15.0,
    right: 5.0,
    top: 6.5,
    bottom: 10.0,
};

/// For many small panels without titles.
pub const COMPACT: Margins = Margins {
    left: 11.0,
    right: 2.0,
    top: 2.0,
    bottom: 9.5,
};

const TICK: f64 = 0.9;
/// A tick on the horizontal axis for this many mm, and on the vertical one.
const PER_X_TICK: f64 = 11.0;
const PER_Y_TICK: f64 = 7.5;

/// How the words at the end of a line are set.
const END_LABEL: Type = Type {
    size: 0.85 * theme::TEXT,
    bold: false,
    align: Align::Left,
    upright: false,
};
/// Rounds in which words that touch push each other apart; a few labels need a few dozen.
const RELAXATIONS: usize = 60;
/// From the end of a line to its words, in mm.
const LEADER: f64 = 3.0;

/// The room that words at the ends of lines take, in mm.
pub fn end_label_width(labels: &[String]) -> f64 {
    let widths = labels.iter().map(|label| text_width(label, END_LABEL));
    LEADER + widths.fold(0.0, f64::max)
}

/// Axes with a frame, ready for data.
pub struct Panel<'a, 's> {
    sheet: &'a Sheet<'s>,
    frame: Rect,
    x: Axis,
    y: Axis,
}

impl Margins {
    /// The part of a cell that is left for data.
    pub fn frame(&self, cell: Rect) -> Rect {
        Rect::new(
            cell.left + self.left,
            cell.top + self.top,
            cell.right - self.right,
            cell.bottom - self.bottom,
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

/// How many ticks an axis of this length has.
fn ticks(length: f64, per: f64) -> usize {
    ((length / per) as usize).clamp(3, 7)
}

/// From a vertical axis to the middle of its label, beside numbers of this width, in mm.
fn beside(widest: f64) -> f64 {
    TICK + 2.0 + widest + 0.5 * theme::TEXT
}

/// Where a frame may end for the numbers below it to end at `limit`, in mm.
fn right_end(frame: Rect, x: &Axis, limit: f64) -> f64 {
    (x.ticks(ticks(frame.width(), PER_X_TICK)).into_iter())
        .map(|(value, label)| {
            let half = 0.5 * text_width(&label, Type::label(Align::Center));
            let width = (limit - half - frame.left) / x.share(value);
            match width > 0.0 {
                true => frame.left + width,
                false => f64::INFINITY,
            }
        })
        .fold(f64::INFINITY, f64::min)
}

impl<'a, 's> Panel<'a, 's> {
    /// Draws axes in a cell of the page with the usual margins and a title.
    pub fn new(sheet: &'a Sheet<'s>, cell: Rect, title: &str, x: Axis, y: Axis) -> Result<Self> {
        let at = (cell.left + ROOMY.left, cell.top + 0.55 * ROOMY.top);
        sheet.text(at, title, Type::title(Align::Left), faded(theme::INK, 1.0))?;
        Self::within(sheet, cell, ROOMY, x, y)
    }

    /// Draws axes in a cell of the page.
    pub fn within(
        sheet: &'a Sheet<'s>,
        cell: Rect,
        margins: Margins,
        x: Axis,
        y: Axis,
    ) -> Result<Self> {
        let mut frame = margins.frame(cell);
        // Wide numbers have the room they need, and the label beside them too.
        let numbers = y.ticks(ticks(frame.height(), PER_Y_TICK)).into_iter();
        let widest = numbers
            .map(|(_, label)| text_width(&label, Type::label(Align::Right)))
            .fold(0.0, f64::max);
        frame.left = frame
            .left
            .max(cell.left + beside(widest) + 0.5 * theme::TEXT);
        frame.right = frame.right.min(right_end(frame, &x, cell.right));
        let panel = Self { sheet, frame, x, y };
        panel.axes(cell, widest)?;
        Ok(panel)
    }

    fn axes(&self, cell: Rect, widest: f64) -> Result<()> {
        let frame = self.frame;
        let (ink, grid) = (
            stroke(theme::INK, 1.0, theme::THIN),
            stroke(theme::GRID, 1.0, theme::HAIRLINE),
        );
        let text = faded(theme::INK, 1.0);
        for (value, label) in self.x.ticks(ticks(frame.width(), PER_X_TICK)) {
            let x = self.at_x(value);
            self.sheet
                .line(&[(x, frame.top), (x, frame.bottom)], grid)?;
            self.sheet
                .line(&[(x, frame.bottom), (x, frame.bottom + TICK)], ink)?;
            let at = (x, frame.bottom + TICK + 0.7 * theme::TEXT);
            self.sheet
                .text(at, &label, Type::label(Align::Center), text)?;
        }
        for (value, label) in self.y.ticks(ticks(frame.height(), PER_Y_TICK)) {
            let y = self.at_y(value);
            self.sheet
                .line(&[(frame.left, y), (frame.right, y)], grid)?;
            self.sheet
                .line(&[(frame.left - TICK, y), (frame.left, y)], ink)?;
            let at = (frame.left - TICK - 0.6, y);
            self.sheet
                .text(at, &label, Type::label(Align::Right), text)?;
        }
        let corner = [
            (frame.left, frame.top),
            (frame.left, frame.bottom),
            (frame.right, frame.bottom),
        ];
        self.sheet.line(&corner, ink)?;
        let middle = (
            0.5 * (frame.left + frame.right),
            0.5 * (frame.top + frame.bottom),
        );
        // A label longer than the axis stays within the cell.
        let half = 0.5 * text_width(&self.x.label, Type::label(Align::Center));
        let below = (
            middle.0.min(cell.right - half),
            cell.bottom - 0.8 * theme::TEXT,
        );
        self.sheet
            .text(below, &self.x.label, Type::label(Align::Center), text)?;
        let upright = Type {
            upright: true,
            ..Type::label(Align::Center)
        };
        let left = (frame.left - beside(widest), middle.1);
        self.sheet.text(left, &self.y.label, upright, text)
    }

    fn at_x(&self, x: f64) -> f64 {
        self.frame.left + self.x.share(x) * self.frame.width()
    }

    fn at_y(&self, y: f64) -> f64 {
        self.frame.bottom - self.y.share(y) * self.frame.height()
    }

    /// Where a height in the units of the axis is on the page, in mm.
    pub fn height_of(&self, y: f64) -> f64 {
        self.at_y(y)
    }

    fn on_page(&self, (x, y): Point) -> Point {
        (self.at_x(x), self.at_y(y))
    }

    /// The ranges of the axes.
    pub fn ranges(&self) -> (&Axis, &Axis) {
        (&self.x, &self.y)
    }

    /// A line through points in the units of the axes, cut where it leaves the panel and where a
    /// number is not finite.
    pub fn line(&self, points: impl IntoIterator<Item = Point>, stroke: Stroke) -> Result<()> {
        let mut run: Vec<Point> = Vec::new();
        let mut last: Option<Point> = None;
        for point in points {
            if !(point.0.is_finite() && point.1.is_finite()) {
                self.sheet.line(&std::mem::take(&mut run), stroke)?;
                last = None;
                continue;
            }
            let here = self.on_page(point);
            if let Some(last) = last {
                match clip(last, here, self.frame) {
                    Some((from, to)) => {
                        if run.last() != Some(&from) {
                            self.sheet.line(&std::mem::take(&mut run), stroke)?;
                            run.push(from);
                        }
                        run.push(to);
                    }
                    None => self.sheet.line(&std::mem::take(&mut run), stroke)?,
                }
            }
            last = Some(here);
        }
        self.sheet.line(&run, stroke)
    }

    /// The area between two curves over the same x.
    pub fn band(&self, points: &[(f64, f64, f64)], color: RGBAColor) -> Result<()> {
        let inside = |point: Point| {
            let (x, y) = self.on_page(point);
            (x, y.clamp(self.frame.top, self.frame.bottom))
        };
        let finite: Vec<_> = (points.iter())
            .filter(|(x, low, high)| x.is_finite() && low.is_finite() && high.is_finite())
            .collect();
        let lower = finite.iter().map(|p| inside((p.0, p.1)));
        let upper = finite.iter().rev().map(|p| inside((p.0, p.2)));
        let outline: Vec<Point> = lower.chain(upper).collect();
        self.sheet.fill(&outline, color)
    }

    /// Closed outlines in the units of the axes, filled as one region, holes left open: an outline
    /// that runs the other way round cancels the one it lies in.
    pub fn fill(&self, outlines: &[Vec<Point>], color: RGBAColor) -> Result<()> {
        let pressed = |&point: &Point| {
            let (x, y) = self.on_page(point);
            (
                x.clamp(self.frame.left, self.frame.right),
                y.clamp(self.frame.top, self.frame.bottom),
            )
        };
        let Some(home) = outlines.first().and_then(|outline| outline.first()) else {
            return Ok(());
        };
        // One polygon, going home after each outline: the way there and back encloses nothing.
        let there_and_back = (outlines.iter())
            .flat_map(|outline| outline.iter().chain(std::iter::once(home)))
            .map(pressed)
            .collect::<Vec<Point>>();
        self.sheet.fill(&there_and_back, color)
    }

    /// Words at the right end of lines at the given heights, moved apart where they would touch,
    /// each with a leader from its line.
    pub fn end_labels(&self, mut labels: Vec<(f64, String)>, color: RGBAColor) -> Result<()> {
        let apart = 1.15 * END_LABEL.size;
        labels.retain(|(y, _)| y.is_finite());
        labels.sort_by(|a, b| b.0.total_cmp(&a.0));
        let ends: Vec<f64> = labels.iter().map(|(y, _)| self.at_y(*y)).collect();
        let mut heights = ends.clone();
        for _ in 0..RELAXATIONS {
            for i in 1..heights.len() {
                let lacking = apart - (heights[i] - heights[i - 1]);
                if lacking > 0.0 {
                    heights[i - 1] -= 0.5 * lacking;
                    heights[i] += 0.5 * lacking;
                }
            }
        }
        // What was pushed below the panel pushes back up.
        let mut floor = self.frame.bottom;
        for height in heights.iter_mut().rev() {
            *height = height.min(floor);
            floor = *height - apart;
        }
        let right = self.frame.right;
        for ((end, height), (_, label)) in ends.into_iter().zip(heights).zip(labels) {
            let leader = stroke(theme::INK, 0.5, theme::HAIRLINE);
            (self.sheet).line(
                &[(right + 0.3, end), (right + LEADER - 0.4, height)],
                leader,
            )?;
            (self.sheet).text((right + LEADER, height), &label, END_LABEL, color)?;
        }
        Ok(())
    }

    /// Writes a few words beside a point, on white, on the side where there is room.
    pub fn note(&self, at: Point, text: &str) -> Result<()> {
        let (x, y) = self.on_page(at);
        let kind = END_LABEL;
        let width = text_width(text, kind);
        let left = if x + 2.0 + width < self.frame.right {
            x + 2.0
        } else {
            x - 2.0 - width
        };
        let half = 0.62 * kind.size;
        let ground = [
            (left - 0.5, y - half),
            (left + width + 0.5, y - half),
            (left + width + 0.5, y + half),
            (left - 0.5, y + half),
        ];
        self.sheet
            .fill(&ground, faded(plotters::style::WHITE, 0.75))?;
        self.sheet
            .text((left, y), text, kind, faded(theme::INK, 1.0))
    }

    /// A dot if it is within the panel; a ring where a width is given.
    pub fn dot(&self, at: Point, radius: f64, color: RGBAColor, width: Option<f64>) -> Result<()> {
        let within = |share: f64| (0.0..=1.0).contains(&share);
        if within(self.x.share(at.0)) && within(self.y.share(at.1)) {
            self.sheet.dot(self.on_page(at), radius, color, width)?;
        }
        Ok(())
    }

    /// A line across the panel at one height, if it is within.
    pub fn level(&self, y: f64, stroke: Stroke) -> Result<()> {
        let positive = self.y.scale != AxisScale::Log || y > 0.0;
        if positive && (0.0..=1.0).contains(&self.y.share(y)) {
            self.line([(self.x.low, y), (self.x.high, y)], stroke)?;
        }
        Ok(())
    }
}

/// The part of a segment within a box (Liang and Barsky 1984).
fn clip(from: Point, to: Point, frame: Rect) -> Option<(Point, Point)> {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let (mut enter, mut leave) = (0.0f64, 1.0f64);
    for (direction, distance) in [
        (-dx, from.0 - frame.left),
        (dx, frame.right - from.0),
        (-dy, from.1 - frame.top),
        (dy, frame.bottom - from.1),
    ] {
        if direction == 0.0 {
            if distance < 0.0 {
                return None;
            }
        } else if direction < 0.0 {
            enter = enter.max(distance / direction);
        } else {
            leave = leave.min(distance / direction);
        }
    }
    let along = |t: f64| {
        if t == 1.0 {
            to
        } else {
            (from.0 + t * dx, from.1 + t * dy)
        }
    };
    (enter <= leave).then(|| (along(enter), along(leave)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_number_below_an_axis_is_not_cut() {
        theme::load_fonts().unwrap();
        let frame = Rect::new(15.0, 5.0, 99.0, 50.0);
        for (low, high, fits) in [(0.998, 1.002, false), (0.0, 1e5, false), (0.0, 0.97, true)] {
            let x = Axis::linear(low, high, "x");
            let end = frame.right.min(right_end(frame, &x, 100.0));
            for (value, label) in x.ticks(ticks(frame.width(), PER_X_TICK)) {
                let at = frame.left + x.share(value) * (end - frame.left);
                let half = 0.5 * text_width(&label, Type::label(Align::Center));
                assert!(at + half <= 100.0 + 1e-9, "{label} ends at {}", at + half);
            }
            // Numbers that fit leave the frame as it is.
            assert_eq!(end < frame.right, !fits, "{low} to {high}: {end}");
        }
    }
}
