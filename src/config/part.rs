//! A part of a sweep: some of its points, or one of so many shards that together are all.

use std::fmt;
use std::ops::RangeInclusive;

/// Which points of a sweep are taken, by their numbers, which begin at 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Those in one of these ranges.
    Points(Vec<RangeInclusive<usize>>),
    /// Every `of`-th, beginning with `number`: points beside each other cost about the same, and go to
    /// different shards.
    Shard {
        /// Which one, from 1.
        number: usize,
        /// How many there are.
        of: usize,
    },
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

    /// Reads a shard: `3/100`; or `auto`, the task of an array that this is, and `auto/100` where only its number
    /// is to be taken from these environment variables. Arrays of Slurm then begin at 1, those of Kubernetes at 0.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn shard(text: &str, variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let (number, of) = match text.split_once('/') {
            Some((number, of)) => (number.trim(), Some(of.trim())),
            None => (text.trim(), None),
        };
        let told =
            |of: &str| (of.parse().ok()).ok_or_else(|| format!("\"{of}\" is no number of shards"));
        let of: Option<usize> = of.map(told).transpose()?;
        let (number, of) = match (number, of) {
            ("auto", of) => task(variable, of)?,
            (_, None) => {
                return Err("write which shard of how many, as in 3/100, or auto".to_owned());
            }
            (number, Some(of)) => {
                let found = number.parse().ok();
                (
                    found.ok_or_else(|| format!("\"{number}\" is no number of a shard"))?,
                    of,
                )
            }
        };
        match (1..=of).contains(&number) {
            true => Ok(Self::Shard { number, of }),
            false => Err(format!(
                "there is no shard {number} of {of}: the first is 1, the last {of}"
            )),
        }
    }

    /// Whether a point is in it.
    pub fn has(&self, point: usize) -> bool {
        match self {
            Self::Points(ranges) => ranges.iter().any(|range| range.contains(&point)),
            Self::Shard { number, of } => point > 0 && (point - 1) % of == number - 1,
        }
    }

    /// A number of a point that there is not, if it asks for one.
    pub fn beyond(&self, points: usize) -> Option<usize> {
        match self {
            Self::Points(ranges) => (ranges.iter())
                .map(|range| *range.end())
                .find(|&last| last > points),
            Self::Shard { .. } => None,
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
            Self::Shard { number, of } => write!(f, "{number}/{of}"),
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

/// Which task of an array of so many this is, as the scheduler that started it says.
fn task(
    variable: impl Fn(&str) -> Option<String>,
    of: Option<usize>,
) -> Result<(usize, usize), String> {
    let number = |name: &str| -> Result<Option<usize>, String> {
        let Some(text) = variable(name) else {
            return Ok(None);
        };
        let found = text.parse().ok();
        found
            .map(Some)
            .ok_or_else(|| format!("{name} is \"{text}\", not a number"))
    };
    if let Some(id) = number("SLURM_ARRAY_TASK_ID")? {
        // Tasks that run again are an array of their own: how many there were is then for the user to say.
        if let Some(of) = of {
            return Ok((id, of));
        }
        let told = |name: &str| {
            number(name)?
                .ok_or_else(|| format!("{name} is not set: write auto/100 for a hundred tasks"))
        };
        let (first, last) = (told("SLURM_ARRAY_TASK_MIN")?, told("SLURM_ARRAY_TASK_MAX")?);
        let (step, count) = (
            told("SLURM_ARRAY_TASK_STEP")?.max(1),
            told("SLURM_ARRAY_TASK_COUNT")?,
        );
        if last.saturating_sub(first) / step + 1 != count {
            return Err(format!(
                "the array has {count} of the tasks from {first} to {last}: write auto/100 for a hundred in all"
            ));
        }
        return Ok((id.saturating_sub(first) / step + 1, count));
    }
    if let Some(index) = number("JOB_COMPLETION_INDEX")? {
        let of = of.ok_or(
            "Kubernetes does not say how many tasks there are: write auto/100 for a hundred",
        )?;
        return Ok((index + 1, of));
    }
    Err("neither SLURM_ARRAY_TASK_ID nor JOB_COMPLETION_INDEX is set: this is no task of an array; \
         write which shard of how many, as in 3/100"
        .to_owned())
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

    #[test]
    fn every_point_is_in_one_shard() {
        for of in [1, 2, 3, 7, 100] {
            let shards: Vec<Part> = (1..=of)
                .map(|number| Part::shard(&format!("{number}/{of}"), |_| None).unwrap())
                .collect();
            for point in 1..=20 {
                assert_eq!(shards.iter().filter(|shard| shard.has(point)).count(), 1);
            }
        }
        let none = |_: &str| None;
        for wrong in [
            "0/3", "4/3", "3", "a/3", "3/b", "1/0", "auto", "auto/3", "-1/3", "",
        ] {
            assert!(Part::shard(wrong, none).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_task_of_an_array_is_a_shard() {
        let slurm = |id: &str, [first, last, step, count]: [&str; 4]| {
            let set = [
                ("SLURM_ARRAY_TASK_ID", id.to_owned()),
                ("SLURM_ARRAY_TASK_MIN", first.to_owned()),
                ("SLURM_ARRAY_TASK_MAX", last.to_owned()),
                ("SLURM_ARRAY_TASK_STEP", step.to_owned()),
                ("SLURM_ARRAY_TASK_COUNT", count.to_owned()),
            ];
            move |name: &str| {
                let found = set.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| value.clone())
            }
        };
        let shard = |number, of| Ok(Part::Shard { number, of });
        assert_eq!(
            Part::shard("auto", slurm("0", ["0", "9", "1", "10"])),
            shard(1, 10)
        );
        assert_eq!(
            Part::shard("auto", slurm("100", ["1", "100", "1", "100"])),
            shard(100, 100)
        );
        assert_eq!(
            Part::shard("auto", slurm("9", ["1", "9", "4", "3"])),
            shard(3, 3)
        );
        // Some of them again.
        let again = ["3", "7", "1", "2"];
        assert!(
            Part::shard("auto", slurm("3", again))
                .unwrap_err()
                .contains("auto/100")
        );
        assert_eq!(Part::shard("auto/10", slurm("3", again)), shard(3, 10));
        assert!(Part::shard("auto/10", slurm("0", again)).is_err());
        assert!(Part::shard("auto", slurm("x", again)).is_err());
        let kubernetes = |name: &str| (name == "JOB_COMPLETION_INDEX").then(|| "0".to_owned());
        assert_eq!(Part::shard("auto/20", kubernetes), shard(1, 20));
        assert!(
            Part::shard("auto", kubernetes)
                .unwrap_err()
                .contains("auto/100")
        );
    }
}
