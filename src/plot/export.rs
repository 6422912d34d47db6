//! One picture, three files: the SVG that was drawn, and the PNG and PDF made from it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use resvg::{tiny_skia, usvg};
use svg2pdf::{ConversionOptions, PageOptions};

use super::theme;
use crate::error::{Error, Result};

/// CSS pixels per inch, which usvg measures in.
const CSS_DPI: f64 = 96.0;

/// Writes `name.svg`, `name.png` and `name.pdf` into a folder; returns their paths.
pub fn write(folder: &Path, name: &str, svg: &str) -> Result<Vec<PathBuf>> {
    let tree = parsed(name, svg)?;
    let page = PageOptions {
        dpi: CSS_DPI as f32,
    };
    let pdf = svg2pdf::to_pdf(&tree, ConversionOptions::default(), page)
        .map_err(|error| failed(name, error.to_string()))?;
    let png = png(&tree).ok_or_else(|| too_large(name))?;
    let write = |extension: &str, bytes: &[u8]| {
        let path = folder.join(format!("{name}.{extension}"));
        fs::write(&path, bytes).map_err(Error::io("write", &path))?;
        Ok::<_, Error>(path)
    };
    Ok(vec![
        write("svg", svg.as_bytes())?,
        write("png", &png)?,
        write("pdf", &pdf)?,
    ])
}

/// The PNG of a picture.
pub fn to_png(name: &str, svg: &str) -> Result<Vec<u8>> {
    let tree = parsed(name, svg)?;
    png(&tree).ok_or_else(|| too_large(name))
}

/// The pixels of a picture, so many across.
pub fn pixels(name: &str, svg: &str, width: u32) -> Result<tiny_skia::Pixmap> {
    let tree = parsed(name, svg)?;
    let scale = width as f32 / tree.size().width();
    let height = (scale * tree.size().height()) as u32;
    render(&tree, scale, (width, height)).ok_or_else(|| too_large(name))
}

fn failed(name: &str, message: impl Into<String>) -> Error {
    Error::Figure {
        figure: name.to_owned(),
        message: message.into(),
    }
}

fn too_large(name: &str) -> Error {
    failed(name, "the picture is too large")
}

fn parsed(name: &str, svg: &str) -> Result<usvg::Tree> {
    usvg::Tree::from_str(svg, &options()).map_err(|error| failed(name, error.to_string()))
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
