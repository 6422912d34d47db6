//! One look for every figure: sizes in millimetres as printed, colours that survive colour
//! blindness and grey paper.

use std::sync::OnceLock;

use plotters::style::{FontStyle, RGBAColor, RGBColor, register_font};

use crate::error::{Error, Result};

/// The width of a figure across a page, in mm.
pub const PAGE: f64 = 170.0;
/// Pixels of the PNG per inch.
pub const PNG_DPI: f64 = 300.0;

/// The size of labels and ticks, in mm (8 pt).
pub const TEXT: f64 = 2.8;
/// The size of titles, in mm.
pub const TITLE: f64 = 3.1;

/// Line widths, in mm.
pub const HAIRLINE: f64 = 0.15;
pub const THIN: f64 = 0.22;
pub const NORMAL: f64 = 0.35;
pub const THICK: f64 = 0.55;

/// Axes and text.
pub const INK: RGBColor = RGBColor(38, 38, 38);
/// The target, always.
pub const TARGET: RGBColor = RGBColor(90, 90, 90);
/// Lines of the grid.
pub const GRID: RGBColor = RGBColor(228, 228, 228);

/// The family name in the SVG: the embedded font, then what looks most like it.
pub const FONT: &str = "DejaVu Sans, Verdana, sans-serif";

/// Okabe and Ito's palette (2008), in an order whose neighbours differ in hue and in lightness.
const FITS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(230, 159, 0),
];

/// Dashes and gaps in mm: what tells the fits apart without colour.
const DASHES: [&[f64]; 6] = [
    &[],
    &[2.2, 1.0],
    &[0.5, 0.8],
    &[3.2, 0.8, 0.5, 0.8],
    &[1.2, 1.2],
    &[4.0, 1.5],
];

/// How a line is drawn.
#[derive(Debug, Clone, Copy)]
pub struct Stroke {
    /// Colour and opacity.
    pub color: RGBAColor,
    /// Width in mm.
    pub width: f64,
    /// Dashes and gaps in mm; none is solid.
    pub dash: &'static [f64],
    /// Whether rings stand along it.
    pub is_marked: bool,
}

/// A solid line.
pub fn stroke(color: RGBColor, opacity: f64, width: f64) -> Stroke {
    Stroke {
        color: faded(color, opacity),
        width,
        dash: &[],
        is_marked: false,
    }
}

impl Stroke {
    /// The same line in short dashes: components, and optima that are known.
    pub fn dashed(self) -> Self {
        Self {
            dash: &[1.1, 0.7],
            is_marked: false,
            ..self
        }
    }
}

/// A colour with an opacity.
pub fn faded(color: RGBColor, opacity: f64) -> RGBAColor {
    RGBAColor(color.0, color.1, color.2, opacity)
}

/// The colour of a fit, by its place in the config. The second six have those of the first in another order, so that
/// no two of twelve have a colour and a dash in common.
pub fn fit_color(fit: usize) -> RGBColor {
    let round = fit / FITS.len();
    FITS[(fit + 2 * round) % FITS.len()]
}

/// The colours of an ordered list, from dark blue to light green: even in lightness, and so on grey
/// paper too.
const RAMP: [RGBColor; 5] = [
    RGBColor(60, 30, 110),
    RGBColor(50, 85, 150),
    RGBColor(30, 130, 145),
    RGBColor(60, 170, 115),
    RGBColor(165, 200, 60),
];

/// The colour at a share, 0 to 1, of an ordered list.
pub fn ramp(share: f64) -> RGBColor {
    let place = share.clamp(0.0, 1.0) * (RAMP.len() - 1) as f64;
    let low = (place as usize).min(RAMP.len() - 2);
    let (a, b, t) = (RAMP[low], RAMP[low + 1], place - low as f64);
    let mix = |a: u8, b: u8| (f64::from(a) + t * (f64::from(b) - f64::from(a))).round() as u8;
    RGBColor(mix(a.0, b.0), mix(a.1, b.1), mix(a.2, b.2))
}

/// The ramp the other way and paler, from light to dark, so that what is drawn on it is seen.
pub fn relief(share: f64, is_grey: bool) -> RGBColor {
    if is_grey {
        let light = (250.0 - 90.0 * share) as u8;
        return RGBColor(light, light, light);
    }
    let RGBColor(r, g, b) = ramp(1.0 - share);
    let lighter = |c: u8| (255.0 - 0.8 * (255.0 - f64::from(c))) as u8;
    RGBColor(lighter(r), lighter(g), lighter(b))
}

/// The line of a fit among those of others: by dash and rings alone, twelve are told apart on grey paper.
pub fn fit_stroke(fit: usize, width: f64) -> Stroke {
    Stroke {
        dash: DASHES[fit % DASHES.len()],
        is_marked: fit / DASHES.len() % 2 == 1,
        ..stroke(fit_color(fit), 1.0, width)
    }
}

/// Makes the embedded font known to plotters, once.
pub fn load_fonts() -> Result<()> {
    static LOADED: OnceLock<bool> = OnceLock::new();
    let loaded = *LOADED.get_or_init(|| {
        register_font(FONT, FontStyle::Normal, dejavu::sans::regular()).is_ok()
            && register_font(FONT, FontStyle::Bold, dejavu::sans::bold()).is_ok()
    });
    if loaded {
        return Ok(());
    }
    Err(Error::figure(
        "any figure",
        "the embedded font could not be read",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twelve_fits_are_told_apart_with_and_without_colour() {
        let all: Vec<Stroke> = (0..12).map(|fit| fit_stroke(fit, NORMAL)).collect();
        for (i, one) in all.iter().enumerate() {
            for other in &all[..i] {
                assert!((one.dash, one.is_marked) != (other.dash, other.is_marked));
                assert!(one.color != other.color || one.dash != other.dash);
            }
        }
    }
}
