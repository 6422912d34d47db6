//! A part of many things by number: every n-th of them, beginning with the i-th.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The `number`-th of `of` shards, which have each of many things once between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Shard {
    of: u64,
    number: u64,
}

/// More shards than this are no number that anyone means.
const MOST: u64 = 1 << 40;

impl Shard {
    /// The one that has all.
    pub const WHOLE: Self = Self { of: 1, number: 1 };

    /// Reads a shard: `3/100`; or `auto`, the task of an array that this is, and `auto/100` where only its number
    /// is to be taken from these environment variables. Arrays of Slurm then begin at 1, those of Kubernetes at 0.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &str, variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let (number, of) = match text.split_once('/') {
            Some((number, of)) => (number.trim(), Some(of.trim())),
            None => (text.trim(), None),
        };
        let told =
            |of: &str| (of.parse().ok()).ok_or_else(|| format!("\"{of}\" is no number of shards"));
        let of: Option<u64> = of.map(told).transpose()?;
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
        match (1..=of.min(MOST)).contains(&number) {
            true => Ok(Self { number, of }),
            false => Err(format!(
                "there is no shard {number} of {of}: the first is 1, the last {of}"
            )),
        }
    }

    /// Reads one as [`Shard::read`] does, with the environment of this process.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn here(text: &str) -> Result<Self, String> {
        Self::read(text, |name| std::env::var(name).ok())
    }

    /// Which one it is, from 1.
    pub fn number(self) -> u64 {
        self.number
    }

    /// How many there are.
    pub fn of(self) -> u64 {
        self.of
    }

    /// All there are of so many.
    pub fn all(of: u64) -> impl Iterator<Item = Self> {
        (1..=of).map(move |number| Self { of, number })
    }

    /// How many of the first so many things it has.
    pub fn count(self, things: u64) -> u64 {
        let beyond = things % self.of >= self.number;
        things / self.of + u64::from(beyond)
    }

    /// Whether it has the thing of this number, from 0.
    pub fn has(self, index: u64) -> bool {
        index % self.of == self.number - 1
    }
}

impl From<Shard> for String {
    fn from(shard: Shard) -> Self {
        shard.to_string()
    }
}

impl TryFrom<String> for Shard {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::read(&text, |_| None)
    }
}

/// As it is asked for on the command line, without the name of the option.
impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

/// Which task of an array of so many this is, as the scheduler that started it says.
fn task(variable: impl Fn(&str) -> Option<String>, of: Option<u64>) -> Result<(u64, u64), String> {
    let number = |name: &str| -> Result<Option<u64>, String> {
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
    fn everything_is_in_one_shard() {
        for of in [1, 2, 3, 7, 100] {
            let shards: Vec<Shard> = (1..=of)
                .map(|number| Shard::read(&format!("{number}/{of}"), |_| None).unwrap())
                .collect();
            for index in 0..20 {
                assert_eq!(shards.iter().filter(|shard| shard.has(index)).count(), 1);
                for shard in &shards {
                    let before = (0..index).filter(|&index| shard.has(index)).count();
                    assert_eq!(shard.count(index), before as u64);
                }
            }
        }
        let none = |_: &str| None;
        for wrong in [
            "0/3", "4/3", "3", "a/3", "3/b", "1/0", "auto", "auto/3", "-1/3", "",
        ] {
            assert!(Shard::read(wrong, none).is_err(), "{wrong}");
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
        let shard = |number, of| Ok(Shard { number, of });
        assert_eq!(
            Shard::read("auto", slurm("0", ["0", "9", "1", "10"])),
            shard(1, 10)
        );
        assert_eq!(
            Shard::read("auto", slurm("100", ["1", "100", "1", "100"])),
            shard(100, 100)
        );
        assert_eq!(
            Shard::read("auto", slurm("9", ["1", "9", "4", "3"])),
            shard(3, 3)
        );
        // Some of them again.
        let again = ["3", "7", "1", "2"];
        assert!(
            Shard::read("auto", slurm("3", again))
                .unwrap_err()
                .contains("auto/100")
        );
        assert_eq!(Shard::read("auto/10", slurm("3", again)), shard(3, 10));
        assert!(Shard::read("auto/10", slurm("0", again)).is_err());
        assert!(Shard::read("auto", slurm("x", again)).is_err());
        let kubernetes = |name: &str| (name == "JOB_COMPLETION_INDEX").then(|| "0".to_owned());
        assert_eq!(Shard::read("auto/20", kubernetes), shard(1, 20));
        assert!(
            Shard::read("auto", kubernetes)
                .unwrap_err()
                .contains("auto/100")
        );
    }
}
