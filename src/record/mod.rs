//! What is known of a run, in the files that hold it: written and read back.

mod checkpoint;
mod choice;
pub(crate) mod restarts;
mod summary;
mod trajectory;

use std::path::Path;

pub(crate) use checkpoint::of_another;
pub use checkpoint::{Checkpoint, CheckpointConfig};
pub use choice::{Candidate, Choice, Criterion};
pub(crate) use summary::{BURN_VERSION, FORMAT};
pub use summary::{
    FitSummary, GradientVariance, KnownOptimumSummary, Optimum, Rest, RunSummary, Summary, Versions,
};
pub use trajectory::{LoggedRows, Row, Trajectory, TrajectoryWriter};
pub(crate) use trajectory::{Selection, Told, expected_bytes, series};

use crate::error::Error;
use crate::files::folder::Folder;
use crate::files::{names, read};

/// Whether klfit wrote a run into a folder.
pub(crate) fn is_folder_of_run(folder: &Folder) -> bool {
    let config = folder.read(names::CONFIG, read::LARGEST_CONFIG);
    config.is_ok_and(|text| text.is_some_and(|text| text.starts_with(names::MARK.as_bytes())))
}

/// What it means that it is not.
pub(crate) fn not_a_folder_of_run(path: &Path) -> Error {
    if let Some((folder, fit)) = names::marked_fit(path) {
        return Error::usage(
            format!(
                "{} is one fit of a run, and a whole run is asked for here",
                path.display()
            ),
            format!("leave out #{fit}: give {}", folder.display()),
        );
    }
    Error::usage(
        format!("{} is not the folder of a run", path.display()),
        "give the folder that `klfit run` wrote, such as outputs/bimodal",
    )
}
