//! What was asked: the question that a report begins with.

use super::Run;
use super::coverage::joined;
use super::swept::Swept;
use crate::divergence::DivergenceKind;
use crate::record::Summary;
use crate::text::count;

/// So many divergences are named.
const MOST_TOLD: usize = 4;

/// What a question names.
pub struct Asked {
    components: Vec<usize>,
    kinds: Vec<DivergenceKind>,
    /// Fits of a run.
    fits: usize,
    /// p, in words.
    target: String,
}

impl Asked {
    /// By a config, the fits that never began with the others.
    pub fn by(run: &Run) -> Self {
        let finished = &run.finished;
        let mut asked = Self {
            components: Vec::new(),
            kinds: Vec::new(),
            fits: finished.config.fit.len(),
            target: format!(
                "p, {} in {}",
                finished.target.describe(),
                count(finished.dim(), "dimension")
            ),
        };
        for fit in &finished.fits {
            asked.add(fit.plan.family.components(), fit.plan.divergence);
        }
        for fit in finished.config.fit.iter().skip(finished.fits.len()) {
            if let Ok(kind) = fit.divergence.with_order(fit.alpha) {
                asked.add(fit.family.components, kind);
            }
        }
        asked
    }

    /// By all points of a sweep: what varies is not that of the best alone.
    pub fn by_sweep(run: &Run, sweep: &Swept, points: &[(String, Summary)]) -> Self {
        let mut asked = Self::by(run);
        let varies = |part: &str| sweep.sets(part);
        if varies("target") {
            asked.target = "a p that varies".to_owned();
        }
        if varies("family") || varies("fit") {
            let counts = sweep.numbers_of("components").into_iter();
            let fits = points.iter().flat_map(|(_, summary)| &summary.fits);
            let ended = fits.filter_map(|fit| Some(fit.best.as_ref()?.mixture.weights.len()));
            asked.components.extend(counts.chain(ended));
        }
        asked.components.sort_unstable();
        asked.components.dedup();
        let fits = || points.iter().flat_map(|(_, summary)| &summary.fits);
        let of_best = std::mem::take(&mut asked.kinds);
        for kind in fits().map(|fit| fit.divergence).chain(of_best) {
            if !asked.kinds.contains(&kind) {
                asked.kinds.push(kind);
            }
        }
        asked
    }

    fn add(&mut self, components: usize, kind: DivergenceKind) {
        if !self.components.contains(&components) {
            self.components.push(components);
        }
        if !self.kinds.contains(&kind) {
            self.kinds.push(kind);
        }
    }
}

/// What was fitted to what, by which divergences.
pub fn question(asked: &Asked) -> String {
    let numbers: Vec<String> = asked.components.iter().map(usize::to_string).collect();
    let q = match &asked.components[..] {
        [1] => "does a Gaussian q".to_owned(),
        [k] => format!("does a mixture q of {k} Gaussians"),
        _ => format!("do mixtures q of {} Gaussians", joined(&numbers)),
    };
    let by = |kind: &DivergenceKind| format!("{}, {}", kind.title(), kind.symbol());
    let kinds: Vec<String> = asked.kinds.iter().map(by).collect();
    let several = match asked.fits <= kinds.len() {
        true => String::new(),
        false => format!(", in {}", count(asked.fits, "fit")),
    };
    let kinds = match kinds.len() <= MOST_TOLD {
        true => kinds.join(", and by "),
        false => count(kinds.len(), "divergence"),
    };
    format!(
        "How near {q} come to {}, by {kinds}{several}?",
        asked.target
    )
}
