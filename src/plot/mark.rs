//! What is drawn, and where: points, boxes and texts on a page, in millimetres.

use plotters::style::RGBAColor;

use super::font::Cut;
use super::theme::Stroke;

/// A point in mm from the top left.
pub type Point = (f64, f64);

/// A box in mm from the top left.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rect {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

impl Rect {
    pub fn new(left: f64, top: f64, right: f64, bottom: f64) -> Self {
        Self {
            left,
            top,
            right,
            bottom,
        }
    }

    pub fn width(&self) -> f64 {
        self.right - self.left
    }

    pub fn height(&self) -> f64 {
        self.bottom - self.top
    }

    /// One cell of an even grid over the box.
    pub fn cell(&self, (row, rows): (usize, usize), (column, columns): (usize, usize)) -> Self {
        let (width, height) = (self.width() / columns as f64, self.height() / rows as f64);
        let (left, top) = (
            self.left + width * column as f64,
            self.top + height * row as f64,
        );
        Self::new(left, top, left + width, top + height)
    }

    /// Whether two boxes have a point in common.
    pub fn meets(&self, other: &Self) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }

    /// The box without its first `height` mm.
    pub fn below(&self, height: f64) -> Self {
        Self {
            top: self.top + height,
            ..*self
        }
    }
}

/// Where a text is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    Left,
    Center,
    Right,
}

/// How a text is set.
#[derive(Debug, Clone, Copy)]
pub struct Type {
    /// As a share of the size of labels.
    pub size: f64,
    pub bold: bool,
    pub align: Align,
    /// Reads from bottom to top.
    pub upright: bool,
}

impl Type {
    /// A label, its middle held at the given side.
    pub fn label(align: Align) -> Self {
        Self {
            size: 1.0,
            bold: false,
            align,
            upright: false,
        }
    }

    /// A panel's title.
    pub fn title(align: Align) -> Self {
        Self {
            size: 1.1,
            bold: true,
            ..Self::label(align)
        }
    }

    /// Words among what is drawn.
    pub fn note(align: Align) -> Self {
        Self {
            size: 0.85,
            ..Self::label(align)
        }
    }
}

impl Type {
    /// The face of the font that it is set in.
    pub fn cut(self, italic: bool) -> Cut {
        match (self.bold, italic) {
            (true, _) => Cut::Bold,
            (false, true) => Cut::Italic,
            (false, false) => Cut::Regular,
        }
    }
}

/// Something on a page, in mm from its top left.
#[derive(Debug, Clone)]
pub enum Mark {
    /// A line through points.
    Line { points: Vec<Point>, stroke: Stroke },
    /// A filled polygon.
    Fill {
        points: Vec<Point>,
        color: RGBAColor,
    },
    /// A filled dot, or a ring of a width.
    Dot {
        at: Point,
        radius: f64,
        color: RGBAColor,
        width: Option<f64>,
    },
    /// A text, held in the middle of its height.
    Text {
        at: Point,
        text: String,
        kind: Type,
        color: RGBAColor,
    },
}
