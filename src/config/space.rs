//! What runs will write, told before they begin.

use super::Experiment;
use crate::record::expected_bytes;

/// Less is not worth a word.
const WORTH_A_WORD: u64 = 1_000_000_000;

/// What to know of the space that runs take, if it is much.
pub fn space_note<'e>(experiments: impl IntoIterator<Item = &'e Experiment>) -> Option<String> {
    let bytes = experiments.into_iter().fold(0u64, |sum, experiment| {
        let log = experiment.config.log;
        let fits = experiment.plans.iter();
        fits.map(|plan| expected_bytes(plan, log))
            .fold(sum, u64::saturating_add)
    });
    (bytes > WORTH_A_WORD).then(|| {
        format!(
            "the trajectories will take about {:.1} GB; log.every logs fewer steps, log.max_rows as \
             few as it takes",
            bytes as f64 * 1e-9
        )
    })
}
