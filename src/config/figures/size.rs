//! Lengths on paper.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Widths that have a name, in mm: what journals and conferences ask for.
pub const WIDTHS: [(&str, f64); 22] = [
    ("column", 85.0),
    ("page", 170.0),
    ("acm-column", 84.7),
    ("acm-page", 177.8),
    ("acs-column", 82.5),
    ("acs-page", 177.8),
    ("aps-column", 86.0),
    ("aps-page", 178.0),
    ("elsevier-column", 90.0),
    ("elsevier-page", 190.0),
    ("icml-column", 82.6),
    ("icml-page", 171.5),
    ("ieee-column", 88.9),
    ("ieee-page", 181.9),
    ("jmlr-page", 152.4),
    ("lncs-page", 122.0),
    ("nature-column", 89.0),
    ("nature-page", 183.0),
    ("neurips-page", 139.7),
    ("pnas-column", 87.0),
    ("pnas-page", 178.0),
    ("slide", 128.0),
];

/// How wide a figure is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Width {
    mm: f64,
    /// Its place among those that have a name.
    place: Option<usize>,
}

/// A number, or a name for one.
#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "a number or a name")]
enum Written {
    Number(f64),
    Name(String),
}

impl Width {
    /// A width in mm; none for what is no paper's.
    pub fn new(mm: f64) -> Option<Self> {
        Length::new(mm).map(|_| Self { mm, place: None })
    }

    /// The width of a name.
    pub fn named(name: &str) -> Option<Self> {
        let place = WIDTHS.iter().position(|(known, _)| *known == name)?;
        Some(Self {
            mm: WIDTHS[place].1,
            place: Some(place),
        })
    }

    /// In mm.
    pub fn mm(self) -> f64 {
        self.mm
    }
}

impl TryFrom<Written> for Width {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        match written {
            Written::Number(mm) => Self::new(mm).ok_or_else(|| out_of_range(mm, Length::RANGE)),
            Written::Name(name) => Self::named(&name).ok_or_else(|| {
                let known = WIDTHS.map(|(name, mm)| format!("{name} ({mm} mm)"));
                format!(
                    "there is no width \"{name}\": give that of the column in mm, or a name that docs/figures.md has: {}",
                    known.join(", ")
                )
            }),
        }
    }
}

impl From<Width> for Written {
    fn from(width: Width) -> Self {
        match width.place {
            Some(place) => Self::Name(WIDTHS[place].0.to_owned()),
            None => Self::Number(width.mm),
        }
    }
}

fn out_of_range(number: f64, (least, most, unit): (f64, f64, &str)) -> String {
    format!("{number} is not from {least} to {most}{unit}")
}

/// A number within a range.
macro_rules! measures {
    ($($(#[$doc:meta])* $Measure:ident: $least:literal to $most:literal, $unit:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
        #[serde(try_from = "f64", into = "f64")]
        pub struct $Measure(f64);

        impl $Measure {
            /// The least, the greatest, and their unit.
            pub const RANGE: (f64, f64, &'static str) = ($least, $most, $unit);

            /// The number, if it is within the range.
            pub fn new(number: f64) -> Option<Self> {
                ($least..=$most).contains(&number).then_some(Self(number))
            }

            /// The number.
            pub fn get(self) -> f64 {
                self.0
            }
        }

        impl TryFrom<f64> for $Measure {
            type Error = String;

            fn try_from(number: f64) -> Result<Self, String> {
                Self::new(number).ok_or_else(|| out_of_range(number, Self::RANGE))
            }
        }

        impl From<$Measure> for f64 {
            fn from(measure: $Measure) -> Self {
                measure.0
            }
        }

        impl fmt::Display for $Measure {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

measures! {
    /// A length on paper, in mm.
    Length: 20.0 to 1000.0, " mm";
    /// The size of letters, in points of 1/72 inch.
    FontSize: 4.0 to 40.0, " points";
    /// Dots per inch.
    Dpi: 36.0 to 2400.0, " dots per inch";
}
