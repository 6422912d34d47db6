//! What is drawn, and the files made of it: SVG with its PNG and PDF, PostScript, TikZ.

mod eps;
mod ink;
mod raster;
mod svg;
mod tikz;

use std::collections::BTreeSet;

use resvg::tiny_skia::Pixmap;

use super::sheet::{Point, Type};
use super::style::Style;
use super::theme::Stroke;
use crate::config::FigureFormat;
use crate::error::Result;
use plotters::style::RGBAColor;

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

/// A page with what is on it.
pub struct Drawing {
    /// Width and height, in mm.
    pub size: [f64; 2],
    /// What it looks like.
    pub style: Style,
    /// What is on it, the lowest first.
    pub marks: Vec<Mark>,
    /// Every text that is on it, as it is before another one is drawn for it.
    pub texts: BTreeSet<String>,
}

/// A picture that stands still, as SVG.
pub struct Svg(pub String);

impl Drawing {
    /// As SVG.
    ///
    /// # Errors
    /// If it cannot be drawn, with the name of the figure.
    pub fn svg(&self, name: &str) -> Result<Svg> {
        svg::svg(self, name).map(Svg)
    }

    /// In the files of its style: how their names end, and what is in them.
    ///
    /// # Errors
    /// If one cannot be made, with the name of the figure.
    pub fn files(&self, name: &str) -> Result<Vec<(FigureFormat, Vec<u8>)>> {
        let svg = self.svg(name)?;
        let mut formats = self.style.formats.clone();
        formats.sort_unstable();
        formats.dedup();
        let file = |format| {
            let bytes = match format {
                FigureFormat::Svg => svg.0.clone().into_bytes(),
                FigureFormat::Png => raster::png(&svg.0, &self.style, name)?,
                FigureFormat::Pdf => raster::pdf(&svg.0, &self.style, name)?,
                FigureFormat::Eps => eps::eps(self, name).into_bytes(),
                FigureFormat::Tikz => tikz::tikz(self, name).into_bytes(),
            };
            Ok((format, bytes))
        };
        formats.into_iter().map(file).collect()
    }

    /// Its pixels, this many across.
    pub fn pixels(&self, name: &str, width: u32) -> Result<Pixmap> {
        raster::pixels(&self.svg(name)?.0, &self.style, name, width)
    }
}

impl Svg {
    /// As PNG.
    ///
    /// # Errors
    /// If it is too large.
    pub fn png(&self, style: &Style, name: &str) -> Result<Vec<u8>> {
        raster::png(&self.0, style, name)
    }
}
