//! PNG and PDF of an SVG.

use resvg::{tiny_skia, usvg};
use std::sync::Arc;
use svg2pdf::{ConversionOptions, PageOptions};

use super::super::style::Style;
use crate::error::{Error, Result};

/// CSS pixels per inch, which usvg measures in.
const CSS_DPI: f64 = 96.0;

/// As PDF, with the letters it has of its fonts.
pub fn pdf(svg: &str, style: &Style, name: &str) -> Result<Vec<u8>> {
    let page = PageOptions {
        dpi: CSS_DPI as f32,
    };
    let tree = parsed(svg, style, name)?;
    svg2pdf::to_pdf(&tree, ConversionOptions::default(), page)
        .map_err(|error| Error::figure(name, error))
}

/// As PNG, which knows how large it is on paper.
pub fn png(svg: &str, style: &Style, name: &str) -> Result<Vec<u8>> {
    encoded(&parsed(svg, style, name)?, style).ok_or_else(|| too_large(name))
}

/// Its pixels, this many across.
pub fn pixels(svg: &str, style: &Style, name: &str, width: u32) -> Result<tiny_skia::Pixmap> {
    let tree = parsed(svg, style, name)?;
    let scale = width as f32 / tree.size().width();
    let height = (scale * tree.size().height()) as u32;
    render(&tree, style, [width, height]).ok_or_else(|| too_large(name))
}

fn parsed(svg: &str, style: &Style, name: &str) -> Result<usvg::Tree> {
    let options = usvg::Options {
        fontdb: Arc::clone(&style.font.database),
        font_family: "Liberation Sans".to_owned(),
        ..usvg::Options::default()
    };
    usvg::Tree::from_str(svg, &options).map_err(|error| Error::figure(name, error))
}

fn too_large(name: &str) -> Error {
    Error::figure(name, "the picture is too large")
}

fn encoded(tree: &usvg::Tree, style: &Style) -> Option<Vec<u8>> {
    let scale = style.dpi / CSS_DPI;
    let [width, height] = [tree.size().width(), tree.size().height()]
        .map(|length| (scale * f64::from(length)).round() as u32);
    let pixels = render(tree, style, [width, height])?;
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    let is_opaque = style.background.is_some();
    encoder.set_color(if is_opaque {
        png::ColorType::Rgb
    } else {
        png::ColorType::Rgba
    });
    encoder.set_depth(png::BitDepth::Eight);
    let per_metre = (style.dpi / 0.0254).round() as u32;
    encoder.set_pixel_dims(Some(png::PixelDimensions {
        xppu: per_metre,
        yppu: per_metre,
        unit: png::Unit::Meter,
    }));
    let channels = |pixel: &tiny_skia::PremultipliedColorU8| {
        let pixel = pixel.demultiply();
        [pixel.red(), pixel.green(), pixel.blue(), pixel.alpha()]
    };
    let colors: Vec<u8> = (pixels.pixels().iter())
        .flat_map(|pixel| {
            channels(pixel)
                .into_iter()
                .take(if is_opaque { 3 } else { 4 })
        })
        .collect();
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(&colors).ok()?;
    writer.finish().ok()?;
    Some(bytes)
}

/// So many pixels across and down, on what the figure stands on: what is drawn may end within the last of them.
fn render(
    tree: &usvg::Tree,
    style: &Style,
    [width, height]: [u32; 2],
) -> Option<tiny_skia::Pixmap> {
    let mut pixels = tiny_skia::Pixmap::new(width, height)?;
    if let Some(color) = style.background {
        pixels.fill(tiny_skia::Color::from_rgba8(color.0, color.1, color.2, 255));
    }
    let transform = tiny_skia::Transform::from_scale(
        width as f32 / tree.size().width(),
        height as f32 / tree.size().height(),
    );
    resvg::render(tree, transform, &mut pixels.as_mut());
    Some(pixels)
}

#[cfg(test)]
mod tests {
    use super::super::super::sheet;
    use super::*;

    fn blank(
        settings: &str,
        width: f64,
        height: f64,
    ) -> (png::OutputInfo, Option<png::PixelDimensions>, Vec<u8>) {
        let style = Style::new(&toml::from_str(settings).unwrap()).unwrap();
        let drawing = sheet::draw(&style, width, height, |_| Ok(())).unwrap();
        let svg = drawing.svg("blank").unwrap();
        let bytes = svg.png(&style, "blank").unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes))
            .read_info()
            .unwrap();
        let dims = reader.info().pixel_dims;
        let mut pixels = vec![0; reader.output_buffer_size()];
        let info = reader.next_frame(&mut pixels).unwrap();
        (info, dims, pixels)
    }

    /// Sizes that are no whole number of pixels leave nothing transparent, and a program that prints knows the size.
    #[test]
    fn a_png_is_white_to_its_edge_and_has_a_resolution() {
        for [width, height] in [[170.0, 62.37], [85.0, 40.01], [10.04, 10.05]] {
            for settings in ["", "dpi = 150"] {
                let (info, dims, pixels) = blank(settings, width, height);
                let dims = dims.unwrap();
                assert_eq!(
                    (info.color_type, dims.unit),
                    (png::ColorType::Rgb, png::Unit::Meter)
                );
                assert!(pixels.iter().all(|part| *part == 255));
                for (pixels, length) in [(info.width, width), (info.height, height)] {
                    let printed = 1000.0 * f64::from(pixels) / f64::from(dims.xppu);
                    assert!((printed - length).abs() < 0.09, "{printed} {length}");
                }
            }
        }
    }

    #[test]
    fn a_figure_stands_on_what_is_asked_for() {
        let (info, _, pixels) = blank("background = \"transparent\"", 10.0, 10.0);
        assert_eq!(info.color_type, png::ColorType::Rgba);
        assert!(pixels.iter().all(|part| *part == 0));
        let (_, _, pixels) = blank("background = \"#d0e0f0\"", 10.0, 10.0);
        assert!(pixels.chunks(3).all(|pixel| pixel == [208, 224, 240]));
    }
}
