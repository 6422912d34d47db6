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
        render(&tree, [width, height]).ok_or_else(|| too_large(name))
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

/// Pixels without transparency, and how large they are on paper.
fn png(tree: &usvg::Tree) -> Option<Vec<u8>> {
    let scale = theme::PNG_DPI / CSS_DPI;
    let [width, height] = [tree.size().width(), tree.size().height()]
        .map(|length| (scale * f64::from(length)).round() as u32);
    let pixels = render(tree, [width, height])?;
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let per_metre = (theme::PNG_DPI / 0.0254).round() as u32;
    encoder.set_pixel_dims(Some(png::PixelDimensions {
        xppu: per_metre,
        yppu: per_metre,
        unit: png::Unit::Meter,
    }));
    let colors: Vec<u8> = (pixels.data().chunks_exact(4))
        .flat_map(|pixel| [pixel[0], pixel[1], pixel[2]])
        .collect();
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(&colors).ok()?;
    writer.finish().ok()?;
    Some(bytes)
}

/// So many pixels across and down, on white: what is drawn may end within the last of them.
fn render(tree: &usvg::Tree, [width, height]: [u32; 2]) -> Option<tiny_skia::Pixmap> {
    let mut pixels = tiny_skia::Pixmap::new(width, height)?;
    pixels.fill(tiny_skia::Color::WHITE);
    let transform = tiny_skia::Transform::from_scale(
        width as f32 / tree.size().width(),
        height as f32 / tree.size().height(),
    );
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Sizes that are no whole number of pixels leave nothing transparent, and a program that prints knows the size.
    #[test]
    fn a_png_is_white_to_its_edge_and_has_a_resolution() {
        for [width, height] in [[170.0, 62.37], [85.0, 40.01], [10.04, 10.05]] {
            theme::load_fonts().unwrap();
            let svg = super::super::sheet::draw("blank", width, height, |_| Ok(())).unwrap();
            let decoder = png::Decoder::new(std::io::Cursor::new(svg.png("blank").unwrap()));
            let mut reader = decoder.read_info().unwrap();
            let dims = reader.info().pixel_dims.unwrap();
            let mut pixels = vec![0; reader.output_buffer_size()];
            let info = reader.next_frame(&mut pixels).unwrap();
            assert_eq!(
                (info.color_type, dims.unit),
                (png::ColorType::Rgb, png::Unit::Meter)
            );
            assert!(pixels.iter().all(|part| *part == 255));
            for (pixels, length) in [(info.width, width), (info.height, height)] {
                let printed = 1000.0 * f64::from(pixels) / f64::from(dims.xppu);
                assert!((printed - length).abs() < 0.05, "{printed} {length}");
            }
        }
    }
}
