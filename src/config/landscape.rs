//! `[landscape]` of a config: which landscape is drawn.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Values of a parameter where no number is given.
const COUNT: usize = 100;
/// How many there may be.
const COUNTS: RangeInclusive<usize> = 2..=1000;
/// How a range is written.
const FORM: &str = "write NAME=LOW:HIGH or NAME=LOW:HIGH:COUNT, as in mean=-5:5:100";

/// What of a landscape is wanted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a section")]
pub struct LandscapeConfig {
    /// The parameter across; the first mean by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub across: Option<ParameterRange>,
    /// The parameter up; the first standard deviation or the second mean by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub up: Option<ParameterRange>,
    /// Points on each side that a cell is evaluated with; 400 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub points: Option<usize>,
    /// Whether to run each fit from every cell, and colour the cells by the optimum it reaches.
    pub basins: bool,
}

impl LandscapeConfig {
    /// How many points there may be.
    pub const POINTS: RangeInclusive<usize> = 16..=100_000;

    /// These settings, and those of another where there are none.
    pub fn or(self, other: Self) -> Self {
        Self {
            across: self.across.or(other.across),
            up: self.up.or(other.up),
            points: self.points.or(other.points),
            basins: self.basins || other.basins,
        }
    }
}

/// A parameter and the range it takes, written `NAME=LOW:HIGH:COUNT`, the count being 100 where it
/// is left out.
///
/// ```
/// use klfit::{ParameterAxis, ParameterRange};
///
/// let range: ParameterRange = "mean=-5:5:11".parse()?;
/// assert_eq!(ParameterAxis::from(&range).values[1], -4.0);
/// assert_eq!(range.to_string(), "mean=-5:5:11");
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ParameterRange {
    /// The parameter: `mean`, `std_2_x1`.
    pub name: String,
    /// Its least value.
    pub low: f64,
    /// Its largest value.
    pub high: f64,
    /// How many values.
    pub count: usize,
}

impl FromStr for ParameterRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, range) = text.split_once('=').ok_or(FORM)?;
        let number = |text: &str| {
            let number = text.trim().parse::<f64>().ok();
            (number.filter(|number| number.is_finite()))
                .ok_or_else(|| format!("\"{text}\" is not a number: {FORM}"))
        };
        let parts: Vec<&str> = range.split(':').collect();
        let (low, high, count) = match parts[..] {
            [low, high] => (number(low)?, number(high)?, COUNT),
            [low, high, count] => {
                let count = count.trim().parse().ok();
                let count = (count.filter(|count| COUNTS.contains(count))).ok_or_else(|| {
                    format!(
                        "a count is from {} to {}: {FORM}",
                        COUNTS.start(),
                        COUNTS.end()
                    )
                })?;
                (number(low)?, number(high)?, count)
            }
            _ => return Err(FORM.to_owned()),
        };
        if low >= high {
            return Err(format!("{low} is not below {high}: {FORM}"));
        }
        let name = name.trim().to_owned();
        Ok(Self {
            name,
            low,
            high,
            count,
        })
    }
}

impl TryFrom<String> for ParameterRange {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl fmt::Display for ParameterRange {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self {
            name,
            low,
            high,
            count,
        } = self;
        write!(f, "{name}={low}:{high}:{count}")
    }
}

impl From<ParameterRange> for String {
    fn from(range: ParameterRange) -> Self {
        range.to_string()
    }
}
