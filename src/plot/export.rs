//! What is drawn, and the files made of it: an SVG with its PNG and PDF, or a GIF.

use std::sync::{Arc, OnceLock};

use resvg::{tiny_skia, usvg};
use svg2pdf::{ConversionOptions, PageOptions};

use super::theme;
use crate::error::{Error, Result};

/// CSS pixels per inch, which usvg measures in.
const CSS_DPI: f64 = 96.0;

/// What a figure is drawn as, and the files that are made of it.
pub trait Drawing: Sized {
    /// How their names end; the first holds all of it.
    const EXTENSIONS: &'static [&'static str];

    /// What is in each of them.
    ///
    /// # Errors
    /// If it cannot be made, with the name of the figure.
    fn encode(&self, name: &str) -> Result<Vec<Vec<u8>>>;

    /// It again, from the first.
    fn decode(bytes: Vec<u8>) -> Option<Self>;
}

/// A picture that stands still.
pub struct Svg(pub String);

/// One that moves.
pub struct Gif(pub Vec<u8>);

impl Drawing for Svg {
    const EXTENSIONS: &'static [&'static str] = &["svg", "png", "pdf"];

    fn encode(&self, name: &str) -> Result<Vec<Vec<u8>>> {
        let tree = self.parsed(name)?;
        let page = PageOptions {
            dpi: CSS_DPI as f32,
        };
        let pdf = svg2pdf::to_pdf(&tree, ConversionOptions::default(), page)
            .map_err(|error| Error::figure(name, error))?;
        let png = png(&tree).ok_or_else(|| too_large(name))?;
        Ok(vec![self.0.clone().into_bytes(), png, pdf])
    }

    fn decode(bytes: Vec<u8>) -> Option<Self> {
        String::from_utf8(bytes).ok().map(Self)
    }
}

impl Drawing for Gif {
    const EXTENSIONS: &'static [&'static str] = &["gif"];

    fn encode(&self, _: &str) -> Result<Vec<Vec<u8>>> {
        Ok(vec![self.0.clone()])
    }

    fn decode(bytes: Vec<u8>) -> Option<Self> {
        Some(Self(bytes))
    }
}

impl Svg {
    /// As PNG.
    pub fn png(&self, name: &str) -> Result<Vec<u8>> {
        png(&self.parsed(name)?).ok_or_else(|| too_large(name))
    }

    /// Its pixels, this many across.
    pub fn pixels(&self, name: &str, width: u32) -> Result<tiny_skia::Pixmap> {
        let tree = self.parsed(name)?;
        let scale = width as f32 / tree.size().width();
        let height = (scale * tree.size().height()) as u32;
        render(&tree, scale, (width, height)).ok_or_else(|| too_large(name))
    }

    fn parsed(&self, name: &str) -> Result<usvg::Tree> {
        usvg::Tree::from_str(&self.0, &options()).map_err(|error| Error::figure(name, error))
    }
}

fn too_large(name: &str) -> Error {
    Error::figure(name, "the picture is too large")
}

fn options() -> usvg::Options<'static> {
    usvg::Options {
        fontdb: fonts(),
        font_family: "DejaVu Sans".to_owned(),
        ..usvg::Options::default()
    }
}

fn png(tree: &usvg::Tree) -> Option<Vec<u8>> {
    let scale = (theme::PNG_DPI / CSS_DPI) as f32;
    let size = tree.size().to_int_size().scale_by(scale)?;
    render(tree, scale, (size.width(), size.height()))?
        .encode_png()
        .ok()
}

fn render(tree: &usvg::Tree, scale: f32, (width, height): (u32, u32)) -> Option<tiny_skia::Pixmap> {
    let mut pixels = tiny_skia::Pixmap::new(width, height)?;
    let transform = tiny_skia::Transform::from_scale(scale, scale);
    resvg::render(tree, transform, &mut pixels.as_mut());
    Some(pixels)
}

/// The embedded fonts and no others, so that a figure is the same on every machine.
fn fonts() -> Arc<usvg::fontdb::Database> {
    static FONTS: OnceLock<Arc<usvg::fontdb::Database>> = OnceLock::new();
    let made = FONTS.get_or_init(|| {
        let mut fonts = usvg::fontdb::Database::new();
        fonts.load_font_data(dejavu::sans::regular().to_vec());
        fonts.load_font_data(dejavu::sans::bold().to_vec());
        fonts.set_sans_serif_family("DejaVu Sans");
        Arc::new(fonts)
    });
    Arc::clone(made)
}
