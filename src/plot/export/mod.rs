//! What is drawn, and the files made of it: SVG with its PNG and PDF, PostScript, TikZ.

mod eps;
mod ink;
mod raster;
mod svg;
mod tikz;

use std::collections::BTreeSet;

use resvg::tiny_skia::Pixmap;

use super::mark::Mark;
use super::style::Style;
use crate::config::FigureFormat;
use crate::error::Result;

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
