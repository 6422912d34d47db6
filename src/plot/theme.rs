//! What all figures have in common, whatever their style: lines in millimetres as printed, and the colours of what is
//! no fit.

use plotters::style::{RGBAColor, RGBColor};

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

/// The lower end of a log scale whose upper end alone is known, as a share of it.
pub const LEAST_SHARE: f64 = 1e-6;

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

/// A colour that has a share of one and the rest of another.
pub fn mixed(one: RGBColor, other: RGBColor, share: f64) -> RGBColor {
    let mix = |a: u8, b: u8| (share * f64::from(a) + (1.0 - share) * f64::from(b)).round() as u8;
    RGBColor(
        mix(one.0, other.0),
        mix(one.1, other.1),
        mix(one.2, other.2),
    )
}

/// A colour with an opacity.
pub fn faded(color: RGBColor, opacity: f64) -> RGBAColor {
    RGBAColor(color.0, color.1, color.2, opacity)
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
