//! Which of several fits is enough.

use serde::{Deserialize, Serialize};

use crate::divergence::{DivergenceKind, Estimate};
use crate::judge::criteria::Criteria;

/// Several fits that one is chosen of: the least that is as good as the best.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// What it is called.
    pub name: String,
    /// What all of them minimise.
    pub divergence: DivergenceKind,
    /// What it was chosen by.
    pub by: Criterion,
    /// The fit that was chosen, by its label.
    pub chosen: String,
    /// Those that did not fail, by rising number of components.
    pub candidates: Vec<Candidate>,
}

/// What a fit is chosen by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Criterion {
    /// The fewest components within one standard error of the least divergence.
    Divergence,
    /// The fewest within one standard error of the best on rows that no fit saw (Breiman et al. 1984).
    HeldOut,
    /// The least BIC.
    Bic,
}

/// A fit that may be chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    /// Its label.
    pub label: String,
    /// K.
    pub components: usize,
    /// What it minimised at its best run, in nats, by points that it was not fitted with where these are random.
    pub value: Estimate,
    /// The cross-entropy of rows that no fit saw, in nats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_out: Option<Estimate>,
    /// BIC and ICL, of fits to rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub criteria: Option<Criteria>,
}

impl Choice {
    /// Chooses among fits that did not fail; `None` where there is none.
    pub(crate) fn among(
        name: &str,
        divergence: DivergenceKind,
        mut candidates: Vec<Candidate>,
    ) -> Option<Self> {
        let parameters = |one: &Candidate| one.criteria.map_or(0, |criteria| criteria.parameters);
        candidates.sort_by_key(|one| (one.components, parameters(one)));
        let all = |has: fn(&Candidate) -> bool| candidates.iter().all(has);
        let by = match () {
            () if all(|one| one.held_out.is_some()) => Criterion::HeldOut,
            () if all(|one| one.criteria.is_some()) => Criterion::Bic,
            () => Criterion::Divergence,
        };
        let chosen = match by {
            Criterion::HeldOut => within_one_error(&candidates, |one| one.held_out),
            Criterion::Divergence => within_one_error(&candidates, |one| Some(one.value)),
            Criterion::Bic => least(&candidates, |of| of.bic),
        };
        Some(Self {
            name: name.to_owned(),
            divergence,
            by,
            chosen: chosen?.label.clone(),
            candidates,
        })
    }

    /// The candidate that was chosen.
    pub fn chosen(&self) -> Option<&Candidate> {
        self.candidates.iter().find(|one| one.label == self.chosen)
    }

    /// What ICL would choose, of fits to rows.
    pub fn by_icl(&self) -> Option<&Candidate> {
        least(&self.candidates, |of| of.icl)
    }

    /// What BIC would choose, of fits to rows.
    pub fn by_bic(&self) -> Option<&Candidate> {
        least(&self.candidates, |of| of.bic)
    }
}

/// The first that is no worse than the best by more than the error of that.
fn within_one_error(
    candidates: &[Candidate],
    value: impl Fn(&Candidate) -> Option<Estimate>,
) -> Option<&Candidate> {
    let known = |one: &Candidate| value(one).filter(|value| value.value.is_finite());
    let best = (candidates.iter().filter_map(known)).min_by(|a, b| a.value.total_cmp(&b.value))?;
    // An error that is not known is none that helps.
    let most = best.value
        + if best.error.is_finite() {
            best.error
        } else {
            0.0
        };
    candidates
        .iter()
        .find(|one| known(one).is_some_and(|value| value.value <= most))
}

fn least(candidates: &[Candidate], of: impl Fn(&Criteria) -> f64) -> Option<&Candidate> {
    let value = |one: &Candidate| one.criteria.as_ref().map(&of);
    (candidates.iter())
        .filter(|one| value(one).is_some_and(f64::is_finite))
        .min_by(|a, b| {
            value(a)
                .unwrap_or(f64::NAN)
                .total_cmp(&value(b).unwrap_or(f64::NAN))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::divergence::EstimateMethod;

    fn candidate(components: usize, value: f64, error: f64) -> Candidate {
        Candidate {
            label: format!("fit-{components}"),
            components,
            value: Estimate {
                value,
                error,
                method: EstimateMethod::MonteCarlo,
            },
            held_out: None,
            criteria: None,
        }
    }

    fn chosen(values: &[(f64, f64)]) -> Option<String> {
        // The last first: the order in which fits ended is of no matter.
        let all = (1..)
            .zip(values)
            .map(|(k, &(value, error))| candidate(k, value, error));
        let mut candidates: Vec<Candidate> = all.collect();
        candidates.reverse();
        let choice = Choice::among("it", DivergenceKind::ReverseKl, candidates)?;
        assert!(choice.candidates.is_sorted_by_key(|one| one.components));
        assert_eq!(choice.by, Criterion::Divergence);
        Some(choice.chosen)
    }

    #[test]
    fn the_fewest_within_one_error_of_the_best_are_enough() {
        let nan = f64::NAN;
        for (values, expected) in [
            (&[(0.5, 0.1), (0.21, 0.5), (0.2, 0.02)][..], Some("fit-2")),
            // The error that counts is that of the best.
            (&[(0.5, 0.1), (0.23, 0.5), (0.2, 0.02)], Some("fit-3")),
            (&[(0.5, 0.0), (0.2, 0.0), (0.2, 0.0)], Some("fit-2")),
            (&[(nan, nan), (0.3, nan), (0.2, nan)], Some("fit-3")),
            (&[(f64::INFINITY, 0.0), (0.3, 0.1)], Some("fit-2")),
            (&[(nan, nan)], None),
            (&[], None),
        ] {
            assert_eq!(chosen(values).as_deref(), expected, "{values:?}");
        }
    }
}
