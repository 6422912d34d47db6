//! A panel: axes on a part of the page, and data drawn in their units.

use std::cell::{Cell, RefCell};

use plotters::style::RGBAColor;

use super::axis::{Axis, AxisScale};
use super::legend::cross;
use super::margins::{
    Margins, ROOMY, TICK, beside, right_end, title_height, title_lines, x_ticks, y_ticks,
};
use super::mark::{Align, Point, Rect, Type};
use super::outlines;
use super::sheet::{LEADING, Sheet};
use super::style::ink;
use super::theme::{self, Stroke, faded, stroke};
use super::ticks::in_words;
use crate::error::Result;

/// What lies beyond an end of an axis by no more than this share of it touches it.
const TOUCHING: f64 = 1e-6;
/// The radius of a dot for a line of one point, in mm.
const LONE: f64 = 0.4;
/// Axes with a frame, ready for data.
pub struct Panel<'a, 's> {
    pub(super) sheet: &'a Sheet<'s>,
    pub(super) frame: Rect,
    x: Axis,
    y: Axis,
    /// Where words are already.
    notes: RefCell<Vec<Rect>>,
    /// The lowest and the highest of what was drawn over the axis below.
    reach: Cell<[f64; 2]>,
}

impl<'a, 's> Panel<'a, 's> {
    /// Draws axes in a cell of the page with the usual margins and a title, on as many lines as it takes.
    pub fn new(sheet: &'a Sheet<'s>, cell: Rect, title: &str, x: Axis, y: Axis) -> Result<Self> {
        let lines = title_lines(sheet.style, title, cell.width());
        sheet.names(title);
        let at = (
            cell.left + sheet.style.scaled(ROOMY.left),
            cell.top + sheet.style.scaled(0.55 * ROOMY.top),
        );
        sheet.lines(at, &lines, Type::title(Align::Left))?;
        let more = title_height(sheet.style, title, cell.width());
        Self::within(sheet, cell.below(more), ROOMY, x, y)
    }

    /// Draws axes in a cell of the page.
    pub fn within(
        sheet: &'a Sheet<'s>,
        cell: Rect,
        margins: Margins,
        x: Axis,
        y: Axis,
    ) -> Result<Self> {
        let style = sheet.style;
        let (x, y) = (style.x_axis(x), style.y_axis(y));
        let mut frame = margins.frame(style, cell);
        // Wide numbers have the room they need, and the label beside them too.
        let numbers = y_ticks(style, &y, frame.height()).into_iter();
        let widest = numbers
            .map(|(_, label)| style.text_width(&label, Type::label(Align::Right)))
            .fold(0.0, f64::max);
        if margins.named[1] && y.scale != AxisScale::Unmarked {
            let room = beside(style, widest) + 0.5 * style.text;
            frame.left = frame.left.max(cell.left + room);
        }
        // Whatever is asked for, there is a frame.
        frame.left = frame.left.min(frame.right - 1.0);
        frame.bottom = frame.bottom.max(frame.top + 1.0);
        if margins.named[0] {
            frame.right = frame.right.min(right_end(style, frame, &x, cell.right));
        }
        let panel = Self {
            sheet,
            frame,
            x,
            y,
            notes: RefCell::default(),
            reach: Cell::new([f64::INFINITY, f64::NEG_INFINITY]),
        };
        panel.axes(cell, widest, margins.named)?;
        Ok(panel)
    }

    fn axes(&self, cell: Rect, widest: f64, named: [bool; 2]) -> Result<()> {
        let (frame, style) = (self.frame, self.sheet.style);
        let (line, grid) = (
            stroke(theme::INK, 1.0, theme::THIN),
            stroke(theme::GRID, 1.0, theme::HAIRLINE),
        );
        for (value, label) in x_ticks(style, &self.x, frame.width()) {
            let x = self.at_x(value);
            self.sheet
                .line(&[(x, frame.top), (x, frame.bottom)], grid)?;
            self.sheet
                .line(&[(x, frame.bottom), (x, frame.bottom + TICK)], line)?;
            if named[0] {
                let at = (x, frame.bottom + TICK + 0.7 * style.text);
                (self.sheet).text(at, &label, Type::label(Align::Center), ink())?;
            }
        }
        for (value, label) in y_ticks(style, &self.y, frame.height()) {
            let y = self.at_y(value);
            self.sheet
                .line(&[(frame.left, y), (frame.right, y)], grid)?;
            self.sheet
                .line(&[(frame.left - TICK, y), (frame.left, y)], line)?;
            if named[1] {
                let at = (frame.left - TICK - 0.6, y);
                (self.sheet).text(at, &label, Type::label(Align::Right), ink())?;
            }
        }
        let corner = [
            (frame.left, frame.top),
            (frame.left, frame.bottom),
            (frame.right, frame.bottom),
        ];
        self.sheet.line(&corner, line)?;
        let middle = (
            0.5 * (frame.left + frame.right),
            0.5 * (frame.top + frame.bottom),
        );
        if named[0] {
            self.sheet.names(&self.x.label);
            let label = style.axis_label(&self.x);
            // A label longer than the axis stays within the cell.
            let half = 0.5 * style.text_width(&label, Type::label(Align::Center));
            let below = (
                middle.0.min(cell.right - half).max(cell.left + half),
                cell.bottom - 0.8 * style.text,
            );
            (self.sheet).text(below, &label, Type::label(Align::Center), ink())?;
        }
        if !named[1] {
            return Ok(());
        }
        self.sheet.names(&self.y.label);
        let upright = Type {
            upright: true,
            ..Type::label(Align::Center)
        };
        let label = style.axis_label(&self.y);
        let left = (frame.left - beside(style, widest), middle.1);
        self.sheet.text(left, &label, upright, ink())
    }

    /// How far what was drawn reaches beyond the panel, in words, if it does.
    pub fn cut(&self) -> Option<String> {
        let [low, high] = self.reach.get();
        let above = (self.y.share(high) > 1.0 + TOUCHING && high.is_finite())
            .then(|| format!("↑ up to {}", in_words(high)));
        let below = (self.y.share(low) < -TOUCHING && low.is_finite())
            .then(|| format!("↓ down to {}", in_words(low)));
        match (above, below) {
            (Some(above), Some(below)) => Some(format!("{above}, {below}")),
            (above, below) => above.or(below),
        }
    }

    /// Writes lines in the upper right corner, over everything else.
    pub fn corner(&self, words: impl IntoIterator<Item = String>) -> Result<()> {
        let (frame, style) = (self.frame, self.sheet.style);
        let kind = Type::note(Align::Right);
        let apart = LEADING * kind.size * style.text;
        for (i, words) in words.into_iter().enumerate() {
            let words = style.shortened(&words, kind, frame.width() - 1.2);
            let at = (
                frame.right - 0.6,
                frame.top + 0.6 * style.text + apart * i as f64,
            );
            self.on_ground((at.0 - style.text_width(&words, kind), at.0), at.1)?;
            self.sheet.text(at, &words, kind, ink())?;
        }
        Ok(())
    }

    /// A ground for a line of words between two ends, which hides what is below them.
    fn on_ground(&self, (left, right): (f64, f64), y: f64) -> Result<()> {
        let half = 0.62 * Type::note(Align::Left).size * self.sheet.style.text;
        let color = self
            .sheet
            .style
            .background
            .unwrap_or(plotters::style::WHITE);
        let ground = [
            (left - 0.5, y - half),
            (right + 0.5, y - half),
            (right + 0.5, y + half),
            (left - 0.5, y + half),
        ];
        (self.sheet).fill(&ground, faded(color, 0.9))
    }

    fn at_x(&self, x: f64) -> f64 {
        self.frame.left + self.x.share(x) * self.frame.width()
    }

    /// Where a height in the units of the axis is on the page, in mm.
    pub(super) fn at_y(&self, y: f64) -> f64 {
        self.frame.bottom - self.y.share(y) * self.frame.height()
    }

    fn on_page(&self, (x, y): Point) -> Point {
        (self.at_x(x), self.at_y(y))
    }

    /// The ranges of the axes.
    pub fn ranges(&self) -> (&Axis, &Axis) {
        (&self.x, &self.y)
    }

    /// Notes that something is drawn at a point.
    fn reaches(&self, (x, y): Point) {
        if (0.0..=1.0).contains(&self.x.share(x)) {
            let [low, high] = self.reach.get();
            self.reach.set([low.min(y), high.max(y)]);
        }
    }

    /// A line through points in the units of the axes, or a dot where there is one alone.
    pub fn curve(&self, points: impl IntoIterator<Item = Point>, stroke: Stroke) -> Result<()> {
        let points: Vec<Point> = points.into_iter().collect();
        match points[..] {
            [point] => self.dot(point, LONE + stroke.width, stroke.color, None),
            _ => self.line(points, stroke),
        }
    }

    /// Whether a point is within the panel.
    pub fn holds(&self, (x, y): Point) -> bool {
        let within = |share: f64| (0.0..=1.0).contains(&share);
        within(self.x.share(x)) && within(self.y.share(y))
    }

    /// Keeps words away from a point, by so many mm.
    pub fn keep_free(&self, at: Point, radius: f64) {
        let (x, y) = self.on_page(at);
        let around = Rect::new(x - radius, y - radius, x + radius, y + radius);
        self.notes.borrow_mut().push(around);
    }

    /// A cross where a run failed.
    pub fn cross(&self, at: Point, stroke: Stroke) -> Result<()> {
        self.reaches(at);
        match self.holds(at) {
            true => cross(self.sheet, self.on_page(at), stroke),
            false => Ok(()),
        }
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
            self.reaches(point);
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

    /// Closed outlines in the units of the axes, filled, holes left open: outlines that run clockwise.
    pub fn fill(&self, outlines: &[Vec<Point>], color: RGBAColor) -> Result<()> {
        let pressed = |&point: &Point| {
            let (x, y) = self.on_page(point);
            (
                x.clamp(self.frame.left, self.frame.right),
                y.clamp(self.frame.top, self.frame.bottom),
            )
        };
        (outlines::apart(outlines, pressed).iter())
            .try_for_each(|outline| self.sheet.fill(outline, color))
    }

    /// Writes a few words beside a point, on a ground, on the side where there is room.
    pub fn note(&self, at: Point, text: &str) -> Result<()> {
        let (x, y) = self.on_page(at);
        let kind = Type::note(Align::Left);
        let width = self.sheet.style.text_width(text, kind);
        let left = if x + 2.0 + width < self.frame.right {
            x + 2.0
        } else {
            x - 2.0 - width
        };
        // Below other words where it would lie on them.
        let height = 1.2 * kind.size * self.sheet.style.text;
        let mut own = Rect::new(left, y - 0.5 * height, left + width, y + 0.5 * height);
        while let Some(other) = (self.notes.borrow().iter()).find(|other| own.meets(other)) {
            let down = other.bottom - own.top + 1e-6;
            (own.top, own.bottom) = (own.top + down, own.bottom + down);
        }
        self.notes.borrow_mut().push(own);
        let y = 0.5 * (own.top + own.bottom);
        self.on_ground((left, left + width), y)?;
        self.sheet.text((left, y), text, kind, ink())
    }

    /// A cross above the panel, with how many runs failed there: no end and no words in the panel can lie there.
    pub fn failure(&self, x: f64, count: usize, stroke: Stroke) -> Result<()> {
        if !(0.0..=1.0).contains(&self.x.share(x)) {
            return Ok(());
        }
        let at = (self.at_x(x), self.frame.top - 0.6 * self.sheet.style.text);
        self.counted(at, count, stroke)
    }

    /// The same on the right of the panel.
    pub fn failure_beside(&self, y: f64, count: usize, stroke: Stroke) -> Result<()> {
        let at = (self.frame.right + 0.6 * self.sheet.style.text, self.at_y(y));
        self.counted(at, count, stroke)
    }

    fn counted(&self, at: Point, count: usize, stroke: Stroke) -> Result<()> {
        cross(self.sheet, at, stroke)?;
        let kind = Type::note(Align::Left);
        (self.sheet).text((at.0 + 1.5, at.1), &count.to_string(), kind, ink())
    }

    /// A dot if it is within the panel; a ring where a width is given.
    pub fn dot(&self, at: Point, radius: f64, color: RGBAColor, width: Option<f64>) -> Result<()> {
        self.reaches(at);
        if self.holds(at) {
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
