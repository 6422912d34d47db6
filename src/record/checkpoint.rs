//! `checkpoint`: where a fit stands, so that it continues to the bit after whatever ended it.
//!
//! One line says what it is, in which format, and how to tell that it is whole: a CRC-32 and the
//! length of the JSON that follows.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{FitSummary, LoggedRows};
use crate::error::{Error, Result};
use crate::files::folder::{Folder, previous};
use crate::files::names::CHECKPOINT;
use crate::files::read;
use crate::fit::FitState;

/// The version of the layout of a checkpoint.
const FORMAT: u32 = 5;
/// The first words of the file.
const MARK: &str = "klfit checkpoint";

/// `[checkpoint]` of a config: how often.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a section")]
pub struct CheckpointConfig {
    /// A checkpoint every this many steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<usize>,
    /// A checkpoint every this many seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every_seconds: Option<f64>,
}

impl Default for CheckpointConfig {
    fn default() -> Self {
        Self {
            every: None,
            every_seconds: Some(30.0),
        }
    }
}

/// Where the fits that share a loop stand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// The number of the run of each of them.
    pub runs: Vec<String>,
    /// The steps each was to take.
    pub steps: usize,
    /// Where they stand; of fits that have ended, before their last step.
    pub state: FitState,
    /// The rows that the trajectory of each had by then.
    pub rows: Vec<LoggedRows>,
    /// What came out, if they have ended.
    pub ended: Option<Vec<FitSummary>>,
}

impl Checkpoint {
    /// Writes it; the one before is kept.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(crate) fn write(&self, folder: &Folder) -> Result<()> {
        let spoilt = |error: serde_json::Error| {
            Error::run_folder(&folder.path_of(CHECKPOINT), error.to_string())
        };
        let json = serde_json::to_vec(self).map_err(spoilt)?;
        folder.write_keeping(CHECKPOINT, &Self::framed(&json))
    }

    /// The bytes of a file that holds this JSON.
    pub fn framed(json: &[u8]) -> Vec<u8> {
        let sum = crc32fast::hash(json);
        let mut bytes = format!("{MARK} {FORMAT} {sum:08x} {}\n", json.len()).into_bytes();
        bytes.extend(json);
        bytes
    }

    /// The newest one that is whole and good, by what `is_good` says of it; none if there is none, or
    /// they are all of no use.
    ///
    /// # Errors
    /// If one cannot be used and none is good; of several reasons, that of the newest.
    pub(crate) fn newest(
        folder: &Folder,
        is_good: impl Fn(&Self) -> Result<bool>,
    ) -> Result<Option<Self>> {
        let mut refused = None;
        for name in [CHECKPOINT.to_owned(), previous(CHECKPOINT)] {
            let path = folder.path_of(&name);
            let Some(bytes) = folder.read(&name, read::LARGEST_JSON)? else {
                continue;
            };
            let read = Self::parse(&bytes).map_err(|message| unusable(&path, &message));
            match read.and_then(|one| Ok((is_good(&one)?, one))) {
                Ok((true, one)) => return Ok(Some(one)),
                Ok((false, _)) => {}
                Err(error) => _ = refused.get_or_insert(error),
            }
        }
        refused.map_or(Ok(None), Err)
    }

    /// Reads the bytes of a file.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let cut = || "it is cut off".to_owned();
        let end = bytes
            .iter()
            .position(|&byte| byte == b'\n')
            .ok_or_else(cut)?;
        let (head, json) = (&bytes[..end], &bytes[end + 1..]);
        let head = std::str::from_utf8(head).map_err(|_| "it is no checkpoint".to_owned())?;
        let words = (head.strip_prefix(MARK)).ok_or_else(|| "it is no checkpoint".to_owned())?;
        let words: Vec<&str> = words.split_whitespace().collect();
        let [format, sum, length] = words[..] else {
            return Err("its first line is not that of a checkpoint".to_owned());
        };
        if format != FORMAT.to_string() {
            return Err(format!(
                "it has the format {format}, and this klfit reads {FORMAT}"
            ));
        }
        match length.parse::<usize>() {
            Ok(length) if length == json.len() => {}
            Ok(length) if length > json.len() => return Err(cut()),
            _ => return Err("its length is not what it says".to_owned()),
        }
        if sum != format!("{:08x}", crc32fast::hash(json)) {
            return Err("its checksum does not match: a bit has flipped".to_owned());
        }
        serde_json::from_slice(json).map_err(|error| error.to_string())
    }
}

fn unusable(path: &Path, message: &str) -> Error {
    Error::usage(
        format!("cannot go on from {}: {message}", path.display()),
        "remove it to begin that fit again, or run the experiment with --force",
    )
}

/// A checkpoint that is whole and of something else.
pub fn of_another(path: &Path, message: impl std::fmt::Display) -> Error {
    unusable(path, &message.to_string())
}
