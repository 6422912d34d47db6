//! A part of a sweep: some of its points, or one of so many shards that together are all.

use std::fmt;
use std::ops::RangeInclusive;

use super::Shard;

/// Which points of a sweep are taken, by their numbers, which begin at 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Those in one of these ranges.
    Points(Vec<RangeInclusive<usize>>),
    /// Those of a shard: points beside each other cost about the same, and go to different ones.
    Shard(Shard),
}

impl Part {
    /// Reads numbers and ranges of points, as in `3,7,12-15`.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn points(text: &str) -> Result<Self, String> {
        let number = |text: &str| {
            (text
                .trim()
                .parse()
                .ok()
                .filter(|&number: &usize| number > 0))
            .ok_or_else(|| format!("\"{text}\" is no number of a point; the first is 1"))
        };
        let range = |text: &str| {
            let (first, last) = text.split_once('-').unwrap_or((text, text));
            let range = number(first)?..=number(last)?;
            match range.is_empty() {
                true => Err(format!("{text} ends before it begins")),
                false => Ok(range),
            }
        };
        (text.split(',').map(range).collect::<Result<_, _>>()).map(Self::Points)
    }

    /// Whether a point is in it.
    pub fn has(&self, point: usize) -> bool {
        match self {
            Self::Points(ranges) => ranges.iter().any(|range| range.contains(&point)),
            Self::Shard(shard) => point > 0 && shard.has(point as u64 - 1),
        }
    }

    /// A number of a point that there is not, if it asks for one.
    pub fn beyond(&self, points: usize) -> Option<usize> {
        match self {
            Self::Points(ranges) => (ranges.iter())
                .map(|range| *range.end())
                .find(|&last| last > points),
            Self::Shard(_) => None,
        }
    }

    /// These points, in order, as ranges.
    pub fn of_points(points: impl IntoIterator<Item = usize>) -> Self {
        let mut ranges: Vec<RangeInclusive<usize>> = Vec::new();
        for point in points {
            match ranges.last_mut() {
                Some(last) if last.end() + 1 == point => *last = *last.start()..=point,
                _ => ranges.push(point..=point),
            }
        }
        Self::Points(ranges)
    }
}

/// As it is asked for on the command line, without the name of the option.
impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Shard(shard) => shard.fmt(f),
            Self::Points(ranges) => {
                for (place, range) in ranges.iter().enumerate() {
                    let comma = if place > 0 { "," } else { "" };
                    match (range.start(), range.end()) {
                        (first, last) if first == last => write!(f, "{comma}{first}")?,
                        (first, last) => write!(f, "{comma}{first}-{last}")?,
                    }
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_read_as_they_are_written() {
        for text in ["17", "3,7,12-15", "1-10000"] {
            assert_eq!(Part::points(text).unwrap().to_string(), text);
        }
        let part = Part::points("3, 7,12-15").unwrap();
        let taken: Vec<usize> = (0..20).filter(|&point| part.has(point)).collect();
        assert_eq!(taken, [3, 7, 12, 13, 14, 15]);
        assert_eq!(Part::of_points(taken), part);
        assert_eq!((part.beyond(15), part.beyond(14)), (None, Some(15)));
        for wrong in [
            "",
            "0",
            "0-3",
            "5-3",
            "x",
            "1,,2",
            "-1",
            "1-",
            "3/4",
            "99999999999999999999",
        ] {
            assert!(Part::points(wrong).is_err(), "{wrong}");
        }
    }
}
