//! Which optima the restarts of a fit ended at, and how many at each.

use crate::compute::device::Numerics;
use crate::compute::kernel::MixtureTensors;
use crate::density::target::Target;
use crate::divergence::DivergenceKind;
use crate::error::Result;
use crate::fit::best::NEGLIGIBLE;
use crate::fit::matched::js_at_most;
use crate::fit::sketch::Sketches;
use crate::fit::{Plan, Record, RunRecord};
use crate::judge::evaluate::{Effort, Evaluator};
use crate::mixture::Mixture;

/// Two ends are the same optimum if the Jensen–Shannon divergence between them is below this, in
/// nats: two Gaussians 0.05 standard deviations apart.
pub const EXACT: f64 = 3e-4;
/// As [`EXACT`], where the gradients are noisy and the ends of the runs scatter: 0.3 standard
/// deviations.
pub const NOISY: f64 = 1e-2;

/// A distance is an estimate: where it is certain to be this many times the tolerance, none is made.
const SLACK: f64 = 4.0;

/// A gradient above this is still on its way down, in the norm of its θ.
pub const AT_REST: f64 = 1e-3;

/// Where the runs of a fit ended.
#[derive(Debug, Clone)]
pub struct Ends {
    /// The runs that count, those with the least divergence first, in their order where that is the same.
    ranked: Vec<usize>,
    /// The optimum each run ended at, the best first; none for one that does not count.
    optimum: Vec<Option<usize>>,
}

impl Ends {
    /// The ends of the runs that did not fail and that `counts` lets count.
    ///
    /// # Errors
    /// If the device failed.
    pub fn new(
        plan: &Plan,
        last: &Record,
        numerics: &Numerics,
        counts: impl Fn(&RunRecord) -> bool,
    ) -> Result<Self> {
        let value = |run: usize| last.runs[run].evaluation.estimate(plan.divergence).value;
        let mut ranked: Vec<usize> = (0..last.runs.len())
            .filter(|&run| !last.runs[run].has_failed() && counts(&last.runs[run]))
            .collect();
        // NaN counts as the largest, so that it is never the best.
        ranked.sort_by(|&a, &b| {
            (value(a).is_nan().cmp(&value(b).is_nan())).then(value(a).total_cmp(&value(b)))
        });
        in_order_where_tied(&mut ranked, value);
        let mixtures: Vec<&Mixture> = ranked.iter().map(|&run| &last.runs[run].mixture).collect();
        // Fixed noise scatters ends too: each order of the components has noise of its own.
        let tolerance = if plan.estimator.rule.is_random() {
            NOISY
        } else {
            EXACT
        };
        let mut optimum = vec![None; last.runs.len()];
        for (&run, group) in (ranked.iter()).zip(group(&mixtures, tolerance, numerics)?) {
            optimum[run] = Some(group);
        }
        Ok(Self { ranked, optimum })
    }

    /// The best run.
    pub fn best(&self) -> Option<usize> {
        self.ranked.first().copied()
    }

    /// The runs that count, the best first.
    pub fn ranked(&self) -> &[usize] {
        &self.ranked
    }

    /// The place of the optimum each run ended at, the best first; none for one that does not count.
    pub fn optimum(&self) -> &[Option<usize>] {
        &self.optimum
    }

    /// The best run at each optimum, with how many ended there.
    pub fn leaders(&self) -> Vec<(usize, usize)> {
        let mut leaders: Vec<(usize, usize)> = Vec::new();
        for &run in &self.ranked {
            // Optima are numbered by their first member.
            match self.optimum[run].and_then(|place| leaders.get_mut(place)) {
                Some((_, runs)) => *runs += 1,
                None => leaders.push((run, 1)),
            }
        }
        leaders
    }
}

/// Puts runs that are ranked by their values into their own order where rounding alone may have told them apart.
fn in_order_where_tied(ranked: &mut [usize], value: impl Fn(usize) -> f64) {
    let mut rest = ranked;
    while let Some(&least) = rest.first() {
        let least = value(least);
        let tie = NEGLIGIBLE * least.abs().max(1.0);
        let tied = rest.partition_point(|&run| value(run) - least <= tie);
        let (tied, others) = rest.split_at_mut(tied.max(1));
        tied.sort_unstable();
        rest = others;
    }
}

/// Groups mixtures that are the same density, whatever the order of their components.
///
/// Gives each mixture the number of its group; groups are numbered by their first member.
///
/// # Errors
/// If the device failed.
pub fn group(mixtures: &[&Mixture], tolerance: f64, numerics: &Numerics) -> Result<Vec<usize>> {
    let mut groups = vec![None; mixtures.len()];
    let sketches = Sketches::new(mixtures);
    let mut number = 0;
    for leader in 0..mixtures.len() {
        if groups[leader].is_some() {
            continue;
        }
        groups[leader] = Some(number);
        let mut near: Vec<usize> = (leader + 1..mixtures.len())
            .filter(|&other| groups[other].is_none())
            .filter(|&other| !sketches.are_apart(leader, other, SLACK * tolerance))
            .collect();
        near.retain(|&other| {
            let is_one = js_at_most(mixtures[leader], mixtures[other]) <= tolerance;
            if is_one {
                groups[other] = Some(number);
            }
            !is_one
        });
        let members: Vec<&Mixture> = near.iter().map(|&other| mixtures[other]).collect();
        let distances = distances(mixtures[leader], &members, numerics)?;
        for (other, distance) in near.into_iter().zip(distances) {
            if distance <= tolerance {
                groups[other] = Some(number);
            }
        }
        number += 1;
    }
    Ok(groups.into_iter().flatten().collect())
}

/// JS between one mixture and each of the others, in nats.
fn distances(from: &Mixture, to: &[&Mixture], numerics: &Numerics) -> Result<Vec<f64>> {
    if to.is_empty() {
        return Ok(Vec::new());
    }
    let kinds = vec![DivergenceKind::Js];
    let evaluator = Evaluator::new(numerics.clone(), from.dim(), 0, kinds, Effort::rough());
    let from = Target::new(from, numerics);
    let evaluations = evaluator.evaluate(&from, &MixtureTensors::stacked(to, numerics))?;
    // A distance that cannot be is none of two ends that are one.
    Ok((evaluations.into_iter())
        .map(|evaluation| evaluation.estimate(DivergenceKind::Js))
        .map(|js| match DivergenceKind::Js.refutes(js) {
            Some(_) => f64::INFINITY,
            None => js.value,
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_that_rounding_tells_apart_go_in_their_order() {
        let values = [
            2.0,
            1.0 + 4e-15,
            f64::NAN,
            1.0,
            1.0 + 2e-15,
            0.5,
            f64::INFINITY,
        ];
        let mut ranked = vec![5, 3, 4, 1, 0, 6, 2];
        in_order_where_tied(&mut ranked, |run| values[run]);
        assert_eq!(ranked, [5, 1, 3, 4, 0, 6, 2]);
    }

    fn groups(mixtures: &[Mixture]) -> Vec<usize> {
        let mixtures: Vec<&Mixture> = mixtures.iter().collect();
        group(&mixtures, EXACT, &Numerics::cpu()).unwrap()
    }

    fn two(means: [f64; 2], std: f64) -> Mixture {
        let means = means.map(|mean| vec![mean]).to_vec();
        Mixture::from_stds(vec![0.5, 0.5], means, vec![vec![std]; 2]).unwrap()
    }

    #[test]
    fn the_order_of_components_does_not_matter_and_places_do() {
        let ends = [
            two([-3.0, 3.0], 1.0),
            two([3.0, -3.01], 1.0),
            two([0.0, 3.0], 1.0),
            two([3.0, 0.0], 1.0),
        ];
        assert_eq!(groups(&ends), [0, 0, 1, 1]);
    }

    #[test]
    fn places_are_told_apart_at_the_scale_of_the_components() {
        // Two narrow bumps half a unit apart are far apart, however wide the whole is.
        let ends = [two([0.0, 1000.0], 0.1), two([0.5, 1000.0], 0.1)];
        assert_eq!(groups(&ends), [0, 1]);
    }

    #[test]
    fn one_density_written_in_two_ways_is_one() {
        let once = Mixture::from_stds(
            vec![1.0, 0.0],
            vec![vec![0.0], vec![50.0]],
            vec![vec![1.0]; 2],
        )
        .unwrap();
        assert_eq!(groups(&[two([0.0, 0.0], 1.0), once]), [0, 0]);
    }
}
