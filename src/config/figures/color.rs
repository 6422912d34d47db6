//! Colours: those of the fits, and what a figure stands on.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::choice::choices;

choices! {
    /// Palettes that survive colour blindness.
    pub enum PaletteName {
        /// Okabe and Ito (2008).
        OkabeIto = "okabe-ito",
        /// Paul Tol's bright scheme (2021).
        TolBright = "tol-bright",
        /// Paul Tol's muted scheme (2021).
        TolMuted = "tol-muted",
        /// Paul Tol's high-contrast scheme (2021), which is told apart in grey too.
        TolHighContrast = "tol-high-contrast",
        /// Shades of grey.
        Grey = "grey",
    }
}

/// A colour, written `#rrggbb` or by its name in CSS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Color {
    /// Red, green and blue.
    pub rgb: [u8; 3],
}

/// The luminance of letters, and the least contrast of what they stand on (WCAG 2.2).
const LETTERS: f64 = 0.019;
const CONTRAST: f64 = 4.5;

impl Color {
    /// From 0 of black to 1 of white (WCAG 2.2).
    fn luminance(self) -> f64 {
        let linear = self.rgb.map(|channel| {
            let share = f64::from(channel) / 255.0;
            match share <= 0.040_45 {
                true => share / 12.92,
                false => ((share + 0.055) / 1.055).powf(2.4),
            }
        });
        0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    }
}

impl TryFrom<String> for Color {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match svgtypes::Color::from_str(text.trim()) {
            Ok(color) if color.alpha == 255 => Ok(Self {
                rgb: [color.red, color.green, color.blue],
            }),
            _ => Err(format!(
                "\"{text}\" is no colour: write #rrggbb, or a name that CSS has, such as steelblue"
            )),
        }
    }
}

impl From<Color> for String {
    fn from(
        Color {
            rgb: [red, green, blue],
        }: Color,
    ) -> Self {
        format!("#{red:02x}{green:02x}{blue:02x}")
    }
}

/// The colours of the fits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub enum Colors {
    /// A palette.
    Palette(PaletteName),
    /// One after the other.
    List(Vec<Color>),
    /// Of some fits, by their labels.
    ByFit(BTreeMap<String, Color>),
}

#[derive(Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "the name of a palette, a list of colours, or a colour for each label"
)]
enum Written {
    Name(String),
    List(Vec<String>),
    ByFit(BTreeMap<String, String>),
}

impl TryFrom<Written> for Colors {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        match written {
            Written::Name(name) => match PaletteName::from_name(&name) {
                Some(palette) => Ok(Self::Palette(palette)),
                None => match Color::try_from(name.clone()) {
                    Ok(color) => Ok(Self::List(vec![color])),
                    Err(_) => {
                        let known = PaletteName::ALL.map(PaletteName::name).join(", ");
                        Err(format!(
                            "there is no palette and no colour \"{name}\": give one of {known}, or a list of colours"
                        ))
                    }
                },
            },
            Written::List(list) if list.is_empty() => Err("there are no colours in it".to_owned()),
            Written::List(list) => {
                let colors = list.into_iter().map(Color::try_from);
                colors.collect::<Result<_, _>>().map(Self::List)
            }
            Written::ByFit(fits) => (fits.into_iter())
                .map(|(fit, color)| Ok((fit, Color::try_from(color)?)))
                .collect::<Result<_, _>>()
                .map(Self::ByFit),
        }
    }
}

impl From<Colors> for Written {
    fn from(colors: Colors) -> Self {
        match colors {
            Colors::Palette(name) => Self::Name(name.name().to_owned()),
            Colors::List(list) => Self::List(list.into_iter().map(String::from).collect()),
            Colors::ByFit(fits) => Self::ByFit(
                (fits.into_iter())
                    .map(|(fit, color)| (fit, color.into()))
                    .collect(),
            ),
        }
    }
}

/// What a figure stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Background {
    /// Nothing.
    Transparent,
    /// A colour.
    Color(Color),
}

impl TryFrom<String> for Background {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text == "transparent" {
            return Ok(Self::Transparent);
        }
        let color = Color::try_from(text).map_err(|error| format!("{error}, or transparent"))?;
        let luminance = color.luminance();
        if (luminance + 0.05) / (LETTERS + 0.05) < CONTRAST {
            return Err(format!(
                "{color} is too dark to stand on: letters and axes are black; give a light colour, or transparent"
            ));
        }
        Ok(Self::Color(color))
    }
}

impl From<Background> for String {
    fn from(background: Background) -> Self {
        match background {
            Background::Transparent => "transparent".to_owned(),
            Background::Color(color) => color.into(),
        }
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from(*self))
    }
}
