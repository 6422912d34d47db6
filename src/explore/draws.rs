//! What draws of q tell of the gradient of reverse KL: the push of each on μ and σ, by each rule that a fit may take, and
//! how sure the mean of some of them is.
//!
//! The draws are those of the first step of a fit from this q with as many samples.

use std::num::NonZeroUsize;

use gauss_quad::GaussLegendre;

use super::protocol::{DrawnRule, MeanPush, Reply};
use super::state::{MixtureState, State};
use super::totals::knots;
use super::view::shown;
use crate::compute::kernel::log_densities;
use crate::compute::noise::{Noise, RunKey, Stream};
use crate::error::{Error, Result};
use crate::estimator::GradientRule;
use crate::mixture::Mixture;

/// As many draws may be asked for.
const COUNTS: std::ops::RangeInclusive<usize> = 2..=1024;
/// Where q is nothing any more, in standard deviations.
const REACH: f64 = 12.0;
/// Points of the rule on each piece.
const POINTS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(7);

/// So many draws of a Gaussian q on a line, of one of the sets that there are.
///
/// # Errors
/// If the state makes no sense, or q is no Gaussian on a line.
pub(super) fn draws(
    id: u64,
    state: &State,
    q: Option<&MixtureState>,
    count: usize,
    set: u64,
) -> Result<Reply> {
    state.check()?;
    let (p, q) = (state.target()?, shown(state, q)?);
    if [q.dim(), q.components()] != [1, 1] {
        return Err(Error::usage(
            "draws are shown of one Gaussian on a line",
            "choose 1-D and one component of q",
        ));
    }
    if !COUNTS.contains(&count) {
        return Err(Error::usage(
            format!("{count} draws are asked for"),
            format!("give from {} to {}", COUNTS.start(), COUNTS.end()),
        ));
    }
    let noise = Noise {
        runs: &[RunKey { seed: 0, run: 0 }],
        stream: Stream::FamilyDraws,
        step: set,
    };
    let pushes = Pushes::new(&p, &q);
    let drawn = pushes.at(&noise.normals(count));
    let rules = [
        GradientRule::Pathwise,
        GradientRule::ScoreFunction,
        GradientRule::StickingTheLanding,
    ];
    let counts = std::iter::successors(Some(2), |n| Some(2 * n)).take_while(|n| *n <= count);
    let counts: Vec<usize> = counts.collect();
    Ok(Reply::Draws {
        id,
        x: drawn.iter().map(|one| one.x).collect(),
        rules: (rules.into_iter())
            .map(|rule| DrawnRule {
                gradient: rule.name(),
                pushes: pushes.by(rule, &drawn),
                means: (counts.iter())
                    .map(|&n| mean(&pushes.by(rule, &drawn[..n])))
                    .collect(),
            })
            .collect(),
        exact: pushes.exact(),
    })
}

/// A draw with what is known there.
struct Drawn {
    z: f64,
    x: f64,
    /// log q − log p.
    excess: f64,
    /// ∂ log p / ∂x.
    slope: f64,
}

/// The pushes on the mean and the standard deviation of a Gaussian: minus the gradient of KL(q‖p).
struct Pushes<'m> {
    p: &'m Mixture,
    q: &'m Mixture,
    mean: f64,
    std: f64,
}

impl<'m> Pushes<'m> {
    fn new(p: &'m Mixture, q: &'m Mixture) -> Self {
        Self {
            p,
            q,
            mean: q.means()[0][0],
            std: q.component_stds(0)[0],
        }
    }

    fn at(&self, z: &[f64]) -> Vec<Drawn> {
        let x: Vec<f64> = z.iter().map(|z| self.mean + self.std * z).collect();
        let (log_p, log_q) = (log_densities(self.p, &x), log_densities(self.q, &x));
        (z.iter().zip(x).zip(log_p.into_iter().zip(log_q)))
            .map(|((&z, x), (log_p, log_q))| Drawn {
                z,
                x,
                excess: log_q - log_p,
                slope: slope(self.p, x, log_p),
            })
            .collect()
    }

    /// Of every draw; those by the score function take what they are better than from the others.
    fn by(&self, rule: GradientRule, drawn: &[Drawn]) -> Vec<[f64; 2]> {
        let std = self.std;
        let total: f64 = drawn.iter().map(|one| one.excess).sum();
        let others = (drawn.len() - 1) as f64;
        (drawn.iter())
            .map(
                |&Drawn {
                     z, excess, slope, ..
                 }| match rule {
                    // log q at its own draws depends on σ alone.
                    GradientRule::Pathwise => [slope, slope * z + 1.0 / std],
                    GradientRule::ScoreFunction => {
                        // log q of the average has a gradient of its own, 0 on average.
                        let better = (total - excess) / others - excess - 1.0;
                        [better * z / std, better * (z * z - 1.0) / std]
                    }
                    GradientRule::StickingTheLanding => {
                        let through_x = slope + z / std;
                        [through_x, through_x * z]
                    }
                },
            )
            .collect()
    }

    /// Their expectation, by quadrature.
    fn exact(&self) -> [f64; 2] {
        let mut ends: Vec<f64> = [self.p, self.q].into_iter().flat_map(knots).collect();
        ends.retain(|end| (end - self.mean).abs() <= REACH * self.std);
        ends.sort_by(f64::total_cmp);
        let rule = GaussLegendre::new(POINTS);
        let (mut z, mut weights) = (Vec::new(), Vec::new());
        for ends in ends.windows(2) {
            let (middle, half) = (0.5 * (ends[0] + ends[1]), 0.5 * (ends[1] - ends[0]));
            for (node, weight) in rule.iter() {
                let at = (middle + half * node - self.mean) / self.std;
                z.push(at);
                weights.push(half * weight / self.std * (-0.5 * at * at).exp());
            }
        }
        let norm = std::f64::consts::TAU.sqrt();
        let pushes = self.by(GradientRule::StickingTheLanding, &self.at(&z));
        [0, 1].map(|i| {
            let terms = pushes.iter().zip(&weights);
            terms.map(|(push, weight)| push[i] * weight).sum::<f64>() / norm
        })
    }
}

/// ∂ log p / ∂x: that of each component, by its share of the density.
fn slope(p: &Mixture, x: f64, log_p: f64) -> f64 {
    (0..p.components())
        .map(|k| {
            let (mean, std) = (p.means()[k][0], p.component_stds(k)[0]);
            let log = p.weights()[k].ln() + p.component_log_density(k, &[x]);
            (log - log_p).exp() * (mean - x) / (std * std)
        })
        .sum()
}

/// The mean of some pushes, with its standard error.
fn mean(pushes: &[[f64; 2]]) -> MeanPush {
    let n = pushes.len() as f64;
    let mean = [0, 1].map(|i| pushes.iter().map(|push| push[i]).sum::<f64>() / n);
    let error = [0, 1].map(|i| {
        let squares = pushes.iter().map(|push| (push[i] - mean[i]).powi(2));
        (squares.sum::<f64>() / (n - 1.0) / n).sqrt()
    });
    MeanPush {
        draws: pushes.len(),
        mean,
        error,
    }
}
